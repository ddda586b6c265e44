//! What a user's phone writes into its INVITE to have it taken for two, for somebody else's, or sent elsewhere, over datagrams and over a stream of
//! the real server (SECURITY, rows 10, 13 and 22): it is refused, or comes to the callee as if nothing of it had been there.

use super::{DOMAIN, LOUD, Quiet, count};
use anyhow::{Context, Result, ensure};
use interop::actor::Actor;
use interop::server::extensions;
use interop::wire::{Transport, ping};
use interop::{Server, Stage, Tenant};
use sim::phone::Answer;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::time::{Duration, Instant};

/// Stands in whatever is not to arrive.
const MARK: &str = "smuggled";
/// An inner machine that nobody is to be sent to.
const INNER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 99);
/// Who calls, and who is called.
const CALLER: &str = "110";
const CALLEE: &str = "111";
/// An answer comes within this time, or none does.
const SILENCE: Duration = Duration::from_secs(1);

/// What is done to an INVITE. `{inner}` becomes the address of the inner machine, `{tag}` the caller's own, `{branch}` that of its Via.
#[derive(Clone, Copy)]
enum Trick {
    /// One line more.
    Line(&'static str),
    /// Another line in the place of the one that begins so.
    Instead(&'static str, &'static str),
    /// Another request in the place of the body, and this in the place of its length, where `{}` is the true one.
    Length(&'static str),
}

/// What has to become of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Must {
    /// It is refused, or not answered.
    Fall,
    /// The callee gets it, and nothing of what was smuggled.
    Pass,
    /// One of both.
    Either,
}

use Must::{Either, Fall, Pass};
use Trick::{Instead, Length, Line};

/// Identities and ways of a caller's own.
const CLAIMS: [(Must, Trick); 26] = [
    (
        Pass,
        Line("P-Asserted-Identity: \"smuggled\" <sip:smuggled@evil.test>"),
    ),
    (Pass, Line("P-Asserted-Identity: <tel:+1900smuggled>")),
    (
        Pass,
        Line("P-Preferred-Identity: \"smuggled\" <sip:smuggled@evil.test>"),
    ),
    (
        Pass,
        Line("Remote-Party-ID: \"smuggled\" <sip:smuggled@evil.test>;party=calling;screen=yes"),
    ),
    (Pass, Line("Privacy: none;smuggled")),
    (
        Pass,
        Line("Identity: smuggled.smuggled.smuggled;info=<https://{inner}/a>;alg=ES256;ppt=shaken"),
    ),
    (
        Pass,
        Line("y: smuggled.smuggled.smuggled;info=<https://{inner}/a>;alg=ES256;ppt=shaken"),
    ),
    (
        Pass,
        Line("Diversion: <sip:smuggled@evil.test>;reason=unconditional"),
    ),
    (
        Pass,
        Line("History-Info: <sip:smuggled@evil.test?Reason=SIP%3Bcause%3D302>;index=1"),
    ),
    (Pass, Line("X-Smuggled: smuggled")),
    (Pass, Line("X-Forwarded-For: {inner}")),
    (Either, Line("Referred-By: <sip:smuggled@evil.test>")),
    (Either, Line("Replaces: smuggled;to-tag=1;from-tag=2")),
    (Either, Line("Route: <sip:{inner};lr>")),
    (
        Either,
        Line("Route: <sip:127.0.0.1;lr>, <sip:smuggled@{inner};lr>"),
    ),
    (Either, Line("Record-Route: <sip:smuggled@{inner};lr>")),
    (Either, Line("Path: <sip:smuggled@{inner};lr>")),
    (Either, Line("Via: SIP/2.0/UDP {inner};branch=z9hG4bKsmuggled")),
    (Either, Line("v: SIP/2.0/UDP {inner};branch=z9hG4bKsmuggled")),
    (Either, Instead("Contact:", "Contact: <sip:smuggled@{inner}>")),
    (
        Either,
        Instead(
            "Contact:",
            "m: <sip:smuggled@{inner}?Route=%3Csip%3A{inner}%3E>;smuggled=1",
        ),
    ),
    (
        Either,
        Instead("Via:", "Via: SIP/2.0/UDP {inner};rport;branch={branch}"),
    ),
    (
        Either,
        Instead(
            "Via:",
            "Via: SIP/2.0/UDP {inner};rport;maddr=127.0.0.99;received=127.0.0.99;branch={branch}",
        ),
    ),
    (
        Either,
        Instead(
            "From:",
            "From: \"smuggled\" <sip:110@acme.test>;tag={tag};x=smuggled",
        ),
    ),
    (Either, Instead("From:", "From: <sip:100@acme.test>;tag={tag}")),
    (
        Either,
        Instead("From:", "From: <sip:+1900smuggled@evil.test>;tag={tag}"),
    ),
];

/// Lines within lines, and lines that may stand once alone. A lone LF ends a line here, on streams as in datagrams; a lone CR is refused.
const LINES: [(Must, Trick); 24] = [
    (Pass, Line("Subject: a\r\n X-Smuggled: smuggled")),
    (Pass, Line("Subject: a\r\n\tFrom: <sip:smuggled@evil.test>;tag=2")),
    (Either, Line("X-A: a\nX-Smuggled: smuggled")),
    (Either, Line("X-A: a\nFrom: <sip:smuggled@evil.test>;tag=2")),
    (Either, Line("X-A: a\n\nsmuggled")),
    (Either, Line("X-A: a\rX-Smuggled: smuggled")),
    (Either, Line("X-A: a\r\rsmuggled")),
    (Either, Line("X-A: a\0X-Smuggled: smuggled")),
    (Either, Line("X-Smug\0gled: smuggled")),
    (Either, Line("\0X-Smuggled: smuggled")),
    (Either, Line(" X-Smuggled: smuggled")),
    (Either, Line("X-Smuggled smuggled")),
    (Either, Line(": smuggled")),
    (Fall, Line("From: <sip:smuggled@acme.test>;tag=2")),
    (Fall, Line("f: <sip:smuggled@acme.test>;tag=2")),
    (Fall, Line("FROM : <sip:smuggled@acme.test>;tag=2")),
    (Fall, Line("To: <sip:smuggled@acme.test>")),
    (Fall, Line("t: <sip:smuggled@acme.test>")),
    (Fall, Line("Call-ID: smuggled")),
    (Fall, Line("i: smuggled")),
    (Fall, Line("CSeq: 1 BYE")),
    (Either, Line("Max-Forwards: 255")),
    (Either, Line("Contact: <sip:smuggled@{inner}>")),
    (Either, Line("c: text/plain;smuggled=1")),
];

/// Lengths of a body that is a request by itself.
const LENGTHS: [(Must, Trick); 22] = [
    (Fall, Length("Content-Length: 0\r\nContent-Length: {}")),
    (Fall, Length("Content-Length: {}\r\nContent-Length: 0")),
    (Fall, Length("Content-Length: {}\r\nl: 0")),
    (Fall, Length("l: 0\r\nContent-Length: {}")),
    (Fall, Length("Content-Length: +{}")),
    (Fall, Length("Content-Length: -1")),
    (Fall, Length("Content-Length: -0")),
    (Fall, Length("Content-Length: {} 0")),
    (Fall, Length("Content-Length: 0, {}")),
    (Fall, Length("Content-Length: {};x=0")),
    (Fall, Length("Content-Length: 0x10")),
    (Fall, Length("Content-Length: 1e2")),
    (Fall, Length("Content-Length: 4294967296")),
    (Fall, Length("Content-Length: 18446744073709551616")),
    (Fall, Length("Content-Length: 18446744073709551615")),
    (Fall, Length("Content-Length: ")),
    (Fall, Length("Content-Length: 0\0\r\nX-A: {}")),
    (
        Fall,
        Length("X-A: a\rContent-Length: 0\r\nContent-Length: {}\r\nContent-Length: {}"),
    ),
    (Either, Length("X-A: a\nContent-Length: 0\r\nContent-Length: {}")),
    (
        Either,
        Length("X-A: a\r\n Content-Length: 0\r\nContent-Length: {}"),
    ),
    (Either, Length("Content-Length:  \t {} \t")),
    (Either, Length("Transfer-Encoding: chunked\r\nContent-Length: {}")),
];

/// Whom a call is for.
const TARGETS: [(Must, &str); 12] = [
    (Pass, "111"),
    (Either, "111@acme.test;user=phone"),
    (Either, "%31%31%31@acme.test"),
    (Either, "111%00@acme.test"),
    (Fall, "111%0d%0aX-Smuggled:%20smuggled@acme.test"),
    (
        Either,
        "111@acme.test?Replaces=smuggled%3Bto-tag%3D1%3Bfrom-tag%3D2",
    ),
    (Either, "111@acme.test?P-Asserted-Identity=smuggled&body=smuggled"),
    (Either, "111:smuggled@acme.test"),
    (Either, "111;phone-context=smuggled@acme.test;user=phone"),
    (Either, "111@acme.test;maddr=127.0.0.99;transport=tcp;x=smuggled"),
    (Fall, "112@acme.test;user=phone"),
    (Fall, "%31%31%32@acme.test"),
];

/// A request within another; whoever answers it has taken one for two.
const WITHIN: &str = "OPTIONS sip:acme.test SIP/2.0\r\nVia: SIP/2.0/TCP 127.0.0.1;branch=z9hG4bKwithin;rport\r\nMax-Forwards: 70\r\n\
    From: <sip:smuggled@acme.test>;tag=w\r\nTo: <sip:acme.test>\r\nCall-ID: within\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";

/// The value of a header's parameter, or what stands behind a word.
fn behind<'a>(head: &'a str, line: &str, word: &str) -> &'a str {
    let line = head.lines().find(|l| l.starts_with(line)).unwrap_or("");
    let value = line.split_once(word).map_or("", |(_, value)| value);
    value.split([';', ' ', '>']).next().unwrap_or("")
}

/// The message as the trick has it; what is no INVITE stays as it is.
fn dressed(message: &[u8], trick: Trick, inner: SocketAddr) -> Vec<u8> {
    let text = String::from_utf8_lossy(message).into_owned();
    let (true, Some((head, body))) = (text.starts_with("INVITE "), text.split_once("\r\n\r\n")) else {
        return message.to_vec();
    };
    let fill = |template: &str| {
        let template = template.replace("{inner}", &inner.to_string());
        let template = template.replace("{tag}", behind(head, "From:", "tag="));
        template.replace("{branch}", behind(head, "Via:", "branch="))
    };
    let instead = |start: &str, by: &str| -> String {
        let lines = head
            .split("\r\n")
            .map(|line| if line.starts_with(start) { by } else { line });
        lines.collect::<Vec<_>>().join("\r\n")
    };
    let (head, body) = match trick {
        Line(line) => (format!("{head}\r\n{}", fill(line)), body),
        Instead(start, line) => (instead(start, &fill(line)), body),
        Length(lines) => {
            let lines = lines.replace("{}", &WITHIN.len().to_string());
            (instead("Content-Length:", &lines), WITHIN)
        }
    };
    format!("{head}\r\n\r\n{body}").into_bytes()
}

/// Nothing of it is in what the called phone has heard; how many calls that were.
fn arrived(callee: &Actor) -> Result<usize> {
    let mut calls = BTreeSet::new();
    let heard = callee
        .notes
        .iter()
        .filter(|(sent, message)| !sent && !message.starts_with(b"SIP/2.0 "));
    for (_, message) in heard {
        let text = String::from_utf8_lossy(message).into_owned();
        let lower = text.to_lowercase();
        ensure!(
            !lower.contains(MARK) && !lower.contains("127.0.0.99"),
            "the callee got\n{text}"
        );
        let (head, _) = text.split_once("\r\n\r\n").context("a message without an end")?;
        let is_control = |b: u8| b < b' ' && b != b'\t';
        ensure!(
            !head.replace("\r\n", "").bytes().any(is_control),
            "controls in\n{text:?}"
        );
        for name in [
            "From",
            "To",
            "Call-ID",
            "CSeq",
            "Max-Forwards",
            "Content-Length",
            "Contact",
        ] {
            let lines = head
                .split("\r\n")
                .filter(|line| line.starts_with(&format!("{name}:")));
            ensure!(lines.count() <= 1, "{name} stands there twice\n{text}");
        }
        if text.starts_with("INVITE ") {
            let from = head.lines().find(|line| line.starts_with("From:")).unwrap_or("");
            ensure!(
                from.contains(&format!("<sip:{CALLER}@{DOMAIN}")),
                "whose call is\n{text}"
            );
            calls.insert(behind(head, "Call-ID:", " ").to_owned());
        }
    }
    Ok(calls.len())
}

/// One call to a target, with a trick.
struct Case {
    must: Must,
    target: &'static str,
    trick: Option<Trick>,
}

impl Case {
    fn all() -> impl Iterator<Item = Case> {
        let tricks = CLAIMS.into_iter().chain(LINES).chain(LENGTHS);
        let tricks = tricks.map(|(must, trick)| Case {
            must,
            target: CALLEE,
            trick: Some(trick),
        });
        let targets = TARGETS.into_iter().map(|(must, target)| Case {
            must,
            target,
            trick: None,
        });
        targets.chain(tricks)
    }

    fn what(&self, transport: Transport) -> String {
        let what = match self.trick {
            Some(Line(text) | Length(text) | Instead(_, text)) => text,
            None => self.target,
        };
        format!("{what:?} over {transport:?}")
    }

    /// Makes the call, from its first octet to its end; the status that it got, and whether it has arrived.
    fn run(
        &self,
        server: &Server,
        transport: Transport,
        callee: &mut Actor,
        inner: SocketAddr,
    ) -> Result<(Option<u16>, bool)> {
        let mut caller = Actor::new(server, (DOMAIN, CALLER), transport, LOUD)?;
        caller.noting = true;
        if let Some(trick) = self.trick {
            caller.dress = Some(Box::new(move |message| dressed(message, trick, inner)));
        }
        callee.notes.clear();
        caller.call(self.target);
        let (begun, status) = (Instant::now(), |caller: &Actor| {
            let heard = caller.phone.heard.iter().find(|(method, _)| method == "INVITE");
            heard.map(|(_, code)| *code)
        });
        let is_open = |caller: &Actor| caller.wire.as_ref().is_some_and(interop::wire::Wire::is_open);
        while status(&caller).is_none() && is_open(&caller) && begun.elapsed() < SILENCE {
            caller.turn(Duration::from_millis(2))?;
            callee.turn(Duration::ZERO)?;
        }
        let code = status(&caller);
        if code == Some(200) {
            hang_up(&mut caller, callee)?;
        }
        // Whatever it has said before this was heard is on its way to nobody any more.
        if let Some(wire) = caller
            .wire
            .as_mut()
            .filter(|wire| wire.is_open() && code.is_some())
            && let Ok((_, others)) = ping(wire, transport, server, 7)
        {
            others.iter().for_each(|message| caller.hear(message));
        }
        callee.catch_up(server)?;
        let answers = caller.notes.iter().filter(|(sent, _)| !sent);
        for (_, message) in answers {
            let text = String::from_utf8_lossy(message).into_owned();
            ensure!(
                !text.contains("Call-ID: within"),
                "one was taken for two:\n{text}"
            );
        }
        let calls = arrived(callee)?;
        ensure!(calls <= 1, "one call came as {calls}");
        Ok((code, calls == 1))
    }
}

/// The callee ends it: what the server says in the call comes to the caller, wherever that has said to be.
fn hang_up(caller: &mut Actor, callee: &mut Actor) -> Result<()> {
    interop::actor::play(caller, callee, "the call", |_, callee| callee.up() == 1)?;
    callee.end_all();
    interop::actor::play(caller, callee, "its end", |caller, callee| {
        caller.up() + callee.up() == 0 && !callee.phone.is_busy()
    })
}

#[test]
fn nothing_that_is_smuggled_into_a_request_arrives() -> Result<()> {
    Stage::run("smuggled", |stage| {
        let tenants = [Tenant::new("acme", extensions(100, 12)).policy("media_silence_s=0")];
        let server = Server::start(stage, &tenants)?;
        let trap = UdpSocket::bind((INNER, 0))?;
        trap.set_nonblocking(true)?;
        let inner = trap.local_addr()?;
        let listener = TcpListener::bind(inner)?;
        listener.set_nonblocking(true)?;
        let mut quiet = Quiet::settle(&server)?;
        let heard = quiet.received();
        let mut callee = Actor::new(&server, (DOMAIN, CALLEE), Transport::Udp, LOUD)?;
        callee.register()?;
        callee.phone.answer = Answer::PickUp(0);
        callee.noting = true;
        let (mut cases, mut passed, mut wrong) = (0, 0, Vec::new());
        for transport in [Transport::Udp, Transport::Tcp] {
            for case in Case::all() {
                let what = case.what(transport);
                let run = case.run(&server, transport, &mut callee, inner);
                let (code, has_arrived) = run.with_context(|| what.clone())?;
                println!(
                    "smuggled {what}: {code:?}{}",
                    if has_arrived { ", arrived" } else { "" }
                );
                let is_refused = code.is_none_or(|code| code >= 400) && !has_arrived;
                let is_right = match case.must {
                    Fall => is_refused,
                    Pass => code == Some(200) && has_arrived,
                    Either => is_refused || code == Some(200) && has_arrived,
                };
                if !is_right {
                    wrong.push(format!("{what}: {code:?}, arrived: {has_arrived}"));
                }
                (cases, passed) = (cases + 1, passed + usize::from(has_arrived));
                quiet.turn()?;
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
        ensure!(
            trap.recv(&mut [0; 64]).is_err(),
            "a datagram came to the inner machine"
        );
        ensure!(
            listener.accept().is_err(),
            "a connection came to the inner machine"
        );
        ensure!(quiet.received() == heard, "something reached the quiet phones");
        quiet.still_talk(&server)?;
        let panics = count(&server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        Ok(format!(
            "{cases} cases, {passed} arrived without what was smuggled, the others were refused"
        ))
    })
}
