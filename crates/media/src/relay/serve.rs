//! Sessions with one leg: the server itself is the other side.
//!
//! Owns: their ports, and whom they hear. Does not own: what is said to them (`engine`).

use super::Relay;
use super::process::{Frame, protect};
use crate::engine::Engine;
use crate::ports::PairId;
use crate::session::Session;
use model::{Leg, MediaSessionId};
use rtp::{Header, Protocol, protocol};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

impl Relay {
    pub(super) fn serve(&mut self, id: MediaSessionId, ip: IpAddr, silence_s: u32, ssrc: u32, now: Duration) {
        if let Some(slot) = self.repeated(id) {
            return self.announce(slot);
        }
        let slot = self.keep(Session::new(id, (ip, ip), silence_s, Engine::alone(ssrc)));
        if self.acquire(slot, Leg::Caller, now) {
            self.announce(slot);
        } else {
            self.refuse(slot, now);
        }
    }

    /// A packet from the leg of a session that has one. Only the one source that is believed for good is listened to.
    pub(super) fn hear(
        &mut self,
        (slot, pair, rtcp): (usize, PairId, bool),
        from: SocketAddr,
        packet: &mut [u8],
        now: Duration,
    ) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let leg = &mut session.caller;
        let opened = match protocol(packet) {
            Protocol::Rtp if !rtcp => leg.receive_rtp(from, packet, now),
            Protocol::Rtcp => {
                let len = leg.receive_rtcp(from, packet);
                if let Some(datagram) = len.and_then(|len| packet.get_mut(..len)) {
                    session.report(Leg::Caller, datagram, now);
                    session.heard(now);
                }
                return;
            }
            protocol => leg.lost_its_way(protocol, from),
        };
        let Some(packet) = opened.and_then(|len| packet.get(..len)) else {
            return;
        };
        session.heard(now);
        if session.caller.is_for_engine(packet) {
            self.take((slot, Leg::Caller), packet, false, now);
        }
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let to = session.caller.latch.locked().filter(|to| *to == from);
        let (Some(to), Ok(header)) = (to, Header::parse(packet)) else {
            return;
        };
        let octets = session.engine.echo(&header, packet, now);
        let octets = octets.and_then(|octets| protect(&mut session.caller, octets, now));
        self.frames.extend(octets.map(|octets| Frame {
            pair,
            rtcp: false,
            to,
            octets,
        }));
        self.arrange(slot);
    }
}
