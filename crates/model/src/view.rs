//! What is alive, as commands and the API show it.

use crate::{AudioTrouble, CallId, DeviceId, FlowToken, TenantId, UserId, Wall};
use serde::{Deserialize, Serialize};

/// A binding, as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RegistrationView {
    /// Owner.
    pub tenant: TenantId,
    /// Address-of-record's user.
    pub user: UserId,
    /// Address-of-record, such as `sip:101@example.com`.
    pub aor: String,
    /// Credentials.
    pub device: DeviceId,
    /// Contact URI.
    pub contact: String,
    /// The flow it came on.
    pub flow: FlowToken,
    /// Preference, 0.0..=1.0 in thousandths.
    pub q_milli: u16,
    /// Seconds until it ends.
    pub expires_in_s: u64,
    /// First registered.
    pub since: Wall,
    /// User-Agent.
    pub user_agent: String,
    /// `+sip.instance`, where given.
    pub instance: Option<String>,
    /// `reg-id`, where the phone keeps several flows (RFC 5626).
    #[serde(default)]
    pub reg_id: Option<u32>,
    /// The proxies between us and the phone, next hop first (RFC 3327).
    #[serde(default)]
    pub path: Vec<String>,
    /// The push service that can wake the phone (RFC 8599); its token there is nobody's business.
    #[serde(default)]
    pub push: Option<String>,
    /// False when its connection is gone and the phone has not come back yet.
    pub reachable: bool,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallState {
    /// Accepted; media or route being prepared.
    Routing,
    /// Targets are being rung.
    Ringing,
    /// Answered.
    Answered,
    /// Hung up; waiting for the last answers.
    Ending,
}

/// A live call, as shown.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CallView {
    /// The call within its tenant.
    pub id: CallId,
    /// Owner.
    pub tenant: TenantId,
    /// Caller's number.
    pub from: String,
    /// Dialled number.
    pub to: String,
    /// State.
    pub state: CallState,
    /// INVITE accepted.
    pub start: Wall,
    /// Answered.
    pub answer: Option<Wall>,
    /// Media passes through us.
    pub relayed: bool,
    /// Why audio does not arrive, or did not.
    #[serde(default)]
    pub audio: Vec<AudioTrouble>,
}

/// A conference, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomView {
    /// Owner.
    pub tenant: TenantId,
    /// Its number.
    pub room: u64,
    /// Nobody but moderators comes in.
    pub locked: bool,
    /// In the order in which they came.
    pub members: Vec<RoomMember>,
}

/// A member of a conference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomMember {
    /// His call.
    pub call: CallId,
    /// His number.
    pub number: String,
    /// He may lock it, mute others and end it.
    pub moderator: bool,
    /// The others don't hear him, because he or a moderator wanted it so.
    pub muted: bool,
}

/// What is done to a conference from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RoomCommand {
    /// Members are not heard any more.
    Mute,
    /// They are heard again.
    Unmute,
    /// They are put out.
    Kick,
    /// Nobody but moderators comes in.
    Lock,
    /// Everybody does.
    Unlock,
}

/// Somebody who is kept out, as shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BanView {
    /// An address, or the network that is kept out: a /64, or /24 and /48 when many of it were banned.
    pub address: String,
    /// What was too much: `scanner`, `credentials`, `passwords`, `challenges`, `malformed`, `domains`, `stalled`, `flood`, `neighbours`;
    /// `operator` for a command.
    pub reason: String,
    /// Only datagrams are refused: their source may have been forged.
    pub datagrams_only: bool,
    /// Seconds until it ends.
    pub left_s: u64,
}
