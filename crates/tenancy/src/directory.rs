//! From a domain to its tenant.
//!
//! Owns: the index that every request passes. Does not own: the rows; `store` reads them, and a changed set
//! of rows is a new directory.

use crate::domain::Key;
use crate::{Domain, DomainError, Scope};
use model::TenantId;
use std::collections::HashMap;
use std::fmt;

/// Every tenant and its domains. Built once per change, shared, never altered.
#[derive(Debug, Default)]
pub struct Directory {
    /// Only looked up, never walked. The standard hasher is keyed: hosts come from strangers.
    by_domain: HashMap<Box<[u8]>, Scope>,
    /// Ascending.
    tenants: Vec<TenantId>,
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

    fn insert(&mut self, tenant: TenantId, text: &str) -> Result<(), DirectoryError> {
        let domain = Domain::parse(text).map_err(|error| DirectoryError::Syntax { tenant, error })?;
        let Some(key) = Key::of(domain.as_str()) else {
            return Ok(()); // A parsed domain always has a key.
        };
        let scope = self
            .by_domain
            .entry(key.as_bytes().into())
            .or_insert(Scope::new(tenant));
        if scope.tenant() == tenant {
            return Ok(());
        }
        Err(DirectoryError::Shared {
            domain,
            owner: scope.tenant(),
            other: tenant,
        })
    }

    /// Who owns the host part of a URI, whatever its case. Allocates nothing.
    #[must_use]
    pub fn by_domain(&self, host: &str) -> Option<Scope> {
        self.by_domain.get(Key::of(host)?.as_bytes()).copied()
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
