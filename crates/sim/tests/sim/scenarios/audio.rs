//! Audio that does not arrive: within three seconds of the answer the call says whose, and why.

use super::Scene;
use model::{AudioFault, AudioTrouble, CallView, Leg};
use sim::phone::{Answer, Astray, Sdes};

/// What is wrong with the one call that is up.
fn troubles(scene: &Scene) -> Vec<AudioTrouble> {
    let calls: Vec<CallView> = scene
        .world
        .server
        .tenant(super::scene::ACME)
        .expect("acme")
        .calls();
    calls.into_iter().flat_map(|call| call.audio).collect()
}

fn told(scene: &Scene) -> Vec<(Leg, AudioFault, bool)> {
    let all = troubles(scene);
    all.iter().map(|t| (t.leg, t.fault, t.healed)).collect()
}

/// 101 calls 102, who picks up after half a second; three seconds later they have talked for 2.999 s. Gives the caller.
fn called(scene: &mut Scene, astray: Astray) -> usize {
    let caller = scene.phone("101", Answer::Ring);
    scene.act(caller, |phone, _| phone.astray = astray);
    scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(505 + 2_999);
    caller
}

/// The call ends; its record says the same, and it is counted once.
fn recorded(scene: &mut Scene, caller: usize, want: &[(Leg, AudioFault, bool)]) {
    scene.hang_up(caller);
    scene.run(1000);
    let record = scene.world.server.cdrs.last().expect("a record");
    let said: Vec<_> = record.audio.iter().map(|t| (t.leg, t.fault, t.healed)).collect();
    assert_eq!(said, want);
    let counts = scene
        .world
        .server
        .tenant(super::scene::ACME)
        .expect("acme")
        .counts();
    assert_eq!(counts.audio_faults, u64::from(!want.is_empty()));
    let healed = !want.is_empty() && want.iter().all(|(.., healed)| *healed);
    assert_eq!(counts.audio_healed, u64::from(healed));
}

#[test]
fn a_call_that_both_hear_says_nothing() {
    let mut scene = Scene::new();
    let caller = called(&mut scene, Astray::No);
    assert_eq!(told(&scene), []);
    recorded(&mut scene, caller, &[]);
}

#[test]
fn a_phone_that_sends_nothing_is_named_and_heals() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.mute(&[callee]);
    scene.call(caller, "102");
    scene.run(1005 + 2_400);
    assert_eq!(told(&scene), [], "a phone may take its time");
    scene.run(600);
    assert_eq!(told(&scene), [(Leg::Callee, AudioFault::NothingReceived, false)]);
    scene.act(callee, |phone, _| phone.mute = false);
    scene.run(3000);
    let healed = [(Leg::Callee, AudioFault::NothingReceived, true)];
    assert_eq!(told(&scene), healed);
    recorded(&mut scene, caller, &healed);
}

#[test]
fn audio_from_an_unexpected_host_is_named_with_the_host() {
    let mut scene = Scene::new();
    let elsewhere = "203.0.113.99:4000".parse().expect("an address");
    let caller = called(&mut scene, Astray::From(elsewhere));
    let [trouble] = troubles(&scene)[..] else {
        panic!("{:?}", troubles(&scene))
    };
    assert_eq!(
        (trouble.leg, trouble.fault),
        (Leg::Caller, AudioFault::UnexpectedHost)
    );
    assert_eq!(trouble.from, Some(elsewhere));
    recorded(
        &mut scene,
        caller,
        &[(Leg::Caller, AudioFault::UnexpectedHost, false)],
    );
}

#[test]
fn audio_to_a_wrong_port_is_named() {
    let mut scene = Scene::new();
    let caller = called(&mut scene, Astray::ToControl);
    recorded(&mut scene, caller, &[(Leg::Caller, AudioFault::WrongPort, false)]);
}

#[test]
fn what_is_no_audio_is_named() {
    let mut scene = Scene::new();
    let caller = called(&mut scene, Astray::Noise);
    recorded(&mut scene, caller, &[(Leg::Caller, AudioFault::NotAudio, false)]);
}

#[test]
fn a_private_address_is_named_unless_the_phone_is_heard_all_the_same() {
    let nobody = Astray::Describes("192.168.7.7:6060".parse().expect("an address"));
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.mute(&[caller]);
    scene.act(caller, |phone, _| phone.astray = nobody);
    scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(505 + 2_999);
    let private = (Leg::Caller, AudioFault::PrivateAddress, false);
    assert_eq!(told(&scene), [private]);
    recorded(&mut scene, caller, &[private]);

    // Behind NAT: what it says of itself is of no use, and its packets are.
    let mut scene = Scene::new();
    let caller = called(&mut scene, nobody);
    assert_eq!(told(&scene), []);
    recorded(&mut scene, caller, &[]);
}

#[test]
fn wrong_keys_are_named() {
    let mut scene = Scene::new();
    let caller = scene.guarded("101", Sdes::usual('A'), Answer::Ring);
    scene.act(caller, |phone, _| phone.lies = true);
    scene.phone("102", Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(505 + 2_999);
    recorded(&mut scene, caller, &[(Leg::Caller, AudioFault::WrongKeys, false)]);
}

#[test]
fn hold_is_no_fault_and_what_follows_is_judged_anew() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.run(3000);
    scene.reinvite(caller, "sendonly");
    scene.run(500);
    scene.mute(&[caller, callee]);
    scene.run(20_000);
    assert_eq!(told(&scene), []);
    scene.act(callee, |phone, _| phone.mute = false);
    scene.reinvite(caller, "sendrecv");
    scene.run(3100);
    let silent = (Leg::Caller, AudioFault::NothingReceived, false);
    assert_eq!(told(&scene), [silent]);
    recorded(&mut scene, caller, &[silent]);
}

#[test]
fn a_call_that_the_server_answers_is_judged_by_its_one_leg() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.mute(&[caller]);
    scene.call(caller, "*43");
    scene.run(4000);
    let silent = (Leg::Caller, AudioFault::NothingReceived, false);
    assert_eq!(told(&scene), [silent]);
    scene.act(caller, |phone, _| phone.mute = false);
    scene.run(3000);
    recorded(
        &mut scene,
        caller,
        &[(Leg::Caller, AudioFault::NothingReceived, true)],
    );
}

#[test]
fn what_was_wrong_outlives_the_process_and_is_judged_anew() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.mute(&[callee]);
    scene.call(caller, "102");
    scene.run(10_000);
    scene.world.restart_server();
    let silent = |healed| (Leg::Callee, AudioFault::NothingReceived, healed);
    assert_eq!(told(&scene), [silent(true)]);
    scene.run(5000);
    assert_eq!(told(&scene), [silent(false)]);
    scene.act(callee, |phone, _| phone.mute = false);
    scene.run(5000);
    assert_eq!(told(&scene), [silent(true)]);
}
