//! The `carillon` binary: commands, the configuration file, and the wiring of a server.
//!
//! Owns: what an operator types and reads. Does not own: telephony (`node` and below) or rows (`store`).
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "the outermost shell: it reads the environment, the clock and files, and starts threads"
)]

mod arguments;
mod command;
mod config;
mod control;
mod logging;
mod output;
mod place;
mod serve;

use arguments::{Arguments, Command};
use clap::Parser;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    match run(&arguments) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("carillon: {}", output::one_line(&format!("{error:#}")));
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    match &arguments.command {
        Command::Serve => serve::run(&arguments.global).map(|()| ExitCode::SUCCESS),
        Command::CheckConfig { file } => config::check(file),
        other => command::run(other, &arguments.global).map(|()| ExitCode::SUCCESS),
    }
}
