//! Recordings and forks of sessions: their commands, their ticks, and what the shell says of files and connections.
//!
//! Does not own: what they are made of (`record`, `fork`).

use super::Relay;
use crate::session::Session;
use model::{Fork, ForkEnd, ForkId, Leg, MediaSessionId, Recording, RecordingId};
use std::time::Duration;

/// What a recording says where nothing may be heard from now on.
const MASKED: &str = "masked";

impl Relay {
    pub(super) fn record(
        &mut self,
        id: MediaSessionId,
        recording: RecordingId,
        act: &Recording,
        now: Duration,
    ) {
        let slot = self.slots.get(&id).copied();
        let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) else {
            return;
        };
        let is_pair = !session.engine.is_alone();
        let recorders = &mut session.recorders;
        let was = recorders.len();
        recorders.handle(id, recording, act, is_pair, &mut self.effects);
        // It says from its beginning why it is silent.
        if recorders.len() > was && session.engine.is_masked() {
            recorders.mark_last(MASKED, &mut self.effects);
        }
        self.set_listened(id, now);
    }

    /// The shell can't write the file of a recording, which ends with what is there of it. One that there is not is ignored.
    pub fn spool_failed(&mut self, id: MediaSessionId, recording: RecordingId, now: Duration) {
        self.catch_up_with(id);
        let slot = self.slots.get(&id).copied();
        let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) else {
            return;
        };
        if session.recorders.fail(id, recording, &mut self.effects) {
            self.set_listened(id, now);
        }
    }

    pub(super) fn fork(&mut self, id: MediaSessionId, fork: ForkId, act: &Fork, now: Duration) {
        let slot = self.slots.get(&id).copied();
        let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) else {
            return;
        };
        session.forks.handle(id, fork, act, &mut self.effects);
        self.set_listened(id, now);
    }

    /// The WebSocket of a fork stands. One that there is not is ignored, here and below.
    pub fn fork_opened(&mut self, id: MediaSessionId, fork: ForkId, now: Duration) {
        self.catch_up_with(id);
        let slot = self.slots.get(&id).copied();
        if let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) {
            session.forks.opened(id, fork, &mut self.effects);
            self.set_listened(id, now);
        }
    }

    /// A message came over the WebSocket of a fork.
    pub fn fork_heard(&mut self, id: MediaSessionId, fork: ForkId, is_text: bool, octets: &[u8]) {
        if let Some(session) = self.session(id) {
            session.forks.heard(fork, is_text, octets);
        }
    }

    /// The WebSocket of a fork is gone or never came about; so much sound was left out because nobody read it.
    pub fn fork_ended(
        &mut self,
        id: MediaSessionId,
        fork: ForkId,
        (end, lost_ms): (ForkEnd, u64),
        now: Duration,
    ) {
        self.catch_up_with(id);
        let slot = self.slots.get(&id).copied();
        if let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) {
            session.forks.ended(id, fork, (end, lost_ms), &mut self.effects);
            self.set_listened(id, now);
        }
    }

    /// What a leg says is for the session alone from now on, or no longer.
    pub(super) fn mask(&mut self, id: MediaSessionId, leg: Leg, on: bool, now: Duration) {
        let slot = self.slots.get(&id).copied();
        let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) else {
            return;
        };
        if session.engine.set_masked(leg, on) {
            session.forks.mask(on);
            let name = if on { MASKED } else { "unmasked" };
            session.recorders.mark(name, &mut self.effects);
        }
        self.engage(id, now, |_| {});
    }

    fn set_listened(&mut self, id: MediaSessionId, now: Duration) {
        let Some(session) = self.session(id) else { return };
        let beat = session.listened();
        let backs = [Leg::Caller, Leg::Callee].map(|leg| (leg, session.forks.has_back(leg)));
        self.engage(id, now, |engine| {
            engine.set_recorded(beat);
            backs
                .into_iter()
                .for_each(|(leg, back)| engine.set_forked(leg, back));
        });
    }

    /// What the legs of a session said in this tick goes to recordings and forks, and what came back to the legs.
    pub(super) fn record_tick(&mut self, slot: usize, at: Duration) {
        let is_end = at == self.ticks.last() && self.ticks.is_end(slot);
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let Session {
            id,
            engine,
            recorders,
            forks,
            ..
        } = session;
        if recorders.is_empty() && forks.is_empty() {
            return;
        }
        let effects = &mut self.effects;
        let frames = engine.frames();
        let legs = [frames.caller, frames.callee];
        recorders.tick(*id, legs, (frames.rate_hz, is_end), effects);
        forks.tick(*id, legs, frames.rate_hz, effects);
        for leg in [Leg::Caller, Leg::Callee] {
            engine.hear_fork(leg, |rate_hz, frame| {
                forks.play(*id, leg, rate_hz, frame, effects)
            });
        }
        let beat = session.listened();
        session.engine.set_recorded(beat);
    }
}
