//! deny.toml, checked without cargo-deny: licences, banned crates, sources.

use crate::crates::read_toml;
use crate::{metadata, none};
use std::collections::BTreeSet;

fn strings(list: &toml::Value) -> BTreeSet<String> {
    let list = list.as_array().expect("a list");
    list.iter()
        .filter_map(toml::Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// Is an SPDX expression satisfied by the allowed licences? `/` is the old spelling of `OR`.
fn allowed(expression: &str, licences: &BTreeSet<String>) -> bool {
    let spaced = expression
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace('/', " OR ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut at = 0;
    any_of(&words, &mut at, licences) && at == words.len()
}

fn any_of(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let mut good = all_of(words, at, licences);
    while words.get(*at) == Some(&"OR") {
        *at += 1;
        good |= all_of(words, at, licences);
    }
    good
}

fn all_of(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let mut good = one(words, at, licences);
    while words.get(*at) == Some(&"AND") {
        *at += 1;
        good &= one(words, at, licences);
    }
    good
}

fn one(words: &[&str], at: &mut usize, licences: &BTreeSet<String>) -> bool {
    let word = words.get(*at).copied().unwrap_or_default();
    *at += 1;
    if word == "(" {
        let good = any_of(words, at, licences);
        *at += 1;
        return good;
    }
    if words.get(*at) == Some(&"WITH") {
        *at += 2;
    }
    licences.contains(word)
}

#[test]
fn licence_expressions_are_understood() {
    let licences = BTreeSet::from(["MIT".to_owned(), "Apache-2.0".to_owned()]);
    for good in [
        "MIT",
        "MIT/GPL-3.0",
        "GPL-2.0 OR MIT",
        "(MIT OR X) AND Apache-2.0",
        "Apache-2.0 WITH LLVM-exception",
    ] {
        assert!(allowed(good, &licences), "{good}");
    }
    for bad in ["GPL-3.0", "MIT AND GPL-3.0", "(MIT OR X) AND Y", "", "MIT MIT"] {
        assert!(!allowed(bad, &licences), "{bad}");
    }
}

#[test]
fn every_dependency_has_a_licence_that_may_be_distributed() {
    let deny = read_toml("deny.toml");
    let licences = strings(&deny["licenses"]["allow"]);
    let metadata = metadata();
    let mut findings = Vec::new();
    for package in metadata["packages"].as_array().expect("packages") {
        let licence = package["license"].as_str().unwrap_or_default();
        if !allowed(licence, &licences) {
            findings.push(format!("{} has licence `{licence}`", package["name"]));
        }
    }
    none(&findings, "deny.toml lists the licences that may be linked.");
}

#[test]
fn no_banned_crate_is_locked() {
    let (deny, lock) = (read_toml("deny.toml"), read_toml("Cargo.lock"));
    let locked = lock["package"].as_array().expect("packages");
    let mut findings = Vec::new();
    for ban in deny["bans"]["deny"].as_array().expect("bans") {
        let name = ban["crate"].as_str().expect("a name");
        let allowed_by = ban.get("wrappers").map(strings).unwrap_or_default();
        for package in locked {
            let user = package["name"].as_str().unwrap_or_default();
            let uses = package.get("dependencies").map(strings).unwrap_or_default();
            let used = uses.iter().any(|used| used.split(' ').next() == Some(name));
            if used && !allowed_by.contains(user) {
                findings.push(format!("{user} uses {name}: {:?}", ban["reason"]));
            }
        }
    }
    none(&findings, "deny.toml bans these crates.");
}

#[test]
fn every_dependency_comes_from_the_public_index_of_rust() {
    let lock = read_toml("Cargo.lock");
    let strange: Vec<String> = lock["package"]
        .as_array()
        .expect("packages")
        .iter()
        .filter(|package| {
            package
                .get("source")
                .and_then(toml::Value::as_str)
                .is_some_and(|source| {
                    !source.starts_with("registry+") || !source.ends_with("/crates.io-index")
                })
        })
        .map(|package| format!("{:?} from {:?}", package["name"], package["source"]))
        .collect();
    none(&strange, "Dependencies come from the public index alone.");
}
