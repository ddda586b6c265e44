//! Checks on single headers, shared by requests and responses.

use crate::header::{Contact, HeaderError, NameAddr, Via};
use crate::message::{ContentLength, Message, Name};
use crate::split::commas;

/// Headers of which a message has exactly one (RFC 3261 §8.1.1).
const EXACTLY_ONE: [(Name, &str, &str); 4] = [
    (Name::CallId, "Call-ID missing", "Several Call-IDs"),
    (Name::CSeq, "CSeq missing", "Several CSeqs"),
    (Name::From, "From missing", "Several Froms"),
    (Name::To, "To missing", "Several Tos"),
];

/// Headers of which a message has at most one (RFC 3261 §7.3.1).
const AT_MOST_ONE: [(Name, &str); 3] = [
    (Name::MaxForwards, "Several Max-Forwards"),
    (Name::ContentType, "Several Content-Types"),
    (Name::Expires, "Several Expires"),
];

/// One walk over the index counts all headers of which there may be only one.
pub(super) fn counts(message: &Message<'_>) -> Result<(), &'static str> {
    for (name, missing, several) in EXACTLY_ONE {
        let mut lines = message.headers(name);
        match (lines.next(), lines.next()) {
            (None, _) => return Err(missing),
            (Some(_), Some(_)) => return Err(several),
            _ => {}
        }
    }
    match AT_MOST_ONE
        .iter()
        .find(|(name, _)| message.headers(*name).nth(1).is_some())
    {
        Some((_, several)) => Err(several),
        None => Ok(()),
    }
}

/// Lines, blank line, body length: what both kinds of message must get right.
pub(super) fn frame(message: &Message<'_>) -> Result<(), &'static str> {
    if let Some(defect) = message.defect() {
        return Err(defect);
    }
    if !message.is_head_complete() {
        return Err("no blank line after the head");
    }
    match message.content_length() {
        ContentLength::Invalid => Err("Content-Length invalid"),
        ContentLength::Conflicting => Err("Content-Length values differ"),
        ContentLength::Octets(octets) if octets > message.body_available() => {
            Err("body shorter than Content-Length")
        }
        _ => Ok(()),
    }
}

/// Every Via, stray separators included (RFC 4475 §3.1.2.1).
pub(super) fn vias(message: &Message<'_>) -> Result<(), HeaderError> {
    message
        .headers(Name::Via)
        .flat_map(commas)
        .try_for_each(|element| Via::parse(element).map(drop))
}

/// From, To and the routes are addresses whose URI can be read.
pub(super) fn addresses(message: &Message<'_>) -> Result<(), HeaderError> {
    sound(Name::From, message.from()?)?;
    sound(Name::To, message.to()?)?;
    for name in [Name::Route, Name::RecordRoute] {
        for element in message.headers(name).flat_map(commas) {
            sound(name, NameAddr::parse(name, element)?)?;
        }
    }
    Ok(())
}

/// Every Contact can be read, or the only one is `*`.
pub(super) fn contacts(message: &Message<'_>) -> Result<(), HeaderError> {
    let Some(list) = message.contacts().iter() else {
        return Ok(());
    };
    for contact in list {
        let Contact { name_addr, .. } = contact?;
        sound(Name::Contact, name_addr)?;
    }
    Ok(())
}

fn sound(name: Name, address: NameAddr<'_>) -> Result<(), HeaderError> {
    address
        .uri()
        .map(drop)
        .map_err(|error| HeaderError { name, what: error.0 })
}

/// A response is kept only if it can be ours (RFC 3261 §8.1.3.3, §18.1.2).
pub(super) fn response(message: &Message<'_>) -> Result<(), &'static str> {
    let version = message.status_line().map_or("", |line| line.version);
    if !version.eq_ignore_ascii_case("SIP/2.0") {
        return Err("response of another version");
    }
    frame(message)?;
    counts(message)?;
    if message.headers(Name::Via).flat_map(commas).nth(1).is_some() {
        return Err("response with more than our Via");
    }
    let malformed = |error: HeaderError| error.what;
    message.top_via().map_err(malformed)?;
    message.call_id().map_err(malformed)?;
    message.cseq().map_err(malformed)?;
    addresses(message).map_err(malformed)?;
    contacts(message).map_err(malformed)
}
