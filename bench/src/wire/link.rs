//! One socket or connection to the server, never blocking.
//!
//! Owns: reading, writing, and what a full socket leaves behind. Does not own: waiting, see [`super::Net`].

use super::stream::Cutter;
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
        cutter: Cutter,
    },
    Tls {
        socket: TcpStream,
        session: Box<ClientConnection>,
        cutter: Cutter,
    },
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

    /// A plain stream.
    pub(super) fn tcp(server: SocketAddr) -> Result<Link> {
        let (socket, local) = connect(server)?;
        Ok(Link {
            pipe: Pipe::Tcp {
                socket,
                out: Vec::new(),
                cutter: Cutter::default(),
            },
            local,
        })
    }

    /// A TLS stream; the handshake has only begun.
    pub(super) fn tls(server: SocketAddr, config: &Arc<rustls::ClientConfig>) -> Result<Link> {
        let (socket, local) = connect(server)?;
        let name = ServerName::try_from("bench.local")?;
        let session = Box::new(ClientConnection::new(config.clone(), name)?);
        let mut link = Link {
            pipe: Pipe::Tls {
                socket,
                session,
                cutter: Cutter::default(),
            },
            local,
        };
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
            Pipe::Tcp { out, .. } => out.extend_from_slice(message),
            Pipe::Tls { session, .. } => {
                if session.writer().write_all(message).is_err() {
                    return true;
                }
            }
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

    /// Reads what is there and gives each whole message to `deliver`; false once the peer has closed.
    pub(super) fn receive(&mut self, scratch: &mut [u8], mut deliver: impl FnMut(&[u8])) -> bool {
        match &mut self.pipe {
            Pipe::Udp(socket) => {
                for _ in 0..DATAGRAMS_PER_TURN {
                    let Ok(n) = socket.recv(scratch) else { break };
                    deliver(scratch.get(..n).unwrap_or_default());
                }
                true
            }
            Pipe::Tcp { socket, cutter, .. } => {
                let open = read_plain(socket, scratch, cutter);
                cutter.cut(deliver);
                open
            }
            Pipe::Tls {
                socket,
                session,
                cutter,
            } => {
                let open = read_tls(socket, session, scratch, cutter);
                cutter.cut(deliver);
                self.flush();
                open
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

fn read_plain(socket: &mut TcpStream, scratch: &mut [u8], cutter: &mut Cutter) -> bool {
    match socket.read(scratch) {
        Ok(0) => false,
        Ok(n) => {
            cutter.push(scratch.get(..n).unwrap_or_default());
            true
        }
        Err(e) => e.kind() == ErrorKind::WouldBlock,
    }
}

fn read_tls(
    socket: &mut TcpStream,
    session: &mut ClientConnection,
    scratch: &mut [u8],
    cutter: &mut Cutter,
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
        cutter.push(scratch.get(..n).unwrap_or_default());
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
