//! Where somebody is who calls for help, as carriers are told.

use super::Scene;
use super::neighbours::BETA;
use super::outside::{OUTSIDE, peer, route};
use model::{Network, Site, TrunkLocation};
use sim::phone::Answer;
use sim::world::Trace;

fn site(street: &str, phones: &[&str], networks: &[&str]) -> Site {
    let civic = [("country", "de"), ("A3", "Berlin"), ("RD", street)];
    Site {
        civic: civic
            .map(|(name, text)| (name.to_owned(), text.to_owned()))
            .into(),
        point: None,
        phones: phones.iter().map(|phone| (*phone).to_owned()).collect(),
        networks: networks.iter().filter_map(|text| Network::parse(text)).collect(),
    }
}

impl Scene {
    /// The last INVITE that a switch got.
    fn invite_to(&self, switch: usize) -> String {
        let at = self.world.phones[switch].identity.address;
        let texts = self.world.trace.iter().rev().filter_map(|trace| match trace {
            Trace::Out(flow, bytes) if flow.remote == at => Some(String::from_utf8_lossy(bytes).into_owned()),
            _ => None,
        });
        let mut invites = texts.filter(|text| text.starts_with("INVITE"));
        invites.next().unwrap_or_default()
    }

    /// A phone, and a carrier that is told where calls for help come from.
    fn located(&mut self, sites: &[(&str, Site)]) -> [usize; 2] {
        let (phone, switch) = self.outside(Answer::PickUp(100));
        self.equip(vec![peer(7, "gw.example", |draft| {
            draft.location = TrunkLocation::Pidf
        })]);
        let sites = sites.to_vec();
        self.numbered(|policy| {
            policy.emergency_location = "usual".to_owned();
            policy.locations = sites
                .into_iter()
                .map(|(name, site)| (name.to_owned(), site))
                .collect();
        });
        self.run(2000);
        [phone, switch]
    }
}

impl Scene {
    /// A phone at a known place, and two carriers that want to know it.
    fn two_told(&mut self, one: Answer, two: Answer) -> [usize; 3] {
        let all = self.two_carriers(one, two);
        self.numbered(|policy| {
            policy
                .routes
                .insert("out".to_owned(), route(&["trunk1:1", "trunk2:2"]));
            policy
                .locations
                .insert("usual".to_owned(), site("Hauptstr.", &[], &[]));
            policy.emergency_location = "usual".to_owned();
        });
        let trunk = |id, host| peer(id, host, |draft| draft.location = TrunkLocation::Pidf);
        self.equip(vec![trunk(1, "one.example"), trunk(2, "two.example")]);
        self.run(2000);
        all
    }
}

#[test]
fn the_carrier_is_told_where_the_phone_is() {
    let mut scene = Scene::new();
    let [phone, switch] = scene.located(&[
        ("lab", site("Labor & <Halle>", &["101"], &[])),
        ("net", site("Netzweg", &[], &["10.0.1.0/24"])),
        ("usual", site("Hauptstr.", &[], &[])),
    ]);
    let other = scene.phone("102", Answer::Ring);
    scene.call(phone, "112");
    scene.run(1000);
    scene.talk_to_each_other(phone, switch);
    let invite = scene.invite_to(switch);
    let header = |name: &str| scene.shown(switch, name);
    assert_eq!(header("Geolocation-Routing"), "no");
    assert!(header("Supported").ends_with(", geolocation"), "{invite}");
    assert!(
        header("Content-Type").starts_with("multipart/mixed;boundary="),
        "{invite}"
    );
    let id = header("Geolocation");
    let id = id
        .strip_prefix("<cid:")
        .and_then(|id| id.strip_suffix('>'))
        .expect("a cid");
    assert!(
        invite.contains(&format!("\r\nContent-ID: <{id}>\r\n")),
        "{invite}"
    );
    assert!(
        invite.contains("<ca:RD>Labor &amp; &lt;Halle&gt;</ca:RD>"),
        "{invite}"
    );
    assert!(
        invite.contains("entity=\"sip:+49305550001@gw.example\""),
        "{invite}"
    );
    assert!(invite.contains("\r\n\r\nv=0\r\n"), "{invite}");
    scene.is_helped(phone);
    let told = scene.world.server.emergencies[0]
        .location
        .clone()
        .expect("a location");
    assert_eq!((&*told.0, &*told.1), ("lab", "Labor & <Halle>, Berlin, DE"));
    // Another phone is known by its network.
    scene.call(other, "112");
    scene.run(1000);
    assert!(scene.invite_to(switch).contains("<ca:RD>Netzweg</ca:RD>"));
    scene.is_helped(other);
    // Any other call says nothing of it.
    scene.call(phone, OUTSIDE);
    scene.run(1000);
    let invite = scene.invite_to(switch);
    assert!(
        !invite.contains("eolocation") && invite.contains("application/sdp"),
        "{invite}"
    );
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn a_carrier_that_takes_no_location_gets_the_call_without() {
    let mut scene = Scene::new();
    let [phone, one, two] = scene.two_told(Answer::Refuse(415, 0), Answer::PickUp(100));
    for (n, code) in [415, 424].into_iter().enumerate() {
        scene.answers(one, Answer::Refuse(code, 0));
        scene.call(phone, "112");
        scene.run(3000);
        // The first is asked twice, then the next, with the location again.
        assert!(!scene.invite_to(one).contains("eolocation"), "{code}");
        assert!(
            scene.invite_to(two).contains("<ca:RD>Hauptstr.</ca:RD>"),
            "{code}"
        );
        scene.is_helped(phone);
        let path = scene.paths()[n].clone();
        let expected = format!(
            "outside 112, trunk trunk1, without location ({code}), trunk failed ({code}), trunk trunk2, answered"
        );
        assert_eq!(path, expected);
    }
    scene.rests();
}

#[test]
fn where_no_location_is_known_the_call_goes_without() {
    let mut scene = Scene::new();
    let [phone, switch] = scene.located(&[]);
    scene.call(phone, "112");
    scene.run(1000);
    assert!(!scene.invite_to(switch).contains("eolocation"));
    scene.is_helped(phone);
    scene.rests();
    assert_eq!(scene.world.server.emergencies[0].location, None);
}

#[test]
fn what_a_phone_says_of_its_place_is_not_passed_on() {
    let mut scene = Scene::new();
    let [phone, switch] = scene.located(&[("usual", site("Hauptstr.", &[], &[]))]);
    scene.act(phone, |phone, _| {
        phone.says_place = Some("<presence>Elsewhere</presence>".to_owned())
    });
    scene.call(phone, "112");
    scene.run(1000);
    scene.talk_to_each_other(phone, switch);
    let invite = scene.invite_to(switch);
    assert!(
        invite.contains("Hauptstr.") && !invite.contains("Elsewhere"),
        "{invite}"
    );
    scene.is_helped(phone);
    scene.rests();
}

#[test]
fn people_on_site_get_a_text_now_or_when_their_phone_is_there() {
    let mut scene = Scene::new();
    let [phone, _] = scene.located(&[("hall", site("Hauptstr.", &["101"], &[]))]);
    let told = ["101", "102", "104", "999"].map(str::to_owned).to_vec();
    scene.numbered(|policy| {
        policy
            .locations
            .insert("hall".to_owned(), site("Hauptstr.", &["101"], &[]));
        policy.emergency_notify = told;
    });
    let porter = scene.phone("102", Answer::Ring);
    let other = scene.phone("103", Answer::Ring);
    scene.act(porter, |porter, now| porter.text("104", "first", now));
    scene.run(100);
    scene.call(phone, "112");
    scene.run(1000);
    let texts = |scene: &Scene, phone: usize| scene.world.phones[phone].texts.clone();
    let expected = (
        "sip:101@acme.example".to_owned(),
        "EMERGENCY CALL to 112 from 101 (User 101), at Hauptstr., Berlin, DE [hall], ".to_owned(),
    );
    let got = texts(&scene, porter);
    let (from, text) = got.last().expect("a text");
    assert_eq!(
        (from, text.starts_with(&expected.1)),
        (&expected.0, true),
        "{text}"
    );
    assert_eq!(
        (got.len(), texts(&scene, other).len(), texts(&scene, phone).len()),
        (1, 0, 0)
    );
    scene.is_helped(phone);
    let late = scene.phone("104", Answer::Ring);
    scene.run(1000);
    let got: Vec<String> = texts(&scene, late).into_iter().map(|(_, text)| text).collect();
    assert_eq!((got[0].as_str(), &got[1], got.len()), ("first", text, 2));
    scene.rests();
}

#[test]
fn a_company_that_carries_for_another_tells_where_the_others_phone_is() {
    let mut scene = Scene::new();
    let [here, _, switch] = scene.carried(Answer::PickUp(100));
    scene.numbered(|policy| {
        policy
            .locations
            .insert("hall".to_owned(), site("Nachbarstr.", &[], &[]));
        policy.emergency_location = "hall".to_owned();
    });
    let now = scene.world.now();
    let told = peer(7, "gw.example", |draft| draft.location = TrunkLocation::Pidf);
    scene.world.server.equip(BETA, vec![told], now);
    scene.world.collect();
    scene.run(2000);
    scene.call(here, "112");
    scene.run(2000);
    let invite = scene.invite_to(switch);
    assert!(invite.contains("<ca:RD>Nachbarstr.</ca:RD>"), "{invite}");
    scene.is_helped(here);
    // Where its carrier is told nothing nothing is told.
    let now = scene.world.now();
    scene
        .world
        .server
        .equip(BETA, vec![peer(7, "gw.example", |_| {})], now);
    scene.world.collect();
    scene.run(2000);
    scene.call(here, "112");
    scene.run(2000);
    let invite = scene.invite_to(switch);
    assert!(
        invite.contains("application/sdp") && !invite.contains("eolocation"),
        "{invite}"
    );
    scene.is_helped(here);
    scene.rests();
}

#[test]
fn where_a_large_invite_is_lost_the_carriers_are_tried_again_without_the_location() {
    let mut scene = Scene::new();
    let [phone, one, two] = scene.two_told(Answer::PickUp(100), Answer::Refuse(503, 10));
    // As many copies as there are in four seconds.
    scene.lose_to(one, "INVITE", 4);
    scene.call(phone, "112");
    scene.run(6000);
    assert!(!scene.invite_to(one).contains("eolocation"));
    scene.is_helped(phone);
    let path = scene.paths().remove(0);
    assert_eq!(
        path,
        "outside 112, trunk trunk1, trunk failed (408), trunk trunk2, trunk failed (503), trunk trunk1, answered"
    );
    // One trunk alone, and nobody there at all: it ends in the end.
    scene.answers(one, Answer::Dead);
    scene.answers(two, Answer::Dead);
    scene.call(phone, "112");
    scene.rests();
    let last = scene.world.server.cdrs.last().expect("a record");
    assert!(last.cause.sip >= 400, "{:?}", last.path);
    let tries = last
        .path
        .iter()
        .filter(|step| step.starts_with("trunk trunk"))
        .count();
    assert_eq!(tries, 4, "{:?}", last.path);
}
