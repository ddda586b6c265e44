//! Fixtures of calls that are transcoded: everything but the sockets.

use super::Operation;
use super::audio::sound;
use super::media::US;
use crate::phone::{described, voice};
use audio::g711::Law;
use audio::{g722, opus};
use media::{Effect, PairId, PortRange, ROOM, Relay};
use model::{Codec, Leg, MediaCommand, MediaReport, MediaSessionId, Voice};
use std::hint::black_box;
use std::net::SocketAddr;
use std::time::Duration;

const SESSION: MediaSessionId = MediaSessionId(1);
const TICK: Duration = Duration::from_millis(20);
/// Frames of sound, over and over.
const FRAMES: usize = 50;

/// What one leg sends: payloads in turn, numbered as they go.
struct Sender {
    pair: PairId,
    at: SocketAddr,
    pt: u8,
    units: u32,
    payloads: Vec<Vec<u8>>,
    number: u32,
}

impl Sender {
    fn send(&mut self, relay: &mut Relay, now: Duration) -> Option<()> {
        let at = usize::try_from(self.number).ok()? % self.payloads.len();
        let payload = self.payloads.get(at)?;
        let mut packet = vec![0x80, self.pt];
        packet.extend((self.number as u16).to_be_bytes());
        packet.extend(self.number.wrapping_mul(self.units).to_be_bytes());
        packet.extend(u32::from(self.pt).to_be_bytes());
        packet.extend(payload);
        let len = packet.len();
        packet.resize(len + ROOM, 0);
        self.number += 1;
        relay.handle_packet(self.pair, false, self.at, (&mut packet, len), now);
        Some(())
    }
}

pub(super) fn opus_pcmu() -> Option<Operation> {
    call(voice(Codec::Opus), voice(Codec::Pcmu))
}

pub(super) fn g722_pcmu() -> Option<Operation> {
    call(voice(Codec::G722), voice(Codec::Pcmu))
}

fn call(caller: Voice, callee: Voice) -> Option<Operation> {
    let mut relay = Relay::new(PortRange {
        first: 30_000,
        last: 30_999,
    });
    let mut now = Duration::from_secs(1);
    let [caller_pair, callee_pair] = open(&mut relay, now)?;
    let mut legs = [
        describe(&mut relay, (Leg::Caller, caller_pair), caller, now)?,
        describe(&mut relay, (Leg::Callee, callee_pair), callee, now)?,
    ];
    let mut step = move || {
        for leg in &mut legs {
            leg.send(&mut relay, now)?;
        }
        now += TICK;
        relay.handle_timeout(now);
        let mut sent = 0;
        while let Some(frame) = relay.poll_frame() {
            black_box(&frame.octets);
            sent += 1;
        }
        Some(sent)
    };
    // Past the beginning, when there is nothing to be played yet.
    for _ in 0..100 {
        step()?;
    }
    (step()? == 2).then_some(Box::new(move || {
        black_box(step());
    }) as Operation)
}

/// A session; gives the pairs that face caller and callee.
fn open(relay: &mut Relay, now: Duration) -> Option<[PairId; 2]> {
    let command = MediaCommand::Open {
        session: SESSION,
        caller_ip: US,
        callee_ip: US,
        silence_s: 60,
        urgent: false,
    };
    relay.handle_command(&command, now);
    let (mut bound, mut opened) = (Vec::new(), None);
    while let Some(effect) = relay.poll_effect() {
        match effect {
            Effect::Bind { pair, rtp_port, .. } => {
                bound.push((pair, rtp_port));
                relay.bound(pair, true, now);
            }
            Effect::Report(MediaReport::Opened { caller, callee, .. }) => {
                opened = Some((caller.port(), callee.port()));
            }
            _ => return None,
        }
    }
    let (caller, callee) = opened?;
    let pair = |port: u16| bound.iter().find(|(_, at)| *at == port).map(|(pair, _)| *pair);
    Some([pair(caller)?, pair(callee)?])
}

fn describe(relay: &mut Relay, (leg, pair): (Leg, PairId), voice: Voice, now: Duration) -> Option<Sender> {
    let host = match leg {
        Leg::Caller => [192, 0, 2, 11],
        Leg::Callee => [192, 0, 2, 12],
    };
    let at = SocketAddr::from((host, 10_000));
    let sender = Sender {
        pair,
        at,
        pt: voice.pt,
        units: voice.codec.clock_hz() / 50,
        payloads: payloads(voice.codec)?,
        number: 0,
    };
    relay.handle_command(&described(SESSION, leg, at, voice), now);
    Some(sender)
}

/// A second of sound as a codec has it.
fn payloads(codec: Codec) -> Option<Vec<Vec<u8>>> {
    let rate_hz = match codec {
        Codec::Pcmu | Codec::Pcma => 8_000_u32,
        Codec::G722 | Codec::Opus => 16_000,
    };
    let samples = sound(FRAMES * usize::try_from(rate_hz / 50).ok()?);
    let mut octets = vec![0; opus::MAX_PACKET];
    let mut opus = opus::Encoder::new(opus::Settings::call(rate_hz)).ok()?;
    let mut g722 = g722::Encoder::new();
    let mut payloads = Vec::new();
    for frame in samples.chunks(usize::try_from(rate_hz / 50).ok()?) {
        let count = match codec {
            Codec::Pcmu => Law::Mu.encode_frame(frame, &mut octets),
            Codec::Pcma => Law::A.encode_frame(frame, &mut octets),
            Codec::G722 => g722.encode(frame, &mut octets),
            Codec::Opus => opus.encode(frame, &mut octets).ok()??,
        };
        payloads.push(octets.get(..count)?.to_vec());
    }
    Some(payloads)
}
