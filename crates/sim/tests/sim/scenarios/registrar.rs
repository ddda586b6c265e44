//! Registrations (RFC 3261 §10, RFC 5626 §6).

use super::by_hand::{authorized, code, field, register};
use super::scene::ACME;
use super::{Hand, Scene};
use expect_test::{Expect, expect};
use model::Policy;

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
pub(super) fn bound(scene: &Scene) -> String {
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

pub(super) const PHONE: &str = "<sip:101@10.0.2.1>";

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
        10         hand -> server   REGISTER acme.example
        11       server -> hand     401 Unauthorized (REGISTER) ?MD5
        30         hand -> server   REGISTER acme.example +credentials
        31       server -> hand     200 OK (REGISTER) <sip:101@10.0.2.1>;expires=3594 <sip:101@10.0.2.1:7>;expires=3594;q=0.300
    "#]]);
}

#[test]
fn a_copy_of_a_register_is_answered_on_its_flow_only() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "101", 7, PHONE);
    let signed = |cseq| {
        let challenge = "Digest realm=\"acme.example\", nonce=\"spent\", algorithm=SHA-256";
        authorized(
            &register("101", "hand-10.0.2.1", cseq, PHONE),
            challenge,
            "101",
            "pw101",
            1,
        )
    };
    let copy = signed(7);
    assert_eq!(code(&hand.asks(&mut scene, &copy)), 200);
    let mut other = Hand::new(&mut scene, "other", 2);
    assert_eq!(code(&other.asks(&mut scene, &copy)), 401);
    assert_eq!(code(&hand.asks(&mut scene, &signed(8))), 401);
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
