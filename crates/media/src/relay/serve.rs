//! Sessions with one leg: the server itself is the other side.
//!
//! Owns: their ports, and where their packets go. Does not own: what is in those (`player`).

use super::Relay;
use crate::leg::LegState;
use crate::player::Player;
use crate::ports::PairId;
use crate::protect::ROOM;
use crate::session::Session;
use model::{Leg, MediaReport, MediaSessionId, Program};
use rtp::{Header, Protocol, protocol};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// An RTP packet of ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// It leaves by the RTP socket of this pair,
    pub pair: PairId,
    /// to this address.
    pub to: SocketAddr,
    /// All of it.
    pub octets: Vec<u8>,
}

impl Relay {
    /// A packet of ours that is to leave now. Drain after each `handle_packet` and `handle_timeout`.
    pub fn poll_frame(&mut self) -> Option<Frame> {
        self.frames.pop_front()
    }

    pub(super) fn serve(&mut self, id: MediaSessionId, ip: IpAddr, silence_s: u32, ssrc: u32, now: Duration) {
        if let Some(slot) = self.repeated(id) {
            return self.announce(slot);
        }
        let mut session = Session::new(id, (ip, ip), silence_s);
        session.player = Some(Box::new(Player::new(ssrc)));
        let slot = self.keep(session);
        if self.acquire(slot, Leg::Caller, now) {
            self.announce(slot);
        } else {
            self.refuse(slot, now);
        }
    }

    pub(super) fn play(
        &mut self,
        id: MediaSessionId,
        (number, program): (u32, Option<&Program>),
        now: Duration,
    ) {
        let Some(slot) = self.slots.get(&id).copied() else {
            return;
        };
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let Some(player) = &mut session.player else { return };
        let before = player.due();
        player.play(number, program, now);
        let after = player.due();
        before.map(|due| self.ticks.remove(&(due, slot)));
        after.map(|due| self.ticks.insert((due, slot)));
    }

    /// A packet from the leg of a session that has one. Only the one source that is believed for good hears its echo.
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
                if leg.receive_rtcp(from, packet).is_some() {
                    session.heard(now);
                }
                return;
            }
            _ => leg.stray(),
        };
        let Some(packet) = opened.and_then(|len| packet.get(..len)) else {
            return;
        };
        let to = leg.latch.locked().filter(|to| *to == from);
        session.heard(now);
        let (Some(to), Some(player), Ok(header)) = (to, &mut session.player, Header::parse(packet)) else {
            return;
        };
        let octets = player.echo(&header, packet, now);
        let octets = octets.and_then(|octets| protect(&mut session.caller, octets));
        self.frames
            .extend(octets.map(|octets| Frame { pair, to, octets }));
    }

    /// Makes the frames that are due.
    pub(super) fn tick(&mut self, now: Duration) {
        while let Some(&(due, slot)) = self.ticks.first().filter(|(due, _)| *due <= now) {
            self.ticks.remove(&(due, slot));
            let Some(Some(session)) = self.sessions.get_mut(slot) else {
                continue;
            };
            let (Some(pair), Some(player)) = (session.caller.pair, &mut session.player) else {
                continue;
            };
            let (leg, frames) = (&mut session.caller, &mut self.frames);
            let (to, heard) = (leg.latch.rtp_to(), leg.latch.locked().is_some());
            let over = player.tick(now, heard, |octets| {
                let frame = to.zip(protect(leg, octets));
                frames.extend(frame.map(|(to, octets)| Frame { pair, to, octets }));
            });
            if over {
                let report = MediaReport::Played {
                    session: session.id,
                    leg: Leg::Caller,
                    id: player.number(),
                    missing: 0,
                };
                self.effects.push_back(super::Effect::Report(report));
            }
            let next = player.due();
            self.ticks.extend(next.map(|due| (due, slot)));
        }
    }
}

/// The packet as the leg is to get it; `None` when it must not leave.
fn protect(leg: &mut LegState, mut octets: Vec<u8>) -> Option<Vec<u8>> {
    let len = octets.len();
    octets.resize(len.saturating_add(ROOM), 0);
    let len = leg.prepare(false, &mut octets, len)?;
    octets.truncate(len);
    Some(octets)
}
