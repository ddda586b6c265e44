//! A call that is up, as it is kept on disk: what its phones agreed on, so that it goes on when the process died and
//! came back (RFC 3261 §12), and the record that it leaves if it doesn't.

use crate::{BindingKey, CallId, Cdr, DialogRecord, FlowToken, TenantId, TollTicket, TrunkId, UserId, Wall};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A call that is up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallCheckpoint {
    /// Owner.
    pub tenant: TenantId,
    /// Which call; its media session follows from tenant and call.
    pub call: CallId,
    /// The record that the call leaves if nobody is found in it any more: it ends with the last sign of life.
    pub record: Cdr,
    /// The caller's side.
    pub caller: LegCheckpoint,
    /// The callee's side.
    pub callee: LegCheckpoint,
    /// When the longest call allowed is over.
    pub longest: Wall,
    /// Our RTP addresses that face caller and callee; `None` where media is direct.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<(SocketAddr, SocketAddr)>,
    /// From and To that called phones were told, without tags.
    #[serde(default)]
    pub identity: (Box<str>, Box<str>),
    /// The Session-ID values of caller and callee (RFC 7989), where a phone gave one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_ids: Option<(Box<str>, Box<str>)>,
    /// What limits on calls to the outside count it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickets: Vec<TollTicket>,
    /// Not enough is kept for it to go on, such as media keys or a change under way: it is hung up, and recorded.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ends: bool,
}

/// One side of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LegCheckpoint {
    /// The dialog. No request of ours has a higher CSeq number than the one kept.
    pub dialog: DialogRecord,
    /// The phone has sent no request in the dialog yet.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unheard: bool,
    /// Whose phone it is, where it is one.
    #[serde(default)]
    pub user: Option<UserId>,
    /// By which trunk it is, where it is with a carrier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<TrunkId>,
    /// Where it was last heard from.
    pub flow: FlowToken,
    /// The registration that it speaks from, where it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub binding: Option<BindingKey>,
    /// The `+sip.instance` of that registration, where its key is the Contact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instance: Option<Box<str>>,
    /// Our last description (RFC 8866).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<Box<str>>,
    /// The phone's last description.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heard: Option<Box<str>>,
    /// It knows UPDATE (RFC 3311).
    #[serde(default)]
    pub update: bool,
    /// It knows INFO (RFC 6086); `None`: it has not said.
    #[serde(default)]
    pub info: Option<bool>,
    /// We made the dialog.
    #[serde(default)]
    pub invited: bool,
    /// The session timer, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionCheckpoint>,
    /// Our Session-ID value in this dialog.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Box<str>>,
}

/// A session timer (RFC 4028).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionCheckpoint {
    /// Session-Expires, seconds.
    pub interval_s: u32,
    /// We refresh, rather than the phone.
    pub we_refresh: bool,
    /// When the session ends unless it is refreshed.
    pub end: Wall,
}

/// What happened to a call that is up; the journal of these brings calls back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum CallChange {
    /// It is up, or something of it changed.
    Put(Box<CallCheckpoint>),
    /// It ended, and its record is written.
    Remove {
        /// Owner.
        tenant: TenantId,
        /// Which.
        call: CallId,
    },
}
