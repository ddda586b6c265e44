//! Which crate may use which: ours by the table in ARCHITECTURE.md, others by what a core may know.

use crate::{CORES, metadata, none, root};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Crates that bring sockets, threads, tasks, clocks or randomness with them.
const UNFIT_FOR_A_CORE: [&str; 22] = [
    "tokio",
    "mio",
    "async-std",
    "smol",
    "futures",
    "futures-util",
    "futures-executor",
    "rustls",
    "socket2",
    "hyper",
    "sqlx",
    "nix",
    "rustix",
    "polling",
    "crossbeam-channel",
    "rayon",
    "rand",
    "chrono",
    "time",
    "tracing",
    "arc-swap",
    "mimalloc",
];

/// The rows of the table: crate → what it may use of ours.
fn table() -> BTreeMap<String, BTreeSet<String>> {
    let text = std::fs::read_to_string(root().join("ARCHITECTURE.md")).expect("ARCHITECTURE.md");
    let mut table = BTreeMap::new();
    for line in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split('|').map(str::trim).collect();
        let [name, _, uses] = cells.as_slice() else {
            continue;
        };
        let uses = uses
            .split_whitespace()
            .filter(|word| *word != "–")
            .map(str::to_owned)
            .collect();
        table.insert(name.trim_matches('`').to_owned(), uses);
    }
    table
}

fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}

/// Our packages, by name.
fn ours(metadata: &Value) -> BTreeMap<&str, &Value> {
    let packages = metadata["packages"].as_array().expect("packages");
    packages
        .iter()
        .filter(|package| package["source"].is_null())
        .map(|package| (text(package, "name"), package))
        .collect()
}

#[test]
fn crates_use_each_other_as_the_architecture_allows() {
    let (metadata, table) = (metadata(), table());
    let ours = ours(&metadata);
    let mut findings = Vec::new();
    for (name, package) in &ours {
        let Some(allowed) = table.get(*name) else {
            findings.push(format!("{name} has no row in the table of ARCHITECTURE.md"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("dependencies") {
            let used = text(dependency, "name");
            if dependency["kind"] != "dev" && ours.contains_key(used) && !allowed.contains(used) {
                findings.push(format!("{name} uses {used}; the table does not allow it"));
            }
        }
    }
    findings.extend(
        table
            .keys()
            .filter(|name| !ours.contains_key(name.as_str()))
            .map(|name| format!("{name} is in the table but does not exist")),
    );
    none(
        &findings,
        "The table of crates in ARCHITECTURE.md says who may use whom.",
    );
}

#[test]
fn the_table_of_crates_has_no_circle() {
    let table = table();
    let mut settled: BTreeSet<&str> = BTreeSet::new();
    loop {
        let ready = |(name, uses): &(&String, &BTreeSet<String>)| {
            !settled.contains(name.as_str()) && uses.iter().all(|used| settled.contains(used.as_str()))
        };
        let next: Vec<&str> = table
            .iter()
            .filter(ready)
            .map(|(name, _)| name.as_str())
            .collect();
        if next.is_empty() {
            break;
        }
        settled.extend(next);
    }
    let stuck: Vec<String> = table
        .keys()
        .filter(|name| !settled.contains(name.as_str()))
        .cloned()
        .collect();
    none(&stuck, "These crates use each other in a circle.");
}

#[test]
fn no_core_has_an_async_socket_or_clock_crate_below_it() {
    let metadata = metadata();
    let names: BTreeMap<&str, &str> = metadata["packages"]
        .as_array()
        .expect("packages")
        .iter()
        .map(|package| (text(package, "id"), text(package, "name")))
        .collect();
    let below = edges(&metadata);
    let mut findings = Vec::new();
    for (id, name) in names.iter().filter(|(_, name)| CORES.contains(name)) {
        let mut seen = BTreeSet::from([*id]);
        let mut queue = VecDeque::from([*id]);
        while let Some(at) = queue.pop_front() {
            let used = names.get(at).copied().unwrap_or_default();
            if UNFIT_FOR_A_CORE.contains(&used) {
                findings.push(format!("{name} reaches {used}"));
            }
            queue.extend(
                below
                    .get(at)
                    .into_iter()
                    .flatten()
                    .filter(|next| seen.insert(next)),
            );
        }
    }
    none(
        &findings,
        "A core is a function of (input, now): no async, socket, clock or random crate below it.",
    );
}

/// Package id → ids of what it links (neither development nor build dependencies).
fn edges(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let nodes = metadata["resolve"]["nodes"].as_array().expect("nodes");
    nodes
        .iter()
        .map(|node| {
            let linked = |dep: &&Value| {
                let kinds = dep["dep_kinds"].as_array().expect("kinds");
                kinds.iter().any(|kind| kind["kind"].is_null())
            };
            let deps = node["deps"].as_array().expect("deps").iter().filter(linked);
            (text(node, "id"), deps.map(|dep| text(dep, "pkg")).collect())
        })
        .collect()
}

#[test]
fn every_listed_workspace_dependency_is_used_by_some_crate() {
    let manifest: toml::Table = read_toml("Cargo.toml");
    let metadata = metadata();
    let used: BTreeSet<&str> = ours(&metadata)
        .values()
        .flat_map(|package| package["dependencies"].as_array().expect("dependencies"))
        .map(|dependency| text(dependency, "name"))
        .collect();
    let listed = manifest["workspace"]["dependencies"]
        .as_table()
        .expect("workspace.dependencies");
    let idle: Vec<String> = listed
        .keys()
        .filter(|name| !used.contains(name.as_str()))
        .cloned()
        .collect();
    none(&idle, "Cargo.toml lists dependencies that no crate uses.");
}

/// A TOML file of the repository.
pub(crate) fn read_toml(path: &str) -> toml::Table {
    let text = std::fs::read_to_string(root().join(path)).expect(path);
    text.parse().expect(path)
}
