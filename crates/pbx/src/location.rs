//! The bindings of a tenant's addresses-of-record (RFC 3261 §10.3 step 7, RFC 5626 §6).
//!
//! Owns: the table and its expiry. Does not own: REGISTER (see `registrar`) or the journal on disk; each
//! change is also an effect, and the shell's journal of those rebuilds the table after a restart.

use model::{BindingChange, BindingKey, BindingRecord, DeviceId, FlowToken, Now, TenantId, UserId};
use sip::timer::{TimerId, Wheel};
use std::collections::BTreeMap;
use std::time::Duration;

/// A binding in memory.
pub(crate) struct Binding {
    pub(crate) record: Box<BindingRecord>,
    /// When it ends, by the monotonic clock: a jump of the calendar ends nothing.
    pub(crate) ends: Duration,
    /// False once its connection is gone.
    pub(crate) reachable: bool,
    timer: TimerId,
}

/// What a call needs of a binding to ring it.
pub(crate) struct BindingFacts {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) key: BindingKey,
    pub(crate) flow: FlowToken,
    pub(crate) contact: Box<str>,
}

impl From<&Binding> for BindingFacts {
    fn from(binding: &Binding) -> BindingFacts {
        let record = &binding.record;
        BindingFacts {
            user: record.user,
            device: record.device,
            key: record.key.clone(),
            flow: record.flow,
            contact: record.contact.clone(),
        }
    }
}

/// All bindings of one tenant.
pub(crate) struct Location {
    tenant: TenantId,
    users: BTreeMap<UserId, Vec<Binding>>,
    expiry: Wheel<UserId>,
    removed: Vec<BindingChange>,
}

impl Location {
    pub(crate) fn new(tenant: TenantId) -> Location {
        Location {
            tenant,
            users: BTreeMap::new(),
            expiry: Wheel::new(),
            removed: Vec::new(),
        }
    }

    /// The bindings of a user, oldest first.
    pub(crate) fn of(&self, user: UserId) -> &[Binding] {
        self.users.get(&user).map_or(&[], Vec::as_slice)
    }

    /// Every binding, by user.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Binding> {
        self.users.values().flatten()
    }

    /// The binding that a request on this flow belongs to.
    pub(crate) fn on_flow(&self, user: UserId, flow: &FlowToken) -> Option<&Binding> {
        self.of(user).iter().find(|b| same_flow(&b.record.flow, flow))
    }

    pub(crate) fn find(&self, user: UserId, key: &BindingKey) -> Option<&Binding> {
        self.of(user).iter().find(|b| b.record.key == *key)
    }

    /// Makes or refreshes a binding that lasts for `ttl` from now.
    pub(crate) fn put(&mut self, mut record: Box<BindingRecord>, ttl: Duration, reachable: bool, now: Now) {
        let ends = now.mono + ttl;
        let timer = self.expiry.insert(ends, record.user);
        let bindings = self.users.entry(record.user).or_default();
        match bindings.iter_mut().find(|b| b.record.key == record.key) {
            Some(old) => {
                self.expiry.cancel(old.timer);
                record.since = old.record.since;
                *old = Binding {
                    record,
                    ends,
                    reachable,
                    timer,
                };
            }
            None => {
                // Most users have one phone: do not let the vector round up to four.
                bindings.reserve_exact(1);
                bindings.push(Binding {
                    record,
                    ends,
                    reachable,
                    timer,
                });
            }
        }
    }

    /// Removes the bindings that `doomed` picks; [`Location::take_removed`] tells which.
    pub(crate) fn remove(&mut self, user: UserId, mut doomed: impl FnMut(&Binding) -> bool) -> usize {
        let Some(bindings) = self.users.get_mut(&user) else {
            return 0;
        };
        let before = bindings.len();
        let (expiry, removed, tenant) = (&mut self.expiry, &mut self.removed, self.tenant);
        bindings.retain(|binding| {
            if !doomed(binding) {
                return true;
            }
            expiry.cancel(binding.timer);
            removed.push(BindingChange::Remove {
                tenant,
                user,
                key: binding.record.key.clone(),
            });
            false
        });
        let gone = before - bindings.len();
        if bindings.is_empty() {
            self.users.remove(&user);
        }
        gone
    }

    /// Drops what has ended by now; returns how many.
    pub(crate) fn expire(&mut self, now: Now) -> usize {
        let mut gone = 0;
        while let Some(user) = self.expiry.expire(now.mono) {
            gone += self.remove(user, |binding| binding.ends <= now.mono);
        }
        gone
    }

    /// Marks the bindings of a lost connection; they stay, for the phone may come back before they end.
    pub(crate) fn connection_lost(&mut self, worker: u16, connection: u64) {
        for binding in self.users.values_mut().flatten() {
            let flow = &binding.record.flow;
            if flow.connection == connection && flow.worker == worker && flow.transport.is_reliable() {
                binding.reachable = false;
            }
        }
    }

    /// The removals since the last call, for the journal.
    pub(crate) fn take_removed(&mut self) -> Vec<BindingChange> {
        std::mem::take(&mut self.removed)
    }

    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        self.expiry.next_deadline()
    }

    /// Users that have bindings.
    pub(crate) fn users(&self) -> Vec<UserId> {
        self.users.keys().copied().collect()
    }
}

/// A stream is one flow whatever address it shows; a datagram flow is its pair of addresses.
pub(crate) fn same_flow(a: &FlowToken, b: &FlowToken) -> bool {
    if a.transport.is_reliable() {
        a.transport == b.transport && a.worker == b.worker && a.connection == b.connection
    } else {
        a.transport == b.transport && a.local == b.local && a.remote == b.remote
    }
}
