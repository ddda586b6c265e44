//! What speaks for and against a source, and what it leads to.

use crate::address::Source;
use crate::bucket::{Bucket, millis};
use crate::guard::{BanNews, Banned, Guard, flow_key, is_datagram};
use crate::score::{CredentialState, FlowState, Offence, Report, SourceState};
use model::FlowToken;
use std::sync::Arc;
use std::time::Duration;

/// Banned sources for whose sake their network is banned.
const NEIGHBOURS: u64 = 8;
/// A credential that has not failed for so long is another one, milliseconds.
const REMEMBERED_MS: u64 = 3_600_000;
/// One failure, in thousandths.
const FAILURE: u64 = 1_000;
/// One failure is forgotten a minute, in thousandths a second.
const FAILURE_LEAK: u64 = FAILURE / 60;

impl Guard {
    /// What became of a message that was let in, by the flow that it came on.
    pub fn report(&mut self, flow: &FlowToken, what: Report, now: Duration) {
        let (ip, at) = (flow.remote.ip(), millis(now));
        let source = Source::of(ip);
        // Who was let in to call for help is not let in to anything else by that.
        let by_operator = self
            .sources
            .get(&source)
            .is_some_and(|s| s.ban.by_operator && s.ban.holds(false, at));
        if self.lists.allows(ip)
            || by_operator
            || self.lists.deny.contains(ip)
            || self.lists.countries.contains(ip)
        {
            return;
        }
        let offence = match what {
            Report::Granted(credential) => {
                self.granted(flow, credential, now);
                return;
            }
            Report::Denied(credential) => self.failed(flow, credential, now),
            Report::Challenged => Offence::Challenge,
            Report::Malformed => Offence::Malformed,
            Report::UnknownDomain => Offence::UnknownDomain,
            Report::Stalled => Offence::Stalled,
        };
        self.offend(source, is_datagram(flow), offence, now);
    }

    /// A good password: the source is known, its flow is good, and what datagrams alone said against it is forgotten.
    fn granted(&mut self, flow: &FlowToken, credential: u64, now: Duration) {
        let (source, at) = (Source::of(flow.remote.ip()), millis(now));
        let until = at.saturating_add(u64::from(self.rules.trust_s).saturating_mul(1_000));
        let known = SourceState {
            known_until: until,
            ..SourceState::default()
        };
        if let Some(state) = self.source(source, known, now) {
            state.known_until = until;
            (state.proven, state.forgeable) = Default::default();
            state.ban.datagrams_until = state.ban.all_until;
        }
        let new = FlowState {
            good_until: until,
            credential,
            helped_until: 0,
        };
        if let Some(state) = self.flows.get_or_insert(flow_key(flow), new, now) {
            (state.good_until, state.credential) = (until, credential);
        }
        if let Some(state) = self.credentials.get_mut(&(source, credential)) {
            *state = CredentialState::default();
        }
    }

    /// A wrong password: counts it against the credential at this source, and locks the two after too many.
    fn failed(&mut self, flow: &FlowToken, credential: u64, now: Duration) -> Offence {
        let (source, at) = (Source::of(flow.remote.ip()), millis(now));
        let rules = Arc::clone(&self.rules);
        let new = CredentialState {
            seen: at,
            ..CredentialState::default()
        };
        let Some(state) = self.credentials.get_or_insert((source, credential), new, now) else {
            return Offence::FirstFailure;
        };
        state.seen = at;
        let first = state
            .failed
            .is_none_or(|failed| at.saturating_sub(failed) > REMEMBERED_MS);
        state.failed = Some(at);
        let level = state.failures.pour(FAILURE, FAILURE_LEAK, now);
        if level >= u64::from(rules.credential_failures) * FAILURE && !state.lock.holds(true, at) {
            let until = state.lock.strike(true, None, &rules, at);
            state.failures = Bucket::default();
            if let Some(source) = self.sources.get_mut(&source) {
                source.locks_until = source.locks_until.max(until);
            }
        }
        if first {
            Offence::FirstFailure
        } else {
            Offence::Failure
        }
    }

    /// Adds to a source's score, and bans it when it is too much.
    pub(crate) fn offend(&mut self, source: Source, datagram: bool, offence: Offence, now: Duration) {
        let (rules, at) = (Arc::clone(&self.rules), millis(now));
        let (points, leak, limit) = (offence.points(&rules), rules.leak(), rules.limit());
        let Some(state) = self.source(source, SourceState::default(), now) else {
            return;
        };
        if state.peer_until > at || state.ban.holds(datagram, at) {
            return;
        }
        let is_scan = offence == Offence::FirstFailure;
        // Where somebody has shown a good password, only a scan counts, and only where nobody else can have sent it.
        if state.is_known(at) && (datagram || !is_scan) {
            return;
        }
        let score = if datagram {
            state.forgeable.pour(points, leak, now)
        } else {
            let bucket = if is_scan {
                &mut state.scan
            } else {
                &mut state.proven
            };
            bucket.pour(points, leak, now);
            let noise = if state.is_known(at) {
                0
            } else {
                state.proven.level(leak, now)
            };
            state.scan.level(leak, now).saturating_add(noise)
        };
        if score < limit {
            return;
        }
        let until = state.ban.strike(!datagram, Some(offence), &rules, at);
        (state.scan, state.proven, state.forgeable) = Default::default();
        let site = self.offend_site(source, datagram, now);
        self.news = site.or(Some(BanNews {
            who: Banned::Source(source),
            offence: Some(offence),
            for_s: until.saturating_sub(at) / 1_000,
            datagrams_only: datagram,
        }));
    }

    /// Adds a ban to the score of its network, and bans that when there are too many.
    fn offend_site(&mut self, source: Source, datagram: bool, now: Duration) -> Option<BanNews> {
        let (rules, at) = (Arc::clone(&self.rules), millis(now));
        let site = self.site(source, now)?;
        let bucket = if datagram {
            &mut site.forgeable
        } else {
            &mut site.proven
        };
        let score = bucket.pour(rules.limit(), rules.leak(), now);
        if score < rules.limit().saturating_mul(NEIGHBOURS) || site.ban.holds(datagram, at) {
            return None;
        }
        let until = site.ban.strike(!datagram, None, &rules, at);
        (site.proven, site.forgeable) = Default::default();
        Some(BanNews {
            who: Banned::Site(source.site()),
            offence: None,
            for_s: until.saturating_sub(at) / 1_000,
            datagrams_only: datagram,
        })
    }
}
