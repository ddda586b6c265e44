//! Fixtures of the description and packet paths.

use super::Operation;
use super::sip::invite_body;
use link::{Control, Plane};
use media::{Effect, PairId, PortRange, ROOM, Relay};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId, SrtpKey, SrtpKeys, SrtpSuite};
use rtp::Header;
use rtp::jitter::{Content, JitterBuffer, Settings};
use rtp::srtp::{Sender, Suite};
use sdp::{Anchor, Description, Side, offer};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// What a call does with an offer: read it, write one for the other leg.
pub(super) fn sdp_offer() -> Option<Operation> {
    let rewrite = || {
        let description = Description::parse(black_box(invite_body().as_bytes())).ok()?;
        let anchor = Anchor::plain(SocketAddr::from(([198, 51, 100, 4], 30_000)));
        offer(&description, &mut Side::new(7), Some(anchor), &[]).ok()
    };
    rewrite()?;
    Some(Box::new(move || {
        black_box(rewrite());
    }))
}

pub(super) const US: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 4));
const SESSIONS: u64 = 200;

/// Packets of many sessions in turn, each from the caller's address that its description named.
pub(super) fn relay_packet() -> Option<Operation> {
    relay([None, None], false)
}

/// The same for legs that have heard somebody else before.
pub(super) fn relay_turned() -> Option<Operation> {
    relay([None, None], true)
}

/// The same to legs with keys.
pub(super) fn relay_protect() -> Option<Operation> {
    relay([None, Some(2)], false)
}

/// The same between legs with keys; the phone protects first.
pub(super) fn relay_srtp() -> Option<Operation> {
    relay([Some(1), Some(2)], false)
}

/// `keys` = of which octet the keys of caller and callee are. `turned` = the first packets of each session are somebody else's.
fn relay(keys: [Option<u8>; 2], turned: bool) -> Option<Operation> {
    const LEN: usize = 172;
    const SUITE: Suite = Suite::AesCm128HmacSha1_80;
    let mut relay = Relay::new(PortRange {
        first: 30_000,
        last: 40_000,
    });
    let (mut pairs, mut phones) = (Vec::new(), Vec::new());
    for number in 0..SESSIONS {
        pairs.push(open(&mut relay, MediaSessionId(number), keys)?);
        phones.extend(keys[0].and_then(|octet| Sender::new(SUITE, &[octet; 30])));
    }
    let from = |at: usize| SocketAddr::from(([192, 0, 2, 11], 10_000 + at as u16));
    let mut packet = [0xff_u8; LEN + ROOM];
    let (mut turn, mut now) = (0_usize, Duration::ZERO);
    let mut step = move || {
        let at = turn % pairs.len();
        let sequence = (turn / pairs.len()) as u16;
        let source = u8::from(turned && sequence < 2);
        packet.get_mut(..2)?.copy_from_slice(&[0x80, 0]);
        packet.get_mut(2..4)?.copy_from_slice(&sequence.to_be_bytes());
        packet
            .get_mut(4..8)?
            .copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        packet.get_mut(8..12)?.copy_from_slice(&[0x5e, 0xed, source, 1]);
        let len = match phones.get_mut(at) {
            Some(phone) => phone.protect_rtp(&mut packet, LEN).ok()?,
            None => LEN,
        };
        turn += 1;
        now += Duration::from_micros(100);
        relay.handle_packet(*pairs.get(at)?, false, from(at), (&mut packet, len), now)
    };
    // Past the first packets, which lock a source.
    for _ in 0..SESSIONS * 4 {
        step()?;
    }
    Some(Box::new(move || {
        black_box(step());
    }))
}

/// A command on its way to the media plane and a report on its way back, in one of 200 sessions after the other.
pub(super) fn link_command() -> Option<Operation> {
    let (mut control, mut plane) = (Control::new(), Plane::new(7));
    let (mut turn, mut now) = (0_u64, Duration::from_secs(1));
    let mut step = move || {
        let session = MediaSessionId(turn % SESSIONS);
        turn += 1;
        now += Duration::from_micros(500);
        let (leg, on) = (Leg::Caller, true);
        let command = match turn <= SESSIONS {
            true => MediaCommand::Serve {
                session,
                ip: US,
                silence_s: 0,
                ssrc: 1,
            },
            false => MediaCommand::Mask { session, leg, on },
        };
        control.say(command, 5, now);
        while let Some(frame) = control.poll_frame() {
            plane.hear(frame, now);
        }
        black_box(plane.poll_command()?);
        plane.report(MediaReport::Silent { session }, now);
        while let Some(frame) = plane.poll_frame() {
            control.hear(frame, now);
        }
        while let Some(frame) = control.poll_frame() {
            plane.hear(frame, now);
        }
        control.handle_timeout(now);
        plane.handle_timeout(now);
        control.poll_report()
    };
    for _ in 0..SESSIONS * 4 {
        step()?;
    }
    Some(Box::new(move || {
        black_box(step());
    }))
}

/// A session with both legs described; gives the pair that faces the caller.
fn open(relay: &mut Relay, session: MediaSessionId, keys: [Option<u8>; 2]) -> Option<PairId> {
    let now = Duration::ZERO;
    relay.handle_command(
        &MediaCommand::Open {
            session,
            caller_ip: US,
            callee_ip: US,
            silence_s: 60,
            urgent: false,
        },
        now,
    );
    let mut bound = Vec::new();
    let mut opened = None;
    while let Some(effect) = relay.poll_effect() {
        match effect {
            Effect::Bind { pair, rtp_port, .. } => {
                bound.push((pair, rtp_port));
                relay.bound(pair, true, now);
            }
            Effect::Report(MediaReport::Opened { caller, .. }) => opened = Some(caller.port()),
            Effect::Report(_)
            | Effect::Load { .. }
            | Effect::Spool { .. }
            | Effect::Fork { .. }
            | Effect::Room { .. } => {
                return None;
            }
        }
    }
    let legs = [(Leg::Caller, [192, 0, 2, 11]), (Leg::Callee, [192, 0, 2, 12])];
    for ((leg, host), octet) in legs.into_iter().zip(keys) {
        let rtp = SocketAddr::from((host, 10_000 + session.0 as u16));
        let rtcp = Some(SocketAddr::new(rtp.ip(), rtp.port() + 1));
        let command = MediaCommand::Remote {
            session,
            leg,
            rtp: Some(rtp),
            rtcp,
            signalling_ip: rtp.ip(),
            srtp: match octet.map(|octet| SrtpKey::new(&[octet; 30])) {
                Some(key) => Some(Box::new(SrtpKeys {
                    suite: SrtpSuite::AesCm128HmacSha1_80,
                    ours: key.clone()?,
                    theirs: key?,
                })),
                None => None,
            },
            web: None,
            voice: None,
        };
        relay.handle_command(&command, now);
    }
    bound
        .iter()
        .find(|(_, port)| Some(*port) == opened)
        .map(|(pair, _)| *pair)
}

/// A packet put into a jitter buffer of a stream that loses one in fifty, and the pieces of its 20 ms taken out.
pub(super) fn jitter_packet() -> Option<Operation> {
    let mut buffer = JitterBuffer::new(Settings::call(8000));
    let mut packet = [0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1].to_vec();
    packet.resize(172, 0xFF);
    let mut number = 0_u32;
    let mut step = move || {
        number += 1;
        packet
            .get_mut(2..4)?
            .copy_from_slice(&(number as u16).to_be_bytes());
        packet
            .get_mut(4..8)?
            .copy_from_slice(&number.wrapping_mul(160).to_be_bytes());
        let now = Duration::from_millis(u64::from(number) * 20);
        if !number.is_multiple_of(50) {
            let header = Header::parse(&packet).ok()?;
            black_box(buffer.put(&header, header.payload(&packet), Content::Sound(160), now));
        }
        black_box(buffer.pull(now, 0));
        Some(())
    };
    for _ in 0..500 {
        step()?;
    }
    Some(Box::new(move || {
        black_box(step());
    }))
}
