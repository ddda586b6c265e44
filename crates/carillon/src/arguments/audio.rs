//! Commands about the sound of calls: recording it, sending it elsewhere.
//!
//! Does not own: what they do (`command`).

use clap::{Subcommand, ValueEnum};
use std::path::PathBuf;

#[derive(Debug, Subcommand)]
pub(crate) enum Call {
    /// Begin, pause, mark or end a recording
    Record {
        /// Name, domain or id
        tenant: String,
        /// The call, by its number in `carillon calls --json`
        call: u64,
        /// What to do
        act: RecordAct,
        /// Which recording, where it is not to begin: what `start` printed
        #[arg(long, value_name = "ID")]
        recording: Option<String>,
        /// What to call a mark
        #[arg(long, default_value = "", value_name = "TEXT")]
        name: String,
        /// A WAV file instead of Ogg-Opus
        #[arg(long)]
        wav: bool,
    },
    /// Send the sound to a WebSocket
    Fork {
        /// Name, domain or id
        tenant: String,
        /// The call, by its number in `carillon calls --json`
        call: u64,
        /// Where to, such as wss://media.example.com/in
        url: String,
        /// Whose sound
        #[arg(long, default_value = "both")]
        side: ForkSide,
        /// Plain 16-bit samples at this rate instead of Twilio's messages: 8000, 16000 or 24000
        #[arg(long, value_name = "HZ")]
        l16: Option<u32>,
        /// Who hears what comes back
        #[arg(long)]
        back: Option<ForkLeg>,
        /// What comes back is heard together with the other side
        #[arg(long)]
        mixed: bool,
    },
    /// End such a sending
    Unfork {
        /// Name, domain or id
        tenant: String,
        /// The call
        call: u64,
        /// What `fork` printed
        fork: String,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForkSide {
    /// What the caller says
    Caller,
    /// What the callee says
    Callee,
    /// Both as one
    Mixed,
    /// Both, each for itself
    Both,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ForkLeg {
    /// The caller
    Caller,
    /// The callee
    Callee,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum RecordAct {
    /// Begins, or goes on
    Start,
    /// Nothing is recorded until it goes on
    Pause,
    /// Marks this place
    Mark,
    /// Ends
    Stop,
    /// Ends, and leaves nothing
    Discard,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Recording {
    /// The latest first
    List {
        /// Name, domain or id
        tenant: String,
        /// Only those of this call, by the id of its record
        #[arg(long, value_name = "ID")]
        call: Option<String>,
        /// At most so many
        #[arg(long, default_value_t = 100, value_name = "N")]
        limit: u32,
    },
    /// Copy the sound of one into a file
    Export {
        /// Name, domain or id
        tenant: String,
        /// Which
        recording: String,
        /// Where to; it must not be there
        file: PathBuf,
    },
    /// Delete one with its sound
    Delete {
        /// Name, domain or id
        tenant: String,
        /// Which
        recording: String,
    },
}
