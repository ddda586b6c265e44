//! What calls over trunks leave behind: limits that know of a call after its end, timers of a carrier that was given up, refusals of
//! calls for help.

use super::Scene;
use super::outside::{OUTSIDE, peer, route};
use super::trunks::trunk;
use model::Transport;
use sim::carrier::Mood;
use sim::phone::Answer;

#[test]
fn a_party_outside_that_hangs_up_while_it_waits_for_its_transfer_is_counted_no_more() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.phone("102", Answer::Ring);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    scene.act(phone, |phone, now| phone.refer(0, "102", now));
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(1000);
    scene.hang_up(switch);
    // At rest no limit knows of a call.
    scene.rests();
    let cdrs = &scene.world.server.cdrs;
    assert_eq!(cdrs.len(), 2, "{cdrs:?}");
}

#[test]
fn limits_go_with_a_party_outside_that_comes_back_from_a_transfer() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.switch("dead.example", "1", Answer::Dead);
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
        policy.routes.insert("usual".to_owned(), route(&["trunk7"]));
        let mut dead = route(&["trunk8"]);
        dead.prefixes = vec![model::Prefix::of_number("4940").expect("a prefix")];
        policy.routes.insert("dead".to_owned(), dead);
    });
    scene.equip(vec![
        peer(7, "gw.example", |_| {}),
        peer(8, "dead.example", |_| {}),
    ]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    // The other number is called in vain, so he is called back and talks on.
    scene.act(phone, |phone, now| phone.refer(0, "+494012345678", now));
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(40_000);
    assert_eq!(scene.world.phones[phone].dialogs_up().count(), 1);
    scene.run(40_000);
    assert_eq!(scene.world.phones[switch].dialogs_up().count(), 0);
    scene.rests();
}

#[test]
fn a_call_inside_that_follows_a_call_outside_in_vain_costs_nothing() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::Refuse(486, 500));
    let other = scene.phone("102", Answer::PickUp(100));
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
    });
    scene.call(phone, "102");
    scene.run(2000);
    scene.act(phone, |phone, now| phone.refer(0, OUTSIDE, now));
    scene.run(100);
    scene.hang_up(phone);
    scene.run(70_000);
    assert_eq!(scene.world.phones[other].dialogs_up().count(), 1);
    assert_eq!(scene.tenant_counts().toll_ended, 0);
    scene.hang_up(other);
    scene.rests();
}

#[test]
fn a_carrier_that_wakes_up_late_does_not_keep_the_next_ones_waiting() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let late = scene.switch("one.example", OUTSIDE, Answer::Ring);
    scene.switch("two.example", OUTSIDE, Answer::Dead);
    let good = scene.switch("three.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|policy| {
        policy
            .routes
            .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2", "trunk3:3"]));
    });
    scene.equip(vec![
        peer(1, "one.example", |_| {}),
        peer(2, "two.example", |_| {}),
        peer(3, "three.example", |_| {}),
    ]);
    scene.run(2000);
    // What was sent first is lost; the fifth comes when the second carrier is tried.
    scene.lose_to(late, "INVITE", 4);
    scene.call(phone, OUTSIDE);
    scene.run(10_000);
    assert_eq!(scene.world.phones[good].calls().len(), 1);
    scene.hang_up(phone);
    scene.rests();
}

#[test]
fn a_carrier_whose_connection_breaks_is_waited_for_no_more() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let good = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    let tcp = |draft: &mut model::TrunkDraft| {
        draft.register = false;
        draft.transport = Some(Transport::Tcp);
    };
    scene.trunk(&[1], tcp);
    scene.equip(vec![trunk(7, tcp), peer(8, "gw.example", |_| {})]);
    scene.carrier(0).mood = Mood::Deaf;
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    scene.world.break_trunk();
    scene.run(1000);
    assert_eq!(scene.world.phones[good].calls().len(), 1);
    scene.hang_up(phone);
    // At rest no call waits for the last word of the first.
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 200);
}

#[test]
fn a_call_for_help_goes_on_after_any_refusal() {
    for refusal in [403, 404, 486, 488, 503, 603] {
        let mut scene = Scene::new();
        let phone = scene.phone("101", Answer::PickUp(1000));
        scene.switch("one.example", OUTSIDE, Answer::Refuse(refusal, 500));
        let good = scene.switch("two.example", OUTSIDE, Answer::PickUp(100));
        scene.numbered(|_| {});
        scene.equip(vec![
            peer(1, "one.example", |_| {}),
            peer(2, "two.example", |_| {}),
        ]);
        scene.run(2000);
        scene.call(phone, "112");
        scene.run(3000);
        assert_eq!(scene.world.phones[good].calls().len(), 1, "after {refusal}");
        scene.hang_up(phone);
        scene.rests();
        assert_eq!(scene.world.server.cdrs[0].cause.sip, 200);
    }
}

#[test]
fn a_trunk_that_is_led_elsewhere_shows_the_new_place_no_answer_to_the_old_ones_challenge() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let other = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.trunk(&[1], |draft| draft.register = false);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    scene.hang_up(phone);
    scene.run(1000);
    scene.equip(vec![trunk(7, |draft| {
        draft.register = false;
        draft.host = "gw.example".to_owned();
    })]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    assert_eq!(scene.world.phones[other].calls().len(), 1);
    assert_eq!(scene.shown(other, "Authorization"), "");
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.rests();
}
