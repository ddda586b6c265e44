//! The sounds that a tenant has brought: prompts in place of those that are shipped, prompts of its own, music.
//!
//! Owns: which of them is meant by a name. Does not own: the sounds (`store`), and what is shipped (`prompts`).

use crate::{Item, OwnSound, Playlist, Sound};
use std::collections::BTreeMap;

/// A tenant's sounds by name. A name leads to another sound after each change, so that what was decoded of one stays true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Library {
    /// By name and language; the empty language stands for whatever is spoken.
    prompts: BTreeMap<Box<str>, BTreeMap<Box<str>, OwnSound>>,
    music: BTreeMap<Box<str>, Vec<OwnSound>>,
}

impl Library {
    /// What the names of a tenant's own prompts begin with; all others take the place of what is shipped.
    pub const OWN: &'static str = "own/";
    /// What the name of a sound begins with that is music.
    pub const MUSIC: &'static str = "music/";
    /// The music that is always there.
    pub const USUAL_MUSIC: &'static str = "default";
    /// Pieces of one music.
    pub const PIECES: usize = 20;
    /// Sounds of a tenant.
    pub const SOUNDS: usize = 5_000;

    /// True for what can be the name of a prompt or a music.
    #[must_use]
    pub fn is_name(name: &str) -> bool {
        let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"/-_".contains(&b);
        (1..=64).contains(&name.len()) && name.bytes().all(fits)
    }

    /// A music by its name, for [`Library::played`] or as it is shipped.
    #[must_use]
    pub fn music_named(name: &str) -> Item {
        Item::prompt("", &format!("{}{name}", Self::MUSIC))
    }

    /// Adds a prompt.
    pub fn add_prompt(&mut self, name: &str, language: &str, sound: OwnSound) {
        let languages = self.prompts.entry(name.into()).or_default();
        languages.insert(language.into(), sound);
    }

    /// Adds a piece to a music, behind those that it has.
    pub fn add_piece(&mut self, name: &str, sound: OwnSound) {
        self.music.entry(name.into()).or_default().push(sound);
    }

    /// The prompt of this name where this language is spoken.
    #[must_use]
    pub fn prompt(&self, name: &str, language: &str) -> Option<OwnSound> {
        let languages = self.prompts.get(name)?;
        languages.get(language).or_else(|| languages.get("")).copied()
    }

    /// True when there is a prompt of this name in some language.
    #[must_use]
    pub fn has_prompt(&self, name: &str) -> bool {
        self.prompts.contains_key(name)
    }

    /// The pieces of a music, in order.
    #[must_use]
    pub fn music(&self, name: &str) -> &[OwnSound] {
        self.music.get(name).map_or(&[], Vec::as_slice)
    }

    /// True when there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.prompts.is_empty() && self.music.is_empty()
    }

    /// A list with the tenant's own sounds in place of the names that lead to them. A music that the tenant has not is the usual
    /// one.
    #[must_use]
    pub fn played(&self, list: Playlist) -> Playlist {
        let mut items = Vec::with_capacity(list.items.len());
        for item in list.items {
            let Item::Sound(Sound::Prompt { language, name }) = &item else {
                items.push(item);
                continue;
            };
            match name.strip_prefix(Self::MUSIC) {
                Some(music) => items.extend(self.pieces(music)),
                None => items.push(match self.prompt(name, language) {
                    Some(own) => Item::Sound(Sound::Own(own)),
                    None => item,
                }),
            }
        }
        items.truncate(Playlist::MOST);
        Playlist { items, ..list }
    }

    fn pieces(&self, music: &str) -> Vec<Item> {
        for name in [music, Self::USUAL_MUSIC] {
            let own = self.music(name);
            if !own.is_empty() {
                return own.iter().map(|own| Item::Sound(Sound::Own(*own))).collect();
            }
        }
        vec![Self::music_named(Self::USUAL_MUSIC)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::SoundId;

    fn own(id: u64) -> OwnSound {
        OwnSound {
            id: SoundId(id),
            ms: 1_000,
        }
    }

    fn played(library: &Library, items: &[Item]) -> Vec<Item> {
        let items = items.to_vec();
        library.played(Playlist { items, times: 0 }).items
    }

    #[test]
    fn a_name_leads_to_the_sound_of_the_language_that_is_spoken() {
        let mut library = Library::default();
        library.add_prompt("general/goodbye", "fr", own(1));
        library.add_prompt("own/welcome", "", own(2));
        library.add_prompt("own/welcome", "es", own(3));
        let names = [
            Item::prompt("fr", "general/goodbye"),
            Item::prompt("en", "general/goodbye"),
            Item::prompt("en", "own/welcome"),
            Item::prompt("es", "own/welcome"),
            Item::Silence { ms: 7 },
        ];
        let sound = |id| Item::Sound(Sound::Own(own(id)));
        let expected = [sound(1), names[1].clone(), sound(2), sound(3), names[4].clone()];
        assert_eq!(played(&library, &names), expected);
    }

    #[test]
    fn music_is_all_its_pieces_or_the_usual_one() {
        let mut library = Library::default();
        let usual = Item::prompt("", "music/default");
        for name in ["music/default", "music/gone"] {
            assert_eq!(
                played(&library, &[Item::prompt("", name)]),
                std::slice::from_ref(&usual)
            );
        }
        for id in 1..=3 {
            library.add_piece("lobby", own(id));
        }
        let sounds = |ids: &[u64]| {
            ids.iter()
                .map(|id| Item::Sound(Sound::Own(own(*id))))
                .collect::<Vec<_>>()
        };
        assert_eq!(
            played(&library, &[Item::prompt("", "music/lobby")]),
            sounds(&[1, 2, 3])
        );
        library.add_piece("default", own(9));
        assert_eq!(played(&library, &[Item::prompt("", "music/gone")]), sounds(&[9]));
        let many = vec![Item::prompt("", "music/lobby"); 40];
        assert_eq!(played(&library, &many).len(), Playlist::MOST);
    }
}
