//! Connections that break at any moment: before the first octet, in half a handshake, in half a message, and in every state
//! of a registration and of a call, on both sides (SECURITY, row 5).

use super::frames::breaches;
use super::{DOMAIN, LOUD, Quiet, count, stored};
use anyhow::{Result, ensure};
use interop::actor::Actor;
use interop::server::extensions;
use interop::wire::{TRANSPORTS, Transport, Wire, ping};
use interop::{Server, Stage, Tenant, until};
use sim::phone::Answer;
use std::time::{Duration, Instant};

/// Messages after which a caller breaks off: sent by itself or not, and how they begin.
const CALLER: [(bool, &str); 9] = [
    (true, "REGISTER"),
    (false, "SIP/2.0 401"),
    (true, "INVITE"),
    (false, "SIP/2.0 407"),
    (false, "SIP/2.0 100"),
    (false, "SIP/2.0 180"),
    (false, "SIP/2.0 200 OK INVITE"),
    (true, "ACK"),
    (true, "BYE"),
];

/// The same of the called phone.
const CALLEE: [(bool, &str); 5] = [
    (false, "INVITE"),
    (true, "SIP/2.0 180"),
    (true, "SIP/2.0 200 OK INVITE"),
    (false, "ACK"),
    (false, "BYE"),
];

/// How it breaks off: what was received is left unread, which resets the connection, or it is closed in order, or a frame
/// makes the server close it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Reset,
    Close,
    Breach,
}

#[test]
fn a_connection_that_breaks_in_any_state_harms_nobody() -> Result<()> {
    Stage::run("abrupt", |stage| {
        let server = Server::start(
            stage,
            &["acme", "zeta"].map(|name| Tenant::new(name, extensions(100, 320)).policy("media_silence_s=0")),
        )?;
        let mut quiet = Quiet::settle(&server)?;
        let before = stored(&server)?;
        let streams = TRANSPORTS
            .into_iter()
            .filter(|transport| *transport != Transport::Udp);
        for transport in streams.clone() {
            outside_of_messages(&server, transport)?;
        }
        ensure!(stored(&server)? == before, "half a connection changed something");
        let mut cases = 0;
        for transport in streams {
            for way in [Way::Reset, Way::Close, Way::Breach] {
                if way == Way::Breach && !transport.is_websocket() {
                    continue;
                }
                for moment in CALLER {
                    breaks_off(&server, transport, way, (moment, true), cases)?;
                    cases += 1;
                }
                for moment in CALLEE {
                    breaks_off(&server, transport, way, (moment, false), cases)?;
                    cases += 1;
                }
                quiet.turn()?;
            }
        }
        // What a lost phone leaves behind ends by the timers of its transactions, 32 s, and the ringing time.
        until("the end of the broken calls", Duration::from_secs(100), || {
            quiet.turn()?;
            Ok((server.list(&["calls"])?.len() == 1).then_some(()))
        })?;
        quiet.still_talk(&server)?;
        let panics = count(&server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        Ok(format!(
            "{cases} states, every call over, the quiet call untouched"
        ))
    })
}

/// Nothing, half a handshake, half a message, and many at once.
fn outside_of_messages(server: &Server, transport: Transport) -> Result<()> {
    let options = b"OPTIONS sip:acme.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKx\r\nContent-Length: 10\r\n\r\n";
    for _ in 0..50 {
        // The beginning of a ClientHello, or of nothing.
        interop::wire::knock(transport, server, &[22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3])?;
        drop(Wire::open(transport, server, LOUD)?);
        Wire::open(transport, server, LOUD)?.tear(options);
        let mut wire = Wire::open(transport, server, LOUD)?;
        wire.send(options);
        drop(wire);
    }
    let mut wire = Wire::open(transport, server, LOUD)?;
    ping(&mut wire, transport, server, 1)?;
    Ok(())
}

/// One calls another; one of them breaks off at this moment, the other goes on as if nothing was. Each case has users of its
/// own: a call that rings or waits goes on where its phone comes back, and the phones of the next case would be taken for it.
fn breaks_off(
    server: &Server,
    transport: Transport,
    way: Way,
    ((sent, start), caller): ((bool, &str), bool),
    case: u16,
) -> Result<()> {
    let (calls, called_user) = ((120 + 2 * case).to_string(), (121 + 2 * case).to_string());
    let phone = |user| Actor::new(server, (DOMAIN, user), transport, LOUD);
    let (mut one, mut other) = (phone(&calls)?, phone(&called_user)?);
    other.phone.answer = Answer::PickUp(30);
    other.register()?;
    (one.noting, other.noting) = (true, true);
    let now = one.now();
    one.phone.register(60, now);
    let (begun, mut called, mut ended) = (Instant::now(), false, false);
    loop {
        let watched = if caller { &one } else { &other };
        if watched
            .notes
            .iter()
            .any(|(by_itself, message)| *by_itself == sent && begins(message, start))
        {
            break;
        }
        ensure!(
            begun.elapsed() < Duration::from_secs(20),
            "{start} was never seen over {transport:?}: {:#?} {:#?}",
            said(&one),
            said(&other)
        );
        one.turn(Duration::from_millis(1))?;
        other.turn(Duration::from_millis(1))?;
        let registered = one.phone.heard.contains(&("REGISTER".to_owned(), 200));
        if registered && !called {
            one.call(&called_user);
            called = true;
        }
        if one.up() == 1 && other.up() == 1 && !ended {
            one.end_all();
            ended = true;
        }
    }
    let (gone, mut left) = if caller { (one, other) } else { (other, one) };
    match (way, gone.wire) {
        (Way::Close, Some(mut wire)) => drop(wire.receive(Duration::ZERO)?),
        (Way::Breach, Some(wire)) => breach(wire, transport)?,
        (_, wire) => drop(wire),
    }
    left.end_all();
    for _ in 0..5 {
        left.turn(Duration::from_millis(4))?;
    }
    Ok(())
}

/// The start lines of what a phone said and heard.
fn said(phone: &Actor) -> Vec<String> {
    let line = |(sent, message): &(bool, Vec<u8>)| {
        let text = String::from_utf8_lossy(message).into_owned();
        let first = text.lines().next().unwrap_or("").to_owned();
        format!("{} {first}", if *sent { ">" } else { "<" })
    };
    phone.notes.iter().map(line).collect()
}

/// Breaks the protocol and waits for the close frame.
fn breach(mut wire: Wire, transport: Transport) -> Result<()> {
    // The first says goodbye, and the one behind it too: a fault is wanted here.
    let faults = breaches().into_iter().skip(2);
    let place = usize::from(wire.local().port()) % (breaches().len() - 2);
    let octets = faults.map(|breach| breach.octets).nth(place).unwrap_or_default();
    wire.raw(&octets);
    let begun = Instant::now();
    while wire.is_open() {
        ensure!(
            begun.elapsed() < Duration::from_secs(10),
            "a broken frame is left without an answer over {transport:?}"
        );
        drop(wire.receive(Duration::from_millis(20))?);
    }
    Ok(())
}

/// True when a message starts so; a method behind a status is that of its CSeq.
fn begins(message: &[u8], start: &str) -> bool {
    let text = String::from_utf8_lossy(message);
    let (line, method) = start.split_once(" OK ").unwrap_or((start, ""));
    text.starts_with(line)
        && text
            .lines()
            .any(|l| l.starts_with("CSeq:") && l.ends_with(method))
}
