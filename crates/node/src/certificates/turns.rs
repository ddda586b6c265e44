//! Whose turn it is: certificates that wait for a thread, dealt fairly among the tenants that want them and the hosts that have them.
//!
//! Owns: who waits for what, what is fetched next, how much of threads and places a tenant or a host may have. Does not own: threads, time, or
//! what is fetched. Knows no clock.
//!
//! - URLs are chosen by callers, whoever they are, so all callers of a tenant count as one. A tenant may have as many threads, and as many
//!   places in the queue, as it leaves to all others: half of them while it is alone, a third each of two. So whoever comes next finds
//!   something, without anything being kept idle for certain tenants.
//! - A host may have a quarter, whoever asks: one that is slow holds up itself. Within its places tenants share in the same way, so nobody can
//!   use up those of the host that has everybody's certificates.
//! - Tenants take turns; within a tenant the first that came goes first, unless its host has enough to do.

use model::TenantId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// The most at once.
#[derive(Clone, Copy, Debug)]
pub(super) struct Most {
    /// Threads.
    pub(super) threads: usize,
    /// Threads with one host.
    pub(super) threads_of_host: usize,
    /// URLs that wait for a thread.
    pub(super) waiting: usize,
    /// URLs of one host that wait.
    pub(super) waiting_of_host: usize,
    /// Those who wait for one URL.
    pub(super) asking: usize,
}

/// What there is no room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Full {
    /// More of this tenant.
    Tenant,
    /// More at this host.
    Host,
    /// Anything.
    All,
}

/// What a thread is to do.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Turn {
    pub(super) url: Arc<str>,
    pub(super) tenant: TenantId,
    /// When it was asked for.
    pub(super) since: Duration,
    /// Another thread has something to do as well.
    pub(super) more: bool,
}

/// URLs and who asks for them, `A`.
pub(super) struct Turns<A> {
    most: Most,
    errands: BTreeMap<Arc<str>, Errand<A>>,
    tenants: BTreeMap<TenantId, Tenant>,
    hosts: BTreeMap<Arc<str>, Load>,
    /// Tenants for whom something waits: the first has waited longest for its turn.
    order: VecDeque<TenantId>,
    all: Load,
    /// Threads: those that fetch, and those on their way to [`Turns::next`].
    threads: usize,
}

struct Errand<A> {
    host: Arc<str>,
    since: Duration,
    asking: Vec<A>,
    stage: Stage,
}

enum Stage {
    /// In the queues of these.
    Waits(BTreeSet<TenantId>),
    /// In the turn of this one.
    Runs(TenantId),
}

#[derive(Clone, Copy, Default)]
struct Load {
    waiting: usize,
    running: usize,
}

#[derive(Default)]
struct Tenant {
    running: usize,
    /// URLs and their hosts.
    queue: VecDeque<(Arc<str>, Arc<str>)>,
}

/// May somebody who has so many have one more, of so many of which so many are used? As many as he leaves.
fn leaves_enough(own: usize, used: usize, most: usize) -> bool {
    own < most.saturating_sub(used)
}

impl<A> Turns<A> {
    pub(super) fn new(most: Most) -> Turns<A> {
        Turns {
            most,
            errands: BTreeMap::new(),
            tenants: BTreeMap::new(),
            hosts: BTreeMap::new(),
            order: VecDeque::new(),
            all: Load::default(),
            threads: 0,
        }
    }

    /// Somebody waits from now on for what lies at a URL of a host. Gives whether one thread more is to be started.
    ///
    /// # Errors
    /// There is no room; he is given back.
    pub(super) fn ask(
        &mut self,
        tenant: TenantId,
        [url, host]: [&str; 2],
        who: A,
        now: Duration,
    ) -> Result<bool, (A, Full)> {
        let known = self.errands.get_key_value(url).map(|(url, _)| Arc::clone(url));
        if let Some(url) = known {
            self.join(tenant, url, who)?;
            return Ok(self.wants_thread());
        }
        if let Some(full) = self.lacks_room(tenant, host) {
            return Err((who, full));
        }
        let (url, host) = (Arc::<str>::from(url), Arc::<str>::from(host));
        let errand = Errand {
            host: Arc::clone(&host),
            since: now,
            asking: vec![who],
            stage: Stage::Waits(BTreeSet::from([tenant])),
        };
        self.errands.insert(Arc::clone(&url), errand);
        self.all.waiting += 1;
        self.hosts.entry(Arc::clone(&host)).or_default().waiting += 1;
        self.line_up(tenant, url, host);
        Ok(self.wants_thread())
    }

    /// What was asked for already. While it waits, it waits in this tenant's turn as well, so that nobody is behind another tenant's flood.
    fn join(&mut self, tenant: TenantId, url: Arc<str>, who: A) -> Result<(), (A, Full)> {
        let has_room = self.tenant_has_room(tenant);
        let Some(errand) = self.errands.get_mut(&url) else {
            return Err((who, Full::All));
        };
        if errand.asking.len() >= self.most.asking {
            return Err((who, Full::Host));
        }
        errand.asking.push(who);
        let host = Arc::clone(&errand.host);
        if let Stage::Waits(turns) = &mut errand.stage
            && has_room
            && turns.insert(tenant)
        {
            self.line_up(tenant, url, host);
        }
        Ok(())
    }

    fn line_up(&mut self, tenant: TenantId, url: Arc<str>, host: Arc<str>) {
        let queue = &mut self.tenants.entry(tenant).or_default().queue;
        if queue.is_empty() {
            self.order.push_back(tenant);
        }
        queue.push_back((url, host));
    }

    fn tenant_has_room(&self, tenant: TenantId) -> bool {
        let own = self.tenants.get(&tenant).map_or(0, |own| own.queue.len());
        leaves_enough(own, self.all.waiting, self.most.waiting)
    }

    fn lacks_room(&self, tenant: TenantId, host: &str) -> Option<Full> {
        if self.all.waiting >= self.most.waiting {
            return Some(Full::All);
        }
        if !self.tenant_has_room(tenant) {
            return Some(Full::Tenant);
        }
        let used = self.hosts.get(host).map_or(0, |load| load.waiting);
        if used >= self.most.waiting_of_host {
            return Some(Full::Host);
        }
        let queue = self.tenants.get(&tenant).map(|own| &own.queue);
        let own = queue.map_or(0, |queue| queue.iter().filter(|(_, at)| **at == *host).count());
        match leaves_enough(own, used, self.most.waiting_of_host) {
            true => None,
            false => Some(Full::Tenant),
        }
    }

    /// What a thread does next; at nothing it ends.
    pub(super) fn next(&mut self) -> Option<Turn> {
        let Some((at, place)) = self.due() else {
            self.threads -= 1;
            return None;
        };
        let tenant = self.order.remove(at)?;
        let own = self.tenants.get_mut(&tenant)?;
        let (url, host) = own.queue.remove(place)?;
        own.running += 1;
        if !own.queue.is_empty() {
            self.order.push_back(tenant);
        }
        self.all.waiting -= 1;
        self.all.running += 1;
        let load = self.hosts.entry(host).or_default();
        load.waiting -= 1;
        load.running += 1;
        let errand = self.errands.get_mut(&url)?;
        let since = errand.since;
        let stage = std::mem::replace(&mut errand.stage, Stage::Runs(tenant));
        if let Stage::Waits(turns) = stage {
            for other in turns.into_iter().filter(|other| *other != tenant) {
                self.leaves_queue(other, &url);
            }
        }
        Some(Turn {
            url,
            tenant,
            since,
            more: self.wants_thread(),
        })
    }

    /// The first tenant in order that may have a thread for something, and which of what waits for it that is.
    fn due(&self) -> Option<(usize, usize)> {
        let is_free = |host: &Arc<str>| {
            let running = self.hosts.get(host).map_or(0, |load| load.running);
            running < self.most.threads_of_host
        };
        self.order.iter().enumerate().find_map(|(at, tenant)| {
            let own = self.tenants.get(tenant)?;
            let may = leaves_enough(own.running, self.all.running, self.most.threads);
            let place = own.queue.iter().position(|(_, host)| may && is_free(host))?;
            Some((at, place))
        })
    }

    /// Counts a thread that is to be started, where one has something to do and none is on its way.
    fn wants_thread(&mut self) -> bool {
        let is_coming = self.threads > self.all.running;
        let more = !is_coming && self.threads < self.most.threads && self.due().is_some();
        self.threads += usize::from(more);
        more
    }

    /// Somebody else fetches it, or nobody does.
    fn leaves_queue(&mut self, tenant: TenantId, url: &str) {
        let Some(own) = self.tenants.get_mut(&tenant) else {
            return;
        };
        own.queue.retain(|(waiting, _)| **waiting != *url);
        if own.queue.is_empty() {
            self.order.retain(|other| *other != tenant);
            self.forget(tenant);
        }
    }

    fn forget(&mut self, tenant: TenantId) {
        let is_idle = |own: &Tenant| own.running == 0 && own.queue.is_empty();
        if self.tenants.get(&tenant).is_some_and(is_idle) {
            self.tenants.remove(&tenant);
        }
    }

    /// It is done: who waits for it. Its thread comes to [`Turns::next`] again.
    pub(super) fn done(&mut self, url: &str) -> Vec<A> {
        let Some(errand) = self.errands.remove(url) else {
            return Vec::new();
        };
        let load = self.hosts.entry(Arc::clone(&errand.host)).or_default();
        match errand.stage {
            Stage::Runs(tenant) => {
                load.running -= 1;
                self.all.running -= 1;
                if let Some(own) = self.tenants.get_mut(&tenant) {
                    own.running -= 1;
                }
                self.forget(tenant);
            }
            Stage::Waits(turns) => {
                load.waiting -= 1;
                self.all.waiting -= 1;
                for tenant in turns {
                    self.leaves_queue(tenant, url);
                }
            }
        }
        let is_idle = |load: &Load| load.waiting + load.running == 0;
        if self.hosts.get(&errand.host).is_some_and(is_idle) {
            self.hosts.remove(&errand.host);
        }
        errand.asking
    }

    /// A thread could not be started. With others at work the queue is theirs; without, nobody would come: all who wait.
    pub(super) fn lacks_thread(&mut self) -> Vec<A> {
        self.threads -= 1;
        if self.threads > 0 {
            return Vec::new();
        }
        let urls: Vec<_> = self.errands.keys().cloned().collect();
        urls.iter().flat_map(|url| self.done(url)).collect()
    }

    /// Nothing is left of anybody.
    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        let is_empty = self.errands.is_empty() && self.tenants.is_empty() && self.hosts.is_empty();
        is_empty && self.order.is_empty() && self.all.waiting + self.all.running + self.threads == 0
    }

    #[cfg(test)]
    pub(super) fn threads(&self) -> usize {
        self.threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Most = Most {
        threads: 16,
        threads_of_host: 4,
        waiting: 128,
        waiting_of_host: 32,
        asking: 3,
    };
    const A: TenantId = TenantId(1);
    const B: TenantId = TenantId(2);
    const C: TenantId = TenantId(3);

    fn turns() -> Turns<&'static str> {
        Turns::new(MOST)
    }

    /// Asks for something else at this host; what there is no room for.
    fn wants(turns: &mut Turns<&'static str>, tenant: TenantId, host: &str) -> Option<Full> {
        let number = turns.errands.len() + turns.all.running * 1_000;
        let url = format!("{host}/{tenant}/{number}/{}", turns.all.waiting);
        let asked = turns.ask(tenant, [&url, host], "somebody", Duration::ZERO);
        asked.err().map(|(_, full)| full)
    }

    /// Starts threads until nothing is due; whose turns those were.
    fn begin(turns: &mut Turns<&'static str>) -> Vec<(TenantId, Arc<str>)> {
        let mut begun = Vec::new();
        while turns.threads > turns.all.running || turns.wants_thread() {
            match turns.next() {
                Some(turn) => begun.push((turn.tenant, turn.url)),
                None => break,
            }
        }
        begun
    }

    fn fill(
        turns: &mut Turns<&'static str>,
        tenant: TenantId,
        host: impl Fn(usize) -> String,
    ) -> (usize, Full) {
        for count in 0.. {
            if let Some(full) = wants(turns, tenant, &host(count)) {
                return (count, full);
            }
        }
        unreachable!("there is an end");
    }

    fn many(count: usize) -> String {
        format!("h{count}")
    }

    #[test]
    fn a_tenant_leaves_as_much_as_it_takes() {
        let mut turns = turns();
        assert_eq!(fill(&mut turns, A, many), (64, Full::Tenant));
        assert_eq!(begin(&mut turns).len(), 8, "of 16 threads");
        assert_eq!(turns.threads(), 8);
        // What a second one finds; and a third, while those two take what they can.
        assert_eq!(wants(&mut turns, B, "good"), None);
        assert_eq!(begin(&mut turns).len(), 1);
        assert_eq!(fill(&mut turns, B, many), (36, Full::Tenant));
        assert_eq!(fill(&mut turns, A, many).1, Full::Tenant);
        assert_eq!(begin(&mut turns).iter().filter(|turn| turn.0 == B).count(), 3);
        assert_eq!(wants(&mut turns, C, "good"), None);
        assert_eq!(begin(&mut turns).first().map(|turn| turn.0), Some(C));
    }

    #[test]
    fn tenants_take_turns_however_much_one_wants() {
        let mut turns = turns();
        fill(&mut turns, A, many);
        let first = begin(&mut turns);
        for tenant in [B, C] {
            assert_eq!(wants(&mut turns, tenant, "good"), None);
            assert_eq!(wants(&mut turns, tenant, "good"), None);
        }
        let served = begin(&mut turns);
        let whose: Vec<_> = served.iter().map(|(tenant, _)| *tenant).collect();
        assert_eq!(whose, [B, C, B, C]);
        // The flood goes on as others end, and nobody's thread is left out.
        for (_, url) in first.iter().chain(&served) {
            assert_eq!(turns.done(url), ["somebody"]);
        }
        assert_eq!(begin(&mut turns).len(), 8);
    }

    #[test]
    fn a_slow_host_holds_up_itself() {
        let mut turns = turns();
        let mut taken = 0;
        for tenant in 1..=9 {
            taken += fill(&mut turns, TenantId(tenant), |_| "slow".to_owned()).0;
        }
        assert_eq!(taken, 32);
        assert_eq!(wants(&mut turns, TenantId(10), "slow"), Some(Full::Host));
        let slow = begin(&mut turns);
        assert_eq!(slow.len(), 4);
        // Those behind it go past it, their own tenants' as well.
        assert_eq!(wants(&mut turns, A, "good"), None);
        let good = begin(&mut turns);
        assert_eq!(good.iter().map(|(tenant, _)| *tenant).collect::<Vec<_>>(), [A]);
        turns.done(&slow[0].1);
        assert_eq!(begin(&mut turns).len(), 1);
    }

    #[test]
    fn nobody_uses_up_the_places_of_a_host_that_all_want() {
        let mut turns = turns();
        assert_eq!(fill(&mut turns, A, |_| "all".to_owned()), (16, Full::Tenant));
        assert_eq!(wants(&mut turns, B, "all"), None);
        assert_eq!(wants(&mut turns, A, "another"), None);
        let begun = begin(&mut turns);
        assert!(begun.iter().any(|(tenant, _)| *tenant == B), "{begun:?}");
    }

    #[test]
    fn who_asks_for_what_another_waits_for_has_his_own_turn() {
        let mut turns = turns();
        let far = ["far/x", "far"];
        fill(&mut turns, A, many);
        begin(&mut turns);
        assert_eq!(turns.ask(A, far, "a", Duration::ZERO), Ok(false));
        assert_eq!(turns.ask(B, far, "b", Duration::ZERO), Ok(true));
        let turn = turns.next().unwrap();
        assert_eq!((&*turn.url, turn.tenant), ("far/x", B));
        // It runs, and is in nobody's queue any more.
        assert_eq!(turns.ask(C, far, "c", Duration::ZERO), Ok(false));
        assert_eq!(turns.ask(C, far, "d", Duration::ZERO), Err(("d", Full::Host)));
        assert_eq!(turns.done("far/x"), ["a", "b", "c"]);
        let left: Vec<_> = turns.tenants.keys().copied().collect();
        assert_eq!(left, [A]);
    }

    #[test]
    fn nothing_is_left_of_what_is_done_and_nobody_is_forgotten() {
        let mut turns = turns();
        for tenant in [A, B, C] {
            fill(&mut turns, tenant, many);
        }
        let mut told = 0;
        let all = turns.errands.len();
        loop {
            for (_, url) in begin(&mut turns) {
                told += turns.done(&url).len();
            }
            match turns.next() {
                Some(turn) => told += turns.done(&turn.url).len(),
                None => break,
            }
            if turns.errands.is_empty() {
                turns.threads = 0;
                break;
            }
        }
        assert_eq!(told, all);
        turns.threads = 0;
        assert!(turns.is_idle());
    }

    #[test]
    fn without_threads_all_who_wait_are_told() {
        let mut turns = turns();
        assert_eq!(turns.ask(A, ["x", "h"], "a", Duration::ZERO), Ok(true));
        assert_eq!(turns.ask(B, ["x", "h"], "b", Duration::ZERO), Ok(false));
        assert_eq!(turns.ask(B, ["y", "h"], "c", Duration::ZERO), Ok(false));
        assert_eq!(turns.lacks_thread(), ["a", "b", "c"]);
        assert!(turns.is_idle());
        // With one at work the rest is his.
        assert_eq!(turns.ask(A, ["x", "h"], "a", Duration::ZERO), Ok(true));
        assert_eq!(turns.next().map(|turn| turn.more), Some(false));
        assert_eq!(turns.ask(B, ["y", "h"], "c", Duration::ZERO), Ok(true));
        assert!(turns.lacks_thread().is_empty());
        assert_eq!(turns.done("x"), ["a"]);
        assert_eq!(turns.next().map(|turn| turn.url), Some("y".into()));
        assert_eq!(turns.done("y"), ["c"]);
        assert_eq!(turns.next(), None);
        assert!(turns.is_idle());
    }
}
