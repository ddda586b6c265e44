//! The longest of many prefixes that a number begins with.
//!
//! Owns: the index; what belongs to a prefix is kept by its owner under the place that is found. Prefixes lie in one another or
//! apart, never across: in their order the one before the number, or one that it lies in, is the longest. So one binary search
//! and a few steps outwards are all, in memory of 24 octets a prefix.

use model::Prefix;

/// Stands for a prefix that lies in no other.
const NONE: u32 = u32::MAX;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Prefixes {
    /// Ascending, each once.
    sorted: Vec<Prefix>,
    /// The place of the longest prefix that each lies in.
    outer: Vec<u32>,
}

impl Prefixes {
    /// From prefixes in ascending order, each once; their places are those that are found. More than four billion are not looked
    /// at.
    pub(crate) fn new(sorted: Vec<Prefix>) -> Prefixes {
        let mut outer = Vec::with_capacity(sorted.len());
        let mut open: Vec<(Prefix, u32)> = Vec::new();
        for (place, prefix) in (0..NONE).zip(&sorted) {
            while open.last().is_some_and(|(last, _)| !last.covers(*prefix)) {
                open.pop();
            }
            outer.push(open.last().map_or(NONE, |(_, place)| *place));
            open.push((*prefix, place));
        }
        Prefixes { sorted, outer }
    }

    /// The places of all prefixes that the number begins with, longest first.
    pub(crate) fn of(&self, number: Prefix) -> impl Iterator<Item = usize> {
        let behind = self.sorted.partition_point(|prefix| *prefix <= number);
        let step = |place: &usize| {
            let outer = *self.outer.get(*place)?;
            (outer != NONE).then(|| usize::try_from(outer).ok()).flatten()
        };
        let covers = move |place: &usize| {
            self.sorted
                .get(*place)
                .is_some_and(|prefix| prefix.covers(number))
        };
        std::iter::successors(behind.checked_sub(1), step).filter(covers)
    }

    /// The longest prefix that the number begins with.
    pub(crate) fn longest(&self, number: Prefix) -> Option<Prefix> {
        self.of(number)
            .next()
            .and_then(|place| self.sorted.get(place).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn the_index_finds_what_looking_at_each_finds() {
        let mut seed = 7_u64;
        let mut random = |below: u64| {
            seed = seed
                .wrapping_mul(0x5851_F42D_4C95_7F2D)
                .wrapping_add(0x1405_7B7E_F767_814F);
            (seed >> 33) % below
        };
        for round in 0..200 {
            let mut digits = |longest: u64| {
                let mut text = (1 + random(3)).to_string();
                (0..random(longest)).for_each(|_| text.push_str(&random(3).to_string()));
                text.parse::<Prefix>().unwrap()
            };
            let set: BTreeSet<Prefix> = (0..round).map(|_| digits(6)).collect();
            let index = Prefixes::new(set.iter().copied().collect());
            let sorted: Vec<Prefix> = set.into_iter().collect();
            for _ in 0..200 {
                let number = digits(8);
                let found: Vec<Prefix> = index.of(number).map(|place| sorted[place]).collect();
                let mut all: Vec<Prefix> = sorted
                    .iter()
                    .copied()
                    .filter(|prefix| prefix.covers(number))
                    .collect();
                all.reverse();
                assert_eq!(found, all, "{number}");
                assert_eq!(index.longest(number), all.first().copied());
            }
        }
    }
}
