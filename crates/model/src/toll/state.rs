//! What the meter of a tenant knows, as plain data: a restart gives nobody a day's spend anew.

use super::{TollAmount, TollLevel, TollLimit, TollScope, TollTicket};
use crate::{Currency, DestinationClass, Money, Prefix, Wall};
use serde::{Deserialize, Serialize};

/// Everything that a meter counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollCheckpoint {
    /// When it was taken; ages below are seen from here.
    pub at: Wall,
    /// The latest moment that was seen, milliseconds of the tenant's own clock since 1970: a clock that was set back changes no day.
    pub seen_ms: i64,
    /// The number of the next ticket.
    pub next: u64,
    /// Every scope with something to remember.
    pub accounts: Vec<TollAccount>,
    /// Calls that ring or last.
    pub calls: Vec<TollCall>,
}

/// What one scope has used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollAccount {
    /// Whose.
    pub scope: TollScope,
    /// Days since 1970 of the day that is counted.
    pub day: i64,
    /// Months since the year 0 of the month that is counted.
    pub month: i64,
    /// In that month.
    pub spent_month: Money,
    /// By day and by night.
    pub spent: [TollSpent; 2],
    /// Its limits don't count for so much longer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_ms: Option<u64>,
    /// What has been said in this period.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<TollNote>,
}

/// What a scope has used under one profile.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollSpent {
    /// In the day.
    pub day: Money,
    /// Talk in the day, milliseconds.
    pub talk_ms: u64,
    /// In the last hour: how long ago, milliseconds, and how much.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub hour: Vec<(u64, Money)>,
}

/// A warning or alert that was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollNote {
    /// About which limit; none: about destinations.
    pub limit: Option<TollLimit>,
    /// What was given.
    pub level: TollLevel,
    /// The day or month it counts for; for other limits how long ago it was, milliseconds.
    pub mark: i64,
}

/// The price that a call goes on at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollTerms {
    /// The row that it came from.
    pub prefix: Prefix,
    /// Of its table.
    pub currency: Currency,
    /// Per minute.
    pub price: Money,
    /// Once.
    pub fee: Money,
    /// Seconds.
    pub first_s: u32,
    /// Seconds.
    pub next_s: u32,
    /// Places that the charge is rounded to.
    pub places: u8,
}

/// A call that rings or lasts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollCall {
    /// Which.
    pub ticket: TollTicket,
    /// Whose limits it counts against.
    pub scopes: Vec<TollScope>,
    /// Where it leads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<Prefix>,
    /// What kind of number that is.
    pub class: DestinationClass,
    /// What it costs; none: nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<TollTerms>,
    /// It began at night.
    pub night: bool,
    /// How long it has been talked, milliseconds; none: it rings.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub talked_ms: Option<u64>,
    /// Talk that is counted already, milliseconds.
    pub granted_ms: u64,
    /// Money that is counted already.
    pub granted: Money,
}

/// What is used of one limit at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollUse {
    /// Whose.
    pub scope: TollScope,
    /// Which.
    pub limit: TollLimit,
    /// What has been used of it, by day or by night as it is then.
    pub used: TollAmount,
    /// Its number.
    pub most: TollAmount,
    /// The scope's limits don't count for so much longer, milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lifted_ms: Option<u64>,
}
