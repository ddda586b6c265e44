//! Running a flow: `step(run, event) -> action`.

use crate::action::{Action, Event, Service};
use crate::graph::{Node, NodeId, Refusal, Screen, Why};
use crate::served::{self, Turn};
use crate::state::{Run, Stage};

/// Nodes that one call may enter: a caller can go round in menus for as long as he likes, but not without end.
const MOST_NODES: u32 = 1_000;

/// Moves the run by one event.
pub fn step(run: &mut Run, event: Event) -> Action {
    match event {
        Event::Start => enter(run),
        Event::Answered => {
            run.path.push("answered".to_owned());
            Action::Talk
        }
        Event::Unanswered(_) | Event::Screened(_) if run.stage == Stage::Dialling => hear(run, event),
        Event::Unanswered(refusal) => match next(run, refusal) {
            Some(node) => {
                run.at = node;
                enter(run)
            }
            None => refuse(run, refusal),
        },
        Event::Changed => match run.flow.node(run.at).cloned() {
            Some(Node::Set { label, then, .. }) => {
                run.path.push(label.into());
                run.at = then;
                enter(run)
            }
            _ => refuse(run, Refusal::Failed),
        },
        event => hear(run, event),
    }
}

/// Where the call goes on when the phones did not take it.
fn next(run: &Run, refusal: Refusal) -> Option<NodeId> {
    let Some(Node::Ring { otherwise, .. }) = run.flow.node(run.at) else {
        return None;
    };
    match refusal {
        Refusal::Busy => otherwise.busy,
        Refusal::NoAnswer => otherwise.no_answer,
        Refusal::Unreachable => otherwise.unreachable,
        _ => None,
    }
}

fn hear(run: &mut Run, event: Event) -> Action {
    let turn = served::hear(run, event);
    take(run, turn)
}

/// Goes on with another node.
fn go(run: &mut Run, to: NodeId) -> Action {
    run.at = to;
    enter(run)
}

/// Hangs up, and says why in the record.
fn leave(run: &mut Run, why: &str) -> Action {
    run.note(why);
    Action::HangUp
}

/// Does what the node of a served caller says.
fn take(run: &mut Run, turn: Turn) -> Action {
    match turn {
        Turn::Do(action) => action,
        Turn::Go(to) => go(run, to),
        Turn::Leave(why) => leave(run, why),
    }
}

fn enter(run: &mut Run) -> Action {
    run.stage = Stage::Plain;
    run.entered = run.entered.saturating_add(1);
    if run.entered > MOST_NODES {
        return leave(run, "too many steps");
    }
    match run.flow.node(run.at).cloned() {
        Some(Node::Ring {
            users,
            timeout_s,
            label,
            ..
        }) => {
            run.path.push(format!("ring {label}"));
            Action::Ring { users, timeout_s }
        }
        Some(Node::Forward(forward)) => {
            let (by, to) = (&forward.by, &forward.to);
            run.path
                .push(format!("forward {} {by} to {to}", reason(forward.why)));
            Action::Forward(forward)
        }
        Some(Node::Outside(outside)) => {
            run.path.push(format!("outside {}", outside.number));
            Action::Outside(outside)
        }
        Some(Node::Echo) => {
            run.path.push("echo".to_owned());
            Action::Serve(Service::Echo)
        }
        Some(Node::Tone { tone, ms, .. }) => {
            run.note(&format!("{} tone", tone.as_str()));
            Action::Serve(Service::Tone { tone, ms })
        }
        Some(Node::Set { change, .. }) => Action::Set(change),
        Some(Node::Note { label, then }) => {
            run.note(&label);
            go(run, then)
        }
        Some(Node::Refuse(refusal)) => refuse(run, refusal),
        Some(Node::HangUp) => Action::HangUp,
        Some(Node::Page { users }) => Action::Page(users),
        Some(Node::Listen { user, extension }) => {
            run.note(&format!("listen {extension}"));
            Action::Listen(user)
        }
        Some(Node::Dial {
            number,
            screen,
            otherwise,
        }) => dial(run, number, screen, otherwise),
        Some(node) => match served::enter(run, &node) {
            Some(turn) => take(run, turn),
            None => refuse(run, Refusal::Failed),
        },
        None => refuse(run, Refusal::Failed),
    }
}

fn dial(run: &mut Run, number: Option<Box<str>>, screen: Option<Screen>, otherwise: NodeId) -> Action {
    if !run.dials() {
        return leave(run, "too many calls");
    }
    let typed = number.is_none();
    let number = number.unwrap_or_else(|| std::mem::take(&mut run.digits).into());
    if number.is_empty() {
        run.note("nothing to dial");
        return go(run, otherwise);
    }
    run.note(&format!("dial {number}"));
    run.stage = Stage::Dialling;
    Action::Dial {
        number,
        typed,
        screen: screen.map(|screen| screen.rules),
    }
}

/// A reason in a record's words.
fn reason(why: Why) -> &'static str {
    match why {
        Why::Always => "always",
        Why::DoNotDisturb => "do not disturb",
        Why::Busy => "busy",
        Why::NoAnswer => "no answer",
        Why::Unreachable => "unreachable",
        Why::Redirected(_) => "by phone",
    }
}

fn refuse(run: &mut Run, refusal: Refusal) -> Action {
    run.note(refusal.as_str());
    Action::Refuse(refusal)
}

#[cfg(test)]
#[path = "run_tests.rs"]
mod tests;
