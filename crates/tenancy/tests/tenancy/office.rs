//! A tenant's meter on simulated time, driven as `pbx` will: calls that have to end are ended at once.

use crate::rate::{carrier, money};
use model::{
    Charge, DestinationClass, Now, TollAlert, TollAmount, TollLimit, TollPolicy, TollScope, TollTicket,
    TrunkId, UserId, Wall,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tenancy::{Ending, Meter, Origin, RateTable, Request, Verdict};

/// Wednesday, 2026-11-25 12:00 UTC.
const NOON: Wall = Wall(1_795_608_000_000);

pub(crate) fn at(ms: u64) -> Now {
    Now {
        mono: Duration::from_millis(ms),
        wall: NOON.after(Duration::from_millis(ms)),
    }
}

pub(crate) fn user(id: u64) -> TollScope {
    TollScope::User(UserId(id))
}

pub(crate) fn eur(text: &str) -> TollAmount {
    TollAmount::Money(money(text))
}

/// A user dials an ordinary number at home.
pub(crate) fn request(user: u64, number: &str) -> Request<'_> {
    Request {
        origin: Origin::Dialled(UserId(user)),
        trunk: Some(TrunkId(1)),
        number,
        class: DestinationClass::National,
    }
}

pub(crate) struct Office {
    pub(crate) meter: Meter,
    pub(crate) now_ms: u64,
    /// What the wall clock is wrong by.
    pub(crate) wrong_ms: i64,
    /// How late somebody is who has to end a call.
    pub(crate) late_ms: u64,
    /// Calls that the meter ended, and when.
    pub(crate) endings: Vec<(u64, Ending)>,
    pub(crate) charges: BTreeMap<TollTicket, Charge>,
}

impl Office {
    pub(crate) fn new(policy: TollPolicy) -> Office {
        Office::with(policy, carrier())
    }

    pub(crate) fn with(policy: TollPolicy, rates: RateTable) -> Office {
        Office {
            meter: Meter::new(policy, Some(Arc::new(rates))).unwrap(),
            now_ms: 0,
            wrong_ms: 0,
            late_ms: 0,
            endings: Vec::new(),
            charges: BTreeMap::new(),
        }
    }

    pub(crate) fn now(&self) -> Now {
        let now = at(self.now_ms);
        Now {
            wall: Wall(now.wall.0.saturating_add_signed(self.wrong_ms)),
            ..now
        }
    }

    pub(crate) fn ask(&mut self, request: &Request<'_>) -> Verdict {
        self.meter.ask(request, self.now())
    }

    /// Asks, and gives the call up at once.
    pub(crate) fn allows(&mut self, request: &Request<'_>) -> bool {
        match self.ask(request) {
            Verdict::Allow { ticket, .. } => {
                self.meter.ended(ticket, self.now());
                true
            }
            Verdict::Refuse(_) => false,
        }
    }

    pub(crate) fn ring(&mut self, request: &Request<'_>) -> TollTicket {
        match self.ask(request) {
            Verdict::Allow { ticket, .. } => ticket,
            Verdict::Refuse(reason) => panic!("{reason}: {request:?}"),
        }
    }

    pub(crate) fn call(&mut self, request: &Request<'_>) -> TollTicket {
        let ticket = self.ring(request);
        self.answer(ticket);
        ticket
    }

    pub(crate) fn answer(&mut self, ticket: TollTicket) {
        self.meter.answered(ticket, self.now());
    }

    pub(crate) fn end(&mut self, ticket: TollTicket) -> Charge {
        self.meter.ended(ticket, self.now()).unwrap()
    }

    pub(crate) fn used(&mut self, scope: TollScope, limit: TollLimit) -> TollAmount {
        self.meter.used(scope, limit, self.now())
    }

    pub(crate) fn alerts(&mut self) -> Vec<TollAlert> {
        std::iter::from_fn(|| self.meter.poll_alert()).collect()
    }

    pub(crate) fn wait(&mut self, seconds: u64) {
        self.wait_ms(seconds * 1_000);
    }

    /// Time passes; what is due happens when it is due.
    pub(crate) fn wait_ms(&mut self, ms: u64) {
        let end = self.now_ms + ms;
        while let Some(due) = self.meter.poll_timeout() {
            let due = u64::try_from(due.as_nanos().div_ceil(1_000_000)).unwrap();
            if due > end {
                break;
            }
            self.now_ms = self.now_ms.max(due);
            self.meter.handle_timeout(self.now());
            self.end_calls();
        }
        self.now_ms = self.now_ms.max(end);
        self.end_calls();
    }

    fn end_calls(&mut self) {
        while let Some(ending) = self.meter.poll_ending() {
            self.endings.push((self.now_ms, ending));
            let now = at(self.now_ms + self.late_ms);
            if let Some(charge) = self.meter.ended(ending.ticket, now) {
                self.charges.insert(ending.ticket, charge);
            }
        }
    }
}
