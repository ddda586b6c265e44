//! INVITE client transaction (RFC 3261 §17.1.1 and figure 5, as corrected by RFC 6026 §7.2).
//!
//! It acknowledges final responses of 300 and above by itself. The ACK to a 2xx is the user's, who gets every 2xx:
//! of the same fork again, or of another one.

use super::timers::{Io, Report, T1, T1_X64, TIMER_D, Timer, Wire};
use super::{ClientId, ClientInput, ack};
use bytes::Bytes;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum ClientInvite {
    /// No response yet. `cancel` waits for the first one (§9.1); it holds the Reason of the CANCEL.
    Calling {
        request: Bytes,
        interval: Duration,
        cancel: Option<Option<Box<str>>>,
    },
    /// 1xx came. Only the head of the request is kept, to make ACK and CANCEL from.
    Proceeding {
        head: Bytes,
    },
    /// 300–699 came; its repetitions are acknowledged.
    Completed {
        ack: Option<Bytes>,
    },
    /// 2xx came; so may others.
    Accepted,
    Terminated,
}

type Next = Option<ClientInvite>;

impl ClientInvite {
    pub(super) fn start<P: Copy>(
        id: ClientId,
        request: Bytes,
        wire: &mut Wire<P>,
        io: &mut Io<'_, P>,
    ) -> ClientInvite {
        wire.send(&request, io);
        if !wire.reliable {
            wire.arm(id, Timer::A, T1, io);
        }
        wire.arm(id, Timer::B, T1_X64, io);
        ClientInvite::Calling {
            request,
            interval: T1,
            cancel: None,
        }
    }

    pub(super) fn step<P: Copy>(
        &mut self,
        id: ClientId,
        input: &ClientInput<'_>,
        wire: &mut Wire<P>,
        io: &mut Io<'_, P>,
    ) {
        let next = match self {
            ClientInvite::Calling {
                request, interval, ..
            } => calling(request, interval, id, input, wire, io),
            ClientInvite::Proceeding { head } => proceeding(head, id, input, wire, io),
            ClientInvite::Completed { ack } => completed(ack.as_ref(), input, wire, io),
            ClientInvite::Accepted => accepted(input, io),
            ClientInvite::Terminated => None,
        };
        if let Some(next) = next {
            *self = next;
        }
    }
}

fn calling<P: Copy>(
    request: &Bytes,
    interval: &mut Duration,
    id: ClientId,
    input: &ClientInput<'_>,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ClientInput::Response(..200, _) => {
            io.report = Report::Deliver;
            wire.stop(io);
            Some(ClientInvite::Proceeding {
                head: ack::head(request),
            })
        }
        ClientInput::Timer(Timer::A) => {
            wire.send(request, io);
            *interval = interval.saturating_mul(2);
            wire.arm(id, Timer::A, *interval, io);
            None
        }
        ClientInput::Timer(Timer::B) => {
            io.report = Report::Timeout;
            Some(ClientInvite::Terminated)
        }
        _ => either(request, id, input, wire, io),
    }
}

fn proceeding<P: Copy>(
    head: &Bytes,
    id: ClientId,
    input: &ClientInput<'_>,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ClientInput::Response(..200, _) => {
            io.report = Report::Deliver;
            None
        }
        ClientInput::Timer(Timer::Cancelled) => {
            io.report = Report::Timeout;
            Some(ClientInvite::Terminated)
        }
        _ => either(head, id, input, wire, io),
    }
}

/// What Calling and Proceeding have in common: final responses and failure.
fn either<P: Copy>(
    request: &Bytes,
    id: ClientId,
    input: &ClientInput<'_>,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ClientInput::Response(200..300, _) => {
            io.report = Report::Deliver;
            wire.stop(io);
            wire.arm(id, Timer::M, T1_X64, io);
            Some(ClientInvite::Accepted)
        }
        ClientInput::Response(_, response) => {
            io.report = Report::Deliver;
            wire.stop(io);
            let ack = ack::ack(request, response);
            ack.iter().for_each(|ack| wire.send(ack, io));
            if wire.reliable {
                return Some(ClientInvite::Terminated);
            }
            wire.arm(id, Timer::D, TIMER_D, io);
            Some(ClientInvite::Completed { ack })
        }
        ClientInput::TransportError => {
            io.report = Report::TransportError;
            Some(ClientInvite::Terminated)
        }
        ClientInput::Timer(_) => None,
    }
}

fn completed<P: Copy>(
    ack: Option<&Bytes>,
    input: &ClientInput<'_>,
    wire: &Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ClientInput::Response(300.., _) => {
            ack.iter().for_each(|ack| wire.send(ack, io));
            None
        }
        ClientInput::Timer(Timer::D) | ClientInput::TransportError => Some(ClientInvite::Terminated),
        _ => None,
    }
}

fn accepted<P>(input: &ClientInput<'_>, io: &mut Io<'_, P>) -> Next {
    match input {
        ClientInput::Response(200..300, _) => io.report = Report::Deliver,
        // Copies of the 2xx may come another way, for its ACK went down with the connection; timer M bounds the wait.
        ClientInput::TransportError => {}
        ClientInput::Timer(Timer::M) => return Some(ClientInvite::Terminated),
        _ => {}
    }
    None
}
