//! What phones and carriers put into messages to have it arrive elsewhere: identities, ways, headers in addresses, lines within lines
//! (SECURITY, rows 10, 13 and 22). What leaves is built of known parts, so none of it arrives.

use super::by_hand::{challenges, code, field, request, sdp, to_tag};
use super::outside::{OUTSIDE, peer};
use super::{Hand, Scene};
use model::TrunkIdentity;
use sim::phone::Answer;
use sim::world::Trace;
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// Stands in whatever should not arrive.
const MARK: &str = "smuggled";

/// All headers that a carrier ever gets.
const KNOWN: &[&str] = &[
    "Accept",
    "Allow",
    "CSeq",
    "Call-ID",
    "Contact",
    "Content-Length",
    "Content-Type",
    "Date",
    "Diversion",
    "From",
    "Max-Forwards",
    "Min-SE",
    "P-Asserted-Identity",
    "Privacy",
    "RAck",
    "Reason",
    "Remote-Party-ID",
    "Require",
    "RSeq",
    "Server",
    "Session-Expires",
    "Supported",
    "To",
    "User-Agent",
    "Via",
];

/// Lines that a phone adds to its requests.
const LINES: &[&str] = &[
    "P-Asserted-Identity: \"smuggled\" <sip:+4930smuggled@evil.example>",
    "P-Asserted-Identity: <tel:+1900666smuggled>",
    "P-Preferred-Identity: \"smuggled\" <sip:smuggled@evil.example>",
    "Remote-Party-ID: \"smuggled\" <sip:smuggled@evil.example>;party=calling;screen=yes",
    "Diversion: <sip:smuggled@evil.example>;reason=unconditional",
    "History-Info: <sip:smuggled@evil.example?Reason=SIP%3Bcause%3D302>;index=1",
    "Privacy: none;smuggled",
    "Identity: smuggled.smuggled.smuggled;info=<https://evil.example/smuggled>;alg=ES256;ppt=shaken",
    "Identity-Info: <https://evil.example/smuggled>",
    "Route: <sip:smuggled.evil.example;lr>",
    "Record-Route: <sip:smuggled.evil.example;lr>",
    "Via: SIP/2.0/UDP smuggled.evil.example:5060;branch=z9hG4bKsmuggled",
    "Path: <sip:smuggled.evil.example;lr>",
    "Service-Route: <sip:smuggled.evil.example;lr>",
    "X-Smuggled: smuggled",
    "X-Forwarded-For: smuggled",
    "P-Charging-Vector: icid-value=smuggled",
    "P-Access-Network-Info: smuggled",
    "P-Called-Party-ID: <sip:smuggled@evil.example>",
    "User-Agent: smuggled",
    "Server: smuggled",
    "Subject: smuggled",
    "s: smuggled",
    "Organization: smuggled",
    "Call-Info: <http://smuggled.evil.example>;purpose=icon",
    "Alert-Info: <http://smuggled.evil.example>",
    "Error-Info: <sip:smuggled@evil.example>",
    "Reply-To: <sip:smuggled@evil.example>",
    "In-Reply-To: smuggled@evil.example",
    "Referred-By: <sip:smuggled@evil.example>",
    "r: <sip:smuggled@evil.example>",
    "Warning: 399 evil.example \"smuggled\"",
    "Date: smuggled",
    "Timestamp: 54 smuggled",
    "Geolocation: <cid:smuggled@evil.example>",
    "Resource-Priority: smuggled.0",
    "Accept-Contact: *;smuggled",
    "Allow: SMUGGLED",
    "Supported: smuggled",
    "k: smuggled",
    "Allow-Events: smuggled",
    "User-to-User: smuggled;encoding=hex",
    "Session-ID: smuggled",
    "Reason: SIP;cause=200;text=\"smuggled\", smuggled;cause=1",
    "MIME-Version: smuggled",
    "Content-Disposition: session;handling=optional;smuggled=1",
    "Content-Language: smuggled",
    "Max-Breadth: smuggled",
    "Answer-Mode: smuggled",
    "Authorization: Basic smuggled",
    // Lines within lines, as far as a message with them is one.
    "Subject: a\n P-Asserted-Identity: <sip:smuggled@evil.example>",
    "Subject: a\n\tb\n\t\tsmuggled",
    "Subject : smuggled",
    "Subject: %0d%0aP-Asserted-Identity:%20<sip:smuggled@evil.example>",
    "Subject: =?utf-8?q?a=0D=0AX-Smuggled:_smuggled?=",
    "Subject: a\rP-Asserted-Identity: <sip:smuggled@evil.example>",
    "Subject: a\u{0}smuggled",
    "Subject: a\u{85}X: smuggled\u{2028}smuggled",
];

/// What a phone writes in the place of something: what stands in the request, and what it becomes.
const SWAPS: &[(&str, &str)] = &[
    ("From: <sip:101@", "From: \"smuggled\" <sip:101@"),
    ("From: <sip:101@", "From: \"a\\\"b\\\\ smuggled\" <sip:101@"),
    ("From: <sip:101@", "From: \"\\\r\\\n smuggled\" <sip:101@"),
    ("From: <sip:101@", "From: \"%0d%0aX: smuggled\" <sip:101@"),
    ("From: <sip:101@", "From: <sip:101%0d%0aX-Smuggled:%20smuggled@"),
    ("From: <sip:101@", "From: <sip:smuggled@"),
    (
        "From: <sip:101@acme.example>",
        "From: <sip:101@acme.example;smuggled=1?X=smuggled>",
    ),
    (
        "From: <sip:101@acme.example>",
        "From: <sip:101@acme.example>;smuggled=\"a\";x=smuggled",
    ),
    ("From:", "f  :"),
    ("To: <sip:03020001000@", "To: \"smuggled\" <sip:+1900smuggled@"),
    (
        "To: <sip:03020001000@acme.example>",
        "To: <sip:03020001000@acme.example>;smuggled=1",
    ),
    ("To:", "t:"),
    ("Call-ID: smug", "i: smuggled@evil.example"),
    ("Call-ID: smug", "Call-ID: smuggled\nCall-ID: other"),
    (
        "Max-Forwards: 70",
        "Max-Forwards: 70\nFrom: <sip:smuggled@evil.example>;tag=2",
    ),
    (
        "Max-Forwards: 70",
        "Max-Forwards: 70\nTo: <sip:smuggled@evil.example>",
    ),
    ("Contact: <sip:hand@", "Contact: \"smuggled\" <sip:smuggled@"),
    (
        "Contact: <sip:hand@{at}>",
        "m: <sip:hand@{at}?Route=%3Csmuggled%3E&X=smuggled>;smuggled",
    ),
    (
        "Contact: <sip:hand@{at}>",
        "Contact: <sip:hand%0D%0AX-Smuggled:smuggled@{at};smuggled>",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000;smuggled=1@acme.example;user=phone SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000;ext=666;isub=smuggled@acme.example;user=phone SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000;phone-context=smuggled@acme.example SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000@acme.example;maddr=smuggled.example;transport=udp;x=smuggled SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000@acme.example?P-Asserted-Identity=smuggled&body=smuggled SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000%0d%0aX-Smuggled:smuggled@acme.example SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000%20SIP%2F2.0%0D%0ASmuggled:%20smuggled@acme.example SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "sip:03020001000:smuggled@acme.example SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "tel:03020001000;phone-context=+49;ext=666;isub=smuggled SIP",
    ),
    (
        "sip:03020001000@acme.example SIP",
        "tel:+493020001000;npdi;rn=smuggled;cic=smuggled SIP",
    ),
    (
        "Via: SIP/2.0/UDP {at}",
        "Via: SIP/2.0/UDP {at};smuggled=\"smuggled\";received=smuggled.example",
    ),
    (
        "Via: SIP/2.0/UDP {at}",
        "v: SIP / 2.0 / UDP {at} ;maddr=smuggled.example",
    ),
    ("CSeq: 1 INVITE", "CSeq:\n\t1\n INVITE"),
];

/// Where the hand's phone is, and what it may not show.
const INNER: [&str; 3] = ["10.0.2.", "hand@", MARK];

/// What the server has sent to an address.
fn said_to(scene: &Scene, at: SocketAddr) -> Vec<String> {
    let said = scene.world.trace.iter().filter_map(|trace| match trace {
        Trace::Out(flow, bytes) if flow.remote == at => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    });
    said.collect()
}

/// Nothing but what is known has reached the carrier; gives the names of all headers that did.
fn is_clean(scene: &Scene, at: SocketAddr, what: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for text in said_to(scene, at) {
        let lower = text.to_lowercase();
        for inner in INNER {
            assert!(!lower.contains(inner), "{what}: {inner} in\n{text}");
        }
        assert!(
            !text.bytes().any(|b| b < b' ' && !matches!(b, b'\r' | b'\n')),
            "{what}: control in\n{text}"
        );
        let (head, _) = text.split_once("\r\n\r\n").expect("a head");
        assert!(
            !head.replace("\r\n", "").contains(['\r', '\n']),
            "{what}: a bare line end in\n{text}"
        );
        for line in head.split("\r\n").skip(1) {
            let (name, _) = line.split_once(": ").unwrap_or((line, ""));
            assert!(KNOWN.contains(&name), "{what}: {name} in\n{text}");
            names.insert(name.to_owned());
        }
        assert_eq!(
            head.matches("\r\nVia: ").count(),
            1,
            "{what}: whose Via is\n{text}"
        );
        assert_eq!(head.matches("\r\nFrom: ").count(), 1, "{what}\n{text}");
    }
    names
}

/// A description with words of its own in every place but the parameters of codecs, which both ends have to know.
fn odd_sdp(at: SocketAddr) -> String {
    sdp(at, 4000, "a=smuggled:smuggled\r\na=ptime:20\r\na=rtpmap:0 PCMU/8000\r\na=label:smuggled\r\n")
        .replace("o=-", "o=smuggled")
        .replace("s=-", "s=smuggled\r\ni=smuggled\r\nu=http://smuggled.example\r\ne=smuggled@evil.example\r\np=+1 900 smuggled")
}

/// One call of a phone to the outside, with a re-INVITE, and to its end; `dress` is what it does to each of its requests.
fn call(scene: &mut Scene, what: &str, dress: &dyn Fn(&str) -> String, body: &str) -> u16 {
    let mut hand = Hand::new(scene, "hand", 1);
    let invite = request(
        "INVITE",
        "101@acme.example",
        "03020001000@acme.example",
        "smug",
        1,
    );
    let mut answer = hand.insists(scene, "101", &dress(&invite), body);
    for _ in 0..30 {
        scene.run(20);
        answer = hand.hears(scene).pop().unwrap_or(answer);
    }
    if code(&answer) != 200 {
        return code(&answer);
    }
    let to = format!("To: <sip:03020001000@acme.example>;tag={}", to_tag(&answer));
    let within = |method: &str, cseq: u32| {
        let head = request(
            method,
            "101@acme.example",
            "03020001000@acme.example",
            "smug",
            cseq,
        );
        let head = head.replace("To: <sip:03020001000@acme.example>", &to);
        let mut dressed = dress(&head);
        // A dialog is known by these, whatever else is odd.
        for name in ["From", "To", "Call-ID"] {
            let whole = field(&answer, name);
            let short = [("From", "f"), ("To", "t"), ("Call-ID", "i")]
                .iter()
                .find(|(long, _)| *long == name);
            let is = |line: &&str| {
                let written = line.split(':').next().unwrap_or("").trim();
                written == name || short.is_some_and(|(_, short)| *short == written)
            };
            let mine = dressed.lines().find(is).expect("it is there").to_owned();
            dressed = dressed.replace(&mine, whole);
        }
        dressed
    };
    hand.send(scene, &within("ACK", 2));
    scene.run(100);
    for (cseq, method) in [(3, "INFO"), (4, "UPDATE"), (5, "INVITE")] {
        hand.send_with(
            scene,
            &within(method, cseq),
            if method == "INVITE" { body } else { "" },
        );
        scene.run(100);
    }
    hand.send(scene, &within("ACK", 5));
    scene.run(100);
    hand.send(scene, &within("BYE", 6));
    scene.run(200);
    let last = hand.hears(scene).pop().unwrap_or_default();
    assert!(field(&last, "CSeq").ends_with("BYE"), "{what}: {last}");
    200
}

/// A company with a carrier that believes what it is told of callers.
fn house(identity: TrunkIdentity) -> (Scene, SocketAddr) {
    let mut scene = Scene::new();
    let (_, switch) = scene.outside(Answer::PickUp(50));
    scene.equip(vec![peer(7, "gw.example", |draft| draft.identity = identity)]);
    scene.run(2000);
    scene.world.trace.clear();
    let at = scene.world.phones[switch].identity.address;
    (scene, at)
}

#[test]
fn no_line_of_a_phone_reaches_the_carrier() {
    let (mut up, mut seen) = (0, BTreeSet::new());
    for line in LINES {
        let (mut scene, at) = house(TrunkIdentity::Asserted);
        let body = sdp(SocketAddr::from(([10, 0, 2, 1], 5060)), 4000, "");
        let got = call(&mut scene, line, &|head| format!("{head}\n{line}"), &body);
        up += usize::from(got == 200);
        seen.extend(is_clean(&scene, at, line));
        scene.rests();
    }
    assert!(up > LINES.len() / 2, "{up} of {} calls came about", LINES.len());
    for name in ["From", "P-Asserted-Identity", "Contact"] {
        assert!(seen.contains(name), "{name} is not among {seen:?}");
    }
}

#[test]
fn no_odd_part_of_a_phones_request_reaches_the_carrier() {
    let mut up = 0;
    for (from, to) in SWAPS {
        let (mut scene, at) = house(TrunkIdentity::RemoteParty);
        let dress = |head: &str| head.replacen(from, to, 1);
        let body = sdp(SocketAddr::from(([10, 0, 2, 1], 5060)), 4000, "");
        let plain = request(
            "INVITE",
            "101@acme.example",
            "03020001000@acme.example",
            "smug",
            1,
        );
        assert_ne!(dress(&plain), plain, "{from} stands nowhere");
        up += usize::from(call(&mut scene, to, &dress, &body) == 200);
        is_clean(&scene, at, to);
        scene.run(40_000);
    }
    assert!(up > SWAPS.len() / 3, "{up} of {} calls came about", SWAPS.len());
}

#[test]
fn a_description_is_built_anew_and_other_bodies_stay_here() {
    let (mut scene, at) = house(TrunkIdentity::Asserted);
    let home = SocketAddr::from(([10, 0, 2, 1], 5060));
    assert_eq!(
        call(&mut scene, "SDP", &|head| head.to_owned(), &odd_sdp(home)),
        200
    );
    is_clean(&scene, at, "SDP");
    scene.rests();
    let (mut scene, at) = house(TrunkIdentity::Asserted);
    let parts = format!(
        "--x\r\nContent-Type: application/sdp\r\n\r\n{}\r\n--x\r\nContent-Type: application/isup;version=smuggled\r\n\r\nsmuggled\r\n--x--\r\n",
        sdp(home, 4000, "")
    );
    let dress = |head: &str| format!("{head}\nContent-Type: multipart/mixed;boundary=x");
    let got = call(&mut scene, "multipart", &dress, &parts);
    assert!(got == 200 || got == 415, "{got}");
    is_clean(&scene, at, "multipart");
    scene.rests();
}

#[test]
fn headers_in_addresses_that_calls_are_sent_on_to_stay_here() {
    // By a phone that redirects: the call goes on to the address, and to nothing that is hidden in it.
    for hidden in [
        "?P-Asserted-Identity=%3Csip%3Asmuggled%40evil.example%3E",
        ";smuggled=1?X-Smuggled=smuggled&body=smuggled",
        ";ext=666;isub=smuggled;user=phone",
        "?Replaces=smuggled%3Bto-tag%3D1%3Bfrom-tag%3D2&Route=%3Csip%3Asmuggled%3E",
    ] {
        let (mut scene, at) = house(TrunkIdentity::Asserted);
        let called = scene.phone("102", Answer::Refuse(302, 50));
        let target = format!("<sip:{OUTSIDE}@acme.example{hidden}>;reason=smuggled;q=0.5");
        scene.act(called, |phone, _| phone.forwards_to = vec![target.clone()]);
        scene.numbered(|policy| policy.follow_redirects = true);
        let caller = scene.phone("103", Answer::PickUp(10));
        scene.call(caller, "102");
        scene.run(2000);
        is_clean(&scene, at, hidden);
        scene.hang_up(caller);
        scene.rests();
    }
}

#[test]
fn a_transfer_takes_nothing_along_but_its_target() {
    for hidden in [
        "?P-Asserted-Identity=%3Csip%3Asmuggled%40evil.example%3E",
        "?X-Smuggled=smuggled&Subject=smuggled&Identity=smuggled",
        ";smuggled=1",
    ] {
        let (mut scene, at) = house(TrunkIdentity::Asserted);
        let caller = scene.phone("102", Answer::PickUp(10));
        scene.phone("103", Answer::PickUp(10));
        scene.call(caller, "103");
        scene.run(1000);
        let target = format!("{OUTSIDE}@acme.example{hidden}");
        scene.act(caller, |phone, now| phone.refer(0, &target, now));
        scene.run(3000);
        is_clean(&scene, at, hidden);
        scene
            .world
            .phones
            .iter_mut()
            .for_each(|phone| phone.leaves = true);
        scene.hang_up(caller);
        scene.run(200_000);
    }
}

#[test]
fn another_companys_phones_get_nothing() {
    let mut scene = Scene::new();
    scene.numbered(|_| {});
    let other = scene.phone_at("beta.example", "101", model::Transport::Udp, Answer::PickUp(10));
    let at = scene.world.phones[other].identity.address;
    scene.run(500);
    scene.world.trace.clear();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let body = sdp(hand.at, 4000, "");
    for (number, (target, line)) in [
        ("101@beta.example", "Subject: x"),
        ("102@acme.example", "Route: <sip:beta.example;lr>"),
        (
            "102@acme.example",
            "Route: <sip:101@beta.example;lr>\nP-Asserted-Identity: <sip:101@beta.example>",
        ),
        ("102@acme.example;maddr=beta.example", "Subject: x"),
        ("101%40beta.example@acme.example", "Subject: x"),
        ("beta.example", "Subject: x"),
    ]
    .into_iter()
    .enumerate()
    {
        for method in ["INVITE", "MESSAGE", "SUBSCRIBE", "REFER", "OPTIONS", "PUBLISH"] {
            let head = request(
                method,
                "101@acme.example",
                target,
                &format!("{method}{number}"),
                1,
            );
            let head = head.replace("Subject: x", &format!("Event: dialog\n{line}"));
            let answer = hand.insists(
                &mut scene,
                "101",
                &format!("{head}\nEvent: dialog\n{line}"),
                if method == "INVITE" { &body } else { "" },
            );
            assert!(
                !challenges(&answer).iter().any(|c| c.contains("beta.example")),
                "{answer}"
            );
            scene.run(50);
        }
    }
    assert_eq!(said_to(&scene, at), Vec::<String>::new());
    assert_eq!(scene.world.phones[other].calls(), Vec::new());
}
