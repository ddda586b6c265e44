//! Samples through everything that listens: digits, fax machines, voices, machines that answer. Shared by the fuzz target and the
//! tests of `audio`.
//!
//! What must hold: nothing panics; what is heard does not depend on the slices in which it comes; digits begin and end in turns;
//! a machine is told of once, and within its time; levels stay within their scale.

use audio::detect::{Dtmf, DtmfHeard, Fax, FaxTone, Machine, Rules, SILENCE_DBOV, Voice, level_dbov};

/// One input: octets for the rate, the slices and the rules, then samples of sixteen bits.
pub(crate) fn run(data: &[u8]) {
    let Some(([manner, slice, rules @ ..], samples)) = data.split_first_chunk::<11>() else {
        return;
    };
    let rate_hz = [8_000, 16_000, 48_000][usize::from(manner % 3)];
    let samples: Vec<i16> = samples
        .chunks_exact(2)
        .map(|s| i16::from_le_bytes([s[0], s[1]]))
        .collect();
    // A second or so is made of little: an input is said again and again, and now and then more quietly.
    let times = 1 + usize::from(manner >> 2) * 8;
    let quiet = manner & 64 > 0;
    let said: Vec<i16> = (0..times)
        .flat_map(|n| {
            let shift = if quiet && n % 3 == 2 { 8 } else { 0 };
            samples.iter().map(move |sample| sample >> shift)
        })
        .take(12_000)
        .collect();
    let slice = 1 + usize::from(*slice) * 5;
    let digits = digits(&said, said.len().max(1), rate_hz);
    assert_eq!(digits, self::digits(&said, slice, rate_hz));
    taking_turns(&digits, said.len(), rate_hz);
    let tones = tones(&said, said.len().max(1), rate_hz);
    assert_eq!(tones, self::tones(&said, slice, rate_hz));
    voice(&said, slice, rate_hz);
    machine(&said, slice, rate_hz, rules);
}

fn digits(said: &[i16], slice: usize, rate_hz: u32) -> Vec<DtmfHeard> {
    let mut dtmf = Dtmf::new(rate_hz);
    let mut heard = Vec::new();
    for piece in said.chunks(slice) {
        dtmf.push(piece, |digit| heard.push(digit));
        let down = heard.last().and_then(|last| match last {
            DtmfHeard::Start(key) => Some(*key),
            DtmfHeard::End { .. } => None,
        });
        assert_eq!(dtmf.down(), down);
    }
    heard
}

fn taking_turns(digits: &[DtmfHeard], samples: usize, rate_hz: u32) {
    let mut down = None;
    let mut all_ms = 0;
    for digit in digits {
        match digit {
            DtmfHeard::Start(key) => {
                assert_eq!(down.replace(*key), None);
                assert!("0123456789*#ABCD".contains(*key));
            }
            DtmfHeard::End { key, ms } => {
                assert_eq!(down.take(), Some(*key));
                all_ms += u64::from(*ms);
            }
        }
    }
    let most_ms = samples as u64 * 1_000 / u64::from(rate_hz);
    assert!(all_ms <= most_ms, "{all_ms} ms of digits in {most_ms}");
}

fn tones(said: &[i16], slice: usize, rate_hz: u32) -> Vec<FaxTone> {
    let mut fax = Fax::new(rate_hz);
    let mut heard = Vec::new();
    for piece in said.chunks(slice) {
        fax.push(piece, |tone| heard.push(tone));
    }
    // A tone takes 400 ms at least, and both can't be there at once.
    let seconds = said.len() as u64 / u64::from(rate_hz) + 1;
    assert!(heard.len() as u64 <= seconds * 3, "{heard:?}");
    heard
}

fn voice(said: &[i16], slice: usize, rate_hz: u32) {
    let mut voice = Voice::new(rate_hz);
    let mut quiet = 0;
    for piece in said.chunks(slice) {
        let speaks = voice.push(piece);
        let level = level_dbov(piece);
        assert!((SILENCE_DBOV..=0.1).contains(&level), "{level} dBov");
        assert_eq!(voice.level_dbov(), level);
        quiet = if speaks { 0 } else { quiet + piece.len() };
        let quiet_ms = quiet as u64 * 1_000 / u64::from(rate_hz);
        let told_ms = u64::from(voice.quiet_ms());
        assert!(told_ms.abs_diff(quiet_ms) <= 2, "{told_ms} of {quiet_ms} ms");
    }
}

fn machine(said: &[i16], slice: usize, rate_hz: u32, rules: &[u8]) {
    let rule = |at: usize, unit: u32| u32::from(rules[at]) * unit;
    let rules = Rules {
        initial_silence_ms: rule(0, 16),
        greeting_ms: rule(1, 16),
        after_greeting_silence_ms: rule(2, 8),
        total_ms: rule(3, 16),
        min_word_ms: rule(4, 2),
        max_word_ms: rule(5, 16),
        between_words_ms: rule(6, 1),
        max_words: rule(7, 1),
        threshold: u16::from(rules[8]) * 16,
    };
    let mut machine = Machine::new(rules, rate_hz);
    let (mut heard, mut told) = (0_u64, 0);
    for piece in said.chunks(slice) {
        heard += piece.len() as u64;
        told += u32::from(machine.push(piece).is_some());
        let late = heard * 1_000 / u64::from(rate_hz) >= u64::from(rules.total_ms);
        assert!(told == 1 || (told == 0 && !late), "told {told} times");
    }
}
