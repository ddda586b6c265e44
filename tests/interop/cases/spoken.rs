//! Phones without a codec in common hear each other, and music on hold: two baresips, each with one codec.

use crate::baresip::{PEOPLE, call, company_speaking};
use anyhow::{Result, ensure};
use interop::Stage;
use interop::baresip::talk;

#[test]
fn mu_law_and_a_law() -> Result<()> {
    hear_each_other("pcmu-pcma", ["PCMU/8000/1", "PCMA/8000/1"], "media=relay")
}

/// Audio that goes straight comes to the relay when it has to.
#[test]
fn a_law_and_mu_law_with_straight_audio() -> Result<()> {
    hear_each_other("pcma-pcmu", ["PCMA/8000/1", "PCMU/8000/1"], "media=direct")
}

#[test]
fn g722_and_mu_law() -> Result<()> {
    hear_each_other("g722-pcmu", ["G722/16000/1", "PCMU/8000/1"], "media=relay")
}

#[test]
fn g722_and_opus() -> Result<()> {
    hear_each_other("g722-opus", ["G722/16000/1", "opus/48000/1"], "media=relay")
}

#[test]
fn opus_and_a_law() -> Result<()> {
    hear_each_other("opus-pcma", ["opus/48000/1", "PCMA/8000/1"], "media=direct")
}

fn hear_each_other(name: &str, codecs: [&str; 2], policy: &str) -> Result<()> {
    Stage::run(&format!("baresip-{name}"), |stage| {
        let policies = [policy, "hold_music=default"];
        let (server, [mut ann, mut bea]) = company_speaking(stage, codecs, &policies)?;
        call(&mut ann, &mut bea, "101")?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        let mark = bea.mark();
        ann.hold_only()?;
        let music = bea.hear_music(&mark, &PEOPLE.map(|(_, hz)| hz))?;
        ann.resume()?;
        let [again, _] = talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        ensure!(records.iter().all(|record| record["sip"] == 200), "{records:?}");
        println!("COUNT interop/udp 2");
        Ok(format!(
            "heard {high} and {low}, {:.0} Hz of music, and {again}",
            music.hz
        ))
    })
}
