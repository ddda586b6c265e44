//! What was fetched, for as long as it may be kept. Knows no clock.
//!
//! Callers choose URLs, and what lies there. So where room is needed, it is made by the tenant that has had the most fetched: whoever floods
//! one loses what that one has, and others keep the certificates of their carriers.

use crate::http::Answer;
use model::{CertificateOutcome, TenantId};
use std::collections::BTreeMap;
use std::time::Duration;

/// URLs: some thousand providers sign calls, each with a few certificates at a time.
const MOST: usize = 4_096;
/// Octets of all certificates together.
const MOST_OCTETS: usize = 16 << 20;
/// How long a certificate is kept whose server does not say: a new one has a new URL as a rule.
const USUAL: Duration = Duration::from_secs(3_600);
/// Not shorter, whatever the server says: it is asked for each call otherwise.
const SHORTEST: Duration = Duration::from_secs(60);
/// Not longer: what was taken away is noticed then.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);
/// How long nobody tries again what failed.
const FAILED: Duration = Duration::from_secs(30);

/// How long something fetched may be kept (RFC 9111 §5.2.2).
pub(super) fn lifetime(answer: &Answer) -> Duration {
    let directives = answer.header("cache-control").unwrap_or_default();
    let mut told = USUAL;
    for directive in directives.split(',') {
        let (name, value) = directive.split_once('=').unwrap_or((directive, ""));
        match name.trim().to_ascii_lowercase().as_str() {
            "no-store" | "no-cache" => return SHORTEST,
            "max-age" => {
                let seconds = value.trim().trim_matches('"').parse().unwrap_or(0);
                told = Duration::from_secs(seconds);
            }
            _ => {}
        }
    }
    told.clamp(SHORTEST, LONGEST)
}

/// Outcomes by URL.
#[derive(Debug, Default)]
pub(super) struct Kept {
    entries: BTreeMap<Box<str>, Entry>,
    octets: usize,
    /// Rises with each use.
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    outcome: CertificateOutcome,
    /// For whom it was fetched.
    tenant: TenantId,
    until: Duration,
    used: u64,
}

impl Entry {
    fn octets(&self) -> usize {
        match &self.outcome {
            CertificateOutcome::Found(octets) => octets.len(),
            _ => 0,
        }
    }
}

impl Kept {
    /// What is known of a URL.
    pub(super) fn get(&mut self, url: &str, now: Duration) -> Option<CertificateOutcome> {
        let entry = self.entries.get_mut(url).filter(|entry| now < entry.until)?;
        self.uses += 1;
        entry.used = self.uses;
        Some(entry.outcome.clone())
    }

    /// Keeps for so long, or for as long as failures are kept, what was fetched for a tenant. What was not used for longest makes room, among
    /// all that the tenant has that has most.
    pub(super) fn put(
        &mut self,
        (url, tenant): (&str, TenantId),
        outcome: CertificateOutcome,
        found_for: Duration,
        now: Duration,
    ) {
        let lifetime = match outcome {
            CertificateOutcome::Found(_) => found_for,
            CertificateOutcome::Busy => return,
            _ => FAILED,
        };
        self.uses += 1;
        let entry = Entry {
            outcome,
            tenant,
            until: now + lifetime,
            used: self.uses,
        };
        self.remove(url);
        self.octets += entry.octets();
        self.entries.insert(url.into(), entry);
        while self.entries.len() > MOST || self.octets > MOST_OCTETS {
            let Some(url) = self.least_missed() else {
                return;
            };
            self.remove(&url);
        }
    }

    /// What makes room.
    fn least_missed(&self) -> Option<Box<str>> {
        let is_heavy = self.octets > MOST_OCTETS;
        let mut shares: BTreeMap<TenantId, usize> = BTreeMap::new();
        for entry in self.entries.values() {
            *shares.entry(entry.tenant).or_default() += if is_heavy { entry.octets() } else { 1 };
        }
        let (whose, _) = shares.into_iter().max_by_key(|(_, share)| *share)?;
        let own = self.entries.iter().filter(|(_, entry)| entry.tenant == whose);
        own.min_by_key(|(_, entry)| entry.used)
            .map(|(url, _)| url.clone())
    }

    fn remove(&mut self, url: &str) {
        if let Some(gone) = self.entries.remove(url) {
            self.octets -= gone.octets();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: Duration = Duration::from_secs(1);
    const ANY: TenantId = TenantId(1);

    fn found(length: usize) -> CertificateOutcome {
        CertificateOutcome::Found(vec![0; length].into())
    }

    #[test]
    fn certificates_are_kept_as_long_as_their_server_says_within_bounds() {
        for (told, seconds) in [
            ("", 3_600),
            ("Cache-Control: public, Max-Age=600\r\n", 600),
            ("Cache-Control: max-age=\"7200\"\r\n", 7_200),
            ("Cache-Control: max-age=0\r\n", 60),
            ("Cache-Control: max-age=soon\r\n", 60),
            ("Cache-Control: max-age=600, no-store\r\n", 60),
            ("Cache-Control: max-age=99999999\r\n", 86_400),
        ] {
            let answer = format!("HTTP/1.1 200 OK\r\n{told}\r\n");
            let answer = Answer::read(answer.as_bytes()).unwrap();
            assert_eq!(lifetime(&answer).as_secs(), seconds, "{told}");
        }
    }

    #[test]
    fn what_failed_is_tried_again_soon() {
        let mut kept = Kept::default();
        kept.put(("a", ANY), found(1), 600 * S, S);
        kept.put(("b", ANY), CertificateOutcome::Unreachable, 600 * S, S);
        kept.put(("c", ANY), CertificateOutcome::Busy, 600 * S, S);
        assert_eq!(kept.get("a", 600 * S), Some(found(1)));
        assert_eq!(kept.get("a", 601 * S), None);
        assert_eq!(kept.get("b", 30 * S), Some(CertificateOutcome::Unreachable));
        assert_eq!(kept.get("b", 31 * S), None);
        assert_eq!(kept.get("c", S), None);
    }

    #[test]
    fn what_was_not_used_for_longest_makes_room() {
        let mut kept = Kept::default();
        for index in 0..=MOST {
            kept.put((&index.to_string(), ANY), CertificateOutcome::Unreachable, S, S);
            kept.get("0", S);
        }
        assert_eq!(kept.entries.len(), MOST);
        assert!(kept.get("0", S).is_some() && kept.get("1", S).is_none());
        for index in 0..300 {
            kept.put((&format!("large {index}"), ANY), found(65_536), S, S);
            kept.put(("large again", ANY), found(65_536), S, S);
        }
        let all: usize = kept.entries.values().map(Entry::octets).sum();
        assert_eq!(kept.octets, all);
        assert_eq!(all, MOST_OCTETS);
    }
    #[test]
    fn a_flood_through_one_tenant_takes_what_that_tenant_has() {
        let (mut kept, flooded) = (Kept::default(), TenantId(2));
        for index in 0..100 {
            kept.put((&format!("good {index}"), ANY), found(2_000), 600 * S, S);
        }
        kept.put(("own", flooded), found(2_000), 600 * S, S);
        for index in 0..MOST {
            kept.put(
                (&format!("bad {index}"), flooded),
                CertificateOutcome::Unreachable,
                S,
                S,
            );
        }
        for index in 0..300 {
            kept.put((&format!("large {index}"), flooded), found(65_536), S, S);
        }
        assert!((0..100).all(|index| kept.get(&format!("good {index}"), S).is_some()));
        assert_eq!(kept.get("own", S), None);
        assert!(kept.octets <= MOST_OCTETS && kept.entries.len() <= MOST);
    }
}
