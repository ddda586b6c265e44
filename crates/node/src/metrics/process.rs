//! What the kernel knows of this process, under the names that Prometheus's own libraries give it.

use super::text::{Kind, Page};
use std::fs;

/// Octets of a page of memory, and ticks of `/proc/self/stat` per second, on every Linux that we run on.
const PAGE_OCTETS: u64 = 4_096;
const TICKS: f64 = 100.0;

/// Adds what can be read; what can't be is left out.
pub(super) fn describe(page: &mut Page) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let mut pages = statm.split_ascii_whitespace().map(|n| n.parse::<u64>().ok());
    let (all, resident) = (pages.next().flatten(), pages.next().flatten());
    for (name, help, pages) in [
        ("process_virtual_memory_bytes", "Virtual memory, octets.", all),
        (
            "process_resident_memory_bytes",
            "Memory in use, octets.",
            resident,
        ),
    ] {
        if let Some(pages) = pages {
            page.single(name, Kind::Gauge, help, pages.saturating_mul(PAGE_OCTETS));
        }
    }
    if let Some(seconds) = cpu_seconds(&fs::read_to_string("/proc/self/stat").unwrap_or_default()) {
        let (name, help) = ("process_cpu_seconds_total", "Processor time used, seconds.");
        page.single(name, Kind::Counter, help, seconds);
    }
    if let Ok(entries) = fs::read_dir("/proc/self/fd") {
        page.single(
            "process_open_fds",
            Kind::Gauge,
            "Open descriptors.",
            entries.count(),
        );
    }
}

/// User and system time: the 14th and 15th fields (proc(5)), counted behind the name, which may have blanks.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut times = behind.split_ascii_whitespace().skip(11);
    let (user, system): (u32, u32) = (times.next()?.parse().ok()?, times.next()?.parse().ok()?);
    Some((f64::from(user) + f64::from(system)) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::cpu_seconds;

    #[test]
    fn times_are_found_behind_a_name_with_blanks_and_brackets() {
        let stat = "12 (a ) b) S 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(cpu_seconds("12 (a"), None);
    }
}
