//! Sessions whose sound goes through the engine: what they take in, their ticks, and what leaves by that.
//!
//! Owns: when ticks come, and where their packets go. Does not own: what is in those (`engine`).

use super::Relay;
use crate::effect::Effect;
use crate::engine::Engine;
use crate::leg::LegState;
use crate::ports::PairId;
use crate::protect::ROOM;
use crate::session::{Forward, Session};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId, Sound};
use rtp::Header;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// Ticks that are made up for when one comes late; more are left out.
const MOST_LATE: u32 = 3;
/// Frames of ours to an address that nothing has come from: two seconds. A description may name anybody.
const MOST_UNHEARD: u32 = 100;

/// An RTP or RTCP packet of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// It leaves by the sockets of this pair,
    pub pair: PairId,
    /// by its RTCP socket when true, else its RTP socket,
    pub rtcp: bool,
    /// to this address.
    pub to: SocketAddr,
    /// All of it.
    pub octets: Vec<u8>,
}

impl Relay {
    /// A packet of ours that is to leave now. Drain after each `handle_packet` and `handle_timeout`.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    /// Ticks since start that began more than 10 ms after their time, or were left out.
    #[must_use]
    pub fn late_ticks(&self) -> u64 {
        self.ticks.late
    }

    /// The shell's answer to [`Effect::Load`]: the sound at the rate that was asked for, or that there is none. One that
    /// nobody waits for is ignored; one that does not come within two seconds is left out.
    pub fn loaded(
        &mut self,
        session: MediaSessionId,
        sound: &Sound,
        rate_hz: u32,
        samples: Option<Arc<[i16]>>,
    ) {
        if let Some(session) = self.session(session) {
            session.engine.loaded(sound, rate_hz, &samples);
        }
    }

    /// The engine of a session with two legs. Its sources differ from all others for practical purposes, and from those of
    /// its phones.
    pub(super) fn engine(&self, id: MediaSessionId) -> Engine {
        let mut mixed = self.seed ^ id.0.wrapping_mul(0x9E37_79B9_7F4A_7C15);
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^= mixed >> 31;
        let half = |bits: u64| u32::try_from(bits & u64::from(u32::MAX)).unwrap_or(0);
        Engine::between(half(mixed), half(mixed >> 32))
    }

    /// Takes in what a leg has described.
    pub(super) fn remote(&mut self, command: &MediaCommand, now: Duration) {
        let MediaCommand::Remote {
            session: id,
            leg: side,
            rtp,
            rtcp,
            signalling_ip,
            srtp,
            voice,
            web,
        } = command
        else {
            return;
        };
        let places = (*rtp, *rtcp, *signalling_ip);
        let moved = match web {
            Some(path) if path.ice.is_some() => self.describe_web(*id, *side, path, now),
            Some(path) => self.describe_dtls(*id, *side, places, path, now),
            None => self.describe(*id, *side, places, srtp.as_deref()),
        };
        let Some(slot) = self.slots.get(id).copied() else {
            return;
        };
        // What is no sound is passed on as it is, whatever is said of it.
        let sound = matches!(self.sessions.get(slot), Some(Some(session)) if session.is_sound());
        let spoken = sound && (rtp.is_some() || voice.is_some());
        self.tend(slot, |session| {
            // Who is on hold without an address has not changed how it speaks.
            if spoken {
                session.leg(*side).voice.clone_from(voice);
            }
            if moved && sound {
                session.checks.moved(session.evidence(), now);
            }
        });
        if spoken {
            self.engage(*id, now, |engine| engine.describe(*side, voice.as_deref()));
        }
    }

    /// Changes something about a session's engine, and follows what that leads to.
    pub(super) fn engage(&mut self, id: MediaSessionId, now: Duration, change: impl FnOnce(&mut Engine)) {
        let Some(slot) = self.slots.get(&id).copied() else {
            return;
        };
        if let Some(Some(session)) = self.sessions.get_mut(slot) {
            change(&mut session.engine);
        }
        self.settle(slot, now);
    }

    /// Lets a session begin or cease to tick, and its packets go where they belong now.
    fn settle(&mut self, slot: usize, now: Duration) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let beat = session.engine.settle(self.ticks.last());
        for leg in [Leg::Caller, Leg::Callee] {
            let (taken, events) = (session.engine.takes(leg), session.engine.events(leg));
            let tapped = session.engine.hears();
            session.leg(leg).engage(taken, tapped, events);
        }
        if std::mem::replace(&mut session.beat, beat) != beat {
            self.ticks.set(slot, beat, now);
        }
        self.load(slot);
    }

    /// Asks for the sounds that the programs of a session want next.
    fn load(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        while let Some((sound, rate_hz)) = session.engine.wanted() {
            self.effects.push_back(Effect::Load {
                session: session.id,
                sound,
                rate_hz,
            });
        }
    }

    /// A believed packet of a leg that the engine wants to see; it may still be passed on.
    #[cold]
    pub(super) fn take_or_pass(
        &mut self,
        (slot, leg): (usize, Leg),
        control: bool,
        (buffer, len): (&mut [u8], usize),
        now: Duration,
    ) -> Option<Forward> {
        if self.take((slot, leg), buffer.get(..len)?, control, now) {
            return None;
        }
        let session = self.sessions.get_mut(slot)?.as_mut()?;
        let forward = session.pass_on(leg, control, (buffer, len), now);
        self.forwarded = self.forwarded.saturating_add(u64::from(forward.is_some()));
        forward
    }

    /// Takes a believed packet of a leg into the engine; true when it is not to be passed on.
    pub(super) fn take(
        &mut self,
        (slot, leg): (usize, Leg),
        packet: &[u8],
        control: bool,
        now: Duration,
    ) -> bool {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let id = session.id;
        session.heard(now);
        let state = session.leg(leg);
        let (taken, is_event) = (state.taken, state.is_event(packet));
        if control {
            // It is about packets that the other leg has never seen.
            return taken;
        }
        let Ok(header) = Header::parse(packet) else {
            return taken;
        };
        if !is_event {
            if !session.engine.hear(leg, &header, packet, now) {
                self.catch_up(slot);
            }
            return taken;
        }
        self.catch_up(slot);
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return taken;
        };
        let (effects, forks) = (&mut self.effects, &mut session.forks);
        session
            .engine
            .hear_event((id, leg), &header, packet, now, |report| {
                forks.tell(&report, effects);
                effects.push_back(Effect::Report(report));
            });
        self.settle(slot, now);
        // A digit that the other leg would not understand is sent to it by us.
        let session = self.sessions.get_mut(slot).and_then(Option::as_mut);
        session.is_some_and(|session| session.leg(leg).taken || session.engine.translates(leg))
    }

    /// Makes the ticks that are due.
    pub(super) fn handle_ticks(&mut self, now: Duration) {
        for _ in 0..MOST_LATE {
            let Some(at) = self.ticks.take(now) else {
                return;
            };
            self.tick(at);
        }
        self.ticks.leave_out(now);
    }

    fn tick(&mut self, at: Duration) {
        let mut turn = std::mem::take(&mut self.turn);
        turn.clear();
        turn.extend(self.ticks.each());
        for slot in &turn {
            self.listen(*slot, at);
        }
        self.rooms.tick(at, &mut self.sessions, &mut self.effects);
        for slot in &turn {
            self.speak(*slot, at);
            self.settle(*slot, at);
            self.arrange(*slot);
        }
        turn.clear();
        turn.extend(self.ticks.row());
        for slot in &turn {
            self.catch_up(*slot);
            self.settle(*slot, at);
        }
        self.turn = turn;
    }

    /// What the legs of a session say in a tick.
    fn listen(&mut self, slot: usize, at: Duration) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let (effects, forks) = (&mut self.effects, &mut session.forks);
        session.engine.listen(session.id, at, |report| {
            forks.tell(&report, effects);
            effects.push_back(Effect::Report(report));
        });
        self.record_tick(slot, at);
    }

    /// A session that has its ticks in rows has those now that have come: something is about to change.
    pub(super) fn catch_up(&mut self, slot: usize) {
        let mut ticked = self.ticked(slot);
        while let Some(at) = ticked.and_then(|ticked| self.ticks.after(ticked)) {
            self.listen(slot, at);
            ticked = self.ticked(slot);
        }
        if let Some(Some(session)) = self.sessions.get_mut(slot) {
            session.engine.catch_up();
        }
    }

    /// The same.
    pub(super) fn catch_up_with(&mut self, id: MediaSessionId) {
        if let Some(slot) = self.slots.get(&id).copied() {
            self.catch_up(slot);
        }
    }

    fn ticked(&self, slot: usize) -> Option<Duration> {
        self.sessions.get(slot)?.as_ref()?.engine.ticked()
    }

    /// What the legs of a session hear in this tick.
    fn speak(&mut self, slot: usize, at: Duration) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let legs = [Leg::Caller, Leg::Callee];
        let legs = legs.get(..if session.engine.is_alone() { 1 } else { 2 });
        let Session {
            id,
            engine,
            caller,
            callee,
            ..
        } = session;
        for leg in legs.unwrap_or_default().iter().copied() {
            let state = match leg {
                Leg::Caller => &mut *caller,
                Leg::Callee => &mut *callee,
            };
            let way = state.latch.rtp_to().zip(state.pair.filter(|_| state.ready));
            let is_patient = state.latch.locked().is_some() || state.unheard < MOST_UNHEARD;
            let (frames, scratch) = (&mut self.frames, &mut self.scratch);
            let spoken = engine.speak(leg, at, way.is_some() && is_patient, scratch, |octets| {
                let octets = protect(state, octets, at);
                let frame = way.zip(octets).filter(|_| is_patient);
                frames.extend(frame.map(|((to, pair), octets)| Frame {
                    pair,
                    rtcp: false,
                    to,
                    octets,
                }));
            });
            state.unheard = match (state.latch.locked(), spoken.ours) {
                (Some(_), _) => 0,
                (None, true) => state.unheard.saturating_add(1),
                (None, false) => state.unheard,
            };
            if let Some((number, missing)) = spoken.ended {
                self.effects.push_back(Effect::Report(MediaReport::Played {
                    session: *id,
                    leg,
                    id: number,
                    missing,
                }));
            }
        }
    }
}

/// The packet as the leg is to get it; `None` when it must not leave.
pub(super) fn protect(leg: &mut LegState, mut octets: Vec<u8>, now: Duration) -> Option<Vec<u8>> {
    if !leg.splice(&mut octets, now) {
        return None;
    }
    leg.sends(&octets, now);
    let len = octets.len();
    octets.resize(len.saturating_add(ROOM), 0);
    let len = leg.prepare(false, &mut octets, len)?;
    octets.truncate(len);
    Some(octets)
}
