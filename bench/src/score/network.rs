//! What a network does to the packets of a call.

use std::time::Duration;

/// Microseconds from packet to packet.
const PACKET_US: u64 = 20_000;
/// A packet that is overtaken takes so much longer: two that were sent later come before it.
const OVERTAKEN_US: u64 = 50_000;
/// The second copy of a packet comes so much later.
const COPY_US: u64 = 5_000;

/// One kind of network.
pub(super) struct Network {
    pub(super) name: &'static str,
    /// Of all packets, so many are lost.
    pub(super) loss_percent: u64,
    /// So many are lost in a row on average (Gilbert's model); 0 = each for itself.
    burst: u64,
    /// Each packet takes up to so much longer than the fastest, whatever the one before took.
    jitter_ms: u64,
    overtaken_percent: u64,
    twice_percent: u64,
    /// The sender's clock is fast by so much.
    drift_ppm: i64,
}

const CLEAN: Network = Network {
    name: "clean",
    loss_percent: 0,
    burst: 0,
    jitter_ms: 0,
    overtaken_percent: 0,
    twice_percent: 0,
    drift_ppm: 0,
};

/// All that are scored.
pub(super) const ALL: &[Network] = &[
    CLEAN,
    Network {
        name: "loss 1 %",
        loss_percent: 1,
        ..CLEAN
    },
    Network {
        name: "loss 5 %",
        loss_percent: 5,
        ..CLEAN
    },
    Network {
        name: "loss 5 % in bursts",
        loss_percent: 5,
        burst: 3,
        ..CLEAN
    },
    Network {
        name: "loss 20 %",
        loss_percent: 20,
        ..CLEAN
    },
    Network {
        name: "jitter 100 ms",
        jitter_ms: 100,
        ..CLEAN
    },
    Network {
        name: "jitter 60, loss 5 %",
        loss_percent: 5,
        jitter_ms: 60,
        ..CLEAN
    },
    Network {
        name: "reorder 10 %",
        overtaken_percent: 10,
        ..CLEAN
    },
    Network {
        name: "duplicates 10 %",
        twice_percent: 10,
        ..CLEAN
    },
    Network {
        name: "drift +200 ppm",
        drift_ppm: 200,
        ..CLEAN
    },
    Network {
        name: "drift -200 ppm",
        drift_ppm: -200,
        ..CLEAN
    },
];

impl Network {
    /// Are packets lost, and nothing else done to them?
    pub(super) fn only_loses(&self) -> bool {
        self.loss_percent > 0 && self.jitter_ms == 0
    }

    /// When each of so many packets of 20 ms arrives, after the call's beginning: time and number, in order of arrival. What
    /// chance decides follows from the seed, the first packet's place between two ticks as well.
    pub(super) fn carry(&self, packets: u64, seed: u64) -> Vec<(Duration, u64)> {
        let mut random = Random(seed);
        let begin_us = random.below(PACKET_US);
        let mut in_burst = false;
        let mut arrivals = Vec::new();
        for number in 0..packets {
            let sent_us = number * PACKET_US;
            let drift_us = i64::try_from(sent_us).unwrap_or(0) / 1_000 * self.drift_ppm / 1_000;
            let sent_us = (begin_us + sent_us).saturating_add_signed(-drift_us);
            in_burst = random.below(1_000_000) < self.loss_per_million(in_burst);
            let is_twice = random.below(100) < self.twice_percent;
            let is_overtaken = random.below(100) < self.overtaken_percent;
            let late_us =
                random.below(self.jitter_ms * 1_000 + 1) + if is_overtaken { OVERTAKEN_US } else { 0 };
            for copy in 0..1 + u64::from(is_twice) {
                if !in_burst {
                    let at = Duration::from_micros(sent_us + late_us + copy * COPY_US);
                    arrivals.push((at, number));
                }
            }
        }
        arrivals.sort_unstable();
        arrivals
    }

    /// How likely the next packet is lost, behind one that was lost or not.
    fn loss_per_million(&self, in_burst: bool) -> u64 {
        match (self.burst, in_burst) {
            (0, _) => self.loss_percent * 10_000,
            (burst, true) => 1_000_000 - 1_000_000 / burst,
            (burst, false) => 1_000_000 * self.loss_percent / (100 - self.loss_percent) / burst,
        }
    }
}

/// SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (z ^ (z >> 31)) % bound
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(name: &str) -> &'static Network {
        ALL.iter().find(|network| network.name == name).unwrap()
    }

    #[test]
    fn each_network_does_what_it_is_called() {
        let clean = find("clean").carry(10, 1);
        let steps = clean.windows(2).map(|w| (w[1].0 - w[0].0).as_micros());
        assert!(steps.eq([20_000; 9]), "{clean:?}");
        assert!((10_900..11_100).contains(&find("duplicates 10 %").carry(10_000, 1).len()));
        let late = find("jitter 100 ms").carry(10_000, 1);
        let late_ms = late.iter().map(|(at, n)| at.as_millis() - u128::from(n * 20));
        let (least, most) = (late_ms.clone().min().unwrap(), late_ms.max().unwrap());
        assert!((98..=100).contains(&(most - least)), "{least} to {most}");
        let disorder = find("reorder 10 %").carry(10_000, 1);
        let overtaken = disorder.windows(2).filter(|w| w[0].1 > w[1].1).count();
        assert!((700..1_100).contains(&overtaken), "{overtaken}");
        for (name, ms) in [("drift +200 ppm", 999_800), ("drift -200 ppm", 1_000_200)] {
            let drifted = find(name).carry(50_001, 1);
            let lasts = drifted.last().unwrap().0 - drifted[0].0;
            assert_eq!(lasts.as_millis(), ms);
        }
    }

    #[test]
    fn losses_are_as_many_as_they_are_called_and_follow_from_the_seed() {
        for (name, lost, in_row) in [
            ("loss 1 %", 1_000, 1.0..1.05),
            ("loss 5 %", 5_000, 1.0..1.1),
            ("loss 20 %", 20_000, 1.2..1.3),
            ("loss 5 % in bursts", 5_000, 2.8..3.2),
        ] {
            let arrived = find(name).carry(100_000, 1);
            let found = 100_000 - arrived.len();
            assert!(found.abs_diff(lost) < 600, "{name}: {found}");
            let gaps = arrived.windows(2).filter(|w| w[1].1 - w[0].1 > 1).count();
            let mean = found as f64 / gaps as f64;
            assert!(in_row.contains(&mean), "{name}: {mean}");
            assert_eq!(arrived, find(name).carry(100_000, 1));
            assert_ne!(arrived, find(name).carry(100_000, 2));
        }
    }
}
