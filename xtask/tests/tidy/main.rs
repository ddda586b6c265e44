//! Rules of the house that no compiler knows, run as ordinary tests.
//!
//! Each failure names file, line and rule. The table of crates in ARCHITECTURE.md and the lists in deny.toml are
//! what is checked, so the documents can't drift from the code.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "these tests ask cargo about the workspace, and a failure to do so is a failed test"
)]

mod circles;
mod crates;
mod licences;
mod rules;
mod source;

use serde_json::Value;
use std::path::PathBuf;
use std::process::Command;

/// The crates that know no clock, socket, thread or environment.
const CORES: [&str; 15] = [
    "model", "link", "sip", "sdp", "rtp", "audio", "prompts", "number", "stir", "border", "tenancy", "flow",
    "pbx", "media", "trace",
];

fn root() -> PathBuf {
    let own = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    own.parent().expect("xtask lies in the repository").to_path_buf()
}

/// `cargo metadata`, for the platform that we build for, without the network.
fn metadata() -> Value {
    let output = Command::new(env!("CARGO"))
        .current_dir(root())
        .args([
            "metadata",
            "--offline",
            "--format-version",
            "1",
            "--filter-platform",
        ])
        .arg(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).expect("cargo prints JSON")
}

/// Fails with all findings at once.
fn none(findings: &[String], rule: &str) {
    assert!(findings.is_empty(), "{rule}\n  {}", findings.join("\n  "));
}
