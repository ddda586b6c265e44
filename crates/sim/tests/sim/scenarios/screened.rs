//! Calls that a flow makes and that are listened to before the caller is connected; fax machines in any call.

use super::Scene;
use super::scene::session;
use super::theatre::{numbers, stage_with};
use expect_test::{Expect, expect};
use model::{Answerer, Leg, MediaPolicy, MediaReport, Policy, Signal};
use sim::phone::Answer;

const SCREEN: &str = r#"{"name": "screen", "steps": {
    "start": {"do": "dial", "number": "102", "detect_machine": {}, "machine": "sorry", "unknown": "music", "then": "nobody"},
    "sorry": {"do": "play", "say": [{"prompt": "call/unavailable"}]},
    "music": {"do": "play", "say": [{"music": "default"}], "times": 0},
    "nobody": {"do": "play", "say": [{"prompt": "call/no-answer"}]}}}"#;

/// 101 has called 200, which has called 102, who has picked up and is listened to.
fn screening(media: MediaPolicy) -> (Scene, usize, usize) {
    let mut scene = stage_with(Policy {
        media,
        ..numbers(&[("200", SCREEN)])
    });
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(100));
    scene.call(caller, "200");
    scene.run(500);
    hears(
        &mut scene,
        &expect![[r#"
            5 call 1: Caller hears ringback 0
            107 call 2: Callee is listened to for fax machine 5000
        "#]],
    );
    scene.curtain();
    (scene, caller, callee)
}

fn hears(scene: &mut Scene, expected: &Expect) {
    expected.assert_eq(&scene.told());
}

fn finds(scene: &mut Scene, call: u64, leg: Leg, signal: Signal) {
    let session = session(call);
    scene.reports(MediaReport::Heard { session, leg, signal });
}

fn answered(scene: &mut Scene, answerer: Answerer) {
    finds(scene, 2, Leg::Callee, Signal::Answered(answerer));
}

#[test]
fn a_person_is_connected() {
    for media in [MediaPolicy::Relay, MediaPolicy::Direct] {
        let (mut scene, caller, callee) = screening(media);
        answered(&mut scene, Answerer::Human);
        answered(&mut scene, Answerer::Machine);
        scene.refresh_voices();
        scene.run(1500);
        scene.talk_to_each_other(caller, callee);
        scene.hang_up(caller);
        scene.ends(expect![[r#"
            0        server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
            1      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
            2        server -> acme/101 ACK 101
            1500   acme/101 -> server   BYE 1
            1501     server -> acme/102 BYE 102
            1501     server -> acme/101 200 OK (BYE)
            1502   acme/102 -> server   200 OK (BYE)
            record 101 -> 200: 200/16 by Callee, talked 497 ms (screen, dial 102, answered, human), transferred to 102, packets 1
            record 101 -> 102: 200/16 by Caller, rang, talked 1894 ms (ring 102, answered, human), packets 3 and 4
        "#]]);
    }
}

#[test]
fn a_machine_is_hung_up_and_the_caller_told() {
    let (mut scene, _, _) = screening(MediaPolicy::Relay);
    answered(&mut scene, Answerer::Machine);
    scene.run(2000);
    hears(
        &mut scene,
        &expect![[r#"
        0 call 2: Callee is listened to for nothing
        0 call 1: Caller hears call/unavailable
    "#]],
    );
    scene.ends(expect![[r#"
        0        server -> acme/102 BYE 102 [Q.850;cause=16;text="not connected"]
        1      acme/102 -> server   200 OK (BYE)
        1000     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        1001   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by System, rang, talked 393 ms (ring 102, answered, machine), packets 0 and 1
        record 101 -> 200: 200/16 by System, talked 1497 ms (screen, dial 102, answered, machine), packets 3
    "#]]);
}

/// The media plane says by itself what a phone is that says next to nothing.
#[test]
fn nobody_says_anything() {
    let (mut scene, _, callee) = screening(MediaPolicy::Relay);
    scene.mute(&[callee]);
    scene.run(6000);
    let mut cdrs = scene.world.server.cdrs.iter();
    let called = cdrs.find(|cdr| cdr.callee.number == "102").expect("a record");
    assert_eq!(called.path, ["ring 102", "answered", "machine"]);
    scene.rests();
}

#[test]
fn nobody_knows_in_time() {
    let (mut scene, caller, _) = screening(MediaPolicy::Relay);
    answered(&mut scene, Answerer::Unknown);
    scene.run(1000);
    hears(
        &mut scene,
        &expect![[r#"
        0 call 2: Callee is listened to for nothing
        0 call 1: Caller hears music/default for ever
    "#]],
    );
    scene.hang_up(caller);
    scene.rests();
}

#[test]
fn the_callee_hangs_up_meanwhile() {
    let (mut scene, _, callee) = screening(MediaPolicy::Relay);
    scene.hang_up(callee);
    scene.run(2000);
    answered(&mut scene, Answerer::Human);
    hears(
        &mut scene,
        &expect![[r#"
        1 call 1: Caller hears call/no-answer
    "#]],
    );
    scene.ends(expect![[r#"
        0      acme/102 -> server   BYE 1
        1        server -> acme/102 200 OK (BYE)
        1000     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        1001   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 394 ms (ring 102, answered), packets 0 and 1
        record 101 -> 200: 200/16 by System, talked 1497 ms (screen, dial 102, answered, no answer), packets 3
    "#]]);
}

#[test]
fn the_caller_hangs_up_meanwhile() {
    let (mut scene, caller, _) = screening(MediaPolicy::Relay);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        1        server -> acme/102 BYE 102 [Q.850;cause=16;text="not connected"]
        1        server -> acme/101 200 OK (BYE)
        2      acme/102 -> server   200 OK (BYE)
        record 101 -> 200: 200/16 by Caller, talked 498 ms (screen, dial 102, answered), packets 1
        record 101 -> 102: 200/16 by Caller, rang, talked 394 ms (ring 102, answered), packets 0 and 1
    "#]]);
}

/// What the callee asks for while there is nobody on the other side yet.
#[test]
fn the_callee_holds_types_and_transfers_meanwhile() {
    let (mut scene, caller, callee) = screening(MediaPolicy::Relay);
    scene.reinvite(callee, "sendonly");
    scene.run(10);
    scene.dials(callee, "*1");
    scene.act(callee, |p, now| p.refer(0, "101", now));
    scene.run(10);
    scene.sees(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        1        server -> acme/102 491 Request Pending (INVITE)
        2      acme/102 -> server   ACK 1
        10     acme/102 -> server   INFO 1 {*}
        11       server -> acme/102 200 OK (INFO)
        110    acme/102 -> server   INFO 1 {1}
        111      server -> acme/102 200 OK (INFO)
        210    acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:101@acme.example>
        211      server -> acme/102 491 Request Pending (REFER)
    "#]]);
    answered(&mut scene, Answerer::Human);
    scene.refresh_voices();
    scene.run(1500);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.rests();
}

#[test]
fn a_fax_machine_is_noted_and_not_connected() {
    let (mut scene, _, _) = screening(MediaPolicy::Relay);
    finds(&mut scene, 2, Leg::Callee, Signal::FaxAnswers);
    scene.run(2000);
    assert_eq!(scene.paths()[0], "ring 102, answered, fax: callee, machine");
    assert_eq!(scene.tenant_counts().faxes, 1);
    scene.rests();
}

#[test]
fn faxes_are_noted_in_calls_where_the_tenant_wants_that() {
    let mut scene = stage_with(Policy {
        detect_fax: true,
        ..numbers(&[("202", super::theatre::MENU)])
    });
    let (caller, _) = scene.talking();
    finds(&mut scene, 1, Leg::Caller, Signal::Fax);
    scene.run(1000);
    hears(
        &mut scene,
        &expect![[r#"
        0 call 1: Caller is listened to for fax
        0 call 1: Callee is listened to for fax
        0 call 1: Caller is listened to for nothing
        0 call 1: Callee is listened to for nothing
    "#]],
    );
    scene.hang_up(caller);
    scene.run(1000);
    scene.call(caller, "202");
    scene.run(61_000);
    hears(
        &mut scene,
        &expect![[r#"
            2003 call 2: Caller is listened to for fax
            2005 call 2: Caller hears menu/demo
            2005 call 2: Caller is listened to for keys fax
            10000 call 2: Caller hears menu/no-input, menu/demo
            18980 call 2: Caller hears menu/no-input, menu/demo
        "#]],
    );
    scene.act(caller, |p, now| p.hang_up(1, now));
    scene.rests();
    assert_eq!(scene.paths()[0], "ring 102, answered, fax: caller");
}
