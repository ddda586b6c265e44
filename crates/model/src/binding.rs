//! A registration as it is kept on disk and moved between owners.

use crate::{DeviceId, FlowToken, TenantId, UserId, Wall};
use serde::{Deserialize, Serialize};

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
