//! What is heard in a sound: digits, fax machines, its level, whether somebody speaks, and whether that is a machine.

mod dtmf;
mod fax;
mod goertzel;
mod level;
mod machine;
mod voice;

pub use dtmf::{Dtmf, DtmfHeard};
pub use fax::{Fax, FaxTone};
pub use level::{SILENCE_DBOV, level_dbov};
pub use machine::{Answerer, Machine, Rules};
pub use voice::Voice;
