//! The international form, and countries.

use crate::{country, e164};
use number::{Country, E164};

#[test]
fn the_strict_form_is_read_and_nothing_else() {
    for good in ["+493012345678", "+12025550123", "+49115", "+123456789012345"] {
        let number = e164(good);
        assert_eq!(number.to_string(), good);
        assert_eq!(number.digits(), &good[1..]);
        assert_eq!(good.parse(), Ok(number));
    }
    for bad in [
        "",
        "+",
        "493012345678",
        "+0493012345678",
        "+4911",
        "+1234567890123456",
        "++4930123456",
        "+49 30 123456",
        "+4930123456 ",
        "+4930123456a",
        "+४९३०१२३४५६",
        "tel:+4930123456",
        "\u{ff0b}4930123456",
    ] {
        assert_eq!(E164::parse(bad), None, "{bad}");
    }
    let fault = "49".parse::<E164>().unwrap_err().to_string();
    assert!(fault.contains("+493012345678"), "{fault}");
}

#[test]
fn a_number_is_its_text_in_json_and_sorts_by_value() {
    let number = e164("+493012345678");
    assert_eq!(serde_json::to_string(&number).unwrap(), "\"+493012345678\"");
    assert_eq!(serde_json::from_str::<E164>("\"+493012345678\"").unwrap(), number);
    assert!(serde_json::from_str::<E164>("\"0301234\"").is_err());
    assert!(serde_json::from_str::<E164>("493012345678").is_err());
    let mut numbers = [e164("+493012345679"), e164("+12025550123"), number];
    numbers.sort_unstable();
    assert_eq!(numbers, [e164("+12025550123"), number, e164("+493012345679")]);
    assert_eq!(size_of::<Option<E164>>(), 8);
}

#[test]
fn countries_go_by_two_letters_and_uk_is_one_of_them() {
    assert_eq!(country("uk"), country("GB"));
    assert_eq!(country("UK").to_string(), "GB");
    assert_eq!(country("de").to_string(), "DE");
    for bad in ["", "d", "deu", "zz", "001", "d1", "ÄÖ", "EU"] {
        assert_eq!(Country::parse(bad), None, "{bad}");
    }
    let all = Country::all();
    assert!(all.len() > 240 && all.is_sorted(), "{}", all.len());
    for country in all {
        let json = serde_json::to_string(&country).unwrap();
        assert_eq!(serde_json::from_str::<Country>(&json).unwrap(), country);
    }
    assert!(serde_json::from_str::<Country>("\"fantasia\"").is_err());
}
