//! The shape of a band as a number of pulses (RFC 6716 section 4.3.4): which vector of pulses is the nearest, and its number among all
//! such vectors.

use super::range::Range;
use super::tables::{WIDEST, ways};
use super::vector::Four;
use crate::sum_of;

/// Added and taken away again, it rounds a small number to a whole one.
const ROUND: f32 = 12_582_912.0;
/// A score keeps so many bits free for the place that has it.
const PLACE: u32 = 0x3F;
/// The projection aims at so much of a pulse more than there are, and is lowered by so much before it is rounded: first near to the
/// best, where it may come to too many, then so that it can't.
const NEAR: (f32, f32) = (0.0, 0.15);
const BELOW: (f32, f32) = (0.8, 0.5);

/// One pulse on each of four lines.
static ONE: [[f32; 4]; 4] = [
    [1.0, 0.0, 0.0, 0.0],
    [0.0, 1.0, 0.0, 0.0],
    [0.0, 0.0, 1.0, 0.0],
    [0.0, 0.0, 0.0, 1.0],
];

/// The pulses of a band, without their signs: those of the lines.
struct Search {
    sizes: [f32; WIDEST],
    counts: [f32; WIDEST],
}

/// Writes the nearest vector of `pulses` pulses to these lines. There are 2 to 48 lines and one pulse at least.
pub(super) fn encode(lines: &[f32], pulses: usize, range: &mut Range<'_>) {
    let mut search = Search {
        sizes: [0.0; WIDEST],
        counts: [0.0; WIDEST],
    };
    search.find(lines, pulses);
    let total = ways(lines.len(), pulses).wrapping_add(ways(lines.len(), pulses + 1));
    range.number(search.number(lines), total);
}

impl Search {
    fn find(&mut self, lines: &[f32], pulses: usize) {
        let lanes = lines.len().next_multiple_of(8);
        let (Some(sizes), Some(counts)) = (self.sizes.get_mut(..lanes), self.counts.get_mut(..lanes)) else {
            return;
        };
        for (size, line) in sizes.iter_mut().zip(lines) {
            *size = line.abs();
        }
        let mut sum = sum_of(sizes, |size| size);
        if sum < 1e-9 {
            // Any shape is as good.
            if let Some(first) = sizes.first_mut() {
                *first = 1.0;
            }
            sum = 1.0;
        }
        let mut left = project(sizes, counts, pulses, (pulses as f32 + NEAR.0) / sum, NEAR.1);
        if left < 0 {
            left = project(sizes, counts, pulses, (pulses as f32 + BELOW.0) / sum, BELOW.1);
        }
        if left < 0 || left > lines.len() as i32 + 3 {
            counts.fill(0.0);
            left = pulses as i32;
        }
        let (mut cross, mut square) = products(sizes, counts);
        // No pulse goes where there is no line.
        counts.iter_mut().skip(lines.len()).for_each(|count| *count = 1e9);
        for _ in 0..left {
            let place = best(sizes, counts, cross, square);
            let (blocks, _) = counts.as_chunks_mut::<4>();
            let (Some(block), Some(size), Some(one)) =
                (blocks.get_mut(place / 4), sizes.get(place), ONE.get(place % 4))
            else {
                return;
            };
            cross += size;
            square += 1.0 + 2.0 * (Four(*block) * Four(*one)).sum();
            // All four at once, as they are read next.
            *block = (Four(*block) + Four(*one)).0;
        }
    }

    /// The number of the vector: how many come before it (section 4.3.4.2).
    fn number(&self, lines: &[f32]) -> u32 {
        let (mut number, mut pulses) = (0_u32, 0_usize);
        let places = self.counts.iter().zip(lines).rev();
        for (before, (count, line)) in places.enumerate() {
            number = number.wrapping_add(ways(before + 1, pulses));
            let count = (count + ROUND).to_bits().wrapping_sub(ROUND.to_bits());
            pulses += count as usize;
            // All ones where the pulses are below zero.
            let is_below = (line.to_bits() as i32 >> 31) as u32 & (count != 0) as u32;
            number = number.wrapping_add(ways(before + 1, pulses + 1) & is_below.wrapping_neg());
        }
        number
    }
}

/// What the pulses would be if they could be parted, rounded; gives how many are left.
#[inline(always)]
fn project(sizes: &[f32], counts: &mut [f32], pulses: usize, scale: f32, down: f32) -> i32 {
    let mut sums = Four::ZERO;
    let (sizes, _) = sizes.as_chunks::<4>();
    let (counts, _) = counts.as_chunks_mut::<4>();
    for (count, size) in counts.iter_mut().zip(sizes) {
        let exact = Four(*size) * Four::all(scale) - Four::all(down);
        let rounded = (exact + Four::all(ROUND)) - Four::all(ROUND);
        *count = rounded.0;
        sums = sums + rounded;
    }
    pulses as i32 - sums.sum() as i32
}

/// Where one more pulse brings the vector nearest: where the cosine of the angle between both grows most.
#[inline(always)]
fn best(sizes: &[f32], counts: &[f32], cross: f32, square: f32) -> usize {
    let mut best = 0_i32;
    for (place, (size, count)) in sizes.iter().zip(counts).enumerate() {
        let over = cross + size;
        let score = over * over / (square + 1.0 + 2.0 * count);
        // Numbers above 0 compare like their bits; the lowest bits say where.
        let key = (score.to_bits() & !PLACE) | (PLACE - place as u32);
        best = best.max(key as i32);
    }
    (PLACE - (best as u32 & PLACE)) as usize
}

/// The product of both, and the square of the second.
#[inline(always)]
fn products(sizes: &[f32], counts: &[f32]) -> (f32, f32) {
    let (sizes, _) = sizes.as_chunks::<4>();
    let (counts, _) = counts.as_chunks::<4>();
    let (mut cross, mut square) = (Four::ZERO, Four::ZERO);
    for (size, count) in sizes.iter().zip(counts) {
        let (size, count) = (Four(*size), Four(*count));
        cross = cross + size * count;
        square = square + count * count;
    }
    (cross.sum(), square.sum())
}
