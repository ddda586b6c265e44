//! Tones by which fax machines are known: ITU-T T.30 §4.3 (CNG, 1100 Hz from who calls) and V.25 (CED, 2100 Hz from who
//! answers, also with the phase reversals of V.8).

use super::goertzel::{Bank, Line};
use crate::tone::FULL_SCALE_DBM0;

/// Half a block.
const HALF_MS: u32 = 5;
/// Share of the energy that the sine holds.
const SHARE: f32 = 0.55;
/// The weakest tone, dBm0; one that is off by 38 Hz looks 2 dB weaker.
const LEAST_DBM0: f32 = -43.0;
/// CNG: 1100 Hz ± 38 Hz for half a second; a voice that holds 1100 Hz for 400 ms is none.
const CNG: Kind = Kind {
    tone: FaxTone::Calling,
    tolerance_hz: 42.0,
    blocks: 400 / HALF_MS,
};
/// CED: 2100 Hz ± 15 Hz for 2.6 to 4 s.
const CED: Kind = Kind {
    tone: FaxTone::Answering,
    tolerance_hz: 20.0,
    blocks: 500 / HALF_MS,
};
/// Blocks without the tone that are borne: a reversal of the phase takes two.
const GAP: u32 = 4;

/// Who is a fax machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FaxTone {
    /// The caller: CNG.
    Calling,
    /// The answerer, or a modem: CED.
    Answering,
}

#[derive(Clone, Copy, Debug)]
struct Kind {
    tone: FaxTone,
    tolerance_hz: f32,
    blocks: u32,
}

/// How long a tone has been there.
#[derive(Clone, Copy, Debug, Default)]
struct Run {
    blocks: u32,
    gap: u32,
}

impl Run {
    /// Is it, with this block, just long enough?
    fn follow(&mut self, there: bool, wanted: u32) -> bool {
        if there {
            self.gap = 0;
            self.blocks = self.blocks.saturating_add(1);
            return self.blocks == wanted;
        }
        self.gap += 1;
        if self.gap > GAP {
            *self = Run::default();
        }
        false
    }
}

/// Hears fax machines in one stream.
#[derive(Clone, Debug)]
pub struct Fax {
    bank: Bank<2>,
    least: f32,
    runs: [Run; 2],
}

impl Fax {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Fax {
        let rate_hz = rate_hz.clamp(8000, 48000);
        let half = (rate_hz / 1000 * HALF_MS) as usize;
        let peak = 32768.0 * 10_f32.powf((LEAST_DBM0 - FULL_SCALE_DBM0) / 20.0);
        Fax {
            bank: Bank::new([1100, 2100], rate_hz, half),
            least: peak * peak * half as f32,
            runs: [Run::default(); 2],
        }
    }

    /// Listens to samples, any number of them, and tells each tone once as soon as it is certain.
    pub fn push(&mut self, mut samples: &[i16], mut tell: impl FnMut(FaxTone)) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(self.bank.missing().min(samples.len()));
            samples = later;
            let Some((energy, lines)) = self.bank.push(now) else {
                continue;
            };
            for ((line, run), kind) in lines.iter().zip(&mut self.runs).zip([CNG, CED]) {
                let there = is_there(line, energy, self.least, kind.tolerance_hz);
                if run.follow(there, kind.blocks) {
                    tell(kind.tone);
                }
            }
        }
    }
}

fn is_there(line: &Line, energy: f32, least: f32, tolerance_hz: f32) -> bool {
    line.energy >= least && line.energy >= energy * SHARE && line.offset_hz.abs() <= tolerance_hz
}
