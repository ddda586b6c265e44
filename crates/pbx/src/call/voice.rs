//! How sound is written for a leg, read from its description.
//!
//! Does not own: which codecs are agreed on (`sdp`).

use model::{Codec, Voice};
use sdp::Description;

/// The voice of the leg that this description is from; `None` where it is none that the server speaks itself.
pub(super) fn of(description: &Description, allowed: &[String]) -> Option<Voice> {
    let format = sdp::voice(description, allowed)?;
    Some(Voice::new(format.pt, Codec::from_name(&format.name)?))
}
