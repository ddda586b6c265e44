//! How long bindings live: time, restarts, lost connections and changes of the configuration.

use super::registrar::{PHONE, bound};
use super::scene::{ACME, with_users};
use super::{Hand, Scene};
use expect_test::expect;
use model::{Device, DeviceId, DigestSecret, Policy, TenantConfig, Transport, UserId};
use sim::phone::Answer;

#[test]
fn a_binding_ends_when_its_time_is_over() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 1, &format!("{PHONE};expires=60"));
    scene.run(59_000);
    assert_eq!(scene.world.server.bindings().len(), 1);
    scene.run(1_100);
    assert_eq!(scene.world.server.bindings().len(), 0);
    assert_eq!(bound(&scene), "");
}

#[test]
fn the_calendar_jumps_and_nothing_expires() {
    for jump in [3_600_000, -3_600_000] {
        let mut scene = Scene::new();
        let caller = scene.phone("101", Answer::Ring);
        scene.phone("102", Answer::PickUp(100));
        scene.call(caller, "102");
        scene.run(1000);
        scene.world.jump_wall_clock(jump);
        scene.run(3_000_000);
        scene.hang_up(caller);
        scene.run(1000);
        assert_eq!(scene.world.server.bindings().len(), 2);
        let cdr = &scene.world.server.cdrs[0];
        assert!(cdr.end >= cdr.start);
        assert_eq!(cdr.talk_ms, 3_000_896);
        scene.run(600_000);
        assert_eq!(scene.world.server.bindings().len(), 0);
    }
}

#[test]
fn a_restart_keeps_bindings_and_waits_for_those_on_connections() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(100));
    let tcp = scene.phone_on("103", Transport::Tcp, Answer::PickUp(100));
    scene.world.restart_server();
    scene.curtain();
    expect![[r#"
        sip:101@acme.example at sip:101@10.0.1.2:5060 q 1000 for 3599 s from 10.0.1.2:5060
        sip:102@acme.example at sip:102@10.0.1.3:5060 q 1000 for 3599 s from 10.0.1.3:5060
        sip:103@acme.example at sip:103@10.0.1.4:5060;transport=tcp q 1000 for 3599 s from 10.0.1.4:5060, unreachable
    "#]].assert_eq(&bound(&scene));
    scene.call(caller, "103");
    scene.run(1000);
    scene.act(tcp, |phone, now| phone.register(3600, now));
    scene.run(1000);
    expect![[r#"
        sip:101@acme.example at sip:101@10.0.1.2:5060 q 1000 for 3597 s from 10.0.1.2:5060
        sip:102@acme.example at sip:102@10.0.1.3:5060 q 1000 for 3597 s from 10.0.1.3:5060
        sip:103@acme.example at sip:103@10.0.1.4:5060;transport=tcp q 1000 for 3599 s from 10.0.1.4:5060
    "#]]
    .assert_eq(&bound(&scene));
    scene.call(caller, "103");
    scene.run(1000);
    scene.act(caller, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 103
        2      acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        4      acme/101 -> server   ACK 103
        1000   acme/103 -> server   REGISTER acme.example <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
        1001     server -> acme/103 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        1002   acme/103 -> server   REGISTER acme.example +credentials <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
        1003     server -> acme/103 200 OK (REGISTER) <sip:103@10.0.1.4:5060;transport=tcp>;expires=3600
        2000   acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
        2001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2002   acme/101 -> server   ACK 103
        2002   acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
        2003     server -> acme/101 100 Trying (INVITE)
        2003     server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
        2004   acme/103 -> server   180 Ringing (INVITE)
        2005     server -> acme/101 180 Ringing (INVITE)
        2104   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        2105     server -> acme/103 ACK 103
        2105     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2106   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/103 BYE 103
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 480/20 by System (ring 103, unreachable)
        record 101 -> 103: 200/16 by Caller, rang, talked 896 ms (ring 103, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_disabled_user_loses_his_bindings_and_cannot_come_back() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    let now = scene.world.now();
    scene.world.server.configure(
        with_users(2, |user| user.enabled = &*user.extension != "101"),
        now,
    );
    assert_eq!(bound(&scene), "");
    scene.act(phone, |phone, now| phone.register(3600, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060> Expires 3600
        1        server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        2      acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060> Expires 3600
        3        server -> acme/101 403 Forbidden (REGISTER)
    "#]]);
}

#[test]
fn a_deleted_device_loses_its_bindings() {
    let mut scene = Scene::new();
    scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    let old = with_users(2, |_| {});
    let devices = old.devices().iter().filter(|d| &*d.username != "101").cloned();
    let config = TenantConfig::new(
        ACME,
        2,
        "Acme",
        &["acme.example"],
        Policy::default(),
        old.users().to_vec(),
        devices.collect(),
    );
    let now = scene.world.now();
    scene
        .world
        .server
        .configure(config.expect("a configuration"), now);
    expect![[r#"
        sip:102@acme.example at sip:102@10.0.1.3:5060 q 1000 for 3599 s from 10.0.1.3:5060
    "#]]
    .assert_eq(&bound(&scene));
    scene.world.restart_server();
    assert_eq!(scene.world.server.bindings().len(), 1);
}

#[test]
fn a_lost_connection_is_shown_until_its_phone_is_back() {
    let mut scene = Scene::new();
    let phone = scene.phone_on("101", Transport::Tcp, Answer::Ring);
    scene.world.disconnect(phone);
    expect![[r#"
        sip:101@acme.example at sip:101@10.0.1.2:5060;transport=tcp q 1000 for 3599 s from 10.0.1.2:5060, unreachable
    "#]].assert_eq(&bound(&scene));
    scene.act(phone, |phone, now| phone.register(3600, now));
    scene.run(100);
    expect![[r#"
        sip:101@acme.example at sip:101@10.0.1.2:5060;transport=tcp q 1000 for 3599 s from 10.0.1.2:5060
    "#]]
    .assert_eq(&bound(&scene));
}

#[test]
fn two_devices_of_a_user_with_credentials_of_their_own_both_ring() {
    let mut scene = Scene::new();
    let (caller, _) = (
        scene.phone("102", Answer::Ring),
        scene.phone("101", Answer::PickUp(500)),
    );
    let old = with_users(2, |_| {});
    let secret = sip::digest::ha1("101-soft", "acme.example", "pw101-soft");
    let mut devices = old.devices().to_vec();
    devices.push(Device {
        id: DeviceId(99),
        user: UserId(1),
        username: "101-soft".into(),
        secret: DigestSecret {
            md5: secret.md5,
            sha256: secret.sha256,
        },
    });
    let config = TenantConfig::new(
        ACME,
        2,
        "Acme",
        &["acme.example"],
        Policy::default(),
        old.users().to_vec(),
        devices,
    );
    let now = scene.world.now();
    scene
        .world
        .server
        .configure(config.expect("a configuration"), now);
    scene.phone("101-soft", Answer::Ring);
    expect![[r#"
        sip:101@acme.example at sip:101@10.0.1.3:5060 q 1000 for 3599 s from 10.0.1.3:5060
        sip:101@acme.example at sip:101-soft@10.0.1.4:5060 q 1000 for 3599 s from 10.0.1.4:5060
        sip:102@acme.example at sip:102@10.0.1.2:5060 q 1000 for 3599 s from 10.0.1.2:5060
    "#]]
    .assert_eq(&bound(&scene));
    scene.call(caller, "101");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 101
        2      acme/102 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        3        server -> acme/101-soft INVITE 101-soft {10.0.0.1:10002 0,8}
        4      acme/101 -> server   180 Ringing (INVITE)
        4      acme/101-soft -> server   180 Ringing (INVITE)
        5        server -> acme/102 180 Ringing (INVITE)
        504    acme/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101 ACK 101
        505      server -> acme/101-soft CANCEL 101-soft [SIP;cause=200;text="Call completed elsewhere"]
        505      server -> acme/102 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101-soft -> server   200 OK (CANCEL)
        506    acme/101-soft -> server   487 Request Terminated (INVITE)
        506    acme/102 -> server   ACK 1
        507      server -> acme/101-soft ACK 101-soft
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 102 -> 101: 200/16 by Caller, rang, talked 496 ms (ring 101, answered), packets 1 and 1
    "#]]);
    let cdr = &scene.world.server.cdrs[0];
    assert_eq!(cdr.callee.device, Some(DeviceId(1)));
}
