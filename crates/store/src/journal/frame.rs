//! One record in a file: `length ‖ CRC-32 ‖ JSON`.

use super::u64_of;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::io;

/// Octets before the JSON.
const HEAD: usize = 8;
/// Longest record. A longer length is not one of ours but garbage.
const RECORD_OCTETS: usize = 1 << 20;

/// How the octets of a file end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// After a whole record.
    Clean,
    /// Within a record: the writer was killed, or is still at it.
    Torn,
    /// At a record that is all there and not what was written: the disk or a foreign hand.
    Damaged,
}

/// Appends records to `buffer`.
pub(super) fn encode<T: Serialize>(buffer: &mut Vec<u8>, records: &[T]) -> io::Result<()> {
    for record in records {
        let start = buffer.len();
        buffer.extend_from_slice(&[0; HEAD]);
        serde_json::to_writer(&mut *buffer, record)?;
        let (head, json) = buffer.split_at_mut(start.saturating_add(HEAD));
        let Some(head) = head.last_chunk_mut::<HEAD>() else {
            continue; // The head was just written.
        };
        if json.len() > RECORD_OCTETS {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "a record is longer than 1 MiB",
            ));
        }
        let len = u32::try_from(json.len()).unwrap_or(u32::MAX);
        let check = crc32fast::hash(json);
        *head = (u64::from(check) << 32 | u64::from(len)).to_le_bytes();
    }
    Ok(())
}

/// The whole records at the front of `octets`, how many octets they take, and what follows them.
pub(super) fn decode<T: DeserializeOwned>(octets: &[u8]) -> (Vec<T>, u64, Tail) {
    let mut frames = Frames::new(octets);
    let records = frames.by_ref().collect();
    (records, frames.good(), frames.tail)
}

/// Walks the records of a buffer; ends at the first that is not whole.
pub(super) struct Frames<'a, T> {
    octets: &'a [u8],
    at: usize,
    pub(super) tail: Tail,
    record: std::marker::PhantomData<T>,
}

impl<'a, T: DeserializeOwned> Frames<'a, T> {
    pub(super) fn new(octets: &'a [u8]) -> Frames<'a, T> {
        Frames {
            octets,
            at: 0,
            tail: Tail::Clean,
            record: std::marker::PhantomData,
        }
    }

    /// Octets of the records given so far.
    pub(super) fn good(&self) -> u64 {
        u64_of(self.at)
    }

    /// Records that lie where the walk ended, the one at which it ended included, as many as their lengths still show; and
    /// their octets.
    pub(super) fn behind(&self) -> (usize, u64) {
        let behind = self.octets.get(self.at..).unwrap_or_default();
        let (mut rest, mut count) = (behind, 0_usize);
        while let Some(([a, b, c, d, ..], body)) = rest.split_first_chunk::<HEAD>() {
            count = count.saturating_add(1);
            let len = usize::try_from(u32::from_le_bytes([*a, *b, *c, *d])).unwrap_or(usize::MAX);
            rest = body.get(len..).unwrap_or_default();
        }
        (count, u64_of(behind.len()))
    }

    /// The next record and the octets it takes, or how the buffer ends.
    fn step(&self) -> Result<(T, usize), Tail> {
        let rest = self.octets.get(self.at..).unwrap_or_default();
        if rest.is_empty() {
            return Err(Tail::Clean);
        }
        let (head, rest) = rest.split_first_chunk::<HEAD>().ok_or(Tail::Torn)?;
        let [a, b, c, d, check @ ..] = *head;
        let len = usize::try_from(u32::from_le_bytes([a, b, c, d])).unwrap_or(usize::MAX);
        if len > RECORD_OCTETS {
            return Err(Tail::Damaged);
        }
        let json = rest.get(..len).ok_or(Tail::Torn)?;
        if crc32fast::hash(json) != u32::from_le_bytes(check) {
            return Err(Tail::Damaged);
        }
        let record = serde_json::from_slice(json).map_err(|_| Tail::Damaged)?;
        Ok((record, HEAD.saturating_add(len)))
    }
}

impl<T: DeserializeOwned> Iterator for Frames<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        match self.step() {
            Ok((record, len)) => {
                self.at = self.at.saturating_add(len);
                Some(record)
            }
            Err(tail) => {
                self.tail = tail;
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lies_behind_a_damaged_record_is_counted() {
        let mut octets = Vec::new();
        encode(&mut octets, &["one", "two", "three", "four"]).unwrap();
        // A letter of the second is another.
        octets[HEAD + 5 + HEAD + 2] ^= 1;
        let mut frames = Frames::<String>::new(&octets);
        assert_eq!(frames.by_ref().collect::<Vec<_>>(), ["one"]);
        assert_eq!(frames.tail, Tail::Damaged);
        assert_eq!(frames.behind(), (3, (5 + 7 + 6 + 3 * HEAD) as u64));
        // A length that is none shows nothing behind it.
        octets[HEAD + 5 + 3] = 0xff;
        let mut frames = Frames::<String>::new(&octets);
        assert_eq!(frames.by_ref().count(), 1);
        assert_eq!(frames.behind().0, 1);
    }
}
