//! What tenants want the operator to know.

use model::{
    Cdr, EmergencyCall, MediaReport, StirNews, TenantId, TollAlert, TollLevel, TrunkHealth, TrunkNews,
    TrunkRegistration,
};

/// Tells the log why a browser of a call gets no audio. Comes once at most for what one description has led to.
pub(super) fn trouble(report: &MediaReport) {
    if let MediaReport::Unsecured { session, leg, why } = report {
        let (tenant, call) = (session.tenant(), session.call().0);
        tracing::warn!(%tenant, call, ?leg, "a browser gets no audio: {}", why.as_str());
    }
}

/// There were too many wrong PINs of a conference.
pub(super) fn barred(tenant: TenantId, room: u32, of_all: bool, for_s: u64) {
    let whose = if of_all { "anybody's" } else { "one caller's" };
    tracing::warn!(
        %tenant,
        "conference {room} takes no PIN of {whose} for {for_s} s: too many were wrong"
    );
}

/// A call has left its record.
pub(super) fn ended(cdr: &Cdr) {
    tracing::debug!(
        tenant = %cdr.tenant,
        record = %cdr.id,
        call_id = %cdr.caller.sip_call_id,
        cause = ?cdr.cause,
        ended_by = ?cdr.ended_by,
        verstat = cdr.stir.as_ref().map(|check| check.parameter()),
        "a call has ended"
    );
}

/// A trunk is otherwise than before.
pub(super) fn news(tenant: TenantId, news: &TrunkNews) {
    let (name, why) = (&news.name, &news.why);
    if let Some(seconds) = news.left_alone_s {
        tracing::error!(%tenant, "trunk {name} is left alone for {seconds} s: calls in a row came to nothing by its carrier");
        return;
    }
    match (news.health, news.registration) {
        (TrunkHealth::Down, _) => tracing::error!(%tenant, "trunk {name} is down: {why}"),
        (_, TrunkRegistration::Refused) => {
            tracing::error!(%tenant, "trunk {name} is refused by its carrier: {why}");
        }
        (_, TrunkRegistration::Failed) => tracing::error!(%tenant, "trunk {name} is not registered: {why}"),
        (_, TrunkRegistration::Registered) => tracing::info!(%tenant, "trunk {name} is registered"),
        (TrunkHealth::Up, _) => tracing::info!(%tenant, "trunk {name} is up"),
        _ => tracing::info!(%tenant, "trunk {name} is being tried"),
    }
}

/// Nobody who vouches for callers could be verified for a while, or somebody could again.
pub(super) fn stir(tenant: TenantId, news: &StirNews) {
    match &news.why {
        Some(why) => tracing::error!(
            %tenant,
            "callers can't be verified: several in a row, signed by others each time, have failed; look at {why}"
        ),
        None => tracing::info!(%tenant, "callers are verified again"),
    }
}

/// Somebody calls for help.
pub(super) fn emergency(call: &EmergencyCall) {
    let (tenant, id) = (call.tenant, call.call);
    let place = call
        .location
        .as_ref()
        .map_or("at no known location", |(_, text)| text);
    tracing::error!(
        %tenant,
        call = %id,
        "emergency call to {} from {} {} at {}, {}",
        call.number,
        call.from,
        call.display,
        call.address,
        place
    );
}

/// A limit on calls to the outside is near, reached or lifted.
pub(super) fn toll(tenant: TenantId, alert: &TollAlert) {
    match alert.level {
        TollLevel::Warning => tracing::warn!(%tenant, "calls to the outside: {alert}"),
        _ => tracing::error!(%tenant, "calls to the outside: {alert}"),
    }
}
