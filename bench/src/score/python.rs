//! PESQ from a published package, in an environment of its own: what is installed is pinned by hashes.

use super::FOLDER;
use anyhow::{Context, Result, ensure};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What builds the package, and the package, which is built from source. What builds it is pinned as well, so pip may not
/// fetch that by itself.
const LISTS: [&str; 2] = ["build.txt", "requirements.txt"];

/// One clip as it was heard.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(crate) struct Score {
    /// MOS-LQO.
    pub(crate) mos: f64,
    /// From being said to being heard.
    pub(crate) delay_ms: f64,
}

/// By codec, then by what was done to it: all clips under all seeds.
pub(crate) type Scores = BTreeMap<String, BTreeMap<String, Vec<Score>>>;

/// Makes the environment, unless it is there; gives its Python.
///
/// # Errors
/// There is no Python with venv, no C compiler, or the packages can't be had.
pub(super) fn prepare(dir: &Path, python: &str) -> Result<PathBuf> {
    let read = |name: &str| fs::read_to_string(Path::new(FOLDER).join(name));
    let wanted = LISTS.map(read).into_iter().collect::<Result<String, _>>()?;
    let (venv, stamp) = (dir.join("venv"), dir.join("venv/installed.txt"));
    let own = venv.join("bin/python");
    if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(own);
    }
    println!("installing PESQ in {}", venv.display());
    let mut make = Command::new(python);
    finish(make.args(["-m", "venv", "--clear"]).arg(&venv)).context("an environment of Python's own")?;
    for name in LISTS {
        let mut pip = Command::new(&own);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]);
        pip.args(["--require-hashes", "--no-deps", "--no-build-isolation", "-r"]);
        finish(pip.arg(Path::new(FOLDER).join(name))).with_context(|| format!("pip with {name}"))?;
    }
    fs::write(stamp, wanted)?;
    Ok(own)
}

/// Scores everything that was heard.
pub(super) fn score(python: &Path, dir: &Path) -> Result<Scores> {
    let script = Path::new(FOLDER).join("score.py");
    let output = Command::new(python).arg(script).arg(dir).output()?;
    let words = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "score.py: {words}");
    serde_json::from_slice(&output.stdout).context("score.py")
}

/// Runs a command to its end; its last words are the error.
fn finish(command: &mut Command) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command
        .output()
        .with_context(|| format!("{program} can't be started"))?;
    let words = [output.stdout, output.stderr].concat();
    let words = String::from_utf8_lossy(&words);
    let lines: Vec<&str> = words.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines.get(lines.len().saturating_sub(5)..).unwrap_or_default();
    ensure!(output.status.success(), "{}", last.join("\n"));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_not_be_installed_is_told() {
        let dir = tempfile::tempdir().unwrap();
        let error = prepare(dir.path(), "no-such-python").unwrap_err();
        let words = format!("{error:#}");
        assert!(words.contains("no-such-python can't be started"), "{words}");
        let error = prepare(dir.path(), "false").unwrap_err();
        assert!(format!("{error:#}").contains("environment"), "{error:#}");
        assert!(!dir.path().join("venv/installed.txt").exists());
    }

    #[test]
    fn everything_that_is_installed_has_a_version_and_hashes() {
        for name in LISTS {
            let text = fs::read_to_string(Path::new(FOLDER).join(name)).unwrap();
            let text = text.replace("\\\n", " ");
            let lines = text.lines().filter(|line| !line.starts_with('#'));
            for line in lines {
                assert!(line.contains("==") && line.contains("--hash=sha256:"), "{line}");
            }
        }
    }
}
