//! What is kept of a call that is up, and how it goes on when the process, or its tenant, died and came back.
//!
//! Owns: when a call is written down, what of it, and its return: dialogs, timers, media on the ports that the phones
//! know, and the question to each phone whether it is still there. Does not own: the journal (the shell's).
//!
//! A call is written when it has stood for a second, and again soon after each change; never on the way of an answer.
//! One that can't go on, for it was in the midst of a change, is hung up after the restart: it has its record.

use super::bridge::Means;
use super::capabilities::Capabilities;
use super::leg::{Exchange, Leg};
use super::nouns::Joining;
use super::record::{Record, q850};
use super::session::Session;
use super::session_id::SessionIds;
use super::{Bridge, Call, Phase, codecs, keys};
use crate::context::{Context, LegRef, TimerKind};
use crate::effect::Effect;
use crate::following::PhoneKey;
use crate::peer::Peer;
use flow::{Flow, Run};
use model::{
    CallChange, CallCheckpoint, Cause, DialogRecord, EndedBy, Leg as SideOf, LegCheckpoint, Now,
    SessionCheckpoint, TrunkId, Wall,
};
use sdp::{Description, Side};
use sip::dialog::Dialog;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

/// A call that has stood for less is not worth the disk, milliseconds.
const STANDS_MS: u64 = 1_000;
/// From a change to its keeping, and between two looks whether a change under way is over, milliseconds.
const CHANGED_MS: u64 = 250;
/// CSeq numbers that a dialog may use before it is written again.
const CSEQ_STEP: u32 = 64;
/// Versions of our descriptions that may have been lost.
const VERSIONS: u64 = 16;
/// Octets of a description that is kept; longer ones are no phone's.
const LONGEST_TEXT: usize = 8_192;
/// A phone is asked this long after the restart at the earliest, milliseconds.
const PROBE_MS: u64 = 2_000;
/// From call to call, so that the phones of a whole node are not asked in one moment, milliseconds.
const PROBE_STEP_MS: u64 = 20;
/// Looks at a phone that is away and has no binding to come back to, before its call is given up.
const MOST_LOOKS: u8 = 16;
/// A session timer that ran out while nobody was there is not held against the phone so soon, seconds.
const SESSION_GRACE_S: u64 = 90;

/// What of the call is on disk.
#[derive(Default)]
pub(super) struct Kept {
    written: bool,
    /// No request of ours may have a higher CSeq number, caller's dialog first.
    reserved: (u32, u32),
}

/// A call of an earlier life, while a phone of it has not shown that it is still there.
pub(super) struct Restored {
    /// The last sign of life before, and how long they had talked by then.
    sign: Wall,
    talk: Duration,
    caller: Proof,
    callee: Proof,
}

/// What is known of one phone.
#[derive(Default)]
struct Proof {
    alive: bool,
    asked: bool,
    looks: u8,
}

impl Restored {
    fn proof(&mut self, side: SideOf) -> &mut Proof {
        match side {
            SideOf::Caller => &mut self.caller,
            SideOf::Callee => &mut self.callee,
        }
    }
}

impl Call {
    /// The call is up: it is kept when it has stood for a while.
    pub(super) fn keep_later(&mut self, context: &mut Context, now: Now) {
        self.set_timer(context, TimerKind::Keep, STANDS_MS, now);
    }

    /// Something changed of what is kept.
    pub(super) fn changed(&mut self, context: &mut Context, now: Now) {
        let waits = self.timers.iter().any(|(kind, _)| *kind == TimerKind::Keep);
        if self.phase == Phase::Answered && self.kept.written && !waits {
            self.set_timer(context, TimerKind::Keep, CHANGED_MS, now);
        }
    }

    /// Requests of ours come near the CSeq numbers that were reserved.
    pub(super) fn watch_cseq(&mut self, context: &mut Context, now: Now) {
        let far = |leg: &Leg, reserved: u32| leg.dialog.local_cseq.saturating_add(CSEQ_STEP / 2) > reserved;
        let (caller, callee) = self.kept.reserved;
        if far(&self.caller, caller) || self.callee.as_ref().is_some_and(|leg| far(leg, callee)) {
            self.changed(context, now);
        }
    }

    /// Writes the call down, whole if nothing is under way, else so that it has its record at least.
    pub(super) fn keep(&mut self, context: &mut Context, now: Now) {
        let quiet = self.is_quiet();
        if quiet || !self.kept.written {
            self.write(context, quiet, now);
        }
        if !quiet {
            let wait = if self.kept.written { CHANGED_MS } else { STANDS_MS };
            self.set_timer(context, TimerKind::Keep, wait, now);
        }
    }

    /// The record is written: the call is not to come back.
    pub(super) fn forget_kept(&mut self, context: &mut Context) {
        self.cancel_timer(context, TimerKind::Keep);
        if std::mem::take(&mut self.kept).written {
            let (tenant, call) = (self.config.id(), self.id);
            context
                .out
                .push(Effect::Call(CallChange::Remove { tenant, call }));
        }
    }

    /// True when both legs have agreed on what they know of each other, and nothing moves.
    fn is_quiet(&self) -> bool {
        let settled = |leg: &Leg| {
            leg.is_present()
                && matches!(leg.exchange, Exchange::Idle)
                && leg.unacknowledged.is_none()
                && leg.owed.is_none()
                && leg.parting.is_none()
        };
        self.phase == Phase::Answered
            && self.invite.is_none()
            && !self.is_moving()
            && self.moves.lingering.is_none()
            && self.moves.acts.is_empty()
            && settled(&self.caller)
            && self.callee.as_ref().is_some_and(settled)
    }

    fn write(&mut self, context: &mut Context, quiet: bool, now: Now) {
        let Some(callee) = self.callee.as_ref().filter(|leg| leg.is_present()) else {
            return;
        };
        if !self.caller.is_present() {
            return;
        }
        let (caller, callee) = (kept_leg(&self.caller, now), kept_leg(callee, now));
        let whole = [&caller, &callee].into_iter().all(|leg| leg.is_some());
        let legs = caller
            .or_else(|| bare_leg(&self.caller, now))
            .zip(callee.or_else(|| self.callee.as_ref().and_then(|leg| bare_leg(leg, now))));
        let Some((caller, callee)) = legs else { return };
        let talked = self.record.talk(now);
        let (sign, talk) = match &self.restored {
            Some(restored) => (restored.sign, restored.talk),
            None => (now.wall, talked),
        };
        let tenant = self.config.id();
        let longest = Duration::from_secs(u64::from(self.config.policy().max_call_s));
        let (path, suites) = (self.run.path(), self.bridge.suites());
        let Some(record) = self.record.so_far(tenant, path, suites, (sign, talk), now) else {
            return;
        };
        self.kept = Kept {
            written: true,
            reserved: (caller.dialog.local_cseq, callee.dialog.local_cseq),
        };
        let checkpoint = CallCheckpoint {
            tenant,
            call: self.id,
            record: *record,
            caller,
            callee,
            longest: now.wall.after(longest.saturating_sub(talked)),
            ports: self.bridge.addresses(),
            identity: (self.identity.0.as_str().into(), self.identity.1.as_str().into()),
            session_ids: self.session_ids.as_ref().map(|ids| ids.both()),
            tickets: [Some(&self.caller), self.callee.as_ref()]
                .into_iter()
                .filter_map(|leg| leg?.ticket)
                .collect(),
            ends: !quiet || !whole,
        };
        let put = CallChange::Put(Box::new(checkpoint));
        context.out.push(Effect::Call(put));
    }

    /// Puts a call back that the journal kept; `nth` of its tenant. It is hung up at once if it can't go on.
    pub(crate) fn revive(context: &mut Context, kept: CallCheckpoint, nth: u64, now: Now) -> Call {
        let config = Arc::clone(&context.config);
        let mut run = Run::new(Flow::new(Vec::new()));
        kept.record.path.iter().for_each(|step| run.note(step));
        let restored = Restored {
            sign: kept.record.end,
            talk: Duration::from_millis(kept.record.talk_ms),
            caller: Proof::default(),
            callee: Proof::default(),
        };
        let suites = (kept.record.caller_srtp, kept.record.callee_srtp);
        let record = Record::restored(kept.record, now);
        let caller = restored_leg(context, kept.caller, now);
        let callee = restored_leg(context, kept.callee, now);
        let silence_s = config.policy().media_silence_s;
        let means = Means::of(config.policy());
        let longest = u64::from(config.policy().max_call_s) * 1000;
        let mut call = Call::new(kept.call, config, run, record, caller, None);
        call.phase = Phase::Answered;
        call.callee = Some(callee);
        call.identity = (kept.identity.0.into(), kept.identity.1.into());
        call.session_ids = kept.session_ids.map(SessionIds::of_both);
        call.bridge = Bridge::restored(kept.tenant, kept.call, means, kept.ports, suites);
        call.restored = Some(Box::new(restored));
        call.kept.written = true;
        let mut tickets = kept.tickets.into_iter();
        for side in [SideOf::Caller, SideOf::Callee] {
            // Those that carriers have called us by cost nothing, and have none.
            if let Some(leg) = call
                .leg_mut(side)
                .filter(|leg| leg.peer.trunk().is_some() && leg.invited)
            {
                leg.ticket = tickets.next();
            }
        }
        for side in [SideOf::Caller, SideOf::Callee] {
            let Some(leg) = call.leg(side) else { continue };
            let (tag, user) = (leg.dialog.local_tag.clone().into_boxed_str(), leg.user());
            context.legs.insert(tag, LegRef { call: call.id, side });
            context.following.joins(user, call.id);
            if let Some(trunk) = call.trunk_of(side) {
                call.holds_channels(context, trunk);
            }
        }
        if call.is_emergency() {
            context.helping.insert(call.id);
            call.config = context.config_for_help();
        }
        call.show(context);
        if kept.ends {
            call.lost_in_restart(context, now);
            return call;
        }
        call.bridge.reopen(context, silence_s);
        if !call.is_emergency() {
            let left = u64::try_from(kept.longest.since(now.wall).as_millis()).unwrap_or(u64::MAX);
            call.set_timer(context, TimerKind::Longest, left.min(longest), now);
        }
        call.write(context, true, now);
        let first = PROBE_MS.saturating_add(nth.min(1_000) * PROBE_STEP_MS);
        for (side, at) in [
            (SideOf::Caller, first),
            (SideOf::Callee, first + PROBE_STEP_MS / 2),
        ] {
            call.take_up_session(context, side, now);
            call.set_timer(context, TimerKind::Probe(side), at, now);
        }
        call
    }

    /// The session timer of a leg goes on.
    fn take_up_session(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let Some(session) = self.leg(side).and_then(|leg| leg.session) else {
            return;
        };
        let left = session.end.saturating_sub(now.mono);
        let wait = if session.we_refresh { left / 2 } else { left };
        let wait = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        self.set_timer(context, TimerKind::Session(side), wait, now);
    }

    /// Media is there again; phones that know other ports of ours are told.
    pub(super) fn media_reopened(
        &mut self,
        context: &mut Context,
        (caller, callee): (SocketAddr, SocketAddr),
        now: Now,
    ) {
        let moved = self.bridge.addresses() != Some((caller, callee));
        self.bridge.opened(caller, callee);
        let config = Arc::clone(&self.config);
        self.media_follows(context, &config.policy().codecs);
        // The recording of the earlier life was cut with it.
        self.record_by_policy(context);
        if moved {
            self.moves.joining = Some(Joining {
                rounds: 1,
                refusals: 0,
                turn: SideOf::Caller,
                anyhow: false,
            });
            self.ask_next(context, now);
            self.changed(context, now);
        }
    }

    /// No port is left for a call that had some.
    pub(super) fn media_not_reopened(&mut self, context: &mut Context, now: Now) {
        context.counts.ports_exhausted += 1;
        self.bridge.forget(context);
        let cause = q850::RESOURCE_UNAVAILABLE;
        self.hang_up(context, cause, EndedBy::System, "no media port", now);
    }

    /// Asks a phone whether it is still there: by a refresh of its session, which a phone without the call refuses.
    pub(super) fn probe(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let Some(leg) = self.leg(side).filter(|_| self.restored.is_some()) else {
            return;
        };
        let idle =
            matches!(leg.exchange, Exchange::Idle) && leg.unacknowledged.is_none() && leg.owed.is_none();
        let asked = leg.session.is_some_and(|s| s.updating.is_some());
        let free = idle && !asked && self.moves.joining.is_none();
        let (away, bound) = (leg.away, is_bound(context, leg));
        let Some(proof) = self.restored.as_mut().map(|restored| restored.proof(side)) else {
            return;
        };
        proof.looks = proof.looks.saturating_add(1);
        if away && !bound && proof.looks > MOST_LOOKS {
            return self.lost_in_restart(context, now);
        }
        if !away && free && self.refresh(context, side, now) {
            if let Some(restored) = &mut self.restored {
                restored.proof(side).asked = true;
            }
            return;
        }
        self.set_timer(context, TimerKind::Probe(side), PROBE_MS, now);
    }

    /// True once for each probe that awaits an answer.
    pub(super) fn take_probe(&mut self, side: SideOf) -> bool {
        let restored = self.restored.as_mut();
        restored.is_some_and(|restored| std::mem::take(&mut restored.proof(side).asked))
    }

    /// What a probe came to when it was no answer by the phone; true when that was all there is to do about it.
    pub(super) fn probe_failed(&mut self, context: &mut Context, side: SideOf, code: u16, now: Now) -> bool {
        if self.restored.is_none() {
            return false;
        }
        let away = self
            .leg(side)
            .is_some_and(|leg| leg.away || leg.was_asked_elsewhere());
        match code {
            481 => self.lost_in_restart(context, now),
            408 | 503 if away => self.set_timer(context, TimerKind::Probe(side), PROBE_MS, now),
            408 => self.lost_in_restart(context, now),
            _ => return false,
        }
        true
    }

    /// The phone is still there. When both are, the call is one like any other.
    pub(super) fn shows_life(&mut self, context: &mut Context, side: SideOf, now: Now) {
        let Some(restored) = &mut self.restored else {
            return;
        };
        let proof = restored.proof(side);
        (proof.alive, proof.asked) = (true, false);
        if restored.caller.alive && restored.callee.alive {
            self.restored = None;
        }
        self.cancel_timer(context, TimerKind::Probe(side));
        self.changed(context, now);
    }

    /// A phone of the call is not there any more, or nobody knows what it is in the midst of: it ended with the last
    /// sign of life. False for a call that was not restored, or has shown life.
    pub(super) fn lost_in_restart(&mut self, context: &mut Context, now: Now) {
        let Some(restored) = self.restored.take() else {
            return;
        };
        context.counts.calls_lost += 1;
        self.run.note("lost in a restart");
        let cause = Cause {
            sip: 200,
            q850: q850::TEMPORARY_FAILURE,
        };
        self.record.lost(cause, (restored.sign, restored.talk), now);
        let cause = q850::TEMPORARY_FAILURE;
        self.hang_up(context, cause, EndedBy::System, "lost in a restart", now);
    }
}

/// True when a binding leads back to the leg's phone.
fn is_bound(context: &Context, leg: &Leg) -> bool {
    let bindings = leg.user().map_or(&[][..], |user| context.location.of(user));
    let key = leg.key.as_ref();
    key.is_some_and(|key| bindings.iter().any(|b| key.is_same_phone(&b.record)))
}

/// A leg as it is kept; `None` when its descriptions can't be: keys are not written to a disk.
fn kept_leg(leg: &Leg, now: Now) -> Option<LegCheckpoint> {
    let mut kept = bare_leg(leg, now)?;
    let said = leg.side.again();
    let heard = leg.remote.as_ref().map(Description::text);
    let short = |text: &Option<String>| text.as_ref().is_some_and(|text| text.len() <= LONGEST_TEXT);
    let keys = leg.side.is_web()
        || leg.side.suite().is_some()
        || said.as_ref().is_some_and(|said| said.contains("\na=crypto:"));
    if keys || !short(&said) || !short(&heard) {
        return None;
    }
    (kept.said, kept.heard) = (said.map(Into::into), heard.map(Into::into));
    Some(kept)
}

/// A leg as it is kept for a BYE.
fn bare_leg(leg: &Leg, now: Now) -> Option<LegCheckpoint> {
    let dialog = &leg.dialog;
    let boxed = |text: &String| Box::<str>::from(text.as_str());
    let left = |end: Duration| now.wall.after(end.saturating_sub(now.mono));
    leg.is_present().then(|| LegCheckpoint {
        dialog: DialogRecord {
            call_id: boxed(&dialog.call_id),
            local_tag: boxed(&dialog.local_tag),
            remote_tag: boxed(&dialog.remote_tag),
            local: boxed(&dialog.local),
            remote: boxed(&dialog.remote),
            local_cseq: dialog.local_cseq.saturating_add(CSEQ_STEP),
            remote_cseq: dialog.remote_cseq.unwrap_or(0),
            remote_target: boxed(&dialog.remote_target),
            route_set: dialog.route_set.iter().map(boxed).collect(),
        },
        unheard: dialog.remote_cseq.is_none(),
        user: leg.user(),
        trunk: leg.peer.trunk(),
        flow: leg.flow,
        binding: leg.key.as_ref().map(|key| key.key().clone()),
        instance: leg.key.as_ref().and_then(|key| key.instance().map(Into::into)),
        said: None,
        heard: None,
        update: leg.can.update,
        info: leg.can.info,
        invited: leg.invited,
        session: leg.session.map(|session| SessionCheckpoint {
            interval_s: session.interval_s,
            we_refresh: session.we_refresh,
            end: left(session.end),
        }),
        session_id: leg.session_id.clone(),
    })
}

/// A leg as it goes on. A phone on a connection is away: the connection died with us.
fn restored_leg(context: &mut Context, kept: LegCheckpoint, now: Now) -> Leg {
    let record = kept.dialog;
    let dialog = Dialog {
        call_id: record.call_id.into(),
        local_tag: record.local_tag.into(),
        remote_tag: record.remote_tag.into(),
        local: record.local.into(),
        remote: record.remote.into(),
        local_cseq: record.local_cseq,
        remote_cseq: (!kept.unheard).then_some(record.remote_cseq),
        remote_target: record.remote_target.into(),
        route_set: record.route_set.into_iter().map(Into::into).collect(),
    };
    let key = kept.binding.map(|key| PhoneKey::restored(key, kept.instance));
    let mut flow = kept.flow;
    let away = flow.transport.is_reliable();
    if away {
        // The number may be another phone's by now.
        flow.connection = u64::MAX;
    }
    let mut side = match kept.said.as_deref().and_then(Side::recall) {
        Some(mut side) => {
            side.skip(VERSIONS);
            side
        }
        None => Side::new(context.random() >> 1),
    };
    // Of neither: a carrier that nothing is known of.
    let trunk = || Peer::Trunk(kept.trunk.unwrap_or(TrunkId(0)));
    let peer = kept.user.map_or_else(trunk, Peer::User);
    side.forget_keys(keys::may_be_plain(keys::policy_of(&context.config, peer)));
    codecs::restrict(&context.config, peer, &mut side);
    let mut leg = Leg::new(dialog, flow, peer, key, side);
    leg.away = away;
    leg.remote = kept
        .heard
        .and_then(|text| Description::parse(text.as_bytes()).ok());
    leg.can = Capabilities {
        update: kept.update,
        info: kept.info,
    };
    leg.invited = kept.invited;
    leg.session_id = kept.session_id;
    leg.session = kept.session.map(|session| {
        let longest = Duration::from_secs(u64::from(session.interval_s));
        let left = session.end.since(now.wall).min(longest);
        let left = left.max(Duration::from_secs(SESSION_GRACE_S));
        Session::restored(session.interval_s, session.we_refresh, now.mono + left)
    });
    leg
}
