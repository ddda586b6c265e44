//! One side of a relayed call: its pair, whom it believes, what came from it.
//!
//! Does not own: the other side.

use crate::latch::Latch;
use crate::ports::PairId;
use model::LegQuality;
use rtp::{Clock, Header, Reception, rtcp};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct LegState {
    pub(crate) ip: IpAddr,
    pub(crate) pair: Option<PairId>,
    /// The pair's sockets are open.
    pub(crate) ready: bool,
    /// Pairs that could not be bound for this leg.
    pub(crate) failures: u8,
    pub(crate) latch: Latch,
    count: LegQuality,
    reception: Reception,
    clock: Clock,
}

impl LegState {
    pub(crate) fn new(ip: IpAddr) -> LegState {
        LegState {
            ip,
            pair: None,
            ready: false,
            failures: 0,
            latch: Latch::default(),
            count: LegQuality::default(),
            reception: Reception::new(),
            clock: Clock::default(),
        }
    }

    /// True when the packet is believed and well formed. Anything else is counted and changes nothing.
    pub(crate) fn receive_rtp(&mut self, from: SocketAddr, packet: &[u8], now: Duration) -> bool {
        if !self.latch.may_come_from(from) {
            return self.stray();
        }
        let Ok(header) = Header::parse(packet) else {
            return self.stray();
        };
        if !self.latch.rtp_from(from) {
            return self.stray();
        }
        self.count.packets = self.count.packets.saturating_add(1);
        let octets = u64::try_from(packet.len()).unwrap_or(u64::MAX);
        self.count.bytes = self.count.bytes.saturating_add(octets);
        let clock = self.clock.rate(&header, now);
        self.reception.receive(&header, now, clock);
        true
    }

    /// The same for RTCP.
    pub(crate) fn receive_rtcp(&mut self, from: SocketAddr, packet: &[u8]) -> bool {
        if !rtcp::is_valid(packet) || !self.latch.rtcp_from(from) {
            return self.stray();
        }
        self.count.rtcp = self.count.rtcp.saturating_add(1);
        true
    }

    /// Counts a packet that is dropped. Always false.
    pub(crate) fn stray(&mut self) -> bool {
        self.count.stray = self.count.stray.saturating_add(1);
        false
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
