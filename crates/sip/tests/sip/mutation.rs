//! Random damage to real messages: nothing panics, nothing is smuggled, framing never depends on the slices.

use crate::corpus::{own, rfc4475};
use crate::framing::frames;
use crate::torture::SUPPORT;
use sip::{Message, Name, Verdict, Writer, validate};
use std::net::SocketAddr;

struct XorShift(u64);

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

const PIECES: [&[u8]; 24] = [
    b"\r\n",
    b"\r",
    b"\n",
    b"\0",
    b"\"",
    b"\\",
    b"<",
    b">",
    b",",
    b";",
    b":",
    b"@",
    b"%",
    b"%00",
    b" ",
    b"\t",
    b"=",
    b"[",
    b"]",
    b"\xff",
    b"\r\nl: 3\r\n",
    b"\r\nVia: x\r\n",
    b"99999999999999999999",
    b"\r\n\r\n",
];

fn damage(octets: &mut Vec<u8>, random: &mut XorShift) {
    for _ in 0..=random.below(4) {
        let at = random.below(octets.len());
        let end = (at + 1 + random.below(12)).min(octets.len());
        match random.below(5) {
            0 => drop(octets.splice(at..at, PIECES[random.below(PIECES.len())].iter().copied())),
            1 => drop(octets.drain(at..end)),
            2 => octets[at..end].iter_mut().for_each(|o| *o = (*o).wrapping_add(1)),
            3 => {
                let copy = octets[at..end].to_vec();
                let to = random.below(octets.len());
                drop(octets.splice(to..to, copy));
            }
            _ => octets[at] ^= 1 << random.below(8),
        }
        if octets.is_empty() {
            octets.push(b'x');
        }
    }
}

/// Asks for everything a message can tell.
fn read_all(message: &Message<'_>) {
    let _ = (
        message.top_via(),
        message.from(),
        message.to(),
        message.call_id(),
        message.cseq(),
    );
    let _ = (
        message.max_forwards(),
        message.expires(),
        message.method(),
        message.request_line(),
    );
    for address in [message.from(), message.to()].into_iter().flatten() {
        let _ = (address.tag(), address.display_unquoted(), address.params.check());
        if let Ok(uri) = address.uri() {
            let _ = (
                uri.canonical(),
                uri.user_decoded(),
                uri.user_key(),
                uri.param("lr"),
            );
            assert!(uri.equivalent(&uri), "{uri} differs from itself");
        }
    }
    for contact in message.contacts().iter().into_iter().flatten().flatten() {
        assert!(contact.q_milli.is_none_or(|q| q <= 1000));
    }
    for (name, written, _) in message.fields() {
        assert_eq!(Name::parse(written), name);
        assert!(message.list(name).count() < 70_000);
    }
    assert!(message.bytes().ends_with(message.body()));
}

fn check_reply(request: &Message<'_>) {
    let source: SocketAddr = "192.0.2.7:5060".parse().unwrap();
    let bytes = Writer::reply(request, 400, "", Some("t"), source).finish();
    let reply = Message::parse(&bytes).expect("our own words");
    assert_eq!(reply.defect(), None);
    let blank = |line: &str| line.trim_matches([',', ' ', '\t', '\r', '\n']).is_empty();
    let vias = request.headers(Name::Via).filter(|line| !blank(line)).count();
    let mut others = 1;
    for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
        others += usize::from(request.header(name).is_some());
    }
    assert_eq!(reply.fields().count(), vias + others);
    assert_eq!(reply.headers(Name::Via).count(), vias);
}

/// What validation keeps is what the views would read.
fn same_views(fresh: &Message<'_>, judged: &Message<'_>) {
    assert_eq!(fresh.top_via(), judged.top_via());
    assert_eq!((fresh.from(), fresh.to()), (judged.from(), judged.to()));
    assert_eq!(fresh.from_tag(), judged.from_tag());
    assert_eq!(fresh.to_tag(), judged.to_tag());
    assert_eq!((fresh.call_id(), fresh.cseq()), (judged.call_id(), judged.cseq()));
    for (fresh, judged) in [
        (fresh.from_uri(), judged.from_uri()),
        (fresh.to_uri(), judged.to_uri()),
        (fresh.target(), judged.target()),
    ] {
        assert_eq!(fresh.map(|uri| uri.as_str()), judged.map(|uri| uri.as_str()));
    }
}

fn check(octets: &[u8]) {
    let Ok(fresh) = Message::parse(octets) else {
        return;
    };
    read_all(&fresh);
    let mut message = fresh.clone();
    let verdict = validate(&mut message, &SUPPORT);
    if verdict == Verdict::Accept {
        same_views(&fresh, &message);
        assert!(message.call_id().is_ok() && message.cseq().is_ok() && message.top_via().is_ok());
        assert!(message.from().is_ok() && message.to().is_ok());
    }
    if message.is_request() {
        check_reply(&message);
    } else {
        assert!(!matches!(verdict, Verdict::Reject { .. }));
    }
}

#[test]
fn damaged_messages_are_read_judged_and_answered_without_harm() {
    let mut cases = own();
    cases.extend(rfc4475().unwrap_or_default());
    let mut random = XorShift(0x2545_f491_4f6c_dd1d);
    for case in &cases {
        check(&case.octets);
        for _ in 0..300 {
            let mut octets = case.octets.clone();
            damage(&mut octets, &mut random);
            check(&octets);
        }
    }
}

#[test]
fn every_prefix_of_a_message_is_safe() {
    for case in own() {
        for end in 0..case.octets.len() {
            check(&case.octets[..end]);
        }
    }
}

#[test]
fn frames_do_not_depend_on_how_the_octets_come() {
    let mut cases = own();
    cases.extend(rfc4475().unwrap_or_default());
    let mut random = XorShift(0x9e37_79b9_7f4a_7c15);
    for case in &cases {
        for round in 0..12 {
            let mut octets = case.octets.clone();
            if round > 0 {
                damage(&mut octets, &mut random);
                octets.extend_from_slice(&case.octets);
            }
            let whole = frames(&octets, octets.len(), 4_000);
            assert_eq!(frames(&octets, 1, 4_000), whole, "{}", case.name);
            assert_eq!(
                frames(&octets, 1 + random.below(40), 4_000),
                whole,
                "{}",
                case.name
            );
        }
    }
}

#[test]
fn a_frame_reads_as_the_message_it_was_cut_as() {
    let mut random = XorShift(77);
    for case in own() {
        for _ in 0..200 {
            let mut octets = case.octets.clone();
            damage(&mut octets, &mut random);
            for frame in frames(&octets, octets.len(), 65_535) {
                let crate::framing::Seen::Message(cut) = frame else {
                    continue;
                };
                let message = Message::parse(&cut).expect("the framer has read its head");
                assert_eq!(message.bytes(), cut, "framing and parsing disagree");
                assert!(message.is_head_complete());
            }
        }
    }
}
