//! INVITE client transaction: RFC 3261 §17.1.1, §9.1, RFC 6026 §7.2, timers A, B, D, M.

use super::*;
use expect_test::expect;

const BRANCH: &str = "z9hG4bK7-2";

fn invite() -> String {
    message("INVITE", BRANCH)
}

fn answer_to_invite(code: u16, tag: &str) -> String {
    answer(code, "INVITE", BRANCH, tag)
}

#[test]
fn an_invite_over_udp_is_repeated_until_timer_b() {
    let mut world = World::new();
    world.request(&invite(), UDP);
    expect![[r#"
        00.000         -> phone: INVITE
        00.500         -> phone: INVITE
        01.500         -> phone: INVITE
        03.500         -> phone: INVITE
        07.500         -> phone: INVITE
        15.500         -> phone: INVITE
        31.500         -> phone: INVITE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn an_invite_over_tcp_is_sent_once() {
    let mut world = World::new();
    world.request(&invite(), TCP);
    expect![[r#"
        00.000         -> phone: INVITE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_failure_is_acknowledged_each_time_it_comes_until_timer_d() {
    let mut world = World::new();
    world.request(&invite(), UDP);
    world.run_until(400);
    world.response(&answer_to_invite(180, "bob"));
    world.run_until(3_000);
    world.response(&answer_to_invite(486, "bob"));
    world.run_until(3_500);
    world.response(&answer_to_invite(486, "bob"));
    world.run_until(34_999);
    world.response(&answer_to_invite(486, "bob"));
    world.response(&answer_to_invite(200, "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.400 <- 180 (bob): to the user
        03.000 <- 486 (bob): to the user
        03.000         -> phone: ACK (bob)
        03.500 <- 486 (bob): absorbed
        03.500         -> phone: ACK (bob)
        34.999 <- 486 (bob): absorbed
        34.999         -> phone: ACK (bob)
        34.999 <- 200 (bob): absorbed
        35.000 0 left
    "#]]
    .assert_eq(world.run_out());

    let mut world = World::new();
    world.request(&invite(), TCP);
    world.response(&answer_to_invite(486, "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 486 (bob): to the user
        00.000         -> phone: ACK (bob)
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn the_ack_to_a_failure_is_made_of_the_invite_and_the_response() {
    let mut world = World::new();
    let text = invite().replace(
        "Content-Length: 0\r\n\r\n",
        "Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKbelow\r\nSubject: x\r\nContent-Type: a/b\r\nContent-Length: 4\r\n\r\nbody",
    );
    world.request(&text, UDP);
    while world.table.poll_transmit().is_some() {}
    let response = answer_to_invite(486, "bob");
    world
        .table
        .receive_response(&Message::parse(response.as_bytes()).unwrap(), world.now);
    let (_, ack) = world.table.poll_transmit().unwrap();
    expect![[r#"
        ACK sip:bob@example.com SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK7-2
        Max-Forwards: 70
        Route: <sip:192.0.2.9;lr>
        From: Alice <sip:alice@example.com>;tag=alice
        To: <sip:bob@example.com>;tag=bob
        Call-ID: a84b4c76e66710
        CSeq: 314159 ACK
        Content-Length: 0

    "#]]
    .assert_eq(&String::from_utf8_lossy(&ack).replace('\r', ""));
}

#[test]
fn every_2xx_is_the_users_until_timer_m_also_of_other_forks() {
    let mut world = World::new();
    world.request(&invite(), UDP);
    world.response(&answer_to_invite(180, "bob"));
    world.response(&answer_to_invite(180, "carol"));
    world.run_until(1_000);
    world.response(&answer_to_invite(200, "bob"));
    world.run_until(1_500);
    world.response(&answer_to_invite(200, "bob"));
    world.run_until(8_000);
    world.response(&answer_to_invite(200, "carol"));
    world.response(&answer_to_invite(486, "dave"));
    world.response(&answer_to_invite(180, "dave"));
    world.run_until(33_001);
    world.response(&answer_to_invite(200, "late"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 180 (bob): to the user
        00.000 <- 180 (carol): to the user
        01.000 <- 200 (bob): to the user
        01.500 <- 200 (bob): to the user
        08.000 <- 200 (carol): to the user
        08.000 <- 486 (dave): absorbed
        08.000 <- 180 (dave): absorbed
        33.001 <- 200 (late): stray
        33.001 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn cancel_waits_for_the_first_provisional_response() {
    let mut world = World::new();
    let id = world.request(&invite(), UDP);
    assert!(world.table.cancel(id, None, world.now));
    assert!(world.table.cancel(id, Some("again"), world.now));
    world.drain();
    world.run_until(700);
    world.response(&answer_to_invite(100, "x"));
    world.run_until(1_000);
    world.response(&answer(200, "CANCEL", BRANCH, "bob"));
    world.response(&answer_to_invite(487, "bob"));
    assert!(!world.table.cancel(id, None, world.now));
    expect![[r#"
        00.000         -> phone: INVITE
        00.500         -> phone: INVITE
        00.700 <- 100 (x): to the user
        00.700         -> phone: CANCEL
        01.000 <- 200 (bob): absorbed
        01.000 <- 487 (bob): to the user
        01.000         -> phone: ACK (bob)
        33.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn cancel_of_a_ringing_invite_goes_out_once_with_its_reason() {
    let mut world = World::new();
    let id = world.request(&invite(), UDP);
    world.response(&answer_to_invite(180, "bob"));
    let reason = "SIP;cause=200;text=\"Call completed elsewhere\"";
    assert!(world.table.cancel(id, Some(reason), world.now));
    assert!(world.table.cancel(id, Some(reason), world.now));
    let (_, cancel) = world.table.poll_transmit().unwrap();
    assert_eq!(world.table.poll_transmit(), None);
    expect![[r#"
        CANCEL sip:bob@example.com SIP/2.0
        Via: SIP/2.0/UDP 192.0.2.1:5060;branch=z9hG4bK7-2
        Max-Forwards: 70
        Route: <sip:192.0.2.9;lr>
        From: Alice <sip:alice@example.com>;tag=alice
        To: <sip:bob@example.com>
        Call-ID: a84b4c76e66710
        CSeq: 314159 CANCEL
        Reason: SIP;cause=200;text="Call completed elsewhere"
        Content-Length: 0

    "#]]
    .assert_eq(&String::from_utf8_lossy(&cancel).replace('\r', ""));
}

#[test]
fn a_cancel_that_crosses_the_answer_loses() {
    let mut world = World::new();
    let id = world.request(&invite(), UDP);
    world.response(&answer_to_invite(180, "bob"));
    world.table.cancel(id, None, world.now);
    world.drain();
    world.response(&answer_to_invite(200, "bob"));
    world.response(&answer(481, "CANCEL", BRANCH, "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 180 (bob): to the user
        00.000         -> phone: CANCEL
        00.000 <- 200 (bob): to the user
        00.000 <- 481 (bob): absorbed
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_cancel_before_any_response_is_forgotten_with_the_invite() {
    let mut world = World::new();
    let id = world.request(&invite(), UDP);
    world.table.cancel(id, None, world.now);
    world.response(&answer_to_invite(200, "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 200 (bob): to the user
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn after_a_cancel_nobody_answers_the_invite_is_given_up() {
    let mut world = World::new();
    let id = world.request(&invite(), TCP);
    world.response(&answer_to_invite(180, "bob"));
    world.run_until(60_000);
    world.table.cancel(id, None, world.now);
    world.drain();
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 180 (bob): to the user
        60.000         -> phone: CANCEL
        92.000    !client timeout
        92.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_lost_connection_is_told_while_it_rings_and_not_after_the_answer() {
    let mut world = World::new();
    world.request(&invite(), TCP);
    world.response(&answer_to_invite(180, "bob"));
    world.table.transport_failed(|_| true, world.now);
    world.drain();
    world.request(&invite(), TCP);
    world.response(&answer_to_invite(200, "bob"));
    world.table.transport_failed(|_| true, world.now);
    world.drain();
    // The ACK went down with the connection: the copy comes on another.
    world.response(&answer_to_invite(200, "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 180 (bob): to the user
        00.000    !client transport error
        00.000         -> phone: INVITE
        00.000 <- 200 (bob): to the user
        00.000 <- 200 (bob): to the user
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}
