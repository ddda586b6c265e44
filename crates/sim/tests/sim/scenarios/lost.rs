//! What the network loses is said again (RFC 3261 §17, §13.3.1.4).

use super::Scene;
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn the_caller_hangs_up_although_its_ack_was_lost() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 1);
    scene.run(100);
    scene.hang_up(caller);
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
        1006   acme/101 -x server   ACK 1
        1100   acme/101 -> server   BYE 1
        1101     server -> acme/102 BYE 102
        1101     server -> acme/101 200 OK (BYE)
        1102   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 96 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn an_ack_that_is_lost_is_asked_for_again() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 1);
    scene.run(2000);
    scene.hang_up(caller);
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
        1006   acme/101 -x server   ACK 1
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1506   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn a_caller_that_never_acknowledges_is_hung_up_after_32_seconds() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(1000);
    scene.lose_to_server("ACK", 99);
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
        1006   acme/101 -x server   ACK 1
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1506   acme/101 -x server   ACK 1
        2505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2506   acme/101 -x server   ACK 1
        4505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        4506   acme/101 -x server   ACK 1
        8505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        8506   acme/101 -x server   ACK 1
        12505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        12506  acme/101 -x server   ACK 1
        16505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        16506  acme/101 -x server   ACK 1
        20505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        20506  acme/101 -x server   ACK 1
        24505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        24506  acme/101 -x server   ACK 1
        28505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        28506  acme/101 -x server   ACK 1
        32505    server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        32506  acme/101 -x server   ACK 1
        33005    server -> acme/101 BYE 101 [Q.850;cause=102;text="no ACK"]
        33005    server -> acme/102 BYE 102 [Q.850;cause=102;text="no ACK"]
        33006  acme/101 -> server   200 OK (BYE)
        33006  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 32000 ms (ring 102, answered), packets 64 and 65
    "#]]);
}

#[test]
fn the_ack_to_the_callee_is_lost() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.lose_to(callee, "ACK", 2);
    scene.call(caller, "102");
    scene.run(4000);
    scene.hang_up(caller);
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
        1005     server -x acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        1504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1505     server -x acme/102 ACK 102
        2504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2505     server -> acme/102 ACK 102
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 6 and 6
    "#]]);
}

#[test]
fn invite_answer_and_bye_are_each_lost_once() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.mute(&[caller, callee]);
    scene.lose_to_server("INVITE", 1);
    scene.lose_to(callee, "INVITE", 1);
    scene.lose_to_server("SIP/2.0 180", 1);
    scene.lose_to_server("SIP/2.0 200", 1);
    scene.call(caller, "102");
    scene.run(5000);
    scene.lose_to_server("BYE", 1);
    scene.lose_to(callee, "BYE", 1);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -x server   INVITE 102 {10.0.1.2:6060 0,8}
        500    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        501      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        502    acme/101 -> server   ACK 102
        502    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        503      server -> acme/101 100 Trying (INVITE)
        503      server -x acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1004   acme/102 -x server   180 Ringing (INVITE)
        2003     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        2004   acme/102 -> server   180 Ringing (INVITE)
        2004   acme/102 -x server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2005     server -> acme/101 180 Ringing (INVITE)
        2504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2505     server -> acme/102 ACK 102
        2505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2506   acme/101 -> server   ACK 1
        5000   acme/101 -x server   BYE 1
        5500   acme/101 -> server   BYE 1
        5501     server -x acme/102 BYE 102
        5501     server -> acme/101 200 OK (BYE)
        6001     server -> acme/102 BYE 102
        6002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 2996 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn the_refusal_and_its_ack_are_lost() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 100));
    scene.call(caller, "102");
    scene.run(50);
    scene.lose_to_server("SIP/2.0 486", 1);
    scene.lose_to(caller, "SIP/2.0 486", 1);
    scene.lose_to_server("ACK", 1);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -x server   486 Busy Here (INVITE)
        604    acme/102 -> server   486 Busy Here (INVITE)
        605      server -> acme/102 ACK 102
        605      server -x acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        1105     server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        1106   acme/101 -x server   ACK 102
        2105     server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        4105     server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        8105     server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        12105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        16105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        20105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        24105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        28105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        32105    server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}

#[test]
fn the_callee_hangs_up_before_the_caller_has_heard_the_answer() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.pair();
    scene.lose_to(caller, "SIP/2.0 200", 1);
    scene.call(caller, "102");
    scene.run(1200);
    scene.hang_up(callee);
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
        1005     server -x acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1200   acme/102 -> server   BYE 1
        1201     server -> acme/102 200 OK (BYE)
        1505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1506   acme/101 -> server   ACK 1
        1507     server -> acme/101 BYE 101
        1508   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 196 ms (ring 102, answered), packets 0 and 1
    "#]]);
}
