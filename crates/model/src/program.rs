//! What the server itself lets a leg hear, as data that crosses to the media plane.

use serde::{Deserialize, Serialize};

/// The two laws of G.711.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Law {
    /// A-law, PCMA.
    A,
    /// µ-law, PCMU.
    Mu,
}

/// How sound is written for a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voice {
    /// RTP payload type.
    pub pt: u8,
    /// What its octets are.
    pub law: Law,
}

/// What a tone says; how it sounds is the country's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ToneName {
    /// Dial now.
    Dial,
    /// The other phone rings.
    Ringback,
    /// The other phone is busy.
    Busy,
    /// There is no way through, or it is not allowed.
    Congestion,
    /// Special information.
    Information,
    /// What was asked for is done.
    Confirmation,
}

impl ToneName {
    /// In a record's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ToneName::Dial => "dial",
            ToneName::Ringback => "ringback",
            ToneName::Busy => "busy",
            ToneName::Congestion => "congestion",
            ToneName::Information => "information",
            ToneName::Confirmation => "confirmation",
        }
    }
}

/// What the one leg of a session hears that the server answers itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// What it says.
    Echo,
    /// Nothing, in packets.
    Silence {
        /// How it is written.
        voice: Voice,
        /// How long, milliseconds; 0 = until there is another program.
        ms: u32,
    },
    /// A tone.
    Tone {
        /// Which.
        tone: ToneName,
        /// Whose, by its two letters; where nobody knows them the tone is that of the United States.
        country: Box<str>,
        /// How it is written.
        voice: Voice,
        /// How long, milliseconds; 0 = until there is another program.
        ms: u32,
    },
}
