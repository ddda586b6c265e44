//! Phones that sleep (RFC 8599): their push service is told, the call waits, and they ring when they come back.

use super::Scene;
use super::by_hand::{field, register};
use expect_test::expect;
use model::{ForwardKind, Policy, Transport, UserSettingsChange};
use sim::phone::Answer;

const PUSH: &str = "<sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>";

/// 101 on UDP; 102 registered over a connection with push parameters and went to sleep.
fn asleep(policy: Policy) -> (Scene, usize, super::Hand) {
    let mut scene = Scene::with(policy);
    let caller = scene.phone("101", Answer::Ring);
    let mut app = super::Hand::new(&mut scene, "app", 1);
    app.transport = Transport::Tcp;
    app.connection = scene.world.connect_stranger();
    app.registers(&mut scene, "102", 1, PUSH);
    sleeps(&mut scene, &app);
    scene.curtain();
    (scene, caller, app)
}

fn sleeps(scene: &mut Scene, app: &super::Hand) {
    let now = scene.world.now();
    scene.world.server.connection_lost(app.connection, now);
    scene.world.collect();
}

fn wakes(scene: &mut Scene, app: &mut super::Hand, cseq: u32) -> String {
    app.connection = scene.world.connect_stranger();
    let head = register("102", "awake", cseq, PUSH);
    app.insists(scene, "102", &head, "")
}

fn policy() -> Policy {
    Policy {
        push_wait_s: 20,
        ..Policy::default()
    }
}

#[test]
fn a_phone_is_woken_and_rings() {
    let (mut scene, caller, mut app) = asleep(policy());
    scene.call(caller, "102");
    scene.run(3000);
    let [wake] = &scene.world.server.wakes[..] else {
        panic!("{:?}", scene.world.server.wakes)
    };
    assert_eq!(
        (&*wake.target.provider, &*wake.target.prid),
        ("fcm", "secret-token")
    );
    assert!(!format!("{wake:?}").contains("secret"));
    // The 200 comes first, then the INVITE.
    let invite = wakes(&mut scene, &mut app, 1);
    assert!(
        invite.starts_with("INVITE sip:102@10.0.2.1;pn-provider=fcm"),
        "{invite}"
    );
    let mut mail = scene.world.mail.iter().filter(|(to, _)| *to == app.at).rev();
    let answer = mail.nth(1).map(|(_, m)| String::from_utf8_lossy(m).into_owned());
    let answer = answer.expect("a 200");
    assert_eq!(field(&answer, "Feature-Caps"), "Feature-Caps: *;+sip.pns=\"fcm\"");
    let at = app.at;
    app.responds(&mut scene, &invite, 180, "");
    app.responds(&mut scene, &invite, 200, &super::by_hand::sdp(at, 6060, ""));
    scene.run(1000);
    scene.hang_up(caller);
    let bye = app.hears(&mut scene).pop().expect("a BYE");
    app.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3010        app -> server   REGISTER acme.example <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        3011     server -> app      401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        3030        app -> server   REGISTER acme.example +credentials <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        3031     server -> app      200 OK (REGISTER) <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>;expires=3600
        3031     server -> app      INVITE 102 {10.0.0.1:10002 0,8}
        3040        app -> server   180 Ringing (INVITE)
        3040        app -> server   200 OK (INVITE) {10.0.2.1:6060 0,8}
        3041     server -> acme/101 180 Ringing (INVITE)
        3041     server -> app      ACK hand
        3041     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        3042   acme/101 -> server   ACK 1
        4040   acme/101 -> server   BYE 1
        4041     server -> app      BYE hand
        4041     server -> acme/101 200 OK (BYE)
        4050        app -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1000 ms (ring 102, answered), packets 2 and 0
    "#]]);
}

#[test]
fn a_phone_that_sleeps_on_is_not_waited_for_any_longer() {
    let (mut scene, caller, _) = asleep(policy());
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        20003    server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        20004  acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn without_a_policy_nobody_is_woken() {
    let (mut scene, caller, _) = asleep(Policy::default());
    scene.call(caller, "102");
    scene.run(100);
    assert!(scene.world.server.wakes.is_empty());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn the_caller_gives_up_before_the_phone_wakes() {
    let (mut scene, caller, mut app) = asleep(policy());
    scene.call(caller, "102");
    scene.run(1000);
    scene.cancel(caller);
    scene.run(1000);
    wakes(&mut scene, &mut app, 1);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        1000   acme/101 -> server   CANCEL 102
        1001     server -> acme/101 200 OK (CANCEL)
        1001     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1002   acme/101 -> server   ACK 102
        2010        app -> server   REGISTER acme.example <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        2011     server -> app      401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2030        app -> server   REGISTER acme.example +credentials <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        2031     server -> app      200 OK (REGISTER) <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>;expires=3600
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

#[test]
fn a_phone_that_is_awake_rings_at_once_and_one_more_when_it_wakes() {
    let (mut scene, caller, mut app) = asleep(policy());
    let desk = scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.run(2000);
    wakes(&mut scene, &mut app, 1);
    scene.run(100);
    scene.act(desk, |phone, now| phone.end(0, now));
    scene.run(100);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        2010        app -> server   REGISTER acme.example <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        2011     server -> app      401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2030        app -> server   REGISTER acme.example +credentials <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>
        2031     server -> app      200 OK (REGISTER) <sip:102@10.0.2.1;pn-provider=fcm;pn-param=x;pn-prid=secret-token>;expires=3600 <sip:102@10.0.1.3:5060>;expires=3597
        2031     server -> app      INVITE 102 {10.0.0.1:10002 0,8}
        2140   acme/102 -> server   486 Busy Here (INVITE)
        2141     server -> acme/102 ACK 102
        2240   acme/101 -> server   CANCEL 102
        2241     server -> acme/101 200 OK (CANCEL)
        2241     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        2242   acme/101 -> server   ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_phone_that_speaks_for_its_user_ends_the_wait() {
    let (mut scene, caller, _) = asleep(policy());
    scene.phone("102", Answer::Refuse(603, 500));
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
        504    acme/102 -> server   603 Decline (INVITE)
        505      server -> acme/102 ACK 102
        505      server -> acme/101 603 Decline (INVITE) [Q.850;cause=21]
        506    acme/101 -> server   ACK 102
        record 101 -> 102: 603/21 by Callee, rang (ring 102, declined)
    "#]]);
}

#[test]
fn after_a_restart_a_sleeping_phone_is_woken_as_before() {
    let (mut scene, caller, mut app) = asleep(policy());
    scene.world.restart_server();
    scene.curtain();
    scene.call(caller, "102");
    scene.run(1000);
    assert_eq!(scene.world.server.wakes.len(), 1);
    wakes(&mut scene, &mut app, 1);
    let rings = |(to, m): &&(std::net::SocketAddr, Vec<u8>)| *to == app.at && m.starts_with(b"INVITE");
    assert!(scene.world.mail.iter().any(|m| rings(&m)));
    scene.cancel(caller);
    scene.run(100);
}

/// A thousand calls for a phone that sleeps send one push notification, and one more every five seconds while it does not
/// come. All of them wait, and what still waits rings when it is awake.
#[test]
fn a_sleeping_phone_is_not_flooded_with_push_notifications() {
    let (mut scene, caller, mut app) = asleep(policy());
    let woken = |scene: &Scene| scene.world.server.wakes.len();
    for second in 0..10 {
        for _ in 0..100 {
            let call = scene.call(caller, "102");
            scene.run(5);
            scene.act(caller, |p, now| p.cancel(call, now));
            scene.run(5);
        }
        assert_eq!(woken(&scene), 1 + second / 5, "in second {second}");
    }
    scene.run(30_000);
    // Ten at once.
    let calls: Vec<usize> = (0..10).map(|_| scene.call(caller, "102")).collect();
    scene.run(1000);
    assert_eq!(woken(&scene), 3);
    let before = scene.world.mail.len();
    wakes(&mut scene, &mut app, 1);
    scene.run(100);
    let invites = scene.world.mail[before..].iter();
    assert_eq!(invites.filter(|(_, m)| m.starts_with(b"INVITE")).count(), 10);
    for call in calls {
        scene.act(caller, |p, now| p.cancel(call, now));
    }
    // It sleeps again at once: the next call is a new reason.
    sleeps(&mut scene, &app);
    let call = scene.call(caller, "102");
    scene.run(100);
    assert_eq!(woken(&scene), 4);
    scene.act(caller, |p, now| p.cancel(call, now));
    scene.rests();
}

/// Whoever has let a call go on to somebody else is not rung by it any more, whatever his phones do.
#[test]
fn a_phone_that_registers_again_is_not_rung_for_a_call_that_was_sent_on() {
    let (mut scene, caller, mut app) = asleep(policy());
    scene.phone("103", Answer::Ring);
    let change = UserSettingsChange {
        no_answer_s: Some(5),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("103"))
    };
    scene.set("102", &change);
    scene.call(caller, "102");
    scene.run(1000);
    let invite = wakes(&mut scene, &mut app, 1);
    assert!(invite.starts_with("INVITE"), "{invite}");
    app.responds(&mut scene, &invite, 180, "");
    scene.run(6000);
    let heard = app.hears(&mut scene);
    let cancel = heard.iter().find(|m| m.starts_with("CANCEL")).expect("a CANCEL");
    app.responds(&mut scene, cancel, 200, "");
    app.responds(&mut scene, &invite, 487, "");
    app.hears(&mut scene);
    let answer = wakes(&mut scene, &mut app, 2);
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    assert!(scene.world.ladder.text().contains("INVITE 103"));
}
