//! Those who mean well while strangers flood the server: some talk all the time, others call each other again and again.

use super::DOMAIN;
use anyhow::{Result, ensure};
use interop::Server;
use interop::actor::{Actor, play};
use interop::wire::Transport;
use sim::phone::{Answer, State};
use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

/// Pairs of phones: of these each has a call that stays up, and calls that come and go.
const PAIRS: u8 = 12;
/// Between two calls of all of them together.
const PACE: Duration = Duration::from_millis(40);
/// How long a call lasts.
const TALK: Duration = Duration::from_millis(500);
/// Until it has to be up: who calls is tired of waiting then.
const WITHIN: Duration = Duration::from_secs(10);

/// What became of the calls.
#[derive(Clone, Debug, Default)]
pub(super) struct Figures {
    pub(super) placed: usize,
    pub(super) good: usize,
    pub(super) p50: Duration,
    pub(super) p99: Duration,
    pub(super) max: Duration,
    /// What the others came to, by the last answer.
    pub(super) faults: BTreeMap<u16, usize>,
}

/// A call that was placed.
struct Placed {
    pair: usize,
    number: usize,
    since: Instant,
    up: Option<Instant>,
}

/// Callers and called, and what they are at.
pub(super) struct Crowd {
    pairs: Vec<(Actor, Actor)>,
    placed: Vec<Placed>,
    next: Instant,
    turns: usize,
    count: usize,
    waits: Vec<Duration>,
    faults: BTreeMap<u16, usize>,
}

/// Where a caller is, and the one whom he calls.
fn home(pair: u8, called: bool) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, if called { 2 } else { 1 }, pair + 1)
}

/// Where all of them are.
pub(super) fn homes() -> impl Iterator<Item = Ipv4Addr> {
    (0..PAIRS).flat_map(|pair| [home(pair, false), home(pair, true)])
}

/// True where this call of the phone is up.
pub(super) fn is_up(phone: &Actor, call: usize) -> bool {
    phone.phone.calls().contains(&(call, State::Up))
}

impl Crowd {
    /// All are registered, over all transports, and each pair has a call.
    pub(super) fn settle(server: &Server) -> Result<Crowd> {
        let mut pairs = Vec::new();
        for pair in 0..PAIRS {
            let transport =
                [Transport::Udp, Transport::Udp, Transport::Tcp, Transport::Tls][usize::from(pair % 4)];
            let phone = |called: bool| {
                let user = (100 + 2 * u32::from(pair) + u32::from(called)).to_string();
                Actor::new(server, (DOMAIN, &user), transport, home(pair, called).into())
            };
            let (mut one, mut other) = (phone(false)?, phone(true)?);
            one.register()?;
            other.register()?;
            let number = other.phone.identity.user.clone();
            one.call(&number);
            play(&mut one, &mut other, "a call that stays", |one, other| {
                one.up() == 1 && other.up() == 1
            })?;
            other.phone.answer = Answer::PickUp(0);
            pairs.push((one, other));
        }
        Ok(Crowd {
            pairs,
            placed: Vec::new(),
            next: Instant::now(),
            turns: 0,
            count: 0,
            waits: Vec::new(),
            faults: BTreeMap::new(),
        })
    }

    /// Counts anew.
    pub(super) fn begin(&mut self) {
        (self.count, self.waits, self.faults) = (0, Vec::new(), BTreeMap::new());
        self.next = Instant::now();
    }

    /// Everybody has a turn; a call is placed where it is time, unless no more are wanted.
    pub(super) fn turn(&mut self, more: bool) -> Result<()> {
        for (one, other) in &mut self.pairs {
            one.turn(Duration::ZERO)?;
            other.turn(Duration::ZERO)?;
        }
        if more && Instant::now() >= self.next {
            self.next += PACE;
            self.place();
        }
        self.look();
        Ok(())
    }

    fn place(&mut self) {
        let pair = self.turns % self.pairs.len();
        self.turns += 1;
        let Some((one, other)) = self.pairs.get_mut(pair) else {
            return;
        };
        let callee = other.phone.identity.user.clone();
        let number = one.call(&callee);
        self.count += 1;
        self.placed.push(Placed {
            pair,
            number,
            since: Instant::now(),
            up: None,
        });
    }

    /// Who is up is noted, who has talked long enough hangs up, who has waited too long gives up.
    fn look(&mut self) {
        let (pairs, waits, faults) = (&mut self.pairs, &mut self.waits, &mut self.faults);
        self.placed.retain_mut(|placed| {
            let Some((phone, _)) = pairs.get_mut(placed.pair) else {
                return false;
            };
            let now = phone.now();
            match placed.up {
                Some(since) if since.elapsed() < TALK => return true,
                Some(_) => phone.phone.hang_up(placed.number, now),
                None if is_up(phone, placed.number) => {
                    placed.up = Some(Instant::now());
                    waits.push(placed.since.elapsed());
                    return true;
                }
                None => {
                    let calls = phone.phone.calls();
                    let over = calls.contains(&(placed.number, State::Over));
                    if !over && placed.since.elapsed() < WITHIN {
                        return true;
                    }
                    let last = phone
                        .phone
                        .heard
                        .iter()
                        .rev()
                        .find(|(method, _)| method == "INVITE");
                    let code = if over {
                        last.map_or(0, |(_, code)| *code)
                    } else {
                        408
                    };
                    *faults.entry(code).or_default() += 1;
                    phone.phone.end(placed.number, now);
                }
            }
            false
        });
    }

    /// Waits for the calls that are on their way.
    pub(super) fn finish(&mut self) -> Result<()> {
        while !self.placed.is_empty() {
            self.turn(false)?;
            std::thread::sleep(Duration::from_millis(1));
        }
        Ok(())
    }

    pub(super) fn figures(&self) -> Figures {
        let mut waits = self.waits.clone();
        waits.sort();
        let at = |percent: usize| {
            let place = waits.len().saturating_sub(1) * percent / 100;
            waits.get(place).copied().unwrap_or_default()
        };
        Figures {
            placed: self.count,
            good: waits.len(),
            p50: at(50),
            p99: at(99),
            max: at(100),
            faults: self.faults.clone(),
        }
    }

    /// The calls that stay are up, and can be held and resumed; whoever is called away is registered again.
    pub(super) fn still_talk(&mut self) -> Result<()> {
        for (one, other) in &mut self.pairs {
            let user = one.phone.identity.user.clone();
            play(one, other, "the last BYE", |one, other| {
                one.up() == 1 && other.up() == 1
            })?;
            for direction in ["sendonly", "sendrecv"] {
                let now = one.now();
                one.phone.heard.clear();
                one.phone.reinvite(0, direction, now);
                play(one, other, direction, |one, _| {
                    one.phone.heard.contains(&("INVITE".to_owned(), 200))
                })?;
            }
            ensure!(is_up(one, 0), "the call of {user} that should stay is over");
            one.register()?;
            other.register()?;
        }
        Ok(())
    }
}
