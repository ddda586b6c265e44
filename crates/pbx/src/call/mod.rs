//! A call: a caller leg, the targets that it rings, and the leg that answered.
//!
//! Owns: the call as a state machine. Does not own: which numbers lead where (`flow`), transactions and
//! dialogs (`sip`), descriptions (`sdp`), packets (the media plane).
//!
//! The phases: `Opening` (ports are being reserved) → `Ringing` → `Answered` → `Ending` (the last counts are
//! awaited) → `Ended` (the record is written; only targets that still owe a last word keep the call in memory).

mod answer;
mod arrive;
mod begin;
mod beside;
mod bridge;
mod callerid;
mod capabilities;
mod checkpoint;
mod choice;
mod codecs;
mod delayed_offer;
mod early;
mod emergency;
mod endpoint;
mod follow;
mod forward;
mod holdings;
mod identity;
mod in_band;
mod in_call;
mod info;
mod intercom;
mod join;
mod keys;
mod lamp;
mod leg;
mod moves;
mod nouns;
mod outside;
mod page;
pub(crate) mod reason;
mod record;
mod redirect;
mod refer;
mod reliable;
mod renegotiate;
mod replace;
mod reports;
mod screen;
mod serving;
mod session;
mod session_id;
mod session_timer;
mod setup;
mod sound;
mod streams;
mod target;
mod teardown;
mod transfer;
mod transit;
mod update;
mod user_to_user;
mod verified;
mod voice;
mod wake;
mod web;

use crate::callbacks::Callback;
use crate::context::{Context, Owner, TimerKind};
use crate::effect::Effect;
use crate::following::PhoneKey;
use crate::location::Binding;
use bridge::Bridge;
use bytes::Bytes;
use checkpoint::{Kept, Restored};
use endpoint::Endpoint;
use flow::Run;
use in_call::InCall;
pub(crate) use lamp::{Part, Progress};
pub(crate) use leg::{Leg, via};
use model::{
    Answerer, CallId, CallLeg, CallState, CallView, CdrId, EndedBy, FlowToken, Leg as SideOf, MediaSessionId,
    Now, TenantConfig, TrunkId, UserId,
};
use nouns::Moves;
use outside::Outgoing;
use record::Record;
use redirect::Redirects;
use reliable::Reliable;
use sdp::{Description, Side};
use session_id::SessionIds;
use sip::timer::TimerId;
use sip::transaction::ServerId;
use sip::{Message, Method, Name};
use std::sync::Arc;
use target::Target;
pub(crate) use target::request_uri;
use transit::Transit;
pub(crate) use transit::carried;
use verified::Verifying;

pub(crate) use nouns::{Act, DialogName, Guest, Transferrer, Wish};

/// How far the call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Opening,
    Ringing,
    Answered,
    Ending,
    Ended,
}

/// The caller's INVITE while it has no final answer.
struct PendingInvite {
    server: ServerId,
    request: Box<[u8]>,
    /// The last provisional answer that the caller got, and whether it carried a description.
    told: (u16, bool),
}

impl PendingInvite {
    /// One that was answered 100.
    fn new(server: ServerId, message: &Message<'_>) -> PendingInvite {
        PendingInvite {
            server,
            request: message.bytes().into(),
            told: (100, false),
        }
    }

    /// Its CSeq number.
    fn cseq(&self) -> u32 {
        let message = Message::parse(&self.request).ok();
        message.and_then(|m| m.cseq().ok()).map_or(0, |cseq| cseq.seq)
    }
}

/// One call of a tenant.
pub(crate) struct Call {
    id: CallId,
    /// The configuration that the call began with; it keeps it.
    config: Arc<TenantConfig>,
    run: Run,
    phase: Phase,
    record: Record,
    caller: Leg,
    invite: Option<PendingInvite>,
    /// It has to be seen first who vouches for the caller.
    verifying: Option<Box<Verifying>>,
    /// What the caller offered; `None` when it left that to the callee.
    offer: Option<Description>,
    targets: Vec<Target>,
    /// It is carried for another tenant of the server.
    transit: Option<Transit>,
    /// A number outside that is being called.
    outgoing: Option<Box<Outgoing>>,
    redirects: Redirects,
    /// The one phone that is meant, where a GRUU was called.
    instance: Option<Box<str>>,
    /// The phone that is called back, after it has called for help.
    calls_back: Option<Callback>,
    /// Where the caller is, as another tenant of ours has written it that sends its call on by our trunks.
    place: Option<Box<str>>,
    /// Phones that were sent a push notification and have not registered since.
    waking: Vec<(UserId, PhoneKey)>,
    /// The description that targets are offered; empty when the caller left the offer to them.
    offered: Option<String>,
    /// Index of the first target that rings now; those before it have had their turn.
    round: usize,
    /// The target, and the To tag behind it, whose early media the caller hears, and what it said.
    early: Option<(usize, String)>,
    early_remote: Option<Description>,
    /// Provisional responses to the caller that are repeated until they are acknowledged.
    reliable: Reliable,
    callee: Option<Leg>,
    /// The server itself is the other side: there is no callee.
    endpoint: Option<Box<Endpoint>>,
    /// Keys pressed in it, and its recording.
    in_call: Option<Box<InCall>>,
    /// What the targets were offered, until one of them becomes the callee.
    callee_side: Option<Side>,
    bridge: Bridge,
    /// From and To of the INVITEs that we send, without tags.
    identity: (String, String),
    /// What else of the caller's INVITE the targets are told, in our words.
    told: Vec<(Name, String)>,
    /// The caller wants no phone to be told which way the call took (RFC 7044 §10.1.2).
    hides_history: bool,
    session_ids: Option<Box<SessionIds>>,
    /// User-to-user information of the one who answers, for the caller.
    answer_note: Option<String>,
    max_forwards: u8,
    ring_timeout_s: u32,
    timers: Vec<(TimerKind, TimerId)>,
    /// The answers to BYEs; they wait until the record is made.
    byes: Vec<(ServerId, Bytes)>,
    /// Users whose lamps have shown the call.
    shown_to: Vec<UserId>,
    /// What it has to do with other calls.
    moves: Moves,
    kept: Kept,
    restored: Option<Box<Restored>>,
}

impl Call {
    /// The call as commands show it; `None` once it has ended.
    pub(crate) fn view(&self) -> Option<CallView> {
        let state = match self.phase {
            Phase::Opening => CallState::Routing,
            Phase::Ringing => CallState::Ringing,
            Phase::Answered => CallState::Answered,
            Phase::Ending => CallState::Ending,
            Phase::Ended => return None,
        };
        Some(CallView {
            id: self.id,
            tenant: self.config.id(),
            from: self.record.caller.number.clone(),
            to: self.record.callee.number.clone(),
            state,
            start: self.record.start(),
            answer: self.record.answer_time(),
            relayed: self.bridge.session().is_some(),
            audio: self.record.audio().to_vec(),
        })
    }

    /// Which.
    pub(crate) fn id(&self) -> CallId {
        self.id
    }

    /// The media session, while there is one.
    pub(crate) fn session(&self) -> Option<MediaSessionId> {
        self.bridge.session()
    }

    /// The id of its record.
    pub(crate) fn record_id(&self) -> CdrId {
        self.record.id()
    }

    /// Tells the shell which dialogs it has.
    pub(crate) fn name_dialogs(&self, context: &mut Context) {
        for leg in [SideOf::Caller, SideOf::Callee]
            .into_iter()
            .filter_map(|side| self.leg(side))
        {
            self.name_dialog(context, &leg.dialog.call_id);
        }
    }

    fn name_dialog(&self, context: &mut Context, call_id: &str) {
        if !call_id.is_empty() {
            context.out.push(Effect::Leg(Box::new(CallLeg {
                call: self.id,
                record: self.record.id(),
                call_id: call_id.into(),
            })));
        }
    }

    /// Our tag in the dialog with the caller.
    pub(crate) fn caller_tag(&self) -> &str {
        &self.caller.dialog.local_tag
    }

    /// True when nothing is left to do or to wait for.
    pub(crate) fn is_over(&self) -> bool {
        let parting = |leg: &Leg| leg.parting.is_some();
        self.phase == Phase::Ended
            && self.moves.lingering.is_none()
            && !self.targets.iter().any(Target::is_pending)
            && !parting(&self.caller)
            && !self.callee.as_ref().is_some_and(parting)
    }

    /// Gives back what the tenant holds for the call.
    pub(crate) fn release(mut self, context: &mut Context) {
        self.vanish(context);
        context.legs.remove(self.caller.dialog.local_tag.as_str());
        if let Some(callee) = &self.callee {
            context.legs.remove(callee.dialog.local_tag.as_str());
            context.following.leaves(callee.user(), self.id);
        }
        for target in self.targets.iter().filter(|target| !target.early.is_empty()) {
            // The leg that it became may be in another call now.
            let known = context.legs.get(target.tag.as_str());
            if known.is_some_and(|leg| leg.call == self.id) {
                context.legs.remove(target.tag.as_str());
            }
        }
        for (_, timer) in self.timers.drain(..) {
            context.timers.cancel(timer);
        }
        self.stop_waking(context);
        self.leaves_trunks(context);
        context.helping.remove(&self.id);
        context.following.leaves(self.caller.user(), self.id);
        for target in &self.targets {
            context.following.leaves(target.user(), self.id);
        }
    }

    fn leg(&self, side: SideOf) -> Option<&Leg> {
        match side {
            SideOf::Caller => Some(&self.caller),
            SideOf::Callee => self.callee.as_ref(),
        }
    }

    fn leg_mut(&mut self, side: SideOf) -> Option<&mut Leg> {
        match side {
            SideOf::Caller => Some(&mut self.caller),
            SideOf::Callee => self.callee.as_mut(),
        }
    }

    /// True when the call is up and one of its dialogs has this Call-ID.
    pub(crate) fn has_leg(&self, call_id: &str) -> bool {
        let legs = [SideOf::Caller, SideOf::Callee].into_iter();
        self.has_dialogs()
            && legs
                .filter_map(|side| self.leg(side))
                .any(|leg| leg.dialog.call_id == call_id)
    }

    /// True when the ACK to a 2xx of that dialog waits for the other phone's answer.
    pub(crate) fn owes_ack(&self, call_id: &str) -> bool {
        let legs = [SideOf::Caller, SideOf::Callee].into_iter();
        legs.filter_map(|side| self.leg(side))
            .any(|leg| leg.owed.is_some() && leg.dialog.call_id == call_id)
    }

    /// The Call-IDs of both legs, once they are settled.
    pub(crate) fn pair(&self) -> Option<(String, String)> {
        let settled = self.phase == Phase::Answered && !self.is_moving();
        let callee = self.callee.as_ref().filter(|_| settled)?;
        Some((self.caller.dialog.call_id.clone(), callee.dialog.call_id.clone()))
    }

    /// True when the message belongs to the dialog of that leg.
    pub(crate) fn has_dialog(&self, side: SideOf, message: &Message<'_>) -> bool {
        self.leg(side).is_some_and(|leg| leg.has(message))
            || (side == SideOf::Callee && self.early_flow(message).is_some())
    }

    /// Where the phone of that dialog was last heard from, early dialogs included.
    pub(crate) fn flow_for(&self, side: SideOf, message: &Message<'_>) -> Option<FlowToken> {
        let early = (side == SideOf::Callee).then(|| self.early_flow(message));
        early.flatten().or_else(|| self.flow_of(side))
    }

    /// Where the leg's phone was last heard from.
    pub(crate) fn flow_of(&self, side: SideOf) -> Option<FlowToken> {
        self.leg(side).map(|leg| leg.flow)
    }

    /// True when the leg's dialog has this Call-ID and tag of the phone.
    pub(crate) fn has_dialog_named(&self, side: SideOf, call_id: &str, remote_tag: &str) -> bool {
        self.leg(side)
            .is_some_and(|leg| leg.dialog.call_id == call_id && leg.dialog.remote_tag == remote_tag)
    }

    pub(crate) fn belongs_to(&self, side: SideOf, user: UserId) -> bool {
        self.leg(side).is_some_and(|leg| leg.peer.is_user(user))
    }

    /// True when the leg's phone is the one of this binding.
    pub(crate) fn is_with(&self, side: SideOf, binding: &Binding) -> bool {
        let phone = self.leg(side).and_then(|leg| leg.key.as_ref());
        phone.is_some_and(|phone| phone.is_same_phone(&binding.record))
    }

    /// Whose phone sent this request inside that leg's dialog, early ones included.
    pub(crate) fn speaker(&self, side: SideOf, message: &Message<'_>) -> Option<UserId> {
        let early = (side == SideOf::Callee).then(|| self.early_user(message));
        early.flatten().or_else(|| self.user_of(side))
    }

    /// Whose phone the leg is with.
    pub(crate) fn user_of(&self, side: SideOf) -> Option<UserId> {
        self.leg(side).and_then(Leg::user)
    }

    /// By which trunk the leg is with a carrier.
    pub(crate) fn trunk_of(&self, side: SideOf) -> Option<TrunkId> {
        self.leg(side).and_then(|leg| leg.peer.trunk())
    }

    /// A request inside the dialog of a leg.
    pub(crate) fn handle_request(
        &mut self,
        context: &mut Context,
        side: SideOf,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let method = message.method().unwrap_or(Method::Other(""));
        if side == SideOf::Callee && !self.callee.as_ref().is_some_and(|leg| leg.has(message)) {
            return self.handle_early_request(context, message, flow, now);
        }
        let owner = match method {
            Method::Invite | Method::Update => Owner::Renegotiation(self.id, side),
            _ => Owner::None,
        };
        let Some(id) = context.accept(message, flow, owner, now) else {
            return;
        };
        let Some(leg) = self.leg_mut(side) else { return };
        if leg.dialog.receive(message).is_err() {
            let bytes = context.response(message, flow, 500, None).finish();
            return context.tx.respond(id, 500, bytes, now.mono);
        }
        let (home, before) = (
            context.home(leg.user(), &leg.dialog.remote_target, flow),
            leg.flow,
        );
        leg.follow(context, home, now);
        if before != home || matches!(method, Method::Invite | Method::Update) {
            self.changed(context, now);
        }
        self.shows_life(context, side, now);
        self.watch_cseq(context, now);
        match method {
            Method::Bye => self.handle_bye(context, side, id, message, now),
            Method::Invite => self.handle_reinvite(context, side, id, message, now),
            Method::Prack => self.handle_prack(context, side, id, message, now),
            Method::Update => self.handle_update(context, side, id, message, now),
            Method::Info => self.handle_info(context, side, id, message, now),
            Method::Refer => self.handle_refer(context, side, id, message, now),
            Method::Options => {
                let writer = context.response(message, flow, 200, None);
                let bytes = Context::capabilities(writer).finish();
                context.tx.respond(id, 200, bytes, now.mono);
            }
            _ => {
                let writer = context.response(message, flow, 405, None);
                let bytes = writer.header(Name::Allow, crate::edge::ALLOW).finish();
                context.tx.respond(id, 405, bytes, now.mono);
            }
        }
    }

    /// A response to a request of ours, or what stands for one: 408 when nobody answered, 503 when
    /// the connection broke; those come without a message.
    pub(crate) fn handle_response(
        &mut self,
        context: &mut Context,
        owner: Owner,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        if matches!(owner, Owner::Renegotiation(..) | Owner::Refresh { .. }) {
            self.changed(context, now);
        }
        if let (Owner::Target(_, index), Some(message)) = (owner, message)
            && let Some(told) = self
                .targets
                .get_mut(index)
                .and_then(|target| target.carrier.as_mut())
        {
            told.says_why = message.header(Name::Reason).is_some();
        }
        match (owner, message) {
            (Owner::Target(_, index), Some(message)) if code < 200 => {
                self.target_progress(context, index, code, message, now);
            }
            (Owner::Target(_, index), Some(message)) if code < 300 => {
                self.target_answered(context, index, message, now);
            }
            (Owner::Target(_, index), Some(message)) if code == 422 => {
                self.target_wants_longer(context, index, message, now);
            }
            (Owner::Target(_, index), Some(message))
                if self.proves_itself(context, index, (code, message), now) => {}
            (Owner::Target(_, index), Some(_)) if self.keeps_location(context, index, code, now) => {}
            (Owner::Target(_, index), Some(_)) if self.asks_otherwise(context, index, code, now) => {}
            // A carrier sends nobody elsewhere: of a call for help that is a refusal like any other.
            (Owner::Target(_, index), Some(_))
                if code < 400 && self.carrier_failed(context, index, code, true, now) => {}
            (Owner::Target(_, index), Some(message)) if code < 400 => {
                self.target_redirected(context, index, code, message, now);
            }
            (Owner::Target(_, index), message)
                if self.carrier_failed(context, index, code, message.is_some(), now) => {}
            (Owner::Target(_, index), message) => {
                if message.is_none() || code == follow::FLOW_FAILED {
                    self.rings_another_flow(context, index, now);
                }
                self.target_failed(context, index, code, now);
            }
            (Owner::Renegotiation(_, side), _) => self.renegotiated(context, side, code, message, now),
            (Owner::Refresh { side, invite, .. }, _) => {
                self.refreshed(context, (side, invite), code, message, now);
            }
            (
                Owner::Caller(_)
                | Owner::Parting(_)
                | Owner::Leaving
                | Owner::None
                | Owner::Event(_)
                | Owner::Trunk(_),
                _,
            ) => {}
        }
    }

    /// One of the call's deadlines has passed.
    pub(crate) fn handle_timer(&mut self, context: &mut Context, kind: TimerKind, now: Now) {
        self.timers.retain(|(known, _)| *known != kind);
        match (kind, self.phase) {
            (TimerKind::MediaOpen, Phase::Opening) => {
                if self.is_emergency() {
                    self.bridge.close(context);
                    self.bridge.forget(context);
                }
                if self.goes_without_relay(context, now) {
                    return;
                }
                self.fail(context, record::q850::RESOURCE_UNAVAILABLE, now);
            }
            (TimerKind::MediaOpen, Phase::Answered) => self.streams_are_late(context, now),
            (TimerKind::Ring, Phase::Ringing) => self.rang_out(context, now),
            (TimerKind::Return, _) => self.not_returned(context, now),
            (TimerKind::Carrier, Phase::Opening | Phase::Ringing) => self.carrier_is_slow(context, now),
            (TimerKind::Certificate, Phase::Opening) => self.certificate_is_late(context, now),
            (TimerKind::Wake, Phase::Opening | Phase::Ringing) => {
                self.stop_waking(context);
                self.conclude(context, now);
            }
            (TimerKind::Longest, Phase::Answered) => {
                self.hang_up(
                    context,
                    record::q850::TIMER_EXPIRY,
                    EndedBy::System,
                    "longest call",
                    now,
                );
            }
            (TimerKind::Flow, Phase::Answered) => self.flow_timer_is_over(context, now),
            (TimerKind::Screen, Phase::Answered) => self.is_screened(context, Answerer::Unknown, now),
            (TimerKind::Fax, Phase::Answered) => self.no_more_fax(context),
            (TimerKind::Session(side), _) if self.has_dialogs() => self.session_due(context, side, now),
            (TimerKind::Reliable, _) => self.repeat_provisional(context, now),
            (TimerKind::Restore(side), Phase::Answered) => self.restore_again(context, side, now),
            (TimerKind::UpdateAnswer, Phase::Answered) => self.update_unanswered(context, now),
            (TimerKind::LateAnswer, Phase::Answered) => self.answer_too_late(context, now),
            (TimerKind::MediaClose, Phase::Ending) => self.finish(context, now),
            (TimerKind::Rejoin, Phase::Answered) => self.rejoin(context, now),
            (TimerKind::Keep, Phase::Answered) => self.keep(context, now),
            (TimerKind::Probe(side), Phase::Answered) => self.probe(context, side, now),
            (TimerKind::Linger, _) => self.hang_up_lingering(context, now),
            _ => {}
        }
    }

    fn set_timer(&mut self, context: &mut Context, kind: TimerKind, after_ms: u64, now: Now) {
        self.cancel_timer(context, kind);
        let at = now.mono + std::time::Duration::from_millis(after_ms);
        let timer = context.set_timer(self.id, kind, at);
        self.timers.push((kind, timer));
    }

    fn cancel_timer(&mut self, context: &mut Context, kind: TimerKind) {
        self.timers.retain(|(known, timer)| {
            if *known == kind {
                context.timers.cancel(*timer);
            }
            *known != kind
        });
    }
}
