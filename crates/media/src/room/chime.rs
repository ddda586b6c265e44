//! What members hear when somebody comes and goes.
//!
//! One chime at a time; while it is heard, and a moment behind it, others are left out: a crowd that comes at once is
//! heard to come once.

use audio::mix::Band;
use audio::tone::{Generator, Segment};

/// Two notes, up for who comes and down for who goes.
const CAME: [Segment; 2] = [Segment::one(660, 100), Segment::one(880, 140)];
const WENT: [Segment; 2] = [Segment::one(880, 100), Segment::one(660, 140)];
const LEVEL_DBM0: f32 = -22.0;
/// Ticks without a chime behind one.
const REST: u8 = 25;

#[derive(Debug, Default)]
pub(super) struct Chimes {
    generator: Option<Box<Generator>>,
    frame: Vec<i16>,
    rest: u8,
}

impl Chimes {
    pub(super) fn somebody_came(&mut self) {
        self.begin(&CAME);
    }

    pub(super) fn somebody_went(&mut self) {
        self.begin(&WENT);
    }

    fn begin(&mut self, notes: &[Segment]) {
        if self.generator.is_none() && self.rest == 0 {
            let levels = [LEVEL_DBM0, LEVEL_DBM0];
            let generator = Generator::new(notes, levels, false, Band::Narrow.rate_hz());
            self.generator = Some(Box::new(generator));
        }
    }

    /// The narrow-band frame of this tick, if there is something to be heard.
    pub(super) fn next(&mut self) -> Option<&[i16]> {
        let Some(generator) = &mut self.generator else {
            self.rest = self.rest.saturating_sub(1);
            return None;
        };
        self.frame.clear();
        self.frame.resize(Band::Narrow.frame(), 0);
        generator.fill(&mut self.frame);
        if generator.is_over() {
            self.generator = None;
            self.rest = REST;
        }
        Some(&self.frame)
    }
}
