//! Where a URI leads by the DNS: RFC 3263 branch by branch, from zones written as text.

mod cache;
mod hostile;
mod message;
mod selection;
mod walk;
mod weights;

use sip::locate::{
    Answer, Failure, Families, Found, Kind, Locator, Means, Place, Question, Record, Transport, Wish,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;

pub(crate) const UDP: Transport = Transport::Udp;
pub(crate) const TCP: Transport = Transport::Tcp;
pub(crate) const TLS: Transport = Transport::Tls;

/// What the DNS would say. A line is a name, a TTL, a type and its data; `FAIL` is a server that can't say, and whoever is
/// not named does not exist.
#[derive(Clone, Default)]
pub(crate) struct Zone(BTreeMap<(Kind, String), Answer>);

impl Zone {
    pub(crate) fn new(text: &str) -> Zone {
        let mut zone = Zone::default();
        for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
            zone.line(line);
        }
        zone
    }

    fn line(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |index: usize| words[index].parse::<u16>().unwrap();
        let text = |index: usize| -> Box<str> { words[index].trim_matches('"').trim_end_matches('.').into() };
        let (kind, record) = match words[2] {
            "NAPTR" => {
                let record = Record::Naptr {
                    order: number(3),
                    preference: number(4),
                    flags: text(5),
                    service: text(6),
                    regexp: text(7),
                    replacement: text(8),
                };
                (Kind::Naptr, Some(record))
            }
            "SRV" => {
                let record = Record::Srv {
                    priority: number(3),
                    weight: number(4),
                    port: number(5),
                    target: text(6),
                };
                (Kind::Srv, Some(record))
            }
            "A" => (Kind::A, Some(Record::Address(words[3].parse().unwrap()))),
            "AAAA" => (Kind::Aaaa, Some(Record::Address(words[3].parse().unwrap()))),
            "FAIL-NAPTR" => (Kind::Naptr, None),
            "FAIL-SRV" => (Kind::Srv, None),
            "FAIL-A" => (Kind::A, None),
            "FAIL-AAAA" => (Kind::Aaaa, None),
            other => panic!("{other} in {line}"),
        };
        let ttl_s: u32 = words[1].parse().unwrap();
        let answer = self
            .0
            .entry((kind, words[0].to_owned()))
            .or_insert(Answer::Records(Vec::new(), ttl_s));
        match (record, answer) {
            (Some(record), Answer::Records(records, smallest)) => {
                records.push(record);
                *smallest = ttl_s.min(*smallest);
            }
            (_, answer) => *answer = Answer::Failed,
        }
    }

    pub(crate) fn answer(&self, question: &Question) -> Answer {
        let name = question.name.to_string();
        let known = self.0.get(&(question.kind, name.clone())).cloned();
        known.unwrap_or_else(|| match self.0.keys().any(|(_, other)| *other == name) {
            true => Answer::NoData(60),
            false => Answer::NoSuchName(60),
        })
    }
}

pub(crate) fn means(transports: &[Transport]) -> Means {
    Means {
        transports: transports.to_vec(),
        families: Families::V4First,
    }
}

/// Looks up to the end: the outcome, and the questions in the rounds in which they were asked.
pub(crate) fn look_up(wish: &Wish, means: Means, zone: &Zone) -> (Result<Found, Failure>, Vec<Vec<String>>) {
    let mut locator = Locator::new(wish.clone(), means, 7);
    let mut rounds = Vec::new();
    loop {
        if let Some(outcome) = locator.outcome() {
            let outcome = outcome.clone();
            assert_eq!(locator.questions(), [], "asked and done at once");
            return (outcome, rounds);
        }
        let questions = locator.questions();
        assert!(!questions.is_empty(), "nothing to ask and not done");
        rounds.push(
            questions
                .iter()
                .map(|q| format!("{:?} {}", q.kind, q.name).to_uppercase())
                .collect(),
        );
        for question in questions {
            locator.handle_answer(&question, zone.answer(&question));
        }
    }
}

pub(crate) fn place(transport: Transport, address: &str) -> Place {
    Place {
        transport,
        address: address.parse::<SocketAddr>().unwrap(),
    }
}

pub(crate) fn wish(host: &str) -> Wish {
    Wish::new(host, None, None, false).unwrap()
}

/// As a reader of tables likes it: `udp 192.0.2.1:5060`.
pub(crate) fn shown(outcome: &Result<Found, Failure>) -> Vec<String> {
    match outcome {
        Ok(found) => found
            .places(0)
            .iter()
            .map(|place| format!("{:?} {}", place.transport, place.address).to_lowercase())
            .collect(),
        Err(failure) => vec![format!("{failure:?}")],
    }
}
