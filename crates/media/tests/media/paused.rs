//! Pauses of one leg as the other is told of them: by comfort noise where it takes that (RFC 3389), and as noise of its level.

use crate::phone::{Call, TICK, voice};
use model::{Codec, Leg, OpusWish, Voice};

fn with_noise(codec: Codec) -> Voice {
    Voice {
        noise: Some(13),
        ..voice(codec)
    }
}

/// The caller says nothing for so many ticks, by comfort noise of this level.
fn pause(call: &mut Call, level: u8, ticks: u32) {
    let packet = call.caller.packet(13, &[level]);
    call.send(Leg::Caller, &packet);
    for _ in 0..ticks {
        let packet = call.callee.speak();
        call.send(Leg::Callee, &packet);
        call.caller.pass();
        call.pass(TICK);
    }
}

fn level(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    10.0 * (sum / samples.len() as f64 / 32_768_f64.powi(2)).log10()
}

/// What is heard of comfort noise is noise of that level, where the other leg can't be told of it.
#[test]
fn noise_is_as_loud_as_it_is_said_to_be() {
    for dbov in [30_u8, 45, 60] {
        let mut call = Call::new(with_noise(Codec::Pcma), voice(Codec::G722));
        call.talk(50);
        pause(&mut call, dbov, 60);
        let heard = &call.callee.heard[call.callee.heard.len() - 8_000..];
        let heard = level(heard);
        assert!(
            (heard + f64::from(dbov)).abs() < 2.5,
            "{heard} dBov instead of -{dbov}"
        );
        call.talk(50);
        assert!(call.callee.share(440.0, 400) > 0.95, "the voice is back");
    }
}

#[test]
fn a_pause_is_told_to_who_takes_it_so_with_its_level() {
    let mut call = Call::new(with_noise(Codec::Pcma), with_noise(Codec::Pcmu));
    call.talk(50);
    let before = call.callee.headers.len();
    pause(&mut call, 50, 100);
    let told = call.callee.noises.clone();
    let levels: Vec<u8> = told.iter().map(|(_, level)| *level).collect();
    assert!((3..=5).contains(&levels.len()), "{levels:?}");
    assert!(levels.iter().all(|level| (48..=52).contains(level)), "{levels:?}");
    let packets = call.callee.headers.len() - before;
    assert!(packets < 15, "{packets} packets of a pause");
    call.talk(50);
    let headers = &call.callee.headers[before..];
    // Numbers go on, the time too, and the voice behind the pause is marked.
    let voice = headers
        .iter()
        .skip(packets)
        .find(|header| header.pt == 0)
        .unwrap();
    assert!(voice.marker);
    for pair in headers.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq.wrapping_add(1));
        assert!(pair[1].timestamp.wrapping_sub(pair[0].timestamp) % 160 == 0);
        assert!(!(pair[1].pt == 13 && pair[1].marker));
    }
    assert!(call.callee.share(440.0, 400) > 0.95);
}

/// Opus says nothing in pauses; so does a phone that has gone, which is not spoken for without end.
#[test]
fn who_says_nothing_pauses_and_then_is_gone() {
    let opus = Voice {
        opus: OpusWish {
            dtx: true,
            ..OpusWish::default()
        },
        ..voice(Codec::Opus)
    };
    let mut call = Call::new(opus, with_noise(Codec::Pcmu));
    call.talk(50);
    for _ in 0..500 {
        call.pass(TICK);
    }
    let told = call.callee.noises.len();
    assert!((15..=21).contains(&told), "{told}");
    let before = call.callee.headers.len();
    for _ in 0..500 {
        call.pass(TICK);
    }
    assert!(
        call.callee.headers.len() <= before + 2,
        "nobody is there any more"
    );
    call.talk(50);
    assert!(call.callee.share(440.0, 400) > 0.95);
}

/// Calls that need no samples are not touched, and neither is who has not asked for it.
#[test]
fn relayed_noise_passes_as_it_is() {
    let mut call = Call::new(with_noise(Codec::Pcma), with_noise(Codec::Pcma));
    call.talk(20);
    pause(&mut call, 33, 10);
    assert_eq!(call.callee.noises.len(), 1);
    assert_eq!(call.callee.noises[0].1, 33);
    let mut call = Call::new(with_noise(Codec::Pcma), voice(Codec::Pcmu));
    call.talk(50);
    let before = call.callee.headers.len();
    pause(&mut call, 50, 100);
    assert!(call.callee.noises.is_empty());
    assert!(
        call.callee.headers.len() > before + 95,
        "noise, in packets of sound"
    );
}

/// What stretching leaves is less than a frame: nobody is spoken for behind that.
#[test]
fn who_stops_in_the_midst_of_a_stretch_is_silent() {
    for late in 0..40_u64 {
        let mut call = Call::new(voice(Codec::Pcma), voice(Codec::Pcmu));
        for n in 0..150_u64 {
            let packet = call.caller.speak();
            call.send(Leg::Caller, &packet);
            // Packets that come earlier and earlier are played faster.
            let step = if n > 50 { 19_000 - late * 50 } else { 20_000 };
            call.pass(std::time::Duration::from_micros(step));
        }
        call.talk(3);
        for _ in 0..50 {
            call.pass(TICK);
        }
        let before = call.callee.headers.len();
        for _ in 0..50 {
            call.pass(TICK);
        }
        assert_eq!(call.callee.headers.len(), before, "late by {late}");
    }
}

/// A held phone says nothing, also when it has told of noise before.
#[test]
fn the_noise_of_a_pause_ends_with_the_pause() {
    let mut call = Call::new(with_noise(Codec::Pcma), voice(Codec::Pcmu));
    call.talk(50);
    pause(&mut call, 50, 50);
    let watch = |hold: bool| model::MediaCommand::Watch {
        session: model::MediaSessionId(1),
        hold,
        quiet: [hold; 2],
    };
    call.world.command(watch(true));
    let before = call.callee.headers.len();
    for _ in 0..100 {
        call.pass(TICK);
    }
    let held = call.callee.headers.len() - before;
    assert!(held <= 1, "{held} packets while it is held");
    call.world.command(watch(false));
    call.talk(50);
    assert!(call.callee.share(440.0, 400) > 0.95, "the voice is back");
}
