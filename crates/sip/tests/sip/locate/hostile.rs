//! Answers that nobody should give: a look-up ends after a bounded number of questions with a bounded number of places that can be.

use super::{TCP, TLS, UDP, Zone, look_up, means, wish};
use crate::transactions::Dice;
use sip::locate::{
    Answer, Failure, Families, Found, Kind, Locator, MAX_PLACES, MAX_QUESTIONS, Means, Question, Record,
    Transport, Wish,
};
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const NAMES: [&str; 12] = [
    "a.test",
    "A.TEST.",
    "b.test",
    "_sip._udp.a.test",
    "",
    ".",
    "..",
    "a..test",
    "192.0.2.1",
    "x y.test",
    "\r\n",
    "1234567890123456789012345678901234567890123456789012345678901234.test",
];

fn small(dice: &mut Dice, below: u64) -> u16 {
    u16::try_from(dice.below(below)).unwrap()
}

fn name(dice: &mut Dice) -> Box<str> {
    match dice.below(3) {
        0 => format!("h{}.test", dice.below(200)).into(),
        _ => NAMES[dice.below(12) as usize].into(),
    }
}

fn record(dice: &mut Dice) -> Record {
    let services = ["SIP+D2U", "sip+d2t", "SIPS+D2T", "SIP+D2S", "", "E2U+sip"];
    match dice.below(4) {
        0 => Record::Naptr {
            order: small(dice, 3),
            preference: small(dice, 3),
            flags: ["s", "S", "a", ""][dice.below(4) as usize].into(),
            service: services[dice.below(6) as usize].into(),
            regexp: ["", "", "!x!y!"][dice.below(3) as usize].into(),
            replacement: name(dice),
        },
        1 => Record::Srv {
            priority: small(dice, 3),
            weight: small(dice, 65_536),
            port: small(dice, 3) * 5_060,
            target: name(dice),
        },
        2 => {
            let special = [0, u32::MAX, 0xE000_0001, 0x7F00_0001];
            let random = dice.below(1 << 32) as u32;
            let address = special.get(dice.below(12) as usize).copied().unwrap_or(random);
            Record::Address(IpAddr::V4(Ipv4Addr::from(address)))
        }
        _ => {
            let special = [0, 1, 0xFF02 << 112, 0xFFFF_0000_0000];
            let random = u128::from(dice.below(u64::MAX)) << 64 | 1;
            let address = special.get(dice.below(12) as usize).copied().unwrap_or(random);
            Record::Address(IpAddr::V6(Ipv6Addr::from(address)))
        }
    }
}

fn answer(dice: &mut Dice) -> Answer {
    let ttl_s = dice.below(1 << 32) as u32;
    match dice.below(10) {
        0 => Answer::NoSuchName(ttl_s),
        1 => Answer::NoData(ttl_s),
        2 => Answer::Failed,
        _ => {
            let many = dice.below(100);
            Answer::Records((0..many).map(|_| record(dice)).collect(), ttl_s)
        }
    }
}

fn random_look_up(dice: &mut Dice) -> (Wish, Locator) {
    let transports = [None, Some(UDP), Some(TCP), Some(TLS)];
    let port = [None, None, Some(5_070)][dice.below(3) as usize];
    let transport = transports[dice.below(8) as usize % 4];
    let wish = Wish::new("a.test", port, transport, dice.below(4) == 0).unwrap();
    let means = Means {
        transports: [UDP, TCP, TLS, UDP][..dice.below(5) as usize].to_vec(),
        families: [
            Families::V4First,
            Families::V6First,
            Families::V4Only,
            Families::V6Only,
        ][dice.below(4) as usize],
    };
    (wish.clone(), Locator::new(wish, means, dice.below(u64::MAX)))
}

fn check(wish: &Wish, outcome: &Result<Found, Failure>, dice: &mut Dice) {
    let Ok(found) = outcome else { return };
    let places = found.places(dice.below(u64::MAX));
    assert!((1..=MAX_PLACES).contains(&places.len()));
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), places.len());
    for place in places {
        let ip = place.address.ip();
        assert!(!ip.is_unspecified() && !ip.is_multicast() && ip != IpAddr::V4(Ipv4Addr::BROADCAST));
        assert!(place.address.port() != 0);
        assert!(!wish.secure || place.transport == Transport::Tls);
        assert!(
            wish.secure
                || wish
                    .transport
                    .is_none_or(|transport| transport == place.transport)
        );
        assert!(wish.port.is_none_or(|port| port == place.address.port()));
    }
}

#[test]
fn arbitrary_answers_in_any_order_come_to_an_end() {
    let mut ends = [0; 2];
    for seed in 0..4_000 {
        let dice = &mut Dice::new(seed);
        let (wish, mut locator) = random_look_up(dice);
        let mut asked = BTreeSet::new();
        let mut open: Vec<Question> = Vec::new();
        while locator.outcome().is_none() {
            for question in locator.questions() {
                assert!(asked.insert(question.clone()), "{question:?} again");
                open.push(question);
            }
            assert!(asked.len() <= MAX_QUESTIONS && !open.is_empty());
            match dice.below(40) {
                0 => locator.give_up(),
                1 => {
                    // Nobody asked for that, or it is answered already.
                    let kind = [Kind::A, Kind::Srv][dice.below(2) as usize];
                    let name = "h1.test".into();
                    if !open.iter().any(|q| *q.name == *"h1.test") {
                        locator.handle_answer(&Question { kind, name }, answer(dice));
                    }
                }
                _ => {
                    let question = open.swap_remove(dice.below(open.len() as u64) as usize);
                    locator.handle_answer(&question, answer(dice));
                }
            }
        }
        let outcome = locator.outcome().unwrap().clone();
        check(&wish, &outcome, dice);
        ends[usize::from(outcome.is_ok())] += 1;
        locator.handle_answer(
            &Question {
                kind: Kind::A,
                name: "a.test".into(),
            },
            answer(dice),
        );
        locator.give_up();
        assert_eq!(locator.outcome(), Some(&outcome));
    }
    assert!(ends[0] > 200 && ends[1] > 200, "{ends:?}");
}

#[test]
fn the_order_in_which_answers_come_changes_nothing() {
    for seed in 0..300 {
        let outcomes = [false, true].map(|reversed| {
            let mut dice = Dice::new(seed);
            let (_, mut locator) = random_look_up(&mut dice);
            while locator.outcome().is_none() {
                let mut told: Vec<(Question, Answer)> = Vec::new();
                for question in locator.questions() {
                    told.push((question, answer(&mut dice)));
                }
                if reversed {
                    told.reverse();
                }
                for (question, answer) in told {
                    locator.handle_answer(&question, answer);
                }
            }
            locator.outcome().unwrap().clone()
        });
        assert_eq!(outcomes[0], outcomes[1]);
    }
}

#[test]
fn a_domain_with_a_thousand_servers_costs_a_bounded_number_of_questions() {
    let mut zone = String::new();
    for index in 0..1_000 {
        zone += &format!("big.test 60 NAPTR {index} 0 s SIP+D2U \"\" _s{index}.big.test.\n");
    }
    for service in 0..10 {
        for index in 0..100 {
            zone += &format!("_s{service}.big.test 60 SRV {index} 0 5060 h{service}x{index}.big.test.\n");
            zone += &format!("h{service}x{index}.big.test 60 A 192.0.{service}.{index}\n");
        }
    }
    let (outcome, rounds) = look_up(&wish("big.test"), means(&[UDP]), &Zone::new(&zone));
    let places = outcome.unwrap().places(1);
    assert!(rounds.concat().len() <= MAX_QUESTIONS);
    // The first of the first service are those that are kept.
    assert_eq!(places[0].address, "192.0.0.0:5060".parse().unwrap());
    assert!((8..=MAX_PLACES).contains(&places.len()), "{}", places.len());
}

#[test]
fn giving_up_uses_what_is_there() {
    let wish = wish("g.test");
    let mut locator = Locator::new(wish.clone(), means(&[UDP]), 1);
    locator.give_up();
    assert_eq!(locator.outcome(), Some(&Err(Failure::NoAnswer)));
    assert_eq!(locator.questions(), []);
    let zone = Zone::new("_sip._udp.g.test 60 SRV 0 0 5060 h.test.\nh.test 60 A 192.0.2.1");
    let mut locator = Locator::new(wish, means(&[UDP]), 1);
    while locator.outcome().is_none() {
        for question in locator.questions() {
            if question.kind != Kind::Aaaa {
                locator.handle_answer(&question, zone.answer(&question));
            } else {
                locator.give_up();
            }
        }
    }
    let found = locator.outcome().unwrap().clone().unwrap();
    assert!(!found.is_whole());
    assert_eq!(found.places(0).len(), 1);
}
