//! The library's example numbers of every country, as fixed lines and as every other kind.

use crate::plan;
use model::DestinationClass;
use number::{Country, E164, Format, Style, class, region};
use rlibphonenumber::{PHONE_NUMBER_UTIL, PhoneNumberFormat, PhoneNumberType, Region};

const KINDS: [PhoneNumberType; 11] = [
    PhoneNumberType::FixedLine,
    PhoneNumberType::Mobile,
    PhoneNumberType::FixedLineOrMobile,
    PhoneNumberType::TollFree,
    PhoneNumberType::PremiumRate,
    PhoneNumberType::SharedCost,
    PhoneNumberType::VoIP,
    PhoneNumberType::PersonalNumber,
    PhoneNumberType::Pager,
    PhoneNumberType::UAN,
    PhoneNumberType::VoiceMail,
];

/// One number of each kind that a country has.
pub(crate) fn of(country: Country) -> Vec<E164> {
    KINDS
        .into_iter()
        .filter_map(|kind| of_kind(country, kind))
        .collect()
}

/// A fixed line and a mobile.
pub(crate) fn ordinary(country: Country) -> Vec<E164> {
    let kinds = [PhoneNumberType::FixedLine, PhoneNumberType::Mobile];
    kinds
        .into_iter()
        .filter_map(|kind| of_kind(country, kind))
        .collect()
}

fn of_kind(country: Country, kind: PhoneNumberType) -> Option<E164> {
    let region = Region::from_code(&country.to_string()).unwrap();
    let number = PHONE_NUMBER_UTIL
        .get_example_number_for_type_and_region(region, kind)
        .ok()?;
    E164::parse(&PHONE_NUMBER_UTIL.format(&number, PhoneNumberFormat::E164))
}

#[test]
fn every_country_has_examples_which_are_its_own() {
    let mut numbers = 0;
    for country in Country::all() {
        let fixed = of_kind(country, PhoneNumberType::FixedLine).unwrap();
        let whose = region(fixed).unwrap();
        let shared = [
            ["EH", "MA"],
            ["BL", "GP"],
            ["MF", "GP"],
            ["MF", "BL"],
            ["GP", "BL"],
        ];
        let is_shared = shared.contains(&[&*country.to_string(), &*whose.to_string()]);
        assert!(
            whose == country || is_shared,
            "{fixed} of {country} is of {whose}"
        );
        numbers += of(country).len();
    }
    assert!(numbers > 1_000, "{numbers}");
    println!("COUNT number/examples {numbers}");
}

#[test]
fn in_every_country_its_own_numbers_are_read_however_they_are_dialled() {
    let mut wrong = Vec::new();
    for country in Country::all() {
        let plan = plan(&country.to_string());
        let national = Format::new(Style::National, "", "").unwrap();
        for number in of(country) {
            for dialled in [national.write(number, &plan), number.to_string()] {
                let read = plan.read(&dialled);
                if read != Some(number) {
                    wrong.push(format!("{dialled} in {country}: {read:?}, not {number}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn what_is_written_for_a_trunk_is_read_from_it_in_every_country() {
    let plans: Vec<_> = Country::all()
        .into_iter()
        .map(|country| (country, plan(&country.to_string())))
        .collect();
    let foreign: Vec<E164> = ["DE", "US", "JM", "IT", "GB", "RU", "BR", "AR", "MX", "CN"]
        .into_iter()
        .flat_map(|code| of(Country::parse(code).unwrap()))
        .collect();
    let (mut pairs, mut wrong) = (0, Vec::new());
    for (country, plan) in &plans {
        for (style, strip, prepend) in [
            (Style::E164, "", ""),
            (Style::E164Plain, "", ""),
            (Style::E164Plain, "", "99#"),
            (Style::E164Plain, "4", ""),
            (Style::National, "", ""),
            (Style::National, "0", "7"),
            (Style::International, "", ""),
            (Style::International, "00", ""),
        ] {
            let format = Format::new(style, strip, prepend).unwrap();
            for number in of(*country).iter().chain(&foreign) {
                let text = format.write(*number, plan);
                let read = format.read(&text, plan);
                if read != Some(*number) {
                    wrong.push(format!(
                        "{text} by {format:?} in {country}: {read:?}, not {number}"
                    ));
                }
                pairs += 1;
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    println!("COUNT number/round_trips {pairs}");
}

#[test]
fn every_country_calls_itself_national_and_others_not() {
    let elsewhere = plan("de");
    for country in Country::all() {
        let plan = plan(&country.to_string());
        let fixed = of_kind(country, PhoneNumberType::FixedLine).unwrap();
        assert_eq!(class(fixed, &plan), DestinationClass::National, "{fixed}");
        // The library's example of the Isle of Man is in a range of Great Britain's as well.
        let mobile = of_kind(country, PhoneNumberType::Mobile);
        if let Some(mobile) = mobile.filter(|mobile| region(*mobile) == Some(country)) {
            let class = class(mobile, &plan);
            assert!(
                matches!(class, DestinationClass::Mobile | DestinationClass::National),
                "{mobile} is {class}"
            );
        }
        if let Some(premium) = of_kind(country, PhoneNumberType::PremiumRate) {
            assert_eq!(class(premium, &plan), DestinationClass::Premium, "{premium}");
            assert!(!class(premium, &elsewhere).is_usual(), "{premium}");
        }
        if country != elsewhere.country() {
            assert!(
                !class(fixed, &elsewhere).is_usual(),
                "{fixed} is {}",
                class(fixed, &elsewhere)
            );
        }
    }
}

#[test]
fn every_country_knows_what_stands_before_foreign_numbers_or_leaves_the_plus() {
    let foreign = E164::parse("+870773111632").unwrap();
    let format = Format::new(Style::International, "", "").unwrap();
    let mut without = Vec::new();
    for country in Country::all() {
        let text = format.write(foreign, &plan(&country.to_string()));
        match text.strip_suffix("870773111632") {
            Some("+") => without.push(country.to_string()),
            Some(prefix) => assert!((1..=4).contains(&prefix.len()), "{text} in {country}"),
            None => panic!("{text} in {country}"),
        }
    }
    // There the caller chooses a carrier by the prefix, and the library has no opinion which.
    assert_eq!(
        without.join(" "),
        "BO BR CL CO ID IL KH KP KR PW SB SG TH TW TZ UG"
    );
}
