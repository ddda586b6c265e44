//! The graph and the dial plan. A flow is built for one call from the tenant's snapshot; node 0 is where
//! it starts.

use model::{TenantConfig, ToneName, User, UserId, UserSettings, UserSettingsChange};
use std::borrow::Cow;

/// Index of a node within its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NodeId(pub usize);

/// How a flow ends a call that nobody answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The number leads nowhere.
    UnknownNumber,
    /// The number is in a domain that is not the tenant's.
    ForeignDomain,
    /// No phone is registered or reachable.
    Unreachable,
    /// Every phone is busy.
    Busy,
    /// The user has switched do-not-disturb on.
    DoNotDisturb,
    /// Somebody refused the call.
    Declined,
    /// It rang and nobody answered.
    NoAnswer,
    /// The phones could not agree on media.
    MediaRefused,
    /// Something broke on the way.
    Failed,
    /// Forwards led back to somebody who has forwarded, was called, or calls.
    Loop,
    /// More forwards than a call may take.
    TooManyForwards,
}

/// Why a call is forwarded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// The user forwards all calls.
    Always,
    /// The user does not want to be disturbed.
    DoNotDisturb,
    /// The user is busy.
    Busy,
    /// Nobody answered.
    NoAnswer,
    /// No phone is registered or reachable.
    Unreachable,
    /// The user's phone sent the call on, with this status (3xx).
    Redirected(u16),
}

/// One hop of a call from a user to a number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Forward {
    /// Who forwards.
    pub user: UserId,
    /// His extension.
    pub by: Box<str>,
    /// Where to, as it would be dialled.
    pub to: Box<str>,
    /// Why.
    pub why: Why,
}

/// Where a user's calls go on when his phones did not take them; `None` refuses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Otherwise {
    /// Busy.
    pub busy: Option<NodeId>,
    /// Not answered in time.
    pub no_answer: Option<NodeId>,
    /// No phone to ring.
    pub unreachable: Option<NodeId>,
}

/// One step of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Node {
    /// Ring every phone of these users at once.
    Ring {
        /// Whom.
        users: Vec<UserId>,
        /// How long, seconds.
        timeout_s: u32,
        /// What the record calls it: the dialled extension.
        label: Box<str>,
        /// What then.
        otherwise: Otherwise,
    },
    /// Send the call on.
    Forward(Forward),
    /// Answer, and send the caller what it says until it hangs up.
    Echo,
    /// Answer, and play a tone of the tenant's country; then hang up.
    Tone {
        /// Which.
        tone: ToneName,
        /// How long, milliseconds; 0 = until the caller hangs up.
        ms: u32,
    },
    /// Change the caller's own settings.
    Set {
        /// How.
        change: UserSettingsChange,
        /// What the record calls it.
        label: Box<str>,
        /// What then.
        then: NodeId,
    },
    /// Note something in the record.
    Note {
        /// What.
        label: Box<str>,
        /// What then.
        then: NodeId,
    },
    /// End the call without an answer.
    Refuse(Refusal),
}

/// A destination: a small graph of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    nodes: Vec<Node>,
    user: Option<UserId>,
}

impl Flow {
    /// A flow of these nodes, started at the first.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Flow {
        Flow { nodes, user: None }
    }

    /// A flow of these nodes that calls a user.
    #[must_use]
    pub fn to_user(user: UserId, nodes: Vec<Node>) -> Flow {
        let user = Some(user);
        Flow { nodes, user }
    }

    /// Whom it calls.
    #[must_use]
    pub fn user(&self) -> Option<UserId> {
        self.user
    }

    /// The node, if there is one.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&Node> {
        self.nodes.get(id.0)
    }
}

/// Whose ringing call a pickup code means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This user's: `**` and the extension.
    User(UserId),
    /// Anybody's: `*8`. Groups narrow it once there are any.
    Anybody,
}

/// What `dialled` picks up, if it is a pickup code of this tenant.
#[must_use]
pub fn pickup(config: &TenantConfig, dialled: &str, domain: &str) -> Option<Whose> {
    let code = dialled.strip_prefix('*')?;
    if !config.owns_domain(domain) {
        return None;
    }
    match code.strip_prefix('*') {
        Some(extension) => config.extension(extension).map(|user| Whose::User(user.id)),
        None => (code == "8").then_some(Whose::Anybody),
    }
}

/// Back to a user whose transfer nobody answered: his phones ring for the policy's time, whatever his settings: it is
/// his own call that comes back.
#[must_use]
pub fn recall(config: &TenantConfig, user: UserId) -> Flow {
    let timeout_s = config.policy().recall_timeout_s;
    let user = config.user(user).filter(|user| user.enabled && timeout_s > 0);
    match user {
        Some(user) => Flow::to_user(user.id, vec![ring(user, timeout_s, Otherwise::default())]),
        None => Flow::new(vec![Node::Refuse(Refusal::Unreachable)]),
    }
}

/// The dial plan: what `dialled` (the decoded user part of the Request-URI) at `domain` means in this tenant, as the
/// `settings` of the user called have it now. Another tenant's domain and one that nobody has are refused alike.
#[must_use]
pub fn route<'s>(
    config: &TenantConfig,
    settings: impl Fn(UserId) -> Cow<'s, UserSettings>,
    dialled: &str,
    domain: &str,
) -> Flow {
    if !config.owns_domain(domain) {
        return Flow::new(vec![Node::Refuse(Refusal::ForeignDomain)]);
    }
    match config.extension(dialled).filter(|user| user.enabled) {
        Some(user) => to(config, user, &settings(user.id)),
        None => Flow::new(vec![Node::Refuse(Refusal::UnknownNumber)]),
    }
}

fn ring(user: &User, timeout_s: u32, otherwise: Otherwise) -> Node {
    Node::Ring {
        users: vec![user.id],
        timeout_s,
        label: user.extension.clone(),
        otherwise,
    }
}

/// A user's settings as a flow: forward all, or do-not-disturb, or ring and then forward.
fn to(config: &TenantConfig, user: &User, settings: &UserSettings) -> Flow {
    let forward = |why: Why, to: &str| {
        Node::Forward(Forward {
            user: user.id,
            by: user.extension.clone(),
            to: to.into(),
            why,
        })
    };
    if let Some(number) = &settings.forward_always {
        return Flow::to_user(user.id, vec![forward(Why::Always, number)]);
    }
    if settings.dnd {
        let busy = settings.forward_busy.as_deref();
        let refused = Node::Refuse(Refusal::DoNotDisturb);
        let node = busy.map_or(refused, |number| forward(Why::DoNotDisturb, number));
        return Flow::to_user(user.id, vec![node]);
    }
    let mut after = Vec::new();
    let mut then = |why: Why, to: Option<&str>| {
        to.map(|number| {
            after.push(forward(why, number));
            NodeId(after.len())
        })
    };
    let otherwise = Otherwise {
        busy: then(Why::Busy, settings.forward_busy.as_deref()),
        no_answer: then(Why::NoAnswer, settings.forward_no_answer.as_deref()),
        unreachable: then(Why::Unreachable, settings.forward_no_answer.as_deref()),
    };
    let longest_s = config.policy().ring_timeout_s;
    let timeout_s = match settings.forward_no_answer {
        Some(_) => longest_s.min(u32::from(settings.no_answer_s)),
        None => longest_s,
    };
    let mut nodes = vec![ring(user, timeout_s, otherwise)];
    nodes.append(&mut after);
    Flow::to_user(user.id, nodes)
}
