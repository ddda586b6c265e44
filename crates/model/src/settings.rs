//! What a user decides about his own calls: do-not-disturb and call forwarding.

use crate::{TenantId, UserId};
use serde::{Deserialize, Serialize};

/// How long a user's phones ring before `forward_no_answer` takes the call, seconds: about three rings.
const NO_ANSWER_S: u16 = 20;
/// Octets of a number to forward to.
const LONGEST_NUMBER: usize = 32;

/// Whether calls are recorded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RecordPolicy {
    /// None, whatever is pressed.
    #[default]
    Never,
    /// From `*1` to `*1`.
    OnDemand,
    /// From answer to end.
    Always,
}

/// A user's settings. Part of the configuration; a phone may change those of its own user (see [`SettingsChange`]).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct UserSettings {
    /// The phones don't ring: callers hear that the user is busy.
    pub dnd: bool,
    /// Every call goes to this number, as it would be dialled, instead of ringing.
    pub forward_always: Option<Box<str>>,
    /// A call that finds the user busy goes here.
    pub forward_busy: Option<Box<str>>,
    /// A call that nobody answers, or that finds no phone, goes here.
    pub forward_no_answer: Option<Box<str>>,
    /// After so long, seconds, or after the tenant's `ring_timeout_s` where that is shorter. Without `forward_no_answer` the
    /// phones ring for the latter.
    pub no_answer_s: u16,
    /// Whether his calls are recorded; `None` = as the tenant says. No phone changes this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<RecordPolicy>,
    /// The number that his calls to the outside show, as E.164; it counts only while the tenant has it. `None` = the one that leads
    /// to him, or the tenant's. No phone changes this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub caller_number: Option<Box<str>>,
}

impl Default for UserSettings {
    fn default() -> UserSettings {
        UserSettings {
            dnd: false,
            forward_always: None,
            forward_busy: None,
            forward_no_answer: None,
            no_answer_s: NO_ANSWER_S,
            record: None,
            caller_number: None,
        }
    }
}

impl UserSettings {
    /// Shortest and longest `no_answer_s`.
    pub const NO_ANSWER_RANGE_S: std::ops::RangeInclusive<u16> = 5..=600;

    /// True for what may stand as a number to forward to: what a phone can dial (RFC 3261 §25.1 `user`, RFC 3966 digits).
    #[must_use]
    pub fn is_number(text: &str) -> bool {
        let fits = |b: u8| b.is_ascii_alphanumeric() || b"*#+-._".contains(&b);
        (1..=LONGEST_NUMBER).contains(&text.len()) && text.bytes().all(fits)
    }
}

/// Which calls a forward takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ForwardKind {
    /// All.
    Always,
    /// Those that find the user busy.
    Busy,
    /// Those that nobody answers.
    NoAnswer,
}

/// What of a user's settings changes; what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct UserSettingsChange {
    /// Do-not-disturb.
    pub dnd: Option<bool>,
    /// The forwards that change, and where to; each kind at most once.
    pub forwards: Vec<(ForwardKind, Option<Box<str>>)>,
    /// Seconds.
    pub no_answer_s: Option<u16>,
    /// Whether his calls are recorded. Not for phones to say, so it is not kept with what they say.
    #[serde(skip)]
    pub record: Option<Option<RecordPolicy>>,
    /// The number that his calls to the outside show. Not for phones to say either.
    #[serde(skip)]
    pub caller_number: Option<Option<Box<str>>>,
}

impl UserSettingsChange {
    /// Switches do-not-disturb.
    #[must_use]
    pub fn dnd(on: bool) -> UserSettingsChange {
        UserSettingsChange {
            dnd: Some(on),
            ..UserSettingsChange::default()
        }
    }

    /// Sets a forward, or takes it away.
    #[must_use]
    pub fn forward(kind: ForwardKind, to: Option<&str>) -> UserSettingsChange {
        UserSettingsChange {
            forwards: vec![(kind, to.map(Into::into))],
            ..UserSettingsChange::default()
        }
    }

    /// Does it to these settings.
    pub fn apply(&self, settings: &mut UserSettings) {
        settings.dnd = self.dnd.unwrap_or(settings.dnd);
        settings.no_answer_s = self.no_answer_s.unwrap_or(settings.no_answer_s);
        settings.record = self.record.unwrap_or(settings.record);
        if let Some(number) = &self.caller_number {
            settings.caller_number.clone_from(number);
        }
        for (kind, to) in &self.forwards {
            let place = match kind {
                ForwardKind::Always => &mut settings.forward_always,
                ForwardKind::Busy => &mut settings.forward_busy,
                ForwardKind::NoAnswer => &mut settings.forward_no_answer,
            };
            place.clone_from(to);
        }
    }

    /// This change and then a newer one: the last word on each field counts.
    pub fn merge(&mut self, newer: UserSettingsChange) {
        self.dnd = newer.dnd.or(self.dnd);
        self.no_answer_s = newer.no_answer_s.or(self.no_answer_s);
        self.record = newer.record.or(self.record);
        self.caller_number = newer.caller_number.or_else(|| self.caller_number.take());
        for (kind, to) in newer.forwards {
            self.forwards.retain(|(known, _)| *known != kind);
            self.forwards.push((kind, to));
        }
    }
}

/// A phone changed its user's settings: they are in force, and are to be kept. Whoever keeps them says so by the id, after
/// the configuration with them has reached the tenant. The phone is answered before that, so a process that is killed
/// may lose the key presses of its last fraction of a second; the phone is told the true state when its subscription is
/// restored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettingsChange {
    /// Owner.
    pub tenant: TenantId,
    /// Whose.
    pub user: UserId,
    /// Names this change; the change that replaces it has another one.
    pub id: u64,
    /// Everything of this user that is not known to be kept yet, this change included.
    pub change: UserSettingsChange,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_on_each_field_counts() {
        let mut change = UserSettingsChange::dnd(true);
        change.merge(UserSettingsChange::forward(ForwardKind::Busy, Some("1")));
        change.merge(UserSettingsChange::forward(ForwardKind::Always, Some("2")));
        change.merge(UserSettingsChange::forward(ForwardKind::Busy, None));
        let mut settings = UserSettings {
            forward_busy: Some("9".into()),
            forward_no_answer: Some("8".into()),
            ..UserSettings::default()
        };
        change.apply(&mut settings);
        assert_eq!(
            settings,
            UserSettings {
                caller_number: None,
                dnd: true,
                forward_always: Some("2".into()),
                forward_busy: None,
                forward_no_answer: Some("8".into()),
                no_answer_s: 20,
                record: None,
            }
        );
    }

    #[test]
    fn what_may_be_forwarded_to() {
        for number in ["102", "*98", "+4930123456", "front.desk"] {
            assert!(UserSettings::is_number(number), "{number}");
        }
        for text in ["", "a b", "102@x", "sip:102", "1\r\n", &"1".repeat(33), "é"] {
            assert!(!UserSettings::is_number(text), "{text:?}");
        }
    }
}
