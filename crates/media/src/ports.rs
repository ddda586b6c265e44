//! Port pairs: even port for RTP, the odd one above for RTCP (RFC 3550 §11), from one range on each local address.
//!
//! Owns: which pairs exist, which are free, and when they may be used again. Does not own: sockets, sessions.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// How long a freed pair rests, so that late packets of the old call don't reach the next one.
const REST: Duration = Duration::from_secs(2);
/// How long a pair that could not be bound is left alone; whoever has the port may leave.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(60);
/// Pairs that are kept back for calls for help on each address: two for each of four calls, but no more than an eighth of all.
const KEPT_BACK: u32 = 8;
const KEPT_BACK_SHARE: u32 = 8;
/// Local addresses served. Hosts have a handful.
const MAX_ADDRESSES: usize = 256;

/// A port pair within one relay: a small number, never reused for another address or port.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PairId(pub u32);

impl PairId {
    pub(crate) fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// UDP ports from `first` to `last`, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PortRange {
    /// The lowest port.
    pub first: u16,
    /// The highest port.
    pub last: u16,
}

impl PortRange {
    /// Number of pairs in the range: an even port and the one above it.
    #[must_use]
    pub fn pairs(self) -> u32 {
        let first = u32::from(self.first.max(2)).next_multiple_of(2);
        (u32::from(self.last).saturating_add(1)).saturating_sub(first) / 2
    }

    /// The RTP port of pair number `index`.
    fn port(self, index: u32) -> Option<u16> {
        let first = u32::from(self.first.max(2)).next_multiple_of(2);
        (index < self.pairs()).then(|| u16::try_from(first.saturating_add(index.saturating_mul(2))).ok())?
    }

    /// The share of worker `index` of `workers`: shares are disjoint and cover every pair.
    #[must_use]
    pub fn share(self, index: u16, workers: u16) -> PortRange {
        let cut = |i: u16| self.pairs().saturating_mul(u32::from(i)) / u32::from(workers.max(1));
        let (from, to) = (cut(index), cut(index.saturating_add(1)));
        match (self.port(from), to.checked_sub(1).and_then(|i| self.port(i))) {
            (Some(first), Some(last)) if from < to => PortRange {
                first,
                last: last.saturating_add(1),
            },
            _ => PortRange { first: 1, last: 0 },
        }
    }
}

/// All pairs of a relay.
#[derive(Debug)]
pub(crate) struct Ports {
    range: PortRange,
    pools: Vec<Pool>,
    pairs: Vec<Pair>,
}

#[derive(Debug)]
struct Pair {
    address: SocketAddr,
    pool: usize,
    bound: bool,
}

/// The pairs of one address. Free ones queue: the longest rested comes first.
#[derive(Debug)]
struct Pool {
    ip: IpAddr,
    /// By place in the range; shorter than the range until every pair was used once.
    made: Vec<PairId>,
    rested: VecDeque<(PairId, Duration)>,
    failed: VecDeque<(PairId, Duration)>,
}

impl Ports {
    pub(crate) fn new(range: PortRange) -> Ports {
        Ports {
            range,
            pools: Vec::new(),
            pairs: Vec::new(),
        }
    }

    /// Takes a pair: a rested one that is bound already, else one never used, else one that failed long ago. When the
    /// range has no other, the one that has rested longest: a call is worth more than the rest of its ports, and whose
    /// packets come late is not believed anyway unless the next call is with the same host. The last few are for `urgent` calls.
    pub(crate) fn take(&mut self, ip: IpAddr, urgent: bool, now: Duration) -> Option<PairId> {
        let at = self.pool(ip)?;
        let kept = self.kept_back();
        if !urgent && kept > 0 && self.left(at, now) <= kept {
            return None;
        }
        let pool = self.pools.get_mut(at)?;
        let due = |queue: &mut VecDeque<(PairId, Duration)>| {
            queue
                .pop_front_if(|(_, free_at)| *free_at <= now)
                .map(|(pair, _)| pair)
        };
        due(&mut pool.rested)
            .or_else(|| self.make(at))
            .or_else(|| due(&mut self.pools.get_mut(at)?.failed))
            .or_else(|| Some(self.pools.get_mut(at)?.rested.pop_front()?.0))
    }

    /// Pairs that nobody takes but for a call for help.
    fn kept_back(&self) -> u32 {
        KEPT_BACK.min(self.range.pairs() / KEPT_BACK_SHARE) & !1
    }

    /// Pairs of a pool that nobody has; those that could not be bound are none for a while.
    fn left(&self, at: usize, now: Duration) -> u32 {
        let Some(pool) = self.pools.get(at) else { return 0 };
        let tried_again = pool
            .failed
            .iter()
            .take_while(|(_, free_at)| *free_at <= now)
            .count();
        let idle = pool.rested.len().saturating_add(tried_again);
        let out = pool.made.len().saturating_sub(idle);
        self.range
            .pairs()
            .saturating_sub(u32::try_from(out).unwrap_or(u32::MAX))
    }

    /// Takes the pair with this RTP address, whether it has rested or not. `None` when it is in use or not in the range.
    pub(crate) fn take_this(&mut self, address: SocketAddr) -> Option<PairId> {
        let offset = address.port().checked_sub(self.range.port(0)?)?;
        let place = usize::from(offset / 2);
        let exists = offset % 2 == 0 && self.range.port(u32::from(offset / 2)).is_some();
        let at = self.pool(address.ip()).filter(|_| exists)?;
        while self.pools.get(at)?.made.len() <= place {
            // Those below it wait for their turn.
            let pair = self.make(at)?;
            self.pools.get_mut(at)?.rested.push_back((pair, Duration::ZERO));
        }
        let pool = self.pools.get_mut(at)?;
        let wanted = *pool.made.get(place)?;
        for queue in [&mut pool.rested, &mut pool.failed] {
            if let Some(index) = queue.iter().position(|(pair, _)| *pair == wanted) {
                queue.remove(index);
                return Some(wanted);
            }
        }
        None
    }

    /// Gives a bound pair back.
    pub(crate) fn free(&mut self, pair: PairId, now: Duration) {
        if let Some(pool) = self.pool_of(pair) {
            pool.rested.push_back((pair, now.saturating_add(REST)));
        }
    }

    /// Puts a pair aside that could not be bound.
    pub(crate) fn failed(&mut self, pair: PairId, now: Duration) {
        if let Some(pool) = self.pool_of(pair) {
            pool.failed
                .push_back((pair, now.saturating_add(REST_AFTER_FAILURE)));
        }
    }

    pub(crate) fn set_bound(&mut self, pair: PairId) {
        if let Some(pair) = self.pairs.get_mut(pair.index()) {
            pair.bound = true;
        }
    }

    pub(crate) fn is_bound(&self, pair: PairId) -> bool {
        self.pairs.get(pair.index()).is_some_and(|p| p.bound)
    }

    /// The pair's RTP address as descriptions show it.
    pub(crate) fn address(&self, pair: PairId) -> Option<SocketAddr> {
        self.pairs.get(pair.index()).map(|p| p.address)
    }

    /// True for an address that one of our own bound pairs has: packets sent there would come back to us.
    pub(crate) fn is_own(&self, address: SocketAddr) -> bool {
        let even = address.port() & !1;
        let first = self.range.port(0).unwrap_or(u16::MAX);
        let place = even.checked_sub(first).map(|offset| usize::from(offset / 2));
        let pool = self.pools.iter().find(|p| p.ip == address.ip());
        let pair = pool.zip(place).and_then(|(pool, place)| pool.made.get(place));
        pair.is_some_and(|p| self.is_bound(*p))
    }

    /// Pairs made and pairs bound, for the counters.
    pub(crate) fn bound(&self) -> usize {
        self.pairs.iter().filter(|p| p.bound).count()
    }

    /// Pairs that lie in a queue.
    pub(crate) fn idle(&self) -> usize {
        self.pools
            .iter()
            .map(|p| p.rested.len().saturating_add(p.failed.len()))
            .sum()
    }

    /// Pairs that were ever taken.
    pub(crate) fn made(&self) -> usize {
        self.pairs.len()
    }

    fn pool(&mut self, ip: IpAddr) -> Option<usize> {
        if let Some(at) = self.pools.iter().position(|p| p.ip == ip) {
            return Some(at);
        }
        if self.pools.len() >= MAX_ADDRESSES {
            return None;
        }
        self.pools.push(Pool {
            ip,
            made: Vec::new(),
            rested: VecDeque::new(),
            failed: VecDeque::new(),
        });
        Some(self.pools.len().saturating_sub(1))
    }

    fn pool_of(&mut self, pair: PairId) -> Option<&mut Pool> {
        let at = self.pairs.get(pair.index())?.pool;
        self.pools.get_mut(at)
    }

    fn make(&mut self, at: usize) -> Option<PairId> {
        let pool = self.pools.get_mut(at)?;
        let port = self.range.port(u32::try_from(pool.made.len()).ok()?)?;
        let pair = PairId(u32::try_from(self.pairs.len()).ok()?);
        pool.made.push(pair);
        self.pairs.push(Pair {
            address: SocketAddr::new(pool.ip, port),
            pool: at,
            bound: false,
        });
        Some(pair)
    }
}
