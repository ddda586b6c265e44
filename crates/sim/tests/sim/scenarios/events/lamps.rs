//! Busy lamps (RFC 4235).

use super::Scene;
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

/// A registered phone of 103 that watches 102, the ladder empty again.
fn watching(scene: &mut Scene, transport: Transport) -> usize {
    let lamp = scene.phone_on("103", transport, Answer::Ring);
    scene.act(lamp, |p, now| p.watch("dialog", "102", 600, now));
    scene.run(100);
    scene.curtain();
    lamp
}

#[test]
fn a_lamp_follows_a_call() {
    let mut scene = Scene::new();
    let lamp = scene.phone("103", Answer::Ring);
    scene.act(lamp, |p, now| p.watch("dialog", "102", 600, now));
    let (caller, _) = scene.pair();
    scene.sees(expect![[""]]);
    scene.call(caller, "102");
    scene.run(3000);
    scene.hang_up(caller);
    scene.run(100);
    scene.act(lamp, |p, now| p.subscribe(0, 0, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.3:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.3:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>trying</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/103 -> server   200 OK (NOTIFY)
        5        server -> acme/101 180 Ringing (INVITE)
        203      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        204    acme/103 -> server   200 OK (NOTIFY)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1005     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="3" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1006   acme/101 -> server   ACK 1
        1006   acme/103 -> server   200 OK (NOTIFY)
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=596 {<dialog-info version="4" state="full" entity="sip:102@acme.example"></dialog-info>}
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        3002   acme/103 -> server   200 OK (NOTIFY)
        3100   acme/103 -> server   SUBSCRIBE 1 Expires 0 Event dialog
        3101     server -> acme/103 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        3102   acme/103 -> server   SUBSCRIBE 1 +credentials Expires 0 Event dialog
        3103     server -> acme/103 200 OK (SUBSCRIBE) Expires 0
        3201     server -> acme/103 NOTIFY 103 Event dialog Subscription-State terminated;reason=timeout {<dialog-info version="5" state="full" entity="sip:102@acme.example"></dialog-info>}
        3202   acme/103 -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn what_changes_quickly_is_told_once() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let _callee = scene.phone("102", Answer::PickUp(20));
    let _lamp = watching(&mut scene, Transport::Udp);
    scene.call(caller, "102");
    scene.run(100);
    scene.hang_up(caller);
    scene.run(50);
    scene.call(caller, "102");
    scene.run(500);
    scene.act(caller, |p, now| p.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        24     acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        25       server -> acme/102 ACK 102
        25       server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        26     acme/101 -> server   ACK 1
        100    acme/101 -> server   BYE 1
        101      server -> acme/102 BYE 102
        101      server -> acme/101 200 OK (BYE)
        102    acme/102 -> server   200 OK (BYE)
        150    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        151      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        152    acme/101 -> server   ACK 102
        152    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        153      server -> acme/101 100 Trying (INVITE)
        153      server -> acme/102 INVITE 102 {10.0.0.1:10006 0,8}
        153      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="2-callee" direction="recipient"><state>trying</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        154    acme/102 -> server   180 Ringing (INVITE)
        154    acme/103 -> server   200 OK (NOTIFY)
        155      server -> acme/101 180 Ringing (INVITE)
        174    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        175      server -> acme/102 ACK 102
        175      server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 0,8}
        176    acme/101 -> server   ACK 1
        353      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="2-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        354    acme/103 -> server   200 OK (NOTIFY)
        650    acme/101 -> server   BYE 1
        651      server -> acme/102 BYE 102
        651      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        651      server -> acme/101 200 OK (BYE)
        652    acme/102 -> server   200 OK (BYE)
        652    acme/103 -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 76 ms (ring 102, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Caller, rang, talked 476 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn the_other_party_is_shown_where_policy_says_so() {
    let mut scene = Scene::with(Policy {
        lamps_show_party: true,
        lamps_show_dialog: true,
        ..Policy::default()
    });
    let (caller, _) = scene.pair();
    let _lamp = watching(&mut scene, Transport::Udp);
    scene.run(1000);
    scene.curtain();
    scene.call(caller, "102");
    scene.run(300);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="1-callee" call-id="8b0e58f12dcca05ba5b6666dd9127017" local-tag="1-c730ffa8fc3f938c" remote-tag="1-c730ffa8fc3f938c" direction="recipient"><state>trying</state><local><identity>sip:102@acme.example</identity></local><remote><identity display="User 101">sip:101@acme.example</identity></remote></dialog></dialog-info>}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/103 -> server   200 OK (NOTIFY)
        5        server -> acme/101 180 Ringing (INVITE)
        203      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="1-callee" call-id="8b0e58f12dcca05ba5b6666dd9127017" local-tag="1-c730ffa8fc3f938c" remote-tag="1-c730ffa8fc3f938c" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local><remote><identity display="User 101">sip:101@acme.example</identity></remote></dialog></dialog-info>}
        204    acme/103 -> server   200 OK (NOTIFY)
        300    acme/101 -> server   CANCEL 102
        301      server -> acme/101 200 OK (CANCEL)
        301      server -> acme/102 CANCEL 102
        301      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        302    acme/102 -> server   200 OK (CANCEL)
        302    acme/102 -> server   487 Request Terminated (INVITE)
        302    acme/101 -> server   ACK 102
        303      server -> acme/102 ACK 102
        403      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        404    acme/103 -> server   200 OK (NOTIFY)
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_subscription_in_the_middle_of_a_call_shows_it() {
    let mut scene = Scene::new();
    let lamp = scene.phone("103", Answer::Ring);
    let (caller, callee) = scene.talking();
    scene.act(lamp, |p, now| p.watch("dialog", "101", 600, now));
    // His own lamp shows him who is there.
    scene.act(callee, |p, now| p.watch("dialog", "102", 600, now));
    scene.run(100);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/103 -> server   SUBSCRIBE 101 Expires 600 Event dialog
        0      acme/102 -> server   SUBSCRIBE 102 Expires 600 Event dialog
        1        server -> acme/103 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1        server -> acme/102 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/103 -> server   SUBSCRIBE 101 +credentials Expires 600 Event dialog
        2      acme/102 -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        3        server -> acme/103 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:101@acme.example"><dialog id="1-caller" direction="initiator"><state>confirmed</state><local><identity>sip:101@acme.example</identity></local></dialog></dialog-info>}
        3        server -> acme/102 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/102 NOTIFY 102 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local><remote><identity display="User 101">sip:101@acme.example</identity></remote></dialog></dialog-info>}
        4      acme/103 -> server   200 OK (NOTIFY)
        4      acme/102 -> server   200 OK (NOTIFY)
        100    acme/101 -> server   BYE 1
        101      server -> acme/102 BYE 102
        101      server -> acme/101 200 OK (BYE)
        102    acme/102 -> server   200 OK (BYE)
        203      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:101@acme.example"></dialog-info>}
        203      server -> acme/102 NOTIFY 102 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"></dialog-info>}
        204    acme/103 -> server   200 OK (NOTIFY)
        204    acme/102 -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_lost_notify_is_repeated_and_a_phone_that_hears_none_is_let_go() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    let lamp = watching(&mut scene, Transport::Udp);
    scene.lose_to(lamp, "NOTIFY", 1);
    scene.call(caller, "102");
    scene.run(2500);
    scene.answers(lamp, Answer::Dead);
    scene.hang_up(caller);
    scene.run(40_000);
    scene.answers(lamp, Answer::Ring);
    scene.act(lamp, |p, now| p.subscribe(0, 600, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        103      server -x acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        603      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        604    acme/103 -> server   200 OK (NOTIFY)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1005     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1006   acme/101 -> server   ACK 1
        1006   acme/103 -> server   200 OK (NOTIFY)
        2500   acme/101 -> server   BYE 1
        2501     server -> acme/102 BYE 102
        2501     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        2501     server -> acme/101 200 OK (BYE)
        2502   acme/102 -> server   200 OK (BYE)
        3001     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        4001     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        6001     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        10001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        14001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        18001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        22001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        26001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        30001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        34001    server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info>}
        42500  acme/103 -> server   SUBSCRIBE 1 Expires 600 Event dialog
        42501    server -> acme/103 481 Call/Transaction Does Not Exist (SUBSCRIBE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1496 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_lamp_follows_its_phone_to_a_new_connection() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    let lamp = watching(&mut scene, Transport::Tcp);
    scene.world.disconnect(lamp);
    scene.call(caller, "102");
    scene.run(2000);
    scene.act(lamp, |p, now| p.register(3600, now));
    scene.run(100);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/103 loses its connection
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/103 -> server   REGISTER acme.example <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
        2001     server -> acme/103 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/103 -> server   REGISTER acme.example +credentials <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
        2003     server -> acme/103 200 OK (REGISTER) <sip:103@10.0.1.4:5060;transport=tcp>;expires=3600
        2003     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="1" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        2004   acme/103 -> server   200 OK (NOTIFY)
        2100   acme/101 -> server   BYE 1
        2101     server -> acme/102 BYE 102
        2101     server -> acme/101 200 OK (BYE)
        2102   acme/102 -> server   200 OK (BYE)
        2203     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="2" state="full" entity="sip:102@acme.example"></dialog-info>}
        2204   acme/103 -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_subscription_survives_a_restart() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    let lamp = watching(&mut scene, Transport::Udp);
    let other = watching(&mut scene, Transport::Tcp);
    scene.world.restart_server();
    scene.run(100);
    scene.act(other, |p, now| p.register(3600, now));
    scene.run(100);
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.run(2000);
    for phone in [lamp, other] {
        let faults = scene.act(phone, |p, _| p.watches()[0].faults.clone());
        assert_eq!(faults, Vec::<String>::new());
    }
    scene.ends(expect![[r#"
        0        server dies and comes back
        0        server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="64" state="full" entity="sip:102@acme.example"></dialog-info>}
        1      acme/103 -> server   200 OK (NOTIFY)
        100    acme/103' -> server   REGISTER acme.example <sip:103@10.0.1.5:5060;transport=tcp> Expires 3600
        101      server -> acme/103' 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        102    acme/103' -> server   REGISTER acme.example +credentials <sip:103@10.0.1.5:5060;transport=tcp> Expires 3600
        103      server -> acme/103' 200 OK (REGISTER) <sip:103@10.0.1.4:5060>;expires=3599 <sip:103@10.0.1.5:5060;transport=tcp>;expires=3600
        103      server -> acme/103' NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="64" state="full" entity="sip:102@acme.example"></dialog-info>}
        104    acme/103' -> server   200 OK (NOTIFY)
        200    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        201      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        202    acme/101 -> server   ACK 102
        202    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        203      server -> acme/101 100 Trying (INVITE)
        203      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        203      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="65" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>trying</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        204    acme/102 -> server   180 Ringing (INVITE)
        204    acme/103 -> server   200 OK (NOTIFY)
        205      server -> acme/101 180 Ringing (INVITE)
        303      server -> acme/103' NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="65" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        304    acme/103' -> server   200 OK (NOTIFY)
        403      server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=599 {<dialog-info version="66" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        404    acme/103 -> server   200 OK (NOTIFY)
        1204   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1205     server -> acme/102 ACK 102
        1205     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1205     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="67" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1205     server -> acme/103' NOTIFY 103 Event dialog Subscription-State active;expires=598 {<dialog-info version="66" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>confirmed</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info>}
        1206   acme/101 -> server   ACK 1
        1206   acme/103 -> server   200 OK (NOTIFY)
        1206   acme/103' -> server   200 OK (NOTIFY)
        2200   acme/101 -> server   BYE 1
        2201     server -> acme/102 BYE 102
        2201     server -> acme/103 NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="68" state="full" entity="sip:102@acme.example"></dialog-info>}
        2201     server -> acme/103' NOTIFY 103 Event dialog Subscription-State active;expires=597 {<dialog-info version="67" state="full" entity="sip:102@acme.example"></dialog-info>}
        2201     server -> acme/101 200 OK (BYE)
        2202   acme/102 -> server   200 OK (BYE)
        2202   acme/103 -> server   200 OK (NOTIFY)
        2202   acme/103' -> server   200 OK (NOTIFY)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}
