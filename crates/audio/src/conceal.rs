//! Concealment of lost frames for codecs that have none of their own (G.711, G.722): the last period of the sound is
//! repeated, faded out over 60 ms, and blended into what comes next. The idea is that of G.711 appendix I, without its delay:
//! no sample that was given out is changed later.
//!
//! Does not own: which frame is lost.

use crate::clip;
use crate::pitch::Search;

/// A loss is silent after this.
const FADE_END_MS: u32 = 60;
/// The beginning of a loss that is played at full strength.
const FADE_START_MS: u32 = 10;
/// Blending into the first frame after a loss; a long loss takes as much again per 10 ms, up to the limit.
const BLEND_MS: u32 = 4;
const BLEND_MAX_MS: u32 = 10;

/// Hides the losses of one stream. Holds 35 ms of it.
#[derive(Clone, Debug)]
pub struct Concealer {
    rate_hz: u32,
    search: Search,
    /// The most recent samples given out, oldest first.
    history: Vec<i16>,
    /// The period that is being repeated, and the place in it.
    cycle: Vec<f32>,
    at: usize,
    /// Samples made up since the last frame that was received.
    invented: usize,
}

impl Concealer {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Concealer {
        let rate_hz = rate_hz.clamp(8000, 48000);
        let search = Search::new(rate_hz);
        Concealer {
            rate_hz,
            search,
            history: vec![0; search.needs() + 1],
            cycle: Vec::with_capacity(search.needs()),
            at: 0,
            invented: 0,
        }
    }

    /// Takes in a frame that was received. After a loss its beginning is blended with the repetition.
    pub fn received(&mut self, frame: &mut [i16]) {
        if self.invented > 0 {
            self.blend(frame);
            self.invented = 0;
        }
        self.remember(frame);
    }

    /// Fills a frame that was lost.
    pub fn lost(&mut self, frame: &mut [i16]) {
        if self.invented == 0 {
            self.begin();
        }
        for sample in frame.iter_mut() {
            *sample = clip(self.next());
        }
        self.remember(frame);
    }

    /// Has nothing been received for so long that the loss has become silence?
    #[must_use]
    pub fn is_silent(&self) -> bool {
        self.invented >= self.samples(FADE_END_MS)
    }

    fn samples(&self, ms: u32) -> usize {
        (self.rate_hz / 1000 * ms) as usize
    }

    /// Cuts the last period out. The step from its end to its beginning is taken out of its first quarter, so that the
    /// repetition is continuous with the history and with itself.
    fn begin(&mut self) {
        let (period, _) = self.search.period(&self.history);
        let start = self.history.len() - period;
        let (before, last) = self.history.split_at(start);
        let step = match (before.last(), last.last()) {
            (Some(a), Some(b)) => f32::from(*b) - f32::from(*a),
            _ => 0.0,
        };
        let quarter = (period / 4).max(1) as f32;
        self.cycle.clear();
        self.cycle.extend(last.iter().enumerate().map(|(n, sample)| {
            let share = (1.0 - n as f32 / quarter).max(0.0);
            f32::from(*sample) + step * share
        }));
        self.at = 0;
    }

    fn next(&mut self) -> f32 {
        let sample = self.cycle.get(self.at).copied().unwrap_or_default();
        self.at += 1;
        if self.at >= self.cycle.len() {
            self.at = 0;
        }
        let (start, end) = (self.samples(FADE_START_MS), self.samples(FADE_END_MS));
        let left = end.saturating_sub(self.invented.max(start));
        self.invented = self.invented.saturating_add(1);
        sample * left as f32 / (end - start) as f32
    }

    fn blend(&mut self, frame: &mut [i16]) {
        let tens = self.invented / self.samples(10).max(1);
        let ms = (BLEND_MS * (tens as u32).clamp(1, BLEND_MAX_MS)).min(BLEND_MAX_MS);
        let length = self.samples(ms).min(frame.len());
        for (n, sample) in frame.iter_mut().take(length).enumerate() {
            let share = (n + 1) as f32 / (length + 1) as f32;
            *sample = clip(f32::from(*sample) * share + self.next() * (1.0 - share));
        }
    }

    fn remember(&mut self, frame: &[i16]) {
        let size = self.history.len();
        let recent = frame.get(frame.len().saturating_sub(size)..).unwrap_or_default();
        self.history.copy_within(recent.len().., 0);
        if let Some(end) = self.history.get_mut(size - recent.len()..) {
            end.copy_from_slice(recent);
        }
    }
}
