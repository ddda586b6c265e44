//! A socket to the server over any of its transports, for tests that speak SIP themselves.
//!
//! Owns: opening, cutting a stream into messages by Content-Length (RFC 3261 §18.3) or frames ([`websocket`]), and breaking
//! off at any moment. A new transport is a row of [`TRANSPORTS`], a [`Pipe`] and nothing else.

pub(crate) mod tls;
pub mod websocket;

use crate::server::Server;
use anyhow::{Context, Result};
use rustix::net::{self, AddressFamily, SocketFlags, SocketType};
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, StreamOwned};
use std::io::{ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

/// The server answers within this time even when the machine is busy.
const PATIENCE: Duration = Duration::from_secs(10);

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream.
    Tcp,
    /// A stream in TLS; the certificate is not checked.
    Tls,
    /// A WebSocket.
    Ws,
    /// A WebSocket in TLS; the certificate is not checked.
    Wss,
}

/// Every transport that the server has.
pub const TRANSPORTS: [Transport; 5] = [
    Transport::Udp,
    Transport::Tcp,
    Transport::Tls,
    Transport::Ws,
    Transport::Wss,
];

impl Transport {
    /// The word of a Via.
    #[must_use]
    pub fn via(self) -> &'static str {
        self.model().via()
    }

    /// The same in the project's own words.
    #[must_use]
    pub fn model(self) -> model::Transport {
        match self {
            Transport::Udp => model::Transport::Udp,
            Transport::Tcp => model::Transport::Tcp,
            Transport::Tls => model::Transport::Tls,
            Transport::Ws => model::Transport::Ws,
            Transport::Wss => model::Transport::Wss,
        }
    }

    /// Messages travel in frames.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        self.model().is_websocket()
    }

    pub(crate) fn address(self, server: &Server) -> SocketAddr {
        match self {
            Transport::Udp | Transport::Tcp => server.sip,
            Transport::Tls => server.tls,
            Transport::Ws => server.ws,
            Transport::Wss => server.wss,
        }
    }
}

enum Pipe {
    Udp(UdpSocket),
    Tcp(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

/// A socket or connection.
pub struct Wire {
    pipe: Pipe,
    local: SocketAddr,
    unread: Vec<u8>,
    open: bool,
    /// Messages go in frames, and come so.
    frames: bool,
    /// Code of the close frame that came.
    closed: Option<u16>,
}

impl Wire {
    /// Opens one. `from` is our address.
    ///
    /// # Errors
    /// The server can't be reached, or does not shake hands.
    pub fn open(transport: Transport, server: &Server, from: IpAddr) -> Result<Wire> {
        let mut wire = Wire::connect(transport, server, from)?;
        if transport.is_websocket() {
            let head = wire.shake(websocket::REQUEST.as_bytes())?;
            anyhow::ensure!(websocket::is_accepted(&head), "no WebSocket: {head}");
        }
        Ok(wire)
    }

    /// The same without the handshake of a WebSocket.
    ///
    /// # Errors
    /// The server can't be reached.
    pub fn connect(transport: Transport, server: &Server, from: IpAddr) -> Result<Wire> {
        let to = transport.address(server);
        let pipe = match transport {
            Transport::Udp => {
                let socket = UdpSocket::bind((from, 0)).context("no UDP socket")?;
                // The server has the same port on both loopback addresses.
                let host = if from.is_ipv6() { from } else { to.ip() };
                socket.connect((host, to.port()))?;
                Pipe::Udp(socket)
            }
            Transport::Tcp | Transport::Ws => Pipe::Tcp(connect(from, to)?),
            Transport::Tls | Transport::Wss => {
                let name = ServerName::IpAddress(to.ip().into());
                let session = ClientConnection::new(tls::client_config(), name).context("no TLS session")?;
                Pipe::Tls(Box::new(StreamOwned::new(session, connect(from, to)?)))
            }
        };
        let local = match &pipe {
            Pipe::Udp(socket) => socket.local_addr()?,
            Pipe::Tcp(socket) => socket.local_addr()?,
            Pipe::Tls(stream) => stream.sock.local_addr()?,
        };
        Ok(Wire {
            pipe,
            local,
            unread: Vec::new(),
            open: true,
            frames: transport.is_websocket(),
            closed: None,
        })
    }

    /// Sends the request of a WebSocket and waits for the head of the answer; what came instead when it ends before.
    ///
    /// # Errors
    /// Nothing of either came within ten seconds.
    pub fn shake(&mut self, request: &[u8]) -> Result<String> {
        self.raw(request);
        let begun = Instant::now();
        loop {
            let end = self.unread.windows(4).position(|w| w == b"\r\n\r\n");
            let end = end.map(|at| at + 4).or((!self.open).then_some(self.unread.len()));
            if let Some(end) = end {
                return Ok(
                    String::from_utf8_lossy(&self.unread.drain(..end).collect::<Vec<u8>>()).into_owned(),
                );
            }
            anyhow::ensure!(begun.elapsed() < PATIENCE, "a handshake without an answer");
            self.fill(Duration::from_millis(100))?;
        }
    }

    /// Our address.
    #[must_use]
    pub fn local(&self) -> SocketAddr {
        self.local
    }

    /// False once the other side has closed it.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.open
    }

    /// Code of the close frame that the server sent.
    #[must_use]
    pub fn closed(&self) -> Option<u16> {
        self.closed
    }

    /// Sends a message. What a datagram can't carry is not sent; a stream that is closed stays so.
    pub fn send(&mut self, message: &[u8]) {
        match self.frames {
            true => self.raw(&websocket::message(message)),
            false => self.raw(message),
        }
    }

    /// Sends octets as they are.
    pub fn raw(&mut self, octets: &[u8]) {
        let sent = match &mut self.pipe {
            // Too large, or refused before: as lost as on a network.
            Pipe::Udp(socket) => {
                let _lost = socket.send(octets);
                return;
            }
            Pipe::Tcp(socket) => socket.write_all(octets),
            Pipe::Tls(stream) => stream.write_all(octets).and_then(|()| stream.flush()),
        };
        self.open &= sent.is_ok();
    }

    /// Waits for messages, at most this long, and returns those that are there.
    ///
    /// # Errors
    /// The socket can't be used, or the server breaks the rules of frames.
    pub fn receive(&mut self, wait: Duration) -> Result<Vec<Vec<u8>>> {
        let before = self.unread.len();
        let read = self.fill(wait)?;
        if matches!(self.pipe, Pipe::Udp(_)) {
            // A datagram is a message, whatever it says; an error is some ICMP message that came back.
            let datagram = self.unread.split_off(before);
            return Ok(read.then_some(datagram).into_iter().collect());
        }
        if !self.frames {
            return Ok(std::iter::from_fn(|| cut(&mut self.unread)).collect());
        }
        let mut messages = Vec::new();
        while let Some(event) = websocket::cut(&mut self.unread)? {
            match event {
                websocket::Event::Message(message) => messages.push(message),
                websocket::Event::Ping(payload) => self.raw(&websocket::frame(0x8a, &payload)),
                websocket::Event::Pong => {}
                websocket::Event::Close(code) => (self.open, self.closed) = (false, Some(code)),
            }
        }
        Ok(messages)
    }

    /// Reads once into what is unread; false when nothing came.
    fn fill(&mut self, wait: Duration) -> Result<bool> {
        let mut chunk = vec![0; 65_536];
        self.patience(Some(wait))?;
        let read = match &mut self.pipe {
            Pipe::Udp(socket) => socket.recv(&mut chunk),
            Pipe::Tcp(socket) => socket.read(&mut chunk),
            Pipe::Tls(stream) => stream.read(&mut chunk),
        };
        self.patience(None)?;
        let got = chunk.get(..*read.as_ref().unwrap_or(&0)).unwrap_or_default();
        self.unread.extend_from_slice(got);
        self.open &= match (&self.pipe, &read) {
            (Pipe::Udp(_), _) => true,
            (_, Ok(length)) => *length > 0,
            (_, Err(error)) => is_wait(error.kind()),
        };
        Ok(read.is_ok())
    }

    /// How long reading waits; zero is not at all, `None` as long as it takes.
    fn patience(&self, wait: Option<Duration>) -> std::io::Result<()> {
        let at_once = wait == Some(Duration::ZERO);
        let wait = wait.filter(|wait| !wait.is_zero());
        match &self.pipe {
            Pipe::Udp(socket) => {
                socket.set_nonblocking(at_once)?;
                socket.set_read_timeout(wait)
            }
            Pipe::Tcp(socket) => {
                socket.set_nonblocking(at_once)?;
                socket.set_read_timeout(wait)
            }
            Pipe::Tls(stream) => {
                stream.sock.set_nonblocking(at_once)?;
                stream.sock.set_read_timeout(wait)
            }
        }
    }

    /// Sends half of a message and breaks off; of a TLS connection the last record stays half.
    pub fn tear(mut self, octets: &[u8]) {
        let framed = self.frames.then(|| websocket::message(octets));
        let octets = framed.as_deref().unwrap_or(octets);
        let half = octets.get(..octets.len() / 2).unwrap_or_default();
        match &mut self.pipe {
            Pipe::Tls(stream) => {
                // A record header that promises more than comes.
                let _sent = stream
                    .write_all(half)
                    .and_then(|()| stream.sock.write_all(&[23, 3, 3, 64, 0, 1]));
            }
            _ => self.raw(half),
        }
    }
}

fn is_wait(kind: ErrorKind) -> bool {
    matches!(
        kind,
        ErrorKind::WouldBlock | ErrorKind::TimedOut | ErrorKind::Interrupted
    )
}

fn connect(from: IpAddr, to: SocketAddr) -> Result<TcpStream> {
    let socket = leaving(from, to, false).with_context(|| format!("cannot connect from {from} to {to}"))?;
    socket.set_nodelay(true)?;
    socket.set_write_timeout(Some(Duration::from_secs(10)))?;
    Ok(socket)
}

/// Connects without any handshake, sends these octets and breaks off.
///
/// # Errors
/// The server can't be reached.
pub fn knock(transport: Transport, server: &Server, octets: &[u8]) -> Result<()> {
    let to = transport.address(server);
    connect(to.ip(), to)?.write_all(octets)?;
    Ok(())
}

/// A connection from this address of ours. Where nobody waits for it, it may be on its way still.
pub(crate) fn leaving(from: IpAddr, to: SocketAddr, at_once: bool) -> std::io::Result<TcpStream> {
    let family = match to {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let socket = net::socket_with(family, SocketType::STREAM, SocketFlags::CLOEXEC, None)?;
    // From the same address the system finds a port by itself, among more of them.
    if from != to.ip() {
        net::bind(&socket, &SocketAddr::new(from, 0))?;
    }
    let socket = TcpStream::from(socket);
    socket.set_nonblocking(at_once)?;
    match net::connect(&socket, &to) {
        Err(error) if error != rustix::io::Errno::INPROGRESS => Err(error.into()),
        _ => Ok(socket),
    }
}

/// Takes a whole message off the front.
fn cut(unread: &mut Vec<u8>) -> Option<Vec<u8>> {
    let blank = unread.iter().take_while(|o| matches!(o, b'\r' | b'\n')).count();
    unread.drain(..blank);
    let head = unread.windows(4).position(|w| w == b"\r\n\r\n")? + 4;
    let text = String::from_utf8_lossy(unread.get(..head)?).into_owned();
    let length = text.lines().find_map(|line| line.strip_prefix("Content-Length:"));
    let length: usize = length.and_then(|l| l.trim().parse().ok()).unwrap_or(0);
    (unread.len() >= head + length).then(|| unread.drain(..head + length).collect())
}

/// Asks with a good OPTIONS and waits for its answer; gives the time that it took, and what else came meanwhile.
///
/// # Errors
/// No answer came within ten seconds, or the connection was closed.
pub fn ping(
    wire: &mut Wire,
    transport: Transport,
    server: &Server,
    serial: u64,
) -> Result<(Duration, Vec<Vec<u8>>)> {
    let (at, to) = (wire.local(), server.sip);
    let mark = format!("ping-{serial}");
    let options = format!(
        "OPTIONS sip:{to} SIP/2.0\r\nVia: SIP/2.0/{} {at};branch=z9hG4bK{mark};rport\r\nMax-Forwards: 70\r\n\
         From: <sip:ping@{at}>;tag=p\r\nTo: <sip:{to}>\r\nCall-ID: {mark}@{at}\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n",
        transport.via()
    );
    let (begun, mut others) = (Instant::now(), Vec::new());
    wire.send(options.as_bytes());
    let mut sent = begun;
    while begun.elapsed() < PATIENCE {
        anyhow::ensure!(wire.is_open(), "the server closed the connection");
        // A datagram may be lost where a flood has just ended; a phone sends it again (RFC 3261 §17.1.2, T1).
        if transport == Transport::Udp && sent.elapsed() >= Duration::from_millis(500) {
            wire.send(options.as_bytes());
            sent = Instant::now();
        }
        for message in wire.receive(Duration::from_millis(100))? {
            let text = String::from_utf8_lossy(&message);
            if text.contains(&mark) && text.starts_with("SIP/2.0 200") {
                return Ok((begun.elapsed(), others));
            }
            others.push(message);
        }
    }
    anyhow::bail!(
        "a good OPTIONS over {} was not answered within 10 s",
        transport.via()
    )
}
