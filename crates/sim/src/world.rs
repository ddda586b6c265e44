//! Phones, a server and a network on one clock.
//!
//! Owns: the event loop and the ladder. Does not own: what happens (scenarios and `random` say) and what must
//! hold (`check` says).

use crate::ladder::Ladder;
use crate::net::{Load, Network, Packet, Weather};
use crate::phone::{Answer, Identity, Phone};
use crate::rng::Rng;
use crate::server::{Output, Server};
use media::PortRange;
use model::{
    Device, DeviceId, DigestSecret, FlowToken, Now, Policy, TenantConfig, TenantId, Transport, User, UserId,
    Wall,
};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// 2026-01-01T00:00:00Z, where every world begins.
const BEGINNING: u64 = 1_767_225_600_000;

/// A tenant of a world: its domain and its extensions.
pub struct Company<'a> {
    /// SIP domain.
    pub domain: &'a str,
    /// Extensions; each has a device of the same name with the password `pw<extension>`.
    pub extensions: &'a [&'a str],
    /// Policy.
    pub policy: Policy,
}

/// Everything.
pub struct World {
    /// Carillon.
    pub server: Server,
    /// The phones, by index.
    pub phones: Vec<Phone>,
    /// The network between them.
    pub network: Network,
    /// What was sent.
    pub ladder: Ladder,
    /// Chance.
    pub rng: Rng,
    mono: Duration,
    wall_offset_ms: i64,
    address: SocketAddr,
    connections: BTreeMap<u64, usize>,
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

/// A tenant's snapshot.
///
/// # Panics
/// When the company is no valid configuration.
#[must_use]
pub fn configure(index: usize, company: &Company<'_>, version: u64) -> TenantConfig {
    let id = TenantId(index as u64 + 1);
    let user = |n: usize, extension: &&str| User {
        id: UserId(n as u64 + 1),
        extension: (*extension).into(),
        display: format!("User {extension}").into(),
        enabled: true,
    };
    let device = |n: usize, extension: &&str| {
        let secret = sip::digest::ha1(extension, company.domain, &format!("pw{extension}"));
        Device {
            id: DeviceId(n as u64 + 1),
            user: UserId(n as u64 + 1),
            username: (*extension).into(),
            secret: DigestSecret {
                md5: secret.md5,
                sha256: secret.sha256,
            },
        }
    };
    let users = company
        .extensions
        .iter()
        .enumerate()
        .map(|(n, e)| user(n, e))
        .collect();
    let devices = company
        .extensions
        .iter()
        .enumerate()
        .map(|(n, e)| device(n, e))
        .collect();
    let policy = company.policy.clone();
    TenantConfig::new(
        id,
        version,
        company.domain,
        &[company.domain],
        policy,
        users,
        devices,
    )
    .unwrap_or_else(|error| unreachable!("{error}"))
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
            server: Server::new(configs, rng.bytes32(), ports, now),
            phones: Vec::new(),
            network: Network::new(weather, Rng::new(rng.next())),
            ladder: Ladder::default(),
            mono: now.mono,
            wall_offset_ms: 0,
            address: SocketAddr::from(([10, 0, 0, 1], 5060)),
            connections: BTreeMap::new(),
            next_connection: 0,
            timeout_guard: (Duration::ZERO, 0),
            strangers: BTreeMap::new(),
            mail: Vec::new(),
            doomed: Vec::new(),
            rng,
        }
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
        let Some(phone) = self.phones.get_mut(index) else {
            return;
        };
        if phone.identity.transport.is_reliable() {
            self.next_connection += 1;
            phone.connection = self.next_connection;
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
        self.mono = end;
    }

    /// Lets this many milliseconds pass.
    pub fn run_ms(&mut self, ms: u64) {
        self.run(Duration::from_millis(ms));
    }

    /// One event at most, not later than `end`. False when none is left.
    pub fn step(&mut self, end: Duration) -> bool {
        self.collect();
        let phones = self.phones.iter().filter_map(Phone::poll_timeout).min();
        let next = [self.network.next(), self.server.poll_timeout(), phones]
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

    fn deliver(&mut self, packet: Packet, now: Now) {
        let Packet {
            from,
            to,
            transport,
            connection,
            load,
        } = packet;
        match load {
            Load::Sip(bytes) if to == self.address => {
                if transport.is_reliable() && !self.connections.contains_key(&connection) {
                    return;
                }
                let flow = FlowToken {
                    transport,
                    worker: 0,
                    connection,
                    local: self.address,
                    remote: from,
                };
                self.server.receive(flow, &bytes, now);
            }
            Load::Sip(bytes) => {
                let phone = self
                    .phones
                    .iter_mut()
                    .find(|p| p.identity.address == to && p.connection == connection);
                match phone {
                    Some(phone) => phone.receive(&bytes, now.mono),
                    None if self.strangers.contains_key(&to) => self.mail.push((to, bytes)),
                    None => {}
                }
            }
            Load::Media(bytes) if to.ip() == self.address.ip() => {
                self.server.receive_media(to, from, &bytes, now)
            }
            Load::Media(bytes) => {
                if let Some(phone) = self.phones.iter_mut().find(|p| p.rtp_address() == to) {
                    phone.receive_media(&bytes);
                }
            }
            Load::Closed => {}
        }
    }

    /// Puts on the network what server and phones want to send.
    pub fn collect(&mut self) {
        let mono = self.mono;
        for output in self.server.take_outputs() {
            match output {
                Output::Sip(flow, bytes) => self.send_from_server(&flow, &bytes),
                Output::Media(from, to, bytes) => {
                    let load = Load::Media(bytes);
                    self.network.send(
                        Packet {
                            from,
                            to,
                            transport: Transport::Udp,
                            connection: 0,
                            load,
                        },
                        mono,
                    );
                }
            }
        }
        for index in 0..self.phones.len() {
            self.collect_from(index);
        }
    }

    fn collect_from(&mut self, index: usize) {
        let Some(phone) = self.phones.get_mut(index) else {
            return;
        };
        let (name, from) = (phone.identity.name.clone(), phone.identity.address);
        let (transport, connection) = (phone.identity.transport, phone.connection);
        let (rtp, messages, media) = (phone.rtp_address(), phone.take_messages(), phone.take_media());
        let to = self.address;
        for bytes in messages {
            let load = Load::Sip(bytes);
            self.post(
                &name,
                "server",
                Packet {
                    from,
                    to,
                    transport,
                    connection,
                    load,
                },
            );
        }
        for (to, bytes) in media {
            let packet = Packet {
                from: rtp,
                to,
                transport: Transport::Udp,
                connection: 0,
                load: Load::Media(bytes),
            };
            self.network.send(packet, self.mono);
        }
    }

    /// Opens a connection to the server for a stranger.
    pub fn connect_stranger(&mut self) -> u64 {
        self.next_connection += 1;
        self.connections.insert(self.next_connection, usize::MAX);
        self.next_connection
    }

    /// Sends octets to the server as they are, in the name of the stranger at `from`.
    pub fn send_raw(&mut self, from: SocketAddr, transport: Transport, connection: u64, bytes: Vec<u8>) {
        let name = self.strangers.get(&from).cloned().unwrap_or_default();
        let (to, load) = (self.address, Load::Sip(bytes));
        let packet = Packet {
            from,
            to,
            transport,
            connection,
            load,
        };
        self.post(&name, "server", packet);
    }

    /// The network loses the next messages to this address whose first line starts like this.
    pub fn lose(&mut self, to: SocketAddr, start: &str, times: u32) {
        let start = start.to_owned();
        self.doomed.push(Doomed { to, start, times });
    }

    /// Where the server listens.
    #[must_use]
    pub fn server_address(&self) -> SocketAddr {
        self.address
    }

    fn post(&mut self, from: &str, to: &str, packet: Packet) {
        let Load::Sip(bytes) = &packet.load else { return };
        let doomed = self
            .doomed
            .iter_mut()
            .find(|d| d.times > 0 && d.to == packet.to && bytes.starts_with(d.start.as_bytes()));
        let lost = doomed.is_some();
        doomed.into_iter().for_each(|d| d.times -= 1);
        self.ladder.sent(self.mono, from, to, bytes, lost);
        if !lost {
            self.network.send(packet, self.mono);
        }
    }

    fn send_from_server(&mut self, flow: &FlowToken, bytes: &[u8]) {
        let phone = self.phones.iter().find(|p| p.identity.address == flow.remote);
        let name = phone
            .map(|p| &p.identity.name)
            .or_else(|| self.strangers.get(&flow.remote));
        let name = name.map_or("nobody", |name| name).to_owned();
        let (transport, connection, mono) = (flow.transport, flow.connection, self.mono);
        if transport.is_reliable() && !self.connections.contains_key(&connection) {
            return self.ladder.sent(mono, "server", &name, bytes, true);
        }
        let packet = Packet {
            from: self.address,
            to: flow.remote,
            transport,
            connection,
            load: Load::Sip(bytes.to_vec()),
        };
        self.post("server", &name, packet);
    }
}
