//! How many requests one user may make in a while: nobody alone fills the tenant's transactions, for then everybody's
//! calls would be refused.

use super::Tenant;
use model::{Device, FlowToken, Now, UserId};
use sip::transaction::T1_X64;
use sip::{Message, Method};
use std::collections::BTreeMap;
use std::time::Duration;

/// What users have asked for since a moment.
pub(super) struct Pace {
    limit: usize,
    until: Duration,
    made: BTreeMap<UserId, usize>,
}

impl Pace {
    pub(super) fn new(limit: usize) -> Pace {
        Pace {
            limit,
            until: Duration::ZERO,
            made: BTreeMap::new(),
        }
    }

    /// Counts one more; false when it is one too many.
    fn admits(&mut self, user: UserId, now: Duration) -> bool {
        if now >= self.until {
            self.until = now + T1_X64;
            self.made.clear();
        }
        let made = self.made.entry(user).or_default();
        *made = made.saturating_add(1);
        *made <= self.limit
    }
}

impl Tenant {
    /// Lets a request in that makes a transaction: its sender shows credentials and has not asked for too much lately.
    pub(super) fn admit(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) -> Option<Device> {
        let device = self.authenticate(flow, message, now)?;
        self.is_in_pace(device.user, flow, message, now).then_some(device)
    }

    /// False when the user has made too many requests and this one was refused. Whoever wants to hang up always may.
    pub(super) fn is_in_pace(
        &mut self,
        user: UserId,
        flow: FlowToken,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        let admitted = message.method() == Some(Method::Bye) || self.pace.admits(user, now.mono);
        if !admitted {
            self.context.counts.over_limit += 1;
            self.context.reply(message, flow, 503);
        }
        admitted
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_user_has_a_measure_of_his_own_and_a_new_one_later() {
        let mut pace = Pace::new(2);
        let (one, other) = (UserId(1), UserId(2));
        let mut at = |user, second| pace.admits(user, Duration::from_secs(second));
        assert!(at(one, 100) && at(one, 101));
        assert!(!at(one, 102) && at(other, 102));
        assert!(!at(one, 131) && at(one, 132));
    }
}
