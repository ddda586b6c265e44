//! How speech would be judged after the way it came: the E-model, ITU-T G.107 (narrow band) and G.107.1 (wide band).
//!
//! Owns: R from codec, loss and delay, and MOS from R. Everything that a network does not change has the default value of the
//! recommendations. Does not own: where the figures come from.

use model::{Codec, Score};

/// Ro of G.107 with default values: the signal by its noise. Talker echo is held against the same (Roe).
const RO: f64 = 94.77;
/// Is of G.107 with default values: what comes along with speech, such as sidetone.
const IS: f64 = 1.41;
/// R of a call without impairment on the scale of wide-band calls (G.107.1), where G.711 reaches about 93.
const R_WIDE: f64 = 129.0;
/// Talker echo loudness rating, dB (G.107 table 2).
const TELR_DB: f64 = 65.0;
/// Weighted echo path loss, dB (G.107 table 2).
const WEPL_DB: f64 = 110.0;

/// One way of speech, from mouth to ear.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Path {
    /// How it is written.
    pub codec: Codec,
    /// Share of packets that are lost or come too late, 0.0 to 1.0.
    pub loss: f64,
    /// Mean length of losses in a row by what chance would make it; 1.0 = random (G.107 §3.5).
    pub burst_ratio: f64,
    /// Delay one way: network, packets, jitter buffer, milliseconds.
    pub delay_ms: f64,
}

/// What a codec does to speech.
struct Equipment {
    wide: bool,
    /// Impairment without loss.
    ie: f64,
    /// Packet loss in percent that takes half of what is left.
    bpl: f64,
}

/// Rates a path.
#[must_use]
pub fn rate(path: &Path) -> Score {
    let equipment = equipment(path.codec);
    let (best, scale) = match equipment.wide {
        true => (R_WIDE, R_WIDE / 100.0),
        false => (RO - IS, 1.0),
    };
    let delay_ms = path.delay_ms.clamp(0.0, 10_000.0);
    // The wide-band model has no echo term that is settled; phones that speak it cancel theirs.
    let echo = if equipment.wide { 0.0 } else { echo(delay_ms) };
    let r = best - echo - absolute_delay(delay_ms) - equipment.effective(path.loss, path.burst_ratio);
    let r = r.clamp(0.0, best);
    Score {
        r_tenths: (r * 10.0).round() as u16,
        mos_hundredths: (mos(r / scale) * 100.0).round() as u16,
    }
}

/// Mean opinion score from R on the narrow-band scale (G.107 annex B): 1.0 to 4.5.
#[must_use]
pub fn mos(r: f64) -> f64 {
    if r <= 0.0 {
        return 1.0;
    }
    if r >= 100.0 {
        return 4.5;
    }
    let mos = 1.0 + 0.035 * r + r * (r - 60.0) * (100.0 - r) * 7e-6;
    // The polynomial dips below the worst score for R under 6.5.
    mos.max(1.0)
}

/// G.113 appendices I and IV. G.711 is with the concealment of its appendix I. For loss robustness of G.722, and for Opus at
/// all, no recommendation has a value: G.722 is held to lose as G.711 with plain repetition does and a little less, Opus at
/// the rates that phones use to sound as AMR-WB at 18.25 kbit/s does, and to be a little less robust than G.711.
fn equipment(codec: Codec) -> Equipment {
    let (wide, ie, bpl) = match codec {
        Codec::Pcmu | Codec::Pcma => (false, 0.0, 25.1),
        Codec::G722 => (true, 13.0, 10.0),
        Codec::Opus => (true, 5.0, 20.0),
    };
    Equipment { wide, ie, bpl }
}

impl Equipment {
    /// G.107 equation 7-29: Ie,eff.
    fn effective(&self, loss: f64, burst_ratio: f64) -> f64 {
        let percent = loss.clamp(0.0, 1.0) * 100.0;
        if percent <= 0.0 {
            return self.ie;
        }
        self.ie + (95.0 - self.ie) * percent / (percent / burst_ratio.max(1.0) + self.bpl)
    }
}

/// G.107 equations 7-19 to 7-25: Idte and Idle, of an echo that comes after the way there and back.
fn echo(delay_ms: f64) -> f64 {
    let (t, tr) = (delay_ms, 2.0 * delay_ms);
    let terv = TELR_DB - 40.0 * ((1.0 + t / 10.0) / (1.0 + t / 150.0)).log10() + 6.0 * (-0.3 * t * t).exp();
    let talker = half_way(RO, 80.0 + 2.5 * (terv - 14.0), 100.0) - 1.0;
    let talker = talker * (1.0 - (-t).exp());
    let listener = half_way(RO, 10.5 * (WEPL_DB + 7.0) * (tr + 1.0).powf(-0.25), 169.0);
    talker + listener
}

/// The smooth maximum of 0 and what the signal has more than the echo allows.
fn half_way(signal: f64, echo: f64, bend: f64) -> f64 {
    let half = (signal - echo) / 2.0;
    half + (half * half + bend).sqrt()
}

/// G.107 equation 7-27: Idd, for delay that hinders talking even without echo.
fn absolute_delay(delay_ms: f64) -> f64 {
    if delay_ms <= 100.0 {
        return 0.0;
    }
    let x = (delay_ms / 100.0).log2();
    let sixth = |x: f64| (1.0 + x.powi(6)).powf(1.0 / 6.0);
    25.0 * (sixth(x) - 3.0 * sixth(x / 3.0) + 2.0)
}
