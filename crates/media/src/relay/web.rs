//! Legs with DTLS-SRTP, and with ICE: from commands, datagrams and deadlines to what they mean for the session.
//!
//! Does not own: the protocols (`secure`).

use super::{Effect, Frame, Relay};
use crate::secure::{DtlsSource, Event, Outgoing, Secure};
use model::{Leg, MediaReport, MediaSessionId, SrtpKeys, WebTransport};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

/// Where a leg expects RTP and RTCP, and where its signalling comes from.
pub(super) type Places = (Option<SocketAddr>, Option<SocketAddr>, IpAddr);

/// From now to the next look at least.
const SHORTEST: Duration = Duration::from_millis(1);

impl Relay {
    /// Lends DTLS endpoints. Without, a leg that needs one gets no audio.
    #[must_use]
    pub fn with_dtls(mut self, source: Box<dyn DtlsSource>) -> Relay {
        self.dtls = Some(source);
        self
    }

    /// A leg speaks ICE and DTLS-SRTP. Gives whether it is sent elsewhere now; mostly ICE finds that later.
    pub(super) fn describe_web(
        &mut self,
        id: MediaSessionId,
        leg: Leg,
        path: &WebTransport,
        now: Duration,
    ) -> bool {
        let Some(slot) = self.slots.get(&id).copied() else {
            return false;
        };
        // Our own ports as a destination would make packets run in circles.
        let mut path = path.clone();
        if let Some(ice) = &mut path.ice {
            ice.candidates
                .retain(|candidate| !self.ports.is_own(crate::latch::plain(candidate.address)));
        }
        self.secure(slot, leg, &path, [None; 2], now);
        self.settle_web(slot, leg, now)
    }

    /// A leg speaks DTLS-SRTP without ICE: its addresses are those of any other leg. Gives whether its audio begins anew.
    pub(super) fn describe_dtls(
        &mut self,
        id: MediaSessionId,
        leg: Leg,
        places: Places,
        path: &WebTransport,
        now: Duration,
    ) -> bool {
        let Some(slot) = self.slots.get(&id).copied() else {
            return false;
        };
        let (rtp, rtcp, signalling) = self.passable(places);
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let moved = session.leg(leg).latch.describe(rtp, rtcp, signalling);
        self.secure(slot, leg, path, [rtp, rtcp], now);
        self.settle_web(slot, leg, now);
        moved
    }

    /// A leg's keys come by DTLS as `path` says; `described` is where it takes RTP and RTCP without ICE.
    fn secure(
        &mut self,
        slot: usize,
        leg: Leg,
        path: &WebTransport,
        described: [Option<SocketAddr>; 2],
        now: Duration,
    ) {
        if let Some(Some(session)) = self.sessions.get_mut(slot)
            && session
                .leg(leg)
                .secure
                .as_ref()
                .is_some_and(|secure| secure.has_ice() != path.ice.is_some())
        {
            self.forget_web(slot, leg);
        }
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let state = session.leg(leg);
        let mut fresh = state.secure.is_none();
        let secure = state
            .secure
            .get_or_insert_with(|| Box::new(Secure::new(path, now)));
        fresh |= secure.change(path, now);
        // Who is on hold without an address is where it was.
        if path.ice.is_none() && described[0].is_some() {
            secure.describe(described, self.dtls.as_deref_mut(), now);
        }
        let apart = secure.parts_rtcp();
        if fresh {
            state.expect_keys(apart);
        } else if !apart {
            state.join_control();
        }
    }

    /// Places without our own ports: those would make packets run in circles. Between two calls of this server they are meant.
    fn passable(&self, (rtp, rtcp, signalling): Places) -> Places {
        let inside = signalling.is_unspecified();
        let [rtp, rtcp] = [rtp, rtcp].map(|at| at.filter(|at| inside || !self.ports.is_own(*at)));
        (rtp, rtcp, signalling)
    }

    /// Where a leg without DTLS expects packets, and its keys. Gives whether its audio begins anew.
    pub(super) fn describe(
        &mut self,
        id: MediaSessionId,
        side: Leg,
        places: Places,
        srtp: Option<&SrtpKeys>,
    ) -> bool {
        let (rtp, rtcp, signalling) = self.passable(places);
        let news = rtp.is_some() || srtp.is_some();
        let slot = self.slots.get(&id).copied().filter(|_| news);
        let left = slot.is_some_and(|slot| self.forget_web(slot, side));
        let Some(session) = self.session(id) else {
            return false;
        };
        let leg = session.leg(side);
        let moved = leg.latch.describe(rtp, rtcp, signalling);
        if news {
            leg.protect(srtp);
        }
        moved || left
    }

    /// A leg speaks plainly, or by keys that it has told. Gives whether it did not before.
    fn forget_web(&mut self, slot: usize, leg: Leg) -> bool {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let state = session.leg(leg);
        let Some(secure) = state.secure.take() else {
            return false;
        };
        state.latch.forget_ice();
        secure
            .armed
            .map(|due| self.deadlines.remove(&(due, slot, leg == Leg::Callee)));
        true
    }

    /// Takes STUN and DTLS of a leg that speaks so. False when the leg does not.
    pub(super) fn handle_web(
        &mut self,
        (slot, leg): (usize, Leg),
        (rtcp, from): (bool, SocketAddr),
        datagram: &[u8],
        now: Duration,
    ) -> bool {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let state = session.leg(leg);
        let Some(secure) = &mut state.secure else {
            return false;
        };
        let known = match rtcp {
            true => state.latch.rtcp_may_come_from(from),
            false => state.latch.may_come_from(from),
        };
        if !secure.receive((rtcp, known), from, datagram, self.dtls.as_deref_mut(), now) {
            state.stray();
        }
        self.follow_web(slot, leg, now);
        true
    }

    /// Does what is due.
    pub(super) fn web_is_due(&mut self, now: Duration) {
        while let Some(&(due, slot, callee)) = self.deadlines.first().filter(|(due, ..)| *due <= now) {
            self.deadlines.remove(&(due, slot, callee));
            let leg = if callee { Leg::Callee } else { Leg::Caller };
            let Some(Some(session)) = self.sessions.get_mut(slot) else {
                continue;
            };
            if let Some(secure) = &mut session.leg(leg).secure {
                secure.armed = None;
                secure.handle_timeout(self.dtls.as_deref_mut(), now);
                self.follow_web(slot, leg, now);
            }
        }
    }

    /// Does what a leg's ICE and DTLS have come to. Audio that goes another way is judged anew.
    fn follow_web(&mut self, slot: usize, leg: Leg, now: Duration) {
        if self.settle_web(slot, leg, now) {
            self.tend(slot, |session| session.checks.moved(session.evidence(), now));
        }
    }

    /// Carries out what a leg's ICE and DTLS have come to. Gives whether it is sent elsewhere now.
    fn settle_web(&mut self, slot: usize, leg: Leg, now: Duration) -> bool {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let id = session.id;
        let state = session.leg(leg);
        let (Some(mut secure), pair) = (state.secure.take(), state.pair) else {
            return false;
        };
        if let Some(pair) = pair {
            while let Some(Outgoing { rtcp, to, octets }) = secure.poll_transmit() {
                self.frames.push_back(Frame {
                    pair,
                    rtcp,
                    to,
                    octets,
                });
            }
        }
        let path = secure.path();
        let moved = path.is_some_and(|(selected, valid)| state.latch.follow_ice(selected, valid));
        while let Some(event) = secure.poll_event() {
            let report = match event {
                Event::Path => continue,
                Event::ControlKeys(keys) => {
                    state.protect_control(&keys);
                    continue;
                }
                Event::Keys(keys) => {
                    state.protect_by_dtls(&keys);
                    MediaReport::Secured {
                        session: id,
                        leg,
                        suite: keys.suite,
                    }
                }
                Event::Unsecured(why) => MediaReport::Unsecured {
                    session: id,
                    leg,
                    why,
                },
            };
            self.effects.push_back(Effect::Report(report));
        }
        // A deadline in the past would be looked at for ever in one turn.
        let next = secure
            .poll_timeout()
            .map(|due| due.max(now.saturating_add(SHORTEST)));
        if next != secure.armed {
            let callee = leg == Leg::Callee;
            secure
                .armed
                .map(|due| self.deadlines.remove(&(due, slot, callee)));
            next.map(|due| self.deadlines.insert((due, slot, callee)));
            secure.armed = next;
        }
        state.secure = Some(secure);
        moved
    }

    /// The deadlines of a session that is removed.
    pub(super) fn disarm_web(&mut self, slot: usize, armed: [Option<Duration>; 2]) {
        for (due, callee) in armed.into_iter().zip([false, true]) {
            due.map(|due| self.deadlines.remove(&(due, slot, callee)));
        }
    }
}
