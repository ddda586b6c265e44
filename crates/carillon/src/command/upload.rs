//! Sound files that an operator gives, on their way into the store.
//!
//! Owns: reading them within a bound, and words for what is wrong. Does not own: what a good file is (`audio::sound`).

use crate::output::printable;
use anyhow::{Context, Result, anyhow, bail};
use audio::sound::{Normal, normalise};
use model::{Policy, Wall, Words};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// Octets of a file: ten minutes of 24 bits in stereo at 48 kHz are 173 MB.
const LARGEST: u64 = 200_000_000;
/// Characters of a file's name that are kept.
const LONGEST_NAME: usize = 200;

/// Reads, checks and encodes a file.
pub(super) fn read(path: &Path) -> Result<Normal> {
    let shown = path.display();
    let file = File::open(path).with_context(|| format!("cannot read {shown}"))?;
    let is_file = file.metadata().is_ok_and(|file| file.is_file());
    if !is_file {
        bail!("{shown} is no file");
    }
    let mut octets = Vec::new();
    let read = file.take(LARGEST + 1).read_to_end(&mut octets);
    read.with_context(|| format!("cannot read {shown}"))?;
    if octets.len() as u64 > LARGEST {
        bail!(
            "{shown} has more than {} MB; save it as Ogg-Opus",
            LARGEST / 1_000_000
        );
    }
    normalise(&octets).map_err(|error| anyhow!("{shown}: {error}"))
}

/// What is kept of where a file came from: its name without folders.
pub(super) fn source(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    printable(&name).chars().take(LONGEST_NAME).collect()
}

/// Now.
pub(super) fn now() -> Wall {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    Wall(since.map_or(0, |since| u64::try_from(since.as_millis()).unwrap_or(0)))
}

/// `1:05`.
pub(super) fn length(ms: u64) -> String {
    let seconds = ms.div_ceil(1_000);
    format!("{}:{:02}", seconds / 60, seconds % 60)
}

/// Numbers with flows that say this.
pub(super) fn flows_with(policy: &Policy, word: &Words) -> Vec<String> {
    let flows = policy.flows.iter().filter(|(_, draft)| flow::says(draft, word));
    flows.map(|(number, _)| number.clone()).collect()
}
