//! What is known of the streams that a call has beside its audio.
//!
//! Does not own: when they are opened and closed (`streams`).

use model::{Leg, StreamKind, StreamRecord};
use std::net::SocketAddr;

/// Streams of one call, and what was counted of those that are closed.
#[derive(Debug, Default)]
pub(super) struct Streams {
    pub(super) open: Vec<Stream>,
    pub(super) counted: Vec<StreamRecord>,
    /// Whose offer waits for their ports.
    pub(super) asker: Option<Leg>,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) kind: StreamKind,
    /// Those that face caller and callee, once there are some.
    pub(super) addresses: Option<(SocketAddr, SocketAddr)>,
}

/// Records of streams that one call may have: who begins and ends them again and again is not noted for ever.
pub(super) const MOST_RECORDS: usize = 16;

impl Streams {
    /// Our address for a stream that faces a leg.
    pub(super) fn address(&self, kind: StreamKind, leg: Leg) -> Option<SocketAddr> {
        let stream = self.open.iter().find(|stream| stream.kind == kind)?;
        let (caller, callee) = stream.addresses?;
        Some(if leg == Leg::Caller { caller } else { callee })
    }

    /// Are ports being awaited?
    pub(super) fn is_waiting(&self) -> bool {
        self.open.iter().any(|stream| stream.addresses.is_none())
    }

    /// What was counted.
    pub(super) fn take_records(&mut self) -> Vec<StreamRecord> {
        std::mem::take(&mut self.counted)
    }

    /// Forgets one; true when there was one.
    pub(super) fn remove(&mut self, kind: StreamKind) -> bool {
        let before = self.open.len();
        self.open.retain(|stream| stream.kind != kind);
        self.open.len() < before
    }
}
