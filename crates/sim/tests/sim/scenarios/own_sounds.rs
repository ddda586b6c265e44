//! What callers hear of the sounds that their company has brought.

use super::Scene;
use super::scene::acme;
use super::theatre::{numbers, stage_with};
use expect_test::expect;
use model::{Library, OwnSound, Policy, RecordPolicy, SoundId};
use sim::phone::Answer;
use sim::world::configure;

const DESK: &str = r#"{"name": "desk", "steps": {"start": {"do": "play", "then": "wait",
    "say": [{"prompt": "own/welcome"}, {"prompt": "menu/demo"}, {"prompt": "general/goodbye"}]},
    "wait": {"do": "play", "say": [{"music": "lobby"}], "times": 0}}}"#;

fn policy() -> Policy {
    Policy {
        hold_music: "lobby".to_owned(),
        ..numbers(&[("300", DESK)])
    }
}

fn sound(id: u64) -> OwnSound {
    OwnSound {
        id: SoundId(id),
        ms: 1_000,
    }
}

/// The company as another version with these sounds.
fn brings(scene: &mut Scene, version: u64, library: Library) {
    let config = configure(0, &acme(policy()), version).with_library(library);
    let now = scene.world.now();
    scene.world.server.configure(config, now);
}

fn first() -> Library {
    let mut library = Library::default();
    library.add_prompt("own/welcome", "en", sound(1));
    library.add_prompt("menu/demo", "fr", sound(2));
    library.add_prompt("general/goodbye", "", sound(3));
    library.add_piece("lobby", sound(4));
    library.add_piece("lobby", sound(5));
    library
}

#[test]
fn a_change_is_heard_by_the_next_call_and_not_by_one_that_goes_on() {
    let mut scene = stage_with(policy());
    let [one, other] = ["101", "102"].map(|user| scene.phone(user, Answer::Ring));
    brings(&mut scene, 2, first());
    scene.call(one, "300");
    scene.run(1_000);
    let mut second = first();
    second.add_prompt("own/welcome", "en", sound(6));
    second.add_prompt("menu/demo", "", sound(7));
    brings(&mut scene, 3, second);
    scene.call(other, "300");
    scene.run(5_000);
    expect![[r#"
        5 call 1: Caller hears sound 1, menu/demo, sound 3
        1005 call 2: Caller hears sound 6, sound 7, sound 3
        3000 call 1: Caller hears sound 4, sound 5 for ever
        4000 call 2: Caller hears sound 4, sound 5 for ever
    "#]]
    .assert_eq(&scene.told());
    for phone in [one, other] {
        scene.hang_up(phone);
    }
    scene.rests();
}

#[test]
fn who_is_held_and_who_asks_for_it_hears_the_music_of_the_company() {
    let mut scene = stage_with(policy());
    let (caller, callee) = scene.pair();
    brings(&mut scene, 2, first());
    scene.call(caller, "102");
    scene.run(2_000);
    scene.told();
    scene.curtain();
    scene.reinvite(caller, "sendonly");
    scene.run(500);
    scene.hang_up(caller);
    scene.run(500);
    scene.call(callee, "*9664");
    scene.run(500);
    expect![[r#"
        3 call 1: Callee hears sound 4, sound 5 for ever
        1005 call 2: Caller hears sound 4, sound 5 for ever
    "#]]
    .assert_eq(&scene.told());
    // The same names in another company are what is shipped.
    let stranger = scene.phone_at("beta.example", "101", model::Transport::Udp, Answer::Ring);
    scene.call(stranger, "*9664");
    scene.run(500);
    assert!(scene.told().contains("hears music/default for ever"));
}

#[test]
fn it_is_said_in_the_companys_own_words_that_a_call_is_recorded() {
    for (name, words) in [("own/welcome", "sound 1"), ("general/goodbye", "sound 3")] {
        let policy = Policy {
            record: RecordPolicy::OnDemand,
            record_beep: false,
            record_announcement: name.to_owned(),
            ..policy()
        };
        let mut scene = stage_with(policy.clone());
        let (caller, _) = scene.pair();
        let config = configure(0, &acme(policy), 2).with_library(first());
        let now = scene.world.now();
        scene.world.server.configure(config, now);
        scene.call(caller, "102");
        scene.run(2_000);
        scene.dials(caller, "*1");
        scene.run(500);
        let told = scene.told();
        assert!(told.contains(&format!("Callee hears {words} over it")), "{told}");
    }
}

#[test]
fn a_sound_that_is_not_there_is_left_out_and_told() {
    let mut scene = Scene::with(numbers(&[(
        "300",
        r#"{"name": "desk", "steps": {"start": {"do": "play", "say": [{"prompt": "own/gone"}]}}}"#,
    )]));
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "300");
    scene.run(5_000);
    let cdr = scene.world.server.cdrs.last().expect("a record");
    assert_eq!(cdr.path, ["desk", "answered", "sound missing"]);
    assert_eq!(scene.tenant_counts().sounds_missing, 1);
}
