//! A call that is made for somebody else: for the party that stays when its other side transfers it (RFC 5589 §6).
//!
//! Owns: the ringing on behalf of a leg that is still in another call, and the way back to the transferrer. Does not
//! own: the transferrer's subscription (`refer`), and how the legs come to one session (`join`).
//!
//! A transfer makes a new call with a record of its own, so that each record is about one pair of people. While it
//! rings, the transferred leg stays where it is; so when nobody answers, nothing has happened to it. If the
//! transferrer hangs up before, the leg comes over at once and waits here, and when nobody answers his phones ring.
//! Calls can't reach each other: what one wants of another it leaves as an [`Act`] for the tenant.

use super::begin::{called, identities};
use super::identity::ANONYMOUS;
use super::leg::Leg;
use super::nouns::{Act, Guest, Origin, Screening, Transferrer, Wish};
use super::record::{self, Record};
use super::redirect::Redirects;
use super::reliable::Reliable;
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use crate::location::Binding;
use flow::{Event, Run};
use model::{CallId, Cause, EndedBy, Leg as SideOf, MachineRules, Now, Party};
use sip::Name;
use std::sync::Arc;

impl Call {
    /// Leaves something for the tenant to do when the input is done.
    pub(super) fn ask_of_others(&mut self, context: &mut Context, act: Act) {
        self.moves.acts.push_back(act);
        context.acting.push_back(self.id);
    }

    /// The first thing that this call wants of another.
    pub(crate) fn next_act(&mut self) -> Option<Act> {
        self.moves.acts.pop_front()
    }

    /// The user of a leg as one who transfers.
    pub(crate) fn transferrer(&self, side: SideOf) -> Option<Transferrer> {
        let leg = self.leg(side)?;
        Some(Transferrer {
            peer: leg.peer,
            flow: leg.flow,
            key: leg.key.clone(),
            number: self.record.party(side).number.clone(),
        })
    }

    /// Rings whom the transferrer dialled for a party that waits. Whom he may reach is what he may reach himself.
    pub(crate) fn begin_transfer(
        context: &mut Context,
        id: CallId,
        by: Transferrer,
        guest: Guest,
        wish: &Wish,
        now: Now,
    ) -> Call {
        let config = Arc::clone(&context.config);
        let dialled = &wish.dialled;
        let mut run = Run::new(context.route(&config, &dialled.number, &dialled.domain));
        run.meet(guest.peer.user());
        let callee = called(&config, &dialled.number);
        let listener = guest.from.0;
        let origin = Origin {
            by,
            caller: Some(guest.from),
            callee: None,
            listener,
            recalled: false,
        };
        let mut call = Call::without_invite(context, id, run, origin, guest, callee, now);
        call.instance = dialled.instance.clone();
        call.start(context, now);
        call
    }

    /// Rings whom a caller has dialled whom the server serves.
    pub(crate) fn begin_dialled(
        context: &mut Context,
        id: CallId,
        by: Transferrer,
        guest: Guest,
        (number, screen): (&str, Option<MachineRules>),
        now: Now,
    ) -> Call {
        let config = Arc::clone(&context.config);
        let mut run = Run::new(context.route(&config, number, config.realm()));
        run.meet(guest.peer.user());
        let callee = called(&config, number);
        let (parent, listener) = (guest.record, guest.from.0);
        let origin = Origin {
            by,
            caller: Some(guest.from),
            callee: None,
            listener,
            // Nobody has transferred, so nobody is called back.
            recalled: true,
        };
        let mut call = Call::without_invite(context, id, run, origin, guest, callee, now);
        context.counts.transfers = context.counts.transfers.saturating_sub(1);
        call.record.came_from(parent, None);
        call.told.retain(|(name, _)| *name != Name::ReferredBy);
        if screen.is_some() {
            // Who answers has to be heard, whatever the policy says about audio between phones.
            call.bridge.relay(config.id(), id);
        }
        call.moves.screen = screen;
        call.start(context, now);
        call
    }

    /// A call whose caller is a guest that has not come in yet.
    pub(super) fn without_invite(
        context: &mut Context,
        id: CallId,
        run: Run,
        origin: Origin,
        guest: Guest,
        callee: Party,
        now: Now,
    ) -> Call {
        let config = Arc::clone(&context.config);
        context.counts.calls += 1;
        context.counts.transfers += 1;
        context.live = context.live.saturating_add(1);
        let number = callee.number.clone();
        let mut record = Record::begin(context, guest.party, callee, now);
        record.came_from(guest.record, Some(origin.by.number.clone()));
        let caller = Leg::absent(guest.peer, guest.flow);
        let mut call = Call::new(id, config, run, record, caller, Some(guest.said));
        call.max_forwards = guest.hops.saturating_sub(1);
        call.introduce(guest.shown, &number);
        call.hides_history = guest.hides_history;
        call.refer_by(&origin.by);
        call.moves.origin = Some(origin);
        call
    }

    /// What phones are told of the transferred party: under what it called, if it did, and who it is where phones are
    /// trusted (RFC 3323, RFC 3325).
    fn introduce(&mut self, shown: Option<String>, number: &str) {
        let (from, to) = identities(&self.config, &self.record.caller, number);
        let shown = shown.unwrap_or_else(|| from.clone());
        self.told.clear();
        if self.config.policy().trust_phones {
            // What was found out of who vouches for him goes with him.
            let is_hidden = shown == ANONYMOUS;
            if is_hidden {
                self.told.push((Name::Privacy, "id".to_owned()));
            }
            let known = if is_hidden { from } else { shown.clone() };
            self.told.push((Name::PAssertedIdentity, known));
        }
        self.identity = (shown, to);
    }

    /// Phones are told who transferred (RFC 3892): as we know him, not as he says.
    fn refer_by(&mut self, by: &Transferrer) {
        let value = format!("<sip:{}@{}>", by.number, self.config.realm());
        self.told.push((Name::ReferredBy, value));
    }

    /// True for a call that no INVITE waits in: its caller was in another call before.
    pub(super) fn is_transfer(&self) -> bool {
        self.moves.origin.is_some() && self.invite.is_none()
    }

    /// The transferrer's own phone is not rung by his transfer, unless he is called back.
    pub(super) fn is_transferrers_own(&self, binding: &Binding) -> bool {
        let by = self.moves.origin.as_ref().filter(|origin| !origin.recalled);
        by.is_some_and(|origin| {
            let (record, by) = (&binding.record, &origin.by);
            let flow = || crate::location::same_flow(&record.flow, &by.flow);
            let phone = || by.key.as_ref().is_some_and(|key| key.is_same_phone(record));
            by.peer.is_user(record.user) && (flow() || phone())
        })
    }

    /// The transferrer hears that a phone rings.
    pub(super) fn tell_transferrer(&mut self, context: &mut Context, code: u16) {
        if let Some(origin) = &self.moves.origin
            && origin.caller.is_some()
        {
            self.ask_of_others(
                context,
                Act::Told {
                    from: origin.listener,
                    to: self.id,
                    code,
                },
            );
        }
    }

    /// A phone took the call that was made for a guest: the guest comes in, if it is not here.
    pub(super) fn guest_is_answered(&mut self, context: &mut Context, now: Now) {
        let away = self.moves.origin.as_ref().is_some_and(|o| o.caller.is_some());
        if away && self.screens(context, now) {
            return;
        }
        if away {
            self.ask_of_others(context, Act::Join { call: self.id });
        } else {
            self.bring_together(context, SideOf::Caller, now);
        }
    }

    /// Nobody answered, or nothing could be rung. A party that is not here stays in its call; one that waits here is
    /// given back to the transferrer, or hung up when he does not answer either.
    pub(super) fn refuse_guest(&mut self, context: &mut Context, cause: Cause, by: EndedBy, now: Now) {
        self.cancel_targets(context, "", now);
        let away = self.moves.origin.as_ref().is_some_and(|o| o.caller.is_some());
        if away || self.moves.origin.as_ref().is_some_and(|o| o.callee.is_some()) {
            self.tell_transferrer_end(context, cause.sip);
        } else {
            context.counts.transfers_failed += 1;
        }
        let reason = format!("Q.850;cause={}", cause.q850);
        for side in [SideOf::Caller, SideOf::Callee] {
            self.hang_up_leg(context, side, &reason, now);
        }
        self.end(context, cause, by, now);
    }

    /// What was promised to this call is not needed.
    pub(super) fn release_promises(&mut self, context: &mut Context, code: u16) {
        if self.moves.origin.as_ref().is_some_and(|o| o.callee.is_some()) {
            self.tell_transferrer_end(context, code);
        }
    }

    fn tell_transferrer_end(&mut self, context: &mut Context, code: u16) {
        if let Some(origin) = &self.moves.origin {
            let code = code.max(300);
            let mut listeners = vec![origin.listener];
            listeners.extend(origin.callee.map(|(call, _)| call));
            for from in listeners {
                self.ask_of_others(
                    context,
                    Act::Told {
                        from,
                        to: self.id,
                        code,
                    },
                );
            }
        }
    }

    /// Rings the transferrer for a party that waits here. False when that is not to be.
    pub(super) fn recall(&mut self, context: &mut Context, now: Now) -> bool {
        let waits = self.is_transfer() && self.caller.is_present();
        let Some(origin) = self.moves.origin.as_mut().filter(|o| waits && !o.recalled) else {
            return false;
        };
        origin.recalled = true;
        let by = origin.by.clone();
        let Some(user) = by.peer.user() else {
            return false;
        };
        self.stop_waking(context);
        self.instance = None;
        let config = Arc::clone(&self.config);
        self.record.callee = called(&config, &by.number);
        let shown = std::mem::take(&mut self.identity.0);
        self.introduce(Some(shown), &by.number);
        self.redirects = Redirects::default();
        self.run.note("back to the transferrer");
        self.run.reroute(flow::recall(&config, user));
        self.advance(context, Event::Start, now);
        true
    }

    /// News of a transfer that this call's leg asked for.
    pub(crate) fn told(&mut self, context: &mut Context, to: CallId, code: u16, now: Now) {
        if self.is_told_of_dialled(context, to, code, now) {
            return;
        }
        self.moves
            .promised
            .take_if(|promise| promise.to == to && code >= 200);
        let ours = self.moves.referral.as_ref().is_some_and(|r| r.call == Some(to));
        match code {
            _ if !ours => {}
            ..200 => self.refer_progress(context, code, now),
            _ => self.refer_end(context, code, now),
        }
    }

    /// The transfer that was asked for has become this call; or could not, for this reason.
    pub(crate) fn referred(&mut self, context: &mut Context, call: Result<CallId, u16>, now: Now) {
        match (call, &mut self.moves.referral) {
            (Ok(call), Some(referral)) => referral.call = Some(call),
            (Ok(_), None) => {}
            (Err(code), _) => self.refer_end(context, code, now),
        }
    }

    /// True for the side of a caller whose INVITE is not answered yet.
    pub(crate) fn has_caller_waiting(&self, side: SideOf) -> bool {
        side == SideOf::Caller
            && self.invite.is_some()
            && self.moves.origin.is_none()
            && matches!(self.phase, Phase::Opening | Phase::Ringing)
    }

    /// The caller transfers while the call still rings (RFC 5589 §7.6): his INVITE is over, what rings goes on
    /// ringing, now for the party that he transferred.
    pub(crate) fn take_callers_place(
        &mut self,
        context: &mut Context,
        by: Transferrer,
        guest: Guest,
        now: Now,
    ) {
        let bytes = self.refusal(context, record::CANCELLED);
        if let (Some(invite), Some(bytes)) = (self.invite.take(), bytes) {
            context
                .tx
                .respond(invite.server, record::CANCELLED.sip, bytes, now.mono);
        }
        context.legs.remove(self.caller.dialog.local_tag.as_str());
        self.bridge.mute(context, SideOf::Caller, &self.caller.flow);
        self.run.meet(guest.peer.user());
        let old = std::mem::replace(&mut self.caller, Leg::absent(guest.peer, guest.flow));
        self.is_left_by(context, old.peer);
        self.early = None;
        self.early_remote = None;
        self.reliable = Reliable::default();
        self.cancel_timer(context, TimerKind::Reliable);
        self.offer = Some(guest.said);
        context.counts.transfers += 1;
        self.record.caller = guest.party;
        self.record.came_from(guest.record, Some(by.number.clone()));
        self.run.note("taken over");
        let number = self.record.callee.number.clone();
        self.introduce(guest.shown, &number);
        self.hides_history = guest.hides_history;
        self.moves.origin = Some(Origin {
            by,
            caller: Some(guest.from),
            callee: None,
            listener: guest.from.0,
            recalled: false,
        });
        self.show(context);
        if self.record.has_rung() {
            self.tell_transferrer(context, 180);
        }
    }

    /// The party for whom this call was made hung up where it was.
    pub(crate) fn abandoned(&mut self, context: &mut Context, now: Now) {
        if self.is_paged() {
            return self.page_is_over(context, now);
        }
        let by = match std::mem::take(&mut self.moves.screening) {
            Screening::None => None,
            Screening::Listening => Some(EndedBy::Caller),
            Screening::Decided => Some(EndedBy::System),
        };
        if let Some(by) = by {
            let cause = record::q850::NORMAL_CLEARING;
            return self.hang_up(context, cause, by, "not connected", now);
        }
        if self.expects_guests() {
            self.refuse(context, record::CANCELLED, EndedBy::Caller, now);
        }
    }
}
