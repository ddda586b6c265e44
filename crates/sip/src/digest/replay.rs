//! Memory against replay: which nonces a credential has used, and how far each was counted (RFC 7616 §5.5).
//!
//! It owns a fixed number of counts. It checks no hash: only proofs that were verified come here.

use super::Proof;

const NONCES: usize = 8;

/// One credential's nonces, at most eight. Most phones live with one or two, and a server holds a guard per phone: what
/// is not used is not allocated.
///
/// When a ninth nonce comes, the oldest is forgotten, and from then on every nonce as old as that is refused.
/// Nonces are issued in rising order, so a phone that just got a challenge always passes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReplayGuard {
    /// Nonces up to this id are spent.
    floor: u64,
    used: Vec<Used>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Used {
    id: u64,
    /// The highest count seen.
    count: u32,
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
        if let Some(used) = self.used.iter_mut().find(|used| used.id == proof.nonce_id) {
            let rises = proof.nc > used.count;
            used.count = proof.nc.max(used.count);
            return rises;
        }
        if proof.nonce_id <= self.floor || proof.nc == 0 {
            return false;
        }
        self.remember(Used {
            id: proof.nonce_id,
            count: proof.nc,
        });
        true
    }

    fn remember(&mut self, new: Used) {
        if self.used.len() < NONCES {
            self.used.reserve_exact(1);
            self.used.push(new);
            return;
        }
        let Some(oldest) = self.used.iter_mut().min_by_key(|used| used.id) else {
            return;
        };
        if oldest.id > new.id {
            self.floor = self.floor.max(new.id);
        } else {
            self.floor = self.floor.max(oldest.id);
            *oldest = new;
        }
    }
}
