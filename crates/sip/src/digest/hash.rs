//! The hashes of digest (RFC 7616 §3.4) and comparison in constant time.
//!
//! It owns no policy: which algorithm is allowed and what a result means is decided by its parent.

use super::Credentials;
use crate::token::{hex_into, unhex};
use md5::{Digest as _, Md5};
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Algorithm {
    Sha256,
    Md5,
}

impl Algorithm {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Sha256 => "SHA-256",
            Algorithm::Md5 => "MD5",
        }
    }

    /// The algorithm that credentials name; naming none means MD5 (RFC 7616 §3.3).
    pub(super) fn named(name: Option<&str>) -> Option<Algorithm> {
        let Some(name) = name else {
            return Some(Algorithm::Md5);
        };
        [Algorithm::Sha256, Algorithm::Md5]
            .into_iter()
            .find(|a| a.as_str().eq_ignore_ascii_case(name))
    }
}

/// What stands for a password: the hash of `username:realm:password` by each algorithm. It can sign for its user,
/// so it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret {
    /// MD5 variant.
    pub md5: [u8; 16],
    /// SHA-256 variant.
    pub sha256: [u8; 32],
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The secret of a user under a realm (RFC 7616 §3.4.2).
#[must_use]
pub fn ha1(username: &str, realm: &str, password: &str) -> Secret {
    let parts = [username, ":", realm, ":", password];
    Secret {
        md5: md5(&parts),
        sha256: sha256(&parts),
    }
}

/// Stands in for the secret of an unknown user, so that it takes the same work.
static NOBODY: Secret = Secret {
    md5: [0; 16],
    sha256: [0; 32],
};

pub(super) fn response_is_right(
    algorithm: Algorithm,
    secret: Option<&Secret>,
    credentials: &Credentials<'_>,
    method: &str,
    cnonce: &str,
) -> bool {
    let hashed = secret.unwrap_or(&NOBODY);
    let right = match algorithm {
        Algorithm::Sha256 => check::<32, 64>(sha256, &hashed.sha256, credentials, method, cnonce),
        Algorithm::Md5 => check::<16, 32>(md5, &hashed.md5, credentials, method, cnonce),
    };
    right & secret.is_some()
}

/// `D` is twice `N`: the digits of a hash of `N` octets.
fn check<const N: usize, const D: usize>(
    hash: fn(&[&str]) -> [u8; N],
    ha1: &[u8; N],
    credentials: &Credentials<'_>,
    method: &str,
    cnonce: &str,
) -> bool {
    let (nc, qop) = (
        credentials.nc.unwrap_or_default(),
        credentials.qop.unwrap_or_default(),
    );
    let asked = (method, credentials.uri);
    let wanted = wanted::<N, D>(hash, ha1, asked, credentials.nonce, Some((nc, cnonce, qop)));
    unhex::<N>(credentials.response).is_some_and(|given| same(&given, &wanted))
}

/// The response to a challenge (RFC 7616 §3.4.1), as hex digits; `counted` is nonce count and client nonce, where there is a `qop`.
pub(super) fn response(
    algorithm: Algorithm,
    secret: &Secret,
    asked: (&str, &str),
    nonce: &str,
    counted: Option<(&str, &str)>,
) -> String {
    let counted = counted.map(|(nc, cnonce)| (nc, cnonce, "auth"));
    let digits = |octets: &[u8]| {
        let mut digits = vec![b'0'; octets.len() * 2];
        hex_into(octets, &mut digits);
        String::from_utf8(digits).unwrap_or_default()
    };
    match algorithm {
        Algorithm::Sha256 => digits(&wanted::<32, 64>(sha256, &secret.sha256, asked, nonce, counted)),
        Algorithm::Md5 => digits(&wanted::<16, 32>(md5, &secret.md5, asked, nonce, counted)),
    }
}

/// What the response must be: to method and URI, counted by `nc`, `cnonce` and `qop` where there are any.
fn wanted<const N: usize, const D: usize>(
    hash: fn(&[&str]) -> [u8; N],
    ha1: &[u8; N],
    (method, uri): (&str, &str),
    nonce: &str,
    counted: Option<(&str, &str, &str)>,
) -> [u8; N] {
    let ha1 = hex::<N, D>(ha1);
    let ha2 = hex::<N, D>(&hash(&[method, ":", uri]));
    let (ha1, ha2) = (text(&ha1), text(&ha2));
    match counted {
        Some((nc, cnonce, qop)) => hash(&[ha1, ":", nonce, ":", nc, ":", cnonce, ":", qop, ":", ha2]),
        None => hash(&[ha1, ":", nonce, ":", ha2]),
    }
}

fn sha256(parts: &[&str]) -> [u8; 32] {
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    parts.iter().for_each(|part| context.update(part.as_bytes()));
    context.finish().as_ref().try_into().unwrap_or_default()
}

fn md5(parts: &[&str]) -> [u8; 16] {
    let mut context = Md5::new();
    parts.iter().for_each(|part| context.update(part.as_bytes()));
    context.finalize().into()
}

fn hex<const N: usize, const D: usize>(bytes: &[u8; N]) -> [u8; D] {
    let mut digits = [b'0'; D];
    hex_into(bytes, &mut digits);
    digits
}

fn text(digits: &[u8]) -> &str {
    std::str::from_utf8(digits).unwrap_or_default()
}

/// Equality that takes the same time wherever the first difference is.
pub(super) fn same(a: &[u8], b: &[u8]) -> bool {
    let differences = a
        .iter()
        .zip(b)
        .fold(0, |seen, (x, y)| std::hint::black_box(seen | (x ^ y)));
    a.len() == b.len() && differences == 0
}
