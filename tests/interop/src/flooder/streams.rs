//! A flood over connections, plain or in TLS.

use super::{Manner, Shot, Thread};
use crate::wire::{Transport, leaving, tls};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// Messages that a connection has on its way to the socket.
const VOLLEY: u64 = 16;
/// A connection that takes nothing for so long is opened again.
const PATIENCE: Duration = Duration::from_secs(3);
/// Connections that one thread has open at the same time where it floods, and how long each of them lives at most: so it opens them as
/// fast as it means to, though the server neither takes nor closes them.
const STREAMS: usize = 1_024;
const LIFE: Duration = Duration::from_millis(40);
const LIFE_ENCRYPTED: Duration = Duration::from_millis(100);
/// Where they stay.
const STAYS: usize = 256;
/// And where it waits for answers.
const TALKS: usize = 32;
/// Messages that one connection brings at most: more than a stranger's may.
const MOST: u64 = 512;

/// One connection.
struct Stream {
    socket: TcpStream,
    session: Option<Box<ClientConnection>>,
    /// What waits to be written, how many messages that is, and how far it has got.
    out: Vec<u8>,
    messages: u64,
    done: usize,
    begun: Instant,
    moved: Instant,
    manner: Manner,
    /// Messages that it has brought.
    brought: u64,
    /// Questions that have not been answered.
    open: u64,
}

/// Keeps connections open and full until the flood ends.
pub(super) fn run(mut thread: Thread, transport: Transport, manner: Manner, sources: &[Ipv4Addr]) {
    let mut next = sources.iter().cycle();
    let count = match manner {
        Manner::Flood => STREAMS,
        Manner::Stay => STAYS,
        Manner::Converse | Manner::Visit => TALKS,
    };
    let mut streams: Vec<Option<Stream>> = (0..count).map(|_| None).collect();
    let mut buffer = vec![0; 65_536];
    while thread.goes_on() {
        for place in &mut streams {
            let alive = place
                .as_mut()
                .is_some_and(|stream| stream.turn(&mut thread, &mut buffer));
            if !alive {
                *place = next
                    .next()
                    .and_then(|from| Stream::open(&thread, transport, manner, *from));
                thread.pace.sent(1);
            }
        }
    }
}

impl Stream {
    fn open(thread: &Thread, transport: Transport, manner: Manner, from: Ipv4Addr) -> Option<Stream> {
        let socket = leaving(IpAddr::V4(from), thread.to, true).ok()?;
        let session = match transport {
            Transport::Tls => {
                let name = ServerName::IpAddress(thread.to.ip().into());
                Some(Box::new(ClientConnection::new(tls::client_config(), name).ok()?))
            }
            _ => None,
        };
        thread.tally.opened();
        Some(Stream {
            socket,
            session,
            out: Vec::new(),
            messages: 0,
            done: 0,
            begun: Instant::now(),
            moved: Instant::now(),
            manner,
            brought: 0,
            open: 0,
        })
    }

    /// Writes and reads what it can; false when the connection is of no use any more.
    fn turn(&mut self, thread: &mut Thread, buffer: &mut [u8]) -> bool {
        if self.done == self.out.len() && self.may_go_on() {
            thread.tally.sent(self.messages, self.out.len());
            self.load(&mut thread.shot);
        }
        let alive = match self.session {
            Some(_) => self.turn_encrypted(),
            None => self.write_plain(),
        };
        let life = match (self.manner, &self.session) {
            (Manner::Flood, None) => LIFE,
            (Manner::Flood, Some(_)) => LIFE_ENCRYPTED,
            _ => Duration::MAX,
        };
        alive && self.hear(thread, buffer) && self.moved.elapsed() < PATIENCE && self.begun.elapsed() < life
    }

    /// Messages that leave together.
    fn volley(&self) -> u64 {
        if self.manner == Manner::Visit { 1 } else { VOLLEY }
    }

    /// Whoever floods waits for nothing.
    fn may_go_on(&self) -> bool {
        match self.manner {
            Manner::Flood => self.brought < MOST,
            Manner::Stay => true,
            Manner::Converse | Manner::Visit => self.open == 0,
        }
    }

    fn load(&mut self, shot: &mut Shot) {
        self.out.clear();
        (self.done, self.messages) = (0, self.volley());
        self.open = self.messages;
        self.brought += self.messages;
        for _ in 0..self.messages {
            self.out.extend_from_slice(shot.next());
        }
    }

    fn write_plain(&mut self) -> bool {
        let rest = self.out.get(self.done..).unwrap_or_default();
        match self.socket.write(rest) {
            Ok(count) => {
                self.done += count;
                self.moved = Instant::now();
                true
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }

    /// Records go to the socket, and come from it; what fits goes into new ones.
    fn turn_encrypted(&mut self) -> bool {
        let Some(session) = &mut self.session else {
            return false;
        };
        if !session.is_handshaking() && !session.wants_write() {
            let rest = self.out.get(self.done..).unwrap_or_default();
            self.done += session.writer().write(rest).unwrap_or(0);
            self.moved = Instant::now();
        }
        while session.wants_write() {
            match session.write_tls(&mut self.socket) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => return false,
            }
        }
        true
    }

    /// Counts the answers that have come.
    fn hear(&mut self, thread: &Thread, buffer: &mut [u8]) -> bool {
        let read = match &mut self.session {
            None => self.socket.read(buffer),
            Some(session) => match session.read_tls(&mut self.socket) {
                Ok(0) => Ok(0),
                Ok(_) if session.process_new_packets().is_err() => return false,
                Ok(_) => match session.reader().read(buffer) {
                    Ok(0) => return false,
                    read => read,
                },
                Err(error) => Err(error),
            },
        };
        match read {
            Ok(0) => false,
            Ok(count) => {
                let text = buffer.get(..count).unwrap_or_default();
                let answers = text.windows(8).filter(|octets| *octets == b"SIP/2.0 ").count();
                thread.tally.answered(answers, count);
                self.open = self.open.saturating_sub(answers as u64);
                self.manner != Manner::Visit || self.open > 0
            }
            Err(error) => error.kind() == ErrorKind::WouldBlock,
        }
    }
}
