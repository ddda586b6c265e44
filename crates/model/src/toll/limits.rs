//! The limits of one scope, what they are by default, and changes to them.

use crate::{DestinationClass, Money};
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident: $kind:ty,)*) => {
        /// The limits of one scope; `None` (`null`) = no limit. Hours and shorter times are sliding windows, days and months those of
        /// the tenant's calendar.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
        pub struct TollLimits {
            $($(#[$doc])* pub $name: Option<$kind>,)*
        }

        /// Limits that differ: what is left out stays as it is, `null` takes a limit away.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct TollChange {
            $(
                $(#[$doc])*
                #[serde(deserialize_with = "given", skip_serializing_if = "Option::is_none")]
                pub $name: Option<Option<$kind>>,
            )*
        }

        impl TollLimits {
            /// These with a change.
            #[must_use]
            pub fn with(self, change: &TollChange) -> TollLimits {
                TollLimits {
                    $($name: change.$name.unwrap_or(self.$name),)*
                }
            }
        }
    };
}

limits! {
    /// Calls to the outside at once, those that ring included.
    concurrent: u32,
    /// Calls begun within any second.
    calls_per_s: u32,
    /// Calls begun within any minute.
    calls_per_min: u32,
    /// Minutes of talk in a day.
    minutes_per_day: u32,
    /// Money within any hour.
    spend_per_hour: Money,
    /// Money in a day.
    spend_per_day: Money,
    /// Money in a month.
    spend_per_month: Money,
    /// Longest call, seconds from its answer.
    longest_call_s: u32,
}

/// What is there counts, `null` too; what is not there is left to the default.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(from: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(from).map(Some)
}

/// The limits of every scope at one time of day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TollProfile {
    /// All calls of the tenant together.
    pub tenant: TollLimits,
    /// Each user's calls.
    pub user: TollLimits,
    /// The calls over each trunk.
    pub trunk: TollLimits,
    /// All calls of the tenant to one kind of destination, for kinds that have limits of their own.
    pub classes: BTreeMap<DestinationClass, TollLimits>,
}

/// An office of fifty stays below these, its busiest seller included; whoever has the password of one of them gets no further than
/// one user's hour and day. In euros or dollars or the like: where a unit is worth much more or less a tenant states its own.
impl TollProfile {
    /// What holds by day unless a tenant says otherwise.
    #[must_use]
    pub fn by_day() -> TollProfile {
        TollProfile {
            tenant: numbers([40, 5, 60, 6_000], [40, 200, 4_000], 14_400),
            user: numbers([3, 2, 12, 360], [5, 15, 300], 7_200),
            trunk: TollLimits::default(),
            classes: costly([8, 2, 12, 600], [10, 40, 300], [2, 1, 4, 60], [5, 10, 50]),
        }
    }

    /// What holds at night and on weekends.
    #[must_use]
    pub fn by_night() -> TollProfile {
        TollProfile {
            tenant: numbers([8, 2, 20, 400], [5, 15, 4_000], 7_200),
            user: numbers([2, 1, 6, 120], [2, 5, 300], 3_600),
            trunk: TollLimits::default(),
            classes: costly([2, 1, 4, 60], [3, 6, 300], [1, 1, 2, 15], [2, 3, 50]),
        }
    }
}

/// Calls at once, per second, per minute, minutes a day; money per hour, day, month; seconds of the longest call.
fn numbers(calls: [u32; 4], spend: [i32; 3], longest_call_s: u32) -> TollLimits {
    let [concurrent, calls_per_s, calls_per_min, minutes_per_day] = calls.map(Some);
    let [spend_per_hour, spend_per_day, spend_per_month] = spend.map(Money::from_units).map(Some);
    TollLimits {
        concurrent,
        calls_per_s,
        calls_per_min,
        minutes_per_day,
        spend_per_hour,
        spend_per_day,
        spend_per_month,
        longest_call_s: Some(longest_call_s),
    }
}

/// Limits of kinds that are off by default, for the day that somebody switches them on: first those of ordinary numbers abroad,
/// then those of each kind that fraud is after.
fn costly(
    abroad: [u32; 4],
    abroad_spend: [i32; 3],
    risky: [u32; 4],
    risky_spend: [i32; 3],
) -> BTreeMap<DestinationClass, TollLimits> {
    use DestinationClass::{HighRisk, International, Personal, Premium, Satellite, Unknown};
    let abroad = (International, numbers(abroad, abroad_spend, 7_200));
    let risky = [Personal, Premium, Satellite, HighRisk, Unknown]
        .map(|class| (class, numbers(risky, risky_spend, 1_800)));
    risky.into_iter().chain([abroad]).collect()
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct ProfileChange {
    tenant: TollChange,
    user: TollChange,
    trunk: TollChange,
    classes: BTreeMap<DestinationClass, TollChange>,
}

impl ProfileChange {
    fn on(self, mut profile: TollProfile) -> TollProfile {
        profile.tenant = profile.tenant.with(&self.tenant);
        profile.user = profile.user.with(&self.user);
        profile.trunk = profile.trunk.with(&self.trunk);
        for (class, change) in self.classes {
            let limits = profile.classes.entry(class).or_default();
            *limits = limits.with(&change);
        }
        profile
    }
}

pub(super) fn by_day<'de, D: Deserializer<'de>>(from: D) -> Result<TollProfile, D::Error> {
    ProfileChange::deserialize(from).map(|change| change.on(TollProfile::by_day()))
}

pub(super) fn by_night<'de, D: Deserializer<'de>>(from: D) -> Result<TollProfile, D::Error> {
    ProfileChange::deserialize(from).map(|change| change.on(TollProfile::by_night()))
}
