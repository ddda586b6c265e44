//! A call whose other side is the server: it answers with a description of its own and plays what the flow says.
//!
//! Owns: answering, what the phone may do in such a call, and which program follows from flow and descriptions. Does not
//! own: what to do for whom (`flow`), the packets (`media`), and all that a leg has in any call: timers, reconnection, the
//! end.
//!
//! Such a call has a caller's leg and no callee. Nobody can be transferred out of it; who comes in by a transfer is `arrive`'s.

use super::in_band::InBand;
use super::record::q850;
use super::setup::MEDIA_OPEN_MS;
use super::{Call, Phase};
use crate::context::{Context, TimerKind};
use flow::{Action, Event, Refusal, Service};
use model::{CallId, EndedBy, Leg as SideOf, Now, Over, Program, RecordingId, Seats, UserId};
use sdp::Description;
use sip::Message;
use sip::transaction::ServerId;
use std::sync::Arc;

/// What the server does in a call.
#[derive(Default)]
pub(super) struct Endpoint {
    /// What the flow wants done as soon as there are ports, or the phone has our 2xx.
    pub(super) next: Option<Action>,
    pub(super) service: Option<Service>,
    /// What the media plane was told last.
    pub(super) playing: Option<Program>,
    /// What is heard now, or was heard last, is a tone.
    pub(super) toned: bool,
    /// It is told even what it was told last.
    pub(super) anew: bool,
    /// How many programs it was told; the number of the last one is its name.
    programs: u32,
    /// What the caller types is nobody's business, as the media plane was told last.
    pub(super) masked: bool,
    /// Keys that come as tones.
    pub(super) in_band: InBand,
    /// The caller's recording that runs.
    pub(super) recording: Option<RecordingId>,
    /// Where the caller is to sit, and what the media plane was told of it.
    pub(super) seats: Option<Seats>,
    pub(super) seated: Option<Seats>,
    /// The call that the caller hears, and whose it is.
    pub(super) watched: Option<(CallId, UserId)>,
    /// Calls that were made for the caller and are not up yet, or belong to his page.
    pub(super) made: Vec<CallId>,
    /// The room whose page the phone is to hear; then it is the phone that was called.
    pub(super) paged: Option<u64>,
    /// The phone has our 2xx: from now on it can hear us.
    pub(super) hears: bool,
    /// Our 2xx had an offer; the answer comes in the ACK.
    offered: bool,
}

impl Call {
    /// True when the server itself is the other side.
    pub(crate) fn is_served(&self) -> bool {
        self.endpoint.is_some()
    }

    /// The flow wants something of the server: it is done once it is certain that the caller can be answered.
    pub(super) fn serve(&mut self, context: &mut Context, action: Action, now: Now) {
        let allowed = &self.config.policy().codecs;
        let is_new = self.endpoint.is_none();
        let servable = || sdp::servable(self.offer.as_ref(), allowed).is_ok();
        if self.reliable.has_answered() || (is_new && !servable()) {
            return self.advance(context, Event::Unanswered(Refusal::MediaRefused), now);
        }
        let endpoint = self.endpoint.get_or_insert_default();
        endpoint.next = Some(action);
        if self.bridge.is_open() {
            return self.serve_on(context, now);
        }
        // Phones may have rung before, whose audio would have gone straight.
        self.phase = Phase::Opening;
        let silence_s = self.config.policy().media_silence_s;
        self.bridge.relay(self.config.id(), self.id);
        self.bridge.serve(context, &self.caller.flow, silence_s);
        self.set_timer(context, TimerKind::MediaOpen, MEDIA_OPEN_MS, now);
    }

    /// There are ports: what the flow wants is done.
    pub(super) fn serve_on(&mut self, context: &mut Context, now: Now) {
        let has_next = self
            .endpoint
            .as_ref()
            .is_some_and(|endpoint| endpoint.next.is_some());
        if has_next && self.phase != Phase::Answered && self.is_transfer() {
            return self.guest_arrives(context, now);
        }
        match self.endpoint.as_mut().and_then(|endpoint| endpoint.next.take()) {
            Some(Action::Set(change)) => {
                if let Some(user) = self.caller.user() {
                    context.change_settings(user, change);
                }
                self.advance(context, Event::Changed, now);
            }
            Some(action) => {
                if matches!(self.phase, Phase::Opening | Phase::Ringing) {
                    self.answer_itself(context, now);
                }
                if self.phase == Phase::Answered {
                    self.perform(context, action, now);
                }
            }
            None => {}
        }
    }

    /// The call is up: the caller gets our answer to its offer, or our offer.
    fn answer_itself(&mut self, context: &mut Context, now: Now) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let text = self.own_words(self.offer.clone().as_ref());
        let (Some(text), Some(endpoint)) = (text, &mut self.endpoint) else {
            return self.advance(context, Event::Unanswered(Refusal::MediaRefused), now);
        };
        endpoint.offered = self.offer.is_none();
        if let Some(offer) = &self.offer {
            self.bridge.remote(
                context,
                SideOf::Caller,
                (offer, Some(&self.caller.side)),
                allowed,
                &self.caller.flow,
            );
        }
        self.caller.remote.clone_from(&self.offer);
        self.caller.judge_hold(allowed);
        self.watch_media(context, allowed);
        self.answer_caller(context, &text, now);
        self.caller.session_id = self.session_ids.as_ref().map(|ids| ids.to_caller().into());
        self.comes_up(context, now);
        self.show(context);
        self.watch_session(context, SideOf::Caller, now);
        self.advance(context, Event::Answered, now);
        self.listen_for_fax(context, now);
    }

    /// What we say about media: to this offer, or by ourselves.
    fn own_words(&mut self, offer: Option<&Description>) -> Option<String> {
        let anchor = self.bridge.anchor(SideOf::Caller)?;
        let side = &mut self.caller.side;
        let allowed = &self.config.policy().codecs;
        match offer {
            Some(offer) => sdp::serve(offer, side, anchor, allowed).ok(),
            None => sdp::propose(side, anchor, allowed).ok(),
        }
    }

    /// The phone has our 2xx, and has perhaps answered our offer.
    pub(super) fn serve_acknowledged(&mut self, context: &mut Context, message: &Message<'_>, now: Now) {
        let config = Arc::clone(&self.config);
        let allowed = &config.policy().codecs;
        let Some(endpoint) = self.endpoint.as_mut().filter(|_| self.phase == Phase::Answered) else {
            return;
        };
        endpoint.hears = true;
        if std::mem::take(&mut endpoint.offered) {
            let answer = self.read_answer(SideOf::Caller, message.body());
            let Some(answer) = answer.filter(|answer| sdp::voice(answer, allowed).is_some()) else {
                context.counts.media_refused += 1;
                let why = "no answer in the ACK";
                return self.hang_up(context, q850::INCOMPATIBLE, EndedBy::Caller, why, now);
            };
            self.caller.remote = Some(answer);
        }
        self.media_follows(context, allowed);
        self.serve_on(context, now);
    }

    /// A re-INVITE or UPDATE in a call that the server has answered; false in any other.
    pub(super) fn serve_again(
        &mut self,
        context: &mut Context,
        server: ServerId,
        message: &Message<'_>,
        now: Now,
    ) -> bool {
        if self.endpoint.is_none() {
            return false;
        }
        let config = Arc::clone(&self.config);
        let offer = match message.body() {
            [] => Ok(None),
            body => match self.read_offer(context, SideOf::Caller, body) {
                Some(offer) => Ok(Some(offer)),
                None => Err(400_u16),
            },
        };
        let said = offer.and_then(|offer| {
            let text = self.own_words(offer.as_ref()).ok_or(488_u16)?;
            Ok((offer, text))
        });
        match said {
            Ok((offer, text)) => {
                self.agree(context, SideOf::Caller, server, message, &text, now);
                match (offer, &mut self.endpoint) {
                    (Some(offer), _) => {
                        self.caller.remote = Some(offer);
                        self.media_follows(context, &config.policy().codecs);
                    }
                    (None, Some(endpoint)) => endpoint.offered = true,
                    (None, None) => {}
                }
            }
            Err(code) => {
                context.counts.media_refused += 1;
                let bytes = context.response(message, self.caller.flow, code, None).finish();
                context.tx.respond(server, code, bytes, now.mono);
            }
        }
        true
    }

    /// Tells the media plane what the phone is to hear now: on hold nothing.
    pub(super) fn program_follows(&mut self, context: &mut Context) {
        let allowed = &self.config.policy().codecs;
        let Some(endpoint) = self.endpoint.as_mut().filter(|endpoint| endpoint.hears) else {
            return;
        };
        let remote = self.caller.remote.as_ref();
        let heard =
            remote.is_some_and(|remote| !remote.is_held(allowed) && sdp::voice(remote, allowed).is_some());
        let mut over = Over::Instead;
        let service = endpoint.service.as_ref().filter(|_| heard);
        let program = service.map(|service| match service {
            Service::Echo => Program::Echo,
            Service::Tone { tone, ms } => Program::tone(*tone, &self.config.policy().country, *ms),
            Service::Play { list, over: mixed } => {
                over = *mixed;
                Program::Play(list.clone())
            }
        });
        if program != endpoint.playing || endpoint.anew {
            endpoint.anew = false;
            endpoint.playing.clone_from(&program);
            endpoint.programs = endpoint.programs.wrapping_add(1);
            let program = (endpoint.programs, program);
            self.bridge.play(context, SideOf::Caller, program, over);
        }
        self.seats_follow(context);
        self.in_band_follows(context);
    }

    /// The flow's time is over.
    pub(super) fn flow_timer_is_over(&mut self, context: &mut Context, now: Now) {
        if self.is_served() && !self.is_paged() {
            self.advance(context, Event::Elapsed, now);
        }
    }

    /// What had an end has come to it.
    pub(super) fn played(&mut self, context: &mut Context, id: u32, missing: u32, now: Now) {
        // A report that was on its way while another program began, or the phone was put on hold, says nothing.
        let endpoint = self.endpoint.as_mut().filter(|endpoint| endpoint.programs == id);
        let ended = endpoint.and_then(|endpoint| {
            let ended = endpoint.playing.take();
            if ended.is_some() {
                endpoint.service = None;
            }
            ended
        });
        // A phone that hears a page has no flow.
        if ended.is_some() && !self.is_paged() {
            if missing > 0 {
                self.run.note("sound missing");
            }
            self.cancel_timer(context, TimerKind::Flow);
            self.advance(context, Event::Played, now);
        }
    }
}
