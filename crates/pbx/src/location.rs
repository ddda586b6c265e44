//! The bindings of a tenant's addresses-of-record (RFC 3261 §10.3 step 7, RFC 5626 §6).
//!
//! Owns: the table and its expiry. Does not own: REGISTER (see `registrar`) or the journal on disk; each
//! change is also an effect, and the shell's journal of those rebuilds the table after a restart.

use crate::following::PhoneKey;
use model::{BindingChange, BindingKey, BindingRecord, DeviceId, FlowToken, Now, TenantId, UserId};
use sip::timer::{TimerId, Wheel};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// A binding in memory.
pub(crate) struct Binding {
    pub(crate) record: Box<BindingRecord>,
    /// When it ends, by the monotonic clock: a jump of the calendar ends nothing.
    pub(crate) ends: Duration,
    /// False once its connection is gone.
    pub(crate) reachable: bool,
    /// When it was last sent a push notification; it has not registered since.
    woken: Option<Duration>,
    /// The phone takes its keys from DTLS, and speaks no ICE: it has done so in a call.
    dtls: bool,
    timer: TimerId,
}

/// What a call needs of a binding to ring it.
pub(crate) struct BindingFacts {
    pub(crate) user: UserId,
    pub(crate) device: DeviceId,
    pub(crate) key: PhoneKey,
    pub(crate) flow: FlowToken,
    pub(crate) contact: Box<str>,
    pub(crate) path: Vec<Box<str>>,
    /// It takes its keys from DTLS without ICE.
    pub(crate) dtls: bool,
}

impl From<&Binding> for BindingFacts {
    fn from(binding: &Binding) -> BindingFacts {
        let record = &binding.record;
        BindingFacts {
            user: record.user,
            device: record.device,
            key: PhoneKey::from(&**record),
            flow: record.flow,
            contact: record.contact.clone(),
            path: record.path().to_vec(),
            dtls: binding.dtls,
        }
    }
}

/// All bindings of one tenant.
pub(crate) struct Location {
    tenant: TenantId,
    users: BTreeMap<UserId, Vec<Binding>>,
    /// Whose bindings live on which connection, by worker and number; what a lost one concerns is found, not searched.
    streams: BTreeSet<(u16, u64, UserId)>,
    expiry: Wheel<UserId>,
    removed: Vec<BindingChange>,
}

impl Location {
    pub(crate) fn new(tenant: TenantId) -> Location {
        Location {
            tenant,
            users: BTreeMap::new(),
            streams: BTreeSet::new(),
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
        let (user, flow) = (record.user, record.flow);
        let bindings = self.users.entry(user).or_default();
        let mut left = None;
        match bindings.iter_mut().find(|b| b.record.key == record.key) {
            Some(old) => {
                self.expiry.cancel(old.timer);
                record.since = old.record.since;
                left = Some(old.record.flow);
                *old = Binding {
                    record,
                    ends,
                    reachable,
                    woken: None,
                    dtls: old.dtls,
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
                    woken: None,
                    dtls: false,
                    timer,
                });
            }
        }
        if reachable && flow.transport.is_reliable() {
            self.streams.insert((flow.worker, flow.connection, user));
        }
        if let Some(left) = left {
            self.forget_stream(user, &left);
        }
    }

    /// Remembers whether the phone on this flow takes its keys from DTLS without ICE, to ask it for that first.
    pub(crate) fn takes_dtls(&mut self, user: impl Into<Option<UserId>>, flow: &FlowToken, takes: bool) {
        let bindings = user.into().and_then(|user| self.users.get_mut(&user));
        let bindings = bindings.into_iter().flatten();
        for binding in bindings.filter(|b| same_flow(&b.record.flow, flow)) {
            binding.dtls = takes;
        }
    }

    /// Drops a connection from the index when none of the user's bindings is on it any more.
    fn forget_stream(&mut self, user: UserId, flow: &FlowToken) {
        if flow.transport.is_reliable() && self.on_flow(user, flow).is_none() {
            self.streams.remove(&(flow.worker, flow.connection, user));
        }
    }

    /// Removes the bindings that `doomed` picks; [`Location::take_removed`] tells which.
    pub(crate) fn remove(&mut self, user: UserId, mut doomed: impl FnMut(&Binding) -> bool) -> usize {
        let Some(bindings) = self.users.get_mut(&user) else {
            return 0;
        };
        let before = bindings.len();
        let (expiry, removed, tenant) = (&mut self.expiry, &mut self.removed, self.tenant);
        let mut left = Vec::new();
        bindings.retain(|binding| {
            if !doomed(binding) {
                return true;
            }
            expiry.cancel(binding.timer);
            left.push(binding.record.flow);
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
        for flow in left {
            self.forget_stream(user, &flow);
        }
        gone
    }

    /// Notes for the journal that a binding which it kept is not put back.
    pub(crate) fn discard(&mut self, record: BindingRecord) {
        self.removed.push(BindingChange::Remove {
            tenant: record.tenant,
            user: record.user,
            key: record.key,
        });
    }

    /// Drops what has ended by now; returns how many.
    pub(crate) fn expire(&mut self, now: Now) -> usize {
        let mut gone = 0;
        while let Some(user) = self.expiry.expire(now.mono) {
            gone += self.remove(user, |binding| binding.ends <= now.mono);
        }
        gone
    }

    /// Marks the bindings of a lost connection; they stay, for the phone may come back before they end. Costs what
    /// the connection carried, not what the tenant holds: strangers open and close connections as they like. Returns
    /// whose they are.
    pub(crate) fn connection_lost(&mut self, worker: u16, connection: u64) -> Vec<UserId> {
        let first = (worker, connection, UserId(0));
        let last = (worker, connection, UserId(u64::MAX));
        let lost: Vec<_> = self.streams.range(first..=last).copied().collect();
        for entry in &lost {
            self.streams.remove(entry);
            for binding in self.users.get_mut(&entry.2).into_iter().flatten() {
                let flow = &binding.record.flow;
                if flow.connection == connection && flow.worker == worker && flow.transport.is_reliable() {
                    binding.reachable = false;
                }
            }
        }
        lost.into_iter().map(|(_, _, user)| user).collect()
    }

    /// Notes that a phone is to be woken; false when one push notification is enough, for the last is less than `pause`
    /// ago.
    pub(crate) fn wakes(&mut self, user: UserId, key: &BindingKey, pause: Duration, now: Now) -> bool {
        let bindings = self.users.get_mut(&user).into_iter().flatten();
        let Some(binding) = bindings.into_iter().find(|b| b.record.key == *key) else {
            return false;
        };
        let due = binding.woken.is_none_or(|last| last + pause <= now.mono);
        if due {
            binding.woken = Some(now.mono);
        }
        due
    }

    /// Marks one flow of a phone as dead, for a proxy on the way says so.
    pub(crate) fn flow_failed(&mut self, user: UserId, key: &BindingKey, flow: &FlowToken) {
        for binding in self.users.get_mut(&user).into_iter().flatten() {
            if binding.record.key == *key && same_flow(&binding.record.flow, flow) {
                binding.reachable = false;
            }
        }
    }

    /// The removals since the last call, for the journal.
    pub(crate) fn take_removed(&mut self) -> Vec<BindingChange> {
        std::mem::take(&mut self.removed)
    }

    /// When to look again: at once while the journal is to be told something.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        if !self.removed.is_empty() {
            return Some(Duration::ZERO);
        }
        self.expiry.next_deadline()
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.expiry.len()
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

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Transport, Wall};

    const NOW: Now = Now {
        mono: Duration::ZERO,
        wall: Wall(0),
    };

    fn put(location: &mut Location, user: u64, key: &str, connection: u64) {
        let record = BindingRecord {
            tenant: TenantId(1),
            user: UserId(user),
            device: DeviceId(user),
            key: BindingKey::Contact(key.into()),
            contact: key.into(),
            instance: None,
            q_milli: 1000,
            expires: Wall(60_000),
            since: Wall(0),
            flow: FlowToken {
                transport: Transport::Tcp,
                worker: 0,
                connection,
                local: ([10, 0, 0, 1], 5060).into(),
                remote: ([10, 0, 0, 2], 5060).into(),
            },
            call_id: "a".into(),
            cseq: 1,
            user_agent: "".into(),
            extra: None,
        };
        location.put(Box::new(record), Duration::from_secs(60), true, NOW);
    }

    fn unreachable(location: &Location) -> Vec<&str> {
        let gone = location.all().filter(|b| !b.reachable);
        gone.map(|b| &*b.record.contact).collect()
    }

    #[test]
    fn a_lost_connection_marks_what_was_on_it_and_the_index_holds_no_more_than_lives() {
        let mut location = Location::new(TenantId(1));
        put(&mut location, 1, "sip:a", 7);
        put(&mut location, 1, "sip:b", 7);
        put(&mut location, 2, "sip:c", 7);
        put(&mut location, 3, "sip:d", 8);
        put(&mut location, 2, "sip:c", 9); // Came back on another connection.
        location.remove(UserId(1), |b| &*b.record.contact == "sip:b");
        location.connection_lost(0, 7);
        assert_eq!(unreachable(&location), ["sip:a"]);
        assert_eq!(location.streams.len(), 2);
        location.connection_lost(0, 7);
        location.connection_lost(1, 8);
        assert_eq!(unreachable(&location), ["sip:a"]);
        for user in 1..=3 {
            location.remove(UserId(user), |_| true);
        }
        assert!(location.streams.is_empty());
    }
}
