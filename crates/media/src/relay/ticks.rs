//! When ticks come, and which sessions have them.
//!
//! Does not own: what a tick does (`process`).

use crate::engine::Beat;
use crate::tick::TICK;
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Ticks that a session has in a row, where it does not have each at its time.
const ROW: u64 = 10;
/// A tick that begins so much after its time is late: half of what it lasts.
const LATE: Duration = Duration::from_millis(10);

/// Sessions tick together, so that one wake-up serves them all. Those that have ticks in rows have them by turns.
#[derive(Debug, Default)]
pub(super) struct Ticks {
    each: BTreeSet<usize>,
    /// By the ticks that end their rows, modulo [`ROW`].
    rows: BTreeSet<(u64, usize)>,
    due: Option<Duration>,
    /// Since start.
    pub(super) made: u64,
    pub(super) late: u64,
    /// The last ones, as many as make a row.
    recent: VecDeque<Duration>,
}

impl Ticks {
    /// A session has these ticks from now on.
    pub(super) fn set(&mut self, slot: usize, beat: Beat, now: Duration) {
        let (row, each) = (beat == Beat::Rows, beat == Beat::Each);
        keep(&mut self.each, slot, each);
        keep(&mut self.rows, (phase(slot), slot), row);
        self.due = match self.len() {
            0 => None,
            _ => self.due.or_else(|| Some(tick_after(now))),
        };
    }

    /// How many sessions have ticks.
    pub(super) fn len(&self) -> usize {
        self.each.len().saturating_add(self.rows.len())
    }

    /// When the next one is due.
    pub(super) fn due(&self) -> Option<Duration> {
        self.due
    }

    /// The next one that is due by now, whose time has come.
    pub(super) fn take(&mut self, now: Duration) -> Option<Duration> {
        let at = self.is_due(now)?;
        self.made = self.made.saturating_add(1);
        self.due = Some(at.saturating_add(TICK));
        while self.recent.len() as u64 >= ROW {
            self.recent.pop_front();
        }
        self.recent.push_back(at);
        Some(at)
    }

    /// Leaves out what is still due by now.
    pub(super) fn leave_out(&mut self, now: Duration) {
        if self.is_due(now).is_some() {
            self.due = Some(tick_after(now));
        }
    }

    /// The next one, if it is due by now; counts it where it is late.
    fn is_due(&mut self, now: Duration) -> Option<Duration> {
        let due = self.due.filter(|due| *due <= now)?;
        self.late += u64::from(now.saturating_sub(due) >= LATE);
        Some(due)
    }

    /// Those who have each tick.
    pub(super) fn each(&self) -> impl Iterator<Item = usize> + '_ {
        self.each.iter().copied()
    }

    /// Those whose row ends with the tick that was made last.
    pub(super) fn row(&self) -> impl Iterator<Item = usize> + '_ {
        let phase = self.made % ROW;
        self.rows
            .range((phase, 0)..=(phase, usize::MAX))
            .map(|(_, slot)| *slot)
    }

    /// Does this one's row end with the tick that was made last, or would it?
    pub(super) fn is_end(&self, slot: usize) -> bool {
        self.made % ROW == phase(slot)
    }

    /// The tick that was made last.
    pub(super) fn last(&self) -> Duration {
        self.recent.back().copied().unwrap_or_default()
    }

    /// The first one behind this one; no more are remembered than a row.
    pub(super) fn after(&self, tick: Duration) -> Option<Duration> {
        self.recent.iter().copied().find(|at| *at > tick)
    }
}

fn phase(slot: usize) -> u64 {
    slot as u64 % ROW
}

fn keep<T: Ord>(set: &mut BTreeSet<T>, what: T, is_kept: bool) {
    if is_kept {
        set.insert(what);
    } else {
        set.remove(&what);
    }
}

fn tick_after(now: Duration) -> Duration {
    let over = now.as_nanos() % TICK.as_nanos();
    let over = Duration::from_nanos(u64::try_from(over).unwrap_or(0));
    now.saturating_sub(over).saturating_add(TICK)
}
