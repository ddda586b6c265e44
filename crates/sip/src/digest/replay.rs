//! Memory against replay: which nonces a credential has used, and how far each was counted (RFC 7616 §5.5).
//!
//! It owns a fixed number of counts. It checks no hash: only proofs that were verified come here.

use super::Proof;

const NONCES: usize = 8;

/// One credential's nonces, at most eight; about a hundred octets.
///
/// When a ninth nonce comes, the oldest is forgotten, and from then on every nonce as old as that is refused.
/// Nonces are issued in rising order, so a phone that just got a challenge always passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayGuard {
    /// Nonces up to this id are spent.
    floor: u64,
    ids: [u64; NONCES],
    /// The highest count seen per nonce; zero marks a free place.
    counts: [u32; NONCES],
}

impl ReplayGuard {
    /// A credential that has used no nonce yet.
    #[must_use]
    pub fn new() -> ReplayGuard {
        ReplayGuard::default()
    }

    /// True when this proof was not used before: its count is above all that came with its nonce. On `false`
    /// challenge again, stale.
    pub fn admit(&mut self, proof: &Proof) -> bool {
        let known = self
            .places()
            .find(|(id, count)| **count > 0 && **id == proof.nonce_id);
        if let Some((_, count)) = known {
            let rises = proof.nc > *count;
            *count = proof.nc.max(*count);
            return rises;
        }
        if proof.nonce_id <= self.floor || proof.nc == 0 {
            return false;
        }
        self.remember(proof);
        true
    }

    fn places(&mut self) -> impl Iterator<Item = (&mut u64, &mut u32)> {
        self.ids.iter_mut().zip(self.counts.iter_mut())
    }

    fn remember(&mut self, proof: &Proof) {
        // A free place counts as older than any nonce.
        let oldest = self
            .places()
            .min_by_key(|(id, count)| if **count == 0 { 0 } else { **id });
        let Some((id, count)) = oldest else { return };
        if *count == 0 {
            (*id, *count) = (proof.nonce_id, proof.nc);
        } else if *id > proof.nonce_id {
            self.floor = self.floor.max(proof.nonce_id);
        } else {
            let evicted = std::mem::replace(id, proof.nonce_id);
            *count = proof.nc;
            self.floor = self.floor.max(evicted);
        }
    }
}
