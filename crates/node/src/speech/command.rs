//! A program that speaks: text in, sound out.
//!
//! The text is never an argument and never seen by a shell, so nothing in it is more than text.

use super::LARGEST;
use anyhow::{Context, Result, bail};
use std::io::{Read, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

/// Octets of what a program complains that are read.
const COMPLAINT: u64 = 4_096;

/// Runs it; it is killed when it takes too long.
pub(super) fn speak(
    argv: &[String],
    (voice, language): (Option<&str>, &str),
    text: &str,
    timeout: Duration,
) -> Result<Vec<u8>> {
    let fill = |part: &String| {
        let part = part.replace("{language}", language);
        part.replace("{voice}", voice.unwrap_or_default())
    };
    let mut argv = argv.iter().map(fill);
    let program = argv.next().context("the speech command is empty")?;
    let mut child = Command::new(&program)
        .args(argv)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("cannot start the speech command {program}; see [speech] command"))?;
    let said = converse(&mut child, text, Instant::now() + timeout);
    // Also after an error: nothing of it stays behind.
    let _already_gone = child.kill();
    let status = child.wait();
    let (sound, complaint) = said.with_context(|| format!("the speech command {program}"))?;
    let status = status.with_context(|| format!("the speech command {program}"))?;
    // It may have been killed behind its last octet; then what it said is complete all the same.
    if status.code().is_some_and(|code| code != 0) || sound.is_empty() {
        let complaint = super::http::one_line(&complaint);
        bail!("the speech command {program} gave no sound ({status}): {complaint}");
    }
    Ok(sound)
}

/// Gives it the text; takes what it says and what it complains, to the end of both.
fn converse(child: &mut Child, text: &str, end: Instant) -> Result<(Vec<u8>, String)> {
    let (Some(mut input), Some(output), Some(errors)) =
        (child.stdin.take(), child.stdout.take(), child.stderr.take())
    else {
        bail!("has no pipes");
    };
    let text = format!("{text}\n");
    // One that does not read is as good as one that does: what counts is what it says.
    thread::spawn(move || input.write_all(text.as_bytes()));
    let complaint = reader(errors.take(COMPLAINT));
    let most = u64::try_from(LARGEST).unwrap_or(u64::MAX);
    let sound = reader(output.take(most + 1));
    let left = || end.saturating_duration_since(Instant::now());
    let sound = match sound.recv_timeout(left()) {
        Ok(sound) => sound.context("cannot be read")?,
        Err(RecvTimeoutError::Timeout) => bail!("takes too long; see [speech] timeout_s"),
        Err(RecvTimeoutError::Disconnected) => bail!("said nothing"),
    };
    if sound.len() > LARGEST {
        bail!("says more than {} MB", LARGEST >> 20);
    }
    // It has closed its output: it is about to end.
    loop {
        match child.try_wait() {
            Ok(Some(_)) => break,
            Ok(None) if left().is_zero() => bail!("does not end; see [speech] timeout_s"),
            Ok(None) => thread::sleep(Duration::from_millis(5)),
            Err(error) => return Err(error.into()),
        }
    }
    let complaint = complaint.recv_timeout(Duration::from_millis(200));
    let complaint = complaint.ok().and_then(Result::ok).unwrap_or_default();
    Ok((sound, String::from_utf8_lossy(&complaint).into_owned()))
}

/// Reads to the end by a thread of its own: a pipe has no timeout.
fn reader(mut from: impl Read + Send + 'static) -> std::sync::mpsc::Receiver<std::io::Result<Vec<u8>>> {
    let (done, octets) = channel();
    thread::spawn(move || {
        let mut all = Vec::new();
        let read = from.read_to_end(&mut all).map(|_| all);
        let _nobody_waits = done.send(read);
    });
    octets
}
