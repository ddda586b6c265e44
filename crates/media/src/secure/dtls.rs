//! What a shell lends the core for DTLS, and the check of certificates.
//!
//! Owns: the seam, and fingerprints (RFC 8122). Does not own: DTLS. A handshake needs randomness and a private key, which no
//! core has, so the shell brings endpoints that work as state machines; a simulation brings its own.

use model::{DigestName, Fingerprint, SrtpSuite};
use ring::digest::{Algorithm, SHA256, SHA384, SHA512, digest};
use std::fmt::{self, Debug};
use std::time::Duration;

/// What a handshake has come to.
pub enum DtlsOutput {
    /// Send this to the leg.
    Datagram(Vec<u8>),
    /// The leg has shown, and proven, this certificate (DER).
    Certificate(Vec<u8>),
    /// Both have these keys now (RFC 5764 §4.2): key and salt, one after the other.
    Keys {
        /// What was agreed on.
        suite: SrtpSuite,
        /// Of who began.
        client: Vec<u8>,
        /// Of the other.
        server: Vec<u8>,
    },
    /// It is over without keys; nothing more comes of it.
    Failed,
}

/// It may hold keys.
impl Debug for DtlsOutput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            DtlsOutput::Datagram(_) => "Datagram(…)",
            DtlsOutput::Certificate(_) => "Certificate(…)",
            DtlsOutput::Keys { .. } => "Keys(…)",
            DtlsOutput::Failed => "Failed",
        })
    }
}

/// One DTLS endpoint. After each `handle_*`, drain [`Dtls::poll`].
pub trait Dtls: Debug + Send {
    /// Takes a datagram of the leg.
    fn handle_datagram(&mut self, datagram: &[u8], now: Duration);
    /// Does what is due.
    fn handle_timeout(&mut self, now: Duration);
    /// What comes of it.
    fn poll(&mut self) -> Option<DtlsOutput>;
    /// When [`Dtls::handle_timeout`] must be called.
    fn poll_timeout(&self) -> Option<Duration>;
}

/// What an endpoint does first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DtlsRole {
    /// It begins the handshake.
    Active,
    /// It waits for a hello, of whom ICE has shown that he is where he says.
    Passive,
    /// It waits for a hello of anybody, and has it said again with a cookie before it answers with more (RFC 6347 §4.2.1).
    Wary,
}

/// Makes endpoints.
pub trait DtlsSource: Debug + Send {
    /// A new one, with certificate number `certificate`. `None` when there is no such certificate.
    fn begin(&mut self, certificate: u8, role: DtlsRole, now: Duration) -> Option<Box<dyn Dtls>>;
}

/// True when a certificate is one that the leg's description names: of its fingerprints those by the strongest function
/// count (RFC 8122 §5).
pub(super) fn is_named(certificate: &[u8], fingerprints: &[Fingerprint]) -> bool {
    let known: [(DigestName, &'static Algorithm); 3] = [
        (DigestName::Sha512, &SHA512),
        (DigestName::Sha384, &SHA384),
        (DigestName::Sha256, &SHA256),
    ];
    for (name, algorithm) in known {
        let mut named = fingerprints
            .iter()
            .filter(|print| print.digest == name)
            .peekable();
        if named.peek().is_some() {
            let found = digest(algorithm, certificate);
            return named.any(|print| print.octets == found.as_ref());
        }
    }
    false
}
