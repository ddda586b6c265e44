//! What the server itself does with the sound of a leg, as data that crosses to the media plane.

use crate::{CdrId, RecordingId, RoomId, SoundId};
use serde::{Deserialize, Serialize};

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
    /// Speak now: a second of 1,000 Hz would be long; this is 0.4 s of it.
    Beep,
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
            ToneName::Beep => "beep",
        }
    }
}

/// What a leg hears of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Program {
    /// What it says.
    Echo,
    /// These, one after the other.
    Play(Playlist),
    /// These, and now and then something is said in between; then they go on where they were.
    Announced {
        /// What is heard.
        list: Playlist,
        /// What is said, each time once.
        words: Playlist,
        /// How much of `list` is heard before each time, milliseconds.
        every_ms: u32,
    },
}

impl Program {
    /// A tone, until there is another program.
    #[must_use]
    pub fn tone(tone: ToneName, country: &str, ms: u32) -> Program {
        Program::Play(Playlist {
            items: vec![Item::Tone {
                tone,
                country: country.into(),
                ms,
            }],
            times: 1,
        })
    }
}

/// Things to be heard one after the other.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Playlist {
    /// What; at most [`Playlist::MOST`].
    pub items: Vec<Item>,
    /// How often; 0 = until there is another program.
    pub times: u32,
}

impl Playlist {
    /// Items that a list may have.
    pub const MOST: usize = 64;
}

/// One thing to be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Item {
    /// Nothing, in packets.
    Silence {
        /// How long, milliseconds; 0 = until there is another program.
        ms: u32,
    },
    /// A tone.
    Tone {
        /// Which.
        tone: ToneName,
        /// Whose, by its two letters; where nobody knows them the tone is that of the United States.
        country: Box<str>,
        /// How long, milliseconds; 0 = until there is another program.
        ms: u32,
    },
    /// A sound that is kept somewhere. One that can't be had is left out, and counted.
    Sound(Sound),
}

impl Item {
    /// A prompt of the library, see [`Sound::Prompt`].
    #[must_use]
    pub fn prompt(language: &str, name: &str) -> Item {
        Item::Sound(Sound::Prompt {
            language: language.into(),
            name: name.into(),
        })
    }
}

/// Where a sound is kept.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Sound {
    /// In the library of prompts, by language and name, `("en", "digit/7")`. Music is `("", "music/default")`.
    Prompt {
        /// Two letters; where it lacks the prompt, English is taken.
        language: Box<str>,
        /// Its name in the catalogue.
        name: Box<str>,
    },
    /// A recording of this tenant.
    Recording(RecordingId),
    /// A sound that this tenant brought.
    Own(OwnSound),
}

/// A sound that a tenant brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OwnSound {
    /// Which.
    pub id: SoundId,
    /// Its length, milliseconds.
    pub ms: u32,
}

/// How a program and the other side of the call are heard together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// The program alone, until it ends.
    #[default]
    Instead,
    /// Both.
    Mixed,
}

/// What is done about a recording of a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recording {
    /// Begins, or goes on when it was paused. Stereo, the caller on the left, where the session has two legs; else mono.
    Start {
        /// What is written.
        format: Container,
        /// Ends by itself after this, milliseconds; 0 = never.
        max_ms: u32,
        /// Ends by itself after such a silence of all legs, milliseconds; 0 = never.
        silence_ms: u32,
        /// The record of the call that it belongs to.
        #[serde(default)]
        call: Option<CdrId>,
    },
    /// Nothing is written until it goes on; the time does not run meanwhile.
    Pause,
    /// A place to be found again, with what to call it.
    Mark(Box<str>),
    /// Ends. Answered by `Recorded`.
    Stop,
    /// Ends, and what was written is thrown away. Answered by `Recorded` with nothing.
    Discard,
}

/// The file format of a recording.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Container {
    /// Opus in Ogg (RFC 7845).
    #[default]
    OggOpus,
    /// 16-bit linear samples at 8 kHz.
    Wav,
}

/// Why a recording ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordingEnd {
    /// As it was told to, or with its session.
    Stopped,
    /// It was as long as it may be.
    Longest,
    /// Nobody said anything.
    Silence,
    /// It could not be written: the disk is full, or broken, or the tenant has no room left.
    Failed,
    /// The process died meanwhile; the last second may be missing. Never in a report.
    Cut,
}

impl RecordingEnd {
    /// In a record's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            RecordingEnd::Stopped => "stopped",
            RecordingEnd::Longest => "longest",
            RecordingEnd::Silence => "silence",
            RecordingEnd::Failed => "failed",
            RecordingEnd::Cut => "cut",
        }
    }
}

/// A leg's part in a room: a conference, a page, or a call that somebody listens to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seat {
    /// The room hears it.
    pub speaks: bool,
    /// It hears the room.
    pub hears: bool,
}

/// Where the legs of a session sit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seats {
    /// Which room.
    pub room: RoomId,
    /// The caller's leg.
    pub caller: Seat,
    /// The callee's leg, where there is one. It goes on hearing the caller, and is heard by it.
    pub callee: Seat,
    /// Members hear it when somebody comes and goes.
    pub chimes: bool,
}

/// What is listened for in what a leg says. Telephone events are always reported.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signals {
    /// Digits as tones.
    pub dtmf: bool,
    /// A fax machine, one that calls and one that answers.
    pub fax: bool,
    /// When somebody begins and ceases to speak.
    pub voice: bool,
    /// Whether a person or a machine has answered, by these rules, from now on. Told once.
    #[serde(default)]
    pub machine: Option<MachineRules>,
}

/// What an answering machine is known by: the names and defaults of Asterisk's `AMD`. Lengths are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct MachineRules {
    /// Silence at the beginning; longer is a machine.
    pub initial_silence_ms: u32,
    /// Sound of the whole greeting; longer is a machine.
    pub greeting_ms: u32,
    /// Silence behind the greeting; longer is a person who waits.
    pub after_greeting_silence_ms: u32,
    /// Time in which it has to be decided.
    pub total_ms: u32,
    /// The shortest sound that is a word.
    pub min_word_ms: u32,
    /// One sound without a pause; longer is a machine.
    pub max_word_ms: u32,
    /// The shortest silence that parts two words.
    pub between_words_ms: u32,
    /// Words; more are a machine.
    pub max_words: u32,
    /// Mean of the samples' absolute values that is sound.
    pub threshold: u16,
}

impl Default for MachineRules {
    fn default() -> MachineRules {
        MachineRules {
            initial_silence_ms: 2_500,
            greeting_ms: 1_500,
            after_greeting_silence_ms: 800,
            total_ms: 5_000,
            min_word_ms: 100,
            max_word_ms: 5_000,
            between_words_ms: 50,
            max_words: 2,
            threshold: 256,
        }
    }
}

/// Who has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answerer {
    /// Somebody waits for an answer.
    Human,
    /// A machine speaks.
    Machine,
    /// It has not become clear.
    Unknown,
}

impl Answerer {
    /// In a record's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Answerer::Human => "human",
            Answerer::Machine => "machine",
            Answerer::Unknown => "unknown",
        }
    }
}

/// What was heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// A fax machine that calls (T.30 CNG, 1,100 Hz).
    Fax,
    /// A fax machine or modem that answers (T.30 CED, 2,100 Hz).
    FaxAnswers,
    /// This has answered.
    Answered(Answerer),
    /// Somebody speaks.
    Speech,
    /// Nobody speaks any more.
    Quiet,
}
