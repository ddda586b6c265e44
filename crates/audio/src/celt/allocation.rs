//! How many bits each band gets (RFC 6716 section 4.3.3). The decoder computes the same, so all of it is exact.

use super::range::Range;
use super::tables::{BANDS, EDGES, LINES, LOG_WIDTHS, QUALITIES, most_bits};
use super::wishes::Wishes;

/// Eighths of a bit.
const BIT: i32 = 8;
/// Steps between two qualities, as a power of 2.
const STEPS: i32 = 6;
const LAST_STEP: i32 = (1 << STEPS) - 1;
/// Fine bits of a level at most.
pub(super) const MOST_FINE: i32 = 8;
/// A band gets fewer fine bits than its share of them would be, by so many eighths.
const FINE_LESS: i32 = 21;

/// What was allocated.
#[derive(Debug, Default)]
pub(super) struct Allocation {
    /// For the shape, in eighths of a bit.
    pub(super) shape: [i32; BANDS],
    /// For the level.
    pub(super) fine: [i32; BANDS],
    /// Does a level come late when bits are left over?
    pub(super) is_late: [bool; BANDS],
    /// What bands could not use, in eighths of a bit.
    pub(super) balance: i32,
    /// Bands that have a shape.
    pub(super) coded: usize,
}

#[derive(Clone, Copy, Default)]
struct Band {
    width: i32,
    /// With less there are no pulses.
    least: i32,
    most: i32,
    /// What the tilt adds, and what was wished.
    tilt: i32,
    boost: i32,
    /// At the lower quality, and what the upper one has more.
    low: i32,
    more: i32,
    bits: i32,
}

impl Band {
    /// At a quality, without what was wished.
    fn at(&self, quality: u8) -> i32 {
        match self.width * i32::from(quality) * LINES as i32 / 4 {
            0 => 0,
            bits => (bits + self.tilt).max(0),
        }
    }

    fn between(&self, step: i32) -> i32 {
        self.low + ((step * self.more) >> STEPS)
    }

    /// What it gets if it wants so much: below the least one bit for its level at most, unless a band above it has more.
    #[inline]
    fn given(&self, bits: i32, has_above: &mut bool) -> i32 {
        *has_above |= bits >= self.least;
        let few = if bits >= BIT { BIT } else { 0 };
        if *has_above { bits.min(self.most) } else { few }
    }
}

/// What the bands take if each wants so much.
fn sum(bands: &[Band], wants: impl Fn(&Band, usize) -> i32) -> i32 {
    let (mut has_above, mut sum) = (false, 0);
    for (at, band) in bands.iter().enumerate().rev() {
        sum += band.given(wants(band, at), &mut has_above);
    }
    sum
}

/// Allocates `total` eighths of a bit to the first `end` bands; writes that no band is left out.
pub(super) fn allocate(end: usize, wishes: &Wishes, total: i32, range: &mut Range<'_>) -> Allocation {
    let total = total.max(0);
    // Where bands may be left out, a bit says that no more are.
    let reserved = if total >= BIT { BIT } else { 0 };
    let total = total - reserved;
    let mut all = [Band::default(); BANDS];
    let bands = all.get_mut(..end).unwrap_or_default();
    let fixed = EDGES.array_windows::<2>().zip(wishes.boosts);
    // Bands below one with a wish are not left out.
    let mut first = 0;
    for (at, (band, ([from, to], boost))) in bands.iter_mut().zip(fixed).enumerate() {
        band.width = to - from;
        band.boost = boost;
        if boost > 0 {
            first = at;
        }
        band.least = BIT.max((3 * band.width * LINES as i32 * BIT) >> 4);
        band.most = most_bits(band.width);
        band.tilt = band.width * (wishes.trim - 8) * (end as i32 - at as i32 - 1);
    }
    interpolate(bands, total);
    let (coded, total) = leave_out(bands, first, (total, reserved), range);
    spread(bands, coded, total);
    finish(bands, coded)
}

/// Finds the best quality that there are bits for.
fn interpolate(bands: &mut [Band], total: i32) {
    let (mut low, mut high) = (1, QUALITIES.len() - 1);
    // What the qualities need between which it is.
    let (mut low_needs, mut high_needs) = (0, i32::MAX);
    while low <= high {
        let middle = low.midpoint(high);
        let quality = QUALITIES.get(middle).unwrap_or(&[0; BANDS]);
        let needs = sum(bands, |band, at| {
            band.at(quality.get(at).copied().unwrap_or_default()) + band.boost
        });
        match needs > total {
            true => (high, high_needs) = (middle - 1, needs),
            false => (low, low_needs) = (middle + 1, needs),
        }
    }
    let (lower, upper) = (QUALITIES.get(low - 1), QUALITIES.get(low));
    for (at, band) in bands.iter_mut().enumerate() {
        let of = |quality: Option<&[u8; BANDS]>| quality.and_then(|all| all.get(at)).copied();
        band.low = band.at(of(lower).unwrap_or_default());
        if low > 1 {
            band.low += band.boost;
        }
        let more = match of(upper) {
            Some(quality) => band.at(quality),
            None => (band.most + band.tilt).max(0),
        };
        band.more = (more + band.boost - band.low).max(0);
    }
    // The more steps, the more bits: a guess comes near.
    let guess = (total - low_needs) / (((high_needs - low_needs) >> STEPS) + 1);
    let mut step = guess.clamp(0, LAST_STEP);
    let has_room = |step: i32| sum(bands, |band, _| band.between(step)) <= total;
    if has_room(step) {
        while step < LAST_STEP && has_room(step + 1) {
            step += 1;
        }
    } else {
        while step > 0 {
            step -= 1;
            if has_room(step) {
                break;
            }
        }
    }
    let mut has_above = false;
    for band in bands.iter_mut().rev() {
        band.bits = band.given(band.between(step), &mut has_above);
    }
}

/// Leaves out the bands at the upper end that would get too little, but for the `first` one and those below it; gives how many
/// stay, and the bits that there are.
fn leave_out(
    bands: &mut [Band],
    first: usize,
    (total, reserved): (i32, i32),
    range: &mut Range<'_>,
) -> (usize, i32) {
    let mut used: i32 = bands.iter().map(|band| band.bits).sum();
    let mut coded = bands.len();
    while coded > first + 1 {
        let upper = EDGES.get(coded).copied().unwrap_or(1);
        let Some(band) = bands.get_mut(coded - 1) else {
            break;
        };
        let left = total - used;
        let each = left / upper;
        let rest = (left - each * upper - (upper - band.width)).max(0);
        let bits = band.bits + each * band.width + rest;
        if bits >= band.least.max(2 * BIT) {
            // It could be left out; we never want that.
            range.bit(true, 1);
            return (coded, total);
        }
        used -= band.bits;
        band.bits = if bits >= BIT { BIT } else { 0 };
        used += band.bits;
        coded -= 1;
    }
    // The others stay, and no bit says so.
    (coded, total + reserved)
}

/// Gives the bits that are left to the bands that stay.
fn spread(bands: &mut [Band], coded: usize, total: i32) {
    let used: i32 = bands.iter().map(|band| band.bits).sum();
    let lines = EDGES.get(coded).copied().unwrap_or(1);
    let left = total - used;
    let each = left / lines;
    let mut rest = left - each * lines;
    for band in bands.iter_mut().take(coded) {
        let more = rest.min(band.width);
        band.bits += each * band.width + more;
        rest -= more;
    }
}

/// Parts the bits of each band between level and shape.
fn finish(bands: &[Band], coded: usize) -> Allocation {
    let mut result = Allocation {
        coded,
        ..Allocation::default()
    };
    let places = result
        .shape
        .iter_mut()
        .zip(&mut result.fine)
        .zip(&mut result.is_late);
    for ((at, band), ((shape, fine), is_late)) in bands.iter().enumerate().zip(places) {
        if at >= coded {
            *fine = band.bits / BIT;
            *is_late = *fine < 1;
            continue;
        }
        let lines = band.width * LINES as i32;
        let bits = band.bits + result.balance;
        let mut excess = (bits - band.most).max(0);
        let bits = bits - excess;
        let logs = lines * (LOG_WIDTHS.get(at).copied().unwrap_or_default() + 3 * BIT);
        let mut offset = (logs >> 1) - lines * FINE_LESS;
        // The second and third fine bit come earlier.
        if bits + offset < 2 * lines * BIT {
            offset += logs >> 2;
        } else if bits + offset < 3 * lines * BIT {
            offset += logs >> 3;
        }
        let share = (bits + offset + lines * BIT / 2).max(0) / lines / BIT;
        *fine = share.min(bits / BIT).min(MOST_FINE);
        // Where it was rounded down, or is at the most.
        *is_late = *fine * lines * BIT >= bits + offset;
        *shape = bits - *fine * BIT;
        if excess > 0 {
            let more = (excess / BIT).min(MOST_FINE - *fine);
            *fine += more;
            *is_late = more * BIT >= excess - result.balance;
            excess -= more * BIT;
        }
        result.balance = excess;
    }
    result
}
