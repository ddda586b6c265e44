//! The range encoder (RFC 6716 section 5.1): what is probable takes few bits. Plain bits are written from the end of the packet
//! towards it.

/// The range is kept above this.
const BOTTOM: u32 = 1 << 23;
const TOP: u32 = 1 << 31;
/// Where the octet stands that leaves next, with the carry above it.
const OUT: u32 = 23;

/// Writes one frame into the octets that it is given, all of which are used.
#[derive(Debug)]
pub(super) struct Range<'a> {
    octets: &'a mut [u8],
    /// Octets written from the front and from the back.
    front: usize,
    back: usize,
    /// Plain bits that do not yet fill an octet.
    plain: u64,
    plain_bits: u32,
    /// Bits that were used, but for what the size of the range says.
    bits: u32,
    low: u32,
    size: u32,
    /// The octet before, which a carry may still change, and how many 255s follow it.
    held: Option<u8>,
    full: u32,
    is_overrun: bool,
}

impl<'a> Range<'a> {
    pub(super) fn new(octets: &'a mut [u8]) -> Range<'a> {
        Range {
            octets,
            front: 0,
            back: 0,
            plain: 0,
            plain_bits: 0,
            bits: 33,
            low: 0,
            size: TOP,
            held: None,
            full: 0,
            is_overrun: false,
        }
    }

    /// Bits that there are.
    pub(super) fn room(&self) -> i32 {
        self.octets.len() as i32 * 8
    }

    /// Bits that were used, rounded up.
    #[inline]
    pub(super) fn tell(&self) -> i32 {
        (self.bits - (self.size.ilog2() + 1)) as i32
    }

    /// The same in eighths of a bit (section 4.1.6.2).
    #[inline]
    pub(super) fn tell_eighths(&self) -> i32 {
        /// 2 to the power of -7/8, -6/8, ... 0, in 16 bits.
        const STEPS: [u32; 8] = [35733, 38967, 42495, 46340, 50535, 55109, 60097, 65535];
        let length = self.size.ilog2() + 1;
        let top = self.size >> (length - 16);
        let eighth = (top >> 12) - 8;
        let is_above = STEPS.get(eighth as usize).is_some_and(|step| top > *step);
        (self.bits * 8 - (length * 8 + eighth + u32::from(is_above))) as i32
    }

    /// What the decoder has to end with, too.
    pub(super) fn size(&self) -> u32 {
        self.size
    }

    /// One of `total` symbols of the same weight, or of several of them: those from `low` to before `high`.
    #[inline]
    pub(super) fn encode(&mut self, low: u32, high: u32, total: u32) {
        let step = self.size / total.max(1);
        self.narrow(step, low, high, total);
    }

    /// The same, of 2 to the power of `bits` symbols.
    #[inline]
    pub(super) fn encode_of_power(&mut self, low: u32, high: u32, bits: u32) {
        self.narrow(self.size >> bits, low, high, 1 << bits);
    }

    #[inline(always)]
    fn narrow(&mut self, step: u32, low: u32, high: u32, total: u32) {
        if low > 0 {
            self.low = self.low.wrapping_add(self.size - step * (total - low));
            self.size = step * (high - low);
        } else {
            self.size -= step * (total - high);
        }
        self.normalise();
    }

    /// A symbol of a model that says how many of 2 to the power of `bits` are above each.
    pub(super) fn symbol(&mut self, symbol: usize, model: &[u8], bits: u32) {
        let total = 1 << bits;
        let above = |symbol: usize| model.get(symbol).map_or(0, |above| u32::from(*above));
        let low = symbol.checked_sub(1).map_or(0, |before| total - above(before));
        self.encode_of_power(low, total - above(symbol), bits);
    }

    /// A bit that is set once in 2 to the power of `rare` times.
    #[inline]
    pub(super) fn bit(&mut self, is_set: bool, rare: u32) {
        let step = self.size >> rare;
        let rest = self.size - step;
        if is_set {
            self.low = self.low.wrapping_add(rest);
        }
        self.size = if is_set { step } else { rest };
        self.normalise();
    }

    /// A number below `total`, which is at least 2: what is beyond 8 bits goes in plain.
    #[inline]
    pub(super) fn number(&mut self, number: u32, total: u32) {
        let last = total.saturating_sub(1).max(1);
        let length = last.ilog2() + 1;
        if length > 8 {
            let plain = length - 8;
            let coarse = number >> plain;
            self.encode(coarse, coarse + 1, (last >> plain) + 1);
            self.plain(number & ((1 << plain) - 1), plain);
        } else {
            self.encode(number, number + 1, last + 1);
        }
    }

    /// At most 25 bits as they are.
    #[inline]
    pub(super) fn plain(&mut self, value: u32, count: u32) {
        self.plain |= u64::from(value) << self.plain_bits;
        self.plain_bits += count;
        self.bits += count;
        while self.plain_bits >= 8 {
            self.put_back(self.plain as u8);
            self.plain >>= 8;
            self.plain_bits -= 8;
        }
    }

    /// Writes what is left; false if there was no room for it, which the allocation does not let happen.
    #[must_use]
    pub(super) fn finish(mut self) -> bool {
        // As few bits as tell the range from every other, whatever follows.
        let mut count = 31 - self.size.ilog2();
        let mut mask = (TOP - 1) >> count;
        let mut end = self.low.wrapping_add(mask) & !mask;
        if (end | mask).wrapping_sub(self.low) >= self.size {
            count += 1;
            mask >>= 1;
            end = self.low.wrapping_add(mask) & !mask;
        }
        let mut left = count as i32;
        while left > 0 {
            self.carry(end >> OUT);
            end = (end << 8) & (TOP - 1);
            left -= 8;
        }
        if self.held.is_some() || self.full > 0 {
            self.carry(0);
        }
        let rest = self.octets.len().saturating_sub(self.back);
        let between = self.octets.get_mut(self.front..rest);
        between.unwrap_or_default().fill(0);
        if self.plain_bits > 0 {
            // They share the octet with the end of the range, which may use the upper bits of it.
            let free = if self.front + self.back >= self.octets.len() {
                -left
            } else {
                8
            };
            self.is_overrun |= free < self.plain_bits as i32;
            match rest.checked_sub(1).and_then(|last| self.octets.get_mut(last)) {
                Some(last) if !self.is_overrun => *last |= self.plain as u8,
                _ => self.is_overrun = true,
            }
        }
        !self.is_overrun
    }

    #[inline(always)]
    fn normalise(&mut self) {
        while self.size <= BOTTOM {
            self.carry(self.low >> OUT);
            self.low = (self.low << 8) & (TOP - 1);
            self.size <<= 8;
            self.bits += 8;
        }
    }

    /// Takes an octet with a carry above it.
    #[inline]
    fn carry(&mut self, octet: u32) {
        if octet == 0xFF {
            self.full += 1;
            return;
        }
        let carry = (octet >> 8) as u8;
        if let Some(held) = self.held {
            self.put(held.wrapping_add(carry));
        }
        while self.full > 0 {
            self.put(0xFF_u8.wrapping_add(carry));
            self.full -= 1;
        }
        self.held = Some(octet as u8);
    }

    fn put(&mut self, octet: u8) {
        let free = self.octets.len().saturating_sub(self.back);
        let place = self
            .octets
            .get_mut(..free)
            .and_then(|free| free.get_mut(self.front));
        self.is_overrun |= place.is_none();
        if let Some(place) = place {
            *place = octet;
        }
        self.front += 1;
    }

    fn put_back(&mut self, octet: u8) {
        self.back += 1;
        let at = self.octets.len().checked_sub(self.back);
        let place = at
            .filter(|at| *at >= self.front)
            .and_then(|at| self.octets.get_mut(at));
        self.is_overrun |= place.is_none();
        if let Some(place) = place {
            *place = octet;
        }
    }
}
