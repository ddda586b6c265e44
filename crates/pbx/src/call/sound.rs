//! What the server does about the sound of a call between two phones: music for who is on hold, keys that came by INFO, and
//! a relay for phones that don't understand each other.
//!
//! Owns: when that is done, by the tenant's policy. Does not own: codecs (`sdp`), packets (the media plane).
//!
//! - Who is held hears music while the other phone's description says that it receives nothing. Most phones that hold say
//!   `sendonly` and send silence, so theirs is not heard unless the tenant's `hold_music` is `phone`. Who holds hears nothing.
//!   A call whose audio goes straight has no music: nobody but the phones is there to play it.
//! - Phones whose audio goes straight are offered what the caller offers and nothing else. Those that refuse it are asked
//!   once more over the relay, which speaks more codecs, when nobody else may answer.

use super::info::Digit;
use super::keys::INVITES;
use super::target::{State, Target};
use super::{Call, Phase, voice};
use crate::context::Context;
use model::{DigitPolicy, Item, Leg as SideOf, Library, Now, Playlist, Program, Voice};
use sdp::Description;
use std::sync::Arc;

impl Call {
    /// Music begins for a leg that is held, and ends when it is not.
    pub(super) fn music_follows(&mut self, context: &mut Context) {
        if self.bridge.session().is_none() || self.endpoint.is_some() {
            return;
        }
        for side in [SideOf::Caller, SideOf::Callee] {
            let music = self.music_for(side);
            self.bridge.music(context, side, music);
        }
    }

    fn music_for(&self, side: SideOf) -> Option<Program> {
        let policy = self.config.policy();
        let name = policy.music()?;
        let said = |side| {
            let leg = self.leg(side)?;
            leg.remote.as_ref()?.audio(&policy.codecs)
        };
        let (own, other) = (said(side)?, said(side.other())?);
        let is_held = self.leg(side.other()).is_some_and(|leg| leg.holds);
        let has_own = policy.phones_have_music() && other.effective_direction().sends();
        // Who has no audio at all is not on hold: a fax goes on.
        let hears = own.port != 0 && own.effective_direction().receives() && self.voice_of(side).is_some();
        let played = |item: Item, times: u32| {
            let items = vec![item];
            self.config.library().played(Playlist { items, times })
        };
        (is_held && hears && !has_own).then(|| {
            let list = played(Library::music_named(name), 0);
            match policy.hold_words() {
                Some((words, every_ms)) => Program::Announced {
                    list,
                    words: played(Item::prompt(&policy.language, words), 1),
                    every_ms,
                },
                None => Program::Play(list),
            }
        })
    }

    /// How sound is written for a leg whose audio comes to us.
    pub(super) fn voice_of(&self, side: SideOf) -> Option<Voice> {
        self.bridge.session()?;
        let leg = self.leg(side)?;
        let audio = leg.remote.as_ref()?.audio(&self.config.policy().codecs)?;
        voice::of(&leg.side, audio)
    }

    /// A key that `side` told by INFO, for the other phone: as telephone event where that knows them, by INFO if it does not
    /// refuse those, else as tones.
    pub(super) fn pass_digit_on(&mut self, context: &mut Context, side: SideOf, digit: Digit, now: Now) {
        let other = side.other();
        let takes_info = self.leg(other).is_some_and(|leg| leg.can.info != Some(false));
        let voice = self.voice_of(other);
        let knows_events = voice.as_ref().is_some_and(|voice| voice.events.is_some());
        let by_info = takes_info && (self.config.policy().dtmf == DigitPolicy::Info || !knows_events);
        match by_info {
            true => self.tell_digit(context, other, digit, now),
            false if voice.is_some() => self.bridge.dial(context, other, digit.key),
            false => {}
        }
    }

    /// Those who were rung for straight audio have refused what the caller speaks: they are asked again over the relay.
    /// False when that is no help.
    pub(super) fn asks_over_relay(&mut self, context: &mut Context, now: Now) -> bool {
        let config = Arc::clone(&self.config);
        let policy = config.policy();
        let offer = self.offer.as_ref();
        let known = offer.is_some_and(|offer| sdp::voice(offer, &policy.codecs).is_some());
        if self.bridge.session().is_some() || !policy.transcode || !known {
            return false;
        }
        let refused = |target: &Target| {
            let cause = matches!(target.state, State::Done(415 | 488 | 606));
            cause && target.cseq < INVITES
        };
        let mut asked = None;
        for target in self.targets.iter_mut().skip(self.round) {
            if refused(target) {
                target.renew(context);
                target.state = State::Waiting;
                asked = asked.or(Some(target.flow));
            }
        }
        let Some(callee) = asked else { return false };
        self.bridge.relay(config.id(), self.id);
        self.phase = Phase::Opening;
        let caller = self.caller.flow;
        self.run.note("relayed");
        self.reserve_media(context, &caller, &callee, now)
    }

    /// True when the caller's leg and one that comes in have no codec in common, and the relay may speak for them.
    pub(super) fn needs_voices(&self, said: &Description) -> bool {
        let policy = self.config.policy();
        let offer = self.offer.as_ref();
        policy.transcode && offer.is_some_and(|offer| !sdp::can_talk(offer, said, false, &policy.codecs))
    }
}
