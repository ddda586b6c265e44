//! G.722 at 64 kbit/s: two bands of adaptive differences, an octet per two samples of 16 kHz.
//!
//! The names of the blocks are those of ITU-T G.722 §6.2. In RTP its clock is 8 kHz (RFC 3551 §4.5.2), for historical
//! reasons. Decoding is bit-exact; 56 and 48 kbit/s, whose octets carry other data in their lowest bits, are not supported.

mod band;
mod tables;

use band::Band;
use tables::{IHN, IHP, ILN, ILP, Q6, QM2, QM4, QM6, QMF, RH2, RL42, WH, WL};

/// Samples per second of the sound.
pub const RATE_HZ: u32 = 16_000;

/// The last 24 samples of a filter bank, in pairs, oldest first.
#[derive(Clone, Debug, Default)]
struct Filter {
    pairs: [(i32, i32); 12],
}

impl Filter {
    /// Takes a pair in; gives the sums over the first and the second of each pair.
    fn step(&mut self, pair: (i32, i32)) -> (i32, i32) {
        self.pairs.rotate_left(1);
        if let Some(last) = self.pairs.last_mut() {
            *last = pair;
        }
        let (mut first, mut second) = (0, 0);
        let coefficients = QMF.iter().zip(QMF.iter().rev());
        for ((a, b), (forth, back)) in self.pairs.iter().zip(coefficients) {
            first += a * forth;
            second += b * back;
        }
        (first, second)
    }
}

/// The state that encoder and decoder share.
#[derive(Clone, Debug)]
struct Bands {
    low: Band,
    high: Band,
}

impl Bands {
    fn new() -> Bands {
        Bands {
            low: Band::new(32),
            high: Band::new(8),
        }
    }

    /// Adapts the lower band to its code's upper four bits (INVQAL, LOGSCL, SCALEL).
    fn adapt_low(&mut self, code: usize) {
        let code = code >> 2;
        let difference = (self.low.scale * at(&QM4, code)) >> 15;
        let step = at(&WL, at(&RL42, code) as usize);
        self.low.rescale(step, 18_432, 8);
        self.low.predict(difference);
    }

    /// Adapts the upper band to its code (INVQAH, LOGSCH, SCALEH); gives the difference.
    fn adapt_high(&mut self, code: usize) -> i32 {
        let difference = (self.high.scale * at(&QM2, code)) >> 15;
        let step = at(&WH, at(&RH2, code) as usize);
        self.high.rescale(step, 22_528, 10);
        self.high.predict(difference);
        difference
    }
}

/// Codes are bounded by their bits, and tables have all of them.
fn at<const N: usize>(table: &[i16; N], index: usize) -> i32 {
    table.get(index).copied().map_or(0, i32::from)
}

fn saturate(value: i32) -> i32 {
    value.clamp(i32::from(i16::MIN), i32::from(i16::MAX))
}

/// Encodes one stream.
#[derive(Clone, Debug)]
pub struct Encoder {
    bands: Bands,
    filter: Filter,
}

impl Default for Encoder {
    fn default() -> Encoder {
        Encoder::new()
    }
}

impl Encoder {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Encoder {
        Encoder {
            bands: Bands::new(),
            filter: Filter::default(),
        }
    }

    /// Encodes pairs of samples until either slice ends; gives the number of octets. A last odd sample is left out.
    pub fn encode(&mut self, samples: &[i16], octets: &mut [u8]) -> usize {
        let pairs = octets.iter_mut().zip(samples.chunks_exact(2));
        let count = pairs.len();
        for (octet, pair) in pairs {
            let [first, second] = *pair else { continue };
            *octet = self.pair(i32::from(first), i32::from(second));
        }
        count
    }

    fn pair(&mut self, first: i32, second: i32) -> u8 {
        let (odd, even) = self.filter.step((first, second));
        let (low, high) = ((even + odd) >> 14, (even - odd) >> 14);
        let low = quantise_low(saturate(low - self.bands.low.prediction), self.bands.low.scale);
        self.bands.adapt_low(low);
        let high = quantise_high(saturate(high - self.bands.high.prediction), self.bands.high.scale);
        self.bands.adapt_high(high);
        (high << 6 | low) as u8
    }
}

/// QUANTL.
fn quantise_low(error: i32, scale: i32) -> usize {
    let magnitude = if error < 0 { -(error + 1) } else { error };
    let within = |level: &i16| magnitude < (i32::from(*level) * scale) >> 12;
    let interval = Q6.iter().position(within).unwrap_or(Q6.len()) + 1;
    let code = if error < 0 {
        at(&ILN, interval)
    } else {
        at(&ILP, interval)
    };
    code as usize
}

/// QUANTH.
fn quantise_high(error: i32, scale: i32) -> usize {
    let magnitude = if error < 0 { -(error + 1) } else { error };
    let interval = if magnitude >= (564 * scale) >> 12 { 2 } else { 1 };
    let code = if error < 0 {
        at(&IHN, interval)
    } else {
        at(&IHP, interval)
    };
    code as usize
}

/// Decodes one stream.
#[derive(Clone, Debug)]
pub struct Decoder {
    bands: Bands,
    filter: Filter,
}

impl Default for Decoder {
    fn default() -> Decoder {
        Decoder::new()
    }
}

impl Decoder {
    /// At the beginning of a stream.
    #[must_use]
    pub fn new() -> Decoder {
        Decoder {
            bands: Bands::new(),
            filter: Filter::default(),
        }
    }

    /// Decodes octets until either slice ends; gives the number of samples, two per octet.
    pub fn decode(&mut self, octets: &[u8], samples: &mut [i16]) -> usize {
        let pairs = samples.chunks_exact_mut(2).zip(octets);
        let count = pairs.len() * 2;
        for (pair, octet) in pairs {
            pair.copy_from_slice(&self.pair(*octet));
        }
        count
    }

    fn pair(&mut self, octet: u8) -> [i16; 2] {
        let (low, high) = (usize::from(octet & 0x3F), usize::from(octet >> 6));
        let limit = |value: i32| value.clamp(-16_384, 16_383);
        let Bands { low: band, .. } = &self.bands;
        let low_out = limit(band.prediction + ((band.scale * at(&QM6, low)) >> 15));
        self.bands.adapt_low(low);
        let predicted = self.bands.high.prediction;
        let high_out = limit(predicted + self.bands.adapt_high(high));
        let (second, first) = self.filter.step((low_out + high_out, low_out - high_out));
        [saturate(first >> 11) as i16, saturate(second >> 11) as i16]
    }
}
