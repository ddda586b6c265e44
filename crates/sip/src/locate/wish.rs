//! What is looked up, in one spelling.

use super::Transport;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

/// Octets of a name, without the last dot (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
/// Octets between two dots.
const MAX_LABEL: usize = 63;

/// A host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Host {
    /// An address: the DNS is not asked.
    Address(IpAddr),
    /// A name, whole, in small letters, without the last dot.
    Name(Box<str>),
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Address(address) => address.fmt(f),
            Host::Name(name) => f.write_str(name),
        }
    }
}

/// What is to be found: the key of a cache.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wish {
    /// The host.
    pub host: Host,
    /// The port, where it is said; never 0.
    pub port: Option<u16>,
    /// The transport, where it is said.
    pub transport: Option<Transport>,
    /// TLS or nothing.
    pub secure: bool,
}

/// Why something can't be wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadWish {
    /// Neither a name as the DNS has them nor an address.
    Host,
    /// An address at which no one peer is: unspecified, broadcast, multicast.
    Address,
    /// Port 0.
    Port,
}

impl fmt::Display for BadWish {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadWish::Host => "the host is neither a name nor an address",
            BadWish::Address => "the address is that of no single peer",
            BadWish::Port => "there is no port 0",
        })
    }
}

impl std::error::Error for BadWish {}

impl Wish {
    /// `host` is a name, an IPv4 address, or an IPv6 address with or without brackets. A name is always a whole one: no
    /// search list of the machine is added, for the name is also the one that a certificate must have.
    ///
    /// # Errors
    /// It can't be looked up, and why.
    pub fn new(
        host: &str,
        port: Option<u16>,
        transport: Option<Transport>,
        secure: bool,
    ) -> Result<Wish, BadWish> {
        let inner = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']'));
        let host = match inner.unwrap_or(host).parse::<IpAddr>() {
            Ok(IpAddr::V4(_)) if inner.is_some() => return Err(BadWish::Host),
            Ok(address) => Host::Address(usable(address).ok_or(BadWish::Address)?),
            Err(_) => Host::Name(clean_name(host).ok_or(BadWish::Host)?),
        };
        if port == Some(0) {
            return Err(BadWish::Port);
        }
        Ok(Wish {
            host,
            port,
            transport,
            secure,
        })
    }
}

/// A name in small letters and without its last dot. `None` for one that the DNS can't have or that is no host's: an empty
/// label, too long, octets that no host or service has, or the last label a number (RFC 1123 §2.1), which is a mistyped
/// address.
pub(super) fn clean_name(text: &str) -> Option<Box<str>> {
    let text = text.strip_suffix('.').unwrap_or(text);
    let is_fine = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    let last = text.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    let good = text.len() <= MAX_NAME && !is_number && text.split('.').all(is_fine);
    good.then(|| text.to_ascii_lowercase().into_boxed_str())
}

/// An address as it is connected to: IPv4 in the clothes of IPv6 undressed. `None` where no single peer is: nothing is ever
/// sent to all.
pub(super) fn usable(address: IpAddr) -> Option<IpAddr> {
    let address = address.to_canonical();
    let is_broad = address == IpAddr::V4(Ipv4Addr::BROADCAST);
    (!address.is_unspecified() && !address.is_multicast() && !is_broad).then_some(address)
}
