//! Strangers who send as fast as they can, from many addresses: datagrams, or connections that are opened again as soon as they are
//! closed. They have no password.
//!
//! Owns: threads, sockets, what was sent and answered. Does not own: what the server should do about it.

mod shot;
mod streams;

use crate::server::Server;
use crate::wire::Transport;
use anyhow::{Context, Result};
pub use shot::Shot;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Sockets that one thread has open at the same time.
const SOCKETS: usize = 32;
/// Datagrams from one address until the next one takes its place: more than a stranger is allowed.
const PER_SOURCE: u64 = 4_000;
/// Datagrams that are sent between two looks for answers.
const VOLLEY: usize = 8;

/// Datagrams from one forged address, for a socket at it costs more than a datagram.
const FORGED: u64 = 4;
/// An answer that has not come by then does not.
const LOST: Duration = Duration::from_millis(200);

/// How much a flood's threads stand back behind others that want the processor.
const NICE: i32 = 10;

/// Where a flood comes from.
#[derive(Clone, Debug)]
pub enum Sources {
    /// These, in turn.
    Of(Vec<Ipv4Addr>),
    /// One of millions for a few datagrams: as from one machine that forges its source. Nothing is heard of answers.
    Forged,
}

/// How they go about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Manner {
    /// As much as leaves, whatever comes back; over connections, that are let go soon, in the first thread, and that stay in the others.
    Flood,
    /// Connections that stay and are kept full.
    Stay,
    /// So much as is answered: what the server can take is measured so.
    Converse,
    /// Likewise, with a connection for each question.
    Visit,
}

/// A flood.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What is asked for.
    pub method: &'static str,
    /// How.
    pub transport: Transport,
    /// Where from.
    pub sources: Sources,
    /// Threads that send.
    pub threads: usize,
    /// Datagrams or connections a second of all of them; `None` is as many as they can.
    pub rate: Option<u64>,
    /// Whether answers are waited for.
    pub manner: Manner,
}

/// What all threads have done.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    sent: AtomicU64,
    sent_octets: AtomicU64,
    answered: AtomicU64,
    answered_octets: AtomicU64,
    opened: AtomicU64,
}

/// What a flood came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum {
    /// Messages that left.
    pub sent: u64,
    /// Their octets.
    pub sent_octets: u64,
    /// Answers that came.
    pub answered: u64,
    /// Their octets.
    pub answered_octets: u64,
    /// Connections that were begun.
    pub opened: u64,
    /// How long it took.
    pub took: Duration,
}

impl Sum {
    /// So many a second.
    #[must_use]
    pub fn rate(&self, count: u64) -> u64 {
        let ms = u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX);
        count.saturating_mul(1_000) / ms.max(1)
    }
}

impl Tally {
    fn add(to: &AtomicU64, amount: usize) {
        to.fetch_add(amount as u64, Ordering::Relaxed);
    }

    pub(crate) fn sent(&self, messages: u64, octets: usize) {
        self.sent.fetch_add(messages, Ordering::Relaxed);
        Tally::add(&self.sent_octets, octets);
    }

    pub(crate) fn answered(&self, messages: usize, octets: usize) {
        Tally::add(&self.answered, messages);
        Tally::add(&self.answered_octets, octets);
    }

    pub(crate) fn opened(&self) {
        Tally::add(&self.opened, 1);
    }
}

/// A flood under way; it ends when this is dropped.
pub struct Flooder {
    tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
    begun: Instant,
}

impl Flooder {
    /// Begins to send to a company of the server.
    ///
    /// # Errors
    /// No thread can be had.
    pub fn start(server: &Server, domain: &str, plan: &Plan) -> Result<Flooder> {
        let (tally, stop) = (Arc::<Tally>::default(), Arc::<AtomicBool>::default());
        let (transport, manner) = (plan.transport, plan.manner);
        let to = transport.address(server);
        let mut threads = Vec::new();
        for index in 0..plan.threads {
            let shot = Shot::new(plan.method, domain, plan.transport.via(), index as u64);
            let sources = share(&plan.sources, index, plan.threads);
            let (tally, stop) = (Arc::clone(&tally), Arc::clone(&stop));
            let manner = match manner {
                Manner::Flood if index > 0 && transport != Transport::Udp => Manner::Stay,
                manner => manner,
            };
            let sharing = if transport == Transport::Udp {
                plan.threads
            } else {
                1
            };
            let pace = Pace::new(plan.rate.map(|rate| rate / sharing.max(1) as u64));
            let work = move || {
                // Floods come from other machines: what the server needs of this one it gets.
                let _refused = rustix::process::nice(NICE);
                let thread = Thread {
                    shot,
                    to,
                    tally,
                    stop,
                    pace,
                };
                match (transport, sources) {
                    (Transport::Udp, Sources::Of(sources)) if manner == Manner::Flood => {
                        thread.datagrams(&sources)
                    }
                    (Transport::Udp, Sources::Of(sources)) => thread.converse(&sources),
                    (Transport::Udp, Sources::Forged) => thread.forge(index as u64),
                    (_, Sources::Of(sources)) => streams::run(thread, transport, manner, &sources),
                    // A connection has an answer to wait for.
                    (_, Sources::Forged) => {}
                }
            };
            let thread = std::thread::Builder::new().name(format!("flood-{index}"));
            threads.push(thread.spawn(work).context("no thread")?);
        }
        Ok(Flooder {
            tally,
            stop,
            threads,
            begun: Instant::now(),
        })
    }

    /// What it has come to so far.
    #[must_use]
    pub fn sum(&self) -> Sum {
        let read = |of: &AtomicU64| of.load(Ordering::Relaxed);
        Sum {
            sent: read(&self.tally.sent),
            sent_octets: read(&self.tally.sent_octets),
            answered: read(&self.tally.answered),
            answered_octets: read(&self.tally.answered_octets),
            opened: read(&self.tally.opened),
            took: self.begun.elapsed(),
        }
    }

    /// Ends it.
    #[must_use]
    pub fn stop(mut self) -> Sum {
        let sum = self.sum();
        self.end();
        sum
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _panicked = thread.join();
        }
    }
}

impl Drop for Flooder {
    fn drop(&mut self) {
        self.end();
    }
}

/// Every so-manyth address belongs to one thread.
fn share(sources: &Sources, index: usize, threads: usize) -> Sources {
    match sources {
        Sources::Of(all) => Sources::Of(all.iter().skip(index).step_by(threads.max(1)).copied().collect()),
        Sources::Forged => Sources::Forged,
    }
}

/// What keeps a thread from being faster than it should.
pub(crate) struct Pace {
    rate: Option<u64>,
    begun: Instant,
    sent: u64,
}

impl Pace {
    fn new(rate: Option<u64>) -> Pace {
        Pace {
            rate,
            begun: Instant::now(),
            sent: 0,
        }
    }

    /// So many more; waits where that is ahead of time.
    pub(crate) fn sent(&mut self, messages: u64) {
        self.sent += messages;
        let Some(rate) = self.rate else { return };
        let due = Duration::from_micros(self.sent.saturating_mul(1_000_000) / rate.max(1));
        let ahead = due.saturating_sub(self.begun.elapsed());
        if ahead > Duration::from_micros(100) {
            std::thread::sleep(ahead.min(Duration::from_millis(20)));
        }
    }
}

/// One thread of a flood.
pub(crate) struct Thread {
    pub(crate) pace: Pace,
    pub(crate) shot: Shot,
    pub(crate) to: SocketAddr,
    pub(crate) tally: Arc<Tally>,
    stop: Arc<AtomicBool>,
}

impl Thread {
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::Relaxed)
    }

    /// A socket at an address of ours.
    fn socket(&self, from: Ipv4Addr) -> Option<UdpSocket> {
        let socket = UdpSocket::bind((from, 0)).ok()?;
        socket.set_nonblocking(true).ok()?;
        socket.connect(self.to).ok()?;
        Some(socket)
    }

    fn datagrams(mut self, sources: &[Ipv4Addr]) {
        let mut next = sources.iter().cycle();
        let count = SOCKETS.min(sources.len());
        let mut open = |thread: &Thread| next.next().and_then(|from| thread.socket(*from));
        let mut sockets: Vec<Option<UdpSocket>> = (0..count).map(|_| open(&self)).collect();
        let (mut left, mut buffer) = (PER_SOURCE * count as u64, vec![0; 65_536]);
        while self.goes_on() {
            for place in &mut sockets {
                let Some(socket) = place else {
                    *place = open(&self);
                    continue;
                };
                for _ in 0..VOLLEY {
                    let octets = self.shot.next();
                    if socket.send(octets).is_ok() {
                        self.tally.sent(1, octets.len());
                    }
                }
                self.pace.sent(VOLLEY as u64);
                while let Ok(length) = socket.recv(&mut buffer) {
                    self.tally.answered(1, length);
                }
            }
            left = left.saturating_sub((VOLLEY * count) as u64);
            if left == 0 && sources.len() > count {
                left = PER_SOURCE * count as u64;
                sockets = (0..count).map(|_| open(&self)).collect();
            }
        }
    }

    /// From each address a few at a time; the next when those are answered, or lost.
    fn converse(mut self, sources: &[Ipv4Addr]) {
        let sockets: Vec<UdpSocket> = sources.iter().filter_map(|from| self.socket(*from)).collect();
        let mut talks: Vec<(UdpSocket, usize, Instant)> = sockets
            .into_iter()
            .map(|socket| (socket, 0, Instant::now()))
            .collect();
        let mut buffer = vec![0; 65_536];
        while self.goes_on() {
            for (socket, open, since) in &mut talks {
                while let Ok(length) = socket.recv(&mut buffer) {
                    self.tally.answered(1, length);
                    *open = open.saturating_sub(1);
                }
                if *open > 0 && since.elapsed() < LOST {
                    continue;
                }
                (*open, *since) = (VOLLEY, Instant::now());
                for _ in 0..VOLLEY {
                    let octets = self.shot.next();
                    if socket.send(octets).is_ok() {
                        self.tally.sent(1, octets.len());
                    }
                }
            }
            // The server has its turn, which is on the same machine.
            std::thread::sleep(Duration::from_micros(50));
        }
    }

    /// A few datagrams from each address, of 127.64.0.0/10.
    fn forge(mut self, seed: u64) {
        let mut rng = sim::rng::Rng::new(seed);
        while self.goes_on() {
            let [a, b, c, ..] = rng.next().to_le_bytes();
            let from = Ipv4Addr::new(127, 64 | a & 63, b, c.clamp(1, 254));
            let Ok(socket) = UdpSocket::bind((from, 0)) else {
                continue;
            };
            for _ in 0..FORGED {
                let octets = self.shot.next();
                if socket.send_to(octets, self.to).is_ok() {
                    self.tally.sent(1, octets.len());
                }
            }
            self.pace.sent(FORGED);
        }
    }
}
