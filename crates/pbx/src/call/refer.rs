//! REFER inside a dialog, and the NOTIFYs that tell its sender how the transfer goes (RFC 3515, 4488, 5589).
//!
//! Owns: what a REFER may ask for, and the implicit subscription of the leg that sent it: one at a time, inside the
//! dialog, gone with it. Does not own: the call that is made (`transfer`), and how legs come together (`join`).
//!
//! A REFER is answered 202 once it can be read and may be tried; what becomes of it is told by NOTIFY. So a transfer to
//! a number that leads nowhere is a 202 and a NOTIFY with 404, and never a 481, which would end the phone's dialog.

use super::leg::Exchange;
use super::nouns::{Act, DialogName, Referral, Wish};
use super::{Call, Phase};
use crate::context::{Context, Owner};
use crate::dialled::Dialled;
use model::{Leg as SideOf, Now};
use sip::transaction::ServerId;
use sip::{Message, Method, Name, NameAddr, Scheme};

/// The body of a NOTIFY (RFC 3515 §2.4.5).
const FRAGMENT: &str = "message/sipfrag;version=2.0";
/// What a subscription lasts beyond the longest ringing, seconds. It ends with the final NOTIFY anyhow.
const SPARE_S: u32 = 60;

impl Call {
    /// A REFER from a leg.
    pub(super) fn handle_refer(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        let wish = match self.refer_refusal(context, side) {
            Some(code) => Err(code),
            None => wish(context, message).and_then(|wish| has_room(context, &wish).map(|()| wish)),
        };
        let wish = match wish {
            Ok(wish) => wish,
            Err(code) => {
                match code {
                    403 => context.counts.forbidden += 1,
                    503 => context.counts.over_limit += 1,
                    400 | 416 => context.counts.invalid += 1,
                    _ => {}
                }
                let writer = context.response(message, flow, code, None);
                let writer = match code {
                    503 => writer.header(Name::RetryAfter, "5"),
                    _ => writer,
                };
                return context.tx.respond(server, code, writer.finish(), now.mono);
            }
        };
        let silent = message.header(Name::ReferSub).is_some_and(|v| {
            v.split(';')
                .next()
                .unwrap_or("")
                .trim()
                .eq_ignore_ascii_case("false")
        });
        let mut writer = context
            .response(message, flow, 202, None)
            .header(Name::Contact, &context.contact(&flow));
        if silent {
            writer = writer.header(Name::ReferSub, "false");
        }
        context.tx.respond(server, 202, writer.finish(), now.mono);
        // The first REFER of a dialog needs no id, and old phones know none (RFC 3515 §2.4.6).
        let event = match (self.moves.referrals, message.cseq()) {
            (0, _) | (_, Err(_)) => "refer".to_owned(),
            (_, Ok(cseq)) => format!("refer;id={}", cseq.seq),
        };
        self.moves.referrals = self.moves.referrals.saturating_add(1);
        self.moves.referral = Some(Referral {
            by: side,
            call: None,
            number: wish.dialled.number.clone(),
            event,
            subscribed: !silent,
            told: 0,
        });
        self.refer_progress(context, 100, now);
        self.ask_of_others(
            context,
            Act::Refer {
                from: self.id,
                by: side,
                wish,
            },
        );
    }

    /// Why this leg can't transfer now.
    fn refer_refusal(&self, context: &Context, side: SideOf) -> Option<u16> {
        match self.phase {
            // There is nobody who could be transferred.
            _ if self.endpoint.is_some() => return Some(403),
            Phase::Answered => {}
            // A party that waits for its own transfer asks again when that is decided.
            Phase::Opening | Phase::Ringing if self.is_transfer() => return Some(491),
            Phase::Opening | Phase::Ringing => return Some(403),
            Phase::Ending | Phase::Ended => return Some(481),
        }
        let busy = |side: SideOf| {
            self.leg(side).is_none_or(|leg| {
                !matches!(leg.exchange, Exchange::Idle) || leg.unacknowledged.is_some() || leg.owed.is_some()
            })
        };
        if self.invite.is_some() || self.is_moving() || busy(side) || busy(side.other()) {
            return Some(491);
        }
        let config = &context.config;
        let user = self.leg(side).and_then(|leg| config.user(leg.user()?));
        (!user.is_some_and(|user| user.enabled)).then_some(403)
    }

    /// The transferrer hears of progress: each thing once.
    pub(crate) fn refer_progress(&mut self, context: &mut Context, code: u16, now: Now) {
        if let Some(referral) = &mut self.moves.referral
            && referral.told < code
        {
            referral.told = code;
            self.notify(context, code, false, now);
        }
    }

    /// The transferrer hears the end of it. The subscription is gone with that.
    pub(crate) fn refer_end(&mut self, context: &mut Context, code: u16, now: Now) {
        if self.moves.referral.is_some() {
            self.notify(context, code, true, now);
            context.counts.transfers_failed += u64::from(code >= 300);
            self.moves.referral = None;
        }
    }

    fn notify(&mut self, context: &mut Context, code: u16, last: bool, now: Now) {
        let Some(referral) = self.moves.referral.as_ref().filter(|r| r.subscribed) else {
            return;
        };
        let (by, event) = (referral.by, referral.event.clone());
        let policy = self.config.policy();
        let state = if last {
            "terminated;reason=noresource".to_owned()
        } else {
            let expires = policy.ring_timeout_s.saturating_add(SPARE_S);
            format!("active;expires={expires}")
        };
        let body = format!("SIP/2.0 {code} {}\r\n", sip::reason_phrase(code));
        let Some(leg) = self.leg_mut(by) else { return };
        let (branch, writer) = leg.request(context, Method::Notify);
        let bytes = writer
            .header(Name::Contact, &context.contact(&leg.flow))
            .header(Name::Event, &event)
            .header(Name::SubscriptionState, &state)
            .body(FRAGMENT, body.as_bytes());
        let flow = leg.flow;
        // What becomes of it changes nothing: at the limit of transactions the phone learns less.
        let _ = context.request(Method::Notify, &branch, bytes, flow, Owner::None, now);
    }
}

/// 503 where there may be no call more, but for help.
fn has_room(context: &Context, wish: &Wish) -> Result<(), u16> {
    let helps = context.numbering.emergency(&wish.dialled.number).is_some();
    let is_full = context.live >= context.config.policy().max_calls;
    if is_full && !helps { Err(503) } else { Ok(()) }
}

/// Reads a REFER; `Err` is the answer to one that asks for what can't be had. Of the headers inside Refer-To only
/// Replaces is looked at: our INVITE is made from what we know.
fn wish(context: &Context, message: &Message<'_>) -> Result<Wish, u16> {
    let mut values = message.headers(Name::ReferTo);
    let (Some(value), None) = (values.next(), values.next()) else {
        return Err(400);
    };
    let address = NameAddr::parse(Name::ReferTo, value).map_err(|_| 400_u16)?;
    let uri = address.uri().map_err(|_| 400_u16)?;
    let dialled = Dialled::read(context, &uri);
    let is_known = matches!(uri.scheme, Scheme::Sip | Scheme::Sips | Scheme::Tel);
    if !is_known && dialled.number.is_empty() {
        return Err(416);
    }
    let method = uri.param("method").flatten().unwrap_or("INVITE");
    if !method.eq_ignore_ascii_case("INVITE") {
        return Err(403);
    }
    let replaces = match uri.header("Replaces") {
        Some(value) => Some(DialogName::parse(&value).ok_or(400_u16)?),
        None => None,
    };
    if is_known && uri.user.is_none() && replaces.is_none() {
        return Err(400);
    }
    Ok(Wish { dialled, replaces })
}
