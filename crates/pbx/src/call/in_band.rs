//! Keys of a phone that knows no telephone events: its tones are listened for while the flow waits for keys.
//!
//! Owns: when that is so, and that a key which comes both as INFO and as tones counts once. Does not own: finding tones (the
//! media plane), and what a key means (`flow`).
//!
//! Speech may sound like a key now and then, so nobody is listened to who has another way to send one, and only while one would
//! mean something. Calls between two phones are not listened to: that would take the samples of every call.

use super::Call;
use crate::context::Context;
use model::{Leg as SideOf, Now};
use std::time::Duration;

/// Within this time INFO and tones of one key are the same press.
const SAME_PRESS: Duration = Duration::from_secs(1);

/// What is known of a served caller's tones.
#[derive(Default)]
pub(super) struct InBand {
    /// They are listened for now.
    listens: bool,
    /// The phone has sent a key by INFO: what is in its sound is the same once more.
    has_info: bool,
    /// The last key that was heard as tones, and when.
    last: Option<(char, Duration)>,
}

impl Call {
    /// Begins to listen to the caller, or ceases to, as phone and flow are by now.
    pub(super) fn in_band_follows(&mut self, context: &mut Context) {
        let knows_none = |call: &Call| {
            let voice = call.voice_of(SideOf::Caller);
            voice.is_some_and(|voice| voice.events.is_none())
        };
        let wanted = !self.is_paged() && self.run.hears_keys() && knows_none(self);
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        let in_band = &mut endpoint.in_band;
        let listens = wanted && !in_band.has_info;
        if std::mem::replace(&mut in_band.listens, listens) != listens {
            self.bridge
                .listen(context, SideOf::Caller, |signals| signals.dtmf = listens);
        }
    }

    /// The media plane has heard a key of a leg: an event, or tones. Those that came by INFO as well count already.
    pub(super) fn key_heard(&mut self, context: &mut Context, side: SideOf, key: char, now: Now) {
        let has_events = self.voice_of(side).is_some_and(|voice| voice.events.is_some());
        let endpoint = self.endpoint.as_mut().filter(|_| !has_events);
        let is_new = endpoint.is_none_or(|endpoint| {
            endpoint.in_band.last = Some((key, now.mono));
            !endpoint.in_band.has_info
        });
        if is_new {
            self.key_pressed(context, side, key, now);
        }
    }

    /// A key came by INFO. False when it counts already, for its tones were heard first.
    pub(super) fn is_new_info(&mut self, context: &mut Context, side: SideOf, key: char, now: Now) -> bool {
        let Some(endpoint) = self.endpoint.as_mut().filter(|_| side == SideOf::Caller) else {
            return true;
        };
        let in_band = &mut endpoint.in_band;
        let is_first = !std::mem::replace(&mut in_band.has_info, true);
        let tone = in_band.last.take().filter(|_| is_first);
        self.in_band_follows(context);
        !tone.is_some_and(|(known, at)| known == key && now.mono <= at + SAME_PRESS)
    }
}
