//! What calls want of each other: transfers, legs that change over, calls that nobody needs any more.
//!
//! Owns: finding the calls, and who may name whose dialog. Does not own: what a call makes of it.

use super::Tenant;
use crate::call::{Act, Call, DialogName, Guest, Leg, Transferrer, Wish};
use crate::context::LegRef;
use model::{CallId, Leg as SideOf, Now};
use sip::{Message, Name};

impl Tenant {
    /// Does what the calls have left to be done; more may come of it.
    pub(super) fn perform_acts(&mut self, now: Now) {
        while let Some(id) = self.context.acting.pop_front() {
            let Some(act) = self.calls.get_mut(&id).and_then(|call| call.next_act()) else {
                continue;
            };
            match act {
                Act::Refer { from, by, wish } => self.refer(from, by, &wish, now),
                Act::Told { from, to, code } => {
                    if let Some(call) = self.calls.get_mut(&from) {
                        call.told(&mut self.context, to, code, now);
                    }
                }
                Act::Join { call } => self.join(call, now),
                Act::HandOver { to, side, leg } => self.hand_over(to, side, *leg, now),
                service @ (Act::Connect { .. }
                | Act::Screened { .. }
                | Act::Replaced { .. }
                | Act::Listen { .. }
                | Act::Page { .. }
                | Act::Tell { .. }
                | Act::Heard { .. }) => self.perform_service(service, now),
                Act::Abandon { call } => {
                    if let Some(call) = self.calls.get_mut(&call) {
                        call.abandoned(&mut self.context, now);
                    }
                }
            }
        }
    }

    /// Makes the call that a REFER asks for, and tells the asker's call which one it is or why there is none.
    fn refer(&mut self, from: CallId, by: SideOf, wish: &Wish, now: Now) {
        let made = match &wish.replaces {
            _ if self.draining && !self.is_emergency(&wish.dialled.number) => Err(503),
            None => self.refer_blind(from, by, wish, now),
            Some(name) => self.refer_to_dialog(from, by, name, now),
        };
        // It may be over before it was in the list.
        self.context.over.extend(made.ok());
        if let Some(asker) = self.calls.get_mut(&from) {
            asker.referred(&mut self.context, made, now);
        }
    }

    fn refer_blind(&mut self, from: CallId, by: SideOf, wish: &Wish, now: Now) -> Result<CallId, u16> {
        let (transferrer, guest) = self.parties(from, by)?;
        let id = self.next_id();
        let call = Call::begin_transfer(&mut self.context, id, transferrer, guest, wish, now);
        self.keep(call);
        Ok(id)
    }

    /// Who transfers whom; 488 where the other side has not said what it can hear.
    fn parties(&self, from: CallId, by: SideOf) -> Result<(Transferrer, Guest), u16> {
        let asker = self.calls.get(&from).ok_or(481_u16)?;
        asker.transferrer(by).zip(asker.guest(by.other())).ok_or(488)
    }

    /// REFER with Replaces: the far ends of two calls of one user are connected. Where the second still rings, the
    /// transferred party takes its caller's place.
    fn refer_to_dialog(
        &mut self,
        from: CallId,
        by: SideOf,
        name: &DialogName,
        now: Now,
    ) -> Result<CallId, u16> {
        let Some(replaced) = self.find_named(name) else {
            self.context.counts.no_dialog += 1;
            return Err(481);
        };
        let (transferrer, guest) = self.parties(from, by)?;
        let other = self.calls.get_mut(&replaced.call).ok_or(481_u16)?;
        if replaced.call == from
            || !transferrer
                .peer
                .user()
                .is_some_and(|user| other.belongs_to(replaced.side, user))
        {
            self.context.counts.forbidden += 1;
            return Err(403);
        }
        if other.has_caller_waiting(replaced.side) {
            other.take_callers_place(&mut self.context, transferrer, guest, now);
            return Ok(replaced.call);
        }
        if name.early_only {
            return Err(486);
        }
        if other.is_served() {
            let (run, callee) = other.service_for_another().ok_or(488_u16)?;
            let id = self.next_id();
            let to = (run, callee, replaced.call);
            let call = Call::begin_taking_place(&mut self.context, id, transferrer, guest, to, now);
            self.keep(call);
            return Ok(id);
        }
        let side = replaced.side.other();
        let far = other.guest(side).filter(|_| other.is_up()).ok_or(481_u16)?;
        if !other.may_give(side) {
            return Err(491);
        }
        let id = self.next_id();
        if let Some(other) = self.calls.get_mut(&replaced.call) {
            other.promise(side, id, guest.party.number.clone());
        }
        let call = Call::begin_join(&mut self.context, id, transferrer, (guest, far), now);
        self.keep(call);
        Ok(id)
    }

    /// The leg that a Replaces names. Phones differ in whose tag they call `to-tag`.
    pub(super) fn find_named(&self, name: &DialogName) -> Option<LegRef> {
        [(&name.to_tag, &name.from_tag), (&name.from_tag, &name.to_tag)]
            .into_iter()
            .find_map(|(ours, theirs)| {
                let leg = *self.context.legs.get(ours.as_str())?;
                let call = self.calls.get(&leg.call)?;
                call.has_dialog_named(leg.side, &name.call_id, theirs)
                    .then_some(leg)
            })
    }

    /// Brings the legs of a call in from the calls that they are in.
    fn join(&mut self, id: CallId, now: Now) {
        let Some(call) = self.calls.get(&id).filter(|call| call.expects_guests()) else {
            return;
        };
        let sources = call.sources();
        for (side, (from, its), lingers) in sources {
            let number = self.calls.get(&id).map(|call| call.partner_of(side));
            let number = number.unwrap_or_default();
            let leg = self
                .calls
                .get_mut(&from)
                .and_then(|old| old.give_leg(&mut self.context, its, &number, lingers, now));
            let Some(call) = self.calls.get_mut(&id) else {
                return;
            };
            match leg {
                Some(leg) => call.take_in(&mut self.context, side, *leg, now),
                None => return call.guest_is_gone(&mut self.context, now),
            }
        }
        if let Some(call) = self.calls.get_mut(&id) {
            call.legs_are_in(&mut self.context, now);
        }
    }

    /// A leg whose transferrer has hung up waits in the call that is made for it. If that is over, so is the leg.
    fn hand_over(&mut self, to: CallId, side: SideOf, mut leg: Leg, now: Now) {
        match self.calls.get_mut(&to).filter(|call| call.expects_guests()) {
            Some(call) => call.take_in(&mut self.context, side, leg, now),
            None => {
                self.context.legs.remove(leg.dialog.local_tag.as_str());
                // Whose record it would stand in is written.
                if let Some(ticket) = leg.ticket.take() {
                    let _ = self.context.meter.ended(ticket, now);
                }
                leg.bye(&mut self.context, "", now);
            }
        }
    }

    /// The call that holds the dialog of a response to a request of ours, where its leg has changed over since.
    pub(super) fn moved_to(&self, message: &Message<'_>, asked_by: CallId) -> Option<LegRef> {
        let tag = message.from_tag()?;
        let leg = *self.context.legs.get(tag)?;
        (leg.call != asked_by).then_some(leg)
    }

    /// A REFER outside any dialog would transfer a call that the phone can name only by Target-Dialog. Phones that
    /// talk to us have dialogs with us, so it is for nobody (RFC 7614 §4 allows that).
    pub(super) fn handle_refer(&mut self, flow: model::FlowToken, message: &Message<'_>, now: Now) {
        if self.authenticate(flow, message, now).is_some() {
            self.context.counts.forbidden += 1;
            self.context.reply_with(message, flow, 403, |writer| {
                writer.header(
                    Name::Warning,
                    "399 carillon \"REFER is served inside the dialog of the call only\"",
                )
            });
        }
    }
}
