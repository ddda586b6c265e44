//! The client's half of digest authentication (RFC 7616, RFC 8760), as a phone does it.
//!
//! Owns: choosing one of several challenges and answering it. Written apart from the `sip` crate, so that a
//! mistake there is seen here.

use md5::Digest as _;
use std::fmt::Write as _;

/// Hash that the phone wants to use where the server leaves the choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Algorithm {
    /// What most phones know, and what every peer offers.
    Md5,
    /// RFC 8760.
    Sha256,
}

impl Algorithm {
    fn named(self) -> &'static str {
        match self {
            Algorithm::Md5 => "MD5",
            Algorithm::Sha256 => "SHA-256",
        }
    }

    fn of(challenge: &str) -> Option<Algorithm> {
        match parameter(challenge, "algorithm").to_ascii_uppercase().as_str() {
            "" | "MD5" => Some(Algorithm::Md5),
            "SHA-256" => Some(Algorithm::Sha256),
            _ => None,
        }
    }

    fn hex(self, text: &str) -> String {
        let mut out = String::with_capacity(64);
        let mut put = |bytes: &[u8]| {
            for byte in bytes {
                let _ = write!(out, "{byte:02x}");
            }
        };
        match self {
            Algorithm::Md5 => put(&md5::Md5::digest(text.as_bytes())),
            Algorithm::Sha256 => put(ring::digest::digest(&ring::digest::SHA256, text.as_bytes()).as_ref()),
        }
        out
    }
}

/// Who asks for what.
pub(crate) struct Request<'a> {
    /// Digest username.
    pub(crate) username: &'a str,
    /// Password in the clear.
    pub(crate) password: &'a str,
    /// SIP method.
    pub(crate) method: &'a str,
    /// Request-URI.
    pub(crate) uri: &'a str,
}

/// The value of the Authorization header for one of `challenges`: the one with the wished hash, else the first
/// that we can answer. `None` when there is none.
pub(crate) fn answer<'a>(
    challenges: impl Iterator<Item = &'a str>,
    wish: Algorithm,
    request: &Request<'_>,
) -> Option<String> {
    let mut chosen = None;
    for challenge in challenges {
        let Some(algorithm) = Algorithm::of(challenge) else {
            continue;
        };
        if algorithm == wish {
            chosen = Some((challenge, algorithm));
            break;
        }
        chosen = chosen.or(Some((challenge, algorithm)));
    }
    chosen.map(|(challenge, algorithm)| respond(challenge, algorithm, request))
}

fn respond(challenge: &str, algorithm: Algorithm, request: &Request<'_>) -> String {
    const CNONCE: &str = "6f1d2ab7";
    let Request {
        username,
        password,
        method,
        uri,
    } = request;
    let (realm, nonce) = (parameter(challenge, "realm"), parameter(challenge, "nonce"));
    let opaque = parameter(challenge, "opaque");
    let secret = algorithm.hex(&format!("{username}:{realm}:{password}"));
    let action = algorithm.hex(&format!("{method}:{uri}"));
    let response = algorithm.hex(&format!("{secret}:{nonce}:00000001:{CNONCE}:auth:{action}"));
    let name = algorithm.named();
    let mut value = format!(
        "Digest username=\"{username}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", \
         response=\"{response}\", algorithm={name}, cnonce=\"{CNONCE}\", qop=auth, nc=00000001"
    );
    if !opaque.is_empty() {
        let _ = write!(value, ", opaque=\"{opaque}\"");
    }
    value
}

/// A parameter of a challenge, quoted or not; empty when absent.
fn parameter<'a>(challenge: &'a str, name: &str) -> &'a str {
    let list = challenge
        .trim_start()
        .strip_prefix("Digest ")
        .unwrap_or(challenge);
    let mut rest = list;
    while let Some((key, after)) = rest.split_once('=') {
        let key = key.trim_matches([' ', ',', '\t']);
        let (value, next) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').unwrap_or((quoted, "")),
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if key.eq_ignore_ascii_case(name) {
            return value.trim();
        }
        rest = next;
    }
    ""
}

#[cfg(test)]
mod tests {
    use super::*;

    const MD5: &str = r#"Digest realm="b.local", qop="auth", algorithm=MD5, nonce="n,1=", opaque="o""#;
    const SHA: &str = r#"Digest realm="b.local",algorithm=SHA-256,nonce="n2",qop="auth,auth-int""#;

    #[test]
    fn parameters_may_be_quoted_and_hold_commas() {
        assert_eq!(parameter(MD5, "nonce"), "n,1=");
        assert_eq!(parameter(SHA, "algorithm"), "SHA-256");
        assert_eq!(parameter(SHA, "qop"), "auth,auth-int");
        assert_eq!(parameter(SHA, "opaque"), "");
    }

    #[test]
    fn the_wished_hash_wins_and_any_known_one_will_do() {
        let request = Request {
            username: "u",
            password: "p",
            method: "REGISTER",
            uri: "sip:b.local",
        };
        let both = || [SHA, MD5].into_iter();
        assert!(
            answer(both(), Algorithm::Md5, &request)
                .unwrap()
                .contains("algorithm=MD5")
        );
        assert!(
            answer(both(), Algorithm::Sha256, &request)
                .unwrap()
                .contains("algorithm=SHA-256")
        );
        assert!(
            answer([SHA].into_iter(), Algorithm::Md5, &request)
                .unwrap()
                .contains("nonce=\"n2\"")
        );
        assert!(answer(["Basic realm=x"].into_iter().take(0), Algorithm::Md5, &request).is_none());
    }

    #[test]
    fn hashes_are_lower_case_hexadecimal() {
        assert_eq!(Algorithm::Md5.hex("abc"), "900150983cd24fb0d6963f7d28e17f72");
        assert!(Algorithm::Sha256.hex("abc").starts_with("ba7816bf8f01cfea"));
    }
}
