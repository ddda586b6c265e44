//! The server dies in the midst of calls and comes back on the same machine: what had stood for a second goes on.

use super::Scene;
use expect_test::expect;
use model::{EndedBy, Policy, Transport};
use sim::phone::{Answer, Sdes, State};

/// A call that has stood for longer than a second, the server killed and started again, the ladder empty.
fn survivors(scene: &mut Scene) -> (usize, usize) {
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.world.restart_server();
    scene.refresh_voices();
    scene.curtain();
    (caller, callee)
}

#[test]
fn the_caller_hangs_up_after_a_restart() {
    let mut scene = Scene::new();
    let (caller, callee) = survivors(&mut scene);
    scene.run(500);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        500    acme/101 -> server   BYE 1
        501      server -> acme/102 BYE 102
        501      server -> acme/101 200 OK (BYE)
        502    acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2496 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn the_callee_hangs_up_after_both_were_asked() {
    let mut scene = Scene::new();
    let (caller, callee) = survivors(&mut scene);
    scene.run(10_000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2012     server -> acme/102 ACK 102
        10000  acme/102 -> server   BYE 1
        10001    server -> acme/101 BYE 101
        10001    server -> acme/102 200 OK (BYE)
        10002  acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 11996 ms (ring 102, answered), packets 20 and 20
    "#]]);
}

#[test]
fn hold_and_resume_after_a_restart() {
    let mut scene = Scene::new();
    let (caller, callee) = survivors(&mut scene);
    scene.reinvite(caller, "sendonly");
    scene.run(500);
    scene.reinvite(caller, "sendrecv");
    scene.run(500);
    scene.refresh_voices();
    scene.run(500);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        500    acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        501      server -> acme/101 100 Trying (INVITE)
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        503      server -> acme/102 ACK 102
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        504    acme/101 -> server   ACK 1
        1500   acme/102 -> server   BYE 1
        1501     server -> acme/101 BYE 101
        1501     server -> acme/102 200 OK (BYE)
        1502   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 3496 ms (ring 102, answered), packets 3 and 2
    "#]]);
}

#[test]
fn a_held_call_stays_held_and_is_resumed() {
    let mut scene = Scene::with(Policy {
        media_silence_s: 10,
        ..Policy::default()
    });
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.reinvite(caller, "inactive");
    scene.mute(&[caller, callee]);
    scene.run(500);
    scene.world.restart_server();
    scene.curtain();
    // Silence is expected.
    scene.run(60_000);
    scene.reinvite(caller, "sendrecv");
    for phone in [caller, callee] {
        scene.act(phone, |phone, _| phone.mute = false);
    }
    scene.run(500);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 inactive}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 inactive}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        2012     server -> acme/102 ACK 102
        60000  acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        60001    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        60001    server -> acme/101 100 Trying (INVITE)
        60002  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        60003    server -> acme/102 ACK 102
        60003    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        60004  acme/101 -> server   ACK 1
        60500  acme/101 -> server   BYE 1
        60501    server -> acme/102 BYE 102
        60501    server -> acme/101 200 OK (BYE)
        60502  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 62996 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn a_phone_that_hung_up_meanwhile_ends_the_call_with_its_last_sign_of_life() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.mute(&[caller, callee]);
    scene.run(100);
    scene.world.phones[callee].forget_calls();
    scene.world.restart_server();
    scene.curtain();
    scene.run(5000);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
        2012     server -> acme/102 ACK 102
        2012     server -> acme/101 BYE 101 [Q.850;cause=41;text="lost in a restart"]
        2012     server -> acme/102 BYE 102 [Q.850;cause=41;text="lost in a restart"]
        2013   acme/101 -> server   200 OK (BYE)
        2013   acme/102 -> server   481 Call/Transaction Does Not Exist (BYE)
        record 101 -> 102: 200/41 by System, rang, talked 1000 ms (ring 102, answered, lost in a restart), packets 0 and 0
    "#]]);
}

#[test]
fn killed_twice() {
    let mut scene = Scene::new();
    let (caller, callee) = survivors(&mut scene);
    scene.run(5000);
    scene.world.restart_server();
    scene.run(100);
    scene.world.restart_server();
    scene.refresh_voices();
    scene.curtain();
    scene.run(5000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2012     server -> acme/102 ACK 102
        5000   acme/101 -> server   BYE 1
        5001     server -> acme/102 BYE 102
        5001     server -> acme/101 200 OK (BYE)
        5002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 12096 ms (ring 102, answered), packets 10 and 10
    "#]]);
    assert_eq!(scene.world.server.cdrs.len(), 1);
}

/// The record is written, and the process dies before the call leaves the journal: it is found dead, and its second
/// record bears the same number, of which the database keeps the first.
#[test]
fn killed_between_the_record_and_the_end_of_its_checkpoint() {
    let mut scene = Scene::new();
    let (caller, _) = scene.talking();
    scene.run(1000);
    scene.hang_up(caller);
    scene.run(100);
    let first = scene.world.server.cdrs.pop().unwrap();
    scene.world.server.calls.pop();
    assert_eq!(scene.world.server.kept_calls().len(), 1);
    scene.world.restart_server();
    scene.run(5000);
    let [second] = &scene.world.server.cdrs[..] else {
        panic!("{}", scene.text())
    };
    assert_eq!((second.id, second.ended_by), (first.id, EndedBy::System));
    assert!(second.path.ends_with(&["lost in a restart".to_owned()]));
    assert!(second.end <= first.end, "{second:?}");
    assert_eq!(scene.world.server.kept_calls(), []);
}

#[test]
fn a_phone_on_a_connection_is_waited_for() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone_on("102", Transport::Tcp, Answer::PickUp(1000));
    scene.call(caller, "102");
    scene.run(3000);
    scene.world.restart_server();
    scene.curtain();
    scene.run(10_000);
    scene.act(callee, |phone, now| phone.register(3600, now));
    scene.run(5000);
    assert_eq!(scene.world.phones[callee].calls(), [(0, State::Up)]);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        10000  acme/102 -> server   REGISTER acme.example <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
        10001    server -> acme/102 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        10002  acme/102 -> server   REGISTER acme.example +credentials <sip:102@10.0.1.3:5060;transport=tcp> Expires 3600
        10003    server -> acme/102 200 OK (REGISTER) <sip:102@10.0.1.3:5060;transport=tcp>;expires=3600
        10010    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        10011  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        10012    server -> acme/102 ACK 102
        15000  acme/101 -> server   BYE 1
        15001    server -> acme/102 BYE 102
        15001    server -> acme/101 200 OK (BYE)
        15002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 16996 ms (ring 102, answered), packets 30 and 30
    "#]]);
}

#[test]
fn other_ports_are_told_where_the_old_ones_are_taken() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.world.server.taken_ports = vec![10_000];
    scene.world.restart_server();
    scene.refresh_voices();
    scene.curtain();
    scene.run(1000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0        server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8}
        1      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2        server -> acme/101 ACK 101
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn killed_in_the_midst_of_a_reinvite() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.reinvite(caller, "sendonly");
    scene.world.run_ms(2);
    scene.world.restart_server();
    scene.curtain();
    scene.run(5000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        1        server -> acme/102 ACK 102
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        3        server -> acme/102 ACK 102
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   491 Request Pending (INVITE)
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2012     server -> acme/102 ACK 102
        2492     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2493   acme/101 -> server   491 Request Pending (INVITE)
        2494     server -> acme/101 ACK 101
        4194     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        4195   acme/101 -> server   491 Request Pending (INVITE)
        4196     server -> acme/101 ACK 101
        4546     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        4547   acme/101 -> server   491 Request Pending (INVITE)
        4548     server -> acme/101 ACK 101
        5000   acme/102 -> server   BYE 1
        5001     server -> acme/101 BYE 101
        5001     server -> acme/102 200 OK (BYE)
        5002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 6998 ms (ring 102, answered), packets 10 and 10
    "#]]);
}

#[test]
fn a_tenant_that_panics_goes_on_with_its_calls() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.run(1000);
    let now = scene.world.now();
    scene.world.server.rebuild(super::scene::ACME, now);
    scene.world.collect();
    scene.refresh_voices();
    scene.curtain();
    scene.run(500);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        500    acme/102 -> server   BYE 1
        501      server -> acme/101 BYE 101
        501      server -> acme/102 200 OK (BYE)
        502    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2496 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn without_session_timers_phones_are_asked_all_the_same() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 0,
        ..Policy::default()
    });
    let (caller, callee) = scene.talking();
    scene.run(1000);
    scene.mute(&[caller, callee]);
    scene.run(100);
    scene.world.phones[caller].forget_calls();
    scene.world.restart_server();
    scene.curtain();
    scene.run(5000);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   481 Call/Transaction Does Not Exist (INVITE)
        2002     server -> acme/101 ACK 101
        2002     server -> acme/101 BYE 101 [Q.850;cause=41;text="lost in a restart"]
        2002     server -> acme/102 BYE 102 [Q.850;cause=41;text="lost in a restart"]
        2003   acme/101 -> server   481 Call/Transaction Does Not Exist (BYE)
        2003   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by System, rang, talked 1000 ms (ring 102, answered, lost in a restart), packets 0 and 0
    "#]]);
}

#[test]
fn sessions_are_refreshed_after_a_restart() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 120,
        ..Policy::default()
    });
    let (caller, _) = survivors(&mut scene);
    scene.run(70_000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 Session-Expires 120;refresher=uac {10.0.0.1:10000 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/102 INVITE 102 Session-Expires 120;refresher=uac {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2012     server -> acme/102 ACK 102
        62002    server -> acme/101 INVITE 101 Session-Expires 120;refresher=uac {10.0.0.1:10000 0,8}
        62003  acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        62004    server -> acme/101 ACK 101
        62012    server -> acme/102 INVITE 102 Session-Expires 120;refresher=uac {10.0.0.1:10002 0,8}
        62013  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        62014    server -> acme/102 ACK 102
        70000  acme/101 -> server   BYE 1
        70001    server -> acme/102 BYE 102
        70001    server -> acme/101 200 OK (BYE)
        70002  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 71996 ms (ring 102, answered), packets 140 and 140
    "#]]);
}

#[test]
fn a_session_that_nobody_refreshes_after_a_restart_ends() {
    let mut scene = Scene::with(Policy {
        session_expires_s: 120,
        media_silence_s: 0,
        ..Policy::default()
    });
    let caller = scene.phone_on("101", Transport::Tcp, Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(1000));
    scene.call(caller, "102");
    scene.run(3000);
    scene.mute(&[caller, callee]);
    scene.world.restart_server();
    scene.curtain();
    // The caller never comes back.
    scene.run(200_000);
    scene.world.phones[caller].forget_calls();
    scene.ends(expect![[r#"
        2010     server -> acme/102 INVITE 102 Session-Expires 120;refresher=uac {10.0.0.1:10002 0,8}
        2011   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2012     server -> acme/102 ACK 102
        62012    server -> acme/102 INVITE 102 Session-Expires 120;refresher=uac {10.0.0.1:10002 0,8}
        62013  acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        62014    server -> acme/102 ACK 102
        119002   server -x acme/101 BYE 101 [Q.850;cause=41;text="lost in a restart"]
        119002   server -> acme/102 BYE 102 [Q.850;cause=41;text="lost in a restart"]
        119003 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by System, rang, talked 1000 ms (ring 102, answered, lost in a restart), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_transferred_call_goes_on_after_a_restart() {
    let mut scene = Scene::new();
    let (ann, bea) = scene.talking();
    let carl = scene.phone("103", Answer::PickUp(500));
    scene.act(bea, |phone, now| phone.refer(0, "103", now));
    scene.run(5000);
    scene.world.restart_server();
    scene.refresh_voices();
    scene.curtain();
    scene.run(5000);
    scene.talk_to_each_other(ann, carl);
    scene.hang_up(carl);
    scene.ends(expect![[r#"
        2000     server -> acme/101 INVITE 101 {10.0.0.1:10004 0,8}
        2001   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        2002     server -> acme/101 ACK 101
        2010     server -> acme/103 INVITE 103 {10.0.0.1:10006 0,8}
        2011   acme/103 -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        2012     server -> acme/103 ACK 103
        5000   acme/103 -> server   BYE 1
        5001     server -> acme/101 BYE 101
        5001     server -> acme/103 200 OK (BYE)
        5002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1598 ms (ring 102, answered), transferred to 103, packets 4 and 4
        record 101 -> 103: 200/16 by Callee, rang, talked 9498 ms (ring 103, answered), transferred by 102, packets 10 and 10
    "#]]);
}

/// Keys are not kept: such a call is hung up, and has its record.
#[test]
fn a_call_with_keys_ends_in_a_restart() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tls, Answer::Ring);
    scene.phone("102", Answer::PickUp(1000));
    scene.act(caller, |phone, _| phone.sdes = Some(Sdes::usual('A')));
    scene.call(caller, "102");
    scene.run(3000);
    let kept = format!("{:?}", scene.world.server.kept_calls());
    assert!(kept.contains("ends: true") && !kept.contains("inline:"), "{kept}");
    scene.world.restart_server();
    scene.curtain();
    scene.run(500);
    scene.act(caller, |phone, now| phone.register(3600, now));
    scene.ends(expect![[r#"
        0        server -x acme/101 BYE 101 [Q.850;cause=41;text="lost in a restart"]
        0        server -> acme/102 BYE 102 [Q.850;cause=41;text="lost in a restart"]
        1      acme/102 -> server   200 OK (BYE)
        500    acme/101 -> server   REGISTER acme.example <sip:101@10.0.1.2:5060;transport=tls> Expires 3600
        501      server -> acme/101 401 Unauthorized (REGISTER) ?SHA-256 ?MD5
        502    acme/101 -> server   REGISTER acme.example +credentials <sip:101@10.0.1.2:5060;transport=tls> Expires 3600
        503      server -> acme/101 200 OK (REGISTER) <sip:101@10.0.1.2:5060;transport=tls>;expires=3600
        503      server -> acme/101 BYE 101 [Q.850;cause=41;text="lost in a restart"]
        504    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by System, rang, talked 1000 ms (ring 102, answered, lost in a restart), packets 0 and 0, caller AesCm128HmacSha1_80
    "#]]);
}
