//! What carriers do with calls: they fall silent, refuse, ask who we are, want signatures and keys of their own.

use super::Scene;
use super::outside::{OUTSIDE, peer, route};
use super::scene::ACME;
use super::trunks::{S, trunk};
use expect_test::expect;
use model::{Policy, SrtpPolicy, Transport};
use sim::carrier::Mood;
use sim::phone::Answer;
use sim::world::Trace;

#[test]
fn a_dead_carrier_is_passed_over_and_then_left_alone() {
    let mut scene = Scene::new();
    let [phone, dead, good] = scene.two_carriers(Answer::Dead, Answer::PickUp(100));
    for call in 1..=7 {
        let number = scene.call(phone, OUTSIDE);
        scene.run(5000);
        assert_eq!(scene.world.phones[good].calls().len(), call);
        scene.act(phone, |phone, now| phone.hang_up(number, now));
        scene.run(500);
    }
    scene.rests();
    let cdrs = &scene.world.server.cdrs;
    assert!(
        cdrs.iter()
            .all(|cdr| cdr.cause.sip == 200 && cdr.callee.trunk.as_deref() == Some("trunk2"))
    );
    // It is tried again now and then; the other calls don't wait for it.
    let waits: Vec<u64> = cdrs
        .iter()
        .map(|cdr| cdr.answer.expect("answered").0 - cdr.start.0)
        .collect();
    let waited = waits.iter().filter(|wait| **wait >= 4_000).count();
    let prompt = waits.iter().filter(|wait| **wait < 1_000).count();
    assert!(waited <= 2 && waited + prompt == waits.len(), "{waits:?}");
    assert_eq!(scene.world.phones[dead].calls().len(), 0);
}

#[test]
fn an_answer_that_nobody_can_acknowledge_is_a_refusal_of_a_call_for_help() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.world.add_carrier("odd.example", 7, None);
    // It answers everything by a bare 200.
    scene.carrier(0).mood = Mood::Rewrites;
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.equip(vec![
        peer(7, "odd.example", |_| {}),
        peer(8, "gw.example", |_| {}),
    ]);
    scene.run(2000);
    scene.call(phone, "112");
    scene.run(2000);
    assert_eq!(scene.carrier(0).count("INVITE", S(0)), 1);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.hang_up(phone);
    scene.rests();
}

#[test]
fn a_carrier_that_nobody_asks_is_called_again_some_time_after_it_fell_silent() {
    let mut scene = Scene::new();
    let [phone, first, second] = scene.two_carriers(Answer::Dead, Answer::PickUp(100));
    let call = |scene: &mut Scene| {
        let number = scene.call(phone, OUTSIDE);
        scene.run(6000);
        scene.act(phone, |phone, now| phone.hang_up(number, now));
        scene.run(1000);
    };
    call(&mut scene);
    scene.run(60_000);
    scene.answers(first, Answer::PickUp(100));
    call(&mut scene);
    let calls = [first, second].map(|switch| scene.world.phones[switch].calls().len());
    assert_eq!(calls, [1, 1]);
    scene.rests();
}

/// A trunk whose carrier's name is not found for as long as these calls take.
fn lost_in_the_dns(calls: usize) -> (Scene, [usize; 2]) {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.world.dns_is_away = true;
    scene.equip(vec![peer(7, "gw.example", |_| {})]);
    scene.run(100);
    for _ in 0..calls {
        scene.call(phone, OUTSIDE);
        scene.run(6000);
    }
    scene.world.dns_is_away = false;
    (scene, [phone, switch])
}

#[test]
fn the_first_call_after_a_name_is_found_again_is_carried() {
    let (mut scene, [phone, switch]) = lost_in_the_dns(1);
    scene.run(60_000);
    let number = scene.call(phone, OUTSIDE);
    scene.run(2000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.act(phone, |phone, now| phone.hang_up(number, now));
    scene.rests();
    let codes: Vec<u16> = scene.world.server.cdrs.iter().map(|cdr| cdr.cause.sip).collect();
    assert_eq!(codes, [503, 200]);
}

#[test]
fn help_does_not_wait_until_a_trunk_has_rested() {
    let (mut scene, [phone, switch]) = lost_in_the_dns(8);
    // Any other call is refused meanwhile.
    scene.call(phone, OUTSIDE);
    scene.run(100);
    assert_eq!(scene.world.phones[switch].calls().len(), 0);
    let number = scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.act(phone, |phone, now| phone.hang_up(number, now));
    scene.rests();
    assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(200));
}

#[test]
fn somebody_hears_of_a_carrier_that_is_left_alone() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.numbered(|_| {});
    scene.trunk(&[1], |draft| draft.register = false);
    // It does not ring before: that would be a sign of life.
    scene.carrier(0).mood = Mood::Fails(500, None);
    scene.run(2000);
    for _ in 0..5 {
        scene.call(phone, OUTSIDE);
        scene.run(2000);
    }
    scene.rests();
    let alone = scene
        .world
        .server
        .news
        .iter()
        .filter_map(|(_, news)| news.left_alone_s);
    assert_eq!(alone.collect::<Vec<_>>(), [5]);
}

#[test]
fn the_called_partys_refusal_is_no_reason_to_try_another() {
    let mut scene = Scene::new();
    let [phone, first, second] = scene.two_carriers(Answer::Refuse(486, 500), Answer::PickUp(100));
    scene.call(phone, OUTSIDE);
    scene.run(3000);
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 486);
    // One that rang and then fails has had its turn.
    scene.answers(first, Answer::Refuse(503, 500));
    scene.call(phone, OUTSIDE);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[1].cause.sip, 480);
    assert_eq!(scene.world.phones[second].calls().len(), 0);
}

#[test]
fn a_carrier_that_asks_gets_the_password_and_a_phone_never_does() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.numbered(|_| {});
    scene.trunk(&[1], |draft| draft.register = false);
    scene.run(2000);
    scene.curtain();
    for call in 0..2 {
        scene.call(phone, OUTSIDE);
        scene.run(1000);
        scene.act(phone, |phone, now| phone.hang_up(call, now));
        scene.run(1000);
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE +493020001000 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK +493020001000
        2      acme/101 -> server   INVITE +493020001000 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> carrier1 INVITE +493020001000 {10.0.0.1:10002 0,8}
        4      carrier1 -> server   401 Unauthorized (INVITE) ?SHA-256 ?MD5
        5        server -> carrier1 ACK +493020001000
        5        server -> carrier1 INVITE +493020001000 +credentials {10.0.0.1:10002 0,8}
        6      carrier1 -> server   200 OK (INVITE) {10.0.9.1:6060 8,0}
        7        server -> carrier1 ACK 10.0.9.1
        7        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8,0}
        8      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> carrier1 BYE 10.0.9.1 +credentials
        1001     server -> acme/101 200 OK (BYE)
        1002   carrier1 -> server   200 OK (BYE)
        2000   acme/101 -> server   INVITE +493020001000 {10.0.1.2:6060 0,8}
        2001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2002   acme/101 -> server   ACK +493020001000
        2002   acme/101 -> server   INVITE +493020001000 +credentials {10.0.1.2:6060 0,8}
        2003     server -> acme/101 100 Trying (INVITE)
        2003     server -> carrier1 INVITE +493020001000 +credentials {10.0.0.1:10006 0,8}
        2004   carrier1 -> server   200 OK (INVITE) {10.0.9.1:6060 8,0}
        2005     server -> carrier1 ACK 10.0.9.1
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 8,0}
        2006   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> carrier1 BYE 10.0.9.1 +credentials
        3001     server -> acme/101 200 OK (BYE)
        3002   carrier1 -> server   200 OK (BYE)
        record 101 -> +493020001000: 200/16 by Caller, talked 994 ms (outside +493020001000, trunk trunk7, answered), packets 2 and 0
        record 101 -> +493020001000: 200/16 by Caller, talked 996 ms (outside +493020001000, trunk trunk7, answered), packets 2 and 0
    "#]]);
    scene.carrier(0).account = Some(("acme".to_owned(), "other".to_owned()));
    scene.carrier(0).forget_nonces();
    scene.call(phone, OUTSIDE);
    scene.rests();
    let last = scene.world.server.cdrs.last().expect("a record");
    assert_ne!(last.cause.sip, 200);
}

#[test]
fn a_carrier_that_asks_who_hangs_up_is_told() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.numbered(|_| {});
    scene.trunk(&[1], |draft| draft.register = false);
    scene.carrier(0).asks_who_hangs_up = true;
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    scene.hang_up(phone);
    scene.rests();
    assert_eq!(scene.carrier(0).count("BYE", S(0)), 2);
    let said = scene.world.trace.iter().rev().find_map(|trace| match trace {
        Trace::In(_, bytes) => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.contains("CSeq: 4 BYE").then_some(text)
        }
        _ => None,
    });
    assert!(said.is_some_and(|said| said.starts_with("SIP/2.0 200")));
}

#[test]
fn a_phone_with_keys_talks_to_a_carrier_without() {
    let mut scene = Scene::with(Policy {
        srtp: SrtpPolicy::Required,
        ..Policy::default()
    });
    let phone = scene.phone_on("101", Transport::Tls, Answer::PickUp(100));
    scene.act(phone, |phone, _| phone.sdes = Some(sim::phone::Sdes::usual('K')));
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.equip(vec![peer(7, "gw.example", |_| {})]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    scene.talk_to_each_other(phone, switch);
    scene.hang_up(phone);
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert!(cdr.caller_srtp.is_some() && cdr.callee_srtp.is_none());
}

/// RFC 8225 Appendix A.
const KEY: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFeZ1R208QCvcu5GuYyMfG4W7sH4m99/7eHSDLpdYllFoAoGCCqGSM49
AwEHoUQDQgAE8HNbQd/TmvCKwPKHkMF9fScavGeH78YTU8qLS8I5HLHSSmlATLcs
lQMhNC/OhlWBYC626nIlo7XeebYS7Sb37g==
-----END EC PRIVATE KEY-----";

#[test]
fn a_call_is_signed_where_the_trunk_wants_that() {
    use stir::{Begun, Call, Rules, Signer, Verification};
    let mut scene = Scene::new();
    let rules = Rules::default();
    let signer = Signer::new(KEY.as_bytes(), "https://sti.example/ours.pem", &rules).expect("a key");
    let now = scene.world.now();
    scene.world.server.sign_with(signer, ACME, now);
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    assert_eq!(scene.shown(switch, "Identity"), "");
    scene.hang_up(phone);
    scene.equip(vec![peer(7, "gw.example", |draft| draft.sign = true)]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    let (identity, call) = (
        scene.shown(switch, "Identity"),
        Call {
            orig: "+49305550001",
            dest: OUTSIDE,
        },
    );
    let now = scene.world.now().wall.secs();
    let begun = |call: &Call<'_>| Verification::begin(&rules, [identity.as_str()], call, now);
    // The claims are those of the call; whether the signature is good its certificate will tell.
    assert!(
        matches!(begun(&call), Begun::NeedsCertificate(check) if check.url() == "https://sti.example/ours.pem")
    );
    let other = Call {
        orig: "+49305550002",
        ..call
    };
    assert!(matches!(begun(&other), Begun::Done(_)));
    assert!(scene.shown(switch, "Date").ends_with(" GMT"));
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.rests();
}

#[test]
fn a_number_of_the_tenants_that_comes_from_outside_is_not_vouched_for() {
    use stir::{Rules, Signer};
    let mut scene = Scene::new();
    let signer = Signer::new(KEY.as_bytes(), "https://sti.example/ours.pem", &Rules::default());
    let now = scene.world.now();
    scene.world.server.sign_with(signer.expect("a key"), ACME, now);
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.world.add_carrier("carrier.example", 1, None);
    let signs = |draft: &mut model::TrunkDraft| (draft.sign, draft.foreign_caller) = (true, true);
    scene.equip(vec![
        peer(7, "gw.example", signs),
        peer(8, "carrier.example", |_| {}),
    ]);
    scene.numbered(|policy| {
        policy.routes.insert("out".to_owned(), route(&["trunk7"]));
    });
    scene.run(2000);
    let attests = |scene: &Scene| {
        let identity = scene.shown(switch, "Identity");
        identity
            .split('.')
            .nth(1)
            .and_then(|claims| claims.get(..16))
            .map(str::to_owned)
    };
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    assert_eq!(attests(&scene).as_deref(), Some("eyJhdHRlc3QiOiJB"), "in full");
    scene.hang_up(phone);
    scene.forward("101", model::ForwardKind::Always, OUTSIDE);
    scene.run(1000);
    let server = scene.world.server_address();
    scene
        .carrier(0)
        .call("+49305550001@10.0.0.1", "+49305550002", server);
    scene.world.collect();
    scene.run(2000);
    assert_eq!(
        scene.shown(switch, "From").split('@').next(),
        Some("<sip:+49305550002")
    );
    assert_eq!(
        attests(&scene).as_deref(),
        Some("eyJhdHRlc3QiOiJD"),
        "as a gateway"
    );
    scene.act(switch, |switch, now| switch.hang_up(1, now));
    scene.rests();
}

#[test]
fn a_deaf_carrier_of_a_single_trunk_is_waited_for_and_its_second_place_is_tried() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.numbered(|_| {});
    scene.trunk(&[1, 2], |draft| draft.register = false);
    scene.carrier(0).mood = Mood::Deaf;
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(8000);
    assert_eq!(scene.world.phones[phone].calls().len(), 1);
    scene.act(phone, |phone, now| phone.hang_up(0, now));
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert_eq!(cdr.cause.sip, 200);
}

#[test]
fn a_trunk_that_registers_takes_calls_by_its_contact() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.equip(vec![trunk(7, |draft| draft.inbound = "101".to_owned())]);
    let carrier = scene
        .world
        .add_carrier("carrier.example", 1, Some(("acme", "secret")));
    scene.run(70_000);
    let (contact, _) = scene.world.carriers[carrier]
        .registered
        .clone()
        .expect("a contact");
    let contact = contact
        .trim_start_matches("<sip:")
        .trim_end_matches('>')
        .to_owned();
    let server = scene.world.server_address();
    scene.world.carriers[carrier].call(&contact, OUTSIDE, server);
    scene.world.collect();
    scene.run(2000);
    assert_eq!(scene.world.phones[phone].calls().len(), 1);
    scene.act(phone, |phone, now| phone.hang_up(0, now));
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].caller.number, OUTSIDE);
}
