//! Re-INVITE: what one phone asks for is asked of the other, and its answer comes back (RFC 3261 §14, RFC 3264 §8).
//!
//! Hold, resume and codec changes all pass here. Glare is answered 491 to the side that asked second.

use super::delayed_offer::described;
use super::leg::{Exchange, Leg};
use super::session;
use super::update::UPDATE_ANSWER_MS;
use super::{Call, Phase};
use crate::context::{Context, Owner, TimerKind};
use crate::edge::ALLOW;
use model::{EndedBy, Leg as SideOf, Now};
use sdp::Description;
use sip::transaction::ServerId;
use sip::{Message, Method, Name};
use std::sync::Arc;

/// A phone that answers 491 for ever has no re-INVITE of its own under way. After so many, some 20 seconds, it keeps what
/// it has.
const MOST_GLARES: u8 = 10;

impl Call {
    pub(super) fn handle_reinvite(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        if let Some(code) = self.reinvite_refusal(side) {
            return self.refuse_for_now(context, side, server, message, code, now);
        }
        if self.refuse_brief(context, side, server, message, now)
            || self.serve_again(context, server, message, now)
            || self.answer_unchanged(context, side, server, message, now)
        {
            return;
        }
        let config = Arc::clone(&self.config);
        let offered = match described(message) {
            [] => Ok(None),
            body => self.read_offer(context, side, body).map(Some).ok_or(()),
        };
        let refused = match &offered {
            // Ports come first.
            Ok(Some(description)) if self.waits_for_streams(context, side, description, now) => None,
            Ok(Some(description)) => {
                let method = self.method_for(side.other(), message);
                self.pass_on(context, side, description, method, &config, now)
                    .err()
            }
            Ok(None) => self.ask_for_offer(context, side, now).err(),
            Err(_) => Some(400),
        };
        match (offered, refused, self.leg_mut(side)) {
            (Ok(offer), None, Some(leg)) => {
                let request = message.bytes().into();
                leg.exchange = Exchange::Theirs {
                    server,
                    request,
                    offer: offer.map(Box::new),
                };
                if message.method() == Some(Method::Invite) {
                    let trying = context.response(message, flow, 100, None).finish();
                    context.tx.respond(server, 100, trying, now.mono);
                } else {
                    self.set_timer(context, TimerKind::UpdateAnswer, UPDATE_ANSWER_MS, now);
                }
            }
            (_, code, _) => {
                context.counts.media_refused += 1;
                let code = code.unwrap_or(500);
                let bytes = context.response(message, flow, code, None).finish();
                context.tx.respond(server, code, bytes, now.mono);
            }
        }
    }

    /// Refuses a re-INVITE or UPDATE that may be asked again: after 500 with the time that is told (RFC 3261 §14.2).
    pub(super) fn refuse_for_now(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        code: u16,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        let mut writer = context.response(message, flow, code, None);
        if code == 500 {
            let seconds = context.random() % 11;
            writer = writer.header(Name::RetryAfter, &seconds.to_string());
        }
        context.tx.respond(server, code, writer.finish(), now.mono);
    }

    /// Why a re-INVITE can't be taken now: 491 when the other side asked first, 500 when the same side has
    /// not got its answer yet, 481 when the call is over.
    pub(super) fn reinvite_refusal(&self, side: SideOf) -> Option<u16> {
        let (leg, other) = (self.leg(side)?, self.leg(side.other()));
        if self.phase != Phase::Answered {
            // A party that waits for its transfer is in a dialog like any other.
            return Some(if self.is_transfer() && leg.is_present() {
                491
            } else {
                481
            });
        }
        if self.moves.joining.is_some() || self.is_screening() {
            return Some(491);
        }
        let theirs = matches!(leg.exchange, Exchange::Theirs { .. });
        let waiting =
            other.is_some_and(|leg| leg.unacknowledged.is_some() || !matches!(leg.exchange, Exchange::Idle));
        match leg.exchange {
            _ if leg.owed.is_some() => Some(491),
            _ if theirs || leg.unacknowledged.is_some() => Some(500),
            Exchange::Ours { .. } => Some(491),
            _ if waiting => Some(491),
            _ => None,
        }
    }

    /// Sends the offer on to the other leg; `Err` is the code for the leg that made it.
    pub(super) fn pass_on(
        &mut self,
        context: &mut Context,
        side: SideOf,
        offer: &Description,
        method: Method<'static>,
        config: &model::TenantConfig,
        now: Now,
    ) -> Result<(), u16> {
        let to = side.other();
        let anchor = self.bridge.anchor(to);
        let leg = self.leg_mut(to).ok_or(481_u16)?;
        let text = sdp::offer(offer, &mut leg.side, anchor, &config.policy().codecs).map_err(|_| 488_u16)?;
        self.propose(context, to, method, &text, now)
    }

    /// Sends a re-INVITE with this offer to a leg, or without one; or an UPDATE with it (RFC 3311).
    pub(super) fn propose(
        &mut self,
        context: &mut Context,
        to: SideOf,
        method: Method<'static>,
        text: &str,
        now: Now,
    ) -> Result<(), u16> {
        let id = self.id;
        let leg = self.leg_mut(to).ok_or(481_u16)?;
        let (branch, writer) = leg.request(context, method);
        let writer = writer
            .header(Name::Contact, &context.contact(&leg.flow))
            .header(Name::Allow, ALLOW);
        let bytes = session::keep(writer, leg.session.as_ref()).body(sdp::CONTENT_TYPE, text.as_bytes());
        let (flow, cseq) = (leg.flow, leg.dialog.local_cseq);
        let owner = Owner::Renegotiation(id, to);
        let client = context
            .request(method, &branch, bytes, flow, owner, now)
            .map_err(|_| 503_u16)?;
        leg.offerless = text.is_empty().then_some(cseq);
        leg.exchange = Exchange::Ours {
            client,
            cseq,
            restores: false,
        };
        if leg.away {
            self.wait_for_return(context, now);
        }
        Ok(())
    }

    /// The other leg's answer to a re-INVITE of ours, or 408/503 without a message.
    pub(super) fn renegotiated(
        &mut self,
        context: &mut Context,
        side: SideOf,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        let Some(leg) = self.leg_mut(side) else { return };
        let Exchange::Ours { cseq, restores, .. } = leg.exchange else {
            // A copy of a 2xx whose ACK was lost, or a 2xx to what we have called off.
            if let (200..300, Some(message)) = (code, message)
                && message.method() == Some(Method::Invite)
            {
                self.acknowledge_again(context, side, message);
            }
            return;
        };
        if code < 200 {
            return;
        }
        leg.exchange = Exchange::Idle;
        let proves = !std::mem::take(&mut leg.challenged);
        let joining = self.moves.joining.is_some();
        let Some(leg) = self.leg_mut(side) else { return };
        let glare = restores && code == 491;
        leg.glares = if glare { leg.glares.saturating_add(1) } else { 0 };
        let again = glare && leg.glares < MOST_GLARES;
        match message.filter(|_| code < 300) {
            Some(message) => {
                leg.dialog.refresh_target(message);
                leg.side.settle();
                if leg.offerless == Some(cseq) {
                    return self.offered_again(context, side, cseq, message, now);
                }
                if message.method() == Some(Method::Invite) {
                    leg.acknowledge(context, cseq);
                }
                self.session_agreed(context, side, message, now);
                if joining {
                    self.joining_answered(context, side, code, Some(message), now);
                } else if !restores {
                    self.answer_renegotiation(context, side, message, now);
                }
            }
            None if proves && self.proves_again(context, side, code, message, now) => {
                if let Some(leg) = self.leg_mut(side).filter(|_| restores) {
                    leg.answers_us_alone();
                }
            }
            None if joining => self.joining_answered(context, side, code, None, now),
            None if again => self.restore_later(context, side, now),
            None if self.ask_by_invite(context, side, code, message, now) => {}
            None => self.refuse_renegotiation(context, side, code, now),
        }
    }

    /// A carrier wants to know who asks: it is asked once more, with the answer. False where that can't be.
    fn proves_again(
        &mut self,
        context: &mut Context,
        side: SideOf,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) -> bool {
        let config = Arc::clone(&self.config);
        let Some((message, leg)) = message.zip(self.leg_mut(side)) else {
            return false;
        };
        let trunk = leg.peer.trunk().and_then(|id| config.trunk(id));
        if !trunk.is_some_and(|trunk| context.carriers.take_up(trunk, code, message)) {
            return false;
        }
        let method = match message.method() {
            Some(Method::Update) => Method::Update,
            _ => Method::Invite,
        };
        let asks_for_offer = leg.offerless.is_some_and(|cseq| cseq == leg.dialog.local_cseq);
        let text = match asks_for_offer {
            true => Some(String::new()),
            false => leg.side.again(),
        };
        let Some(text) = text else { return false };
        let sent = self.propose(context, side, method, &text, now).is_ok();
        if let Some(leg) = self.leg_mut(side) {
            leg.challenged = sent;
        }
        sent
    }

    /// A 2xx of `side` to a re-INVITE that was given up: acknowledged, and undone, for the leg that asked has been told
    /// no.
    pub(crate) fn answered_late(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        now: Now,
    ) {
        let (Ok(cseq), Some(leg)) = (message.cseq(), self.leg_mut(side)) else {
            return;
        };
        if !leg.has_response(message) || cseq.seq > leg.dialog.local_cseq {
            return;
        }
        let first = leg.ack.as_ref().is_none_or(|(known, _)| *known < cseq.seq);
        let idle = matches!(leg.exchange, Exchange::Idle);
        self.acknowledge_again(context, side, message);
        if first && idle {
            self.restore(context, side, now);
        }
    }

    /// Carries the answer of `side` to the leg that asked.
    fn answer_renegotiation(&mut self, context: &mut Context, side: SideOf, message: &Message<'_>, now: Now) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let asker = side.other();
        let anchor = self.bridge.anchor(asker);
        let answer = self.read_answer(side, message.body());
        let Some(leg) = self.leg_mut(asker) else { return };
        let Exchange::Theirs {
            server,
            request,
            offer,
        } = std::mem::replace(&mut leg.exchange, Exchange::Idle)
        else {
            return self.restore(context, side, now);
        };
        let Ok(request) = Message::parse(&request) else {
            return;
        };
        let text = answer
            .as_ref()
            .zip(offer.as_ref())
            .and_then(|(a, offer)| sdp::answer(offer, a, &mut leg.side, anchor, allowed).ok());
        let (Some(offer), Some(answer), Some(text)) = (offer, answer, text) else {
            let bytes = context.response(&request, leg.flow, 488, None).finish();
            context.tx.respond(server, 488, bytes, now.mono);
            self.settle_streams(context);
            return self.restore(context, side, now);
        };
        leg.remote = Some(*offer);
        self.agree(context, asker, server, &request, &text, now);
        if let Some(other) = self.leg_mut(side) {
            other.remote = Some(answer);
        }
        self.media_follows(context, allowed);
    }

    /// The 2xx to a re-INVITE or UPDATE of a leg, with this description.
    pub(super) fn agree(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        request: &Message<'_>,
        text: &str,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let Some(leg) = self.leg_mut(side) else { return };
        leg.dialog.refresh_target(request);
        leg.can = leg.can.or(request);
        let writer = context
            .response(request, leg.flow, 200, None)
            .header(Name::Contact, &context.contact(&leg.flow))
            .header(Name::Allow, ALLOW);
        let writer = match &leg.session_id {
            Some(value) => writer.header(Name::SessionId, value),
            None => writer,
        };
        let (writer, session) = session::agreement(config.policy(), request, writer);
        let bytes = writer.body(sdp::CONTENT_TYPE, text.as_bytes());
        context.tx.respond(server, 200, bytes, now.mono);
        if request.method() == Some(Method::Invite) {
            leg.unacknowledged = Some((server, request.cseq().map_or(0, |cseq| cseq.seq)));
        }
        leg.session = session;
        self.watch_session(context, side, now);
    }

    /// `side` agreed to what the other leg has taken back meanwhile, or can't use: it is asked for what was before.
    pub(super) fn restore(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let before = self.leg(side.other()).and_then(|leg| leg.remote.clone());
        let settled = self.phase == Phase::Answered && self.moves.joining.is_none();
        let Some(before) = before.filter(|_| settled) else {
            return;
        };
        let config = Arc::clone(&self.config);
        let sent = self.pass_on(context, side.other(), &before, Method::Invite, &config, now);
        if let (Ok(()), Some(leg)) = (sent, self.leg_mut(side)) {
            leg.answers_us_alone();
        }
    }

    /// Tells the media plane what both descriptions now say.
    pub(super) fn media_follows(&mut self, context: &mut Context, allowed: &[String]) {
        for side in [SideOf::Caller, SideOf::Callee] {
            let leg = match side {
                SideOf::Caller => Some(&mut self.caller),
                SideOf::Callee => self.callee.as_mut(),
            };
            if let Some(leg) = leg {
                leg.judge_hold(allowed);
                if let Some(remote) = &leg.remote {
                    let said = (remote, Some(&leg.side));
                    self.bridge.remote(context, side, said, allowed, &leg.flow);
                }
            }
        }
        self.settle_streams(context);
        self.watch_media(context, allowed);
        self.music_follows(context);
        self.program_follows(context);
    }

    /// Tells the media plane what audio is due by both descriptions.
    pub(super) fn watch_media(&mut self, context: &mut Context, allowed: &[String]) {
        let callee = self.callee.as_ref();
        let held = self.caller.holds || callee.is_some_and(|leg| leg.holds);
        let quiet = callee.is_some_and(|leg| leg.is_quiet(allowed));
        self.bridge
            .watch(context, held, [self.caller.is_quiet(allowed), quiet]);
    }

    /// The other leg refused: the asker is told so and the session stays as it was (RFC 3261 §14.1). A leg that
    /// no longer knows the dialog ends the call (§12.2.1.2).
    fn refuse_renegotiation(&mut self, context: &mut Context, side: SideOf, code: u16, now: Now) {
        let told = match code {
            401 | 407 => 488,
            408 | 481 => 480,
            code => code,
        };
        if let Some(leg) = self.leg_mut(side) {
            leg.side.take_back();
        }
        self.settle_asker(context, side.other(), told, now);
        if matches!(code, 408 | 481) && self.phase == Phase::Answered {
            if self.restored.is_some() {
                return self.lost_in_restart(context, now);
            }
            let by = if side == SideOf::Caller {
                EndedBy::Caller
            } else {
                EndedBy::Callee
            };
            self.hang_up(
                context,
                super::record::q850::TEMPORARY_FAILURE,
                by,
                "dialog lost",
                now,
            );
        }
    }

    /// Gives a leg that waits for the answer to its re-INVITE a refusal.
    pub(super) fn settle_asker(&mut self, context: &mut Context, asker: SideOf, code: u16, now: Now) {
        let Some(leg) = self.leg_mut(asker) else { return };
        if !matches!(leg.exchange, Exchange::Theirs { .. }) {
            return;
        }
        if let Exchange::Theirs { server, request, .. } = std::mem::replace(&mut leg.exchange, Exchange::Idle)
            && let Ok(request) = Message::parse(&request)
        {
            let bytes = context.response(&request, leg.flow, code, None).finish();
            context.tx.respond(server, code, bytes, now.mono);
        }
        self.settle_streams(context);
    }

    /// The asker took its re-INVITE back: 487 for it, CANCEL for the other leg.
    pub(crate) fn reinvite_cancelled(
        &mut self,
        context: &mut Context,
        asker: SideOf,
        server: ServerId,
        now: Now,
    ) {
        // A late CANCEL may mean one that has its answer.
        if !self.leg(asker).is_some_and(|leg| leg.owes(server)) {
            return;
        }
        self.give_up_asking(context, asker, 487, now);
    }

    /// Tells the asker no, and calls off what was asked of the other leg.
    pub(super) fn give_up_asking(&mut self, context: &mut Context, asker: SideOf, code: u16, now: Now) {
        self.settle_asker(context, asker, code, now);
        if let Some(Leg {
            exchange: Exchange::Ours { client, .. },
            ..
        }) = self.leg(asker.other())
        {
            context.tx.cancel(*client, None, now.mono);
        }
    }
}
