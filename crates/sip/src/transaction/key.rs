//! What makes a message belong to a transaction (RFC 3261 §17.1.3, §17.2.3), as one 128-bit number.
//!
//! The number is a hash keyed by a secret of the table. It stands for the text it was made from: that two texts
//! of a table's life meet by chance is less likely than a broken machine, and nobody without the key can make them
//! meet. So a table entry needs no text and a lookup no allocation.

use crate::message::{Message, Name};
use crate::method::Method;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, DefaultHasher, Hash, Hasher};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(u128);

impl Hash for Key {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u128(self.0);
    }
}

/// A map from keys; they are hashes already.
pub(super) type KeyMap<V> = HashMap<Key, V, BuildHasherDefault<Truncate>>;

#[derive(Debug, Default)]
pub(super) struct Truncate(u64);

impl Hasher for Truncate {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes
            .iter()
            .fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u128(&mut self, key: u128) {
        self.0 = u64::try_from(key >> 64).unwrap_or_default();
    }
}

/// Makes keys. Holds two hashers that have taken in the secret.
#[derive(Clone)]
pub(super) struct Keyer {
    high: DefaultHasher,
    low: DefaultHasher,
}

impl std::fmt::Debug for Keyer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keyer(…)")
    }
}

/// One key in the making. Every part ends with an octet that UTF-8 never has, so parts cannot run together.
struct Parts(Keyer);

impl Parts {
    fn text(mut self, text: &str) -> Parts {
        text.hash(&mut self.0.high);
        text.hash(&mut self.0.low);
        self
    }

    fn number(mut self, number: u32) -> Parts {
        self.0.high.write_u32(number);
        self.0.low.write_u32(number);
        self
    }

    fn key(self) -> Key {
        Key(u128::from(self.0.high.finish()) << 64 | u128::from(self.0.low.finish()))
    }
}

impl Keyer {
    pub(super) fn new(secret: [u8; 16]) -> Keyer {
        let hasher = |side: u8| {
            let mut hasher = DefaultHasher::new();
            hasher.write(&secret);
            hasher.write_u8(side);
            hasher
        };
        Keyer {
            high: hasher(0),
            low: hasher(1),
        }
    }

    fn begin(&self, kind: &str) -> Parts {
        Parts(self.clone()).text(kind)
    }

    /// The server transaction that a request belongs to, were its method `method` (§17.2.3).
    pub(super) fn server(&self, request: &Message<'_>, method: Method<'_>) -> Key {
        let via = request.top_via().ok();
        let branch = via
            .as_ref()
            .filter(|via| via.has_magic_branch())
            .and_then(|via| via.branch);
        let sent_by = via.as_ref().map_or(("", None), |via| (via.host, via.port));
        let port = u32::from(sent_by.1.unwrap_or_default());
        match branch {
            Some(branch) => self
                .begin("server")
                .text(branch)
                .text(sent_by.0)
                .number(port)
                .text(method.as_str())
                .key(),
            None => self.ancient(request, method),
        }
    }

    /// Matching as RFC 2543 did it, for a branch without the cookie or with nothing after it: Request-URI,
    /// From tag, Call-ID, CSeq number and the whole top Via. The To tag is left out, so that an ACK, which
    /// carries the one of our response, finds its INVITE.
    fn ancient(&self, request: &Message<'_>, method: Method<'_>) -> Key {
        let via = request.list(Name::Via).next().unwrap_or_default();
        let uri = request.request_line().map_or("", |line| line.uri);
        self.origin("ancient", request)
            .text(method.as_str())
            .text(uri)
            .text(via)
            .key()
    }

    /// What a request that came twice, over two paths, has in common (§8.2.2.2).
    pub(super) fn merge(&self, request: &Message<'_>) -> Key {
        let method = request.method().map_or("", |method| method.as_str());
        self.origin("merge", request).text(method).key()
    }

    fn origin(&self, kind: &str, request: &Message<'_>) -> Parts {
        let tag = request
            .from()
            .ok()
            .and_then(|from| from.tag())
            .unwrap_or_default();
        let seq = request.cseq().map_or(0, |cseq| cseq.seq);
        self.begin(kind)
            .text(tag)
            .text(request.call_id().unwrap_or_default())
            .number(seq)
    }

    /// The client transaction of this branch and method (§17.1.3).
    pub(super) fn client(&self, branch: &str, method: Method<'_>) -> Key {
        self.begin("client").text(branch).text(method.as_str()).key()
    }
}
