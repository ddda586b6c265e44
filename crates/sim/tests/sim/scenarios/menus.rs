//! Numbers that lead to flows: menus, digits, calls that a menu makes, recordings.

use super::Scene;
use super::scene::ACME;
use super::theatre::{MENU, numbers, stage, stage_with};
use expect_test::{Expect, expect};
use model::{Policy, UserSettingsChange};
use sim::phone::Answer;
use sim::server::Ends;

/// 101 in the menu of 202, everything told so far forgotten.
fn in_menu() -> (Scene, usize) {
    let mut scene = stage(&[("202", MENU)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "202");
    scene.run(500);
    scene.curtain();
    scene.told();
    (scene, phone)
}

fn hears(scene: &mut Scene, expected: &Expect) {
    expected.assert_eq(&scene.told());
}

#[test]
fn a_menu() {
    let mut scene = stage(&[("202", MENU)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "202");
    scene.run(2000);
    scene.dials(phone, "*");
    scene.run(300);
    scene.dials(phone, "7");
    scene.run(200);
    scene.dials(phone, "1");
    scene.run(1000);
    hears(
        &mut scene,
        &expect![[r#"
            5 call 1: Caller hears menu/demo
            5 call 1: Caller is listened to for keys
            2001 call 1: Caller is listened to for nothing
            2001 call 1: Caller hears menu/demo
            2401 call 1: Caller hears menu/invalid, menu/demo
            2701 call 1: Caller hears echo
        "#]],
    );
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 202 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 202
        2      acme/101 -> server   INVITE 202 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        2000   acme/101 -> server   INFO 1 {*}
        2001     server -> acme/101 200 OK (INFO)
        2400   acme/101 -> server   INFO 1 {7}
        2401     server -> acme/101 200 OK (INFO)
        2700   acme/101 -> server   INFO 1 {1}
        2701     server -> acme/101 200 OK (INFO)
        3800   acme/101 -> server   BYE 1
        3801     server -> acme/101 200 OK (BYE)
        record 101 -> 202: 200/16 by Caller, talked 3798 ms (menu, answered, start wrong digits, echo), packets 8
    "#]]);
}

#[test]
fn nobody_presses_anything() {
    let (mut scene, _) = in_menu();
    scene.run(40_000);
    hears(
        &mut scene,
        &expect![[r#"
            7500 call 1: Caller hears menu/no-input, menu/demo
            16480 call 1: Caller hears menu/no-input, menu/demo
        "#]],
    );
    scene.ends(expect![[r#"
        25460    server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        25461  acme/101 -> server   200 OK (BYE)
        record 101 -> 202: 200/16 by System, talked 25957 ms (menu, answered, start no digits, start no digits, start no digits), packets 52
    "#]]);
}

/// The end of a prompt is never reported: the flow goes on all the same.
#[test]
fn reports_get_lost() {
    let (mut scene, _) = in_menu();
    scene.world.server.ends = Ends::Lost;
    scene.run(600_000);
    hears(
        &mut scene,
        &expect![[r#"
            119503 call 1: Caller hears nothing
            126503 call 1: Caller hears menu/no-input, menu/demo
            306503 call 1: Caller hears nothing
            313503 call 1: Caller hears menu/no-input, menu/demo
            493503 call 1: Caller hears nothing
        "#]],
    );
    scene.ends(expect![[r#"
        500503   server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        500504 acme/101 -> server   200 OK (BYE)
        record 101 -> 202: 200/16 by System, talked 501000 ms (menu, answered, start no digits, start no digits, start no digits), packets 1002
    "#]]);
}

#[test]
fn reports_come_twice_and_late() {
    let (mut scene, phone) = in_menu();
    scene.world.server.ends = Ends::Twice;
    scene.world.server.media_lag = std::time::Duration::from_millis(300);
    scene.run(1500);
    scene.dials(phone, "*");
    scene.run(10_000);
    scene.dials(phone, "2");
    scene.run(1000);
    scene.world.server.media_lag = std::time::Duration::ZERO;
    hears(
        &mut scene,
        &expect![[r#"
            1801 call 1: Caller is listened to for nothing
            1801 call 1: Caller hears menu/demo
            10400 call 1: Caller hears menu/no-input, menu/demo
            11901 call 1: Caller hears music/default for ever
        "#]],
    );
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        1500   acme/101 -> server   INFO 1 {*}
        1501     server -> acme/101 200 OK (INFO)
        11600  acme/101 -> server   INFO 1 {2}
        11601    server -> acme/101 200 OK (INFO)
        12700  acme/101 -> server   BYE 1
        12701    server -> acme/101 200 OK (BYE)
        record 101 -> 202: 200/16 by Caller, talked 13198 ms (menu, answered, start no digits), packets 27
    "#]]);
}

#[test]
fn prompts_that_there_are_not() {
    let (mut scene, _) = in_menu();
    scene.world.server.sound = std::time::Duration::ZERO;
    scene.run(40_000);
    scene.ends(expect![[r#"
        21540    server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        21541  acme/101 -> server   200 OK (BYE)
        record 101 -> 202: 200/16 by System, talked 22037 ms (menu, answered, start no digits, sound missing, start no digits, sound missing, start no digits), packets 45
    "#]]);
}

#[test]
fn an_extension_is_dialled_and_answers() {
    let (mut scene, phone) = in_menu();
    let other = scene.phone("102", Answer::PickUp(1000));
    scene.dials(phone, "9102#");
    scene.run(3000);
    scene.talk_to_each_other(phone, other);
    hears(
        &mut scene,
        &expect![[r#"
            1 call 1: Caller is listened to for nothing
            1 call 1: Caller hears menu/enter-extension
            101 call 1: Caller hears nothing
            401 call 1: Caller hears ringback 0
        "#]],
    );
    scene.act(other, |p, now| p.hang_up(0, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {9}
        1        server -> acme/101 200 OK (INFO)
        100    acme/101 -> server   INFO 1 {1}
        101      server -> acme/101 200 OK (INFO)
        200    acme/101 -> server   INFO 1 {0}
        201      server -> acme/101 200 OK (INFO)
        300    acme/101 -> server   INFO 1 {2}
        301      server -> acme/101 200 OK (INFO)
        400    acme/101 -> server   INFO 1 {#}
        401      server -> acme/101 200 OK (INFO)
        401      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        402    acme/102 -> server   180 Ringing (INVITE)
        1402   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1403     server -> acme/102 ACK 102
        1403     server -> acme/101 INVITE 101 {10.0.0.1:10002 0,8}
        1404   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1405     server -> acme/101 ACK 101
        3500   acme/102 -> server   BYE 1
        3501     server -> acme/101 BYE 101
        3501     server -> acme/102 200 OK (BYE)
        3502   acme/101 -> server   200 OK (BYE)
        record 101 -> 202: 200/16 by Callee, talked 2000 ms (menu, answered, dial 102), transferred to 102, packets 4
        record 101 -> 102: 200/16 by Callee, rang, talked 2098 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn an_extension_that_is_busy_or_unknown() {
    let (mut scene, phone) = in_menu();
    scene.phone("102", Answer::Refuse(486, 100));
    scene.dials(phone, "9102#");
    scene.run(1000);
    scene.dials(phone, "9777#");
    scene.run(1000);
    hears(
        &mut scene,
        &expect![[r#"
            1 call 1: Caller is listened to for nothing
            1 call 1: Caller hears menu/enter-extension
            101 call 1: Caller hears nothing
            401 call 1: Caller hears ringback 0
            503 call 1: Caller hears menu/demo
            1501 call 1: Caller hears menu/enter-extension
            1601 call 1: Caller hears nothing
            1901 call 1: Caller hears ringback 0
            1901 call 1: Caller hears menu/demo
        "#]],
    );
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {9}
        1        server -> acme/101 200 OK (INFO)
        100    acme/101 -> server   INFO 1 {1}
        101      server -> acme/101 200 OK (INFO)
        200    acme/101 -> server   INFO 1 {0}
        201      server -> acme/101 200 OK (INFO)
        300    acme/101 -> server   INFO 1 {2}
        301      server -> acme/101 200 OK (INFO)
        400    acme/101 -> server   INFO 1 {#}
        401      server -> acme/101 200 OK (INFO)
        401      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        402    acme/102 -> server   180 Ringing (INVITE)
        502    acme/102 -> server   486 Busy Here (INVITE)
        503      server -> acme/102 ACK 102
        1500   acme/101 -> server   INFO 1 {9}
        1501     server -> acme/101 200 OK (INFO)
        1600   acme/101 -> server   INFO 1 {7}
        1601     server -> acme/101 200 OK (INFO)
        1700   acme/101 -> server   INFO 1 {7}
        1701     server -> acme/101 200 OK (INFO)
        1800   acme/101 -> server   INFO 1 {7}
        1801     server -> acme/101 200 OK (INFO)
        1900   acme/101 -> server   INFO 1 {#}
        1901     server -> acme/101 200 OK (INFO)
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
        record 101 -> 777: 404/1 by System (unknown number)
        record 101 -> 202: 200/16 by Caller, talked 3598 ms (menu, answered, dial 102, busy, dial 777, unknown number), packets 8
    "#]]);
}

#[test]
fn hung_up_while_the_extension_rings() {
    let (mut scene, phone) = in_menu();
    scene.phone("102", Answer::Ring);
    scene.dials(phone, "9102#");
    scene.run(1000);
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {9}
        1        server -> acme/101 200 OK (INFO)
        100    acme/101 -> server   INFO 1 {1}
        101      server -> acme/101 200 OK (INFO)
        200    acme/101 -> server   INFO 1 {0}
        201      server -> acme/101 200 OK (INFO)
        300    acme/101 -> server   INFO 1 {2}
        301      server -> acme/101 200 OK (INFO)
        400    acme/101 -> server   INFO 1 {#}
        401      server -> acme/101 200 OK (INFO)
        401      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8}
        402    acme/102 -> server   180 Ringing (INVITE)
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 CANCEL 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (CANCEL)
        1502   acme/102 -> server   487 Request Terminated (INVITE)
        1503     server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
        record 101 -> 202: 200/16 by Caller, talked 2098 ms (menu, answered, dial 102), packets 5
    "#]]);
}

/// From the menu of one number to that of another, and round and round.
#[test]
fn a_number_with_a_flow_is_dialled() {
    let jump = r#"{"steps": {"start": {"do": "dial", "number": "203"}}}"#;
    let back = r#"{"steps": {"start": {"do": "dial", "number": "202"}}}"#;
    let mut scene = stage(&[("202", jump), ("203", back)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "202");
    scene.run(10_000);
    assert_eq!(scene.world.server.cdrs.len(), 1);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 202 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 202
        2      acme/101 -> server   INVITE 202 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        5        server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        6      acme/101 -> server   200 OK (BYE)
        record 101 -> 202: 200/16 by System, talked 0 ms (flow, dial 203, answered, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow, dial 202, flow, dial 203, flow), packets 0
    "#]]);
}

#[test]
fn held_in_a_menu() {
    let (mut scene, phone) = in_menu();
    scene.reinvite(phone, "sendonly");
    scene.run(5000);
    scene.reinvite(phone, "sendrecv");
    scene.run(500);
    scene.dials(phone, "1");
    hears(
        &mut scene,
        &expect![[r#"
            1 call 1: Caller hears nothing
            5001 call 1: Caller hears menu/demo
            5501 call 1: Caller is listened to for nothing
            5501 call 1: Caller hears echo
        "#]],
    );
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 recvonly}
        2      acme/101 -> server   ACK 1
        5000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        5001     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        5002   acme/101 -> server   ACK 1
        5500   acme/101 -> server   INFO 1 {1}
        5501     server -> acme/101 200 OK (INFO)
        5600   acme/101 -> server   BYE 1
        5601     server -> acme/101 200 OK (BYE)
        record 101 -> 202: 200/16 by Caller, talked 6098 ms (menu, answered, echo), packets 13
    "#]]);
}

#[test]
fn forwarded_to_a_menu() {
    let change = UserSettingsChange::forward(model::ForwardKind::Always, Some("202"));
    let mut scene = stage(&[("202", MENU)]);
    let now = scene.world.now();
    scene
        .world
        .server
        .set(ACME, super::forwarded::user("102"), &change, now);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "102");
    scene.run(1000);
    scene.dials(phone, "1");
    scene.run(1000);
    assert!(super::served::heard(&mut scene, phone).1, "the echo");
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 181 Call Is Being Forwarded (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   INFO 1 {1}
        1001     server -> acme/101 200 OK (INFO)
        2100   acme/101 -> server   BYE 1
        2101     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, talked 2098 ms (forward always 102 to 202, menu, answered, echo), packets 5
    "#]]);
}

const RECORD: &str = r#"{"name": "recorder", "steps": {
    "start": {"do": "record", "say": [{"prompt": "record/after-tone"}], "max_s": 20}
}}"#;

fn recording() -> (Scene, usize) {
    let mut scene = stage(&[("201", RECORD)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "201");
    scene.run(3000);
    scene.curtain();
    (scene, phone)
}

#[test]
fn record_and_play_back() {
    let (mut scene, phone) = recording();
    let first = scene.recordings().pop().expect("it runs");
    scene.dials(phone, "#");
    scene.ended(first, 2000);
    scene.run(300);
    scene.dials(phone, "2");
    scene.run(1500);
    scene.dials(phone, "3");
    scene.run(2500);
    let second = scene.recordings().pop().expect("it runs again");
    assert_ne!(first, second);
    scene.dials(phone, "#");
    // Late and twice.
    scene.ended(first, 0);
    scene.ended(second, 900);
    scene.ended(second, 900);
    scene.run(100);
    scene.dials(phone, "1");
    hears(
        &mut scene,
        &expect![[r#"
            0 call 1: Caller hears record/after-tone, beep 400
            0 call 1: Caller is listened to for keys
            0 call 1: record 20000 10000
            1 call 1: Caller is listened to for nothing
            1 call 1: recording: Stop
            1 call 1: Caller hears record/menu
            401 call 1: Caller hears the recording
            1400 call 1: Caller hears record/menu
            2001 call 1: recording: Discard
            2001 call 1: Caller hears record/after-tone, beep 400
            3400 call 1: record 20000 10000
            4601 call 1: recording: Stop
            4601 call 1: Caller hears record/menu
            4801 call 1: Caller hears record/saved
        "#]],
    );
    scene.run(3000);
    assert_eq!(
        scene.world.server.cdrs.last().expect("a record").recordings,
        [second.1]
    );
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {#}
        1        server -> acme/101 200 OK (INFO)
        400    acme/101 -> server   INFO 1 {2}
        401      server -> acme/101 200 OK (INFO)
        2000   acme/101 -> server   INFO 1 {3}
        2001     server -> acme/101 200 OK (INFO)
        4600   acme/101 -> server   INFO 1 {#}
        4601     server -> acme/101 200 OK (INFO)
        4800   acme/101 -> server   INFO 1 {1}
        4801     server -> acme/101 200 OK (INFO)
        5800     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        5801   acme/101 -> server   200 OK (BYE)
        record 101 -> 201: 200/16 by System, talked 8797 ms (recorder, answered, record, record), packets 18
    "#]]);
}

#[test]
fn hung_up_while_recording() {
    let (mut scene, phone) = recording();
    let running = scene.recordings().pop().expect("it runs");
    scene.hang_up(phone);
    scene.run(1000);
    assert_eq!(
        scene.world.server.cdrs.last().expect("a record").recordings,
        [running.1]
    );
    scene.ends(expect![[r#"
        0      acme/101 -> server   BYE 1
        1        server -> acme/101 200 OK (BYE)
        record 101 -> 201: 200/16 by Caller, talked 2998 ms (recorder, answered, record), packets 6
    "#]]);
}

#[test]
fn nothing_was_recorded_and_nobody_says_so() {
    let (mut scene, _) = recording();
    let running = scene.recordings().pop().expect("it runs");
    // Longer than it may be, without a report; then one that there is nothing.
    scene.world.server.ends = Ends::Lost;
    scene.run(22_500);
    scene.world.server.ends = Ends::Told;
    scene.ended(running, 0);
    hears(
        &mut scene,
        &expect![[r#"
            0 call 1: Caller hears record/after-tone, beep 400
            0 call 1: Caller is listened to for keys
            0 call 1: record 20000 10000
            20400 call 1: recording: Stop
            22400 call 1: Caller hears record/menu
        "#]],
    );
    scene.ends(expect![[r#"
        48340    server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        48341  acme/101 -> server   200 OK (BYE)
        record 101 -> 201: 200/16 by System, talked 51337 ms (recorder, answered, record, review no digits, review no digits, review no digits), packets 103
    "#]]);
}

#[test]
fn a_flow_that_does_not_hold_together_is_no_number() {
    let broken = r#"{"steps": {"start": {"do": "menu", "say": [], "keys": {"1": "nowhere"}}}}"#;
    let mut scene = stage_with(Policy {
        max_calls: 2,
        ..numbers(&[("202", broken)])
    });
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "202");
    scene.run(500);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 202 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 202
        2      acme/101 -> server   INVITE 202 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 404 Not Found (INVITE) [Q.850;cause=1]
        4      acme/101 -> server   ACK 202
        record 101 -> 202: 404/1 by System (unknown number)
    "#]]);
}

/// A flow that dials a number that nobody has, and on failure dials it again: one call of a phone makes so many and no more.
#[test]
fn a_flow_that_dials_for_ever_makes_few_calls() {
    let mut scene = stage(&[(
        "200",
        r#"{"steps": {"start": {"do": "play", "say": [{"prompt": "menu/demo"}], "then": "first"},
            "first": {"do": "dial", "number": "777", "then": "second"},
            "second": {"do": "dial", "number": "778", "then": "first"}}}"#,
    )]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "200");
    scene.run(5_000);
    let made = scene.world.server.cdrs.len();
    assert!((10..=60).contains(&made), "{made} calls");
    let own = scene.world.server.cdrs.last().expect("a record");
    assert_eq!((own.callee.number.as_str(), own.cause.sip), ("200", 200));
    scene.rests();
}

/// A flow may dial as the first thing it does.
#[test]
fn a_flow_that_dials_at_once() {
    let mut scene = stage(&[("200", r#"{"steps": {"start": {"do": "dial", "number": "102"}}}"#)]);
    let phone = scene.phone("101", Answer::Ring);
    let other = scene.phone("102", Answer::PickUp(1000));
    scene.call(phone, "200");
    scene.run(5_000);
    assert!(
        scene
            .world
            .server
            .cdrs
            .iter()
            .all(|cdr| cdr.callee.number == "200")
    );
    scene.act(other, |p, now| p.hang_up(0, now));
    scene.run(70_000);
    let last = scene.world.server.cdrs.last().expect("a record");
    assert_eq!((last.callee.number.as_str(), last.cause.sip), ("102", 200));
    assert!(last.talk_ms > 3_000, "{last:?}");
    sim::check::at_rest(&scene.world).expect("rest");
}
