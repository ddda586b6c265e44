//! Why something could not be written.

use model::RecordingFault;
use std::io::{self, ErrorKind};

/// For the record, and in the log's words.
#[derive(Debug)]
pub(super) struct Trouble {
    pub(super) fault: RecordingFault,
    pub(super) text: String,
}

impl Trouble {
    fn new(fault: RecordingFault, text: &str) -> Trouble {
        let text = text.to_owned();
        Trouble { fault, text }
    }

    pub(super) fn tenant_full() -> Trouble {
        let text = "the tenant has no room left for recordings; see recording_mb";
        Trouble::new(RecordingFault::TenantFull, text)
    }

    pub(super) fn nearly_full() -> Trouble {
        let text = "the disk is nearly full; see recording_reserve_mb";
        Trouble::new(RecordingFault::DiskFull, text)
    }

    pub(super) fn slow() -> Trouble {
        Trouble::new(RecordingFault::DiskSlow, "more waits for the disk than may wait")
    }
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Trouble {
        let fault = match error.kind() {
            ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge => {
                RecordingFault::DiskFull
            }
            _ => RecordingFault::DiskFailed,
        };
        Trouble::new(fault, &error.to_string())
    }
}
