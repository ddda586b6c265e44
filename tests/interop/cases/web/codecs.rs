//! A page that knows Opus alone, and phones that know one codec each: tones are measured both ways.
//!
//! Chromium 156 that is called by a phone with another codec answers with Opus alone and sends the phone's codec all the same, so
//! there the page calls.

use super::{DOMAIN, HIGH, company, page_over};
use crate::baresip::{PEOPLE, packets};
use anyhow::{Result, ensure};
use interop::baresip::Account;
use interop::{Phone, Stage};
use serde_json::json;

#[test]
fn opus_and_g711() -> Result<()> {
    hear_each_other("web-g711", ["PCMU/8000/1", "PCMA/8000/1"], false)
}

#[test]
fn opus_and_g722_or_opus() -> Result<()> {
    hear_each_other("web-wide", ["G722/16000/1", "opus/48000/1"], true)
}

/// The page calls the phone with the first codec, and calls the one with the second, or is called by it.
fn hear_each_other(name: &str, codecs: [&str; 2], is_called: bool) -> Result<()> {
    Stage::run(name, |stage| {
        let server = company(stage, "srtp=optional")?;
        let known = json!(["audio/opus", "audio/telephone-event"]);
        let mut ann = page_over(stage, &server, server.wss, ("103", HIGH), &[("codecs", known)])?;
        let start =
            |codec, (user, hz)| Phone::start(stage, &server, Account::new(user, DOMAIN, hz).speaking(codec));
        let (bea_hz, cid_hz) = (PEOPLE[1].1, PEOPLE[2].1);
        let mut bea = start(codecs[0], PEOPLE[1])?;
        let mut cid = start(codecs[1], PEOPLE[2])?;
        ann.run(&format!("phone.call('sip:{}@{DOMAIN}')", PEOPLE[1].0))?;
        ann.expect("confirmed", 1)?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(bea_hz)?;
        let first = bea.hear_now(HIGH)?;
        ann.run("phone.speech()")?;
        ann.expect("speaks audio/opus, hears audio/opus", 1)?;
        bea.hang_up()?;
        ann.expect("ended by remote", 1)?;
        if is_called {
            cid.dial(&format!("sip:103@{DOMAIN}"))?;
            ann.expect("session", 2)?;
            ann.run("phone.answer()")?;
        } else {
            ann.run(&format!("phone.call('sip:{}@{DOMAIN}')", PEOPLE[2].0))?;
            ann.expect("confirmed", 2)?;
        }
        cid.expect("CALL_ESTABLISHED")?;
        ann.hears(cid_hz)?;
        let second = cid.hear_now(HIGH)?;
        ann.run("phone.speech()")?;
        ann.expect("speaks audio/opus, hears audio/opus", 2)?;
        ann.run("phone.session.terminate()")?;
        cid.expect("CALL_CLOSED")?;
        for record in server.await_cdrs("acme", 2)? {
            packets(&record)?;
            ensure!(record["audio"].as_array().is_some_and(Vec::is_empty), "{record}");
        }
        println!("COUNT interop/webrtc 2");
        Ok(format!("{}: {first}; {}: {second}", codecs[0], codecs[1]))
    })
}
