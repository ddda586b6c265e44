//! Which phones are sent large requests over TCP (RFC 3261 §18.1.1), and what must hold when that goes wrong.

use super::Scene;
use super::by_hand::Hand;
use sim::phone::{Answer, Listens, State};

/// Only a phone whose Contact is where its datagrams come from is tried: behind a NAT, with a transport of its choice, or
/// where somebody else's address is named, it gets datagrams as ever.
#[test]
fn no_other_address_than_the_source_is_ever_connected_to() {
    for contact in [
        "<sip:103@10.0.2.77:5060>",
        "<sip:103@10.0.2.7:8080>",
        "<sip:103@10.0.2.7:5060;transport=udp>",
        "<sip:103@10.0.2.7:5060;maddr=10.0.2.77>",
        "<sip:103@phone.example:5060>",
        "<sips:103@10.0.2.7:5060>",
        "<sip:103@127.0.0.1:5060>",
    ] {
        let mut scene = Scene::new();
        let mut hand = Hand::new(&mut scene, "hand", 7);
        let (caller, _) = scene.wordy(Listens::Yes);
        let answer = hand.registers(&mut scene, "103", 1, contact);
        assert!(answer.starts_with("SIP/2.0 200"), "{contact}: {answer}");
        scene.call(caller, "103");
        scene.run(100);
        let heard = hand.hears(&mut scene);
        let invited = heard
            .iter()
            .any(|text| text.starts_with("INVITE") && text.len() > 1300);
        assert!(invited, "{contact}: {heard:?}");
        assert_eq!(scene.counts(), (0, 0), "{contact}");
        scene.cancel(caller);
        scene.run(100);
    }
}

/// The shell never says what became of an attempt: nobody waits for ever.
#[test]
fn an_attempt_without_an_outcome_is_given_up() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Yes);
    scene.world.forgets_connections = true;
    scene.call(caller, "102");
    scene.run(1_900);
    assert!(!scene.text().contains("acme/102 INVITE"));
    scene.run(200);
    let heard = scene.text();
    assert!(heard.contains("server -> acme/102 INVITE"), "{heard}");
}

/// A phone stops reading what it took; what it had read before is not lost when the connection goes in the end.
#[test]
fn a_connection_given_up_for_one_request_still_ends_no_other() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    let other = scene.phone("103", Answer::Ring);
    let codecs = scene.world.phones[caller].codecs.clone();
    scene.act(other, |phone, _| phone.codecs = codecs);
    scene.answers(callee, Answer::PickUp(9_000));
    scene.call(caller, "102");
    scene.run(500);
    scene.act(callee, |phone, _| phone.listens = Listens::Deaf);
    scene.call(other, "102");
    scene.run(5_000);
    let heard = scene.text();
    let datagrams = heard.matches("server -> acme/102 INVITE").count();
    assert_eq!(
        datagrams, 1,
        "the second call was not read and came again:\n{heard}"
    );
    scene.world.break_opened(callee);
    scene.run(5_000);
    assert_eq!(
        scene.world.phones[caller].calls(),
        [(0, State::Up)],
        "{}",
        scene.text()
    );
}
