//! What an encoder may wish of the allocation (RFC 6716 section 4.3.3): its tilt, and more for single bands.

use super::range::Range;
use super::tables::{BANDS, EDGES, SPREAD_MODEL, TRIM_MODEL, most_bits};

/// Eighths of a bit.
const BIT: i32 = 8;
/// A band gets more in steps of six bits (section 4.3.3): of our bands, each has as many lines at least.
const QUANTUM: i32 = 6 * BIT;
/// A band has a tone if its level (6 dB) is so far above those around it.
const TONE: f32 = 3.0;

/// What the allocation is asked for besides its curves.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wishes {
    /// Above 5, lower bands get more.
    pub(super) trim: i32,
    /// What bands get more than the curves say, eighths of a bit.
    pub(super) boosts: [i32; BANDS],
}

/// Writes how the pulses are spread and what is wished of the allocation; gives the latter.
pub(super) fn wishes(levels: &[f32; BANDS], end: usize, range: &mut Range<'_>) -> Wishes {
    let room = range.room();
    // All bands have the resolution of the frame.
    let mut rare = 4;
    let reserved = i32::from(range.tell() + rare < room);
    for _ in 0..end {
        if range.tell() + rare <= room - reserved {
            range.bit(false, rare as u32);
        }
        rare = 5;
    }
    // The pulses stay where they are.
    if range.tell() + 4 <= room {
        range.symbol(0, &SPREAD_MODEL, 5);
    }
    let (boosts, left) = boosts(levels, end, range);
    let mut trim = 5;
    if range.tell_eighths() + 6 * BIT <= left {
        trim = tilt(levels, end);
        range.symbol(trim as usize, &TRIM_MODEL, 7);
    }
    Wishes { trim, boosts }
}

/// Writes which bands get more than the curves say: those in which there is a tone. Gives that, and how many eighths of a bit
/// are left for everything but that.
fn boosts(levels: &[f32; BANDS], end: usize, range: &mut Range<'_>) -> ([i32; BANDS], i32) {
    let mut boosts = [0; BANDS];
    let mut left = range.room() * BIT;
    let most = left - left / 3;
    let mut rare = 6;
    let bands = boosts.iter_mut().zip(EDGES.array_windows::<2>());
    for (at, (boost, [from, to])) in bands.enumerate().take(end) {
        let wanted = peak(levels, at, end);
        let mut rare_here = rare;
        while range.tell_eighths() + rare_here * BIT < left && *boost < most_bits(to - from) {
            let is_more = *boost < wanted && left > most;
            range.bit(is_more, rare_here as u32);
            if !is_more {
                break;
            }
            *boost += QUANTUM;
            left -= QUANTUM;
            rare_here = 1;
        }
        if *boost > 0 {
            rare = (rare - 1).max(2);
        }
    }
    (boosts, left)
}

/// What a band wants that stands out from those around it, but for its next neighbours, into which a tone leaks: eighths of a bit.
fn peak(levels: &[f32], at: usize, end: usize) -> i32 {
    let below = at.checked_sub(2).and_then(|below| levels.get(below));
    let above = levels.get(at + 2).filter(|_| at + 2 < end);
    let around = below.copied().unwrap_or(-9.0).max(above.copied().unwrap_or(-9.0));
    let over = levels.get(at).map_or(0.0, |level| level - around);
    match over > TONE {
        true => ((over - 2.0) * 2.0) as i32 * QUANTUM,
        false => 0,
    }
}

/// The tilt of the allocation: what falls towards the upper bands needs its bits below. 5 is none.
fn tilt(levels: &[f32], end: usize) -> i32 {
    let slope = |(at, level): (usize, &f32)| level * (2 + 2 * at as i32 - end as i32) as f32;
    let sum: f32 = levels.iter().take(end - 1).enumerate().map(slope).sum();
    let fall = (sum / (end - 1) as f32 + 1.0) / 6.0;
    (4.5 - fall.clamp(-2.0, 2.0)) as i32
}
