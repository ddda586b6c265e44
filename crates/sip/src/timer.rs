//! A hierarchical timer wheel: insert, cancel and fire in constant time, whatever the number of timers.
//!
//! It owns deadlines and the items that wait for them. It reads no clock: the caller says what time it is.
//! One tick is a millisecond. A timer never fires before its deadline and is due at most one tick after it.
//! Timers of the same tick fire in the order of their insertion, so that a run can be repeated.

use std::num::NonZeroU32;
use std::time::Duration;

const BITS: u32 = 6;
const SLOTS: u64 = 1 << BITS;
/// 2^48 ms are 8,900 years: a later deadline means never.
const LAST_TICK: u64 = (1 << 48) - 1;
const NIL: u32 = u32::MAX;
/// Home of an entry whose time has come.
const DUE: u16 = u16::MAX;
/// Home of an entry that is not in use.
const FREE: u16 = u16::MAX - 1;

/// Names a timer until it fires or is cancelled; afterwards it names nothing, even when its place is used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    index: u32,
    generation: NonZeroU32,
}

/// Timers that each hold an item.
#[derive(Debug)]
pub struct Wheel<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    len: usize,
    /// Every tick up to this one has been handled.
    elapsed: u64,
    due: List,
    /// Made when a deadline first needs them: most wheels live with four.
    levels: Vec<Level>,
}

#[derive(Debug)]
struct Entry<T> {
    item: Option<T>,
    tick: u64,
    generation: NonZeroU32,
    prev: u32,
    next: u32,
    /// `level * 64 + slot`, or one of the two special homes.
    home: u16,
}

#[derive(Clone, Copy, Debug)]
struct List {
    head: u32,
    tail: u32,
}

const EMPTY: List = List { head: NIL, tail: NIL };

#[derive(Debug)]
struct Level {
    occupied: u64,
    slots: [List; SLOTS as usize],
}

impl<T> Default for Wheel<T> {
    fn default() -> Wheel<T> {
        Wheel::new()
    }
}

impl<T> Wheel<T> {
    /// An empty wheel at time zero. Allocates nothing until the first insertion.
    #[must_use]
    pub const fn new() -> Wheel<T> {
        Wheel {
            entries: Vec::new(),
            free: NIL,
            len: 0,
            elapsed: 0,
            due: EMPTY,
            levels: Vec::new(),
        }
    }

    /// Timers that wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when no timer waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Lets `item` fire at `at`, or at the next [`Wheel::expire`] when that is past.
    pub fn insert(&mut self, at: Duration, item: T) -> TimerId {
        let tick = tick_after(at);
        let (index, generation) = self.occupy(item, tick);
        self.place(index, tick);
        self.len += 1;
        TimerId { index, generation }
    }

    /// Takes a timer back. `None` when it has fired or was cancelled already.
    pub fn cancel(&mut self, id: TimerId) -> Option<T> {
        let entry = self.entries.get(id.index as usize)?;
        if entry.generation != id.generation || entry.home == FREE {
            return None;
        }
        self.unlink(id.index);
        self.vacate(id.index)
    }

    /// Gives one item whose deadline is not after `now`; call it until `None`. Earlier deadlines come first.
    /// A `now` that goes back is taken as no progress.
    pub fn expire(&mut self, now: Duration) -> Option<T> {
        let now = tick_before(now);
        while self.due.head == NIL {
            let Some((level, slot, start)) = self.next_slot() else {
                break;
            };
            if start > now {
                break;
            }
            self.elapsed = start;
            self.cascade(level, slot);
        }
        let first = self.due.head;
        if first == NIL {
            self.elapsed = self.elapsed.max(now);
            return None;
        }
        self.unlink(first);
        self.vacate(first)
    }

    /// When to call [`Wheel::expire`] next: never after the earliest deadline (rounded up to its tick),
    /// but perhaps before it, because far deadlines are only known roughly until they come near.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Duration> {
        if self.due.head != NIL {
            return Some(Duration::from_millis(self.elapsed));
        }
        self.next_slot().map(|(_, _, start)| Duration::from_millis(start))
    }

    /// The earliest slot in use. Entries of a level differ from `elapsed` in that level's digit and agree above it;
    /// so the lowest level in use holds the earliest, and no slot wraps around.
    fn next_slot(&self) -> Option<(u32, u32, u64)> {
        let (level, wheel) = (0u32..)
            .zip(&self.levels)
            .find(|(_, level)| level.occupied != 0)?;
        let slot = wheel.occupied.trailing_zeros();
        let above = (BITS * (level + 1)).min(63);
        let start = (self.elapsed >> above << above) | u64::from(slot) << (BITS * level);
        Some((level, slot, start))
    }

    /// Hands the entries of a slot down: to a finer level, or to those that are due.
    fn cascade(&mut self, level: u32, slot: u32) {
        let Some(wheel) = self.levels.get_mut(level as usize) else {
            return;
        };
        wheel.occupied &= !(1 << slot);
        let Some(list) = wheel.slots.get_mut(slot as usize) else {
            return;
        };
        let mut index = std::mem::replace(list, EMPTY).head;
        while let Some((next, tick)) = self.entries.get(index as usize).map(|e| (e.next, e.tick)) {
            self.place(index, tick);
            index = next;
        }
    }

    /// Puts an unlinked entry where its tick belongs.
    fn place(&mut self, index: u32, tick: u64) {
        if tick <= self.elapsed {
            return self.link(index, DUE);
        }
        let level = (63 - (tick ^ self.elapsed).leading_zeros()) / BITS;
        let slot = tick >> (BITS * level) & (SLOTS - 1);
        while self.levels.len() <= level as usize {
            self.levels.push(Level {
                occupied: 0,
                slots: [EMPTY; SLOTS as usize],
            });
        }
        if let Some(wheel) = self.levels.get_mut(level as usize) {
            wheel.occupied |= 1 << slot;
        }
        self.link(
            index,
            u16::try_from(u64::from(level) * SLOTS + slot).unwrap_or(DUE),
        );
    }

    fn list(&mut self, home: u16) -> Option<&mut List> {
        if home == DUE {
            return Some(&mut self.due);
        }
        let home = usize::from(home);
        let level = self.levels.get_mut(home >> BITS)?;
        level.slots.get_mut(home & (SLOTS as usize - 1))
    }

    fn link(&mut self, index: u32, home: u16) {
        let Some(list) = self.list(home) else { return };
        let tail = std::mem::replace(&mut list.tail, index);
        if tail == NIL {
            list.head = index;
        }
        if let Some(last) = self.entries.get_mut(tail as usize) {
            last.next = index;
        }
        if let Some(entry) = self.entries.get_mut(index as usize) {
            (entry.prev, entry.next, entry.home) = (tail, NIL, home);
        }
    }

    fn unlink(&mut self, index: u32) {
        let Some(entry) = self.entries.get(index as usize) else {
            return;
        };
        let (prev, next, home) = (entry.prev, entry.next, entry.home);
        if let Some(before) = self.entries.get_mut(prev as usize) {
            before.next = next;
        }
        if let Some(after) = self.entries.get_mut(next as usize) {
            after.prev = prev;
        }
        let Some(list) = self.list(home) else { return };
        if prev == NIL {
            list.head = next;
        }
        if next == NIL {
            list.tail = prev;
        }
        if list.head == NIL && home != DUE {
            let (level, slot) = (home >> BITS, u64::from(home) & (SLOTS - 1));
            if let Some(wheel) = self.levels.get_mut(usize::from(level)) {
                wheel.occupied &= !(1 << slot);
            }
        }
    }

    fn occupy(&mut self, item: T, tick: u64) -> (u32, NonZeroU32) {
        let index = self.free;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.free = entry.next;
            entry.item = Some(item);
            entry.tick = tick;
            return (index, entry.generation);
        }
        // Four billion timers do not fit in memory, so the index never reaches NIL.
        let index = u32::try_from(self.entries.len()).unwrap_or(NIL);
        let generation = NonZeroU32::MIN;
        self.entries.push(Entry {
            item: Some(item),
            tick,
            generation,
            prev: NIL,
            next: NIL,
            home: FREE,
        });
        (index, generation)
    }

    fn vacate(&mut self, index: u32) -> Option<T> {
        let entry = self.entries.get_mut(index as usize)?;
        entry.generation = entry.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        entry.home = FREE;
        entry.next = std::mem::replace(&mut self.free, index);
        self.len -= 1;
        entry.item.take()
    }
}

/// The first tick that is not before `at`.
fn tick_after(at: Duration) -> u64 {
    let rest = u64::from(!at.subsec_nanos().is_multiple_of(1_000_000));
    tick_before(at).saturating_add(rest).min(LAST_TICK)
}

/// The last tick that is not after `now`.
fn tick_before(now: Duration) -> u64 {
    u64::try_from(now.as_millis()).unwrap_or(LAST_TICK).min(LAST_TICK)
}
