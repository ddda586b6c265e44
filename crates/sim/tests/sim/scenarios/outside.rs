//! Calls to the public network and from it, by trunks.

use super::Scene;
use super::scene::ACME;
use super::trunks::{S, trunk};
use expect_test::expect;
use model::{
    DestinationClass, Leg, NumberRange, Policy, Route, RouteTrunk, SrtpPolicy, Transport, Trunk, TrunkDraft,
    TrunkId, TrunkIdentity, TrunkPassword,
};
use sim::carrier::Mood;
use sim::phone::Answer;
use sim::world::Trace;

pub(super) const OUTSIDE: &str = "+493020001000";

/// A trunk without registration to this host.
pub(super) fn peer(id: u64, host: &str, change: impl FnOnce(&mut TrunkDraft)) -> Trunk {
    let mut draft = TrunkDraft {
        host: host.to_owned(),
        transport: Some(Transport::Udp),
        options_s: 0,
        ..TrunkDraft::default()
    };
    change(&mut draft);
    assert_eq!(draft.check(), Ok(()));
    Trunk {
        id: TrunkId(id),
        name: format!("trunk{id}").into(),
        draft,
        password: TrunkPassword::default(),
    }
}

pub(super) fn route(trunks: &[&str]) -> Route {
    let trunk = |text: &&str| RouteTrunk::try_from((*text).to_owned()).expect("a trunk");
    Route {
        trunks: trunks.iter().map(trunk).collect(),
        ..Route::default()
    }
}

impl Scene {
    /// A carrier's switch that behaves as a phone does, under a name of the DNS.
    pub(super) fn switch(&mut self, domain: &str, user: &str, answer: Answer) -> usize {
        let phone = self.world.add_phone(domain, user, Transport::Udp, answer);
        let address = self.world.phones[phone].identity.address;
        self.world.add_place(domain, address);
        phone
    }

    /// Acme is in Germany, and +49 30 555 00xx are its numbers: 01 leads to 101.
    pub(super) fn numbered(&mut self, alter: impl FnOnce(&mut Policy)) {
        let block = NumberRange {
            first: 49_305_550_000,
            last: 49_305_550_099,
            to: "1".into(),
            keep: 2,
        };
        let now = self.world.now();
        let with_home = |policy: &mut Policy| {
            policy.region = "de".to_owned();
            alter(policy);
        };
        self.world.tracing = true;
        self.world.server.number(ACME, vec![block], with_home, now);
        self.world.collect();
    }

    /// One carrier, and a phone that may call it.
    pub(super) fn outside(&mut self, answer: Answer) -> (usize, usize) {
        let phone = self.phone("101", Answer::PickUp(1000));
        let switch = self.switch("gw.example", OUTSIDE, answer);
        self.numbered(|_| {});
        self.equip(vec![peer(7, "gw.example", |_| {})]);
        self.world.run(S(2));
        self.curtain();
        (phone, switch)
    }

    /// What the switch was told in this header of its last INVITE.
    pub(super) fn shown(&self, switch: usize, name: &str) -> String {
        let at = self.world.phones[switch].identity.address;
        let said = self.world.trace.iter().rev().find_map(|trace| match trace {
            Trace::Out(flow, bytes) if flow.remote == at => {
                let text = String::from_utf8_lossy(bytes).into_owned();
                text.starts_with("INVITE").then_some(text)
            }
            _ => None,
        });
        let value = said.and_then(|text| {
            let line = text.lines().find(|line| line.starts_with(&format!("{name}: ")))?;
            line.split_once(": ").map(|(_, value)| value.to_owned())
        });
        value.unwrap_or_default()
    }
}

#[test]
fn the_ladder_of_a_call_to_the_outside() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(1000));
    scene.call(phone, "030 2000 1000".replace(' ', "").as_str());
    scene.run(2000);
    scene.talk_to_each_other(phone, switch);
    scene.hang_up(phone);
    scene.run(100);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 03020001000 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 03020001000
        2      acme/101 -> server   INVITE 03020001000 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> gw/+493020001000 INVITE +493020001000 {10.0.0.1:10002 0,8}
        4      gw/+493020001000 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   gw/+493020001000 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> gw/+493020001000 ACK +493020001000
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> gw/+493020001000 BYE +493020001000
        2001     server -> acme/101 200 OK (BYE)
        2002   gw/+493020001000 -> server   200 OK (BYE)
        record 101 -> +493020001000: 200/16 by Caller, rang, talked 996 ms (outside +493020001000, trunk trunk7, answered), packets 2 and 2
    "#]]);
    assert_eq!(
        scene.shown(switch, "From").split(';').next(),
        Some("<sip:+49305550001@gw.example>")
    );
    assert_eq!(
        scene.shown(switch, "P-Asserted-Identity"),
        "<sip:+49305550001@gw.example>"
    );
    let cdr = &scene.world.server.cdrs[0];
    assert_eq!(cdr.class, Some(DestinationClass::National));
    assert_eq!(cdr.callee.trunk.as_deref(), Some("trunk7"));
}

#[test]
fn the_carrier_hangs_up_and_the_phone_gives_up() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(1000));
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    scene.hang_up(switch);
    scene.run(1000);
    scene.answers(switch, Answer::Ring);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    scene.act(phone, |phone, now| phone.cancel(1, now));
    scene.run(1000);
    scene.answers(switch, Answer::Refuse(486, 500));
    scene.call(phone, OUTSIDE);
    scene.rests();
    let ends: Vec<_> = scene
        .world
        .server
        .cdrs
        .iter()
        .map(|cdr| (cdr.cause.sip, cdr.cause.q850))
        .collect();
    assert_eq!(ends, [(200, 16), (487, 16), (486, 17)]);
}

#[test]
fn a_call_from_the_outside_reaches_whose_number_it_is() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(1000));
    scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(3000);
    scene.talk_to_each_other(phone, switch);
    scene.hang_up(switch);
    scene.run(100);
    scene.ends(expect![[r#"
        0      gw/+493020001000 -> server   INVITE +49305550001 {10.0.1.3:6060 0,8}
        1        server -> gw/+493020001000 100 Trying (INVITE)
        1        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        2      acme/101 -> server   180 Ringing (INVITE)
        3        server -> gw/+493020001000 180 Ringing (INVITE)
        1002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1003     server -> acme/101 ACK 101
        1003     server -> gw/+493020001000 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1004   gw/+493020001000 -> server   ACK 1
        3000   gw/+493020001000 -> server   BYE 1
        3001     server -> acme/101 BYE 101
        3001     server -> gw/+493020001000 200 OK (BYE)
        3002   acme/101 -> server   200 OK (BYE)
        record +493020001000 -> 101: 200/16 by Caller, rang, talked 1998 ms (from trunk trunk7, ring 101, answered), packets 4 and 4
    "#]]);
    let cdr = &scene.world.server.cdrs[0];
    assert_eq!(cdr.did.as_deref(), Some("+49305550001"));
    assert_eq!(cdr.caller.number, OUTSIDE);
    assert_eq!(cdr.caller.trunk.as_deref(), Some("trunk7"));
}

#[test]
fn a_number_that_is_nobodys_leads_nowhere_or_where_the_trunk_says() {
    let mut scene = Scene::new();
    let (_, switch) = scene.outside(Answer::PickUp(1000));
    scene.call(switch, "+4940999@10.0.0.1");
    scene.run(2000);
    assert_eq!(scene.world.server.cdrs.last().map(|cdr| cdr.cause.sip), Some(404));
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft.inbound = "101".to_owned()
    })]);
    scene.run(2000);
    scene.call(switch, "+4940999@10.0.0.1");
    scene.run(2000);
    scene.act(switch, |phone, now| phone.hang_up(1, now));
    scene.rests();
    let last = scene.world.server.cdrs.last().expect("a record");
    assert_eq!((last.cause.sip, last.callee.number.as_str()), (200, "101"));
}

#[test]
fn who_is_no_carrier_calls_nobody() {
    let mut scene = Scene::new();
    scene.outside(Answer::PickUp(1000));
    let stranger = scene
        .world
        .add_phone("evil.example", "666", Transport::Udp, Answer::Ring);
    for target in [
        "+49305550001@10.0.0.1",
        "1.7@10.0.0.1",
        "+49305550001@acme.example",
    ] {
        scene.call(stranger, target);
        scene.run(1000);
    }
    scene.rests();
    assert_eq!(scene.world.server.cdrs.len(), 0);
    assert_eq!(scene.tenant_counts().trunk_calls_in, 0);
}

#[test]
fn a_carrier_reaches_no_other_company() {
    let mut scene = Scene::new();
    let (_, switch) = scene.outside(Answer::PickUp(1000));
    let other = scene.phone_at("beta.example", "101", Transport::Udp, Answer::PickUp(1000));
    scene.call(switch, "101@beta.example");
    scene.run(2000);
    scene.rests();
    assert_eq!(scene.world.phones[other].calls().len(), 0);
}

#[test]
fn emergency_numbers_go_before_everything() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(1000));
    // No limit, no class and no full house stands before them, nor an extension of that number.
    scene.numbered(|policy| {
        policy.max_calls = 0;
        policy.outside = "0".to_owned();
        policy.toll.classes.clear();
        policy.flows.insert("112".to_owned(), model::FlowDraft::default());
    });
    for dialled in ["112", "0112", "110"] {
        scene.call(phone, dialled);
        scene.run(2000);
        let number = scene.act(phone, |phone, now| {
            let last = phone.calls().last().map(|(number, _)| *number);
            phone.hang_up(last.unwrap_or(0), now);
            last
        });
        assert!(number.is_some());
        scene.run(1000);
    }
    scene.rests();
    let called: Vec<_> = scene
        .world
        .server
        .cdrs
        .iter()
        .map(|cdr| (cdr.callee.number.clone(), cdr.cause.sip))
        .collect();
    assert_eq!(
        called,
        [
            ("112".to_owned(), 200),
            ("112".to_owned(), 200),
            ("110".to_owned(), 200)
        ]
    );
    assert_eq!(scene.world.server.emergencies.len(), 3);
    assert_eq!(
        scene.shown(switch, "From").split(';').next(),
        Some("<sip:+49305550001@gw.example>")
    );
    // Anything else is not allowed.
    scene.call(phone, OUTSIDE);
    scene.rests();
    let last = scene.world.phones[phone].heard.last().cloned();
    assert_eq!(last, Some(("INVITE".to_owned(), 503)));
}

#[test]
fn a_dead_carrier_is_passed_over_and_then_left_alone() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let dead = scene.switch("one.example", "1", Answer::Dead);
    let good = scene.switch("two.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|policy| {
        policy
            .routes
            .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2"]));
    });
    scene.equip(vec![
        peer(1, "one.example", |_| {}),
        peer(2, "two.example", |_| {}),
    ]);
    scene.run(2000);
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
fn the_called_partys_refusal_is_no_reason_to_try_another() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let first = scene.switch("one.example", OUTSIDE, Answer::Refuse(486, 500));
    let second = scene.switch("two.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|policy| {
        policy
            .routes
            .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2"]));
    });
    scene.equip(vec![
        peer(1, "one.example", |_| {}),
        peer(2, "two.example", |_| {}),
    ]);
    scene.run(2000);
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
fn channels_and_pace_of_a_trunk_are_limits() {
    let mut scene = Scene::new();
    let phones: Vec<usize> = ["101", "102", "103"]
        .map(|user| scene.phone(user, Answer::Ring))
        .to_vec();
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|_| {});
    scene.equip(vec![peer(7, "gw.example", |draft| draft.channels = 2)]);
    scene.run(2000);
    for phone in &phones {
        scene.call(*phone, OUTSIDE);
        scene.run(1500);
    }
    assert_eq!(scene.world.phones[switch].calls().len(), 2);
    // Help is not kept waiting.
    scene.call(phones[2], "112");
    scene.run(1500);
    assert_eq!(scene.world.phones[switch].calls().len(), 3);
    for phone in phones {
        scene.act(phone, |phone, now| {
            for (number, _) in phone.calls() {
                phone.hang_up(number, now);
            }
        });
    }
    scene.rests();
    assert_eq!(scene.tenant_counts().trunk_full, 1);
}

#[test]
fn a_forward_to_the_outside_is_charged_to_who_forwards_and_says_so() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.phone("102", Answer::Ring);
    scene.forward("102", model::ForwardKind::Always, OUTSIDE);
    scene.call(phone, "102");
    scene.run(2000);
    assert_eq!(
        scene.shown(switch, "Diversion"),
        "<sip:+49305550002@gw.example>;reason=unconditional"
    );
    scene.hang_up(phone);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 200);
}

#[test]
fn who_calls_from_outside_dials_nothing_outside() {
    let mut scene = Scene::new();
    let (_, switch) = scene.outside(Answer::Ring);
    let menu = r#"{"name": "dial", "steps": {
        "start": {"do": "gather", "min": 2, "max": 16, "otherwise": "dial"},
        "dial": {"do": "dial", "then": "bye"}, "bye": {"do": "hang_up"}}}"#;
    scene.numbered(|policy| {
        let flow = serde_json::from_str(menu).expect("a flow");
        policy.flows.insert("199".to_owned(), flow);
    });
    scene.call(switch, "+49305550099@10.0.0.1");
    scene.run(1000);
    for key in "03020001000#".chars() {
        scene.keyed(1, Leg::Caller, key);
        scene.run(200);
    }
    scene.rests();
    let cdrs = &scene.world.server.cdrs;
    assert!(
        cdrs[0].path.iter().any(|step| step == "dial 03020001000"),
        "{:?}",
        cdrs[0].path
    );
    assert!(cdrs.iter().all(|cdr| cdr.class.is_none()), "{cdrs:?}");
    assert_eq!(scene.tenant_counts().trunk_calls, 0);
}

#[test]
fn a_caller_who_wants_to_be_unknown_is_so_to_the_called_and_not_to_the_carrier() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let privacy = (sip::Name::Privacy, "id".to_owned());
    scene.act(phone, |phone, now| phone.call_with(OUTSIDE, &[privacy], now));
    scene.run(1000);
    assert!(scene.shown(switch, "From").contains("anonymous.invalid"));
    assert_eq!(
        scene.shown(switch, "P-Asserted-Identity"),
        "<sip:+49305550001@gw.example>"
    );
    assert_eq!(scene.shown(switch, "Privacy"), "id");
    scene.hang_up(phone);
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft.identity = TrunkIdentity::RemoteParty;
        draft.number_style = model::NumberStyle::National;
    })]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    assert_eq!(
        scene.shown(switch, "Remote-Party-ID"),
        "<sip:0305550001@gw.example>;party=calling;screen=yes;privacy=off"
    );
    scene.act(phone, |phone, now| phone.hang_up(1, now));
    scene.rests();
}

#[test]
fn premium_numbers_are_not_called_and_somebody_hears_of_it() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.call(phone, "09001234567");
    scene.run(1000);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 403);
    assert_eq!(scene.world.server.alerts.len(), 1);
}

#[test]
fn a_limit_ends_a_call_under_way() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
    });
    scene.call(phone, OUTSIDE);
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert!((55_000..=60_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
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
fn an_unused_helper_trunk_registers_and_takes_calls_by_its_contact() {
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

/// A minute a day for all, of which a call has used the better part, and some seconds for the disk.
fn spent(scene: &mut Scene) -> (usize, usize) {
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.numbered(|policy| {
        for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
            profile.tenant.minutes_per_day = Some(1);
        }
    });
    scene.call(phone, OUTSIDE);
    scene.run(40_000);
    (phone, switch)
}

#[test]
fn a_restart_gives_nobody_a_new_budget() {
    let mut scene = Scene::new();
    let (phone, _) = spent(&mut scene);
    scene.hang_up(phone);
    scene.run(5_000);
    scene.world.restart_server();
    scene.run(5_000);
    scene.call(phone, OUTSIDE);
    scene.rests();
    let talks: Vec<u64> = scene.world.server.cdrs.iter().map(|cdr| cdr.talk_ms).collect();
    assert!((38_000..40_000).contains(&talks[0]), "{talks:?}");
    assert!((14_000..21_000).contains(&talks[1]), "{talks:?}");
}

#[test]
fn a_call_that_is_up_over_a_restart_is_counted_on_and_ended_by_its_limit() {
    let mut scene = Scene::new();
    let (_, _) = spent(&mut scene);
    scene.world.restart_server();
    scene.refresh_voices();
    scene.rests();
    let cdr = &scene.world.server.cdrs[0];
    assert!((50_000..=61_000).contains(&cdr.talk_ms), "{}", cdr.talk_ms);
    assert!(
        cdr.path.iter().any(|step| step.contains("minutes_per_day")),
        "{:?}",
        cdr.path
    );
}

#[test]
fn a_call_that_was_lost_in_a_restart_is_over_for_its_limits_too() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::Ring);
    scene.call(phone, OUTSIDE);
    scene.run(5_000);
    assert_eq!(scene.world.server.counted[&ACME].calls.len(), 1);
    scene.world.restart_server();
    scene.run(1_000);
    // What rang is not known any more; nothing of it counts as going on.
    scene.run(4_000);
    assert!(scene.world.server.counted[&ACME].calls.is_empty());
}
