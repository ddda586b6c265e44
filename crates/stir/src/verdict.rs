//! What verification says: to the phone (`verstat`), to the caller (a status, RFC 8224 §6.2.2), and to who looks at the record.

use crate::passport::Attestation;
use std::fmt;

/// The outcome for one call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// There is no `Identity` header with `ppt` `shaken`: nobody says anything of the caller.
    Absent,
    /// The signer vouches for the caller's number, as far as `attestation` says.
    Passed(Proof),
    /// Nothing is proved.
    Failed {
        /// Why.
        reason: Failure,
        /// What was claimed, where that could be read: for the record, not to be shown.
        claimed: Option<Attestation>,
    },
}

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// How sure the signer is.
    pub attestation: Attestation,
    /// Where the call began, for whoever traces it: printable ASCII, 1 to 64 characters.
    pub origid: Box<str>,
    /// The signer's service provider code, where its certificate has one.
    pub spc: Option<Box<str>>,
}

/// Why verification failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Failure {
    /// The header, or the PASSporT in it, can't be read.
    Malformed,
    /// The PASSporT is in compact form, which has no room for what `shaken` claims.
    Compact,
    /// It is not signed by ES256.
    Algorithm,
    /// `info` is no URL that a certificate may be fetched from.
    Url,
    /// `info` and `x5u` differ.
    UrlsDiffer,
    /// It was signed too long ago.
    Stale,
    /// It was signed in the future.
    FromFuture,
    /// It is about another caller.
    OtherOrig,
    /// It is for somebody else: the call was forwarded, or the header was taken from another call.
    OtherDest,
    /// The certificate could not be fetched.
    Unreachable,
    /// What was fetched is no certificate, or too large.
    CertificateUnreadable,
    /// The certificate has another kind of key or usage, or a critical extension that is not understood.
    CertificateUnsupported,
    /// A certificate of the chain is not valid yet.
    CertificateNotYetValid,
    /// A certificate of the chain is not valid any more.
    CertificateExpired,
    /// No trusted authority stands above the certificate.
    CertificateUntrusted,
    /// The authority that a certificate names has not signed it.
    CertificateForged,
    /// Who signed a certificate may not, or not at that depth.
    CertificateNoAuthority,
    /// The certificate does not say for whose numbers it is (TNAuthList).
    CertificateNoNumbers,
    /// The certificate is for other numbers.
    CertificateOtherNumbers,
    /// The PASSporT is not signed by the certificate's holder.
    Signature,
    /// It came with another call before. Whoever verifies remembers that ([`crate::Verification::fingerprint`]).
    Replayed,
}

/// What a phone is told (ATIS-1000074 §5.3.1, 3GPP TS 24.229 §7.2A.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verstat {
    /// The number is vouched for.
    Passed,
    /// Somebody vouches for it, and can't be believed.
    Failed,
    /// Nobody does, or who does could not be asked.
    None,
}

/// A status by which a call may be refused, where the policy is to refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The status code.
    pub code: u16,
    /// Its reason phrase.
    pub phrase: &'static str,
}

impl Verdict {
    /// What a phone is told.
    #[must_use]
    pub fn verstat(&self) -> Verstat {
        match self {
            Verdict::Passed(_) => Verstat::Passed,
            Verdict::Absent => Verstat::None,
            Verdict::Failed {
                reason: Failure::Unreachable,
                ..
            } => Verstat::None,
            Verdict::Failed { .. } => Verstat::Failed,
        }
    }

    /// How sure a signer who can be believed is.
    #[must_use]
    pub fn attestation(&self) -> Option<Attestation> {
        match self {
            Verdict::Passed(proof) => Some(proof.attestation),
            Verdict::Absent | Verdict::Failed { .. } => None,
        }
    }

    /// The status of RFC 8224 §6.2.2 for a call that is refused for this; `None` for one that passed.
    #[must_use]
    pub fn refusal(&self) -> Option<Refusal> {
        let (code, phrase) = match self {
            Verdict::Passed(_) => return None,
            Verdict::Absent => (428, "Use Identity Header"),
            Verdict::Failed { reason, .. } => reason.status(),
        };
        Some(Refusal { code, phrase })
    }
}

impl Failure {
    fn status(self) -> (u16, &'static str) {
        match self {
            Failure::Stale | Failure::FromFuture => (403, "Stale Date"),
            Failure::Url | Failure::Unreachable | Failure::CertificateUnreadable => {
                (436, "Bad Identity Info")
            }
            Failure::CertificateUnsupported
            | Failure::CertificateNotYetValid
            | Failure::CertificateExpired
            | Failure::CertificateUntrusted
            | Failure::CertificateForged
            | Failure::CertificateNoAuthority
            | Failure::CertificateNoNumbers
            | Failure::CertificateOtherNumbers => (437, "Unsupported Credential"),
            Failure::Malformed
            | Failure::Compact
            | Failure::Algorithm
            | Failure::UrlsDiffer
            | Failure::OtherOrig
            | Failure::OtherDest
            | Failure::Signature
            | Failure::Replayed => (438, "Invalid Identity Header"),
        }
    }

    /// A word for records.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Failure::Malformed => "malformed",
            Failure::Compact => "compact",
            Failure::Algorithm => "algorithm",
            Failure::Url => "url",
            Failure::UrlsDiffer => "urls_differ",
            Failure::Stale => "stale",
            Failure::FromFuture => "from_future",
            Failure::OtherOrig => "other_orig",
            Failure::OtherDest => "other_dest",
            Failure::Unreachable => "unreachable",
            Failure::CertificateUnreadable => "certificate_unreadable",
            Failure::CertificateUnsupported => "certificate_unsupported",
            Failure::CertificateNotYetValid => "certificate_not_yet_valid",
            Failure::CertificateExpired => "certificate_expired",
            Failure::CertificateUntrusted => "certificate_untrusted",
            Failure::CertificateForged => "certificate_forged",
            Failure::CertificateNoAuthority => "certificate_no_authority",
            Failure::CertificateNoNumbers => "certificate_no_numbers",
            Failure::CertificateOtherNumbers => "certificate_other_numbers",
            Failure::Signature => "signature",
            Failure::Replayed => "replayed",
        }
    }
}

impl Verstat {
    /// The value of the `verstat` parameter.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verstat::Passed => "TN-Validation-Passed",
            Verstat::Failed => "TN-Validation-Failed",
            Verstat::None => "No-TN-Validation",
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Verstat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
