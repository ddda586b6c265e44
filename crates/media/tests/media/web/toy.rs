//! A browser as far as the relay sees one: an ICE agent of the other side, and a DTLS of one message each way. Its datagrams are
//! `22`, a letter, and a certificate: `H` begins, `R` answers, `X` fails.

use crate::world::{World, addr, rtp};
use media::{Dtls, DtlsOutput, DtlsRole, DtlsSource};
use model::{
    DigestName, Fingerprint, IceCandidate, IceCredentials, IceTransport, Insecurity, Leg, MediaCommand,
    MediaReport, MediaSessionId, SrtpSuite, WebTransport,
};
use ring::digest::{SHA256, digest};
use rtp::srtp::{Receiver, Sender, Suite};
use rtp::stun::connectivity::{Check, Kind, Request, Role, success};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

pub(crate) const BROWSER: &str = "203.0.113.20:50000";
pub(crate) const ELSEWHERE: &str = "203.0.113.99:6000";
pub(crate) const PHONE: &str = "192.0.2.9:4000";
pub(crate) const CERTIFICATE: &[u8] = b"the browser's";

#[derive(Debug, Default)]
pub(crate) struct Toys;

#[derive(Debug)]
struct Toy {
    active: bool,
    out: VecDeque<DtlsOutput>,
}

pub(crate) fn message(kind: u8, certificate: &[u8]) -> Vec<u8> {
    [&[22, kind], certificate].concat()
}

pub(crate) fn key(letter: u8) -> Vec<u8> {
    vec![letter; 30]
}

impl DtlsSource for Toys {
    fn begin(&mut self, certificate: u8, role: DtlsRole, _now: Duration) -> Option<Box<dyn Dtls>> {
        let mut out = VecDeque::new();
        let active = role == DtlsRole::Active;
        if active {
            out.push_back(DtlsOutput::Datagram(message(b'H', &[certificate])));
        }
        Some(Box::new(Toy { active, out }))
    }
}

impl Dtls for Toy {
    fn handle_datagram(&mut self, datagram: &[u8], _now: Duration) {
        let (kind, certificate) = (datagram.get(1), datagram.get(2..).unwrap_or_default());
        match (kind, self.active) {
            (Some(b'H'), false) => self.out.push_back(DtlsOutput::Datagram(message(b'R', b""))),
            (Some(b'R'), true) => {}
            (Some(b'X'), _) => return self.out.push_back(DtlsOutput::Failed),
            _ => return,
        }
        self.out.push_back(DtlsOutput::Certificate(certificate.to_vec()));
        self.out.push_back(DtlsOutput::Keys {
            suite: SrtpSuite::AesCm128HmacSha1_80,
            client: key(b'C'),
            server: key(b'S'),
        });
    }

    fn handle_timeout(&mut self, _now: Duration) {}

    fn poll(&mut self) -> Option<DtlsOutput> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Duration> {
        None
    }
}

/// What the browser has agreed on with the server.
pub(crate) fn agreed() -> WebTransport {
    let side = |ufrag: &str, pwd: &str| IceCredentials {
        ufrag: ufrag.into(),
        pwd: pwd.into(),
    };
    WebTransport {
        ice: Some(IceTransport {
            ours: side("ours", "our password of some length"),
            seed: [1, 2],
            theirs: side("their", "their password of some length"),
            candidates: Vec::new(),
            lite: false,
            controlling: false,
        }),
        active: false,
        certificate: 0,
        fingerprints: vec![Fingerprint {
            digest: DigestName::Sha256,
            octets: digest(&SHA256, CERTIFICATE).as_ref().to_vec(),
        }],
    }
}

/// The same with something else about ICE.
pub(crate) fn agreed_with(change: impl FnOnce(&mut IceTransport)) -> WebTransport {
    let mut path = agreed();
    if let Some(ice) = &mut path.ice {
        change(ice);
    }
    path
}

pub(crate) fn candidate(at: &str) -> IceCandidate {
    IceCandidate {
        address: addr(at),
        priority: 2_122_260_223,
    }
}

/// A call between a browser that called and a plain phone.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) path: WebTransport,
    /// Where the browser is sent to, and where the phone is.
    pub(crate) near: SocketAddr,
    pub(crate) far: SocketAddr,
    /// Checks of ours that the browser saw, and whether they nominated.
    pub(crate) checks: Vec<(SocketAddr, bool)>,
    /// Their transactions.
    pub(crate) transactions: Vec<[u8; 12]>,
    /// Where datagrams of the agent went.
    pub(crate) sent: Vec<SocketAddr>,
    /// DTLS that came to it.
    pub(crate) dtls: Vec<Vec<u8>>,
    /// It answers checks.
    pub(crate) answers: bool,
    pub(crate) role: Role,
    send: Sender,
    pub(crate) receive: Receiver,
    asked: u8,
}

impl Scene {
    pub(crate) fn new(path: WebTransport) -> Scene {
        let mut world = World::new(40000, 40099);
        world.relay = world.relay.with_dtls(Box::new(Toys));
        world.open(1, 0);
        let (near, far) = world.opened();
        let suite = Suite::AesCm128HmacSha1_80;
        let mut scene = Scene {
            world,
            near,
            far,
            checks: Vec::new(),
            transactions: Vec::new(),
            sent: Vec::new(),
            dtls: Vec::new(),
            answers: true,
            role: Role::Controlling(7),
            // A browser that begins is the client.
            send: Sender::new(suite, &key(if path.active { b'S' } else { b'C' })).unwrap(),
            receive: Receiver::new(suite, &key(if path.active { b'C' } else { b'S' })).unwrap(),
            asked: 0,
            path,
        };
        scene.describe();
        scene.world.remote(1, Leg::Callee, Some(PHONE), "192.0.2.9");
        scene
    }

    fn ice(&self) -> &IceTransport {
        self.path.ice.as_ref().expect("a leg with ICE")
    }

    pub(crate) fn ice_mut(&mut self) -> &mut IceTransport {
        self.path.ice.as_mut().expect("a leg with ICE")
    }

    /// What the browser has said is told again.
    pub(crate) fn describe(&mut self) {
        self.world.command(MediaCommand::Remote {
            session: MediaSessionId(1),
            leg: Leg::Caller,
            rtp: None,
            rtcp: None,
            signalling_ip: addr(BROWSER).ip(),
            srtp: None,
            web: Some(Box::new(self.path.clone())),
            voice: None,
        });
        self.exchange();
    }

    /// The browser's datagram from somewhere; nothing of it may be passed on.
    pub(crate) fn say(&mut self, from: &str, datagram: &[u8]) {
        assert!(self.world.send(from, self.near, datagram).is_none());
        self.world.drain();
        self.exchange();
    }

    /// A check of the browser.
    pub(crate) fn check(&mut self, from: &str, nominate: bool) {
        self.asked = self.asked.wrapping_add(1);
        let username = format!("{}:{}", self.ice().ours.ufrag, self.ice().theirs.ufrag);
        let request = Request {
            transaction: [self.asked; 12],
            username: &username,
            priority: 1_853_824_767,
            role: self.role,
            nominate,
        };
        let written = request.written(&self.ice().ours.pwd);
        self.say(from, &written);
    }

    /// Everything that is on its way to the browser, wherever it is, comes to it, and is answered.
    pub(crate) fn exchange(&mut self) {
        while let Some(frame) = self.world.relay.poll_frame() {
            self.sent.push(frame.to);
            match (rtp::protocol(&frame.octets), Check::read(&frame.octets)) {
                (rtp::Protocol::Dtls, _) => self.dtls.push(frame.octets),
                (rtp::Protocol::Stun, Some(check)) if check.kind == Kind::Request => {
                    assert!(check.is_authentic(&self.ice().theirs.pwd));
                    self.checks.push((frame.to, check.nominates));
                    self.transactions.push(check.transaction);
                    if self.answers {
                        let answer = success(check.transaction, self.near, &self.ice().theirs.pwd);
                        assert!(
                            self.world
                                .send(&frame.to.to_string(), self.near, &answer)
                                .is_none()
                        );
                        self.world.drain();
                    }
                }
                (rtp::Protocol::Stun, Some(check)) => assert!(check.is_authentic(&self.ice().ours.pwd)),
                other => panic!("{other:?}"),
            }
        }
    }

    pub(crate) fn advance(&mut self, ms: u64) {
        for _ in 0..ms / 50 {
            self.world.advance(Duration::from_millis(50));
            self.exchange();
        }
    }

    /// A path is found and keys are agreed on.
    pub(crate) fn connect(&mut self) {
        self.check(BROWSER, true);
        self.say(BROWSER, &message(b'H', CERTIFICATE));
    }

    /// A packet of the browser's, as the phone gets it.
    pub(crate) fn heard_by_phone(&mut self, from: &str, seq: u16) -> Option<(String, Vec<u8>)> {
        let sealed = self.sealed(seq);
        let (forward, out) = self.world.carry(from, self.near, &sealed)?;
        Some((forward.to.to_string(), out))
    }

    pub(crate) fn sealed(&mut self, seq: u16) -> Vec<u8> {
        let mut packet = rtp(seq);
        let len = packet.len();
        packet.resize(len + media::ROOM, 0);
        let len = self.send.protect_rtp(&mut packet, len).unwrap();
        packet.truncate(len);
        packet
    }

    /// A packet of the phone's, as the browser gets it: where it comes, and opened.
    pub(crate) fn heard_by_browser(&mut self, seq: u16) -> Option<(String, Option<Vec<u8>>)> {
        let (forward, mut out) = self.world.carry(PHONE, self.far, &rtp(seq))?;
        let opened = self.receive.unprotect_rtp(&mut out).ok();
        let opened = opened.map(|len| out[..len].to_vec());
        Some((forward.to.to_string(), opened))
    }

    /// Both hear each other.
    pub(crate) fn talks(&mut self, at: &str, seq: u16) {
        assert_eq!(self.heard_by_phone(at, seq), Some((PHONE.to_owned(), rtp(seq))));
        assert_eq!(self.heard_by_browser(seq), Some((at.to_owned(), Some(rtp(seq)))));
    }

    /// What was reported since, but for what is not about this.
    pub(crate) fn told(&mut self) -> Vec<Result<SrtpSuite, Insecurity>> {
        let reports = std::mem::take(&mut self.world.reports);
        let news = reports.into_iter().filter_map(|report| match report {
            MediaReport::Secured {
                suite,
                leg: Leg::Caller,
                ..
            } => Some(Ok(suite)),
            MediaReport::Unsecured {
                why,
                leg: Leg::Caller,
                ..
            } => Some(Err(why)),
            _ => None,
        });
        news.collect()
    }
}
