//! What comes on a WebSocket: the handshake with its sign-in, then one SIP message per message (RFC 7118).

use super::core::Core;
use crate::conn::{Conn, Framing, WebSocket};
use bytes::Bytes;
use sip::stream::PONG;
use sip::websocket::{
    Close, Event, Handshake, KeepAlive, Opcode, Refusal, encode, encode_message, keep_alive,
};
use std::time::Duration;

/// What the octets meant for the connection.
enum Step {
    /// More octets are needed.
    Wait,
    /// The handshake is done; our half of it is to be sent.
    Opened(Bytes),
    /// Octets of ours are to be sent.
    Send(Bytes),
    /// The last octets of ours; then it is closed.
    Last(Bytes),
    /// It ends with this close frame.
    End(Close),
    /// It is kept out from now on.
    Gone,
    /// A message was looked at.
    Message,
    /// A message was, and octets of ours are to be sent.
    Answered(Bytes),
    /// Something that is no message was: it does not excuse one that never ends.
    Control,
}

/// Looks at octets of a WebSocket. False when the peer does not read what it asks for and has to go.
pub(super) fn take(conn: &mut Conn, octets: &[u8], core: &mut Core) -> bool {
    let now = core.now.mono;
    match &mut conn.framing {
        Framing::WebSocket(WebSocket::Open(decoder)) => decoder.push(octets),
        Framing::WebSocket(opening) => opening.collect(octets),
        Framing::Stream(_) => return true,
    }
    let mut whole = false;
    loop {
        let step = match conn.framing.is_open_websocket() {
            true => frame(conn, core),
            false => shake(conn, core),
        };
        let (bytes, last) = match step {
            Step::Wait => break,
            Step::Opened(bytes) | Step::Answered(bytes) => {
                whole = true;
                (bytes, false)
            }
            Step::Send(bytes) => (bytes, false),
            Step::Last(bytes) => (bytes, true),
            Step::Gone => return false,
            Step::End(close) => {
                conn.end(close);
                return true;
            }
            Step::Message => {
                whole = true;
                continue;
            }
            Step::Control => continue,
        };
        let fits = conn.push_octets(bytes, &core.shared.settings.limits);
        if last {
            conn.close_after_queue(now);
            return true;
        }
        if !fits {
            core.counts.connections_refused += 1;
            return false;
        }
    }
    note(conn, whole, now);
    true
}

fn note(conn: &mut Conn, whole: bool, now: Duration) {
    let partial = match &conn.framing {
        Framing::WebSocket(WebSocket::Open(decoder)) => decoder.is_mid_message(),
        _ => true,
    };
    // After the handshake nothing is owed between two frames, also when the last one was no message.
    conn.note_partial(partial, whole || !partial, now);
}

/// The handshake. A token that is not good is refused here, before any SIP is spoken.
fn shake(conn: &mut Conn, core: &mut Core) -> Step {
    let Framing::WebSocket(websocket) = &mut conn.framing else {
        return Step::Wait;
    };
    let settings = &core.shared.settings;
    let (opening, length) = match websocket.handshake(&settings.origins) {
        Handshake::Wait => return Step::Wait,
        Handshake::Open(opening, length) => (opening, length),
        Handshake::Refused(refusal) => return refuse(core, refusal),
    };
    let accept = Bytes::from(opening.accept());
    let sign_in = opening.token.map(|token| core.sign_in(token));
    match sign_in {
        Some(None) => {
            core.counts.auth_failed += 1;
            return refuse(core, Refusal::Token);
        }
        Some(found) => conn.sign_in = found,
        None => {}
    }
    websocket.open(length, &core.shared.settings.limits);
    core.counts.websockets += 1;
    Step::Opened(accept)
}

fn refuse(core: &mut Core, refusal: Refusal) -> Step {
    core.counts.websockets_refused += 1;
    Step::Last(Bytes::from(refusal.response()))
}

fn frame(conn: &mut Conn, core: &mut Core) -> Step {
    let Framing::WebSocket(WebSocket::Open(decoder)) = &mut conn.framing else {
        return Step::Wait;
    };
    let message = match decoder.next() {
        None => return Step::Wait,
        Some(Event::Message(message)) => message,
        Some(Event::Ping(payload)) => {
            core.counts.keepalives += 1;
            return Step::Send(encode(Opcode::Pong, payload));
        }
        Some(Event::Pong) => {
            core.counts.keepalives += 1;
            return Step::Control;
        }
        Some(Event::Closed) => return Step::End(Close::Normal),
        Some(Event::Fault(close)) => {
            core.counts.websockets_refused += 1;
            core.counts.oversized += u64::from(close == Close::TooBig);
            return Step::End(close);
        }
    };
    match keep_alive(message) {
        Some(kind) => {
            core.counts.keepalives += 1;
            if kind == KeepAlive::Ping {
                return Step::Answered(encode_message(PONG));
            }
        }
        None => {
            let Some(locks) = core.admits_message(message, &conn.flow, &mut conn.meter) else {
                return Step::Gone;
            };
            // Never asks to close: messages have ends of their own here.
            let received = core.receive(message, &conn.flow, conn.sign_in, locks);
            conn.carried(received.tenant);
        }
    }
    Step::Message
}
