//! Where a SIP URI leads (RFC 3263): what a core wants to know, and what the shell found out.
//!
//! A core asks by [`Locate`] and hears exactly one [`Located`] with the same `order`. Asking for each call is right: what
//! the DNS said is kept by the shell for as long as it may be, and servers that share the load take turns only so.

use crate::Transport;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A question about one URI.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Locate {
    /// Chosen by who asks, handed back with the answer.
    pub order: u64,
    /// A name, or an address (IPv6 with or without brackets).
    pub host: Box<str>,
    /// The port, where the URI or the configuration says one: then nothing but addresses is asked for.
    pub port: Option<u16>,
    /// The transport, where it is said; `None` = the DNS chooses among those that this server speaks.
    pub transport: Option<Transport>,
    /// A `sips` URI, or a peer that is to be reached over TLS alone.
    pub secure: bool,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Located {
    /// That of the question.
    pub order: u64,
    /// What was found.
    pub outcome: LocateOutcome,
}

/// How a look-up went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LocateOutcome {
    /// There is a way.
    Found {
        /// Never empty; in the order in which they are to be tried.
        places: Vec<Place>,
        /// Seconds for which this holds. Another question gets an order of its own within that time, too.
        ttl_s: u32,
    },
    /// There is no such name, it has no address, or it says that it takes no such requests. Asking again soon is no use.
    NoSuchName,
    /// The DNS does not answer, or says that something is broken, and nothing is known from before.
    NoAnswer,
    /// It can't be asked for: no name of the DNS, port 0, an address that is nobody's, or a transport that this server
    /// does not open connections by. The configuration is wrong.
    Refused,
    /// Too many look-ups wait. That says nothing of the name.
    Busy,
}

/// One way to reach a peer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// By which transport.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
    /// Whose certificate it has to show over TLS (RFC 5922 §4): the host that was asked for, never the name of a server that
    /// the DNS gave, for whoever forges the DNS would choose that. An address stands here without brackets.
    pub name: Box<str>,
}
