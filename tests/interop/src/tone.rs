//! Tones: writing one as a WAV file and measuring one in a WAV file (16 bit, mono) by Goertzel's algorithm.

use anyhow::{Context, Result, bail};
use std::f64::consts::PI;
use std::fmt;
use std::fs;
use std::path::Path;

/// Samples per second of what we write: the rate of PCMU and PCMA.
const RATE: u32 = 8_000;
/// Frames per second that are judged one by one.
const FRAMES_PER_S: usize = 10;
/// Share of a frame's energy that has to be in the tone; G.711 noise takes far less than the rest.
const PURE: f64 = 0.8;
/// Quietest amplitude that counts as the tone, of full scale 1.0 (-26 dB; we send 0.5).
const AUDIBLE: f64 = 0.05;

/// A tone as found in a recording.
#[derive(Clone, Copy, Debug)]
pub struct Tone {
    /// Strongest frequency of the recording's loudest second.
    pub hz: f64,
    /// Amplitude in that second, of full scale 1.0.
    pub amplitude: f64,
    /// How much of the recording is this tone and little else.
    pub seconds: f64,
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} Hz for {:.1} s", self.hz, self.seconds)
    }
}

/// Writes `seconds` of a sine at half of full scale.
///
/// # Errors
/// The file can't be written.
pub fn write(path: &Path, hz: u32, seconds: u32) -> Result<()> {
    let samples = RATE * seconds;
    let mut bytes = header(samples * 2);
    for n in 0..samples {
        let sample = (f64::from(n) * f64::from(hz) * 2.0 * PI / f64::from(RATE)).sin() * 0.5;
        bytes.extend_from_slice(&to_i16(sample).to_le_bytes());
    }
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

#[allow(clippy::cast_possible_truncation, reason = "the value is within ±16,384")]
fn to_i16(sample: f64) -> i16 {
    (sample * 32_767.0).round() as i16
}

fn header(data: u32) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + data).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&RATE.to_le_bytes());
    bytes.extend_from_slice(&(RATE * 2).to_le_bytes());
    bytes.extend_from_slice(&2_u16.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    bytes
}

/// Finds the strongest tone of a recording, leaving out its first `skip` octets.
///
/// # Errors
/// No 16-bit mono WAV, or less than a second of it.
pub fn measure(path: &Path, skip: u64) -> Result<Tone> {
    let (rate, samples) = read(path, skip)?;
    let second = rate as usize;
    if samples.len() < second {
        bail!("{} has only {} samples", path.display(), samples.len());
    }
    let loudest = samples
        .chunks_exact(second)
        .max_by(|a, b| energy(a).total_cmp(&energy(b)))
        .context("no whole second")?;
    let hz = strongest(loudest, rate);
    let frame = second / FRAMES_PER_S;
    let pure = samples
        .chunks_exact(frame)
        .filter(|f| is_tone(f, hz, rate))
        .count();
    let amplitude = amplitude(loudest, hz, rate);
    #[allow(clippy::cast_precision_loss, reason = "a handful of frames")]
    let seconds = pure as f64 / FRAMES_PER_S as f64;
    Ok(Tone {
        hz,
        amplitude,
        seconds,
    })
}

/// Checks a recording, without its first `skip` octets, for a tone: frequency within 1 %, audible, at least two seconds of it.
///
/// # Errors
/// Says what was measured instead.
pub fn expect(path: &Path, skip: u64, hz: u32) -> Result<Tone> {
    let tone = measure(path, skip)?;
    let off = (tone.hz - f64::from(hz)).abs() / f64::from(hz);
    if off > 0.01 || tone.amplitude < AUDIBLE || tone.seconds < 2.0 {
        bail!("expected {hz} Hz in {}, measured {tone:?}", path.display());
    }
    Ok(tone)
}

/// The strongest frequency of a second: looked for in a quarter of it, which resolves 4 Hz, then around what was found.
fn strongest(samples: &[f64], rate: u32) -> f64 {
    let among = |samples: &[f64], all: &mut dyn Iterator<Item = u32>| {
        let louder = |a: &f64, b: &f64| amplitude(samples, *a, rate).total_cmp(&amplitude(samples, *b, rate));
        all.map(f64::from).max_by(louder).unwrap_or_default()
    };
    let quarter = samples.get(..samples.len() / 4).unwrap_or_default();
    let about = among(quarter, &mut (200..3_600).step_by(4));
    // Main lobes are four times as wide as what is resolved, so steps of that can't step over them.
    let near = |hz: &u32| (f64::from(*hz) - about).abs() <= 8.0;
    among(samples, &mut (192..3_608).filter(near))
}

fn is_tone(frame: &[f64], hz: f64, rate: u32) -> bool {
    let amplitude = amplitude(frame, hz, rate);
    amplitude >= AUDIBLE && amplitude * amplitude / 2.0 >= PURE * energy(frame)
}

/// Mean square.
fn energy(samples: &[f64]) -> f64 {
    samples.iter().map(|s| s * s).sum::<f64>() / count(samples)
}

/// Amplitude of one frequency (G. Goertzel, 1958).
fn amplitude(samples: &[f64], hz: f64, rate: u32) -> f64 {
    let step = 2.0 * PI * hz / f64::from(rate);
    let factor = 2.0 * step.cos();
    let (mut last, mut before) = (0.0, 0.0);
    for sample in samples {
        (last, before) = (sample + factor * last - before, last);
    }
    let power = last * last + before * before - factor * last * before;
    2.0 * power.max(0.0).sqrt() / count(samples)
}

#[allow(
    clippy::cast_precision_loss,
    reason = "a recording has far fewer than 2^52 samples"
)]
fn count(samples: &[f64]) -> f64 {
    samples.len().max(1) as f64
}

fn read(path: &Path, skip: u64) -> Result<(u32, Vec<f64>)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let format = bytes.get(20..36).context("no WAV header")?;
    let [1, 0, 1, 0, a, b, c, d, .., 16, 0] = format else {
        bail!("{} is no 16-bit mono WAV", path.display());
    };
    let rate = u32::from_le_bytes([*a, *b, *c, *d]);
    let start = bytes
        .windows(4)
        .position(|w| w == b"data")
        .context("no data in the WAV")?;
    let skip = usize::try_from(skip).context("too long")?;
    let data = bytes.get(skip.max(start + 8)..).unwrap_or_default();
    let sample = |pair: &[u8]| match pair {
        [low, high] => f64::from(i16::from_le_bytes([*low, *high])) / 32_768.0,
        _ => 0.0,
    };
    Ok((rate, data.chunks_exact(2).map(sample).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_written_tone_is_measured_as_itself_and_not_as_its_neighbour() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        write(&path, 1_000, 3).unwrap();
        let tone = expect(&path, 0, 1_000).unwrap();
        assert!((tone.hz - 1_000.0).abs() < 1.0 && (tone.amplitude - 0.5).abs() < 0.01);
        assert!(expect(&path, 0, 1_020).is_err());
    }

    #[test]
    fn silence_and_a_short_tone_are_no_tone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        write(&path, 440, 1).unwrap();
        assert!(expect(&path, 0, 440).is_err());
        let mut silent = header(RATE * 6);
        silent.resize(44 + RATE as usize * 6, 0);
        fs::write(&path, silent).unwrap();
        assert!(expect(&path, 0, 440).is_err());
    }
}
