//! What a process that was killed has left: notes without a row in the database, and files without an end.

use super::file::Broken;
use super::note::{LONGEST, Note};
use super::{SpoolDesk, file};
use anyhow::{Context, Result};
use model::{RecordingEnd, RecordingId, TenantId};
use std::fs::{self, DirBuilder, File};
use std::io::Read;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::atomic::Ordering;

/// By a kill.
const CUT: Broken = Broken {
    end: RecordingEnd::Cut,
    why: None,
};

/// Ends what has no end, and hands everything that has a note to the keeper, who knows what is in the database already.
///
/// # Errors
/// The directory can't be made or read. A tenant's folder that can't be read, or a single recording that can't be mended, is
/// left and told of.
pub(super) fn recover(desk: &SpoolDesk) -> Result<()> {
    let root = &desk.root;
    let made = DirBuilder::new().recursive(true).mode(0o700).create(root);
    made.with_context(|| format!("cannot make {}; make the data directory writable", root.display()))?;
    for tenant in list(root)? {
        let Ok(number) = tenant.parse() else { continue };
        let folder = list(&root.join(&tenant)).inspect_err(|error| {
            tracing::error!(tenant, "recordings that were cut are left as they are: {error:#}");
        });
        for name in folder.unwrap_or_default() {
            let id = name
                .strip_suffix(".note")
                .and_then(|hex| u64::from_str_radix(hex, 16).ok());
            let Some(number) = id.map(|id| RecordingId {
                tenant: TenantId(number),
                number: id,
            }) else {
                continue;
            };
            if let Err(error) = recover_one(desk, number, &root.join(&tenant).join(&name)) {
                tracing::error!(tenant, "a recording is left as it is: {error:#}");
            }
        }
    }
    Ok(())
}

fn recover_one(desk: &SpoolDesk, id: RecordingId, path: &Path) -> Result<()> {
    let mut octets = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut octets)?;
    // A full disk, or a power cut, may have cut a character.
    let text = String::from_utf8_lossy(&octets);
    let Some(note) = Note::parse(id, &text) else {
        // Nothing was written before its first line.
        return Ok(fs::remove_file(path)?);
    };
    if note.is_ended {
        desk.finish(note.record);
        return Ok(());
    }
    if let Some(record) = file::mend(&desk.root, note, CUT)? {
        desk.cut.fetch_add(1, Ordering::Relaxed);
        desk.finish(record);
    }
    Ok(())
}

/// Names in a directory; of other things than files and directories nothing is expected.
fn list(dir: &Path) -> Result<Vec<String>> {
    let entries = fs::read_dir(dir).with_context(|| format!("cannot read {}", dir.display()))?;
    let names = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned());
    Ok(names.collect())
}
