//! Requests that are too large for a datagram (RFC 3261 §18.1.1): over TCP where the phone takes it. `=>` is a message on
//! a connection that the server opened, or that a phone opened to answer what came on one.

use super::Scene;
use super::by_hand::{Hand, field, request, sdp};
use crate::scenarios::scene::ACME;
use expect_test::expect;
use model::Transport;
use sim::phone::{Answer, Listens};
use std::net::SocketAddr;

impl Scene {
    /// The usual pair, whose caller offers more than fits a datagram to one who has such a phone, too.
    pub(super) fn wordy(&mut self, listens: Listens) -> (usize, usize) {
        let (caller, callee) = self.pair();
        for phone in [caller, callee] {
            self.act(phone, |phone, _| {
                phone.codecs = (96..=112).chain([0, 8]).collect()
            });
        }
        self.act(callee, |phone, _| phone.listens = listens);
        (caller, callee)
    }

    pub(super) fn counts(&self) -> (u64, u64) {
        let counts = self.world.server.counts;
        (counts.connected, counts.connects_failed)
    }
}

#[test]
fn a_large_invite_goes_over_tcp_and_its_answer_comes_back_there() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    scene.call(caller, "102");
    scene.run(2000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(callee);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6      acme/102 => server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        1006   acme/102 => server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1007     server -> acme/102 ACK 102
        1007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1008   acme/101 -> server   ACK 1
        2000   acme/102 -> server   BYE 1
        2001     server -> acme/101 BYE 101
        2001     server -> acme/102 200 OK (BYE)
        2002   acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 994 ms (ring 102, answered), packets 2 and 2
    "#]]);
    assert_eq!(scene.counts(), (1, 0));
}

#[test]
fn who_takes_no_connection_gets_a_datagram_and_is_remembered() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::No);
    for _ in 0..2 {
        let number = scene.call(caller, "102");
        scene.run(1500);
        scene.act(caller, |phone, now| phone.hang_up(number, now));
        scene.run(100);
    }
    // After ten minutes it is asked again.
    scene.run(600_000);
    let number = scene.call(caller, "102");
    scene.run(1500);
    scene.act(caller, |phone, now| phone.hang_up(number, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 refuses the connection
        5        server -> acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6      acme/102 -> server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        1006   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1007     server -> acme/102 ACK 102
        1007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1008   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 BYE 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (BYE)
        1600   acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1601     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        1602   acme/101 -> server   ACK 102
        1602   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1603     server -> acme/101 100 Trying (INVITE)
        1603     server -> acme/102 INVITE 102 {10.0.0.1:10006 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        1604   acme/102 -> server   180 Ringing (INVITE)
        1605     server -> acme/101 180 Ringing (INVITE)
        2604   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        2605     server -> acme/102 ACK 102
        2605     server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        2606   acme/101 -> server   ACK 1
        3100   acme/101 -> server   BYE 1
        3101     server -> acme/102 BYE 102
        3101     server -> acme/101 200 OK (BYE)
        3102   acme/102 -> server   200 OK (BYE)
        603200 acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        603201   server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        603202 acme/101 -> server   ACK 102
        603202 acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        603203   server -> acme/101 100 Trying (INVITE)
        603203   server connects to acme/102
        603204 acme/102 refuses the connection
        603205   server -> acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        603206 acme/102 -> server   180 Ringing (INVITE)
        603207   server -> acme/101 180 Ringing (INVITE)
        604206 acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        604207   server -> acme/102 ACK 102
        604207   server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        604208 acme/101 -> server   ACK 1
        604700 acme/101 -> server   BYE 1
        604701   server -> acme/102 BYE 102
        604701   server -> acme/101 200 OK (BYE)
        604702 acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 494 ms (ring 102, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Caller, rang, talked 496 ms (ring 102, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Caller, rang, talked 494 ms (ring 102, answered), packets 1 and 1
    "#]]);
    assert_eq!(scene.counts(), (0, 2));
}

#[test]
fn a_packet_filter_delays_one_call_by_the_time_of_an_attempt() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Filtered);
    for _ in 0..2 {
        let number = scene.call(caller, "102");
        scene.run(3000);
        scene.act(caller, |phone, now| phone.hang_up(number, now));
        scene.run(100);
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        1503     server -> acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        1504   acme/102 -> server   180 Ringing (INVITE)
        1505     server -> acme/101 180 Ringing (INVITE)
        2504   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        2505     server -> acme/102 ACK 102
        2505     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        2506   acme/101 -> server   ACK 1
        3000   acme/101 -> server   BYE 1
        3001     server -> acme/102 BYE 102
        3001     server -> acme/101 200 OK (BYE)
        3002   acme/102 -> server   200 OK (BYE)
        3100   acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3101     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        3102   acme/101 -> server   ACK 102
        3102   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3103     server -> acme/101 100 Trying (INVITE)
        3103     server -> acme/102 INVITE 102 {10.0.0.1:10006 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        3104   acme/102 -> server   180 Ringing (INVITE)
        3105     server -> acme/101 180 Ringing (INVITE)
        4104   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        4105     server -> acme/102 ACK 102
        4105     server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        4106   acme/101 -> server   ACK 1
        6100   acme/101 -> server   BYE 1
        6101     server -> acme/102 BYE 102
        6101     server -> acme/101 200 OK (BYE)
        6102   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 496 ms (ring 102, answered), packets 1 and 1
        record 101 -> 102: 200/16 by Caller, rang, talked 1996 ms (ring 102, answered), packets 4 and 4
    "#]]);
}

#[test]
fn who_takes_the_connection_and_never_reads_gets_datagrams_after_a_while() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Deaf);
    for _ in 0..2 {
        let number = scene.call(caller, "102");
        scene.run(6000);
        scene.act(caller, |phone, now| phone.hang_up(number, now));
        scene.run(100);
    }
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        4005     server -> acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        4006   acme/102 -> server   180 Ringing (INVITE)
        4007     server -> acme/101 180 Ringing (INVITE)
        5006   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        5007     server -> acme/102 ACK 102
        5007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        5008   acme/101 -> server   ACK 1
        6000   acme/101 -> server   BYE 1
        6001     server -> acme/102 BYE 102
        6001     server -> acme/101 200 OK (BYE)
        6002   acme/102 -> server   200 OK (BYE)
        6100   acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        6101     server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        6102   acme/101 -> server   ACK 102
        6102   acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        6103     server -> acme/101 100 Trying (INVITE)
        6103     server -> acme/102 INVITE 102 {10.0.0.1:10006 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6104   acme/102 -> server   180 Ringing (INVITE)
        6105     server -> acme/101 180 Ringing (INVITE)
        7104   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        7105     server -> acme/102 ACK 102
        7105     server -> acme/101 200 OK (INVITE) {10.0.0.1:10004 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        7106   acme/101 -> server   ACK 1
        12100  acme/101 -> server   BYE 1
        12101    server -> acme/102 BYE 102
        12101    server -> acme/101 200 OK (BYE)
        12102  acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 994 ms (ring 102, answered), packets 2 and 2
        record 101 -> 102: 200/16 by Caller, rang, talked 4996 ms (ring 102, answered), packets 10 and 10
    "#]]);
}

#[test]
fn who_closes_the_connection_without_a_word_gets_a_datagram() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Closes);
    scene.call(caller, "102");
    scene.run(1500);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        7        server -> acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        8      acme/102 -> server   180 Ringing (INVITE)
        9        server -> acme/101 180 Ringing (INVITE)
        1008   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1009     server -> acme/102 ACK 102
        1009     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1010   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 BYE 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 492 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

/// The phone knows the INVITE, so it is not sent again; the answer comes on a connection of the phone's own (§18.2.2).
#[test]
fn a_connection_that_breaks_while_the_phone_rings_ends_nothing() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    scene.call(caller, "102");
    scene.run(500);
    scene.world.break_opened(callee);
    scene.run(1000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6      acme/102 => server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        500    acme/102 loses the server's connection
        1006   acme/102 => server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1007     server -> acme/102 ACK 102
        1007     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1008   acme/101 -> server   ACK 1
        1500   acme/101 -> server   BYE 1
        1501     server -> acme/102 BYE 102
        1501     server -> acme/101 200 OK (BYE)
        1502   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 494 ms (ring 102, answered), packets 1 and 1
    "#]]);
}

#[test]
fn cancel_goes_the_way_of_its_invite() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Yes);
    scene.call(caller, "102");
    scene.run(500);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6      acme/102 => server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        500    acme/101 -> server   CANCEL 102
        501      server -> acme/101 200 OK (CANCEL)
        501      server => acme/102 CANCEL 102
        501      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        502    acme/102 => server   200 OK (CANCEL)
        502    acme/102 => server   487 Request Terminated (INVITE)
        502    acme/101 -> server   ACK 102
        503      server => acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn cancel_after_the_connection_broke_goes_as_a_datagram() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    scene.call(caller, "102");
    scene.run(500);
    scene.world.break_opened(callee);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        4      acme/102 takes the connection
        5        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        6      acme/102 => server   180 Ringing (INVITE)
        7        server -> acme/101 180 Ringing (INVITE)
        500    acme/102 loses the server's connection
        500    acme/101 -> server   CANCEL 102
        501      server -> acme/101 200 OK (CANCEL)
        501      server -> acme/102 CANCEL 102
        501      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        502    acme/102 -> server   200 OK (CANCEL)
        502    acme/102 => server   487 Request Terminated (INVITE)
        502    acme/101 -> server   ACK 102
        503      server -> acme/102 ACK 102
        record 101 -> 102: 487/16 by Caller, rang (ring 102)
    "#]]);
}

#[test]
fn a_call_that_is_taken_back_while_its_invite_waits_rings_nowhere() {
    let mut scene = Scene::new();
    let (caller, _) = scene.wordy(Listens::Filtered);
    scene.call(caller, "102");
    scene.run(500);
    scene.cancel(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server connects to acme/102
        500    acme/101 -> server   CANCEL 102
        501      server -> acme/101 200 OK (CANCEL)
        501      server -> acme/101 487 Request Terminated (INVITE) [Q.850;cause=16]
        502    acme/101 -> server   ACK 102
        record 101 -> 102: 487/16 by Caller (ring 102)
    "#]]);
}

/// The caller makes no offer, so the ACK to the callee carries the answer, and that is large.
#[test]
fn a_large_ack_goes_over_tcp_too() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    scene.act(caller, |phone, _| phone.abilities.offerless = true);
    scene.call(caller, "102");
    scene.run(2000);
    scene.talk_to_each_other(caller, callee);
    scene.hang_up(caller);
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        1004   acme/102 -> server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1005     server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9}
        1006   acme/101 -> server   ACK 1 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        1007     server connects to acme/102
        1008   acme/102 takes the connection
        1009     server => acme/102 ACK 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8}
        2000   acme/101 -> server   BYE 1
        2001     server -> acme/102 BYE 102
        2001     server -> acme/101 200 OK (BYE)
        2002   acme/102 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Caller, rang, talked 996 ms (ring 102, answered), packets 2 and 1
    "#]]);
}

#[test]
fn a_large_reinvite_uses_the_connection_that_is_there() {
    let mut scene = Scene::new();
    let (caller, callee) = scene.wordy(Listens::Yes);
    scene.call(caller, "102");
    scene.run(2000);
    scene.curtain();
    scene.reinvite(caller, "sendonly");
    scene.run(100);
    // A request of the phone comes where it comes, and moves nothing.
    scene.act(callee, |phone, now| phone.hang_up(0, now));
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 1 {10.0.1.2:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8 sendonly}
        1        server => acme/102 INVITE 102 {10.0.0.1:10002 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8,9 sendonly}
        1        server -> acme/101 100 Trying (INVITE)
        2      acme/102 => server   200 OK (INVITE) {10.0.1.3:6060 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8 recvonly}
        3        server -> acme/102 ACK 102
        3        server -> acme/101 200 OK (INVITE) {10.0.0.1:10000 96,97,98,99,100,101,102,103,104,105,106,107,108,109,110,111,112,0,8 recvonly}
        4      acme/101 -> server   ACK 1
        100    acme/102 -> server   BYE 1
        101      server -> acme/101 BYE 101
        101      server -> acme/102 200 OK (BYE)
        102    acme/101 -> server   200 OK (BYE)
        record 101 -> 102: 200/16 by Callee, rang, talked 1094 ms (ring 102, answered), packets 3 and 2
    "#]]);
    assert_eq!(scene.counts(), (1, 0));
}

/// A list of everybody is large from the first NOTIFY on.
#[test]
fn a_large_notify_goes_over_tcp() {
    let mut scene = Scene::new();
    let desk = scene.phone("104", Answer::Ring);
    scene.act(desk, |phone, _| phone.listens = Listens::Yes);
    scene.act(desk, |p, now| p.watch("dialog", "all", 600, now));
    scene.run(1000);
    assert_eq!(scene.counts(), (1, 0));
    let heard = scene.text();
    let large = heard
        .lines()
        .filter(|line| line.contains("server => acme/104 NOTIFY"));
    assert_eq!(large.count(), 1, "{heard}");
    assert!(heard.contains("acme/104 => server   200 OK (NOTIFY)"), "{heard}");
    scene.world.break_opened(desk);
    scene.run(1000);
    // The subscription is with the phone's datagrams and outlives the connection.
    scene.call(desk, "101");
    scene.run(1000);
    let heard = scene.text();
    assert!(heard.contains("server -> acme/104 NOTIFY"), "{heard}");
    assert_eq!(scene.world.server.tenant(ACME).unwrap().held().subscriptions, 1);
}

/// The other way round: a phone on datagrams sends its own large INVITE over TCP and lets the connection go. What comes
/// later goes to where it is.
#[test]
fn a_phone_that_sends_its_large_invite_over_tcp_stays_reachable_by_datagrams() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 7);
    let callee = scene.phone("102", Answer::PickUp(1000));
    let home = hand.at;
    let answer = hand.registers(&mut scene, "103", 1, "<sip:hand@10.0.2.7:5060>");
    assert!(answer.starts_with("SIP/2.0 200"), "{answer}");
    hand.at = SocketAddr::new(home.ip(), 40_000);
    scene.world.strangers.insert(hand.at, "hand/tcp".to_owned());
    hand.transport = Transport::Tcp;
    hand.connection = scene.world.connect_stranger();
    scene.curtain();
    let invite = request("INVITE", "103@acme.example", "102@acme.example", "own", 1)
        .replace("SIP/2.0/UDP {at}", "SIP/2.0/TCP 10.0.2.7:5060")
        .replace("<sip:hand@{at}>", "<sip:hand@10.0.2.7:5060>");
    let offer = sdp(home, 4000, "");
    hand.insists(&mut scene, "103", &invite, &offer);
    scene.run(1500);
    let heard = hand.hears(&mut scene);
    let ok = heard.iter().find(|text| text.starts_with("SIP/2.0 200")).unwrap();
    assert!(field(ok, "Via").contains("rport=40000"), "{ok}");
    assert!(!field(ok, "Contact").contains("transport"), "{ok}");
    let ack = invite
        .replace("INVITE", "ACK")
        .replace("To: <sip:102@acme.example>", field(ok, "To"));
    hand.send(&mut scene, &ack);
    let now = scene.world.now();
    scene.world.server.connection_lost(hand.connection, now);
    (hand.at, hand.transport, hand.connection) = (home, Transport::Udp, 0);
    scene.run(100);
    scene.hang_up(callee);
    scene.run(100);
    let bye = hand.hears(&mut scene).pop().unwrap();
    assert!(
        bye.starts_with("BYE") && field(&bye, "Via").contains("/UDP "),
        "{bye}"
    );
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        10     hand/tcp -> server   INVITE 102 {10.0.2.7:4000 0,8}
        11       server -> hand/tcp 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20     hand/tcp -> server   ACK 102
        30     hand/tcp -> server   INVITE 102 +credentials {10.0.2.7:4000 0,8}
        31       server -> hand/tcp 100 Trying (INVITE)
        31       server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        32     acme/102 -> server   180 Ringing (INVITE)
        33       server -> hand/tcp 180 Ringing (INVITE)
        1032   acme/102 -> server   200 OK (INVITE) {10.0.1.2:6060 0,8}
        1033     server -> acme/102 ACK 102
        1033     server -> hand/tcp 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1533     server -> hand/tcp 200 OK (INVITE) {10.0.0.1:10000 0,8}
        1550   hand/tcp -> server   ACK 102
        1650   acme/102 -> server   BYE 1
        1651     server -> hand     BYE hand
        1651     server -> acme/102 200 OK (BYE)
        1760       hand -> server   200 OK (BYE)
        record 103 -> 102: 200/16 by Callee, rang, talked 618 ms (ring 102, answered), packets 0 and 2
    "#]]);
}
