//! What calls see of trunks, and what trunks hear of calls.
//!
//! Owns: the board between the two: which way a trunk has now, how it goes, how many calls are on it. Does not own: how ways come to be
//! (`trunk`), and which trunk a call takes (`call::outside`).

use crate::contact::contact;
use crate::wait::doubled;
use model::{CallId, FlowToken, Now, Trunk, TrunkDraft, TrunkId};
use sip::dialog::Dialog;
use sip::digest::Answers;
use sip::transaction::ClientId;
use sip::{Message, Name};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::time::Duration;

/// A call waits for a way to a carrier for so long at most.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(4);
/// Calls in a row that a carrier left without an answer, or could not take, after which it is left alone,
const BREAKS_AFTER: u8 = 5;
/// for so long at first, and at most.
const BREAK: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(120));

/// How a trunk is at the moment.
#[derive(Clone, Debug, Default)]
pub(crate) struct Way {
    /// The socket that it is spoken to by.
    pub(crate) flow: Option<FlowToken>,
    /// Which of its ways that is.
    pub(crate) order: u64,
    /// How many places it has.
    pub(crate) places: usize,
    /// Nothing is tried for a while: all of them have failed.
    pub(crate) closed: bool,
    /// All of them have failed a while ago, and none has answered since: until then another trunk is the better choice.
    pub(crate) doubtful: Duration,
    /// It is down, or not registered where it has to be.
    pub(crate) down: bool,
    /// The hosts of its places: calls may come from there.
    pub(crate) hosts: BTreeSet<IpAddr>,
}

/// What a call has found out about a trunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// It needs a way.
    Wanted,
    /// It is a call for help: it needs one now, whatever came of it before.
    Needed,
    /// Its place said nothing, or could not be spoken to.
    Silent(u64),
    /// Its place can't now (503).
    Refused(u64),
}

#[derive(Clone, Copy, Debug, Default)]
struct Load {
    /// The second that is counted, and the calls that began in it.
    second: u64,
    begun: u32,
    /// Calls in a row that came to nothing by the carrier's fault.
    faults: u8,
    breaks: u32,
    /// It is left alone until then.
    broken_until: Duration,
    /// All calls that came to nothing by the carrier's fault.
    failures: u64,
}

/// Of all trunks of a tenant.
#[derive(Default)]
pub(crate) struct Carriers {
    ways: BTreeMap<TrunkId, Way>,
    loads: BTreeMap<TrunkId, Load>,
    /// How many channels each call has of each trunk: one that comes in by a trunk and goes out by it again has two.
    calls: BTreeMap<(TrunkId, CallId), usize>,
    waiting: BTreeSet<CallId>,
    answers: BTreeMap<TrunkId, (Name, Answers)>,
    /// BYEs to carriers that wait for their answers: a carrier may want to know who hangs up.
    partings: BTreeMap<ClientId, Parting>,
    /// For the trunks.
    news: Vec<(TrunkId, News)>,
    /// Ways have changed since the calls that wait were told.
    changed: bool,
    hosts_changed: bool,
    /// The way to other tenants of the server.
    inside: Option<Way>,
}

impl Carriers {
    /// Those of a tenant that reaches others by this way.
    pub(crate) fn new(inside: Option<FlowToken>) -> Carriers {
        let inside = inside.map(|flow| Way {
            flow: Some(flow),
            order: 1,
            places: 1,
            ..Way::default()
        });
        Carriers {
            inside,
            ..Carriers::default()
        }
    }

    /// The trunk leads to another tenant.
    pub(crate) fn leads_inside(&mut self, trunk: TrunkId) {
        if let Some(way) = self.inside.clone() {
            self.publish(trunk, way);
        }
    }

    /// True where there is a way to other tenants.
    pub(crate) fn has_inside(&self) -> bool {
        self.inside.is_some()
    }

    /// The trunk is so now.
    pub(crate) fn publish(&mut self, trunk: TrunkId, way: Way) {
        let old = self.ways.get(&trunk);
        self.hosts_changed |= old.is_none_or(|old| old.hosts != way.hosts);
        self.changed |= old.is_none_or(|old| old.flow != way.flow || old.closed != way.closed);
        self.ways.insert(trunk, way);
    }

    /// Trunks that are not any more are forgotten.
    pub(crate) fn keep(&mut self, is_there: impl Fn(TrunkId) -> bool) {
        self.hosts_changed = true;
        self.ways.retain(|trunk, _| is_there(*trunk));
        self.loads.retain(|trunk, _| is_there(*trunk));
        self.answers.retain(|trunk, _| is_there(*trunk));
        self.changed = true;
    }

    /// True where there are no trunks.
    pub(crate) fn is_empty(&self) -> bool {
        self.ways.is_empty()
    }

    pub(crate) fn way(&self, trunk: TrunkId) -> Option<&Way> {
        match trunk {
            TrunkId::INSIDE => self.inside.as_ref(),
            trunk => self.ways.get(&trunk),
        }
    }

    /// The hosts of every trunk, when they are otherwise than the last time.
    pub(crate) fn take_hosts(&mut self) -> Option<Vec<(TrunkId, BTreeSet<IpAddr>)>> {
        let all = self.ways.iter().map(|(trunk, way)| (*trunk, way.hosts.clone()));
        std::mem::take(&mut self.hosts_changed).then(|| all.collect())
    }

    /// True where a trunk's calls may come from.
    pub(crate) fn is_from(&self, trunk: &Trunk, host: IpAddr) -> bool {
        let host = host.to_canonical();
        let known = self.ways.get(&trunk.id);
        trunk.draft.from.iter().any(|network| network.contains(host))
            || known.is_some_and(|way| way.hosts.contains(&host))
    }

    /// Tells the trunk something.
    pub(crate) fn tell(&mut self, trunk: TrunkId, news: News) {
        self.news.push((trunk, news));
    }

    pub(crate) fn take_news(&mut self) -> Vec<(TrunkId, News)> {
        std::mem::take(&mut self.news)
    }

    /// The call wants to hear when ways change.
    pub(crate) fn waits(&mut self, call: CallId) {
        self.waiting.insert(call);
    }

    /// It does not any more.
    pub(crate) fn stops_waiting(&mut self, call: CallId) {
        self.waiting.remove(&call);
    }

    /// The calls that wait, once ways have changed.
    pub(crate) fn take_waiting(&mut self) -> Vec<CallId> {
        match std::mem::take(&mut self.changed) {
            true => self.waiting.iter().copied().collect(),
            false => Vec::new(),
        }
    }

    /// A call has so many channels of the trunk from now on; with none it is not on it any more.
    pub(crate) fn holds(&mut self, trunk: TrunkId, call: CallId, channels: usize) {
        match channels {
            0 => self.calls.remove(&(trunk, call)),
            channels => self.calls.insert((trunk, call), channels),
        };
    }

    /// The call is not on the trunk any more.
    pub(crate) fn leaves(&mut self, trunk: TrunkId, call: CallId) {
        self.holds(trunk, call, 0);
    }

    /// The channels of a trunk that each of its calls has.
    fn shares(&self, trunk: TrunkId) -> impl Iterator<Item = usize> {
        let range = (trunk, CallId(0))..=(trunk, CallId(u64::MAX));
        self.calls.range(range).map(|(_, channels)| *channels)
    }

    /// The channels of a trunk that are in use.
    pub(crate) fn channels(&self, trunk: TrunkId) -> usize {
        self.shares(trunk).fold(0, usize::saturating_add)
    }

    /// True where so many are in use; no more calls are looked at than that takes.
    pub(crate) fn are_used(&self, trunk: TrunkId, most: usize) -> bool {
        self.shares(trunk).take(most).fold(0, usize::saturating_add) >= most
    }

    /// True where one call more fits, both in number and in pace.
    pub(crate) fn has_room(&self, trunk: TrunkId, draft: &TrunkDraft, now: Now) -> bool {
        let load = self.loads.get(&trunk).copied().unwrap_or_default();
        let in_this_second = load.second == now.mono.as_secs();
        let is_slow = draft.calls_per_s == 0 || !in_this_second || load.begun < draft.calls_per_s;
        is_slow && !self.is_full(trunk, draft)
    }

    /// True while all of the channels that it has are in use.
    pub(crate) fn is_full(&self, trunk: TrunkId, draft: &TrunkDraft) -> bool {
        let most = usize::try_from(draft.channels).unwrap_or(usize::MAX);
        most != 0 && self.are_used(trunk, most)
    }

    /// True while calls to it are not tried, for too many have failed.
    pub(crate) fn is_broken(&self, trunk: TrunkId, now: Now) -> bool {
        self.loads
            .get(&trunk)
            .is_some_and(|load| load.broken_until > now.mono)
    }

    /// A call to it begins.
    pub(crate) fn begins(&mut self, trunk: TrunkId, now: Now) {
        let load = self.loads.entry(trunk).or_default();
        let second = now.mono.as_secs();
        if load.second != second {
            (load.second, load.begun) = (second, 0);
        }
        load.begun = load.begun.saturating_add(1);
    }

    /// The carrier has done something with a call: it works.
    pub(crate) fn works(&mut self, trunk: TrunkId) {
        if let Some(load) = self.loads.get_mut(&trunk) {
            (load.faults, load.breaks, load.broken_until) = (0, 0, Duration::ZERO);
        }
    }

    /// A call has come to nothing by the carrier's fault. Gives for how long it is left alone, if it is from now on.
    pub(crate) fn fails(&mut self, trunk: TrunkId, now: Now) -> Option<Duration> {
        let load = self.loads.entry(trunk).or_default();
        load.faults = load.faults.saturating_add(1);
        load.failures = load.failures.saturating_add(1);
        let breaks = load.faults >= BREAKS_AFTER;
        breaks.then(|| {
            let time = doubled(BREAK, load.breaks);
            load.broken_until = now.mono.saturating_add(time);
            load.breaks = load.breaks.saturating_add(1);
            // One call tries it when that is over, and if it fails the next break is longer.
            load.faults = BREAKS_AFTER.saturating_sub(1);
            time
        })
    }

    /// Calls that have come to nothing by the carrier's fault so far.
    pub(crate) fn failures(&self, trunk: TrunkId) -> u64 {
        self.loads.get(&trunk).map_or(0, |load| load.failures)
    }

    /// A BYE is on its way to a carrier.
    pub(crate) fn parts(&mut self, client: ClientId, parting: Parting) {
        self.partings.insert(client, parting);
    }

    /// It has its answer, or never will.
    pub(crate) fn parted(&mut self, client: ClientId) -> Option<Parting> {
        self.partings.remove(&client)
    }

    /// What proves to a carrier who we are, once it has asked.
    pub(crate) fn proof(
        &mut self,
        trunk: TrunkId,
        method: &str,
        uri: &str,
        cnonce: u64,
    ) -> Option<(Name, String)> {
        let (name, answers) = self.answers.get_mut(&trunk)?;
        Some((*name, answers.answer(method, uri, &format!("{cnonce:016x}"))))
    }

    /// Takes up a challenge of a trunk's carrier; false where there is nothing to answer it by.
    pub(crate) fn take_up(&mut self, trunk: &Trunk, code: u16, message: &Message<'_>) -> bool {
        if challenges_in(code).is_none() || trunk.draft.username.is_empty() {
            return false;
        }
        let answers = answers_to(trunk, code, message);
        let known = answers.is_some();
        match answers {
            Some(answers) => self.answers.insert(trunk.id, answers),
            None => self.answers.remove(&trunk.id),
        };
        known
    }

    /// What was asked of a trunk before it was changed is not answered any more: another may stand there now.
    pub(crate) fn forget_challenge(&mut self, trunk: TrunkId) {
        self.answers.remove(&trunk);
    }

    /// Entries of calls, for leak checks.
    pub(crate) fn held(&self) -> usize {
        self.calls.len() + self.waiting.len() + self.partings.len()
    }
}

/// The header that has the challenges of an answer with this status.
pub(crate) fn challenges_in(code: u16) -> Option<Name> {
    match code {
        401 => Some(Name::WwwAuthenticate),
        407 => Some(Name::ProxyAuthenticate),
        _ => None,
    }
}

/// What a trunk answers its carrier's challenge by, and in which header; `None` where there is nothing to answer it by.
pub(crate) fn answers_to(trunk: &Trunk, code: u16, message: &Message<'_>) -> Option<(Name, Answers)> {
    let draft = &trunk.draft;
    let (from, into) = match challenges_in(code)? {
        Name::WwwAuthenticate => (Name::WwwAuthenticate, Name::Authorization),
        from => (from, Name::ProxyAuthorization),
    };
    let realm = (!draft.realm.is_empty()).then_some(draft.realm.as_str());
    let named = (!draft.username.is_empty()).then_some(draft.username.as_str())?;
    let answers = Answers::begin(message.headers(from), realm, named, &trunk.password.0);
    answers.map(|answers| (into, answers))
}

/// A BYE to a carrier.
pub(crate) struct Parting {
    pub(crate) trunk: TrunkId,
    pub(crate) dialog: Dialog,
    pub(crate) flow: FlowToken,
    pub(crate) reason: String,
}

/// Where a trunk's carrier reaches us: the user part names tenant and trunk.
pub(crate) fn contact_of(tenant: model::TenantId, trunk: TrunkId, flow: &FlowToken) -> String {
    contact(format_args!("{:x}.{:x}", tenant.0, trunk.0), flow)
}

/// The trunk that such a user part names, in this tenant.
pub(crate) fn trunk_in(user: &str, tenant: model::TenantId) -> Option<TrunkId> {
    let (of, trunk) = user.split_once('.')?;
    let number = |text: &str| u64::from_str_radix(text, 16).ok();
    (number(of)? == tenant.0).then(|| number(trunk).map(TrunkId))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Wall;

    fn at(s: u64) -> Now {
        Now {
            mono: Duration::from_secs(s),
            wall: Wall(s * 1_000),
        }
    }

    #[test]
    fn a_carrier_that_fails_again_and_again_is_left_alone_for_longer_each_time() {
        let (mut carriers, trunk) = (Carriers::default(), TrunkId(1));
        let mut now = 100;
        for _ in 0..4 {
            assert_eq!(carriers.fails(trunk, at(now)), None);
        }
        for length in [5, 10, 20, 40, 80, 120, 120] {
            assert_eq!(carriers.fails(trunk, at(now)), Some(Duration::from_secs(length)));
            assert!(carriers.is_broken(trunk, at(now + length - 1)));
            now += length;
            assert!(!carriers.is_broken(trunk, at(now)));
        }
        carriers.works(trunk);
        assert_eq!(carriers.fails(trunk, at(now)), None);
        assert!(!carriers.is_broken(trunk, at(now)));
    }

    #[test]
    fn calls_are_counted_at_once_and_by_the_second() {
        let (mut carriers, trunk) = (Carriers::default(), TrunkId(1));
        let draft = TrunkDraft {
            channels: 2,
            calls_per_s: 2,
            ..TrunkDraft::default()
        };
        carriers.begins(trunk, at(1));
        carriers.holds(trunk, CallId(1), 1);
        assert!(carriers.has_room(trunk, &draft, at(1)));
        carriers.begins(trunk, at(1));
        assert!(!carriers.has_room(trunk, &draft, at(1)));
        assert!(carriers.has_room(trunk, &draft, at(2)));
        carriers.holds(trunk, CallId(2), 1);
        carriers.holds(TrunkId(2), CallId(3), 1);
        assert!(!carriers.has_room(trunk, &draft, at(2)));
        carriers.leaves(trunk, CallId(1));
        assert!(carriers.has_room(trunk, &draft, at(2)));
        // One that comes in and goes out again.
        carriers.holds(trunk, CallId(2), 2);
        assert!(!carriers.has_room(trunk, &draft, at(2)));
        assert_eq!((carriers.channels(trunk), carriers.channels(TrunkId(2))), (2, 1));
        carriers.holds(trunk, CallId(2), 1);
        assert!(carriers.has_room(trunk, &draft, at(2)));
    }

    #[test]
    fn a_contact_of_ours_names_tenant_and_trunk() {
        use model::TenantId;
        assert_eq!(trunk_in("1f.2a", TenantId(0x1f)), Some(TrunkId(0x2a)));
        assert_eq!(trunk_in("1f.2a", TenantId(1)), None);
        for bad in ["", "1f", "1f.", ".2a", "1f.2a.1", "x.1"] {
            assert_eq!(trunk_in(bad, TenantId(0x1f)), None, "{bad}");
        }
    }
}
