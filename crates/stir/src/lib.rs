//! STIR/SHAKEN: who vouches for a caller's number (RFC 8224, 8225, 8226, 8588; conventions of ATIS-1000074).
//!
//! Owns: the text of `Identity` headers, the PASSporTs in them, signing, and what a certificate proves. Does not own: fetching
//! certificates (`node`), which calls are signed or refused (policy), SIP. It knows no clock and no randomness: `now` is handed
//! in as seconds since 1970, and signatures are deterministic (RFC 6979).
//!
//! # Signing
//! ```no_run
//! # fn f(key_pem: &[u8], now: u64) -> Result<(), Box<dyn std::error::Error>> {
//! use stir::{Attestation, Claims, OrigId, Rules, Signer};
//! let signer = Signer::new(key_pem, "https://sti.example/ours.pem", &Rules::default())?;
//! let identity = signer.sign(&Claims {
//!     attestation: Attestation::A,
//!     orig: "+12155550121",
//!     dest: &["+12155550131"],
//!     iat: now,
//!     origid: OrigId::parse("123e4567-e89b-12d3-a456-426655440000").ok_or("no UUID")?,
//! })?;
//! // Identity: <identity>, and a Date of the same second as `iat`.
//! # Ok(()) }
//! ```
//!
//! # Verifying
//! ```no_run
//! # fn f(headers: &[&str], pem: &[u8], root: &[u8], now: u64) -> Result<(), Box<dyn std::error::Error>> {
//! use stir::{Anchors, Begun, Call, Rules, Verification};
//! let call = Call { orig: "+12155550121", dest: "+12155550131" };
//! let anchors = Anchors::parse(root)?;
//! let verdict = match Verification::begin(&Rules::default(), headers.iter().copied(), &call, now) {
//!     Begun::Done(verdict) => verdict,
//!     // Fetch `check.url()`; when that fails: `check.unreachable()`.
//!     Begun::NeedsCertificate(check) => check.with_certificate(pem, &anchors, now),
//! };
//! let _ = (verdict.verstat(), verdict.attestation(), verdict.refusal());
//! # Ok(()) }
//! ```
//!
//! Revocation is not looked at.
#![forbid(unsafe_code)]

mod authority;
mod certificate;
mod chain;
mod header;
mod number;
mod passport;
mod sign;
mod url;
mod verdict;
mod verify;

pub use chain::{AnchorError, Anchors};
pub use number::canonical;
pub use passport::{Attestation, OrigId};
pub use sign::{Claims, ClaimsError, Signer, SignerError};
pub use url::Rules;
pub use verdict::{Failure, Proof, Refusal, Verdict, Verstat};
pub use verify::{Begun, Call, Verification, signer};

/// Octets of one `Identity` header's value; longer ones can't be verified.
pub const MAX_HEADER: usize = 8_192;
/// `Identity` headers of a request that are looked at.
pub const MAX_HEADERS: usize = 8;
/// Octets of what a certificate's URL may lead to.
pub const MAX_CERTIFICATE: usize = 65_536;
/// Certificates in that, the signer's own and those above it.
pub const MAX_CHAIN: usize = 6;
