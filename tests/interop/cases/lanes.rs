//! What two real phones say to each other, as it is recorded: each on a lane of its own and nothing else there, read by FFmpeg
//! where it is Ogg. Calls that are relayed and such as are transcoded, recorded by `*1` and by policy; and kill -9 in between.

use crate::baresip::{PEOPLE, call, company_speaking};
use anyhow::{Context, Result, ensure};
use interop::baresip::talk;
use interop::tone::{self, Tone};
use interop::{Server, Stage, ffmpeg};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Instant;

const PCMU: &str = "PCMU/8000/1";
const G722: &str = "G722/16000/1";
const OPUS: &str = "opus/48000/1";

/// The file of a recording, as WAV; of Ogg only after FFmpeg has found two channels of Opus in it.
fn lanes_of(stage: &Stage, server: &Server, record: &Value) -> Result<PathBuf> {
    let id = record["id"].as_str().context("no id")?;
    let format = record["format"].as_str().context("no format")?;
    let file = stage.path(&format!("{id}.{format}"));
    server.carillon(&["recording", "export", "acme", id, &file.to_string_lossy()])?;
    decoded(&file, format)
}

fn decoded(file: &Path, format: &str) -> Result<PathBuf> {
    if format == "wav" {
        return Ok(file.to_owned());
    }
    let found = ffmpeg::probe(file)?;
    ensure!(found == "opus,2", "FFmpeg finds {found}");
    ffmpeg::decode(file)
}

fn expect_two(stage: &Stage, server: &Server, record: &Value) -> Result<[Tone; 2]> {
    let file = lanes_of(stage, server, record)?;
    let tones = tone::expect_lanes(&file, &[PEOPLE[0].1, PEOPLE[1].1])?;
    tones.try_into().ok().context("not two lanes")
}

#[test]
fn a_relayed_call_by_star_one_as_ogg() -> Result<()> {
    recorded("relayed-key", [PCMU, PCMU], "ogg_opus", true)
}

#[test]
fn a_relayed_call_by_policy_as_wav() -> Result<()> {
    recorded("relayed-always", [PCMU, PCMU], "wav", false)
}

#[test]
fn a_transcoded_call_by_star_one_as_wav() -> Result<()> {
    recorded("transcoded-key", [PCMU, G722], "wav", true)
}

#[test]
fn a_transcoded_call_by_policy_as_ogg() -> Result<()> {
    recorded("transcoded-always", [OPUS, G722], "ogg_opus", false)
}

fn recorded(name: &str, codecs: [&str; 2], format: &str, by_key: bool) -> Result<()> {
    Stage::run(&format!("lanes-{name}"), |stage| {
        let when = if by_key {
            "record=on_demand"
        } else {
            "record=always"
        };
        let format = format!("record_format={format}");
        let policies = ["media=relay", when, &format];
        let (server, [mut ann, mut bea]) = company_speaking(stage, codecs, &policies)?;
        call(&mut ann, &mut bea, "101")?;
        if by_key {
            talk(&mut ann, &mut bea)?;
            ann.press("*1")?;
        }
        server.await_count("recordings", 1)?;
        // Both hear a beep first, which nobody has said.
        ann.await_sound(&ann.mark(), 1)?;
        let begun = Instant::now();
        talk(&mut ann, &mut bea)?;
        let talked = begun.elapsed().as_secs_f64();
        if by_key {
            bea.press("*1")?;
            server.await_recordings("acme", 1)?;
            talk(&mut ann, &mut bea)?;
        }
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let found = server.await_recordings("acme", 1)?;
        ensure!(found.len() == 1, "{found:?}");
        let record = &found[0];
        ensure!(record["end"] == "stopped" && record["channels"] == 2, "{record}");
        ensure!(record["why"].is_null(), "{record}");
        let [caller, callee] = expect_two(stage, &server, record)?;
        for tone in [caller, callee] {
            ensure!(tone.seconds + 0.5 >= talked, "{tone} of {talked:.1} s");
        }
        let cdr = server.await_cdrs("acme", 1)?.remove(0);
        ensure!(record["call"] == cdr["id"], "{record} of {cdr}");
        println!("COUNT interop/recorded 1");
        Ok(format!("caller {caller}, callee {callee}, {record}"))
    })
}

#[test]
fn both_lanes_survive_a_kill_up_to_their_last_second() -> Result<()> {
    Stage::run("lanes-killed", |stage| {
        let policies = ["media=relay", "record=always", "record_beep=false"];
        let (mut server, [mut ann, mut bea]) = company_speaking(stage, [PCMU, PCMU], &policies)?;
        call(&mut ann, &mut bea, "101")?;
        let begun = Instant::now();
        talk(&mut ann, &mut bea)?;
        talk(&mut ann, &mut bea)?;
        let talked = begun.elapsed().as_secs_f64();
        server.kill();
        server.restart()?;
        let found = server.await_recordings("acme", 1)?;
        let record = found.last().context("none")?;
        ensure!(record["end"] == "cut" && record["channels"] == 2, "{record}");
        let [caller, callee] = expect_two(stage, &server, record)?;
        for tone in [caller, callee] {
            ensure!(
                tone.seconds + 1.0 >= talked && tone.seconds <= talked + 1.0,
                "{tone} of {talked:.1} s"
            );
        }
        // The call goes on, and is recorded on, as another one.
        let [again, _] = talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let found = server.await_recordings("acme", 2)?;
        ensure!(found[0]["end"] == "stopped", "{found:?}");
        expect_two(stage, &server, &found[0])?;
        Ok(format!(
            "killed after {talked:.1} s: caller {caller}, callee {callee}, {} ms in the file; then {again}",
            record["ms"]
        ))
    })
}
