//! What an operator sees of calls: a ladder, a capture file that tshark reads, figures that curl fetches.

use crate::{caller, calling, register};
use anyhow::{Context, Result, ensure};
use interop::process::require;
use interop::server::{extensions, password};
use interop::{Server, Setting, Sipp, Stage, Tenant};
use serde_json::Value;
use std::collections::BTreeSet;
use std::process::Command;

const DOMAIN: &str = "acme.test";
/// The ports of a test are any, and tshark takes some of them for those of other protocols.
const ANY_PORT: &str = "udp.port==1-65535,sip";

/// What a program writes who ends well.
fn output(program: &str, arguments: &[&str]) -> Result<String> {
    require(program)?;
    let output = Command::new(program).args(arguments).output()?;
    let error = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(output.status.success(), "{program}: {error}");
    Ok(String::from_utf8(output.stdout)?)
}

/// 100 calls 101, who answers, and hangs up.
fn call(stage: &Stage, server: &Server) -> Result<()> {
    let phone = Sipp::new(stage, "uas", server.sip)?;
    register(stage, server, DOMAIN, "101", phone.port())?;
    let mut phone = phone.start()?;
    phone.await_bound()?;
    calling(stage, server, "uac", "101", DOMAIN)?
        .with("talk_ms", "10")
        .row(&caller(DOMAIN, "100", &password(DOMAIN, "100")))
        .run()?;
    phone.finish(1)?;
    server.await_cdrs("acme", 1).map(drop)
}

/// The methods of CSeq that a capture file has, each with its Call-ID, and whether it is an answer.
fn dissected(file: &str) -> Result<Vec<(String, String, String)>> {
    let fields = ["sip.CSeq.method", "sip.Call-ID", "sip.Status-Code"];
    let mut arguments = vec![
        "-r",
        file,
        "-d",
        ANY_PORT,
        "-Y",
        "sip",
        "-T",
        "fields",
        "-E",
        "separator=;",
    ];
    for field in &fields {
        arguments.extend(["-e", field]);
    }
    let text = output("tshark", &arguments)?;
    let rows = text.lines().map(|line| {
        let mut cells = line.split(';').map(str::to_owned);
        let mut cell = || cells.next().unwrap_or_default();
        (cell(), cell(), cell())
    });
    Ok(rows.collect())
}

#[test]
fn a_call_is_found_again_as_ladder_and_as_capture_file() -> Result<()> {
    Stage::run("trace", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2))])?;
        call(stage, &server)?;
        let records = server.cdrs("acme")?;
        let record = records[0]["id"].as_str().context("a record has an id")?;
        let kept = server.list(&["trace", "list"])?;
        let shown = kept.iter().find(|one| one["record"] == record);
        let shown = shown.with_context(|| format!("{record} is not among {kept:?}"))?;
        ensure!(shown["live"] == false && shown["from"] == "100" && shown["to"] == "101");
        let ladder = server.carillon(&["trace", record])?;
        let count = shown["messages"].as_u64().context("messages are counted")?;
        ensure!(ladder.contains(record), "{ladder}");
        for part in [" A ", " B ", "INVITE 101 +credentials", "407 ", "BYE ", "{audio "] {
            ensure!(ladder.contains(part), "{part:?} is missing:\n{ladder}");
        }
        let file = stage.path("call.pcap").display().to_string();
        server.carillon(&["trace", record, "--pcap", &file])?;
        let rows = dissected(&file)?;
        ensure!(rows.len() as u64 == count, "{count} messages, {rows:?}");
        let dialogs: BTreeSet<&str> = rows.iter().map(|(_, call_id, _)| call_id.as_str()).collect();
        let told: BTreeSet<&str> = shown["call_ids"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        ensure!(dialogs == told && told.len() == 2, "{dialogs:?}, {told:?}");
        for dialog in dialogs {
            let has = |method: &str, code: &str| {
                rows.iter()
                    .any(|row| row.0 == method && row.1 == dialog && row.2 == code)
            };
            for (method, code) in [
                ("INVITE", ""),
                ("INVITE", "200"),
                ("ACK", ""),
                ("BYE", ""),
                ("BYE", "200"),
            ] {
                ensure!(
                    has(method, code),
                    "{method} {code} of {dialog} is missing: {rows:?}"
                );
            }
        }
        let text = output(
            "tshark",
            &[
                "-r",
                &file,
                "-d",
                ANY_PORT,
                "-Y",
                "sip.Authorization or sip.Proxy-Authorization",
                "-V",
            ],
        )?;
        ensure!(text.contains("response=\"*****"), "credentials are shown: {text}");
        Ok(format!("{count} messages in two dialogs, all read by tshark"))
    })
}

#[test]
fn figures_are_fetched_over_http() -> Result<()> {
    Stage::run("metrics", |stage| {
        let port = stage.ports.run(1)?;
        let setting = Setting::default().section(&format!("[metrics]\nlisten = \"{port}\"\n"));
        let server = Server::start_as(stage, &[Tenant::new("acme", extensions(100, 2))], setting)?;
        call(stage, &server)?;
        let url = format!("http://127.0.0.1:{port}/metrics");
        let text = output("curl", &["-sS", "--fail", "-i", &url])?;
        ensure!(text.contains("Content-Type: text/plain; version=0.0.4"), "{text}");
        for line in [
            "carillon_calls_total 1",
            "carillon_answered_total 1",
            "carillon_live_calls 0",
        ] {
            ensure!(
                text.lines().any(|found| found == line),
                "{line} is missing:\n{text}"
            );
        }
        let samples = text.lines().filter(|line| line.starts_with("carillon_")).count();
        Ok(format!("{samples} samples"))
    })
}
