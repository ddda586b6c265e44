//! The international form of a number (ITU-T E.164, RFC 3966 §5.1.4).

use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::num::NonZeroU64;
use std::str::FromStr;

/// A telephone number of the world: a country code and what follows, 5 to 15 digits. As text it begins with a plus.
///
/// Says nothing of whether there is such a number. Sorted by value: shorter ones first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct E164(NonZeroU64);

impl E164 {
    /// As many digits as E.164 allows.
    pub const MAX_DIGITS: usize = 15;
    /// Shorter ones are codes of one country or network, and lead nowhere from outside.
    pub const MIN_DIGITS: usize = 5;

    /// Reads the strict form: a plus and 5 to 15 ASCII digits, the first of which is no zero. Nothing else: no spaces, no signs.
    #[must_use]
    pub fn parse(text: &str) -> Option<E164> {
        E164::from_digits(text.strip_prefix('+')?)
    }

    /// The same without the plus.
    #[must_use]
    pub fn from_digits(digits: &str) -> Option<E164> {
        let fits = (E164::MIN_DIGITS..=E164::MAX_DIGITS).contains(&digits.len());
        if !fits || digits.starts_with('0') || !digits.bytes().all(|octet| octet.is_ascii_digit()) {
            return None;
        }
        digits.parse().ok().map(E164)
    }

    /// The digits without the plus, as a number.
    #[must_use]
    pub fn value(self) -> u64 {
        self.0.get()
    }

    /// The digits without the plus.
    #[must_use]
    pub fn digits(self) -> String {
        self.0.to_string()
    }
}

impl fmt::Display for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "+{}", self.0)
    }
}

impl fmt::Debug for E164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// No number in the international form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotE164;

impl fmt::Display for NotE164 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a number begins with + and its country code, and has 5 to 15 digits, such as +493012345678",
        )
    }
}

impl std::error::Error for NotE164 {}

impl FromStr for E164 {
    type Err = NotE164;

    fn from_str(text: &str) -> Result<E164, NotE164> {
        E164::parse(text).ok_or(NotE164)
    }
}

impl Serialize for E164 {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for E164 {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<E164, D::Error> {
        let text = <std::borrow::Cow<'_, str>>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}
