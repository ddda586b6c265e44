//! Calls that a tenant carries for others of the server: an operator's trunks for companies without a carrier of their own.
//!
//! Owns: whether a call is one. Does not own: the way from tenant to tenant (`FlowToken::inside`), or which trunk it takes (`choice`).
//!
//! There are two calls, one of each tenant, with a record each. Who carries says so (`Policy::transit`); from whom a call comes is
//! read from what that tenant itself wrote, for nobody else can write on that way.

use crate::context::Context;
use flow::Outside;
use model::{TenantId, Trunk, TrunkId};
use sip::header::NameAddr;
use sip::{Message, Name};

/// Tenants that a call may pass; a circle of tenants that carry for each other ends there.
pub(super) const MOST_HOPS: u8 = 10;

/// The number outside that a call leads to which is for none of the tenant's own: where the tenant carries the calls of who calls,
/// or of whose number it is.
pub(crate) fn carried(
    context: &Context,
    trunk: &Trunk,
    message: &Message<'_>,
    dialled: &str,
) -> Option<Outside> {
    if context.config.policy().transit.is_empty() {
        return None;
    }
    if trunk.id == TrunkId::INSIDE {
        if !serves(context, sender(message)?) {
            return None;
        }
        let help = || context.numbering.emergency(dialled);
        let number = || Some(context.numbering.outside(context.numbering.read(dialled)?));
        return help().or_else(number);
    }
    let number = context.numbering.heard(dialled, &trunk.draft)?;
    let owner = context.directory.number_owner(number.value())?;
    (owner != context.config.id() && serves(context, owner)).then(|| context.numbering.outside(number))
}

fn serves(context: &Context, tenant: TenantId) -> bool {
    let mut served = context.config.policy().transit.iter();
    served.any(|domain| context.directory.domain_owner(domain) == Some(tenant))
}

/// The tenant that has sent a call on the inner way, as its Contact names it.
fn sender(message: &Message<'_>) -> Option<TenantId> {
    let contact = NameAddr::parse(Name::Contact, message.header(Name::Contact)?).ok()?;
    let user = contact.uri().ok()?.user_decoded().into_owned();
    let (tenant, _) = user.split_once('.')?;
    u64::from_str_radix(tenant, 16).ok().map(TenantId)
}
