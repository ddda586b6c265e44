//! Conferences of a hundred through a relay, packets in and packets out, without sockets.
//!
//! One operation is 20 ms of all members, two participant-seconds: a thousandth of its nanoseconds, halved, is the CPU per
//! participant-second in microseconds.

use super::Operation;
use crate::phone::{described, voice};
use audio::g711::Law;
use audio::{g722, opus};
use media::{Effect, PairId, PortRange, ROOM, Relay};
use model::{Codec, Leg, MediaCommand, MediaSessionId, RoomId, Seat, Seats, TenantId};
use std::hint::black_box;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const MEMBERS: u64 = 100;
/// Members that say something; four of them are heard.
const SPEAKERS: u64 = 6;
const US: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 4));
const TICK: Duration = Duration::from_millis(20);
/// Packets of each kind that are said over and over.
const SAID: usize = 50;

pub(super) fn pcmu() -> Option<Operation> {
    conference(&[Codec::Pcmu])
}

pub(super) fn opus() -> Option<Operation> {
    conference(&[Codec::Opus])
}

pub(super) fn mixed() -> Option<Operation> {
    conference(&[Codec::Pcmu, Codec::G722, Codec::Opus])
}

/// Payloads of a second of this codec: of a voice-like sound, or of a quiet room.
fn said(codec: Codec, is_speaking: bool) -> Option<Vec<Vec<u8>>> {
    let rate_hz = codec.rate_hz().min(16_000);
    let law = |frame: &[i16], octets: &mut [u8]| Some(Law::Mu.encode_frame(frame, octets));
    let mut wide = g722::Encoder::new();
    let mut small = opus::Encoder::new(opus::Settings::call(rate_hz.max(8_000))).ok()?;
    let frame = |at: usize| {
        let sample = |n: u32| {
            let second = (at as u32 * rate_hz / 50 + n) as f32 / rate_hz as f32;
            let loud = if is_speaking { 6000.0 } else { 8.0 };
            let swell = 0.5 + 0.5 * (second * 25.0).sin();
            ((second * 900.0).sin() + 0.5 * (second * 4100.0).sin()) * swell * loud
        };
        (0..rate_hz / 50).map(|n| sample(n) as i16).collect::<Vec<i16>>()
    };
    let encode = |at: usize| {
        let mut octets = vec![0; opus::MAX_PACKET];
        let count = match codec {
            Codec::Pcmu | Codec::Pcma => law(&frame(at), &mut octets),
            Codec::G722 => Some(wide.encode(&frame(at), &mut octets)),
            Codec::Opus => small.encode(&frame(at), &mut octets).ok()?,
        };
        octets.truncate(count?);
        Some(octets)
    };
    (0..SAID).map(encode).collect()
}

struct Member {
    pair: PairId,
    from: SocketAddr,
    pt: u8,
    units: u32,
    said: Vec<Vec<u8>>,
}

/// All send all the time; a few say something.
fn conference(codecs: &[Codec]) -> Option<Operation> {
    let mut relay = Relay::new(PortRange {
        first: 30_000,
        last: 40_000,
    });
    let mut members = Vec::new();
    for (number, codec) in (0..MEMBERS).zip(codecs.iter().cycle()) {
        members.push(member(&mut relay, number, *codec)?);
    }
    let mut turn = 0_usize;
    let mut buffer = [0_u8; 1500 + ROOM];
    let mut step = move || {
        let now = TICK * turn as u32;
        for member in &members {
            let payload = member.said.get(turn % SAID)?;
            let len = 12 + payload.len();
            buffer.get_mut(..2)?.copy_from_slice(&[0x80, member.pt]);
            buffer
                .get_mut(2..4)?
                .copy_from_slice(&(turn as u16).to_be_bytes());
            let timestamp = member.units.wrapping_mul(turn as u32);
            buffer.get_mut(4..8)?.copy_from_slice(&timestamp.to_be_bytes());
            buffer.get_mut(8..12)?.copy_from_slice(&[0x5e, 0xed, 0, 1]);
            buffer.get_mut(12..len)?.copy_from_slice(payload);
            relay.handle_packet(member.pair, false, member.from, (&mut buffer, len), now);
        }
        turn += 1;
        relay.handle_timeout(now + TICK / 2);
        let mut sent = 0;
        while let Some(frame) = relay.poll_frame() {
            black_box(frame);
            sent += 1;
        }
        while let Some(effect) = relay.poll_effect() {
            black_box(effect);
        }
        (turn < 20 || sent == MEMBERS).then_some(())
    };
    for _ in 0..100 {
        step()?;
    }
    Some(Box::new(move || {
        black_box(step());
    }))
}

/// A session of its own for each member, and its seat.
fn member(relay: &mut Relay, number: u64, codec: Codec) -> Option<Member> {
    let (session, now) = (MediaSessionId(number), Duration::ZERO);
    relay.handle_command(
        &MediaCommand::Serve {
            session,
            ip: US,
            silence_s: 0,
            ssrc: number as u32,
        },
        now,
    );
    let mut bound = None;
    while let Some(effect) = relay.poll_effect() {
        if let Effect::Bind { pair, .. } = effect {
            relay.bound(pair, true, now);
            bound = Some(pair);
        }
    }
    let from = SocketAddr::from(([192, 0, 2, 11], 10_000 + number as u16));
    let voice = voice(codec);
    let pt = voice.pt;
    let describe = described(session, Leg::Caller, from, voice);
    let seats = Seats {
        room: RoomId {
            tenant: TenantId(1),
            number: 1,
        },
        caller: Seat {
            speaks: true,
            hears: true,
        },
        callee: Seat::default(),
        chimes: false,
    };
    let join = MediaCommand::Join {
        session,
        seats: Some(seats),
    };
    relay.handle_command(&describe, now);
    relay.handle_command(&join, now);
    Some(Member {
        pair: bound?,
        from,
        pt,
        units: codec.clock_hz() / 50,
        said: said(codec, number < SPEAKERS)?,
    })
}
