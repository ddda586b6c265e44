//! What a flow does with a caller that the server has answered: digits, recordings, conferences.
//!
//! Owns: the state of the node that a caller is in, and what follows from each event there. Does not own: the graph
//! (`plan`), which node comes after which (`run`), and the doing.

use crate::action::{Action, Enter, Event, RoomAct, Service, Shut, Tried};
use crate::graph::{Gather, Node, NodeId, Record, Screen};
use crate::state::{Run, Stage};
use model::{Answerer, Item, Over, Playlist, Seat, Sound};

/// The media plane says that a recording has ended within this after it was told to, milliseconds.
const STOP_MS: u32 = 2_000;
/// A key after `*` in a conference, from the end of what is said, milliseconds.
const ROOM_KEY_MS: u32 = 5_000;

/// What comes of an event.
pub(crate) enum Turn {
    /// This, in the same node.
    Do(Action),
    /// Another node.
    Go(NodeId),
    /// The end, and why.
    Leave(&'static str),
}

use Turn::{Do, Go, Leave};

/// What a node without a program of its own does first. `None` for nodes that are not about what is heard.
pub(crate) fn enter(run: &mut Run, node: &Node) -> Option<Turn> {
    let action = match node {
        Node::Play { list, .. } => play(list.items.clone(), list.times, Over::Instead),
        Node::Gather(gather) => {
            run.stage = Stage::Digits {
                typed: String::new(),
                tries: 0,
                playing: false,
            };
            ask(run, gather, &[])
        }
        Node::Record(record) => {
            run.stage = Stage::BeforeRecording;
            play(record.prompt.clone(), 1, Over::Instead)
        }
        Node::PlayRecording { then } => match run.recording {
            Some(id) => play(vec![Item::Sound(Sound::Recording(id))], 1, Over::Instead),
            None => return Some(Go(*then)),
        },
        Node::Discard { then } => match run.recording.take() {
            Some(id) => {
                run.at = *then;
                Do(Action::Discard(id))
            }
            None => return Some(Go(*then)),
        },
        Node::Conference {
            room,
            moderator,
            chimes,
        } => {
            run.stage = Stage::Door;
            run.note(&format!("conference {room}"));
            Do(Action::Enter(Enter {
                room: *room,
                moderator: *moderator,
                chimes: *chimes,
            }))
        }
        _ => return None,
    };
    Some(action)
}

/// Something happened to a caller who is served.
pub(crate) fn hear(run: &mut Run, event: Event) -> Turn {
    let Some(node) = run.node().cloned() else {
        return Leave("failed");
    };
    match (node, event) {
        (_, Event::Played | Event::Elapsed) if run.stage == Stage::Farewell => Do(Action::HangUp),
        (Node::Gather(gather), event) => gathering(run, &gather, event),
        (Node::Record(record), event) => recording(run, &record, event),
        (Node::Conference { moderator, .. }, event) => conferring(run, moderator, event),
        (Node::Play { then, .. } | Node::PlayRecording { then }, Event::Played | Event::Elapsed) => Go(then),
        (Node::Tone { then, .. }, Event::Played | Event::Elapsed) => match then {
            Some(then) => Go(then),
            None => Do(Action::HangUp),
        },
        (Node::Page { .. } | Node::Listen { .. }, Event::Shut(why)) => shut(run, why),
        (Node::Listen { .. }, Event::RoomOver) => Leave("over"),
        (Node::Listen { .. }, Event::Digit(key)) => supervise(run, key),
        (
            Node::Dial {
                screen: Some(screen), ..
            },
            Event::Screened(answerer),
        ) => screened(run, screen, answerer),
        (Node::Dial { otherwise, .. }, Event::Unanswered(refusal)) => {
            run.note(refusal.as_str());
            Go(otherwise)
        }
        _ => Do(Action::Wait),
    }
}

/// He is told why he does not come in, and hung up.
fn shut(run: &mut Run, why: Shut) -> Turn {
    run.stage = Stage::Farewell;
    let (word, name) = match why {
        Shut::Full => ("full", "conference/full"),
        Shut::Locked => ("locked", "conference/locked"),
        Shut::Nobody => ("nobody there", "paging/nobody"),
        Shut::Forbidden => ("not allowed", "error/not-allowed"),
    };
    run.note(word);
    play(prompt(run, name), 1, Over::Instead)
}

/// A person, a machine, or who knows what has answered the call that was made for the caller.
fn screened(run: &mut Run, screen: Screen, answerer: Answerer) -> Turn {
    run.note(answerer.as_str());
    match answerer {
        Answerer::Machine => Go(screen.machine),
        Answerer::Unknown => screen.unknown.map_or(Do(Action::Connect), Go),
        Answerer::Human => Do(Action::Connect),
    }
}

pub(crate) fn play(items: Vec<Item>, times: u32, over: Over) -> Turn {
    Do(Action::Serve(Service::Play {
        list: Playlist { items, times },
        over,
    }))
}

fn prompt(run: &Run, name: &str) -> Vec<Item> {
    vec![Item::prompt(run.language(), name)]
}

/// The prompt of a gather, after what went wrong before.
fn ask(run: &mut Run, gather: &Gather, before: &[Item]) -> Turn {
    let items = [before, &gather.prompt].concat();
    let silent = items.is_empty();
    if let Stage::Digits { typed, playing, .. } = &mut run.stage {
        typed.clear();
        *playing = !silent;
    }
    match silent {
        true => Do(Action::Await {
            hush: true,
            within_ms: gather.first_ms,
        }),
        false => play(items, 1, Over::Instead),
    }
}

fn gathering(run: &mut Run, gather: &Gather, event: Event) -> Turn {
    let Stage::Digits { typed, playing, .. } = &mut run.stage else {
        return Do(Action::Wait);
    };
    match event {
        Event::Played if *playing => {
            *playing = false;
            Do(Action::Await {
                hush: false,
                within_ms: gather.first_ms,
            })
        }
        Event::Digit(_) if *playing && !gather.barge_in => Do(Action::Wait),
        Event::Digit(key) => {
            *playing = false;
            let known = gather.on.iter().any(|(digits, _)| digits.starts_with(key));
            if gather.terminator == Some(key) && !(typed.is_empty() && known) {
                return conclude(run, gather);
            }
            typed.push(key);
            match is_complete(gather, typed) {
                true => conclude(run, gather),
                false => Do(Action::Await {
                    hush: true,
                    within_ms: gather.between_ms,
                }),
            }
        }
        // A guard against a program whose end nobody reports.
        Event::Elapsed if *playing => {
            *playing = false;
            Do(Action::Await {
                hush: true,
                within_ms: gather.first_ms,
            })
        }
        Event::Elapsed => conclude(run, gather),
        Event::Tried(tried) => after_pin(run, gather, tried),
        _ => Do(Action::Wait),
    }
}

/// True when nothing more could be typed that means something else.
fn is_complete(gather: &Gather, typed: &str) -> bool {
    if typed.len() >= usize::from(gather.max) {
        return true;
    }
    let longer = |digits: &str| digits.len() > typed.len() && digits.starts_with(typed);
    let meant = gather.on.iter().any(|(digits, _)| **digits == *typed);
    let more = gather.otherwise.is_some() || gather.on.iter().any(|(digits, _)| longer(digits));
    // Digits that lead nowhere are heard out: whoever guesses a PIN would learn where it is wrong.
    meant && !more
}

/// No more digits come.
fn conclude(run: &mut Run, gather: &Gather) -> Turn {
    let Stage::Digits { typed, .. } = &mut run.stage else {
        return Do(Action::Wait);
    };
    let typed = std::mem::take(typed);
    let to = target(gather, &typed);
    // `#` alone, with which members come in where only moderators have a PIN, is no guess.
    let guesses = typed.starts_with(|key: char| key.is_ascii_digit());
    if let Some(room) = gather.door.filter(|_| guesses) {
        run.digits = typed;
        let right = to.is_some();
        return Do(Action::Try { room, right });
    }
    if let Some(then) = to {
        return Go(then);
    }
    let fits = (usize::from(gather.min)..=usize::from(gather.max)).contains(&typed.len());
    if let Some(then) = gather.otherwise.filter(|_| fits) {
        run.digits = if gather.secure { String::new() } else { typed };
        return Go(then);
    }
    again(run, gather, typed.is_empty())
}

/// Where these very digits lead.
fn target(gather: &Gather, typed: &str) -> Option<NodeId> {
    let mut known = gather.on.iter();
    known.find(|(digits, _)| **digits == *typed).map(|(_, to)| *to)
}

/// There was nothing of use: the caller is asked again, or has been asked often enough.
fn again(run: &mut Run, gather: &Gather, is_silent: bool) -> Turn {
    let Stage::Digits { tries, .. } = &mut run.stage else {
        return Do(Action::Wait);
    };
    *tries = tries.saturating_add(1);
    let last = *tries >= gather.tries;
    let (why, before) = match is_silent {
        true => ("no digits", &gather.silent),
        false => ("wrong digits", &gather.invalid),
    };
    run.note(&format!("{} {why}", gather.label));
    match last {
        true => Go(gather.then),
        false => ask(run, gather, before),
    }
}

/// What the call says of a PIN.
fn after_pin(run: &mut Run, gather: &Gather, tried: Tried) -> Turn {
    let typed = std::mem::take(&mut run.digits);
    match (tried, target(gather, &typed)) {
        (Tried::Right, Some(then)) => Go(then),
        (Tried::Right | Tried::Wrong, _) => again(run, gather, false),
        (Tried::Barred, _) => {
            run.stage = Stage::Farewell;
            run.note("too many wrong PINs");
            play(prompt(run, "pin/locked"), 1, Over::Instead)
        }
    }
}

fn recording(run: &mut Run, record: &Record, event: Event) -> Turn {
    let stop = Stage::Recording { stopping: true };
    match (&run.stage, event) {
        (Stage::BeforeRecording, Event::Played | Event::Elapsed | Event::Digit(_)) => {
            run.stage = Stage::Recording { stopping: false };
            run.note("record");
            Do(Action::Record {
                max_ms: record.max_ms,
                silence_ms: record.silence_ms,
                within_ms: record.max_ms.saturating_add(STOP_MS),
            })
        }
        (Stage::Recording { .. }, Event::Began(id)) => {
            run.recording = Some(id);
            Do(Action::Wait)
        }
        (Stage::Recording { stopping: false }, Event::Digit('#') | Event::Elapsed) => {
            run.stage = stop;
            Do(Action::StopRecording { within_ms: STOP_MS })
        }
        (Stage::Recording { .. }, Event::Recorded { ms: 0, .. }) => {
            run.recording = None;
            Go(record.nothing)
        }
        // The report may have been lost: what there is is there.
        (Stage::Recording { .. }, Event::Recorded { .. })
        | (Stage::Recording { stopping: true }, Event::Elapsed) => Go(record.then),
        _ => Do(Action::Wait),
    }
}

fn conferring(run: &mut Run, moderator: bool, event: Event) -> Turn {
    match (&run.stage, event) {
        (Stage::Door, Event::Entered { others }) => {
            let seat = Seat {
                speaks: true,
                hears: true,
            };
            let alone = others == 0;
            run.stage = Stage::Inside {
                seat,
                menu: false,
                playing: alone,
            };
            match alone {
                true => play(prompt(run, "conference/alone"), 1, Over::Mixed),
                false => Do(Action::Await {
                    hush: true,
                    within_ms: 0,
                }),
            }
        }
        (Stage::Door, Event::Shut(why)) => shut(run, why),
        (Stage::Inside { .. }, event) => inside(run, moderator, event),
        _ => Do(Action::Wait),
    }
}

fn inside(run: &mut Run, moderator: bool, event: Event) -> Turn {
    let Stage::Inside { seat, menu, playing } = &mut run.stage else {
        return Do(Action::Wait);
    };
    let name = match event {
        Event::Digit('*') => {
            (*menu, *playing) = (true, true);
            let mut items = prompt(run, "conference/menu");
            if moderator {
                items.extend(prompt(run, "conference/moderator-menu"));
            }
            return play(items, 1, Over::Mixed);
        }
        Event::Digit(key) if *menu => return room_key(run, moderator, key),
        Event::Played if *menu && *playing => {
            *playing = false;
            return Do(Action::Await {
                hush: false,
                within_ms: ROOM_KEY_MS,
            });
        }
        Event::Played | Event::Elapsed => {
            (*menu, *playing) = (false, false);
            return Do(Action::Await {
                hush: true,
                within_ms: 0,
            });
        }
        Event::Muted(muted) => {
            seat.speaks = !muted;
            let seat = *seat;
            let name = if muted {
                "conference/muted"
            } else {
                "conference/unmuted"
            };
            return sit(run, seat, name);
        }
        Event::Removed => {
            run.stage = Stage::Farewell;
            run.note("removed");
            return Do(Action::Leave(Playlist {
                items: prompt(run, "conference/removed"),
                times: 1,
            }));
        }
        Event::Locked(true) => "conference/now-locked",
        Event::Locked(false) => "conference/now-unlocked",
        Event::Counted(others) => {
            let items = crate::say::others(run.language(), others);
            return say(run, items);
        }
        Event::RoomOver => {
            run.stage = Stage::Farewell;
            return Do(Action::Leave(Playlist {
                items: prompt(run, "conference/ended"),
                times: 1,
            }));
        }
        _ => return Do(Action::Wait),
    };
    let items = prompt(run, name);
    say(run, items)
}

fn say(run: &mut Run, items: Vec<Item>) -> Turn {
    if let Stage::Inside { playing, .. } = &mut run.stage {
        *playing = true;
    }
    play(items, 1, Over::Mixed)
}

fn sit(run: &mut Run, seat: Seat, name: &str) -> Turn {
    let items = prompt(run, name);
    if let Stage::Inside { playing, .. } = &mut run.stage {
        *playing = true;
    }
    Do(Action::Room(
        RoomAct::Sit(seat),
        Some(Playlist { items, times: 1 }),
    ))
}

/// A key after `*` in a conference.
fn room_key(run: &mut Run, moderator: bool, key: char) -> Turn {
    let Stage::Inside { seat, menu, .. } = &mut run.stage else {
        return Do(Action::Wait);
    };
    *menu = false;
    let before = *seat;
    match key {
        '1' => {
            seat.speaks = !before.speaks;
            let (seat, on) = (*seat, before.speaks);
            let name = if on {
                "conference/muted"
            } else {
                "conference/unmuted"
            };
            sit(run, seat, name)
        }
        '7' => {
            seat.hears = !before.hears;
            let seat = *seat;
            let name = if before.hears { "general/off" } else { "general/on" };
            sit(run, seat, name)
        }
        '2' => Leave("left"),
        '3' => Do(Action::Room(RoomAct::Count, None)),
        '4' if moderator => Do(Action::Room(RoomAct::Lock, None)),
        '5' if moderator => {
            let items = prompt(run, "conference/all-muted");
            if let Stage::Inside { playing, .. } = &mut run.stage {
                *playing = true;
            }
            Do(Action::Room(
                RoomAct::MuteOthers,
                Some(Playlist { items, times: 1 }),
            ))
        }
        '9' if moderator => Do(Action::Room(RoomAct::End, None)),
        _ => {
            let items = prompt(run, "menu/invalid");
            say(run, items)
        }
    }
}

/// 1 listens, 2 is heard by the colleague alone, 3 is heard by both.
fn supervise(run: &mut Run, key: char) -> Turn {
    let (act, name) = match key {
        '1' => (RoomAct::Listen, "call/listening"),
        '2' => (RoomAct::Whisper, "call/whispering"),
        '3' => (RoomAct::Barge, "call/barged-in"),
        _ => return Do(Action::Wait),
    };
    run.note(name.trim_start_matches("call/"));
    let items = prompt(run, name);
    Do(Action::Room(act, Some(Playlist { items, times: 1 })))
}

#[cfg(test)]
#[path = "served_tests.rs"]
mod tests;
