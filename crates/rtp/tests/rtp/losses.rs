//! Bursts, gaps, disorder and the spread of jitter, against plain references.

use crate::{Random, packet};
use rtp::{BurstGap, Header, Reception};
use std::collections::BTreeSet;
use std::time::Duration;

fn receive(reception: &mut Reception, ssrc: u32, seq: u64, at: Duration) {
    let seq16 = u16::try_from(seq % 65_536).unwrap();
    let timestamp = u32::try_from(seq * 160 % (1 << 32)).unwrap();
    let header = Header::parse(&packet(0, seq16, timestamp, ssrc, &[])).unwrap();
    reception.receive(&header, at, Some(8000));
}

fn of(seqs: impl IntoIterator<Item = u64>) -> Reception {
    let mut reception = Reception::new();
    for seq in seqs {
        receive(&mut reception, 1, seq, Duration::ZERO);
    }
    reception
}

/// RFC 3611 §4.7.2 by the list of what is lost: losses with fewer than 16 received between them are one burst, a loss alone is
/// gap.
fn reference(lost: &[u64], expected: u64) -> BurstGap {
    let mut sum = BurstGap {
        expected,
        lost: lost.len() as u64,
        ..BurstGap::default()
    };
    let mut clusters: Vec<Vec<u64>> = Vec::new();
    for n in lost {
        match clusters.last_mut().filter(|c| n - c[c.len() - 1] <= 16) {
            Some(cluster) => cluster.push(*n),
            None => clusters.push(vec![*n]),
        }
    }
    sum.runs = (0..lost.len())
        .filter(|i| *i == 0 || lost[*i] != lost[i - 1] + 1)
        .count() as u64;
    for cluster in clusters.iter().filter(|c| c.len() > 1) {
        sum.bursts += 1;
        sum.burst_expected += cluster[cluster.len() - 1] - cluster[0] + 1;
        sum.burst_lost += cluster.len() as u64;
    }
    sum
}

#[test]
fn a_loss_alone_is_gap_and_losses_close_together_are_a_burst() {
    // One alone, then 10 to 15 of 100 to 115, then 16 received between two: both alone.
    let lost = [30, 100, 101, 105, 115, 200, 217, 233];
    let seen = of((0..400).filter(|n| !lost.contains(n))).burst_gap();
    let want = BurstGap {
        expected: 399,
        lost: 8,
        runs: 7,
        bursts: 2,
        burst_expected: 16 + 17,
        burst_lost: 4 + 2,
    };
    assert_eq!(
        seen, want,
        "217 and 233 have 15 between them, 200 and 217 have 16"
    );
    assert_eq!((seen.burst_density_milli(), seen.gap_density_milli()), (181, 5));
    assert_eq!((seen.burst_packets(), seen.gap_packets()), (16, 122));
}

#[test]
fn bursts_agree_with_the_definition_under_loss_reorder_and_duplication() {
    for seed in 0..300 {
        let mut random = Random(seed);
        let first = 60_000 + random.below(5000);
        let (mut sent, mut lost, mut bad) = (Vec::new(), Vec::new(), false);
        for n in first..first + 20_000 {
            if random.below(100) == 0 {
                bad = !bad;
            }
            match random.below(if bad { 4 } else { 60 }) {
                0 if n > first + 1 && n < first + 19_999 => lost.push(n),
                1 => sent.extend([n, n]),
                _ => sent.push(n),
            }
        }
        for i in 4..sent.len().saturating_sub(6) {
            if random.below(20) == 0 {
                sent.swap(i, i + usize::try_from(random.below(5)).unwrap());
            }
        }
        let unique: BTreeSet<u64> = sent.iter().copied().collect();
        let twice = (sent.len() - unique.len()) as u64;
        let reception = of(sent.iter().copied());
        // The packet that ended probation is the first that counts.
        let expected = first + 20_000 - sent[1].max(first + 1);
        assert_eq!(reception.burst_gap(), reference(&lost, expected), "seed {seed}");
        // The first packets prove the source, and count for nothing else.
        assert!(twice - reception.duplicates() <= 2, "seed {seed}");
    }
}

#[test]
fn a_great_hole_is_one_run_and_costs_no_time() {
    let mut seqs: Vec<u64> = (0..100).collect();
    for hole in 1..2_000_u64 {
        seqs.push(99 + hole * 2_999);
    }
    let seen = of(seqs).burst_gap();
    assert_eq!(seen.lost + 100 + 1_999, seen.expected + 1);
    assert_eq!((seen.runs, seen.bursts), (1_999, 1));
}

#[test]
fn what_comes_behind_is_reordered_or_late_or_came_before() {
    let seen = of([0, 1, 2, 4, 3, 5, 7, 8, 9, 10, 6, 6, 10, 11]);
    assert_eq!((seen.reordered(), seen.late(), seen.duplicates()), (2, 1, 2));
    assert_eq!(seen.burst_gap().lost, 0);
    let behind = of((0..200).filter(|n| *n != 120).chain([120]));
    assert_eq!(
        (behind.reordered(), behind.late()),
        (1, 1),
        "too far behind to know whether it came"
    );
}

#[test]
fn the_burst_ratio_is_one_at_random_and_rises_with_runs() {
    let mut random = Random(7);
    let seen = of((0..60_000).filter(|n| *n < 2 || random.below(10) > 0)).burst_gap();
    assert!((1000..1040).contains(&seen.burst_ratio_milli()), "{seen:?}");
    let runs = of((0..60_000).filter(|n| n % 40 < 36)).burst_gap();
    assert_eq!(runs.burst_ratio_milli(), 3600, "four in a row, a tenth lost");
    assert_eq!(of(0..50).burst_gap().burst_ratio_milli(), 1000);
}

#[test]
fn a_new_source_ends_the_burst_of_the_old_one() {
    let mut reception = of((0..50).filter(|n| *n != 47 && *n != 49 - 1));
    for seq in 5..100 {
        receive(&mut reception, 2, seq, Duration::ZERO);
    }
    let seen = reception.burst_gap();
    assert_eq!((seen.bursts, seen.lost, seen.expected), (1, 2, 49 + 94));
}

#[test]
fn percentiles_of_jitter_are_at_most_a_quarter_too_high() {
    for most_us in [2_000, 20_000, 200_000] {
        let mut random = Random(most_us);
        let (mut reception, mut at) = (Reception::new(), Duration::from_secs(1));
        let mut differences = Vec::new();
        for seq in 0..5_000 {
            let extra = random.below(most_us);
            receive(&mut reception, 1, seq, at);
            differences.push(extra);
            at += Duration::from_micros(20_000 + extra);
        }
        differences.pop();
        differences.sort_unstable();
        for milli in [500_u16, 950, 990] {
            let exact = differences[differences.len() * usize::from(milli) / 1000 - 1];
            let seen = u64::from(reception.jitter_us_quantile(milli));
            assert!(
                seen >= exact.min(512) && seen * 4 <= exact.max(512) * 5 + 4,
                "{seen} for {exact}"
            );
        }
    }
    assert_eq!(Reception::new().jitter_us_quantile(950), 0);
}
