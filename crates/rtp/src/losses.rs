//! Bursts and gaps of loss: RFC 3611 §4.7.2, and the burst ratio of ITU-T G.107 §3.5.
//!
//! Does not own: which packet is lost; whoever knows says so in the order of the numbers.

/// Packets received in a row that end a burst (§4.7.2 recommends 16).
const G_MIN: u64 = 16;

/// Losses of one peer, over all its sources.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Losses {
    sum: BurstGap,
    /// The losses that may become a burst.
    cluster: Option<Cluster>,
}

/// Losses with fewer than [`G_MIN`] received between two of them.
#[derive(Clone, Copy, Debug)]
struct Cluster {
    first: u64,
    last: u64,
    lost: u64,
}

/// How losses lay. A burst begins and ends with a loss and has fewer than 16 packets received in a row; everything else is
/// gap, single losses too.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BurstGap {
    /// Packets that should have come.
    pub expected: u64,
    /// Packets that did not.
    pub lost: u64,
    /// Losses in a row count as one.
    pub runs: u64,
    /// Bursts.
    pub bursts: u64,
    /// Packets that should have come during bursts.
    pub burst_expected: u64,
    /// Packets lost during bursts.
    pub burst_lost: u64,
}

impl Losses {
    /// `count` packets from this number on are lost. Numbers rise until [`Losses::close`].
    pub(crate) fn lose(&mut self, number: u64, count: u64) {
        let last = number.saturating_add(count).saturating_sub(1);
        self.sum.lost = self.sum.lost.saturating_add(count);
        let goes_on = match self.cluster {
            Some(cluster) if number.saturating_sub(cluster.last) <= G_MIN => Some(cluster),
            _ => None,
        };
        let in_a_row = goes_on.is_some_and(|cluster| cluster.last.saturating_add(1) == number);
        self.sum.runs = self.sum.runs.saturating_add(u64::from(!in_a_row));
        if goes_on.is_none() {
            self.settle();
        }
        self.cluster = Some(Cluster {
            first: goes_on.map_or(number, |cluster| cluster.first),
            last,
            lost: goes_on.map_or(0, |cluster| cluster.lost).saturating_add(count),
        });
    }

    /// A source is over, of which so many packets were expected; the numbers of the next one begin anywhere.
    pub(crate) fn close(&mut self, expected: u64) {
        self.settle();
        self.sum.expected = self.sum.expected.saturating_add(expected);
    }

    /// What all closed sources add up to.
    pub(crate) fn sum(&self) -> BurstGap {
        self.sum
    }

    fn settle(&mut self) {
        if let Some(cluster) = self.cluster.take().filter(|cluster| cluster.lost > 1) {
            let span = cluster.last.saturating_sub(cluster.first).saturating_add(1);
            self.sum.bursts = self.sum.bursts.saturating_add(1);
            self.sum.burst_expected = self.sum.burst_expected.saturating_add(span);
            self.sum.burst_lost = self.sum.burst_lost.saturating_add(cluster.lost);
        }
    }
}

impl BurstGap {
    /// Share of packets lost during bursts, thousandths.
    #[must_use]
    pub fn burst_density_milli(&self) -> u16 {
        milli(self.burst_lost, self.burst_expected)
    }

    /// Share of packets lost during gaps, thousandths.
    #[must_use]
    pub fn gap_density_milli(&self) -> u16 {
        milli(
            self.lost.saturating_sub(self.burst_lost),
            self.expected.saturating_sub(self.burst_expected),
        )
    }

    /// Mean length of a burst, packets.
    #[must_use]
    pub fn burst_packets(&self) -> u32 {
        mean(self.burst_expected, self.bursts)
    }

    /// Mean length of a gap, packets: before, between and after the bursts.
    #[must_use]
    pub fn gap_packets(&self) -> u32 {
        let gaps = self.bursts.saturating_add(1);
        mean(self.expected.saturating_sub(self.burst_expected), gaps)
    }

    /// Mean length of losses in a row, by what it would be if losses fell at random, thousandths: 1,000 is random, more is
    /// bursty (G.107's BurstR).
    #[must_use]
    pub fn burst_ratio_milli(&self) -> u32 {
        let received = self.expected.saturating_sub(self.lost);
        let ratio = u128::from(self.lost) * u128::from(received) * 1000;
        let by = u128::from(self.runs) * u128::from(self.expected);
        let ratio = ratio.checked_div(by).unwrap_or(1000);
        u32::try_from(ratio).unwrap_or(u32::MAX).max(1000)
    }
}

fn milli(part: u64, whole: u64) -> u16 {
    let share = part.saturating_mul(1000).checked_div(whole).unwrap_or(0);
    u16::try_from(share).unwrap_or(u16::MAX)
}

fn mean(sum: u64, of: u64) -> u32 {
    u32::try_from(sum.checked_div(of).unwrap_or(0)).unwrap_or(u32::MAX)
}
