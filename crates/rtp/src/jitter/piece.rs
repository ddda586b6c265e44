//! What goes into a jitter buffer and what comes out of it.

/// Limits of the delay, and the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Units of a timestamp per second (8000 for G.722, 48000 for Opus).
    pub clock_hz: u32,
    /// Shortest delay, ms.
    pub min_delay_ms: u32,
    /// Delay before anything is known of the network, ms.
    pub start_delay_ms: u32,
    /// Longest delay, ms.
    pub max_delay_ms: u32,
}

impl Settings {
    /// For a telephone call: 20 to 300 ms, 40 ms to begin with.
    #[must_use]
    pub fn call(clock_hz: u32) -> Settings {
        Settings {
            clock_hz,
            min_delay_ms: 20,
            start_delay_ms: 40,
            max_delay_ms: 300,
        }
    }
}

/// What a payload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Content {
    /// Sound of so many clock units.
    Sound(u32),
    /// The noise of a pause that begins (RFC 3389, or a codec's own).
    Comfort,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stored {
    /// It waits for its time.
    Waiting,
    /// Its time is over.
    Late,
    /// It was here before.
    Duplicate,
    /// It is of another source, or far from the stream; the next one of the same kind will be believed.
    Stray,
    /// It is longer than [`MAX_PAYLOAD`](super::MAX_PAYLOAD).
    TooLong,
}

/// What the player should do with a piece to bring the delay nearer to the aim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Pace {
    /// Play as it is.
    Keep,
    /// Take a period of the voice out.
    Shorten,
    /// Put a period of the voice in.
    Lengthen,
}

/// The next piece of the stream. Durations are in clock units.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Decode and play.
    Sound {
        /// Payload type.
        pt: u8,
        /// The packet's payload.
        payload: &'a [u8],
        /// Its length in time.
        duration: u32,
        /// Faster, slower or neither.
        pace: Pace,
    },
    /// Conceal a loss.
    Lost {
        /// How much.
        duration: u32,
        /// The packet behind it, if that is here: a codec may find the lost one in it.
        next: Option<&'a [u8]>,
    },
    /// Play comfort noise.
    Comfort {
        /// How much.
        duration: u32,
        /// What the noise is from now on, if it was told anew.
        payload: Option<&'a [u8]>,
    },
    /// There is no stream.
    Silence {
        /// How much.
        duration: u32,
    },
}

/// What happened so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Packets that were played.
    pub played: u64,
    /// Packets that came too late.
    pub late: u64,
    /// Packets that came again.
    pub duplicate: u64,
    /// Packets thrown away to keep the delay or the memory within limits.
    pub discarded: u64,
    /// Packets of another source that were not believed.
    pub stray: u64,
    /// Concealed sound, clock units.
    pub concealed: u64,
}
