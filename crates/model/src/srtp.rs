//! Protection of audio: what a tenant wants, and the keys of a leg on their way to the media plane.

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::fmt;
use zeroize::Zeroize;

/// Whether phones protect their audio by SRTP. Keys go through SIP (RFC 4568), so only over TLS or secure WebSocket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SrtpPolicy {
    /// Never.
    None,
    /// Where the phone can.
    #[default]
    Optional,
    /// Always: a call without is refused with 488.
    Required,
}

/// A crypto suite, serialised by its name in SDP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SrtpSuite {
    /// RFC 3711.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_80")]
    AesCm128HmacSha1_80,
    /// RFC 3711, with a short tag.
    #[serde(rename = "AES_CM_128_HMAC_SHA1_32")]
    AesCm128HmacSha1_32,
    /// RFC 7714.
    #[serde(rename = "AEAD_AES_128_GCM")]
    AeadAes128Gcm,
    /// RFC 7714.
    #[serde(rename = "AEAD_AES_256_GCM")]
    AeadAes256Gcm,
}

/// Octets of the longest master key with its salt.
const LONGEST: usize = 44;

/// A master key with its salt. It never prints and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SrtpKey {
    octets: [u8; LONGEST],
    len: usize,
}

impl SrtpKey {
    /// Key and salt, one after the other; `None` when they are longer than any suite's.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<SrtpKey> {
        let mut key = SrtpKey {
            octets: [0; LONGEST],
            len: octets.len(),
        };
        key.octets.get_mut(..octets.len())?.copy_from_slice(octets);
        Some(key)
    }

    /// Key and salt.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for SrtpKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SrtpKey(…)")
    }
}

impl Drop for SrtpKey {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

impl Serialize for SrtpKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.octets().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for SrtpKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<SrtpKey, D::Error> {
        let mut octets = Vec::<u8>::deserialize(deserializer)?;
        let key = SrtpKey::new(&octets);
        octets.zeroize();
        key.ok_or_else(|| de::Error::custom("a key of more than 44 octets"))
    }
}

/// The keys of one leg, both ways.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SrtpKeys {
    /// The suite.
    pub suite: SrtpSuite,
    /// With which we protect what goes to the leg. Never used in two media sessions.
    pub ours: SrtpKey,
    /// With which the leg protects what it sends.
    pub theirs: SrtpKey,
}
