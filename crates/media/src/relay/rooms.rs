//! Sessions that come into rooms and leave them.
//!
//! Does not own: what is said there (`room`).

use super::Relay;
use crate::effect::Effect;
use crate::effect::RoomFrame;
use model::{MediaReport, MediaSessionId, Seats};
use std::sync::Arc;
use std::time::Duration;

impl Relay {
    /// Takes what this relay is called among those of its node.
    pub fn set_worker(&mut self, worker: u16) {
        self.rooms.set_worker(worker);
    }

    /// What another relay of the node says in a room: see [`Effect::Room`].
    pub fn room_frame(&mut self, frame: &Arc<RoomFrame>, now: Duration) {
        self.rooms.hear(frame, now, &mut self.effects);
    }

    pub(super) fn join(&mut self, id: MediaSessionId, seats: Option<&Seats>, now: Duration) {
        let Some(slot) = self.slots.get(&id).copied() else {
            return;
        };
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let effects = &mut self.effects;
        if self.rooms.room_of(slot) != seats.map(|seats| seats.room) {
            self.rooms.leave(slot, Some(session), effects);
        }
        let is_seated = seats.is_some_and(|seats| self.rooms.join((slot, session), seats, effects));
        if let Some(seats) = seats.filter(|_| !is_seated) {
            self.effects.push_back(Effect::Report(MediaReport::Unseated {
                session: id,
                room: seats.room,
            }));
        }
        self.engage(id, now, |engine| engine.set_seated(is_seated));
    }
}
