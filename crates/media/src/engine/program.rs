//! What the server says to a leg by itself: playlists of tones, silence and sounds.
//!
//! Owns: where in its list a program is, and which sounds it waits for. Does not own: where sounds are kept, packets.

use crate::tick::TICK_MS;
use audio::tone::{Country, Generator, Segment, Signal};
use model::{Item, Playlist, Sound, ToneName};
use std::sync::Arc;
use std::time::Duration;

/// A sound that has not come after this is left out.
const PATIENCE: Duration = Duration::from_secs(2);
/// What is said in between is said no more often, milliseconds.
const LEAST_MS: u32 = 1_000;
/// Bursts of a confirmation tone and the pauses between them, milliseconds.
const BURST_MS: u16 = 100;
/// Speak now.
const BEEP: Segment = Segment {
    hz: [1000, 0],
    ms: 400,
};
const BEEP_DBM0: f32 = -13.0;

/// A sound at some rate, or that there is none; as the shell answers.
pub(super) type Samples = Option<Arc<[i16]>>;

/// A list that is being played.
#[derive(Debug)]
pub(super) struct List {
    list: Playlist,
    rate_hz: u32,
    /// The item that comes next.
    at: usize,
    item: Option<Sounding>,
    /// Items in a row that had nothing in them.
    barren: usize,
    /// The sound that is played or waited for, and the one behind it; with what is known of each.
    sounds: [Option<(Sound, Option<Samples>)>; 2],
    /// Asked for, and not yet passed on to the shell.
    wanted: Vec<Sound>,
    missing: u32,
    /// What is said in between.
    between: Option<Box<Between>>,
}

/// Something that is said now and then, while a list waits where it is.
#[derive(Debug)]
struct Between {
    words: Playlist,
    every_ms: u32,
    /// Of the list that is heard before it is said the next time.
    left_ms: u32,
    said: List,
}

impl Between {
    /// Fills the frame if it is time; false when it belongs to the list.
    fn fill(&mut self, now: Duration, frame: &mut [i16]) -> bool {
        if self.left_ms > 0 {
            self.left_ms = self.left_ms.saturating_sub(TICK_MS);
            return false;
        }
        if self.said.fill(now, frame) {
            self.left_ms = self.every_ms;
            let missing = self.said.missing;
            self.said = List::new(&self.words, self.said.rate_hz);
            self.said.missing = missing;
        }
        true
    }
}

/// An item that is being played. What is left is counted in samples; `None` for no end.
#[derive(Debug)]
enum Sounding {
    Silence {
        left: Option<u64>,
    },
    Tone {
        generator: Box<Generator>,
        left: Option<u64>,
    },
    Sound {
        samples: Arc<[i16]>,
        at: usize,
    },
    Waiting {
        sound: Sound,
        since: Duration,
        at_ms: usize,
    },
}

impl List {
    pub(super) fn new(list: &Playlist, rate_hz: u32) -> List {
        let mut list = list.clone();
        list.items.truncate(Playlist::MOST);
        let mut list = List {
            list,
            rate_hz,
            at: 0,
            item: None,
            barren: 0,
            sounds: [None, None],
            wanted: Vec::new(),
            missing: 0,
            between: None,
        };
        list.look_ahead(0);
        list
    }

    /// The same, where these words are said each time that so much of it has been heard.
    pub(super) fn saying(self, words: &Playlist, every_ms: u32) -> List {
        let words = Playlist {
            times: 1,
            ..words.clone()
        };
        let every_ms = every_ms.max(LEAST_MS);
        let between = Box::new(Between {
            said: List::new(&words, self.rate_hz),
            words,
            every_ms,
            left_ms: every_ms,
        });
        List {
            between: Some(between),
            ..self
        }
    }

    /// Sounds that could not be had.
    pub(super) fn missing(&self) -> u32 {
        let between = self.between.as_ref().map_or(0, |between| between.said.missing);
        self.missing.saturating_add(between)
    }

    /// A sound that the shell has not been asked for yet.
    pub(super) fn wanted(&mut self) -> Option<(Sound, u32)> {
        let own = self.wanted.pop().map(|sound| (sound, self.rate_hz));
        own.or_else(|| self.between.as_mut()?.said.wanted())
    }

    /// The shell's answer; one that nobody waits for is ignored.
    pub(super) fn loaded(&mut self, sound: &Sound, rate_hz: u32, samples: &Samples) {
        if let Some(between) = &mut self.between {
            between.said.loaded(sound, rate_hz, samples);
        }
        if rate_hz == self.rate_hz {
            let places = self.sounds.iter_mut().flatten();
            for (_, known) in places.filter(|(kept, known)| kept == sound && known.is_none()) {
                *known = Some(samples.clone());
            }
        }
    }

    /// Goes on at another rate, about where it was.
    pub(super) fn set_rate(&mut self, rate_hz: u32) {
        if rate_hz == self.rate_hz {
            return;
        }
        if let Some(between) = &mut self.between {
            between.said.set_rate(rate_hz);
        }
        let per_ms = usize::try_from(self.rate_hz / 1000).unwrap_or(8).max(1);
        self.item = match self.item.take() {
            Some(Sounding::Sound { at, .. }) => {
                let playing = self.sounds.first_mut().and_then(Option::take);
                playing.map(|(sound, _)| Sounding::Waiting {
                    sound,
                    since: Duration::MAX,
                    at_ms: at / per_ms,
                })
            }
            Some(Sounding::Silence { left }) => Some(Sounding::Silence {
                left: left
                    .map(|left| left.saturating_mul(u64::from(rate_hz)) / u64::from(self.rate_hz.max(1))),
            }),
            // A tone begins anew.
            Some(Sounding::Tone { .. }) => {
                self.at = self.at.saturating_sub(1);
                None
            }
            other => other,
        };
        self.rate_hz = rate_hz;
        self.sounds = [None, None];
        self.wanted.clear();
        if let Some(Sounding::Waiting { sound, .. }) = &self.item {
            let sound = sound.clone();
            self.ask(0, sound);
        }
    }

    /// Fills the frame of the tick `now`; true when the list ends with it.
    pub(super) fn fill(&mut self, now: Duration, frame: &mut [i16]) -> bool {
        frame.fill(0);
        if let Some(between) = &mut self.between {
            if between.fill(now, frame) {
                return false;
            }
            if between.said.missing > 0 {
                // There is no such prompt: its silence would only cut the music.
                self.missing = self.missing.saturating_add(between.said.missing);
                self.between = None;
            }
        }
        let mut filled = 0;
        loop {
            if !self.is_sounding(now) {
                if self.next(now) {
                    continue;
                }
                return true;
            }
            let rest = frame.get_mut(filled..).unwrap_or_default();
            let Some(item) = &mut self.item else { continue };
            if rest.is_empty() || matches!(item, Sounding::Waiting { .. }) {
                return false;
            }
            let count = item.fill(rest);
            filled = filled.saturating_add(count);
            self.barren = 0;
        }
    }

    /// Is there an item with something left? Makes a sound of one that has come.
    fn is_sounding(&mut self, now: Duration) -> bool {
        let Some(Sounding::Waiting { sound, since, at_ms }) = &mut self.item else {
            return self.item.as_ref().is_some_and(|item| !item.is_over());
        };
        *since = now.min(*since);
        let known = self.sounds.iter().flatten().find(|(kept, _)| kept == sound);
        match known.and_then(|(_, samples)| samples.clone()) {
            Some(Some(samples)) => {
                let at = at_ms.saturating_mul(usize::try_from(self.rate_hz / 1000).unwrap_or(8));
                self.item = Some(Sounding::Sound { samples, at });
                self.item.as_ref().is_some_and(|item| !item.is_over())
            }
            None if now.saturating_sub(*since) < PATIENCE => true,
            None | Some(None) => {
                self.missing = self.missing.saturating_add(1);
                self.item = None;
                false
            }
        }
    }

    /// Takes the next item up; a list that is over begins anew as often as it says. False at the end.
    fn next(&mut self, now: Duration) -> bool {
        if self.at >= self.list.items.len() {
            if self.list.times == 1 {
                return false;
            }
            self.list.times = self.list.times.saturating_sub(1);
            self.at = 0;
        }
        self.barren = self.barren.saturating_add(1);
        if self.barren > self.list.items.len().saturating_add(1) {
            return false;
        }
        let Some(item) = self.list.items.get(self.at) else {
            return false;
        };
        let samples = |ms: u32| (ms > 0).then(|| u64::from(ms) * u64::from(self.rate_hz / 1000));
        self.item = Some(match item {
            Item::Silence { ms } => Sounding::Silence { left: samples(*ms) },
            Item::Tone { tone, country, ms } => Sounding::Tone {
                generator: Box::new(generator(*tone, country, self.rate_hz)),
                left: samples(*ms),
            },
            Item::Sound(sound) => {
                let sound = sound.clone();
                self.ask(0, sound.clone());
                Sounding::Waiting {
                    sound,
                    since: now,
                    at_ms: 0,
                }
            }
        });
        self.at = self.at.saturating_add(1);
        self.look_ahead(1);
        true
    }

    /// Asks for the next sound of the list, so that it is there in time.
    fn look_ahead(&mut self, place: usize) {
        let behind = self.list.items.iter().skip(self.at);
        let again = self.list.items.iter().filter(|_| self.list.times != 1);
        let sound = behind.chain(again).find_map(|item| match item {
            Item::Sound(sound) => Some(sound.clone()),
            Item::Silence { .. } | Item::Tone { .. } => None,
        });
        if let Some(sound) = sound {
            self.ask(place, sound);
        }
    }

    /// Keeps a place for a sound; one that is there already is not asked for again.
    fn ask(&mut self, place: usize, sound: Sound) {
        let known = self
            .sounds
            .iter()
            .flatten()
            .find(|(kept, _)| *kept == sound)
            .cloned();
        if known.is_none() {
            self.wanted.push(sound.clone());
        }
        if let Some(place) = self.sounds.get_mut(place) {
            *place = known.or(Some((sound, None)));
        }
    }
}

impl Sounding {
    fn is_over(&self) -> bool {
        match self {
            Sounding::Silence { left } | Sounding::Tone { left, .. } => *left == Some(0),
            Sounding::Sound { samples, at } => *at >= samples.len(),
            Sounding::Waiting { .. } => false,
        }
    }

    /// Fills as much as there is; gives how much.
    fn fill(&mut self, frame: &mut [i16]) -> usize {
        let most = frame.len();
        let fits = |left: &Option<u64>| {
            let left = left.map_or(most, |left| usize::try_from(left).unwrap_or(most));
            left.min(most)
        };
        match self {
            Sounding::Silence { left } => {
                let count = fits(left);
                spend(left, count);
                count
            }
            Sounding::Tone { generator, left } => {
                let count = fits(left);
                generator.fill(frame.get_mut(..count).unwrap_or_default());
                spend(left, count);
                count
            }
            Sounding::Sound { samples, at } => {
                let rest = samples.get(*at..).unwrap_or_default();
                let pairs = frame.iter_mut().zip(rest);
                let count = pairs.len();
                pairs.for_each(|(to, from)| *to = *from);
                *at = at.saturating_add(count);
                count
            }
            Sounding::Waiting { .. } => 0,
        }
    }
}

fn spend(left: &mut Option<u64>, count: usize) {
    let count = u64::try_from(count).unwrap_or(u64::MAX);
    *left = left.map(|left| left.saturating_sub(count));
}

fn generator(name: ToneName, country: &str, rate_hz: u32) -> Generator {
    let country = Country::from_code(country).unwrap_or(Country::Us);
    let signal = match name {
        ToneName::Dial => Signal::Dial,
        ToneName::Ringback => Signal::Ringback,
        ToneName::Busy => Signal::Busy,
        ToneName::Congestion => Signal::Congestion,
        ToneName::Information => Signal::Information,
        ToneName::Confirmation => return confirmation(country, rate_hz),
        ToneName::Beep => return Generator::new(&[BEEP], [BEEP_DBM0, BEEP_DBM0], false, rate_hz),
    };
    Generator::tone(country.tone(signal), rate_hz)
}

/// The dial tone in short bursts, as GR-506 has it; where there is no such tone people know this one all the same.
fn confirmation(country: Country, rate_hz: u32) -> Generator {
    let dial = country.tone(Signal::Dial);
    let level = f32::from(dial.level_dbm0);
    let hz = dial.segments.first().map_or([0, 0], |segment| segment.hz);
    let burst = Segment { hz, ms: BURST_MS };
    Generator::new(
        &[Segment::silence(BURST_MS), burst],
        [level, level],
        true,
        rate_hz,
    )
}
