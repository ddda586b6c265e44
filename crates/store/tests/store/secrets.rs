//! The key file, and what can be found without it.

use crate::{bench, files, password};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use store::{ImportRow, Password, Store, StoreError};

const SECRET: &str = "correct-horse-battery-staple";

fn holds(hay: &[u8], needle: &[u8]) -> bool {
    hay.windows(needle.len()).any(|w| w == needle)
}

#[test]
fn a_dump_of_the_directory_has_neither_password_nor_digest_secret() {
    let mut b = bench();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    let device = b
        .store
        .add_device(&b.acme, user, "100", &password("first"))
        .unwrap();
    b.store.set_password(&b.acme, device, &password(SECRET)).unwrap();
    let row = ImportRow {
        extension: "101".into(),
        display: String::new(),
        username: "101".into(),
        password: password(SECRET),
    };
    b.store.import_users(&b.acme, &[row]).unwrap();
    let trunk = model::TrunkDraft {
        host: "carrier.example".to_owned(),
        ..model::TrunkDraft::default()
    };
    let secret = password(SECRET);
    b.store.set_trunk(&b.acme, "main", &trunk, Some(&secret)).unwrap();
    let config = b.store.load(&b.acme).unwrap();
    let mut needles = vec![SECRET.as_bytes().to_vec()];
    for device in config.devices() {
        for hash in [device.secret.md5.as_slice(), &device.secret.sha256] {
            let hex = hash.iter().map(|o| format!("{o:02x}")).collect::<String>();
            needles.extend([
                hash.to_vec(),
                hex.clone().into_bytes(),
                hex.to_ascii_uppercase().into_bytes(),
            ]);
        }
    }
    let key = fs::read(b.dir.path().join("secret.key")).unwrap();
    assert_eq!(key.len(), 32);
    needles.push(key);
    let dump = |checked: &str| {
        let mut seen_username = false;
        for path in files(b.dir.path()).iter().filter(|p| !p.ends_with("secret.key")) {
            let octets = fs::read(path).unwrap();
            seen_username |= holds(&octets, b"acme.example");
            for needle in &needles {
                assert!(!holds(&octets, needle), "{checked}: {}", path.display());
            }
        }
        assert!(seen_username, "{checked}: the search would find what is there");
    };
    dump("open, with the write-ahead log");
    b.store.close().unwrap();
    dump("closed");
}

#[test]
fn nothing_in_the_directory_is_for_others() {
    let parent = tempfile::TempDir::new().unwrap();
    let dir = parent.path().join("a/data");
    let mut store = Store::open_exclusive(&dir).unwrap();
    store
        .add_tenant(&tenancy::Operator::local(), "acme", &["acme.example"])
        .unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for path in files(&dir) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
}

#[test]
fn a_missing_key_is_made_only_while_nothing_needs_the_old_one() {
    let mut b = bench();
    let key = b.dir.path().join("secret.key");
    let first = fs::read(&key).unwrap();
    fs::remove_file(&key).unwrap();
    drop(Store::open(b.dir.path()).unwrap());
    let second = fs::read(&key).unwrap();
    assert_ne!(first, second);
    b.store = Store::open(b.dir.path()).unwrap();
    let user = b.store.add_user(&b.acme, "100", "").unwrap();
    b.store
        .add_device(&b.acme, user, "100", &password(SECRET))
        .unwrap();
    fs::remove_file(&key).unwrap();
    let error = Store::open(b.dir.path()).unwrap_err();
    let expected = format!(
        "{} is missing, and the database has passwords sealed with it; restore the file from your backup",
        key.display()
    );
    assert_eq!(error.to_string(), expected);
    assert!(!key.exists(), "no new key was made over it");
}

#[test]
fn a_wrong_short_or_exposed_key_is_named() {
    let b = bench();
    let key = b.dir.path().join("secret.key");
    let right = fs::read(&key).unwrap();
    for wrong in [vec![0; 32], vec![0; 31], vec![]] {
        fs::write(&key, wrong).unwrap();
        let error = Store::open(b.dir.path()).unwrap_err();
        assert!(matches!(error, StoreError::KeyWrong { .. }), "{error}");
    }
    fs::write(&key, right).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o640)).unwrap();
    let error = Store::open(b.dir.path()).unwrap_err().to_string();
    assert!(
        error.ends_with(&format!("run: chmod 600 {}", key.display())),
        "{error}"
    );
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    assert!(Store::open(b.dir.path()).is_ok());
}

#[test]
fn a_password_never_prints() {
    let row = ImportRow {
        extension: "1".into(),
        display: String::new(),
        username: "1".into(),
        password: password(SECRET),
    };
    let mut b = bench();
    let printed = format!("{row:?} {:?} {:?}", row.password, b.store);
    assert!(!printed.contains(SECRET), "{printed}");
    let long = SECRET.repeat(10);
    for bad in ["", &long, "correct-horse-battery-staple\n"] {
        let error = Password::new(bad).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("horse"), "{error:?}");
    }
    b.store.import_users(&b.acme, std::slice::from_ref(&row)).unwrap();
    let error = b.store.import_users(&b.acme, &[row]).unwrap_err();
    assert!(!format!("{error} {error:?}").contains("horse"), "{error:?}");
}

#[test]
fn generated_passwords_are_long_and_differ() {
    let (a, b) = (Password::generate().unwrap(), Password::generate().unwrap());
    assert_ne!(a.reveal(), b.reveal());
    assert_eq!(a.reveal().len(), 26);
    assert!(
        a.reveal()
            .bytes()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit())
    );
}
