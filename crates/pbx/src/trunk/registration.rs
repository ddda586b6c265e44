//! Our registration with a carrier (RFC 3261 §10, as a client): when it is asked for, and what each answer means.
//!
//! Owns: times, counts, what is wanted next. Does not own: messages, transactions, addresses.
//!
//! A registration that stands goes on standing while its refresh fails, until its time is over. Failures are tried again after
//! a growing time that a seed spreads, so that a carrier that comes back is not met by all at once; a refused password waits
//! longest, for carriers ban who insists.

use crate::wait::{grown, share};
use model::TrunkRegistration;
use std::time::Duration;

/// The first time after a failure, and the longest.
const RETRY: (Duration, Duration) = (Duration::from_secs(4), Duration::from_secs(300));
/// After a refused password.
const AFTER_REFUSAL: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1_800));
/// A refresh is asked for so long before the end at least, where the registration lasts long enough.
const SPARE: Duration = Duration::from_secs(30);
/// How long a registration may last, and how long a carrier may wish us to wait, seconds.
const LONGEST_S: u32 = 86_400;
const LONGEST_WISH_S: u32 = 3_600;
/// However brief it is, a registration is not refreshed sooner.
const SHORTEST: Duration = Duration::from_secs(5);
/// A connection that breaks so soon after a registration over it is one of a carrier that closes them.
const BRIEF: Duration = Duration::from_secs(60);
/// The first ones of many trunks are spread over so long.
const SPREAD: Duration = Duration::from_secs(2);

/// The registration of one trunk.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    is_wanted: bool,
    /// Seconds asked for.
    asked_s: u32,
    /// What the carrier wants at least (423).
    least_s: u32,
    /// When the present one ends.
    until: Option<Duration>,
    /// When it is asked for next; `None` while an answer is awaited, or when none is wanted.
    next: Option<Duration>,
    failures: u32,
    refused: bool,
    failed: bool,
    /// The carrier has had its wish for a longer one in this attempt.
    raised: bool,
    /// When it was granted last, and how often in a row its way was lost soon after that.
    granted: Duration,
    brief: u32,
}

/// What the carrier's answer, or its silence, was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// 2xx: it stands for so many seconds; `None` = as asked.
    Granted(Option<u32>),
    /// 423: it has to be for so many seconds at least.
    TooBrief(u32),
    /// 401, 403, 407 with nothing more to say: the password, or the name, is wrong.
    Refused,
    /// Anything else, silence too. The carrier may wish us to wait so many seconds (`Retry-After`).
    Failed(Option<u32>),
}

impl Registration {
    /// Of a trunk that wants one for so many seconds, or none.
    pub(crate) fn new(wanted_s: Option<u32>, now: Duration, dice: u64) -> Registration {
        Registration {
            is_wanted: wanted_s.is_some(),
            asked_s: wanted_s.unwrap_or(0),
            least_s: 0,
            until: None,
            next: wanted_s.map(|_| now.saturating_add(share(SPREAD, dice))),
            failures: 0,
            refused: false,
            failed: false,
            raised: false,
            granted: Duration::ZERO,
            brief: 0,
        }
    }

    /// Seconds that are asked for.
    pub(crate) fn seconds(&self) -> u32 {
        self.asked_s.max(self.least_s)
    }

    /// As people see it.
    pub(crate) fn state(&self, now: Duration) -> TrunkRegistration {
        match self.until {
            _ if !self.is_wanted => TrunkRegistration::Off,
            Some(until) if until > now => TrunkRegistration::Registered,
            _ if self.refused => TrunkRegistration::Refused,
            _ if self.failed => TrunkRegistration::Failed,
            _ => TrunkRegistration::Trying,
        }
    }

    /// When [`Registration::due`] may have something, or the state changes.
    pub(crate) fn next_deadline(&self) -> Option<Duration> {
        [self.next, self.until].into_iter().flatten().min()
    }

    /// Seconds to ask for now, if it is time; an answer is awaited then.
    pub(crate) fn due(&mut self, now: Duration) -> Option<u32> {
        if self.until.is_some_and(|until| until <= now) {
            (self.until, self.failed) = (None, true);
        }
        self.next.filter(|next| *next <= now)?;
        self.next = None;
        Some(self.seconds())
    }

    /// Takes the answer.
    pub(crate) fn answered(&mut self, answer: Answer, now: Duration, dice: u64) {
        match answer {
            Answer::Granted(Some(0)) => self.answered(Answer::Failed(None), now, dice),
            Answer::Granted(seconds) => {
                let seconds = seconds.unwrap_or(self.asked_s).clamp(1, LONGEST_S);
                let lasts = Duration::from_secs(u64::from(seconds));
                self.until = Some(now.saturating_add(lasts));
                // Somewhere between 70 and 90 per cent of it, or half of what is brief.
                let early = if lasts >= SPARE * 4 {
                    lasts / 10 + share(lasts / 5, dice)
                } else {
                    lasts / 2
                };
                let wait = lasts.saturating_sub(early).max(SHORTEST);
                self.next = Some(now.saturating_add(wait));
                (self.failures, self.refused, self.failed) = (0, false, false);
                (self.raised, self.granted) = (false, now);
            }
            Answer::TooBrief(least_s) if !self.raised && least_s > self.seconds() && least_s <= LONGEST_S => {
                (self.least_s, self.raised) = (least_s, true);
                self.next = Some(now);
            }
            Answer::TooBrief(_) => self.retry(RETRY, None, now, dice),
            Answer::Refused => {
                self.refused = true;
                // The carrier knows us no more.
                self.until = None;
                self.retry(AFTER_REFUSAL, None, now, dice);
            }
            Answer::Failed(wish_s) => {
                self.failed = true;
                self.retry(RETRY, wish_s, now, dice);
            }
        }
    }

    /// What it went over is gone: the carrier can't reach us until it knows another way.
    pub(crate) fn lost_its_way(&mut self, now: Duration, dice: u64) {
        let stands = self.until.is_some_and(|until| until > now);
        // What is not registered is asked for when it is time, however often connections break.
        if !stands || self.failed || self.refused {
            return;
        }
        let is_brief = now.saturating_sub(self.granted) < BRIEF;
        self.brief = if is_brief { self.brief.saturating_add(1) } else { 0 };
        let wait = match self.brief {
            0 | 1 => share(SPREAD, dice),
            often => grown(RETRY, often, dice),
        };
        let soon = now.saturating_add(wait);
        self.next = self.next.map(|next| next.min(soon));
    }

    /// Tries again after a time that grows.
    fn retry(&mut self, times: (Duration, Duration), wish_s: Option<u32>, now: Duration, dice: u64) {
        let wait = grown(times, self.failures, dice);
        self.failures = self.failures.saturating_add(1);
        self.raised = false;
        let wish = Duration::from_secs(u64::from(wish_s.unwrap_or(0).min(LONGEST_WISH_S)));
        self.next = Some(now.saturating_add(wait.max(wish)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: fn(u64) -> Duration = Duration::from_secs;

    fn asked(registration: &mut Registration) -> (Duration, u32) {
        let at = registration.next_deadline().expect("a deadline");
        (at, registration.due(at).expect("it is due"))
    }

    #[test]
    fn it_is_refreshed_before_it_ends_and_fails_only_when_it_has_ended() {
        for dice in [0, 500, 1_000, u64::MAX] {
            let mut registration = Registration::new(Some(600), S(10), dice);
            assert_eq!(registration.state(S(10)), TrunkRegistration::Trying);
            let (at, seconds) = asked(&mut registration);
            assert!(at >= S(10) && at <= S(12) && seconds == 600);
            registration.answered(Answer::Granted(Some(300)), S(12), dice);
            let refresh = registration.next_deadline().unwrap();
            assert!(refresh >= S(12 + 210) && refresh <= S(12 + 270), "{refresh:?}");
            assert_eq!(registration.due(refresh), Some(600));
            registration.answered(Answer::Failed(None), refresh, dice);
            assert_eq!(registration.state(refresh), TrunkRegistration::Registered);
            assert_eq!(registration.state(S(312)), TrunkRegistration::Failed);
            let (again, _) = asked(&mut registration);
            assert!(again > refresh && again <= refresh + S(4));
            registration.answered(Answer::Granted(None), again, dice);
            assert_eq!(registration.state(again), TrunkRegistration::Registered);
        }
    }

    #[test]
    fn failures_are_tried_again_ever_later_but_not_for_ever_later() {
        let mut registration = Registration::new(Some(600), S(0), 1_000);
        let mut last = S(0);
        let mut waits = Vec::new();
        for _ in 0..12 {
            let (at, _) = asked(&mut registration);
            waits.push((at - last).as_secs());
            registration.answered(Answer::Failed(None), at, 1_000);
            last = at;
        }
        assert_eq!(waits, [2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300, 300]);
        registration.answered(Answer::Failed(Some(900)), last, 0);
        assert_eq!(registration.next_deadline(), Some(last + S(900)));
    }

    #[test]
    fn a_refused_password_is_not_insisted_on() {
        let mut registration = Registration::new(Some(600), S(0), 0);
        asked(&mut registration);
        registration.answered(Answer::Granted(None), S(0), 0);
        let (at, _) = asked(&mut registration);
        registration.answered(Answer::Refused, at, 0);
        assert_eq!(registration.state(at), TrunkRegistration::Refused);
        assert_eq!(registration.next_deadline(), Some(at + S(30)));
        for _ in 0..9 {
            let (at, _) = asked(&mut registration);
            registration.answered(Answer::Refused, at, 1_000);
        }
        let (at, _) = asked(&mut registration);
        registration.answered(Answer::Refused, at, 1_000);
        assert_eq!(registration.next_deadline(), Some(at + S(1_800)));
    }

    #[test]
    fn a_carrier_may_want_it_longer_once_and_not_without_end() {
        let mut registration = Registration::new(Some(60), S(0), 0);
        assert_eq!(asked(&mut registration), (S(0), 60));
        registration.answered(Answer::TooBrief(1_800), S(1), 0);
        assert_eq!(asked(&mut registration), (S(1), 1_800));
        // The same wish again is a fault of the carrier's, and no reason to hurry.
        registration.answered(Answer::TooBrief(1_800), S(2), 1_000);
        assert_eq!(asked(&mut registration), (S(6), 1_800));
        registration.answered(Answer::TooBrief(u32::MAX), S(7), 1_000);
        assert_eq!(asked(&mut registration), (S(15), 1_800));
    }

    #[test]
    fn a_lost_connection_makes_it_due_soon() {
        let mut registration = Registration::new(Some(3_600), S(0), 0);
        asked(&mut registration);
        registration.lost_its_way(S(1), 0);
        assert_eq!(
            registration.next_deadline(),
            None,
            "the answer is awaited, or its end"
        );
        registration.answered(Answer::Granted(None), S(1), 0);
        registration.lost_its_way(S(100), 1_000);
        assert_eq!(registration.next_deadline(), Some(S(102)));
    }

    #[test]
    fn who_wants_none_asks_for_none() {
        let mut registration = Registration::new(None, S(0), 9);
        assert_eq!(
            (registration.next_deadline(), registration.due(S(9))),
            (None, None)
        );
        assert_eq!(registration.state(S(0)), TrunkRegistration::Off);
    }
}
