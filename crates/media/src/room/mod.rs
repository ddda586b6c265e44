//! Rooms: where the sound of several sessions of a tenant meets. A conference, a page, a call that somebody listens to.
//!
//! Owns: who sits where, what is said in a room in a tick, and what each leg hears of it. Does not own: the sessions and
//! when ticks come (`relay`), what is done with a leg's frame before and behind (`engine`), how it is mixed
//! (`audio::mix`).
//!
//! A session is one member, with both its legs: they hear each other directly, and the room hears both together. So a leg
//! never hears of the room what its own session says. A leg without an RTP address is on hold: it neither speaks nor hears.
//!
//! A room whose members sit on several relays of a node has a mixer on each. They tell each other what their own
//! members say (`peer`), and each member hears all others once, those of other relays one tick later.
//!
//! All who hear the same, by the same codec and in the same way, share one encoding (`share`).

mod chime;
mod member;
mod peer;
mod share;

use crate::effect::{Effect, RoomFrame};
use crate::session::Session;
use audio::mix::{Band, Mixer};
use chime::Chimes;
use member::Member;
use model::{MediaReport, MediaSessionId, RoomId, Seats};
use peer::Peers;
use share::Groups;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Members that a room may have on all relays together.
pub(crate) const MOST_MEMBERS: usize = 500;
/// Members that are heard at once, on each relay.
const SPEAKERS: usize = 4;
/// Ticks that somebody has to be the loudest for to be called the speaker; a change comes no more often.
const LOUDEST_TICKS: u8 = 10;

/// Room to work in for one member's frame.
#[derive(Debug, Default)]
struct Scratch {
    said: Vec<i16>,
    own: Vec<i16>,
}

/// All rooms of a relay.
#[derive(Debug, Default)]
pub(crate) struct Rooms {
    rooms: BTreeMap<RoomId, Room>,
    /// By slot of the session.
    seated: BTreeMap<usize, RoomId>,
    /// What this relay is called among the others of its node.
    worker: u16,
    scratch: Scratch,
    refused: u64,
    /// Frames of other relays that came too late, or too many.
    dropped: u64,
}

/// Figures of all rooms of a relay.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct RoomCounts {
    pub(crate) rooms: usize,
    pub(crate) members: usize,
    pub(crate) refused: u64,
    pub(crate) dropped: u64,
}

impl Rooms {
    pub(crate) fn set_worker(&mut self, worker: u16) {
        self.worker = worker;
    }

    pub(crate) fn counts(&self) -> RoomCounts {
        RoomCounts {
            rooms: self.rooms.len(),
            members: self.seated.len(),
            refused: self.refused,
            dropped: self.dropped,
        }
    }

    /// Takes a session in, or changes its part in the room that it is in; false when there is no place. It has to leave
    /// another room first.
    pub(crate) fn join(
        &mut self,
        (slot, session): (usize, &Session),
        seats: &Seats,
        effects: &mut VecDeque<Effect>,
    ) -> bool {
        let worker = self.worker;
        let is_new = !self.rooms.contains_key(&seats.room);
        let room = self
            .rooms
            .entry(seats.room)
            .or_insert_with(|| Room::new(seats.room));
        let is_seated = room.join(slot, session, seats);
        if is_seated {
            self.seated.insert(slot, seats.room);
            if is_new {
                effects.push_back(Effect::Room {
                    to: None,
                    frame: Arc::new(room.greeting(worker)),
                });
            }
        } else {
            self.refused = self.refused.saturating_add(1);
            self.vanish(seats.room, effects);
        }
        is_seated
    }

    /// The room that a session is in.
    pub(crate) fn room_of(&self, slot: usize) -> Option<RoomId> {
        self.seated.get(&slot).copied()
    }

    /// Lets a session go, which may be closed already.
    pub(crate) fn leave(
        &mut self,
        slot: usize,
        session: Option<&mut Session>,
        effects: &mut VecDeque<Effect>,
    ) {
        let Some(id) = self.seated.remove(&slot) else {
            return;
        };
        if let Some(room) = self.rooms.get_mut(&id) {
            room.leave(slot, session);
        }
        self.vanish(id, effects);
    }

    /// Ends a room that nobody is in.
    fn vanish(&mut self, id: RoomId, effects: &mut VecDeque<Effect>) {
        if self.rooms.get(&id).is_some_and(|room| room.members.is_empty())
            && let Some(room) = self.rooms.remove(&id)
        {
            let farewell = Arc::new(room.greeting(self.worker));
            effects.extend(room.peers.names().map(|to| Effect::Room {
                to: Some(to),
                frame: Arc::clone(&farewell),
            }));
        }
    }

    /// Takes what another relay says in a room. Of one that nobody here is in, nothing is kept.
    pub(crate) fn hear(&mut self, frame: &Arc<RoomFrame>, now: Duration, effects: &mut VecDeque<Effect>) {
        let worker = self.worker;
        let Some(room) = self.rooms.get_mut(&frame.room).filter(|_| frame.from != worker) else {
            return;
        };
        let heard = room.peers.hear(frame, now);
        self.dropped = self.dropped.saturating_add(heard.dropped);
        if heard.is_new {
            effects.push_back(Effect::Room {
                to: Some(frame.from),
                frame: Arc::new(room.greeting(worker)),
            });
        }
    }

    /// The middle step of a tick: what the legs said is mixed, and each is given what it hears.
    pub(crate) fn tick(
        &mut self,
        at: Duration,
        sessions: &mut [Option<Session>],
        effects: &mut VecDeque<Effect>,
    ) {
        for room in self.rooms.values_mut() {
            room.mix(at, sessions, &mut self.scratch);
            room.tell(at, self.worker, effects);
            room.give(sessions, &mut self.scratch);
            effects.extend(room.loudest().map(Effect::Report));
        }
    }
}

/// One room, as far as it is on this relay.
#[derive(Debug)]
struct Room {
    id: RoomId,
    /// By slot of the session.
    members: BTreeMap<usize, Member>,
    mixer: Mixer,
    peers: Peers,
    chimes: Chimes,
    groups: Groups,
    /// Who was last told to be the speaker, and who has been the loudest since for so many ticks.
    told: Option<MediaSessionId>,
    rising: Option<(usize, u8)>,
}

impl Room {
    fn new(id: RoomId) -> Room {
        Room {
            id,
            members: BTreeMap::new(),
            mixer: Mixer::new(SPEAKERS),
            peers: Peers::default(),
            chimes: Chimes::default(),
            groups: Groups::default(),
            told: None,
            rising: None,
        }
    }

    /// What tells other relays that the room is here, or, without members, that it was.
    fn greeting(&self, worker: u16) -> RoomFrame {
        RoomFrame {
            room: self.id,
            from: worker,
            members: u16::try_from(self.members.len()).unwrap_or(u16::MAX),
            at: Duration::ZERO,
            narrow: None,
            wide: None,
        }
    }

    fn join(&mut self, slot: usize, session: &Session, seats: &Seats) -> bool {
        if let Some(member) = self.members.get_mut(&slot) {
            member.seats = *seats;
            return true;
        }
        if self.members.len().saturating_add(self.peers.members()) >= MOST_MEMBERS {
            return false;
        }
        let band = Band::of_rate(session.engine.rate_hz());
        let Some(seat) = self.mixer.join(band) else {
            return false;
        };
        self.members
            .insert(slot, Member::new(session.id, *seats, band, seat));
        if seats.chimes {
            self.chimes.somebody_came();
        }
        true
    }

    fn leave(&mut self, slot: usize, session: Option<&mut Session>) {
        let Some(mut member) = self.members.remove(&slot) else {
            return;
        };
        self.mixer.leave(member.seat);
        if member.seats.chimes {
            self.chimes.somebody_went();
        }
        if let Some(session) = session {
            member.part(&mut self.groups, session);
        }
        if self.rising.is_some_and(|(rising, _)| rising == slot) {
            self.rising = None;
        }
    }

    /// Mixes what everybody said.
    fn mix(&mut self, at: Duration, sessions: &[Option<Session>], scratch: &mut Scratch) {
        for (slot, member) in &mut self.members {
            let Some(Some(session)) = sessions.get(*slot) else {
                continue;
            };
            let band = Band::of_rate(session.engine.rate_hz());
            if band != member.band
                && let Some(seat) = self.mixer.join(band)
            {
                self.mixer.leave(member.seat);
                (member.band, member.seat) = (band, seat);
            }
            if let Some(said) = member.says(session, &mut scratch.said) {
                self.mixer.put(member.seat, said);
            }
        }
        if let Some(chime) = self.chimes.next() {
            self.mixer.announce(Band::Narrow, chime);
        }
        self.peers.mix(at, &mut self.mixer);
        self.mixer.mix();
    }

    /// Tells other relays what was said here.
    fn tell(&mut self, at: Duration, worker: u16, effects: &mut VecDeque<Effect>) {
        if self.peers.is_greeting_due(at) {
            effects.push_back(Effect::Room {
                to: None,
                frame: Arc::new(self.greeting(worker)),
            });
        }
        let said = Band::ALL.map(|band| self.mixer.local(band));
        if self.peers.is_empty() || said == [None, None] {
            return;
        }
        let [narrow, wide] = said.map(|said| said.map(Arc::from));
        let frame = Arc::new(RoomFrame {
            at,
            narrow,
            wide,
            ..self.greeting(worker)
        });
        effects.extend(self.peers.names().map(|to| Effect::Room {
            to: Some(to),
            frame: Arc::clone(&frame),
        }));
    }

    /// Gives each leg what it hears.
    fn give(&mut self, sessions: &mut [Option<Session>], scratch: &mut Scratch) {
        self.groups.set_silent(self.mixer.is_silent());
        // Who leaves a shared stream takes its state along, before that goes on.
        for (slot, member) in &mut self.members {
            if let Some(Some(session)) = sessions.get_mut(*slot) {
                member.choose(&self.mixer, &mut self.groups, session, &mut scratch.own);
                member.hear_own(session, &self.mixer, &scratch.own);
            }
        }
        self.groups.begin();
        for (slot, member) in &mut self.members {
            if let Some(Some(session)) = sessions.get_mut(*slot) {
                member.hear_shared(session, &self.mixer, &mut self.groups);
            }
        }
        self.groups.end();
    }

    /// Who has become the speaker.
    fn loudest(&mut self) -> Option<MediaReport> {
        let seat = self.mixer.loudest()?;
        let rising = self.rising.take();
        let is_still = |slot: usize| self.members.get(&slot).is_some_and(|m| m.seat == seat);
        let (slot, ticks) = match rising {
            Some((slot, ticks)) if is_still(slot) => (slot, ticks.saturating_add(1)),
            _ => (*self.members.iter().find(|(_, m)| m.seat == seat)?.0, 1),
        };
        self.rising = Some((slot, ticks));
        let session = self.members.get(&slot)?.session;
        if ticks != LOUDEST_TICKS || self.told == Some(session) {
            return None;
        }
        self.told = Some(session);
        Some(MediaReport::Speaks {
            session,
            room: self.id,
        })
    }
}
