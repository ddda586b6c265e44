//! What crosses from the edge to a session: where a message came from, and so where an answer goes.

use crate::{DeviceId, TenantId, TlsFault, Wall};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// A SIP transport (RFC 3261 §18, Via and URI parameter names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams; the transaction layer retransmits.
    Udp,
    /// A stream without encryption.
    Tcp,
    /// A stream over TLS 1.2 or 1.3.
    Tls,
    /// WebSocket without encryption (RFC 7118).
    Ws,
    /// WebSocket over TLS (RFC 7118).
    Wss,
}

impl Transport {
    /// True where the transport itself delivers or fails (RFC 3261 §17: no retransmission above it).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// True for a plain stream of octets, where only Content-Length says where a message ends. A datagram and a WebSocket
    /// message end by themselves, so a bad one spoils nothing after it.
    #[must_use]
    pub fn is_stream(self) -> bool {
        matches!(self, Transport::Tcp | Transport::Tls)
    }

    /// True for both kinds of WebSocket.
    #[must_use]
    pub fn is_websocket(self) -> bool {
        matches!(self, Transport::Ws | Transport::Wss)
    }

    /// True where nobody on the way can read along.
    #[must_use]
    pub fn is_encrypted(self) -> bool {
        matches!(self, Transport::Tls | Transport::Wss)
    }

    /// The word of configuration, logs and records: `udp`, `tcp`, `tls`, `ws`, `wss`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Transport::Wss => "wss",
            other => other.uri_param(),
        }
    }

    /// The word of the Via header: `UDP`, `TCP`, `TLS`, `WS`, `WSS`.
    #[must_use]
    pub fn via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
            Transport::Ws => "WS",
            Transport::Wss => "WSS",
        }
    }

    /// The word of the URI parameter `transport`: `udp`, `tcp`, `tls`, and `ws` for both kinds of WebSocket (RFC 7118
    /// §5.2.2 defines no `wss`).
    #[must_use]
    pub fn uri_param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
            Transport::Ws | Transport::Wss => "ws",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Names the way back to a peer without naming a socket: an answer sent on this token leaves where the
/// message came in. Cores keep it, compare it and hand it back; only the shell can use it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct FlowToken {
    /// The transport.
    pub transport: Transport,
    /// The worker thread that owns the connection; zero for UDP.
    pub worker: u16,
    /// The connection, unique within its worker for the life of the process; zero for UDP.
    pub connection: u64,
    /// Our address that the peer reached, as it should appear in Via and Contact (an advertised
    /// address has replaced the socket's own by the time a core sees it).
    pub local: SocketAddr,
    /// The peer's address as the network showed it.
    pub remote: SocketAddr,
}

impl FlowToken {
    /// No worker has this number: the way between two tenants of one server, which is no network. Only the shell makes flows, and
    /// those of the network have numbers of workers.
    const NOWHERE: u16 = u16::MAX;

    /// The way from one tenant to another, by which no stranger comes. `local` stands in Via and Contact.
    #[must_use]
    pub fn inside(local: SocketAddr) -> FlowToken {
        FlowToken {
            transport: Transport::Udp,
            worker: FlowToken::NOWHERE,
            connection: 0,
            local,
            remote: local,
        }
    }

    /// Where the peer's packets may come from besides where it says; the unspecified address where that is a call of this server.
    #[must_use]
    pub fn signalling_ip(&self) -> std::net::IpAddr {
        match self.is_inside() {
            true => std::net::Ipv4Addr::UNSPECIFIED.into(),
            false => self.remote.ip(),
        }
    }

    /// True for that way.
    #[must_use]
    pub fn is_inside(&self) -> bool {
        self.worker == FlowToken::NOWHERE && self.transport == Transport::Udp
    }
}

/// Who a connection was opened by, proven by a signed token: what the edge found passes to the tenant as data, never as
/// a header. It is good for that tenant alone, and the tenant still asks whether the device may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignIn {
    /// Whose device.
    pub tenant: TenantId,
    /// The device.
    pub device: DeviceId,
    /// Follows from the device's secret: another password makes another stamp, and the sign-in worthless.
    pub stamp: u64,
    /// When the token ends.
    pub expires: Wall,
}

/// A connection that a core wants opened: over TCP to the very address that a phone's datagrams come from, because a
/// request is too large for one (RFC 3261 §18.1.1). It never names any other address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Connect {
    /// Our address, as the peer knows it. The connection leaves from its host.
    pub local: SocketAddr,
    /// The peer's address.
    pub remote: SocketAddr,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Connected {
    /// What was wanted.
    pub order: Connect,
    /// How it went.
    pub outcome: ConnectOutcome,
}

/// How an attempt to connect went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConnectOutcome {
    /// The connection is there.
    Open(FlowToken),
    /// It was refused, took too long, or may not be opened at all: no use to ask again soon.
    Refused,
    /// Somebody is there, but does not show over TLS that it is who was asked for. Nothing has left but the handshake.
    Untrusted(TlsFault),
    /// Too many were under way. That says nothing of the peer.
    Busy,
}

/// Names a credential without telling it: tenant and username, hashed. Two that clash are locked together, which needs no secret to
/// be harmless: whoever could choose such a username could as well choose the other one itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CredentialKey(pub u64);

impl CredentialKey {
    /// Of a username as it is claimed, whether anybody has it or not (FNV-1a).
    #[must_use]
    pub fn of(tenant: TenantId, username: &str) -> CredentialKey {
        let octets = tenant.0.to_be_bytes().into_iter().chain(username.bytes());
        CredentialKey(octets.fold(0xcbf2_9ce4_8422_2325, |hash, octet| {
            (hash ^ u64::from(octet)).wrapping_mul(0x0100_0000_01b3)
        }))
    }
}

/// What came of looking at who sent a request: for whoever guards the edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Access {
    /// Where the request came from.
    pub flow: FlowToken,
    /// What was found.
    pub outcome: AccessOutcome,
}

/// What authentication found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccessOutcome {
    /// The sender has shown that he has this credential.
    Granted(CredentialKey),
    /// He has claimed this one, and it was wrong, or nobody's.
    Denied(CredentialKey),
    /// He has shown nothing, or what is out of date, and was asked.
    Challenged,
}
