//! What a certificate gives authority over: the TNAuthList extension (RFC 8226 §9).

use der::asn1::{AnyRef, Ia5StringRef};
use der::{Decode, ErrorKind, Reader, SliceReader, Tag, Tagged};

/// Entries of one list.
const MAX_ENTRIES: usize = 4_096;
/// Characters of a number (RFC 8226 §9).
const LONGEST: usize = 15;

/// The entries of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Authority {
    /// Service provider codes.
    pub(crate) spc: Vec<Box<str>>,
    numbers: Vec<Range>,
}

/// Consecutive numbers of one length. A number with `*` or `#` stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Range {
    start: Box<str>,
    /// How many, at least 1.
    count: u64,
}

impl Authority {
    /// Reads the value of the extension.
    pub(crate) fn parse(octets: &[u8]) -> der::Result<Authority> {
        let mut reader = SliceReader::new(octets)?;
        let list = reader.sequence(|list: &mut SliceReader<'_>| {
            let mut all = Authority::default();
            while !list.is_finished() {
                all.read_entry(list)?;
                if all.spc.len() + all.numbers.len() > MAX_ENTRIES {
                    return Err(list.error(ErrorKind::Overlength));
                }
            }
            Ok(all)
        })?;
        reader.finish()?;
        match list.spc.is_empty() && list.numbers.is_empty() {
            true => Err(ErrorKind::Failed.into()),
            false => Ok(list),
        }
    }

    /// One of `spc [0]`, `range [1]`, `one [2]`, whose tags are explicit.
    fn read_entry(&mut self, list: &mut SliceReader<'_>) -> der::Result<()> {
        let entry = AnyRef::decode(list)?;
        let (number, inner) = match entry.tag() {
            Tag::ContextSpecific {
                constructed: true,
                number,
            } => (number.value(), entry.value()),
            other => return Err(other.unexpected_error(None).into()),
        };
        match number {
            0 => self.spc.push(Ia5StringRef::from_der(inner)?.as_str().into()),
            1 => {
                let mut reader = SliceReader::new(inner)?;
                let range = reader.sequence(|range: &mut SliceReader<'_>| {
                    let start = telephone_number(range.decode()?)?;
                    let count: u64 = range.decode()?;
                    if count == 0 {
                        return Err(range.error(ErrorKind::Failed));
                    }
                    // The syntax may grow behind these two.
                    range.drain(range.remaining_len())?;
                    Ok::<_, der::Error>(Range { start, count })
                })?;
                reader.finish()?;
                self.numbers.push(range);
            }
            2 => {
                let start = telephone_number(Ia5StringRef::from_der(inner)?)?;
                self.numbers.push(Range { start, count: 1 });
            }
            _ => return Err(entry.tag().unexpected_error(None).into()),
        }
        Ok(())
    }

    /// May a holder sign for this number? A list without numbers is one of a provider, whose numbers stand elsewhere.
    pub(crate) fn covers(&self, number: &str) -> bool {
        self.numbers.is_empty() || self.numbers.iter().any(|range| range.has(number))
    }
}

impl Range {
    fn has(&self, number: &str) -> bool {
        if self.count == 1 || *self.start == *number {
            return *self.start == *number;
        }
        let (Ok(start), Ok(asked)) = (self.start.parse::<u64>(), number.parse::<u64>()) else {
            return false;
        };
        // Numbers that are read are digits alone, for both have one length.
        let is_as_long = self.start.len() == number.len() && number.bytes().all(|b| b.is_ascii_digit());
        is_as_long && asked.checked_sub(start).is_some_and(|at| at < self.count)
    }
}

fn telephone_number(text: Ia5StringRef<'_>) -> der::Result<Box<str>> {
    let text = text.as_str();
    let is_number = text.bytes().all(|b| b.is_ascii_digit() || b == b'*' || b == b'#');
    match is_number && (1..=LONGEST).contains(&text.len()) {
        true => Ok(text.into()),
        false => Err(Tag::Ia5String.value_error().into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tlv(tag: u8, value: &[u8]) -> Vec<u8> {
        let length = u8::try_from(value.len()).unwrap();
        assert!(length < 128);
        [&[tag, length][..], value].concat()
    }

    fn ia5(text: &str) -> Vec<u8> {
        tlv(0x16, text.as_bytes())
    }

    fn range(start: &str, count: &[u8]) -> Vec<u8> {
        tlv(0xA1, &tlv(0x30, &[ia5(start), tlv(2, count)].concat()))
    }

    fn list(entries: &[Vec<u8>]) -> der::Result<Authority> {
        Authority::parse(&tlv(0x30, &entries.concat()))
    }

    #[test]
    fn a_providers_code_covers_every_number() {
        // That of ATIS-1000080's examples: 30 08 A0 06 16 04 "709J".
        let found = list(&[tlv(0xA0, &ia5("709J"))]).unwrap();
        assert_eq!(found.spc, ["709J".into()]);
        assert!(found.covers("12155550121"));
    }

    #[test]
    fn numbers_and_ranges_cover_themselves_alone() {
        let found = list(&[
            tlv(0xA2, &ia5("12155550121")),
            range("12155550200", &[100]),
            range("0099", &[2]),
            tlv(0xA2, &ia5("*67")),
        ])
        .unwrap();
        for inside in ["12155550121", "12155550200", "12155550299", "0099", "0100", "*67"] {
            assert!(found.covers(inside), "{inside}");
        }
        for outside in [
            "12155550122",
            "12155550199",
            "12155550300",
            "012155550200",
            "99",
            "100",
            "*68",
            "",
        ] {
            assert!(!found.covers(outside), "{outside}");
        }
        let both = list(&[tlv(0xA0, &ia5("709J")), tlv(0xA2, &ia5("1"))]).unwrap();
        assert!(both.covers("1") && !both.covers("2"));
        let last = list(&[range("999999999999998", &[0x7F, 0xFF, 0xFF, 0xFF])]).unwrap();
        assert!(last.covers("999999999999999") && !last.covers("1000000000000000"));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        assert!(Authority::parse(&[]).is_err());
        let good = tlv(0xA2, &ia5("1"));
        assert!(Authority::parse(&[tlv(0x30, &good), vec![0]].concat()).is_err());
        for bad in [
            Vec::new(),
            tlv(0xA2, &ia5("")),
            tlv(0xA2, &ia5("1234567890123456")),
            tlv(0xA2, &ia5("+1")),
            tlv(0xA2, &tlv(0x0C, b"1")),
            tlv(0x82, b"1"),
            tlv(0xA3, &ia5("1")),
            range("1", &[0]),
            range("1", &[0xFF]),
            range("1", &[1, 0, 0, 0, 0, 0, 0, 0, 0]),
            tlv(0xA1, &tlv(0x30, &ia5("1"))),
            ia5("1"),
        ] {
            assert!(list(std::slice::from_ref(&bad)).is_err(), "{bad:02X?}");
        }
        let many = good.repeat(MAX_ENTRIES + 1);
        let length = u16::try_from(many.len()).unwrap().to_be_bytes();
        let many = [&[0x30, 0x82][..], &length, &many].concat();
        assert!(Authority::parse(&many).is_err());
    }
}
