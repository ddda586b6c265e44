//! REGISTER (RFC 3261 §10.3): what it asks for, checked as a whole, then done as a whole.
//!
//! Owns: reading the Contacts, expiry bounds, ordering by Call-ID and CSeq, the Contacts of the 200.
//! Does not own: authentication, which comes before, and the table, which is `location`.

use crate::context::clean;
use crate::location::{Binding, Location};
use crate::push;
use model::{
    BindingChange, BindingExtra, BindingKey, BindingRecord, Device, FlowToken, Now, PushTarget,
    RegistrationView, TenantConfig, UserId,
};
use sip::{Contact, Contacts, Message, Name, Uri};
use std::time::Duration;

/// Octets of a Contact URI or instance that a binding keeps; phones write less than 200.
const LONGEST_CONTACT: usize = 512;
/// Octets of a Call-ID that a binding keeps; phones write less than 100.
const LONGEST_CALL_ID: usize = 256;

/// Why a REGISTER is refused as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// Something can't be read.
    Bad,
    /// The address-of-record belongs to somebody else.
    Foreign,
    /// A wish below the shortest time, in seconds.
    TooBrief(u32),
    /// Older than what is stored (§10.3 step 7).
    OutOfOrder,
    /// The proxy next to the phone keeps no flows (RFC 5626 §6).
    FirstHop,
    /// Needs an extension that one side has not.
    Unsupported(&'static str),
}

impl Refused {
    pub(crate) fn code(self) -> u16 {
        match self {
            Refused::Bad => 400,
            Refused::Foreign => 403,
            Refused::TooBrief(_) => 423,
            Refused::OutOfOrder => 500,
            Refused::FirstHop => 439,
            Refused::Unsupported(_) => 420,
        }
    }
}

/// One Contact of the request, understood.
struct Wish {
    key: BindingKey,
    contact: Box<str>,
    instance: Option<Box<str>>,
    push: Option<PushTarget>,
    q_milli: u16,
    expires_s: u32,
}

/// Carries a REGISTER out. On `Err` nothing has changed.
pub(crate) fn register(
    location: &mut Location,
    config: &TenantConfig,
    device: &Device,
    message: &Message<'_>,
    path: &[Box<str>],
    flow: FlowToken,
    now: Now,
) -> Result<Vec<BindingChange>, Refused> {
    let user = device.user;
    if !message.to_uri().is_some_and(|to| owns_aor(config, device, &to)) {
        return Err(Refused::Foreign);
    }
    let call_id = message.call_id().map_err(|_| Refused::Bad)?;
    let cseq = message.cseq().map_err(|_| Refused::Bad)?.seq;
    if call_id.len() > LONGEST_CALL_ID {
        return Err(Refused::Bad);
    }
    let fresh = |b: &Binding| &*b.record.call_id != call_id || b.record.cseq < cseq;
    let wishes = match message.contacts() {
        Contacts::Star if message.expires() == Some(0) => {
            if !location.of(user).iter().all(fresh) {
                return Err(Refused::OutOfOrder);
            }
            location.remove(user, |_| true);
            return Ok(location.take_removed());
        }
        Contacts::Star => return Err(Refused::Bad),
        Contacts::List(contacts) => wishes(contacts, config, location.of(user), message.expires())?,
    };
    for wish in &wishes {
        if location.find(user, &wish.key).is_some_and(|old| !fresh(old)) {
            return Err(Refused::OutOfOrder);
        }
    }
    let user_agent: Box<str> = clean(message.header(Name::UserAgent).unwrap_or(""), 128).into();
    let mut changes = Vec::with_capacity(wishes.len());
    for wish in wishes {
        if wish.expires_s == 0 {
            location.remove(user, |b| b.record.key == wish.key);
            changes.append(&mut location.take_removed());
            continue;
        }
        displace(location, config, user, &wish, flow, &mut changes);
        let ttl = Duration::from_secs(u64::from(wish.expires_s));
        let since = location
            .find(user, &wish.key)
            .map_or(now.wall, |old| old.record.since);
        let record = Box::new(BindingRecord {
            tenant: config.id(),
            user,
            device: device.id,
            key: wish.key,
            contact: wish.contact,
            instance: wish.instance,
            q_milli: wish.q_milli,
            expires: now.wall.after(ttl),
            since,
            flow,
            call_id: call_id.into(),
            cseq,
            user_agent: user_agent.clone(),
            extra: extra(path, wish.push),
        });
        changes.push(BindingChange::Put(record.clone()));
        location.put(record, ttl, true, now);
    }
    Ok(changes)
}

/// The URI must be the extension of the device's user, or the device's own username.
pub(crate) fn owns_aor(config: &TenantConfig, device: &Device, uri: &Uri<'_>) -> bool {
    let name = uri.user_decoded();
    let extension = config.user(device.user).map_or("", |user| &user.extension);
    config.owns_domain(uri.host) && (*name == *extension || *name == *device.username)
}

fn wishes<'a>(
    contacts: impl IntoIterator<Item = Result<Contact<'a>, sip::HeaderError>>,
    config: &TenantConfig,
    known: &[Binding],
    header_expires: Option<u32>,
) -> Result<Vec<Wish>, Refused> {
    let policy = config.policy();
    let mut wishes = Vec::new();
    for contact in contacts {
        let contact = contact.map_err(|_| Refused::Bad)?;
        let uri = contact.name_addr.uri().map_err(|_| Refused::Bad)?;
        let asked = contact
            .expires
            .or(header_expires)
            .unwrap_or(policy.default_expires_s);
        if asked != 0 && asked < policy.min_expires_s {
            return Err(Refused::TooBrief(policy.min_expires_s));
        }
        let longest = contact
            .name_addr
            .uri
            .len()
            .max(contact.instance.map_or(0, str::len));
        if longest > LONGEST_CONTACT {
            return Err(Refused::Bad);
        }
        let instance = contact.instance.map(Box::from);
        wishes.push(Wish {
            key: key(known, &contact, &uri),
            contact: contact.name_addr.uri.into(),
            instance,
            push: push::target(&uri),
            q_milli: contact.q_milli.unwrap_or(1000),
            expires_s: asked.min(policy.max_expires_s),
        });
        if wishes.len() > usize::from(policy.max_bindings) {
            return Err(Refused::Bad);
        }
    }
    // One REGISTER sets up one flow (RFC 5626 §6).
    let live = wishes.iter().filter(|wish| wish.expires_s != 0);
    let flows = wishes
        .iter()
        .any(|w| w.expires_s != 0 && matches!(w.key, BindingKey::Instance { .. }));
    if flows && live.count() > 1 {
        return Err(Refused::Bad);
    }
    Ok(wishes)
}

/// What only some bindings have.
fn extra(path: &[Box<str>], push: Option<PushTarget>) -> Option<Box<BindingExtra>> {
    let none = path.is_empty() && push.is_none();
    (!none).then(|| {
        Box::new(BindingExtra {
            path: path.to_vec(),
            push,
        })
    })
}

/// The identity of a binding. Contacts are the same when their URIs are equivalent (§19.1.4), which no text in
/// canonical form can tell: a parameter counts only where both URIs have it. So a known equivalent lends its key.
fn key(known: &[Binding], contact: &Contact<'_>, uri: &Uri<'_>) -> BindingKey {
    if let (Some(urn), Some(reg_id)) = (contact.instance, contact.reg_id) {
        let urn = urn.into();
        return BindingKey::Instance { urn, reg_id };
    }
    let same = |binding: &&Binding| match &binding.record.key {
        BindingKey::Contact(text) => {
            **text == *contact.name_addr.uri || Uri::parse(text).is_ok_and(|old| old.equivalent(uri))
        }
        BindingKey::Instance { .. } => false,
    };
    match known.iter().find(same) {
        Some(binding) => binding.record.key.clone(),
        None => BindingKey::Contact(contact.name_addr.uri.into()),
    }
}

/// Makes room. A phone that moved to a new address without `reg-id` replaces the binding that it left
/// behind, so that calls do not ring a dead address; beyond the limit the binding that was refreshed longest ago goes.
fn displace(
    location: &mut Location,
    config: &TenantConfig,
    user: UserId,
    wish: &Wish,
    flow: FlowToken,
    changes: &mut Vec<BindingChange>,
) {
    if let (Some(instance), BindingKey::Contact(_)) = (&wish.instance, &wish.key) {
        location.remove(user, |b| {
            b.record.instance.as_ref() == Some(instance)
                && b.record.flow.transport == flow.transport
                && b.record.key != wish.key
        });
    }
    let bindings = location.of(user);
    let is_new = location.find(user, &wish.key).is_none();
    if is_new && bindings.len() >= usize::from(config.policy().max_bindings) {
        let oldest = bindings
            .iter()
            .min_by_key(|b| b.ends)
            .map(|b| b.record.key.clone());
        location.remove(user, |b| Some(&b.record.key) == oldest.as_ref());
    }
    changes.append(&mut location.take_removed());
}

/// The user whose binding this very REGISTER made: same Call-ID and CSeq, from where it came first. The answer goes
/// back there, to the phone that has had it (or lost it) already.
pub(crate) fn repeated(
    location: &Location,
    config: &TenantConfig,
    message: &Message<'_>,
    flow: &FlowToken,
) -> Option<UserId> {
    // What made a binding had credentials: the first try of every registration is not looked up.
    message.header(Name::Authorization)?;
    let uri = message.to_uri()?;
    let name = uri.user_decoded();
    let user = config
        .extension(&name)
        .map(|user| user.id)
        .or_else(|| config.device(&name).map(|d| d.user))?;
    let binding = location.on_flow(user, flow)?;
    let same = binding.record.cseq == message.cseq().ok()?.seq
        && *binding.record.call_id == *message.call_id().ok()?;
    same.then_some(user)
}

/// The Contacts of the 200: every current binding with the seconds that it has left (§10.3 step 8).
pub(crate) fn contacts(location: &Location, user: UserId, now: Now) -> Vec<String> {
    location
        .of(user)
        .iter()
        .map(|binding| contact(binding, now))
        .collect()
}

fn contact(binding: &Binding, now: Now) -> String {
    let record = &binding.record;
    let left = binding.ends.saturating_sub(now.mono).as_secs();
    let mut value = format!("<{}>;expires={left}", record.contact);
    if record.q_milli != 1000 {
        value.push_str(&format!(";q=0.{:03}", record.q_milli));
    }
    if let Some(urn) = &record.instance {
        value.push_str(&format!(";+sip.instance=\"<{urn}>\""));
    }
    if let BindingKey::Instance { reg_id, .. } = &record.key {
        value.push_str(&format!(";reg-id={reg_id}"));
    }
    value
}

/// A binding as commands and the API show it.
pub(crate) fn view(config: &TenantConfig, binding: &Binding, now: Now) -> RegistrationView {
    let record = &binding.record;
    let extension = config.user(record.user).map_or("", |user| &user.extension);
    RegistrationView {
        tenant: record.tenant,
        user: record.user,
        aor: format!("sip:{extension}@{}", config.realm()),
        device: record.device,
        contact: record.contact.to_string(),
        flow: record.flow,
        q_milli: record.q_milli,
        expires_in_s: binding.ends.saturating_sub(now.mono).as_secs(),
        since: record.since,
        user_agent: record.user_agent.to_string(),
        instance: record.instance.as_deref().map(str::to_owned),
        reg_id: record.reg_id(),
        path: record.path().iter().map(|hop| hop.to_string()).collect(),
        push: record.push().map(|push| push.provider.to_string()),
        reachable: binding.reachable,
    }
}
