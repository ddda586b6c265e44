//! What the numbers of a tenant do besides ringing a user: steps by name, as an administrator writes them.
//!
//! Owns: the form on paper. Does not own: whether it makes sense and what becomes of it (`flow::compile`).

use crate::{MachineRules, ToneName};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What one number does. Unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FlowDraft {
    /// What people call it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// The steps by name; the call begins at `start`.
    pub steps: BTreeMap<String, StepDraft>,
}

impl FlowDraft {
    /// Where a call begins.
    pub const START: &'static str = "start";
    /// Steps that a flow may have.
    pub const STEPS: usize = 64;
    /// Numbers with flows that a tenant may have.
    pub const MOST: usize = 500;
}

/// One step. Where it leads on by `then` and that is left out, the call ends after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case", deny_unknown_fields)]
pub enum StepDraft {
    /// Lets the caller hear something.
    Play {
        /// What.
        say: Vec<Words>,
        /// How often; 0 = until the caller hangs up.
        #[serde(default = "once")]
        times: u32,
        /// What then.
        #[serde(default)]
        then: Option<String>,
    },
    /// Waits for digits.
    Gather {
        /// What the caller hears before.
        #[serde(default)]
        say: Vec<Words>,
        /// Fewest digits.
        #[serde(default = "one")]
        min: u8,
        /// Most digits; the last one ends it.
        #[serde(default = "twenty")]
        max: u8,
        /// What ends it before.
        #[serde(default = "pound")]
        terminator: Option<char>,
        /// Digits end what the caller hears; otherwise those before its end don't count.
        #[serde(default = "yes")]
        barge_in: bool,
        /// How long, and how often.
        #[serde(default)]
        patience: Patience,
        /// The digits are nobody's business, such as those of a card: they stand in no record and are passed to no later
        /// step, and recordings and forks of the call are silent meanwhile.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        secure: bool,
        /// Where these digits lead.
        #[serde(default)]
        on: BTreeMap<String, String>,
        /// Where any other digits lead, `min` to `max` of them.
        #[serde(default)]
        otherwise: Option<String>,
        /// What then, when there was nothing of use.
        #[serde(default)]
        then: Option<String>,
    },
    /// Waits for one key.
    Menu {
        /// What the caller hears before.
        say: Vec<Words>,
        /// Where each key leads.
        keys: BTreeMap<String, String>,
        /// Extensions may be dialled as well.
        #[serde(default)]
        dial: bool,
        /// How long, and how often.
        #[serde(default)]
        patience: Patience,
        /// What then, when there was nothing of use.
        #[serde(default)]
        then: Option<String>,
    },
    /// Calls a number of the tenant for the caller.
    Dial {
        /// Which; the digits that were gathered last where it is left out.
        #[serde(default)]
        number: Option<String>,
        /// Listens first whether a person or a machine has answered, by these rules; `{}` = the usual ones. The caller hears
        /// the ringing meanwhile, and is connected to a person.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        detect_machine: Option<MachineRules>,
        /// What then, when a machine has answered, which is hung up; where it is left out, the same as when nobody answers.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        machine: Option<String>,
        /// The same when that has not become clear; where it is left out the caller is connected.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        unknown: Option<String>,
        /// What then, when nobody answers.
        #[serde(default)]
        then: Option<String>,
    },
    /// Records what the caller says.
    Record {
        /// What the caller hears before the beep.
        #[serde(default)]
        say: Vec<Words>,
        /// Longest, seconds.
        #[serde(default = "five_minutes")]
        max_s: u32,
        /// Ends by itself after such a silence, seconds; 0 = never.
        #[serde(default = "ten")]
        silence_s: u32,
        /// Lets the caller hear it, keep it, or do it again.
        #[serde(default = "yes")]
        review: bool,
        /// What then.
        #[serde(default)]
        then: Option<String>,
    },
    /// A conference.
    Conference {
        /// Its number; the same number is the same conference, whichever number was dialled.
        room: u32,
        /// Who knows this comes in.
        #[serde(default)]
        pin: Option<String>,
        /// Who knows this comes in as a moderator. Without it everybody is one.
        #[serde(default)]
        moderator_pin: Option<String>,
        /// Members hear who comes and goes.
        #[serde(default = "yes")]
        chimes: bool,
    },
    /// Lets phones answer by themselves and hear the caller.
    Page {
        /// Whose.
        extensions: Vec<String>,
    },
    /// Sends the caller what he says.
    Echo {},
    /// A tone of the tenant's country.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, seconds; 0 = until the caller hangs up.
        #[serde(default)]
        s: u32,
        /// What then.
        #[serde(default)]
        then: Option<String>,
    },
    /// Notes something in the record.
    Note {
        /// What.
        text: String,
        /// What then.
        #[serde(default)]
        then: Option<String>,
    },
    /// Ends the call.
    HangUp {},
}

/// How long a step waits for keys, and how often it asks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Patience {
    /// For the first one, seconds from the end of what the caller hears.
    pub first_s: u16,
    /// For each one more, seconds.
    pub between_s: u16,
    /// How often the caller is asked.
    pub tries: u8,
    /// What the caller hears after digits that lead nowhere, before he is asked again.
    pub invalid: Vec<Words>,
    /// The same after none.
    pub silent: Vec<Words>,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience {
            first_s: 7,
            between_s: 3,
            tries: 3,
            invalid: Vec::new(),
            silent: Vec::new(),
        }
    }
}

/// Something to be heard.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Words {
    /// A prompt of the library, in the tenant's language.
    Prompt(String),
    /// Music by name; `default` is always there.
    Music(String),
    /// One digit after the other.
    Digits(String),
    /// A number.
    Number(u32),
    /// A day, `2026-12-31`.
    Date(String),
    /// A tone of the tenant's country.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, milliseconds.
        ms: u32,
    },
    /// Nothing, for so many milliseconds.
    Silence(u32),
}

fn yes() -> bool {
    true
}

fn once() -> u32 {
    1
}

fn one() -> u8 {
    1
}

fn twenty() -> u8 {
    20
}

// Serde wants the type of the field.
#[allow(clippy::unnecessary_wraps)]
fn pound() -> Option<char> {
    Some('#')
}

fn ten() -> u32 {
    10
}

fn five_minutes() -> u32 {
    300
}
