//! A table of fixed size: places in sets of eight, found by a keyed hash. Whoever is worth least makes room.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Places of a set.
const WAYS: usize = 8;

/// How much would be lost by forgetting an entry.
pub(crate) trait Worth {
    /// Zero for what may go at any time; of two, the lesser goes first.
    fn worth(&self, now: Duration) -> u64;
}

/// Entries of at most eight times as many keys as it has sets. Memory is taken as sets are used.
pub(crate) struct Table<K, V> {
    sets: Box<[Vec<(K, V)>]>,
    seed: [u64; 2],
}

impl<K: Copy + Eq + Hash, V: Copy + Worth> Table<K, V> {
    /// So many sets; the seed is secret, or a stranger could choose which entries his own push out.
    pub(crate) fn new(sets: usize, seed: [u64; 2]) -> Table<K, V> {
        Table {
            sets: (0..sets.max(1)).map(|_| Vec::new()).collect(),
            seed,
        }
    }

    fn set(&self, key: &K) -> usize {
        let mut hasher = DefaultHasher::new();
        self.seed.hash(&mut hasher);
        key.hash(&mut hasher);
        let sets = u64::try_from(self.sets.len()).unwrap_or(1).max(1);
        usize::try_from(hasher.finish() % sets).unwrap_or(0)
    }

    /// The entry of a key.
    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        let set = self.sets.get(self.set(key))?;
        set.iter().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The entry of a key, to change.
    pub(crate) fn get_mut(&mut self, key: &K) -> Option<&mut V> {
        let index = self.set(key);
        let set = self.sets.get_mut(index)?;
        set.iter_mut().find(|(k, _)| k == key).map(|(_, value)| value)
    }

    /// The entry of a key, made of `new` when there is none. `None` when all others of its set are worth more than `new`.
    pub(crate) fn get_or_insert(&mut self, key: K, new: V, now: Duration) -> Option<&mut V> {
        let index = self.set(&key);
        let set = self.sets.get_mut(index)?;
        let place = match set.iter().position(|(k, _)| *k == key) {
            Some(place) => place,
            None if set.len() < WAYS => {
                set.push((key, new));
                set.len().checked_sub(1)?
            }
            None => {
                let worth = |(_, (_, value)): &(usize, &(K, V))| value.worth(now);
                let (place, least) = set.iter().enumerate().min_by_key(worth)?;
                if least.1.worth(now) > new.worth(now) {
                    return None;
                }
                *set.get_mut(place)? = (key, new);
                place
            }
        };
        set.get_mut(place).map(|(_, value)| value)
    }

    /// Every entry.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&K, &V)> {
        self.sets.iter().flatten().map(|(key, value)| (key, value))
    }

    /// How many entries there are.
    pub(crate) fn len(&self) -> usize {
        self.sets.iter().map(Vec::len).sum()
    }
}
