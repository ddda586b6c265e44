//! Non-INVITE server transaction (RFC 3261 §17.2.2 and figure 8).

use super::timers::{Io, Report, T1_X64, Timer, Wire};
use super::{ServerId, ServerInput};
use bytes::Bytes;

#[derive(Debug)]
pub(super) enum ServerOther {
    /// No response yet.
    Trying,
    /// 1xx sent.
    Proceeding {
        response: Bytes,
    },
    /// Final response sent; it answers repetitions of the request.
    Completed {
        response: Bytes,
    },
    Terminated,
}

type Next = Option<ServerOther>;

impl ServerOther {
    pub(super) fn step<P: Copy>(
        &mut self,
        id: ServerId,
        input: ServerInput,
        wire: &mut Wire<P>,
        io: &mut Io<'_, P>,
    ) {
        let next = match self {
            ServerOther::Trying => trying(id, input, wire, io),
            ServerOther::Proceeding { response } => proceeding(response, id, input, wire, io),
            ServerOther::Completed { response } => completed(response, input, wire, io),
            ServerOther::Terminated => None,
        };
        if let Some(next) = next {
            *self = next;
        }
    }
}

fn trying<P: Copy>(id: ServerId, input: ServerInput, wire: &mut Wire<P>, io: &mut Io<'_, P>) -> Next {
    match input {
        ServerInput::Respond(code, response) => Some(respond(code, response, id, wire, io)),
        ServerInput::TransportError => Some(failed(io)),
        _ => None,
    }
}

fn proceeding<P: Copy>(
    last: &Bytes,
    id: ServerId,
    input: ServerInput,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> Next {
    match input {
        ServerInput::Request => {
            wire.send(last, io);
            None
        }
        ServerInput::Respond(code, response) => Some(respond(code, response, id, wire, io)),
        ServerInput::TransportError => Some(failed(io)),
        _ => None,
    }
}

fn completed<P: Copy>(response: &Bytes, input: ServerInput, wire: &Wire<P>, io: &mut Io<'_, P>) -> Next {
    match input {
        ServerInput::Request => {
            wire.send(response, io);
            None
        }
        ServerInput::Timer(Timer::J) | ServerInput::TransportError => Some(ServerOther::Terminated),
        _ => None,
    }
}

fn respond<P: Copy>(
    code: u16,
    response: Bytes,
    id: ServerId,
    wire: &mut Wire<P>,
    io: &mut Io<'_, P>,
) -> ServerOther {
    wire.send(&response, io);
    if code < 200 {
        return ServerOther::Proceeding { response };
    }
    if wire.reliable {
        return ServerOther::Terminated;
    }
    wire.arm(id, Timer::J, T1_X64, io);
    ServerOther::Completed { response }
}

fn failed<P>(io: &mut Io<'_, P>) -> ServerOther {
    io.report = Report::TransportError;
    ServerOther::Terminated
}
