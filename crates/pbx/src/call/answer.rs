//! A phone answers: first one wins, the others are called off (RFC 3261 §13.2.2.4, §13.3.1.4).

use super::capabilities::Capabilities;
use super::record;
use super::session::Session;
use super::session_id::SessionIds;
use super::target::State;
use super::{Call, Leg, Phase, user_to_user, web};
use crate::context::{Context, LegRef, Owner, TimerKind};
use flow::Event;
use model::{EndedBy, Leg as SideOf, Now};
use sdp::{Description, Side};
use sip::Message;
use sip::dialog::Dialog;
use sip::transaction::ServerId;
use std::sync::Arc;

const ELSEWHERE: &str = "SIP;cause=200;text=\"Call completed elsewhere\"";

/// Answers behind one target that are hung up one by one; nobody forks a call more widely.
const MOST_DISMISSED: usize = 32;

impl Call {
    /// A 2xx of a target: the first, a copy of it, or one that comes too late.
    pub(super) fn target_answered(
        &mut self,
        context: &mut Context,
        index: usize,
        message: &Message<'_>,
        now: Now,
    ) {
        let paged = self.is_paged();
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let cseq = message.cseq().map_or(1, |cseq| cseq.seq);
        let remote_tag = message.to_tag().unwrap_or_default();
        if target.state == State::Won
            && let Some(callee) = &mut self.callee
            && callee.dialog.remote_tag == remote_tag
        {
            return callee.acknowledge(context, cseq);
        }
        let dialog = Dialog::uac(
            target.from(&self.identity.0),
            &target.tag,
            &target.call_id,
            cseq,
            message,
        );
        let Ok(dialog) = dialog else {
            // Without a Contact there is nobody to acknowledge; of a call for help that is a refusal like any other.
            // What comes of it once more, or after it was called off, says nothing new.
            let is_new = target.is_ringing();
            if !self.is_emergency() || !is_new || !self.carrier_failed(context, index, 502, true, now) {
                self.target_failed(context, index, 502, now);
            }
            return;
        };
        let key = target.key.clone();
        let dialog = target.continued(dialog);
        let mut leg = Leg::new(dialog, target.flow, target.peer, key, Side::new(0));
        leg.invited = true;
        leg.can = Capabilities::of(message);
        leg.session = Session::agreed(self.config.policy(), message);
        if self.phase == Phase::Ringing {
            SessionIds::learn(&mut self.session_ids, message);
            self.answer_note = user_to_user::carried(message);
        }
        if paged {
            return self.page_answered(context, index, leg, message, now);
        }
        if self.offer.is_none() {
            return self.target_offered(context, index, leg, message, now);
        }
        leg.acknowledge(context, cseq);
        if self.phase != Phase::Ringing || !target.is_ringing() {
            return self.dismiss(context, index, &mut leg, now);
        }
        match self.accept_answer(context, index, message) {
            Some((text, description)) => {
                leg.remote = Some(description);
                self.connect(context, index, leg, &text, now);
            }
            None => {
                leg.bye(context, "SIP;cause=488;text=\"Not Acceptable Here\"", now);
                if !self.asks_otherwise(context, index, 488, now)
                    && !self.carrier_failed(context, index, 488, true, now)
                {
                    self.target_failed(context, index, 488, now);
                }
            }
        }
    }

    /// Too late, or a second phone behind the same target: acknowledged, so hung up.
    pub(super) fn dismiss(&mut self, context: &mut Context, index: usize, leg: &mut Leg, now: Now) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let tag = &leg.dialog.remote_tag;
        if target.dismissed.len() < MOST_DISMISSED && !target.dismissed.contains(tag) {
            target.dismissed.push(tag.clone());
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
        index: usize,
        message: &Message<'_>,
    ) -> Option<(String, Description)> {
        let config = Arc::clone(&self.config);
        let transfer = self.is_transfer();
        let offer = self.offer.as_ref()?;
        let target = self.targets.get_mut(index)?;
        let description = match message.body() {
            // What was said in a provisional response needs no repetition.
            [] => target.early_description(message)?,
            body => target.read_answer(&config, body)?,
        };
        let allowed = &config.policy().codecs;
        let anchor = self.bridge.anchor(SideOf::Caller);
        if self.reliable.has_answered() {
            return self.answered_before(context, index, description);
        }
        let mut unsaid = Side::unsaid();
        // A transferred party has asked for nothing: it is told by a re-INVITE.
        let side = match transfer {
            true => &mut unsaid,
            false => &mut self.caller.side,
        };
        let text = sdp::answer(offer, &description, side, anchor, allowed).ok()?;
        self.media_begins(context, index, &description);
        Some((text, description))
    }

    /// Tells the media plane where caller and target expect packets, now that the caller's offer has an answer. A
    /// transferred party is still in its old session and expects nothing here.
    pub(super) fn media_begins(&mut self, context: &mut Context, index: usize, answer: &Description) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        if let Some(offer) = self.offer.as_ref().filter(|_| !self.is_transfer()) {
            let (side, flow) = (&self.caller.side, self.caller.flow);
            let said = (offer, Some(side));
            self.bridge.remote(context, SideOf::Caller, said, allowed, &flow);
        }
        self.target_expects(context, index, answer);
    }

    /// The same for a target alone.
    pub(super) fn target_expects(&mut self, context: &mut Context, index: usize, said: &Description) {
        let config = Arc::clone(&self.config);
        let Some(target) = self.targets.get(index) else {
            return;
        };
        let side = target.side.as_deref().or(self.callee_side.as_ref());
        let allowed = &config.policy().codecs;
        self.bridge
            .remote(context, SideOf::Callee, (said, side), allowed, &target.flow);
    }

    /// The call is up: the caller is told so with this description.
    pub(super) fn connect(
        &mut self,
        context: &mut Context,
        index: usize,
        mut leg: Leg,
        text: &str,
        now: Now,
    ) {
        let transfer = self.is_transfer();
        let shared = self.callee_side.take();
        let own = self.targets.get_mut(index).and_then(|target| target.side.take());
        leg.side = own.map(|own| *own).or(shared).unwrap_or_else(|| Side::new(0));
        leg.guard_keys(context);
        if leg.remote.as_ref().is_some_and(web::is_dtls_alone) {
            context.location.takes_dtls(leg.user(), &leg.flow, true);
        }
        self.won(index);
        self.outside_is_answered(context, &mut leg, now);
        let tag = leg.dialog.local_tag.clone().into_boxed_str();
        let (call, side) = (self.id, SideOf::Callee);
        context.legs.insert(tag, LegRef { call, side });
        self.cancel_timer(context, TimerKind::Ring);
        self.cancel_targets(context, ELSEWHERE, now);
        if !self.reliable.holds_back(text) {
            self.answer_caller(context, text, now);
        }
        if let Some(ids) = &self.session_ids {
            leg.session_id = Some(ids.to_callee().into());
            self.caller.session_id = Some(ids.to_caller().into());
        }
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        leg.judge_hold(allowed);
        self.callee = Some(leg);
        if !transfer {
            self.caller.remote.clone_from(&self.offer);
            self.settle_streams(context);
        }
        self.watch_media(context, allowed);
        self.comes_up(context, now);
        self.show(context);
        self.keep_later(context, now);
        for side in [SideOf::Caller, SideOf::Callee] {
            self.watch_session(context, side, now);
        }
        self.music_follows(context);
        self.advance(context, Event::Answered, now);
        self.record_by_policy(context);
        self.listen_for_fax(context, now);
        if transfer {
            self.guest_is_answered(context, now);
        }
    }

    /// Notes who has taken the call.
    fn won(&mut self, index: usize) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        target.state = State::Won;
        let callee = &mut self.record.callee;
        callee.user = target.user();
        callee.device = target.device;
        callee.sip_call_id.clone_from(&target.call_id);
        // Somebody else than was dialled, where the call was sent on: the path tells how it came to him.
        if let Some(user) = target.user().and_then(|user| self.config.user(user)) {
            user.extension.as_ref().clone_into(&mut callee.number);
            user.display.as_ref().clone_into(&mut callee.display);
        }
    }

    /// The 2xx to the caller's INVITE.
    pub(super) fn answer_caller(&mut self, context: &mut Context, text: &str, now: Now) {
        let text = (!text.is_empty()).then_some(text);
        let bytes = self.response_to_caller(context, 200, text, None);
        self.cancel_timer(context, TimerKind::Reliable);
        if let (Some(bytes), Some(invite)) = (bytes, self.invite.take()) {
            context.tx.respond(invite.server, 200, bytes, now.mono);
            self.caller.unacknowledged = Some((invite.server, invite.cseq()));
            let request = Message::parse(&invite.request).ok();
            self.caller.session = request.and_then(|r| Session::granted(self.config.policy(), &r));
        }
    }

    /// Somebody has answered: from now on the call lasts as long as it may.
    pub(super) fn comes_up(&mut self, context: &mut Context, now: Now) {
        self.phase = Phase::Answered;
        self.record.answered(now);
        context.counts.answered += 1;
        if !self.is_emergency() {
            let longest = u64::from(self.config.policy().max_call_s) * 1000;
            self.set_timer(context, TimerKind::Longest, longest, now);
        }
    }

    /// The phone has our 2xx to the INVITE with this number. A late copy of an earlier ACK says nothing.
    pub(crate) fn acknowledged(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        now: Now,
    ) {
        let cseq = message.cseq().map_or(0, |cseq| cseq.seq);
        if let Some(leg) = self.leg_mut(side)
            && let Some((server, _)) = leg.unacknowledged.take_if(|(_, waiting)| *waiting <= cseq)
        {
            context.tx.acked(server);
            self.part(context, side, now);
            self.answered_in_ack(context, side, message, now);
            if side == SideOf::Caller {
                self.tell_what_changed(context, now);
            }
        }
    }

    /// What could not be said in the midst of the INVITEs is said by re-INVITE.
    fn tell_what_changed(&mut self, context: &mut Context, now: Now) {
        let (caller, callee) = self.reliable.take_news();
        if caller {
            self.restore(context, SideOf::Caller, now);
        }
        if callee {
            self.restore(context, SideOf::Callee, now);
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
