//! What is used of limits, for people to see.

use super::Meter;
use super::account::{Account, Moment};
use model::{Now, TollAmount, TollLimit, TollLimits, TollScope, TollUse};

/// Scopes that are told of at once.
const TOLD: usize = 1_000;

impl Meter {
    /// What a scope has used of a limit, by day or by night as it is now.
    pub fn used(&mut self, scope: TollScope, limit: TollLimit, now: Now) -> TollAmount {
        let night = self.rules.is_night(now.wall);
        let changed = self.changed;
        let moment = self.moment(now, night);
        self.changed = changed;
        let account = self.accounts.get(&scope);
        account.map_or_else(
            || Account::default().value(limit, &moment),
            |account| account.value(limit, &moment),
        )
    }

    /// What is used of every limit of the tenant, and of every scope that the meter remembers: users, trunks and kinds of destinations
    /// with calls lately. Of a thousand scopes at most.
    pub fn usage(&mut self, now: Now) -> Vec<TollUse> {
        let night = self.rules.is_night(now.wall);
        let changed = self.changed;
        let moment = self.moment(now, night);
        self.changed = changed;
        let fresh = Account::default();
        let others = self
            .accounts
            .iter()
            .filter(|(scope, _)| **scope != TollScope::Tenant);
        let tenant = self.accounts.get(&TollScope::Tenant).unwrap_or(&fresh);
        let all = std::iter::once((TollScope::Tenant, tenant));
        let all = all.chain(others.map(|(scope, account)| (*scope, account)));
        let mut told = Vec::new();
        for (scope, account) in all.take(TOLD) {
            let limits = self.rules.limits(scope, night).copied().unwrap_or_default();
            told.extend(account.usage(scope, &limits, &moment));
        }
        told
    }
}

impl Account {
    fn usage(&self, scope: TollScope, limits: &TollLimits, moment: &Moment) -> Vec<TollUse> {
        let left = self.lifted.map(|until| until.saturating_sub(moment.mono));
        let left = left.filter(|left| !left.is_zero());
        let lifted_ms = left.map(|left| u64::try_from(left.as_millis()).unwrap_or(u64::MAX));
        let calls = |most: Option<u32>| most.map(|most| TollAmount::Calls(u64::from(most)));
        let minutes = limits.minutes_per_day;
        let minutes = minutes.map(|minutes| TollAmount::Seconds(u64::from(minutes) * 60));
        [
            (TollLimit::Concurrent, calls(limits.concurrent)),
            (TollLimit::CallsPerS, calls(limits.calls_per_s)),
            (TollLimit::CallsPerMin, calls(limits.calls_per_min)),
            (TollLimit::MinutesPerDay, minutes),
            (
                TollLimit::SpendPerHour,
                limits.spend_per_hour.map(TollAmount::Money),
            ),
            (
                TollLimit::SpendPerDay,
                limits.spend_per_day.map(TollAmount::Money),
            ),
            (
                TollLimit::SpendPerMonth,
                limits.spend_per_month.map(TollAmount::Money),
            ),
        ]
        .into_iter()
        .filter_map(|(limit, most)| {
            Some(TollUse {
                scope,
                limit,
                used: self.value(limit, moment),
                most: most?,
                lifted_ms,
            })
        })
        .collect()
    }
}
