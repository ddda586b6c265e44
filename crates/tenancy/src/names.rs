//! Host names to tenants, whatever the case, without copying the name that is looked up.
//!
//! Owns: a table with open addressing over one text. Does not own: what a name may be. The standard map
//! wants a key in lower case and a keyed hash; both cost more than the lookup itself. The hash here is not
//! keyed and need not be: strangers choose what is looked up, only the operator chooses what is stored, so
//! the longest run of slots does not depend on them.

use crate::Scope;

/// Multiplier of the hash: odd, its bits without pattern (2^64 divided by the golden ratio).
const MIX: u64 = 0x9E37_79B9_7F4A_7C15;
/// The bit by which ASCII letters differ in case, in each octet. Other octets that it makes equal only
/// share a slot; the comparison tells them apart.
const CASE: u64 = 0x2020_2020_2020_2020;

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// A power of two in number, at most half of them in use; empty before the first name.
    slots: Vec<Option<Slot>>,
    used: usize,
    /// All names, one behind the other.
    text: String,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Spares most comparisons of names.
    hash: u32,
    start: u32,
    len: u32,
    scope: Scope,
}

impl Names {
    pub(crate) fn get(&self, name: &str) -> Option<Scope> {
        self.find(hash(name), name).map(|slot| slot.scope)
    }

    /// Who has the name, which is `scope` when nobody had. Names beyond four gigabytes of text are nobody's.
    pub(crate) fn get_or_insert(&mut self, name: &str, scope: Scope) -> Scope {
        let hash = hash(name);
        if let Some(slot) = self.find(hash, name) {
            return slot.scope;
        }
        let (Ok(start), Ok(len)) = (u32::try_from(self.text.len()), u32::try_from(name.len())) else {
            return scope;
        };
        self.text.push_str(name);
        if self.used.saturating_mul(2) >= self.slots.len() {
            self.grow();
        }
        self.place(Slot {
            hash,
            start,
            len,
            scope,
        });
        scope
    }

    fn find(&self, hash: u32, name: &str) -> Option<Slot> {
        for index in self.run(hash) {
            let slot = (*self.slots.get(index)?)?;
            if slot.hash == hash && self.name(slot).is_some_and(|n| n.eq_ignore_ascii_case(name)) {
                return Some(slot);
            }
        }
        None
    }

    /// The slots where a name with this hash may lie, in order.
    fn run(&self, hash: u32) -> impl Iterator<Item = usize> + use<> {
        let (count, first) = (self.slots.len(), usize::try_from(hash).unwrap_or(0));
        let mask = count.saturating_sub(1);
        (0..count).map(move |step| first.wrapping_add(step) & mask)
    }

    fn name(&self, slot: Slot) -> Option<&str> {
        let start = usize::try_from(slot.start).ok()?;
        let end = start.checked_add(usize::try_from(slot.len).ok()?)?;
        self.text.get(start..end)
    }

    fn place(&mut self, slot: Slot) {
        for index in self.run(slot.hash) {
            if let Some(free @ None) = self.slots.get_mut(index) {
                *free = Some(slot);
                self.used = self.used.saturating_add(1);
                return;
            }
        }
    }

    fn grow(&mut self) {
        let count = self.slots.len().saturating_mul(2).max(16);
        let old = std::mem::replace(&mut self.slots, vec![None; count]);
        self.used = 0;
        old.into_iter().flatten().for_each(|slot| self.place(slot));
    }
}

/// Eight octets a step, case ignored.
fn hash(name: &str) -> u32 {
    let (words, rest) = name.as_bytes().as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let mix = |hash: u64, word: &[u8; 8]| {
        let folded = u64::from_le_bytes(*word) | CASE;
        (hash.rotate_left(23) ^ folded).wrapping_mul(MIX)
    };
    let length = u64::try_from(name.len()).unwrap_or(0);
    let mixed = mix(words.iter().fold(length, mix), &last);
    u32::try_from(mixed >> 32).unwrap_or(0)
}
