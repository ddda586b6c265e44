//! What the telephone system says: a catalogue of prompts in each language, their sounds, and how numbers, dates and times are
//! put together from them.
//!
//! Owns: names, texts, the sounds that are shipped, and each language's grammar of numbers. Does not own: a tenant's own prompts,
//! which the shell looks for first under the same name; decoding (`audio::sound::decode`); when what is said.
//!
//! A name such as `voicemail/greeting` stays for ever. Sounds are Ogg-Opus, within the binary. A language without sounds has
//! its texts, for whatever synthesiser speaks them.
#![forbid(unsafe_code)]

pub mod say;

use std::fmt;

include!(concat!(env!("OUT_DIR"), "/tables.rs"));

/// What there is of a name in a language.
struct Entry {
    text: Option<&'static str>,
    sound: Option<&'static [u8]>,
}

/// A language that has a catalogue.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Language {
    /// American English, which stands in where another language lacks a sound.
    #[default]
    English,
    /// German.
    German,
    /// French, as in France.
    French,
    /// Spanish.
    Spanish,
    /// Polish.
    Polish,
}

impl Language {
    /// All of them.
    pub const ALL: [Language; 5] = [
        Language::English,
        Language::German,
        Language::French,
        Language::Spanish,
        Language::Polish,
    ];

    /// ISO 639-1, such as `en`.
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Language::English => "en",
            Language::German => "de",
            Language::French => "fr",
            Language::Spanish => "es",
            Language::Polish => "pl",
        }
    }

    /// Reads a tag (RFC 5646), such as `de` or `de-AT`; case does not matter, and only the language does.
    #[must_use]
    pub fn parse(tag: &str) -> Option<Language> {
        let code = tag.split(['-', '_']).next().unwrap_or_default();
        let known = |language: &Language| language.code().eq_ignore_ascii_case(code);
        Language::ALL.into_iter().find(known)
    }

    /// Has it sounds of its own? If not, English is heard unless somebody speaks its texts: then numbers should be said in
    /// English, too.
    #[must_use]
    pub fn is_spoken(self) -> bool {
        Name::parse("number/1").is_some_and(|name| name.own_sound(self).is_some())
    }

    /// The language that is heard where nobody speaks texts: itself, or English.
    #[must_use]
    pub fn heard(self) -> Language {
        if self.is_spoken() { self } else { Language::English }
    }
}

/// The name of a prompt that is in the catalogue.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(u16);

impl Name {
    /// Looks a name up.
    #[must_use]
    pub fn parse(name: &str) -> Option<Name> {
        let index = NAMES.binary_search(&name).ok()?;
        u16::try_from(index).ok().map(Name)
    }

    /// All names, in alphabetical order.
    pub fn all() -> impl Iterator<Item = Name> {
        (0..).take(NAMES.len()).map(Name)
    }

    /// As it is written.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        NAMES.get(usize::from(self.0)).copied().unwrap_or_default()
    }

    /// What is said. A sound that is no speech is described, in English.
    #[must_use]
    pub fn text(self, language: Language) -> Option<&'static str> {
        self.entry(language)?.text
    }

    /// Its sound, Ogg-Opus: that of the language, or that of English.
    #[must_use]
    pub fn sound(self, language: Language) -> Option<&'static [u8]> {
        let own = self.own_sound(language);
        own.or_else(|| self.own_sound(Language::English))
    }

    /// Its sound in this very language.
    #[must_use]
    pub fn own_sound(self, language: Language) -> Option<&'static [u8]> {
        self.entry(language)?.sound
    }

    fn entry(self, language: Language) -> Option<&'static Entry> {
        ENTRIES.get(language as usize)?.get(usize::from(self.0))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The sound of a name, Ogg-Opus: that of the language, or that of English; nothing for a name that the catalogue lacks. A
/// tenant's own sound of that name goes before.
#[must_use]
pub fn find(language: Language, name: &str) -> Option<&'static [u8]> {
    Name::parse(name)?.sound(language)
}
