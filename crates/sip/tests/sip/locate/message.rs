//! Messages of the DNS: what is asked, what an answer says, and what none is.

use crate::transactions::Dice;
use sip::locate::message::{Reply, query, read};
use sip::locate::{Answer, Kind, Question, Record};

const ID: u16 = 0x1234;

fn question(kind: Kind, name: &str) -> Question {
    Question {
        kind,
        name: name.into(),
    }
}

/// A name on the wire, without pointers.
fn wire(name: &str) -> Vec<u8> {
    let mut octets = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        octets.push(label.len() as u8);
        octets.extend_from_slice(label.as_bytes());
    }
    octets.push(0);
    octets
}

struct Made(Vec<u8>);

impl Made {
    /// A response with these flags to a question, without records.
    fn to(question: &Question, flags: u16) -> Made {
        let mut octets = query(ID, question).unwrap();
        octets[2..4].copy_from_slice(&flags.to_be_bytes());
        Made(octets)
    }

    /// Adds a record to a section (0 = answers, 1 = authority), its owner given on the wire.
    fn record(mut self, section: usize, owner: &[u8], kind: u16, ttl_s: u32, data: &[u8]) -> Made {
        let count = 6 + 2 * section;
        self.0[count + 1] += 1;
        self.0.extend_from_slice(owner);
        self.0.extend_from_slice(&kind.to_be_bytes());
        self.0.extend_from_slice(&1_u16.to_be_bytes());
        self.0.extend_from_slice(&ttl_s.to_be_bytes());
        self.0.extend_from_slice(&(data.len() as u16).to_be_bytes());
        self.0.extend_from_slice(data);
        self
    }

    fn read(&self, question: &Question) -> Option<Reply> {
        read(&self.0, ID, question)
    }
}

const OK: u16 = 0x8180;
/// A pointer to the name of the question.
const SAME: [u8; 2] = [0xC0, 12];

fn soa(minimum: u32) -> Vec<u8> {
    [
        &wire("ns.test")[..],
        &wire("root.test"),
        &[0; 16],
        &minimum.to_be_bytes(),
    ]
    .concat()
}

fn records(reply: Option<Reply>) -> (Vec<Record>, u32) {
    match reply {
        Some(Reply::Answer(Answer::Records(records, ttl_s))) => (records, ttl_s),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_question_is_written_as_rfc_1035_says() {
    let octets = query(0xABCD, &question(Kind::Srv, "_sip._udp.ab.c")).unwrap();
    let expected =
        b"\xAB\xCD\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x04_sip\x04_udp\x02ab\x01c\x00\x00\x21\x00\x01";
    assert_eq!(octets, expected);
    for bad in ["", "a..b", "b\u{fc}cher.test", &"a".repeat(64)] {
        assert_eq!(query(1, &question(Kind::A, bad)), None, "{bad:?}");
    }
}

#[test]
fn each_kind_of_record_is_read() {
    let a = question(Kind::A, "a.test");
    let reply = Made::to(&a, OK)
        .record(0, &SAME, 1, 300, &[192, 0, 2, 1])
        .record(0, &wire("A.TEST"), 1, 200, &[192, 0, 2, 2])
        .record(0, &wire("other.test"), 1, 1, &[192, 0, 2, 3])
        .record(0, &SAME, 1, 300, &[192, 0, 2])
        .record(0, &SAME, 1, 300, &[0, 0, 0, 0]);
    let address = |text: &str| Record::Address(text.parse().unwrap());
    assert_eq!(
        records(reply.read(&a)),
        (vec![address("192.0.2.1"), address("192.0.2.2")], 200)
    );
    let aaaa = question(Kind::Aaaa, "a.test");
    let octets = "2001:db8::7".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let reply = Made::to(&aaaa, OK).record(0, &SAME, 28, 0xFFFF_FFFF, &octets);
    // A TTL with its highest bit set is none.
    assert_eq!(records(reply.read(&aaaa)), (vec![address("2001:db8::7")], 0));
    let srv = question(Kind::Srv, "_sip._udp.a.test");
    // The target ends by a pointer into the question: `s.` and then `a.test`.
    let reply = Made::to(&srv, OK)
        .record(0, &SAME, 33, 60, &[0, 1, 0, 2, 0x13, 0xC4, 1, b'S', 0xC0, 22])
        .record(0, &SAME, 33, 60, &[0, 1, 0, 2, 0x13, 0xC4, 0]);
    let server = |target: &str| Record::Srv {
        priority: 1,
        weight: 2,
        port: 5060,
        target: target.into(),
    };
    assert_eq!(records(reply.read(&srv)).0, [server("s.a.test"), server("")]);
    let naptr = question(Kind::Naptr, "a.test");
    let data = [
        &[0, 9, 0, 8, 1, b's', 7][..],
        b"SIP+D2U",
        &[0],
        &wire("_sip._udp.a.test"),
    ]
    .concat();
    let reply = Made::to(&naptr, OK).record(0, &SAME, 35, 60, &data);
    let expected = Record::Naptr {
        order: 9,
        preference: 8,
        flags: "s".into(),
        service: "SIP+D2U".into(),
        regexp: "".into(),
        replacement: "_sip._udp.a.test".into(),
    };
    assert_eq!(records(reply.read(&naptr)).0, [expected]);
}

#[test]
fn aliases_are_followed_within_an_answer_and_out_of_it() {
    let a = question(Kind::A, "a.test");
    let chain = Made::to(&a, OK)
        .record(0, &wire("c.test"), 1, 90, &[192, 0, 2, 1])
        .record(0, &wire("b.test"), 5, 80, &wire("c.test"))
        .record(0, &SAME, 5, 70, &wire("B.test"));
    let (found, ttl_s) = records(chain.read(&a));
    assert_eq!((found.len(), ttl_s), (1, 70));
    let half = Made::to(&a, OK).record(0, &SAME, 5, 70, &wire("b.test"));
    assert_eq!(half.read(&a), Some(Reply::Alias("b.test".into(), 70)));
    // Round and round.
    let circle = Made::to(&a, OK).record(0, &SAME, 5, 70, &wire("b.test")).record(
        0,
        &wire("b.test"),
        5,
        70,
        &wire("a.test"),
    );
    assert!(matches!(
        circle.read(&a),
        Some(Reply::Alias(..) | Reply::Answer(Answer::NoData(_)))
    ));
    // The end of the chain does not exist.
    let gone = Made::to(&a, OK | 3)
        .record(0, &SAME, 5, 70, &wire("b.test"))
        .record(1, &wire("test"), 6, 900, &soa(20));
    assert_eq!(gone.read(&a), Some(Reply::Answer(Answer::NoSuchName(20))));
}

#[test]
fn nothing_and_trouble_are_told_apart() {
    let a = question(Kind::A, "a.test");
    let made = |flags: u16| Made::to(&a, flags);
    let answer = |reply: &Made| match reply.read(&a) {
        Some(Reply::Answer(answer)) => answer,
        other => panic!("{other:?}"),
    };
    assert_eq!(answer(&made(OK)), Answer::NoData(0));
    assert_eq!(answer(&made(OK | 3)), Answer::NoSuchName(0));
    assert_eq!(
        answer(&made(OK | 3).record(1, &SAME, 6, 40, &soa(90))),
        Answer::NoSuchName(40)
    );
    assert_eq!(
        answer(&made(OK).record(1, &SAME, 6, 400, &soa(90))),
        Answer::NoData(90)
    );
    // Broken, refused, not understood.
    for rcode in [1, 2, 4, 5, 9, 0x0800] {
        assert_eq!(answer(&made(OK | rcode)), Answer::Failed);
    }
    // Somebody else would know.
    let referral = made(0x8000).record(1, &wire("test"), 2, 400, &wire("ns.test"));
    assert_eq!(answer(&referral), Answer::Failed);
    assert_eq!(made(OK | 0x0200).read(&a), Some(Reply::Truncated));
}

#[test]
fn what_is_not_the_answer_is_no_answer() {
    let a = question(Kind::A, "a.test");
    let good = Made::to(&a, OK).record(0, &SAME, 1, 300, &[192, 0, 2, 1]);
    assert!(good.read(&a).is_some());
    assert_eq!(read(&good.0, ID + 1, &a), None);
    assert_eq!(good.read(&question(Kind::Aaaa, "a.test")), None);
    assert_eq!(good.read(&question(Kind::A, "b.test")), None);
    assert_eq!(read(&query(ID, &a).unwrap(), ID, &a), None);
    for length in 0..good.0.len() {
        assert_eq!(read(&good.0[..length], ID, &a), None, "{length}");
    }
    // A pointer to itself, forwards, and one that leads round: none is followed for ever.
    let end = good.0.len() as u8;
    for pointer in [[0xC0, end], [0xC0, end + 2], [0xC1, 0xFF]] {
        let looped = Made(good.0.clone()).record(0, &pointer, 1, 1, &[192, 0, 2, 1]);
        assert_eq!(looped.read(&a), None);
    }
    let mut long = Vec::new();
    for _ in 0..5 {
        long.extend_from_slice(&wire(&"a".repeat(63))[..64]);
    }
    long.push(0);
    assert_eq!(
        Made(good.0.clone())
            .record(0, &long, 1, 1, &[192, 0, 2, 1])
            .read(&a),
        None
    );
    // A dot within a label is no border of two.
    let odd = Made::to(&a, OK).record(0, b"\x06a.test\x00", 1, 300, &[192, 0, 2, 1]);
    assert_eq!(odd.read(&a), Some(Reply::Answer(Answer::NoData(0))));
}

#[test]
fn damaged_answers_are_read_without_harm() {
    let naptr = question(Kind::Naptr, "a.test");
    let data = [
        &[0, 9, 0, 8, 1, b's', 7][..],
        b"SIP+D2U",
        &[0],
        &wire("_sip._udp.a.test"),
    ]
    .concat();
    let whole = Made::to(&naptr, OK)
        .record(0, &SAME, 5, 70, &wire("b.test"))
        .record(0, &wire("b.test"), 35, 60, &data)
        .record(1, &SAME, 6, 40, &soa(90));
    let mut kinds = [0; 2];
    for seed in 0..20_000 {
        let dice = &mut Dice::new(seed);
        let mut octets = whole.0.clone();
        for _ in 0..=dice.below(4) {
            let at = dice.below(octets.len() as u64) as usize;
            match dice.below(4) {
                0 => octets[at] = dice.below(256) as u8,
                1 => octets[at] ^= 1 << dice.below(8),
                2 => octets.truncate(at.max(1)),
                _ => octets.insert(at, 0xC0),
            }
        }
        let reply = read(&octets, ID, &naptr);
        if let Some(Reply::Answer(Answer::Records(records, _))) = &reply {
            assert!(records.len() <= 2);
        }
        kinds[usize::from(reply.is_some())] += 1;
    }
    assert!(kinds[0] > 1_000 && kinds[1] > 1_000, "{kinds:?}");
}
