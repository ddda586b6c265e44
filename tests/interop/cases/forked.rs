//! The sound of a call between two real phones, forked to a WebSocket over TLS: what is heard there and what comes back from
//! there, certificates that are not trusted, and a listener that does not read.

use crate::baresip::{PEOPLE, call, people};
use anyhow::{Context, Result, ensure};
use interop::baresip::talk;
use interop::listener::Habit;
use interop::server::extensions;
use interop::{Authority, Listener, Phone, Server, Setting, Stage, Tenant, tone, until};
use serde_json::Value;
use std::time::Duration;

const SEEN: Duration = Duration::from_secs(20);

/// A call between two phones on a server that trusts this authority; gives the call's id.
fn calling(stage: &Stage, trusted: &Authority) -> Result<(Server, [Phone; 2], String)> {
    let tenant = Tenant::new("acme", extensions(100, 3)).policy("media=relay");
    let setting = Setting::default()
        .media("fork_private = true")
        .media(&format!("fork_ca = {:?}", trusted.file));
    let server = Server::start_as(stage, &[tenant], setting)?;
    let [mut ann, mut bea] = people(stage, &server, "udp")?;
    call(&mut ann, &mut bea, "101")?;
    let id = until("the call", SEEN, || {
        let calls = server.list(&["calls", "--tenant", "acme"])?;
        let up = calls.into_iter().find(|call| call["state"] == "answered");
        Ok(up.map(|call| call["id"].to_string()))
    })?;
    Ok((server, [ann, bea], id))
}

fn fork(server: &Server, call: &str, url: &str, more: &[&str]) -> Result<String> {
    let arguments = [&["call", "fork", "acme", call, url, "--json"], more].concat();
    let told: Value = serde_json::from_str(&server.carillon(&arguments)?)?;
    Ok(told["fork"].as_str().context("no fork")?.to_owned())
}

/// Hangs up, and gives the call's path as its record has it.
fn path(server: &Server, ann: &mut Phone, bea: &mut Phone) -> Result<String> {
    ann.hang_up()?;
    bea.expect("CALL_CLOSED")?;
    let record = server.await_cdrs("acme", 1)?.remove(0);
    Ok(record["path"].to_string())
}

#[test]
fn both_sides_are_heard_over_tls_and_one_hears_what_comes_back() -> Result<()> {
    Stage::run("fork-tls", |stage| {
        let authority = Authority::new(stage, "ours")?;
        let (server, [mut ann, mut bea], id) = calling(stage, &authority)?;
        let listener = Listener::start(&authority, Habit::Says(620))?;
        let more = ["--side", "both", "--l16", "8000", "--back", "callee"];
        let fork = fork(&server, &id, &listener.url, &more)?;
        let back = until("the tone that comes back", SEEN, || {
            let mark = bea.mark();
            let heard = bea.await_sound(&mark, 1)?;
            Ok((heard.seconds >= 0.9 && (heard.hz - 620.0).abs() < 6.0).then_some(heard))
        })?;
        let wanted = 4 * 8_000 * 2;
        until("four seconds of sound", SEEN, || {
            Ok((listener.samples().len() >= wanted || listener.end().is_some()).then_some(()))
        })?;
        server.carillon(&["call", "unfork", "acme", &id, &fork])?;
        let end = until("the end", SEEN, || Ok(listener.end()))?;
        ensure!(end == "closed", "{end}");
        let sound = tone::scaled(&listener.samples());
        let lane = |n: usize| sound.iter().copied().skip(n).step_by(2).collect::<Vec<f64>>();
        let [(_, high), (_, low)] = [PEOPLE[0], PEOPLE[1]];
        let caller = tone::expect_alone(&lane(0), 8_000, high, &[low])?;
        let callee = tone::expect_alone(&lane(1), 8_000, low, &[high])?;
        // Who is not forked any more is relayed as before.
        talk(&mut ann, &mut bea)?;
        let path = path(&server, &mut ann, &mut bea)?;
        ensure!(!path.contains("fork"), "{path}");
        let counts = &server.status()?["counts"];
        ensure!(
            counts["forks"] == 1 && counts["forks_failed"].as_u64().unwrap_or(0) == 0,
            "{counts}"
        );
        println!("COUNT interop/forked 1");
        Ok(format!("caller {caller}, callee {callee}, back {back}"))
    })
}

#[test]
fn a_certificate_that_nobody_trusts_is_refused_and_told() -> Result<()> {
    Stage::run("fork-untrusted", |stage| {
        let (ours, others) = (Authority::new(stage, "ours")?, Authority::new(stage, "others")?);
        let (server, [mut ann, mut bea], id) = calling(stage, &ours)?;
        let listener = Listener::start(&others, Habit::Reads)?;
        fork(&server, &id, &listener.url, &[])?;
        server.await_count("forks_failed", 1)?;
        let end = until("the end", SEEN, || Ok(listener.end()))?;
        ensure!(listener.samples().is_empty() && end != "closed", "{end}");
        let [low, high] = talk(&mut ann, &mut bea)?;
        let log = server.log();
        ensure!(
            log.contains("the call goes on: its certificate is not trusted"),
            "the log does not say so"
        );
        let path = path(&server, &mut ann, &mut bea)?;
        ensure!(path.contains("fork: its certificate is not trusted"), "{path}");
        println!("COUNT interop/forked 1");
        Ok(format!("{end}; the call went on with {high} and {low}"))
    })
}

#[test]
fn a_listener_that_does_not_read_loses_sound_and_is_let_go() -> Result<()> {
    Stage::run("fork-asleep", |stage| {
        let authority = Authority::new(stage, "ours")?;
        let (server, [mut ann, mut bea], id) = calling(stage, &authority)?;
        let listener = Listener::start(&authority, Habit::Sleeps)?;
        // As much as there is in a second, so that it does not take long.
        fork(&server, &id, &listener.url, &["--side", "both", "--l16", "24000"])?;
        server.await_count("forks_lost_ms", 20)?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        server.await_count("forks_failed", 1)?;
        let lost = server.status()?["counts"]["forks_lost_ms"].clone();
        talk(&mut ann, &mut bea)?;
        let path = path(&server, &mut ann, &mut bea)?;
        ensure!(
            path.contains("fork: the other side does not read") && path.contains("ms left out"),
            "{path}"
        );
        println!("COUNT interop/forked 1");
        Ok(format!("{lost} ms left out; meanwhile {high} and {low}"))
    })
}
