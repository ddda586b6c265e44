//! Keys that a phone without telephone events sends as tones: who is listened to, while what, and what counts once.

use super::Scene;
use super::theatre::{MENU, stage};
use model::{Leg, MediaCommand};
use sim::phone::Answer;

const RECORDER: &str = r#"{"name": "recorder", "steps": {
    "start": {"do": "play", "say": [{"prompt": "general/goodbye"}], "then": "record"},
    "record": {"do": "record", "review": false, "then": "again"},
    "again": {"do": "play", "say": [{"prompt": "general/goodbye"}]}
}}"#;

/// 101, which knows these payload types, has called a number.
fn calling(number: &str, codecs: &[u8]) -> (Scene, usize) {
    let mut scene = stage(&[("202", MENU), ("201", RECORDER)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, _| p.codecs = codecs.to_vec());
    scene.call(phone, number);
    scene.run(500);
    scene.curtain();
    (scene, phone)
}

/// Whether the caller's tones are listened for, each time that this was said, oldest first.
fn listened(scene: &Scene) -> Vec<bool> {
    let said = |command: &MediaCommand| match command {
        MediaCommand::Listen {
            leg: Leg::Caller,
            signals,
            ..
        } => Some(signals.dtmf),
        _ => None,
    };
    let told = &scene.world.server.told;
    told.iter().filter_map(|(_, command)| said(command)).collect()
}

/// The caller hangs up, and the record says that the echo was the last step.
fn ends_in_the_echo(scene: &mut Scene, phone: usize) {
    scene.hang_up(phone);
    scene.run(500);
    let path = &scene.world.server.cdrs.last().expect("a record").path;
    assert_eq!(path.last().map(String::as_str), Some("echo"), "{path:?}");
}

#[test]
fn a_menu_listens_to_a_phone_without_events() {
    let (mut scene, phone) = calling("202", &[0]);
    assert_eq!(listened(&scene), [true]);
    scene.keyed(1, Leg::Caller, '7');
    scene.run(200);
    assert_eq!(listened(&scene), [true], "it goes on listening");
    scene.keyed(1, Leg::Caller, '1');
    scene.run(500);
    assert_eq!(listened(&scene), [true, false], "an echo wants no keys");
    ends_in_the_echo(&mut scene, phone);
}

#[test]
fn nobody_is_listened_to_who_has_events() {
    let (mut scene, phone) = calling("202", &[0, 101]);
    scene.keyed(1, Leg::Caller, '1');
    scene.run(500);
    assert!(listened(&scene).is_empty());
    ends_in_the_echo(&mut scene, phone);
}

/// The same call may learn of events later, and forget them again.
#[test]
fn a_new_description_changes_it() {
    let (mut scene, phone) = calling("202", &[0]);
    for (codecs, expected) in [(&[0, 101][..], &[true, false][..]), (&[0], &[true, false, true])] {
        scene.act(phone, |p, _| p.codecs = codecs.to_vec());
        scene.reinvite(phone, "sendrecv");
        scene.run(200);
        assert_eq!(listened(&scene), expected);
    }
    scene.hang_up(phone);
    scene.rests();
}

/// Some phones send a key by INFO and leave its tone in the sound.
#[test]
fn a_key_that_comes_both_ways_counts_once() {
    for tone_first in [true, false] {
        let (mut scene, phone) = calling("202", &[0]);
        let mut press = |key: char| {
            if tone_first {
                scene.keyed(1, Leg::Caller, key);
            }
            scene.dials(phone, &key.to_string());
            if !tone_first {
                scene.keyed(1, Leg::Caller, key);
            }
            scene.run(200);
        };
        "9102".chars().for_each(&mut press);
        press('#');
        assert_eq!(listened(&scene), [true, false], "{tone_first}");
        scene.hang_up(phone);
        scene.run(500);
        let paths = scene.paths();
        assert!(
            paths.iter().any(|path| path.contains("dial 102,")),
            "{tone_first}: {paths:?}"
        );
    }
}

#[test]
fn a_recording_ends_by_a_tone_and_a_prompt_does_not_listen() {
    let (mut scene, phone) = calling("201", &[8]);
    assert!(listened(&scene).is_empty(), "nothing is asked yet");
    scene.run(1000);
    assert_eq!(listened(&scene), [true]);
    scene.run(1000);
    let recording = scene.recordings()[0];
    scene.keyed(1, Leg::Caller, '#');
    scene.run(100);
    scene.ended(recording, 1000);
    scene.run(100);
    assert_eq!(listened(&scene), [true, false]);
    scene.hang_up(phone);
    scene.rests();
}

/// Calls between two phones have their digits passed on, and nobody is listened to.
#[test]
fn two_phones_are_not_listened_to() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(2000);
    assert!(listened(&scene).is_empty());
    scene.hang_up(caller);
    scene.rests();
}
