//! Which of a user's bindings a call rings: one flow of each phone (RFC 5626 §5.3: the flows of an instance are
//! alternatives and are never rung together).

use crate::location::Binding;
use model::BindingKey;

/// The reachable bindings, of each instance with several flows the one that will last longest: it registered last.
pub(crate) fn best_flows(bindings: &[Binding]) -> impl Iterator<Item = &Binding> {
    bindings
        .iter()
        .enumerate()
        .filter(|(index, binding)| binding.reachable && !has_better(bindings, *index, binding))
        .map(|(_, binding)| binding)
}

fn has_better(bindings: &[Binding], index: usize, binding: &Binding) -> bool {
    let Some(urn) = urn(binding) else { return false };
    let better = |(i, other): (usize, &Binding)| {
        (other.ends, i) > (binding.ends, index) && other.reachable && self::urn(other) == Some(urn)
    };
    bindings.iter().enumerate().any(better)
}

/// The instance of a binding that is one flow among several.
fn urn(binding: &Binding) -> Option<&str> {
    match &binding.record.key {
        BindingKey::Instance { urn, .. } => Some(urn),
        BindingKey::Contact(_) => None,
    }
}
