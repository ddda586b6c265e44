//! The messages of the DNS (RFC 1035 §4, 2782, 3403), as far as look-ups for SIP need them: one question out, its answer in.
//!
//! No EDNS: what does not fit into 512 octets comes over TCP, and no server misunderstands it. An answer is a stranger's:
//! what is not for the question is not read, and what is malformed is left out or refuses the whole.

use super::wish::{clean_name, usable};
use super::{Answer, Kind, MAX_RECORDS, Question, Record};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Aliases that are followed in one answer, or from answer to answer.
pub const MAX_ALIASES: usize = 8;
/// Octets of a name on the wire (RFC 1035 §2.3.4).
const MAX_WIRE_NAME: usize = 255;
/// Seconds; what is larger has its highest bit set, and means none (RFC 2181 §8).
const LONGEST_TTL_S: u32 = 0x7FFF_FFFF;
const HEADER: usize = 12;
const CLASS_IN: u16 = 1;
const CNAME: u16 = 5;
const SOA: u16 = 6;
const NS: u16 = 2;
const RESPONSE: u16 = 0x8000;
const AUTHORITATIVE: u16 = 0x0400;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const OPCODE_AND_RCODE: u16 = 0x780F;
const NO_SUCH_NAME: u16 = 3;

/// What a message is to a question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// Its answer.
    Answer(Answer),
    /// The name is another one's alias, for so many seconds, of which this server says nothing: ask for that.
    Alias(Box<str>, u32),
    /// The rest did not fit: ask over TCP.
    Truncated,
}

impl Kind {
    fn code(self) -> u16 {
        match self {
            Kind::A => 1,
            Kind::Aaaa => 28,
            Kind::Srv => 33,
            Kind::Naptr => 35,
        }
    }
}

/// A question as a message under a number that nobody can guess; `None` for a name that the DNS can't have.
#[must_use]
pub fn query(number: u16, question: &Question) -> Option<Vec<u8>> {
    let name = clean_name(&question.name)?;
    let mut octets = Vec::with_capacity(HEADER + name.len() + 6);
    // One question, and nothing in the other three sections.
    for field in [number, RECURSION_DESIRED, 1, 0, 0, 0] {
        octets.extend_from_slice(&field.to_be_bytes());
    }
    for label in name.split('.') {
        octets.push(u8::try_from(label.len()).ok()?);
        octets.extend_from_slice(label.as_bytes());
    }
    octets.push(0);
    octets.extend_from_slice(&question.kind.code().to_be_bytes());
    octets.extend_from_slice(&CLASS_IN.to_be_bytes());
    Some(octets)
}

/// What a message says to the question with that number; `None` for one that is not its answer, or that is malformed: the
/// right one may yet come.
#[must_use]
pub fn read(message: &[u8], number: u16, question: &Question) -> Option<Reply> {
    let mut reader = Reader { message, at: 0 };
    let (id, flags) = (reader.u16()?, reader.u16()?);
    let [questions, answers, authorities] = [reader.u16()?, reader.u16()?, reader.u16()?];
    reader.u16()?;
    if id != number || flags & RESPONSE == 0 || questions != 1 {
        return None;
    }
    let asked = (reader.name()?, reader.u16()?, reader.u16()?);
    if asked.0.as_deref() != Some(&*question.name) || (asked.1, asked.2) != (question.kind.code(), CLASS_IN) {
        return None;
    }
    if flags & TRUNCATED != 0 {
        return Some(Reply::Truncated);
    }
    let rcode = flags & OPCODE_AND_RCODE;
    if rcode != 0 && rcode != NO_SUCH_NAME {
        return Some(Reply::Answer(Answer::Failed));
    }
    let answers = reader.entries(answers)?;
    let authorities = reader.entries(authorities)?;
    if let Some(reply) = follow(&answers, message, question) {
        let is_gone = rcode == NO_SUCH_NAME && matches!(reply, Reply::Alias(..));
        if !is_gone {
            return Some(reply);
        }
    }
    let has = |kind: u16| authorities.iter().any(|entry| entry.kind == kind);
    let ttl_s = negative_ttl(&authorities, message);
    Some(Reply::Answer(match rcode {
        NO_SUCH_NAME => Answer::NoSuchName(ttl_s),
        // It only knows who might know (RFC 2308 §2.2): a server that answers no such questions.
        _ if flags & AUTHORITATIVE == 0 && has(NS) && !has(SOA) => Answer::Failed,
        _ => Answer::NoData(ttl_s),
    }))
}

/// A record before it is looked into.
struct Entry {
    /// `None` for a name that no host or service has.
    owner: Option<Box<str>>,
    kind: u16,
    ttl_s: u32,
    /// Where its data begins and ends in the message.
    data: (usize, usize),
}

/// The records of a question's kind, or where aliases lead to; `None` for neither.
fn follow(answers: &[Entry], message: &[u8], question: &Question) -> Option<Reply> {
    let (mut name, mut ttl_s) = (question.name.clone(), u32::MAX);
    for _ in 0..=MAX_ALIASES {
        let of_name = |entry: &&Entry| entry.owner.as_deref() == Some(&*name);
        let mut records = Vec::new();
        let mut smallest = ttl_s;
        let fitting = answers.iter().filter(of_name);
        for entry in fitting
            .filter(|entry| entry.kind == question.kind.code())
            .take(MAX_RECORDS)
        {
            smallest = smallest.min(entry.ttl_s);
            records.extend(record(message, entry, question.kind));
        }
        if !records.is_empty() {
            return Some(Reply::Answer(Answer::Records(records, smallest)));
        }
        let Some(alias) = answers.iter().filter(of_name).find(|entry| entry.kind == CNAME) else {
            break;
        };
        let mut reader = Reader {
            message,
            at: alias.data.0,
        };
        ttl_s = ttl_s.min(alias.ttl_s);
        name = reader.name()??;
    }
    (name != question.name).then_some(Reply::Alias(name, ttl_s))
}

fn record(message: &[u8], entry: &Entry, kind: Kind) -> Option<Record> {
    let (start, end) = entry.data;
    let mut reader = Reader { message, at: start };
    let record = match kind {
        Kind::A => Record::Address(usable(IpAddr::V4(Ipv4Addr::from(reader.take::<4>()?)))?),
        Kind::Aaaa => Record::Address(usable(IpAddr::V6(Ipv6Addr::from(reader.take::<16>()?)))?),
        Kind::Srv => Record::Srv {
            priority: reader.u16()?,
            weight: reader.u16()?,
            port: reader.u16()?,
            target: reader.name()??,
        },
        Kind::Naptr => Record::Naptr {
            order: reader.u16()?,
            preference: reader.u16()?,
            flags: reader.text()?,
            service: reader.text()?,
            regexp: reader.text()?,
            replacement: reader.name()??,
        },
    };
    (reader.at == end).then_some(record)
}

/// How long "there is nothing" holds (RFC 2308 §5): the smaller of the SOA's TTL and its last field.
fn negative_ttl(authorities: &[Entry], message: &[u8]) -> u32 {
    let told = |entry: &Entry| {
        let mut reader = Reader {
            message,
            at: entry.data.1.checked_sub(4)?,
        };
        Some(entry.ttl_s.min(u32::from_be_bytes(reader.take()?)))
    };
    let soa = authorities.iter().find(|entry| entry.kind == SOA);
    soa.and_then(told).unwrap_or(0)
}

struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let octets = self.message.get(self.at..)?.first_chunk::<N>()?;
        self.at += N;
        Some(*octets)
    }

    fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_be_bytes)
    }

    /// A text with its length before it; `None` for one that is not of plain ASCII.
    fn text(&mut self) -> Option<Box<str>> {
        let [length] = self.take()?;
        let end = self.at.checked_add(usize::from(length))?;
        let octets = self.message.get(self.at..end)?;
        self.at = end;
        let text = std::str::from_utf8(octets).ok()?;
        let is_plain = text.bytes().all(|b| b == b' ' || b.is_ascii_graphic());
        is_plain.then(|| text.into())
    }

    /// A name in small letters, the root as nothing at all; `Some(None)` for one that no host or service has. A pointer leads
    /// to what stands before the piece that it ends (RFC 1035 §4.1.4), so no name is read for ever.
    fn name(&mut self) -> Option<Option<Box<str>>> {
        let (mut text, mut octets, mut is_clean) = (String::new(), 0, true);
        let (mut at, mut piece, mut after) = (self.at, self.at, None);
        loop {
            let length = *self.message.get(at)?;
            match length {
                0 => break,
                1..=63 => {
                    let end = at + 1 + usize::from(length);
                    let label = self.message.get(at + 1..end)?;
                    octets += label.len() + 1;
                    if octets >= MAX_WIRE_NAME {
                        return None;
                    }
                    // A dot inside a label would be taken for one between two.
                    is_clean &= !label.contains(&b'.');
                    let separator = if text.is_empty() { "" } else { "." };
                    text.push_str(separator);
                    text.extend(label.iter().map(|octet| char::from(*octet)));
                    at = end;
                }
                0xC0.. => {
                    let low = *self.message.get(at + 1)?;
                    let to = usize::from(u16::from_be_bytes([length & 0x3F, low]));
                    if to >= piece {
                        return None;
                    }
                    after = after.or(Some(at + 2));
                    (at, piece) = (to, to);
                }
                // Kinds of labels that never came into use.
                _ => return None,
            }
        }
        self.at = after.unwrap_or(at + 1);
        if text.is_empty() {
            return Some(Some(text.into_boxed_str()));
        }
        Some(clean_name(&text).filter(|_| is_clean))
    }

    /// So many records, those of other classes left out.
    fn entries(&mut self, count: u16) -> Option<Vec<Entry>> {
        let mut entries = Vec::new();
        for _ in 0..count {
            let owner = self.name()?;
            let (kind, class) = (self.u16()?, self.u16()?);
            let ttl_s = u32::from_be_bytes(self.take()?);
            let length = usize::from(self.u16()?);
            let data = (self.at, self.at + length);
            self.message.get(data.0..data.1)?;
            self.at = data.1;
            if class == CLASS_IN {
                entries.push(Entry {
                    owner,
                    kind,
                    ttl_s: if ttl_s > LONGEST_TTL_S { 0 } else { ttl_s },
                    data,
                });
            }
        }
        Some(entries)
    }
}
