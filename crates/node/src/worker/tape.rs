//! What is said in calls, kept for who has to find out what went wrong, and given to a collector.
//!
//! Owns: when a message is noted, and what its copy for the collector is told beside. Does not own: which call it belongs to
//! (`trace`), the way to the collector (`crate::hep`). Messages of registrations and lamps are not noted.

use crate::hep::{HepDesk, HepItem};
use bytes::Bytes;
use model::{CallLeg, CdrId, Counts, FlowToken, Now, TenantId};
use sip::Message;
use std::sync::Arc;
use std::time::Duration;
use trace::{Capture, Room, Summary, Trace};

/// The capture of a worker.
pub(super) struct Tape {
    capture: Capture,
    hep: Option<Arc<HepDesk>>,
    /// For the collector, with the dialog of each: which call that belongs to is known at the end of the turn.
    waiting: Vec<(u64, HepItem)>,
}

impl Tape {
    /// Nothing yet.
    pub(super) fn new(room: Room, hep: Option<Arc<HepDesk>>) -> Tape {
        Tape {
            capture: Capture::new(room),
            hep,
            waiting: Vec::new(),
        }
    }

    /// A message that a tenant has got.
    pub(super) fn received(&mut self, tenant: TenantId, flow: &FlowToken, message: &Message<'_>, now: Now) {
        let dialog = self.capture.received(tenant, flow, message, now);
        if let (Some(dialog), Some(_)) = (dialog, &self.hep) {
            self.report(dialog, false, flow, Bytes::copy_from_slice(message.bytes()), now);
        }
    }

    /// A message that a tenant sends.
    pub(super) fn sent(&mut self, tenant: TenantId, flow: &FlowToken, bytes: &Bytes, now: Now) {
        let dialog = self.capture.sent(tenant, flow, bytes, now);
        if let (Some(dialog), Some(_)) = (dialog, &self.hep) {
            self.report(dialog, true, flow, bytes.clone(), now);
        }
    }

    fn report(&mut self, dialog: u64, sent: bool, flow: &FlowToken, bytes: Bytes, now: Now) {
        let item = HepItem {
            at: now.wall,
            sent,
            flow: *flow,
            bytes,
            call: None,
        };
        self.waiting.push((dialog, item));
    }

    /// A call has a leg in a dialog.
    pub(super) fn leg(&mut self, tenant: TenantId, leg: &CallLeg, now: Now) {
        tracing::debug!(%tenant, call = %leg.call, record = %leg.record, call_id = %leg.call_id, "a call has a leg");
        self.capture.leg(tenant, leg, now);
    }

    /// A call has left its record.
    pub(super) fn ended(&mut self, tenant: TenantId, record: CdrId) {
        self.capture.ended(tenant, record);
    }

    /// A tenant has lost its calls.
    pub(super) fn lost(&mut self, tenant: TenantId) {
        self.capture.lost(tenant);
    }

    /// Gives the collector what was said in this turn.
    pub(super) fn flush(&mut self) {
        let Some(hep) = &self.hep else { return };
        for (dialog, mut item) in self.waiting.drain(..) {
            item.call = self.capture.record_of(dialog);
            hep.offer(item);
        }
    }

    /// When something has been kept for long enough.
    pub(super) fn next_deadline(&self) -> Option<Duration> {
        self.capture.poll_timeout()
    }

    /// Gives that up.
    pub(super) fn expire(&mut self, now: Duration) {
        if self.capture.poll_timeout().is_some_and(|at| at <= now) {
            self.capture.handle_timeout(now);
        }
    }

    /// What is kept of a tenant's calls.
    pub(super) fn list(&self, tenant: TenantId) -> Vec<Summary> {
        self.capture.list(tenant)
    }

    /// What is kept of one call, with everything in it.
    pub(super) fn trace(&self, tenant: TenantId, name: &str) -> Option<Trace> {
        self.capture.trace(tenant, name)
    }

    /// Adds what it has counted, and gives the octets that it holds.
    pub(super) fn count(&self, counts: &mut Counts) -> usize {
        counts.traces_dropped += self.capture.dropped();
        self.capture.octets()
    }
}
