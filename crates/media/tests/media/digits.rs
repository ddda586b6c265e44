//! Digits: told once each, and carried to the other leg as that one has them.

use crate::phone::{Call, ID, TICK, share, voice};
use model::{Codec, Leg, MediaCommand, MediaReport, Voice};
use rtp::event::Sender;

fn with_events(codec: Codec) -> Voice {
    let mut voice = voice(codec);
    voice.events = Some(101);
    voice
}

/// The caller presses a key for so long; `lost` says which of its packets do not arrive.
fn press(call: &mut Call, code: u8, ms: u32, lost: impl Fn(usize) -> bool) {
    let clock_hz = call.caller.voice.codec.clock_hz();
    let began = call.caller.timestamp;
    let mut sender = Sender::new(code, 10, began, clock_hz / 1000 * ms);
    let mut count = 0;
    while let Some(outgoing) = sender.tick(clock_hz / 50) {
        call.caller.timestamp = outgoing.timestamp;
        let mut packet = call.caller.packet(101, &outgoing.payload.to_bytes());
        packet[1] |= u8::from(outgoing.marker) << 7;
        count += 1;
        call.caller.timestamp = began.wrapping_add(clock_hz / 50 * count);
        if !lost(usize::try_from(count).unwrap() - 1) {
            call.send(Leg::Caller, &packet);
        }
        let packet = call.callee.speak();
        call.send(Leg::Callee, &packet);
        call.pass(TICK);
    }
}

fn digits(call: &mut Call) -> Vec<(Leg, char, u32)> {
    let reports = call.world.reports.drain(..);
    let digits = reports.map(|report| match report {
        MediaReport::Digit { leg, key, ms, .. } => (leg, key, ms),
        other => panic!("{other:?}"),
    });
    digits.collect()
}

#[test]
fn a_relayed_call_tells_its_digits_and_passes_them_on_as_they_are() {
    let mut call = Call::new(with_events(Codec::Pcmu), with_events(Codec::Pcmu));
    call.talk(10);
    press(&mut call, 11, 100, |_| false);
    call.talk(20);
    assert_eq!(digits(&mut call), [(Leg::Caller, '#', 100)]);
    assert_eq!(call.callee.events.len(), 7);
    assert_eq!(call.world.relay.poll_timeout(), None, "no ticks are left");
}

#[test]
fn a_digit_is_told_once_whatever_is_lost() {
    let losses: [fn(usize) -> bool; 4] = [|n| n == 0, |n| n < 3, |n| n >= 4, |n| n > 0];
    for (at, lost) in losses.into_iter().enumerate() {
        for callee in [Codec::Pcmu, Codec::Opus] {
            let mut call = Call::new(with_events(Codec::Pcmu), with_events(callee));
            call.talk(10);
            press(&mut call, 5, 100, lost);
            call.talk(20);
            let told = digits(&mut call);
            assert!(matches!(told[..], [(Leg::Caller, '5', _)]), "loss {at}: {told:?}");
        }
    }
}

#[test]
fn events_are_made_anew_for_another_clock() {
    let mut call = Call::new(with_events(Codec::Pcmu), with_events(Codec::Opus));
    call.talk(50);
    press(&mut call, 7, 200, |_| false);
    call.talk(50);
    assert_eq!(digits(&mut call), [(Leg::Caller, '7', 200)]);
    let events = &call.callee.events;
    let ends: Vec<_> = events.iter().filter(|(_, payload)| payload.end).collect();
    assert_eq!(ends.len(), 3, "three end packets");
    assert!(
        ends.iter()
            .all(|(_, payload)| payload.duration == 200 * 48 && payload.event == 7)
    );
    assert!(events.iter().all(|(timestamp, _)| *timestamp == events[0].0));
    let markers = call
        .callee
        .headers
        .iter()
        .filter(|header| header.pt == 101 && header.marker);
    assert_eq!(markers.count(), 1);
    assert!(
        call.callee
            .headers
            .windows(2)
            .all(|pair| pair[1].seq == pair[0].seq.wrapping_add(1))
    );
}

#[test]
fn a_leg_without_events_hears_tones() {
    let mut call = Call::new(with_events(Codec::Opus), voice(Codec::Pcmu));
    call.talk(50);
    let before = call.callee.heard.len();
    press(&mut call, 1, 200, |_| false);
    let sound = &call.callee.heard[before + 320..before + 1440];
    let both = share(sound, 697.0, 8000) + share(sound, 1209.0, 8000);
    assert!(both > 0.9, "{both}");
    call.talk(50);
    assert!(call.callee.share(440.0, 500) > 0.97, "the voice is back");
    assert_eq!(digits(&mut call), [(Leg::Caller, '1', 200)]);
}

fn dial(call: &mut Call, digits: &str) {
    call.world.command(MediaCommand::Dial {
        session: ID,
        leg: Leg::Callee,
        digits: digits.into(),
    });
}

#[test]
fn dialled_digits_are_events_of_100_ms() {
    let mut call = Call::new(with_events(Codec::Pcma), with_events(Codec::Pcma));
    call.talk(50);
    dial(&mut call, "1x#");
    call.talk(50);
    let events = &call.callee.events;
    let of = |code: u8| events.iter().filter(move |(_, payload)| payload.event == code);
    for code in [1, 11] {
        assert_eq!(of(code).count(), 7, "{code}");
        assert_eq!(of(code).filter(|(_, p)| p.end && p.duration == 800).count(), 3);
    }
    assert_eq!(events.len(), 14);
    let pause = of(11).next().unwrap().0.wrapping_sub(of(1).next().unwrap().0);
    assert!(pause >= 800 + 320, "{pause}");
    assert!(call.callee.share(440.0, 300) > 0.97, "the caller is heard again");
    assert_eq!(call.world.relay.poll_timeout(), None, "and relayed");
}

#[test]
fn dialled_digits_are_tones_where_there_are_no_events() {
    let mut call = Call::new(voice(Codec::Pcma), voice(Codec::Pcma));
    call.talk(10);
    let before = call.callee.heard.len();
    dial(&mut call, "5");
    call.talk(6);
    let sound = &call.callee.heard[before + 160..before + 800];
    assert!(share(sound, 770.0, 8000) + share(sound, 1336.0, 8000) > 0.9);
}
