//! What crosses a forward on its way: late answers of phones that were called off, and what they named before.

use super::by_hand::{request, sdp};
use super::scene::ACME;
use super::{Hand, Scene};
use model::{ForwardKind, Policy, Transport, UserSettingsChange};
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

/// A forward leaves behind what phones have named before: whom it reaches is not rung a second time for their sake.
#[test]
fn alternatives_of_a_phone_end_with_its_turn() {
    let mut scene = Scene::with(Policy::default());
    let caller = scene.phone("101", Answer::Ring);
    let sends = scene.phone("102", Answer::Refuse(302, 100));
    scene.phone("103", Answer::Ring);
    scene.phone("104", Answer::Refuse(486, 100));
    scene.act(sends, |phone, _| {
        phone.forwards_to = vec![
            "<sip:103@acme.example>;q=1.0".to_owned(),
            "<sip:104@acme.example>;q=0.5".to_owned(),
        ];
    });
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("104"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    scene.run(70_000);
    let ladder = scene.world.ladder.text();
    assert_eq!(ladder.matches("INVITE 104").count(), 1, "{ladder}");
    let cdr = scene.world.server.cdrs.last().expect("a record");
    assert_eq!(
        cdr.path.join(", "),
        "ring 102, sent on by 102 to 103, forward no answer 102 to 104, ring 104, busy"
    );
    assert_eq!((cdr.cause.sip, cdr.cause.q850), (486, 17));
}

/// A forward that is not followed is none, to the caller and in the counts.
#[test]
fn a_circle_is_no_forward() {
    let mut scene = Scene::with(Policy::default());
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(0));
    scene.forward("102", ForwardKind::Always, "101");
    scene.call(caller, "102");
    scene.run(1000);
    let heard: Vec<u16> = scene.world.phones[caller]
        .heard
        .iter()
        .map(|heard| heard.1)
        .collect();
    assert!(!heard.contains(&181) && heard.last() == Some(&482), "{heard:?}");
    let counts = scene.world.server.tenant(ACME).expect("acme").counts();
    assert_eq!((counts.forwarded, counts.forwards_refused), (0, 1));
}

/// What a caller asked for holds where his call goes on by transfer, too (RFC 7044 §10.1.2).
#[test]
fn a_hidden_way_stays_hidden_in_a_transfer() {
    for (privacy, hidden) in [("none", false), ("history", true)] {
        let mut scene = Scene::with(Policy::default());
        let by = scene.phone("102", Answer::PickUp(0));
        let mut target = Hand::new(&mut scene, "target", 9);
        target.registers(&mut scene, "104", 1, "<sip:104@10.0.2.9>");
        scene.forward("103", ForwardKind::Always, "104");
        let mut caller = Hand::new(&mut scene, "caller", 1);
        let head = request("INVITE", "101@acme.example", "102@acme.example", "hidden", 1);
        let body = sdp(caller.at, 4000, "");
        let head = format!("{head}\nPrivacy: {privacy}");
        let answer = caller.insists(&mut scene, "101", &head, &body);
        assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
        let ack = request("ACK", "101@acme.example", "102@acme.example", "hidden", 2);
        let to = super::by_hand::field(&answer, "To");
        let ack = ack.replace("To: <sip:102@acme.example>", to);
        caller.send(&mut scene, &ack);
        target.hears(&mut scene);
        scene.act(by, |phone, now| phone.refer(0, "103", now));
        let heard = target.hears(&mut scene);
        let invite = heard
            .into_iter()
            .find(|m| m.starts_with("INVITE"))
            .expect("an INVITE");
        assert_eq!(!invite.contains("History-Info:"), hidden, "{privacy}: {invite}");
        assert!(invite.contains("Diversion:"), "{invite}");
    }
}

/// The caller is away while its call is sent on and answered.
#[test]
fn a_caller_comes_back_to_a_call_that_was_sent_on() {
    for returns in [true, false] {
        let mut scene = Scene::with(Policy::default());
        let caller = scene
            .world
            .add_phone("acme.example", "101", Transport::Tcp, Answer::Ring);
        scene.act(caller, |phone, now| {
            phone.instance = Some(("urn:uuid:101".to_owned(), 1));
            phone.register(3600, now);
        });
        scene.run(100);
        scene.phone("102", Answer::Ring);
        scene.phone("103", Answer::PickUp(1000));
        let change = UserSettingsChange {
            no_answer_s: Some(5),
            ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
        };
        scene.set("102", &change);
        scene.call(caller, "102");
        scene.run(3000);
        scene.world.rebind(caller, 5070);
        scene.run(4000);
        if returns {
            scene.act(caller, |phone, now| phone.register(3600, now));
            scene.run(1000);
            scene.hang_up(caller);
        }
        scene.run(70_000);
        let [cdr] = &scene.world.server.cdrs[..] else {
            panic!("{:?}", scene.world.server.cdrs)
        };
        assert_eq!(
            cdr.path.get(..4).map(|path| path.join(", ")).as_deref(),
            Some("ring 102, forward no answer 102 to 103, ring 103, answered")
        );
        assert_eq!(
            cdr.cause.q850,
            if returns { 16 } else { 102 },
            "{}",
            scene.world.ladder.text()
        );
        sim::check::at_rest(&scene.world).unwrap_or_else(|e| panic!("{e}\n{}", scene.world.ladder.text()));
    }
}
