//! Numbers of the public network: each is one tenant's at most.

use crate::{Foreign, bench};
use model::NumberRange;
use store::StoreError;
use tenancy::Operator;

fn range(first: u64, last: u64, to: &str, keep: u8) -> NumberRange {
    let to = to.into();
    NumberRange {
        first,
        last,
        to,
        keep,
    }
}

#[test]
fn a_number_is_given_changed_and_taken_and_calls_see_it() {
    let mut b = bench();
    let before = b.store.load(&b.acme).unwrap().version();
    b.store
        .set_number(&b.acme, &range(4_930_555_000, 4_930_555_099, "1", 2))
        .unwrap();
    b.store
        .set_number(&b.acme, &NumberRange::one(4_930_555_000, "100"))
        .unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert!(config.version() > before);
    let leads = |number| config.number(number).map(|range| range.leads_to(number));
    assert_eq!(leads(4_930_555_000).as_deref(), Some("100"), "the narrowest");
    assert_eq!(leads(4_930_555_023).as_deref(), Some("123"));
    assert_eq!(leads(4_930_555_100), None);
    b.store
        .set_number(&b.acme, &NumberRange::one(4_930_555_000, "101"))
        .unwrap();
    let listed = b.store.list_numbers(&b.acme).unwrap();
    assert_eq!(
        listed,
        [
            range(4_930_555_000, 4_930_555_099, "1", 2),
            NumberRange::one(4_930_555_000, "101")
        ]
    );
    assert!(b.store.load(&b.beta).unwrap().numbers().is_empty());
    b.store
        .delete_number(&b.acme, 4_930_555_000, 4_930_555_000)
        .unwrap();
    let gone = b.store.delete_number(&b.acme, 4_930_555_000, 4_930_555_000);
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
    let config = b.store.load(&b.acme).unwrap();
    assert_eq!(
        config
            .number(4_930_555_000)
            .map(|range| range.leads_to(4_930_555_000))
            .as_deref(),
        Some("100"),
        "the range has it still"
    );
}

#[test]
fn a_number_of_another_tenant_is_refused_and_nobody_is_told_whose_it_is() {
    let mut b = bench();
    b.store
        .set_number(&b.acme, &range(4_930_555_000, 4_930_555_099, "1", 2))
        .unwrap();
    let version = b.store.load(&b.beta).unwrap().version();
    for taken in [
        range(4_930_555_000, 4_930_555_099, "1", 2),
        NumberRange::one(4_930_555_050, "1"),
        range(4_930_554_990, 4_930_555_000, "1", 0),
        range(4_930_555_099, 4_930_555_200, "1", 0),
        range(4_930_500_000, 4_930_599_999, "1", 0),
    ] {
        let error = b.store.set_number(&b.beta, &taken).unwrap_err().to_string();
        assert!(error.contains("belongs to another tenant"), "{error}");
        assert!(!error.contains("acme"), "{error}");
    }
    assert_eq!(
        b.store.load(&b.beta).unwrap().version(),
        version,
        "nothing has changed"
    );
    let theirs = b.store.delete_number(&b.beta, 4_930_555_000, 4_930_555_099);
    assert!(matches!(theirs, Err(StoreError::NotFound { .. })));
    assert_eq!(b.store.list_numbers(&b.acme).unwrap().len(), 1);
    // Those of a tenant that is switched off stay its own.
    b.store
        .set_tenant_enabled(&Operator::local(), b.acme.tenant(), false)
        .unwrap();
    let one = NumberRange::one(4_930_555_050, "1");
    assert!(b.store.set_number(&b.beta, &one).is_err());
    // They go with it.
    b.store
        .delete_tenant(&Operator::local(), b.acme.tenant())
        .unwrap();
    b.store.set_number(&b.beta, &one).unwrap();
}

#[test]
fn ranges_of_a_tenant_lie_in_one_another_or_apart() {
    let mut b = bench();
    b.store
        .set_number(&b.acme, &range(4_930_555_010, 4_930_555_019, "1", 1))
        .unwrap();
    for good in [
        range(4_930_555_000, 4_930_555_099, "2", 2),
        range(4_930_555_010, 4_930_555_014, "3", 1),
        range(4_930_555_019, 4_930_555_019, "4", 0),
        range(4_930_555_100, 4_930_555_199, "5", 2),
    ] {
        b.store.set_number(&b.acme, &good).unwrap();
    }
    for bad in [
        range(4_930_555_005, 4_930_555_010, "1", 0),
        range(4_930_555_014, 4_930_555_015, "1", 0),
        range(4_930_555_050, 4_930_555_150, "1", 0),
    ] {
        let error = b.store.set_number(&b.acme, &bad).unwrap_err().to_string();
        assert!(error.contains("lie in one another or apart"), "{error}");
    }
    assert_eq!(b.store.list_numbers(&b.acme).unwrap().len(), 5);
}

#[test]
fn what_can_not_be_a_number_is_refused() {
    let mut b = bench();
    for bad in [
        range(1, 1, "100", 0),
        range(4_930_555_000, 4_930_554_000, "1", 2),
        range(4_930_555_000, 49_305_550_000, "1", 2),
        range(4_930_000_000, 4_930_555_000, "1", 2),
        range(u64::MAX, u64::MAX, "1", 0),
        range(4_930_555_000, 4_930_555_000, "", 0),
        range(4_930_555_000, 4_930_555_000, "a b", 0),
        range(4_930_555_000, 4_930_555_000, "1\r\nVia: x", 0),
    ] {
        assert!(
            matches!(b.store.set_number(&b.acme, &bad), Err(StoreError::Invalid { .. })),
            "{bad:?}"
        );
    }
    assert!(b.store.list_numbers(&b.acme).unwrap().is_empty());
}

#[test]
fn a_tenant_has_so_many_numbers_and_no_more() {
    let mut b = bench();
    let path = b.dir.path().to_owned();
    let id = b.acme.tenant().0;
    Foreign::open(&path).run(&format!(
        "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {}) INSERT INTO number
         SELECT 4930000000 + i, 4930000000 + i, {id}, '1', 0 FROM n",
        NumberRange::MOST - 1
    ));
    let more = NumberRange::one(4_940_000_000, "1");
    let error = b.store.set_number(&b.acme, &more).unwrap_err().to_string();
    assert!(error.contains("one too many"), "{error}");
    // One that is there may lead elsewhere.
    let known = NumberRange::one(4_930_000_007, "2");
    b.store.set_number(&b.acme, &known).unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert_eq!(config.number(4_930_000_007).map(|range| &*range.to), Some("2"));
}

#[test]
fn a_row_that_foreign_hands_have_altered_is_not_used() {
    let mut b = bench();
    b.store
        .set_number(&b.acme, &NumberRange::one(4_930_555_000, "1"))
        .unwrap();
    Foreign::open(b.dir.path()).run("UPDATE number SET last = 9930555000");
    let error = b.store.load(&b.acme).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}
