//! A shell without sockets: binds what it is asked to, keeps the reports.

use media::{Effect, ForkAsk, Forward, PairId, PortRange, Relay, RoomFrame, Spool};
use model::{Leg, LegQuality, MediaCommand, MediaReport, MediaSessionId, Sound};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

pub(crate) const CALLER_RELAY: &str = "198.51.100.1";
pub(crate) const CALLEE_RELAY: &str = "198.51.100.2";

pub(crate) fn addr(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(crate) fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

pub(crate) fn secs(s: u64) -> Duration {
    Duration::from_secs(s)
}

/// An RTP packet of 20 ms PCMU.
pub(crate) fn rtp(seq: u16) -> Vec<u8> {
    packet(0, seq, u32::from(seq).wrapping_mul(160))
}

pub(crate) fn packet(pt: u8, seq: u16, timestamp: u32) -> Vec<u8> {
    let mut bytes = vec![0x80, pt];
    bytes.extend(seq.to_be_bytes());
    bytes.extend(timestamp.to_be_bytes());
    bytes.extend(7_u32.to_be_bytes());
    bytes.extend([0x7F; 160]);
    bytes
}

/// An empty receiver report.
pub(crate) fn rtcp() -> Vec<u8> {
    vec![0x80, 201, 0, 1, 0, 0, 0, 7]
}

pub(crate) struct World {
    pub(crate) relay: Relay,
    pub(crate) now: Duration,
    /// Ports that somebody else has.
    pub(crate) taken: Vec<u16>,
    /// Bind effects are kept here instead of being answered while `lazy`.
    pub(crate) lazy: bool,
    pub(crate) binds: Vec<(PairId, u16)>,
    pub(crate) bind_count: usize,
    pub(crate) reports: Vec<MediaReport>,
    /// What is for rooms on other relays.
    pub(crate) rooms: Vec<(Option<u16>, Arc<RoomFrame>)>,
    /// Sounds that were asked for, with their rates.
    pub(crate) loads: Vec<(MediaSessionId, Sound, u32)>,
    /// What forks ask for.
    pub(crate) forks: Vec<ForkAsk>,
    /// What recordings want written.
    pub(crate) spools: Vec<Spool>,
    by_port: Vec<(SocketAddr, PairId)>,
}

impl World {
    pub(crate) fn new(first: u16, last: u16) -> World {
        World {
            relay: Relay::new(PortRange { first, last }),
            now: secs(100),
            taken: Vec::new(),
            lazy: false,
            binds: Vec::new(),
            bind_count: 0,
            reports: Vec::new(),
            loads: Vec::new(),
            forks: Vec::new(),
            spools: Vec::new(),
            rooms: Vec::new(),
            by_port: Vec::new(),
        }
    }

    pub(crate) fn command(&mut self, command: MediaCommand) {
        self.relay.handle_command(&command, self.now);
        self.drain();
    }

    pub(crate) fn drain(&mut self) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Report(report) => self.reports.push(report),
                Effect::Spool { spool, .. } => self.spools.push(spool),
                Effect::Fork { ask, .. } => self.forks.push(ask),
                Effect::Room { to, frame } => self.rooms.push((to, frame)),
                Effect::Load {
                    session,
                    sound,
                    rate_hz,
                } => self.loads.push((session, sound, rate_hz)),
                Effect::Bind { pair, ip, rtp_port } => {
                    assert_eq!(rtp_port % 2, 0);
                    self.bind_count += 1;
                    self.by_port.push((SocketAddr::new(ip, rtp_port), pair));
                    self.binds.push((pair, rtp_port));
                    if !self.lazy {
                        self.answer_binds();
                    }
                }
            }
        }
    }

    pub(crate) fn answer_binds(&mut self) {
        for (pair, port) in std::mem::take(&mut self.binds) {
            self.relay.bound(pair, !self.taken.contains(&port), self.now);
        }
    }

    /// When the next tick is due; reports of ours are seconds away.
    pub(crate) fn tick_due(&self) -> Option<Duration> {
        let due = self.relay.poll_timeout();
        due.filter(|due| *due <= self.now + Duration::from_millis(20))
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.now += by;
        self.relay.handle_timeout(self.now);
        self.drain();
    }

    pub(crate) fn open(&mut self, session: u64, silence_s: u32) {
        self.command(MediaCommand::Open {
            session: MediaSessionId(session),
            caller_ip: ip(CALLER_RELAY),
            callee_ip: ip(CALLEE_RELAY),
            silence_s,
            urgent: false,
        });
    }

    pub(crate) fn reopen(&mut self, session: u64, (caller, callee): (SocketAddr, SocketAddr)) {
        self.command(MediaCommand::Reopen {
            session: MediaSessionId(session),
            caller,
            callee,
            silence_s: 0,
        });
    }

    pub(crate) fn remote(&mut self, session: u64, leg: Leg, rtp: Option<&str>, signalling: &str) {
        let rtp = rtp.map(addr);
        let rtcp = rtp.map(|a| SocketAddr::new(a.ip(), a.port() + 1));
        let session = MediaSessionId(session);
        self.command(MediaCommand::Remote {
            session,
            leg,
            rtp,
            rtcp,
            signalling_ip: ip(signalling),
            srtp: None,
            web: None,
            voice: None,
        });
    }

    pub(crate) fn watch(&mut self, session: u64, hold: bool) {
        self.command(MediaCommand::Watch {
            session: MediaSessionId(session),
            hold,
            quiet: [false; 2],
        });
    }

    /// Closes and gives what was received from caller and callee.
    pub(crate) fn close(&mut self, session: u64) -> (LegQuality, LegQuality) {
        self.command(MediaCommand::Close {
            session: MediaSessionId(session),
        });
        match self.reports.pop() {
            Some(MediaReport::Closed {
                caller,
                callee,
                session: id,
            }) if id.0 == session => (*caller, *callee),
            other => panic!("not closed: {other:?}"),
        }
    }

    /// The addresses of the last `Opened`, which is taken off.
    pub(crate) fn opened(&mut self) -> (SocketAddr, SocketAddr) {
        match self.reports.pop() {
            Some(MediaReport::Opened { caller, callee, .. }) => (caller, callee),
            other => panic!("not opened: {other:?}"),
        }
    }

    pub(crate) fn pair(&self, relay: SocketAddr) -> PairId {
        let mut pairs = self.by_port.iter().rev();
        pairs
            .find(|(a, _)| a.ip() == relay.ip() && a.port() == relay.port() & !1)
            .unwrap()
            .1
    }

    /// A packet to a relay address; its port tells RTP's socket from RTCP's.
    pub(crate) fn send(&mut self, from: &str, relay: SocketAddr, packet: &[u8]) -> Option<Forward> {
        self.carry(from, relay, packet).map(|(forward, _)| forward)
    }

    /// The same, with the octets that leave.
    pub(crate) fn carry(
        &mut self,
        from: &str,
        relay: SocketAddr,
        packet: &[u8],
    ) -> Option<(Forward, Vec<u8>)> {
        let pair = self.pair(relay);
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + media::ROOM, 0);
        let place = (&mut buffer[..], packet.len());
        let control = relay.port() % 2 == 1;
        let forward = self
            .relay
            .handle_packet(pair, control, addr(from), place, self.now)?;
        buffer.truncate(forward.len);
        Some((forward, buffer))
    }

    /// The same, showing only where it went.
    pub(crate) fn to(&mut self, from: &str, relay: SocketAddr, packet: &[u8]) -> Option<String> {
        self.send(from, relay, packet).map(|f| f.to.to_string())
    }
}

/// The RTCP address beside an RTP address.
pub(crate) fn above(at: SocketAddr) -> SocketAddr {
    SocketAddr::new(at.ip(), at.port() + 1)
}
