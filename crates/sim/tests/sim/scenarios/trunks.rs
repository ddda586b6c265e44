//! Trunks outside of calls: registered, refreshed, refused, watched, lost and found again.

use super::Scene;
use super::scene::ACME;
use expect_test::expect;
use model::{
    TlsFault, Transport, Trunk, TrunkDraft, TrunkHealth, TrunkId, TrunkPassword, TrunkRegistration, TrunkView,
};
use sim::carrier::{Carrier, Mood};
use sip::digest::Algorithms;
use std::time::Duration;

pub(super) const S: fn(u64) -> Duration = Duration::from_secs;

pub(super) fn trunk(id: u64, change: impl FnOnce(&mut TrunkDraft)) -> Trunk {
    let draft = TrunkDraft {
        username: "acme".to_owned(),
        register: true,
        ..unregistered("carrier.example")
    };
    made(id, draft, "secret", change)
}

/// A trunk to this host that asks nothing and registers nowhere.
pub(super) fn unregistered(host: &str) -> TrunkDraft {
    TrunkDraft {
        host: host.to_owned(),
        transport: Some(Transport::Udp),
        options_s: 0,
        ..TrunkDraft::default()
    }
}

pub(super) fn made(
    id: u64,
    mut draft: TrunkDraft,
    password: &str,
    change: impl FnOnce(&mut TrunkDraft),
) -> Trunk {
    change(&mut draft);
    assert_eq!(draft.check(), Ok(()));
    Trunk {
        id: TrunkId(id),
        name: format!("trunk{id}").into(),
        draft,
        password: TrunkPassword(password.into()),
    }
}

impl Scene {
    /// Acme has this trunk, and its carrier stands at these addresses.
    pub(super) fn trunk(&mut self, hosts: &[u8], change: impl FnOnce(&mut TrunkDraft)) {
        for host in hosts {
            self.world
                .add_carrier("carrier.example", *host, Some(("acme", "secret")));
        }
        self.equip(vec![trunk(7, change)]);
    }

    pub(super) fn equip(&mut self, trunks: Vec<Trunk>) {
        let now = self.world.now();
        self.world.server.equip(ACME, trunks, now);
        self.world.collect();
    }

    pub(super) fn carrier(&mut self, index: usize) -> &mut Carrier {
        &mut self.world.carriers[index]
    }

    pub(super) fn views(&self) -> Vec<TrunkView> {
        let tenant = self.world.server.tenant(ACME).expect("acme");
        tenant.trunks(self.world.now())
    }

    pub(super) fn registration(&self) -> TrunkRegistration {
        self.views()[0].registration
    }

    pub(super) fn health(&self) -> TrunkHealth {
        self.views()[0].health
    }

    /// What people were told, in a line each.
    pub(super) fn news(&self) -> Vec<String> {
        let line = |(_, news): &(Duration, model::TrunkNews)| {
            format!("{:?} {:?} {}", news.health, news.registration, news.why)
        };
        self.world.server.news.iter().map(line).collect()
    }
}

#[test]
fn it_registers_with_its_password_and_stays_registered() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.world.run(S(3));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    let (contact, until) = scene.carrier(0).registered.clone().expect("a contact");
    assert_eq!(contact, "<sip:1.7@10.0.0.1:5060>");
    // For an hour it is never seen to lapse.
    for _ in 0..360 {
        scene.world.run(S(10));
        let now = scene.world.now().mono;
        assert!(scene.carrier(0).registered.clone().expect("a contact").1 > now);
    }
    assert!(until < scene.world.now().mono);
    let asked = scene.carrier(0).count("REGISTER", S(0));
    // Two for the first, then one each time: the nonce is used again until it is too old.
    assert!((8..=20).contains(&asked), "{asked}");
    assert_eq!(scene.news(), ["Unknown Registered "]);
}

#[test]
fn the_ladder_of_a_registration() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.carrier(0).algorithms = Algorithms::MD5;
    scene.carrier(0).most_s = 60;
    scene.world.run(S(45));
    scene.ends(expect![[r#"
        1354     server -> carrier1 REGISTER carrier.example <sip:1.7@10.0.0.1:5060> Expires 600
        1355   carrier1 -> server   401 Unauthorized (REGISTER) ?MD5
        1356     server -> carrier1 REGISTER carrier.example +credentials <sip:1.7@10.0.0.1:5060> Expires 600
        1357   carrier1 -> server   200 OK (REGISTER) <sip:other@10.9.9.9>;expires=5 <sip:1.7@10.0.0.1:5060>;expires=60
        31358    server -> carrier1 REGISTER carrier.example +credentials <sip:1.7@10.0.0.1:5060> Expires 600
        31359  carrier1 -> server   200 OK (REGISTER) <sip:other@10.9.9.9>;expires=5 <sip:1.7@10.0.0.1:5060>;expires=60
        61370    server -> carrier1 REGISTER carrier.example +credentials <sip:1.7@10.0.0.1:5060> Expires 600
        61371  carrier1 -> server   200 OK (REGISTER) <sip:other@10.9.9.9>;expires=5 <sip:1.7@10.0.0.1:5060>;expires=60
        91372    server -> carrier1 REGISTER carrier.example +credentials <sip:1.7@10.0.0.1:5060> Expires 600
        91373  carrier1 -> server   200 OK (REGISTER) <sip:other@10.9.9.9>;expires=5 <sip:1.7@10.0.0.1:5060>;expires=60
    "#]]);
}

#[test]
fn a_wrong_password_is_shown_once_and_then_seldom() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.carrier(0).account = Some(("acme".to_owned(), "another".to_owned()));
    scene.world.run(S(3_600));
    assert_eq!(scene.registration(), TrunkRegistration::Refused);
    let asked = scene.carrier(0).count("REGISTER", S(0));
    assert!((4..=20).contains(&asked), "{asked}");
    assert_eq!(scene.news(), ["Unknown Refused it answers 403 Forbidden"]);
    // Somebody sets it right.
    scene.carrier(0).account = Some(("acme".to_owned(), "secret".to_owned()));
    scene.world.run(S(1_800));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert_eq!(scene.views()[0].fault, "");
}

#[test]
fn a_challenge_of_another_realm_gets_no_answer() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.realm = "carrier.example".to_owned());
    scene.carrier(0).realm = "evil.example".to_owned();
    scene.world.tracing = true;
    scene.world.run(S(60));
    assert_eq!(scene.registration(), TrunkRegistration::Refused);
    let shown = |trace: &sim::world::Trace| match trace {
        sim::world::Trace::Out(_, bytes) => String::from_utf8_lossy(bytes).contains("Authorization"),
        _ => false,
    };
    assert!(!scene.world.trace.iter().any(shown), "the password was shown");
}

#[test]
fn a_trunk_without_a_name_answers_no_challenge() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| {
        draft.username.clear();
        draft.account = "acme".to_owned();
    });
    scene.world.run(S(20));
    assert_eq!(scene.registration(), TrunkRegistration::Refused);
    assert_eq!(scene.carrier(0).count("REGISTER", S(0)), 1);
}

#[test]
fn nonces_of_before_the_carriers_restart_are_renewed_at_once() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.register_s = 60);
    scene.world.run(S(10));
    scene.carrier(0).forget_nonces();
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert_eq!(scene.news(), ["Unknown Registered "]);
}

#[test]
fn what_the_carrier_grants_and_wants_holds() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.register_s = 60);
    (scene.carrier(0).least_s, scene.carrier(0).is_terse) = (900, true);
    scene.world.run(S(5));
    let asked = scene.carrier(0).count("REGISTER", S(0));
    assert_eq!((scene.registration(), asked), (TrunkRegistration::Registered, 3));
    scene.world.run(S(600));
    assert_eq!(scene.carrier(0).count("REGISTER", S(0)), 3, "it lasts for 900 s");
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
}

#[test]
fn where_one_address_is_dead_the_next_one_is_tried() {
    let mut scene = Scene::new();
    scene.trunk(&[1, 2], |_| {});
    scene.carrier(0).mood = Mood::Deaf;
    scene.world.run(S(50));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert!(scene.carrier(1).registered.is_some());
    assert_eq!(scene.views()[0].place.as_deref(), Some("udp:10.0.9.2:5060"));
    // One that says that it can't is no better, and says so at once.
    let mut scene = Scene::new();
    scene.trunk(&[1, 2], |_| {});
    scene.carrier(0).mood = Mood::Fails(503, None);
    scene.world.run(S(10));
    assert!(scene.carrier(1).registered.is_some());
}

#[test]
fn a_carrier_that_is_away_is_asked_ever_more_seldom_and_found_again() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.world.run(S(10));
    scene.carrier(0).mood = Mood::Fails(500, None);
    scene.world.run(S(1_200));
    assert_eq!(scene.registration(), TrunkRegistration::Failed);
    let asked = scene.carrier(0).count("REGISTER", S(600));
    assert!(asked <= 14, "{asked} in the last ten minutes");
    scene.carrier(0).mood = Mood::Well;
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert_eq!(
        scene.news(),
        [
            "Unknown Registered ",
            "Unknown Failed it answers 500 Server Internal Error",
            "Unknown Registered "
        ]
    );
}

#[test]
fn it_waits_for_as_long_as_the_carrier_wishes() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.carrier(0).mood = Mood::Fails(500, Some(700));
    scene.world.run(S(600));
    assert_eq!(scene.carrier(0).count("REGISTER", S(0)), 1);
    scene.carrier(0).mood = Mood::Well;
    scene.world.run(S(120));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
}

#[test]
fn lost_dns_is_no_lost_registration() {
    let mut scene = Scene::new();
    scene.world.dns_is_away = true;
    scene.trunk(&[1], |_| {});
    scene.world.run(S(120));
    assert_eq!(scene.registration(), TrunkRegistration::Failed);
    scene.world.dns_is_away = false;
    scene.world.run(S(100));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    // What is registered stays so while the DNS is away, until it ends.
    scene.world.dns_is_away = true;
    scene.world.run(S(400));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    scene.world.run(S(400));
    assert_eq!(scene.registration(), TrunkRegistration::Failed);
    scene.world.dns_is_away = false;
    scene.world.run(S(360));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
}

#[test]
fn what_the_shell_forgets_is_asked_again() {
    let mut scene = Scene::new();
    scene.world.forgets_questions = true;
    scene.trunk(&[1, 2], |draft| draft.options_s = 30);
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Failed);
    assert_eq!(scene.health(), TrunkHealth::Down);
    scene.world.forgets_questions = false;
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert_eq!(scene.health(), TrunkHealth::Up);
}

#[test]
fn a_broken_connection_is_made_anew_and_registered_on() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.transport = Some(Transport::Tcp));
    scene.world.run(S(10));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    let (contact, _) = scene.carrier(0).registered.clone().expect("a contact");
    assert_eq!(contact, "<sip:1.7@10.0.0.1:5060;transport=tcp>");
    let before = scene.carrier(0).count("REGISTER", S(0));
    scene.world.break_trunk();
    scene.world.run(S(3));
    assert!(scene.carrier(0).count("REGISTER", S(0)) > before);
    assert_eq!(scene.news(), ["Unknown Registered "]);
}

#[test]
fn a_flapping_carrier_is_not_told_of_at_each_flap() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| (draft.register, draft.options_s) = (false, 10));
    scene.world.run(S(30));
    assert_eq!(scene.health(), TrunkHealth::Up);
    // Every other answer is bad for ten minutes.
    for round in 0..120 {
        scene.carrier(0).mood = if round % 2 == 0 {
            Mood::Fails(503, None)
        } else {
            Mood::Well
        };
        scene.world.run(S(5));
    }
    scene.carrier(0).mood = Mood::Well;
    scene.world.run(S(60));
    assert_eq!(scene.health(), TrunkHealth::Up);
    let told = scene.world.server.news.len();
    assert!(told <= 5, "{:?}", scene.news());
    scene.carrier(0).mood = Mood::Deaf;
    scene.world.run(S(200));
    assert_eq!(scene.health(), TrunkHealth::Down);
    assert_eq!(scene.views()[0].fault, "it does not answer");
    scene.carrier(0).mood = Mood::Well;
    scene.world.run(S(60));
    assert_eq!(scene.health(), TrunkHealth::Up);
}

#[test]
fn a_carrier_that_refuses_questions_is_there_all_the_same() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| (draft.register, draft.options_s) = (false, 10));
    scene.carrier(0).mood = Mood::Fails(403, None);
    scene.world.run(S(60));
    assert_eq!(scene.health(), TrunkHealth::Up);
}

#[test]
fn a_trunk_that_is_taken_away_is_silent_and_one_that_changes_begins_anew() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.options_s = 10);
    scene.world.run(S(20));
    assert_eq!(scene.views().len(), 1);
    // Of another account: the old one is taken back, the new one registered.
    let before = scene.carrier(0).count("REGISTER", S(0));
    scene.equip(vec![trunk(7, |draft| draft.account = "other".to_owned())]);
    scene.world.run(S(5));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    assert_eq!(scene.carrier(0).count("REGISTER", S(0)), before + 3);
    // Of the same account: nothing is taken back.
    scene.equip(vec![trunk(7, |draft| {
        draft.account = "other".to_owned();
        draft.options_s = 10;
    })]);
    scene.world.run(S(5));
    assert_eq!(scene.carrier(0).count("REGISTER", S(0)), before + 5);
    let registered_until = |scene: &mut Scene| scene.carrier(0).registered.clone().expect("a contact").1;
    assert!(registered_until(&mut scene) > scene.world.now().mono + S(60));
    scene.equip(vec![trunk(7, |draft| draft.enabled = false)]);
    scene.world.run_ms(100);
    assert!(
        registered_until(&mut scene) <= scene.world.now().mono,
        "the carrier knows us no more"
    );
    let since = scene.world.now().mono + S(1);
    scene.world.run(S(2_000));
    assert!(scene.views().is_empty());
    let heard = scene.carrier(0).count("REGISTER", since) + scene.carrier(0).count("OPTIONS", since);
    assert_eq!(heard, 0);
    let held = scene.world.server.tenant(ACME).expect("acme").held();
    assert_eq!((held.transactions, held.timers), (0, 0));
}

#[test]
fn after_a_restart_it_registers_again() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.world.run(S(20));
    scene.world.restart_server();
    scene.world.run(S(5));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
    // A calendar that jumps moves nothing.
    scene.world.jump_wall_clock(-3_600_000);
    scene.world.run(S(600));
    scene.world.jump_wall_clock(7_200_000);
    scene.world.run(S(600));
    let told = scene.news();
    assert_eq!(told, ["Unknown Registered ", "Unknown Registered "]);
}

#[test]
fn a_carrier_that_does_not_show_who_it_is_hears_nothing_and_the_next_place_is_tried() {
    let mut scene = Scene::new();
    scene.trunk(&[1, 2], |draft| {
        draft.transport = Some(Transport::Tls);
        draft.options_s = 10;
        draft.down_after = 1;
    });
    for index in [0, 1] {
        scene.carrier(index).untrusted = Some(TlsFault::Expired);
    }
    scene.world.run(S(120));
    assert_eq!(
        (scene.carrier(0).heard.len(), scene.carrier(1).heard.len()),
        (0, 0)
    );
    let view = scene.views().remove(0);
    assert_eq!(
        (view.health, view.registration),
        (TrunkHealth::Down, TrunkRegistration::Failed)
    );
    assert_eq!(view.fault, "its certificate has expired");
    // One of them has a new one, for another name.
    scene.carrier(1).untrusted = Some(TlsFault::WrongName);
    scene.world.run(S(120));
    assert_eq!(
        scene.views()[0].fault,
        "its certificate is not valid for carrier.example"
    );
    // And now for the right one.
    scene.carrier(1).untrusted = None;
    scene.world.run(S(300));
    let view = scene.views().remove(0);
    assert_eq!(
        (view.health, view.registration),
        (TrunkHealth::Up, TrunkRegistration::Registered)
    );
    assert_eq!((&*view.fault, view.unverified), ("", false));
    assert_eq!(
        (scene.carrier(0).heard.len(), view.place.as_deref()),
        (0, Some("tls:10.0.9.2:5060"))
    );
}

#[test]
fn who_wants_no_certificate_gets_none_looked_at_and_everybody_sees_it() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| {
        draft.transport = Some(Transport::Tls);
        draft.tls_verify = false;
    });
    scene.carrier(0).untrusted = Some(TlsFault::UnknownIssuer);
    scene.world.run(S(60));
    let view = scene.views().remove(0);
    assert_eq!(
        (view.registration, view.unverified),
        (TrunkRegistration::Registered, true)
    );
}
