//! Sign-in tokens: what a browser shows instead of a password (RFC 7118 §7, RFC 8898).
//!
//! Owns: the form of a token, its signature, and what it proves. Does not own: where it was shown, and whether what it
//! proves is enough (`tenant::signed`).
//!
//! A token is `c1.<tenant>.<device>.<end, seconds>.<stamp>.<nonce>.<signature>`, all in hex: letters, digits and dots,
//! which an address and a header carry without escapes. It may be shown again until it ends, for a page that loses its
//! connection comes back with the same address; what makes it safe is that it ends soon.

use model::{Device, SignIn, TenantConfig, TenantId, Wall};
use sip::token::{Hex16, Seal};
use std::time::Duration;

/// How a token of this form begins.
const FORM: &str = "c1";
/// Longest token that is looked at, octets.
const LONGEST: usize = 256;

/// Signs and reads tokens.
#[derive(Clone, Debug)]
pub struct TokenKey {
    tokens: Seal,
    stamps: Seal,
}

/// Why a token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadToken {
    /// Not a token of ours.
    Forged,
    /// Its time is over.
    Ended,
}

impl TokenKey {
    /// From 32 octets that nobody else knows.
    #[must_use]
    pub fn new(key: [u8; 32]) -> TokenKey {
        TokenKey {
            tokens: Seal::new(&key, "sign-in tokens"),
            stamps: Seal::new(&key, "stamps of device secrets"),
        }
    }

    /// A token for a device, good for `ttl` from `now`. `nonce` makes two of the same second differ.
    #[must_use]
    pub fn issue(&self, tenant: TenantId, device: &Device, ttl: Duration, now: Wall, nonce: u64) -> String {
        let (owner, id) = (tenant.0, device.id.0);
        let (end, stamp) = (now.after(ttl).secs(), self.stamp(tenant, device));
        let claims = format!("{FORM}.{owner:x}.{id:x}.{end:x}.{stamp:016x}.{nonce:016x}");
        let signature = self.tokens.sign(claims.as_bytes());
        format!("{claims}.{signature}")
    }

    /// What a token proves.
    ///
    /// # Errors
    /// It is not ours, or its time is over.
    pub fn read(&self, token: &str, now: Wall) -> Result<SignIn, BadToken> {
        let (claims, signature) = token.rsplit_once('.').ok_or(BadToken::Forged)?;
        if token.len() > LONGEST || !self.tokens.verify(claims.as_bytes(), signature) {
            return Err(BadToken::Forged);
        }
        let mut parts = claims.split('.');
        if parts.next() != Some(FORM) {
            return Err(BadToken::Forged);
        }
        let mut number = || parts.next().and_then(|part| u64::from_str_radix(part, 16).ok());
        let (Some(tenant), Some(device), Some(end), Some(stamp)) = (number(), number(), number(), number())
        else {
            return Err(BadToken::Forged);
        };
        if now.secs() >= end {
            return Err(BadToken::Ended);
        }
        Ok(SignIn {
            tenant: TenantId(tenant),
            device: model::DeviceId(device),
            stamp,
            expires: Wall(end.saturating_mul(1000)),
        })
    }

    /// The device that a sign-in means, if it has the secret that it had when the token was issued, and its user may.
    pub(crate) fn device<'c>(&self, config: &'c TenantConfig, sign_in: &SignIn) -> Option<&'c Device> {
        let device = config.device_by_id(sign_in.device)?;
        let enabled = config.user(device.user).is_some_and(|user| user.enabled);
        let same = sign_in.tenant == config.id() && sign_in.stamp == self.stamp(config.id(), device);
        (enabled && same).then_some(device)
    }

    /// Follows from the device's secret and tells nothing about it to whoever lacks the key.
    fn stamp(&self, tenant: TenantId, device: &Device) -> u64 {
        let mut text = Vec::with_capacity(64);
        text.extend_from_slice(&tenant.0.to_be_bytes());
        text.extend_from_slice(&device.id.0.to_be_bytes());
        text.extend_from_slice(&device.secret.sha256);
        text.extend_from_slice(&device.secret.md5);
        let digits: Hex16 = self.stamps.short(&text);
        u64::from_str_radix(&digits, 16).unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{DeviceId, DigestSecret, UserId};

    const NOW: Wall = Wall(1_700_000_000_000);

    fn device(secret: u8) -> Device {
        Device {
            id: DeviceId(7),
            user: UserId(3),
            username: "101".into(),
            secret: DigestSecret {
                md5: [secret; 16],
                sha256: [secret; 32],
            },
        }
    }

    fn issue(key: &TokenKey) -> String {
        key.issue(TenantId(0xab), &device(1), Duration::from_secs(300), NOW, 9)
    }

    #[test]
    fn a_token_says_whose_it_is_until_it_ends() {
        let key = TokenKey::new([1; 32]);
        let token = issue(&key);
        assert!(
            token.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.'),
            "{token}"
        );
        let found = key.read(&token, NOW).unwrap();
        assert_eq!((found.tenant, found.device), (TenantId(0xab), DeviceId(7)));
        assert_eq!(found.expires, NOW.after(Duration::from_secs(300)));
        assert!(key.read(&token, NOW.after(Duration::from_secs(299))).is_ok());
        assert_eq!(
            key.read(&token, NOW.after(Duration::from_secs(300))),
            Err(BadToken::Ended)
        );
    }

    #[test]
    fn a_token_changed_in_any_place_or_of_another_key_is_forged() {
        let key = TokenKey::new([1; 32]);
        let token = issue(&key);
        for at in 0..token.len() {
            let mut octets = token.clone().into_bytes();
            octets[at] = if octets[at] == b'0' { b'1' } else { b'0' };
            let changed = String::from_utf8(octets).unwrap();
            assert_eq!(key.read(&changed, NOW), Err(BadToken::Forged), "{changed}");
        }
        assert_eq!(TokenKey::new([2; 32]).read(&token, NOW), Err(BadToken::Forged));
        for nonsense in ["", ".", "c1", "c1.1.2.3", &"c1.".repeat(100)] {
            assert_eq!(key.read(nonsense, NOW), Err(BadToken::Forged));
        }
    }

    #[test]
    fn another_secret_makes_another_stamp() {
        let key = TokenKey::new([1; 32]);
        assert_ne!(
            key.stamp(TenantId(1), &device(1)),
            key.stamp(TenantId(1), &device(2))
        );
        assert_ne!(
            key.stamp(TenantId(1), &device(1)),
            key.stamp(TenantId(2), &device(1))
        );
    }
}
