//! What a tenant knows of those who vouch for callers (RFC 8224 §6.2).
//!
//! Owns: whom it believes, which calls wait for a certificate, which PASSporTs it has seen, whether it doubts itself. Does not own: what a call makes of it (`call::verified`).

use crate::doubts::Doubts;
use crate::effect::Setup;
use model::{CallId, Now};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;
use stir::{Anchors, Rules, Verification};

/// Calls that wait for a certificate; others go on without.
const MOST_WAITING: usize = 256;
/// PASSporTs that are remembered; each is worth a call.
const MOST_SHOWN: usize = 16_384;

/// Of one tenant.
pub(crate) struct Vouching {
    authorities: Arc<Anchors>,
    rules: Rules,
    waiting: BTreeMap<u64, CallId>,
    /// By what is signed: in which call, and until when it would be fresh.
    shown: BTreeMap<[u8; 32], (CallId, Duration)>,
    /// The same in the order of their ends.
    ends: VecDeque<(Duration, [u8; 32])>,
    doubts: Doubts,
}

impl Vouching {
    pub(crate) fn new(setup: &Setup) -> Vouching {
        Vouching {
            authorities: Arc::clone(&setup.authorities),
            rules: setup.stir_rules,
            waiting: BTreeMap::new(),
            shown: BTreeMap::new(),
            ends: VecDeque::new(),
            doubts: Doubts::default(),
        }
    }

    /// Others are believed from now on.
    pub(crate) fn trust(&mut self, authorities: Arc<Anchors>) {
        self.authorities = authorities;
    }

    pub(crate) fn authorities(&self) -> &Anchors {
        &self.authorities
    }

    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    pub(crate) fn doubts(&mut self) -> &mut Doubts {
        &mut self.doubts
    }

    /// A call waits for the certificate of this order; false where too many do.
    pub(crate) fn waits(&mut self, order: u64, call: CallId) -> bool {
        let has_room = self.waiting.len() < MOST_WAITING && !self.waiting.contains_key(&order);
        if has_room {
            self.waiting.insert(order, call);
        }
        has_room
    }

    /// It does not any more.
    pub(crate) fn stops_waiting(&mut self, order: u64) {
        self.waiting.remove(&order);
    }

    /// The call that waits for it.
    pub(crate) fn whose(&self, order: u64) -> Option<CallId> {
        self.waiting.get(&order).copied()
    }

    /// How many do, for leak checks.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// A PASSporT that proves something has come with this call. False where it came with another (RFC 8224 §12.1): it stays fresh for
    /// a minute, and one who has seen it could call in its name.
    pub(crate) fn is_first(&mut self, shown: [u8; 32], call: CallId, now: Now) -> bool {
        while let Some((end, old)) = self.ends.front().copied()
            && (end <= now.mono || self.ends.len() >= MOST_SHOWN)
        {
            self.ends.pop_front();
            if self.shown.get(&old).is_some_and(|(_, until)| *until == end) {
                self.shown.remove(&old);
            }
        }
        if self.shown.contains_key(&shown) {
            return false;
        }
        // One from the future lasts twice as long.
        let end = now
            .mono
            .saturating_add(Duration::from_secs(self.rules.freshness_s.saturating_mul(2)));
        self.shown.insert(shown, (call, end));
        self.ends.push_back((end, shown));
        true
    }

    /// Nobody has heard of the call that it came with: its carrier may try another way to us.
    pub(crate) fn may_come_again(&mut self, shown: &[u8; 32], call: CallId) {
        if self.shown.get(shown).is_some_and(|(known, _)| *known == call) {
            self.shown.remove(shown);
        }
    }
}

/// Where a check asks for its certificate, as the shell is told.
pub(crate) fn wanted(order: u64, check: &Verification) -> model::FetchCertificate {
    model::FetchCertificate {
        order,
        url: check.url().into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wall;

    fn at(s: u64) -> Now {
        Now {
            mono: Duration::from_secs(s),
            wall: Wall(s * 1_000),
        }
    }

    fn empty() -> Vouching {
        Vouching {
            authorities: Arc::default(),
            rules: Rules::default(),
            waiting: BTreeMap::new(),
            shown: BTreeMap::new(),
            ends: VecDeque::new(),
            doubts: Doubts::default(),
        }
    }

    fn key(n: usize) -> [u8; 32] {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&n.to_be_bytes());
        key
    }

    #[test]
    fn a_passport_counts_for_one_call() {
        let mut vouching = empty();
        let [one, two] = [CallId(1), CallId(2)];
        assert!(vouching.is_first(key(1), one, at(10)));
        assert!(!vouching.is_first(key(1), two, at(12)));
        assert!(vouching.is_first(key(2), two, at(12)));
        vouching.may_come_again(&key(1), two);
        assert!(!vouching.is_first(key(1), two, at(12)));
        vouching.may_come_again(&key(1), one);
        assert!(vouching.is_first(key(1), two, at(20)));
        // The end of its first life is not that of its second.
        assert!(!vouching.is_first(key(1), one, at(131)));
        assert!(vouching.is_first(key(1), one, at(140)));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut vouching = empty();
        for n in 0..MOST_SHOWN + 10 {
            assert!(vouching.is_first(key(n), CallId(1), at(1)));
        }
        assert_eq!(
            (vouching.shown.len(), vouching.ends.len()),
            (MOST_SHOWN, MOST_SHOWN)
        );
        assert!(!vouching.is_first(key(MOST_SHOWN), CallId(2), at(1)));
        let waiting = (0..1_000).filter(|order| vouching.waits(*order, CallId(*order)));
        assert_eq!(waiting.count(), MOST_WAITING);
    }
}
