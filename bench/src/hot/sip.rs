//! Fixtures of the signalling paths.

use super::Operation;
use crate::digest::{self as phone, Algorithm};
use sip::digest::{Algorithms, Credentials, Digest, Request, ha1};
use sip::transaction::{Incoming, Transactions};
use sip::{Message, Method, Name, Scheme, Support, Verdict, Writer, validate};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

/// An INVITE as a desk phone sends it through an outbound proxy, with credentials.
const INVITE: &str = concat!(
    "INVITE sip:102@bench.local;user=phone SIP/2.0\r\n",
    "Via: SIP/2.0/UDP 192.0.2.11:5062;branch=z9hG4bK71f3a09c55de;rport\r\n",
    "Max-Forwards: 70\r\n",
    "From: \"Alice Archer\" <sip:101@bench.local>;tag=8c1e44b9\r\n",
    "To: <sip:102@bench.local;user=phone>\r\n",
    "Call-ID: 4f09aa31-77c0de@192.0.2.11\r\n",
    "CSeq: 102 INVITE\r\n",
    "Contact: <sip:101@192.0.2.11:5062;ob>;+sip.instance=\"<urn:uuid:9b0f6a52-0c53-4c1e-a6f0-11d28ae5a201>\"\r\n",
    "Allow: INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, NOTIFY, REFER, UPDATE, PRACK\r\n",
    "Supported: replaces, timer, outbound, path\r\n",
    "Session-Expires: 1800\r\n",
    "Min-SE: 90\r\n",
    "User-Agent: Desk Phone 4.2.1\r\n",
    "P-Preferred-Identity: \"Alice Archer\" <sip:101@bench.local>\r\n",
    "Accept: application/sdp\r\n",
    "Content-Type: application/sdp\r\n",
    "Content-Length: 324\r\n\r\n",
    "v=0\r\no=101 3970000000 3970000001 IN IP4 192.0.2.11\r\ns=call\r\nc=IN IP4 192.0.2.11\r\nt=0 0\r\n",
    "m=audio 11780 RTP/AVP 9 8 0 18 101\r\na=rtpmap:9 G722/8000\r\na=rtpmap:8 PCMA/8000\r\n",
    "a=rtpmap:0 PCMU/8000\r\na=rtpmap:18 G729/8000\r\na=fmtp:18 annexb=no\r\n",
    "a=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-15\r\na=ptime:20\r\na=rtcp:11781\r\na=sendrecv\r\n",
);

/// Transactions that live at once in their paths: one every 100 ms, each for about 32 s.
const GAP: Duration = Duration::from_millis(100);
/// Requests that differ; more than ever live at once.
const DISTINCT: usize = 512;
const REALM: &str = "bench.local";
const WALL_MS: u64 = 1_780_000_000_000;

/// Message and index.
pub(super) fn parse() -> Option<Operation> {
    Message::parse(INVITE.as_bytes()).ok()?;
    Some(Box::new(|| {
        let _ = black_box(Message::parse(black_box(INVITE.as_bytes())));
    }))
}

/// Everything that the registrar or a call looks at.
pub(super) fn parse_typed() -> Option<Operation> {
    typed(INVITE.as_bytes())?;
    Some(Box::new(|| {
        black_box(typed(black_box(INVITE.as_bytes())));
    }))
}

fn typed(datagram: &[u8]) -> Option<()> {
    let message = Message::parse(datagram).ok()?;
    black_box(message.top_via().ok()?.branch);
    let (from, to) = (message.from().ok()?, message.to().ok()?);
    black_box((from.tag()?, from.uri().ok()?, to.tag(), to.uri().ok()?));
    black_box((
        message.call_id().ok()?,
        message.cseq().ok()?,
        message.max_forwards()?.ok()?,
    ));
    black_box(message.contacts().first()?.instance);
    black_box(sip::Uri::parse(message.request_line()?.uri).ok()?);
    black_box(message.header(Name::ContentType)?);
    Some(())
}

/// What the edge does before it knows the tenant.
pub(super) fn parse_validate() -> Option<Operation> {
    let judge = || {
        let mut message = Message::parse(black_box(INVITE.as_bytes())).ok()?;
        let support = Support {
            methods: &[
                Method::Invite,
                Method::Ack,
                Method::Bye,
                Method::Cancel,
                Method::Register,
            ],
            extensions: &["replaces", "timer", "outbound", "path"],
            bodies: &["application/sdp"],
            schemes: &[Scheme::Sip, Scheme::Sips],
            max_bytes: 65_535,
            max_body_bytes: 65_535,
        };
        (validate(&mut message, &support) == Verdict::Accept).then_some(())
    };
    judge()?;
    Some(Box::new(move || {
        black_box(judge());
    }))
}

/// MD5, as most phones answer.
pub(super) fn digest_md5() -> Option<Operation> {
    digest(Algorithm::Md5)
}

/// SHA-256 (RFC 8760).
pub(super) fn digest_sha256() -> Option<Operation> {
    digest(Algorithm::Sha256)
}

fn digest(algorithm: Algorithm) -> Option<Operation> {
    let server = Digest::new([7; 32]);
    let secret = ha1("101", REALM, "a good password");
    let challenges: Vec<String> = server
        .challenge(REALM, WALL_MS, false, Algorithms::BOTH)
        .collect();
    let asked = phone::Request {
        username: "101",
        password: "a good password",
        method: "REGISTER",
        uri: "sip:bench.local",
    };
    let value = phone::answer(challenges.iter().map(String::as_str), algorithm, &asked)?;
    let check = move || {
        for challenge in server.challenge(REALM, WALL_MS, false, Algorithms::BOTH) {
            black_box(challenge);
        }
        let credentials = Credentials::parse(black_box(&value))?;
        let request = Request {
            method: "REGISTER",
            uri: Some("sip:bench.local"),
        };
        server
            .verify(
                &credentials,
                REALM,
                request,
                Some(&secret),
                WALL_MS,
                Algorithms::BOTH,
            )
            .ok()
    };
    check()?;
    Some(Box::new(move || {
        black_box(check());
    }))
}

/// A REGISTER and its 200.
pub(super) fn transaction_register() -> Option<Operation> {
    let register = INVITE.replace(
        "INVITE sip:102@bench.local;user=phone",
        "REGISTER sip:bench.local",
    );
    transaction(
        &register.replace("CSeq: 102 INVITE", "CSeq: 102 REGISTER"),
        Method::Register,
    )
}

/// An INVITE, 180, 200 and the ACK.
pub(super) fn transaction_invite() -> Option<Operation> {
    transaction(INVITE, Method::Invite)
}

fn transaction(text: &str, method: Method<'static>) -> Option<Operation> {
    let requests = distinct(text)?;
    let source = SocketAddr::from(([192, 0, 2, 11], 5062));
    let first = requests.first()?;
    let reply = |code, reason| Writer::reply(first, code, reason, Some("t0"), source).finish();
    let (ringing, ok) = (reply(180, "Ringing"), reply(200, "OK"));
    let mut layer: Transactions<SocketAddr, u32> = Transactions::new(DISTINCT * 4);
    let (mut now, mut next) = (Duration::ZERO, 0_usize);
    let mut exchange = move || {
        now += GAP;
        layer.handle_timeout(now);
        let request = requests.get(next % DISTINCT)?;
        next += 1;
        let Incoming::New = layer.receive_request(request, now) else {
            return None;
        };
        let id = layer.accept(request, source, false, 1, now).ok()?;
        if method == Method::Invite {
            layer.respond(id, 180, ringing.clone(), now);
        }
        layer.respond(id, 200, ok.clone(), now);
        layer.acked(id);
        while let Some(out) = layer.poll_transmit() {
            black_box(out);
        }
        Some(layer.len())
    };
    // To the steady state, where each new one meets an old one's end.
    for _ in 0..DISTINCT * 2 {
        exchange()?;
    }
    Some(Box::new(move || {
        black_box(exchange());
    }))
}

/// The same request with other branches and Call-IDs, parsed. They live as long as the program.
fn distinct(text: &str) -> Option<Vec<Message<'static>>> {
    let mut all = Vec::with_capacity(DISTINCT);
    for number in 0..DISTINCT {
        let one = text.replace("71f3a09c55de", &format!("71f3a09c{number:04x}"));
        let one = one.replace("4f09aa31", &format!("4f09{number:04x}"));
        all.push(Message::parse(Box::leak(one.into_bytes().into_boxed_slice())).ok()?);
    }
    Some(all)
}

/// Used by the description path.
pub(super) fn invite_body() -> &'static str {
    INVITE.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}
