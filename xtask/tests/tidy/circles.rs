//! No import circles between the modules of a crate.
//!
//! A module that names `crate::a::b::Item` or `super::…` depends on the file that defines it; a name that the crate
//! root re-exports counts for the module it comes from. A parent and its own children may name each other:
//! they are one thing in several files.

use crate::none;
use crate::source::{self, Source};
use std::collections::{BTreeMap, BTreeSet};

type Path = Vec<String>;

/// The module path of a file: `src/a/b.rs` and `src/a/b/mod.rs` are `a::b`.
fn module(source: &Source) -> Option<Path> {
    let mut parts: Vec<String> = source
        .path
        .iter()
        .map(|part| part.to_string_lossy().into_owned())
        .collect();
    let src = parts.iter().position(|part| part == "src")?;
    let file = parts.pop()?;
    let mut path = parts.split_off(src + 1);
    match file.trim_end_matches(".rs") {
        "lib" | "main" if path.is_empty() => {}
        "mod" => {}
        name => path.push(name.to_owned()),
    }
    Some(path)
}

/// Every path that starts with `crate::` or `super::`, with groups expanded.
fn paths(source: &Source) -> Vec<Path> {
    let code: String = source
        .product_lines()
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let mut found = Vec::new();
    for start in ["crate::", "super::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_none_or(|c| !c.is_alphanumeric() && c != '_' && c != ':' && c != '$') {
                expand(&code[at..], Vec::new(), &mut found);
            }
        }
    }
    found
}

/// Reads `a::b::{c, d::e}` and returns what follows it.
fn expand<'a>(text: &'a str, mut prefix: Path, into: &mut Vec<Path>) -> &'a str {
    let mut rest = text.trim_start();
    loop {
        let length = rest
            .find(|c: char| !c.is_alphanumeric() && c != '_')
            .unwrap_or(rest.len());
        if length > 0 {
            prefix.push(rest[..length].to_owned());
            rest = &rest[length..];
        }
        match rest.strip_prefix("::").map(str::trim_start) {
            Some(group) if group.starts_with('{') => return list(&group[1..], &prefix, into),
            Some(next) if next.starts_with(|c: char| c.is_alphabetic() || c == '_') => rest = next,
            _ => break,
        }
    }
    into.push(prefix);
    rest
}

fn list<'a>(mut rest: &'a str, prefix: &Path, into: &mut Vec<Path>) -> &'a str {
    loop {
        rest = expand(rest, prefix.clone(), into).trim_start();
        if let Some((_, after)) = rest
            .strip_prefix("as ")
            .and_then(|alias| alias.split_once([',', '}']))
        {
            rest = &rest[rest.len() - after.len() - 1..];
        }
        rest = rest.strip_prefix('*').unwrap_or(rest).trim_start();
        match rest.strip_prefix(',') {
            Some(next) => rest = next.trim_start(),
            None => return rest.strip_prefix('}').unwrap_or(rest),
        }
        if let Some(after) = rest.strip_prefix('}') {
            return after;
        }
    }
}

/// The modules of one crate: who names whom.
struct Graph<'a> {
    sources: BTreeMap<Path, &'a Source>,
    /// For each module, the names it re-exports and the path they come from.
    exports: BTreeMap<Path, BTreeMap<String, Path>>,
}

impl<'a> Graph<'a> {
    fn new(sources: &[&'a Source]) -> Graph<'a> {
        let sources: BTreeMap<Path, &Source> =
            sources.iter().filter_map(|s| Some((module(s)?, *s))).collect();
        let exports = sources
            .iter()
            .map(|(path, source)| (path.clone(), exports(path, source)))
            .collect();
        Graph { sources, exports }
    }

    /// The module that defines what `path` names, seen from the crate root.
    fn owner(&self, path: &[String]) -> Option<Path> {
        let mut at: Path = Vec::new();
        for (depth, name) in path.iter().enumerate() {
            let mut child = at.clone();
            child.push(name.clone());
            if self.sources.contains_key(&child) {
                at = child;
                continue;
            }
            if let Some(target) = self.exports.get(&at).and_then(|names| names.get(name)) {
                let mut full = target.clone();
                full.extend(path[depth + 1..].iter().cloned());
                return (full.as_slice() != path).then(|| self.owner(&full)).flatten();
            }
            break;
        }
        Some(at)
    }

    fn edges(&self) -> BTreeMap<Path, BTreeSet<Path>> {
        let mut edges: BTreeMap<Path, BTreeSet<Path>> = BTreeMap::new();
        for (from, source) in &self.sources {
            let named = paths(source)
                .into_iter()
                .filter_map(|path| self.owner(&absolute(from, path)?));
            let foreign = named.filter(|to| !from.starts_with(to) && !to.starts_with(from));
            edges.insert(from.clone(), foreign.collect());
        }
        edges
    }
}

/// `crate::a` and `super::a` as a path from the root.
fn absolute(module: &[String], path: Path) -> Option<Path> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    if supers == 0 {
        return Some(path[1..].to_vec());
    }
    let mut base = module.get(..module.len().checked_sub(supers)?)?.to_vec();
    base.extend(path[supers..].iter().cloned());
    Some(base)
}

/// `pub use a::{B, C}` in a module: B and C come from `a` below it.
fn exports(module: &[String], source: &Source) -> BTreeMap<String, Path> {
    let code: String = source
        .product_lines()
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    let mut names = BTreeMap::new();
    for (at, _) in code.match_indices("use ") {
        let mut found = Vec::new();
        expand(&code[at + 4..], Vec::new(), &mut found);
        for path in found.into_iter().filter(|path| path.len() > 1) {
            let name = path.last().cloned().unwrap_or_default();
            let full = match path.first().map(String::as_str) {
                Some("crate" | "super") => absolute(module, path),
                Some("self") => Some([module, &path[1..]].concat()),
                _ => Some([module, &path].concat()),
            };
            names.extend(full.map(|full| (name, full)));
        }
    }
    names
}

/// Modules that reach themselves, each circle once.
fn circles(edges: &BTreeMap<Path, BTreeSet<Path>>) -> Vec<BTreeSet<Path>> {
    let reach = |from: &Path| {
        let mut seen = BTreeSet::new();
        let mut open: Vec<&Path> = edges.get(from).into_iter().flatten().collect();
        while let Some(next) = open.pop() {
            if seen.insert(next.clone()) {
                open.extend(edges.get(next).into_iter().flatten());
            }
        }
        seen
    };
    let reached: BTreeMap<&Path, BTreeSet<Path>> = edges.keys().map(|from| (from, reach(from))).collect();
    let mutual = |a: &Path, b: &Path| {
        reached.get(a).is_some_and(|r| r.contains(b)) && reached.get(b).is_some_and(|r| r.contains(a))
    };
    let groups: BTreeSet<BTreeSet<Path>> = edges
        .keys()
        .map(|a| {
            edges
                .keys()
                .filter(|b| mutual(a, b))
                .cloned()
                .collect::<BTreeSet<Path>>()
        })
        .filter(|group: &BTreeSet<Path>| group.len() > 1)
        .collect();
    groups.into_iter().collect()
}

#[test]
fn modules_of_a_crate_import_each_other_without_circles() {
    let sources = source::all();
    let mut crates: BTreeMap<&str, Vec<&Source>> = BTreeMap::new();
    for source in sources.iter().filter(|source| source.is_product()) {
        crates.entry(source.package()).or_default().push(source);
    }
    let mut findings = Vec::new();
    for (name, sources) in crates {
        let edges = Graph::new(&sources).edges();
        for circle in circles(&edges) {
            let names: Vec<String> = circle.iter().map(|path| path.join("::")).collect();
            findings.push(format!("{name}: {}", names.join(" ↔ ")));
        }
    }
    none(
        &findings,
        "These modules import each other in a circle; move what both need below both.",
    );
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let source = |path: &str, code: &str| Source {
        path: path.into(),
        text: String::new(),
        code: code.to_owned(),
    };
    let all = [
        source("crates/x/src/lib.rs", "mod a; mod b; pub use a::{A, Other};\n"),
        source("crates/x/src/a.rs", "use crate::b::{B as Renamed, c::*};\n"),
        source("crates/x/src/b.rs", "fn f(_: crate::A) {}\n"),
        source("crates/x/src/c.rs", "use super::a::A;\n"),
    ];
    let edges = Graph::new(&all.iter().collect::<Vec<_>>()).edges();
    let found: Vec<Vec<String>> = circles(&edges)
        .iter()
        .map(|c| c.iter().map(|p| p.join("::")).collect())
        .collect();
    assert_eq!(found, [["a", "b"]]);
}
