//! Calls that nobody takes, and what the caller is told.

use super::Scene;
use expect_test::expect;
use media::PortRange;
use model::{Policy, Transport};
use sim::phone::Answer;

#[test]
fn busy() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 100));
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}

#[test]
fn a_busy_phone_does_not_stop_the_other_from_ringing() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 100));
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
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        1004   acme/102' -> server   200 OK (INVITE) {10.0.1.4:6060 0,8}
        1005     server -> acme/102' ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102' BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102' -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn declining_speaks_for_every_phone_of_the_user() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(603, 1000));
    scene.phone("102", Answer::PickUp(5000));
    scene.call(caller, "102");
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
        1004   acme/102 -> server   603 Decline (INVITE)
        1005     server -> acme/102 ACK 102
        1005     server -> acme/102' CANCEL 102
        1005     server -> acme/101 603 Decline (INVITE) [Q.850;cause=21]
        1006   acme/102' -> server   200 OK (CANCEL)
        1006   acme/102' -> server   487 Request Terminated (INVITE)
        1006   acme/101 -> server   ACK 102
        1007     server -> acme/102' ACK 102
        record 101 -> 102: 603/21 by Callee, rang (ring 102, declined)
    "#]]);
}

#[test]
fn a_busy_phone_counts_more_than_one_that_is_broken() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Refuse(486, 100));
    scene.phone("102", Answer::Refuse(500, 200));
    scene.call(caller, "102");
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
        104    acme/102 -> server   486 Busy Here (INVITE)
        105      server -> acme/102 ACK 102
        204    acme/102' -> server   500 Server Internal Error (INVITE)
        205      server -> acme/102' ACK 102
        205      server -> acme/101 486 Busy Here (INVITE) [Q.850;cause=17]
        206    acme/101 -> server   ACK 102
        record 101 -> 102: 486/17 by Callee, rang (ring 102, busy)
    "#]]);
}

#[test]
fn nobody_answers_in_time() {
    let mut scene = Scene::with(Policy {
        ring_timeout_s: 20,
        ..Policy::default()
    });
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::Ring);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        20003    server -> acme/102 CANCEL 102 [Q.850;cause=19;text="no answer"]
        20003    server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=19]
        20004  acme/102 -> server   200 OK (CANCEL)
        20004  acme/102 -> server   487 Request Terminated (INVITE)
        20004  acme/101 -> server   ACK 102
        20005    server -> acme/102 ACK 102
        record 101 -> 102: 480/19 by System, rang (ring 102, no answer)
    "#]]);
}

#[test]
fn a_user_without_a_phone_is_unreachable() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn a_dead_phone_is_tried_for_32_seconds() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let dead = scene.phone("102", Answer::Ring);
    scene.answers(dead, Answer::Dead);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        503      server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        1503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        7503     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        15503    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        31503    server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        32003    server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        32004  acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn a_phone_whose_connection_broke_is_not_rung() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let gone = scene.phone_on("102", Transport::Tcp, Answer::PickUp(100));
    scene.world.disconnect(gone);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/102 loses its connection
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System (ring 102, unreachable)
    "#]]);
}

#[test]
fn a_phone_whose_connection_breaks_while_it_rings_has_ten_seconds_to_come_back() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone_on("102", Transport::Tcp, Answer::Ring);
    scene.call(caller, "102");
    scene.run(1000);
    scene.world.disconnect(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1000   acme/102 loses its connection
        11000    server -> acme/101 480 Temporarily Unavailable (INVITE) [Q.850;cause=20]
        11001  acme/101 -> server   ACK 102
        record 101 -> 102: 480/20 by System, rang (ring 102, unreachable)
    "#]]);
}

#[test]
fn numbers_and_domains_that_lead_nowhere() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone_at("beta.example", "102", Transport::Udp, Answer::PickUp(0));
    scene.call(caller, "999");
    scene.run(100);
    scene.call(caller, "102@beta.example");
    scene.run(100);
    scene.call(caller, "102@nobody.example");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 999 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 999
        2      acme/101 -> server   INVITE 999 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 404 Not Found (INVITE) [Q.850;cause=1]
        4      acme/101 -> server   ACK 999
        100    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        101      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        102    acme/101 -> server   ACK 102
        102    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        103      server -> acme/101 100 Trying (INVITE)
        103      server -> acme/101 403 Forbidden (INVITE) [Q.850;cause=21]
        104    acme/101 -> server   ACK 102
        200    acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        201      server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        202    acme/101 -> server   ACK 102
        202    acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        203      server -> acme/101 100 Trying (INVITE)
        203      server -> acme/101 403 Forbidden (INVITE) [Q.850;cause=21]
        204    acme/101 -> server   ACK 102
        record 101 -> 999: 404/1 by System (unknown number)
        record 101 -> 102: 403/21 by System (foreign domain)
        record 101 -> 102: 403/21 by System (foreign domain)
    "#]]);
}

#[test]
fn no_media_port_is_free() {
    let ports = PortRange {
        first: 10_000,
        last: 10_003,
    };
    let mut scene = Scene::with_ports(Policy::default(), ports);
    scene.talking();
    let other = scene.phone("103", Answer::Ring);
    scene.phone("104", Answer::PickUp(0));
    scene.call(other, "104");
    scene.run(1000);
    scene.sees(expect![[r#"
        0      acme/103 -> server   INVITE 104 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK 104
        2      acme/103 -> server   INVITE 104 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 100 Trying (INVITE)
        3        server -> acme/103 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=47]
        4      acme/103 -> server   ACK 104
        record 103 -> 104: 503/47 by System (ring 104)
    "#]]);
}

#[test]
fn no_media_port_can_be_bound() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.world.server.bindable = false;
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 503 Service Unavailable (INVITE) Retry-After 5 [Q.850;cause=47]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 503/47 by System (ring 102)
    "#]]);
}

#[test]
fn one_call_more_than_the_policy_allows() {
    let mut scene = Scene::with(Policy {
        max_calls: 1,
        ..Policy::default()
    });
    scene.talking();
    let other = scene.phone("103", Answer::Ring);
    scene.call(other, "101");
    scene.run(1000);
    scene.sees(expect![[r#"
        0      acme/103 -> server   INVITE 101 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK 101
        2      acme/103 -> server   INVITE 101 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 503 Service Unavailable (INVITE) Retry-After 5
        4      acme/103 -> server   ACK 101
    "#]]);
}

#[test]
fn a_node_that_drains_takes_no_new_call_and_keeps_the_old() {
    let mut scene = Scene::new();
    let (caller, _) = scene.talking();
    let other = scene.phone("103", Answer::Ring);
    scene.input(pbx::Input::Drain);
    scene.call(other, "101");
    scene.run(1000);
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/103 -> server   INVITE 101 {10.0.1.4:6060 0,8}
        1        server -> acme/103 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/103 -> server   ACK 101
        2      acme/103 -> server   INVITE 101 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/103 503 Service Unavailable (INVITE) Retry-After 5
        4      acme/103 -> server   ACK 101
        1000   acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1001     server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1001     server -> acme/101 100 Trying (INVITE)
        1002   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        1003     server -> acme/102 ACK 102
        1003     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        1004   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 3096 ms (ring 102, answered), packets 7 and 5
    "#]]);
}

#[test]
fn a_disabled_user_is_not_called() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    let now = scene.world.now();
    let config = super::scene::with_users(2, |user| user.enabled = &*user.extension != "102");
    scene.world.server.configure(config, now);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/101 404 Not Found (INVITE) [Q.850;cause=1]
        4      acme/101 -> server   ACK 102
        record 101 -> 102: 404/1 by System (unknown number)
    "#]]);
    assert_eq!(scene.world.server.bindings().len(), 1);
}
