//! A transferred party whose new other side is the server: a number with a flow, or the transferrer's place in one
//! (RFC 5589 §6.1, §7.3).
//!
//! Owns: bringing the party in and telling its phone our description by re-INVITE. Does not own: how a leg leaves its call
//! (`moves`), and what the server does for it then (`endpoint`, `serving`).
//!
//! There are ports first, then the party comes in, then it is asked; so when there are none, or its phone speaks nothing that we
//! speak, nothing has happened to it. Once here it is not given back to the transferrer: somebody has answered.

use super::join::{ACK_WAIT_MS, is_busy};
use super::nouns::{Act, Guest, Joining, Origin, Transferrer};
use super::record::q850;
use super::{Call, Phase};
use crate::context::Context;
use flow::{Event, Run};
use model::{CallId, EndedBy, Leg as SideOf, Now, Party};
use sip::Method;
use std::sync::Arc;

impl Call {
    /// What somebody would find who took the caller's place in this call that the server serves; `None` where nobody can.
    pub(crate) fn service_for_another(&self) -> Option<(Run, Party)> {
        // A code is for who dials it.
        let number = &self.record.callee.number;
        let can = self.phase == Phase::Answered
            && self.is_served()
            && !self.is_paged()
            && !self.is_moving()
            && !flow::is_reserved(number);
        let run = self.run.for_another().filter(|_| can)?;
        Some((run, self.record.callee.clone()))
    }

    /// Takes a party into the transferrer's place in the call `replaced`, which the server serves.
    pub(crate) fn begin_taking_place(
        context: &mut Context,
        id: CallId,
        by: Transferrer,
        guest: Guest,
        (mut run, callee, replaced): (Run, Party, CallId),
        now: Now,
    ) -> Call {
        run.meet(guest.peer.user());
        run.note("taken over");
        let listener = guest.from.0;
        let origin = Origin {
            by,
            caller: Some(guest.from),
            callee: None,
            listener,
            recalled: true,
        };
        let mut call = Call::without_invite(context, id, run, origin, guest, callee, now);
        call.moves.replaces = Some(replaced);
        call.start(context, now);
        call
    }

    /// Somebody else is in the caller's place now.
    pub(crate) fn is_replaced(&mut self, context: &mut Context, now: Now) {
        if self.phase == Phase::Answered && self.is_served() {
            self.hang_up(context, q850::NORMAL_CLEARING, EndedBy::Caller, "replaced", now);
        }
    }

    /// There are ports to serve a transferred party: it comes in, if it is not here.
    pub(super) fn guest_arrives(&mut self, context: &mut Context, now: Now) {
        let Some(origin) = &mut self.moves.origin else {
            return;
        };
        origin.recalled = true;
        match origin.caller.is_some() {
            true => self.ask_of_others(context, Act::Join { call: self.id }),
            false => self.serve_guest(context, now),
        }
    }

    /// It is here: the call is up, and its phone is told where the server is.
    pub(super) fn serve_guest(&mut self, context: &mut Context, now: Now) {
        self.comes_up(context, now);
        self.show(context);
        self.advance(context, Event::Answered, now);
        if let Some(call) = self.moves.replaces.take() {
            self.ask_of_others(context, Act::Replaced { call });
        }
        self.moves.joining = Some(Joining {
            rounds: 0,
            refusals: 0,
            turn: SideOf::Caller,
            anyhow: true,
        });
        self.ask_guest(context, now);
    }

    /// Asks the party by our own offer; once it has answered, the flow goes on.
    pub(super) fn ask_guest(&mut self, context: &mut Context, now: Now) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        if self
            .moves
            .joining
            .as_ref()
            .is_some_and(|joining| joining.rounds > 0)
        {
            self.moves.joining = None;
            if let Some(endpoint) = &mut self.endpoint {
                endpoint.hears = true;
            }
            self.media_follows(context, allowed);
            self.listen_for_fax(context, now);
            return self.serve_on(context, now);
        }
        if is_busy(&self.caller) {
            return self.ask_later(context, SideOf::Caller, ACK_WAIT_MS, now);
        }
        let anchor = self.bridge.anchor(SideOf::Caller);
        let text = anchor.and_then(|anchor| sdp::propose(&mut self.caller.side, anchor, allowed).ok());
        let asked = match text {
            Some(text) => self.propose(context, SideOf::Caller, Method::Invite, &text, now),
            None => Err(488),
        };
        match asked {
            Err(code) => self.cannot_join(context, code, now),
            Ok(()) => self.caller.answers_us_alone(),
        }
    }
}
