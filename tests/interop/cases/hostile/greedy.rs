//! Colleagues who subscribe, publish, write and transfer far too much, through the real server: what it holds is bounded,
//! and the two who mean no harm go on talking.

use super::{DOMAIN, LOUD, Quiet, count};
use anyhow::{Result, ensure};
use interop::actor::Actor;
use interop::server::extensions;
use interop::wire::Transport;
use interop::{Server, Stage, Tenant};
use sim::phone::Watching;
use std::time::{Duration, Instant};

/// Requests of each kind, and how many of them go out before the answers are read.
const REQUESTS: usize = 2_000;
const BURST: usize = 50;
/// Memory that all of it may hold: the transactions live for 32 s (RFC 3261 Timer J).
const HELD: u64 = 64 << 20;

/// A phone of a user who is registered.
fn phone(server: &Server, user: &str) -> Result<Actor> {
    let mut actor = Actor::new(server, (DOMAIN, user), Transport::Udp, LOUD)?;
    actor.register()?;
    Ok(actor)
}

/// Does something very often; the quiet call has its turns meanwhile.
fn often(actor: &mut Actor, quiet: &mut Quiet, mut act: impl FnMut(&mut Actor, usize)) -> Result<()> {
    for number in 0..REQUESTS {
        act(actor, number);
        if number % BURST == 0 {
            actor.turn(Duration::from_millis(2))?;
            quiet.turn()?;
        }
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(500) {
        actor.turn(Duration::from_millis(20))?;
        quiet.turn()?;
    }
    Ok(())
}

/// Waits for what a lost datagram holds back: it is sent again after half a second and more (RFC 3261 T1).
fn await_that(actor: &mut Actor, quiet: &mut Quiet, done: impl Fn(&Actor) -> bool) -> Result<()> {
    let begun = Instant::now();
    while !done(actor) && begun.elapsed() < Duration::from_secs(20) {
        actor.turn(Duration::from_millis(20))?;
        quiet.turn()?;
    }
    Ok(())
}

/// Subscriptions that stand.
fn active(actor: &Actor) -> usize {
    let watches = actor.phone.watches();
    watches.iter().filter(|w| w.state == Watching::Active).count()
}

/// How many requests of a method got this status.
fn got(actor: &Actor, method: &str, code: u16) -> usize {
    let heard = actor.phone.heard.iter();
    heard.filter(|(m, c)| m == method && *c == code).count()
}

#[test]
fn greedy_colleagues_get_their_share_and_no_more() -> Result<()> {
    Stage::run("greedy", |stage| {
        let tenants = [Tenant::new("acme", extensions(100, 12)).policy("media_silence_s=0")];
        let server = Server::start(stage, &tenants)?;
        let mut quiet = Quiet::settle(&server)?;
        let mut rude = phone(&server, "110")?;
        let before = server.resident()?;
        often(&mut rude, &mut quiet, |rude, number| {
            let now = rude.now();
            let target = ["100", "101", "110", "999"][number % 4];
            rude.phone.watch("dialog", target, 3_600, now);
        })?;
        await_that(&mut rude, &mut quiet, |rude| active(rude) >= 500)?;
        let active = active(&rude);
        ensure!(active == 500, "{active} subscriptions of one user");
        often(&mut rude, &mut quiet, |rude, _| {
            let now = rude.now();
            rude.phone.text("111", &"x".repeat(1_000), now);
        })?;
        await_that(&mut rude, &mut quiet, |rude| got(rude, "MESSAGE", 202) >= 50)?;
        let (kept, refused) = (got(&rude, "MESSAGE", 202), got(&rude, "MESSAGE", 480));
        ensure!(
            kept == 50,
            "{kept} texts are kept for a phone that is off, {refused} are not"
        );
        // Transfers of a call that it has with itself, all at once.
        let mut peer = phone(&server, "109")?;
        rude.call("109");
        let begun = Instant::now();
        while rude.up() == 0 && begun.elapsed() < Duration::from_secs(20) {
            rude.turn(Duration::from_millis(5))?;
            peer.turn(Duration::from_millis(5))?;
        }
        ensure!(rude.up() == 1, "no call to be rude in");
        peer.phone.answer = sim::phone::Answer::Ring;
        often(&mut rude, &mut quiet, |rude, number| {
            let now = rude.now();
            let call = rude.phone.calls().last().map_or(0, |(call, _)| *call);
            rude.phone
                .refer(call, ["110", "109", "999", "100"][number % 4], now);
        })?;
        let calls = server.list(&["calls"])?.len();
        ensure!(calls <= 4, "{calls} calls are left by the transfers");
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
            "{active} subscriptions and {kept} texts of {REQUESTS} each, {calls} calls after {REQUESTS} transfers; RSS {} MiB, \
             then {} MiB",
            before >> 20,
            after >> 20
        ))
    })
}
