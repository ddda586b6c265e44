//! A dry run: what a caller would hear who presses these keys.
//!
//! Owns: the caller's part, and the words. Does not own: the flow; the same function runs it as in a call.

use crate::action::{Action, Event, RoomAct, Service, Tried};
use crate::graph::{Flow, Refusal};
use crate::run::step;
use crate::state::Run;
use model::{Item, Playlist, RecordingId, Sound, TenantId};

/// Steps of a dry run.
const MOST: usize = 200;

/// What happens in order. `keys` are pressed one after the other, each when the flow waits for one; a `.` stands for
/// nothing that is pressed in time. Nobody answers a call that the flow makes.
#[must_use]
pub fn explain(flow: Flow, keys: &str) -> Vec<String> {
    let mut run = Run::new(flow);
    let mut keys = keys.chars();
    let mut told = Vec::new();
    let mut event = Event::Start;
    let mut waits = false;
    while told.len() < MOST {
        let action = step(&mut run, event);
        let (line, next) = tell(&action);
        told.extend(line);
        waits = matches!(action, Action::Await { .. }) || (waits && action == Action::Wait);
        event = match next {
            Next::Over => return told,
            Next::Event(event) => event,
            Next::Caller { endless } => match keys.next() {
                Some('.') if waits || endless => {
                    told.push("nothing is pressed".to_owned());
                    Event::Elapsed
                }
                Some('.') => Event::Played,
                Some(key) => {
                    told.push(format!("{key} is pressed"));
                    Event::Digit(key)
                }
                None if endless => return told,
                None if waits => {
                    told.push("nothing is pressed".to_owned());
                    Event::Elapsed
                }
                None => Event::Played,
            },
        };
    }
    told.push("and so on".to_owned());
    told
}

enum Next {
    Over,
    Event(Event),
    /// The caller's turn, or the end of what he hears.
    Caller {
        endless: bool,
    },
}

fn tell(action: &Action) -> (Option<String>, Next) {
    let caller = Next::Caller { endless: false };
    let over = |line: String| (Some(line), Next::Over);
    match action {
        Action::Ring { timeout_s, .. } => over(format!("phones ring for {timeout_s} s")),
        Action::Forward(by) => over(format!("{} sends the call on to {}", by.by, by.to)),
        Action::Outside(outside) => over(format!("calls {} ({}) by a trunk", outside.number, outside.class)),
        Action::Refuse(refusal) => over(format!("refused: {}", refusal.as_str())),
        Action::HangUp => over("hung up".to_owned()),
        Action::Set(_) => (Some("a setting changes".to_owned()), Next::Event(Event::Changed)),
        Action::Serve(service) => serve(service),
        Action::Talk | Action::Wait => (None, caller),
        Action::Await { within_ms: 0, .. } => (None, Next::Caller { endless: true }),
        Action::Await { within_ms, .. } => (Some(format!("waits for {within_ms} ms")), caller),
        Action::Record { .. } => (Some("records".to_owned()), Next::Event(Event::Began(RECORDING))),
        Action::StopRecording { .. } => (None, Next::Event(Event::Recorded { ms: 1 })),
        Action::Discard(_) => (
            Some("throws the recording away".to_owned()),
            Next::Event(Event::Start),
        ),
        Action::Try { right: true, .. } => {
            let line = "the PIN is right".to_owned();
            (Some(line), Next::Event(Event::Tried(Tried::Right)))
        }
        Action::Try { right: false, .. } => {
            let line = "no such PIN".to_owned();
            (Some(line), Next::Event(Event::Tried(Tried::Wrong)))
        }
        Action::Enter(enter) => {
            let line = format!("enters conference {}", enter.room);
            (Some(line), Next::Event(Event::Entered { others: 0 }))
        }
        Action::Room(act, heard) => {
            let heard = heard.as_ref().map(list).unwrap_or_default();
            let next = match act {
                RoomAct::Count => Next::Event(Event::Counted(0)),
                RoomAct::Lock => Next::Event(Event::Locked(true)),
                RoomAct::End => Next::Event(Event::RoomOver),
                _ => caller,
            };
            (Some(format!("{act:?} {heard}")), next)
        }
        Action::Leave(heard) => (Some(format!("leaves, and hears {}", list(heard))), caller),
        Action::Page(users) => over(format!("speaks to the phones of {} users", users.len())),
        Action::Listen(_) => over("listens to a call".to_owned()),
        Action::Connect => over("is connected".to_owned()),
        Action::Dial { number, .. } => {
            let line = format!("dials {number}; nobody answers");
            (Some(line), Next::Event(Event::Unanswered(Refusal::NoAnswer)))
        }
    }
}

const RECORDING: RecordingId = RecordingId {
    tenant: TenantId(0),
    number: 0,
};

fn serve(service: &Service) -> (Option<String>, Next) {
    let caller = |endless| Next::Caller { endless };
    match service {
        Service::Echo => (Some("hears himself".to_owned()), caller(true)),
        Service::Tone { tone, ms } => (
            Some(format!("hears the {} tone", tone.as_str())),
            caller(*ms == 0),
        ),
        Service::Play { list: heard, .. } => {
            let endless = heard.times == 0;
            let times = if endless { " for ever" } else { "" };
            (Some(format!("hears {}{times}", list(heard))), caller(endless))
        }
    }
}

fn list(list: &Playlist) -> String {
    let item = |item: &Item| match item {
        Item::Sound(Sound::Prompt { name, .. }) => name.to_string(),
        Item::Sound(Sound::Recording(_)) => "the recording".to_owned(),
        Item::Sound(Sound::Own(own)) => format!("sound {}", own.id),
        Item::Tone { tone, .. } => format!("a {}", tone.as_str()),
        Item::Silence { ms } => format!("nothing for {ms} ms"),
    };
    list.items.iter().map(item).collect::<Vec<_>>().join(", ")
}
