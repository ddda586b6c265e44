//! Digest authentication, server side (RFC 3261 §22, RFC 7616, RFC 8760); what a client does about challenges is in `client`.
//!
//! It owns nonces and the check of credentials. It keeps nothing per challenge: a nonce is its own time of issue
//! with a keyed hash over it and the realm, so a flood of anonymous requests costs no memory. What must be
//! remembered against replay is one [`ReplayGuard`] per credential, kept by the caller. It knows no user and
//! reads no clock.
//!
//! Decisions where the RFCs leave a choice:
//! - Credentials without `qop` (RFC 2069) are refused as malformed: they carry no `nc`, so nothing would tell a
//!   replay from a retransmission. We always offer `qop="auth"`, and RFC 3261 §22.4 makes clients use it then.
//! - `-sess` algorithms and `auth-int` are never offered and never accepted.
//! - [`Refusal::Stale`] is said only to who computed the response with the right secret (RFC 7616 §3.3), so
//!   phones come back by themselves after a restart with a new key, and a stranger learns nothing.

mod client;
mod credentials;
mod hash;
mod replay;

pub use client::{Answers, Challenge};
pub use credentials::Credentials;
pub use hash::{Secret, ha1};
pub use replay::ReplayGuard;

use crate::token::{hex_into, unhex};
use hash::Algorithm;
use ring::hmac;
use std::cell::Cell;
use std::fmt;
use std::time::Duration;

/// How long a nonce serves unless [`Digest::with_lifetime`] says otherwise.
pub const NONCE_LIFETIME: Duration = Duration::from_secs(300);

const NONCE_BYTES: usize = 24;
const NONCE_DIGITS: usize = NONCE_BYTES * 2;
/// Bits of a nonce id below its milliseconds; they make challenges of one millisecond differ.
const COUNTER_BITS: u32 = 16;

/// The algorithms that a tenant's policy offers and accepts. With neither there would be no way in,
/// so that is taken as SHA-256.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Algorithms {
    /// SHA-256, offered first (RFC 8760 §2.4).
    pub sha256: bool,
    /// MD5, for phones that know nothing newer.
    pub md5: bool,
}

impl Algorithms {
    /// SHA-256 alone.
    pub const SHA256: Algorithms = Algorithms {
        sha256: true,
        md5: false,
    };
    /// MD5 alone, for phones that stumble over any other algorithm in a challenge.
    pub const MD5: Algorithms = Algorithms {
        sha256: false,
        md5: true,
    };
    /// SHA-256, then MD5.
    pub const BOTH: Algorithms = Algorithms {
        sha256: true,
        md5: true,
    };

    fn allow(self, algorithm: Algorithm) -> bool {
        match algorithm {
            Algorithm::Sha256 => self.sha256 || !self.md5,
            Algorithm::Md5 => self.md5,
        }
    }
}

/// Issues challenges and checks credentials of one or many realms.
///
/// The replay guards live in memory, so give each start of the process a fresh key: then nonces from before the
/// restart, whose `nc` nobody remembers, end with it.
///
/// Nonces age on a clock of their own: it follows the wall clock but never goes back with it. So ids of nonces
/// always rise, which [`ReplayGuard`] needs, and a jump of the wall clock costs at most one stale round.
pub struct Digest {
    key: hmac::Key,
    lifetime_ms: u64,
    clock: Cell<Clock>,
}

#[derive(Clone, Copy, Default)]
struct Clock {
    wall_ms: u64,
    /// How far the wall clock went back, in all.
    lag_ms: u64,
    last_id: u64,
}

/// What good credentials prove, besides the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The nonce; ids rise in the order of issue.
    pub nonce_id: u64,
    /// When the nonce was issued, milliseconds on the clock of nonces.
    pub issued_ms: u64,
    /// Nonce count, at least one.
    pub nc: u32,
}

/// Why credentials prove nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Wrong secret, unknown user, another realm, or an algorithm that is not allowed: challenge again.
    Wrong,
    /// The right secret over a nonce that is too old, from the future, or not ours: challenge again, stale.
    Stale,
    /// `qop`, `nc` or `cnonce` is missing or unusable, or the `uri` is another request's: answer 400.
    Malformed,
}

/// The request that credentials are checked against.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Method as it stands in the request line.
    pub method: &'a str,
    /// Request-URI. When given, `uri` of the credentials must name the same user and host (RFC 7616 §3.4.6);
    /// parameters and port may differ, as they do between phones.
    pub uri: Option<&'a str>,
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

impl Digest {
    /// Nonces under this key, with the lifetime [`NONCE_LIFETIME`].
    #[must_use]
    pub fn new(key: [u8; 32]) -> Digest {
        Digest::with_lifetime(key, NONCE_LIFETIME)
    }

    /// Nonces under this key that serve for `lifetime`.
    #[must_use]
    pub fn with_lifetime(key: [u8; 32], lifetime: Duration) -> Digest {
        let lifetime_ms = u64::try_from(lifetime.as_millis()).unwrap_or(u64::MAX);
        Digest {
            key: hmac::Key::new(hmac::HMAC_SHA256, &key),
            lifetime_ms,
            clock: Cell::default(),
        }
    }

    /// Values for `WWW-Authenticate` or `Proxy-Authenticate`, one per header field, best algorithm first.
    pub fn challenge(
        &self,
        realm: &str,
        wall_ms: u64,
        stale: bool,
        algorithms: Algorithms,
    ) -> impl Iterator<Item = String> + use<> {
        let nonce = self.issue(realm, wall_ms);
        let value = |algorithm| {
            algorithms
                .allow(algorithm)
                .then(|| challenge(realm, &nonce, stale, algorithm))
        };
        [value(Algorithm::Sha256), value(Algorithm::Md5)]
            .into_iter()
            .flatten()
    }

    /// Checks credentials for `realm`. `secret` is that of the named user under that realm; for an unknown user
    /// pass `None`, which takes the same work and is [`Refusal::Wrong`].
    ///
    /// A proof still has to pass the user's [`ReplayGuard`].
    ///
    /// # Errors
    /// See [`Refusal`].
    pub fn verify(
        &self,
        credentials: &Credentials<'_>,
        realm: &str,
        request: Request<'_>,
        secret: Option<&Secret>,
        wall_ms: u64,
        algorithms: Algorithms,
    ) -> Result<Proof, Refusal> {
        let (nc, cnonce) = usable(credentials, request)?;
        let algorithm = Algorithm::named(credentials.algorithm).filter(|a| algorithms.allow(*a));
        let algorithm = algorithm.ok_or(Refusal::Wrong)?;
        let right = hash::response_is_right(algorithm, secret, credentials, request.method, cnonce);
        let nonce_id = self.nonce_id(credentials.nonce, realm);
        let now_ms = self.now_ms(wall_ms);
        if !right || credentials.realm != realm {
            return Err(Refusal::Wrong);
        }
        let nonce_id = nonce_id.ok_or(Refusal::Stale)?;
        let issued_ms = nonce_id >> COUNTER_BITS;
        let from_future = nonce_id > self.clock.get().last_id && issued_ms > now_ms;
        if from_future || now_ms.saturating_sub(issued_ms) > self.lifetime_ms {
            return Err(Refusal::Stale);
        }
        Ok(Proof {
            nonce_id,
            issued_ms,
            nc,
        })
    }

    /// The clock of nonces: the wall clock plus all that it ever went back.
    fn now_ms(&self, wall_ms: u64) -> u64 {
        let mut clock = self.clock.get();
        clock.lag_ms = clock.lag_ms.saturating_add(clock.wall_ms.saturating_sub(wall_ms));
        clock.wall_ms = wall_ms;
        self.clock.set(clock);
        wall_ms.saturating_add(clock.lag_ms).min(u64::MAX >> COUNTER_BITS)
    }

    fn issue(&self, realm: &str, wall_ms: u64) -> String {
        let id = self.now_ms(wall_ms) << COUNTER_BITS;
        let mut clock = self.clock.get();
        clock.last_id = id.max(clock.last_id.saturating_add(1));
        self.clock.set(clock);
        self.seal(clock.last_id, realm)
    }

    /// A nonce: the id and a keyed hash of id and realm, as hex.
    fn seal(&self, id: u64, realm: &str) -> String {
        let id = id.to_be_bytes();
        let mac = self.mac(id, realm);
        let mut digits = [0; NONCE_DIGITS];
        hex_into(&id, &mut digits);
        hex_into(&mac, digits.get_mut(16..).unwrap_or_default());
        std::str::from_utf8(&digits).unwrap_or_default().to_owned()
    }

    /// The id in a nonce, if the nonce is one of ours for this realm.
    fn nonce_id(&self, nonce: &str, realm: &str) -> Option<u64> {
        let bytes = unhex::<NONCE_BYTES>(nonce)?;
        let (id, mac) = bytes.split_first_chunk::<8>()?;
        hash::same(mac, &self.mac(*id, realm)).then(|| u64::from_be_bytes(*id))
    }

    fn mac(&self, id: [u8; 8], realm: &str) -> [u8; 16] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(&id);
        context.update(realm.as_bytes());
        let tag = context.sign();
        tag.as_ref().first_chunk().copied().unwrap_or_default()
    }
}

/// What must be right in form before any hash is worth computing: the nonce count and the client nonce.
fn usable<'a>(credentials: &Credentials<'a>, request: Request<'_>) -> Result<(u32, &'a str), Refusal> {
    let qop = credentials.qop.is_some_and(|q| q.eq_ignore_ascii_case("auth"));
    let nc = credentials.nonce_count().filter(|nc| *nc > 0);
    let ours = request.uri.is_none_or(|uri| same_target(uri, credentials.uri));
    match (nc, credentials.cnonce) {
        (Some(nc), Some(cnonce)) if qop && ours => Ok((nc, cnonce)),
        _ => Err(Refusal::Malformed),
    }
}

fn same_target(request: &str, credentials: &str) -> bool {
    if request == credentials {
        return true;
    }
    match (target(request), target(credentials)) {
        (Some((user, host)), Some((other, site))) => user == other && host.eq_ignore_ascii_case(site),
        _ => false,
    }
}

/// User part and host of a URI, found without judging the rest of it.
fn target(uri: &str) -> Option<(&str, &str)> {
    let (_, rest) = uri.split_once(':')?;
    let (user, site) = rest.split_once('@').unwrap_or(("", rest));
    let end = match site.strip_prefix('[') {
        Some(v6) => v6.find(']')? + 2,
        None => site.find([':', ';', '?', '/']).unwrap_or(site.len()),
    };
    Some((user, site.get(..end)?))
}

fn challenge(realm: &str, nonce: &str, stale: bool, algorithm: Algorithm) -> String {
    let mut value = String::with_capacity(realm.len() + nonce.len() + 80);
    value.push_str("Digest realm=\"");
    for c in realm.chars().filter(|c| !c.is_control()) {
        if matches!(c, '"' | '\\') {
            value.push('\\');
        }
        value.push(c);
    }
    value.push_str("\", nonce=\"");
    value.push_str(nonce);
    value.push_str("\", algorithm=");
    value.push_str(algorithm.as_str());
    value.push_str(", qop=\"auth\"");
    if stale {
        value.push_str(", stale=true");
    }
    value
}
