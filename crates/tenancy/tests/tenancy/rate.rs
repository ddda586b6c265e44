//! Price lists: which row, what it comes to, how long a budget lasts, and files that are none.

use crate::random::Random;
use model::{Charge, Money, Prefix, RateDraft, RateRow, Wall};
use std::time::Duration;
use tenancy::{RateError, RateFile, RateTable};

/// A Wednesday, 2026-11-25 12:00 UTC.
const NOON: Wall = Wall(1_795_608_000_000);

pub(crate) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn row(prefix: &str, price: &str, fee: &str, first_s: u32, next_s: u32) -> RateRow {
    RateRow {
        prefix: prefix.parse().unwrap(),
        name: "".into(),
        price: money(price),
        fee: money(fee),
        first_s,
        next_s,
        from: Wall(0),
        until: None,
        band: None,
    }
}

fn draft(rows: Vec<RateRow>) -> RateDraft {
    RateDraft {
        currency: "EUR".parse().unwrap(),
        places: 4,
        utc_offset_min: 0,
        rows,
    }
}

fn table(rows: Vec<RateRow>) -> RateTable {
    RateTable::new(draft(rows)).unwrap()
}

/// The list that the fraud simulator uses, too.
pub(crate) fn carrier() -> RateTable {
    let file = RateFile {
        utc_offset_min: 60,
        ..RateFile::default()
    };
    file.read(include_bytes!("data/rates.csv")).unwrap()
}

fn charged(table: &RateTable, number: &str, at: Wall, talk: Duration) -> (String, u64) {
    let Charge { amount, billed_s, .. } = table.charge(number, Some(at), talk).unwrap();
    (amount.to_string(), billed_s)
}

#[test]
fn increments_are_those_of_the_row() {
    for (first, next, talk_ms, billed, amount) in [
        // Price 0.60 a minute: a hundredth a second.
        (1, 1, 0, 1, "0.01"),
        (1, 1, 1_000, 1, "0.01"),
        (1, 1, 1_001, 2, "0.02"),
        (1, 1, 59_999, 60, "0.60"),
        (60, 60, 0, 60, "0.60"),
        (60, 60, 1, 60, "0.60"),
        (60, 60, 60_000, 60, "0.60"),
        (60, 60, 60_001, 120, "1.20"),
        (60, 60, 3_599_000, 3_600, "36.00"),
        (60, 1, 30_000, 60, "0.60"),
        (60, 1, 61_000, 61, "0.61"),
        (60, 6, 60_000, 60, "0.60"),
        (60, 6, 60_001, 66, "0.66"),
        (60, 6, 66_000, 66, "0.66"),
        (60, 6, 66_001, 72, "0.72"),
        (30, 6, 29_000, 30, "0.30"),
        (30, 6, 36_001, 42, "0.42"),
        (1, 60, 2_000, 61, "0.61"),
        (1, 60, 61_001, 121, "1.21"),
        (3_600, 3_600, 3_600_001, 7_200, "72.00"),
    ] {
        let table = table(vec![row("49", "0.60", "0", first, next)]);
        let found = charged(&table, "4930123", NOON, Duration::from_millis(talk_ms));
        assert_eq!(found, (amount.to_owned(), billed), "{first}/{next} {talk_ms} ms");
    }
}

#[test]
fn fee_and_time_are_rounded_once_half_up() {
    for (price, fee, seconds, places, amount) in [
        // 0.0050 / 60 = 0.0000833…
        ("0.005", "0", 1, 4, "0.0001"),
        ("0.005", "0", 1, 6, "0.000083"),
        ("0.005", "0", 1, 2, "0.00"),
        // 0.003 / 60 = 0.00005: exactly half.
        ("0.003", "0", 1, 4, "0.0001"),
        ("0.0029", "0", 1, 4, "0.00"),
        // Each part alone would be rounded down.
        ("0.0024", "0.00004", 1, 4, "0.0001"),
        ("0.1", "0", 3, 2, "0.01"),
        ("0.1", "0", 3, 0, "0.00"),
        ("10", "0", 3, 0, "1.00"),
        ("0", "0.06", 1000, 4, "0.06"),
    ] {
        let mut draft = draft(vec![row("49", price, fee, 1, 1)]);
        draft.places = places;
        let table = RateTable::new(draft).unwrap();
        assert_eq!(
            charged(&table, "49", NOON, s(seconds)).0,
            amount,
            "{price} {fee} {seconds} s to {places}"
        );
    }
}

#[test]
fn an_unanswered_call_costs_nothing_and_a_strange_number_has_no_price() {
    let table = table(vec![row("49", "1", "1", 60, 60)]);
    let charge = table.charge("+49301", None, s(40)).unwrap();
    assert_eq!(
        (charge.amount, charge.billed_s, charge.prefix),
        (Money::ZERO, 0, None)
    );
    for number in ["48301", "4", "", "110a", "0049301", "+"] {
        assert_eq!(table.charge(number, Some(NOON), s(1)), None, "{number}");
        assert_eq!(table.affords(number, NOON, Money::MAX), None, "{number}");
    }
    // Digits behind the fifteenth don't matter.
    assert!(table.charge(&"49".repeat(500), Some(NOON), s(1)).is_some());
}

#[test]
fn an_absurd_price_stops_at_the_largest_amount() {
    let table = table(vec![row("49", "9223372036854", "9223372036854", 3_600, 3_600)]);
    let charge = table.charge("49", Some(NOON), Duration::MAX).unwrap();
    assert_eq!(charge.amount, Money::MAX);
    assert_eq!(table.affords("49", NOON, Money::from_units(5)), None);
    assert_eq!(table.affords("49", NOON, Money::from_units(-5)), None);
}

#[test]
fn the_longest_prefix_in_effect_is_taken() {
    let mut until = row("4930", "0.03", "0", 1, 1);
    until.until = Some(NOON);
    let mut later = row("493", "0.3", "0", 1, 1);
    later.from = NOON.after(s(3_600));
    let mut old = row("49", "0.5", "0", 1, 1);
    old.until = Some(NOON.after(s(7_200)));
    let mut newer = row("49", "0.4", "0", 1, 1);
    newer.from = Wall(1);
    let table = table(vec![until, later, old, newer, row("4", "9", "0", 1, 1)]);
    let price = |number: &str, at: Wall| {
        let number = Prefix::of_number(number)?;
        table.row(number, at).map(|row| row.price.to_string())
    };
    let before = Wall(NOON.0 - 1);
    assert_eq!(price("4930", before).as_deref(), Some("0.03"));
    assert_eq!(price("4930", NOON).as_deref(), Some("0.40"), "its row has ended");
    assert_eq!(
        price("4930", NOON.after(s(3_600))).as_deref(),
        Some("0.30"),
        "another has begun"
    );
    assert_eq!(price("4940", Wall(0)).as_deref(), Some("0.50"));
    assert_eq!(price("48", NOON).as_deref(), Some("9.00"));
    assert_eq!(price("5", NOON), None);
}

#[test]
fn hours_go_before_the_rest_of_the_day() {
    let table = carrier();
    let price = |at: u64| table.rate(Prefix::of_number("31201").unwrap(), Wall(NOON.0 + at * 3_600_000));
    let price = |at: u64| price(at).unwrap().terms().price.to_string();
    // 12:00 UTC is 13:00 by the table's clock.
    assert_eq!(
        (price(0), price(5), price(6)),
        ("0.015".into(), "0.015".into(), "0.009".into())
    );
    assert_eq!((price(17), price(18)), ("0.009".into(), "0.015".into()));
    // Friday evening lasts until Saturday morning, and then there is none.
    assert_eq!(
        (price(65), price(66), price(78)),
        ("0.009".into(), "0.015".into(), "0.015".into())
    );
}

#[test]
fn a_carriers_list_is_read() {
    let table = carrier();
    assert_eq!((table.len(), table.currency().to_string().as_str()), (199, "EUR"));
    assert_eq!(charged(&table, "+4930123456", NOON, s(90)), ("0.0149".into(), 90));
    assert_eq!(
        charged(&table, "4930123456", Wall(1_780_000_000_000), s(60)).0,
        "0.011"
    );
    assert_eq!(charged(&table, "491511234567", NOON, s(30)), ("0.079".into(), 60));
    assert_eq!(charged(&table, "4990012345", NOON, s(61)).0, "4.03");
    assert_eq!(charged(&table, "8816123", NOON, s(1)).0, "7.24");
}

#[test]
fn a_file_is_read_as_people_write_it() {
    let file = "\u{feff}Dial Code;Ziel;Rate / min;Setup-Fee;Billing Increment;Effective date;Expiry;remark\r\n\
        \r\n\
        +49;\"Germany; \"\"fixed\"\"\";0,0125;;60/6;2026-01-01;2026-11-25;x\r\n\
        +4915 ; M\u{fc}nchen ;\"0,08\";0,01;1;;;\r\n\
        4916;;0.09\r\n";
    let options = RateFile {
        currency: "CHF".parse().ok(),
        ..RateFile::default()
    };
    let draft = options.draft(file.as_bytes()).unwrap();
    let [fixed, mobile, short] = draft.rows.as_slice() else {
        panic!("{:?}", draft.rows)
    };
    assert_eq!(
        (&*fixed.name, fixed.price, fixed.first_s, fixed.next_s),
        ("Germany; \"fixed\"", money("0.0125"), 60, 6)
    );
    assert_eq!(
        fixed.until,
        Some(Wall(NOON.0 + 12 * 3_600_000)),
        "to the end of the day"
    );
    assert_eq!(
        (&*mobile.name, mobile.fee, mobile.first_s, mobile.next_s),
        ("München", money("0.01"), 1, 1)
    );
    assert_eq!(
        (short.price, short.first_s, short.until),
        (money("0.09"), 60, None)
    );
    let latin = b"prefix\tprice\tname\tcurrency\n49\t1\tM\xfcnchen\x01\tEUR";
    let draft = RateFile::default().draft(latin).unwrap();
    assert_eq!(
        (&*draft.rows[0].name, draft.currency.to_string().as_str()),
        ("M\u{fffd}nchen", "EUR")
    );
    let split = b"prefix,price,first increment,interval n\n49,1,30,6\n48,1,,10";
    let draft = options.draft(split).unwrap();
    let increments: Vec<_> = draft.rows.iter().map(|row| (row.first_s, row.next_s)).collect();
    assert_eq!(increments, [(30, 6), (10, 10)]);
}

#[test]
fn a_file_that_is_none_says_where_and_why() {
    let long = format!("prefix,price\n49,{}", "1".repeat(5_000));
    let wide = format!("prefix,price\n49,1{}", ",".repeat(100));
    for (file, line, part) in [
        ("", 0, "empty"),
        ("\n\n", 0, "empty"),
        ("a,b\n", 1, "no column is named prefix or code"),
        ("prefix;name\n", 1, "price"),
        ("prefix,price,rate\n", 1, "more than one column says the price"),
        ("prefix,price,first,increments\n", 1, "remove one"),
        ("prefix,price\n49,0.1\n\n0049,0.1", 4, "\"0049\""),
        ("prefix,price\n49,", 2, "the price is missing"),
        ("prefix,price\n,1", 2, "the prefix is missing"),
        ("prefix,price\n49,1e5", 2, "not an amount"),
        ("prefix,price\n49,0,1", 2, "3 fields under 2 columns"),
        ("prefix,price\n49,-1", 2, "not below zero"),
        ("prefix,price\n49,\"1", 2, "quote is not closed"),
        ("prefix,price\n49,\"1\"x", 2, "between a closing quote"),
        ("prefix,price,increments\n49,1,0/1", 2, "1 to 3,600"),
        ("prefix,price,increments\n49,1,60/7200", 2, "1 to 3,600"),
        ("prefix,price,increments\n49,1,a minute", 2, "60/6"),
        ("prefix,price,from\n49,1,26.11.2026", 2, "no date"),
        (
            "prefix,price,from,until\n49,1,2026-11-26,2026-11-25",
            2,
            "ends before it begins",
        ),
        ("prefix,price,hours\n49,1,noon", 2, "mon-fri"),
        (
            "prefix,price,currency\n49,1,USD",
            2,
            "the currency is USD, but that of the table is EUR",
        ),
        ("prefix,price\n49,1\n49,2", 0, "two rows for 49"),
        (&long, 2, "longer than 4096"),
        (&wide, 2, "more than 64 fields"),
    ] {
        let options = RateFile {
            currency: "EUR".parse().ok(),
            ..RateFile::default()
        };
        let error = options.read(file.as_bytes()).unwrap_err();
        assert!(
            error.line == line && error.to_string().contains(part),
            "{file:.60}: {error}"
        );
        assert!(error.to_string().len() < 300, "{error}");
    }
    let unknown = RateFile::default().read(b"prefix,price\n49,1").unwrap_err();
    assert!(unknown.to_string().contains("no currency"));
}

#[test]
fn damaged_files_are_answered_not_feared() {
    let file = include_bytes!("data/rates.csv");
    let mut random = Random(11);
    let mut read = 0;
    for _ in 0..400 {
        let mut bytes = file[..1_500].to_vec();
        for _ in 0..1 + random.below(6) {
            let at = usize::try_from(random.below(1_500)).unwrap();
            bytes[at] = random.of(b",;\"\n\t0a\xff\x00-");
        }
        read += usize::from(RateFile::default().read(&bytes).is_ok());
    }
    assert!(read > 0, "some damage only changes a name");
}

#[test]
fn rows_that_say_the_same_twice_are_refused() {
    let (a, b) = (row("49", "1", "0", 1, 1), row("49", "2", "0", 1, 1));
    let twice = RateTable::new(draft(vec![a.clone(), row("48", "1", "0", 1, 1), b.clone()]));
    assert_eq!(twice.unwrap_err(), RateError::Twice("49".parse().unwrap()));
    let mut in_hours = b;
    in_hours.band = "sat,sun".parse().ok();
    assert!(RateTable::new(draft(vec![a.clone(), in_hours])).is_ok());
    let mut places = draft(vec![a]);
    places.places = 7;
    assert_eq!(RateTable::new(places).unwrap_err(), RateError::Places(7));
}

#[test]
fn a_list_is_read_from_serde_and_strange_fields_are_refused() {
    let text = r#"{"currency": "eur", "rows": [{"prefix": "49", "price": "0.0125", "band": "sat,sun"},
        {"prefix": "49", "price": 1, "fee": "0.1", "first_s": 1, "next_s": 1}]}"#;
    let draft: RateDraft = serde_json::from_str(text).unwrap();
    assert_eq!(
        (draft.places, draft.rows[0].first_s, draft.rows[1].price),
        (4, 60, Money::from_units(1))
    );
    let again: RateDraft = serde_json::from_str(&serde_json::to_string(&draft).unwrap()).unwrap();
    assert_eq!(again, draft);
    for bad in [
        r#"{"currency": "EUR", "rows": [{"prefix": "49", "price": 0.0125}]}"#,
        r#"{"currency": "EUR", "rows": [{"prefix": "49", "price": "1", "prise": "1"}]}"#,
        r#"{"currency": "EURO", "rows": []}"#,
        r#"{"currency": "EUR", "rows": [{"prefix": "x", "price": "1"}]}"#,
    ] {
        assert!(serde_json::from_str::<RateDraft>(bad).is_err(), "{bad}");
    }
}

/// What `affords` says is exactly where the charge passes the budget, whatever the increments and places.
#[test]
fn a_budget_lasts_exactly_as_long_as_it_is_said_to() {
    let mut random = Random(5);
    for round in 0..20_000 {
        let increments = [1, 6, 30, 60, 7, 3_600];
        let price = random.below(3_000_000) * random.below(2);
        let mut content = row("49", "0", "0", random.of(&increments), random.of(&increments));
        content.price = Money::from_micros(i64::try_from(price).unwrap());
        content.fee = Money::from_micros(i64::try_from(random.below(500_000) * random.below(2)).unwrap());
        let mut draft = draft(vec![content]);
        draft.places = u8::try_from(random.below(7)).unwrap();
        let table = RateTable::new(draft).unwrap();
        let budget = Money::from_micros(i64::try_from(random.below(40_000_000)).unwrap() - 1_000_000);
        let cost = |talk: Duration| table.charge("49", Some(NOON), talk).unwrap().amount;
        match table.affords("49", NOON, budget) {
            None => assert!(cost(Duration::ZERO) > budget, "round {round}"),
            Some(Duration::MAX) => assert!(price == 0 && cost(s(1 << 40)) <= budget, "round {round}"),
            Some(time) => {
                assert!(cost(time) <= budget, "round {round}");
                assert!(cost(time + Duration::from_millis(1)) > budget, "round {round}");
            }
        }
    }
}

/// A call never costs less by lasting longer, and is never charged for less than it lasted.
#[test]
fn charges_rise_with_time() {
    let mut random = Random(8);
    let table = carrier();
    for number in ["4930", "4915", "447911", "8816", "4918021", "37190", "2391"] {
        let mut last = (Money::ZERO, 0);
        let mut talk_ms = 0;
        for _ in 0..300 {
            talk_ms += random.below(9_000);
            let charge = table
                .charge(number, Some(NOON), Duration::from_millis(talk_ms))
                .unwrap();
            assert!((charge.amount, charge.billed_s) >= last && charge.billed_s * 1_000 >= talk_ms);
            last = (charge.amount, charge.billed_s);
        }
    }
}

#[test]
fn a_file_has_at_most_a_million_rows() {
    let mut file = b"prefix,price,currency\n".to_vec();
    let row = b"1,1,EUR\n";
    (0..=RateTable::ROWS).for_each(|_| file.extend_from_slice(row));
    let error = RateFile::default().draft(&file).unwrap_err();
    assert_eq!(error.line, RateTable::ROWS + 2);
    assert!(error.what.contains("more than 1000000 rows"), "{error}");
}
