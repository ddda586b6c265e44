//! What an operator gives as a file, or as standard input.
//!
//! Owns: reading it within a bound. Does not own: what is in it.

use anyhow::{Context, Result, bail};
use std::fs::File;
use std::io::{Read, stdin};
use std::path::Path;

/// The octets of a file, of standard input for `-`.
///
/// # Errors
/// It can't be read, or has more octets than that.
pub(super) fn octets(file: &Path, most: u64) -> Result<Vec<u8>> {
    let mut content = Vec::new();
    let read = match file == Path::new("-") {
        true => stdin().take(most + 1).read_to_end(&mut content),
        false => File::open(file).and_then(|file| file.take(most + 1).read_to_end(&mut content)),
    };
    read.with_context(|| format!("cannot read {}", file.display()))?;
    if content.len() as u64 > most {
        bail!("{} has more than {most} octets", file.display());
    }
    Ok(content)
}
