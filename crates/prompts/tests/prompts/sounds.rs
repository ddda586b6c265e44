//! The sounds that are shipped: each decodes, is neither silent nor clipped, says its text, and takes as long as that takes.

use audio::ogg::Reader;
use audio::sound::decode;
use prompts::{Language, Name};
use std::collections::BTreeMap;
use std::path::Path;

const RATE_HZ: u32 = 8000;

fn seconds(sound: &[i16]) -> f64 {
    sound.len() as f64 / f64::from(RATE_HZ)
}

/// Level, dB below full scale.
fn level(sound: &[i16]) -> f64 {
    let power: f64 = sound.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / sound.len() as f64;
    10.0 * (power / 32_768.0_f64.powi(2)).max(1e-12).log10()
}

fn peak(sound: &[i16]) -> u16 {
    sound.iter().map(|s| s.unsigned_abs()).max().unwrap_or_default()
}

/// What is wrong with a sound of a text.
fn fault(text: &str, file: &[u8]) -> Option<String> {
    let reader = Reader::open(file).unwrap();
    assert_eq!(reader.head().channels, 1);
    let sound = match decode(file, RATE_HZ) {
        Ok(sound) => sound,
        Err(error) => return Some(error.to_string()),
    };
    let (seconds, level, peak) = (seconds(&sound), level(&sound), peak(&sound));
    // A letter takes about 65 ms; short words take longer, for they are said alone.
    let letters = text.chars().filter(|c| c.is_alphanumeric()).count() as f64;
    let (least, most) = (0.15 + 0.030 * letters, 1.0 + 0.130 * letters);
    if !(least..=most).contains(&seconds) {
        return Some(format!("{seconds:.2} s for {letters} letters"));
    }
    if !(-33.0..=-18.0).contains(&level) {
        return Some(format!("{level:.1} dB"));
    }
    // The shortest word is a burst, the longest is levelled by its loudest vowel.
    (peak > 30_000).then(|| format!("a peak of {peak}"))
}

#[test]
fn every_sound_decodes_and_is_as_loud_and_long_as_speech() {
    let (mut findings, mut count, mut octets) = (Vec::new(), 0, 0);
    for language in Language::ALL.into_iter().filter(|language| language.is_spoken()) {
        let spoken = record(language);
        for name in spoken.keys().map(|name| Name::parse(name).unwrap()) {
            let Some(file) = name.own_sound(language) else {
                findings.push(format!("{name} has no sound in {}", language.code()));
                continue;
            };
            (count, octets) = (count + 1, octets + file.len());
            if let Some(fault) = fault(name.text(language).unwrap(), file) {
                findings.push(format!("{name} in {}: {fault}", language.code()));
            }
        }
    }
    println!("COUNT prompts/sounds {count}");
    assert!(findings.is_empty(), "{}", findings.join("\n"));
    assert!(octets < 4_000_000, "{octets} octets are too many for a binary");
}

/// `sounds/<language>/spoken.txt`: name → the text that its sound says.
fn record(language: Language) -> BTreeMap<String, String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("sounds/{}/spoken.txt", language.code()));
    let text = std::fs::read_to_string(&path).unwrap();
    for word in ["model", "voice", "tools", "date"] {
        assert!(
            text.contains(&format!("#   {word} ")),
            "{} does not tell its {word}",
            path.display()
        );
    }
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .map(|line| line.split_once('\t').unwrap())
        .map(|(name, text)| (name.to_owned(), text.to_owned()))
        .collect()
}

#[test]
fn every_sound_says_what_the_catalogue_says() {
    for language in Language::ALL.into_iter().filter(|language| language.is_spoken()) {
        for (name, said) in record(language) {
            let name = Name::parse(&name).unwrap_or_else(|| panic!("{name} is in no catalogue"));
            let text = name.text(language).unwrap();
            assert_eq!(
                text,
                said,
                "{name}: `cargo xtask prompts {}` makes it anew",
                language.code()
            );
        }
        for name in Name::all() {
            assert!(
                name.own_sound(language).is_some(),
                "{name} has no sound in {}: `cargo xtask prompts {0}` makes it",
                language.code()
            );
        }
    }
}

#[test]
fn the_music_is_a_long_loop_without_a_gap() {
    let file = prompts::find(Language::English, "music/default").unwrap();
    let music = decode(file, 16_000).unwrap();
    let seconds = music.len() as f64 / 16_000.0;
    assert_eq!(seconds, 96.0);
    assert!(
        (-26.0..=-18.0).contains(&level(&music)),
        "{:.1} dB",
        level(&music)
    );
    assert!(peak(&music) < 20_000);
    // No half second is silent, and the end goes on in the beginning.
    for (number, part) in music.chunks(8000).enumerate() {
        assert!(level(part) > -40.0, "half second {number}: {:.1} dB", level(part));
    }
    let step = |pair: &[i16]| (i32::from(pair[0]) - i32::from(pair[1])).abs();
    let largest = music.windows(2).map(step).max().unwrap();
    assert!(step(&[music[music.len() - 1], music[0]]) <= largest);
}

#[test]
fn tones_are_short_and_moderate() {
    for name in ["record/beep", "conference/tone-join", "conference/tone-leave"] {
        let tone = decode(prompts::find(Language::Polish, name).unwrap(), RATE_HZ).unwrap();
        assert!((0.2..0.5).contains(&seconds(&tone)), "{name}");
        assert!(
            (-25.0..-15.0).contains(&level(&tone)),
            "{name}: {:.1} dB",
            level(&tone)
        );
    }
}

#[test]
fn sounds_decode_to_every_rate_of_a_call() {
    for rate_hz in [8000, 16_000, 48_000] {
        let file = prompts::find(Language::English, "voicemail/greeting").unwrap();
        let sound = decode(file, rate_hz).unwrap();
        let seconds = sound.len() as f64 / f64::from(rate_hz);
        assert!((4.0..7.0).contains(&seconds), "{seconds}");
    }
}
