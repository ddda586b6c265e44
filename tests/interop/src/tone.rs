//! Tones: writing one as a WAV file and measuring them in a WAV file (16 bit; of several channels the first, or each) by Goertzel's
//! algorithm.

use anyhow::{Context, Result, bail, ensure};
use std::f64::consts::PI;
use std::fmt;
use std::fs;
use std::path::Path;

/// Amplitude of what we write, of full scale 1.0: four at once don't clip.
const LOUD: f64 = 0.22;
/// Frames per second that are judged one by one.
const FRAMES_PER_S: usize = 10;
/// Share of a frame's energy that has to be in the tone; G.711 noise takes far less than the rest.
const PURE: f64 = 0.8;
/// The same for several tones: one more at a third of their amplitude is too much.
const ALONE: f64 = 0.97;
/// Quietest amplitude that counts as the tone, of full scale 1.0 (-26 dB).
const AUDIBLE: f64 = 0.05;
/// Amplitude of another's tone that counts as none, of full scale 1.0 (-46 dB).
const NONE_OF_IT: f64 = 0.005;
/// Mean square of a frame that is silent (-50 dB).
const SILENT: f64 = 1e-5;
/// Frames that may hold the beginning or end of a tone: where a call begins, is recorded, ends, and where a jitter buffer
/// finds its depth.
const EDGES: usize = 6;

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

impl Tone {
    /// It has this pitch, within 1 %.
    #[must_use]
    pub fn is_of(&self, hz: u32) -> bool {
        (self.hz - f64::from(hz)).abs() <= f64::from(hz) * 0.01
    }
}

impl fmt::Display for Tone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} Hz for {:.1} s", self.hz, self.seconds)
    }
}

/// How the samples of a file are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Samples per second.
    pub rate: u32,
    /// All of them have the same sound.
    pub channels: u16,
}

impl Form {
    /// As PCMU and PCMA have it.
    pub const TELEPHONE: Form = Form {
        rate: 8_000,
        channels: 1,
    };

    /// Octets of a second.
    #[must_use]
    pub fn octets_per_s(self) -> u32 {
        self.rate * u32::from(self.channels) * 2
    }
}

/// Writes `seconds` of a sine.
///
/// # Errors
/// The file can't be written.
pub fn write(path: &Path, hz: u32, form: Form, seconds: u32) -> Result<()> {
    let mut bytes = header(form, form.octets_per_s() * seconds);
    // A second holds whole waves, so that all are the same.
    let mut second = Vec::new();
    for n in 0..form.rate {
        let sample = to_i16(sine(hz, n, form.rate) * LOUD).to_le_bytes();
        second.extend(sample.repeat(form.channels.into()));
    }
    bytes.extend(second.repeat(seconds as usize));
    fs::write(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

/// The samples of a sine at half of full scale.
#[must_use]
pub fn samples(hz: u32, seconds: u32, rate: u32) -> Vec<i16> {
    (0..rate * seconds)
        .map(|n| to_i16(sine(hz, n, rate) * 0.5))
        .collect()
}

/// Sample `n` of a sine.
fn sine(hz: u32, n: u32, rate: u32) -> f64 {
    (f64::from(n) * f64::from(hz) * 2.0 * PI / f64::from(rate)).sin()
}

#[allow(clippy::cast_possible_truncation, reason = "the value is far within ±32,767")]
fn to_i16(sample: f64) -> i16 {
    (sample * 32_767.0).round() as i16
}

fn header(form: Form, data: u32) -> Vec<u8> {
    let frame = form.channels * 2;
    let mut bytes = Vec::new();
    bytes.extend_from_slice(b"RIFF");
    bytes.extend_from_slice(&(36 + data).to_le_bytes());
    bytes.extend_from_slice(b"WAVEfmt ");
    bytes.extend_from_slice(&16_u32.to_le_bytes());
    bytes.extend_from_slice(&1_u16.to_le_bytes());
    bytes.extend_from_slice(&form.channels.to_le_bytes());
    bytes.extend_from_slice(&form.rate.to_le_bytes());
    bytes.extend_from_slice(&form.octets_per_s().to_le_bytes());
    bytes.extend_from_slice(&frame.to_le_bytes());
    bytes.extend_from_slice(&16_u16.to_le_bytes());
    bytes.extend_from_slice(b"data");
    bytes.extend_from_slice(&data.to_le_bytes());
    bytes
}

/// A key as tones (ITU-T Q.23), each at a quarter of full scale, between silences of a second: octets of µ-law at 8 kHz.
#[must_use]
pub fn key_as_mu_law(key: char, ms: u32) -> Vec<u8> {
    let rows = [("123A", 697), ("456B", 770), ("789C", 852), ("*0#D", 941)];
    let found = rows.iter().find_map(|(keys, low)| Some((keys.find(key)?, *low)));
    let (column, low) = found.unwrap_or_default();
    let high = [1_209, 1_336, 1_477, 1_633]
        .get(column)
        .copied()
        .unwrap_or_default();
    let pressed = (0..8 * ms).map(|n| {
        let both = sine(low, n, 8_000) + sine(high, n, 8_000);
        mu_law(to_i16(both * 0.25))
    });
    let pause = || std::iter::repeat_n(mu_law(0), 8_000);
    pause().chain(pressed).chain(pause()).collect()
}

/// ITU-T G.711.
fn mu_law(sample: i16) -> u8 {
    let biased = sample.unsigned_abs().min(32_635) + 132;
    let segment = 8 - u16::try_from(biased.leading_zeros()).unwrap_or(8).min(8);
    let step = biased >> (segment + 3) & 15;
    let sign = if sample < 0 { 0x80 } else { 0 };
    !(sign | u8::try_from(segment << 4 | step).unwrap_or(0x7F))
}

/// Finds the strongest tone of a recording, leaving out its first `skip` octets.
///
/// # Errors
/// No 16-bit WAV, or less than a second of it.
pub fn measure(path: &Path, skip: u64) -> Result<Tone> {
    let (rate, lanes) = read(path, skip)?;
    let samples = lanes.first().context("a WAV without channels")?;
    strongest_of(samples, rate).with_context(|| format!("in {}", path.display()))
}

/// Finds the strongest tone of a sound.
///
/// # Errors
/// It is shorter than a second.
pub fn strongest_of(samples: &[f64], rate: u32) -> Result<Tone> {
    let second = rate as usize;
    let loudest = samples
        .chunks_exact(second)
        .max_by(|a, b| energy(a).total_cmp(&energy(b)))
        .with_context(|| format!("there are only {} samples", samples.len()))?;
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

/// Checks a recording whose lanes hold one tone each and nothing else: no other sound, and nothing of another lane's.
///
/// # Errors
/// Says what was measured instead.
pub fn expect_lanes(path: &Path, hz: &[u32]) -> Result<Vec<Tone>> {
    let (rate, lanes) = read(path, 0)?;
    ensure!(
        lanes.len() == hz.len(),
        "{} has {} lanes",
        path.display(),
        lanes.len()
    );
    let tones = lanes.iter().zip(hz).map(|(samples, own)| {
        let others: Vec<u32> = hz.iter().copied().filter(|other| other != own).collect();
        let tone = expect_alone(samples, rate, *own, &others);
        tone.with_context(|| format!("the lane of {own} Hz in {}", path.display()))
    });
    tones.collect()
}

/// Checks that a sound holds this tone, for a second at least, and neither another sound nor these other tones.
///
/// # Errors
/// Says what was measured instead.
pub fn expect_alone(samples: &[f64], rate: u32, hz: u32, others: &[u32]) -> Result<Tone> {
    let tone = strongest_of(samples, rate)?;
    ensure!(
        tone.is_of(hz) && tone.amplitude >= AUDIBLE && tone.seconds >= 1.0,
        "expected {hz} Hz, measured {tone:?}"
    );
    let frames = || samples.chunks_exact(rate as usize / FRAMES_PER_S);
    let odd = frames()
        .filter(|frame| energy(frame) > SILENT && !is_tone(frame, tone.hz, rate))
        .count();
    ensure!(odd <= EDGES, "{odd} tenths of a second hold something else");
    // Within the tone: where it begins, every frequency is in it.
    for second in samples.chunks_exact(rate as usize) {
        let is_whole = second
            .chunks_exact(rate as usize / FRAMES_PER_S)
            .all(|frame| is_tone(frame, tone.hz, rate));
        for other in others.iter().filter(|_| is_whole) {
            let leaked = amplitude(second, f64::from(*other), rate);
            ensure!(leaked < NONE_OF_IT, "{other} Hz are heard as well: {leaked}");
        }
    }
    Ok(tone)
}

/// Samples as we measure them.
#[must_use]
pub fn scaled(samples: &[i16]) -> Vec<f64> {
    samples
        .iter()
        .map(|sample| f64::from(*sample) / 32_768.0)
        .collect()
}

/// Checks a recording, without its first `skip` octets, for a tone: frequency within 1 %, audible, at least two seconds of it.
///
/// # Errors
/// Says what was measured instead.
pub fn expect(path: &Path, skip: u64, hz: u32) -> Result<Tone> {
    let tone = measure(path, skip)?;
    if !tone.is_of(hz) || tone.amplitude < AUDIBLE || tone.seconds < 2.0 {
        bail!("expected {hz} Hz in {}, measured {tone:?}", path.display());
    }
    Ok(tone)
}

/// How much of the end of a recording, without its first `skip` octets, is all of these tones and nothing else, seconds.
///
/// # Errors
/// No 16-bit WAV.
pub fn chord(path: &Path, skip: u64, tones: &[u32]) -> Result<f64> {
    let (rate, lanes) = read(path, skip)?;
    let samples = lanes.first().context("a WAV without channels")?;
    let frames = samples.rchunks_exact(rate as usize / FRAMES_PER_S);
    let pure = frames.take_while(|frame| is_chord(frame, tones, rate)).count();
    #[allow(clippy::cast_precision_loss, reason = "a handful of frames")]
    Ok(pure as f64 / FRAMES_PER_S as f64)
}

/// Tones that are multiples of 10 Hz have nothing of each other in a frame.
fn is_chord(frame: &[f64], tones: &[u32], rate: u32) -> bool {
    let found = tones.iter().map(|hz| amplitude(frame, f64::from(*hz), rate));
    let found: Vec<f64> = found.collect();
    let theirs: f64 = found.iter().map(|amplitude| amplitude * amplitude / 2.0).sum();
    found.iter().all(|amplitude| *amplitude >= AUDIBLE) && theirs >= ALONE * energy(frame)
}

/// The strongest frequency of a second: looked for in a quarter of it, which resolves 4 Hz, then around what was found.
fn strongest(samples: &[f64], rate: u32) -> f64 {
    let among = |samples: &[f64], all: &mut dyn Iterator<Item = u32>| {
        let heard = all.map(f64::from).map(|hz| (hz, amplitude(samples, hz, rate)));
        let loudest = heard.max_by(|a, b| a.1.total_cmp(&b.1));
        loudest.map(|(hz, _)| hz).unwrap_or_default()
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

/// The rate, and the samples of each channel.
fn read(path: &Path, skip: u64) -> Result<(u32, Vec<Vec<f64>>)> {
    let bytes = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let format = bytes.get(20..36).context("no WAV header")?;
    let [1, 0, channels @ 1..=2, 0, a, b, c, d, .., 16, 0] = format else {
        bail!("{} is no 16-bit WAV", path.display());
    };
    let (channels, rate) = (usize::from(*channels), u32::from_le_bytes([*a, *b, *c, *d]));
    let start = bytes
        .windows(4)
        .position(|w| w == b"data")
        .context("no data in the WAV")?;
    let skip = usize::try_from(skip).context("too long")?;
    let data = bytes.get(skip.max(start + 8)..).unwrap_or_default();
    let samples = data.chunks_exact(2).map(|pair| match pair {
        [low, high] => i16::from_le_bytes([*low, *high]),
        _ => 0,
    });
    let samples = scaled(&samples.collect::<Vec<_>>());
    let lane = |n| samples.iter().skip(n).step_by(channels).copied().collect();
    Ok((rate, (0..channels).map(lane).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: u32 = 8_000;

    #[test]
    fn a_written_tone_is_measured_as_itself_and_not_as_its_neighbour() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        let stereo = Form {
            rate: 48_000,
            channels: 2,
        };
        for form in [Form::TELEPHONE, stereo] {
            write(&path, 1_000, form, 3).unwrap();
            let tone = expect(&path, 0, 1_000).unwrap();
            assert!((tone.hz - 1_000.0).abs() < 1.0 && (tone.amplitude - LOUD).abs() < 0.01);
            assert!(expect(&path, 0, 1_020).is_err());
        }
    }

    #[test]
    fn mu_law_as_the_recommendation_has_it() {
        let found = [0, 31_607, -31_607, 988, -988, 32_767].map(mu_law);
        assert_eq!(found, [0xFF, 0x81, 0x01, 0xCE, 0x4E, 0x80]);
    }

    /// The tones of several files at once.
    fn mixed(tones: &[u32], own: f64) -> Vec<f64> {
        let sample = |n: u32| {
            let tone = |hz: u32| sine(hz, n, RATE);
            tones.iter().copied().map(tone).sum::<f64>() * LOUD + tone(1_000) * own
        };
        (0..8_000).map(sample).collect()
    }

    #[test]
    fn a_chord_is_all_of_its_tones_and_no_other() {
        let tones = [440, 620, 1_500];
        let frame = |samples: Vec<f64>| is_chord(&samples[..800], &tones, 8_000);
        assert!(frame(mixed(&tones, 0.0)));
        assert!(!frame(mixed(&tones, LOUD / 3.0)), "and itself");
        assert!(!frame(mixed(&tones[..2], 0.0)), "one is missing");
        assert!(!frame(mixed(&[440, 620, 1_500, 700], 0.0)), "one too many");
    }

    #[test]
    fn only_the_end_of_a_chord_counts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        write(&path, 440, Form::TELEPHONE, 3).unwrap();
        assert!((chord(&path, 0, &[440]).unwrap() - 3.0).abs() < 0.11);
        let mut sound = fs::read(&path).unwrap();
        sound.resize(sound.len() + 1_600, 0);
        fs::write(&path, sound).unwrap();
        assert!(chord(&path, 0, &[440]).unwrap() < 0.01);
    }

    #[test]
    fn silence_and_a_short_tone_are_no_tone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("tone.wav");
        write(&path, 440, Form::TELEPHONE, 1).unwrap();
        assert!(expect(&path, 0, 440).is_err());
        let mut silent = header(Form::TELEPHONE, 48_000);
        silent.resize(44 + 48_000, 0);
        fs::write(&path, silent).unwrap();
        assert!(expect(&path, 0, 440).is_err());
    }

    #[test]
    fn a_lane_with_a_trace_of_another_is_found_out() {
        let [low, high] = [440, 1_000].map(|hz| scaled(&samples(hz, 4, RATE)));
        let mixed = |share: f64| -> Vec<f64> {
            let both = low.iter().zip(&high);
            both.map(|(low, high)| low + high * share).collect()
        };
        assert!(expect_alone(&low, RATE, 440, &[1_000]).is_ok());
        assert!(expect_alone(&mixed(0.002), RATE, 440, &[1_000]).is_ok());
        assert!(expect_alone(&mixed(0.02), RATE, 440, &[1_000]).is_err());
        assert!(expect_alone(&high, RATE, 440, &[1_000]).is_err());
        // A second of somebody else at the end.
        let mut other = low.clone();
        other.extend(scaled(&samples(620, 1, RATE)));
        assert!(expect_alone(&other, RATE, 440, &[1_000]).is_err());
    }
}
