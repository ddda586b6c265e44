//! STUN: the vectors of RFC 5769, and what a server answers.

use rtp::stun::connectivity::{Check, Kind, Request, Role, role_conflict, success};
use rtp::stun::{Answer, Message, answer, binding_request, is_stun};
use std::net::SocketAddr;
use std::path::PathBuf;

fn source(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

fn vectors() -> Option<serde_json::Value> {
    let path = "../../../shared/vectors/rfc5769/vectors.json";
    let text = std::fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).ok()?;
    serde_json::from_str(&text).ok()
}

fn octets(hex: &str) -> Vec<u8> {
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

#[test]
fn the_vectors_of_rfc_5769_are_read() {
    let Some(vectors) = vectors() else {
        println!("SKIP: ../shared/vectors is absent, RFC 5769 was not replayed");
        return;
    };
    let message = |name: &str| octets(vectors["messages_hex"][name].as_str().unwrap());
    let kinds = |octets: &[u8]| -> Vec<u16> {
        let message = Message::parse(octets).unwrap();
        message.attributes().map(|a| a.kind).collect()
    };
    let request = message("2.1 request");
    assert_eq!(kinds(&request), [0x8022, 0x24, 0x8029, 0x06, 0x08, 0x8028]);
    // PRIORITY must be understood, and only ICE does.
    let Answer::Refused(refusal) = answer(&request, source("192.0.2.1:1")) else {
        panic!("not refused")
    };
    let refusal = Message::parse(&refusal).unwrap();
    let values: Vec<&[u8]> = refusal.attributes().map(|a| a.value).collect();
    assert_eq!(values, [&[0, 0, 4, 20][..], &[0, 0x24]]);
    let mapped = |name: &str| Message::parse(&message(name)).unwrap().xor_mapped_address();
    assert_eq!(mapped("2.2 ipv4 response"), Some(source("192.0.2.1:32853")));
    let six = source("[2001:db8:1234:5678:11:2233:4455:6677]:32853");
    assert_eq!(mapped("2.3 ipv6 response"), Some(six));
    let signed = message("2.4 long-term");
    assert_eq!(kinds(&signed), [0x06, 0x15, 0x14, 0x08]);
    assert!(matches!(answer(&signed, six), Answer::Reply(_)));
    for name in ["2.1 request", "2.2 ipv4 response", "2.3 ipv6 response"] {
        let whole = message(name);
        // Whose number is changed, the FINGERPRINT is another attribute, and that may be.
        let number = whole.len() - 8..whole.len() - 6;
        for at in (0..whole.len()).filter(|at| !number.contains(at)) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            assert_eq!(Message::parse(&damaged), None, "{name}, octet {at}");
        }
    }
    println!("COUNT rfc5769 4");
}

#[test]
fn a_binding_request_is_answered_with_where_it_came_from() {
    let request = binding_request(*b"carillon-tx1");
    assert_eq!(request.len(), 20);
    for (from, length) in [
        ("192.0.2.7:5060", 32),
        ("[2001:db8::7]:40000", 44),
        ("[::ffff:192.0.2.7]:9", 32),
    ] {
        let Answer::Reply(reply) = answer(&request, source(from)) else {
            panic!("no reply")
        };
        assert_eq!((reply.len(), &reply[8..20]), (length, &request[8..20]));
        let mapped = Message::parse(&reply).unwrap().xor_mapped_address().unwrap();
        assert_eq!(mapped.ip(), source(from).ip().to_canonical());
        assert_eq!(mapped.port(), source(from).port());
        // An answer is not a question: two servers don't play ball for ever.
        assert_eq!(answer(&reply, source(from)), Answer::Ignore);
    }
}

#[test]
fn what_is_no_request_is_not_answered() {
    let request = binding_request([7; 12]);
    assert!(is_stun(&request) && !is_stun(b"INVITE sip:101@example.com SIP/2.0") && !is_stun(&request[..7]));
    let mut indication = request.clone();
    indication[1] = 0x11;
    let mut longer = request.clone();
    longer[3] = 4;
    let mut cut = request.clone();
    cut.extend([0x80, 0x22, 0, 9, b'x', 0, 0, 0]);
    cut[3] = 8;
    for bad in [&indication, &longer, &cut, &request[..19].to_vec()] {
        assert_eq!(answer(bad, source("192.0.2.7:5060")), Answer::Ignore, "{bad:x?}");
    }
}

#[test]
fn the_vectors_of_rfc_5769_are_authentic() {
    let Some(vectors) = vectors() else {
        println!("SKIP: ../shared/vectors is absent, RFC 5769 was not replayed");
        return;
    };
    let message = |name: &str| octets(vectors["messages_hex"][name].as_str().unwrap());
    let pwd = "VOkJxbRl1RmTxUk/WvJxBt";
    let request = message("2.1 request");
    let check = Check::read(&request).unwrap();
    assert_eq!((check.kind, check.username), (Kind::Request, Some("evtj:h6vY")));
    assert_eq!(check.priority, Some(0x6E00_01FF));
    assert_eq!(check.role, Some(Role::Controlled(0x932F_F9B1_5126_3B36)));
    assert!(check.is_authentic(pwd) && !check.is_authentic("another password of it"));
    for (name, at) in [
        ("2.2 ipv4 response", "192.0.2.1:32853"),
        (
            "2.3 ipv6 response",
            "[2001:db8:1234:5678:11:2233:4455:6677]:32853",
        ),
    ] {
        let response = message(name);
        let check = Check::read(&response).unwrap();
        assert_eq!((check.kind, check.mapped), (Kind::Success, Some(source(at))));
        assert!(check.is_authentic(pwd));
    }
    // Long-term credentials are no matter of ICE, and without FINGERPRINT nothing is.
    assert!(Check::read(&message("2.4 long-term")).is_none());
}

#[test]
fn checks_read_back_and_any_change_is_seen() {
    let request = Request {
        transaction: *b"transactions",
        username: "theirs:ours",
        priority: 1_853_824_767,
        role: Role::Controlling(9),
        nominate: true,
    };
    let written = request.written("a password");
    let check = Check::read(&written).unwrap();
    assert_eq!(
        (check.username, check.priority),
        (Some("theirs:ours"), Some(1_853_824_767))
    );
    assert_eq!((check.role, check.nominates), (Some(Role::Controlling(9)), true));
    assert!(check.is_authentic("a password"));
    for at in 0..written.len() {
        let mut other = written.clone();
        other[at] ^= 1;
        let believed = Check::read(&other).is_some_and(|check| check.is_authentic("a password"));
        assert!(!believed, "octet {at}");
    }
    let at = source("192.0.2.5:700");
    let answer = success(*b"transactions", at, "a password");
    let read = Check::read(&answer).unwrap();
    assert_eq!(
        (read.kind, read.mapped, read.transaction),
        (Kind::Success, Some(at), *b"transactions")
    );
    assert!(read.is_authentic("a password"));
    let refusal = role_conflict(*b"transactions", "a password");
    assert_eq!(Check::read(&refusal).unwrap().kind, Kind::Refusal(487));
    // A request without credentials is answered elsewhere, and is no check.
    assert!(Check::read(&binding_request(*b"transactions")).is_none());
}
