//! Sets of addresses, as ranges.

use crate::address::number;
use std::fmt;
use std::net::IpAddr;

/// Addresses, as ranges that neither touch nor overlap, in order. IPv4 lies in its place within IPv6.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Nets(Vec<(u128, u128)>);

/// A text is neither an address nor a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NetsError;

impl fmt::Display for NetsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("write an address or a network, such as 192.0.2.7, 192.0.2.0/24 or 2001:db8::/32")
    }
}

impl std::error::Error for NetsError {}

impl Nets {
    /// Of addresses and networks in their usual spelling.
    ///
    /// # Errors
    /// One of them is neither.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Nets, NetsError> {
        let ranges: Result<Vec<_>, _> = texts.into_iter().map(range).collect();
        Ok(Nets::of(ranges?))
    }

    /// Of ranges in any order.
    pub(crate) fn of(mut ranges: Vec<(u128, u128)>) -> Nets {
        ranges.sort_unstable();
        let mut merged: Vec<(u128, u128)> = Vec::new();
        for (first, last) in ranges {
            match merged.last_mut() {
                Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
                _ => merged.push((first, last)),
            }
        }
        merged.shrink_to_fit();
        Nets(merged)
    }

    /// Whether an address is in the set.
    #[must_use]
    pub fn contains(&self, ip: IpAddr) -> bool {
        if self.0.is_empty() {
            return false;
        }
        let address = number(ip);
        let after = self.0.partition_point(|(first, _)| *first <= address);
        let before = after.checked_sub(1).and_then(|at| self.0.get(at));
        before.is_some_and(|(_, last)| address <= *last)
    }

    /// First and last address of each range.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u128, u128)> {
        self.0.iter().copied()
    }

    /// True without any address.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// How many ranges it takes.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.0.len()
    }
}

fn range(text: &str) -> Result<(u128, u128), NetsError> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (address, Some(length)),
        None => (text, None),
    };
    let ip: IpAddr = address.parse().map_err(|_| NetsError)?;
    let bits = if ip.is_ipv4() { 32 } else { 128 };
    let length: u32 = match length {
        Some(length) => length.parse().map_err(|_| NetsError)?,
        None => bits,
    };
    let free = bits.checked_sub(length).ok_or(NetsError)?;
    let hosts = u128::MAX.checked_shr(128 - free).unwrap_or(0);
    let first = number(ip) & !hosts;
    Ok((first, first | hosts))
}
