//! Countries, by the two letters of ISO 3166.

use crate::library;
use rlibphonenumber::Region;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// A country or territory that has a numbering plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country(Region);

impl Country {
    /// Reads two letters in either case. `uk` is understood, as telephone people and the tenants' policy say it.
    #[must_use]
    pub fn parse(code: &str) -> Option<Country> {
        let code = if code.eq_ignore_ascii_case("uk") {
            "GB"
        } else {
            code
        };
        if code.len() != 2 {
            return None;
        }
        library::find(code).map(Country)
    }

    /// Every one, by code.
    #[must_use]
    pub fn all() -> Vec<Country> {
        library::all().into_iter().map(Country).collect()
    }

    /// Of a region of the library; none for numbers that belong to the whole world.
    pub(crate) fn of(region: Region) -> Option<Country> {
        (region != Region::World).then_some(Country(region))
    }

    pub(crate) fn region(self) -> Region {
        self.0
    }
}

impl fmt::Display for Country {
    /// As ISO 3166 writes it, such as GB.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.as_region_str())
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Country {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Country {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Country, D::Error> {
        let code = <Cow<'_, str>>::deserialize(deserializer)?;
        let fault = || {
            D::Error::custom(format_args!(
                "{code:?} is no country of ISO 3166 that has a numbering plan"
            ))
        };
        Country::parse(&code).ok_or_else(fault)
    }
}
