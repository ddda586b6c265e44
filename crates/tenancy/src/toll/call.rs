//! One call as the meter sees it: what is granted to it, how far limits let it go on.

use super::account::{Account, Counted, Grant, Moment};
use super::{Ending, LEAST, Meter, Reason, WARNS_FROM, say};
use crate::rate::Rate;
use model::{
    AtLimit, Charge, DestinationClass, Money, Now, Prefix, TollAmount, TollCause, TollLevel, TollLimit,
    TollLimits, TollScope, TollTicket, TrunkId,
};
use std::time::Duration;

/// Talk that is counted ahead for a call that goes on, and a full increment more where its price has longer ones. The longer, the
/// less often a call is looked at, and the earlier its limits say that they are used up.
pub const AHEAD: Duration = Duration::from_secs(15);
/// A call ends so long before its next increment begins: it takes a moment until the carrier hears of it.
pub const EARLY: Duration = Duration::from_millis(500);
/// A call that was to end and has not is named again after so long.
const AGAIN: Duration = Duration::from_secs(5);

/// A call that rings or lasts.
#[derive(Clone, Debug)]
pub(super) struct Call {
    /// Whose limits it counts against; none for one that isn't counted.
    pub(super) scopes: [Option<TollScope>; 4],
    pub(super) number: Option<Prefix>,
    pub(super) rate: Option<Rate>,
    pub(super) night: bool,
    /// What kind of number it leads to.
    pub(super) class: DestinationClass,
    pub(super) answered: Option<Answer>,
    /// What is counted for it.
    pub(super) granted: Grant,
    /// When the last of that was.
    pub(super) counted: Counted,
    /// When it is looked at again.
    pub(super) due: Option<Duration>,
}

/// When a call was answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct Answer {
    pub(super) at: Duration,
    /// What it had been talked before that, where it has come over a restart.
    pub(super) before: Duration,
}

impl Answer {
    pub(super) fn talked(&self, now: Duration) -> Duration {
        now.saturating_sub(self.at).saturating_add(self.before)
    }
}

impl Call {
    /// A call that counts against nothing.
    pub(super) fn uncounted() -> Call {
        Call::new([None; 4], None, DestinationClass::Internal, None, false)
    }

    pub(super) fn new(
        scopes: [Option<TollScope>; 4],
        number: Option<Prefix>,
        class: DestinationClass,
        rate: Option<Rate>,
        night: bool,
    ) -> Call {
        Call {
            scopes,
            number,
            rate,
            night,
            class,
            answered: None,
            granted: Grant::default(),
            counted: Counted::default(),
            due: None,
        }
    }

    /// What a call that rings holds ready: what it costs at once if it is answered.
    pub(super) fn first_grant(&self, reach: Duration) -> Grant {
        let first = self.rate.map_or(1, |rate| rate.billed_s(Duration::ZERO));
        let talk = Duration::from_secs(first).min(reach);
        Grant {
            money: self.amount(talk),
            talk,
        }
    }

    pub(super) fn amount(&self, talk: Duration) -> Money {
        self.rate.map_or(Money::ZERO, |rate| rate.amount(talk))
    }

    /// What it has cost until now; nothing unless it was answered.
    pub(super) fn used(&self, now: Duration) -> Grant {
        let Some(answer) = &self.answered else {
            return Grant::default();
        };
        let talk = answer.talked(now);
        Grant {
            money: self.amount(talk),
            talk,
        }
    }

    pub(super) fn charge(&self, now: Duration) -> Option<Charge> {
        let answer = self.answered?;
        Some(self.rate?.charge(answer.talked(now)))
    }

    /// How far a grant goes that is as long as usual: to the end of an increment.
    fn goal(&self, talked: Duration) -> Duration {
        let wish = talked.saturating_add(EARLY).saturating_add(AHEAD);
        self.rate
            .map_or(wish, |rate| Duration::from_secs(rate.billed_s(wish)))
    }

    /// How long the call may last in all, from its answer, and the limit that says so. Where limits only refuse, a call that was
    /// answered is ended by the longest of its kind alone.
    pub(super) fn reach(&self, limited: &Limited<'_>, at_limit: AtLimit, moment: &Moment) -> Reach {
        let mut bound: Option<(Duration, TollScope, TollLimit)> = None;
        let mut at_most = |time: Duration, scope: TollScope, limit: TollLimit| {
            if bound.is_none_or(|(known, ..)| time < known) {
                bound = Some((time, scope, limit));
            }
        };
        let all = at_limit == AtLimit::End || self.answered.is_none();
        let nothing = Account::default();
        let mut money: Option<(Money, TollScope, TollLimit)> = None;
        for (scope, limits, account) in limited.iter().flatten() {
            let account = account.unwrap_or(&nothing);
            if let Some(seconds) = limits.longest_call_s {
                at_most(
                    Duration::from_secs(u64::from(seconds)),
                    *scope,
                    TollLimit::LongestCall,
                );
            }
            if !all {
                continue;
            }
            if let Some(left) = account.talk_left(limits, moment) {
                at_most(
                    self.granted.talk.saturating_add(left),
                    *scope,
                    TollLimit::MinutesPerDay,
                );
            }
            if let Some((left, limit)) = account.money_left(limits, moment)
                && money.is_none_or(|(least, ..)| left < least)
            {
                money = Some((left, *scope, limit));
            }
        }
        if let (Some(rate), Some((left, scope, limit))) = (self.rate, money) {
            let budget = self.granted.money.saturating_add(left);
            at_most(rate.affords(budget).unwrap_or(Duration::ZERO), scope, limit);
        }
        Reach {
            time: bound.map_or(Duration::MAX, |(time, ..)| time),
            bound: bound.map(|(_, scope, limit)| (scope, limit)),
        }
    }
}

/// How far limits let a call go on.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach {
    /// From its answer.
    pub(super) time: Duration,
    /// The limit that says so; none: nothing limits it.
    pub(super) bound: Option<(TollScope, TollLimit)>,
}

impl Reach {
    /// The limit that leaves too little to begin with.
    pub(super) fn too_short(&self) -> Option<(TollScope, TollLimit)> {
        let least = |limit: TollLimit| match limit {
            TollLimit::LongestCall => Duration::from_nanos(1),
            _ => LEAST,
        };
        self.bound.filter(|(_, limit)| self.time < least(*limit))
    }
}

/// Whether something is counted for a call that begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Begins {
    Yes,
    No,
}

/// A scope whose limits count now, and what it has used if that is anything.
pub(super) type Limited<'a> = [Option<(TollScope, &'a TollLimits, Option<&'a Account>)>; 4];

/// The limit on numbers of calls that one more would pass.
pub(super) fn too_many(limited: &Limited<'_>, moment: &Moment) -> Option<(TollScope, TollLimit)> {
    limited.iter().flatten().find_map(|(scope, limits, account)| {
        let limit = match account {
            Some(account) => account.too_many(limits, moment),
            None => Account::default().too_many(limits, moment),
        };
        Some((*scope, limit?))
    })
}

/// The shortest of the longest calls.
pub(super) fn longest_call(limited: &Limited<'_>) -> Option<Duration> {
    let seconds = limited
        .iter()
        .flatten()
        .filter_map(|(_, limits, _)| limits.longest_call_s);
    seconds
        .min()
        .map(|seconds| Duration::from_secs(u64::from(seconds)))
}

impl Meter {
    /// Each scope whose limits count now.
    pub(super) fn limited(&self, scopes: &[Option<TollScope>; 4], moment: &Moment) -> Limited<'_> {
        scopes.map(|scope| {
            let scope = scope?;
            let account = self.accounts.get(&scope);
            let lifted = account.is_some_and(|account| account.is_lifted(moment.mono));
            let limits = self.rules.limits(scope, moment.night).filter(|_| !lifted)?;
            Some((scope, limits, account))
        })
    }

    /// A call that rings is tried over another trunk. What it counts for user, class and tenant stays; the other trunk's rules and
    /// limits are asked as if it began there.
    ///
    /// # Errors
    /// Why it may not; then it counts over the trunk before, until it is ended. A call that was answered, or is not known, stays.
    pub fn rerouted(&mut self, ticket: TollTicket, trunk: TrunkId, now: Now) -> Result<(), Reason> {
        let Some(call) = self.calls.get(&ticket).filter(|call| call.answered.is_none()) else {
            return Ok(());
        };
        let scope = TollScope::Trunk(trunk);
        let [.., before, Some(_)] = call.scopes else {
            return Ok(());
        };
        if before == Some(scope) {
            return Ok(());
        }
        if !self.rules.trunk_allows(trunk, call.class) {
            return Err(Reason::Destination(call.class));
        }
        let (mut scopes, granted, counted) = (call.scopes, call.granted, call.counted);
        let mut fresh = call.clone();
        fresh.granted = Grant::default();
        let moment = self.moment(now, fresh.night);
        let limited = self.limited(&[None, None, Some(scope), None], &moment);
        let reach = fresh.reach(&limited, AtLimit::End, &moment);
        if let Some((scope, limit)) = too_many(&limited, &moment).or_else(|| reach.too_short()) {
            self.alert(scope, limit, Duration::ZERO, &moment, now);
            return Err(Reason::Limit { scope, limit });
        }
        // What it holds ready is counted anew everywhere, so that it can be given back in one piece.
        for account in &scopes {
            if let Some(account) = account.and_then(|scope| self.accounts.get_mut(&scope)) {
                account.give_back(granted, counted, &moment);
            }
        }
        if let Some(account) = before.and_then(|before| self.accounts.get_mut(&before)) {
            account.live = account.live.saturating_sub(1);
        }
        self.accounts.entry(scope).or_default().begin(&moment);
        let [.., place, _] = &mut scopes;
        *place = Some(scope);
        self.count(&scopes, granted, Begins::No, &moment, now);
        if let Some(call) = self.calls.get_mut(&ticket) {
            (call.scopes, call.counted) = (scopes, moment.counted());
        }
        Ok(())
    }

    /// Grants more to a call that goes on, or ends it.
    pub(super) fn extend(&mut self, ticket: TollTicket, now: Now) {
        let Some(call) = self.calls.get(&ticket) else {
            return;
        };
        let (Some(answer), true) = (call.answered, call.scopes.iter().any(Option::is_some)) else {
            return;
        };
        let (scopes, night) = (call.scopes, call.night);
        let moment = self.moment(now, night);
        let Some(call) = self.calls.get(&ticket) else {
            return;
        };
        let limited = self.limited(&scopes, &moment);
        let Reach { time, bound } = call.reach(&limited, self.rules.policy.at_limit, &moment);
        let talked = answer.talked(now.mono);
        // What has been talked is a fact, whatever the limits say.
        let talk = call.goal(talked).min(time).max(talked).max(call.granted.talk);
        let granted = Grant {
            money: call.amount(talk),
            talk,
        };
        let more = Grant {
            money: granted.money.saturating_sub(call.granted.money).max(Money::ZERO),
            talk: granted.talk.saturating_sub(call.granted.talk),
        };
        let ends = talk <= talked.saturating_add(EARLY);
        let until = now
            .mono
            .saturating_add(talk.saturating_sub(talked))
            .saturating_sub(EARLY);
        let due = if ends {
            now.mono.saturating_add(AGAIN)
        } else {
            until
        };
        if let Some(call) = self.calls.get_mut(&ticket) {
            call.granted = granted;
            call.counted = moment.counted();
            call.due = Some(due);
        }
        self.due.insert((due, ticket));
        if let (true, Some((scope, limit))) = (ends, bound) {
            self.endings.push_back(Ending { ticket, scope, limit });
            self.alert(scope, limit, talked, &moment, now);
        }
        self.count(&scopes, more, Begins::No, &moment, now);
    }

    /// A limit has stopped a call that was talked for so long: says so, once in its period.
    pub(super) fn alert(
        &mut self,
        scope: TollScope,
        limit: TollLimit,
        talked: Duration,
        moment: &Moment,
        now: Now,
    ) {
        let limits = self.rules.limits(scope, moment.night);
        let Some(most) = limits.and_then(|limits| most(limits, limit)) else {
            return;
        };
        let account = self.accounts.entry(scope).or_default();
        if account.note(Some(limit), TollLevel::Alert, moment) {
            let value = match limit {
                TollLimit::LongestCall => TollAmount::Seconds(talked.as_secs()),
                _ => account.value(limit, moment),
            };
            let cause = TollCause::Limit { limit, most, value };
            say(&mut self.alerts, TollLevel::Alert, scope, cause, now);
        }
    }

    /// Counts something in each scope, and warns where most of a limit is used up.
    pub(super) fn count(
        &mut self,
        scopes: &[Option<TollScope>; 4],
        grant: Grant,
        begins: Begins,
        moment: &Moment,
        now: Now,
    ) {
        const LIMITS: [TollLimit; 6] = [
            TollLimit::Concurrent,
            TollLimit::CallsPerMin,
            TollLimit::MinutesPerDay,
            TollLimit::SpendPerHour,
            TollLimit::SpendPerDay,
            TollLimit::SpendPerMonth,
        ];
        let percent = self.rules.policy.warn_percent;
        for scope in scopes.iter().flatten() {
            let account = self.accounts.entry(*scope).or_default();
            account.count(grant, moment);
            if begins == Begins::Yes {
                account.begin(moment);
            }
            let limits = self.rules.limits(*scope, moment.night);
            let Some(limits) = limits.filter(|_| !account.is_lifted(moment.mono)) else {
                continue;
            };
            for limit in LIMITS {
                let Some(most) = most(limits, limit) else { continue };
                let value = account.value(limit, moment);
                if reaches(value, most, percent) && account.note(Some(limit), TollLevel::Warning, moment) {
                    let cause = TollCause::Limit { limit, most, value };
                    say(&mut self.alerts, TollLevel::Warning, *scope, cause, now);
                }
            }
        }
    }
}

/// The number of a limit.
fn most(limits: &TollLimits, limit: TollLimit) -> Option<TollAmount> {
    let calls = |most: Option<u32>| most.map(|most| TollAmount::Calls(u64::from(most)));
    let money = |most: Option<Money>| most.map(TollAmount::Money);
    match limit {
        TollLimit::Concurrent => calls(limits.concurrent),
        TollLimit::CallsPerS => calls(limits.calls_per_s),
        TollLimit::CallsPerMin => calls(limits.calls_per_min),
        TollLimit::MinutesPerDay => limits
            .minutes_per_day
            .map(|most| TollAmount::Seconds(u64::from(most) * 60)),
        TollLimit::SpendPerHour => money(limits.spend_per_hour),
        TollLimit::SpendPerDay => money(limits.spend_per_day),
        TollLimit::SpendPerMonth => money(limits.spend_per_month),
        TollLimit::LongestCall => limits
            .longest_call_s
            .map(|most| TollAmount::Seconds(u64::from(most))),
    }
}

/// True when so much of a limit is used up that somebody should know.
fn reaches(value: TollAmount, most: TollAmount, percent: u8) -> bool {
    let (value, most) = match (value, most) {
        (TollAmount::Money(value), TollAmount::Money(most)) => {
            (i128::from(value.micros()), i128::from(most.micros()))
        }
        (TollAmount::Calls(_), TollAmount::Calls(most)) if most < u64::from(WARNS_FROM) => return false,
        (TollAmount::Calls(value), TollAmount::Calls(most))
        | (TollAmount::Seconds(value), TollAmount::Seconds(most)) => (i128::from(value), i128::from(most)),
        _ => return false,
    };
    most > 0 && value * 100 >= most * i128::from(percent)
}
