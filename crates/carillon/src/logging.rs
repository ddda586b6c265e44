//! The log: one line per event on standard error.
//!
//! Per packet is trace, per call is debug; numbers, names and secrets of callers appear from debug downwards only.

use anyhow::{Result, anyhow};
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Starts logging, as text or as a JSON object per line. `CARILLON_LOG` beats `filter`, so that an operator can look closer without
/// editing a file.
///
/// # Errors
/// The filter is none.
pub(crate) fn start(filter: &str, json: bool) -> Result<()> {
    let wanted = std::env::var("CARILLON_LOG").unwrap_or_else(|_| filter.to_owned());
    let filter = check(&wanted)?;
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(!json && std::io::stderr().is_terminal())
        .with_target(false);
    let started = match json {
        true => log.json().flatten_event(true).try_init(),
        false => log.try_init(),
    };
    started.map_err(|e| anyhow!("cannot start the log: {e}"))
}

/// Reads a filter such as `info` or `warn,node=debug`.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn check(filter: &str) -> Result<EnvFilter> {
    EnvFilter::try_new(filter)
        .map_err(|e| anyhow!("log filter {filter:?}: {e}; write a level such as info, or warn,node=debug"))
}
