//! Calls for help: nothing keeps them out, and they go on until somebody takes them.

use super::Scene;
use super::forwarded::user;
use super::outside::{OUTSIDE, peer, route};
use super::scene::ACME;
use super::trunks::S;
use expect_test::expect;
use media::PortRange;
use model::{Cdr, ForwardKind, Policy, SrtpPolicy, Transport, Trunk};
use pbx::Input;
use sim::phone::{Answer, State};

impl Scene {
    /// The last call of a phone is up, and ends.
    pub(super) fn is_helped(&mut self, phone: usize) {
        let last = self.world.phones[phone].calls().last().copied();
        let up = matches!(last, Some((_, State::Up)));
        let heard = self.world.phones[phone].heard.clone();
        assert!(up, "{heard:?}\n{}", self.text());
        let number = last.map_or(0, |(number, _)| number);
        self.act(phone, |phone, now| phone.hang_up(number, now));
        self.run(1000);
    }

    pub(super) fn last_record(&self) -> &Cdr {
        self.world.server.cdrs.last().expect("a record")
    }

    /// The status of the last answer that a phone got.
    pub(super) fn last_answer(&self, phone: usize) -> Option<u16> {
        self.world.phones[phone].heard.last().map(|(_, code)| *code)
    }
}

fn both() -> Vec<Trunk> {
    let trunk = |id, host| peer(id, host, |_| {});
    vec![trunk(1, "one.example"), trunk(2, "two.example")]
}

#[test]
fn a_carrier_that_says_only_100_is_passed_over() {
    let mut scene = Scene::new();
    let [phone, mute, good] = scene.two_carriers(Answer::Mute, Answer::PickUp(100));
    scene.curtain();
    scene.call(phone, "112");
    scene.run(6000);
    scene.talk_to_each_other(phone, good);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 112 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 112
        2      acme/101 -> server   INVITE 112 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> one/+493020001000 INVITE 112 {10.0.0.1:10002 0,8}
        4      one/+493020001000 -> server   100 Trying (INVITE)
        4003     server -> one/+493020001000 CANCEL 112
        4003     server -> two/+493020001000 INVITE 112 {10.0.0.1:10002 0,8}
        4004   one/+493020001000 -> server   200 OK (CANCEL)
        4004   one/+493020001000 -> server   487 Request Terminated (INVITE)
        4004   two/+493020001000 -> server   180 Ringing (INVITE)
        4005     server -> one/+493020001000 ACK 112
        4005     server -> acme/101 180 Ringing (INVITE)
        4104   two/+493020001000 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        4105     server -> two/+493020001000 ACK +493020001000
        4105     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4106   acme/101 -> server   ACK 1
        6000   acme/101 -> server   BYE 1
        6001     server -> two/+493020001000 BYE +493020001000
        6001     server -> acme/101 200 OK (BYE)
        6002   two/+493020001000 -> server   200 OK (BYE)
        record 101 -> 112: 200/16 by Caller, rang, talked 1896 ms (outside 112, trunk trunk1, trunk failed (408), trunk trunk2, answered), packets 4 and 4
    "#]]);
    assert_eq!(scene.world.phones[mute].calls(), [(0, State::Over)]);
    // Any other call waits: whoever is called may take his time.
    scene.call(phone, OUTSIDE);
    scene.run(20_000);
    assert_eq!(scene.world.phones[good].calls().len(), 1);
    scene.cancel(phone);
    scene.act(phone, |phone, now| phone.end(1, now));
    scene.rests();
}

#[test]
fn the_last_carrier_may_take_its_time() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::Mute);
    scene.call(phone, "112");
    scene.run(20_000);
    assert_eq!(scene.world.phones[switch].calls(), [(0, State::Ringing)]);
    scene.act(switch, |switch, now| switch.pick_up(0, now));
    scene.run(1000);
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn whatever_a_carrier_refuses_with_another_is_tried() {
    let mut scene = Scene::new();
    let [phone, one, good] = scene.two_carriers(Answer::Mute, Answer::PickUp(100));
    for (n, code) in [302, 305, 380, 404, 486, 488, 503, 603].into_iter().enumerate() {
        scene.answers(one, Answer::Refuse(code, 10));
        scene.act(one, |one, _| {
            one.forwards_to = vec!["<sip:102@acme.example>".to_owned()]
        });
        scene.call(phone, "112");
        scene.run(3000);
        assert_eq!(scene.world.phones[good].calls().len(), n + 1, "{code}");
        scene.is_helped(phone);
    }
    scene.rests();
}

#[test]
fn a_full_table_of_transactions_has_room_for_help() {
    let limits = model::Limits {
        transactions_per_tenant: 8,
        ..model::Limits::default()
    };
    let mut scene = Scene::new();
    let now = scene.world.now();
    scene.world.server.limit(limits, now);
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let texter = scene.phone("102", Answer::Ring);
    let deaf = scene.phone("103", Answer::PickUp(100));
    scene.answers(deaf, Answer::Dead);
    for _ in 0..10 {
        scene.act(texter, |texter, now| texter.text("103", "hello", now));
    }
    scene.run(10);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    assert_eq!(scene.last_answer(phone), Some(503));
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.is_helped(phone);
    // What is called off is, as well.
    scene.answers(switch, Answer::Ring);
    let number = scene.call(phone, "112");
    scene.run(1000);
    scene.act(phone, |phone, now| phone.cancel(number, now));
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(487));
    assert_eq!(scene.world.phones[switch].calls()[1].1, State::Over);
    scene.rests();
}

#[test]
fn ports_are_kept_back_for_help_and_without_any_audio_goes_straight() {
    let ports = PortRange {
        first: 10_000,
        last: 10_063,
    };
    let mut scene = Scene::with_ports(Policy::default(), ports);
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let other = scene.phone("102", Answer::PickUp(100));
    scene.phone("103", Answer::PickUp(100));
    let mut taken = 0;
    while taken < 20 {
        scene.call(other, "103");
        scene.run(500);
        if scene.last_answer(other) == Some(503) {
            break;
        }
        taken += 1;
    }
    // 32 pairs, four of them kept back.
    assert_eq!(taken, 14);
    for _ in 0..3 {
        scene.call(phone, "112");
        scene.run(500);
    }
    let paths = |scene: &Scene| -> Vec<_> {
        let tenant = scene.world.server.tenant(ACME).expect("acme");
        let calls = tenant.calls();
        calls.iter().rev().take(3).map(|call| call.state).collect()
    };
    assert_eq!(paths(&scene), [model::CallState::Answered; 3]);
    scene.refresh_voices();
    scene.run(500);
    scene.talk_to_each_other(phone, switch);
    assert_eq!(scene.tenant_counts().ports_exhausted, 2);
    for number in 0..3 {
        scene.act(phone, |phone, now| phone.hang_up(number, now));
        scene.run(10);
    }
    scene.run(1000);
    let helped = scene
        .paths()
        .into_iter()
        .filter(|path| path.contains("112"))
        .collect::<Vec<_>>();
    assert_eq!(
        helped,
        [
            "outside 112, trunk trunk7, answered",
            "outside 112, trunk trunk7, answered",
            "outside 112, trunk trunk7, no ports, audio straight, answered",
        ]
    );
    for number in 0..taken {
        scene.act(other, |other, now| other.hang_up(number, now));
    }
    scene.rests();
}

#[test]
fn a_dead_media_plane_ends_no_call_for_help() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.world.server.bindable = false;
    scene.call(phone, OUTSIDE);
    scene.run(3000);
    assert_eq!(scene.last_answer(phone), Some(503));
    scene.call(phone, "112");
    scene.run(3000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn a_full_house_lets_transfers_and_forwards_to_help_pass() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let other = scene.phone("102", Answer::PickUp(100));
    scene.call(phone, "102");
    scene.run(1000);
    scene.numbered(|policy| policy.max_calls = 1);
    // A receptionist transfers who needs help.
    scene.act(other, |other, now| other.refer(0, "101", now));
    scene.run(1000);
    assert_eq!(scene.last_answer(other), Some(503));
    scene.act(other, |other, now| other.refer(0, "112", now));
    scene.run(3000);
    scene.talk_to_each_other(phone, switch);
    scene.is_helped(phone);
    // A button that leads to help by a forward, of a user who does not want to be disturbed.
    scene.numbered(|policy| policy.max_calls = 0);
    scene.call(phone, "103");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(503));
    scene.forward("103", ForwardKind::Always, "112");
    scene.set("103", &model::UserSettingsChange::dnd(true));
    scene.call(phone, "103");
    scene.run(1000);
    scene.is_helped(phone);
    scene.rests();
    assert_eq!(scene.last_record().callee.number, "112");
}

#[test]
fn a_caller_of_a_menu_is_brought_to_help_in_a_full_house() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    let menu = r#"{"name": "dial", "steps": {
        "start": {"do": "gather", "min": 2, "max": 16, "otherwise": "dial"},
        "dial": {"do": "dial", "then": "bye"}, "bye": {"do": "hang_up"}}}"#;
    scene.numbered(|policy| {
        let flow = serde_json::from_str(menu).expect("a flow");
        policy.flows.insert("199".to_owned(), flow);
    });
    scene.call(phone, "199");
    scene.run(1000);
    scene.numbered(|policy| policy.max_calls = 1);
    for key in "112#".chars() {
        scene.keyed(1, model::Leg::Caller, key);
    }
    scene.run(3000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(phone, switch);
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn neither_a_drain_nor_a_users_switch_nor_his_protection_stands_before_help() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.set("101", &model::UserSettingsChange::dnd(true));
    scene.call(phone, "112");
    scene.run(1000);
    scene.is_helped(phone);
    // The phone knows no keys, and whoever wants to be unknown at all costs is known here.
    scene.numbered(|policy| {
        policy.srtp = SrtpPolicy::Required;
        policy.trust_phones = true;
    });
    scene.call(phone, "102");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(488));
    let critical = [(sip::Name::Privacy, "id;critical".to_owned())];
    scene.act(phone, |phone, now| phone.call_with("112", &critical, now));
    scene.run(1000);
    scene.is_helped(phone);
    // Switched off: his bindings are gone, his password is right.
    let id = user("101");
    let now = scene.world.now();
    scene
        .world
        .server
        .alter(ACME, |known| known.enabled = known.id != id, now);
    scene.call(phone, "102");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(403));
    scene.call(phone, "112");
    scene.run(1000);
    scene.is_helped(phone);
    scene.act(phone, |phone, _| phone.identity.password = "wrong".to_owned());
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(403));
    scene.act(phone, |phone, _| phone.identity.password = "pw101".to_owned());
    scene.input(Input::Drain);
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.last_answer(phone), Some(200), "{:?}", scene.paths());
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn a_phone_that_is_not_registered_calls_for_help() {
    let mut scene = Scene::new();
    let (_, switch) = scene.outside(Answer::PickUp(100));
    let phone = scene
        .world
        .add_phone("acme.example", "104", Transport::Udp, Answer::Ring);
    scene.call(phone, "112");
    scene.run(1000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn help_has_a_name() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    for (urn, number) in [
        ("urn:service:sos", "112"),
        ("urn:service:sos.police", "110"),
        ("urn:service:sos.animal-control", "112"),
    ] {
        scene.call(phone, urn);
        scene.run(1000);
        let to = scene.shown(switch, "To");
        assert_eq!(to, format!("<sip:{number}@gw.example>"), "{urn}");
        scene.is_helped(phone);
        assert_eq!(scene.last_record().callee.number, number);
    }
    for urn in ["urn:service:counseling", "urn:service:sosx", "urn:isbn:1"] {
        scene.call(phone, urn);
        scene.run(1000);
        assert_eq!(scene.last_answer(phone), Some(416), "{urn}");
    }
    // A trunk that wants the name gets it.
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft.sos = model::TrunkSos::Urn
    })]);
    scene.run(2000);
    scene.call(phone, "110");
    scene.run(1000);
    assert_eq!(scene.shown(switch, "To"), "<urn:service:sos.police>");
    scene.is_helped(phone);
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    assert_eq!(scene.shown(switch, "To"), format!("<sip:{OUTSIDE}@gw.example>"));
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn a_route_for_help_comes_first() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(100));
    let one = scene.switch("one.example", OUTSIDE, Answer::PickUp(100));
    let two = scene.switch("two.example", OUTSIDE, Answer::PickUp(100));
    scene.numbered(|policy| {
        let mut help = route(&["trunk2"]);
        help.emergency = true;
        policy.routes.insert("help".to_owned(), help);
        policy.routes.insert("out".to_owned(), route(&["trunk1"]));
    });
    scene.equip(both());
    scene.world.run(S(2));
    for (number, counts) in [("112", [0, 1]), (OUTSIDE, [1, 1])] {
        scene.call(phone, number);
        scene.run(1000);
        assert_eq!(
            [one, two].map(|phone| scene.world.phones[phone].calls().len()),
            counts
        );
        scene.is_helped(phone);
    }
    scene.rests();
}
