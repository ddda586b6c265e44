//! Live sets that outlive the process: bindings, that is which phone is where (RFC 3261 §10.3, RFC 5626 §6), what the
//! event core keeps (RFC 6665), and calls that are up (RFC 3261 §12). Each is a set of records under keys, each with its
//! end. What follows is told of bindings; the others' files bear their names instead.
//!
//! `bindings-<generation>-<worker>.log` holds what happened, one file per worker, and `bindings.snapshot`
//! the live set of every generation before the one that its first record names. A start and a compaction
//! both begin a new generation, fold the older ones into a new snapshot, rename it into place and then
//! remove the files it covers; killed anywhere between, the next start finds either the old snapshot with
//! all its files or the new one, which tells it to ignore what is left of them. The number of workers may
//! differ from start to start. Every change carries a stamp, and the highest stamp of a key wins, whichever
//! file it lies in.

use super::{Journal, JournalError, Tail, frame, lock, make_dir, names, remove, sync_parent, write_new};
use model::{
    BindingChange, BindingKey, BindingRecord, CallChange, CallCheckpoint, CallId, EventChange, EventKey,
    EventRecord, TenantId, UserId, Wall,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::marker::PhantomData;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// Logs smaller than this are not worth a compaction, octets.
const COMPACT_MIN_BYTES: u64 = 16 << 20;

/// A kind of records that a journal of live sets can keep.
pub trait Kept: Clone + Serialize + DeserializeOwned {
    /// What happened to one.
    type Change: Clone + Serialize + DeserializeOwned;
    /// Which.
    type Key: Ord;
    /// Names the files.
    const NAME: &'static str;
    /// What a loss means, for the log.
    const LOSS: &'static str;

    /// Which record this is.
    fn key(&self) -> Self::Key;
    /// When it ends by itself.
    fn expires(&self) -> Wall;
    /// The record that the change makes, or the key that it ends.
    fn split(change: Self::Change) -> Result<Box<Self>, Self::Key>;
}

impl Kept for BindingRecord {
    type Change = BindingChange;
    type Key = (TenantId, UserId, BindingKey);
    const NAME: &'static str = "bindings";
    const LOSS: &'static str = "phones will register again";

    fn key(&self) -> Self::Key {
        (self.tenant, self.user, self.key.clone())
    }

    fn expires(&self) -> Wall {
        self.expires
    }

    fn split(change: BindingChange) -> Result<Box<BindingRecord>, Self::Key> {
        match change {
            BindingChange::Put(record) => Ok(record),
            BindingChange::Remove { tenant, user, key } => Err((tenant, user, key)),
        }
    }
}

impl Kept for EventRecord {
    type Change = EventChange;
    type Key = (TenantId, EventKey);
    const NAME: &'static str = "events";
    const LOSS: &'static str = "phones will subscribe and publish again, mailbox lamps and named resources are dark until they are set, waiting messages do not come back";

    fn key(&self) -> Self::Key {
        (self.tenant, self.key.clone())
    }

    fn expires(&self) -> Wall {
        self.expires
    }

    fn split(change: EventChange) -> Result<Box<EventRecord>, Self::Key> {
        match change {
            EventChange::Put(record) => Ok(record),
            EventChange::Remove { tenant, key } => Err((tenant, key)),
        }
    }
}

impl Kept for CallCheckpoint {
    type Change = CallChange;
    type Key = (TenantId, CallId);
    const NAME: &'static str = "calls";
    const LOSS: &'static str = "calls that were up are lost, and so are their records";

    fn key(&self) -> Self::Key {
        (self.tenant, self.call)
    }

    /// A call ends by its record only.
    fn expires(&self) -> Wall {
        Wall(u64::MAX)
    }

    fn split(change: CallChange) -> Result<Box<CallCheckpoint>, Self::Key> {
        match change {
            CallChange::Put(checkpoint) => Ok(checkpoint),
            CallChange::Remove { tenant, call } => Err((tenant, call)),
        }
    }
}

/// A line of a log.
#[derive(Serialize, Deserialize)]
struct Stamped<C> {
    stamp: u64,
    change: C,
}

/// A line of the snapshot.
#[derive(Serialize, Deserialize)]
#[serde(bound(deserialize = "R: DeserializeOwned"))]
enum Line<R: Kept> {
    /// The first: logs of earlier generations are covered, stamps so far are not above this one.
    Head { generation: u64, stamp: u64 },
    /// A live record.
    Live { stamp: u64, record: Box<R> },
}

/// The last thing known of each key. A removal stays until the fold is over: it may meet an older record.
struct Fold<R: Kept> {
    latest: BTreeMap<R::Key, (u64, Option<Box<R>>)>,
    stamp: u64,
}

/// The bindings of one data directory.
pub type BindingJournal = LiveJournal<BindingRecord>;
/// Appends one worker's changes of bindings.
pub type BindingAppender = LiveAppender<BindingRecord>;
/// What the event core keeps, of one data directory.
pub type EventJournal = LiveJournal<EventRecord>;
/// Appends one worker's changes of what the event core keeps.
pub type EventAppender = LiveAppender<EventRecord>;

/// Calls that are up, of one data directory.
pub type CallJournal = LiveJournal<CallCheckpoint>;
/// Appends one worker's changes of calls that are up.
pub type CallAppender = LiveAppender<CallCheckpoint>;

/// The live records of one kind and data directory. Made once per start; hands an appender to each worker.
#[derive(Debug)]
pub struct LiveJournal<R> {
    kind: PhantomData<R>,
    dir: PathBuf,
    stamps: Arc<AtomicU64>,
    logs: Vec<Arc<Mutex<Arc<Journal>>>>,
    generation: u64,
    snapshot_bytes: u64,
}

/// Appends one worker's changes.
#[derive(Clone, Debug)]
pub struct LiveAppender<R> {
    kind: PhantomData<R>,
    stamps: Arc<AtomicU64>,
    log: Arc<Mutex<Arc<Journal>>>,
}

impl<R: Kept> LiveAppender<R> {
    /// Appends a batch by one write.
    ///
    /// # Errors
    /// The disk is full or broken; then none of the batch is kept.
    pub fn append(&self, changes: &[R::Change]) -> Result<(), JournalError> {
        if changes.is_empty() {
            return Ok(());
        }
        // Held until written: after a compaction has changed the log, nothing is on its way to the old one.
        let log = lock(&self.log);
        let stamped = |change| Stamped {
            stamp: self.stamps.fetch_add(1, Ordering::Relaxed),
            change,
        };
        let batch: Vec<Stamped<&R::Change>> = changes.iter().map(stamped).collect();
        log.append(&batch).map(|_| ())
    }
}

impl<R: Kept> LiveJournal<R> {
    /// Reads what all workers of earlier starts left, and returns the live bindings in order of tenant and
    /// user. Bindings that ended before `now` are dropped.
    ///
    /// # Errors
    /// The directory can't be read or written.
    pub fn open(
        dir: impl Into<PathBuf>,
        workers: u16,
        now: Wall,
    ) -> Result<(LiveJournal<R>, Vec<R>), JournalError> {
        let dir = dir.into();
        make_dir(&dir)?;
        let (mut fold, covered) = read_snapshot::<R>(&dir)?;
        let mut generation = covered;
        for (found, path) in logs_in(&dir, R::NAME)? {
            if found >= covered {
                fold.read_log(&path)?;
            }
            generation = generation.max(found.saturating_add(1));
        }
        let mut journal = LiveJournal {
            kind: PhantomData,
            stamps: Arc::new(AtomicU64::new(fold.stamp.max(now.0 << 16).saturating_add(1))),
            logs: Vec::new(),
            generation,
            snapshot_bytes: 0,
            dir,
        };
        fold.latest
            .retain(|_, (_, record)| record.as_ref().is_some_and(|r| r.expires() > now));
        journal.write_snapshot(&mut fold)?;
        for worker in 0..workers {
            let log = journal.new_log(worker)?;
            journal.logs.push(Arc::new(Mutex::new(Arc::new(log))));
        }
        Ok((journal, fold.into_live()))
    }

    /// The appender of a worker; `None` beyond the number given to [`LiveJournal::open`].
    #[must_use]
    pub fn appender(&self, worker: u16) -> Option<LiveAppender<R>> {
        let log = self.logs.get(usize::from(worker))?;
        Some(LiveAppender {
            kind: PhantomData,
            stamps: Arc::clone(&self.stamps),
            log: Arc::clone(log),
        })
    }

    /// The bindings that live now, in order of tenant and user, read back from the files. For putting one
    /// tenant back together after a fault. Appends go on meanwhile.
    ///
    /// # Errors
    /// The directory can't be read.
    pub fn live(&self, now: Wall) -> Result<Vec<R>, JournalError> {
        let (mut fold, covered) = read_snapshot::<R>(&self.dir)?;
        for (found, path) in logs_in(&self.dir, R::NAME)? {
            if found >= covered {
                fold.read_log(&path)?;
            }
        }
        let live = fold.into_live().into_iter();
        Ok(live.filter(|record| record.expires() > now).collect())
    }

    /// Waits until everything appended so far would survive a power cut. Appends go on meanwhile.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn sync(&self) -> Result<(), JournalError> {
        self.current().iter().try_for_each(|log| log.sync())
    }

    /// Compacts once the logs have outgrown the snapshot. For a thread that may take its time: reads and
    /// writes everything. Appends go on meanwhile. Returns whether it did.
    ///
    /// # Errors
    /// The disk is full or broken; nothing is lost, and the next call tries again.
    pub fn compact_if_large(&mut self) -> Result<bool, JournalError> {
        let bytes: u64 = self.current().iter().map(|log| log.len()).sum();
        let large = bytes > COMPACT_MIN_BYTES.max(self.snapshot_bytes);
        if large {
            self.compact()?;
        }
        Ok(large)
    }

    /// Folds everything so far into a new snapshot. What has ended by the calendar stays until its owner removes it:
    /// the calendar may be wrong, and the owner goes by a clock that never jumps.
    ///
    /// # Errors
    /// As [`LiveJournal::compact_if_large`].
    pub fn compact(&mut self) -> Result<(), JournalError> {
        self.generation = self.generation.saturating_add(1);
        for (worker, log) in (0..).zip(&self.logs) {
            let fresh = Arc::new(self.new_log(worker)?);
            *lock(log) = fresh;
        }
        let (mut fold, covered) = read_snapshot::<R>(&self.dir)?;
        for (found, path) in logs_in(&self.dir, R::NAME)? {
            if (covered..self.generation).contains(&found) {
                fold.read_log(&path)?;
            }
        }
        self.write_snapshot(&mut fold)
    }

    fn current(&self) -> Vec<Arc<Journal>> {
        self.logs.iter().map(|log| Arc::clone(&lock(log))).collect()
    }

    fn new_log(&self, worker: u16) -> Result<Journal, JournalError> {
        let path = self
            .dir
            .join(format!("{}-{}-{worker}.log", R::NAME, self.generation));
        let (log, _, _) = Journal::open::<Stamped<R::Change>>(path)?;
        Ok(log)
    }

    /// Puts the snapshot of all earlier generations in place, then removes their logs.
    fn write_snapshot(&mut self, fold: &mut Fold<R>) -> Result<(), JournalError> {
        fold.latest.retain(|_, (_, record)| record.is_some());
        let (path, temp) = (
            snapshot_in(&self.dir, R::NAME),
            self.dir.join(format!("{}.tmp", R::NAME)),
        );
        let octets = fold
            .encode(self.generation)
            .map_err(|e| JournalError::at(&temp, e))?;
        let placed = write_new(&temp, &octets).and_then(|()| fs::rename(&temp, &path));
        placed
            .and_then(|()| sync_parent(&path))
            .map_err(|e| JournalError::at(&path, e))?;
        self.snapshot_bytes = super::u64_of(octets.len());
        for (found, path) in logs_in(&self.dir, R::NAME)? {
            if found < self.generation {
                remove(&path)?;
            }
        }
        Ok(())
    }
}

impl<R: Kept> Fold<R> {
    fn put(&mut self, stamp: u64, key: R::Key, record: Option<Box<R>>) {
        self.stamp = self.stamp.max(stamp);
        let newer = self.latest.get(&key).is_none_or(|(known, _)| *known < stamp);
        if newer {
            self.latest.insert(key, (stamp, record));
        }
    }

    fn read_log(&mut self, path: &Path) -> Result<(), JournalError> {
        let octets = fs::read(path).map_err(|e| JournalError::at(path, e))?;
        let mut frames = frame::Frames::<Stamped<R::Change>>::new(&octets);
        let mut read = 0_usize;
        for Stamped { stamp, change } in frames.by_ref() {
            read = read.saturating_add(1);
            match R::split(change) {
                Ok(record) => self.put(stamp, record.key(), Some(record)),
                Err(key) => self.put(stamp, key, None),
            }
        }
        report::<R, _>(path, &frames, read);
        Ok(())
    }

    fn encode(&self, generation: u64) -> std::io::Result<Vec<u8>> {
        let stamp = self.stamp;
        let mut octets = Vec::new();
        frame::encode(&mut octets, &[Line::<R>::Head { generation, stamp }])?;
        for (stamp, record) in self.latest.values() {
            if let Some(record) = record.clone() {
                let stamp = *stamp;
                frame::encode(&mut octets, &[Line::Live { stamp, record }])?;
            }
        }
        Ok(octets)
    }

    fn into_live(self) -> Vec<R> {
        self.latest
            .into_values()
            .filter_map(|(_, r)| r.map(|r| *r))
            .collect()
    }
}

/// The snapshot and the first generation that it does not cover.
fn read_snapshot<R: Kept>(dir: &Path) -> Result<(Fold<R>, u64), JournalError> {
    let path = snapshot_in(dir, R::NAME);
    let mut fold = Fold {
        latest: BTreeMap::new(),
        stamp: 0,
    };
    let octets = match fs::read(&path) {
        Ok(octets) => octets,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok((fold, 0)),
        Err(e) => return Err(JournalError::at(&path, e)),
    };
    let mut covered = 0;
    let mut frames = frame::Frames::<Line<R>>::new(&octets);
    let mut read = 0_usize;
    for line in frames.by_ref() {
        read = read.saturating_add(1);
        match line {
            Line::Head { generation, stamp } => {
                covered = generation;
                fold.stamp = fold.stamp.max(stamp);
            }
            Line::Live { stamp, record } => {
                fold.put(stamp, record.key(), Some(record));
            }
        }
    }
    report::<R, _>(&path, &frames, read);
    Ok((fold, covered))
}

/// Tells of a file that can't be read to its end, and keeps a copy for a person to look at: the next compaction removes it.
fn report<R: Kept, T: DeserializeOwned>(path: &Path, frames: &frame::Frames<'_, T>, read: usize) {
    if frames.tail != Tail::Damaged {
        return;
    }
    let aside = path.with_extension("damaged");
    let copied = fs::copy(path, &aside).map(|_| aside.display().to_string());
    let (entries, bytes) = frames.behind();
    tracing::error!(
        path = %path.display(),
        copy = copied.unwrap_or_else(|e| format!("none: {e}")),
        entries_read = read,
        entries_lost = entries,
        bytes_lost = bytes,
        "part of the {} journal is damaged; what stood there and behind it is lost: {}",
        R::NAME,
        R::LOSS
    );
}

fn snapshot_in(dir: &Path, name: &str) -> PathBuf {
    dir.join(format!("{name}.snapshot"))
}

/// Every log with its generation, in order of generation and worker.
fn logs_in(dir: &Path, kind: &str) -> Result<Vec<(u64, PathBuf)>, JournalError> {
    let generation = |name: &str| -> Option<u64> {
        let (generation, worker) = name
            .strip_prefix(kind)?
            .strip_prefix('-')?
            .strip_suffix(".log")?
            .split_once('-')?;
        worker.parse::<u16>().ok()?;
        generation.parse().ok()
    };
    let mut logs: Vec<(u64, PathBuf)> = names(dir)?
        .into_iter()
        .filter_map(|name| Some((generation(&name)?, dir.join(name))))
        .collect();
    logs.sort_unstable();
    Ok(logs)
}
