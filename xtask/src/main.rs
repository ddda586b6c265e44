//! Automation of the repository: `cargo xtask up` for a first look, `cargo xtask test` for every check.
//!
//! Owns: what a developer or continuous integration starts. Does not own: anything the product does; it
//! drives the `carillon` binary as an operator would. Kept free of heavy dependencies so that it builds in seconds.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "automation starts programs, waits for them and looks at ports; no core is here"
)]

mod arguments;
mod demo;
mod packages;
mod process;
mod prompts;
mod report;
mod test;
mod up;

use anyhow::{Result, bail};
use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask up [--port N] [--detach]   build, start a demo company, print what to type into a phone
cargo xtask test [FILTER]              every check; with FILTER only the tests whose name contains it
cargo xtask prompts [LANGUAGE…] [--again]   speak the prompts whose text changed, or all again";

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("up") => up::run(&arguments::up(arguments)?),
        Some("test") => test::run(&arguments::test(arguments)?),
        Some("prompts") => prompts::run(&arguments::prompts(arguments)?),
        Some("help" | "--help" | "-h") | None => {
            println!("{USAGE}");
            Ok(())
        }
        Some(other) => bail!("there is no command `{other}`; choose one of\n{USAGE}"),
    }
}
