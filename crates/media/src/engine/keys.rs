//! Digits on their way to a leg: as telephone events where it knows them, else as tones.
//!
//! Owns: their order, lengths and pauses. Does not own: the packets (`mouth`).

use crate::tick::TICK_MS;
use audio::tone::{self, Generator};
use model::Voice;
use rtp::event::{self, Outgoing, Sender};
use std::collections::VecDeque;

/// Digits that wait at most.
const MOST: usize = 64;
/// Digits of the other leg that wait at most: later ones would come too late to be understood.
const MOST_RELAYED: usize = 8;
/// A digit of ours, and the pause behind any, milliseconds (ITU-T Q.24: 40 each at least).
const PRESS_MS: u32 = 100;
const PAUSE_FRAMES: u8 = 3;
/// The shortest tone that stands for an event.
const LEAST_MS: u32 = 60;
/// A key of which nobody says that it was released is up after this.
const MOST_MS: u16 = 10_000;
/// Power of an event, below 0 dBm0.
const VOLUME: u8 = 10;

/// What is sent to one leg.
#[derive(Debug, Default)]
pub(super) struct Keys {
    waiting: VecDeque<Key>,
    now: Option<Sounding>,
    pause: u8,
}

#[derive(Clone, Copy, Debug)]
struct Key {
    key: char,
    code: u8,
    /// `None` while it is down.
    ms: Option<u32>,
}

#[derive(Debug)]
enum Sounding {
    Event {
        sender: Sender,
        per_ms: u32,
        /// It ends when the key is released.
        open: bool,
    },
    Tone {
        generator: Box<Generator>,
        over_ms: u32,
        ms: Option<u32>,
    },
}

/// What a tick sends instead of the sound.
pub(super) enum Sent {
    /// Nothing: the sound goes out.
    Sound,
    /// This event.
    Event(Outgoing),
    /// A tone, which is in the frame.
    Tone,
}

impl Keys {
    /// Is there anything to be sent?
    pub(super) fn is_busy(&self) -> bool {
        self.now.is_some() || !self.waiting.is_empty()
    }

    /// Will the next tick send some of it?
    pub(super) fn sends_now(&self) -> bool {
        self.now.is_some() || (self.pause == 0 && !self.waiting.is_empty())
    }

    /// Takes digits in; what is none, or too many, is left out.
    pub(super) fn dial(&mut self, digits: &str) {
        for key in digits.chars().take(MOST) {
            self.push(key, Some(PRESS_MS));
        }
    }

    /// A key goes down that is sent as long as it is.
    pub(super) fn press(&mut self, key: char) {
        if self.waiting.len() < MOST_RELAYED {
            self.push(key, None);
        }
    }

    /// The key that is down has been released after so long.
    pub(super) fn release(&mut self, ms: u32) {
        match &mut self.now {
            Some(Sounding::Event { sender, per_ms, open }) if *open => {
                *open = false;
                sender.end_at(ms.saturating_mul(*per_ms));
            }
            Some(Sounding::Tone { ms: end, .. }) if end.is_none() => *end = Some(ms.max(LEAST_MS)),
            _ => {
                let down = self.waiting.iter_mut().find(|key| key.ms.is_none());
                down.into_iter().for_each(|key| key.ms = Some(ms));
            }
        }
    }

    fn push(&mut self, key: char, ms: Option<u32>) {
        if let Some(code) = event::code(key).filter(|_| self.waiting.len() < MOST) {
            self.waiting.push_back(Key { key, code, ms });
        }
    }

    /// What this tick sends. `frame` is the sound at its rate, `timestamp` where it begins.
    pub(super) fn tick(&mut self, voice: &Voice, timestamp: u32, frame: &mut [i16], rate_hz: u32) -> Sent {
        let per_ms = voice.events_hz / 1000;
        if self.now.is_none() {
            if self.pause > 0 {
                self.pause -= 1;
                return Sent::Sound;
            }
            let Some(key) = self.waiting.pop_front() else {
                return Sent::Sound;
            };
            self.now = Some(begin(key, voice, timestamp, (rate_hz, per_ms)));
        }
        match &mut self.now {
            Some(Sounding::Event { sender, .. }) => {
                if let Some(outgoing) = sender.tick(per_ms * TICK_MS) {
                    return Sent::Event(outgoing);
                }
            }
            Some(Sounding::Tone {
                generator,
                over_ms,
                ms,
            }) => {
                generator.fill(frame);
                *over_ms = over_ms.saturating_add(TICK_MS);
                if *over_ms >= ms.unwrap_or(u32::from(MOST_MS)) {
                    self.now = None;
                    self.pause = PAUSE_FRAMES;
                }
                return Sent::Tone;
            }
            None => {}
        }
        self.now = None;
        self.pause = PAUSE_FRAMES;
        Sent::Sound
    }
}

fn begin(key: Key, voice: &Voice, timestamp: u32, (rate_hz, per_ms): (u32, u32)) -> Sounding {
    if voice.events.is_some() {
        let duration = key.ms.unwrap_or(u32::from(MOST_MS)).saturating_mul(per_ms);
        return Sounding::Event {
            sender: Sender::new(key.code, VOLUME, timestamp, duration),
            per_ms,
            open: key.ms.is_none(),
        };
    }
    let mut text = [0; 4];
    let generator = tone::digits(key.key.encode_utf8(&mut text), MOST_MS, 1, rate_hz);
    Sounding::Tone {
        generator: Box::new(generator),
        over_ms: 0,
        ms: key.ms.map(|ms| ms.max(LEAST_MS)),
    }
}
