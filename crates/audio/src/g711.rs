//! G.711 at 64 kbit/s: A-law and µ-law, one octet per sample of 8 kHz.
//!
//! Linear samples use the whole 16 bits, left-aligned as in the reference software (ITU-T G.191): A-law drops the lowest
//! three bits, µ-law the lowest two. A negative value is the one's complement of a positive one.

/// One of the two laws.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Law {
    /// A-law, RTP payload type 8, `PCMA`: Europe and international lines.
    A,
    /// µ-law, RTP payload type 0, `PCMU`: North America and Japan.
    Mu,
}

impl Law {
    /// The octet of one sample.
    #[must_use]
    pub const fn encode(self, sample: i16) -> u8 {
        match self {
            Law::A => encode_a(sample),
            Law::Mu => encode_mu(sample),
        }
    }

    /// The sample of one octet.
    #[must_use]
    pub const fn decode(self, octet: u8) -> i16 {
        match self {
            Law::A => decode_a(octet),
            Law::Mu => decode_mu(octet),
        }
    }

    /// Encodes until either slice ends; gives the number of samples.
    pub fn encode_frame(self, samples: &[i16], octets: &mut [u8]) -> usize {
        let pairs = octets.iter_mut().zip(samples);
        let count = pairs.len();
        match self {
            Law::A => pairs.for_each(|(octet, sample)| *octet = encode_a(*sample)),
            Law::Mu => pairs.for_each(|(octet, sample)| *octet = encode_mu(*sample)),
        }
        count
    }

    /// Decodes until either slice ends; gives the number of samples.
    pub fn decode_frame(self, octets: &[u8], samples: &mut [i16]) -> usize {
        let table = match self {
            Law::A => &A_TABLE,
            Law::Mu => &MU_TABLE,
        };
        let pairs = samples.iter_mut().zip(octets);
        let count = pairs.len();
        for (sample, octet) in pairs {
            // An octet never leaves a table of 256.
            *sample = table.get(usize::from(*octet)).copied().unwrap_or_default();
        }
        count
    }

    /// The octet of the quietest positive sample.
    #[must_use]
    pub const fn silence(self) -> u8 {
        self.encode(0)
    }
}

static A_TABLE: [i16; 256] = table(Law::A);
static MU_TABLE: [i16; 256] = table(Law::Mu);

#[allow(
    clippy::indexing_slicing,
    reason = "evaluated by the compiler, which refuses to leave the array"
)]
const fn table(law: Law) -> [i16; 256] {
    let mut table = [0; 256];
    let mut octet = 0;
    while octet < 256 {
        table[octet] = law.decode(octet as u8);
        octet += 1;
    }
    table
}

/// The magnitude as one's complement, without its sign.
const fn magnitude(sample: i16) -> u32 {
    (sample ^ (sample >> 15)).cast_unsigned() as u32
}

/// G.711 table 1: even bits are inverted on the line.
const fn encode_a(sample: i16) -> u8 {
    let step = magnitude(sample) >> 4;
    // Segments 0 and 1 share their step; each one above doubles it.
    let segment = (step >> 4).checked_ilog2();
    let code = match segment {
        None => step,
        Some(doubled) => ((doubled + 1) << 4) | ((step >> doubled) & 0x0F),
    };
    let sign = if sample < 0 { 0 } else { 0x80 };
    (code as u8 | sign) ^ 0x55
}

const fn decode_a(octet: u8) -> i16 {
    let code = octet ^ 0x55;
    let segment = (code >> 4) & 7;
    let step = (code & 0x0F) as i16;
    let magnitude = match segment {
        0 => (step << 4) + 8,
        _ => ((step << 4) + 0x108) << (segment - 1),
    };
    if code & 0x80 == 0 { -magnitude } else { magnitude }
}

/// What µ-law adds before it finds the segment, at 14 bits.
const MU_BIAS: u32 = 33;

/// G.711 table 2: all bits are inverted on the line.
const fn encode_mu(sample: i16) -> u8 {
    let biased = (magnitude(sample) >> 2) + MU_BIAS;
    let biased = if biased > 0x1FFF { 0x1FFF } else { biased };
    // The bias makes bit 5 the lowest that can lead.
    let segment = biased.ilog2() - 5;
    let code = (segment << 4) | ((biased >> (segment + 1)) & 0x0F);
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(code as u8 | sign)
}

const fn decode_mu(octet: u8) -> i16 {
    let code = !octet;
    let segment = (code >> 4) & 7;
    let step = (code & 0x0F) as i16;
    let magnitude = (((step << 1) + MU_BIAS as i16) << segment) - MU_BIAS as i16;
    let sample = magnitude << 2;
    if code & 0x80 == 0 { sample } else { -sample }
}
