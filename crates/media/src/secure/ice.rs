//! The ICE agent of one leg (RFC 8445), with consent (RFC 7675).
//!
//! Owns: checks, roles, nomination, which sources are valid and which one is used. Does not own: the octets of checks
//! (`rtp::stun::connectivity`), and what goes over the path.
//!
//! We are a full agent with one host candidate and one component, so a pair is an address of the leg's. Lite agents are
//! served, too: they send no checks and follow ours. What has not the right name and password is not answered at all:
//! who sprays a port learns nothing. Addresses that a leg names are sent checks at a slow pace and a limited number of
//! times, so that nobody else can be flooded through us; likewise addresses that authentic checks seem to come from, which
//! whoever has the password may forge, until they have answered.

use super::allowance::Allowance;
use model::{IceCandidate, IceCredentials, IceTransport};
use ring::hmac;
use rtp::stun::connectivity::{Check, Kind, Request, Role, role_conflict, success};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Addresses of one leg that are tried.
const MOST_PAIRS: usize = 16;
/// From one ordinary check to the next of the same leg (Ta, RFC 8445 §14.2).
const PACE: Duration = Duration::from_millis(50);
/// From a check to its first repetition, which doubles up to [`LONGEST_WAIT`].
const WAIT: Duration = Duration::from_millis(250);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// Checks of one pair without an answer, until it counts as failed: some eleven seconds.
const MOST_TRIES: u8 = 8;
/// How long we wait for a better pair once there is one, where we nominate.
const BETTER: Duration = Duration::from_millis(100);
/// How long all of it may take until it is reported. The agent goes on listening.
const PATIENCE: Duration = Duration::from_secs(20);
/// From one question for consent to the next; a fifth more or less (RFC 7675 §5.1).
const CONSENT_EVERY_MS: u64 = 5_000;
/// Consent without an answer lasts so long.
const CONSENT: Duration = Duration::from_secs(30);
/// Transactions of one pair whose answers count.
const MOST_OPEN: usize = 8;
/// The nominated pair that has not been checked by the leg for so long gives way to another.
const STALE: Duration = Duration::from_secs(6);
/// What leaves for addresses that have not answered a check: one packet in so long, to each of them, and to all together that
/// no description names.
const REFLECT_EVERY: Duration = Duration::from_millis(100);
/// So many at once to one of them.
const MOST_REFLECTED: u32 = 8;
/// So many at once to all that no description names.
const MOST_TO_STRANGERS: u32 = 24;
/// PRIORITY of our checks: a peer-reflexive candidate (RFC 8445 §7.1.1).
const PRIORITY: u32 = 110 << 24 | 65_535 << 8 | 255;

/// What came of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// The path that is used, and which sources are believed, may have changed.
    Path,
    /// Nothing was found for a long time.
    Nothing,
    /// The leg does not answer any more.
    Silence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Checking,
    Valid,
    Failed,
}

#[derive(Debug)]
struct Pair {
    to: SocketAddr,
    /// A description names it.
    named: bool,
    answers: Allowance,
    priority: u32,
    state: State,
    tries: u8,
    /// When it is checked next; `None` when it is not.
    due: Option<Duration>,
    open: VecDeque<[u8; 12]>,
    /// Our checks nominate it.
    nominates: bool,
    /// The leg has nominated it.
    nominated: bool,
    /// When the leg checked it last.
    heard: Duration,
}

#[derive(Debug)]
pub(super) struct Agent {
    ours: IceCredentials,
    theirs: IceCredentials,
    key: hmac::Key,
    made: u64,
    controlling: bool,
    tie: u64,
    lite: bool,
    pairs: Vec<Pair>,
    strangers: Allowance,
    selected: Option<SocketAddr>,
    consent_until: Duration,
    /// When the next ordinary check may go out.
    next: Duration,
    nominate_at: Option<Duration>,
    patience: Option<Duration>,
    out: VecDeque<(SocketAddr, Vec<u8>)>,
    found: VecDeque<Found>,
}

impl Agent {
    pub(super) fn new(path: &IceTransport, now: Duration) -> Agent {
        let seed: Vec<u8> = path.seed.iter().flat_map(|word| word.to_be_bytes()).collect();
        let mut agent = Agent {
            ours: path.ours.clone(),
            theirs: path.theirs.clone(),
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            // The same credentials and seed may come again, after a time without ICE: nothing is said twice.
            made: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            controlling: path.controlling,
            tie: 0,
            lite: path.lite,
            pairs: Vec::new(),
            strangers: Allowance::default(),
            selected: None,
            consent_until: now,
            next: now,
            nominate_at: None,
            patience: Some(now.saturating_add(PATIENCE)),
            out: VecDeque::new(),
            found: VecDeque::new(),
        };
        let [a, b, c, d, e, f, g, h, ..] = agent.unguessable();
        agent.tie = u64::from_be_bytes([a, b, c, d, e, f, g, h]);
        agent.learn(&path.candidates, now);
        agent
    }

    /// What a later description says: other credentials begin anew, while the old path is used until there is another.
    pub(super) fn change(&mut self, path: &IceTransport, now: Duration) {
        if path.ours != self.ours || path.theirs != self.theirs {
            self.ours = path.ours.clone();
            self.theirs = path.theirs.clone();
            self.lite = path.lite;
            self.controlling |= path.lite;
            self.pairs.clear();
            self.nominate_at = None;
            self.patience = Some(now.saturating_add(PATIENCE));
        }
        self.learn(&path.candidates, now);
    }

    /// True when what comes from there is believed to come from the leg.
    pub(super) fn valid(&self) -> impl Iterator<Item = SocketAddr> {
        let valid = self.pairs.iter().filter(|pair| pair.state == State::Valid);
        self.selected.into_iter().chain(valid.map(|pair| pair.to))
    }

    /// Where the leg is sent to.
    pub(super) fn selected(&self) -> Option<SocketAddr> {
        self.selected
    }

    pub(super) fn poll_transmit(&mut self) -> Option<(SocketAddr, Vec<u8>)> {
        self.out.pop_front()
    }

    pub(super) fn poll_found(&mut self) -> Option<Found> {
        self.found.pop_front()
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        let checks = self.pairs.iter().filter_map(|pair| {
            let paced = pair.state == State::Checking && pair.tries == 0;
            pair.due.map(|due| if paced { due.max(self.next) } else { due })
        });
        let consent = self.selected.map(|_| self.consent_until);
        checks
            .chain(consent)
            .chain(self.nominate_at)
            .chain(self.patience)
            .min()
    }

    /// Takes a STUN message; false when it is not the leg's.
    pub(super) fn receive(&mut self, from: SocketAddr, datagram: &[u8], now: Duration) -> bool {
        let Some(check) = Check::read(datagram) else {
            return false;
        };
        match check.kind {
            Kind::Request => self.asked(from, &check, now),
            Kind::Success => self.answered(from, &check, now),
            Kind::Refusal(code) => self.refused(from, &check, code, now),
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        if self.selected.is_some() && self.consent_until <= now {
            self.lose(now);
        }
        if self.patience.is_some_and(|at| at <= now) {
            self.patience = None;
            self.found.push_back(Found::Nothing);
        }
        if self.nominate_at.is_some_and(|at| at <= now) {
            self.nominate(now);
        }
        for index in 0..self.pairs.len() {
            self.check_if_due(index, now);
        }
    }

    /// Candidates of a description, the best first.
    fn learn(&mut self, candidates: &[IceCandidate], now: Duration) {
        let mut candidates: Vec<_> = candidates.iter().collect();
        candidates.sort_by_key(|candidate| std::cmp::Reverse(candidate.priority));
        for candidate in candidates {
            let to = crate::latch::plain(candidate.address);
            if let Some(pair) = self.pair(to) {
                pair.named = true;
            } else if self.pairs.len() < MOST_PAIRS {
                self.pairs.push(Pair::new(to, candidate.priority, true, now));
            }
        }
    }

    fn pair(&mut self, to: SocketAddr) -> Option<&mut Pair> {
        self.pairs.iter_mut().find(|pair| pair.to == to)
    }

    fn role(&self) -> Role {
        match self.controlling {
            true => Role::Controlling(self.tie),
            false => Role::Controlled(self.tie),
        }
    }

    /// 32 octets that nobody else can tell.
    fn unguessable(&mut self) -> [u8; 32] {
        self.made = self.made.wrapping_add(1);
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&self.made.to_be_bytes());
        context.update(self.ours.ufrag.as_bytes());
        let mut octets = [0; 32];
        let tag = context.sign();
        octets
            .iter_mut()
            .zip(tag.as_ref())
            .for_each(|(to, from)| *to = *from);
        octets
    }

    /// A check of the leg (RFC 8445 §7.3).
    fn asked(&mut self, from: SocketAddr, check: &Check<'_>, now: Duration) -> bool {
        let name = check.username.and_then(|name| name.split_once(':'));
        let known =
            name.is_some_and(|(ours, theirs)| *ours == *self.ours.ufrag && *theirs == *self.theirs.ufrag);
        if !known || !check.is_authentic(&self.ours.pwd) {
            return false;
        }
        if !self.may_answer(from, now) {
            // As if it had been lost; the leg asks again.
            return true;
        }
        match (check.role, self.controlling) {
            (Some(Role::Controlling(theirs)), true) if self.tie >= theirs => return self.insist(from, check),
            (Some(Role::Controlled(theirs)), false) if self.tie < theirs => return self.insist(from, check),
            (Some(Role::Controlling(_)), true) => self.controlling = false,
            (Some(Role::Controlled(_)), false) => self.controlling = true,
            _ => {}
        }
        let answer = success(check.transaction, from, &self.ours.pwd);
        self.out.push_back((from, answer));
        if self.pair(from).is_none() {
            self.make_room();
            self.pairs
                .push(Pair::new(from, check.priority.unwrap_or(0), false, now));
        }
        let nominated = check.nominates && !self.controlling;
        let Some(pair) = self.pair(from) else { return true };
        pair.heard = now;
        pair.nominated |= nominated;
        match pair.state {
            State::Valid if nominated => self.follow(from, now),
            State::Valid => {}
            // The leg is there: now is the time (§7.3.1.4).
            State::Checking | State::Failed => {
                let tries = if pair.state == State::Failed {
                    1
                } else {
                    pair.tries.max(1)
                };
                (pair.state, pair.tries, pair.due) = (State::Checking, tries, Some(now));
                let at = self.pairs.iter().position(|pair| pair.to == from);
                at.into_iter().for_each(|at| self.check_if_due(at, now));
            }
        }
        true
    }

    /// Who has answered a check of ours is answered always, others now and then.
    fn may_answer(&mut self, from: SocketAddr, now: Duration) -> bool {
        let is_path = self.selected == Some(from);
        let mut named = false;
        if let Some(pair) = self.pair(from) {
            if is_path || pair.state == State::Valid {
                return true;
            }
            if !pair.answers.take(now, REFLECT_EVERY, MOST_REFLECTED) {
                return false;
            }
            named = pair.named;
        }
        is_path || named || self.strangers.take(now, REFLECT_EVERY, MOST_TO_STRANGERS)
    }

    /// Our tie-breaker wins (RFC 8445 §7.3.1.1).
    fn insist(&mut self, from: SocketAddr, check: &Check<'_>) -> bool {
        let refusal = role_conflict(check.transaction, &self.ours.pwd);
        self.out.push_back((from, refusal));
        true
    }

    /// The worst pair that is no use gives way to one that the leg itself has shown.
    fn make_room(&mut self) {
        if self.pairs.len() < MOST_PAIRS {
            return;
        }
        let selected = self.selected;
        let useless = |pair: &&Pair| Some(pair.to) != selected;
        let worst = self.pairs.iter().filter(useless).min_by_key(|pair| {
            let rank = match pair.state {
                State::Failed => 0,
                State::Checking => 1,
                State::Valid => 2,
            };
            (rank, pair.heard, pair.priority)
        });
        if let Some(worst) = worst.map(|pair| pair.to) {
            self.pairs.retain(|pair| pair.to != worst);
        }
    }

    /// The pair whose check this authentic answer is to, from where that went to; it waits for no other any more.
    fn asked_by(&mut self, from: SocketAddr, check: &Check<'_>) -> Option<&mut Pair> {
        if !check.is_authentic(&self.theirs.pwd) {
            return None;
        }
        let pair = self.pair(from)?;
        if !pair.open.contains(&check.transaction) {
            return None;
        }
        pair.open.clear();
        Some(pair)
    }

    /// An answer to a check of ours: only from where it went to (RFC 8445 §7.2.5.2.1).
    fn answered(&mut self, from: SocketAddr, check: &Check<'_>, now: Duration) -> bool {
        let (controlling, selected) = (self.controlling, self.selected);
        let Some(pair) = self.asked_by(from, check) else {
            return false;
        };
        pair.tries = 0;
        let first = pair.state != State::Valid;
        (pair.state, pair.due) = (State::Valid, None);
        let chosen = if controlling {
            pair.nominates
        } else {
            pair.nominated
        };
        if Some(from) == selected {
            self.consented(now);
        } else if chosen {
            self.follow(from, now);
        }
        if first {
            self.found.push_back(Found::Path);
            if controlling && !chosen && self.nominate_at.is_none() && self.is_undecided() {
                self.nominate_at = Some(now.saturating_add(BETTER));
            }
        }
        true
    }

    /// 487: we have the other role now, and ask again (RFC 8445 §7.2.5.1). Anything else fails the pair.
    fn refused(&mut self, from: SocketAddr, check: &Check<'_>, code: u16, now: Duration) -> bool {
        let lite = self.lite;
        let Some(pair) = self.asked_by(from, check) else {
            return false;
        };
        match code {
            487 if !lite => {
                pair.due = Some(now);
                self.controlling = !self.controlling;
            }
            _ if pair.state == State::Checking => (pair.state, pair.due) = (State::Failed, None),
            _ => {}
        }
        true
    }

    /// True while no pair of these credentials is nominated by us.
    fn is_undecided(&self) -> bool {
        !self.pairs.iter().any(|pair| pair.nominates)
    }

    /// Chooses the best pair that works, and says so (RFC 8445 §8.1.1).
    fn nominate(&mut self, now: Duration) {
        self.nominate_at = None;
        let valid = self.pairs.iter_mut().filter(|pair| pair.state == State::Valid);
        if let Some(best) = valid
            .max_by_key(|pair| pair.priority)
            .filter(|_| self.controlling)
        {
            best.nominates = true;
            best.due = Some(now);
        }
    }

    /// A nominated pair that works is used, unless a better one is already.
    fn follow(&mut self, to: SocketAddr, now: Duration) {
        let present = self
            .selected
            .and_then(|at| self.pairs.iter().find(|pair| pair.to == at));
        let wanted = self
            .pairs
            .iter()
            .find(|pair| pair.to == to)
            .map_or(0, |pair| pair.priority);
        let better = present.is_none_or(|present| {
            present.priority < wanted
                || present.heard.saturating_add(STALE) < now
                || present.state != State::Valid
        });
        if self.selected != Some(to) && better {
            self.selected = Some(to);
            self.found.push_back(Found::Path);
            self.consented(now);
        }
    }

    /// The leg wants to be sent to, for the next while.
    fn consented(&mut self, now: Duration) {
        self.consent_until = now.saturating_add(CONSENT);
        self.patience = None;
        let [a, b, ..] = self.unguessable();
        let spread = CONSENT_EVERY_MS * 2 / 5;
        let wait = CONSENT_EVERY_MS - CONSENT_EVERY_MS / 5 + u64::from(u16::from_be_bytes([a, b])) % spread;
        let selected = self.selected;
        for pair in &mut self.pairs {
            if Some(pair.to) == selected {
                pair.due = Some(now.saturating_add(Duration::from_millis(wait)));
            }
        }
    }

    /// Nothing goes out any more until the leg shows itself again.
    fn lose(&mut self, now: Duration) {
        let lost = self.selected.take();
        for pair in &mut self.pairs {
            if Some(pair.to) == lost {
                (pair.state, pair.due, pair.nominates) = (State::Failed, None, false);
                pair.open.clear();
            }
        }
        let others = self.pairs.iter().any(|pair| pair.state == State::Valid);
        self.nominate_at = (others && self.controlling).then_some(now);
        self.found.extend([Found::Path, Found::Silence]);
    }

    fn check_if_due(&mut self, index: usize, now: Duration) {
        let selected = self.selected;
        let Some(pair) = self.pairs.get_mut(index) else {
            return;
        };
        if pair.due.is_none_or(|due| due > now) {
            return;
        }
        let consents = Some(pair.to) == selected;
        match pair.state {
            State::Checking if pair.tries == 0 && self.next > now => return,
            State::Checking if pair.tries == 0 => self.next = now.saturating_add(PACE),
            // Consent has an end of its own.
            State::Checking | State::Valid if pair.tries >= MOST_TRIES && !consents => {
                (pair.state, pair.due) = (State::Failed, None);
                return;
            }
            State::Failed => {
                pair.due = None;
                return;
            }
            State::Checking | State::Valid => {}
        }
        if pair.state == State::Checking
            && !pair.named
            && !self.strangers.take(now, REFLECT_EVERY, MOST_TO_STRANGERS)
        {
            pair.due = Some(now.saturating_add(REFLECT_EVERY));
            return;
        }
        let doubled = WAIT.saturating_mul(1 << u32::from(pair.tries.min(3)));
        let wait = match consents {
            true => Duration::from_millis(CONSENT_EVERY_MS / 2),
            false => doubled.min(LONGEST_WAIT),
        };
        pair.tries = pair.tries.saturating_add(1);
        pair.due = Some(now.saturating_add(wait));
        let (to, nominate) = (pair.to, pair.nominates && self.controlling);
        let transaction = self.transaction();
        if let Some(pair) = self.pairs.get_mut(index) {
            if pair.open.len() >= MOST_OPEN {
                pair.open.pop_front();
            }
            pair.open.push_back(transaction);
        }
        let request = Request {
            transaction,
            username: &format!("{}:{}", self.theirs.ufrag, self.ours.ufrag),
            priority: PRIORITY,
            role: self.role(),
            nominate,
        };
        self.out.push_back((to, request.written(&self.theirs.pwd)));
    }

    fn transaction(&mut self) -> [u8; 12] {
        let octets = self.unguessable();
        octets.first_chunk().copied().unwrap_or_default()
    }
}

impl Pair {
    fn new(to: SocketAddr, priority: u32, named: bool, now: Duration) -> Pair {
        Pair {
            to,
            named,
            answers: Allowance::default(),
            priority,
            state: State::Checking,
            tries: 0,
            due: Some(now),
            open: VecDeque::new(),
            nominates: false,
            nominated: false,
            heard: now,
        }
    }
}
