//! Whatever is thrown at it: nothing panics, and what is read stays what it is.

use crate::plan;
use number::{Country, E164, Format, MAX_OCTETS, Plan, Style, class, emergency, region};

const RUNS: usize = 20_000;
const LONGEST: usize = 200;

struct Random(u64);

impl Random {
    /// SplitMix64: the same everywhere for the same seed.
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n as u64) as usize
    }

    fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }
}

/// Text that is more or less like a number.
fn text(random: &mut Random) -> String {
    let signs: &[&str] = match random.below(4) {
        0 => &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
        1 => &[
            "0", "00", "+", "1", "44", "49", "9", "011", "112", "911", " ", "-", "(", ")",
        ],
        2 => &[
            "+", "0", "7", "a", "é", "٣", "\0", "\u{ff0b}", ";", "ext", "x", "%", "*", "#", "\r\n", "😀",
        ],
        _ => &[
            "+1",
            "+44",
            "+49",
            "+39",
            "+870",
            "+",
            "5",
            "6",
            "0",
            "tel:",
            ";phone-context=+49",
            "8",
        ],
    };
    let most = *random.of(&[4, 12, 18, MAX_OCTETS, LONGEST]);
    let length = random.below(most + 1);
    let mut text = String::new();
    while text.len() < length {
        text.push_str(random.of::<&str>(signs));
    }
    text
}

fn plans() -> Vec<Plan> {
    let mut plans: Vec<Plan> = Country::all()
        .iter()
        .map(|country| plan(&country.to_string()))
        .collect();
    let country = |code| Country::parse(code).unwrap();
    plans.push(Plan::new(country("de"), Some("30"), Some("0")).unwrap());
    plans.push(Plan::new(country("us"), Some("202"), Some("9")).unwrap());
    plans
}

fn formats() -> Vec<Format> {
    let mut formats = vec![Format::new(Style::E164, "", "").unwrap()];
    for style in [Style::E164Plain, Style::National, Style::International] {
        for (strip, prepend) in [("", ""), ("0", ""), ("49", "0"), ("", "77#"), ("1", "1")] {
            formats.push(Format::new(style, strip, prepend).unwrap());
        }
    }
    formats
}

#[test]
fn arbitrary_text_is_read_or_refused_and_what_is_read_is_read_again() {
    let (plans, formats, mut random) = (plans(), formats(), Random(7));
    let mut read = 0;
    for _ in 0..RUNS {
        let (text, plan, format) = (text(&mut random), random.of(&plans), random.of(&formats));
        let dialled = plan.read(&text);
        let sent = format.read(&text, plan);
        assert!(
            text.len() <= MAX_OCTETS || (dialled, sent) == (None, None),
            "{text:?}"
        );
        let found = emergency(&text, &[plan.country()], plan.outside());
        assert!(found.is_none_or(|found| text.contains(found.number) || text.len() > found.number.len()));
        for number in dialled.into_iter().chain(sent) {
            read += 1;
            assert_eq!(E164::parse(&number.to_string()), Some(number));
            assert_eq!(
                plan.read(&number.to_string()),
                Some(number),
                "{text:?} by {plan:?}"
            );
            assert!(class(number, plan).name().len() > 4);
            assert!(
                region(number).is_none_or(|country| Country::parse(&country.to_string()) == Some(country))
            );
        }
    }
    assert!(read > RUNS / 50, "{read}");
    println!("COUNT number/property {RUNS}");
}

#[test]
fn numbers_that_are_read_survive_every_format() {
    let (plans, formats, mut random) = (plans(), formats(), Random(11));
    let examples: Vec<E164> = Country::all().into_iter().flat_map(crate::examples::of).collect();
    for _ in 0..RUNS {
        let (plan, format) = (random.of(&plans), random.of(&formats));
        let mut digits = random.of(&examples).digits().into_bytes();
        // Neighbours of real numbers: of no range, or of another one.
        let at = digits.len() - 1 - random.below(6);
        digits[at] = b'0' + u8::try_from(random.below(10)).unwrap();
        let text = format!("+{}", String::from_utf8(digits).unwrap());
        let Some(number) = plan.read(&text) else { continue };
        let written = format.write(number, plan);
        let is_same = format.read(&written, plan) == Some(number);
        assert!(
            is_same,
            "{number} as {written} by {format:?} in {}",
            plan.country()
        );
    }
}
