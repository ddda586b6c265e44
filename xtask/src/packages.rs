//! Debian packages: what the build and the tests use besides Rust, and how they get there.

use crate::process;
use anyhow::{Context, Result};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

/// What building Carillon takes: SQLite, the cryptography and libopus are compiled from C.
pub(crate) const BUILD: &[&str] = &["gcc", "libc6-dev", "cmake", "make"];

/// What builds Carillon, and the phones, the load generator and the reader of recordings that the interoperability tests use.
pub(crate) const TEST: &[&str] = &[
    "gcc",
    "libc6-dev",
    "cmake",
    "make",
    "baresip-core",
    "sip-tester",
    "openssl",
    "sipsak",
    "linphone-cli",
    "ffmpeg",
    "chromium",
    "sipvicious",
    "tshark",
    "curl",
    SERVICE,
];

/// The one of them that Debian starts as a service.
const SERVICE: &str = "kamailio";

/// What makes the sounds of the prompts, besides npm, which is often there without being a package.
pub(crate) const PROMPTS: &[&str] = &[
    "gcc",
    "libc6-dev",
    "cmake",
    "make",
    "python3",
    "python3-venv",
    "espeak-ng",
];

/// Installs what is missing when we may; else says what to type and goes on, for what is missing shows
/// itself later (a test prints `SKIP`).
///
/// # Errors
/// We are root, and the installation failed.
pub(crate) fn ensure(wanted: &[&str]) -> Result<()> {
    let missing = missing(wanted);
    if missing.is_empty() {
        return Ok(());
    }
    let line = format!("apt-get install -y --no-install-recommends {}", missing.join(" "));
    if !is_root() {
        println!("Not installed: {}. To install: sudo {line}", missing.join(", "));
        return Ok(());
    }
    println!("Installing {}", missing.join(", "));
    if missing.contains(&SERVICE) && Path::new("/run/systemd/system").exists() {
        // The tests start it themselves; as a service it would take port 5060.
        process::run(Command::new("systemctl").args(["mask", SERVICE]))?;
    }
    if install(&missing).is_err() {
        process::run(Command::new("apt-get").args(["update", "-qq"]))?;
        install(&missing).with_context(|| format!("install them by hand: {line}"))?;
    }
    Ok(())
}

fn install(missing: &[&str]) -> Result<()> {
    let mut command = Command::new("apt-get");
    command
        .args(["install", "-y", "-qq", "--no-install-recommends"])
        .args(missing);
    process::run(command.env("DEBIAN_FRONTEND", "noninteractive"))
}

/// The packages that dpkg doesn't list as installed; none where there is no dpkg, for then the names mean nothing.
fn missing<'a>(wanted: &[&'a str]) -> Vec<&'a str> {
    if !process::answers("dpkg-query", "--version") {
        return Vec::new();
    }
    let installed = |package: &&str| {
        process::capture(Command::new("dpkg-query").args(["-W", "-f=${db:Status-Status}", package]))
            .is_ok_and(|status| status == "installed")
    };
    wanted
        .iter()
        .copied()
        .filter(|package| !installed(package))
        .collect()
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
