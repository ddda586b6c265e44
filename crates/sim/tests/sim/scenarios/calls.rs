//! Calls that go as they should: ring, answer, talk, hang up; and who gets a call that rings at several phones.

use super::{Scene, acme};
use expect_test::expect;
use model::{MediaPolicy, Policy, Transport};
use sim::phone::Answer;

#[test]
fn two_phones_talk_and_the_caller_hangs_up() {
    let mut scene = Scene::new();
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(3000);
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
        1006   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn the_callee_hangs_up() {
    let mut scene = Scene::new();
    let (_, callee) = scene.talking();
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/102 -> server   BYE 1
        1        server -> acme/101 BYE 101
        1        server -> acme/102 200 OK (BYE)
        2      acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn a_call_over_tcp_to_a_phone_on_tls() {
    let mut scene = Scene::new();
    let caller = scene.phone_on("101", Transport::Tcp, Answer::PickUp(0));
    let callee = scene.phone_on("102", Transport::Tls, Answer::PickUp(500));
    scene.call(caller, "102");
    scene.run(1500);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 RTP/SAVP AEAD_AES_256_GCM,AEAD_AES_128_GCM,AES_CM_128_HMAC_SHA1_80}
        4      acme/102 -> server   488 Not Acceptable Here (INVITE)
        5        server -> acme/102 ACK 102
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        506    acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        507      server -> acme/102 ACK 102
        507      server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        508    acme/101 -> server   ACK 1
        1500   acme/102 -> server   BYE 1
        1501     server -> acme/101 BYE 101
        1501     server -> acme/102 200 OK (BYE)
        1502   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 994 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn early_media_is_heard_before_the_answer() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    scene.phone("102", Answer::EarlyMedia(2000));
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
        5        server -> acme/101 183 Session Progress (INVITE) {10.0.0.1:10000 0,8}
        2004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        2005     server -> acme/102 ACK 102
        2005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        2006   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 8
    "#]]);
}

#[test]
fn direct_media_passes_the_phones_own_addresses() {
    let mut scene = Scene::with(Policy {
        media: MediaPolicy::Direct,
        ..Policy::default()
    });
    let (caller, callee) = scene.pair();
    scene.call(caller, "102");
    scene.run(2000);
    scene.reinvite(callee, "sendonly");
    scene.run(1000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.1.2:6060 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.1.3:6060 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/102 -> server   INVITE 1 {10.0.1.3:6060 0,8 sendonly}
        2001     server -> acme/101 INVITE 101 {10.0.1.3:6060 0,8 sendonly}
        2001     server -> acme/102 100 Trying (INVITE)
        2002   acme/101 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        2003     server -> acme/101 ACK 101
        2003     server -> acme/102 200 OK (INVITE) {10.0.1.2:6060 0,8 recvonly}
        2004   acme/102 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered)
    "#]]);
}

#[test]
fn the_policys_codecs_are_all_that_is_offered() {
    let mut scene = Scene::with(Policy {
        codecs: vec!["pcma".to_owned()],
        ..Policy::default()
    });
    let (caller, _) = scene.pair();
    scene.call(caller, "102");
    scene.run(2000);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
    "#]]);
}

#[test]
fn the_same_extensions_of_two_companies_call_at_once() {
    let mut scene = Scene::new();
    let (acme, _) = scene.pair();
    let beta = scene.phone_at("beta.example", "101", Transport::Udp, Answer::Ring);
    scene.phone_at("beta.example", "102", Transport::Udp, Answer::PickUp(500));
    scene.call(acme, "102");
    scene.call(beta, "102");
    scene.run(2000);
    scene.hang_up(acme);
    scene.hang_up(beta);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        0      beta/101 -> server   INVITE 102 {10.0.1.4:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1        server -> beta/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        2      beta/101 -> server   ACK 102
        2      beta/101 -> server   INVITE 102 +credentials {10.0.1.4:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        3        server -> beta/101 100 Trying (INVITE)
        3        server -> beta/102 INVITE 102 {10.0.0.1:10006 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        4      beta/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        5        server -> beta/101 180 Ringing (INVITE)
        504    beta/102 -> server   200 OK (INVITE) {10.0.1.5:6060 0,8}
        505      server -> beta/102 ACK 102
        505      server -> beta/101 200 OK (INVITE) {10.0.0.1:10004 0,8}
        506    beta/101 -> server   ACK 2
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8}
        1005     server -> acme/102 ACK 102
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1006   acme/101 -> server   ACK 1
        2000   acme/101 -> server   BYE 1
        2000   beta/101 -> server   BYE 2
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2001     server -> beta/102 BYE 102
        2001     server -> beta/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        2002   beta/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 2
        record 101 -> 102: 200/16 by Caller, rang, talked 1496 ms (ring 102, answered), packets 3 and 3
    "#]]);
}

#[test]
fn a_call_keeps_the_configuration_that_it_began_with() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.talking();
    scene.reconfigure(&acme(Policy {
        codecs: vec!["pcma".to_owned()],
        media: MediaPolicy::Direct,
        ..Policy::default()
    }));
    scene.reinvite(caller, "sendonly");
    scene.run(1000);
    scene.hang_up(callee);
    scene.run(1000);
    scene.call(caller, "102");
    scene.run(2000);
    scene.act(caller, |phone, now| phone.hang_up(1, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 0,8 sendonly}
        1        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 0,8 recvonly}
        4      acme/101 -> server   ACK 1
        1000   acme/102 -> server   BYE 1
        1001     server -> acme/101 BYE 101
        1001     server -> acme/102 200 OK (BYE)
        1002   acme/101 -> server   200 OK (BYE)
        2000   acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        2001     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2002   acme/101 -> server   ACK 102
        2002   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        2003     server -> acme/101 100 Trying (INVITE)
        2003     server -> acme/102 INVITE 102 {10.0.1.2:6060 8}
        2004   acme/102 -> server   180 Ringing (INVITE)
        2005     server -> acme/101 180 Ringing (INVITE)
        3004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 8}
        3005     server -> acme/102 ACK 102
        3005     server -> acme/101 200 OK (INVITE) {10.0.1.3:6060 8}
        3006   acme/101 -> server   ACK 1
        4000   acme/101 -> server   BYE 1
        4001     server -> acme/102 BYE 102
        4001     server -> acme/101 200 OK (BYE)
        4002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1996 ms (ring 102, answered), packets 4 and 2
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered)
    "#]]);
    let versions: Vec<_> = scene.world.server.cdrs.iter().map(|c| c.config_version).collect();
    assert_eq!(versions, [1, 2]);
}
