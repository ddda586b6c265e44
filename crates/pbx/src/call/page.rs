//! A call that the server makes to a phone, so that it answers by itself and hears a page.
//!
//! Owns: its INVITE, the answer, and its seat in the page's room. Does not own: which phones (`flow`), the room's sound, and
//! all that a call that is up does (`endpoint`).
//!
//! Once up it is a call that the server serves: the phone that was called is its caller's leg. Its record names the one
//! who pages as the caller. It ends with the page.

use super::begin::{called, identities};
use super::nouns::Guest;
use super::record::{self, Record};
use super::setup::MEDIA_OPEN_MS;
use super::target::State;
use super::{Call, Leg, Phase, intercom};
use crate::context::{Context, LegRef, TimerKind};
use crate::rooms::Rooms;
use flow::{Flow, Run, Service};
use model::{CallId, EndedBy, Item, Leg as SideOf, Now, Over, Playlist, Seat, ToneName, UserId};
use sdp::Side;
use sip::Message;
use std::sync::Arc;

/// A phone that answers by itself does so at once; others ring for this, seconds.
const RING_S: u32 = 10;
/// Hear now, milliseconds.
const BEEP_MS: u32 = 400;
const HEARS: Seat = Seat {
    speaks: false,
    hears: true,
};

impl Call {
    /// Calls the phones of a user for a page of this call; `None` where there is none to call.
    pub(crate) fn begin_page(
        context: &mut Context,
        id: CallId,
        (pager, by): (CallId, Guest),
        user: UserId,
        now: Now,
    ) -> Option<Call> {
        let config = Arc::clone(&context.config);
        let extension = config.user(user).filter(|user| user.enabled)?.extension.clone();
        let callee = called(&config, &extension);
        let mut record = Record::begin(context, by.party, callee, now);
        record.came_from(by.record, None);
        let caller = Leg::absent(by.peer, by.flow);
        let mut call = Call::new(id, config, Run::new(Flow::new(Vec::new())), record, caller, None);
        let facts = call.phones_of(context, &[user], |_| true);
        let first = facts.first()?.flow;
        for facts in &facts {
            context.following.joins(facts.user, id);
            call.targets.push(super::Target::new(context, facts));
        }
        context.counts.calls += 1;
        context.counts.paged += 1;
        context.live = context.live.saturating_add(1);
        call.identity = identities(&call.config, &call.record.caller, &extension);
        call.told = intercom::forms(call.config.realm()).into();
        call.run.note("page");
        call.endpoint.get_or_insert_default().paged = Some(Rooms::of_call(pager));
        call.bridge.relay(call.config.id(), id);
        // Whoever hears a page says nothing.
        call.bridge.serve(context, &first, 0);
        call.set_timer(context, TimerKind::MediaOpen, MEDIA_OPEN_MS, now);
        Some(call)
    }

    pub(super) fn is_paged(&self) -> bool {
        self.endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.paged.is_some())
    }

    /// There are ports: the phones are called.
    pub(super) fn page_rings(&mut self, context: &mut Context, now: Now) {
        let config = Arc::clone(&self.config);
        let mut side = Side::new(context.random() >> 1);
        let offer = self
            .bridge
            .anchor(SideOf::Caller)
            .and_then(|anchor| sdp::propose(&mut side, anchor, &config.policy().codecs).ok());
        let Some(offer) = offer else {
            return self.fail(context, record::q850::INCOMPATIBLE, now);
        };
        self.phase = Phase::Ringing;
        self.callee_side = Some(side);
        self.offered = Some(offer);
        for index in 0..self.targets.len() {
            self.send_invite(context, index, now);
        }
        self.set_timer(context, TimerKind::Ring, u64::from(RING_S) * 1000, now);
        self.conclude(context, now);
    }

    /// A phone has answered: it hears the page from now on.
    pub(super) fn page_answered(
        &mut self,
        context: &mut Context,
        index: usize,
        mut leg: Leg,
        message: &Message<'_>,
        now: Now,
    ) {
        let config = Arc::clone(&self.config);
        let cseq = message.cseq().map_or(1, |cseq| cseq.seq);
        leg.acknowledge(context, cseq);
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        if self.phase != Phase::Ringing || !target.is_ringing() {
            return self.dismiss(context, index, &mut leg, now);
        }
        let answer = target.read_answer(&config, message.body());
        let Some(answer) = answer.filter(|answer| sdp::voice(answer, &config.policy().codecs).is_some())
        else {
            leg.bye(context, "SIP;cause=488;text=\"Not Acceptable Here\"", now);
            return self.target_failed(context, index, 488, now);
        };
        let own = target.side.take().map(|side| *side);
        target.state = State::Won;
        self.record.callee.device = target.device;
        self.record.callee.sip_call_id.clone_from(&target.call_id);
        leg.side = own
            .or_else(|| self.callee_side.take())
            .unwrap_or_else(|| Side::new(0));
        leg.remote = Some(answer);
        self.cancel_targets(context, "SIP;cause=200;text=\"Call completed elsewhere\"", now);
        self.cancel_timer(context, TimerKind::Ring);
        let tag = leg.dialog.local_tag.clone().into_boxed_str();
        let (call, side) = (self.id, SideOf::Caller);
        context.legs.insert(tag, LegRef { call, side });
        context.following.joins(leg.user(), self.id);
        self.caller = leg;
        self.comes_up(context, now);
        self.watch_session(context, SideOf::Caller, now);
        self.run.note("answered");
        self.hears_page(context);
    }

    fn hears_page(&mut self, context: &mut Context) {
        let config = Arc::clone(&self.config);
        let policy = config.policy();
        let Some(endpoint) = &mut self.endpoint else {
            return;
        };
        endpoint.hears = true;
        let list = Playlist {
            items: vec![Item::Tone {
                tone: ToneName::Beep,
                country: policy.country.as_str().into(),
                ms: BEEP_MS,
            }],
            times: 1,
        };
        let over = Over::Instead;
        endpoint.service = Some(Service::Play { list, over });
        let room = endpoint.paged.unwrap_or_default();
        let who = (self.id, self.record.callee.number.as_str());
        if context.rooms.enter(room, who, false, usize::MAX).is_ok() {
            self.sit(context, room, HEARS, false);
        }
        self.media_follows(context, &policy.codecs);
    }

    /// The page is over.
    pub(super) fn page_is_over(&mut self, context: &mut Context, now: Now) {
        match self.phase {
            Phase::Answered => self.hang_up(
                context,
                record::q850::NORMAL_CLEARING,
                EndedBy::Caller,
                "end of page",
                now,
            ),
            Phase::Opening | Phase::Ringing => {
                self.refuse(context, record::CANCELLED, EndedBy::Caller, now);
            }
            Phase::Ending | Phase::Ended => {}
        }
    }
}
