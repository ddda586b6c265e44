//! What the media plane is told and what it does while calls change.

use super::Scene;
use model::Policy;
use sim::phone::Answer;

#[test]
fn both_phones_hear_each_other_and_nobody_else() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    let other = scene.phone("103", Answer::Ring);
    scene.phone("104", Answer::PickUp(0));
    scene.call(other, "104");
    scene.run(5000);
    for phone in [caller, callee, other] {
        assert!(scene.world.phones[phone].packets_received > 5);
        assert_eq!(scene.world.phones[phone].voices.len(), 1);
    }
}

#[test]
fn nobody_speaks_to_who_is_on_hold_by_inactive() {
    let mut scene = Scene::with(Policy {
        hold_music: "off".to_owned(),
        ..Policy::default()
    });
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "inactive");
    scene.run(600);
    let heard: Vec<u64> = [caller, callee]
        .map(|p| scene.world.phones[p].packets_received)
        .into();
    scene.run(5000);
    for (phone, heard) in [caller, callee].into_iter().zip(heard) {
        assert_eq!(scene.world.phones[phone].packets_received, heard);
    }
    scene.reinvite(callee, "sendrecv");
    scene.run(5000);
    assert!(scene.world.phones[caller].packets_received > 8);
}

#[test]
fn ports_return_when_calls_end() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    for call in 0..20 {
        scene.call(caller, "102");
        scene.run(2000);
        scene.act(caller, |phone, now| phone.hang_up(call, now));
        scene.run(1000);
    }
    let counts = scene.world.server.relay.counts();
    assert_eq!((counts.sessions, counts.pairs_used), (0, 0));
    assert_eq!(scene.world.server.cdrs.len(), 20);
}
