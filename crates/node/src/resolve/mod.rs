//! Where SIP URIs lead, asked of the DNS: the sockets and threads around `sip::locate`.
//!
//! Owns: one cache for all, how many look-ups run at once, and what each may take. Does not own: what to ask and what answers
//! mean (`sip::locate`). Whoever asks never waits: an answer that is known comes at once, everything else on a thread that
//! lives while there is something to look up. Names are asked for whole, without the search list of the machine: a trunk's name
//! is also the one that its certificate has to have.

mod exchange;
mod system;
#[cfg(test)]
pub(crate) mod tests;

use crate::errands::{Errands, Joined, Most};
use crate::seam::random32;
use crate::settings::Dns;
use exchange::Exchange;
use model::{Locate, LocateOutcome, Located, Place, Transport};
use sip::locate::{self, Cache, Failure, Found, Held, Locator, Means, Wish};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Look-ups at once, each with a thread: none takes longer than the configuration says; different wishes that wait for one; questions
/// that wait for one wish, those of the calls that came while it was being looked up.
const MOST: Most = Most {
    threads: 16,
    waiting: 1_024,
    asking: 4_096,
};
/// Wishes in the cache, each below a kilobyte as a rule: more than there are trunks.
const KEPT: usize = 4_096;
/// How long a look-up may take where an old answer is at hand: a call waits for it.
const STALE_WAIT: Duration = Duration::from_secs(if cfg!(test) { 5 } else { 1 });

/// Seconds that an answer is said to hold at most.
const LONGEST_S: u32 = 3_600;

/// Takes an answer. Called on a thread of the resolver, or on that of who asks: it must not wait.
pub type Tell = Box<dyn FnOnce(Located) + Send>;

/// Answers [`Locate`]s. Copies share everything.
#[derive(Clone)]
pub struct Resolver(Arc<Desk>);

struct Desk {
    dns: Dns,
    means: Means,
    begun: Instant,
    /// The server that answered last is asked first.
    good: AtomicUsize,
    state: Mutex<State>,
    /// By how much tests are ahead of the clock, seconds.
    #[cfg(test)]
    ahead_s: std::sync::atomic::AtomicU64,
}

struct State {
    cache: Cache,
    /// By wish, and whether there is an old answer.
    errands: Errands<Wish, bool, Asking>,
}

struct Asking {
    order: u64,
    tell: Tell,
}

impl Resolver {
    /// Asks as `dns` says, for the transports that this server opens connections by, the one that it likes best first.
    /// WebSocket is left out: nobody is called by it.
    #[must_use]
    pub fn new(dns: Dns, transports: &[Transport]) -> Resolver {
        let means = Means {
            transports: transports.iter().filter_map(|t| inward(*t)).collect(),
            families: dns.families,
        };
        Resolver(Arc::new(Desk {
            dns,
            means,
            begun: Instant::now(),
            good: AtomicUsize::new(0),
            state: Mutex::new(State {
                cache: Cache::new(KEPT),
                errands: Errands::new(MOST),
            }),
            #[cfg(test)]
            ahead_s: 0.into(),
        }))
    }

    /// Answers once, at once where the answer is known. Who asks for what is being looked up already waits for that.
    pub fn locate(&self, ask: &Locate, tell: Tell) {
        let order = ask.order;
        let Some(wish) = wish(ask) else {
            return tell(Located {
                order,
                outcome: LocateOutcome::Refused,
            });
        };
        let asking = Asking { order, tell };
        if let Some((asking, outcome)) = self.admit(wish, asking) {
            asking.answer(outcome);
        }
    }

    /// Gives it back with an outcome, or sees to it that there will be one.
    fn admit(&self, wish: Wish, asking: Asking) -> Option<(Asking, LocateOutcome)> {
        let mut state = self.0.state();
        let now = self.0.now();
        let held = state.cache.get(&wish, now);
        if let Held::Fresh(known) = held {
            let holds_s = state.cache.holds_s(&wish, now);
            drop(state);
            return Some((asking, outcome(&wish, &known, holds_s)));
        }
        let asking = match state.errands.join(&wish, asking) {
            Joined::Waits => return None,
            Joined::Full(asking) => return Some((asking, LocateOutcome::Busy)),
            Joined::First(asking) => asking,
        };
        let locator = Locator::new(wish.clone(), self.0.means.clone(), 0);
        if let Some(known) = locator.outcome() {
            // An address, or what can't be had: the DNS has no part in it.
            return Some((asking, outcome(&wish, known, u32::MAX)));
        }
        let is_stale = matches!(held, Held::Stale(_));
        match state.errands.begin(wish, is_stale, asking) {
            Ok(more) => {
                drop(state);
                if more {
                    Desk::start(&self.0);
                }
                None
            }
            Err(asking) => Some((asking, LocateOutcome::Busy)),
        }
    }
}

impl Desk {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Time, as the cache has it.
    fn now(&self) -> Duration {
        self.begun.elapsed() + self.skipped()
    }

    #[cfg(not(test))]
    fn skipped(&self) -> Duration {
        Duration::ZERO
    }

    fn start(desk: &Arc<Desk>) {
        let own = Arc::clone(desk);
        let started = thread::Builder::new()
            .name("resolve".to_owned())
            .spawn(move || own.run());
        if let Err(error) = started {
            tracing::error!("no thread to ask the DNS: {error}");
            let left = desk.state().errands.lacks_thread();
            for asking in left {
                asking.answer(LocateOutcome::Busy);
            }
        }
    }

    /// Looks up until nothing waits.
    fn run(&self) {
        loop {
            let next = self.state().errands.next();
            let Some((wish, is_stale)) = next else { return };
            let looked_up = catch_unwind(AssertUnwindSafe(|| self.look_up(&wish, is_stale)));
            let found = looked_up.unwrap_or_else(|_| {
                tracing::error!("a look-up in the DNS panicked; please report it");
                Err(Failure::NoAnswer)
            });
            let failed = matches!(found, Err(Failure::NoAnswer));
            let mut state = self.state();
            let now = self.now();
            let holds = state.cache.put(&wish, found, now);
            let holds_s = state.cache.holds_s(&wish, now);
            let asking = state.errands.done(&wish);
            drop(state);
            if failed {
                let meanwhile = match holds.is_ok() {
                    true => "what it said before goes on",
                    false => "there is nothing from before",
                };
                tracing::warn!("the DNS does not answer for {}: {meanwhile}", wish.host);
            }
            for asking in asking {
                asking.answer(outcome(&wish, &holds, holds_s));
            }
        }
    }

    fn look_up(&self, wish: &Wish, is_stale: bool) -> Result<Found, Failure> {
        let limit = if is_stale { STALE_WAIT } else { self.dns.timeout };
        let limit = limit.min(self.dns.timeout);
        let mut locator = Locator::new(wish.clone(), self.means.clone(), seed());
        let mut exchange = Exchange::new(&self.dns.servers, &self.good, limit);
        loop {
            if let Some(outcome) = locator.outcome() {
                return outcome.clone();
            }
            if exchange.is_over() {
                locator.give_up();
                continue;
            }
            for (question, answer) in exchange.ask(locator.questions()) {
                locator.handle_answer(&question, answer);
            }
        }
    }
}

impl Asking {
    fn answer(self, outcome: LocateOutcome) {
        (self.tell)(Located {
            order: self.order,
            outcome,
        });
    }
}

/// In the words of `sip::locate`; `None` for what can't be looked up.
fn wish(ask: &Locate) -> Option<Wish> {
    let transport = match ask.transport {
        Some(transport) => Some(inward(transport)?),
        None => None,
    };
    Wish::new(&ask.host, ask.port, transport, ask.secure).ok()
}

/// In the words of `model`, with lots drawn anew.
fn outcome(wish: &Wish, found: &Result<Found, Failure>, ttl_s: u32) -> LocateOutcome {
    let found = match found {
        Ok(found) => found,
        Err(Failure::NoSuchName(_)) => return LocateOutcome::NoSuchName,
        Err(Failure::NoAnswer) => return LocateOutcome::NoAnswer,
        Err(Failure::Unspoken) => return LocateOutcome::Refused,
    };
    let name = wish.host.to_string().into_boxed_str();
    let place = |place: locate::Place| Place {
        transport: outward(place.transport),
        address: place.address,
        name: name.clone(),
    };
    LocateOutcome::Found {
        places: found.places(seed()).into_iter().map(place).collect(),
        ttl_s: ttl_s.clamp(1, LONGEST_S),
    }
}

fn inward(transport: Transport) -> Option<locate::Transport> {
    match transport {
        Transport::Udp => Some(locate::Transport::Udp),
        Transport::Tcp => Some(locate::Transport::Tcp),
        Transport::Tls => Some(locate::Transport::Tls),
        Transport::Ws | Transport::Wss => None,
    }
}

fn outward(transport: locate::Transport) -> Transport {
    match transport {
        locate::Transport::Udp => Transport::Udp,
        locate::Transport::Tcp => Transport::Tcp,
        locate::Transport::Tls => Transport::Tls,
    }
}

/// For lots: without randomness of the system each is still as good as the next.
fn seed() -> u64 {
    let random = random32().ok();
    let first = random.as_ref().and_then(|octets| octets.first_chunk());
    first.map_or(0, |octets| u64::from_be_bytes(*octets))
}
