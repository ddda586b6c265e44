//! The period of the most recent sound, by normalised cross-correlation.

/// Shortest period that is looked for: 400 Hz.
const SHORTEST_MS: f32 = 2.5;
/// Longest period that is looked for: 66 Hz.
const LONGEST_MS: f32 = 15.0;
/// What is compared with what lies a period before.
const WINDOW_MS: f32 = 20.0;

/// The search at one sample rate.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Search {
    shortest: usize,
    longest: usize,
    window: usize,
    /// Every so many samples are looked at in the first pass.
    coarse: usize,
}

impl Search {
    pub(crate) fn new(rate_hz: u32) -> Search {
        let samples = |ms: f32| (rate_hz as f32 * ms / 1000.0) as usize;
        Search {
            shortest: samples(SHORTEST_MS).max(2),
            longest: samples(LONGEST_MS).max(3),
            window: samples(WINDOW_MS).max(4),
            coarse: (rate_hz as usize / 4000).max(1),
        }
    }

    /// Samples of history that the search looks at.
    pub(crate) fn needs(&self) -> usize {
        self.longest + self.window
    }

    /// The period of the end of `history`, samples, and how alike the two stretches are: 1 for a periodic sound, near 0 for
    /// noise. A history that is too short gives the longest period that fits, with likeness 0.
    pub(crate) fn period(&self, history: &[i16]) -> (usize, f32) {
        if history.len() < self.needs() {
            return (self.longest.min(history.len()), 0.0);
        }
        let lags = (self.shortest..=self.longest).step_by(self.coarse);
        let rough = self.best(history, lags, self.coarse);
        let near = rough.0.saturating_sub(self.coarse - 1).max(self.shortest)
            ..=(rough.0 + self.coarse - 1).min(self.longest);
        self.best(history, near, 1)
    }

    fn best(&self, history: &[i16], lags: impl Iterator<Item = usize>, step: usize) -> (usize, f32) {
        let mut best = (self.longest, -1.0_f32);
        // Of the recent stretch the energy is the same whatever it is compared with.
        let recent = history.get(history.len() - self.window..).unwrap_or_default();
        let square = |own: f32, a: &i16| own + f32::from(*a) * f32::from(*a);
        let own = recent.iter().step_by(step).fold(1.0_f32, square);
        for lag in lags {
            let likeness = self.likeness((history, own), lag, step);
            // A multiple of the period is as alike as the period: the shortest wins unless it is worse.
            if likeness > best.1 + 0.002 {
                best = (lag, likeness);
            }
        }
        best
    }

    fn likeness(&self, (history, own): (&[i16], f32), lag: usize, step: usize) -> f32 {
        let end = history.len();
        let recent = history.get(end - self.window..).unwrap_or_default();
        let before = history
            .get(end - self.window - lag..end - lag)
            .unwrap_or_default();
        let (mut cross, mut energy) = (0.0_f32, 1.0_f32);
        for (a, b) in recent.iter().zip(before).step_by(step) {
            let (a, b) = (f32::from(*a), f32::from(*b));
            cross += a * b;
            energy += b * b;
        }
        cross / (energy * own).sqrt()
    }
}
