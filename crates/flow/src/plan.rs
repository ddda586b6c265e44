//! The dial plan: which flow a number leads to. A flow is built for one call from the tenant's snapshot; node 0 is where
//! it starts.

use crate::graph::{Flow, Forward, Node, NodeId, Otherwise, Refusal, Why};
use model::{TenantConfig, User, UserId, UserSettings};
use std::borrow::Cow;

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
/// `settings` of the user called have it now. Another tenant's domain and one that nobody has are refused alike. What is nothing within
/// the tenant may be something `outside`.
#[must_use]
pub fn route<'s>(
    config: &TenantConfig,
    settings: impl Fn(UserId) -> Cow<'s, UserSettings>,
    outside: impl FnOnce() -> Option<Flow>,
    dialled: &str,
    domain: &str,
) -> Flow {
    if !config.owns_domain(domain) {
        return Flow::new(vec![Node::Refuse(Refusal::ForeignDomain)]);
    }
    match config.extension(dialled).filter(|user| user.enabled) {
        Some(user) => to(config, user, &settings(user.id)),
        None => {
            let unknown = || Flow::new(vec![Node::Refuse(Refusal::UnknownNumber)]);
            numbered(config, dialled).or_else(outside).unwrap_or_else(unknown)
        }
    }
}

/// The flow of a number, where that has one that holds together.
#[must_use]
pub fn numbered(config: &TenantConfig, dialled: &str) -> Option<Flow> {
    let draft = config.policy().flows.get(dialled)?;
    crate::compile::compile(config, draft).ok()
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
