//! The project's measuring tools: a load generator with a server's CPU cost per operation, timings and
//! instruction counts of the hot core paths, and a comparison beside another server.
//!
//! `cargo run -p bench --release -- help` lists the commands. Quote CPU per operation, not rates: machines are
//! shared and noisy.
#![forbid(unsafe_code)]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a load generator is a shell: it reads the clock, opens sockets and starts servers"
)]

mod cpu;
mod digest;
mod load;
mod ready;
mod report;
mod wire;

use anyhow::Result;
use clap::Parser;
use load::{Mode, Settings};

/// Load, timings and counts.
#[derive(Parser)]
#[command(name = "bench")]
enum Command {
    /// Registrations with digest.
    Register(Settings),
    /// Calls between phones of our own.
    Call(Settings),
    /// Calls that stand: memory per call, and CPU per RTP packet with --rtp.
    Hold(Settings),
    /// Time from starting a command until it answers OPTIONS.
    Ready(ready::Settings),
}

fn main() -> Result<()> {
    match Command::parse() {
        Command::Register(settings) => run(Mode::Register, &settings),
        Command::Call(settings) => run(Mode::Call, &settings),
        Command::Hold(settings) => run(Mode::Hold, &settings),
        Command::Ready(settings) => ready::run(&settings),
    }
}

fn run(mode: Mode, settings: &Settings) -> Result<()> {
    let report = load::run(mode, settings)?;
    if settings.json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
