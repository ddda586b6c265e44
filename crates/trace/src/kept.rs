//! Where messages lie: blocks of octets, the oldest given up whole.
//!
//! Owns: the room in octets and in time. Does not own: which dialog is whose.

use model::{FlowToken, Now, Wall};
use std::collections::VecDeque;
use std::time::Duration;

/// Octets of messages in a block.
const BLOCK: usize = 65_536;
/// What a message costs beside its octets.
pub(crate) const ENTRY: usize = size_of::<Entry>();
/// A block takes no more messages after so many parts of the time that they are kept: none stays for much longer.
const PARTS: u32 = 8;

/// How much is kept, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    /// Octets of all together; with 0 nothing is kept.
    pub octets: usize,
    /// How long.
    pub time: Duration,
}

/// A message without its octets.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry {
    pub(crate) dialog: u64,
    pub(crate) at: Wall,
    /// Octets of its block before it ends.
    end: usize,
    pub(crate) sent: bool,
    pub(crate) flow: FlowToken,
}

/// Messages that came one after the other.
#[derive(Debug, Default)]
pub(crate) struct Block {
    pub(crate) number: u64,
    octets: Vec<u8>,
    entries: Vec<Entry>,
    /// Dialogs that were mentioned in it, each time that they were not in it yet.
    pub(crate) dialogs: Vec<u64>,
    first: Duration,
    last: Duration,
}

impl Block {
    /// Its messages.
    pub(crate) fn messages(&self) -> impl Iterator<Item = (&Entry, &[u8])> {
        let begins = std::iter::once(0).chain(self.entries.iter().map(|entry| entry.end));
        let entries = self.entries.iter().zip(begins);
        entries.filter_map(|(entry, begin)| Some((entry, self.octets.get(begin..entry.end)?)))
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    fn used(&self) -> usize {
        self.octets
            .len()
            .saturating_add(self.entries.len().saturating_mul(ENTRY))
    }

    fn begin(&mut self, number: u64, now: Duration) {
        self.octets.clear();
        self.entries.clear();
        self.dialogs.clear();
        (self.number, self.first, self.last) = (number, now, now);
    }
}

/// All blocks.
#[derive(Debug)]
pub(crate) struct Kept {
    room: Room,
    blocks: VecDeque<Block>,
    used: usize,
    number: u64,
}

/// A block that is over, and whether its time was.
pub(crate) struct Gone<'a> {
    pub(crate) block: &'a Block,
    pub(crate) early: bool,
}

impl Kept {
    pub(crate) fn new(room: Room) -> Kept {
        Kept {
            room,
            blocks: VecDeque::new(),
            used: 0,
            number: 0,
        }
    }

    pub(crate) fn room(&self) -> Room {
        self.room
    }

    /// Octets in use.
    pub(crate) fn used(&self) -> usize {
        self.used
    }

    pub(crate) fn blocks(&self) -> impl Iterator<Item = &Block> {
        self.blocks.iter()
    }

    /// The block that the next message goes to; `gone` hears of those that make place for it.
    pub(crate) fn open(
        &mut self,
        octets: usize,
        now: Duration,
        gone: &mut impl FnMut(&Gone<'_>),
    ) -> Option<&mut Block> {
        let wanted = octets.saturating_add(ENTRY);
        if wanted > self.room.octets / 2 {
            return None;
        }
        self.expire(now, gone);
        let mut spare = None;
        while self.used.saturating_add(wanted) > self.room.octets {
            let block = self.blocks.pop_front()?;
            self.used = self.used.saturating_sub(block.used());
            gone(&Gone {
                block: &block,
                early: true,
            });
            spare = Some(block);
        }
        let part = self.room.time / PARTS;
        let fits = |block: &&Block| {
            block.used().saturating_add(wanted) <= BLOCK.min(self.room.octets / 4)
                && now.saturating_sub(block.first) <= part
        };
        if self.blocks.back().filter(fits).is_none() {
            self.number = self.number.saturating_add(1);
            let mut block = spare.unwrap_or_default();
            block.begin(self.number, now);
            self.blocks.push_back(block);
        }
        self.blocks.back_mut()
    }

    /// Adds a message to the block that was opened for it.
    pub(crate) fn push(&mut self, dialog: u64, sent: bool, flow: &FlowToken, octets: &[u8], now: Now) {
        let Some(block) = self.blocks.back_mut() else {
            return;
        };
        block.octets.extend_from_slice(octets);
        block.last = now.mono;
        block.entries.push(Entry {
            dialog,
            at: now.wall,
            end: block.octets.len(),
            sent,
            flow: *flow,
        });
        self.used = self.used.saturating_add(octets.len()).saturating_add(ENTRY);
    }

    /// Gives up what has been kept for long enough.
    pub(crate) fn expire(&mut self, now: Duration, gone: &mut impl FnMut(&Gone<'_>)) {
        while let Some(block) = self.blocks.front() {
            if block.last.saturating_add(self.room.time) > now {
                return;
            }
            self.used = self.used.saturating_sub(block.used());
            gone(&Gone { block, early: false });
            self.blocks.pop_front();
        }
    }

    /// When the oldest block has been kept for long enough.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let oldest = self.blocks.front()?;
        Some(oldest.last.saturating_add(self.room.time))
    }
}
