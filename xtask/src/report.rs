//! The summary of a test run. A test that runs many cases prints one line, `COUNT <what> <number>`; a
//! test that can't run here prints `SKIP <why>`. Both are collected from whatever harness ran them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What every complete run must have counted; a missing one is shown as such.
const EXPECTED: &[&str] = &[
    "rfc4475/udp",
    "rfc4475/tcp",
    "rfc4475/tcp-octets",
    "rfc4475/tls",
    "rfc4475/ws",
    "rfc4475/ws-fragments",
    "rfc4475/wss",
    "scenarios",
    "seeds",
    "hostile/core",
    "hostile/udp",
    "hostile/tcp",
    "hostile/tls",
    "hostile/ws",
    "hostile/wss",
    "hostile/frames",
    "bench/storm",
    "interop/udp",
    "interop/tcp",
    "interop/tls",
    "interop/wss",
    "sipp/registrations",
    "sipp/calls",
];

/// Numbers gathered so far.
#[derive(Debug, Default)]
pub(crate) struct Report {
    tests: BTreeMap<String, u64>,
    counts: BTreeMap<String, u64>,
    skipped: BTreeSet<String>,
}

impl Report {
    /// Reads one line that a test or cargo's harness printed.
    pub(crate) fn read_line(&mut self, line: &str) {
        let line = line.trim();
        if let Some((what, number)) = line.strip_prefix("COUNT ").and_then(counted) {
            *self.counts.entry(what.to_owned()).or_default() += number;
        } else if let Some(why) = line.strip_prefix("SKIP ").or_else(|| line.strip_prefix("SKIP:")) {
            self.skipped.insert(why.trim().to_owned());
        } else if let Some(number) = line.strip_prefix("test result: ").and_then(passed) {
            *self.tests.entry("all crates".to_owned()).or_default() += number;
        }
    }

    /// Reads a JUnit report: the number of tests per binary, and what they printed.
    pub(crate) fn read_junit(&mut self, xml: &str) {
        for line in xml.lines() {
            let line = line.trim();
            if line.starts_with("<testsuite ")
                && let (Some(name), Some(tests)) = (attribute(line, "name"), attribute(line, "tests"))
                && let Ok(tests) = tests.parse()
            {
                self.tests.insert(name.to_owned(), tests);
            }
            let text = ["<system-out>", "<system-err>", "</system-out>", "</system-err>"]
                .iter()
                .fold(line.to_owned(), |text, tag| text.replace(tag, ""));
            // Every test printed such a line of its own; its suite has counted it.
            if text.trim_start().starts_with("test result: ") {
                continue;
            }
            self.read_line(
                &text
                    .replace("&gt;", ">")
                    .replace("&lt;", "<")
                    .replace("&amp;", "&"),
            );
        }
    }
}

/// `<what> <number>`.
fn counted(rest: &str) -> Option<(&str, u64)> {
    let (what, number) = rest.trim().rsplit_once(' ')?;
    Some((what.trim(), number.parse().ok()?))
}

/// `ok. 12 passed; 0 failed; …`.
fn passed(rest: &str) -> Option<u64> {
    rest.split_once(". ")?.1.split_once(" passed")?.0.parse().ok()
}

fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = tag.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total: u64 = self.tests.values().sum();
        writeln!(f, "Tests: {total}")?;
        for (binary, number) in &self.tests {
            writeln!(f, "  {number:>6}  {binary}")?;
        }
        writeln!(f, "Cases counted by the tests:")?;
        for (what, number) in &self.counts {
            writeln!(f, "  {number:>6}  {what}")?;
        }
        for what in EXPECTED.iter().filter(|what| !self.counts.contains_key(**what)) {
            writeln!(f, "    none  {what}")?;
        }
        if !self.skipped.is_empty() {
            writeln!(f, "Skipped:")?;
        }
        self.skipped.iter().try_for_each(|why| writeln!(f, "  {why}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_added_up_from_a_junit_report() {
        let mut report = Report::default();
        report.read_junit(concat!(
            "<testsuite name=\"sip::torture\" tests=\"2\" disabled=\"0\">\n",
            "<system-out>running\nCOUNT rfc4475/udp 40\nSKIP no baresip &amp; no sox</system-out>\n",
            "<system-out>COUNT rfc4475/udp 9</system-out>\n",
        ));
        assert_eq!(report.tests.get("sip::torture"), Some(&2));
        assert_eq!(report.counts.get("rfc4475/udp"), Some(&49));
        assert!(report.skipped.contains("no baresip & no sox"));
        assert!(report.to_string().contains("none  rfc4475/tls"));
    }

    #[test]
    fn totals_come_from_the_plain_harness_too() {
        let mut report = Report::default();
        report.read_line("test result: ok. 12 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        report.read_line("test result: FAILED. 3 passed; 1 failed; 0 ignored; 0 measured");
        assert_eq!(report.tests.values().sum::<u64>(), 15);
    }
}
