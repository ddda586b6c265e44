//! `cargo xtask prompts`: makes the sounds of the prompts from their catalogues, those that changed; and the music.
//!
//! Owns: which sounds are stale, and the record of what they say. Does not own: the voice (`kokoro`), nor loudness and
//! encoding, which is the example `press` of crate `prompts`.

mod kokoro;
mod library;

use crate::arguments::Prompts;
use crate::{packages, process};
use anyhow::{Context, Result, bail};
use kokoro::{Kokoro, VOICES, Voice};
use library::Library;
use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

/// Brings the sounds up to date.
///
/// # Errors
/// A tool is missing or failed; what was made before stays, and the next run goes on from there.
pub(crate) fn run(options: &Prompts) -> Result<()> {
    let mut wanted = packages::PROMPTS.to_vec();
    if !process::answers("npm", "--version") {
        wanted.push("npm");
    }
    packages::ensure(&wanted)?;
    let languages: Vec<&Voice> = match options.languages.as_slice() {
        [] => VOICES.iter().collect(),
        chosen => chosen.iter().map(|code| voice(code)).collect::<Result<_>>()?,
    };
    let common = process::root().join("crates/prompts/sounds/common");
    if options.again || !common.join("music/default.opus").exists() {
        press(&["common", &common.to_string_lossy()], "")?;
        println!("Music and tones are made.");
    }
    for voice in languages {
        speak(voice, options.again)?;
    }
    Ok(())
}

fn voice(code: &str) -> Result<&'static Voice> {
    let known = VOICES.iter().find(|voice| voice.language == code);
    known.with_context(|| {
        let codes: Vec<&str> = VOICES.iter().map(|voice| voice.language).collect();
        format!(
            "there is no voice for `{code}`; there are voices for {}",
            codes.join(", ")
        )
    })
}

/// Speaks what is stale of a language.
fn speak(voice: &Voice, again: bool) -> Result<()> {
    let library = Library::read(&process::root().join("crates/prompts"), voice.language)?;
    library.remove_orphans()?;
    let stale = library.stale(again);
    if stale.is_empty() {
        println!("{}: every sound says what its catalogue says.", voice.language);
        return library.record(None);
    }
    println!(
        "{}: {} sounds to make, about 3 s each",
        voice.language,
        stale.len()
    );
    let kokoro = Kokoro::ready(voice)?;
    let folder = process::target_dir().join("prompts").join(voice.language);
    let wav = |name: &str| folder.join(format!("{name}.wav"));
    let spoken: Vec<(&str, _)> = stale.iter().map(|name| (library.text(name), wav(name))).collect();
    kokoro.speak(&spoken)?;
    let line = |name: &&str| {
        let (from, to) = (wav(name), library.sound(name));
        format!("{}\t{}\n", from.display(), to.display())
    };
    press(&["spoken"], &stale.iter().map(line).collect::<String>())?;
    library.record(Some(&kokoro.provenance()?))
}

/// Runs the example of crate `prompts` that trims, levels and encodes.
fn press(arguments: &[&str], lines: &str) -> Result<()> {
    let run = [
        "run",
        "--quiet",
        "--release",
        "--locked",
        "--package",
        "prompts",
        "--example",
        "press",
        "--",
    ];
    let mut command = process::cargo(&run);
    command.args(arguments);
    feed(&mut command, lines).context("the sounds could not be encoded")
}

/// Runs a program with a text as its input.
fn feed(command: &mut std::process::Command, text: &str) -> Result<()> {
    let mut child = command.stdin(Stdio::piped()).spawn().context("cannot start it")?;
    let mut input = child.stdin.take().context("it takes no input")?;
    let given = input.write_all(text.as_bytes());
    drop(input);
    let status = child.wait().context("cannot wait for it")?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    given.context("it did not read its input")
}

/// Makes the folder that a file will lie in.
fn make_room(file: &Path) -> Result<()> {
    let folder = file.parent().context("a file without a folder")?;
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))
}
