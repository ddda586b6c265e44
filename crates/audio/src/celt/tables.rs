//! The constants of the format (RFC 6716 section 4.3), of a frame of 20 ms in one channel: what follows from a formula is
//! computed by the compiler.

/// Bands that wide-band audio has; narrow-band has 13 of them.
pub(super) const BANDS: usize = 17;
/// Lines of the spectrum, 25 Hz apart, in a band of width 1.
pub(super) const LINES: usize = 8;
/// Lines of the widest band.
pub(super) const WIDEST: usize = 48;

/// Where each band begins, in steps of [`LINES`] (table 55).
pub(super) const EDGES: [i32; BANDS + 1] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 14, 16, 20, 24, 28, 34, 40];

/// The binary logarithm of a band's width, in eighths.
pub(super) const LOG_WIDTHS: [i32; BANDS] = [0, 0, 0, 0, 0, 0, 0, 0, 8, 8, 8, 8, 16, 16, 16, 21, 21];

/// What the levels of the bands are on average: binary logarithms of an amplitude (section 4.3.2.1).
pub(super) const MEANS: [f32; BANDS] = [
    6.4375, 6.25, 5.75, 5.3125, 5.0625, 4.8125, 4.5, 4.375, 4.875, 4.6875, 4.5625, 4.4375, 4.875, 4.625,
    4.3125, 4.5, 4.375,
];

/// For each band: how probable it is that its coarse level is as predicted, and how fast that falls with the distance, both in
/// 256ths. First as predicted from the frame before, then from the band below alone (section 4.3.2.1).
pub(super) const LEVEL_MODEL: [[(u8, u8); BANDS]; 2] = [
    [
        (42, 121),
        (96, 66),
        (108, 43),
        (111, 40),
        (117, 44),
        (123, 32),
        (120, 36),
        (119, 33),
        (127, 33),
        (134, 34),
        (139, 21),
        (147, 23),
        (152, 20),
        (158, 25),
        (154, 26),
        (166, 21),
        (173, 16),
    ],
    [
        (22, 178),
        (63, 114),
        (74, 82),
        (84, 83),
        (92, 82),
        (103, 62),
        (96, 72),
        (96, 67),
        (101, 73),
        (107, 72),
        (113, 55),
        (118, 52),
        (125, 52),
        (118, 52),
        (117, 55),
        (135, 49),
        (137, 39),
    ],
];

/// Bits for each line at eleven qualities, in 32nds (section 4.3.3, table 57).
pub(super) const QUALITIES: [[u8; BANDS]; 11] = [
    [0; BANDS],
    [90, 80, 75, 69, 63, 56, 49, 40, 34, 29, 20, 18, 10, 0, 0, 0, 0],
    [110, 100, 90, 84, 78, 71, 65, 58, 51, 45, 39, 32, 26, 20, 12, 0, 0],
    [
        118, 110, 103, 93, 86, 80, 75, 70, 65, 59, 53, 47, 40, 31, 23, 15, 4,
    ],
    [
        126, 119, 112, 104, 95, 89, 83, 78, 72, 66, 60, 54, 47, 39, 32, 25, 17,
    ],
    [
        134, 127, 120, 114, 103, 97, 91, 85, 78, 72, 66, 60, 54, 47, 41, 35, 29,
    ],
    [
        144, 137, 130, 124, 113, 107, 101, 95, 88, 82, 76, 70, 64, 57, 51, 45, 39,
    ],
    [
        152, 145, 138, 132, 123, 117, 111, 105, 98, 92, 86, 80, 74, 67, 61, 55, 49,
    ],
    [
        162, 155, 148, 142, 133, 127, 121, 115, 108, 102, 96, 90, 84, 77, 71, 65, 59,
    ],
    [
        172, 165, 158, 152, 143, 137, 131, 125, 118, 112, 106, 100, 94, 87, 81, 75, 69,
    ],
    [
        200, 200, 200, 200, 200, 200, 200, 200, 198, 193, 188, 183, 178, 173, 168, 163, 158,
    ],
];

/// The most that a band of this width can use, in eighths of a bit.
pub(super) const fn most_bits(width: i32) -> i32 {
    // Section 4.3.3 lists them less 64, in 32nds of a bit for each line.
    let listed = match width {
        1 | 2 => 193,
        4 => 194,
        _ => 184,
    };
    (listed + 64) * width * LINES as i32 / 4
}

/// The spread of the pulses, the tilt of the allocation: how probable what is above each value is, in 32nds and in 128ths (sections
/// 4.3.4.3 and 4.3.3).
pub(super) const SPREAD_MODEL: [u8; 4] = [25, 23, 2, 0];
pub(super) const TRIM_MODEL: [u8; 11] = [126, 124, 119, 109, 87, 41, 19, 9, 4, 2, 0];
/// A coarse level where there are few bits left, in quarters.
pub(super) const SMALL_LEVEL_MODEL: [u8; 3] = [2, 1, 0];

/// Rows and columns of [`WAYS`]: the smaller and the larger of lines and pulses.
const ROWS: usize = 15;
const COLUMNS: usize = 130;

/// U(n, k) of section 4.3.4.2: in how many ways `k - 1` pulses at most stand on `n - 1` lines. It is symmetric; only what fits into
/// 32 bits is used. Row by row.
static WAYS: [u32; COLUMNS * ROWS] = ways_table();

#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn ways_table() -> [u32; COLUMNS * ROWS] {
    let mut table = [0_u32; COLUMNS * ROWS];
    table[0] = 1;
    let mut at = COLUMNS;
    while at < table.len() {
        if !at.is_multiple_of(COLUMNS) {
            let above = table[at - COLUMNS].saturating_add(table[at - COLUMNS - 1]);
            table[at] = above.saturating_add(table[at - 1]);
        }
        at += 1;
    }
    table
}

/// U(n, k).
#[inline(always)]
pub(super) fn ways(n: usize, k: usize) -> u32 {
    let at = n.min(k) * COLUMNS + n.max(k);
    WAYS.get(at).copied().unwrap_or_default()
}

/// How many pulses each step of quality has.
pub(super) const fn pulses(step: usize) -> usize {
    match step {
        0..8 => step,
        _ => (8 + step % 8) << (step / 8 - 1),
    }
}

/// Steps of quality at most.
const STEPS: usize = 40;
/// The numbers of lines that bands and their parts have.
const SIZES: [usize; 10] = [2, 3, 4, 6, 8, 12, 16, 24, 32, 48];

/// What the pulses of each step cost on so many lines, in eighths of a bit.
#[derive(Debug)]
pub(super) struct Costs {
    /// Steps whose codewords have at most 32 bits.
    pub(super) steps: usize,
    bits: [u16; 64],
}

impl Costs {
    /// What a step costs; the first costs nothing.
    #[inline(always)]
    pub(super) fn of(&self, step: usize) -> i32 {
        self.bits.get(step).map_or(0, |bits| i32::from(*bits))
    }

    /// What the most pulses cost.
    #[inline(always)]
    pub(super) fn most(&self) -> i32 {
        self.of(self.steps)
    }

    /// The step whose cost comes nearest to so many bits, the lower one of two (section 4.3.4.1).
    #[inline(always)]
    pub(super) fn step(&self, bits: i32) -> usize {
        let mut low = 0;
        for width in [32, 16, 8, 4, 2, 1] {
            // What is beyond the last step costs more than anybody has.
            let is_less = self.of(low + width) < bits;
            low += if is_less { width } else { 0 };
        }
        let high = (low + 1).min(self.steps);
        match bits - self.of(low) > self.of(high) - bits {
            true => high,
            false => low,
        }
    }
}

static COSTS: [Costs; SIZES.len()] = costs_table();
/// Which row of [`COSTS`] is for so many lines.
static ROW_OF: [u8; WIDEST + 1] = rows_table();

/// The costs on so many lines, which are one of [`SIZES`].
#[inline(always)]
pub(super) fn costs(lines: usize) -> &'static Costs {
    let [least, ..] = &COSTS;
    let row = ROW_OF.get(lines).copied().unwrap_or_default();
    COSTS.get(usize::from(row)).unwrap_or(least)
}

#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn rows_table() -> [u8; WIDEST + 1] {
    let mut table = [0; WIDEST + 1];
    let mut row = 0;
    while row < SIZES.len() {
        table[SIZES[row]] = row as u8;
        row += 1;
    }
    table
}

#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn costs_table() -> [Costs; SIZES.len()] {
    const NONE: Costs = Costs {
        steps: 0,
        bits: [u16::MAX; 64],
    };
    let mut table = [NONE; SIZES.len()];
    let mut row = 0;
    while row < SIZES.len() {
        // V(n, k) = V(n - 1, k) + V(n, k - 1) + V(n - 1, k - 1), here with a row for each number of lines in turn.
        let mut words = [0_u64; COLUMNS];
        words[0] = 1;
        let mut n = 0;
        while n < SIZES[row] {
            let (mut k, mut corner) = (1, words[0]);
            while k < COLUMNS {
                let above = words[k];
                let sum = above.saturating_add(words[k - 1]).saturating_add(corner);
                words[k] = if sum > 1 << 40 { 1 << 40 } else { sum };
                corner = above;
                k += 1;
            }
            n += 1;
        }
        table[row].bits[0] = 0;
        let mut step = 1;
        while step <= STEPS && words[pulses(step)] <= u32::MAX as u64 {
            table[row].bits[step] = log2_eighths(words[pulses(step)] as u32) as u16;
            table[row].steps = step;
            step += 1;
        }
        row += 1;
    }
    table
}

/// The binary logarithm in eighths, never less than it is: squaring shifts the next digit of it to the front.
const fn log2_eighths(value: u32) -> u32 {
    let length = value.ilog2() + 1;
    if value.is_power_of_two() {
        return (length - 1) * 8;
    }
    let mut rest = match length > 16 {
        true => ((value - 1) >> (length - 16)) + 1,
        false => value << (16 - length),
    };
    let mut log = (length - 1) * 8;
    let mut digit = 3;
    loop {
        let bit = rest >> 16;
        log += bit << digit;
        rest = (rest + bit) >> bit;
        rest = (rest * rest + 0x7FFF) >> 15;
        if digit == 0 {
            break;
        }
        digit -= 1;
    }
    log + (rest > 0x8000) as u32
}

/// Sine and cosine, by their series; good to 1e-9.
pub(super) const fn sin_cos(angle: f64) -> (f64, f64) {
    let turn = 2.0 * std::f64::consts::PI;
    let mut rest = angle;
    while rest > turn / 2.0 {
        rest -= turn;
    }
    while rest < -turn / 2.0 {
        rest += turn;
    }
    let (mut sin, mut cos, mut term, mut n) = (0.0, 0.0, 1.0, 0);
    while n < 26 {
        match n % 4 {
            0 => cos += term,
            1 => sin += term,
            2 => cos -= term,
            _ => sin -= term,
        }
        n += 1;
        term *= rest / n as f64;
    }
    (sin, cos)
}
