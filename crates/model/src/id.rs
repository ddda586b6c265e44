//! Identifiers. Each is a newtype, so that a user cannot be passed where a tenant is meant.

use serde::{Deserialize, Serialize};
use std::fmt;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    };
}

id!(
    /// A company. Row id of the configuration store; never reused.
    TenantId
);
id!(
    /// A person (or a room) of a tenant; owns one extension.
    UserId
);
id!(
    /// A set of SIP credentials of a user.
    DeviceId
);
id!(
    /// A live call within its tenant. Unique for the life of the process.
    CallId
);
id!(
    /// A media session. Unique within the node for the life of the process.
    MediaSessionId
);

/// A recording of a tenant. Its number is random, so that it can't be guessed and never comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RecordingId {
    /// Whose.
    pub tenant: TenantId,
    /// Which.
    pub number: u64,
}

/// Where the sound of several sessions of a tenant meets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId {
    /// Whose.
    pub tenant: TenantId,
    /// Which: of the tenant's choosing.
    pub number: u64,
}

/// Sound of a session that goes to somebody else, over a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ForkId {
    /// Whose.
    pub tenant: TenantId,
    /// Which: of the tenant's choosing, never twice in the life of the process.
    pub number: u64,
}

/// Number of partitions that tenants hash into.
pub const PARTITIONS: u16 = 1024;

/// The unit of ownership and of moving between owners: `0..PARTITIONS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Partition(pub u16);

impl TenantId {
    /// The partition of this tenant; a fixed function, the same on every node and in every version.
    #[must_use]
    pub fn partition(self) -> Partition {
        let mixed = self.0.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 54;
        Partition(u16::try_from(mixed).unwrap_or(0) % PARTITIONS)
    }
}

/// Identifies one call record everywhere and for ever: 128 unguessable bits, printed as 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CdrId(pub [u8; 16]);

impl fmt::Display for CdrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for CdrId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CdrId({self})")
    }
}

impl From<CdrId> for String {
    fn from(id: CdrId) -> String {
        id.to_string()
    }
}

impl TryFrom<String> for CdrId {
    type Error = &'static str;

    fn try_from(text: String) -> Result<CdrId, Self::Error> {
        if text.len() != 32 {
            return Err("a call record id is 32 hex digits");
        }
        let number = u128::from_str_radix(&text, 16).map_err(|_| "a call record id is 32 hex digits")?;
        Ok(CdrId(number.to_be_bytes()))
    }
}
