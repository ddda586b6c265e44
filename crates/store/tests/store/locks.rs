//! Several processes in one directory, and directories that can't be used.

use crate::{Foreign, bench, cdr, password};
use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};
use store::{Options, Store, StoreError};
use tenancy::Operator;

const SHORT: Duration = Duration::from_millis(200);

fn impatient(dir: &Path) -> Store {
    let options = Options {
        busy_timeout: SHORT,
        ..Options::default()
    };
    Store::open_with(dir, options).unwrap()
}

#[test]
fn while_another_process_writes_reading_goes_on_and_writing_ends_in_one_line() {
    let mut b = bench();
    b.store.add_user(&b.acme, "100", "").unwrap();
    let mut store = impatient(b.dir.path());
    let mut foreign = Foreign::open(b.dir.path());
    foreign.run("BEGIN IMMEDIATE; UPDATE user SET display = 'half done'");
    let start = Instant::now();
    let error = store.add_user(&b.acme, "101", "").unwrap_err();
    assert!(start.elapsed() >= SHORT, "waited {:?}", start.elapsed());
    assert_eq!(
        error.to_string(),
        "the database is locked by another process for more than 0.2 s; wait until it is done, or stop it, and try again"
    );
    assert!(matches!(
        store.insert_cdrs(&[cdr(1, b.acme.tenant())]),
        Err(StoreError::Locked { .. })
    ));
    assert_eq!(&*store.load(&b.acme).unwrap().users()[0].display, "");
    assert!(store.changes_since(0).is_ok());
    assert!(
        impatient(b.dir.path()).load_all().is_ok(),
        "opening does not write"
    );
    foreign.run("ROLLBACK");
    store.add_user(&b.acme, "101", "").unwrap();
    assert_eq!(store.insert_cdrs(&[cdr(1, b.acme.tenant())]).unwrap(), 1);
}

#[test]
fn a_writer_waits_for_a_short_lock() {
    let mut b = bench();
    let mut foreign = Foreign::open(b.dir.path());
    foreign.run("BEGIN IMMEDIATE");
    let acme = b.acme;
    let writer = std::thread::spawn(move || b.store.add_user(&acme, "100", "").map(|_| b));
    foreign.run("COMMIT");
    assert!(writer.join().unwrap().is_ok());
}

#[test]
fn one_server_holds_the_directory_and_commands_come_beside_it() {
    let dir = tempfile::TempDir::new().unwrap();
    let server = Store::open_exclusive(dir.path()).unwrap();
    let error = Store::open_exclusive(dir.path()).unwrap_err();
    let expected = format!(
        "{} is in use by another carillon server; stop it first, or choose another data directory",
        dir.path().display()
    );
    assert_eq!(error.to_string(), expected);
    let mut command = Store::open(dir.path()).unwrap();
    command
        .add_tenant(&Operator::local(), "acme", &["acme.example"])
        .unwrap();
    drop(server);
    assert!(Store::open_exclusive(dir.path()).is_ok());
}

#[test]
fn an_unusable_directory_is_named_with_a_remedy() {
    let dir = tempfile::TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "").unwrap();
    for path in [&file, &file.join("below"), Path::new("/proc/carillon")] {
        let error = Store::open(path).unwrap_err().to_string();
        assert!(error.starts_with(&format!("{}", path.display())), "{error}");
        assert!(error.contains("choose another data directory"), "{error}");
        assert!(!error.contains('\n'), "{error}");
    }
}

#[test]
fn a_database_of_a_later_version_is_refused() {
    let b = bench();
    let mut foreign = Foreign::open(b.dir.path());
    foreign.run(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (9999, 'later', 1, x'00', 0)",
    );
    let error = Store::open(b.dir.path()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the database belongs to a later version of carillon (schema 9999); install that version, or restore a backup"
    );
}

#[test]
fn a_file_that_is_no_database_is_an_error_in_one_line() {
    let dir = tempfile::TempDir::new().unwrap();
    fs::write(
        dir.path().join("carillon.db"),
        "not a database at all, ".repeat(100),
    )
    .unwrap();
    let error = Store::open(dir.path()).unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error}");
    assert!(!error.to_string().contains('\n'));
}

#[test]
fn eight_at_once_make_one_database_and_lose_no_change() {
    let dir = tempfile::TempDir::new().unwrap();
    let work = |n: u64| {
        let path = dir.path().to_owned();
        move || {
            let mut store = Store::open(path).unwrap();
            let (name, domain) = (format!("t{n}"), format!("t{n}.example"));
            let id = store.add_tenant(&Operator::local(), &name, &[&domain]).unwrap();
            let scope = store.directory().unwrap().by_tag(id).unwrap();
            for user in 0..10 {
                let extension = format!("{user}");
                let user = store.add_user(&scope, &extension, "").unwrap();
                store.add_user(&scope, &extension, "").unwrap_err();
                store
                    .add_device(&scope, user, &extension, &password("x"))
                    .unwrap();
            }
        }
    };
    let threads: Vec<_> = (0..8).map(|n| std::thread::spawn(work(n))).collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let mut store = Store::open(dir.path()).unwrap();
    assert_eq!(store.counter().unwrap(), 8 * 21);
    let all = store.load_all().unwrap();
    assert!(all.iter().all(|c| (c.version(), c.devices().len()) == (21, 10)));
    assert_eq!(all.len(), 8);
}

#[test]
fn a_store_moves_between_threads_and_outlives_failures() {
    let mut b = bench();
    for round in 0..50 {
        let extension = format!("{round}");
        b = std::thread::spawn(move || {
            b.store.add_user(&b.acme, &extension, "").unwrap();
            b.store.add_user(&b.acme, &extension, "").unwrap_err();
            b
        })
        .join()
        .unwrap();
    }
    assert_eq!(b.store.list_users(&b.acme).unwrap().len(), 50);
}
