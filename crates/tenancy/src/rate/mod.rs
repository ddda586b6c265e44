//! What a call costs.
//!
//! Owns: [`RateTable`], a price list that is checked and indexed, and the way to it from a carrier's file. Does not own: who may
//! spend how much, see [`crate::toll`]; taxes, packages and invoices.
//!
//! # Rules
//!
//! - The row is that with the longest prefix of those in effect when the call was answered; of rows with the same prefix one that
//!   has hours goes before one that has none, and a later beginning before an earlier. The call keeps it to its end.
//! - An unanswered call costs nothing. An answered one costs the fee and is charged for `first_s` seconds at least, then in steps
//!   of `next_s`, each charged as it begins; a second that has begun counts.
//! - Fee and time are added exactly and rounded once for each call, half up, to the places of the table (four, if nothing is said).
//! - Amounts that no carrier has, above 9 × 10^12, stop there; they don't wrap.

mod file;
mod price;

pub use file::{RateFile, RateFileError};
pub use price::Rate;

use crate::prefixes::Prefixes;
use model::{Charge, Currency, Money, Prefix, RateDraft, RateRow, Wall};
use std::cmp::Reverse;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

/// A price list. Built once per change, shared, never altered.
#[derive(Debug)]
pub struct RateTable {
    /// Its rows by prefix, and for each prefix in the order in which they are tried.
    list: Arc<RateDraft>,
    index: Prefixes,
    /// The rows of each prefix of the index.
    groups: Vec<Range<u32>>,
}

/// Why rows are not a price list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RateError {
    /// More than [`RateTable::ROWS`].
    TooMany,
    /// More places than amounts have.
    Places(u8),
    /// A row says something that can't be.
    Row {
        /// Which, from 0.
        row: usize,
        /// Its prefix.
        prefix: Prefix,
        /// What is wrong with it.
        what: &'static str,
    },
    /// Two rows have the same prefix, beginning and hours.
    Twice(Prefix),
}

impl fmt::Display for RateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RateError::TooMany => write!(
                f,
                "more than {} rows; leave out what is not called",
                RateTable::ROWS
            ),
            RateError::Places(places) => write!(f, "amounts have at most 6 places, not {places}"),
            RateError::Row { row, prefix, what } => write!(f, "row {} ({prefix}): {what}", row + 1),
            RateError::Twice(prefix) => write!(
                f,
                "two rows for {prefix} begin at the same time and have the same hours; remove one"
            ),
        }
    }
}

impl std::error::Error for RateError {}

impl RateTable {
    /// Rows of a table; carriers' largest have some 300,000.
    pub const ROWS: usize = 1_000_000;
    /// Seconds of the longest increment.
    pub const LONGEST_INCREMENT_S: u32 = 3_600;

    /// Checks and indexes a price list.
    ///
    /// # Errors
    /// The first row that can't be, or two that say something about the same calls.
    pub fn new(draft: RateDraft) -> Result<RateTable, RateError> {
        RateTable::of(Arc::new(draft))
    }

    /// The same of a list that others hold, too. One that came from [`RateTable::list`] is not copied.
    ///
    /// # Errors
    /// As [`RateTable::new`].
    pub fn of(mut list: Arc<RateDraft>) -> Result<RateTable, RateError> {
        if list.rows.len() > RateTable::ROWS {
            return Err(RateError::TooMany);
        }
        if list.places > 6 {
            return Err(RateError::Places(list.places));
        }
        for (row, content) in list.rows.iter().enumerate() {
            let prefix = content.prefix;
            check(content).map_err(|what| RateError::Row { row, prefix, what })?;
        }
        if !list.rows.is_sorted_by_key(order) {
            Arc::make_mut(&mut list).rows.sort_by_key(order);
        }
        let (prefixes, groups) = group(&list.rows)?;
        Ok(RateTable {
            list,
            index: Prefixes::new(prefixes),
            groups,
        })
    }

    /// What it was made of, in its own order.
    #[must_use]
    pub fn list(&self) -> &Arc<RateDraft> {
        &self.list
    }

    /// Of all its amounts.
    #[must_use]
    pub fn currency(&self) -> Currency {
        self.list.currency
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.list.rows.len()
    }

    /// True without any row: then no call has a price.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.rows.is_empty()
    }

    /// The row for a number at a moment.
    #[must_use]
    pub fn row(&self, number: Prefix, at: Wall) -> Option<&RateRow> {
        self.index.of(number).find_map(|place| {
            let group = self.groups.get(place)?;
            let (start, end) = (
                usize::try_from(group.start).ok()?,
                usize::try_from(group.end).ok()?,
            );
            let rows = self.list.rows.get(start..end)?;
            rows.iter().find(|row| self.in_effect(row, at))
        })
    }

    fn in_effect(&self, row: &RateRow, at: Wall) -> bool {
        row.from <= at
            && row.until.is_none_or(|until| at < until)
            && row
                .band
                .is_none_or(|band| band.covers(at, self.list.utc_offset_min))
    }

    /// The price of a call to a number that is answered at a moment.
    #[must_use]
    pub fn rate(&self, number: Prefix, at: Wall) -> Option<Rate> {
        self.row(number, at)
            .map(|row| Rate::new(row, self.list.currency, self.list.places))
    }

    /// What a call came to: answered then, if it was, and talked for so long. `None` when the table has no row for it.
    #[must_use]
    pub fn charge(&self, number: &str, answered: Option<Wall>, talk: Duration) -> Option<Charge> {
        let Some(answered) = answered else {
            return Some(Rate::nothing(Some(self.list.currency)));
        };
        let rate = self.rate(Prefix::of_number(number)?, answered)?;
        Some(rate.charge(talk))
    }

    /// How long a call to a number that is answered at a moment may last until it costs more than `budget`. `None` when the
    /// table has no row for it, or when its fee and first increment are more already; [`Duration::MAX`] when time is free.
    #[must_use]
    pub fn affords(&self, number: &str, at: Wall, budget: Money) -> Option<Duration> {
        self.rate(Prefix::of_number(number)?, at)?.affords(budget)
    }
}

fn check(row: &RateRow) -> Result<(), &'static str> {
    let increments = 1..=RateTable::LONGEST_INCREMENT_S;
    if row.price.is_negative() || row.fee.is_negative() {
        return Err("a price is not below zero");
    }
    if !increments.contains(&row.first_s) || !increments.contains(&row.next_s) {
        return Err("an increment has 1 to 3,600 seconds");
    }
    if row.until.is_some_and(|until| until <= row.from) {
        return Err("it ends before it begins");
    }
    Ok(())
}

/// What a table is sorted by: rows with the same key would be chosen by chance.
fn order(row: &RateRow) -> (Prefix, bool, Reverse<Wall>, Option<model::Band>) {
    (row.prefix, row.band.is_none(), Reverse(row.from), row.band)
}

/// The prefixes of sorted rows, each once, and where its rows are.
fn group(rows: &[RateRow]) -> Result<(Vec<Prefix>, Vec<Range<u32>>), RateError> {
    let (mut prefixes, mut groups) = (Vec::new(), Vec::new());
    let mut start = 0_u32;
    for group in rows.chunk_by(|a, b| a.prefix == b.prefix) {
        let twice = group.windows(2).find(|pair| match pair {
            [a, b] => order(a) == order(b),
            _ => false,
        });
        if let Some([row, ..]) = twice {
            return Err(RateError::Twice(row.prefix));
        }
        let end = start.saturating_add(u32::try_from(group.len()).unwrap_or(u32::MAX));
        prefixes.extend(group.first().map(|row| row.prefix));
        groups.push(start..end);
        start = end;
    }
    Ok((prefixes, groups))
}
