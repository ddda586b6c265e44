//! Payloads of one stream made into samples at the session's rate, and what stands in for those that are lost.
//!
//! Owns: the state of one codec. Does not own: which payload is next (`ear`).

use audio::g711::Law;
use audio::resample::Resampler;
use audio::{Concealer, g722, opus};
use model::Codec;

/// The longest packet, milliseconds (RFC 6716 §2.1.4).
pub(super) const MOST_MS: u32 = 120;

/// Decodes one stream.
#[derive(Debug)]
pub(super) struct Decoder {
    codec: Codec,
    rate_hz: u32,
    kind: Kind,
    /// From the codec's rate to the session's, where they differ.
    resampler: Option<Resampler>,
    /// Samples at the codec's rate.
    native: Vec<i16>,
}

#[derive(Debug)]
enum Kind {
    Law(Law, Box<Concealer>),
    G722(Box<g722::Decoder>, Box<Concealer>),
    Opus(opus::Decoder),
    /// libopus had no memory.
    Mute,
}

impl Decoder {
    pub(super) fn new(codec: Codec, rate_hz: u32) -> Decoder {
        let concealer = || Box::new(Concealer::new(rate_hz));
        let kind = match codec {
            Codec::Pcmu => Kind::Law(Law::Mu, concealer()),
            Codec::Pcma => Kind::Law(Law::A, concealer()),
            Codec::G722 => Kind::G722(Box::default(), concealer()),
            // Opus decodes to any rate.
            Codec::Opus => opus::Decoder::new(rate_hz).map_or(Kind::Mute, Kind::Opus),
        };
        let native_hz = match codec {
            Codec::Opus => rate_hz,
            other => other.rate_hz(),
        };
        let resampler = (native_hz != rate_hz).then(|| Resampler::new(native_hz, rate_hz).ok());
        Decoder {
            codec,
            rate_hz,
            kind,
            resampler: resampler.flatten(),
            native: Vec::new(),
        }
    }

    pub(super) fn codec(&self) -> Codec {
        self.codec
    }

    /// Appends what a payload says. One that is none of the codec's says nothing.
    pub(super) fn decode(&mut self, payload: &[u8], out: &mut Vec<i16>) {
        let start = out.len();
        match &mut self.kind {
            Kind::Law(law, concealer) => {
                if self.resampler.is_some() {
                    self.native.resize(payload.len(), 0);
                    law.decode_frame(payload, &mut self.native);
                    append(&self.native, self.resampler.as_mut(), out);
                } else {
                    out.resize(start.saturating_add(payload.len()), 0);
                    law.decode_frame(payload, out.get_mut(start..).unwrap_or_default());
                }
                concealer.received(out.get_mut(start..).unwrap_or_default());
            }
            Kind::G722(decoder, concealer) => {
                self.native.resize(payload.len().saturating_mul(2), 0);
                decoder.decode(payload, &mut self.native);
                append(&self.native, self.resampler.as_mut(), out);
                concealer.received(out.get_mut(start..).unwrap_or_default());
            }
            Kind::Opus(decoder) => {
                self.native.resize(decoder.most(), 0);
                let samples = decoder.decode(payload, &mut self.native).unwrap_or(0);
                out.extend(self.native.iter().take(samples));
            }
            Kind::Mute => {}
        }
    }

    /// Appends so many samples, or a little fewer, in place of a packet that is lost. `next` is the packet behind it.
    pub(super) fn lost(&mut self, samples: usize, next: Option<&[u8]>, out: &mut Vec<i16>) {
        let start = out.len();
        match &mut self.kind {
            Kind::Law(_, concealer) | Kind::G722(_, concealer) => {
                out.resize(start.saturating_add(samples), 0);
                concealer.lost(out.get_mut(start..).unwrap_or_default());
            }
            Kind::Opus(decoder) => {
                // Its grain is 2.5 ms.
                let grain = usize::try_from(self.rate_hz / 400).unwrap_or(20).max(1);
                let samples = (samples / grain).max(1) * grain;
                out.resize(start.saturating_add(samples.min(decoder.most())), 0);
                let place = out.get_mut(start..).unwrap_or_default();
                let done = next.and_then(|next| decoder.recover(next, place).ok());
                if done.is_none() && decoder.lost(place).is_err() {
                    place.fill(0);
                }
            }
            Kind::Mute => out.resize(start.saturating_add(samples), 0),
        }
    }

    /// Has the codec its own noise for pauses?
    pub(super) fn has_noise(&self) -> bool {
        matches!(self.kind, Kind::Opus(_))
    }
}

fn append(native: &[i16], resampler: Option<&mut Resampler>, out: &mut Vec<i16>) {
    let Some(resampler) = resampler else {
        out.extend_from_slice(native);
        return;
    };
    let start = out.len();
    out.resize(start.saturating_add(resampler.most(native.len())), 0);
    let count = resampler.process(native, out.get_mut(start..).unwrap_or_default());
    out.truncate(start.saturating_add(count));
}

/// How long a payload is, units of the codec's RTP clock; `None` for what is none, or too short or long for one.
pub(super) fn duration(codec: Codec, payload: &[u8]) -> Option<u32> {
    /// 2.5 ms at 8 kHz: nobody sends less.
    const LEAST: u32 = 20;
    match codec {
        Codec::Pcmu | Codec::Pcma | Codec::G722 => {
            let units = u32::try_from(payload.len()).ok()?;
            (LEAST..=8 * MOST_MS).contains(&units).then_some(units)
        }
        Codec::Opus => opus::duration(payload).ok().filter(|units| *units > 0),
    }
}
