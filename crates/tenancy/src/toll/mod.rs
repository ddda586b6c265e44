//! Limits against toll fraud: what a tenant's calls to the outside may be and cost.
//!
//! Owns: [`Meter`], which counts the calls of one tenant and decides. Does not own: what kind of number was dialled, which trunk
//! is taken, what a call costs ([`crate::rate`]), and who hears of an alert.
//!
//! # Contract
//!
//! - [`Meter::ask`] before a call leaves over a trunk, whoever caused it; [`Meter::rerouted`] where it is tried over another trunk;
//!   [`Meter::answered`] when it is answered, and [`Meter::ended`] in any case, once. A call that was dialled, forwarded or
//!   transferred is charged to the user who did that, under the same limits.
//! - After each of these and `handle_timeout` drain [`Meter::poll_ending`], calls that have to end now, and
//!   [`Meter::poll_alert`]. [`Meter::poll_timeout`] says when [`Meter::handle_timeout`] is due.
//! - Money and talk are counted ahead: a call that is answered has its next [`AHEAD`] granted, and more shortly before that is used
//!   up. Where limits allow less it gets what increments of its price fit, and where none fits it has to end, [`EARLY`] before it would
//!   cost more. So calls together never pass a limit, as long as they end when they are told to; what a call that ends late costs is
//!   counted all the same. What is not used is given back.
//! - Seconds, minutes and hours are sliding windows by the monotonic clock; days and months are those of the tenant's calendar. A
//!   wall clock that is set back by up to two hours begins no day twice.
//! - Emergency calls pass everything. They and internal calls are neither counted nor charged.

mod account;
mod call;
mod restore;
mod rules;
mod used;
mod window;

pub use call::{AHEAD, EARLY};
pub use rules::CurrencyMismatch;

use crate::calendar::Calendar;
use crate::rate::{Rate, RateTable};
use account::{Account, Grant, Moment, TRIES};
use call::{Answer, Begins, Call, longest_call, too_many};
use model::{
    AtLimit, Charge, DestinationClass, Now, Prefix, TollAlert, TollCause, TollLevel, TollLimit, TollPolicy,
    TollScope, TollTicket, TrunkId, Unrated, UserId,
};
use rules::Rules;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// Scopes that a meter remembers; beyond it nobody new may call.
const ACCOUNTS: usize = 100_000;
/// Calls that it counts at once, where a tenant has set no limit.
const CALLS: usize = 100_000;
/// Alerts that wait to be taken; beyond it the oldest are lost.
const ALERTS: usize = 1_000;
/// The longest that limits are lifted for: what one says is him lasts no longer than what he can remember.
const LONGEST_LIFT: Duration = Duration::from_secs(24 * 3_600);
/// What could not last so long is not begun: with its last cents nobody is to make call after call.
const LEAST: Duration = Duration::from_secs(5);
/// Idle accounts are looked for this often, so many at a time.
const TIDY: Duration = Duration::from_secs(60);
const TIDIED_AT_ONCE: usize = 1_000;
/// A limit on numbers of calls below this gives no warning: to have two calls of three is no news.
const WARNS_FROM: u32 = 10;

/// Who caused a call, and pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// A user dialled.
    Dialled(UserId),
    /// A user's forward leads outside.
    Forwarded(UserId),
    /// A user transferred somebody outside.
    Transferred(UserId),
    /// A number's own flow leads outside: no user pays, the limits of tenant, trunk and class hold.
    Flow,
}

impl Origin {
    /// Who pays.
    #[must_use]
    pub fn charged(self) -> Option<UserId> {
        match self {
            Origin::Dialled(user) | Origin::Forwarded(user) | Origin::Transferred(user) => Some(user),
            Origin::Flow => None,
        }
    }
}

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who caused it.
    pub origin: Origin,
    /// The trunk that it leaves by.
    pub trunk: Option<TrunkId>,
    /// As E.164 with `+`; a short number as it is, and then no row of the price list is about it.
    pub number: &'a str,
    /// What kind of number that is.
    pub class: DestinationClass,
}

/// Why a call may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Such numbers are not called.
    Destination(DestinationClass),
    /// The price list does not know the number.
    Unrated,
    /// A limit.
    Limit {
        /// Whose.
        scope: TollScope,
        /// Which.
        limit: TollLimit,
    },
    /// The meter itself has no room.
    Full,
}

impl Reason {
    /// By another trunk the call might be made.
    #[must_use]
    pub fn is_of_trunk(&self) -> bool {
        matches!(
            self,
            Reason::Limit {
                scope: TollScope::Trunk(_),
                ..
            }
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Destination(class) => write!(f, "{class} numbers are not allowed"),
            Reason::Unrated => f.write_str("the price list does not have the number"),
            Reason::Limit { scope, limit } => write!(f, "{} of {scope} is used up", limit.name()),
            Reason::Full => f.write_str("too many calls are counted"),
        }
    }
}

/// The answer to a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The call may be made. It is counted from now on.
    Allow {
        /// Names it.
        ticket: TollTicket,
        /// How long it may last from its answer as things stand now; none = nothing limits it. [`Meter::poll_ending`] tells when it
        /// is over: by then others may have spent, or something was given back.
        longest: Option<Duration>,
    },
    /// It may not.
    Refuse(Reason),
}

/// A call that has to end now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which.
    pub ticket: TollTicket,
    /// Whose limit.
    pub scope: TollScope,
    /// Which limit.
    pub limit: TollLimit,
}

/// Counts the calls of one tenant. See the module.
#[derive(Debug)]
pub struct Meter {
    rules: Rules,
    calendar: Calendar,
    accounts: BTreeMap<TollScope, Account>,
    calls: BTreeMap<TollTicket, Call>,
    /// When more has to be granted to a call.
    due: BTreeSet<(Duration, TollTicket)>,
    next: u64,
    endings: VecDeque<Ending>,
    alerts: VecDeque<TollAlert>,
    tidy_at: Option<Duration>,
    /// The account that was tidied last.
    tidied: Option<TollScope>,
    /// Something was counted since somebody looked.
    changed: bool,
}

impl Meter {
    /// A meter that has counted nothing. Without a price list nothing costs anything; limits on calls and minutes hold.
    ///
    /// # Errors
    /// When limits and prices are in different currencies.
    pub fn new(policy: TollPolicy, rates: Option<Arc<RateTable>>) -> Result<Meter, CurrencyMismatch> {
        Ok(Meter::of(Rules::new(policy, rates)?))
    }

    /// One without a price list: nothing costs anything.
    #[must_use]
    pub fn without_prices(policy: TollPolicy) -> Meter {
        Meter::of(Rules::made(policy, None))
    }

    fn of(rules: Rules) -> Meter {
        Meter {
            rules,
            calendar: Calendar::default(),
            accounts: BTreeMap::new(),
            calls: BTreeMap::new(),
            due: BTreeSet::new(),
            next: 1,
            endings: VecDeque::new(),
            alerts: VecDeque::new(),
            tidy_at: None,
            tidied: None,
            changed: false,
        }
    }

    /// Another policy or price list holds from now on. Calls under way keep their price; what is counted stays.
    ///
    /// # Errors
    /// When limits and prices are in different currencies; then what held before goes on.
    pub fn configure(
        &mut self,
        policy: TollPolicy,
        rates: Option<Arc<RateTable>>,
    ) -> Result<(), CurrencyMismatch> {
        self.rules = Rules::new(policy, rates)?;
        Ok(())
    }

    /// True once after something was counted, given back, lifted or said: then [`Meter::checkpoint`] is worth keeping.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    fn moment(&mut self, now: Now, night: bool) -> Moment {
        self.changed = true;
        self.calendar = self.calendar.at(now.wall, self.rules.utc_offset_min());
        Moment {
            mono: now.mono,
            ms: u64::try_from(now.mono.as_millis()).unwrap_or(u64::MAX),
            calendar: self.calendar,
            night,
        }
    }

    /// True where this trunk takes such numbers.
    #[must_use]
    pub fn is_for(&self, trunk: TrunkId, class: DestinationClass) -> bool {
        class == DestinationClass::Emergency || self.rules.trunk_allows(trunk, class)
    }

    /// May this call be made?
    pub fn ask(&mut self, request: &Request<'_>, now: Now) -> Verdict {
        let is_counted = !matches!(
            request.class,
            DestinationClass::Emergency | DestinationClass::Internal
        );
        if !is_counted {
            return self.issue(Call::uncounted(), None);
        }
        let night = self.rules.is_night(now.wall);
        let moment = self.moment(now, night);
        // Without the plus 118 would be a number in America.
        let number = request
            .number
            .starts_with('+')
            .then(|| Prefix::of_number(request.number))
            .flatten();
        if !self.rules.allows(request, number, night) {
            self.tried(request, &moment, now);
            return Verdict::Refuse(Reason::Destination(request.class));
        }
        // Between tenants of the server nothing is charged; how many calls and how long counts all the same.
        let is_free = request.trunk == Some(TrunkId::INSIDE);
        let number = number.filter(|_| !is_free);
        let rate = match is_free {
            true => Ok(None),
            false => self.price(number, request.class, now),
        };
        let rate = match rate {
            Ok(rate) => rate,
            Err(reason) => return Verdict::Refuse(reason),
        };
        let scopes = self.rules.scopes(request, night);
        if self.calls.len() >= CALLS || self.accounts.len().saturating_add(scopes.len()) > ACCOUNTS {
            return Verdict::Refuse(Reason::Full);
        }
        let mut call = Call::new(scopes, number, request.class, rate, night);
        let limited = self.limited(&scopes, &moment);
        let reach = call.reach(&limited, AtLimit::End, &moment);
        if let Some((scope, limit)) = too_many(&limited, &moment).or_else(|| reach.too_short()) {
            self.alert(scope, limit, Duration::ZERO, &moment, now);
            return Verdict::Refuse(Reason::Limit { scope, limit });
        }
        let longest = match self.rules.policy.at_limit {
            AtLimit::End => reach.bound.map(|_| reach.time),
            AtLimit::Refuse => longest_call(&limited),
        };
        call.granted = call.first_grant(reach.time);
        call.counted = moment.counted();
        self.count(&scopes, call.granted, Begins::Yes, &moment, now);
        self.tidy_at.get_or_insert(now.mono.saturating_add(TIDY));
        self.issue(call, longest)
    }

    fn issue(&mut self, call: Call, longest: Option<Duration>) -> Verdict {
        let ticket = TollTicket(self.next);
        self.next = self.next.wrapping_add(1);
        self.calls.insert(ticket, call);
        Verdict::Allow { ticket, longest }
    }

    /// What a call that is answered now costs; nothing where there is no list, and where none is needed.
    fn price(
        &self,
        number: Option<Prefix>,
        class: DestinationClass,
        now: Now,
    ) -> Result<Option<Rate>, Reason> {
        let Some(rates) = &self.rules.rates else {
            return Ok(None);
        };
        let rate = number.and_then(|number| rates.rate(number, now.wall));
        let may_lack = class == DestinationClass::TollFree || self.rules.policy.unrated == Unrated::Allow;
        if rate.is_none() && !may_lack {
            return Err(Reason::Unrated);
        }
        Ok(rate)
    }

    /// The call was answered.
    pub fn answered(&mut self, ticket: TollTicket, now: Now) {
        let Some(call) = self.calls.get_mut(&ticket).filter(|call| call.answered.is_none()) else {
            return;
        };
        let (number, night, granted, counted) = (call.number, call.night, call.granted, call.counted);
        call.answered = Some(Answer {
            at: now.mono,
            before: Duration::ZERO,
        });
        call.granted = Grant::default();
        let scopes = call.scopes;
        let moment = self.moment(now, night);
        for scope in scopes.iter().flatten() {
            if let Some(account) = self.accounts.get_mut(scope) {
                account.give_back(granted, counted, &moment);
            }
        }
        // The row is that in effect at the answer; a call may ring over midnight.
        let rates = self.rules.rates.as_ref();
        let rate = number
            .zip(rates)
            .and_then(|(number, rates)| rates.rate(number, now.wall));
        if let (Some(rate), Some(call)) = (rate, self.calls.get_mut(&ticket)) {
            call.rate = Some(rate);
        }
        self.extend(ticket, now);
    }

    /// The call is over, or did not come about. `None` for a ticket that is not known, or not any more.
    pub fn ended(&mut self, ticket: TollTicket, now: Now) -> Option<Charge> {
        let call = self.calls.remove(&ticket)?;
        if let Some(due) = call.due {
            self.due.remove(&(due, ticket));
        }
        let moment = self.moment(now, call.night);
        let used = call.used(now.mono);
        let more = Grant {
            money: used
                .money
                .saturating_sub(call.granted.money)
                .max(model::Money::ZERO),
            talk: used.talk.saturating_sub(call.granted.talk),
        };
        let less = Grant {
            money: call
                .granted
                .money
                .saturating_sub(used.money)
                .max(model::Money::ZERO),
            talk: call.granted.talk.saturating_sub(used.talk),
        };
        for scope in call.scopes.iter().flatten() {
            if let Some(account) = self.accounts.get_mut(scope) {
                account.live = account.live.saturating_sub(1);
                account.give_back(less, call.counted, &moment);
            }
        }
        if more != Grant::default() {
            self.count(&call.scopes, more, Begins::No, &moment, now);
        }
        let currency = self.rules.rates.as_ref().map(|rates| rates.currency());
        Some(call.charge(now.mono).unwrap_or(Rate::nothing(currency)))
    }

    /// A call that rings is to be asked for anew, as one that goes elsewhere: nothing of it counts any more, nor that it has begun.
    pub fn withdrawn(&mut self, ticket: TollTicket, now: Now) {
        let Some(call) = self.calls.get(&ticket).filter(|call| call.answered.is_none()) else {
            return;
        };
        let (scopes, moment) = (call.scopes, self.moment(now, call.night));
        for scope in scopes.iter().flatten() {
            if let Some(account) = self.accounts.get_mut(scope) {
                account.begins_elsewhere(&moment);
            }
        }
        self.ended(ticket, now);
    }

    /// When [`Meter::handle_timeout`] is due, by the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let due = self.due.first().map(|(due, _)| *due);
        due.into_iter().chain(self.tidy_at).min()
    }

    /// Grants more to calls whose grant is nearly used up, or ends them.
    pub fn handle_timeout(&mut self, now: Now) {
        while let Some((due, ticket)) = self.due.first().copied().filter(|(due, _)| *due <= now.mono) {
            self.due.remove(&(due, ticket));
            self.extend(ticket, now);
        }
        if self.tidy_at.is_some_and(|at| at <= now.mono) {
            self.tidy(now);
        }
    }

    /// A call that has to end now. One that does not is named again after some seconds.
    pub fn poll_ending(&mut self) -> Option<Ending> {
        let endings = &mut self.endings;
        std::iter::from_fn(|| endings.pop_front()).find(|ending| self.calls.contains_key(&ending.ticket))
    }

    /// Something that somebody ought to know.
    pub fn poll_alert(&mut self) -> Option<TollAlert> {
        self.alerts.pop_front()
    }

    /// "It was me": the limits of a scope don't count for so long, at most 24 hours. What is used is counted further, other scopes'
    /// limits hold, and destinations that are not allowed stay so. Returns for how long.
    pub fn lift(&mut self, scope: TollScope, time: Duration, now: Now) -> Duration {
        let time = time.min(LONGEST_LIFT);
        if !self.accounts.contains_key(&scope) && self.accounts.len() >= ACCOUNTS {
            return Duration::ZERO;
        }
        let account = self.accounts.entry(scope).or_default();
        account.lifted = Some(now.mono.saturating_add(time));
        self.changed = true;
        account.notes.clear();
        self.tidy_at.get_or_insert(now.mono.saturating_add(TIDY));
        time
    }

    /// Accounts that are remembered.
    #[must_use]
    pub fn accounts(&self) -> usize {
        self.accounts.len()
    }

    /// Calls that ring or last.
    #[must_use]
    pub fn calls(&self) -> usize {
        self.calls.len()
    }

    /// Somebody called what is not allowed: an alert at once where fraud is after such numbers, else when it goes on.
    fn tried(&mut self, request: &Request<'_>, moment: &Moment, now: Now) {
        use DestinationClass::{HighRisk, Premium, Satellite};
        let scope = request
            .origin
            .charged()
            .map_or(TollScope::Tenant, TollScope::User);
        if self.accounts.len() >= ACCOUNTS {
            return;
        }
        let account = self.accounts.entry(scope).or_default();
        let tries = account.tried(moment);
        let is_risky = matches!(request.class, HighRisk | Premium | Satellite);
        let level = if is_risky || tries >= TRIES {
            TollLevel::Alert
        } else {
            TollLevel::Warning
        };
        if account.note(None, level, moment) {
            let cause = TollCause::Destination {
                class: request.class,
                tries: u32::try_from(tries).unwrap_or(u32::MAX),
            };
            say(&mut self.alerts, level, scope, cause, now);
        }
        self.tidy_at.get_or_insert(now.mono.saturating_add(TIDY));
    }

    fn tidy(&mut self, now: Now) {
        use std::ops::Bound::{Excluded, Unbounded};
        let moment = self.moment(now, false);
        let from = self.tidied.map_or(Unbounded, Excluded);
        let mut gone = Vec::new();
        self.tidied = None;
        for (scope, account) in self.accounts.range_mut((from, Unbounded)).take(TIDIED_AT_ONCE) {
            self.tidied = Some(*scope);
            if account.tidy(&moment) {
                gone.push(*scope);
            }
        }
        for scope in gone {
            self.accounts.remove(&scope);
        }
        // Where everything was looked at and nothing happens there is nothing more to forget, until somebody calls again.
        let end = self
            .tidied
            .is_none_or(|last| self.accounts.range((Excluded(last), Unbounded)).next().is_none());
        if end {
            self.tidied = None;
        }
        let busy = !end
            || self
                .accounts
                .values()
                .any(|account| account.live > 0 || account.recent.is_some());
        self.tidy_at = busy.then(|| now.mono.saturating_add(TIDY));
    }
}

/// Keeps an alert until it is taken.
fn say(alerts: &mut VecDeque<TollAlert>, level: TollLevel, scope: TollScope, cause: TollCause, now: Now) {
    if alerts.len() >= ALERTS {
        alerts.pop_front();
    }
    alerts.push_back(TollAlert {
        level,
        scope,
        cause,
        at: now.wall,
    });
}
