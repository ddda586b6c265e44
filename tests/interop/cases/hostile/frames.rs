//! WebSocket frames and handshakes: sound ones of unusual form, and broken ones, each with the code that must answer it
//! (RFC 6455 §4.2, §5, §7.4.1). They end their own connection and nothing else.

use super::{LOUD, Quiet, count, stored};
use anyhow::{Context, Result, ensure};
use interop::server::extensions;
use interop::wire::websocket::{REQUEST, frame, message, opcode, start};
use interop::wire::{Transport, Wire, ping};
use interop::{Server, Stage, Tenant};
use sim::rng::Rng;
use std::time::{Duration, Instant};

/// Both kinds of WebSocket, and how many damaged handshakes each gets: one in TLS costs more.
const WEBSOCKETS: [(Transport, u64); 2] = [(Transport::Ws, 400), (Transport::Wss, 100)];
/// A faultless request that is answered.
const OPTIONS: &[u8] = b"OPTIONS sip:acme.test SIP/2.0\r\nVia: SIP/2.0/WSS page.invalid;branch=z9hG4bKframes;rport\r\n\
    Max-Forwards: 70\r\nFrom: <sip:page@acme.test>;tag=f\r\nTo: <sip:acme.test>\r\nCall-ID: frames\r\nCSeq: 1 OPTIONS\r\n\r\n";
/// The beginning of a message in fragments.
const FRAGMENT: u8 = 0x01;

/// Octets against RFC 6455, or the last that it allows.
pub(super) struct Breach {
    /// What is wrong.
    name: &'static str,
    /// What is sent.
    pub(super) octets: Vec<u8>,
    /// What the server's close frame says.
    code: u16,
}

/// Every way to break off a WebSocket by what is said on it.
pub(super) fn breaches() -> Vec<Breach> {
    let long = |bits: u8, length: u64| [&[bits, 0xff][..], &length.to_be_bytes(), &[1, 2, 3, 4]].concat();
    let table: [(&'static str, u16, Vec<u8>); 22] = [
        ("goodbye", 1000, frame(0x88, &1000_u16.to_be_bytes())),
        ("goodbye without a code", 1000, frame(0x88, b"")),
        (
            "no mask",
            1002,
            [start(0x81, OPTIONS.len(), 0), OPTIONS.to_vec()].concat(),
        ),
        ("no mask on a ping", 1002, vec![0x89, 0]),
        ("first reserved bit", 1002, frame(0xc1, OPTIONS)),
        ("other reserved bits", 1002, frame(0xb1, OPTIONS)),
        ("unknown data frame", 1002, frame(0x83, OPTIONS)),
        ("unknown control frame", 1002, frame(0x8b, b"")),
        ("all bits", 1002, vec![0xff; 64]),
        ("larger than any message", 1009, long(0x81, 32_769 + 65_536)),
        ("half of all addresses", 1009, long(0x82, 1 << 63)),
        ("all addresses", 1009, long(0x82, u64::MAX)),
        ("eight octets for a short length", 1002, long(0x81, 5)),
        (
            "two octets for a short length",
            1002,
            vec![0x81, 0xfe, 0, 5, 0, 0, 0, 0],
        ),
        ("continuation of nothing", 1002, frame(0x80, OPTIONS)),
        (
            "message within a message",
            1002,
            [frame(FRAGMENT, b"OPTIONS "), frame(0x81, OPTIONS)].concat(),
        ),
        (
            "fragments without an end",
            1009,
            [frame(FRAGMENT, &[b'x'; 20_000]), frame(0x00, &[b'x'; 20_000])].concat(),
        ),
        ("ping in fragments", 1002, frame(0x09, b"half")),
        ("ping too long", 1002, frame(0x89, &[0; 126])),
        ("goodbye too long", 1002, frame(0x88, &[3; 1_000])),
        (
            "goodbye with a code that is none",
            1002,
            frame(0x88, &1005_u16.to_be_bytes()),
        ),
        ("text that is none", 1007, frame(0x81, b"OPTIONS \xff\xfe sip:")),
    ];
    let breach = |(name, code, octets)| Breach { name, octets, code };
    table.into_iter().map(breach).collect()
}

/// Says a message on a WebSocket in one of many forms; so often in a thousand in none that is sound.
pub(super) fn say(rng: &mut Rng, wire: &mut Wire, breaches: &[Breach], octets: &[u8], broken: u64) {
    let whole = message(octets);
    if !rng.per_mille(broken) {
        return match rng.below(10) {
            0 => wire.raw(&frame(0x82, octets)),
            1 => wire.raw(&[frame(0x89, b"are you there?"), whole].concat()),
            2 => wire.raw(&fragments(rng, octets)),
            3 => {
                // A pause of the network anywhere.
                let (head, tail) = whole.split_at(rng.below(whole.len() as u64) as usize);
                wire.raw(head);
                wire.raw(tail);
            }
            _ => wire.raw(&whole),
        };
    }
    match (rng.below(4), rng.pick(breaches)) {
        (0 | 1, Some(breach)) => wire.raw(&breach.octets),
        (2, _) => wire.raw(&damaged(rng, whole)),
        // What follows is taken for its rest.
        _ => wire.raw(whole.get(..whole.len() / 2).unwrap_or_default()),
    }
}

/// A message in pieces, with a ping or an empty piece between some of them.
fn fragments(rng: &mut Rng, octets: &[u8]) -> Vec<u8> {
    let size = rng.pick(&[3, 40, 200, 1_000]).copied().unwrap_or(40);
    let mut all = frame(opcode(octets), b"");
    for piece in octets.chunks(size) {
        all.extend(frame(0x00, piece));
        match rng.below(8) {
            0 => all.extend(frame(0x89, piece.get(..size.min(9)).unwrap_or(piece))),
            1 => all.extend(frame(0x8a, b"")),
            2 => all.extend(frame(0x00, b"")),
            _ => {}
        }
    }
    all.extend(frame(0x80, b""));
    all
}

/// One bit of the first octets is turned: flags, kind, length, mask.
fn damaged(rng: &mut Rng, mut octets: Vec<u8>) -> Vec<u8> {
    let at = rng.below(8.min(octets.len() as u64)) as usize;
    if let Some(octet) = octets.get_mut(at) {
        *octet ^= 1 << rng.below(8);
    }
    octets
}

#[test]
fn who_breaks_frames_or_handshakes_is_told_so_and_nobody_else_notices() -> Result<()> {
    Stage::run("frames", |stage| {
        let tenants = ["acme", "zeta"].map(|name| {
            let people = extensions(100, 12);
            Tenant::new(name, people).policy("media_silence_s=0")
        });
        let server = Server::start(stage, &tenants)?;
        let mut quiet = Quiet::settle(&server)?;
        let (before, heard) = (stored(&server)?, quiet.received());
        let mut cases = 0;
        for (transport, damages) in WEBSOCKETS {
            for breach in breaches() {
                for state in [State::Fresh, State::Served, State::Serving, State::Within] {
                    cases += u64::from(is_told(&server, transport, &breach, state)?);
                }
                quiet.turn()?;
            }
            cases += refused(&server, transport)? + spoilt(&server, transport, damages)?;
            let mut wire = Wire::open(transport, &server, LOUD)?;
            ping(&mut wire, transport, &server, cases)?;
            quiet.turn()?;
        }
        ensure!(quiet.received() == heard, "something reached the quiet phones");
        ensure!(stored(&server)? == before, "half a connection changed something");
        quiet.still_talk(&server)?;
        let panics = count(&server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        println!("COUNT hostile/frames {cases}");
        Ok(format!("{cases} cases, the quiet call untouched"))
    })
}

/// What a connection did before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// It was opened.
    Fresh,
    /// A message was answered.
    Served,
    /// A message came with it, and is to be answered still.
    Serving,
    /// A message has begun.
    Within,
}

/// The close frame names the reason, nothing behind the breach is looked at, and the connection ends. False when the
/// breach is none in this state.
fn is_told(server: &Server, transport: Transport, breach: &Breach, state: State) -> Result<bool> {
    let what = || format!("{} in state {state:?} over {transport:?}", breach.name);
    let within = state == State::Within;
    if within && breach.octets.first().is_some_and(|first| first & 0x0f == 0) {
        return Ok(false);
    }
    let mut wire = Wire::open(transport, server, LOUD)?;
    match state {
        State::Fresh | State::Serving => {}
        State::Served => drop(ping(&mut wire, transport, server, 1).with_context(what)?),
        State::Within => wire.raw(&frame(FRAGMENT, b"OPTIONS sip:acme")),
    }
    let first = match state {
        State::Serving => message(OPTIONS),
        _ => Vec::new(),
    };
    wire.raw(&[&first, breach.octets.as_slice(), &message(OPTIONS)].concat());
    let (begun, mut answers) = (Instant::now(), 0);
    while wire.is_open() && begun.elapsed() < Duration::from_secs(10) {
        answers += wire.receive(Duration::from_millis(100)).with_context(what)?.len();
    }
    let due = usize::from(state == State::Serving);
    ensure!(answers == due, "{}: {answers} answers instead of {due}", what());
    let closed = wire.closed();
    // A new message within one is wrong before its own flaw is seen.
    let told = closed == Some(breach.code) || within && closed == Some(1002);
    ensure!(told, "{}: {closed:?} instead of {}", what(), breach.code);
    Ok(true)
}

/// Handshakes that are none, and what is answered (RFC 6455 §4.2.2, RFC 9110 §15).
fn refused(server: &Server, transport: Transport) -> Result<u64> {
    let instead = |old: &str, new: &str| REQUEST.replacen(old, new, 1).into_bytes();
    let table = [
        (400, OPTIONS.to_vec()),
        (400, [&[0, 159, 146, 150, 0][..], b"\r\n\r\n"].concat()),
        (400, message(OPTIONS)),
        (
            400,
            [vec![22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3], vec![0; 512]].concat(),
        ),
        (
            431,
            instead("Origin: ", &format!("Cookie: {}\r\nOrigin: ", "c".repeat(9_000))),
        ),
        (431, format!("GET /{}", "a".repeat(9_000)).into_bytes()),
        (405, instead("GET", "POST")),
        (505, instead("HTTP/1.1", "HTTP/1.0")),
        (404, instead("/sip", "/../sip")),
        (403, instead("/sip", "/sip?token=AAAA.AAAA.AAAA")),
        (400, instead("/sip", "/sip?token=a&access_token=b")),
        (426, instead("Version: 13", "Version: 8")),
        (426, instead("Upgrade: websocket", "Upgrade: h2c")),
        (400, instead("dGhlIHNhbXBsZSBub25jZQ==", "short")),
        (400, instead("Protocol: sip", "Protocol: chat")),
        (400, instead("Host: ", "Host: a\r\nHost: ")),
        (400, instead("Origin", "Content-Length: 5\r\nOrigin")),
    ];
    for (code, request) in &table {
        let mut wire = Wire::connect(transport, server, LOUD)?;
        let head = wire.shake(request)?;
        ensure!(
            head.starts_with(&format!("HTTP/1.1 {code} ")),
            "{} was answered over {transport:?} by {head:?}",
            String::from_utf8_lossy(request)
        );
        // A second request gets no second answer: behind the text of the first the connection ends.
        let rest = wire.shake(REQUEST.as_bytes())?;
        let ended = !wire.is_open() && !rest.contains("\r\n\r\n");
        ensure!(ended, "{code} over {transport:?}, then {rest:?}");
    }
    Ok(table.len() as u64)
}

/// Damaged handshakes: opened or refused in HTTP, or given up half way.
fn spoilt(server: &Server, transport: Transport, damages: u64) -> Result<u64> {
    let mut rng = Rng::new(super::SEED);
    for _ in 0..damages {
        let mut request = REQUEST.as_bytes().to_vec();
        for _ in 0..=rng.below(3) {
            let at = rng.below(request.len() as u64) as usize;
            match rng.below(4) {
                0 => request.insert(at, rng.below(256) as u8),
                1 => drop(request.remove(at)),
                2 => request.extend_from_within(at..),
                _ => request
                    .iter_mut()
                    .skip(at)
                    .take(1)
                    .for_each(|octet| *octet ^= 1 << rng.below(8)),
            }
        }
        let mut wire = Wire::connect(transport, server, LOUD)?;
        if rng.per_mille(300) {
            request.truncate(rng.below(request.len() as u64) as usize);
            wire.raw(&request);
            continue;
        }
        request.extend(b"\r\n\r\n");
        let head = wire.shake(&request)?;
        let sound = ["HTTP/1.1 101 ", "HTTP/1.1 4", "HTTP/1.1 505 "];
        ensure!(
            sound.iter().any(|start| head.starts_with(start)),
            "{} was answered by {head:?}",
            String::from_utf8_lossy(&request)
        );
    }
    Ok(damages)
}
