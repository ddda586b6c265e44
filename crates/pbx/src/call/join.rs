//! Two legs from two calls become one call (RFC 5589 §7, RFC 3725 for offers on behalf of somebody).
//!
//! Owns: the call that takes both, and bringing them to one session by re-INVITEs, one leg at a time. Does not own:
//! how a leg leaves its call (`transfer`), what a re-INVITE looks like (`renegotiate`).
//!
//! The new call has a media session of its own, so every leg learns a new address of ours and no session is patched:
//! the same steps serve relayed and direct audio, any codecs, and both families of addresses. A leg is asked as long
//! as what it would be told differs from what it was told last; two phones that keep changing their minds are left
//! with what they have after [`MOST_ROUNDS`].

use super::leg::{Exchange, Leg};
use super::nouns::{Guest, Joining, Origin, Screening, Transferrer};
use super::session::glare_wait_ms;
use super::{Call, Phase, record};
use crate::context::{Context, TimerKind};
use flow::{Event, Flow, Refusal, Run};
use model::{CallId, EndedBy, Leg as SideOf, Now};
use sdp::{Anchor, Description, can_talk};
use sip::{Message, Method};
use std::sync::Arc;

/// Re-INVITEs of one joining, answered ones.
const MOST_ROUNDS: u8 = 4;
/// Re-INVITEs of one joining that met one of the phone's (491) or came too early for it (500).
const MOST_REFUSALS: u8 = 6;

/// How long a leg that has not acknowledged its 2xx yet, or is being refreshed, is left in peace, milliseconds.
pub(super) const ACK_WAIT_MS: u64 = 100;

impl Call {
    /// Makes the call that the legs of `guests` will come into. It gets media first: without any, nothing moves.
    pub(crate) fn begin_join(
        context: &mut Context,
        id: CallId,
        by: Transferrer,
        guests: (Guest, Guest),
        now: Now,
    ) -> Call {
        let (caller, callee) = guests;
        let origin = Origin::of_two(by, caller.from, callee.from);
        let run = Run::new(Flow::new(Vec::new()));
        let (caller_flow, flow) = (caller.flow, callee.flow);
        let policy = context.config.policy();
        // Two ends of the inner way, joined at both sides, would be a ring in which a packet runs for ever.
        let ring = caller_flow.is_inside() && flow.is_inside();
        let common = !ring && can_talk(&caller.said, &callee.said, policy.transcode, &policy.codecs);
        let mut call = Call::without_invite(context, id, run, origin, caller, callee.party, now);
        call.relay_for(&callee.said);
        call.run.note("joined");
        if !common {
            context.counts.media_refused += 1;
            call.refuse(
                context,
                record::cause_of(Refusal::MediaRefused),
                EndedBy::System,
                now,
            );
        } else if !call.reserve_media(context, &caller_flow, &flow, now) {
            call.media_is_ready(context, now);
        }
        call
    }

    /// True for a call that takes over a leg instead of ringing anybody.
    pub(super) fn takes_over(&self) -> bool {
        self.callee.is_some() || self.moves.origin.as_ref().is_some_and(|o| o.callee.is_some())
    }

    /// Where this call's legs still are, and whether the leg that is left there may hang up by itself.
    pub(crate) fn sources(&self) -> Vec<(SideOf, (CallId, SideOf), bool)> {
        let Some(origin) = &self.moves.origin else {
            return Vec::new();
        };
        let caller = origin.caller.map(|from| (SideOf::Caller, from, true));
        let callee = origin.callee.map(|from| (SideOf::Callee, from, false));
        caller.into_iter().chain(callee).collect()
    }

    /// The number that the records of the calls left behind name: the other party's.
    pub(crate) fn partner_of(&self, side: SideOf) -> String {
        self.record.party(side.other()).number.clone()
    }

    /// A leg was gone when it should have come in.
    pub(crate) fn guest_is_gone(&mut self, context: &mut Context, now: Now) {
        if !matches!(self.phase, Phase::Ending | Phase::Ended) {
            self.hang_up(
                context,
                record::q850::NORMAL_CLEARING,
                EndedBy::System,
                "the other side is gone",
                now,
            );
        }
    }

    /// Both legs are here: the call is up.
    pub(crate) fn legs_are_in(&mut self, context: &mut Context, now: Now) {
        self.moves.screening = Screening::None;
        match self.phase {
            Phase::Opening if self.callee.is_some() => {
                self.comes_up(context, now);
                self.keep_later(context, now);
                self.show(context);
                self.advance(context, Event::Answered, now);
                self.record_by_policy(context);
                let first = match self.answer_replacing(context, now) {
                    true => SideOf::Callee,
                    false => SideOf::Caller,
                };
                self.bring_together(context, first, now);
            }
            Phase::Opening | Phase::Ringing if self.is_served() => self.serve_guest(context, now),
            Phase::Answered => self.bring_together(context, SideOf::Caller, now),
            _ => {}
        }
    }

    /// Begins to bring both legs to one session, `first` being told what the other has said.
    pub(super) fn bring_together(&mut self, context: &mut Context, first: SideOf, now: Now) {
        if self.phase != Phase::Answered {
            return;
        }
        self.moves.joining = Some(Joining {
            rounds: 0,
            refusals: 0,
            turn: first,
            anyhow: true,
        });
        self.ask_next(context, now);
    }

    /// Asks the leg whose turn it is, or else the other, or is done.
    pub(super) fn ask_next(&mut self, context: &mut Context, now: Now) {
        if self.is_served() && self.moves.joining.is_some() {
            return self.ask_guest(context, now);
        }
        let Some(joining) = &mut self.moves.joining else {
            return;
        };
        let (rounds, turn) = (joining.rounds, joining.turn);
        let anyhow = std::mem::take(&mut joining.anyhow);
        for side in [turn, turn.other()] {
            let Some(said) = self.leg(side.other()).and_then(|leg| leg.remote.clone()) else {
                continue;
            };
            // What the other said last may be its answer to a hold of the call that it came from.
            let said = if rounds == 0 { said.resumed() } else { said };
            match self
                .is_news(side, &said)
                .map(|news| news || (anyhow && side == turn))
            {
                Some(false) => {}
                Some(true) if rounds >= MOST_ROUNDS => break,
                Some(true) if self.leg(side).is_some_and(is_busy) => {
                    return self.ask_later(context, side, ACK_WAIT_MS, now);
                }
                Some(true) => return self.ask(context, side, &said, now),
                None => return self.cannot_join(context, 488, now),
            }
        }
        self.moves.joining = None;
        self.media_comes_together(context);
    }

    /// Whether a leg would be told anything new; `None` when it can't be told.
    fn is_news(&self, side: SideOf, said: &Description) -> Option<bool> {
        let leg = self.leg(side)?;
        let allowed = &self.config.policy().codecs;
        let anchor = self.bridge.anchor(side);
        let is_new = |anchor| {
            let mut probe = leg.side.clone();
            sdp::offer(said, &mut probe, anchor, allowed).ok()?;
            Some(probe.version() != leg.side.version())
        };
        // That the relay speaks more codecs is nothing to one who knows the other leg's.
        let plain = anchor.map(|anchor| Anchor {
            transcodes: false,
            ..anchor
        });
        Some(is_new(plain)? && is_new(anchor)?)
    }

    fn ask(&mut self, context: &mut Context, side: SideOf, said: &Description, now: Now) {
        if let Some(joining) = &mut self.moves.joining {
            joining.turn = side;
        }
        let config = Arc::clone(&self.config);
        if let Err(code) = self.pass_on(context, side.other(), said, Method::Invite, &config, now) {
            return self.cannot_join(context, code, now);
        }
        if let Some(leg) = self.leg_mut(side) {
            leg.answers_us_alone();
        }
    }

    /// What a leg said to the re-INVITE of a joining. It is acknowledged already.
    pub(super) fn joining_answered(
        &mut self,
        context: &mut Context,
        side: SideOf,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        let Some(message) = message.filter(|_| code < 300) else {
            return self.joining_refused(context, side, code, now);
        };
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let answer = self
            .read_answer(side, message.body())
            .filter(|answer| sdp::acceptable(answer, allowed).is_ok())
            .filter(|answer| !self.is_served() || sdp::voice(answer, allowed).is_some());
        let (Some(answer), Some(leg)) = (answer, self.leg_mut(side)) else {
            return self.cannot_join(context, 488, now);
        };
        leg.remote = Some(answer);
        if let Some(joining) = &mut self.moves.joining {
            joining.rounds = joining.rounds.saturating_add(1);
            joining.turn = side.other();
        }
        self.media_comes_together(context);
        self.ask_next(context, now);
    }

    fn media_comes_together(&mut self, context: &mut Context) {
        let config = Arc::clone(&self.config);
        self.media_follows(context, &config.policy().codecs);
    }

    /// Glare is tried again after a while (RFC 3261 §14.1); anything else is the end of the call.
    fn joining_refused(&mut self, context: &mut Context, side: SideOf, code: u16, now: Now) {
        let Some(joining) = &mut self.moves.joining else {
            return;
        };
        joining.turn = side;
        joining.refusals = joining.refusals.saturating_add(1);
        match code {
            491 | 500 if joining.refusals <= MOST_REFUSALS => {
                let ours = self.leg(side).is_some_and(|leg| leg.invited);
                let wait = glare_wait_ms(context, ours);
                self.ask_later(context, side, wait, now);
            }
            408 | 481 if self.restored.is_some() => self.lost_in_restart(context, now),
            408 | 481 => {
                let by = match side {
                    SideOf::Caller => EndedBy::Caller,
                    SideOf::Callee => EndedBy::Callee,
                };
                let cause = record::q850::TEMPORARY_FAILURE;
                self.hang_up(context, cause, by, "dialog lost", now);
            }
            code => self.cannot_join(context, code, now),
        }
    }

    pub(super) fn ask_later(&mut self, context: &mut Context, side: SideOf, wait_ms: u64, now: Now) {
        if let Some(joining) = &mut self.moves.joining {
            joining.turn = side;
            joining.anyhow = true;
        }
        self.set_timer(context, TimerKind::Rejoin, wait_ms, now);
    }

    /// Time to ask again.
    pub(super) fn rejoin(&mut self, context: &mut Context, now: Now) {
        self.ask_next(context, now);
    }

    pub(super) fn cannot_join(&mut self, context: &mut Context, code: u16, now: Now) {
        let (cause, why) = match code {
            503 => (record::q850::TEMPORARY_FAILURE, "no room"),
            _ => (record::cause_of(Refusal::MediaRefused).q850, "no common media"),
        };
        context.counts.media_refused += u64::from(code != 503);
        context.counts.transfers_failed += 1;
        self.hang_up(context, cause, EndedBy::System, why, now);
    }
}

/// True for a leg that can't be asked now.
pub(super) fn is_busy(leg: &Leg) -> bool {
    leg.unacknowledged.is_some() || leg.owed.is_some() || !matches!(leg.exchange, Exchange::Idle)
}
