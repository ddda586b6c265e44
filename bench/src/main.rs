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

mod compare;
mod cpu;
mod digest;
mod hot;
mod house;
mod load;
mod media;
mod phone;
mod ready;
mod score;
mod storm;
mod wire;

use anyhow::Result;
use clap::Parser;
use load::{Mode, Settings};
use std::process::ExitCode;

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
    /// Every phone registers at once after kill -9 and a restart, while calls go on.
    Storm(storm::Settings),
    /// Carillon beside Kamailio: CPU per operation, rates, memory, start-up.
    Compare(compare::Settings),
    /// The media server beside rtpengine: CPU per packet and per call, memory, delay.
    Media(media::Settings),
    /// How speech sounds after each codec and a bad network, by PESQ; fails below bench/score/floor.toml.
    Score(score::Settings),
    /// Wall time of the hot core paths.
    Micro,
    /// Instructions of the hot core paths, compared with bench/instructions.toml.
    Instructions(hot::instructions::Settings),
    /// One hot path so many times, for a profiler.
    HotPath {
        /// Its name in the table.
        name: String,
        /// How often.
        times: u32,
    },
}

fn main() -> ExitCode {
    wire::raise_open_files();
    let result = match Command::parse() {
        Command::Register(settings) => run(Mode::Register, &settings),
        Command::Call(settings) => run(Mode::Call, &settings),
        Command::Hold(settings) => run(Mode::Hold, &settings),
        Command::Ready(settings) => ready::run(&settings),
        Command::Storm(settings) => storm::run(&settings),
        Command::Compare(settings) => compare::run(&settings),
        Command::Media(settings) => media::run(&settings),
        Command::Score(settings) => score::run(&settings),
        Command::Micro => hot::micro::run(),
        Command::Instructions(settings) => hot::instructions::run(&settings),
        Command::HotPath { name, times } => hot::run(&name, times),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error:#}");
            ExitCode::FAILURE
        }
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
