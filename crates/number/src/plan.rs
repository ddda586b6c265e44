//! What a text means where it is dialled: numbering plans.

use crate::country::Country;
use crate::e164::E164;
use crate::library::{self, Prefixes, Reading};
use crate::text::{Dialled, is_digits};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The longest area code, and the longest outside prefix.
const MAX_PREFIX: usize = 6;

/// How numbers are dialled: in a country, perhaps within an area, perhaps after a prefix that asks for an outside line. A tenant has
/// one, and a trunk has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Draft", into = "Draft")]
pub struct Plan {
    country: Country,
    /// Without the trunk prefix.
    area: Option<String>,
    outside: Option<String>,
    prefixes: Prefixes,
}

/// A plan as it is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Draft {
    country: Country,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    area: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outside: Option<String>,
}

/// What is wrong with a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PlanFault {
    /// The area code.
    Area,
    /// The outside prefix.
    Outside,
    /// The library has no numbers for the country.
    Country,
}

impl fmt::Display for PlanFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PlanFault::Area => write!(
                f,
                "an area code has 1 to {MAX_PREFIX} digits, such as 30 or 030 for Berlin"
            ),
            PlanFault::Outside => write!(
                f,
                "an outside prefix has 1 to {MAX_PREFIX} digits, such as 0 or 9"
            ),
            PlanFault::Country => f.write_str("the country has no numbering plan"),
        }
    }
}

impl std::error::Error for PlanFault {}

impl Plan {
    /// A plan of a country. `area` is the code of the area whose numbers are dialled without it, with or without trunk prefix;
    /// `outside` is what may stand before every number that is not internal.
    ///
    /// # Errors
    /// Area or prefix are not 1 to 6 digits.
    pub fn new(country: Country, area: Option<&str>, outside: Option<&str>) -> Result<Plan, PlanFault> {
        let prefixes = library::prefixes(country.region()).ok_or(PlanFault::Country)?;
        let area = match area {
            Some(area) if !is_digits(area, MAX_PREFIX) => return Err(PlanFault::Area),
            Some(area) if prefixes.trunk.is_empty() => Some(area),
            Some(area) => Some(area.strip_prefix(&prefixes.trunk).unwrap_or(area)),
            None => None,
        };
        if area.is_some_and(str::is_empty) {
            return Err(PlanFault::Area);
        }
        if outside.is_some_and(|outside| !is_digits(outside, MAX_PREFIX)) {
            return Err(PlanFault::Outside);
        }
        Ok(Plan {
            country,
            area: area.map(str::to_owned),
            outside: outside.map(str::to_owned),
            prefixes,
        })
    }

    /// The country.
    #[must_use]
    pub fn country(&self) -> Country {
        self.country
    }

    /// The area code, without trunk prefix.
    #[must_use]
    pub fn area(&self) -> Option<&str> {
        self.area.as_deref()
    }

    /// What may be dialled before an outside number.
    #[must_use]
    pub fn outside(&self) -> Option<&str> {
        self.outside.as_deref()
    }

    /// What a user has dialled. The text may be:
    ///
    /// - a plus and an international number, by whatever country;
    /// - the country's international prefix (00, 011, …) and such a number;
    /// - the trunk prefix (0, 1, 8, …) and a national number, or the national number alone where it is one that is in use;
    /// - a number within the area, where one is configured;
    /// - all but the first after the outside prefix, or without it.
    ///
    /// Signs between the digits are as people write them (space, `-`, `.`, `/`, parentheses). A number of the right length that no
    /// range is known for is read as well if it is dialled in full, for ranges are opened faster than tables; [`crate::class`] calls it
    /// unknown. Codes of a country or network, such as 116117, are no numbers.
    ///
    /// Some texts have two meanings, and these rules decide:
    ///
    /// - With an outside prefix that begins the text, what follows it counts, if that is a number in use. Where the prefix is 0 and
    ///   numbers begin with 0, `00` is an outside line and a national number before it is an international one, so an operator who
    ///   wants people to dial as on their mobiles configures no prefix.
    /// - With an area, what begins with neither trunk nor international prefix is local, if that is a number in use.
    #[must_use]
    pub fn read(&self, dialled: &str) -> Option<E164> {
        let text = Dialled::new(dialled)?;
        if text.is_international {
            return international(text.digits());
        }
        let digits = text.digits();
        let outside = self.outside.as_deref();
        let after = outside.and_then(|outside| digits.strip_prefix(outside));
        let after = after.and_then(|rest| self.dial(rest));
        if let Some(reading) = after.as_ref().filter(|reading| reading.is_valid()) {
            return Some(reading.number);
        }
        match self.dial(digits) {
            Some(whole) if after.is_none() || whole.is_valid() => Some(whole.number),
            _ => after.map(|reading| reading.number),
        }
    }

    /// Digits after the outside prefix, or without one.
    fn dial(&self, digits: &str) -> Option<Reading> {
        if let Some(area) = &self.area
            && !self.is_full(digits)
        {
            let full = format!("{}{area}{digits}", self.prefixes.trunk);
            let local = Reading::new(&full, Some(self.country.region()));
            if let Some(local) = local.filter(|local| local.code() == self.code() && local.is_valid()) {
                return Some(local);
            }
        }
        self.dial_nationally(digits)
    }

    /// Digits as they are dialled anywhere in the country: national, or international by prefix.
    pub(crate) fn dial_nationally(&self, digits: &str) -> Option<Reading> {
        let reading = Reading::new(digits, Some(self.country.region()))?;
        let is_full = self.is_full(digits) || self.prefixes.trunk.is_empty() || reading.code() != self.code();
        (reading.is_valid() || (is_full && reading.is_possible())).then_some(reading)
    }

    /// Does it begin as a number that is dialled in full?
    fn is_full(&self, digits: &str) -> bool {
        let begins = |prefix: &str| !prefix.is_empty() && digits.starts_with(prefix);
        begins(&self.prefixes.trunk) || self.international().is_some_and(begins)
    }

    /// The country code.
    pub(crate) fn code(&self) -> i32 {
        self.prefixes.code
    }

    /// A number of this country code as it is dialled in the country: with the trunk prefix, unless that would make another number of
    /// it, as before mobiles in Colombia. None for foreign numbers.
    pub(crate) fn national(&self, number: E164) -> Option<String> {
        let digits = number.digits();
        let bare = digits.strip_prefix(&self.code().to_string())?;
        let forms = [format!("{}{bare}", self.prefixes.trunk), bare.to_owned()];
        let is_it = |text: &String| {
            self.dial_nationally(text)
                .is_some_and(|reading| reading.number == number)
        };
        forms.into_iter().find(is_it)
    }

    /// What is dialled before a country code.
    pub(crate) fn international(&self) -> Option<&str> {
        self.prefixes.international.as_deref()
    }
}

/// Digits with the country code, without a plus.
pub(crate) fn international(digits: &str) -> Option<E164> {
    let reading = Reading::new(&format!("+{digits}"), None)?;
    (reading.is_valid() || reading.is_possible()).then_some(reading.number)
}

impl TryFrom<Draft> for Plan {
    type Error = PlanFault;

    fn try_from(draft: Draft) -> Result<Plan, PlanFault> {
        Plan::new(draft.country, draft.area.as_deref(), draft.outside.as_deref())
    }
}

impl From<Plan> for Draft {
    fn from(plan: Plan) -> Draft {
        Draft {
            country: plan.country,
            area: plan.area,
            outside: plan.outside,
        }
    }
}
