//! One encoding for all who hear the same.
//!
//! Owns: the encoders of a room's common sound, one for each way in which it is written. Does not own: who may
//! share (`member`).
//!
//! A decoder follows the state of its encoder. G.722 comes to a shared stream in a pause, in which all states become the same,
//! and leaves it with a copy of the encoder. Opus corrects itself within a packet or two, as behind a loss; it can't be
//! copied, so who leaves gets an encoder that begins anew.

use crate::engine::{Encoder, Engine};
use model::{Codec, Leg, OpusWish, Voice};
use std::sync::Arc;

/// Ticks of silence behind which an encoder is as new.
const AT_REST: u8 = 10;

/// All that the octets of a payload depend on, besides the sound. Packets are of 20 ms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Style {
    codec: Codec,
    rate_hz: u32,
    opus: Option<OpusWish>,
}

impl Style {
    fn of(voice: &Voice, rate_hz: u32) -> Style {
        Style {
            codec: voice.codec,
            rate_hz,
            opus: (voice.codec == Codec::Opus).then_some(voice.opus),
        }
    }
}

#[derive(Debug)]
struct Group {
    style: Style,
    encoder: Encoder,
    /// Of this tick, once somebody has asked.
    payload: Option<Arc<[u8]>>,
}

/// All of a room.
#[derive(Debug, Default)]
pub(super) struct Groups {
    /// Ticks of silence.
    silence: u8,
    groups: Vec<Group>,
}

impl Groups {
    /// Takes in whether anything is heard in this tick.
    pub(super) fn set_silent(&mut self, is_silent: bool) {
        self.silence = if is_silent {
            self.silence.saturating_add(1)
        } else {
            0
        };
    }

    /// Has there been silence for so long that it is all that an encoder knows?
    pub(super) fn are_at_rest(&self) -> bool {
        self.silence >= AT_REST
    }

    /// Begins a tick.
    pub(super) fn begin(&mut self) {
        for group in &mut self.groups {
            group.payload = None;
        }
    }

    /// Ends a tick: what nobody heard is no stream any more.
    pub(super) fn end(&mut self) {
        self.groups.retain(|group| group.payload.is_some());
    }

    /// Gives a leg the common frame as its codec has it.
    pub(super) fn give(&mut self, engine: &mut Engine, frame: &[i16]) {
        let rate_hz = engine.rate_hz();
        let Some((voice, _)) = engine.shares(Leg::Caller) else {
            return;
        };
        let style = Style::of(voice, rate_hz);
        let at = match self.groups.iter().position(|group| group.style == style) {
            Some(at) => at,
            None => {
                self.groups.push(Group {
                    style,
                    encoder: Encoder::new(voice, rate_hz),
                    payload: None,
                });
                self.groups.len().saturating_sub(1)
            }
        };
        let Some(group) = self.groups.get_mut(at) else {
            return;
        };
        let encoder = &mut group.encoder;
        let payload = group.payload.get_or_insert_with(|| {
            let mut payload: Arc<[u8]> = Arc::new([]);
            encoder.encode(frame, |octets, _| payload = octets.into());
            payload
        });
        engine.hear_shared(Leg::Caller, Arc::clone(payload));
    }

    /// A leg leaves its shared stream, and goes on by itself.
    pub(super) fn part(&self, engine: &mut Engine) {
        let rate_hz = engine.rate_hz();
        let Some(voice) = engine.voice(Leg::Caller) else {
            return;
        };
        let style = Style::of(voice, rate_hz);
        let group = self.groups.iter().find(|group| group.style == style);
        if let Some(encoder) = group.and_then(|group| group.encoder.split()) {
            engine.go_on(Leg::Caller, encoder);
        }
    }
}
