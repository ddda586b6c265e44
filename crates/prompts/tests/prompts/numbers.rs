//! Numbers and ordinals in each language.

use crate::read;
use prompts::Language::{self, English, French, German, Polish, Spanish};
use prompts::say::{MAX_NUMBER, number, ordinal};

fn check(language: Language, table: &[(u32, &str)]) {
    for (n, text) in table {
        assert_eq!(
            read(language, number(language, *n)),
            *text,
            "{n} in {}",
            language.code()
        );
    }
}

#[test]
fn english_numbers() {
    check(
        English,
        &[
            (0, "zero"),
            (7, "seven"),
            (13, "thirteen"),
            (42, "forty-two"),
            (100, "one hundred"),
            (101, "one hundred one"),
            (999, "nine hundred ninety-nine"),
            (1000, "one thousand"),
            (1001, "one thousand one"),
            (12_345, "twelve thousand three hundred forty-five"),
            (1_000_000, "one million"),
            (2_000_100, "two million one hundred"),
            (
                MAX_NUMBER,
                "nine hundred ninety-nine million nine hundred ninety-nine thousand nine hundred ninety-nine",
            ),
        ],
    );
}

#[test]
fn german_numbers() {
    check(
        German,
        &[
            (1, "eins"),
            (21, "einundzwanzig"),
            (100, "einhundert"),
            (101, "einhundert eins"),
            (1000, "eintausend"),
            (1001, "eintausend eins"),
            (2000, "zwei tausend"),
            (21_000, "einundzwanzig tausend"),
            (101_000, "einhundert ein tausend"),
            (1_000_000, "eine Million"),
            (
                2_345_678,
                "zwei Millionen dreihundert fünfundvierzig tausend sechshundert achtundsiebzig",
            ),
            (101_000_000, "einhundert eine Millionen"),
        ],
    );
}

#[test]
fn french_numbers() {
    check(
        French,
        &[
            (1, "un"),
            (21, "vingt et un"),
            (22, "vingt-deux"),
            (70, "soixante-dix"),
            (71, "soixante et onze"),
            (77, "soixante-dix-sept"),
            (80, "quatre-vingts"),
            (81, "quatre-vingt-un"),
            (91, "quatre-vingt-onze"),
            (99, "quatre-vingt-dix-neuf"),
            (100, "cent"),
            (101, "cent un"),
            (1000, "mille"),
            (1999, "mille neuf cents quatre-vingt-dix-neuf"),
            (2000, "deux mille"),
            (21_000, "vingt et un mille"),
            (1_000_000, "un million"),
            (3_000_001, "trois millions un"),
        ],
    );
}

#[test]
fn spanish_numbers() {
    check(
        Spanish,
        &[
            (1, "uno"),
            (16, "dieciséis"),
            (21, "veintiuno"),
            (31, "treinta y uno"),
            (100, "cien"),
            (101, "ciento uno"),
            (500, "quinientos"),
            (777, "setecientos setenta y siete"),
            (1000, "mil"),
            (1100, "mil cien"),
            (2000, "dos mil"),
            (21_000, "veintiún mil"),
            (31_000, "treinta y un mil"),
            (100_000, "cien mil"),
            (101_000, "ciento un mil"),
            (1_000_000, "un millón"),
            (21_000_000, "veintiún millones"),
        ],
    );
}

#[test]
fn polish_numbers() {
    check(
        Polish,
        &[
            (1, "jeden"),
            (22, "dwadzieścia dwa"),
            (200, "dwieście"),
            (555, "pięćset pięćdziesiąt pięć"),
            (1000, "tysiąc"),
            (2000, "dwa tysiące"),
            (5000, "pięć tysięcy"),
            (12_000, "dwanaście tysięcy"),
            (22_000, "dwadzieścia dwa tysiące"),
            (21_000, "dwadzieścia jeden tysięcy"),
            (112_000, "sto dwanaście tysięcy"),
            (1_000_000, "milion"),
            (3_000_000, "trzy miliony"),
            (25_000_000, "dwadzieścia pięć milionów"),
        ],
    );
}

#[test]
fn every_number_has_words_in_every_language() {
    for language in Language::ALL {
        let steps = (0..20_000).chain((20_000..MAX_NUMBER).step_by(999_983));
        for n in steps {
            let parts = number(language, n).unwrap();
            assert!((1..=12).contains(&parts.len()), "{n} in {}", language.code());
        }
        assert!(number(language, MAX_NUMBER + 1).is_err());
        assert!(number(language, u32::MAX).is_err());
    }
}

#[test]
fn ordinals() {
    let table = [
        (English, 3, "third"),
        (English, 21, "twenty-first"),
        (English, 32, "number thirty-two"),
        (German, 1, "erste"),
        (German, 7, "siebte"),
        (German, 21, "einundzwanzigste"),
        (French, 1, "premier"),
        (French, 9, "neuvième"),
        (French, 21, "vingt et unième"),
        (Spanish, 3, "tercero"),
        (Spanish, 13, "decimotercero"),
        (Polish, 2, "drugi"),
        (Polish, 31, "trzydziesty pierwszy"),
        (Polish, 40, "numer czterdzieści"),
    ];
    for (language, n, text) in table {
        assert_eq!(read(language, ordinal(language, n)), text);
    }
    for language in Language::ALL {
        assert!((1..200).all(|n| ordinal(language, n).is_ok()));
        assert!(ordinal(language, 0).is_err());
        assert!(ordinal(language, u32::MAX).is_err());
    }
}
