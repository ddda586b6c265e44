//! The SRTP contexts of one leg and the keys that they were made from.
//!
//! Does not own: packets (`leg`), and the algorithms (`rtp::srtp`).

use model::{SrtpKey, SrtpKeys, SrtpSuite};
use rtp::srtp::{Receiver, Sender, Suite};

/// Octets that a packet may be longer when it leaves.
pub const ROOM: usize = 20;
/// Keys of ours that may come back: a leg has one for each suite.
const MOST_PAST: usize = 4;

#[derive(Debug)]
pub(crate) struct Protected {
    /// The leg's last description had keys.
    on: bool,
    keys: Option<SrtpKeys>,
    /// Neither is there when a key has not its suite's length; then no packet passes.
    sender: Option<Sender>,
    receiver: Option<Receiver>,
    /// Senders whose keys have given way to others: when one comes back, its numbers go on.
    past: Vec<(SrtpSuite, SrtpKey, Sender)>,
}

impl Protected {
    pub(crate) fn new(keys: &SrtpKeys) -> Protected {
        Protected {
            on: true,
            keys: Some(keys.clone()),
            sender: sender(keys.suite, &keys.ours),
            receiver: receiver(keys.suite, &keys.theirs),
            past: Vec::new(),
        }
    }

    /// Keys are awaited: until they come, no packet passes.
    pub(crate) fn awaiting() -> Protected {
        Protected {
            on: true,
            keys: None,
            sender: None,
            receiver: None,
            past: Vec::new(),
        }
    }

    /// Takes other keys, or none for now. What has not changed keeps its counters.
    pub(crate) fn change(&mut self, keys: Option<&SrtpKeys>) {
        self.on = keys.is_some();
        let Some(keys) = keys else { return };
        let known = self.keys.as_ref().filter(|known| known.suite == keys.suite);
        let ours_differ = known.is_none_or(|known| known.ours != keys.ours);
        if known.is_none_or(|known| known.theirs != keys.theirs) {
            self.receiver = receiver(keys.suite, &keys.theirs);
        }
        if ours_differ {
            self.put_sender(keys);
        }
        self.keys = Some(keys.clone());
    }

    fn put_sender(&mut self, keys: &SrtpKeys) {
        let same = |(suite, key, _): &(SrtpSuite, SrtpKey, Sender)| (*suite, key) == (keys.suite, &keys.ours);
        let next = match self.past.iter().position(same) {
            Some(at) => Some(self.past.remove(at).2),
            None => sender(keys.suite, &keys.ours),
        };
        let last = std::mem::replace(&mut self.sender, next);
        if let (Some(last), Some(known)) = (last, &self.keys) {
            self.past.insert(0, (known.suite, known.ours.clone(), last));
            self.past.truncate(MOST_PAST);
        }
    }

    pub(crate) fn is_on(&self) -> bool {
        self.on
    }

    pub(crate) fn sender(&mut self) -> Option<&mut Sender> {
        self.sender.as_mut()
    }

    pub(crate) fn receiver(&mut self) -> Option<&mut Receiver> {
        self.receiver.as_mut()
    }
}

fn sender(suite: SrtpSuite, key: &SrtpKey) -> Option<Sender> {
    Sender::new(as_rtp(suite), key.octets())
}

fn receiver(suite: SrtpSuite, key: &SrtpKey) -> Option<Receiver> {
    Receiver::new(as_rtp(suite), key.octets())
}

fn as_rtp(suite: SrtpSuite) -> Suite {
    match suite {
        SrtpSuite::AesCm128HmacSha1_80 => Suite::AesCm128HmacSha1_80,
        SrtpSuite::AesCm128HmacSha1_32 => Suite::AesCm128HmacSha1_32,
        SrtpSuite::AeadAes128Gcm => Suite::AeadAes128Gcm,
        SrtpSuite::AeadAes256Gcm => Suite::AeadAes256Gcm,
    }
}
