//! The note beside a recording that is not in the database yet: one JSON object per line, only ever appended to, so that
//! whatever was written survives a kill.
//!
//! Owns: names of files, and what a note says. Does not own: when it is written.

use model::{
    CdrId, Container, RecordingEnd, RecordingFault, RecordingId, RecordingMark, RecordingRecord, TenantId,
    Wall,
};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// A note is short: marks are few, and so are their octets.
pub(super) const LONGEST: u64 = 1 << 20;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// The first.
    Begin {
        call: Option<CdrId>,
        start: Wall,
        format: Container,
        channels: u8,
    },
    Mark(RecordingMark),
    /// The last: the file is complete.
    End {
        ms: u64,
        octets: u64,
        end: RecordingEnd,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        why: Option<RecordingFault>,
    },
}

impl Line {
    pub(super) fn text(&self) -> String {
        let mut text = serde_json::to_string(self).unwrap_or_default();
        text.push('\n');
        text
    }
}

/// What a note says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Note {
    pub(super) record: RecordingRecord,
    /// The file is complete.
    pub(super) is_ended: bool,
}

impl Note {
    /// Reads a note up to where it is whole; `None` when even its first line is not.
    pub(super) fn parse(id: RecordingId, text: &str) -> Option<Note> {
        let mut lines = text.split_inclusive('\n').filter(|line| line.ends_with('\n'));
        let Ok(Line::Begin {
            call,
            start,
            format,
            channels,
        }) = serde_json::from_str(lines.next()?)
        else {
            return None;
        };
        let mut note = Note::new(RecordingRecord {
            id,
            call,
            start,
            ms: 0,
            octets: 0,
            format,
            channels,
            end: RecordingEnd::Cut,
            why: None,
            marks: Vec::new(),
        });
        for line in lines {
            // One that was cut is followed by those of the next life.
            if let Ok(line) = serde_json::from_str(line) {
                note.add(line);
            }
        }
        Some(note)
    }

    pub(super) fn new(record: RecordingRecord) -> Note {
        Note {
            record,
            is_ended: false,
        }
    }

    /// Its first line.
    pub(super) fn begin(&self) -> Line {
        let RecordingRecord {
            call,
            start,
            format,
            channels,
            ..
        } = self.record;
        Line::Begin {
            call,
            start,
            format,
            channels,
        }
    }

    pub(super) fn add(&mut self, line: Line) {
        match line {
            Line::Mark(mark) => self.record.marks.push(mark),
            Line::End { ms, octets, end, why } => {
                (self.record.ms, self.record.octets) = (ms, octets);
                (self.record.end, self.record.why) = (end, why);
                self.is_ended = true;
            }
            Line::Begin { .. } => {}
        }
    }
}

/// Where the recordings of a tenant are.
pub(super) fn dir_of(root: &Path, tenant: TenantId) -> PathBuf {
    root.join(tenant.to_string())
}

/// The sound of a recording.
pub(super) fn sound_of(root: &Path, id: RecordingId, format: Container) -> PathBuf {
    root.join(id.file_name(format.extension()))
}

pub(super) fn note_of(root: &Path, id: RecordingId) -> PathBuf {
    root.join(id.file_name("note"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: RecordingId = RecordingId {
        tenant: TenantId(7),
        number: 0xAB,
    };

    #[test]
    fn a_note_is_read_up_to_where_it_was_cut() {
        let mark = RecordingMark {
            at_ms: 40,
            name: "a\nb".into(),
        };
        let begin = Line::Begin {
            call: Some(CdrId([7; 16])),
            start: Wall(1_000),
            format: Container::Wav,
            channels: 2,
        };
        let end = Line::End {
            ms: 60,
            octets: 900,
            end: RecordingEnd::Longest,
            why: None,
        };
        let text = [begin.clone(), Line::Mark(mark.clone()), end]
            .map(|line| line.text())
            .concat();
        assert_eq!(text.lines().count(), 3);
        let whole = Note::parse(ID, &text).unwrap();
        assert!(whole.is_ended);
        assert_eq!(whole.record.marks, [mark]);
        assert_eq!((whole.record.ms, whole.record.end), (60, RecordingEnd::Longest));
        assert_eq!(whole.begin(), begin);
        let mut seen = [0; 3];
        for length in 0..text.len() {
            match Note::parse(ID, &text[..length]) {
                None => seen[0] += 1,
                Some(note) if note.record.marks.is_empty() => seen[1] += 1,
                Some(note) => {
                    assert!(!note.is_ended);
                    seen[2] += 1;
                }
            }
        }
        assert!(seen.iter().all(|times| *times > 20), "{seen:?}");
    }

    #[test]
    fn names_are_numbers() {
        let root = Path::new("/data");
        assert_eq!(
            sound_of(root, ID, Container::OggOpus),
            Path::new("/data/7/00000000000000ab.opus")
        );
        assert_eq!(note_of(root, ID), Path::new("/data/7/00000000000000ab.note"));
    }
}
