//! What a draft must be like.
//!
//! Owns: the rules, and the words for who breaks one. Does not own: what becomes of a good draft (`compile`).

use crate::say;
use model::{FlowDraft, Library, Patience, Playlist, StepDraft, TenantConfig, UserSettings, Words};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;
use std::ops::RangeInclusive;

/// Digits of a number that a caller dials in a menu.
pub(crate) const LONGEST_NUMBER: u8 = 20;
/// Digits of a PIN.
pub(crate) const LONGEST_PIN: u8 = 12;
const PIN: RangeInclusive<usize> = 4..=12;
/// Octets of the name of a step, of a prompt and of a note.
const LONGEST_NAME: usize = 64;
/// Menus that a caller may have to go through, one behind the other.
const MOST_NESTED: usize = 8;
const TRIES: RangeInclusive<u8> = 1..=10;
/// Seconds to wait for a key.
const WAIT_S: RangeInclusive<u16> = 1..=120;
/// Seconds of a recording, and of a silence in it.
const RECORD_S: RangeInclusive<u32> = 1..=14_400;
const MOST_PAGED: usize = 50;
/// Milliseconds by which persons are told from machines.
const DETECT_MS: RangeInclusive<u32> = 20..=30_000;
/// Milliseconds of one tone or pause.
const LONGEST_MS: u32 = 600_000;
const MOST_TIMES: u32 = 1_000;
/// Where repetition has no end there must be something to hear.
const ROOM: RangeInclusive<u32> = 1..=999_999_999;

/// Digits that lead somewhere of their own, in one step.
const MOST_ON: usize = 200;

/// Digits that one node may take.
const MOST_DIGITS: u8 = 64;

/// What is wrong with a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// In which step; empty = in the flow as a whole.
    pub step: String,
    /// What, and what to do.
    pub what: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.step.is_empty() {
            true => f.write_str(&self.what),
            false => write!(f, "step {:?}: {}", self.step, self.what),
        }
    }
}

impl std::error::Error for Fault {}

type Verdict = Result<(), Fault>;

fn fault(step: &str, what: impl Into<String>) -> Fault {
    Fault {
        step: step.to_owned(),
        what: what.into(),
    }
}

/// The first thing that is wrong.
pub(crate) fn draft(config: &TenantConfig, draft: &FlowDraft) -> Verdict {
    if draft.steps.len() > FlowDraft::STEPS {
        return Err(fault(
            "",
            format!("a flow has at most {} steps", FlowDraft::STEPS),
        ));
    }
    if !draft.steps.contains_key(FlowDraft::START) {
        return Err(fault(
            "",
            "there is no step \"start\", where a call would begin; name one so",
        ));
    }
    if !is_text(&draft.name, true) {
        return Err(fault(
            "",
            "the name has at most 64 characters and no control characters",
        ));
    }
    for (name, step) in &draft.steps {
        if !is_text(name, false) {
            return Err(fault(
                name,
                "a step's name has 1 to 64 characters and no control characters",
            ));
        }
        for to in targets(step) {
            if !draft.steps.contains_key(to) {
                return Err(fault(
                    name,
                    format!("it leads to {to:?}, and there is no such step"),
                ));
            }
        }
        one(config, name, step)?;
        secrets(draft, name, step)?;
    }
    reached(draft)?;
    loops(draft)
}

fn is_text(text: &str, empty: bool) -> bool {
    (empty || !text.is_empty()) && text.len() <= LONGEST_NAME && !text.chars().any(char::is_control)
}

/// The steps that a step leads to.
fn targets(step: &StepDraft) -> Vec<&String> {
    let (map, more): (Option<&BTreeMap<String, String>>, [&Option<String>; 2]) = match step {
        StepDraft::Gather {
            on, otherwise, then, ..
        } => (Some(on), [otherwise, then]),
        StepDraft::Menu { keys, then, .. } => (Some(keys), [&None, then]),
        StepDraft::Dial {
            machine,
            unknown,
            then,
            ..
        } => return [machine, unknown, then].into_iter().flatten().collect(),
        StepDraft::Play { then, .. }
        | StepDraft::Record { then, .. }
        | StepDraft::Tone { then, .. }
        | StepDraft::Note { then, .. } => (None, [&None, then]),
        StepDraft::Conference { .. } | StepDraft::Page { .. } | StepDraft::Echo {} | StepDraft::HangUp {} => {
            (None, [&None, &None])
        }
    };
    let named = map.into_iter().flat_map(BTreeMap::values);
    named.chain(more.into_iter().flatten()).collect()
}

/// True for a step that waits for the caller to do something.
fn waits(step: &StepDraft) -> bool {
    !matches!(
        step,
        StepDraft::Play { .. } | StepDraft::Tone { .. } | StepDraft::Note { .. }
    )
}

fn one(config: &TenantConfig, name: &str, step: &StepDraft) -> Verdict {
    match step {
        StepDraft::Play { say, times, .. } => {
            if say.is_empty() {
                return Err(fault(name, "it says nothing; give it something in \"say\""));
            }
            if *times > MOST_TIMES {
                return Err(fault(
                    name,
                    "it may play 1000 times at most; 0 = until the caller hangs up",
                ));
            }
            words(name, say)
        }
        StepDraft::Gather { say, patience, .. } => {
            words(name, say)?;
            self::patience(name, patience)?;
            gather(name, step)
        }
        StepDraft::Menu {
            say, keys, patience, ..
        } => {
            words(name, say)?;
            self::patience(name, patience)?;
            menu(name, keys)
        }
        StepDraft::Dial { .. } => dial(name, step),
        StepDraft::Record {
            say,
            max_s,
            silence_s,
            ..
        } => {
            words(name, say)?;
            let silence = *silence_s == 0 || RECORD_S.contains(silence_s);
            match RECORD_S.contains(max_s) && silence {
                true => Ok(()),
                false => Err(fault(name, "a recording has 1 to 14400 seconds")),
            }
        }
        StepDraft::Conference {
            room,
            pin,
            moderator_pin,
            ..
        } => conference(name, *room, pin.as_deref(), moderator_pin.as_deref()),
        StepDraft::Page { extensions } => page(config, name, extensions),
        StepDraft::Tone { s, .. } if s.saturating_mul(1_000) > LONGEST_MS => Err(fault(
            name,
            "a tone has 600 seconds at most; 0 = until the caller hangs up",
        )),
        StepDraft::Note { text, .. } if !is_text(text, false) => Err(fault(
            name,
            "a note has 1 to 64 characters and no control characters",
        )),
        StepDraft::Tone { .. } | StepDraft::Note { .. } | StepDraft::Echo {} | StepDraft::HangUp {} => Ok(()),
    }
}

/// Sounds that a draft names and that neither the library nor the tenant has. Such a flow runs all the same, and its callers hear
/// nothing, or the usual music, in their place: a tenant may take a sound away that a flow names.
#[must_use]
pub fn missing(config: &TenantConfig, draft: &FlowDraft) -> Vec<Fault> {
    let library = config.library();
    let lack = |word: &Words| match word {
        Words::Prompt(name) if !library.has_prompt(name) && prompts::Name::parse(name).is_none() => Some(
            format!("there is no prompt {name:?}; carillon prompt list --all shows all"),
        ),
        Words::Music(name) if library.music(name).is_empty() && name != Library::USUAL_MUSIC => Some(
            format!("there is no music {name:?}; carillon music list shows all"),
        ),
        _ => None,
    };
    let mut faults = Vec::new();
    for (name, step) in &draft.steps {
        let lacks = said(step).into_iter().flatten().filter_map(lack);
        faults.extend(lacks.map(|what| fault(name, what)));
    }
    faults
}

/// True where some step of a draft says this.
#[must_use]
pub fn says(draft: &FlowDraft, word: &Words) -> bool {
    let mut steps = draft.steps.values();
    steps.any(|step| said(step).into_iter().flatten().any(|said| said == word))
}

/// Everything that a step says.
fn said(step: &StepDraft) -> [&[Words]; 3] {
    match step {
        StepDraft::Play { say, .. } | StepDraft::Record { say, .. } => [say, &[], &[]],
        StepDraft::Gather { say, patience, .. } | StepDraft::Menu { say, patience, .. } => {
            [say, &patience.invalid, &patience.silent]
        }
        StepDraft::Dial { .. }
        | StepDraft::Conference { .. }
        | StepDraft::Page { .. }
        | StepDraft::Echo {}
        | StepDraft::Tone { .. }
        | StepDraft::Note { .. }
        | StepDraft::HangUp {} => [&[], &[], &[]],
    }
}

fn dial(name: &str, step: &StepDraft) -> Verdict {
    let StepDraft::Dial {
        number,
        detect_machine,
        machine,
        unknown,
        ..
    } = step
    else {
        return Ok(());
    };
    if number
        .as_ref()
        .is_some_and(|number| !UserSettings::is_number(number))
    {
        return Err(fault(name, "that can't be dialled"));
    }
    let Some(rules) = detect_machine else {
        return match machine.is_none() && unknown.is_none() {
            true => Ok(()),
            false => Err(fault(
                name,
                "\"machine\" and \"unknown\" need \"detect_machine\": {}",
            )),
        };
    };
    let lengths = [
        rules.initial_silence_ms,
        rules.greeting_ms,
        rules.after_greeting_silence_ms,
        rules.total_ms,
        rules.min_word_ms,
        rules.max_word_ms,
        rules.between_words_ms,
    ];
    match lengths.iter().all(|ms| DETECT_MS.contains(ms)) {
        true => Ok(()),
        false => Err(fault(name, "lengths in \"detect_machine\" are 20 to 30000 ms")),
    }
}

/// What is typed in secret is not dialled: a number that is called stands in records.
fn secrets(draft: &FlowDraft, name: &str, step: &StepDraft) -> Verdict {
    let StepDraft::Gather {
        secure: true,
        otherwise: Some(to),
        ..
    } = step
    else {
        return Ok(());
    };
    match draft.steps.get(to) {
        Some(StepDraft::Dial { number: None, .. }) => Err(fault(
            name,
            format!("it is \"secure\", so {to:?} can't dial what is typed here"),
        )),
        _ => Ok(()),
    }
}

fn words(name: &str, words: &[Words]) -> Verdict {
    if words.len() > Playlist::MOST / 2 {
        return Err(fault(
            name,
            format!("it says at most {} things", Playlist::MOST / 2),
        ));
    }
    let mut items = 0_usize;
    for word in words {
        let (good, many) = match word {
            Words::Prompt(text) | Words::Music(text) => (Library::is_name(text), 1),
            Words::Digits(text) => (
                !text.is_empty() && text.len() <= 32 && text.chars().all(|c| is_digit(c) || c == '+'),
                text.len(),
            ),
            Words::Number(_) => (true, 10),
            Words::Date(text) => (say::day(text).is_some(), 5),
            Words::Tone { ms, .. } | Words::Silence(ms) => ((1..=LONGEST_MS).contains(ms), 1),
        };
        if !good {
            return Err(fault(name, format!("nobody can say {word:?}")));
        }
        items = items.saturating_add(many);
    }
    match items > Playlist::MOST {
        true => Err(fault(name, "it says too much at once; make two steps of it")),
        false => Ok(()),
    }
}

fn patience(name: &str, patience: &Patience) -> Verdict {
    if !TRIES.contains(&patience.tries) {
        return Err(fault(name, "it asks 1 to 10 times"));
    }
    if !WAIT_S.contains(&patience.first_s) || !WAIT_S.contains(&patience.between_s) {
        return Err(fault(name, "it waits 1 to 120 seconds for a key"));
    }
    words(name, &patience.invalid)?;
    words(name, &patience.silent)
}

fn gather(name: &str, step: &StepDraft) -> Verdict {
    let StepDraft::Gather {
        min,
        max,
        terminator,
        on,
        otherwise,
        ..
    } = step
    else {
        return Ok(());
    };
    if *min == 0 || min > max || *max > MOST_DIGITS {
        return Err(fault(name, "it takes \"min\" to \"max\" digits, of 1 to 64"));
    }
    if terminator.is_some_and(|key| !is_digit(key)) {
        return Err(fault(name, "its terminator is no key of a phone"));
    }
    if on.is_empty() && otherwise.is_none() {
        return Err(fault(
            name,
            "no digits lead anywhere; give it \"on\" or \"otherwise\"",
        ));
    }
    if on.len() > MOST_ON {
        return Err(fault(
            name,
            "\"on\" has at most 200 entries; use \"otherwise\" for the rest",
        ));
    }
    let lengths = usize::from(*min)..=usize::from(*max);
    let typed = |digits: &&String| {
        let ends = |key: char| Some(key) == *terminator;
        lengths.contains(&digits.len())
            && digits.chars().all(is_digit)
            && (digits.len() == 1 || !digits.contains(ends))
    };
    match on.keys().find(|digits| !typed(digits)) {
        Some(digits) => Err(fault(name, format!("{digits:?} in \"on\" can't be typed here"))),
        None => Ok(()),
    }
}

fn menu(name: &str, keys: &BTreeMap<String, String>) -> Verdict {
    if keys.is_empty() {
        return Err(fault(name, "no key leads anywhere; give it \"keys\""));
    }
    let key = |text: &&String| text.len() == 1 && text.chars().all(is_digit);
    match keys.keys().find(|text| !key(text)) {
        Some(text) => Err(fault(
            name,
            format!("{text:?} is no key; a phone has 0 to 9, * and #"),
        )),
        None => Ok(()),
    }
}

fn conference(name: &str, room: u32, pin: Option<&str>, moderator: Option<&str>) -> Verdict {
    if !ROOM.contains(&room) {
        return Err(fault(name, "a room's number is 1 to 999999999"));
    }
    let digits = |pin: &str| PIN.contains(&pin.len()) && pin.bytes().all(|b| b.is_ascii_digit());
    if pin.is_some_and(|pin| !digits(pin)) || moderator.is_some_and(|pin| !digits(pin)) {
        return Err(fault(name, "a PIN has 4 to 12 digits"));
    }
    match pin.is_some() && pin == moderator {
        true => Err(fault(name, "members and moderators need different PINs")),
        false => Ok(()),
    }
}

fn page(config: &TenantConfig, name: &str, extensions: &[String]) -> Verdict {
    if !(1..=MOST_PAGED).contains(&extensions.len()) {
        return Err(fault(name, "a page is for 1 to 50 extensions"));
    }
    match extensions.iter().find(|e| config.extension(e).is_none()) {
        Some(stranger) => Err(fault(name, format!("there is no extension {stranger}"))),
        None => Ok(()),
    }
}

/// Every step is reached, and none through too many menus.
fn reached(draft: &FlowDraft) -> Verdict {
    let mut depth: BTreeMap<&str, usize> = BTreeMap::from([(FlowDraft::START, 0)]);
    let mut next = VecDeque::from([FlowDraft::START]);
    while let Some(name) = next.pop_front() {
        let (Some(step), Some(so_far)) = (draft.steps.get(name), depth.get(name).copied()) else {
            continue;
        };
        let asks = matches!(step, StepDraft::Gather { .. } | StepDraft::Menu { .. });
        let so_far = so_far.saturating_add(usize::from(asks));
        if so_far > MOST_NESTED {
            return Err(fault(name, "a caller would have to go through more than 8 menus"));
        }
        for to in targets(step) {
            if depth.get(to.as_str()).is_none_or(|known| *known > so_far) {
                depth.insert(to, so_far);
                next.push_back(to);
            }
        }
    }
    match draft.steps.keys().find(|name| !depth.contains_key(name.as_str())) {
        Some(name) => Err(fault(name, "no step leads here; delete it, or lead to it")),
        None => Ok(()),
    }
}

/// Nobody is sent round without being asked.
fn loops(draft: &FlowDraft) -> Verdict {
    let mut good = BTreeSet::new();
    for name in draft.steps.keys() {
        let mut path = Vec::new();
        let mut at = Some(name);
        // Steps that don't wait lead to one other at most.
        while let Some(name) = at.filter(|name| !good.contains(*name)) {
            let Some(step) = draft.steps.get(name).filter(|step| !waits(step)) else {
                break;
            };
            if path.contains(&name) {
                return Err(fault(
                    name,
                    "it comes round to itself and never waits for a key; to repeat something use \"times\": 0",
                ));
            }
            path.push(name);
            at = targets(step).first().copied();
        }
        good.extend(path);
    }
    Ok(())
}

/// A key that a node could wait for.
fn is_digit(key: char) -> bool {
    matches!(key, '0'..='9' | '*' | '#' | 'A'..='D')
}
