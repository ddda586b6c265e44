//! Re-INVITE: hold, resume, other codecs, glare, refusal (RFC 3261 §14, RFC 3264 §8).

use super::Scene;
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn hold_and_resume_by_the_caller() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.reinvite(caller, "sendrecv");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8}
        1001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1001     server -> acme/101 100 Trying (INVITE)
        1002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1003     server -> acme/102 ACK 102
        1003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1004   acme/101 -> server   ACK 1
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 2996 ms (ring 102, answered), packets 6 and 4
    "#]]);
}

#[test]
fn hold_by_the_callee_with_inactive() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(callee, "inactive");
    scene.run(1000);
    scene.reinvite(callee, "sendrecv");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 inactive}
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        1        server -> acme/102 100 Trying (INVITE)
        2      acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        3        server -> acme/101 ACK 101
        3        server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8 inactive}
        4      acme/102 -> server   ACK 1
        1000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8}
        1001     server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8}
        1001     server -> acme/102 100 Trying (INVITE)
        1002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1003     server -> acme/101 ACK 101
        1003     server -> acme/102 200 OK (INVITE) {10.0.0.1:10002 0,8}
        1004   acme/102 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn other_codecs() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(caller, |phone, _| phone.codecs = vec![8]);
    scene.reinvite(caller, "sendrecv");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 8}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 8,0}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8,0}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8}
        4      acme/101 -> server   ACK 1
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn glare_that_the_caller_wins() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(caller, "sendonly");
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        1        server -> acme/102 491 Request Pending (INVITE)
        2      acme/102 -> server   491 Request Pending (INVITE)
        2      acme/102 -> server   ACK 1
        3        server -> acme/102 ACK 102
        3        server -> acme/101 491 Request Pending (INVITE)
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn glare_that_the_callee_wins() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reinvite(callee, "sendonly");
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/101 INVITE 101 {10.0.0.1:10000 0,8 sendonly}
        1        server -> acme/102 100 Trying (INVITE)
        1        server -> acme/101 491 Request Pending (INVITE)
        2      acme/101 -> server   491 Request Pending (INVITE)
        2      acme/101 -> server   ACK 1
        3        server -> acme/101 ACK 101
        3        server -> acme/102 491 Request Pending (INVITE)
        4      acme/102 -> server   ACK 1
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_refusal_leaves_the_call_as_it_was() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(488));
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   488 Not Acceptable Here (INVITE)
        3        server -> acme/102 ACK 102
        3        server -> acme/101 488 Not Acceptable Here (INVITE)
        4      acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_phone_that_forgot_the_call_ends_it() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.act(callee, |phone, _| phone.refuses_reinvite = Some(481));
    scene.reinvite(caller, "sendonly");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
        3        server -> acme/102 ACK 102
        3        server -> acme/101 480 Temporarily Unavailable (INVITE)
        3        server -> acme/101 BYE 101 [Q.850;cause=41;text="dialog lost"]
        3        server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        4      acme/101 -> server   ACK 1
        4      acme/101 -> server   200 OK (BYE)
        4      acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/41 by Callee, rang, talked 998 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_phone_that_is_silent_ends_the_call() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.answers(callee, Answer::Dead);
    scene.reinvite(caller, "sendonly");
    scene.run(40_000);
    scene.act(callee, |phone, _| phone.reboot());
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        3501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        7501     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        15501    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        31501    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        32001    server -> acme/101 480 Temporarily Unavailable (INVITE)
        32001    server -> acme/101 BYE 101 [Q.850;cause=41;text="dialog lost"]
        32001    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        32002  acme/101 -> server   ACK 1
        32002  acme/101 -> server   200 OK (BYE)
        32501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        33501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        35501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        39501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        43501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        47501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        51501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        55501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        59501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        63501    server -> acme/102 BYE 102 [Q.850;cause=41;text="dialog lost"]
        record 101 -> 102: 200/41 by Callee, rang, talked 32996 ms (ring 102, answered), packets 66 and 2
    "#]]);
}

#[test]
fn the_caller_hangs_up_while_the_other_side_is_asked() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.answers(callee, Answer::Dead);
    scene.reinvite(caller, "sendonly");
    scene.run(300);
    scene.answers(callee, Answer::Ring);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        300    acme/101 -> server   BYE 1
        301      server -> acme/101 487 Request Terminated (INVITE)
        301      server -> acme/102 BYE 102
        301      server -> acme/101 200 OK (BYE)
        302    acme/101 -> server   ACK 1
        302    acme/102 -> server   200 OK (BYE)
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        502    acme/102 -> server   481 Call/Transaction Does Not Exist (INVITE)
        503      server -> acme/102 ACK 102
        record 101 -> 102: 200/16 by Caller, rang, talked 1296 ms (ring 102, answered), packets 3 and 2
    "#]]);
}

#[test]
fn the_2xx_and_the_acks_are_lost() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.lose_to_server("SIP/2.0 200", 1);
    scene.lose_to(callee, "ACK", 1);
    scene.lose_to_server("ACK", 1);
    scene.reinvite(caller, "sendonly");
    scene.run(5000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -x server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        501      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        502    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        503      server -x acme/102 ACK 102
        503      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        503      server -> acme/102 ACK 102
        504    acme/101 -x server   ACK 1
        1003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        1004   acme/101 -> server   ACK 1
        5000   acme/101 -> server   BYE 1
        5001     server -> acme/102 BYE 102
        5001     server -> acme/101 200 OK (BYE)
        5002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 5996 ms (ring 102, answered), packets 12 and 2
    "#]]);
}
