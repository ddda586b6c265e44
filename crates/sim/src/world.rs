//! Phones, a server and a network on one clock.
//!
//! Owns: the event loop and the ladder. Does not own: what happens (scenarios and `random` say) and what must
//! hold (`check` says).

mod connect;
mod trunk;
mod wire;

use crate::carrier::Carrier;
pub use crate::company::{Company, configure};
use crate::ladder::Ladder;
use crate::net::{Network, Weather};
use crate::phone::{Answer, Identity, Phone};
use crate::rng::Rng;
use crate::server::{Question, Server};
use media::PortRange;
use model::{CertificateOutcome, Connect, FlowToken, Now, TenantId, Transport, Wall};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// 2026-01-01T00:00:00Z, where every world begins.
const BEGINNING: u64 = 1_767_225_600_000;

/// Where the server is.
const ADDRESS: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1)), 5060);

/// What the server sent, for those who watch.
#[derive(Clone, Debug)]
pub enum Trace {
    /// A SIP message reached the server on this flow.
    In(FlowToken, Vec<u8>),
    /// The server sent a SIP message on this flow.
    Out(FlowToken, bytes::Bytes),
    /// The relay sent a packet to this address.
    Media(SocketAddr, Vec<u8>),
}

/// Everything.
pub struct World {
    /// Carillon.
    pub server: Server,
    /// The phones, by index.
    pub phones: Vec<Phone>,
    /// The carriers, by index.
    pub carriers: Vec<Carrier>,
    /// The DNS does not answer.
    pub dns_is_away: bool,
    /// The shell loses what it is asked.
    pub forgets_questions: bool,
    /// How long what the DNS says is good.
    pub ttl_s: u32,
    /// Where names lead.
    places: BTreeMap<String, Vec<SocketAddr>>,
    /// What lies at URLs of certificates, and how long it takes to fetch that. At others nobody ever answers.
    pub certificates: BTreeMap<String, (Duration, CertificateOutcome)>,
    /// What the shell was asked, by when it answers.
    questions: BTreeMap<(Duration, u64), (TenantId, Question)>,
    serial: u64,
    /// The network between them.
    pub network: Network,
    /// What was sent.
    pub ladder: Ladder,
    /// Chance.
    pub rng: Rng,
    /// What passed through the server since somebody took it; kept only when `tracing`.
    pub trace: Vec<Trace>,
    /// True to keep a trace.
    pub tracing: bool,
    mono: Duration,
    wall_offset_ms: i64,
    address: SocketAddr,
    /// The node loses what its tenants want of connections.
    pub forgets_connections: bool,
    connections: BTreeMap<u64, usize>,
    /// Connections that the server is opening.
    connecting: BTreeMap<u64, (TenantId, Connect)>,
    /// Those that it has opened, gone ones included.
    opened: BTreeSet<u64>,
    next_connection: u64,
    timeout_guard: (Duration, u32),
    /// User agents without a phone's behaviour, by address: their names.
    pub strangers: BTreeMap<SocketAddr, String>,
    /// What reached them, oldest first.
    pub mail: Vec<(SocketAddr, Vec<u8>)>,
    doomed: Vec<Doomed>,
}

/// SIP messages that the network will lose.
struct Doomed {
    to: SocketAddr,
    start: String,
    times: u32,
}

impl World {
    /// A world of these companies, without phones.
    #[must_use]
    pub fn new(seed: u64, weather: Weather, companies: &[Company<'_>]) -> World {
        World::with_ports(
            seed,
            weather,
            companies,
            PortRange {
                first: 10_000,
                last: 19_999,
            },
        )
    }

    /// A world whose media plane has only these ports.
    #[must_use]
    pub fn with_ports(seed: u64, weather: Weather, companies: &[Company<'_>], ports: PortRange) -> World {
        let mut rng = Rng::new(seed);
        let configs = companies
            .iter()
            .enumerate()
            .map(|(i, c)| configure(i, c, 1))
            .collect();
        let now = Now {
            mono: Duration::from_secs(1),
            wall: Wall(BEGINNING),
        };
        World {
            server: Server::new(configs, ADDRESS, rng.bytes32(), ports, now),
            phones: Vec::new(),
            carriers: Vec::new(),
            dns_is_away: false,
            forgets_questions: false,
            ttl_s: 60,
            places: BTreeMap::new(),
            certificates: BTreeMap::new(),
            questions: BTreeMap::new(),
            serial: 0,
            network: Network::new(weather, Rng::new(rng.next())),
            ladder: Ladder::default(),
            mono: now.mono,
            wall_offset_ms: 0,
            address: ADDRESS,
            forgets_connections: false,
            connections: BTreeMap::new(),
            connecting: BTreeMap::new(),
            opened: BTreeSet::new(),
            next_connection: 0,
            timeout_guard: (Duration::ZERO, 0),
            strangers: BTreeMap::new(),
            mail: Vec::new(),
            doomed: Vec::new(),
            trace: Vec::new(),
            tracing: false,
            rng,
        }
    }

    /// Browsers are talked to by ICE and DTLS-SRTP from now on. Before anybody registers: the tenants begin anew.
    pub fn know_browsers(&mut self) {
        let print = |octet: &str| Arc::from(format!("sha-256 {}", [octet; 32].join(":")));
        let now = self.now();
        self.server.setup.fingerprints = ["0A", "0B"].map(print).into();
        self.server.tenants.clear();
        self.server.start_tenants(now);
    }

    /// Switches a phone on; it has its own address. Returns its index.
    pub fn add_phone(&mut self, domain: &str, user: &str, transport: Transport, answer: Answer) -> usize {
        let index = self.phones.len();
        let host = u8::try_from(index % 250).unwrap_or(0) + 2;
        let address = SocketAddr::from(([10, 0, 1, host], 5060));
        let same = self
            .phones
            .iter()
            .filter(|p| p.identity.user == user && p.identity.domain == domain)
            .count();
        let place = domain.split('.').next().unwrap_or("");
        let name = format!("{place}/{user}{}", "'".repeat(same));
        let identity = Identity {
            name,
            address,
            transport,
            domain: domain.to_owned(),
            user: user.to_owned(),
            password: format!("pw{user}"),
        };
        let rng = Rng::new(self.rng.next());
        self.phones.push(Phone::new(identity, self.address, answer, rng));
        self.connect(index);
        index
    }

    /// Gives a phone a new connection where its transport has one.
    pub fn connect(&mut self, index: usize) {
        let now = self.now();
        let Some(phone) = self.phones.get_mut(index) else {
            return;
        };
        if phone.identity.transport.is_reliable() {
            self.next_connection += 1;
            phone.connection = self.next_connection;
            if let Some(token) = phone.token.clone()
                && !self.server.open(self.next_connection, &token, now)
            {
                return self.ladder.note(
                    now.mono,
                    &format!("{:>8} is not let in: 403", phone.identity.name),
                );
            }
            self.connections.insert(self.next_connection, index);
        }
    }

    /// Breaks a phone's connection: what is on its way is lost, the server notices, the phone connects anew.
    pub fn disconnect(&mut self, index: usize) {
        let Some(phone) = self.phones.get(index) else {
            return;
        };
        let connection = phone.connection;
        if self.connections.remove(&connection).is_some() {
            let now = self.now();
            self.ladder.note(
                now.mono,
                &format!("{:>8} loses its connection", phone.identity.name),
            );
            self.server.connection_lost(connection, now);
            self.connect(index);
        }
    }

    /// A phone goes on under another port of its address, as behind a router that forgot it.
    pub fn rebind(&mut self, index: usize, port: u16) {
        self.disconnect(index);
        if let Some(phone) = self.phones.get_mut(index) {
            phone.identity.address.set_port(port);
        }
    }

    /// The time.
    #[must_use]
    pub fn now(&self) -> Now {
        let wall = i64::try_from(BEGINNING).unwrap_or(0)
            + i64::try_from(self.mono.as_millis()).unwrap_or(0)
            + self.wall_offset_ms;
        Now {
            mono: self.mono,
            wall: Wall(u64::try_from(wall).unwrap_or(0)),
        }
    }

    /// The calendar jumps; timers do not.
    pub fn jump_wall_clock(&mut self, by_ms: i64) {
        self.wall_offset_ms += by_ms;
    }

    /// The server process dies and comes back. Connections are gone; datagrams on their way are not.
    pub fn restart_server(&mut self) {
        let now = self.now();
        self.ladder.note(now.mono, "  server dies and comes back");
        self.server.restart(now);
        self.connections.clear();
        self.connecting.clear();
        self.questions.clear();
        for index in 0..self.phones.len() {
            self.connect(index);
        }
    }

    /// Lets a phone act, then sends what it has to say.
    pub fn act<T>(&mut self, index: usize, act: impl FnOnce(&mut Phone, Duration) -> T) -> Option<T> {
        let mono = self.mono;
        let result = self.phones.get_mut(index).map(|phone| act(phone, mono));
        self.collect();
        result
    }

    /// Lets this much time pass.
    pub fn run(&mut self, time: Duration) {
        let end = self.mono + time;
        while self.step(end) {}
        self.rest_until(end);
    }

    /// Sets the clock to `end`, when nothing is left to happen before.
    pub fn rest_until(&mut self, end: Duration) {
        self.mono = self.mono.max(end);
    }

    /// Lets this many milliseconds pass.
    pub fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// One event at most, not later than `end`. False when none is left.
    pub fn step(&mut self, end: Duration) -> bool {
        self.collect();
        let phones = self.phones.iter().filter_map(Phone::poll_timeout).min();
        let asked = self.questions.first_key_value().map(|((at, _), _)| *at);
        let next = [self.network.next(), self.server.poll_timeout(), phones, asked]
            .into_iter()
            .flatten()
            .min();
        let Some(next) = next.filter(|at| *at <= end) else {
            return false;
        };
        self.mono = self.mono.max(next);
        self.guard_against_spinning();
        let now = self.now();
        while let Some(packet) = self.network.arrive(self.mono) {
            self.deliver(packet, now);
            self.collect();
        }
        self.answer_questions(now);
        self.server.handle_timeout(now);
        self.collect();
        for phone in &mut self.phones {
            if phone.poll_timeout().is_some_and(|at| at <= now.mono) {
                phone.handle_timeout(now.mono);
            }
        }
        self.collect();
        true
    }

    /// A deadline that is never served would stop the clock for ever.
    fn guard_against_spinning(&mut self) {
        let (at, count) = self.timeout_guard;
        self.timeout_guard = if at == self.mono {
            (at, count + 1)
        } else {
            (self.mono, 0)
        };
        assert!(
            self.timeout_guard.1 < 10_000,
            "the world spins at {:?}:\n{}",
            self.mono,
            self.ladder.text()
        );
    }
}
