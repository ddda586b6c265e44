//! Resource lists (RFC 4662) and fan-out to many.

use super::super::acme;
use super::Scene;
use expect_test::expect;
use model::{EventCommand, Lamp, Policy};
use pbx::Input;
use sim::phone::Answer;

#[test]
fn one_subscription_to_everybody() {
    let mut scene = Scene::new();
    let desk = scene.phone("104", Answer::Ring);
    let (caller, _) = scene.pair();
    scene.act(desk, |p, now| p.watch("dialog", "all", 600, now));
    scene.run(1000);
    scene.call(caller, "102");
    scene.run(500);
    scene.cancel(caller);
    scene.run(1000);
    scene.act(desk, |p, now| p.subscribe(0, 0, now));
    scene.ends(expect![[r#"
        0      acme/104 -> server   SUBSCRIBE all Expires 600 Event dialog
        1        server -> acme/104 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/104 -> server   SUBSCRIBE all +credentials Expires 600 Event dialog
        3        server connects to acme/104
        3        server -> acme/104 200 OK (SUBSCRIBE) Expires 600 Require eventlist
        4      acme/104 refuses the connection
        5        server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=600 Require eventlist {<list uri="sip:all@acme.example" version="0" fullState="true"><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource><resource uri="sip:102@acme.example"><instance id="1" state="active" cid="u2@acme.example"/></resource><resource uri="sip:103@acme.example"><instance id="1" state="active" cid="u3@acme.example"/></resource><resource uri="sip:104@acme.example"><instance id="1" state="active" cid="u4@acme.example"/></resource></list> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:101@acme.example"></dialog-info> --carillon-list Content-ID: <u2@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:102@acme.example"></dialog-info> --carillon-list Content-ID: <u3@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:103@acme.example"></dialog-info> --carillon-list Content-ID: <u4@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:104@acme.example"></dialog-info> --carillon-list--}
        6      acme/104 -> server   200 OK (NOTIFY)
        1000   acme/101 -> server   INVITE 102 {10.0.1.3:6060 0,8}
        1001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1002   acme/101 -> server   ACK 102
        1002   acme/101 -> server   INVITE 102 +credentials {10.0.1.3:6060 0,8}
        1003     server -> acme/101 100 Trying (INVITE)
        1003     server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=599 Require eventlist {<list uri="sip:all@acme.example" version="1" fullState="false"><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource></list> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="1" state="full" entity="sip:101@acme.example"><dialog id="1-caller" direction="initiator"><state>trying</state><local><identity>sip:101@acme.example</identity></local></dialog></dialog-info> --carillon-list--}
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/104 -> server   200 OK (NOTIFY)
        1004   acme/102 -> server   180 Ringing (INVITE)
        1005     server -> acme/101 180 Ringing (INVITE)
        1203     server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=598 Require eventlist {<list uri="sip:all@acme.example" version="2" fullState="false"><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource><resource uri="sip:102@acme.example"><instance id="1" state="active" cid="u2@acme.example"/></resource></list> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="2" state="full" entity="sip:101@acme.example"><dialog id="1-caller" direction="initiator"><state>early</state><local><identity>sip:101@acme.example</identity></local></dialog></dialog-info> --carillon-list Content-ID: <u2@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="2" state="full" entity="sip:102@acme.example"><dialog id="1-callee" direction="recipient"><state>early</state><local><identity>sip:102@acme.example</identity></local></dialog></dialog-info> --carillon-list--}
        1204   acme/104 -> server   200 OK (NOTIFY)
        1500   acme/101 -> server   CANCEL 102
        1501     server -> acme/101 200 OK (CANCEL)
        1501     server -> acme/102 CANCEL 102
        1501     server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        1501     server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=598 Require eventlist {<list uri="sip:all@acme.example" version="3" fullState="false"><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource><resource uri="sip:102@acme.example"><instance id="1" state="active" cid="u2@acme.example"/></resource></list> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="3" state="full" entity="sip:101@acme.example"></dialog-info> --carillon-list Content-ID: <u2@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="3" state="full" entity="sip:102@acme.example"></dialog-info> --carillon-list--}
        1502   acme/102 -> server   200 OK (CANCEL)
        1502   acme/102 -> server   487 Request Terminated (INVITE)
        1502   acme/101 -> server   ACK 102
        1502   acme/104 -> server   200 OK (NOTIFY)
        1503     server -> acme/102 ACK 102
        2500   acme/104 -> server   SUBSCRIBE 1 Expires 0 Event dialog
        2501     server -> acme/104 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2502   acme/104 -> server   SUBSCRIBE 1 +credentials Expires 0 Event dialog
        2503     server -> acme/104 200 OK (SUBSCRIBE) Expires 0 Require eventlist
        2503     server -> acme/104 NOTIFY 104 Event dialog Subscription-State terminated;reason=timeout Require eventlist {<list uri="sip:all@acme.example" version="4" fullState="true"><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource><resource uri="sip:102@acme.example"><instance id="1" state="active" cid="u2@acme.example"/></resource><resource uri="sip:103@acme.example"><instance id="1" state="active" cid="u3@acme.example"/></resource><resource uri="sip:104@acme.example"><instance id="1" state="active" cid="u4@acme.example"/></resource></list> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="4" state="full" entity="sip:101@acme.example"></dialog-info> --carillon-list Content-ID: <u2@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="4" state="full" entity="sip:102@acme.example"></dialog-info> --carillon-list Content-ID: <u3@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="4" state="full" entity="sip:103@acme.example"></dialog-info> --carillon-list Content-ID: <u4@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="4" state="full" entity="sip:104@acme.example"></dialog-info> --carillon-list--}
        2504   acme/104 -> server   200 OK (NOTIFY)
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

/// What a change sends at once is bounded, everybody hears of it in the end, and a call in the midst of it is set up as
/// quickly as without.
#[test]
fn many_watchers_are_told_at_a_pace() {
    let mut scene = Scene::new();
    scene.input(Input::Event(EventCommand::Resource {
        name: "night".into(),
        lamp: Some(Lamp::Off),
    }));
    let (caller, _) = scene.pair();
    let lamp = scene.phone("103", Answer::Ring);
    for _ in 0..400 {
        scene.act(lamp, |p, now| p.watch("dialog", "night", 3600, now));
        scene.run(5);
    }
    scene.run(2000);
    let before = scene.act(lamp, |p, _| p.watches().iter().map(|w| w.heard).sum::<u64>());
    assert_eq!(before, 400);
    scene.world.ladder.take();
    scene.input(Input::Event(EventCommand::Resource {
        name: "night".into(),
        lamp: Some(Lamp::On),
    }));
    scene.call(caller, "102");
    let lines = |scene: &mut Scene| {
        let text = scene.world.ladder.text().to_owned();
        text.matches("-> acme/103 NOTIFY").count()
    };
    // One turn's worth, and not a message more; a turn takes 5 ms.
    assert_eq!(lines(&mut scene), 32);
    scene.run(4);
    assert!(lines(&mut scene) <= 64, "{}", lines(&mut scene));
    let ladder = scene.world.ladder.text().to_owned();
    assert!(ladder.contains("server -> acme/102 INVITE"), "{ladder}");
    scene.run(200);
    let after = scene.act(lamp, |p, _| p.watches().iter().map(|w| w.heard).sum::<u64>());
    assert_eq!(after, 800);
    scene.cancel(caller);
    scene.run(70_000);
}

/// Acme with the list `desk`.
fn with_list(extensions: &[&str]) -> Policy {
    let members = extensions
        .iter()
        .map(|extension| (*extension).to_owned())
        .collect();
    Policy {
        lists: [("desk".to_owned(), members)].into(),
        ..Policy::default()
    }
}

#[test]
fn a_list_by_its_name_and_what_becomes_of_it() {
    let mut scene = Scene::with(with_list(&["103", "101", "999"]));
    let desk = scene.phone("104", Answer::Ring);
    let (caller, _) = scene.pair();
    scene.act(desk, |p, now| p.watch("dialog", "desk", 600, now));
    scene.run(1000);
    scene.sees(expect![[r#"
        0      acme/104 -> server   SUBSCRIBE desk Expires 600 Event dialog
        1        server -> acme/104 407 Proxy Authentication Required (SUBSCRIBE) ?SHA-256 ?MD5
        2      acme/104 -> server   SUBSCRIBE desk +credentials Expires 600 Event dialog
        3        server connects to acme/104
        3        server -> acme/104 200 OK (SUBSCRIBE) Expires 600 Require eventlist
        4      acme/104 refuses the connection
        5        server -> acme/104 NOTIFY 104 Event dialog Subscription-State active;expires=600 Require eventlist {<list uri="sip:desk@acme.example" version="0" fullState="true"><resource uri="sip:103@acme.example"><instance id="1" state="active" cid="u3@acme.example"/></resource><resource uri="sip:101@acme.example"><instance id="1" state="active" cid="u1@acme.example"/></resource></list> --carillon-list Content-ID: <u3@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:103@acme.example"></dialog-info> --carillon-list Content-ID: <u1@acme.example> Content-Type: application/dialog-info+xml <?xml version="1.0"?> <dialog-info version="0" state="full" entity="sip:101@acme.example"></dialog-info> --carillon-list--}
        6      acme/104 -> server   200 OK (NOTIFY)
    "#]]);
    // Of the two who talk one is in the list.
    scene.call(caller, "102");
    scene.run(500);
    scene.cancel(caller);
    scene.run(1000);
    let heard = |scene: &Scene| scene.world.phones[desk].watches()[0].heard;
    let body = |scene: &Scene| scene.world.phones[desk].watches()[0].body.clone();
    assert!(
        heard(&scene) > 1 && !body(&scene).contains("sip:102@"),
        "{}",
        body(&scene)
    );
    let before = heard(&scene);
    // A list with other users is told whole, and after a restart as well.
    scene.reconfigure(&acme(with_list(&["102"])));
    scene.run(500);
    assert_eq!(heard(&scene), before + 1);
    assert!(body(&scene).contains("fullState=\"true\"") && body(&scene).contains("sip:102@"));
    scene.world.restart_server();
    scene.run(500);
    assert_eq!(heard(&scene), before + 2);
    assert!(body(&scene).contains("fullState=\"true\"") && !body(&scene).contains("sip:101@"));
    // A list that is deleted is watched no longer.
    scene.reconfigure(&acme(Policy::default()));
    scene.run(500);
    assert_eq!(scene.world.phones[desk].watches()[0].reason, "rejected");
    scene.act(desk, |p, now| p.watch("dialog", "desk", 600, now));
    scene.run(500);
    assert_eq!(scene.world.phones[desk].watches()[1].reason, "404");
}

#[test]
fn presence_of_a_list_and_packages_that_have_none() {
    let mut scene = Scene::with(with_list(&["102", "103"]));
    let phone = scene.phone("102", Answer::Ring);
    let desk = scene.phone("104", Answer::Ring);
    for event in ["presence", "message-summary", "as-feature-event"] {
        scene.act(desk, |p, now| p.watch(event, "desk", 600, now));
    }
    scene.run(500);
    scene.act(phone, |p, now| p.publish(true, "meeting", 60, now));
    scene.run(500);
    let watches = scene.world.phones[desk].watches();
    assert!(watches[0].body.contains("<rpid:meeting/>"), "{}", watches[0].body);
    assert!(!watches[0].body.contains("sip:103@"), "{}", watches[0].body);
    for other in &watches[1..] {
        assert_eq!(other.reason, "404");
    }
}
