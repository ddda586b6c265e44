//! From a domain, or a number of the public network, to its tenant.
//!
//! Owns: the index that every request passes. Does not own: the rows; `store` reads them, and a changed set
//! of rows is a new directory.

use crate::names::Names;
use crate::{Domain, DomainError, Operator, Scope};
use model::{NumberRange, TenantId};
use std::collections::HashMap;
use std::fmt;
use std::net::Ipv6Addr;

/// Every tenant and its domains. Built once per change, shared, never altered.
#[derive(Debug, Default)]
pub struct Directory {
    /// Host names and IPv4 addresses.
    names: Names,
    /// IPv6 has many spellings of one address; only looked up, never walked.
    addresses: HashMap<Ipv6Addr, Scope>,
    /// Ascending.
    tenants: Vec<TenantId>,
    /// First and last number of each tenant's outermost ranges, ascending; those of two tenants never meet.
    numbers: Vec<(u64, u64, TenantId)>,
}

/// Why a set of rows is not a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DirectoryError {
    /// Not a domain at all.
    Syntax {
        /// Whose.
        tenant: TenantId,
        /// What is wrong.
        error: DomainError,
    },
    /// A domain belongs to one tenant, or calls to one would reach the other.
    Shared {
        /// In canonical spelling.
        domain: Domain,
        /// Who had it first.
        owner: TenantId,
        /// Who wants it too.
        other: TenantId,
    },
}

impl fmt::Display for DirectoryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            DirectoryError::Syntax { tenant, error } => write!(f, "tenant {tenant}: {error}"),
            DirectoryError::Shared { domain, owner, other } => write!(
                f,
                "domain {domain} belongs to tenant {owner} and can't belong to tenant {other} too; remove it from one"
            ),
        }
    }
}

impl std::error::Error for DirectoryError {}

impl Directory {
    /// Builds the index from each tenant and its domains. A domain named twice by one tenant counts once.
    ///
    /// # Errors
    /// The first row that is no domain, or whose domain another tenant has.
    pub fn new(rows: impl IntoIterator<Item = (TenantId, Vec<String>)>) -> Result<Directory, DirectoryError> {
        let mut directory = Directory::default();
        for (tenant, domains) in rows {
            directory.tenants.push(tenant);
            for text in domains {
                directory.insert(tenant, &text)?;
            }
        }
        directory.tenants.sort_unstable();
        directory.tenants.dedup();
        Ok(directory)
    }

    /// The same with the tenants' numbers. Where two claim one, which nothing stores, the first has it.
    #[must_use]
    pub fn with_numbers(mut self, rows: impl IntoIterator<Item = (TenantId, NumberRange)>) -> Directory {
        let ranges = rows.into_iter();
        let mut ranges: Vec<(u64, u64, TenantId)> = ranges
            .map(|(tenant, range)| (range.first, range.last, tenant))
            .collect();
        // Those that lie in another one come right behind it.
        ranges.sort_unstable_by_key(|(first, last, tenant)| (*first, std::cmp::Reverse(*last), *tenant));
        let mut outer: Vec<(u64, u64, TenantId)> = Vec::with_capacity(ranges.len());
        for (first, last, tenant) in ranges {
            match outer.last_mut() {
                Some((_, end, owner)) if first <= *end && *owner == tenant => *end = (*end).max(last),
                Some((_, end, _)) if first <= *end => {}
                _ => outer.push((first, last, tenant)),
            }
        }
        self.numbers = outer;
        self
    }

    /// Whose number this is: the digits of E.164, country code first.
    #[must_use]
    pub fn by_number(&self, number: u64) -> Option<Scope> {
        self.number_owner(number).and_then(|tenant| self.by_tag(tenant))
    }

    /// The same by name alone: nothing may be done to that tenant with it.
    #[must_use]
    pub fn number_owner(&self, number: u64) -> Option<TenantId> {
        let behind = self.numbers.partition_point(|(first, ..)| *first <= number);
        let (_, last, tenant) = self.numbers.get(behind.checked_sub(1)?)?;
        (number <= *last).then_some(*tenant)
    }

    /// Whose domain this is, likewise.
    #[must_use]
    pub fn domain_owner(&self, domain: &str) -> Option<TenantId> {
        self.by_domain(domain).map(Scope::tenant)
    }

    fn insert(&mut self, tenant: TenantId, text: &str) -> Result<(), DirectoryError> {
        let domain = Domain::parse(text).map_err(|error| DirectoryError::Syntax { tenant, error })?;
        let wanted = Scope::new(tenant);
        let scope = match address(domain.as_str()) {
            Some(address) => *self.addresses.entry(address).or_insert(wanted),
            None => self.names.get_or_insert(domain.as_str(), wanted),
        };
        if scope == wanted {
            return Ok(());
        }
        Err(DirectoryError::Shared {
            domain,
            owner: scope.tenant(),
            other: tenant,
        })
    }

    /// Who owns the host part of a URI, in whatever spelling. Runs for every request; allocates nothing.
    #[must_use]
    pub fn by_domain(&self, host: &str) -> Option<Scope> {
        if host.starts_with('[') {
            return self.addresses.get(&address(host)?).copied();
        }
        self.names.get(host.strip_suffix('.').unwrap_or(host))
    }

    /// The tenant that our own tag or branch names, if it still exists.
    #[must_use]
    pub fn by_tag(&self, tenant: TenantId) -> Option<Scope> {
        self.tenants
            .binary_search(&tenant)
            .ok()
            .map(|_| Scope::new(tenant))
    }

    /// Every tenant in ascending order of id.
    #[must_use]
    pub fn scopes(&self) -> Vec<Scope> {
        self.tenants.iter().copied().map(Scope::new).collect()
    }

    /// Number of tenants.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tenants.len()
    }

    /// True without any tenant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.tenants.is_empty()
    }
}

/// The address between brackets (RFC 3261 §25.1 `IPv6reference`).
fn address(host: &str) -> Option<Ipv6Addr> {
    host.strip_prefix('[')?.strip_suffix(']')?.parse().ok()
}

impl Operator {
    /// Steps into a tenant, if it exists.
    #[must_use]
    pub fn scope(&self, directory: &Directory, tenant: TenantId) -> Option<Scope> {
        directory.by_tag(tenant)
    }
}
