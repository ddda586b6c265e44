//! A meter as plain data, and back.

use super::account::{Account, Counted, Grant, Note, Recent, Spent, is_calendar};
use super::call::{Answer, Call};
use super::{CurrencyMismatch, Meter, TIDY};
use crate::calendar::Calendar;
use crate::rate::{Rate, RateTable};
use model::{
    Money, Now, TollAccount, TollCall, TollCheckpoint, TollNote, TollPolicy, TollScope, TollSpent, TollTicket,
};
use std::sync::Arc;
use std::time::Duration;

impl Meter {
    /// Everything that is counted. Windows of a second and a minute are left out: they are over before a process is back.
    #[must_use]
    pub fn checkpoint(&self, now: Now) -> TollCheckpoint {
        let mono = now.mono;
        let calendar = self.calendar.at(now.wall, self.rules.utc_offset_min());
        TollCheckpoint {
            at: now.wall,
            seen_ms: calendar.seen_ms,
            next: self.next,
            accounts: self
                .accounts
                .iter()
                .map(|(scope, account)| keep(*scope, account, mono))
                .collect(),
            calls: self
                .calls
                .iter()
                .map(|(ticket, call)| TollCall {
                    ticket: *ticket,
                    scopes: call.scopes.into_iter().flatten().collect(),
                    number: call.number,
                    terms: call.rate.map(|rate| rate.terms()),
                    night: call.night,
                    class: call.class,
                    talked_ms: call.answered.map(|answer| ms(answer.talked(mono))),
                    granted_ms: ms(call.granted.talk),
                    granted: call.granted.money,
                })
                .collect(),
        }
    }

    /// A meter that goes on from a checkpoint. The time between is that of the wall clock, and none where that went back. Calls go
    /// on, and cost; whoever finds that one did not survive ends it. Those that rang are given back as they are ended.
    ///
    /// # Errors
    /// When limits and prices are in different currencies.
    pub fn restore(
        policy: TollPolicy,
        rates: Option<Arc<RateTable>>,
        kept: &TollCheckpoint,
        now: Now,
    ) -> Result<Meter, CurrencyMismatch> {
        let mut meter = Meter::new(policy, rates)?;
        let away = now.wall.since(kept.at);
        meter.calendar = Calendar::seen(kept.seen_ms).at(now.wall, meter.rules.utc_offset_min());
        meter.next = kept.next.max(1);
        for account in &kept.accounts {
            meter
                .accounts
                .insert(account.scope, bring_back(account, away, now.mono));
        }
        for call in &kept.calls {
            meter.bring_back(call, away, now);
        }
        meter.tidy_at = Some(now.mono.saturating_add(TIDY));
        Ok(meter)
    }

    /// Ends the calls that nobody knows any more.
    pub fn end_unless(&mut self, is_known: impl Fn(TollTicket) -> bool, now: Now) {
        let lost: Vec<TollTicket> = self
            .calls
            .keys()
            .copied()
            .filter(|ticket| !is_known(*ticket))
            .collect();
        for ticket in lost {
            self.ended(ticket, now);
        }
    }

    fn bring_back(&mut self, kept: &TollCall, away: Duration, now: Now) {
        let mut scopes = [None; 4];
        for scope in &kept.scopes {
            let [user, class, trunk, tenant] = &mut scopes;
            let place = match scope {
                TollScope::User(_) => user,
                TollScope::Class(_) => class,
                TollScope::Trunk(_) => trunk,
                TollScope::Tenant => tenant,
            };
            *place = Some(*scope);
        }
        for scope in scopes.iter().flatten() {
            let account = self.accounts.entry(*scope).or_default();
            account.live = account.live.saturating_add(1);
        }
        let rate = kept.terms.and_then(Rate::from_terms);
        let mut call = Call::new(scopes, kept.number, kept.class, rate, kept.night);
        call.answered = kept.talked_ms.map(|talked| Answer {
            at: now.mono,
            before: Duration::from_millis(talked).saturating_add(away),
        });
        call.granted = Grant {
            money: kept.granted,
            talk: Duration::from_millis(kept.granted_ms),
        };
        call.counted = Counted {
            ms: ms(now.mono),
            day: self.calendar.day,
            month: self.calendar.month,
        };
        if call.answered.is_some() && call.scopes.iter().any(Option::is_some) {
            call.due = Some(now.mono);
            self.due.insert((now.mono, kept.ticket));
        }
        self.next = self.next.max(kept.ticket.0.saturating_add(1));
        self.calls.insert(kept.ticket, call);
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

fn keep(scope: TollScope, account: &Account, now: Duration) -> TollAccount {
    let hours = account.recent.as_ref().map(|recent| &recent.hour);
    let spent = [0, 1].map(|night| {
        let spent = account.spent.get(night).copied().unwrap_or_default();
        let hour = hours
            .and_then(|hours| hours.get(night))
            .map(|hour| hour.ages(ms(now)));
        TollSpent {
            day: spent.day,
            talk_ms: ms(spent.talk),
            hour: hour
                .unwrap_or_default()
                .into_iter()
                .map(|(age, sum)| (age, Money::from_micros(sum)))
                .collect(),
        }
    });
    let aged = |note: &Note| TollNote {
        limit: note.limit,
        level: note.level,
        mark: if is_calendar(note.limit) {
            note.mark
        } else {
            signed_ms(now).saturating_sub(note.mark)
        },
    };
    TollAccount {
        scope,
        day: account.day,
        month: account.month,
        spent_month: account.spent_month,
        spent,
        lifted_ms: account
            .lifted
            .filter(|until| *until > now)
            .map(|until| ms(until.saturating_sub(now))),
        notes: account.notes.iter().map(aged).collect(),
    }
}

fn signed_ms(time: Duration) -> i64 {
    i64::try_from(time.as_millis()).unwrap_or(i64::MAX)
}

fn bring_back(kept: &TollAccount, away: Duration, now: Duration) -> Account {
    let mut recent = Recent::default();
    for (hour, spent) in recent.hour.iter_mut().zip(&kept.spent) {
        let aged = spent
            .hour
            .iter()
            .map(|(age, sum)| (age.saturating_add(ms(away)), sum.micros()));
        hour.put_back(
            ms(now),
            &aged.filter(|(age, _)| *age < 3_900_000).collect::<Vec<_>>(),
        );
    }
    let spent = kept.spent.each_ref().map(|spent| Spent {
        day: spent.day,
        talk: Duration::from_millis(spent.talk_ms),
    });
    let note = |note: &TollNote| Note {
        limit: note.limit,
        level: note.level,
        mark: match note.limit {
            limit if is_calendar(limit) => note.mark,
            _ => signed_ms(now)
                .saturating_sub(note.mark)
                .saturating_sub(signed_ms(away)),
        },
    };
    let lifted = kept
        .lifted_ms
        .map(|left| Duration::from_millis(left).saturating_sub(away));
    Account {
        live: 0,
        recent: Some(Box::new(recent)),
        day: kept.day,
        month: kept.month,
        spent_month: kept.spent_month,
        spent,
        lifted: lifted
            .filter(|left| !left.is_zero())
            .map(|left| now.saturating_add(left)),
        notes: kept.notes.iter().map(note).collect(),
    }
}
