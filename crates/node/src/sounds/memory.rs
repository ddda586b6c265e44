//! What was decoded, for the next who wants it.
//!
//! Owns: how much is kept, and what goes when there is no more room. Does not own: what is decoded, and how.

use std::collections::BTreeMap;
use std::sync::Arc;

/// What a short sound weighs: what stands around it counts, too.
const LEAST_SAMPLES: usize = 1024;

struct Kept {
    samples: Arc<[i16]>,
    used: u64,
}

/// Sounds by key.
pub(super) struct Memory<K> {
    kept: BTreeMap<K, Kept>,
    /// By when they were used last.
    ages: BTreeMap<u64, K>,
    weight: usize,
    used: u64,
    most: usize,
}

impl<K: Ord + Clone> Memory<K> {
    /// Keeps so many samples, two octets each. What was used longest ago goes, but not what somebody hears now: it would take as
    /// much memory as before, and the next would have to decode it again.
    pub(super) fn new(most: usize) -> Memory<K> {
        Memory {
            kept: BTreeMap::new(),
            ages: BTreeMap::new(),
            weight: 0,
            used: 0,
            most,
        }
    }

    /// What is kept under a key; else what `find` finds, which is kept then.
    pub(super) fn get(&mut self, key: &K, find: impl FnOnce() -> Option<Arc<[i16]>>) -> Option<Arc<[i16]>> {
        self.used += 1;
        if let Some(kept) = self.kept.get_mut(key) {
            self.ages.remove(&kept.used);
            self.ages.insert(self.used, key.clone());
            kept.used = self.used;
            return Some(Arc::clone(&kept.samples));
        }
        let samples = find()?;
        let kept = Kept {
            samples: Arc::clone(&samples),
            used: self.used,
        };
        self.weight += weight(&kept);
        self.kept.insert(key.clone(), kept);
        self.ages.insert(self.used, key.clone());
        while self.weight > self.most && self.forget() {}
        Some(samples)
    }

    /// Forgets what was used longest ago and is not heard; false when there is nothing of that kind.
    fn forget(&mut self) -> bool {
        let is_idle = |(_, key): &(&u64, &K)| {
            let kept = self.kept.get(key);
            kept.is_none_or(|kept| Arc::strong_count(&kept.samples) == 1)
        };
        let Some(age) = self.ages.iter().find(is_idle).map(|(age, _)| *age) else {
            return false;
        };
        if let Some(gone) = self.ages.remove(&age).and_then(|key| self.kept.remove(&key)) {
            self.weight -= weight(&gone);
        }
        true
    }
}

fn weight(kept: &Kept) -> usize {
    kept.samples.len().max(LEAST_SAMPLES)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 1 << 20;

    #[test]
    fn a_sound_is_decoded_once_and_memory_has_an_end() {
        let mut memory = Memory::new(MOST);
        let long = || Some(vec![0; MOST / 4].into());
        for name in ["a", "b", "a", "c", "d", "a"] {
            memory.get(&name, long);
        }
        let again = || panic!("decoded again");
        memory.get(&"c", again);
        // `b` was used longest ago.
        memory.get(&"e", long);
        assert!(memory.kept.keys().eq(&["a", "c", "d", "e"]));
        assert!(memory.weight <= MOST);
        // What there is none of takes no room.
        assert_eq!(memory.get(&"x", || None), None);
        assert_eq!(memory.kept.len(), 4);
        let mut memory = Memory::new(MOST);
        for n in 0..100_000 {
            memory.get(&n, || Some(vec![0; 10].into()));
        }
        assert!(memory.kept.len() <= MOST / LEAST_SAMPLES);
        assert_eq!(memory.kept.len(), memory.ages.len());
    }

    #[test]
    fn what_is_heard_now_is_not_forgotten() {
        let mut memory = Memory::new(MOST);
        let long = || Some(vec![0; MOST / 2].into());
        let heard = memory.get(&1, long);
        for n in 2..10 {
            memory.get(&n, long);
        }
        assert!(memory.kept.contains_key(&1) && memory.weight <= MOST);
        drop(heard);
        for n in 10..12 {
            memory.get(&n, long);
        }
        assert!(!memory.kept.contains_key(&1));
    }
}
