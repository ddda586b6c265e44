//! Deadlines of many owners, each of which knows its own: a heap that may hold stale entries.
//!
//! An owner remembers the deadline that it armed last. A popped entry that is not the remembered one
//! is stale and skipped, so nothing is ever searched or removed. An owner whose deadline moved later
//! keeps the earlier entry and is asked again when it fires: entries per owner stay few.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The heap.
pub(crate) struct Deadlines<K> {
    heap: BinaryHeap<Reverse<(Duration, K)>>,
}

impl<K: Ord + Copy> Deadlines<K> {
    /// Empty.
    pub(crate) fn new() -> Deadlines<K> {
        Deadlines {
            heap: BinaryHeap::new(),
        }
    }

    /// Makes sure that `key` fires at `wanted` or before. `armed` is the owner's memory of what it
    /// armed last.
    pub(crate) fn arm(&mut self, key: K, armed: &mut Option<Duration>, wanted: Option<Duration>) {
        let Some(at) = wanted else { return };
        if armed.is_none_or(|a| at < a) {
            *armed = Some(at);
            self.heap.push(Reverse((at, key)));
        }
    }

    /// The next entry, perhaps a stale one.
    pub(crate) fn next(&self) -> Option<Duration> {
        self.heap.peek().map(|Reverse((at, _))| *at)
    }

    /// Takes one entry that is due. The owner compares the time with the one it remembers.
    pub(crate) fn pop(&mut self, now: Duration) -> Option<(Duration, K)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(entry)| entry)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn an_earlier_wish_makes_the_later_entry_stale() {
        let (mut deadlines, mut armed) = (Deadlines::new(), None);
        deadlines.arm('a', &mut armed, Some(MS(30)));
        deadlines.arm('a', &mut armed, Some(MS(40)));
        deadlines.arm('a', &mut armed, Some(MS(10)));
        deadlines.arm('a', &mut armed, None);
        assert_eq!((armed, deadlines.next()), (Some(MS(10)), Some(MS(10))));
        assert_eq!(deadlines.pop(MS(9)), None);
        assert_eq!(deadlines.pop(MS(50)), Some((MS(10), 'a')));
        assert_eq!(
            deadlines.pop(MS(50)),
            Some((MS(30), 'a')),
            "the owner sees that it is stale"
        );
        assert_eq!(deadlines.pop(MS(50)), None);
    }
}
