//! Both directions of one session at one end.
//!
//! Does not own: which sessions there are (`side`).

use crate::frame::{Body, Frame, Term};
use model::MediaSessionId;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// What is not acknowledged within this is said again.
const REPEAT: Duration = Duration::from_millis(200);
/// The time between repetitions doubles up to this.
const LONGEST_REPEAT: Duration = Duration::from_secs(4);
/// A session about which nothing was heard for so long is asked about.
const IDLE: Duration = Duration::from_secs(20);
/// Repetitions that nobody answers before the other end counts as gone: some 34 s. They are counted, and not the time, so that a
/// process that was stopped for a while does not take its own sleep for the other's death.
const MOST_TRIES: u32 = 12;
/// The time in which a dead end is noticed: an idle session is asked about, and nobody answers.
pub const EXPIRY: Duration = Duration::from_secs(60);
/// Items repeated at once.
const BURST: usize = 32;
/// Items that may arrive before one that is missing.
const EARLY: u32 = 64;
/// Items that may wait for their acknowledgement. A session that has more is lost: its other end has not answered for long.
const MOST_UNACKNOWLEDGED: usize = 1_024;

/// One session at one end, which says `Out` and hears `In`.
pub(crate) struct Stream<Out, In> {
    /// Epoch and turn.
    pub(crate) term: Term,
    pub(crate) life: u64,
    /// The session has ended: what is unacknowledged is its last word.
    pub(crate) is_over: bool,
    unacknowledged: VecDeque<(u32, Out)>,
    said: u32,
    heard: u32,
    early: BTreeMap<u32, In>,
    /// The other end waits for an acknowledgement.
    pub(crate) owes: bool,
    tries: u32,
    due: Duration,
    /// When the side looks at it next.
    pub(crate) armed: Duration,
}

impl<Out: Clone, In> Stream<Out, In> {
    pub(crate) fn new(term: Term, life: u64, now: Duration) -> Stream<Out, In> {
        Stream {
            term,
            life,
            is_over: false,
            unacknowledged: VecDeque::new(),
            said: 0,
            heard: 0,
            early: BTreeMap::new(),
            owes: false,
            tries: 0,
            due: now.saturating_add(IDLE),
            armed: Duration::MAX,
        }
    }

    /// A frame about this session.
    pub(crate) fn frame(&mut self, session: MediaSessionId, body: Body<Out>) -> Frame<Out> {
        self.owes = false;
        let (epoch, turn) = self.term;
        Frame {
            session,
            epoch,
            turn,
            life: self.life,
            ack: self.heard,
            body,
        }
    }

    /// Numbers what is said and keeps it until it is acknowledged.
    pub(crate) fn say(&mut self, item: Out, now: Duration) -> Body<Out> {
        self.said = self.said.saturating_add(1);
        if self.unacknowledged.is_empty() {
            self.tries = 0;
            self.due = now.saturating_add(REPEAT);
        }
        self.unacknowledged.push_back((self.said, item.clone()));
        Body::Item {
            number: self.said,
            item,
        }
    }

    /// Hears a frame; `items` gets what is next in order.
    pub(crate) fn hear(&mut self, ack: u32, body: Body<In>, now: Duration, items: &mut Vec<In>) {
        let waited = self.unacknowledged.len();
        if ack <= self.said {
            while self.unacknowledged.pop_front_if(|(n, _)| *n <= ack).is_some() {}
        }
        self.tries = 0;
        if self.unacknowledged.is_empty() {
            self.due = now.saturating_add(IDLE);
        } else if self.unacknowledged.len() < waited {
            self.due = now.saturating_add(REPEAT);
        }
        match body {
            Body::Item { number, item } => {
                self.owes = true;
                if number > self.heard && number <= self.heard.saturating_add(EARLY) {
                    self.early.insert(number, item);
                }
                while let Some(item) = self.early.remove(&self.heard.saturating_add(1)) {
                    self.heard = self.heard.saturating_add(1);
                    items.push(item);
                }
            }
            Body::Audit => self.owes = true,
            Body::Ack | Body::Gone => {}
        }
    }

    /// True when the last word has been heard.
    pub(crate) fn is_done(&self) -> bool {
        self.is_over && self.unacknowledged.is_empty()
    }

    /// When to look at it.
    pub(crate) fn due(&self) -> Duration {
        self.due
    }

    /// Says again what is unacknowledged, or asks about the session, if it is time. False when nobody is there.
    pub(crate) fn look(
        &mut self,
        session: MediaSessionId,
        now: Duration,
        frames: &mut VecDeque<Frame<Out>>,
    ) -> bool {
        if now < self.due {
            return true;
        }
        if self.tries >= MOST_TRIES || self.unacknowledged.len() > MOST_UNACKNOWLEDGED {
            return false;
        }
        let again: Vec<_> = self.unacknowledged.iter().take(BURST).cloned().collect();
        if again.is_empty() {
            frames.push_back(self.frame(session, Body::Audit));
        }
        for (number, item) in again {
            frames.push_back(self.frame(session, Body::Item { number, item }));
        }
        self.tries = self.tries.saturating_add(1);
        let wait = REPEAT.saturating_mul(1 << self.tries.min(8));
        self.due = now.saturating_add(wait.min(LONGEST_REPEAT));
        true
    }
}
