//! One side of a relayed call: its pair, whom it believes, what came from it.
//!
//! Does not own: the other side.

use crate::latch::Latch;
use crate::ports::PairId;
use crate::protect::Protected;
use crate::secure::Secure;
use model::{LegQuality, SrtpKeys};
use rtp::srtp::{Receiver, Refused};
use rtp::{Clock, Header, Reception, rtcp};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// No payload types.
const NONE: u8 = u8::MAX;
const ALL: u8 = u8::MAX - 1;

#[derive(Debug)]
pub(crate) struct LegState {
    pub(crate) ip: IpAddr,
    /// The RTP address that its phone knows already.
    pub(crate) wish: Option<SocketAddr>,
    pub(crate) pair: Option<PairId>,
    /// The pair's sockets are open.
    pub(crate) ready: bool,
    /// Pairs that could not be bound for this leg.
    pub(crate) failures: u8,
    pub(crate) latch: Latch,
    /// Its packets are taken by the engine, not passed on.
    pub(crate) taken: bool,
    /// Payload type of its telephone events.
    pub(crate) events: Option<u8>,
    /// Which of its packets are a matter for the engine: those of this payload type, [`ALL`] or [`NONE`].
    heed: u8,
    /// Packets of our own in a row since something came from it.
    pub(crate) unheard: u32,
    /// ICE and DTLS, where the leg speaks so.
    pub(crate) secure: Option<Box<Secure>>,
    srtp: Option<Box<Protected>>,
    count: LegQuality,
    reception: Reception,
    clock: Clock,
}

impl LegState {
    pub(crate) fn new(ip: IpAddr) -> LegState {
        LegState {
            ip,
            wish: None,
            pair: None,
            ready: false,
            failures: 0,
            latch: Latch::default(),
            taken: false,
            events: None,
            heed: NONE,
            unheard: 0,
            secure: None,
            srtp: None,
            count: LegQuality::default(),
            reception: Reception::new(),
            clock: Clock::default(),
        }
    }

    /// Takes the leg's keys in, or that it has none. A context whose key stays goes on as it was, also after a time
    /// without: one that began anew would use its key stream twice.
    pub(crate) fn protect(&mut self, keys: Option<&SrtpKeys>) {
        match (&mut self.srtp, keys) {
            (Some(protected), keys) => protected.change(keys),
            (None, Some(keys)) => self.srtp = Some(Box::new(Protected::new(keys))),
            (None, None) => {}
        }
    }

    /// Keys will come by DTLS: until then nothing passes.
    pub(crate) fn expect_keys(&mut self) {
        self.srtp = Some(Box::new(Protected::awaiting()));
    }

    /// Opens a packet in its buffer and gives its length when it is believed and well formed. Anything else is counted and
    /// changes nothing: a protected leg locks onto a source only after its packet has authenticated.
    pub(crate) fn receive_rtp(
        &mut self,
        from: SocketAddr,
        packet: &mut [u8],
        now: Duration,
    ) -> Option<usize> {
        if !self.latch.may_come_from(from) {
            return self.stray();
        }
        let octets = u64::try_from(packet.len()).unwrap_or(u64::MAX);
        let Some(len) = self.open(packet, Receiver::unprotect_rtp) else {
            return self.refused();
        };
        let Ok(header) = Header::parse(packet.get(..len)?) else {
            return self.stray();
        };
        if !self.latch.rtp_from(from) {
            return self.stray();
        }
        self.count.packets = self.count.packets.saturating_add(1);
        self.count.bytes = self.count.bytes.saturating_add(octets);
        let clock = self.clock.rate(&header, now);
        self.reception.receive(&header, now, clock);
        Some(len)
    }

    /// The same for RTCP.
    pub(crate) fn receive_rtcp(&mut self, from: SocketAddr, packet: &mut [u8]) -> Option<usize> {
        if !self.latch.rtcp_may_come_from(from) {
            return self.stray();
        }
        let Some(len) = self.open(packet, Receiver::unprotect_rtcp) else {
            return self.refused();
        };
        if !rtcp::is_valid(packet.get(..len)?) || !self.latch.rtcp_from(from) {
            return self.stray();
        }
        self.count.rtcp = self.count.rtcp.saturating_add(1);
        Some(len)
    }

    fn open(
        &mut self,
        packet: &mut [u8],
        run: fn(&mut Receiver, &mut [u8]) -> Result<usize, Refused>,
    ) -> Option<usize> {
        match self.srtp.as_deref_mut().filter(|srtp| srtp.is_on()) {
            Some(protected) => run(protected.receiver()?, packet).ok(),
            None => Some(packet.len()),
        }
    }

    /// Makes the packet in the first `len` octets ready for this leg; gives its length, `None` when it must not leave.
    pub(crate) fn prepare(&mut self, control: bool, buffer: &mut [u8], len: usize) -> Option<usize> {
        let Some(protected) = self.srtp.as_deref_mut().filter(|srtp| srtp.is_on()) else {
            return Some(len);
        };
        let sender = protected.sender()?;
        match control {
            true => sender.protect_rtcp(buffer, len).ok(),
            false => sender.protect_rtp(buffer, len).ok(),
        }
    }

    /// Which of its packets the engine gets from now on: all of them, to take or to copy, or its events.
    pub(crate) fn engage(&mut self, taken: bool, tapped: bool, events: Option<u8>) {
        (self.taken, self.events) = (taken, events);
        self.heed = match events {
            _ if taken || tapped => ALL,
            Some(pt) => pt,
            None => NONE,
        };
    }

    /// Is this RTP packet a matter for the engine?
    #[inline]
    pub(crate) fn is_for_engine(&self, packet: &[u8]) -> bool {
        self.heed != NONE && (self.heed == ALL || packet.get(1).map(|octet| octet & 0x7F) == Some(self.heed))
    }

    /// Does it carry telephone events?
    pub(crate) fn is_event(&self, packet: &[u8]) -> bool {
        self.events.is_some() && packet.get(1).map(|octet| octet & 0x7F) == self.events
    }

    /// Counts a packet that is dropped. Always `None`.
    pub(crate) fn stray(&mut self) -> Option<usize> {
        self.count.stray = self.count.stray.saturating_add(1);
        None
    }

    fn refused(&mut self) -> Option<usize> {
        self.count.refused = self.count.refused.saturating_add(1);
        None
    }

    pub(crate) fn unrouted(&mut self) {
        self.count.unrouted = self.count.unrouted.saturating_add(1);
    }

    pub(crate) fn quality(&self) -> LegQuality {
        LegQuality {
            lost: self.reception.lost(),
            jitter_us: self.reception.jitter_us(),
            jitter_us_max: self.reception.jitter_us_max(),
            ..self.count
        }
    }
}
