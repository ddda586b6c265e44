//! Plays a frame faster or slower by one period of its sound, as a jitter buffer asks for: the pitch stays.
//!
//! Does not own: when that is done.

use crate::clip;
use crate::pitch::Search;

/// Two periods that are less alike than this are not laid over each other: it would be heard.
const ALIKE: f32 = 0.6;
/// Below this mean square there is nothing to be heard, and any length will do (-50 dBov).
const QUIET: f32 = 10_000.0;
/// The blending is at least so long.
const BLEND_MS: usize = 2;

/// Stretches one stream. Holds 35 ms of it.
#[derive(Clone, Debug)]
pub struct Stretcher {
    search: Search,
    blend: usize,
    /// What was played, and behind it the frame in hand.
    recent: Vec<i16>,
}

impl Stretcher {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Stretcher {
        let rate_hz = rate_hz.clamp(8000, 48_000);
        let search = Search::new(rate_hz);
        Stretcher {
            search,
            blend: rate_hz as usize / 1000 * BLEND_MS,
            recent: vec![0; search.needs()],
        }
    }

    /// Takes in a frame that is played as it is.
    pub fn keep(&mut self, frame: &[i16]) {
        let size = self.recent.len();
        let last = frame.get(frame.len().saturating_sub(size)..).unwrap_or_default();
        self.recent.copy_within(last.len().., 0);
        if let Some(end) = self.recent.get_mut(size - last.len()..) {
            end.copy_from_slice(last);
        }
    }

    /// Takes a period out of a frame; gives how many samples are left at its beginning. All of them, when the sound has no
    /// period that fits.
    pub fn shorten(&mut self, frame: &mut [i16]) -> usize {
        self.keep(frame);
        let Some(period) = self.period(frame) else {
            return frame.len();
        };
        let left = frame.len() - period;
        let blend = period.min(left);
        for n in 0..left {
            let (Some(here), Some(there)) = (frame.get(n).copied(), frame.get(n + period).copied()) else {
                break;
            };
            if let Some(sample) = frame.get_mut(n) {
                *sample = mix(here, there, n, blend);
            }
        }
        left
    }

    /// Puts a period into a frame; gives how many samples were written, the frame's own when the sound has no period that
    /// fits, or `output` no room. Room for twice the frame is enough.
    pub fn lengthen(&mut self, frame: &[i16], output: &mut [i16]) -> usize {
        self.keep(frame);
        let period = self.period(frame).filter(|p| frame.len() + p <= output.len());
        let Some(period) = period else {
            output.iter_mut().zip(frame).for_each(|(to, from)| *to = *from);
            return frame.len().min(output.len());
        };
        let blend = period.min(frame.len() - period);
        for (n, to) in output.iter_mut().take(frame.len() + period).enumerate() {
            let here = frame.get(n).copied();
            let before = n.checked_sub(period).and_then(|at| frame.get(at).copied());
            *to = match (here, before) {
                (Some(here), Some(before)) => mix(here, before, n - period, blend),
                (here, before) => here.or(before).unwrap_or_default(),
            };
        }
        frame.len() + period
    }

    /// The period of the frame, if it can be left out or repeated unheard.
    fn period(&self, frame: &[i16]) -> Option<usize> {
        let (period, likeness) = self.search.period(&self.recent);
        let energy: f32 = frame.iter().map(|s| f32::from(*s).powi(2)).sum();
        let is_quiet = energy <= QUIET * frame.len() as f32;
        let fits = period + self.blend <= frame.len();
        ((likeness >= ALIKE || is_quiet) && fits).then_some(period)
    }
}

/// From `a` to `b` over `blend` samples.
fn mix(a: i16, b: i16, at: usize, blend: usize) -> i16 {
    if at >= blend {
        return b;
    }
    let share = (at + 1) as f32 / (blend + 1) as f32;
    clip(f32::from(a) * (1.0 - share) + f32::from(b) * share)
}
