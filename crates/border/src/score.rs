//! What is known of a source, a network and a credential, and what it adds up to.

use crate::bucket::{Bucket, millis};
use crate::rules::Rules;
use crate::table::Worth;
use std::time::Duration;

/// A second ban within this time is longer than the first, milliseconds.
const REMEMBERED_MS: u64 = 86_400_000;
/// Each ban is so many times as long as the one before.
const GROWTH: u64 = 4;
/// Growing ends here, whatever the longest ban is.
const MOST_STRIKES: u8 = 16;

/// What speaks against a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offence {
    /// It names itself as a scanner: banned at once.
    Scanner,
    /// A credential that had not failed from there within the hour: ten points, also for a source that is known.
    FirstFailure,
    /// One that had: four, so that one phone with a wrong password that asks every half minute is not banned.
    Failure,
    /// Asked for credentials: half a point. Whoever has some shows them next.
    Challenge,
    /// No SIP, or SIP that is wrong: two.
    Malformed,
    /// For a domain that nobody here has: two.
    UnknownDomain,
    /// Opened a connection and never brought a message together: two.
    Stalled,
    /// Sent more than a stranger may: a fifth for each message, so that it takes hundreds.
    Flood,
}

impl Offence {
    /// Thousandths of a point.
    pub(crate) fn points(self, rules: &Rules) -> u64 {
        match self {
            Offence::Scanner => rules.limit(),
            Offence::FirstFailure => 10_000,
            Offence::Failure => 4_000,
            Offence::Malformed | Offence::UnknownDomain | Offence::Stalled => 2_000,
            Offence::Challenge => 500,
            Offence::Flood => 200,
        }
    }
}

/// What became of a message that was let in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Somebody showed that he has this credential.
    Granted(u64),
    /// Somebody showed this credential with a wrong password, or one that nobody has.
    Denied(u64),
    /// It was asked for credentials.
    Challenged,
    /// See [`Offence::Malformed`].
    Malformed,
    /// See [`Offence::UnknownDomain`].
    UnknownDomain,
    /// See [`Offence::Stalled`].
    Stalled,
}

/// How long somebody is kept out, and for what.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Ban {
    /// From everything, until then; milliseconds as all that follows.
    pub(crate) all_until: u64,
    /// From sending datagrams.
    pub(crate) datagrams_until: u64,
    /// When a ban was last begun.
    pub(crate) struck: u64,
    pub(crate) strikes: u8,
    pub(crate) by_operator: bool,
    pub(crate) for_what: Option<Offence>,
}

impl Ban {
    /// Begins one, longer than the last; gives its end.
    pub(crate) fn strike(&mut self, proven: bool, offence: Option<Offence>, rules: &Rules, at: u64) -> u64 {
        if at.saturating_sub(self.struck) > REMEMBERED_MS {
            self.strikes = 0;
        }
        let growth = GROWTH.saturating_pow(u32::from(self.strikes));
        let seconds = u64::from(rules.ban_first_s).saturating_mul(growth);
        let until = at.saturating_add(seconds.min(u64::from(rules.ban_longest_s)).saturating_mul(1_000));
        self.strikes = self.strikes.saturating_add(1).min(MOST_STRIKES);
        self.struck = at;
        self.for_what = offence;
        if proven {
            self.all_until = self.all_until.max(until);
        }
        self.datagrams_until = self.datagrams_until.max(until);
        until
    }

    /// Whether it keeps out what comes now.
    pub(crate) fn holds(&self, datagram: bool, at: u64) -> bool {
        self.all_until > at || datagram && self.datagrams_until > at
    }

    /// When it ends; `None` when it has.
    pub(crate) fn end(&self, at: u64) -> Option<u64> {
        Some(self.all_until.max(self.datagrams_until)).filter(|until| *until > at)
    }

    /// What it is worth to remember: one that rests on what may be forged less than one that does not.
    fn worth(&self, at: u64) -> u64 {
        if self.all_until > at {
            BARRED | self.all_until & LEAST
        } else if self.datagrams_until > at {
            BARRED_FROM_DATAGRAMS | self.datagrams_until & LEAST
        } else {
            0
        }
    }
}

// What is worth more has a higher bit.
const BARRED: u64 = 1 << 62;
const KNOWN: u64 = 1 << 61;
const BARRED_FROM_DATAGRAMS: u64 = 1 << 60;
const SUSPECT: u64 = 1 << 59;
/// Below them: times in milliseconds, and points.
const LEAST: u64 = SUSPECT - 1;

/// What is known of a source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SourceState {
    /// Different credentials that failed, where the source can't be forged.
    pub(crate) scan: Bucket,
    /// All else that speaks against it, likewise.
    pub(crate) proven: Bucket,
    /// What datagrams alone say against it.
    pub(crate) forgeable: Bucket,
    /// Messages while it is not known.
    pub(crate) messages: Bucket,
    /// Connections, likewise.
    pub(crate) connects: Bucket,
    /// Somebody there has shown a good password: it is known until then.
    pub(crate) known_until: u64,
    /// It is a carrier that we speak to: until then nothing is asked of it.
    pub(crate) peer_until: u64,
    /// Until when some credential is locked there.
    pub(crate) locks_until: u64,
    pub(crate) seen: u64,
    pub(crate) ban: Ban,
}

impl SourceState {
    pub(crate) fn is_known(&self, at: u64) -> bool {
        self.known_until > at || self.peer_until > at
    }
}

impl Worth for SourceState {
    fn worth(&self, now: Duration) -> u64 {
        let at = millis(now);
        let ban = self.ban.worth(at);
        let known = match self.is_known(at) {
            true => KNOWN | self.known_until.max(self.peer_until) & LEAST,
            false => 0,
        };
        // What may be forged is worth no more than having been seen.
        let suspect = match self.scan.level(1, now).max(self.proven.level(1, now)) {
            0 => 0,
            level => SUSPECT | level & LEAST,
        };
        ban.max(known).max(suspect).max(self.seen & LEAST)
    }
}

/// What is known of a network.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct SiteState {
    pub(crate) messages: Bucket,
    pub(crate) connects: Bucket,
    pub(crate) emergencies: Bucket,
    pub(crate) follow_ups: Bucket,
    pub(crate) emergency_connects: Bucket,
    /// Bans of its sources that are beyond doubt, and others.
    pub(crate) proven: Bucket,
    pub(crate) forgeable: Bucket,
    pub(crate) seen: u64,
    pub(crate) ban: Ban,
}

impl Worth for SiteState {
    fn worth(&self, now: Duration) -> u64 {
        self.ban.worth(millis(now)).max(self.seen & LEAST)
    }
}

/// What is known of a credential at a source.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct CredentialState {
    pub(crate) failures: Bucket,
    /// When it last failed.
    pub(crate) failed: Option<u64>,
    pub(crate) lock: Ban,
    pub(crate) seen: u64,
}

impl Worth for CredentialState {
    fn worth(&self, now: Duration) -> u64 {
        self.lock.worth(millis(now)).max(self.seen & LEAST)
    }
}

/// What is known of a flow: an address with its port.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FlowState {
    /// Somebody has shown a good password on it.
    pub(crate) good_until: u64,
    /// Which credential it was.
    pub(crate) credential: u64,
    /// A call for help was let in by it.
    pub(crate) helped_until: u64,
}

impl Worth for FlowState {
    fn worth(&self, now: Duration) -> u64 {
        let until = self.good_until.max(self.helped_until);
        if until > millis(now) { until } else { 0 }
    }
}
