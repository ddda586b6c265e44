//! Phones that offer much, and what they do with the connections that the server opens for that.

use super::scene::Scene;
use crate::phone::Listens;
use crate::rng::Rng;
use model::Transport;

impl Scene {
    /// What a phone on datagrams does with connections, and how much it has to say. Drawn apart, so that a seed keeps its
    /// other choices.
    pub(super) fn make_wordy(&mut self, index: usize) {
        let every = [
            Listens::No,
            Listens::No,
            Listens::Filtered,
            Listens::Yes,
            Listens::Yes,
            Listens::Yes,
            Listens::Deaf,
            Listens::Closes,
        ];
        let listens = self.words.pick(&every).copied().unwrap_or_default();
        let wordy = self.words.per_mille(300);
        if let Some(phone) = self.world.phones.get_mut(index) {
            if phone.identity.transport == Transport::Udp {
                phone.listens = listens;
            }
            if wordy {
                phone.codecs.extend(96..=115);
            }
        }
    }

    /// Sometimes a connection that the server opened breaks.
    pub(super) fn break_some(&mut self) {
        if self.words.per_mille(60) {
            let phone = usize::try_from(self.words.below(self.homes.len() as u64)).unwrap_or(0);
            self.world.break_opened(phone);
        }
    }

    /// The chance of these things.
    pub(super) fn words_of(seed: u64) -> Rng {
        Rng::new(seed ^ 0x1300_0000_0000_0000)
    }
}
