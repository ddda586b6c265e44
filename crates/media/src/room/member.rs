//! A session in a room.
//!
//! Owns: what it says there, and which of its legs hears what. Does not own: how it is encoded (`share`, `engine`).

use super::share::Groups;
use crate::leg::LegState;
use crate::session::Session;
use audio::mix::{Band, Hears, Mixer, Seat};
use model::{Codec, Leg, MediaSessionId, Seats};

const LEGS: [Leg; 2] = [Leg::Caller, Leg::Callee];
/// Ticks that a leg has to hear what all hear until it is encoded for it as for all: who says a word now and then is not
/// switched to and fro.
const SETTLED: u8 = 50;

#[derive(Debug)]
pub(super) struct Member {
    pub(super) session: MediaSessionId,
    pub(super) seats: Seats,
    pub(super) band: Band,
    pub(super) seat: Seat,
    /// It hears what all hear, for so many ticks.
    common: u8,
    hears: Hears,
    /// Its leg hears a shared stream.
    shares: bool,
}

impl Member {
    pub(super) fn new(session: MediaSessionId, seats: Seats, band: Band, seat: Seat) -> Member {
        Member {
            session,
            seats,
            band,
            seat,
            common: 0,
            hears: Hears::Common,
            shares: false,
        }
    }

    /// What its legs say to the room, together.
    pub(super) fn says<'a>(&self, session: &'a Session, sum: &'a mut Vec<i16>) -> Option<&'a [i16]> {
        let frames = session.engine.frames();
        let speaks = |leg: Leg| match leg {
            Leg::Caller => self.seats.caller.speaks && is_here(&session.caller),
            Leg::Callee => self.seats.callee.speaks && is_here(&session.callee),
        };
        let caller = frames.caller.filter(|_| speaks(Leg::Caller));
        let callee = frames.callee.filter(|_| speaks(Leg::Callee));
        match (caller, callee) {
            (Some(caller), Some(callee)) => {
                sum.clear();
                sum.extend(caller.iter().zip(callee).map(|(a, b)| a.saturating_add(*b)));
                Some(sum)
            }
            (one, other) => one.or(other),
        }
    }

    /// Finds out whether it hears what all hear, and whether that may be encoded as for all. One that ceases to be takes
    /// the state of the shared stream along. What it hears of its own is left in `own`.
    pub(super) fn choose(
        &mut self,
        mixer: &Mixer,
        groups: &mut Groups,
        session: &mut Session,
        own: &mut Vec<i16>,
    ) {
        own.clear();
        own.resize(self.band.frame(), 0);
        self.hears = mixer.heard_by(self.seat, own);
        self.common = match self.hears {
            Hears::Common => self.common.saturating_add(1),
            Hears::Own => 0,
        };
        let is_here = self.seats.caller.hears && is_here(&session.caller);
        let voice = session.engine.shares(Leg::Caller).filter(|_| is_here);
        let may_share = voice.is_some_and(|(voice, is_fresh)| {
            let is_settled = match voice.codec {
                Codec::Pcmu | Codec::Pcma => true,
                // What is wrong in the state of a decoder is heard until there is a pause.
                Codec::G722 => is_fresh || groups.are_at_rest(),
                Codec::Opus => is_fresh || self.common >= SETTLED || groups.are_at_rest(),
            };
            self.hears == Hears::Common && (self.shares || is_settled)
        });
        if self.shares && !may_share {
            self.part(groups, session);
        }
        self.shares = may_share;
    }

    /// Leaves a shared stream.
    pub(super) fn part(&mut self, groups: &mut Groups, session: &mut Session) {
        if std::mem::take(&mut self.shares) {
            groups.part(&mut session.engine);
        }
    }

    /// Gives its legs what they hear, unless that is shared.
    pub(super) fn hear_own(&mut self, session: &mut Session, mixer: &Mixer, own: &[i16]) {
        if self.shares {
            return;
        }
        let frame = match self.hears {
            Hears::Common => mixer.common(self.band),
            Hears::Own => own,
        };
        for leg in LEGS {
            let (seat, state) = match leg {
                Leg::Caller => (self.seats.caller, &session.caller),
                Leg::Callee => (self.seats.callee, &session.callee),
            };
            let hears = seat.hears && is_here(state);
            session.engine.hear_room(leg, hears.then_some(frame));
        }
    }

    /// Gives its leg the payload that is shared.
    pub(super) fn hear_shared(&mut self, session: &mut Session, mixer: &Mixer, groups: &mut Groups) {
        if self.shares {
            groups.give(&mut session.engine, mixer.common(self.band));
        }
    }
}

/// Can the leg be reached? Without an address it is on hold.
fn is_here(leg: &LegState) -> bool {
    leg.latch.rtp_to().is_some()
}
