//! Makes tables of the catalogues and sounds, so that a name costs an index when the server runs.
//!
//! Refuses what is wrong with them: a line that is none, a name twice, an alias of nothing, a language that has more names than
//! English, a sound without a name. That every language has every name is a test's business, so that one can be begun.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    reason = "a build that fails says why"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::{env, fs};

/// Of `Language`, in its order. The first names the prompts.
const LANGUAGES: [&str; 5] = ["en", "de", "fr", "es", "pl"];
/// Sounds that are no speech.
const COMMON: &str = "common";

/// What a catalogue says of a name.
enum Entry {
    Text(String),
    SameAs(String),
}

type Catalogue = BTreeMap<String, Entry>;

fn main() {
    let root = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo"));
    let out = PathBuf::from(env::var_os("OUT_DIR").expect("cargo"));
    for folder in ["catalogue", "sounds"] {
        println!("cargo::rerun-if-changed={folder}");
    }
    let common = catalogue(&root, COMMON);
    let catalogues = LANGUAGES.map(|language| catalogue(&root, language));
    let [english, ..] = &catalogues;
    let names: BTreeSet<&String> = english.keys().chain(common.keys()).collect();
    assert_eq!(
        names.len(),
        english.len() + common.len(),
        "a name is in en and in common"
    );
    let mut code = String::new();
    let listed: Vec<&String> = names.iter().copied().collect();
    writeln!(code, "static NAMES: [&str; {}] = {listed:?};", names.len()).expect("memory");
    let everybody = sounds(&root, COMMON, &names, &mut code);
    let mut tables = String::new();
    for (language, catalogue) in LANGUAGES.iter().zip(&catalogues) {
        if let Some(name) = catalogue.keys().find(|name| !english.contains_key(*name)) {
            panic!("catalogue/{language}.txt names {name}, which catalogue/en.txt lacks");
        }
        let own = sounds(&root, language, &names, &mut code);
        tables.push_str("    [\n");
        for name in &names {
            let (text, sound) = match common.get(*name) {
                Some(_) => (resolve(&common, name), everybody.get(*name)),
                None => (resolve(catalogue, name), own.get(target(catalogue, name))),
            };
            let sound = sound.map_or("None".to_owned(), |id| format!("Some({id})"));
            writeln!(tables, "        Entry {{ text: {text:?}, sound: {sound} }},").expect("memory");
        }
        tables.push_str("    ],\n");
    }
    writeln!(
        code,
        "static ENTRIES: [[Entry; {}]; {}] = [\n{tables}];",
        names.len(),
        LANGUAGES.len()
    )
    .expect("memory");
    fs::write(out.join("tables.rs"), code).expect("a folder for the tables");
}

/// Reads `catalogue/<language>.txt`.
fn catalogue(root: &Path, language: &str) -> Catalogue {
    let path = root.join(format!("catalogue/{language}.txt"));
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut catalogue = Catalogue::new();
    for (index, line) in text.lines().enumerate() {
        let place = format!("catalogue/{language}.txt:{}", index + 1);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (name, entry) = if let Some((name, text)) = line.split_once(" = ") {
            (name, Entry::Text(text.to_owned()))
        } else if let Some((name, other)) = line.split_once(" > ") {
            (name, Entry::SameAs(other.to_owned()))
        } else {
            panic!("{place}: neither `name = text` nor `name > other name`");
        };
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "/-".contains(c);
        assert!(
            name.contains('/') && name.chars().all(is_plain),
            "{place}: {name} is no name"
        );
        assert!(
            catalogue.insert(name.to_owned(), entry).is_none(),
            "{place}: {name} once more"
        );
    }
    for (name, entry) in &catalogue {
        if let Entry::SameAs(other) = entry {
            let is_text = matches!(catalogue.get(other), Some(Entry::Text(_)));
            assert!(
                is_text,
                "catalogue/{language}.txt: {name} > {other}, which has no text"
            );
        }
    }
    catalogue
}

/// The name whose text and sound a name has.
fn target<'a>(catalogue: &'a Catalogue, name: &'a str) -> &'a str {
    match catalogue.get(name) {
        Some(Entry::SameAs(other)) => other,
        _ => name,
    }
}

fn resolve<'a>(catalogue: &'a Catalogue, name: &str) -> Option<&'a str> {
    match catalogue.get(name)? {
        Entry::Text(text) => Some(text),
        Entry::SameAs(other) => resolve(catalogue, other),
    }
}

/// Puts the sounds of a folder into the code; gives the constant of each name.
fn sounds(
    root: &Path,
    folder: &str,
    names: &BTreeSet<&String>,
    code: &mut String,
) -> BTreeMap<String, String> {
    let base = root.join("sounds").join(folder);
    let mut files = Vec::new();
    collect(&base, &mut files);
    files.sort();
    let mut ids = BTreeMap::new();
    for (number, path) in files.iter().enumerate() {
        let name = path
            .strip_prefix(&base)
            .expect("a file of the folder")
            .with_extension("");
        let name = name.to_str().expect("a name in ASCII").to_owned();
        assert!(names.contains(&name), "{} belongs to no name", path.display());
        let id = format!("{}_{number}", folder.to_uppercase());
        // Not by its whole path: a checkout may be moved with what was built in it.
        let file = format!("concat!(env!(\"CARGO_MANIFEST_DIR\"), \"/sounds/{folder}/{name}.opus\")");
        writeln!(code, "static {id}: &[u8] = include_bytes!({file});").expect("memory");
        ids.insert(name, id);
    }
    ids
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "opus") {
            into.push(path);
        }
    }
}
