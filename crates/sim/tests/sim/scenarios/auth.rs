//! Who may do what: digest (SECURITY rows 1, 2, 3 and 23).

use super::by_hand::{authorized, challenges, code, field, register, request, sdp, to_tag};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use model::Policy;
use sim::phone::Answer;

const CONTACT: &str = "<sip:101@10.0.2.1>";

/// A stranger and the SHA-256 and MD5 challenges that he got for a REGISTER.
fn challenged(scene: &mut Scene) -> (Hand, String, Vec<String>) {
    let mut hand = Hand::new(scene, "hand", 1);
    let head = register("101", "auth", 1, CONTACT);
    let answer = hand.asks(scene, &head);
    (hand, head, challenges(&answer))
}

#[test]
fn every_method_without_credentials_leaves_nothing_behind() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "anybody", 1);
    for method in [
        "INVITE",
        "ACK",
        "BYE",
        "CANCEL",
        "REGISTER",
        "OPTIONS",
        "INFO",
        "MESSAGE",
        "SUBSCRIBE",
        "NOTIFY",
        "PUBLISH",
        "REFER",
        "UPDATE",
        "PRACK",
        "JUMP",
    ] {
        let head = request(method, "101@acme.example", "102@acme.example", method, 1);
        hand.send_with(&mut scene, &head, if method == "INVITE" { "v=0\r\n" } else { "" });
        hand.hears(&mut scene);
        let held = scene.world.server.tenant(ACME).expect("acme").held();
        assert_eq!(
            (held.calls, held.legs, held.transactions, held.timers),
            (0, 0, 0, 0)
        );
    }
    assert_eq!(scene.world.server.bindings().len(), 1);
    scene.ends(expect![[r#"
        0       anybody -> server   INVITE 102 {unreadable}
        1        server -> anybody  407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        10      anybody -> server   ACK 102
        20      anybody -> server   BYE 102
        21       server -> anybody  481 Call/Transaction Does Not Exist (BYE)
        30      anybody -> server   CANCEL 102
        31       server -> anybody  481 Call/Transaction Does Not Exist (CANCEL)
        40      anybody -> server   REGISTER 102 <sip:hand@10.0.2.1:5060>
        41       server -> anybody  401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        50      anybody -> server   OPTIONS 102
        51       server -> anybody  407 Proxy Authentication Required (OPTIONS) ?SHA-256 ?MD5
        60      anybody -> server   INFO 102
        61       server -> anybody  405 Method Not Allowed (INFO)
        70      anybody -> server   MESSAGE 102
        71       server -> anybody  407 Proxy Authentication Required (MESSAGE) ?SHA-256 ?MD5
        80      anybody -> server   SUBSCRIBE 102
        81       server -> anybody  407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        90      anybody -> server   NOTIFY 102
        91       server -> anybody  405 Method Not Allowed (NOTIFY)
        100     anybody -> server   PUBLISH 102
        101      server -> anybody  407 Proxy Authentication Required (PUBLISH) ?SHA-256 ?MD5
        110     anybody -> server   REFER 102
        111      server -> anybody  407 Proxy Authentication Required (REFER) ?SHA-256 ?MD5
        120     anybody -> server   UPDATE 102
        121      server -> anybody  405 Method Not Allowed (UPDATE)
        130     anybody -> server   PRACK 102
        131      server -> anybody  405 Method Not Allowed (PRACK)
        140     anybody -> server   JUMP 102
        141      server -> anybody  501 Not Implemented (JUMP)
    "#]]);
}

#[test]
fn sha256_and_md5_are_both_taken() {
    let mut scene = Scene::new();
    let (mut hand, head, challenges) = challenged(&mut scene);
    assert_eq!(challenges.len(), 2);
    assert!(challenges[0].contains("SHA-256") && challenges[1].contains("MD5"));
    let sha = authorized(&head, &challenges[0], "101", "pw101", 1);
    assert_eq!(code(&hand.asks(&mut scene, &sha)), 200);
    let again = register("101", "auth", 2, CONTACT);
    let md5 = authorized(&again, &challenges[1], "101", "pw101", 2);
    assert_eq!(code(&hand.asks(&mut scene, &md5)), 200);
}

#[test]
fn a_policy_without_md5_neither_offers_nor_takes_it() {
    let mut scene = Scene::with(Policy {
        allow_md5: false,
        ..Policy::default()
    });
    let (mut hand, head, challenges) = challenged(&mut scene);
    assert_eq!(challenges.len(), 1);
    let weak = challenges[0].replace("SHA-256", "MD5");
    let answer = hand.asks(&mut scene, &authorized(&head, &weak, "101", "pw101", 1));
    assert_eq!(code(&answer), 403);
    assert_eq!(scene.world.server.bindings().len(), 0);
}

/// Without what differs from answer to answer by chance.
fn blurred(answer: &str, nonces: &[String]) -> String {
    let mut text = answer.replace(to_tag(answer), "TAG");
    for line in ["Via", "Call-ID"] {
        text = text.replace(field(&text.clone(), line), line);
    }
    for nonce in nonces {
        text = text.replace(
            nonce
                .split("nonce=\"")
                .nth(1)
                .unwrap_or("")
                .split('"')
                .next()
                .unwrap_or(""),
            "NONCE",
        );
    }
    text
}

#[test]
fn a_wrong_password_and_an_unknown_user_look_alike() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let mut answers = Vec::new();
    for user in ["101", "999"] {
        let head = register("101", user, 1, CONTACT);
        let challenge = hand.asks(&mut scene, &head);
        let nonces = challenges(&challenge);
        answers.push(blurred(&challenge, &nonces));
        let refused = hand.asks(&mut scene, &authorized(&head, &nonces[0], user, "wrong", 1));
        assert_eq!(code(&refused), 403);
        answers.push(blurred(&refused, &[]));
    }
    assert_eq!(answers[0], answers[2]);
    assert_eq!(answers[1], answers[3]);
    assert_eq!(scene.world.server.bindings().len(), 0);
}

#[test]
fn what_is_no_digest_is_no_credential() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for value in [
        "Basic MTAxOnB3MTAx",
        "Bearer abc",
        "Digest",
        "Digest username=\"101\"",
        "NTLM realm=\"acme.example\"",
        "",
        ",,,",
        "Digest username=\"101\", realm=\"acme.example\", nonce=\"\", uri=\"\", response=\"\"",
    ] {
        let head = register("101", "scheme", 1, CONTACT);
        let answer = hand.asks(&mut scene, &format!("{head}\nAuthorization: {value}"));
        assert_eq!(code(&answer), 401, "{value}");
        assert!(!answer.contains("stale"), "{value}");
    }
    assert_eq!(scene.world.server.bindings().len(), 0);
}

#[test]
fn credentials_serve_once() {
    let mut scene = Scene::new();
    let (mut hand, head, challenges) = challenged(&mut scene);
    let good = authorized(&head, &challenges[0], "101", "pw101", 1);
    assert_eq!(code(&hand.asks(&mut scene, &good)), 200);
    // The same words again: from elsewhere, and from here with another CSeq or with the same count.
    let mut thief = Hand::new(&mut scene, "thief", 66);
    let replayed = thief.asks(&mut scene, &good);
    assert_eq!(code(&replayed), 401);
    assert!(replayed.contains("stale=true"));
    let later = good.replace("CSeq: 1 ", "CSeq: 2 ");
    assert_eq!(code(&hand.asks(&mut scene, &later)), 401);
    let next = register("101", "auth", 3, CONTACT);
    let reused = authorized(&next, &challenges[0], "101", "pw101", 1);
    assert_eq!(code(&hand.asks(&mut scene, &reused)), 401);
    let counted = authorized(&next, &challenges[0], "101", "pw101", 2);
    assert_eq!(code(&hand.asks(&mut scene, &counted)), 200);
    assert_eq!(scene.world.server.bindings().len(), 1);
}

#[test]
fn an_old_nonce_is_stale_and_a_forged_one_as_well() {
    let mut scene = Scene::new();
    let (mut hand, head, challenges) = challenged(&mut scene);
    scene.run(301_000);
    let late = hand.asks(&mut scene, &authorized(&head, &challenges[0], "101", "pw101", 1));
    assert_eq!(code(&late), 401);
    assert!(late.contains("stale=true"));
    let forged = challenges[0].replace("nonce=\"", "nonce=\"f");
    let forged = hand.asks(&mut scene, &authorized(&head, &forged, "101", "pw101", 1));
    assert_eq!(code(&forged), 401);
    // Who does not know the password does not learn that the nonce was old.
    let wrong = hand.asks(&mut scene, &authorized(&head, &challenges[0], "101", "guess", 1));
    assert_eq!(code(&wrong), 403);
}

#[test]
fn credentials_of_another_tenant_open_nothing() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let beta = register("101", "beta", 1, CONTACT).replace("acme.example", "beta.example");
    let answer = hand.asks(&mut scene, &beta);
    let challenge = challenges(&answer).remove(0);
    assert!(challenge.contains("realm=\"beta.example\""));
    // Theirs as they are, and with our realm written over theirs: the nonce is bound to its realm.
    let acme = register("101", "acme", 1, CONTACT);
    let foreign = hand.asks(&mut scene, &authorized(&acme, &challenge, "101", "pw101", 1));
    assert_eq!(code(&foreign), 401);
    let relabelled = challenge.replace("beta.example", "acme.example");
    let relabelled = hand.asks(&mut scene, &authorized(&acme, &relabelled, "101", "pw101", 1));
    assert_eq!(code(&relabelled), 401);
    assert_eq!(scene.world.server.bindings().len(), 0);
}

#[test]
fn credentials_made_for_another_request_are_refused() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(0));
    let (mut hand, head, challenges) = challenged(&mut scene);
    let signed = authorized(&head, &challenges[0], "101", "pw101", 1);
    let value = field(&signed, "Authorization").replace("Authorization:", "Proxy-Authorization:");
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "other", 1);
    let body = sdp(hand.at, 4000, "");
    let answer = hand.asks_with(&mut scene, &format!("{invite}\n{value}"), &body);
    assert_eq!(code(&answer), 407);
    let elsewhere = signed.replace("uri=\"sip:acme.example\"", "uri=\"sip:beta.example\"");
    assert_eq!(code(&hand.asks(&mut scene, &elsewhere)), 401);
    assert_eq!(scene.world.server.bindings().len(), 1);
}

#[test]
fn a_phone_may_register_under_its_extension_and_call_as_nobody_else() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "boss@acme.example", "102@acme.example", "claim", 1);
    let invite = invite.replace("From: <", "From: \"The Boss\" <");
    let body = sdp(hand.at, 4000, "");
    let answer = hand.insists(&mut scene, "101", &invite, &body);
    let callee = scene.world.phones.len() - 1;
    let ack = request("ACK", "boss@acme.example", "102@acme.example", "claim", 1);
    hand.send(
        &mut scene,
        &ack.replace("To: <sip:102@acme.example>", field(&answer, "To")),
    );
    scene.run(10);
    scene.hang_up(callee);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.run(70_000);
    let cdr = &scene.world.server.cdrs[0];
    assert_eq!((&*cdr.caller.number, &*cdr.caller.display), ("101", "User 101"));
}

#[test]
fn a_callee_that_challenges_gets_no_credentials() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(401, 100));
    scene.phone("103", Answer::Refuse(407, 100));
    scene.call(caller, "102");
    scene.run(1000);
    scene.call(caller, "103");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   401 Unauthorized (INVITE) ?MD5
        105      server -> acme/102 ACK 102
        105      server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        106    acme/101 -> server   ACK 102
        1000   acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        1001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/101 -> server   ACK 103
        1002   acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        1003     server -> acme/101 100 Trying (INVITE)
        1003     server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8}
        1004   acme/103 -> server   180 Ringing (INVITE)
        1005     server -> acme/101 180 Ringing (INVITE)
        1104   acme/103 -> server   407 Proxy Authentication Required (INVITE) ?MD5
        1105     server -> acme/103 ACK 103
        1105     server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        1106   acme/101 -> server   ACK 103
        record 101 -> 102: 480/20 by System, rang (ring 102, unreachable)
        record 101 -> 103: 480/20 by System, rang (ring 103, unreachable)
    "#]]);
}

#[test]
fn a_phone_that_challenges_inside_the_call_gets_no_credentials() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.rogue = true);
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.run(1000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   401 Unauthorized (INVITE) ?MD5
        3        server -> acme/102 ACK 102
        3        server -> acme/101 488 Not Acceptable Here (INVITE)
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   401 Unauthorized (BYE) ?MD5
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}
