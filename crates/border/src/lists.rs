//! What the operator has said beforehand about addresses.

use crate::address::address_of;
use crate::nets::Nets;
use crate::sieve::Sieve;
use std::net::IpAddr;

/// Lists; the first that has an address decides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lists {
    /// Nothing is asked of these but what a busy worker asks of everybody.
    pub allow: Nets,
    /// Nothing but calls for help is taken from these.
    pub deny: Nets,
    /// Likewise: addresses of countries that are kept out.
    pub countries: Nets,
}

impl Lists {
    /// Enters those of whom nothing is asked.
    pub fn enter(&self, sieve: &mut Sieve) {
        for (first, last) in self.allow.iter() {
            sieve.between(address_of(first), address_of(last));
        }
    }

    /// Whether nothing is asked of an address.
    #[must_use]
    pub fn allows(&self, ip: IpAddr) -> bool {
        self.allow.contains(ip)
    }
}
