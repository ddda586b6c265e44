//! A phone's connection is lost, or it has a new one: its ringing and its legs follow it (RFC 5626 §4.3, §5.3, §6).
//!
//! Owns: trying the flows of an instance one after the other, ringing again on a new connection, moving legs. Does not
//! own: the requests that wait (`sip::transaction`), and who is where (`location`).

use super::leg::Exchange;
use super::record::q850;
use super::target::{Invitation, State};
use super::{Call, Phase, Target};
use crate::context::{Context, Owner, TimerKind};
use crate::following::PhoneKey;
use crate::location::{BindingFacts, same_flow};
use flow::Forward;
use model::{EndedBy, FlowToken, Leg as SideOf, Now, UserId};

/// Forks of one call, all told: a phone that changes its connection again and again makes no more.
const MOST_TARGETS: usize = 48;

/// "Flow Failed" (RFC 5626 §11.2).
pub(super) const FLOW_FAILED: u16 = 430;

impl Call {
    /// A connection is gone. What this user's phones had on it waits for them to come back.
    pub(crate) fn flow_lost(
        &mut self,
        context: &mut Context,
        user: UserId,
        lost: impl Fn(&FlowToken) -> bool,
        now: Now,
    ) {
        let mut waits = false;
        for index in 0..self.targets.len() {
            let Some(target) = self.targets.get_mut(index) else {
                break;
            };
            if !target.peer.is_user(user) || !target.is_ringing() || !lost(&target.flow) {
                continue;
            }
            target.away = true;
            if self.rings_another_flow(context, index, now) {
                self.give_up_target(context, index, now);
            } else {
                waits = true;
            }
        }
        for side in [SideOf::Caller, SideOf::Callee] {
            let Some(leg) = self
                .leg_mut(side)
                .filter(|leg| leg.peer.is_user(user) && lost(&leg.flow))
            else {
                continue;
            };
            leg.away = true;
            let asked = matches!(leg.exchange, Exchange::Ours { .. });
            let other = leg.key.as_ref().and_then(|phone| {
                let bindings = context.location.of(user).iter();
                bindings
                    .filter(|b| b.reachable && phone.is_same_phone(&b.record))
                    .max_by_key(|b| b.ends)
                    .map(|b| b.record.flow)
            });
            match other {
                Some(flow) => self.follow_leg(context, side, flow, now),
                None => waits |= asked || (side == SideOf::Caller && self.is_calling()),
            }
        }
        if waits {
            self.wait_for_return(context, now);
        }
    }

    /// True while the caller waits for an answer to its INVITE.
    fn is_calling(&self) -> bool {
        self.invite.is_some() && matches!(self.phase, Phase::Opening | Phase::Ringing)
    }

    /// True when the caller, whose connection is gone, may come back on another one and take its call on: its phone is
    /// one of these users', registered, or is known to be away already.
    pub(crate) fn caller_may_return(&self, users: &[UserId]) -> bool {
        let leg = &self.caller;
        let registered = leg.key.is_some() && leg.user().is_some_and(|user| users.contains(&user));
        self.invite.is_some() && (leg.away || registered)
    }

    /// A leg's phone is on another flow; a caller that has no answer yet hears there what it was told last.
    fn follow_leg(&mut self, context: &mut Context, side: SideOf, flow: FlowToken, now: Now) {
        let Some(leg) = self.leg_mut(side) else { return };
        let alike = leg.flow.transport == flow.transport;
        leg.follow(context, flow, now);
        if side == SideOf::Caller
            && alike
            && let Some(invite) = &self.invite
        {
            context.tx.redirect_answer(invite.server, flow);
        }
    }

    /// True when the request is for a phone that is known to be away, and expected back.
    pub(crate) fn waits_for_return(&self, owner: &Owner) -> bool {
        match *owner {
            Owner::Target(_, index) => self.targets.get(index).is_some_and(|target| target.away),
            Owner::Renegotiation(_, side) => self.leg(side).is_some_and(|leg| leg.away),
            _ => false,
        }
    }

    /// Gives phones whose connection broke the time to come back.
    pub(super) fn wait_for_return(&mut self, context: &mut Context, now: Now) {
        if !self.timers.iter().any(|(kind, _)| *kind == TimerKind::Return) {
            let wait_ms = u64::from(self.config.policy().reconnect_s) * 1000;
            self.set_timer(context, TimerKind::Return, wait_ms, now);
        }
    }

    /// Who has not come back by now: its phone does not ring, its re-INVITE is refused, its call that nobody has answered
    /// is over; a call that is up stays up.
    pub(super) fn not_returned(&mut self, context: &mut Context, now: Now) {
        if self.caller.away && self.is_calling() {
            return self.cancelled_by_caller(context, "", now);
        }
        if self.caller.away && self.caller.unacknowledged.is_some() && self.phase == Phase::Answered {
            // It was answered meanwhile, and talks to nobody.
            context.counts.ack_lost += 1;
            let why = "caller did not come back";
            return self.hang_up(context, q850::TIMER_EXPIRY, EndedBy::System, why, now);
        }
        for index in 0..self.targets.len() {
            if self.targets.get(index).is_some_and(|t| t.away && t.is_ringing()) {
                self.give_up_target(context, index, now);
            }
        }
        for side in [SideOf::Caller, SideOf::Callee] {
            if let Some(leg) = self.leg(side)
                && let (true, Exchange::Ours { client, .. }) = (leg.away, &leg.exchange)
            {
                context.tx.abandon(*client);
                self.renegotiated(context, side, 503, None, now);
            }
        }
    }

    fn give_up_target(&mut self, context: &mut Context, index: usize, now: Now) {
        if let Some(target) = self.targets.get_mut(index) {
            target.abandon(context);
        }
        self.target_failed(context, index, FLOW_FAILED, now);
    }

    /// The phone registered on another flow, or speaks from one: what it has with this call goes on there.
    pub(crate) fn reconnect(&mut self, context: &mut Context, facts: &BindingFacts, now: Now) {
        let mut moved = false;
        for side in [SideOf::Caller, SideOf::Callee] {
            if let Some(leg) = self.leg_mut(side)
                && leg.peer.is_user(facts.user)
                && leg.key.is_none()
                && same_flow(&leg.flow, &facts.flow)
            {
                // Who called before he registered is known by what he registers from there.
                leg.key = Some(facts.key.clone());
            }
            if let Some(leg) = self.leg_mut(side)
                && leg.peer.is_user(facts.user)
                && leg.key.as_ref().is_some_and(|key| key.is(&facts.key))
                && (leg.away || !same_flow(&leg.flow, &facts.flow))
            {
                leg.key = Some(facts.key.clone());
                self.follow_leg(context, side, facts.flow, now);
                moved = true;
            }
        }
        if moved && self.phase == Phase::Answered {
            self.changed(context, now);
            let config = std::sync::Arc::clone(&self.config);
            // Its packets may come from another address now.
            self.media_follows(context, &config.policy().codecs);
        }
        for index in 0..self.targets.len() {
            self.ring_again(context, index, facts, now);
        }
    }

    /// The same INVITE on the phone's new flow: to a phone that still rings it is a copy, to one that has forgotten
    /// everything a call. One that was called off hears that there.
    fn ring_again(&mut self, context: &mut Context, index: usize, facts: &BindingFacts, now: Now) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let mine = target.peer.is_user(facts.user) && target.is_at(&facts.key);
        if !mine || (same_flow(&target.flow, &facts.flow) && !target.away) {
            return;
        }
        match target.state {
            State::Calling => {
                target.move_to(context, facts);
                context.counts.followed += 1;
                self.send_invite(context, index, now);
            }
            State::Waiting => target.move_to(context, facts),
            State::Cancelled => target.redirect(context, facts.flow, now),
            State::Won | State::Done(_) => {}
        }
    }

    /// Rings a binding that came to be while the call rings, in place of nothing.
    pub(super) fn ring_also(
        &mut self,
        context: &mut Context,
        facts: &BindingFacts,
        diverted: Vec<Forward>,
        now: Now,
    ) -> bool {
        let early = matches!(self.phase, Phase::Opening | Phase::Ringing);
        if !early || self.targets.len() >= MOST_TARGETS {
            return false;
        }
        let mut target = Target::new(context, facts);
        target.diverted = diverted;
        context.following.joins(facts.user, self.id);
        self.targets.push(target);
        self.send_invite(context, self.targets.len().saturating_sub(1), now);
        true
    }

    /// The flows of one instance are alternatives: when one fails the next is tried (RFC 5626 §5.3, 430).
    pub(super) fn rings_another_flow(&mut self, context: &mut Context, index: usize, now: Now) -> bool {
        let Some(failed) = self.targets.get(index).filter(|t| t.is_ringing()) else {
            return false;
        };
        let diverted = failed.diverted.clone();
        let Some((user, urn)) = failed.user().zip(failed.urn().map(Box::<str>::from)) else {
            return false;
        };
        let tried = |key: &PhoneKey, flow: &FlowToken| {
            let same = |t: &&Target| t.peer.is_user(user) && t.is_at(key) && same_flow(&t.flow, flow);
            self.targets.iter().any(|t| same(&t))
        };
        let rings = self
            .targets
            .iter()
            .enumerate()
            .any(|(i, t)| i != index && t.peer.is_user(user) && t.urn() == Some(&*urn) && t.is_ringing());
        let next = context
            .location
            .of(user)
            .iter()
            .filter(|b| b.reachable && b.record.instance.as_deref() == Some(&*urn))
            .filter(|b| !self.is_callers_own(b) && !self.is_transferrers_own(b))
            .map(BindingFacts::from)
            .rfind(|facts| !tried(&facts.key, &facts.flow));
        match next {
            Some(facts) if !rings => self.ring_also(context, &facts, diverted, now),
            _ => false,
        }
    }

    /// Sends a target its INVITE.
    pub(super) fn send_invite(&mut self, context: &mut Context, index: usize, now: Now) {
        let Some(offer) = self.offer_for(context, index) else {
            // What this trunk asks for can't be had: of a call for help that is a refusal like any other.
            if self.is_emergency() && self.gives_carrier_up(context, index, (488, true), true, now) {
                return;
            }
            if let Some(target) = self.targets.get_mut(index).filter(|_| self.offered.is_some()) {
                target.state = State::Done(488);
            }
            return;
        };
        let policy = self.config.policy();
        let invitation = Invitation {
            from: &self.identity.0,
            to: &self.identity.1,
            max_forwards: self.max_forwards,
            offer: &offer,
            session: (policy.session_expires_s, policy.min_se_s),
            told: &self.told,
            forwards: self.run.forwards(),
            realm: self.config.realm(),
            history: !self.hides_history,
        };
        if let Some(target) = self.targets.get(index) {
            self.name_dialog(context, &target.call_id);
        }
        if let Some(target) = self.targets.get_mut(index) {
            target.invite(context, self.id, index, &invitation, now);
        }
    }
}
