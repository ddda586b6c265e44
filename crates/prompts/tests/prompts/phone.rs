//! Digits and telephone numbers in each language.

use crate::read;
use prompts::Language::{self, English, French, German, Polish, Spanish};
use prompts::say::{MAX_DIGITS, digits, phone};

#[test]
fn digits_one_at_a_time() {
    assert_eq!(read(English, digits(English, "4071")), "four zero seven one");
    assert_eq!(read(German, digits(German, "*43#")), "Stern vier drei Raute");
    for language in Language::ALL {
        assert_eq!(digits(language, "0123456789*#+").unwrap().len(), 13);
        for wrong in ["", "12a", "1 2", "\u{663}", &"1".repeat(MAX_DIGITS + 1)] {
            assert!(digits(language, wrong).is_err(), "{wrong:?}");
        }
    }
}

#[test]
fn telephone_numbers_are_grouped() {
    let table = [
        (English, "101", "one zero one"),
        (English, "12345", "one two three four five"),
        (English, "555-0123", "five five five | zero one two three"),
        (
            English,
            "(212) 555-0123",
            "two one two | five five five | zero one two three",
        ),
        (
            English,
            "1 212 555 0123",
            "one | two one two | five five five | zero one two three",
        ),
        (
            English,
            "+44 20 7946 0018",
            "plus four four two | zero seven nine | four six zero | zero one eight",
        ),
        (
            German,
            "030/123456",
            "null drei null | eins zwei drei | vier fünf sechs",
        ),
        (
            French,
            "06 12 40 00 81",
            "zéro six | douze | quarante | zéro zéro | quatre-vingt-un",
        ),
        (
            French,
            "+33 6 12 34",
            "plus trois trois six | un deux trois quatre",
        ),
        (
            Spanish,
            "912345678",
            "nueve uno dos | tres cuatro cinco | seis siete ocho",
        ),
        (
            Polish,
            "600 700 80",
            "sześć zero zero | siedem zero zero | osiem zero",
        ),
    ];
    for (language, number, text) in table {
        assert_eq!(read(language, phone(language, number)), text);
    }
}

#[test]
fn no_digit_of_any_number_is_lost() {
    for language in [English, German, Spanish, Polish] {
        for length in 1..=MAX_DIGITS {
            for first in ["0", "1", "+", "9"] {
                let number: String = first
                    .chars()
                    .chain("2345678901".chars().cycle())
                    .take(length)
                    .collect();
                if number == "+" {
                    assert!(phone(language, &number).is_err());
                    continue;
                }
                let said = read(language, phone(language, &number)).replace("| ", "");
                assert_eq!(said, read(language, digits(language, &number)), "{number}");
            }
        }
    }
    for wrong in ["", "---", "12x", &"1".repeat(MAX_DIGITS + 1), "1+2\0"] {
        assert!(phone(French, wrong).is_err(), "{wrong:?}");
    }
}
