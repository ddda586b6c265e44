//! Legs whose codecs differ hear each other, as far as the narrower of them carries; others are relayed as they are.

use crate::phone::{Call, voice};
use model::{Codec, Leg, MediaReport};

/// Everybody with everybody, both ways.
#[test]
fn all_codecs_understand_each_other() {
    for caller in Codec::ALL {
        for callee in Codec::ALL {
            let mut call = Call::new(voice(caller), voice(callee));
            call.talk(100);
            let (heard, said) = (call.callee.share(440.0, 1000), call.caller.share(1000.0, 1000));
            assert!(
                heard > 0.97 && said > 0.97,
                "{caller:?} {callee:?}: {heard} {said}"
            );
            let ours = call.callee.headers.iter().all(|header| header.ssrc != 0x1111);
            assert_eq!(ours, caller != callee, "{caller:?} {callee:?}");
        }
    }
}

#[test]
fn packets_are_numbered_without_a_gap() {
    let mut call = Call::new(voice(Codec::Opus), voice(Codec::Pcmu));
    call.talk(100);
    let headers = &call.caller.headers;
    assert!(headers.len() >= 97, "{}", headers.len());
    for pair in headers.windows(2) {
        assert_eq!(pair[1].seq, pair[0].seq.wrapping_add(1));
        assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(960));
        assert_eq!((pair[1].ssrc, pair[1].marker), (pair[0].ssrc, false));
    }
    assert!(headers[0].marker);
}

#[test]
fn packets_are_as_long_as_they_are_wanted() {
    for (codec, ptime_ms, octets) in [
        (Codec::Pcma, 10, 80),
        (Codec::Pcma, 30, 240),
        (Codec::Pcma, 40, 320),
        (Codec::G722, 60, 480),
    ] {
        let mut callee = voice(codec);
        callee.ptime_ms = ptime_ms;
        let mut call = Call::new(voice(Codec::Opus), callee);
        call.talk(120);
        assert!(
            call.callee
                .headers
                .iter()
                .all(|header| header.payload_len == octets)
        );
        let units = u32::try_from(octets).unwrap();
        for pair in call.callee.headers.windows(2) {
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(units));
        }
        assert!(call.callee.share(440.0, 1000) > 0.97);
    }
    for ptime_ms in [10, 40, 60] {
        let mut caller = voice(Codec::Opus);
        caller.ptime_ms = ptime_ms;
        let mut call = Call::new(caller, voice(Codec::Pcmu));
        call.talk(120);
        assert!(call.caller.share(1000.0, 1000) > 0.97);
        for pair in call.caller.headers.windows(2) {
            let units = u32::from(ptime_ms) * 48;
            assert_eq!(pair[1].timestamp, pair[0].timestamp.wrapping_add(units));
        }
    }
}

/// A phone that ceases to send is not spoken for.
#[test]
fn who_says_nothing_costs_nothing() {
    let mut call = Call::new(voice(Codec::Opus), voice(Codec::Pcmu));
    call.talk(50);
    let before = call.callee.headers.len();
    for _ in 0..100 {
        let packet = call.callee.speak();
        call.send(Leg::Callee, &packet);
        call.pass(crate::phone::TICK);
    }
    let behind = call.callee.headers.len() - before;
    assert!(behind < 16, "{behind} packets of nothing");
    call.talk(50);
    let again = call.callee.headers.get(before + behind).unwrap();
    assert!(again.marker, "a pause is over");
    assert!(call.callee.share(440.0, 400) > 0.97);
}

/// A new description may change the codec of a leg in the middle of a call.
#[test]
fn a_leg_may_change_its_codec() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    call.talk(50);
    let relayed = call.callee.headers.len();
    assert!(call.callee.headers.iter().all(|header| header.ssrc == 0x1111));
    assert_eq!(call.world.tick_due(), None, "a relayed call has no ticks");
    for codec in [Codec::Opus, Codec::G722, Codec::Pcma] {
        let hz = 440.0;
        let old = std::mem::replace(
            &mut call.caller,
            crate::phone::Phone::new(crate::phone::CALLER, voice(codec), hz),
        );
        call.caller.relay = old.relay;
        call.caller.ssrc = old.ssrc + 1;
        call.describe(Leg::Caller);
        call.talk(60);
        assert!(call.callee.share(440.0, 800) > 0.97, "{codec:?}");
        assert!(call.caller.share(1000.0, 800) > 0.97, "{codec:?}");
    }
    let ours = &call.callee.headers[relayed..];
    assert!(ours.windows(2).all(|pair| pair[0].ssrc == pair[1].ssrc));
    assert!(
        ours.windows(2)
            .all(|pair| pair[1].seq == pair[0].seq.wrapping_add(1))
    );
    // And back to what it was: packets are relayed again.
    let old = std::mem::replace(
        &mut call.caller,
        crate::phone::Phone::new(crate::phone::CALLER, voice(Codec::Pcmu), 440.0),
    );
    call.caller.relay = old.relay;
    call.describe(Leg::Caller);
    let before = call.callee.headers.len();
    call.talk(50);
    assert!(
        call.callee.headers[before..]
            .iter()
            .all(|header| header.ssrc == 0x1111)
    );
    assert_eq!(call.world.tick_due(), None);
}

/// Reports alone say that a leg is still there; they are about packets that the other one has never seen, so it gets none.
#[test]
fn reports_of_a_transcoded_leg_are_heard_and_not_passed_on() {
    let mut call = Call::new(voice(Codec::Opus), voice(Codec::Pcmu));
    call.talk(10);
    call.world.watch(1, false);
    let (at, control) = (call.caller.at.to_string(), crate::world::above(call.caller.relay));
    for _ in 0..100 {
        call.pass(std::time::Duration::from_secs(1));
        let forward = call.world.send(&at, control, &crate::world::rtcp());
        assert_eq!(forward, None);
    }
    let silent = |report: &&MediaReport| matches!(report, MediaReport::Silent { .. });
    assert_eq!(call.world.reports.iter().filter(silent).count(), 0);
    for _ in 0..62 {
        call.pass(std::time::Duration::from_secs(1));
    }
    assert_eq!(call.world.reports.iter().filter(silent).count(), 1);
}

/// A call to G.711 has nothing above 4 kHz: Opus is encoded narrow-band.
#[test]
fn opus_is_narrow_band_where_the_other_leg_is() {
    for (other, narrow) in [(Codec::Pcmu, true), (Codec::G722, false)] {
        let mut call = Call::new(voice(Codec::Opus), voice(other));
        let mut widths = Vec::new();
        for _ in 0..50 {
            let packet = call.callee.speak();
            call.send(Leg::Callee, &packet);
            call.world.advance(crate::phone::TICK);
            while let Some(frame) = call.world.relay.poll_frame() {
                // RFC 6716 §3.1: configurations 0 to 3 are narrow-band.
                widths.push(frame.octets[12] >> 3 < 4);
            }
        }
        assert!(
            widths.len() > 40 && widths.iter().all(|is| *is == narrow),
            "{other:?}"
        );
    }
}
