//! Supervisory tones by country.
//!
//! Sources: ITU-T E.180 Supplement 2, "Various tones used in national networks" (2003), for all; BT SIN 350 for the United
//! Kingdom; Telcordia GR-506 (the precise tone plan) for North America, with its levels. Elsewhere the level is that of
//! E.180 §7, -10 dBm0, less 3 dB for each of two sines. The special information tone is that of E.180 §5 everywhere.

use super::{Segment, Tone};

/// A country whose tones are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Country {
    /// Germany.
    De,
    /// Spain.
    Es,
    /// France.
    Fr,
    /// Poland.
    Pl,
    /// United Kingdom.
    Uk,
    /// United States and Canada.
    Us,
}

impl Country {
    /// All of them, by code.
    pub const ALL: [Country; 6] = [
        Country::De,
        Country::Es,
        Country::Fr,
        Country::Pl,
        Country::Uk,
        Country::Us,
    ];

    /// The two letters, lower-case; `uk` as telephone people say.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Country::De => "de",
            Country::Es => "es",
            Country::Fr => "fr",
            Country::Pl => "pl",
            Country::Uk => "uk",
            Country::Us => "us",
        }
    }

    /// The country of two letters in either case; `gb` and `ca` are understood.
    #[must_use]
    pub fn from_code(code: &str) -> Option<Country> {
        let code = match code {
            "gb" | "GB" => "uk",
            "ca" | "CA" => "us",
            other => other,
        };
        let same = |country: &Country| country.code().eq_ignore_ascii_case(code);
        Country::ALL.into_iter().find(same)
    }

    /// What this country plays for it.
    #[must_use]
    pub fn tone(self, signal: Signal) -> Tone {
        let (segments, level_dbm0) = match (self, signal) {
            (_, Signal::Information) => (INFORMATION, -13),
            (Country::De, Signal::Dial) => (DIAL_425, -10),
            (Country::De, Signal::Ringback) => (RING_425_1_4, -10),
            (Country::De, Signal::Busy) => (DE_BUSY, -10),
            (Country::De, Signal::Congestion) => (DE_CONGESTION, -10),
            (Country::Es, Signal::Dial) => (DIAL_425, -10),
            (Country::Es, Signal::Ringback) => (ES_RING, -10),
            (Country::Es, Signal::Busy) => (ES_BUSY, -10),
            (Country::Es, Signal::Congestion) => (ES_CONGESTION, -10),
            (Country::Fr, Signal::Dial) => (FR_DIAL, -10),
            (Country::Fr, Signal::Ringback) => (FR_RING, -10),
            (Country::Fr, Signal::Busy) => (FR_BUSY, -10),
            (Country::Fr, Signal::Congestion) => (FR_CONGESTION, -10),
            (Country::Pl, Signal::Dial) => (DIAL_425, -10),
            (Country::Pl, Signal::Ringback) => (RING_425_1_4, -10),
            (Country::Pl, Signal::Busy | Signal::Congestion) => (PL_BUSY, -10),
            (Country::Uk, Signal::Dial) => (DIAL_350_440, -13),
            (Country::Uk, Signal::Ringback) => (UK_RING, -13),
            (Country::Uk, Signal::Busy) => (UK_BUSY, -10),
            (Country::Uk, Signal::Congestion) => (UK_CONGESTION, -10),
            (Country::Us, Signal::Dial) => (DIAL_350_440, -13),
            (Country::Us, Signal::Ringback) => (US_RING, -19),
            (Country::Us, Signal::Busy) => (US_BUSY, -24),
            (Country::Us, Signal::Congestion) => (US_CONGESTION, -24),
        };
        Tone { segments, level_dbm0 }
    }
}

/// What a tone says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// Dial now.
    Dial,
    /// The other phone rings.
    Ringback,
    /// The other phone is busy.
    Busy,
    /// There is no way through.
    Congestion,
    /// Special information: the number can't be reached, an announcement may follow.
    Information,
}

impl Signal {
    /// All of them.
    pub const ALL: [Signal; 5] = [
        Signal::Dial,
        Signal::Ringback,
        Signal::Busy,
        Signal::Congestion,
        Signal::Information,
    ];
}

const fn on(hz: u16, ms: u16) -> Segment {
    Segment::one(hz, ms)
}

const fn off(ms: u16) -> Segment {
    Segment::silence(ms)
}

const INFORMATION: &[Segment] = &[on(950, 330), on(1400, 330), on(1800, 330), off(1000)];
const DIAL_425: &[Segment] = &[on(425, 0)];
const DIAL_350_440: &[Segment] = &[Segment::two(350, 440, 0)];
const RING_425_1_4: &[Segment] = &[on(425, 1000), off(4000)];
const DE_BUSY: &[Segment] = &[on(425, 480), off(480)];
const DE_CONGESTION: &[Segment] = &[on(425, 240), off(240)];
const ES_RING: &[Segment] = &[on(425, 1500), off(3000)];
const ES_BUSY: &[Segment] = &[on(425, 200), off(200)];
const ES_CONGESTION: &[Segment] = &[
    on(425, 200),
    off(200),
    on(425, 200),
    off(200),
    on(425, 200),
    off(600),
];
const FR_DIAL: &[Segment] = &[on(440, 0)];
const FR_RING: &[Segment] = &[on(440, 1500), off(3500)];
const FR_BUSY: &[Segment] = &[on(440, 500), off(500)];
const FR_CONGESTION: &[Segment] = &[on(440, 250), off(250)];
const PL_BUSY: &[Segment] = &[on(425, 500), off(500)];
const UK_RING: &[Segment] = &[
    Segment::two(400, 450, 400),
    off(200),
    Segment::two(400, 450, 400),
    off(2000),
];
const UK_BUSY: &[Segment] = &[on(400, 375), off(375)];
const UK_CONGESTION: &[Segment] = &[on(400, 400), off(350), on(400, 225), off(525)];
const US_RING: &[Segment] = &[Segment::two(440, 480, 2000), off(4000)];
const US_BUSY: &[Segment] = &[Segment::two(480, 620, 500), off(500)];
const US_CONGESTION: &[Segment] = &[Segment::two(480, 620, 250), off(250)];
