//! One page (RFC 3533 section 6): a header, the lengths of the segments in it, and the segments.

/// What a page begins with.
pub(super) const MARK: &[u8; 4] = b"OggS";
/// Octets before the lengths.
const HEADER: usize = 27;
/// Where the checksum stands.
const SUM: usize = 22;
/// Segments of a page at most.
pub(super) const MAX_SEGMENTS: usize = 255;
/// Damaged places after which the rest of a file is given up: each may cost the checksum of a page.
pub(super) const MAX_DAMAGED: u32 = 64;
/// The position of a page on which no packet ends.
pub(super) const NO_POSITION: u64 = u64::MAX;

const CONTINUED: u8 = 1;
const FIRST: u8 = 2;
const LAST: u8 = 4;

/// A page that is whole and has its checksum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Page<'a> {
    /// Its first segment goes on with a packet of the page before.
    pub(super) is_continued: bool,
    pub(super) is_first: bool,
    pub(super) is_last: bool,
    /// Samples up to the end of the last packet that ends here, or [`NO_POSITION`].
    pub(super) position: u64,
    pub(super) serial: u32,
    pub(super) sequence: u32,
    /// The length of each segment; one below 255 ends a packet.
    pub(super) lengths: &'a [u8],
    pub(super) body: &'a [u8],
}

/// What stands at a place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Found<'a> {
    Page(Page<'a>),
    /// The beginning of a page, but the file ends.
    Cut,
    /// No page, or a damaged one.
    Nothing,
}

impl<'a> Page<'a> {
    /// Reads the page at the beginning of `file`.
    pub(super) fn parse(file: &'a [u8]) -> Found<'a> {
        let mark = file.get(..MARK.len().min(file.len())).unwrap_or_default();
        if !MARK.starts_with(mark) || file.get(MARK.len()).is_some_and(|version| *version != 0) {
            return Found::Nothing;
        }
        let Some((header, rest)) = file.split_first_chunk::<HEADER>() else {
            return Found::Cut;
        };
        let [_, _, _, _, _, flags, fields @ .., segments] = *header;
        let Some((lengths, rest)) = rest.split_at_checked(usize::from(segments)) else {
            return Found::Cut;
        };
        let Some(body) = rest.get(..total(lengths)) else {
            return Found::Cut;
        };
        let mut sum = Sum::default();
        sum.add(header.get(..SUM).unwrap_or_default());
        sum.add(&[0; 4]);
        sum.add(&[segments]);
        sum.add(lengths);
        sum.add(body);
        let [position @ .., s0, s1, s2, s3, n0, n1, n2, n3, c0, c1, c2, c3] = fields;
        if u32::from_le_bytes([c0, c1, c2, c3]) != sum.0 {
            return Found::Nothing;
        }
        Found::Page(Page {
            is_continued: flags & CONTINUED != 0,
            is_first: flags & FIRST != 0,
            is_last: flags & LAST != 0,
            position: u64::from_le_bytes(position),
            serial: u32::from_le_bytes([s0, s1, s2, s3]),
            sequence: u32::from_le_bytes([n0, n1, n2, n3]),
            lengths,
            body,
        })
    }

    /// Octets in the file.
    pub(super) fn octets(&self) -> usize {
        HEADER + self.lengths.len() + self.body.len()
    }

    /// Appends the page as it is stored. There are at most [`MAX_SEGMENTS`], whose lengths add up to the body.
    pub(super) fn write(&self, into: &mut Vec<u8>) {
        let begin = into.len();
        let flag = |is: bool, bit: u8| if is { bit } else { 0 };
        let flags =
            flag(self.is_continued, CONTINUED) | flag(self.is_first, FIRST) | flag(self.is_last, LAST);
        into.extend(MARK);
        into.extend([0, flags]);
        into.extend(self.position.to_le_bytes());
        into.extend(self.serial.to_le_bytes());
        into.extend(self.sequence.to_le_bytes());
        into.extend([0; 4]);
        into.push(self.lengths.len() as u8);
        into.extend(self.lengths);
        into.extend(self.body);
        let mut sum = Sum::default();
        sum.add(into.get(begin..).unwrap_or_default());
        if let Some(place) = into.get_mut(begin + SUM..begin + SUM + 4) {
            place.copy_from_slice(&sum.0.to_le_bytes());
        }
    }
}

/// Octets of so many segments.
pub(super) fn total(lengths: &[u8]) -> usize {
    lengths.iter().map(|length| usize::from(*length)).sum()
}

/// The checksum: a CRC of the polynomial 0x04C11DB7, from 0, most significant bit first.
#[derive(Clone, Copy, Default)]
struct Sum(u32);

impl Sum {
    fn add(&mut self, octets: &[u8]) {
        for octet in octets {
            let [high, ..] = self.0.to_be_bytes();
            let step = TABLE.get(usize::from(high ^ octet)).copied().unwrap_or_default();
            self.0 = (self.0 << 8) ^ step;
        }
    }
}

const TABLE: [u32; 256] = table();

#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn table() -> [u32; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        let mut sum = (octet as u32) << 24;
        let mut bit = 0;
        while bit < 8 {
            sum = (sum << 1) ^ (if sum >> 31 == 1 { 0x04C1_1DB7 } else { 0 });
            bit += 1;
        }
        table[octet] = sum;
        octet += 1;
    }
    table
}
