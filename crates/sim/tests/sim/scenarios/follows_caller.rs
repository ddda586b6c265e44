//! A caller whose connection breaks before anybody has answered: its call waits for it, for a while (RFC 5626 §4.3). And a
//! phone on UDP that is found at its new port when its call has ended.

use super::Scene;
use super::scene::ACME;
use expect_test::expect;
use model::{Policy, Transport};
use sim::phone::Answer;

/// A phone that says who it is.
fn instance(scene: &mut Scene, user: &str, transport: Transport, answer: Answer) -> usize {
    let phone = scene.world.add_phone("acme.example", user, transport, answer);
    scene.act(phone, |phone, now| {
        phone.instance = Some((format!("urn:uuid:{}", phone.identity.user), 1));
        phone.register(3600, now);
    });
    scene.run(100);
    scene.curtain();
    phone
}

/// 101 over TCP called 102, whose phone answers after a while, and loses its connection after a second.
fn lost(policy: Policy, answer: Answer) -> (Scene, usize, usize) {
    let mut scene = Scene::with(policy);
    let callee = scene.phone("102", answer);
    let caller = instance(&mut scene, "101", Transport::Tcp, Answer::Ring);
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.world.rebind(caller, 5070);
    scene.run(100);
    (scene, caller, callee)
}

#[test]
fn its_phone_comes_back_and_goes_on_with_its_call() {
    let (mut scene, caller, _) = lost(Policy::default(), Answer::PickUp(4000));
    scene.run(1900);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.run(3000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        2000   acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        2001     server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        2003     server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.3:5070;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:101>";reg-id=1 Require outbound Flow-Timer 120
        2003     server -> acme/101 180 Ringing (INVITE)
        3004   acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3005     server -> acme/102 ACK 102
        3005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3006   acme/101 -> server   ACK 1
        5000   acme/101 -> server   BYE 1
        5001     server -> acme/102 BYE 102
        5001     server -> acme/101 200 OK (BYE)
        5002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn it_is_answered_while_its_phone_is_away() {
    let (mut scene, caller, _) = lost(Policy::default(), Answer::PickUp(2000));
    scene.run(3900);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.run(3000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -x nobody   200 OK (INVITE) {10.0.0.1:10000 0,8}
        1505     server -x nobody   200 OK (INVITE) {10.0.0.1:10000 0,8}
        2505     server -x nobody   200 OK (INVITE) {10.0.0.1:10000 0,8}
        4000   acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        4001     server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        4002   acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        4003     server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.3:5070;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:101>";reg-id=1 Require outbound Flow-Timer 120
        4003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4004   acme/101 -> server   ACK 1
        7000   acme/101 -> server   BYE 1
        7001     server -> acme/102 BYE 102
        7001     server -> acme/101 200 OK (BYE)
        7002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 5996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn it_stays_away() {
    let (mut scene, _, _) = lost(Policy::default(), Answer::Ring);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        10000    server -> acme/102 CANCEL 102
        10000    server -x nobody   487 Request Terminated (INVITE) [Q.850;cause=16]
        10001  acme/102 -> server   200 OK (CANCEL)
        10001  acme/102 -> server   487 Request Terminated (INVITE)
        10002    server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn it_takes_its_call_back_over_the_new_connection() {
    let (mut scene, caller, _) = lost(Policy::default(), Answer::Ring);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.run(500);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        100    acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        101      server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        102    acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.3:5070;transport=tcp>;+sip.instance="<urn:uuid:101>";reg-id=1 Expires 3600
        103      server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.3:5070;transport=tcp>;expires=3600;+sip.instance="<urn:uuid:101>";reg-id=1 Require outbound Flow-Timer 120
        103      server -> acme/101 180 Ringing (INVITE)
        600    acme/101 -> server   CANCEL 102
        601      server -> acme/101 200 OK (CANCEL)
        601      server -> acme/102 CANCEL 102
        601      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        602    acme/102 -> server   200 OK (CANCEL)
        602    acme/102 -> server   487 Request Terminated (INVITE)
        602    acme/101 -> server   ACK 102
        603      server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn policy_may_give_up_at_once() {
    let policy = Policy {
        reconnect_s: 0,
        ..Policy::default()
    };
    let (mut scene, _, _) = lost(policy, Answer::Ring);
    scene.ends(expect![[r#"
        0      acme/101 loses its connection
        0        server -> acme/102 CANCEL 102
        0        server -x nobody   487 Request Terminated (INVITE) [Q.850;cause=16]
        1      acme/102 -> server   200 OK (CANCEL)
        1      acme/102 -> server   487 Request Terminated (INVITE)
        2        server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

/// A caller that never registered can't be recognised.
#[test]
fn without_a_registration_there_is_nobody_to_wait_for() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    let caller = scene
        .world
        .add_phone("acme.example", "101", Transport::Tcp, Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.world.rebind(caller, 5070);
    scene.run(100);
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 0);
    scene.rests();
}

/// The router forgot the phone, and the BYE goes to a port that nobody listens to, until the phone registers.
#[test]
fn a_bye_by_datagram_finds_the_phone_at_its_new_port() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = instance(&mut scene, "102", Transport::Udp, Answer::PickUp(100));
    scene.mute(&[caller, callee]);
    scene.call(caller, "102");
    scene.run(1000);
    scene.curtain();
    scene.world.rebind(callee, 5070);
    scene.hang_up(caller);
    scene.run(2000);
    scene.act(callee, |phone, now| phone.register(3600, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        1        server -> nobody   BYE 102
        1        server -> acme/101 200 OK (BYE)
        501      server -> nobody   BYE 102
        1501     server -> nobody   BYE 102
        2000   acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5070>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2001     server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2002   acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5070>;+sip.instance="<urn:uuid:102>";reg-id=1 Expires 3600
        2003     server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5070>;expires=3600;+sip.instance="<urn:uuid:102>";reg-id=1 Require outbound
        2003     server -> acme/102 BYE 102
        2004   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}
