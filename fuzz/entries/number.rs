//! Numbers as users dial them and trunks send them, in every country. Shared by the fuzz target and the tests of `number`.
//!
//! What must hold: nothing panics; what is longer than the limit is no number; a number that was read is read again from its
//! international form, and from what is written of it for a trunk; an emergency number is dialled digit by digit.

use number::{Country, E164, Format, MAX_OCTETS, Plan, Style, class, emergency, region};
use std::sync::LazyLock;

static COUNTRIES: LazyLock<Vec<Country>> = LazyLock::new(Country::all);

const STYLES: [Style; 4] = [
    Style::E164,
    Style::E164Plain,
    Style::National,
    Style::International,
];
const AREAS: [Option<&str>; 4] = [None, Some("30"), Some("202"), Some("06")];
const OUTSIDE: [Option<&str>; 4] = [None, Some("0"), Some("9"), Some("10")];
const STRIP: [&str; 4] = ["", "0", "49", "1"];
const PREPEND: [&str; 4] = ["", "0", "77#", "*"];

/// One input: an octet for the country, one for the plan, one for the format, then text.
pub(crate) fn run(data: &[u8]) {
    let Some(([country, plan, format], text)) = data.split_first_chunk::<3>() else {
        return;
    };
    let text = String::from_utf8_lossy(text);
    let Some(country) = COUNTRIES.get(usize::from(*country) % COUNTRIES.len()) else {
        return;
    };
    let pick = |octet: u8, shift: u8| usize::from((octet >> shift) & 3);
    let Ok(plan) = Plan::new(*country, AREAS[pick(*plan, 0)], OUTSIDE[pick(*plan, 2)]) else {
        return;
    };
    let (strip, prepend) = (STRIP[pick(*format, 2)], PREPEND[pick(*format, 4)]);
    let format = Format::new(STYLES[pick(*format, 0)], strip, prepend).unwrap_or_default();
    let (dialled, sent) = (plan.read(&text), format.read(&text, &plan));
    assert!(text.len() <= MAX_OCTETS || (dialled, sent) == (None, None));
    for number in dialled.into_iter().chain(sent) {
        assert_eq!(E164::parse(&number.to_string()), Some(number));
        assert_eq!(plan.read(&number.to_string()), Some(number), "{number}");
        let kind = class(number, &plan);
        assert_eq!(kind, class(number, &plan));
        assert!(region(number).is_none_or(|country| COUNTRIES.binary_search(&country).is_ok()));
        let written = format.write(number, &plan);
        assert_eq!(
            format.read(&written, &plan),
            Some(number),
            "{written} by {format:?}"
        );
    }
    if let Some(found) = emergency(&text, &[plan.country()], plan.outside()) {
        let digits: String = text.chars().filter(char::is_ascii_digit).collect();
        assert!(digits.ends_with(found.number) && text.len() <= MAX_OCTETS);
    }
    if let Some(number) = E164::parse(&text) {
        assert_eq!(number.to_string(), text);
    }
}
