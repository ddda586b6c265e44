//! Rules of the fields that people fill in.

use crate::StoreError;
use model::{Library, UserSettings, UserSettingsChange};

/// Longest extension, characters.
const EXTENSION_CHARS: usize = 32;
/// Longest name or username, characters.
const NAME_CHARS: usize = 128;

pub(crate) fn invalid(what: &'static str, text: &str, rule: &'static str) -> StoreError {
    StoreError::Invalid {
        what,
        value: text.chars().take(80).collect(),
        rule,
    }
}

/// Company and display names: shown, never parsed.
pub(crate) fn name(what: &'static str, text: &str, empty: bool) -> Result<(), StoreError> {
    if (text.is_empty() && !empty) || text.chars().count() > NAME_CHARS || text.chars().any(char::is_control)
    {
        return Err(invalid(
            what,
            text,
            "must have at most 128 characters and no control characters",
        ));
    }
    Ok(())
}

/// The user part of an address-of-record; what a phone can dial (RFC 3261 §25.1 `user`, RFC 3966 digits).
pub(crate) fn extension(text: &str) -> Result<(), StoreError> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b"*#+-._".contains(&b);
    if text.is_empty() || text.len() > EXTENSION_CHARS || !text.bytes().all(fits) {
        return Err(invalid(
            "extension",
            text,
            "must have 1 to 32 letters, digits or *#+-._",
        ));
    }
    if text.starts_with('*') {
        return Err(invalid(
            "extension",
            text,
            "must not begin with *: that is a star code",
        ));
    }
    Ok(())
}

/// The name of a prompt or a music.
pub(crate) fn sound(what: &'static str, text: &str) -> Result<(), StoreError> {
    let bare = what == "music" && text.contains('/');
    if bare || !Library::is_name(text) {
        return Err(invalid(
            what,
            text,
            "must have 1 to 64 lower-case letters, digits, - and _ (a prompt's also /)",
        ));
    }
    Ok(())
}

/// What a user decides about his calls.
pub(crate) fn settings(change: &UserSettingsChange) -> Result<(), StoreError> {
    let range = UserSettings::NO_ANSWER_RANGE_S;
    if let Some(seconds) = change.no_answer_s.filter(|s| !range.contains(s)) {
        return Err(invalid(
            "time without an answer",
            &seconds.to_string(),
            "must be 5 to 600 seconds",
        ));
    }
    if let Some(Some(number)) = &change.caller_number
        && !is_e164(number)
    {
        return Err(invalid(
            "caller number",
            number,
            "must be written as +, country code and number, such as +493012345",
        ));
    }
    let numbers = change.forwards.iter().filter_map(|(_, to)| to.as_deref());
    match numbers.into_iter().find(|to| !UserSettings::is_number(to)) {
        Some(to) => Err(invalid(
            "number to forward to",
            to,
            "must have 1 to 32 letters, digits or *#+-._",
        )),
        None => Ok(()),
    }
}

/// Settings that were read, without what could not have been set.
pub(crate) fn usable(read: &UserSettings) -> UserSettings {
    let number = |to: &Option<Box<str>>| to.clone().filter(|to| UserSettings::is_number(to));
    let range = UserSettings::NO_ANSWER_RANGE_S;
    UserSettings {
        dnd: read.dnd,
        forward_always: number(&read.forward_always),
        forward_busy: number(&read.forward_busy),
        forward_no_answer: number(&read.forward_no_answer),
        record: read.record,
        caller_number: read.caller_number.clone().filter(|number| is_e164(number)),
        no_answer_s: read.no_answer_s.clamp(*range.start(), *range.end()),
    }
}

/// A plus, the country code and the rest.
fn is_e164(text: &str) -> bool {
    text.starts_with('+') && text.parse::<model::Prefix>().is_ok()
}

/// Nobody forwards to himself.
pub(crate) fn no_circle(change: &UserSettingsChange, extension: &str) -> Result<(), StoreError> {
    let own = change
        .forwards
        .iter()
        .any(|(_, to)| to.as_deref() == Some(extension));
    match own {
        true => Err(invalid(
            "number to forward to",
            extension,
            "is the extension's own",
        )),
        false => Ok(()),
    }
}

/// The digest username: goes into a quoted string and before a colon (RFC 7616 §3.4.2).
pub(crate) fn username(text: &str) -> Result<(), StoreError> {
    let fits =
        |c: char| !c.is_control() && !c.is_whitespace() && !matches!(c, ':' | '"' | '\\' | '<' | '>' | ',');
    if text.is_empty() || text.chars().count() > NAME_CHARS || !text.chars().all(fits) {
        return Err(invalid(
            "username",
            text,
            "must have 1 to 128 characters without spaces and :\"\\<>,",
        ));
    }
    Ok(())
}
