//! `[speech]`: who speaks texts.

use super::reader::{Reader, Section};
use node::speech::{Engine, Speech};
use std::path::PathBuf;
use std::time::Duration;

/// Seconds that one text may take.
const TIMEOUT_S: u64 = 60;

/// Reads the section; nothing without an engine.
pub(super) fn read<'t>(reader: &mut Reader<'t>, top: &mut Section<'t>) -> Option<Speech> {
    let mut section = reader.section(top, "speech");
    let such_as = "\"http://127.0.0.1:8880/v1/audio/speech\"";
    let url = reader.text(&mut section, "url", such_as);
    let key_file = reader.text(&mut section, "key_file", "\"/etc/carillon/speech.key\"");
    let model = reader.text(&mut section, "model", "\"kokoro\"");
    let such_as = "[\"flite\", \"-o\", \"/dev/stdout\"]";
    let command = reader.list(&mut section, "command", such_as);
    let voice = reader.text(&mut section, "voice", "\"rms\"");
    let such_as = "[\"fr=ff_siwis\"]";
    let voices = reader.list(&mut section, "voices", such_as).unwrap_or_default();
    let timeout_s = reader.number(&mut section, "timeout_s", 1..=600);
    reader.done(&section);
    let mut by_language = Vec::new();
    for (at, text) in voices {
        match text.split_once('=') {
            Some((language, voice)) if language.len() == 2 && !voice.is_empty() => {
                by_language.push((language.to_owned(), voice.to_owned()));
            }
            _ => reader.problem(
                at,
                format!("{text:?} is no language and voice; write \"fr=ff_siwis\""),
            ),
        }
    }
    let text = |found: Option<(usize, &str)>| found.map(|(_, text)| text.to_owned());
    let engine = match (url, command) {
        (Some((at, _)), Some(_)) => {
            reader.problem(
                at,
                "[speech] has `url` and `command`; keep the one that is to speak",
            );
            return None;
        }
        (Some((at, url)), None) => {
            if !url.starts_with("http://") && !url.starts_with("https://") {
                reader.problem(
                    at,
                    format!("{url:?} is no URL; it begins with http:// or https://"),
                );
            }
            Engine::Http {
                url: url.to_owned(),
                model: text(model),
                key_file: text(key_file).map(PathBuf::from),
            }
        }
        (None, Some(command)) => {
            if command.is_empty() {
                reader.problem(
                    section.start(),
                    "`command` is empty; name a program, or leave it out",
                );
            }
            Engine::Command(command.into_iter().map(|(_, part)| part.to_owned()).collect())
        }
        (None, None) => return None,
    };
    Some(Speech {
        engine,
        voice: text(voice),
        voices: by_language,
        timeout: Duration::from_secs(timeout_s.unwrap_or(TIMEOUT_S)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;

    fn read(text: &str) -> (Option<Speech>, Vec<String>) {
        let (config, problems) = config::read(text);
        let problems = problems.iter().map(|problem| problem.what.clone());
        (config.speech, problems.collect())
    }

    #[test]
    fn an_engine_is_a_url_or_a_command() {
        let (speech, problems) =
            read("[speech]\nurl = \"http://tts/v1/audio/speech\"\nvoices = [\"fr=siwis\"]\ntimeout_s = 5\n");
        assert_eq!(problems, [""; 0]);
        let speech = speech.unwrap();
        assert_eq!(speech.voices, [("fr".to_owned(), "siwis".to_owned())]);
        assert_eq!(speech.timeout, Duration::from_secs(5));
        let (speech, problems) = read("[speech]\ncommand = [\"flite\", \"-o\", \"/dev/stdout\"]\n");
        assert_eq!(problems, [""; 0]);
        assert!(matches!(speech.unwrap().engine, Engine::Command(argv) if argv.len() == 3));
        assert_eq!(read("[speech]\nvoice = \"x\"\n").0, None);
    }

    #[test]
    fn what_is_no_engine_is_named() {
        for (text, told) in [
            ("url = \"http://a\"\ncommand = [\"b\"]", "keep the one"),
            ("url = \"ws://a\"", "http://"),
            ("command = []", "is empty"),
            ("command = \"flite\"", "is a list"),
            ("voices = [\"siwis\"]", "fr=ff_siwis"),
            ("timeout_s = 0", "1 to 600"),
            ("shell = \"sh\"", "[speech] has no key"),
        ] {
            let (_, problems) = read(&format!("[speech]\n{text}\n"));
            assert!(
                problems.iter().any(|problem| problem.contains(told)),
                "{text}: {problems:?}"
            );
        }
    }
}
