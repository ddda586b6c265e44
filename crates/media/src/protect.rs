//! The SRTP contexts of one leg and the keys that they were made from.
//!
//! Does not own: packets (`leg`), and the algorithms (`rtp::srtp`).

use model::{SrtpKey, SrtpKeys, SrtpSuite};
use rtp::srtp::{Receiver, Sender, Suite};

/// Octets that a packet may be longer when it leaves.
pub const ROOM: usize = 20;

#[derive(Debug)]
pub(crate) struct Protected {
    /// The leg's last description had keys.
    on: bool,
    keys: Option<SrtpKeys>,
    /// Neither is there when a key has not its suite's length; then no packet passes.
    sender: Option<Sender>,
    receiver: Option<Receiver>,
}

impl Protected {
    pub(crate) fn new(keys: &SrtpKeys) -> Protected {
        Protected {
            on: true,
            keys: Some(keys.clone()),
            sender: sender(keys.suite, &keys.ours),
            receiver: receiver(keys.suite, &keys.theirs),
        }
    }

    /// Keys are awaited: until they come, no packet passes.
    pub(crate) fn awaiting() -> Protected {
        Protected {
            on: true,
            keys: None,
            sender: None,
            receiver: None,
        }
    }

    /// Takes other keys, or none for now. What has not changed keeps its counters.
    pub(crate) fn change(&mut self, keys: Option<&SrtpKeys>) {
        self.on = keys.is_some();
        let Some(keys) = keys else { return };
        let known = self.keys.as_ref().filter(|known| known.suite == keys.suite);
        if known.is_none_or(|known| known.ours != keys.ours) {
            self.sender = sender(keys.suite, &keys.ours);
        }
        if known.is_none_or(|known| known.theirs != keys.theirs) {
            self.receiver = receiver(keys.suite, &keys.theirs);
        }
        self.keys = Some(keys.clone());
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
