//! A policy made ready: whose limits are which, and what may be called at all.

use super::Request;
use crate::prefixes::Prefixes;
use crate::rate::RateTable;
use model::{
    Currency, DestinationClass, Prefix, TollChange, TollLimits, TollPolicy, TollProfile, TollScope, TrunkId,
    UserId, Wall,
};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

/// A policy and a price list that don't fit together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyMismatch {
    /// Of the policy's amounts.
    pub policy: Currency,
    /// Of the list's.
    pub table: Currency,
}

impl fmt::Display for CurrencyMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the limits are in {} and the price list is in {}; state the limits in {}",
            self.policy, self.table, self.table
        )
    }
}

impl std::error::Error for CurrencyMismatch {}

/// See the module.
#[derive(Debug)]
pub(super) struct Rules {
    pub(super) policy: TollPolicy,
    pub(super) rates: Option<Arc<RateTable>>,
    countries: Prefixes,
    barred: Prefixes,
    /// Limits by day and by night of those who have some of their own.
    users: BTreeMap<UserId, [TollLimits; 2]>,
    trunks: BTreeMap<TrunkId, [TollLimits; 2]>,
}

impl Rules {
    pub(super) fn new(policy: TollPolicy, rates: Option<Arc<RateTable>>) -> Result<Rules, CurrencyMismatch> {
        if let (Some(policy), Some(table)) = (policy.currency, rates.as_ref().map(|rates| rates.currency()))
            && policy != table
        {
            return Err(CurrencyMismatch { policy, table });
        }
        Ok(Rules::made(policy, rates))
    }

    /// The same where policy and list are known to fit together, as without a list they do.
    pub(super) fn made(policy: TollPolicy, rates: Option<Arc<RateTable>>) -> Rules {
        let own = |change: &TollChange, of: fn(&TollProfile) -> TollLimits| {
            [&policy.by_day, &policy.by_night].map(|profile| of(profile).with(change))
        };
        let users = policy.users.iter();
        let users = users.map(|(user, own_part)| (*user, own(&own_part.limits, |profile| profile.user)));
        let trunks = policy.trunks.iter();
        let trunks = trunks.map(|(trunk, own_part)| (*trunk, own(&own_part.limits, |profile| profile.trunk)));
        let (users, trunks) = (users.collect(), trunks.collect());
        let index = |prefixes: &BTreeSet<Prefix>| Prefixes::new(prefixes.iter().copied().collect());
        Rules {
            countries: index(&policy.countries),
            barred: index(&policy.barred),
            users,
            trunks,
            rates,
            policy,
        }
    }

    pub(super) fn utc_offset_min(&self) -> i16 {
        self.policy.utc_offset_min.unwrap_or(0)
    }

    /// True in the hours of the night profile, where the tenant's clock is known.
    pub(super) fn is_night(&self, at: Wall) -> bool {
        let offset = self.policy.utc_offset_min;
        offset.is_some_and(|offset| self.policy.night_hours.iter().any(|band| band.covers(at, offset)))
    }

    /// The limits of a scope; `None` for a kind of destination that has none of its own.
    pub(super) fn limits(&self, scope: TollScope, night: bool) -> Option<&TollLimits> {
        let profile = if night {
            &self.policy.by_night
        } else {
            &self.policy.by_day
        };
        let place = usize::from(night);
        match scope {
            TollScope::Tenant => Some(&profile.tenant),
            TollScope::User(user) => match self.users.get(&user) {
                Some(own) => own.get(place),
                None => Some(&profile.user),
            },
            TollScope::Trunk(trunk) => match self.trunks.get(&trunk) {
                Some(own) => own.get(place),
                None => Some(&profile.trunk),
            },
            TollScope::Class(class) => profile.classes.get(&class),
        }
    }

    /// True where a number of this class may be called at all by this user over this trunk.
    pub(super) fn allows(&self, request: &Request<'_>, number: Option<Prefix>, night: bool) -> bool {
        let longest = |index: &Prefixes| {
            number
                .and_then(|number| index.longest(number))
                .map(Prefix::digits)
        };
        let (open, barred) = (longest(&self.countries), longest(&self.barred));
        if barred.is_some() && barred >= open {
            return false;
        }
        let policy = &self.policy;
        let user = request.origin.charged().and_then(|user| policy.users.get(&user));
        let own = user.and_then(|user| user.classes.as_ref());
        let at_night = policy.night_classes.as_ref().filter(|_| night);
        let classes = own.or(at_night).unwrap_or(&policy.classes);
        // Who has classes of his own has just those: a telephone in the lobby does not call abroad.
        let opened = open.is_some() && own.is_none() && request.class == DestinationClass::International;
        let by_trunk = request
            .trunk
            .is_none_or(|trunk| self.trunk_allows(trunk, request.class));
        (opened || classes.contains(&request.class)) && by_trunk
    }

    /// True where a trunk is for such numbers.
    pub(super) fn trunk_allows(&self, trunk: TrunkId, class: DestinationClass) -> bool {
        let own = self
            .policy
            .trunks
            .get(&trunk)
            .and_then(|own| own.classes.as_ref());
        own.is_none_or(|classes| classes.contains(&class))
    }

    /// Whose limits a call counts against, those first that say most about it: user, class, trunk, tenant.
    pub(super) fn scopes(&self, request: &Request<'_>, night: bool) -> [Option<TollScope>; 4] {
        let class = TollScope::Class(request.class);
        [
            request.origin.charged().map(TollScope::User),
            self.limits(class, night).map(|_| class),
            request.trunk.map(TollScope::Trunk),
            Some(TollScope::Tenant),
        ]
    }
}
