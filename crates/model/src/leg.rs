//! The sides of a call.

use crate::{CallId, CdrId};
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

/// A call has a leg in a dialog from now on: what is said in that dialog is said in this call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallLeg {
    /// Which call.
    pub call: CallId,
    /// The id of the record that it will leave.
    pub record: CdrId,
    /// The Call-ID of the dialog.
    pub call_id: Box<str>,
}
