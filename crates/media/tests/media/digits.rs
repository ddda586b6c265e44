//! Digits: told once each, and carried to the other leg as that one has them.

use crate::phone::{Call, ID, TICK, share, voice};
use model::{Codec, Leg, MediaCommand, MediaReport, Signal, Signals, Voice};
use rtp::event::Sender;

pub(crate) fn with_events(codec: Codec) -> Voice {
    let mut voice = voice(codec);
    voice.events = Some(101);
    voice
}

/// The caller presses a key for so long; `lost` says which of its packets do not arrive.
pub(crate) fn press(call: &mut Call, code: u8, ms: u32, lost: impl Fn(usize) -> bool) {
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

pub(crate) fn digits(call: &mut Call) -> Vec<(Leg, char, u32)> {
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
    assert_eq!(call.world.tick_due(), None, "no ticks are left");
}

/// As phones do that know events by one clock alone.
#[test]
fn events_have_a_clock_and_a_number_of_their_own() {
    let mut opus = with_events(Codec::Opus);
    (opus.events_hz, opus.events_heard) = (8_000, Some(96));
    let mut call = Call::new(with_events(Codec::Pcmu), opus);
    call.talk(10);
    press(&mut call, 5, 200, |_| false);
    call.talk(20);
    assert_eq!(digits(&mut call), [(Leg::Caller, '5', 200)]);
    let longest = call.callee.events.iter().map(|(_, event)| event.duration).max();
    assert_eq!(longest, Some(1_600));
    let mut sender = Sender::new(7, 10, 0, 800);
    while let Some(outgoing) = sender.tick(160) {
        let packet = call.callee.packet(96, &outgoing.payload.to_bytes());
        call.send(Leg::Callee, &packet);
        call.pass(TICK);
    }
    call.talk(20);
    assert_eq!(digits(&mut call), [(Leg::Callee, '7', 100)]);
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

/// Legs with one codec are relayed but for the digits that one of them would not understand.
#[test]
fn a_relayed_call_has_its_digits_translated() {
    let mut other = voice(Codec::Pcmu);
    other.events = Some(96);
    let mut call = Call::new(with_events(Codec::Pcmu), other);
    call.talk(10);
    press(&mut call, 3, 100, |_| false);
    call.talk(30);
    assert_eq!(digits(&mut call), [(Leg::Caller, '3', 100)]);
    let ends = call
        .callee
        .events
        .iter()
        .filter(|(_, payload)| payload.end && payload.duration == 800);
    assert_eq!(ends.count(), 3);
    assert!(call.callee.headers.iter().all(|header| header.pt != 101));
    assert_eq!(call.world.tick_due(), None, "relayed again");
    assert!(call.callee.share(440.0, 200) > 0.97);

    let mut call = Call::new(with_events(Codec::Pcmu), voice(Codec::Pcmu));
    call.talk(10);
    let before = call.callee.heard.len();
    press(&mut call, 3, 200, |_| false);
    let sound = &call.callee.heard[before + 320..before + 1280];
    assert!(share(sound, 697.0, 8000) + share(sound, 1477.0, 8000) > 0.9);
    call.talk(30);
    assert_eq!(digits(&mut call), [(Leg::Caller, '3', 200)]);
    assert_eq!(call.world.tick_due(), None, "relayed again");
}

/// The caller says digits as tones, each for so long.
pub(crate) fn sing(call: &mut Call, keys: &str, ms: u16) {
    let rate_hz = call.caller.rate_hz;
    let mut generator = audio::tone::digits(keys, ms, 100, rate_hz);
    while !generator.is_over() {
        let mut sound = vec![0; usize::try_from(rate_hz / 50).unwrap()];
        generator.fill(&mut sound);
        let packet = call.caller.say(&sound);
        call.send(Leg::Caller, &packet);
        call.pass(TICK);
    }
}

#[test]
fn tones_become_events_and_leave_the_sound() {
    let mut call = Call::new(voice(Codec::Pcma), with_events(Codec::Opus));
    call.talk(50);
    let before = call.callee.heard.len();
    sing(&mut call, "19#", 120);
    call.talk(10);
    let mut pressed: Vec<(u32, u8)> = Vec::new();
    for (timestamp, payload) in &call.callee.events {
        if pressed.last().is_none_or(|last| last.0 != *timestamp) {
            pressed.push((*timestamp, payload.event));
        }
    }
    let codes: Vec<u8> = pressed.iter().map(|(_, code)| *code).collect();
    assert_eq!(codes, [1, 9, 11]);
    for (_, payload) in call.callee.events.iter().filter(|(_, payload)| payload.end) {
        assert!((80 * 48..=160 * 48).contains(&payload.duration), "{payload:?}");
    }
    // What is left of the tones is too short for a digit.
    let mut heard = Vec::new();
    let mut detector = audio::detect::Dtmf::new(call.callee.rate_hz);
    detector.push(&call.callee.heard[before..], |digit| heard.push(digit));
    assert!(heard.is_empty(), "{heard:?}");
    assert!(digits(&mut call).is_empty(), "nobody asked for them");
}

fn listen(call: &mut Call, signals: Signals) {
    call.world.command(MediaCommand::Listen {
        session: ID,
        leg: Leg::Caller,
        signals,
    });
}

#[test]
fn tones_are_told_when_they_are_listened_for() {
    let mut call = Call::new(voice(Codec::Pcma), voice(Codec::Pcma));
    let dtmf = Signals {
        dtmf: true,
        ..Signals::default()
    };
    listen(&mut call, dtmf);
    call.talk(20);
    sing(&mut call, "5*", 100);
    call.talk(20);
    let told = digits(&mut call);
    assert!(
        matches!(
            told[..],
            [(Leg::Caller, '5', 70..=130), (Leg::Caller, '*', 70..=130)]
        ),
        "{told:?}"
    );
    listen(&mut call, Signals::default());
    sing(&mut call, "5", 100);
    assert!(digits(&mut call).is_empty());
    assert_eq!(call.world.tick_due(), None);
}

/// Some phones send an event and leave the tone in the sound.
#[test]
fn a_digit_that_comes_both_ways_is_told_once() {
    let mut call = Call::new(with_events(Codec::Pcma), voice(Codec::Pcma));
    let dtmf = Signals {
        dtmf: true,
        ..Signals::default()
    };
    listen(&mut call, dtmf);
    call.talk(20);
    press(&mut call, 5, 100, |_| false);
    sing(&mut call, "5", 100);
    call.talk(20);
    assert_eq!(digits(&mut call), [(Leg::Caller, '5', 100)]);
}

#[test]
fn faxes_and_voices_are_told() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    let signals = Signals {
        dtmf: true,
        fax: true,
        voice: true,
        machine: None,
    };
    listen(&mut call, signals);
    let say = |call: &mut Call, hz: f64, ticks: u32| {
        for n in 0..ticks {
            let at = |k: u32| std::f64::consts::TAU * hz * f64::from(n * 160 + k) / 8000.0;
            let sound: Vec<i16> = (0..160).map(|k| (at(k).sin() * 4000.0) as i16).collect();
            let packet = call.caller.say(&sound);
            call.send(Leg::Caller, &packet);
            call.pass(TICK);
        }
    };
    say(&mut call, 0.0, 25);
    say(&mut call, 1100.0, 26);
    say(&mut call, 0.0, 50);
    say(&mut call, 2100.0, 40);
    let told: Vec<Signal> = call
        .world
        .reports
        .drain(..)
        .map(|report| match report {
            MediaReport::Heard {
                leg: Leg::Caller,
                signal,
                ..
            } => signal,
            other => panic!("{other:?}"),
        })
        .collect();
    let (calls, answers) = (Signal::Fax, Signal::FaxAnswers);
    let (speech, quiet) = (Signal::Speech, Signal::Quiet);
    assert_eq!(told, [speech, calls, quiet, speech, answers]);
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
    assert_eq!(call.world.tick_due(), None, "and relayed");
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
