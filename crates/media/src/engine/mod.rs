//! The engine of a session: what its legs say, made into samples, and what they hear, made of samples.
//!
//! Owns: when a session's samples are needed at all, the rate they have, and what a tick does with them. Does not own: when
//! ticks come, sockets, addresses, ports (`relay`).
//!
//! A session whose samples are only listened to, by a recording or for signals, goes on being relayed where both legs have one
//! codec: its ears get copies.
//!
//! A session is *active* while something needs its samples: legs whose codecs differ, a program, digits that are dialled,
//! something listened for, a recording, a room. Otherwise its packets are relayed as they are, and it has no ticks.
//!
//! A tick, every 20 ms for all active sessions together, has three steps:
//!
//! 1. [`Engine::listen`]: each ear fills the frame of what its leg says; [`Engine::frames`] lends them out, for recorders and
//!    rooms.
//! 2. Rooms mix, and leave what a leg is to hear of them with [`Engine::hear_room`], at [`Engine::rate_hz`].
//! 3. [`Engine::speak`]: each leg hears the other one, the room and its program, as its codec has it.
//!
//! Who needs the samples of a session keeps it active by [`Engine::set_recorded`] or [`Engine::set_seated`]. One that is only
//! recorded has ticks in rows (`row`): [`Engine::hear`] keeps its packets until then.
//!
//! The rate is the lowest that any leg carries, at most 16 kHz: a call to G.711 is narrow-band from end to end, its Opus
//! too. It may change when a leg describes itself anew.

mod budget;
mod decode;
mod ear;
mod echo;
mod encode;
mod frame;
mod keys;
mod listener;
mod mouth;
mod program;
mod row;
mod side;
mod steer;

use audio::detect::DtmfHeard;
pub(crate) use encode::Encoder;
use frame::{LEAST_HZ, add, rate_of};
use listener::Told;
use model::{Leg, MediaReport, MediaSessionId, Over, Program, Signals, Sound, Voice};
use row::Backlog;
pub(crate) use row::Beat;
use rtp::Header;
use rtp::event::{self, Heard, Payload};
use side::{Playing, Side};
use std::sync::Arc;
use std::time::Duration;

/// Ticks in a second.
const TICKS: u32 = 50;
/// Things heard in one leg in one tick, at most: a digit's end and beginning, a fax, a voice, a machine.
const MOST_TOLD: usize = 6;

/// What both legs said in a tick. `None` = nothing, not even noise.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Frames<'a> {
    /// Samples per second of both.
    pub(crate) rate_hz: u32,
    pub(crate) caller: Option<&'a [i16]>,
    pub(crate) callee: Option<&'a [i16]>,
}

/// Frames to work in, shared by all sessions.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    heard: Vec<i16>,
    program: Vec<i16>,
}

/// What a leg was told in a tick.
pub(crate) struct Spoken {
    /// This program of it has ended, with so many sounds missing.
    pub(crate) ended: Option<(u32, u32)>,
    /// It heard something of ours.
    pub(crate) ours: bool,
}

/// One session's.
#[derive(Debug)]
pub(crate) struct Engine {
    /// The server is the callee.
    alone: bool,
    caller: Side,
    callee: Side,
    rate_hz: u32,
    active: bool,
    /// Which ticks recorders and forks want.
    recorded: Beat,
    seated: bool,
    /// Where ticks are made in rows.
    backlog: Option<Backlog>,
}

impl Engine {
    /// Of a session with two legs; its sources are these.
    pub(crate) fn between(caller_ssrc: u32, callee_ssrc: u32) -> Engine {
        Engine {
            alone: false,
            caller: Side::new(caller_ssrc),
            callee: Side::new(callee_ssrc),
            rate_hz: LEAST_HZ,
            active: false,
            recorded: Beat::Never,
            seated: false,
            backlog: None,
        }
    }

    /// Of a session with the caller's leg alone.
    pub(crate) fn alone(ssrc: u32) -> Engine {
        Engine {
            alone: true,
            ..Engine::between(ssrc, !ssrc)
        }
    }

    /// Is there the caller's leg alone?
    pub(crate) fn is_alone(&self) -> bool {
        self.alone
    }

    /// Samples per second of all frames.
    pub(crate) fn rate_hz(&self) -> u32 {
        self.rate_hz
    }

    /// Which legs say that they send nothing from now on.
    pub(crate) fn hush(&mut self, quiet: [bool; 2]) {
        for (side, quiet) in [&mut self.caller, &mut self.callee].into_iter().zip(quiet) {
            side.ear.iter_mut().filter(|_| quiet).for_each(|ear| ear.hush());
        }
    }

    /// How a leg's sound is written from now on.
    pub(crate) fn describe(&mut self, leg: Leg, voice: Option<&Voice>) {
        let side = self.side(leg);
        if side.voice.as_ref() != voice {
            side.voice = voice.cloned();
            side.ear = None;
            side.mouth.rest();
        }
    }

    /// What a leg hears of us from now on.
    pub(crate) fn play(&mut self, leg: Leg, program: (u32, Option<&Program>), over: Over, now: Duration) {
        let rate_hz = self.rate();
        self.side(leg).play(program, over, rate_hz, now);
    }

    /// Digits for a leg.
    pub(crate) fn dial(&mut self, leg: Leg, digits: &str) {
        self.side(leg).mouth.keys.dial(digits);
    }

    /// Takes what a leg reports of our packets: how many it lost of late, per cent, and their round trip.
    pub(crate) fn reported(&mut self, leg: Leg, (percent, trip): (u8, Option<Duration>), now: Duration) {
        self.side(leg).mouth.steer.hear(percent, trip, now);
    }

    /// What is listened for in what a leg says.
    pub(crate) fn set_signals(&mut self, leg: Leg, signals: Signals) {
        self.side(leg).signals = signals;
    }

    /// What a leg says, its digits above all, is for the session alone from now on, or no longer. Gives whether that changes
    /// what others hear.
    pub(crate) fn set_masked(&mut self, leg: Leg, on: bool) -> bool {
        let before = self.is_masked();
        let side = self.side(leg);
        if side.is_masked != on {
            side.mask(on);
        }
        self.is_masked() != before
    }

    /// May nobody but the session hear what is said?
    pub(crate) fn is_masked(&self) -> bool {
        self.caller.is_masked || self.callee.is_masked
    }

    /// Recorders and forks want the frames of these ticks.
    pub(crate) fn set_recorded(&mut self, recorded: Beat) {
        self.recorded = recorded;
    }

    /// A room wants the frames, or none does any more.
    pub(crate) fn set_seated(&mut self, seated: bool) {
        self.seated = seated;
        if !seated {
            self.hear_room(Leg::Caller, None);
            self.hear_room(Leg::Callee, None);
        }
    }

    /// A sound that a program waits for and the shell has not been asked for yet, and the rate it is wanted at.
    pub(crate) fn wanted(&mut self) -> Option<(Sound, u32)> {
        let wanted = self.caller.wanted();
        wanted.or_else(|| self.callee.wanted())
    }

    /// The shell's answer.
    pub(crate) fn loaded(&mut self, sound: &Sound, rate_hz: u32, samples: &Option<Arc<[i16]>>) {
        for side in [&mut self.caller, &mut self.callee] {
            side.loaded(sound, rate_hz, samples);
        }
    }

    /// Becomes active, or ceases to be, as is needed by now, `ticked` being the last tick that there was. Gives which ticks there
    /// is something to do in.
    pub(crate) fn settle(&mut self, ticked: Duration) -> Beat {
        let rate_hz = self.rate();
        if rate_hz != self.rate_hz {
            self.rate_hz = rate_hz;
            self.caller.set_rate(rate_hz);
            self.callee.set_rate(rate_hz);
        }
        let needed = self.is_needed();
        for side in [&mut self.caller, &mut self.callee] {
            if !needed {
                side.rest();
            } else if side.ear.is_none() {
                side.open_ear(rate_hz);
            }
        }
        self.active = needed;
        let beat = match needed || self.caller.has_event() || self.callee.has_event() {
            true => self.beat(),
            false => Beat::Never,
        };
        self.keep(beat, ticked);
        beat
    }

    /// Do a leg's packets come here, or are they passed on as they are?
    pub(crate) fn takes(&self, leg: Leg) -> bool {
        let (near, far) = self.sides(leg);
        let both = near.voice.is_some() && far.voice.is_some() && !self.is_tapped();
        let replaced = far.voice.is_some() && (far.is_playing() || far.hears_room || far.has_fork);
        self.active && (self.alone || both || replaced)
    }

    /// Is what a leg says listened to here, whether its packets are passed on or not?
    pub(crate) fn hears(&self) -> bool {
        self.active
    }

    /// The payload type of a leg's telephone events.
    pub(crate) fn events(&self, leg: Leg) -> Option<u8> {
        self.voice(leg)
            .and_then(|voice| voice.events_heard.or(voice.events))
    }

    /// The packet that answers this one, where an echo is played and nothing has to be decoded for it.
    pub(crate) fn echo(&mut self, header: &Header, packet: &[u8], now: Duration) -> Option<Vec<u8>> {
        let Side { program, mouth, .. } = &mut self.caller;
        match program {
            Playing::Echo(echo) => echo.answer(mouth, header, packet, now),
            Playing::Nothing | Playing::List(_) => None,
        }
    }

    /// Takes a telephone event of a leg in, and tells digits that it ends. The other leg gets them from us, if it gets its
    /// sound from us.
    pub(crate) fn hear_event(
        &mut self,
        (session, leg): (MediaSessionId, Leg),
        header: &Header,
        packet: &[u8],
        now: Duration,
        mut tell: impl FnMut(MediaReport),
    ) {
        let Some(payload) = Payload::parse(header.payload(packet)) else {
            return;
        };
        let side = self.side(leg);
        side.sends_events = true;
        let heard = side.events.receive(header.ssrc, header.timestamp, payload, now);
        if matches!(heard, [_, Some(Heard::Start { .. }), _])
            && let Some(ear) = &mut side.ear
        {
            ear.gap(header, now);
        }
        for heard in heard.into_iter().flatten() {
            if let Some(digit) = self.event((session, leg), heard, now) {
                tell(digit);
            }
        }
    }

    /// A telephone event goes down or up, and is passed on where it does not go by itself. Gives a digit that ended.
    fn event(
        &mut self,
        (session, leg): (MediaSessionId, Leg),
        heard: Heard,
        now: Duration,
    ) -> Option<MediaReport> {
        let passes_on = self.takes(leg) || self.translates(leg);
        let alone = self.alone;
        let (near, far) = self.near_and_far(leg);
        match heard {
            Heard::Start { event } => {
                near.is_followed = near.presses.spend(now);
                let key = event::key(event).filter(|_| near.is_followed)?;
                if passes_on && !alone && !near.is_masked && !far.is_instead() {
                    far.mouth.keys.press(key);
                }
                None
            }
            Heard::End { event, duration } => {
                let key = event::key(event)?;
                let per_ms = near.voice.as_ref().map_or(8, |voice| voice.events_hz / 1000);
                let ms = duration / per_ms.max(1);
                far.mouth.keys.release(ms);
                near.is_followed.then_some(MediaReport::Digit {
                    session,
                    leg,
                    key,
                    ms,
                })
            }
        }
    }

    /// A digit was heard as tones, or something else. Gives what is to be told.
    fn told(
        &mut self,
        (session, leg): (MediaSessionId, Leg),
        told: Told,
        passes_on: bool,
    ) -> Option<MediaReport> {
        let (near, far) = self.near_and_far(leg);
        match told {
            Told::Signal(signal) => Some(MediaReport::Heard { session, leg, signal }),
            Told::Digit(DtmfHeard::Start(key)) => {
                if passes_on && !near.is_masked && !far.is_instead() {
                    far.mouth.keys.press(key);
                }
                None
            }
            Told::Digit(DtmfHeard::End { key, ms }) => {
                if passes_on {
                    far.mouth.keys.release(ms);
                }
                near.signals.dtmf.then_some(MediaReport::Digit {
                    session,
                    leg,
                    key,
                    ms,
                })
            }
        }
    }

    /// The first step of a tick.
    pub(crate) fn listen(
        &mut self,
        session: MediaSessionId,
        at: Duration,
        mut tell: impl FnMut(MediaReport),
    ) {
        self.replay(at);
        let size = (self.size(), self.rate_hz);
        for leg in [Leg::Caller, Leg::Callee] {
            let passes_on = self.takes(leg) && self.makes_events(leg);
            let (mut heard, mut count) = ([None; MOST_TOLD], 0);
            let side = self.side(leg);
            side.listen(size, at, passes_on, |told| {
                if let Some(place) = heard.get_mut(count) {
                    *place = Some(told);
                    count += 1;
                }
            });
            let late = side.events.handle_timeout(at);
            for told in heard.into_iter().flatten() {
                self.told((session, leg), told, passes_on)
                    .into_iter()
                    .for_each(&mut tell);
            }
            if let Some(late) = late {
                self.event((session, leg), late, at)
                    .into_iter()
                    .for_each(&mut tell);
            }
        }
    }

    /// What the legs said in this tick, as far as others may hear it.
    pub(crate) fn frames(&self) -> Frames<'_> {
        let open = !self.is_masked();
        Frames {
            rate_hz: self.rate_hz,
            caller: self.caller.frame().filter(|_| open),
            callee: self.callee.frame().filter(|_| open),
        }
    }

    /// What a leg hears of its room in this tick, at the session's rate; `None` = nothing.
    pub(crate) fn hear_room(&mut self, leg: Leg, frame: Option<&[i16]>) {
        let side = self.side(leg);
        side.hears_room = frame.is_some();
        side.shared = None;
        side.room.clear();
        side.room.extend_from_slice(frame.unwrap_or_default());
    }

    /// What a fork may say to a leg from now on, or never.
    pub(crate) fn set_forked(&mut self, leg: Leg, has_fork: bool) {
        let side = self.side(leg);
        side.has_fork = has_fork;
        if !has_fork {
            side.fork_over = None;
        }
    }

    /// What a fork says to a leg in this tick: `fill` writes into the frame and tells how it is heard, if there is anything.
    pub(crate) fn hear_fork(&mut self, leg: Leg, fill: impl FnOnce(u32, &mut [i16]) -> Option<Over>) {
        let (size, rate_hz) = (self.size(), self.rate_hz);
        let side = self.side(leg);
        if side.has_fork {
            side.fork.clear();
            side.fork.resize(size, 0);
            side.fork_over = fill(rate_hz, &mut side.fork);
        }
    }

    /// How a leg is written to, if it hears nothing but its room and could be told that by octets that others get too: in
    /// packets of 20 ms. Besides, whether it has heard nothing of its own encoder.
    pub(crate) fn shares(&self, leg: Leg) -> Option<(&Voice, bool)> {
        let (near, _) = self.sides(leg);
        let voice = near.voice.as_ref()?;
        let is_plain = self.alone && self.active && !near.is_playing() && !near.has_fork;
        let can_share = is_plain && near.mouth.can_share(voice);
        can_share.then(|| (voice, near.mouth.is_fresh()))
    }

    /// What a leg hears of its room in this tick, as [`Engine::shares`] says that it is written.
    pub(crate) fn hear_shared(&mut self, leg: Leg, payload: Arc<[u8]>) {
        let side = self.side(leg);
        side.hears_room = true;
        side.shared = Some(payload);
        side.room.clear();
    }

    /// A leg has heard what this encoder made until now.
    pub(crate) fn go_on(&mut self, leg: Leg, encoder: Encoder) {
        self.side(leg).mouth.go_on(encoder);
    }

    /// How a leg is written to.
    pub(crate) fn voice(&self, leg: Leg) -> Option<&Voice> {
        self.voices(leg).0
    }

    /// The last step of a tick: gives out the packets for a leg. Where it can't be reached, time passes all the same.
    pub(crate) fn speak(
        &mut self,
        leg: Leg,
        at: Duration,
        is_reached: bool,
        scratch: &mut Scratch,
        send: impl FnMut(Vec<u8>),
    ) -> Spoken {
        let (size, rate_hz, alone) = (self.size(), self.rate_hz, self.alone);
        if self.is_tapped() {
            self.side(leg).mouth.rest();
            return Spoken {
                ended: None,
                ours: false,
            };
        }
        let (near, far) = self.near_and_far(leg);
        let shared = near.shared.take().filter(|_| is_reached);
        if let (Some(payload), Some(voice)) = (shared, &near.voice) {
            near.mouth
                .repeat_shared(voice, at, &payload)
                .into_iter()
                .for_each(send);
            return Spoken {
                ended: None,
                ours: true,
            };
        }
        let Scratch { heard, program } = scratch;
        heard.clear();
        heard.resize(size, 0);
        program.clear();
        program.resize(size, 0);
        let (plays, ended) = near.fill(alone, at, program);
        let mut says = plays;
        let fork_over = near.fork_over;
        let mut noise = None;
        if !near.is_instead() && fork_over != Some(Over::Instead) {
            noise = far.pause().filter(|_| !alone && !plays && fork_over.is_none());
            if let Some(said) = far.frame().filter(|_| !alone && far.voice.is_some()) {
                add(heard, said);
                says = true;
            }
            if near.hears_room {
                add(heard, &near.room);
                (says, noise) = (true, None);
            }
        }
        if fork_over.is_some() {
            add(heard, &near.fork);
            says = true;
        }
        if plays {
            add(heard, program);
        }
        let missing = ended.then(|| near.end());
        if let Some(voice) = near.voice.as_ref().filter(|_| near.has_stream(alone)) {
            noise = noise.filter(|_| is_reached && mouth::takes_noise(voice));
            let frame = (says && is_reached && noise.is_none()).then_some(&mut heard[..]);
            near.mouth
                .speak(voice, at, (frame, noise), (rate_hz, program), send);
        }
        Spoken {
            ended: missing,
            ours: plays || fork_over.is_some() || (alone && near.hears_room),
        }
    }

    /// Are a leg's digits in its sound, while the other leg wants events?
    fn makes_events(&self, leg: Leg) -> bool {
        let (near, far) = self.voices(leg);
        let (Some(near), Some(far)) = (near, far) else {
            return false;
        };
        !self.alone && near.events.is_none() && far.events.is_some()
    }

    /// Would the other leg not understand the telephone events of this one?
    pub(crate) fn translates(&self, leg: Leg) -> bool {
        let (near, far) = self.voices(leg);
        let (Some(near), Some(far)) = (near, far) else {
            return false;
        };
        !self.alone && near.events.is_some() && near.events != far.events
    }

    fn voices(&self, leg: Leg) -> (Option<&Voice>, Option<&Voice>) {
        let (near, far) = self.sides(leg);
        (near.voice.as_ref(), far.voice.as_ref())
    }

    fn is_needed(&self) -> bool {
        let sides = [&self.caller, &self.callee];
        let both = match (&self.caller.voice, &self.callee.voice) {
            (Some(caller), Some(callee)) => Some((caller, callee)),
            _ => None,
        };
        let taken = self.recorded != Beat::Never || self.seated;
        sides.iter().any(|side| side.has_program(self.alone))
            || both.is_some_and(|(caller, callee)| (caller.codec, caller.pt) != (callee.codec, callee.pt))
            || (self.caller.has_event() && self.translates(Leg::Caller))
            || (self.callee.has_event() && self.translates(Leg::Callee))
            || (taken && (both.is_some() || (self.alone && self.caller.voice.is_some())))
            || sides.iter().any(|side| side.is_listened_to())
    }

    fn rate(&self) -> u32 {
        let voices = [&self.caller.voice, &self.callee.voice];
        let rates = voices.into_iter().flatten().map(rate_of);
        rates.min().unwrap_or(LEAST_HZ)
    }

    fn size(&self) -> usize {
        usize::try_from(self.rate_hz / TICKS).unwrap_or(160)
    }

    fn sides(&self, leg: Leg) -> (&Side, &Side) {
        match leg {
            Leg::Caller => (&self.caller, &self.callee),
            Leg::Callee => (&self.callee, &self.caller),
        }
    }

    fn side(&mut self, leg: Leg) -> &mut Side {
        self.near_and_far(leg).0
    }

    fn near_and_far(&mut self, leg: Leg) -> (&mut Side, &mut Side) {
        match leg {
            Leg::Caller => (&mut self.caller, &mut self.callee),
            Leg::Callee => (&mut self.callee, &mut self.caller),
        }
    }
}
