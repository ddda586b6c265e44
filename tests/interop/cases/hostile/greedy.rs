//! Colleagues who subscribe, publish, write and transfer far too much, through the real server: what it holds is bounded,
//! and the two who mean no harm go on talking.
//!
//! Nothing here depends on how fast the machine is: they ask as fast as they are answered, and every request is answered
//! before anything is counted.

use super::{DOMAIN, LOUD, Quiet, count};
use anyhow::{Result, ensure};
use interop::actor::{Actor, play};
use interop::server::extensions;
use interop::wire::Transport;
use interop::{Server, Stage, Tenant, until};
use sim::phone::{Answer, Watching};
use std::time::Duration;

/// Requests of each kind.
const REQUESTS: usize = 2_000;
/// How many of them are without an answer at the same time. With a NOTIFY for each that is half of what the kernel keeps for
/// a socket whose owner is away, so that nothing is lost: what is lost comes again all at once, and loses more.
const BURST: usize = 50;
/// What stands of each: the defaults of a tenant.
const SUBSCRIPTIONS: usize = 500;
const TEXTS: usize = 50;
/// Memory that all of it may hold: the transactions live for 32 s (RFC 3261 Timer J).
const HELD: u64 = 64 << 20;

/// A phone of a user who is registered.
fn phone(server: &Server, user: &str) -> Result<Actor> {
    let mut actor = Actor::new(server, (DOMAIN, user), Transport::Udp, LOUD)?;
    actor.register()?;
    Ok(actor)
}

/// The one who asks for too much does so very often, until each request is answered. Others have their turns meanwhile.
fn often(
    rude: &mut Actor,
    others: &mut impl FnMut() -> Result<()>,
    act: impl Fn(&mut Actor, usize),
) -> Result<()> {
    for number in 0..REQUESTS {
        act(rude, number);
        settle(rude, others, BURST - 1)?;
    }
    settle(rude, others, 0)?;
    let unanswered = rude.phone.unanswered;
    ensure!(unanswered == 0, "{unanswered} requests were not answered");
    Ok(())
}

/// Waits until at most `left` requests have no answer. The phone gives up each of them after 32 s.
fn settle(rude: &mut Actor, others: &mut impl FnMut() -> Result<()>, left: usize) -> Result<()> {
    while rude.phone.awaited() > left {
        rude.turn(Duration::from_millis(2))?;
        others()?;
    }
    Ok(())
}

/// How many requests of a method got this status.
fn got(actor: &Actor, method: &str, code: u16) -> usize {
    let heard = actor.phone.heard.iter();
    heard.filter(|(m, c)| m == method && *c == code).count()
}

/// Subscribes to whomever: so many stand, and the others are refused. One in four is for nobody.
fn subscribes(rude: &mut Actor, quiet: &mut Quiet) -> Result<()> {
    often(rude, &mut || quiet.turn(), |rude, number| {
        let now = rude.now();
        let target = ["100", "101", "110", "999"][number % 4];
        rude.phone.watch("dialog", target, 3_600, now);
    })?;
    let watches = rude.phone.watches().iter();
    let stand = watches.filter(|watch| watch.state == Watching::Active).count();
    let (refused, unknown) = (got(rude, "SUBSCRIBE", 403), got(rude, "SUBSCRIBE", 404));
    ensure!(
        (stand, refused, unknown) == (SUBSCRIPTIONS, REQUESTS / 4 * 3 - SUBSCRIPTIONS, REQUESTS / 4),
        "{stand} subscriptions of one user stand, {refused} were too many, {unknown} for nobody"
    );
    Ok(())
}

/// Writes to a phone that is off: so many texts are kept for it.
fn writes(rude: &mut Actor, quiet: &mut Quiet) -> Result<()> {
    often(rude, &mut || quiet.turn(), |rude, _| {
        let now = rude.now();
        rude.phone.text("111", &"x".repeat(1_000), now);
    })?;
    let (kept, refused) = (got(rude, "MESSAGE", 202), got(rude, "MESSAGE", 480));
    ensure!(
        (kept, refused) == (TEXTS, REQUESTS - TEXTS),
        "{kept} texts are kept for a phone that is off, {refused} are not"
    );
    Ok(())
}

/// Transfers whoever it talks to, one at a time, to people who are busy, engaged or not there. Gives how many were tried.
fn transfers(rude: &mut Actor, peer: &mut Actor, quiet: &mut Quiet) -> Result<usize> {
    rude.call("109");
    play(rude, peer, "a call to be rude in", |rude, _| rude.up() == 1)?;
    peer.phone.answer = Answer::Ring;
    let mut others = || {
        peer.turn(Duration::ZERO)?;
        quiet.turn()
    };
    often(rude, &mut others, |rude, number| {
        let now = rude.now();
        let call = rude.phone.calls().last().map_or(0, |(call, _)| *call);
        rude.phone
            .refer(call, ["110", "109", "999", "100"][number % 4], now);
    })?;
    let begun = got(rude, "REFER", 202);
    ensure!(begun > 0, "no transfer was begun");
    Ok(begun)
}

#[test]
fn greedy_colleagues_get_their_share_and_no_more() -> Result<()> {
    Stage::run("greedy", |stage| {
        let tenants = [Tenant::new("acme", extensions(100, 12)).policy("media_silence_s=0")];
        let server = Server::start(stage, &tenants)?;
        let mut quiet = Quiet::settle(&server)?;
        let mut rude = phone(&server, "110")?;
        let mut peer = phone(&server, "109")?;
        let before = server.resident()?;
        subscribes(&mut rude, &mut quiet)?;
        writes(&mut rude, &mut quiet)?;
        let begun = transfers(&mut rude, &mut peer, &mut quiet)?;
        // The quiet call, and the one that was transferred.
        let mut left = 0;
        until("the end of the transfers", Duration::from_secs(20), || {
            for phone in [&mut rude, &mut peer] {
                phone.turn(Duration::ZERO)?;
            }
            quiet.turn()?;
            left = server.list(&["calls"])?.len();
            Ok((left <= 2).then_some(()))
        })?;
        let after = server.resident()?;
        ensure!(
            after <= before + HELD,
            "memory grew from {before} to {after} octets"
        );
        rude.end_all();
        rude.turn(Duration::from_millis(20))?;
        peer.turn(Duration::from_millis(20))?;
        quiet.still_talk(&server)?;
        let panics = count(&server, "panics")?;
        ensure!(panics == 0, "{panics} panics");
        Ok(format!(
            "{SUBSCRIPTIONS} subscriptions, {TEXTS} texts and {begun} transfers of {REQUESTS} each, {left} calls after them; \
             RSS {} MiB, then {} MiB",
            before >> 20,
            after >> 20
        ))
    })
}
