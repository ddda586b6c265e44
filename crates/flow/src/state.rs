//! A flow under way: where it is, and what it has come through.
//!
//! Owns: the state. Does not own: what comes next (`run`, `served`).

use crate::graph::{Flow, Forward, Node, NodeId, Refusal};
use model::{RecordingId, Seat, UserId};

/// Forwards that one call may take.
const MOST_FORWARDS: usize = 5;
/// Numbers that one call may dial in flows: each may be a call of its own, with phones that ring and a record.
const MOST_DIALLED: u32 = 50;
/// Steps that the record tells.
const MOST_PATH: usize = 64;

/// A flow under way, with the path that it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    pub(crate) flow: Flow,
    pub(crate) at: NodeId,
    pub(crate) stage: Stage,
    /// Digits that a node gathered for the next.
    pub(crate) digits: String,
    /// What was recorded last.
    pub(crate) recording: Option<RecordingId>,
    /// Numbers that were dialled in flows.
    dialled: u32,
    /// Nodes entered so far.
    pub(crate) entered: u32,
    pub(crate) path: Vec<String>,
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
            stage: Stage::Plain,
            digits: String::new(),
            recording: None,
            dialled: 0,
            entered: 0,
            path: Vec::new(),
            chain: Vec::new(),
        }
    }

    /// The same flow for somebody who takes the caller's place in it, for [`Event::Start`]. `None` where nobody can: in the midst
    /// of a call or a recording of the caller's own. Who takes the place of a moderator is none.
    #[must_use]
    pub fn for_another(&self) -> Option<Run> {
        let at = match self.node()? {
            Node::Conference { room, .. } => {
                let member = |node: &Node| match node {
                    Node::Conference {
                        room: known,
                        moderator,
                        ..
                    } => known == room && !moderator,
                    _ => false,
                };
                self.flow.find(member).unwrap_or(self.at)
            }
            Node::Play { .. } | Node::Gather(_) | Node::Echo | Node::Tone { .. } => self.at,
            _ => return None,
        };
        let mut run = Run::new(self.flow.clone());
        run.at = at;
        Some(run)
    }

    /// Notes a step that the flow did not take itself, such as a transfer.
    pub fn note(&mut self, step: &str) {
        if self.path.len() < MOST_PATH {
            self.path.push(step.to_owned());
        }
    }

    /// The node that the call is in.
    pub(crate) fn node(&self) -> Option<&Node> {
        self.flow.node(self.at)
    }

    /// True while the caller types what is nobody's business.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        let digits = matches!(self.stage, Stage::Digits { .. });
        digits && matches!(self.node(), Some(Node::Gather(gather)) if gather.secure)
    }

    /// Would a key that the caller presses mean something where the call is now?
    #[must_use]
    pub fn hears_keys(&self) -> bool {
        let has_keys = matches!(
            self.node(),
            Some(Node::Gather(_) | Node::Record(_) | Node::Conference { .. } | Node::Listen { .. })
        );
        has_keys && self.stage != Stage::Farewell
    }

    /// Of the prompts that belong to no node.
    pub(crate) fn language(&self) -> &str {
        self.flow.language()
    }

    /// Goes on with another flow from its start, perhaps one that was dialled in this one, for [`Event::Start`]; the path so far
    /// is kept, forwards are forgotten.
    pub fn reroute(&mut self, flow: Flow) {
        self.chain.clear();
        self.met = flow.user().into_iter().collect();
        self.flow = flow;
        self.at = NodeId(0);
    }

    /// A number is dialled in the flow. False when that has happened too often.
    pub(crate) fn dials(&mut self) -> bool {
        self.dialled = self.dialled.saturating_add(1);
        self.dialled <= MOST_DIALLED
    }

    /// Somebody has to do with the call beside the flow: he calls, or a phone has sent the call to him. A forward to him
    /// would be a circle.
    pub fn meet(&mut self, user: impl Into<Option<UserId>>) {
        if let Some(user) = user.into().filter(|user| !self.met.contains(user)) {
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

/// How far the caller has come in his node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Stage {
    /// Nothing but the node matters.
    #[default]
    Plain,
    /// Digits are awaited.
    Digits { typed: String, tries: u8, playing: bool },
    /// Something is said before the recording.
    BeforeRecording,
    /// It runs, or was told to end.
    Recording { stopping: bool },
    /// He asks for the door of the conference.
    Door,
    /// He is in it.
    Inside {
        seat: Seat,
        /// `*` was pressed.
        menu: bool,
        playing: bool,
    },
    /// Something is said before he is hung up.
    Farewell,
    /// His call is on its way to somebody else.
    Dialling,
}
