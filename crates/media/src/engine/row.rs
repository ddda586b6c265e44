//! Sessions that are only recorded: their ticks are made some in a row.
//!
//! Owns: which sessions those are, and the packets that wait until then. Does not own: when a row is due (`relay`).
//!
//! Of a hundred calls each finds what it has gone from the cache; a row of ticks fetches it once. What is heard is the same:
//! each tick of a row has the packets that had come by its time, and packets keep the times at which they came.

use super::Engine;
use super::side::Side;
use model::Leg;
use rtp::Header;
use std::time::Duration;

/// Octets that wait at most: two legs that send every 5 ms for a row.
const MOST: usize = 16_000;
/// Octets before each packet: its leg, its length, and when it came.
const HEAD: usize = 1 + 2 + 8;

/// Which ticks a session has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Beat {
    /// None.
    #[default]
    Never,
    /// Some in a row.
    Rows,
    /// Each at its time.
    Each,
}

/// The packets of a session that has its ticks in rows.
#[derive(Debug)]
pub(super) struct Backlog {
    /// The last tick that it has had.
    ticked: Duration,
    /// One behind the other in the order in which they came, in one piece of memory: it is not in the cache when a packet comes.
    octets: Vec<u8>,
}

impl Backlog {
    /// False when no more can wait.
    fn push(&mut self, leg: Leg, packet: &[u8], now: Duration) -> bool {
        let micros = u64::try_from(now.as_micros()).unwrap_or(u64::MAX);
        if let Ok(len) = u16::try_from(packet.len()) {
            let mut head = [u8::from(leg == Leg::Callee); HEAD];
            let (_, rest) = head.split_at_mut(1);
            let (size, came) = rest.split_at_mut(2);
            size.copy_from_slice(&len.to_le_bytes());
            came.copy_from_slice(&micros.to_le_bytes());
            self.octets.reserve(HEAD.saturating_add(packet.len()));
            self.octets.extend_from_slice(&head);
            self.octets.extend_from_slice(packet);
        }
        self.octets.len() < MOST
    }
}

/// The first packet of those that wait, and the rest.
fn first(octets: &[u8]) -> Option<(Leg, Duration, &[u8], &[u8])> {
    let (&[leg, low, high], rest) = octets.split_first_chunk()?;
    let (came, rest) = rest.split_first_chunk()?;
    let leg = if leg == 0 { Leg::Caller } else { Leg::Callee };
    let (packet, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([low, high])))?;
    Some((
        leg,
        Duration::from_micros(u64::from_le_bytes(*came)),
        packet,
        rest,
    ))
}

impl Engine {
    /// Takes a packet of a leg in. False when no more can wait, and the ticks that have come have to be made now.
    pub(crate) fn hear(&mut self, leg: Leg, header: &Header, packet: &[u8], now: Duration) -> bool {
        let Some(backlog) = &mut self.backlog else {
            self.side(leg).hear(header, packet, now);
            return true;
        };
        backlog.push(leg, packet, now)
    }

    /// The last tick that the session has had, if it has them in rows.
    pub(crate) fn ticked(&self) -> Option<Duration> {
        self.backlog.as_ref().map(|backlog| backlog.ticked)
    }

    /// Ticks that have come are made: packets that came later go where all go.
    pub(crate) fn catch_up(&mut self) {
        self.replay(Duration::MAX);
    }

    /// Lets the ears hear what had come by the time of a tick.
    pub(super) fn replay(&mut self, at: Duration) {
        let Some(mut backlog) = self.backlog.take() else {
            return;
        };
        let mut rest = backlog.octets.as_slice();
        while let Some((leg, came, packet, after)) = first(rest).filter(|(_, came, ..)| *came <= at) {
            rest = after;
            if let Ok(header) = Header::parse(packet) {
                self.side(leg).hear(&header, packet, came);
            }
        }
        let done = backlog.octets.len().saturating_sub(rest.len());
        backlog.octets.drain(..done);
        if at < Duration::MAX {
            backlog.ticked = at;
        }
        self.backlog = Some(backlog);
    }

    /// Begins to have ticks in rows, or ceases to. `ticked` = the last tick that there was.
    pub(super) fn keep(&mut self, beat: Beat, ticked: Duration) {
        if beat != Beat::Rows {
            self.replay(Duration::MAX);
            self.backlog = None;
        } else if self.backlog.is_none() {
            self.caller.mouth.rest();
            self.callee.mouth.rest();
            self.backlog = Some(Backlog {
                ticked,
                octets: Vec::new(),
            });
        }
    }

    /// Which ticks are needed, where some are.
    pub(super) fn beat(&self) -> Beat {
        let is_plain = |side: &Side| !side.is_heard() && !side.has_event();
        let rows = self.recorded == Beat::Rows && !self.seated && self.is_tapped();
        match rows && is_plain(&self.caller) && is_plain(&self.callee) {
            true => Beat::Rows,
            false => Beat::Each,
        }
    }

    /// Are the legs only listened to, and go on hearing each other's packets as they are?
    pub(super) fn is_tapped(&self) -> bool {
        let codecs = [&self.caller, &self.callee].map(|side| side.voice.as_ref().map(|voice| voice.codec));
        let busy =
            |side: &Side| side.hears_room || side.has_fork || side.is_masked || side.has_program(false);
        let busy = busy(&self.caller) || busy(&self.callee);
        !self.alone && !busy && matches!(codecs, [Some(caller), Some(callee)] if caller == callee)
    }
}
