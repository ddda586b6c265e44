//! The record of one call.

use crate::{
    AudioTrouble, CallerCheck, CdrId, Charge, DestinationClass, DeviceId, LegQuality, RecordingId, SrtpSuite,
    StreamKind, TenantId, UserId, Wall,
};
use serde::{Deserialize, Serialize};

/// One side of a call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The user, where the party is one of the tenant.
    pub user: Option<UserId>,
    /// The credentials used, where known.
    pub device: Option<DeviceId>,
    /// Extension or number as dialled or presented.
    pub number: String,
    /// Display name, control characters removed.
    pub display: String,
    /// Call-ID of the leg's SIP dialog.
    pub sip_call_id: String,
    /// The name of the trunk, where the party is one of the public network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trunk: Option<String>,
}

/// Who ended the call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// The caller hung up or cancelled.
    Caller,
    /// The callee hung up or refused.
    Callee,
    /// Carillon: a limit, a timer, no route, dead media, shutdown.
    System,
}

/// Why a call ended, in both vocabularies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cause {
    /// SIP status that the caller got; 200 for an answered call.
    pub sip: u16,
    /// Q.850 cause (ITU-T Q.850, mapping of RFC 3398 §7.2.4.1 and §8.2.6.1).
    pub q850: u8,
}

/// A stream that a call had beside its audio.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamRecord {
    /// Which.
    pub stream: StreamKind,
    /// Received from the caller.
    pub caller: LegQuality,
    /// Received from the callee.
    pub callee: LegQuality,
}

/// One accepted call, once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cdr {
    /// Unique; storing the same record twice leaves one.
    pub id: CdrId,
    /// Owner.
    pub tenant: TenantId,
    /// Version of the configuration that the call began with.
    pub config_version: u64,
    /// Who called.
    pub caller: Party,
    /// Who was called, and, once answered, who answered.
    pub callee: Party,
    /// INVITE accepted.
    pub start: Wall,
    /// First 180 or 183.
    pub ring: Option<Wall>,
    /// 200 from the callee.
    pub answer: Option<Wall>,
    /// End.
    pub end: Wall,
    /// Milliseconds from answer to end by the monotonic clock; zero when not answered.
    pub talk_ms: u64,
    /// Why it ended.
    pub cause: Cause,
    /// Who ended it.
    pub ended_by: EndedBy,
    /// Steps taken, such as `extension 101`, `ring 101 x2`, `answered 101`.
    pub path: Vec<String>,
    /// Received from the caller, where the media was relayed.
    pub caller_media: Option<LegQuality>,
    /// Received from the callee, where the media was relayed.
    pub callee_media: Option<LegQuality>,
    /// What was received of other streams that were relayed, each time that they were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub streams: Vec<StreamRecord>,
    /// Why audio did not arrive for a while, or to the end.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub audio: Vec<AudioTrouble>,
    /// How the caller's audio was protected at the end; none when it was not, or went straight to the other phone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub caller_srtp: Option<SrtpSuite>,
    /// The same for the callee's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub callee_srtp: Option<SrtpSuite>,
    /// What was recorded of it and not thrown away by the one who spoke.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub recordings: Vec<RecordingId>,
    /// The call that this one came out of, by a transfer or a pickup. Records of before it was known have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<CdrId>,
    /// The extension of the user who transferred the caller to this callee.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_by: Option<String>,
    /// The number that one side was transferred to, where that ended this call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transferred_to: Option<String>,
    /// The number that a carrier sent the call to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub did: Option<String>,
    /// What kind of number was called, where that is one of the public network.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<DestinationClass>,
    /// What the call to it came to, where there is a price list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge: Option<Charge>,
    /// What came of looking at who vouches for the caller, where a carrier's call was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stir: Option<CallerCheck>,
}
