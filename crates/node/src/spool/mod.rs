//! The spool of recordings: what media workers record, on its way to files under `<data dir>/recordings/<tenant>/`.
//!
//! Owns: one thread that writes, the room that tenants have, what a killed process has left. Does not own: what is in a file
//! (`media`), and the table of recordings (`store`), which the keeper fills from here.
//!
//! A media worker never waits for the disk: blocks queue up, within a bound, and a recording whose blocks find no room there ends
//! as one whose disk is full. What was written is synced within four seconds, each second a fourth of the files. A recording
//! has a note beside it until it is in the database; one whose note has no end was cut by a kill, gets its end at the next
//! start, and loses at most its last second.

mod file;
mod note;
mod recover;
#[cfg(test)]
mod tests;
mod trouble;

use crate::clock::Clock;
use crate::seam::MediaItem;
use file::{Broken, Create, Writing};
use media::Spool;
use model::{
    Container, Counts, MediaSessionId, RecordingEnd, RecordingId, RecordingMark, RecordingRecord, TenantId,
};
use note::{Note, dir_of, note_of, sound_of};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use trouble::Trouble;

/// Octets that may wait for the disk: some seconds of thousands of calls.
const WAITING: usize = 64 << 20;
/// What an item counts besides its octets.
const ITEM: usize = 256;
/// Between two syncs, and how many it takes until each file had its turn.
const SYNC: Duration = Duration::from_secs(1);
const TURNS: u64 = 4;
/// Whoever has written rests so long: waking up for each block costs more than writing it.
const GATHER: Duration = Duration::from_millis(50);
/// Records that wait for the database; those beyond it wait on disk for the next start.
const FINISHED: usize = 10_000;
/// Soonest that the files of a tenant are added up again, to see whether some were deleted.
const RECOUNT: Duration = Duration::from_secs(5);
/// Octets of a file that is played back at most.
const PLAYED: u64 = 64 << 20;

/// To the writing thread.
pub(crate) enum SpoolItem {
    /// From a media worker.
    Write {
        /// Which worker.
        worker: usize,
        /// The session.
        session: MediaSessionId,
        /// What.
        spool: Spool,
    },
    /// There was no room for something of this recording: it is over, with what there is of it.
    Refused(RecordingId),
    /// Finish: end what is open, end the thread.
    Stop,
}

/// What all threads know of the spool.
pub(crate) struct SpoolDesk {
    items: Sender<SpoolItem>,
    waiting: AtomicUsize,
    root: PathBuf,
    /// Octets that each tenant may have.
    rooms: Mutex<BTreeMap<TenantId, u64>>,
    /// Complete, and not in the database.
    finished: Mutex<Vec<RecordingRecord>>,
    /// Recordings begun, failed, and cut by a kill.
    begun: AtomicU64,
    failed: AtomicU64,
    cut: AtomicU64,
}

impl SpoolDesk {
    /// For a data directory.
    pub(crate) fn new(data_dir: &Path, items: Sender<SpoolItem>) -> SpoolDesk {
        SpoolDesk {
            items,
            waiting: AtomicUsize::new(0),
            root: data_dir.join("recordings"),
            rooms: Mutex::default(),
            finished: Mutex::default(),
            begun: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            cut: AtomicU64::new(0),
        }
    }

    /// Takes something to be written; false when there is no room for it, and the recording is over.
    pub(crate) fn write(&self, worker: usize, session: MediaSessionId, spool: Spool) -> bool {
        let octets = ITEM + octets_of(&spool);
        let is_block = matches!(spool, Spool::Block { .. } | Spool::Begin { .. });
        if is_block && self.waiting.load(Ordering::Relaxed) > WAITING {
            // The worker says nothing more of it, so the file would stay open. Once for each recording: that bounds them.
            let _gone = self.items.send(SpoolItem::Refused(spool.recording()));
            return false;
        }
        self.waiting.fetch_add(octets, Ordering::Relaxed);
        let item = SpoolItem::Write {
            worker,
            session,
            spool,
        };
        self.items.send(item).is_ok()
    }

    /// Ends the thread.
    pub(crate) fn stop(&self) {
        let _already_gone = self.items.send(SpoolItem::Stop);
    }

    /// A tenant's policy says how much room it has.
    pub(crate) fn set_room(&self, tenant: TenantId, megabytes: u64) {
        let mut rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.insert(tenant, megabytes.saturating_mul(1_000_000));
    }

    /// Takes what is to go into the database.
    pub(crate) fn take_finished(&self) -> Vec<RecordingRecord> {
        std::mem::take(&mut *self.finished.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Gives back what could not go there now.
    pub(crate) fn give_back(&self, records: Vec<RecordingRecord>) {
        let mut finished = self.finished.lock().unwrap_or_else(PoisonError::into_inner);
        finished.extend(records);
        finished.truncate(FINISHED);
    }

    /// It is in the database: its note has done its work.
    pub(crate) fn forget(&self, id: RecordingId) {
        let _next_start_tries_again = std::fs::remove_file(note_of(&self.root, id));
    }

    /// The sound of a recording of this very tenant, as samples; `None` when there is none, or it is too long to be played. It
    /// reads a file that may be hostile, so it is nothing for the writing thread.
    pub(crate) fn samples(&self, tenant: TenantId, id: RecordingId, rate_hz: u32) -> Option<Arc<[i16]>> {
        if id.tenant != tenant {
            return None;
        }
        let formats = [Container::OggOpus, Container::Wav];
        let paths = formats.map(|format| sound_of(&self.root, id, format));
        let path = paths.iter().find(|path| path.is_file())?;
        if std::fs::metadata(path).ok()?.len() > PLAYED {
            return None;
        }
        let file = std::fs::read(path).ok()?;
        media::samples(&file, rate_hz).map(Arc::from)
    }

    /// Adds to the totals of the node.
    pub(crate) fn count(&self, counts: &mut Counts) {
        counts.recordings += self.begun.load(Ordering::Relaxed);
        counts.recordings_failed += self.failed.load(Ordering::Relaxed);
        counts.recordings_cut += self.cut.load(Ordering::Relaxed);
    }

    fn finish(&self, record: RecordingRecord) {
        self.give_back(vec![record]);
    }

    fn room(&self, tenant: TenantId) -> u64 {
        let rooms = self.rooms.lock().unwrap_or_else(PoisonError::into_inner);
        rooms.get(&tenant).copied().unwrap_or(0)
    }
}

fn octets_of(spool: &Spool) -> usize {
    match spool {
        Spool::Block { octets, .. } => octets.len(),
        _ => 0,
    }
}

/// Tells a media worker something.
pub(crate) type Tell = Box<dyn Fn(usize, MediaItem) + Send>;

/// What a tenant has used of its room.
struct Used {
    octets: u64,
    counted: Duration,
}

/// The writing thread.
pub(crate) struct Spooler {
    desk: Arc<SpoolDesk>,
    clock: Clock,
    /// Octets that the file system keeps free of recordings.
    reserve: u64,
    create: Create,
    items: Receiver<SpoolItem>,
    tell: Tell,
    files: BTreeMap<RecordingId, Writing>,
    used: BTreeMap<TenantId, Used>,
    synced: Duration,
    /// Syncs so far.
    turn: u64,
    /// What could not be given its end, for the disk is full or broken: tried again each second.
    left: Vec<(Note, Broken)>,
    /// Half of the reserve is gone: what runs has to end.
    is_full: bool,
    /// Why nothing can be written, while that is so.
    trouble: Option<String>,
    is_stopped: bool,
}

impl Spooler {
    /// Gives what a killed process has left its end, and is ready.
    ///
    /// # Errors
    /// The directory can't be made or read.
    pub(crate) fn new(
        desk: Arc<SpoolDesk>,
        clock: Clock,
        reserve_mb: u64,
        items: Receiver<SpoolItem>,
        tell: Tell,
    ) -> anyhow::Result<Spooler> {
        recover::recover(&desk)?;
        Ok(Spooler {
            desk,
            clock,
            reserve: reserve_mb.saturating_mul(1_000_000),
            create: file::create,
            items,
            tell,
            files: BTreeMap::new(),
            used: BTreeMap::new(),
            synced: Duration::ZERO,
            turn: 0,
            left: Vec::new(),
            is_full: false,
            trouble: None,
            is_stopped: false,
        })
    }

    /// Works until told to stop.
    pub(crate) fn run(&mut self) {
        while !self.is_stopped {
            let now = self.clock.mono();
            let pause = (self.synced + SYNC).saturating_sub(now);
            match self.items.recv_timeout(pause) {
                Ok(item) => self.serve_all(item),
                Err(RecvTimeoutError::Disconnected) => self.is_stopped = true,
                Err(RecvTimeoutError::Timeout) => {}
            }
            if self.clock.mono() >= self.synced + SYNC {
                self.sync();
            }
        }
        let ids: Vec<RecordingId> = self.files.keys().copied().collect();
        for id in ids {
            if let Some(writing) = self.files.remove(&id) {
                let (end, why) = (RecordingEnd::Stopped, None);
                self.give_up(writing, Broken { end, why });
            }
        }
    }

    /// Serves what there is, and waits until there is more than one block again.
    fn serve_all(&mut self, item: SpoolItem) {
        self.serve(item);
        while !self.is_stopped {
            match self.items.try_recv() {
                Ok(item) => self.serve(item),
                Err(_) => return std::thread::sleep(GATHER),
            }
        }
    }

    fn serve(&mut self, item: SpoolItem) {
        match item {
            SpoolItem::Write {
                worker,
                session,
                spool,
            } => self.write(worker, session, spool),
            SpoolItem::Refused(id) => {
                self.fail(id, &Trouble::slow());
            }
            SpoolItem::Stop => self.is_stopped = true,
        }
    }

    fn write(&mut self, worker: usize, session: MediaSessionId, spool: Spool) {
        let octets = ITEM + octets_of(&spool);
        self.desk.waiting.fetch_sub(octets, Ordering::Relaxed);
        let id = spool.recording();
        if let Err(error) = self.done(spool) {
            self.fail(id, &error);
            (self.tell)(worker, MediaItem::SpoolFailed(session, id));
        }
    }

    /// Does one thing. What is for a recording that has failed is thrown away.
    fn done(&mut self, spool: Spool) -> Result<(), Trouble> {
        match spool {
            Spool::Begin {
                recording,
                call,
                format,
                channels,
            } => {
                self.desk.begun.fetch_add(1, Ordering::Relaxed);
                self.has_room(recording.tenant, 0)?;
                let record = RecordingRecord {
                    id: recording,
                    call,
                    start: self.clock.now().wall,
                    ms: 0,
                    octets: 0,
                    format,
                    channels,
                    end: RecordingEnd::Cut,
                    why: None,
                    marks: Vec::new(),
                };
                let writing = Writing::begin(&self.desk.root, record, self.create)?;
                self.files.insert(recording, writing);
                Ok(())
            }
            Spool::Block { recording, octets } => {
                if !self.files.contains_key(&recording) {
                    return Ok(());
                }
                self.has_room(recording.tenant, octets.len())?;
                let writing = self.files.get_mut(&recording);
                Ok(writing.map_or(Ok(()), |writing| writing.write(&octets))?)
            }
            Spool::Mark {
                recording,
                at_ms,
                name,
            } => {
                let writing = self.files.get_mut(&recording);
                let mark = RecordingMark { at_ms, name };
                Ok(writing.map_or(Ok(()), |writing| writing.mark(mark))?)
            }
            Spool::End {
                recording,
                ms,
                end,
                head,
            } => match self.files.remove(&recording) {
                // Whoever was never heard, or only in pauses, leaves no empty file.
                Some(writing) if ms == 0 => Ok(file::remove(&self.desk.root, &writing.note.record)?),
                Some(writing) => {
                    let note = writing.note.clone();
                    match writing.end(ms, end, &head) {
                        Ok(record) => self.desk.finish(record),
                        // All of its sound is there; only its end is not.
                        Err(error) => self.leave(note, Broken { end, why: None }, &error),
                    }
                    Ok(())
                }
                None => Ok(()),
            },
            Spool::Discard { recording } => match self.files.remove(&recording) {
                Some(writing) => Ok(file::remove(&self.desk.root, &writing.note.record)?),
                None => Ok(()),
            },
        }
    }

    /// Is there room for so many octets more, by the tenant's policy and on the disk?
    fn has_room(&mut self, tenant: TenantId, more: usize) -> Result<(), Trouble> {
        let now = self.clock.mono();
        let root = &self.desk.root;
        let count = |now| Used {
            octets: octets_in(&dir_of(root, tenant)),
            counted: now,
        };
        let room = self.desk.room(tenant);
        let used = self.used.entry(tenant).or_insert_with(|| count(now));
        let after = |used: &Used| used.octets.saturating_add(u64::try_from(more).unwrap_or(0));
        if after(used) >= room && now >= used.counted + RECOUNT {
            *used = count(now);
        }
        if after(used) >= room {
            return Err(Trouble::tenant_full());
        }
        // Whoever begins is not refused for what was so up to a second ago.
        let free = match more {
            0 => crate::sys::free_octets(root)?,
            _ => self.reserve,
        };
        self.is_full &= more > 0 || is_too_little(free, self.reserve);
        if self.is_full || free < self.reserve {
            return Err(Trouble::nearly_full());
        }
        used.octets = after(used);
        Ok(())
    }

    fn fail(&mut self, id: RecordingId, trouble: &Trouble) {
        self.desk.failed.fetch_add(1, Ordering::Relaxed);
        let Trouble { fault, text } = trouble;
        if self.trouble.as_ref() != Some(text) {
            tracing::error!(tenant = %id.tenant, "recordings can't be written, calls go on: {text}");
            self.trouble = Some(text.clone());
        }
        if let Some(writing) = self.files.remove(&id) {
            let (end, why) = (RecordingEnd::Failed, Some(*fault));
            self.give_up(writing, Broken { end, why });
        }
    }

    /// Ends a recording by what is on the disk of it.
    fn give_up(&mut self, writing: Writing, broken: Broken) {
        let note = writing.note.clone();
        drop(writing);
        match file::mend(&self.desk.root, note.clone(), broken) {
            Ok(Some(record)) => self.desk.finish(record),
            Ok(None) => {}
            Err(error) => self.leave(note, broken, &error),
        }
    }

    /// The next second, or else the next start, gives it its end.
    fn leave(&mut self, note: Note, broken: Broken, error: &io::Error) {
        tracing::warn!(tenant = %note.record.id.tenant, "a recording is left unfinished for now: {error}");
        if self.left.len() < FINISHED {
            self.left.push((note, broken));
        }
    }

    /// Gives those their end that were left; where one fails the others would as well.
    fn catch_up(&mut self) {
        while let Some((note, broken)) = self.left.pop() {
            match file::mend(&self.desk.root, note.clone(), broken) {
                Ok(record) => record.into_iter().for_each(|record| self.desk.finish(record)),
                Err(_) => return self.left.push((note, broken)),
            }
        }
    }

    /// Syncs what was written to the files whose turn it is, and looks at the disk.
    fn sync(&mut self) {
        let turn = self.turn % TURNS;
        self.turn = self.turn.wrapping_add(1);
        let files = self.files.iter();
        let due = files.filter(|(id, _)| id.number % TURNS == turn);
        let ids: Vec<RecordingId> = due
            .inspect(|(_, writing)| writing.begin_sync())
            .map(|(id, _)| *id)
            .collect();
        for id in ids {
            let root = &self.desk.root;
            let synced = self
                .files
                .get_mut(&id)
                .map_or(Ok(()), |writing| writing.sync(root));
            if let Err(error) = synced {
                // The worker finds out by the next block, which goes nowhere.
                self.fail(id, &error.into());
            }
        }
        self.catch_up();
        self.synced = self.clock.mono();
        let free = crate::sys::free_octets(&self.desk.root).unwrap_or(0);
        self.is_full = is_too_little(free, self.reserve);
        if free >= self.reserve.max(1) && self.trouble.take().is_some() {
            tracing::info!("recordings may be written again");
        }
    }
}

/// Do those that run have to end with so many octets free? Without a reserve, a disk that is full is still full.
fn is_too_little(free: u64, reserve: u64) -> bool {
    free < (reserve / 2).max(1)
}

/// Octets of all files in a directory; one that can't be read counts as none.
fn octets_in(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries
        .filter_map(|entry| Some(entry.metadata().ok()?.len()))
        .sum()
}
