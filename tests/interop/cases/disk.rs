//! A disk that fills while a call between two real phones is recorded: the call goes on, the recording is cut and says why, and
//! the next one is whole.

use crate::baresip::{PEOPLE, call, people};
use anyhow::{Context, Result, ensure};
use interop::baresip::talk;
use interop::server::extensions;
use interop::{Disk, Phone, Server, Setting, Stage, Tenant, tone, until};
use serde_json::Value;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Room for half a minute of two lanes as WAV.
const KIB: u32 = 1_024;

/// Takes all the room that there is, to the last octet.
fn fill(path: &Path) -> Result<u64> {
    let mut file = File::create(path).with_context(|| format!("cannot write {}", path.display()))?;
    for size in [65_536, 4_096, 1] {
        while file.write_all(&vec![7; size]).is_ok() {}
    }
    Ok(file.metadata()?.len())
}

/// A server that records every call on this disk, and two phones.
fn recording_on(stage: &Stage, disk: Disk) -> Result<(Server, [Phone; 2])> {
    let tenant = Tenant::new("acme", extensions(100, 3)).policies(&[
        "media=relay",
        "record=always",
        "record_format=wav",
        "record_beep=false",
    ]);
    let setting = Setting::default().media("recording_reserve_mb = 0").disk(disk);
    let server = Server::start_as(stage, &[tenant], setting)?;
    let phones = people(stage, &server, "udp")?;
    Ok((server, phones))
}

/// Where a recording is.
fn file(place: &Path, record: &Value) -> PathBuf {
    let tenant = record["tenant_id"].to_string();
    let name = format!("{}.wav", record["id"].as_str().unwrap_or_default());
    place.join(tenant).join(name)
}

#[test]
fn a_disk_fills_while_a_call_is_recorded() -> Result<()> {
    Stage::run("recording-disk-full", |stage| {
        let Some(disk) = Disk::small(stage, KIB)? else {
            println!("SKIP recording on a full disk: this machine lets nobody mount one");
            return Ok("skipped".to_owned());
        };
        let (server, [mut ann, mut bea]) = recording_on(stage, disk)?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        let place = server.own_recordings()?;
        let ballast = place.join("ballast");
        let filled = fill(&ballast)?;
        server.await_count("recordings_failed", 1)?;
        let [low, high] = talk(&mut ann, &mut bea)?;
        ensure!(
            server.log().contains("recordings can't be written, calls go on"),
            "the log does not say so"
        );
        // Another call has no room at all.
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        call(&mut ann, &mut bea, "101")?;
        server.await_count("recordings_failed", 2)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        std::fs::remove_file(&ballast).context("cannot make room")?;
        let found = server.await_recordings("acme", 1)?;
        let cut = &found[0];
        ensure!(
            found.len() == 1 && cut["end"] == "failed" && cut["why"] == "disk_full",
            "{found:?}"
        );
        let list = server.carillon(&["recording", "list", "acme"])?;
        ensure!(list.contains("failed: disk full"), "{list}");
        let hz = [PEOPLE[0].1, PEOPLE[1].1];
        let kept = tone::expect_lanes(&file(&place, cut), &hz)?;
        until("recordings to be written again", Duration::from_secs(20), || {
            Ok(server
                .log()
                .contains("recordings may be written again")
                .then_some(()))
        })?;
        call(&mut ann, &mut bea, "101")?;
        talk(&mut ann, &mut bea)?;
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let found = server.await_recordings("acme", 2)?;
        ensure!(
            found[0]["end"] == "stopped" && found[0]["why"].is_null(),
            "{found:?}"
        );
        let whole = tone::expect_lanes(&file(&place, &found[0]), &hz)?;
        let cdrs = server.await_cdrs("acme", 3)?;
        let failed = cdrs
            .iter()
            .filter(|cdr| cdr["path"].to_string().contains("recording failed"));
        ensure!(failed.count() == 2, "{cdrs:?}");
        Ok(format!(
            "full with {filled} octets of others: the call went on with {low} and {high}; kept {} and {}; then {} and {}",
            kept[0], kept[1], whole[0], whole[1]
        ))
    })
}
