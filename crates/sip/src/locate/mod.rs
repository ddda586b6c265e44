//! Where a SIP URI leads by the DNS (RFC 3263, 2782, 7984), without asking it.
//!
//! Owns: which questions to ask, what their answers mean, in which order servers are tried, how long an answer is kept,
//! and which servers are passed over for a while. Does not own: sockets, time and randomness: the shell
//! asks, `now` and seeds are given. What the DNS says is a stranger's word: everything has a limit, and
//! what can't be is left out.

mod cache;
mod draw;
mod found;
mod locator;
pub mod message;
mod walk;
mod wish;

pub use cache::{Cache, Held, STALE_S};
pub use found::{Found, Place};
pub use locator::Locator;
pub use walk::{Failures, Walk};
pub use wish::{BadWish, Host, Wish};

use std::net::IpAddr;

/// Records of one answer that are looked at. A provider has a handful.
pub const MAX_RECORDS: usize = 64;
/// Services (a transport and a name with SRV records) that NAPTR records may lead to.
pub const MAX_SERVICES: usize = 8;
/// Servers that are considered, all transports together.
pub const MAX_TARGETS: usize = 24;
/// Addresses of one server.
pub const MAX_ADDRESSES: usize = 8;
/// Places that come out. Long before the last one has timed out, a caller has hung up.
pub const MAX_PLACES: usize = 32;
/// Questions of one look-up, at most: NAPTR, services by NAPTR and our own, two families for each server.
pub const MAX_QUESTIONS: usize = 1 + MAX_SERVICES + 3 + 2 * MAX_TARGETS;

/// A transport that connections are opened by. WebSocket is none: who speaks it comes to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Transport {
    /// Datagrams.
    Udp,
    /// A stream without encryption.
    Tcp,
    /// A stream over TLS.
    Tls,
}

impl Transport {
    /// The port where a URI and the DNS say none (RFC 3261 §19.1.2).
    #[must_use]
    pub fn default_port(self) -> u16 {
        match self {
            Transport::Udp | Transport::Tcp => 5060,
            Transport::Tls => 5061,
        }
    }

    /// What stands before a domain in the name of its SRV records (RFC 3263 §4.2).
    #[must_use]
    pub fn srv_prefix(self) -> &'static str {
        match self {
            Transport::Udp => "_sip._udp.",
            Transport::Tcp => "_sip._tcp.",
            Transport::Tls => "_sips._tcp.",
        }
    }

    /// By the service field of a NAPTR record (RFC 3263 §4.1), in either case.
    #[must_use]
    pub fn from_naptr(service: &str) -> Option<Transport> {
        [
            ("SIP+D2U", Transport::Udp),
            ("SIP+D2T", Transport::Tcp),
            ("SIPS+D2T", Transport::Tls),
        ]
        .into_iter()
        .find(|(known, _)| known.eq_ignore_ascii_case(service))
        .map(|(_, transport)| transport)
    }
}

/// Which families of addresses are used, and which is tried first (RFC 7984).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Families {
    /// Both; of each server an IPv4 address first. A path by IPv6 that is broken costs each call seconds, and hardly a
    /// provider of trunks is without IPv4: so it is the default.
    #[default]
    V4First,
    /// Both; an IPv6 address first.
    V6First,
    /// IPv4 alone.
    V4Only,
    /// IPv6 alone.
    V6Only,
}

/// What this server can do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Means {
    /// The transports that it opens connections by, the one first that it likes best.
    pub transports: Vec<Transport>,
    /// Its families of addresses.
    pub families: Families,
}

/// What kind of records is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// RFC 3403: which transports a domain has, and where.
    Naptr,
    /// RFC 2782: which servers a service has.
    Srv,
    /// IPv4 addresses.
    A,
    /// IPv6 addresses.
    Aaaa,
}

/// A question for the DNS.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Question {
    /// What kind of records.
    pub kind: Kind,
    /// Of which name: whole, in small letters, without the last dot.
    pub name: Box<str>,
}

/// A record of an answer, without its owner's name: that is the question's, or an alias of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Record {
    /// NAPTR.
    Naptr {
        /// Lower comes first.
        order: u16,
        /// Among those of one order, lower comes first.
        preference: u16,
        /// `s` alone means anything here.
        flags: Box<str>,
        /// Such as `SIP+D2U`.
        service: Box<str>,
        /// Empty, or it is not for SIP.
        regexp: Box<str>,
        /// The name with SRV records; `.` or nothing for none.
        replacement: Box<str>,
    },
    /// SRV.
    Srv {
        /// Lower comes first.
        priority: u16,
        /// The share among those of one priority.
        weight: u16,
        /// The port.
        port: u16,
        /// The server's name; `.` or nothing = the service is decidedly not there.
        target: Box<str>,
    },
    /// A and AAAA.
    Address(IpAddr),
}

/// What the DNS says to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Records, and the smallest TTL among them and the aliases that led to them.
    Records(Vec<Record>, u32),
    /// The name does not exist, for so many seconds (RFC 2308).
    NoSuchName(u32),
    /// The name has no such records, for so many seconds.
    NoData(u32),
    /// No server answered in time, or none that could.
    Failed,
}

/// Why nothing was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// There is nothing: no such name, no addresses, or no such service, for so many seconds.
    NoSuchName(u32),
    /// The DNS does not answer.
    NoAnswer,
    /// The transport is none that this server has, or it is not secure enough.
    Unspoken,
}
