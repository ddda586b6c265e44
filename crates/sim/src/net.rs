//! A network of datagrams and connections that loses, delays, repeats and reorders as told.

use crate::rng::Rng;
use model::Transport;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

/// How bad the network is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Shortest delay, milliseconds.
    pub delay_ms: u64,
    /// Added at random, milliseconds: what reorders datagrams.
    pub jitter_ms: u64,
    /// Datagrams lost, per mille.
    pub loss: u64,
    /// Datagrams that arrive twice, per mille.
    pub duplicate: u64,
}

impl Weather {
    /// Nothing is lost and everything takes one millisecond.
    pub const FAIR: Weather = Weather {
        delay_ms: 1,
        jitter_ms: 0,
        loss: 0,
        duplicate: 0,
    };
}

/// What travels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// One SIP message.
    Sip(Vec<u8>),
    /// One RTP or RTCP packet.
    Media(Vec<u8>),
    /// The end of a connection.
    Closed,
    /// A connection is wanted.
    Connect,
    /// It is taken.
    Accepted,
    /// It is not.
    Refused,
}

/// Something on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// How.
    pub transport: Transport,
    /// Connection id; zero for datagrams.
    pub connection: u64,
    /// What.
    pub load: Load,
}

/// Everything on its way.
#[derive(Debug)]
pub struct Network {
    weather: Weather,
    rng: Rng,
    queue: BTreeMap<(Duration, u64), Packet>,
    serial: u64,
    /// When the last octet of each connection's direction arrives: streams keep their order.
    streams: BTreeMap<(u64, SocketAddr), Duration>,
}

impl Network {
    /// An empty network.
    #[must_use]
    pub fn new(weather: Weather, rng: Rng) -> Network {
        Network {
            weather,
            rng,
            queue: BTreeMap::new(),
            serial: 0,
            streams: BTreeMap::new(),
        }
    }

    /// Changes the weather for what is sent from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Sends a packet.
    pub fn send(&mut self, packet: Packet, now: Duration) {
        let at = now + self.delay();
        if packet.transport.is_reliable() && !matches!(packet.load, Load::Media(_)) {
            let last = self.streams.entry((packet.connection, packet.to)).or_default();
            *last = at.max(*last);
            let at = *last;
            return self.enqueue(at, packet);
        }
        if self.rng.per_mille(self.weather.duplicate) {
            let again = now + self.delay();
            self.enqueue(again, packet.clone());
        }
        if !self.rng.per_mille(self.weather.loss) {
            self.enqueue(at, packet);
        }
    }

    /// Has a packet arrive at this time.
    pub fn send_at(&mut self, packet: Packet, at: Duration) {
        self.enqueue(at, packet);
    }

    /// The next packet that arrives by `now`.
    pub fn arrive(&mut self, now: Duration) -> Option<Packet> {
        let ((at, _), _) = self.queue.first_key_value()?;
        if *at > now {
            return None;
        }
        self.queue.pop_first().map(|(_, packet)| packet)
    }

    /// When the next packet arrives.
    #[must_use]
    pub fn next(&self) -> Option<Duration> {
        self.queue.first_key_value().map(|((at, _), _)| *at)
    }

    fn enqueue(&mut self, at: Duration, packet: Packet) {
        self.serial += 1;
        self.queue.insert((at, self.serial), packet);
    }

    fn delay(&mut self) -> Duration {
        Duration::from_millis(self.weather.delay_ms + self.rng.below(self.weather.jitter_ms + 1))
    }
}
