//! GRUUs (RFC 5627): addresses that reach one phone and no other of its user.
//!
//! Owns: making and reading them. Does not own: ringing.
//!
//! A public GRUU is the address-of-record with the instance behind it. A temporary one hides both: user and phone are
//! enciphered under a key of this life of the tenant, with a fresh salt each time, so that two of them tell nothing
//! about each other and nothing is stored. After a restart they lead nowhere and the phone gets new ones with its next
//! REGISTER; the same holds when the Call-ID of the registration changes, as §3.4.2 wants. Nobody keeps one for long:
//! between two phones stands always a Contact of ours.

use crate::location::{Binding, Location};
use model::UserId;
use sip::Uri;
use sip::token::derive;
use std::fmt::Write;

/// What the user part of a temporary GRUU begins with.
const MARK: &str = "tgruu.";

/// Makes and reads the GRUUs of one tenant.
pub(crate) struct Gruus {
    key: [u8; 32],
}

impl Gruus {
    pub(crate) fn new(seed: &[u8; 32]) -> Gruus {
        Gruus {
            key: derive(seed, "temporary GRUUs"),
        }
    }

    /// Contact parameters with both GRUUs of a binding; nothing for one without an instance that can be written down.
    pub(crate) fn append(
        &self,
        value: &mut String,
        binding: &Binding,
        extension: &str,
        realm: &str,
        salt: u64,
    ) {
        let Some(urn) = binding.record.instance.as_deref().filter(|urn| is_plain(urn)) else {
            return;
        };
        let phone = self.phone(urn, &binding.record.call_id);
        let token = self.seal(binding.record.user, phone, salt);
        // Writing to a String can't fail.
        let _ = write!(
            value,
            ";pub-gruu=\"sip:{extension}@{realm};gr={urn}\";temp-gruu=\"sip:{MARK}{token}@{realm};gr\""
        );
    }

    /// Whom a temporary GRUU means, and which instance of his, while that is registered.
    pub(crate) fn open(&self, user_part: &str, location: &Location) -> Option<(UserId, Box<str>)> {
        let text = user_part.strip_prefix(MARK)?;
        let (salt, rest) = text.split_at_checked(16)?;
        let (hidden, proof) = rest.split_at_checked(32)?;
        let salt = u64::from_str_radix(salt, 16).ok()?;
        let hidden = u128::from_str_radix(hidden, 16).ok()?;
        if u64::from_str_radix(proof, 16).ok()? != self.proof(salt, hidden) {
            return None;
        }
        let open = hidden ^ self.pad(salt);
        let (user, phone) = (UserId(low(open >> 64)), low(open));
        let mine = |b: &&Binding| {
            let urn = b.record.instance.as_deref();
            urn.is_some_and(|urn| self.phone(urn, &b.record.call_id) == phone)
        };
        let binding = location.of(user).iter().find(mine)?;
        Some((user, binding.record.instance.clone()?))
    }

    fn seal(&self, user: UserId, phone: u64, salt: u64) -> String {
        let hidden = (u128::from(user.0) << 64 | u128::from(phone)) ^ self.pad(salt);
        let proof = self.proof(salt, hidden);
        format!("{salt:016x}{hidden:032x}{proof:016x}")
    }

    fn phone(&self, urn: &str, call_id: &str) -> u64 {
        low(self.number(&format!("phone {urn} {call_id}")))
    }

    fn pad(&self, salt: u64) -> u128 {
        self.number(&format!("pad {salt:x}"))
    }

    fn proof(&self, salt: u64, hidden: u128) -> u64 {
        low(self.number(&format!("proof {salt:x} {hidden:x}")))
    }

    fn number(&self, text: &str) -> u128 {
        let octets = derive(&self.key, text);
        octets
            .first_chunk()
            .map_or(0, |octets| u128::from_be_bytes(*octets))
    }
}

fn low(number: u128) -> u64 {
    u64::try_from(number & u128::from(u64::MAX)).unwrap_or(0)
}

/// True for a URN that needs no escapes in a URI parameter.
fn is_plain(urn: &str) -> bool {
    urn.bytes()
        .all(|b| b.is_ascii_alphanumeric() || matches!(b, b':' | b'-' | b'.' | b'_' | b'~'))
}

/// The instance that a public GRUU names.
pub(crate) fn instance<'a>(uri: &Uri<'a>) -> Option<&'a str> {
    uri.param("gr").flatten().filter(|urn| !urn.is_empty())
}

/// True where a URI may be a temporary GRUU.
pub(crate) fn is_temporary(uri: &Uri<'_>) -> bool {
    uri.user.is_some_and(|user| user.starts_with(MARK))
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::TenantId;

    #[test]
    fn what_was_not_made_here_opens_nothing() {
        let (ours, theirs) = (Gruus::new(&[1; 32]), Gruus::new(&[2; 32]));
        let location = Location::new(TenantId(1));
        let token = format!("{MARK}{}", ours.seal(UserId(7), 9, 11));
        for text in [
            "",
            "101",
            MARK,
            "tgruu.zz",
            &token,
            &token[..token.len() - 1],
            &format!("{token}0"),
        ] {
            assert!(ours.open(text, &location).is_none(), "{text}");
            assert!(theirs.open(text, &location).is_none(), "{text}");
        }
    }

    #[test]
    fn two_of_one_phone_look_like_two_of_two() {
        let gruus = Gruus::new(&[1; 32]);
        let (one, two) = (gruus.seal(UserId(7), 9, 11), gruus.seal(UserId(7), 9, 12));
        let same = one.bytes().zip(two.bytes()).filter(|(a, b)| a == b).count();
        assert!(same < 32, "{one} {two}");
    }
}
