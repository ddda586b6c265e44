//! The timers of transactions (RFC 3261 table 4, RFC 6026 §7) and what a machine does its work with.
//!
//! Owns: the durations, the names of timers, and the wire side of one transaction: its peer and its armed timers.
//! Does not own: any state machine.

use super::TransactionId;
use crate::timer::{TimerId, Wheel};
use bytes::Bytes;
use std::collections::VecDeque;
use std::time::Duration;

/// Estimate of the round trip: the first retransmission comes this late.
pub const T1: Duration = Duration::from_millis(500);
/// Longest pause between retransmissions of a non-INVITE request or an INVITE response.
pub const T2: Duration = Duration::from_secs(4);
/// Longest life of a message in the network.
pub const T4: Duration = Duration::from_secs(5);
/// How long a transaction waits for its other side: timers B, F, H, J, L, M.
pub const T1_X64: Duration = Duration::from_secs(32);
/// How long an INVITE client absorbs retransmitted final responses on an unreliable transport.
pub const TIMER_D: Duration = Duration::from_secs(32);

/// Which timer fired, by its name in the RFCs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Timer {
    /// INVITE request again.
    A,
    /// No response to an INVITE.
    B,
    /// End of absorbing responses to an INVITE.
    D,
    /// Non-INVITE request again.
    E,
    /// No final response to a non-INVITE.
    F,
    /// INVITE response of 300 and above again.
    G,
    /// No ACK.
    H,
    /// End of absorbing ACKs.
    I,
    /// End of absorbing non-INVITE requests.
    J,
    /// End of absorbing non-INVITE responses.
    K,
    /// End of absorbing INVITEs after a 2xx (RFC 6026).
    L,
    /// End of passing on 2xx (RFC 6026).
    M,
    /// 2xx again (RFC 3261 §13.3.1.4).
    Success,
    /// No final response after CANCEL (RFC 3261 §9.1).
    Cancelled,
}

impl Timer {
    /// True for those that send again, false for those that end a state.
    fn repeats(self) -> bool {
        matches!(self, Timer::A | Timer::E | Timer::G | Timer::Success)
    }
}

#[derive(Debug)]
pub(super) struct Alarm {
    pub(super) id: TransactionId,
    pub(super) timer: Timer,
}

/// What the transaction user must hear of a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Report {
    #[default]
    Nothing,
    /// The message that came in is the user's.
    Deliver,
    /// Nobody answered in time.
    Timeout,
    /// A final response was not acknowledged in time.
    AckTimeout,
    TransportError,
}

/// Where the effects of a step go.
pub(super) struct Io<'a, P> {
    pub(super) out: &'a mut VecDeque<(P, Bytes)>,
    pub(super) wheel: &'a mut Wheel<Alarm>,
    pub(super) now: Duration,
    pub(super) report: Report,
}

/// The wire side of one transaction. At most one repeating and one ending timer are armed at a time.
#[derive(Debug)]
pub(super) struct Wire<P> {
    pub(super) peer: P,
    pub(super) reliable: bool,
    again: Option<TimerId>,
    end: Option<TimerId>,
}

impl<P: Copy> Wire<P> {
    pub(super) fn new(peer: P, reliable: bool) -> Wire<P> {
        Wire {
            peer,
            reliable,
            again: None,
            end: None,
        }
    }

    pub(super) fn send(&self, bytes: &Bytes, io: &mut Io<'_, P>) {
        io.out.push_back((self.peer, bytes.clone()));
    }

    /// Arms a timer; it takes the place of one of its kind.
    pub(super) fn arm(
        &mut self,
        id: impl Into<TransactionId>,
        timer: Timer,
        after: Duration,
        io: &mut Io<'_, P>,
    ) {
        let armed = io
            .wheel
            .insert(io.now.saturating_add(after), Alarm { id: id.into(), timer });
        let before = self.slot(timer).replace(armed);
        before.and_then(|old| io.wheel.cancel(old));
    }

    /// Notes that a timer fired.
    pub(super) fn fired(&mut self, timer: Timer) {
        *self.slot(timer) = None;
    }

    /// True while a timer is armed that will end the state.
    pub(super) fn ends(&self) -> bool {
        self.end.is_some()
    }

    /// Stops retransmissions.
    pub(super) fn hush(&mut self, io: &mut Io<'_, P>) {
        self.again.take().and_then(|old| io.wheel.cancel(old));
    }

    /// Stops every timer.
    pub(super) fn stop(&mut self, io: &mut Io<'_, P>) {
        self.hush(io);
        self.end.take().and_then(|old| io.wheel.cancel(old));
    }

    fn slot(&mut self, timer: Timer) -> &mut Option<TimerId> {
        if timer.repeats() {
            &mut self.again
        } else {
            &mut self.end
        }
    }
}

/// The next pause: doubled, at most T2.
pub(super) fn doubled(interval: Duration) -> Duration {
    interval.saturating_mul(2).min(T2)
}
