//! Who has called for help lately: whoever took the call may call back, and reaches that very phone.
//!
//! Owns: which phone that is, by the number that the carrier was told. Does not own: for how long (the tenant's policy), and what the
//! call back does (`call::emergency`).
//!
//! It lives as long as the tenant does: a restart of the process forgets it.

use crate::following::PhoneKey;
use crate::location::Binding;
use model::{CallId, DeviceId, Now, UserId};
use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

/// Calls for help that are remembered; beyond it the oldest is forgotten.
const MOST: usize = 256;
/// Calls to one number at once that have room of their own, where they say what they are.
const MOST_BACK: usize = 2;
/// While a call lasts it is remembered, for a day at most.
pub(crate) const LONGEST: Duration = Duration::from_secs(86_400);

/// Where a call back goes.
#[derive(Clone, Debug)]
pub(crate) struct Callback {
    pub(crate) user: UserId,
    pub(crate) device: Option<DeviceId>,
    pub(crate) phone: Option<PhoneKey>,
    /// The number that was shown is his own, and not one of all.
    pub(crate) own: bool,
}

impl Callback {
    /// True for the phone that has called.
    pub(crate) fn means(&self, binding: &Binding) -> bool {
        let record = &binding.record;
        let same = |phone: &PhoneKey| phone.is(&PhoneKey::from(&**record)) || phone.is_same_phone(record);
        record.user == self.user
            && match &self.phone {
                Some(phone) => same(phone),
                None => self.device.is_none_or(|device| device == record.device),
            }
    }
}

struct Entry {
    call: CallId,
    /// Digits of the number that was shown.
    number: u64,
    to: Callback,
    until: Duration,
}

/// A number that another tenant has shown whose call for help this one has carried.
struct Carried {
    call: CallId,
    number: u64,
    until: Duration,
    /// Calls to it that were given room.
    back: Vec<CallId>,
}

/// Of one tenant.
#[derive(Default)]
pub(crate) struct Callbacks {
    recent: VecDeque<Entry>,
    carried: VecDeque<Carried>,
}

impl Callbacks {
    /// A carrier was told this number in a call for help.
    pub(crate) fn remember(&mut self, call: CallId, number: u64, to: Callback, until: Duration) {
        // One call after the other of one user takes nobody else's place.
        self.recent
            .retain(|entry| (entry.call != call && entry.to.user != to.user) || entry.number != number);
        if self.recent.len() >= MOST {
            self.recent.pop_front();
        }
        self.recent.push_back(Entry {
            call,
            number,
            to,
            until,
        });
    }

    /// A carrier was told this number in a call for help of another tenant.
    pub(crate) fn remember_carried(&mut self, call: CallId, number: u64, until: Duration) {
        let known = self.carried.iter().position(|carried| carried.number == number);
        let known = known.and_then(|place| self.carried.remove(place));
        if self.carried.len() >= MOST {
            self.carried.pop_front();
        }
        self.carried.push_back(Carried {
            call,
            number,
            until,
            back: known.map(|known| known.back).unwrap_or_default(),
        });
    }

    /// A call to such a number has begun, in room of its own.
    pub(crate) fn comes_back(&mut self, number: u64, call: CallId) {
        let mut to_number = self.carried.iter_mut().filter(|carried| carried.number == number);
        if let Some(carried) = to_number.next() {
            carried.back.push(call);
        }
    }

    /// True for a call to such a number that has room of its own: the only one of those that have, or another one that says what it is.
    pub(crate) fn is_carried(
        &mut self,
        number: u64,
        is_marked: bool,
        with_room: &BTreeSet<CallId>,
        now: Now,
    ) -> bool {
        self.carried.retain(|carried| carried.until > now.mono);
        let most = if is_marked { MOST_BACK } else { 1 };
        let mut to_number = self.carried.iter_mut().filter(|carried| carried.number == number);
        to_number.next().is_some_and(|carried| {
            carried.back.retain(|call| with_room.contains(call));
            carried.back.len() < most
        })
    }

    /// The call is over: its time counts from now.
    pub(crate) fn over(&mut self, call: CallId, until: Duration) {
        let of_call = self.recent.iter_mut().filter(|entry| entry.call == call);
        of_call.for_each(|entry| entry.until = until);
        let of_call = self.carried.iter_mut().filter(|carried| carried.call == call);
        of_call.for_each(|carried| carried.until = until);
    }

    /// True where nobody has called for help lately: then no call is one back.
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.carried.is_empty()
    }

    /// Who is meant by a call to this number: of several who have shown it the last.
    pub(crate) fn find(&mut self, number: u64, now: Now) -> Option<&Callback> {
        self.recent.retain(|entry| entry.until > now.mono);
        let mut latest = self.recent.iter().rev();
        latest.find(|entry| entry.number == number).map(|entry| &entry.to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wall;

    fn at(s: u64) -> Now {
        Now {
            mono: Duration::from_secs(s),
            wall: Wall(s * 1_000),
        }
    }

    fn of(user: u64) -> Callback {
        Callback {
            user: UserId(user),
            device: None,
            phone: None,
            own: true,
        }
    }

    #[test]
    fn one_call_more_to_a_number_whose_call_was_carried_has_room_unless_it_says_what_it_is() {
        let mut callbacks = Callbacks::default();
        let mut with_room = BTreeSet::new();
        callbacks.remember_carried(CallId(1), 49, at(100).mono);
        let finds = |callbacks: &mut Callbacks, is_marked, with_room: &BTreeSet<CallId>, s| {
            callbacks.is_carried(49, is_marked, with_room, at(s))
        };
        assert!(finds(&mut callbacks, false, &with_room, 1));
        assert!(!callbacks.is_carried(50, true, &with_room, at(1)));
        callbacks.comes_back(49, CallId(2));
        with_room.insert(CallId(2));
        assert!(!finds(&mut callbacks, false, &with_room, 2));
        // One more that says what it is, and no third; another call for help changes nothing about that.
        assert!(finds(&mut callbacks, true, &with_room, 2));
        callbacks.comes_back(49, CallId(3));
        with_room.insert(CallId(3));
        callbacks.remember_carried(CallId(4), 49, at(100).mono);
        assert!(!finds(&mut callbacks, true, &with_room, 2));
        callbacks.remember_carried(CallId(1), 49, at(100).mono);
        with_room.clear();
        assert!(finds(&mut callbacks, false, &with_room, 3));
        callbacks.over(CallId(1), at(200).mono);
        assert!(finds(&mut callbacks, false, &with_room, 150));
        assert!(!finds(&mut callbacks, true, &with_room, 200));
        assert!(callbacks.is_empty());
    }

    #[test]
    fn the_last_who_has_called_is_called_back_for_a_while() {
        let mut callbacks = Callbacks::default();
        let until = |s| at(s).mono;
        callbacks.remember(CallId(1), 49, of(1), until(100));
        callbacks.remember(CallId(2), 49, of(2), until(50));
        let found = |callbacks: &mut Callbacks, s| callbacks.find(49, at(s)).map(|to| to.user);
        assert_eq!(found(&mut callbacks, 10), Some(UserId(2)));
        callbacks.over(CallId(2), until(60));
        assert_eq!(found(&mut callbacks, 55), Some(UserId(2)));
        assert_eq!(found(&mut callbacks, 60), Some(UserId(1)));
        assert_eq!(found(&mut callbacks, 100), None);
        assert!(callbacks.recent.is_empty());
        for call in 0..300 {
            callbacks.remember(CallId(call), call, of(call), until(500));
        }
        assert_eq!(callbacks.recent.len(), MOST);
        assert!(callbacks.find(0, at(1)).is_none() && callbacks.find(299, at(1)).is_some());
    }
}
