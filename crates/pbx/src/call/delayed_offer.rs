//! An INVITE without an offer: the offer comes in the 2xx and the answer in the ACK (RFC 3261 §13.2.1, §14.1).
//!
//! What the caller leaves open we leave open, too: the callee's offer goes back in the 2xx to the caller, whose ACK
//! brings the answer, which goes in ours. Until then the callee's 2xx waits, for a limited time. Reliable provisional
//! responses, which would bring the offer earlier, are not asked for then.

use super::leg::{Exchange, Leg, Owed};
use super::record::q850;
use super::{Call, Phase, codecs, emergency, keys, web};
use crate::context::{Context, TimerKind};
use crate::dialled::Dialled;
use crate::peer::Peer;
use model::{CallId, EndedBy, FlowToken, Leg as SideOf, Now};
use sdp::{Description, Side};
use sip::{Message, Method, Name};
use std::sync::Arc;

/// How long the answer may take, milliseconds: the phone that offered gives up 64·T1 after its 2xx (RFC 3261
/// §13.3.1.4), and should hear from us before.
const ANSWER_MS: u64 = 30_000;

const UNUSABLE: &str = "SIP;cause=488;text=\"Not Acceptable Here\"";

/// The INVITE has been refused for what it offers.
pub(super) struct Refused;

/// The offer of an INVITE; `None` when it leaves that to the callee.
pub(super) fn read_offer(
    context: &mut Context,
    (call, from): (Option<CallId>, Peer),
    message: &Message<'_>,
    flow: FlowToken,
) -> Result<Option<Description>, Refused> {
    let config = Arc::clone(&context.config);
    let srtp = keys::policy_of(&config, from);
    let srtp = call.map_or(srtp, |call| emergency::protection(context, call, srtp));
    let admit = keys::admit(srtp, &flow);
    // Help is called with whatever the phone speaks.
    let is_dialled = || context.numbering.is_help(&Dialled::by(context, message).number);
    let helps = || call.is_some_and(|call| context.helping.contains(&call) || is_dialled());
    let body = described(message);
    if body.is_empty() && (admit.keys || admit.plain) {
        return Ok(None);
    }
    let said = Description::parse_with(body, admit);
    let (code, why) = match said.map(|said| codecs::heard(&config, from, said)) {
        // What the caller could be offered later it may not have.
        _ if body.is_empty() => (488, "audio has to be protected by SRTP".to_owned()),
        Ok(description) => match sdp::acceptable(&description, &config.policy().codecs) {
            Err(_) if helps() && sdp::acceptable(&description, &[]).is_ok() => return Ok(Some(description)),
            Ok(()) => return Ok(Some(description)),
            Err(refusal) => (488, refusal.reason().to_owned()),
        },
        Err(error) => (400, error.to_string().replace('"', "'")),
    };
    context.counts.media_refused += 1;
    let warning = format!("399 carillon \"{why}\"");
    context.reply_with(message, flow, code, |writer| {
        writer.header(Name::Warning, &warning)
    });
    Err(Refused)
}

/// The description in an INVITE. One of several parts has it among them, such as that of a phone which says where it is; the others are
/// not looked at, and not passed on.
pub(super) fn described<'a>(message: &Message<'a>) -> &'a [u8] {
    let kind = message.header(Name::ContentType).unwrap_or("");
    match kind
        .get(..10)
        .is_some_and(|head| head.eq_ignore_ascii_case("multipart/"))
    {
        true => sip::multipart::part(kind, message.body(), sdp::CONTENT_TYPE).unwrap_or_default(),
        false => message.body(),
    }
}

impl Leg {
    /// Acknowledges a 2xx whose offer comes to nothing.
    pub(super) fn acknowledge_in_vain(
        &mut self,
        context: &mut Context,
        cseq: u32,
        offer: Option<&Description>,
    ) {
        let answer = offer.map(|offer| sdp::refuse(offer, &mut self.side));
        self.acknowledge_with(context, cseq, &answer.unwrap_or_default());
    }

    /// No answer will come any more for the offer in the phone's 2xx.
    pub(super) fn decline_offer(&mut self, context: &mut Context) {
        if let Some(owed) = self.owed.take() {
            self.acknowledge_in_vain(context, owed.cseq, Some(&owed.offer));
        }
    }
}

impl Call {
    /// A target answered the INVITE that had no offer, with one of its own. Only the first one's counts.
    pub(super) fn target_offered(
        &mut self,
        context: &mut Context,
        index: usize,
        mut leg: Leg,
        message: &Message<'_>,
        now: Now,
    ) {
        let cseq = message.cseq().map_or(1, |cseq| cseq.seq);
        let config = Arc::clone(&self.config);
        let admit = keys::admit(keys::policy_of(&config, leg.peer), &leg.flow);
        let relayed = self.bridge.session().is_some();
        let admit = sdp::Admit {
            keys: admit.keys && relayed,
            dtls: admit.dtls
                && relayed
                && web::is_browser(context, keys::policy_of(&config, leg.peer), &leg.flow),
            ..admit
        };
        let offer = Description::parse_with(message.body(), admit).ok();
        let offer = offer.map(|offer| codecs::heard(&config, leg.peer, offer));
        let wanted = self.phase == Phase::Ringing && self.targets.get(index).is_some_and(|t| t.is_ringing());
        if !wanted {
            leg.acknowledge_in_vain(context, cseq, offer.as_ref());
            return self.dismiss(context, index, &mut leg, now);
        }
        let allowed = &config.policy().codecs;
        let anchor = self.bridge.anchor(SideOf::Caller);
        let text = offer
            .as_ref()
            .and_then(|offer| sdp::offer(offer, &mut self.caller.side, anchor, allowed).ok());
        let (Some(offer), Some(text)) = (offer.as_ref(), text) else {
            leg.acknowledge_in_vain(context, cseq, offer.as_ref());
            leg.bye(context, UNUSABLE, now);
            if !self.carrier_failed(context, index, 488, true, now) {
                self.target_failed(context, index, 488, now);
            }
            return;
        };
        if (admit.keys || admit.dtls)
            && let Some(target) = self.targets.get_mut(index)
        {
            let mut side = Side::new(context.random() >> 1);
            codecs::restrict(&config, leg.peer, &mut side);
            keys::equip(
                context,
                keys::policy_of(&config, leg.peer),
                &mut side,
                &leg.flow,
                false,
            );
            web::welcome_if_offered(context, &mut side, Some(offer));
            target.side = Some(Box::new(side));
        }
        let own = self.targets.get(index).and_then(|target| target.side.as_deref());
        self.bridge
            .remote(context, SideOf::Callee, (offer, own), allowed, &leg.flow);
        leg.remote = Some(offer.clone());
        leg.offerless = Some(cseq);
        leg.owed = Some(Box::new(Owed {
            cseq,
            offer: offer.clone(),
        }));
        self.connect(context, index, leg, &text, now);
        self.set_timer(context, TimerKind::LateAnswer, ANSWER_MS, now);
    }

    /// Asks the other leg for the offer that the re-INVITE of `side` lacks; `Err` is the code for the one who asked.
    pub(super) fn ask_for_offer(&mut self, context: &mut Context, side: SideOf, now: Now) -> Result<(), u16> {
        self.propose(context, side.other(), Method::Invite, "", now)
    }

    /// A 2xx of `side` to a re-INVITE without an offer brings one.
    pub(super) fn offered_again(
        &mut self,
        context: &mut Context,
        side: SideOf,
        cseq: u32,
        message: &Message<'_>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let asker = side.other();
        let anchor = self.bridge.anchor(asker);
        let offer = self.read_offer(context, side, message.body());
        let Some(leg) = self.leg_mut(asker) else { return };
        let waiting = std::mem::replace(&mut leg.exchange, Exchange::Idle);
        let Exchange::Theirs { server, request, .. } = waiting else {
            leg.exchange = waiting;
            return self.answer_as_before(context, side, cseq, message, now);
        };
        let Ok(request) = Message::parse(&request) else {
            return;
        };
        let text = offer
            .as_ref()
            .and_then(|offer| sdp::offer(offer, &mut leg.side, anchor, allowed).ok());
        let (Some(offer), Some(text)) = (offer, text) else {
            let bytes = context.response(&request, leg.flow, 488, None).finish();
            context.tx.respond(server, 488, bytes, now.mono);
            return self.answer_as_before(context, side, cseq, message, now);
        };
        self.agree(context, asker, server, &request, &text, now);
        if let Some(leg) = self.leg_mut(side) {
            leg.owed = Some(Box::new(Owed { cseq, offer }));
        }
        self.set_timer(context, TimerKind::LateAnswer, ANSWER_MS, now);
    }

    /// The ACK of `side` came. When the other leg waits for an answer, it is in there, or the call can't go on.
    pub(super) fn answered_in_ack(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        now: Now,
    ) {
        if self.endpoint.is_some() {
            return self.serve_acknowledged(context, message, now);
        }
        let other = side.other();
        let anchor = self.bridge.anchor(other);
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        if self.leg(other).is_none_or(|leg| leg.owed.is_none()) {
            return;
        }
        let answer = self.read_answer(side, message.body());
        let Some(leg) = self.leg_mut(other) else { return };
        let Some(owed) = &leg.owed else { return };
        let cseq = owed.cseq;
        let text = answer
            .as_ref()
            .and_then(|answer| sdp::answer(&owed.offer, answer, &mut leg.side, anchor, allowed).ok());
        let Some(text) = text else {
            context.counts.media_refused += 1;
            let by = if side == SideOf::Caller {
                EndedBy::Caller
            } else {
                EndedBy::Callee
            };
            return self.hang_up(context, q850::INCOMPATIBLE, by, "no answer in the ACK", now);
        };
        leg.remote = leg.owed.take().map(|owed| owed.offer);
        leg.acknowledge_with(context, cseq, &text);
        self.cancel_timer(context, TimerKind::LateAnswer);
        if let Some(leg) = self.leg_mut(side) {
            leg.remote = answer;
        }
        self.media_follows(context, allowed);
    }

    /// The ACK with the answer has not come in time.
    pub(super) fn answer_too_late(&mut self, context: &mut Context, now: Now) {
        context.counts.ack_lost += 1;
        self.hang_up(
            context,
            q850::TIMER_EXPIRY,
            EndedBy::System,
            "no answer in time",
            now,
        );
    }

    /// `side` offers, and nobody asks for it any more: what the other leg said last is the answer.
    fn answer_as_before(
        &mut self,
        context: &mut Context,
        side: SideOf,
        cseq: u32,
        message: &Message<'_>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let before = self.leg(side.other()).and_then(|leg| leg.remote.clone());
        let anchor = self.bridge.anchor(side);
        let offer = self.read_offer(context, side, message.body());
        let Some(leg) = self.leg_mut(side) else { return };
        let text = offer
            .as_ref()
            .zip(before.as_ref())
            .and_then(|(offer, before)| sdp::answer(offer, before, &mut leg.side, anchor, allowed).ok());
        match text {
            Some(text) => {
                leg.acknowledge_with(context, cseq, &text);
                leg.remote = offer;
                self.media_follows(context, allowed);
            }
            None => {
                leg.acknowledge_in_vain(context, cseq, offer.as_ref());
                self.restore(context, side, now);
            }
        }
    }

    /// A copy of a 2xx to a re-INVITE, or one to a re-INVITE that was called off.
    pub(super) fn acknowledge_again(&mut self, context: &mut Context, side: SideOf, message: &Message<'_>) {
        let Some(leg) = self.leg_mut(side) else { return };
        let Ok(cseq) = message.cseq() else { return };
        let known = leg.ack.as_ref().is_some_and(|(known, _)| *known == cseq.seq);
        if leg.offerless == Some(cseq.seq) && leg.owed.is_none() && !known {
            let offer = Description::parse(message.body()).ok();
            return leg.acknowledge_in_vain(context, cseq.seq, offer.as_ref());
        }
        leg.acknowledge(context, cseq.seq);
    }
}
