//! Reading TOML with line numbers: each value is asked for by key, type and range, each refusal is a [`Problem`],
//! and what nobody asked for is unknown.

use std::fmt;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

/// Reads keys that are numbers into the fields of the same names; what is not written stays.
macro_rules! numbers {
    ($reader:expr, $section:expr => $into:ident; $($key:ident in $range:expr),+ $(,)?) => {
        $(if let Some(n) = $reader.number($section, stringify!($key), $range)
            && let Ok(n) = n.try_into()
        {
            $into.$key = n;
        })+
    };
}
pub(super) use numbers;

/// Something wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// From 1.
    pub(crate) line: usize,
    /// What, and what to do.
    pub(crate) what: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.line, self.what)
    }
}

/// Collects the problems of one text.
pub(crate) struct Reader<'t> {
    text: &'t str,
    problems: Vec<Problem>,
}

/// One table of the file, and which of its keys were asked for.
pub(crate) struct Section<'t> {
    name: &'static str,
    table: Option<&'t DeTable<'t>>,
    known: Vec<&'static str>,
}

impl<'t> Reader<'t> {
    /// A reader of `text`.
    pub(crate) fn new(text: &'t str) -> Reader<'t> {
        Reader {
            text,
            problems: Vec::new(),
        }
    }

    /// Notes a problem at an octet of the text.
    pub(crate) fn problem(&mut self, at: usize, what: impl Into<String>) {
        let before = self.text.get(..at).unwrap_or(self.text);
        let line = before.matches('\n').count() + 1;
        let what = crate::output::one_line(&what.into());
        self.problems.push(Problem { line, what });
    }

    /// All problems, by line.
    pub(crate) fn finish(mut self) -> Vec<Problem> {
        self.problems.sort_by_key(|problem| problem.line);
        self.problems
    }

    /// The table of a key of the top level.
    pub(crate) fn section(&mut self, top: &mut Section<'t>, key: &'static str) -> Section<'t> {
        let value = top.take(key);
        let table = value.and_then(|v| v.get_ref().as_table());
        if let (Some(value), None) = (value, table) {
            self.problem(
                value.span().start,
                format!("`{key}` is a section; write [{key}] on a line of its own"),
            );
        }
        Section {
            name: key,
            table,
            known: Vec::new(),
        }
    }

    /// A text, with where it stands.
    pub(crate) fn text(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        such_as: &str,
    ) -> Option<(usize, &'t str)> {
        let value = section.take(key)?;
        let text = value.get_ref().as_str();
        if text.is_none() {
            let found = value.get_ref().type_str();
            self.problem(
                value.span().start,
                format!("`{key}` is a text in quotes, such as {such_as}; found {found}"),
            );
        }
        text.map(|text| (value.span().start, text))
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        range: RangeInclusive<u64>,
    ) -> Option<u64> {
        let value = section.take(key)?;
        let number = value
            .get_ref()
            .as_integer()
            .and_then(|i| u64::from_str_radix(i.as_str(), i.radix()).ok());
        let good = number.filter(|n| range.contains(n));
        if good.is_none() {
            let (first, last) = (range.start(), range.end());
            self.problem(
                value.span().start,
                format!("`{key}` is a whole number from {first} to {last}; write one"),
            );
        }
        good
    }

    /// `true` or `false`.
    pub(crate) fn flag(&mut self, section: &mut Section<'t>, key: &'static str) -> Option<bool> {
        let value = section.take(key)?;
        let flag = value.get_ref().as_bool();
        if flag.is_none() {
            self.problem(
                value.span().start,
                format!("`{key}` is true or false, without quotes; write one"),
            );
        }
        flag
    }

    /// A list of texts, each with where it stands.
    pub(crate) fn list(
        &mut self,
        section: &mut Section<'t>,
        key: &'static str,
        such_as: &str,
    ) -> Option<Vec<(usize, &'t str)>> {
        let value = section.take(key)?;
        let Some(items) = value.get_ref().as_array() else {
            let found = value.get_ref().type_str();
            self.problem(
                value.span().start,
                format!("`{key}` is a list, such as {such_as}; found {found}"),
            );
            return None;
        };
        Some(self.texts(items, key, such_as))
    }

    fn texts(&mut self, items: &'t DeArray<'t>, key: &str, such_as: &str) -> Vec<(usize, &'t str)> {
        let mut texts = Vec::new();
        for item in items.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push((item.span().start, text)),
                None => self.problem(
                    item.span().start,
                    format!("`{key}` is a list of texts, such as {such_as}"),
                ),
            }
        }
        texts
    }

    /// Reports the keys that nobody asked for.
    pub(crate) fn done(&mut self, section: &Section<'t>) {
        for (key, _) in section.table.into_iter().flat_map(|table| table.iter()) {
            if section.known.iter().any(|known| *known == key.get_ref()) {
                continue;
            }
            let place = match section.name {
                "" => "the file".to_owned(),
                name => format!("[{name}]"),
            };
            let known = section.known.join(", ");
            self.problem(
                key.span().start,
                format!("{place} has no key `{}`; it knows {known}", key.get_ref()),
            );
        }
    }
}

/// A path that is not empty.
pub(super) fn path<'t>(
    reader: &mut Reader<'t>,
    section: &mut Section<'t>,
    key: &'static str,
    such_as: &str,
) -> Option<PathBuf> {
    let (at, text) = reader.text(section, key, such_as)?;
    if text.is_empty() {
        reader.problem(
            at,
            format!("`{key}` is empty; write a path such as {such_as}, or leave it out"),
        );
        return None;
    }
    Some(PathBuf::from(text))
}

impl<'t> Section<'t> {
    /// The whole file.
    pub(crate) fn top(table: &'t DeTable<'t>) -> Section<'t> {
        Section {
            name: "",
            table: Some(table),
            known: Vec::new(),
        }
    }

    fn take(&mut self, key: &'static str) -> Option<&'t Spanned<DeValue<'t>>> {
        self.known.push(key);
        let mut entries = self.table?.iter();
        entries
            .find(|(name, _)| name.get_ref() == key)
            .map(|(_, value)| value)
    }
}

impl Section<'_> {
    /// Where it starts in the text; the start of the file when it is not there.
    pub(crate) fn start(&self) -> usize {
        let keys = self.table.into_iter().flat_map(|table| table.iter());
        keys.map(|(key, _)| key.span().start).min().unwrap_or(0)
    }
}
