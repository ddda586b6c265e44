//! Checks of ICE, DTLS, SRTP, descriptions and time, in any order and from anywhere, through a call between a browser and a
//! phone. Shared by the fuzz target and the tests of `media`.
//!
//! What must hold: nothing panics; but for checks and their answers nothing leaves to an address that has not answered a check of
//! ours, and those only to who is named or has asked with the password; nothing is passed on before the right certificate was
//! seen, and nothing but what opens under the keys of that handshake; what leaves to the browser opens under them.

use super::browser_dtls::{Toys, datagram, keys};
use super::octets::Octets;
use media::{Effect, PairId, PortRange, ROOM, Relay};
use model::{
    DigestName, Fingerprint, IceCandidate, IceCredentials, IceTransport, Leg, MediaCommand, MediaReport,
    MediaSessionId, WebTransport,
};
use rtp::Protocol;
use rtp::srtp::{Receiver, Sender, Suite};
use rtp::stun::connectivity::{Check, Kind, Request, Role, role_conflict, success};
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

const STEPS: usize = 400;
const SESSION: MediaSessionId = MediaSessionId(1);
const SUITE: Suite = Suite::AesCm128HmacSha1_80;
/// The first two are named as candidates; with the last one nobody has to do.
const HOSTS: [([u8; 4], u16); 5] = [
    ([203, 0, 113, 20], 50_000),
    ([203, 0, 113, 21], 50_001),
    ([203, 0, 113, 22], 50_002),
    ([203, 0, 113, 23], 50_003),
    ([192, 0, 2, 66], 6_000),
];
const PHONE: ([u8; 4], u16) = ([192, 0, 2, 9], 4_000);
/// Whose fingerprints may be named.
const CERTIFICATES: [&[u8]; 2] = [b"the browser's", b"another one of it"];
/// SHA-256 of those.
const PRINTS: [&str; 2] = [
    "094ee3cddba79decda2d9209b69200ab8579ce63b07eee62248431abed8a87bd",
    "fd3e5c214738eed8e7abe3bb623bbbafe4df31878d3f66df24c60f439b4e2f31",
];

/// One input: an octet of how the browser speaks, then any number of steps.
pub(crate) fn run(data: &[u8]) {
    let mut input = Octets::new(data);
    let mut world = World::new(input.octet());
    for _ in 0..STEPS {
        let Some(step) = input.next() else { break };
        world.step(step, &mut input);
        world.drain();
    }
    world.finish();
}

/// What both have agreed on.
struct Agreed {
    ours: Sender,
    opens: Receiver,
}

struct World {
    relay: Relay,
    now: Duration,
    pairs: Vec<PairId>,
    path: WebTransport,
    /// Checks of ours and where they went.
    checks: Vec<([u8; 12], SocketAddr)>,
    /// Who has asked with the password, and who has answered.
    asked: BTreeSet<SocketAddr>,
    proven: BTreeSet<SocketAddr>,
    /// The certificates that were shown where they counted.
    shown: BTreeSet<usize>,
    agreed: Option<Agreed>,
    /// The handshake that has come to keys last.
    last: Arc<AtomicU8>,
    transactions: u8,
    unsecured: u32,
}

impl World {
    fn new(manner: u8) -> World {
        let range = PortRange {
            first: 40_000,
            last: 40_003,
        };
        let last = Arc::new(AtomicU8::new(0));
        let side = |word: &str| IceCredentials {
            ufrag: word.into(),
            pwd: format!("{word} password of some length").into(),
        };
        let ice = IceTransport {
            ours: side("ours"),
            seed: [1, 2],
            theirs: side("their"),
            candidates: (0..2).map(candidate).collect(),
            lite: manner & 1 > 0,
            controlling: manner & 2 > 0,
        };
        let mut world = World {
            relay: Relay::new(range).with_dtls(Box::new(Toys::new(Arc::clone(&last)))),
            now: Duration::from_secs(1),
            pairs: Vec::new(),
            path: WebTransport {
                ice: (manner & 4 == 0).then_some(ice),
                active: manner & 8 > 0,
                certificate: 0,
                fingerprints: vec![print(0)],
            },
            checks: Vec::new(),
            asked: BTreeSet::new(),
            proven: BTreeSet::new(),
            shown: BTreeSet::new(),
            agreed: None,
            last,
            transactions: 0,
            unsecured: 0,
        };
        let ip = Ipv4Addr::new(198, 51, 100, 1).into();
        world.command(&MediaCommand::Open {
            session: SESSION,
            caller_ip: ip,
            callee_ip: ip,
            silence_s: 0,
            urgent: false,
        });
        world.describe();
        world.command(&MediaCommand::Remote {
            session: SESSION,
            leg: Leg::Callee,
            rtp: Some(PHONE.into()),
            rtcp: None,
            signalling_ip: PHONE.0.into(),
            srtp: None,
            voice: None,
            web: None,
        });
        world
    }

    fn command(&mut self, command: &MediaCommand) {
        self.relay.handle_command(command, self.now);
        self.drain();
    }

    fn describe(&mut self) {
        let at = self.path.ice.is_none().then(|| SocketAddr::from(HOSTS[0]));
        self.unsecured = 0;
        self.command(&MediaCommand::Remote {
            session: SESSION,
            leg: Leg::Caller,
            rtp: at,
            rtcp: at,
            signalling_ip: HOSTS[0].0.into(),
            srtp: None,
            voice: None,
            web: Some(Box::new(self.path.clone())),
        });
    }

    /// May anything but checks come from there, and go there?
    fn counts(&self, at: SocketAddr) -> bool {
        match self.path.ice {
            Some(_) => self.proven.contains(&at),
            None => at.ip() == SocketAddr::from(HOSTS[0]).ip(),
        }
    }

    fn step(&mut self, step: u8, input: &mut Octets<'_>) {
        match step % 8 {
            0 => self.ask(input),
            1 => self.answer(input),
            2 => self.shake(input),
            3 => {
                self.now += Duration::from_millis(u64::from(input.octet()) * 40);
                self.relay.handle_timeout(self.now);
                assert!(self.relay.poll_timeout().is_none_or(|due| due > self.now));
            }
            4 => self.speak(input),
            5 => self.phone(input),
            6 => self.change(input),
            _ => {
                let from = input.of(&HOSTS).into();
                let (rtcp, length) = (input.octet() == 0, input.below(200));
                let octets = input.take(length).to_vec();
                assert_eq!(self.say(rtcp, from, &octets), None);
            }
        }
    }

    /// Octets of the browser from somewhere; gives what is passed on to the phone.
    fn say(&mut self, rtcp: bool, from: SocketAddr, octets: &[u8]) -> Option<Vec<u8>> {
        let mut buffer = octets.to_vec();
        buffer.resize(octets.len() + ROOM, 0);
        let taken = (&mut buffer[..], octets.len());
        let forward = self
            .relay
            .handle_packet(self.pairs[0], rtcp, from, taken, self.now)?;
        assert_eq!(forward.pair, self.pairs[1]);
        assert_eq!(forward.to.ip(), SocketAddr::from(PHONE).ip());
        assert!(self.counts(from), "from an address that has shown nothing");
        buffer.truncate(forward.len);
        Some(buffer)
    }

    /// A check of the browser, or of somebody who would like to be it.
    fn ask(&mut self, input: &mut Octets<'_>) {
        let (from, flags) = (SocketAddr::from(input.of(&HOSTS)), input.octet());
        let tie = input.of(&[0, 7, u64::MAX]);
        let Some(ice) = self.path.ice.clone() else { return };
        self.transactions = self.transactions.wrapping_add(1);
        let forged = flags & 0xC0 == 0xC0;
        let request = Request {
            transaction: [self.transactions; 12],
            username: &format!("{}:{}", ice.ours.ufrag, ice.theirs.ufrag),
            priority: u32::from(flags >> 2 & 3) << 24,
            role: match flags & 1 {
                0 => Role::Controlling(tie),
                _ => Role::Controlled(tie),
            },
            nominate: flags & 2 > 0,
        };
        let pwd = if forged { &ice.theirs.pwd } else { &ice.ours.pwd };
        if !forged {
            self.asked.insert(from);
        }
        assert_eq!(self.say(false, from, &request.written(pwd)), None);
    }

    /// An answer to a check of ours, from where that went or from elsewhere.
    fn answer(&mut self, input: &mut Octets<'_>) {
        let (choice, flags) = (input.below(16), input.octet());
        let elsewhere = input.of(&HOSTS).into();
        let Some(ice) = self.path.ice.clone() else { return };
        let Some((transaction, to)) = self.checks.iter().rev().nth(choice).copied() else {
            return;
        };
        let from = if flags & 3 == 3 { elsewhere } else { to };
        let forged = flags & 0xC0 == 0xC0;
        let pwd = if forged { &ice.ours.pwd } else { &ice.theirs.pwd };
        let octets = match flags & 0x1C {
            0x1C => role_conflict(transaction, pwd),
            _ => success(transaction, self.pair_address(), pwd),
        };
        if from == to && !forged {
            self.proven.insert(from);
        }
        assert_eq!(self.say(false, from, &octets), None);
    }

    fn pair_address(&self) -> SocketAddr {
        SocketAddr::from(([198, 51, 100, 1], 40_000))
    }

    fn shake(&mut self, input: &mut Octets<'_>) {
        let from = SocketAddr::from(input.of(&HOSTS));
        let (kind, certificate) = (input.of(b"HHHRRX?"), input.below(3));
        let shown = CERTIFICATES.get(certificate).copied().unwrap_or(b"a stranger's");
        if self.counts(from) && certificate < CERTIFICATES.len() {
            self.shown.insert(certificate);
        }
        assert_eq!(self.say(input.octet() == 0, from, &datagram(kind, shown)), None);
    }

    fn speak(&mut self, input: &mut Octets<'_>) {
        let from = input.of(&HOSTS).into();
        let plain = sound(input);
        let mut octets = plain.clone();
        let flags = input.octet();
        let mut is_sealed = false;
        if let Some(agreed) = self.agreed.as_mut().filter(|_| flags & 7 != 7) {
            octets.resize(plain.len() + ROOM, 0);
            let sealed = match plain[1] {
                201 => agreed.ours.protect_rtcp(&mut octets, plain.len()),
                _ => agreed.ours.protect_rtp(&mut octets, plain.len()),
            };
            octets.truncate(sealed.unwrap_or(plain.len()));
            is_sealed = sealed.is_ok();
        }
        let forward = self.say(flags & 0x30 == 0x30, from, &octets);
        assert!(is_sealed || forward.is_none(), "nothing passes without keys");
        let same = |came: &[u8]| came.len() == plain.len() && came[12..] == plain[12..];
        assert!(plain[1] == 201 || forward.is_none_or(|came| same(&came)));
    }

    fn phone(&mut self, input: &mut Octets<'_>) {
        let plain = sound(input);
        let mut buffer = plain.clone();
        buffer.resize(plain.len() + ROOM, 0);
        let rtcp = input.is();
        let taken = (&mut buffer[..], plain.len());
        let forward = self
            .relay
            .handle_packet(self.pairs[1], rtcp, PHONE.into(), taken, self.now);
        if let Some(forward) = forward {
            self.leaves(forward.pair, forward.to, &buffer[..forward.len]);
        }
    }

    /// The browser describes itself anew.
    fn change(&mut self, input: &mut Octets<'_>) {
        let choice = input.octet();
        match &mut self.path.ice {
            Some(ice) if choice & 1 > 0 => {
                ice.theirs.pwd = format!("their {choice} password of some length").into();
                ice.ours.ufrag = format!("ours{choice}").into();
            }
            Some(ice) if choice & 2 > 0 => ice.candidates.extend((0..4).map(candidate)),
            _ => {}
        }
        let number = usize::from(choice >> 2 & 1);
        if self.path.fingerprints != [print(number)] {
            self.path.fingerprints = vec![print(number)];
            self.agreed = None;
        }
        if choice & 0x18 == 0x18 {
            self.path.certificate = 1 - self.path.certificate;
            self.agreed = None;
        }
        self.describe();
    }

    /// What leaves to the browser.
    fn leaves(&mut self, pair: PairId, to: SocketAddr, octets: &[u8]) {
        assert_eq!(pair, self.pairs[0]);
        let check = Check::read(octets);
        match (rtp::protocol(octets), check) {
            (Protocol::Stun, Some(check)) => {
                let named = self.path.ice.iter().flat_map(|ice| &ice.candidates);
                let is_named = named.clone().any(|known| known.address == to);
                assert!(is_named || self.asked.contains(&to), "nobody has named {to}");
                if check.kind == Kind::Request {
                    self.checks.push((check.transaction, to));
                }
            }
            (Protocol::Dtls, _) => assert!(self.counts(to), "a handshake with {to}"),
            _ => {
                assert!(self.counts(to), "sound for {to}");
                let agreed = self.agreed.as_mut().expect("keys before sound");
                let mut octets = octets.to_vec();
                let opened = match octets[1] {
                    192..=223 => agreed.opens.unprotect_rtcp(&mut octets),
                    _ => agreed.opens.unprotect_rtp(&mut octets),
                };
                assert!(opened.is_ok(), "{opened:?}");
            }
        }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Bind { pair, .. } => {
                    self.pairs.push(pair);
                    self.relay.bound(pair, true, self.now);
                }
                Effect::Report(MediaReport::Secured { leg, .. }) => {
                    assert_eq!(leg, Leg::Caller);
                    let named = (0..2).find(|number| self.path.fingerprints == [print(*number)]);
                    assert!(
                        self.shown.contains(&named.unwrap()),
                        "a certificate that nobody has shown"
                    );
                    let [client, server] = keys(self.last.load(Ordering::Relaxed));
                    let (ours, theirs) = match self.path.active {
                        true => (server, client),
                        false => (client, server),
                    };
                    self.agreed = Some(Agreed {
                        ours: Sender::new(SUITE, &ours).unwrap(),
                        opens: Receiver::new(SUITE, &theirs).unwrap(),
                    });
                }
                Effect::Report(MediaReport::Unsecured { .. }) => {
                    self.unsecured += 1;
                    assert!(self.unsecured <= 1, "once for a description");
                }
                _ => {}
            }
        }
        while let Some(frame) = self.relay.poll_frame() {
            self.leaves(frame.pair, frame.to, &frame.octets);
        }
    }

    fn finish(&mut self) {
        self.command(&MediaCommand::Close { session: SESSION });
        let counts = self.relay.counts();
        assert_eq!((counts.sessions, counts.pairs_used), (0, 0));
        assert_eq!(self.relay.poll_timeout(), None);
    }
}

fn candidate(number: usize) -> IceCandidate {
    IceCandidate {
        address: HOSTS[number].into(),
        priority: 2_122_260_223 - u32::from(HOSTS[number].1),
    }
}

fn print(number: usize) -> Fingerprint {
    let octet = |at: usize| u8::from_str_radix(&PRINTS[number][at..at + 2], 16).unwrap();
    Fingerprint {
        digest: DigestName::Sha256,
        octets: (0..64).step_by(2).map(octet).collect(),
    }
}

/// A packet of sound, or now and then a report.
fn sound(input: &mut Octets<'_>) -> Vec<u8> {
    let (kind, seq) = (input.octet(), input.word());
    if kind == 0 {
        return vec![0x80, 201, 0, 1, 0, 0, 0, 7, 0x80, 202, 0, 1, 0, 0, 0, 7];
    }
    let mut octets = vec![0x80, kind & 0x3F];
    octets.extend(seq.to_be_bytes());
    octets.extend((u32::from(seq) * 160).to_be_bytes());
    octets.extend([0, 0, 0, 1 + (kind >> 6)]);
    octets.extend([0x7F; 40]);
    octets
}
