//! The decision, for the sources of one part of the address space.
//!
//! Owns: the tables, and what is asked of them. Does not own: what an offence leads to (`blame`). Who lives in one network is in one part, so a shell may have several guards, each behind a lock of its own.

use crate::address::{Site, Source, address_of};
use crate::bucket::{Bucket, Rate, millis};
use crate::kind::{Kind, is_emergency};
use crate::lists::Lists;
use crate::rules::Rules;
use crate::score::{Ban, CredentialState, FlowState, Offence, SiteState, SourceState};
use crate::sieve::Sieve;
use crate::signature::is_scanner;
use crate::table::Table;
use model::{FlowToken, Transport};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// Seconds for which messages of a call for help are let in after the last one of them.
const HELPED_S: u64 = 600;

/// Why something was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// By the operator's list.
    Denied,
    /// By the rules about countries.
    Country,
    /// Its source or network is banned.
    Banned,
    /// It names itself as a scanner.
    Scanner,
    /// More than a stranger may send or open.
    Flood,
}

/// What is to become of a message or connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is let in.
    Pass {
        /// Some credential is locked at its source: ask [`Guard::is_locked`].
        locks: bool,
        /// It is let in only because somebody calls for help.
        emergency: bool,
    },
    /// No answer. A connection that it came on is closed.
    Refuse(Why),
}

impl Verdict {
    /// Let in like anything else.
    pub const PASS: Verdict = Verdict::Pass {
        locks: false,
        emergency: false,
    };
}

/// How well a sender is known: whoever is known better is served first where not all can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// Nobody there has shown anything, or long ago.
    Stranger,
    /// Somebody has shown a good password from its address, by another port or connection. Anybody can write that address into a
    /// datagram, but has to know it.
    Neighbour,
    /// A good password was shown on this very flow; or nothing is asked of its address.
    Shown,
}

/// Who is banned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Banned {
    /// One source.
    Source(Source),
    /// A whole network.
    Site(Site),
}

/// A ban that has begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanNews {
    /// Who.
    pub who: Banned,
    /// What was too much; `None` for its neighbours' doings.
    pub offence: Option<Offence>,
    /// How long, seconds.
    pub for_s: u64,
    /// From sending datagrams alone: their source may be forged.
    pub datagrams_only: bool,
}

/// A ban as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BanView {
    /// Who.
    pub who: Banned,
    /// What was too much; `None` for the operator's word, and for neighbours' doings.
    pub offence: Option<Offence>,
    /// The operator has said so.
    pub by_operator: bool,
    /// From sending datagrams alone.
    pub datagrams_only: bool,
    /// Seconds until it ends.
    pub left_s: u64,
}

/// An address with its port and transport.
type FlowKey = (u128, u32);

/// What holds strangers off.
pub struct Guard {
    pub(crate) rules: Arc<Rules>,
    pub(crate) lists: Arc<Lists>,
    pub(crate) sources: Table<Source, SourceState>,
    pub(crate) sites: Table<Site, SiteState>,
    pub(crate) credentials: Table<(Source, u64), CredentialState>,
    pub(crate) flows: Table<FlowKey, FlowState>,
    /// A ban that nobody has heard of yet.
    pub(crate) news: Option<BanNews>,
}

/// Stands for UDP in it.
const DATAGRAMS: u32 = 0;

pub(crate) fn flow_key(flow: &FlowToken) -> FlowKey {
    let transport = match flow.transport {
        Transport::Udp => DATAGRAMS,
        Transport::Tcp => 1,
        Transport::Tls => 2,
        Transport::Ws => 3,
        Transport::Wss => 4,
    };
    let port = u32::from(flow.remote.port());
    (crate::address::number(flow.remote.ip()), port << 8 | transport)
}

pub(crate) fn is_datagram(flow: &FlowToken) -> bool {
    !flow.transport.is_reliable()
}

impl Guard {
    /// Tables with room for eight times `sets` sources, twice as many flows, half as many networks and credentials. The seed is
    /// secret.
    #[must_use]
    pub fn new(rules: Arc<Rules>, lists: Arc<Lists>, seed: [u64; 2], sets: usize) -> Guard {
        Guard {
            rules,
            lists,
            sources: Table::new(sets, seed),
            sites: Table::new(sets / 2, seed),
            credentials: Table::new(sets / 2, seed),
            flows: Table::new(sets * 2, seed),
            news: None,
        }
    }

    /// Judges a message before it is parsed.
    pub fn message(&mut self, flow: &FlowToken, packet: &[u8], now: Duration) -> Verdict {
        let (source, at) = (Source::of(flow.remote.ip()), millis(now));
        if self.lists.allows(flow.remote.ip()) {
            return Verdict::PASS;
        }
        let state = self.sources.get(&source);
        if let Some(state) = state.filter(|state| state.is_known(at) && !state.ban.holds(false, at)) {
            return Verdict::Pass {
                locks: state.locks_until > at,
                emergency: false,
            };
        }
        let locks = state.is_some_and(|state| state.locks_until > at);
        let pass = Verdict::Pass {
            locks,
            emergency: false,
        };
        if let Some(why) = self.barred(flow.remote.ip(), is_datagram(flow), at) {
            // Whoever has shown his password here goes on when his neighbours are put out, unless the operator has said otherwise.
            let by_operator = state.is_some_and(|state| state.ban.by_operator);
            let goes_on = why == Why::Banned && !by_operator && self.is_good(flow, at);
            return if goes_on {
                pass
            } else {
                self.plead(flow, packet, why, now)
            };
        }
        if is_scanner(packet) {
            self.offend(source, is_datagram(flow), Offence::Scanner, now);
            return self.plead(flow, packet, Why::Scanner, now);
        }
        let (of_source, of_site) = (self.rules.messages_per_source, self.rules.messages_per_prefix);
        if !self.measure(
            source,
            now,
            |s| &mut s.messages,
            of_source,
            |s| &mut s.messages,
            of_site,
        ) {
            self.offend(source, is_datagram(flow), Offence::Flood, now);
            return self.plead(flow, packet, Why::Flood, now);
        }
        pass
    }

    /// Judges a connection before anything is read from it, and before a TLS handshake.
    pub fn connect(&mut self, ip: IpAddr, now: Duration) -> Verdict {
        let (source, at) = (Source::of(ip), millis(now));
        let state = self.sources.get(&source);
        let is_known = |state: &SourceState| state.is_known(at) && !state.ban.holds(false, at);
        if self.lists.allows(ip) || state.is_some_and(is_known) {
            return Verdict::PASS;
        }
        let why = self.barred(ip, false, at).or_else(|| {
            let (of_source, of_site) = (self.rules.connects_per_source, self.rules.connects_per_prefix);
            let fits = self.measure(
                source,
                now,
                |s| &mut s.connects,
                of_source,
                |s| &mut s.connects,
                of_site,
            );
            (!fits).then_some(Why::Flood)
        });
        let Some(why) = why else { return Verdict::PASS };
        // It may be somebody who calls for help: the first message will show.
        let rate = self.rules.emergency_connects_per_prefix;
        let site = self.site(source, now);
        match site.is_some_and(|site| site.emergency_connects.take(1, rate, now)) {
            true => Verdict::Pass {
                locks: false,
                emergency: true,
            },
            false => Verdict::Refuse(why),
        }
    }

    /// A ban that what came last has led to.
    pub fn poll_news(&mut self) -> Option<BanNews> {
        self.news.take()
    }

    /// A carrier that we speak to by ourselves: for so long nothing is asked of its address.
    pub fn peer(&mut self, ip: IpAddr, for_s: u64, now: Duration) {
        let peer_until = millis(now).saturating_add(for_s.saturating_mul(1_000));
        let new = SourceState {
            peer_until,
            ..SourceState::default()
        };
        if let Some(state) = self.source(Source::of(ip), new, now) {
            state.peer_until = peer_until;
        }
    }

    /// True where a credential has failed too often from a source to be looked at now. On the flow where it was shown to be right it
    /// is never locked, so that nobody locks out a phone by forging its address.
    #[must_use]
    pub fn is_locked(&self, flow: &FlowToken, credential: u64, now: Duration) -> bool {
        let at = millis(now);
        let key = (Source::of(flow.remote.ip()), credential);
        let locked = self
            .credentials
            .get(&key)
            .is_some_and(|state| state.lock.holds(true, at));
        let own = self.flows.get(&flow_key(flow));
        locked && !own.is_some_and(|own| own.good_until > at && own.credential == credential)
    }

    /// Whether a call for help may be taken from a flow though others are refused: always of whom is known, of strangers as far as
    /// their network's budget goes.
    pub fn lets_help(&mut self, flow: &FlowToken, now: Duration) -> bool {
        let rate = self.rules.emergencies_per_prefix;
        self.is_trusted(flow, now)
            || self
                .site(Source::of(flow.remote.ip()), now)
                .is_some_and(|site| site.emergencies.take(1, rate, now))
    }

    /// True where somebody has shown a good password lately, on this flow or from its source.
    #[must_use]
    pub fn is_trusted(&self, flow: &FlowToken, now: Duration) -> bool {
        let (ip, at) = (flow.remote.ip(), millis(now));
        let known = |state: &SourceState| state.is_known(at);
        self.lists.allows(ip)
            || self.is_good(flow, at)
            || self.sources.get(&Source::of(ip)).is_some_and(known)
    }

    /// How well a flow is known.
    #[must_use]
    pub fn standing(&self, flow: &FlowToken, now: Duration) -> Standing {
        let (ip, at) = (flow.remote.ip(), millis(now));
        let source = self.sources.get(&Source::of(ip));
        let is_peer = source.is_some_and(|state| state.peer_until > at);
        if self.lists.allows(ip) || is_peer || self.is_good(flow, at) {
            Standing::Shown
        } else if source.is_some_and(|state| state.is_known(at)) {
            Standing::Neighbour
        } else {
            Standing::Stranger
        }
    }

    /// Enters everybody who has shown who he is by datagrams, and the carriers that we speak to, but for those that are in it already.
    pub fn enter(&self, sieve: &mut Sieve, is_there: impl Fn(IpAddr) -> bool, now: Duration) {
        let at = millis(now);
        for ((address, place), state) in self.flows.entries() {
            let (port, is_datagram) = (place >> 8, place & 0xff == DATAGRAMS);
            if let (true, Ok(port)) = (is_datagram && state.good_until > at, u16::try_from(port)) {
                sieve.flow(SocketAddr::new(address_of(*address), port));
            }
        }
        for (source, state) in self.sources.entries().filter(|(_, state)| state.is_known(at)) {
            let ip = address_of(source.number());
            match state.peer_until > at {
                true if is_there(ip) => {}
                true => sieve.source(ip),
                false => sieve.neighbour(ip),
            }
        }
    }

    /// Every ban, by address.
    #[must_use]
    pub fn bans(&self, now: Duration) -> Vec<BanView> {
        let at = millis(now);
        let view = |who: Banned, ban: &Ban| {
            Some(BanView {
                who,
                offence: ban.for_what,
                by_operator: ban.by_operator,
                datagrams_only: ban.all_until <= at,
                left_s: ban.end(at)?.saturating_sub(at).div_ceil(1_000),
            })
        };
        let sources = self.sources.entries();
        let sources = sources.filter_map(|(source, s)| view(Banned::Source(*source), &s.ban));
        let sites = self
            .sites
            .entries()
            .filter_map(|(site, s)| view(Banned::Site(*site), &s.ban));
        let mut all: Vec<BanView> = sources.chain(sites).collect();
        all.sort_by_key(|view| match view.who {
            Banned::Source(source) => (source.number(), 0),
            Banned::Site(site) => (site.number(), 1),
        });
        all
    }

    /// Keeps a source out by the operator's word, for so many seconds. False when there is no room for it.
    pub fn ban(&mut self, ip: IpAddr, for_s: u64, now: Duration) -> bool {
        let until = millis(now).saturating_add(for_s.saturating_mul(1_000));
        let ban = Ban {
            all_until: until,
            by_operator: true,
            ..Ban::default()
        };
        let new = SourceState {
            ban,
            ..SourceState::default()
        };
        let state = self.source(Source::of(ip), new, now);
        state.map(|state| state.ban = ban).is_some()
    }

    /// Ends the ban of a source and of its network, and forgets what led to it. False when there was none.
    pub fn lift(&mut self, ip: IpAddr, now: Duration) -> bool {
        let (source, at) = (Source::of(ip), millis(now));
        let mut lifted = false;
        if let Some(state) = self.sources.get_mut(&source) {
            lifted |= state.ban.end(at).is_some();
            *state = SourceState {
                known_until: state.known_until,
                peer_until: state.peer_until,
                seen: state.seen,
                ..SourceState::default()
            };
        }
        if let Some(site) = self.sites.get_mut(&source.site()) {
            lifted |= site.ban.end(at).is_some();
            (site.ban, site.proven, site.forgeable) = Default::default();
        }
        lifted
    }

    /// Sources, networks, credentials and flows that are remembered, together.
    #[must_use]
    pub fn held(&self) -> usize {
        self.sources.len() + self.sites.len() + self.credentials.len() + self.flows.len()
    }

    fn barred(&self, ip: IpAddr, datagram: bool, at: u64) -> Option<Why> {
        let source = Source::of(ip);
        let banned = || {
            let source_banned = self
                .sources
                .get(&source)
                .is_some_and(|s| s.ban.holds(datagram, at));
            source_banned
                || self
                    .sites
                    .get(&source.site())
                    .is_some_and(|s| s.ban.holds(datagram, at))
        };
        if self.lists.deny.contains(ip) {
            Some(Why::Denied)
        } else if self.lists.countries.contains(ip) {
            Some(Why::Country)
        } else {
            banned().then_some(Why::Banned)
        }
    }

    fn is_good(&self, flow: &FlowToken, at: u64) -> bool {
        let state = self.flows.get(&flow_key(flow));
        state.is_some_and(|state| state.good_until > at)
    }

    /// Lets a call for help in, and what belongs to one, as far as their budget goes.
    fn plead(&mut self, flow: &FlowToken, packet: &[u8], why: Why, now: Duration) -> Verdict {
        let (key, at) = (flow_key(flow), millis(now));
        let until = at.saturating_add(HELPED_S * 1_000);
        let rules = Arc::clone(&self.rules);
        let calls = is_emergency(packet, &rules.emergency_countries);
        let helped = self.flows.get(&key).is_some_and(|state| state.helped_until > at);
        if !calls && (!helped || Kind::of(packet) == Kind::Other) {
            return Verdict::Refuse(why);
        }
        let fits = self
            .site(Source::of(flow.remote.ip()), now)
            .is_some_and(|site| match calls {
                true => site.emergencies.take(1, rules.emergencies_per_prefix, now),
                false => site.follow_ups.take(1, rules.follow_ups_per_prefix, now),
            });
        if !fits {
            return Verdict::Refuse(why);
        }
        let new = FlowState {
            helped_until: until,
            ..FlowState::default()
        };
        if let Some(state) = self.flows.get_or_insert(key, new, now) {
            state.helped_until = until;
        }
        Verdict::Pass {
            locks: false,
            emergency: true,
        }
    }

    /// Pours one piece into the buckets of a source and of its network. A source that there is no place to remember counts by its
    /// network alone.
    fn measure(
        &mut self,
        source: Source,
        now: Duration,
        of_source: impl Fn(&mut SourceState) -> &mut Bucket,
        source_rate: Rate,
        of_site: impl Fn(&mut SiteState) -> &mut Bucket,
        site_rate: Rate,
    ) -> bool {
        let fits = self
            .source(source, SourceState::default(), now)
            .is_none_or(|state| of_source(state).take(1, source_rate, now));
        fits && self
            .site(source, now)
            .is_none_or(|state| of_site(state).take(1, site_rate, now))
    }

    /// The entry of a source, `new` when there is none. `None` when all others are worth more.
    pub(crate) fn source(
        &mut self,
        source: Source,
        new: SourceState,
        now: Duration,
    ) -> Option<&mut SourceState> {
        let seen = millis(now);
        let new = SourceState { seen, ..new };
        let state = self.sources.get_or_insert(source, new, now)?;
        state.seen = seen;
        Some(state)
    }

    pub(crate) fn site(&mut self, source: Source, now: Duration) -> Option<&mut SiteState> {
        let seen = millis(now);
        let new = SiteState {
            seen,
            ..SiteState::default()
        };
        let state = self.sites.get_or_insert(source.site(), new, now)?;
        state.seen = seen;
        Some(state)
    }
}
