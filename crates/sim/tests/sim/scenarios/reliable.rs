//! Reliable provisional responses (RFC 3262), on one side of a call or on both.

use super::Scene;
use expect_test::expect;
use sim::phone::Answer;

/// The caller and the callee know reliable responses or not.
pub(super) fn pair(caller: bool, callee: bool, answer: Answer) -> (Scene, usize, usize) {
    let mut scene = Scene::new();
    let (a, b) = (scene.phone("101", Answer::Ring), scene.phone("102", answer));
    scene.mute(&[a, b]);
    scene.act(a, |phone, _| phone.abilities.reliable = caller);
    scene.act(b, |phone, _| phone.abilities.reliable = callee);
    scene.curtain();
    (scene, a, b)
}

#[test]
fn ringing_is_reliable_on_both_sides() {
    let (mut scene, caller, _) = pair(true, true, Answer::PickUp(1000));
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE) Require 100rel
        5        server -> acme/102 PRACK 102 RAck 334 1 INVITE
        5        server -> acme/101 180 Ringing (INVITE) Require 100rel
        6      acme/102 -> server   200 OK (PRACK)
        6      acme/101 -> server   PRACK 1 RAck 119399795 2 INVITE
        7        server -> acme/101 200 OK (PRACK)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn early_media_is_reliable_towards_the_caller_alone() {
    let (mut scene, caller, _) = pair(true, false, Answer::EarlyMedia(1000));
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        7        server -> acme/101 200 OK (PRACK)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE)
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn early_media_is_reliable_towards_the_callee_alone() {
    let (mut scene, caller, _) = pair(false, true, Answer::EarlyMedia(1000));
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) Require 100rel {10.0.1.3:6060 0,8}
        5        server -> acme/102 PRACK 102 RAck 334 1 INVITE
        5        server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        6      acme/102 -> server   200 OK (PRACK)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn responses_and_pracks_are_lost() {
    let (mut scene, caller, _) = pair(true, true, Answer::EarlyMedia(100));
    scene.lose_to_server("PRACK", 1);
    scene.lose_to(caller, "SIP/2.0 183", 1);
    scene.lose_to_server("SIP/2.0 183", 1);
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
        4      acme/102 -x server   183 Session Progress (INVITE) Require 100rel {10.0.1.3:6060 0,8}
        503      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        504    acme/102 -> server   183 Session Progress (INVITE) Require 100rel {10.0.1.3:6060 0,8}
        504    acme/102 -> server   183 Session Progress (INVITE) Require 100rel {10.0.1.3:6060 0,8}
        505      server -> acme/102 PRACK 102 RAck 334 1 INVITE
        505      server -x acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        506    acme/102 -> server   200 OK (PRACK)
        506    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        507      server -> acme/102 ACK 102
        1005     server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        1006   acme/101 -x server   PRACK 1 RAck 119399795 2 INVITE
        1506   acme/101 -> server   PRACK 1 RAck 119399795 2 INVITE
        1507     server -> acme/101 200 OK (PRACK)
        1507     server -> acme/101 200 OK (INVITE)
        1508   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 3494 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn the_answer_waits_for_the_prack() {
    let (mut scene, caller, _) = pair(true, false, Answer::EarlyMedia(100));
    scene.lose_to_server("PRACK", 2);
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
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/102 ACK 102
        505      server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        506    acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        1505     server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        1506   acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        1507     server -> acme/101 200 OK (PRACK)
        1507     server -> acme/101 200 OK (INVITE)
        1508   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 3896 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn a_caller_that_never_acknowledges() {
    let (mut scene, caller, _) = pair(true, false, Answer::Ring);
    scene.lose_to_server("PRACK", 1000);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE) Require 100rel
        6      acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        505      server -> acme/101 180 Ringing (INVITE) Require 100rel
        506    acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        1505     server -> acme/101 180 Ringing (INVITE) Require 100rel
        1506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        3505     server -> acme/101 180 Ringing (INVITE) Require 100rel
        3506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        7505     server -> acme/101 180 Ringing (INVITE) Require 100rel
        7506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        11506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        15505    server -> acme/101 180 Ringing (INVITE) Require 100rel
        15506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        19506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        23506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        27506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        31505    server -> acme/101 180 Ringing (INVITE) Require 100rel
        31506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        32005    server -> acme/101 504 Server Time-out (INVITE) [Q.850;cause=102]
        32005    server -> acme/102 CANCEL 102
        32006  acme/101 -> server   ACK 102
        32006  acme/102 -> server   200 OK (CANCEL)
        32006  acme/102 -> server   487 Request Terminated (INVITE)
        32007    server -> acme/102 ACK 102
        record 101 -> 102: 504/102 by System, rang (ring 102)
    "#]]);
}

#[test]
fn an_answered_call_whose_caller_never_acknowledges() {
    let (mut scene, caller, _) = pair(true, false, Answer::EarlyMedia(100));
    scene.lose_to_server("PRACK", 1000);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/102 ACK 102
        505      server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        506    acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        1505     server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        1506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        3505     server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        3506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        7505     server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        7506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        11506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        15505    server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        15506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        19506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        23506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        27506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        31505    server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        31506  acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        32005    server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        32005    server -> acme/102 BYE 102 [Q.850;cause=102;text="no PRACK"]
        32006  acme/101 -> server   ACK 102
        32006  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/102 by System, rang, talked 31900 ms (ring 102, answered), packets 0 and 0, Caller: nothing comes from it, Callee: nothing comes from it
    "#]]);
}

#[test]
fn the_caller_gives_up_while_the_answer_waits() {
    let (mut scene, caller, _) = pair(true, false, Answer::EarlyMedia(100));
    scene.lose_to_server("PRACK", 3);
    scene.call(caller, "102");
    scene.run(300);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/102 ACK 102
        300    acme/101 -> server   CANCEL 102
        301      server -> acme/101 200 OK (CANCEL)
        301      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        301      server -> acme/102 BYE 102
        302    acme/101 -> server   ACK 102
        302    acme/102 -> server   200 OK (BYE)
        506    acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        1506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        3506   acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        3507     server -> acme/101 481 Call/Transaction Does Not Exist (PRACK)
        record 101 -> 102: 487/16 by Caller, rang, talked 196 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn the_callee_hangs_up_while_the_answer_waits() {
    let (mut scene, caller, callee) = pair(true, false, Answer::EarlyMedia(100));
    scene.lose_to_server("PRACK", 3);
    scene.call(caller, "102");
    scene.run(300);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0,8}
        6      acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/102 ACK 102
        300    acme/102 -> server   BYE 1
        301      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        301      server -> acme/102 200 OK (BYE)
        302    acme/101 -> server   ACK 102
        506    acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        1506   acme/101 -x server   PRACK 1 RAck 835815916 2 INVITE
        3506   acme/101 -> server   PRACK 1 RAck 835815916 2 INVITE
        3507     server -> acme/101 481 Call/Transaction Does Not Exist (PRACK)
        record 101 -> 102: 200/16 by Callee, rang, talked 196 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn a_caller_that_demands_reliable_responses_and_makes_no_offer() {
    let (mut scene, caller, _) = pair(true, true, Answer::PickUp(100));
    scene.act(caller, |phone, _| {
        phone.abilities.demanding = true;
        phone.abilities.offerless = true;
    });
    scene.call(caller, "102");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 Require 100rel
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials Require 100rel
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        104    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        105      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        106    acme/101 -> server   ACK 1 {10.0.1.2:6060 0,8}
        107      server -> acme/102 ACK 102 {10.0.0.1:10002 0,8}
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/102 BYE 102
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 896 ms (ring 102, answered), packets 0 and 0
    "#]]);
}

#[test]
fn another_phone_answers_than_the_one_with_early_media() {
    let (mut scene, caller, callee) = pair(true, false, Answer::EarlyMedia(30_000));
    scene.act(callee, |phone, _| phone.codecs = vec![0]);
    let other = scene.phone("102", Answer::PickUp(500));
    scene.mute(&[other]);
    scene.act(other, |phone, _| phone.codecs = vec![8]);
    scene.curtain();
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> acme/102' INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0}
        4      acme/102' -> server   180 Ringing (INVITE)
        5        server -> acme/101 183 Session Progress (INVITE) Require 100rel {10.0.0.1:10000 0}
        6      acme/101 -> server   PRACK 1 RAck 479291331 2 INVITE
        7        server -> acme/101 200 OK (PRACK)
        504    acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 8}
        505      server -> acme/102' ACK 102
        505      server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        505      server -> acme/101 200 OK (INVITE)
        506    acme/102 -> server   200 OK (CANCEL)
        506    acme/102 -> server   487 Request Terminated (INVITE)
        506    acme/101 -> server   ACK 1
        507      server -> acme/102 ACK 102
        507      server -> acme/101 INVITE 101 {10.0.0.1:10000 8,0}
        508    acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 8,0}
        509      server -> acme/101 ACK 101
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102' BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1496 ms (ring 102, answered), packets 0 and 0
    "#]]);
}
