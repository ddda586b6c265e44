//! Forks: the sound of a call over a WebSocket to somebody else, and back.
//!
//! Owns: connections, one thread each, and where they may go. Does not own: what is in a message (`media`), frames and handshake
//! (`sip::websocket`). A media worker never waits for any of them: what the other side does not read is left out, oldest first, and
//! who reads nothing for some seconds is let go.

mod lane;
mod place;
#[cfg(test)]
mod tests;
mod trust;
mod wire;

use crate::seam::{MediaItem, random32};
use anyhow::{Context, Result, anyhow};
pub(crate) use lane::Lane;
use lane::Message;
use media::ForkAsk;
use model::{Counts, ForkEnd, ForkId, MediaSessionId};
use place::WEBSOCKET;
pub(crate) use place::{Place, permitted};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use sip::websocket::client::{Answer, read_answer, request};
use sip::websocket::{Close, Decoder, Event, Opcode, encode_masked};
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};
pub(crate) use trust::client_config;
pub(crate) use wire::{Timed, Wire, wire};

/// Connections at once: each has a thread.
const MOST: usize = 200;
/// How long the other side has to take the connection and to answer the request.
const CONNECT: Duration = Duration::from_secs(5);
/// How long it may read nothing.
const STALL: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// Between two looks at what waits: half a packet of sound.
pub(crate) const LOOK: Duration = Duration::from_millis(10);
/// Octets of one message that comes back.
const LONGEST: usize = 1 << 20;
/// What the other side may say in a second, octets: ten times the fastest sound that is played.
const SAID_PER_S: u32 = 512 << 10;
/// What a message counts besides its octets.
const SAID_EACH: usize = 256;
/// It may say so much at once as in this time: whoever makes speech of text is faster than it is heard.
const SAID_AT_ONCE: Duration = Duration::from_secs(2);
/// Octets that the kernel may hold for the other side: what waits there is not sound that can be left out for later one. Linux
/// doubles it for its own accounts.
const SEND_BUFFER: i32 = 32 << 10;

/// Tells a media worker something.
type Tell = Box<dyn Fn(MediaItem) + Send>;

/// What all forks of a node share.
#[derive(Debug, Default)]
pub(crate) struct ForkDesk {
    /// They may go to inner addresses.
    allow_private: bool,
    /// Whom they trust besides those whom the machine trusts.
    roots: Vec<CertificateDer<'static>>,
    open: AtomicUsize,
    begun: AtomicU64,
    failed: AtomicU64,
    lost_ms: AtomicU64,
    tls: OnceLock<Option<Arc<ClientConfig>>>,
}

impl ForkDesk {
    /// Nothing is connected yet. `ca` names a file with further roots to trust.
    ///
    /// # Errors
    /// That file holds no certificate.
    pub(crate) fn new(allow_private: bool, ca: Option<&Path>) -> Result<ForkDesk> {
        Ok(ForkDesk {
            allow_private,
            roots: ca
                .map(|path| crate::trust::read("fork_ca", path))
                .transpose()?
                .unwrap_or_default(),
            ..ForkDesk::default()
        })
    }

    /// Adds to the totals of the node.
    pub(crate) fn count(&self, counts: &mut Counts) {
        counts.forks += self.begun.load(Ordering::Relaxed);
        counts.forks_failed += self.failed.load(Ordering::Relaxed);
        counts.forks_lost_ms += self.lost_ms.load(Ordering::Relaxed);
    }

    fn tls(&self) -> Result<Arc<ClientConfig>> {
        let config = self.tls.get_or_init(|| client_config(&self.roots).ok());
        config
            .clone()
            .context("no trusted certificates are found on this machine, and fork_ca names none")
    }
}

/// The forks of one media worker.
#[derive(Default)]
pub(crate) struct Forks(BTreeMap<(MediaSessionId, ForkId), Arc<Lane>>);

impl Forks {
    /// Does what a fork asks for; `tell` reaches the worker from another thread.
    pub(crate) fn handle(
        &mut self,
        desk: &Arc<ForkDesk>,
        (session, fork): (MediaSessionId, ForkId),
        ask: ForkAsk,
        tell: impl FnOnce() -> Tell,
    ) {
        let key = (session, fork);
        match ask {
            ForkAsk::Connect { url } => {
                let lane = Arc::new(Lane::default());
                self.0.insert(key, Arc::clone(&lane));
                let line = Line {
                    desk: Arc::clone(desk),
                    key,
                    lane,
                    tell: tell(),
                    end: ForkEnd::Unreachable,
                    detail: String::new(),
                };
                line.start(url);
            }
            ForkAsk::Send { is_text, octets, ms } => {
                if let Some(lane) = self.0.get(&key) {
                    let lost = lane.push(Message { is_text, octets, ms });
                    desk.lost_ms.fetch_add(lost, Ordering::Relaxed);
                }
            }
            ForkAsk::Close => {
                if let Some(lane) = self.0.remove(&key) {
                    lane.close();
                }
            }
        }
    }

    /// A connection is gone.
    pub(crate) fn forget(&mut self, session: MediaSessionId, fork: ForkId) {
        self.0.remove(&(session, fork));
    }
}

/// One connection and its thread. When it goes, however that comes about, the worker is told.
struct Line {
    desk: Arc<ForkDesk>,
    key: (MediaSessionId, ForkId),
    lane: Arc<Lane>,
    tell: Tell,
    end: ForkEnd,
    /// More about that, for the log.
    detail: String,
}

impl Drop for Line {
    fn drop(&mut self) {
        self.desk.open.fetch_sub(1, Ordering::Relaxed);
        if self.end != ForkEnd::Stopped {
            self.desk.failed.fetch_add(1, Ordering::Relaxed);
            let (end, detail) = (self.end.as_str(), &self.detail);
            tracing::warn!(tenant = %self.key.1.tenant, "a fork of a call's sound has ended, the call goes on: {end}{detail}");
        }
        (self.tell)(MediaItem::ForkEnded(
            self.key.0,
            self.key.1,
            self.end,
            self.lane.lost_ms(),
        ));
    }
}

impl Line {
    fn start(mut self, url: Box<str>) {
        self.desk.begun.fetch_add(1, Ordering::Relaxed);
        if self.desk.open.fetch_add(1, Ordering::Relaxed) >= MOST {
            self.end = ForkEnd::Refused;
            return;
        }
        let run = move || {
            let mut line = self;
            line.end = line.run(&url);
        };
        if let Err(error) = thread::Builder::new().name("fork".to_owned()).spawn(run) {
            tracing::error!("no thread for a fork of a call's sound: {error}");
        }
    }

    fn run(&mut self, url: &str) -> ForkEnd {
        let Some(place) = Place::parse(url, WEBSOCKET) else {
            return ForkEnd::Refused;
        };
        let addresses = match place.resolve(self.desk.allow_private) {
            Ok(addresses) => addresses,
            Err(true) => return ForkEnd::Refused,
            Err(false) => return ForkEnd::Unreachable,
        };
        match self.connect(&place, &addresses) {
            Ok((mut wire, decoder)) => {
                (self.tell)(MediaItem::ForkOpened(self.key.0, self.key.1));
                self.carry(wire.as_mut(), decoder)
            }
            Err(error) => {
                self.detail = format!(" ({error:#})");
                match trust::is_about_certificate(&error) {
                    true => ForkEnd::Untrusted,
                    false => ForkEnd::Unreachable,
                }
            }
        }
    }

    fn connect(&self, place: &Place, addresses: &[SocketAddr]) -> Result<(Box<dyn Wire>, Decoder)> {
        let end = Instant::now() + CONNECT;
        let socket = reach(addresses, end)?;
        socket.set_nodelay(true)?;
        crate::sys::set_send_buffer(&socket, SEND_BUFFER)?;
        socket.set_read_timeout(Some(LOOK))?;
        socket.set_write_timeout(Some(STALL))?;
        let mut wire = wire(place, Timed::new(socket, end), || self.desk.tls())?;
        let random = random32()?;
        let nonce = random.first_chunk::<16>().copied().unwrap_or_default();
        let (head, key) = request(&place.authority, &place.path, nonce);
        write_all(wire.as_mut(), &head, end)?;
        let mut answer = Vec::new();
        loop {
            match read_answer(&answer, &key) {
                Answer::Open(length) => {
                    let mut decoder = Decoder::of_server(LONGEST);
                    decoder.push(answer.get(length..).unwrap_or_default());
                    return Ok((wire, decoder));
                }
                Answer::Refused(status) => {
                    return Err(anyhow!("the answer is no WebSocket: status {status}"));
                }
                Answer::Wait if Instant::now() >= end => return Err(anyhow!("no answer within {CONNECT:?}")),
                Answer::Wait => {}
            }
            let mut some = [0; 4_096];
            match wire.read(&mut some) {
                Ok(0) => return Err(anyhow!("closed before an answer")),
                Ok(octets) => answer.extend_from_slice(some.get(..octets).unwrap_or_default()),
                Err(error) if is_later(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Carries messages both ways until either side ends it.
    fn carry(&self, wire: &mut dyn Wire, mut decoder: Decoder) -> ForkEnd {
        let mut some = vec![0; 16_384];
        let mut said = Said(Instant::now());
        loop {
            if let Some(end) = self.heard(wire, &mut decoder, &mut said) {
                return end;
            }
            loop {
                let (message, is_over) = self.lane.pop();
                let Some(Message { is_text, octets, .. }) = message else {
                    if is_over {
                        let _gone = send(wire, Opcode::Close, &Close::Normal.code().to_be_bytes());
                        wire.finish();
                        return ForkEnd::Stopped;
                    }
                    break;
                };
                let opcode = if is_text { Opcode::Text } else { Opcode::Binary };
                if let Err(error) = send(wire, opcode, &octets) {
                    return if is_later(&error) {
                        ForkEnd::Stalled
                    } else {
                        ForkEnd::Closed
                    };
                }
            }
            if said.is_too_much() {
                // What is not read makes the other side wait.
                thread::sleep(LOOK);
                continue;
            }
            wire.set_end(Instant::now() + LOOK);
            match wire.read(&mut some) {
                Ok(0) => return ForkEnd::Closed,
                Ok(octets) => {
                    said.spend(octets);
                    decoder.push(some.get(..octets).unwrap_or_default());
                }
                Err(error) if is_later(&error) => {}
                Err(_) => return ForkEnd::Closed,
            }
        }
    }

    /// Hands on what has come; gives the end when it was that.
    fn heard(&self, wire: &mut dyn Wire, decoder: &mut Decoder, said: &mut Said) -> Option<ForkEnd> {
        loop {
            let event = decoder.next()?;
            said.spend(SAID_EACH);
            let (message, answer) = match event {
                Event::Message(octets) => (Some(octets.to_vec()), None),
                Event::Ping(payload) => (None, Some(payload.to_vec())),
                Event::Pong => (None, None),
                Event::Closed => {
                    let _gone = send(wire, Opcode::Close, &Close::Normal.code().to_be_bytes());
                    return Some(ForkEnd::Closed);
                }
                Event::Fault(close) => {
                    let _gone = send(wire, Opcode::Close, &close.code().to_be_bytes());
                    return Some(ForkEnd::Broken);
                }
            };
            if let Some(octets) = message {
                let (session, fork) = self.key;
                let is_text = decoder.was_text();
                (self.tell)(MediaItem::ForkHeard {
                    session,
                    fork,
                    is_text,
                    octets,
                });
            }
            if let Some(payload) = answer
                && send(wire, Opcode::Pong, &payload).is_err()
            {
                return Some(ForkEnd::Stalled);
            }
        }
    }
}

/// Until when what the other side has said is paid for: a worker that carries the calls of others reads all of it.
struct Said(Instant);

impl Said {
    fn spend(&mut self, octets: usize) {
        let octets = u32::try_from(octets).unwrap_or(u32::MAX);
        let now = Instant::now();
        let from = now.checked_sub(SAID_AT_ONCE).map_or(now, |from| from.max(self.0));
        self.0 = from + Duration::from_secs(1) * octets / SAID_PER_S;
    }

    fn is_too_much(&self) -> bool {
        self.0 > Instant::now()
    }
}

/// The first of them that takes the connection until then.
pub(crate) fn reach(addresses: &[SocketAddr], end: Instant) -> Result<TcpStream> {
    let mut failed = anyhow!("it has no address");
    for address in addresses {
        let left = end.saturating_duration_since(Instant::now());
        match TcpStream::connect_timeout(address, left.max(LOOK)) {
            Ok(socket) => return Ok(socket),
            Err(error) => failed = error.into(),
        }
    }
    Err(failed)
}

fn send(wire: &mut dyn Wire, opcode: Opcode, octets: &[u8]) -> io::Result<()> {
    let random = random32().map_err(io::Error::other)?;
    let mask = random.first_chunk::<4>().copied().unwrap_or_default();
    write_all(wire, &encode_masked(opcode, octets, mask), Instant::now() + STALL)
}

/// Writes everything until then.
pub(crate) fn write_all(wire: &mut dyn Wire, mut octets: &[u8], end: Instant) -> io::Result<()> {
    wire.set_end(end);
    while !octets.is_empty() {
        match wire.write(octets) {
            Ok(0) => return Err(ErrorKind::WriteZero.into()),
            Ok(written) => octets = octets.get(written..).unwrap_or_default(),
            Err(error) if is_later(&error) && Instant::now() < end => {}
            Err(error) => return Err(error),
        }
    }
    loop {
        match wire.flush() {
            Err(error) if is_later(&error) && Instant::now() < end => {}
            done => return done,
        }
    }
}

pub(crate) fn is_later(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}
