//! What one scope has used, and how much of its limits is left.

use super::window::{Hour, Minute, Second};
use crate::calendar::Calendar;
use model::{Money, TollAmount, TollLevel, TollLimit, TollLimits};
use std::time::Duration;

/// A note about something without a calendar period holds so long.
pub(super) const NOTE_MS: i64 = 3_600_000;
/// So many calls within an hour to what is not allowed are more than a mistake.
pub(super) const TRIES: i64 = 5;

/// Both clocks, as accounts need them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) mono: Duration,
    /// The same in milliseconds.
    pub(super) ms: u64,
    pub(super) calendar: Calendar,
    pub(super) night: bool,
}

/// What one scope has used.
#[derive(Clone, Debug, Default)]
pub(super) struct Account {
    /// Calls that ring or last.
    pub(super) live: u32,
    /// What happened within the last hour; none when nothing did.
    pub(super) recent: Option<Box<Recent>>,
    /// The day and month that are counted.
    pub(super) day: i64,
    pub(super) month: i64,
    pub(super) spent_month: Money,
    /// By day and by night.
    pub(super) spent: [Spent; 2],
    /// Limits don't count until then.
    pub(super) lifted: Option<Duration>,
    /// What has been said.
    pub(super) notes: Vec<Note>,
}

/// Windows; most accounts are idle most of the time and have none.
#[derive(Clone, Debug, Default)]
pub(super) struct Recent {
    second: Second,
    minute: Minute,
    /// Calls to what is not allowed.
    tries: Hour,
    /// By day and by night.
    pub(super) hour: [Hour; 2],
}

/// What was used in a day under one profile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Spent {
    pub(super) day: Money,
    pub(super) talk: Duration,
}

/// Something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Note {
    /// None: about destinations.
    pub(super) limit: Option<TollLimit>,
    pub(super) level: TollLevel,
    /// The day (twice that, and one more at night) or month; else monotonic milliseconds.
    pub(super) mark: i64,
}

/// Something that is counted when a call goes on, to be given back when it ends before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) money: Money,
    pub(super) talk: Duration,
}

/// When something was counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Monotonic milliseconds.
    pub(super) ms: u64,
    pub(super) day: i64,
    pub(super) month: i64,
}

impl Moment {
    pub(super) fn counted(&self) -> Counted {
        Counted {
            ms: self.ms,
            day: self.calendar.day,
            month: self.calendar.month,
        }
    }

    fn mark(&self) -> i64 {
        i64::try_from(self.ms).unwrap_or(i64::MAX)
    }
}

impl Account {
    /// True while its limits don't count.
    pub(super) fn is_lifted(&self, now: Duration) -> bool {
        self.lifted.is_some_and(|until| now < until)
    }

    /// Begins the day and month that it is. Where the calendar has gone back what was counted is kept.
    pub(super) fn roll(&mut self, calendar: &Calendar) {
        if self.day < calendar.day {
            self.spent = [Spent::default(); 2];
        }
        if self.month < calendar.month {
            self.spent_month = Money::ZERO;
        }
        (self.day, self.month) = (calendar.day, calendar.month);
    }

    fn today(&self, moment: &Moment) -> Spent {
        let spent = self.spent.get(usize::from(moment.night)).copied();
        spent
            .filter(|_| self.day >= moment.calendar.day)
            .unwrap_or_default()
    }

    fn this_month(&self, moment: &Moment) -> Money {
        if self.month < moment.calendar.month {
            return Money::ZERO;
        }
        self.spent_month
    }

    fn hour(&self, moment: &Moment) -> Money {
        let recent = self.recent.as_ref();
        let hour = recent.and_then(|recent| recent.hour.get(usize::from(moment.night)));
        Money::from_micros(hour.map_or(0, |hour| hour.sum(moment.ms)))
    }

    fn calls(&self, limit: TollLimit, moment: &Moment) -> u64 {
        let recent = self.recent.as_ref();
        let sum = match limit {
            TollLimit::Concurrent => return u64::from(self.live),
            TollLimit::CallsPerS => recent.map_or(0, |recent| recent.second.sum(moment.ms)),
            _ => recent.map_or(0, |recent| recent.minute.sum(moment.ms)),
        };
        u64::try_from(sum).unwrap_or(0)
    }

    /// What has been used of a limit.
    pub(super) fn value(&self, limit: TollLimit, moment: &Moment) -> TollAmount {
        match limit {
            TollLimit::Concurrent | TollLimit::CallsPerS | TollLimit::CallsPerMin => {
                TollAmount::Calls(self.calls(limit, moment))
            }
            TollLimit::MinutesPerDay => TollAmount::Seconds(self.today(moment).talk.as_secs()),
            TollLimit::SpendPerHour => TollAmount::Money(self.hour(moment)),
            TollLimit::SpendPerDay => TollAmount::Money(self.today(moment).day),
            TollLimit::SpendPerMonth => TollAmount::Money(self.this_month(moment)),
            TollLimit::LongestCall => TollAmount::Seconds(0),
        }
    }

    /// The limit on numbers of calls that one more would pass.
    pub(super) fn too_many(&self, limits: &TollLimits, moment: &Moment) -> Option<TollLimit> {
        let full = |limit: TollLimit, most: Option<u32>| {
            let most = most?;
            (self.calls(limit, moment) >= u64::from(most)).then_some(limit)
        };
        full(TollLimit::Concurrent, limits.concurrent)
            .or_else(|| full(TollLimit::CallsPerS, limits.calls_per_s))
            .or_else(|| full(TollLimit::CallsPerMin, limits.calls_per_min))
    }

    /// The money that may still be counted, and the limit that says so.
    pub(super) fn money_left(&self, limits: &TollLimits, moment: &Moment) -> Option<(Money, TollLimit)> {
        let left =
            |most: Option<Money>, used: Money, limit: TollLimit| Some((most?.saturating_sub(used), limit));
        [
            left(limits.spend_per_hour, self.hour(moment), TollLimit::SpendPerHour),
            left(
                limits.spend_per_day,
                self.today(moment).day,
                TollLimit::SpendPerDay,
            ),
            left(
                limits.spend_per_month,
                self.this_month(moment),
                TollLimit::SpendPerMonth,
            ),
        ]
        .into_iter()
        .flatten()
        .min_by_key(|(money, _)| *money)
    }

    /// The talk that may still be counted.
    pub(super) fn talk_left(&self, limits: &TollLimits, moment: &Moment) -> Option<Duration> {
        let most = Duration::from_secs(u64::from(limits.minutes_per_day?) * 60);
        Some(most.saturating_sub(self.today(moment).talk))
    }

    /// A call begins.
    pub(super) fn begin(&mut self, moment: &Moment) {
        self.live = self.live.saturating_add(1);
        let recent = self.recent.get_or_insert_default();
        recent.second.add(moment.ms, 1);
        recent.minute.add(moment.ms, 1);
    }

    /// A call that has begun begins elsewhere.
    pub(super) fn begins_elsewhere(&mut self, moment: &Moment) {
        let recent = self.recent.get_or_insert_default();
        recent.second.add(moment.ms, -1);
        recent.minute.add(moment.ms, -1);
    }

    /// Something is counted.
    pub(super) fn count(&mut self, grant: Grant, moment: &Moment) {
        self.roll(&moment.calendar);
        let night = usize::from(moment.night);
        if let Some(spent) = self.spent.get_mut(night) {
            spent.day = spent.day.saturating_add(grant.money);
            spent.talk = spent.talk.saturating_add(grant.talk);
        }
        self.spent_month = self.spent_month.saturating_add(grant.money);
        if grant.money != Money::ZERO
            && let Some(hour) = self.recent.get_or_insert_default().hour.get_mut(night)
        {
            hour.add(moment.ms, grant.money.micros());
        }
    }

    /// Some of what was counted at a time turns out not to be used.
    pub(super) fn give_back(&mut self, grant: Grant, counted: Counted, moment: &Moment) {
        self.roll(&moment.calendar);
        let night = usize::from(moment.night);
        if let Some(spent) = self.spent.get_mut(night)
            && self.day <= counted.day
        {
            spent.day = spent.day.saturating_sub(grant.money).max(Money::ZERO);
            spent.talk = spent.talk.saturating_sub(grant.talk);
        }
        if self.month <= counted.month {
            self.spent_month = self.spent_month.saturating_sub(grant.money).max(Money::ZERO);
        }
        let recent = self.recent.as_mut();
        if let Some(hour) = recent.and_then(|recent| recent.hour.get_mut(night)) {
            hour.take(counted.ms, grant.money.micros());
        }
    }

    /// A call to what is not allowed; how many there were within the hour.
    pub(super) fn tried(&mut self, moment: &Moment) -> i64 {
        let tries = &mut self.recent.get_or_insert_default().tries;
        tries.add(moment.ms, 1);
        tries.sum(moment.ms)
    }

    /// True when this has not been said yet in its period; then it is noted.
    pub(super) fn note(&mut self, limit: Option<TollLimit>, level: TollLevel, moment: &Moment) -> bool {
        let mark = match limit {
            Some(TollLimit::MinutesPerDay | TollLimit::SpendPerDay) => {
                moment.calendar.day * 2 + i64::from(moment.night)
            }
            Some(TollLimit::SpendPerMonth) => moment.calendar.month,
            _ => moment.mark(),
        };
        let is_calendar = is_calendar(limit);
        let holds = |note: &Note| match is_calendar {
            true => note.mark >= mark,
            false => mark.saturating_sub(note.mark) < NOTE_MS,
        };
        let note = Note { limit, level, mark };
        match self.notes.iter_mut().find(|known| known.limit == limit) {
            Some(known) if holds(known) && known.level >= level => return false,
            Some(known) => *known = note,
            None => self.notes.push(note),
        }
        true
    }

    /// Forgets windows that have passed; true when nothing at all is left to remember.
    pub(super) fn tidy(&mut self, moment: &Moment) -> bool {
        let now = moment.mono;
        self.roll(&moment.calendar);
        if self
            .recent
            .as_ref()
            .is_some_and(|recent| recent.is_empty(moment.ms))
        {
            self.recent = None;
        }
        if !self.is_lifted(now) {
            self.lifted = None;
        }
        let (today, month, ms) = (moment.calendar.day * 2, moment.calendar.month, moment.mark());
        self.notes.retain(|note| match note.limit {
            Some(TollLimit::SpendPerMonth) => note.mark >= month,
            limit if is_calendar(limit) => note.mark >= today,
            _ => ms.saturating_sub(note.mark) < NOTE_MS,
        });
        let unused = self.spent_month == Money::ZERO && self.spent == [Spent::default(); 2];
        let quiet = self.recent.is_none() && self.lifted.is_none() && self.notes.is_empty();
        self.live == 0 && unused && quiet
    }
}

/// True for limits whose period is that of the calendar.
pub(super) fn is_calendar(limit: Option<TollLimit>) -> bool {
    matches!(
        limit,
        Some(TollLimit::MinutesPerDay | TollLimit::SpendPerDay | TollLimit::SpendPerMonth)
    )
}

impl Recent {
    fn is_empty(&self, now_ms: u64) -> bool {
        self.second.is_empty(now_ms)
            && self.minute.is_empty(now_ms)
            && self.tries.is_empty(now_ms)
            && self.hour.iter().all(|hour| hour.is_empty(now_ms))
    }
}
