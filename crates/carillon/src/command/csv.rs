//! The table of `user import`: RFC 4180 with a head line, fields quoted or not.

use anyhow::{Result, anyhow, bail};

/// One row.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Where it starts, from 1.
    pub(super) line: usize,
    /// The number that others dial.
    pub(super) extension: String,
    /// May be empty.
    pub(super) name: String,
    /// Of its device, where given.
    pub(super) username: Option<String>,
    /// Of its device, where given.
    pub(super) password: Option<String>,
}

const COLUMNS: [&str; 4] = ["extension", "name", "username", "password"];

/// Reads a whole file.
///
/// # Errors
/// Names the line.
pub(super) fn records(text: &str) -> Result<Vec<Record>> {
    let mut rows = rows(text)?.into_iter();
    let (_, head) = rows
        .next()
        .ok_or_else(|| anyhow!("the file is empty; its first line names the columns"))?;
    let head: Vec<String> = head.iter().map(|name| name.trim().to_ascii_lowercase()).collect();
    if let Some(strange) = head.iter().find(|name| !COLUMNS.contains(&name.as_str())) {
        bail!(
            "line 1: there is no column {strange:?}; write some of: {}",
            COLUMNS.join(",")
        );
    }
    if !head.iter().any(|name| name == "extension") {
        bail!(
            "line 1: the column extension is missing; write some of: {}",
            COLUMNS.join(",")
        );
    }
    rows.map(|(line, fields)| record(line, &head, &fields)).collect()
}

fn record(line: usize, head: &[String], fields: &[String]) -> Result<Record> {
    if fields.len() != head.len() {
        bail!(
            "line {line}: {} fields where the first line names {}; quote a field that has a comma",
            fields.len(),
            head.len()
        );
    }
    let field = |name: &str| {
        let at = head.iter().position(|column| column == name)?;
        fields.get(at).filter(|text| !text.is_empty()).cloned()
    };
    Ok(Record {
        line,
        extension: field("extension").ok_or_else(|| anyhow!("line {line}: the extension is empty"))?,
        name: field("name").unwrap_or_default(),
        username: field("username"),
        password: field("password"),
    })
}

/// Rows of fields with the line that each starts on; empty lines are passed over.
fn rows(text: &str) -> Result<Vec<(usize, Vec<String>)>> {
    let mut rows = Vec::new();
    let mut fields = vec![String::new()];
    let (mut line, mut start, mut quoted) = (1, 1, false);
    let mut chars = text.trim_start_matches('\u{feff}').chars().peekable();
    while let Some(c) = chars.next() {
        let field = fields
            .last_mut()
            .ok_or_else(|| anyhow!("line {line}: no field"))?;
        line += usize::from(c == '\n');
        match c {
            '"' if quoted && chars.next_if_eq(&'"').is_some() => field.push('"'),
            '"' if quoted || field.is_empty() => quoted = !quoted,
            _ if quoted => field.push(c),
            ',' => fields.push(String::new()),
            '\r' if chars.peek() == Some(&'\n') => {}
            '\n' => {
                finish(&mut rows, &mut fields, start);
                start = line;
            }
            _ => field.push(c),
        }
    }
    if quoted {
        bail!("line {start}: a quoted field does not end; add the closing \"");
    }
    finish(&mut rows, &mut fields, start);
    Ok(rows)
}

fn finish(rows: &mut Vec<(usize, Vec<String>)>, fields: &mut Vec<String>, start: usize) {
    let row = std::mem::replace(fields, vec![String::new()]);
    if row.iter().any(|field| !field.is_empty()) {
        rows.push((start, row));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_fields_keep_commas_quotes_and_lines() {
        let text = "\u{feff}Extension,Name,Password\r\n100,\"Doe, \"\"Jo\"\"\nII\",secret-one\r\n\r\n101,,\n";
        let all = records(text).unwrap();
        assert_eq!(all[0].name, "Doe, \"Jo\"\nII");
        assert_eq!(all[0].password.as_deref(), Some("secret-one"));
        assert_eq!((all[1].line, all[1].extension.as_str()), (5, "101"));
        assert_eq!((all[1].name.as_str(), all[1].password.as_deref()), ("", None));
    }

    #[test]
    fn a_bad_file_names_the_line() {
        for (text, part) in [
            ("", "empty"),
            ("name\nJo\n", "extension is missing"),
            ("extension,shoe\n", "shoe"),
            ("extension,name\n100\n", "line 2"),
            ("extension\n100\n\"\n", "line 3"),
            ("extension,name\n,Jo\n", "line 2"),
        ] {
            let message = records(text).unwrap_err().to_string();
            assert!(message.contains(part), "{text:?}: {message}");
        }
    }
}
