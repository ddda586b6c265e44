//! The sides of a call.

use serde::{Deserialize, Serialize};

/// A side of a relayed call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Leg {
    /// The caller's side.
    Caller,
    /// The callee's side.
    Callee,
}

impl Leg {
    /// The opposite side.
    #[must_use]
    pub fn other(self) -> Leg {
        match self {
            Leg::Caller => Leg::Callee,
            Leg::Callee => Leg::Caller,
        }
    }
}
