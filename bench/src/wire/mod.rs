//! Sockets of the generator: many links to one server, one epoll set, whole SIP messages in and out.
//!
//! Owns: opening and closing links over UDP, TCP, TLS and WebSocket, partial writes, and cutting streams into messages
//! (RFC 3261 §18.3, RFC 7118). Does not own: what a message means.

mod link;
mod stream;
mod tls;
mod websocket;

use anyhow::{Context as _, Result};
use link::{Framing, Link};
use rustix::event::{Timespec, epoll};
use std::net::SocketAddr;
use std::ops::Range;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;

/// How messages travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Transport {
    /// Datagrams; the generator retransmits.
    Udp,
    /// A stream per link.
    Tcp,
    /// A TLS connection per link; the certificate is not checked.
    Tls,
    /// A WebSocket per link.
    Ws,
    /// A WebSocket over TLS per link; the certificate is not checked.
    Wss,
}

impl Transport {
    /// The word of the Via header.
    pub(crate) fn via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The parameter that a Contact needs so that requests come back the same way.
    pub(crate) fn uri_suffix(self) -> &'static str {
        match self {
            Transport::Udp => "",
            Transport::Tcp => ";transport=tcp",
            Transport::Tls => ";transport=tls",
            Transport::Ws | Transport::Wss => ";transport=ws",
        }
    }

    /// True when nothing has to be retransmitted by us.
    pub(crate) fn is_stream(self) -> bool {
        self != Transport::Udp
    }

    /// True when messages travel in frames.
    pub(crate) fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }
}

/// Raises the limit on open files as far as the system allows; programs started later inherit it.
pub(crate) fn raise_open_files() {
    link::raise_open_files();
}

/// Messages received in one turn, in order, without an allocation per message.
#[derive(Default)]
pub(crate) struct Inbox {
    bytes: Vec<u8>,
    items: Vec<(usize, Range<usize>)>,
    closed: Vec<usize>,
}

impl Inbox {
    fn push(&mut self, link: usize, message: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(message);
        self.items.push((link, start..self.bytes.len()));
    }

    /// Every message with the link that it came on.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.items
            .iter()
            .filter_map(|(link, range)| Some((*link, self.bytes.get(range.clone())?)))
    }

    /// Links that the server closed in this turn.
    pub(crate) fn closed(&self) -> &[usize] {
        &self.closed
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.items.clear();
        self.closed.clear();
    }
}

/// All links to one server.
pub(crate) struct Net {
    epoll: OwnedFd,
    server: SocketAddr,
    transport: Transport,
    tls: Arc<rustls::ClientConfig>,
    links: Vec<Option<Link>>,
    free: Vec<usize>,
    ready: Vec<epoll::Event>,
    blocked: Vec<usize>,
    scratch: Vec<u8>,
}

impl Net {
    /// No link yet.
    pub(crate) fn new(server: SocketAddr, transport: Transport) -> Result<Net> {
        Ok(Net {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC).context("cannot create an epoll set")?,
            server,
            transport,
            tls: tls::client_config()?,
            links: Vec::new(),
            free: Vec::new(),
            ready: Vec::with_capacity(256),
            blocked: Vec::new(),
            scratch: vec![0; 65_536],
        })
    }

    /// One more socket or connection; handshakes go on while the caller polls.
    pub(crate) fn open(&mut self) -> Result<usize> {
        let link = match self.transport {
            Transport::Udp => Link::udp(self.server),
            Transport::Tcp => Link::tcp(self.server, Framing::stream()),
            Transport::Tls => Link::tls(self.server, &self.tls, Framing::stream()),
            Transport::Ws => Link::tcp(self.server, Framing::websocket()),
            Transport::Wss => Link::tls(self.server, &self.tls, Framing::websocket()),
        }
        .with_context(|| format!("cannot reach {} over {}", self.server, self.transport.via()))?;
        let index = self.free.pop().unwrap_or(self.links.len());
        let data = epoll::EventData::new_u64(index as u64);
        epoll::add(&self.epoll, link.fd(), data, epoll::EventFlags::IN).context("cannot watch a socket")?;
        match self.links.get_mut(index) {
            Some(slot) => *slot = Some(link),
            None => self.links.push(Some(link)),
        }
        Ok(index)
    }

    /// False once the server has closed a link.
    pub(crate) fn is_open(&self, link: usize) -> bool {
        self.links.get(link).is_some_and(Option::is_some)
    }

    /// Our address on a link.
    pub(crate) fn local(&self, link: usize) -> SocketAddr {
        let any = SocketAddr::from(([0, 0, 0, 0], 0));
        self.links
            .get(link)
            .and_then(Option::as_ref)
            .map_or(any, Link::local)
    }

    /// Ends a link; its number is used again.
    pub(crate) fn close(&mut self, link: usize) {
        if let Some(mut gone) = self.links.get_mut(link).and_then(Option::take) {
            gone.say_goodbye();
            self.free.push(link);
        }
    }

    /// Sends one message. A datagram that the kernel refuses is lost, as on a network; a stream keeps what
    /// does not fit and goes on in [`Net::poll`].
    pub(crate) fn send(&mut self, link: usize, message: &[u8]) {
        let Some(open) = self.links.get_mut(link).and_then(Option::as_mut) else {
            return;
        };
        if !open.send(message) && !self.blocked.contains(&link) {
            self.blocked.push(link);
        }
    }

    /// Waits until something arrives or `wait` is over, and replaces the contents of `inbox`.
    pub(crate) fn poll(&mut self, wait: Duration, inbox: &mut Inbox) -> Result<()> {
        inbox.clear();
        self.flush_blocked();
        let timeout = Timespec {
            tv_sec: wait.as_secs() as i64,
            tv_nsec: i64::from(wait.subsec_nanos()),
        };
        self.ready.clear();
        let spare = rustix::buffer::spare_capacity(&mut self.ready);
        match epoll::wait(&self.epoll, spare, Some(&timeout)) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e).context("cannot wait for sockets"),
        }
        for at in 0..self.ready.len() {
            let Some(event) = self.ready.get(at) else { break };
            let index = event.data.u64() as usize;
            self.read(index, inbox);
        }
        Ok(())
    }

    fn read(&mut self, index: usize, inbox: &mut Inbox) {
        let Some(link) = self.links.get_mut(index).and_then(Option::as_mut) else {
            return;
        };
        let open = link.receive(&mut self.scratch, |message| inbox.push(index, message));
        if !link.flush() && !self.blocked.contains(&index) {
            self.blocked.push(index);
        }
        if !open {
            inbox.closed.push(index);
            if let Some(slot) = self.links.get_mut(index) {
                *slot = None;
            }
            self.free.push(index);
        }
    }

    fn flush_blocked(&mut self) {
        let links = &mut self.links;
        self.blocked.retain(|index| {
            links
                .get_mut(*index)
                .and_then(Option::as_mut)
                .is_some_and(|link| !link.flush())
        });
    }
}
