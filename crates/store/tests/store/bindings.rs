//! Bindings across restarts.

use crate::{files, killed};
use model::{
    BindingChange, BindingExtra, BindingKey, BindingRecord, DeviceId, FlowToken, PushTarget, TenantId,
    Transport, UserId, Wall,
};
use std::fs;
use std::path::Path;
use store::BindingJournal;
use tempfile::TempDir;

const NOW: Wall = Wall(1_000_000);

fn record(tenant: u64, user: u64, cseq: u32, expires: u64) -> BindingRecord {
    BindingRecord {
        tenant: TenantId(tenant),
        user: UserId(user),
        device: DeviceId(1),
        key: BindingKey::Contact("sip:100@192.0.2.1".into()),
        contact: "sip:100@192.0.2.1".into(),
        instance: Some("urn:uuid:1".into()),
        q_milli: 1000,
        expires: Wall(expires),
        since: NOW,
        flow: FlowToken {
            transport: Transport::Udp,
            worker: 0,
            connection: 0,
            local: "192.0.2.9:5060".parse().unwrap(),
            remote: "192.0.2.1:5060".parse().unwrap(),
        },
        call_id: "c".into(),
        cseq,
        user_agent: "phone".into(),
        extra: None,
    }
}

fn put(tenant: u64, user: u64, cseq: u32) -> BindingChange {
    BindingChange::Put(Box::new(record(tenant, user, cseq, NOW.0 + 60_000)))
}

fn removal(tenant: u64, user: u64) -> BindingChange {
    let r = record(tenant, user, 0, 0);
    BindingChange::Remove {
        tenant: r.tenant,
        user: r.user,
        key: r.key,
    }
}

fn append(journal: &BindingJournal, worker: u16, changes: &[BindingChange]) {
    journal.appender(worker).unwrap().append(changes).unwrap();
}

/// Tenant, user and CSeq of what a start finds.
fn live(dir: &Path, workers: u16, now: Wall) -> Vec<(u64, u64, u32)> {
    let (_, records) = BindingJournal::open(dir, workers, now).unwrap();
    records.iter().map(|r| (r.tenant.0, r.user.0, r.cseq)).collect()
}

#[test]
fn the_last_word_on_a_binding_wins() {
    let dir = TempDir::new().unwrap();
    let (journal, records) = BindingJournal::open(dir.path(), 2, NOW).unwrap();
    assert!(records.is_empty());
    append(&journal, 0, &[put(1, 1, 1), put(1, 2, 1), put(1, 1, 2)]);
    append(&journal, 1, &[put(2, 1, 1), removal(2, 1), put(2, 2, 5)]);
    append(&journal, 0, &[removal(1, 2)]);
    append(&journal, 0, &[]);
    assert!(journal.appender(2).is_none());
    journal.sync().unwrap();
    assert_eq!(live(dir.path(), 2, NOW), [(1, 1, 2), (2, 2, 5)]);
}

#[test]
fn a_binding_comes_back_field_by_field() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    let mut put = record(7, 8, 9, NOW.0 + 1);
    put.key = BindingKey::Instance {
        urn: "urn:uuid:0".into(),
        reg_id: 2,
    };
    put.user_agent = "\u{e9}\"\\".into();
    append(&journal, 0, &[BindingChange::Put(Box::new(put.clone()))]);
    for _ in 0..3 {
        assert_eq!(BindingJournal::open(dir.path(), 1, NOW).unwrap().1, [put.clone()]);
    }
}

#[test]
fn the_number_of_workers_may_change_and_a_tenant_move() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 4, NOW).unwrap();
    append(&journal, 3, &[put(1, 1, 1), put(1, 2, 1)]);
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    append(&journal, 0, &[removal(1, 1), put(1, 2, 2)]);
    let (journal, records) = BindingJournal::open(dir.path(), 3, NOW).unwrap();
    assert_eq!(records.len(), 1);
    append(&journal, 2, &[put(1, 3, 1)]);
    append(&journal, 0, &[removal(1, 3)]);
    assert_eq!(
        live(dir.path(), 2, NOW),
        [(1, 2, 2)],
        "also from worker to worker within a run"
    );
}

#[test]
fn expired_bindings_are_dropped() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    append(&journal, 0, &[put(1, 1, 1)]);
    assert_eq!(live(dir.path(), 1, Wall(NOW.0 + 59_999)).len(), 1);
    assert_eq!(live(dir.path(), 1, Wall(NOW.0 + 60_000)).len(), 0);
}

/// Only a start, which knows nothing better, goes by the calendar; while the server runs, it may be set an hour forward
/// and back again.
#[test]
fn compaction_keeps_what_has_ended_by_the_calendar_until_it_is_removed() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    append(&journal, 0, &[put(1, 1, 1), put(1, 2, 1)]);
    let later = Wall(NOW.0 + 60_000);
    assert!(journal.live(later).unwrap().is_empty());
    let mut journal = journal;
    journal.compact().unwrap();
    assert_eq!(journal.live(NOW).unwrap().len(), 2);
    append(&journal, 0, &[removal(1, 2)]);
    journal.compact().unwrap();
    assert_eq!(live(dir.path(), 1, NOW), [(1, 1, 1)]);
}

#[test]
fn a_wall_clock_that_went_back_does_not_make_old_news_win() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    append(&journal, 0, &[put(1, 1, 1)]);
    let earlier = Wall(10);
    let (journal, _) = BindingJournal::open(dir.path(), 1, earlier).unwrap();
    append(&journal, 0, &[put(1, 1, 2)]);
    assert_eq!(live(dir.path(), 1, earlier), [(1, 1, 2)]);
}

#[test]
fn compaction_keeps_the_live_set_and_what_comes_meanwhile() {
    let dir = TempDir::new().unwrap();
    let (mut journal, _) = BindingJournal::open(dir.path(), 2, NOW).unwrap();
    let appenders: Vec<_> = (0..2_u16).map(|w| journal.appender(w).unwrap()).collect();
    assert!(
        !journal.compact_if_large().unwrap(),
        "a small journal is left alone"
    );
    std::thread::scope(|scope| {
        for (tenant, appender) in (0..).zip(&appenders) {
            scope.spawn(move || {
                for round in 1..=300 {
                    let user = u64::from(round % 7);
                    appender
                        .append(&[put(tenant, user, round), put(tenant, 99, round)])
                        .unwrap();
                    appender.append(&[removal(tenant, 99)]).unwrap();
                }
            });
        }
        for _ in 0..20 {
            journal.compact().unwrap();
        }
    });
    journal.compact().unwrap();
    let mut expected = Vec::new();
    for tenant in 0..2 {
        for user in 0..7_u64 {
            let last = (294..=300).find(|round| u64::from(round % 7) == user).unwrap();
            expected.push((tenant, user, last));
        }
    }
    let sizes: Vec<u64> = files(dir.path())
        .iter()
        .map(|p| fs::metadata(p).unwrap().len())
        .collect();
    assert_eq!(sizes.len(), 3, "a snapshot and two logs");
    assert!(sizes.iter().sum::<u64>() < 16_384, "{sizes:?}");
    assert_eq!(live(dir.path(), 2, NOW), expected);
}

/// Every subset of the files that a start or a compaction removes may still be there after a kill.
#[test]
fn a_kill_while_old_logs_are_removed_brings_nothing_back() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 3, NOW).unwrap();
    append(&journal, 0, &[put(1, 1, 1), put(1, 2, 1)]);
    append(&journal, 1, &[removal(1, 1)]);
    append(&journal, 2, &[put(1, 2, 2)]);
    let before = killed(dir.path());
    assert_eq!(live(dir.path(), 1, NOW), [(1, 2, 2)]);
    let old: Vec<_> = files(before.path())
        .into_iter()
        .filter(|p| p.extension().is_some_and(|e| e == "log"))
        .collect();
    assert_eq!(old.len(), 3);
    for subset in 0..8_usize {
        let after = killed(dir.path());
        for (bit, path) in old.iter().enumerate() {
            if subset & (1 << bit) != 0 {
                fs::copy(path, after.path().join(path.file_name().unwrap())).unwrap();
            }
        }
        assert_eq!(live(after.path(), 2, NOW), [(1, 2, 2)], "{subset:03b}");
    }
    fs::write(before.path().join("bindings.tmp"), "half a snapshot").unwrap();
    assert_eq!(
        live(before.path(), 2, NOW),
        [(1, 2, 2)],
        "killed before the rename"
    );
}

#[test]
fn a_torn_log_costs_only_its_last_batch() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    append(&journal, 0, &[put(1, 1, 1)]);
    append(&journal, 0, &[put(1, 2, 1)]);
    let log = files(dir.path())
        .into_iter()
        .find(|p| p.extension().is_some_and(|e| e == "log"))
        .unwrap();
    let octets = fs::read(&log).unwrap();
    fs::write(&log, &octets[..octets.len() - 1]).unwrap();
    assert_eq!(live(dir.path(), 1, NOW), [(1, 1, 1)]);
}

#[test]
fn a_binding_without_what_few_phones_say_is_written_and_read_as_before() {
    let plain = serde_json::to_string(&record(1, 1, 1, NOW.0 + 1)).unwrap();
    assert!(!plain.contains("extra"), "{plain}");
    assert_eq!(
        serde_json::from_str::<BindingRecord>(&plain).unwrap(),
        record(1, 1, 1, NOW.0 + 1)
    );
}

#[test]
fn path_and_push_parameters_come_back() {
    let dir = TempDir::new().unwrap();
    let (journal, _) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    let mut put = record(7, 8, 9, NOW.0 + 1);
    put.extra = Some(Box::new(BindingExtra {
        path: vec!["<sip:edge.example;lr;ob>".into()],
        push: Some(PushTarget {
            provider: "apns".into(),
            prid: "token".into(),
            param: None,
            purr: None,
        }),
    }));
    append(&journal, 0, &[BindingChange::Put(Box::new(put.clone()))]);
    let (_, records) = BindingJournal::open(dir.path(), 1, NOW).unwrap();
    assert_eq!(records, [put]);
}
