//! Transfers that are meant to do harm: hostile targets, circles without end, calls of other companies.

use super::{Scene, scene::ACME};
use expect_test::expect;
use model::Transport;
use sim::phone::Answer;
use sim::world::Trace;
use sip::Name;
use std::fmt::Write;

/// What the server sent since tracing began, as text.
fn sent(scene: &Scene) -> Vec<String> {
    let out = scene.world.trace.iter().filter_map(|trace| match trace {
        Trace::Out(_, bytes) => Some(String::from_utf8_lossy(bytes).into_owned()),
        _ => None,
    });
    out.collect()
}

/// What is told of a REFER: its answer and the last NOTIFY's status.
fn outcome(scene: &mut Scene, phone: usize, target: &str) -> (u16, Option<u16>) {
    scene.act(phone, |p, _| {
        p.heard.clear();
        p.transfers.clear();
    });
    scene.act(phone, |p, now| {
        p.refer_with(0, &[(Name::ReferTo, target.to_owned())], now);
    });
    scene.run(500);
    scene.act(phone, |p, _| {
        let answer = p.heard.iter().find(|(method, _)| method == "REFER");
        (answer.map_or(0, |(_, code)| *code), p.transfers.last().copied())
    })
}

#[test]
fn to_what_a_web_page_or_an_attacker_would_write() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let foreign = scene.phone_at("beta.example", "102", Transport::Udp, Answer::Ring);
    scene.world.tracing = true;
    let mut told = String::new();
    for target in [
        "<javascript:alert(1)>",
        "<data:text/html,x>",
        "<http://103@acme.example/>",
        "<urn:uuid:1>",
        "<sip:103@acme.example;method=BYE>",
        "<sip:103@acme.example;method=SUBSCRIBE?Event=dialog>",
        "<sip:103@acme.example;method=%42YE>",
        "<sip:103@acme.example;method=>",
        "<sip:102@beta.example>",
        "<sip:999@beta.example>",
        "<sip:999@acme.example>",
        "<sips:999@acme.example>",
        "<tel:+15550100;phone-context=evil.example>",
        "<tel:911>",
        "<sip:103%0d%0aX-Evil:%201@acme.example>",
        "<sip:103%00@acme.example>",
        "<sip:9%22%3E%3Bx=@acme.example>",
        "<sip:999@acme.example?X-Evil=1%0d%0aX-Evil:%202&Route=%3Csip:evil.example%3E&Body=x>",
        "<sip:999@acme.example;maddr=10.0.2.66;transport=tcp>",
        "<sip:1@10.0.0.1:5060>",
        "<sip:103@10.0.2.66>",
    ] {
        let (answer, end) = outcome(&mut scene, ann, target);
        let end = end.map(|code| format!(", then {code}")).unwrap_or_default();
        let _ = writeln!(told, "{answer}{end} {target}");
    }
    expect![[r#"
        416 <javascript:alert(1)>
        416 <data:text/html,x>
        416 <http://103@acme.example/>
        416 <urn:uuid:1>
        403 <sip:103@acme.example;method=BYE>
        403 <sip:103@acme.example;method=SUBSCRIBE?Event=dialog>
        403 <sip:103@acme.example;method=%42YE>
        403 <sip:103@acme.example;method=>
        202, then 403 <sip:102@beta.example>
        202, then 403 <sip:999@beta.example>
        202, then 404 <sip:999@acme.example>
        202, then 404 <sips:999@acme.example>
        202, then 404 <tel:+15550100;phone-context=evil.example>
        202, then 503 <tel:911>
        202, then 404 <sip:103%0d%0aX-Evil:%201@acme.example>
        202, then 480 <sip:103%00@acme.example>
        202, then 404 <sip:9%22%3E%3Bx=@acme.example>
        202, then 404 <sip:999@acme.example?X-Evil=1%0d%0aX-Evil:%202&Route=%3Csip:evil.example%3E&Body=x>
        202, then 404 <sip:999@acme.example;maddr=10.0.2.66;transport=tcp>
        202, then 403 <sip:1@10.0.0.1:5060>
        202, then 403 <sip:103@10.0.2.66>
    "#]]
    .assert_eq(&told);
    for text in sent(&scene) {
        assert!(!text.to_lowercase().contains("x-evil"), "{text}");
        assert!(!text.contains("evil.example"), "{text}");
        assert!(!text.starts_with("INVITE"), "{text}");
    }
    // Neither company's phones have heard of it.
    assert_eq!(scene.world.phones[foreign].unanswered, 0);
    let counts = scene.world.server.tenant(ACME).unwrap().counts();
    assert_eq!(counts.transfers, counts.transfers_failed);
    let now = scene.world.now();
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 1);
    assert!(scene.world.server.tenant(ACME).unwrap().registrations(now).len() >= 2);
    scene.hang_up(bea);
    scene.rests();
}

/// A number that rings: of what came with it nothing is in the INVITE.
#[test]
fn what_is_hidden_in_a_good_target_is_not_passed_on() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.phone("103", Answer::Refuse(486, 10));
    scene.world.tracing = true;
    for target in [
        "<sips:103@acme.example>",
        "<sip:103@acme.example;evil=1;maddr=evil.example;lr?X-Evil=1&From=%3Csip:evil%40evil.example%3E>;evil",
        "\"evil\" <sip:103:evil@acme.example?Subject=evil&Require=evil&Authorization=evil>",
        "<sip:1%303@ACME.EXAMPLE;user=phone?Call-ID=evil>",
        "<tel:1-0.3;evil=1>",
    ] {
        assert_eq!(outcome(&mut scene, ann, target), (202, Some(486)), "{target}");
    }
    let invites: Vec<String> = sent(&scene)
        .into_iter()
        .filter(|text| text.starts_with("INVITE"))
        .collect();
    assert_eq!(invites.len(), 5);
    for text in invites {
        assert!(!text.to_lowercase().contains("evil"), "{text}");
        assert!(
            text.contains("\r\nReferred-By: <sip:101@acme.example>\r\n"),
            "{text}"
        );
    }
    scene.hang_up(bea);
    scene.rests();
}

/// Two phones send a third back and forth for ever: one call at a time, one record each, and nothing is left behind.
#[test]
fn in_a_circle_without_end() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let cid = scene.phone("103", Answer::PickUp(10));
    scene.answers(ann, Answer::PickUp(10));
    let mut calls = [0, 0];
    let held = |scene: &Scene| {
        let held = scene.world.server.tenant(ACME).unwrap().held();
        (held.calls, held.legs)
    };
    let before = held(&scene);
    for round in 0..100 {
        let (by, to) = if round % 2 == 0 {
            (ann, "103")
        } else {
            (cid, "101")
        };
        let call = calls[round % 2];
        scene.act(by, |p, now| p.refer(call, to, now));
        scene.run(400);
        // The one who transferred is rung with his next call.
        calls[round % 2] = scene.world.phones[by].calls().len();
        assert!(held(&scene) <= (before.0 + 1, before.1 + 2), "{:?}", held(&scene));
    }
    assert_eq!(scene.world.server.cdrs.len(), 100);
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 1);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.act(bea, |p, now| p.end(0, now));
    scene.rests();
    assert_eq!(scene.world.server.cdrs.len(), 101);
}

/// A phone transfers its other side to that one's own number, and to the number of the call itself: who talks with
/// himself there is only one of.
#[test]
fn to_the_other_side_again_and_again() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    scene.answers(bea, Answer::Refuse(486, 10));
    for _ in 0..50 {
        let (code, told) = outcome(&mut scene, ann, "<sip:102@acme.example>");
        assert!(
            code == 202 && told.is_some_and(|code| code >= 400),
            "{code} {told:?}"
        );
    }
    assert_eq!(scene.world.server.tenant(ACME).unwrap().calls().len(), 1);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(ann, bea);
    scene.hang_up(ann);
    scene.rests();
}
