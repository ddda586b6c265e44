//! What one worker writes down before its peers may see it: bindings, what the event core keeps, call records, and calls
//! that are up.
//!
//! All changes of one turn are appended by one write per journal, before the turn's messages leave. So a
//! kill loses nothing that a peer was told. A journal that fails keeps nobody from calling: what could not
//! be written waits, within a bound, and is tried again each second.

use model::{BindingChange, CallChange, Cdr, Counts, EventChange};
use std::time::Duration;
use store::{BindingAppender, CallAppender, CdrWriter, EventAppender, JournalError};

/// Entries of either kind that wait for a failing disk. About 10 MB.
const WAITING: usize = 10_000;

/// Between two attempts while a journal fails.
const RETRY: Duration = Duration::from_secs(1);

/// The journals of one worker.
pub(crate) struct Records {
    bindings: BindingAppender,
    events: EventAppender,
    cdrs: CdrWriter,
    up: CallAppender,
    checkpoints: Vec<CallChange>,
    kept: Vec<EventChange>,
    changes: Vec<BindingChange>,
    calls: Vec<Cdr>,
    retry_at: Option<Duration>,
}

impl Records {
    /// Nothing waits yet.
    pub(crate) fn new(
        bindings: BindingAppender,
        events: EventAppender,
        cdrs: CdrWriter,
        up: CallAppender,
    ) -> Records {
        Records {
            bindings,
            events,
            cdrs,
            up,
            checkpoints: Vec::new(),
            kept: Vec::new(),
            changes: Vec::new(),
            calls: Vec::new(),
            retry_at: None,
        }
    }

    /// Adds a change to the batch.
    pub(crate) fn binding(&mut self, change: BindingChange) {
        self.changes.push(change);
    }

    /// Adds a change of what the event core keeps to the batch.
    pub(crate) fn event(&mut self, change: EventChange) {
        self.kept.push(change);
    }

    /// Adds a change of a call that is up to the batch.
    pub(crate) fn call(&mut self, change: CallChange) {
        self.checkpoints.push(change);
    }

    /// Adds a record to the batch.
    pub(crate) fn cdr(&mut self, cdr: Cdr) {
        self.calls.push(cdr);
    }

    /// Appends the batch.
    pub(crate) fn commit(&mut self, now: Duration, counts: &mut Counts) {
        let nothing = self.changes.is_empty()
            && self.calls.is_empty()
            && self.kept.is_empty()
            && self.checkpoints.is_empty();
        if nothing || self.retry_at.is_some_and(|at| now < at) {
            return self.shed(counts);
        }
        let first = self.bindings.append(&self.changes).map(|()| self.changes.clear());
        let second = self.cdrs.append(&self.calls).map(|()| self.calls.clear());
        let third = self.events.append(&self.kept).map(|()| self.kept.clear());
        // A call leaves the journal when its record is in the spool, not before.
        let fourth = match &second {
            Ok(()) => self
                .up
                .append(&self.checkpoints)
                .map(|()| self.checkpoints.clear()),
            Err(_) => Ok(()),
        };
        match first.and(second).and(third).and(fourth) {
            Ok(()) if self.retry_at.take().is_some() => tracing::info!("journals are written again"),
            Ok(()) => {}
            Err(error) => self.failed(&error, now),
        }
        self.shed(counts);
    }

    /// When to commit again although nothing new has come.
    pub(crate) fn retry_at(&self) -> Option<Duration> {
        self.retry_at
    }

    fn failed(&mut self, error: &JournalError, now: Duration) {
        if self.retry_at.replace(now + RETRY).is_none() {
            tracing::error!("calls go on, but records wait in memory: {error}");
        }
    }

    /// Lets the oldest go when too many wait.
    fn shed(&mut self, counts: &mut Counts) {
        let changes = self.changes.len().saturating_sub(WAITING);
        let calls = self.calls.len().saturating_sub(WAITING);
        let kept = self.kept.len().saturating_sub(WAITING);
        let checkpoints = self.checkpoints.len().saturating_sub(WAITING);
        self.changes.drain(..changes);
        self.checkpoints.drain(..checkpoints);
        self.kept.drain(..kept);
        self.calls.drain(..calls);
        counts.spool_failed += u64::try_from(changes + calls + kept + checkpoints).unwrap_or(u64::MAX);
    }
}
