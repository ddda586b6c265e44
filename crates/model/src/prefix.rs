//! Beginnings of telephone numbers.
//!
//! Owns: [`Prefix`], digits of E.164 in a form that sorts and compares in a few instructions. Does not own: what kind of number
//! it is, see [`crate::DestinationClass`].

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// Digits of the longest number (ITU-T E.164 §6.2.1).
const DIGITS: u32 = 15;

/// The first digits of international numbers, or all digits of one: 1 to 15, country code first, without `+`.
///
/// The order is that of the digits as text, so that everything which begins with a prefix follows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Prefix {
    /// The digits as the first of fifteen, zeros behind.
    key: u64,
    /// How many they are; tells `49` from `490`.
    len: u8,
}

/// A text is no prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrefixError;

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a prefix is 1 to 15 digits, country code first, such as 4930")
    }
}

impl std::error::Error for PrefixError {}

impl Prefix {
    /// A number as a carrier gets it, with or without `+`; what is behind the fifteenth digit is cut off, since phones may send
    /// more than a number has. `None` for what is not international: a short code, an extension with a letter, a leading zero.
    #[must_use]
    pub fn of_number(number: &str) -> Option<Prefix> {
        let digits = number.strip_prefix('+').unwrap_or(number);
        if digits.starts_with('0') || digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut key = 0_u64;
        let mut len = 0_u8;
        for digit in digits.bytes().take(15) {
            key = key * 10 + u64::from(digit - b'0');
            len += 1;
        }
        let key = key * scale(len);
        Some(Prefix { key, len })
    }

    /// True where `number` begins with these digits.
    #[must_use]
    pub fn covers(self, number: Prefix) -> bool {
        let scale = scale(self.len);
        self.len <= number.len && self.key / scale == number.key / scale
    }

    /// How many digits; never zero.
    #[must_use]
    pub fn digits(self) -> u8 {
        self.len
    }
}

/// What stands behind `len` digits of fifteen.
fn scale(len: u8) -> u64 {
    10_u64.pow(DIGITS.saturating_sub(u32::from(len)))
}

impl FromStr for Prefix {
    type Err = PrefixError;

    fn from_str(text: &str) -> Result<Prefix, PrefixError> {
        let short = text.len() <= 16;
        let prefix = short.then(|| Prefix::of_number(text)).flatten();
        // Sixteen digits without a plus are one too many.
        prefix
            .filter(|prefix| text.trim_start_matches('+').len() == usize::from(prefix.len))
            .ok_or(PrefixError)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (self.key / scale(self.len)).fmt(f)
    }
}

impl fmt::Debug for Prefix {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Prefix({self})")
    }
}

impl From<Prefix> for String {
    fn from(prefix: Prefix) -> String {
        prefix.to_string()
    }
}

impl TryFrom<String> for Prefix {
    type Error = PrefixError;

    fn try_from(text: String) -> Result<Prefix, PrefixError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix(text: &str) -> Prefix {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_covers_what_begins_with_it() {
        let number = Prefix::of_number("+4930123456").unwrap();
        for text in ["4", "49", "4930", "4930123456", "+4930"] {
            assert!(prefix(text).covers(number), "{text}");
        }
        for text in ["1", "490", "4931", "49301234560", "5"] {
            assert!(!prefix(text).covers(number), "{text}");
        }
    }

    #[test]
    fn the_order_is_that_of_texts() {
        let mut texts = [
            "1",
            "10",
            "100",
            "12",
            "2",
            "49",
            "490",
            "4900",
            "4930",
            "9",
            "999999999999999",
        ];
        texts.sort_unstable();
        let mut prefixes: Vec<Prefix> = texts.iter().map(|text| prefix(text)).collect();
        prefixes.sort_unstable();
        assert_eq!(prefixes.iter().map(Prefix::to_string).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn what_is_no_prefix_is_refused() {
        for text in [
            "",
            "+",
            "0",
            "0049",
            "++49",
            "49a",
            "49 30",
            "1234567890123456",
            "+1234567890123456",
            "٣",
        ] {
            assert_eq!(text.parse::<Prefix>(), Err(PrefixError), "{text}");
        }
        assert_eq!(Prefix::of_number("110a"), None);
        let long = Prefix::of_number(&"4".repeat(1000)).unwrap();
        assert_eq!(
            (long.digits(), long.to_string().as_str()),
            (15, "444444444444444")
        );
    }
}
