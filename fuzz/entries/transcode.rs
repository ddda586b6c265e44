//! Packets of both legs, each with an octet of whose it is and when and one with its length in front, through a call between Opus
//! and PCMU. Shared by the fuzz target and the tests of `media`.
//!
//! What must hold: nothing panics; a tick makes no more packets than it may, all of them RTP of ours with a payload type that
//! its leg knows; there are no more reports than keys can be pressed.

use media::{Effect, PortRange, ROOM, Relay};
use model::{Codec, Leg, MachineRules, MediaCommand, MediaReport, MediaSessionId, Signals, Voice};
use rtp::Header;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

const SESSION: MediaSessionId = MediaSessionId(1);
const PHONES: [[u8; 4]; 2] = [[192, 0, 2, 1], [192, 0, 2, 2]];

/// One input: any number of packets.
pub(crate) fn run(data: &[u8]) {
    let mut relay = Relay::new(PortRange {
        first: 40_000,
        last: 40_009,
    });
    let mut now = Duration::from_secs(1);
    let pairs = open(&mut relay, now);
    let mut rest = data;
    let mut reports = 0;
    while let Some(([first, length], after)) = rest.split_first_chunk() {
        let (packet, after) = after.split_at(usize::from(*length).min(after.len()));
        rest = after;
        let leg = usize::from(first & 1);
        let mut buffer = packet.to_vec();
        buffer.resize(packet.len() + ROOM, 0);
        let from = SocketAddr::from((PHONES[leg], 4000));
        let forward = relay.handle_packet(pairs[leg], false, from, (&mut buffer, packet.len()), now);
        assert_eq!(forward, None, "what is transcoded is not relayed");
        now += Duration::from_millis(u64::from(first >> 1));
        relay.handle_timeout(now);
        let mut made = 0;
        while let Some(frame) = relay.poll_frame() {
            let header = Header::parse(&frame.octets).unwrap();
            assert!([0, 96, 101].contains(&header.pt), "{header:?}");
            made += 1;
        }
        // Three ticks at most, each a packet for either leg.
        assert!(made <= 6, "{made} packets");
        while let Some(effect) = relay.poll_effect() {
            reports += u64::from(matches!(effect, Effect::Report(MediaReport::Digit { .. })));
        }
    }
    let elapsed = now.as_secs();
    assert!(reports <= (elapsed + 4) * 60, "{reports} digits in {elapsed} s");
}

/// A call whose legs have described themselves; gives their pairs.
fn open(relay: &mut Relay, now: Duration) -> [media::PairId; 2] {
    let ip = Ipv4Addr::new(198, 51, 100, 1).into();
    let command = MediaCommand::Open {
        session: SESSION,
        caller_ip: ip,
        callee_ip: ip,
        silence_s: 0,
        urgent: false,
    };
    relay.handle_command(&command, now);
    let mut pairs = Vec::new();
    while let Some(effect) = relay.poll_effect() {
        if let Effect::Bind { pair, .. } = effect {
            pairs.push(pair);
            relay.bound(pair, true, now);
        }
    }
    let mut voices = [Voice::new(96, Codec::Opus), Voice::new(0, Codec::Pcmu)];
    for (voice, (leg, host)) in voices
        .iter_mut()
        .zip([Leg::Caller, Leg::Callee].into_iter().zip(PHONES))
    {
        voice.events = Some(101);
        voice.also = vec![(9, Codec::G722), (8, Codec::Pcma)];
        let command = MediaCommand::Remote {
            session: SESSION,
            leg,
            rtp: Some(SocketAddr::from((host, 4000))),
            rtcp: None,
            signalling_ip: host.into(),
            srtp: None,
            web: None,
            voice: Some(Box::new(voice.clone())),
        };
        relay.handle_command(&command, now);
        let signals = Signals {
            dtmf: true,
            fax: true,
            voice: true,
            machine: Some(MachineRules::default()),
        };
        let command = MediaCommand::Listen {
            session: SESSION,
            leg,
            signals,
        };
        relay.handle_command(&command, now);
    }
    [pairs[0], pairs[1]]
}
