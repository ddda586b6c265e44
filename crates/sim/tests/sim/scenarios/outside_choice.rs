//! Which carrier takes a call, and what a trunk's own rules do to it: costs, limits, codecs, headers.

use super::Scene;
use super::outside::{OUTSIDE, peer, route};
use super::scene::ACME;
use super::transcoded::hears;
use model::{TollException, TrunkCalled, TrunkId};
use sim::phone::Answer;
use sim::world::Trace;
use tenancy::{RateFile, RateTable};

const PCMU: u8 = 0;
const PCMA: u8 = 8;

fn list(text: &str) -> model::RateDraft {
    let file = RateFile {
        currency: "EUR".parse().ok(),
        ..RateFile::default()
    };
    let table: RateTable = file.read(text.as_bytes()).expect("a price list");
    (**table.list()).clone()
}

/// The payload types of the last INVITE to a phone or switch.
fn offered(scene: &Scene, to: usize) -> Vec<u8> {
    let at = scene.world.phones[to].identity.address;
    let said = scene.world.trace.iter().rev().find_map(|trace| match trace {
        Trace::Out(flow, bytes) if flow.remote == at => {
            let text = String::from_utf8_lossy(bytes).into_owned();
            text.starts_with("INVITE").then_some(text)
        }
        _ => None,
    });
    let text = said.expect("an INVITE");
    let line = text
        .lines()
        .find(|line| line.starts_with("m=audio "))
        .expect("audio");
    line.split(' ').skip(3).filter_map(|pt| pt.parse().ok()).collect()
}

#[test]
fn the_cheapest_carrier_is_called_first_and_the_others_after_it() {
    let mut scene = Scene::new();
    let [phone, one, two] = scene.two_carriers(Answer::PickUp(100), Answer::PickUp(100));
    scene.numbered(|policy| {
        let mut cheap = route(&["trunk1:1", "trunk2:1"]);
        cheap.least_cost = true;
        policy.routes.insert("out".to_owned(), cheap);
    });
    let now = scene.world.now();
    let (dear, cheap) = (
        list("prefix,price\n49,0.02\n"),
        list("prefix,price\n49,0.01\n4930,0.019\n"),
    );
    scene.world.server.charges(ACME, "trunk1", dear.clone(), now);
    scene.world.server.charges(ACME, "trunk2", cheap, now);
    let call = |scene: &mut Scene| {
        let number = scene.call(phone, OUTSIDE);
        scene.run(1000);
        scene.act(phone, |phone, now| phone.hang_up(number, now));
        scene.run(1000);
    };
    for _ in 0..8 {
        call(&mut scene);
    }
    assert_eq!(scene.world.phones[two].calls().len(), 8);
    assert_eq!(scene.world.phones[one].calls().len(), 0);
    // A fee for each call counts as well.
    let now = scene.world.now();
    let fee = list("prefix,price,fee\n49,0.001,0.5\n");
    scene.world.server.charges(ACME, "trunk2", fee, now);
    call(&mut scene);
    assert_eq!(scene.world.phones[one].calls().len(), 1);
    // Who can't is passed over, whatever he would have cost.
    scene.answers(one, Answer::Dead);
    let number = scene.call(phone, OUTSIDE);
    scene.run(5000);
    assert_eq!(scene.world.phones[two].calls().len(), 9);
    scene.act(phone, |phone, now| phone.hang_up(number, now));
    scene.rests();
}

#[test]
fn a_trunk_that_has_used_up_what_is_its_own_leaves_the_call_to_the_next() {
    let mut scene = Scene::new();
    let [phone, one, two] = scene.two_carriers(Answer::PickUp(100), Answer::PickUp(100));
    let other = scene.phone("102", Answer::PickUp(1000));
    scene.numbered(|policy| {
        policy
            .routes
            .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2"]));
        let mut own = TollException::default();
        own.limits.concurrent = Some(Some(1));
        policy.toll.trunks.insert(TrunkId(1), own);
    });
    scene.run(1000);
    scene.call(phone, OUTSIDE);
    scene.run(1500);
    scene.call(other, OUTSIDE);
    scene.run(1500);
    let calls = [one, two].map(|switch| scene.world.phones[switch].calls().len());
    assert_eq!(calls, [1, 1]);
    scene.hang_up(phone);
    scene.hang_up(other);
    scene.rests();
}

#[test]
fn a_trunk_has_codecs_of_its_own_and_the_phone_does_not_notice() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft.codecs = vec!["pcma".to_owned()]
    })]);
    scene.act(phone, |phone, _| phone.codecs = vec![PCMU]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    assert_eq!(offered(&scene, switch), [PCMA]);
    // The server speaks to both, as each has it.
    let heard = hears(&mut scene, &[phone, switch]);
    assert_eq!(heard, [(vec![PCMU], true), (vec![PCMA], true)]);
    scene.hang_up(phone);
    scene.run(1000);
    // A carrier's own offer counts as far as the trunk takes it.
    scene.act(phone, |phone, _| phone.codecs = vec![PCMU, PCMA]);
    let number = scene.call(switch, "+49305550001@10.0.0.1");
    scene.run(3000);
    assert_eq!(offered(&scene, phone).first(), Some(&PCMA));
    scene.act(switch, |switch, now| switch.hang_up(number, now));
    scene.rests();
    let codecs: Vec<_> = scene.world.server.cdrs.iter().map(|cdr| cdr.cause.sip).collect();
    assert_eq!(codecs, [200, 200]);
}

#[test]
fn a_trunk_that_shares_no_codec_with_anybody_takes_no_call() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft.codecs = vec!["g729".to_owned()]
    })]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 488);
    assert_eq!(scene.world.phones[switch].calls().len(), 0);
}

#[test]
fn headers_of_a_trunk_are_filled_in_and_left_out() {
    let mut scene = Scene::new();
    let (phone, switch) = scene.outside(Answer::PickUp(100));
    scene.equip(vec![peer(7, "gw.example", |draft| {
        draft
            .headers
            .set("X-Account", "acme; from={extension}; to={number}");
        draft.headers.set("P-Charge-Info", "<sip:{caller}@{domain}>");
        draft.headers.set("User-Agent", "Carrier's friend");
        draft.headers.set("Allow", "");
        // There is no account, so there is nothing to say of it.
        draft.headers.set("X-Nothing", "{account}");
    })]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    let shown = |name: &str| scene.shown(switch, name);
    assert_eq!(shown("X-Account"), "acme; from=101; to=+493020001000");
    assert_eq!(shown("P-Charge-Info"), "<sip:+49305550001@gw.example>");
    assert_eq!(shown("User-Agent"), "Carrier's friend");
    assert_eq!(
        (shown("Allow"), shown("X-Nothing")),
        (String::new(), String::new())
    );
    scene.hang_up(phone);
    scene.rests();
}

#[test]
fn a_carrier_may_say_in_to_whom_its_call_is_for() {
    let mut scene = Scene::new();
    let (phone, _) = scene.outside(Answer::PickUp(100));
    scene.world.add_carrier("carrier.example", 1, None);
    scene.equip(vec![peer(7, "carrier.example", |draft| {
        draft.called_in = TrunkCalled::To
    })]);
    scene.run(2000);
    let server = scene.world.server_address();
    // Its To is +49305550001.
    scene.carrier(0).call("account@10.0.0.1", OUTSIDE, server);
    scene.world.collect();
    scene.run(2000);
    assert_eq!(scene.world.phones[phone].calls().len(), 1);
    scene.hang_up(phone);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].did.as_deref(), Some("+49305550001"));
}

/// A phone that talks by a carrier that has asked for credentials.
fn talking() -> (Scene, usize) {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.numbered(|_| {});
    scene.trunk(&[1], |draft| draft.register = false);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.run(2000);
    (scene, phone)
}

#[test]
fn a_carrier_that_asks_within_a_call_is_told_who_we_are() {
    let (mut scene, phone) = talking();
    for direction in ["sendonly", "sendrecv"] {
        // Its nonces are of an hour ago.
        scene.carrier(0).forget_nonces();
        scene.act(phone, |phone, now| phone.reinvite(0, direction, now));
        scene.run(2000);
    }
    let heard = scene.carrier(0).count("INVITE", std::time::Duration::ZERO);
    // One without proof and one with it, then one each that is too old and one that is good.
    assert_eq!(heard, 6);
    assert_eq!(scene.carrier(0).held, [false, true, false]);
    scene.hang_up(phone);
    scene.rests();
    assert_eq!(scene.world.server.cdrs[0].cause.sip, 200);
}

#[test]
fn a_carrier_that_asks_for_ever_within_a_call_gets_one_answer_each_time() {
    let (mut scene, phone) = talking();
    scene.carrier(0).account = Some(("acme".to_owned(), "another".to_owned()));
    scene.carrier(0).mood =
        sim::carrier::Mood::Insists("Digest realm=\"carrier.example\", nonce=\"n\", stale=true");
    scene.act(phone, |phone, now| phone.reinvite(0, "sendonly", now));
    scene.run(5000);
    assert_eq!(scene.carrier(0).count("INVITE", std::time::Duration::ZERO), 4);
    assert_eq!(scene.world.phones[phone].dialogs_up().count(), 1);
    scene.carrier(0).mood = sim::carrier::Mood::Well;
    scene.hang_up(phone);
    scene.rests();
}
