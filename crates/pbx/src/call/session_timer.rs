//! Session timers (RFC 4028): a leg whose phone has vanished does not stay for ever. Each leg has its own.
//!
//! Whoever is to refresh sends an UPDATE or re-INVITE after half of the interval. A phone that knows nothing of
//! timers is refreshed by us all the same: its answer proves that it lives.

use super::leg::Exchange;
use super::record::q850;
use super::session::{LONGEST_S, Session, glare_wait_ms, keep, too_brief};
use super::target::State;
use super::{Call, Phase};
use crate::context::{Context, Owner, TimerKind};
use crate::edge::ALLOW;
use model::{Cause, EndedBy, Leg as SideOf, Now};
use sip::transaction::ServerId;
use sip::{Message, Method, Name};
use std::sync::Arc;
use std::time::Duration;

/// INVITEs that one phone gets for the sake of its interval.
const INVITES: u32 = 3;
/// A refresh that has to wait for another exchange, or failed for now, is tried again after this, milliseconds.
const AGAIN_MS: u64 = 2_000;

impl Call {
    /// A called phone wants a longer session interval: it is called again with that (§7.3).
    pub(super) fn target_wants_longer(
        &mut self,
        context: &mut Context,
        index: usize,
        message: &Message<'_>,
        now: Now,
    ) {
        let interval_s = self.config.policy().session_expires_s;
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let least = message.min_se().unwrap_or(0);
        let possible = interval_s > 0
            && (target.min_se_s.saturating_add(1)..=LONGEST_S).contains(&least)
            && target.cseq < INVITES;
        if !possible || target.state != State::Calling || self.phase != Phase::Ringing {
            return match self.carrier_failed(context, index, 422, true, now) {
                true => {}
                false => self.target_failed(context, index, 422, now),
            };
        }
        target.min_se_s = least;
        target.renew(context);
        self.send_invite(context, index, now);
        self.conclude(context, now);
    }

    /// Starts the session timer of a leg anew.
    pub(super) fn watch_session(&mut self, context: &mut Context, side: SideOf, now: Now) {
        self.cancel_timer(context, TimerKind::Session(side));
        let Some(session) = self.leg_mut(side).and_then(|leg| leg.session.as_mut()) else {
            return;
        };
        session.end = now.mono + Duration::from_secs(u64::from(session.interval_s));
        let wait = session.wait();
        self.set_timer(context, TimerKind::Session(side), millis(wait), now);
    }

    /// Goes on with the session timer of a leg that comes from another call. Its phone has not been refreshed by that.
    pub(super) fn resume_session(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let Some(session) = self.leg(side).and_then(|leg| leg.session) else {
            return;
        };
        let interval = Duration::from_secs(u64::from(session.interval_s));
        let begun = session.end.saturating_sub(interval);
        let wait = (begun + session.wait()).saturating_sub(now.mono);
        self.set_timer(context, TimerKind::Session(side), millis(wait), now);
    }

    /// A 2xx of a leg to a request of ours that refreshed its session.
    pub(super) fn session_agreed(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        if let Some(leg) = self.leg_mut(side) {
            leg.session = Session::agreed(config.policy(), message);
            leg.can = leg.can.or(message);
        }
        self.watch_session(context, side, now);
    }

    /// Refuses a re-INVITE or UPDATE whose session interval is too short; false when it is not.
    pub(super) fn refuse_brief(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        let least = too_brief(self.config.policy(), message);
        if let Some(least) = least {
            let flow = self.flow_of(side).unwrap_or(self.caller.flow);
            let writer = context.response(message, flow, 422, None);
            let bytes = writer.header(Name::MinSe, &least.to_string()).finish();
            context.tx.respond(server, 422, bytes, now.mono);
        }
        least.is_some()
    }

    /// It is time to refresh, or too late for the phone to do so.
    pub(super) fn session_due(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let Some(leg) = self.leg(side) else { return };
        let Some(session) = leg.session else { return };
        if !session.we_refresh || now.mono >= session.end {
            return self.session_lost(context, now);
        }
        let free =
            matches!(leg.exchange, Exchange::Idle) && leg.unacknowledged.is_none() && leg.owed.is_none();
        if leg.away || !(free || leg.can.update) || !self.refresh(context, side, now) {
            self.refresh_again(context, side, AGAIN_MS, now);
        }
    }

    /// Nobody has refreshed the session (§10).
    fn session_lost(&mut self, context: &mut Context, now: Now) {
        context.counts.sessions_lost += 1;
        if self.restored.is_some() {
            return self.lost_in_restart(context, now);
        }
        if self.phase != Phase::Answered {
            // A party that waits for its transfer.
            let cause = Cause {
                sip: 480,
                q850: q850::TIMER_EXPIRY,
            };
            return self.refuse(context, cause, EndedBy::System, now);
        }
        self.hang_up(
            context,
            q850::TIMER_EXPIRY,
            EndedBy::System,
            "session expired",
            now,
        );
    }

    fn refresh_again(&mut self, context: &mut Context, side: SideOf, after_ms: u64, now: Now) {
        self.set_timer(context, TimerKind::Session(side), after_ms, now);
    }

    /// Sends a refresh: an UPDATE where the phone knows it, else a re-INVITE that offers what was said last. False
    /// when it can't be sent now.
    pub(super) fn refresh(&mut self, context: &mut Context, side: SideOf, now: Now) -> bool {
        let call = self.id;
        let Some(leg) = self.leg_mut(side) else {
            return false;
        };
        let (method, text) = if leg.can.update {
            (Method::Update, String::new())
        } else {
            let Some(text) = leg.side.again() else {
                return false;
            };
            (Method::Invite, text)
        };
        let (branch, writer) = leg.request(context, method);
        let writer = writer
            .header(Name::Contact, &context.contact(&leg.flow))
            .header(Name::Allow, ALLOW);
        let bytes = keep(writer, leg.session.as_ref()).body(sdp::CONTENT_TYPE, text.as_bytes());
        let (flow, cseq) = (leg.flow, leg.dialog.local_cseq);
        let invite = method == Method::Invite;
        let owner = Owner::Refresh { call, side, invite };
        let sent = context.request(method, &branch, bytes, flow, owner, now);
        let Ok(client) = sent else { return false };
        let mut end = now.mono;
        if let Some(session) = &mut leg.session {
            session.updating = (!invite).then_some(client);
            session.asked_on = Some(flow);
            end = session.end;
        }
        if invite {
            leg.offerless = None;
            leg.exchange = Exchange::Ours {
                client,
                cseq,
                restores: true,
            };
        }
        // A phone that only says 100 to a re-INVITE would keep us waiting for ever.
        let left = millis(end.saturating_sub(now.mono));
        self.set_timer(context, TimerKind::Session(side), left, now);
        true
    }

    /// The phone's answer to a refresh of ours, or 408/503 without a message.
    pub(super) fn refreshed(
        &mut self,
        context: &mut Context,
        (side, invite): (SideOf, bool),
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        if code < 200 {
            return;
        }
        let probed = self.take_probe(side);
        let Some(leg) = self.leg_mut(side) else { return };
        let updating = leg.session.as_mut().map(|session| &mut session.updating);
        let first = match updating {
            _ if invite => matches!(leg.exchange, Exchange::Ours { .. }),
            Some(updating) => updating.take().is_some(),
            None => probed,
        };
        if invite && first {
            leg.exchange = Exchange::Idle;
        }
        match message {
            Some(_) if code != 481 => self.shows_life(context, side, now),
            _ if first && self.has_dialogs() && self.probe_failed(context, side, code, now) => return,
            _ => {}
        }
        match message.filter(|_| code < 300) {
            Some(message) => self.refresh_accepted(context, side, message, first, now),
            None if first && self.has_dialogs() => {
                self.refresh_refused(context, side, code, message, now);
            }
            None => {}
        }
    }

    fn refresh_accepted(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        first: bool,
        now: Now,
    ) {
        if message.method() == Some(Method::Invite) {
            self.acknowledge_again(context, side, message);
        }
        if !first || !self.has_dialogs() {
            return;
        }
        let config = Arc::clone(&self.config);
        let Some(leg) = self.leg_mut(side) else { return };
        leg.challenged = false;
        leg.dialog.refresh_target(message);
        if let Some(description) = leg.read_answer(&config, message.body()) {
            leg.remote = Some(description);
            if self.phase == Phase::Answered {
                self.media_follows(context, &config.policy().codecs);
            }
        }
        context.counts.refreshes += 1;
        self.session_agreed(context, side, message, now);
    }

    /// A refusal proves that the phone lives, unless it says that it knows nothing of the call.
    fn refresh_refused(
        &mut self,
        context: &mut Context,
        side: SideOf,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let ours = self.leg(side).is_some_and(|leg| leg.invited);
        let least = message.and_then(Message::min_se).unwrap_or(0);
        let Some(leg) = self.leg_mut(side) else { return };
        let elsewhere = leg.was_asked_elsewhere();
        let proves = !std::mem::take(&mut leg.challenged);
        let trunk = leg
            .peer
            .trunk()
            .and_then(|id| config.trunk(id))
            .filter(|_| proves);
        let asked = message.zip(trunk);
        if asked.is_some_and(|(message, trunk)| context.carriers.take_up(trunk, code, message)) {
            leg.challenged = true;
            if !self.refresh(context, side, now) {
                self.refresh_again(context, side, AGAIN_MS, now);
            }
            return;
        }
        let Some(session) = &mut leg.session else { return };
        match code {
            // It was asked where it is not.
            408 if leg.away || elsewhere => return self.refresh_again(context, side, AGAIN_MS, now),
            408 | 481 => return self.session_lost(context, now),
            422 if !session.lengthened
                && (session.interval_s.saturating_add(1)..=LONGEST_S).contains(&least) =>
            {
                // A phone that asks for a second more each time would have us send without a pause.
                session.lengthened = true;
                session.interval_s = least;
            }
            405 | 501 if leg.can.update => leg.can.update = false,
            491 => {
                let wait = glare_wait_ms(context, ours);
                return self.refresh_again(context, side, wait, now);
            }
            500 | 503 => return self.refresh_again(context, side, AGAIN_MS, now),
            _ => return self.watch_session(context, side, now),
        }
        if !self.refresh(context, side, now) {
            self.refresh_again(context, side, AGAIN_MS, now);
        }
    }
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
