//! One language's catalogue and sounds, and the record that tells which sound says which text.

use super::make_room;
use anyhow::{Context, Result};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

const RECORD: &str = "\
# What the sounds of this folder say. Written by `cargo xtask prompts`, which makes those anew whose text changed.
";

/// A language.
#[derive(Debug)]
pub(crate) struct Library {
    /// Where its sounds lie.
    folder: PathBuf,
    /// Name → text, aliases left out.
    texts: BTreeMap<String, String>,
    /// Name → text, of the sounds that were made.
    spoken: BTreeMap<String, String>,
    /// How they were made: the lines before the record.
    provenance: Vec<String>,
}

impl Library {
    /// Reads catalogue and record; a language that has none yet has no record.
    pub(crate) fn read(root: &Path, language: &str) -> Result<Library> {
        let path = root.join(format!("catalogue/{language}.txt"));
        let catalogue =
            fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
        let folder = root.join("sounds").join(language);
        let record = fs::read_to_string(folder.join("spoken.txt")).unwrap_or_default();
        Ok(Library {
            folder,
            texts: pairs(&catalogue, " = "),
            spoken: pairs(&record, "\t"),
            provenance: record
                .lines()
                .filter_map(|line| line.strip_prefix("#   "))
                .map(str::to_owned)
                .collect(),
        })
    }

    /// What is said under a name.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.texts.get(name).map_or("", String::as_str)
    }

    /// The file of a name.
    pub(crate) fn sound(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.opus"))
    }

    /// Names whose sound is missing or says something else, or all.
    pub(crate) fn stale(&self, again: bool) -> Vec<&str> {
        let is_fresh = |name: &str, text: &str| {
            self.spoken.get(name).is_some_and(|s| s == text) && self.sound(name).exists()
        };
        let texts = self.texts.iter();
        texts
            .filter(|(name, text)| again || !is_fresh(name, text))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// Removes sounds whose name is gone.
    pub(crate) fn remove_orphans(&self) -> Result<()> {
        for name in self.spoken.keys().filter(|name| !self.texts.contains_key(*name)) {
            let path = self.sound(name);
            if path.exists() {
                fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            }
        }
        Ok(())
    }

    /// Writes down that every sound says its text; `provenance` tells how the newest were made.
    pub(crate) fn record(&self, provenance: Option<&[String]>) -> Result<()> {
        let mut text = RECORD.to_owned();
        for line in provenance.unwrap_or(&self.provenance) {
            text.push_str(&format!("#   {line}\n"));
        }
        for (name, said) in &self.texts {
            text.push_str(&format!("{name}\t{said}\n"));
        }
        let path = self.folder.join("spoken.txt");
        make_room(&path)?;
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn pairs(text: &str, between: &str) -> BTreeMap<String, String> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once(between));
    pairs
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_or_is_missing_is_stale() {
        let root = std::env::temp_dir().join(format!("xtask-prompts-{}", std::process::id()));
        let sounds = root.join("sounds/en/a");
        fs::create_dir_all(&sounds).unwrap();
        fs::create_dir_all(root.join("catalogue")).unwrap();
        fs::write(
            root.join("catalogue/en.txt"),
            "# words\na/same = one\na/new = two\na/gone = three\na/as > a/new\n",
        )
        .unwrap();
        fs::write(
            root.join("sounds/en/spoken.txt"),
            "#   voice V\na/same\tone\na/new\told\na/gone\tthree\na/orphan\tx\n",
        )
        .unwrap();
        for name in ["same", "new", "orphan"] {
            fs::write(sounds.join(format!("{name}.opus")), "").unwrap();
        }
        let library = Library::read(&root, "en").unwrap();
        assert_eq!(library.stale(false), ["a/gone", "a/new"]);
        assert_eq!(library.stale(true), ["a/gone", "a/new", "a/same"]);
        library.remove_orphans().unwrap();
        assert!(!sounds.join("orphan.opus").exists());
        library.record(None).unwrap();
        let record = fs::read_to_string(root.join("sounds/en/spoken.txt")).unwrap();
        assert!(
            record.ends_with("#   voice V\na/gone\tthree\na/new\ttwo\na/same\tone\n"),
            "{record}"
        );
        fs::remove_dir_all(&root).unwrap();
    }
}
