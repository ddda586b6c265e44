//! A message that was kept, and what is told of a call.

use model::{CallId, CdrId, FlowToken, TenantId, Wall};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A message with when and where it crossed the network.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Captured {
    /// When.
    pub at: Wall,
    /// It left; otherwise it came.
    pub sent: bool,
    /// The way that it took.
    pub flow: FlowToken,
    /// Which dialog of the trace: messages with the same number have the same Call-ID.
    pub leg: usize,
    /// All of it.
    #[serde(with = "crate::octets")]
    pub octets: Vec<u8>,
}

impl Captured {
    /// Where it came from.
    #[must_use]
    pub fn source(&self) -> SocketAddr {
        if self.sent {
            self.flow.local
        } else {
            self.flow.remote
        }
    }

    /// Where it went.
    #[must_use]
    pub fn destination(&self) -> SocketAddr {
        if self.sent {
            self.flow.remote
        } else {
            self.flow.local
        }
    }
}

/// What was said in a call, or about a Call-ID that no call came of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trace {
    /// Whose.
    pub tenant: TenantId,
    /// Its number while it was up, as `carillon calls` shows it.
    pub call: Option<CallId>,
    /// The id of its record.
    pub record: Option<CdrId>,
    /// The Call-IDs of its dialogs, by [`Captured::leg`].
    pub call_ids: Vec<String>,
    /// In the order in which they came and left.
    pub messages: Vec<Captured>,
}

/// A call of which something is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    /// Whose.
    pub tenant: TenantId,
    /// Its number while it was up; none for a Call-ID that no call came of.
    pub call: Option<CallId>,
    /// The id of its record.
    pub record: Option<CdrId>,
    /// The Call-IDs of its dialogs.
    pub call_ids: Vec<String>,
    /// When its first message that is kept crossed the network.
    pub start: Wall,
    /// How many are kept.
    pub messages: usize,
    /// It has not ended.
    pub live: bool,
    /// User part of the first request's From.
    pub from: String,
    /// User part of its Request-URI.
    pub to: String,
}
