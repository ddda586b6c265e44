//! The border as all threads of a node share it.
//!
//! One for all workers: the kernel spreads the datagrams and connections of one source over them, so a score of each would be a part
//! of the truth. It lies in sixteen parts with a lock each; networks are dealt to parts, a lock is held for some hundred
//! nanoseconds, and who is on the list of those allowed takes none.

use crate::seam::random32;
use crate::settings::Border;
use anyhow::{Context, Result, bail};
use arc_swap::ArcSwap;
use border::{
    BanNews, Banned, Guard, Lists, Nets, Offence, Overload, Report, Rules, Sieve, Source, Standing, Verdict,
    blocked,
};
use model::{Access, AccessOutcome, BanView, Counts, FlowToken};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tenancy::Peers;

/// Parts of the border.
const PARTS: usize = 16;
/// Sets of each part: places for 131,072 sources and 262,144 flows altogether, which take 45 MB when all are used.
const SETS: usize = 1_024;
/// Seconds after which it is looked up again whether an address is a carrier's.
const PEER_S: u64 = 300;
/// Seconds for which a carrier's address is known after the DNS has another: most calls are over then.
const CALLS_S: u64 = 3_600;

/// The border.
pub(crate) struct BorderDesk {
    enabled: bool,
    rules: Arc<Rules>,
    lists: Arc<Lists>,
    /// Where the calls of trunks come from.
    peers: Arc<ArcSwap<Peers>>,
    parts: Vec<Mutex<Guard>>,
    seed: u64,
}

impl BorderDesk {
    /// As configured.
    ///
    /// # Errors
    /// The file of countries can't be read, or a line of it is no range.
    pub(crate) fn new(settings: &Border, peers: Arc<ArcSwap<Peers>>) -> Result<BorderDesk> {
        let rules = Arc::new(settings.rules.clone());
        let lists = Arc::new(Lists {
            allow: settings.allow.clone(),
            deny: settings.deny.clone(),
            countries: countries(settings)?,
        });
        let random = random32()?;
        let (seed, [own, _]) = (words(&random), words(random.get(16..).unwrap_or_default()));
        let part = || Guard::new(Arc::clone(&rules), Arc::clone(&lists), seed, SETS);
        Ok(BorderDesk {
            enabled: settings.enabled,
            peers,
            parts: (0..PARTS).map(|_| Mutex::new(part())).collect(),
            rules,
            lists,
            seed: own,
        })
    }

    /// The measures.
    pub(crate) fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What measures the waits of a worker.
    pub(crate) fn overload(&self, worker: usize) -> Overload {
        let limit = match self.enabled {
            true => Duration::from_millis(u64::from(self.rules.overload_ms)),
            false => Duration::ZERO,
        };
        let worker = u64::try_from(worker).unwrap_or(0);
        Overload::new(
            limit,
            self.seed.wrapping_add(worker.wrapping_mul(0x9E37_79B9_7F4A_7C15)),
        )
    }

    /// Nothing is asked of an address.
    fn is_free(&self, ip: IpAddr) -> bool {
        !self.enabled || self.lists.allows(ip)
    }

    fn part(&self, ip: IpAddr) -> Option<MutexGuard<'_, Guard>> {
        let mut hasher = DefaultHasher::new();
        (self.seed, Source::of(ip).site()).hash(&mut hasher);
        let parts = u64::try_from(self.parts.len()).unwrap_or(1).max(1);
        let index = usize::try_from(hasher.finish() % parts).unwrap_or(0);
        let part = self.parts.get(index)?;
        // A panic under it would have left a bucket a little wrong at worst.
        Some(part.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Asks for an address that is not free.
    fn ask<T>(&self, ip: IpAddr, ask: impl FnOnce(&mut Guard) -> T) -> Option<T> {
        let mut part = if self.is_free(ip) { None } else { self.part(ip) };
        part.as_deref_mut().map(ask)
    }

    /// Judges a message.
    pub(crate) fn message(
        &self,
        flow: &FlowToken,
        packet: &[u8],
        now: Duration,
        counts: &mut Counts,
    ) -> Verdict {
        let judge = |guard: &mut Guard| match guard.message(flow, packet, now) {
            pass @ Verdict::Pass { .. } => (pass, None),
            refusal => (refusal, guard.poll_news()),
        };
        let Some((verdict, news)) = self.ask(flow.remote.ip(), judge) else {
            return Verdict::PASS;
        };
        if matches!(verdict, Verdict::Refuse(_)) && self.is_carrier(flow.remote.ip(), now) {
            return Verdict::PASS;
        }
        note(news, counts);
        verdict
    }

    /// Judges a connection.
    pub(crate) fn connect(&self, ip: IpAddr, now: Duration) -> Verdict {
        let verdict = self.ask(ip, |guard| guard.connect(ip, now));
        match verdict.unwrap_or(Verdict::PASS) {
            Verdict::Refuse(_) if self.is_carrier(ip, now) => Verdict::PASS,
            verdict => verdict,
        }
    }

    /// See [`Guard::is_locked`].
    pub(crate) fn is_locked(&self, flow: &FlowToken, credential: u64, now: Duration) -> bool {
        self.ask(flow.remote.ip(), |guard| guard.is_locked(flow, credential, now))
            .unwrap_or(false)
    }

    /// See [`Guard::is_trusted`].
    pub(crate) fn is_trusted(&self, flow: &FlowToken, now: Duration) -> bool {
        self.ask(flow.remote.ip(), |guard| guard.is_trusted(flow, now))
            .unwrap_or(true)
    }

    /// See [`Guard::standing`]. A carrier is as good as who has shown a password.
    pub(crate) fn standing(&self, flow: &FlowToken, now: Duration) -> Standing {
        let ip = flow.remote.ip();
        match self.ask(ip, |guard| guard.standing(flow, now)) {
            Some(Standing::Stranger) if self.is_carrier(ip, now) => Standing::Shown,
            standing => standing.unwrap_or(Standing::Shown),
        }
    }

    /// See [`Guard::lets_help`].
    pub(crate) fn lets_help(&self, flow: &FlowToken, now: Duration) -> bool {
        self.ask(flow.remote.ip(), |guard| guard.lets_help(flow, now))
            .unwrap_or(true)
    }

    /// What became of a message.
    pub(crate) fn report(&self, flow: &FlowToken, what: Report, now: Duration, counts: &mut Counts) {
        let good = matches!(what, Report::Granted(_));
        if !good && self.is_carrier(flow.remote.ip(), now) {
            return;
        }
        let report = |guard: &mut Guard| {
            guard.report(flow, what, now);
            guard.poll_news()
        };
        note(self.ask(flow.remote.ip(), report).flatten(), counts);
    }

    /// What authentication found.
    pub(crate) fn access(&self, access: &Access, now: Duration, counts: &mut Counts) {
        let report = match access.outcome {
            AccessOutcome::Granted(credential) => Report::Granted(credential.0),
            AccessOutcome::Denied(credential) => Report::Denied(credential.0),
            AccessOutcome::Challenged => Report::Challenged,
        };
        self.report(&access.flow, report, now, counts);
    }

    /// A carrier's address, unless the operator keeps it out: nothing is held against it. Asked where something is, as it takes a
    /// look through the ranges of all trunks.
    fn is_carrier(&self, ip: IpAddr, now: Duration) -> bool {
        let is = !self.lists.deny.contains(ip) && self.peers.load().knows(ip);
        if is {
            self.ask(ip, |guard| guard.peer(ip, PEER_S, now));
        }
        is
    }

    /// These were carriers', and may not be any more, as the DNS has it: calls that they have go on.
    pub(crate) fn were(&self, carriers: impl Iterator<Item = IpAddr>, now: Duration) {
        let peers = self.peers.load();
        for ip in carriers.filter(|ip| !peers.knows(*ip) && !self.lists.deny.contains(*ip)) {
            self.ask(ip, |guard| guard.peer(ip, CALLS_S, now));
        }
    }

    /// Who is let through where a worker can't read all that comes. `None` where the border is off.
    pub(crate) fn sieve(&self, now: Duration) -> Option<Sieve> {
        if !self.enabled {
            return None;
        }
        // Another each time: whoever has found out whose place he shares loses it.
        let random = random32().ok()?;
        let mut sieve = Sieve::new(words(&random), &self.rules.emergency_countries);
        self.lists.enter(&mut sieve);
        let peers = self.peers.load();
        for (first, last) in peers.ranges() {
            sieve.between(first, last);
        }
        // Those of a network are in its range: whoever forges them fills no bitmap.
        let is_in_range = |ip: IpAddr| peers.knows(ip) && !peers.is_host(ip);
        for part in &self.parts {
            let part = part.lock().unwrap_or_else(PoisonError::into_inner);
            part.enter(&mut sieve, is_in_range, now);
        }
        Some(sieve)
    }

    /// Every ban, by address.
    pub(crate) fn bans(&self, now: Duration) -> Vec<BanView> {
        let lock = |part: &Mutex<Guard>| part.lock().unwrap_or_else(PoisonError::into_inner).bans(now);
        let mut bans: Vec<border::BanView> = self.parts.iter().flat_map(lock).collect();
        bans.sort_by_key(|ban| match ban.who {
            Banned::Source(source) => (source.site(), Some(source)),
            Banned::Site(site) => (site, None),
        });
        let view = |ban: border::BanView| BanView {
            address: address(ban.who),
            reason: match ban.by_operator {
                true => "operator",
                false => reason(ban.offence),
            }
            .to_owned(),
            datagrams_only: ban.datagrams_only,
            left_s: ban.left_s,
        };
        bans.into_iter().map(view).collect()
    }

    /// Keeps an address out.
    ///
    /// # Errors
    /// It can't be.
    pub(crate) fn ban(&self, ip: IpAddr, time: Duration, now: Duration) -> Result<()> {
        if !self.enabled {
            bail!("the border is off: [border] enabled = false");
        }
        if self.is_carrier(ip, now) {
            bail!("{ip} is a carrier's; disable its trunk, or use [border] deny");
        }
        match self.ask(ip, |guard| guard.ban(ip, time.as_secs(), now)) {
            Some(true) => Ok(()),
            Some(false) => bail!("there is no room for one more ban; use [border] deny for whole networks"),
            None => bail!("{ip} is on the list [border] allow; take it off there first"),
        }
    }

    /// Ends a ban.
    pub(crate) fn lift(&self, ip: IpAddr, now: Duration) -> bool {
        self.ask(ip, |guard| guard.lift(ip, now)).unwrap_or(false)
    }
}

/// The first two words of some random octets.
fn words(random: &[u8]) -> [u64; 2] {
    [0, 8].map(|at| {
        let octets = random.iter().skip(at).take(8);
        octets.fold(0, |word, octet| word << 8 | u64::from(*octet))
    })
}

/// The addresses that the rules about countries keep out.
fn countries(settings: &Border) -> Result<Nets> {
    if settings.countries.is_empty() {
        return Ok(Nets::default());
    }
    let Some(file) = &settings.countries_file else {
        bail!("[border] countries_allow and countries_deny need countries_file");
    };
    let text = std::fs::read_to_string(file)
        .with_context(|| format!("cannot read the file of countries {}", file.display()))?;
    let nets = blocked(&text, &settings.countries).with_context(|| file.display().to_string())?;
    tracing::info!("{} ranges of addresses are kept out by country", nets.ranges());
    Ok(nets)
}

fn address(who: Banned) -> String {
    match who {
        Banned::Source(source) => source.to_string(),
        Banned::Site(site) => site.to_string(),
    }
}

/// As `model::BanView` names it.
fn reason(offence: Option<Offence>) -> &'static str {
    match offence {
        None => "neighbours",
        Some(Offence::Scanner) => "scanner",
        Some(Offence::FirstFailure) => "credentials",
        Some(Offence::Failure) => "passwords",
        Some(Offence::Challenge) => "challenges",
        Some(Offence::Malformed) => "malformed",
        Some(Offence::UnknownDomain) => "domains",
        Some(Offence::Stalled) => "stalled",
        Some(Offence::Flood) => "flood",
    }
}

fn note(news: Option<BanNews>, counts: &mut Counts) {
    let Some(news) = news else { return };
    counts.bans += 1;
    let (who, why, seconds) = (address(news.who), reason(news.offence), news.for_s);
    let from = if news.datagrams_only { "datagrams of " } else { "" };
    tracing::info!("{from}{who} is kept out for {seconds} s: {why}");
}
