//! How calls end: CANCEL, BYE, refusal, dead media, shutdown; and the one record that each leaves.

use super::leg::Exchange;
use super::reason;
use super::record::{self, CANCELLED, HUNG_UP};
use super::{Call, Phase};
use crate::context::{Context, Owner, TimerKind};
use crate::effect::Effect;
use model::{Cause, EndedBy, Leg as SideOf, Now};
use sip::transaction::ServerId;
use sip::{Message, Name};

/// The media plane tells its counts within this, or the record goes without, milliseconds.
const MEDIA_CLOSE_MS: u64 = 200;

impl Call {
    /// CANCEL, or BYE before an answer: the caller gave up.
    pub(crate) fn cancelled_by_caller(&mut self, context: &mut Context, reason: &str, now: Now) {
        // What is cancelled late may be the INVITE of somebody who has transferred the call meanwhile.
        if matches!(self.phase, Phase::Opening | Phase::Ringing) && self.invite.is_some() {
            self.cancel_targets(context, reason, now);
            self.refuse(context, CANCELLED, EndedBy::Caller, now);
        } else if self.phase == Phase::Answered && self.invite.is_some() {
            self.hang_up_leg(context, SideOf::Caller, "", now);
            self.hang_up_leg(context, SideOf::Callee, reason, now);
            self.end(context, CANCELLED, EndedBy::Caller, now);
        }
    }

    /// The connection broke on which this request came, so no answer will reach its phone (RFC 3261 §17.2.4).
    pub(crate) fn unanswerable(&mut self, context: &mut Context, owner: Owner, server: ServerId, now: Now) {
        match owner {
            Owner::Caller(_) if self.invite.as_ref().is_some_and(|invite| invite.server == server) => {
                self.cancelled_by_caller(context, "", now);
            }
            Owner::Renegotiation(_, side) => self.reinvite_cancelled(context, side, server, now),
            _ => {}
        }
    }

    /// Tells the caller no and ends the call.
    pub(super) fn refuse(&mut self, context: &mut Context, cause: Cause, by: EndedBy, now: Now) {
        if self.is_transfer() {
            return self.refuse_guest(context, cause, by, now);
        }
        self.release_promises(context, cause.sip);
        let bytes = self.refusal(context, cause);
        if let (Some(invite), Some(bytes)) = (self.invite.take(), bytes) {
            context.tx.respond(invite.server, cause.sip, bytes, now.mono);
        }
        self.cancel_targets(context, "", now);
        self.end(context, cause, by, now);
    }

    pub(super) fn refusal(&self, context: &Context, cause: Cause) -> Option<bytes::Bytes> {
        self.refusal_with(context, cause, sip::reason_phrase(cause.sip), "")
    }

    /// In other words than usual, and for one more reason where it is not empty.
    pub(super) fn refusal_with(
        &self,
        context: &Context,
        cause: Cause,
        phrase: &str,
        reason: &str,
    ) -> Option<bytes::Bytes> {
        let request = Message::parse(&self.invite.as_ref()?.request).ok()?;
        let tag = self.caller.dialog.local_tag.as_str();
        let mut writer = context.response_in(&request, self.caller.flow, (cause.sip, phrase), Some(tag));
        writer = writer.header(Name::Reason, &format!("Q.850;cause={}", cause.q850));
        if !reason.is_empty() {
            writer = writer.header(Name::Reason, reason);
        }
        if cause.sip == 503 {
            writer = writer.header(Name::RetryAfter, "5");
        }
        Some(writer.finish())
    }

    /// BYE from a leg.
    pub(super) fn handle_bye(
        &mut self,
        context: &mut Context,
        side: SideOf,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) {
        let flow = self.flow_of(side).unwrap_or(self.caller.flow);
        let bytes = context.response(message, flow, 200, None).finish();
        // Who hears a page was called, though his leg stands in the caller's place.
        let by = if side == SideOf::Caller && !self.is_paged() {
            EndedBy::Caller
        } else {
            EndedBy::Callee
        };
        self.forget_ack(context, side);
        self.call_off_reinvite(context, side, now);
        self.stop_lingering(context);
        match self.phase {
            Phase::Answered if side == SideOf::Caller && self.invite.is_some() => {
                context.tx.respond(server, 200, bytes, now.mono);
                self.cancelled_by_caller(context, &reason::of(message), now);
            }
            Phase::Answered => {
                // The phone's BYE is answered when the record is safe: what it saw end has a record.
                self.byes.push((server, bytes));
                self.settle_asker(context, side, 487, now);
                if self.leave_behind(context, side, by, now) {
                    return;
                }
                self.forsake_transfers(context, now);
                self.hang_up_leg(context, side.other(), &reason::of(message), now);
                self.end(context, HUNG_UP, by, now);
            }
            // Both hung up at once.
            Phase::Ending => {
                self.byes.push((server, bytes));
                self.forget_ack(context, side);
            }
            Phase::Opening | Phase::Ringing if self.is_transfer() => {
                self.byes.push((server, bytes));
                self.guest_gave_up(context, side, now);
            }
            Phase::Opening | Phase::Ringing | Phase::Ended => {
                context.tx.respond(server, 200, bytes, now.mono);
                self.cancelled_by_caller(context, &reason::of(message), now);
                context.over.push(self.id);
            }
        }
    }

    /// Hangs up both legs.
    pub(super) fn hang_up(&mut self, context: &mut Context, q850: u8, by: EndedBy, why: &str, now: Now) {
        self.forsake_transfers(context, now);
        let reason = format!("Q.850;cause={q850};text=\"{why}\"");
        self.hang_up_leg(context, SideOf::Caller, &reason, now);
        self.hang_up_leg(context, SideOf::Callee, &reason, now);
        self.end(context, Cause { sip: 200, q850 }, by, now);
    }

    /// The media plane has lost the session, or does not answer for it any more: nothing can be heard.
    pub(super) fn media_lost(&mut self, context: &mut Context, now: Now) {
        let cause = record::q850::TEMPORARY_FAILURE;
        match self.phase {
            Phase::Opening | Phase::Ringing | Phase::Answered => {
                context.counts.media_lost += 1;
                self.bridge.forget(context);
                if self.phase == Phase::Answered {
                    self.hang_up(context, cause, EndedBy::System, "media lost", now);
                } else {
                    self.fail(context, cause, now);
                }
            }
            Phase::Ending => self.finish(context, now),
            Phase::Ended => {}
        }
    }

    /// Ends the call because the node goes down.
    pub(crate) fn shut_down(&mut self, context: &mut Context, now: Now) {
        match self.phase {
            Phase::Opening | Phase::Ringing => self.fail(context, record::q850::TEMPORARY_FAILURE, now),
            Phase::Answered => {
                self.hang_up(
                    context,
                    record::q850::TEMPORARY_FAILURE,
                    EndedBy::System,
                    "shutdown",
                    now,
                );
            }
            Phase::Ending | Phase::Ended => {}
        }
    }

    pub(super) fn hang_up_leg(&mut self, context: &mut Context, side: SideOf, reason: &str, now: Now) {
        self.settle_asker(context, side, 487, now);
        self.call_off_reinvite(context, side, now);
        if side == SideOf::Caller
            && let Some(bytes) = self.refusal(context, CANCELLED)
            && let Some(invite) = self.invite.take()
        {
            // The callee answered, but the caller was not told so yet.
            return context.tx.respond(invite.server, CANCELLED.sip, bytes, now.mono);
        }
        let Some(leg) = self.leg_mut(side) else { return };
        if !leg.is_present() {
            return;
        }
        leg.decline_offer(context);
        if leg.unacknowledged.is_some() {
            leg.parting = Some(reason.to_owned());
        } else {
            leg.bye(context, reason, now);
        }
    }

    /// Ends what we asked of a leg: a phone that has said 100 and nothing more would hold the transaction for ever.
    pub(super) fn call_off_reinvite(&mut self, context: &mut Context, side: SideOf, now: Now) {
        if let Some(leg) = self.leg_mut(side)
            && let Exchange::Ours { client, .. } = leg.exchange
        {
            leg.exchange = Exchange::Idle;
            context.tx.cancel(client, None, now.mono);
        }
    }

    /// A dialog that its phone has ended needs no more copies of its 2xx, and no BYE.
    pub(super) fn forget_ack(&mut self, context: &mut Context, side: SideOf) {
        let Some(leg) = self.leg_mut(side) else { return };
        leg.parting = None;
        leg.owed = None;
        if let Some((server, _)) = leg.unacknowledged.take() {
            context.tx.acked(server);
        }
    }

    /// Writes the end down. A call that was up waits for what the media plane counted.
    pub(super) fn end(&mut self, context: &mut Context, cause: Cause, by: EndedBy, now: Now) {
        if matches!(self.phase, Phase::Ending | Phase::Ended) {
            return;
        }
        self.leave_room(context);
        self.forsake_made(context);
        self.screening_ends(context);
        let was_up = self.phase == Phase::Answered;
        self.help_is_over(context, now);
        self.give_tickets_back(context, now);
        self.leaves_trunks(context);
        self.verifies_no_more(context);
        self.record.ended(cause, by, now);
        for kind in [
            TimerKind::MediaOpen,
            TimerKind::Ring,
            TimerKind::Return,
            TimerKind::Wake,
            TimerKind::Carrier,
            TimerKind::Longest,
            TimerKind::LateAnswer,
            TimerKind::Flow,
            TimerKind::Fax,
            TimerKind::Reliable,
            TimerKind::Restore(SideOf::Caller),
            TimerKind::Restore(SideOf::Callee),
            TimerKind::UpdateAnswer,
            TimerKind::Session(SideOf::Caller),
            TimerKind::Session(SideOf::Callee),
            TimerKind::Rejoin,
            TimerKind::Keep,
            TimerKind::Probe(SideOf::Caller),
            TimerKind::Probe(SideOf::Callee),
        ] {
            self.cancel_timer(context, kind);
        }
        self.phase = Phase::Ending;
        self.show(context);
        if self.bridge.close(context) && was_up {
            self.set_timer(context, TimerKind::MediaClose, MEDIA_CLOSE_MS, now);
        } else {
            self.finish(context, now);
        }
    }

    /// Emits the record, exactly once, and then the answers that waited for it.
    pub(super) fn finish(&mut self, context: &mut Context, now: Now) {
        self.cancel_timer(context, TimerKind::MediaClose);
        self.phase = Phase::Ended;
        context.live = context.live.saturating_sub(1);
        let quality = self.bridge.quality();
        let suites = match self.record.answer_time() {
            Some(_) => self.bridge.suites(),
            None => (None, None),
        };
        let record = self
            .record
            .finish(self.config.id(), self.run.path(), quality, suites);
        let served = self.is_served();
        context.out.extend(record.map(|mut record| {
            // The server says nothing that it could have counted.
            record.callee_media = record.callee_media.filter(|_| !served);
            record.streams = self.bridge.streams.take_records();
            Effect::Cdr(record)
        }));
        self.forget_kept(context);
        for (server, bytes) in self.byes.drain(..) {
            context.tx.respond(server, 200, bytes, now.mono);
        }
        context.over.push(self.id);
    }
}
