//! Reliable provisional responses (RFC 3262): ours to the caller, and those of the phones that we call. Each leg has
//! them or not, whatever the other does.
//!
//! Towards the caller one is on its way at a time; what comes meanwhile waits. Our answer to its offer, once it is
//! acknowledged so, is not repeated in the 2xx; when another phone than the one with early media takes the call, the
//! caller is told of that by re-INVITE.

use super::early::Early;
use super::record::q850;
use super::target::Target;
use super::{Call, Phase};
use crate::context::{Context, LegRef, TimerKind};
use bytes::Bytes;
use model::{Cause, EndedBy, Leg as SideOf, Now};
use sdp::Description;
use sip::dialog::Dialog;
use sip::header::{RAck, rseq};
use sip::transaction::{ServerId, T1, T1_X64};
use sip::{Message, Method, Name};
use std::sync::Arc;
use std::time::Duration;

/// Early dialogs behind one target; a proxy that forks more widely is not followed.
const MOST_EARLY: usize = 8;

/// Reliable provisional responses to the caller.
#[derive(Default)]
pub(crate) struct Reliable {
    supported: bool,
    required: bool,
    /// The last number used; zero before the first.
    rseq: u32,
    sent: Option<Sent>,
    /// What is to be told next.
    next: Option<(u16, Option<String>)>,
    /// Our answer to the caller's offer has been acknowledged.
    answered: bool,
    /// The 2xx that waits for the acknowledgement of our answer (§3).
    held: Option<String>,
    /// The one who took the call says something else than the caller was told.
    news: bool,
    /// The caller has offered something else since the callee was told.
    moved: bool,
}

/// A response that is repeated until its PRACK comes.
struct Sent {
    code: u16,
    bytes: Bytes,
    interval: Duration,
    end: Duration,
    /// Our answer, if it carries that.
    described: Option<String>,
}

impl Reliable {
    /// What the caller's INVITE asks for.
    pub(super) fn of(invite: &Message<'_>) -> Reliable {
        let required = invite.has_option(Name::Require, "100rel");
        Reliable {
            supported: required || invite.has_option(Name::Supported, "100rel"),
            required,
            rseq: 0,
            sent: None,
            next: None,
            answered: false,
            held: None,
            news: false,
            moved: false,
        }
    }

    /// True when the caller gets its provisional responses reliably. One without an offer would have to be told ours
    /// in the first of them, so it gets none.
    pub(super) fn is_wanted(&self, offered: bool) -> bool {
        self.supported && offered
    }

    /// True when the caller takes no others.
    pub(super) fn is_required(&self) -> bool {
        self.required
    }

    /// True once our answer to the caller's offer has arrived.
    pub(super) fn has_answered(&self) -> bool {
        self.answered
    }

    /// Keeps the description of a 2xx back while one of ours is not acknowledged.
    pub(super) fn holds_back(&mut self, text: &str) -> bool {
        let waits = self.sent.as_ref().is_some_and(|sent| sent.described.is_some());
        if waits {
            self.held = Some(text.to_owned());
        }
        self.next = None;
        waits
    }

    /// Who has to be told, once the call is up, what changed before: caller, callee.
    pub(super) fn take_news(&mut self) -> (bool, bool) {
        (std::mem::take(&mut self.news), std::mem::take(&mut self.moved))
    }
}

impl Target {
    /// The dialog of a 2xx, with the sequence numbers of the early dialog that it confirms.
    pub(super) fn continued(&self, mut dialog: Dialog) -> Dialog {
        let early = self
            .early
            .iter()
            .find(|e| e.dialog.remote_tag == dialog.remote_tag);
        if let Some(early) = early {
            dialog.local_cseq = dialog.local_cseq.max(early.dialog.local_cseq);
            dialog.remote_cseq = early.dialog.remote_cseq;
        }
        dialog
    }

    /// What the phone said about media before this message.
    pub(super) fn early_description(&self, message: &Message<'_>) -> Option<Description> {
        let tag = message.to_tag()?;
        let early = self.early.iter().find(|e| e.dialog.remote_tag == tag)?;
        early.description.clone()
    }
}

impl Call {
    /// Takes note of a provisional response of a target and acknowledges it if it is reliable. False when it is a copy
    /// or comes out of order, so that it says nothing (§4).
    pub(super) fn acknowledge_provisional(
        &mut self,
        context: &mut Context,
        index: usize,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        let number = message.header(Name::RSeq).and_then(rseq);
        let reliable = number.filter(|_| message.has_option(Name::Require, "100rel"));
        if self.offer.is_none() || (reliable.is_none() && message.body().is_empty()) {
            return true;
        }
        let Some(target) = self.targets.get_mut(index) else {
            return false;
        };
        let tag = message.to_tag().unwrap_or("");
        let known = target.early.iter().position(|e| e.dialog.remote_tag == tag);
        if known.is_none() {
            let dialog = Dialog::uac(
                target.from(&self.identity.0),
                &target.tag,
                &target.call_id,
                target.cseq,
                message,
            );
            let (Ok(dialog), true) = (dialog, target.early.len() < MOST_EARLY) else {
                // Without a Contact nothing can be sent there, but what it says may be heard.
                return reliable.is_none();
            };
            target.early.push(Early {
                dialog,
                rseq: 0,
                description: None,
            });
        }
        let at = known.unwrap_or(target.early.len().saturating_sub(1));
        let Some(early) = target.early.get_mut(at) else {
            return false;
        };
        if let Some(number) = reliable {
            if early.rseq == 0 {
                // The phone may send requests in this dialog now.
                let callee = LegRef {
                    call: self.id,
                    side: SideOf::Callee,
                };
                context.legs.insert(target.tag.as_str().into(), callee);
            }
            if early.rseq != 0 && number != early.rseq.saturating_add(1) {
                return false;
            }
            early.rseq = number;
            early.prack(context, target.flow, target.cseq, now);
        }
        if let Some(description) = target.read_answer(&self.config, message.body())
            && let Some(early) = target.early.get_mut(at)
        {
            early.description = Some(description);
        }
        true
    }

    /// Tells the caller something reliably, now or after what is on its way.
    pub(super) fn tell_reliably(&mut self, context: &mut Context, code: u16, sdp: Option<&str>, now: Now) {
        if self.reliable.sent.is_some() {
            let waiting = self.reliable.next.take().and_then(|(_, sdp)| sdp);
            self.reliable.next = Some((code, sdp.map(str::to_owned).or(waiting)));
            return;
        }
        self.reliable.rseq = match self.reliable.rseq {
            // The first number is any of the lower half, so that the rest never wraps (§3).
            0 => u32::try_from(context.random() % (1 << 30))
                .unwrap_or(0)
                .saturating_add(1),
            last => last.saturating_add(1),
        };
        // An answer that has arrived is not given again.
        let sdp = sdp.filter(|_| !self.reliable.answered);
        let bytes = self.response_to_caller(context, code, sdp, Some(self.reliable.rseq));
        let (Some(bytes), Some(invite)) = (bytes, &self.invite) else {
            return;
        };
        context.tx.respond(invite.server, code, bytes.clone(), now.mono);
        self.reliable.sent = Some(Sent {
            code,
            bytes,
            interval: T1,
            end: now.mono + T1_X64,
            described: sdp.map(str::to_owned),
        });
        self.wait_for_prack(context, T1, now);
    }

    fn wait_for_prack(&mut self, context: &mut Context, wait: Duration, now: Now) {
        let ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.set_timer(context, TimerKind::Reliable, ms, now);
    }

    /// No PRACK yet: the response goes out again, for 64·T1 in all, and then the call is given up (§3).
    pub(super) fn repeat_provisional(&mut self, context: &mut Context, now: Now) {
        let (Some(sent), Some(invite)) = (&mut self.reliable.sent, &self.invite) else {
            return;
        };
        if now.mono < sent.end {
            context
                .tx
                .respond(invite.server, sent.code, sent.bytes.clone(), now.mono);
            sent.interval = sent.interval.saturating_mul(2);
            let wait = sent.interval.min(sent.end.saturating_sub(now.mono));
            return self.wait_for_prack(context, wait, now);
        }
        context.counts.ack_lost += 1;
        if self.phase == Phase::Answered {
            return self.hang_up(context, q850::TIMER_EXPIRY, EndedBy::System, "no PRACK", now);
        }
        let cause = Cause {
            sip: 504,
            q850: q850::TIMER_EXPIRY,
        };
        self.refuse(context, cause, EndedBy::System, now);
    }

    /// PRACK of the caller.
    pub(super) fn handle_prack(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        let rack = message.header(Name::RAck).and_then(RAck::parse);
        let expected = RAck {
            rseq: self.reliable.rseq,
            seq: self.reliable_cseq(),
            method: Method::Invite,
        };
        let known = side == SideOf::Caller && self.reliable.sent.is_some() && rack == Some(expected);
        let code = match rack {
            None => 400,
            Some(_) if !known => 481,
            Some(_) => 200,
        };
        if code != 200 {
            let bytes = context.response(message, flow, code, None).finish();
            return context.tx.respond(server, code, bytes, now.mono);
        }
        let told = self.reliable.sent.take().and_then(|sent| sent.described);
        self.reliable.answered |= told.is_some();
        self.cancel_timer(context, TimerKind::Reliable);
        self.answer_early_offer(context, server, message, now);
        if let Some(text) = self.reliable.held.take() {
            // The description has arrived; it need not be the last word of the one who took the call.
            self.reliable.news |= told != Some(text);
            self.answer_caller(context, "", now);
            return self.watch_session(context, SideOf::Caller, now);
        }
        if let Some((code, sdp)) = self.reliable.next.take()
            && self.phase == Phase::Ringing
        {
            self.tell_reliably(context, code, sdp.as_deref(), now);
        }
    }

    /// CSeq number of the caller's INVITE, answered or not.
    fn reliable_cseq(&self) -> u32 {
        match (&self.invite, self.caller.unacknowledged) {
            (Some(invite), _) => invite.cseq(),
            (None, Some((_, cseq))) => cseq,
            (None, None) => 0,
        }
    }

    /// Answers PRACK or UPDATE of the caller, and an offer in it, from what the early phone has said (§5, RFC 3311
    /// §5.2). The phone itself is not asked: it has a description of ours that serves for both.
    pub(super) fn answer_early_offer(
        &mut self,
        context: &mut Context,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let (flow, config) = (self.caller.flow, Arc::clone(&self.config));
        let allowed = &config.policy().codecs;
        let mut text = String::new();
        let mut code = 200;
        if !message.body().is_empty() {
            let anchor = self.bridge.anchor(SideOf::Caller);
            let offer = self.read_offer(context, SideOf::Caller, message.body());
            let answer = offer.as_ref().zip(self.early_remote.as_ref());
            let answer = answer.and_then(|(offer, early)| {
                sdp::answer(offer, early, &mut self.caller.side, anchor, allowed).ok()
            });
            match (offer, answer) {
                (Some(offer), Some(answer)) => {
                    let said = (&offer, Some(&self.caller.side));
                    self.bridge.remote(context, SideOf::Caller, said, allowed, &flow);
                    self.offer = Some(offer);
                    self.reliable.moved = true;
                    if self.phase == Phase::Answered {
                        self.caller.remote.clone_from(&self.offer);
                    }
                    text = answer;
                }
                _ => {
                    context.counts.media_refused += 1;
                    code = 488;
                }
            }
        }
        let writer = context.response(message, flow, code, None);
        let writer = writer.header(Name::Contact, &context.contact(&flow));
        let bytes = writer.body(sdp::CONTENT_TYPE, text.as_bytes());
        context.tx.respond(server, code, bytes, now.mono);
    }

    /// A phone took the call when the caller had our answer already. Nothing is said again, and when this phone needs
    /// other words they follow by re-INVITE.
    pub(super) fn answered_before(
        &mut self,
        context: &mut Context,
        index: usize,
        description: Description,
    ) -> Option<(String, Description)> {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let anchor = self.bridge.anchor(SideOf::Caller);
        let mut side = self.caller.side.clone();
        let text = sdp::answer(self.offer.as_ref()?, &description, &mut side, anchor, allowed).ok()?;
        self.reliable.news |= self.caller.side.again() != Some(text);
        self.target_expects(context, index, &description);
        Some((String::new(), description))
    }
}
