//! Star codes that change the caller's settings: do-not-disturb and call forwarding.

use super::Scene;
use super::forwarded::user;
use super::scene::ACME;
use expect_test::expect;
use model::{Policy, UserSettings};
use sim::phone::Answer;

fn settings(scene: &Scene, extension: &str) -> UserSettings {
    scene
        .world
        .server
        .tenant(ACME)
        .expect("acme")
        .settings(user(extension))
}

/// A phone of 101 that says nothing.
fn quiet() -> (Scene, usize) {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.mute(&[phone]);
    (scene, phone)
}

#[test]
fn do_not_disturb() {
    let (mut scene, phone) = quiet();
    let other = scene.phone("102", Answer::Ring);
    scene.mute(&[other]);
    scene.call(phone, "*78");
    scene.run(3000);
    assert!(settings(&scene, "101").dnd);
    assert_eq!(scene.world.phones[phone].packets_received, 60);
    scene.call(other, "101");
    scene.run(500);
    scene.call(phone, "*79");
    scene.run(3000);
    assert!(!settings(&scene, "101").dnd);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        3000   acme/102 -> server   INVITE 101 {10.0.1.3:6060 0,8}
        3001     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3002   acme/102 -> server   ACK 101
        3002   acme/102 -> server   INVITE 101 +credentials {10.0.1.3:6060 0,8}
        3003     server -> acme/102 100 Trying (INVITE)
        3003     server -> acme/102 486 Busy Here (INVITE) [Q.850;cause=17]
        3004   acme/102 -> server   ACK 101
        3500   acme/101 -> server   INVITE *79 {10.0.1.2:6060 0,8}
        3501     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3502   acme/101 -> server   ACK *79
        3502   acme/101 -> server   INVITE *79 +credentials {10.0.1.2:6060 0,8}
        3503     server -> acme/101 100 Trying (INVITE)
        3503     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3504   acme/101 -> server   ACK 1
        4700     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        4701   acme/101 -> server   200 OK (BYE)
        record 101 -> *78: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 0
        record 102 -> 101: 486/17 by Callee (do not disturb)
        record 101 -> *79: 200/16 by System, talked 1197 ms (dnd off, confirmation tone, answered), packets 0
    "#]]);
}

#[test]
fn toggled() {
    let (mut scene, phone) = quiet();
    for on in [true, false] {
        scene.call(phone, "*76");
        scene.run(3000);
        assert_eq!(settings(&scene, "101").dnd, on);
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *76 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *76
        2      acme/101 -> server   INVITE *76 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        3000   acme/101 -> server   INVITE *76 {10.0.1.2:6060 0,8}
        3001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3002   acme/101 -> server   ACK *76
        3002   acme/101 -> server   INVITE *76 +credentials {10.0.1.2:6060 0,8}
        3003     server -> acme/101 100 Trying (INVITE)
        3003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10002 0}
        3004   acme/101 -> server   ACK 1
        4200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        4201   acme/101 -> server   200 OK (BYE)
        record 101 -> *76: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 0
        record 101 -> *76: 200/16 by System, talked 1197 ms (dnd off, confirmation tone, answered), packets 0
    "#]]);
}

#[test]
fn forwards() {
    let (mut scene, phone) = quiet();
    for code in ["*72102", "*90103", "*92104"] {
        scene.call(phone, code);
        scene.run(3000);
    }
    let set = settings(&scene, "101");
    let numbers = [set.forward_always, set.forward_busy, set.forward_no_answer];
    assert_eq!(numbers, ["102", "103", "104"].map(|number| Some(number.into())));
    scene.curtain();
    for code in ["*73", "*91", "*93"] {
        scene.call(phone, code);
        scene.run(3000);
    }
    assert_eq!(settings(&scene, "101"), UserSettings::default());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *73 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *73
        2      acme/101 -> server   INVITE *73 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10002 0}
        4      acme/101 -> server   ACK 1
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        3000   acme/101 -> server   INVITE *91 {10.0.1.2:6060 0,8}
        3001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3002   acme/101 -> server   ACK *91
        3002   acme/101 -> server   INVITE *91 +credentials {10.0.1.2:6060 0,8}
        3003     server -> acme/101 100 Trying (INVITE)
        3003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3004   acme/101 -> server   ACK 1
        4200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        4201   acme/101 -> server   200 OK (BYE)
        6000   acme/101 -> server   INVITE *93 {10.0.1.2:6060 0,8}
        6001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        6002   acme/101 -> server   ACK *93
        6002   acme/101 -> server   INVITE *93 +credentials {10.0.1.2:6060 0,8}
        6003     server -> acme/101 100 Trying (INVITE)
        6003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10002 0}
        6004   acme/101 -> server   ACK 1
        7200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        7201   acme/101 -> server   200 OK (BYE)
        record 101 -> *72102: 200/16 by System, talked 1197 ms (forward always to 102, confirmation tone, answered), packets 0
        record 101 -> *90103: 200/16 by System, talked 1197 ms (forward busy to 103, confirmation tone, answered), packets 0
        record 101 -> *92104: 200/16 by System, talked 1197 ms (forward no answer to 104, confirmation tone, answered), packets 0
        record 101 -> *73: 200/16 by System, talked 1197 ms (forward always off, confirmation tone, answered), packets 0
        record 101 -> *91: 200/16 by System, talked 1197 ms (forward busy off, confirmation tone, answered), packets 0
        record 101 -> *93: 200/16 by System, talked 1197 ms (forward no answer off, confirmation tone, answered), packets 0
    "#]]);
}

#[test]
fn a_forward_that_can_not_be() {
    let (mut scene, phone) = quiet();
    scene.call(phone, "*72101");
    scene.run(5000);
    assert_eq!(settings(&scene, "101"), UserSettings::default());
    assert_eq!(
        scene.world.phones[phone].packets_received, 100,
        "two seconds, for it says nothing"
    );
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *72101 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *72101
        2      acme/101 -> server   INVITE *72101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        3000     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        3001   acme/101 -> server   200 OK (BYE)
        record 101 -> *72101: 200/16 by System, talked 2997 ms (forward always refused, congestion tone, answered), packets 0, Caller: nothing comes from it
    "#]]);
}

/// The phone's key and lamp follow.
#[test]
fn phones_keys_follow() {
    let (mut scene, phone) = quiet();
    scene.act(phone, |p, now| p.watch("as-feature-event", "101", 600, now));
    scene.run(500);
    scene.curtain();
    scene.call(phone, "*78");
    scene.run(3000);
    scene.sees(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3        server -> acme/101 NOTIFY 101 Event as-feature-event Subscription-State active;expires=599 {<DoNotDisturbEvent <device>101</device><doNotDisturbOn>true</doNotDisturbOn> </DoNotDisturbEvent>}
        4      acme/101 -> server   ACK 1
        4      acme/101 -> server   200 OK (NOTIFY)
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        record 101 -> *78: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 0
    "#]]);
}

#[test]
fn hung_up_before_the_tone_is_over() {
    let (mut scene, phone) = quiet();
    scene.call(phone, "*78");
    scene.run(300);
    scene.hang_up(phone);
    scene.run(100);
    assert!(settings(&scene, "101").dnd);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        300    acme/101 -> server   BYE 1
        301      server -> acme/101 200 OK (BYE)
        record 101 -> *78: 200/16 by Caller, talked 298 ms (dnd on, confirmation tone, answered), packets 0
    "#]]);
}

/// Who is on hold hears nothing; the tone begins anew.
#[test]
fn held_while_the_tone_plays() {
    let (mut scene, phone) = quiet();
    scene.call(phone, "*78");
    scene.run(300);
    scene.reinvite(phone, "sendonly");
    scene.run(5000);
    scene.reinvite(phone, "sendrecv");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        300    acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        301      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 recvonly}
        302    acme/101 -> server   ACK 1
        5300   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        5301     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        5302   acme/101 -> server   ACK 1
        6500     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        6501   acme/101 -> server   200 OK (BYE)
        record 101 -> *78: 200/16 by System, talked 6497 ms (dnd on, confirmation tone, answered), packets 0
    "#]]);
}

/// What is written with escapes is the same code.
#[test]
fn an_escaped_star() {
    let (mut scene, phone) = quiet();
    scene.call(phone, "%2A78");
    scene.run(100);
    assert!(settings(&scene, "101").dnd);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE %2A78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK %2A78
        2      acme/101 -> server   INVITE %2A78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        record 101 -> *78: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 0
    "#]]);
}

#[test]
fn the_tenants_country() {
    let mut scene = Scene::with(Policy {
        country: "de".to_owned(),
        ..Policy::default()
    });
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "*78");
    scene.run(3000);
    assert_eq!(scene.world.phones[phone].packets_received, 60);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE *78 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK *78
        2      acme/101 -> server   INVITE *78 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1200     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of tone"]
        1201   acme/101 -> server   200 OK (BYE)
        record 101 -> *78: 200/16 by System, talked 1197 ms (dnd on, confirmation tone, answered), packets 3
    "#]]);
}
