//! A registration as it is kept on disk and moved between owners.

use crate::{CallId, DeviceId, FlowToken, TenantId, UserId, Wall};
use serde::{Deserialize, Serialize};
use std::fmt;

/// What makes a binding the same binding when it is refreshed (RFC 5626 §6, RFC 3261 §10.3).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum BindingKey {
    /// `+sip.instance` with `reg-id`: one flow of one phone, whatever its Contact says today.
    Instance {
        /// The instance URN without its angle brackets and quotes.
        urn: Box<str>,
        /// `reg-id`, 1 or more.
        reg_id: u32,
    },
    /// The Contact URI as it was first sent; equivalent ones (RFC 3261 §19.1.4) share it.
    Contact(Box<str>),
}

/// One binding of an address-of-record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct BindingRecord {
    /// Owner.
    pub tenant: TenantId,
    /// The address-of-record is this user's extension.
    pub user: UserId,
    /// The credentials that registered it.
    pub device: DeviceId,
    /// Identity under the address-of-record.
    pub key: BindingKey,
    /// The Contact URI as it was sent; requests to the phone carry it as Request-URI.
    pub contact: Box<str>,
    /// `+sip.instance` URN, also where the key is the Contact (an instance without `reg-id`).
    pub instance: Option<Box<str>>,
    /// Preference in thousandths, 0..=1000.
    pub q_milli: u16,
    /// When it ends.
    pub expires: Wall,
    /// When it was first made.
    pub since: Wall,
    /// Where the REGISTER came from.
    pub flow: FlowToken,
    /// Call-ID of the registration.
    pub call_id: Box<str>,
    /// CSeq of the last REGISTER that touched it.
    pub cseq: u32,
    /// User-Agent, control characters removed, at most 128 octets.
    pub user_agent: Box<str>,
    /// What most phones don't say: behind a pointer, so that it costs those nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extra: Option<Box<BindingExtra>>,
}

impl BindingRecord {
    /// `reg-id`, where the binding is one flow of an instance.
    #[must_use]
    pub fn reg_id(&self) -> Option<u32> {
        match self.key {
            BindingKey::Instance { reg_id, .. } => Some(reg_id),
            BindingKey::Contact(_) => None,
        }
    }

    /// The way back through proxies, next hop first: Route values of requests to the phone.
    #[must_use]
    pub fn path(&self) -> &[Box<str>] {
        self.extra.as_ref().map_or(&[], |extra| &extra.path)
    }

    /// How to wake the phone, where it said so.
    #[must_use]
    pub fn push(&self) -> Option<&PushTarget> {
        self.extra.as_ref()?.push.as_ref()
    }
}

/// The parts of a binding that few phones need.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BindingExtra {
    /// Path values of the REGISTER (RFC 3327), next hop first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Box<str>>,
    /// Push parameters of the Contact (RFC 8599).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub push: Option<PushTarget>,
}

/// Where a push notification for a phone goes (RFC 8599 §4.1). The values are the phone's; nothing here reads them.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PushTarget {
    /// `pn-provider`: which push service, such as `apns` or `fcm`.
    pub provider: Box<str>,
    /// `pn-prid`: the phone's token at that service. Whoever has it can bother the phone, so it does not print.
    pub prid: Box<str>,
    /// `pn-param`: what else the service wants to know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub param: Option<Box<str>>,
    /// `pn-purr`: names the phone in requests of its own inside dialogs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub purr: Option<Box<str>>,
}

impl fmt::Debug for PushTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PushTarget({}, …)", self.provider)
    }
}

/// A phone is to be woken, for somebody calls its user: what a push service needs to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wake {
    /// Owner.
    pub tenant: TenantId,
    /// Who is called.
    pub user: UserId,
    /// The credentials that registered the phone.
    pub device: DeviceId,
    /// The call that waits.
    pub call: CallId,
    /// Whom to tell.
    pub target: PushTarget,
}

/// What happened to a binding; the journal of these rebuilds the registrar.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum BindingChange {
    /// Made or refreshed.
    Put(Box<BindingRecord>),
    /// Unregistered, expired or replaced.
    Remove {
        /// Owner.
        tenant: TenantId,
        /// Address-of-record.
        user: UserId,
        /// Which.
        key: BindingKey,
    },
}
