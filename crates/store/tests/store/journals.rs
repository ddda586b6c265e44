//! One append-only file.

use serde::{Deserialize, Serialize};
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use store::Journal;
use store::journal::Tail;
use tempfile::TempDir;

fn open(path: &Path) -> (Journal, Vec<String>, Tail) {
    Journal::open(path).unwrap()
}

fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

#[test]
fn what_was_appended_is_read_back_in_order() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    let (journal, records, tail) = open(&path);
    assert_eq!((records.len(), tail, journal.is_empty()), (0, Tail::Clean, true));
    journal.append(&words("a b")).unwrap();
    journal.append::<String>(&[]).unwrap();
    journal.append(&words("c")).unwrap();
    journal.sync().unwrap();
    assert_eq!(open(&path).1, words("a b c"));
    assert_eq!(journal.len(), fs::metadata(&path).unwrap().len());
}

#[test]
fn a_file_cut_anywhere_gives_its_whole_records_and_takes_more() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    open(&path).0.append(&words("one two three")).unwrap();
    let whole = fs::read(&path).unwrap();
    for cut in 0..whole.len() {
        fs::write(&path, &whole[..cut]).unwrap();
        let (journal, records, _) = open(&path);
        assert!(words("one two three").starts_with(&records), "{cut}: {records:?}");
        journal.append(&words("more")).unwrap();
        let expected = [records, words("more")].concat();
        assert_eq!(open(&path).1, expected, "{cut}");
    }
}

#[test]
fn a_changed_octet_is_noticed_wherever_it_is() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    open(&path).0.append(&words("one two three")).unwrap();
    let whole = fs::read(&path).unwrap();
    for at in 0..whole.len() {
        for bit in [0x01, 0x80] {
            let mut changed = whole.clone();
            changed[at] ^= bit;
            fs::write(&path, &changed).unwrap();
            let (_, records, tail) = open(&path);
            assert_ne!(tail, Tail::Clean, "{at}");
            assert!(
                records.len() < 3 && words("one two three").starts_with(&records),
                "{at}: {records:?}"
            );
        }
    }
}

#[test]
fn garbage_is_no_record_and_no_panic() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    for garbage in [vec![0; 7], vec![0; 8], vec![0xff; 64], b"{\"json\":1}\n".to_vec()] {
        fs::write(&path, &garbage).unwrap();
        let (_, records, tail) = open(&path);
        assert_eq!(records.len(), 0);
        assert_ne!(tail, Tail::Clean, "{garbage:?}");
        assert_eq!(fs::metadata(&path).unwrap().len(), 0, "cut off");
    }
}

#[test]
fn a_record_of_another_type_stops_the_reading() {
    #[derive(Serialize, Deserialize)]
    struct Other {
        field: u8,
    }
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    open(&path).0.append(&[Other { field: 1 }]).unwrap();
    assert_eq!(open(&path).2, Tail::Damaged);
}

#[test]
fn a_torn_tail_of_a_kill_does_not_hide_later_records() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("j");
    open(&path).0.append(&words("a")).unwrap();
    OpenOptions::new()
        .append(true)
        .open(&path)
        .unwrap()
        .write_all(&[9, 0, 0, 0, 1])
        .unwrap();
    let (journal, records, tail) = open(&path);
    assert_eq!((records, tail), (words("a"), Tail::Torn));
    journal.append(&words("b")).unwrap();
    assert_eq!(open(&path).1, words("a b"));
}

#[test]
fn a_directory_that_is_gone_is_a_typed_error() {
    let dir = TempDir::new().unwrap();
    let error = Journal::open::<String>(dir.path().join("no/j"))
        .unwrap_err()
        .to_string();
    assert!(error.contains("no/j: ") && !error.contains('\n'), "{error}");
}
