//! Session timers (RFC 4028) and UPDATE (RFC 3311): refreshes, 422 both ways, phones that vanish, glare.

use super::by_hand::{code, field, request, sdp};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use model::Policy;
use sim::phone::{Abilities, Answer};

fn policy(interval: u32, least: u32) -> Policy {
    Policy {
        session_expires_s: interval,
        min_se_s: least,
        ..Policy::default()
    }
}

/// 101 calls 102; both are silent, so that only signalling is seen.
fn talking(policy: Policy, caller: Abilities, callee: Abilities) -> (Scene, usize, usize) {
    let mut scene = Scene::with(Policy {
        media_silence_s: 0,
        ..policy
    });
    let (a, b) = scene.pair();
    scene.mute(&[a, b]);
    scene.act(a, |phone, _| phone.abilities = caller);
    scene.act(b, |phone, _| phone.abilities = callee);
    scene.call(a, "102");
    scene.run(2000);
    (scene, a, b)
}

const PLAIN: Abilities = Abilities {
    reticent: false,
    offerless: false,
    reliable: false,
    demanding: false,
    info: false,
    update: false,
    timer: 0,
    min_se: 0,
    refreshes: false,
    forgetful: false,
};

#[test]
fn phones_that_know_no_timers_are_refreshed_by_reinvite() {
    let (mut scene, caller, _) = talking(policy(200, 90), PLAIN, PLAIN);
    scene.curtain();
    scene.run(210_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        99005    server -> acme/101 INVITE 101 Session-Expires 200;refresher=uac {10.0.0.1:10000 0,8}
        99005    server -> acme/102 INVITE 102 Session-Expires 200;refresher=uac {10.0.0.1:10002 0,8}
        99006  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        99006  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        99007    server -> acme/101 ACK 101
        99007    server -> acme/102 ACK 102
        199007   server -> acme/101 INVITE 101 Session-Expires 200;refresher=uac {10.0.0.1:10000 0,8}
        199007   server -> acme/102 INVITE 102 Session-Expires 200;refresher=uac {10.0.0.1:10002 0,8}
        199008 acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        199008 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        199009   server -> acme/101 ACK 101
        199009   server -> acme/102 ACK 102
        210000 acme/101 -> server   BYE 1
        210001   server -> acme/102 BYE 102
        210001   server -> acme/101 200 OK (BYE)
        210002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 210996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn phones_that_know_update_are_refreshed_by_update() {
    let update = Abilities {
        update: true,
        timer: 150,
        ..PLAIN
    };
    let (mut scene, caller, _) = talking(policy(200, 90), update, update);
    scene.run(80_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 Session-Expires 150 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials Session-Expires 150 {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 Session-Expires 200 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) Require timer Session-Expires 150;refresher=uac {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) Session-Expires 150;refresher=uas {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        76005    server -> acme/101 UPDATE 101 Session-Expires 150;refresher=uac
        76005    server -> acme/102 UPDATE 102 Session-Expires 150;refresher=uac
        76006  acme/101 -> server   200 OK (UPDATE) Require timer Session-Expires 150;refresher=uac
        76006  acme/102 -> server   200 OK (UPDATE) Require timer Session-Expires 150;refresher=uac
        82000  acme/101 -> server   BYE 1
        82001    server -> acme/102 BYE 102
        82001    server -> acme/101 200 OK (BYE)
        82002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 80996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn phones_that_refresh_themselves() {
    let own = Abilities {
        update: true,
        timer: 150,
        refreshes: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(policy(200, 90), own, Abilities { update: false, ..own });
    scene.run(80_000);
    scene.hang_up(caller);
    assert_eq!(scene.world.phones[callee].expired, 0);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 Session-Expires 150;refresher=uac {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials Session-Expires 150;refresher=uac {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 Session-Expires 200 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) Require timer Session-Expires 150;refresher=uas {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) Require timer Session-Expires 150;refresher=uac {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        76004  acme/102 -> server   INVITE 1 Session-Expires 150;refresher=uac {10.0.1.3:6060 0,8}
        76005    server -> acme/101 INVITE 101 Session-Expires 150;refresher=uas {10.0.0.1:10000 0,8}
        76005    server -> acme/102 100 Trying (INVITE)
        76006  acme/101 -> server   200 OK (INVITE) Require timer Session-Expires 150;refresher=uas {10.0.1.2:6060 0,8}
        76007    server -> acme/101 ACK 101
        76007    server -> acme/102 200 OK (INVITE) Require timer Session-Expires 150;refresher=uac {10.0.0.1:10002 0,8}
        76008  acme/102 -> server   ACK 1
        82000  acme/101 -> server   BYE 1
        82001    server -> acme/102 BYE 102
        82001    server -> acme/101 200 OK (BYE)
        82002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 80996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_caller_that_forgets_to_refresh() {
    let forgetful = Abilities {
        timer: 100,
        refreshes: true,
        forgetful: true,
        ..PLAIN
    };
    let (mut scene, _, _) = talking(policy(1800, 90), forgetful, PLAIN);
    scene.curtain();
    scene.run(100_000);
    assert_eq!(scene.world.server.tenant(ACME).unwrap().counts().sessions_lost, 1);
    scene.ends(expect![[r#"
        67005    server -> acme/101 BYE 101 [Q.850;cause=102;text="session expired"]
        67005    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        67006  acme/101 -> server   200 OK (BYE)
        67006  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 68000 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_phone_that_vanishes() {
    let (mut scene, _, callee) = talking(policy(100, 90), PLAIN, PLAIN);
    scene.curtain();
    scene.answers(callee, Answer::Dead);
    scene.run(100_000);
    scene.answers(callee, Answer::Ring);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        49005    server -> acme/101 INVITE 101 Session-Expires 100;refresher=uac {10.0.0.1:10000 0,8}
        49005    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        49006  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        49007    server -> acme/101 ACK 101
        49505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        50505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        52505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        56505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        64505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        80505    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        81005    server -> acme/101 BYE 101 [Q.850;cause=102;text="session expired"]
        81005    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        81006  acme/101 -> server   200 OK (BYE)
        81505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        82505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        84505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        88505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        92505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        96505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        100505   server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        100506 acme/102 -> server   481 Call/Transaction Does Not Exist (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 82000 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_phone_that_vanishes_and_knew_update() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, _, callee) = talking(policy(100, 90), PLAIN, update);
    scene.curtain();
    scene.answers(callee, Answer::Dead);
    scene.run(90_000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        49005    server -> acme/101 INVITE 101 Session-Expires 100;refresher=uac {10.0.0.1:10000 0,8}
        49005    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        49006  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        49007    server -> acme/101 ACK 101
        49505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        50505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        52505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        56505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        60505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        64505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        68505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        72505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        76505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        80505    server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac
        81005    server -> acme/101 BYE 101 [Q.850;cause=102;text="session expired"]
        81005    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        81006  acme/101 -> server   200 OK (BYE)
        81505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        82505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        84505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        88505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        92505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        96505    server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        100505   server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        104505   server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        108505   server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        112505   server -> acme/102 BYE 102 [Q.850;cause=102;text="session expired"]
        record 101 -> 102: 200/102 by System, rang, talked 82000 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_caller_whose_interval_is_too_short() {
    let brief = Abilities { timer: 30, ..PLAIN };
    let (mut scene, caller, _) = talking(policy(200, 90), brief, PLAIN);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 Session-Expires 30 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials Session-Expires 30 {10.0.1.2:6060 0,8}
        3        server -> acme/101 422 Session Interval Too Small (INVITE)
        4      acme/101 -> server   ACK 102
        4      acme/101 -> server   INVITE 102 Session-Expires 90 {10.0.1.2:6060 0,8}
        5        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        6      acme/101 -> server   ACK 102
        6      acme/101 -> server   INVITE 102 +credentials Session-Expires 90 {10.0.1.2:6060 0,8}
        7        server -> acme/101 100 Trying (INVITE)
        7        server -> acme/102 INVITE 102 Session-Expires 200 {10.0.0.1:10002 0,8}
        8      acme/102 -> server   180 Ringing (INVITE)
        9        server -> acme/101 180 Ringing (INVITE)
        1008   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1009     server -> acme/102 ACK 102
        1009     server -> acme/101 200 OK (INVITE) Session-Expires 90;refresher=uas {10.0.0.1:10000 0,8}
        1010   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 992 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_callee_whose_interval_is_longer() {
    let patient = Abilities {
        timer: 900,
        min_se: 600,
        ..PLAIN
    };
    let (mut scene, caller, _) = talking(policy(200, 90), PLAIN, patient);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 Session-Expires 200 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   422 Session Interval Too Small (INVITE) Min-SE 600
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 Session-Expires 600 Min-SE 600 {10.0.0.1:10002 0,8}
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        1006   acme/102 -> server   200 OK (INVITE) Require timer Session-Expires 600;refresher=uac {10.0.1.3:6060 0,8}
        1007     server -> acme/102 ACK 102
        1007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1008   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 994 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_callee_that_is_never_content() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(caller, "102");
    for least in [2000, 3000, 4000] {
        scene.run(10);
        let heard = hand.hears(&mut scene);
        let invite = heard
            .iter()
            .rfind(|m| m.starts_with("INVITE"))
            .expect("an INVITE");
        let response = String::from_utf8(hand.response(invite, 422, "")).unwrap();
        let response = response.replace("Content-Length", &format!("Min-SE: {least}\r\nContent-Length"));
        hand.send_bytes(&mut scene, response.into_bytes());
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   422 Session Interval Too Small (INVITE) Min-SE 2000
        21       server -> hand     ACK 102
        21       server -> hand     INVITE 102 Session-Expires 2000 Min-SE 2000 {10.0.0.1:10002 0,8}
        40         hand -> server   422 Session Interval Too Small (INVITE) Min-SE 3000
        41       server -> hand     ACK 102
        41       server -> hand     INVITE 102 Session-Expires 3000 Min-SE 3000 {10.0.0.1:10002 0,8}
        60         hand -> server   422 Session Interval Too Small (INVITE) Min-SE 4000
        61       server -> hand     ACK 102
        61       server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        62     acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn timers_that_are_switched_off() {
    let own = Abilities {
        timer: 150,
        refreshes: false,
        ..PLAIN
    };
    let (mut scene, caller, _) = talking(policy(0, 90), own, own);
    scene.run(300_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 Session-Expires 150 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials Session-Expires 150 {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        302000 acme/101 -> server   BYE 1
        302001   server -> acme/102 BYE 102
        302001   server -> acme/101 200 OK (BYE)
        302002 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 300996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_refresh_that_meets_a_reinvite() {
    let (mut scene, caller, callee) = talking(policy(100, 90), PLAIN, PLAIN);
    scene.curtain();
    // Both legs are refreshed 50 s after the answer, a second into the call.
    scene.run(49_005);
    scene.reinvite(callee, "sendonly");
    scene.run(10_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        49005    server -> acme/101 INVITE 101 Session-Expires 100;refresher=uac {10.0.0.1:10000 0,8}
        49005    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        49005  acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        49006  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        49006  acme/102 -> server   491 Request Pending (INVITE)
        49006    server -> acme/102 491 Request Pending (INVITE)
        49007    server -> acme/101 ACK 101
        49007    server -> acme/102 ACK 102
        49007  acme/102 -> server   ACK 1
        51247    server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8}
        51248  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        51249    server -> acme/102 ACK 102
        59005  acme/101 -> server   BYE 1
        59006    server -> acme/102 BYE 102
        59006    server -> acme/101 200 OK (BYE)
        59007  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 60001 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn update_with_an_offer_becomes_an_update_or_a_reinvite() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(Policy::default(), update, PLAIN);
    scene.curtain();
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.run(100);
    scene.act(callee, |phone, _| phone.abilities.update = true);
    scene.reinvite(callee, "sendrecv");
    scene.run(100);
    scene.act(caller, |phone, now| phone.update(0, "sendrecv", now));
    scene.run(100);
    scene.act(caller, |phone, now| phone.update(0, "", now));
    scene.run(100);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0,8 recvonly}
        100    acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8}
        101      server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        101      server -> acme/102 100 Trying (INVITE)
        102    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        103      server -> acme/101 ACK 101
        103      server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
        104    acme/102 -> server   ACK 1
        200    acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8}
        201      server -> acme/102 UPDATE 102 {10.0.0.1:10002 0,8}
        202    acme/102 -> server   200 OK (UPDATE) {10.0.1.3:6060 0,8}
        203      server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0,8}
        300    acme/101 -> server   UPDATE 1
        301      server -> acme/101 200 OK (UPDATE)
        400    acme/101 -> server   BYE 1
        401      server -> acme/102 BYE 102
        401      server -> acme/101 200 OK (BYE)
        402    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1396 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn updates_that_cross() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(Policy::default(), update, update);
    scene.curtain();
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.act(callee, |phone, now| phone.update(0, "sendonly", now));
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        0      acme/102 -> server   UPDATE 1 {10.0.1.3:6060 0,8 sendonly}
        1        server -> acme/102 UPDATE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/102 491 Request Pending (UPDATE)
        2      acme/102 -> server   491 Request Pending (UPDATE)
        3        server -> acme/101 491 Request Pending (UPDATE)
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn an_update_that_meets_a_hang_up() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(Policy::default(), update, update);
    scene.curtain();
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        0      acme/102 -> server   BYE 1
        1        server -> acme/102 UPDATE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 487 Request Terminated (UPDATE)
        1        server -> acme/101 BYE 101
        1        server -> acme/102 200 OK (BYE)
        2      acme/102 -> server   200 OK (UPDATE) {10.0.1.3:6060 0,8 recvonly}
        2      acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_that_names_update_and_refuses_it() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(policy(100, 90), update, update);
    scene.curtain();
    scene.act(callee, |phone, _| phone.abilities.update = false);
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 UPDATE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8 sendonly}
        2      acme/102 -> server   405 Method Not Allowed (UPDATE)
        3        server -> acme/102 INVITE 102 Session-Expires 100;refresher=uac {10.0.0.1:10002 0,8 sendonly}
        4      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        5        server -> acme/102 ACK 102
        5        server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0,8 recvonly}
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn an_update_to_a_phone_that_says_nothing() {
    let update = Abilities {
        update: true,
        ..PLAIN
    };
    let (mut scene, caller, callee) = talking(Policy::default(), update, PLAIN);
    scene.curtain();
    scene.answers(callee, Answer::Dead);
    scene.act(caller, |phone, now| phone.update(0, "sendonly", now));
    scene.run(100_000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        500    acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1500   acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        1501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        3500   acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        3501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        7500   acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        7501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        11500  acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 sendonly}
        15001    server -> acme/101 504 Server Time-out (UPDATE)
        15501    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        31501    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        32001    server -> acme/101 BYE 101 [Q.850;cause=41;text="dialog lost"]
        32001    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        32002  acme/101 -> server   200 OK (BYE)
        32501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        33501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        35501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        39501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        43501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        47501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        51501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        55501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        59501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        63501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        record 101 -> 102: 200/41 by Callee, rang, talked 32996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn an_update_outside_of_any_call() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let update = request("UPDATE", "101@acme.example", "102@acme.example", "u", 1);
    let answer = hand.insists(&mut scene, "101", &update, &sdp(hand.at, 4000, ""));
    assert!(matches!(code(&answer), 405 | 481), "{answer}");
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "r", 1);
    let answer = hand.insists(
        &mut scene,
        "101",
        &format!("{invite}\nRequire: timer, precondition"),
        &sdp(hand.at, 4000, ""),
    );
    assert_eq!(code(&answer), 420);
    assert_eq!(field(&answer, "Unsupported"), "Unsupported: precondition");
}
