//! Call records on their way to the database.
//!
//! Workers append to `cdr-<worker>-<n>.spool`; a drainer puts them into the database in batches and removes
//! a segment once it is closed, drained and its last batch beyond a power cut. Killed anywhere between, the
//! next start reads what is left from its beginning: the database keeps the first of two equal ids. So
//! nothing is lost and nothing is doubled. While the database is away segments pile up to a cap; then new
//! records are refused with an error and the old ones stay.

use super::{Journal, JournalError, Tail, frame, lock, make_dir, names, remove, sync_parent, u64_of};
use crate::StoreError;
use model::Cdr;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// How large a spool grows.
#[derive(Clone, Copy, Debug)]
pub struct SpoolLimits {
    /// All segments together, octets. A record takes about 800.
    pub cap_bytes: u64,
    /// One segment, octets; a longer one is closed.
    pub segment_bytes: u64,
    /// Records of one database transaction.
    pub batch: usize,
}

impl Default for SpoolLimits {
    fn default() -> SpoolLimits {
        SpoolLimits {
            cap_bytes: 4 << 30,
            segment_bytes: 4 << 20,
            batch: 1000,
        }
    }
}

/// Where drained records go. `Store` is the one; tests have others.
pub trait CdrSink {
    /// Stores all or none; a record whose id is known is no error and changes nothing.
    ///
    /// # Errors
    /// Whatever keeps the records from being stored; they are offered again.
    fn insert(&mut self, records: &[Cdr]) -> Result<(), StoreError>;

    /// Makes what was inserted survive a power cut; its segment is removed next.
    ///
    /// # Errors
    /// The segment stays, and its records are offered again after a restart.
    fn settle(&mut self) -> Result<(), StoreError>;
}

/// What one drain did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Drained {
    /// Records given to the sink.
    pub records: u64,
    /// Segments removed.
    pub segments: u64,
    /// Closed segments with octets that are no record, set aside as `….damaged` for a person to look at. All
    /// records before the damage are stored.
    pub damaged: Vec<PathBuf>,
}

/// The spool of one data directory. Made once per start; hands a writer to each worker.
#[derive(Debug)]
pub struct CdrSpool {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    dir: PathBuf,
    limits: SpoolLimits,
    /// Octets in all segments.
    bytes: AtomicU64,
    /// By number, which rises from segment to segment over all workers and starts.
    segments: Mutex<BTreeMap<u64, Segment>>,
    next: AtomicU64,
}

#[derive(Clone, Debug)]
struct Segment {
    path: PathBuf,
    /// The open one of its writer; `None` for one that a former process left.
    journal: Option<Arc<Journal>>,
    /// No more is appended.
    closed: bool,
    /// Octets already in the database.
    drained: u64,
}

/// Appends one worker's records.
#[derive(Debug)]
pub struct CdrWriter {
    shared: Arc<Shared>,
    worker: u16,
    open: Option<(u64, Arc<Journal>)>,
}

impl CdrSpool {
    /// Finds what earlier starts left.
    ///
    /// # Errors
    /// The directory can't be read or written.
    pub fn open(dir: impl Into<PathBuf>, limits: SpoolLimits) -> Result<CdrSpool, JournalError> {
        let dir = dir.into();
        make_dir(&dir)?;
        let (mut segments, mut bytes, mut next) = (BTreeMap::new(), 0_u64, 0);
        for name in names(&dir)? {
            let Some(number) = number_of(&name) else { continue };
            let path = dir.join(name);
            let meta = fs::metadata(&path).map_err(|e| JournalError::at(&path, e))?;
            bytes = bytes.saturating_add(meta.len());
            next = next.max(number.saturating_add(1));
            let segment = Segment {
                path,
                journal: None,
                closed: true,
                drained: 0,
            };
            segments.insert(number, segment);
        }
        let shared = Shared {
            dir,
            limits,
            bytes: AtomicU64::new(bytes),
            segments: Mutex::new(segments),
            next: AtomicU64::new(next),
        };
        Ok(CdrSpool {
            shared: Arc::new(shared),
        })
    }

    /// A writer for one worker thread.
    #[must_use]
    pub fn writer(&self, worker: u16) -> CdrWriter {
        CdrWriter {
            shared: Arc::clone(&self.shared),
            worker,
            open: None,
        }
    }

    /// Octets that are on disk and not yet removed.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.shared.bytes.load(Ordering::Relaxed)
    }

    /// True when every record appended so far is in the database.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let segments = lock(&self.shared.segments);
        segments
            .values()
            .all(|s| s.journal.as_ref().is_some_and(|j| s.drained == j.len()))
    }

    /// Waits until everything appended so far would survive a power cut. Appends go on meanwhile.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn sync(&self) -> Result<(), JournalError> {
        let open: Vec<Arc<Journal>> = {
            let segments = lock(&self.shared.segments);
            segments.values().filter_map(|s| s.journal.clone()).collect()
        };
        open.iter().try_for_each(|journal| journal.sync())
    }

    /// Offers every record appended so far to the sink, the oldest segment first.
    ///
    /// # Errors
    /// The first failure of the sink or the disk. What was stored before it stays stored; the rest is
    /// offered by the next call.
    pub fn drain(&mut self, sink: &mut dyn CdrSink) -> Result<Drained, StoreError> {
        let mut done = Drained::default();
        let numbers: Vec<u64> = lock(&self.shared.segments).keys().copied().collect();
        for number in numbers {
            self.drain_segment(number, sink, &mut done)?;
        }
        Ok(done)
    }

    fn drain_segment(
        &self,
        number: u64,
        sink: &mut dyn CdrSink,
        done: &mut Drained,
    ) -> Result<(), StoreError> {
        let Some(segment) = lock(&self.shared.segments).get(&number).cloned() else {
            return Ok(());
        };
        // `closed` was read before the length: whatever is appended after a close is nothing.
        let end = segment.len()?;
        let octets = read_range(&segment.path, segment.drained, end)?;
        let tail = self.insert_all(number, &octets, segment.drained, sink, done)?;
        if segment.closed {
            sink.settle()?;
            self.shared
                .finish(number, &segment.path, tail == Tail::Damaged, end, done)?;
        }
        Ok(())
    }

    /// Stores the records of `octets` batch by batch, remembering after each how far it came.
    fn insert_all(
        &self,
        number: u64,
        octets: &[u8],
        start: u64,
        sink: &mut dyn CdrSink,
        done: &mut Drained,
    ) -> Result<Tail, StoreError> {
        let mut frames = frame::Frames::<Cdr>::new(octets);
        loop {
            let batch: Vec<Cdr> = frames.by_ref().take(self.shared.limits.batch.max(1)).collect();
            if batch.is_empty() {
                return Ok(frames.tail);
            }
            sink.insert(&batch)?;
            done.records = done.records.saturating_add(u64_of(batch.len()));
            if let Some(segment) = lock(&self.shared.segments).get_mut(&number) {
                segment.drained = start.saturating_add(frames.good());
            }
        }
    }
}

impl Segment {
    /// Octets of whole records: of a live segment by its writer's word, as a write may be half done.
    fn len(&self) -> Result<u64, JournalError> {
        if let Some(journal) = &self.journal {
            return Ok(journal.len());
        }
        let meta = fs::metadata(&self.path).map_err(|e| JournalError::at(&self.path, e))?;
        Ok(meta.len())
    }
}

impl Shared {
    /// Forgets a drained segment and removes its file, or sets it aside.
    fn finish(
        &self,
        number: u64,
        path: &Path,
        damaged: bool,
        len: u64,
        done: &mut Drained,
    ) -> Result<(), JournalError> {
        if damaged {
            let aside = path.with_extension("damaged");
            fs::rename(path, &aside).map_err(|e| JournalError::at(path, e))?;
            done.damaged.push(aside);
        } else {
            remove(path)?;
            done.segments = done.segments.saturating_add(1);
        }
        lock(&self.segments).remove(&number);
        self.bytes.fetch_sub(len, Ordering::Relaxed);
        sync_parent(path).map_err(|e| JournalError::at(path, e))
    }
}

impl CdrWriter {
    /// Appends a batch by one write.
    ///
    /// # Errors
    /// [`JournalError::SpoolFull`] at the cap, or the disk is full or broken; then none of the batch is kept,
    /// and the caller decides what a call without a record is worth.
    pub fn append(&mut self, records: &[Cdr]) -> Result<(), JournalError> {
        if records.is_empty() {
            return Ok(());
        }
        let limits = self.shared.limits;
        if self.shared.bytes.load(Ordering::Relaxed) >= limits.cap_bytes {
            return Err(JournalError::SpoolFull {
                path: self.shared.dir.clone(),
                cap_bytes: limits.cap_bytes,
            });
        }
        let journal = self.segment()?;
        let before = journal.len();
        let len = journal.append(records)?;
        self.shared
            .bytes
            .fetch_add(len.saturating_sub(before), Ordering::Relaxed);
        if len >= limits.segment_bytes {
            self.close();
        }
        Ok(())
    }

    /// The open segment, begun when there is none.
    fn segment(&mut self) -> Result<Arc<Journal>, JournalError> {
        if let Some((_, journal)) = &self.open {
            return Ok(Arc::clone(journal));
        }
        let number = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let path = self
            .shared
            .dir
            .join(format!("cdr-{}-{number}.spool", self.worker));
        let (journal, _, _) = Journal::open::<Cdr>(&path)?;
        let journal = Arc::new(journal);
        let segment = Segment {
            path,
            journal: Some(Arc::clone(&journal)),
            closed: false,
            drained: 0,
        };
        lock(&self.shared.segments).insert(number, segment);
        self.open = Some((number, Arc::clone(&journal)));
        Ok(journal)
    }

    fn close(&mut self) {
        let Some((number, _)) = self.open.take() else {
            return;
        };
        if let Some(segment) = lock(&self.shared.segments).get_mut(&number) {
            segment.closed = true;
        }
    }
}

impl Drop for CdrWriter {
    /// A worker that ends leaves its segment to the drainer.
    fn drop(&mut self) {
        self.close();
    }
}

fn number_of(name: &str) -> Option<u64> {
    let (worker, number) = name
        .strip_prefix("cdr-")?
        .strip_suffix(".spool")?
        .split_once('-')?;
    worker.parse::<u16>().ok()?;
    number.parse().ok()
}

fn read_range(path: &Path, start: u64, end: u64) -> Result<Vec<u8>, JournalError> {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(path)?;
        file.seek(SeekFrom::Start(start))?;
        let mut octets = Vec::new();
        file.take(end.saturating_sub(start)).read_to_end(&mut octets)?;
        Ok(octets)
    };
    read().map_err(|e| JournalError::at(path, e))
}
