//! From samples to the spectrum that the decoder expects (RFC 6716 section 4.3.7), without the detour over 48 kHz.
//!
//! The decoder's MDCT has 960 lines at 48 kHz. Of a sound of 8 kHz, only every sixth sample there is not zero, and only the
//! lower 160 lines are wanted: a real Fourier transform of 320 points at odd frequencies, of which 180 are under the window.
//! One complex transform of 160 points gives the even lines, and mirrored the odd ones. At 16 kHz, all of that is twice as
//! long.

use super::tables::{BANDS, EDGES, LINES, sin_cos};
use super::vector::{Complex, Four};
use std::f64::consts::PI;

/// Lines of wide-band audio, and samples of a frame.
pub(super) const WIDE: usize = 320;
/// Lines of narrow-band audio.
pub(super) const NARROW: usize = 160;
/// Coefficients of the pre-emphasis.
const TAPS: usize = 8;
/// Samples before a frame that count for it: an eighth of a frame under the window, and what the pre-emphasis looks back.
pub(super) const HISTORY_NARROW: usize = NARROW / 8 + TAPS - 1;
pub(super) const HISTORY_WIDE: usize = WIDE / 8 + TAPS - 1;

/// What 1 - 0.85 z^-1 at 48 kHz does to the band, done at its own rate, the newest sample first: within 0.15 dB up to 3.8 kHz,
/// and 20 samples of 48 kHz late. By least squares; with this delay, it fits also at the edge.
const EMPHASIS_NARROW: [f32; TAPS] = [
    -0.00382, 0.009509, -0.026187, 0.285762, -0.127554, 0.014902, -0.004721, 0.00163,
];
/// The same at 16 kHz: within 0.17 dB up to 7.5 kHz, and 10 samples of 48 kHz late.
const EMPHASIS_WIDE: [f32; TAPS] = [
    -0.011425, 0.02854, -0.065443, 0.475217, -0.289386, 0.010523, 0.002347, -0.002309,
];

/// Narrow-band: a frame, with the samples before it, to 160 lines.
pub(super) fn narrow(history: &[i16; HISTORY_NARROW], frame: &[i16], lines: &mut [f32; WIDE]) {
    let mut samples = [0.0; HISTORY_NARROW + NARROW];
    exact(history, frame, &mut samples);
    let mut windowed = [[0.0; 40]; 5];
    window(
        &samples,
        &EMPHASIS_NARROW,
        &WINDOW_NARROW,
        windowed.as_flattened_mut(),
    );
    let (mut a, mut b) = ([Complex::ZERO; 40], [Complex::ZERO; 40]);
    first(&windowed, &FIRST_NARROW, &mut a);
    by_four::<1>(&a, &SECOND_NARROW, &mut b);
    by_two::<4>(&b, &THIRD_NARROW, &mut a);
    by_five(&a, &mut b);
    last(&b, &LAST_NARROW, lines);
}

/// Wide-band: likewise, to 320 lines.
pub(super) fn wide(history: &[i16; HISTORY_WIDE], frame: &[i16], lines: &mut [f32; WIDE]) {
    let mut samples = [0.0; HISTORY_WIDE + WIDE];
    exact(history, frame, &mut samples);
    let mut windowed = [[0.0; 80]; 5];
    window(
        &samples,
        &EMPHASIS_WIDE,
        &WINDOW_WIDE,
        windowed.as_flattened_mut(),
    );
    let (mut a, mut b) = ([Complex::ZERO; 80], [Complex::ZERO; 80]);
    first(&windowed, &FIRST_WIDE, &mut a);
    by_four::<1>(&a, &SECOND_WIDE, &mut b);
    by_four::<4>(&b, &THIRD_WIDE, &mut a);
    by_five(&a, &mut b);
    last(&b, &LAST_WIDE, lines);
}

/// How late the pre-emphasis is, in samples of 48 kHz.
pub(super) const fn delay(is_wide: bool) -> u16 {
    if is_wide { 10 } else { 20 }
}

/// The square of the amplitude of each band.
pub(super) fn squares(lines: &[f32; WIDE]) -> [f32; BANDS] {
    let mut squares = [0.0; BANDS];
    let (mut groups, _) = lines.as_chunks::<LINES>();
    for (square, edges) in squares.iter_mut().zip(EDGES.array_windows::<2>()) {
        let [from, to] = *edges;
        let (band, rest) = groups.split_at((to - from) as usize);
        let mut sums = Four::ZERO;
        for [a, b, c, d, e, f, g, h] in band {
            let (low, high) = (Four([*a, *b, *c, *d]), Four([*e, *f, *g, *h]));
            sums = sums + (low * low + high * high);
        }
        *square = sums.sum();
        groups = rest;
    }
    squares
}

#[inline(always)]
fn exact(history: &[i16], frame: &[i16], into: &mut [f32]) {
    let (before, now) = into.split_at_mut(history.len().min(into.len()));
    for (to, from) in before.iter_mut().zip(history) {
        *to = f32::from(*from);
    }
    for (to, from) in now.iter_mut().zip(frame) {
        *to = f32::from(*from);
    }
}

/// Emphasises and windows; what is behind the window stays as it was.
#[inline(always)]
fn window<const N: usize>(samples: &[f32], taps: &[f32; TAPS], slopes: &[[f32; N]; 2], into: &mut [f32]) {
    let [a, b, c, d, e, f, g, h] = *taps;
    let under = (samples.len() + 1).saturating_sub(TAPS).min(into.len());
    let (into, _) = into.split_at_mut(under);
    for (to, from) in into.iter_mut().zip(samples.array_windows::<TAPS>()) {
        let [oldest, p, q, r, s, t, u, newest] = *from;
        *to = ((newest * a + u * b) + (t * c + s * d)) + ((r * e + q * f) + (p * g + oldest * h));
    }
    let [rise, fall] = slopes;
    for (to, weight) in into.iter_mut().zip(rise) {
        *to *= weight;
    }
    for (to, weight) in into.iter_mut().rev().zip(fall) {
        *to *= weight;
    }
}

/// The first pass: of each four samples that are a quarter of a frame apart, and the one that is a whole frame behind the first.
#[inline(always)]
fn first<const N: usize>(samples: &[[f32; N]; 5], factors: &[Complex; N], into: &mut [Complex; N]) {
    let [a, b, c, d, e] = samples;
    let [two, three, fourth] = TURNS;
    let samples = a.iter().zip(b).zip(c).zip(d).zip(e);
    for (((((a, b), c), d), e), (factor, to)) in samples.zip(factors.iter().zip(into)) {
        let [b, c, d] = [*b, *c, *d].map(Four::all);
        let re = (Four::all(*a) + b * two.re) + (c * three.re + d * fourth.re);
        let im = (b * two.im - Four::all(*e)) + (c * three.im + d * fourth.im);
        *to = Complex { re, im } * *factor;
        as_it_stands();
    }
}

/// A pass of a Fourier transform by four, on runs of `RUN` vectors.
#[inline(always)]
fn by_four<const RUN: usize>(from: &[Complex], factors: &[[(f32, f32); 3]], into: &mut [Complex]) {
    let (from, _) = from.as_chunks::<RUN>();
    let (into, _) = into.as_chunks_mut::<RUN>();
    let (into, _) = into.as_chunks_mut::<4>();
    let Some((a, b, c, d)) = quarters(from) else {
        return;
    };
    let from = a.iter().zip(b).zip(c).zip(d);
    for ((((a, b), c), d), ([w, x, y], [p, q, r, s])) in from.zip(factors.iter().zip(into)) {
        let from = a.iter().zip(b).zip(c).zip(d);
        let to = p.iter_mut().zip(q).zip(r).zip(s);
        for ((((a, b), c), d), (((p, q), r), s)) in from.zip(to) {
            let (sum, difference) = (*a + *c, *a - *c);
            let (other, turned) = (*b + *d, (*b - *d).turned());
            *p = sum + other;
            *q = (difference + turned) * factor(*w);
            *r = (sum - other) * factor(*x);
            *s = (difference - turned) * factor(*y);
            as_it_stands();
        }
    }
}

/// A pass by two.
#[inline(always)]
fn by_two<const RUN: usize>(from: &[Complex], factors: &[(f32, f32)], into: &mut [Complex]) {
    let (from, _) = from.as_chunks::<RUN>();
    let (into, _) = into.as_chunks_mut::<RUN>();
    let (into, _) = into.as_chunks_mut::<2>();
    let (a, b) = from.split_at(from.len() / 2);
    for ((a, b), (w, [p, q])) in a.iter().zip(b).zip(factors.iter().zip(into)) {
        for ((a, b), (p, q)) in a.iter().zip(b).zip(p.iter_mut().zip(q)) {
            *p = *a + *b;
            *q = (*a - *b) * factor(*w);
            as_it_stands();
        }
    }
}

/// The last pass, by five.
#[inline(always)]
fn by_five(from: &[Complex], into: &mut [Complex]) {
    let fifth = from.len() / 5;
    let mut parts = from.chunks_exact(fifth.max(1));
    let mut next = || parts.next().unwrap_or_default();
    let (a, b, c, d, e) = (next(), next(), next(), next(), next());
    let mut parts = into.chunks_exact_mut(fifth.max(1));
    let mut next = || parts.next().unwrap_or_default();
    let (p, q, r, s, t) = (next(), next(), next(), next(), next());
    let [one_fifth, two_fifths] = FIFTHS;
    let from = a.iter().zip(b).zip(c).zip(d).zip(e);
    let to = p.iter_mut().zip(q).zip(r).zip(s).zip(t);
    for (((((a, b), c), d), e), ((((p, q), r), s), t)) in from.zip(to) {
        let (near, far) = (*b + *e, *c + *d);
        let (near_turned, far_turned) = ((*b - *e).turned(), (*c - *d).turned());
        let one = *a + near.scaled(one_fifth.0) + far.scaled(two_fifths.0);
        let two = *a + near.scaled(two_fifths.0) + far.scaled(one_fifth.0);
        let one_turned = near_turned.scaled(one_fifth.1) + far_turned.scaled(two_fifths.1);
        let two_turned = near_turned.scaled(two_fifths.1) - far_turned.scaled(one_fifth.1);
        *p = *a + near + far;
        *q = one + one_turned;
        *r = two + two_turned;
        *s = two - two_turned;
        *t = one - one_turned;
        as_it_stands();
    }
}

/// Lines from the Fourier transform: the even ones from its beginning, the odd ones from its end.
#[inline(always)]
fn last(from: &[Complex], factors: &[[Complex; 2]], lines: &mut [f32; WIDE]) {
    let (lines, _) = lines.as_chunks_mut::<8>();
    let pairs = from.iter().zip(from.iter().rev());
    for (to, ((low, high), [even, odd])) in lines.iter_mut().zip(pairs.zip(factors)) {
        let [a, b, c, d] = (low.re * even.re - low.im * even.im).0;
        let [e, f, g, h] = (high.re * odd.re + high.im * odd.im).0;
        *to = [a, h, b, g, c, f, d, e];
        as_it_stands();
    }
}

/// The vectors are those that the code names: the compiler is not to make others of several turns of a loop, whose shuffling
/// costs more than the arithmetic.
#[inline(always)]
fn as_it_stands() {
    std::hint::black_box(());
}

fn factor((re, im): (f32, f32)) -> Complex {
    Complex {
        re: Four::all(re),
        im: Four::all(im),
    }
}

type Quarters<'a, T> = (&'a [T], &'a [T], &'a [T], &'a [T]);

fn quarters<T>(all: &[T]) -> Option<Quarters<'_, T>> {
    let quarter = all.len() / 4;
    let (a, rest) = all.split_at_checked(quarter)?;
    let (b, rest) = rest.split_at_checked(quarter)?;
    let (c, d) = rest.split_at_checked(quarter)?;
    Some((a, b, c, d))
}

/// Cosine and sine of so many turns.
const fn unit(turns: f64) -> (f32, f32) {
    let (sin, cos) = sin_cos(2.0 * PI * turns);
    (cos as f32, sin as f32)
}

/// Of one fifth and of two fifths of a turn.
const FIFTHS: [(f32, f32); 2] = [unit(1.0 / 5.0), unit(2.0 / 5.0)];

/// What the second, third and fourth quarter of a frame are multiplied with in the first pass, for its four results: each is
/// turned by a sixteenth more than the one before, as all frequencies are odd.
const TURNS: [Complex; 3] = [turns(1.0), turns(2.0), turns(3.0)];

const fn turns(quarter: f64) -> Complex {
    four([0.0, 1.0, 2.0, 3.0], -quarter / 4.0, -quarter / 16.0, 1.0)
}

/// Points on the circle of this radius, at `numbers` times `each` turns and `more`.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn four(numbers: [f64; 4], each: f64, more: f64, radius: f64) -> Complex {
    let mut result = Complex::ZERO;
    let mut lane = 0;
    while lane < 4 {
        let turns = numbers[lane] * each + more;
        let (sin, cos) = sin_cos(2.0 * PI * (turns - turns.trunc()));
        result.re.0[lane] = (radius * cos) as f32;
        result.im.0[lane] = (radius * sin) as f32;
        lane += 1;
    }
    result
}

/// For the first pass: each sample's own turn at the odd frequencies, and that of the transform.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn first_factors<const N: usize>() -> [Complex; N] {
    let mut factors = [Complex::ZERO; N];
    let mut at = 0;
    while at < N {
        let part = at as f64 / (4 * N) as f64;
        factors[at] = four([0.0, 1.0, 2.0, 3.0], -part, -part / 4.0, 1.0);
        at += 1;
    }
    factors
}

/// For a pass by four of a transform of `4 * N` points.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn four_factors<const N: usize>() -> [[(f32, f32); 3]; N] {
    let mut factors = [[(0.0, 0.0); 3]; N];
    let mut at = 0;
    while at < N {
        let part = at as f64 / (4 * N) as f64;
        factors[at] = [unit(-part), unit(-2.0 * part), unit(-3.0 * part)];
        at += 1;
    }
    factors
}

/// For a pass by two of a transform of `2 * N` points.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn two_factors<const N: usize>() -> [(f32, f32); N] {
    let mut factors = [(0.0, 0.0); N];
    let mut at = 0;
    while at < N {
        factors[at] = unit(-(at as f64) / (2 * N) as f64);
        at += 1;
    }
    factors
}

/// For the lines: the place of the first sample within the decoder's MDCT, 900.5 samples of 48 kHz, and its measure. The odd
/// lines stand in the order of the transform, from whose end they come.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn last_factors<const N: usize>() -> [[Complex; 2]; N] {
    // Of `8 * N` lines, as many samples of a frame, each worth so many of 960.
    let measure = 960.0 / (8 * N) as f64 / 480.0;
    let each = -900.5 / 1920.0;
    let mut factors = [[Complex::ZERO; 2]; N];
    let mut at = 0;
    while at < N {
        let line = 8.0 * at as f64 + 0.5;
        let even = [line, line + 2.0, line + 4.0, line + 6.0];
        let odd = [line + 7.0, line + 5.0, line + 3.0, line + 1.0];
        factors[at] = [four(even, each, 0.0, measure), four(odd, each, 0.0, measure)];
        at += 1;
    }
    factors
}

/// The slopes of the window, at every `step`th sample of 48 kHz: the first as it rises, the second as it falls, from its end.
#[expect(clippy::indexing_slicing, reason = "computed by the compiler")]
const fn slopes<const N: usize>() -> [[f32; N]; 2] {
    let step = 120 / N;
    let mut slopes = [[0.0; N]; 2];
    let mut at = 0;
    while at < N {
        slopes[0][at] = slope(step * at);
        slopes[1][at] = slope(step * at + step - 1);
        at += 1;
    }
    slopes
}

const fn slope(at: usize) -> f32 {
    let (sin, _) = sin_cos(PI / 240.0 * (at as f64 + 0.5));
    let (sin, _) = sin_cos(PI / 2.0 * sin * sin);
    sin as f32
}

static WINDOW_NARROW: [[f32; 20]; 2] = slopes();
static WINDOW_WIDE: [[f32; 40]; 2] = slopes();
static FIRST_NARROW: [Complex; 40] = first_factors();
static FIRST_WIDE: [Complex; 80] = first_factors();
static SECOND_NARROW: [[(f32, f32); 3]; 10] = four_factors();
static SECOND_WIDE: [[(f32, f32); 3]; 20] = four_factors();
static THIRD_NARROW: [(f32, f32); 5] = two_factors();
static THIRD_WIDE: [[(f32, f32); 3]; 5] = four_factors();
static LAST_NARROW: [[Complex; 2]; 20] = last_factors();
static LAST_WIDE: [[Complex; 2]; 40] = last_factors();
