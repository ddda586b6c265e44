//! The frames of a session: how many samples a second they are worth, and how they are added.

use model::{Codec, Voice};

/// Samples per second at most: speech has nothing above.
const MOST_HZ: u32 = 16_000;
pub(super) const LEAST_HZ: u32 = 8_000;

/// Samples per second that are worth the while for a leg.
pub(super) fn rate_of(voice: &Voice) -> u32 {
    let plays = match voice.codec {
        Codec::Opus => voice.opus.max_rate_hz,
        other => other.rate_hz(),
    };
    if plays >= MOST_HZ { MOST_HZ } else { LEAST_HZ }
}

/// Adds a sound to another.
pub(super) fn add(to: &mut [i16], from: &[i16]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = to.saturating_add(*from);
    }
}
