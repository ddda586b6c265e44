//! What the phones say: ten seconds of something like a voice, encoded once for each codec and sent again and again.
//!
//! Owns: the signal and its packets, and who speaks when. A codec is neither fed silence, which is cheap, nor noise, which is
//! dear: who listens sends the noise of a quiet room.

use anyhow::{Result, anyhow};
use audio::g711::Law;
use audio::{g722, opus};
use model::Codec;
use std::f64::consts::TAU;

/// Packets of 20 ms in the signal.
const PACKETS: usize = 500;
/// Of them, who is called begins after so many, and each speaks for so many: 39 per cent of the time, 7 of it at once, as
/// people do (ITU-T P.59, table 1).
const BEGINS: u64 = 160;
const SPEAKS: u64 = 195;
/// Octets of the largest one.
const LARGEST: usize = 1_275;

/// When the legs of a call speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Talk {
    /// All, all the time.
    AtOnce,
    /// By turns, as people do.
    ByTurns,
}

impl Talk {
    /// Does leg `number` of all speak in its packet of this number? The legs of a call are neighbours.
    pub(super) fn speaks(self, number: u64, packet: u64) -> bool {
        let at = packet + number / 2 * 73;
        let begins = if number.is_multiple_of(2) {
            0
        } else {
            PACKETS as u64 - BEGINS
        };
        self == Talk::AtOnce || (at + begins) % (PACKETS as u64) < SPEAKS
    }
}

/// Payloads by codec.
pub(super) struct Speech {
    voice: Encoded,
    room: Encoded,
}

/// One signal.
struct Encoded {
    pcmu: Vec<Vec<u8>>,
    pcma: Vec<Vec<u8>>,
    g722: Vec<Vec<u8>>,
    opus: Vec<Vec<u8>>,
}

impl Speech {
    /// Encodes all.
    pub(super) fn new() -> Result<Speech> {
        Ok(Speech {
            voice: Encoded::new(|rate_hz| voice(rate_hz, 4_500.0))?,
            room: Encoded::new(|rate_hz| voice(rate_hz, 0.0))?,
        })
    }

    /// One payload, of somebody who speaks or listens; numbers go round.
    pub(super) fn payload(&self, codec: Codec, number: u64, speaks: bool) -> &[u8] {
        let signal = if speaks { &self.voice } else { &self.room };
        signal.payload(codec, number)
    }
}

impl Encoded {
    fn new(signal: impl Fn(u32) -> Vec<i16>) -> Result<Encoded> {
        let (narrow, wide, full) = (signal(8_000), signal(16_000), signal(48_000));
        let law = |law: Law| {
            let packet = |samples: &[i16]| samples.iter().map(|s| law.encode(*s)).collect();
            narrow.chunks(160).map(packet).collect()
        };
        let mut encoder = g722::Encoder::new();
        let g722 = wide.chunks(320).map(|samples| {
            let mut octets = vec![0; samples.len() / 2];
            encoder.encode(samples, &mut octets);
            octets
        });
        let g722 = g722.collect();
        let refused = |error| anyhow!("Opus: {error:?}");
        let mut encoder = opus::Encoder::new(opus::Settings::call(48_000)).map_err(refused)?;
        let mut packets = Vec::with_capacity(PACKETS);
        for samples in full.chunks(960) {
            let mut octets = vec![0; LARGEST];
            let len = encoder
                .encode(samples, &mut octets)
                .map_err(refused)?
                .unwrap_or(0);
            octets.truncate(len);
            packets.push(octets);
        }
        Ok(Encoded {
            pcmu: law(Law::Mu),
            pcma: law(Law::A),
            g722,
            opus: packets,
        })
    }

    fn payload(&self, codec: Codec, number: u64) -> &[u8] {
        let all = match codec {
            Codec::Pcmu => &self.pcmu,
            Codec::Pcma => &self.pcma,
            Codec::G722 => &self.g722,
            Codec::Opus => &self.opus,
        };
        let at = number % all.len().max(1) as u64;
        all.get(at as usize).map_or(&[], Vec::as_slice)
    }
}

/// A pitch that glides between 105 and 165 Hz with fourteen harmonics under three slow formants, in four syllables a
/// second, with a breath of 400 ms in every two seconds, and a little noise all the time. Without loudness, noise alone.
fn voice(rate_hz: u32, loudness: f64) -> Vec<i16> {
    let count = PACKETS * rate_hz as usize / 50;
    let (mut phase, mut random) = (0.0_f64, 0x2545_f491_u32);
    let sample = |at: usize| {
        let t = at as f64 / f64::from(rate_hz);
        let pitch_hz = 135.0 + 30.0 * (TAU * 0.31 * t).sin();
        phase = (phase + pitch_hz / f64::from(rate_hz)).fract();
        random ^= random << 13;
        random ^= random >> 17;
        random ^= random << 5;
        let noise = f64::from(random) / f64::from(u32::MAX) - 0.5;
        let speaks = t % 2.0 < 1.6;
        let syllable = if speaks { (TAU * 2.0 * t).sin().abs() } else { 0.0 };
        let tract = |hz: f64| {
            let near = |centre: f64, width: f64| 1.0 / (1.0 + ((hz - centre) / width).powi(2));
            let slow = (TAU * 0.7 * t).sin();
            near(500.0 + 200.0 * slow, 120.0)
                + 0.6 * near(1_500.0 - 300.0 * slow, 200.0)
                + 0.3 * near(2_500.0, 300.0)
        };
        let voiced: f64 = (1..=14)
            .map(f64::from)
            .map(|n| (TAU * phase * n).sin() * tract(pitch_hz * n))
            .sum();
        ((voiced * syllable * loudness) + noise * 60.0).clamp(-30_000.0, 30_000.0) as i16
    };
    (0..count).map(sample).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_codec_has_a_packet_for_each_20_ms() {
        let speech = Speech::new().unwrap();
        for (codec, octets) in [(Codec::Pcmu, 160), (Codec::Pcma, 160), (Codec::G722, 160)] {
            assert!((0..PACKETS as u64).all(|n| speech.payload(codec, n, true).len() == octets));
        }
        let opus: Vec<usize> = (0..PACKETS as u64)
            .map(|n| speech.payload(Codec::Opus, n, true).len())
            .collect();
        // About 32 kbit/s: 80 octets each.
        let mean = opus.iter().sum::<usize>() / opus.len();
        assert!(
            (40..=120).contains(&mean) && opus.iter().all(|n| *n > 2),
            "{mean}"
        );
    }

    #[test]
    fn the_voice_is_loud_and_pauses() {
        let loud = |from: usize| {
            let part = voice(8_000, 4_500.0).into_iter().skip(from).take(1_600);
            part.map(|s| i32::from(s).abs()).max().unwrap()
        };
        assert!(
            loud(4_000) > 2_000 && loud(14_000) < 100,
            "{} {}",
            loud(4_000),
            loud(14_000)
        );
    }

    #[test]
    fn by_turns_each_speaks_for_its_share_of_the_time_and_seldom_both() {
        let speaks = |leg: u64| (0..500).map(move |n| Talk::ByTurns.speaks(leg, n));
        for call in [0, 2, 46] {
            let both = speaks(call).zip(speaks(call + 1));
            let count = |test: &dyn Fn(&(bool, bool)) -> bool| both.clone().filter(test).count();
            assert_eq!(
                (count(&|b| b.0), count(&|b| b.1), count(&|b| b.0 && b.1)),
                (195, 195, 35)
            );
        }
        assert!((0..500).all(|n| Talk::AtOnce.speaks(1, n)));
    }
}
