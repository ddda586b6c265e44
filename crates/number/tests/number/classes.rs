//! What kinds of destinations numbers are.

use crate::{country, e164, plan};
use model::DestinationClass::{
    self, HighRisk, International, Mobile, National, Personal, Premium, Satellite, SharedCost, TollFree,
    Unknown,
};
use number::{Country, class, region};

const FILE: &str = include_str!("../../data/high_risk.csv");

/// Caller's country, number, class.
const CLASSES: &[(&str, &str, DestinationClass)] = &[
    ("de", "+493012345678", National),
    ("de", "+4915112345678", Mobile),
    ("de", "+498001234567", TollFree),
    ("de", "+4918012345678", SharedCost),
    ("de", "+499001234567", Premium),
    ("de", "+4970012345678", Personal),
    ("de", "+442079460018", International),
    ("de", "+447911123456", International),
    ("de", "+18002530000", International),
    ("de", "+80012345678", TollFree),
    ("de", "+97912345678", Satellite),
    ("de", "+870773111632", Satellite),
    ("de", "+881612345678", Satellite),
    ("de", "+88213012345", Satellite),
    ("de", "+883510012345", Satellite),
    ("de", "+87812345678901", Satellite),
    ("de", "+88812345678", Satellite),
    ("de", "+5353123456", HighRisk),
    ("de", "+2522123456", HighRisk),
    ("de", "+9607712345", HighRisk),
    ("de", "+18762345678", HighRisk),
    ("de", "+49301", Unknown),
    ("uk", "+442079460018", National),
    ("uk", "+447400123456", Mobile),
    ("uk", "+448001234567", TollFree),
    ("uk", "+447012345678", Personal),
    ("de", "+447012345678", Personal),
    ("uk", "+449012345678", Premium),
    ("uk", "+448431234567", Premium),
    ("uk", "+443001234567", National),
    ("uk", "+441534123456", International),
    ("us", "+12024561111", National),
    ("us", "+18002530000", TollFree),
    ("us", "+19002345678", Premium),
    ("us", "+14169671111", International),
    ("us", "+17872345678", International),
    ("us", "+18762345678", HighRisk),
    ("us", "+18092345678", HighRisk),
    ("us", "+18292345678", HighRisk),
    ("us", "+12842291234", HighRisk),
    ("us", "+14734031234", HighRisk),
    ("us", "+12684601234", HighRisk),
    ("us", "+16846221234", HighRisk),
    ("us", "+442079460018", International),
    ("us", "+447012345678", Personal),
    ("us", "+15555550100", Unknown),
    ("ca", "+14169671111", National),
    ("ca", "+12024561111", International),
    ("ca", "+18002530000", TollFree),
    ("it", "+390669812345", National),
    ("it", "+393471234567", Mobile),
    ("fr", "+33142685300", National),
    ("fr", "+33612345678", Mobile),
    ("fr", "+33899123456", Premium),
    ("no", "+4779123456", National),
    ("jm", "+18765230123", National),
    ("jm", "+18762345678", Mobile),
    ("us", "+999123456789", Unknown),
];

#[test]
fn a_number_has_the_class_that_its_caller_pays_for() {
    for (code, number, expected) in CLASSES {
        assert_eq!(
            class(e164(number), &plan(code)),
            *expected,
            "{number} from {code}"
        );
    }
}

#[test]
fn no_number_that_leaves_the_country_is_national_in_north_america() {
    let us = plan("us");
    let areas = "204 226 236 242 246 249 250 264 268 284 289 306 340 343 345 403 416 418 431 437 438 441 450 473 506 514 519 604 \
                 613 647 649 658 664 670 671 684 705 709 721 758 767 778 784 787 807 809 829 849 867 868 869 876 902 905 939";
    for area in areas.split_whitespace() {
        for rest in ["2345678", "4601234", "6221234", "9261234"] {
            let class = class(e164(&format!("+1{area}{rest}")), &us);
            assert!(!matches!(class, National | Mobile), "+1{area}{rest} is {class}");
        }
    }
}

#[test]
fn every_island_that_shares_the_code_of_north_america_is_a_high_risk() {
    let (us, mut islands) = (plan("us"), 0);
    for country in Country::all() {
        let near = ["US", "CA", "PR", "VI"].contains(&country.to_string().as_str());
        let ordinary = crate::examples::ordinary(country);
        for number in ordinary
            .into_iter()
            .filter(|number| number.digits().starts_with('1') && !near)
        {
            assert_eq!(class(number, &us), HighRisk, "{number} of {country}");
            islands += 1;
        }
    }
    assert!(islands > 40, "{islands}");
}

#[test]
fn a_second_trunk_prefix_does_not_hide_a_range() {
    assert_eq!(class(e164("+4407012345678"), &plan("uk")), Personal);
    assert_eq!(class(e164("+118762345678"), &plan("us")), HighRisk);
    assert_eq!(class(e164("+4909001234567"), &plan("de")), Premium);
}

#[test]
fn every_line_of_the_file_counts() {
    let home = plan("de");
    for line in FILE.lines().filter(|line| !line.starts_with('#')) {
        let [prefix, name, source, reason] = line.split(',').collect::<Vec<_>>()[..] else {
            panic!("{line}");
        };
        let known = DestinationClass::ALL
            .into_iter()
            .find(|class| class.name() == name);
        assert!(
            ["itu", "fcc", "ftc", "nanpa", "ofcom", "practice"].contains(&source) && reason.len() > 3,
            "{line}"
        );
        assert!(
            FILE.contains(&format!("#   {source} ")),
            "{source} is not explained"
        );
        let number = e164(&format!("+{prefix:0<11}"));
        assert_eq!(Some(class(number, &home)), known, "{line}");
    }
    for code in ["870", "878", "881", "882", "883", "888", "979"] {
        assert!(
            FILE.lines()
                .any(|line| line.starts_with(&format!("{code},satellite,itu,"))),
            "{code}"
        );
    }
}

#[test]
fn nothing_at_home_is_a_high_risk() {
    for code in ["jm", "do", "cu", "mv", "fj", "nc", "gl", "al", "sn"] {
        let (plan, mut seen) = (plan(code), 0);
        for number in crate::examples::of(country(code)) {
            assert_ne!(class(number, &plan), HighRisk, "{number} from {code}");
            seen += 1;
        }
        assert!(seen > 0, "{code}");
    }
}

#[test]
fn a_number_has_a_country_or_none() {
    for (number, code) in [
        ("+493012345678", Some("de")),
        ("+12024561111", Some("us")),
        ("+14169671111", Some("ca")),
        ("+18762345678", Some("jm")),
        ("+441534123456", Some("je")),
        ("+77172123456", Some("kz")),
        ("+74959690404", Some("ru")),
        ("+390669812345", Some("va")),
        ("+390212345678", Some("it")),
        ("+870773111632", None),
        ("+80012345678", None),
        ("+999123456789", None),
    ] {
        assert_eq!(region(e164(number)), code.and_then(Country::parse), "{number}");
    }
}
