//! What kind of destination a number is.

use crate::country::Country;
use crate::e164::E164;
use crate::library::Reading;
use crate::plan::Plan;
use crate::text::rows;
use model::DestinationClass;
use rlibphonenumber::PhoneNumberType as Kind;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Countries whose numbers are dialled and charged as those of the first, or can't be told from them.
const ONE_PLAN: [&[&str]; 6] = [
    &["NO", "SJ"],
    &["FI", "AX"],
    &["IT", "VA"],
    &["AU", "CX", "CC"],
    &["MA", "EH"],
    &["GP", "BL", "MF"],
];
/// The country code of freephone numbers that are free wherever they are called from.
const WORLD_FREEPHONE: i32 = 800;
/// The country code of shared cost numbers of the world.
const WORLD_SHARED_COST: i32 = 808;

/// What the data file says of prefixes.
static RANGES: LazyLock<BTreeMap<&'static str, DestinationClass>> = LazyLock::new(|| {
    let known = |name: &str| {
        DestinationClass::ALL
            .into_iter()
            .find(|class| class.name() == name)
    };
    let rows = rows(include_str!("../data/high_risk.csv"));
    rows.filter_map(|[prefix, class, _source, _reason]| Some((prefix, known(class)?)))
        .collect()
});

/// Whose number it is. None for those that belong to the whole world, and for what is in no plan.
#[must_use]
pub fn region(number: E164) -> Option<Country> {
    Reading::of(number)?.region().and_then(Country::of)
}

/// What kind of destination a number is for a caller whose numbers are of `plan`. Never [`DestinationClass::Internal`] or
/// [`DestinationClass::Emergency`]: those are known before a number is.
///
/// A number that shares the country code but not the country is a foreign one: +1 876 is Jamaica's for a tenant in the United States,
/// and in a high-risk range besides.
#[must_use]
pub fn class(number: E164, plan: &Plan) -> DestinationClass {
    let Some(reading) = Reading::of(number) else {
        return range(number).unwrap_or(DestinationClass::Unknown);
    };
    let range = range(reading.number);
    if let Some(class) = range.filter(|class| *class != DestinationClass::HighRisk) {
        return class;
    }
    let is_home = reading
        .region()
        .and_then(Country::of)
        .is_some_and(|country| is_one_plan(country, plan.country()));
    let away = if range.is_some() {
        DestinationClass::HighRisk
    } else {
        DestinationClass::International
    };
    let ordinary = |class| if is_home { class } else { away };
    let shares_code = reading.code() == plan.code();
    match reading.kind() {
        // Pagers that callers pay for were made for the same business.
        Kind::PremiumRate | Kind::Pager => DestinationClass::Premium,
        Kind::PersonalNumber => DestinationClass::Personal,
        Kind::TollFree if shares_code || reading.code() == WORLD_FREEPHONE => DestinationClass::TollFree,
        Kind::SharedCost if shares_code || reading.code() == WORLD_SHARED_COST => {
            DestinationClass::SharedCost
        }
        Kind::Mobile => ordinary(DestinationClass::Mobile),
        Kind::Unknown if away == DestinationClass::HighRisk && !is_home => DestinationClass::HighRisk,
        Kind::Unknown => DestinationClass::Unknown,
        _ => ordinary(DestinationClass::National),
    }
}

/// What the longest prefix that the data file knows says.
fn range(number: E164) -> Option<DestinationClass> {
    let digits = number.digits();
    let lengths = (1..=digits.len()).rev();
    lengths
        .filter_map(|length| RANGES.get(digits.get(..length)?))
        .copied()
        .next()
}

fn is_one_plan(a: Country, b: Country) -> bool {
    let (a, b) = (a.to_string(), b.to_string());
    let both = |plan: &&[&str]| plan.contains(&a.as_str()) && plan.contains(&b.as_str());
    a == b || ONE_PLAN.iter().any(both)
}
