//! FFmpeg as a reader of recordings that knows nothing of us: it has an Ogg reader and an Opus decoder of its own.

use crate::process::require;
use anyhow::{Context, Result, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Codec and channels of the one stream in a file, as `ffprobe` reads them: `opus,2`.
///
/// # Errors
/// It is not installed, or complains about the file.
pub fn probe(file: &Path) -> Result<String> {
    require("ffprobe")?;
    let mut command = Command::new("ffprobe");
    command.args(["-v", "warning", "-show_entries", "stream=codec_name,channels"]);
    command.args(["-of", "csv=p=0"]).arg(file);
    run(&mut command)
}

/// Decodes a file to 16-bit WAV beside it, with the channels that it has.
///
/// # Errors
/// It is not installed, or complains about the file.
pub fn decode(file: &Path) -> Result<PathBuf> {
    require("ffmpeg")?;
    let to = file.with_extension("decoded.wav");
    let mut command = Command::new("ffmpeg");
    command
        .args(["-v", "warning", "-nostdin", "-xerror", "-y", "-i"])
        .arg(file);
    command
        .args(["-c:a", "pcm_s16le", "-bitexact", "-f", "wav"])
        .arg(&to);
    run(&mut command)?;
    Ok(to)
}

/// What it prints; a warning is an error here.
fn run(command: &mut Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {name}"))?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        output.status.success() && said.trim().is_empty(),
        "{name} ({}): {said}",
        output.status
    );
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
