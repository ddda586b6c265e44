//! What limits have counted outlives a restart, and is nobody else's.

use crate::{Foreign, bench};
use model::{TenantId, TollCheckpoint, Wall};
use std::collections::BTreeMap;
use store::Store;
use tenancy::Operator;

fn state(next: u64) -> TollCheckpoint {
    TollCheckpoint {
        at: Wall(7),
        next,
        ..TollCheckpoint::default()
    }
}

#[test]
fn the_latest_count_of_each_tenant_is_kept_and_changes_no_configuration() {
    let mut b = bench();
    let (acme, beta) = (b.acme.tenant(), b.beta.tenant());
    let version = b.store.load(&b.acme).unwrap().version();
    let gone = TenantId(99);
    b.store
        .keep_counted(&BTreeMap::from([
            (acme, state(1)),
            (beta, state(2)),
            (gone, state(3)),
        ]))
        .unwrap();
    b.store.keep_counted(&BTreeMap::from([(acme, state(4))])).unwrap();
    let mut again = Store::open(b.dir.path()).unwrap();
    assert_eq!(
        again.counted(None).unwrap(),
        BTreeMap::from([(acme, state(4)), (beta, state(2))])
    );
    assert_eq!(
        again.counted(Some(beta)).unwrap(),
        BTreeMap::from([(beta, state(2))])
    );
    assert_eq!(b.store.load(&b.acme).unwrap().version(), version);
    b.store.delete_tenant(&Operator::local(), acme).unwrap();
    assert_eq!(b.store.counted(None).unwrap().len(), 1);
    Foreign::open(b.dir.path()).run("UPDATE counted SET state = '[]'");
    assert!(
        b.store.counted(None).unwrap().is_empty(),
        "it is no reason not to start"
    );
}
