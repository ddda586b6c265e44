//! Calls to the public network and from it, by trunks.

use super::Scene;
use super::scene::ACME;
use super::trunks::{S, made, unregistered};
use expect_test::expect;
use model::{
    DestinationClass, Leg, NumberRange, Policy, Route, RouteTrunk, TenantId, Transport, Trunk, TrunkDraft,
    TrunkIdentity,
};
use sim::phone::Answer;
use sim::world::Trace;

pub(super) const OUTSIDE: &str = "+493020001000";

/// A trunk without registration to this host.
pub(super) fn peer(id: u64, host: &str, change: impl FnOnce(&mut TrunkDraft)) -> Trunk {
    made(id, unregistered(host), "", change)
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
        self.world.tracing = true;
        self.numbered_as(ACME, 49_305_550_000, alter);
    }

    /// A company is in Germany, and has a hundred numbers from this one on: 01 leads to 101.
    pub(super) fn numbered_as(&mut self, tenant: TenantId, first: u64, alter: impl FnOnce(&mut Policy)) {
        let block = NumberRange {
            first,
            last: first + 99,
            to: "1".into(),
            keep: 2,
        };
        let now = self.world.now();
        let with_home = |policy: &mut Policy| {
            policy.region = "de".to_owned();
            alter(policy);
        };
        self.world.server.number(tenant, vec![block], with_home, now);
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

    /// A phone, and two carriers of which the first is tried first.
    pub(super) fn two_carriers(&mut self, one: Answer, two: Answer) -> [usize; 3] {
        let phone = self.phone("101", Answer::PickUp(1000));
        let one = self.switch("one.example", OUTSIDE, one);
        let two = self.switch("two.example", OUTSIDE, two);
        self.numbered(|policy| {
            policy
                .routes
                .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2"]));
        });
        let trunk = |id, host| peer(id, host, |_| {});
        self.equip(vec![trunk(1, "one.example"), trunk(2, "two.example")]);
        self.run(2000);
        [phone, one, two]
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
