//! What a carrier wants to find in an INVITE besides what everybody finds there.
//!
//! Owns: the rules as data, which headers may be written so, and what stands in their values. Does not own: the request (`sip`), and what
//! is known of the call (`pbx`).

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Headers that every INVITE of ours has, or that other keys of a trunk say: what is written there is not a matter of rules, nor are
/// those that nobody but the transport, the dialog or the body may set.
const RESERVED: [&str; 51] = [
    "accept-contact",
    "alert-info",
    "also",
    "authorization",
    "call-id",
    "contact",
    "content-disposition",
    "content-encoding",
    "content-id",
    "content-length",
    "content-type",
    "cseq",
    "date",
    "diversion",
    "event",
    "expires",
    "from",
    "geolocation",
    "geolocation-error",
    "geolocation-routing",
    "history-info",
    "identity",
    "join",
    "max-forwards",
    "mime-version",
    "min-expires",
    "min-se",
    "p-asserted-identity",
    "p-preferred-identity",
    "path",
    "privacy",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-require",
    "rack",
    "record-route",
    "refer-to",
    "referred-by",
    "remote-party-id",
    "replaces",
    "require",
    "route",
    "rseq",
    "session-expires",
    "session-id",
    "subscription-state",
    "supported",
    "target-dialog",
    "to",
    "user-to-user",
    "via",
];
/// What we write by ourselves, and a rule may say otherwise or leave out.
const OURS: [&str; 2] = ["allow", "user-agent"];
/// What may stand in a value, in braces.
const WORDS: [&str; 6] = ["account", "call", "caller", "domain", "extension", "number"];

/// By name. A value may name what is known of the call: `{number}` that is called and `{caller}`, both as E.164, `{extension}` of who
/// calls, `{account}` and `{domain}` of the trunk, `{call}`, its id. An empty value: that header is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrunkHeaders(BTreeMap<String, String>);

impl TrunkHeaders {
    /// Headers of one trunk.
    pub const MOST: usize = 20;
    /// Octets of one value, as it is written down.
    pub const LONGEST: usize = 256;

    /// Writes a header from now on, or leaves it out.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), value.to_owned());
    }

    /// Whether all of it can be written.
    ///
    /// # Errors
    /// What must be.
    pub fn check(&self) -> Result<(), &'static str> {
        if self.0.len() > Self::MOST {
            return Err("are at most 20");
        }
        for (place, (name, value)) in self.0.iter().enumerate() {
            let lower = name.to_ascii_lowercase();
            let token = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
            if !(2..=64).contains(&name.len()) || !name.bytes().all(token) {
                return Err("have names of 2 to 64 letters, digits, - and _");
            }
            if RESERVED.contains(&lower.as_str()) {
                return Err("don't say what the server itself says, or other keys of the trunk");
            }
            if self
                .0
                .keys()
                .take(place)
                .any(|before| before.eq_ignore_ascii_case(name))
            {
                return Err("have one value each");
            }
            if value.is_empty() && !OURS.contains(&lower.as_str()) {
                return Err("that are left out are Allow or User-Agent: nothing else is there by itself");
            }
            if value.len() > Self::LONGEST || !value.bytes().all(|b| b == b' ' || b.is_ascii_graphic()) {
                return Err("have values of at most 256 printable ASCII characters");
            }
            if !is_filled(value) {
                return Err(
                    "have {account}, {call}, {caller}, {domain}, {extension} or {number} in braces, and nothing else",
                );
            }
        }
        Ok(())
    }

    /// True where nothing is said about this header, so that the server writes it as ever.
    #[must_use]
    pub fn leaves(&self, name: &str) -> bool {
        !self.0.keys().any(|known| known.eq_ignore_ascii_case(name))
    }

    /// What is written: names and values, `word` saying what stands for what is in braces. A header that would be about nothing,
    /// because nothing is known, is left out.
    pub fn written<'a>(
        &'a self,
        word: impl Fn(&str) -> String + 'a,
    ) -> impl Iterator<Item = (&'a str, String)> + 'a {
        self.0.iter().filter_map(move |(name, value)| {
            let mut text = String::new();
            let mut rest = value.as_str();
            while let Some((before, after)) = rest.split_once('{') {
                let (name, behind) = after.split_once('}')?;
                text.push_str(before);
                let known = word(name);
                if known.is_empty() {
                    return None;
                }
                text.push_str(&known);
                rest = behind;
            }
            text.push_str(rest);
            (!text.is_empty()).then_some((name.as_str(), text))
        })
    }
}

fn is_filled(mut value: &str) -> bool {
    while let Some((before, after)) = value.split_once('{') {
        let Some((word, behind)) = after.split_once('}') else {
            return false;
        };
        if before.contains('}') || !WORDS.contains(&word) {
            return false;
        }
        value = behind;
    }
    !value.contains('}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(name: &str, value: &str) -> Result<(), &'static str> {
        let mut headers = TrunkHeaders::default();
        headers.set(name, value);
        headers.check()
    }

    #[test]
    fn only_what_is_nobodys_may_be_written() {
        assert!(RESERVED.is_sorted());
        for good in ["X-Account", "P-Charge-Info", "User-Agent", "X_y"] {
            assert_eq!(
                checked(good, "<sip:{caller}@{domain}>;npi=ISDN"),
                Ok(()),
                "{good}"
            );
        }
        assert_eq!(checked("user-agent", ""), Ok(()));
        for bad in [
            "v",
            "Via",
            "FROM",
            "Content-Length",
            "X Y",
            "X:Y",
            "",
            "Route",
            "Identity",
        ] {
            assert!(checked(bad, "x").is_err(), "{bad}");
        }
        for bad in [
            "",
            "{",
            "}",
            "{x}",
            "{number",
            "a}{number}",
            "ü",
            "a\r\nVia: x",
            "\t",
        ] {
            assert!(checked("X-A", bad).is_err(), "{bad}");
        }
        let mut twice = TrunkHeaders::default();
        twice.set("X-A", "1");
        twice.set("x-a", "2");
        assert!(twice.check().is_err());
    }

    #[test]
    fn values_are_filled_in() {
        let mut headers = TrunkHeaders::default();
        headers.set("X-A", "a {number}/{caller} z");
        headers.set("X-B", "{extension}");
        headers.set("Allow", "");
        let word = |name: &str| match name {
            "number" => "+49301".to_owned(),
            "caller" => "+49302".to_owned(),
            _ => String::new(),
        };
        let written: Vec<_> = headers.written(word).collect();
        assert_eq!(written, [("X-A", "a +49301/+49302 z".to_owned())]);
        assert!(!headers.leaves("allow") && headers.leaves("User-Agent"));
    }
}
