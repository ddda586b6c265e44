//! A request: whom it concerns, whether it may, and who takes it.

use super::Tenant;
use crate::auth::Access;
use crate::call::{Call, carried, reason};
use crate::carriers::trunk_in;
use crate::context::{Context, LegRef, Owner};
use crate::dialled::Dialled;
use crate::measured;
use model::{AccessOutcome, CredentialKey, DestinationClass, Device, FlowToken, Now, Trunk, TrunkId, UserId};
use sip::transaction::{Incoming, ServerId};
use sip::{Message, Method, Name, Scheme, Uri};
use std::sync::Arc;

impl Tenant {
    pub(super) fn handle_request(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        match self.context.tx.receive_request(message, now.mono) {
            Incoming::Retransmission => return self.context.counts.retransmissions += 1,
            Incoming::Ack(_) => return,
            Incoming::Full
                if message.method() != Some(Method::Ack) && !self.is_urgent(flow, message, now) =>
            {
                self.context.counts.over_limit += 1;
                return self.context.reply(message, flow, 503);
            }
            Incoming::New | Incoming::Full | Incoming::AckTo2xx(..) => {}
        }
        let in_dialog = message.to_tag().is_some();
        match message.method() {
            Some(Method::Ack) => self.handle_ack(flow, message, now),
            Some(Method::Cancel) => self.handle_cancel(flow, message, now),
            Some(Method::Subscribe) if !in_dialog || self.events.has_dialog(message) => {
                self.handle_subscribe(flow, message, now);
            }
            Some(Method::Publish) if !in_dialog => self.handle_publish(flow, message, now),
            Some(Method::Message) if !in_dialog => self.handle_text(flow, message, now),
            _ if in_dialog => self.handle_in_dialog(flow, message, now),
            Some(Method::Register) => self.handle_register(flow, message, now),
            Some(Method::Invite) => self.handle_invite(flow, message, now),
            Some(Method::Options) => self.handle_options(flow, message, now),
            Some(Method::Refer) => self.handle_refer(flow, message, now),
            Some(Method::Bye) => {
                self.context.counts.no_dialog += 1;
                self.context.reply(message, flow, 481);
            }
            _ => self.context.reply(message, flow, 405),
        }
    }

    /// Asks for credentials unless a token or the request itself has good ones.
    pub(super) fn authenticate(
        &mut self,
        flow: FlowToken,
        message: &Message<'_>,
        now: Now,
    ) -> Option<Device> {
        if let Some(device) = self.signed_in(flow, message, now) {
            self.context.counts.token_sign_ins += 1;
            let credential = CredentialKey::of(self.context.config.id(), &device.username);
            self.context.access(flow, AccessOutcome::Granted(credential));
            return Some(device);
        }
        let config = Arc::clone(&self.context.config);
        match self.gate.check(&config, message, now.wall.0) {
            Access::Granted(device, credential) => {
                self.context.access(flow, AccessOutcome::Granted(credential));
                Some(device.clone())
            }
            // Nothing stands before a call for help, and the password is right.
            Access::Disabled(device, _) if self.asks_for_help(message) => Some(device.clone()),
            Access::Denied(credential) | Access::Disabled(_, credential) => {
                self.context.counts.auth_failed += 1;
                self.context.access(flow, AccessOutcome::Denied(credential));
                self.context.reply(message, flow, 403);
                None
            }
            Access::Challenge { stale } => {
                self.context.counts.challenges += 1;
                self.context.counts.auth_stale += u64::from(stale);
                self.context.access(flow, AccessOutcome::Challenged);
                self.challenge(flow, message, stale, now);
                None
            }
        }
    }

    /// Asks for credentials by every algorithm that is allowed; whoever sends too little for that by the last alone, or not at all.
    fn challenge(&mut self, flow: FlowToken, message: &Message<'_>, stale: bool, now: Now) {
        let config = Arc::clone(&self.context.config);
        let method = message.method().unwrap_or(Method::Other(""));
        let (name, values) = self.gate.challenges(&config, method, stale, now.wall.0);
        let code = if name == Name::WwwAuthenticate { 401 } else { 407 };
        let write = |values: &[String]| {
            let begun = self.context.begin_reply(message, flow, code);
            let all = values
                .iter()
                .fold(begun, |writer, value| writer.header(name, value));
            all.finish()
        };
        let last = values.len().saturating_sub(1);
        let choices = [&values[..], values.get(last..).unwrap_or_default()];
        let helps = self.asks_for_help(message);
        let fits =
            |bytes: &bytes::Bytes| helps || measured::fits(message, &flow, bytes.len(), measured::CHALLENGE);
        match choices.into_iter().map(write).find(fits) {
            Some(bytes) => self.context.transmit(flow, bytes),
            None => self.context.counts.invalid += 1,
        }
    }

    /// The trunk that a request came by: from a place of its carrier, and not in the name of one of our users. The one that the
    /// Request-URI names goes before others at the same place.
    pub(super) fn carrier_of(&self, flow: FlowToken, message: &Message<'_>) -> Option<TrunkId> {
        if flow.is_inside() {
            return Some(TrunkId::INSIDE);
        }
        let config = &self.context.config;
        if config.trunks().is_empty() || message.from_uri().is_some_and(|uri| config.owns_domain(uri.host)) {
            return None;
        }
        let host = flow.remote.ip();
        let fits = |trunk: &&Trunk| trunk.draft.enabled && self.context.carriers.is_from(trunk, host);
        let user = message.target().map(|uri| uri.user_decoded());
        let named = user.and_then(|user| trunk_in(&user, config.id()));
        let named = named.and_then(|id| config.trunk(id)).filter(fits);
        let found = named.or_else(|| config.trunks().iter().find(fits));
        found.map(|trunk| trunk.id)
    }

    /// A carrier sends a call.
    fn handle_carriers_invite(&mut self, trunk: TrunkId, flow: FlowToken, message: &Message<'_>, now: Now) {
        let config = Arc::clone(&self.context.config);
        let Some(trunk) = config.trunk(trunk) else { return };
        // Neighbours, who pay nothing, may fill half of the tenant.
        let inside = trunk.id == TrunkId::INSIDE;
        let half = usize::try_from(config.policy().max_calls / 2)
            .unwrap_or(usize::MAX)
            .max(1);
        let is_crowded = inside && self.context.carriers.are_used(trunk.id, half);
        let is_full = is_crowded || self.context.carriers.is_full(trunk.id, &trunk.draft);
        let is_busy = self.draining || is_full || self.context.live >= config.policy().max_calls;
        let helps = self.context.has_help_left() && self.carries_help(trunk, message)
            || self.is_back_with_room(trunk, message, now);
        if is_busy && !helps {
            self.context.counts.over_limit += 1;
            return self.context.reply(message, flow, 503);
        }
        let id = self.next_id();
        self.begin_with_room(id, helps, |context| {
            Call::begin_from_carrier(context, id, trunk, message, flow, now)
        });
    }

    /// A carrier calls back to who has called for help, and there is room of its own for that.
    pub(super) fn is_back_with_room(&mut self, trunk: &Trunk, message: &Message<'_>, now: Now) -> bool {
        self.context.has_room_for_calls_back() && Call::is_back(&mut self.context, trunk, message, now)
    }

    /// Another tenant of ours calls for help by our trunks.
    fn carries_help(&self, trunk: &Trunk, message: &Message<'_>) -> bool {
        let dialled = Dialled::by(&self.context, message).number;
        let carried = carried(&self.context, trunk, message, &dialled);
        carried.is_some_and(|(_, what)| what.class == DestinationClass::Emergency)
    }

    fn handle_options(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if self.carrier_of(flow, message).is_some() {
            return self.context.reply_with(message, flow, 200, Context::capabilities);
        }
        if self.authenticate(flow, message, now).is_none() {
            return;
        }
        // The code is what an INVITE would get (RFC 3261 §11.2).
        let uri = message.request_line().and_then(|line| Uri::parse(line.uri).ok());
        let config = &self.context.config;
        let known = uri.is_some_and(|uri| {
            let user = config.extension(&uri.user_decoded());
            uri.user.is_none() || (config.owns_domain(uri.host) && user.is_some_and(|user| user.enabled))
        });
        if known {
            self.context.reply_with(message, flow, 200, Context::capabilities);
        } else {
            self.context.reply(message, flow, 404);
        }
    }

    fn handle_invite(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if self.context.tx.is_merged(message) {
            return self.context.reply(message, flow, 482);
        }
        if matches!(message.max_forwards(), Some(Ok(0))) {
            return self.context.reply(message, flow, 483);
        }
        let is_named = message
            .target()
            .is_some_and(|uri| matches!(uri.scheme, Scheme::Other(_)));
        if is_named && !self.asks_for_help(message) {
            return self.context.reply(message, flow, 416);
        }
        if let Some(trunk) = self.carrier_of(flow, message) {
            return self.handle_carriers_invite(trunk, flow, message, now);
        }
        let Some(device) = self.authenticate(flow, message, now) else {
            return;
        };
        // Nothing stands before a call for help.
        let dialled = Dialled::by(&self.context, message);
        let has_room = self.has_help_left(device.user);
        let helps = self.is_emergency(&dialled.number) && has_room;
        if !helps && !self.is_in_pace(device.user, flow, message, now) {
            return;
        }
        let full = self.context.live >= self.context.config.policy().max_calls;
        if (self.draining || full) && !(has_room && self.leads_to_help(device.user, &dialled)) {
            self.context.counts.over_limit += 1;
            return self.context.reply(message, flow, 503);
        }
        if !helps && self.handle_pickup(&device, flow, message, now) {
            return;
        }
        let id = self.next_id();
        self.begin_with_room(id, helps, |context| {
            Call::begin(context, id, &device, message, flow, now)
        });
    }

    fn handle_cancel(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        let Some((invite, owner)) = self.invite_for_cancel(flow, message) else {
            self.context.counts.no_dialog += 1;
            return self.context.reply(message, flow, 481);
        };
        let Some(id) = self.context.accept(message, flow, Owner::None, now) else {
            return;
        };
        let call = owner.call().and_then(|id| self.calls.get_mut(&id));
        // The tag that answers to the INVITE have, too (§9.2); a call that is gone leaves none to repeat.
        let tag = match &call {
            Some(call) => call.caller_tag().to_owned(),
            None => self.context.new_tag(),
        };
        let bytes = self.context.response(message, flow, 200, Some(&tag)).finish();
        self.context.tx.respond(id, 200, bytes, now.mono);
        let Some(call) = call else { return };
        match owner {
            Owner::Renegotiation(_, side) => call.reinvite_cancelled(&mut self.context, side, invite, now),
            _ => call.cancelled_by_caller(&mut self.context, &reason::of(message), now),
        }
    }

    /// The INVITE that a CANCEL means. A CANCEL can't be challenged, so it must come from where the INVITE came
    /// from (RFC 3261 §22.1).
    fn invite_for_cancel(&self, flow: FlowToken, message: &Message<'_>) -> Option<(ServerId, Owner)> {
        let tx = &self.context.tx;
        let (invite, owner) = tx.find_invite_for_cancel(message)?;
        let same = tx.peer(invite)?.remote.ip() == flow.remote.ip();
        same.then_some((invite, owner))
    }

    /// An ACK can't be challenged, and the answer in it moves the audio: from elsewhere than its phone it is nothing.
    fn handle_ack(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        let leg = self.find_leg(message);
        let Some((leg, call)) = leg.and_then(|leg| Some((leg, self.calls.get(&leg.call)?))) else {
            return self.context.counts.stray += 1;
        };
        if !self.is_familiar(call, leg.side, message, &flow) {
            return self.context.counts.forbidden += 1;
        }
        if let Some(call) = self.calls.get_mut(&leg.call) {
            call.acknowledged(&mut self.context, leg.side, message, now);
        }
    }

    fn handle_in_dialog(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        let Some(leg) = self.find_leg(message) else {
            self.context.counts.no_dialog += 1;
            return self.context.reply(message, flow, 481);
        };
        let Some(call) = self.calls.get(&leg.call) else {
            return;
        };
        if !self.is_familiar(call, leg.side, message, &flow) {
            let Some(device) = self.authenticate(flow, message, now) else {
                return;
            };
            if !self
                .calls
                .get(&leg.call)
                .is_some_and(|call| call.belongs_to(leg.side, device.user))
            {
                self.context.counts.forbidden += 1;
                return self.context.reply(message, flow, 403);
            }
        }
        let helps = self.context.helping.contains(&leg.call);
        if let Some(user) = self.speaker(leg, message).filter(|_| !helps)
            && !self.is_in_pace(user, flow, message, now)
        {
            return;
        }
        if let Some(call) = self.calls.get_mut(&leg.call) {
            call.handle_request(&mut self.context, leg.side, message, flow, now);
        }
    }

    /// True where the leg's phone was last heard from, and where it has registered from. The tags are secret between us
    /// and the phone; from another address they are not proof enough.
    fn is_familiar(&self, call: &Call, side: model::Leg, message: &Message<'_>, flow: &FlowToken) -> bool {
        let known = call.flow_for(side, message);
        known.is_some_and(|known| known.remote.ip() == flow.remote.ip())
            || self.is_registered_flow(call, side, flow)
            || self.is_carrier_of(call, side, flow)
    }

    /// Whose phone sent this request inside a dialog, early ones included.
    fn speaker(&self, leg: LegRef, message: &Message<'_>) -> Option<UserId> {
        self.calls.get(&leg.call)?.speaker(leg.side, message)
    }

    /// True on the flow that the leg's phone has registered from: it showed its password there.
    fn is_registered_flow(&self, call: &Call, side: model::Leg, flow: &FlowToken) -> bool {
        let user = call.user_of(side);
        let binding = user.and_then(|user| self.context.location.on_flow(user, flow));
        binding.is_some_and(|binding| call.is_with(side, binding))
    }

    /// True where the leg is with a carrier, and the request comes from one of its places.
    fn is_carrier_of(&self, call: &Call, side: model::Leg, flow: &FlowToken) -> bool {
        let trunk = call.trunk_of(side).and_then(|id| self.context.config.trunk(id));
        if flow.is_inside() {
            return trunk.is_some_and(|trunk| trunk.id == TrunkId::INSIDE || trunk.draft.leads_inside());
        }
        trunk.is_some_and(|trunk| self.context.carriers.is_from(trunk, flow.remote.ip()))
    }

    /// The leg whose dialog a request inside a dialog names, all three identifiers compared.
    fn find_leg(&self, message: &Message<'_>) -> Option<LegRef> {
        let leg = *self.context.legs.get(message.to_tag()?)?;
        self.calls
            .get(&leg.call)?
            .has_dialog(leg.side, message)
            .then_some(leg)
    }
}
