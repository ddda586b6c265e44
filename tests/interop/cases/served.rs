//! Calls that the server answers itself, by baresip: it hears its own tone, and the tones that tell that a setting is changed.

use crate::baresip::{call, company, company_with};
use anyhow::{Context, Result, ensure};
use interop::baresip::talk;
use interop::{Phone, Server, Stage};
use serde_json::Value;

/// The German dial tone, of which a confirmation is made.
const CONFIRMATION_HZ: f64 = 425.0;

#[test]
fn a_phone_hears_itself_over_udp() -> Result<()> {
    hears_itself("udp")
}

#[test]
fn a_phone_hears_itself_over_tls() -> Result<()> {
    hears_itself("tls")
}

fn hears_itself(transport: &str) -> Result<()> {
    Stage::run(&format!("baresip-echo-{transport}"), |stage| {
        let (server, [mut ann]) = company(stage, transport)?;
        ann.dial("sip:*43@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        let heard = ann.hear_itself()?;
        ann.hang_up()?;
        let record = last(&server, 1)?;
        ensure!(record["path"][0] == "echo", "{record}");
        ensure!(record["caller_media"]["packets"].as_u64() > Some(100), "{record}");
        ensure!(record["callee_media"].is_null(), "{record}");
        println!("COUNT interop/{transport} 1");
        Ok(format!(
            "heard {heard} of its own; {} packets",
            record["caller_media"]["packets"]
        ))
    })
}

#[test]
fn star_codes_change_settings() -> Result<()> {
    Stage::run("baresip-codes", |stage| {
        let (server, [mut ann, mut bea, mut cid]) = company_with(stage, "udp", "country=de")?;
        let on = dials(&mut bea, "*78")?;
        ann.dial("sip:101@acme.test")?;
        let closed = ann.expect("CALL_CLOSED")?;
        ensure!(
            closed["param"].as_str().unwrap_or_default().starts_with("486"),
            "{closed}"
        );
        dials(&mut bea, "*79")?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        // 102 sends its calls to 101.
        dials(&mut cid, "*72101")?;
        call(&mut ann, &mut bea, "102")?;
        talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        let record = last(&server, 6)?;
        ensure!(record["callee"]["number"] == "101", "{record}");
        println!("COUNT interop/udp 3");
        Ok(format!("confirmed by {on}"))
    })
}

/// Dials a code, hears that it is done, and is hung up.
fn dials(phone: &mut Phone, code: &str) -> Result<String> {
    let mark = phone.mark();
    phone.dial(&format!("sip:{code}@acme.test"))?;
    phone.expect("CALL_ESTABLISHED")?;
    phone.expect("CALL_CLOSED")?;
    let tone = phone.sound_since(&mark)?;
    let off = (tone.hz - CONFIRMATION_HZ).abs();
    ensure!(off < 5.0 && tone.amplitude > 0.03, "{code} was told by {tone:?}");
    Ok(format!("{:.0} Hz", tone.hz))
}

/// The last of so many records.
fn last(server: &Server, count: usize) -> Result<Value> {
    let records = server.await_cdrs("acme", count)?;
    // The newest comes first.
    records.first().cloned().context("no record")
}
