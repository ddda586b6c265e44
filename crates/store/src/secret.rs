//! Passwords at rest and the digest secrets made of them (RFC 7616 §3.4.2).
//!
//! Owns: the key file, sealing (AES-256-GCM, the row's identity as associated data), HA1. Does not own:
//! which row a sealed password lies in.

use crate::StoreError;
use md5::{Digest, Md5};
use model::{DeviceId, DigestSecret, TenantId, TrunkId};
use ring::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::digest::{SHA256, digest};
use ring::hmac;
use ring::rand::{SecureRandom, SystemRandom};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// First octet of a sealed password: how the rest is read.
const FORMAT: u8 = 1;
/// Octets of an AES-256 key.
const KEY_OCTETS: usize = 32;
/// Longest password, octets: longer ones only cost time in every digest.
const PASSWORD_OCTETS: usize = 128;

/// A SIP password on its way to the database or, once, to a person. Never prints by itself.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

impl Password {
    /// Takes a chosen password.
    ///
    /// # Errors
    /// [`StoreError::Invalid`] when it is empty, longer than 128 octets, or has control characters.
    pub fn new(text: impl Into<String>) -> Result<Password, StoreError> {
        let text = text.into();
        if text.is_empty() || text.len() > PASSWORD_OCTETS || text.chars().any(char::is_control) {
            return Err(StoreError::Invalid {
                what: "password",
                value: String::new(),
                rule: "must have 1 to 128 octets and no control characters",
            });
        }
        Ok(Password(text))
    }

    /// Makes one of 130 random bits: 26 letters and digits that are hard to confuse.
    ///
    /// # Errors
    /// [`StoreError::Database`] when the system gives no randomness.
    pub fn generate() -> Result<Password, StoreError> {
        const LETTERS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
        let octets: [u8; 26] = random()?;
        let letter = |o: &u8| LETTERS.get(usize::from(o % 32)).copied().map(char::from);
        Ok(Password(octets.iter().filter_map(letter).collect()))
    }

    /// The password itself, to be shown once or typed into a phone.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

/// What digest needs instead of a password: MD5 and SHA-256 of `username:realm:password`.
#[must_use]
pub fn ha1(username: &str, realm: &str, password: &Password) -> DigestSecret {
    let text = format!("{username}:{realm}:{}", password.0);
    let mut secret = DigestSecret {
        md5: Md5::digest(text.as_bytes()).into(),
        sha256: [0; 32],
    };
    secret
        .sha256
        .copy_from_slice(digest(&SHA256, text.as_bytes()).as_ref());
    secret
}

/// The key that seals passwords, as loaded from its file.
pub(crate) struct Key {
    path: PathBuf,
    aead: LessSafeKey,
    /// Makes keys for other purposes.
    deriving: hmac::Key,
}

/// Which row a sealed text belongs to: moved to another row it does not open.
#[derive(Clone, Copy)]
pub(crate) struct Place {
    pub(crate) tenant: TenantId,
    pub(crate) device: DeviceId,
}

impl Place {
    /// The place of the text by which a wrong key is noticed. No row has id zero.
    pub(crate) const CHECK: Place = Place {
        tenant: TenantId(0),
        device: DeviceId(0),
    };

    /// That of a trunk's password: ids of trunks and devices are alike, their places are not.
    pub(crate) fn trunk(tenant: TenantId, trunk: TrunkId) -> Place {
        Place {
            tenant,
            device: DeviceId(trunk.0 | 1 << 63),
        }
    }

    fn associated(self) -> [u8; 16] {
        (u128::from(self.tenant.0) << 64 | u128::from(self.device.0)).to_be_bytes()
    }
}

impl Key {
    pub(crate) fn path_in(dir: &Path) -> PathBuf {
        dir.join("secret.key")
    }

    /// Reads the file; `None` when there is none.
    pub(crate) fn load(dir: &Path) -> Result<Option<Key>, StoreError> {
        let path = Key::path_in(dir);
        let meta = match fs::metadata(&path) {
            Ok(meta) => meta,
            Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(StoreError::path(&path, e)),
        };
        if meta.mode() & 0o077 != 0 {
            return Err(StoreError::KeyExposed { path });
        }
        let octets = fs::read(&path).map_err(|e| StoreError::path(&path, e))?;
        Key::new(path, &octets).map(Some)
    }

    /// Makes a new key and its file. The file appears whole or not at all.
    pub(crate) fn create(dir: &Path) -> Result<Key, StoreError> {
        let octets: [u8; KEY_OCTETS] = random()?;
        let path = Key::path_in(dir);
        write_whole(dir, &path, &octets).map_err(|e| StoreError::path(&path, e))?;
        Key::new(path, &octets)
    }

    fn new(path: PathBuf, octets: &[u8]) -> Result<Key, StoreError> {
        match UnboundKey::new(&AES_256_GCM, octets) {
            Ok(key) => Ok(Key {
                path,
                aead: LessSafeKey::new(key),
                deriving: hmac::Key::new(hmac::HMAC_SHA256, octets),
            }),
            Err(_) => Err(StoreError::KeyWrong { path }),
        }
    }

    /// A key for another purpose: HMAC-SHA256 of its name.
    pub(crate) fn derived(&self, purpose: &str) -> [u8; 32] {
        let mut key = [0; 32];
        let text = ["carillon ", purpose].concat();
        key.copy_from_slice(hmac::sign(&self.deriving, text.as_bytes()).as_ref());
        key
    }

    /// Seals under a fresh random nonce: `format ‖ nonce ‖ ciphertext ‖ tag`.
    pub(crate) fn seal(&self, place: Place, text: &[u8]) -> Result<Vec<u8>, StoreError> {
        let nonce: [u8; NONCE_LEN] = random()?;
        let mut body = text.to_vec();
        self.aead
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(place.associated()),
                &mut body,
            )
            .map_err(|_| StoreError::Database("a password could not be sealed".into()))?;
        Ok([&[FORMAT], nonce.as_slice(), body.as_slice()].concat())
    }

    /// Opens what [`Key::seal`] made for the same place; `None` for anything else.
    pub(crate) fn open(&self, place: Place, sealed: &[u8]) -> Option<Vec<u8>> {
        let (&FORMAT, rest) = sealed.split_first()? else {
            return None;
        };
        let (nonce, body) = rest.split_first_chunk::<NONCE_LEN>()?;
        let mut body = body.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let len = self
            .aead
            .open_in_place(nonce, Aad::from(place.associated()), &mut body)
            .ok()?
            .len();
        body.truncate(len);
        Some(body)
    }

    pub(crate) fn open_password(&self, place: Place, sealed: &[u8]) -> Option<Password> {
        String::from_utf8(self.open(place, sealed)?).ok().map(Password)
    }

    pub(crate) fn wrong(&self) -> StoreError {
        StoreError::KeyWrong {
            path: self.path.clone(),
        }
    }
}

fn write_whole(dir: &Path, path: &Path, octets: &[u8]) -> io::Result<()> {
    let temp = path.with_extension("tmp");
    let _ = fs::remove_file(&temp);
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&temp)?;
    file.write_all(octets)?;
    file.sync_all()?;
    fs::rename(&temp, path)?;
    File::open(dir)?.sync_all()
}

fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut octets = [0; N];
    SystemRandom::new()
        .fill(&mut octets)
        .map_err(|_| StoreError::Database("the system gives no randomness".into()))?;
    Ok(octets)
}
