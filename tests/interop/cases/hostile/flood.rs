//! Strangers and rude colleagues: what they send, how fast, and how long a good OPTIONS takes meanwhile.

use super::frames::{self, Breach};
use super::{CHALLENGE, DOMAIN, LOUD, Quiet, count};
use anyhow::{Context, Result, ensure};
use interop::Server;
use interop::actor::Actor;
use interop::server::password;
use interop::wire::{Transport, Wire, ping};
use sim::hostile::{Aim, Leg, Manners, Stream};
use sim::rng::Rng;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

/// Messages between two good OPTIONS.
const BATCH: u64 = 32;
/// Batches after which a stream is given up: what stalled it is not repaired.
const BATCHES_PER_STREAM: u64 = 2;
/// Messages said in one call before a new one is made.
const PER_CALL: u64 = 640;

/// Strangers on datagrams damage whatever they like; on a stream most keep the framing, or little would be read.
fn manners(transport: Transport, familiar: bool) -> Manners {
    Manners {
        wild: match transport {
            // Messages have ends of their own.
            Transport::Udp | Transport::Ws | Transport::Wss => 250,
            Transport::Tcp => 15,
            Transport::Tls => 8,
        },
        exact: if familiar { 850 } else { 500 },
        bye: if familiar { 20 } else { 1_000 },
        sound: if familiar { 200 } else { 100 },
    }
}

/// In how many of a thousand messages a frame is broken, which ends the connection.
fn broken(transport: Transport) -> u64 {
    match transport {
        Transport::Wss => 8,
        _ => 15,
    }
}

/// How long the good OPTIONS took.
pub(super) struct Times {
    p50: Duration,
    pub(super) p95: Duration,
    p99: Duration,
    max: Duration,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Times { p50, p95, p99, max } = self;
        write!(f, "p50 {p50:.1?}, p95 {p95:.1?}, p99 {p99:.1?}, max {max:.1?}")
    }
}

/// All who are hostile.
pub(super) struct Flood {
    seed: u64,
    corpus: Vec<Vec<u8>>,
    /// Chooses frames.
    rng: Rng,
    breaches: Vec<Breach>,
    waits: Vec<Duration>,
    read: BTreeMap<Transport, u64>,
}

/// What a stranger knows: an extension, and perhaps the tags of a call that he has overheard.
pub(super) fn stranger(wire: &Wire, transport: Transport, leg: Option<&Leg>) -> Aim {
    aim("100", wire.local(), transport, leg)
}

fn aim(user: &str, at: SocketAddr, transport: Transport, leg: Option<&Leg>) -> Aim {
    Aim {
        domain: DOMAIN.to_owned(),
        user: user.to_owned(),
        others: ["100", "101", "110", "111", "999"].map(str::to_owned).to_vec(),
        at,
        via: transport.via(),
        leg: leg.cloned(),
        vias: Vec::new(),
        secret: None,
    }
}

impl Flood {
    pub(super) fn new(seed: u64) -> Result<Flood> {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/message");
        let mut corpus = Vec::new();
        for file in std::fs::read_dir(folder).context("no corpus")? {
            corpus.push(std::fs::read(file?.path())?);
        }
        corpus.sort();
        Ok(Flood {
            seed,
            corpus,
            rng: Rng::new(seed),
            breaches: frames::breaches(),
            waits: Vec::new(),
            read: BTreeMap::new(),
        })
    }

    fn stream(&mut self, transport: Transport, familiar: bool) -> Stream {
        self.seed += 1;
        Stream::new(self.seed, manners(transport, familiar), self.corpus.clone())
    }

    /// A method without a flaw: on its own, within the dialog that is known, and beside it.
    pub(super) fn sound(&mut self, method: &str, aim: &Aim) -> Vec<Vec<u8>> {
        let mut stream = self.stream(Transport::Udp, false);
        let wrong = aim.leg.clone().map(|mut leg| {
            leg.remote_tag.push('0');
            leg
        });
        let legs = [None, aim.leg.clone(), wrong];
        legs.iter()
            .map(|leg| stream.sound(method, aim, leg.as_ref()))
            .collect()
    }

    /// Good OPTIONS so far.
    fn pings(&self) -> u64 {
        self.waits.len() as u64
    }

    /// Hostile messages that the server has read, by transport.
    pub(super) fn read(&self) -> &BTreeMap<Transport, u64> {
        &self.read
    }

    /// What the server has read of ours so far.
    fn meter(&self, server: &Server) -> Result<u64> {
        Ok(count(server, "messages")? - self.pings())
    }

    /// So many are sent as `familiar` or not, and what of them the server read is counted.
    pub(super) fn run(
        &mut self,
        server: &Server,
        quiet: &mut Quiet,
        (transport, familiar): (Transport, bool),
        messages: u64,
    ) -> Result<()> {
        let before = self.meter(server)?;
        if familiar {
            self.colleagues(server, quiet, transport, messages)?;
        } else {
            self.strangers(server, quiet, transport, messages)?;
        }
        *self.read.entry(transport).or_default() += self.meter(server)? - before;
        Ok(())
    }

    pub(super) fn times(&self) -> Times {
        let mut waits = self.waits.clone();
        waits.sort();
        let at = |percent: usize| {
            let place = (waits.len().saturating_sub(1)) * percent / 100;
            waits.get(place).copied().unwrap_or_default()
        };
        Times {
            p50: at(50),
            p95: at(95),
            p99: at(99),
            max: at(100),
        }
    }

    /// Sends a message, on a WebSocket in whatever frames.
    fn say(&mut self, wire: &mut Wire, transport: Transport, octets: &[u8]) {
        match transport.is_websocket() {
            true => frames::say(&mut self.rng, wire, &self.breaches, octets, broken(transport)),
            false => wire.send(octets),
        }
    }

    fn ask(&mut self, wire: &mut Wire, transport: Transport, server: &Server) -> Result<Vec<Vec<u8>>> {
        let (wait, others) = ping(wire, transport, server, self.pings())
            .with_context(|| format!("after a batch of seed {:#x}", self.seed))?;
        self.waits.push(wait);
        Ok(others)
    }

    /// Strangers send so many messages. Over UDP the good OPTIONS comes from the same socket, behind the batch; a stream
    /// may have been spoilt by it, so there another phone asks.
    fn strangers(
        &mut self,
        server: &Server,
        quiet: &mut Quiet,
        transport: Transport,
        messages: u64,
    ) -> Result<()> {
        let mut stream = self.stream(transport, false);
        let mut wire = Wire::open(transport, server, LOUD)?;
        let mut good = Wire::open(transport, server, LOUD)?;
        let (mut allowed, mut received) = (0, 0);
        for batch in 0..messages / BATCH {
            if !wire.is_open() || batch % BATCHES_PER_STREAM == 0 {
                wire = Wire::open(transport, server, LOUD)?;
            }
            let leg = Some(&quiet.leg).filter(|_| batch % 4 != 0);
            let aim = stranger(&wire, transport, leg);
            for _ in 0..BATCH {
                let octets = stream.message(&aim);
                allowed += octets.len() + CHALLENGE;
                self.say(&mut wire, transport, &octets);
            }
            let asked = if transport == Transport::Udp {
                &mut wire
            } else {
                &mut good
            };
            let others = self.ask(asked, transport, server)?;
            received += others.iter().map(Vec::len).sum::<usize>();
            received += wire.receive(Duration::ZERO)?.iter().map(Vec::len).sum::<usize>();
            // Answers on a stream may come a batch later. One by one they are measured in the simulation and in
            // `every_method`.
            ensure!(
                received <= allowed,
                "{received} octets came back where {allowed} are in proportion (seed {:#x})",
                self.seed
            );
            quiet.turn()?;
        }
        Ok(())
    }

    /// 110 is registered, knows its password and the tags of its own call to 111, and says what it likes.
    fn colleagues(
        &mut self,
        server: &Server,
        quiet: &mut Quiet,
        transport: Transport,
        messages: u64,
    ) -> Result<()> {
        let mut stream = self.stream(transport, true);
        let mut rude = Actor::new(server, (DOMAIN, "110"), transport, LOUD)?;
        let mut peer = Actor::new(server, (DOMAIN, "111"), Transport::Udp, LOUD)?;
        let mut good = Wire::open(transport, server, LOUD)?;
        peer.register()?;
        rude.register()?;
        let (mut aim, mut calls) = (aim("110", SocketAddr::from((LOUD, 0)), transport, None), 0);
        for batch in 0..messages / BATCH {
            let anew = batch % (PER_CALL / BATCH) == 0;
            let spoilt = transport != Transport::Udp && anew;
            if spoilt || rude.wire.as_ref().is_none_or(|wire| !wire.is_open()) {
                rude.reconnect(server)?;
                rude.register()?;
            }
            if anew {
                calls += u64::from(sacrifice(&mut rude, &mut peer, &mut aim)?);
            }
            aim.at = rude.phone.identity.address;
            if let Some(challenge) = challenge(&rude) {
                aim.secret = Some((password(DOMAIN, "110"), challenge));
            }
            rude.notes.clear();
            for _ in 0..BATCH {
                let octets = stream.message(&aim);
                if let Some(wire) = &mut rude.wire {
                    self.say(wire, transport, &octets);
                }
            }
            match (transport, &mut rude.wire) {
                (Transport::Udp, Some(wire)) => {
                    for other in self.ask(wire, transport, server)? {
                        rude.hear(&other);
                    }
                }
                _ => drop(self.ask(&mut good, transport, server)?),
            }
            rude.turn(Duration::ZERO)?;
            peer.turn(Duration::ZERO)?;
            quiet.turn()?;
        }
        ensure!(
            calls > messages / PER_CALL / 2,
            "only {calls} calls to be rude in (seed {:#x})",
            self.seed
        );
        rude.end_all();
        peer.end_all();
        rude.turn(Duration::ZERO)?;
        peer.turn(Duration::ZERO)
    }
}

/// Ends what the two have and makes a new call whose tags are known; false when nobody could be reached in a while, which
/// the rude one may have brought about.
fn sacrifice(rude: &mut Actor, peer: &mut Actor, aim: &mut Aim) -> Result<bool> {
    rude.end_all();
    peer.end_all();
    (rude.noting, rude.notes) = (true, Vec::new());
    let before = rude.up();
    rude.call("111");
    let begun = Instant::now();
    while rude.up() <= before && begun.elapsed() < Duration::from_millis(500) {
        rude.turn(Duration::from_millis(2))?;
        peer.turn(Duration::from_millis(2))?;
    }
    aim.leg = rude.legs().into_iter().next().or(aim.leg.take());
    aim.vias = rude.vias();
    Ok(rude.up() > 0)
}

/// The last challenge that it noted.
fn challenge(rude: &Actor) -> Option<String> {
    let find = |(_, message): &(bool, Vec<u8>)| {
        let text = String::from_utf8_lossy(message).into_owned();
        let line = |name: &str| text.lines().find_map(|l| l.strip_prefix(name)).map(str::to_owned);
        line("WWW-Authenticate: ").or_else(|| line("Proxy-Authenticate: "))
    };
    rude.notes.iter().rev().filter(|(sent, _)| !sent).find_map(find)
}
