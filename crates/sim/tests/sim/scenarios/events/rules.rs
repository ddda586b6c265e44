//! What a subscription must not do, how long it lasts, how many there may be, and how it ends.

use super::super::by_hand::{authorized, challenges, field, request};
use super::super::scene::{acme, with_users};
use super::{Hand, Scene};
use expect_test::expect;
use model::{EventCommand, Lamp, Policy, Transport, Watch};
use pbx::Input;
use sim::phone::Answer;

/// A SUBSCRIBE of 101 by hand.
fn subscribe(target: &str, call_id: &str, headers: &str) -> String {
    let head = request("SUBSCRIBE", "101@acme.example", target, call_id, 1);
    head.replace("Max-Forwards", &format!("{headers}Max-Forwards"))
}

/// Asks with credentials, takes every NOTIFY, and gives the answer.
fn answer(hand: &mut Hand, scene: &mut Scene, user: &str, head: &str) -> String {
    hand.hears(scene);
    hand.send(scene, head);
    let challenged = hand.hears(scene).pop().unwrap_or_default();
    let challenge = challenges(&challenged).pop().unwrap_or_default();
    let head = authorized(head, &challenge, user, &format!("pw{user}"), 1);
    hand.send(scene, &head);
    let heard = hand.hears(scene);
    for notify in heard.iter().filter(|text| text.starts_with("NOTIFY")) {
        hand.responds(scene, notify, 200, "");
    }
    scene.run(10);
    heard
        .into_iter()
        .find(|text| text.starts_with("SIP/2.0"))
        .unwrap_or_default()
}

#[test]
fn refusals() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    for (number, (target, headers)) in [
        ("102@acme.example", "Event: weather\n"),
        ("102@acme.example", ""),
        ("102@acme.example", "Event: dialog\nExpires: 30\n"),
        ("102@acme.example", "Event: dialog\nAccept: text/html\n"),
        ("999@acme.example", "Event: dialog\n"),
        ("102@beta.example", "Event: dialog\n"),
        ("102@acme.example", "Event: reg\n"),
        ("all@acme.example", "Event: dialog\n"),
        ("all@acme.example", "Event: reg\nSupported: eventlist\n"),
    ]
    .into_iter()
    .enumerate()
    {
        let text = subscribe(target, &format!("refused-{number}"), headers);
        let got = answer(&mut hand, &mut scene, "101", &text);
        assert!(!got.starts_with("SIP/2.0 2"), "{got}");
    }
    scene.ends(expect![[r#"
        10         hand -> server   SUBSCRIBE 102 Event weather
        11       server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        20         hand -> server   SUBSCRIBE 102 +credentials Event weather
        21       server -> hand     489 Bad Event (SUBSCRIBE) Allow-Events as-feature-event, dialog, message-summary, presence, reg
        50         hand -> server   SUBSCRIBE 102
        51       server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        60         hand -> server   SUBSCRIBE 102 +credentials
        61       server -> hand     489 Bad Event (SUBSCRIBE) Allow-Events as-feature-event, dialog, message-summary, presence, reg
        90         hand -> server   SUBSCRIBE 102 Expires 30 Event dialog
        91       server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        100        hand -> server   SUBSCRIBE 102 +credentials Expires 30 Event dialog
        101      server -> hand     423 Interval Too Brief (SUBSCRIBE) Min-Expires 60
        130        hand -> server   SUBSCRIBE 102 Event dialog
        131      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        140        hand -> server   SUBSCRIBE 102 +credentials Event dialog
        141      server -> hand     406 Not Acceptable (SUBSCRIBE)
        170        hand -> server   SUBSCRIBE 999 Event dialog
        171      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        180        hand -> server   SUBSCRIBE 999 +credentials Event dialog
        181      server -> hand     404 Not Found (SUBSCRIBE)
        210        hand -> server   SUBSCRIBE 102 Event dialog
        211      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        220        hand -> server   SUBSCRIBE 102 +credentials Event dialog
        221      server -> hand     404 Not Found (SUBSCRIBE)
        250        hand -> server   SUBSCRIBE 102 Event reg
        251      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        260        hand -> server   SUBSCRIBE 102 +credentials Event reg
        261      server -> hand     404 Not Found (SUBSCRIBE)
        290        hand -> server   SUBSCRIBE all Event dialog
        291      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        300        hand -> server   SUBSCRIBE all +credentials Event dialog
        301      server -> hand     421 Extension Required (SUBSCRIBE) Require eventlist
        330        hand -> server   SUBSCRIBE all Event reg
        331      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        340        hand -> server   SUBSCRIBE all +credentials Event reg
        341      server -> hand     404 Not Found (SUBSCRIBE)
    "#]]);
}

#[test]
fn nothing_without_credentials_and_nothing_with_those_of_another_tenant() {
    let mut scene = Scene::new();
    let _victim = scene.phone("102", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.send(
        &mut scene,
        &subscribe("102@acme.example", "anonymous", "Event: dialog\n"),
    );
    scene.run(100);
    let foreign = scene.phone_at("beta.example", "101", Transport::Udp, Answer::Ring);
    scene.act(foreign, |p, now| p.watch("dialog", "102@acme.example", 600, now));
    scene.run(100);
    assert_eq!(
        scene
            .world
            .server
            .tenant(super::super::scene::ACME)
            .unwrap()
            .held()
            .subscriptions,
        0
    );
    scene.ends(expect![[r#"
        0      beta/101 -> server   SUBSCRIBE 102 Expires 600 Event dialog
        1        server -> beta/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      beta/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        3        server -> beta/101 404 Not Found (SUBSCRIBE)
    "#]]);
}

#[test]
fn policy_says_who_may_watch() {
    let policy = Policy {
        watch_calls: Watch::Own,
        ..Policy::default()
    };
    let mut scene = Scene::with(policy.clone());
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, now| p.watch("dialog", "101", 600, now));
    scene.act(phone, |p, now| p.watch("dialog", "102", 600, now));
    scene.act(phone, |p, now| p.watch("dialog", "999", 600, now));
    scene.run(1000);
    // Now nobody may.
    let nobody = Policy {
        watch_calls: Watch::None,
        ..policy
    };
    scene.reconfigure(&acme(nobody));
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE 101 Expires 600 Event dialog
        0      acme/101 -> server   SUBSCRIBE 102 Expires 600 Event dialog
        0      acme/101 -> server   SUBSCRIBE 999 Expires 600 Event dialog
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 101 +credentials Expires 600 Event dialog
        2      acme/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        2      acme/101 -> server   SUBSCRIBE 999 +credentials Expires 600 Event dialog
        3        server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:101@acme.example"></dialog-info>}
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
        4      acme/101 -> server   200 OK (NOTIFY)
        1000     server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=rejected
        1001   acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_user_who_is_gone_is_watched_no_more_and_watches_no_more() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    let gone = scene.phone("102", Answer::Ring);
    scene.act(phone, |p, now| p.watch("dialog", "102", 600, now));
    scene.act(gone, |p, now| p.watch("dialog", "101", 600, now));
    scene.run(1000);
    scene.curtain();
    let now = scene.world.now();
    let config = with_users(2, |user| user.enabled = &*user.extension != "102");
    scene.world.server.configure(config, now);
    scene.ends(expect![[r#"
        0        server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=rejected
        0        server -> acme/102 NOTIFY 102 Event dialog Subscription-State terminated;reason=rejected
        1      acme/101 -> server   200 OK (NOTIFY)
        1      acme/102 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_subscription_runs_out() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    scene.act(phone, |p, now| p.watch("dialog", "102", 60, now));
    scene.run(50_000);
    scene.act(phone, |p, now| p.subscribe(0, 60, now));
    scene.run(50_000);
    scene.curtain();
    scene.run(20_000);
    // Its dialog is no more.
    scene.ends(expect![[r#"
        10003    server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=timeout {<dialog-info version="2" state="full" entity="sip:102@acme.example"></dialog-info>}
        10004  acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn limits() {
    let mut scene = Scene::with(Policy {
        max_subscriptions: 2,
        ..Policy::default()
    });
    let phone = scene.phone("101", Answer::Ring);
    for target in ["102", "103", "104"] {
        scene.act(phone, |p, now| p.watch("dialog", target, 600, now));
        scene.run(100);
    }
    // One that ends makes room.
    scene.act(phone, |p, now| p.subscribe(0, 0, now));
    scene.run(100);
    scene.act(phone, |p, now| p.watch("dialog", "104", 600, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE 102 Expires 600 Event dialog
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        3        server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        3        server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:102@acme.example"></dialog-info>}
        4      acme/101 -> server   200 OK (NOTIFY)
        100    acme/101 -> server   SUBSCRIBE 103 Expires 600 Event dialog
        101      server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        102    acme/101 -> server   SUBSCRIBE 103 +credentials Expires 600 Event dialog
        103      server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        103      server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:103@acme.example"></dialog-info>}
        104    acme/101 -> server   200 OK (NOTIFY)
        200    acme/101 -> server   SUBSCRIBE 104 Expires 600 Event dialog
        201      server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        202    acme/101 -> server   SUBSCRIBE 104 +credentials Expires 600 Event dialog
        203      server -> acme/101 403 Forbidden (SUBSCRIBE)
        300    acme/101 -> server   SUBSCRIBE 1 Expires 0 Event dialog
        301      server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        302    acme/101 -> server   SUBSCRIBE 1 +credentials Expires 0 Event dialog
        303      server -> acme/101 200 OK (SUBSCRIBE) Expires 0
        303      server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=timeout {<dialog-info version="1" state="full" entity="sip:102@acme.example"></dialog-info>}
        304    acme/101 -> server   200 OK (NOTIFY)
        400    acme/101 -> server   SUBSCRIBE 104 Expires 600 Event dialog
        401      server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        402    acme/101 -> server   SUBSCRIBE 104 +credentials Expires 600 Event dialog
        403      server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        403      server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:104@acme.example"></dialog-info>}
        404    acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}

#[test]
fn a_refresh_needs_credentials_and_order() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let first = subscribe("102@acme.example", "refresh", "Event: dialog\n");
    let got = answer(&mut hand, &mut scene, "101", &first);
    let to = field(&got, "To").to_owned();
    scene.run(1000);
    scene.curtain();
    let again = subscribe("102@acme.example", "refresh", "Event: dialog\nExpires: 600\n")
        .replace("To: <sip:102@acme.example>", &to)
        .replace("CSeq: 1", "CSeq: 9");
    hand.send(&mut scene, &again);
    scene.run(100);
    let got = answer(&mut hand, &mut scene, "101", &again);
    assert!(got.starts_with("SIP/2.0 200"), "{got}");
    let late = again.replace("CSeq: 9", "CSeq: 3");
    let got = answer(&mut hand, &mut scene, "101", &late);
    assert!(got.starts_with("SIP/2.0 500"), "{got}");
    // Another user's credentials do not do, nor does another package.
    let got = answer(
        &mut hand,
        &mut scene,
        "102",
        &again.replace("CSeq: 9", "CSeq: 20"),
    );
    assert!(got.starts_with("SIP/2.0 403"), "{got}");
    let other = again
        .replace("CSeq: 9", "CSeq: 30")
        .replace("Event: dialog", "Event: reg");
    let got = answer(&mut hand, &mut scene, "101", &other);
    assert!(got.starts_with("SIP/2.0 489"), "{got}");
    let unknown = again.replace(";tag=1-", ";tag=1-0");
    let got = answer(
        &mut hand,
        &mut scene,
        "101",
        &unknown.replace("CSeq: 9", "CSeq: 40"),
    );
    assert!(got.starts_with("SIP/2.0 481"), "{got}");
    scene.ends(expect![[r#"
        0          hand -> server   SUBSCRIBE 102 Expires 600 Event dialog
        1        server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        110        hand -> server   SUBSCRIBE 102 Expires 600 Event dialog
        111      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        120        hand -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        121      server -> hand     200 OK (SUBSCRIBE) Expires 600
        121      server -> hand     NOTIFY hand Event dialog Subscription-State active;expires=600 {<dialog-info version="1" state="full" entity="sip:102@acme.example"></dialog-info>}
        130        hand -> server   200 OK (NOTIFY)
        150        hand -> server   SUBSCRIBE 102 Expires 600 Event dialog
        151      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        160        hand -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        161      server -> hand     500 Server Internal Error (SUBSCRIBE)
        190        hand -> server   SUBSCRIBE 102 Expires 600 Event dialog
        191      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        200        hand -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        201      server -> hand     403 Forbidden (SUBSCRIBE)
        230        hand -> server   SUBSCRIBE 102 Expires 600 Event reg
        231      server -> hand     407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        240        hand -> server   SUBSCRIBE 102 +credentials Expires 600 Event reg
        241      server -> hand     489 Bad Event (SUBSCRIBE) Allow-Events as-feature-event, dialog, message-summary, presence, reg
        270        hand -> server   SUBSCRIBE 102 Expires 600 Event dialog
        271      server -> hand     481 Call/Transaction Does Not Exist (SUBSCRIBE)
        280        hand -> server   SUBSCRIBE 102 +credentials Expires 600 Event dialog
        281      server -> hand     481 Call/Transaction Does Not Exist (SUBSCRIBE)
    "#]]);
}

#[test]
fn a_resource_without_a_phone() {
    let mut scene = Scene::new();
    let phone = scene.phone("101", Answer::Ring);
    let set = |scene: &mut Scene, lamp| {
        scene.input(Input::Event(EventCommand::Resource {
            name: "park-1".into(),
            lamp,
        }));
        scene.run(1000);
    };
    scene.act(phone, |p, now| p.watch("dialog", "park-1", 600, now));
    scene.run(100);
    set(&mut scene, Some(Lamp::Off));
    scene.act(phone, |p, now| p.watch("dialog", "park-1", 600, now));
    scene.run(1000);
    set(&mut scene, Some(Lamp::On));
    scene.world.restart_server();
    scene.run(1000);
    set(&mut scene, None);
    scene.ends(expect![[r#"
        0      acme/101 -> server   SUBSCRIBE park-1 Expires 600 Event dialog
        1        server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/101 -> server   SUBSCRIBE park-1 +credentials Expires 600 Event dialog
        3        server -> acme/101 404 Not Found (SUBSCRIBE)
        1100   acme/101 -> server   SUBSCRIBE park-1 Expires 600 Event dialog
        1101     server -> acme/101 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        1102   acme/101 -> server   SUBSCRIBE park-1 +credentials Expires 600 Event dialog
        1103     server -> acme/101 200 OK (SUBSCRIBE) Expires 600
        1103     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=600 {<dialog-info version="0" state="full" entity="sip:park-1@acme.example"></dialog-info>}
        1104   acme/101 -> server   200 OK (NOTIFY)
        2100     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=599 {<dialog-info version="1" state="full" entity="sip:park-1@acme.example"><dialog id="park-1" direction="recipient"><state>confirmed</state></dialog></dialog-info>}
        2101   acme/101 -> server   200 OK (NOTIFY)
        3100     server dies and comes back
        3100     server -> acme/101 NOTIFY 101 Event dialog Subscription-State active;expires=598 {<dialog-info version="64" state="full" entity="sip:park-1@acme.example"><dialog id="park-1" direction="recipient"><state>confirmed</state></dialog></dialog-info>}
        3101   acme/101 -> server   200 OK (NOTIFY)
        4100     server -> acme/101 NOTIFY 101 Event dialog Subscription-State terminated;reason=noresource
        4101   acme/101 -> server   200 OK (NOTIFY)
    "#]]);
}
