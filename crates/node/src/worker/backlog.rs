//! What waits when datagrams come faster than they are served, as when every phone of a site comes back at once.
//!
//! The kernel's buffer loses whatever comes when it is full, calls and registrations alike, and a lost INVITE costs its
//! caller half a second (RFC 3261 T1). So a flooded socket is emptied at once: calls and what belongs to them are served
//! as they come, while registrations and their kin wait here for their turn.
//!
//! Owns: who waits and for how long. Does not own: sockets, or what a message means.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Datagrams that wait at most; what comes beyond is repeated by its phone.
const PLACES: usize = 32_768;
/// Octets that wait at most: 1,000 for each place, where a registration has some 600 and a hostile one 65,000.
const OCTETS: usize = 32 << 20;
/// Older than this, a copy is on its way already (RFC 3261 T1 is 500 ms), and serving both helps nobody.
const STALE: Duration = Duration::from_millis(400);
/// Datagrams served in one turn of the loop, between two looks for calls.
const HELPING: usize = 128;

/// One datagram that waits.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Waiting {
    /// The socket that it came in by.
    pub(super) socket: usize,
    /// Where it came from.
    pub(super) from: SocketAddr,
    /// Its octets.
    pub(super) packet: Box<[u8]>,
    since: Duration,
}

/// The queue.
#[derive(Default)]
pub(super) struct Backlog {
    queue: VecDeque<Waiting>,
    octets: usize,
    left: usize,
}

impl Backlog {
    /// True for what a phone repeats by itself and nobody is listening for: registrations, subscriptions, publications.
    pub(super) fn may_wait(packet: &[u8]) -> bool {
        let starts = |word: &[u8]| packet.starts_with(word);
        starts(b"REGISTER ") || starts(b"SUBSCRIBE ") || starts(b"PUBLISH ")
    }

    /// True when nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Lets a datagram wait. False when there is no place for it.
    pub(super) fn push(&mut self, socket: usize, from: SocketAddr, packet: &[u8], now: Duration) -> bool {
        let octets = self.octets + packet.len();
        let room = self.queue.len() < PLACES && octets <= OCTETS;
        if room {
            self.octets = octets;
            self.queue.push_back(Waiting {
                socket,
                from,
                packet: packet.into(),
                since: now,
            });
        }
        room
    }

    /// Begins a turn: so many may be served in it.
    pub(super) fn begin(&mut self) {
        self.left = HELPING;
    }

    /// The next one to serve in this turn, and how many too old ones were dropped before it.
    pub(super) fn next(&mut self, now: Duration) -> (Option<Waiting>, u64) {
        let mut dropped = 0;
        while self.left > 0 {
            let first = self.queue.pop_front();
            self.octets -= first.as_ref().map_or(0, |waiting| waiting.packet.len());
            match first {
                Some(waiting) if now.saturating_sub(waiting.since) > STALE => dropped += 1,
                Some(waiting) => {
                    self.left -= 1;
                    return (Some(waiting), dropped);
                }
                None => break,
            }
        }
        if self.queue.is_empty() && self.queue.capacity() > HELPING * 4 {
            // A flood comes once in a while; its memory is not kept for the next one.
            self.queue = VecDeque::new();
        }
        (None, dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn from() -> SocketAddr {
        SocketAddr::from(([192, 0, 2, 1], 5060))
    }

    #[test]
    fn registrations_wait_and_calls_do_not() {
        for word in [
            "REGISTER sip:a SIP/2.0",
            "SUBSCRIBE sip:a SIP/2.0",
            "PUBLISH sip:a SIP/2.0",
        ] {
            assert!(Backlog::may_wait(word.as_bytes()), "{word}");
        }
        for word in [
            "INVITE sip:a SIP/2.0",
            "ACK sip:a SIP/2.0",
            "BYE sip:a SIP/2.0",
            "SIP/2.0 200 OK",
            "REGISTERED",
            "",
        ] {
            assert!(!Backlog::may_wait(word.as_bytes()), "{word}");
        }
    }

    #[test]
    fn a_turn_serves_a_helping_in_order_and_drops_what_is_stale() {
        let mut backlog = Backlog::default();
        assert!(backlog.push(0, from(), b"old", MS(0)));
        for number in 0..=HELPING {
            assert!(backlog.push(1, from(), &[u8::try_from(number % 256).unwrap()], MS(300)));
        }
        backlog.begin();
        let (first, dropped) = backlog.next(MS(401));
        assert_eq!((&*first.unwrap().packet, dropped), (&[0][..], 1));
        let served = std::iter::from_fn(|| backlog.next(MS(401)).0).count();
        assert_eq!(served, HELPING - 1, "no more in this turn");
        assert!(!backlog.is_empty());
        backlog.begin();
        assert!(backlog.next(MS(401)).0.is_some());
        assert!(backlog.next(MS(401)).0.is_none() && backlog.is_empty());
    }

    #[test]
    fn the_places_are_bounded() {
        let mut backlog = Backlog::default();
        let taken = (0..=PLACES)
            .filter(|_| backlog.push(0, from(), b"x", MS(0)))
            .count();
        assert_eq!(taken, PLACES);
    }

    #[test]
    fn the_octets_are_bounded_and_given_back() {
        let (mut backlog, large) = (Backlog::default(), vec![b'x'; 65_000]);
        let mut taken = 0;
        while backlog.push(0, from(), &large, MS(0)) {
            taken += 1;
            assert!(taken * large.len() <= OCTETS);
        }
        backlog.begin();
        assert_eq!(backlog.next(MS(1_000)), (None, taken as u64));
        assert_eq!(backlog.octets, 0);
        assert!(backlog.push(0, from(), &large, MS(1_000)));
    }
}
