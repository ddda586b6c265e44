//! One phone that is being rung: an INVITE of ours on its way and what became of it (RFC 3261 §13.2).
//! When a CANCEL may go out, and for how long its effect is awaited, the transaction knows.

use super::early::Early;
use super::forward;
use super::leg::via;
use super::session;
use crate::context::{Context, Owner};
use crate::edge::ALLOW;
use crate::following::PhoneKey;
use crate::location::BindingFacts;
use crate::peer::Peer;
use crate::pidf;
use flow::Forward;
use model::{CallId, DeviceId, FlowToken, Now, TrunkId, UserId};
use sdp::Side;
use sip::transaction::ClientId;
use sip::{Method, Name, Writer};

/// A fork of the call.
pub(crate) struct Target {
    pub(crate) peer: Peer,
    pub(crate) device: Option<DeviceId>,
    /// The registration that is rung; a carrier has none.
    pub(crate) key: Option<PhoneKey>,
    pub(crate) flow: FlowToken,
    pub(crate) call_id: String,
    pub(crate) tag: String,
    pub(crate) state: State,
    /// The To tags of 2xx that came too late and have been hung up.
    pub(crate) dismissed: Vec<String>,
    /// Dialogs that its provisional responses made (RFC 3261 §12.1): more than one behind a proxy that forks.
    pub(super) early: Vec<Early>,
    /// CSeq number of the INVITE.
    pub(crate) cseq: u32,
    /// The shortest session interval that the phone takes, once it has refused ours (RFC 4028 §7.3).
    pub(super) min_se_s: u32,
    /// It has said that it rings.
    pub(super) rang: bool,
    /// Who sent the call here beside those who sent the whole call on.
    pub(super) diverted: Vec<Forward>,
    /// Its connection is gone and the phone has not come back yet.
    pub(crate) away: bool,
    /// What it was offered, where it has keys of its own.
    pub(super) side: Option<Box<Side>>,
    /// What a carrier is told in place of what phones are.
    pub(super) carrier: Option<Box<Told>>,
    /// What it is asked for now.
    pub(super) asked_for: Protected,
    path: Vec<Box<str>>,
    contact: Box<str>,
    branch: String,
    client: Option<ClientId>,
}

/// What a carrier is told of a call.
pub(super) struct Told {
    /// Request-URI.
    pub(super) target: String,
    pub(super) from: String,
    pub(super) to: String,
    /// Ours.
    pub(super) contact: String,
    /// Who calls, and who has sent the call on.
    pub(super) headers: Vec<(Name, String)>,
    /// What the trunk's rules add,
    pub(super) extra: Vec<(String, String)>,
    /// and whether they leave these headers to us.
    pub(super) writes_allow: bool,
    pub(super) writes_agent: bool,
    /// Where the caller is.
    pub(super) location: Option<pidf::Told>,
    pub(super) challenges: u8,
    /// It has answered something, were it only 100.
    pub(super) heard: bool,
    /// Its last word has a reason (RFC 3326): it is about this call.
    pub(super) says_why: bool,
    /// Its trunk's way, as it was numbered then.
    pub(super) order: u64,
}

/// How far a fork has come (the client INVITE transaction as its user sees it, RFC 3261 figure 5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// Not sent yet.
    Waiting,
    /// Sent, no last word yet.
    Calling,
    /// Called off; its last word is awaited.
    Cancelled,
    /// It answered and has the call.
    Won,
    /// Its last word, or ours for it.
    Done(u16),
}

/// How a phone is asked to protect its audio, where it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protected {
    /// By keys in the description; a browser by ICE and DTLS.
    ByKeys,
    /// By DTLS without ICE.
    ByDtls,
    /// Not at all: it has refused.
    Not,
}

/// What all INVITEs of one call share.
pub(crate) struct Invitation<'a> {
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    pub(crate) max_forwards: u8,
    pub(crate) offer: &'a str,
    /// Session interval and the shortest one, seconds; no timer if the first is zero.
    pub(crate) session: (u32, u32),
    pub(crate) told: &'a [(Name, String)],
    /// Who has sent the call on.
    pub(crate) forwards: &'a [Forward],
    pub(crate) realm: &'a str,
    /// The whole way may be told.
    pub(crate) history: bool,
}

impl Target {
    pub(crate) fn new(context: &mut Context, binding: &BindingFacts) -> Target {
        Target {
            device: Some(binding.device),
            key: Some(binding.key.clone()),
            asked_for: if binding.dtls {
                Protected::ByDtls
            } else {
                Protected::ByKeys
            },
            path: binding.path.clone(),
            ..Target::at(
                context,
                binding.user.into(),
                binding.flow,
                request_uri(&binding.contact),
            )
        }
    }

    /// A call of ours to a carrier.
    pub(super) fn outside(context: &mut Context, trunk: TrunkId, flow: FlowToken, told: Told) -> Target {
        let target = Target::at(context, Peer::Trunk(trunk), flow, &told.target);
        Target {
            carrier: Some(Box::new(told)),
            ..target
        }
    }

    /// One that nothing has been sent to.
    fn at(context: &mut Context, peer: Peer, flow: FlowToken, contact: &str) -> Target {
        Target {
            peer,
            device: None,
            key: None,
            flow,
            contact: contact.into(),
            call_id: context.new_call_id(),
            tag: context.new_tag(),
            branch: context.new_branch(),
            state: State::Waiting,
            dismissed: Vec::new(),
            early: Vec::new(),
            cseq: 1,
            min_se_s: 0,
            rang: false,
            diverted: Vec::new(),
            away: false,
            side: None,
            carrier: None,
            asked_for: Protected::ByKeys,
            path: Vec::new(),
            client: None,
        }
    }

    /// The From of its INVITE, without tag, where it is not that of all.
    pub(super) fn from<'a>(&'a self, of_all: &'a str) -> &'a str {
        self.carrier.as_ref().map_or(of_all, |told| &told.from)
    }

    /// Whose phone it is.
    pub(crate) fn user(&self) -> Option<UserId> {
        self.peer.user()
    }

    /// True for a phone that is the one of this registration.
    pub(crate) fn is_at(&self, key: &PhoneKey) -> bool {
        self.key.as_ref().is_some_and(|known| known.is(key))
    }

    /// The instance of the phone.
    pub(crate) fn urn(&self) -> Option<&str> {
        self.key.as_ref().and_then(PhoneKey::urn)
    }

    /// True for a carrier that was told where the caller is, and has not said a word.
    pub(super) fn may_be_too_large(&self) -> bool {
        let told = self.carrier.as_ref();
        told.is_some_and(|told| told.location.is_some() && !told.heard)
    }

    /// True until its last word.
    pub(crate) fn is_pending(&self) -> bool {
        !matches!(self.state, State::Waiting | State::Won | State::Done(_))
    }

    /// True while it may still take the call.
    pub(crate) fn is_ringing(&self) -> bool {
        matches!(self.state, State::Waiting | State::Calling)
    }

    /// Sends the INVITE.
    pub(crate) fn invite(
        &mut self,
        context: &mut Context,
        call: CallId,
        index: usize,
        invitation: &Invitation<'_>,
        now: Now,
    ) {
        let contact = match &self.carrier {
            Some(told) => told.contact.clone(),
            None => context.contact(&self.flow),
        };
        let proof = self.proof(context);
        let (from, to, told) = match &self.carrier {
            Some(told) => (told.from.as_str(), told.to.as_str(), told.headers.as_slice()),
            None => (invitation.from, invitation.to, invitation.told),
        };
        let via = via(&self.flow, &self.branch);
        let (interval, least) = (invitation.session.0, invitation.session.1.max(self.min_se_s));
        let mut writer = Writer::request(Method::Invite, &self.contact)
            .via(via.transport, via.sent_by, via.branch, true)
            .fmt(Name::MaxForwards, format_args!("{}", invitation.max_forwards));
        for hop in &self.path {
            writer = writer.header(Name::Route, hop);
        }
        let writer = writer
            .fmt(Name::From, format_args!("{from};tag={}", self.tag))
            .header(Name::To, to)
            .header(Name::CallId, &self.call_id)
            .fmt(Name::CSeq, format_args!("{} INVITE", self.cseq))
            .header(Name::Contact, &contact);
        let writer = self.by_rules(writer);
        let supported = supported(invitation.offer.is_empty(), interval);
        let location = self.carrier.as_ref().and_then(|told| told.location.as_ref());
        let writer = match location {
            None => writer.header(Name::Supported, supported),
            Some(location) => location.announce(writer, supported),
        };
        let mut writer = session::wish(writer, interval, least);
        for (name, value) in told {
            writer = writer.header(*name, value);
        }
        if let Some((name, value)) = &proof {
            writer = writer.header(*name, value);
        }
        if self.carrier.is_none() {
            let hops = invitation.forwards.iter().chain(&self.diverted);
            writer = forward::tell(writer, invitation.realm, hops, invitation.history);
        }
        if self.carrier.as_ref().is_none_or(|told| told.writes_agent) {
            writer = writer.header(Name::UserAgent, &context.server_name);
        }
        let bytes = match location {
            None => writer.body(sdp::CONTENT_TYPE, invitation.offer.as_bytes()),
            Some(location) => location.beside(writer, invitation.offer),
        };
        let owner = Owner::Target(call, index);
        match context.request(Method::Invite, &self.branch, bytes, self.flow, owner, now) {
            Ok(client) => {
                self.client = Some(client);
                self.state = State::Calling;
            }
            Err(_) => {
                context.counts.over_limit += 1;
                self.state = State::Done(503);
            }
        }
    }

    /// What the rules of a trunk say of its INVITEs, and Allow.
    fn by_rules(&self, writer: Writer) -> Writer {
        let writer = match self.carrier.as_ref().is_none_or(|told| told.writes_allow) {
            true => writer.header(Name::Allow, ALLOW),
            false => writer,
        };
        let extra = self.carrier.iter().flat_map(|told| &told.extra);
        extra.fold(writer, |writer, (name, value)| writer.named(name, value))
    }

    /// What proves to a carrier who we are, once it has asked.
    fn proof(&self, context: &mut Context) -> Option<(Name, String)> {
        let (trunk, cnonce) = (self.peer.trunk()?, context.random());
        context.carriers.proof(trunk, "INVITE", &self.contact, cnonce)
    }

    /// The next INVITE is a new request, not a copy.
    pub(super) fn renew(&mut self, context: &mut Context) {
        self.cseq = self.cseq.saturating_add(1);
        self.branch = context.new_branch();
        // Requests in these dialogs are nobody's any more, and the call no longer knows to take the tag out.
        context.legs.remove(self.tag.as_str());
        self.early.clear();
    }

    /// The phone is on another flow; what was sent on the old one is forgotten, not taken back.
    pub(crate) fn move_to(&mut self, context: &mut Context, facts: &BindingFacts) {
        self.abandon(context);
        self.key = Some(facts.key.clone());
        self.flow = facts.flow;
        self.contact = request_uri(&facts.contact).into();
        self.path.clone_from(&facts.path);
        self.away = false;
        self.state = State::Waiting;
    }

    /// Forgets what was sent, without a word to the phone.
    pub(crate) fn abandon(&mut self, context: &mut Context) {
        if let Some(client) = self.client.take() {
            context.tx.abandon(client);
        }
    }

    /// A phone that was called off hears so on its new flow.
    pub(crate) fn redirect(&mut self, context: &mut Context, flow: FlowToken, now: Now) {
        if let Some(client) = self.client.filter(|_| flow.transport == self.flow.transport) {
            self.flow = flow;
            context.tx.redirect(client, flow, now.mono);
        }
    }

    /// Calls the phone off.
    pub(crate) fn cancel(&mut self, context: &mut Context, reason: &str, now: Now) {
        match (self.state, self.client) {
            (State::Waiting, _) => self.state = State::Done(487),
            (State::Calling, Some(client)) => {
                let reason = (!reason.is_empty()).then_some(reason);
                // One whose transaction has ended, for its connection is lost, has no last word to wait for.
                self.state = match context.tx.cancel(client, reason, now.mono) {
                    true => State::Cancelled,
                    false => State::Done(487),
                };
            }
            _ => {}
        }
    }
}

/// What we can do in a call. An offer in a reliable response could not wait for its answer.
fn supported(without_offer: bool, interval_s: u32) -> &'static str {
    match (without_offer, interval_s) {
        (true, 0) => "replaces, norefersub",
        (true, _) => "replaces, norefersub, timer",
        (false, 0) => "replaces, norefersub, 100rel",
        (false, _) => "replaces, norefersub, 100rel, timer",
    }
}

/// A Contact as a Request-URI: without the headers that one may carry (RFC 3261 §19.1.5): they are not the
/// phone's to write into our request.
pub(crate) fn request_uri(contact: &str) -> &str {
    match sip::Uri::parse(contact) {
        Ok(uri) if !uri.headers.is_empty() => {
            let end = contact.len().saturating_sub(uri.headers.len() + 1);
            contact.get(..end).unwrap_or(contact)
        }
        _ => contact,
    }
}
