//! How Opus is written for a leg: as wide, as fast and as seldom as its description and its reports say.

use crate::phone::{Call, TICK, voice};
use crate::world::above;
use model::{Codec, Leg, OpusWish, Voice};
use std::f64::consts::TAU;
use std::time::Duration;

fn opus(wish: OpusWish) -> Voice {
    Voice {
        opus: wish,
        ..voice(Codec::Opus)
    }
}

const FEC: OpusWish = OpusWish {
    max_rate_hz: 48_000,
    max_bitrate: 0,
    fec: true,
    dtx: false,
};

/// 20 ms of somebody who speaks without a pause: harmonics whose pitch and loudness wander, and a hiss.
fn babble(tick: u32, rate_hz: u32) -> Vec<i16> {
    let count = rate_hz / 50;
    let at = |n: u32| f64::from(tick * count + n) / f64::from(rate_hz);
    let sample = |t: f64| {
        let pitch = 120.0 * t + 3.0 * (TAU * 1.7 * t).sin() + 0.7 * (TAU * 4.1 * t).sin();
        let harmonic = |k: u32| (TAU * pitch * f64::from(k)).sin() / f64::from(k).sqrt();
        let loud = 1.0 + 0.7 * (TAU * 3.3 * t).sin();
        ((1..28).map(harmonic).sum::<f64>() * loud * 1500.0) as i16
    };
    let hiss = |n: u32| {
        (tick * count + n)
            .wrapping_mul(0x9E37_79B1)
            .rotate_left(13)
            .wrapping_mul(0x85EB_CA6B)
            >> 16
    };
    let hiss = |n: u32| (hiss(n) as u16 as i16) / 20;
    (0..count)
        .map(|n| sample(at(n)).saturating_add(hiss(n)))
        .collect()
}

/// The callee speaks for so many seconds; gives bits per second of what the caller gets, and its last payload.
fn bits(call: &mut Call, seconds: u32) -> u32 {
    let before = call.caller.headers.len();
    for tick in 0..seconds * 50 {
        let sound = babble(tick, call.callee.rate_hz);
        let packet = call.callee.say(&sound);
        call.send(Leg::Callee, &packet);
        call.pass(TICK);
    }
    let octets: usize = call.caller.headers[before..].iter().map(|h| h.payload_len).sum();
    u32::try_from(octets).unwrap() * 8 / seconds
}

/// The caller reports so much of our stream lost, 256ths, and that the last report took so long.
fn report(call: &mut Call, lost: u8, trip: Duration) {
    let ssrc = call.caller.headers.last().unwrap().ssrc;
    let sent = call.world.now.checked_sub(trip).unwrap();
    let middle = u32::try_from(sent.as_secs()).unwrap() << 16
        | u32::try_from(u64::from(sent.subsec_nanos()) * 65_536 / 1_000_000_000).unwrap();
    let words = [0x81C9_0007, 99, ssrc, u32::from(lost) << 24, 400, 160, middle, 0];
    let octets: Vec<u8> = words.iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
    let (at, control) = (call.caller.at.to_string(), above(call.caller.relay));
    assert_eq!(call.world.send(&at, control, &octets), None);
    call.frames();
}

const NEAR: Duration = Duration::from_millis(30);

#[test]
fn losses_make_it_slower_and_more_robust_and_it_recovers_in_minutes() {
    for (other, whole) in [(Codec::G722, 26_000), (Codec::Pcmu, 20_000)] {
        let mut call = Call::new(opus(FEC), voice(other));
        bits(&mut call, 1);
        report(&mut call, 0, NEAR);
        let full = bits(&mut call, 5);
        for _ in 0..6 {
            report(&mut call, 77, NEAR);
            bits(&mut call, 1);
        }
        let lossy = bits(&mut call, 5);
        println!("{other:?}: {full} bit/s, {lossy} with three tenths lost");
        // As slow as leaves room for what repairs losses.
        let share = f64::from(lossy) / f64::from(full);
        assert!(
            (share - 19_000.0 / f64::from(whole)).abs() < 0.12,
            "{other:?}: {full} {lossy}"
        );
        report(&mut call, 0, NEAR);
        let soon = bits(&mut call, 4);
        assert!(
            soon < full * 19 / 20 || other == Codec::Pcmu,
            "{other:?}: {full} {soon}, it recovers too fast"
        );
        for _ in 0..25 {
            report(&mut call, 0, NEAR);
            bits(&mut call, 1);
        }
        let again = bits(&mut call, 5);
        assert!(again > full * 9 / 10, "{other:?}: {full} {again}");
    }
}

#[test]
fn a_round_trip_that_grows_makes_it_slower() {
    let mut call = Call::new(opus(FEC), voice(Codec::G722));
    bits(&mut call, 1);
    report(&mut call, 0, NEAR);
    let full = bits(&mut call, 5);
    report(&mut call, 0, NEAR);
    assert!(bits(&mut call, 5) > full * 9 / 10);
    for ms in [300, 500, 700, 900] {
        report(&mut call, 0, Duration::from_millis(ms));
        bits(&mut call, 1);
    }
    let queued = bits(&mut call, 5);
    println!("{full} bit/s, {queued} behind a queue");
    assert!(queued < full * 7 / 10, "{full} {queued}");
}

#[test]
fn no_faster_than_the_leg_wishes() {
    let wish = OpusWish {
        max_bitrate: 10_000,
        ..FEC
    };
    let mut call = Call::new(opus(wish), voice(Codec::Pcmu));
    let bits_s = bits(&mut call, 5);
    assert!((7_000..12_000).contains(&bits_s), "{bits_s}");
    for _ in 0..30 {
        report(&mut call, 0, NEAR);
        bits(&mut call, 1);
    }
    assert!(bits(&mut call, 5) < 12_000, "never above");
}

/// Who asks for it gets next to nothing in the pauses of the other one, and pauses are marked.
#[test]
fn pauses_are_left_out_where_the_leg_asks_for_that() {
    let sent = |dtx: bool| {
        let mut call = Call::new(opus(OpusWish { dtx, ..FEC }), voice(Codec::Pcmu));
        bits(&mut call, 2);
        let before = call.caller.headers.len();
        for _ in 0..150 {
            let packet = call.callee.say(&[0; 160]);
            call.send(Leg::Callee, &packet);
            call.pass(TICK);
        }
        let pause = call.caller.headers.len() - before;
        bits(&mut call, 1);
        let headers = &call.caller.headers[before..];
        let gaps = headers.windows(2).filter(|pair| {
            let step = pair[1].timestamp.wrapping_sub(pair[0].timestamp);
            assert_eq!(step % 960, 0);
            assert_eq!(pair[1].seq, pair[0].seq.wrapping_add(1));
            assert_eq!(pair[1].marker, step > 960, "a pause is over");
            step > 960
        });
        (pause, gaps.count())
    };
    let (all, gaps) = sent(false);
    assert!(all >= 148 && gaps == 0, "{all} {gaps}");
    let (few, gaps) = sent(true);
    assert!(few < 60 && gaps > 0, "{few} {gaps}");
}
