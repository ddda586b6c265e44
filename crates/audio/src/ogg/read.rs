//! Reading a file that is all there, or as much of it as there is.

use super::head::{Head, Tags, Unreadable};
use super::page::{Found, MARK, MAX_DAMAGED, NO_POSITION, Page};
use super::{MAX_PACKET, duration};
use std::ops::Range;

/// Streams side by side among whose beginnings Opus is looked for.
const MAX_STREAMS: usize = 8;
/// Comments may hold a picture; more octets than this are refused.
const MAX_TAGS: usize = 1 << 20;

/// A packet of sound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet<'r> {
    /// For the decoder.
    pub octets: &'r [u8],
    /// How long it is, samples of 48 kHz.
    pub samples: u32,
    /// How many of these are to be heard, from its beginning: fewer only where the stream ends.
    pub heard: u32,
}

/// Where a packet lies.
enum Place {
    Body(Range<usize>),
    Collected,
}

/// Reads the packets of the first Opus stream of a file.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    file: &'a [u8],
    /// Where the next page is looked for.
    at: usize,
    head: Head,
    tags: Tags,
    serial: u32,
    /// The number that the next page should have.
    sequence: u32,
    page: Option<Page<'a>>,
    /// Segments and octets of the page that were used.
    segment: usize,
    offset: usize,
    /// A packet that spans pages.
    collected: Vec<u8>,
    most: usize,
    /// The packet under way lacks its beginning, or is too long.
    is_lost: bool,
    position: u64,
    damaged: u32,
    has_ended: bool,
    whole: usize,
}

impl<'a> Reader<'a> {
    /// Reads the headers.
    ///
    /// # Errors
    /// See [`Unreadable`].
    pub fn open(file: &'a [u8]) -> Result<Reader<'a>, Unreadable> {
        let (page, at) = begin(file)?;
        let head = Head::parse(page.body)?;
        let mut reader = Reader {
            file,
            at,
            head,
            tags: Tags::default(),
            serial: page.serial,
            sequence: page.sequence.wrapping_add(1),
            page: None,
            segment: 0,
            offset: 0,
            collected: Vec::new(),
            most: MAX_TAGS,
            is_lost: false,
            position: 0,
            damaged: 0,
            has_ended: page.is_last,
            whole: at,
        };
        let place = reader.advance().ok_or(Unreadable::Header)?;
        reader.tags = Tags::parse(reader.octets(&place))?;
        reader.collected = Vec::new();
        reader.most = MAX_PACKET;
        Ok(reader)
    }

    /// What the sound is.
    #[must_use]
    pub fn head(&self) -> Head {
        self.head
    }

    /// What is told about it.
    #[must_use]
    pub fn tags(&self) -> &Tags {
        &self.tags
    }

    /// Places that were damaged or are missing, up to where we are; what was there is left out.
    #[must_use]
    pub fn damaged(&self) -> u32 {
        self.damaged
    }

    /// The stream's last page was read; without it, the file was cut.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.has_ended
    }

    /// Octets of the file up to the end of the last whole page that was read. A recording that was cut ends there.
    #[must_use]
    pub fn whole(&self) -> usize {
        self.whole
    }

    /// The next packet, if there is one. The first [`Head::pre_skip`] samples of all are not to be heard.
    pub fn next_packet(&mut self) -> Option<Packet<'_>> {
        loop {
            let place = self.advance()?;
            let Some(samples) = duration(self.octets(&place)) else {
                self.damaged = self.damaged.saturating_add(1);
                continue;
            };
            let heard = self.account(samples);
            return Some(Packet {
                octets: self.octets(&place),
                samples,
                heard,
            });
        }
    }

    /// How much of a packet is to be heard, by the position of its page.
    fn account(&mut self, samples: u32) -> u32 {
        let begin = self.position;
        self.position = begin.saturating_add(u64::from(samples));
        let Some(page) = self.page.filter(|page| page.position != NO_POSITION) else {
            return samples;
        };
        let rest = page.lengths.get(self.segment..).unwrap_or_default();
        if !rest.iter().any(|length| *length < u8::MAX) {
            self.position = page.position;
        }
        let room = page.position.saturating_sub(begin);
        match page.is_last {
            true => u32::try_from(room).unwrap_or(u32::MAX).min(samples),
            false => samples,
        }
    }

    fn octets(&self, place: &Place) -> &[u8] {
        match place {
            Place::Collected => &self.collected,
            Place::Body(range) => {
                let body = self.page.map(|page| page.body).unwrap_or_default();
                body.get(range.clone()).unwrap_or_default()
            }
        }
    }

    /// Goes behind the next packet that is whole.
    fn advance(&mut self) -> Option<Place> {
        let mut is_collecting = false;
        loop {
            let page = match self.page {
                Some(page) => page,
                None => self.turn(&mut is_collecting)?,
            };
            let begin = self.offset;
            let rest = page.lengths.get(self.segment..).unwrap_or_default();
            let end = rest.iter().position(|length| *length < u8::MAX);
            let segments = end.map_or(rest.len(), |last| last + 1);
            let octets = super::page::total(rest.get(..segments).unwrap_or_default());
            self.segment += segments;
            self.offset += octets;
            let range = begin..self.offset;
            if end.is_some() && !is_collecting && !self.is_lost && octets <= self.most {
                return Some(Place::Body(range));
            }
            if segments > 0 {
                if !is_collecting {
                    self.collected.clear();
                    is_collecting = true;
                }
                self.collect(page.body.get(range).unwrap_or_default());
            }
            if end.is_none() {
                self.page = None;
                continue;
            }
            if !self.is_lost {
                return Some(Place::Collected);
            }
            (self.is_lost, is_collecting) = (false, false);
        }
    }

    fn collect(&mut self, octets: &[u8]) {
        if self.is_lost {
            return;
        }
        if self.collected.len() + octets.len() > self.most {
            self.damaged = self.damaged.saturating_add(1);
            self.is_lost = true;
        } else {
            self.collected.extend_from_slice(octets);
        }
    }

    /// Turns to the next page of the stream; a packet whose rest is missing is given up.
    fn turn(&mut self, is_collecting: &mut bool) -> Option<Page<'a>> {
        let page = self.find()?;
        let is_next = page.sequence == self.sequence;
        self.sequence = page.sequence.wrapping_add(1);
        // Before the first packet there is nothing that could go on.
        if !is_next || page.is_continued != *is_collecting {
            self.damaged = self.damaged.saturating_add(1);
            *is_collecting = false;
            self.is_lost = page.is_continued;
        }
        (self.segment, self.offset) = (0, 0);
        self.page = Some(page);
        Some(page)
    }

    fn find(&mut self) -> Option<Page<'a>> {
        while !self.has_ended && self.damaged < MAX_DAMAGED {
            match Page::parse(self.file.get(self.at..)?) {
                Found::Page(page) => {
                    self.at += page.octets();
                    if page.serial != self.serial {
                        continue;
                    }
                    self.has_ended = page.is_last;
                    self.whole = self.at;
                    return Some(page);
                }
                Found::Cut => return None,
                Found::Nothing => {
                    self.damaged = self.damaged.saturating_add(1);
                    let rest = self.file.get(self.at + 1..)?;
                    self.at += 1 + rest.windows(MARK.len()).position(|w| w == MARK)?;
                }
            }
        }
        None
    }
}

/// The first page of an Opus stream, and where the next page begins.
fn begin(file: &[u8]) -> Result<(Page<'_>, usize), Unreadable> {
    let mut at = 0;
    for stream in 0..MAX_STREAMS {
        let Found::Page(page) = Page::parse(file.get(at..).unwrap_or_default()) else {
            return Err(if stream == 0 {
                Unreadable::NotOgg
            } else {
                Unreadable::NotOpus
            });
        };
        at += page.octets();
        if !page.is_first {
            return Err(Unreadable::NotOpus);
        }
        if Head::is_one(page.body) {
            return Ok((page, at));
        }
    }
    Err(Unreadable::NotOpus)
}
