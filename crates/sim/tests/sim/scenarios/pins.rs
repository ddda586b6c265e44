//! Guessing the PIN of a conference, call after call.

use super::Scene;
use super::theatre::stage;
use sim::phone::Answer;

const GUARDED: &str = r#"{"name": "board", "steps": {"start":
    {"do": "conference", "room": 7, "pin": "1234", "moderator_pin": "99887"}}}"#;

/// Calls the conference and types a PIN; the path of the call's record.
fn tries(scene: &mut Scene, phone: usize, pin: &str) -> String {
    let known = scene.world.server.cdrs.len();
    let call = scene.call(phone, "200");
    scene.run(100);
    for key in pin.chars() {
        scene.act(phone, |phone, now| phone.dial(call, key, now));
        scene.run(100);
    }
    scene.run(1_500);
    if scene.world.server.cdrs.len() == known {
        scene.act(phone, |phone, now| phone.hang_up(call, now));
        scene.run(500);
    }
    let cdrs = &scene.world.server.cdrs;
    assert_eq!(cdrs.len(), known + 1);
    cdrs[known].path.join(", ")
}

const WRONG: &str = "board, answered, start wrong digits";
const BARRED: &str = "board, answered, too many wrong PINs";
const INSIDE: &str = "board, answered, conference 7";

#[test]
fn who_guesses_pins_is_locked_out_for_longer_and_longer() {
    let mut scene = stage(&[("200", GUARDED)]);
    let guesser = scene.phone("101", Answer::Ring);
    let member = scene.phone("102", Answer::Ring);
    for _ in 0..5 {
        assert_eq!(tries(&mut scene, guesser, "4711#"), WRONG);
    }
    assert_eq!(tries(&mut scene, guesser, "4711#"), BARRED);
    assert_eq!(tries(&mut scene, guesser, "1234"), BARRED, "not even a right one");
    assert_eq!(tries(&mut scene, member, "1234"), INSIDE, "others come in");
    scene.run(60_000);
    assert_eq!(tries(&mut scene, guesser, "1234"), INSIDE);
    assert_eq!(tries(&mut scene, guesser, "0000#"), BARRED);
    scene.run(60_000);
    assert_eq!(tries(&mut scene, guesser, "1234"), BARRED);
    scene.run(60_000);
    assert_eq!(tries(&mut scene, guesser, "99887"), INSIDE);
    assert_eq!(scene.world.server.barred, [(7, false, 60), (7, false, 120)]);
    let counts = scene.tenant_counts();
    assert_eq!((counts.pins_wrong, counts.pins_barred), (7, 2));
}

#[test]
fn many_who_guess_lock_the_conference_for_a_while() {
    let mut scene = stage(&[("200", GUARDED)]);
    let phones: Vec<usize> = ["101", "102", "103", "104"]
        .map(|user| scene.phone(user, Answer::Ring))
        .into();
    for phone in &phones {
        for _ in 0..5 {
            assert_eq!(tries(&mut scene, *phone, "4711#"), WRONG);
        }
    }
    assert_eq!(scene.world.server.barred, []);
    assert_eq!(tries(&mut scene, phones[0], "4711#"), BARRED);
    assert_eq!(scene.world.server.barred, [(7, false, 60), (7, true, 60)]);
    assert_eq!(tries(&mut scene, phones[1], "1234"), BARRED);
    scene.run(60_000);
    assert_eq!(tries(&mut scene, phones[1], "1234"), INSIDE);
    scene.rests();
}
