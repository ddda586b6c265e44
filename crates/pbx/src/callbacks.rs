//! Who has called for help lately: whoever took the call may call back, and reaches that very phone.
//!
//! Owns: which phone that is, by the number that the carrier was told. Does not own: for how long (the tenant's policy), and what the
//! call back does (`call::emergency`).
//!
//! It lives as long as the tenant does: a restart of the process forgets it.

use crate::following::PhoneKey;
use crate::location::Binding;
use model::{CallId, DeviceId, Now, UserId};
use std::collections::VecDeque;
use std::time::Duration;

/// Calls for help that are remembered; beyond it the oldest is forgotten.
const MOST: usize = 256;

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

/// Of one tenant.
#[derive(Default)]
pub(crate) struct Callbacks {
    recent: VecDeque<Entry>,
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

    /// The call is over: its time counts from now.
    pub(crate) fn over(&mut self, call: CallId, until: Duration) {
        let of_call = self.recent.iter_mut().filter(|entry| entry.call == call);
        of_call.for_each(|entry| entry.until = until);
    }

    /// True where nobody has called for help lately: then no call is one back.
    pub(crate) fn is_empty(&self) -> bool {
        self.recent.is_empty()
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
