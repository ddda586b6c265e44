//! baresip calls baresip: tones are sent and measured in both directions.

use anyhow::{Context, Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Server, Stage, Tenant};
use serde_json::Value;

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
