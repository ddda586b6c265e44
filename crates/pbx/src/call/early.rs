//! Early dialogs with called phones, and requests of a phone before it answers (RFC 3261 §12.1, RFC 3311 §5.2): UPDATE in an early dialog that a
//! reliable provisional response made. The caller is not asked: the phone gets its answer from what the caller offered.

use super::leg::via;
use super::{Call, Phase};
use crate::context::{Context, Owner};
use crate::edge::ALLOW;
use model::{FlowToken, Leg as SideOf, Now, UserId};
use sdp::Description;
use sip::dialog::Dialog;
use sip::{Message, Method, Name};
use std::sync::Arc;

/// An early dialog with a phone that is being called.
pub(crate) struct Early {
    pub(super) dialog: Dialog,
    /// RSeq of the last reliable response; zero before the first.
    pub(super) rseq: u32,
    /// What it said about media.
    pub(super) description: Option<Description>,
}

impl Early {
    /// Acknowledges the last reliable response.
    pub(super) fn prack(&mut self, context: &mut Context, flow: FlowToken, cseq: u32, now: Now) {
        let branch = context.new_branch();
        let writer = self.dialog.request(Method::Prack, via(&flow, &branch));
        let bytes = writer
            .fmt(Name::RAck, format_args!("{} {cseq} INVITE", self.rseq))
            .header(Name::UserAgent, &context.server_name)
            .finish();
        let sent = context.request(Method::Prack, &branch, bytes.clone(), flow, Owner::None, now);
        if sent.is_err() {
            context.transmit(flow, bytes);
        }
    }
}

impl Call {
    /// The target, and the early dialog with it, that a request belongs to.
    fn early_of(&self, message: &Message<'_>) -> Option<(usize, usize)> {
        let (local, remote) = (message.to_tag()?, message.from_tag()?);
        let call_id = message.call_id().ok()?;
        let (index, target) = self.targets.iter().enumerate().find(|(_, t)| t.tag == local)?;
        let dialog = target
            .early
            .iter()
            .position(|early| early.dialog.matches(call_id, local, remote))?;
        Some((index, dialog))
    }

    pub(super) fn early_flow(&self, message: &Message<'_>) -> Option<FlowToken> {
        let (index, _) = self.early_of(message)?;
        self.targets.get(index).map(|target| target.flow)
    }

    /// Whose phone sent a request in an early dialog.
    pub(super) fn early_user(&self, message: &Message<'_>) -> Option<UserId> {
        let (index, _) = self.early_of(message)?;
        self.targets.get(index).and_then(|target| target.peer.user())
    }

    /// A request of a phone that has not answered.
    pub(super) fn handle_early_request(
        &mut self,
        context: &mut Context,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let Some(server) = context.accept(message, flow, Owner::None, now) else {
            return;
        };
        let (code, text) = self.early_reply(context, message, flow);
        let mut writer = context.response(message, flow, code, None);
        writer = match code {
            200 => writer.header(Name::Contact, &context.contact(&flow)),
            405 => writer.header(Name::Allow, ALLOW),
            500 => {
                let seconds = context.random() % 11;
                writer.fmt(Name::RetryAfter, format_args!("{seconds}"))
            }
            _ => writer,
        };
        let bytes = writer.body(sdp::CONTENT_TYPE, text.as_bytes());
        context.tx.respond(server, code, bytes, now.mono);
    }

    /// Status and description of the answer.
    fn early_reply(
        &mut self,
        context: &mut Context,
        message: &Message<'_>,
        flow: FlowToken,
    ) -> (u16, String) {
        let none = String::new;
        let found = self.early_of(message).filter(|_| self.phase == Phase::Ringing);
        let Some((index, at)) = found else {
            return (481, none());
        };
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let anchor = self.bridge.anchor(SideOf::Callee);
        let heard = self.early.as_ref().is_some_and(|(early, tag)| {
            *early == index && message.from().is_ok_and(|from| from.tag() == Some(tag))
        });
        let Some(target) = self.targets.get_mut(index).filter(|target| target.is_ringing()) else {
            return (481, none());
        };
        let Some(early) = target.early.get_mut(at) else {
            return (481, none());
        };
        target.flow = context.home(target.peer.user(), &early.dialog.remote_target, flow);
        if early.dialog.receive(message).is_err() {
            return (500, none());
        }
        match message.method() {
            Some(Method::Options) => return (200, none()),
            Some(Method::Update) => early.dialog.refresh_target(message),
            Some(Method::Bye) => return (481, none()),
            _ => return (405, none()),
        }
        if message.body().is_empty() {
            return (200, none());
        }
        // Its answer to the offer in the INVITE comes first.
        if early.description.is_none() {
            return (500, none());
        }
        let offer = target.read_offer(&config, message.body());
        let own = target.side.as_deref_mut().or(self.callee_side.as_mut());
        let sides = offer.as_ref().zip(self.offer.as_ref()).zip(own);
        let answer =
            sides.and_then(|((offer, caller), side)| sdp::answer(offer, caller, side, anchor, allowed).ok());
        let (Some(offer), Some(answer)) = (offer, answer) else {
            context.counts.media_refused += 1;
            return (488, none());
        };
        if let Some(early) = target.early.get_mut(at) {
            early.description = Some(offer.clone());
        }
        if heard {
            self.target_expects(context, index, &offer);
        }
        (200, answer)
    }
}
