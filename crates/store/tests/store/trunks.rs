//! Ways to carriers: what is written down, and the passwords beside it.

use crate::{Foreign, bench, password};
use model::{TrunkDraft, TrunkPassword};
use store::{Store, StoreError};

fn draft(host: &str) -> TrunkDraft {
    TrunkDraft {
        host: host.to_owned(),
        username: "acme".to_owned(),
        register: true,
        ..TrunkDraft::default()
    }
}

#[test]
fn a_trunk_is_made_changed_and_deleted_and_calls_see_it() {
    let mut b = bench();
    let before = b.store.load(&b.acme).unwrap().version();
    let id = b
        .store
        .set_trunk(&b.acme, "main", &draft("one.example"), Some(&password("first")))
        .unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert!(config.version() > before);
    let [trunk] = config.trunks() else {
        panic!("{:?}", config.trunks());
    };
    assert_eq!((trunk.id, &*trunk.name), (id, "main"));
    assert_eq!(trunk.password, TrunkPassword("first".into()));
    // Without another password the one that is there stays.
    let again = b
        .store
        .set_trunk(&b.acme, "main", &draft("two.example"), None)
        .unwrap();
    assert_eq!(again, id);
    let config = b.store.load(&b.acme).unwrap();
    assert_eq!(config.trunks()[0].draft.host, "two.example");
    assert_eq!(config.trunks()[0].password, TrunkPassword("first".into()));
    assert!(
        b.store.load(&b.beta).unwrap().trunks().is_empty(),
        "it is acme's alone"
    );
    assert!(b.store.list_trunks(&b.beta).unwrap().is_empty());
    assert!(matches!(
        b.store.delete_trunk(&b.beta, "main"),
        Err(StoreError::NotFound { .. })
    ));
    b.store.delete_trunk(&b.acme, "main").unwrap();
    assert!(b.store.load(&b.acme).unwrap().trunks().is_empty());
    let other = b
        .store
        .set_trunk(&b.acme, "main", &draft("one.example"), None)
        .unwrap();
    assert!(other > id, "an id is never given again");
    assert_eq!(
        b.store.load(&b.acme).unwrap().trunks()[0].password,
        TrunkPassword::default()
    );
}

#[test]
fn what_can_not_be_is_refused_and_changes_nothing() {
    let mut b = bench();
    let before = b.store.load(&b.acme).unwrap().version();
    let bad = b.store.set_trunk(&b.acme, "main", &draft("no host"), None);
    assert!(bad.unwrap_err().to_string().contains("host"));
    assert!(
        b.store
            .set_trunk(&b.acme, "", &draft("one.example"), None)
            .is_err()
    );
    assert_eq!(b.store.load(&b.acme).unwrap().version(), before);
    for n in 0..TrunkDraft::MOST {
        b.store
            .set_trunk(&b.acme, &format!("t{n}"), &draft("one.example"), None)
            .unwrap();
    }
    let many = b.store.set_trunk(&b.acme, "more", &draft("one.example"), None);
    assert!(many.unwrap_err().to_string().contains("at most 100"));
    // One that is there may still be changed.
    b.store
        .set_trunk(&b.acme, "t3", &draft("two.example"), None)
        .unwrap();
}

#[test]
fn a_password_opens_for_its_own_trunk_alone() {
    let mut b = bench();
    for (name, secret) in [("one", "first"), ("two", "second")] {
        b.store
            .set_trunk(&b.acme, name, &draft("one.example"), Some(&password(secret)))
            .unwrap();
    }
    // Somebody moves a sealed password to another row.
    Foreign::open(b.dir.path())
        .run("UPDATE trunk SET secret = (SELECT secret FROM trunk WHERE name = 'one') WHERE name = 'two'");
    let error = b.store.load(&b.acme).unwrap_err();
    assert!(matches!(error, StoreError::SecretDamaged { .. }), "{error}");
    // And one of a device to a trunk of the same number.
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    b.store
        .add_device(&b.acme, user, "100", &password("device"))
        .unwrap();
    b.store
        .set_trunk(&b.acme, "one", &draft("one.example"), Some(&password("trunk")))
        .unwrap();
    Foreign::open(b.dir.path()).run("UPDATE trunk SET secret = (SELECT secret FROM device)");
    assert!(b.store.load(&b.acme).is_err());
}

#[test]
fn trunks_go_with_their_tenant_and_keep_the_key_needed() {
    let mut b = bench();
    b.store
        .set_trunk(&b.acme, "one", &draft("one.example"), Some(&password("first")))
        .unwrap();
    let path = b.dir.path().to_owned();
    std::fs::remove_file(path.join("secret.key")).unwrap();
    assert!(matches!(Store::open(&path), Err(StoreError::KeyMissing { .. })));
}
