//! Emergency numbers: the file, and what counts as one.

use crate::country;
use number::Service::{self, Ambulance, CoastGuard, Fire, General, MountainRescue, Police, Test};
use number::{Country, EmergencyNumber, MAX_OCTETS, Plan, emergency};
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = include_str!("../../data/emergency.csv");

fn found(code: &str, dialled: &str) -> Option<EmergencyNumber> {
    emergency(dialled, &[country(code)], None)
}

/// Country and number of each line.
fn lines() -> Vec<(&'static str, &'static str, &'static str)> {
    let lines = FILE.lines().filter(|line| !line.starts_with('#'));
    let fields = lines.map(|line| line.split(',').collect::<Vec<_>>());
    fields.map(|fields| (fields[0], fields[1], fields[2])).collect()
}

#[test]
fn every_line_of_the_file_is_an_emergency_number_in_its_country() {
    let mut seen = BTreeSet::new();
    for (code, number, service) in lines() {
        assert!(seen.insert((code, number)), "{code},{number} once more");
        let at = if code == "*" { "DE" } else { code };
        let entry = found(at, number).unwrap_or_else(|| panic!("{code},{number}"));
        assert_eq!((entry.number, entry.service.name()), (number, service), "{code}");
        assert_eq!(entry.country, Country::parse(code), "{code},{number}");
        assert!(number.bytes().all(|octet| octet.is_ascii_digit()) && (2..=9).contains(&number.len()));
    }
    assert!(seen.len() > 600, "{}", seen.len());
    assert!(FILE.starts_with("# Emergency") && FILE.contains("# Source: ") && FILE.contains("# Date: 20"));
    assert!(
        FILE.lines()
            .all(|line| line.starts_with('#') || line.split(',').count() == 3)
    );
}

/// Countries, and what is answered there by whom.
const SERVICES: &[(&str, &[(&str, Service)])] = &[
    ("de", &[("110", Police), ("112", General)]),
    (
        "at",
        &[
            ("122", Fire),
            ("133", Police),
            ("144", Ambulance),
            ("140", MountainRescue),
            ("112", General),
        ],
    ),
    (
        "ch li",
        &[
            ("117", Police),
            ("118", Fire),
            ("144", Ambulance),
            ("1414", MountainRescue),
            ("112", General),
        ],
    ),
    ("uk ie je gg im", &[("999", General), ("112", General)]),
    ("us ca", &[("911", General), ("933", Test), ("112", General)]),
    ("au", &[("000", General), ("112", General), ("106", General)]),
    ("nz", &[("111", General), ("112", General)]),
    (
        "fr",
        &[
            ("15", Ambulance),
            ("17", Police),
            ("18", Fire),
            ("196", CoastGuard),
            ("114", General),
        ],
    ),
    (
        "it",
        &[
            ("113", Police),
            ("115", Fire),
            ("118", Ambulance),
            ("1530", CoastGuard),
        ],
    ),
    (
        "es",
        &[
            ("061", Ambulance),
            ("062", Police),
            ("080", Fire),
            ("091", Police),
        ],
    ),
    (
        "pl",
        &[
            ("997", Police),
            ("998", Fire),
            ("999", Ambulance),
            ("985", MountainRescue),
            ("601100300", MountainRescue),
        ],
    ),
    ("cz sk", &[("150", Fire), ("155", Ambulance), ("158", Police)]),
    ("hu", &[("104", Ambulance), ("105", Fire), ("107", Police)]),
    ("be", &[("100", General), ("101", Police)]),
    ("lu", &[("113", Police)]),
    (
        "gr",
        &[
            ("100", Police),
            ("108", CoastGuard),
            ("166", Ambulance),
            ("199", Fire),
        ],
    ),
    (
        "hr",
        &[
            ("192", Police),
            ("193", Fire),
            ("194", Ambulance),
            ("195", CoastGuard),
        ],
    ),
    ("no", &[("110", Fire), ("112", General), ("113", Ambulance)]),
    (
        "in",
        &[
            ("100", Police),
            ("101", Fire),
            ("102", Ambulance),
            ("108", Ambulance),
        ],
    ),
    ("jp", &[("110", Police), ("118", CoastGuard), ("119", Fire)]),
    ("br", &[("190", Police), ("192", Ambulance), ("193", Fire)]),
    ("mx", &[("911", General)]),
    ("za", &[("10111", Police), ("10177", Ambulance)]),
    (
        "tr",
        &[
            ("110", Fire),
            ("155", Police),
            ("156", Police),
            ("158", CoastGuard),
        ],
    ),
    (
        "ua kz kg by az",
        &[("101", Fire), ("102", Police), ("103", Ambulance)],
    ),
    ("ru", &[("01", Fire), ("102", Police), ("103", Ambulance)]),
    ("il", &[("100", Police), ("101", Ambulance), ("102", Fire)]),
    ("cn", &[("110", Police), ("119", Fire), ("120", Ambulance)]),
    ("kr", &[("119", Fire), ("112", General)]),
    ("sg", &[("995", Fire), ("999", Police)]),
    ("hk", &[("999", General)]),
];

#[test]
fn the_services_of_many_countries_are_known() {
    for (codes, numbers) in SERVICES {
        for code in codes.split(' ') {
            for (number, service) in *numbers {
                let entry = found(code, number).map(|entry| entry.service);
                assert_eq!(entry, Some(*service), "{number} in {code}");
            }
        }
    }
}

#[test]
fn the_european_number_and_the_american_one_are_understood_everywhere() {
    for country in Country::all() {
        for number in ["112", "911"] {
            let entry = emergency(number, &[country], Some("0")).unwrap();
            assert_eq!(entry.number, number, "{country}");
        }
    }
    assert_eq!(emergency("112", &[], None).unwrap().country, None);
    let own: BTreeMap<&str, usize> = lines().iter().fold(BTreeMap::new(), |mut all, (code, ..)| {
        *all.entry(*code).or_default() += 1;
        all
    });
    // Where 112 is the only one, nothing else needs to be known.
    let only_112 = ["FI", "IS", "MT", "NL", "RO"];
    let needed = "AT BE BG HR CY CZ DK EE FR DE GR HU IE IT LV LT LU PL PT SK SI ES SE LI NO GB CH US CA AU NZ IN JP \
                  BR MX ZA TR UA IL CN KR SG";
    for code in needed.split_whitespace() {
        assert!(own.contains_key(code), "{code}");
    }
    for code in only_112 {
        assert!(found(code, "112").is_some(), "{code}");
    }
}

#[test]
fn only_the_whole_number_is_one() {
    for (code, dialled) in [
        ("de", "1123"),
        ("de", "11"),
        ("de", "0112"),
        ("de", "1120"),
        ("us", "9111"),
        ("us", "9911"),
        ("us", "91"),
        ("us", "1911"),
        ("uk", "9990"),
        ("uk", "99"),
        ("de", "999"),
        ("us", "999"),
        ("us", "110"),
        ("us", "000"),
        ("de", "933"),
        ("uk", "933"),
        ("de", ""),
        ("de", "+"),
        ("de", "112#"),
        ("de", "*112"),
        ("de", "112a"),
        ("de", "sos"),
    ] {
        assert_eq!(found(code, dialled), None, "{dialled} in {code}");
    }
    let long = format!("112{}", " ".repeat(MAX_OCTETS - 2));
    assert_eq!(found("de", &long), None);
    assert!(found("de", &long[..MAX_OCTETS]).is_some());
}

#[test]
fn it_may_be_written_in_many_ways() {
    for dialled in ["112", "1-1-2", " 112 ", "+112", "(112)"] {
        assert_eq!(found("de", dialled).unwrap().number, "112", "{dialled}");
    }
    // A plus before a longer one makes it somebody's number.
    assert_eq!(found("pl", "+601100300"), None);
    assert!(found("pl", "601 100 300").is_some());
}

#[test]
fn the_outside_prefix_may_stand_before_it() {
    let dial = |code: &str, dialled: &str, outside: &str| {
        emergency(dialled, &[country(code)], Some(outside)).map(|entry| entry.number)
    };
    assert_eq!(dial("us", "9911", "9"), Some("911"));
    assert_eq!(dial("us", "911", "9"), Some("911"));
    assert_eq!(dial("us", "9933", "9"), Some("933"));
    assert_eq!(dial("us", "99911", "9"), None);
    assert_eq!(dial("de", "0112", "0"), Some("112"));
    assert_eq!(dial("de", "0110", "0"), Some("110"));
    assert_eq!(dial("de", "00112", "0"), None);
    assert_eq!(dial("uk", "9999", "9"), Some("999"));
    assert_eq!(dial("uk", "999", "9"), Some("999"));
    assert_eq!(dial("au", "0000", "0"), Some("000"));
    assert_eq!(dial("au", "000", "0"), Some("000"));
    assert_eq!(dial("de", "0112", ""), None);
    assert_eq!(dial("de", "0112", "9"), None);
}

#[test]
fn a_tenant_in_two_countries_has_the_numbers_of_both() {
    let both = [country("de"), country("uk")];
    assert_eq!(
        emergency("999", &both, None).unwrap().country,
        Some(country("uk"))
    );
    assert_eq!(
        emergency("110", &both, None).unwrap().country,
        Some(country("de"))
    );
    assert_eq!(emergency("133", &both, None), None);
}

#[test]
fn numbers_of_the_world_and_emergency_numbers_are_apart() {
    for (code, number, _) in lines()
        .into_iter()
        .filter(|(code, number, _)| *code != "*" && number.len() < 5)
    {
        let plan = Plan::new(country(code), None, None).unwrap();
        assert_eq!(plan.read(number), None, "{number} in {code}");
    }
}

#[test]
fn help_has_names_that_lead_to_the_numbers_of_a_country() {
    use number::{Service, number_of};
    let of = |code: &str, urn: &str| Service::of_urn(urn).map(|service| number_of(service, &[country(code)]));
    for (code, urn, expected) in [
        ("de", "service:sos", "112"),
        ("de", "service:sos.police", "110"),
        ("de", "Service:SOS.Fire", "112"),
        ("at", "service:sos.fire", "122"),
        ("at", "service:sos.mountain", "140"),
        ("us", "service:sos", "911"),
        ("us", "service:sos.ambulance", "911"),
        ("gb", "service:sos.police", "999"),
        ("au", "service:sos", "000"),
        ("jp", "service:sos", "110"),
        ("jp", "service:sos.marine", "118"),
        ("jp", "service:sos.fire.forest", "119"),
        // Kinds that nobody here has a number for are help all the same (RFC 5031 §4.2).
        ("de", "service:sos.animal-control", "112"),
        ("us", "service:sos.poison", "911"),
    ] {
        assert_eq!(of(code, urn), Some(expected), "{code} {urn}");
    }
    for urn in [
        "",
        "service:so",
        "service:sosx",
        "service:counseling",
        "sos",
        "service:test.sos",
        "ß",
    ] {
        assert_eq!(of("de", urn), None, "{urn}");
    }
    assert_eq!(number_of(General, &[]), "112");
    for service in Service::ALL {
        let again = Service::of_urn(service.urn().strip_prefix("urn:").unwrap());
        let same = again == Some(service) || service == Test;
        assert!(same, "{service:?}");
        // Whatever a service leads to is a number of help in its country.
        for code in ["de", "us", "at", "gb", "jp", "fr", "in", "br", "mx"] {
            let number = number_of(service, &[country(code)]);
            assert!(
                emergency(number, &[country(code)], None).is_some(),
                "{code} {number}"
            );
        }
    }
}
