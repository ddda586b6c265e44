//! Conferences, pages, and listening to a call.

use super::Scene;
use super::scene::ACME;
use super::theatre::{numbers, stage, stage_with};
use expect_test::expect;
use model::{Policy, RoomCommand};
use pbx::Input;
use sim::phone::Answer;

const OPEN: &str = r#"{"name": "conference", "steps": {"start": {"do": "conference", "room": 200}}}"#;
const GUARDED: &str = r#"{"name": "board", "steps": {"start":
    {"do": "conference", "room": 7, "pin": "1234", "moderator_pin": "99887"}}}"#;
const PAGE: &str =
    r#"{"name": "page", "steps": {"start": {"do": "page", "extensions": ["102", "103", "104"]}}}"#;

/// Number, lock, and each member's number and whether he is mute.
type Room = (u64, bool, Vec<(String, bool)>);

fn rooms(scene: &Scene) -> Vec<Room> {
    let tenant = scene.world.server.tenant(ACME).expect("acme");
    let members = |room: &model::RoomView| {
        let member = |m: &model::RoomMember| (m.number.clone(), m.muted);
        room.members.iter().map(member).collect()
    };
    tenant
        .rooms()
        .iter()
        .map(|room| (room.room, room.locked, members(room)))
        .collect()
}

fn command(scene: &mut Scene, number: Option<&str>, command: RoomCommand) {
    scene.input(Input::Room {
        room: 200,
        number: number.map(Into::into),
        command,
    });
    scene.run(10);
}

/// 101, 102 and 103 come into the conference one after the other.
fn three(scene: &mut Scene) -> Vec<usize> {
    let phones: Vec<usize> = ["101", "102", "103"]
        .map(|user| scene.phone(user, Answer::Ring))
        .into();
    for phone in &phones {
        scene.call(*phone, "200");
        scene.run(1500);
    }
    let names = |members: &[&str]| {
        members
            .iter()
            .map(|m| ((*m).to_owned(), false))
            .collect::<Vec<_>>()
    };
    assert_eq!(rooms(scene), [(200, false, names(&["101", "102", "103"]))]);
    phones
}

#[test]
fn three_meet_and_the_last_one_closes_it() {
    let mut scene = stage(&[("200", OPEN)]);
    let phones = three(&mut scene);
    scene.dials(phones[1], "*1");
    scene.run(1200);
    assert!(rooms(&scene)[0].2[1].1, "102 is mute");
    scene.dials(phones[1], "*3");
    scene.run(4000);
    all_leave(&mut scene, &phones);
    assert!(rooms(&scene).is_empty());
    expect![[r#"
        3 call 1: room 200 of 1: talks, mute, chimes
        5 call 1: Caller hears conference/alone over it
        5 call 1: Caller is listened to for keys
        1503 call 2: room 200 of 1: talks, mute, chimes
        1505 call 2: Caller is listened to for keys
        3003 call 3: room 200 of 1: talks, mute, chimes
        3005 call 3: Caller is listened to for keys
        4501 call 2: Caller is listened to for nothing
        4501 call 2: Caller hears conference/menu, conference/moderator-menu over it
        4601 call 2: Caller hears conference/muted over it
        4601 call 2: room 200 of 1: hears, mute, chimes
        5901 call 2: Caller hears conference/menu, conference/moderator-menu over it
        6001 call 2: Caller hears conference/others/before, number/f/2, conference/others/many over it
        10101 call 1: leaves the room
        10201 call 2: leaves the room
        10301 call 3: leaves the room
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 200 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 200
        2      acme/101 -> server   INVITE 200 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1500   acme/102 -> server   INVITE 200 {10.0.1.3:6060 0,8}
        1501     server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1502   acme/102 -> server   ACK 200
        1502   acme/102 -> server   INVITE 200 +credentials {10.0.1.3:6060 0,8}
        1503     server -> acme/102 100 Trying (INVITE)
        1503     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0}
        1504   acme/102 -> server   ACK 1
        3000   acme/103 -> server   INVITE 200 {10.0.1.4:6060 0,8}
        3001     server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3002   acme/103 -> server   ACK 200
        3002   acme/103 -> server   INVITE 200 +credentials {10.0.1.4:6060 0,8}
        3003     server -> acme/103 100 Trying (INVITE)
        3003     server -> acme/103 200 OK (INVITE) {10.0.0.1:10004 0}
        3004   acme/103 -> server   ACK 1
        4500   acme/102 -> server   INFO 1 {*}
        4501     server -> acme/102 200 OK (INFO)
        4600   acme/102 -> server   INFO 1 {1}
        4601     server -> acme/102 200 OK (INFO)
        5900   acme/102 -> server   INFO 1 {*}
        5901     server -> acme/102 200 OK (INFO)
        6000   acme/102 -> server   INFO 1 {3}
        6001     server -> acme/102 200 OK (INFO)
        10100  acme/101 -> server   BYE 1
        10101    server -> acme/101 200 OK (BYE)
        10200  acme/102 -> server   BYE 1
        10201    server -> acme/102 200 OK (BYE)
        10300  acme/103 -> server   BYE 1
        10301    server -> acme/103 200 OK (BYE)
        record 101 -> 200: 200/16 by Caller, talked 10098 ms (conference, conference 200, answered), packets 21
        record 102 -> 200: 200/16 by Caller, talked 8698 ms (conference, conference 200, answered), packets 18
        record 103 -> 200: 200/16 by Caller, talked 7298 ms (conference, conference 200, answered), packets 15
    "#]]);
}

fn all_leave(scene: &mut Scene, phones: &[usize]) {
    for phone in phones {
        scene.hang_up(*phone);
        scene.run(100);
    }
}

#[test]
fn pins_lock_and_the_end_by_a_moderator() {
    let mut scene = stage(&[("200", GUARDED)]);
    let moderator = scene.phone("101", Answer::Ring);
    let member = scene.phone("102", Answer::Ring);
    let late = scene.phone("103", Answer::Ring);
    scene.call(moderator, "200");
    scene.run(200);
    scene.dials(moderator, "99887");
    scene.run(1200);
    scene.call(member, "200");
    scene.run(200);
    scene.dials(member, "4711#");
    scene.run(2200);
    scene.dials(member, "1234");
    scene.run(100);
    scene.dials(member, "*4");
    scene.run(1200);
    assert!(!rooms(&scene)[0].1, "a member locks nothing");
    scene.dials(moderator, "*4");
    scene.run(1200);
    assert!(rooms(&scene)[0].1);
    scene.call(late, "200");
    scene.run(200);
    scene.dials(late, "1234");
    scene.run(2000);
    scene.dials(moderator, "*5");
    scene.run(1500);
    assert_eq!(
        rooms(&scene)[0].2,
        [("101".to_owned(), false), ("102".to_owned(), true)]
    );
    scene.curtain();
    scene.told();
    scene.dials(moderator, "*9");
    scene.run(2000);
    assert!(rooms(&scene).is_empty());
    expect![[r#"
        1 call 1: Caller hears conference/menu, conference/moderator-menu over it
        101 call 1: leaves the room
        101 call 1: Caller hears conference/ended
        101 call 2: leaves the room
        101 call 2: Caller hears conference/ended
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INFO 1 {*}
        1        server -> acme/101 200 OK (INFO)
        100    acme/101 -> server   INFO 1 {9}
        101      server -> acme/101 200 OK (INFO)
        1100     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        1100     server -> acme/102 BYE 102 [Q.850;cause=16;text="end of flow"]
        1101   acme/101 -> server   200 OK (BYE)
        1101   acme/102 -> server   200 OK (BYE)
        record 103 -> 200: 200/16 by System, talked 1497 ms (board, answered, conference 7, locked), packets 3
        record 101 -> 200: 200/16 by System, talked 13497 ms (board, answered, conference 7), packets 27
        record 102 -> 200: 200/16 by System, talked 11597 ms (board, answered, start wrong digits, conference 7), packets 24
    "#]]);
}

#[test]
fn an_operator_mutes_puts_out_and_locks() {
    let mut scene = stage(&[("200", OPEN)]);
    let phones: Vec<usize> = ["101", "102"].map(|user| scene.phone(user, Answer::Ring)).into();
    for phone in &phones {
        scene.call(*phone, "200");
        scene.run(1500);
    }
    scene.curtain();
    scene.told();
    command(&mut scene, Some("102"), RoomCommand::Mute);
    assert!(rooms(&scene)[0].2[1].1);
    command(&mut scene, None, RoomCommand::Lock);
    assert!(rooms(&scene)[0].1);
    command(&mut scene, None, RoomCommand::Unlock);
    command(&mut scene, Some("999"), RoomCommand::Kick);
    command(&mut scene, Some("102"), RoomCommand::Kick);
    scene.run(1500);
    assert_eq!(rooms(&scene)[0].2.len(), 1);
    scene.hang_up(phones[0]);
    scene.run(100);
    expect![[r#"
        0 call 2: Caller hears conference/muted over it
        0 call 2: room 200 of 1: hears, mute, chimes
        40 call 2: leaves the room
        40 call 2: Caller hears conference/removed
        40 call 2: Caller is listened to for nothing
        1551 call 1: leaves the room
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        1040     server -> acme/102 BYE 102 [Q.850;cause=16;text="end of flow"]
        1041   acme/102 -> server   200 OK (BYE)
        1550   acme/101 -> server   BYE 1
        1551     server -> acme/101 200 OK (BYE)
        record 102 -> 200: 200/16 by System, talked 2537 ms (conference, conference 200, answered, removed), packets 6
        record 101 -> 200: 200/16 by Caller, talked 4548 ms (conference, conference 200, answered), packets 10
    "#]]);
}

#[test]
fn a_conference_is_full() {
    let mut scene = stage_with(Policy {
        conference_members: 1,
        ..numbers(&[("200", OPEN)])
    });
    for user in ["101", "102"] {
        let phone = scene.phone(user, Answer::Ring);
        scene.call(phone, "200");
        scene.run(1500);
    }
    let counts = scene.world.server.tenant(ACME).expect("acme").counts();
    assert_eq!(counts.rooms_refused, 1);
    scene.hang_up(0);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 200 {10.0.1.3:6060 0,8}
        1        server -> acme/102 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/102 -> server   ACK 200
        2      acme/102 -> server   INVITE 200 +credentials {10.0.1.3:6060 0,8}
        3        server -> acme/102 100 Trying (INVITE)
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0}
        4      acme/102 -> server   ACK 1
        1000     server -> acme/102 BYE 102 [Q.850;cause=16;text="end of flow"]
        1001   acme/102 -> server   200 OK (BYE)
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/101 200 OK (BYE)
        record 102 -> 200: 200/16 by System, talked 997 ms (conference, conference 200, answered, full), packets 2
        record 101 -> 200: 200/16 by Caller, talked 3098 ms (conference, conference 200, answered), packets 7
    "#]]);
}

/// A phone may play music to who holds: nobody in the conference hears it.
#[test]
fn a_member_on_hold() {
    let mut scene = stage(&[("200", OPEN)]);
    let phone = scene.phone("101", Answer::Ring);
    scene.call(phone, "200");
    scene.run(1500);
    scene.told();
    scene.curtain();
    scene.reinvite(phone, "sendonly");
    scene.run(500);
    scene.reinvite(phone, "sendrecv");
    scene.run(500);
    expect![[r#"
        1 call 1: room 200 of 1: mute, mute, chimes
        501 call 1: room 200 of 1: talks, mute, chimes
    "#]]
    .assert_eq(&scene.told());
    scene.hang_up(phone);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0 recvonly}
        2      acme/101 -> server   ACK 1
        500    acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        501      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        502    acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/101 200 OK (BYE)
        record 101 -> 200: 200/16 by Caller, talked 2498 ms (conference, conference 200, answered), packets 5
    "#]]);
}

/// The same number in two companies: two rooms.
#[test]
fn two_tenants_never_meet() {
    let mut scene = stage(&[("200", OPEN)]);
    let flows = numbers(&[("200", OPEN)]);
    scene.world.server.configure(
        sim::world::configure(
            1,
            &sim::world::Company {
                domain: "beta.example",
                extensions: &["101", "102"],
                policy: flows,
            },
            2,
        ),
        scene.world.now(),
    );
    let ours = scene.phone("101", Answer::Ring);
    let theirs = scene.phone_at("beta.example", "101", model::Transport::Udp, Answer::Ring);
    for phone in [ours, theirs] {
        scene.call(phone, "200");
        scene.run(1500);
    }
    let told = scene.told();
    assert!(told.contains("room 200 of 1: talks"), "{told}");
    assert!(told.contains("room 200 of 2: talks"), "{told}");
    assert_eq!(told.matches("conference/alone").count(), 2, "{told}");
    for phone in [ours, theirs] {
        scene.hang_up(phone);
    }
    scene.rests();
}

#[test]
fn a_page() {
    let mut scene = stage(&[("300", PAGE)]);
    let pager = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(0));
    scene.phone("103", Answer::PickUp(500));
    scene.curtain();
    scene.call(pager, "300");
    scene.run(3000);
    scene.hang_up(pager);
    scene.run(500);
    expect![[r#"
        3 call 1: the room of call 1 of 1: speaks, mute
        5 call 1: Caller hears beep 400
        5 call 2: the room of call 1 of 1: hears, mute
        5 call 2: Caller hears beep 400
        505 call 3: the room of call 1 of 1: hears, mute
        505 call 3: Caller hears beep 400
        3001 call 1: leaves the room
        3001 call 2: leaves the room
        3001 call 3: leaves the room
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 300 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 300
        2      acme/101 -> server   INVITE 300 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8,9,111,101,110}
        3        server -> acme/103 INVITE 103 {10.0.0.1:10004 0,8,9,111,101,110}
        4      acme/101 -> server   ACK 1
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/103 -> server   180 Ringing (INVITE)
        4      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/102 ACK 102
        504    acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        505      server -> acme/103 ACK 103
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102 [Q.850;cause=16;text="end of page"]
        3001     server -> acme/103 BYE 103 [Q.850;cause=16;text="end of page"]
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        3002   acme/103 -> server   200 OK (BYE)
        record 101 -> 300: 200/16 by Caller, talked 2998 ms (page, answered, page 2), packets 6
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (page, answered), packets 6
        record 101 -> 103: 200/16 by Caller, rang, talked 2496 ms (page, answered), packets 5
    "#]]);
}

#[test]
fn a_page_that_nobody_hears() {
    let mut scene = stage(&[("300", PAGE)]);
    let pager = scene.phone("101", Answer::Ring);
    scene.call(pager, "300");
    scene.run(3000);
    expect![[r#"
        5 call 1: Caller hears paging/nobody
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 300 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 300
        2      acme/101 -> server   INVITE 300 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        4      acme/101 -> server   ACK 1
        1000     server -> acme/101 BYE 101 [Q.850;cause=16;text="end of flow"]
        1001   acme/101 -> server   200 OK (BYE)
        record 101 -> 300: 200/16 by System, talked 997 ms (page, answered, nobody there), packets 2
    "#]]);
}

/// A phone that is paged hangs up, one refuses, one never answers; then the pager does.
#[test]
fn a_page_and_phones_that_do_not_care() {
    let mut scene = stage(&[("300", PAGE)]);
    let pager = scene.phone("101", Answer::Ring);
    let first = scene.phone("102", Answer::PickUp(0));
    scene.phone("103", Answer::Refuse(486, 10));
    scene.phone("104", Answer::Ring);
    scene.curtain();
    scene.call(pager, "300");
    scene.run(2000);
    scene.hang_up(first);
    scene.run(1000);
    scene.hang_up(pager);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 300 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 300
        2      acme/101 -> server   INVITE 300 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0}
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8,9,111,101,110}
        3        server -> acme/103 INVITE 103 {10.0.0.1:10004 0,8,9,111,101,110}
        3        server -> acme/104 INVITE 104 {10.0.0.1:10006 0,8,9,111,101,110}
        4      acme/101 -> server   ACK 1
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/103 -> server   180 Ringing (INVITE)
        4      acme/104 -> server   180 Ringing (INVITE)
        4      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/102 ACK 102
        14     acme/103 -> server   486 Busy Here (INVITE)
        15       server -> acme/103 ACK 103
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/102 200 OK (BYE)
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/104 CANCEL 104
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/104 -> server   200 OK (CANCEL)
        3002   acme/104 -> server   487 Request Terminated (INVITE)
        3003     server -> acme/104 ACK 104
        record 101 -> 103: 486/17 by Callee, rang (page, busy)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (page, answered), packets 4
        record 101 -> 104: 487/16 by Caller, rang (page)
        record 101 -> 300: 200/16 by Caller, talked 2998 ms (page, answered, page 3), packets 6
    "#]]);
}

fn supervised() -> (Scene, usize, usize, usize) {
    let mut policy = Policy::default();
    policy
        .supervisors
        .insert("103".to_owned(), vec!["102".to_owned()]);
    let mut scene = stage_with(policy);
    let (caller, callee) = scene.pair();
    let supervisor = scene.phone("103", Answer::Ring);
    scene.call(caller, "102");
    scene.run(2000);
    scene.curtain();
    scene.told();
    (scene, caller, callee, supervisor)
}

#[test]
fn listen_whisper_barge() {
    let (mut scene, caller, callee, supervisor) = supervised();
    scene.call(supervisor, "*33102");
    scene.run(1000);
    scene.dials(supervisor, "231");
    scene.run(1000);
    scene.hang_up(supervisor);
    scene.run(500);
    expect![[r#"
        3 call 1: the room of call 1 of 1: speaks, speaks
        3 call 2: the room of call 1 of 1: hears, mute
        5 call 2: Caller is listened to for keys
        1001 call 2: Caller is listened to for nothing
        1001 call 2: Caller hears call/whispering over it
        1001 call 2: the room of call 1 of 1: talks, mute
        1001 call 1: the room of call 1 of 1: speaks, talks
        1101 call 2: Caller hears call/barged-in over it
        1101 call 1: the room of call 1 of 1: talks, talks
        1201 call 2: Caller hears call/listening over it
        1201 call 2: the room of call 1 of 1: hears, mute
        1201 call 1: the room of call 1 of 1: speaks, speaks
        2301 call 2: leaves the room
        2301 call 1: leaves the room
    "#]]
    .assert_eq(&scene.told());
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/103 -> server   INVITE *33102 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK *33102
        2      acme/103 -> server   INVITE *33102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 100 Trying (INVITE)
        3        server -> acme/103 200 OK (INVITE) {10.0.0.1:10004 0}
        4      acme/103 -> server   ACK 1
        1000   acme/103 -> server   INFO 1 {2}
        1001     server -> acme/103 200 OK (INFO)
        1100   acme/103 -> server   INFO 1 {3}
        1101     server -> acme/103 200 OK (INFO)
        1200   acme/103 -> server   INFO 1 {1}
        1201     server -> acme/103 200 OK (INFO)
        2300   acme/103 -> server   BYE 1
        2301     server -> acme/103 200 OK (BYE)
        2800   acme/101 -> server   BYE 1
        2801     server -> acme/102 BYE 102
        2801     server -> acme/101 200 OK (BYE)
        2802   acme/102 -> server   200 OK (BYE)
        record 103 -> *33102: 200/16 by Caller, talked 2298 ms (listen 102, answered, whispering, barged-in, listening), packets 5
        record 101 -> 102: 200/16 by Caller, rang, talked 3796 ms (ring 102, answered, listened to by 103), packets 8 and 8
    "#]]);
}

#[test]
fn the_call_ends_that_somebody_listens_to() {
    let (mut scene, caller, _, supervisor) = supervised();
    scene.call(supervisor, "*33102");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/103 -> server   INVITE *33102 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK *33102
        2      acme/103 -> server   INVITE *33102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 100 Trying (INVITE)
        3        server -> acme/103 200 OK (INVITE) {10.0.0.1:10004 0}
        4      acme/103 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/103 BYE 103 [Q.850;cause=16;text="end of flow"]
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        1002   acme/103 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered, listened to by 103), packets 4 and 4
        record 103 -> *33102: 200/16 by System, talked 998 ms (listen 102, answered, over), packets 2
    "#]]);
}

#[test]
fn listening_without_a_right_or_a_call() {
    let (mut scene, caller, callee, supervisor) = supervised();
    scene.call(supervisor, "*33101");
    scene.run(4000);
    scene.call(callee, "*33101");
    scene.run(4000);
    scene.hang_up(caller);
    scene.run(500);
    scene.curtain();
    scene.told();
    scene.call(supervisor, "*33102");
    scene.run(2500);
    expect![[r#"
        5 call 4: Caller hears paging/nobody
    "#]]
    .assert_eq(&scene.told());
    scene.ends(expect![[r#"
        0      acme/103 -> server   INVITE *33102 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK *33102
        2      acme/103 -> server   INVITE *33102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 100 Trying (INVITE)
        3        server -> acme/103 200 OK (INVITE) {10.0.0.1:10004 0}
        4      acme/103 -> server   ACK 1
        1000     server -> acme/103 BYE 103 [Q.850;cause=16;text="end of flow"]
        1001   acme/103 -> server   200 OK (BYE)
        record 103 -> *33101: 200/16 by System, talked 2997 ms (listen refused, congestion tone, answered), packets 6
        record 102 -> *33101: 200/16 by System, talked 2997 ms (listen refused, congestion tone, answered), packets 6
        record 101 -> 102: 200/16 by Caller, rang, talked 8996 ms (ring 102, answered), packets 18 and 18
        record 103 -> *33102: 200/16 by System, talked 997 ms (listen 102, answered, nobody there), packets 2
    "#]]);
}
