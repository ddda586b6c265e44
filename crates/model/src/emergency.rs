//! Somebody calls for help.

use crate::{CallId, DeviceId, TenantId};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// An emergency call has begun: people on site are told, so that they can open doors.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EmergencyCall {
    /// Whose.
    pub tenant: TenantId,
    /// Which call.
    pub call: CallId,
    /// The number as it is sent to the carrier.
    pub number: Box<str>,
    /// Extension or number of the caller.
    pub from: Box<str>,
    /// The caller's name.
    pub display: Box<str>,
    /// The phone, where it is one of the tenant.
    pub device: Option<DeviceId>,
    /// Where it speaks from.
    pub address: SocketAddr,
}
