//! One socket or connection to the server, never blocking.
//!
//! Owns: reading, writing, and what a full socket leaves behind. Does not own: waiting, see [`super::Net`].

use super::stream::Cutter;
use super::websocket::{REQUEST, Socket};
use anyhow::Result;
use rustix::net::sockopt;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use rustls::ClientConnection;
use rustls::pki_types::ServerName;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;

/// Kernel buffer of a datagram socket: bursts of answers must not look like losses of the server.
const DATAGRAM_BUFFER: usize = 4 << 20;
/// Datagrams taken from one socket before the others get their turn.
const DATAGRAMS_PER_TURN: usize = 256;

enum Pipe {
    Udp(UdpSocket),
    Tcp {
        socket: TcpStream,
        out: Vec<u8>,
        framing: Framing,
    },
    Tls {
        socket: TcpStream,
        session: Box<ClientConnection>,
        framing: Framing,
    },
}

/// Where a message ends on a stream.
pub(super) enum Framing {
    /// By its Content-Length.
    Stream(Cutter),
    /// With its frame.
    WebSocket(Box<Socket>),
}

impl Framing {
    /// Of SIP itself.
    pub(super) fn stream() -> Framing {
        Framing::Stream(Cutter::default())
    }

    /// Of a page.
    pub(super) fn websocket() -> Framing {
        Framing::WebSocket(Box::default())
    }

    fn push(&mut self, bytes: &[u8]) {
        match self {
            Framing::Stream(cutter) => cutter.push(bytes),
            Framing::WebSocket(socket) => socket.push(bytes),
        }
    }

    fn wrap(&mut self, message: &[u8], sink: impl FnOnce(&[u8])) {
        match self {
            Framing::Stream(_) => sink(message),
            Framing::WebSocket(socket) => socket.wrap(message, sink),
        }
    }

    /// False once the connection is over.
    fn cut(&mut self, deliver: impl FnMut(&[u8]), sink: impl FnMut(&[u8])) -> bool {
        match self {
            Framing::Stream(cutter) => {
                cutter.cut(deliver);
                true
            }
            Framing::WebSocket(socket) => socket.cut(deliver, sink),
        }
    }
}

/// One link.
pub(super) struct Link {
    pipe: Pipe,
    local: SocketAddr,
}

impl Link {
    /// A socket of its own port, connected so that strangers' datagrams never reach us.
    pub(super) fn udp(server: SocketAddr) -> Result<Link> {
        let any: SocketAddr = if server.is_ipv4() {
            ([127, 0, 0, 1], 0).into()
        } else {
            (std::net::Ipv6Addr::LOCALHOST, 0).into()
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        socket.set_nonblocking(true)?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, DATAGRAM_BUFFER).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, DATAGRAM_BUFFER)?;
        }
        let local = socket.local_addr()?;
        Ok(Link {
            pipe: Pipe::Udp(socket),
            local,
        })
    }

    /// A plain stream; the handshake of a WebSocket has only begun.
    pub(super) fn tcp(server: SocketAddr, framing: Framing) -> Result<Link> {
        let (socket, local) = connect(server)?;
        let out = match framing {
            Framing::Stream(_) => Vec::new(),
            Framing::WebSocket(_) => REQUEST.to_vec(),
        };
        let pipe = Pipe::Tcp { socket, out, framing };
        let mut link = Link { pipe, local };
        link.flush();
        Ok(link)
    }

    /// A TLS stream; the handshakes have only begun.
    pub(super) fn tls(
        server: SocketAddr,
        config: &Arc<rustls::ClientConfig>,
        framing: Framing,
    ) -> Result<Link> {
        let (socket, local) = connect(server)?;
        let name = ServerName::try_from("bench.local")?;
        let mut session = Box::new(ClientConnection::new(config.clone(), name)?);
        if let Framing::WebSocket(_) = framing {
            session.writer().write_all(REQUEST)?;
        }
        let pipe = Pipe::Tls {
            socket,
            session,
            framing,
        };
        let mut link = Link { pipe, local };
        link.flush();
        Ok(link)
    }

    /// For the epoll set.
    pub(super) fn fd(&self) -> BorrowedFd<'_> {
        match &self.pipe {
            Pipe::Udp(socket) => socket.as_fd(),
            Pipe::Tcp { socket, .. } | Pipe::Tls { socket, .. } => socket.as_fd(),
        }
    }

    /// Our address.
    pub(super) fn local(&self) -> SocketAddr {
        self.local
    }

    /// Sends or keeps a message; false when something is kept.
    pub(super) fn send(&mut self, message: &[u8]) -> bool {
        match &mut self.pipe {
            Pipe::Udp(socket) => {
                // A refused datagram is a lost one; the transaction timers repeat it.
                let _ = socket.send(message);
                return true;
            }
            Pipe::Tcp { out, framing, .. } => framing.wrap(message, |octets| out.extend_from_slice(octets)),
            Pipe::Tls { session, framing, .. } => framing.wrap(message, |octets| {
                // A session that takes nothing more has failed; reading tells.
                let _ = session.writer().write_all(octets);
            }),
        }
        self.flush()
    }

    /// Writes what is kept; true when nothing is left.
    pub(super) fn flush(&mut self) -> bool {
        match &mut self.pipe {
            Pipe::Udp(_) => true,
            Pipe::Tcp { socket, out, .. } => {
                while !out.is_empty() {
                    match socket.write(out) {
                        Ok(n) => drop(out.drain(..n)),
                        Err(e) if e.kind() == ErrorKind::WouldBlock => return false,
                        Err(_) => out.clear(),
                    }
                }
                true
            }
            Pipe::Tls { socket, session, .. } => {
                while session.wants_write() {
                    match session.write_tls(socket) {
                        Ok(_) => {}
                        Err(e) if e.kind() == ErrorKind::WouldBlock => return false,
                        Err(_) => return true,
                    }
                }
                true
            }
        }
    }

    /// Reads what is there and gives each whole message to `deliver`; false once the peer has closed. What it has to answer
    /// by itself waits for a flush.
    pub(super) fn receive(&mut self, scratch: &mut [u8], mut deliver: impl FnMut(&[u8])) -> bool {
        match &mut self.pipe {
            Pipe::Udp(socket) => {
                for _ in 0..DATAGRAMS_PER_TURN {
                    let Ok(n) = socket.recv(scratch) else { break };
                    deliver(scratch.get(..n).unwrap_or_default());
                }
                true
            }
            Pipe::Tcp { socket, out, framing } => {
                let open = read_plain(socket, scratch, framing);
                framing.cut(deliver, |octets| out.extend_from_slice(octets)) && open
            }
            Pipe::Tls {
                socket,
                session,
                framing,
            } => {
                let open = read_tls(socket, session, scratch, framing);
                let sink = |octets: &[u8]| {
                    let _ = session.writer().write_all(octets);
                };
                framing.cut(deliver, sink) && open
            }
        }
    }

    /// Tells a TLS peer that the end is meant.
    pub(super) fn say_goodbye(&mut self) {
        if let Pipe::Tls { session, .. } = &mut self.pipe {
            session.send_close_notify();
        }
        self.flush();
    }
}

fn connect(server: SocketAddr) -> Result<(TcpStream, SocketAddr)> {
    let socket = TcpStream::connect(server)?;
    socket.set_nodelay(true)?;
    socket.set_nonblocking(true)?;
    let local = socket.local_addr()?;
    Ok((socket, local))
}

fn read_plain(socket: &mut TcpStream, scratch: &mut [u8], framing: &mut Framing) -> bool {
    match socket.read(scratch) {
        Ok(0) => false,
        Ok(n) => {
            framing.push(scratch.get(..n).unwrap_or_default());
            true
        }
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    }
}

fn read_tls(
    socket: &mut TcpStream,
    session: &mut ClientConnection,
    scratch: &mut [u8],
    framing: &mut Framing,
) -> bool {
    let mut open = match session.read_tls(socket) {
        Ok(n) => n > 0,
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    };
    open &= session.process_new_packets().is_ok();
    while let Ok(n) = session.reader().read(scratch) {
        if n == 0 {
            break;
        }
        framing.push(scratch.get(..n).unwrap_or_default());
    }
    open
}

/// Open files that a large run wants: a connection is one, and a relay started from here has two for each port pair.
const OPEN_FILES: u64 = 262_144;

/// As many files as the system lets us have, and what we start after us: root may raise its own limit.
pub(super) fn raise_open_files() {
    let now = getrlimit(Resource::Nofile);
    if now.current.is_none_or(|files| files >= OPEN_FILES) {
        return;
    }
    let wish = Rlimit {
        current: Some(OPEN_FILES),
        maximum: now.maximum.map(|files| files.max(OPEN_FILES)),
    };
    if setrlimit(Resource::Nofile, wish).is_err() {
        // Not being allowed is no failure yet; opening a link will say so.
        let _ = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: now.maximum,
                maximum: now.maximum,
            },
        );
    }
}
