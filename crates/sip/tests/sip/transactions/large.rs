//! Requests that are too large for a datagram (RFC 3261 §18.1.1).

use super::{World, answer, message, ms};
use bytes::Bytes;
use expect_test::expect;
use sip::transaction::{ClientId, Way};
use sip::{Message, Method};
use std::net::SocketAddr;

fn way(peer: &'static str, transport: &'static str, port: u16) -> Way<&'static str> {
    let sent_by = SocketAddr::from(([192, 0, 2, 1], port));
    Way {
        peer,
        transport,
        sent_by,
    }
}

impl World {
    fn hold(&mut self, method: Method<'_>, branch: &str) -> ClientId {
        let bytes = Bytes::from(message(method.as_str(), branch));
        let way = way("phone", "UDP", 5060);
        let held = self.table.hold(method, branch, bytes, way, 7, self.now);
        self.drain();
        held.unwrap()
    }

    /// The connection is there.
    fn open(&mut self, id: ClientId) {
        self.table.send_over(id, way("stream", "TCP", 5070), self.now);
        self.drain();
    }

    fn lose_stream(&mut self) -> usize {
        let fell = self.table.fall_back(|peer| *peer == "stream", self.now);
        self.table.transport_failed(|peer| *peer == "stream", self.now);
        self.drain();
        fell
    }
}

#[test]
fn a_held_request_leaves_once_and_over_the_connection() {
    let mut world = World::new();
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    world.run_until(1_000);
    world.open(invite);
    world.response(&answer(180, "INVITE", "z9hG4bK-inv", "bob"));
    world.run_until(10_000);
    world.response(&answer(486, "INVITE", "z9hG4bK-inv", "bob"));
    expect![[r#"
        01.000         -> stream: INVITE
        01.000 <- 180 (bob): to the user
        10.000 <- 486 (bob): to the user
        10.000         -> stream: ACK (bob)
        10.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn the_via_names_the_transport_and_keeps_the_branch() {
    let mut world = World::new();
    let sent = |world: &mut World| {
        let (_, bytes) = world.table.poll_transmit().unwrap();
        let message = Message::parse(&bytes).unwrap();
        message.headers(sip::Name::Via).collect::<Vec<_>>().join(" and ")
    };
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    let over = way("stream", "TCP", 5070);
    world.table.send_over(invite, over, world.now);
    assert_eq!(sent(&mut world), "SIP/2.0/TCP 192.0.2.1:5070;branch=z9hG4bK-inv");
    assert_eq!(world.table.fall_back(|_| true, world.now), 1);
    assert_eq!(sent(&mut world), "SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK-inv");
}

#[test]
fn without_a_connection_it_is_a_datagram_and_repeated_as_one() {
    let mut world = World::new();
    let bye = world.hold(Method::Bye, "z9hG4bK-bye");
    world.run_until(1_000);
    world.table.send_held(bye, world.now);
    world.drain();
    world.run_until(3_000);
    world.response(&answer(200, "BYE", "z9hG4bK-bye", "bob"));
    world.table.send_held(bye, world.now);
    expect![[r#"
        01.000         -> phone: BYE
        01.500         -> phone: BYE
        02.500         -> phone: BYE
        03.000 <- 200 (bob): to the user
        08.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn what_is_never_let_go_ends_in_time() {
    let mut world = World::new();
    world.hold(Method::Invite, "z9hG4bK-inv");
    world.hold(Method::Bye, "z9hG4bK-bye");
    expect![[r#"
        32.000    !client timeout
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn an_invite_that_is_cancelled_while_it_waits_is_never_sent() {
    let mut world = World::new();
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    assert!(world.table.cancel(invite, None, world.now));
    world.drain();
    world.open(invite);
    assert!(!world.table.cancel(invite, None, world.now));
    expect![[r#"
        00.000    !never sent
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn cancel_goes_the_way_of_its_invite() {
    let mut world = World::new();
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    world.open(invite);
    world.table.cancel(invite, None, world.now);
    world.drain();
    world.response(&answer(180, "INVITE", "z9hG4bK-inv", "bob"));
    // The connection goes before anybody has heard that.
    assert_eq!(world.lose_stream(), 0);
    world.run_until(400);
    world.response(&answer(200, "CANCEL", "z9hG4bK-inv", "bob"));
    world.response(&answer(487, "INVITE", "z9hG4bK-inv", "bob"));
    expect![[r#"
        00.000 <- 180 (bob): to the user
        00.000         -> stream: CANCEL
        00.000         -> phone: CANCEL
        00.400 <- 200 (bob): absorbed
        00.400 <- 487 (bob): to the user
        00.400         -> phone: ACK (bob)
        32.400 0 left
    "#]]
    .assert_eq(world.run_out().split_once('\n').unwrap().1);
}

#[test]
fn a_connection_that_breaks_before_an_answer_is_replaced_by_datagrams() {
    let mut world = World::new();
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    let (bye, options) = (
        world.hold(Method::Bye, "z9hG4bK-bye"),
        world.hold(Method::Options, "z9hG4bK-opt"),
    );
    world.open(invite);
    world.open(bye);
    world.open(options);
    world.response(&answer(100, "OPTIONS", "z9hG4bK-opt", "bob"));
    world.run_until(1_000);
    assert_eq!(world.lose_stream(), 2, "the OPTIONS had an answer");
    world.run_until(1_600);
    world.response(&answer(200, "INVITE", "z9hG4bK-inv", "bob"));
    world.response(&answer(200, "BYE", "z9hG4bK-bye", "bob"));
    world.response(&answer(200, "OPTIONS", "z9hG4bK-opt", "bob"));
    expect![[r#"
        00.000         -> stream: INVITE
        00.000         -> stream: BYE
        00.000         -> stream: OPTIONS
        00.000 <- 100 (bob): to the user
        01.000         -> phone: INVITE
        01.000         -> phone: BYE
        01.000         -> phone: OPTIONS
        01.500         -> phone: INVITE
        01.500         -> phone: BYE
        01.600 <- 200 (bob): to the user
        01.600 <- 200 (bob): to the user
        01.600 <- 200 (bob): to the user
        33.600 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn who_takes_the_connection_and_says_nothing_gets_datagrams_and_no_more_time() {
    let mut world = World::new();
    let invite = world.hold(Method::Invite, "z9hG4bK-inv");
    world.open(invite);
    world.run_until(5_000);
    assert!(world.now > ms(4_000));
    expect![[r#"
        00.000         -> stream: INVITE
        04.000         -> phone: INVITE
        04.000    !unheard on the stream
        04.500         -> phone: INVITE
        05.500         -> phone: INVITE
        07.500         -> phone: INVITE
        11.500         -> phone: INVITE
        19.500         -> phone: INVITE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}
