//! One leg of a session as the engine sees it.
//!
//! Owns: what belongs to the leg alone. Does not own: what the legs have to do with each other (`Engine`).

use super::budget::Budget;
use super::ear::Ear;
use super::echo::Echo;
use super::listener::{Listener, Told};
use super::mouth::Mouth;
use super::program::{List, Samples};
use audio::detect::level_dbov;
use model::{Over, Program, Signals, Sound, Voice};
use rtp::Header;
use rtp::event::Receiver;
use std::sync::Arc;
use std::time::Duration;

/// Ticks for which a leg that says nothing at all is taken for one that pauses: ten seconds.
const LONGEST_QUIET: u32 = 500;
/// Keys that a leg may press in a second, and at once: a machine dials 12 a second.
const PRESSES_PER_S: u32 = 20;
const PRESSES_AT_ONCE: u32 = 40;

#[derive(Debug)]
pub(super) struct Side {
    pub(super) voice: Option<Voice>,
    pub(super) program: Playing,
    /// How its command named it.
    number: u32,
    over: Over,
    pub(super) signals: Signals,
    /// Its digits are for the session alone.
    pub(super) is_masked: bool,
    /// What it said in the tick before, while it is masked: a digit is known only when it has lasted for a while.
    held: Vec<i16>,
    is_held: bool,
    pub(super) events: Receiver,
    /// It has sent a telephone event: digits in its sound are the same ones once more.
    pub(super) sends_events: bool,
    /// How many of them are followed, and whether the one that is down is.
    pub(super) presses: Budget,
    pub(super) is_followed: bool,
    listener: Listener,
    pub(super) ear: Option<Box<Ear>>,
    pub(super) mouth: Mouth,
    /// What it said in this tick, if anything.
    said: Vec<i16>,
    spoke: bool,
    /// Level of the last noise or silence in what it said, below 0 dBov; none before it has said anything.
    noise: Option<u8>,
    /// Ticks without anything.
    quiet: u32,
    /// What it hears of a room in this tick, if it hears one.
    pub(super) room: Vec<i16>,
    pub(super) hears_room: bool,
    /// A fork may say something to it; what it says in this tick, if anything, and whether that is heard alone.
    pub(super) has_fork: bool,
    pub(super) fork: Vec<i16>,
    pub(super) fork_over: Option<Over>,
    /// The same as its codec has it, where that is shared.
    pub(super) shared: Option<Arc<[u8]>>,
}

/// What we play to a leg.
#[derive(Debug)]
pub(super) enum Playing {
    Nothing,
    Echo(Echo),
    List(Box<List>),
}

impl Side {
    pub(super) fn new(ssrc: u32) -> Side {
        Side {
            voice: None,
            program: Playing::Nothing,
            number: 0,
            over: Over::Instead,
            signals: Signals::default(),
            is_masked: false,
            held: Vec::new(),
            is_held: false,
            events: Receiver::new(),
            sends_events: false,
            is_followed: false,
            presses: Budget::new(PRESSES_PER_S, PRESSES_AT_ONCE, Duration::ZERO),
            listener: Listener::default(),
            ear: None,
            mouth: Mouth::new(ssrc),
            said: Vec::new(),
            spoke: false,
            noise: None,
            quiet: 0,
            room: Vec::new(),
            hears_room: false,
            has_fork: false,
            fork: Vec::new(),
            fork_over: None,
            shared: None,
        }
    }

    pub(super) fn play(
        &mut self,
        (number, program): (u32, Option<&Program>),
        over: Over,
        rate_hz: u32,
        now: Duration,
    ) {
        self.number = number;
        self.over = over;
        self.mouth.begin();
        self.program = match program {
            None => Playing::Nothing,
            Some(Program::Echo) => Playing::Echo(Echo::new(now)),
            Some(Program::Play(list)) => Playing::List(Box::new(List::new(list, rate_hz))),
            Some(Program::Announced {
                list,
                words,
                every_ms,
            }) => {
                let list = List::new(list, rate_hz).saying(words, *every_ms);
                Playing::List(Box::new(list))
            }
        };
    }

    pub(super) fn set_rate(&mut self, rate_hz: u32) {
        self.ear = None;
        self.mouth.rest();
        self.listener.reset();
        if let Playing::List(list) = &mut self.program {
            list.set_rate(rate_hz);
        }
    }

    pub(super) fn wanted(&mut self) -> Option<(Sound, u32)> {
        match &mut self.program {
            Playing::List(list) => list.wanted(),
            Playing::Nothing | Playing::Echo(_) => None,
        }
    }

    pub(super) fn loaded(&mut self, sound: &Sound, rate_hz: u32, samples: &Samples) {
        if let Playing::List(list) = &mut self.program {
            list.loaded(sound, rate_hz, samples);
        }
    }

    pub(super) fn is_playing(&self) -> bool {
        !matches!(self.program, Playing::Nothing)
    }

    /// Does it hear our program alone, when there is one?
    pub(super) fn is_instead(&self) -> bool {
        self.is_playing() && self.over == Over::Instead
    }

    /// Is there something for it that takes samples? An echo of packets takes none.
    pub(super) fn has_program(&self, alone: bool) -> bool {
        let plays = match self.program {
            Playing::Nothing => false,
            Playing::Echo(_) => !alone && self.voice.is_some(),
            Playing::List(_) => true,
        };
        plays || (self.mouth.keys.is_busy() && self.voice.is_some())
    }

    /// Is something listened for that is in the sound?
    pub(super) fn is_listened_to(&self) -> bool {
        let Signals {
            dtmf,
            fax,
            voice,
            machine,
        } = self.signals;
        self.voice.is_some() && (dtmf || fax || voice || machine.is_some() || self.is_masked)
    }

    /// Is something listened for, or was until now?
    pub(super) fn is_heard(&self) -> bool {
        self.is_listened_to() || !self.listener.is_idle()
    }

    /// Takes a packet of sound in.
    pub(super) fn hear(&mut self, header: &Header, packet: &[u8], now: Duration) {
        if let (Some(voice), Some(ear)) = (&self.voice, &mut self.ear) {
            ear.hear(voice, header, header.payload(packet), now);
        }
    }

    /// Is a key down?
    pub(super) fn has_event(&self) -> bool {
        self.events.poll_timeout().is_some()
    }

    /// Are its packets made every tick, rather than from others as they come?
    pub(super) fn has_stream(&self, alone: bool) -> bool {
        !(alone && matches!(self.program, Playing::Echo(_))) || self.mouth.keys.is_busy()
    }

    pub(super) fn open_ear(&mut self, rate_hz: u32) {
        let ear = self
            .voice
            .as_ref()
            .map(|voice| Box::new(Ear::new(voice, rate_hz)));
        self.ear = ear;
    }

    /// No samples are needed any more; what was kept for them goes.
    pub(super) fn rest(&mut self) {
        if self.ear.take().is_some() {
            self.mouth.rest();
            self.said = Vec::new();
            self.listener = Listener::default();
        }
        self.spoke = false;
    }

    /// Fills the frame of what it says, and listens to it. `passes_on` = its digits go to the other leg as events, and out of
    /// the sound.
    pub(super) fn listen(
        &mut self,
        (size, rate_hz): (usize, u32),
        at: Duration,
        passes_on: bool,
        tell: impl FnMut(Told),
    ) {
        self.spoke = false;
        if let (Some(voice), Some(ear)) = (&self.voice, &mut self.ear) {
            self.said.resize(size, 0);
            self.spoke = ear.fill(voice, at, &mut self.said);
            self.quiet = if self.spoke {
                0
            } else {
                self.quiet.saturating_add(1)
            };
            if self.spoke && (self.noise.is_none() || !ear.is_sound()) {
                self.noise = Some(below_0_dbov(&self.said));
            }
            let wanted = self.signals.dtmf || passes_on || self.is_masked;
            let signals = Signals {
                dtmf: wanted && !self.sends_events,
                ..self.signals
            };
            if signals != Signals::default() || !self.listener.is_idle() {
                self.listener.set(signals, rate_hz);
                self.listener.push(&self.said, tell);
            }
            if self.is_masked {
                self.hold_back(size);
            } else if passes_on && self.listener.hears_digit() {
                self.said.fill(0);
            }
        }
    }

    /// Lets what it says come a tick later, and no digit in it.
    fn hold_back(&mut self, size: usize) {
        self.held.resize(size, 0);
        if self.listener.hears_digit() {
            self.held.fill(0);
            self.said.fill(0);
        }
        std::mem::swap(&mut self.said, &mut self.held);
        self.spoke |= std::mem::replace(&mut self.is_held, self.spoke);
    }

    /// Its digits are for the session alone from now on, or no longer.
    pub(super) fn mask(&mut self, on: bool) {
        self.is_masked = on;
        self.held = Vec::new();
        self.is_held = false;
    }

    /// The level of the pause that it makes, below 0 dBov: noise, or nothing for a while. One that says nothing for long is not
    /// spoken for.
    pub(super) fn pause(&self) -> Option<u8> {
        let pauses = self.ear.as_ref().is_some_and(|ear| ear.is_pausing());
        self.noise
            .filter(|_| pauses && self.voice.is_some() && self.quiet <= LONGEST_QUIET)
    }

    pub(super) fn frame(&self) -> Option<&[i16]> {
        self.spoke.then_some(&self.said[..])
    }

    /// Fills the frame with our program: whether there is something, and whether that was the end.
    pub(super) fn fill(&mut self, alone: bool, at: Duration, frame: &mut [i16]) -> (bool, bool) {
        match &mut self.program {
            Playing::List(list) => (true, list.fill(at, frame)),
            Playing::Echo(_) if !alone => {
                frame
                    .iter_mut()
                    .zip(&self.said)
                    .for_each(|(to, from)| *to = *from);
                (self.spoke, false)
            }
            Playing::Nothing | Playing::Echo(_) => (false, false),
        }
    }

    /// Ends the program; gives its number, and how many sounds were missing.
    pub(super) fn end(&mut self) -> (u32, u32) {
        let missing = match std::mem::replace(&mut self.program, Playing::Nothing) {
            Playing::List(list) => list.missing(),
            Playing::Nothing | Playing::Echo(_) => 0,
        };
        (self.number, missing)
    }
}

/// The level of a sound as comfort noise names it (RFC 3389 §3).
fn below_0_dbov(frame: &[i16]) -> u8 {
    // The cast of a float saturates.
    (-level_dbov(frame)).round().clamp(0.0, 127.0) as u8
}
