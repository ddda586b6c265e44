//! The codecs of a trunk: what its carrier is offered, and what of its own words counts. A tenant's codecs hold for everybody
//! besides (`Policy::codecs`).

use crate::peer::Peer;
use model::TenantConfig;
use sdp::{Description, Side};

/// Those that a peer may speak; empty = all that the tenant lets through.
fn of(config: &TenantConfig, peer: Peer) -> &[String] {
    let trunk = peer.trunk().and_then(|id| config.trunk(id));
    trunk.map_or(&[], |trunk| trunk.draft.codecs.as_slice())
}

/// What the peer has said, without what its trunk does not take.
pub(super) fn heard(config: &TenantConfig, peer: Peer, mut said: Description) -> Description {
    said.keep_codecs(of(config, peer));
    said
}

/// The peer is offered nothing else from now on.
pub(super) fn restrict(config: &TenantConfig, peer: Peer, side: &mut Side) {
    side.only(of(config, peer));
}
