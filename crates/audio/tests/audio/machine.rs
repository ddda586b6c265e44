//! Who has answered: greetings of people and of machines.

use crate::{Random, voice};
use audio::detect::{Answerer, Machine, Rules};

/// Sounds and the silences behind them, ms, over a little noise.
fn greeting(parts: &[(usize, usize)], rate: u32) -> Vec<i16> {
    let ms = rate as usize / 1000;
    // A vowel of the voice that goes on.
    let vowel: Vec<i16> = voice(1, rate, 2.0)
        .into_iter()
        .filter(|sample| sample.unsigned_abs() > 600)
        .collect();
    let mut random = Random(3);
    let mut out = Vec::new();
    for (on, off) in parts {
        out.extend(vowel.iter().cycle().take(on * ms));
        out.extend((0..off * ms).map(|_| (60.0 * random.normal()) as i16));
    }
    out
}

/// What it is taken for, and after how many milliseconds.
fn answered(parts: &[(usize, usize)], rules: Rules) -> Option<(Answerer, usize)> {
    let of = |rate: u32| {
        let mut machine = Machine::new(rules, rate);
        let sound = greeting(parts, rate);
        let mut told = None;
        for (n, frame) in sound.chunks_exact(rate as usize / 50).enumerate() {
            if let Some(found) = machine.push(frame) {
                assert_eq!(told.replace((found, (n + 1) * 20)), None, "told twice");
            }
        }
        told
    };
    let found = of(8000);
    assert_eq!(found, of(16_000));
    found
}

fn usual(parts: &[(usize, usize)]) -> Option<(Answerer, usize)> {
    answered(parts, Rules::default())
}

#[test]
fn a_person_says_a_word_or_two_and_waits() {
    for (said, ms) in [
        (&[(400, 3000)][..], 1200),
        (&[(200, 3000)], 1000),
        (&[(900, 600), (400, 3000)], 2700),
        (&[(500, 200), (500, 3000)], 2000),
        // It takes a while to lift the phone.
        (&[(0, 2000), (500, 3000)], 3300),
        // The hand on the receiver is no word.
        (&[(60, 300), (60, 300), (60, 300), (400, 3000)], 2280),
    ] {
        assert_eq!(usual(said), Some((Answerer::Human, ms)), "{said:?}");
    }
}

#[test]
fn a_machine_says_much_or_nothing() {
    for (said, ms) in [
        (&[(6000, 0)][..], 1500),
        (&[(0, 6000)], 2500),
        (&[(60, 6000)], 2560),
        (&[(300, 100), (300, 100), (300, 5000)], 900),
        (&[(700, 100), (1700, 100), (1700, 100)], 1600),
    ] {
        assert_eq!(usual(said), Some((Answerer::Machine, ms)), "{said:?}");
    }
}

#[test]
fn time_is_over_before_it_is_clear() {
    let clicks = [(60, 700); 10];
    assert_eq!(usual(&clicks), Some((Answerer::Unknown, 5000)));
    assert_eq!(usual(&[(400, 700)]), None, "there is nothing more to hear yet");
}

#[test]
fn each_rule_can_be_set() {
    let rules = Rules {
        initial_silence_ms: 4_000,
        greeting_ms: 3_000,
        after_greeting_silence_ms: 300,
        total_ms: 10_000,
        min_word_ms: 200,
        max_word_ms: 2_000,
        between_words_ms: 200,
        max_words: 4,
        threshold: 256,
    };
    let found = |said: &[(usize, usize)]| answered(said, rules);
    assert_eq!(found(&[(0, 6000)]), Some((Answerer::Machine, 4000)));
    assert_eq!(found(&[(6000, 0)]), Some((Answerer::Machine, 2000)));
    assert_eq!(found(&[(1900, 200), (1900, 0)]), Some((Answerer::Machine, 3200)));
    let fifth = [(300, 220); 5];
    assert_eq!(found(&fifth), Some((Answerer::Machine, 4 * 520 + 200)));
    assert_eq!(found(&[(300, 1000)]), Some((Answerer::Human, 600)));
    assert_eq!(found(&[(100, 800); 20]), Some((Answerer::Unknown, 10_000)));
    let deaf = Rules {
        threshold: 30_000,
        ..rules
    };
    assert_eq!(answered(&[(6000, 0)], deaf), Some((Answerer::Machine, 4000)));
}

#[test]
fn no_rules_and_no_frames_break_it() {
    for ms in [0, u32::MAX] {
        let rules = Rules {
            initial_silence_ms: ms,
            greeting_ms: ms,
            after_greeting_silence_ms: ms,
            total_ms: ms,
            min_word_ms: ms,
            max_word_ms: ms,
            between_words_ms: ms,
            max_words: ms,
            threshold: 0,
        };
        let mut machine = Machine::new(rules, 8000);
        let told = [&[][..], &[0; 160], &[i16::MIN; 160], &[i16::MAX; 7]].map(|frame| machine.push(frame));
        assert_eq!(told.into_iter().flatten().count(), usize::from(ms == 0));
    }
}
