//! What is listened for in what a leg says: digits as tones, fax machines, whether somebody speaks, and who has answered.
//!
//! Owns: which detectors run. Does not own: telephone events, and what is done about what is heard.

use audio::detect::{self, Dtmf, DtmfHeard, Fax, FaxTone, Machine, Voice};
use model::{Answerer, MachineRules, Signal, Signals};

/// The detectors of one leg, those that are wanted.
#[derive(Debug, Default)]
pub(super) struct Listener {
    dtmf: Option<Box<Dtmf>>,
    fax: Option<Box<Fax>>,
    voice: Option<Box<Voice>>,
    machine: Option<(MachineRules, Box<Machine>)>,
    speaks: bool,
}

/// What the listener tells.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    Digit(DtmfHeard),
    Signal(Signal),
}

impl Listener {
    /// Listens for these in a sound of this rate. What was listened for already goes on.
    pub(super) fn set(&mut self, signals: Signals, rate_hz: u32) {
        let Signals {
            dtmf,
            fax,
            voice,
            machine,
        } = signals;
        keep(&mut self.dtmf, dtmf, || Dtmf::new(rate_hz));
        keep(&mut self.fax, fax, || Fax::new(rate_hz));
        keep(&mut self.voice, voice, || Voice::new(rate_hz));
        if self.machine.as_ref().map(|(rules, _)| *rules) != machine {
            self.machine = machine.map(|rules| (rules, Box::new(Machine::new(limits(&rules), rate_hz))));
        }
        self.speaks &= voice;
    }

    /// Does nothing run?
    pub(super) fn is_idle(&self) -> bool {
        self.dtmf.is_none() && self.fax.is_none() && self.voice.is_none() && self.machine.is_none()
    }

    /// Begins anew at another rate.
    pub(super) fn reset(&mut self) {
        *self = Listener {
            speaks: self.speaks,
            ..Listener::default()
        };
    }

    /// Is there, or may there be, a digit in the last frame?
    pub(super) fn hears_digit(&self) -> bool {
        let dtmf = self.dtmf.as_deref();
        dtmf.is_some_and(|dtmf| dtmf.down().is_some() || dtmf.suspects())
    }

    /// Takes the frame of a tick.
    pub(super) fn push(&mut self, frame: &[i16], mut tell: impl FnMut(Told)) {
        if let Some(dtmf) = &mut self.dtmf {
            dtmf.push(frame, |heard| tell(Told::Digit(heard)));
        }
        if let Some(fax) = &mut self.fax {
            fax.push(frame, |tone| {
                let signal = match tone {
                    FaxTone::Calling => Signal::Fax,
                    FaxTone::Answering => Signal::FaxAnswers,
                };
                tell(Told::Signal(signal));
            });
        }
        if let Some((_, machine)) = &mut self.machine
            && let Some(found) = machine.push(frame)
        {
            let answerer = match found {
                detect::Answerer::Human => Answerer::Human,
                detect::Answerer::Machine => Answerer::Machine,
                detect::Answerer::Unknown => Answerer::Unknown,
            };
            tell(Told::Signal(Signal::Answered(answerer)));
        }
        if let Some(voice) = &mut self.voice {
            let speaks = voice.push(frame);
            if std::mem::replace(&mut self.speaks, speaks) != speaks {
                tell(Told::Signal(if speaks { Signal::Speech } else { Signal::Quiet }));
            }
        }
    }
}

fn limits(rules: &MachineRules) -> detect::Rules {
    detect::Rules {
        initial_silence_ms: rules.initial_silence_ms,
        greeting_ms: rules.greeting_ms,
        after_greeting_silence_ms: rules.after_greeting_silence_ms,
        total_ms: rules.total_ms,
        min_word_ms: rules.min_word_ms,
        max_word_ms: rules.max_word_ms,
        between_words_ms: rules.between_words_ms,
        max_words: rules.max_words,
        threshold: rules.threshold,
    }
}

fn keep<T>(detector: &mut Option<Box<T>>, wanted: bool, new: impl FnOnce() -> T) {
    if !wanted {
        *detector = None;
    } else if detector.is_none() {
        *detector = Some(Box::new(new()));
    }
}
