//! Non-INVITE client transaction: RFC 3261 §17.1.2, timers E, F, K.

use super::*;
use expect_test::expect;

const BRANCH: &str = "z9hG4bK7-1";

fn bye() -> String {
    message("BYE", BRANCH)
}

#[test]
fn a_request_over_udp_is_repeated_until_timer_f() {
    let mut world = World::new();
    world.request(&bye(), UDP);
    expect![[r#"
        00.000         -> phone: BYE
        00.500         -> phone: BYE
        01.500         -> phone: BYE
        03.500         -> phone: BYE
        07.500         -> phone: BYE
        11.500         -> phone: BYE
        15.500         -> phone: BYE
        19.500         -> phone: BYE
        23.500         -> phone: BYE
        27.500         -> phone: BYE
        31.500         -> phone: BYE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_request_over_tcp_is_sent_once() {
    let mut world = World::new();
    world.request(&bye(), TCP);
    expect![[r#"
        00.000         -> phone: BYE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn after_a_provisional_response_it_is_repeated_every_t2() {
    let mut world = World::new();
    world.request(&bye(), UDP);
    world.run_until(600);
    world.response(&answer(100, "BYE", BRANCH, "bob"));
    world.run_until(9_000);
    world.response(&answer(100, "BYE", BRANCH, "bob"));
    world.response(&answer(200, "BYE", BRANCH, "bob"));
    expect![[r#"
        00.000         -> phone: BYE
        00.500         -> phone: BYE
        00.600 <- 100 (bob): to the user
        01.500         -> phone: BYE
        05.500         -> phone: BYE
        09.000 <- 100 (bob): to the user
        09.000 <- 200 (bob): to the user
        14.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn the_final_response_is_delivered_once_and_timer_k_absorbs_its_repetitions() {
    let mut world = World::new();
    world.request(&bye(), UDP);
    world.run_until(100);
    world.response(&answer(481, "BYE", BRANCH, "bob"));
    world.run_until(5_099);
    world.response(&answer(481, "BYE", BRANCH, "bob"));
    world.run_until(5_101);
    world.response(&answer(481, "BYE", BRANCH, "bob"));
    expect![[r#"
        00.000         -> phone: BYE
        00.100 <- 481 (bob): to the user
        05.099 <- 481 (bob): absorbed
        05.101 <- 481 (bob): stray
        05.101 0 left
    "#]]
    .assert_eq(world.run_out());

    let mut world = World::new();
    world.request(&bye(), TCP);
    world.response(&answer(200, "BYE", BRANCH, "bob"));
    expect![[r#"
        00.000         -> phone: BYE
        00.000 <- 200 (bob): to the user
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_lost_connection_ends_it() {
    let mut world = World::new();
    world.request(&bye(), TCP);
    world.table.transport_failed(|peer| *peer == "phone", world.now);
    world.drain();
    expect![[r#"
        00.000         -> phone: BYE
        00.000    !client transport error
        00.000 0 left
    "#]]
    .assert_eq(world.run_out());
}
