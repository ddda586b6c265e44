//! What crosses a forward on its way: late answers of phones that were called off, and what they named before.

use super::by_hand::sdp;
use super::{Hand, Scene};
use model::{ForwardKind, Policy, UserSettingsChange};
use sim::phone::Answer;

/// 101 calls 102, a user agent by hand that rings; after five seconds 103 is rung. Gives the INVITE that 102 got.
fn sent_on(answer: Answer) -> (Scene, usize, Hand, String) {
    let mut scene = Scene::with(Policy::default());
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("103", answer);
    let mut hand = Hand::new(&mut scene, "hand", 9);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.9>");
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    let heard = hand.hears(&mut scene);
    let invite = heard
        .into_iter()
        .find(|m| m.starts_with("INVITE"))
        .expect("an INVITE");
    hand.responds(&mut scene, &invite, 180, "");
    scene.run(5000);
    let heard = hand.hears(&mut scene);
    let cancel = heard.iter().find(|m| m.starts_with("CANCEL")).expect("a CANCEL");
    hand.responds(&mut scene, cancel, 200, "");
    (scene, caller, hand, invite)
}

/// Somebody declines at the moment when his time is over: that is too late to speak for whom the call was sent on to.
#[test]
fn a_late_refusal_ends_nothing() {
    for code in [603, 600, 486, 302, 500] {
        let (mut scene, caller, mut hand, invite) = sent_on(Answer::PickUp(2000));
        hand.responds(&mut scene, &invite, code, "");
        scene.run(3000);
        let last = scene.world.phones[caller].heard.last().map(|heard| heard.1);
        assert_eq!(last, Some(200), "{code}: {}", scene.world.ladder.text());
        scene.hang_up(caller);
        scene.run(70_000);
        let cdr = scene.world.server.cdrs.last().expect("a record");
        assert_eq!(cdr.cause.sip, 200, "{code}");
        assert_eq!(scene.world.server.cdrs.len(), 1);
    }
}

#[test]
fn a_late_answer_is_hung_up() {
    let (mut scene, caller, mut hand, invite) = sent_on(Answer::PickUp(2000));
    let body = sdp(hand.at, 4000, "");
    hand.responds(&mut scene, &invite, 200, &body);
    let heard = hand.hears(&mut scene);
    let told: Vec<&str> = heard.iter().filter_map(|m| m.split(' ').next()).collect();
    assert_eq!(told, ["ACK", "BYE"], "{heard:?}");
    hand.responds(&mut scene, &heard[1], 200, "");
    scene.run(3000);
    let last = scene.world.phones[caller].heard.last().map(|heard| heard.1);
    assert_eq!(last, Some(200));
}
