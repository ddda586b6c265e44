//! What must hold for subscriptions.

use crate::phone::{Phone, Watching};
use crate::world::World;
use model::{CallState, EventKey, EventRecord};

/// What phones heard was in order: CSeq and version rise, nothing follows the last NOTIFY.
pub(crate) fn in_order(phone: &Phone) -> Result<(), String> {
    match phone.watches().iter().flat_map(|w| &w.faults).next() {
        Some(fault) => Err(format!("{}: {fault}", phone.identity.name)),
        None => Ok(()),
    }
}

/// The lamps that a phone watches show what the server's calls are: for use when all is calm.
pub(crate) fn lamps_are_right(world: &World, phone: &Phone) -> Result<(), String> {
    for watch in phone.watches() {
        let address = watch.uri.trim_start_matches("sip:");
        let Some((user, domain)) = address.split_once('@') else {
            continue;
        };
        if watch.event != "dialog" || watch.state != Watching::Active || domain != phone.identity.domain {
            continue;
        }
        let tenant = world
            .server
            .tenants()
            .map(|(_, tenant)| tenant)
            .find(|tenant| tenant.config().realm() == domain);
        let Some(tenant) = tenant.filter(|tenant| tenant.config().extension(user).is_some()) else {
            continue;
        };
        let talks = tenant
            .calls()
            .iter()
            .any(|call| call.state == CallState::Answered && (call.from == user || call.to == user));
        if watch.body.contains("<state>confirmed</state>") != talks {
            return Err(format!(
                "{} sees of {user}, who talks: {talks}:\n{}",
                phone.identity.name, watch.body
            ));
        }
    }
    Ok(())
}

/// The keys of a phone show its user's settings: for use when all is calm.
pub(crate) fn keys_are_right(world: &World, phone: &Phone) -> Result<(), String> {
    let active = |watch: &&crate::phone::Watch| {
        watch.event == "as-feature-event" && watch.state == Watching::Active && watch.heard > 0
    };
    for watch in phone.watches().iter().filter(active) {
        let tenants = world.server.tenants().map(|(_, tenant)| tenant);
        let owner = tenants
            .filter(|tenant| tenant.config().realm() == phone.identity.domain)
            .find_map(|tenant| Some((tenant, tenant.config().extension(&phone.identity.user)?.id)));
        let Some((tenant, user)) = owner else { continue };
        let settings = tenant.settings(user);
        let number = |to: &Option<Box<str>>| to.as_deref().unwrap_or("").to_owned();
        let shown = [
            ("dnd", if settings.dnd { "true" } else { "" }.to_owned()),
            ("forwardImmediate", number(&settings.forward_always)),
            ("forwardBusy", number(&settings.forward_busy)),
            ("forwardNoAns", number(&settings.forward_no_answer)),
        ];
        for (key, value) in shown {
            if watch.keys.get(key) != Some(&value) {
                let (name, keys) = (&phone.identity.name, &watch.keys);
                return Err(format!("{name} shows {keys:?}, {key} is {value:?}"));
            }
        }
    }
    Ok(())
}

/// The journal keeps the subscriptions that there are.
pub(crate) fn kept_as_held(world: &World) -> Result<(), String> {
    let kept = world.server.kept_events();
    for (id, tenant) in world.server.tenants() {
        let is_one =
            |record: &&EventRecord| record.tenant == *id && matches!(record.key, EventKey::Subscription(_));
        let kept = kept.iter().filter(is_one).count();
        let held = tenant.held().subscriptions;
        if kept != held {
            return Err(format!(
                "tenant {id} has {held} subscriptions, its journal {kept}"
            ));
        }
    }
    Ok(())
}

/// Every subscription has ended. A calendar that was set back before a restart makes them longer.
pub(crate) fn none_left(world: &World) -> Result<(), String> {
    for (id, tenant) in world.server.tenants() {
        let left = tenant.held().subscriptions;
        if left > 0 {
            return Err(format!("tenant {id} still has {left} subscriptions"));
        }
    }
    Ok(())
}
