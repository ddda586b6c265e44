//! Texts made into speech, by an engine that the operator chose.
//!
//! Owns: the trait [`Synthesizer`], and its engines: an HTTP server as OpenAI's interface has it, and a command. Does not own:
//! what becomes of the sound, which is checked like anybody's upload (`audio::sound::normalise`), and when anything is spoken:
//! at the time of an operator's command, never in a call.

mod command;
mod http;
#[cfg(test)]
mod tests;

use anyhow::{Result, bail};
use std::path::PathBuf;
use std::time::Duration;

/// Characters of a text.
const LONGEST_TEXT: usize = 2_000;
/// Octets that an engine may answer with: ten minutes of 24 kHz would be 29 MB.
const LARGEST: usize = 64 << 20;

/// Makes speech of a text.
pub trait Synthesizer {
    /// A WAV or Ogg-Opus file of this text, in a language of two letters. Nothing in it has been checked.
    ///
    /// # Errors
    /// One line that says what went wrong, and what to do.
    fn speak(&self, text: &str, language: &str) -> Result<Vec<u8>>;

    /// What to call it where somebody asks where a sound came from.
    fn name(&self) -> String;
}

/// Which engine, and how to reach it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Speech {
    /// The engine.
    pub engine: Engine,
    /// The voice, where a language has none of its own.
    pub voice: Option<String>,
    /// Voices by language of two letters.
    pub voices: Vec<(String, String)>,
    /// How long one text may take.
    pub timeout: Duration,
}

/// An engine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Engine {
    /// A server that speaks as `POST /v1/audio/speech` of OpenAI's interface does.
    Http {
        /// The whole URL.
        url: String,
        /// Which model, where the server has several.
        model: Option<String>,
        /// A file whose first line is sent as bearer token.
        key_file: Option<PathBuf>,
    },
    /// A program and its arguments, in which `{language}` and `{voice}` are replaced. It reads the text from its standard
    /// input and writes the sound to its standard output. No shell sees either.
    Command(Vec<String>),
}

impl Speech {
    fn voice(&self, language: &str) -> Option<&str> {
        let own = self.voices.iter().find(|(known, _)| known == language);
        own.map(|(_, voice)| voice)
            .or(self.voice.as_ref())
            .map(String::as_str)
    }
}

impl Synthesizer for Speech {
    fn speak(&self, text: &str, language: &str) -> Result<Vec<u8>> {
        let text = text.trim();
        if text.is_empty() || text.chars().count() > LONGEST_TEXT {
            bail!("a text to be spoken has 1 to {LONGEST_TEXT} characters");
        }
        if text.chars().any(|c| c.is_control() && c != '\n') {
            bail!("a text to be spoken has no control characters");
        }
        let voice = self.voice(language);
        match &self.engine {
            Engine::Http { url, model, key_file } => {
                let key = key_file.as_deref().map(http::key).transpose()?;
                let request = http::Request {
                    url,
                    model: model.as_deref(),
                    voice,
                    key: key.as_deref(),
                };
                http::speak(&request, text, self.timeout)
            }
            Engine::Command(argv) => command::speak(argv, (voice, language), text, self.timeout),
        }
    }

    fn name(&self) -> String {
        match &self.engine {
            Engine::Http { url, .. } => url.split(['?', '#']).next().unwrap_or_default().to_owned(),
            Engine::Command(argv) => argv.first().cloned().unwrap_or_default(),
        }
    }
}
