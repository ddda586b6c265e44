//! Which addresses the rules about countries keep out, from a file that the operator supplies.
//!
//! One range a line: first address, last address, country (ISO 3166-1, two letters), comma between, with or without quotes; what is
//! behind is not read. So are the country files that several vendors give away. Only what is kept out is held in memory.

use crate::address::number;
use crate::nets::Nets;
use std::fmt;
use std::net::IpAddr;

/// Countries by their two letters; whichever list is empty rules nothing out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CountryRules {
    /// Where it is not empty, only these come in, and what the file does not know.
    pub allow: Vec<String>,
    /// These don't.
    pub deny: Vec<String>,
}

/// A line of the file is no range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountryError {
    /// From 1.
    pub line: usize,
}

impl fmt::Display for CountryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = self.line;
        write!(
            f,
            "line {line} is no range; it has first address, last address and country, such as 192.0.2.0,192.0.2.255,DE"
        )
    }
}

impl std::error::Error for CountryError {}

impl CountryRules {
    /// True where nothing is ruled out.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.allow.is_empty() && self.deny.is_empty()
    }

    fn keeps_out(&self, country: &str) -> bool {
        let among = |list: &[String]| list.iter().any(|one| one.eq_ignore_ascii_case(country));
        among(&self.deny) || !self.allow.is_empty() && !among(&self.allow)
    }
}

/// The addresses of the file that the rules keep out.
///
/// # Errors
/// The first line that is no range.
pub fn blocked(text: &str, rules: &CountryRules) -> Result<Nets, CountryError> {
    let mut ranges = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (range, country) = row(line).ok_or(CountryError { line: index + 1 })?;
        if rules.keeps_out(country) {
            ranges.push(range);
        }
    }
    Ok(Nets::of(ranges))
}

fn row(line: &str) -> Option<((u128, u128), &str)> {
    let mut fields = line.split(',').map(|field| field.trim().trim_matches('"'));
    let first: IpAddr = fields.next()?.parse().ok()?;
    let last: IpAddr = fields.next()?.parse().ok()?;
    let country = fields.next()?;
    let fits = country.len() == 2 && first.is_ipv4() == last.is_ipv4() && first <= last;
    fits.then_some(((number(first), number(last)), country))
}
