//! What a look-up found: servers with their ranks and weights, so that the order among those that share the load is drawn anew
//! each time and not once for as long as the DNS says that the answer holds.

use super::draw::{Lots, draw};
use super::{MAX_PLACES, Transport};
use std::collections::BTreeSet;
use std::net::SocketAddr;

/// One way to reach a peer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// By which transport.
    pub transport: Transport,
    /// Where.
    pub address: SocketAddr,
}

/// A server, with its addresses in the order in which they are to be tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hop {
    /// Where its service stands among those of other transports, then its priority: lower is tried first.
    pub(super) rank: (u16, u16),
    pub(super) weight: u16,
    pub(super) transport: Transport,
    pub(super) addresses: Vec<SocketAddr>,
}

/// Where a wish leads. There is at least one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub(super) hops: Vec<Hop>,
    pub(super) ttl_s: u32,
    pub(super) is_whole: bool,
}

impl Found {
    /// The smallest TTL of what this rests on, seconds, as the DNS said it; `u32::MAX` where it was not asked.
    #[must_use]
    pub fn ttl_s(&self) -> u32 {
        self.ttl_s
    }

    /// False where the DNS left one of the questions without an answer: there may be more, or better, places.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The places in the order in which they are to be tried, each once. Another seed draws other lots among servers of one
    /// priority.
    #[must_use]
    pub fn places(&self, seed: u64) -> Vec<Place> {
        let hops: Vec<&Hop> = self.hops.iter().collect();
        let hops = draw(hops, |hop| hop.rank, |hop| hop.weight, &mut Lots::new(seed));
        let mut seen = BTreeSet::new();
        let places = hops.into_iter().flat_map(|hop| {
            let transport = hop.transport;
            let place = move |address: &SocketAddr| Place {
                transport,
                address: *address,
            };
            hop.addresses.iter().map(place)
        });
        places
            .filter(|place| seen.insert(*place))
            .take(MAX_PLACES)
            .collect()
    }
}
