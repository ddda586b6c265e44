//! Keys in descriptions: `a=crypto` (RFC 4568) with the suites of RFC 4568 §6.2 and RFC 7714 §14.2.
//!
//! Owns: reading and writing the attribute, and our keys for one leg. Does not own: which legs may have keys, and what is
//! done with them (`rtp::srtp`).
//!
//! An attribute is skipped, as RFC 4568 §5.1.2 says of one that can't be served, when its suite is unknown, it brings more
//! than one key, its packets would carry an MKI, or it has a session parameter that must be understood. `WSH` is a hint and
//! changes nothing.

use std::fmt;
use zeroize::Zeroize;

/// Octets of the longest key with its salt.
const LONGEST: usize = 44;
/// The shortest lifetime that is taken, packets: a key of fewer would end in the midst of a call.
const SHORTEST_LIFE: u64 = 1 << 20;
/// The longest one (RFC 3711 §9.2).
const LONGEST_LIFE: u64 = 1 << 48;

/// A crypto suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Suite {
    /// `AEAD_AES_256_GCM`.
    AeadAes256Gcm,
    /// `AEAD_AES_128_GCM`.
    AeadAes128Gcm,
    /// `AES_CM_128_HMAC_SHA1_80`.
    AesCm128HmacSha1_80,
    /// `AES_CM_128_HMAC_SHA1_32`.
    AesCm128HmacSha1_32,
}

impl Suite {
    /// Every suite, the one that we like best first.
    pub const ALL: [Suite; 4] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80,
        Suite::AesCm128HmacSha1_32,
    ];

    /// What an offer of ours names. A tag of 32 bits is taken where a phone wants it and not proposed.
    pub(crate) const OFFERED: [Suite; 3] = [
        Suite::AeadAes256Gcm,
        Suite::AeadAes128Gcm,
        Suite::AesCm128HmacSha1_80,
    ];

    /// The name in descriptions.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Suite::AeadAes256Gcm => "AEAD_AES_256_GCM",
            Suite::AeadAes128Gcm => "AEAD_AES_128_GCM",
            Suite::AesCm128HmacSha1_80 => "AES_CM_128_HMAC_SHA1_80",
            Suite::AesCm128HmacSha1_32 => "AES_CM_128_HMAC_SHA1_32",
        }
    }

    fn parse(name: &str) -> Option<Suite> {
        Suite::ALL
            .into_iter()
            .find(|suite| suite.as_str().eq_ignore_ascii_case(name))
    }

    /// Octets of key and salt.
    fn key_len(self) -> usize {
        match self {
            Suite::AeadAes256Gcm => 44,
            Suite::AeadAes128Gcm => 28,
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => 30,
        }
    }
}

/// A master key with its salt. It never prints and is wiped when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    octets: [u8; LONGEST],
    len: usize,
}

impl Key {
    /// Key and salt, one after the other.
    #[must_use]
    pub fn octets(&self) -> &[u8] {
        self.octets.get(..self.len).unwrap_or_default()
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        self.octets.zeroize();
    }
}

/// One `a=crypto` attribute that can be served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crypto {
    /// Its number within the stream, which an answer repeats.
    pub tag: u32,
    /// The suite.
    pub suite: Suite,
    /// With which the writer protects what it sends.
    pub key: Key,
}

impl Crypto {
    /// Reads the value of the attribute; `None` for one that is malformed or can't be served.
    pub(crate) fn parse(value: &str) -> Option<Crypto> {
        let mut words = value.split_ascii_whitespace();
        let (tag, suite, keys) = (words.next()?, words.next()?, words.next()?);
        if !(1..=9).contains(&tag.len()) || !tag.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let suite = Suite::parse(suite)?;
        if !words.all(is_harmless) {
            return None;
        }
        Some(Crypto {
            tag: tag.parse().ok()?,
            suite,
            key: inline(keys, suite)?,
        })
    }
}

/// Our keys for one leg: one for each suite, of which one comes to be used.
#[derive(Clone, PartialEq, Eq)]
pub struct Keyring {
    keys: [Key; 4],
}

impl Keyring {
    /// New keys. `random` must not be guessable: the keys are as secret as what it gives.
    pub fn new(mut random: impl FnMut() -> u64) -> Keyring {
        let keys = Suite::ALL.map(|suite| {
            let mut octets = [0; LONGEST];
            for chunk in octets.chunks_mut(8) {
                let mut fresh = random().to_be_bytes();
                chunk.iter_mut().zip(fresh).for_each(|(to, from)| *to = from);
                fresh.zeroize();
            }
            let len = suite.key_len();
            octets.iter_mut().skip(len).for_each(|unused| *unused = 0);
            Key { octets, len }
        });
        Keyring { keys }
    }

    /// The key for a suite.
    pub(crate) fn key(&self, suite: Suite) -> Option<&Key> {
        let at = Suite::ALL.iter().position(|known| *known == suite)?;
        self.keys.get(at)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(…)")
    }
}

/// The value of the attribute as we write it.
pub(crate) fn written(tag: u32, suite: Suite, key: &Key) -> String {
    format!("{tag} {} inline:{}", suite.as_str(), base64(key.octets()))
}

/// True for a session parameter that needs no understanding: an optional extension, or a hint of the window's size.
fn is_harmless(parameter: &str) -> bool {
    parameter.starts_with('-')
        || parameter
            .strip_prefix("WSH=")
            .and_then(|size| size.parse::<u16>().ok())
            .is_some_and(|size| size >= 64)
}

/// `inline:` key and salt in base64, then perhaps a lifetime.
fn inline(keys: &str, suite: Suite) -> Option<Key> {
    let (method, info) = keys.split_once(':')?;
    if !method.eq_ignore_ascii_case("inline") || info.contains(';') {
        return None;
    }
    let mut parts = info.split('|');
    let key = unbase64(parts.next()?, suite.key_len())?;
    match (parts.next(), parts.next()) {
        (None, _) => Some(key),
        (Some(life), None) if lifetime(life)? >= SHORTEST_LIFE => Some(key),
        _ => None,
    }
}

/// `2^20` or a plain number of packets. An MKI has a colon and is no number.
fn lifetime(text: &str) -> Option<u64> {
    let life = match text.strip_prefix("2^") {
        Some(power) => 1_u64.checked_shl(power.parse().ok()?)?,
        None => text.parse().ok()?,
    };
    (1..=LONGEST_LIFE).contains(&life).then_some(life)
}

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn base64(octets: &[u8]) -> String {
    let mut text = String::with_capacity(octets.len().div_ceil(3) * 4);
    for chunk in octets.chunks(3) {
        let at = |n: usize| u32::from(chunk.get(n).copied().unwrap_or(0));
        let word = (at(0) << 16) | (at(1) << 8) | at(2);
        for n in 0..4_usize {
            let digit = usize::try_from((word >> (18 - n * 6)) & 0x3F).unwrap_or(0);
            let digit = ALPHABET.get(digit).filter(|_| n <= chunk.len());
            text.push(char::from(digit.copied().unwrap_or(b'=')));
        }
    }
    text
}

/// Exactly so many octets, with or without the `=` at the end.
fn unbase64(text: &str, len: usize) -> Option<Key> {
    let digits = text.trim_end_matches('=');
    if digits.len() != (len * 4).div_ceil(3) || text.len().saturating_sub(digits.len()) > 2 {
        return None;
    }
    let mut octets = [0; LONGEST];
    let mut places = octets.iter_mut();
    let (mut word, mut bits) = (0_u32, 0_u32);
    for digit in digits.bytes() {
        let value = ALPHABET.iter().position(|known| *known == digit)?;
        word = (word << 6) | u32::try_from(value).ok()?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            *places.next()? = u8::try_from((word >> bits) & 0xFF).ok()?;
            word &= (1 << bits) - 1;
        }
    }
    Some(Key { octets, len })
}
