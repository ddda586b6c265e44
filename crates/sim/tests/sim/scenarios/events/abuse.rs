//! Subscriptions that are meant to do harm or to find something out.

use super::super::by_hand::{code, request};
use super::super::scene::ACME;
use super::{Hand, Scene};
use expect_test::expect;
use model::Transport;
use sim::phone::Answer;
use std::fmt::Write;

/// The last answer to a SUBSCRIBE of `user`, NOTIFYs left out and not answered.
fn answer(scene: &mut Scene, hand: &mut Hand, user: &str, target: &str, call_id: &str, more: &str) -> String {
    let head = request("SUBSCRIBE", &format!("{user}@acme.example"), target, call_id, 1);
    let head = head.replace("Max-Forwards", &format!("{more}Max-Forwards"));
    let before = scene.world.mail.len();
    hand.insists(scene, user, &head, "");
    scene.run(10);
    let heard = scene.world.mail[before..].iter().rev();
    let mut answers = heard.map(|(_, m)| String::from_utf8_lossy(m).into_owned());
    answers
        .find(|text| text.starts_with("SIP/2.0"))
        .unwrap_or_default()
}

/// What an answer says beyond what the request said.
fn said(answer: &str) -> String {
    let own = |line: &&str| {
        let name = line.split(':').next().unwrap_or("");
        !["Via", "From", "To", "Call-ID"].contains(&name)
    };
    answer.lines().filter(own).collect::<Vec<_>>().join("\n")
}

/// The answer doesn't tell whether somebody exists who may not be watched, here or in another company.
#[test]
fn who_is_not_to_be_watched_is_as_one_who_does_not_exist() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::Ring);
    scene.phone_at("beta.example", "102", Transport::Udp, Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for event in ["dialog", "presence", "message-summary", "reg"] {
        let mut different = std::collections::BTreeSet::new();
        for (number, target) in [
            "999@acme.example",
            "102@beta.example",
            "999@beta.example",
            "all@beta.example",
        ]
        .into_iter()
        .enumerate()
        {
            let id = format!("{event}-{number}");
            let answer = answer(
                &mut scene,
                &mut hand,
                "101",
                target,
                &id,
                &format!("Event: {event}\n"),
            );
            different.insert(said(&answer));
        }
        assert_eq!(different.len(), 1, "{event}: {different:#?}");
        assert!(
            different.iter().all(|text| text.starts_with("SIP/2.0 404")),
            "{different:#?}"
        );
    }
    // A mailbox and registrations are nobody else's business.
    for event in ["message-summary", "reg"] {
        let [there, nowhere] = ["102", "999"].map(|user| {
            let (target, id) = (format!("{user}@acme.example"), format!("{event}-{user}"));
            said(&answer(
                &mut scene,
                &mut hand,
                "101",
                &target,
                &id,
                &format!("Event: {event}\n"),
            ))
        });
        assert_eq!(there, nowhere);
    }
    assert_eq!(scene.world.server.tenant(ACME).unwrap().held().subscriptions, 0);
}

#[test]
fn times_that_nobody_means() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let mut told = String::new();
    for (number, expires) in [
        "0",
        "1",
        "59",
        "60",
        "7200",
        "7201",
        "4294967295",
        "4294967296",
        "99999999999999999999999",
        "-1",
        "1e9",
        "3600, 60",
        "",
    ]
    .into_iter()
    .enumerate()
    {
        let more = format!("Event: dialog\nExpires: {expires}\n");
        let id = format!("time-{number}");
        let answer = answer(&mut scene, &mut hand, "101", "102@acme.example", &id, &more);
        let granted = answer.lines().find(|l| l.contains("Expires: ")).unwrap_or("");
        let _ = writeln!(told, "{expires:?}: {} {granted}", code(&answer));
    }
    expect![[r#"
        "0": 200 Expires: 0
        "1": 423 Min-Expires: 60
        "59": 423 Min-Expires: 60
        "60": 200 Expires: 60
        "7200": 200 Expires: 7200
        "7201": 200 Expires: 7200
        "4294967295": 200 Expires: 7200
        "4294967296": 200 Expires: 3600
        "99999999999999999999999": 200 Expires: 3600
        "-1": 200 Expires: 3600
        "1e9": 200 Expires: 3600
        "3600, 60": 200 Expires: 3600
        "": 200 Expires: 3600
    "#]]
    .assert_eq(&told);
    // Whatever was granted ends by itself.
    scene.run(7_300_000);
    let held = scene.world.server.tenant(ACME).unwrap().held();
    assert_eq!((held.subscriptions, held.transactions), (0, 0));
}

/// Phones that watch themselves and each other, by every package, while they call each other: what one hears makes nobody
/// hear anything.
#[test]
fn watching_oneself_and_each_other_makes_no_circle() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.pair();
    for phone in [ann, bea] {
        for target in ["101", "102", "all"] {
            for event in ["dialog", "presence", "reg", "message-summary"] {
                scene.act(phone, |p, now| p.watch(event, target, 3600, now));
                scene.run(20);
            }
        }
    }
    scene.run(2000);
    let heard = |scene: &mut Scene| {
        let of = |phone: usize| {
            scene.world.phones[phone]
                .watches()
                .iter()
                .map(|w| w.heard)
                .sum::<u64>()
        };
        of(ann) + of(bea)
    };
    let before = heard(&mut scene);
    scene.run(60_000);
    assert_eq!(heard(&mut scene), before, "nothing happened, and nothing is told");
    scene.call(ann, "102");
    scene.run(3000);
    scene.hang_up(ann);
    scene.run(10_000);
    // Of each phone's lamps: both users and the list ring, talk and end; presence of both and the list changes twice.
    let after = heard(&mut scene) - before;
    assert!((12..=40).contains(&after), "{after} NOTIFYs for one call");
    scene.run(60_000);
    assert_eq!(heard(&mut scene), before + after);
}
