//! Who has answered: somebody who says a word or two and waits, or a machine that goes on speaking.
//!
//! The rules are those of Asterisk's `AMD`, with its names and defaults: a person says "hello" and is silent, a machine says
//! nothing for long, or one long greeting, or many words. It looks at lengths of sound and silence alone, so it is a guess.

/// What counts as what. Lengths are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Silence at the beginning; longer is a machine.
    pub initial_silence_ms: u32,
    /// Sound of the whole greeting; longer is a machine.
    pub greeting_ms: u32,
    /// Silence behind the greeting; longer is a person who waits.
    pub after_greeting_silence_ms: u32,
    /// Time in which it has to be decided.
    pub total_ms: u32,
    /// The shortest sound that is a word.
    pub min_word_ms: u32,
    /// One sound without a pause; longer is a machine.
    pub max_word_ms: u32,
    /// The shortest silence that parts two words.
    pub between_words_ms: u32,
    /// Words; more are a machine.
    pub max_words: u32,
    /// Mean of the samples' absolute values in a frame that is sound.
    pub threshold: u16,
}

impl Default for Rules {
    fn default() -> Rules {
        Rules {
            initial_silence_ms: 2_500,
            greeting_ms: 1_500,
            after_greeting_silence_ms: 800,
            total_ms: 5_000,
            min_word_ms: 100,
            max_word_ms: 5_000,
            between_words_ms: 50,
            max_words: 2,
            threshold: 256,
        }
    }
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answerer {
    /// Somebody waits for an answer.
    Human,
    /// A machine speaks.
    Machine,
    /// Time is over, and it was neither.
    Unknown,
}

/// Listens to one stream from the answer on. Tells once.
#[derive(Clone, Debug)]
pub struct Machine {
    rules: Rules,
    rate_hz: u32,
    /// Samples so far; of all sound; of the silence and of the sound that lasts now.
    total: u64,
    sound: u64,
    silence: u64,
    run: u64,
    words: u32,
    /// A silence that parts words came since the last word.
    parted: bool,
    is_told: bool,
}

impl Machine {
    /// For a stream of so many samples per second.
    #[must_use]
    pub fn new(rules: Rules, rate_hz: u32) -> Machine {
        Machine {
            rules,
            rate_hz: rate_hz.clamp(8_000, 48_000),
            total: 0,
            sound: 0,
            silence: 0,
            run: 0,
            words: 0,
            parted: true,
            is_told: false,
        }
    }

    /// Takes a frame of 10 to 20 ms in, and tells what has answered, once that is clear.
    pub fn push(&mut self, frame: &[i16]) -> Option<Answerer> {
        if self.is_told || frame.is_empty() {
            return None;
        }
        let samples = u64::try_from(frame.len()).unwrap_or(0);
        self.total = self.total.saturating_add(samples);
        let found = match is_sound(frame, self.rules.threshold) {
            true => self.hears(samples),
            false => self.misses(samples),
        };
        let late = (self.ms(self.total) >= self.rules.total_ms).then_some(Answerer::Unknown);
        let found = found.or(late);
        self.is_told = found.is_some();
        found
    }

    fn hears(&mut self, samples: u64) -> Option<Answerer> {
        let rules = self.rules;
        self.run = self.run.saturating_add(samples);
        self.sound = self.sound.saturating_add(samples);
        self.silence = 0;
        let run = self.ms(self.run);
        if run >= rules.min_word_ms && self.parted {
            self.parted = false;
            self.words = self.words.saturating_add(1);
        }
        let speaks = self.words > rules.max_words
            || run >= rules.max_word_ms
            || (self.words > 0 && self.ms(self.sound) >= rules.greeting_ms);
        speaks.then_some(Answerer::Machine)
    }

    fn misses(&mut self, samples: u64) -> Option<Answerer> {
        let rules = self.rules;
        self.silence = self.silence.saturating_add(samples);
        let silence = self.ms(self.silence);
        if silence >= rules.between_words_ms {
            // What was too short for a word is none of the greeting either: a click.
            if std::mem::replace(&mut self.parted, true) {
                self.sound = self.sound.saturating_sub(self.run);
            }
            self.run = 0;
        }
        match self.words {
            0 => (silence >= rules.initial_silence_ms).then_some(Answerer::Machine),
            _ => (silence >= rules.after_greeting_silence_ms).then_some(Answerer::Human),
        }
    }

    fn ms(&self, samples: u64) -> u32 {
        let ms = samples.saturating_mul(1_000) / u64::from(self.rate_hz);
        u32::try_from(ms).unwrap_or(u32::MAX)
    }
}

fn is_sound(frame: &[i16], threshold: u16) -> bool {
    let sum: u64 = frame.iter().map(|sample| u64::from(sample.unsigned_abs())).sum();
    let samples = u64::try_from(frame.len()).unwrap_or(1).max(1);
    sum / samples > u64::from(threshold)
}
