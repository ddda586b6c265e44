//! Sounds for programs: found and decoded by threads of their own, so that no media worker waits for one, and kept for the
//! next time.
//!
//! Owns: the threads, and what they keep. Does not own: the prompts that are shipped (`prompts`), how files are decoded
//! (`audio::sound`), recordings (`spool`), tenants' own sounds (`store`), who plays what.
//!
//! There are two threads: what a tenant has brought or recorded may be long, damaged or hostile, and keeps nobody's prompt
//! waiting.

mod memory;
mod own;

use crate::shared::{MediaItem, Shared, Want};
use memory::Memory;
use model::{Sound, TenantId};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

/// Sounds that wait to be found at most, for each thread; more are answered with nothing.
pub(crate) const QUEUE: usize = 1024;
/// Samples of prompts that are kept: 32 MB, more than half an hour at 8 kHz.
const MOST_SHIPPED: usize = 16 << 20;

type Samples = Option<Arc<[i16]>>;

/// Serves what is shipped, until told to stop.
pub(crate) fn shipped(shared: &Shared, wants: &Receiver<Want>) {
    let mut memory = Memory::new(MOST_SHIPPED);
    serve(shared, wants, |_, sound, rate_hz| {
        shipped_sound(&mut memory, sound, rate_hz)
    });
}

/// Serves what belongs to a tenant, until told to stop.
pub(crate) fn own(shared: &Shared, wants: &Receiver<Want>) {
    let mut shelf = own::Shelf::new();
    serve(shared, wants, |tenant, sound, rate_hz| match sound {
        Sound::Recording(id) => shared.spool.samples(tenant, *id, rate_hz),
        Sound::Own(own) => shelf.get(shared, tenant, *own, rate_hz),
        Sound::Prompt { .. } => None,
    });
}

fn serve(shared: &Shared, wants: &Receiver<Want>, mut find: impl FnMut(TenantId, &Sound, u32) -> Samples) {
    while let Ok(Want::Sound {
        worker,
        session,
        sound,
        rate_hz,
    }) = wants.recv()
    {
        let tenant = session.tenant();
        let found = catch_unwind(AssertUnwindSafe(|| find(tenant, &sound, rate_hz)));
        let samples = found.unwrap_or_else(|_| {
            tracing::error!(%tenant, ?sound, "decoding panicked");
            None
        });
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

/// Which sound of ours, and at which rate. The place of its file in the binary stands for it: names that share a sound, and
/// languages that lack one, share what was decoded; so do all tenants.
type Shipped = (usize, u32);

fn shipped_sound(memory: &mut Memory<Shipped>, sound: &Sound, rate_hz: u32) -> Samples {
    let Sound::Prompt { language, name } = sound else {
        return None;
    };
    let language = prompts::Language::parse(language).unwrap_or_default();
    let file = prompts::find(language, name)?;
    memory.get(&(file.as_ptr().addr(), rate_hz), || {
        let samples = audio::sound::decode(file, rate_hz);
        samples
            .inspect_err(|error| tracing::error!(%name, %error, "a prompt can't be decoded"))
            .ok()
            .map(Arc::from)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prompt(language: &str, name: &str) -> Sound {
        Sound::Prompt {
            language: language.into(),
            name: name.into(),
        }
    }

    #[test]
    fn prompts_are_found_at_the_rate_that_is_wanted() {
        let mut memory = Memory::new(MOST_SHIPPED);
        let mut find = |language, name, rate_hz| shipped_sound(&mut memory, &prompt(language, name), rate_hz);
        let samples = find("en", "number/7", 8_000).unwrap();
        assert!(samples.len() > 8000 / 5 && samples.iter().any(|s| s.unsigned_abs() > 1000));
        let wide = find("en", "number/7", 16_000).unwrap();
        assert!(wide.len().abs_diff(samples.len() * 2) < 16);
        assert_eq!(find("en", "number/seventh heaven", 8_000), None);
        let music = find("", "music/default", 8_000);
        assert!(music.is_some(), "music has no language");
    }

    #[test]
    fn one_sound_is_decoded_once_whoever_wants_it_by_whichever_name() {
        let mut memory = Memory::new(MOST_SHIPPED);
        let mut find = |language, name| shipped_sound(&mut memory, &prompt(language, name), 8_000).unwrap();
        let first = find("en", "number/7");
        // An alias, a language that lacks it, and one that nobody knows.
        for other in [
            find("en", "digit/7"),
            find("de", "number/7"),
            find("tlh", "number/7"),
        ] {
            assert!(Arc::ptr_eq(&first, &other));
        }
        assert!(!Arc::ptr_eq(&first, &find("fr", "number/7")));
    }
}
