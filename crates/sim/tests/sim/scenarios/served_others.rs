//! What others do about a call that the server answers itself: transfer, take-over, lamps, a new connection, keys.

use super::Scene;
use super::scene::ACME;
use super::served::{echoing, heard};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::{Answer, Sdes};

#[test]
fn nobody_is_transferred_from_it_or_to_it() {
    let (mut scene, phone) = echoing(Policy::default());
    scene.phone("102", Answer::PickUp(0));
    scene.act(phone, |p, now| p.refer(0, "102", now));
    scene.run(100);
    scene.sees(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:102@acme.example>
        1        server -> acme/101 403 Forbidden (REFER)
    "#]]);
    let second = scene.call(phone, "102");
    scene.run(1000);
    scene.curtain();
    // The consulted one to the echo, by its dialog and by its number.
    scene.act(phone, |p, now| p.refer_to_call(second, 0, now));
    scene.run(500);
    scene.act(phone, |p, now| p.refer(second, "*43", now));
    scene.run(500);
    scene.act(phone, |p, now| p.hang_up(second, now));
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:*43@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 488 Not Acceptable Here"
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        500    acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:*43@acme.example>
        501      server -> acme/101 202 Accepted (REFER)
        501      server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        501      server -> acme/101 NOTIFY 101 Event refer;id=4 Subscription-State terminated;reason=noresource "SIP/2.0 404 Not Found"
        502    acme/101 -> server   200 OK (NOTIFY)
        502    acme/101 -> server   200 OK (NOTIFY)
        1000   acme/101 -> server   BYE 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 102 -> *43: 404/1 by System (unknown number), transferred by 101
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
        record 101 -> *43: 200/16 by Caller, talked 3198 ms (echo, answered), packets 7
    "#]]);
}

#[test]
fn nobody_takes_it_over() {
    let (mut scene, phone) = echoing(Policy::default());
    let other = scene.phone("101", Answer::Ring);
    let name = scene.act(phone, |p, _| p.replaces(0)).expect("a dialog");
    scene.act(other, |p, now| p.call_replacing("101", &name, now));
    scene.run(500);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101' -> server   INVITE 101 Require replaces +replaces {10.0.1.3:6060 0,8}
        1        server -> acme/101' 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101' -> server   ACK 101
        2      acme/101' -> server   INVITE 101 +credentials Require replaces +replaces {10.0.1.3:6060 0,8}
        3        server -> acme/101' 488 Not Acceptable Here (INVITE)
        4      acme/101' -> server   ACK 101
        500    acme/101 -> server   BYE 1
        501      server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 1598 ms (echo, answered), packets 4
    "#]]);
}

#[test]
fn the_phone_comes_back_on_another_connection() {
    let mut scene = Scene::new();
    let phone = scene.phone_on("101", Transport::Tcp, Answer::Ring);
    scene.call(phone, "*43");
    scene.run(1000);
    scene.curtain();
    scene.world.disconnect(phone);
    scene.run(500);
    scene.act(phone, |p, now| p.register(3600, now));
    scene.run(2000);
    heard(&mut scene, phone);
    scene.reinvite(phone, "sendonly");
    scene.run(500);
    scene.reinvite(phone, "sendrecv");
    scene.run(1000);
    assert!(heard(&mut scene, phone).1);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        500    acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        501      server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        502    acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060;transport=tcp> Expires 3600
        503      server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.2:5060;transport=tcp>;expires=3600
        2500   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        2501     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 recvonly}
        2502   acme/101 -> server   ACK 1
        3000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        3001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3002   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/101 200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 4998 ms (echo, answered), packets 10
    "#]]);
}

#[test]
fn a_lamp_shows_the_caller_as_busy() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    let watcher = scene.phone("102", Answer::Ring);
    scene.act(watcher, |p, now| p.watch("dialog", "101", 600, now));
    scene.run(500);
    scene.curtain();
    scene.call(phone, "*43");
    scene.run(500);
    scene.hang_up(phone);
    scene.run(500);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 NOTIFY 102 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:101@acme.example"><dialog id="1-caller" direction="initiator"><state>trying</state><local><identity>sip:101@acme.example</identity></local></dialog></dialog-info>}
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/102 -> server   200 OK (NOTIFY)
        4      acme/101 -> server   ACK 1
        203      server -> acme/102 NOTIFY 102 Event dialog Subscription-State active;expires=599 {<dialog-info version="2" state="full" entity="sip:101@acme.example"><dialog id="1-caller" direction="initiator"><state>confirmed</state><local><identity>sip:101@acme.example</identity></local></dialog></dialog-info>}
        204    acme/102 -> server   200 OK (NOTIFY)
        500    acme/101 -> server   BYE 1
        501      server -> acme/102 NOTIFY 102 Event dialog Subscription-State active;expires=599 {<dialog-info version="3" state="full" entity="sip:101@acme.example"></dialog-info>}
        501      server -> acme/101 200 OK (BYE)
        502    acme/102 -> server   200 OK (NOTIFY)
        record 101 -> *43: 200/16 by Caller, talked 498 ms (echo, answered), packets 1
    "#]]);
}

#[test]
fn a_code_is_for_who_dials_it() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.forward("102", model::ForwardKind::Always, "*43");
    scene.forward("103", model::ForwardKind::Always, "*78");
    for number in ["102", "103", "*78@beta.example"] {
        scene.call(caller, number);
        scene.run(500);
    }
    let settings = scene
        .world
        .server
        .tenant(ACME)
        .unwrap()
        .settings(super::forwarded::user("101"));
    assert!(!settings.dnd);
    let paths = scene.world.server.cdrs.iter().map(|cdr| cdr.path.join(", "));
    let paths: Vec<String> = paths.collect();
    assert_eq!(paths.len(), 3, "{paths:?}");
}

/// Keys of RFC 4568 serve here as between two phones.
#[test]
fn a_protected_echo_and_tone() {
    let mut scene = Scene::new();
    let phone = scene.phone_on("101", Transport::Tls, Answer::Ring);
    scene.act(phone, |p, _| p.sdes = Some(Sdes::usual('A')));
    scene.call(phone, "*43");
    scene.run(2000);
    assert!(heard(&mut scene, phone).1);
    scene.reinvite(phone, "inactive");
    scene.run(500);
    scene.reinvite(phone, "sendrecv");
    scene.run(1000);
    heard(&mut scene, phone);
    scene.run(1000);
    assert!(heard(&mut scene, phone).1);
    scene.hang_up(phone);
    scene.run(100);
    scene.call(phone, "*78");
    scene.run(2000);
    assert_eq!(heard(&mut scene, phone).0, 60);
    assert_eq!(scene.world.phones[phone].unopened, 0);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *43 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *43
        2      acme/101 -> server   INVITE *43 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4      acme/101 -> server   ACK 1
        2000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 inactive RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 inactive RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2002   acme/101 -> server   ACK 1
        2500   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2501     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        2502   acme/101 -> server   ACK 1
        4500   acme/101 -> server   BYE 1
        4501     server -> acme/101 200 OK (BYE)
        4600   acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4601     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        4602   acme/101 -> server   ACK *78
        4602   acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4603     server -> acme/101 100 Trying (INVITE)
        4603     server -> acme/101 200 OK (INVITE) {10.0.0.1:10002 0 RTP/SAVP AES_CM_128_HMAC_SHA1_80}
        4604   acme/101 -> server   ACK 1
        5800     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        5801   acme/101 -> server   200 OK (BYE)
        record 101 -> *43: 200/16 by Caller, talked 4498 ms (echo, answered), packets 8, caller AesCm128HmacSha1_80
        record 101 -> *78: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 3, caller AesCm128HmacSha1_80
    "#]]);
}
