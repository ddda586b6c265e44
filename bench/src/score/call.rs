//! One call through the media server: a phone speaks through a network, another one with another codec listens.
//!
//! Owns: packets and simulated time. Does not own: what becomes of them (`media`).

use super::codec::{Decoder, Packets};
use super::network::Network;
use crate::phone::{described, voice};
use anyhow::{Context, Result, bail, ensure};
use media::{Effect, Frame, PairId, PortRange, ROOM, Relay};
use model::{Codec, Leg, MediaCommand, MediaReport, MediaSessionId};
use rtp::Header;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

const SESSION: MediaSessionId = MediaSessionId(1);
const US: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 1));
const SPEAKER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 11)), 10_000);
const LISTENER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 12)), 10_000);
const PACKET: Duration = Duration::from_millis(20);
/// What is heard after the last packet.
const REST: Duration = Duration::from_secs(1);

/// The codecs of a call.
#[derive(Clone, Copy)]
pub(super) struct Codecs {
    pub(super) speaker: Codec,
    pub(super) listener: Codec,
    /// Samples per second of what is said and heard.
    pub(super) rate_hz: u32,
}

/// A relay, its clock, and what the listener has heard.
struct Call {
    codecs: Codecs,
    relay: Relay,
    now: Duration,
    pairs: Vec<(PairId, u16)>,
    ports: Option<(u16, u16)>,
    decoder: Decoder,
    /// When the speaker began.
    begin: Duration,
    /// Source and timestamp of the listener's first packet, and when that was played.
    first: Option<(u32, u32, Duration)>,
    heard: Vec<i16>,
}

/// Everything that is heard of the packets, from when the speaker has begun.
pub(super) fn hear(codecs: Codecs, packets: &Packets, network: &Network, seed: u64) -> Result<Vec<i16>> {
    let begin = Duration::from_secs(1);
    let mut call = Call {
        codecs,
        relay: Relay::new(PortRange {
            first: 30_000,
            last: 30_999,
        }),
        now: begin,
        pairs: Vec::new(),
        ports: None,
        decoder: Decoder::new(codecs.listener, codecs.rate_hz)?,
        begin,
        first: None,
        heard: Vec::new(),
    };
    let pair = call.open()?;
    for (at, number) in network.carry(packets.len() as u64, seed) {
        call.run_until(begin + at)?;
        let payload = packets.get(usize::try_from(number)?).context("no such packet")?;
        // A pause that Opus does not send.
        let Some(payload) = payload else { continue };
        call.speak(pair, u32::try_from(number)?, payload)?;
    }
    let end = call.now + REST;
    call.run_until(end)?;
    let lasts = PACKET * u32::try_from(packets.len())? + REST;
    let samples = lasts.as_millis() * u128::from(codecs.rate_hz) / 1_000;
    call.heard.resize(usize::try_from(samples)?, 0);
    Ok(call.heard)
}

impl Call {
    /// Gives the pair that faces the speaker.
    fn open(&mut self) -> Result<PairId> {
        self.tell(&MediaCommand::Open {
            session: SESSION,
            caller_ip: US,
            callee_ip: US,
            silence_s: 0,
            urgent: false,
        })?;
        let (port, _) = self.ports.context("no ports")?;
        let legs = [
            (Leg::Caller, SPEAKER, self.codecs.speaker),
            (Leg::Callee, LISTENER, self.codecs.listener),
        ];
        for (leg, at, codec) in legs {
            let mut voice = voice(codec);
            voice.opus.max_rate_hz = self.codecs.rate_hz;
            self.tell(&described(SESSION, leg, at, voice))?;
        }
        let pair = self.pairs.iter().find(|(_, at)| *at == port);
        Ok(pair.context("no pair")?.0)
    }

    fn speak(&mut self, pair: PairId, number: u32, payload: &[u8]) -> Result<()> {
        let codec = self.codecs.speaker;
        let units = codec.clock_hz() / 50;
        let mut packet = vec![0x80, voice(codec).pt];
        packet.extend((number as u16).to_be_bytes());
        packet.extend(number.wrapping_mul(units).to_be_bytes());
        packet.extend(7_u32.to_be_bytes());
        packet.extend(payload);
        let len = packet.len();
        packet.resize(len + ROOM, 0);
        let forward = self
            .relay
            .handle_packet(pair, false, SPEAKER, (&mut packet, len), self.now);
        ensure!(forward.is_none(), "a packet was passed on, not transcoded");
        self.settle()
    }

    fn tell(&mut self, command: &MediaCommand) -> Result<()> {
        self.relay.handle_command(command, self.now);
        self.settle()
    }

    fn run_until(&mut self, end: Duration) -> Result<()> {
        while let Some(due) = self.relay.poll_timeout().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.relay.handle_timeout(self.now);
            self.settle()?;
        }
        self.now = self.now.max(end);
        Ok(())
    }

    fn settle(&mut self) -> Result<()> {
        while let Some(effect) = self.relay.poll_effect() {
            match effect {
                Effect::Bind { pair, rtp_port, .. } => {
                    self.pairs.push((pair, rtp_port));
                    self.relay.bound(pair, true, self.now);
                }
                Effect::Report(MediaReport::Opened { caller, callee, .. }) => {
                    self.ports = Some((caller.port(), callee.port()));
                }
                Effect::Report(MediaReport::Refused { .. } | MediaReport::Closed { .. }) => {
                    bail!("the media server ended the call")
                }
                _ => {}
            }
        }
        while let Some(frame) = self.relay.poll_frame() {
            if frame.to == LISTENER && !frame.rtcp {
                self.listen(&frame)?;
            }
        }
        Ok(())
    }

    /// Plays a packet of ours where its timestamp says, as a phone would. The network on this side is perfect.
    fn listen(&mut self, frame: &Frame) -> Result<()> {
        let header = Header::parse(&frame.octets)?;
        let (source, timestamp) = (header.ssrc, header.timestamp);
        let (known, zero, played) = *self.first.get_or_insert((source, timestamp, self.now));
        ensure!(source == known, "another source amid the call");
        let units = u64::from(timestamp.wrapping_sub(zero));
        let clock_hz = u64::from(self.codecs.listener.clock_hz());
        let at = played - self.begin + Duration::from_micros(units * 1_000_000 / clock_hz);
        let off = at.abs_diff(self.now - self.begin);
        ensure!(off <= PACKET, "timestamps are off the time by {off:?}");
        let place = at.as_micros() * u128::from(self.codecs.rate_hz) / 1_000_000;
        self.heard.resize(usize::try_from(place)?, 0);
        self.decoder
            .decode(header.payload(&frame.octets), &mut self.heard)
    }
}

#[cfg(test)]
mod tests {
    use super::super::{codec, network};
    use super::*;

    #[test]
    fn a_tone_comes_through_a_clean_network_within_a_few_ticks_and_lasts_as_long() {
        let codecs = Codecs {
            speaker: Codec::Pcma,
            listener: Codec::G722,
            rate_hz: 8_000,
        };
        let tone = |n: usize| if n % 20 < 10 { 4_000 } else { -4_000 };
        let said: Vec<i16> = (0..16_000).map(tone).collect();
        let packets = codec::encode(Codec::Pcma, &said, 8_000, 0).unwrap();
        let clean = network::ALL.first().unwrap();
        let heard = hear(codecs, &packets, clean, 1).unwrap();
        assert_eq!(heard.len(), 24_000);
        let begin = heard.iter().position(|s| s.abs() > 1_000).unwrap();
        let end = heard.iter().rposition(|s| s.abs() > 1_000).unwrap();
        assert!((160..800).contains(&begin), "begins after {begin} samples");
        // It fades out behind the last packet.
        assert!((15_900..16_800).contains(&(end - begin)), "{begin} to {end}");
    }
}
