//! The two files of a recording that is being made: its sound and its note.
//!
//! Owns: their making, and how one that was cut gets its end. Does not own: when (`Spooler`).

use super::note::{Line, Note, note_of, sound_of};
use crate::sys::begin_to_write;
use media::{Mended, OggMender, mend_wav};
use model::{Container, RecordingEnd, RecordingFault, RecordingMark, RecordingRecord};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::Path;

/// Octets that are read at once.
const BLOCK: usize = 65_536;

/// Makes a file that there is not yet; a test may give a disk that is full.
pub(super) type Create = fn(&Path) -> io::Result<File>;

/// For us alone; it must not be there.
pub(super) fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
}

/// A recording under way.
pub(super) struct Writing {
    pub(super) note: Note,
    sound: File,
    lines: File,
    /// Written since the last sync: sound, and lines of the note.
    is_dirty: bool,
    has_lines: bool,
    is_new: bool,
}

impl Writing {
    pub(super) fn begin(root: &Path, record: RecordingRecord, create: Create) -> io::Result<Writing> {
        let (id, format) = (record.id, record.format);
        let sound = sound_of(root, id, format);
        if let Some(dir) = sound.parent() {
            DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        }
        let mut lines = create(&note_of(root, id))?;
        let note = Note::new(record);
        let begun = lines.write_all(note.begin().text().as_bytes());
        let sound = begun.and_then(|()| create(&sound)).inspect_err(|_| {
            let _next_start_tries_again = std::fs::remove_file(note_of(root, id));
        })?;
        Ok(Writing {
            note,
            sound,
            lines,
            is_dirty: true,
            has_lines: true,
            is_new: true,
        })
    }

    pub(super) fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        self.sound.write_all(octets)?;
        let more = u64::try_from(octets.len()).unwrap_or(0);
        self.note.record.octets = self.note.record.octets.saturating_add(more);
        self.is_dirty = true;
        Ok(())
    }

    pub(super) fn mark(&mut self, mark: RecordingMark) -> io::Result<()> {
        self.line(Line::Mark(mark))
    }

    /// Has what was written begin its way to the disk. When all files did, the first sync commits the sizes of all.
    pub(super) fn begin_sync(&self) {
        if self.is_dirty {
            begin_to_write(&self.sound);
        }
        if self.has_lines {
            begin_to_write(&self.lines);
        }
    }

    /// Puts what was written beyond the reach of a power cut.
    pub(super) fn sync(&mut self, root: &Path) -> io::Result<()> {
        if std::mem::take(&mut self.is_dirty) {
            self.sound.sync_data()?;
        }
        if std::mem::take(&mut self.has_lines) {
            self.lines.sync_data()?;
        }
        if std::mem::take(&mut self.is_new) {
            File::open(super::note::dir_of(root, self.note.record.id.tenant))?.sync_all()?;
        }
        Ok(())
    }

    /// It is complete.
    pub(super) fn end(mut self, ms: u64, end: RecordingEnd, head: &[u8]) -> io::Result<RecordingRecord> {
        self.sound.write_all_at(head, 0)?;
        self.sound.sync_data()?;
        let octets = self.note.record.octets;
        let why = None;
        self.line(Line::End { ms, octets, end, why })?;
        self.lines.sync_data()?;
        Ok(self.note.record)
    }

    fn line(&mut self, line: Line) -> io::Result<()> {
        self.lines.write_all(line.text().as_bytes())?;
        self.has_lines = true;
        self.note.add(line);
        Ok(())
    }
}

/// How a recording ended that was not written to its end.
#[derive(Clone, Copy, Debug)]
pub(super) struct Broken {
    pub(super) end: RecordingEnd,
    pub(super) why: Option<RecordingFault>,
}

/// Gives a recording that was cut its end; `None` when there is no sound in it, and both files are gone. What has failed may be
/// done again.
pub(super) fn mend(root: &Path, mut note: Note, broken: Broken) -> io::Result<Option<RecordingRecord>> {
    let (id, format) = (note.record.id, note.record.format);
    let path = sound_of(root, id, format);
    let mended = match format {
        Container::OggOpus => File::open(&path).and_then(mend_ogg),
        Container::Wav => std::fs::metadata(&path).map(|file| mend_wav(file.len(), note.record.channels)),
    };
    let mended = match mended {
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        other => other?,
    };
    let Some(Mended { keep, head, tail, ms }) = mended else {
        remove(root, &note.record)?;
        return Ok(None);
    };
    let sound = OpenOptions::new().write(true).open(&path)?;
    sound.set_len(keep)?;
    sound.write_all_at(&tail, keep)?;
    sound.write_all_at(&head, 0)?;
    sound.sync_all()?;
    let octets = keep.saturating_add(u64::try_from(tail.len()).unwrap_or(0));
    let Broken { end, why } = broken;
    let line = Line::End { ms, octets, end, why };
    let mut lines = OpenOptions::new().append(true).open(note_of(root, id))?;
    // The last line may have been cut in the middle.
    lines.write_all(format!("\n{}", line.text()).as_bytes())?;
    lines.sync_all()?;
    note.add(line);
    Ok(Some(note.record))
}

/// However long it is, no more than a block of it is in memory.
fn mend_ogg(mut file: File) -> io::Result<Option<Mended>> {
    let mut mender = OggMender::default();
    let mut block = vec![0; BLOCK];
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(mender.finish()),
            Ok(count) => mender.push(block.get(..count).unwrap_or_default()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Removes both files.
pub(super) fn remove(root: &Path, record: &RecordingRecord) -> io::Result<()> {
    for path in [sound_of(root, record.id, record.format), note_of(root, record.id)] {
        match std::fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}
