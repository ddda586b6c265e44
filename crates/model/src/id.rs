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
    /// A way to a carrier. Row id of the configuration store; never reused.
    TrunkId
);
impl TrunkId {
    /// The way to other tenants of the server, which every tenant has.
    pub const INSIDE: TrunkId = TrunkId(u64::MAX);
}
id!(
    /// A live call within its tenant. Unique for the life of the process.
    CallId
);
id!(
    /// A media session. Unique within the node for the life of the process.
    MediaSessionId
);
id!(
    /// A sound that a tenant brought. Row id of the configuration store; never reused, and what it names never changes.
    SoundId
);

/// What flows between the legs of a call. Each kind has a media session of its own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamKind {
    /// Sound: what every call has.
    #[default]
    Audio,
    /// Pictures by RTP; packets are passed on as they are.
    Video,
    /// A fax: datagrams of UDPTL (ITU-T T.38), passed on as they are.
    Fax,
}

impl StreamKind {
    /// The kinds that a call may have beside its sound.
    pub const BESIDES: [StreamKind; 2] = [StreamKind::Video, StreamKind::Fax];

    /// A word for commands and records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            StreamKind::Audio => "audio",
            StreamKind::Video => "video",
            StreamKind::Fax => "fax",
        }
    }

    fn number(self) -> u64 {
        match self {
            StreamKind::Audio => 0,
            StreamKind::Video => 1,
            StreamKind::Fax => 2,
        }
    }
}

/// Bits of a session's number: the call below, then the stream, then the tenant.
const CALL_BITS: u32 = 30;
const TENANT_AT: u32 = 32;

impl MediaSessionId {
    /// The session of a stream of a call.
    #[must_use]
    pub fn of(tenant: TenantId, call: CallId, stream: StreamKind) -> MediaSessionId {
        MediaSessionId(tenant.0 << TENANT_AT | stream.number() << CALL_BITS | (call.0 & CallId::LAST.0))
    }

    /// Whose.
    #[must_use]
    pub fn tenant(self) -> TenantId {
        TenantId(self.0 >> TENANT_AT)
    }

    /// Of which call.
    #[must_use]
    pub fn call(self) -> CallId {
        CallId(self.0 & CallId::LAST.0)
    }

    /// Which of its streams.
    #[must_use]
    pub fn stream(self) -> StreamKind {
        match self.0 >> CALL_BITS & 3 {
            1 => StreamKind::Video,
            2 => StreamKind::Fax,
            _ => StreamKind::Audio,
        }
    }
}

impl CallId {
    /// The highest one: what fits into the number of a session.
    pub const LAST: CallId = CallId((1 << CALL_BITS) - 1);
}
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
