//! The rooms of a tenant: who is in which conference, page or call that is listened to.
//!
//! Owns: membership, the lock, how many may come in. Does not own: the sound (the media plane), and what a member hears of
//! all this (`flow`). Every tenant has its own, and a `RoomId` names it, so that two tenants' rooms never meet.

use flow::Shut;
use model::{CallId, RoomMember, RoomView, TenantId};
use std::collections::BTreeMap;

/// Rooms that belong to calls have numbers beyond those that a configuration may give.
const OF_CALLS: u64 = 1 << 40;

/// Rooms by number.
#[derive(Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<u64, Room>,
    /// Where each call is.
    places: BTreeMap<CallId, u64>,
}

#[derive(Default)]
struct Room {
    locked: bool,
    members: Vec<Member>,
}

struct Member {
    call: CallId,
    number: String,
    moderator: bool,
    muted: bool,
}

impl Rooms {
    /// The room of a call that is listened to, or of a page.
    pub(crate) fn of_call(call: CallId) -> u64 {
        OF_CALLS | call.0
    }

    /// Takes a call in; how many others there are. A moderator finds no lock.
    pub(crate) fn enter(
        &mut self,
        room: u64,
        (call, number): (CallId, &str),
        moderator: bool,
        most: usize,
    ) -> Result<u32, Shut> {
        let known = self.rooms.get(&room);
        if known.is_some_and(|room| room.locked) && !moderator {
            return Err(Shut::Locked);
        }
        if known.map_or(0, |room| room.members.len()) >= most {
            return Err(Shut::Full);
        }
        self.leave(call);
        let members = &mut self.rooms.entry(room).or_default().members;
        let others = u32::try_from(members.len()).unwrap_or(u32::MAX);
        members.push(Member {
            call,
            number: number.to_owned(),
            moderator,
            muted: false,
        });
        self.places.insert(call, room);
        Ok(others)
    }

    /// A call is in no room any more. The last one who leaves closes it.
    pub(crate) fn leave(&mut self, call: CallId) {
        let Some(number) = self.places.remove(&call) else {
            return;
        };
        if let Some(room) = self.rooms.get_mut(&number) {
            room.members.retain(|member| member.call != call);
            if room.members.is_empty() {
                self.rooms.remove(&number);
            }
        }
    }

    fn around(&self, call: CallId) -> Option<&Room> {
        self.rooms.get(self.places.get(&call)?)
    }

    /// True when nobody is in any.
    pub(crate) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The room that a call is in.
    pub(crate) fn place(&self, call: CallId) -> Option<u64> {
        self.places.get(&call).copied()
    }

    /// How many others are in the room of this call.
    pub(crate) fn others(&self, call: CallId) -> u32 {
        let members = self.around(call).map_or(0, |room| room.members.len());
        u32::try_from(members.saturating_sub(1)).unwrap_or(u32::MAX)
    }

    /// The other members of the room of this call; moderators left out where `plain`.
    pub(crate) fn beside(&self, call: CallId, plain: bool) -> Vec<CallId> {
        let members = self.around(call).map_or(&[][..], |room| &room.members);
        members
            .iter()
            .filter(|member| member.call != call && !(plain && member.moderator))
            .map(|member| member.call)
            .collect()
    }

    /// Locks the room of this call, or opens it; what it is now.
    pub(crate) fn toggle_lock(&mut self, call: CallId) -> bool {
        let place = self.places.get(&call);
        let room = place.and_then(|number| self.rooms.get_mut(number));
        room.is_some_and(|room| {
            room.locked = !room.locked;
            room.locked
        })
    }

    /// Locks a room, or opens it.
    pub(crate) fn lock(&mut self, room: u64, locked: bool) {
        if let Some(room) = self.rooms.get_mut(&room) {
            room.locked = locked;
        }
    }

    /// A member is heard by the others, or not.
    pub(crate) fn muted(&mut self, call: CallId, muted: bool) {
        let place = self.places.get(&call);
        let room = place.and_then(|number| self.rooms.get_mut(number));
        let members = room.into_iter().flat_map(|room| &mut room.members);
        for member in members.filter(|member| member.call == call) {
            member.muted = muted;
        }
    }

    /// The calls of a room, those of one number where that is given.
    pub(crate) fn members(&self, room: u64, number: Option<&str>) -> Vec<CallId> {
        let members = self.rooms.get(&room).map_or(&[][..], |room| &room.members);
        members
            .iter()
            .filter(|member| number.is_none_or(|number| member.number == number))
            .map(|member| member.call)
            .collect()
    }

    /// As commands show them: conferences, not the rooms of calls.
    pub(crate) fn view(&self, tenant: TenantId) -> Vec<RoomView> {
        let conferences = self.rooms.range(..OF_CALLS);
        let member = |member: &Member| RoomMember {
            call: member.call,
            number: member.number.clone(),
            moderator: member.moderator,
            muted: member.muted,
        };
        conferences
            .map(|(number, room)| RoomView {
                tenant,
                room: *number,
                locked: room.locked,
                members: room.members.iter().map(member).collect(),
            })
            .collect()
    }

    /// Members of all rooms, for leak checks.
    pub(crate) fn held(&self) -> usize {
        self.places.len().saturating_add(self.rooms.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn full_locked_and_empty() {
        let mut rooms = Rooms::default();
        let enter = |rooms: &mut Rooms, call, moderator| rooms.enter(7, (CallId(call), "101"), moderator, 3);
        assert_eq!(enter(&mut rooms, 1, true), Ok(0));
        assert_eq!(enter(&mut rooms, 2, false), Ok(1));
        assert!(rooms.toggle_lock(CallId(1)));
        assert_eq!(enter(&mut rooms, 3, false), Err(Shut::Locked));
        assert_eq!(enter(&mut rooms, 3, true), Ok(2));
        assert!(!rooms.toggle_lock(CallId(1)));
        assert_eq!(enter(&mut rooms, 4, true), Err(Shut::Full));
        assert_eq!(rooms.beside(CallId(1), true), [CallId(2)]);
        assert_eq!(rooms.others(CallId(2)), 2);
        rooms.muted(CallId(2), true);
        let view = rooms.view(TenantId(1));
        assert_eq!((view.len(), view[0].members[1].muted), (1, true));
        for call in 1..=4 {
            rooms.leave(CallId(call));
        }
        assert_eq!(rooms.held(), 0);
        rooms.lock(7, true);
        assert_eq!(rooms.held(), 0, "nobody is there");
    }

    #[test]
    fn rooms_of_calls_are_not_conferences() {
        let mut rooms = Rooms::default();
        let room = Rooms::of_call(CallId(5));
        assert_eq!(rooms.enter(room, (CallId(5), "101"), false, 9), Ok(0));
        assert!(rooms.view(TenantId(1)).is_empty());
    }
}
