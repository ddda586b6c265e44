//! Recordings of sessions: their commands, their ticks, and what the shell says of their files.
//!
//! Does not own: what a recording is made of (`record`).

use super::Relay;
use model::{MediaSessionId, Recording, RecordingId};
use std::time::Duration;

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
        recorders.handle(id, recording, act, is_pair, &mut self.effects);
        self.set_recorded(id, now);
    }

    /// The shell can't write the file of a recording, which ends with what is there of it. One that there is not is ignored.
    pub fn spool_failed(&mut self, id: MediaSessionId, recording: RecordingId, now: Duration) {
        let slot = self.slots.get(&id).copied();
        let Some(Some(session)) = slot.and_then(|slot| self.sessions.get_mut(slot)) else {
            return;
        };
        if session.recorders.fail(id, recording, &mut self.effects) {
            self.set_recorded(id, now);
        }
    }

    fn set_recorded(&mut self, id: MediaSessionId, now: Duration) {
        let is_recorded = self
            .session(id)
            .is_some_and(|session| !session.recorders.is_empty());
        self.engage(id, now, |engine| engine.set_recorded(is_recorded));
    }

    /// What the legs of a session said in this tick.
    pub(super) fn record_tick(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        if session.recorders.is_empty() {
            return;
        }
        let frames = session.engine.frames();
        let legs = [frames.caller, frames.callee];
        session
            .recorders
            .tick(session.id, legs, frames.rate_hz, &mut self.effects);
        if session.recorders.is_empty() {
            session.engine.set_recorded(false);
        }
    }
}
