//! What counts as one peer: an address, or what one peer can draw addresses from at will.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

/// Bits of an IPv6 source that its holder chooses freely: one site has a /64.
const HOST_BITS: u32 = 64;
/// A /48 is what a site with several networks gets.
const SITE_BITS: u32 = 80;
/// A /24 is the smallest network that is routed by itself.
const SITE_BITS_V4: u32 = 8;
/// `::ffff:0:0/96`: where IPv4 lies (RFC 4291 §2.5.5.2).
const V4: u128 = 0xffff << 32;

/// An IPv4 address, or the /64 of an IPv6 address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source(u128);

/// The network around a source: /24, or /48.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Site(u128);

/// An address as a number; IPv4 in its place within IPv6.
pub(crate) fn number(ip: IpAddr) -> u128 {
    match ip.to_canonical() {
        IpAddr::V4(v4) => V4 | u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

/// The address that has this number.
pub(crate) fn address_of(number: u128) -> IpAddr {
    IpAddr::from(number.to_be_bytes()).to_canonical()
}

fn is_v4(number: u128) -> bool {
    number >> 32 == V4 >> 32
}

/// Without its last bits.
fn masked(number: u128, bits: u32) -> u128 {
    number >> bits << bits
}

impl Source {
    /// Whom an address belongs to.
    #[must_use]
    pub fn of(ip: IpAddr) -> Source {
        let number = number(ip);
        Source(if is_v4(number) {
            number
        } else {
            masked(number, HOST_BITS)
        })
    }

    /// Its network.
    #[must_use]
    pub fn site(self) -> Site {
        let bits = if is_v4(self.0) { SITE_BITS_V4 } else { SITE_BITS };
        Site(masked(self.0, bits))
    }

    pub(crate) fn number(self) -> u128 {
        self.0
    }
}

impl Site {
    pub(crate) fn number(self) -> u128 {
        self.0
    }
}

fn show(f: &mut fmt::Formatter<'_>, number: u128, v4: &str, v6: &str) -> fmt::Result {
    let address = Ipv6Addr::from(number);
    match address.to_ipv4_mapped() {
        Some(address) => write!(f, "{address}{v4}"),
        None => write!(f, "{address}{v6}"),
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, "", "/64")
    }
}

impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        show(f, self.0, "/24", "/48")
    }
}
