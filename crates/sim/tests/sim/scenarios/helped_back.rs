//! Whoever was called for help calls back, and reaches the phone that called.

use super::Scene;
use super::outside::{OUTSIDE, peer};
use model::{ForwardKind, UserSettingsChange};
use sim::phone::{Answer, State};

/// 101 has called for help by the number +49 30 555 0001, and two of its phones would ring.
fn helped() -> (Scene, [usize; 3]) {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let second = scene.phone("101", Answer::Ring);
    scene.call(phone, "112");
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(1000);
    scene.set("101", &UserSettingsChange::dnd(true));
    scene.forward("101", ForwardKind::Always, "102");
    (scene, [phone, second, switch])
}

fn rung(scene: &Scene, phone: usize) -> usize {
    scene.world.phones[phone].calls().len()
}

const BACK: &str = "+49305550001@10.0.0.1";

#[test]
fn the_phone_that_called_rings_whatever_its_user_has_set() {
    let (mut scene, [phone, second, switch]) = helped();
    let other = scene.phone("102", Answer::PickUp(100));
    scene.numbered(|policy| policy.max_calls = 0);
    scene.run(20 * 60_000);
    scene.act(phone, |phone, now| phone.register(3600, now));
    scene.run(1000);
    scene.call(switch, BACK);
    scene.run(2000);
    scene.talk_to_each_other(phone, switch);
    assert_eq!(
        [rung(&scene, phone), rung(&scene, second), rung(&scene, other)],
        [2, 0, 0]
    );
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.rests();
    assert_eq!(
        scene.paths()[1],
        "from trunk trunk7, back to who called for help, ring 101, answered"
    );
}

#[test]
fn half_an_hour_later_it_is_a_call_like_any_other() {
    let (mut scene, [phone, _, switch]) = helped();
    let other = scene.phone("102", Answer::PickUp(100));
    scene.run(31 * 60_000);
    for phone in [phone, other] {
        scene.act(phone, |phone, now| phone.register(3600, now));
    }
    scene.run(1000);
    scene.call(switch, BACK);
    scene.run(2000);
    assert_eq!([rung(&scene, phone), rung(&scene, other)], [1, 1]);
    scene.act(switch, |switch, now| switch.hang_up(1, now));
    scene.rests();
}

#[test]
fn nobody_is_called_back_where_the_tenant_does_not_want_it() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| policy.emergency_callback_min = 0);
    scene.call(phone, "112");
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(1000);
    scene.set("101", &UserSettingsChange::dnd(true));
    scene.call(switch, BACK);
    scene.run(2000);
    assert_eq!(rung(&scene, phone), 1);
    scene.rests();
}

#[test]
fn a_phone_that_does_not_take_it_leaves_it_to_the_others_of_its_user() {
    let (mut scene, [phone, second, switch]) = helped();
    scene.answers(phone, Answer::Refuse(486, 100));
    scene.answers(second, Answer::PickUp(100));
    scene.call(switch, BACK);
    scene.run(2000);
    scene.talk_to_each_other(second, switch);
    scene.act(second, |phone, now| phone.hang_up(0, now));
    scene.run(1000);
    // It has gone for good: the others ring at once.
    scene.act(phone, |phone, now| phone.register(0, now));
    scene.run(1000);
    scene.call(switch, BACK);
    scene.run(2000);
    assert_eq!(rung(&scene, second), 2);
    scene.act(second, |phone, now| phone.hang_up(1, now));
    scene.rests();
}

#[test]
fn it_may_come_by_another_trunk_and_by_one_that_is_full() {
    let (mut scene, [phone, _, _]) = helped();
    let centre = scene.switch("psap.example", OUTSIDE, Answer::Ring);
    scene.equip(vec![
        peer(7, "gw.example", |_| {}),
        peer(8, "psap.example", |draft| draft.channels = 1),
    ]);
    scene.run(2000);
    let third = scene.phone("103", Answer::PickUp(100));
    scene.call(centre, "+49305550003@10.0.0.1");
    scene.run(1000);
    assert_eq!(rung(&scene, third), 1);
    scene.call(centre, "+49305550003@10.0.0.1");
    scene.run(1000);
    assert_eq!(rung(&scene, third), 1, "the trunk is full");
    scene.call(centre, BACK);
    scene.run(2000);
    assert_eq!(scene.world.phones[phone].calls().last(), Some(&(1, State::Up)));
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.hang_up(third);
    scene.rests();
}

#[test]
fn the_companys_number_is_not_taken_from_others_by_calling_for_help() {
    let mut scene = Scene::new();
    let phone = scene.phone("103", Answer::PickUp(1000));
    let front = scene.phone("101", Answer::PickUp(1000));
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    // 103 has no number of its own, so it shows that of all, which leads to 101.
    scene.numbered(|policy| policy.caller_number = "+49305550001".to_owned());
    let numbers = vec![model::NumberRange::one(49_305_550_001, "101")];
    let now = scene.world.now();
    scene
        .world
        .server
        .number(super::scene::ACME, numbers, |_| {}, now);
    scene.equip(vec![peer(7, "gw.example", |_| {})]);
    scene.run(2000);
    scene.call(phone, "112");
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(1000);
    let number = scene.call(switch, BACK);
    scene.run(2000);
    assert_eq!([rung(&scene, phone), rung(&scene, front)], [1, 1]);
    scene.act(switch, |switch, now| switch.hang_up(number, now));
    scene.run(1000);
    // Who takes calls for help says so (RFC 7090).
    let number = scene.act(switch, |switch, now| {
        switch.call_with(BACK, &[(sip::Name::Priority, "psap-callback".to_owned())], now)
    });
    scene.run(2000);
    assert_eq!([rung(&scene, phone), rung(&scene, front)], [2, 1]);
    scene.act(switch, |switch, now| switch.hang_up(number, now));
    scene.rests();
}

#[test]
fn calls_for_help_without_end_are_calls_like_any_other() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| policy.max_calls = 0);
    for _ in 0..6 {
        scene.call(phone, "112");
        scene.run(1000);
    }
    // Four of one user have room where nothing else has.
    assert_eq!(rung(&scene, switch), 4);
    scene.act(phone, |phone, now| {
        for (number, _) in phone.calls() {
            phone.hang_up(number, now);
        }
    });
    scene.run(1000);
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(rung(&scene, switch), 5);
    scene.act(phone, |phone, now| {
        for (number, _) in phone.calls() {
            phone.hang_up(number, now);
        }
    });
    scene.rests();
}
