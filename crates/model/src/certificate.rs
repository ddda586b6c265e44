//! Certificates of those who vouch for callers (RFC 8226): what a core wants to have, and what the shell fetched.
//!
//! A core asks by [`FetchCertificate`] and hears exactly one [`FetchedCertificate`] with the same `order`. Asking for each call is
//! right: what was fetched is kept by the shell for as long as it may be.

use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// A certificate is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchCertificate {
    /// Chosen by who asks, handed back with the answer.
    pub order: u64,
    /// Where it lies, an `https` URL. Whoever calls chose it.
    pub url: Box<str>,
}

/// What became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FetchedCertificate {
    /// That of the question.
    pub order: u64,
    /// What was fetched.
    pub outcome: CertificateOutcome,
}

/// How fetching went.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateOutcome {
    /// This lies there: 1 to 65,536 octets of which nothing has been checked.
    Found(Arc<[u8]>),
    /// It may not be fetched: no `https` URL, another port than 443 and 8443, or an address of an inner network.
    Refused,
    /// Nobody answers in time, or the answer is another than 200 with something in it.
    Unreachable,
    /// There is more than a certificate has.
    TooLarge,
    /// Too many others are being fetched. That says nothing of this one.
    Busy,
}
