//! Streams beside the audio of a call, each a session of its own: pictures, which are RTP like any other and heard by nobody,
//! and faxes (ITU-T T.38 over UDPTL), whose datagrams have no header that could be read.
//!
//! Owns: how they begin, and the way of a fax's datagram. Does not own: whom a leg believes (`latch`).

use super::Relay;
use crate::ports::PairId;
use crate::session::{Carries, Forward, Session};
use model::{Leg, MediaSessionId, StreamKind};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

impl Relay {
    pub(super) fn open_stream(
        &mut self,
        (id, stream): (MediaSessionId, StreamKind),
        ips: (IpAddr, IpAddr),
        silence_s: u32,
        now: Duration,
    ) {
        let mut session = Session::new(id, ips, silence_s, self.engine(id));
        session.carries = match stream {
            StreamKind::Audio => Carries::Sound,
            StreamKind::Video => Carries::Pictures,
            StreamKind::Fax => Carries::Fax,
        };
        self.open(session, now);
    }

    /// A packet of a session that does not just pass RTP on between two legs.
    #[cold]
    pub(super) fn take_apart(
        &mut self,
        (slot, leg): (usize, Leg),
        (pair, rtcp): (PairId, bool),
        from: SocketAddr,
        packet: &mut [u8],
        now: Duration,
    ) -> Option<Forward> {
        let session = self.sessions.get_mut(slot)?.as_mut()?;
        if session.carries != Carries::Fax {
            self.hear((slot, pair, rtcp), from, packet, now);
            return None;
        }
        let (near, far) = session.near_and_far(leg);
        if rtcp {
            near.stray();
            return None;
        }
        let len = near.receive_datagram(from, packet)?;
        let forward = match (far.latch.rtp_to(), far.pair) {
            (Some(to), Some(pair)) if far.ready => Some(Forward {
                pair,
                rtcp: false,
                to,
                len,
            }),
            _ => None,
        };
        if forward.is_none() {
            near.unrouted();
        }
        session.heard(now);
        self.forwarded = self.forwarded.saturating_add(u64::from(forward.is_some()));
        forward
    }
}
