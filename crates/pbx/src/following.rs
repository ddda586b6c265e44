//! Which phone a dialog is with, and which calls a phone that comes back finds again (RFC 5626 §4.3, §6).
//!
//! A dialog belongs to address-of-record, instance and `reg-id`, never to a connection. Owns: the names of phones, and
//! the index from users to what waits for them. Does not own: calls, bindings, transactions.

use model::{BindingKey, BindingRecord, CallId, Transport, UserId};
use sip::transaction::ClientId;
use std::collections::{BTreeMap, BTreeSet};

/// Names a phone among those of its user, whatever connection it uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct PhoneKey {
    key: BindingKey,
    /// The instance of a binding whose key is its Contact.
    instance: Option<Box<str>>,
}

impl From<&BindingRecord> for PhoneKey {
    fn from(record: &BindingRecord) -> PhoneKey {
        let instance = match record.key {
            BindingKey::Instance { .. } => None,
            BindingKey::Contact(_) => record.instance.clone(),
        };
        let key = record.key.clone();
        PhoneKey { key, instance }
    }
}

impl PhoneKey {
    /// As it was kept.
    pub(crate) fn restored(key: BindingKey, instance: Option<Box<str>>) -> PhoneKey {
        PhoneKey { key, instance }
    }

    /// The instance of a binding whose key is its Contact.
    pub(crate) fn instance(&self) -> Option<&str> {
        self.instance.as_deref()
    }

    /// The instance, however it registered.
    pub(crate) fn urn(&self) -> Option<&str> {
        match &self.key {
            BindingKey::Instance { urn, .. } => Some(urn),
            BindingKey::Contact(_) => self.instance.as_deref(),
        }
    }

    /// True when what was agreed with one goes on with the other: the same binding, or an instance without `reg-id`
    /// that has another Contact now.
    pub(crate) fn is(&self, other: &PhoneKey) -> bool {
        let moved = matches!(
            (&self.key, &other.key),
            (BindingKey::Contact(_), BindingKey::Contact(_))
        ) && self.instance.is_some()
            && self.instance == other.instance;
        moved || self.key == other.key
    }

    /// True for a flow of the same instance: with several `reg-id`s these are ways to one phone.
    pub(crate) fn is_same_phone(&self, record: &BindingRecord) -> bool {
        self.key == record.key
            || self
                .urn()
                .is_some_and(|urn| record.instance.as_deref() == Some(urn))
    }

    /// The binding that this phone is known by.
    pub(crate) fn key(&self) -> &BindingKey {
        &self.key
    }
}

/// A BYE under way, to which phone, and by which transport: its Via names that, so on another it can't be said again.
pub(crate) type Parting = (ClientId, PhoneKey, Transport);

/// What waits for phones, by user.
#[derive(Default)]
pub(crate) struct Following {
    calls: BTreeSet<(UserId, CallId)>,
    waking: BTreeSet<(UserId, CallId)>,
    partings: BTreeMap<UserId, Vec<Parting>>,
}

impl Following {
    /// A phone of this user takes part in the call. Carriers are never waited for.
    pub(crate) fn joins(&mut self, user: impl Into<Option<UserId>>, call: CallId) {
        self.calls.extend(user.into().map(|user| (user, call)));
    }

    /// The call is over for this user.
    pub(crate) fn leaves(&mut self, user: impl Into<Option<UserId>>, call: CallId) {
        if let Some(user) = user.into() {
            self.calls.remove(&(user, call));
            self.waking.remove(&(user, call));
        }
    }

    /// The calls that phones of this user take part in.
    pub(crate) fn calls(&self, user: UserId) -> Vec<CallId> {
        let range = (user, CallId(0))..=(user, CallId(u64::MAX));
        self.calls.range(range).map(|(_, call)| *call).collect()
    }

    /// The call rings whatever phone of this user registers.
    pub(crate) fn wakes(&mut self, user: UserId, call: CallId) {
        self.waking.insert((user, call));
    }

    /// The call has waited for long enough.
    pub(crate) fn stops_waking(&mut self, user: UserId, call: CallId) {
        self.waking.remove(&(user, call));
    }

    /// The calls that wait for phones of this user to wake up.
    pub(crate) fn waking(&self, user: UserId) -> Vec<CallId> {
        if self.waking.is_empty() {
            return Vec::new();
        }
        let range = (user, CallId(0))..=(user, CallId(u64::MAX));
        self.waking.range(range).map(|(_, call)| *call).collect()
    }

    /// A BYE to this phone is on its way and outlives its call.
    pub(crate) fn parts(&mut self, user: UserId, parting: Parting) {
        self.partings.entry(user).or_default().push(parting);
    }

    /// That BYE has its answer, or never will.
    pub(crate) fn parted(&mut self, user: UserId, client: ClientId) {
        if let Some(of_user) = self.partings.get_mut(&user) {
            of_user.retain(|(known, _, _)| *known != client);
            if of_user.is_empty() {
                self.partings.remove(&user);
            }
        }
    }

    /// The BYEs that wait for this phone on this transport.
    pub(crate) fn partings(&self, user: UserId, phone: &PhoneKey, transport: Transport) -> Vec<ClientId> {
        let of_user = self.partings.get(&user).into_iter().flatten();
        of_user
            .filter(|(_, known, by)| known.is(phone) && *by == transport)
            .map(|(client, _, _)| *client)
            .collect()
    }

    /// Entries, for leak checks.
    pub(crate) fn len(&self) -> usize {
        self.calls.len() + self.waking.len() + self.partings.values().map(Vec::len).sum::<usize>()
    }
}
