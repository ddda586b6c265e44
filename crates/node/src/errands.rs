//! Questions that threads see to: who asks for what is being seen to already waits with the first.
//!
//! Owns: who waits for what, what waits for a thread, and how many threads there are. Does not own: the threads, which go on while
//! something waits, and what they do.

use std::borrow::Borrow;
use std::collections::{BTreeMap, VecDeque};

/// The most at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Most {
    /// Threads.
    pub(crate) threads: usize,
    /// Different questions that wait for a thread.
    pub(crate) waiting: usize,
    /// Those who ask for the same.
    pub(crate) asking: usize,
}

/// Questions by their key `K`, what is to be done about one `W`, and who asks `A`.
pub(crate) struct Errands<K, W, A> {
    most: Most,
    asking: BTreeMap<K, Vec<A>>,
    queue: VecDeque<(K, W)>,
    threads: usize,
}

/// What became of somebody who asks.
pub(crate) enum Joined<A> {
    /// He waits with others.
    Waits,
    /// Too many do.
    Full(A),
    /// Nobody has asked for it yet.
    First(A),
}

impl<K: Ord + Clone, W, A> Errands<K, W, A> {
    pub(crate) fn new(most: Most) -> Errands<K, W, A> {
        Errands {
            most,
            asking: BTreeMap::new(),
            queue: VecDeque::new(),
            threads: 0,
        }
    }

    /// Somebody asks for this.
    pub(crate) fn join<Q>(&mut self, key: &Q, who: A) -> Joined<A>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        match self.asking.get_mut(key) {
            None => Joined::First(who),
            Some(others) if others.len() >= self.most.asking => Joined::Full(who),
            Some(others) => {
                others.push(who);
                Joined::Waits
            }
        }
    }

    /// The first who asks waits from now on. Gives whether one thread more is to be started.
    ///
    /// # Errors
    /// There is no room; he is given back.
    pub(crate) fn begin(&mut self, key: K, work: W, who: A) -> Result<bool, A> {
        if self.queue.len() >= self.most.waiting {
            return Err(who);
        }
        self.asking.insert(key.clone(), vec![who]);
        self.queue.push_back((key, work));
        let more = self.threads < self.most.threads;
        self.threads += usize::from(more);
        Ok(more)
    }

    /// What a thread does next; at nothing it ends.
    pub(crate) fn next(&mut self) -> Option<(K, W)> {
        let next = self.queue.pop_front();
        self.threads -= usize::from(next.is_none());
        next
    }

    /// It is done: who waits for it.
    pub(crate) fn done<Q>(&mut self, key: &Q) -> Vec<A>
    where
        K: Borrow<Q>,
        Q: Ord + ?Sized,
    {
        self.asking.remove(key).unwrap_or_default()
    }

    /// A thread could not be started. With others at work the queue is theirs; without, nobody would come: all who wait.
    pub(crate) fn lacks_thread(&mut self) -> Vec<A> {
        self.threads -= 1;
        if self.threads > 0 {
            return Vec::new();
        }
        let left = std::mem::take(&mut self.queue);
        left.into_iter().flat_map(|(key, _)| self.done(&key)).collect()
    }

    #[cfg(test)]
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_for_the_same_waits_with_the_first_and_nobody_is_forgotten() {
        let mut errands: Errands<u8, (), &str> = Errands::new(Most {
            threads: 1,
            waiting: 2,
            asking: 2,
        });
        assert!(matches!(errands.join(&1, "a"), Joined::First("a")));
        assert_eq!(errands.begin(1, (), "a"), Ok(true));
        assert_eq!(errands.begin(2, (), "b"), Ok(false));
        assert_eq!(errands.begin(3, (), "c"), Err("c"));
        assert!(matches!(errands.join(&1, "d"), Joined::Waits));
        assert!(matches!(errands.join(&1, "e"), Joined::Full("e")));
        assert_eq!(errands.next(), Some((1, ())));
        assert_eq!(errands.done(&1), ["a", "d"]);
        assert!(errands.done(&1).is_empty());
        // The only thread is gone, and what waits for it as well.
        assert_eq!(errands.lacks_thread(), ["b"]);
        assert_eq!((errands.threads(), errands.done(&2).len()), (0, 0));
        assert_eq!(errands.begin(2, (), "f"), Ok(true));
        assert_eq!(errands.next(), Some((2, ())));
        assert_eq!((errands.next(), errands.threads()), (None, 0));
    }
}
