//! INVITE server transaction: RFC 3261 §17.2.1, RFC 6026 §7.1, timers G, H, I, L.

use super::*;
use expect_test::expect;

const BRANCH: &str = "z9hG4bK776asdhds";

fn invite() -> Vec<u8> {
    message("INVITE", BRANCH).into_bytes()
}

fn ack() -> Vec<u8> {
    message("ACK", BRANCH).into_bytes()
}

#[test]
fn a_repeated_invite_gets_the_last_provisional_response_again() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.run_until(500);
    world.receive(&invite());
    world.respond(id, 100);
    world.respond(id, 180);
    world.run_until(1500);
    world.receive(&invite());
    world.respond(id, 486);
    world.receive(&invite());
    world.receive(&ack());
    expect![[r#"
        00.000 <- INVITE: new
        00.500 <- INVITE: absorbed
        00.500         -> phone: 100
        00.500         -> phone: 180
        01.500 <- INVITE: absorbed
        01.500         -> phone: 180
        01.500         -> phone: 486
        01.500 <- INVITE: absorbed
        01.500         -> phone: 486
        01.500 <- ACK: to the user: ACK
        06.500 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_failure_over_udp_is_repeated_until_timer_h_when_the_ack_is_lost() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.respond(id, 486);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 486
        00.500         -> phone: 486
        01.500         -> phone: 486
        03.500         -> phone: 486
        07.500         -> phone: 486
        11.500         -> phone: 486
        15.500         -> phone: 486
        19.500         -> phone: 486
        23.500         -> phone: 486
        27.500         -> phone: 486
        31.500         -> phone: 486
        32.000    !no ACK
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_failure_over_tcp_is_sent_once_and_still_wants_its_ack() {
    let mut world = World::new();
    let id = world.accept(&invite(), TCP);
    world.respond(id, 486);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 486
        32.000    !no ACK
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());

    let mut world = World::new();
    let id = world.accept(&invite(), TCP);
    world.respond(id, 486);
    world.receive(&ack());
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 486
        00.000 <- ACK: to the user: ACK
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn after_the_ack_timer_i_absorbs_what_is_late() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.respond(id, 404);
    world.run_until(700);
    world.receive(&ack());
    world.run_until(900);
    world.receive(&ack());
    world.receive(&invite());
    world.respond(id, 200);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 404
        00.500         -> phone: 404
        00.700 <- ACK: to the user: ACK
        00.900 <- ACK: absorbed
        00.900 <- INVITE: absorbed
        05.700 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_2xx_is_repeated_until_it_is_acknowledged_on_every_transport() {
    for reliable in [UDP, TCP] {
        let mut world = World::new();
        let id = world.accept(&invite(), reliable);
        world.respond(id, 180);
        world.run_until(2000);
        world.respond(id, 200);
        world.run_until(4000);
        // The ACK to a 2xx is a transaction of its own.
        world.receive(tagged("ACK", "z9hG4bKanother", ";tag=bob").as_bytes());
        world.table.acked(id);
        world.run_until(5000);
        world.receive(&invite());
        expect![[r#"
            00.000 <- INVITE: new
            00.000         -> phone: 180
            02.000         -> phone: 200
            02.500         -> phone: 200
            03.500         -> phone: 200
            04.000 <- ACK (bob): new
            05.000 <- INVITE: absorbed
            34.000 0 left
        "#]]
        .assert_eq(world.run_out());
    }
}

#[test]
fn a_2xx_that_nobody_acknowledges_ends_with_timer_l() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.respond(id, 200);
    world.respond(id, 486);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 200
        00.500         -> phone: 200
        01.500         -> phone: 200
        03.500         -> phone: 200
        07.500         -> phone: 200
        11.500         -> phone: 200
        15.500         -> phone: 200
        19.500         -> phone: 200
        23.500         -> phone: 200
        27.500         -> phone: 200
        31.500         -> phone: 200
        32.000    !no ACK
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn an_ack_with_the_branch_of_its_invite_is_shown_to_the_user() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.respond(id, 200);
    assert_eq!(world.receive(&ack()), Incoming::AckTo2xx(id, 7));
    world.table.acked(id);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 200
        00.000 <- ACK: to the user: ACK to 2xx
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn cancel_finds_its_invite_before_and_after_the_answer() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    world.respond(id, 180);
    let text = message("CANCEL", BRANCH).into_bytes();
    let cancel = world.accept(&text, UDP);
    let parsed = Message::parse(&text).unwrap();
    assert_eq!(world.table.find_invite_for_cancel(&parsed), Some((id, 7)));
    assert!(!world.table.is_answered(id));
    world.respond(cancel, 200);
    world.respond(id, 487);
    assert!(world.table.is_answered(id));
    assert_eq!(world.table.find_invite_for_cancel(&parsed), Some((id, 7)));
    world.receive(&text);
    world.receive(&ack());
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 180
        00.000 <- CANCEL: new
        00.000         -> phone: 200
        00.000         -> phone: 487
        00.000 <- CANCEL: absorbed
        00.000         -> phone: 200
        00.000 <- ACK: to the user: ACK
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
    assert_eq!(world.table.find_invite_for_cancel(&parsed), None);
}

#[test]
fn a_lost_connection_is_told_while_the_user_waits_and_ends_no_accepted_call() {
    let mut world = World::new();
    world.accept(&invite(), TCP);
    world.table.transport_failed(|peer| *peer == "phone", world.now);
    world.drain();
    expect![[r#"
        00.000 <- INVITE: new
        00.000    !server transport error
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());

    let mut world = World::new();
    let id = world.accept(&invite(), TCP);
    world.respond(id, 200);
    world
        .table
        .transport_failed(|peer| *peer == "somebody", world.now);
    world.table.transport_failed(|peer| *peer == "phone", world.now);
    world.drain();
    world.run_until(600);
    world.table.acked(id);
    world.table.transport_failed(|peer| *peer == "phone", world.now);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 200
        00.000    !server transport error
        00.500         -> phone: 200
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_transaction_without_an_answer_lives_until_it_is_abandoned() {
    let mut world = World::new();
    let id = world.accept(&invite(), UDP);
    assert_eq!(world.table.poll_timeout(), None);
    assert_eq!(world.table.owner(id), Some(7));
    world.table.set_owner(id, 8);
    assert_eq!(world.table.owner(id), Some(8));
    world.table.abandon(id);
    world
        .table
        .respond(id, 200, Bytes::from_static(b"late"), world.now);
    assert_eq!(
        (
            world.table.len(),
            world.table.poll_transmit(),
            world.table.owner(id)
        ),
        (0, None, None)
    );
    assert!(world.table.is_answered(id));
}
