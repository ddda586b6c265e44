//! Playlists with sounds that the shell finds, does not have, or never answers for; and programs in a call.

use crate::phone::{Call, ID, TICK, share, voice};
use model::{Codec, Item, Leg, MediaCommand, MediaReport, Over, Playlist, Program, Sound, ToneName};
use std::sync::Arc;
use std::time::Duration;

fn sound(name: &str) -> Sound {
    Sound::Prompt {
        language: "en".into(),
        name: name.into(),
    }
}

fn list(names: &[&str], times: u32) -> Option<Program> {
    let items = names.iter().map(|name| Item::Sound(sound(name)));
    Some(Program::Play(Playlist {
        items: items.collect(),
        times,
    }))
}

fn play(call: &mut Call, program: Option<Program>, over: Over) {
    call.world.command(MediaCommand::Play {
        session: ID,
        leg: Leg::Caller,
        id: 7,
        program,
        over,
    });
}

/// So much of a sine.
fn sine(hz: f64, rate_hz: u32, ms: u32) -> Arc<[i16]> {
    let count = rate_hz / 1000 * ms;
    let at = |n: u32| (std::f64::consts::TAU * hz * f64::from(n) / f64::from(rate_hz)).sin();
    (0..count).map(|n| (at(n) * 8000.0) as i16).collect()
}

/// Answers what was asked for by sines: `a` is 500 Hz, `b` 700 Hz; there is nothing else.
fn answer(call: &mut Call) {
    for (session, sound, rate_hz) in std::mem::take(&mut call.world.loads) {
        let Sound::Prompt { name, .. } = &sound else {
            continue;
        };
        let samples = match &**name {
            "a" => Some(sine(500.0, rate_hz, 330)),
            "b" => Some(sine(700.0, rate_hz, 400)),
            _ => None,
        };
        call.world.relay.loaded(session, &sound, rate_hz, samples);
    }
}

fn played(call: &mut Call) -> Vec<u32> {
    let reports = call.world.reports.drain(..);
    let missing = reports.map(|report| match report {
        MediaReport::Played {
            leg: Leg::Caller,
            id: 7,
            missing,
            ..
        } => missing,
        other => panic!("{other:?}"),
    });
    missing.collect()
}

#[test]
fn sounds_are_played_one_behind_the_other_without_a_gap() {
    for codec in [Codec::Pcma, Codec::G722] {
        let mut call = Call::new(voice(codec), voice(codec));
        call.talk(10);
        let before = call.caller.heard.len();
        play(&mut call, list(&["a", "b"], 2), Over::Instead);
        answer(&mut call);
        for _ in 0..80 {
            call.talk(1);
            answer(&mut call);
        }
        assert_eq!(played(&mut call), [0]);
        let rate_hz = call.caller.rate_hz;
        let ms = |ms: u32| before + usize::try_from(rate_hz / 1000 * ms).unwrap();
        // The decoder of G.722 has to find its feet in a stream that is another's.
        for (from, hz) in [(60, 500.0), (340, 700.0), (740, 500.0), (1070, 700.0)] {
            let part = &call.caller.heard[ms(from)..ms(from + 260)];
            assert!(share(part, hz, rate_hz) > 0.97, "{codec:?} {from}");
        }
        assert_eq!(call.world.tick_due(), None, "then relayed again");
    }
}

#[test]
fn what_is_missing_is_counted_and_passed_over() {
    let mut call = Call::new(voice(Codec::Pcma), voice(Codec::Pcma));
    call.talk(10);
    let before = call.caller.heard.len();
    play(
        &mut call,
        list(&["nothing", "a", "nothing else"], 1),
        Over::Instead,
    );
    for _ in 0..40 {
        answer(&mut call);
        call.talk(1);
    }
    assert_eq!(played(&mut call), [2]);
    let part = &call.caller.heard[before + 320..before + 320 + 2000];
    assert!(share(part, 500.0, 8000) > 0.97);
}

#[test]
fn a_sound_that_never_comes_hangs_nothing() {
    let mut call = Call::new(voice(Codec::Pcma), voice(Codec::Pcma));
    play(&mut call, list(&["a"], 1), Over::Instead);
    call.talk(99);
    assert!(played(&mut call).is_empty());
    call.talk(5);
    assert_eq!(played(&mut call), [1]);
    // A list of nothing that begins anew for ever ends as well.
    play(&mut call, list(&["nothing"], 0), Over::Instead);
    answer(&mut call);
    call.talk(5);
    assert_eq!(played(&mut call).len(), 1);
    play(&mut call, list(&[], 0), Over::Instead);
    call.talk(5);
    assert_eq!(played(&mut call), [0]);
}

#[test]
fn a_program_is_heard_alone_or_with_the_other_leg() {
    for (over, both) in [(Over::Instead, false), (Over::Mixed, true)] {
        for callee in [Codec::Pcmu, Codec::Opus] {
            let mut call = Call::new(voice(Codec::Pcmu), voice(callee));
            call.talk(20);
            play(&mut call, Some(Program::tone(ToneName::Dial, "de", 0)), over);
            call.talk(60);
            assert!(call.caller.share(425.0, 800) > if both { 0.05 } else { 0.97 });
            assert_eq!(call.caller.share(1000.0, 800) > 0.3, both, "{over:?} {callee:?}");
            assert!(
                call.callee.share(440.0, 800) > 0.97,
                "the callee hears the caller"
            );
            play(&mut call, None, Over::Instead);
            call.talk(60);
            assert!(call.caller.share(1000.0, 800) > 0.97);
        }
    }
}

#[test]
fn an_echo_in_a_call_is_heard_by_who_speaks() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Opus));
    play(&mut call, Some(Program::Echo), Over::Instead);
    call.talk(60);
    assert!(call.caller.share(440.0, 800) > 0.97);
}

/// Before the callee has said anything of itself, the caller can be played to.
#[test]
fn a_caller_hears_us_before_there_is_a_callee() {
    let mut call = Call::new(voice(Codec::Opus), voice(Codec::Pcmu));
    call.world.command(MediaCommand::Remote {
        session: ID,
        leg: Leg::Callee,
        rtp: Some(call.callee.at),
        rtcp: None,
        signalling_ip: call.callee.at.ip(),
        srtp: None,
        web: None,
        voice: None,
    });
    play(
        &mut call,
        Some(Program::tone(ToneName::Ringback, "de", 0)),
        Over::Instead,
    );
    for _ in 0..40 {
        let packet = call.caller.speak();
        let at = call.caller.at.to_string();
        let forward = call.world.send(&at, call.caller.relay, &packet);
        assert!(forward.is_some(), "what nobody can translate is passed on");
        call.pass(TICK);
    }
    assert!(call.caller.share(425.0, 500) > 0.97);
    call.pass(Duration::from_secs(5));
}

/// Music, and something said after each second of it.
fn announced(words: &str) -> Option<Program> {
    let of = |name: &str, times| match list(&[name], times) {
        Some(Program::Play(list)) => list,
        other => panic!("{other:?}"),
    };
    Some(Program::Announced {
        list: of("a", 0),
        words: of(words, 1),
        every_ms: 1_000,
    })
}

#[test]
fn something_is_said_between_the_music_and_it_goes_on() {
    for callee in [Codec::Pcmu, Codec::Opus] {
        let mut call = Call::new(voice(Codec::Pcmu), voice(callee));
        play(&mut call, announced("b"), Over::Instead);
        let mut heard = Vec::new();
        for _ in 0..30 {
            for _ in 0..10 {
                answer(&mut call);
                call.talk(1);
            }
            let (music, words) = (call.caller.share(500.0, 100), call.caller.share(700.0, 100));
            heard.push(if music > 0.8 {
                'm'
            } else if words > 0.8 {
                'w'
            } else {
                '.'
            });
        }
        let heard: String = heard.into_iter().collect();
        // 200 ms each: a second of music, two of words, and so on, and it never ends.
        assert!(heard.contains("mmm"), "{callee:?}: {heard}");
        let spoken = heard.split('m').filter(|part| part.contains('w')).count();
        assert!((4..=5).contains(&spoken), "{callee:?}: {heard}");
        assert!(played(&mut call).is_empty(), "music has no end");
    }
}

#[test]
fn words_that_there_are_not_do_not_cut_the_music() {
    let mut call = Call::new(voice(Codec::Pcmu), voice(Codec::Pcmu));
    play(&mut call, announced("x"), Over::Instead);
    for _ in 0..50 {
        answer(&mut call);
        call.talk(1);
    }
    for _ in 0..20 {
        for _ in 0..10 {
            answer(&mut call);
            call.talk(1);
        }
        assert!(call.caller.share(500.0, 100) > 0.7);
    }
    assert!(call.world.loads.len() < 2, "it is not asked for again and again");
}
