//! Digits made of two sines: ITU-T Q.24, with the limits of Telcordia GR-506.
//!
//! A digit is heard when four overlapping blocks in a row (32 ms) agree and are equally strong: one row and one column
//! hold most of the energy, their levels are not too different, and the true frequency of both is within 2.5 % of the
//! nominal one. Q.24 accepts 1.5 % and refuses 3.5 %.

use super::goertzel::{Bank, Line};
use crate::tone::{COLUMNS_HZ, FULL_SCALE_DBM0, KEYS, ROWS_HZ};
use std::f32::consts::PI;

/// Samples of half a block at 8 kHz. A whole one (12.75 ms) parts the rows, 73 Hz from each other.
const HALF: u32 = 51;
/// Blocks that agree before a digit counts, and that disagree before it is over.
const AGREE: u8 = 4;
const DISAGREE: u8 = 4;
/// Blocks that agree before a digit is suspected.
const SUSPECT: u8 = 2;
/// Share of the energy that the two sines hold.
const SHARE: f32 = 0.82;
/// The weakest of the blocks that agree has this much of the energy of the strongest: a block that is partly outside
/// a digit is none of it, so what is shorter than 24 ms is no digit.
const STEADY: f32 = 0.5;
/// Largest error of a frequency.
const OFFSET: f32 = 0.025;
/// The column over the row, dB: wider than what must be accepted, for the strong one leaks into the weak one.
const TWIST_DB: (f32, f32) = (-11.0, 6.0);
/// Each sine at least, dBm0.
const LEAST_DBM0: f32 = -38.0;
/// The winner of rows and columns over the next one, dB.
const CLEAR_DB: f32 = 3.0;

/// A digit's beginning or end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtmfHeard {
    /// The key is down.
    Start(char),
    /// It was let go after about so long.
    End {
        /// Which.
        key: char,
        /// How long, ms.
        ms: u32,
    },
}

/// Hears digits in one stream.
#[derive(Clone, Debug)]
pub struct Dtmf {
    bank: Bank<8>,
    rate_hz: u32,
    half: usize,
    least: f32,
    twist: (f32, f32),
    /// The candidate, how many blocks agreed on it, and their energies.
    candidate: Option<char>,
    agreed: u8,
    energies: [f32; AGREE as usize],
    /// The digit that is down, for how many blocks, and how many in a row were not it.
    down: Option<char>,
    blocks: u32,
    missed: u8,
}

/// What one block says.
struct Block {
    key: char,
    /// Do the frequencies fit, by the turn since the block before?
    fits: bool,
    energy: f32,
}

impl Dtmf {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rate_hz: u32) -> Dtmf {
        let rate_hz = rate_hz.clamp(8000, 48000);
        let half = (rate_hz * HALF / 8000) as usize;
        let [a, b, c, d] = ROWS_HZ;
        let [e, f, g, h] = COLUMNS_HZ;
        let ratio = |db: f32| 10_f32.powf(db / 10.0);
        let peak = 32768.0 * 10_f32.powf((LEAST_DBM0 - FULL_SCALE_DBM0) / 20.0);
        Dtmf {
            bank: Bank::new([a, b, c, d, e, f, g, h], rate_hz, half),
            rate_hz,
            half,
            least: peak * peak * half as f32,
            twist: (ratio(TWIST_DB.0), ratio(TWIST_DB.1)),
            candidate: None,
            agreed: 0,
            energies: [0.0; AGREE as usize],
            down: None,
            blocks: 0,
            missed: 0,
        }
    }

    /// The key that is down.
    #[must_use]
    pub fn down(&self) -> Option<char> {
        self.down
    }

    /// May a digit have begun? True somewhat before it is certain, now and then also in a voice.
    #[must_use]
    pub fn suspects(&self) -> bool {
        self.agreed >= SUSPECT
    }

    /// Listens to samples, any number of them, and tells what begins and ends.
    pub fn push(&mut self, mut samples: &[i16], mut tell: impl FnMut(DtmfHeard)) {
        while !samples.is_empty() {
            let (now, later) = samples.split_at(self.bank.missing().min(samples.len()));
            samples = later;
            if let Some((energy, lines)) = self.bank.push(now) {
                let block = self.judge(energy, &lines);
                self.follow(block.as_ref(), &mut tell);
            }
        }
    }

    /// Is this block a pair of sines?
    fn judge(&self, energy: f32, lines: &[Line; 8]) -> Option<Block> {
        let (rows, columns) = lines.split_at(4);
        let (row, low) = strongest(rows)?;
        let (column, high) = strongest(columns)?;
        let loud = low.energy >= self.least && high.energy >= self.least;
        let pure = self.whole(&low) + self.whole(&high) >= energy * SHARE;
        let twist = high.energy / low.energy;
        let even = (self.twist.0..=self.twist.1).contains(&twist);
        let near = |line: &Line, hz: &[u16; 4], at: usize| {
            let nominal = hz.get(at).copied().unwrap_or_default();
            line.offset_hz.abs() <= OFFSET * f32::from(nominal)
        };
        (loud && pure && even).then_some(Block {
            key: *KEYS.get(row)?.get(column)?,
            fits: near(&low, &ROWS_HZ, row) && near(&high, &COLUMNS_HZ, column),
            energy: low.energy + high.energy,
        })
    }

    /// How many blocks agree, with this one.
    fn agree(&mut self, block: &Block) -> u8 {
        self.energies.rotate_left(1);
        if let Some(last) = self.energies.last_mut() {
            *last = block.energy;
        }
        // The first block of a digit has none before it to compare phases with.
        if Some(block.key) == self.candidate && block.fits {
            self.agreed.saturating_add(1)
        } else {
            1
        }
    }

    /// Are the last blocks equally strong?
    fn is_steady(&self) -> bool {
        let strongest = self.energies.iter().copied().fold(0.0, f32::max);
        self.energies.iter().all(|energy| *energy >= strongest * STEADY)
    }

    /// The energy that a line would have at its nominal frequency.
    fn whole(&self, line: &Line) -> f32 {
        let angle = PI * line.offset_hz * 2.0 * self.half as f32 / self.rate_hz as f32;
        let sinc = if angle.abs() < 1e-3 {
            1.0
        } else {
            angle.sin() / angle
        };
        line.energy / (sinc * sinc).max(0.35)
    }

    fn follow(&mut self, block: Option<&Block>, tell: &mut impl FnMut(DtmfHeard)) {
        let key = block.map(|b| b.key);
        self.agreed = block.map_or(0, |b| self.agree(b));
        self.candidate = key;
        if let Some(down) = self.down {
            self.blocks = self.blocks.saturating_add(1);
            self.missed = if key == Some(down) { 0 } else { self.missed + 1 };
            if self.missed >= DISAGREE {
                let blocks = self.blocks.saturating_sub(u32::from(DISAGREE));
                let ms = (u64::from(blocks) * self.half as u64 * 1000 / u64::from(self.rate_hz)) as u32;
                tell(DtmfHeard::End { key: down, ms });
                self.down = None;
            }
        }
        if let (None, Some(key)) = (self.down, key)
            && self.agreed >= AGREE
            && self.is_steady()
        {
            tell(DtmfHeard::Start(key));
            self.down = Some(key);
            self.blocks = u32::from(AGREE);
            self.missed = 0;
        }
    }
}

/// The strongest line of a group, if it is clearly stronger than the others.
fn strongest(lines: &[Line]) -> Option<(usize, Line)> {
    let (at, best) = lines
        .iter()
        .enumerate()
        .max_by(|a, b| a.1.energy.total_cmp(&b.1.energy))?;
    let clear = 10_f32.powf(-CLEAR_DB / 10.0) * best.energy;
    let others = lines.iter().enumerate().filter(|(n, _)| *n != at);
    others
        .into_iter()
        .all(|(_, line)| line.energy < clear)
        .then_some((at, *best))
}
