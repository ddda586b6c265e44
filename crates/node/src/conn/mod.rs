//! One connection over TCP, plain or under TLS: octets in, framed messages out, octets back with a bounded backlog.
//!
//! Owns: the socket, the TLS session (ours as the server, or as the client of a carrier), the framing (RFC 3261 §18.3, or WebSocket), the send queue, and the times that
//! decide when the connection has stalled. Does not own: what a message means, or when it is closed.

mod table;
mod websocket;

pub(crate) use table::{Admission, ConnTable};
pub(crate) use websocket::{Framing, WebSocket};

use crate::sys::Interest;
use crate::trust;
use border::Meter;
use bytes::Bytes;
use model::{FlowToken, Limits, SignIn, TenantId, TlsFault};
use rustls::{ClientConnection, Connection, ServerConfig, ServerConnection};
use sip::websocket::{Close, Opcode, encode, encode_close, encode_message};
use std::collections::VecDeque;
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::Duration;

/// Seconds that a closed connection is kept open for reading, so that the last answer is not destroyed
/// by a reset (unread octets turn a close into one).
const LINGER_S: u64 = 2;

/// Pieces of the send queue given to the kernel at once.
const GATHER: usize = 16;

/// What a piece of the send queue costs at least, octets: a backlog of pongs is not as small as its octets.
const PIECE: usize = 64;

/// Octets encrypted ahead of what the socket has taken.
const TLS_CHUNK: usize = 16_384;

/// Reads of a handshake of ours in one turn.
const SHAKES: usize = 16;

/// A WebSocket that is quiet for so long is asked whether somebody is there: many proxies and NATs forget a connection
/// after a minute, and JavaScript has no ping.
const QUIET: Duration = Duration::from_secs(50);

/// The outcome of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fill {
    /// So many octets lie in the buffer.
    Data(usize),
    /// Nothing more for now.
    Empty,
    /// The peer closed, or the connection broke.
    Closed,
}

/// The outcome of sending.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flush {
    /// Nothing waits.
    Done,
    /// The kernel's buffer is full.
    Blocked,
    /// The connection is broken, or everything is sent and it may be closed.
    Closed,
}

/// How far a handshake that we began is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shake {
    /// It goes on when the socket is ready for this.
    Waits(Interest),
    /// The peer is who it should be.
    Done,
    /// It is not, or has gone.
    Failed(TlsFault),
}

/// A connection.
pub(crate) struct Conn {
    /// Names it to the cores.
    pub(crate) flow: FlowToken,
    /// Cuts the octets into messages.
    pub(crate) framing: Framing,
    /// Who opened it, proven by a token.
    pub(crate) sign_in: Option<SignIn>,
    /// Whose messages it carried, in order: told when it is gone.
    pub(crate) tenants: Vec<TenantId>,
    /// Where the table of connections has its unfinished message, and of how many octets.
    pub(crate) partial: Option<(Duration, usize)>,
    /// The deadline armed last, see [`crate::deadline`].
    pub(crate) armed: Option<Duration>,
    /// What it has brought; `None` once somebody is known to be behind it.
    pub(crate) meter: Option<Meter>,
    /// Whether its peer is known, and until when that need not be asked again.
    pub(crate) standing: Option<(bool, Duration)>,
    /// When it was last left unread for want of time.
    pub(crate) left: Option<Duration>,
    /// What epoll watches.
    pub(crate) interest: Interest,
    socket: TcpStream,
    tls: Option<Box<Connection>>,
    queue: VecDeque<Bytes>,
    /// Octets of the queue's first piece that are sent.
    sent: usize,
    /// Octets in the queue, sent ones included.
    queued: usize,
    /// When the message under way began; also set while nothing whole has ever come.
    stalled_since: Option<Duration>,
    /// When the kernel last refused to take more.
    blocked_since: Option<Duration>,
    /// Last traffic, either way.
    active: Duration,
    /// A WebSocket that was quiet is asked whether it is still there: when that was.
    asked: Option<Duration>,
    /// The close frame that follows what this turn still sends.
    farewell: Option<Close>,
    /// Set when it is to be closed after what is queued: at this time at the latest.
    closing: Option<Duration>,
    /// The sending side is closed.
    shut: bool,
}

impl Conn {
    /// Takes over an accepted socket.
    pub(crate) fn new(
        flow: FlowToken,
        socket: TcpStream,
        tls: Option<Arc<ServerConfig>>,
        limits: &Limits,
        now: Duration,
    ) -> io::Result<Conn> {
        let tls = tls.map(ServerConnection::new).transpose();
        let tls = tls.map_err(io::Error::other)?;
        let mut conn = Conn::over(flow, socket, tls.map(Connection::from), limits, now)?;
        conn.stalled_since = Some(now);
        conn.meter = Some(Meter::default());
        Ok(conn)
    }

    /// Takes over a socket that we connected; over TLS the handshake comes first, see [`Conn::shake`]. The peer owes us nothing
    /// yet.
    pub(crate) fn opened(
        flow: FlowToken,
        socket: TcpStream,
        tls: Option<ClientConnection>,
        limits: &Limits,
        now: Duration,
    ) -> io::Result<Conn> {
        Conn::over(flow, socket, tls.map(Connection::from), limits, now)
    }

    fn over(
        flow: FlowToken,
        socket: TcpStream,
        tls: Option<Connection>,
        limits: &Limits,
        now: Duration,
    ) -> io::Result<Conn> {
        socket.set_nonblocking(true)?;
        socket.set_nodelay(true)?;
        Ok(Conn {
            flow,
            framing: Framing::new(flow.transport, limits),
            sign_in: None,
            tenants: Vec::new(),
            partial: None,
            armed: None,
            meter: None,
            standing: None,
            left: None,
            interest: Interest::Read,
            socket,
            tls: tls.map(Box::new),
            queue: VecDeque::new(),
            sent: 0,
            queued: 0,
            stalled_since: None,
            blocked_since: None,
            active: now,
            asked: None,
            farewell: None,
            closing: None,
            shut: false,
        })
    }

    /// Goes on with a handshake that we began. What has come behind it waits to be read.
    pub(crate) fn shake(&mut self) -> Shake {
        match &mut self.tls {
            Some(tls) => shake(tls, &mut self.socket),
            None => Shake::Done,
        }
    }

    /// Reads once. `buffer` must hold 64 KiB, so that nothing decrypted ever stays behind.
    pub(crate) fn fill(&mut self, buffer: &mut [u8], now: Duration) -> Fill {
        let outcome = match &mut self.tls {
            None => read(&mut self.socket, buffer),
            Some(tls) => read_tls(tls, &mut self.socket, buffer),
        };
        if let Fill::Data(_) = outcome {
            self.active = now;
            self.asked = None;
        }
        outcome
    }

    /// Notes whether the framer holds part of a message. Octets that only continue it don't restart
    /// the clock: whoever sends one octet at a time has as long for a message as everybody else.
    pub(crate) fn note_partial(&mut self, partial: bool, whole: bool, now: Duration) {
        self.stalled_since = match (partial, whole, self.stalled_since) {
            (false, true, _) => None,
            (true, true, _) => Some(now),
            (true, false, None) => Some(now),
            (_, false, since) => since,
        };
    }

    /// Its unfinished message: since when, and how many octets there are.
    pub(crate) fn unfinished(&self) -> Option<(Duration, usize)> {
        let octets = self.framing.waiting();
        self.stalled_since
            .map(|since| (since, octets))
            .filter(|_| octets > 0 && !self.is_closing())
    }

    /// Queues a SIP message or a keep-alive. False when the peer reads so slowly that the backlog is full.
    pub(crate) fn push(&mut self, bytes: Bytes, limits: &Limits) -> bool {
        match self.framing {
            Framing::Stream(_) => self.push_octets(bytes, limits),
            // Nothing follows a close frame (RFC 6455 §5.5.1).
            Framing::WebSocket(_) if self.closing.is_some() => true,
            Framing::WebSocket(_) => self.push_octets(encode_message(&bytes), limits),
        }
    }

    /// Queues octets as they are. False as for [`Conn::push`].
    pub(crate) fn push_octets(&mut self, bytes: Bytes, limits: &Limits) -> bool {
        self.enqueue(bytes);
        self.queued.max(self.queue.len() * PIECE) <= limits.connection_backlog_bytes
    }

    fn enqueue(&mut self, bytes: Bytes) {
        if !self.shut {
            self.queued += bytes.len();
            self.queue.push_back(bytes);
        }
    }

    /// Sends what is queued, and closes the sending side when that was asked for.
    pub(crate) fn flush(&mut self, now: Duration) -> Flush {
        if let Some(close) = self.farewell.take() {
            self.enqueue(encode_close(close));
            self.close_after_queue(now);
        }
        let before = self.queued - self.sent;
        let result = if self.tls.is_some() {
            self.flush_tls()
        } else {
            self.flush_plain()
        };
        let moved = self.queued - self.sent < before;
        // The question whether somebody is there is no sign of it.
        if moved && self.asked.is_none() {
            self.active = now;
        }
        match result {
            Ok(true) => {
                self.blocked_since = None;
                self.shut_if_closing();
                Flush::Done
            }
            Ok(false) => {
                if moved || self.blocked_since.is_none() {
                    self.blocked_since = Some(now);
                }
                Flush::Blocked
            }
            Err(_) => Flush::Closed,
        }
    }

    /// Ends the connection after what is queued in this turn: no more input is looked at.
    pub(crate) fn close_after_queue(&mut self, now: Duration) {
        self.closing.get_or_insert(now + Duration::from_secs(LINGER_S));
    }

    /// Tells a page that the server goes away (RFC 6455 §7.4.1), as far as the socket takes it.
    pub(crate) fn say_goodbye(&mut self, now: Duration) {
        if self.framing.is_open_websocket() && !self.is_closing() {
            self.end(Close::GoingAway);
            self.flush(now);
        }
    }

    /// Everything is sent: says goodbye, and goes on reading (and discarding) until the peer closes too.
    fn shut_if_closing(&mut self) {
        if self.closing.is_none() || self.shut {
            return;
        }
        self.shut = true;
        if let Some(tls) = &mut self.tls {
            tls.send_close_notify();
            let _ = tls.write_tls(&mut self.socket);
        }
        let _ = self.socket.shutdown(Shutdown::Write);
    }

    /// Notes whose message it carried.
    pub(crate) fn carried(&mut self, tenant: Option<TenantId>) {
        if let Some(tenant) = tenant
            && let Err(place) = self.tenants.binary_search(&tenant)
        {
            self.tenants.insert(place, tenant);
        }
    }

    /// True once it is being closed.
    pub(crate) fn is_closing(&self) -> bool {
        self.closing.is_some() || self.farewell.is_some()
    }

    /// Ends a WebSocket: no more input is looked at, what this turn has to say is sent, then the close frame.
    pub(crate) fn end(&mut self, close: Close) {
        self.farewell = Some(close);
    }

    /// True when it owes us octets, or room for ours, for too long.
    pub(crate) fn has_stalled(&self, limits: &Limits, now: Duration) -> bool {
        let stall = Duration::from_secs(limits.connection_stall_s);
        let since = [self.stalled_since, self.blocked_since];
        since.into_iter().flatten().any(|since| since + stall <= now)
    }

    /// When the connection has stalled, been idle or lingered for too long.
    pub(crate) fn deadline(&self, limits: &Limits) -> Duration {
        let stall = Duration::from_secs(limits.connection_stall_s);
        let idle = self.active + Duration::from_secs(limits.connection_idle_s);
        let question = self.question(limits);
        let answer = self.asked.map(|asked| asked + stall);
        let stalled = self.stalled_since.map(|t| t + stall);
        let blocked = self.blocked_since.map(|t| t + stall);
        [stalled, blocked, self.closing, question, answer]
            .into_iter()
            .flatten()
            .fold(idle, Duration::min)
    }

    /// When a quiet WebSocket is asked whether somebody is there: pages can't send pings, and some don't send CRLF (RFC 7118
    /// §6), but every browser answers.
    fn question(&self, limits: &Limits) -> Option<Duration> {
        let may = self.asked.is_none() && self.closing.is_none() && self.framing.is_open_websocket();
        may.then(|| self.active + QUIET.min(Duration::from_secs(limits.connection_idle_s) / 2))
    }

    /// Asks if that is due; then the connection is not to be closed yet.
    pub(crate) fn ask_if_quiet(&mut self, limits: &Limits, now: Duration) -> bool {
        let due = self.question(limits).is_some_and(|at| at <= now) && !self.has_stalled(limits, now);
        if due {
            self.asked = Some(now);
            self.enqueue(encode(Opcode::Ping, b""));
        }
        due
    }

    /// Sends the queue; true when it is empty.
    fn flush_plain(&mut self) -> io::Result<bool> {
        while !self.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); GATHER];
            for (index, (slice, piece)) in slices.iter_mut().zip(&self.queue).enumerate() {
                let skip = if index == 0 { self.sent } else { 0 };
                *slice = IoSlice::new(piece.get(skip..).unwrap_or_default());
            }
            match self.socket.write_vectored(&slices) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => self.advance(count),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(e) => return Err(e),
            }
        }
        Ok(true)
    }

    /// Encrypts a little ahead of what the socket takes, so that the backlog stays in our own queue.
    fn flush_tls(&mut self) -> io::Result<bool> {
        loop {
            let Some(tls) = &mut self.tls else { return Ok(true) };
            while tls.wants_write() {
                match tls.write_tls(&mut self.socket) {
                    Ok(_) => {}
                    Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                    Err(e) => return Err(e),
                }
            }
            if tls.is_handshaking() {
                return Ok(true);
            }
            let mut taken = 0;
            for (index, piece) in self.queue.iter().enumerate() {
                let skip = if index == 0 { self.sent } else { 0 };
                let piece = piece.get(skip..).unwrap_or_default();
                let accepted = tls.writer().write(piece)?;
                taken += accepted;
                if taken >= TLS_CHUNK || accepted < piece.len() {
                    break;
                }
            }
            if taken == 0 {
                return Ok(self.queue.is_empty());
            }
            self.advance(taken);
        }
    }

    /// Forgets `count` octets of the queue's front.
    fn advance(&mut self, count: usize) {
        self.sent += count;
        while let Some(front) = self.queue.front()
            && self.sent >= front.len()
        {
            self.sent -= front.len();
            self.queued -= front.len();
            self.queue.pop_front();
        }
    }
}

impl AsFd for Conn {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn read(socket: &mut impl Read, buffer: &mut [u8]) -> Fill {
    loop {
        match socket.read(buffer) {
            Ok(0) => return Fill::Closed,
            Ok(count) => return Fill::Data(count),
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Fill::Empty,
            Err(_) => return Fill::Closed,
        }
    }
}

/// Reads records until one of them carries something for us.
fn read_tls(tls: &mut Connection, socket: &mut TcpStream, buffer: &mut [u8]) -> Fill {
    loop {
        match tls.reader().read(buffer) {
            Ok(0) => return Fill::Closed,
            Ok(count) => return Fill::Data(count),
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Fill::Closed,
        }
        match tls.read_tls(socket) {
            Ok(0) => return Fill::Closed,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Fill::Empty,
            Err(_) => return Fill::Closed,
        }
        if tls.process_new_packets().is_err() {
            // The alert tells the peer why; if it can't be sent, nobody will ask.
            let _ = tls.write_tls(socket);
            return Fill::Closed;
        }
    }
}

/// Sends and takes what the handshake has, as far as the socket goes.
fn shake(tls: &mut Connection, socket: &mut TcpStream) -> Shake {
    let broken = Shake::Failed(TlsFault::NoHandshake);
    for _ in 0..SHAKES {
        while tls.wants_write() {
            match tls.write_tls(socket) {
                Ok(_) => {}
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Shake::Waits(Interest::ReadWrite),
                Err(_) => return broken,
            }
        }
        if !tls.is_handshaking() {
            return Shake::Done;
        }
        match tls.read_tls(socket) {
            Ok(0) => return broken,
            Ok(_) => {}
            Err(e) if e.kind() == io::ErrorKind::Interrupted => continue,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Shake::Waits(Interest::Read),
            Err(_) => return broken,
        }
        if let Err(error) = tls.process_new_packets() {
            // The alert tells the peer why; if it can't be sent, nobody will ask.
            let _ = tls.write_tls(socket);
            tracing::debug!("a handshake of ours has failed: {error}");
            return Shake::Failed(trust::fault(&error));
        }
    }
    Shake::Waits(Interest::ReadWrite)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Transport;
    use std::net::TcpListener;

    #[test]
    fn a_backlog_of_tiny_pieces_is_bounded_by_what_they_cost() {
        let limits = Limits::default();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let local = listener.local_addr().unwrap();
        let client = TcpStream::connect(local).unwrap();
        let flow = FlowToken {
            transport: Transport::Tcp,
            worker: 0,
            connection: 1,
            local,
            remote: client.local_addr().unwrap(),
        };
        let socket = listener.accept().unwrap().0;
        let mut conn = Conn::new(flow, socket, None, &limits, Duration::ZERO).unwrap();
        let mut pieces = 0_usize;
        while conn.push(Bytes::from_static(b"\r\n"), &limits) {
            pieces += 1;
        }
        let held = pieces * size_of::<Bytes>();
        assert!(
            held <= limits.connection_backlog_bytes,
            "{pieces} pongs hold {held} octets"
        );
    }
}
