//! What crosses from the edge to a session: where a message came from, and so where an answer goes.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// A SIP transport (RFC 3261 §18, Via and URI parameter names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    /// Datagrams; the transaction layer retransmits.
    Udp,
    /// A stream without encryption.
    Tcp,
    /// A stream over TLS 1.2 or 1.3.
    Tls,
}

impl Transport {
    /// True where the transport itself delivers or fails (RFC 3261 §17: no retransmission above it).
    #[must_use]
    pub fn is_reliable(self) -> bool {
        self != Transport::Udp
    }

    /// The word of the Via header: `UDP`, `TCP`, `TLS`.
    #[must_use]
    pub fn via(self) -> &'static str {
        match self {
            Transport::Udp => "UDP",
            Transport::Tcp => "TCP",
            Transport::Tls => "TLS",
        }
    }

    /// The word of the URI parameter `transport`: `udp`, `tcp`, `tls`.
    #[must_use]
    pub fn uri_param(self) -> &'static str {
        match self {
            Transport::Udp => "udp",
            Transport::Tcp => "tcp",
            Transport::Tls => "tls",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.uri_param())
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
