//! Calls that the server answers itself: `*43` sends the caller what he says.

use super::by_hand::{code, field, request};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use model::{MediaPolicy, Policy};
use sim::phone::{Abilities, Answer};
use std::net::IpAddr;

/// 101 in an echo call, the ladder empty.
pub(super) fn echoing(policy: Policy) -> (Scene, usize) {
    let mut scene = Scene::with(policy);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "*43");
    scene.run(1000);
    scene.curtain();
    (scene, phone)
}

/// Packets that the phone has got, the ones of its own voice, since the last look.
pub(super) fn heard(scene: &mut Scene, phone: usize) -> (u64, bool) {
    let phone = &mut scene.world.phones[phone];
    let IpAddr::V4(ip) = phone.identity.address.ip() else {
        panic!("phones have IPv4 addresses");
    };
    let own = phone.voices.contains(&ip.octets());
    phone.voices.clear();
    (std::mem::take(&mut phone.packets_received), own)
}

#[test]
fn echo() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "*43");
    scene.run(5000);
    assert_eq!(heard(&mut scene, phone), (10, true));
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        5000   acme/101 -> server   BYE 1
        5001     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 4998 ms (echo, answered), packets 10
    "#]]);
}

/// Audio between the tenant's phones goes straight, this has to come here.
#[test]
fn echo_where_media_is_direct() {
    let (mut scene, phone) = echoing(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    assert!(heard(&mut scene, phone).1);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        1        server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 998 ms (echo, answered), packets 2
    "#]]);
}

#[test]
fn hold_and_resume() {
    let (mut scene, phone) = echoing(Policy::default());
    for direction in ["sendonly", "inactive", "sendrecv"] {
        heard(&mut scene, phone);
        scene.reinvite(phone, direction);
        scene.run(1000);
        let expected = direction == "sendrecv";
        assert_eq!(heard(&mut scene, phone).1, expected, "{direction}");
    }
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 recvonly}
        2      acme/101 -> server   ACK 1
        1000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 inactive}
        1001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 inactive}
        1002   acme/101 -> server   ACK 1
        2000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        2001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        2002   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 3998 ms (echo, answered), packets 6
    "#]]);
}

#[test]
fn hold_by_update_and_digits() {
    let (mut scene, phone) = echoing(Policy::default());
    scene.act(phone, |p, now| p.update(0, "inactive", now));
    scene.run(1000);
    scene.act(phone, |p, now| p.update(0, "sendrecv", now));
    scene.act(phone, |p, now| p.dial(0, '5', now));
    scene.run(1000);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8 inactive}
        1        server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0 inactive}
        1000   acme/101 -> server   UPDATE 1 {10.0.1.2:6060 0,8}
        1000   acme/101 -> server   INFO 1 {5}
        1001     server -> acme/101 200 OK (UPDATE) {10.0.0.1:10000 0}
        1001     server -> acme/101 200 OK (INFO)
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 2998 ms (echo, answered), packets 4
    "#]]);
}

#[test]
fn other_codecs_and_none_in_common() {
    let (mut scene, phone) = echoing(Policy::default());
    for codecs in [vec![8], vec![9], vec![9, 0]] {
        scene.act(phone, |p, _| p.codecs = codecs);
        scene.reinvite(phone, "sendrecv");
        scene.run(500);
    }
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 8}
        1        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8}
        2      acme/101 -> server   ACK 1
        500    acme/101 -> server   INVITE 1 {10.0.1.2:6060 9}
        501      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 9}
        502    acme/101 -> server   ACK 1
        1000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 9,0}
        1001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 9}
        1002   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 2498 ms (echo, answered), packets 5
    "#]]);
}

#[test]
fn no_common_codec() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, _| p.codecs = vec![18]);
    scene.call(phone, "*43");
    scene.run(500);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 18}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 18}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        4      acme/101 -> server   ACK *43
        record 101 -> *43: 488/88 by Callee (echo, media refused)
    "#]]);
}

#[test]
fn the_tenant_allows_a_law_alone() {
    let mut scene = Scene::with(Policy {
        codecs: vec!["pcma".to_owned(), "g722".to_owned()],
        ..Policy::default()
    });
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "*43");
    scene.run(500);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8}
        4      acme/101 -> server   ACK 1
        500    acme/101 -> server   BYE 1
        501      server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 498 ms (echo, answered), packets 1
    "#]]);
}

#[test]
fn no_offer() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, _| p.abilities.offerless = true);
    scene.call(phone, "*43");
    scene.run(2000);
    assert!(heard(&mut scene, phone).1);
    scene.reinvite(phone, "");
    scene.run(500);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8,9,111,101,110}
        4      acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        2000   acme/101 -> server   INVITE 1
        2001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8,9,111,101,110}
        2002   acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 2498 ms (echo, answered), packets 5
    "#]]);
}

#[test]
fn an_ack_without_the_answer_that_was_asked_for() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 1, "<sip:hand@10.0.2.1:5060>");
    scene.curtain();
    let head = request("INVITE", "101@acme.example", "*43@acme.example", "served", 1);
    let answer = hand.insists(&mut scene, "101", &head, "");
    assert_eq!(code(&answer), 200);
    let ack = format!(
        "ACK sip:1@10.0.0.1 SIP/2.0
Via: SIP/2.0/UDP {{at}};branch={{branch}};rport
Max-Forwards: 70
From: <sip:101@acme.example>;tag=f-served
{}
Call-ID: served
CSeq: 1 ACK",
        field(&answer, "To")
    );
    hand.send(&mut scene, &ack);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    assert!(bye.starts_with("BYE "), "{bye}");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        10         hand -> server   INVITE *43
        11       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20         hand -> server   ACK *43
        30         hand -> server   INVITE *43 +credentials
        31       server -> hand     100 Trying (INVITE)
        31       server -> hand     200 OK (INVITE) {10.0.0.1:10000 0,8,9,111,101,110}
        40         hand -> server   ACK 1
        41       server -> hand     BYE hand [Q.850;cause=88;text="no answer in the ACK"]
        50         hand -> server   200 OK (BYE)
        record 101 -> *43: 200/88 by Caller, talked 10 ms (echo, answered), packets 0
    "#]]);
}

#[test]
fn cancelled_while_ports_are_reserved() {
    let mut scene = Scene::new();
    scene.world.server.media_lag = std::time::Duration::from_millis(300);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "*43");
    scene.run(100);
    scene.cancel(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        100    acme/101 -> server   CANCEL *43
        101      server -> acme/101 200 OK (CANCEL)
        101      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        102    acme/101 -> server   ACK *43
        record 101 -> *43: 487/16 by Caller (echo)
    "#]]);
}

#[test]
fn no_ports() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.world.server.bindable = false;
    scene.call(phone, "*78");
    scene.run(500);
    let settings = scene
        .world
        .server
        .tenant(ACME)
        .unwrap()
        .settings(super::forwarded::user("101"));
    assert!(!settings.dnd, "what can't be confirmed isn't done");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=47]
        4      acme/101 -> server   ACK *78
        record 101 -> *78: 503/47 by System ()
    "#]]);
}

#[test]
fn the_phone_vanishes() {
    let (mut scene, phone) = echoing(Policy::default());
    scene.mute(&[phone]);
    scene.ends(expect![[r#"
        59505    server -> acme/101 BYE 101 [Q.850;cause=41;text="no media"]
        59506  acme/101 -> server   200 OK (BYE)
        record 101 -> *43: 200/41 by System, talked 60502 ms (echo, answered), packets 2
    "#]]);
}

#[test]
fn the_ack_never_comes() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.mute(&[phone]);
    scene.lose_to_server("ACK", 100);
    scene.call(phone, "*43");
    scene.run(4);
    scene.curtain();
    scene.ends(expect![[r#"
        499      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        500    acme/101 -x server   ACK 1
        1499     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        1500   acme/101 -x server   ACK 1
        3499     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3500   acme/101 -x server   ACK 1
        7499     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        7500   acme/101 -x server   ACK 1
        11499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        11500  acme/101 -x server   ACK 1
        15499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        15500  acme/101 -x server   ACK 1
        19499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        19500  acme/101 -x server   ACK 1
        23499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        23500  acme/101 -x server   ACK 1
        27499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        27500  acme/101 -x server   ACK 1
        31499    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        31500  acme/101 -x server   ACK 1
        31999    server -> acme/101 BYE 101 [Q.850;cause=102;text="no ACK"]
        32000  acme/101 -> server   200 OK (BYE)
        record 101 -> *43: 200/102 by System, talked 32000 ms (echo, answered), packets 0, Caller: nothing comes from it
    "#]]);
}

#[test]
fn the_longest_call() {
    let (mut scene, _) = echoing(Policy {
        max_call_s: 10,
        ..Policy::default()
    });
    scene.ends(expect![[r#"
        9003     server -> acme/101 BYE 101 [Q.850;cause=102;text="longest call"]
        9004   acme/101 -> server   200 OK (BYE)
        record 101 -> *43: 200/102 by System, talked 10000 ms (echo, answered), packets 20
    "#]]);
}

#[test]
fn sessions_are_refreshed() {
    let policy = Policy {
        session_expires_s: 200,
        media_silence_s: 0,
        ..Policy::default()
    };
    let (mut scene, phone) = echoing(policy);
    scene.mute(&[phone]);
    scene.run(250_000);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        99003    server -> acme/101 INVITE 101 Session-Expires 200;refresher=uac {10.0.0.1:10000 0}
        99004  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0}
        99005    server -> acme/101 ACK 101
        199005   server -> acme/101 INVITE 101 Session-Expires 200;refresher=uac {10.0.0.1:10000 0}
        199006 acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0}
        199007   server -> acme/101 ACK 101
        250000 acme/101 -> server   BYE 1
        250001   server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 250998 ms (echo, answered), packets 2
    "#]]);
}

#[test]
fn the_phone_refreshes() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 200,
        ..Policy::default()
    });
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, _| {
        p.abilities = Abilities {
            timer: 200,
            refreshes: true,
            update: true,
            ..p.abilities
        };
    });
    scene.call(phone, "*43");
    scene.run(150_000);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 Session-Expires 200;refresher=uac {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials Session-Expires 200;refresher=uac {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) Require timer Session-Expires 200;refresher=uac {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        100004 acme/101 -> server   UPDATE 1 Session-Expires 200;refresher=uac
        100005   server -> acme/101 200 OK (UPDATE) Require timer Session-Expires 200;refresher=uac
        150000 acme/101 -> server   BYE 1
        150001   server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 149998 ms (echo, answered), packets 300
    "#]]);
}
