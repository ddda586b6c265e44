//! UPDATE (RFC 3311), and requests that change nothing: refreshes of a session are answered here, without a word to
//! the other leg.

use super::leg::{Exchange, Leg};
use super::session::glare_wait_ms;
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use model::{Leg as SideOf, Now};
use sdp::Description;
use sip::transaction::ServerId;
use sip::{Message, Method};
use std::sync::Arc;

/// An UPDATE is answered within this, milliseconds: before its sender gives up (64·T1), and with time to ask a phone
/// that knows re-INVITE alone (RFC 3311 §5.2).
pub(super) const UPDATE_ANSWER_MS: u64 = 15_000;

impl Call {
    /// UPDATE in an established dialog. One with an offer takes the way of a re-INVITE, with the same rules for glare
    /// (RFC 3311 §5.2).
    pub(super) fn handle_update(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        if !message.body().is_empty() && self.phase == Phase::Answered {
            return self.handle_reinvite(context, side, server, message, now);
        }
        let refreshes = message.body().is_empty() && self.has_dialogs();
        if self.phase != Phase::Answered && !refreshes {
            return self.update_early(context, side, server, message, now);
        }
        if self.leg(side).is_some_and(is_updating) {
            return self.refuse_for_now(context, side, server, message, 500, now);
        }
        if !self.refuse_brief(context, side, server, message, now) {
            self.agree(context, side, server, message, "", now);
        }
    }

    /// UPDATE before the call is up. An offer in it needs that the one in the INVITE has its answer (RFC 3311 §5.2).
    fn update_early(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let alive = side == SideOf::Caller && matches!(self.phase, Phase::Opening | Phase::Ringing);
        if !alive {
            return self.refuse_for_now(context, side, server, message, 481, now);
        }
        if !message.body().is_empty() && !self.reliable.has_answered() {
            return self.refuse_for_now(context, side, server, message, 500, now);
        }
        self.caller.dialog.refresh_target(message);
        self.answer_early_offer(context, server, message, now);
    }

    /// The other phone has not said anything to an UPDATE.
    pub(super) fn update_unanswered(&mut self, context: &mut Context, now: Now) {
        for side in [SideOf::Caller, SideOf::Callee] {
            if self.leg(side).is_some_and(is_updating) {
                self.give_up_asking(context, side, 504, now);
            }
        }
    }

    /// The phone has a re-INVITE of its own on its way: ours is sent again after a random time.
    pub(super) fn restore_later(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let ours = self.leg(side).is_some_and(|leg| leg.invited);
        let wait = glare_wait_ms(context, ours);
        self.set_timer(context, TimerKind::Restore(side), wait, now);
    }

    /// That time is over.
    pub(super) fn restore_again(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let free = |leg: &Leg| matches!(leg.exchange, Exchange::Idle) && leg.unacknowledged.is_none();
        let both = [SideOf::Caller, SideOf::Callee];
        if both.into_iter().all(|side| self.leg(side).is_some_and(free)) {
            self.restore(context, side, now);
        } else {
            self.restore_later(context, side, now);
        }
    }

    /// The method by which an offer is passed on: UPDATE where one came and the phone knows it.
    pub(super) fn method_for(&self, to: SideOf, message: &Message<'_>) -> Method<'static> {
        let update = message.method() == Some(Method::Update);
        if update && self.leg(to).is_some_and(|leg| leg.can.update) {
            Method::Update
        } else {
            Method::Invite
        }
    }

    /// Answers an offer that says, octet by octet in what matters, what the phone said last (RFC 3264 §8): a refresh.
    /// False when it says something else.
    pub(super) fn answer_unchanged(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        let config = Arc::clone(&self.config);
        let leg = self.leg(side);
        let Some(offer) = leg.and_then(|leg| leg.read_offer(&config, message.body())) else {
            return false;
        };
        let unchanged = self
            .leg(side)
            .is_some_and(|leg| leg.remote.as_ref() == Some(&offer));
        if !unchanged {
            return false;
        }
        match self.answer_here(side, &offer) {
            Some(text) => {
                self.agree(context, side, server, message, &text, now);
                true
            }
            None => false,
        }
    }

    /// The answer to an offer of `side` from what the other leg said last.
    pub(super) fn answer_here(&mut self, side: SideOf, offer: &Description) -> Option<String> {
        let config = Arc::clone(&self.config);
        let other = self.leg(side.other())?.remote.clone()?;
        let anchor = self.bridge.anchor(side);
        let leg = self.leg_mut(side)?;
        sdp::answer(offer, &other, &mut leg.side, anchor, &config.policy().codecs).ok()
    }

    /// A phone that names UPDATE but refuses it gets the offer by re-INVITE; false when that is not the case.
    pub(super) fn ask_by_invite(
        &mut self,
        context: &mut Context,
        side: SideOf,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) -> bool {
        let updated = message.and_then(Message::method) == Some(Method::Update);
        if !updated || !matches!(code, 405 | 501) {
            return false;
        }
        let Some(leg) = self.leg_mut(side) else {
            return false;
        };
        leg.can.update = false;
        let text = leg.side.again().unwrap_or_default();
        self.propose(context, side, Method::Invite, &text, now).is_ok()
    }
}

/// True while the phone waits for our answer to an UPDATE.
fn is_updating(leg: &Leg) -> bool {
    match &leg.exchange {
        Exchange::Theirs { request, .. } => request.starts_with(b"UPDATE "),
        _ => false,
    }
}
