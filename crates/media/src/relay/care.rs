//! What is done for a session from time to time: its audio is diagnosed, and streams of ours are reported about.
//!
//! Owns: when. Does not own: the judgement (`diagnose`), and what reports say (`rtp::rtcp::Reporter`).

use super::{Effect, Frame, Relay};
use crate::leg::LegState;
use crate::protect::ROOM;
use crate::quality::account;
use crate::session::Session;
use model::{LegQuality, MediaReport, MediaSessionId};
use std::time::Duration;

impl Relay {
    /// What was received from caller and callee so far; no callee where the server itself is the other side. `None`: there is
    /// no such session.
    #[must_use]
    pub fn quality(&self, id: MediaSessionId) -> Option<(LegQuality, Option<LegQuality>)> {
        let session = self.sessions.get(*self.slots.get(&id)?)?.as_ref()?;
        let (caller, callee) = accounts(session);
        Some((caller, Some(callee).filter(|_| !session.engine.is_alone())))
    }

    /// Does something to a session that may change when it is due.
    pub(super) fn tend<T>(&mut self, slot: usize, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        let done = self.sessions.get_mut(slot)?.as_mut().map(act);
        self.arrange(slot);
        done
    }

    /// Notes when a session is due.
    pub(super) fn arrange(&mut self, slot: usize) {
        let Some(Some(session)) = self.sessions.get_mut(slot) else {
            return;
        };
        let due = session.care_due();
        let before = std::mem::replace(&mut session.care, due);
        if before != due {
            before.map(|due| self.care.remove(&(due, slot)));
            due.map(|due| self.care.insert((due, slot)));
        }
    }

    /// Looks after every session that is due.
    pub(super) fn take_care(&mut self, now: Duration) {
        // Whatever was due is due later now.
        while let Some(&(due, slot)) = self.care.first().filter(|(due, _)| *due <= now) {
            let mut frames = Vec::new();
            let report = self.tend(slot, |session| {
                for leg in [&mut session.caller, &mut session.callee] {
                    frames.extend(report(leg, now));
                }
                let (seen, served) = (session.evidence(), session.engine.is_alone());
                let troubles = session.checks.look(now, seen, served)?;
                Some(MediaReport::Diagnosed {
                    session: session.id,
                    troubles,
                })
            });
            if report.is_none() {
                self.care.remove(&(due, slot));
            }
            self.frames.extend(frames);
            self.effects.extend(report.flatten().map(Effect::Report));
        }
    }
}

/// The accounts of caller and callee.
pub(super) fn accounts(session: &Session) -> (LegQuality, LegQuality) {
    let (caller, callee) = (&session.caller, &session.callee);
    (account(caller, callee), account(callee, caller))
}

/// The report of a leg whose turn it is. It goes only where something comes from: a description may name anybody.
fn report(leg: &mut LegState, now: Duration) -> Option<Frame> {
    let mut octets = leg.report(now)?;
    let (pair, to) = (leg.pair?, leg.latch.rtcp_to()?);
    leg.latch.locked()?;
    let len = octets.len();
    octets.resize(len.saturating_add(ROOM), 0);
    let len = leg.prepare(true, &mut octets, len)?;
    octets.truncate(len);
    Some(Frame {
        pair,
        // With rtcp-mux both have one address, and one socket (RFC 5761).
        rtcp: Some(to) != leg.latch.rtp_to(),
        to,
        octets,
    })
}
