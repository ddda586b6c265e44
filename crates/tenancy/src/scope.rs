//! The proof that an operation is about one tenant, and the one way round it.
//!
//! Owns: [`Scope`] and [`Operator`]. Does not own: how a tenant is found, see [`crate::Directory`].

use model::{Partition, TenantId};

/// One tenant that exists. Every operation on a tenant's rows or live state takes one.
///
/// Nothing outside this crate can make one, so code that handles a request of tenant A can't name tenant
/// B, not even by mistake:
///
/// ```compile_fail
/// let forged = tenancy::Scope { tenant: model::TenantId(7) };
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Scope {
    tenant: TenantId,
}

impl Scope {
    pub(crate) fn new(tenant: TenantId) -> Scope {
        Scope { tenant }
    }

    /// The tenant.
    #[must_use]
    pub fn tenant(self) -> TenantId {
        self.tenant
    }

    /// The partition that owns the tenant.
    #[must_use]
    pub fn partition(self) -> Partition {
        self.tenant.partition()
    }
}

/// The node's own administrator: may create, list and delete tenants, and step into one.
///
/// Whoever can open the data directory or the control socket is this person; the file system decided it.
/// A request that came over the network never yields one.
#[derive(Debug)]
pub struct Operator {
    _private: (),
}

impl Operator {
    /// The one way in: for a command on this machine, after it opened the data directory or the control
    /// socket, and for the node itself.
    #[must_use]
    pub fn local() -> Operator {
        Operator { _private: () }
    }
}
