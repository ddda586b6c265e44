//! What telephone numbers lead to.

use serde::{Deserialize, Serialize};
use std::fmt;

/// What kind of destination a number is, seen from its caller's country. What a call costs goes by prefix; what may be called goes
/// by this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DestinationClass {
    /// Of the tenant itself.
    Internal,
    /// Emergency services, and their test numbers. Never limited, never charged.
    Emergency,
    /// Free for the caller.
    TollFree,
    /// A fixed line in the caller's country, or one that can't be told from a mobile.
    National,
    /// A mobile in the caller's country.
    Mobile,
    /// The called party pays a part: service numbers at a moderate price.
    SharedCost,
    /// Personal numbers that lead anywhere, at any price.
    Personal,
    /// Any ordinary number of another country.
    International,
    /// Premium rate.
    Premium,
    /// Satellites and international networks: country codes 870, 878, 881 to 883, 888 and 979.
    Satellite,
    /// Ranges that fraud is known to go to.
    HighRisk,
    /// No number of any plan that we know.
    Unknown,
}

impl DestinationClass {
    /// Every one, in the order of its declaration.
    pub const ALL: [DestinationClass; 12] = [
        DestinationClass::Internal,
        DestinationClass::Emergency,
        DestinationClass::TollFree,
        DestinationClass::National,
        DestinationClass::Mobile,
        DestinationClass::SharedCost,
        DestinationClass::Personal,
        DestinationClass::International,
        DestinationClass::Premium,
        DestinationClass::Satellite,
        DestinationClass::HighRisk,
        DestinationClass::Unknown,
    ];

    /// As configuration, records and commands name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            DestinationClass::Internal => "internal",
            DestinationClass::Emergency => "emergency",
            DestinationClass::TollFree => "toll_free",
            DestinationClass::National => "national",
            DestinationClass::Mobile => "mobile",
            DestinationClass::SharedCost => "shared_cost",
            DestinationClass::Personal => "personal",
            DestinationClass::International => "international",
            DestinationClass::Premium => "premium",
            DestinationClass::Satellite => "satellite",
            DestinationClass::HighRisk => "high_risk",
            DestinationClass::Unknown => "unknown",
        }
    }

    /// Called unless a tenant forbids it: everything at home that costs little. The rest has to be allowed.
    #[must_use]
    pub fn is_usual(self) -> bool {
        matches!(
            self,
            DestinationClass::Internal
                | DestinationClass::Emergency
                | DestinationClass::TollFree
                | DestinationClass::National
                | DestinationClass::Mobile
                | DestinationClass::SharedCost
        )
    }
}

impl fmt::Display for DestinationClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    #[test]
    fn names_are_those_that_are_written_and_read() {
        for class in DestinationClass::ALL {
            let name: StrDeserializer<'_, Error> = class.name().into_deserializer();
            assert_eq!(DestinationClass::deserialize(name), Ok(class));
        }
        assert!(DestinationClass::Emergency.is_usual() && !DestinationClass::International.is_usual());
    }
}
