//! What is done to a spoken prompt: the silence around it goes, and all get the same loudness.

/// Narrow, as most telephones hear it.
pub(crate) const RATE_HZ: u32 = 8000;
/// A frame of 10 ms.
const FRAME: usize = RATE_HZ as usize / 100;
/// A frame so much quieter than the loudest is silence.
const SILENCE: f64 = 0.006;
/// What is left before and after, frames: words are put together, and must not run into each other.
const BEFORE: usize = 4;
const AFTER: usize = 9;
/// Loudness while somebody speaks, dB below full scale; the level of a good telephone.
const LOUDNESS_DB: f64 = -21.0;
/// No sample goes beyond this, so that nothing clips behind a codec.
const PEAK: f64 = 23_000.0;

/// The prompt, trimmed and levelled; nothing if it is silent.
pub(crate) fn prepare(sound: &[i16]) -> Option<Vec<i16>> {
    let energies: Vec<f64> = sound.chunks(FRAME).map(energy).collect();
    let loudest = energies.iter().copied().fold(0.0, f64::max);
    if loudest < 1000.0 {
        return None;
    }
    let speaks = |energy: &f64| *energy > loudest * SILENCE * SILENCE * 4.0;
    let first = energies.iter().position(speaks)?.saturating_sub(BEFORE);
    let last = energies.iter().rposition(speaks)? + 1 + AFTER;
    let part = sound.get(first * FRAME..(last * FRAME).min(sound.len()))?;
    let active: Vec<f64> = energies
        .into_iter()
        .filter(|energy| *energy > loudest * 0.01)
        .collect();
    let loudness = (active.iter().sum::<f64>() / active.len() as f64).sqrt();
    let peak = part.iter().map(|s| f64::from(*s).abs()).fold(1.0, f64::max);
    let wanted = 32_768.0 * 10_f64.powf(LOUDNESS_DB / 20.0);
    let gain = (wanted / loudness).min(PEAK / peak);
    let length = part.len();
    let fade = |n: usize| (n.min(length - n) as f64 / (FRAME as f64)).min(1.0);
    let louder = part.iter().enumerate();
    Some(
        louder
            .map(|(n, s)| (f64::from(*s) * gain * fade(n)).round() as i16)
            .collect(),
    )
}

fn energy(frame: &[i16]) -> f64 {
    frame.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / frame.len().max(1) as f64
}
