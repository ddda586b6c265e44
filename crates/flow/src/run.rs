//! Running a flow: `step(run, event) -> action`.

use crate::plan::{Flow, Forward, Node, NodeId, Refusal, Why};
use model::{ToneName, UserId, UserSettingsChange};

/// Forwards that one call may take.
const MOST_FORWARDS: usize = 5;

/// What happened to the current node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// The call begins.
    Start,
    /// A phone answered.
    Answered,
    /// Nobody did, for this reason.
    Unanswered(Refusal),
    /// The settings are changed.
    Changed,
    /// The tone is over.
    Played,
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
    /// Send the call on: find where the number leads and say so with [`Run::forward`], then [`Event::Start`].
    Forward(Forward),
    /// Answer the caller, if that is not done, and let him hear this.
    Serve(Service),
    /// Change the caller's settings, once it is certain that he can be answered.
    Set(UserSettingsChange),
    /// Refuse the caller.
    Refuse(Refusal),
    /// Nothing: the call is up.
    Talk,
    /// It has been up for as long as there was something to hear.
    HangUp,
}

/// What the server itself does for a caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sends him what he says.
    Echo,
    /// Plays a tone.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, milliseconds; 0 = for ever.
        ms: u32,
    },
}

/// A flow under way, with the path that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    flow: Flow,
    at: NodeId,
    path: Vec<String>,
    /// Who has sent the call on, the first one first.
    chain: Vec<Forward>,
    /// Who has to do with the call: nobody comes twice.
    met: Vec<UserId>,
}

impl Run {
    /// Ready for [`Event::Start`].
    #[must_use]
    pub fn new(flow: Flow) -> Run {
        Run {
            met: flow.user().into_iter().collect(),
            flow,
            at: NodeId(0),
            path: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// Notes a step that the flow did not take itself, such as a transfer.
    pub fn note(&mut self, step: &str) {
        self.path.push(step.to_owned());
    }

    /// Goes on with another flow from its start, for [`Event::Start`]; the path so far is kept, forwards are forgotten.
    pub fn reroute(&mut self, flow: Flow) {
        self.chain.clear();
        self.met = flow.user().into_iter().collect();
        self.flow = flow;
        self.at = NodeId(0);
    }

    /// Somebody has to do with the call beside the flow: he calls, or a phone has sent the call to him. A forward to him
    /// would be a circle.
    pub fn meet(&mut self, user: UserId) {
        if !self.met.contains(&user) {
            self.met.push(user);
        }
    }

    /// True for who has to do with the call already.
    #[must_use]
    pub fn has_met(&self, user: UserId) -> bool {
        self.met.contains(&user)
    }

    /// Goes on with the flow that a forward leads to, for [`Event::Start`]. False when that is a circle or one forward too
    /// many: then the next step is a refusal.
    pub fn forward(&mut self, by: Forward, flow: Flow) -> bool {
        let refusal = match flow.user() {
            _ if self.chain.len() >= MOST_FORWARDS => Some(Refusal::TooManyForwards),
            Some(user) if self.has_met(user) => Some(Refusal::Loop),
            _ => None,
        };
        self.chain.push(by);
        self.met.extend(flow.user());
        self.flow = refusal.map_or(flow, |refusal| Flow::new(vec![Node::Refuse(refusal)]));
        self.at = NodeId(0);
        refusal.is_none()
    }

    /// Who has sent the call on, the first one first.
    #[must_use]
    pub fn forwards(&self) -> &[Forward] {
        &self.chain
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
        Event::Played => Action::HangUp,
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

fn enter(run: &mut Run) -> Action {
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
        Some(Node::Echo) => {
            run.path.push("echo".to_owned());
            Action::Serve(Service::Echo)
        }
        Some(Node::Tone { tone, ms }) => {
            run.path.push(format!("{} tone", tone.as_str()));
            Action::Serve(Service::Tone { tone, ms })
        }
        Some(Node::Set { change, .. }) => Action::Set(change),
        // A note leads on, and never back.
        Some(Node::Note { label, then }) if then.0 > run.at.0 => {
            run.path.push(label.into());
            run.at = then;
            enter(run)
        }
        Some(Node::Note { .. }) => refuse(run, Refusal::Failed),
        Some(Node::Refuse(refusal)) => refuse(run, refusal),
        None => refuse(run, Refusal::Failed),
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
    let word = match refusal {
        Refusal::UnknownNumber => "unknown number",
        Refusal::ForeignDomain => "foreign domain",
        Refusal::Unreachable => "unreachable",
        Refusal::Busy => "busy",
        Refusal::DoNotDisturb => "do not disturb",
        Refusal::Declined => "declined",
        Refusal::NoAnswer => "no answer",
        Refusal::MediaRefused => "media refused",
        Refusal::Failed => "failed",
        Refusal::Loop => "forwarded in a circle",
        Refusal::TooManyForwards => "too many forwards",
    };
    run.path.push(word.to_owned());
    Action::Refuse(refusal)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route;
    use model::{Policy, TenantConfig, TenantId, User, UserSettings};
    use std::borrow::Cow;

    fn user(id: u64, extension: &str) -> User {
        User {
            id: UserId(id),
            extension: extension.into(),
            display: "".into(),
            enabled: true,
            settings: UserSettings::default(),
        }
    }

    fn config(enabled: bool) -> TenantConfig {
        let users = vec![
            User {
                enabled,
                ..user(7, "101")
            },
            user(8, "102"),
            user(9, "103"),
        ];
        let policy = Policy {
            ring_timeout_s: 25,
            ..Policy::default()
        };
        TenantConfig::new(TenantId(1), 1, "A", &["a.example"], policy, users, vec![]).unwrap()
    }

    /// The number as somebody with these settings has it; the others have none.
    fn routed(number: &str, owner: u64, settings: &UserSettings) -> Flow {
        let of = |user: UserId| match user == UserId(owner) {
            true => Cow::Owned(settings.clone()),
            false => Cow::Owned(UserSettings::default()),
        };
        route(&config(true), of, number, "A.example")
    }

    fn plain(config: &TenantConfig, number: &str, domain: &str) -> Run {
        Run::new(route(
            config,
            |_| Cow::Owned(UserSettings::default()),
            number,
            domain,
        ))
    }

    #[test]
    fn an_extension_rings_its_user_for_the_policys_time() {
        let mut run = plain(&config(true), "101", "A.example");
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
        let mut run = plain(&config(true), "101", "A.example");
        step(&mut run, Event::Start);
        let action = step(&mut run, Event::Unanswered(Refusal::Busy));
        assert_eq!(action, Action::Refuse(Refusal::Busy));
        assert_eq!(run.path(), ["ring 101", "busy"]);
    }

    #[test]
    fn a_foreign_domain_is_refused_even_for_a_known_number() {
        let mut run = plain(&config(true), "101", "b.example");
        assert_eq!(
            step(&mut run, Event::Start),
            Action::Refuse(Refusal::ForeignDomain)
        );
    }

    #[test]
    fn unknown_and_disabled_numbers_lead_nowhere_alike() {
        for (config, number) in [(config(true), "999"), (config(false), "101")] {
            let mut run = plain(&config, number, "a.example");
            assert_eq!(
                step(&mut run, Event::Start),
                Action::Refuse(Refusal::UnknownNumber)
            );
        }
    }

    /// What becomes of a call to 101 that rings and gets this refusal, or none.
    fn outcome(settings: &UserSettings, refusal: Option<Refusal>) -> Action {
        let mut run = Run::new(routed("101", 7, settings));
        let first = step(&mut run, Event::Start);
        match (refusal, &first) {
            (Some(refusal), Action::Ring { .. }) => step(&mut run, Event::Unanswered(refusal)),
            _ => first,
        }
    }

    fn sent(to: &str, why: Why) -> Action {
        Action::Forward(Forward {
            user: UserId(7),
            by: "101".into(),
            to: to.into(),
            why,
        })
    }

    #[test]
    fn settings_decide_before_and_after_the_ringing() {
        let all = UserSettings {
            dnd: true,
            forward_always: Some("1".into()),
            forward_busy: Some("2".into()),
            forward_no_answer: Some("3".into()),
            no_answer_s: 10,
        };
        assert_eq!(outcome(&all, None), sent("1", Why::Always));
        let some = UserSettings {
            forward_always: None,
            ..all
        };
        assert_eq!(outcome(&some, None), sent("2", Why::DoNotDisturb));
        let quiet = UserSettings {
            dnd: true,
            ..UserSettings::default()
        };
        assert_eq!(outcome(&quiet, None), Action::Refuse(Refusal::DoNotDisturb));
        let after = UserSettings { dnd: false, ..some };
        let rings = Action::Ring {
            users: vec![UserId(7)],
            timeout_s: 10,
        };
        assert_eq!(outcome(&after, None), rings);
        for (refusal, action) in [
            (Refusal::Busy, sent("2", Why::Busy)),
            (Refusal::NoAnswer, sent("3", Why::NoAnswer)),
            (Refusal::Unreachable, sent("3", Why::Unreachable)),
            (Refusal::Declined, Action::Refuse(Refusal::Declined)),
            (Refusal::MediaRefused, Action::Refuse(Refusal::MediaRefused)),
        ] {
            assert_eq!(outcome(&after, Some(refusal)), action);
        }
    }

    fn hop(user: u64, to: &str) -> Forward {
        Forward {
            user: UserId(user),
            by: user.to_string().into(),
            to: to.into(),
            why: Why::Always,
        }
    }

    #[test]
    fn nobody_comes_twice() {
        let none = UserSettings::default();
        let mut run = Run::new(routed("101", 0, &none));
        run.meet(UserId(9));
        assert!(run.forward(hop(7, "102"), routed("102", 0, &none)));
        assert!(matches!(step(&mut run, Event::Start), Action::Ring { .. }));
        for number in ["101", "102", "103"] {
            let mut run = run.clone();
            assert!(!run.forward(hop(8, number), routed(number, 0, &none)));
            assert_eq!(step(&mut run, Event::Start), Action::Refuse(Refusal::Loop));
        }
        // Whoever transferred is called back, though he was met before.
        run.reroute(crate::recall(&config(true), UserId(7)));
        assert!(run.forwards().is_empty());
        assert!(matches!(step(&mut run, Event::Start), Action::Ring { .. }));
    }

    #[test]
    fn there_is_an_end_to_forwards() {
        let to = |user: u64| {
            Flow::to_user(
                UserId(user),
                vec![Node::Forward(hop(user, &(user + 1).to_string()))],
            )
        };
        let mut run = Run::new(to(1));
        let mut hops = 0;
        let last = loop {
            match step(&mut run, Event::Start) {
                Action::Forward(forward) => {
                    hops += 1;
                    let next = forward.user.0 + 1;
                    run.forward(forward, to(next));
                }
                other => break other,
            }
        };
        assert_eq!((hops, last), (6, Action::Refuse(Refusal::TooManyForwards)));
        assert_eq!(run.path().last().map(String::as_str), Some("too many forwards"));
    }
}
