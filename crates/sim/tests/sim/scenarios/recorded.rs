//! Calls between two phones that are recorded: by `*1`, by a user's wish, by policy, and not.

use super::Scene;
use super::scene::session;
use super::theatre::stage_with;
use expect_test::expect;
use model::{
    ForkEnd, ForkId, Leg, MediaPolicy, MediaReport, Policy, RecordFail, RecordPolicy, RecordingEnd, TenantId,
};

fn talking(policy: Policy) -> (Scene, usize, usize) {
    let mut scene = stage_with(policy);
    let (caller, callee) = scene.pair();
    scene.call(caller, "102");
    scene.run(2000);
    (scene, caller, callee)
}

fn on_demand() -> Policy {
    Policy {
        record: RecordPolicy::OnDemand,
        ..Policy::default()
    }
}

fn kept(scene: &Scene) -> usize {
    scene.world.server.cdrs.last().expect("a record").recordings.len()
}

#[test]
fn star_one_begins_and_ends_it() {
    let (mut scene, caller, callee) = talking(on_demand());
    scene.told();
    scene.curtain();
    // As telephone events by the callee, then as INFO by the caller: these go on to the other phone.
    scene.keyed(1, Leg::Callee, '*');
    scene.keyed(1, Leg::Callee, '1');
    scene.run(1000);
    let first = scene.recordings();
    scene.dials(caller, "*1");
    scene.run(1000);
    scene.ended(first[0], 2000);
    scene.ended(first[0], 2000);
    scene.dials(callee, "*1");
    scene.run(1000);
    expect![[r#"
        0 call 1: record 0 0
        0 call 1: Caller hears beep 400 over it
        0 call 1: Callee hears beep 400 over it
        1101 call 1: recording: Stop
        1101 call 1: Caller hears beep 400 over it
        1101 call 1: Callee hears beep 400 over it
        2301 call 1: record 0 0
        2301 call 1: Caller hears beep 400 over it
        2301 call 1: Callee hears beep 400 over it
    "#]]
    .assert_eq(&scene.told());
    scene.hang_up(caller);
    scene.run(500);
    assert_eq!(kept(&scene), 2);
    scene.ends(expect![[r#"
        1000   acme/101 -> server   INFO 1 {*}
        1001     server -> acme/101 200 OK (INFO)
        1001     server -> acme/102 INFO 102 {Signal=* Duration=160}
        1002   acme/102 -> server   405 Method Not Allowed (INFO)
        1100   acme/101 -> server   INFO 1 {1}
        1101     server -> acme/101 200 OK (INFO)
        1101     server -> acme/102 INFO 102 {Signal=1 Duration=160}
        1102   acme/102 -> server   405 Method Not Allowed (INFO)
        2200   acme/102 -> server   INFO 1 {*}
        2201     server -> acme/102 200 OK (INFO)
        2201     server -> acme/101 INFO 101 {Signal=* Duration=160}
        2202   acme/101 -> server   405 Method Not Allowed (INFO)
        2300   acme/102 -> server   INFO 1 {1}
        2301     server -> acme/102 200 OK (INFO)
        2301     server -> acme/101 INFO 101 {Signal=1 Duration=160}
        2302   acme/101 -> server   405 Method Not Allowed (INFO)
        3400   acme/101 -> server   BYE 1
        3401     server -> acme/102 BYE 102
        3401     server -> acme/101 200 OK (BYE)
        3402   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 4396 ms (ring 102, answered, recorded, recorded), packets 9 and 9
    "#]]);
}

/// A star of one side and a one of the other, a star long ago, another key between.
#[test]
fn what_is_no_code() {
    let (mut scene, caller, _) = talking(on_demand());
    scene.told();
    scene.keyed(1, Leg::Caller, '*');
    scene.keyed(1, Leg::Callee, '1');
    scene.keyed(1, Leg::Caller, '*');
    scene.run(2500);
    for key in ['1', '*', '2', '1', '1'] {
        scene.keyed(1, Leg::Caller, key);
    }
    assert!(scene.recordings().is_empty());
    scene.hang_up(caller);
    scene.rests();
}

#[test]
fn not_allowed_or_not_possible() {
    for (policy, note) in [
        (Policy::default(), Some("recording refused")),
        (
            Policy {
                in_call_codes: false,
                ..on_demand()
            },
            None,
        ),
        (
            Policy {
                media: MediaPolicy::Direct,
                ..on_demand()
            },
            None,
        ),
    ] {
        let (mut scene, caller, _) = talking(policy);
        scene.dials(caller, "*1");
        scene.run(500);
        assert!(scene.recordings().is_empty());
        scene.hang_up(caller);
        scene.run(500);
        let cdr = scene.world.server.cdrs.last().expect("a record");
        assert_eq!(cdr.recordings, []);
        assert_eq!(
            cdr.path
                .last()
                .map(String::as_str)
                .filter(|step| step.contains("record")),
            note
        );
    }
}

#[test]
fn it_is_said_that_the_call_is_recorded() {
    for (beeps, expected) in [(true, "call/recorded, beep 400"), (false, "call/recorded")] {
        let (mut scene, caller, _) = talking(Policy {
            record: RecordPolicy::OnDemand,
            record_beep: beeps,
            record_announcement: "call/recorded".to_owned(),
            ..Policy::default()
        });
        scene.told();
        scene.dials(caller, "*1");
        scene.run(500);
        let told = scene.told();
        for leg in ["Caller", "Callee"] {
            let line = format!("{leg} hears {expected} over it\n");
            assert!(told.contains(&line), "{told}");
        }
        scene.dials(caller, "*1");
        scene.run(500);
        assert!(!scene.told().contains("call/recorded"), "it has ended");
    }
}

#[test]
fn always() {
    let (mut scene, caller, _) = talking(Policy {
        record: RecordPolicy::Always,
        record_beep: false,
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    expect![[r#"
        1005 call 1: record 0 0
    "#]]
    .assert_eq(&scene.told());
    // What the media plane says of it gets lost: it counts as there.
    scene.world.server.ends = sim::server::Ends::Lost;
    scene.hang_up(caller);
    scene.run(500);
    assert_eq!(kept(&scene), 1);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered, recorded always), packets 2 and 2
    "#]]);
}

#[test]
fn a_users_own_wish_counts_more_than_the_policy() {
    for (policy, wish, recorded) in [
        (RecordPolicy::Never, Some(RecordPolicy::Always), true),
        (RecordPolicy::OnDemand, None, false),
    ] {
        let mut scene = Scene::new();
        let mut users = super::scene::with_users(2, |user| {
            user.settings.record = wish.filter(|_| &*user.extension == "102")
        });
        let config = model::TenantConfig::new(
            users.id(),
            2,
            "Acme",
            &["acme.example"],
            Policy {
                record: policy,
                ..Policy::default()
            },
            users.users().to_vec(),
            users.devices().to_vec(),
        );
        users = config.expect("a configuration");
        let now = scene.world.now();
        scene.world.server.configure(users, now);
        let (caller, _) = scene.pair();
        scene.call(caller, "102");
        scene.run(2000);
        assert_eq!(!scene.recordings().is_empty(), recorded);
        scene.hang_up(caller);
        scene.rests();
    }
}

/// What is recorded always is so to the end: neither side may end it by a code.
#[test]
fn always_is_not_ended_by_star_one() {
    for side in [Leg::Caller, Leg::Callee] {
        let (mut scene, caller, _) = talking(Policy {
            record: RecordPolicy::Always,
            ..Policy::default()
        });
        scene.told();
        scene.keyed(1, side, '*');
        scene.keyed(1, side, '1');
        scene.run(100);
        assert_eq!(scene.told(), "");
        scene.hang_up(caller);
        scene.run(70_000);
        let cdr = scene.world.server.cdrs.last().expect("a record");
        assert!(
            cdr.path.iter().any(|step| step == "recording goes on"),
            "{:?}",
            cdr.path
        );
        sim::check::at_rest(&scene.world).expect("rest");
    }
}

/// The process is killed in mid-call: the call goes on, and so does its recording, as another one.
#[test]
fn always_after_a_restart() {
    let (mut scene, caller, _) = talking(Policy {
        record: RecordPolicy::Always,
        ..Policy::default()
    });
    scene.run(2000);
    let before = scene.recordings();
    scene.world.restart_server();
    scene.refresh_voices();
    scene.run(1000);
    let after = scene.recordings();
    assert_eq!(before.len(), 1);
    assert_eq!(
        after.iter().filter(|known| !before.contains(known)).count(),
        1,
        "{after:?}"
    );
    scene.run(10_000);
    scene.hang_up(caller);
    scene.run(500);
    assert_eq!(kept(&scene), 2);
}

/// Whoever presses `*1` again and again gets an end.
#[test]
fn a_call_leaves_so_many_recordings_and_no_more() {
    let (mut scene, caller, _) = talking(on_demand());
    // What the media plane says of them gets lost: they count as there.
    scene.world.server.ends = sim::server::Ends::Lost;
    for _ in 0..300 {
        scene.keyed(1, Leg::Caller, '*');
        scene.keyed(1, Leg::Caller, '1');
    }
    assert_eq!(scene.recordings().len(), 100);
    scene.hang_up(caller);
    scene.run(500);
    assert_eq!(kept(&scene), 100);
}

/// The beep would take the place of the music.
#[test]
fn who_is_held_goes_on_hearing_music() {
    let (mut scene, caller, _) = talking(on_demand());
    scene.reinvite(caller, "sendonly");
    scene.run(500);
    scene.told();
    scene.keyed(1, Leg::Caller, '*');
    scene.keyed(1, Leg::Caller, '1');
    scene.run(100);
    let told = scene.told();
    assert!(
        told.contains("record 0 0") && told.contains("Caller hears beep"),
        "{told}"
    );
    assert!(!told.contains("Callee hears"), "{told}");
}

/// The disk is full: the call goes on, unless the tenant wants it otherwise, and its record says so.
#[test]
fn what_could_not_be_recorded_is_in_the_record() {
    for (record_fail, goes_on) in [(RecordFail::GoOn, true), (RecordFail::HangUp, false)] {
        let (mut scene, caller, _) = talking(Policy {
            record: RecordPolicy::Always,
            record_fail,
            ..Policy::default()
        });
        let (session, recording) = scene.recordings()[0];
        scene.reports(MediaReport::Recorded {
            session,
            recording,
            ms: 1_000,
            octets: 4_000,
            end: RecordingEnd::Failed,
        });
        scene.run(500);
        assert_eq!(scene.world.server.cdrs.is_empty(), goes_on);
        if goes_on {
            scene.hang_up(caller);
            scene.run(500);
        }
        let cdr = scene.world.server.cdrs.last().expect("a record");
        assert!(
            cdr.path.iter().any(|step| step == "recording failed"),
            "{:?}",
            cdr.path
        );
        assert_eq!(cdr.recordings, [recording], "what there is of it is kept");
    }
}

#[test]
fn how_a_fork_ended_is_in_the_record() {
    let (mut scene, caller, _) = talking(Policy::default());
    let session = session(1);
    for (number, end, lost_ms) in [
        (1, ForkEnd::Untrusted, 0),
        (2, ForkEnd::Stalled, 700),
        (3, ForkEnd::Stopped, 0),
    ] {
        let tenant = TenantId(1);
        scene.reports(MediaReport::Forked {
            session,
            fork: ForkId { tenant, number },
            end,
            sent_ms: 2_000,
            lost_ms,
        });
    }
    scene.hang_up(caller);
    scene.run(500);
    let cdr = scene.world.server.cdrs.last().expect("a record");
    let steps: Vec<_> = cdr.path.iter().filter(|step| step.starts_with("fork")).collect();
    assert_eq!(
        steps,
        [
            "fork: its certificate is not trusted",
            "fork: the other side does not read",
            "fork: 700 ms left out"
        ]
    );
}
