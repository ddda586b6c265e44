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
/// They are gathered first, because a hasher takes many short writes badly.
struct Parts {
    keyer: Keyer,
    gathered: [u8; 256],
    len: usize,
}

impl Parts {
    fn text(&mut self, text: &str) -> &mut Parts {
        self.octets(text.as_bytes());
        self.octets(&[0xff])
    }

    fn number(&mut self, number: u32) -> &mut Parts {
        self.octets(&number.to_be_bytes())
    }

    fn octets(&mut self, octets: &[u8]) -> &mut Parts {
        let end = self.len + octets.len();
        match self.gathered.get_mut(self.len..end) {
            Some(room) => {
                room.copy_from_slice(octets);
                self.len = end;
            }
            None => {
                self.flush();
                self.keyer.high.write(octets);
                self.keyer.low.write(octets);
            }
        }
        self
    }

    fn flush(&mut self) {
        let gathered = self.gathered.get(..self.len).unwrap_or_default();
        self.keyer.high.write(gathered);
        self.keyer.low.write(gathered);
        self.len = 0;
    }

    fn key(&mut self) -> Key {
        self.flush();
        Key(u128::from(self.keyer.high.finish()) << 64 | u128::from(self.keyer.low.finish()))
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
        let mut parts = Parts {
            keyer: self.clone(),
            gathered: [0; 256],
            len: 0,
        };
        parts.text(kind);
        parts
    }

    /// The server transaction that a request belongs to, were its method `method` (§17.2.3).
    pub(super) fn server(&self, request: &Message<'_>, method: Method<'_>) -> Key {
        match request.top_via() {
            Ok(via) if via.has_magic_branch() => self
                .begin("server")
                .text(via.branch.unwrap_or_default())
                .text(via.host)
                // No port is 0.
                .number(via.port.map_or(0, u32::from))
                .text(method.as_str())
                .key(),
            _ => self.ancient(request, method),
        }
    }

    /// Matching as RFC 2543 did it, for a branch without the cookie or with nothing after it: Request-URI,
    /// From tag, Call-ID, CSeq number and the whole top Via. The To tag is left out, so that an ACK, which
    /// carries the one of our response, finds its INVITE.
    fn ancient(&self, request: &Message<'_>, method: Method<'_>) -> Key {
        let via = request.list(Name::Via).next().unwrap_or_default();
        let uri = request.request_line().map_or("", |line| line.uri);
        let seq = request.cseq().map_or(0, |cseq| cseq.seq);
        self.origin("ancient", request)
            .number(seq)
            .text(method.as_str())
            .text(uri)
            .text(via)
            .key()
    }

    /// What a request that came twice, over two paths, has in common (§8.2.2.2); `None` inside of a dialog, where
    /// that does not apply.
    pub(super) fn merge(&self, request: &Message<'_>) -> Option<Key> {
        request.header(Name::To)?;
        let inside = request.to_tag().is_some();
        let cseq = request.header(Name::CSeq)?;
        (!inside).then(|| self.origin("merge", request).text(cseq).key())
    }

    fn origin(&self, kind: &str, request: &Message<'_>) -> Parts {
        let call_id = request.header(Name::CallId).unwrap_or_default();
        let mut parts = self.begin(kind);
        parts.text(request.from_tag().unwrap_or_default()).text(call_id);
        parts
    }

    /// The client transaction of this branch and method (§17.1.3).
    pub(super) fn client(&self, branch: &str, method: Method<'_>) -> Key {
        self.begin("client").text(branch).text(method.as_str()).key()
    }
}
