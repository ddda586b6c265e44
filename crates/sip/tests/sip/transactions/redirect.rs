//! A peer that comes back on another connection hears what it may have missed.

use super::{TCP, World, answer, message};
use expect_test::expect;

/// Loses the connection of everything, but requests of ours that are owned by 7 wait.
fn lose(world: &mut World) {
    world
        .table
        .connection_lost(|_| true, |owner, ours| ours && *owner == 7, world.now);
    world.drain();
}

#[test]
fn a_request_without_an_answer_waits_and_goes_out_again() {
    let mut world = World::new();
    let bye = world.request(&message("BYE", "z9hG4bK-bye"), TCP);
    lose(&mut world);
    world.run_until(5_000);
    world.table.redirect(bye, "other", world.now);
    world.drain();
    world.response(&answer(200, "BYE", "z9hG4bK-bye", "bob"));
    world.table.redirect(bye, "third", world.now);
    expect![[r#"
        00.000         -> phone: BYE
        05.000         -> other: BYE
        05.000 <- 200 (bob): to the user
        05.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn nobody_waits_for_ever() {
    let mut world = World::new();
    world.request(&message("BYE", "z9hG4bK-bye"), TCP);
    lose(&mut world);
    expect![[r#"
        00.000         -> phone: BYE
        32.000    !client timeout
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn an_invite_that_has_rung_is_not_repeated_and_its_cancel_is() {
    let mut world = World::new();
    let invite = world.request(&message("INVITE", "z9hG4bK-inv"), TCP);
    lose(&mut world);
    world.table.redirect(invite, "other", world.now);
    world.response(&answer(180, "INVITE", "z9hG4bK-inv", "bob"));
    world.table.redirect(invite, "third", world.now);
    world.drain();
    world.table.cancel(invite, None, world.now);
    lose(&mut world);
    world.table.redirect(invite, "fourth", world.now);
    world.drain();
    world.response(&answer(487, "INVITE", "z9hG4bK-inv", "bob"));
    expect![[r#"
        00.000         -> phone: INVITE
        00.000 <- 180 (bob): to the user
        00.000         -> other: INVITE
        00.000         -> third: CANCEL
        00.000         -> fourth: CANCEL
        00.000 <- 487 (bob): to the user
        00.000         -> fourth: ACK (bob)
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn a_2xx_that_was_not_acknowledged_goes_where_its_peer_is() {
    let mut world = World::new();
    let invite = world.accept(message("INVITE", "z9hG4bK-in").as_bytes(), TCP);
    world.respond(invite, 200);
    lose(&mut world);
    world.table.redirect_answer(invite, "other");
    world.run_until(1_000);
    world.table.acked(invite);
    world.table.redirect_answer(invite, "third");
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 200
        00.000    !server transport error
        00.448         -> other: 200
        00.500         -> other: 200
        32.000 0 left
    "#]]
    .assert_eq(world.run_out());
}

#[test]
fn an_invite_without_an_answer_waits_for_its_peer() {
    let mut world = World::new();
    let invite = world.accept(message("INVITE", "z9hG4bK-in").as_bytes(), TCP);
    world.respond(invite, 180);
    world.table.connection_lost(|_| true, |_, ours| !ours, world.now);
    world.drain();
    world.run_until(1_000);
    world.table.redirect_answer(invite, "other");
    world.drain();
    world.respond(invite, 200);
    world.table.acked(invite);
    expect![[r#"
        00.000 <- INVITE: new
        00.000         -> phone: 180
        01.000         -> other: 180
        01.000         -> other: 200
        33.000 0 left
    "#]]
    .assert_eq(world.run_out());
}
