//! Commands, packets, time, and what a shell answers, in any order, through a relay with two calls, the pictures and the fax of
//! one of them. Shared by the fuzz target and the tests of `media`.
//!
//! What must hold: nothing panics; nothing leaves but to hosts that a leg's description or signalling names, and not to who has
//! no address; what leaves for a leg with keys is protected, under no number twice; what is passed on is what came, but for its
//! source and numbers; who hears sound hears one source; files and forks begin and end once; every port returns, every question
//! is answered once.

use super::octets::Octets;
use super::relay_commands::{HOSTS, KEYS, SESSIONS, command, host, leg_of, packet};
use media::{Effect, ForkAsk, PairId, PortRange, ROOM, Relay, RoomFrame, Spool};
use model::{
    ForkEnd, ForkId, MediaCommand, MediaReport, MediaSessionId, RecordingId, RoomId, Sound, SrtpKeys,
    TenantId,
};
use rtp::srtp::{Receiver, Sender};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// What is done with one input at most; opening and closing forever shows nothing new.
const STEPS: usize = 400;
/// Which of the sessions have no sound.
const PICTURES: usize = 2;
const FAX: usize = 3;

/// One input: any number of steps.
pub(crate) fn run(data: &[u8]) {
    let mut world = World::new();
    let mut input = Octets::new(data);
    for _ in 0..STEPS {
        let Some(step) = input.next() else { break };
        world.step(step, &mut input);
        world.drain();
    }
    world.finish();
}

/// What the relay was told of a leg, and what has left for it.
#[derive(Default)]
struct Seen {
    described: Option<SocketAddr>,
    rtcp: Option<SocketAddr>,
    signalling: Option<IpAddr>,
    is_muted: bool,
    /// Which of [`KEYS`] it has now.
    keys: Option<usize>,
    /// What it opens packets with, and protects its own.
    opens: BTreeMap<usize, Receiver>,
    seals: BTreeMap<usize, Sender>,
    source: Option<u32>,
}

impl Seen {
    /// Takes in what `Remote` says.
    fn describe(
        &mut self,
        rtp: Option<SocketAddr>,
        rtcp: Option<SocketAddr>,
        signalling: IpAddr,
        keys: Option<&SrtpKeys>,
    ) {
        let known = |at: &SocketAddr| !at.ip().is_unspecified() && !at.ip().is_multicast();
        self.signalling = Some(signalling);
        self.is_muted = rtp.filter(known).is_none();
        if let Some(at) = rtp.filter(known) {
            self.described = Some(at);
            self.rtcp = rtcp.filter(known);
        }
        if rtp.is_some() || keys.is_some() {
            self.keys = keys.and_then(|keys| KEYS.iter().position(|known| known.keys() == *keys));
        }
    }

    fn may_get(&self, to: SocketAddr, control: bool) -> bool {
        let host = [self.described.map(|at| at.ip()), self.signalling].contains(&Some(to.ip()));
        !self.is_muted && (host || (control && self.rtcp == Some(to)))
    }

    /// What the leg makes of octets that came to it.
    fn opened(&mut self, octets: &[u8], control: bool) -> Vec<u8> {
        let mut octets = octets.to_vec();
        let Some(number) = self.keys else { return octets };
        let (suite, key) = KEYS[number].ours();
        let fresh = || Receiver::new(suite, &key).unwrap();
        let receiver = self.opens.entry(number).or_insert_with(fresh);
        let opened = match control {
            true => receiver.unprotect_rtcp(&mut octets),
            false => receiver.unprotect_rtp(&mut octets),
        };
        octets.truncate(opened.expect("a packet for a leg with keys, under a number of its own"));
        octets
    }

    /// A packet as the leg sends it; `None` for what no sender protects.
    fn sealed(&mut self, plain: &[u8]) -> Option<Vec<u8>> {
        let mut octets = plain.to_vec();
        let Some(number) = self.keys else {
            return Some(octets);
        };
        let (suite, key) = KEYS[number].theirs();
        let fresh = || Sender::new(suite, &key).unwrap();
        let sender = self.seals.entry(number).or_insert_with(fresh);
        octets.resize(plain.len() + ROOM, 0);
        let sealed = match is_control(&octets) {
            true => sender.protect_rtcp(&mut octets, plain.len()),
            false => sender.protect_rtp(&mut octets, plain.len()),
        };
        octets.truncate(sealed.ok()?);
        Some(octets)
    }
}

#[derive(Default)]
struct Known {
    is_there: bool,
    opens: i32,
    closes: i32,
    legs: [Seen; 2],
}

struct World {
    relay: Relay,
    now: Duration,
    sessions: [Known; 4],
    pending: Vec<PairId>,
    pairs: BTreeMap<SocketAddr, PairId>,
    /// Which leg of which session has a pair.
    places: BTreeMap<PairId, (usize, usize)>,
    loads: Vec<(MediaSessionId, Sound, u32)>,
    /// Forks that are connected or about to be.
    forks: BTreeSet<(MediaSessionId, ForkId)>,
    files: BTreeSet<(MediaSessionId, RecordingId)>,
    failed: BTreeSet<(MediaSessionId, RecordingId)>,
}

fn is_control(octets: &[u8]) -> bool {
    octets.get(1).is_some_and(|kind| (192..=223).contains(kind))
}

impl World {
    fn new() -> World {
        World {
            // Fewer pairs than all sessions would like to have.
            relay: Relay::new(PortRange {
                first: 40_000,
                last: 40_009,
            }),
            now: Duration::from_secs(1),
            sessions: Default::default(),
            pending: Vec::new(),
            pairs: BTreeMap::new(),
            places: BTreeMap::new(),
            loads: Vec::new(),
            forks: BTreeSet::new(),
            files: BTreeSet::new(),
            failed: BTreeSet::new(),
        }
    }

    fn step(&mut self, step: u8, input: &mut Octets<'_>) {
        match step % 8 {
            0 | 1 => self.command(input),
            2 => self.answer(input),
            3 => {
                self.now += Duration::from_millis(u64::from(input.octet()) * 8);
                self.relay.handle_timeout(self.now);
                assert!(self.relay.poll_timeout().is_none_or(|due| due > self.now));
            }
            _ => self.packet(input),
        }
    }

    fn command(&mut self, input: &mut Octets<'_>) {
        let number = input.below(SESSIONS.len());
        let command = command(number, input);
        let known = &mut self.sessions[number];
        match &command {
            MediaCommand::Open { .. }
            | MediaCommand::OpenStream { .. }
            | MediaCommand::Reopen { .. }
            | MediaCommand::Serve { .. } => {
                known.is_there = true;
                known.opens += 1;
            }
            MediaCommand::Close { .. } => known.closes += 1,
            MediaCommand::Remote {
                leg,
                rtp,
                rtcp,
                signalling_ip,
                srtp,
                ..
            } if known.is_there => {
                known.legs[leg_of(*leg)].describe(*rtp, *rtcp, *signalling_ip, srtp.as_deref());
            }
            _ => {}
        }
        self.relay.handle_command(&command, self.now);
    }

    /// The shell answers something.
    fn answer(&mut self, input: &mut Octets<'_>) {
        match input.below(4) {
            0 | 1 => {
                if let Some(pair) = self.pending.pop() {
                    self.relay.bound(pair, input.below(8) > 0, self.now);
                }
                if let Some((session, sound, rate_hz)) = self.loads.pop() {
                    let samples = input.is().then(|| vec![1_000; 8 * input.below(256)].into());
                    self.relay.loaded(session, &sound, rate_hz, samples);
                }
            }
            2 => {
                let Some((session, fork)) = self.forks.first().copied() else {
                    return;
                };
                match input.below(4) {
                    0 => self.relay.fork_opened(session, fork, self.now),
                    1 => {
                        self.forks.remove(&(session, fork));
                        self.relay
                            .fork_ended(session, fork, (ForkEnd::Closed, 20), self.now);
                    }
                    _ => {
                        let is_text = input.is();
                        let length = input.below(128);
                        self.relay.fork_heard(session, fork, is_text, input.take(length));
                    }
                }
            }
            _ => self.other_relay(input),
        }
    }

    /// Another relay has members in a room.
    fn other_relay(&mut self, input: &mut Octets<'_>) {
        let sound = |samples: usize| Some(vec![12_345; samples].into());
        let frame = RoomFrame {
            room: RoomId {
                tenant: TenantId(1),
                number: u64::from(input.is()),
            },
            from: input.of(&[0, 1, 2, 300]),
            members: input.of(&[0, 1, 2, u16::MAX]),
            at: self
                .now
                .saturating_sub(Duration::from_millis(input.of(&[0, 20, 400]))),
            narrow: input.of(&[None, Some(160), Some(1)]).and_then(sound),
            wide: input.of(&[None, Some(320), Some(0)]).and_then(sound),
        };
        self.relay.room_frame(&Arc::new(frame), self.now);
    }

    fn packet(&mut self, input: &mut Octets<'_>) {
        let choice = usize::from(input.octet());
        // Mostly to who has a pair; now and then to any.
        let pair = match self.places.len() {
            0 => PairId(u32::try_from(choice % 12).unwrap()),
            len if choice < 240 => *self.places.keys().nth(choice % len).unwrap(),
            _ => PairId(u32::try_from(choice % 12).unwrap()),
        };
        let (flags, from) = (input.octet(), host(input, HOSTS.len()));
        let plain = packet(input);
        let place = self.places.get(&pair).copied();
        let sealed = place.filter(|(number, _)| flags & 1 == 1 && *number != FAX);
        let sealed = sealed.map(|(number, leg)| self.sessions[number].legs[leg].sealed(&plain));
        let is_sealed = sealed.is_some();
        let Some(octets) = sealed.unwrap_or_else(|| Some(plain.clone())) else {
            return;
        };
        let mut buffer = octets.clone();
        buffer.resize(octets.len() + ROOM, 0);
        let rtcp = flags & 6 == 2;
        let forward = self
            .relay
            .handle_packet(pair, rtcp, from, (&mut buffer, octets.len()), self.now);
        let Some(forward) = forward else { return };
        let (number, leg) = place.expect("whoever is passed on has a place");
        let keys = self.sessions[number].legs[leg].keys;
        assert!(is_sealed || keys.is_none() || number == FAX, "a forged packet");
        let to = self.places.get(&forward.pair);
        assert_eq!(to, Some(&(number, 1 - leg)), "to the other leg of the session");
        let left = self.leaves(forward.pair, forward.to, &buffer[..forward.len]);
        assert_eq!(left.len(), plain.len());
        // Who hears sound hears one source, and reports are about that.
        let control = is_control(&plain) && number != FAX;
        let is_new = |at: usize| number != FAX && (control || (2..12).contains(&at));
        assert!((0..plain.len()).all(|at| is_new(at) || left[at] == plain[at]));
    }

    /// Something leaves; gives what the leg makes of it.
    fn leaves(&mut self, pair: PairId, to: SocketAddr, octets: &[u8]) -> Vec<u8> {
        let Some((number, leg)) = self.places.get(&pair).copied() else {
            // A session with a port that it waits for the other one of.
            let mut legs = self.sessions.iter().flat_map(|known| &known.legs);
            assert!(legs.any(|seen| seen.may_get(to, true)), "nobody has named {to}");
            return octets.to_vec();
        };
        let known = &mut self.sessions[number];
        let control = is_control(octets) && number != FAX;
        let seen = &mut known.legs[leg];
        assert!(seen.may_get(to, control), "nobody has named {to}");
        if number == FAX {
            return octets.to_vec();
        }
        let opened = seen.opened(octets, control);
        if control {
            assert!(rtp::rtcp::is_valid(&opened));
            return opened;
        }
        let header = rtp::Header::parse(&opened).expect("RTP leaves");
        let source = *seen.source.get_or_insert(header.ssrc);
        assert!(
            number == PICTURES || source == header.ssrc,
            "one stream for a leg"
        );
        opened
    }

    fn drain(&mut self) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Bind { pair, ip, rtp_port } => {
                    self.pairs.insert((ip, rtp_port).into(), pair);
                    self.pending.push(pair);
                }
                Effect::Load {
                    session,
                    sound,
                    rate_hz,
                } => self.loads.push((session, sound, rate_hz)),
                Effect::Spool { session, spool } => self.spool(session, &spool),
                Effect::Fork { session, fork, ask } => self.ask((session, fork), &ask),
                Effect::Room { .. } => {}
                Effect::Report(report) => self.report(&report),
            }
        }
        while let Some(frame) = self.relay.poll_frame() {
            let opened = self.leaves(frame.pair, frame.to, &frame.octets);
            let place = self.places.get(&frame.pair).copied();
            if let Some((number, leg)) = place.filter(|_| opened[1] == 200) {
                let source = u32::from_be_bytes(*opened[4..].first_chunk().unwrap());
                let known = self.sessions[number].legs[leg].source;
                assert_eq!(known, Some(source), "a report about the stream that is sent");
            }
        }
    }

    fn report(&mut self, report: &MediaReport) {
        let session = report.session();
        let number = SESSIONS.iter().position(|known| known.id() == session).unwrap();
        let known = &mut self.sessions[number];
        match report {
            MediaReport::Opened { caller, callee, .. } => {
                known.opens -= 1;
                for (leg, at) in [caller, callee].into_iter().enumerate() {
                    self.places.insert(self.pairs[at], (number, leg));
                }
            }
            MediaReport::Serving { address, .. } => {
                known.opens -= 1;
                self.places.insert(self.pairs[address], (number, 0));
            }
            MediaReport::Refused { .. } => {
                known.opens -= 1;
                self.forget(number);
            }
            MediaReport::Closed { .. } => {
                known.closes -= 1;
                self.forget(number);
            }
            _ => assert!(known.is_there, "{report:?}"),
        }
        let known = &self.sessions[number];
        assert!(known.opens >= 0 && known.closes >= 0, "answered more than asked");
    }

    fn forget(&mut self, number: usize) {
        let known = &mut self.sessions[number];
        known.is_there = false;
        known.legs = Default::default();
        self.places.retain(|_, (session, _)| *session != number);
    }

    /// A fork is connected, sent to and closed, in this order.
    fn ask(&mut self, key: (MediaSessionId, ForkId), ask: &ForkAsk) {
        match ask {
            ForkAsk::Connect { .. } => assert!(self.forks.insert(key)),
            ForkAsk::Send { is_text, octets, .. } => {
                assert!(self.forks.contains(&key));
                assert!(!is_text || (octets[0] == b'{' && std::str::from_utf8(octets).is_ok()));
            }
            ForkAsk::Close => assert!(self.forks.remove(&key)),
        }
    }

    /// A file begins once, is written while it is there, and ends once; now and then it can't be written.
    fn spool(&mut self, session: MediaSessionId, spool: &Spool) {
        let key = (session, spool.recording());
        let begins = matches!(spool, Spool::Begin { .. });
        if !begins && self.failed.contains(&key) {
            return;
        }
        assert_eq!(self.files.contains(&key), !begins, "{spool:?}");
        match spool {
            Spool::Begin { .. } => {
                self.failed.remove(&key);
                self.files.insert(key);
            }
            Spool::Block { octets, .. } if octets.len() % 16 == 3 => {
                self.relay.spool_failed(session, key.1, self.now);
                self.files.remove(&key);
                self.failed.insert(key);
            }
            Spool::End { .. } | Spool::Discard { .. } => drop(self.files.remove(&key)),
            Spool::Block { .. } | Spool::Mark { .. } => {}
        }
    }

    fn finish(&mut self) {
        for (number, session) in SESSIONS.iter().enumerate() {
            self.sessions[number].closes += 1;
            let session = session.id();
            self.relay
                .handle_command(&MediaCommand::Close { session }, self.now);
            self.drain();
        }
        while let Some(pair) = self.pending.pop() {
            self.relay.bound(pair, true, self.now);
            self.drain();
        }
        let answered = |known: &Known| known.opens == 0 && known.closes == 0;
        assert!(self.sessions.iter().all(answered), "a question without an answer");
        assert!(self.files.is_empty(), "a file without an end");
        assert!(self.forks.is_empty(), "a fork without an end");
        let counts = self.relay.counts();
        assert_eq!((counts.sessions, counts.pairs_used), (0, 0));
        assert_eq!((counts.rooms, counts.ticking), (0, 0));
        assert_eq!(self.relay.poll_timeout(), None);
    }
}
