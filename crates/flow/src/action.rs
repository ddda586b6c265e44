//! What goes into a flow and what comes out.
//!
//! Owns: events and actions as data. Does not own: which follows from which (`run`, `served`).

use crate::graph::{Forward, Outside, Refusal};
use model::{
    Answerer, MachineRules, Over, Playlist, RecordingId, Seat, ToneName, UserId, UserSettingsChange,
};

/// What happened to the current node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The call begins.
    Start,
    /// A phone answered.
    Answered,
    /// Nobody did, for this reason.
    Unanswered(Refusal),
    /// What was dialled for the caller has answered, and was listened to.
    Screened(Answerer),
    /// The settings are changed.
    Changed,
    /// What was to be heard is over.
    Played,
    /// The caller pressed a key.
    Digit(char),
    /// The time of [`Action::Await`] and its like is over, or what was to be heard should be over by far.
    Elapsed,
    /// A recording has begun, and this is it.
    Began(RecordingId),
    /// It has ended, with this length in milliseconds; 0 = there is none.
    Recorded {
        /// Milliseconds.
        ms: u64,
    },
    /// What comes of a PIN, see [`Action::Try`].
    Tried(Tried),
    /// The caller is in the conference that he wanted to enter.
    Entered {
        /// How many are there beside him.
        others: u32,
    },
    /// He is not let in.
    Shut(Shut),
    /// Somebody else muted him, or let him be heard again.
    Muted(bool),
    /// The conference is locked now, or open.
    Locked(bool),
    /// So many others are there.
    Counted(u32),
    /// He was put out of the room.
    Removed,
    /// The room is no more.
    RoomOver,
}

/// What comes of a PIN.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It opens.
    Right,
    /// It does not.
    Wrong,
    /// There were too many wrong ones: for a while none is looked at.
    Barred,
}

/// Why nobody comes into a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shut {
    /// It has as many members as it may have.
    Full,
    /// A moderator has locked it.
    Locked,
    /// Nobody is there, or nobody whom he may hear.
    Nobody,
    /// He may not.
    Forbidden,
}

/// What the call is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ring these users' phones.
    Ring {
        /// Whom.
        users: Vec<UserId>,
        /// How long, seconds.
        timeout_s: u32,
    },
    /// Call this number by a trunk.
    Outside(Outside),
    /// Send the call on: find where the number leads and say so with [`Run::forward`], then [`Event::Start`].
    Forward(Forward),
    /// Answer the caller, if that is not done, and let him hear this.
    Serve(Service),
    /// Change the caller's settings, once it is certain that he can be answered.
    Set(UserSettingsChange),
    /// Refuse the caller.
    Refuse(Refusal),
    /// Nothing: the call is up.
    Talk,
    /// Nothing: what is heard and what is awaited stays.
    Wait,
    /// Say [`Event::Elapsed`] after this time.
    Await {
        /// What is heard now ends.
        hush: bool,
        /// Milliseconds; 0 = wait for ever.
        within_ms: u32,
    },
    /// Record the caller after a beep; say [`Event::Began`], and [`Event::Recorded`] when it ends.
    Record {
        /// Longest, milliseconds.
        max_ms: u32,
        /// Longest silence, milliseconds; 0 = any.
        silence_ms: u32,
        /// As in `Await`.
        within_ms: u32,
    },
    /// End the recording.
    StopRecording {
        /// As in `Await`.
        within_ms: u32,
    },
    /// Throw a recording away, then [`Event::Start`].
    Discard(RecordingId),
    /// The caller has typed a PIN of a conference, a right one or not; say [`Event::Tried`]. How many may be wrong is counted over
    /// calls.
    Try {
        /// The number of the conference.
        room: u32,
        /// It is one of its PINs.
        right: bool,
    },
    /// Ask for a place in a conference; say [`Event::Entered`] or [`Event::Shut`].
    Enter(Enter),
    /// Do something about the room that the caller is in, and let him hear this over it.
    Room(RoomAct, Option<Playlist>),
    /// Take the caller out of his room, and let him hear this.
    Leave(Playlist),
    /// Let these users' phones answer by themselves and hear the caller.
    Page(Vec<UserId>),
    /// Let the caller hear a call of this user.
    Listen(UserId),
    /// Call this number for the caller; say [`Event::Unanswered`] where nobody answers.
    Dial {
        /// Which.
        number: Box<str>,
        /// The caller has typed it himself.
        typed: bool,
        /// Listen by these rules to who answers, and say [`Event::Screened`], before the caller is connected.
        screen: Option<MachineRules>,
    },
    /// Connect the caller to who has answered. Any other action after [`Event::Screened`] hangs that one up.
    Connect,
    /// It has been up for as long as there was something to hear.
    HangUp,
}

/// What the server itself does for a caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sends him what he says.
    Echo,
    /// Plays a tone.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, milliseconds; 0 = for ever.
        ms: u32,
    },
    /// Plays these.
    Play {
        /// What.
        list: Playlist,
        /// How it is heard with the room that he is in.
        over: Over,
    },
}

/// A place in a conference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enter {
    /// Its number.
    pub room: u32,
    /// As a moderator.
    pub moderator: bool,
    /// Members hear who comes and goes.
    pub chimes: bool,
}

/// What a member does about his room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomAct {
    /// Has another part in it.
    Sit(Seat),
    /// Wants to know how many others there are: [`Event::Counted`].
    Count,
    /// Locks it, or opens it again: [`Event::Locked`].
    Lock,
    /// Mutes everybody else who is no moderator.
    MuteOthers,
    /// Ends it for all.
    End,
    /// Hears the call that he supervises.
    Listen,
    /// Is heard by his colleague alone.
    Whisper,
    /// Is heard by both.
    Barge,
}
