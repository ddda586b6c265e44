//! Pages whose certificate is not the one that they named, and pages that nobody can reach: the other phone is hung up with the
//! reason, and record, counters and log have it.

use super::{DOMAIN, HIGH, company, page_over, phone};
use crate::baresip::PEOPLE;
use anyhow::{Context, Result, ensure};
use interop::{Server, Stage, until};
use serde_json::{Value, json};
use std::time::Duration;

/// ICE is given twenty seconds.
const NO_PATH: Duration = Duration::from_secs(40);

/// What the record says of a call that this ended.
fn ended(server: &Server, q850: u32, fault: &str, counter: &str, logged: &str) -> Result<Value> {
    let record = server.await_cdrs("acme", 1)?.pop().context("no record")?;
    ensure!(record["sip"] == 200 && record["q850"] == q850, "{record}");
    ensure!(record["ended_by"] == "system", "{record}");
    let audio = record["audio"].as_array().context("no faults")?;
    let named = |trouble: &Value| trouble["fault"] == fault && trouble["healed"] == false;
    ensure!(audio.iter().any(named), "{record}");
    let status = server.status()?;
    ensure!(status["counts"][counter] == 1 && status["calls"] == 0, "{status}");
    let log = server.log();
    ensure!(
        log.contains(&format!("a browser gets no audio: {logged}")),
        "{log}"
    );
    Ok(record)
}

#[test]
fn a_page_with_another_certificate_than_it_named_is_hung_up() -> Result<()> {
    Stage::run("web-certificate", |stage| {
        let server = company(stage, "srtp=optional")?;
        let mut bea = phone(stage, &server, 1)?;
        let lie = [("lie", json!("certificate"))];
        let mut ann = page_over(stage, &server, server.wss, ("100", HIGH), &lie)?;
        let mark = bea.mark();
        ann.run(&format!("phone.call('sip:{}@{DOMAIN}')", PEOPLE[1].0))?;
        bea.expect("CALL_ESTABLISHED")?;
        bea.expect("CALL_CLOSED")?;
        ann.expect("ended by remote", 1)?;
        bea.heard_nothing_since(&mark)?;
        let record = ended(
            &server,
            88,
            "wrong_fingerprint",
            "dtls_failed",
            "wrong fingerprint",
        )?;
        ensure!(
            record["caller_srtp"].is_null() && record["caller_media"]["packets"] == 0,
            "{record}"
        );
        println!("COUNT interop/webrtc 1");
        Ok(format!("hung up after {} ms", record["talk_ms"]))
    })
}

#[test]
fn a_page_that_nobody_can_reach_is_named_at_once_and_hung_up_in_the_end() -> Result<()> {
    Stage::run("web-nowhere", |stage| {
        let server = company(stage, "srtp=optional")?;
        let mut bea = phone(stage, &server, 1)?;
        let lie = [("lie", json!("nowhere"))];
        let mut ann = page_over(stage, &server, server.wss, ("100", HIGH), &lie)?;
        bea.dial(&format!("sip:100@{DOMAIN}"))?;
        ann.expect("session", 1)?;
        ann.run("phone.answer()")?;
        bea.expect("CALL_ESTABLISHED")?;
        let live = until("the fault", NO_PATH, || {
            let calls = server.list(&["calls"])?;
            let call = calls.first().context("the call is over")?.clone();
            Ok((call["audio"] != json!([])).then_some(call))
        })?;
        let fault = &live["audio"][0];
        ensure!(fault["fault"] == "no_path" && fault["leg"] == "callee", "{live}");
        bea.expect_within("CALL_CLOSED", NO_PATH)?;
        ann.expect("ended by remote", 1)?;
        let record = ended(&server, 41, "no_path", "ice_failed", "no path by ICE")?;
        println!("COUNT interop/webrtc 1");
        Ok(format!("hung up after {} ms", record["talk_ms"]))
    })
}
