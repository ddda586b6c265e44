//! Legs with DTLS-SRTP and without ICE (RFC 5763; SECURITY rows 6 to 8): believed by host, as phones are, and by their certificate.

use super::toy::{CERTIFICATE, PHONE, Toys, agreed, key, message};
use crate::world::{World, above, addr, packet, rtcp, rtp};
use model::{
    DigestName, Fingerprint, Insecurity, Leg, MediaCommand, MediaReport, MediaSessionId, SrtpSuite,
    WebTransport,
};
use ring::digest::{SHA256, digest};
use rtp::srtp::{Receiver, Sender, Suite};
use std::net::SocketAddr;

/// Where the phone says that it is, and where a NAT shows it to be.
const DESCRIBED: &str = "203.0.113.20:7000";
const NEIGHBOUR: &str = "203.0.113.20:7777";
const STRANGER: &str = "203.0.113.99:6000";
/// The twelfth octet makes a hello of what it is sent in.
const OWN: &[u8] = b"the phone's\x01";
const OTHER: &[u8] = b"a neighbour\x01";
const SUITE: Suite = Suite::AesCm128HmacSha1_80;

/// A call between a phone with DTLS that called and a plain one.
struct Scene {
    world: World,
    path: WebTransport,
    near: SocketAddr,
    far: SocketAddr,
    /// What the server said: by which socket, where to, and what.
    said: Vec<(bool, SocketAddr, Vec<u8>)>,
    send: Sender,
    receive: Receiver,
}

impl Scene {
    /// `rtcp` = where the phone takes RTCP.
    fn new(active: bool, rtcp: &str) -> Scene {
        let mut world = World::new(40000, 40099);
        world.relay = world.relay.with_dtls(Box::new(Toys));
        world.open(1, 0);
        let (near, far) = world.opened();
        let [client, server] = [key(b'C'), key(b'S')];
        let (theirs, ours) = if active {
            (&server, &client)
        } else {
            (&client, &server)
        };
        let fingerprint = Fingerprint {
            digest: DigestName::Sha256,
            octets: digest(&SHA256, OWN).as_ref().to_vec(),
        };
        let mut scene = Scene {
            world,
            path: WebTransport {
                ice: None,
                active,
                certificate: 0,
                fingerprints: vec![fingerprint],
            },
            near,
            far,
            said: Vec::new(),
            send: Sender::new(SUITE, theirs).unwrap(),
            receive: Receiver::new(SUITE, ours).unwrap(),
        };
        scene.describe(DESCRIBED, rtcp);
        scene.world.remote(1, Leg::Callee, Some(PHONE), "192.0.2.9");
        scene
    }

    fn describe(&mut self, at: &str, rtcp: &str) {
        self.world.command(MediaCommand::Remote {
            session: MediaSessionId(1),
            leg: Leg::Caller,
            rtp: Some(addr(at)),
            rtcp: Some(addr(rtcp)),
            signalling_ip: addr(DESCRIBED).ip(),
            srtp: None,
            voice: None,
            web: Some(Box::new(self.path.clone())),
        });
        self.listen();
    }

    fn listen(&mut self) {
        while let Some(frame) = self.world.relay.poll_frame() {
            self.said.push((frame.rtcp, frame.to, frame.octets));
        }
    }

    /// A datagram that must not be passed on.
    fn say(&mut self, from: &str, to: SocketAddr, datagram: &[u8]) {
        assert!(self.world.send(from, to, datagram).is_none());
        self.world.drain();
        self.listen();
    }

    fn hello(&mut self, from: &str, certificate: &[u8]) {
        self.say(from, self.near, &message(b'H', certificate));
    }

    fn sealed(&mut self, seq: u16) -> Vec<u8> {
        let mut packet = rtp(seq);
        let len = packet.len();
        packet.resize(len + media::ROOM, 0);
        let len = self.send.protect_rtp(&mut packet, len).unwrap();
        packet.truncate(len);
        packet
    }

    /// A packet each way, the phone's from `at`.
    fn talks(&mut self, at: &str, seq: u16) {
        let sealed = self.sealed(seq);
        let (forward, out) = self
            .world
            .carry(at, self.near, &sealed)
            .expect("to the plain phone");
        assert_eq!((forward.to, out), (addr(PHONE), rtp(seq)));
        let (forward, mut out) = self
            .world
            .carry(PHONE, self.far, &rtp(seq))
            .expect("to the phone");
        let len = self.receive.unprotect_rtp(&mut out).expect("its keys");
        assert_eq!((forward.to, &out[..len]), (addr(at), &rtp(seq)[..]));
    }

    fn told(&mut self) -> Vec<Result<SrtpSuite, Insecurity>> {
        let reports = std::mem::take(&mut self.world.reports).into_iter();
        let news = reports.filter_map(|report| match report {
            MediaReport::Secured { suite, .. } => Some(Ok(suite)),
            MediaReport::Unsecured { why, .. } => Some(Err(why)),
            _ => None,
        });
        news.collect()
    }
}

const SECURED: [Result<SrtpSuite, Insecurity>; 1] = [Ok(SrtpSuite::AesCm128HmacSha1_80)];

#[test]
fn audio_passes_when_there_are_keys_and_not_before() {
    let mut scene = Scene::new(false, DESCRIBED);
    assert!(scene.said.is_empty(), "the phone begins");
    assert_eq!(scene.world.send(DESCRIBED, scene.near, &rtp(1)), None);
    assert_eq!(scene.world.send(PHONE, scene.far, &rtp(1)), None);
    scene.hello(DESCRIBED, OWN);
    assert_eq!(scene.said, [(false, addr(DESCRIBED), message(b'R', b""))]);
    assert_eq!(scene.told(), SECURED);
    (2..50).for_each(|seq| scene.talks(DESCRIBED, seq));
    // Described again, as at the end of hold, it goes on; so it does after hold without an address.
    scene.describe(DESCRIBED, DESCRIBED);
    scene.talks(DESCRIBED, 50);
    scene.world.command(MediaCommand::Remote {
        session: MediaSessionId(1),
        leg: Leg::Caller,
        rtp: None,
        rtcp: None,
        signalling_ip: addr(DESCRIBED).ip(),
        srtp: None,
        voice: None,
        web: Some(Box::new(scene.path.clone())),
    });
    assert_eq!(scene.world.send(PHONE, scene.far, &rtp(51)), None);
    scene.describe(DESCRIBED, DESCRIBED);
    scene.talks(DESCRIBED, 52);
    let (caller, _) = scene.world.close(1);
    assert_eq!((caller.packets, caller.refused, caller.stray), (50, 1, 0));
}

#[test]
fn who_is_to_be_called_on_is_greeted_where_it_says() {
    let mut scene = Scene::new(true, DESCRIBED);
    assert_eq!(scene.said, [(false, addr(DESCRIBED), message(b'H', &[0]))]);
    scene.say(DESCRIBED, scene.near, &message(b'R', OWN));
    assert_eq!(scene.told(), SECURED);
    scene.talks(DESCRIBED, 1);
}

/// SECURITY row 8: nobody is answered but the hosts of description and signalling.
#[test]
fn a_hello_from_elsewhere_is_dropped_and_one_of_a_neighbour_disturbs_nothing() {
    let mut scene = Scene::new(false, DESCRIBED);
    scene.hello(STRANGER, OTHER);
    scene.hello(STRANGER, OWN);
    assert!(scene.said.is_empty());
    // No hello, and a check as ICE has it: no handshake is begun for them.
    scene.say(NEIGHBOUR, scene.near, &message(b'X', b""));
    scene.say(NEIGHBOUR, scene.near, &[0; 20]);
    for _ in 0..20 {
        scene.hello(NEIGHBOUR, OTHER);
    }
    assert_eq!(scene.said.len(), usize::from(media::MOST_HANDSHAKES / 2));
    assert!(scene.told().is_empty(), "it says nothing about the phone");
    scene.hello(DESCRIBED, OWN);
    assert_eq!(scene.told(), SECURED);
    scene.hello(NEIGHBOUR, OWN);
    scene.talks(DESCRIBED, 1);
    let (caller, _) = scene.world.close(1);
    assert_eq!(caller.packets, 1);
    assert!(caller.stray > 15, "{caller:?}");
}

#[test]
fn a_phone_behind_nat_is_believed_by_its_certificate_and_its_packets() {
    let mut scene = Scene::new(false, "10.9.9.9:7001");
    scene.describe("10.9.9.9:7000", "10.9.9.9:7000");
    scene.hello(NEIGHBOUR, OWN);
    assert_eq!(scene.told(), SECURED);
    (1..9).for_each(|seq| scene.talks(NEIGHBOUR, seq));
    // It is locked now.
    let sealed = scene.sealed(9);
    assert_eq!(scene.world.send(DESCRIBED, scene.near, &sealed), None);
    // What is no SRTP of the phone changes nothing, row 7.
    for seq in 0..100 {
        assert_eq!(scene.world.send(NEIGHBOUR, scene.near, &packet(0, seq, 1)), None);
    }
    scene.talks(NEIGHBOUR, 200);
}

#[test]
fn a_wrong_certificate_of_the_described_address_is_told_and_many_are_too_many() {
    let mut scene = Scene::new(false, DESCRIBED);
    scene.hello(DESCRIBED, OTHER);
    assert_eq!(scene.told(), [Err(Insecurity::Fingerprint)]);
    assert_eq!(scene.world.send(PHONE, scene.far, &rtp(1)), None);
    scene.hello(DESCRIBED, OWN);
    assert_eq!(scene.told(), SECURED);
    scene.path.certificate = 1;
    scene.describe(DESCRIBED, DESCRIBED);
    assert_eq!(
        scene.world.send(PHONE, scene.far, &rtp(2)),
        None,
        "new keys come first"
    );
    let before = scene.said.len();
    (0..20).for_each(|_| scene.hello(DESCRIBED, OTHER));
    assert_eq!(scene.said.len() - before, usize::from(media::MOST_HANDSHAKES));
    assert_eq!(scene.told(), [Err(Insecurity::Fingerprint)]);
}

/// RFC 5764 §4.1: RTCP on a port of its own has a handshake, and keys, of its own.
#[test]
fn rtcp_on_its_own_port_has_keys_of_its_own() {
    const RTCP: &str = "203.0.113.20:7001";
    for active in [false, true] {
        let mut scene = Scene::new(active, RTCP);
        let control = above(scene.near);
        let word = if active { b'R' } else { b'H' };
        scene.say(DESCRIBED, scene.near, &message(word, OWN));
        assert_eq!(scene.told(), SECURED);
        let mut report = rtcp();
        let len = report.len();
        report.resize(len + media::ROOM, 0);
        let len = scene.send.protect_rtcp(&mut report, len).unwrap();
        report.truncate(len);
        assert_eq!(scene.world.send(RTCP, control, &report), None, "no keys yet");
        scene.said.retain(|(rtcp, ..)| *rtcp);
        scene.say(RTCP, control, &message(word, OWN));
        assert!(scene.told().is_empty(), "audio has had them");
        let greeting = if active {
            message(b'H', &[0])
        } else {
            message(b'R', b"")
        };
        assert_eq!(scene.said, [(true, addr(RTCP), greeting)]);
        let forward = scene.world.send(RTCP, control, &report);
        assert_eq!(forward.map(|f| (f.rtcp, f.to)), Some((true, above(addr(PHONE)))));
        let (forward, mut out) = scene.world.carry(PHONE, above(scene.far), &rtcp()).unwrap();
        assert_eq!((forward.rtcp, forward.to), (true, addr(RTCP)));
        let len = scene.receive.unprotect_rtcp(&mut out).unwrap();
        assert_eq!(&out[..len], rtcp());
    }
}

#[test]
fn a_leg_changes_between_ice_dtls_alone_and_plain() {
    let mut scene = Scene::new(false, DESCRIBED);
    scene.hello(DESCRIBED, OWN);
    scene.talks(DESCRIBED, 1);
    let alone = std::mem::replace(&mut scene.path, agreed());
    scene.describe(DESCRIBED, DESCRIBED);
    scene.hello(DESCRIBED, CERTIFICATE);
    let sealed = scene.sealed(2);
    assert_eq!(
        scene.world.send(DESCRIBED, scene.near, &sealed),
        None,
        "ICE has no path"
    );
    scene.path = alone;
    scene.describe(DESCRIBED, DESCRIBED);
    scene.told();
    scene.hello(DESCRIBED, OWN);
    assert_eq!(scene.told(), SECURED);
    scene
        .world
        .remote(1, Leg::Caller, Some(DESCRIBED), "203.0.113.20");
    assert_eq!(
        scene.world.to(DESCRIBED, scene.near, &rtp(3)).as_deref(),
        Some(PHONE)
    );
    assert!(scene.world.relay.poll_timeout().is_none());
}
