//! Running a flow: `step(run, event) -> action`.

use crate::plan::{Flow, Node, NodeId, Refusal};
use model::UserId;

/// What happened to the current node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The call begins.
    Start,
    /// A phone answered.
    Answered,
    /// Nobody did, for this reason.
    Unanswered(Refusal),
}

/// What the call is to do next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Ring these users' phones.
    Ring {
        /// Whom.
        users: Vec<UserId>,
        /// How long, seconds.
        timeout_s: u32,
    },
    /// Refuse the caller.
    Refuse(Refusal),
    /// Nothing: the call is up.
    Talk,
}

/// A flow under way, with the path that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    flow: Flow,
    at: NodeId,
    path: Vec<String>,
}

impl Run {
    /// Ready for [`Event::Start`].
    #[must_use]
    pub fn new(flow: Flow) -> Run {
        Run {
            flow,
            at: NodeId(0),
            path: Vec::new(),
        }
    }

    /// Notes a step that the flow did not take itself, such as a transfer.
    pub fn note(&mut self, step: &str) {
        self.path.push(step.to_owned());
    }

    /// Goes on with another flow from its start, for [`Event::Start`]; the path so far is kept.
    pub fn reroute(&mut self, flow: Flow) {
        self.flow = flow;
        self.at = NodeId(0);
    }

    /// Steps taken so far, in words.
    #[must_use]
    pub fn path(&self) -> &[String] {
        &self.path
    }
}

/// Moves the run by one event.
pub fn step(run: &mut Run, event: Event) -> Action {
    match event {
        Event::Start => enter(run),
        Event::Answered => {
            run.path.push("answered".to_owned());
            Action::Talk
        }
        Event::Unanswered(refusal) => refuse(run, refusal),
    }
}

fn enter(run: &mut Run) -> Action {
    match run.flow.node(run.at).cloned() {
        Some(Node::Ring {
            users,
            timeout_s,
            label,
        }) => {
            run.path.push(format!("ring {label}"));
            Action::Ring { users, timeout_s }
        }
        Some(Node::Refuse(refusal)) => refuse(run, refusal),
        None => refuse(run, Refusal::Failed),
    }
}

fn refuse(run: &mut Run, refusal: Refusal) -> Action {
    let word = match refusal {
        Refusal::UnknownNumber => "unknown number",
        Refusal::ForeignDomain => "foreign domain",
        Refusal::Unreachable => "unreachable",
        Refusal::Busy => "busy",
        Refusal::Declined => "declined",
        Refusal::NoAnswer => "no answer",
        Refusal::MediaRefused => "media refused",
        Refusal::Failed => "failed",
    };
    run.path.push(word.to_owned());
    Action::Refuse(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use model::{Policy, TenantConfig, TenantId, User};

    fn config(enabled: bool) -> TenantConfig {
        let user = User {
            id: UserId(7),
            extension: "101".into(),
            display: "Bea".into(),
            enabled,
        };
        let policy = Policy {
            ring_timeout_s: 25,
            ..Policy::default()
        };
        TenantConfig::new(TenantId(1), 1, "A", &["a.example"], policy, vec![user], vec![]).unwrap()
    }

    #[test]
    fn an_extension_rings_its_user_for_the_policys_time() {
        let mut run = Run::new(route(&config(true), "101", "A.example"));
        let action = step(&mut run, Event::Start);
        assert_eq!(
            action,
            Action::Ring {
                users: vec![UserId(7)],
                timeout_s: 25
            }
        );
        assert_eq!(step(&mut run, Event::Answered), Action::Talk);
        assert_eq!(run.path(), ["ring 101", "answered"]);
    }

    #[test]
    fn nobody_answering_refuses_with_the_reason() {
        let mut run = Run::new(route(&config(true), "101", "A.example"));
        step(&mut run, Event::Start);
        let action = step(&mut run, Event::Unanswered(Refusal::Busy));
        assert_eq!(action, Action::Refuse(Refusal::Busy));
        assert_eq!(run.path(), ["ring 101", "busy"]);
    }

    #[test]
    fn a_foreign_domain_is_refused_even_for_a_known_number() {
        let mut run = Run::new(route(&config(true), "101", "b.example"));
        assert_eq!(
            step(&mut run, Event::Start),
            Action::Refuse(Refusal::ForeignDomain)
        );
    }

    #[test]
    fn unknown_and_disabled_numbers_lead_nowhere_alike() {
        for (config, number) in [(config(true), "999"), (config(false), "101")] {
            let mut run = Run::new(route(&config, number, "a.example"));
            assert_eq!(
                step(&mut run, Event::Start),
                Action::Refuse(Refusal::UnknownNumber)
            );
        }
    }
}
