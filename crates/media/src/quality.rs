//! The account of a leg: what was counted, and how it would be judged.
//!
//! Owns: putting figures together. Does not own: counting, the model (`emodel`).

use crate::emodel::{Path, rate};
use crate::leg::LegState;
use model::{Burst, Codec, FarReport, LegQuality, Score};

/// Packets below which nothing is judged: two seconds.
const LEAST_PACKETS: u64 = 100;
/// Delay of a phone besides its jitter buffer: a packet is filled, and coded.
const PHONE_MS: f64 = 25.0;
/// A phone's jitter buffer: shortest and longest that is assumed.
const BUFFER_MS: (f64, f64) = (20.0, 200.0);

/// The account of `near`, whose audio goes to `far`.
pub(crate) fn account(near: &LegState, far: &LegState) -> LegQuality {
    let reception = near.reception();
    let losses = reception.burst_gap();
    let packet = near.packet_time(losses.expected);
    let ms = |packets: u32| u32::try_from((packet * packets).as_millis()).unwrap_or(u32::MAX);
    let (round_trip_us, round_trip_us_max) = near.feedback.round_trip_us();
    let mut quality = LegQuality {
        lost: reception.lost(),
        jitter_us: reception.jitter_us(),
        jitter_us_max: reception.jitter_us_max(),
        jitter_us_p50: reception.jitter_us_quantile(500),
        jitter_us_p95: reception.jitter_us_quantile(950),
        jitter_us_p99: reception.jitter_us_quantile(990),
        reordered: reception.reordered(),
        late: reception.late(),
        duplicates: reception.duplicates(),
        burst: Burst {
            count: u32::try_from(losses.bursts).unwrap_or(u32::MAX),
            ms: ms(losses.burst_packets()),
            density_milli: losses.burst_density_milli(),
            gap_ms: ms(losses.gap_packets()),
            gap_density_milli: losses.gap_density_milli(),
            ratio_milli: if losses.lost > 0 {
                losses.burst_ratio_milli()
            } else {
                0
            },
        },
        round_trip_us,
        round_trip_us_max,
        far: near.feedback.far(),
        ..near.counted()
    };
    quality.score = near
        .codec()
        .filter(|_| quality.packets >= LEAST_PACKETS)
        .map(|codec| {
            let loss = share(losses.lost.saturating_add(quality.late), losses.expected);
            let ratio = f64::from(losses.burst_ratio_milli()) / 1000.0;
            judge(codec, loss, ratio, quality.jitter_us_p95, (near, far))
        });
    if let Some(far_report) = &mut quality.far {
        far_report.score = heard(far_report, (near, far));
    }
    quality
}

/// What the phone of `near` hears of `far`, by its own count.
fn heard(report: &FarReport, (near, far): (&LegState, &LegState)) -> Option<Score> {
    let losses = far.reception().burst_gap();
    let codec = far.codec().filter(|_| losses.expected >= LEAST_PACKETS)?;
    let loss = share(report.lost, losses.expected);
    let ratio = f64::from(losses.burst_ratio_milli()) / 1000.0;
    Some(judge(codec, loss, ratio, report.jitter_us, (near, far)))
}

/// Half of each round trip that is known, a jitter buffer of twice the jitter, and what phones take.
fn judge(
    codec: Codec,
    loss: f64,
    burst_ratio: f64,
    jitter_us: u32,
    (near, far): (&LegState, &LegState),
) -> Score {
    let network = [near, far].map(|leg| leg.feedback.round_trip_us().0.map_or(0.0, f64::from));
    let network: f64 = network.iter().sum::<f64>() / 2_000.0;
    let (shortest, longest) = BUFFER_MS;
    let buffer = (f64::from(jitter_us) * 2.0 / 1_000.0).clamp(shortest, longest);
    rate(&Path {
        codec,
        loss,
        burst_ratio,
        delay_ms: network + buffer + PHONE_MS,
    })
}

fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => (part as f64 / whole as f64).clamp(0.0, 1.0),
    }
}
