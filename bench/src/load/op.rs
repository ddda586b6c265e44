//! One operation in flight, and the table of all of them.
//!
//! Owns: finding an operation again by the Call-ID that we gave it.

use std::fmt;
use std::time::Instant;

/// How far an operation is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// REGISTER sent, without or with credentials.
    Register,
    /// INVITE sent, nothing heard.
    Invite,
    /// A provisional answer came: no more retransmissions.
    Proceeding,
    /// Answered; hung up when the talk time is over.
    Talking,
    /// Answered and kept.
    Held,
    /// BYE sent.
    Bye,
}

/// An operation in flight.
#[derive(Debug)]
pub(super) struct Op {
    pub(super) state: State,
    pub(super) user: u32,
    pub(super) peer: u32,
    pub(super) link: usize,
    pub(super) cseq: u32,
    pub(super) authorised: bool,
    pub(super) started: Instant,
    /// Beginning of what may last [`super::engine`]'s patience: the setup, later the BYE.
    pub(super) active: Instant,
    pub(super) sent: Instant,
    pub(super) tries: u32,
    /// Last request, for retransmission.
    pub(super) request: Vec<u8>,
    /// Last ACK, for a repeated 2xx.
    pub(super) ack: Vec<u8>,
    pub(super) to_tag: String,
    pub(super) target: String,
    pub(super) route: String,
    /// When to hang up.
    pub(super) until: Instant,
    /// Number of our RTP stream.
    pub(super) stream: Option<usize>,
}

impl Op {
    pub(super) fn new(state: State, user: u32, peer: u32, link: usize, now: Instant) -> Op {
        Op {
            state,
            user,
            peer,
            link,
            cseq: 1,
            authorised: false,
            started: now,
            active: now,
            sent: now,
            tries: 0,
            request: Vec::new(),
            ack: Vec::new(),
            to_tag: String::new(),
            target: String::new(),
            route: String::new(),
            until: now,
            stream: None,
        }
    }
}

/// Names an operation; the serial number tells a place's tenants apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OpId {
    place: u32,
    serial: u32,
}

impl OpId {
    /// The id inside a Call-ID that [`fmt::Display`] wrote: `place.serial` in hexadecimal before the first `-`.
    pub(super) fn in_call_id(call_id: &str, run: &str) -> Option<OpId> {
        let (id, rest) = call_id.split_once('-')?;
        let (place, serial) = id.split_once('.')?;
        (rest == run).then_some(OpId {
            place: u32::from_str_radix(place, 16).ok()?,
            serial: u32::from_str_radix(serial, 16).ok()?,
        })
    }
}

impl fmt::Display for OpId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.place, self.serial)
    }
}

/// All operations in flight.
#[derive(Default)]
pub(super) struct Ops {
    places: Vec<(u32, Option<Op>)>,
    free: Vec<u32>,
    live: usize,
}

impl Ops {
    pub(super) fn insert(&mut self, op: Op) -> OpId {
        self.live += 1;
        let place = self.free.pop().unwrap_or_else(|| {
            self.places.push((0, None));
            (self.places.len() - 1) as u32
        });
        let mut serial = 0;
        if let Some(slot) = self.places.get_mut(place as usize) {
            slot.0 += 1;
            slot.1 = Some(op);
            serial = slot.0;
        }
        OpId { place, serial }
    }

    pub(super) fn get_mut(&mut self, id: OpId) -> Option<&mut Op> {
        let (serial, op) = self.places.get_mut(id.place as usize)?;
        if *serial == id.serial { op.as_mut() } else { None }
    }

    pub(super) fn remove(&mut self, id: OpId) -> Option<Op> {
        let (serial, op) = self.places.get_mut(id.place as usize)?;
        if *serial != id.serial {
            return None;
        }
        let gone = op.take()?;
        self.live -= 1;
        self.free.push(id.place);
        Some(gone)
    }

    pub(super) fn len(&self) -> usize {
        self.live
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (OpId, &Op)> {
        self.places
            .iter()
            .enumerate()
            .filter_map(|(place, (serial, op))| {
                Some((
                    OpId {
                        place: place as u32,
                        serial: *serial,
                    },
                    op.as_ref()?,
                ))
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_used_again_is_not_taken_for_its_former_tenant() {
        let mut ops = Ops::default();
        let now = Instant::now();
        let first = ops.insert(Op::new(State::Invite, 1, 2, 0, now));
        assert_eq!(OpId::in_call_id(&format!("{first}-r"), "r"), Some(first));
        assert_eq!(OpId::in_call_id(&format!("{first}-other"), "r"), None);
        assert!(ops.remove(first).is_some());
        let second = ops.insert(Op::new(State::Invite, 3, 4, 0, now));
        assert!(ops.get_mut(first).is_none() && ops.remove(first).is_none());
        assert_eq!((ops.len(), ops.get_mut(second).map(|o| o.user)), (1, Some(3)));
    }
}
