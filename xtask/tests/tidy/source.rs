//! Rust sources as the rules see them: comments and literals blanked, functions and test modules found.
//!
//! This is no parser. It knows strings, raw strings, character literals, nested comments and braces, which
//! is enough to count lines and look for words.

use crate::root;
use std::fs;
use std::path::{Path, PathBuf};

/// One source file.
pub(crate) struct Source {
    /// Relative to the repository.
    pub(crate) path: PathBuf,
    /// As written.
    pub(crate) text: String,
    /// The same length in lines, with comments and the content of literals replaced by spaces.
    pub(crate) code: String,
}

/// A function.
pub(crate) struct Function {
    pub(crate) name: String,
    /// Where it starts, from 1.
    pub(crate) line: usize,
    /// How long it is; blank lines and comments don't count.
    pub(crate) lines: usize,
}

impl Source {
    /// The package folder's name, such as `sip`.
    pub(crate) fn package(&self) -> &str {
        let mut parts = self.path.iter().filter_map(|part| part.to_str());
        match parts.next() {
            Some("crates") => parts.next().unwrap_or_default(),
            first => first.unwrap_or_default(),
        }
    }

    /// True for what ends up in a product: not tests, benches or examples of a crate.
    pub(crate) fn is_product(&self) -> bool {
        self.path.iter().any(|part| part == "src")
            && !self.path.ends_with("tests.rs")
            && !self.path.iter().any(|part| part == "tests")
    }

    /// Lines of product code with their numbers: what follows `#[cfg(test)]` is left out.
    pub(crate) fn product_lines(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self
            .code
            .find("#[cfg(test)]\nmod ")
            .map_or(usize::MAX, |at| self.code[..at].lines().count());
        self.code
            .lines()
            .enumerate()
            .take(end)
            .map(|(index, line)| (index + 1, line))
    }

    /// Every function with a body.
    pub(crate) fn functions(&self) -> Vec<Function> {
        let mut found = Vec::new();
        for (at, _) in self.code.match_indices("fn ") {
            let before = self.code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
                continue;
            }
            let rest = &self.code[at + 3..];
            let name: String = rest
                .chars()
                .take_while(|c| c.is_alphanumeric() || *c == '_')
                .collect();
            if let (false, Some(length)) = (name.is_empty(), body(rest)) {
                found.push(Function {
                    name,
                    line: self.code[..at].matches('\n').count() + 1,
                    lines: rest[..length]
                        .lines()
                        .filter(|line| !line.trim().is_empty())
                        .count()
                        + 1,
                });
            }
        }
        found
    }
}

/// Length of a signature and its body, if it has one.
fn body(text: &str) -> Option<usize> {
    let (mut depth, mut nested) = (0_i32, 0_i32);
    for (at, c) in text.char_indices() {
        match c {
            '(' | '[' => nested += 1,
            ')' | ']' => nested -= 1,
            ';' if depth == 0 && nested == 0 => return None,
            '{' => depth += 1,
            '}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(at);
                }
            }
            _ => {}
        }
    }
    None
}

/// All Rust sources of the repository.
pub(crate) fn all() -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    for folder in ["crates", "tests", "xtask", "bench", "fuzz"] {
        collect(&root.join(folder), &mut paths);
    }
    paths.sort();
    paths.iter().map(|path| read(&root, path)).collect()
}

fn read(root: &Path, path: &Path) -> Source {
    let text = fs::read_to_string(path).expect("a readable source");
    Source {
        path: path
            .strip_prefix(root)
            .expect("inside the repository")
            .to_path_buf(),
        code: mask(&text),
        text,
    }
}

fn collect(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() && path.file_name().is_some_and(|name| name != "target") {
            collect(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// Blanks comments and the content of literals, line by line.
pub(crate) fn mask(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = out
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        let length = match literal(rest, word) {
            Some(length) => {
                let blank = |c: char| if c == '\n' { '\n' } else { ' ' };
                out.extend(rest[..length].chars().map(blank));
                length
            }
            None => {
                out.push(first);
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    out
}

/// Length of the comment or literal at the start of `text`.
fn literal(text: &str, inside_word: bool) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(comment(text));
    }
    if text.starts_with('\'') {
        return character(text);
    }
    if text.starts_with('"') {
        return Some(string(text));
    }
    let hashes = text
        .strip_prefix("br")
        .or_else(|| text.strip_prefix('r'))
        .filter(|_| !inside_word)?;
    let count = hashes.len() - hashes.trim_start_matches('#').len();
    if !hashes[count..].starts_with('"') {
        return None;
    }
    let open = text.len() - hashes.len() + count + 1;
    let close = format!("\"{}", "#".repeat(count));
    Some(
        text[open..]
            .find(&close)
            .map_or(text.len(), |at| open + at + close.len()),
    )
}

fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        if text[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if text[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += text[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    text.len()
}

fn string(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// A character literal, but not a lifetime.
fn character(text: &str) -> Option<usize> {
    let mut chars = text.char_indices().skip(1);
    let (_, first) = chars.next()?;
    if first == '\\' {
        return text[3..].find('\'').map(|at| 3 + at + 1);
    }
    let (at, second) = chars.next()?;
    (second == '\'').then_some(at + 1)
}

#[test]
fn masking_leaves_code_and_line_numbers() {
    let text = "let a = \"fn x() {\"; // Instant::now\nlet b = r#\"\"\nunsafe\"#; /* a /* b */ c */ 'y';\nlet c = '\\'';&'a str";
    let code = mask(text);
    assert_eq!(code.lines().count(), text.lines().count());
    for gone in ["fn x", "Instant", "unsafe", "* b", "'y'"] {
        assert!(!code.contains(gone), "{gone} in {code}");
    }
    assert!(code.contains("let c =") && code.contains("&'a str"));
}

#[test]
fn functions_are_measured() {
    let source = Source {
        path: PathBuf::from("crates/x/src/lib.rs"),
        text: String::new(),
        code: "trait T { fn none(&self) -> [u8; 3]; }\nfn two(x: fn(u8)) {\n    {}\n}\n".to_owned(),
    };
    let found: Vec<(String, usize)> = source
        .functions()
        .into_iter()
        .map(|f| (f.name, f.lines))
        .collect();
    assert_eq!(found, [("two".to_owned(), 3)]);
}
