//! Calls between two companies of one server, and companies that carry calls for others.

use super::Scene;
use super::outside::{OUTSIDE, peer, route};
use super::scene::ACME;
use super::theatre::numbers;
use super::transcoded::hears;
use super::trunks::made;
use expect_test::expect;
use model::{DestinationClass, Policy, TenantId, Transport, TrunkDraft};
use sim::phone::Answer;

pub(super) const BETA: TenantId = TenantId(2);
/// Beta's 101.
const THERE: &str = "+49307770001";

impl Scene {
    /// Beta is in Germany as well, and +49 30 777 00xx are its numbers: 01 leads to 101.
    fn numbered_there(&mut self, alter: impl FnOnce(&mut Policy)) {
        self.numbered_as(BETA, 49_307_770_000, alter);
    }

    /// A phone of each company, both with numbers of their own.
    fn neighbours(&mut self, alter: impl FnOnce(&mut Policy)) -> (usize, usize) {
        let here = self.phone("101", Answer::PickUp(1000));
        let there = self.phone_at("beta.example", "101", Transport::Udp, Answer::PickUp(1000));
        self.numbered(|_| {});
        self.numbered_there(alter);
        self.curtain();
        (here, there)
    }

    /// Acme's only trunk leads to beta, which has one to a carrier.
    pub(super) fn carried(&mut self, answer: Answer) -> [usize; 3] {
        let (here, there) = self.neighbours(|policy| policy.transit = vec!["acme.example".to_owned()]);
        let switch = self.switch("gw.example", OUTSIDE, answer);
        let draft = TrunkDraft {
            tenant: "beta.example".to_owned(),
            options_s: 0,
            ..TrunkDraft::default()
        };
        self.equip(vec![made(3, draft, "", |_| {})]);
        let now = self.world.now();
        self.world
            .server
            .equip(BETA, vec![peer(7, "gw.example", |_| {})], now);
        self.world.collect();
        self.run(2000);
        self.curtain();
        [here, there, switch]
    }
}

#[test]
fn the_ladder_of_a_call_between_two_companies() {
    let mut scene = Scene::new();
    let (here, there) = scene.neighbours(|_| {});
    scene.call(here, "0307770001");
    scene.run(2000);
    assert_eq!(scene.world.phones[there].calls().len(), 1);
    let heard = hears(&mut scene, &[here, there]);
    assert_eq!(heard, [(vec![0], false), (vec![0], false)]);
    scene.reinvite(here, "sendonly");
    scene.run(500);
    scene.reinvite(here, "sendrecv");
    scene.run(500);
    scene.hang_up(there);
    scene.run(100);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 0307770001 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 0307770001
        2      acme/101 -> server   INVITE 0307770001 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> server   INVITE +49307770001 {10.0.0.1:10002 0,8}
        4        server -> server   100 Trying (INVITE)
        4        server -> beta/101 INVITE 101 {10.0.0.1:10006 0,8}
        5      beta/101 -> server   180 Ringing (INVITE)
        6        server -> server   180 Ringing (INVITE) Require 100rel
        7        server -> server   PRACK 2 RAck 465485316 1 INVITE
        7        server -> acme/101 180 Ringing (INVITE)
        8        server -> server   200 OK (PRACK)
        1005   beta/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1006     server -> beta/101 ACK 101
        1006     server -> server   200 OK (INVITE) {10.0.0.1:10004 0,8}
        1007     server -> server   ACK 2
        1007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1008   acme/101 -> server   ACK 1
        4000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        4001     server -> server   INVITE 2 {10.0.0.1:10002 0,8 sendonly}
        4001     server -> acme/101 100 Trying (INVITE)
        4002     server -> beta/101 INVITE 101 {10.0.0.1:10006 0,8 sendonly}
        4002     server -> server   100 Trying (INVITE)
        4003   beta/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        4004     server -> beta/101 ACK 101
        4004     server -> server   200 OK (INVITE) {10.0.0.1:10004 0,8 recvonly}
        4005     server -> server   ACK 2
        4005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4006   acme/101 -> server   ACK 1
        4500   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        4501     server -> server   INVITE 2 {10.0.0.1:10002 0,8}
        4501     server -> acme/101 100 Trying (INVITE)
        4502     server -> beta/101 INVITE 101 {10.0.0.1:10006 0,8}
        4502     server -> server   100 Trying (INVITE)
        4503   beta/101 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        4504     server -> beta/101 ACK 101
        4504     server -> server   200 OK (INVITE) {10.0.0.1:10004 0,8}
        4505     server -> server   ACK 2
        4505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4506   acme/101 -> server   ACK 1
        5000   beta/101 -> server   BYE 2
        5001     server -> server   BYE 1
        5001     server -> beta/101 200 OK (BYE)
        5002     server -> acme/101 BYE 101
        5002     server -> server   200 OK (BYE)
        5003   acme/101 -> server   200 OK (BYE)
        record +49305550001 -> 101: 200/16 by Callee, rang, talked 3995 ms (from trunk inside, ring 101, answered), packets 32 and 7
        record 101 -> +49307770001: 200/16 by Callee, rang, talked 3995 ms (outside +49307770001, trunk inside, answered), packets 8 and 7
    "#]]);
}

#[test]
fn both_companies_have_a_record_of_their_own() {
    let mut scene = Scene::new();
    let (here, _) = scene.neighbours(|_| {});
    scene.call(here, THERE);
    scene.run(2000);
    scene.hang_up(here);
    scene.rests();
    let cdrs = &scene.world.server.cdrs;
    let tenants: Vec<TenantId> = cdrs.iter().map(|cdr| cdr.tenant).collect();
    assert_eq!(tenants.len(), 2);
    assert!(tenants.contains(&ACME) && tenants.contains(&BETA));
    for cdr in cdrs {
        assert_eq!(cdr.cause.sip, 200);
        let (caller, callee) = (cdr.caller.number.as_str(), cdr.callee.number.as_str());
        match cdr.tenant {
            ACME => assert_eq!((caller, callee), ("101", THERE)),
            _ => {
                assert_eq!((caller, callee), ("+49305550001", "101"));
                assert_eq!(cdr.did.as_deref(), Some(THERE));
            }
        }
        assert!(
            cdr.charge
                .is_none_or(|charge| charge.amount == model::Money::ZERO)
        );
    }
}

#[test]
fn a_number_of_nobody_is_not_asked_of_neighbours_and_one_that_leads_nowhere_is_refused() {
    let mut scene = Scene::new();
    let (here, _) = scene.neighbours(|_| {});
    // Beta has the number, and no 155; nobody has the other one.
    for number in ["+49307770055", "+49308880001"] {
        scene.call(here, number);
        scene.run(2000);
    }
    scene.rests();
    let codes: Vec<u16> = scene.world.server.cdrs.iter().map(|cdr| cdr.cause.sip).collect();
    assert_eq!(codes, [404, 480, 404]);
}

/// A number that beta has claimed, and that leads nowhere in it.
const NOT_THERE: &str = "+49307770055";

/// Two neighbours of whom the first has a carrier as well.
fn with_carrier() -> (Scene, [usize; 3]) {
    let mut scene = Scene::new();
    let (here, there) = scene.neighbours(|_| {});
    let switch = scene.switch("gw.example", OUTSIDE, Answer::PickUp(100));
    scene.equip(vec![peer(7, "gw.example", |_| {})]);
    scene.run(2000);
    (scene, [here, there, switch])
}

fn codes_here(scene: &Scene) -> Vec<u16> {
    let cdrs = scene.world.server.cdrs.iter();
    cdrs.filter(|cdr| cdr.tenant == ACME)
        .map(|cdr| cdr.cause.sip)
        .collect()
}

#[test]
fn a_number_that_its_company_does_not_have_any_more_is_called_by_a_carrier() {
    let (mut scene, [here, there, switch]) = with_carrier();
    scene.call(here, NOT_THERE);
    scene.run(2000);
    scene.talk_to_each_other(here, switch);
    scene.hang_up(here);
    scene.run(1000);
    let cdr = scene.world.server.cdrs.iter().find(|cdr| cdr.tenant == ACME);
    let cdr = cdr.expect("a record");
    assert_eq!(cdr.callee.trunk.as_deref(), Some("trunk7"));
    assert_eq!(
        cdr.path.join(", "),
        "outside +49307770055, trunk inside, trunk failed (404), trunk trunk7, answered"
    );
    // Full of neighbours it is reached from outside; who answers there is for the carrier to say.
    scene.numbered_there(|policy| policy.max_calls = 0);
    let number = scene.call(here, THERE);
    scene.run(2000);
    scene.act(here, |phone, now| phone.hang_up(number, now));
    scene.rests();
    assert_eq!(scene.world.phones[switch].calls().len(), 2);
    assert_eq!(scene.world.phones[there].calls().len(), 0);
    assert_eq!(codes_here(&scene), [200, 200]);
}

#[test]
fn who_is_busy_declines_or_has_no_phone_at_a_neighbour_is_not_looked_for_outside() {
    let (mut scene, [here, there, switch]) = with_carrier();
    for code in [486, 603, 480] {
        scene.answers(there, Answer::Refuse(code, 100));
        scene.call(here, THERE);
        scene.run(2000);
    }
    scene.act(there, |phone, now| phone.register(0, now));
    scene.run(1000);
    scene.call(here, THERE);
    scene.run(2000);
    scene.rests();
    assert_eq!(codes_here(&scene), [486, 603, 480, 480]);
    assert_eq!(scene.world.phones[switch].calls().len(), 0);
}

#[test]
fn what_a_call_by_a_carrier_would_cost_is_asked_of_limits_anew() {
    let (mut scene, [here, _, switch]) = with_carrier();
    let file = tenancy::RateFile {
        currency: "EUR".parse().ok(),
        ..tenancy::RateFile::default()
    };
    let table: tenancy::RateTable = file.read(b"prefix,price\n49,1\n").expect("a price list");
    let now = scene.world.now();
    scene.world.server.price(ACME, (**table.list()).clone(), now);
    let spend = |scene: &mut Scene, units: i32| {
        scene.numbered(|policy| {
            for profile in [&mut policy.toll.by_day, &mut policy.toll.by_night] {
                profile.tenant.spend_per_day = Some(model::Money::from_units(units));
                // One call at once: that by the neighbour is not one more.
                profile.user.concurrent = Some(1);
                // Nor begins another.
                profile.user.calls_per_s = Some(1);
            }
        });
    };
    spend(&mut scene, 0);
    scene.call(here, NOT_THERE);
    scene.run(2000);
    // What the neighbour has said stands.
    assert_eq!(codes_here(&scene), [480]);
    assert_eq!(scene.world.phones[switch].calls().len(), 0);
    // Among neighbours nothing is paid.
    let number = scene.call(here, THERE);
    scene.run(2000);
    scene.act(here, |phone, now| phone.hang_up(number, now));
    scene.run(1000);
    spend(&mut scene, 5);
    let number = scene.call(here, NOT_THERE);
    scene.run(2000);
    scene.act(here, |phone, now| phone.hang_up(number, now));
    scene.rests();
    assert_eq!(codes_here(&scene), [480, 200, 200]);
    let mut charges = scene.world.server.cdrs.iter().filter(|cdr| cdr.tenant == ACME);
    let charge = charges.next_back().and_then(|cdr| cdr.charge);
    assert_eq!(
        charge.map(|charge| charge.amount),
        Some(model::Money::from_units(1))
    );
}

#[test]
fn a_neighbour_that_says_nothing_is_left_for_a_carrier() {
    let (mut scene, [here, there, switch]) = with_carrier();
    let server = scene.world.server_address();
    scene.world.lose(server, "INVITE sip:+49307770001@inside", 20);
    scene.call(here, THERE);
    scene.run(3000);
    assert_eq!(scene.world.phones[switch].calls().len(), 0);
    scene.run(3000);
    scene.talk_to_each_other(here, switch);
    scene.hang_up(here);
    scene.rests();
    assert_eq!(scene.world.phones[there].calls().len(), 0);
    assert_eq!(codes_here(&scene), [200]);
}

#[test]
fn who_may_not_call_such_numbers_may_not_call_neighbours() {
    let mut scene = Scene::new();
    let (here, there) = scene.neighbours(|_| {});
    scene.numbered(|policy| {
        policy.toll.classes.remove(&DestinationClass::National);
    });
    scene.call(here, THERE);
    scene.run(2000);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 403);
    assert_eq!(scene.world.phones[there].calls().len(), 0);
}

#[test]
fn the_caller_gives_up_and_the_callee_is_busy() {
    let mut scene = Scene::new();
    let (here, there) = scene.neighbours(|_| {});
    scene.answers(there, Answer::Ring);
    let number = scene.call(here, THERE);
    scene.run(1000);
    scene.act(here, |phone, now| phone.cancel(number, now));
    scene.run(1000);
    scene.answers(there, Answer::Refuse(486, 100));
    scene.call(here, THERE);
    scene.run(1000);
    scene.rests();
    let codes: Vec<u16> = scene.world.server.cdrs.iter().map(|cdr| cdr.cause.sip).collect();
    assert_eq!(codes, [487, 487, 486, 486]);
}

#[test]
fn an_operator_carries_calls_both_ways() {
    let mut scene = Scene::new();
    let [here, there, switch] = scene.carried(Answer::PickUp(1000));
    scene.call(here, OUTSIDE);
    scene.run(2000);
    scene.talk_to_each_other(here, switch);
    let who = scene.shown(switch, "P-Asserted-Identity");
    assert_eq!(who, "<sip:+49305550001@gw.example>");
    scene.hang_up(switch);
    scene.run(1000);
    let number = scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(2000);
    assert_eq!(scene.world.phones[here].calls().len(), 2);
    scene.act(switch, |phone, now| phone.hang_up(number, now));
    scene.run(1000);
    assert_eq!(scene.world.phones[there].calls().len(), 0);
    scene.rests();
    // Each call has a record at both.
    let of = |tenant| {
        scene
            .world
            .server
            .cdrs
            .iter()
            .filter(move |cdr| cdr.tenant == tenant)
            .count()
    };
    assert_eq!((of(ACME), of(BETA)), (2, 2));
    let seen = |tenant| {
        let cdr = scene
            .world
            .server
            .cdrs
            .iter()
            .find(|cdr| cdr.tenant == tenant)
            .expect("a record");
        (
            cdr.caller.number.clone(),
            cdr.callee.number.clone(),
            cdr.callee.trunk.clone(),
        )
    };
    assert_eq!(seen(ACME), ("101".into(), OUTSIDE.into(), Some("trunk3".into())));
    assert_eq!(
        seen(BETA),
        ("+49305550001".into(), OUTSIDE.into(), Some("trunk7".into()))
    );
}

#[test]
fn a_call_back_comes_by_the_operators_trunks_though_all_is_full() {
    let mut scene = Scene::new();
    let [here, _, switch] = scene.carried(Answer::PickUp(100));
    let back = "+49305550001@10.0.0.1";
    let full = |scene: &mut Scene| {
        scene.numbered(|policy| policy.max_calls = 0);
        scene.numbered_there(|policy| {
            policy.transit = vec!["acme.example".to_owned()];
            policy.max_calls = 0;
        });
        scene.run(100);
    };
    full(&mut scene);
    // Nobody has called for help yet.
    scene.call(switch, back);
    scene.run(1000);
    assert_eq!(scene.world.phones[here].calls().len(), 0);
    scene.call(here, "112");
    scene.run(2000);
    scene.hang_up(here);
    scene.run(1000);
    scene.answers(here, Answer::PickUp(100));
    let number = scene.call(switch, back);
    scene.run(2000);
    scene.talk_to_each_other(here, switch);
    // What does not say what it is has room once; who says so has it.
    let calls = |scene: &Scene| scene.world.phones[here].calls().len();
    let before = calls(&scene);
    scene.call(switch, back);
    scene.run(2000);
    assert_eq!(calls(&scene), before);
    let marked = scene.act(switch, |phone, now| {
        let says = [(sip::Name::Priority, "psap-callback".to_owned())];
        phone.call_with(back, &says, now)
    });
    scene.run(2000);
    assert_eq!(calls(&scene), before + 1);
    for number in [number, marked] {
        scene.act(switch, |phone, now| phone.hang_up(number, now));
    }
    scene.rests();
    assert_eq!(scene.world.server.emergencies.len(), 2);
}

#[test]
fn an_operator_passes_on_that_a_call_is_one_back() {
    let mut scene = Scene::new();
    let [_, _, switch] = scene.carried(Answer::PickUp(100));
    // 103 has no number of its own: it shows that of all, which leads to 101.
    let phone = scene.phone("103", Answer::PickUp(100));
    let numbers = vec![model::NumberRange::one(49_305_550_001, "101")];
    let now = scene.world.now();
    let shown = |policy: &mut Policy| policy.caller_number = "+49305550001".to_owned();
    scene.world.server.number(ACME, numbers, shown, now);
    scene.call(phone, "112");
    scene.run(2000);
    scene.hang_up(phone);
    scene.run(1000);
    let number = scene.act(switch, |phone, now| {
        let says = [(sip::Name::Priority, "psap-callback".to_owned())];
        phone.call_with("+49305550001@10.0.0.1", &says, now)
    });
    scene.run(2000);
    assert_eq!(scene.world.phones[phone].calls().len(), 2);
    scene.act(switch, |phone, now| phone.hang_up(number, now));
    scene.rests();
}

#[test]
fn a_call_for_help_reaches_it_by_the_operators_trunks_though_all_is_full() {
    let mut scene = Scene::new();
    let [here, _, switch] = scene.carried(Answer::PickUp(100));
    scene.numbered_there(|policy| {
        policy.transit = vec!["acme.example".to_owned()];
        policy.max_calls = 0;
    });
    scene.call(here, "112");
    scene.run(2000);
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    scene.hang_up(here);
    scene.rests();
    assert_eq!(scene.world.server.emergencies.len(), 2);
}

#[test]
fn nobody_is_carried_who_is_not_named() {
    let mut scene = Scene::new();
    let [here, _, switch] = scene.carried(Answer::PickUp(100));
    scene.numbered_there(|policy| policy.transit = vec!["other.example".to_owned()]);
    scene.call(here, OUTSIDE);
    scene.run(2000);
    // Nor is a call that comes in for somebody who is not.
    scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(2000);
    scene.rests();
    assert_eq!(scene.world.phones[switch].calls().len(), 1);
    assert_eq!(scene.world.phones[here].calls().len(), 1);
    let codes: Vec<u16> = scene.world.server.cdrs.iter().map(|cdr| cdr.cause.sip).collect();
    assert_eq!(codes, [404, 480, 404]);
}

#[test]
fn menus_of_two_companies_that_call_each_other_end() {
    let flows = |number: &str| {
        let menu = r#"{"name": "on", "steps": {
            "start": {"do": "play", "say": [{"prompt": "menu/demo"}], "then": "on"},
            "on": {"do": "dial", "number": "NUMBER"}}}"#;
        numbers(&[("150", &menu.replace("NUMBER", number))]).flows
    };
    let mut scene = Scene::new();
    let (here, _) = scene.neighbours(|policy| policy.flows = flows("+49305550050"));
    scene.numbered(|policy| policy.flows = flows("+49307770050"));
    scene.call(here, "150");
    scene.run(30_000);
    scene.hang_up(here);
    scene.rests();
    // Ten hops, each a call that comes in and one that goes on.
    let calls = scene.world.server.cdrs.len();
    assert!((4..=24).contains(&calls), "{calls}");
}

#[test]
fn companies_that_carry_for_each_other_make_no_circle() {
    let mut scene = Scene::new();
    let [here, _, _] = scene.carried(Answer::PickUp(100));
    let draft = TrunkDraft {
        tenant: "acme.example".to_owned(),
        options_s: 0,
        ..TrunkDraft::default()
    };
    scene.numbered(|policy| {
        policy.transit = vec!["beta.example".to_owned()];
        policy.routes.insert("out".to_owned(), route(&["trunk3"]));
    });
    let now = scene.world.now();
    scene
        .world
        .server
        .equip(BETA, vec![made(8, draft, "", |_| {})], now);
    scene.run(1000);
    scene.call(here, OUTSIDE);
    scene.run(5000);
    scene.rests();
    // Who carries for another needs a carrier, so it ends at the second.
    let calls = scene.world.server.cdrs.len();
    assert!((2..=12).contains(&calls), "{calls}");
    assert!(scene.world.server.cdrs.iter().all(|cdr| cdr.cause.sip != 200));
}

#[test]
fn two_ends_of_calls_to_neighbours_are_not_joined() {
    let mut scene = Scene::new();
    let (here, there) = scene.neighbours(|_| {});
    let first = scene.call(here, THERE);
    scene.run(2000);
    scene.reinvite(here, "sendonly");
    scene.run(500);
    let second = scene.call(here, "+49307770002");
    scene.run(2000);
    let _ = second;
    let other = scene.phone_at("beta.example", "102", Transport::Udp, Answer::PickUp(100));
    let second = scene.call(here, "+49307770002");
    scene.run(2000);
    scene.act(here, |phone, now| phone.refer_to_call(first, second, now));
    scene.run(3000);
    // Whoever transferred has both calls as before.
    assert_eq!(scene.world.phones[here].dialogs_up().count(), 2);
    for call in [first, second] {
        scene.act(here, |phone, now| phone.hang_up(call, now));
    }
    scene.rests();
    let _ = (there, other);
}
