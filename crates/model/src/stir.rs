//! Who vouches for a caller's number, as policies and records have it (RFC 8224, RFC 8588, ATIS-1000074).

use serde::{Deserialize, Serialize};

/// What becomes of what a carrier's INVITE says by STIR/SHAKEN.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StirPolicy {
    /// Nobody looks at it.
    Off,
    /// Calls with an `Identity` header are verified, and marked by what came of it.
    #[default]
    Verify,
    /// Besides, those are refused whose header proves nothing: forged, stale, about another number. Not while several signers in a row could not
    /// be verified for what may be our own fault.
    Reject,
    /// Only calls come in that somebody vouches for, whosever fault it is when nobody does.
    Require,
}

/// What a phone is told of a caller's number (ATIS-1000074 §5.3.1, 3GPP TS 24.229 §7.2A.20).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Verstat {
    /// Somebody who can be believed vouches for it.
    #[serde(rename = "TN-Validation-Passed")]
    Passed,
    /// Somebody vouches for it, and can't be believed.
    #[serde(rename = "TN-Validation-Failed")]
    Failed,
    /// Nobody does, or who does could not be asked.
    #[serde(rename = "No-TN-Validation")]
    None,
}

impl Verstat {
    /// As signalling and records write it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Verstat::Passed => "TN-Validation-Passed",
            Verstat::Failed => "TN-Validation-Failed",
            Verstat::None => "No-TN-Validation",
        }
    }
}

/// How sure who vouches is (RFC 8588 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Attestation {
    /// The caller is known, and may use the number.
    A,
    /// The caller is known, whether the number is his is not.
    B,
    /// Only where the call came in is known.
    C,
}

impl Attestation {
    /// `A`, `B` or `C`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Attestation::A => "A",
            Attestation::B => "B",
            Attestation::C => "C",
        }
    }
}

/// What came of looking at who vouches for a caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallerCheck {
    /// The outcome.
    pub verstat: Verstat,
    /// How sure who vouches is, where that is proved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attestation: Option<Attestation>,
    /// What was claimed where nothing is proved: for who looks into it, not for phones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed: Option<Attestation>,
    /// Where the call began, in a form that only who vouches can read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origid: Option<String>,
    /// The service provider code of who vouches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spc: Option<String>,
    /// Why nothing is proved, a word: `signature`, `stale`, `unreachable`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl CallerCheck {
    /// The value of the `verstat` parameter, with the level behind it as carriers write it.
    #[must_use]
    pub fn parameter(&self) -> String {
        match self.attestation {
            Some(level) => format!("{}-{}", self.verstat.as_str(), level.as_str()),
            None => self.verstat.as_str().to_owned(),
        }
    }
}

/// Whether callers can be verified changed, as far as that may be our own fault.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StirNews {
    /// Calls of several signers in a row could not be verified: what is to be looked at. `None` = one could again.
    pub why: Option<Box<str>>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_stands_behind_what_passed() {
        let mut check = CallerCheck {
            verstat: Verstat::Passed,
            attestation: Some(Attestation::B),
            claimed: None,
            origid: None,
            spc: None,
            reason: None,
        };
        assert_eq!(check.parameter(), "TN-Validation-Passed-B");
        check.attestation = None;
        check.verstat = Verstat::Failed;
        assert_eq!(check.parameter(), "TN-Validation-Failed");
    }
}
