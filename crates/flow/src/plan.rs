//! The graph and the dial plan. A flow is built for one call from the tenant's snapshot; node 0 is where
//! it starts.

use model::{TenantConfig, UserId};

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
    /// Somebody refused the call.
    Declined,
    /// It rang and nobody answered.
    NoAnswer,
    /// The phones could not agree on media.
    MediaRefused,
    /// Something broke on the way.
    Failed,
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
    },
    /// End the call without an answer.
    Refuse(Refusal),
}

/// A destination: a small graph of steps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    nodes: Vec<Node>,
}

impl Flow {
    /// A flow of these nodes, started at the first.
    #[must_use]
    pub fn new(nodes: Vec<Node>) -> Flow {
        Flow { nodes }
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

/// Back to a user whose transfer nobody answered: his phones ring for the policy's time.
#[must_use]
pub fn recall(config: &TenantConfig, user: UserId) -> Flow {
    let timeout_s = config.policy().recall_timeout_s;
    let user = config.user(user).filter(|user| user.enabled && timeout_s > 0);
    Flow::new(vec![match user {
        Some(user) => Node::Ring {
            users: vec![user.id],
            timeout_s,
            label: user.extension.clone(),
        },
        None => Node::Refuse(Refusal::Unreachable),
    }])
}

/// The dial plan: what `dialled` (the decoded user part of the Request-URI) at `domain` means in this tenant.
/// Another tenant's domain and one that nobody has are refused alike.
#[must_use]
pub fn route(config: &TenantConfig, dialled: &str, domain: &str) -> Flow {
    if !config.owns_domain(domain) {
        return Flow::new(vec![Node::Refuse(Refusal::ForeignDomain)]);
    }
    match config.extension(dialled).filter(|user| user.enabled) {
        Some(user) => Flow::new(vec![Node::Ring {
            users: vec![user.id],
            timeout_s: config.policy().ring_timeout_s,
            label: user.extension.clone(),
        }]),
        None => Flow::new(vec![Node::Refuse(Refusal::UnknownNumber)]),
    }
}
