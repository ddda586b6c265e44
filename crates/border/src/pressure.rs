//! Whether more comes into a socket than can be read, and how much of it strangers' datagrams may be.
//!
//! Owns: the share, from how full the socket's buffer has been. Does not own: sockets, or what does not pass (`sieve`).

use std::time::Duration;

/// Between two decisions to let fewer pass.
const SHUT: Duration = Duration::from_millis(100);
/// And to let more.
const OPEN: Duration = Duration::from_millis(200);
/// A buffer that is so full, hundredths, will overflow.
const FULL: u64 = 50;
/// And one that never was fuller has room.
const EASY: u64 = 20;
/// So often it is opened to twice as much; from then on, for whatever it was is over, to eight times as much.
const CAREFUL: u32 = 6;
/// So many times as many calls for help as other datagrams pass.
const HELP: u32 = 64;
/// And as many of those who have been known by another flow.
const NEIGHBOURS: u32 = 8;
/// Fewer of 2³² never pass: some of all who come, that they may be heard and known. Where that is still too much, calls for help are.
const LEAST: u32 = u32::MAX >> 8;
const FLOOR: u32 = LEAST / HELP;

/// Of 2³² datagrams so many pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Of strangers.
    pub others: u32,
    /// Of those who have been known by another flow.
    pub neighbours: u32,
    /// Of what may be a call for help.
    pub help: u32,
}

/// What is becoming of one socket.
#[derive(Clone, Debug, Default)]
pub struct Pressure {
    share: Option<u32>,
    since: Duration,
    eased: Duration,
    /// How often it was opened since it was last too full.
    opened: u32,
    fullest: u64,
}

impl Pressure {
    /// So many octets wait of so many that have room. True where the share has changed.
    pub fn observe(&mut self, waiting: u64, room: u64, now: Duration) -> bool {
        self.fullest = self.fullest.max(waiting.saturating_mul(100) / room.max(1));
        if now < self.since + SHUT {
            return false;
        }
        let fullest = std::mem::take(&mut self.fullest);
        self.since = now;
        if fullest > EASY {
            (self.eased, self.opened) = (now, 0);
        }
        let share = match self.share {
            share if fullest >= FULL => Some((share.unwrap_or(u32::MAX) >> 2).max(FLOOR)),
            Some(share) if now >= self.eased + OPEN => {
                (self.eased, self.opened) = (now, self.opened.saturating_add(1));
                share.checked_mul(if self.opened > CAREFUL { 8 } else { 2 })
            }
            share => share,
        };
        std::mem::replace(&mut self.share, share) != share
    }

    /// What passes; `None` where all does.
    #[must_use]
    pub fn share(&self) -> Option<Share> {
        self.share.map(|share| Share {
            others: share.max(LEAST),
            neighbours: share.saturating_mul(NEIGHBOURS).max(LEAST),
            help: share.saturating_mul(HELP),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn others(pressure: &Pressure) -> Option<u32> {
        pressure.share().map(|share| share.others)
    }

    const MS: fn(u64) -> Duration = Duration::from_millis;

    #[test]
    fn what_overflows_is_shut_quickly_and_opened_slowly() {
        let mut pressure = Pressure::default();
        assert!(!pressure.observe(100, 1_000, MS(100)));
        assert_eq!(pressure.share(), None);
        // The fullest of an interval counts, and one decision is made in each.
        assert!(!pressure.observe(600, 1_000, MS(150)));
        assert!(pressure.observe(0, 1_000, MS(200)));
        assert_eq!(others(&pressure), Some(u32::MAX >> 2));
        assert!(!pressure.observe(900, 1_000, MS(299)));
        assert!(pressure.observe(0, 1_000, MS(300)));
        assert_eq!(others(&pressure), Some(u32::MAX >> 4));
        assert_eq!(pressure.share().map(|share| share.help), Some(u32::MAX));
        for at in 4..100 {
            pressure.observe(1_000, 1_000, MS(at * 100));
        }
        let least = Share {
            others: LEAST,
            neighbours: LEAST,
            help: FLOOR * HELP,
        };
        assert_eq!(pressure.share(), Some(least), "some always pass");
        // Half full is neither.
        for at in 100..200 {
            assert!(!pressure.observe(400, 1_000, MS(at * 100)));
        }
        let mut opened = Vec::new();
        for at in 200..250 {
            if pressure.observe(100, 1_000, MS(at * 100)) {
                opened.push(at);
            }
        }
        assert_eq!(opened, (201..=217).step_by(2).collect::<Vec<u64>>());
        assert_eq!(pressure.share(), None);
    }

    #[test]
    fn a_socket_without_room_is_no_division_by_zero() {
        assert!(Pressure::default().observe(1, 0, MS(200)));
    }
}
