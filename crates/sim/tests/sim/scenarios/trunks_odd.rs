//! Trunks whose carriers are odd: half of them dead, in a hurry, in a loop, or closing what they have taken.

use super::Scene;
use super::scene::ACME;
use super::trunks::{S, trunk};
use model::{Transport, TrunkDraft, TrunkHealth, TrunkRegistration};
use sim::carrier::Mood;
use sim::rng::Rng;
use std::time::Duration;

impl Scene {
    /// Breaks the connection each time that the carrier has answered something, for ten minutes; gives how many REGISTERs came.
    fn closes_after_each_answer(&mut self) -> usize {
        let mut seen = 0;
        for _ in 0..6_000 {
            self.world.run_ms(100);
            let heard = self.carrier(0).heard.len();
            if heard > seen {
                seen = heard;
                self.world.run_ms(30);
                self.world.break_trunk();
            }
        }
        self.carrier(0).count("REGISTER", S(0))
    }
}

#[test]
fn a_dead_place_does_not_take_the_good_one_down() {
    for (register, options_s) in [(true, 0), (true, 30), (false, 30), (true, 10)] {
        let mut scene = Scene::new();
        scene.trunk(&[1, 2], |draft| {
            (draft.register, draft.options_s) = (register, options_s)
        });
        scene.carrier(0).mood = Mood::Deaf;
        scene.world.run(S(120));
        for _ in 0..120 {
            scene.world.run(S(10));
            let view = scene.views().remove(0);
            assert!(
                !register || view.registration == TrunkRegistration::Registered,
                "{view:?}"
            );
            assert!(options_s == 0 || view.health == TrunkHealth::Up, "{view:?}");
            assert_eq!(view.place.as_deref(), Some("udp:10.0.9.2:5060"));
        }
        let late = scene.carrier(0).count("OPTIONS", S(300)) + scene.carrier(0).count("REGISTER", S(300));
        assert_eq!(late, 0, "the dead place is left alone while the good one answers");
    }
}

#[test]
fn every_place_is_tried_however_short_the_dns_holds() {
    for ttl_s in [1, 5, 30, 60] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let mut scene = Scene::new();
            scene.world.ttl_s = ttl_s;
            scene.trunk(&[1, 2, 3], |draft| draft.transport = Some(transport));
            (scene.carrier(0).mood, scene.carrier(1).mood) = (Mood::Deaf, Mood::Deaf);
            scene.world.run(S(120));
            assert_eq!(
                scene.registration(),
                TrunkRegistration::Registered,
                "{ttl_s} {transport:?}"
            );
            scene.world.run(S(3_600));
            assert_eq!(
                scene.registration(),
                TrunkRegistration::Registered,
                "{ttl_s} {transport:?}"
            );
        }
    }
}

#[test]
fn a_carrier_that_wants_ever_longer_ones_is_not_followed_without_end() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.carrier(0).mood = Mood::Rises;
    scene.world.run(S(600));
    let asked = scene.carrier(0).count("REGISTER", S(0));
    assert!((10..=25).contains(&asked), "{asked}");
    scene.carrier(0).mood = Mood::Well;
    scene.world.run(S(300));
    assert_eq!(scene.registration(), TrunkRegistration::Registered);
}

#[test]
fn odd_lengths_of_registrations_do_no_harm() {
    for (expires, is_registered, most) in [
        ("0", false, 8),
        ("1", true, 14),
        ("2", true, 14),
        ("4294967295", true, 2),
        ("99999999999999999999", true, 2),
        ("-1", true, 2),
        ("abc", true, 2),
    ] {
        let mut scene = Scene::new();
        scene.trunk(&[1], |_| {});
        scene.carrier(0).mood = Mood::Grants(expires);
        scene.world.run(S(60));
        let asked = scene.carrier(0).count("REGISTER", S(0));
        assert!(asked <= most, "{expires}: {asked}");
        let never = scene.news().iter().all(|line| !line.contains("Registered"));
        assert_eq!(never, !is_registered, "{expires}: {:?}", scene.news());
    }
}

#[test]
fn a_contact_that_the_carrier_has_rewritten_is_ours_all_the_same() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |_| {});
    scene.carrier(0).mood = Mood::Rewrites;
    scene.world.run(S(5));
    for _ in 0..60 {
        scene.world.run(S(10));
        let now = scene.world.now().mono;
        assert!(
            scene.carrier(0).registered.clone().expect("a contact").1 > now,
            "it lapsed"
        );
    }
}

#[test]
fn a_carrier_that_closes_its_connections_is_not_besieged() {
    for (mood, most) in [
        (Mood::Well, 20),
        (Mood::Fails(403, None), 8),
        (Mood::Fails(500, Some(600)), 2),
        (Mood::Fails(503, Some(600)), 2),
    ] {
        let mut scene = Scene::new();
        scene.trunk(&[1], |draft| draft.transport = Some(Transport::Tcp));
        scene.carrier(0).mood = mood;
        let asked = scene.closes_after_each_answer();
        assert!(asked <= most, "{mood:?}: {asked} REGISTERs in ten minutes");
        if mood == Mood::Well {
            assert_eq!(scene.registration(), TrunkRegistration::Registered);
        }
    }
}

#[test]
fn a_company_that_ends_takes_its_registrations_back() {
    let mut scene = Scene::new();
    scene.trunk(&[1], |draft| draft.options_s = 5);
    scene.world.run(S(20));
    scene.input(pbx::Input::HangUpAll);
    scene.world.run(S(2));
    let (_, until) = scene.carrier(0).registered.clone().expect("a contact");
    assert!(until <= scene.world.now().mono);
    scene.world.run(S(60));
    assert!(scene.world.server.tenant(ACME).expect("acme").is_idle());
}

#[test]
fn whatever_happens_a_trunk_comes_back_and_never_spins() {
    const STALE: &str = "Digest realm=\"x\", nonce=\"n\", stale=true";
    for seed in 0..60 {
        let mut rng = Rng::new(seed);
        let mut scene = Scene::new();
        let mut pick = |sides: u64| usize::try_from(rng.next() % sides).unwrap_or(0);
        let transport = [Transport::Udp, Transport::Tcp][pick(2)];
        scene.world.ttl_s = [1, 20, 60, 3_600][pick(4)];
        let hosts = [&[1][..], &[1, 2], &[1, 2, 3]][pick(3)];
        let options_s = [0, 5, 30][pick(3)];
        let draft = move |draft: &mut TrunkDraft| {
            draft.transport = Some(transport);
            draft.options_s = options_s;
        };
        scene.trunk(hosts, draft);
        for _ in 0..100 {
            for index in 0..hosts.len() {
                let moods = [
                    Mood::Deaf,
                    Mood::Fails(503, None),
                    Mood::Fails(503, Some(20)),
                    Mood::Fails(500, None),
                    Mood::Fails(403, None),
                    Mood::Fails(423, None),
                    Mood::Fails(100, None),
                    Mood::Fails(302, None),
                    Mood::Fails(401, None),
                    Mood::Grants("0"),
                    Mood::Insists(STALE),
                    Mood::Well,
                ];
                if pick(4) == 0 {
                    scene.carrier(index).mood = moods[pick(12)];
                }
            }
            match pick(10) {
                0 => scene.world.break_trunk(),
                1 => scene.world.dns_is_away = pick(2) == 0,
                2 => scene.world.forgets_questions = pick(2) == 0,
                3 => {
                    let enabled = pick(2) == 0;
                    scene.equip(vec![trunk(7, |wanted| {
                        draft(wanted);
                        wanted.enabled = enabled;
                    })]);
                }
                4 => scene
                    .world
                    .jump_wall_clock(i64::try_from(pick(7_200_000)).unwrap_or(0) - 3_600_000),
                _ => {}
            }
            scene.world.run_ms(pick(40_000) as u64);
            let due = scene.world.server.tenant(ACME).expect("acme").poll_timeout();
            assert!(
                due.is_none_or(|due| due > scene.world.now().mono),
                "seed {seed} spins"
            );
        }
        (scene.world.dns_is_away, scene.world.forgets_questions) = (false, false);
        for index in 0..hosts.len() {
            scene.carrier(index).mood = Mood::Well;
        }
        scene.equip(vec![trunk(7, draft)]);
        scene.world.run(Duration::from_secs(2_400));
        assert_eq!(scene.registration(), TrunkRegistration::Registered, "seed {seed}");
        assert!(options_s == 0 || scene.health() == TrunkHealth::Up, "seed {seed}");
    }
}
