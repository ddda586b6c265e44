//! A dialog follows its phone to a new connection (RFC 5626 §4.3): address-of-record, instance and `reg-id` name the
//! phone, never a socket.

use super::{Hand, Scene};
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

/// A phone that says who it is.
fn instance(scene: &mut Scene, user: &str, transport: Transport, reg_id: u32, answer: Answer) -> usize {
    let phone = scene.world.add_phone("acme.example", user, transport, answer);
    scene.act(phone, |phone, now| {
        phone.instance = Some((format!("urn:uuid:{}", phone.identity.user), reg_id));
        phone.register(3600, now);
    });
    scene.run(100);
    scene.curtain();
    phone
}

/// 101 on UDP called 102, who is on this transport, and they talk.
fn talking(transport: Transport, reg_id: u32) -> (Scene, usize, usize) {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", transport, reg_id, Answer::PickUp(100));
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    (scene, caller, callee)
}

fn register(scene: &mut Scene, phone: usize) {
    scene.act(phone, |phone, now| phone.register(3600, now));
}

#[test]
fn a_call_goes_on_over_the_phones_new_connection() {
    let (mut scene, caller, callee) = talking(Transport::Tls, 1);
    scene.world.rebind(callee, 5070);
    register(&mut scene, callee);
    scene.run(1000);
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5070;transport=tls>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1        server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5070;transport=tls>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3        server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5070;transport=tls>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        1000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1001     server -> acme/101 100 Trying (INVITE)
        1002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6070 0,8 recvonly}
        1003     server -> acme/102 ACK 102
        1003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        1004   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2894 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn an_instance_without_reg_id_is_followed_to_its_new_contact() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 0);
    scene.world.rebind(callee, 5070);
    register(&mut scene, callee);
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:102>" Expires 3600
        1        server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:102>" Expires 3600
        3        server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5070;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>"
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_behind_a_router_that_forgot_it_is_followed_over_udp() {
    let (mut scene, caller, callee) = talking(Transport::Udp, 1);
    scene.world.rebind(callee, 5070);
    register(&mut scene, callee);
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5070>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1        server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5070>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3        server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5070>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_bye_waits_for_a_phone_that_comes_back() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.world.disconnect(callee);
    scene.run(1000);
    scene.hang_up(caller);
    scene.run(5000);
    register(&mut scene, callee);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        1000   acme/101 -> server   BYE 1
        1001     server -x acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        6000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        6001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        6002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        6003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        6003     server -> acme/102 BYE 102
        6004   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_bye_that_went_down_with_the_connection_is_said_again() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.lose_to(callee, "BYE", 1);
    scene.hang_up(caller);
    scene.run(100);
    scene.world.disconnect(callee);
    scene.run(2000);
    register(&mut scene, callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        1        server -x acme/102 BYE 102
        1        server -> acme/101 200 OK (BYE)
        100    acme/102 loses its connection
        2100   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2101     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2102   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2103     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        2103     server -> acme/102 BYE 102
        2104   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_bye_to_a_phone_that_stays_away_costs_nothing_but_its_time() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.world.disconnect(callee);
    scene.answers(callee, Answer::Dead);
    scene.hang_up(caller);
    scene.run(100);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/101 -> server   BYE 1
        1        server -x acme/102 BYE 102
        1        server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn hold_reaches_a_phone_that_comes_back_in_time() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.world.disconnect(callee);
    scene.reinvite(caller, "sendonly");
    scene.run(3000);
    register(&mut scene, callee);
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        3000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        3002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        3003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        3004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3005     server -> acme/102 ACK 102
        3005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        3006   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 4896 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn hold_fails_and_the_call_stays_up_when_the_phone_stays_away() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.world.disconnect(callee);
    scene.reinvite(caller, "sendonly");
    scene.run(30_000);
    register(&mut scene, callee);
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        10001    server -> acme/101 503 Service Unavailable (INVITE)
        10002  acme/101 -> server   ACK 1
        30000  acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        30001    server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        30002  acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        30003    server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        31000  acme/101 -> server   BYE 1
        31001    server -> acme/102 BYE 102
        31001    server -> acme/101 200 OK (BYE)
        31002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 31896 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_phone_that_rings_goes_on_ringing_on_its_new_connection() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", Transport::Tcp, 1, Answer::PickUp(4000));
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1000);
    scene.world.rebind(callee, 5070);
    scene.run(1000);
    register(&mut scene, callee);
    scene.run(4000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/102 loses its connection
        2000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5070;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        2003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2004   acme/102 -> server   180 Ringing (INVITE)
        4004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6070 0,8}
        4005     server -> acme/102 ACK 102
        4005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4006   acme/101 -> server   ACK 1
        6000   acme/101 -> server   BYE 1
        6001     server -> acme/102 BYE 102
        6001     server -> acme/101 200 OK (BYE)
        6002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_that_rebooted_while_it_rang_rings_again() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", Transport::Tcp, 1, Answer::PickUp(3000));
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.world.disconnect(callee);
    register(&mut scene, callee);
    scene.run(5000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/102 loses its connection
        1000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   180 Ringing (INVITE)
        4004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        4005     server -> acme/102 ACK 102
        4005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4006   acme/101 -> server   ACK 1
        6000   acme/101 -> server   BYE 1
        6001     server -> acme/102 BYE 102
        6001     server -> acme/101 200 OK (BYE)
        6002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_that_comes_back_hears_that_it_was_called_off() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", Transport::Tcp, 1, Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to(callee, "CANCEL", 1);
    scene.cancel(caller);
    scene.run(10);
    scene.world.disconnect(callee);
    scene.run(2000);
    register(&mut scene, callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/101 -> server   CANCEL 102
        1001     server -> acme/101 200 OK (CANCEL)
        1001     server -x acme/102 CANCEL 102
        1001     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1002   acme/101 -> server   ACK 102
        1010   acme/102 loses its connection
        3010   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3011     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        3012   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3013     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        3013     server -> acme/102 CANCEL 102
        3014   acme/102 -> server   200 OK (CANCEL)
        3014   acme/102 -> server   487 Request Terminated (INVITE)
        3015     server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn another_phone_of_the_same_user_does_not_take_the_call_over() {
    let (mut scene, caller, callee) = talking(Transport::Tcp, 1);
    scene.world.disconnect(callee);
    let mut other = Hand::new(&mut scene, "other", 1);
    other.registers(
        &mut scene,
        "102",
        1,
        "<sip:102@10.0.2.1>;+sip.instance=\"<urn:uuid:other>\";reg-id=1",
    );
    scene.hang_up(caller);
    scene.run(1000);
    register(&mut scene, callee);
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        10        other -> server   REGISTER acme.example <sip:102@10.0.2.1>;+sip.instance="<urn:uuid:other>";reg-id=1
        11       server -> other    401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        30        other -> server   REGISTER acme.example +credentials <sip:102@10.0.2.1>;+sip.instance="<urn:uuid:other>";reg-id=1
        31       server -> other    200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3598;+sip.instance="<urn:uuid:102>";reg-id=1 <sip:102@10.0.2.1>;expires=3600;+sip.instance="<urn:uuid:other>";reg-id=1
        40     acme/101 -> server   BYE 1
        41       server -x acme/102 BYE 102
        41       server -> acme/101 200 OK (BYE)
        1040   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1041     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1042   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1043     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 <sip:102@10.0.2.1>;expires=3598;+sip.instance="<urn:uuid:other>";reg-id=1 Require outbound Flow-Timer 120
        1043     server -> acme/102 BYE 102
        1044   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 936 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_on_a_new_network_hangs_up_without_being_asked_who_it_is() {
    let (mut scene, _, callee) = talking(Transport::Udp, 1);
    scene.act(callee, |phone, _| {
        phone.identity.address.set_ip([10, 0, 1, 77].into())
    });
    register(&mut scene, callee);
    scene.run(100);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.77:5060>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        1        server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.77:5060>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        3        server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.77:5060>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound
        100    acme/102 -> server   BYE 1
        101      server -> acme/101 BYE 101
        101      server -> acme/102 200 OK (BYE)
        102    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_phone_on_a_new_network_that_did_not_register_is_asked_who_it_is() {
    let (mut scene, _, callee) = talking(Transport::Udp, 1);
    scene.act(callee, |phone, _| {
        phone.identity.address.set_ip([10, 0, 1, 77].into())
    });
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/102 -> server   BYE 1
        1        server -> acme/102 407 Proxy Authentication Required (BYE) ?SHA-256 ?MD5
        2      acme/102 -> server   BYE 1 +credentials
        3        server -> acme/101 BYE 101
        3        server -> acme/102 200 OK (BYE)
        4      acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 898 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn policy_may_give_up_at_once() {
    let mut scene = Scene::with(Policy {
        reconnect_s: 0,
        ..Policy::default()
    });
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", Transport::Tcp, 1, Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.world.disconnect(callee);
    scene.run(1000);
    register(&mut scene, callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/102 loses its connection
        1000     server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        1001   acme/101 -> server   ACK 102
        2000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound Flow-Timer 120
        record 101 -> 102: 480/20 by System, rang (ring 102, unreachable)
    "#]]);
}

#[test]
fn after_a_restart_a_phone_on_udp_rings_at_once() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    instance(&mut scene, "102", Transport::Udp, 1, Answer::Refuse(486, 100));
    scene.world.restart_server();
    scene.curtain();
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}
