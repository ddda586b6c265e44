//! `carillon recording`.

use super::Desk;
use crate::arguments::Recording;
use crate::output::{Table, instant, seconds};
use anyhow::{Context, Result, bail};
use model::{RecordingId, RecordingRecord, TenantId};
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Runs one of the recording commands.
pub(super) fn run(desk: &mut Desk, command: &Recording) -> Result<()> {
    match command {
        Recording::List { tenant, call, limit } => list(desk, tenant, call.as_deref(), *limit),
        Recording::Export {
            tenant,
            recording,
            file,
        } => export(desk, tenant, recording, file),
        Recording::Delete { tenant, recording } => delete(desk, tenant, recording),
    }
}

fn list(desk: &mut Desk, tenant: &str, call: Option<&str>, limit: u32) -> Result<()> {
    let (row, scope) = desk.tenant(tenant)?;
    let call = call.map(|text| text.to_owned().try_into());
    let call = call
        .transpose()
        .ok()
        .context("--call takes the id of a call record, see: carillon cdr --json")?;
    let (store, _) = desk.store()?;
    let records = store.recordings(&scope, call, limit)?;
    let mut table = Table::new(&[
        "RECORDING",
        "START",
        "LENGTH",
        "KB",
        "FORMAT",
        "ENDED BY",
        "MARKS",
    ]);
    for record in &records {
        table.row([
            printed(record.id.number),
            seconds(record.start),
            format!("{}:{:02}", record.ms / 60_000, record.ms / 1_000 % 60),
            (record.octets / 1_000).to_string(),
            record.format.extension().to_owned(),
            ended_by(record),
            record.marks.len().to_string(),
        ]);
    }
    let values: Vec<Value> = records.iter().map(|record| value(&row.name, record)).collect();
    desk.print(&values.into(), &table.text("No recording."))
}

fn ended_by(record: &RecordingRecord) -> String {
    let end = record.end.as_str();
    record
        .why
        .map_or_else(|| end.to_owned(), |why| format!("{end}: {}", why.as_str()))
}

fn value(tenant: &str, record: &RecordingRecord) -> Value {
    json!({
        "id": printed(record.id.number),
        "tenant": tenant,
        "tenant_id": record.id.tenant,
        "call": record.call,
        "start": instant(record.start),
        "ms": record.ms,
        "octets": record.octets,
        "format": record.format.extension(),
        "channels": record.channels,
        "end": record.end.as_str(),
        "why": record.why,
        "marks": record.marks,
    })
}

fn export(desk: &mut Desk, tenant: &str, recording: &str, file: &Path) -> Result<()> {
    let (row, record) = find(desk, tenant, recording)?;
    let sound = path(desk, &record);
    let mut from = File::open(&sound).with_context(|| format!("cannot read {}", sound.display()))?;
    let mut to = create(file)?;
    let octets = io::copy(&mut from, &mut to).with_context(|| format!("cannot write {}", file.display()))?;
    desk.print(
        &json!({"tenant": row, "recording": recording, "file": file, "octets": octets}),
        &format!("{octets} octets are in {}.\n", file.display()),
    )
}

fn delete(desk: &mut Desk, tenant: &str, recording: &str) -> Result<()> {
    let (row, record) = find(desk, tenant, recording)?;
    let (_, scope) = desk.tenant(tenant)?;
    // The sound first: a row without sound can be deleted again, sound without a row is never found.
    match std::fs::remove_file(path(desk, &record)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(error).context("cannot delete the sound");
        }
        _ => {}
    }
    let (store, _) = desk.store()?;
    store.delete_recording(&scope, record.id)?;
    desk.print(
        &json!({"tenant": row, "recording": recording}),
        &format!("Recording {recording} is deleted.\n"),
    )
}

fn find(desk: &mut Desk, tenant: &str, recording: &str) -> Result<(String, RecordingRecord)> {
    let (row, scope) = desk.tenant(tenant)?;
    let id = RecordingId {
        tenant: row.id,
        number: number(recording)?,
    };
    let (store, _) = desk.store()?;
    match store.recording(&scope, id)? {
        Some(record) => Ok((row.name, record)),
        None => {
            bail!("tenant {tenant} has no recording {recording}; carillon recording list {tenant} shows all")
        }
    }
}

/// Makes the file that is exported to; one that is there stays as it is.
pub(super) fn create(file: &Path) -> Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(file)
        .with_context(|| format!("cannot make {}", file.display()))
}

/// The id of a recording or a fork, as commands show and take it.
pub(super) fn printed(number: u64) -> String {
    format!("{number:016x}")
}

/// The number in an id as it is printed.
pub(super) fn number(text: &str) -> Result<u64> {
    let number = u64::from_str_radix(text, 16).ok().filter(|_| text.len() == 16);
    number.with_context(|| format!("{text:?} is no id; one has 16 hexadecimal digits"))
}

fn path(desk: &Desk, record: &RecordingRecord) -> PathBuf {
    folder(&desk.data_dir).join(record.id.file_name(record.format.extension()))
}

fn folder(data_dir: &Path) -> PathBuf {
    data_dir.join("recordings")
}

/// Deletes the sound of a tenant that is gone.
pub(super) fn delete_all(desk: &Desk, tenant: TenantId) -> Result<()> {
    match std::fs::remove_dir_all(folder(&desk.data_dir).join(tenant.to_string())) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).context("the tenant is deleted, but not its recordings; delete their folder")
        }
        _ => Ok(()),
    }
}
