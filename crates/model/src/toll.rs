//! Limits against toll fraud: what a tenant allows, what is said when a limit is near or hit, and what is kept over a restart.
//!
//! Owns: the nouns and their defaults. Does not own: counting and deciding, see `tenancy::toll`.

mod limits;
mod state;

pub use limits::{TollChange, TollLimits, TollProfile};
pub use state::{TollAccount, TollCall, TollCheckpoint, TollNote, TollSpent, TollTerms, TollUse};

use crate::{Band, Currency, DestinationClass, Money, Prefix, TrunkId, UserId, Wall};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What happens at a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AtLimit {
    /// New calls are refused, and calls under way end where they would pass it.
    #[default]
    End,
    /// New calls are refused. Only `longest_call_s` ends calls under way.
    Refuse,
}

/// What becomes of calls to numbers that the price list has no row for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unrated {
    /// They are refused: what they cost could not be limited.
    #[default]
    Refuse,
    /// They pass and count as free.
    Allow,
}

/// What one user or trunk has of its own.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TollException {
    /// For a user: instead of the tenant's classes, at any hour. For a trunk: only these of what else is allowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub classes: Option<BTreeSet<DestinationClass>>,
    /// Limits that differ from those of other users or trunks, at any hour.
    pub limits: TollChange,
}

/// What a tenant's calls to the outside may be. A part that is left out has the default, so that nobody switches a limit off by
/// writing down another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct TollPolicy {
    /// Of every amount below; the price list has to have the same. None: whatever the list has.
    pub currency: Option<Currency>,
    /// Kinds of destinations that are called.
    pub classes: BTreeSet<DestinationClass>,
    /// Kinds that are called at night; none = as by day.
    pub night_classes: Option<BTreeSet<DestinationClass>>,
    /// Countries, or parts of them, whose ordinary numbers are called though `classes` lacks `international`. Premium and other
    /// costly numbers are not opened by this.
    pub countries: BTreeSet<Prefix>,
    /// Prefixes that nobody calls, whatever their class. Of a number that both lists have something on the longer one counts.
    pub barred: BTreeSet<Prefix>,
    /// Minutes that the tenant's clock is ahead of UTC, summer time included. None: not known; then days are those of UTC, and no
    /// hour counts as night.
    pub utc_offset_min: Option<i16>,
    /// Hours of the night profile.
    pub night_hours: Vec<Band>,
    /// Limits.
    #[serde(deserialize_with = "limits::by_day")]
    pub by_day: TollProfile,
    /// Limits in `night_hours`. A call keeps those of the moment it began. Hours and days are counted apart from those by day,
    /// months together.
    #[serde(deserialize_with = "limits::by_night")]
    pub by_night: TollProfile,
    /// Users with something of their own.
    pub users: BTreeMap<UserId, TollException>,
    /// Trunks with something of their own.
    pub trunks: BTreeMap<TrunkId, TollException>,
    /// What happens at a limit.
    pub at_limit: AtLimit,
    /// Calls without a price.
    pub unrated: Unrated,
    /// A warning is given when so much of a limit is used up, per cent.
    pub warn_percent: u8,
}

impl Default for TollPolicy {
    fn default() -> TollPolicy {
        let usual = DestinationClass::ALL.into_iter().filter(|class| class.is_usual());
        TollPolicy {
            currency: None,
            classes: usual.collect(),
            night_classes: None,
            countries: BTreeSet::new(),
            barred: BTreeSet::new(),
            utc_offset_min: None,
            night_hours: ["mon-fri 20:00-07:00", "sat,sun"]
                .iter()
                .filter_map(|text| text.parse().ok())
                .collect(),
            by_day: TollProfile::by_day(),
            by_night: TollProfile::by_night(),
            users: BTreeMap::new(),
            trunks: BTreeMap::new(),
            at_limit: AtLimit::End,
            unrated: Unrated::Refuse,
            warn_percent: 80,
        }
    }
}

impl TollPolicy {
    /// True for the one that holds where nothing is written down.
    #[must_use]
    pub fn is_usual(&self) -> bool {
        *self == TollPolicy::default()
    }
}

/// Whose limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TollScope {
    /// All calls of the tenant.
    Tenant,
    /// The calls that a user is charged for.
    User(UserId),
    /// The calls over a trunk.
    Trunk(TrunkId),
    /// The tenant's calls to one kind of destination.
    Class(DestinationClass),
}

impl fmt::Display for TollScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TollScope::Tenant => f.write_str("tenant"),
            TollScope::User(user) => write!(f, "user {user}"),
            TollScope::Trunk(trunk) => write!(f, "trunk {trunk}"),
            TollScope::Class(class) => write!(f, "calls to {class}"),
        }
    }
}

/// Which limit; named as in [`TollLimits`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TollLimit {
    /// Calls at once.
    Concurrent,
    /// Calls begun within a second.
    CallsPerS,
    /// Calls begun within a minute.
    CallsPerMin,
    /// Minutes in a day.
    MinutesPerDay,
    /// Money in an hour.
    SpendPerHour,
    /// Money in a day.
    SpendPerDay,
    /// Money in a month.
    SpendPerMonth,
    /// The length of one call.
    LongestCall,
}

impl TollLimit {
    /// As configuration names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            TollLimit::Concurrent => "concurrent",
            TollLimit::CallsPerS => "calls_per_s",
            TollLimit::CallsPerMin => "calls_per_min",
            TollLimit::MinutesPerDay => "minutes_per_day",
            TollLimit::SpendPerHour => "spend_per_hour",
            TollLimit::SpendPerDay => "spend_per_day",
            TollLimit::SpendPerMonth => "spend_per_month",
            TollLimit::LongestCall => "longest_call_s",
        }
    }
}

/// How urgent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TollLevel {
    /// Most of a limit is used up, or somebody tried what he may not.
    Warning,
    /// A limit has stopped a call, or somebody goes on trying, or tried what fraud is after.
    Alert,
}

/// A number with its unit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TollAmount {
    /// Calls.
    Calls(u64),
    /// Time.
    Seconds(u64),
    /// In the currency of the price list.
    Money(Money),
}

impl fmt::Display for TollAmount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TollAmount::Calls(calls) => calls.fmt(f),
            TollAmount::Seconds(seconds) => write!(f, "{seconds} s"),
            TollAmount::Money(money) => money.fmt(f),
        }
    }
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TollCause {
    /// A limit.
    Limit {
        /// Which.
        limit: TollLimit,
        /// Its number.
        most: TollAmount,
        /// What has been used of it. Below `most` also where a call was stopped: the next step of its price would have passed it.
        value: TollAmount,
    },
    /// Calls to what is not allowed.
    Destination {
        /// The last one's kind.
        class: DestinationClass,
        /// Within the last hour.
        tries: u32,
    },
}

/// Somebody ought to know. Each is said once in its period (a day, a month, otherwise an hour), not once for each call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TollAlert {
    /// How urgent.
    pub level: TollLevel,
    /// Whose calls.
    pub scope: TollScope,
    /// What happened.
    pub cause: TollCause,
    /// When.
    pub at: Wall,
}

impl fmt::Display for TollAlert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.cause {
            TollCause::Limit { limit, most, value } => {
                write!(f, "{}: {} is at {value} of {most}", self.scope, limit.name())
            }
            TollCause::Destination { class, tries } => {
                write!(
                    f,
                    "{}: {tries} calls to {class} numbers, which are not allowed",
                    self.scope
                )
            }
        }
    }
}

/// A call that limits were asked about; unique for the life of a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TollTicket(pub u64);
