//! From an administrator's draft to a flow that can run.
//!
//! Owns: what a draft must be like, and the nodes that its steps become. Does not own: the form on paper
//! (`model::FlowDraft`), and running.

use crate::check::{self, Fault};
use crate::graph::{Flow, Gather, Node, NodeId, Record, Screen};
use crate::say;
use model::{FlowDraft, Item, Library, Patience, Playlist, StepDraft, TenantConfig, ToneName, Words};
use std::collections::BTreeMap;

/// A PIN is asked for so often.
const PIN_TRIES: u8 = 3;
/// What is heard where nobody answered, milliseconds.
const BUSY_MS: u32 = 5_000;
/// Speak now, milliseconds.
const BEEP_MS: u32 = 400;

/// Makes a flow of a draft.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn compile(config: &TenantConfig, draft: &FlowDraft) -> Result<Flow, Fault> {
    check::draft(config, draft)?;
    let mut made = Made {
        config,
        places: draft.steps.keys().map(String::as_str).zip(1..).collect(),
        nodes: vec![Node::HangUp; draft.steps.len().saturating_add(2)],
    };
    // Node 0 leads to the beginning, then come the steps in their order, then the end of the call, then what is made
    // besides.
    let start = made.place(Some(&FlowDraft::START.to_owned()));
    made.put(
        NodeId(0),
        Node::Note {
            label: name(draft).into(),
            then: start,
        },
    );
    for (label, step) in &draft.steps {
        let at = made.place(Some(label));
        made.step(at, label, step);
    }
    Ok(Flow::new(made.nodes).speaking(&config.policy().language))
}

fn name(draft: &FlowDraft) -> &str {
    match draft.name.as_str() {
        "" => "flow",
        name => name,
    }
}

struct Made<'a> {
    config: &'a TenantConfig,
    places: BTreeMap<&'a str, usize>,
    nodes: Vec<Node>,
}

impl Made<'_> {
    /// The node of a step; where none is named, that of the end.
    fn place(&self, step: Option<&String>) -> NodeId {
        let place = step.and_then(|step| self.places.get(step.as_str()));
        NodeId(place.copied().unwrap_or(self.places.len().saturating_add(1)))
    }

    fn put(&mut self, at: NodeId, node: Node) {
        if let Some(place) = self.nodes.get_mut(at.0) {
            *place = node;
        }
    }

    /// A node besides those of the steps.
    fn more(&mut self, node: Node) -> NodeId {
        self.nodes.push(node);
        NodeId(self.nodes.len().saturating_sub(1))
    }

    fn step(&mut self, at: NodeId, label: &str, step: &StepDraft) {
        let node = match step {
            StepDraft::Play { say, times, then } => Node::Play {
                list: Playlist {
                    items: self.words(say),
                    times: *times,
                },
                then: self.place(then.as_ref()),
            },
            StepDraft::Gather { .. } | StepDraft::Menu { .. } => self.digits(label, step),
            StepDraft::Dial { .. } => self.dial(step),
            StepDraft::Record { .. } => self.record(at, step),
            StepDraft::Conference { .. } => self.conference(label, step),
            StepDraft::Page { extensions } => {
                let user = |extension: &String| self.config.extension(extension);
                Node::Page {
                    users: extensions.iter().filter_map(user).map(|user| user.id).collect(),
                }
            }
            StepDraft::Echo {} => Node::Echo,
            StepDraft::Tone { tone, s, then } => Node::Tone {
                tone: *tone,
                ms: s.saturating_mul(1_000),
                then: then.as_ref().map(|then| self.place(Some(then))),
            },
            StepDraft::Note { text, then } => Node::Note {
                label: text.as_str().into(),
                then: self.place(then.as_ref()),
            },
            StepDraft::HangUp {} => Node::HangUp,
        };
        self.put(at, node);
    }

    /// A call for the caller, behind an ear for machines where that is wanted.
    fn dial(&mut self, step: &StepDraft) -> Node {
        let StepDraft::Dial {
            number,
            detect_machine,
            machine,
            unknown,
            then,
        } = step
        else {
            return Node::HangUp;
        };
        let otherwise = match then {
            Some(_) => self.place(then.as_ref()),
            None => self.more(Node::Tone {
                tone: ToneName::Busy,
                ms: BUSY_MS,
                then: None,
            }),
        };
        Node::Dial {
            number: number.as_deref().map(Into::into),
            screen: detect_machine.map(|rules| Screen {
                rules,
                machine: machine.as_ref().map_or(otherwise, |step| self.place(Some(step))),
                unknown: unknown.as_ref().map(|step| self.place(Some(step))),
            }),
            otherwise,
        }
    }

    fn digits(&mut self, label: &str, step: &StepDraft) -> Node {
        let node = match step {
            StepDraft::Gather {
                say,
                min,
                max,
                terminator,
                barge_in,
                patience,
                secure,
                on,
                otherwise,
                then,
            } => {
                let mut gather = self.gather(label, say, patience, on, then.as_ref());
                (gather.min, gather.max, gather.terminator) = (*min, *max, *terminator);
                (gather.barge_in, gather.secure) = (*barge_in, *secure);
                gather.otherwise = otherwise.as_ref().map(|to| self.place(Some(to)));
                gather
            }
            StepDraft::Menu {
                say,
                keys,
                dial,
                patience,
                then,
            } => {
                let mut gather = self.gather(label, say, patience, keys, then.as_ref());
                if *dial {
                    let otherwise = self.more(Node::Dial {
                        number: None,
                        screen: None,
                        otherwise: self.place(Some(&label.to_owned())),
                    });
                    (gather.max, gather.terminator) = (check::LONGEST_NUMBER, Some('#'));
                    gather.min = 2;
                    gather.otherwise = Some(otherwise);
                }
                gather
            }
            _ => return Node::HangUp,
        };
        Node::Gather(Box::new(node))
    }

    /// One that takes one digit.
    fn gather(
        &self,
        label: &str,
        say: &[Words],
        patience: &Patience,
        on: &BTreeMap<String, String>,
        then: Option<&String>,
    ) -> Gather {
        let ms = |seconds: u16| u32::from(seconds).saturating_mul(1_000);
        let words = |words: &[Words], name: &str| match words {
            [] => vec![self.prompt(name)],
            words => self.words(words),
        };
        Gather {
            label: label.into(),
            prompt: self.words(say),
            invalid: words(&patience.invalid, "menu/invalid"),
            silent: words(&patience.silent, "menu/no-input"),
            min: 1,
            max: 1,
            terminator: None,
            door: None,
            barge_in: true,
            secure: false,
            first_ms: ms(patience.first_s),
            between_ms: ms(patience.between_s),
            tries: patience.tries,
            on: on
                .iter()
                .map(|(digits, to)| (digits.as_str().into(), self.place(Some(to))))
                .collect(),
            otherwise: None,
            then: self.place(then),
        }
    }

    /// Recording, and then 1 keeps it, 2 plays it, 3 records again.
    fn record(&mut self, at: NodeId, step: &StepDraft) -> Node {
        let StepDraft::Record {
            say,
            max_s,
            silence_s,
            review,
            then,
        } = step
        else {
            return Node::HangUp;
        };
        let kept = self.place(then.as_ref());
        let nothing = self.spoken("record/nothing", kept);
        let then = match review {
            false => kept,
            true => self.review(at, kept),
        };
        let mut prompt = self.words(say);
        prompt.push(self.tone(ToneName::Beep, BEEP_MS));
        Node::Record(Box::new(Record {
            prompt,
            max_ms: max_s.saturating_mul(1_000),
            silence_ms: silence_s.saturating_mul(1_000),
            then,
            nothing,
        }))
    }

    fn review(&mut self, record: NodeId, kept: NodeId) -> NodeId {
        let saved = self.spoken("record/saved", kept);
        let again = self.more(Node::Discard { then: record });
        let review = self.more(Node::HangUp);
        let hear = self.more(Node::PlayRecording { then: review });
        let none = BTreeMap::new();
        let mut gather = self.gather("review", &[], &Patience::default(), &none, None);
        gather.prompt = vec![self.prompt("record/menu")];
        gather.on = vec![("1".into(), saved), ("2".into(), hear), ("3".into(), again)];
        // Who has nothing to say about it keeps it.
        gather.then = kept;
        self.put(review, Node::Gather(Box::new(gather)));
        review
    }

    /// A conference, behind its PINs where it has any.
    fn conference(&mut self, label: &str, step: &StepDraft) -> Node {
        let StepDraft::Conference {
            room,
            pin,
            moderator_pin,
            chimes,
        } = step
        else {
            return Node::HangUp;
        };
        let member = |moderator: bool| Node::Conference {
            room: *room,
            moderator,
            chimes: *chimes,
        };
        if pin.is_none() && moderator_pin.is_none() {
            return member(true);
        }
        let mut on = Vec::new();
        if let Some(pin) = pin {
            on.push((pin.as_str().into(), self.more(member(moderator_pin.is_none()))));
        }
        if let Some(pin) = moderator_pin {
            on.push((pin.as_str().into(), self.more(member(true))));
        }
        let patience = Patience {
            tries: PIN_TRIES,
            ..Patience::default()
        };
        let none = BTreeMap::new();
        let mut gather = self.gather(label, &[], &patience, &none, None);
        gather.prompt = vec![self.prompt("conference/enter-pin")];
        gather.invalid = vec![self.prompt("pin/wrong")];
        gather.door = Some(*room);
        (gather.max, gather.secure) = (check::LONGEST_PIN, true);
        gather.terminator = Some('#');
        if pin.is_none() {
            // Who knows no PIN is let in by `#` alone.
            on.push(("#".into(), self.more(member(false))));
        }
        gather.on = on;
        Node::Gather(Box::new(gather))
    }

    fn spoken(&mut self, name: &str, then: NodeId) -> NodeId {
        let list = Playlist {
            items: vec![self.prompt(name)],
            times: 1,
        };
        self.more(Node::Play { list, then })
    }

    fn prompt(&self, name: &str) -> Item {
        Item::prompt(&self.config.policy().language, name)
    }

    fn tone(&self, tone: ToneName, ms: u32) -> Item {
        Item::Tone {
            tone,
            country: self.config.policy().country.as_str().into(),
            ms,
        }
    }

    fn words(&self, words: &[Words]) -> Vec<Item> {
        let language = &self.config.policy().language;
        let mut items = Vec::new();
        for word in words {
            match word {
                Words::Prompt(name) => items.push(self.prompt(name)),
                Words::Music(name) => items.push(Library::music_named(name)),
                Words::Digits(text) => items.extend(say::digits(language, text)),
                Words::Number(number) => items.extend(say::number(language, *number)),
                Words::Date(date) => items.extend(say::date(language, date)),
                Words::Tone { tone, ms } => items.push(self.tone(*tone, *ms)),
                Words::Silence(ms) => items.push(Item::Silence { ms: *ms }),
            }
        }
        items
    }
}
