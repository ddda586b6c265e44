//! Instructions per operation of the hot paths, compared with a committed table.
//!
//! Each path runs in a process of its own under callgrind, N times and 2N times: the difference divided by N is
//! the operation alone, whatever starting and setting up cost. Counts don't depend on how busy a machine is,
//! but on the compiler and on what the processor offers to the cryptography, so the table names the compiler.

use super::PATHS;
use anyhow::{Context as _, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Operations between the two runs.
const TIMES: u32 = 400;
/// Of those that have so many instructions, a few are enough.
const LONG: u64 = 2_000_000;
const FEW: u32 = 20;
/// A rise above this fails.
const TOLERANCE_PERCENT: u32 = 5;
const HEAD: &str = "# Instructions per operation of the hot paths, release profile. A path that rises by more than 5 % fails\n\
    # `cargo run -p bench --release -- instructions`; with --update the table is written anew, and the commit\n\
    # says why a count rose.\n\n";

/// Settings of `bench instructions`.
#[derive(Clone, Debug, clap::Args)]
pub(crate) struct Settings {
    /// Write the table instead of comparing with it.
    #[arg(long)]
    update: bool,
}

#[derive(Default, Serialize, Deserialize)]
struct Table {
    /// What compiled the program that was counted.
    compiler: String,
    /// By path.
    instructions: BTreeMap<String, u64>,
}

/// Counts every path and compares, or updates the table.
pub(crate) fn run(settings: &Settings) -> Result<()> {
    let mut now = Table {
        compiler: compiler()?,
        instructions: BTreeMap::new(),
    };
    for path in PATHS {
        now.instructions.insert(path.name.to_owned(), each(path.name)?);
    }
    if settings.update {
        fs::write(file(), format!("{HEAD}{}", toml::to_string(&now)?))?;
        println!("wrote {}", file().display());
        return Ok(());
    }
    let text = fs::read_to_string(file())
        .with_context(|| format!("no table {}; run with --update", file().display()))?;
    compare(&toml::from_str(&text)?, &now)
}

fn compare(allowed: &Table, now: &Table) -> Result<()> {
    if allowed.compiler != now.compiler {
        println!(
            "note: the table is from {}, this is {}",
            allowed.compiler, now.compiler
        );
    }
    let mut risen = Vec::new();
    for (name, count) in &now.instructions {
        let Some(before) = allowed.instructions.get(name) else {
            println!("{name:<22} {count:>8}   new: run with --update");
            risen.push(name.as_str());
            continue;
        };
        let percent = (*count as f64 / (*before).max(1) as f64 - 1.0) * 100.0;
        println!("{name:<22} {count:>8}   {percent:+.1} %");
        if u128::from(*count) * 100 > u128::from(*before) * (100 + u128::from(TOLERANCE_PERCENT)) {
            risen.push(name);
        }
    }
    if !risen.is_empty() {
        bail!(
            "above the table by more than {TOLERANCE_PERCENT} %: {}",
            risen.join(", ")
        );
    }
    Ok(())
}

/// Instructions of one operation.
fn each(name: &str) -> Result<u64> {
    let few = between(name, FEW)?;
    if few < LONG { between(name, TIMES) } else { Ok(few) }
}

fn between(name: &str, times: u32) -> Result<u64> {
    Ok(count(name, times * 2)?.saturating_sub(count(name, times)?) / u64::from(times))
}

/// Instructions of one whole process.
fn count(name: &str, times: u32) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(std::env::current_exe()?)
        .args(["hot-path", name, &times.to_string()])
        .output()
        .context("cannot start valgrind; `apt-get install valgrind` brings it")?;
    let text = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        bail!(
            "{name} under valgrind: {}",
            text.lines().last().unwrap_or_default()
        );
    }
    let collected = text
        .lines()
        .find_map(|l| l.split_once("Collected : ").map(|(_, n)| n.trim()));
    Ok(collected.context("callgrind printed no count")?.parse()?)
}

fn compiler() -> Result<String> {
    let output = Command::new("rustc")
        .arg("--version")
        .output()
        .context("cannot start rustc")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

fn file() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("instructions.toml")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(count: u64) -> Table {
        Table {
            compiler: "c".into(),
            instructions: BTreeMap::from([("a".to_owned(), count)]),
        }
    }

    #[test]
    fn five_percent_more_passes_and_six_fails() {
        assert!(compare(&table(100), &table(105)).is_ok());
        assert!(compare(&table(100), &table(106)).is_err());
        assert!(compare(&table(100), &table(50)).is_ok());
        assert!(compare(&Table::default(), &table(1)).is_err());
    }
}
