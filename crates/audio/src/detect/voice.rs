//! Does somebody speak? By energy over a noise floor that adapts, with zero crossings to let hisses through.
//!
//! Good enough to find pauses, the loudest speaker of a conference and the end of a message. It does not tell a voice from
//! music.

use super::level::level_dbov;

/// A voice is this far above the noise, dB; a hiss (many zero crossings) less.
const ABOVE_DB: f32 = 9.0;
const HISS_ABOVE_DB: f32 = 6.0;
/// Zero crossings per second of a hiss at least.
const HISS_CROSSINGS: f32 = 4000.0;
/// Nothing below this is a voice, and no noise counts as louder, dBov.
const LEAST_DBOV: f32 = -55.0;
const LOUDEST_NOISE_DBOV: f32 = -30.0;
/// How fast the noise floor rises and falls, dB per second.
const RISE_DB: f32 = 3.0;
const FALL_DB: f32 = 60.0;
/// A voice goes on for so long behind its last loud frame, ms.
const HANGOVER_MS: f32 = 200.0;

/// Samples whose crossings are counted at once.
const PART: usize = 4096;

/// Tells voice from pauses in one stream.
#[derive(Clone, Debug)]
pub struct Voice {
    rate_hz: f32,
    /// The noise floor; the first frame begins it.
    noise_dbov: Option<f32>,
    level_dbov: f32,
    hangover_ms: f32,
    quiet_ms: f32,
}

impl Voice {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Voice {
        Voice {
            rate_hz: rate_hz.clamp(8000, 48000) as f32,
            noise_dbov: None,
            level_dbov: super::SILENCE_DBOV,
            hangover_ms: 0.0,
            quiet_ms: 0.0,
        }
    }

    /// Takes a frame in: is it part of what somebody says?
    pub fn push(&mut self, frame: &[i16]) -> bool {
        let seconds = frame.len() as f32 / self.rate_hz;
        let level = level_dbov(frame);
        self.level_dbov = level;
        let above = if crossings(frame) as f32 > HISS_CROSSINGS * seconds {
            HISS_ABOVE_DB
        } else {
            ABOVE_DB
        };
        let noise = self.noise_dbov.unwrap_or(level.min(LOUDEST_NOISE_DBOV));
        let loud = level > LEAST_DBOV && level > noise + above;
        let step = (level - noise).clamp(-FALL_DB * seconds, RISE_DB * seconds);
        self.noise_dbov = Some((noise + step).clamp(-90.0, LOUDEST_NOISE_DBOV));
        self.hangover_ms = if loud {
            HANGOVER_MS
        } else {
            (self.hangover_ms - seconds * 1000.0).max(0.0)
        };
        let speaking = self.hangover_ms > 0.0;
        self.quiet_ms = if speaking {
            0.0
        } else {
            self.quiet_ms + seconds * 1000.0
        };
        speaking
    }

    /// Level of the last frame, dBov.
    #[must_use]
    pub fn level_dbov(&self) -> f32 {
        self.level_dbov
    }

    /// For how long nobody has spoken, ms; the hangover does not count.
    #[must_use]
    pub fn quiet_ms(&self) -> u32 {
        self.quiet_ms as u32
    }
}

/// How often two neighbours are not both below 0, or both not.
fn crossings(frame: &[i16]) -> usize {
    let mut sum = 0;
    let mut rest = frame;
    // Counted in 16 bits, as many at a time as samples fit into a vector.
    while let Some((part, _)) = rest
        .split_at_checked(rest.len().min(PART))
        .filter(|(part, _)| part.len() > 1)
    {
        let pairs = part.iter().zip(part.iter().skip(1));
        let count = pairs.fold(0_u16, |count, (a, b)| count + (((a ^ b) as u16) >> 15));
        sum += usize::from(count);
        rest = rest.get(part.len() - 1..).unwrap_or_default();
    }
    sum
}
