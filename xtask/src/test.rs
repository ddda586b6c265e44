//! `cargo xtask test`: formatting, lints, every test, and a summary of what was counted.

use crate::arguments::Test;
use crate::report::Report;
use crate::{packages, process};
use anyhow::{Context, Result, bail};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Instant;

/// Runs everything; a failed step does not hide the later ones.
///
/// # Errors
/// Names the steps that failed.
pub(crate) fn run(options: &Test) -> Result<()> {
    let begun = Instant::now();
    packages::ensure(packages::TEST)?;
    let mut failed = Vec::new();
    let mut step = |name: &'static str, result: Result<()>| {
        if let Err(error) = result {
            eprintln!("xtask: {error:#}");
            failed.push(name);
        }
    };
    if options.filter.is_none() {
        step("formatting", formatting());
        step("lints", lints());
    }
    let mut report = Report::default();
    step("tests", tests(options.filter.as_deref(), &mut report));
    if options.filter.is_none() {
        step("documentation examples", examples());
    }
    println!("\n{report}");
    let minutes = begun.elapsed().as_secs_f64() / 60.0;
    if !failed.is_empty() {
        bail!("failed after {minutes:.1} minutes: {}", failed.join(", "));
    }
    println!("Everything passed in {minutes:.1} minutes.");
    Ok(())
}

fn formatting() -> Result<()> {
    process::run(&mut process::cargo(&["fmt", "--all", "--check"])).context("`cargo fmt --all` repairs it")
}

fn lints() -> Result<()> {
    process::run(&mut process::cargo(&[
        "clippy",
        "--quiet",
        "--locked",
        "--workspace",
        "--all-targets",
        "--",
        "-D",
        "warnings",
    ]))
}

fn examples() -> Result<()> {
    process::run(&mut process::cargo(&[
        "test",
        "--quiet",
        "--locked",
        "--workspace",
        "--doc",
    ]))
}

fn tests(filter: Option<&str>, report: &mut Report) -> Result<()> {
    if process::answers("cargo-nextest", "--version") {
        return with_nextest(filter, report);
    }
    with_libtest(filter, report)
}

/// nextest keeps the terminal readable and leaves what the tests printed in its JUnit report.
fn with_nextest(filter: Option<&str>, report: &mut Report) -> Result<()> {
    // nextest keeps its reports here whatever CARGO_TARGET_DIR says.
    let path = process::root().join("target/nextest/default/junit.xml");
    let _stale = fs::remove_file(&path);
    let mut command = process::cargo(&["nextest", "run", "--locked", "--workspace"]);
    command
        .args(["--status-level", "slow", "--final-status-level", "slow"])
        .args(filter)
        .env("CARILLON_BIN", binary());
    let result = process::run(&mut command);
    if let Ok(xml) = fs::read_to_string(&path) {
        report.read_junit(&xml);
    }
    result
}

/// Without nextest the same tests run under cargo's own harness; its output is passed on line by line.
fn with_libtest(filter: Option<&str>, report: &mut Report) -> Result<()> {
    let mut command = process::cargo(&[
        "test",
        "--locked",
        "--workspace",
        "--no-fail-fast",
        "--bins",
        "--lib",
        "--tests",
    ]);
    command
        .args(["--", "--show-output"])
        .args(filter)
        .env("CARILLON_BIN", binary())
        .stdout(Stdio::piped());
    let mut child = command.spawn().context("cannot start cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    for line in BufReader::new(output).lines() {
        let line = line.context("cannot read what cargo test prints")?;
        println!("{line}");
        report.read_line(&line);
    }
    finish(&mut child)
}

/// The server that the interoperability tests start; cargo builds it on the way, for its own tests need it too.
fn binary() -> PathBuf {
    process::target_dir().join("debug/carillon")
}

fn finish(child: &mut Child) -> Result<()> {
    let status = child.wait().context("cannot wait for cargo test")?;
    if !status.success() {
        bail!("cargo test failed ({status})");
    }
    Ok(())
}
