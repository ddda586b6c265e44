//! What is kept of a recording besides its sound.

use crate::{CdrId, Container, RecordingEnd, RecordingId, Wall};
use serde::{Deserialize, Serialize};

/// A recording that has ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingRecord {
    /// Unique; storing the same twice leaves one.
    pub id: RecordingId,
    /// The record of the call that it belongs to.
    pub call: Option<CdrId>,
    /// When it began.
    pub start: Wall,
    /// Its length, milliseconds.
    pub ms: u64,
    /// Its size.
    pub octets: u64,
    /// The format of its file.
    pub format: Container,
    /// 1, or 2: the caller on the left.
    pub channels: u8,
    /// Why it ended.
    pub end: RecordingEnd,
    /// What kept it from being written to its end, where it has failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<RecordingFault>,
    /// Places to be found again.
    pub marks: Vec<RecordingMark>,
}

/// Why a recording was not written to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingFault {
    /// The tenant has used up its room.
    TenantFull,
    /// The disk is full, or nearly.
    DiskFull,
    /// The disk can't be written for another reason.
    DiskFailed,
    /// The disk is slower than what is recorded.
    DiskSlow,
}

impl RecordingFault {
    /// In a list's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RecordingFault::TenantFull => "tenant full",
            RecordingFault::DiskFull => "disk full",
            RecordingFault::DiskFailed => "disk failed",
            RecordingFault::DiskSlow => "disk slow",
        }
    }
}

/// A place in a recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordingMark {
    /// Milliseconds from its beginning.
    pub at_ms: u64,
    /// What it is called.
    pub name: Box<str>,
}

impl RecordingId {
    /// The name of a file of it below the folder of recordings: nothing that a user wrote is in it.
    #[must_use]
    pub fn file_name(self, extension: &str) -> String {
        format!("{}/{:016x}.{extension}", self.tenant, self.number)
    }
}

impl Container {
    /// What the names of such files end in.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Container::OggOpus => "opus",
            Container::Wav => "wav",
        }
    }
}
