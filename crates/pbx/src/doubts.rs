//! Is it us? When calls of several signers in a row can't be verified for reasons that may as well be ours: a clock that is wrong, a list of
//! authorities that is out of date, a network that does not lead out, too much to do.
//!
//! Owns: when that is to be told, and when it is over. Does not own: telling (`standing`), and what becomes of the calls (`call::verified`).
//!
//! - One signer may have let its certificate run out, one host may be away: three signers at two hosts are not all wrong at once.
//! - One call that verifies ends it, whoever signed it: clock, authorities and network are good enough then.
//! - Strangers can bring this about, with signatures that prove nothing at URLs of theirs. What calls get by it they have without a signature as
//!   well, for which nobody is refused who is let in here; and it is told once in ten minutes at most.

use model::Now;
use std::collections::BTreeSet;
use std::time::Duration;
use stir::Failure;

/// Signers in a row.
const SIGNERS: usize = 3;
/// Hosts that have their certificates.
const HOSTS: usize = 2;
/// From its end to the next time that it may be told.
const QUIET: Duration = Duration::from_secs(600);

/// What of ours may be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Doubt {
    /// The time is not what others have.
    Clock,
    /// The authorities are not those of today.
    Authorities,
    /// Nothing can be fetched.
    Network,
    /// There is no room.
    Busy,
}

impl Doubt {
    /// What it may be when verification fails for this; `None` where it is the signer's fault, whatever is wrong here.
    pub(crate) fn of(failure: Failure) -> Option<Doubt> {
        match failure {
            Failure::Stale
            | Failure::FromFuture
            | Failure::CertificateNotYetValid
            | Failure::CertificateExpired => Some(Doubt::Clock),
            Failure::CertificateUntrusted => Some(Doubt::Authorities),
            Failure::Unreachable => Some(Doubt::Network),
            Failure::Malformed
            | Failure::Compact
            | Failure::Algorithm
            | Failure::Url
            | Failure::UrlsDiffer
            | Failure::OtherOrig
            | Failure::OtherDest
            | Failure::CertificateUnreadable
            | Failure::CertificateUnsupported
            | Failure::CertificateForged
            | Failure::CertificateNoAuthority
            | Failure::CertificateNoNumbers
            | Failure::CertificateOtherNumbers
            | Failure::Signature
            | Failure::Replayed => None,
        }
    }

    /// What to look at.
    fn as_str(self) -> &'static str {
        match self {
            Doubt::Clock => "the clock",
            Doubt::Authorities => "[stir] authorities",
            Doubt::Network => "the way to the Internet and the DNS",
            Doubt::Busy => "how many calls come",
        }
    }
}

/// Of one tenant.
#[derive(Debug, Default)]
pub(crate) struct Doubts {
    /// URLs of certificates, of calls in a row.
    signers: BTreeSet<Box<str>>,
    kinds: BTreeSet<Doubt>,
    stands: bool,
    /// And somebody was told.
    told: bool,
    quiet_until: Duration,
}

impl Doubts {
    /// A call of this signer, named by the URL of its certificate, was not verified for that. Gives what is to be looked at, when it is to
    /// be told now.
    pub(crate) fn fails(&mut self, signer: &str, doubt: Doubt, now: Now) -> Option<String> {
        if self.told {
            return None;
        }
        self.kinds.insert(doubt);
        if self.stands {
            return self.tells(now);
        }
        self.signers.insert(signer.into());
        let hosts: BTreeSet<&str> = self.signers.iter().map(|url| host(url)).collect();
        if self.signers.len() < SIGNERS || hosts.len() < HOSTS {
            // All of one host: the first are enough to tell it from another.
            if self.signers.len() > SIGNERS {
                self.signers.pop_first();
            }
            return None;
        }
        self.stands = true;
        self.signers.clear();
        self.tells(now)
    }

    /// What is to be looked at, unless the last time is too short a while ago.
    fn tells(&mut self, now: Now) -> Option<String> {
        self.told = now.mono >= self.quiet_until;
        if !self.told {
            return None;
        }
        let kinds = std::mem::take(&mut self.kinds);
        let words: Vec<_> = kinds.into_iter().map(Doubt::as_str).collect();
        Some(words.join(", "))
    }

    /// A call was verified. True when that is to be told.
    pub(crate) fn passes(&mut self, now: Now) -> bool {
        self.signers.clear();
        self.kinds.clear();
        self.stands = false;
        if self.told {
            self.quiet_until = now.mono.saturating_add(QUIET);
        }
        std::mem::take(&mut self.told)
    }

    /// It was told, and is not over.
    pub(crate) fn stands(&self) -> bool {
        self.stands
    }
}

/// Whom a URL leads to.
fn host(url: &str) -> &str {
    let behind = url.split_once("://").map_or(url, |(_, behind)| behind);
    behind.split(['/', '?', '#', ':']).next().unwrap_or(behind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wall;

    const AT: fn(u64) -> Now = |s| Now {
        mono: Duration::from_secs(s),
        wall: Wall(s * 1_000),
    };

    #[test]
    fn three_signers_at_two_hosts_in_a_row_are_told_once() {
        let mut doubts = Doubts::default();
        for url in [
            "https://a/1",
            "https://a/2",
            "https://a/3",
            "https://a/4",
            "https://a/1",
        ] {
            assert_eq!(doubts.fails(url, Doubt::Network, AT(1)), None, "{url}");
        }
        assert!(!doubts.stands() && doubts.signers.len() <= SIGNERS);
        let told = doubts.fails("https://b:8443/1", Doubt::Clock, AT(2));
        assert_eq!(
            told.as_deref(),
            Some("the clock, the way to the Internet and the DNS")
        );
        assert!(doubts.stands());
        assert_eq!(doubts.fails("https://c/1", Doubt::Clock, AT(3)), None);
        assert!(doubts.passes(AT(4)) && !doubts.stands());
        assert!(!doubts.passes(AT(5)));
    }

    #[test]
    fn one_that_is_verified_in_between_begins_the_count_anew() {
        let mut doubts = Doubts::default();
        let urls = ["https://a/1", "https://b/1", "https://c/1"];
        for url in urls.iter().chain(&urls) {
            assert_eq!(doubts.fails(url, Doubt::Clock, AT(1)), None);
            doubts.fails("https://d/1", Doubt::Clock, AT(1));
            assert!(!doubts.passes(AT(1)));
        }
    }

    #[test]
    fn it_is_not_told_again_and_again() {
        let mut doubts = Doubts::default();
        let mut begins = |s| {
            let urls = ["https://a/1", "https://b/1", "https://c/1"];
            let told = urls.map(|url| doubts.fails(url, Doubt::Busy, AT(s)).is_some());
            doubts.passes(AT(s));
            told.contains(&true)
        };
        assert!(begins(1));
        assert!(!begins(2));
        assert!(!begins(600));
        assert!(begins(602));
    }
}
