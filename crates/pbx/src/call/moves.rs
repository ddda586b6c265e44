//! Legs that change over from one call to another.
//!
//! Owns: what a leg leaves behind in its call, and what it finds in the next. Does not own: why it goes (`transfer`,
//! `replace`), and how it comes to one session with its new partner (`join`).

use super::leg::Leg;
use super::nouns::{Act, Guest, Promise, Referral};
use super::record;
use super::{Call, Phase, Target};
use crate::context::{Context, LegRef, TimerKind};
use crate::peer::Peer;
use model::{CallId, EndedBy, Leg as SideOf, Now};

/// A transferrer whose transfer has succeeded hangs up by himself within this, or is hung up, milliseconds.
const LINGER_MS: u64 = 4_000;

impl Call {
    /// A leg as another call needs it.
    pub(crate) fn guest(&self, side: SideOf) -> Option<Guest> {
        let leg = self.leg(side).filter(|leg| leg.is_present())?;
        Some(Guest {
            from: (self.id, side),
            party: self.record.party(side).clone(),
            peer: leg.peer,
            flow: leg.flow,
            said: leg.remote.clone()?.resumed(),
            record: self.record.id(),
            shown: Some(self.identity.0.clone()).filter(|from| side == SideOf::Caller && !from.is_empty()),
            hides_history: self.hides_history && side == SideOf::Caller,
            hops: self.max_forwards,
        })
    }

    /// True while phones have confirmed dialogs with this call: it is up, or a transferred party waits in it.
    pub(super) fn has_dialogs(&self) -> bool {
        let waits = self.is_transfer() && matches!(self.phase, Phase::Opening | Phase::Ringing);
        self.phase == Phase::Answered || waits
    }

    /// True while legs of this call are on their way to or from another one.
    pub(super) fn is_moving(&self) -> bool {
        let moves = &self.moves;
        moves.referral.is_some() || moves.joining.is_some() || moves.promised.is_some() || self.is_screening()
    }

    /// A leg of ours will go over to `call` and talk to `number` there.
    pub(crate) fn promise(&mut self, side: SideOf, to: CallId, number: String) {
        self.moves.promised = Some(Promise { side, to, number });
    }

    /// True when a leg may go: the call is up, nothing else moves its legs, and the phone has our 2xx. One that lost it has
    /// no dialog that could go anywhere, and nobody would repeat it in the other call.
    pub(crate) fn may_give(&self, side: SideOf) -> bool {
        let settled = self.leg(side).is_some_and(|leg| leg.unacknowledged.is_none());
        self.phase == Phase::Answered && self.invite.is_none() && !self.is_moving() && settled
    }

    /// The side that transfers hangs up before it is decided: the other leg goes over and waits there. False when
    /// there is nothing to go over to.
    pub(super) fn leave_behind(
        &mut self,
        context: &mut Context,
        side: SideOf,
        by: EndedBy,
        now: Now,
    ) -> bool {
        let stays = side.other();
        let referral = self.moves.referral.as_ref().filter(|r| r.by == side);
        let promise = self.moves.promised.as_ref().filter(|p| p.side == stays);
        let (to, place, number) = match (referral, promise) {
            (
                Some(Referral {
                    call: Some(call),
                    number,
                    ..
                }),
                _,
            ) => (*call, SideOf::Caller, number),
            (_, Some(Promise { to, number, .. })) => (*to, SideOf::Callee, number),
            _ => return false,
        };
        let number = number.clone();
        self.moves.referral = None;
        self.moves.promised = None;
        let Some(leg) = self.take_leg(context, stays, now) else {
            return false;
        };
        self.record.transferred(number);
        self.ask_of_others(context, Act::HandOver { to, side: place, leg });
        self.end(context, record::HUNG_UP, by, now);
        true
    }

    /// The call ends while a transfer out of it is under way: that is over, too.
    pub(super) fn forsake_transfers(&mut self, context: &mut Context, now: Now) {
        let referred = self.moves.referral.as_ref().and_then(|r| r.call);
        self.refer_end(context, 487, now);
        let promised = self.moves.promised.take().map(|promise| promise.to);
        for call in [referred, promised].into_iter().flatten() {
            self.ask_of_others(context, Act::Abandon { call });
        }
    }

    /// Gives a leg to another call. This one ends; its other leg hangs up by itself when it `lingers`, being one that
    /// has been told of its transfer, or is hung up.
    pub(crate) fn give_leg(
        &mut self,
        context: &mut Context,
        side: SideOf,
        number: &str,
        lingers: bool,
        now: Now,
    ) -> Option<Box<Leg>> {
        if self.phase != Phase::Answered {
            return None;
        }
        let leg = self.take_leg(context, side, now)?;
        let left = side.other();
        self.moves.promised = None;
        self.refer_end(context, 200, now);
        if let Some(endpoint) = &mut self.endpoint {
            endpoint.made.clear();
        }
        self.record.transferred(number.to_owned());
        if lingers && !self.is_served() {
            self.moves.lingering = Some(left);
            self.set_timer(context, TimerKind::Linger, LINGER_MS, now);
        } else {
            self.hang_up_leg(context, left, "", now);
        }
        let by = match left {
            SideOf::Caller => EndedBy::Caller,
            SideOf::Callee => EndedBy::Callee,
        };
        self.end(context, record::HUNG_UP, by, now);
        Some(leg)
    }

    /// Takes a leg out of the call, whatever it is in the middle of. What the other leg has asked of it is refused.
    pub(super) fn take_leg(&mut self, context: &mut Context, side: SideOf, now: Now) -> Option<Box<Leg>> {
        for side in [side, side.other()] {
            self.settle_asker(context, side, 491, now);
            self.call_off_reinvite(context, side, now);
        }
        if let Some(leg) = self.leg_mut(side) {
            // An offer of the phone in its 2xx is not answered any more; an UPDATE of ours is not waited for.
            leg.decline_offer(context);
            if let Some(session) = &mut leg.session {
                session.updating = None;
            }
        }
        for kind in [
            TimerKind::Session(side),
            TimerKind::Restore(SideOf::Caller),
            TimerKind::Restore(SideOf::Callee),
            TimerKind::LateAnswer,
            TimerKind::UpdateAnswer,
        ] {
            self.cancel_timer(context, kind);
        }
        self.forget_ack(context, side);
        let leg = match side {
            SideOf::Caller if self.caller.is_present() => {
                let absent = Leg::absent(self.caller.peer, self.caller.flow);
                std::mem::replace(&mut self.caller, absent)
            }
            SideOf::Caller => return None,
            SideOf::Callee => self.callee.take()?,
        };
        self.is_left_by(context, leg.peer);
        Some(Box::new(leg))
    }

    /// A user's leg is gone, but not perhaps what else his phones have to do with this call.
    pub(super) fn is_left_by(&self, context: &mut Context, peer: Peer) {
        let user = match peer {
            Peer::User(user) => user,
            Peer::Trunk(trunk) => return self.holds_channels(context, trunk),
        };
        context.following.leaves(user, self.id);
        let legs = [SideOf::Caller, SideOf::Callee].into_iter();
        let users = legs.filter_map(|side| self.user_of(side));
        if users
            .chain(self.targets.iter().filter_map(Target::user))
            .any(|u| u == user)
        {
            context.following.joins(user, self.id);
        }
    }

    /// A leg comes in from another call.
    pub(crate) fn take_in(&mut self, context: &mut Context, side: SideOf, mut leg: Leg, now: Now) {
        self.rekey_guest(context, &mut leg);
        let tag = leg.dialog.local_tag.clone().into_boxed_str();
        context.legs.insert(tag, LegRef { call: self.id, side });
        self.name_dialog(context, &leg.dialog.call_id);
        context.following.joins(leg.user(), self.id);
        let trunk = leg.peer.trunk();
        if let Some(origin) = &mut self.moves.origin {
            match side {
                SideOf::Caller => origin.caller = None,
                SideOf::Callee => origin.callee = None,
            }
        }
        match side {
            SideOf::Caller => self.caller = leg,
            SideOf::Callee => self.callee = Some(leg),
        }
        if let Some(trunk) = trunk {
            self.holds_channels(context, trunk);
        }
        self.resume_session(context, side, now);
        self.show(context);
    }

    /// True when a leg that was promised to this call can still come in.
    pub(crate) fn expects_guests(&self) -> bool {
        self.moves.origin.is_some() && !matches!(self.phase, Phase::Ending | Phase::Ended)
    }

    /// BYE of a party that waits here while somebody is rung for it.
    pub(super) fn guest_gave_up(&mut self, context: &mut Context, side: SideOf, now: Now) {
        if let Some(leg) = self.take_leg(context, side, now) {
            context.legs.remove(leg.dialog.local_tag.as_str());
            self.give_back(context, leg.ticket, now);
        }
        let by = match side {
            SideOf::Caller => EndedBy::Caller,
            SideOf::Callee => EndedBy::Callee,
        };
        self.refuse(context, record::CANCELLED, by, now);
    }

    /// The transferrer has hung up, or never will.
    pub(super) fn stop_lingering(&mut self, context: &mut Context) {
        if self.moves.lingering.take().is_some() {
            self.cancel_timer(context, TimerKind::Linger);
            context.over.push(self.id);
        }
    }

    /// The transferrer has had time enough.
    pub(super) fn hang_up_lingering(&mut self, context: &mut Context, now: Now) {
        if let Some(side) = self.moves.lingering.take() {
            self.hang_up_leg(context, side, "", now);
            context.over.push(self.id);
        }
    }
}
