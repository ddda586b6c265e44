//! INVITE with Replaces, and picking up what rings at another phone (RFC 3891, RFC 5359 §2.16).
//!
//! Owns: the new leg in the place of another one. Does not own: whose call may be taken (`tenant::pickup`), and bringing
//! legs to one session (`join`).
//!
//! A call that rings is picked up inside that call: both INVITEs carry an offer, and each serves as the answer to the
//! other, so nobody is asked twice. One record tells of both INVITEs. A call that is up is taken over by a new call with
//! a record of its own; the replaced leg is hung up and the other one re-INVITEd.

use super::begin::{caller_leg, identities, is_beyond_us, make_known, party, tell};
use super::delayed_offer::read_offer;
use super::nouns::{Guest, Origin, Transferrer};
use super::record::{self, Record};
use super::session;
use super::{Call, PendingInvite, Phase, Target, keys};
use crate::context::{Context, Owner};
use crate::edge::{ALLOW, SUPPORTED};
use flow::{Flow, Refusal, Run};
use model::{CallId, Device, FlowToken, Leg as SideOf, Now, UserId};
use sdp::{Description, Side, can_talk};
use sip::dialog::Dialog;
use sip::transaction::ServerId;
use sip::{Message, Name};
use std::sync::Arc;

impl Call {
    /// The user at whose phone this INVITE of ours rings: the one with this Call-ID and tag.
    pub(crate) fn rings_as(&self, call_id: &str, tag: &str) -> Option<UserId> {
        let ringing = self.targets.iter().filter(|_| self.phase == Phase::Ringing);
        ringing
            .filter(|target| target.is_ringing() && target.call_id == call_id && target.tag == tag)
            .find_map(Target::user)
    }

    /// True while it rings at a phone for which `whose` holds.
    pub(crate) fn rings_for(&self, whose: impl Fn(UserId) -> bool) -> bool {
        let mut targets = self.targets.iter();
        self.phase == Phase::Ringing
            && targets.any(|target| target.is_ringing() && target.user().is_some_and(&whose))
    }

    /// How far the dialog of a leg has come.
    pub(crate) fn is_up(&self) -> bool {
        self.phase == Phase::Answered
    }

    /// True when the call is over and only its last messages are on their way.
    pub(crate) fn is_ending(&self) -> bool {
        matches!(self.phase, Phase::Ending | Phase::Ended)
    }

    /// Another phone takes the ringing call. Nothing changes unless it can talk to the caller.
    pub(crate) fn pick_up(
        &mut self,
        context: &mut Context,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let Some(offer) = own_offer(context, device.user, message, flow) else {
            return;
        };
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let mut side = Side::new(context.random() >> 1);
        if self.bridge.session().is_some() {
            keys::equip(context, config.policy().srtp, &mut side, &flow, false);
        }
        let anchor = self.bridge.anchor(SideOf::Callee);
        let transcodes = anchor.is_some_and(|anchor| anchor.transcodes);
        // A caller that left the offer to the callee would have to answer one here before it is told anything.
        let told = self
            .offer
            .as_ref()
            .filter(|caller| can_talk(caller, &offer, transcodes, allowed))
            .and_then(|caller| sdp::answer(&offer, caller, &mut side, anchor, allowed).ok());
        let Some(told) = told else {
            context.counts.media_refused += 1;
            return context.reply(message, flow, 488);
        };
        let owner = Owner::Renegotiation(self.id, SideOf::Callee);
        let Some((dialog, server)) = dialog_of(context, message, flow, owner, now) else {
            return;
        };
        let text = self.caller_is_told(context, &offer);
        let writer = context
            .response(message, flow, 200, Some(&dialog.local_tag))
            .header(Name::Contact, &context.contact(&flow))
            .header(Name::Allow, ALLOW)
            .header(Name::Supported, SUPPORTED)
            .copy(message, Name::RecordRoute);
        let (writer, session) = session::agreement(config.policy(), message, writer);
        let bytes = writer.body(sdp::CONTENT_TYPE, told.as_bytes());
        context.tx.respond(server, 200, bytes, now.mono);
        self.media_begins(context, usize::MAX, &offer);
        self.bridge
            .remote(context, SideOf::Callee, (&offer, Some(&side)), allowed, &flow);
        let mut leg = caller_leg(context, device, dialog, message, flow);
        leg.session = session;
        leg.unacknowledged = Some((server, message.cseq().map_or(0, |cseq| cseq.seq)));
        leg.remote = Some(offer);
        context.following.joins(device.user, self.id);
        self.callee_side = Some(side);
        self.record.callee = party(context, device, message);
        self.run
            .note(&format!("picked up by {}", self.record.callee.number));
        context.counts.pickups += 1;
        // No target has won; all are called off.
        self.connect(context, usize::MAX, leg, &text, now);
    }

    /// The answer for a caller whose INVITE waits, unless he has one already; a transferred party is told by a re-INVITE.
    fn caller_is_told(&mut self, context: &mut Context, offer: &Description) -> String {
        if self.is_transfer() {
            return String::new();
        }
        if self.reliable.has_answered() {
            let said = self.answered_before(context, usize::MAX, offer.clone());
            return said.map_or_else(String::new, |(text, _)| text);
        }
        let anchor = self.bridge.anchor(SideOf::Caller);
        let config = Arc::clone(&self.config);
        let Some(caller) = &self.offer else {
            return String::new();
        };
        let side = &mut self.caller.side;
        sdp::answer(caller, offer, side, anchor, &config.policy().codecs).unwrap_or_default()
    }

    /// Takes an authenticated INVITE that replaces a leg of another call: `far` is the leg that stays. `None` when it
    /// was refused before it became a call.
    pub(crate) fn begin_replacing(
        context: &mut Context,
        id: CallId,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        far: Guest,
        now: Now,
    ) -> Option<Call> {
        let config = Arc::clone(&context.config);
        let offer = own_offer(context, device.user, message, flow)?;
        if is_beyond_us(context, message, flow) {
            return None;
        }
        let policy = config.policy();
        if !can_talk(&offer, &far.said, policy.transcode, &policy.codecs) {
            context.counts.media_refused += 1;
            context.reply(message, flow, 488);
            return None;
        }
        let (dialog, server) = dialog_of(context, message, flow, Owner::Caller(id), now)?;
        let trying = context.response(message, flow, 100, None).finish();
        context.tx.respond(server, 100, trying, now.mono);
        context.counts.calls += 1;
        context.counts.transfers += 1;
        context.live = context.live.saturating_add(1);
        make_known(context, dialog.local_tag.clone(), id, device.user.into());
        let caller = party(context, device, message);
        let by = Transferrer {
            peer: device.user.into(),
            flow,
            key: None,
            number: caller.number.clone(),
        };
        let mut identity = identities(&config, &caller, &far.party.number);
        let told = tell(context, message, &caller, &mut identity.0);
        let mut record = Record::begin(context, caller, far.party, now);
        record.came_from(far.record, None);
        let mut run = Run::new(Flow::new(Vec::new()));
        run.note("taken over");
        let leg = caller_leg(context, device, dialog, message, flow);
        let mut call = Call::new(id, config, run, record, leg, Some(offer));
        call.relay_for(&far.said);
        (call.identity, call.told) = (identity, told);
        call.invite = Some(PendingInvite::new(server, message));
        call.moves.origin = Some(Origin::of_one(by, far.from));
        if !call.reserve_media(context, &flow, &far.flow, now) {
            call.media_is_ready(context, now);
        }
        Some(call)
    }

    /// The leg that stays has come in: the INVITE that waits for it is answered. False when there is none to answer.
    pub(super) fn answer_replacing(&mut self, context: &mut Context, now: Now) -> bool {
        if self.invite.is_none() {
            return false;
        }
        let config = Arc::clone(&self.config);
        let anchor = self.bridge.anchor(SideOf::Caller);
        let said = self.callee.as_ref().and_then(|leg| leg.remote.clone());
        let text = said.zip(self.offer.as_ref()).and_then(|(said, offer)| {
            let side = &mut self.caller.side;
            sdp::answer(offer, &said.resumed(), side, anchor, &config.policy().codecs).ok()
        });
        if let Some(text) = text {
            self.answer_caller(context, &text, now);
            self.watch_session(context, SideOf::Caller, now);
            self.caller.remote.clone_from(&self.offer);
            return true;
        }
        // It changed its codecs in the last moment: it has no dialog now, and the other leg nobody to talk to.
        let bytes = self.refusal(context, record::cause_of(Refusal::MediaRefused));
        if let (Some(bytes), Some(invite)) = (bytes, self.invite.take()) {
            context.tx.respond(invite.server, 488, bytes, now.mono);
        }
        context.legs.remove(self.caller.dialog.local_tag.as_str());
        self.caller = super::Leg::absent(self.caller.peer, self.caller.flow);
        self.guest_is_gone(context, now);
        true
    }
}

/// The offer of an INVITE that takes somebody's place: it needs one of its own, for both sides have spoken already.
fn own_offer(
    context: &mut Context,
    from: UserId,
    message: &Message<'_>,
    flow: FlowToken,
) -> Option<Description> {
    let offer = read_offer(context, (None, from.into()), message, flow).ok()?;
    if offer.is_none() {
        context.counts.media_refused += 1;
        context.reply(message, flow, 488);
    }
    offer
}

/// The dialog and the transaction of an INVITE that is taken; `None` when it was refused.
fn dialog_of(
    context: &mut Context,
    message: &Message<'_>,
    flow: FlowToken,
    owner: Owner,
    now: Now,
) -> Option<(Dialog, ServerId)> {
    let tag = context.new_tag();
    let Ok(dialog) = Dialog::uas(message, &tag) else {
        context.counts.invalid += 1;
        context.reply(message, flow, 400);
        return None;
    };
    let server = context.accept(message, flow, owner, now)?;
    Some((dialog, server))
}
