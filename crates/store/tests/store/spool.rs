//! Call records from the workers to the database, killed everywhere in between.

use crate::{Bench, Foreign, bench, cdr, files, killed};
use model::{Cdr, CdrId, TenantId};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Duration;
use store::{CdrSink, CdrSpool, JournalError, Options, SpoolLimits, Store, StoreError};
use tempfile::TempDir;

/// Segments of three records or so, batches of two.
const SMALL: SpoolLimits = SpoolLimits {
    cap_bytes: 1 << 20,
    segment_bytes: 1200,
    batch: 2,
};

fn records(numbers: std::ops::Range<u8>) -> Vec<Cdr> {
    numbers.map(|n| cdr(n, TenantId(1))).collect()
}

/// Keeps what it is given, fails where told, and copies the spool as a kill at each step would leave it.
#[derive(Default)]
struct Steps {
    stored: BTreeMap<CdrId, Cdr>,
    /// What a power cut would leave of it.
    settled: BTreeMap<CdrId, Cdr>,
    offered: usize,
    /// Calls left until the sink fails.
    fuse: Option<usize>,
    watched: Option<std::path::PathBuf>,
    /// The directory and what the database held at that moment.
    kills: Vec<(TempDir, BTreeMap<CdrId, Cdr>)>,
}

impl Steps {
    fn step(&mut self) -> Result<(), StoreError> {
        if let Some(dir) = &self.watched {
            self.kills.push((killed(dir), self.stored.clone()));
            self.kills.push((killed(dir), self.settled.clone()));
        }
        if let Some(fuse) = &mut self.fuse {
            let waited = Duration::ZERO;
            *fuse = fuse.checked_sub(1).ok_or(StoreError::Locked { waited })?;
        }
        Ok(())
    }
}

impl CdrSink for Steps {
    fn insert(&mut self, records: &[Cdr]) -> Result<(), StoreError> {
        self.step()?;
        assert!(records.len() <= SMALL.batch);
        self.offered += records.len();
        for record in records {
            self.stored.entry(record.id).or_insert_with(|| record.clone());
        }
        self.step()
    }

    fn settle(&mut self) -> Result<(), StoreError> {
        self.step()?;
        self.settled = self.stored.clone();
        self.step()
    }
}

/// A spool that a former process left: two workers, ten records each, several segments.
fn left_by_a_kill() -> TempDir {
    let dir = TempDir::new().unwrap();
    let spool = CdrSpool::open(dir.path(), SMALL).unwrap();
    for (worker, range) in [(0, 0..10), (1, 10..20)] {
        let mut writer = spool.writer(worker);
        for record in records(range) {
            writer.append(&[record]).unwrap();
        }
    }
    assert!(files(dir.path()).len() > 4);
    dir
}

fn drain_all(dir: &Path, sink: &mut Steps) {
    CdrSpool::open(dir, SMALL).unwrap().drain(sink).unwrap();
}

#[test]
fn everything_arrives_once_and_closed_segments_go() {
    let dir = TempDir::new().unwrap();
    let mut spool = CdrSpool::open(dir.path(), SMALL).unwrap();
    let mut writer = spool.writer(0);
    let mut sink = Steps::default();
    assert!(spool.is_drained());
    for record in records(0..20) {
        writer.append(&[record]).unwrap();
        assert!(!spool.is_drained());
        let drained = spool.drain(&mut sink).unwrap();
        assert_eq!(drained.records, 1, "only what is new is offered");
    }
    assert_eq!(spool.drain(&mut sink).unwrap().records, 0);
    assert_eq!((sink.offered, sink.stored.len()), (20, 20));
    assert!(files(dir.path()).len() <= 1, "{:?}", files(dir.path()));
    drop(writer);
    spool.drain(&mut sink).unwrap();
    assert_eq!(
        (files(dir.path()).len(), spool.bytes(), spool.is_drained()),
        (0, 0, true)
    );
}

#[test]
fn a_kill_or_power_cut_between_any_two_steps_loses_and_doubles_nothing() {
    let dir = left_by_a_kill();
    let mut sink = Steps {
        watched: Some(dir.path().to_owned()),
        ..Steps::default()
    };
    let mut kills = vec![(killed(dir.path()), BTreeMap::new())];
    drain_all(dir.path(), &mut sink);
    assert_eq!(files(dir.path()).len(), 0);
    kills.append(&mut sink.kills);
    assert!(kills.len() > 20, "{}", kills.len());
    for (number, (dir, stored)) in kills.into_iter().enumerate() {
        let mut after = Steps {
            stored,
            ..Steps::default()
        };
        drain_all(dir.path(), &mut after);
        assert!(after.stored.into_values().eq(records(0..20)), "kill {number}");
        assert_eq!(files(dir.path()).len(), 0, "kill {number}");
    }
}

#[test]
fn a_sink_that_fails_at_any_step_is_offered_the_rest_later() {
    for fuse in 0.. {
        let dir = left_by_a_kill();
        let mut spool = CdrSpool::open(dir.path(), SMALL).unwrap();
        let mut sink = Steps {
            fuse: Some(fuse),
            ..Steps::default()
        };
        let failed = spool.drain(&mut sink).is_err();
        assert_eq!(spool.is_drained(), !failed);
        sink.fuse = None;
        spool.drain(&mut sink).unwrap();
        assert!(sink.stored.values().eq(&records(0..20)), "fuse {fuse}");
        assert!(
            sink.offered <= 20 + SMALL.batch,
            "only one batch was offered twice"
        );
        if !failed {
            break;
        }
    }
}

#[test]
fn a_restart_numbers_on_and_never_writes_into_an_old_segment() {
    let dir = left_by_a_kill();
    let before: Vec<_> = files(dir.path())
        .into_iter()
        .map(|p| (fs::read(&p).unwrap(), p))
        .collect();
    let mut spool = CdrSpool::open(dir.path(), SMALL).unwrap();
    let mut writer = spool.writer(0);
    writer.append(&records(20..21)).unwrap();
    for (octets, path) in before {
        assert_eq!(fs::read(&path).unwrap(), octets);
    }
    let mut sink = Steps::default();
    spool.drain(&mut sink).unwrap();
    assert!(sink.stored.into_values().eq(records(0..21)));
}

#[test]
fn at_the_cap_new_records_are_refused_and_old_ones_kept() {
    let dir = TempDir::new().unwrap();
    let limits = SpoolLimits {
        cap_bytes: 5000,
        ..SMALL
    };
    let mut spool = CdrSpool::open(dir.path(), limits).unwrap();
    let mut writer = spool.writer(0);
    let kept = (0..100)
        .take_while(|n| writer.append(&[cdr(*n, TenantId(1))]).is_ok())
        .count();
    assert!((5..100).contains(&kept), "{kept}");
    let error = writer.append(&records(0..1)).unwrap_err();
    assert!(
        matches!(error, JournalError::SpoolFull { cap_bytes: 5000, .. }),
        "{error}"
    );
    assert!(!error.to_string().contains('\n'));
    let error = CdrSpool::open(dir.path(), limits)
        .unwrap()
        .writer(0)
        .append(&records(0..1));
    assert!(error.is_err(), "the cap counts what earlier starts left");
    let mut sink = Steps::default();
    spool.drain(&mut sink).unwrap();
    assert_eq!(sink.stored.len(), kept);
    writer.append(&records(0..1)).unwrap();
}

#[test]
fn a_torn_tail_costs_nothing_else_and_damage_is_set_aside() {
    let dir = left_by_a_kill();
    let segments = files(dir.path());
    let octets = fs::read(&segments[0]).unwrap();
    fs::write(&segments[0], &octets[..octets.len() - 1]).unwrap();
    let mut octets = fs::read(&segments[1]).unwrap();
    *octets.last_mut().unwrap() ^= 1;
    fs::write(&segments[1], &octets).unwrap();
    let mut spool = CdrSpool::open(dir.path(), SMALL).unwrap();
    let mut sink = Steps::default();
    let drained = spool.drain(&mut sink).unwrap();
    assert_eq!(sink.stored.len(), 18, "one was half written, one damaged");
    assert_eq!(drained.damaged, [segments[1].with_extension("damaged")]);
    assert_eq!(files(dir.path()), drained.damaged);
    assert_eq!(spool.drain(&mut sink).unwrap().damaged.len(), 0);
}

#[test]
fn while_the_database_is_locked_the_spool_grows_and_then_all_arrives() {
    let Bench { acme, dir, store, .. } = bench();
    drop(store);
    let options = Options {
        busy_timeout: Duration::from_millis(20),
        ..Options::default()
    };
    // The connection that was dropped still closes, in its own time.
    let begun = std::time::Instant::now();
    let mut store = loop {
        match Store::open_with(dir.path(), options) {
            Err(StoreError::Locked { .. }) if begun.elapsed() < Duration::from_secs(10) => {}
            opened => break opened.unwrap(),
        }
    };
    let mut spool = CdrSpool::open(dir.path().join("spool"), SMALL).unwrap();
    let mut writer = spool.writer(0);
    let mut foreign = Foreign::open(dir.path());
    writer.append(&records(0..3)).unwrap();
    spool.drain(&mut store).unwrap();
    foreign.run("BEGIN IMMEDIATE");
    for n in 3..20 {
        writer.append(&records(n..n + 1)).unwrap();
        let error = spool.drain(&mut store).unwrap_err();
        assert!(matches!(error, StoreError::Locked { .. }), "{error}");
    }
    assert_eq!(store.count_cdrs(&acme).unwrap(), 3);
    foreign.run("ROLLBACK");
    assert_eq!(spool.drain(&mut store).unwrap().records, 17);
    assert_eq!(store.count_cdrs(&acme).unwrap(), 20);
}

#[test]
fn workers_append_while_the_drainer_drains() {
    let dir = TempDir::new().unwrap();
    let mut spool = CdrSpool::open(dir.path(), SMALL).unwrap();
    let mut sink = Steps::default();
    let writers: Vec<_> = (0..4).map(|w| spool.writer(w)).collect();
    std::thread::scope(|scope| {
        for (start, mut writer) in (0..).step_by(50).zip(writers) {
            scope.spawn(move || {
                for record in records(start..start + 50) {
                    writer.append(&[record]).unwrap();
                }
            });
        }
        for _ in 0..20 {
            spool.drain(&mut sink).unwrap();
            spool.sync().unwrap();
        }
    });
    spool.drain(&mut sink).unwrap();
    assert!(sink.stored.into_values().eq(records(0..200)));
    assert_eq!(
        (sink.offered, files(dir.path()).len(), spool.bytes()),
        (200, 0, 0)
    );
}
