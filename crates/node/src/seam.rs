//! What is said to a media worker, by whomever, and what all threads have to know about sessions.
//!
//! Does not own: the queues that it crosses (`shared`).

use link::CommandFrame;
use model::{ForkEnd, ForkId, MediaCommand, MediaSessionId, QualityView, RecordingId, Sound, TenantId};
use std::sync::Arc;
use std::sync::mpsc::Sender;

/// To a media worker.
pub(crate) enum MediaItem {
    /// From a tenant.
    Frame(CommandFrame),
    /// From a command of the operator, about a session that there was a moment ago.
    Command(MediaCommand),
    /// A sound that a session asked for, at this rate; `None` = there is none.
    Loaded {
        /// The session.
        session: MediaSessionId,
        /// Which.
        sound: Sound,
        /// Samples per second.
        rate_hz: u32,
        /// What it sounds like.
        samples: Option<Arc<[i16]>>,
    },
    /// The WebSocket of a fork stands.
    ForkOpened(MediaSessionId, ForkId),
    /// It is gone, or never came about; so many milliseconds of sound were left out.
    ForkEnded(MediaSessionId, ForkId, ForkEnd, u64),
    /// A message came over it.
    ForkHeard {
        /// The session.
        session: MediaSessionId,
        /// Which.
        fork: ForkId,
        /// Text, or else binary.
        is_text: bool,
        /// All of it.
        octets: Vec<u8>,
    },
    /// The file of a recording can't be written.
    SpoolFailed(MediaSessionId, RecordingId),
    /// A tenant was rebuilt and has forgotten its sessions: close them, tell nobody.
    Abandon(TenantId),
    /// The audio of a tenant's sessions.
    Quality(TenantId, Sender<Vec<QualityView>>),
    /// How many sessions there are.
    Sessions(Sender<usize>),
    /// End the thread.
    Stop,
}

/// 32 octets from the operating system.
///
/// # Errors
/// The operating system has no randomness to give.
pub(crate) fn random32() -> anyhow::Result<[u8; 32]> {
    use ring::rand::{SecureRandom, SystemRandom};
    let mut octets = [0; 32];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| anyhow::anyhow!("the operating system gave no random numbers; check /dev/urandom"))?;
    Ok(octets)
}
