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

/// How a trunk writes numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberStyle {
    /// A plus and the international number: `+493012345678`.
    #[default]
    E164,
    /// The same without the plus: `493012345678`.
    E164Plain,
    /// As it is dialled in the tenant's country, with the trunk prefix, and foreign ones with the international prefix:
    /// `03012345678`, `0044…`.
    National,
    /// All with the international prefix: `00493012345678`.
    International,
}

/// Numbers of the public network that belong to a tenant, and where calls to them lead. One number, or a range of numbers with equally
/// many digits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumberRange {
    /// The first: digits of E.164, country code first.
    pub first: u64,
    /// The last, included.
    pub last: u64,
    /// What is dialled within the tenant: an extension, or the number of a flow. With `keep` only its beginning.
    pub to: Box<str>,
    /// So many of the number's last digits stand behind `to`: `1` and 2 make 123 of +49 30 5550023.
    pub keep: u8,
}

impl NumberRange {
    /// Ranges of one tenant.
    pub const MOST: usize = 10_000;
    /// Numbers of one range.
    pub const WIDEST: u64 = 100_000;

    /// One number.
    #[must_use]
    pub fn one(number: u64, to: &str) -> NumberRange {
        NumberRange {
            first: number,
            last: number,
            to: to.into(),
            keep: 0,
        }
    }

    /// How many numbers it has.
    #[must_use]
    pub fn len(&self) -> u64 {
        self.last.saturating_sub(self.first).saturating_add(1)
    }

    /// Never: a range has its first number.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.last < self.first
    }

    /// True for numbers of the range.
    #[must_use]
    pub fn has(&self, number: u64) -> bool {
        (self.first..=self.last).contains(&number)
    }

    /// True where some number is in both.
    #[must_use]
    pub fn meets(&self, other: &NumberRange) -> bool {
        self.first <= other.last && other.first <= self.last
    }

    /// What is dialled within the tenant for this number of it.
    #[must_use]
    pub fn leads_to(&self, number: u64) -> String {
        let digits = number.to_string();
        let kept = digits.len().saturating_sub(usize::from(self.keep));
        format!("{}{}", self.to, digits.get(kept..).unwrap_or(""))
    }

    /// The number of it that leads to this extension.
    #[must_use]
    pub fn number_of(&self, extension: &str) -> Option<u64> {
        let kept = extension.strip_prefix(&*self.to)?;
        if kept.len() != usize::from(self.keep) {
            return None;
        }
        if kept.is_empty() {
            return Some(self.first);
        }
        let scale = 10_u64.checked_pow(u32::from(self.keep))?;
        let end: u64 = kept
            .bytes()
            .all(|b| b.is_ascii_digit())
            .then(|| kept.parse().ok())??;
        let number = self
            .first
            .checked_div(scale)?
            .checked_mul(scale)?
            .checked_add(end)?;
        let next = number.checked_add(scale);
        [Some(number), next]
            .into_iter()
            .flatten()
            .find(|number| self.has(*number))
    }

    /// Whether it can be at all.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), &'static str> {
        let digits = |number: u64| number.to_string().len();
        if !(5..=15).contains(&digits(self.first)) || digits(self.first) != digits(self.last) {
            return Err("a range has numbers of equally many digits, 5 to 15, country code first");
        }
        if self.last < self.first || self.len() > NumberRange::WIDEST {
            return Err("a range begins with its lowest number and has at most 100000");
        }
        if self.keep > 15 || self.to.len() > 32 || (self.to.is_empty() && self.keep == 0) {
            return Err(
                "a number leads to something that can be dialled in the tenant, of at most 32 characters",
            );
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::{Error, StrDeserializer};

    #[test]
    fn a_range_leads_to_extensions() {
        let range = NumberRange {
            first: 49_305_550_000,
            last: 49_305_550_099,
            to: "1".into(),
            keep: 2,
        };
        assert_eq!(range.check(), Ok(()));
        assert!(range.has(49_305_550_023) && !range.has(49_305_550_100));
        assert_eq!(range.leads_to(49_305_550_023), "123");
        assert_eq!(
            NumberRange::one(49_305_550_023, "200").leads_to(49_305_550_023),
            "200"
        );
        assert_eq!(range.number_of("123"), Some(49_305_550_023));
        assert_eq!(range.number_of("223"), None);
        assert_eq!(range.number_of("1023"), None);
        assert!(range.meets(&NumberRange::one(49_305_550_099, "1")));
        assert!(!range.meets(&NumberRange::one(49_305_550_100, "1")));
        let bad = |change: &dyn Fn(&mut NumberRange)| {
            let mut range = range.clone();
            change(&mut range);
            range.check().is_err()
        };
        assert!(bad(&|r| r.last = 1));
        assert!(bad(&|r| r.last = 493_055_500_990));
        assert!(bad(&|r| (r.to, r.keep) = ("".into(), 0)));
        assert!(bad(&|r| r.first = 1));
    }

    #[test]
    fn names_are_those_that_are_written_and_read() {
        for class in DestinationClass::ALL {
            let name: StrDeserializer<'_, Error> = class.name().into_deserializer();
            assert_eq!(DestinationClass::deserialize(name), Ok(class));
        }
        assert!(DestinationClass::Emergency.is_usual() && !DestinationClass::International.is_usual());
    }
}
