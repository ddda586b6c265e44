//! `bench storm` in small: the command works, everybody comes back, and calls are served meanwhile.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test with real programs: it starts processes and asks cargo for the server"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

const USERS: &str = "5000";

/// `CARILLON_BIN`, else the server beside the program under test, brought up to date first.
fn carillon() -> PathBuf {
    if let Some(named) = std::env::var_os("CARILLON_BIN") {
        return named.into();
    }
    let folder = Path::new(env!("CARGO_BIN_EXE_bench")).parent().unwrap();
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--quiet", "--package", "carillon", "--target-dir"]);
    let built = command.arg(folder.parent().unwrap()).status().unwrap();
    assert!(built.success(), "cargo build failed");
    folder.join("carillon")
}

#[test]
fn five_thousand_phones_come_back_at_once_while_calls_are_served() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args([
        "storm",
        "--json",
        "--users",
        USERS,
        "--callers",
        "20",
        "--rate",
        "10",
        "--talk-ms",
        "200",
    ]);
    let output = command.arg("--carillon").arg(carillon()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    let outcome: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(outcome["returned"]["back"], 5_000, "{text}");
    assert!(outcome["calls"]["succeeded"].as_u64().unwrap() > 0, "{text}");
    assert_eq!(outcome["calls"]["failed"], 0, "{text}");
    println!("COUNT bench/storm 5000");
}
