//! The sound of a call on its way to a WebSocket, and back, as data that crosses to the media plane.

use crate::{CallId, Leg, Over};
use serde::{Deserialize, Serialize};

/// What is done about a fork.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fork {
    /// Connects, and sends from then on.
    Start(Box<ForkPlan>),
    /// Ends, and says so to the other side. Answered by `Forked`.
    Stop,
}

/// What goes where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ForkPlan {
    /// `ws` or `wss`: from the operator's or the tenant's configuration, never from a caller. The shell checks the address.
    pub url: Box<str>,
    /// Whose sound is sent.
    pub side: ForkSide,
    /// How it is written, there and back.
    pub format: ForkFormat,
    /// Who hears what comes back; `None` = it is not listened to.
    pub back: Option<Leg>,
    /// Whether that leg hears the other side of the call as well while something comes back.
    pub over: Over,
    /// The call, as the other side is told.
    pub call: CallId,
}

/// Whose sound is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkSide {
    /// The caller's.
    Caller,
    /// The callee's.
    Callee,
    /// Both as one.
    Mixed,
    /// Both, each for itself: as two channels whose samples take turns, the caller's first, or as two tracks.
    Both,
}

/// How sound is written on a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkFormat {
    /// Binary messages of 20 ms: 16-bit samples, little-endian.
    L16 {
        /// 8,000, 16,000 or 24,000.
        rate_hz: u32,
    },
    /// Text messages as Twilio's Media Streams have them: JSON, µ-law at 8 kHz in base64.
    Twilio,
}

/// Why a fork ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ForkEnd {
    /// As it was told to, or with its session.
    Stopped,
    /// The other side closed it.
    Closed,
    /// The address is none that may be connected to, or there are too many forks.
    Refused,
    /// Nobody there, or no WebSocket.
    Unreachable,
    /// Its certificate is not trusted: nobody known vouches for it, it names somebody else, or its time is over.
    Untrusted,
    /// The other side did not read.
    Stalled,
    /// The other side sent what is no WebSocket, or more than may be.
    Broken,
}

impl ForkEnd {
    /// In a log's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ForkEnd::Stopped => "stopped",
            ForkEnd::Closed => "closed by the other side",
            ForkEnd::Refused => "refused",
            ForkEnd::Unreachable => "unreachable",
            ForkEnd::Untrusted => "its certificate is not trusted",
            ForkEnd::Stalled => "the other side does not read",
            ForkEnd::Broken => "the other side breaks the protocol",
        }
    }
}
