//! Random commands, packets, bind outcomes and time: the promises of the crate's documentation hold.

use crate::world::{addr, ip, rtcp, rtp};
use media::{Effect, ForkAsk, PairId, PortRange, Relay, Spool};
use model::{
    CallId, Codec, Container, Fork, ForkEnd, ForkFormat, ForkId, ForkPlan, ForkSide, Item, Leg, MachineRules,
    MediaCommand, MediaReport, MediaSessionId, Over, Playlist, Program, Recording, RecordingId, RoomId, Seat,
    Seats, Signals, Sound, TenantId, ToneName, Voice,
};
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    fn of<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::try_from(self.below(u64::try_from(choices.len()).unwrap())).unwrap()]
    }
}

const IPS: [&str; 2] = ["198.51.100.1", "198.51.100.2"];
const HOSTS: [&str; 4] = [
    "192.0.2.10:4000",
    "192.0.2.10:4002",
    "203.0.113.20:6000",
    "198.51.100.1:40000",
];
const SESSIONS: u64 = 12;

#[derive(Default)]
struct Tally {
    opens: i64,
    closes: i64,
}

struct Run {
    random: Random,
    relay: Relay,
    now: Duration,
    pending: Vec<PairId>,
    pairs: u64,
    tally: BTreeMap<u64, Tally>,
    loads: Vec<(MediaSessionId, Sound, u32)>,
    /// Sessions with a fork.
    lines: BTreeSet<u64>,
    /// Files that have begun and not ended.
    files: BTreeSet<(u64, u64)>,
    /// Those that could not be written: what is still under way for them is thrown away.
    failed: BTreeSet<(u64, u64)>,
}

impl Run {
    fn new(seed: u64) -> Run {
        Run {
            random: Random(seed),
            relay: Relay::new(PortRange {
                first: 40000,
                last: 40011,
            }),
            now: Duration::from_secs(1),
            pending: Vec::new(),
            pairs: 0,
            tally: BTreeMap::new(),
            loads: Vec::new(),
            lines: BTreeSet::new(),
            files: BTreeSet::new(),
            failed: BTreeSet::new(),
        }
    }

    fn step(&mut self) {
        match self.random.below(10) {
            0..=3 => self.command(),
            4 => {
                self.answer_bind();
                self.load();
            }
            5 => {
                self.now += Duration::from_millis(self.random.below(4000));
                self.relay.handle_timeout(self.now);
                assert!(self.relay.poll_timeout().is_none_or(|due| due > self.now));
            }
            _ => self.packet(),
        }
        self.drain();
    }

    fn command(&mut self) {
        let session = MediaSessionId(self.random.below(SESSIONS));
        let tally = self.tally.entry(session.0).or_default();
        let host = self.random.of(&HOSTS);
        let leg = self.random.of(&[Leg::Caller, Leg::Callee]);
        let command = match self.random.below(12) {
            5 => {
                tally.opens += 1;
                MediaCommand::Serve {
                    session,
                    ip: ip(self.random.of(&IPS)),
                    silence_s: 3,
                    ssrc: 9,
                }
            }
            6..=11 => self.sound_command(session, leg),
            0 => {
                tally.opens += 1;
                let (caller_ip, callee_ip) = (ip(self.random.of(&IPS)), ip(self.random.of(&IPS)));
                MediaCommand::Open {
                    session,
                    caller_ip,
                    callee_ip,
                    silence_s: 3,
                    urgent: false,
                }
            }
            1 => {
                tally.closes += 1;
                MediaCommand::Close { session }
            }
            2 => MediaCommand::Watch {
                session,
                hold: self.random.below(3) == 0,
                quiet: [self.random.below(3) == 0, self.random.below(3) == 0],
            },
            _ => {
                let rtp = Some(addr(host)).filter(|_| self.random.below(4) > 0);
                MediaCommand::Remote {
                    session,
                    leg,
                    rtp,
                    rtcp: rtp,
                    signalling_ip: addr(host).ip(),
                    srtp: None,
                    voice: self.voice(),
                    web: None,
                }
            }
        };
        self.relay.handle_command(&command, self.now);
    }

    /// A command about what legs say and hear.
    fn sound_command(&mut self, session: MediaSessionId, leg: Leg) -> MediaCommand {
        match self.random.below(7) {
            0 => MediaCommand::Play {
                session,
                leg,
                id: 7,
                program: self.program(),
                over: self.random.of(&[Over::Instead, Over::Mixed]),
            },
            1 => MediaCommand::Dial {
                session,
                leg,
                digits: self.random.of(&["", "1", "12ab#*", "xyz"]).into(),
            },
            2 => MediaCommand::Listen {
                session,
                leg,
                signals: Signals {
                    dtmf: self.random.below(2) == 0,
                    fax: self.random.below(2) == 0,
                    voice: self.random.below(2) == 0,
                    machine: (self.random.below(4) == 0).then(MachineRules::default),
                },
            },
            5 => MediaCommand::Mask {
                session,
                leg,
                on: self.random.below(2) == 0,
            },
            3 => MediaCommand::Record {
                session,
                recording: RecordingId {
                    tenant: TenantId(0),
                    number: self.random.below(3),
                },
                act: self.act(),
            },
            4 => MediaCommand::Fork {
                session,
                fork: ForkId {
                    tenant: TenantId(0),
                    number: 1,
                },
                act: self.fork(leg),
            },
            _ => MediaCommand::Join {
                session,
                seats: self.seats(),
            },
        }
    }

    fn fork(&mut self, leg: Leg) -> Fork {
        if self.random.below(2) == 0 {
            return Fork::Stop;
        }
        let l16 = |rate_hz| ForkFormat::L16 { rate_hz };
        Fork::Start(Box::new(ForkPlan {
            url: "ws://somewhere".into(),
            side: self.random.of(&[
                ForkSide::Caller,
                ForkSide::Callee,
                ForkSide::Mixed,
                ForkSide::Both,
            ]),
            format: self
                .random
                .of(&[ForkFormat::Twilio, l16(8_000), l16(16_000), l16(24_000), l16(1)]),
            back: self.random.of(&[None, Some(leg)]),
            over: self.random.of(&[Over::Instead, Over::Mixed]),
            call: CallId(1),
        }))
    }

    /// A fork is connected, sent to and closed, in this order; what comes back is anything.
    fn ask(&mut self, session: MediaSessionId, fork: ForkId, ask: &ForkAsk) {
        let key = session.0;
        match ask {
            ForkAsk::Connect { .. } => {
                assert!(self.lines.insert(key));
                match self.random.below(3) {
                    0 => {
                        self.relay
                            .fork_ended(session, fork, (ForkEnd::Unreachable, 0), self.now);
                        self.lines.remove(&key);
                    }
                    _ => self.relay.fork_opened(session, fork, self.now),
                }
            }
            ForkAsk::Send { .. } => {
                let octets = self.random.of(&[
                    &b"{\"event\":\"mark\",\"mark\":{\"name\":\"x\"}}"[..],
                    b"{\"event\":\"clear\"}",
                    b"{",
                    b"",
                    &[7; 639],
                ]);
                let is_text = self.random.below(2) == 0;
                self.relay.fork_heard(session, fork, is_text, octets);
            }
            ForkAsk::Close => assert!(self.lines.remove(&key)),
        }
    }

    fn voice(&mut self) -> Option<Box<Voice>> {
        let codec = self.random.of(&Codec::ALL);
        let pt = self.random.of(&[0, 8, 9, 96]);
        let mut voice = Voice::new(pt, codec);
        voice.events = self.random.of(&[None, Some(101), Some(0)]);
        voice.ptime_ms = self.random.of(&[0, 10, 20, 30, 60, 255]);
        voice.also.push((0, Codec::Pcmu));
        Some(Box::new(voice)).filter(|_| self.random.below(4) > 0)
    }

    fn act(&mut self) -> Recording {
        match self.random.below(5) {
            0 => Recording::Pause,
            1 => Recording::Mark("here".into()),
            2 => Recording::Stop,
            3 => Recording::Discard,
            _ => Recording::Start {
                format: self.random.of(&[Container::OggOpus, Container::Wav]),
                max_ms: 1000,
                silence_ms: 500,
                call: None,
            },
        }
    }

    fn seats(&mut self) -> Option<Seats> {
        let mut seat = || Seat {
            speaks: self.random.below(2) == 0,
            hears: self.random.below(2) == 0,
        };
        let (caller, callee) = (seat(), seat());
        Some(Seats {
            room: RoomId {
                tenant: TenantId(0),
                number: self.random.below(2),
            },
            caller,
            callee,
            chimes: true,
        })
        .filter(|_| self.random.below(3) > 0)
    }

    fn load(&mut self) {
        if let Some((session, sound, rate_hz)) = self.loads.pop() {
            let length = usize::try_from(self.random.below(1000)).unwrap();
            let samples = Some(vec![100; length].into()).filter(|_| self.random.below(3) > 0);
            self.relay.loaded(session, &sound, rate_hz, samples);
        }
    }

    fn program(&mut self) -> Option<Program> {
        let ms = u32::try_from(self.random.below(2) * 1000).unwrap();
        match self.random.below(5) {
            3 => Some(Program::Play(Playlist {
                items: ["a", "b", "c"].map(sound).into(),
                times: u32::try_from(self.random.below(3)).unwrap(),
            })),
            0 => Some(Program::Echo),
            1 => Some(Program::Play(Playlist {
                items: vec![Item::Silence { ms }, Item::Silence { ms: 40 }],
                times: 2,
            })),
            2 => Some(Program::tone(ToneName::Busy, "uk", ms)),
            _ => None,
        }
    }

    fn answer_bind(&mut self) {
        if !self.pending.is_empty() {
            let at = usize::try_from(self.random.below(u64::try_from(self.pending.len()).unwrap())).unwrap();
            let pair = self.pending.swap_remove(at);
            let ok = self.random.below(4) > 0;
            self.relay.bound(pair, ok, self.now);
        }
    }

    fn packet(&mut self) {
        let pair = PairId(u32::try_from(self.random.below(self.pairs + 1)).unwrap());
        let from = addr(self.random.of(&HOSTS));
        let seq = u16::try_from(self.random.below(65536)).unwrap();
        let mut bytes = if self.random.below(4) == 0 {
            rtcp()
        } else {
            rtp(seq)
        };
        let len = bytes.len();
        let forward =
            self.relay
                .handle_packet(pair, self.random.below(3) == 0, from, (&mut bytes, len), self.now);
        if let Some(forward) = forward {
            assert!(
                forward.pair != pair,
                "a packet never goes back out where it came in"
            );
            assert!(HOSTS.contains(&forward.to.to_string().as_str()));
        }
    }

    fn drain(&mut self) {
        while let Some(frame) = self.relay.poll_frame() {
            assert!(HOSTS.contains(&frame.to.to_string().as_str()));
            match frame.octets.get(1) {
                Some(200 | 201) => assert!(rtp::rtcp::is_valid(&frame.octets)),
                _ => assert!(!frame.rtcp && rtp::Header::parse(&frame.octets).is_ok()),
            }
        }
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Bind { pair, .. } => {
                    self.pending.push(pair);
                    self.pairs = self.pairs.max(u64::from(pair.0) + 1);
                }
                Effect::Load {
                    session,
                    sound,
                    rate_hz,
                } => self.loads.push((session, sound, rate_hz)),
                Effect::Spool { session, spool } => self.spool(session.0, &spool),
                Effect::Fork { session, fork, ask } => self.ask(session, fork, &ask),
                Effect::Room { to, .. } => assert!(to.is_none(), "there is no other relay"),
                Effect::Report(report) => {
                    let tally = self.tally.entry(report.session().0).or_default();
                    match report {
                        MediaReport::Opened { .. }
                        | MediaReport::Serving { .. }
                        | MediaReport::Refused { .. } => tally.opens -= 1,
                        MediaReport::Closed { .. } => tally.closes -= 1,
                        _ => {}
                    }
                    assert!(tally.opens >= 0 && tally.closes >= 0, "answered more than asked");
                }
            }
        }
    }

    /// A file begins once, is written while it is there, and ends once; now and then it can't be written.
    fn spool(&mut self, session: u64, spool: &Spool) {
        let (number, is_there) = match spool {
            Spool::Begin { recording, .. } => (recording.number, false),
            Spool::Block { recording, .. }
            | Spool::Mark { recording, .. }
            | Spool::End { recording, .. }
            | Spool::Discard { recording } => (recording.number, true),
        };
        let key = (session, number);
        if is_there && self.failed.contains(&key) {
            return;
        }
        assert_eq!(self.files.contains(&key), is_there, "{spool:?}");
        match spool {
            Spool::Begin { .. } => {
                self.failed.remove(&key);
                self.files.insert(key);
            }
            Spool::Block { recording, .. } if self.random.below(20) == 0 => {
                self.relay
                    .spool_failed(MediaSessionId(session), *recording, self.now);
                self.files.remove(&key);
                self.failed.insert(key);
            }
            Spool::End { .. } | Spool::Discard { .. } => drop(self.files.remove(&key)),
            Spool::Block { .. } | Spool::Mark { .. } => {}
        }
    }

    fn finish(&mut self) {
        for session in 0..SESSIONS {
            self.tally.entry(session).or_default().closes += 1;
            self.relay.handle_command(
                &MediaCommand::Close {
                    session: MediaSessionId(session),
                },
                self.now,
            );
            self.drain();
        }
        while !self.pending.is_empty() {
            self.answer_bind();
            self.drain();
        }
        assert!(
            self.tally.values().all(|t| t.opens == 0 && t.closes == 0),
            "an open or close without answer"
        );
        assert!(self.files.is_empty(), "a file without an end");
        assert!(self.lines.is_empty(), "a fork without an end");
        let counts = self.relay.counts();
        assert_eq!(
            (counts.sessions, counts.pairs_used),
            (0, 0),
            "something did not return"
        );
        assert_eq!(self.relay.poll_timeout(), None);
    }
}

fn sound(name: &str) -> Item {
    Item::Sound(Sound::Prompt {
        language: "en".into(),
        name: name.into(),
    })
}

#[test]
fn every_port_returns_and_every_command_is_answered_once() {
    for seed in 0..2_000 {
        let mut run = Run::new(seed);
        let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            (0..400).for_each(|_| run.step());
            run.finish();
        }));
        assert!(caught.is_ok(), "seed {seed}");
    }
}
