//! Append-only files that carry what must outlive a kill.
//!
//! Owns: framing, the torn tail, bindings ([`BindingJournal`]), what the event core keeps ([`EventJournal`]),
//! calls that are up ([`CallJournal`]) and call records ([`CdrSpool`]). Does not
//! own: when to sync, compact or drain. A record is `length (u32, little endian) ‖ CRC-32 ‖ JSON`. A batch
//! is one write(2): once that returns the page cache has it and a kill can't take it back; only a power cut
//! can, until [`Journal::sync`].

mod binding;
mod frame;
mod spool;

pub use binding::{
    BindingAppender, BindingJournal, CallAppender, CallJournal, EventAppender, EventJournal, Kept,
    LiveAppender, LiveJournal,
};
pub use frame::Tail;
pub use spool::{CdrSink, CdrSpool, CdrWriter, Drained, SpoolLimits};

use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use thiserror::Error;

/// Why a journal could not do its work. The caller counts it; nothing was half done.
#[derive(Debug, Error)]
pub enum JournalError {
    /// The disk is full. The batch is not in the journal.
    #[error("{}: the disk is full; free some space", path.display())]
    DiskFull {
        /// The file.
        path: PathBuf,
    },
    /// The spool has reached its cap: the database has been away for too long. The batch is not in it.
    #[error("{} holds {cap_bytes} bytes of call records, its cap, that the database has not taken; look why it is locked or full", path.display())]
    SpoolFull {
        /// The spool's directory.
        path: PathBuf,
        /// The cap.
        cap_bytes: u64,
    },
    /// Anything else. A failed batch is not in the journal.
    #[error("{}: {source}; check the disk and the owner of the data directory", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl JournalError {
    fn at(path: &Path, source: io::Error) -> JournalError {
        let path = path.to_owned();
        match source.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded => JournalError::DiskFull { path },
            _ => JournalError::Io { path, source },
        }
    }
}

/// One append-only file of records. Threads may share it: an append holds a lock for one write, a sync for
/// none of its time.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    file: File,
    /// Octets of whole records. Beyond it lies at most the rest of a failed write.
    len: u64,
    /// A failed write could not be cut off; it must be before the next.
    ragged: bool,
    buffer: Vec<u8>,
}

impl Journal {
    /// Opens or makes the file, returns its records, and cuts a torn tail off.
    ///
    /// # Errors
    /// The file can't be read or written.
    pub fn open<T: DeserializeOwned>(
        path: impl Into<PathBuf>,
    ) -> Result<(Journal, Vec<T>, Tail), JournalError> {
        let path = path.into();
        let (records, good, tail) = match fs::read(&path) {
            Ok(octets) => frame::decode(&octets),
            Err(e) if e.kind() == ErrorKind::NotFound => (Vec::new(), 0, Tail::Clean),
            Err(e) => return Err(JournalError::at(&path, e)),
        };
        let file = open_append(&path).map_err(|e| JournalError::at(&path, e))?;
        if tail != Tail::Clean {
            file.set_len(good).map_err(|e| JournalError::at(&path, e))?;
        }
        Ok((Journal::with(path, file, good), records, tail))
    }

    fn with(path: PathBuf, file: File, len: u64) -> Journal {
        let state = Mutex::new(State {
            file,
            len,
            ragged: false,
            buffer: Vec::new(),
        });
        Journal { path, state }
    }

    /// Appends a batch by one write. Returns the journal's length in octets.
    ///
    /// # Errors
    /// The disk is full or broken; then none of the batch is in the journal.
    pub fn append<T: Serialize>(&self, records: &[T]) -> Result<u64, JournalError> {
        lock(&self.state)
            .append(records)
            .map_err(|e| JournalError::at(&self.path, e))
    }

    /// Waits until everything appended so far would survive a power cut. Appends go on meanwhile.
    ///
    /// # Errors
    /// The disk is full or broken.
    pub fn sync(&self) -> Result<(), JournalError> {
        let file = lock(&self.state).file.try_clone();
        file.and_then(|f| f.sync_data())
            .map_err(|e| JournalError::at(&self.path, e))
    }

    /// Octets of whole records.
    #[must_use]
    pub fn len(&self) -> u64 {
        lock(&self.state).len
    }

    /// True without any record.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl State {
    fn append<T: Serialize>(&mut self, records: &[T]) -> io::Result<u64> {
        self.mend()?;
        self.buffer.clear();
        frame::encode(&mut self.buffer, records)?;
        if let Err(error) = self.file.write_all(&self.buffer) {
            self.ragged = true;
            let _ = self.mend();
            return Err(error);
        }
        self.len = self.len.saturating_add(u64_of(self.buffer.len()));
        // A burst should not hold its memory for ever.
        self.buffer.shrink_to(64 * 1024);
        Ok(self.len)
    }

    /// Cuts off what a failed write left, so that the next record does not hide behind it.
    fn mend(&mut self) -> io::Result<()> {
        if self.ragged {
            self.file.set_len(self.len)?;
            self.ragged = false;
        }
        Ok(())
    }
}

/// A panic in another holder can't leave the state worse than a failed write does.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open_append(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path)
}

fn write_new(path: &Path, octets: &[u8]) -> io::Result<()> {
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(octets)?;
    file.sync_data()
}

fn make_dir(dir: &Path) -> Result<(), JournalError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(dir);
    made.map_err(|e| JournalError::at(dir, e))
}

/// A rename or removal survives a power cut only when its directory does.
fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |dir| File::open(dir)?.sync_all())
}

/// Names in a directory, in order.
fn names(dir: &Path) -> Result<Vec<String>, JournalError> {
    let failed = |e| JournalError::at(dir, e);
    let mut names = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        if let Ok(name) = entry.map_err(failed)?.file_name().into_string() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

fn remove(path: &Path) -> Result<(), JournalError> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(JournalError::at(path, e)),
        _ => Ok(()),
    }
}

fn u64_of(len: usize) -> u64 {
    u64::try_from(len).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_batch_that_met_a_full_disk_is_refused_and_leaves_no_trace() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("j");
        let (journal, _, _) = Journal::open::<String>(&path).unwrap();
        journal.append(&["a".to_owned()]).unwrap();
        let len = journal.len();
        let full = open_append(Path::new("/dev/full")).unwrap();
        let good = std::mem::replace(&mut lock(&journal.state).file, full);
        let error = journal.append(&["b".to_owned()]).unwrap_err();
        assert!(matches!(error, JournalError::DiskFull { .. }), "{error}");
        assert_eq!(journal.len(), len);
        // Half of the batch reached the disk, and space is back.
        (&good).write_all(&[1, 2, 3]).unwrap();
        lock(&journal.state).file = good;
        journal.append(&["c".to_owned()]).unwrap();
        let (_, records, tail) = Journal::open::<String>(&path).unwrap();
        assert_eq!(
            (records, tail),
            (vec!["a".to_owned(), "c".to_owned()], Tail::Clean)
        );
    }

    #[test]
    fn a_record_beyond_a_mebibyte_is_refused() {
        let dir = tempfile::TempDir::new().unwrap();
        let (journal, _, _) = Journal::open::<String>(dir.path().join("j")).unwrap();
        assert!(journal.append(&["x".repeat(1 << 20)]).is_err());
        assert!(journal.is_empty());
    }
}
