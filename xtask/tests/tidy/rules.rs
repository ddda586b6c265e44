//! Rules about the text of the sources: size, heads of modules, and what may not be written where.

use crate::source::{self, Source};
use crate::{CORES, none};

/// A file of more lines is looked at; one of more than `FILE_LIMIT` is refused.
const FILE_LOOK: usize = 600;
const FILE_LIMIT: usize = 1_000;
const FUNCTION_LIMIT: usize = 70;

/// Words that no core may contain, and what belongs there instead.
const FORBIDDEN_IN_CORES: [(&str, &str); 14] = [
    ("async fn", "a core is driven, it never waits"),
    (".await", "a core is driven, it never waits"),
    ("Instant::now", "time arrives as `Now`"),
    ("SystemTime", "time arrives as `Now`"),
    ("UdpSocket", "sockets belong to node"),
    ("TcpStream", "sockets belong to node"),
    ("TcpListener", "sockets belong to node"),
    ("std::thread", "threads belong to node"),
    ("std::env", "configuration arrives as a snapshot"),
    ("std::fs", "files belong to store"),
    ("std::process", "no core reaches the system"),
    ("SystemRandom", "randomness arrives as a seed"),
    ("static mut", "a core has no global state"),
    ("thread_local!", "a core has no global state"),
];

#[test]
fn no_file_passes_a_thousand_lines() {
    let mut findings = Vec::new();
    for source in source::all() {
        let lines = source.text.lines().count();
        if lines > FILE_LIMIT {
            findings.push(format!("{} has {lines} lines", source.path.display()));
        } else if lines > FILE_LOOK {
            println!("look twice: {} has {lines} lines", source.path.display());
        }
    }
    none(&findings, "Split these files.");
}

#[test]
fn no_function_passes_seventy_lines() {
    let mut sizes = Vec::new();
    let mut findings = Vec::new();
    for source in source::all() {
        for function in source.functions() {
            if function.lines > FUNCTION_LIMIT {
                findings.push(format!(
                    "{}:{} {} has {} lines",
                    source.path.display(),
                    function.line,
                    function.name,
                    function.lines
                ));
            }
            if source.is_product() && !source.path.starts_with("bench") {
                sizes.push(function.lines);
            }
        }
    }
    sizes.sort_unstable();
    let at = |percent: usize| {
        sizes
            .get(sizes.len() * percent / 100)
            .copied()
            .unwrap_or_default()
    };
    println!(
        "{} functions, median {} lines, p95 {}",
        sizes.len(),
        at(50),
        at(95)
    );
    none(&findings, "Split these functions.");
}

#[test]
fn every_module_starts_by_saying_what_it_owns() {
    let headless: Vec<String> = source::all()
        .iter()
        .filter(|source| !source.text.trim_start().starts_with("//!") && !source.text.starts_with("#!["))
        .map(|source| source.path.display().to_string())
        .collect();
    none(&headless, "These modules have no `//!` head.");
}

#[test]
fn cores_know_no_clock_socket_thread_or_environment() {
    let mut findings = Vec::new();
    for source in source::all()
        .iter()
        .filter(|source| CORES.contains(&source.package()) && source.is_product())
    {
        for (word, why) in FORBIDDEN_IN_CORES {
            findings.extend(mentions(source, word).map(|place| format!("{place}: {word}: {why}")));
        }
    }
    none(&findings, "A core is a function of (input, now).");
}

#[test]
fn every_core_forbids_unsafe_code() {
    let lax: Vec<String> = source::all()
        .iter()
        .filter(|source| CORES.contains(&source.package()) && source.path.ends_with("src/lib.rs"))
        .filter(|source| !source.code.contains("#![forbid(unsafe_code)]"))
        .map(|source| source.path.display().to_string())
        .collect();
    none(&lax, "A core starts with #![forbid(unsafe_code)].");
}

#[test]
fn unsafe_exists_only_around_the_system_calls_of_node() {
    let mut findings = Vec::new();
    for source in source::all() {
        let is_sys = source.path.starts_with("crates/node/src/sys")
            || source.path.starts_with("crates/node/src/sys.rs");
        if !is_sys {
            for word in ["unsafe {", "unsafe fn", "unsafe impl", "unsafe extern"] {
                findings.extend(mentions(&source, word));
            }
        }
    }
    none(&findings, "`unsafe` belongs in node::sys alone.");
}

#[test]
fn nothing_is_left_undone_and_no_test_is_switched_off() {
    let mut findings = Vec::new();
    for source in source::all() {
        for word in ["todo!(", "unimplemented!(", "#[ignore", "dbg!("] {
            let lines = source
                .code
                .lines()
                .enumerate()
                .filter(|(_, line)| line.contains(word));
            findings
                .extend(lines.map(|(index, _)| format!("{}:{}: {word}", source.path.display(), index + 1)));
        }
        let notes = source.text.lines().enumerate().filter(|(_, line)| {
            line.contains(concat!("// TO", "DO")) || line.contains(concat!("// FIX", "ME"))
        });
        findings.extend(
            notes.map(|(index, _)| format!("{}:{}: a note to do it later", source.path.display(), index + 1)),
        );
    }
    none(&findings, "Finish it or leave it out.");
}

#[test]
fn no_shell_is_started() {
    let shells = ["sh", "bash", "/bin/sh", "/bin/bash"].map(|shell| format!("Command::new(\"{shell}\")"));
    let mut findings = Vec::new();
    for source in source::all() {
        let started = |line: &&str| shells.iter().any(|shell| line.contains(shell.as_str()));
        findings.extend(
            source
                .text
                .lines()
                .filter(started)
                .map(|line| format!("{}: {line}", source.path.display())),
        );
    }
    none(&findings, "Nothing that arrives from outside may reach a shell.");
}

/// Places in product code, as `path:line`.
fn mentions<'a>(source: &'a Source, word: &'a str) -> impl Iterator<Item = String> + 'a {
    source
        .product_lines()
        .filter(move |(_, line)| line.contains(word))
        .map(move |(number, _)| format!("{}:{number}", source.path.display()))
}
