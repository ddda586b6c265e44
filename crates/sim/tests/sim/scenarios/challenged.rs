//! Carriers that ask for credentials as nobody should: again and again, for others', by what makes no sense (SECURITY, rows 2 and 3).

use super::Scene;
use super::outside::OUTSIDE;
use super::trunks::{S, trunk};
use model::{TrunkDraft, TrunkRegistration};
use sim::carrier::Rogue;
use sim::phone::Answer;
use sim::world::Trace;
use std::net::SocketAddr;

/// A challenge of one of a hundred kinds, and whether its answer shows something of the password.
struct Odd {
    values: Vec<String>,
    answered: bool,
}

impl Odd {
    fn is_mute(&self) -> bool {
        self.values.iter().map(String::len).sum::<usize>() > 32_000
    }
}

fn odd(answered: bool, value: &str) -> Odd {
    Odd {
        values: vec![value.to_owned()],
        answered,
    }
}

/// Whatever a carrier might ask by.
fn challenges() -> Vec<Odd> {
    let huge = |octets: usize| {
        format!(
            "Digest realm=\"carrier.example\", nonce=\"{}{{n}}\", qop=\"auth\"",
            "f".repeat(octets)
        )
    };
    let mut all = vec![
        odd(
            true,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", qop=\"auth\", stale=true",
        ),
        odd(
            true,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", stale=TRUE, algorithm=MD5",
        ),
        odd(
            true,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", qop=\"auth-int,auth\"",
        ),
        odd(
            false,
            "Digest realm=\"evil.example\", nonce=\"a{n}\", qop=\"auth\"",
        ),
        odd(false, "Digest realm=\"\", nonce=\"a{n}\", qop=\"auth\""),
        odd(false, "Digest realm=\"carrier.example\\\"evil\", nonce=\"a{n}\""),
        odd(false, "Digest nonce=\"a{n}\", qop=\"auth\""),
        odd(false, "Digest realm=\"carrier.example\", qop=\"auth\""),
        odd(
            false,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", qop=\"auth-int\"",
        ),
        odd(
            false,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", algorithm=SHA-512-256",
        ),
        odd(
            false,
            "Digest realm=\"carrier.example\", nonce=\"a{n}\", algorithm=AKAv1-MD5",
        ),
        odd(false, "Basic realm=\"carrier.example\""),
        odd(
            false,
            "Bearer realm=\"carrier.example\", authz_server=\"https://evil.example\"",
        ),
        odd(false, "NTLM realm=\"carrier.example\", targetname=\"evil\""),
        odd(false, "Digest"),
        odd(false, ",,,=\"\"\"\\"),
        odd(false, ""),
        odd(false, &huge(2_000)),
        odd(false, &huge(20_000)),
        odd(false, &huge(40_000)),
    ];
    // Session keys are computed otherwise than plain ones, which nobody has asked for.
    all.push(odd(
        false,
        "Digest realm=\"carrier.example\", nonce=\"a{n}\", algorithm=MD5-sess, qop=\"auth\"",
    ));
    let many = (0..200).map(|n| format!("Digest realm=\"evil{n}.example\", nonce=\"a{{n}}\", qop=\"auth\""));
    all.push(Odd {
        values: many.collect(),
        answered: false,
    });
    let many =
        (0..200).map(|n| format!("Digest realm=\"carrier.example\", nonce=\"a{n}-{{n}}\", algorithm=MD5"));
    all.push(Odd {
        values: many.collect(),
        answered: true,
    });
    all
}

/// What the server has sent with an answer to one of these challenges, and whereto.
fn shown(scene: &Scene) -> Vec<(SocketAddr, String)> {
    let said = scene.world.trace.iter().filter_map(|trace| match trace {
        Trace::Out(flow, bytes) => Some((flow.remote, String::from_utf8_lossy(bytes).into_owned())),
        _ => None,
    });
    let odd = |text: &str| {
        let begins = |first: &&str| text.contains(&format!(" nonce=\"{first}"));
        ["a", "f", "\""].iter().any(begins)
    };
    said.filter(|(_, text)| text.contains("Authorization: ") && odd(text))
        .collect()
}

/// A trunk whose carrier's realm is known.
fn house(draft: impl FnOnce(&mut TrunkDraft)) -> (Scene, usize) {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    scene.numbered(|_| {});
    scene.trunk(&[1], |known| {
        known.register = false;
        known.realm = "carrier.example".to_owned();
        draft(known);
    });
    scene.run(2000);
    (scene, phone)
}

#[test]
fn a_registration_is_not_asked_into_a_loop() {
    for code in [401, 407] {
        for odd in challenges() {
            let mut scene = Scene::new();
            scene.numbered(|_| {});
            scene.trunk(&[1], |draft| draft.realm = "carrier.example".to_owned());
            scene.carrier(0).rogue = Some(Rogue {
                code,
                challenges: odd.values.clone(),
                methods: vec![],
            });
            let what = odd.values[0].chars().take(120).collect::<String>();
            let before = scene.world.now().mono;
            scene.run(600_000);
            let asked = scene.carrier(0).count("REGISTER", before);
            // What is larger than any message is as good as silence, so the request is said again.
            let most = if odd.is_mute() { 120 } else { 30 };
            assert!(asked <= most, "{code} {what}: {asked}");
            assert_ne!(
                scene.registration(),
                TrunkRegistration::Registered,
                "{code} {what}"
            );
            assert_eq!(
                !shown(&scene).is_empty(),
                odd.answered,
                "{code} {what}: {:?}",
                shown(&scene)
            );
            // It comes to its senses.
            scene.carrier(0).rogue = None;
            scene.run(2_000_000);
            assert_eq!(
                scene.registration(),
                TrunkRegistration::Registered,
                "{code} {what}"
            );
        }
    }
}

#[test]
fn a_call_is_not_asked_into_a_loop() {
    for code in [401, 407] {
        for odd in challenges() {
            let (mut scene, phone) = house(|_| {});
            scene.carrier(0).rogue = Some(Rogue {
                code,
                challenges: odd.values.clone(),
                methods: vec!["INVITE"],
            });
            let what = odd.values[0].chars().take(120).collect::<String>();
            scene.call(phone, OUTSIDE);
            scene.rests();
            let asked = scene.carrier(0).count("INVITE", S(0));
            let most = if odd.is_mute() { 7 } else { 4 };
            assert!((1..=most).contains(&asked), "{code} {what}: {asked}");
            let to_carrier = SocketAddr::from(([10, 0, 9, 1], 5060));
            let shown = shown(&scene);
            assert_eq!(!shown.is_empty(), odd.answered, "{code} {what}: {shown:?}");
            assert!(
                shown
                    .iter()
                    .all(|(to, text)| *to == to_carrier && text.len() < 4_000),
                "{shown:?}"
            );
            let cdr = &scene.world.server.cdrs[0];
            assert_ne!(cdr.cause.sip, 200, "{code} {what}");
        }
    }
}

#[test]
fn who_asks_within_a_call_is_not_answered_for_ever_and_the_call_ends() {
    for code in [401, 407] {
        for method in ["BYE", "INVITE", "UPDATE", "INFO"] {
            for odd in challenges() {
                let (mut scene, phone) = house(|_| {});
                scene.call(phone, OUTSIDE);
                scene.run(1000);
                assert_eq!(scene.world.phones[phone].dialogs_up().count(), 1);
                let before = scene.world.now().mono;
                scene.carrier(0).rogue = Some(Rogue {
                    code,
                    challenges: odd.values.clone(),
                    methods: vec![method],
                });
                scene.act(phone, |phone, now| phone.reinvite(0, "sendonly", now));
                scene.run(2000);
                scene.act(phone, |phone, now| phone.hang_up(0, now));
                scene.rests();
                let what = odd.values[0].chars().take(120).collect::<String>();
                let asked = scene.carrier(0).count(method, before);
                let most = if odd.is_mute() { 22 } else { 6 };
                assert!(asked <= most, "{code} {method} {what}: {asked}");
                assert_eq!(scene.world.server.cdrs.len(), 1, "{code} {method} {what}");
                if !odd.answered {
                    assert_eq!(shown(&scene), Vec::new(), "{code} {method} {what}");
                }
            }
        }
    }
}

#[test]
fn each_trunk_shows_its_own_name_and_to_its_own_carrier_alone() {
    for realm in ["", "one.example"] {
        let mut scene = Scene::new();
        let phone = scene.phone("101", Answer::PickUp(1000));
        scene.numbered(|policy| {
            let order = ["trunk1:1", "trunk2:2"];
            policy
                .routes
                .insert("out".to_owned(), super::outside::route(&order));
        });
        let one = scene.world.add_carrier("one.example", 1, None);
        let two = scene.world.add_carrier("two.example", 2, None);
        let draft = |host: &'static str, user: &'static str| {
            move |draft: &mut TrunkDraft| {
                draft.register = true;
                draft.host = host.to_owned();
                draft.username = user.to_owned();
                if !realm.is_empty() {
                    draft.realm = host.to_owned();
                }
            }
        };
        scene.equip(vec![
            trunk(1, draft("one.example", "name-of-one")),
            trunk(2, draft("two.example", "name-of-two")),
        ]);
        // Each asks in the other's name, for everything.
        for (carrier, other) in [(one, "two.example"), (two, "one.example")] {
            scene.carrier(carrier).rogue = Some(Rogue {
                code: 407,
                challenges: vec![format!(
                    "Digest realm=\"{other}\", nonce=\"a{{n}}\", qop=\"auth\""
                )],
                methods: vec![],
            });
        }
        scene.run(30_000);
        scene.call(phone, OUTSIDE);
        scene.rests();
        let shown = shown(&scene);
        for (to, text) in &shown {
            let own = if to.ip().to_string().ends_with(".1") {
                "name-of-one"
            } else {
                "name-of-two"
            };
            let names =
                ["name-of-one", "name-of-two"].map(|name| text.contains(&format!("username=\"{name}\"")));
            assert!(
                text.contains(&format!("username=\"{own}\"")) && names != [true, true],
                "{to}: {text}"
            );
        }
        // Where a trunk's realm is known, another is not answered at all.
        assert_eq!(shown.is_empty(), !realm.is_empty(), "{shown:?}");
    }
}

#[test]
fn a_carrier_that_points_elsewhere_gives_nobody_there_a_password() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::PickUp(1000));
    let evil = scene.switch("evil.example", OUTSIDE, Answer::Refuse(407, 10));
    let at = scene.world.phones[evil].identity.address;
    let gateway = scene.switch("gw.example", OUTSIDE, Answer::Refuse(302, 10));
    scene.act(gateway, |phone, _| {
        phone.forwards_to = vec![
            format!("<sip:{OUTSIDE}@{at}>"),
            "<sip:+493020001000@evil.example>".to_owned(),
        ];
    });
    scene.numbered(|policy| policy.follow_redirects = true);
    scene.equip(vec![trunk(7, |draft| {
        draft.register = false;
        draft.host = "gw.example".to_owned();
    })]);
    scene.run(2000);
    scene.call(phone, OUTSIDE);
    scene.rests();
    let shown = shown(&scene);
    assert!(shown.iter().all(|(to, _)| *to != at), "{shown:?}");
    assert_ne!(scene.world.server.cdrs[0].cause.sip, 200);
}
