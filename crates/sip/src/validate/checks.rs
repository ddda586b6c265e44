//! Checks on single headers, shared by requests and responses.

use crate::header::{Contact, HeaderError, NameAddr, Via};
use crate::message::{Address, ContentLength, Known, Message, Name};
use crate::split::commas;

/// Headers of which there may be only one (RFC 3261 §7.3.1, §8.1.1): what is said if there are several, and if there
/// is none, where that is a fault.
const SINGLE: [(Name, &str, Option<&str>); 7] = [
    (Name::CallId, "Several Call-IDs", Some("Call-ID missing")),
    (Name::CSeq, "Several CSeqs", Some("CSeq missing")),
    (Name::From, "Several Froms", Some("From missing")),
    (Name::To, "Several Tos", Some("To missing")),
    (Name::MaxForwards, "Several Max-Forwards", None),
    (Name::ContentType, "Several Content-Types", None),
    (Name::Expires, "Several Expires", None),
];

/// One walk over the index counts all of them.
pub(super) fn counts(message: &Message<'_>) -> Result<(), &'static str> {
    #[allow(
        clippy::indexing_slicing,
        reason = "runs in the compiler, where a bad index fails the build"
    )]
    const WATCHED: u128 = {
        let (mut bits, mut at) = (0, 0);
        while at < SINGLE.len() {
            bits |= SINGLE[at].0.bit();
            at += 1;
        }
        bits
    };
    let mut seen = 0;
    for name in message.names() {
        let bit = name.bit() & WATCHED;
        if seen & bit != 0 {
            let several = SINGLE.iter().find(|(single, ..)| *single == name);
            return Err(several.map_or("Several of one header", |(_, several, _)| several));
        }
        seen |= bit;
    }
    let absent = SINGLE
        .iter()
        .filter(|(name, ..)| seen & name.bit() == 0)
        .find_map(|(_, _, missing)| *missing);
    absent.map_or(Ok(()), Err)
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

/// How many Vias there are; beyond `most` the count goes on no further than the line that it is in.
pub(super) fn via_count(message: &Message<'_>, most: usize) -> usize {
    let mut count = 0;
    for line in message.headers(Name::Via) {
        count += match memchr::memchr(b',', line.as_bytes()) {
            None => usize::from(!line.is_empty()),
            Some(_) => commas(line).filter(|element| !element.is_empty()).count(),
        };
        if count > most {
            break;
        }
    }
    count
}

/// Reads every Via, stray separators included (RFC 4475 §3.1.2.1), and gives the top one.
pub(super) fn vias<'a>(message: &Message<'a>) -> Result<Via<'a>, HeaderError> {
    let mut lines = message.headers(Name::Via);
    let mut elements = commas(lines.next().unwrap_or(""));
    let top = Via::parse(elements.next().unwrap_or(""))?;
    elements.try_for_each(|element| Via::parse(element).map(drop))?;
    lines
        .flat_map(commas)
        .try_for_each(|element| Via::parse(element).map(drop))?;
    Ok(top)
}

/// From, To and the routes are addresses whose URI can be read; gives the first two.
pub(super) fn addresses<'a>(message: &Message<'a>) -> Result<(Address<'a>, Address<'a>), HeaderError> {
    let from = Address::read(Name::From, message.from()?)?;
    let to = Address::read(Name::To, message.to()?)?;
    for name in [Name::Route, Name::RecordRoute] {
        for element in message.headers(name).flat_map(commas) {
            sound(name, NameAddr::parse(name, element)?)?;
        }
    }
    Ok((from, to))
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
pub(super) fn response<'a>(message: &Message<'a>) -> Result<Known<'a>, &'static str> {
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
    let via = message.top_via().map_err(malformed)?;
    let call_id = message.call_id().map_err(malformed)?;
    let cseq = message.cseq().map_err(malformed)?;
    let (from, to) = addresses(message).map_err(malformed)?;
    contacts(message).map_err(malformed)?;
    Ok(Known {
        via,
        from,
        to,
        call_id,
        cseq,
        target: None,
    })
}
