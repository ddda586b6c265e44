//! Wall time of the hot paths: for a look, and for the two limits that are promised in nanoseconds.
//!
//! The best of many short rounds is taken, as other work on the machine only ever adds.

use super::PATHS;
use anyhow::{Result, bail};
use std::time::Instant;

const ROUNDS: u32 = 60;
const TIMES: u32 = 5_000;

/// Prints every path's best and median time; fails when a limit is exceeded.
pub(crate) fn run() -> Result<()> {
    let mut slow = Vec::new();
    for path in PATHS {
        let mut operation = path.operation()?;
        let mut rounds: Vec<f64> = (0..ROUNDS).map(|_| round(&mut operation)).collect();
        rounds.sort_unstable_by(f64::total_cmp);
        let best = rounds.first().copied().unwrap_or_default();
        let median = rounds.get(rounds.len() / 2).copied().unwrap_or_default();
        let limit = path
            .limit_ns
            .map_or(String::new(), |ns| format!(", at most {ns:.0}"));
        println!(
            "{:<22} best {best:>8.0} ns, median {median:>8.0} ns{limit}   {}",
            path.name, path.what
        );
        if path.limit_ns.is_some_and(|limit| best > limit) {
            slow.push(path.name);
        }
    }
    if !slow.is_empty() {
        bail!("slower than promised: {}", slow.join(", "));
    }
    Ok(())
}

fn round(operation: &mut super::Operation) -> f64 {
    let start = Instant::now();
    for _ in 0..TIMES {
        operation();
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(TIMES)
}
