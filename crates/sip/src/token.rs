//! Unguessable identifiers, reproducible from a seed: tags, branches, Call-IDs, session ids.
//!
//! It owns a stream of pseudo-random octets (HMAC-SHA256 of a counter under the seed) and the form of the tags
//! and branches that carry their owner (RFC 3261 §8.1.1.7, §19.3). The shell supplies the seed.

use ring::hmac;
use std::fmt::{self, Write};
use std::hash::{DefaultHasher, Hasher};

/// What a branch of RFC 3261 begins with.
pub const MAGIC_COOKIE: &str = "z9hG4bK";

/// A stream of tokens. The same seed gives the same tokens.
pub struct TokenSource {
    key: hmac::Key,
    counter: u64,
    block: [u8; 32],
    used: usize,
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource(…)")
    }
}

/// Sixteen lower-case hex digits: 64 unguessable bits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hex16([u8; 16]);

impl Hex16 {
    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl std::ops::Deref for Hex16 {
    type Target = str;

    fn deref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for Hex16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Hex16 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl TokenSource {
    /// A stream from 32 octets that nobody else knows.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> TokenSource {
        TokenSource {
            key: hmac::Key::new(hmac::HMAC_SHA256, &seed),
            counter: 0,
            block: [0; 32],
            used: 32,
        }
    }

    /// 64 bits.
    pub fn u64(&mut self) -> u64 {
        u64::from_be_bytes(self.take())
    }

    /// 128 bits.
    pub fn bytes16(&mut self) -> [u8; 16] {
        self.take()
    }

    /// 64 bits as hex.
    pub fn hex16(&mut self) -> Hex16 {
        let mut digits = [0; 16];
        hex_into(&self.take::<8>(), &mut digits);
        Hex16(digits)
    }

    /// A number in `0..bound`; zero when `bound` is zero. Its bias is below 2⁻³² for bounds below 2³².
    pub fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.u64()) * u128::from(bound);
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A From or To tag that says whose it is: `<owner in hex>-<16 hex digits>`.
    pub fn tag(&mut self, owner: u64) -> String {
        self.owned("", owner)
    }

    /// A Via branch that says whose it is: `z9hG4bK<owner in hex>-<16 hex digits>`.
    pub fn branch(&mut self, owner: u64) -> String {
        self.owned(MAGIC_COOKIE, owner)
    }

    fn owned(&mut self, prefix: &str, owner: u64) -> String {
        let mut text = String::with_capacity(prefix.len() + 33);
        let random = self.hex16();
        // Writing into a String does not fail.
        let _ = write!(text, "{prefix}{owner:x}-{random}");
        text
    }

    fn take<const N: usize>(&mut self) -> [u8; N] {
        if self.used + N > self.block.len() {
            self.refill();
        }
        let slice = self.block.get(self.used..self.used + N);
        self.used += N;
        slice.and_then(|s| s.try_into().ok()).unwrap_or([0; N])
    }

    fn refill(&mut self) {
        let tag = hmac::sign(&self.key, &self.counter.to_be_bytes());
        self.counter += 1;
        self.used = 0;
        if let Ok(block) = tag.as_ref().try_into() {
            self.block = block;
        }
    }
}

/// Makes tags that follow from what they are made of: the same again for a copy of a message, unknown to strangers
/// (RFC 3261 §8.2.7).
#[derive(Clone)]
pub struct TagKey(DefaultHasher);

impl fmt::Debug for TagKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TagKey(…)")
    }
}

impl TagKey {
    /// A key of its own from a seed that may serve for other things, too.
    #[must_use]
    pub fn new(seed: [u8; 32]) -> TagKey {
        let mut hasher = DefaultHasher::new();
        hasher.write(&derive(&seed, "tag of a stateless answer"));
        TagKey(hasher)
    }

    /// The tag that belongs to a Call-ID and a branch. A keyed hash that is made for short texts: a tag has 64 bits,
    /// and nobody sees enough of them to learn the key.
    #[must_use]
    pub fn tag(&self, call_id: &str, branch: &str) -> Hex16 {
        let mut hasher = self.0.clone();
        for part in [call_id, branch] {
            hasher.write(part.as_bytes());
            hasher.write_u8(0xff);
        }
        let mut digits = [0; 16];
        hex_into(&hasher.finish().to_be_bytes(), &mut digits);
        Hex16(digits)
    }
}

/// A key for one purpose from a seed that serves for several: none tells anything about another.
#[must_use]
pub fn derive(seed: &[u8; 32], purpose: &str) -> [u8; 32] {
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, seed), purpose.as_bytes());
    tag.as_ref().try_into().unwrap_or(*seed)
}

/// Signs what goes out and comes back later: HMAC-SHA256 under a key of its own.
#[derive(Clone)]
pub struct Seal(hmac::Key);

impl fmt::Debug for Seal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seal(…)")
    }
}

impl Seal {
    /// For one purpose, from a seed that may serve for several.
    #[must_use]
    pub fn new(seed: &[u8; 32], purpose: &str) -> Seal {
        Seal(hmac::Key::new(hmac::HMAC_SHA256, &derive(seed, purpose)))
    }

    /// The signature, 64 hex digits.
    #[must_use]
    pub fn sign(&self, text: &[u8]) -> String {
        let mut digits = [0; 64];
        hex_into(hmac::sign(&self.0, text).as_ref(), &mut digits);
        String::from_utf8_lossy(&digits).into_owned()
    }

    /// True for the signature of `text`; takes the same time wherever it differs.
    #[must_use]
    pub fn verify(&self, text: &[u8], signature: &str) -> bool {
        // Lower case alone, so that there is one way to write each.
        let plain = signature.bytes().all(|b| !b.is_ascii_uppercase());
        plain && unhex::<32>(signature).is_some_and(|tag| hmac::verify(&self.0, text, &tag).is_ok())
    }

    /// 64 bits of the signature: to see whether two texts are the same without keeping them.
    #[must_use]
    pub fn short(&self, text: &[u8]) -> Hex16 {
        let mut digits = [0; 16];
        hex_into(hmac::sign(&self.0, text).as_ref(), &mut digits);
        Hex16(digits)
    }
}

/// The owner that [`TokenSource::tag`] wrote into a tag; `None` for a tag that is not ours.
#[must_use]
pub fn owner_of_tag(tag: &str) -> Option<u64> {
    let (owner, random) = tag.split_once('-')?;
    if random.len() != 16
        || owner.is_empty()
        || !owner.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'))
    {
        return None;
    }
    u64::from_str_radix(owner, 16).ok()
}

/// The owner that [`TokenSource::branch`] wrote into a branch; `None` for a branch that is not ours.
#[must_use]
pub fn owner_of_branch(branch: &str) -> Option<u64> {
    owner_of_tag(branch.strip_prefix(MAGIC_COOKIE)?)
}

/// Writes lower-case hex digits, two per octet, as far as `out` reaches.
pub(crate) fn hex_into(bytes: &[u8], out: &mut [u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    for (byte, pair) in bytes.iter().zip(out.chunks_exact_mut(2)) {
        let digit = |nibble: u8| DIGITS.get(usize::from(nibble)).copied().unwrap_or(b'0');
        if let [high, low] = pair {
            (*high, *low) = (digit(byte >> 4), digit(byte & 15));
        }
    }
}

/// Reads exactly `N` octets of hex, in either case.
pub(crate) fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N {
        return None;
    }
    for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
        let [high, low] = pair else { return None };
        *byte = nibble(*high)? << 4 | nibble(*low)?;
    }
    Some(bytes)
}

fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}
