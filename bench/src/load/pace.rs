//! When the next operation may start.
//!
//! Owns: the closed loop (a window) and the open loop (a rate, capped by a window).

use std::time::Duration;

/// A plan for one phase.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    total: u32,
    rate: f64,
    window: u32,
    started: u32,
}

impl Pace {
    /// `rate` a second, or 0 for as fast as `window` operations at once allow.
    pub(super) fn new(total: u32, rate: f64, window: u32) -> Pace {
        Pace {
            total,
            rate,
            window,
            started: 0,
        }
    }

    /// How many may start now, `elapsed` after the beginning, with `busy` in flight. Few at a time, so that
    /// answers are read between them.
    pub(super) fn due(&self, elapsed: Duration, busy: usize) -> u32 {
        const AT_ONCE: u32 = 64;
        let by_now = if self.rate > 0.0 {
            ((elapsed.as_secs_f64() * self.rate) as u32).min(self.total)
        } else {
            self.total
        };
        let room = self
            .window
            .saturating_sub(u32::try_from(busy).unwrap_or(u32::MAX));
        by_now.saturating_sub(self.started).min(room).min(AT_ONCE)
    }

    /// Counts one start and gives its number, from 0.
    pub(super) fn start(&mut self) -> u32 {
        self.started += 1;
        self.started - 1
    }

    /// Everything was started.
    pub(super) fn is_done(&self) -> bool {
        self.started >= self.total
    }

    /// How long the generator may sleep when nothing arrives.
    pub(super) fn nap(&self) -> Duration {
        Duration::from_millis(if self.rate > 0.0 && !self.is_done() { 1 } else { 10 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_caps_and_a_rate_spreads() {
        let mut closed = Pace::new(100, 0.0, 16);
        assert_eq!(closed.due(Duration::ZERO, 0), 16);
        assert_eq!(closed.due(Duration::ZERO, 15), 1);
        assert_eq!(closed.due(Duration::ZERO, 40), 0);
        for _ in 0..98 {
            closed.start();
        }
        assert_eq!(closed.due(Duration::ZERO, 0), 2);
        let open = Pace::new(100, 10.0, 16);
        assert_eq!(open.due(Duration::from_millis(350), 0), 3);
        assert_eq!(open.due(Duration::from_secs(60), 0), 16);
    }
}
