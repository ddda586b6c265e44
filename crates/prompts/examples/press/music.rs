//! "Waiting Room", our music on hold: 32 bars in C for electric piano, flute and bass, played by arithmetic.
//!
//! It stays between 130 Hz and 3 kHz, so that little is lost on a telephone; has no beat that a codec for voices would tear; and
//! its end leads into its beginning: every note, and the room, wrap around.

use std::f64::consts::TAU;

/// Wide-band.
pub(crate) const RATE_HZ: u32 = 16_000;
const RATE: f64 = RATE_HZ as f64;
/// 80 beats a minute.
const BEAT_S: f64 = 0.75;
const BEATS_PER_BAR: usize = 4;
/// The loudest sample.
const PEAK: f64 = 12_000.0;

/// A note of the tune: MIDI number (0 for a rest) and beats.
type Note = (u8, f64);

/// The bass and the three notes above it.
type Chord = [u8; 4];

const C_MAJOR_7: Chord = [48, 64, 67, 71];
const A_MINOR_7: Chord = [57, 64, 67, 72];
const F_MAJOR_7: Chord = [53, 64, 69, 72];
const F_MINOR_6: Chord = [53, 62, 68, 72];
const G_6: Chord = [55, 62, 64, 71];
const G_7: Chord = [55, 62, 65, 71];
const E_MINOR_7: Chord = [52, 62, 67, 71];
const A_7: Chord = [57, 61, 67, 76];
const D_MINOR_7: Chord = [50, 65, 69, 72];
const C_MAJOR: Chord = [48, 64, 67, 72];

const VERSE: [Chord; 8] = [
    C_MAJOR_7, A_MINOR_7, F_MAJOR_7, G_6, E_MINOR_7, A_MINOR_7, D_MINOR_7, G_7,
];
const LAST_VERSE: [Chord; 8] = [
    C_MAJOR_7, A_MINOR_7, F_MAJOR_7, G_6, E_MINOR_7, A_MINOR_7, G_7, C_MAJOR,
];
const BRIDGE: [Chord; 8] = [
    F_MAJOR_7, F_MINOR_6, E_MINOR_7, A_7, D_MINOR_7, G_7, C_MAJOR_7, G_7,
];

const VERSE_TUNE: &[Note] = &[
    (76, 1.5),
    (79, 0.5),
    (76, 2.0),
    (72, 1.5),
    (74, 0.5),
    (76, 2.0),
    (81, 1.0),
    (79, 1.0),
    (77, 1.0),
    (76, 1.0),
    (74, 3.0),
    (0, 1.0),
    (79, 1.5),
    (76, 0.5),
    (71, 2.0),
    (72, 1.0),
    (76, 1.0),
    (81, 2.0),
    (77, 1.0),
    (76, 1.0),
    (74, 1.0),
    (72, 1.0),
    (74, 3.0),
    (0, 1.0),
];
const LAST_VERSE_TUNE: &[Note] = &[
    (76, 1.5),
    (79, 0.5),
    (76, 2.0),
    (72, 1.5),
    (74, 0.5),
    (76, 2.0),
    (81, 1.0),
    (79, 1.0),
    (77, 1.0),
    (76, 1.0),
    (74, 2.0),
    (76, 1.0),
    (77, 1.0),
    (79, 1.5),
    (76, 0.5),
    (71, 2.0),
    (72, 1.0),
    (76, 1.0),
    (81, 2.0),
    (77, 1.0),
    (81, 1.0),
    (79, 1.0),
    (74, 1.0),
    (72, 3.0),
    (0, 1.0),
];
const BRIDGE_TUNE: &[Note] = &[
    (81, 2.0),
    (84, 2.0),
    (84, 1.0),
    (80, 1.0),
    (77, 2.0),
    (79, 2.0),
    (83, 2.0),
    (81, 1.0),
    (79, 1.0),
    (76, 2.0),
    (77, 1.5),
    (81, 0.5),
    (86, 2.0),
    (83, 1.5),
    (81, 0.5),
    (79, 2.0),
    (76, 1.0),
    (79, 1.0),
    (83, 2.0),
    (81, 1.0),
    (79, 1.0),
    (74, 1.0),
    (0, 1.0),
];
/// The bridge is silent where it should breathe; the first verse is played without the flute the second time.
const REST: &[Note] = &[(0, 32.0)];

/// A ring of sound: what is played beyond its end is heard at its beginning.
struct Ring(Vec<f64>);

impl Ring {
    /// Plays a note at so many beats: `wave` gives the sound at so many seconds of it.
    fn play(&mut self, at_beats: f64, seconds: f64, wave: impl Fn(f64) -> f64) {
        let begin = (at_beats * BEAT_S * RATE).round() as usize;
        let length = self.0.len();
        for n in 0..(seconds * RATE) as usize {
            if let Some(sample) = self.0.get_mut((begin + n) % length) {
                *sample += wave(n as f64 / RATE);
            }
        }
    }

    /// A room: the sound comes back after so many seconds, again and again, duller each time.
    fn echo(&self, seconds: f64, again: f64) -> Vec<f64> {
        let length = self.0.len();
        let late = (seconds * RATE) as usize;
        let (mut wet, mut dull) = (vec![0.0; length], 0.0);
        // The second time round, the end is heard at the beginning.
        for n in 0..2 * length {
            let before = (n + length - late) % length;
            let back = self.0.get(before).copied().unwrap_or_default()
                + again * wet.get(before).copied().unwrap_or_default();
            dull += 0.5 * (back - dull);
            if let Some(sample) = wet.get_mut(n % length) {
                *sample = dull;
            }
        }
        wet
    }
}

fn hertz(note: u8) -> f64 {
    440.0 * 2_f64.powf((f64::from(note) - 69.0) / 12.0)
}

/// Up from nothing and down to nothing.
fn swell(t: f64, length: f64, attack: f64, release: f64) -> f64 {
    (t / attack).min((length - t) / release).clamp(0.0, 1.0)
}

fn piano(note: u8, loudness: f64) -> impl Fn(f64) -> f64 {
    let f = hertz(note);
    move |t| {
        let body = (TAU * f * t + 1.1 * (-4.0 * t).exp() * (TAU * f * t).sin()).sin();
        let bell = 0.08 * (-9.0 * t).exp() * (TAU * 4.0 * f * t).sin();
        loudness * swell(t, 2.4, 0.006, 0.4) * (-1.7 * t).exp() * (body + bell)
    }
}

fn flute(note: u8, length: f64) -> impl Fn(f64) -> f64 {
    let f = hertz(note);
    move |t| {
        let vibrato = 0.35 * (t / 0.6).min(1.0) * (TAU * 4.8 * t).sin();
        let phase = TAU * f * t + vibrato;
        let tone = phase.sin() + 0.28 * (2.0 * phase).sin() + 0.09 * (3.0 * phase).sin();
        0.34 * swell(t, length, 0.07, 0.16) * tone
    }
}

fn bass(note: u8, length: f64) -> impl Fn(f64) -> f64 {
    let f = hertz(note);
    move |t| {
        let tone = (TAU * f * t).sin() + 0.5 * (TAU * 2.0 * f * t).sin() + 0.2 * (TAU * 3.0 * f * t).sin();
        0.3 * swell(t, length, 0.015, 0.2) * (-0.9 * t).exp() * tone
    }
}

fn accompany(ring: &mut Ring, first_bar: usize, chords: &[Chord]) {
    for (bar, [root, low, middle, high]) in chords.iter().enumerate() {
        let beat = ((first_bar + bar) * BEATS_PER_BAR) as f64;
        for (at, length) in [(0.0, 1.4), (2.5, 1.0)] {
            ring.play(beat + at, length, bass(*root, length));
        }
        // Eighths, up and down through the chord.
        let figure = [low, middle, high, middle, low, high, middle, high];
        for (eighth, note) in figure.into_iter().enumerate() {
            let loudness = if eighth % 4 == 0 { 0.30 } else { 0.22 };
            ring.play(beat + eighth as f64 / 2.0, 2.4, piano(*note, loudness));
        }
    }
}

fn sing(ring: &mut Ring, first_bar: usize, tune: &[Note]) {
    let mut beat = (first_bar * BEATS_PER_BAR) as f64;
    for (note, beats) in tune {
        if *note > 0 {
            let length = beats * BEAT_S + 0.08;
            ring.play(beat, length, flute(*note, length));
        }
        beat += beats;
    }
}

/// The piece, 96 s.
pub(crate) fn hold() -> Vec<i16> {
    let parts: [(&[Chord], &[Note]); 4] = [
        (&VERSE, REST),
        (&LAST_VERSE, VERSE_TUNE),
        (&BRIDGE, BRIDGE_TUNE),
        (&LAST_VERSE, LAST_VERSE_TUNE),
    ];
    let bars = 32;
    let seconds = (bars * BEATS_PER_BAR) as f64 * BEAT_S;
    let mut ring = Ring(vec![0.0; (seconds * RATE) as usize]);
    for (part, (chords, tune)) in parts.into_iter().enumerate() {
        accompany(&mut ring, part * 8, chords);
        sing(&mut ring, part * 8, tune);
    }
    let rooms = [(0.0297, 0.72), (0.0411, 0.7), (0.375, 0.3)].map(|(late, again)| ring.echo(late, again));
    let wet = |n: usize| rooms.iter().filter_map(|room| room.get(n)).sum::<f64>();
    let mixed: Vec<f64> = ring
        .0
        .iter()
        .enumerate()
        .map(|(n, dry)| dry + 0.16 * wet(n))
        .collect();
    level(&mixed, PEAK)
}

/// Notes one after the other: hertz and milliseconds.
pub(crate) fn notes(notes: &[(f64, u32)]) -> Vec<i16> {
    let mut sound = Vec::new();
    for (hertz, ms) in notes {
        let length = f64::from(*ms) / 1000.0;
        let sample = |n: u32| {
            let t = f64::from(n) / RATE;
            swell(t, length, 0.01, 0.02) * (TAU * hertz * t).sin()
        };
        sound.extend((0..ms * RATE_HZ / 1000).map(sample));
    }
    level(&sound, PEAK / 2.0)
}

fn level(sound: &[f64], peak: f64) -> Vec<i16> {
    let loudest = sound.iter().fold(1e-9, |most: f64, s| most.max(s.abs()));
    sound
        .iter()
        .map(|s| (s / loudest * peak).round() as i16)
        .collect()
}
