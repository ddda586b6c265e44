//! A phone answers: first one wins, the others are called off (RFC 3261 §13.2.2.4, §13.3.1.4).

use super::leg::Exchange;
use super::record;
use super::target::State;
use super::{Call, Leg, Phase};
use crate::context::{Context, LegRef, Owner, TimerKind};
use flow::Event;
use model::{EndedBy, Leg as SideOf, Now};
use sdp::{Description, Side};
use sip::Message;
use sip::dialog::Dialog;
use sip::transaction::ServerId;
use std::sync::Arc;

const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

impl Call {
    /// A 2xx of a target: the first, a copy of it, or one that comes too late.
    pub(super) fn target_answered(
        &mut self,
        context: &mut Context,
        index: usize,
        message: &Message<'_>,
        now: Now,
    ) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let remote_tag = message.to_tag().unwrap_or_default();
        if target.state == State::Won
            && let Some(callee) = &mut self.callee
            && callee.dialog.remote_tag == remote_tag
        {
            return callee.acknowledge(context, 1);
        }
        let dialog = Dialog::uac(&self.identity.0, &target.tag, &target.call_id, 1, message);
        let Ok(dialog) = dialog else {
            // Without a Contact there is nobody to acknowledge.
            return self.target_failed(context, index, 502, now);
        };
        let mut leg = Leg {
            dialog,
            flow: target.flow,
            user: target.user,
            key: Some(target.key.clone()),
            away: false,
            side: Side::new(0),
            remote: None,
            unacknowledged: None,
            parting: None,
            ack: None,
            exchange: Exchange::Idle,
        };
        leg.acknowledge(context, 1);
        if self.phase != Phase::Ringing || !target.is_ringing() {
            return self.dismiss(context, index, &mut leg, now);
        }
        match self.accept_answer(context, message, leg.flow) {
            Some((text, description)) => {
                leg.remote = Some(description);
                self.connect(context, index, leg, &text, now);
            }
            None => {
                leg.bye(context, "SIP;cause=488;text=\"Not Acceptable Here\"", now);
                self.target_failed(context, index, 488, now);
            }
        }
    }

    /// Too late, or a second phone behind the same target: acknowledged, so hung up.
    fn dismiss(&mut self, context: &mut Context, index: usize, leg: &mut Leg, now: Now) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        if !std::mem::replace(&mut target.dismissed, true) {
            let reason = if self.callee.is_some() { ELSEWHERE } else { "" };
            leg.bye(context, reason, now);
        }
        if target.state != State::Won {
            target.state = State::Done(487);
        }
        context.over.push(self.id);
    }

    /// The answer as the caller is told it.
    fn accept_answer(
        &mut self,
        context: &mut Context,
        message: &Message<'_>,
        flow: model::FlowToken,
    ) -> Option<(String, Description)> {
        let description = Description::parse(message.body()).ok()?;
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let anchor = self.bridge.anchor(SideOf::Caller);
        let text = sdp::answer(&self.offer, &description, &mut self.caller.side, anchor, allowed).ok()?;
        self.bridge
            .remote(context, SideOf::Callee, &description, allowed, &flow);
        Some((text, description))
    }

    fn connect(&mut self, context: &mut Context, index: usize, mut leg: Leg, text: &str, now: Now) {
        leg.side = self.callee_side.take().unwrap_or_else(|| Side::new(0));
        if let Some(target) = self.targets.get_mut(index) {
            target.state = State::Won;
            self.record.callee.user = Some(target.user);
            self.record.callee.device = Some(target.device);
            self.record.callee.sip_call_id.clone_from(&target.call_id);
        }
        let tag = leg.dialog.local_tag.clone().into_boxed_str();
        context.legs.insert(
            tag,
            LegRef {
                call: self.id,
                side: SideOf::Callee,
            },
        );
        self.cancel_timer(context, TimerKind::Ring);
        self.cancel_targets(context, ELSEWHERE, now);
        if let Some(bytes) = self.response_to_caller(context, 200, Some(text))
            && let Some(invite) = self.invite.take()
        {
            context.tx.respond(invite.server, 200, bytes, now.mono);
            self.caller.unacknowledged = Some((invite.server, invite.cseq()));
        }
        let held = leg
            .remote
            .as_ref()
            .is_some_and(|d| d.is_held(&self.config.policy().codecs));
        self.bridge.watch(context, held);
        self.callee = Some(leg);
        self.caller.remote = Some(self.offer.clone());
        self.phase = Phase::Answered;
        self.record.answered(now);
        context.counts.answered += 1;
        self.set_timer(
            context,
            TimerKind::Longest,
            u64::from(self.config.policy().max_call_s) * 1000,
            now,
        );
        self.advance(context, Event::Answered, now);
    }

    /// The phone has our 2xx to the INVITE with this number. A late copy of an earlier ACK says nothing.
    pub(crate) fn acknowledged(&mut self, context: &mut Context, side: SideOf, cseq: u32, now: Now) {
        if let Some(leg) = self.leg_mut(side)
            && let Some((server, _)) = leg.unacknowledged.take_if(|(_, waiting)| *waiting <= cseq)
        {
            context.tx.acked(server);
            self.part(context, side, now);
        }
    }

    /// Sends the BYE that had to wait.
    fn part(&mut self, context: &mut Context, side: SideOf, now: Now) {
        if let Some(leg) = self.leg_mut(side)
            && let Some(reason) = leg.parting.take()
        {
            leg.bye(context, &reason, now);
            context.over.push(self.id);
        }
    }

    /// The phone never said that it has our final answer. If that was a 2xx the call is not up (RFC 3261
    /// §13.3.1.4); a refusal without its ACK changes nothing.
    pub(crate) fn never_acknowledged(
        &mut self,
        context: &mut Context,
        owner: Owner,
        server: ServerId,
        now: Now,
    ) {
        let side = match owner {
            Owner::Renegotiation(_, side) => side,
            _ => SideOf::Caller,
        };
        let Some(leg) = self.leg_mut(side) else { return };
        if leg
            .unacknowledged
            .take_if(|(known, _)| *known == server)
            .is_none()
        {
            return;
        }
        self.part(context, side, now);
        if self.phase == Phase::Answered {
            context.counts.ack_lost += 1;
            self.hang_up(
                context,
                record::q850::TIMER_EXPIRY,
                EndedBy::System,
                "no ACK",
                now,
            );
        }
    }
}
