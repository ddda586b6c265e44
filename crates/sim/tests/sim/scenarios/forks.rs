//! One call, several phones: who gets it, and how the others learn that they don't.

use super::Scene;
use expect_test::expect;
use sim::phone::Answer;

#[test]
fn three_phones_ring_and_the_first_wins() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(3000));
    scene.phone("102", Answer::PickUp(1000));
    scene.phone("102", Answer::Ring);
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
        3        server -> acme/102'' INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/102' -> server   180 Ringing (INVITE)
        4      acme/102'' -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/102' ACK 102
        1005     server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1005     server -> acme/102'' CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/102 -> server   200 OK (CANCEL)
        1006   acme/102 -> server   487 Request Terminated (INVITE)
        1006   acme/102'' -> server   200 OK (CANCEL)
        1006   acme/102'' -> server   487 Request Terminated (INVITE)
        1006   acme/101 -> server   ACK 1
        1007     server -> acme/102 ACK 102
        1007     server -> acme/102'' ACK 102
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102' BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_second_phone_that_answers_too_late_is_acknowledged_and_hung_up() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::PickUp(1000));
    scene.phone("102", Answer::PickUp(1000));
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
        4      acme/102 -> server   180 Ringing (INVITE)
        4      acme/102' -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1004   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/102' CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1005     server -> acme/102' ACK 102
        1005     server -> acme/102' BYE 102 [SIP;cause=200;text="Call completed elsewhere"]
        1006   acme/102' -> server   200 OK (CANCEL)
        1006   acme/101 -> server   ACK 1
        1006   acme/102' -> server   200 OK (BYE)
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn early_media_of_one_phone_gives_way_to_the_answer_of_another() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::EarlyMedia(9000));
    scene.phone("102", Answer::PickUp(1000));
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
        4      acme/102 -> server   183 Session Progress (INVITE) {10.0.1.3:6060 0,8}
        4      acme/102' -> server   180 Ringing (INVITE)
        5        server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        1004   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/102' ACK 102
        1005     server -> acme/102 CANCEL 102 [SIP;cause=200;text="Call completed elsewhere"]
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/102 -> server   200 OK (CANCEL)
        1006   acme/102 -> server   487 Request Terminated (INVITE)
        1006   acme/101 -> server   ACK 1
        1007     server -> acme/102 ACK 102
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102' BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 5
    "#]]);
}

#[test]
fn a_user_who_calls_himself_rings_his_other_phone_only() {
    let mut scene = Scene::new();
    let desk = scene.phone("101", Answer::Ring);
    scene.phone("101", Answer::PickUp(500));
    scene.call(desk, "101");
    scene.run(1000);
    scene.hang_up(desk);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 101 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 101
        2      acme/101 -> server   INVITE 101 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101' INVITE 101 {10.0.0.1:10002 0,8}
        4      acme/101' -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        504    acme/101' -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        505      server -> acme/101' ACK 101
        505      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        506    acme/101 -> server   ACK 1
        1000   acme/101 -> server   BYE 1
        1001     server -> acme/101' BYE 101
        1001     server -> acme/101 200 OK (BYE)
        1002   acme/101' -> server   200 OK (BYE)
        record 101 -> 101: 200/16 by Caller, rang, talked 496 ms (ring 101, answered), packets 1 and 1
    "#]]);
}
