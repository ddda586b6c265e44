//! How the audio of real phones fares: who sends nothing is named within three seconds, and reports of phones tell round
//! trip, loss and opinion, live and in the record.

use crate::baresip::{call, company};
use crate::{caller, calling};
use anyhow::{Context, Result, bail, ensure};
use interop::server::password;
use interop::{Server, Stage};
use serde_json::Value;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// Phones report each five seconds, and what they report about has to be reported first.
const PATIENCE: Duration = Duration::from_secs(25);
/// From the answer to the diagnosis, and what looking at it takes.
const DIAGNOSED: Duration = Duration::from_millis(3_000);

/// Asks for the one call until `shows` is content with it.
fn until(server: &Server, what: &[&str], mut shows: impl FnMut(&Value) -> bool) -> Result<Value> {
    let start = Instant::now();
    let mut last = Value::Null;
    while start.elapsed() < PATIENCE {
        last = server.list(what)?.into_iter().next().unwrap_or_default();
        if shows(&last) {
            return Ok(last);
        }
        sleep(Duration::from_millis(20));
    }
    bail!("carillon {what:?} showed {last} in the end");
}

/// SIPp takes and makes calls, and never sends a packet of audio.
#[test]
fn a_phone_that_sends_no_audio_is_named_within_three_seconds() -> Result<()> {
    Stage::run("audio-none", |stage| {
        let (server, [mut ann, _bea]) = company(stage, "udp")?;
        let mut mute = calling(stage, &server, "uac", "100", "acme.test")?
            .with("talk_ms", "6000")
            .row(&caller("acme.test", "102", &password("acme.test", "102")))
            .start()?;
        ann.expect("CALL_ESTABLISHED")?;
        until(&server, &["calls"], |call| call["state"] == "answered")?;
        let answered = Instant::now();
        let told = until(&server, &["calls"], |call| call["audio"][0]["fault"].is_string())?;
        let took = answered.elapsed();
        let audio = &told["audio"];
        ensure!(
            audio[0]["leg"] == "caller" && audio[0]["fault"] == "nothing_received" && audio[1].is_null(),
            "{told}"
        );
        ensure!(took <= DIAGNOSED, "it took {took:?}");
        let text = server.carillon(&["calls"])?;
        ensure!(text.contains("caller: nothing comes from it"), "{text}");
        mute.finish(1)?;
        let records = server.await_cdrs("acme", 1)?;
        let record = records.first().context("no record")?;
        ensure!(record["audio"][0]["fault"] == "nothing_received", "{record}");
        ensure!(record["audio"][0]["healed"] == false, "{record}");
        ensure!(
            server.status()?["counts"]["audio_faults"] == 1,
            "not counted once"
        );
        println!("COUNT interop/udp 1");
        Ok(format!("named {} ms after the answer", took.as_millis()))
    })
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap_or(0)
}

#[test]
fn reports_of_two_phones_tell_round_trip_and_opinion_of_both_ways() -> Result<()> {
    Stage::run("audio-reports", |stage| {
        let (server, [mut ann, mut bea]) = company(stage, "udp")?;
        call(&mut ann, &mut bea, "101")?;
        let complete = |side: &Value| {
            side["round_trip_us"].is_u64() && side["score"].is_object() && side["far"]["score"].is_object()
        };
        let live = until(&server, &["quality"], |call| {
            complete(&call["caller"]) && complete(&call["callee"])
        })?;
        let text = server.carillon(&["quality", &live["id"].to_string()])?;
        ensure!(text.contains("callee") && text.contains(" ms"), "{text}");
        ann.hang_up()?;
        bea.expect("CALL_CLOSED")?;
        let records = server.await_cdrs("acme", 1)?;
        let record = records.first().context("no record")?;
        for side in ["caller_media", "callee_media"] {
            let side = &record[side];
            // Both are on this machine: nothing is lost, and nothing takes long.
            ensure!(complete(side), "{record}");
            ensure!(number(&side["round_trip_us"]) < 200_000, "{record}");
            ensure!(number(&side["score"]["mos_hundredths"]) > 400, "{record}");
            ensure!(number(&side["far"]["reports"]) > 0, "{record}");
        }
        ensure!(record["audio"].as_array().is_some_and(Vec::is_empty), "{record}");
        println!("COUNT interop/udp 2");
        let of = |side: &str| format!("{} us", record[side]["round_trip_us"]);
        Ok(format!(
            "round trips {} and {}",
            of("caller_media"),
            of("callee_media")
        ))
    })
}

#[test]
fn a_phone_answers_the_reports_of_the_server() -> Result<()> {
    Stage::run("audio-served", |stage| {
        let (server, [mut ann]) = company(stage, "udp")?;
        ann.dial("sip:*43@acme.test")?;
        ann.expect("CALL_ESTABLISHED")?;
        let live = until(&server, &["quality"], |call| {
            call["caller"]["round_trip_us"].is_u64() && call["callee"].is_null()
        })?;
        let side = &live["caller"];
        ensure!(number(&side["round_trip_us"]) < 200_000, "{live}");
        ensure!(
            number(&side["far"]["reports"]) > 0 && number(&side["far"]["lost"]) == 0,
            "{live}"
        );
        ann.hang_up()?;
        server.await_cdrs("acme", 1)?;
        println!("COUNT interop/udp 1");
        Ok(format!("round trip {} us", side["round_trip_us"]))
    })
}
