//! PASSporTs with `ppt` `shaken`: two JSON objects in base64url (RFC 8225, RFC 8588).
//!
//! They are written with their members in lexicographic order and without blanks (RFC 8225 §9). They are read in any order: what
//! is signed is the text as it came.

use base64ct::{Base64UrlUnpadded, Encoding};
use serde::{Deserialize, Serialize};
use std::fmt;

/// How sure the signer is of the caller's number (RFC 8588 §4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Attestation {
    /// Full: the caller is known, and may use the number.
    A,
    /// Partial: the caller is known, whether the number is his is not.
    B,
    /// Gateway: only where the call came in is known.
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

    /// Reads that letter.
    #[must_use]
    pub fn parse(letter: &str) -> Option<Attestation> {
        [Attestation::A, Attestation::B, Attestation::C]
            .into_iter()
            .find(|known| known.as_str() == letter)
    }
}

/// Where a call began, in a form that only its signer can read: a UUID (RFC 8588 §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrigId(u128);

impl OrigId {
    /// From 16 octets.
    #[must_use]
    pub fn new(octets: [u8; 16]) -> OrigId {
        OrigId(u128::from_be_bytes(octets))
    }

    /// Reads the form with four hyphens.
    #[must_use]
    pub fn parse(text: &str) -> Option<OrigId> {
        let hex: String = text.chars().filter(|c| *c != '-').collect();
        let is_hex = hex.len() == 32 && hex.bytes().all(|b| b.is_ascii_hexdigit());
        let id = OrigId(u128::from_str_radix(&hex, 16).ok().filter(|_| is_hex)?);
        id.to_string().eq_ignore_ascii_case(text).then_some(id)
    }
}

impl fmt::Display for OrigId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        let mut at = 0;
        for (index, length) in [8, 4, 4, 4, 12].into_iter().enumerate() {
            let hyphen = if index == 0 { "" } else { "-" };
            write!(f, "{hyphen}{}", hex.get(at..at + length).unwrap_or_default())?;
            at += length;
        }
        Ok(())
    }
}

/// The JOSE header.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) alg: String,
    #[serde(default)]
    pub(crate) ppt: Option<String>,
    #[serde(default)]
    pub(crate) typ: Option<String>,
    #[serde(default)]
    pub(crate) x5u: Option<String>,
}

/// The claims.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Payload {
    pub(crate) attest: Attestation,
    pub(crate) dest: Dest,
    pub(crate) iat: u64,
    pub(crate) orig: Orig,
    pub(crate) origid: String,
}

/// Whom the call is for.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Dest {
    #[serde(default)]
    pub(crate) tn: Vec<String>,
}

/// Whom it is from.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orig {
    pub(crate) tn: String,
}

/// A piece of a PASSporT; `None` for what can't be written, which these are not.
pub(crate) fn write<T: Serialize>(piece: &T) -> Option<String> {
    let json = serde_json::to_vec(piece).ok()?;
    Some(Base64UrlUnpadded::encode_string(&json))
}

/// Reads one.
pub(crate) fn read<T: for<'a> Deserialize<'a>>(piece: &str) -> Option<T> {
    serde_json::from_slice(&octets(piece)?).ok()
}

/// What a piece stands for.
pub(crate) fn octets(piece: &str) -> Option<Vec<u8>> {
    Base64UrlUnpadded::decode_vec(piece).ok()
}

/// A piece of octets.
pub(crate) fn text(octets: &[u8]) -> String {
    Base64UrlUnpadded::encode_string(octets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uuid_is_read_and_written() {
        let text = "123e4567-e89b-12d3-a456-426655440000";
        let id = OrigId::parse(text).unwrap();
        assert_eq!(id.to_string(), text);
        assert_eq!(OrigId::parse(&text.to_uppercase()), Some(id));
        assert_eq!(
            OrigId::new([0xFF; 16]).to_string(),
            "ffffffff-ffff-ffff-ffff-ffffffffffff"
        );
        for bad in [
            "",
            "123e4567e89b12d3a456426655440000",
            "+23e4567-e89b-12d3-a456-426655440000",
            &text[1..],
            "1-23e4567-e89b-12d3-a456-42665544000",
        ] {
            assert_eq!(OrigId::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn levels_are_letters() {
        for level in [Attestation::A, Attestation::B, Attestation::C] {
            assert_eq!(Attestation::parse(level.as_str()), Some(level));
        }
        assert_eq!(Attestation::parse("a"), None);
    }

    #[test]
    fn claims_of_the_wrong_shape_are_not_read() {
        let good = r#"{"attest":"A","dest":{"tn":["1"]},"iat":1,"orig":{"tn":"2"},"origid":"x"}"#;
        assert!(read::<Payload>(&text(good.as_bytes())).is_some());
        let deep = format!(r#"{{"x":{}1{}}}"#, "[".repeat(3_000), "]".repeat(3_000));
        for (part, wrong) in [
            (r#""A""#, r#""D""#),
            (r#""A""#, r#""a""#),
            (r#"["1"]"#, r#""1""#),
            (r#""iat":1"#, r#""iat":"1""#),
            (r#""iat":1"#, r#""iat":-1"#),
            (r#""iat":1"#, r#""iat":1,"iat":2"#),
            (r#"{"tn":"2"}"#, r#"{"uri":"sip:a@b"}"#),
            (r#""orig":"#, r#""from":"#),
            (good, ""),
            (good, "[]"),
            (good, deep.as_str()),
        ] {
            let bad = good.replacen(part, wrong, 1);
            assert!(read::<Payload>(&text(bad.as_bytes())).is_none(), "{bad}");
        }
    }
}
