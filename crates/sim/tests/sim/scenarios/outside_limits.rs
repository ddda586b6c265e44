//! Limits on calls to the outside: of trunks, of destinations, of what is spent, and over a restart.

use super::Scene;
use super::outside::{OUTSIDE, peer, route};
use super::scene::ACME;
use model::ForwardKind;
use sim::phone::Answer;

#[test]
fn channels_and_pace_of_a_trunk_are_limits() {
    let mut scene = Scene::new();
    let phones: Vec<usize> = ["101", "102", "103"]
        .map(|user| scene.phone(user, Answer::Ring))
        .to_vec();
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.equip(vec![peer(7, "gw.example", |draft| draft.channels = 2)]);
    scene.run(2000);
    for phone in &phones {
        scene.call(*phone, OUTSIDE);
        scene.run(1500);
    }
    assert_eq!(scene.world.phones[switch].calls().len(), 2);
    // Help is not kept waiting.
    scene.call(phones[2], "112");
    scene.run(1500);
    assert_eq!(scene.world.phones[switch].calls().len(), 3);
    for phone in phones {
        scene.act(phone, |phone, now| {
            for (number, _) in phone.calls() {
                phone.hang_up(number, now);
            }
        });
    }
    scene.rests();
    assert_eq!(scene.tenant_counts().trunk_full, 1);
}

#[test]
fn a_call_that_comes_in_and_goes_out_by_the_same_trunk_has_two_of_its_channels() {
    let mut scene = Scene::new();
    let phone = scene.phone("102", Answer::PickUp(100));
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    let spare = scene.switch("spare.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|policy| {
        let both = route(&["trunk7:1", "trunk8:2"]);
        policy.routes.insert("out".to_owned(), both);
    });
    scene.equip(vec![
        peer(7, "gw.example", |draft| draft.channels = 2),
        peer(8, "spare.example", |_| {}),
    ]);
    scene.run(2000);
    scene.forward("101", ForwardKind::Always, OUTSIDE);
    let forwarded = scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(2000);
    let used = |scene: &Scene| scene.views().iter().map(|view| view.calls).collect::<Vec<_>>();
    assert_eq!(scene.world.phones[switch].calls().len(), 2);
    assert_eq!(used(&scene), [2, 0]);
    // It is full for calls of both kinds.
    scene.call(phone, OUTSIDE);
    scene.call(switch, "+49305550002@10.0.0.1");
    scene.run(2000);
    assert_eq!(used(&scene), [2, 1]);
    assert_eq!(scene.world.phones[spare].calls().len(), 1);
    assert_eq!(scene.world.phones[phone].calls().len(), 1);
    scene.act(switch, |switch, now| switch.hang_up(forwarded, now));
    scene.run(1000);
    assert_eq!(used(&scene), [0, 1]);
    // What is refused leaves both.
    scene.answers(switch, Answer::Refuse(486, 100));
    scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(2000);
    assert_eq!(used(&scene), [0, 1]);
    scene.hang_up(phone);
    scene.rests();
}

#[test]
fn premium_numbers_are_not_called_and_somebody_hears_of_it() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.call(phone, "09001234567");
    scene.run(1000);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 403);
    assert_eq!(scene.world.server.alerts.len(), 1);
}

#[test]
fn a_limit_ends_a_call_under_way() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
    });
    scene.call(phone, OUTSIDE);
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert!((55_000..=60_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
}

/// A minute a day for all, of which a call has used the better part, and some seconds for the disk.
fn spent(scene: &mut Scene) -> (usize, usize) {
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
    });
    scene.call(phone, OUTSIDE);
    scene.run(40_000);
    (phone, switch)
}

#[test]
fn a_restart_gives_nobody_a_new_budget() {
    let mut scene = Scene::new();
    let (phone, _) = spent(&mut scene);
    scene.hang_up(phone);
    scene.run(5_000);
    scene.world.restart_server();
    scene.run(5_000);
    scene.call(phone, OUTSIDE);
    scene.rests();
    let talks: Vec<u64> = scene.world.server.cdrs.iter().map(|cdr| cdr.talk_ms).collect();
    assert!((38_000..40_000).contains(&talks[0]), "{talks:?}");
    assert!((14_000..21_000).contains(&talks[1]), "{talks:?}");
}

#[test]
fn a_call_that_is_up_over_a_restart_is_counted_on_and_ended_by_its_limit() {
    let mut scene = Scene::new();
    let (_, _) = spent(&mut scene);
    scene.world.restart_server();
    scene.refresh_voices();
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert!((50_000..=61_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    assert!(
        cdr.path.iter().any(|step| step.contains("minutes_per_day")),
        "{:?}",
        cdr.path
    );
}

#[test]
fn a_call_that_was_lost_in_a_restart_is_over_for_its_limits_too() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::Ring);
    scene.call(phone, OUTSIDE);
    scene.run(5_000);
    assert_eq!(scene.world.server.counted[&ACME].calls.len(), 1);
    scene.world.restart_server();
    scene.run(1_000);
    // What rang is not known any more; nothing of it counts as going on.
    scene.run(4_000);
    assert!(scene.world.server.counted[&ACME].calls.is_empty());
}
