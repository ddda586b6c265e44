//! What may be a SIP domain, and when two spellings are one domain (RFC 3261 §25.1 `host`, §19.1.4).
//!
//! Owns: [`Domain`], a checked spelling. Does not own: looking one up, see [`crate::Directory`]; and DNS: a
//! domain need not resolve.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Longest host name in octets (RFC 1035 §2.3.4, in its textual form without the last dot).
const NAME_OCTETS: usize = 253;
/// Longest label of a host name in octets.
const LABEL_OCTETS: usize = 63;

/// A domain in its one canonical spelling: a host name in lower case without a last dot, an IPv4 address, or
/// an IPv6 address in brackets as RFC 5952 writes it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Domain(Box<str>);

/// Why a text is not a domain. Its message says what to write instead.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainError {
    /// The text, cut to a printable length.
    pub text: String,
    /// What is wrong with it.
    pub what: &'static str,
}

impl fmt::Display for DomainError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a domain: {}; write a host name, an IPv4 address, or an IPv6 address in brackets",
            self.text, self.what
        )
    }
}

impl std::error::Error for DomainError {}

impl Domain {
    /// Checks and canonicalises.
    ///
    /// # Errors
    /// [`DomainError`] when `text` is none of the three forms.
    pub fn parse(text: &str) -> Result<Domain, DomainError> {
        canonical(text)
            .map(|d| Domain(d.into()))
            .map_err(|what| DomainError {
                text: text.chars().take(80).collect(),
                what,
            })
    }

    /// The canonical spelling.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The canonical spelling, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0.into()
    }
}

impl fmt::Display for Domain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn canonical(text: &str) -> Result<String, &'static str> {
    if let Some(rest) = text.strip_prefix('[') {
        let inner = rest.strip_suffix(']').ok_or("the bracket is not closed")?;
        let address: Ipv6Addr = inner
            .parse()
            .map_err(|_| "what stands in brackets is not an IPv6 address")?;
        return Ok(format!("[{address}]"));
    }
    let name = text.strip_suffix('.').unwrap_or(text);
    if name.is_empty() {
        return Err("it is empty");
    }
    if name.contains(':') {
        return Err("a port or an IPv6 address without brackets");
    }
    if name.len() > NAME_OCTETS {
        return Err("it is longer than 253 characters");
    }
    name.split('.').try_for_each(check_label)?;
    check_last_label(name)?;
    if name
        .rsplit('.')
        .next()
        .is_some_and(|last| last.eq_ignore_ascii_case("invalid"))
    {
        return Err("names under .invalid are nobody's (RFC 2606)");
    }
    Ok(name.to_ascii_lowercase())
}

fn check_label(label: &str) -> Result<(), &'static str> {
    if label.is_empty() {
        return Err("it has an empty label");
    }
    if label.len() > LABEL_OCTETS {
        return Err("a label is longer than 63 characters");
    }
    if !label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Err("it has a character other than letters, digits, hyphens and dots");
    }
    if label.starts_with('-') || label.ends_with('-') {
        return Err("a label starts or ends with a hyphen");
    }
    Ok(())
}

/// `toplabel` starts with a letter, else the whole is an address: that keeps `10.1` from being a name.
fn check_last_label(name: &str) -> Result<(), &'static str> {
    let last = name.rsplit('.').next().unwrap_or(name);
    let is_name = last.bytes().next().is_some_and(|b| b.is_ascii_alphabetic());
    if is_name || name.parse::<Ipv4Addr>().is_ok() {
        Ok(())
    } else {
        Err("its last label starts with a digit and the whole is not an IPv4 address")
    }
}
