//! Calls that a tenant carries for others of the server: an operator's trunks for companies without a carrier of their own.
//!
//! Owns: whether a call is one. Does not own: the way from tenant to tenant (`FlowToken::inside`), or which trunk it takes (`choice`).
//!
//! There are two calls, one of each tenant, with a record each. Who carries says so (`Policy::transit`); from whom a call comes is
//! read from what that tenant itself wrote, for nobody else can write on that way.

use crate::context::Context;
use flow::Outside;
use model::{DestinationClass, TenantId, Trunk, TrunkId};
use sip::header::NameAddr;
use sip::{Message, Name};

/// Tenants that a call may pass; a circle of tenants that carry for each other ends there.
pub(super) const MOST_HOPS: u8 = 10;

/// For whom a call is carried.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Transit {
    pub(super) tenant: TenantId,
    /// It goes to that tenant, and does not come from it.
    pub(super) inward: bool,
    /// It says that it is a call back to somebody who has called for help (RFC 7090).
    pub(super) is_back: bool,
}

/// The number that a call leads to which is for none of the tenant's own: where the tenant carries the calls of who calls, or of whose
/// number it is.
pub(crate) fn carried(
    context: &Context,
    trunk: &Trunk,
    message: &Message<'_>,
    dialled: &str,
) -> Option<(Transit, Outside)> {
    if context.config.policy().transit.is_empty() {
        return None;
    }
    if trunk.id == TrunkId::INSIDE {
        let tenant = sender(message).filter(|tenant| serves(context, *tenant))?;
        let outward = Transit {
            tenant,
            inward: false,
            is_back: false,
        };
        let number = || Some(context.numbering.outside(context.numbering.read(dialled)?));
        // Who calls for help knows the numbers of another country than this one. What has a plus is no such number.
        let is_short = !dialled.starts_with('+');
        let anywhere = || is_short.then(|| help_anywhere(dialled)).flatten();
        let help = context.numbering.emergency(dialled).or_else(anywhere);
        return Some((outward, help.or_else(number)?));
    }
    let number = context.numbering.heard(dialled, &trunk.draft)?;
    let tenant = context.directory.number_owner(number.value())?;
    let inward = Transit {
        tenant,
        inward: true,
        is_back: is_marked(message),
    };
    let is_carried = tenant != context.config.id() && serves(context, tenant);
    is_carried.then(|| (inward, context.numbering.outside(number)))
}

/// True where a call says that it is one back to somebody who has called for help (RFC 7090).
pub(super) fn is_marked(message: &Message<'_>) -> bool {
    let priority = message.header(Name::Priority).unwrap_or("");
    priority.trim().eq_ignore_ascii_case("psap-callback")
}

/// A short number that stands for help in some country, and for nothing else that could be called from here.
fn help_anywhere(dialled: &str) -> Option<Outside> {
    let found = number::emergency(dialled, &number::Country::all(), None)?;
    Some(Outside {
        number: found.number.into(),
        class: DestinationClass::Emergency,
    })
}

fn serves(context: &Context, tenant: TenantId) -> bool {
    let mut served = context.config.policy().transit.iter();
    served.any(|domain| context.directory.domain_owner(domain) == Some(tenant))
}

/// True unless the call comes on the inner way from a tenant that carries nothing for this one.
pub(super) fn is_of_carrier(context: &Context, trunk: TrunkId, message: &Message<'_>) -> bool {
    let carries = |tenant: TenantId| {
        let mut trunks = context.config.trunks().iter().filter(|trunk| trunk.draft.enabled);
        trunks.any(|trunk| context.tenant_of(trunk) == Some(tenant))
    };
    trunk != TrunkId::INSIDE || sender(message).is_some_and(carries)
}

/// The tenant that has sent a call on the inner way, as its Contact names it.
fn sender(message: &Message<'_>) -> Option<TenantId> {
    let contact = NameAddr::parse(Name::Contact, message.header(Name::Contact)?).ok()?;
    let user = contact.uri().ok()?.user_decoded().into_owned();
    let (tenant, _) = user.split_once('.')?;
    u64::from_str_radix(tenant, 16).ok().map(TenantId)
}
