//! How a duration is spread, in logarithmic steps: percentiles for an addition per packet.
//!
//! Four steps to an octave from 0.5 ms to a second, so a percentile is at most 25 % too high.

/// Octaves below this are one step: less than 512 µs.
const FIRST_OCTAVE: u32 = 9;
const STEPS: usize = 46;

/// Counts by step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Spread([u32; STEPS]);

impl Default for Spread {
    fn default() -> Spread {
        Spread([0; STEPS])
    }
}

impl Spread {
    /// Takes one duration in, microseconds.
    pub(crate) fn add(&mut self, us: u64) {
        if let Some(count) = self.0.get_mut(step(us)) {
            *count = count.saturating_add(1);
        }
    }

    /// The duration that so many thousandths do not exceed, microseconds; 0 when there was none.
    pub(crate) fn quantile(&self, milli: u64) -> u32 {
        let all: u64 = self.0.iter().map(|count| u64::from(*count)).sum();
        let wanted = all.saturating_mul(milli).div_ceil(1000).max(1);
        let mut sum = 0;
        for (step, count) in self.0.iter().enumerate() {
            sum += u64::from(*count);
            if sum >= wanted {
                return end(step);
            }
        }
        0
    }
}

fn step(us: u64) -> usize {
    let octave = us.checked_ilog2().unwrap_or(0);
    if octave < FIRST_OCTAVE {
        return 0;
    }
    let quarter = us >> (octave - 2) & 3;
    let step = u64::from(octave - FIRST_OCTAVE) * 4 + quarter + 1;
    usize::try_from(step).unwrap_or(STEPS).min(STEPS - 1)
}

/// The end of a step, microseconds.
fn end(step: usize) -> u32 {
    let step = u32::try_from(step).unwrap_or(0);
    (4 + step % 4) << (FIRST_OCTAVE - 2 + step / 4)
}
