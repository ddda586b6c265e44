//! Queues between threads: bounded, drained whole, with one wake-up per batch.
//!
//! Two lanes share one lock. The *bulk* lane carries messages of peers and is bounded: what does not
//! fit is shed and counted, as a full socket buffer would. The *sure* lane carries what must not be
//! lost (configuration, closed flows, media reports, queries); its producers are bounded themselves.

use crate::sys::Wake;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Entries of the bulk lane: about half a second of work, T1 (RFC 3261 §17.1.1.1), after which the
/// sender retransmits anyway.
pub(crate) const BULK: usize = 16_384;

struct Lanes<S, B> {
    sure: Vec<S>,
    bulk: Vec<B>,
}

/// A queue with one reader and many writers.
pub(crate) struct Inbox<S, B> {
    lanes: Mutex<Lanes<S, B>>,
    wake: Wake,
    bulk_limit: usize,
}

impl<S, B> Inbox<S, B> {
    /// An empty queue whose bulk lane holds `bulk_limit` entries.
    pub(crate) fn new(bulk_limit: usize) -> std::io::Result<Inbox<S, B>> {
        Ok(Inbox {
            lanes: Mutex::new(Lanes {
                sure: Vec::new(),
                bulk: Vec::new(),
            }),
            wake: Wake::new()?,
            bulk_limit,
        })
    }

    /// A reader that panicked leaves both vectors whole, so a poisoned lock is used on.
    fn lock(&self) -> MutexGuard<'_, Lanes<S, B>> {
        self.lanes.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, fill: impl FnOnce(&mut Lanes<S, B>)) {
        let mut lanes = self.lock();
        let was_empty = lanes.sure.is_empty() && lanes.bulk.is_empty();
        fill(&mut lanes);
        drop(lanes);
        if was_empty {
            self.wake.wake();
        }
    }

    /// Adds to the sure lane.
    pub(crate) fn send(&self, item: S) {
        self.push(|lanes| lanes.sure.push(item));
    }

    /// Adds a batch to the sure lane; `items` is left empty.
    pub(crate) fn send_all(&self, items: &mut Vec<S>) {
        if !items.is_empty() {
            self.push(|lanes| lanes.sure.append(items));
        }
    }

    /// Adds a batch to the bulk lane; `items` is left empty. Returns how many were shed.
    pub(crate) fn offer_all(&self, items: &mut Vec<B>) -> usize {
        if items.is_empty() {
            return 0;
        }
        let mut shed = 0;
        self.push(|lanes| {
            let room = self.bulk_limit.saturating_sub(lanes.bulk.len());
            shed = items.len().saturating_sub(room);
            items.truncate(room);
            lanes.bulk.append(items);
        });
        shed
    }

    /// How many entries wait, in both lanes.
    pub(crate) fn waiting(&self) -> usize {
        let lanes = self.lock();
        lanes.sure.len() + lanes.bulk.len()
    }

    /// Swaps both lanes out into the reader's (empty) vectors. The wake-up need not be taken: the reader
    /// watches for its edge, and every write is one.
    pub(crate) fn take(&self, sure: &mut Vec<S>, bulk: &mut Vec<B>) {
        let mut lanes = self.lock();
        std::mem::swap(&mut lanes.sure, sure);
        std::mem::swap(&mut lanes.bulk, bulk);
    }
}

impl<S, B> AsFd for Inbox<S, B> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bulk_lane_sheds_what_does_not_fit_and_the_sure_lane_never_does() {
        let inbox: Inbox<u8, u8> = Inbox::new(3).unwrap();
        let (mut sure, mut bulk) = (vec![], vec![]);
        assert_eq!(inbox.offer_all(&mut vec![1, 2]), 0);
        assert_eq!(inbox.offer_all(&mut vec![3, 4, 5]), 2);
        for n in 0..100 {
            inbox.send(n);
        }
        inbox.take(&mut sure, &mut bulk);
        assert_eq!((sure.len(), bulk.as_slice()), (100, [1, 2, 3].as_slice()));
        bulk.clear();
        assert_eq!(inbox.offer_all(&mut vec![6]), 0);
    }
}
