//! Non-INVITE client transaction (RFC 3261 §17.1.2 and figure 6).

use super::timers::{Io, Report, T1, T1_X64, T2, T4, Timer, Wire, doubled};
use super::{ClientId, ClientInput};
use bytes::Bytes;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum ClientOther {
    /// No response yet.
    Trying {
        request: Bytes,
        interval: Duration,
    },
    /// 1xx came.
    Proceeding {
        request: Bytes,
    },
    /// Final response came; its repetitions are absorbed.
    Completed,
    Terminated,
}

type Next = Option<ClientOther>;

impl ClientOther {
    pub(super) fn start<P: Copy>(
        id: ClientId,
        request: Bytes,
        wire: &mut Wire<P>,
        io: &mut Io<'_, P>,
    ) -> ClientOther {
        wire.send(&request, io);
        if !wire.reliable {
            wire.arm(id, Timer::E, T1, io);
        }
        wire.arm(id, Timer::F, T1_X64, io);
        ClientOther::Trying {
            request,
            interval: T1,
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
            ClientOther::Trying { request, interval } => trying(request, interval, id, input, wire, io),
            ClientOther::Proceeding { request } => proceeding(request, id, input, wire, io),
            ClientOther::Completed => completed(input),
            ClientOther::Terminated => None,
        };
        if let Some(next) = next {
            *self = next;
        }
    }
}

fn trying<P: Copy>(
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
            Some(ClientOther::Proceeding {
                request: request.clone(),
            })
        }
        ClientInput::Timer(Timer::E) => {
            wire.send(request, io);
            *interval = doubled(*interval);
            wire.arm(id, Timer::E, *interval, io);
            None
        }
        _ => either(id, input, wire, io),
    }
}

fn proceeding<P: Copy>(
    request: &Bytes,
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
        ClientInput::Timer(Timer::E) => {
            wire.send(request, io);
            wire.arm(id, Timer::E, T2, io);
            None
        }
        _ => either(id, input, wire, io),
    }
}

/// What Trying and Proceeding have in common: how they end.
fn either<P: Copy>(id: ClientId, input: &ClientInput<'_>, wire: &mut Wire<P>, io: &mut Io<'_, P>) -> Next {
    match input {
        ClientInput::Response(..) => {
            io.report = Report::Deliver;
            wire.stop(io);
            if wire.reliable {
                return Some(ClientOther::Terminated);
            }
            wire.arm(id, Timer::K, T4, io);
            Some(ClientOther::Completed)
        }
        ClientInput::Timer(Timer::F) => {
            io.report = Report::Timeout;
            Some(ClientOther::Terminated)
        }
        ClientInput::TransportError => {
            io.report = Report::TransportError;
            Some(ClientOther::Terminated)
        }
        ClientInput::Timer(_) => None,
    }
}

fn completed(input: &ClientInput<'_>) -> Next {
    match input {
        ClientInput::Timer(Timer::K) | ClientInput::TransportError => Some(ClientOther::Terminated),
        _ => None,
    }
}
