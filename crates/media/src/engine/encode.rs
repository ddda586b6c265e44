//! Samples at the session's rate made into payloads as a leg wants them.
//!
//! Owns: the state of one codec, and what waits for its packet to be full. Does not own: RTP (`mouth`).

use super::steer::FULL;
use audio::g711::Law;
use audio::resample::Resampler;
use audio::{g722, opus};
use model::{Codec, Voice};

/// What is reckoned with before anything is known, per cent.
const FIRST_LOSS: u8 = 5;
/// Bit rates that Opus takes.
const BITRATES: std::ops::RangeInclusive<u32> = 6_000..=128_000;
/// What is left of them at least, bits per second: below, there is no room for speech, or for wide-band sound.
const LEAST_NARROW: u32 = 8_000;
const LEAST_WIDE: u32 = 12_000;
/// From so much loss on, per cent, what is lost is sent once more: with fewer bits per second libopus does not.
const LOSSY: u8 = 10;
const LEAST_TWICE: u32 = 19_000;
/// Octets of the longest payload: Opus at its most, G.711 of 60 ms.
const MOST_OCTETS: usize = opus::MAX_PACKET;

/// Encodes one stream.
#[derive(Debug)]
pub(crate) struct Encoder {
    kind: Kind,
    /// From the session's rate to the codec's, where they differ.
    resampler: Option<Resampler>,
    /// Samples at the codec's rate that wait.
    waiting: Vec<i16>,
    /// Samples of a packet at the codec's rate, and units of the RTP clock.
    samples: usize,
    units: u32,
    octets: Vec<u8>,
}

#[derive(Debug)]
enum Kind {
    Law(Law),
    G722(Box<g722::Encoder>),
    Opus(Box<Opus>),
    Mute,
}

/// An Opus encoder, and how it is set.
#[derive(Debug)]
struct Opus {
    encoder: opus::Encoder,
    rate_hz: u32,
    /// The bit rate where nothing is lost, and that of now.
    full: u32,
    bitrate: u32,
    loss: u8,
}

impl Opus {
    fn adapt(&mut self, fec: bool, loss: u8, share: u16) {
        let loss = if fec { loss.min(100) } else { 0 };
        let least = if self.rate_hz > 8_000 {
            LEAST_WIDE
        } else {
            LEAST_NARROW
        };
        let least = if loss >= LOSSY { LEAST_TWICE } else { least };
        let bitrate = self.full.saturating_mul(u32::from(share)) / u32::from(FULL);
        let bitrate = bitrate.max(least).min(self.full);
        if self.loss != loss && self.encoder.set_loss(loss).is_ok() {
            self.loss = loss;
        }
        if self.bitrate != bitrate && self.encoder.set_bitrate(bitrate).is_ok() {
            self.bitrate = bitrate;
        }
    }
}

impl Encoder {
    /// For a leg that wants to be written to so, of samples at this rate.
    pub(crate) fn new(voice: &Voice, rate_hz: u32) -> Encoder {
        let kind = match voice.codec {
            Codec::Pcmu => Kind::Law(Law::Mu),
            Codec::Pcma => Kind::Law(Law::A),
            Codec::G722 => Kind::G722(Box::default()),
            Codec::Opus => opus(voice, rate_hz),
        };
        let native_hz = match voice.codec {
            Codec::Opus => rate_hz,
            other => other.rate_hz(),
        };
        let ms = packet_ms(voice);
        let resampler = (native_hz != rate_hz).then(|| Resampler::new(rate_hz, native_hz).ok());
        Encoder {
            kind,
            resampler: resampler.flatten(),
            waiting: Vec::new(),
            samples: usize::try_from(native_hz / 1000 * ms).unwrap_or(160),
            units: voice.codec.clock_hz() / 1000 * ms,
            octets: vec![0; MOST_OCTETS],
        }
    }

    /// Takes a frame in, and gives out each payload that is full, with its length in units of the RTP clock. An empty one
    /// need not be sent.
    pub(crate) fn encode(&mut self, frame: &[i16], mut give: impl FnMut(&[u8], u32)) {
        match &mut self.resampler {
            None => self.waiting.extend_from_slice(frame),
            Some(resampler) => {
                let start = self.waiting.len();
                self.waiting
                    .resize(start.saturating_add(resampler.most(frame.len())), 0);
                let place = self.waiting.get_mut(start..).unwrap_or_default();
                let count = resampler.process(frame, place);
                self.waiting.truncate(start.saturating_add(count));
            }
        }
        let mut done = 0_usize;
        while let Some(samples) = self.waiting.get(done..done.saturating_add(self.samples)) {
            if samples.is_empty() {
                break;
            }
            done = done.saturating_add(samples.len());
            let octets = &mut self.octets;
            let count = match &mut self.kind {
                Kind::Law(law) => law.encode_frame(samples, octets),
                Kind::G722(encoder) => encoder.encode(samples, octets),
                Kind::Opus(opus) => {
                    let encoded = opus.encoder.encode(samples, octets).ok();
                    encoded.flatten().unwrap_or(0)
                }
                Kind::Mute => 0,
            };
            give(octets.get(..count).unwrap_or_default(), self.units);
        }
        self.waiting.drain(..done);
    }

    /// One that goes on from here for another stream; `None` where that can't be, or need not.
    pub(crate) fn split(&self) -> Option<Encoder> {
        let Kind::G722(encoder) = &self.kind else {
            return None;
        };
        Some(Encoder {
            kind: Kind::G722(encoder.clone()),
            resampler: self.resampler.clone(),
            waiting: self.waiting.clone(),
            octets: self.octets.clone(),
            ..*self
        })
    }

    /// Forgets what waits; gives how much that was, units of the RTP clock.
    pub(super) fn flush(&mut self) -> u32 {
        let waiting = u32::try_from(self.waiting.len()).unwrap_or(0);
        self.waiting.clear();
        let samples = u32::try_from(self.samples).unwrap_or(1).max(1);
        u32::try_from(u64::from(waiting) * u64::from(self.units) / u64::from(samples)).unwrap_or(0)
    }

    /// Reckons with so much loss on the way to the leg, per cent, as far as the leg can make use of it, and takes this share
    /// of the bit rate, per mille.
    pub(super) fn adapt(&mut self, voice: &Voice, loss: u8, share: u16) {
        if let Kind::Opus(opus) = &mut self.kind {
            opus.adapt(voice.opus.fec, loss, share);
        }
    }
}

fn opus(voice: &Voice, rate_hz: u32) -> Kind {
    let mut settings = opus::Settings::call(rate_hz);
    if voice.opus.max_bitrate > 0 {
        settings.bitrate = settings.bitrate.min(voice.opus.max_bitrate);
    }
    settings.bitrate = settings.bitrate.clamp(*BITRATES.start(), *BITRATES.end());
    settings.loss_percent = if voice.opus.fec { FIRST_LOSS } else { 0 };
    settings.dtx = voice.opus.dtx;
    let encoder = opus::Encoder::new(settings);
    encoder.map_or(Kind::Mute, |encoder| {
        Kind::Opus(Box::new(Opus {
            encoder,
            rate_hz,
            full: settings.bitrate,
            bitrate: settings.bitrate,
            loss: settings.loss_percent,
        }))
    })
}

/// Length of a packet: what was asked for, as far as the codec has it.
pub(super) fn packet_ms(voice: &Voice) -> u32 {
    match (voice.codec, voice.ptime_ms) {
        (_, 0) => 20,
        (_, 1..=10) => 10,
        (Codec::Opus, 11..=39) | (_, 11..=29) => 20,
        (Codec::Opus, 40..=59) => 40,
        (_, 30..=39) => 30,
        (_, 40..=59) => 40,
        (_, 60..) => 60,
    }
}
