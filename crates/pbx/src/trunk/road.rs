//! The way to a carrier: its places by DNS, and a socket to the one that is used now.
//!
//! Owns: which place is next, how long an answer of the DNS is good, when nothing is tried for a while. Does not own: names and
//! sockets; the shell is asked by [`Ask`] and answers in its own time, or never.

use crate::wait::grown;
use model::{FlowToken, Locate, LocateOutcome, Located, Place, Reach, Transport, TrunkDraft};
use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// The shell answers within this, or it is as if it had failed.
const LONGEST_ASK: Duration = Duration::from_secs(15);
/// Places are good for so long at least, whatever the DNS says.
const SHORTEST: Duration = Duration::from_secs(5);
/// After all places have failed, or the DNS has, nothing is tried for so long, at first and at most.
const REST: (Duration, Duration) = (Duration::from_secs(2), Duration::from_secs(60));
/// For so long at least after all of them have failed calls prefer another trunk.
const DOUBT: Duration = Duration::from_secs(20);

#[derive(Clone, Debug)]
enum Stage {
    /// Nothing is known.
    Nowhere,
    /// Asked for places, or for a socket; given up at this time.
    Asked(Duration),
    Open(FlowToken),
    /// Nothing is tried until then.
    Resting(Duration),
}

/// What the shell is asked.
#[derive(Clone, Debug)]
pub(crate) enum Ask {
    Locate(Locate),
    Reach(Reach),
}

/// What there is to do before something can be sent.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// It can be sent.
    Go(FlowToken),
    /// Ask the shell, and wait.
    Ask(Ask),
    /// Wait.
    Wait,
    /// There is no way now.
    Closed,
}

/// The way to one carrier.
#[derive(Clone, Debug)]
pub(crate) struct Road {
    stage: Stage,
    /// Tells answers to what was asked last from late ones.
    order: u64,
    places: Vec<Place>,
    /// Those of before, while new ones are asked for: calls may come from there all the same.
    before: Vec<Place>,
    /// The one that is used, or tried next.
    at: usize,
    /// How long the places are good.
    until: Duration,
    /// Times in a row that all of them have failed.
    rests: u32,
    /// Until then another trunk is the better choice.
    doubtful: Duration,
    /// Places that were tried in vain since one has answered.
    tried: usize,
    /// The one that answered last: it goes before those that the DNS says first.
    good: Option<SocketAddr>,
}

impl Road {
    /// `first` makes the orders of one life differ from those of another.
    pub(crate) fn new(first: u64) -> Road {
        Road {
            stage: Stage::Nowhere,
            order: first,
            places: Vec::new(),
            before: Vec::new(),
            at: 0,
            until: Duration::ZERO,
            rests: 0,
            doubtful: Duration::ZERO,
            tried: 0,
            good: None,
        }
    }

    /// When something changes by itself.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        match self.stage {
            Stage::Asked(until) | Stage::Resting(until) => Some(until),
            Stage::Nowhere | Stage::Open(_) => None,
        }
    }

    /// Where what is to be sent now can go.
    pub(crate) fn step(&mut self, draft: &TrunkDraft, now: Duration, dice: u64) -> Step {
        if matches!(self.stage, Stage::Asked(until) if until <= now) {
            // The shell has said nothing.
            self.failed(now, dice);
        }
        match self.stage {
            Stage::Asked(_) => return Step::Wait,
            Stage::Resting(until) if until > now => return Step::Closed,
            // The connection stays while it is good; its name is asked for anew when it has gone.
            Stage::Open(flow) if self.is_good(now) || flow.transport.is_reliable() => return Step::Go(flow),
            Stage::Nowhere | Stage::Open(_) | Stage::Resting(_) => {}
        }
        if !self.is_good(now) {
            let old = std::mem::take(&mut self.places);
            if !old.is_empty() {
                self.before = old;
            }
        }
        self.order = self.order.wrapping_add(1);
        self.stage = Stage::Asked(now.saturating_add(LONGEST_ASK));
        match self.places.get(self.at) {
            Some(place) => Step::Ask(Ask::Reach(Reach {
                order: self.order,
                place: place.clone(),
                verify: draft.tls_verify,
                certificate: draft.tls_certificate,
            })),
            None => {
                let (host, port) = draft.next_hop();
                Step::Ask(Ask::Locate(Locate {
                    order: self.order,
                    host: host.into(),
                    port,
                    transport: draft.transport,
                    secure: draft.transport == Some(Transport::Tls),
                }))
            }
        }
    }

    /// Are the places those to be used? What was found is tried to its end, however long that takes: each may cost half a minute,
    /// and a new list would begin with the first again.
    fn is_good(&self, now: Duration) -> bool {
        self.until > now || self.tried > 0
    }

    /// Which way it is: what is said of another one is old.
    pub(crate) fn order(&self) -> u64 {
        self.order
    }

    /// The place that is used, or tried.
    pub(crate) fn place(&self) -> Option<&Place> {
        self.places.get(self.at)
    }

    /// The DNS has answered. Gives whether that was asked.
    pub(crate) fn located(&mut self, located: &Located, now: Duration, dice: u64) -> bool {
        if located.order != self.order || !matches!(self.stage, Stage::Asked(_)) {
            return false;
        }
        match &located.outcome {
            LocateOutcome::Found { places, ttl_s } if !places.is_empty() => {
                self.places.clone_from(places);
                let good = places.iter().position(|place| Some(place.address) == self.good);
                (self.at, self.tried) = (good.unwrap_or(0), 0);
                self.until = now.saturating_add(Duration::from_secs(u64::from(*ttl_s)).max(SHORTEST));
                self.stage = Stage::Nowhere;
            }
            _ => self.rest(now, dice),
        }
        true
    }

    /// A socket to the place is there, or can't be had.
    pub(crate) fn reached(&mut self, order: u64, flow: Option<FlowToken>, now: Duration, dice: u64) -> bool {
        if order != self.order || !matches!(self.stage, Stage::Asked(_)) {
            return false;
        }
        match flow {
            Some(flow) => self.stage = Stage::Open(flow),
            None => self.failed(now, dice),
        }
        true
    }

    /// The place answers that it can't (503): the next one is tried, and the first again after the last.
    pub(crate) fn refused(&mut self) {
        self.rests = 0;
        if self.places.len() > 1 {
            self.go_on();
        }
    }

    /// Nobody answers at the place: the next one is tried, and after the last all rest.
    pub(crate) fn failed(&mut self, now: Duration, dice: u64) {
        self.tried = self.tried.saturating_add(1);
        if self.tried < self.places.len() {
            self.go_on();
        } else {
            self.rest(now, dice);
        }
    }

    fn go_on(&mut self) {
        self.order = self.order.wrapping_add(1);
        self.at = (self.at + 1) % self.places.len().max(1);
        self.stage = Stage::Nowhere;
    }

    /// An answer has come from the place.
    pub(crate) fn works(&mut self) {
        (self.rests, self.tried, self.doubtful) = (0, 0, Duration::ZERO);
        self.good = self.place().map(|place| place.address);
    }

    /// A connection is gone; gives whether it was this one. The same place is tried first.
    pub(crate) fn closed(&mut self, worker: u16, connection: u64) -> bool {
        let is_this = matches!(self.stage, Stage::Open(flow)
            if flow.transport.is_reliable() && flow.worker == worker && flow.connection == connection);
        if is_this {
            self.stage = Stage::Nowhere;
        }
        is_this
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }

    /// The hosts of all of them.
    pub(crate) fn hosts(&self) -> BTreeSet<IpAddr> {
        let known = if self.places.is_empty() {
            &self.before
        } else {
            &self.places
        };
        known
            .iter()
            .map(|place| place.address.ip().to_canonical())
            .collect()
    }

    /// Nothing is tried for a while.
    pub(crate) fn is_resting(&self) -> bool {
        matches!(self.stage, Stage::Resting(_))
    }

    /// Something may be tried again: the rest is over, or somebody calls for help and can't wait for its end.
    pub(crate) fn wakes(&mut self, now: Duration, is_needed: bool) {
        if matches!(self.stage, Stage::Resting(until) if until <= now || is_needed) {
            self.stage = Stage::Nowhere;
        }
    }

    /// Until when calls prefer another trunk.
    pub(crate) fn doubtful(&self) -> Duration {
        self.doubtful
    }

    /// The socket, while there is one.
    pub(crate) fn flow(&self) -> Option<FlowToken> {
        match self.stage {
            Stage::Open(flow) => Some(flow),
            _ => None,
        }
    }

    fn rest(&mut self, now: Duration, dice: u64) {
        let wait = grown(REST, self.rests, dice);
        self.rests = self.rests.saturating_add(1);
        self.order = self.order.wrapping_add(1);
        (self.at, self.tried, self.until) = (0, 0, Duration::ZERO);
        self.doubtful = now.saturating_add(wait.max(DOUBT));
        self.stage = Stage::Resting(now.saturating_add(wait));
    }
}
