//! How audio travels with DTLS-SRTP (RFC 5763), and with ICE (RFC 8445) where a browser speaks so, as the media plane is told.
//!
//! Does not own: how that is agreed on (`sdp`), and what is done with it (`media`).

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::SocketAddr;

/// Name and password of one side of an ICE session (RFC 8445 §5.3). The password does not print.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCredentials {
    /// User name fragment.
    pub ufrag: Box<str>,
    /// Password.
    pub pwd: Box<str>,
}

impl fmt::Debug for IceCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IceCredentials")
            .field("ufrag", &self.ufrag)
            .finish_non_exhaustive()
    }
}

/// An address where the leg may be reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceCandidate {
    /// Where. Of a relayed candidate, the address on the TURN server.
    pub address: SocketAddr,
    /// Its priority (RFC 8445 §5.1.2).
    pub priority: u32,
}

/// A hash function that fingerprints are made with (RFC 8122 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DigestName {
    /// SHA-256, which everybody knows.
    Sha256,
    /// SHA-384.
    Sha384,
    /// SHA-512.
    Sha512,
}

/// What a certificate must hash to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// By this function.
    pub digest: DigestName,
    /// Octets of the hash.
    pub octets: Vec<u8>,
}

/// All that a leg with DTLS-SRTP has agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebTransport {
    /// How it finds its addresses; `None` = not by ICE: they are those of its description, and it is believed as any phone is.
    pub ice: Option<IceTransport>,
    /// We begin the DTLS handshake.
    pub active: bool,
    /// Which of our certificates it was told of.
    pub certificate: u8,
    /// Its certificate must have one of these; of the digests that are there the strongest counts.
    pub fingerprints: Vec<Fingerprint>,
}

/// What a leg with ICE has agreed on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct IceTransport {
    /// Our side of ICE.
    pub ours: IceCredentials,
    /// From which transactions and the tie-breaker are made: random, and not the leg's to know, or it could answer checks
    /// that it never saw and have us send to somebody else (RFC 7675 §8).
    pub seed: [u64; 2],
    /// The leg's.
    pub theirs: IceCredentials,
    /// Where the leg may be reached; more are learnt from its checks.
    pub candidates: Vec<IceCandidate>,
    /// It is an ICE-lite agent: it sends no checks.
    pub lite: bool,
    /// We nominate.
    pub controlling: bool,
}
