//! The shape of the spectrum, band by band (RFC 6716 section 4.3.4): a band that has more bits than a vector of pulses can use
//! is parted in two halves, and the angle says how much of it is in which.

use super::allocation::Allocation;
use super::pulses;
use super::range::Range;
use super::tables::{self, EDGES, LINES, LOG_WIDTHS};
use crate::sum_of;

/// Eighths of a bit.
const BIT: i32 = 8;
/// A quarter of a turn.
const RIGHT: i32 = 16_384;

/// Writes the bands that these lines make up; `room` is what the packet has, in eighths of a bit.
pub(super) fn encode(lines: &[f32], allocation: &Allocation, room: i32, range: &mut Range<'_>) {
    let mut balance = allocation.balance;
    let mut rest = lines;
    let widths = EDGES
        .iter()
        .zip(EDGES.iter().skip(1))
        .map(|(a, b)| (b - a) as usize);
    for (at, ((bits, log_width), width)) in allocation.shape.iter().zip(LOG_WIDTHS).zip(widths).enumerate() {
        let Some((band, after)) = rest.split_at_checked(width * LINES) else {
            return;
        };
        rest = after;
        let told = range.tell_eighths();
        if at > 0 {
            balance -= told;
        }
        let left = room - told - 1;
        if at < allocation.coded {
            let share = balance / (allocation.coded - at).min(3) as i32;
            let bits = (bits + share).min(left + 1).clamp(0, 16_383);
            let mut part = Part { log_width, left };
            part.encode(band, bits, 3, range);
        }
        balance += bits + told;
    }
}

/// A band, or a part of it.
struct Part {
    log_width: i32,
    /// What the packet has left, eighths of a bit.
    left: i32,
}

impl Part {
    /// Writes these lines with about so many bits. `halvings` says how often they may still be halved, less one.
    fn encode(&mut self, lines: &[f32], bits: i32, halvings: i32, range: &mut Range<'_>) {
        let costs = tables::costs(lines.len());
        if halvings >= 0 && bits > costs.most() + 11 && lines.len() > 2 {
            self.halve(lines, bits, halvings - 1, range);
            return;
        }
        let mut step = costs.step(bits);
        self.left -= costs.of(step);
        while self.left < 0 && step > 0 {
            self.left += costs.of(step);
            step -= 1;
            self.left -= costs.of(step);
        }
        if step > 0 {
            pulses::encode(lines, tables::pulses(step), range);
        }
    }

    fn halve(&mut self, lines: &[f32], mut bits: i32, halvings: i32, range: &mut Range<'_>) {
        let (low, high) = lines.split_at(lines.len() / 2);
        let told = range.tell_eighths();
        let angle = self.angle(low, high, bits, halvings, range);
        let spent = range.tell_eighths() - told;
        bits -= spent;
        self.left -= spent;
        let tilt = match angle {
            0 => -RIGHT,
            RIGHT => RIGHT,
            _ => {
                let tangent = log2_tangent(cosine(RIGHT - angle), cosine(angle));
                product((low.len() as i32 - 1) << 7, tangent)
            }
        };
        let mut low_bits = ((bits - tilt) / 2).min(bits).max(0);
        let mut high_bits = bits - low_bits;
        let before = self.left;
        // What the first half does not use, the other may.
        if low_bits >= high_bits {
            self.encode(low, low_bits, halvings, range);
            let unused = low_bits - (before - self.left);
            if unused > 3 * BIT && angle != 0 {
                high_bits += unused - 3 * BIT;
            }
            self.encode(high, high_bits, halvings, range);
        } else {
            self.encode(high, high_bits, halvings, range);
            let unused = high_bits - (before - self.left);
            if unused > 3 * BIT && angle != RIGHT {
                low_bits += unused - 3 * BIT;
            }
            self.encode(low, low_bits, halvings, range);
        }
    }

    /// Writes how much is in the upper half: 0 for nothing, a quarter of a turn for everything (section 4.3.4.4).
    fn angle(&self, low: &[f32], high: &[f32], bits: i32, halvings: i32, range: &mut Range<'_>) -> i32 {
        let steps = self.steps(low.len() as i32, bits, halvings);
        if steps == 1 {
            return 0;
        }
        let [low, high] = [low, high].map(|half| sum_of(half, |line| line * line).sqrt());
        let step = (angle_of(low, high) * steps as f32 + 0.5) as i32;
        let step = step.clamp(0, steps);
        // The middle is the most probable.
        let half = steps / 2;
        let total = (half + 1) * (half + 1);
        let (weight, below) = match step <= half {
            true => (step + 1, step * (step + 1) / 2),
            false => {
                let from_end = steps + 1 - step;
                (from_end, total - from_end * (from_end + 1) / 2)
            }
        };
        range.encode(below as u32, (below + weight) as u32, total as u32);
        step * RIGHT / steps
    }

    /// In how many steps the angle is told.
    fn steps(&self, half: i32, bits: i32, halvings: i32) -> i32 {
        /// 2 to the power of 0/8 ... 7/8, in 14 bits.
        const POWERS: [i32; 8] = [16384, 17866, 19483, 21247, 23170, 25267, 27554, 30048];
        let most = self.log_width + halvings * BIT;
        let offset = (most >> 1) - 4;
        let freedoms = 2 * half - 1;
        let share = (bits + freedoms * offset) / freedoms;
        let share = share.min(bits - most - 4 * BIT).min(8 * BIT);
        if share < BIT / 2 {
            return 1;
        }
        let power = POWERS.get((share & 7) as usize).copied().unwrap_or_default();
        let steps = power >> (14 - (share >> 3));
        (steps + 1) >> 1 << 1
    }
}

/// The angle whose tangent is `high` to `low`, a quarter of a turn being 1; good to 1e-3.
fn angle_of(low: f32, high: f32) -> f32 {
    let (small, large) = if low < high { (low, high) } else { (high, low) };
    let ratio = small / large.max(1e-30);
    let angle = ratio * (0.5 - (ratio - 1.0) * (0.155_78 + 0.042_21 * ratio));
    if low < high { 1.0 - angle } else { angle }
}

/// A product of two numbers of 15 bits behind the point, rounded.
fn product(a: i32, b: i32) -> i32 {
    (16_384 + i32::from(a as i16) * i32::from(b as i16)) >> 15
}

/// A cosine that is the same everywhere: the allocation depends on it.
fn cosine(angle: i32) -> i32 {
    let square = (4096 + angle * angle) >> 13;
    let series = -7651 + product(square, 8277 + product(-626, square));
    1 + (32_767 - square) + product(square, series)
}

/// The binary logarithm of a tangent in 11 bits behind the point, likewise the same everywhere.
fn log2_tangent(sine: i32, cosine: i32) -> i32 {
    let length = |value: i32| (value.max(1).ilog2() + 1) as i32;
    let part = |value: i32| {
        let value = value << (15 - length(value));
        product(value, product(value, -2597) + 7932)
    };
    (length(sine) - length(cosine)) * (1 << 11) + part(sine) - part(cosine)
}
