//! Who is in which call, and whose changes somebody wants to hear of.
//!
//! Owns: the two indices that calls and the registrar write, so that a change nobody watches costs one look-up, and a
//! watcher's first document needs no search through all calls.

use model::{CallId, Package, Resource, UserId};
use std::collections::{BTreeMap, BTreeSet};

/// Written by calls and the registrar, read by the event core.
#[derive(Debug, Default)]
pub(crate) struct Lamps {
    /// Every user that a call concerns, until the call is forgotten.
    calls: BTreeSet<(UserId, CallId)>,
    /// Subscriptions by what they watch.
    watched: BTreeMap<(Package, Resource), u32>,
    /// Changed since the event core looked.
    changed: BTreeSet<(Package, UserId)>,
}

impl Lamps {
    /// A user has to do with a call from now on.
    pub(crate) fn enter(&mut self, user: UserId, call: CallId) {
        self.calls.insert((user, call));
    }

    /// The call is forgotten.
    pub(crate) fn leave(&mut self, user: UserId, call: CallId) {
        self.calls.remove(&(user, call));
    }

    /// The calls that a user has to do with.
    pub(crate) fn calls_of(&self, user: UserId) -> impl Iterator<Item = CallId> {
        let range = (user, CallId(0))..=(user, CallId(u64::MAX));
        self.calls.range(range).map(|(_, call)| *call)
    }

    /// A call of the user changed.
    pub(crate) fn call_changed(&mut self, user: UserId) {
        self.changed(Package::Dialog, user);
        self.changed(Package::Presence, user);
    }

    /// A binding of the user came or went.
    pub(crate) fn binding_changed(&mut self, user: UserId) {
        self.changed(Package::Reg, user);
        self.changed(Package::Presence, user);
    }

    /// The user's settings changed.
    pub(crate) fn settings_changed(&mut self, user: UserId) {
        self.changed(Package::Features, user);
        self.changed(Package::Presence, user);
    }

    /// Something of the user changed; without a watcher that is no news.
    pub(crate) fn changed(&mut self, package: Package, user: UserId) {
        if self.watched.is_empty() {
            return;
        }
        if self.watched.contains_key(&(package, Resource::User(user)))
            || self.watched.contains_key(&(package, Resource::All))
            || self.watches_lists(package)
        {
            self.changed.insert((package, user));
        }
    }

    /// True when somebody watches a list of the tenant.
    pub(crate) fn watches_lists(&self, package: Package) -> bool {
        // Lists are the last kind of resource.
        let first = (package, Resource::List(Box::default()));
        let next = self.watched.range(first..).next();
        next.is_some_and(|((known, _), _)| *known == package)
    }

    pub(crate) fn watch(&mut self, package: Package, resource: &Resource) {
        *self.watched.entry((package, resource.clone())).or_default() += 1;
    }

    pub(crate) fn unwatch(&mut self, package: Package, resource: &Resource) {
        let key = (package, resource.clone());
        if let Some(watchers) = self.watched.get_mut(&key) {
            *watchers = watchers.saturating_sub(1);
            if *watchers == 0 {
                self.watched.remove(&key);
            }
        }
    }

    /// What has changed since the last call.
    pub(crate) fn take_changed(&mut self) -> BTreeSet<(Package, UserId)> {
        std::mem::take(&mut self.changed)
    }

    /// Users that calls are indexed for, for leak checks.
    pub(crate) fn held(&self) -> usize {
        self.calls.len()
    }
}
