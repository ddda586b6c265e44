//! The algorithms: AES in counter mode with HMAC-SHA1 (RFC 3711 §4), AES-GCM (RFC 7714), key derivation (RFC 3711 §4.3).
//!
//! Does not own: indices and packet layouts. Callers pass what is encrypted and what is only authenticated.

use super::{Refused, Suite};
use aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes::{Aes128Enc, Aes256Enc, Block};
use hmac::{Hmac, Mac};
use ring::aead::{AES_128_GCM, AES_256_GCM, Aad, Algorithm, LessSafeKey, Nonce, UnboundKey};
use sha1::Sha1;
use zeroize::Zeroizing;

/// Blocks of key stream made at once; the processor works on them side by side.
const BATCH: usize = 8;
const BLOCK: usize = 16;
/// Octets of an AES-GCM tag.
pub(super) const GCM_TAG: usize = 16;
/// Octets of the HMAC key (RFC 3711 §5.2).
const AUTH_KEY: usize = 20;

/// Which of the two protocols session keys are for; the labels of RFC 3711 §4.3.2 start here.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    Rtp = 0,
    Rtcp = 3,
}

/// Session keys of one protocol.
pub(super) enum Keys {
    Cm(Box<Cm>),
    Gcm(Box<Gcm>),
}

pub(super) struct Cm {
    aes: Aes128Enc,
    salt: Zeroizing<[u8; 14]>,
    mac: Hmac<Sha1>,
    tag_len: usize,
}

pub(super) struct Gcm {
    key: LessSafeKey,
    salt: Zeroizing<[u8; 12]>,
}

impl Keys {
    /// Derives session keys from key and salt; `None` when their length is not the suite's.
    pub(super) fn derive(suite: Suite, master: &[u8], kind: Kind) -> Option<Keys> {
        let (key, salt) = master.split_at_checked(suite.key_len())?;
        if salt.len() != suite.salt_len() {
            return None;
        }
        let prf = Prf::new(key, salt)?;
        let label = kind as u8;
        match suite {
            Suite::AesCm128HmacSha1_80 | Suite::AesCm128HmacSha1_32 => {
                let key = prf.bytes::<16>(label);
                let auth = prf.bytes::<AUTH_KEY>(label.saturating_add(1));
                let tag_len = match (kind, suite) {
                    (Kind::Rtp, _) => suite.rtp_overhead(),
                    // 80 bits whatever the suite (RFC 4568 §6.2.2).
                    (Kind::Rtcp, _) => 10,
                };
                Some(Keys::Cm(Box::new(Cm {
                    aes: Aes128Enc::new_from_slice(&*key).ok()?,
                    salt: prf.bytes(label.saturating_add(2)),
                    mac: <Hmac<Sha1> as KeyInit>::new_from_slice(&*auth).ok()?,
                    tag_len,
                })))
            }
            Suite::AeadAes128Gcm => gcm(&AES_128_GCM, &*prf.bytes::<16>(label), &prf, label),
            Suite::AeadAes256Gcm => gcm(&AES_256_GCM, &*prf.bytes::<32>(label), &prf, label),
        }
    }
}

fn gcm(algorithm: &'static Algorithm, key: &[u8], prf: &Prf, label: u8) -> Option<Keys> {
    Some(Keys::Gcm(Box::new(Gcm {
        key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?),
        salt: prf.bytes(label.saturating_add(2)),
    })))
}

impl Cm {
    pub(super) fn tag_len(&self) -> usize {
        self.tag_len
    }

    /// Encrypts or decrypts: the key stream of this source and index is added (RFC 3711 §4.1.1).
    pub(super) fn crypt(&self, ssrc: u32, index: u64, octets: &mut [u8]) {
        let mut iv = [0; BLOCK];
        if let Some(place) = iv.first_chunk_mut() {
            *place = *self.salt;
        }
        add_index(&mut iv, ssrc, index);
        key_stream(|blocks| self.aes.encrypt_blocks(blocks), &iv, octets);
    }

    /// Writes the tag over both parts into the whole of `tag`, which is not longer than a digest.
    pub(super) fn sign(&self, parts: [&[u8]; 2], tag: &mut [u8]) {
        let digest = self.digest(parts).finalize().into_bytes();
        tag.iter_mut().zip(digest).for_each(|(to, from)| *to = from);
    }

    /// Compares in constant time.
    pub(super) fn verify(&self, parts: [&[u8]; 2], tag: &[u8]) -> Result<(), Refused> {
        let verified = self.digest(parts).verify_truncated_left(tag);
        verified.map_err(|_| Refused::Authentication)
    }

    fn digest(&self, parts: [&[u8]; 2]) -> Hmac<Sha1> {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part));
        mac
    }
}

impl Gcm {
    /// Encrypts in place and gives the tag.
    pub(super) fn seal(
        &self,
        (ssrc, index): (u32, u64),
        aad: &[u8],
        octets: &mut [u8],
    ) -> Result<[u8; GCM_TAG], Refused> {
        let nonce = self.nonce(ssrc, index);
        let tag = self.key.seal_in_place_separate_tag(nonce, Aad::from(aad), octets);
        let tag = tag.map_err(|_| Refused::Exhausted)?;
        tag.as_ref().try_into().map_err(|_| Refused::Room)
    }

    /// Decrypts in place. When the tag is wrong the octets are undefined.
    pub(super) fn open(
        &self,
        (ssrc, index): (u32, u64),
        aad: &[u8],
        octets: &mut [u8],
        tag: [u8; GCM_TAG],
    ) -> Result<(), Refused> {
        let nonce = self.nonce(ssrc, index);
        self.key
            .open_in_place_separate_tag(nonce, Aad::from(aad), tag.into(), octets, 0..)
            .map_err(|_| Refused::Authentication)?;
        Ok(())
    }

    /// RFC 7714 §8.1 and §9.1.
    fn nonce(&self, ssrc: u32, index: u64) -> Nonce {
        let mut block = [0; BLOCK];
        add_index(&mut block, ssrc, index);
        let mut nonce = *self.salt;
        // The same fields as in counter mode, two octets further left.
        for (to, from) in nonce.iter_mut().zip(block.iter().skip(2)) {
            *to ^= from;
        }
        Nonce::assume_unique_for_key(nonce)
    }
}

/// Adds SSRC and 48 bits of index where RFC 3711 §4.1.1 has them.
fn add_index(iv: &mut [u8; BLOCK], ssrc: u32, index: u64) {
    let value = (u128::from(ssrc) << 64) | (u128::from(index) << 16);
    *iv = (u128::from_be_bytes(*iv) ^ value).to_be_bytes();
}

/// Adds AES in counter mode from `iv` on, whose last two octets count blocks from zero.
fn key_stream(encrypt: impl Fn(&mut [Block]), iv: &[u8; BLOCK], octets: &mut [u8]) {
    let mut counter = u128::from_be_bytes(*iv);
    for chunk in octets.chunks_mut(BATCH * BLOCK) {
        let mut blocks = [Block::default(); BATCH];
        let count = chunk.len().div_ceil(BLOCK);
        let used = blocks.get_mut(..count).unwrap_or_default();
        for block in &mut *used {
            *block = Block::from(counter.to_be_bytes());
            counter = counter.wrapping_add(1);
        }
        encrypt(used);
        for (octets, block) in chunk.chunks_mut(BLOCK).zip(used.iter()) {
            octets
                .iter_mut()
                .zip(block.iter())
                .for_each(|(to, key)| *to ^= key);
        }
    }
}

/// The pseudo-random function of RFC 3711 §4.3.3 under one master key.
struct Prf {
    aes: PrfAes,
    salt: Zeroizing<[u8; BLOCK]>,
}

enum PrfAes {
    Aes128(Box<Aes128Enc>),
    Aes256(Box<Aes256Enc>),
}

impl Prf {
    /// A salt of 12 octets is filled up with zeros (RFC 7714 §11).
    fn new(key: &[u8], salt: &[u8]) -> Option<Prf> {
        let mut filled = Zeroizing::new([0; BLOCK]);
        filled.get_mut(..salt.len())?.copy_from_slice(salt);
        let aes = match key.len() {
            16 => PrfAes::Aes128(Box::new(Aes128Enc::new_from_slice(key).ok()?)),
            _ => PrfAes::Aes256(Box::new(Aes256Enc::new_from_slice(key).ok()?)),
        };
        Some(Prf { aes, salt: filled })
    }

    fn bytes<const N: usize>(&self, label: u8) -> Zeroizing<[u8; N]> {
        let iv = u128::from_be_bytes(*self.salt) ^ (u128::from(label) << 64);
        let mut out = Zeroizing::new([0; N]);
        match &self.aes {
            PrfAes::Aes128(aes) => key_stream(|b| aes.encrypt_blocks(b), &iv.to_be_bytes(), &mut *out),
            PrfAes::Aes256(aes) => key_stream(|b| aes.encrypt_blocks(b), &iv.to_be_bytes(), &mut *out),
        }
        out
    }
}

#[cfg(test)]
impl Keys {
    /// Keys as they are, for the vectors that begin after the derivation.
    pub(super) fn session_gcm(suite: Suite, key: &[u8], salt: [u8; 12]) -> Option<Keys> {
        let algorithm = match suite {
            Suite::AeadAes128Gcm => &AES_128_GCM,
            _ => &AES_256_GCM,
        };
        Some(Keys::Gcm(Box::new(Gcm {
            key: LessSafeKey::new(UnboundKey::new(algorithm, key).ok()?),
            salt: Zeroizing::new(salt),
        })))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn octets(hex: &str) -> Vec<u8> {
        let digit = |at| u8::from_str_radix(hex.get(at..at + 2).unwrap(), 16).unwrap();
        (0..hex.len()).step_by(2).map(digit).collect()
    }

    fn hex(octets: &[u8]) -> String {
        octets.iter().map(|o| format!("{o:02x}")).collect()
    }

    /// RFC 3711 B.2.
    #[test]
    fn the_key_stream_is_that_of_the_rfc() {
        let aes = Aes128Enc::new_from_slice(&octets("2b7e151628aed2a6abf7158809cf4f3c")).unwrap();
        let mut iv = [0; BLOCK];
        iv[..14].copy_from_slice(&octets("f0f1f2f3f4f5f6f7f8f9fafbfcfd"));
        let mut stream = vec![0; (0xff01 + 1) * BLOCK];
        key_stream(|b| aes.encrypt_blocks(b), &iv, &mut stream);
        for (at, block) in [
            (0x0000, "e03ead0935c95e80e166b16dd92b4eb4"),
            (0x0001, "d23513162b02d0f72a43a2fe4a5f97ab"),
            (0x0002, "41e95b3bb0a2e8dd477901e4fca894c0"),
            (0xfeff, "ec8cdf7398607cb0f2d21675ea9ea1e4"),
            (0xff00, "362b7c3c6773516318a077d7fc5073ae"),
            (0xff01, "6a2cc3787889374fbeb4c81b17ba6c44"),
        ] {
            assert_eq!(hex(&stream[at * BLOCK..(at + 1) * BLOCK]), block, "{at:x}");
        }
    }

    /// RFC 3711 B.3.
    #[test]
    fn session_keys_are_those_of_the_rfc() {
        let prf = Prf::new(
            &octets("e1f97a0d3e018be0d64fa32c06de4139"),
            &octets("0ec675ad498afeebb6960b3aabe6"),
        )
        .unwrap();
        assert_eq!(hex(&*prf.bytes::<16>(0)), "c61e7a93744f39ee10734afe3ff7a087");
        assert_eq!(hex(&*prf.bytes::<14>(2)), "30cbbc08863d8c85d49db34a9ae1");
        let auth = "cebe321f6ff7716b6fd4ab49af256a156d38baa48f0a0acf3c34e2359e6cdbcee049646c43d9327ad175578ef722709863\
            71c10c9a369ac2f94a8c5fbcdddc256d6e919a48b610ef17c2041e474035766b68642c59bbfc2f34db60dbdfb2";
        assert_eq!(hex(&*prf.bytes::<94>(1)), auth);
    }

    #[test]
    fn a_key_of_another_length_derives_nothing() {
        for suite in Suite::ALL {
            let master = vec![7; suite.master_len() + 1];
            assert!(Keys::derive(suite, &master[1..], Kind::Rtp).is_some());
            assert!(Keys::derive(suite, &master, Kind::Rtp).is_none());
            assert!(Keys::derive(suite, &master[2..], Kind::Rtp).is_none());
            assert!(Keys::derive(suite, &[], Kind::Rtp).is_none());
        }
    }
}
