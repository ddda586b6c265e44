//! Sounds for programs: found and decoded by a thread of their own, so that no media worker waits for one, and kept for the
//! next time.
//!
//! Owns: the thread, the memory of what it decoded. Does not own: the prompts that are shipped (`prompts`), how files are
//! decoded (`audio::sound`), who plays what.

use crate::shared::{MediaItem, Shared, Want, tenant_of};
use model::{Sound, TenantId};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Sounds that wait to be found at most; more are answered with nothing.
pub(crate) const QUEUE: usize = 1024;
/// Samples that are kept: 32 MB, more than half an hour at 8 kHz. What was used longest ago goes.
const MOST_SAMPLES: usize = 16 << 20;
/// What a sound that there is none of weighs: somebody may ask for many.
const LEAST_SAMPLES: usize = 1024;

/// A sound of a tenant at a rate.
type Key = (TenantId, Sound, u32);

struct Kept {
    samples: Option<Arc<[i16]>>,
    used: u64,
}

/// What was decoded.
#[derive(Default)]
struct Memory {
    kept: BTreeMap<Key, Kept>,
    /// By when they were used last.
    ages: BTreeMap<u64, Key>,
    weight: usize,
    used: u64,
}

/// Serves until told to stop.
pub(crate) fn run(shared: &Shared, wants: &Receiver<Want>) {
    let mut memory = Memory::default();
    while let Ok(Want::Sound {
        worker,
        session,
        sound,
        rate_hz,
    }) = wants.recv()
    {
        // A tenant may have sounds of its own under the names of ours.
        let key = (tenant_of(session), sound, rate_hz);
        let samples = memory.get(&key, || {
            let found = catch_unwind(AssertUnwindSafe(|| find(&key)));
            found.unwrap_or_else(|_| {
                tracing::error!(sound = ?key.1, "decoding panicked");
                None
            })
        });
        let (_, sound, _) = key;
        if let Some(inbox) = shared.media.get(worker) {
            inbox.send(MediaItem::Loaded {
                session,
                sound,
                rate_hz,
                samples,
            });
        }
    }
}

impl Memory {
    fn get(&mut self, key: &Key, find: impl FnOnce() -> Option<Arc<[i16]>>) -> Option<Arc<[i16]>> {
        self.used += 1;
        if let Some(kept) = self.kept.get_mut(key) {
            self.ages.remove(&kept.used);
            self.ages.insert(self.used, key.clone());
            kept.used = self.used;
            return kept.samples.clone();
        }
        let samples = find();
        let kept = Kept {
            samples: samples.clone(),
            used: self.used,
        };
        self.weight += weight(&kept);
        self.kept.insert(key.clone(), kept);
        self.ages.insert(self.used, key.clone());
        while self.weight > MOST_SAMPLES && self.forget() {}
        samples
    }

    /// Forgets what was used longest ago, but not the last; false when there is nothing else.
    fn forget(&mut self) -> bool {
        if self.ages.len() < 2 {
            return false;
        }
        let Some((_, key)) = self.ages.pop_first() else {
            return false;
        };
        let gone = self.kept.remove(&key);
        self.weight -= gone.as_ref().map_or(0, weight);
        true
    }
}

fn weight(kept: &Kept) -> usize {
    let samples = kept.samples.as_ref().map_or(0, |samples| samples.len());
    samples.max(LEAST_SAMPLES)
}

fn find((_, sound, rate_hz): &Key) -> Option<Arc<[i16]>> {
    let Sound::Prompt { language, name } = sound else {
        return None;
    };
    let language = prompts::Language::parse(language).unwrap_or_default();
    let file = prompts::find(language, name)?;
    match audio::sound::decode(file, *rate_hz) {
        Ok(samples) => Some(samples.into()),
        Err(error) => {
            tracing::error!(%name, %error, "a prompt can't be decoded");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> Key {
        let sound = Sound::Prompt {
            language: "en".into(),
            name: name.into(),
        };
        (TenantId(1), sound, 8000)
    }

    #[test]
    fn prompts_are_found_at_the_rate_that_is_wanted() {
        let samples = find(&key("number/7")).unwrap();
        assert!(samples.len() > 8000 / 5 && samples.iter().any(|s| s.unsigned_abs() > 1000));
        let (tenant, sound, _) = key("number/7");
        let wide = find(&(tenant, sound, 16_000)).unwrap();
        assert!(wide.len().abs_diff(samples.len() * 2) < 16);
        assert_eq!(find(&key("number/seventh heaven")), None);
        let (tenant, _, rate_hz) = key("");
        let music = Sound::Prompt {
            language: "".into(),
            name: "music/default".into(),
        };
        assert!(find(&(tenant, music, rate_hz)).is_some(), "music has no language");
    }

    #[test]
    fn a_sound_is_decoded_once_and_memory_has_an_end() {
        let mut memory = Memory::default();
        let long = || Some(vec![0; MOST_SAMPLES / 4].into());
        for name in ["a", "b", "a", "c", "d", "a"] {
            memory.get(&key(name), long);
        }
        let again = || panic!("decoded again");
        memory.get(&key("c"), again);
        // `b` was used longest ago.
        memory.get(&key("e"), long);
        let names: Vec<Key> = ["a", "c", "d", "e"].map(key).into();
        assert!(memory.kept.keys().eq(&names));
        assert!(memory.weight <= MOST_SAMPLES);
        // What there is none of is remembered as well, and weighs something.
        assert_eq!(memory.get(&key("x"), || None), None);
        assert_eq!(memory.get(&key("x"), again), None);
        for n in 0..100_000 {
            memory.get(&key(&n.to_string()), || None);
        }
        assert!(memory.kept.len() <= MOST_SAMPLES / LEAST_SAMPLES);
    }
}
