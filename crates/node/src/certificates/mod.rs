//! Certificates of those who vouch for callers, fetched from where their calls say (RFC 8226 §8): a URL that a stranger chose.
//!
//! Owns: one cache for all, how many are fetched at once, what each may take, and where none may be fetched from. Does not own: whose turn it
//! is (`turns`), what a certificate proves (`stir`). Whoever asks never waits: what is known comes at once, everything else on a thread that lives while
//! there is something to fetch. Names are looked up by a resolver of its own, so that strangers' names crowd out no carrier's.

mod fetch;
mod kept;
#[cfg(test)]
mod tests;
mod turns;

use crate::fork::{Place, client_config};
use crate::resolve::Resolver;
use crate::settings::Dns;
use anyhow::Result;
use fetch::{Means, fetch};
use kept::Kept;
use model::{CertificateOutcome, FetchCertificate, FetchedCertificate, TenantId, Transport};
use std::net::IpAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};
use turns::{Full, Most, Turns};

/// Certificates that are fetched at once, each by a thread, no more than the resolver has, or names would wait there; URLs that wait for one: at
/// a tenth of a second each the last of them waits less than one; a quarter of both for one host; calls that wait for one URL.
const MOST: Most = Most {
    threads: 16,
    threads_of_host: 4,
    waiting: 128,
    waiting_of_host: 32,
    asking: 4_096,
};
/// What one may take, from name to last octet: a call waits for it.
const LIMIT: Duration = Duration::from_secs(2);
/// Octets of a URL.
const LONGEST: usize = 1_024;

/// Takes an answer. Called on a thread of its own, or on that of who asks: it must not wait.
pub type Tell = Box<dyn FnOnce(FetchedCertificate) + Send>;

/// What became of all questions since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Answered from what was known.
    pub known: u64,
    /// Certificates that were fetched.
    pub fetched: u64,
    /// Those that could not be fetched, or were too large.
    pub failed: u64,
    /// Those that may not be fetched.
    pub refused: u64,
    /// Questions for which there was no room.
    pub busy: Busy,
}

/// Questions for which there was no room, by what was full.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Busy {
    /// The tenant has its share.
    pub tenant: u64,
    /// The host has its share.
    pub host: u64,
    /// All places are taken.
    pub all: u64,
    /// There was a place, and no thread in time.
    pub late: u64,
}

impl Busy {
    /// All of them.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.tenant + self.host + self.all + self.late
    }

    fn count(&mut self, full: Full) {
        match full {
            Full::Tenant => self.tenant += 1,
            Full::Host => self.host += 1,
            Full::All => self.all += 1,
        }
    }
}

/// Answers [`FetchCertificate`]s. Copies share everything.
#[derive(Clone)]
pub struct Certificates(Arc<Desk>);

struct Desk {
    means: Means,
    begun: Instant,
    state: Mutex<State>,
}

struct State {
    kept: Kept,
    turns: Turns<Asking>,
    totals: Totals,
}

struct Asking {
    order: u64,
    tell: Tell,
}

impl Certificates {
    /// Nothing is fetched yet. `dns` says how names are looked up; `allow_private` allows addresses of inner networks and any port:
    /// for laboratories; the certificate in the file `ca` is trusted as a server's besides those whom the machine trusts.
    ///
    /// # Errors
    /// That file holds no certificate.
    pub fn new(dns: &Dns, allow_private: bool, ca: Option<&Path>) -> Result<Certificates> {
        let more = ca.map(|path| crate::trust::read("ca", path)).transpose()?;
        let tls = client_config(&more.unwrap_or_default());
        if let Err(error) = &tls {
            tracing::warn!("no callers' certificates can be fetched: {error:#}");
        }
        let dns = Dns {
            timeout: dns.timeout.min(LIMIT),
            ..dns.clone()
        };
        Ok(Certificates(Arc::new(Desk {
            means: Means {
                resolver: Resolver::new(dns, &[Transport::Tcp]),
                allow_private,
                tls: tls.ok(),
            },
            begun: Instant::now(),
            state: Mutex::new(State {
                kept: Kept::default(),
                turns: Turns::new(MOST),
                totals: Totals::default(),
            }),
        })))
    }

    /// Answers a tenant once, at once where the answer is known, and within four seconds otherwise. Who asks for what is being fetched already
    /// waits for that.
    pub fn fetch(&self, tenant: TenantId, ask: &FetchCertificate, tell: Tell) {
        let asking = Asking {
            order: ask.order,
            tell,
        };
        if let Some((asking, outcome)) = self.admit(tenant, &ask.url, asking) {
            asking.answer(outcome);
        }
    }

    /// What became of all questions.
    #[must_use]
    pub fn totals(&self) -> Totals {
        self.0.state().totals
    }

    /// Gives it back with an outcome, or sees to it that there will be one.
    fn admit(&self, tenant: TenantId, url: &str, asking: Asking) -> Option<(Asking, CertificateOutcome)> {
        let host = host_of(url);
        let mut state = self.0.state();
        let Some(host) = host else {
            state.totals.refused += 1;
            return Some((asking, CertificateOutcome::Refused));
        };
        if let Some(known) = state.kept.get(url, self.0.begun.elapsed()) {
            state.totals.known += 1;
            return Some((asking, known));
        }
        let now = self.0.begun.elapsed();
        match state.turns.ask(tenant, [url, &host], asking, now) {
            Ok(more) => {
                drop(state);
                if more {
                    Desk::start(&self.0);
                }
                None
            }
            Err((asking, full)) => {
                state.totals.busy.count(full);
                Some((asking, CertificateOutcome::Busy))
            }
        }
    }
}

/// Whom a URL would have us ask, in one spelling; `None` where nothing may be fetched.
fn host_of(url: &str) -> Option<String> {
    let place =
        Place::parse(url, ["http", "https"]).filter(|place| place.is_secure && url.len() <= LONGEST)?;
    let name = place.host.trim_end_matches('.').to_ascii_lowercase();
    let address = name.parse::<IpAddr>().map(|ip| ip.to_canonical().to_string());
    Some(address.unwrap_or(name))
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn start(desk: &Arc<Desk>) {
        let own = Arc::clone(desk);
        let started = thread::Builder::new()
            .name("certificates".to_owned())
            .spawn(move || own.run());
        if let Err(error) = started {
            tracing::error!("no thread to fetch callers' certificates: {error}");
            let mut state = desk.state();
            let left = state.turns.lacks_thread();
            state.totals.busy.late += left.len() as u64;
            drop(state);
            for asking in left {
                asking.answer(CertificateOutcome::Busy);
            }
        }
    }

    /// Fetches until nothing waits.
    fn run(self: Arc<Desk>) {
        loop {
            let next = self.state().turns.next();
            let Some(turn) = next else { return };
            if turn.more {
                Desk::start(&self);
            }
            let waited = self.begun.elapsed().saturating_sub(turn.since);
            let (outcome, kept_for) = match waited < LIMIT {
                true => self.fetch(&turn.url),
                false => (CertificateOutcome::Busy, Duration::ZERO),
            };
            self.settle((&turn.url, turn.tenant), outcome, kept_for);
        }
    }

    fn fetch(&self, url: &str) -> (CertificateOutcome, Duration) {
        let end = Instant::now() + LIMIT;
        let fetched = catch_unwind(AssertUnwindSafe(|| fetch(&self.means, url, end)));
        fetched.unwrap_or_else(|_| {
            tracing::error!("fetching a caller's certificate panicked; please report it");
            (CertificateOutcome::Unreachable, Duration::ZERO)
        })
    }

    /// Keeps an outcome and tells all who wait for it.
    fn settle(&self, (url, tenant): (&str, TenantId), outcome: CertificateOutcome, kept_for: Duration) {
        let mut state = self.state();
        let now = self.begun.elapsed();
        let asking = state.turns.done(url);
        let (totals, count) = (&mut state.totals, asking.len() as u64);
        match outcome {
            CertificateOutcome::Found(_) => totals.fetched += 1,
            CertificateOutcome::Refused => totals.refused += 1,
            CertificateOutcome::Unreachable | CertificateOutcome::TooLarge => totals.failed += 1,
            CertificateOutcome::Busy => totals.busy.late += count,
        }
        state.kept.put((url, tenant), outcome.clone(), kept_for, now);
        drop(state);
        for asking in asking {
            asking.answer(outcome.clone());
        }
    }
}

impl Asking {
    fn answer(self, outcome: CertificateOutcome) {
        (self.tell)(FetchedCertificate {
            order: self.order,
            outcome,
        });
    }
}
