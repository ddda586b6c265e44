//! Transfers to numbers with flows: the transferred party becomes the caller of what the server does there (RFC 5589 §6.1,
//! §7.3); and calls that are forwarded to them.

use super::Scene;
use super::scene::ACME;
use super::theatre::{MENU, numbers, stage_with};
use expect_test::{Expect, expect};
use model::{ForwardKind, MediaPolicy, Policy, UserSettingsChange};
use sim::phone::Answer;

const ROOM: &str = r#"{"name": "conference", "steps": {"start": {"do": "conference", "room": 200}}}"#;
const BOARD: &str = r#"{"name": "board", "steps": {"start":
    {"do": "conference", "room": 7, "pin": "1234", "moderator_pin": "99887"}}}"#;
const BRIEF: &str =
    r#"{"name": "brief", "steps": {"start": {"do": "play", "say": [{"prompt": "general/goodbye"}]}}}"#;
const ON: &str = r#"{"name": "on", "steps": {"start": {"do": "dial", "number": "103", "then": "bye"},
    "bye": {"do": "play", "say": [{"prompt": "call/unavailable"}]}}}"#;

/// 101 has called 102, who has picked up; there are numbers with flows.
fn talking(media: MediaPolicy) -> (Scene, usize, usize) {
    let flows = [
        ("200", ROOM),
        ("202", MENU),
        ("203", BRIEF),
        ("204", ON),
        ("207", BOARD),
    ];
    let mut scene = stage_with(Policy {
        media,
        ..numbers(&flows)
    });
    let (caller, callee) = scene.talking();
    scene.told();
    (scene, caller, callee)
}

fn relayed() -> (Scene, usize, usize) {
    talking(MediaPolicy::Relay)
}

fn hears(scene: &mut Scene, expected: &Expect) {
    expected.assert_eq(&scene.told());
}

fn members(scene: &Scene) -> Vec<(u64, Vec<String>)> {
    let rooms = scene.world.server.tenant(ACME).expect("acme").rooms();
    let of = |room: &model::RoomView| room.members.iter().map(|member| member.number.clone()).collect();
    rooms.iter().map(|room| (room.room, of(room))).collect()
}

/// The party is in the menu: its keys count, and what it asks for is heard.
fn to_the_menu(media: MediaPolicy, ladder: Expect) {
    let (mut scene, caller, callee) = talking(media);
    scene.act(callee, |p, now| p.refer(0, "202", now));
    scene.run(2000);
    assert_eq!(scene.world.phones[callee].transfers, [100, 200]);
    scene.dials(caller, "1");
    scene.run(1000);
    assert!(super::served::heard(&mut scene, caller).1, "the echo");
    hears(
        &mut scene,
        &expect![[r#"
            3 call 2: Caller is listened to for keys
            3 call 2: Caller hears menu/demo
            2001 call 2: Caller is listened to for nothing
            2001 call 2: Caller hears echo
        "#]],
    );
    scene.hang_up(caller);
    scene.ends(ladder);
}

#[test]
fn a_caller_to_a_menu_relayed() {
    to_the_menu(
        MediaPolicy::Relay,
        expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8,9,111,101,110}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   BYE 1
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3        server -> acme/102 200 OK (BYE)
        3        server -> acme/101 ACK 101
        2000   acme/101 -> server   INFO 1 {1}
        2001     server -> acme/101 200 OK (INFO)
        3100   acme/101 -> server   BYE 1
        3101     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), transferred to 202, packets 2 and 2
        record 101 -> 202: 200/16 by Caller, talked 3100 ms (menu, answered, echo), transferred by 102, packets 7
    "#]],
    );
}

#[test]
fn a_caller_to_a_menu_whose_audio_went_straight() {
    to_the_menu(
        MediaPolicy::Direct,
        expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8,9,111,101,110}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   BYE 1
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3        server -> acme/102 200 OK (BYE)
        3        server -> acme/101 ACK 101
        2000   acme/101 -> server   INFO 1 {1}
        2001     server -> acme/101 200 OK (INFO)
        3100   acme/101 -> server   BYE 1
        3101     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), transferred to 202
        record 101 -> 202: 200/16 by Caller, talked 3100 ms (menu, answered, echo), transferred by 102, packets 7
    "#]],
    );
}

#[test]
fn a_callee_to_an_announcement_that_ends() {
    let (mut scene, caller, _) = relayed();
    scene.reinvite(caller, "sendonly");
    scene.run(100);
    scene.act(caller, |p, now| p.refer(0, "203", now));
    scene.run(2000);
    hears(
        &mut scene,
        &expect![[r#"
        3 call 1: Callee hears music/default for ever
        103 call 2: Caller hears general/goodbye
    "#]],
    );
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        100    acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:203@acme.example>
        101      server -> acme/101 202 Accepted (REFER)
        101      server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        101      server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        101      server -> acme/102 INVITE 102 {10.0.0.1:10004 0,8,9,111,101,110}
        102    acme/101 -> server   200 OK (NOTIFY)
        102    acme/101 -> server   200 OK (NOTIFY)
        102    acme/101 -> server   BYE 1
        102    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        103      server -> acme/101 200 OK (BYE)
        103      server -> acme/102 ACK 102
        1100     server -> acme/102 BYE 102 [Q.850;cause=16;text="end of flow"]
        1101   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1096 ms (ring 102, answered), transferred to 203, packets 3 and 2
        record 102 -> 203: 200/16 by System, talked 999 ms (brief, answered), transferred by 101, packets 2
    "#]]);
}

#[test]
fn both_to_a_conference() {
    let (mut scene, caller, callee) = relayed();
    scene.call(callee, "200");
    scene.run(1000);
    scene.act(callee, |p, now| p.refer(0, "200", now));
    scene.run(1000);
    assert_eq!(members(&scene), [(200, vec!["102".to_owned(), "101".to_owned()])]);
    scene.refresh_voices();
    scene.hang_up(caller);
    scene.run(100);
    assert_eq!(members(&scene), [(200, vec!["102".to_owned()])]);
    scene.act(callee, |p, now| p.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 200 {10.0.1.3:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 200
        2      acme/102 -> server   INVITE 200 +credentials {10.0.1.3:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10004 0}
        4      acme/102 -> server   ACK 1
        1000   acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:200@acme.example>
        1001     server -> acme/102 202 Accepted (REFER)
        1001     server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1001     server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1001     server -> acme/101 INVITE 101 {10.0.0.1:10006 0,8,9,111,101,110}
        1002   acme/102 -> server   200 OK (NOTIFY)
        1002   acme/102 -> server   200 OK (NOTIFY)
        1002   acme/102 -> server   BYE 1
        1002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1003     server -> acme/102 200 OK (BYE)
        1003     server -> acme/101 ACK 101
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/101 200 OK (BYE)
        2100   acme/102 -> server   BYE 1
        2101     server -> acme/102 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), transferred to 200, packets 4 and 4
        record 101 -> 200: 200/16 by Caller, talked 1000 ms (conference, conference 200, answered), transferred by 102, packets 2
        record 102 -> 200: 200/16 by Caller, talked 2098 ms (conference, conference 200, answered), packets 5
    "#]]);
}

/// 102 has transferred 101 to the menu, for which there are no ports yet.
fn waiting_for_ports() -> (Scene, usize, usize) {
    let (mut scene, caller, callee) = relayed();
    scene.world.server.media_lag = std::time::Duration::from_millis(50);
    scene.act(callee, |p, now| p.refer(0, "202", now));
    scene.run(10);
    (scene, caller, callee)
}

/// Who transfers hangs up before there are ports: the party waits for them alone.
#[test]
fn the_transferrer_hangs_up_at_once() {
    let (mut scene, caller, callee) = waiting_for_ports();
    scene.hang_up(callee);
    scene.run(2000);
    scene.world.server.media_lag = std::time::Duration::ZERO;
    scene.dials(caller, "1");
    scene.run(500);
    assert!(super::served::heard(&mut scene, caller).1, "the echo");
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/102 -> server   200 OK (NOTIFY)
        10     acme/102 -> server   BYE 1
        101      server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8,9,111,101,110}
        102    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        103      server -> acme/101 ACK 101
        111      server -> acme/102 200 OK (BYE)
        2010   acme/101 -> server   INFO 1 {1}
        2011     server -> acme/101 200 OK (INFO)
        2610   acme/101 -> server   BYE 1
        2611     server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1006 ms (ring 102, answered), transferred to 202, packets 3 and 3
        record 101 -> 202: 200/16 by Caller, talked 2510 ms (menu, answered, echo), transferred by 102, packets 5
    "#]]);
}

#[test]
fn the_party_hangs_up_before_there_are_ports() {
    let (mut scene, caller, callee) = waiting_for_ports();
    scene.hang_up(caller);
    scene.run(500);
    scene.world.server.media_lag = std::time::Duration::ZERO;
    assert_eq!(scene.world.phones[callee].transfers, [100, 487]);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        2      acme/102 -> server   200 OK (NOTIFY)
        10     acme/101 -> server   BYE 1
        11       server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 487 Request Terminated"
        11       server -> acme/102 BYE 102
        12     acme/102 -> server   200 OK (NOTIFY)
        12     acme/102 -> server   200 OK (BYE)
        111      server -> acme/101 200 OK (BYE)
        record 101 -> 202: 487/16 by Caller (menu), transferred by 102
        record 101 -> 102: 200/16 by Caller, rang, talked 1006 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn there_are_no_ports_and_nothing_has_happened() {
    let (mut scene, caller, callee) = relayed();
    scene.world.server.bindable = false;
    scene.act(callee, |p, now| p.refer(0, "202", now));
    scene.run(100);
    assert_eq!(scene.world.phones[callee].transfers, [100, 503]);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 503 Service Unavailable"
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   200 OK (NOTIFY)
        1100   acme/101 -> server   BYE 1
        1101     server -> acme/102 BYE 102
        1101     server -> acme/101 200 OK (BYE)
        1102   acme/102 -> server   200 OK (BYE)
        record 101 -> 202: 503/47 by System (menu), transferred by 102
        record 101 -> 102: 200/16 by Caller, rang, talked 2096 ms (ring 102, answered), packets 5 and 5
    "#]]);
}

#[test]
fn a_phone_that_refuses_to_be_asked_is_hung_up() {
    let (mut scene, caller, callee) = relayed();
    scene.act(caller, |phone, _| phone.refuses_reinvite = Some(488));
    scene.act(callee, |p, now| p.refer(0, "202", now));
    scene.run(1000);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:202@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8,9,111,101,110}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   BYE 1
        2      acme/101 -> server   488 Not Acceptable Here (INVITE)
        3        server -> acme/102 200 OK (BYE)
        3        server -> acme/101 ACK 101
        3        server -> acme/101 BYE 101 [Q.850;cause=88;text="no common media"]
        4      acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), transferred to 202, packets 2 and 2
        record 101 -> 202: 200/88 by System, talked 2 ms (menu, answered), transferred by 102, packets 0
    "#]]);
}

#[test]
fn to_a_user_who_forwards_to_a_menu() {
    let (mut scene, caller, callee) = relayed();
    let now = scene.world.now();
    let change = UserSettingsChange::forward(ForwardKind::NoAnswer, Some("202"));
    let user = super::forwarded::user("103");
    scene.world.server.set(ACME, user, &change, now);
    scene.phone("103", Answer::Ring);
    scene.act(callee, |p, now| p.refer(0, "103", now));
    scene.run(25_000);
    scene.told();
    super::served::heard(&mut scene, caller);
    scene.dials(caller, "1");
    scene.run(2000);
    hears(
        &mut scene,
        &expect![[r#"
            25001 call 2: Caller is listened to for nothing
            25001 call 2: Caller hears echo
        "#]],
    );
    let packets = super::served::heard(&mut scene, caller).0;
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:103@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/103 INVITE 103 Referred-By <sip:102@acme.example> {10.0.0.1:10006 0,8}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/103 -> server   180 Ringing (INVITE)
        3        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 180 Ringing"
        4      acme/102 -> server   200 OK (NOTIFY)
        20001    server -> acme/103 CANCEL 103 [Q.850;cause=19;text="no answer"]
        20001    server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        20001    server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8,9,111,101,110}
        20002  acme/103 -> server   200 OK (CANCEL)
        20002  acme/103 -> server   487 Request Terminated (INVITE)
        20002  acme/102 -> server   200 OK (NOTIFY)
        20002  acme/102 -> server   BYE 1
        20002  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        20003    server -> acme/103 ACK 103
        20003    server -> acme/102 200 OK (BYE)
        20003    server -> acme/101 ACK 101
        25000  acme/101 -> server   INFO 1 {1}
        25001    server -> acme/101 200 OK (INFO)
        27100  acme/101 -> server   BYE 1
        27101    server -> acme/101 200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 21096 ms (ring 102, answered), transferred to 103, packets 43 and 43
        record 101 -> 103: 200/16 by Caller, rang, talked 7100 ms (ring 103, forward no answer 103 to 202, menu, answered, echo), transferred by 102, packets 14
    "#]]);
    assert!(packets > 10, "{packets} of the echo");
}

/// A flow that dials for the party, and nobody answers: it stays with the flow, nobody is called back.
#[test]
fn to_a_flow_that_dials_on() {
    let (mut scene, _, callee) = relayed();
    scene.phone("103", Answer::Refuse(486, 100));
    scene.act(callee, |p, now| p.refer(0, "204", now));
    scene.run(3000);
    hears(
        &mut scene,
        &expect![[r#"
        3 call 2: Caller hears ringback 0
        105 call 2: Caller hears call/unavailable
    "#]],
    );
    scene.ends(expect![[r#"
        0      acme/102 -> server   REFER 1 Referred-By <sip:102@acme.example> to <sip:204@acme.example>
        1        server -> acme/102 202 Accepted (REFER)
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/102 NOTIFY 102 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8,9,111,101,110}
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   200 OK (NOTIFY)
        2      acme/102 -> server   BYE 1
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        3        server -> acme/102 200 OK (BYE)
        3        server -> acme/101 ACK 101
        3        server -> acme/103 INVITE 103 {10.0.0.1:10008 0,8}
        4      acme/103 -> server   180 Ringing (INVITE)
        104    acme/103 -> server   486 Busy Here (INVITE)
        105      server -> acme/103 ACK 103
        1100     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        1101   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1096 ms (ring 102, answered), transferred to 204, packets 3 and 3
        record 101 -> 103: 486/17 by Callee, rang (ring 103, busy)
        record 101 -> 204: 200/16 by System, talked 1099 ms (on, dial 103, answered, busy), transferred by 102, packets 2
    "#]]);
}

#[test]
fn and_is_transferred_again_from_whom_the_flow_has_dialled() {
    let (mut scene, caller, callee) = relayed();
    let third = scene.phone("103", Answer::PickUp(100));
    scene.act(callee, |p, now| p.refer(0, "204", now));
    scene.run(2000);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(caller, third);
    scene.act(third, |p, now| p.refer(0, "202", now));
    scene.run(1000);
    scene.dials(caller, "1");
    scene.run(500);
    assert!(super::served::heard(&mut scene, caller).1, "the echo");
    scene.hang_up(caller);
    scene.rests();
    let told: Vec<_> = scene
        .world
        .server
        .cdrs
        .iter()
        .map(|cdr| {
            (
                cdr.caller.number.as_str(),
                cdr.callee.number.as_str(),
                cdr.cause.sip,
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("101", "102", 200),
            ("101", "204", 200),
            ("101", "103", 200),
            ("101", "202", 200)
        ]
    );
}

/// Attended: 101 asks in the conference first, and then sends 102 there in his own place.
#[test]
fn into_the_transferrers_place_in_a_conference() {
    let (mut scene, caller, callee) = relayed();
    scene.reinvite(caller, "sendonly");
    scene.run(100);
    scene.call(caller, "200");
    scene.run(1500);
    assert_eq!(members(&scene), [(200, vec!["101".to_owned()])]);
    scene.curtain();
    scene.told();
    scene.act(caller, |p, now| p.refer_to_call(0, 1, now));
    scene.run(1000);
    assert_eq!(members(&scene), [(200, vec!["102".to_owned()])]);
    hears(
        &mut scene,
        &expect![[r#"
            1 call 2: leaves the room
            3 call 3: Caller is listened to for keys
            3 call 3: room 200 of 1: talks, mute, chimes
            3 call 3: Caller hears conference/alone over it
        "#]],
    );
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   REFER 1 Referred-By <sip:101@acme.example> to <sip:200@acme.example> ?Replaces
        1        server -> acme/101 202 Accepted (REFER)
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State active;expires=120 "SIP/2.0 100 Trying"
        1        server -> acme/101 NOTIFY 101 Event refer Subscription-State terminated;reason=noresource "SIP/2.0 200 OK"
        1        server -> acme/102 INVITE 102 {10.0.0.1:10006 0,8,9,111,101,110}
        1        server -> acme/101 BYE 101 [Q.850;cause=16;text="replaced"]
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   200 OK (NOTIFY)
        2      acme/101 -> server   BYE 1
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2      acme/101 -> server   200 OK (BYE)
        3        server -> acme/101 200 OK (BYE)
        3        server -> acme/102 ACK 102
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/102 200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2596 ms (ring 102, answered), transferred to 200, packets 6 and 2
        record 101 -> 200: 200/16 by Caller, talked 1498 ms (conference, conference 200, answered), packets 3
        record 102 -> 200: 200/16 by Caller, talked 1000 ms (taken over, conference 200, answered), transferred by 101, packets 2
    "#]]);
}

/// A moderator's guest gets no PIN to type, and is no moderator.
#[test]
fn into_a_moderators_place() {
    let (mut scene, caller, callee) = relayed();
    scene.call(caller, "207");
    scene.run(1500);
    scene.act(caller, |p, now| {
        "99887".chars().for_each(|key| p.dial(1, key, now));
    });
    scene.run(1000);
    assert_eq!(members(&scene), [(7, vec!["101".to_owned()])]);
    scene.act(caller, |p, now| p.refer_to_call(0, 1, now));
    scene.run(1000);
    let rooms = scene.world.server.tenant(ACME).expect("acme").rooms();
    let member = &rooms[0].members[0];
    assert_eq!((member.number.as_str(), member.moderator), ("102", false));
    scene.hang_up(callee);
    scene.rests();
}

/// Somebody else's call can't be given away.
#[test]
fn into_a_place_that_is_not_the_transferrers() {
    let (mut scene, caller, callee) = relayed();
    let third = scene.phone("103", Answer::Ring);
    scene.call(third, "200");
    scene.run(500);
    let target = scene.act(third, |p, _| p.refer_to(0)).expect("a call");
    scene.act(caller, |p, now| p.refer(0, &target, now));
    scene.run(500);
    assert_eq!(scene.world.phones[caller].transfers, [100, 403]);
    assert_eq!(members(&scene), [(200, vec!["103".to_owned()])]);
    scene.refresh_voices();
    scene.run(1000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.hang_up(third);
    scene.rests();
}

/// The phones of who forwards have rung: with ports of their own, or without any.
#[test]
fn forwarded_to_a_menu_by_who_does_not_answer() {
    for media in [MediaPolicy::Relay, MediaPolicy::Direct] {
        let flows = [("202", MENU), ("200", ROOM)];
        for number in ["202", "200"] {
            let mut scene = stage_with(Policy {
                media,
                ..numbers(&flows)
            });
            let now = scene.world.now();
            let change = UserSettingsChange::forward(ForwardKind::NoAnswer, Some(number));
            let user = super::forwarded::user("102");
            scene.world.server.set(ACME, user, &change, now);
            let phone = scene.phone("101", Answer::Ring);
            scene.phone("102", Answer::Ring);
            scene.call(phone, "102");
            scene.run(25_000);
            match number {
                "202" => {
                    scene.dials(phone, "1");
                    scene.run(1000);
                    let told = scene.told();
                    assert!(told.ends_with("Caller hears echo\n"), "{told}");
                }
                _ => assert_eq!(members(&scene), [(200, vec!["101".to_owned()])]),
            }
            scene.hang_up(phone);
            scene.rests();
            let last = scene.world.server.cdrs.last().expect("a record");
            assert_eq!((last.cause.sip, last.callee.number.as_str()), (200, "102"));
        }
    }
}
