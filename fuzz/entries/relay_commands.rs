//! What an input says to a relay: sessions, hosts, keys, commands and packets, made of octets.

use super::octets::Octets;
use model::{
    CallId, Codec, Container, Fork, ForkFormat, ForkId, ForkPlan, ForkSide, Item, Leg, MachineRules,
    MediaCommand, MediaSessionId, Over, Playlist, Program, Recording, RecordingId, RoomId, Seat, Seats,
    Signals, Sound, SrtpKey, SrtpKeys, SrtpSuite, StreamKind, TenantId, ToneName, Voice,
};
use rtp::srtp::Suite;
use std::net::{IpAddr, SocketAddr};

const TENANT: TenantId = TenantId(1);
/// Addresses of the relay.
const OURS: [[u8; 4]; 2] = [[198, 51, 100, 1], [198, 51, 100, 2]];
/// Hosts that descriptions may name, among them one of ours and two that are none; the last one is a stranger, whom none does.
pub(crate) const HOSTS: [([u8; 4], u16); 8] = [
    ([192, 0, 2, 10], 4_000),
    ([192, 0, 2, 10], 4_002),
    ([203, 0, 113, 20], 6_000),
    ([203, 0, 113, 21], 6_001),
    ([198, 51, 100, 1], 40_000),
    ([0, 0, 0, 0], 4_000),
    ([224, 0, 0, 1], 4_000),
    ([192, 0, 2, 66], 4_000),
];

/// One of the first hosts.
pub(crate) fn host(input: &mut Octets<'_>, among: usize) -> SocketAddr {
    input.of(&HOSTS[..among]).into()
}

/// A call, and what goes along with it.
pub(crate) struct Which(u64, StreamKind);

pub(crate) const SESSIONS: [Which; 4] = [
    Which(1, StreamKind::Audio),
    Which(2, StreamKind::Audio),
    Which(1, StreamKind::Video),
    Which(1, StreamKind::Fax),
];

impl Which {
    pub(crate) fn id(&self) -> MediaSessionId {
        MediaSessionId::of(TENANT, CallId(self.0), self.1)
    }
}

/// Keys of a leg: the suite, and the octet that all of the server's key are; those of the leg's are greater by ten.
pub(crate) struct Key(SrtpSuite, Suite, u8);

pub(crate) const KEYS: [Key; 3] = [
    Key(SrtpSuite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_80, 1),
    Key(SrtpSuite::AeadAes128Gcm, Suite::AeadAes128Gcm, 2),
    Key(SrtpSuite::AesCm128HmacSha1_80, Suite::AesCm128HmacSha1_80, 3),
];

impl Key {
    pub(crate) fn ours(&self) -> (Suite, Vec<u8>) {
        (self.1, vec![self.2; self.1.master_len()])
    }

    pub(crate) fn theirs(&self) -> (Suite, Vec<u8>) {
        (self.1, vec![self.2 + 10; self.1.master_len()])
    }

    pub(crate) fn keys(&self) -> SrtpKeys {
        SrtpKeys {
            suite: self.0,
            ours: SrtpKey::new(&self.ours().1).unwrap(),
            theirs: SrtpKey::new(&self.theirs().1).unwrap(),
        }
    }
}

pub(crate) fn leg_of(leg: Leg) -> usize {
    match leg {
        Leg::Caller => 0,
        Leg::Callee => 1,
    }
}

/// A command about this session.
pub(crate) fn command(number: usize, input: &mut Octets<'_>) -> MediaCommand {
    let session = SESSIONS[number].id();
    match input.below(16) {
        0..=2 => open(number, input),
        3 => MediaCommand::Close { session },
        4 => MediaCommand::Watch {
            session,
            hold: input.is(),
            quiet: [input.is(), input.is()],
        },
        5..=9 => remote(session, input),
        _ => sound(session, input),
    }
}

fn open(number: usize, input: &mut Octets<'_>) -> MediaCommand {
    let Which(_, stream) = SESSIONS[number];
    let session = SESSIONS[number].id();
    let (caller_ip, callee_ip): (IpAddr, IpAddr) = (input.of(&OURS).into(), input.of(&OURS).into());
    let silence_s = input.of(&[0, 1, 3]);
    match (stream, input.below(4)) {
        (StreamKind::Audio, 0) => MediaCommand::Serve {
            session,
            ip: caller_ip,
            silence_s,
            ssrc: 9,
        },
        (StreamKind::Audio, 1) => MediaCommand::Reopen {
            session,
            caller: (caller_ip, input.of(&[40_000, 40_001, 40_008, 9])).into(),
            callee: (callee_ip, input.of(&[40_000, 40_002, 40_010])).into(),
            silence_s,
        },
        (StreamKind::Audio, _) => MediaCommand::Open {
            session,
            caller_ip,
            callee_ip,
            silence_s,
            urgent: false,
        },
        (stream, _) => MediaCommand::OpenStream {
            session,
            stream,
            caller_ip,
            callee_ip,
            silence_s,
        },
    }
}

fn remote(session: MediaSessionId, input: &mut Octets<'_>) -> MediaCommand {
    let among = HOSTS.len() - 1;
    let leg = input.of(&[Leg::Caller, Leg::Callee]);
    let at = host(input, among);
    let rtp = (input.below(4) > 0).then_some(at);
    let rtcp = match input.below(4) {
        0 => None,
        1 => rtp,
        2 => rtp.map(|at| SocketAddr::new(at.ip(), at.port() + 1)),
        _ => Some(host(input, among)),
    };
    let number = input.below(4 * KEYS.len());
    MediaCommand::Remote {
        session,
        leg,
        rtp,
        rtcp,
        signalling_ip: host(input, 4).ip(),
        srtp: KEYS.get(number).map(|key| Box::new(key.keys())),
        web: None,
        voice: voice(input),
    }
}

fn voice(input: &mut Octets<'_>) -> Option<Box<Voice>> {
    let (pt, codec) = input.of(&[
        (0, Codec::Pcmu),
        (8, Codec::Pcma),
        (9, Codec::G722),
        (96, Codec::Opus),
    ]);
    let choice = input.octet();
    let mut voice = Voice::new(pt, codec);
    voice.events = (choice & 1 == 0).then_some(101);
    voice.events_heard = (choice & 0x30 == 0x30).then_some(102);
    voice.noise = (choice & 2 == 0).then_some(13);
    voice.ptime_ms = input.of(&[20, 10, 30, 60, 0, 255]);
    voice.opus.fec = choice & 4 > 0;
    voice.opus.dtx = choice & 8 > 0;
    voice.also = vec![(0, Codec::Pcmu), (97, Codec::Opus)];
    (choice & 0xC0 != 0xC0).then(|| Box::new(voice))
}

/// A command about what legs say and hear.
fn sound(session: MediaSessionId, input: &mut Octets<'_>) -> MediaCommand {
    let leg = input.of(&[Leg::Caller, Leg::Callee]);
    match input.below(7) {
        0 => MediaCommand::Play {
            session,
            leg,
            id: input.octet().into(),
            program: program(input),
            over: input.of(&[Over::Instead, Over::Mixed]),
        },
        1 => {
            let length = input.below(80);
            MediaCommand::Dial {
                session,
                leg,
                digits: String::from_utf8_lossy(input.take(length)).into(),
            }
        }
        2 => MediaCommand::Listen {
            session,
            leg,
            signals: Signals {
                dtmf: input.is(),
                fax: input.is(),
                voice: input.is(),
                machine: input.is().then(MachineRules::default),
            },
        },
        3 => MediaCommand::Mask {
            session,
            leg,
            on: input.is(),
        },
        4 => MediaCommand::Record {
            session,
            recording: RecordingId {
                tenant: TENANT,
                number: u64::from(input.octet() % 3),
            },
            act: recording(input),
        },
        5 => MediaCommand::Fork {
            session,
            fork: ForkId {
                tenant: TENANT,
                number: u64::from(input.octet() % 6),
            },
            act: fork(input),
        },
        _ => MediaCommand::Join {
            session,
            seats: seats(input),
        },
    }
}

fn program(input: &mut Octets<'_>) -> Option<Program> {
    let prompt = Item::prompt("en", "a");
    let recording = Item::Sound(Sound::Recording(RecordingId {
        tenant: TENANT,
        number: 1,
    }));
    let ms = u32::from(input.octet()) * 20;
    let list = |items: Vec<Item>, times| Playlist { items, times };
    let tone = Program::tone(ToneName::Busy, "uk", ms);
    Some(match input.below(6) {
        0 => return None,
        1 => Program::Echo,
        2 => tone,
        3 => Program::Play(list(vec![Item::Silence { ms }, prompt], u32::from(input.octet()))),
        4 => Program::Announced {
            list: list(vec![recording], 0),
            words: list(vec![Item::Silence { ms: 40 }, prompt], 1),
            every_ms: ms,
        },
        _ => Program::Play(list(vec![prompt; 70], 2)),
    })
}

fn recording(input: &mut Octets<'_>) -> Recording {
    match input.below(8) {
        0 => Recording::Pause,
        1 => Recording::Mark("here".into()),
        2 => Recording::Stop,
        3 => Recording::Discard,
        _ => Recording::Start {
            format: input.of(&[Container::OggOpus, Container::Wav]),
            max_ms: input.of(&[0, 20, 1_000]),
            silence_ms: input.of(&[0, 20, 500]),
            call: None,
        },
    }
}

fn fork(input: &mut Octets<'_>) -> Fork {
    let l16 = |rate_hz| ForkFormat::L16 { rate_hz };
    if input.below(4) == 0 {
        return Fork::Stop;
    }
    Fork::Start(Box::new(ForkPlan {
        url: "ws://somewhere".into(),
        side: input.of(&[
            ForkSide::Caller,
            ForkSide::Callee,
            ForkSide::Mixed,
            ForkSide::Both,
        ]),
        format: input.of(&[ForkFormat::Twilio, l16(8_000), l16(16_000), l16(24_000), l16(1)]),
        back: input.of(&[None, Some(Leg::Caller), Some(Leg::Callee)]),
        over: input.of(&[Over::Instead, Over::Mixed]),
        call: CallId(1),
    }))
}

fn seats(input: &mut Octets<'_>) -> Option<Seats> {
    let choice = input.octet();
    let seat = |at: u8| Seat {
        speaks: choice >> at & 1 == 1,
        hears: choice >> at & 2 == 2,
    };
    (choice & 0xC0 != 0xC0).then(|| Seats {
        room: RoomId {
            tenant: TENANT,
            number: u64::from(choice >> 5 & 1),
        },
        caller: seat(0),
        callee: seat(2),
        chimes: choice & 16 > 0,
    })
}

/// What comes: RTP or RTCP with a sound header more often than not.
pub(crate) fn packet(input: &mut Octets<'_>) -> Vec<u8> {
    let kind = input.octet();
    let sources = [1_u32, 2, 9, 0xFFFF_FFFF];
    let mut octets = vec![0x80];
    match kind % 8 {
        0..=4 => {
            let seq = input.word();
            octets.push(input.of(&[0_u8, 8, 9, 96, 97, 101, 102, 13, 0x80 | 101, 127]));
            octets.extend(seq.to_be_bytes());
            let ahead = u32::from(input.octet()) << (kind >> 3 & 0x18);
            octets.extend(u32::from(seq).wrapping_mul(160).wrapping_add(ahead).to_be_bytes());
            octets.extend(input.of(&sources).to_be_bytes());
            let length = match input.octet() {
                octet @ 0..=127 => usize::from(octet),
                _ => 160,
            };
            octets.extend(input.take(length));
            octets.resize(12 + length, 0x7F);
        }
        5 | 6 => {
            let (count, words) = (input.octet() & 0x1F, input.below(24));
            octets[0] |= count;
            octets.push(200 + input.octet() % 8);
            octets.extend(u16::try_from(words).unwrap().to_be_bytes());
            octets.extend(input.take(words * 4));
            octets.resize(4 + words * 4, 0);
            if let Some(source) = octets.get_mut(4..8).filter(|_| kind & 0x80 > 0) {
                source.copy_from_slice(&input.of(&sources).to_be_bytes());
            }
        }
        _ => {
            let length = input.below(200);
            octets = input.take(length).to_vec();
        }
    }
    octets
}
