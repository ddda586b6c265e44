//! Ranges of addresses.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::IpAddr;

/// A range of addresses, as `192.0.2.0/24`; a single address is a range of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl Network {
    /// Reads one. `None` for what is none, and for one whose address has bits beyond its length.
    #[must_use]
    pub fn parse(text: &str) -> Option<Network> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) if bits.len() <= 3 && bits.bytes().all(|b| b.is_ascii_digit()) => {
                (address.parse().ok()?, bits.parse().ok()?)
            }
            Some(_) => return None,
            None => {
                let address: IpAddr = text.parse().ok()?;
                (address, width(&address))
            }
        };
        let network = Network { address, bits };
        let is_whole = bits <= width(&address) && masked(&address, bits) == number(&address);
        is_whole.then_some(network)
    }

    /// How many bits of an address it fixes, an IPv4 address taken for what it is over IPv6: the more, the narrower.
    #[must_use]
    pub fn bits(&self) -> u8 {
        match self.address {
            IpAddr::V4(_) => self.bits.saturating_add(96),
            IpAddr::V6(_) => self.bits,
        }
    }

    /// True for one that has a good part of the Internet: wider than /8, of IPv6 than /24.
    #[must_use]
    pub fn is_wide(&self) -> bool {
        self.bits < if self.address.is_ipv4() { 8 } else { 24 }
    }

    /// Its first and its last address.
    #[must_use]
    pub fn ends(&self) -> (IpAddr, IpAddr) {
        let hosts = u32::from(width(&self.address).saturating_sub(self.bits));
        let last = number(&self.address) | 1_u128.checked_shl(hosts).map_or(u128::MAX, |size| size - 1);
        let last = match self.address {
            IpAddr::V4(_) => IpAddr::from(u32::try_from(last).unwrap_or(u32::MAX).to_be_bytes()),
            IpAddr::V6(_) => IpAddr::from(last.to_be_bytes()),
        };
        (self.address, last)
    }

    /// True for the addresses of the range. IPv4 that came over IPv6 is IPv4.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(&address, self.bits) == number(&self.address)
    }
}

fn width(address: &IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn number(address: &IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(*v4)),
        IpAddr::V6(v6) => u128::from(*v6),
    }
}

fn masked(address: &IpAddr, bits: u8) -> u128 {
    let rest = u32::from(width(address).saturating_sub(bits));
    let number = number(address);
    number
        .checked_shr(rest)
        .and_then(|kept| kept.checked_shl(rest))
        .unwrap_or(0)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.bits == width(&self.address) {
            true => self.address.fmt(f),
            false => write!(f, "{}/{}", self.address, self.bits),
        }
    }
}

impl From<Network> for String {
    fn from(network: Network) -> String {
        network.to_string()
    }
}

impl TryFrom<String> for Network {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Network, &'static str> {
        Network::parse(&text).ok_or("not an address or a network such as 192.0.2.0/24")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_ranges() {
        let network = Network::parse("192.0.2.0/24").unwrap();
        assert!(network.contains("192.0.2.255".parse().unwrap()));
        assert!(network.contains("::ffff:192.0.2.7".parse().unwrap()));
        assert!(!network.contains("192.0.3.0".parse().unwrap()));
        assert!(!network.contains("2001:db8::1".parse().unwrap()));
        let one = Network::parse("2001:db8::1").unwrap();
        assert!(
            one.contains("2001:db8::1".parse().unwrap()) && !one.contains("2001:db8::2".parse().unwrap())
        );
        assert!(
            Network::parse("0.0.0.0/0")
                .unwrap()
                .contains("9.9.9.9".parse().unwrap())
        );
        assert!(
            Network::parse("::/0")
                .unwrap()
                .contains("2001:db8::2".parse().unwrap())
        );
        for bad in [
            "",
            "192.0.2.1/24",
            "192.0.2.0/33",
            "192.0.2.0/",
            "192.0.2.0/+8",
            "host",
            "::/129",
            "1.2.3",
        ] {
            assert_eq!(Network::parse(bad), None, "{bad}");
        }
        for text in ["192.0.2.0/24", "192.0.2.1", "2001:db8::/32", "2001:db8::1"] {
            assert_eq!(Network::parse(text).unwrap().to_string(), text);
        }
    }
}
