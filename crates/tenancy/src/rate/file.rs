//! Price lists as carriers deliver them: text with a header and a row a line.
//!
//! Owns: reading such a file. Separated by comma, semicolon or tab, whichever its header has most of; fields may stand in quotes
//! (RFC 4180), within one line. Columns go by their names, in whatever case and with whatever between the words; columns of other
//! names are left alone. Where the sign between fields is no comma a comma may be the decimal point.

use super::{RateError, RateTable};
use crate::calendar::{Edge, read_date};
use model::{Band, Currency, Money, Prefix, RateDraft, RateRow, Wall};
use std::collections::BTreeMap;
use std::fmt;

/// Octets of a line; more is no price list.
const LINE_OCTETS: usize = 4_096;
/// Fields of a line.
const FIELDS: usize = 64;
/// Octets of a destination's name that are kept.
const NAME_OCTETS: usize = 80;

/// What a file itself does not say.
#[derive(Clone, Copy, Debug)]
pub struct RateFile {
    /// Of its amounts; none: it has a column for that.
    pub currency: Option<Currency>,
    /// Places that charges are rounded to.
    pub places: u8,
    /// Minutes that its dates and hours are ahead of UTC.
    pub utc_offset_min: i16,
}

impl Default for RateFile {
    fn default() -> RateFile {
        RateFile {
            currency: None,
            places: RateDraft::PLACES,
            utc_offset_min: 0,
        }
    }
}

/// Why a file is not a price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RateFileError {
    /// Where, from 1; 0 for the file as a whole.
    pub line: usize,
    /// What is wrong and what would be right.
    pub what: String,
}

impl fmt::Display for RateFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            return f.write_str(&self.what);
        }
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for RateFileError {}

/// What a column may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Column {
    Prefix,
    Name,
    Price,
    Fee,
    First,
    Next,
    Increments,
    From,
    Until,
    Hours,
    Currency,
}

/// The names under which columns are known, letters and digits only.
const COLUMNS: [(Column, &[&str]); 11] = [
    (
        Column::Prefix,
        &[
            "prefix",
            "code",
            "dialcode",
            "dialprefix",
            "destinationcode",
            "areacode",
            "digits",
            "vorwahl",
        ],
    ),
    (
        Column::Name,
        &[
            "name",
            "destination",
            "destinationname",
            "description",
            "country",
            "ziel",
        ],
    ),
    (
        Column::Price,
        &[
            "price",
            "rate",
            "priceperminute",
            "rateperminute",
            "pricepermin",
            "ratepermin",
            "pricemin",
            "ratemin",
            "permin",
            "perminute",
            "preis",
            "preisprominute",
        ],
    ),
    (
        Column::Fee,
        &[
            "fee",
            "connectionfee",
            "connectfee",
            "setupfee",
            "connectioncharge",
            "surcharge",
            "callsetup",
        ],
    ),
    (
        Column::First,
        &[
            "first",
            "firsts",
            "firstincrement",
            "initialincrement",
            "initialinterval",
            "interval1",
            "minimum",
        ],
    ),
    (
        Column::Next,
        &[
            "next",
            "nexts",
            "nextincrement",
            "increment",
            "subsequentincrement",
            "recurringinterval",
            "intervaln",
            "interval2",
        ],
    ),
    (
        Column::Increments,
        &[
            "increments",
            "billingincrement",
            "billingincrements",
            "billing",
            "taktung",
            "takt",
        ],
    ),
    (
        Column::From,
        &[
            "from",
            "effectivefrom",
            "effective",
            "effectivedate",
            "startdate",
            "validfrom",
            "gueltigab",
        ],
    ),
    (
        Column::Until,
        &[
            "until",
            "effectiveuntil",
            "effectiveto",
            "enddate",
            "validuntil",
            "validto",
            "expires",
            "expiry",
            "gueltigbis",
        ],
    ),
    (Column::Hours, &["hours", "band", "times", "timeband"]),
    (Column::Currency, &["currency", "waehrung"]),
];

impl RateFile {
    /// Reads a file and builds its table.
    ///
    /// # Errors
    /// The first line that is wrong, and how.
    pub fn read(&self, file: &[u8]) -> Result<RateTable, RateFileError> {
        let (draft, lines) = self.rows(file)?;
        let what = |error: RateError| match error {
            RateError::Row { row, what, .. } => RateFileError {
                line: lines.get(row).copied().unwrap_or(0),
                what: what.to_owned(),
            },
            other => RateFileError {
                line: 0,
                what: other.to_string(),
            },
        };
        RateTable::new(draft).map_err(what)
    }

    /// Reads the rows of a file, unchecked.
    ///
    /// # Errors
    /// The first line that is wrong, and how.
    pub fn draft(&self, file: &[u8]) -> Result<RateDraft, RateFileError> {
        self.rows(file).map(|(draft, _)| draft)
    }

    /// The rows, and the line of each.
    fn rows(&self, file: &[u8]) -> Result<(RateDraft, Vec<usize>), RateFileError> {
        let file = file.strip_prefix(b"\xef\xbb\xbf").unwrap_or(file);
        let mut reader: Option<Reader> = None;
        let (mut rows, mut lines) = (Vec::new(), Vec::new());
        for (number, line) in (1..).zip(file.split(|b| *b == b'\n')) {
            let at = |what: String| RateFileError { line: number, what };
            if line.len() > LINE_OCTETS {
                return Err(at(format!("longer than {LINE_OCTETS} octets")));
            }
            // Names come in whatever encoding; what is read from the line is ASCII.
            let line = String::from_utf8_lossy(line);
            let line = line.trim_end_matches('\r');
            if line.trim().is_empty() {
                continue;
            }
            match &mut reader {
                None => reader = Some(Reader::new(line, *self).map_err(at)?),
                Some(_) if rows.len() == RateTable::ROWS => return Err(at(RateError::TooMany.to_string())),
                Some(reader) => {
                    rows.push(reader.row(line).map_err(at)?);
                    lines.push(number);
                }
            }
        }
        let whole = |what: &str| RateFileError {
            line: 0,
            what: what.to_owned(),
        };
        let reader = reader.ok_or_else(|| whole("the file is empty"))?;
        let currency = reader
            .currency
            .ok_or_else(|| whole("no currency is known; name it"))?;
        let draft = RateDraft {
            currency,
            places: self.places,
            utc_offset_min: self.utc_offset_min,
            rows,
        };
        Ok((draft, lines))
    }
}

/// Reads lines under one header.
struct Reader {
    between: char,
    columns: Vec<Option<Column>>,
    /// Known from the beginning or from the first row.
    currency: Option<Currency>,
    utc_offset_min: i16,
}

impl Reader {
    fn new(header: &str, file: RateFile) -> Result<Reader, String> {
        let count = |sign: &char| header.matches(*sign).count();
        let between = [',', ';', '\t'].into_iter().max_by_key(count).unwrap_or(',');
        let names = split(header, between)?;
        let columns: Vec<Option<Column>> = names.iter().map(|name| column(name)).collect();
        for (wanted, names) in COLUMNS {
            let times = columns.iter().filter(|found| **found == Some(wanted)).count();
            let name = names.first().copied().unwrap_or_default();
            if times > 1 {
                return Err(format!(
                    "more than one column says the {name}; rename or remove one"
                ));
            }
            if times == 0 && matches!(wanted, Column::Prefix | Column::Price) {
                return Err(format!("no column is named {}", names.join(" or ")));
            }
        }
        let has = |wanted| columns.contains(&Some(wanted));
        if has(Column::Increments) && (has(Column::First) || has(Column::Next)) {
            return Err(
                "increments stand in a column of their own and together in another; remove one".to_owned(),
            );
        }
        Ok(Reader {
            between,
            columns,
            currency: file.currency,
            utc_offset_min: file.utc_offset_min,
        })
    }

    fn row(&mut self, line: &str) -> Result<RateRow, String> {
        let values = split(line, self.between)?;
        if values.len() > self.columns.len() {
            return Err(format!(
                "{} fields under {} columns",
                values.len(),
                self.columns.len()
            ));
        }
        let named = self.columns.iter().zip(values);
        let fields: BTreeMap<Column, String> = named
            .filter_map(|(column, value)| Some(((*column)?, value)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let field = |column: Column| fields.get(&column).map(String::as_str);
        self.see_currency(field(Column::Currency))?;
        let (first_s, next_s) = increments(
            field(Column::Increments),
            field(Column::First),
            field(Column::Next),
        )?;
        let prefix = field(Column::Prefix).ok_or("the prefix is missing")?;
        let prefix: Prefix = prefix.parse().map_err(|error| format!("{prefix:?}: {error}"))?;
        let hours = field(Column::Hours).map(str::parse::<Band>).transpose();
        Ok(RateRow {
            prefix,
            name: cut(field(Column::Name).unwrap_or_default()).into(),
            price: self.money(field(Column::Price).ok_or("the price is missing")?)?,
            fee: field(Column::Fee).map_or(Ok(Money::ZERO), |text| self.money(text))?,
            first_s,
            next_s,
            from: self.date(field(Column::From), Edge::Begin)?.unwrap_or_default(),
            until: self.date(field(Column::Until), Edge::End)?,
            band: hours.map_err(|error| error.to_string())?,
        })
    }

    /// A table has one currency: sums and limits go over all of it.
    fn see_currency(&mut self, text: Option<&str>) -> Result<(), String> {
        let Some(text) = text else { return Ok(()) };
        let found: Currency = text.parse().map_err(|error| format!("{text:?}: {error}"))?;
        let known = *self.currency.get_or_insert(found);
        if known == found {
            return Ok(());
        }
        Err(format!(
            "the currency is {found}, but that of the table is {known}; make a table for each"
        ))
    }

    fn money(&self, text: &str) -> Result<Money, String> {
        let comma = self.between != ',' && !text.contains('.') && text.matches(',').count() == 1;
        let pointed = if comma {
            text.replace(',', ".")
        } else {
            text.to_owned()
        };
        pointed
            .parse()
            .map_err(|error: model::MoneyError| error.to_string())
    }

    fn date(&self, text: Option<&str>, edge: Edge) -> Result<Option<Wall>, String> {
        let Some(text) = text else { return Ok(None) };
        let date = read_date(text, self.utc_offset_min, edge);
        date.map(Some)
            .ok_or_else(|| format!("{text:?} is no date such as 2026-11-26 or 2026-11-26T08:00:00Z"))
    }
}

/// Seconds of the first and of each next increment.
fn increments(both: Option<&str>, first: Option<&str>, next: Option<&str>) -> Result<(u32, u32), String> {
    let seconds = |text: &str| {
        let number = text.trim().parse::<u32>();
        number.map_err(|_| format!("{text:?} is no increment; write seconds, such as 60/6"))
    };
    if let Some(both) = both {
        let (first, next) = both.split_once(['/', '-', '+']).unwrap_or((both, both));
        return Ok((seconds(first)?, seconds(next)?));
    }
    let first = first.map(seconds).transpose()?;
    let next = next.map(seconds).transpose()?;
    let next = next.or(first).unwrap_or(60);
    Ok((first.unwrap_or(next), next))
}

fn column(name: &str) -> Option<Column> {
    let letters = name.chars().filter(char::is_ascii_alphanumeric);
    let name: String = letters.map(|c| c.to_ascii_lowercase()).collect();
    let known = COLUMNS.iter().find(|(_, names)| names.contains(&name.as_str()));
    known.map(|(column, _)| *column)
}

/// The fields of a line, without the space and quotes around them.
fn split(line: &str, between: char) -> Result<Vec<String>, String> {
    let mut fields = Vec::new();
    let mut rest = Some(line);
    while let Some(text) = rest {
        if fields.len() == FIELDS {
            return Err(format!("more than {FIELDS} fields"));
        }
        let text = text.trim_start_matches(' ');
        let (field, after) = match text.strip_prefix('"') {
            Some(quoted) => unquote(quoted, between)?,
            None => match text.split_once(between) {
                Some((field, after)) => (field.trim().to_owned(), Some(after)),
                None => (text.trim().to_owned(), None),
            },
        };
        fields.push(field);
        rest = after;
    }
    Ok(fields)
}

/// A field after its opening quote, and what follows the sign behind it.
fn unquote(text: &str, between: char) -> Result<(String, Option<&str>), String> {
    let mut field = String::new();
    let mut rest = text;
    loop {
        let (inside, after) = rest
            .split_once('"')
            .ok_or("a quote is not closed on the same line")?;
        field.push_str(inside);
        if let Some(more) = after.strip_prefix('"') {
            field.push('"');
            rest = more;
            continue;
        }
        let after = after.trim_start_matches(' ');
        let next = after.strip_prefix(between);
        if next.is_none() && !after.is_empty() {
            return Err("something stands between a closing quote and the next field".to_owned());
        }
        return Ok((field.trim().to_owned(), next));
    }
}

/// A name without control characters, cut where it gets long.
fn cut(name: &str) -> String {
    let mut kept = String::new();
    for c in name.chars().filter(|c| !c.is_control()) {
        if kept.len() + c.len_utf8() > NAME_OCTETS {
            break;
        }
        kept.push(c);
    }
    kept
}
