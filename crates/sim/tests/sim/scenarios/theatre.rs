//! What the media plane is told in a scenario, in words, and what it says when a test speaks for it.

use super::Scene;
use super::scene::session;
use model::{
    FlowDraft, Item, Leg, MediaCommand, MediaReport, MediaSessionId, Over, Policy, Program, Recording,
    RecordingEnd, RecordingId, Seat, Seats, Signals, Sound,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// The policy with these numbers.
pub(super) fn numbers(flows: &[(&str, &str)]) -> Policy {
    let flow = |json: &str| serde_json::from_str::<FlowDraft>(json).expect("a flow");
    let flows: BTreeMap<_, _> = flows
        .iter()
        .map(|(number, json)| ((*number).to_owned(), flow(json)))
        .collect();
    Policy {
        flows,
        ..Policy::default()
    }
}

/// The menu of the demonstration.
pub(super) const MENU: &str = r#"{"name": "menu", "steps": {
    "start": {"do": "menu", "say": [{"prompt": "menu/demo"}],
        "keys": {"1": "echo", "2": "music", "3": "conference", "9": "ask", "*": "start"}},
    "echo": {"do": "echo"},
    "music": {"do": "play", "say": [{"music": "default"}], "times": 0},
    "conference": {"do": "conference", "room": 200},
    "ask": {"do": "gather", "say": [{"prompt": "menu/enter-extension"}], "min": 3, "max": 6, "otherwise": "dial"},
    "dial": {"do": "dial", "then": "start"}
}}"#;

/// A scene with these numbers, where each prompt lasts a second.
pub(super) fn stage(flows: &[(&str, &str)]) -> Scene {
    stage_with(numbers(flows))
}

pub(super) fn stage_with(policy: Policy) -> Scene {
    let mut scene = Scene::with(policy);
    scene.world.server.sound = Duration::from_secs(1);
    scene
}

fn item(item: &Item) -> String {
    match item {
        Item::Silence { ms } => format!("silence {ms}"),
        Item::Tone { tone, ms, .. } => format!("{} {ms}", tone.as_str()),
        Item::Sound(Sound::Prompt { name, .. }) => name.to_string(),
        Item::Sound(Sound::Recording(_)) => "the recording".to_owned(),
        Item::Sound(Sound::Own(own)) => format!("sound {}", own.id),
    }
}

fn seat(seat: Seat) -> &'static str {
    match (seat.speaks, seat.hears) {
        (true, true) => "talks",
        (true, false) => "speaks",
        (false, true) => "hears",
        (false, false) => "mute",
    }
}

fn seats(seats: &Seats) -> String {
    let (tenant, room) = (seats.room.tenant, seats.room.number);
    let room = match room >> 40 {
        0 => format!("room {room}"),
        _ => format!("the room of call {}", room & 0xffff_ffff),
    };
    let chimes = if seats.chimes { ", chimes" } else { "" };
    let (caller, callee) = (seat(seats.caller), seat(seats.callee));
    format!("{room} of {tenant}: {caller}, {callee}{chimes}")
}

fn listens(leg: Leg, signals: Signals) -> String {
    let machine = signals
        .machine
        .map(|rules| format!(" machine {}", rules.total_ms));
    let fax = if signals.fax { " fax" } else { "" };
    let keys = if signals.dtmf { " keys" } else { "" };
    let wanted = format!("{keys}{fax}{}", machine.unwrap_or_default());
    let wanted = if wanted.is_empty() { " nothing" } else { &wanted };
    format!("{leg:?} is listened to for{wanted}")
}

/// What a command says; `None` for ports and addresses.
fn words(command: &MediaCommand) -> Option<String> {
    Some(match command {
        MediaCommand::Play {
            leg, program, over, ..
        } => {
            let what = match program {
                None => "nothing".to_owned(),
                Some(Program::Echo) => "echo".to_owned(),
                Some(Program::Play(list)) => {
                    let items: Vec<_> = list.items.iter().map(item).collect();
                    let times = if list.times == 0 { " for ever" } else { "" };
                    format!("{}{times}", items.join(", "))
                }
                Some(Program::Announced {
                    list,
                    words,
                    every_ms,
                }) => {
                    let heard: Vec<_> = list.items.iter().map(item).collect();
                    let said: Vec<_> = words.items.iter().map(item).collect();
                    format!("{}, each {every_ms} ms {}", heard.join(", "), said.join(", "))
                }
            };
            let over = if *over == Over::Mixed { " over it" } else { "" };
            format!("{leg:?} hears {what}{over}")
        }
        MediaCommand::Mask { leg, on, .. } => {
            let more = if *on { "is" } else { "is not" };
            format!("{leg:?} {more} masked")
        }
        MediaCommand::Listen { leg, signals, .. } => listens(*leg, *signals),
        MediaCommand::Record { act, .. } => match act {
            Recording::Start {
                max_ms, silence_ms, ..
            } => format!("record {max_ms} {silence_ms}"),
            other => format!("recording: {other:?}"),
        },
        MediaCommand::Join { seats: None, .. } => "leaves the room".to_owned(),
        MediaCommand::Join {
            seats: Some(found), ..
        } => seats(found),
        _ => return None,
    })
}

impl Scene {
    /// What the media plane was told since the last look: milliseconds since the curtain rose, call, and what.
    pub(super) fn told(&mut self) -> String {
        let start = self.started();
        let told = std::mem::take(&mut self.world.server.told);
        let line = |(at, command): &(Duration, MediaCommand)| {
            let ms = at.saturating_sub(start).as_millis();
            words(command).map(|words| format!("{ms} call {}: {words}\n", command.session().0 & 0xffff_ffff))
        };
        told.iter().filter_map(line).collect()
    }

    /// Presses keys, one every 100 ms.
    pub(super) fn dials(&mut self, phone: usize, keys: &str) {
        for key in keys.chars() {
            self.act(phone, |p, now| p.dial(0, key, now));
            self.run(100);
        }
    }

    /// The recordings that the media plane was told to begin, with their sessions, last one last.
    pub(super) fn recordings(&self) -> Vec<(MediaSessionId, RecordingId)> {
        let begun = |(_, command): &(Duration, MediaCommand)| match command {
            MediaCommand::Record {
                session,
                recording,
                act: Recording::Start { .. },
            } => Some((*session, *recording)),
            _ => None,
        };
        self.world.server.told.iter().filter_map(begun).collect()
    }

    /// The media plane says that a recording has ended.
    pub(super) fn ended(&mut self, (session, recording): (MediaSessionId, RecordingId), ms: u64) {
        self.reports(MediaReport::Recorded {
            session,
            recording,
            ms,
            octets: ms * 4,
            end: RecordingEnd::Stopped,
        });
    }

    /// The media plane heard a key, as a telephone event.
    pub(super) fn keyed(&mut self, call: u64, leg: Leg, key: char) {
        self.reports(MediaReport::Digit {
            session: session(call),
            leg,
            key,
            ms: 100,
        });
    }

    pub(super) fn reports(&mut self, report: MediaReport) {
        let now = self.world.now();
        self.world.server.media(report, now);
        self.run(0);
    }
}
