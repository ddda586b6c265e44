//! Amounts of money: exact decimals, and the currency that they are in.
//!
//! Owns: [`Money`], whole numbers of 10^-6 of a currency's unit, and [`Currency`]. Does not own: what a call costs, see
//! `tenancy::rate`. No float is anywhere in this. A number with a fixed point in 64 bits was preferred to a decimal with a
//! floating point: carriers give prices with at most six places, one amount then has one spelling, arithmetic is that of whole
//! numbers and says when it overflows, and the accounts of a thousand users stay small.

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// Places behind the point.
const PLACES: usize = 6;
/// 10^-6 of a unit, in one unit.
const MICROS: i64 = 1_000_000;
/// Octets of a text that is looked at.
const LONGEST: usize = 40;

/// An amount in units of some currency, exact to 10^-6, between ± 9.2 × 10^12. Which currency is said once, by the table or
/// policy that amounts stand in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(i64);

/// Why a text is no amount.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MoneyError {
    /// The text, cut to a printable length.
    pub text: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for MoneyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not an amount: {}; write digits with at most six behind a point, such as 0.0125",
            self.text, self.what
        )
    }
}

impl std::error::Error for MoneyError {}

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);
    /// The largest amount.
    pub const MAX: Money = Money(i64::MAX);

    /// So many 10^-6 of a unit.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Money {
        Money(micros)
    }

    /// So many whole units.
    #[must_use]
    pub const fn from_units(units: i32) -> Money {
        Money(units as i64 * MICROS)
    }

    /// In 10^-6 of a unit.
    #[must_use]
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// The sum, unless it is too large.
    #[must_use]
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).map(Money)
    }

    /// The difference, unless it is too large.
    #[must_use]
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).map(Money)
    }

    /// So many times the amount, unless that is too large.
    #[must_use]
    pub fn checked_mul(self, times: i64) -> Option<Money> {
        self.0.checked_mul(times).map(Money)
    }

    /// The sum, or the largest amount: what is counted against a limit never wraps.
    #[must_use]
    pub fn saturating_add(self, other: Money) -> Money {
        Money(self.0.saturating_add(other.0))
    }

    /// The difference, or the end of the range.
    #[must_use]
    pub fn saturating_sub(self, other: Money) -> Money {
        Money(self.0.saturating_sub(other.0))
    }

    /// True for less than nothing.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0 < 0
    }
}

impl fmt::Display for Money {
    /// Exact, with at least two places and no more than needed: `12.50`, `0.0125`, `-3.00`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (size, unit) = (self.0.unsigned_abs(), MICROS.unsigned_abs());
        let sign = if self.0 < 0 { "-" } else { "" };
        let mut text = format!("{sign}{}.{:06}", size / unit, size % unit);
        let extra = text
            .bytes()
            .rev()
            .take(PLACES - 2)
            .take_while(|b| *b == b'0')
            .count();
        text.truncate(text.len() - extra);
        f.pad(&text)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    fn from_str(text: &str) -> Result<Money, MoneyError> {
        parse(text).map(Money).map_err(|what| MoneyError {
            text: text.chars().take(LONGEST).collect(),
            what,
        })
    }
}

fn parse(text: &str) -> Result<i64, &'static str> {
    if text.len() > LONGEST {
        return Err("it is too long");
    }
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, places) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && places.is_empty() {
        return Err("it has no digits");
    }
    let extra = places.get(PLACES..).unwrap_or_default();
    if !whole.bytes().chain(places.bytes()).all(|b| b.is_ascii_digit()) {
        return Err("it has something other than digits and a point");
    }
    if extra.bytes().any(|b| b != b'0') {
        return Err("it has more than six places behind the point");
    }
    let fixed = places.bytes().chain(std::iter::repeat(b'0')).take(PLACES);
    let step = |sum: i64, digit: u8| {
        let (sum, digit) = (sum.checked_mul(10)?, i64::from(digit - b'0'));
        // Counted down for what is negative: the lowest amount has no positive counterpart.
        if negative {
            sum.checked_sub(digit)
        } else {
            sum.checked_add(digit)
        }
    };
    let sum = whole.bytes().chain(fixed).try_fold(0, step);
    sum.ok_or("it is too large")
}

impl Serialize for Money {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Money, D::Error> {
        deserializer.deserialize_any(Reader)
    }
}

/// Takes a decimal in quotes, or a whole number; a number with a point would come as a float, which is not exact.
struct Reader;

impl Visitor<'_> for Reader {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount as a decimal in quotes, such as \"0.0125\", or a whole number")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map_err(E::custom)
    }

    fn visit_i64<E: Error>(self, units: i64) -> Result<Money, E> {
        let micros = units.checked_mul(MICROS);
        micros
            .map(Money)
            .ok_or_else(|| E::custom("an amount is too large"))
    }

    fn visit_u64<E: Error>(self, units: u64) -> Result<Money, E> {
        self.visit_i64(i64::try_from(units).unwrap_or(i64::MAX))
    }
}

/// A currency by its three letters (ISO 4217), upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// A text is no currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrencyError;

impl fmt::Display for CurrencyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a currency is three letters, such as EUR")
    }
}

impl std::error::Error for CurrencyError {}

impl FromStr for Currency {
    type Err = CurrencyError;

    fn from_str(text: &str) -> Result<Currency, CurrencyError> {
        let letters: [u8; 3] = text.as_bytes().try_into().map_err(|_| CurrencyError)?;
        let all = letters.iter().all(u8::is_ascii_alphabetic);
        all.then(|| Currency(letters.map(|b| b.to_ascii_uppercase())))
            .ok_or(CurrencyError)
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{}", char::from(*b)))
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Currency({self})")
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> String {
        currency.to_string()
    }
}

impl TryFrom<String> for Currency {
    type Error = CurrencyError;

    fn try_from(text: String) -> Result<Currency, CurrencyError> {
        text.parse()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::de::IntoDeserializer;
    use serde::de::value::Error as ValueError;

    #[test]
    fn amounts_are_read_and_written_exactly() {
        for (text, micros, printed) in [
            ("0", 0, "0.00"),
            ("12.5", 12_500_000, "12.50"),
            ("0.004350", 4_350, "0.00435"),
            (".0125", 12_500, "0.0125"),
            ("7.", 7_000_000, "7.00"),
            ("-0.1", -100_000, "-0.10"),
            ("0.00000100000", 1, "0.000001"),
            ("-9223372036854.775808", i64::MIN, "-9223372036854.775808"),
            ("9223372036854.775807", i64::MAX, "9223372036854.775807"),
        ] {
            let money: Money = text.parse().unwrap();
            assert_eq!(
                (money.micros(), money.to_string().as_str()),
                (micros, printed),
                "{text}"
            );
            assert_eq!(printed.parse(), Ok(money));
        }
        assert_eq!(format!("{:>8}|", Money::from_units(3)), "    3.00|");
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            ".",
            "-",
            "--1",
            "+1",
            "1,5",
            "1e3",
            " 1",
            "1.2.3",
            "0.0000001",
            "9223372036854.775808",
            "NaN",
            "٣",
            "1.٣",
            "1.00000é",
        ] {
            assert!(text.parse::<Money>().is_err(), "{text:?}");
        }
        let long = "1".repeat(50_000).parse::<Money>().unwrap_err();
        assert!(long.to_string().len() < 200);
    }

    #[test]
    fn every_amount_comes_back_from_its_text() {
        let mut seed = 1_u64;
        for _ in 0..20_000 {
            seed = seed
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(0x1405_7B7E_F767_814F);
            let money = Money::from_micros((seed.cast_signed()) >> (seed % 60));
            assert_eq!(money.to_string().parse(), Ok(money));
        }
    }

    #[test]
    fn floats_are_no_amounts_and_sums_do_not_wrap() {
        let float: Result<Money, ValueError> = Money::deserialize(0.1_f64.into_deserializer());
        assert!(float.unwrap_err().to_string().contains("in quotes"));
        let whole: Result<Money, ValueError> = Money::deserialize(3_u64.into_deserializer());
        assert_eq!(whole, Ok(Money::from_units(3)));
        assert_eq!(Money::MAX.checked_add(Money::from_micros(1)), None);
        assert_eq!(Money::MAX.saturating_add(Money::MAX), Money::MAX);
        assert_eq!(Money::from_units(-1).checked_sub(Money::MAX), None);
        assert!(Money::ZERO.saturating_sub(Money::MAX).is_negative());
        assert_eq!(Money::MAX.checked_mul(2), None);
    }

    #[test]
    fn currencies_are_three_letters() {
        assert_eq!(
            "eur".parse::<Currency>().map(|c| c.to_string()),
            Ok("EUR".to_owned())
        );
        for text in ["", "EU", "EURO", "€", "E1R"] {
            assert_eq!(text.parse::<Currency>(), Err(CurrencyError), "{text}");
        }
    }
}
