//! What is heard in a sound: digits, fax machines, its level, whether somebody speaks.

mod dtmf;
mod fax;
mod goertzel;
mod level;
mod voice;

pub use dtmf::{Dtmf, DtmfHeard};
pub use fax::{Fax, FaxTone};
pub use level::{SILENCE_DBOV, level_dbov};
pub use voice::Voice;
