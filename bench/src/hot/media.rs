//! Fixtures of the description and packet paths.

use super::Operation;
use super::sip::invite_body;
use media::{Effect, PairId, PortRange, ROOM, Relay};
use model::{Leg, MediaCommand, MediaReport, MediaSessionId};
use rtp::Header;
use rtp::jitter::{Content, JitterBuffer, Settings};
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
    let mut relay = Relay::new(PortRange {
        first: 30_000,
        last: 40_000,
    });
    let mut pairs = Vec::new();
    for number in 0..SESSIONS {
        pairs.push(open(&mut relay, MediaSessionId(number))?);
    }
    let from = |at: usize| SocketAddr::from(([192, 0, 2, 11], 10_000 + at as u16));
    const LEN: usize = 172;
    let mut packet = [0xff_u8; LEN + ROOM];
    packet
        .get_mut(..12)?
        .copy_from_slice(&[0x80, 0, 0, 0, 0, 0, 0, 0, 0x5e, 0xed, 0, 1]);
    let (mut turn, mut now) = (0_usize, Duration::ZERO);
    let mut step = move || {
        let at = turn % pairs.len();
        let sequence = (turn / pairs.len()) as u16;
        packet.get_mut(2..4)?.copy_from_slice(&sequence.to_be_bytes());
        packet
            .get_mut(4..8)?
            .copy_from_slice(&(u32::from(sequence) * 160).to_be_bytes());
        turn += 1;
        now += Duration::from_micros(100);
        relay.handle_packet(*pairs.get(at)?, false, from(at), (&mut packet, LEN), now)
    };
    // Past the first packets, which lock a source.
    for _ in 0..SESSIONS * 4 {
        step()?;
    }
    Some(Box::new(move || {
        black_box(step());
    }))
}

/// A session with both legs described; gives the pair that faces the caller.
fn open(relay: &mut Relay, session: MediaSessionId) -> Option<PairId> {
    let now = Duration::ZERO;
    relay.handle_command(
        &MediaCommand::Open {
            session,
            caller_ip: US,
            callee_ip: US,
            silence_s: 60,
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
    for (leg, host) in [(Leg::Caller, [192, 0, 2, 11]), (Leg::Callee, [192, 0, 2, 12])] {
        let rtp = SocketAddr::from((host, 10_000 + session.0 as u16));
        let rtcp = Some(SocketAddr::new(rtp.ip(), rtp.port() + 1));
        let command = MediaCommand::Remote {
            session,
            leg,
            rtp: Some(rtp),
            rtcp,
            signalling_ip: rtp.ip(),
            srtp: None,
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
