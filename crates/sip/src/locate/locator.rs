//! One look-up, RFC 3263 §4.1 and §4.2. There are no states: after each round what follows from all answers is worked out
//! anew, so that the functions below read like the section, and nothing depends on the order in which answers come.

use super::draw::{Lots, draw};
use super::found::{Found, Hop};
use super::wish::{Host, Wish, clean_name, usable};
use super::{
    Answer, Failure, Families, Kind, MAX_ADDRESSES, MAX_QUESTIONS, MAX_RECORDS, MAX_SERVICES, MAX_TARGETS,
    Means, Question, Record, Transport,
};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};

/// A look-up on its way. Ask the questions of [`Locator::questions`], give each answer to [`Locator::handle_answer`], and
/// again, until there is an [`Locator::outcome`].
#[derive(Clone, Debug)]
pub struct Locator {
    wish: Wish,
    means: Means,
    seed: u64,
    /// All questions so far; those without an answer are open.
    answers: BTreeMap<Question, Option<Answer>>,
    outcome: Option<Result<Found, Failure>>,
    fresh: Vec<Question>,
}

/// What is still missing before there is an outcome.
enum Want {
    Answers(Vec<Question>),
    Nothing(Failure),
}

/// A transport of the peer and the name with its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Service {
    transport: Transport,
    name: Box<str>,
}

/// A server of a service.
#[derive(Clone, Debug)]
struct Target {
    rank: (u16, u16),
    weight: u16,
    transport: Transport,
    port: u16,
    name: Box<str>,
    ttl_s: u32,
}

/// What the SRV records of some services say together.
#[derive(Default)]
struct Servers {
    targets: Vec<Target>,
    /// Transports that are decidedly not there.
    absent: Vec<Transport>,
    /// Transports whose records nobody told.
    failed: Vec<Transport>,
}

impl Locator {
    /// A look-up with these means. The seed decides which servers are looked at where there are more than a look-up may
    /// consider.
    #[must_use]
    pub fn new(wish: Wish, means: Means, seed: u64) -> Locator {
        let mut locator = Locator {
            wish,
            means,
            seed,
            answers: BTreeMap::new(),
            outcome: None,
            fresh: Vec::new(),
        };
        locator.advance();
        locator
    }

    /// Questions that were not handed out before. They may be asked all at once.
    pub fn questions(&mut self) -> Vec<Question> {
        std::mem::take(&mut self.fresh)
    }

    /// An answer. One that nobody asked for, or a second one, changes nothing.
    pub fn handle_answer(&mut self, question: &Question, mut answer: Answer) {
        let Some(open @ None) = self.answers.get_mut(question) else {
            return;
        };
        if let Answer::Records(records, _) = &mut answer {
            records.truncate(MAX_RECORDS);
        }
        *open = Some(answer);
        self.advance();
    }

    /// The time is over: what is open has failed.
    pub fn give_up(&mut self) {
        while self.outcome.is_none() {
            for answer in self.answers.values_mut().filter(|answer| answer.is_none()) {
                *answer = Some(Answer::Failed);
            }
            self.advance();
        }
        self.fresh.clear();
    }

    /// What came out, when it has.
    #[must_use]
    pub fn outcome(&self) -> Option<&Result<Found, Failure>> {
        self.outcome.as_ref()
    }

    fn advance(&mut self) {
        if self.outcome.is_some() || self.answers.values().any(Option::is_none) {
            return;
        }
        match self.find() {
            Ok(found) => self.outcome = Some(Ok(found)),
            Err(Want::Nothing(failure)) => self.outcome = Some(Err(failure)),
            Err(Want::Answers(mut questions)) => {
                questions.truncate(MAX_QUESTIONS.saturating_sub(self.answers.len()));
                if questions.is_empty() {
                    self.outcome = Some(Err(Failure::NoAnswer));
                }
                let open = questions.iter().map(|question| (question.clone(), None));
                self.answers.extend(open);
                self.fresh.extend(questions);
            }
        }
    }

    fn find(&self) -> Result<Found, Want> {
        let transports = self.transports().ok_or(Want::Nothing(Failure::Unspoken))?;
        let usual = usual(&transports).ok_or(Want::Nothing(Failure::Unspoken))?;
        let port = self.wish.port.unwrap_or(usual.default_port());
        let name = match &self.wish.host {
            Host::Address(ip) => return Ok(literal(usual, SocketAddr::new(*ip, port))),
            Host::Name(name) => name,
        };
        if self.wish.port.is_some() {
            return self.addresses(&[target(usual, port, name)]);
        }
        let mut is_hidden = false;
        if self.wish.transport.is_none() {
            let (services, ttl_s) = self.services(name, &transports)?;
            let mut servers = self.servers(&services)?;
            servers
                .targets
                .iter_mut()
                .for_each(|t| t.ttl_s = t.ttl_s.min(ttl_s));
            if !servers.targets.is_empty() {
                return self.addresses(&servers.targets);
            }
            is_hidden = !servers.failed.is_empty();
        }
        // Without NAPTR records, or with such that lead nowhere: a domain has to have SRV records of its own (§4.1).
        let servers = self.servers(&own_services(name, &transports))?;
        if !servers.targets.is_empty() {
            return self.addresses(&servers.targets);
        }
        // What the DNS did not tell may be elsewhere: the address of the domain is often that of its web pages.
        if is_hidden || servers.failed.contains(&usual) {
            return Err(Want::Nothing(Failure::NoAnswer));
        }
        if servers.absent.contains(&usual) {
            return Err(Want::Nothing(Failure::NoSuchName(self.negative_ttl())));
        }
        self.addresses(&[target(usual, port, name)])
    }

    /// The transports that may be used, the one first that this server likes best; `None` where the wish can't be met.
    fn transports(&self) -> Option<Vec<Transport>> {
        let wanted = match (self.wish.transport, self.wish.secure) {
            // A stream that is to be secure is TLS (RFC 3261 §26.2.2); datagrams can't be.
            (None | Some(Transport::Tcp | Transport::Tls), true) => Some(Transport::Tls),
            (Some(Transport::Udp), true) => return None,
            (transport, false) => transport,
        };
        let mut all = Vec::new();
        for transport in &self.means.transports {
            let is_wanted = wanted.is_none_or(|wanted| wanted == *transport);
            if is_wanted && !all.contains(transport) {
                all.push(*transport);
            }
        }
        (!all.is_empty()).then_some(all)
    }

    /// What NAPTR records lead to, in their order, and their TTL. Nothing where there are none that fit: other services than
    /// SIP, transports that are not spoken, `SIP` where `SIPS` is wanted.
    fn services(&self, name: &str, transports: &[Transport]) -> Result<(Vec<Service>, u32), Want> {
        let (records, ttl_s) = match self.ask(&[question(Kind::Naptr, name)])?.as_slice() {
            [(_, Answer::Records(records, ttl_s))] => (records.as_slice(), *ttl_s),
            _ => return Ok((Vec::new(), u32::MAX)),
        };
        let mut fitting: Vec<(u16, u16, usize, Service)> = records
            .iter()
            .filter_map(|record| {
                let (order, preference, service) = naptr(record)?;
                let liking = transports.iter().position(|t| *t == service.transport)?;
                Some((order, preference, liking, service))
            })
            .collect();
        fitting.sort_by_key(|(order, preference, liking, _)| (*order, *preference, *liking));
        let mut services = Vec::new();
        for (.., service) in fitting {
            if services.len() < MAX_SERVICES && !services.contains(&service) {
                services.push(service);
            }
        }
        Ok((services, ttl_s))
    }

    /// The servers of services, those of the first service before those of the next.
    fn servers(&self, services: &[Service]) -> Result<Servers, Want> {
        let questions: Vec<Question> = services.iter().map(|s| question(Kind::Srv, &s.name)).collect();
        let answers = self.ask(&questions)?;
        let mut servers = Servers::default();
        for (index, service) in services.iter().enumerate() {
            let place = u16::try_from(index).unwrap_or(u16::MAX);
            let told = answers.iter().find(|(asked, _)| asked.name == service.name);
            match told {
                Some((_, Answer::Records(records, ttl_s))) => {
                    servers.add(place, service.transport, records, *ttl_s);
                }
                Some((_, Answer::Failed)) => servers.failed.push(service.transport),
                _ => {}
            }
        }
        Ok(servers)
    }

    /// The addresses of servers: with them the look-up is done.
    fn addresses(&self, targets: &[Target]) -> Result<Found, Want> {
        let drawn = draw(
            targets.iter().collect(),
            |target| target.rank,
            |target| target.weight,
            &mut Lots::new(self.seed),
        );
        let mut names = BTreeSet::new();
        for target in drawn {
            if names.len() < MAX_TARGETS {
                names.insert(&target.name);
            }
        }
        let mut taken: Vec<&Target> = targets.iter().filter(|t| names.contains(&t.name)).collect();
        taken.sort_by_key(|target| target.rank);
        taken.truncate(MAX_RECORDS);
        let kinds: &[Kind] = match self.means.families {
            Families::V4First => &[Kind::A, Kind::Aaaa],
            Families::V6First => &[Kind::Aaaa, Kind::A],
            Families::V4Only => &[Kind::A],
            Families::V6Only => &[Kind::Aaaa],
        };
        let questions: Vec<Question> = names
            .iter()
            .flat_map(|name| kinds.iter().map(|kind| question(*kind, name)))
            .collect();
        let answers: BTreeMap<&Question, &Answer> = self.ask(&questions)?.into_iter().collect();
        let (mut hops, mut ttl_s) = (Vec::new(), u32::MAX);
        for target in taken {
            let mut families = Vec::new();
            for kind in kinds {
                let told = answers.get(&question(*kind, &target.name)).copied();
                let (found, ttl) = addresses_of(*kind, told);
                ttl_s = ttl_s.min(ttl);
                families.push(found);
            }
            let addresses = interleave(&families, target.port);
            if !addresses.is_empty() {
                ttl_s = ttl_s.min(target.ttl_s);
                hops.push(Hop {
                    rank: target.rank,
                    weight: target.weight,
                    transport: target.transport,
                    addresses,
                });
            }
        }
        let failed = self
            .answers
            .values()
            .any(|told| matches!(told, Some(Answer::Failed)));
        match (hops.is_empty(), failed) {
            (false, failed) => Ok(Found {
                hops,
                ttl_s,
                is_whole: !failed,
            }),
            (true, true) => Err(Want::Nothing(Failure::NoAnswer)),
            (true, false) => Err(Want::Nothing(Failure::NoSuchName(self.negative_ttl()))),
        }
    }

    /// The answers to these questions, or else what is still to be asked.
    fn ask<'a>(&'a self, questions: &[Question]) -> Result<Vec<(&'a Question, &'a Answer)>, Want> {
        let (mut told, mut open) = (Vec::new(), Vec::new());
        for question in questions {
            match self.answers.get_key_value(question) {
                Some((question, Some(answer))) => told.push((question, answer)),
                // Two services may have one name.
                _ if open.contains(question) => {}
                _ => open.push(question.clone()),
            }
        }
        match open.is_empty() {
            true => Ok(told),
            false => Err(Want::Answers(open)),
        }
    }

    /// How long "there is nothing" holds: the smallest of what was said about that.
    fn negative_ttl(&self) -> u32 {
        let told = self.answers.values().flatten();
        told.filter_map(|answer| match answer {
            Answer::NoSuchName(ttl_s) | Answer::NoData(ttl_s) | Answer::Records(_, ttl_s) => Some(*ttl_s),
            Answer::Failed => None,
        })
        .min()
        .unwrap_or(0)
    }
}

impl Servers {
    fn add(&mut self, place: u16, transport: Transport, records: &[Record], ttl_s: u32) {
        for record in records {
            let Record::Srv {
                priority,
                weight,
                port,
                target,
            } = record
            else {
                continue;
            };
            if target.trim_end_matches('.').is_empty() {
                self.absent.push(transport);
            } else if let (Some(name), 1..) = (clean_name(target), *port) {
                self.targets.push(Target {
                    rank: (place, *priority),
                    weight: *weight,
                    transport,
                    port: *port,
                    name,
                    ttl_s,
                });
            }
        }
    }
}

/// The transport where neither URI nor DNS say one (RFC 3263 §4.1): UDP, or TLS where it has to be secure, or else what this
/// server has.
fn usual(transports: &[Transport]) -> Option<Transport> {
    let udp = transports.iter().find(|t| **t == Transport::Udp);
    udp.or(transports.first()).copied()
}

/// The SRV records of a domain itself, for each of these transports; a name too long for that has none.
fn own_services(domain: &str, transports: &[Transport]) -> Vec<Service> {
    let own = |transport: &Transport| {
        Some(Service {
            transport: *transport,
            name: clean_name(&format!("{}{domain}", transport.srv_prefix()))?,
        })
    };
    transports.iter().filter_map(own).collect()
}

fn literal(transport: Transport, address: SocketAddr) -> Found {
    let hop = Hop {
        rank: (0, 0),
        weight: 0,
        transport,
        addresses: vec![address],
    };
    Found {
        hops: vec![hop],
        ttl_s: u32::MAX,
        is_whole: true,
    }
}

fn target(transport: Transport, port: u16, name: &str) -> Target {
    Target {
        rank: (0, 0),
        weight: 0,
        transport,
        port,
        name: name.into(),
        ttl_s: u32::MAX,
    }
}

fn question(kind: Kind, name: &str) -> Question {
    Question {
        kind,
        name: name.into(),
    }
}

/// Order, preference and service of a NAPTR record that can be for SIP: its flag says that SRV records come next, and it names
/// them outright (RFC 3263 §4.1).
fn naptr(record: &Record) -> Option<(u16, u16, Service)> {
    let Record::Naptr {
        order,
        preference,
        flags,
        service,
        regexp,
        replacement,
    } = record
    else {
        return None;
    };
    let is_terminal = flags.eq_ignore_ascii_case("s") && regexp.is_empty();
    let service = Service {
        transport: Transport::from_naptr(service)?,
        name: clean_name(replacement)?,
    };
    is_terminal.then_some((*order, *preference, service))
}

/// The addresses of that family in an answer, and how long they hold.
fn addresses_of(kind: Kind, answer: Option<&Answer>) -> (Vec<IpAddr>, u32) {
    let Some(Answer::Records(records, ttl_s)) = answer else {
        return (Vec::new(), u32::MAX);
    };
    let mut found = Vec::new();
    for record in records {
        if let Record::Address(address) = record
            && let Some(address) = usable(*address)
            && address.is_ipv4() == (kind == Kind::A)
            && found.len() < MAX_ADDRESSES
        {
            found.push(address);
        }
    }
    let ttl_s = if found.is_empty() { u32::MAX } else { *ttl_s };
    (found, ttl_s)
}

/// One of each family in turn, beginning with the first (RFC 8305 §4), each address once.
fn interleave(families: &[Vec<IpAddr>], port: u16) -> Vec<SocketAddr> {
    let mut all = Vec::new();
    for row in 0..MAX_ADDRESSES {
        for address in families.iter().filter_map(|family| family.get(row)) {
            let address = SocketAddr::new(*address, port);
            if all.len() < MAX_ADDRESSES && !all.contains(&address) {
                all.push(address);
            }
        }
    }
    all
}
