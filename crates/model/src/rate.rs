//! What calls cost: the rows of a carrier's or reseller's price list, and what one call came to.
//!
//! Owns: the nouns. Does not own: finding a row and reckoning with it, see `tenancy::rate`.

use crate::{Band, Currency, Money, Prefix, Wall};
use serde::{Deserialize, Serialize};

/// The price of calls to numbers that begin with a prefix.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateRow {
    /// Which numbers.
    pub prefix: Prefix,
    /// What people call the destination, such as `Germany mobile`.
    #[serde(default)]
    pub name: Box<str>,
    /// Per minute.
    pub price: Money,
    /// Once for each answered call.
    #[serde(default)]
    pub fee: Money,
    /// An answered call is charged for at least so long, seconds, 1 to 3,600.
    #[serde(default = "minute")]
    pub first_s: u32,
    /// And beyond that in steps of so long, seconds, 1 to 3,600; each is charged as it begins.
    #[serde(default = "minute")]
    pub next_s: u32,
    /// In effect from then on.
    #[serde(default)]
    pub from: Wall,
    /// And not any more from then on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Wall>,
    /// Only in these hours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub band: Option<Band>,
}

/// Where nothing is said calls are charged by whole minutes: it is what lists without a word on it mean more often than not, and
/// never less than what the carrier takes.
fn minute() -> u32 {
    60
}

/// A price list as it is configured, unchecked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RateDraft {
    /// Of all its amounts.
    pub currency: Currency,
    /// What a call comes to is rounded to so many places behind the point, half of the last one up; 0 to 6.
    #[serde(default = "places")]
    pub places: u8,
    /// Minutes that the clock of `RateRow::band` is ahead of UTC.
    #[serde(default)]
    pub utc_offset_min: i16,
    /// In any order.
    pub rows: Vec<RateRow>,
}

fn places() -> u8 {
    RateDraft::PLACES
}

impl RateDraft {
    /// Places that the charge of a call is rounded to where a list says nothing.
    pub const PLACES: u8 = 4;
}

/// What one call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Fee and time together, rounded once.
    pub amount: Money,
    /// Its currency; none where there is no price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<Currency>,
    /// The row that was used; none for a call that was not answered or costs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<Prefix>,
    /// Its price per minute.
    pub price: Money,
    /// Seconds charged for.
    pub billed_s: u64,
}
