//! Call records in the database.

use crate::{bench, cdr};
use model::{Cdr, Wall};
use store::CdrFilter;

#[test]
fn a_record_is_stored_once_however_often_it_comes() {
    let mut b = bench();
    let records: Vec<Cdr> = (0..10).map(|n| cdr(n, b.acme.tenant())).collect();
    assert_eq!(b.store.insert_cdrs(&records).unwrap(), 10);
    let more: Vec<Cdr> = (5..12).map(|n| cdr(n, b.acme.tenant())).collect();
    assert_eq!(b.store.insert_cdrs(&more).unwrap(), 2);
    assert_eq!(b.store.insert_cdrs(&[]).unwrap(), 0);
    assert_eq!(b.store.count_cdrs(&b.acme).unwrap(), 12);
    let all = b.store.cdrs(&b.acme, &CdrFilter::default()).unwrap();
    assert_eq!(
        all,
        (0..12).rev().map(|n| cdr(n, b.acme.tenant())).collect::<Vec<_>>()
    );
}

#[test]
fn records_are_filtered_and_stay_within_their_tenant() {
    let mut b = bench();
    let records: Vec<Cdr> = (0..10).map(|n| cdr(n, b.acme.tenant())).collect();
    b.store.insert_cdrs(&records).unwrap();
    b.store.insert_cdrs(&[cdr(200, b.beta.tenant())]).unwrap();
    let mut ids = |filter: CdrFilter| -> Vec<u8> {
        let found = b.store.cdrs(&b.acme, &filter).unwrap();
        found.iter().map(|c| c.id.0[0]).collect()
    };
    let all = CdrFilter::default;
    assert_eq!(ids(CdrFilter { limit: 3, ..all() }), [9, 8, 7]);
    let (since, until) = (Some(Wall(3000)), Some(Wall(6000)));
    assert_eq!(
        ids(CdrFilter {
            since,
            until,
            ..all()
        }),
        [5, 4, 3]
    );
    let extension = Some("101".to_owned());
    assert_eq!(ids(CdrFilter { extension, ..all() }), [8, 6, 4, 2, 0]);
    let extension = Some("100".to_owned());
    assert_eq!(
        ids(CdrFilter {
            extension,
            since,
            until,
            limit: 2
        }),
        [5, 4]
    );
    let extension = Some("' OR 1=1 --".to_owned());
    assert!(ids(CdrFilter { extension, ..all() }).is_empty());
    assert_eq!(b.store.count_cdrs(&b.beta).unwrap(), 1);
}

#[test]
fn a_record_of_a_tenant_that_is_gone_is_no_error() {
    let mut b = bench();
    b.store
        .delete_tenant(&tenancy::Operator::local(), b.beta.tenant())
        .unwrap();
    assert_eq!(b.store.insert_cdrs(&[cdr(1, b.beta.tenant())]).unwrap(), 1);
}

#[test]
fn records_from_before_transfers_and_records_of_transfers_are_both_read() {
    let mut b = bench();
    let old = cdr(1, b.acme.tenant());
    let text = serde_json::to_string(&old).unwrap();
    assert!(
        !text.contains("parent") && !text.contains("transferred"),
        "{text}"
    );
    let new = Cdr {
        parent: Some(old.id),
        transferred_by: Some("101".into()),
        recordings: Vec::new(),
        transferred_to: Some("103".into()),
        ..cdr(2, b.acme.tenant())
    };
    b.store.insert_cdrs(&[old.clone(), new.clone()]).unwrap();
    let all = b.store.cdrs(&b.acme, &CdrFilter::default()).unwrap();
    assert_eq!(all, [new, old]);
}
