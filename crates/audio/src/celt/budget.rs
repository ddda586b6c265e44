//! How long each packet is, so that the bit rate is kept on average.

/// Frames in a second.
const FRAMES: i32 = 50;
/// What was spent too much is saved over so many frames.
const SMOOTH: i32 = 16;
/// How fast the average of the levels follows.
const FOLLOW: f32 = 0.02;
/// How much longer a packet is, relatively, for each level (6 dB) above the average.
const MORE: f32 = 0.1;

/// Octets that are to be spent.
#[derive(Clone, Debug)]
pub(super) struct Budget {
    /// Bits of a frame on average.
    bits: i32,
    /// Bits that were spent too much; below 0, too few.
    over: i32,
    /// What the levels are on average.
    average: f32,
}

impl Budget {
    pub(super) fn new(bitrate: u32) -> Budget {
        Budget {
            bits: bitrate as i32 / FRAMES,
            over: 0,
            average: 0.0,
        }
    }

    /// How long the frame of these levels is, without the first octet of the packet: loud ones are longer.
    pub(super) fn octets(&mut self, levels: &[f32]) -> usize {
        // A level that a louder one below it covers does not count.
        let (mut covered, mut sum) = (-10.0_f32, 0.0);
        for level in levels {
            covered = level.max(covered - 1.0);
            sum += covered;
        }
        let above = (sum / levels.len().max(1) as f32 - self.average).clamp(-1.5, 3.0);
        self.average += FOLLOW * above;
        let wanted = (self.bits - self.over / SMOOTH).clamp(self.bits / 2, self.bits * 3 / 2);
        let wanted = wanted as f32 * (1.0 + MORE * above);
        ((wanted as i32 + 4) / 8 - 1).clamp(8, self.bits / 4) as usize
    }

    /// A packet of so many octets was made.
    pub(super) fn spent(&mut self, octets: usize) {
        // What silence saves is not for later: nobody wants a burst behind it.
        let over = self.over + octets as i32 * 8 - self.bits;
        self.over = over.clamp(-2 * self.bits, 8 * self.bits);
    }
}
