//! How late packets come, and the delay that lets nearly all of them be in time.
//!
//! Times are in units of the payload's clock. The fastest packet of the last seconds is the measure (so a sender's clock may
//! drift); how much later the others come is counted in a histogram that forgets.

/// Seconds within which the fastest packet is looked for, a slot each.
const SLOTS: usize = 8;
/// Width of a bin of the histogram.
const BIN_MS: i64 = 5;
const BINS: usize = 100;
/// When so many packets are counted, all counts are halved: what happened 20 s ago weighs half.
const MEMORY: u32 = 1000;
/// Share of packets that may come too late.
const LATE_PER_MILLE: u32 = 10;

/// The delays of one stream.
#[derive(Clone, Debug)]
pub(super) struct Delay {
    second: i64,
    min: i64,
    max: i64,
    /// Smallest transit (arrival less timestamp) of each recent second.
    fastest: [i64; SLOTS],
    slot: usize,
    slot_end: i64,
    bins: [u32; BINS],
    counted: u32,
    /// No bin above this one has anything.
    highest: usize,
    /// What nearly all packets need.
    needed: i64,
    /// At least so much is aimed at, whatever they need.
    least: i64,
}

impl Delay {
    pub(super) fn new(clock_hz: u32, min_ms: u32, start_ms: u32, max_ms: u32) -> Delay {
        let second = i64::from(clock_hz);
        let units = |ms: u32| i64::from(ms).saturating_mul(second) / 1000;
        let (min, max) = (units(min_ms), units(max_ms.max(min_ms)));
        Delay {
            second,
            min,
            max,
            fastest: [i64::MAX; SLOTS],
            slot: 0,
            slot_end: i64::MIN,
            bins: [0; BINS],
            counted: 0,
            highest: 0,
            needed: units(start_ms),
            least: 0,
        }
    }

    /// Counts a packet; gives how much later it came than the fastest.
    pub(super) fn receive(&mut self, arrival: i64, timestamp: i64) -> i64 {
        let transit = arrival.saturating_sub(timestamp);
        // Slots move on with packets, not with time: a pause forgets nothing.
        if arrival >= self.slot_end {
            self.slot = (self.slot + 1) % SLOTS;
            self.slot_end = arrival.saturating_add(self.second);
            self.note(i64::MAX);
        }
        let before = self.fastest.get(self.slot).copied().unwrap_or(i64::MAX);
        self.note(transit.min(before));
        let excess = transit.saturating_sub(self.base());
        self.count(excess);
        excess
    }

    /// How much later than the fastest a packet would be; 0 as long as there is none.
    pub(super) fn excess(&self, arrival: i64, timestamp: i64) -> i64 {
        match self.base() {
            i64::MAX => 0,
            base => arrival.saturating_sub(timestamp).saturating_sub(base),
        }
    }

    /// Forgets the fastest packet: timestamps start anew. The histogram stays, as the network is the same.
    pub(super) fn rebase(&mut self) {
        self.fastest = [i64::MAX; SLOTS];
        self.slot_end = i64::MIN;
    }

    /// The delay that is aimed at.
    pub(super) fn target(&self) -> i64 {
        self.needed.max(self.least).clamp(self.min, self.max)
    }

    /// Aims at so much at least.
    pub(super) fn set_least(&mut self, least: i64) {
        self.least = least;
    }

    /// The longest delay that is borne.
    pub(super) fn max(&self) -> i64 {
        self.max
    }

    fn note(&mut self, transit: i64) {
        if let Some(slot) = self.fastest.get_mut(self.slot) {
            *slot = transit;
        }
    }

    fn base(&self) -> i64 {
        self.fastest.iter().copied().min().unwrap_or(i64::MAX)
    }

    fn count(&mut self, excess: i64) {
        let width = (self.second * BIN_MS / 1000).max(1);
        let at = usize::try_from(excess / width).unwrap_or(0).min(BINS - 1);
        if let Some(bin) = self.bins.get_mut(at) {
            *bin += 1;
        }
        self.counted += 1;
        self.highest = self.highest.max(at);
        if self.counted >= MEMORY {
            self.bins.iter_mut().for_each(|bin| *bin /= 2);
            self.counted = self.bins.iter().sum();
            self.highest = self.bins.iter().rposition(|bin| *bin > 0).unwrap_or(0);
        }
        let allowed = self.counted * LATE_PER_MILLE / 1000;
        let mut later = 0;
        let mut needed = 0;
        for (at, count) in self.bins.iter().enumerate().take(self.highest + 1).rev() {
            later += count;
            if later > allowed {
                needed = at as i64 + 1;
                break;
            }
        }
        self.needed = needed * width;
    }
}
