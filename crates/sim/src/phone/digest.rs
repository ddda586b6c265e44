//! The client side of digest (RFC 7616), written apart from the server's.

use md5::{Digest as _, Md5};
use ring::digest::{SHA256, digest};

/// An answer to a challenge, as a header value.
#[must_use]
pub fn answer(challenge: &str, user: &str, password: &str, method: &str, uri: &str, nc: u32) -> String {
    let (realm, nonce) = (part(challenge, "realm=\""), part(challenge, "nonce=\""));
    let sha = challenge.contains("SHA-256");
    let hash = if sha { sha256 } else { md5 };
    let secret = hash(&format!("{user}:{realm}:{password}"));
    let request = hash(&format!("{method}:{uri}"));
    let response = hash(&format!("{secret}:{nonce}:{nc:08x}:c0ffee:auth:{request}"));
    let algorithm = if sha { "SHA-256" } else { "MD5" };
    format!(
        "Digest username=\"{user}\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm={algorithm}, cnonce=\"c0ffee\", qop=auth, nc={nc:08x}"
    )
}

fn part<'a>(text: &'a str, key: &str) -> &'a str {
    text.split_once(key)
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or("", |(value, _)| value)
}

fn md5(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

fn sha256(text: &str) -> String {
    hex(digest(&SHA256, text.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}
