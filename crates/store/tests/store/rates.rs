//! Price lists: stored as a whole, shared while they stay the same, in the currency of the limits.

use crate::{Foreign, bench};
use model::{Policy, TollPolicy, Wall};
use std::sync::Arc;
use store::StoreError;
use tenancy::{Operator, RateFile, RateTable};

fn table(text: &str, currency: &str) -> RateTable {
    let file = RateFile {
        currency: currency.parse().ok(),
        ..RateFile::default()
    };
    file.read(text.as_bytes()).unwrap()
}

fn limited_in(currency: &str) -> Policy {
    let toll = TollPolicy {
        currency: currency.parse().ok(),
        ..TollPolicy::default()
    };
    Policy {
        toll,
        ..Policy::default()
    }
}

#[test]
fn a_price_list_reaches_calls_and_is_shared_until_it_changes() {
    let mut b = bench();
    let version = b.store.load(&b.acme).unwrap().version();
    let first = table("prefix,price\n4930,0.02\n49,0.01\n", "EUR");
    b.store
        .set_rates(&b.acme, None, &first, "first.csv", Wall(7))
        .unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert!(config.version() > version);
    let list = Arc::clone(config.rates().unwrap());
    assert_eq!(&list, first.list());
    let made = RateTable::of(Arc::clone(&list)).unwrap();
    assert!(Arc::ptr_eq(made.list(), &list), "it is in order and not copied");
    // Another change shares the list, this tenant's alone.
    b.store.add_user(&b.acme, "100", "").unwrap();
    let again = b.store.load(&b.acme).unwrap();
    assert!(Arc::ptr_eq(again.rates().unwrap(), &list));
    let all = b.store.load_all().unwrap();
    assert!(Arc::ptr_eq(all[0].rates().unwrap(), &list));
    assert!(all[1].rates().is_none() && b.store.rates(&b.beta, None).unwrap().is_none());
    // Another list is another one, also for a store that was open all the time.
    let mut beside = store::Store::open(b.dir.path()).unwrap();
    let second = table("prefix,price\n49,0.03\n", "EUR");
    beside
        .set_rates(&b.acme, None, &second, "second.csv", Wall(8))
        .unwrap();
    let changed = b.store.load(&b.acme).unwrap();
    assert_eq!(changed.rates().unwrap(), second.list());
    let row = b.store.rates(&b.acme, None).unwrap().unwrap();
    assert_eq!(
        (row.rows, row.source.as_str(), row.set),
        (1, "second.csv", Wall(8))
    );
    b.store.delete_rates(&b.acme, None).unwrap();
    assert!(b.store.load(&b.acme).unwrap().rates().is_none());
    let gone = b.store.delete_rates(&b.acme, None);
    assert!(matches!(gone, Err(StoreError::NotFound { .. })));
}

#[test]
fn limits_and_prices_are_never_in_two_currencies() {
    let mut b = bench();
    b.store.set_policy(&b.acme, &limited_in("EUR")).unwrap();
    let dollars = table("prefix,price\n1,0.01\n", "USD");
    let error = b
        .store
        .set_rates(&b.acme, None, &dollars, "", Wall(0))
        .unwrap_err()
        .to_string();
    assert!(error.contains("USD") && error.contains("limits"), "{error}");
    assert!(b.store.load(&b.acme).unwrap().rates().is_none());
    // The other way round.
    b.store.set_rates(&b.beta, None, &dollars, "", Wall(0)).unwrap();
    let error = b
        .store
        .set_policy(&b.beta, &limited_in("EUR"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("EUR") && error.contains("price list"), "{error}");
    b.store.set_policy(&b.beta, &limited_in("USD")).unwrap();
    let config = b.store.load(&b.beta).unwrap();
    assert_eq!(
        config.policy().toll.currency,
        config.rates().map(|list| list.currency)
    );
}

#[test]
fn a_trunk_has_a_list_of_its_own() {
    let mut b = bench();
    let draft = model::TrunkDraft {
        host: "carrier.example".to_owned(),
        ..model::TrunkDraft::default()
    };
    for name in ["main", "spare"] {
        b.store.set_trunk(&b.acme, name, &draft, None).unwrap();
    }
    let [own, main, spare] =
        ["0.05", "0.01", "0.02"].map(|price| table(&format!("prefix,price\n49,{price}\n"), "EUR"));
    b.store
        .set_rates(&b.acme, None, &own, "own.csv", Wall(1))
        .unwrap();
    b.store
        .set_rates(&b.acme, Some("main"), &main, "main.csv", Wall(2))
        .unwrap();
    b.store
        .set_rates(&b.acme, Some("spare"), &spare, "spare.csv", Wall(3))
        .unwrap();
    let config = b.store.load(&b.acme).unwrap();
    let of = |config: &model::TenantConfig, name: &str| {
        let trunk = config.trunk_named(name).unwrap().id;
        config.costs().get(&trunk).cloned()
    };
    assert_eq!(config.rates().unwrap(), own.list());
    assert_eq!(&of(&config, "main").unwrap(), main.list());
    assert_eq!(&of(&config, "spare").unwrap(), spare.list());
    // Read once, and shared from then on.
    let again = b.store.load(&b.acme).unwrap();
    assert!(Arc::ptr_eq(
        &of(&again, "main").unwrap(),
        &of(&config, "main").unwrap()
    ));
    assert_eq!(
        b.store.rates(&b.acme, Some("main")).unwrap().unwrap().source,
        "main.csv"
    );
    // One that charges in another currency can't be compared; the tenant's own list may be in another.
    let dollars = table("prefix,price\n1,0.01\n", "USD");
    let error = b
        .store
        .set_rates(&b.acme, Some("main"), &dollars, "", Wall(4))
        .unwrap_err();
    assert!(error.to_string().contains("EUR"), "{error}");
    b.store.set_rates(&b.acme, None, &dollars, "", Wall(4)).unwrap();
    // It goes with its trunk, and by itself.
    b.store.delete_trunk(&b.acme, "main").unwrap();
    b.store.delete_rates(&b.acme, Some("spare")).unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert!(config.costs().is_empty() && config.rates().unwrap() == dollars.list());
    let nobody = b.store.rates(&b.acme, Some("main"));
    assert!(matches!(nobody, Err(StoreError::NotFound { .. })));
}

#[test]
fn a_price_list_goes_with_its_tenant_and_a_damaged_one_is_told() {
    let mut b = bench();
    let list = table("prefix,price\n1,0.01\n", "USD");
    b.store.set_rates(&b.acme, None, &list, "", Wall(0)).unwrap();
    b.store.set_rates(&b.beta, None, &list, "", Wall(0)).unwrap();
    b.store
        .delete_tenant(&Operator::local(), b.acme.tenant())
        .unwrap();
    assert!(b.store.rates(&b.acme, None).unwrap().is_none());
    Foreign::open(b.dir.path()).run("UPDATE rates SET list = '{}'");
    let error = b.store.load(&b.beta).unwrap_err();
    assert!(matches!(error, StoreError::Damaged { .. }), "{error}");
}
