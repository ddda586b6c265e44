//! `carillon trace`: what was said in calls.

use super::Desk;
use super::names::Names;
use crate::arguments::Trace as Options;
use crate::control::Request;
use crate::control::client::Client;
use crate::output::{Table, instant, seconds};
use anyhow::{Context, Result};
use serde_json::{Value, json};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use trace::{Captured, Summary, Trace, ladder, pcap};

/// The word in place of a call that asks for all.
const ALL: &str = "list";

/// Runs `carillon trace`.
pub(super) fn run(desk: &mut Desk, options: &Options) -> Result<()> {
    let tenant = desk.chosen(options.tenant.as_deref())?;
    let client = Client::connect(&desk.data_dir)?;
    if options.call == ALL {
        let traces: Vec<Summary> = client.items(&Request::Traces { tenant })?;
        return list(desk, &traces);
    }
    let trace: Trace = client.one(&Request::Trace {
        tenant,
        call: options.call.clone(),
        full: options.full,
    })?;
    match &options.pcap {
        Some(file) => export(desk, &trace, file),
        None => show(desk, &trace),
    }
}

fn list(desk: &mut Desk, traces: &[Summary]) -> Result<()> {
    let names = Names::read(desk)?;
    let mut table = Table::new(&[
        "TENANT", "CALL", "FROM", "TO", "START", "MESSAGES", "STATE", "RECORD",
    ]);
    for one in traces {
        table.row([
            names.of(one.tenant),
            one.call.map_or_else(|| call_id(one), |call| call.0.to_string()),
            one.from.clone(),
            one.to.clone(),
            seconds(one.start),
            one.messages.to_string(),
            state(one).to_owned(),
            one.record.map(|record| record.to_string()).unwrap_or_default(),
        ]);
    }
    let values: Vec<Value> = traces.iter().map(|one| summary(&names, one)).collect();
    desk.print(&values.into(), &table.text("Nothing is kept of any call."))
}

/// What a request that became no call is found by.
fn call_id(one: &Summary) -> String {
    one.call_ids.first().cloned().unwrap_or_default()
}

fn state(one: &Summary) -> &'static str {
    match (one.call, one.live) {
        (None, _) => "no call",
        (Some(_), true) => "up",
        (Some(_), false) => "ended",
    }
}

fn summary(names: &Names, one: &Summary) -> Value {
    json!({
        "tenant": names.of(one.tenant),
        "tenant_id": one.tenant,
        "call": one.call,
        "record": one.record,
        "call_ids": one.call_ids,
        "from": one.from,
        "to": one.to,
        "start": instant(one.start),
        "messages": one.messages,
        "live": one.live,
    })
}

fn show(desk: &mut Desk, trace: &Trace) -> Result<()> {
    let names = Names::read(desk)?;
    let messages: Vec<Value> = trace.messages.iter().map(message).collect();
    let value = json!({
        "tenant": names.of(trace.tenant),
        "tenant_id": trace.tenant,
        "call": trace.call,
        "record": trace.record,
        "call_ids": trace.call_ids,
        "messages": messages,
    });
    let first = trace.messages.first();
    let mut text = match (first, trace.record) {
        (Some(first), Some(record)) => format!("{}  record {record}\n", instant(first.at)),
        (Some(first), None) => format!("{}  no call came of it\n", instant(first.at)),
        (None, _) => "Nothing of it is kept any more.\n".to_owned(),
    };
    text.push_str(&ladder::text(trace));
    desk.print(&value, &text)
}

fn message(one: &Captured) -> Value {
    json!({
        "at": instant(one.at),
        "leg": one.leg,
        "sent": one.sent,
        "transport": one.flow.transport,
        "source": one.source(),
        "destination": one.destination(),
        "what": ladder::what(&one.octets),
        "text": String::from_utf8_lossy(&one.octets),
    })
}

/// Numbers of callers stand in it, so nobody else may read it.
fn export(desk: &Desk, trace: &Trace, file: &Path) -> Result<()> {
    let octets = pcap::file(&trace.messages);
    OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(file)
        .and_then(|mut open| open.write_all(&octets))
        .with_context(|| format!("cannot write {}", file.display()))?;
    let count = trace.messages.len();
    let value = json!({"record": trace.record, "file": file, "messages": count, "octets": octets.len()});
    desk.print(&value, &format!("{count} messages are in {}.\n", file.display()))
}
