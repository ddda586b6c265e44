//! A session is refreshed where its phone is, though that moves meanwhile (RFC 4028, RFC 5626 §4.3).

use super::Scene;
use super::scene::ACME;
use model::{Policy, Transport};
use sim::phone::{Abilities, Answer};

/// A phone on UDP is at a new port when it is to be refreshed, and says so a little later.
#[test]
fn a_refresh_finds_a_phone_that_is_at_a_new_port() {
    for update in [true, false] {
        for back_after_ms in [3_000, 20_000] {
            let mut scene = Scene::with(Policy {
                session_expires_s: 200,
                media_silence_s: 0,
                ..Policy::default()
            });
            let caller = scene.phone("101", Answer::Ring);
            let callee = scene
                .world
                .add_phone("acme.example", "102", Transport::Udp, Answer::PickUp(0));
            scene.act(callee, |phone, now| {
                phone.instance = Some(("urn:uuid:102".to_owned(), 1));
                phone.abilities = Abilities {
                    update,
                    ..Abilities::default()
                };
                phone.register(3600, now);
            });
            scene.mute(&[caller, callee]);
            scene.run(100);
            scene.call(caller, "102");
            scene.run(99_500);
            scene.world.rebind(callee, 5070);
            scene.run(back_after_ms);
            scene.act(callee, |phone, now| phone.register(3600, now));
            scene.run(80_000);
            let ladder = scene.world.ladder.text();
            let case = format!("update {update}, back after {back_after_ms}: {ladder}");
            assert!(scene.world.server.cdrs.is_empty(), "{case}");
            assert_eq!(scene.world.phones[callee].calls().len(), 1, "{case}");
            let counts = scene.world.server.tenant(ACME).expect("acme").counts();
            assert!(counts.refreshes >= 2, "{case}");
        }
    }
}

/// A transferrer hangs up while the refresh of the one whom he transfers is lost: his session goes on where it was, and is
/// refreshed in the call that he waits in before it ends.
#[test]
fn a_session_does_not_begin_anew_in_another_call() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 200,
        media_silence_s: 0,
        ring_timeout_s: 300,
        ..Policy::default()
    });
    let guest = scene.phone("101", Answer::Ring);
    let by = scene.phone("102", Answer::PickUp(0));
    let rings = scene.phone("103", Answer::Ring);
    scene.act(guest, |phone, _| {
        phone.abilities = Abilities {
            timer: 200,
            ..Abilities::default()
        };
    });
    scene.mute(&[guest, by, rings]);
    scene.curtain();
    scene.call(guest, "102");
    scene.run(99_900);
    scene.act(by, |phone, now| phone.refer(0, "103", now));
    scene.run(50);
    scene.lose_to(guest, "INVITE", 7);
    scene.run(300);
    scene.hang_up(by);
    scene.run(110_000);
    let ladder = scene.world.ladder.text();
    assert_eq!(scene.world.phones[guest].calls().len(), 1, "{ladder}");
    assert!(scene.world.phones[guest].expired == 0, "{ladder}");
}
