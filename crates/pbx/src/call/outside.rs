//! A call to a number of the public network: which trunk takes it, and the next one where that can't.
//!
//! Owns: waiting for a way, going on to the next carrier, its challenges. Does not own: which trunks may take it (`choice`), the ways
//! (`trunk`), what a carrier is told of the caller (`callerid`), what it holds (`holdings`).
//!
//! - Another carrier is tried only while the one before has said nothing of the called party: no 18x, no answer, no refusal that is
//!   the called party's. Silence counts after `try_s`, where another can be tried at all.
//! - An emergency call asks for no limit: neither of the tenant nor of a trunk, and goes on after any refusal. Trunks of emergency routes come first, then all others,
//!   those that seem to be down last.
//! - Audio of such calls is always relayed: carriers learn no address of a phone.

use super::target::{State, Target, Told};
use super::{Call, Phase, record};
use crate::carriers::{LONGEST_WAIT, News, Way};
use crate::context::{Context, TimerKind};
use flow::{Event, Outside, Refusal};
use model::{DestinationClass, FlowToken, Now, TollTicket, Trunk, TrunkId};
use sip::{Message, Name};
use std::collections::VecDeque;
use std::sync::Arc;

/// Places of one trunk that one call tries.
const MOST_PLACES: u8 = 3;
/// Challenges that one INVITE answers: the first, and one whose nonce was too old.
const MOST_CHALLENGES: u8 = 2;
/// INVITEs to carriers of one call.
const MOST_TRIES: usize = 16;
/// How long a number outside rings: carriers end it sooner by themselves.
const RING_S: u32 = 180;

/// A number outside that is being called.
pub(super) struct Outgoing {
    what: Outside,
    /// Trunks that were not tried yet.
    left: VecDeque<TrunkId>,
    /// The one that is tried, and how many of its places were.
    at: Option<(TrunkId, u8)>,
    /// The trunk that it has a channel of.
    pub(super) on: Option<TrunkId>,
    /// There is no way to it yet.
    waits: bool,
    /// The way of it that has failed.
    failed: Option<u64>,
    tries: usize,
    /// Limits let it go nowhere but to the neighbour.
    pub(super) stays: bool,
    /// All were tried, and are once more, without what may have been too large to arrive.
    again: bool,
    /// By which the tenant's limits know it. Answered it goes with the carrier's leg.
    pub(super) ticket: TollTicket,
}

impl Call {
    /// Calls a number outside.
    pub(super) fn call_outside(&mut self, context: &mut Context, what: Outside, now: Now) {
        self.round = self.targets.len();
        self.record.callee.number = what.number.to_string();
        self.record.called(what.class);
        let is_emergency = what.class == DestinationClass::Emergency;
        if is_emergency {
            self.calls_for_help(context, &what);
        }
        let mut left = self.trunks_for(context, &what, now);
        if left.is_empty() {
            context.counts.no_trunk += 1;
            // Where there are no trunks at all it is a number that leads nowhere.
            let refusal = match is_emergency || !self.config.trunks().is_empty() {
                true => Refusal::NoTrunk,
                false => Refusal::UnknownNumber,
            };
            return self.advance(context, Event::Unanswered(refusal), now);
        }
        let Some(ticket) = self.allowed(context, &what, &mut left, now) else {
            context.counts.toll_refused += 1;
            return self.advance(context, Event::Unanswered(Refusal::Forbidden), now);
        };
        self.ring_timeout_s = RING_S;
        self.outgoing = Some(Box::new(Outgoing {
            what,
            left,
            at: None,
            on: None,
            waits: false,
            failed: None,
            tries: 0,
            stays: false,
            again: false,
            ticket,
        }));
        self.next_carrier(context, now);
    }

    /// Goes on to the next carrier, or ends the attempt.
    fn next_carrier(&mut self, context: &mut Context, now: Now) {
        self.cancel_timer(context, TimerKind::Carrier);
        context.carriers.stops_waiting(self.id);
        let config = Arc::clone(&context.config);
        loop {
            let Some(outgoing) = &mut self.outgoing else {
                return;
            };
            outgoing.waits = false;
            let is_emergency = outgoing.what.class == DestinationClass::Emergency;
            let again = outgoing.at.filter(|(trunk, places)| {
                let known = context.carriers.way(*trunk).map_or(0, |way| way.places);
                usize::from(*places) < known && *places < MOST_PLACES
            });
            let spent = outgoing.tries >= MOST_TRIES;
            let next = again.map(|(trunk, _)| trunk).or_else(|| {
                (outgoing.at, outgoing.failed) = (None, None);
                outgoing.left.pop_front()
            });
            let Some(trunk) = next.filter(|_| !spent).and_then(|id| config.trunk(id)) else {
                return self.no_carrier_left(context, now);
            };
            let has_room = again.is_some() || context.carriers.has_room(trunk.id, &trunk.draft, now);
            if !trunk.draft.enabled || (!has_room && !is_emergency) {
                context.counts.trunk_full += u64::from(!has_room);
                continue;
            }
            if !self.changes_trunk(context, trunk.id, now) {
                continue;
            }
            let Some(outgoing) = &mut self.outgoing else {
                return;
            };
            let places = again.map_or(0, |(_, places)| places);
            outgoing.at = Some((trunk.id, places.saturating_add(1)));
            match context.carriers.way(trunk.id).cloned() {
                Some(way) if self.is_usable(&way) => return self.call_carrier(context, trunk, &way, now),
                Some(way) if !way.closed || is_emergency => {
                    if let Some(outgoing) = &mut self.outgoing {
                        outgoing.waits = true;
                    }
                    let news = if is_emergency { News::Needed } else { News::Wanted };
                    context.carriers.tell(trunk.id, news);
                    context.carriers.waits(self.id);
                    let wait = u64::try_from(LONGEST_WAIT.as_millis()).unwrap_or(u64::MAX);
                    return self.set_timer(context, TimerKind::Carrier, wait, now);
                }
                _ => context.carriers.tell(trunk.id, News::Wanted),
            }
        }
    }

    /// A way that has not just failed.
    fn is_usable(&self, way: &Way) -> bool {
        let failed = self.outgoing.as_ref().and_then(|outgoing| outgoing.failed);
        way.flow.is_some() && failed != Some(way.order)
    }

    /// Nobody takes it.
    fn no_carrier_left(&mut self, context: &mut Context, now: Now) {
        if self.may_go_round() {
            let config = Arc::clone(&context.config);
            if let Some(outgoing) = &mut self.outgoing {
                for id in self.targets.iter().filter_map(|target| target.peer.trunk()) {
                    if config.trunk(id).is_some() && !outgoing.left.contains(&id) {
                        outgoing.left.push_back(id);
                    }
                }
                outgoing.again = true;
            }
            return self.next_carrier(context, now);
        }
        let tried = self.targets.len() > self.round;
        if !tried {
            context.counts.no_trunk += 1;
            return self.advance(context, Event::Unanswered(Refusal::NoTrunk), now);
        }
        let codes = self.targets.iter().filter_map(|target| match target.state {
            State::Done(code) if target.peer.trunk().is_some() => Some(code),
            _ => None,
        });
        let refusal = match record::refusal_of(codes, false) {
            Refusal::Unreachable => Refusal::NoTrunk,
            refusal => refusal,
        };
        self.advance(context, Event::Unanswered(refusal), now);
    }

    /// Sends the call to a carrier.
    fn call_carrier(&mut self, context: &mut Context, trunk: &Trunk, way: &Way, now: Now) {
        let Some((flow, outgoing)) = way.flow.zip(self.outgoing.as_mut()) else {
            return;
        };
        outgoing.tries = outgoing.tries.saturating_add(1);
        let what = outgoing.what.clone();
        self.run.note(&format!("trunk {}", trunk.name));
        self.record.callee.trunk = Some(trunk.name.to_string());
        outgoing.on = Some(trunk.id);
        context.carriers.begins(trunk.id, now);
        self.holds_channels(context, trunk.id);
        context.counts.trunk_calls += 1;
        let told = self.told_to(context, trunk, &what, (&flow, way.order), now);
        let target = Target::outside(context, trunk.id, flow, told);
        self.targets.push(target);
        // Those before have had their last word, or will be told to go.
        self.round = self.targets.len().saturating_sub(1);
        self.bridge.relay(self.config.id(), self.id);
        // Whatever comes of it below may lead to the next one, which has a time of its own.
        let try_ms = u64::from(trunk.draft.try_s).saturating_mul(1_000);
        self.set_timer(context, TimerKind::Carrier, try_ms, now);
        let (caller, faces) = (self.caller.flow, self.audio_faces(context, trunk.id, flow));
        if !self.reserve_media(context, &caller, &faces, now) {
            self.dial(context, now);
        } else if self.phase == Phase::Ringing {
            self.phase = Phase::Opening;
        }
    }

    /// The way whose address audio has on the callee's side. Where a neighbour does not take the call a carrier may have it: so it is one
    /// that carriers reach, which for neighbours is as good as any.
    fn audio_faces(&self, context: &Context, trunk: TrunkId, flow: FlowToken) -> FlowToken {
        let mut ways = self
            .config
            .trunks()
            .iter()
            .filter_map(|own| context.carriers.way(own.id)?.flow);
        let fits = |way: &FlowToken| !way.is_inside() && way.local.is_ipv4() == flow.local.is_ipv4();
        match trunk == TrunkId::INSIDE && self.transit.is_none() {
            true => ways.find(fits).unwrap_or(flow),
            false => flow,
        }
    }

    /// Ways have changed while the call waits for one.
    pub(crate) fn carriers_changed(&mut self, context: &mut Context, now: Now) {
        let Some(outgoing) = self.outgoing.as_ref().filter(|outgoing| outgoing.waits) else {
            return;
        };
        let Some((id, _)) = outgoing.at else { return };
        let config = Arc::clone(&context.config);
        let way = context.carriers.way(id).cloned();
        match (config.trunk(id), way) {
            (Some(trunk), Some(way)) if self.is_usable(&way) => {
                self.cancel_timer(context, TimerKind::Carrier);
                context.carriers.stops_waiting(self.id);
                if let Some(outgoing) = &mut self.outgoing {
                    outgoing.waits = false;
                }
                self.call_carrier(context, trunk, &way, now);
            }
            (Some(_), Some(way)) if !way.closed => {}
            _ => self.skip_carrier(context, now),
        }
    }

    /// The trunk that is tried is given up, whatever places it has.
    fn skip_carrier(&mut self, context: &mut Context, now: Now) {
        if let Some(outgoing) = &mut self.outgoing {
            outgoing.at = None;
        }
        self.next_carrier(context, now);
    }

    /// The number that is tried.
    pub(super) fn called_outside(&self) -> Option<&Outside> {
        self.outgoing.as_ref().map(|outgoing| &outgoing.what)
    }

    /// Other trunks may carry it, and the tenant's limits know it otherwise.
    pub(super) fn may_take(&mut self, ticket: TollTicket, left: VecDeque<TrunkId>) {
        if let Some(outgoing) = &mut self.outgoing {
            (outgoing.ticket, outgoing.left) = (ticket, left);
        }
    }

    /// By which the tenant's limits know the attempt.
    pub(super) fn outgoing_ticket(&self) -> Option<TollTicket> {
        self.outgoing.as_ref().map(|outgoing| outgoing.ticket)
    }

    /// True while the next carrier is being waited for.
    pub(super) fn waits_for_carrier(&self) -> bool {
        self.outgoing.as_ref().is_some_and(|outgoing| outgoing.waits)
    }

    /// The carrier has said nothing for `try_s`, or no way to it has come.
    pub(super) fn carrier_is_slow(&mut self, context: &mut Context, now: Now) {
        if self.waits_for_carrier() {
            context.carriers.stops_waiting(self.id);
            return self.skip_carrier(context, now);
        }
        let index = self.targets.len().saturating_sub(1);
        let Some(target) = self.targets.get(index).filter(|target| target.is_ringing()) else {
            return;
        };
        let is_mute = target.carrier.as_ref().is_some_and(|told| !told.heard);
        if is_mute && self.goes_outside(context, index, (408, false), now) {
            return;
        }
        // Where no other can be tried, it may take its time.
        if !self.has_another(context) {
            return;
        }
        match is_mute {
            true => {
                self.carrier_failed(context, index, 408, false, now);
            }
            // The timer of other calls has stopped at the first word.
            false if self.has_other_trunk() => self.passes_mute_carrier_over(context, index, now),
            false => {}
        }
    }

    fn has_other_trunk(&self) -> bool {
        let outgoing = self.outgoing.as_ref();
        outgoing.is_some_and(|outgoing| !outgoing.left.is_empty() && outgoing.tries < MOST_TRIES)
    }

    /// The carriers are tried once more: a location makes an INVITE too large for some networks, which says nobody.
    fn may_go_round(&self) -> bool {
        let outgoing = self.outgoing.as_ref();
        let is_first = outgoing.is_some_and(|outgoing| !outgoing.again && outgoing.tries < MOST_TRIES);
        is_first && self.is_emergency() && self.targets.iter().any(Target::may_be_too_large)
    }

    /// True while carriers are tried once more.
    pub(super) fn goes_round(&self) -> bool {
        self.outgoing.as_ref().is_some_and(|outgoing| outgoing.again)
    }

    fn has_another(&self, context: &Context) -> bool {
        let Some(outgoing) = &self.outgoing else {
            return false;
        };
        let places = outgoing.at.is_some_and(|(trunk, places)| {
            let known = context.carriers.way(trunk).map_or(0, |way| way.places);
            usize::from(places) < known && places < MOST_PLACES
        });
        let more = places || !outgoing.left.is_empty() || self.may_go_round();
        more && outgoing.tries < MOST_TRIES
    }

    /// A carrier has said something: it is there. In a call for help it has to say more than that.
    pub(super) fn carrier_speaks(&mut self, context: &mut Context, index: usize, code: u16) {
        let is_enough = code > 100 || !self.is_emergency();
        let Some(target) = self.targets.get_mut(index) else {
            return;
        };
        let Some(trunk) = target.peer.trunk() else { return };
        let first = target
            .carrier
            .as_mut()
            .map(|told| std::mem::replace(&mut told.heard, true));
        match first {
            Some(false) => context.carriers.works(trunk),
            _ if code == 100 => return,
            _ => {}
        }
        // One that was given up says nothing of the one that is tried now.
        if is_enough && index.saturating_add(1) == self.targets.len() && !self.waits_for_carrier() {
            self.cancel_timer(context, TimerKind::Carrier);
        }
    }

    /// A carrier's refusal or silence. True where another is tried in its place, or nothing is left to be done.
    pub(super) fn carrier_failed(
        &mut self,
        context: &mut Context,
        index: usize,
        code: u16,
        is_answer: bool,
        now: Now,
    ) -> bool {
        // Whoever refuses a call for help, for whatever reason: another may bring it there.
        let helps = self.is_emergency();
        let goes_round = !is_answer && self.may_go_round();
        let Some(target) = self.targets.get(index) else {
            return false;
        };
        let Some((trunk, told)) = target.peer.trunk().zip(target.carrier.as_ref()) else {
            return false;
        };
        let order = told.order;
        if trunk == TrunkId::INSIDE && self.goes_outside(context, index, (code, is_answer), now) {
            return true;
        }
        let Some(target) = self.targets.get(index) else {
            return false;
        };
        if goes_round && target.may_be_too_large() {
            return self.gives_carrier_up(context, index, (code, false), true, now);
        }
        // A neighbour that is full says nothing of the others behind the same way.
        let is_its_fault =
            matches!(code, 401 | 407 | 408 | 430 | 500 | 502..=504) && trunk != TrunkId::INSIDE;
        match (is_answer, code) {
            (false, _) => context.carriers.tell(trunk, News::Silent(order)),
            (true, 503) => context.carriers.tell(trunk, News::Refused(order)),
            (true, _) => {}
        }
        match is_its_fault {
            true => context.carrier_fails(trunk, now),
            false => context.carriers.works(trunk),
        }
        let rang = target.rang || target.early.iter().any(|early| early.description.is_some());
        let goes_on = helps || (is_its_fault && !rang);
        // What a trunk refuses by one place it refuses by the others, but for 503 and silence.
        let leaves = is_answer && code != 503;
        goes_on && self.gives_carrier_up(context, index, (code, is_answer), leaves, now)
    }

    /// Goes on with another place, or, where the trunk `leaves`, another trunk. False where there is none, or the carrier has had its
    /// last word.
    pub(super) fn gives_carrier_up(
        &mut self,
        context: &mut Context,
        index: usize,
        (code, is_answer): (u16, bool),
        leaves: bool,
        now: Now,
    ) -> bool {
        let may_go_on = self.has_another(context)
            && self.phase == Phase::Ringing
            && index == self.targets.len().saturating_sub(1);
        let target = self
            .targets
            .get_mut(index)
            .filter(|target| may_go_on && target.is_ringing());
        let Some(target) = target else { return false };
        let Some((trunk, told)) = target.peer.trunk().zip(target.carrier.as_ref()) else {
            return false;
        };
        let order = told.order;
        match is_answer {
            true => target.state = State::Done(code),
            false => target.cancel(context, "", now),
        }
        if let Some(outgoing) = &mut self.outgoing {
            (outgoing.failed, outgoing.on) = (Some(order), None);
            if leaves {
                outgoing.at = None;
            }
        }
        self.run.note(&format!("trunk failed ({code})"));
        self.holds_channels(context, trunk);
        context.over.push(self.id);
        self.next_carrier(context, now);
        true
    }

    /// A carrier asks who we are. False when that can't be answered, or was already.
    pub(super) fn proves_itself(
        &mut self,
        context: &mut Context,
        index: usize,
        (code, message): (u16, &Message<'_>),
        now: Now,
    ) -> bool {
        let config = Arc::clone(&context.config);
        let Some(target) = self.targets.get_mut(index).filter(|target| target.is_ringing()) else {
            return false;
        };
        // A phone's challenge is never answered: our credentials are for trunks alone.
        let Some(trunk) = target.peer.trunk().and_then(|id| config.trunk(id)) else {
            return false;
        };
        let Some(told) = target.carrier.as_mut() else {
            return false;
        };
        told.challenges = told.challenges.saturating_add(1);
        if told.challenges > MOST_CHALLENGES || !context.carriers.take_up(trunk, code, message) {
            return false;
        }
        target.renew(context);
        self.send_invite(context, index, now);
        self.conclude(context, now);
        true
    }

    /// It leads to help: no limit ends it.
    pub(super) fn is_emergency(&self) -> bool {
        self.record.class() == Some(DestinationClass::Emergency)
    }

    fn told_to(
        &self,
        context: &mut Context,
        trunk: &Trunk,
        what: &Outside,
        (flow, order): (&FlowToken, u64),
        now: Now,
    ) -> Told {
        let draft = &trunk.draft;
        let mut shown = self.shown_to(context, trunk);
        if what.class == DestinationClass::Emergency {
            self.may_be_called_back(context, what, shown.number.as_deref(), now);
        }
        let signature = self.signature(context, draft, what, &shown, now);
        shown.headers.extend(signature);
        if flow.is_inside() {
            let is_own = shown.is_own(context);
            self.vouch_inside(is_own, &mut shown.headers);
            let is_back = self.transit.is_some_and(|transit| transit.is_back);
            let says = is_back.then(|| (Name::Priority, "psap-callback".to_owned()));
            shown.headers.extend(says);
        }
        let extra = self.extra_for(draft, what, &shown);
        let number = context.numbering.write(&what.number, draft);
        let number = number.replace('#', "%23");
        let port = draft.port.map_or_else(String::new, |port| format!(":{port}"));
        let told = Told {
            target: format!("sip:{number}@{}{port}", draft.whom()),
            from: shown.from,
            to: format!("<sip:{number}@{}>", draft.whom()),
            contact: crate::carriers::contact_of(self.config.id(), trunk.id, flow),
            headers: shown.headers,
            extra,
            writes_allow: draft.headers.leaves("Allow"),
            writes_agent: draft.headers.leaves("User-Agent"),
            location: None,
            challenges: 0,
            heard: false,
            says_why: false,
            order,
        };
        match what.class {
            DestinationClass::Emergency => self.told_of_help(context, draft, what, told, now),
            _ => told,
        }
    }
}
