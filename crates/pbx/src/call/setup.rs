//! From the caller's INVITE to ringing phones (RFC 3261 §13, §16.7 for the choice among many refusals).

use super::bridge::Means;
use super::follow::FLOW_FAILED;
use super::record::{self, Record};
use super::redirect::Redirects;
use super::reliable::Reliable;
use super::session_id::SessionIds;
use super::target::State;
use super::{Bridge, Call, Leg, Moves, Phase, Target};
use super::{codecs, keys, session};
use crate::context::{Context, TimerKind};
use crate::location::{Binding, BindingFacts};
use crate::reach;
use flow::{Action, Event, Refusal, Run};
use model::{CallId, Cause, EndedBy, FlowToken, Leg as SideOf, Now, TenantConfig, UserId};
use sdp::{Description, Side};
use sip::{Message, Name};
use std::sync::Arc;

/// The media plane answers within this or the call is refused, milliseconds.
pub(super) const MEDIA_OPEN_MS: u64 = 2_000;

impl Call {
    /// A call in which nothing has happened yet.
    pub(super) fn new(
        id: CallId,
        config: Arc<TenantConfig>,
        run: Run,
        record: Record,
        mut caller: Leg,
        offer: Option<Description>,
    ) -> Call {
        let browser = caller.side.is_web();
        let relays = config.records_always() || keys::needs_relay(config.policy(), offer.as_ref()) || browser;
        if !relays {
            caller
                .side
                .forget_keys(keys::may_be_plain(keys::policy_of(&config, caller.peer)));
        }
        Call {
            id,
            run,
            phase: Phase::Opening,
            record,
            caller,
            invite: None,
            verifying: None,
            offer,
            targets: Vec::new(),
            transit: None,
            outgoing: None,
            redirects: Redirects::default(),
            instance: None,
            calls_back: None,
            place: None,
            waking: Vec::new(),
            offered: None,
            round: 0,
            early: None,
            early_remote: None,
            reliable: Reliable::default(),
            callee: None,
            endpoint: None,
            in_call: None,
            callee_side: None,
            bridge: Bridge::new(config.id(), id, Means::of(config.policy()), relays),
            identity: (String::new(), String::new()),
            told: Vec::new(),
            hides_history: false,
            session_ids: None,
            answer_note: None,
            max_forwards: 70,
            ring_timeout_s: 0,
            timers: Vec::new(),
            byes: Vec::new(),
            shown_to: Vec::new(),
            moves: Moves::default(),
            kept: super::Kept::default(),
            restored: None,
            config,
        }
    }

    /// Begins with what the flow says.
    pub(super) fn start(&mut self, context: &mut Context, now: Now) {
        self.show(context);
        self.advance(context, Event::Start, now);
    }

    /// Asks the flow what is next and does it.
    pub(super) fn advance(&mut self, context: &mut Context, event: Event, now: Now) {
        if matches!(event, Event::Unanswered(_)) {
            self.outside_is_over(context, now);
        }
        let action = flow::step(&mut self.run, event);
        self.carry_out(context, action, now);
    }

    /// Does what the flow says.
    pub(super) fn carry_out(&mut self, context: &mut Context, action: Action, now: Now) {
        match action {
            Action::Ring { users, timeout_s } => self.ring(context, &users, timeout_s, now),
            Action::Forward(by) => self.forward(context, by, now),
            Action::Outside(what) => self.call_outside(context, what, now),
            Action::Refuse(refusal) => {
                match refusal {
                    Refusal::Loop | Refusal::TooManyForwards => context.counts.forwards_refused += 1,
                    Refusal::UnknownNumber => context.counts.unknown_number += 1,
                    Refusal::ForeignDomain => context.counts.forbidden += 1,
                    Refusal::Unreachable => context.counts.unreachable += 1,
                    Refusal::MediaRefused => context.counts.media_refused += 1,
                    Refusal::Forbidden => context.counts.forbidden += 1,
                    _ => {}
                }
                if self.recall(context, now) {
                    return;
                }
                if self.phase == Phase::Answered {
                    let cause = record::cause_of(refusal).q850;
                    return self.hang_up(context, cause, EndedBy::System, "no way on", now);
                }
                let by = match refusal {
                    Refusal::Busy | Refusal::DoNotDisturb | Refusal::Declined | Refusal::MediaRefused => {
                        EndedBy::Callee
                    }
                    _ => EndedBy::System,
                };
                self.refuse(context, record::cause_of(refusal), by, now);
            }
            Action::HangUp => {
                let toned = self.endpoint.as_ref().is_some_and(|endpoint| endpoint.toned);
                let why = if toned { "end of tone" } else { "end of flow" };
                self.hang_up(context, record::q850::NORMAL_CLEARING, EndedBy::System, why, now);
            }
            Action::Talk | Action::Wait => {}
            action => self.serve(context, action, now),
        }
    }

    /// Picks the phones and reserves media. Where others have rung before, too, these are rung once there are ports.
    fn ring(&mut self, context: &mut Context, users: &[UserId], timeout_s: u32, now: Now) {
        self.round = self.targets.len();
        let facts = self.phones_of(context, users, |binding| self.means(binding));
        for facts in &facts {
            context.following.joins(facts.user, self.id);
            self.targets.push(Target::new(context, facts));
        }
        self.ring_timeout_s = timeout_s;
        let sleeping = self.wake(context, users, now);
        // It has had its turn: after it all others.
        self.calls_back = None;
        let first = self.targets.get(self.round).map(|first| first.flow);
        self.relay_for_browsers(context, sleeping);
        let Some(callee) = first.or(sleeping) else {
            return self.advance(context, Event::Unanswered(Refusal::Unreachable), now);
        };
        let caller = self.caller.flow;
        if !self.reserve_media(context, &caller, &callee, now) {
            self.dial(context, now);
        } else if self.phase == Phase::Ringing {
            self.phase = Phase::Opening;
        }
    }

    /// Asks for ports; false when there is nothing to wait for.
    pub(super) fn reserve_media(
        &mut self,
        context: &mut Context,
        caller: &FlowToken,
        callee: &FlowToken,
        now: Now,
    ) -> bool {
        let silence_s = self.config.policy().media_silence_s;
        let helps = context.helping.contains(&self.id);
        let asked = !self.bridge.is_open() && self.bridge.open(context, caller, callee, silence_s, helps);
        let asked = self.reserve_streams(context, caller, callee) || asked;
        if asked {
            self.set_timer(context, TimerKind::MediaOpen, MEDIA_OPEN_MS, now);
        }
        asked
    }

    /// There is media, or none is needed: phones are rung, or legs come in.
    pub(super) fn media_is_ready(&mut self, context: &mut Context, now: Now) {
        if self.takes_over() {
            self.ask_of_others(context, super::Act::Join { call: self.id });
        } else if self.is_paged() {
            self.page_rings(context, now);
        } else if self.endpoint.is_some() {
            self.serve_on(context, now);
        } else {
            self.dial(context, now);
        }
    }

    /// Phones of these users that can be rung, as many as one call may ring, and `means` lets through.
    pub(super) fn phones_of(
        &self,
        context: &Context,
        users: &[UserId],
        means: impl Fn(&Binding) -> bool,
    ) -> Vec<BindingFacts> {
        users
            .iter()
            .flat_map(|user| reach::best_flows(context.location.of(*user)))
            .filter(|b| !self.is_callers_own(b) && !self.is_transferrers_own(b) && means(b))
            .take(
                context
                    .fork_targets
                    .saturating_sub(self.targets.len().saturating_sub(self.round)),
            )
            .map(BindingFacts::from)
            .collect()
    }

    /// The phone that calls is not rung: not where it calls from, and not on another flow of its instance.
    pub(super) fn is_callers_own(&self, binding: &Binding) -> bool {
        let (record, caller) = (&binding.record, &self.caller);
        let flow = || crate::location::same_flow(&record.flow, &caller.flow);
        let phone = || caller.key.as_ref().is_some_and(|key| key.is_same_phone(record));
        caller.peer.is_user(record.user) && (flow() || phone())
    }

    /// Sends the INVITEs: the same offer to all, so that all may answer to the same port.
    pub(super) fn dial(&mut self, context: &mut Context, now: Now) {
        self.phase = Phase::Ringing;
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let mut side = Side::new(context.random() >> 1);
        let anchor = self.bridge.anchor(SideOf::Callee);
        let mut text = String::new();
        if let Some(target) = self.targets.get(self.round) {
            codecs::restrict(&config, target.peer, &mut side);
        }
        if let Some(offer) = &self.offer {
            match sdp::offer(offer, &mut side, anchor, allowed) {
                Ok(offer) => text = offer,
                Err(_)
                    if self.is_emergency()
                        && self.gives_carrier_up(context, self.round, (488, true), true, now) =>
                {
                    return;
                }
                Err(_) => {
                    return self.advance(context, Event::Unanswered(Refusal::MediaRefused), now);
                }
            }
        }
        self.callee_side = Some(side);
        self.offered = Some(text);
        for index in self.round..self.targets.len() {
            // Some may have had their last word, when the others are asked again.
            if self
                .targets
                .get(index)
                .is_some_and(|target| target.state == State::Waiting)
            {
                self.send_invite(context, index, now);
            }
        }
        self.set_timer(
            context,
            TimerKind::Ring,
            u64::from(self.ring_timeout_s) * 1000,
            now,
        );
        self.show(context);
        self.conclude(context, now);
    }

    /// A provisional answer of a target.
    pub(super) fn target_progress(
        &mut self,
        context: &mut Context,
        index: usize,
        code: u16,
        message: &Message<'_>,
        now: Now,
    ) {
        if !self.acknowledge_provisional(context, index, message, now) {
            return;
        }
        self.carrier_speaks(context, index, code);
        SessionIds::learn(&mut self.session_ids, message);
        let Some(target) = self.targets.get(index) else {
            return;
        };
        let known = matches!(code, 180..=183);
        if !known || self.phase != Phase::Ringing || !target.is_ringing() {
            return;
        }
        if matches!(code, 180 | 183)
            && let Some(target) = self.targets.get_mut(index).filter(|target| !target.rang)
        {
            target.rang = true;
            self.record.rang(now);
            self.show(context);
        }
        if self.is_transfer() {
            return self.tell_transferrer(context, code);
        }
        let sdp = self.early_answer(context, index, message);
        self.tell_caller(context, code, sdp.as_deref(), now);
    }

    /// The description of the first target that sends early media; the others' is not connected.
    fn early_answer(&mut self, context: &mut Context, index: usize, message: &Message<'_>) -> Option<String> {
        if message.body().is_empty() {
            return None;
        }
        let tag = message.to_tag().unwrap_or("");
        let first = |(early, known): &(usize, String)| *early == index && known == tag;
        if self.early.as_ref().is_some_and(|early| !first(early)) {
            return None;
        }
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let offer = self.offer.as_ref()?;
        let target = self.targets.get_mut(index)?;
        let description = target.read_answer(&config, message.body())?;
        let anchor = self.bridge.anchor(SideOf::Caller);
        let text = sdp::answer(offer, &description, &mut self.caller.side, anchor, allowed).ok()?;
        self.media_begins(context, index, &description);
        self.early = Some((index, tag.to_owned()));
        self.early_remote = Some(description);
        Some(text)
    }

    /// Passes a provisional answer on, unless the caller knows as much already.
    pub(super) fn tell_caller(&mut self, context: &mut Context, code: u16, sdp: Option<&str>, now: Now) {
        let Some(invite) = &mut self.invite else { return };
        let news = (code, sdp.is_some());
        if invite.told == news
            || (invite.told.1 && sdp.is_none())
            || (invite.told.0 > 100 && code == 183 && sdp.is_none())
        {
            return;
        }
        invite.told = news;
        let server = invite.server;
        if self.reliable.is_wanted(self.offer.is_some()) {
            return self.tell_reliably(context, code, sdp, now);
        }
        // Without an offer to answer, what is reliable would have to carry one (RFC 3262 §5).
        if self.reliable.is_required() {
            return;
        }
        if let Some(bytes) = self.response_to_caller(context, code, sdp, None) {
            context.tx.respond(server, code, bytes, now.mono);
        }
    }

    /// A response to the caller's INVITE inside the dialog of this call.
    pub(super) fn response_to_caller(
        &self,
        context: &Context,
        code: u16,
        sdp: Option<&str>,
        rseq: Option<u32>,
    ) -> Option<bytes::Bytes> {
        let request = Message::parse(&self.invite.as_ref()?.request).ok()?;
        let tag = self.caller.dialog.local_tag.as_str();
        let mut writer = context.response(&request, self.caller.flow, code, Some(tag));
        if code < 300 {
            writer = writer.header(Name::Contact, &context.contact(&self.caller.flow));
            writer = writer.header(Name::Allow, crate::edge::ALLOW);
            writer = writer.header(Name::Supported, crate::edge::SUPPORTED);
            // The proxies on the way want to stay there (RFC 3261 §12.1.1).
            writer = writer.copy(&request, Name::RecordRoute);
        }
        if let Some(ids) = &self.session_ids {
            writer = writer.header(Name::SessionId, &ids.to_caller());
        }
        if let Some(rseq) = rseq {
            writer = writer.header(Name::Require, "100rel");
            writer = writer.fmt(Name::RSeq, format_args!("{rseq}"));
        }
        if code == 200 {
            if let Some(note) = &self.answer_note {
                writer = writer.header(Name::UserToUser, note);
            }
            writer = session::agreement(self.config.policy(), &request, writer).0;
        }
        Some(match sdp {
            Some(sdp) => writer.body(sdp::CONTENT_TYPE, sdp.as_bytes()),
            None => writer.finish(),
        })
    }

    /// A target's final refusal, or its silence.
    pub(super) fn target_failed(&mut self, context: &mut Context, index: usize, code: u16, now: Now) {
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        if matches!(target.state, State::Won | State::Done(_)) {
            return;
        }
        if code == FLOW_FAILED
            && let Some((user, key)) = target.user().zip(target.key.as_ref())
        {
            context.location.flow_failed(user, key.key(), &target.flow);
        }
        // A phone's challenge is never answered: our credentials, if any, are for trunks alone.
        let asked = target.is_ringing();
        target.state = State::Done(if matches!(code, 401 | 407) { 503 } else { code });
        if (600..700).contains(&code) && self.phase == Phase::Ringing && asked {
            // A global refusal speaks for the user (RFC 3261 §16.7 step 5), but not for whom the call was sent on to after
            // this phone was called off.
            self.cancel_targets(context, "", now);
            self.stop_waking(context);
        }
        self.show(context);
        self.conclude(context, now);
        context.over.push(self.id);
    }

    /// Ends the ringing when no target is left that may answer.
    pub(super) fn conclude(&mut self, context: &mut Context, now: Now) {
        let more = !self.waking.is_empty()
            || self.waits_for_carrier()
            || self.targets.iter().any(Target::is_ringing);
        if self.phase != Phase::Ringing || more {
            return;
        }
        if self.asks_over_relay(context, now) || self.try_alternative(context, now) {
            return;
        }
        let codes = self
            .targets
            .iter()
            .skip(self.round)
            .filter_map(|target| match target.state {
                State::Done(code) => Some(code),
                _ => None,
            });
        let refusal = record::refusal_of(codes, self.has_rung());
        self.advance(context, Event::Unanswered(refusal), now);
    }

    /// It rang for as long as it may.
    pub(super) fn rang_out(&mut self, context: &mut Context, now: Now) {
        self.cancel_targets(context, "Q.850;cause=19;text=\"no answer\"", now);
        let refusal = if self.has_rung() {
            Refusal::NoAnswer
        } else {
            Refusal::Unreachable
        };
        self.advance(context, Event::Unanswered(refusal), now);
    }

    /// True when a phone of those that had their turn now has rung.
    fn has_rung(&self) -> bool {
        self.targets.iter().skip(self.round).any(|target| target.rang)
    }

    /// Calls off every target but those that have had their last word.
    pub(super) fn cancel_targets(&mut self, context: &mut Context, reason: &str, now: Now) {
        for target in &mut self.targets {
            target.cancel(context, reason, now);
        }
    }

    /// Something of ours is missing: 503, try again.
    pub(super) fn fail(&mut self, context: &mut Context, q850: u8, now: Now) {
        self.refuse(context, Cause { sip: 503, q850 }, EndedBy::System, now);
    }
}
