//! `bench storm` in small: the command works, everybody comes back, and calls are served meanwhile.
#![allow(clippy::unwrap_used, reason = "a test")]
#![allow(
    clippy::disallowed_methods,
    reason = "a test with real programs: it starts processes and asks cargo for the server"
)]

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Runs a storm whose phones all come back; gives its outcome.
fn storm(transport: &str, users: u32) -> Value {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.args(["storm", "--json", "--callers", "20", "--rate", "10"]);
    command.args(["--talk-ms", "200", "--transport", transport]);
    command.args(["--users", &users.to_string()]);
    let output = command.arg("--carillon").arg(carillon()).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{text}{error}");
    let outcome: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(count(&outcome, "/returned/back"), u64::from(users), "{text}");
    assert_eq!(count(&outcome, "/calls/failed"), 0, "{text}");
    outcome
}

fn count(outcome: &Value, place: &str) -> u64 {
    outcome.pointer(place).and_then(Value::as_u64).unwrap()
}

#[test]
fn five_thousand_phones_come_back_at_once_while_calls_are_served() {
    let outcome = storm("udp", 5_000);
    assert!(count(&outcome, "/calls/succeeded") > 0, "{outcome}");
    println!("COUNT bench/storm 5000");
}

/// The links of the generator over WebSocket and TLS at once; too short for a call to be sure.
#[test]
fn pages_come_back_over_secure_websockets() {
    storm("wss", 500);
}
