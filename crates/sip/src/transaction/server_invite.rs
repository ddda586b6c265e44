//! INVITE server transaction (RFC 3261 §17.2.1 and figure 7, as corrected by RFC 6026 §7.1).
//!
//! Beyond the figure it repeats a 2xx by itself until the user says that its ACK came (§13.3.1.4): on every
//! transport, for the 2xx may have to cross others behind the first hop.

use super::timers::{Io, Report, T1, T1_X64, T4, Timer, Wire, doubled};
use super::{ServerId, ServerInput};
use bytes::Bytes;
use std::time::Duration;

#[derive(Debug)]
pub(super) enum ServerInvite {
    /// No final response yet.
    Proceeding {
        last: Option<Bytes>,
    },
    /// 300–699 sent, ACK awaited.
    Completed {
        response: Bytes,
        interval: Duration,
    },
    /// ACK came; its repetitions are absorbed.
    Confirmed,
    /// 2xx sent; repetitions of the INVITE are absorbed. The response is kept until it is acknowledged.
    Accepted {
        response: Option<Bytes>,
        interval: Duration,
    },
    Terminated,
}

/// The state to go to, if any.
type Next = Option<ServerInvite>;

impl ServerInvite {
    pub(super) fn step<P: Copy>(
        &mut self,
        id: ServerId,
        input: ServerInput,
        wire: &mut Wire<P>,
        io: &mut Io<'_, P>,
    ) {
        let next = match self {
            ServerInvite::Proceeding { last } => proceeding(last, id, input, wire, io),
            ServerInvite::Completed { response, interval } => {
                completed(response, interval, id, input, wire, io)
            }
            ServerInvite::Confirmed => confirmed(input),
            ServerInvite::Accepted { response, interval } => {
                accepted(response, interval, id, input, wire, io)
            }
            ServerInvite::Terminated => None,
        };
        if let Some(next) = next {
            *self = next;
        }
    }
}

fn proceeding<P: Copy>(
    last: &mut Option<Bytes>,
    id: ServerId,
    input: ServerInput,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ServerInput::Request => {
            last.iter().for_each(|response| wire.send(response, io));
            None
        }
        ServerInput::Respond(..200, response) => {
            wire.send(&response, io);
            *last = Some(response);
            None
        }
        ServerInput::Respond(200..300, response) => {
            wire.send(&response, io);
            wire.arm(id, Timer::Success, T1, io);
            wire.arm(id, Timer::L, T1_X64, io);
            Some(ServerInvite::Accepted {
                response: Some(response),
                interval: T1,
            })
        }
        ServerInput::Respond(_, response) => {
            wire.send(&response, io);
            if !wire.reliable {
                wire.arm(id, Timer::G, T1, io);
            }
            wire.arm(id, Timer::H, T1_X64, io);
            Some(ServerInvite::Completed {
                response,
                interval: T1,
            })
        }
        ServerInput::TransportError => {
            io.report = Report::TransportError;
            Some(ServerInvite::Terminated)
        }
        ServerInput::Ack | ServerInput::Acked | ServerInput::Timer(_) => None,
    }
}

fn completed<P: Copy>(
    response: &Bytes,
    interval: &mut Duration,
    id: ServerId,
    input: ServerInput,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ServerInput::Request => {
            wire.send(response, io);
            None
        }
        ServerInput::Timer(Timer::G) => {
            wire.send(response, io);
            *interval = doubled(*interval);
            wire.arm(id, Timer::G, *interval, io);
            None
        }
        ServerInput::Ack => {
            io.report = Report::Deliver;
            wire.stop(io);
            if wire.reliable {
                return Some(ServerInvite::Terminated);
            }
            wire.arm(id, Timer::I, T4, io);
            Some(ServerInvite::Confirmed)
        }
        ServerInput::Timer(Timer::H) => {
            io.report = Report::AckTimeout;
            Some(ServerInvite::Terminated)
        }
        ServerInput::TransportError => Some(ServerInvite::Terminated),
        ServerInput::Respond(..) | ServerInput::Acked | ServerInput::Timer(_) => None,
    }
}

fn confirmed(input: ServerInput) -> Next {
    match input {
        ServerInput::Timer(Timer::I) | ServerInput::TransportError => Some(ServerInvite::Terminated),
        _ => None,
    }
}

fn accepted<P: Copy>(
    response: &mut Option<Bytes>,
    interval: &mut Duration,
    id: ServerId,
    input: ServerInput,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ServerInput::Respond(200..300, again) => wire.send(&again, io),
        ServerInput::Ack => io.report = Report::Deliver,
        ServerInput::Acked => {
            *response = None;
            wire.hush(io);
        }
        ServerInput::Timer(Timer::Success) => {
            response.iter().for_each(|response| wire.send(response, io));
            *interval = doubled(*interval);
            wire.arm(id, Timer::Success, *interval, io);
        }
        ServerInput::Timer(Timer::L) => {
            if response.is_some() {
                io.report = Report::AckTimeout;
            }
            return Some(ServerInvite::Terminated);
        }
        // The ACK may still come another way, so this is told but ends nothing (RFC 6026 §7.1).
        ServerInput::TransportError if response.is_some() => io.report = Report::TransportError,
        _ => {}
    }
    None
}
