//! Writing: packets go in, whole pages come out.

use super::head::{Head, Tags};
use super::page::{MAX_SEGMENTS, NO_POSITION, Page};
use super::{CLOCK_HZ, MAX_PACKET, duration};
use std::fmt;

/// A page is closed before it holds more than this: half a second, so that what waits, is written and is on its way to the disk
/// stays within a second.
const PAGE_SAMPLES: u32 = CLOCK_HZ / 2;

/// A packet that is not written: it is not Opus, or too long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("not an Opus packet that a file can hold")
    }
}

impl std::error::Error for Refused {}

/// Writes one file. Pages are appended to the `out` of each call as they are complete; nothing is ever changed afterwards, so
/// they can be written to disk at once, and a file that ends with any of them is sound.
#[derive(Clone, Debug)]
pub struct Writer {
    serial: u32,
    sequence: u32,
    /// Samples up to the end of what was given, those to be skipped included.
    position: u64,
    /// Samples that wait for their page.
    waiting: u32,
    page_samples: u32,
    lengths: Vec<u8>,
    body: Vec<u8>,
}

impl Writer {
    /// Begins a file. The serial number tells streams apart that are put behind each other; any will do.
    #[must_use]
    pub fn begin(head: &Head, tags: &Tags, serial: u32, out: &mut Vec<u8>) -> Writer {
        let mut writer = Writer {
            serial,
            sequence: 0,
            position: 0,
            waiting: 0,
            page_samples: PAGE_SAMPLES,
            lengths: Vec::with_capacity(MAX_SEGMENTS),
            body: Vec::new(),
        };
        // Each header has a page of its own.
        writer.put(&head.packet());
        writer.page(true, false, 0, out);
        writer.put(&tags.packet());
        writer.page(false, false, 0, out);
        writer
    }

    /// Pages of so many milliseconds, 20 to 1,000, instead of 500: fewer are smaller, and lose more in a crash.
    #[must_use]
    pub fn with_pages(mut self, page_ms: u16) -> Writer {
        self.page_samples = u32::from(page_ms.clamp(20, 1000)) * (CLOCK_HZ / 1000);
        self
    }

    /// Takes a packet; gives how long it is, samples of 48 kHz.
    ///
    /// # Errors
    /// [`Refused`]; the packet is left out, and the next may come.
    pub fn packet(&mut self, packet: &[u8], out: &mut Vec<u8>) -> Result<u32, Refused> {
        let samples = duration(packet).ok_or(Refused)?;
        if packet.len() > MAX_PACKET {
            return Err(Refused);
        }
        let segments = packet.len() / 255 + 1;
        let is_full =
            self.waiting + samples > self.page_samples || self.lengths.len() + segments > MAX_SEGMENTS;
        // The page is closed by the packet that it has no room for, so that there is one for the end of the stream.
        if is_full {
            self.flush(out);
        }
        self.put(packet);
        self.waiting += samples;
        self.position = self.position.saturating_add(u64::from(samples));
        Ok(samples)
    }

    /// Closes the page at once.
    pub fn flush(&mut self, out: &mut Vec<u8>) {
        if !self.lengths.is_empty() {
            self.page(false, false, self.position, out);
        }
    }

    /// Samples that were given, those to be skipped included.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Ends the file. The last `surplus` samples of 48 kHz are not to be heard, as when the last frame was filled up; only
    /// those that are not yet on a page can be left out.
    pub fn finish(mut self, surplus: u32, out: &mut Vec<u8>) {
        let surplus = u64::from(surplus.min(self.waiting));
        self.page(false, true, self.position - surplus, out);
    }

    fn put(&mut self, packet: &[u8]) {
        let whole = packet.len() / 255;
        self.lengths.extend(std::iter::repeat_n(u8::MAX, whole));
        self.lengths.push((packet.len() % 255) as u8);
        self.body.extend_from_slice(packet);
    }

    /// Writes what waits. Comments of a header may fill several pages.
    fn page(&mut self, is_first: bool, is_last: bool, position: u64, out: &mut Vec<u8>) {
        let (mut lengths, mut body) = (self.lengths.as_slice(), self.body.as_slice());
        let mut is_continued = false;
        loop {
            let (now, later) = lengths.split_at(lengths.len().min(MAX_SEGMENTS));
            let (octets, rest) = body.split_at(super::page::total(now).min(body.len()));
            let page = Page {
                is_continued,
                is_first,
                is_last,
                position: if later.is_empty() { position } else { NO_POSITION },
                serial: self.serial,
                sequence: self.sequence,
                lengths: now,
                body: octets,
            };
            page.write(out);
            self.sequence = self.sequence.wrapping_add(1);
            (lengths, body, is_continued) = (later, rest, true);
            if lengths.is_empty() {
                break;
            }
        }
        self.lengths.clear();
        self.body.clear();
        self.waiting = 0;
    }
}
