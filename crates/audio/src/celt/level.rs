//! The levels of the bands (RFC 6716 section 4.3.2): coarsely, as what differs from a prediction; then finely, with the bits
//! that the allocation gives them; and at last with those that nobody needed.

use super::allocation::{Allocation, MOST_FINE};
use super::range::Range;
use super::tables::{BANDS, LEVEL_MODEL, MEANS, SMALL_LEVEL_MODEL};

/// How much of a level is that of the frame before, and how much of an error the band above does not take over.
const FROM_BEFORE: f32 = 16_384.0 / 32_768.0;
const NOT_FROM_BELOW: [f32; 2] = [6_554.0 / 32_768.0, 4_915.0 / 32_768.0];
/// No level is predicted from a lower one than this.
const LEAST: f32 = -9.0;
/// What is silent.
const SILENCE: f32 = -28.0;
/// A frame whose levels are this far from those before, on average, may cost less without them.
const FAR: f32 = 2.5;

/// Levels as binary logarithms of amplitudes, less what they are on average.
pub(super) type Levels = [f32; BANDS];

/// What the decoder knows of the levels.
#[derive(Clone, Debug)]
pub(super) struct Level {
    /// Those of the frame before.
    before: Levels,
    /// By how much each was too high.
    errors: Levels,
}

impl Level {
    pub(super) fn new() -> Level {
        Level {
            before: [0.0; BANDS],
            errors: [0.0; BANDS],
        }
    }

    /// A silent frame was written.
    pub(super) fn silence(&mut self) {
        self.before = [SILENCE; BANDS];
        self.errors = [0.0; BANDS];
    }

    /// Prepares the levels of a frame: one that stays should not waver about its true value.
    pub(super) fn steady(&self, levels: &mut Levels) {
        let known = self.before.iter().zip(&self.errors);
        for (level, (before, error)) in levels.iter_mut().zip(known) {
            if (*level - before).abs() < 2.0 {
                *level -= 0.25 * error;
            }
        }
    }

    /// Writes the coarse levels of the first `end` bands, `is_afresh` without those of the frame before.
    pub(super) fn coarse(&mut self, levels: &Levels, end: usize, is_afresh: bool, range: &mut Range<'_>) {
        let mut is_afresh = is_afresh || self.is_cheaper_afresh(levels, end);
        let room = range.room();
        match range.tell() + 3 <= room {
            true => range.bit(is_afresh, 3),
            false => is_afresh = false,
        }
        let octets = room as f32 / 8.0;
        let fall = (octets / 8.0).min(16.0);
        let (from_before, not_from_below, model) = parameters(is_afresh);
        let mut from_below = 0.0;
        let bands = levels
            .iter()
            .zip(&mut self.before)
            .zip(&mut self.errors)
            .zip(model);
        for (at, (((level, before), error), model)) in bands.enumerate().take(end) {
            let predicted = from_before * before.max(LEAST) + from_below;
            let wanted = level - predicted;
            let mut step = whole(wanted);
            // It may not fall too fast: bands of few lines have levels that waver.
            let least = before.max(SILENCE) - fall;
            if step < 0 && *level < least {
                step = (step + (least - level) as i32).min(0);
            }
            let written = write(step, (at, end), *model, range);
            *error = wanted - written as f32;
            *before = predicted + written as f32;
            from_below += written as f32 * (1.0 - not_from_below);
        }
    }

    /// Writes the fine bits of the levels.
    pub(super) fn fine(&mut self, allocation: &Allocation, end: usize, range: &mut Range<'_>) {
        let known = self.before.iter_mut().zip(&mut self.errors);
        for ((before, error), bits) in known.zip(&allocation.fine).take(end) {
            if *bits <= 0 || range.tell() + bits > range.room() {
                continue;
            }
            let steps = 1 << bits;
            let step = ((*error + 0.5) * steps as f32) as i32;
            let step = step.clamp(0, steps - 1);
            range.plain(step as u32, *bits as u32);
            let offset = (step as f32 + 0.5) / steps as f32 - 0.5;
            *before += offset;
            *error -= offset;
        }
    }

    /// Uses up the bits that are left, one for each band.
    pub(super) fn finish(&mut self, allocation: &Allocation, end: usize, range: &mut Range<'_>) {
        let mut left = range.room() - range.tell();
        for late in [false, true] {
            let known = self.before.iter_mut().zip(&mut self.errors);
            let bands = known.zip(allocation.fine.iter().zip(&allocation.is_late));
            for ((before, error), (bits, is_late)) in bands.take(end) {
                if left <= 0 {
                    break;
                }
                if *bits >= MOST_FINE || *is_late != late {
                    continue;
                }
                let is_above = *error >= 0.0;
                range.plain(u32::from(is_above), 1);
                let half = 0.25 / (1 << bits) as f32;
                let offset = if is_above { half } else { -half };
                *before += offset;
                *error -= offset;
                left -= 1;
            }
        }
        for error in &mut self.errors {
            *error = error.clamp(-0.5, 0.5);
        }
    }

    /// Does it take fewer bits to forget the frame before?
    fn is_cheaper_afresh(&self, levels: &Levels, end: usize) -> bool {
        let pairs = levels.iter().zip(&self.before).take(end);
        let distance: f32 = pairs.map(|(level, before)| (level - before).abs()).sum();
        distance > FAR * end as f32 && self.cost(levels, end, true) < self.cost(levels, end, false)
    }

    /// About how many 256ths of a bit the coarse levels take.
    fn cost(&self, levels: &Levels, end: usize, is_afresh: bool) -> f32 {
        let (from_before, not_from_below, model) = parameters(is_afresh);
        let (mut from_below, mut cost) = (0.0, 0.0);
        for ((level, before), (_, decay)) in levels.iter().zip(&self.before).zip(model).take(end) {
            let step = whole(level - from_before * before.max(LEAST) - from_below) as f32;
            from_below += step * (1.0 - not_from_below);
            // What falls fast is improbable far away.
            cost += step.abs() * (256.0 - f32::from(*decay));
        }
        cost
    }
}

fn parameters(is_afresh: bool) -> (f32, f32, &'static [(u8, u8); BANDS]) {
    let [predicted, afresh] = &LEVEL_MODEL;
    let [beta, beta_afresh] = NOT_FROM_BELOW;
    match is_afresh {
        true => (0.0, beta_afresh, afresh),
        false => (FROM_BEFORE, beta, predicted),
    }
}

/// The nearest whole number.
fn whole(value: f32) -> i32 {
    // Far above what a level can be, so that it is never negative where it is cut off.
    (value + 1024.5) as i32 - 1024
}

/// Writes by how much a coarse level differs, as far as there are bits; gives what was written.
fn write(step: i32, (at, end): (usize, usize), model: (u8, u8), range: &mut Range<'_>) -> i32 {
    let left = range.room() - range.tell();
    let spare = left - 3 * (end - at) as i32;
    let mut step = step;
    if at > 0 && spare < 30 {
        if spare < 24 {
            step = step.min(1);
        }
        if spare < 16 {
            step = step.max(-1);
        }
    }
    match left {
        15.. => laplace(step, model, range),
        2.. => {
            let step = step.clamp(-1, 1);
            let symbol = match step {
                0 => 0,
                1 => 2,
                _ => 1,
            };
            range.symbol(symbol, &SMALL_LEVEL_MODEL, 2);
            step
        }
        1 => {
            range.bit(step < 0, 1);
            step.clamp(-1, 0)
        }
        _ => -1,
    }
}

/// A number whose probability falls from 0 on both sides, down to one in 2^15 (section 4.3.2.1). What is too far away comes nearer.
fn laplace(value: i32, (zero, decay): (u8, u8), range: &mut Range<'_>) -> i32 {
    const TOTAL: i32 = 1 << 15;
    /// As many on either side have a probability at all.
    const SURE: i32 = 16;
    let (zero, decay) = (i32::from(zero) << 7, i32::from(decay) << 6);
    if value == 0 {
        range.encode_of_power(0, zero as u32, 15);
        return 0;
    }
    let (size, is_negative) = (value.abs(), value < 0);
    let mut low = zero;
    let mut weight = ((TOTAL - 2 * SURE - zero) * (16_384 - decay)) >> 15;
    let mut at = 1;
    while weight > 0 && at < size {
        low += 2 * weight + 2;
        weight = (2 * weight * decay) >> 15;
        at += 1;
    }
    let sign = i32::from(is_negative);
    let (from, high, size) = if weight > 0 {
        let from = if is_negative { low } else { low + weight + 1 };
        (from, from + weight + 1, at)
    } else {
        let most = (TOTAL - low + sign) / 2;
        let further = (size - at).min(most - 1);
        let from = low + 2 * further + 1 - sign;
        (from, (from + 1).min(TOTAL), at + further)
    };
    range.encode_of_power(from as u32, high as u32, 15);
    if is_negative { -size } else { size }
}

/// Binary logarithms of the amplitudes of bands whose squares add up to this, less their means. Good to 1e-5.
pub(super) fn levels(squares: &Levels) -> Levels {
    /// The bits of the root of one half.
    const HALF: u32 = 0x3F35_04F3;
    let mut levels = [0.0; BANDS];
    for ((level, square), mean) in levels.iter_mut().zip(squares).zip(MEANS) {
        let bits = (square + 1e-27).to_bits() + (0x3F80_0000 - HALF);
        let whole = (bits >> 23) as i32 - 127;
        // From the root of one half to that of two: a few terms of the series will do.
        let rest = f32::from_bits((bits & 0x7F_FFFF) + HALF);
        let x = (rest - 1.0) / (rest + 1.0);
        let y = x * x;
        let log = x * (2.885_39 + y * (0.961_797 + y * 0.577_078));
        *level = 0.5 * (whole as f32 + log) - mean;
    }
    levels
}
