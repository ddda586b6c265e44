//! One band: the adaptive predictor (block 4 of G.722 §6.2.1.4) and the scale of the quantiser.

use super::saturate;
use super::tables::ILB;

/// The state of a band.
#[derive(Clone, Debug)]
pub(super) struct Band {
    /// What is expected next (S).
    pub(super) prediction: i32,
    /// The scale of the quantiser (DET), and its logarithm (NB).
    pub(super) scale: i32,
    logarithm: i32,
    /// The part of the prediction that comes from the zeros (SZ).
    zeros: i32,
    /// Reconstructed signal (R), and partly so (P), the latest first.
    signal: [i32; 2],
    partial: [i32; 2],
    /// Coefficients of the poles (A) and zeros (B), and the differences (D), the latest first.
    poles: [i32; 2],
    coefficients: [i32; 6],
    differences: [i32; 6],
}

impl Band {
    pub(super) fn new(scale: i32) -> Band {
        Band {
            prediction: 0,
            scale,
            logarithm: 0,
            zeros: 0,
            signal: [0; 2],
            partial: [0; 2],
            poles: [0; 2],
            coefficients: [0; 6],
            differences: [0; 6],
        }
    }

    /// LOGSCL and SCALEL, or their twins of the upper band.
    pub(super) fn rescale(&mut self, step: i32, most: i32, shift: i32) {
        self.logarithm = (((self.logarithm * 127) >> 7) + step).clamp(0, most);
        let mantissa = super::at(&ILB, (self.logarithm >> 6 & 31) as usize);
        let down = shift - (self.logarithm >> 11);
        let scale = if down < 0 {
            mantissa << -down
        } else {
            mantissa >> down
        };
        self.scale = scale << 2;
    }

    /// Block 4: takes the quantised difference in, and makes the next prediction.
    pub(super) fn predict(&mut self, difference: i32) {
        let signal = saturate(self.prediction + difference);
        let partial = saturate(self.zeros + difference);
        self.poles = self.adapt_poles(partial);
        self.adapt_zeros(difference);
        self.signal = [signal, self.signal[0]];
        self.partial = [partial, self.partial[0]];
        self.differences.rotate_right(1);
        self.differences[0] = difference;
        let [a1, a2] = self.poles;
        let [r1, r2] = self.signal;
        let from_poles = saturate(((a1 * saturate(r1 + r1)) >> 15) + ((a2 * saturate(r2 + r2)) >> 15));
        let products = self.coefficients.iter().zip(&self.differences);
        self.zeros = saturate(products.map(|(b, d)| (b * saturate(d + d)) >> 15).sum());
        self.prediction = saturate(from_poles + self.zeros);
    }

    /// UPPOL2 and UPPOL1.
    fn adapt_poles(&self, partial: i32) -> [i32; 2] {
        let [a1, a2] = self.poles;
        let [p1, p2] = self.partial;
        let same = |other: i32| (partial < 0) == (other < 0);
        let quadruple = saturate(a1 << 2);
        let turned = if same(p1) { -quadruple } else { quadruple }.min(32_767);
        let second = (turned >> 7) + if same(p2) { 128 } else { -128 } + ((a2 * 32_512) >> 15);
        let second = second.clamp(-12_288, 12_288);
        let first = saturate(if same(p1) { 192 } else { -192 } + ((a1 * 32_640) >> 15));
        let most = saturate(15_360 - second);
        [first.clamp(-most, most), second]
    }

    /// UPZERO.
    fn adapt_zeros(&mut self, difference: i32) {
        let step = if difference == 0 { 0 } else { 128 };
        for (b, d) in self.coefficients.iter_mut().zip(&self.differences) {
            let same = (*d < 0) == (difference < 0);
            *b = saturate(if same { step } else { -step } + ((*b * 32_640) >> 15));
        }
    }
}
