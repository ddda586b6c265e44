//! Legs with ICE and DTLS-SRTP: from commands, datagrams and deadlines to what they mean for the session.
//!
//! Does not own: the protocols (`secure`).

use super::{Effect, Frame, Relay};
use crate::secure::{DtlsSource, Event, Secure};
use model::{Leg, MediaReport, MediaSessionId, SrtpKeys, WebTransport};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

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
        path.candidates
            .retain(|candidate| !self.ports.is_own(crate::latch::plain(candidate.address)));
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return false;
        };
        let state = session.leg(leg);
        let fresh = match &mut state.secure {
            Some(secure) => secure.change(&path, now),
            None => {
                state.secure = Some(Box::new(Secure::new(&path, now)));
                true
            }
        };
        if fresh {
            state.expect_keys();
        }
        self.settle_web(slot, leg, now)
    }

    /// Where a leg without ICE expects packets, and its keys. Gives whether its audio begins anew.
    pub(super) fn describe(
        &mut self,
        id: MediaSessionId,
        side: Leg,
        (rtp, rtcp, signalling): (Option<SocketAddr>, Option<SocketAddr>, IpAddr),
        srtp: Option<&SrtpKeys>,
    ) -> bool {
        // Our own ports as a destination would make packets run in circles.
        let [rtp, rtcp] = [rtp, rtcp].map(|at| at.filter(|at| !self.ports.is_own(*at)));
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
        from: SocketAddr,
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
        if !secure.receive(from, datagram, self.dtls.as_deref_mut(), now) {
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
            while let Some((to, octets)) = secure.poll_transmit() {
                self.frames.push_back(Frame {
                    pair,
                    rtcp: false,
                    to,
                    octets,
                });
            }
        }
        let (selected, valid) = secure.path();
        let moved = state.latch.follow_ice(selected, valid);
        while let Some(event) = secure.poll_event() {
            let report = match event {
                Event::Path => continue,
                Event::Keys(keys) => {
                    state.protect(Some(&keys));
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
