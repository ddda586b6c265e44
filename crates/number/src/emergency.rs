//! Emergency numbers, and those that test the way to them.

use crate::country::Country;
use crate::text::{Dialled, rows};
use std::sync::LazyLock;

/// A number that leads to help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EmergencyNumber {
    /// As it is sent, without outside prefix.
    pub number: &'static str,
    /// Who answers.
    pub service: Service,
    /// Where it is one; none for those that are everywhere.
    pub country: Option<Country>,
}

/// Who answers an emergency number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// A centre for all, or more than one service.
    General,
    /// Police.
    Police,
    /// Ambulance.
    Ambulance,
    /// Fire brigade.
    Fire,
    /// Rescue at sea.
    CoastGuard,
    /// Rescue in the mountains, also from the air.
    MountainRescue,
    /// Nobody: a machine reads the caller's number and address back. Routed as an emergency, so that it shows how one would go.
    Test,
}

impl Service {
    /// All of them.
    pub const ALL: [Service; 7] = [
        Service::General,
        Service::Police,
        Service::Ambulance,
        Service::Fire,
        Service::CoastGuard,
        Service::MountainRescue,
        Service::Test,
    ];

    /// Who is meant by a service URN for help (RFC 5031 §4.2), whatever stands before its first colon left out: `service:sos.police`. A
    /// kind of help that has no number of its own is that for all: so the RFC has it (§4.2).
    #[must_use]
    pub fn of_urn(urn: &str) -> Option<Service> {
        const SOS: &str = "service:sos";
        let (head, rest) = urn.split_at_checked(SOS.len())?;
        if !head.eq_ignore_ascii_case(SOS) || !(rest.is_empty() || rest.starts_with('.')) {
            return None;
        }
        let kind = rest.get(1..).unwrap_or("").split('.').next().unwrap_or("");
        let is_it = |known: &Service| known.kind().is_some_and(|own| own.eq_ignore_ascii_case(kind));
        Some(Service::ALL.into_iter().find(is_it).unwrap_or(Service::General))
    }

    /// The service URN; that for all where there is none of its own.
    #[must_use]
    pub fn urn(self) -> String {
        let kind = self.kind().map_or_else(String::new, |kind| format!(".{kind}"));
        format!("urn:service:sos{kind}")
    }

    fn kind(self) -> Option<&'static str> {
        match self {
            Service::Police => Some("police"),
            Service::Ambulance => Some("ambulance"),
            Service::Fire => Some("fire"),
            Service::CoastGuard => Some("marine"),
            Service::MountainRescue => Some("mountain"),
            Service::General | Service::Test => None,
        }
    }

    /// As records and the data file name it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Service::General => "general",
            Service::Police => "police",
            Service::Ambulance => "ambulance",
            Service::Fire => "fire",
            Service::CoastGuard => "coast_guard",
            Service::MountainRescue => "mountain_rescue",
            Service::Test => "test",
        }
    }
}

/// With a plus before it, as some phones write what is short, only a number of so many digits is one; longer ones may be anybody's.
const MOST_AFTER_PLUS: usize = 3;

/// Sorted by number, those of all countries behind the others.
static NUMBERS: LazyLock<Vec<EmergencyNumber>> = LazyLock::new(|| {
    let mut numbers: Vec<EmergencyNumber> = rows(include_str!("../data/emergency.csv"))
        .filter_map(entry)
        .collect();
    numbers.sort_by_key(|entry| (entry.number, entry.country.is_none(), entry.country));
    numbers
});

fn entry([country, number, service]: [&'static str; 3]) -> Option<EmergencyNumber> {
    Some(EmergencyNumber {
        number,
        service: Service::ALL.into_iter().find(|known| known.name() == service)?,
        country: match country {
            "*" => None,
            code => Some(Country::parse(code)?),
        },
    })
}

/// The emergency number that a user has dialled: with or without the outside prefix, in one of the countries, or one of those that
/// are understood everywhere (112 and 911). The whole text has to be the number: 1123 is none.
///
/// Whoever routes a call asks this before anything else, so that neither an extension nor a code nor a limit stands before help.
/// `countries` are all in which the tenant has phones; a country that is not among them has its own numbers only.
#[must_use]
pub fn emergency(dialled: &str, countries: &[Country], outside: Option<&str>) -> Option<EmergencyNumber> {
    let text = Dialled::new(dialled)?;
    let digits = text.digits();
    if text.is_international && digits.len() > MOST_AFTER_PLUS {
        return None;
    }
    let after = outside
        .filter(|outside| !outside.is_empty())
        .and_then(|outside| digits.strip_prefix(outside));
    find(digits, countries).or_else(|| find(after?, countries))
}

/// Every number for help of these countries, and those that are understood everywhere, without outside prefix.
pub fn emergency_numbers(countries: &[Country]) -> impl Iterator<Item = &'static str> {
    let counts = |entry: &&EmergencyNumber| entry.country.is_none_or(|country| countries.contains(&country));
    NUMBERS.iter().filter(counts).map(|entry| entry.number)
}

/// Countries where help of every kind is 911 rather than 112, and no number of their own is in the file for it.
const WITH_911: &str = "US CA PR GU VI AS MP BS BB BM JM DO TT KY LC VC GD AG KN DM AI TC VG MS SX MX AR UY EC PH PA CR SV HN PY VE SA JO";
/// Countries where landlines know neither: the police take every call.
const WITHOUT_BOTH: &str = "JP CN TW BR";

/// The number of a service in the first of these countries, where the tenant is: its own, else that for all.
#[must_use]
pub fn number_of(service: Service, countries: &[Country]) -> &'static str {
    let Some(home) = countries.first().copied() else {
        return "112";
    };
    let of = |service: Service| {
        let own = |entry: &&EmergencyNumber| entry.country == Some(home) && entry.service == service;
        NUMBERS.iter().find(own).map(|entry| entry.number)
    };
    let is_in = |list: &str| list.split(' ').any(|code| Country::parse(code) == Some(home));
    let usual = match () {
        () if is_in(WITH_911) => Some("911"),
        () if is_in(WITHOUT_BOTH) => of(Service::Police),
        () => None,
    };
    of(service)
        .or_else(|| of(Service::General))
        .or(usual)
        .unwrap_or("112")
}

fn find(digits: &str, countries: &[Country]) -> Option<EmergencyNumber> {
    let start = NUMBERS.partition_point(|entry| entry.number < digits);
    let same = NUMBERS
        .iter()
        .skip(start)
        .take_while(|entry| entry.number == digits);
    let is_known =
        |entry: &&EmergencyNumber| entry.country.is_none_or(|country| countries.contains(&country));
    same.copied().find(|entry| is_known(&entry))
}
