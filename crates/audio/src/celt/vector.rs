//! Four numbers side by side, which the compiler makes a vector of.

use std::ops::{Add, Mul, Sub};

/// Four numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Four(pub(super) [f32; 4]);

impl Four {
    pub(super) const ZERO: Four = Four([0.0; 4]);

    /// The same four times.
    #[inline(always)]
    pub(super) fn all(value: f32) -> Four {
        Four([value; 4])
    }

    /// The sum of the four.
    #[inline(always)]
    pub(super) fn sum(self) -> f32 {
        let [a, b, c, d] = self.0;
        (a + c) + (b + d)
    }
}

impl Add for Four {
    type Output = Four;

    #[inline(always)]
    fn add(self, other: Four) -> Four {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Four([a + e, b + f, c + g, d + h])
    }
}

impl Sub for Four {
    type Output = Four;

    #[inline(always)]
    fn sub(self, other: Four) -> Four {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Four([a - e, b - f, c - g, d - h])
    }
}

impl Mul for Four {
    type Output = Four;

    #[inline(always)]
    fn mul(self, other: Four) -> Four {
        let ([a, b, c, d], [e, f, g, h]) = (self.0, other.0);
        Four([a * e, b * f, c * g, d * h])
    }
}

/// Four complex numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Complex {
    pub(super) re: Four,
    pub(super) im: Four,
}

impl Complex {
    pub(super) const ZERO: Complex = Complex {
        re: Four::ZERO,
        im: Four::ZERO,
    };

    /// Times -i.
    #[inline(always)]
    pub(super) fn turned(self) -> Complex {
        Complex {
            re: self.im,
            im: Four::all(0.0) - self.re,
        }
    }

    /// Times a real number.
    #[inline(always)]
    pub(super) fn scaled(self, by: f32) -> Complex {
        Complex {
            re: self.re * Four::all(by),
            im: self.im * Four::all(by),
        }
    }
}

impl Add for Complex {
    type Output = Complex;

    #[inline(always)]
    fn add(self, other: Complex) -> Complex {
        Complex {
            re: self.re + other.re,
            im: self.im + other.im,
        }
    }
}

impl Sub for Complex {
    type Output = Complex;

    #[inline(always)]
    fn sub(self, other: Complex) -> Complex {
        Complex {
            re: self.re - other.re,
            im: self.im - other.im,
        }
    }
}

impl Mul for Complex {
    type Output = Complex;

    #[inline(always)]
    fn mul(self, other: Complex) -> Complex {
        Complex {
            re: self.re * other.re - self.im * other.im,
            im: self.re * other.im + self.im * other.re,
        }
    }
}
