//! What waits when datagrams come faster than they are served, as when every phone of a site comes back at once, or somebody floods.
//!
//! The kernel's buffer loses whatever comes when it is full, calls and registrations alike, and a lost INVITE costs its
//! caller half a second (RFC 3261 T1). So a flooded socket is emptied at once: calls and what belongs to them of those who have shown who
//! they are, are served as they come, while registrations and their kin, and whatever strangers want, wait here for their turn.
//!
//! Owns: who waits and for how long. Does not own: sockets, what a message means, or who is known (`border`).

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

/// Datagrams of one rank that wait at most; what comes beyond is repeated by its phone.
const PLACES: usize = 32_768;
/// Octets of each rank that wait at most, 64 MB together: nobody takes a place of those who are known better, or worse. Most for those who have
/// shown who they are, of whom every one may come back at once: 1,000 for each place, where a registration has some 600. Least for calls for
/// help, which are few, and which anybody may pretend to make, with up to 65,000.
const OCTETS: [usize; RANKS] = [4 << 20, 32 << 20, 12 << 20, 16 << 20];
/// Older than this, a copy is on its way already (RFC 3261 T1 is 500 ms), and serving both helps nobody.
const STALE: Duration = Duration::from_millis(400);

/// How those who wait rank: the first go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// Calls for help of whom is not known.
    Help,
    /// Registrations and their kin on flows that are known.
    Shown,
    /// Whatever comes from an address that is known.
    Neighbour,
    /// Whatever others send.
    Stranger,
}

/// Ranks.
const RANKS: usize = 4;
/// Datagrams of each rank that are served in one turn of the loop, between two looks for calls, beside what those before it leave: so nobody
/// starves, and a turn is soon over.
const SHARES: [usize; RANKS] = [16, 64, 32, 16];

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

/// Those of one rank.
#[derive(Default)]
struct Queue {
    waiting: VecDeque<Waiting>,
    octets: usize,
}

/// The queues.
#[derive(Default)]
pub(super) struct Backlog {
    queues: [Queue; RANKS],
    /// The rank that is being served, and how many of it may be.
    at: usize,
    left: usize,
}

/// True for what a phone repeats by itself and nobody is listening for: registrations, subscriptions, publications.
pub(super) fn may_wait(packet: &[u8]) -> bool {
    let starts = |word: &[u8]| packet.starts_with(word);
    starts(b"REGISTER ") || starts(b"SUBSCRIBE ") || starts(b"PUBLISH ")
}

impl Backlog {
    /// True when nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.queues.iter().all(|queue| queue.waiting.is_empty())
    }

    /// Lets a datagram of a socket and a sender wait. False when there is no place for it.
    pub(super) fn push(
        &mut self,
        rank: Rank,
        (socket, from): (usize, SocketAddr),
        packet: &[u8],
        now: Duration,
    ) -> bool {
        let (Some(queue), Some(most)) = (self.queues.get_mut(rank as usize), OCTETS.get(rank as usize))
        else {
            return false;
        };
        let room = queue.waiting.len() < PLACES && queue.octets + packet.len() <= *most;
        if room {
            queue.octets += packet.len();
            queue.waiting.push_back(Waiting {
                socket,
                from,
                packet: packet.into(),
                since: now,
            });
        }
        room
    }

    /// Begins a turn.
    pub(super) fn begin(&mut self) {
        (self.at, self.left) = (0, SHARES.first().copied().unwrap_or(0));
    }

    /// The next one to serve in this turn, and how many too old ones were dropped before it.
    pub(super) fn next(&mut self, now: Duration) -> (Option<Waiting>, u64) {
        let mut dropped = 0;
        while let Some(queue) = self.queues.get_mut(self.at) {
            while self.left > 0
                && let Some(first) = queue.waiting.pop_front()
            {
                queue.octets -= first.packet.len();
                if now.saturating_sub(first.since) > STALE {
                    dropped += 1;
                    continue;
                }
                self.left -= 1;
                return (Some(first), dropped);
            }
            if queue.waiting.is_empty() && queue.waiting.capacity() > SHARES.iter().sum::<usize>() * 4 {
                // A flood comes once in a while; its memory is not kept for the next one.
                queue.waiting = VecDeque::new();
            }
            self.at += 1;
            self.left += SHARES.get(self.at).copied().unwrap_or(0);
        }
        (None, dropped)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: fn(u64) -> Duration = Duration::from_millis;

    fn from() -> (usize, SocketAddr) {
        (1, SocketAddr::from(([192, 0, 2, 1], 5060)))
    }

    #[test]
    fn registrations_wait_and_calls_do_not() {
        for word in [
            "REGISTER sip:a SIP/2.0",
            "SUBSCRIBE sip:a SIP/2.0",
            "PUBLISH sip:a SIP/2.0",
        ] {
            assert!(may_wait(word.as_bytes()), "{word}");
        }
        for word in [
            "INVITE sip:a SIP/2.0",
            "ACK sip:a SIP/2.0",
            "BYE sip:a SIP/2.0",
            "SIP/2.0 200 OK",
            "REGISTERED",
            "",
        ] {
            assert!(!may_wait(word.as_bytes()), "{word}");
        }
    }

    /// What a turn serves, in order.
    fn turn(backlog: &mut Backlog, now: Duration) -> Vec<Box<[u8]>> {
        backlog.begin();
        std::iter::from_fn(|| backlog.next(now).0)
            .map(|waiting| waiting.packet)
            .collect()
    }

    #[test]
    fn a_turn_serves_a_helping_in_order_and_drops_what_is_stale() {
        let (mut backlog, helping) = (Backlog::default(), SHARES.iter().sum::<usize>());
        assert!(backlog.push(Rank::Stranger, from(), b"old", MS(0)));
        for number in 0..=helping {
            let number = u8::try_from(number % 256).unwrap();
            assert!(backlog.push(Rank::Stranger, from(), &[number], MS(300)));
        }
        backlog.begin();
        let (first, dropped) = backlog.next(MS(401));
        assert_eq!((&*first.unwrap().packet, dropped), (&[0][..], 1));
        let served = std::iter::from_fn(|| backlog.next(MS(401)).0).count();
        assert_eq!(
            served,
            helping - 1,
            "the last gets what the others leave, and no more"
        );
        assert!(!backlog.is_empty());
        assert_eq!(turn(&mut backlog, MS(401)).len(), 1);
        assert!(backlog.is_empty());
    }

    #[test]
    fn who_is_known_goes_first_and_nobody_starves() {
        let mut backlog = Backlog::default();
        for rank in [Rank::Stranger, Rank::Neighbour, Rank::Shown, Rank::Help] {
            for _ in 0..1_000 {
                assert!(backlog.push(rank, from(), &[rank as u8], MS(0)));
            }
        }
        let served = turn(&mut backlog, MS(1));
        let count = |rank: Rank| served.iter().filter(|packet| ***packet == [rank as u8]).count();
        let ranks = [Rank::Help, Rank::Shown, Rank::Neighbour, Rank::Stranger];
        assert_eq!(ranks.map(count), SHARES);
        assert!(served.is_sorted(), "{served:?}");
    }

    #[test]
    fn the_places_are_bounded_for_each() {
        let mut backlog = Backlog::default();
        for rank in [Rank::Stranger, Rank::Shown] {
            let taken = (0..=PLACES)
                .filter(|_| backlog.push(rank, from(), b"x", MS(0)))
                .count();
            assert_eq!(taken, PLACES);
        }
    }

    const ALL: [Rank; RANKS] = [Rank::Help, Rank::Shown, Rank::Neighbour, Rank::Stranger];

    /// Fills what a rank has with datagrams as large as there are.
    fn fill(backlog: &mut Backlog, rank: Rank, now: Duration) -> usize {
        let large = vec![b'x'; 65_000];
        let taken = std::iter::from_fn(|| backlog.push(rank, from(), &large, now).then_some(())).count();
        assert_eq!(taken, OCTETS[rank as usize] / large.len(), "{rank:?}");
        taken
    }

    #[test]
    fn the_octets_are_bounded_and_given_back() {
        for rank in ALL {
            let mut backlog = Backlog::default();
            let taken = fill(&mut backlog, rank, MS(0));
            backlog.begin();
            assert_eq!(backlog.next(MS(600)), (None, taken as u64), "{rank:?}");
            assert_eq!(backlog.queues.iter().map(|queue| queue.octets).sum::<usize>(), 0);
            assert_eq!(fill(&mut backlog, rank, MS(1_000)), taken);
        }
    }

    /// Whoever pretends to call for help, or writes a neighbour's address, takes no place of a phone that is known.
    #[test]
    fn no_rank_takes_the_octets_of_another() {
        for rank in ALL {
            let mut backlog = Backlog::default();
            for other in ALL.into_iter().filter(|other| *other != rank) {
                fill(&mut backlog, other, MS(0));
            }
            fill(&mut backlog, rank, MS(0));
        }
        assert_eq!(OCTETS.iter().sum::<usize>(), 64 << 20);
    }
}
