//! Non-INVITE server transaction: RFC 3261 §17.2.2, timer J.

use super::*;
use expect_test::expect;

fn register() -> Vec<u8> {
    message("REGISTER", "z9hG4bKreg").into_bytes()
}

#[test]
fn a_repeated_request_gets_the_response_again_until_timer_j() {
    let mut world = World::new();
    let id = world.accept(&register(), UDP);
    world.receive(&register());
    world.run_until(500);
    world.respond(id, 200);
    world.run_until(1500);
    world.receive(&register());
    world.respond(id, 500);
    world.run_until(32_499);
    world.receive(&register());
    expect![[r#"
        00.000 <- REGISTER: new
        00.000 <- REGISTER: absorbed
        00.500         -> phone: 200
        01.500 <- REGISTER: absorbed
        01.500         -> phone: 200
        32.499 <- REGISTER: absorbed
        32.499         -> phone: 200
        32.500 0 left
    "#]]
    .assert_eq(world.run_out());
    assert_eq!(world.receive(&register()), Incoming::New);
}

#[test]
fn provisional_responses_are_repeated_too() {
    let mut world = World::new();
    let id = world.accept(&register(), UDP);
    world.respond(id, 100);
    world.receive(&register());
    world.respond(id, 404);
    expect![[r#"
        00.000 <- REGISTER: new
        00.000         -> phone: 100
        00.000 <- REGISTER: absorbed
        00.000         -> phone: 100
        00.000         -> phone: 404
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn over_tcp_nothing_is_kept_after_the_response() {
    let mut world = World::new();
    let id = world.accept(&register(), TCP);
    world.respond(id, 200);
    assert_eq!(world.table.len(), 0);
    expect![[r#"
        00.000 <- REGISTER: new
        00.000         -> phone: 200
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_lost_connection_is_told_before_the_response_and_not_after() {
    let mut world = World::new();
    let first = world.accept(&register(), TCP);
    world.accept(message("OPTIONS", "z9hG4bKopt").as_bytes(), TCP);
    world.respond(first, 200);
    world.table.transport_failed(|_| true, world.now);
    world.drain();
    expect![[r#"
        00.000 <- REGISTER: new
        00.000 <- OPTIONS: new
        00.000         -> phone: 200
        00.000    !server transport error
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn datagrams_have_no_connection_to_lose() {
    let mut world = World::new();
    world.accept(&register(), UDP);
    world
        .table
        .transport_failed(|_| panic!("not asked about"), world.now);
    assert_eq!(world.table.len(), 1);
}
