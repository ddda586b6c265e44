//! What commands print: one JSON value, or text for people.

use anyhow::Result;
use jiff::{Timestamp, Unit};
use model::Wall;
use serde_json::Value;
use std::fmt::Write as _;
use std::io::{self, Write as _};

/// Prints `value` as JSON, or else `text`. A closed pipe is no failure: the reader has seen enough.
///
/// # Errors
/// Standard output can't be written.
pub(crate) fn print(json: bool, value: &Value, text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    let done = match json {
        true => writeln!(out, "{value:#}"),
        false => out.write_all(text.as_bytes()),
    };
    match done.and_then(|()| out.flush()) {
        Err(e) if e.kind() != io::ErrorKind::BrokenPipe => Err(e.into()),
        _ => Ok(()),
    }
}

/// Columns of text, each as wide as its widest cell. Control characters of foreign text are shown as `?`.
#[derive(Debug)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    /// A table with these heads.
    pub(crate) fn new(heads: &[&str]) -> Table {
        Table {
            rows: vec![heads.iter().map(|h| (*h).to_owned()).collect()],
        }
    }

    /// Adds a row.
    pub(crate) fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| printable(&cell)).to_vec());
    }

    /// The table, or `none` when it has no row.
    pub(crate) fn text(&self, none: &str) -> String {
        if self.rows.len() == 1 {
            return format!("{none}\n");
        }
        let columns = self.rows.first().map_or(0, Vec::len);
        let width = |column: usize| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        let mut text = String::new();
        for row in &self.rows {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                let _infallible = write!(line, "{cell:<width$}  ");
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }
}

/// Control characters replaced: a display name must not move somebody's cursor.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { '?' } else { c })
        .collect()
}

/// Characters of an error that are shown.
const LONGEST_ERROR: usize = 2_000;

/// An error as one line, whatever its sources wrote: it may repeat a name that somebody else made up.
pub(crate) fn one_line(text: &str) -> String {
    let parts = text.split(['\r', '\n']).map(str::trim);
    let line: Vec<&str> = parts.filter(|part| !part.is_empty()).collect();
    let line = printable(&line.join(" "));
    match line.char_indices().nth(LONGEST_ERROR) {
        Some((end, _)) => format!("{}…", line.get(..end).unwrap_or_default()),
        None => line,
    }
}

/// RFC 3339 with milliseconds, for JSON.
pub(crate) fn instant(wall: Wall) -> Value {
    timestamp(wall).map_or(Value::Null, |t| format!("{t:.3}").into())
}

/// RFC 3339 in whole seconds, for people.
pub(crate) fn seconds(wall: Wall) -> String {
    let rounded = timestamp(wall).and_then(|t| t.round(Unit::Second).ok());
    rounded.map_or_else(|| "?".to_owned(), |t| t.to_string())
}

fn timestamp(wall: Wall) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(wall.0).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_foreign_control_characters_stay_out() {
        let mut table = Table::new(&["NAME", "N"]);
        table.row(["a\u{1b}[2J".to_owned(), "1".to_owned()]);
        table.row(["long name".to_owned(), "22".to_owned()]);
        assert_eq!(table.text("none"), "NAME       N\na?[2J      1\nlong name  22\n");
        assert_eq!(Table::new(&["X"]).text("No calls."), "No calls.\n");
    }

    #[test]
    fn times_are_rfc_3339() {
        assert_eq!(instant(Wall(1_000)), "1970-01-01T00:00:01.000Z");
        assert_eq!(seconds(Wall(1_499)), "1970-01-01T00:00:01Z");
    }

    #[test]
    fn an_error_is_one_line() {
        assert_eq!(one_line("a\n  b\r\n"), "a b");
        assert_eq!(one_line("no user 9\u{1b}[2J\u{7}"), "no user 9?[2J?");
        assert_eq!(one_line(&"é".repeat(10_000)).chars().count(), 2_001);
    }
}
