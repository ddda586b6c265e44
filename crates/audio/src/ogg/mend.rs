//! Where a file ends that was cut, found without having it in memory: it may be hours long.

use super::head::{Head, Tags};
use super::page::{Found, MARK, MAX_DAMAGED, NO_POSITION, Page};

/// Reads a file of one Opus stream block by block, of which it keeps no more than a page and a block.
#[derive(Debug, Default)]
pub struct Mender {
    /// What was not looked at yet.
    waiting: Vec<u8>,
    /// Octets of the file before that.
    before: u64,
    stream: Option<Stream>,
    /// Looking for the next page behind a damaged place.
    is_searching: bool,
    damaged: u32,
    /// Nothing that follows is looked at.
    is_over: bool,
}

/// What is known of the stream, up to the last whole page.
#[derive(Debug)]
struct Stream {
    pre_skip: u16,
    serial: u32,
    /// Of the next page.
    sequence: u32,
    position: u64,
    /// Octets of the file up to there.
    whole: u64,
    /// The second header was read.
    has_tags: bool,
    has_ended: bool,
}

impl Mender {
    /// Takes the next octets of the file.
    pub fn push(&mut self, octets: &[u8]) {
        if self.is_over {
            return;
        }
        self.waiting.extend_from_slice(octets);
        let waiting = std::mem::take(&mut self.waiting);
        let mut at = 0;
        while let Some(step) = self.step(waiting.get(at..).unwrap_or_default(), at) {
            at += step;
        }
        self.before = self.before.saturating_add(at as u64);
        self.waiting = waiting;
        self.waiting.drain(..at);
    }

    /// Appends to `out` what has to stand behind the octets that stay, so that the stream has an end: nothing when it has one.
    /// Gives how many stay, and how long the sound is, samples of 48 kHz; `None` for what does not begin as an Opus file.
    #[must_use]
    pub fn finish(self, out: &mut Vec<u8>) -> Option<(u64, u64)> {
        let stream = self.stream.filter(|stream| stream.has_tags)?;
        if !stream.has_ended {
            let end = Page {
                is_continued: false,
                is_first: false,
                is_last: true,
                position: stream.position,
                serial: stream.serial,
                sequence: stream.sequence,
                lengths: &[],
                body: &[],
            };
            end.write(out);
        }
        let samples = stream.position.saturating_sub(stream.pre_skip.into());
        Some((stream.whole, samples))
    }

    /// Looks at what stands at a place; gives how far to go on, or nothing when that has to wait for more, or is over.
    fn step(&mut self, rest: &[u8], at: usize) -> Option<usize> {
        if self.is_over {
            return None;
        }
        match Page::parse(rest) {
            Found::Page(page) => {
                self.is_searching = false;
                let end = self.before.saturating_add((at + page.octets()) as u64);
                self.take(&page, end);
                Some(page.octets())
            }
            Found::Cut => None,
            Found::Nothing => {
                if !self.is_searching || rest.starts_with(MARK) {
                    self.damaged += 1;
                }
                self.is_searching = true;
                self.is_over = self.damaged >= MAX_DAMAGED || self.stream.is_none();
                let next = rest.windows(MARK.len()).skip(1).position(|w| w == MARK);
                // A mark may be cut by the end of the block.
                Some(next.map_or(rest.len().saturating_sub(MARK.len() - 1).max(1), |next| next + 1))
            }
        }
    }

    fn take(&mut self, page: &Page<'_>, end: u64) {
        let Some(stream) = &mut self.stream else {
            let head = Head::parse(page.body).ok().filter(|_| page.is_first);
            self.is_over = head.is_none() || page.is_last;
            self.stream = head.map(|head| Stream {
                pre_skip: head.pre_skip,
                serial: page.serial,
                sequence: page.sequence.wrapping_add(1),
                position: 0,
                whole: end,
                has_tags: false,
                has_ended: page.is_last,
            });
            return;
        };
        if page.serial != stream.serial {
            return;
        }
        if !stream.has_tags {
            stream.has_tags = Tags::parse(page.body).is_ok();
            if !stream.has_tags {
                self.is_over = true;
                return;
            }
        } else if page.position != NO_POSITION {
            stream.position = page.position;
        }
        stream.sequence = page.sequence.wrapping_add(1);
        (stream.whole, stream.has_ended) = (end, page.is_last);
        self.is_over = page.is_last;
    }
}
