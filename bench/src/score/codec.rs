//! What phones do: speech made into payloads of 20 ms, and payloads made into sound.
//!
//! Does not own: a jitter buffer or concealment. What is missing is silence here, so that it is heard what those are worth.

use anyhow::{Result, anyhow};
use audio::g711::Law;
use audio::resample::Resampler;
use audio::{g722, opus};
use model::Codec;

/// Payloads of 20 ms in the order of their numbers; `None` = not sent, or lost.
pub(super) type Packets = Vec<Option<Vec<u8>>>;

/// Speech of so many samples per second as a phone sends it, which has heard how much is lost.
pub(super) fn encode(codec: Codec, sound: &[i16], rate_hz: u32, loss_percent: u64) -> Result<Packets> {
    let mut opus = opus::Encoder::new(opus::Settings::call(rate_hz)).map_err(refused)?;
    opus.set_loss(u8::try_from(loss_percent)?).map_err(refused)?;
    let mut g722 = g722::Encoder::new();
    let mut octets = vec![0; opus::MAX_PACKET];
    let mut packets = Vec::new();
    let sound = convert(sound, rate_hz, coded_hz(codec, rate_hz))?;
    for frame in sound.chunks_exact(coded_hz(codec, rate_hz) as usize / 50) {
        let count = match codec {
            Codec::Pcmu => Some(Law::Mu.encode_frame(frame, &mut octets)),
            Codec::Pcma => Some(Law::A.encode_frame(frame, &mut octets)),
            Codec::G722 => Some(g722.encode(frame, &mut octets)),
            Codec::Opus => opus.encode(frame, &mut octets).map_err(refused)?,
        };
        packets.push(count.and_then(|count| octets.get(..count)).map(<[u8]>::to_vec));
    }
    Ok(packets)
}

/// What is heard of packets without a jitter buffer and concealment.
pub(super) fn decode(codec: Codec, packets: &Packets, rate_hz: u32) -> Result<Vec<i16>> {
    let mut decoder = Decoder::new(codec, rate_hz)?;
    let silence = vec![0; rate_hz as usize / 50];
    let mut sound = Vec::new();
    for packet in packets {
        match packet {
            Some(payload) => decoder.decode(payload, &mut sound)?,
            None => sound.extend_from_slice(&silence),
        }
    }
    Ok(sound)
}

/// Samples per second of what is encoded. Opus takes any rate.
fn coded_hz(codec: Codec, rate_hz: u32) -> u32 {
    match codec {
        Codec::Opus => rate_hz,
        other => other.rate_hz(),
    }
}

fn convert(sound: &[i16], from_hz: u32, to_hz: u32) -> Result<Vec<i16>> {
    let mut resampler = Resampler::new(from_hz, to_hz)?;
    let mut converted = vec![0; resampler.most(sound.len())];
    let count = resampler.process(sound, &mut converted);
    converted.truncate(count);
    Ok(converted)
}

/// Who listens.
pub(super) struct Decoder {
    codec: Codec,
    g722: g722::Decoder,
    opus: opus::Decoder,
    resampler: Resampler,
    samples: Vec<i16>,
}

impl Decoder {
    /// To so many samples per second.
    pub(super) fn new(codec: Codec, rate_hz: u32) -> Result<Decoder> {
        let opus = opus::Decoder::new(rate_hz).map_err(refused)?;
        Ok(Decoder {
            codec,
            g722: g722::Decoder::new(),
            samples: vec![0; opus.most()],
            opus,
            resampler: Resampler::new(coded_hz(codec, rate_hz), rate_hz)?,
        })
    }

    /// Appends what a payload says.
    pub(super) fn decode(&mut self, payload: &[u8], sound: &mut Vec<i16>) -> Result<()> {
        self.samples.resize(opus::MAX_PACKET * 8, 0);
        let samples = &mut self.samples;
        let count = match self.codec {
            Codec::Pcmu => Law::Mu.decode_frame(payload, samples),
            Codec::Pcma => Law::A.decode_frame(payload, samples),
            Codec::G722 => self.g722.decode(payload, samples),
            Codec::Opus => self.opus.decode(payload, samples).map_err(refused)?,
        };
        let begin = sound.len();
        sound.resize(begin + self.resampler.most(count), 0);
        let said = samples.get(..count).unwrap_or_default();
        let written = self
            .resampler
            .process(said, sound.get_mut(begin..).unwrap_or_default());
        sound.truncate(begin + written);
        Ok(())
    }
}

fn refused(error: opus::Error) -> anyhow::Error {
    anyhow!("Opus: {error}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_encoded_is_heard_and_what_is_lost_is_silence() {
        for codec in Codec::ALL {
            for rate_hz in [8_000, 16_000] {
                let period = rate_hz as usize / 400;
                let tone = |n: usize| if n % period < period / 2 { 4_000 } else { -4_000 };
                let said: Vec<i16> = (0..rate_hz as usize).map(tone).collect();
                let mut packets = encode(codec, &said, rate_hz, 0).unwrap();
                assert_eq!(packets.len(), 50, "{codec:?}");
                packets[25] = None;
                let heard = decode(codec, &packets, rate_hz).unwrap();
                assert_eq!(heard.len(), said.len(), "{codec:?} {rate_hz}");
                let frame = rate_hz as usize / 50;
                let level = |n: usize| {
                    let frame = &heard[n * frame..(n + 1) * frame];
                    frame.iter().map(|s| i64::from(*s).abs()).sum::<i64>() / frame.len() as i64
                };
                assert!(level(24) > 2_000 && level(27) > 2_000, "{codec:?} {rate_hz}");
                assert_eq!(level(25), 0);
            }
        }
    }
}
