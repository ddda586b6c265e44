//! Calls that are recorded, by baresip and the real server: what is written survives SIGKILL, and a tenant without room goes on calling.

use crate::baresip::{company, company_with};
use anyhow::{Context, Result, ensure};
use interop::{Server, Stage, tone, until};
use std::time::{Duration, Instant};

/// Within this time a record is drained.
const SEEN: Duration = Duration::from_secs(20);

fn call_id(server: &Server) -> Result<String> {
    let calls = until("a call", SEEN, || {
        let calls = server.list(&["calls", "--tenant", "acme"])?;
        Ok(calls.into_iter().next())
    })?;
    Ok(calls["id"].to_string())
}

fn record(server: &Server, call: &str, more: &[&str]) -> Result<String> {
    let arguments = [&["call", "record", "acme", call], more].concat();
    Ok(server.carillon(&arguments)?.trim().to_owned())
}

#[test]
fn a_recording_survives_a_kill_up_to_its_last_second() -> Result<()> {
    Stage::run("recording-killed", |stage| {
        let (mut server, [mut ann]) = company(stage, "udp")?;
        ann.dial("sip:*43@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        ann.hear_itself()?;
        let call = call_id(&server)?;
        let wav = record(&server, &call, &["start", "--wav"])?;
        let opus = record(&server, &call, &["start"])?;
        let begun = Instant::now();
        ann.hear_itself()?;
        let talked = u64::try_from(begun.elapsed().as_millis())?;
        server.kill();
        server.restart()?;
        let found = server.await_recordings("acme", 2)?;
        for record in &found {
            ensure!(record["end"] == "cut" && record["channels"] == 1, "{record}");
            let ms = record["ms"].as_u64().context("no length")?;
            ensure!(
                ms + 1_000 >= talked && ms <= talked + 1_500,
                "{ms} of {talked}: {record}"
            );
        }
        let file = stage.path("cut.wav");
        server.carillon(&["recording", "export", "acme", &wav, &file.to_string_lossy()])?;
        let heard = tone::measure(&file, 44)?;
        ensure!(heard.seconds >= 1.5, "{heard}");
        let file = stage.path("cut.opus");
        server.carillon(&["recording", "export", "acme", &opus, &file.to_string_lossy()])?;
        ensure!(std::fs::metadata(&file)?.len() > 2_000);
        server.carillon(&["recording", "delete", "acme", &opus])?;
        ensure!(server.list(&["recording", "list", "acme"])?.len() == 1);
        let status = server.status()?;
        ensure!(status["counts"]["recordings_cut"] == 2, "{status}");
        Ok(format!(
            "killed after {talked} ms: {heard} in the file, {} ms",
            found[0]["ms"]
        ))
    })
}

#[test]
fn a_tenant_without_room_is_not_recorded_and_calls_go_on_or_end_as_it_wants() -> Result<()> {
    Stage::run("recording-no-room", |stage| {
        let (server, [mut ann]) = company_with(stage, "udp", "recording_mb=0")?;
        ann.dial("sip:*43@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        let call = call_id(&server)?;
        record(&server, &call, &["start"])?;
        let heard = ann.hear_itself()?;
        ensure!(server.status()?["counts"]["recordings_failed"] == 1);
        server.carillon(&["tenant", "set", "acme", "record_fail=hang_up"])?;
        ann.hang_up()?;
        server.await_cdrs("acme", 1)?;
        until("the next call to be ended", SEEN, || {
            ann.dial("sip:*43@acme.test")?;
            ann.expect("CALL_ESTABLISHED")?;
            let call = call_id(&server)?;
            record(&server, &call, &["start"])?;
            ann.expect("CALL_CLOSED").map(Some)
        })?;
        Ok(format!("{heard} went on, the next call ended"))
    })
}
