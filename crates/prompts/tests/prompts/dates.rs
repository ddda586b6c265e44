//! Dates, times of day and durations in each language.

use crate::read;
use prompts::Language::{self, English, French, German, Polish, Spanish};
use prompts::say::{Date, Time, date, duration, time};

#[test]
fn dates() {
    let day = |year, month, day| Date::new(year, month, day).unwrap();
    let table = [
        (English, day(2026, 3, 5), "Thursday March fifth twenty twenty-six"),
        (
            English,
            day(2000, 2, 29),
            "Tuesday February twenty-ninth two thousand",
        ),
        (
            English,
            day(2005, 1, 1),
            "Saturday January first two thousand five",
        ),
        (English, day(1905, 1, 1), "Sunday January first nineteen oh five"),
        (English, day(1900, 1, 1), "Monday January first nineteen hundred"),
        (
            German,
            day(2026, 3, 3),
            "Dienstag der dritte März zwei tausend sechsundzwanzig",
        ),
        (
            German,
            day(1999, 12, 31),
            "Freitag der einunddreißigste Dezember neunzehn hundert neunundneunzig",
        ),
        (
            French,
            day(2026, 5, 1),
            "le vendredi premier mai deux mille vingt-six",
        ),
        (
            French,
            day(2026, 3, 3),
            "le mardi trois mars deux mille vingt-six",
        ),
        (
            Spanish,
            day(2026, 3, 21),
            "sábado veintiuno de marzo de dos mil veintiséis",
        ),
        (
            Spanish,
            day(2026, 3, 1),
            "domingo primero de marzo de dos mil veintiséis",
        ),
        (
            Polish,
            day(2026, 3, 3),
            "wtorek trzeci marca rok dwa tysiące dwadzieścia sześć",
        ),
    ];
    for (language, day, text) in table {
        assert_eq!(read(language, date(language, day, true)), text);
    }
    let short = date(English, day(2026, 11, 26), false);
    assert_eq!(read(English, short), "Thursday November twenty-sixth");
}

#[test]
fn days_that_do_not_exist() {
    for (year, month, day) in [
        (2026, 2, 29),
        (1900, 2, 29),
        (2026, 4, 31),
        (2026, 13, 1),
        (2026, 0, 1),
        (2026, 1, 0),
        (0, 1, 1),
        (10_000, 1, 1),
        (2026, u32::MAX, u32::MAX),
    ] {
        assert_eq!(Date::new(year, month, day), None, "{year}-{month}-{day}");
    }
    assert!(Date::new(2024, 2, 29).is_some() && Date::new(2000, 2, 29).is_some());
}

#[test]
fn weekdays_follow_each_other_for_four_hundred_years() {
    // 1 January 1900 was a Monday.
    let mut wanted = 1;
    for year in 1900..2300 {
        for month in 1..=12 {
            for day in 1..=31 {
                if let Some(date) = Date::new(year, month, day) {
                    assert_eq!(date.weekday(), wanted, "{year}-{month}-{day}");
                    wanted = wanted % 7 + 1;
                }
            }
        }
    }
    assert_eq!(Date::new(1, 1, 1).unwrap().weekday(), 1);
    assert_eq!(Date::new(9999, 12, 31).unwrap().weekday(), 5);
}

#[test]
fn times_of_day() {
    let table = [
        (English, 0, 0, "twelve AM"),
        (English, 9, 5, "nine oh five AM"),
        (English, 12, 30, "twelve thirty PM"),
        (English, 15, 0, "three PM"),
        (German, 0, 7, "null Uhr sieben"),
        (German, 15, 0, "fünfzehn Uhr"),
        (German, 1, 1, "ein Uhr eins"),
        (French, 12, 15, "midi quinze"),
        (French, 21, 21, "vingt et une heures vingt et une"),
        (Spanish, 1, 0, "la una en punto"),
        (Spanish, 15, 30, "las quince y treinta"),
        (Polish, 15, 0, "godzina piętnasta"),
        (Polish, 20, 5, "godzina dwudziesta zero pięć"),
        (Polish, 22, 45, "godzina dwudziesta druga czterdzieści pięć"),
    ];
    for (language, hour, minute, text) in table {
        assert_eq!(
            read(language, time(language, Time::new(hour, minute).unwrap())),
            text
        );
    }
    for language in Language::ALL {
        for minute in 0..24 * 60 {
            assert!(time(language, Time::new(minute / 60, minute % 60).unwrap()).is_ok());
        }
    }
    assert!(Time::new(24, 0).is_none() && Time::new(0, 60).is_none());
}

#[test]
fn durations() {
    let table = [
        (English, 0, "zero seconds"),
        (English, 1, "one second"),
        (English, 125, "two minutes five seconds"),
        (English, 3600, "one hour"),
        (English, 7384, "two hours three minutes"),
        (English, 90_000, "one day one hour"),
        (English, 86_460, "one day"),
        (German, 3660, "eine Stunde eine Minute"),
        (German, 172_800, "zwei Tage"),
        (French, 21 * 60, "vingt et une minutes"),
        (French, 61, "une minute une seconde"),
        (Spanish, 21 * 3600, "veintiuna horas"),
        (Spanish, 21 * 60, "veintiún minutos"),
        (Spanish, 3661, "una hora un minuto"),
        (Polish, 60, "jedna minuta"),
        (Polish, 120, "dwie minuty"),
        (Polish, 22 * 60, "dwadzieścia dwie minuty"),
        (Polish, 5 * 60, "pięć minut"),
        (Polish, 12 * 60, "dwanaście minut"),
        (Polish, 2 * 86_400, "dwa dni"),
    ];
    for (language, seconds, text) in table {
        assert_eq!(read(language, duration(language, seconds)), text, "{seconds}");
    }
    for language in Language::ALL {
        assert!(
            (0..100_000)
                .step_by(7)
                .all(|seconds| duration(language, seconds).is_ok())
        );
        assert!(duration(language, 1000 * 86_400 - 1).is_ok());
        assert!(duration(language, 1000 * 86_400).is_err());
        assert!(duration(language, u32::MAX).is_err());
    }
}
