//! Users, devices and the import of many.

use crate::{Foreign, bench, password};
use model::{DeviceId, ForwardKind, UserId, UserSettings, UserSettingsChange};
use store::{ImportRow, StoreError, UserChange};

fn row(extension: &str, username: &str) -> ImportRow {
    ImportRow {
        extension: extension.into(),
        display: format!("User {extension}"),
        username: username.into(),
        password: password("secret"),
    }
}

#[test]
fn extensions_and_usernames_overlap_freely_between_tenants_only() {
    let mut b = bench();
    for scope in [b.acme, b.beta] {
        let user = b.store.add_user(&scope, "100", "Ann").unwrap();
        b.store.add_device(&scope, user, "100", &password("x")).unwrap();
        let error = b.store.add_user(&scope, "100", "Bob").unwrap_err();
        assert_eq!(
            error.to_string(),
            "extension 100 exists already; choose another, or delete that one"
        );
        let error = b
            .store
            .add_device(&scope, user, "100", &password("x"))
            .unwrap_err();
        assert!(
            matches!(error, StoreError::Duplicate { what: "username", .. }),
            "{error}"
        );
    }
}

#[test]
fn a_user_is_added_shown_changed_and_deleted() {
    let mut b = bench();
    let ann = b.store.add_user(&b.acme, "100", "Ann").unwrap();
    let bob = b.store.add_user(&b.acme, "101", "Bob").unwrap();
    let change = UserChange {
        extension: Some("200".into()),
        enabled: Some(false),
        ..UserChange::default()
    };
    b.store.update_user(&b.acme, ann, &change).unwrap();
    let user = b.store.user(&b.acme, "200").unwrap();
    assert_eq!((user.id, &*user.display, user.enabled), (ann, "Ann", false));
    assert!(matches!(
        b.store.user(&b.acme, "100"),
        Err(StoreError::NotFound { .. })
    ));
    let clash = UserChange {
        extension: Some("101".into()),
        ..UserChange::default()
    };
    let error = b.store.update_user(&b.acme, ann, &clash).unwrap_err();
    assert!(
        matches!(
            error,
            StoreError::Duplicate {
                what: "extension",
                ..
            }
        ),
        "{error}"
    );
    b.store.delete_user(&b.acme, ann).unwrap();
    let left: Vec<UserId> = b
        .store
        .list_users(&b.acme)
        .unwrap()
        .iter()
        .map(|u| u.id)
        .collect();
    assert_eq!(left, [bob]);
    assert!(
        b.store.add_user(&b.acme, "100", "").unwrap() > bob,
        "ids are not reused"
    );
}

#[test]
fn devices_go_with_their_user() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    let desk = b
        .store
        .add_device(&b.acme, user, "100-desk", &password("x"))
        .unwrap();
    b.store
        .add_device(&b.acme, user, "100-cell", &password("x"))
        .unwrap();
    let shown = b.store.device(&b.acme, "100-desk").unwrap();
    assert_eq!((shown.id, shown.user, &*shown.extension), (desk, user, "100"));
    b.store.delete_device(&b.acme, desk).unwrap();
    assert!(matches!(
        b.store.delete_device(&b.acme, desk),
        Err(StoreError::NotFound { .. })
    ));
    assert_eq!(b.store.list_devices(&b.acme).unwrap().len(), 1);
    b.store.delete_user(&b.acme, user).unwrap();
    assert!(b.store.list_devices(&b.acme).unwrap().is_empty());
    let error = b
        .store
        .add_device(&b.acme, user, "x", &password("x"))
        .unwrap_err();
    assert!(
        matches!(error, StoreError::NotFound { what: "user", .. }),
        "{error}"
    );
}

#[test]
fn another_tenants_rows_do_not_exist() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "Ann").unwrap();
    let device = b.store.add_device(&b.acme, user, "100", &password("x")).unwrap();
    let before = b.store.load(&b.acme).unwrap();
    let change = UserChange {
        display: Some("Eve".into()),
        ..UserChange::default()
    };
    let attempts = [
        b.store.update_user(&b.beta, user, &change),
        b.store.delete_user(&b.beta, user),
        b.store.delete_device(&b.beta, device),
        b.store.set_password(&b.beta, device, &password("eve")),
        b.store
            .add_device(&b.beta, user, "eve", &password("eve"))
            .map(|_| ()),
        b.store.user(&b.beta, "100").map(|_| ()),
        b.store.device(&b.beta, "100").map(|_| ()),
    ];
    for attempt in attempts {
        assert!(matches!(attempt, Err(StoreError::NotFound { .. })), "{attempt:?}");
    }
    assert!(b.store.list_users(&b.beta).unwrap().is_empty());
    assert!(b.store.list_devices(&b.beta).unwrap().is_empty());
    let after = b.store.load(&b.acme).unwrap();
    assert_eq!(
        (before.version(), before.users()),
        (after.version(), after.users())
    );
    assert!(before.devices() == after.devices());
}

#[test]
fn fields_are_checked() {
    let mut b = bench();
    let long = "1".repeat(33);
    for extension in ["", "10 0", "1@a", "ä", "1\r\n", "1'; DROP TABLE user; --", &long] {
        let error = b.store.add_user(&b.acme, extension, "").unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Invalid {
                    what: "extension",
                    ..
                }
            ),
            "{error}"
        );
        assert!(!error.to_string().contains(['\r', '\n']));
    }
    assert!(b.store.add_user(&b.acme, "98#", "").is_ok());
    assert!(b.store.add_user(&b.acme, "*98", "").is_err(), "a star code");
    let quoted = b.store.add_user(&b.acme, "7", "O'Neill \"Bob\" <b>").unwrap();
    for username in ["", "a:b", "a b", "a\"b", "a\\b", "a\u{0}b"] {
        let error = b
            .store
            .add_device(&b.acme, quoted, username, &password("x"))
            .unwrap_err();
        assert!(
            matches!(error, StoreError::Invalid { what: "username", .. }),
            "{error}"
        );
    }
    assert!(b.store.add_user(&b.acme, "8", "a\u{7}b").is_err());
    assert_eq!(
        &*b.store.user(&b.acme, "7").unwrap().display,
        "O'Neill \"Bob\" <b>"
    );
}

#[test]
fn an_import_is_whole_and_in_order() {
    let mut b = bench();
    let rows: Vec<ImportRow> = (0..500)
        .map(|n| row(&format!("{}", 1000 + n), &format!("u{n}")))
        .collect();
    let ids = b.store.import_users(&b.acme, &rows).unwrap();
    let config = b.store.load(&b.acme).unwrap();
    assert_eq!((config.users().len(), config.devices().len()), (500, 500));
    for (row, id) in rows.iter().zip(&ids) {
        let user = config.extension(&row.extension).unwrap();
        assert_eq!((user.id, &*user.display), (*id, row.display.as_str()));
        let device = config.device(&row.username).unwrap();
        assert_eq!(device.user, *id);
        assert!(device.secret == store::secret::ha1(&row.username, "acme.example", &row.password));
    }
    let next = b.store.add_user(&b.acme, "1", "").unwrap();
    assert!(ids.iter().all(|id| *id < next));
    let device = b.store.add_device(&b.acme, next, "1", &password("x")).unwrap();
    assert!(device > DeviceId(500));
}

#[test]
fn a_bad_import_names_its_row_and_stores_nothing() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "300", "").unwrap();
    b.store
        .add_device(&b.acme, user, "taken", &password("x"))
        .unwrap();
    let cases = [
        (
            row("2 2", "b"),
            "row 2: extension \"2 2\" must have 1 to 32 letters, digits or *#+-._",
        ),
        (
            row("100", "b"),
            "row 2: extension 100 exists already; choose another, or delete that one",
        ),
        (
            row("101", "a"),
            "row 2: username a exists already; choose another, or delete that one",
        ),
        (
            row("300", "b"),
            "row 2: extension 300 exists already; choose another, or delete that one",
        ),
        (
            row("101", "taken"),
            "row 2: username taken exists already; choose another, or delete that one",
        ),
    ];
    for (bad, message) in cases {
        let error = b
            .store
            .import_users(&b.acme, &[row("100", "a"), bad])
            .unwrap_err();
        assert_eq!(error.to_string(), message);
        assert_eq!(b.store.list_users(&b.acme).unwrap().len(), 1);
    }
    assert!(b.store.import_users(&b.acme, &[]).unwrap().is_empty());
}

#[test]
fn settings_are_changed_field_by_field_and_reach_the_configuration() {
    let mut b = bench();
    let ann = b.store.add_user(&b.acme, "100", "Ann").unwrap();
    assert_eq!(
        b.store.user(&b.acme, "100").unwrap().settings,
        UserSettings::default()
    );
    let (before, _) = b.store.changes_since(0).unwrap();
    b.store
        .update_settings(&b.acme, ann, &UserSettingsChange::dnd(true))
        .unwrap();
    let change = UserSettingsChange {
        no_answer_s: Some(15),
        ..UserSettingsChange::forward(ForwardKind::NoAnswer, Some("*98"))
    };
    let now = b.store.update_settings(&b.acme, ann, &change).unwrap();
    let wanted = UserSettings {
        dnd: true,
        forward_no_answer: Some("*98".into()),
        no_answer_s: 15,
        ..UserSettings::default()
    };
    assert_eq!(now, wanted);
    assert_eq!(b.store.changes_since(before).unwrap().1, [b.acme.tenant()]);
    assert_eq!(b.store.load(&b.acme).unwrap().user(ann).unwrap().settings, wanted);
    assert_eq!(b.store.list_users(&b.acme).unwrap()[0].settings, wanted);
    // Nobody but the tenant's own may, and only what can be dialled.
    let foreign = b.store.update_settings(&b.beta, ann, &change).unwrap_err();
    assert!(matches!(foreign, StoreError::NotFound { .. }), "{foreign}");
    for to in ["", "a b", "100", "102@x"] {
        let change = UserSettingsChange::forward(ForwardKind::Busy, Some(to));
        let error = b.store.update_settings(&b.acme, ann, &change).unwrap_err();
        assert!(matches!(error, StoreError::Invalid { .. }), "{to}: {error}");
    }
    let soon = UserSettingsChange {
        no_answer_s: Some(1),
        ..UserSettingsChange::default()
    };
    assert!(b.store.update_settings(&b.acme, ann, &soon).is_err());
    assert_eq!(b.store.user(&b.acme, "100").unwrap().settings, wanted);
}

#[test]
fn a_database_from_before_settings_is_read_and_its_passwords_open() {
    let mut b = bench();
    let ann = b.store.add_user(&b.acme, "100", "Ann").unwrap();
    b.store
        .add_device(&b.acme, ann, "100", &password("secret"))
        .unwrap();
    let secrets = b.store.load(&b.acme).unwrap().devices().to_vec();
    b.store.close().unwrap();
    let mut foreign = Foreign::open(b.dir.path());
    foreign.run("ALTER TABLE user DROP COLUMN settings; DELETE FROM _sqlx_migrations WHERE version = 2");
    drop(foreign);
    let mut store = store::Store::open(b.dir.path()).unwrap();
    let config = store.load(&b.acme).unwrap();
    assert_eq!(config.user(ann).unwrap().settings, UserSettings::default());
    assert_eq!(config.devices(), secrets);
    store
        .update_settings(&b.acme, ann, &UserSettingsChange::dnd(true))
        .unwrap();
    assert!(store.user(&b.acme, "100").unwrap().settings.dnd);
}

/// What foreign hands wrote there must not take calls from anybody, and an administrator can put it right.
#[test]
fn damaged_settings_count_as_not_set_and_can_be_set_again() {
    let mut b = bench();
    let ann = b.store.add_user(&b.acme, "100", "Ann").unwrap();
    b.store.add_user(&b.beta, "200", "Bea").unwrap();
    let mut foreign = Foreign::open(b.dir.path());
    let part = UserSettings {
        dnd: true,
        no_answer_s: 5,
        ..UserSettings::default()
    };
    for (json, wanted) in [
        ("", UserSettings::default()),
        ("null", UserSettings::default()),
        ("[]", UserSettings::default()),
        (r#"{"dnd":"yes"}"#, UserSettings::default()),
        (r#"{"no_answer_s":99999999}"#, UserSettings::default()),
        (r#"{"dnd":true,"no_answer_s":0,"forward_busy":"1\r\nX: y"}"#, part),
    ] {
        foreign.run(&format!(
            "UPDATE user SET settings = '{json}' WHERE extension = '100'"
        ));
        assert_eq!(b.store.load_all().expect(json).len(), 2);
        assert_eq!(b.store.load(&b.acme).unwrap().user(ann).unwrap().settings, wanted);
        assert_eq!(b.store.list_users(&b.acme).unwrap()[0].settings, wanted, "{json}");
        assert_eq!(b.store.user(&b.acme, "100").unwrap().settings, wanted, "{json}");
        let change = UserSettingsChange::forward(ForwardKind::Always, Some("101"));
        let now = b.store.update_settings(&b.acme, ann, &change).unwrap();
        assert_eq!(now.forward_always.as_deref(), Some("101"));
        assert_eq!(b.store.user(&b.acme, "100").unwrap().settings, now);
    }
}
