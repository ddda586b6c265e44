//! Goertzel's algorithm for several frequencies at once, over half blocks that overlap.
//!
//! A block is two halves. Each half gives one complex value per frequency, its phase that of the last sample; two of them
//! make the block's, and how far the phase turned from one block to the next tells the true frequency, much finer than
//! the length of a block would.

use std::f32::consts::TAU;

/// A complex number.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Complex {
    re: f32,
    im: f32,
}

impl Complex {
    fn times(self, other: Complex) -> Complex {
        Complex {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }

    fn conjugate(self) -> Complex {
        Complex {
            re: self.re,
            im: -self.im,
        }
    }

    fn square(self) -> f32 {
        self.re * self.re + self.im * self.im
    }
}

/// What a block says of one frequency.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Line {
    /// Energy of a sine at that frequency, in units of summed squares.
    pub(super) energy: f32,
    /// The true frequency less the nominal one, by the turn of the phase since the block before, hertz.
    pub(super) offset_hz: f32,
}

/// N frequencies over one stream.
#[derive(Clone, Debug)]
pub(super) struct Bank<const N: usize> {
    rate_hz: f32,
    /// Samples of half a block.
    half: usize,
    coefficients: [f32; N],
    /// e^(-jω), and e^(jω·half).
    back: [Complex; N],
    turn: [Complex; N],
    /// The half that is being filled.
    state: [[f32; N]; 2],
    energy: f32,
    filled: usize,
    /// The half before, and the block before.
    last_half: [Complex; N],
    last_energy: f32,
    last_block: [Complex; N],
}

impl<const N: usize> Bank<N> {
    pub(super) fn new(hz: [u16; N], rate_hz: u32, half: usize) -> Bank<N> {
        let omega = hz.map(|hz| TAU * f32::from(hz) / rate_hz as f32);
        let at = |angle: f32| Complex {
            re: angle.cos(),
            im: angle.sin(),
        };
        Bank {
            rate_hz: rate_hz as f32,
            half,
            coefficients: omega.map(|w| 2.0 * w.cos()),
            back: omega.map(|w| at(-w)),
            turn: omega.map(|w| at((w * half as f32) % TAU)),
            state: [[0.0; N]; 2],
            energy: 0.0,
            filled: 0,
            last_half: [Complex::default(); N],
            last_energy: 0.0,
            last_block: [Complex::default(); N],
        }
    }

    /// Samples that are missing to the next block's end.
    pub(super) fn missing(&self) -> usize {
        self.half - self.filled
    }

    /// Takes samples, at most as many as are missing; gives the block that they end: the energy of all of it and its
    /// lines.
    pub(super) fn push(&mut self, samples: &[i16]) -> Option<(f32, [Line; N])> {
        let [mut s1, mut s2] = self.state;
        for sample in samples {
            let x = f32::from(*sample);
            self.energy += x * x;
            for ((s1, s2), c) in s1.iter_mut().zip(&mut s2).zip(&self.coefficients) {
                let s = x + c * *s1 - *s2;
                *s2 = *s1;
                *s1 = s;
            }
        }
        self.state = [s1, s2];
        self.filled += samples.len();
        (self.filled >= self.half).then(|| self.end_half())
    }

    fn end_half(&mut self) -> (f32, [Line; N]) {
        let [s1, s2] = std::mem::replace(&mut self.state, [[0.0; N]; 2]);
        let energy = std::mem::take(&mut self.energy);
        self.filled = 0;
        let scale = 1.0 / self.half as f32;
        let hop = self.rate_hz / (TAU * self.half as f32);
        let mut lines = [Line::default(); N];
        let each = s1.iter().zip(&s2).zip(&self.back).zip(&self.turn);
        let kept = self
            .last_half
            .iter_mut()
            .zip(&mut self.last_block)
            .zip(&mut lines);
        for ((((s1, s2), back), turn), ((last_half, last_block), line)) in each.zip(kept) {
            let here = Complex {
                re: s1 - s2 * back.re,
                im: -s2 * back.im,
            };
            let before = last_half.times(*turn);
            let block = Complex {
                re: before.re + here.re,
                im: before.im + here.im,
            };
            let turned = block.times(last_block.conjugate()).times(turn.conjugate());
            // Two samples of energy per sample of the block: a sine has half its energy at the negative frequency.
            line.energy = block.square() * scale;
            line.offset_hz = turned.im.atan2(turned.re) * hop;
            *last_half = here;
            *last_block = block;
        }
        let whole = energy + std::mem::replace(&mut self.last_energy, energy);
        (whole, lines)
    }
}
