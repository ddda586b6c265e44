//! baresip calls baresip: tones are sent and measured in both directions.

use anyhow::{Context, Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Server, Stage, Tenant, until};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Seconds of sound on each side before the caller hangs up; two of them have to be clean.
const TALK_S: u32 = 3;

#[test]
fn two_phones_hear_each_other_over_udp() -> Result<()> {
    talk("udp", 1)
}

#[test]
fn two_phones_hear_each_other_over_tcp() -> Result<()> {
    talk("tcp", 1)
}

#[test]
fn two_phones_hear_each_other_over_tls() -> Result<()> {
    talk("tls", 1)
}

#[test]
fn a_phone_holds_a_call_and_resumes_it() -> Result<()> {
    Stage::run("baresip-hold", |stage| {
        let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned));
        let server = Server::start(stage, &[tenant])?;
        let phone = |user, hz| {
            let account = Account {
                user,
                domain: "acme.test",
                transport: "udp",
                hz,
            };
            Phone::start(stage, &server, account)
        };
        let (mut caller, mut callee) = (phone("100", 1_000)?, phone("101", 440)?);
        caller.dial("sip:101@acme.test")?;
        caller.expect("CALL_ESTABLISHED")?;
        callee.expect("CALL_ESTABLISHED")?;
        caller.hear(TALK_S)?;
        callee.hear(TALK_S)?;
        // Its recording ends with the first re-INVITE, so from here on the relay tells what flows. A baresip that holds
        // plays nothing to the other one.
        for holder in [&mut caller, &mut callee] {
            holder.hold()?;
            let held = relayed_until(&server, "silence", |last, now| now == last)?;
            holder.resume()?;
            relayed_until(&server, "two seconds of sound both ways", |_, now| {
                now > held + 200
            })?;
        }
        callee.hang_up()?;
        caller.expect("CALL_CLOSED")?;
        let (low, high) = (caller.heard(440)?, callee.heard(1_000)?);
        let records = server.await_cdrs("acme", 1)?;
        let (there, back) = packets(records.first().context("no record")?)?;
        println!("COUNT interop/udp 2");
        Ok(format!(
            "either side held and resumed; {:.0} and {:.0} Hz, {there} and {back} packets",
            low.hz, high.hz
        ))
    })
}

/// Looks at the relay's count of packets twice a second until `done` with the last and the new one; gives the new one.
fn relayed_until(server: &Server, what: &str, done: impl Fn(u64, u64) -> bool) -> Result<u64> {
    let count = || {
        let status = server.status()?;
        status["media_packets"].as_u64().context("no media_packets")
    };
    let (mut last, mut at) = (count()?, Instant::now());
    until(what, Duration::from_secs(20), || {
        if at.elapsed() < Duration::from_millis(500) {
            return Ok(None);
        }
        let now = count()?;
        let found = done(last, now).then_some(now);
        (last, at) = (now, Instant::now());
        Ok(found)
    })
}

fn talk(transport: &str, calls: usize) -> Result<()> {
    Stage::run(&format!("baresip-{transport}"), |stage| {
        let tenant = Tenant::new("acme", ["100", "101"].map(str::to_owned));
        let server = Server::start(stage, &[tenant])?;
        let phone = |user, hz| {
            Phone::start(
                stage,
                &server,
                Account {
                    user,
                    domain: "acme.test",
                    transport,
                    hz,
                },
            )
        };
        let (mut caller, mut callee) = (phone("100", 1_000)?, phone("101", 440)?);
        caller.dial("sip:101@acme.test")?;
        caller.expect("CALL_ESTABLISHED")?;
        callee.expect("CALL_ESTABLISHED")?;
        caller.hear(TALK_S)?;
        callee.hear(TALK_S)?;
        caller.hang_up()?;
        callee.expect("CALL_CLOSED")?;
        let (low, high) = (caller.heard(440)?, callee.heard(1_000)?);
        let records = server.await_cdrs("acme", calls)?;
        let (there, back) = packets(records.first().context("no record")?)?;
        println!("COUNT interop/{transport} 2");
        Ok(format!(
            "heard {:.0} Hz for {:.1} s and {:.0} Hz for {:.1} s; {there} and {back} packets",
            high.hz, high.seconds, low.hz, low.seconds
        ))
    })
}

fn packets(record: &Value) -> Result<(u64, u64)> {
    let of = |leg: &str| {
        record[leg]["packets"]
            .as_u64()
            .with_context(|| format!("no {leg} packets in {record}"))
    };
    let (there, back) = (of("caller_media")?, of("callee_media")?);
    ensure!(
        there > 100 && back > 100,
        "3 s of talk, but {there} and {back} packets in {record}"
    );
    Ok((there, back))
}
