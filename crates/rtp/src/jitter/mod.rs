//! An adaptive jitter buffer: packets in as they come, pieces of sound out as they are played.
//!
//! Owns: order, what is late, what is lost, how long to wait, and when to play faster or slower. Does not own: decoding,
//! concealing and stretching, which it asks for as data; telephone events, which are not sound.
//!
//! The player keeps a store of samples. Whenever that holds less than its next tick needs, it calls
//! [`JitterBuffer::pull`] and plays what it is given. The delay follows from when that is done: a piece that was
//! shortened is followed sooner. Four rules settle the rest:
//!
//! - A packet that is missing at its time is concealed. While the delay is below what is aimed at, its place is kept, and
//!   it is played should it still come; else it is given up.
//! - Where packets hold the one before once more (Opus's FEC), and packets are lost, the delay is long enough for
//!   the next packet to be there when a lost one is due.
//! - Silence is stretched and cut freely: behind a pause, the first packet is played exactly at the delay aimed at.
//! - A stream that is dry for [`DRY_MS`] is over, and starts anew with the next packet.

mod delay;
mod order;
mod piece;
mod queue;

use crate::Header;
use delay::Delay;
use order::{Order, Place};
use queue::{Packet, Queue};
use std::time::Duration;

pub use piece::{Content, Counts, Pace, Piece, Settings, Stored};

/// A payload longer than this is refused, octets: no datagram of sound is.
pub const MAX_PAYLOAD: usize = 1500;
/// A stream that has brought nothing for so long is over.
pub const DRY_MS: u32 = 200;
/// The longest packet, as in RFC 6716 §2.1.4.
const MAX_PACKET_MS: i64 = 120;
/// What is given out where no packet says how long it is.
const TICK_MS: i64 = 20;
/// Timestamps that are off the clock by more than this are those of another stream.
const MAX_OFF_MS: i64 = 2000;
/// So far from the aim, the delay is left alone.
const SLACK_MS: i64 = 20;
/// Too long by this, every piece is shortened; else one in [`SPACING`].
const URGENT_MS: i64 = 100;
const SPACING: u32 = 5;
/// A lost packet weighs as much as so many that are there: below half a per cent, losses are forgotten.
const LOSS_WEIGHT: i64 = 200;
/// From this weight on a stream is lossy: two losses within two seconds, or more within more.
const LOSSY: i64 = 300;
/// More is not remembered: after 14 s without a loss, a stream is lossy no more.
const MOST_LOSSY: i64 = 1_000;
/// Numbers that are missing at once, at most: more is no loss.
const MOST_LOST: i64 = 10;

/// Where the player stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Playing {
    /// Nothing is played; the first packet decides.
    Idle,
    /// Sound, up to here.
    Sound {
        /// The timestamp and number that come next.
        timestamp: i64,
        seq: i64,
        /// What was concealed without giving up the place.
        held: i64,
        /// What was concealed since the last packet.
        dry: i64,
    },
    /// A pause that began here.
    Pause { timestamp: i64 },
}

/// What [`JitterBuffer::pull`] decides, before it lends the payload out.
enum Plan {
    Play(Packet),
    Lost { duration: i64, next: bool },
    Comfort(i64),
    Silence(i64),
}

/// The buffer of one stream.
#[derive(Clone, Debug)]
pub struct JitterBuffer {
    clock_hz: i64,
    delay: Delay,
    order: Option<Order>,
    /// Another stream that began with its first packet.
    candidate: Option<Order>,
    queue: Queue,
    playing: Playing,
    /// The payload that was lent out last.
    lent: Vec<u8>,
    /// Length of the last packet of sound.
    frame: i64,
    /// Pieces since the last change of pace.
    since: u32,
    fec: bool,
    /// What was lost of late, by weight.
    losses: i64,
    counts: Counts,
}

impl JitterBuffer {
    /// An empty buffer.
    #[must_use]
    pub fn new(settings: Settings) -> JitterBuffer {
        let clock_hz = settings.clock_hz.clamp(8000, 192_000);
        JitterBuffer {
            clock_hz: i64::from(clock_hz),
            delay: Delay::new(
                clock_hz,
                settings.min_delay_ms,
                settings.start_delay_ms,
                settings.max_delay_ms,
            ),
            order: None,
            candidate: None,
            queue: Queue::default(),
            playing: Playing::Idle,
            lent: Vec::new(),
            frame: i64::from(clock_hz) * TICK_MS / 1000,
            since: 0,
            fec: false,
            losses: 0,
            counts: Counts::default(),
        }
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// Packets of the stream hold the one before once more: where packets are lost, the next one is waited for from now on.
    pub fn expect_fec(&mut self) {
        self.fec = true;
    }

    /// Packets that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The delay that is aimed at, from the fastest packet's arrival to its being played.
    #[must_use]
    pub fn target(&self) -> Duration {
        let micros = self.delay.target().saturating_mul(1_000_000) / self.clock_hz;
        Duration::from_micros(u64::try_from(micros).unwrap_or(0))
    }

    /// Takes a packet in.
    pub fn put(&mut self, header: &Header, payload: &[u8], content: Content, arrival: Duration) -> Stored {
        if payload.len() > MAX_PAYLOAD {
            return Stored::TooLong;
        }
        let arrival = self.units(arrival);
        let (seq, timestamp) = match self.place(header, arrival) {
            Ok(place) => place,
            Err(Stored::Duplicate) => {
                self.counts.duplicate += 1;
                return Stored::Duplicate;
            }
            Err(other) => {
                self.counts.stray += 1;
                return other;
            }
        };
        self.candidate = None;
        self.delay.receive(arrival, timestamp);
        let due = match self.playing {
            Playing::Idle => i64::MIN,
            Playing::Sound { timestamp, .. } | Playing::Pause { timestamp } => timestamp,
        };
        if timestamp < due {
            self.counts.late += 1;
            return Stored::Late;
        }
        let (duration, comfort) = match content {
            Content::Sound(units) => (i64::from(units).clamp(1, self.ms(MAX_PACKET_MS)), false),
            Content::Comfort => (0, true),
        };
        let packet = Packet {
            timestamp,
            seq,
            pt: header.pt,
            duration,
            comfort,
            payload: Vec::new(),
        };
        self.counts.discarded += self.queue.insert(packet, payload);
        Stored::Waiting
    }

    /// The packet's place in the stream, which it may begin.
    fn place(&mut self, header: &Header, arrival: i64) -> Result<(i64, i64), Stored> {
        let Some(order) = &mut self.order else {
            return Ok(self.restart(Order::new(header), header));
        };
        match order.place(header) {
            Place::Again => return Err(Stored::Duplicate),
            Place::In { seq, timestamp } => {
                let off = self.delay.excess(arrival, timestamp);
                let quiet = self.queue.len() == 0 && !matches!(self.playing, Playing::Sound { .. });
                let is_near = off.abs() <= MAX_OFF_MS * self.clock_hz / 1000;
                // Some senders stop their clock in a pause.
                if quiet && (off > self.delay.max() || !is_near) {
                    self.delay.rebase();
                    self.playing = Playing::Idle;
                }
                if quiet || is_near {
                    order.see(seq, timestamp);
                    return Ok((seq, timestamp));
                }
            }
            Place::Elsewhere => {}
        }
        // Two packets that follow each other are a stream.
        match self.candidate.map(|c| (c, c.place(header))) {
            Some((candidate, Place::In { seq, .. })) if seq == candidate.next_seq() => {
                Ok(self.restart(candidate, header))
            }
            _ => {
                self.candidate = Some(Order::new(header));
                Err(Stored::Stray)
            }
        }
    }

    /// Begins a stream; gives the packet's place in it.
    fn restart(&mut self, mut order: Order, header: &Header) -> (i64, i64) {
        self.counts.discarded += self.queue.len() as u64;
        self.queue.clear();
        self.delay.rebase();
        self.playing = Playing::Idle;
        let place = match order.place(header) {
            Place::In { seq, timestamp } => (seq, timestamp),
            Place::Again | Place::Elsewhere => (i64::from(header.seq), i64::from(header.timestamp)),
        };
        order.see(place.0, place.1);
        self.order = Some(order);
        place
    }

    /// The next piece. `pending` is what the player still has in store, clock units: the piece is played after it.
    pub fn pull(&mut self, now: Duration, pending: u32) -> Piece<'_> {
        let at = self.units(now).saturating_add(i64::from(pending));
        self.discard_old(at);
        let plan = match self.playing {
            Playing::Idle => self.pull_idle(at),
            Playing::Sound {
                timestamp,
                seq,
                held,
                dry,
            } => self.pull_sound(at, timestamp, seq, held, dry),
            Playing::Pause { timestamp } => self.pull_pause(at, timestamp),
        };
        self.carry_out(plan, at)
    }

    fn pull_idle(&mut self, at: i64) -> Plan {
        let Some(first) = self.queue.first() else {
            return Plan::Silence(self.ms(TICK_MS));
        };
        match self.early(at, first.timestamp) {
            Some(wait) => Plan::Silence(wait),
            None => self.play(),
        }
    }

    fn pull_pause(&mut self, at: i64, began: i64) -> Plan {
        let Some(first) = self.queue.first() else {
            return Plan::Comfort(self.ms(TICK_MS));
        };
        let early = self.early(at, first.timestamp);
        match early {
            // What directly follows the noise's beginning is no new talk spurt.
            Some(wait) if first.timestamp > began => Plan::Comfort(wait),
            _ => self.play(),
        }
    }

    fn pull_sound(&mut self, at: i64, timestamp: i64, seq: i64, held: i64, dry: i64) -> Plan {
        let late_by = self.delay.excess(at, timestamp);
        let Some(first) = self.queue.first() else {
            if dry >= self.ms(i64::from(DRY_MS)) {
                self.playing = Playing::Idle;
                return Plan::Silence(self.ms(TICK_MS));
            }
            return self.conceal(self.frame, late_by < self.delay.max(), false);
        };
        let gap = first.timestamp - timestamp;
        if gap <= held {
            return self.play();
        }
        if first.seq == seq || gap - held > self.ms(i64::from(DRY_MS)) {
            // The sender made a pause and said nothing of it; or too much is missing to be concealed.
            self.playing = Playing::Pause { timestamp };
            return self.pull_pause(at, timestamp);
        }
        let duration = self.frame.min(gap - held);
        let next = gap - held <= self.frame;
        self.conceal(duration, late_by < self.delay.target(), next)
    }

    /// Conceals so much, keeping the place or giving it up.
    fn conceal(&mut self, duration: i64, keep: bool, next: bool) -> Plan {
        if let Playing::Sound {
            timestamp, held, dry, ..
        } = &mut self.playing
        {
            *if keep { held } else { timestamp } += duration;
            *dry += duration;
        }
        self.counts.concealed += duration.unsigned_abs();
        Plan::Lost { duration, next }
    }

    /// Takes the first packet and stands behind it.
    fn play(&mut self) -> Plan {
        let Some(packet) = self.queue.take() else {
            return Plan::Silence(self.ms(TICK_MS));
        };
        self.playing = if packet.comfort {
            Playing::Pause {
                timestamp: packet.timestamp,
            }
        } else {
            self.frame = packet.duration;
            self.weigh(packet.seq);
            Playing::Sound {
                timestamp: packet.timestamp + packet.duration,
                seq: packet.seq + 1,
                held: 0,
                dry: 0,
            }
        };
        Plan::Play(packet)
    }

    /// Takes in that this number is played next. Where packets are lost and may be found in the next one, that has to be there when
    /// a lost one is due: a packet later, a tick early as the player decides by ticks, and what the pace is not that exact by.
    fn weigh(&mut self, seq: i64) {
        if !self.fec {
            return;
        }
        let lost = match self.playing {
            Playing::Sound { seq: due, .. } => seq.saturating_sub(due).clamp(0, MOST_LOST),
            Playing::Idle | Playing::Pause { .. } => 0,
        };
        self.losses = (self.losses - 1 + lost * LOSS_WEIGHT).clamp(0, MOST_LOSSY);
        let wait = self.frame + self.ms(TICK_MS) + self.ms(SLACK_MS).max(self.frame) / 2;
        let is_lossy = self.losses >= LOSSY;
        self.delay.set_least(if is_lossy { wait } else { 0 });
    }

    /// How long a packet has to wait to have the delay aimed at, at most a tick; `None` when it is due.
    fn early(&self, at: i64, timestamp: i64) -> Option<i64> {
        let wait = self.delay.target() - self.delay.excess(at, timestamp);
        (wait > 0).then(|| wait.min(self.ms(TICK_MS)))
    }

    /// Throws away what would be played later than the longest delay allows, but never the last packet.
    fn discard_old(&mut self, at: i64) {
        while self.queue.len() > 1
            && let Some(first) = self.queue.first()
            && self.delay.excess(at, first.timestamp) > self.delay.max()
        {
            let (timestamp, seq) = (first.timestamp + first.duration, first.seq + 1);
            if let Some(packet) = self.queue.take() {
                self.queue.recycle(packet.payload);
            }
            self.counts.discarded += 1;
            if let Playing::Sound { .. } = self.playing {
                self.playing = Playing::Sound {
                    timestamp,
                    seq,
                    held: 0,
                    dry: 0,
                };
            }
        }
    }

    fn carry_out(&mut self, plan: Plan, at: i64) -> Piece<'_> {
        match plan {
            Plan::Silence(duration) => Piece::Silence {
                duration: narrow(duration),
            },
            Plan::Comfort(duration) => Piece::Comfort {
                duration: narrow(duration),
                payload: None,
            },
            Plan::Lost { duration, next } => Piece::Lost {
                duration: narrow(duration),
                next: self
                    .queue
                    .first()
                    .filter(|first| next && !first.comfort)
                    .map(|first| first.payload.as_slice()),
            },
            Plan::Play(packet) => {
                self.counts.played += 1;
                let pace = self.pace(self.delay.excess(at, packet.timestamp));
                let old = std::mem::replace(&mut self.lent, packet.payload);
                self.queue.recycle(old);
                if packet.comfort {
                    return Piece::Comfort {
                        duration: narrow(self.ms(TICK_MS)),
                        payload: Some(&self.lent),
                    };
                }
                Piece::Sound {
                    pt: packet.pt,
                    payload: &self.lent,
                    duration: narrow(packet.duration),
                    pace,
                }
            }
        }
    }

    fn pace(&mut self, delay: i64) -> Pace {
        self.since = self.since.saturating_add(1);
        let over = delay - self.delay.target();
        let slack = self.ms(SLACK_MS).max(self.frame);
        let pace = if over > self.ms(URGENT_MS) || (over > slack && self.since >= SPACING) {
            Pace::Shorten
        } else if over < -slack / 2 && self.since >= SPACING {
            Pace::Lengthen
        } else {
            return Pace::Keep;
        };
        self.since = 0;
        pace
    }

    fn ms(&self, ms: i64) -> i64 {
        ms * self.clock_hz / 1000
    }

    fn units(&self, at: Duration) -> i64 {
        let micros = i64::try_from(at.as_micros()).unwrap_or(i64::MAX / 1_000_000);
        let (seconds, rest) = (micros / 1_000_000, micros % 1_000_000);
        seconds
            .saturating_mul(self.clock_hz)
            .saturating_add(rest * self.clock_hz / 1_000_000)
    }
}

fn narrow(units: i64) -> u32 {
    u32::try_from(units).unwrap_or(0)
}
