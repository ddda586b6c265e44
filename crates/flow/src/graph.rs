//! The graph: the nodes of a flow and how they lead to each other.
//!
//! Owns: the types. Does not own: how a flow comes to be (`plan`, `code`, `compile`), and running it (`run`).

use model::{DestinationClass, Item, MachineRules, Playlist, ToneName, UserId, UserSettingsChange};

/// Index of a node within its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub usize);

/// How a flow ends a call that nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The number leads nowhere.
    UnknownNumber,
    /// The number is in a domain that is not the tenant's.
    ForeignDomain,
    /// No phone is registered or reachable.
    Unreachable,
    /// Every phone is busy.
    Busy,
    /// The user has switched do-not-disturb on.
    DoNotDisturb,
    /// Somebody refused the call.
    Declined,
    /// It rang and nobody answered.
    NoAnswer,
    /// The phones could not agree on media.
    MediaRefused,
    /// Something broke on the way.
    Failed,
    /// Forwards led back to somebody who has forwarded, was called, or calls.
    Loop,
    /// More forwards than a call may take.
    TooManyForwards,
    /// Calls to such numbers are not allowed, or a limit is reached.
    Forbidden,
    /// No trunk leads there, or none has room.
    NoTrunk,
}

impl Refusal {
    /// In a record's words.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Refusal::UnknownNumber => "unknown number",
            Refusal::ForeignDomain => "foreign domain",
            Refusal::Unreachable => "unreachable",
            Refusal::Busy => "busy",
            Refusal::DoNotDisturb => "do not disturb",
            Refusal::Declined => "declined",
            Refusal::NoAnswer => "no answer",
            Refusal::MediaRefused => "media refused",
            Refusal::Failed => "failed",
            Refusal::Loop => "forwarded in a circle",
            Refusal::TooManyForwards => "too many forwards",
            Refusal::Forbidden => "not allowed",
            Refusal::NoTrunk => "no trunk",
        }
    }
}

/// Why a call is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The user forwards all calls.
    Always,
    /// The user does not want to be disturbed.
    DoNotDisturb,
    /// The user is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// No phone is registered or reachable.
    Unreachable,
    /// The user's phone sent the call on, with this status (3xx).
    Redirected(u16),
}

/// One hop of a call from a user to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Who forwards.
    pub user: UserId,
    /// His extension.
    pub by: Box<str>,
    /// Where to, as it would be dialled.
    pub to: Box<str>,
    /// Why.
    pub why: Why,
}

/// A number of the public network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// As E.164 with a plus; an emergency number as it is sent.
    pub number: Box<str>,
    /// What kind of number that is.
    pub class: DestinationClass,
}

/// Where a user's calls go on when his phones did not take them; `None` refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Otherwise {
    /// Busy.
    pub busy: Option<NodeId>,
    /// Not answered in time.
    pub no_answer: Option<NodeId>,
    /// No phone to ring.
    pub unreachable: Option<NodeId>,
}

/// One step of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Ring every phone of these users at once.
    Ring {
        /// Whom.
        users: Vec<UserId>,
        /// How long, seconds.
        timeout_s: u32,
        /// What the record calls it: the dialled extension.
        label: Box<str>,
        /// What then.
        otherwise: Otherwise,
    },
    /// Send the call on.
    Forward(Forward),
    /// Call a number of the public network.
    Outside(Outside),
    /// Answer, and send the caller what it says until it hangs up.
    Echo,
    /// Answer, and play a tone of the tenant's country; then hang up.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, milliseconds; 0 = until the caller hangs up.
        ms: u32,
        /// What then; `None` hangs up.
        then: Option<NodeId>,
    },
    /// Answer, and let the caller hear these.
    Play {
        /// What.
        list: Playlist,
        /// What then.
        then: NodeId,
    },
    /// Answer, and wait for digits.
    Gather(Box<Gather>),
    /// Answer, and record what the caller says.
    Record(Box<Record>),
    /// Let the caller hear what was recorded last.
    PlayRecording {
        /// What then.
        then: NodeId,
    },
    /// What was recorded last is not kept.
    Discard {
        /// What then.
        then: NodeId,
    },
    /// Answer, and take the caller into a conference.
    Conference {
        /// Its number.
        room: u32,
        /// He may lock it, mute the others and end it.
        moderator: bool,
        /// Members hear who comes and goes.
        chimes: bool,
    },
    /// Answer, and let these users' phones answer by themselves and hear the caller.
    Page {
        /// Whose.
        users: Vec<UserId>,
    },
    /// Answer, and let the caller hear a user's call.
    Listen {
        /// Whose.
        user: UserId,
        /// His extension.
        extension: Box<str>,
    },
    /// Answer, and call a number for the caller.
    Dial {
        /// Which; the digits gathered last where there is none.
        number: Option<Box<str>>,
        /// Who answers is listened to first.
        screen: Option<Screen>,
        /// What then, when nobody answers.
        otherwise: NodeId,
    },
    /// End the call.
    HangUp,
    /// Change the caller's own settings.
    Set {
        /// How.
        change: UserSettingsChange,
        /// What the record calls it.
        label: Box<str>,
        /// What then.
        then: NodeId,
    },
    /// Note something in the record.
    Note {
        /// What.
        label: Box<str>,
        /// What then.
        then: NodeId,
    },
    /// End the call without an answer.
    Refuse(Refusal),
}

/// Telling persons from machines before a caller is connected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Screen {
    /// By what.
    pub rules: MachineRules,
    /// What then, when it is a machine.
    pub machine: NodeId,
    /// What then, when that has not become clear; `None` connects.
    pub unknown: Option<NodeId>,
}

/// A destination: a small graph of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    nodes: Vec<Node>,
    user: Option<UserId>,
    /// Of the prompts that belong to no node.
    language: Option<Box<str>>,
}

impl Flow {
    /// A flow of these nodes, started at the first.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Flow {
        Flow {
            nodes,
            user: None,
            language: None,
        }
    }

    /// A flow of these nodes that calls a user.
    #[must_use]
    pub fn to_user(user: UserId, nodes: Vec<Node>) -> Flow {
        Flow {
            user: Some(user),
            ..Flow::new(nodes)
        }
    }

    /// The same with prompts in this language.
    #[must_use]
    pub fn speaking(self, language: &str) -> Flow {
        Flow {
            language: Some(language.into()),
            ..self
        }
    }

    /// Of the prompts that belong to no node.
    #[must_use]
    pub fn language(&self) -> &str {
        self.language.as_deref().unwrap_or("en")
    }

    /// Whom it calls.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The flow of a number of the public network.
    #[must_use]
    pub fn outside(outside: Outside) -> Flow {
        Flow::new(vec![Node::Outside(outside)])
    }

    /// True where it does nothing but call a number of the public network.
    #[must_use]
    pub fn leads_outside(&self) -> bool {
        matches!(self.node(NodeId(0)), Some(Node::Outside(_)))
    }

    /// The first node that is such.
    pub(crate) fn find(&self, is: impl Fn(&Node) -> bool) -> Option<NodeId> {
        self.nodes.iter().position(is).map(NodeId)
    }

    /// The node, if there is one.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }
}

/// Waiting for digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gather {
    /// What the record calls it.
    pub label: Box<str>,
    /// What the caller hears before.
    pub prompt: Vec<Item>,
    /// What he hears after digits that lead nowhere, and after none.
    pub invalid: Vec<Item>,
    /// See `invalid`.
    pub silent: Vec<Item>,
    /// Fewest digits.
    pub min: u8,
    /// Most digits.
    pub max: u8,
    /// What ends it.
    pub terminator: Option<char>,
    /// Digits are PINs of this conference: they lead on where the call says so, see [`crate::Action::Try`].
    pub door: Option<u32>,
    /// Digits end the prompt.
    pub barge_in: bool,
    /// The digits are nobody's business.
    pub secure: bool,
    /// How long it waits for the first digit, milliseconds.
    pub first_ms: u32,
    /// How long for each one more, milliseconds.
    pub between_ms: u32,
    /// How often the caller is asked.
    pub tries: u8,
    /// Where digits lead.
    pub on: Vec<(Box<str>, NodeId)>,
    /// Where all others lead.
    pub otherwise: Option<NodeId>,
    /// Where it goes on after the last try.
    pub then: NodeId,
}

/// Recording the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What the caller hears before.
    pub prompt: Vec<Item>,
    /// Longest, milliseconds.
    pub max_ms: u32,
    /// Longest silence, milliseconds; 0 = any.
    pub silence_ms: u32,
    /// What then.
    pub then: NodeId,
    /// What then, when there is nothing.
    pub nothing: NodeId,
}
