//! The header index: one walk over the head, a fixed-size record per header line.
//!
//! Owns: finding lines, folding, names and value spans, the end of the head. Does not own: what a value
//! means. RFC 3261 §7, §25.1. Both the datagram path and the stream framer use this one walk, so they can't
//! disagree on where a head ends.

use super::name::Name;
use super::{MAX_HEADERS, ParseError};
use crate::split::is_token_byte;
use memchr::memchr2;

/// Header lines held without a heap allocation.
const INLINE: usize = 40;

/// Where one header field lies in the head. A head is at most 65,535 octets, so 16 bits reach.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field {
    pub(super) name: Name,
    pub(super) name_at: u16,
    pub(super) name_end: u16,
    pub(super) value_at: u16,
    pub(super) value_end: u16,
}

const NO_FIELD: Field = Field {
    name: Name::Other,
    name_at: 0,
    name_end: 0,
    value_at: 0,
    value_end: 0,
};

/// The fields in order; the first [`INLINE`] live in the struct itself.
#[derive(Clone, Debug)]
pub(super) struct Fields {
    inline: [Field; INLINE],
    used: usize,
    spill: Vec<Field>,
    /// One bit for each name that occurs: most questions are about headers that are not there.
    present: u128,
}

impl Fields {
    fn new() -> Fields {
        Fields {
            inline: [NO_FIELD; INLINE],
            used: 0,
            spill: Vec::new(),
            present: 0,
        }
    }

    fn push(&mut self, field: Field) -> Result<(), ParseError> {
        self.present |= field.name.bit();
        if let Some(place) = self.inline.get_mut(self.used) {
            *place = field;
            self.used += 1;
        } else if INLINE + self.spill.len() < MAX_HEADERS {
            self.spill.push(field);
        } else {
            return Err(ParseError::TooManyHeaders);
        }
        Ok(())
    }

    fn last_mut(&mut self) -> Option<&mut Field> {
        match self.spill.last_mut() {
            Some(field) => Some(field),
            None => self
                .used
                .checked_sub(1)
                .and_then(|last| self.inline.get_mut(last)),
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Field> + Clone {
        self.inline
            .get(..self.used)
            .unwrap_or_default()
            .iter()
            .chain(self.spill.iter())
    }

    pub(super) fn first(&self, name: Name) -> Option<&Field> {
        self.of(name).next()
    }

    /// The fields of one name, in order.
    pub(super) fn of(&self, name: Name) -> impl Iterator<Item = &Field> + Clone {
        let (inline, spill) = match self.present & name.bit() {
            0 => (&[][..], &[][..]),
            _ => (self.inline.get(..self.used).unwrap_or_default(), &self.spill[..]),
        };
        inline.iter().chain(spill).filter(move |field| field.name == name)
    }
}

/// What the walk found.
pub(super) struct Head {
    /// End of the start line, line end excluded.
    pub(super) start_line_end: usize,
    /// Octets of the head, the blank line included.
    pub(super) len: usize,
    /// False if the octets ended before a blank line.
    pub(super) complete: bool,
    pub(super) fields: Fields,
    /// The first thing out of order that could still be represented.
    pub(super) defect: Option<&'static str>,
}

struct Walk<'a> {
    bytes: &'a [u8],
    at: usize,
    fields: Fields,
    defect: Option<&'static str>,
}

/// One line without its end.
struct Line<'a> {
    at: usize,
    text: &'a [u8],
}

/// Walks the head of `bytes`, which start with the start line.
pub(super) fn walk(bytes: &[u8]) -> Result<Head, ParseError> {
    let mut walk = Walk {
        bytes,
        at: 0,
        fields: Fields::new(),
        defect: None,
    };
    let start = walk.line().map_or(0, |line| line.at + line.text.len());
    let mut complete = false;
    while let Some(line) = walk.line() {
        if line.text.is_empty() {
            complete = true;
            break;
        }
        walk.field(&line)?;
    }
    let len = walk.at;
    if u16::try_from(len).is_err() {
        return Err(ParseError::TooLarge);
    }
    Ok(Head {
        start_line_end: start,
        len,
        complete,
        fields: walk.fields,
        defect: walk.defect,
    })
}

impl<'a> Walk<'a> {
    /// The next line; CRLF ends it, a lone LF too, a lone CR is a defect and stays in the line.
    fn line(&mut self) -> Option<Line<'a>> {
        let at = self.at;
        let mut from = at;
        let rest = self.bytes.get(at..).filter(|rest| !rest.is_empty())?;
        loop {
            let Some(found) = self
                .bytes
                .get(from..)
                .and_then(|tail| memchr2(b'\r', b'\n', tail))
            else {
                self.at = self.bytes.len();
                return Some(Line { at, text: rest });
            };
            let end = from + found;
            let is_cr = self.bytes.get(end) == Some(&b'\r');
            if is_cr && self.bytes.get(end + 1) != Some(&b'\n') {
                self.flag("carriage return without line feed");
                from = end + 1;
                continue;
            }
            self.at = end + 1 + usize::from(is_cr);
            return Some(Line {
                at,
                text: self.bytes.get(at..end).unwrap_or_default(),
            });
        }
    }

    fn flag(&mut self, defect: &'static str) {
        self.defect.get_or_insert(defect);
    }

    fn field(&mut self, line: &Line<'_>) -> Result<(), ParseError> {
        let text = line.text;
        if matches!(text.first(), Some(b' ' | b'\t')) {
            return self.fold(line);
        }
        let name_len = text.iter().position(|b| !is_token_byte(*b)).unwrap_or(text.len());
        let after = text.get(name_len..).unwrap_or_default();
        let gap = after
            .iter()
            .position(|b| !matches!(b, b' ' | b'\t'))
            .unwrap_or(after.len());
        if name_len == 0 || after.get(gap) != Some(&b':') {
            self.flag("header line without a name and a colon");
            return Ok(());
        }
        let (from, to) = trimmed(text, name_len + gap + 1);
        let field = Field {
            name: Name::of(text.get(..name_len).unwrap_or_default()),
            name_at: short(line.at)?,
            name_end: short(line.at + name_len)?,
            value_at: short(line.at + from)?,
            value_end: short(line.at + to)?,
        };
        self.fields.push(field)
    }

    /// A continuation line belongs to the value before it (RFC 3261 §7.3.1).
    fn fold(&mut self, line: &Line<'_>) -> Result<(), ParseError> {
        let (from, to) = trimmed(line.text, 0);
        let (from, to) = (short(line.at + from)?, short(line.at + to)?);
        match self.fields.last_mut() {
            None => self.flag("continuation line before any header"),
            Some(_) if from == to => {}
            Some(field) => {
                if field.value_at == field.value_end {
                    field.value_at = from;
                }
                field.value_end = to;
            }
        }
        Ok(())
    }
}

/// The span of `text[from..]` without white space at its ends.
fn trimmed(text: &[u8], from: usize) -> (usize, usize) {
    let value = text.get(from..).unwrap_or_default();
    let blank = |b: &u8| matches!(b, b' ' | b'\t');
    match (
        value.iter().position(|b| !blank(b)),
        value.iter().rposition(|b| !blank(b)),
    ) {
        (Some(first), Some(last)) => (from + first, from + last + 1),
        _ => (from.min(text.len()), from.min(text.len())),
    }
}

fn short(at: usize) -> Result<u16, ParseError> {
    u16::try_from(at).map_err(|_| ParseError::TooLarge)
}
