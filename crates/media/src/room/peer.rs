//! The same room on other relays of the node.
//!
//! Owns: what they have said and is not heard yet, and whether they are still there. Does not own: how a frame gets from one
//! relay to another (the shell).
//!
//! A relay tells all others of a room when it opens, and every second; who has it too answers. What is said goes to those
//! alone that have the room. Each tick hears the tick before it of each other relay. One that is slow or gone is not
//! waited for: it is not heard, and after three seconds forgotten.

use crate::effect::RoomFrame;
use audio::mix::{Band, Mixer};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// Frames of one relay that wait at most.
const MOST_WAITING: usize = 4;
/// Other relays at most.
const MOST_PEERS: usize = 64;
/// How often a room is told of, and when one that nothing is heard of is forgotten.
const GREETING: Duration = Duration::from_secs(1);
const FORGOTTEN: Duration = Duration::from_secs(3);

/// What a frame of another relay led to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Heard {
    /// The relay was not known to have the room.
    pub(super) is_new: bool,
    /// Frames that will not be heard.
    pub(super) dropped: u64,
}

#[derive(Debug)]
struct Peer {
    members: u16,
    waiting: VecDeque<Arc<RoomFrame>>,
    heard: Duration,
}

#[derive(Debug, Default)]
pub(super) struct Peers {
    peers: BTreeMap<u16, Peer>,
    /// When all relays are told of the room the next time.
    greeting: Duration,
}

impl Peers {
    /// The relays that have the room too.
    pub(super) fn names(&self) -> impl Iterator<Item = u16> {
        self.peers.keys().copied()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.peers.is_empty()
    }

    /// Members on all other relays.
    pub(super) fn members(&self) -> usize {
        self.peers.values().map(|peer| usize::from(peer.members)).sum()
    }

    /// Is it time to tell all relays of the room?
    pub(super) fn is_greeting_due(&mut self, at: Duration) -> bool {
        let is_due = at >= self.greeting;
        if is_due {
            self.greeting = at.saturating_add(GREETING);
        }
        is_due
    }

    /// Takes a frame in.
    pub(super) fn hear(&mut self, frame: &Arc<RoomFrame>, now: Duration) -> Heard {
        if frame.members == 0 {
            self.peers.remove(&frame.from);
            return Heard::default();
        }
        let is_new = !self.peers.contains_key(&frame.from);
        if is_new && self.peers.len() >= MOST_PEERS {
            return Heard {
                is_new: false,
                dropped: 1,
            };
        }
        let peer = self.peers.entry(frame.from).or_insert_with(|| Peer {
            members: 0,
            waiting: VecDeque::new(),
            heard: now,
        });
        (peer.members, peer.heard) = (frame.members, now);
        let mut dropped = 0;
        if frame.narrow.is_some() || frame.wide.is_some() {
            if peer.waiting.len() >= MOST_WAITING {
                peer.waiting.pop_front();
                dropped = 1;
            }
            peer.waiting.push_back(Arc::clone(frame));
        }
        Heard { is_new, dropped }
    }

    /// Gives the mixer what the other relays said a tick ago.
    pub(super) fn mix(&mut self, at: Duration, mixer: &mut Mixer) {
        self.peers
            .retain(|_, peer| at.saturating_sub(peer.heard) < FORGOTTEN);
        for peer in self.peers.values_mut() {
            if peer.waiting.front().is_none_or(|frame| frame.at >= at) {
                continue;
            }
            let Some(frame) = peer.waiting.pop_front() else {
                continue;
            };
            for (band, said) in [(Band::Narrow, &frame.narrow), (Band::Wide, &frame.wide)] {
                if let Some(said) = said {
                    mixer.put_other(band, said);
                }
            }
        }
    }
}
