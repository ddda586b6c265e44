//! The beginning of a call: the INVITE of a phone, or of a carrier, becomes a caller's leg and a flow.
//!
//! Owns: what is read from the INVITE, who the caller is, what the called are told of him. Does not own: whether the INVITE may come in
//! (`tenant`), and what follows (`setup`).

use super::capabilities::Capabilities;
use super::delayed_offer::read_offer;
use super::record::Record;
use super::reliable::Reliable;
use super::session_id::SessionIds;
use super::{Call, Leg, PendingInvite, emergency};
use super::{codecs, identity, intercom, keys, session, transit, user_to_user, web};
use crate::carriers::trunk_in;
use crate::context::{Context, LegRef, Owner, clean};
use crate::dialled::Dialled;
use crate::following::PhoneKey;
use crate::peer::Peer;
use crate::pidf;
use flow::{Flow, Node, Refusal, Run};
use model::{
    CallId, Device, FlowToken, Leg as SideOf, Now, Party, TenantConfig, Trunk, TrunkCalled, TrunkId,
};
use sdp::{Description, Side};
use sip::dialog::Dialog;
use sip::header::NameAddr;
use sip::transaction::ServerId;
use sip::{Message, Name};
use std::sync::Arc;

/// Octets of a name or number that a carrier says.
const LONGEST: usize = 64;

/// An INVITE that has been taken, and answered 100.
struct Arrival {
    offer: Option<Description>,
    dialog: Dialog,
    tag: String,
    server: ServerId,
}

impl Arrival {
    /// `None` when it was refused before it became a call.
    fn take(
        context: &mut Context,
        (id, from): (CallId, Peer),
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) -> Option<Arrival> {
        let offer = read_offer(context, (Some(id), from), message, flow).ok()?;
        let tag = context.new_tag();
        // Nobody asks a call for help to be more private than can be, or to wait.
        if !context.helping.contains(&id) && is_beyond_us(context, message, flow) {
            return None;
        }
        let Ok(dialog) = Dialog::uas(message, &tag) else {
            context.counts.invalid += 1;
            context.reply(message, flow, 400);
            return None;
        };
        let server = context.accept(message, flow, Owner::Caller(id), now)?;
        let trying = context.response(message, flow, 100, None).finish();
        context.tx.respond(server, 100, trying, now.mono);
        context.counts.calls += 1;
        context.live = context.live.saturating_add(1);
        Some(Arrival {
            offer,
            dialog,
            tag,
            server,
        })
    }
}

impl Call {
    /// Takes an authenticated INVITE. `None` when it was refused before it became a call.
    pub(crate) fn begin(
        context: &mut Context,
        id: CallId,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) -> Option<Call> {
        let config = Arc::clone(&context.config);
        let arrival = Arrival::take(context, (id, device.user.into()), message, flow, now)?;
        let srtp = emergency::protection(context, id, config.policy().srtp);
        let Dialled {
            number: dialled,
            domain,
            instance,
        } = Dialled::by(context, message);
        let (caller, callee) = (party(context, device, message), called(&config, &dialled));
        let mut identity = identities(&config, &caller, &dialled);
        let told = tell(context, message, &caller, &mut identity.0);
        make_known(context, arrival.tag, id, device.user.into());
        let mut run = Run::new(context.dialled(&config, device.user, &dialled, &domain));
        run.meet(device.user);
        let record = Record::begin(context, caller, callee, now);
        let mut leg = caller_leg(context, device, arrival.dialog, message, flow);
        if srtp != config.policy().srtp {
            keys::equip(context, srtp, &mut leg.side, &flow, false);
        }
        web::welcome_if_offered(context, &mut leg.side, arrival.offer.as_ref());
        if arrival.offer.as_ref().is_some_and(web::is_dtls_alone) {
            context.location.takes_dtls(leg.user(), &leg.flow, true);
        }
        let mut call = Call::new(id, config, run, record, leg, arrival.offer);
        call.instance = instance;
        (call.identity, call.told) = (identity, told);
        call.enter(arrival.server, message);
        call.start(context, now);
        Some(call)
    }

    /// Takes the INVITE of a carrier, which its tenant has found to be one by this trunk.
    pub(crate) fn begin_from_carrier(
        context: &mut Context,
        id: CallId,
        trunk: &Trunk,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) -> Option<Call> {
        let config = Arc::clone(&context.config);
        let peer = Peer::Trunk(trunk.id);
        let arrival = Arrival::take(context, (id, peer), message, flow, now)?;
        let (dialled, leads_to) = called_by(context, trunk, message);
        let (caller, hides) = carriers_caller(context, trunk, message);
        let callee = called(&config, leads_to.as_deref().unwrap_or(&dialled));
        let mut identity = identities(&config, &caller, &callee.number);
        let told = identity::asserted(&config, &caller, &identity.0, hides);
        if hides {
            identity::ANONYMOUS.clone_into(&mut identity.0);
        }
        make_known(context, arrival.tag, id, peer);
        let back = number_in(&dialled)
            .and_then(|number| emergency::called_back(context, trunk.id, message, number, now));
        let (calls_back, back) = back.unzip();
        let is_back = back.is_some();
        let carried = match leads_to {
            Some(_) => None,
            None => transit::carried(context, trunk, message, &dialled),
        };
        let transit = carried.as_ref().map(|(transit, _)| *transit).filter(|_| !is_back);
        let has_room = transit.is_some_and(|transit| transit.inward) && context.helping.contains(&id);
        if let Some(number) = number_in(&dialled).filter(|_| has_room) {
            context.callbacks.comes_back(number, id);
        }
        let run = back.unwrap_or_else(|| match (&leads_to, carried) {
            (Some(number), _) => Run::new(context.route(&config, number, config.realm())),
            (None, Some((_, what))) => Run::new(Flow::outside(what)),
            (None, None) => Run::new(Flow::new(vec![Node::Refuse(Refusal::UnknownNumber)])),
        });
        let mut record = Record::begin(context, caller, callee, now);
        record.came_to(dialled);
        let mut side = Side::new(context.random() >> 1);
        codecs::restrict(&config, peer, &mut side);
        keys::equip(context, trunk.draft.srtp, &mut side, &flow, false);
        let mut leg = Leg::new(arrival.dialog, flow, peer, None, side);
        leg.can = Capabilities::of(message);
        let mut call = Call::new(id, config, run, record, leg, arrival.offer);
        (call.identity, call.told) = (identity, told);
        call.transit = transit;
        let is_ours = transit.is_some() && trunk.id == TrunkId::INSIDE;
        call.place = is_ours.then(|| pidf::of_neighbour(message)).flatten();
        call.calls_back = calls_back;
        call.run.note(&format!("from trunk {}", trunk.name));
        if is_back {
            call.run.note("back to who called for help");
        }
        // Carriers learn no address of a phone.
        call.bridge.relay(call.config.id(), id);
        context.counts.trunk_calls_in += 1;
        context.carriers.holds(trunk.id, id, 1);
        call.enter(arrival.server, message);
        call.verify_and_start(context, trunk, message, now);
        Some(call)
    }

    /// True where a carrier's INVITE is a call back to somebody who has called for help: there is room for it.
    pub(crate) fn is_back(context: &mut Context, trunk: &Trunk, message: &Message<'_>, now: Now) -> bool {
        if context.callbacks.is_empty() {
            return false;
        }
        let (dialled, leads_to) = called_by(context, trunk, message);
        let Some(number) = number_in(&dialled) else {
            return false;
        };
        let is_carried =
            leads_to.is_none() && emergency::carries_back(context, trunk.id, message, number, now);
        is_carried || emergency::called_back(context, trunk.id, message, number, now).is_some()
    }

    /// The rest of what the INVITE says.
    fn enter(&mut self, server: ServerId, message: &Message<'_>) {
        self.invite = Some(PendingInvite::new(server, message));
        self.reliable = Reliable::of(message);
        self.session_ids = SessionIds::of(message);
        self.max_forwards = hops_left(message);
        if self.caller.flow.is_inside() {
            self.max_forwards = self.max_forwards.min(transit::MOST_HOPS);
        }
        self.hides_history = identity::hides_history(message);
    }
}

/// What a carrier's INVITE calls, and where that leads in the tenant: a number of its own, else the trunk's usual one.
fn called_by(context: &Context, trunk: &Trunk, message: &Message<'_>) -> (String, Option<String>) {
    let config = &context.config;
    let user = message.target().map(|uri| uri.user_decoded().into_owned());
    let user = user.unwrap_or_default();
    let in_to = || {
        let to = message.to().ok().and_then(|to| to.uri().ok());
        to.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default()
    };
    let in_header = || {
        let value = message.header_named("P-Called-Party-ID")?;
        let party = NameAddr::parse(Name::To, value).ok()?;
        Some(party.uri().ok()?.user_decoded().into_owned())
    };
    let dialled = match trunk.draft.called_in {
        TrunkCalled::To => in_to(),
        TrunkCalled::CalledParty => in_header().unwrap_or(user),
        // What was registered is our Contact; whom the call is for stands in To.
        TrunkCalled::Request if trunk_in(&user, config.id()).is_some() => in_to(),
        TrunkCalled::Request => user,
    };
    let dialled = clean(dialled.split(';').next().unwrap_or(""), LONGEST);
    let number = context.numbering.heard(&dialled, &trunk.draft);
    let own = number.and_then(|number| Some(config.number(number.value())?.leads_to(number.value())));
    let usual = Some(trunk.draft.inbound.clone()).filter(|usual| !usual.is_empty());
    let dialled = number.map_or(dialled, |number| number.to_string());
    (dialled, own.or(usual))
}

/// The digits of a number that was called in full.
fn number_in(dialled: &str) -> Option<u64> {
    number::E164::parse(dialled).map(|number| number.value())
}

/// Who calls, as a carrier says, and whether that is to be shown: what it asserts where its trunk is trusted, else From (RFC 3325 §5).
fn carriers_caller(context: &Context, trunk: &Trunk, message: &Message<'_>) -> (Party, bool) {
    let draft = &trunk.draft;
    let read = |name: Name| {
        let values = message.headers(name);
        values.filter_map(move |value| NameAddr::parse(name, value).ok())
    };
    let asserted = read(Name::PAssertedIdentity)
        .chain(read(Name::RemotePartyId))
        .find(|_| draft.trust_identity);
    let party = asserted.or_else(|| read(Name::From).next());
    let uri = party.as_ref().and_then(|party| party.uri().ok());
    let user = uri.map(|uri| uri.user_decoded().into_owned()).unwrap_or_default();
    let user = user.split(';').next().unwrap_or("").to_owned();
    let number = context.numbering.heard(&user, draft);
    let is_number = number.is_some() || (!user.is_empty() && user.bytes().all(|b| b.is_ascii_digit()));
    let hides = identity::wants_privacy(message) || !is_number;
    let display = party
        .map(|party| party.display_unquoted().into_owned())
        .unwrap_or_default();
    let caller = Party {
        user: None,
        device: None,
        number: match number {
            Some(number) => number.to_string(),
            None if is_number => clean(&user, LONGEST),
            None => identity::NOBODY.to_owned(),
        },
        display: if hides {
            String::new()
        } else {
            clean(&display, LONGEST)
        },
        sip_call_id: message.call_id().unwrap_or("").to_owned(),
        trunk: Some(trunk.name.to_string()),
    };
    (caller, hides)
}

/// The leg that called. It keeps the binding that it called from, so that it is found again after a reconnect.
pub(super) fn caller_leg(
    context: &mut Context,
    device: &Device,
    dialog: Dialog,
    message: &Message<'_>,
    flow: FlowToken,
) -> Leg {
    let flow = context.home(device.user, &dialog.remote_target, flow);
    let binding = context.location.on_flow(device.user, &flow);
    let key = binding.map(|b| PhoneKey::from(&*b.record));
    let mut side = Side::new(context.random() >> 1);
    let config = Arc::clone(&context.config);
    keys::equip(context, config.policy().srtp, &mut side, &flow, false);
    let mut leg = Leg::new(dialog, flow, device.user.into(), key, side);
    leg.can = Capabilities::of(message);
    leg
}

/// The user of a device as a party of a call.
pub(super) fn party(context: &Context, device: &Device, message: &Message<'_>) -> Party {
    let user = context.config.user(device.user);
    Party {
        trunk: None,
        user: Some(device.user),
        device: Some(device.id),
        number: user.map_or("", |user| &user.extension).to_owned(),
        display: user.map_or("", |user| &user.display).to_owned(),
        sip_call_id: message.call_id().unwrap_or("").to_owned(),
    }
}

/// The party that a number names.
pub(super) fn called(config: &TenantConfig, dialled: &str) -> Party {
    let called = config.extension(dialled);
    Party {
        trunk: None,
        user: called.map(|user| user.id),
        device: None,
        number: dialled.to_owned(),
        display: called.map_or("", |user| &user.display).to_owned(),
        sip_call_id: String::new(),
    }
}

/// Refuses what asks for a shorter session or more privacy than there is; false when it does not.
pub(super) fn is_beyond_us(context: &mut Context, message: &Message<'_>, flow: FlowToken) -> bool {
    let private = identity::can_be_private(&context.config, message);
    if !private {
        context.reply(message, flow, 500);
    }
    !private || session::is_too_brief(context, message, flow)
}

/// Lets the caller's requests, and its phone on another connection, find the call.
pub(super) fn make_known(context: &mut Context, tag: String, call: CallId, peer: Peer) {
    let side = SideOf::Caller;
    context.legs.insert(tag.into_boxed_str(), LegRef { call, side });
    context.following.joins(peer.user(), call);
}

/// Max-Forwards of the INVITEs that we send.
pub(super) fn hops_left(message: &Message<'_>) -> u8 {
    let hops = message.max_forwards().and_then(Result::ok);
    hops.unwrap_or(70).saturating_sub(1)
}

/// What the phones that are called are told beside From and To: identity, intercom, user-to-user information, Session-ID.
pub(super) fn tell(
    context: &mut Context,
    invite: &Message<'_>,
    caller: &Party,
    from: &mut String,
) -> Vec<(Name, String)> {
    let config = Arc::clone(&context.config);
    let mut told = Vec::new();
    identity::present(context, invite, caller, from, &mut told);
    if config.policy().auto_answer && intercom::is_asked_for(invite) {
        told.extend(intercom::forms(config.realm()));
    }
    told.extend(user_to_user::carried(invite).map(|value| (Name::UserToUser, value)));
    told.extend(SessionIds::of(invite).map(|ids| (Name::SessionId, ids.to_callee())));
    told
}

/// From and To of what we send: the caller as the tenant knows him, whatever he wrote (SECURITY: caller id).
pub(super) fn identities(config: &TenantConfig, caller: &Party, dialled: &str) -> (String, String) {
    let realm = config.realm();
    let from = if caller.display.is_empty() {
        format!("<sip:{}@{realm}>", caller.number)
    } else {
        format!(
            "{} <sip:{}@{realm}>",
            sip::build::quote_display(&caller.display),
            caller.number
        )
    };
    (from, format!("<sip:{dialled}@{realm}>"))
}
