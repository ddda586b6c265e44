//! What is said: the prompts that are shipped, which are speech, in three languages.

use anyhow::{Context, Result, anyhow};
use audio::sound::decode;
use prompts::{Language, Name};
use std::ops::Range;

const LANGUAGES: [Language; 3] = [Language::English, Language::French, Language::Spanish];
/// What is scored at once in each language: 8 to 20 s, as P.862.3 advises.
const CLIPS: [&[&str]; 2] = [
    &["voicemail/greeting", "call/unknown-number", "call/circuits-busy"],
    &["voicemail/menu", "conference/wait-for-moderator"],
];
/// Between sentences, and between clips, milliseconds.
const PAUSE_MS: usize = 400;

/// Everything that is said in a call.
pub(super) struct Speech {
    pub(super) rate_hz: u32,
    pub(super) sound: Vec<i16>,
    /// What is scored of it. Before the first clip all of it has been said once, so that the jitter buffer knows its network.
    pub(super) clips: Vec<Range<usize>>,
}

impl Speech {
    pub(super) fn new(rate_hz: u32) -> Result<Speech> {
        let mut clips = Vec::new();
        for language in LANGUAGES {
            for names in CLIPS {
                clips.push(clip(names, language, rate_hz)?);
            }
        }
        let mut speech = Speech {
            rate_hz,
            sound: pause(rate_hz),
            clips: Vec::new(),
        };
        for is_scored in [false, true] {
            for clip in &clips {
                let begin = speech.sound.len();
                speech.sound.extend_from_slice(clip);
                if is_scored {
                    speech.clips.push(begin..speech.sound.len());
                }
                speech.sound.extend(pause(rate_hz));
            }
        }
        Ok(speech)
    }
}

fn pause(rate_hz: u32) -> Vec<i16> {
    vec![0; rate_hz as usize / 1_000 * PAUSE_MS]
}

fn clip(names: &[&str], language: Language, rate_hz: u32) -> Result<Vec<i16>> {
    let mut clip = pause(rate_hz);
    for name in names {
        let file = Name::parse(name).and_then(|name| name.own_sound(language));
        let file = file.with_context(|| format!("{name} is not spoken in {}", language.code()))?;
        let sound = decode(file, rate_hz).map_err(|error| anyhow!("{name}: {error}"))?;
        clip.extend(sound);
        clip.extend(pause(rate_hz));
    }
    Ok(clip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_clip_is_as_long_as_pesq_wants_it_and_comes_late_in_the_call() {
        for rate_hz in [8_000, 16_000] {
            let speech = Speech::new(rate_hz).unwrap();
            assert_eq!(speech.clips.len(), LANGUAGES.len() * CLIPS.len());
            let seconds = speech.clips.iter().map(|clip| clip.len() / rate_hz as usize);
            let seconds: Vec<usize> = seconds.collect();
            assert!(seconds.iter().all(|s| (8..20).contains(s)), "{seconds:?}");
            assert!(speech.clips[0].start > speech.sound.len() / 2 - rate_hz as usize);
        }
    }
}
