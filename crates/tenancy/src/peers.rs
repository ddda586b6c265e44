//! Which tenant a carrier's call is for: by where it comes from, and by what it calls.
//!
//! Owns: the index from hosts to trunks. Does not own: whether the call may come in; its tenant looks again.
//!
//! Several tenants may have trunks at one carrier. Then the number that is called decides, and one that none of them has leads to
//! none: a carrier's call never reaches a tenant that does not own its number.

use crate::{Directory, Scope};
use model::{Network, NumberRange, TenantId, TrunkId};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

/// Digits that two numbers must have in common at their end to be the same, where one lacks the country code.
const LEAST_DIGITS: usize = 6;

/// Where the calls of a tenant's trunks may come from, and for which numbers.
#[derive(Clone, Debug, Default)]
pub struct Reachable {
    /// The hosts of each trunk, as the DNS has them now.
    pub hosts: Vec<(TrunkId, BTreeSet<IpAddr>)>,
    /// The ranges that are written down for its trunks.
    pub networks: Vec<Network>,
    /// The tenant's numbers.
    pub numbers: Arc<[NumberRange]>,
}

/// Of all tenants on this node. Rebuilt when one changes, shared, never altered.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    tenants: BTreeMap<TenantId, Arc<Reachable>>,
    hosts: HashMap<IpAddr, BTreeSet<TenantId>>,
    networks: Vec<(Network, TenantId)>,
    /// First and last addresses of the networks put together, in order.
    spans: Vec<(IpAddr, IpAddr)>,
}

/// Those that overlap as one, in order.
fn joined(mut spans: Vec<(IpAddr, IpAddr)>) -> Vec<(IpAddr, IpAddr)> {
    spans.sort_unstable();
    let mut joined: Vec<(IpAddr, IpAddr)> = Vec::new();
    for (first, last) in spans {
        match joined.last_mut() {
            Some((_, end)) if first <= *end => *end = last.max(*end),
            _ => joined.push((first, last)),
        }
    }
    joined
}

impl Peers {
    /// The same with what is known of this tenant now; nothing where its trunks are gone.
    #[must_use]
    pub fn with(&self, tenant: TenantId, reachable: Option<Reachable>) -> Peers {
        let mut tenants = self.tenants.clone();
        match reachable {
            Some(reachable) => tenants.insert(tenant, Arc::new(reachable)),
            None => tenants.remove(&tenant),
        };
        let mut hosts: HashMap<IpAddr, BTreeSet<TenantId>> = HashMap::new();
        let mut networks = Vec::new();
        for (tenant, reachable) in &tenants {
            for host in reachable.hosts.iter().flat_map(|(_, hosts)| hosts) {
                hosts.entry(*host).or_default().insert(*tenant);
            }
            networks.extend(reachable.networks.iter().map(|network| (*network, *tenant)));
        }
        let spans = joined(networks.iter().map(|(network, _)| network.ends()).collect());
        Peers {
            tenants,
            hosts,
            networks,
            spans,
        }
    }

    /// True where nobody has trunks.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }

    /// The hosts of a tenant's trunks.
    pub fn hosts_of(&self, tenant: TenantId) -> impl Iterator<Item = IpAddr> {
        let own = self.tenants.get(&tenant).into_iter();
        own.flat_map(|reachable| &reachable.hosts)
            .flat_map(|(_, hosts)| hosts)
            .copied()
    }

    /// First and last address of everything that some trunk's calls come from.
    pub fn ranges(&self) -> impl Iterator<Item = (IpAddr, IpAddr)> {
        let hosts = self.tenants.values().flat_map(|reachable| &reachable.hosts);
        let hosts = hosts.flat_map(|(_, hosts)| hosts).map(|host| (*host, *host));
        hosts.chain(self.spans.iter().copied())
    }

    /// True where some trunk's calls come from.
    #[must_use]
    pub fn knows(&self, host: IpAddr) -> bool {
        let host = host.to_canonical();
        let after = self.spans.partition_point(|(first, _)| *first <= host);
        let span = after.checked_sub(1).and_then(|place| self.spans.get(place));
        self.is_host(host) || span.is_some_and(|(_, last)| host <= *last)
    }

    /// True where that is an address of its own, and not only one of a network.
    #[must_use]
    pub fn is_host(&self, host: IpAddr) -> bool {
        self.hosts.contains_key(&host.to_canonical())
    }

    fn at(&self, host: IpAddr) -> BTreeSet<TenantId> {
        let host = host.to_canonical();
        let mut found = self.hosts.get(&host).cloned().unwrap_or_default();
        let within = self.networks.iter().filter(|(network, _)| network.contains(host));
        found.extend(within.map(|(_, tenant)| *tenant));
        found
    }

    /// The tenant of a call from this host to this user part of the Request-URI.
    #[must_use]
    pub fn owner(&self, host: IpAddr, user: &str, directory: &Directory) -> Option<Scope> {
        if self.is_empty() {
            return None;
        }
        let found = self.at(host);
        let named = user
            .split_once('.')
            .and_then(|(tenant, _)| u64::from_str_radix(tenant, 16).ok());
        let tenant = match named.map(TenantId).filter(|named| found.contains(named)) {
            Some(named) => named,
            None if found.len() == 1 => *found.first()?,
            None => found.into_iter().find(|tenant| self.has(*tenant, user))?,
        };
        directory.by_tag(tenant)
    }

    fn has(&self, tenant: TenantId, dialled: &str) -> bool {
        let digits: String = dialled.chars().filter(char::is_ascii_digit).collect();
        let digits = digits.trim_start_matches('0');
        let numbers = self.tenants.get(&tenant).map(|reachable| &reachable.numbers);
        numbers
            .into_iter()
            .flat_map(|numbers| numbers.iter())
            .any(|range| is_in(range, digits))
    }
}

/// True where a number of the range ends with these digits, or is them.
fn is_in(range: &NumberRange, digits: &str) -> bool {
    let Ok(number) = digits.parse::<u64>() else {
        return false;
    };
    if range.has(number) {
        return true;
    }
    let length = u32::try_from(digits.len()).unwrap_or(u32::MAX);
    let Some(scale) = 10_u64
        .checked_pow(length)
        .filter(|_| digits.len() >= LEAST_DIGITS)
    else {
        return false;
    };
    let (first, last) = (range.first % scale, range.last % scale);
    range.first / scale == range.last / scale && (first..=last).contains(&number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reachable(host: &str, number: u64) -> Option<Reachable> {
        Some(Reachable {
            hosts: vec![(TrunkId(1), [host.parse().unwrap()].into())],
            networks: vec![Network::parse("198.51.100.0/24").unwrap()],
            numbers: [NumberRange::one(number, "101")].into(),
        })
    }

    #[test]
    fn the_number_decides_among_tenants_of_one_carrier() {
        let rows = [1, 2, 3].map(|id| (TenantId(id), vec![format!("{id}.example")]));
        let directory = Directory::new(rows).unwrap();
        let peers = Peers::default()
            .with(TenantId(1), reachable("192.0.2.1", 49_305_550_001))
            .with(TenantId(2), reachable("192.0.2.1", 49_305_550_002))
            .with(TenantId(3), reachable("192.0.2.3", 49_305_550_003));
        let owner = |host: &str, user: &str| {
            let scope = peers.owner(host.parse().unwrap(), user, &directory);
            scope.map(|scope| scope.tenant().0)
        };
        assert_eq!(owner("192.0.2.1", "+49305550001"), Some(1));
        assert_eq!(owner("192.0.2.1", "0049305550002"), Some(2));
        assert_eq!(owner("::ffff:192.0.2.1", "0305550002"), Some(2));
        assert_eq!(owner("192.0.2.1", "305550009"), None, "nobody's number");
        assert_eq!(owner("192.0.2.1", "0002"), None, "too little of a number");
        // Of somebody else, who has nothing to do with this carrier.
        assert_eq!(owner("192.0.2.1", "+49305550003"), None);
        assert_eq!(owner("192.0.2.3", "anything"), Some(3));
        assert_eq!(owner("192.0.2.1", "2.1"), Some(2));
        assert_eq!(owner("192.0.2.1", "3.1"), None);
        assert_eq!(owner("198.51.100.7", "+49305550003"), Some(3));
        assert_eq!(owner("203.0.113.1", "+49305550001"), None);
        let less = peers.with(TenantId(3), None);
        assert!(!less.knows("192.0.2.3".parse().unwrap()) && less.knows("192.0.2.1".parse().unwrap()));
    }
}
