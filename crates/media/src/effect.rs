//! What the shell is asked to do.

use crate::ports::PairId;
use model::{
    CdrId, Container, ForkId, MediaReport, MediaSessionId, RecordingEnd, RecordingId, RoomId, Sound,
};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Open two sockets and answer with [`Relay::bound`].
    Bind {
        /// The pair that packets from these sockets are given in with.
        pair: PairId,
        /// The local address as descriptions show it.
        ip: IpAddr,
        /// Even port for RTP; RTCP has the port above.
        rtp_port: u16,
    },
    /// Find a sound, and answer with [`Relay::loaded`].
    Load {
        /// Whose program it is for; the tenant's own sounds come before those of the house.
        session: MediaSessionId,
        /// Which.
        sound: Sound,
        /// Samples per second that are wanted.
        rate_hz: u32,
    },
    /// Give other relays of the node what is said in a room here, by [`crate::Relay::room_frame`]. What can't be given at
    /// once is to be left out.
    Room {
        /// Which relay, as [`crate::Relay::set_worker`] named it; `None` = all.
        to: Option<u16>,
        /// What.
        frame: Arc<RoomFrame>,
    },
    /// Tell the session.
    Report(MediaReport),
    /// Do something for a fork.
    Fork {
        /// Of this session.
        session: MediaSessionId,
        /// Which.
        fork: ForkId,
        /// What.
        ask: ForkAsk,
    },
    /// Write a recording.
    Spool {
        /// Of this session.
        session: MediaSessionId,
        /// What.
        spool: Spool,
    },
}

/// What the shell does with the file of a recording, in this order: `Begin`, any of `Block` and `Mark`, then `End` or `Discard`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Spool {
    /// There is to be a file. When there can't be, or a block can't be written, the shell says so by
    /// [`crate::Relay::spool_failed`].
    Begin {
        /// Which.
        recording: RecordingId,
        /// The record of the call that it belongs to.
        call: Option<CdrId>,
        /// What it holds.
        format: Container,
        /// 1 or 2.
        channels: u8,
    },
    /// Goes to the end of the file.
    Block {
        /// Which.
        recording: RecordingId,
        /// What.
        octets: Vec<u8>,
    },
    /// A place to be found again.
    Mark {
        /// Which.
        recording: RecordingId,
        /// Where, milliseconds from the beginning.
        at_ms: u64,
        /// What it is called.
        name: Box<str>,
    },
    /// It is complete.
    End {
        /// Which.
        recording: RecordingId,
        /// Its length, milliseconds.
        ms: u64,
        /// Why it ended.
        end: RecordingEnd,
        /// What the file has to begin with instead, if anything: lengths that are only known now.
        head: Vec<u8>,
    },
    /// It was never there.
    Discard {
        /// Which.
        recording: RecordingId,
    },
}

impl Spool {
    /// Which recording it is for.
    #[must_use]
    pub fn recording(&self) -> RecordingId {
        match self {
            Spool::Begin { recording, .. }
            | Spool::Block { recording, .. }
            | Spool::Mark { recording, .. }
            | Spool::End { recording, .. }
            | Spool::Discard { recording } => *recording,
        }
    }
}

/// What the shell does for a fork: `Connect`, any number of `Send`, then `Close`, or it ends it by
/// [`crate::Relay::fork_ended`] and what is still asked for it goes nowhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ForkAsk {
    /// Open a WebSocket, if that address may be connected to, and say so by [`crate::Relay::fork_opened`].
    Connect {
        /// Where.
        url: Box<str>,
    },
    /// Send a message. Nothing waits for it: where the other side does not read, the oldest sound is left out.
    Send {
        /// Text, or else binary.
        is_text: bool,
        /// All of it.
        octets: Vec<u8>,
        /// Sound that is in it, milliseconds; 0 = it is no sound, and may not be left out.
        ms: u32,
    },
    /// Say goodbye and close, once everything is sent.
    Close,
}

/// What the members of a room on one relay say in a tick; without sound, that they are there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomFrame {
    /// Which room.
    pub room: RoomId,
    /// The relay, as [`crate::Relay::set_worker`] named it.
    pub from: u16,
    /// Members that the room has there; 0 = it is there no more.
    pub members: u16,
    /// The tick, at the clock that all relays of the node share.
    pub at: Duration,
    /// What narrow-band members say together, 160 samples.
    pub narrow: Option<Arc<[i16]>>,
    /// What wide-band members say together, 320 samples.
    pub wide: Option<Arc<[i16]>>,
}
