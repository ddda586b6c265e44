//! A call for help: what is otherwise for it than for other calls to the outside.
//!
//! Owns: who is told on site, the carrier that says nothing of use, audio where there are no ports, the call back. Does not own: the order
//! of trunks (`outside`), and who may call (`tenant::help`).
//!
//! - 100 says only that a carrier is there: within `try_s` it has to say more, or the next trunk is tried.
//! - Networks lose what is too large for them: where every carrier has failed and one that was told the location has not said a word,
//!   all are tried once more without it.
//! - Where the media plane has nothing left, not even of what is kept back for this, audio goes straight between phone and carrier:
//!   that it learns the phone's address is better than no call.

use super::target::Told;
use super::{Call, Phase, callerid, transit};
use crate::callbacks::{Callback, LONGEST};
use crate::context::Context;
use crate::effect::Effect;
use crate::location::Binding;
use crate::pidf;
use flow::{Flow, Node, NodeId, Otherwise, Outside, Run};
use model::{
    CallId, EmergencyCall, Now, Site, SrtpPolicy, TenantConfig, TrunkDraft, TrunkId, TrunkLocation, TrunkSos,
    WhichPhone,
};
use sip::{Message, Name};
use std::sync::Arc;
use std::time::Duration;

/// How long the phone rings that is called back, seconds, and then all phones of its user.
const CALLED_BACK_S: u32 = 60;

impl Call {
    /// Somebody calls for help: it has room of its own, and people on site hear of it.
    pub(super) fn calls_for_help(&mut self, context: &mut Context, what: &Outside) {
        let config = Arc::clone(&context.config);
        let site = self.site(&config);
        self.config = context.config_for_help();
        if context.has_help_left() && !context.numbering.is_test(&what.number) {
            context.helping.insert(self.id);
        }
        context.counts.emergency_calls += 1;
        let call = EmergencyCall {
            tenant: self.config.id(),
            call: self.id,
            number: what.number.clone(),
            from: self.record.caller.number.as_str().into(),
            display: self.record.caller.display.as_str().into(),
            device: self.record.caller.device,
            address: self.caller.flow.remote,
            location: site.map(|(name, site)| (name.into(), site.text().into())),
        };
        context.alarms.push(call.clone());
        context.out.push(Effect::Emergency(Box::new(call)));
    }

    /// Where the phone is that calls. Who calls from outside is nowhere in the tenant.
    pub(super) fn site<'c>(&self, config: &'c TenantConfig) -> Option<(&'c str, &'c Site)> {
        let caller = &self.record.caller;
        let user = self
            .caller
            .user()
            .or(caller.user)
            .and_then(|id| config.user(id))?;
        let device = caller.device.and_then(|id| config.device_by_id(id));
        config.policy().site_of(&WhichPhone {
            username: device.map(|device| &*device.username),
            extension: Some(&user.extension),
            address: Some(self.caller.flow.remote.ip()),
        })
    }

    /// Whoever takes the call may call this number back.
    pub(super) fn may_be_called_back(
        &self,
        context: &mut Context,
        what: &Outside,
        shown: Option<&str>,
        now: Now,
    ) {
        // A machine calls nobody back.
        if context.numbering.is_test(&what.number) {
            return;
        }
        let until = called_back_until(context, now);
        let user = self.caller.user().or(self.record.caller.user);
        let number = shown.and_then(number::E164::parse);
        if until <= now.mono {
            return;
        }
        // Its time begins when the call is over.
        let until = now.mono.saturating_add(LONGEST);
        if let Some(number) = number.filter(|_| self.transit.is_some()) {
            context.callbacks.remember_carried(self.id, number.value(), until);
        }
        let (Some(user), Some(number)) = (user, number) else {
            return;
        };
        let to = Callback {
            user,
            device: self.record.caller.device,
            phone: self.caller.key.clone(),
            own: callerid::number_of(&context.config, user).as_deref() == shown,
        };
        context.callbacks.remember(self.id, number.value(), to, until);
    }

    /// A call for help is over: who calls back has his time from now on.
    pub(super) fn help_is_over(&self, context: &mut Context, now: Now) {
        if self.is_emergency() {
            let until = called_back_until(context, now);
            context.callbacks.over(self.id, until);
        }
    }

    /// What a carrier is told of a call for help beside what it is told of any.
    pub(super) fn told_of_help(
        &self,
        context: &mut Context,
        draft: &TrunkDraft,
        what: &Outside,
        mut told: Told,
        now: Now,
    ) -> Told {
        if draft.sos == TrunkSos::Urn
            && !draft.leads_inside()
            && let Some(urn) = context.numbering.urn(&what.number)
        {
            let route = told.target.split_once('@').map_or("", |(_, host)| host);
            // A name leads nowhere by itself (RFC 6881 §8, ED-63).
            told.headers.push((Name::Route, format!("<sip:{route};lr>")));
            told.to = format!("<{urn}>");
            told.target = urn;
        }
        let config = Arc::clone(&context.config);
        // Between tenants of this server there is no carrier who could mind.
        let is_wanted = draft.location == TrunkLocation::Pidf || draft.leads_inside();
        let is_told = is_wanted && !self.goes_round();
        let document = match self.site(&config) {
            _ if !is_told => None,
            Some((_, site)) => Some(pidf::document(&pidf::Whereabouts {
                entity: uri_in(&told.from),
                device: &self.urn_of_phone(),
                language: &config.policy().language,
                site,
                now: now.wall,
            })),
            None => self.place.as_deref().map(str::to_owned),
        };
        let random = context.random();
        told.location = document.map(|document| pidf::Told::new(document, draft.domain(), random));
        told
    }

    /// A name for the phone that says nothing of it (RFC 9562 §5.8).
    fn urn_of_phone(&self) -> String {
        let tenant = self.config.id().0;
        let device = self.record.caller.device.map_or(0, |device| device.0) & 0xffff_ffff_ffff;
        let (high, low) = ((tenant >> 16) & 0xffff_ffff, tenant & 0xffff);
        format!("urn:uuid:{high:08x}-{low:04x}-8000-8000-{device:012x}")
    }

    /// A carrier refuses what it was told of the caller's place: it gets the call without. True where that is so.
    pub(super) fn keeps_location(
        &mut self,
        context: &mut Context,
        index: usize,
        code: u16,
        now: Now,
    ) -> bool {
        let is_about_body = matches!(code, 400 | 413 | 415 | 424 | 488 | 513);
        let target = self.targets.get_mut(index);
        let Some(target) = target.filter(|target| is_about_body && target.is_ringing()) else {
            return false;
        };
        let told = target.carrier.as_mut().and_then(|told| told.location.take());
        if told.is_none() {
            return false;
        }
        target.renew(context);
        self.run.note(&format!("without location ({code})"));
        self.send_invite(context, index, now);
        self.conclude(context, now);
        true
    }

    /// The carrier that is tried has said 100 in good time, and nothing since.
    pub(super) fn passes_mute_carrier_over(&mut self, context: &mut Context, index: usize, now: Now) {
        let Some(trunk) = self.targets.get(index).and_then(|target| target.peer.trunk()) else {
            return;
        };
        context.carrier_fails(trunk, now);
        self.gives_carrier_up(context, index, (408, false), true, now);
    }

    /// There are no ports. True where the call goes on without: what the phone and the carrier say of themselves is passed on.
    pub(super) fn goes_without_relay(&mut self, context: &mut Context, now: Now) -> bool {
        let codecs = &self.config.policy().codecs;
        let offer = self.offer.as_ref().and_then(|offer| offer.audio(codecs));
        let is_plain = offer.is_some_and(|audio| !audio.is_protected()) && !self.caller.side.is_web();
        if !self.is_emergency() || !is_plain || self.phase != Phase::Opening || self.is_transfer() {
            return false;
        }
        self.run.note("no ports, audio straight");
        self.caller.side.forget_keys(true);
        self.dial(context, now);
        true
    }

    /// True for a phone that is meant where the call is one back to somebody who has called for help.
    pub(super) fn calls_back_to(&self, binding: &Binding) -> bool {
        self.calls_back.as_ref().is_none_or(|back| back.means(binding))
    }
}

/// What stands in brackets.
fn uri_in(address: &str) -> &str {
    let inner = address.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or("", |(uri, _)| uri)
}

/// How the audio of a new call has to be protected: of one for help it may be, and need not.
pub(super) fn protection(context: &Context, call: CallId, policy: SrtpPolicy) -> SrtpPolicy {
    match policy {
        SrtpPolicy::Required if context.helping.contains(&call) => SrtpPolicy::Optional,
        policy => policy,
    }
}

/// True for a carrier's call back to a company whose call for help this one has carried: whether its phone is meant is for that
/// company to say. What does not say that it is one has room of its own once at a time.
pub(super) fn carries_back(
    context: &mut Context,
    trunk: TrunkId,
    message: &Message<'_>,
    number: u64,
    now: Now,
) -> bool {
    let Context {
        callbacks, helping, ..
    } = context;
    trunk != TrunkId::INSIDE && callbacks.is_carried(number, transit::is_marked(message), helping, now)
}

fn called_back_until(context: &Context, now: Now) -> Duration {
    let minutes = context.config.policy().emergency_callback_min;
    now.mono
        .saturating_add(Duration::from_secs(u64::from(minutes).saturating_mul(60)))
}

/// Where a carrier's call to this number goes, if it is one back to somebody who has called for help and has a phone that rings: to
/// that phone, and then to all of his, whatever he has set. A number that is not his alone, such as the company's, goes there only
/// where the call says that it is one back (RFC 7090): nobody takes it from the others by calling for help.
pub(super) fn called_back(
    context: &mut Context,
    trunk: TrunkId,
    message: &Message<'_>,
    number: u64,
    now: Now,
) -> Option<(Callback, Run)> {
    let mut back = context.callbacks.find(number, now)?.clone();
    if !(back.own || transit::is_marked(message)) || !transit::is_of_carrier(context, trunk, message) {
        return None;
    }
    let config = &context.config;
    let user = config.user(back.user).filter(|user| user.enabled)?;
    let phones = || context.location.of(user.id).iter();
    phones().next()?;
    if !phones().any(|binding| back.means(binding)) {
        (back.phone, back.device) = (None, None);
    }
    let ring = |label: String, then: Option<NodeId>| Node::Ring {
        users: vec![user.id],
        timeout_s: CALLED_BACK_S,
        label: label.into(),
        otherwise: Otherwise {
            busy: then,
            no_answer: then,
            unreachable: then,
        },
    };
    let number = &user.extension;
    let first = ring(number.to_string(), Some(NodeId(1)));
    let run = Run::new(Flow::new(vec![first, ring(format!("all of {number}"), None)]));
    Some((back, run))
}
