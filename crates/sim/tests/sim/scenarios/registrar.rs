//! Registrations (RFC 3261 §10, RFC 5626 §6).

use super::by_hand::{code, field, register};
use super::scene::{ACME, with_users};
use super::{Hand, Scene};
use expect_test::{Expect, expect};
use model::{Policy, TenantConfig, Transport};
use sim::phone::Answer;

/// Registers each Contact in turn, by one phone with one Call-ID, and shows what is bound then.
fn check(policy: Policy, contacts: &[&str], expected: Expect) {
    let mut scene = Scene::with(policy);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let mut text = String::new();
    for (cseq, contact) in (1..).zip(contacts) {
        let answer = hand.registers(&mut scene, "101", cseq * 10, contact);
        text.push_str(&format!(
            "{} -> {}\n",
            contact.replace('\n', ", "),
            outcome(&answer)
        ));
    }
    text.push_str(&bound(&scene));
    expected.assert_eq(&text);
}

/// The status with what explains it.
fn outcome(answer: &str) -> String {
    let mut text = code(answer).to_string();
    for name in ["Min-Expires", "Retry-After"] {
        let line = field(answer, name);
        if !line.is_empty() {
            text.push_str(&format!(", {line}"));
        }
    }
    text
}

/// What commands and the API show.
fn bound(scene: &Scene) -> String {
    let tenant = scene.world.server.tenant(ACME).expect("acme");
    let mut text = String::new();
    for view in tenant.registrations(scene.world.now()) {
        let dead = if view.reachable { "" } else { ", unreachable" };
        let instance = view.instance.map_or(String::new(), |urn| format!(", {urn}"));
        text.push_str(&format!(
            "{} at {} q {} for {} s from {}{instance}{dead}\n",
            view.aor, view.contact, view.q_milli, view.expires_in_s, view.flow.remote
        ));
    }
    text
}

const PHONE: &str = "<sip:101@10.0.2.1>";

#[test]
fn one_phone_registers_and_refreshes() {
    check(
        Policy::default(),
        &[PHONE, PHONE],
        expect![[r#"
        <sip:101@10.0.2.1> -> 200
        <sip:101@10.0.2.1> -> 200
        sip:101@acme.example at sip:101@10.0.2.1 q 1000 for 3599 s from 10.0.2.1:5060
    "#]],
    );
}

#[test]
fn several_contacts_with_preferences() {
    check(
        Policy::default(),
        &["<sip:101@10.0.2.1>;q=0.5, <sip:101@10.0.2.2>;expires=600, <tel:+49301>;q=0"],
        expect![[r#"
            <sip:101@10.0.2.1>;q=0.5, <sip:101@10.0.2.2>;expires=600, <tel:+49301>;q=0 -> 200
            sip:101@acme.example at sip:101@10.0.2.1 q 500 for 3599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.2 q 1000 for 599 s from 10.0.2.1:5060
            sip:101@acme.example at tel:+49301 q 0 for 3599 s from 10.0.2.1:5060
        "#]],
    );
}

#[test]
fn contacts_are_compared_as_uris() {
    check(
        Policy::default(),
        &[
            "<sip:101@10.0.2.1;line=a>",
            "<sip:101@10.0.2.1;line=b>",
            "<sip:%3101@10.0.2.1;line=a>;expires=300",
            "<sip:101@10.0.2.1;transport=udp>",
            "<sip:101@10.0.2.1:5060>",
        ],
        expect![[r#"
            <sip:101@10.0.2.1;line=a> -> 200
            <sip:101@10.0.2.1;line=b> -> 200
            <sip:%3101@10.0.2.1;line=a>;expires=300 -> 200
            <sip:101@10.0.2.1;transport=udp> -> 200
            <sip:101@10.0.2.1:5060> -> 200
            sip:101@acme.example at sip:%3101@10.0.2.1;line=a q 1000 for 299 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1;line=b q 1000 for 3599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1;transport=udp q 1000 for 3599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:5060 q 1000 for 3599 s from 10.0.2.1:5060
        "#]],
    );
}

#[test]
fn an_instance_with_reg_id_is_replaced_whatever_its_contact() {
    check(
        Policy::default(),
        &[
            "<sip:101@10.0.2.1:1>;+sip.instance=\"<urn:uuid:a>\";reg-id=1",
            "<sip:101@10.0.2.1:2>;+sip.instance=\"<urn:uuid:a>\";reg-id=2",
            "<sip:101@10.0.2.1:3>;+sip.instance=\"<urn:uuid:a>\";reg-id=1",
            "<sip:101@10.0.2.1:4>;+sip.instance=\"<urn:uuid:b>\";reg-id=1",
        ],
        expect![[r#"
            <sip:101@10.0.2.1:1>;+sip.instance="<urn:uuid:a>";reg-id=1 -> 200
            <sip:101@10.0.2.1:2>;+sip.instance="<urn:uuid:a>";reg-id=2 -> 200
            <sip:101@10.0.2.1:3>;+sip.instance="<urn:uuid:a>";reg-id=1 -> 200
            <sip:101@10.0.2.1:4>;+sip.instance="<urn:uuid:b>";reg-id=1 -> 200
            sip:101@acme.example at sip:101@10.0.2.1:3 q 1000 for 3599 s from 10.0.2.1:5060, urn:uuid:a
            sip:101@acme.example at sip:101@10.0.2.1:2 q 1000 for 3599 s from 10.0.2.1:5060, urn:uuid:a
            sip:101@acme.example at sip:101@10.0.2.1:4 q 1000 for 3599 s from 10.0.2.1:5060, urn:uuid:b
        "#]],
    );
}

#[test]
fn an_instance_without_reg_id_leaves_its_old_address() {
    check(
        Policy::default(),
        &[
            "<sip:101@10.0.2.1:1>;+sip.instance=\"<urn:uuid:a>\"",
            "<sip:101@10.0.2.1:2>;+sip.instance=\"<urn:uuid:a>\"",
        ],
        expect![[r#"
            <sip:101@10.0.2.1:1>;+sip.instance="<urn:uuid:a>" -> 200
            <sip:101@10.0.2.1:2>;+sip.instance="<urn:uuid:a>" -> 200
            sip:101@acme.example at sip:101@10.0.2.1:2 q 1000 for 3599 s from 10.0.2.1:5060, urn:uuid:a
        "#]],
    );
}

#[test]
fn expiry_has_bounds_and_a_default() {
    let policy = Policy {
        min_expires_s: 120,
        max_expires_s: 600,
        default_expires_s: 300,
        ..Policy::default()
    };
    check(
        policy,
        &[
            "<sip:101@10.0.2.1:1>;expires=119",
            "<sip:101@10.0.2.1:2>;expires=120",
            "<sip:101@10.0.2.1:3>;expires=99999",
            "<sip:101@10.0.2.1:4>",
            "<sip:101@10.0.2.1:5>\nExpires: 200",
            "<sip:101@10.0.2.1:6>;expires=bogus",
            "<sip:101@10.0.2.1:7>;expires=60, <sip:101@10.0.2.1:8>",
        ],
        expect![[r#"
            <sip:101@10.0.2.1:1>;expires=119 -> 423, Min-Expires: 120
            <sip:101@10.0.2.1:2>;expires=120 -> 200
            <sip:101@10.0.2.1:3>;expires=99999 -> 200
            <sip:101@10.0.2.1:4> -> 200
            <sip:101@10.0.2.1:5>, Expires: 200 -> 200
            <sip:101@10.0.2.1:6>;expires=bogus -> 200
            <sip:101@10.0.2.1:7>;expires=60, <sip:101@10.0.2.1:8> -> 423, Min-Expires: 120
            sip:101@acme.example at sip:101@10.0.2.1:2 q 1000 for 119 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:3 q 1000 for 599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:4 q 1000 for 299 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:5 q 1000 for 199 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:6 q 1000 for 299 s from 10.0.2.1:5060
        "#]],
    );
}

#[test]
fn unregistering_one_and_all() {
    check(
        Policy::default(),
        &[
            "<sip:101@10.0.2.1:1>, <sip:101@10.0.2.1:2>, <sip:101@10.0.2.1:3>",
            "<sip:101@10.0.2.1:2>;expires=0",
            "<sip:101@10.0.2.1:9>;expires=0",
            "*",
            "*\nExpires: 60",
            "*, <sip:101@10.0.2.1:4>\nExpires: 0",
        ],
        expect![[r#"
            <sip:101@10.0.2.1:1>, <sip:101@10.0.2.1:2>, <sip:101@10.0.2.1:3> -> 200
            <sip:101@10.0.2.1:2>;expires=0 -> 200
            <sip:101@10.0.2.1:9>;expires=0 -> 200
            * -> 400
            *, Expires: 60 -> 400
            *, <sip:101@10.0.2.1:4>, Expires: 0 -> 400
            sip:101@acme.example at sip:101@10.0.2.1:1 q 1000 for 3599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:3 q 1000 for 3599 s from 10.0.2.1:5060
        "#]],
    );
    check(
        Policy::default(),
        &[PHONE, "*\nExpires: 0"],
        expect![[r#"
        <sip:101@10.0.2.1> -> 200
        *, Expires: 0 -> 200
    "#]],
    );
}

#[test]
fn one_binding_too_many_displaces_the_oldest() {
    let policy = Policy {
        max_bindings: 2,
        ..Policy::default()
    };
    check(
        policy,
        &[
            "<sip:101@10.0.2.1:1>",
            "<sip:101@10.0.2.1:2>",
            "<sip:101@10.0.2.1:3>",
            "<sip:101@10.0.2.1:4>, <sip:101@10.0.2.1:5>, <sip:101@10.0.2.1:6>",
        ],
        expect![[r#"
            <sip:101@10.0.2.1:1> -> 200
            <sip:101@10.0.2.1:2> -> 200
            <sip:101@10.0.2.1:3> -> 200
            <sip:101@10.0.2.1:4>, <sip:101@10.0.2.1:5>, <sip:101@10.0.2.1:6> -> 400
            sip:101@acme.example at sip:101@10.0.2.1:2 q 1000 for 3599 s from 10.0.2.1:5060
            sip:101@acme.example at sip:101@10.0.2.1:3 q 1000 for 3599 s from 10.0.2.1:5060
        "#]],
    );
}

#[test]
fn an_older_register_of_the_same_phone_changes_nothing() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 10, PHONE);
    let late = hand.registers(&mut scene, "101", 8, "<sip:101@10.0.2.1>;expires=0");
    assert_eq!(code(&late), 500);
    let star = hand.registers(&mut scene, "101", 9, "*\nExpires: 0");
    assert_eq!(code(&star), 500);
    assert_eq!(scene.world.server.bindings().len(), 1);
}

#[test]
fn a_query_changes_nothing_and_names_all_contacts() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(
        &mut scene,
        "101",
        1,
        "<sip:101@10.0.2.1>, <sip:101@10.0.2.1:7>;q=0.3",
    );
    scene.run(5000);
    scene.curtain();
    hand.registers(&mut scene, "101", 5, "");
    scene.ends(expect![[r#"
            10     hand -> server   REGISTER acme.example
            11   server -> hand     401 Unauthorized (REGISTER) ?SHA-256 ?MD5
            30     hand -> server   REGISTER acme.example +credentials
            31   server -> hand     200 OK (REGISTER) <sip:101@10.0.2.1>;expires=3594 <sip:101@10.0.2.1:7>;expires=3594;q=0.300
    "#]]);
}

#[test]
fn a_copy_of_a_register_is_answered_on_its_flow_only() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 7, PHONE);
    let copy = register("101", "hand-10.0.2.1", 7, PHONE);
    assert_eq!(code(&hand.asks(&mut scene, &copy)), 200);
    let mut other = Hand::new(&mut scene, "other", 2);
    assert_eq!(code(&other.asks(&mut scene, &copy)), 401);
    let next = register("101", "hand-10.0.2.1", 8, PHONE);
    assert_eq!(code(&hand.asks(&mut scene, &next)), 401);
}

#[test]
fn a_binding_ends_when_its_time_is_over() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 1, "<sip:101@10.0.2.1>;expires=60");
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
             0 acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
             1   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
             2 acme/101 -> server   ACK 103
             2 acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
             3   server -> acme/101 100 Trying (INVITE)
             3   server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
             4 acme/101 -> server   ACK 103
          1000 acme/103 -> server   REGISTER acme.example <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
          1001   server -> acme/103 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
          1002 acme/103 -> server   REGISTER acme.example +credentials <sip:103@10.0.1.4:5060;transport=tcp> Expires 3600
          1003   server -> acme/103 200 OK (REGISTER) <sip:103@10.0.1.4:5060;transport=tcp>;expires=3600
          2000 acme/101 -> server   INVITE 103 {10.0.1.2:6060 0,8}
          2001   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
          2002 acme/101 -> server   ACK 103
          2002 acme/101 -> server   INVITE 103 +credentials {10.0.1.2:6060 0,8}
          2003   server -> acme/101 100 Trying (INVITE)
          2003   server -> acme/103 INVITE 103 {10.0.0.1:10002 0,8}
          2004 acme/103 -> server   180 Ringing (INVITE)
          2005   server -> acme/101 180 Ringing (INVITE)
          2104 acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
          2105   server -> acme/103 ACK 103
          2105   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
          2106 acme/101 -> server   ACK 1
          3000 acme/101 -> server   BYE 1
          3001   server -> acme/103 BYE 103
          3001   server -> acme/101 200 OK (BYE)
          3002 acme/103 -> server   200 OK (BYE)
        record 101 -> 103: 480/20 by System (ring 103, unreachable)
        record 101 -> 103: 200/16 by Caller, rang, talked 896 ms (ring 103, answered), packets 2 and 2
    "#]]);
}

#[test]
fn only_a_users_own_address_can_be_registered() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let foreign = register("102", "foreign", 1, PHONE);
    let answer = hand.insists(&mut scene, "101", &foreign, "");
    assert_eq!(code(&answer), 403);
    let elsewhere = register("101", "elsewhere", 1, PHONE).replace("To: <sip:101@acme", "To: <sip:101@beta");
    let answer = hand.insists(&mut scene, "101", &elsewhere, "");
    assert_eq!(code(&answer), 403);
    assert_eq!(scene.world.server.bindings().len(), 0);
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
             0 acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060> Expires 3600
             1   server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
             2 acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060> Expires 3600
             3   server -> acme/101 403 Forbidden (REGISTER)
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
