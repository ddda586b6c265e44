//! The one place that knows the library of numbering plans.
//!
//! What goes in is at most [`crate::MAX_OCTETS`] of ASCII digits, perhaps after a plus: its leniency towards letters, extensions
//! and `tel:` URIs is never reached. It has no clock and no environment; its tables are read once, and each pattern is compiled when
//! it is first needed.

use crate::e164::E164;
use rlibphonenumber::{
    NumberFormat, NumberLengthType, PHONE_NUMBER_UTIL as UTIL, PhoneNumber, PhoneNumberFormat,
    PhoneNumberType, Region,
};

/// A number of a network that belongs to no country, to see what is put before foreign numbers.
const FOREIGN: &str = "+870773111632";

/// What a country dials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Prefixes {
    /// The country code, such as 49.
    pub(crate) code: i32,
    /// What is put before a number of the own country, such as 0; empty where nothing is.
    pub(crate) trunk: String,
    /// What is put before a country code, such as 00; none where it names a carrier that somebody has to choose.
    pub(crate) international: Option<String>,
}

/// The region of two letters, if it has a numbering plan.
pub(crate) fn find(code: &str) -> Option<Region> {
    let region = Region::from_code(code).ok()?;
    UTIL.get_country_code_for_region(region)?;
    Some(region)
}

/// Every region that has a numbering plan, sorted.
pub(crate) fn all() -> Vec<Region> {
    let mut all: Vec<Region> = UTIL.get_supported_regions().collect();
    all.sort_unstable();
    all
}

/// What is dialled in a region. The library shows neither prefix, but uses both where it writes numbers.
#[expect(
    deprecated,
    reason = "the pattern is to be read in the form that the library makes of it, not to be set"
)]
pub(crate) fn prefixes(region: Region) -> Option<Prefixes> {
    let own = UTIL.get_example_number(region).ok()?;
    let bare = NumberFormat {
        pattern: "^(?:(\\d+))$".to_owned(),
        format: "$1".to_owned(),
        national_prefix_formatting_rule: Some("$NP$1".to_owned()),
        ..NumberFormat::default()
    };
    let written = UTIL.format_by_pattern(&own, PhoneNumberFormat::National, &[bare.into()]);
    let national = rlibphonenumber::get_national_significant_number_owned(&own);
    let foreign = UTIL.parse(FOREIGN, None).ok()?;
    let dialled = UTIL.format_out_of_country_calling_number(&foreign, region);
    let before = dialled
        .split(" 870")
        .next()
        .filter(|before| !before.starts_with('+'));
    let international = before.map(|before| before.chars().filter(char::is_ascii_digit).collect());
    Some(Prefixes {
        code: UTIL.get_country_code_for_region(region)?,
        trunk: written.strip_suffix(&national)?.to_owned(),
        international,
    })
}

/// A number as the library has read it.
pub(crate) struct Reading {
    /// In its one international form.
    pub(crate) number: E164,
    is_possible: bool,
    inner: PhoneNumber,
}

impl Reading {
    /// Reads digits as they are dialled in a region, or after a plus.
    pub(crate) fn new(text: &str, region: Option<Region>) -> Option<Reading> {
        let inner = UTIL.parse(text, region).ok()?;
        let number = E164::parse(&UTIL.format(&inner, PhoneNumberFormat::E164))?;
        let length = UTIL.is_possible_number_with_reason(&inner);
        Some(Reading {
            number,
            is_possible: matches!(length, Ok(NumberLengthType::IsPossible)),
            inner,
        })
    }

    /// Reads the international form.
    pub(crate) fn of(number: E164) -> Option<Reading> {
        Reading::new(&number.to_string(), None)
    }

    /// Has it the length of a number, and is its international form read as the same one? A second trunk prefix, or digits that choose
    /// a carrier, would be taken off where no range says that they belong to the number.
    pub(crate) fn is_possible(&self) -> bool {
        self.is_possible && Reading::of(self.number).is_some_and(|again| again.number == self.number)
    }

    /// Is it in a range that is in use?
    pub(crate) fn is_valid(&self) -> bool {
        self.kind() != PhoneNumberType::Unknown
    }

    /// The country code.
    pub(crate) fn code(&self) -> i32 {
        self.inner.country_code
    }

    /// What kind of number it is.
    pub(crate) fn kind(&self) -> PhoneNumberType {
        UTIL.get_number_type(&self.inner)
    }

    /// Whose number it is; the whole world's for satellites and their like.
    pub(crate) fn region(&self) -> Option<Region> {
        UTIL.get_region_for_number(&self.inner)
    }
}
