//! The client's half: challenges read, chosen from, and answered (RFC 7616 §3.4, RFC 8760).
//!
//! Owns: which challenge is answered, and by which numbers. Does not own: whom a password may be shown to; the caller asks
//! [`Answers::begin`] for challenges of that one server alone.
//!
//! Decisions where the RFCs leave a choice:
//! - The strongest algorithm that is offered is used, in whatever order (RFC 8760 §2.4 allows a policy): who stands between must not
//!   choose for us.
//! - A challenge without `qop` (RFC 2069) is answered, as carriers still send some; one with `auth-int` alone is not.
//! - A nonce is used again with a higher count until the server wants another.

use super::credentials::parameter;
use super::hash::{self, Algorithm};
use super::{Secret, ha1};
use std::fmt::{self, Write as _};

/// Octets of a realm, nonce or opaque that we send back; longer ones are not answered.
const LONGEST: usize = 512;

/// A value of `WWW-Authenticate` or `Proxy-Authenticate` that can be answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Challenge<'a> {
    /// Protection space, its escapes left in.
    pub realm: &'a str,
    nonce: &'a str,
    opaque: Option<&'a str>,
    algorithm: Algorithm,
    /// `auth`, rather than none at all.
    has_qop: bool,
    /// The nonce was too old, and the password was right.
    pub stale: bool,
}

impl<'a> Challenge<'a> {
    /// Reads one. `None` for another scheme, an unknown algorithm, `auth-int` alone, and whatever can't be split.
    #[must_use]
    pub fn parse(value: &'a str) -> Option<Challenge<'a>> {
        let value = value.trim();
        let (scheme, mut rest) = value.split_at_checked(value.find(|c: char| c.is_ascii_whitespace())?)?;
        if !scheme.eq_ignore_ascii_case("Digest") {
            return None;
        }
        let [
            mut realm,
            mut nonce,
            mut opaque,
            mut algorithm,
            mut qop,
            mut stale,
        ] = [None; 6];
        while let Some((name, value, after)) = parameter(rest)? {
            let slot = match name.to_ascii_lowercase().as_str() {
                "realm" => Some(&mut realm),
                "nonce" => Some(&mut nonce),
                "opaque" => Some(&mut opaque),
                "algorithm" => Some(&mut algorithm),
                "qop" => Some(&mut qop),
                "stale" => Some(&mut stale),
                _ => None,
            };
            if slot.is_some_and(|slot| slot.replace(value).is_some()) {
                return None;
            }
            rest = after;
        }
        let has_qop = qop.is_some_and(|qop| !qop.trim().is_empty());
        let auth = |qop: &str| qop.split(',').any(|one| one.trim().eq_ignore_ascii_case("auth"));
        if has_qop && !qop.is_some_and(auth) {
            return None;
        }
        let short = |text: &&str| text.len() <= LONGEST && can_be_quoted(text);
        Some(Challenge {
            realm: realm.filter(short)?,
            nonce: nonce.filter(|nonce| !nonce.is_empty()).filter(short)?,
            opaque: opaque.map(Some).unwrap_or_default().filter(short),
            algorithm: Algorithm::named(algorithm)?,
            has_qop,
            stale: stale.is_some_and(|stale| stale.eq_ignore_ascii_case("true")),
        })
    }
}

/// Answers to one server that has challenged us. Holds what signs for its user, so it never prints.
#[derive(Clone, PartialEq, Eq)]
pub struct Answers {
    username: Box<str>,
    realm: Box<str>,
    nonce: Box<str>,
    opaque: Option<Box<str>>,
    algorithm: Algorithm,
    has_qop: bool,
    count: u32,
    secret: Secret,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers(…)")
    }
}

impl Answers {
    /// Takes up the best of the challenges, those of `realm` alone where one is given. `None` when there is none that can be
    /// answered.
    #[must_use]
    pub fn begin<'a>(
        challenges: impl IntoIterator<Item = &'a str>,
        realm: Option<&str>,
        username: &str,
        password: &str,
    ) -> Option<Answers> {
        let wanted = |challenge: &Challenge<'_>| realm.is_none_or(|realm| realm == challenge.realm);
        let best = challenges
            .into_iter()
            .filter_map(Challenge::parse)
            .filter(wanted)
            // The first of those that are as good.
            .reduce(|best, next| match (best.algorithm, next.algorithm) {
                (Algorithm::Md5, Algorithm::Sha256) => next,
                _ => best,
            })?;
        Some(Answers {
            username: escaped(username).into(),
            realm: best.realm.into(),
            nonce: best.nonce.into(),
            opaque: best.opaque.map(Box::from),
            algorithm: best.algorithm,
            has_qop: best.has_qop,
            count: 0,
            // What is hashed has no escapes of its own (RFC 7616 §3.4.1: `unq`).
            secret: ha1(username, &unescaped(best.realm), password),
        })
    }

    /// The value of `Authorization` or `Proxy-Authorization` for a request. `cnonce` is random, of letters and digits, and new for
    /// each answer.
    #[must_use]
    pub fn answer(&mut self, method: &str, uri: &str, cnonce: &str) -> String {
        self.count = self.count.saturating_add(1);
        let count = format!("{:08x}", self.count);
        let qop = self.has_qop.then_some((count.as_str(), cnonce));
        let response = hash::response(self.algorithm, &self.secret, (method, uri), &self.nonce, qop);
        let mut value = format!(
            "Digest username=\"{}\", realm=\"{}\", nonce=\"{}\", uri=\"{uri}\", response=\"{response}\", algorithm={}",
            self.username,
            self.realm,
            self.nonce,
            self.algorithm.as_str()
        );
        if let Some((count, cnonce)) = qop {
            // Writing into a String can't fail.
            let _ = write!(value, ", cnonce=\"{cnonce}\", qop=auth, nc={count}");
        }
        if let Some(opaque) = &self.opaque {
            let _ = write!(value, ", opaque=\"{opaque}\"");
        }
        value
    }

    /// True when one of these challenges says that our nonce was too old, and the password right.
    #[must_use]
    pub fn are_stale<'a>(&self, challenges: impl IntoIterator<Item = &'a str>) -> bool {
        let challenges = challenges.into_iter().filter_map(Challenge::parse);
        let mut own = challenges.filter(|challenge| *challenge.realm == *self.realm);
        own.any(|challenge| challenge.stale)
    }
}

/// What was no quoted string, or is a broken one, can't stand in one of ours.
fn can_be_quoted(text: &str) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = if c == '\\' {
            chars.next()
        } else {
            Some(c).filter(|c| *c != '"')
        };
        if c.is_none_or(char::is_control) {
            return false;
        }
    }
    true
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

fn unescaped(text: &str) -> String {
    let mut chars = text.chars();
    let mut plain = String::with_capacity(text.len());
    while let Some(c) = chars.next() {
        plain.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::digest::{Algorithms, Credentials, Digest, Request};

    /// RFC 7616 §3.9.1.
    const URI: &str = "/dir/index.html";
    const CNONCE: &str = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ";

    fn rfc(algorithm: &str) -> String {
        format!(
            "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={algorithm}, \
             nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\""
        )
    }

    fn begin(challenges: &[&str]) -> Option<Answers> {
        Answers::begin(challenges.iter().copied(), None, "Mufasa", "Circle of Life")
    }

    #[test]
    fn answers_are_those_of_the_rfc() {
        for (algorithm, response) in [
            ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
            (
                "SHA-256",
                "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1",
            ),
        ] {
            let value = begin(&[&rfc(algorithm)]).unwrap().answer("GET", URI, CNONCE);
            let read = Credentials::parse(&value).unwrap();
            assert_eq!((read.response, read.nc), (response, Some("00000001")));
            assert_eq!(read.opaque, Some("FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"));
            assert_eq!((read.algorithm, read.qop), (Some(algorithm), Some("auth")));
        }
    }

    #[test]
    fn the_strongest_is_chosen_in_whatever_order() {
        let (md5, sha, other) = (rfc("MD5"), rfc("SHA-256"), rfc("SHA-512-256"));
        for order in [[&md5, &sha, &other], [&other, &sha, &md5], [&other, &md5, &sha]] {
            let order = order.map(String::as_str);
            let value = begin(&order).unwrap().answer("GET", URI, CNONCE);
            assert_eq!(Credentials::parse(&value).unwrap().algorithm, Some("SHA-256"));
        }
        assert_eq!(begin(&[&other]), None);
    }

    #[test]
    fn what_can_not_be_answered_is_not() {
        for bad in [
            "Basic realm=\"x\"",
            "Digest",
            "Digest realm=\"x\"",
            "Digest nonce=\"n\"",
            "Digest realm=\"x\", nonce=\"\"",
            "Digest realm=\"x\", nonce=\"n\", qop=\"auth-int\"",
            "Digest realm=\"x\", nonce=\"n\", algorithm=MD5-sess",
            "Digest realm=\"x\", nonce=\"n\", nonce=\"m\"",
            "Digest realm=\"x, nonce=\"n\"",
            "Digest realm=a\"b, nonce=x",
            "Digest realm=x, nonce=y\\",
        ] {
            assert_eq!(begin(&[bad]), None, "{bad}");
        }
        let long = format!("Digest realm=\"x\", nonce=\"{}\"", "n".repeat(LONGEST + 1));
        assert_eq!(begin(&[&long]), None);
        // The password is for one realm, where one is named.
        let only = |realm| Answers::begin([rfc("MD5").as_str()], Some(realm), "u", "p").is_some();
        assert!(only("http-auth@example.org") && !only("evil.example"));
    }

    #[test]
    fn a_challenge_without_qop_is_answered_as_of_old() {
        // RFC 2069, as corrected by its erratum.
        let old = "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\"";
        let mut answers = Answers::begin([old], None, "Mufasa", "CircleOfLife").unwrap();
        let value = answers.answer("GET", URI, CNONCE);
        assert!(
            value.contains("response=\"1949323746fe6a43ef61f9606e7febea\""),
            "{value}"
        );
        assert!(!value.contains("nc=") && !value.contains("cnonce"), "{value}");
    }

    #[test]
    fn our_own_server_believes_it_and_counts_go_up() {
        let server = Digest::new([7; 32]);
        let realm = "a \"quoted\" \\ realm";
        let challenges: Vec<_> = server.challenge(realm, 5_000, false, Algorithms::BOTH).collect();
        let challenges = challenges.iter().map(String::as_str);
        let mut answers = Answers::begin(challenges, None, "o\"ne", "päss").unwrap();
        for nc in 1..4 {
            let value = answers.answer("REGISTER", "sip:carrier.example", "c0ffee");
            let read = Credentials::parse(&value).unwrap();
            assert_eq!(read.username_unescaped(), "o\"ne");
            let request = Request {
                method: "REGISTER",
                uri: Some("sip:carrier.example"),
            };
            let secret = ha1("o\"ne", realm, "päss");
            let read = Credentials { realm, ..read };
            let proof = server.verify(&read, realm, request, Some(&secret), 5_000, Algorithms::BOTH);
            assert_eq!(proof.unwrap().nc, nc);
        }
    }

    #[test]
    fn an_old_nonce_is_no_wrong_password() {
        let mut answers = begin(&[&rfc("MD5")]).unwrap();
        let _ = answers.answer("GET", URI, CNONCE);
        let again = rfc("MD5");
        assert!(!answers.are_stale([again.as_str()]));
        let stale = rfc("MD5") + ", stale=TRUE";
        assert!(answers.are_stale([stale.as_str()]));
    }
}
