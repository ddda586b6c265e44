//! What must hold in every world.

pub(crate) mod events;
mod outer;
mod outside;
mod watch;

pub use outer::OuterCounts;
pub use watch::Watch;

use crate::phone::State;
use crate::world::World;
use std::collections::BTreeSet;

/// Checks what must hold after every step.
///
/// # Errors
/// The first rule that is broken, in words.
pub fn always(world: &World) -> Result<(), String> {
    one_record_per_call(world)?;
    nothing_crosses_tenants(world)?;
    nobody_rings_twice(world)?;
    nothing_astray(world)
}

/// Forwards end, and never lead back.
pub(crate) fn nobody_rings_twice(world: &World) -> Result<(), String> {
    for cdr in &world.server.cdrs {
        let mut met = BTreeSet::new();
        let mut forwards = 0;
        for step in &cdr.path {
            let forward = step.starts_with("forward ");
            forwards += u32::from(forward);
            if step == "back to the transferrer" {
                met.clear();
            }
            if (forward || step.starts_with("ring ")) && !met.insert(step) {
                return Err(format!("record {}: {:?} goes in a circle", cdr.id, cdr.path));
            }
        }
        // The one that is one too many is refused.
        if forwards > 6 {
            return Err(format!("record {}: {:?} has no end", cdr.id, cdr.path));
        }
    }
    Ok(())
}

/// No phone without a call hears anything. Holds where no BYE is lost.
fn nothing_astray(world: &World) -> Result<(), String> {
    let astray: u64 = world.phones.iter().map(|p| p.packets_astray).sum();
    if astray > 0 {
        return Err(format!("{astray} RTP packets reached a phone that has no call"));
    }
    Ok(())
}

/// Every accepted call is alive or has one record.
pub(crate) fn one_record_per_call(world: &World) -> Result<(), String> {
    let mut ids = BTreeSet::new();
    for cdr in &world.server.cdrs {
        if !ids.insert(cdr.id) {
            return Err(format!("record {} was written twice", cdr.id));
        }
        if cdr.end < cdr.start
            || cdr
                .answer
                .is_some_and(|answer| answer < cdr.start || answer > cdr.end)
        {
            return Err(format!("record {} has its times in disorder", cdr.id));
        }
    }
    let calls: u64 = world
        .server
        .tenants()
        .map(|(_, tenant)| tenant.counts().calls + tenant.counts().calls_restored)
        .sum();
    let live: u64 = world
        .server
        .tenants()
        .map(|(_, tenant)| tenant.calls().len() as u64)
        .sum();
    let records = world.server.cdrs.len() as u64 - world.server.cdrs_before_restart;
    if records + live != calls {
        return Err(format!(
            "{calls} calls were accepted, {live} live, but there are {records} records"
        ));
    }
    Ok(())
}

/// Records name the people of their own tenant only.
pub(crate) fn nothing_crosses_tenants(world: &World) -> Result<(), String> {
    for cdr in &world.server.cdrs {
        let Some(tenant) = world.server.tenant(cdr.tenant) else {
            continue;
        };
        for party in [&cdr.caller, &cdr.callee] {
            if party
                .user
                .is_some_and(|user| tenant.config().user(user).is_none())
            {
                return Err(format!("record {} names a stranger", cdr.id));
            }
        }
        // A code, and the number of a flow, is answered by the server.
        if cdr.answer.is_some()
            && cdr.callee.trunk.is_none()
            && !cdr.callee.number.starts_with('*')
            && !tenant.config().policy().flows.contains_key(&cdr.callee.number)
            && !tenant
                .config()
                .users()
                .iter()
                .any(|u| *u.extension == *cdr.callee.number)
        {
            return Err(format!(
                "record {}: {} was answered outside its tenant",
                cdr.id, cdr.callee.number
            ));
        }
    }
    Ok(())
}

/// Checks what must hold when everybody has hung up and all timers have run out.
///
/// # Errors
/// The first thing that did not return, in words.
pub fn at_rest(world: &World) -> Result<(), String> {
    always(world)?;
    nothing_held(world)
}

/// Every call, leg, transaction, timer, session and port has returned.
pub(crate) fn nothing_held(world: &World) -> Result<(), String> {
    for (id, tenant) in world.server.tenants() {
        let held = tenant.held();
        let owed = held.legs + held.transactions + held.timers + held.followed + held.lamps + held.rooms;
        if held.calls + owed != 0 {
            let calls = tenant.calls();
            return Err(format!("tenant {id} still holds {held:?} {calls:?}"));
        }
    }
    let counts = world.server.relay.counts();
    if counts.sessions + counts.pairs_used + counts.ticking + counts.rooms + counts.seated != 0 {
        return Err(format!("the relay still holds {counts:?}"));
    }
    let wire = world.server.wire.as_ref().map_or(0, |wire| wire.held());
    if wire != 0 {
        return Err(format!("the link still holds {wire} sessions or open files"));
    }
    for phone in &world.phones {
        if phone.calls().iter().any(|(_, state)| *state == State::Up) {
            return Err(format!("{} is still in a call", phone.identity.name));
        }
    }
    Ok(())
}
