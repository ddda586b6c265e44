//! The library of sounds of a world: music and what tenants have brought, and nothing else.

use model::Sound;
use std::sync::Arc;

/// A second of a sound at this rate; `None` where the world lacks it.
pub(crate) fn of(sound: &Sound, rate_hz: u32) -> Option<Arc<[i16]>> {
    let is_known = match sound {
        Sound::Prompt { name, .. } => &**name == "music/default",
        Sound::Own(_) => true,
        Sound::Recording(_) => false,
    };
    let samples = (0..rate_hz).map(|n| if n % 40 < 20 { 3_000 } else { -3_000 });
    is_known.then(|| samples.collect())
}
