//! A tenant, alive: takes inputs, finds whom they concern, leaves effects.
//!
//! Owns: dispatch, admission to dialogs, the tenant's limits. Does not own: what a call does (`call`), what a
//! registration does (`registrar`).

use crate::auth::{Access, Gate};
use crate::call::Call;
use crate::context::{Context, LegRef, Owner, Timer};
use crate::effect::{Effect, Input, Setup};
use crate::registrar::{self, Refused};
use model::{
    BindingRecord, CallId, CallView, Counts, Device, FlowToken, MediaReport, Now, RegistrationView,
    TenantConfig, UserId,
};
use sip::transaction::{Delivery, Event, Incoming, ServerId};
use sip::{Message, Method, Name};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Everything alive in one tenant. One thread drives it at a time.
pub struct Tenant {
    calls: BTreeMap<CallId, Box<Call>>,
    context: Context,
    gate: Gate,
    next_call: u32,
    draining: bool,
}

impl Tenant {
    /// A tenant with no bindings and no calls.
    #[must_use]
    pub fn new(config: Arc<TenantConfig>, setup: &Setup, _now: Now) -> Tenant {
        Tenant {
            calls: BTreeMap::new(),
            gate: Gate::new(&setup.seed),
            context: Context::new(config, setup),
            next_call: 0,
            draining: false,
        }
    }

    /// Puts back a binding that the journal kept. One that has ended is ignored; one on a connection waits,
    /// unreachable, for its phone to come back.
    pub fn restore(&mut self, record: BindingRecord, now: Now) {
        let ttl = record.expires.since(now.wall);
        // What was revoked while we were down stays out.
        let allowed = self.context.config.may_be_bound(record.device, record.user);
        if record.tenant != self.context.config.id() {
            return;
        }
        if ttl.is_zero() || !allowed {
            // Told to the journal at the next timeout, or it would be back after a later start.
            self.context.location.discard(record);
            return;
        }
        // A calendar that was set back while we were down must not keep a binding for longer than policy allows.
        let ttl = ttl.min(Duration::from_secs(u64::from(
            self.context.config.policy().max_expires_s,
        )));
        let reachable = !record.flow.transport.is_reliable();
        self.context.location.put(Box::new(record), ttl, reachable, now);
    }

    /// Takes one input and appends what is to be done to `out`.
    pub fn handle(&mut self, input: Input<'_>, now: Now, out: &mut Vec<Effect>) {
        match input {
            Input::Sip { flow, message } => self.handle_sip(flow, message, now),
            Input::FlowClosed { worker, connection } => self.handle_flow_closed(worker, connection, now),
            Input::Media(report) => self.handle_media(&report, now),
            Input::Config(config) => self.handle_config(config),
            Input::Timeout => self.handle_timeout(now),
            Input::Drain => self.draining = true,
            Input::HangUpAll => self.hang_up_all(now),
        }
        self.settle(now);
        self.context.drain(out);
    }

    /// When [`Input::Timeout`] is due, by the monotonic clock.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let context = &self.context;
        [
            context.tx.poll_timeout(),
            context.timers.next_deadline(),
            context.location.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Every binding.
    #[must_use]
    pub fn registrations(&self, now: Now) -> Vec<RegistrationView> {
        let config = &self.context.config;
        self.context
            .location
            .all()
            .map(|binding| registrar::view(config, binding, now))
            .collect()
    }

    /// Every call that has not ended.
    #[must_use]
    pub fn calls(&self) -> Vec<CallView> {
        self.calls.values().filter_map(|call| call.view()).collect()
    }

    /// Outcomes since the tenant came to life.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.context.counts
    }

    /// The configuration that the next call begins with.
    #[must_use]
    pub fn config(&self) -> &Arc<TenantConfig> {
        &self.context.config
    }

    /// True when no call and no transaction is left.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.context.tx.is_empty()
    }

    /// What is held right now, for leak checks: calls, legs, transactions and timers.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            calls: self.calls.len(),
            legs: self.context.legs.len(),
            transactions: self.context.tx.len(),
            timers: self.context.timers.len(),
        }
    }

    /// True when a leg of a live call has this Call-ID, for checks that both sides agree on what is up.
    #[must_use]
    pub fn has_leg(&self, call_id: &str) -> bool {
        self.calls.values().any(|call| call.has_leg(call_id))
    }

    /// Removes every binding of a user, as an administrator's act. Returns how many.
    pub fn unregister(&mut self, user: UserId, now: Now, out: &mut Vec<Effect>) -> usize {
        let gone = self.context.location.remove(user, |_| true);
        self.settle(now);
        self.context.drain(out);
        gone
    }

    fn handle_sip(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if message.is_request() {
            self.handle_request(flow, message, now);
        } else {
            self.handle_response(message, now);
        }
    }

    fn handle_request(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        match self.context.tx.receive_request(message, now.mono) {
            Incoming::Retransmission => return self.context.counts.retransmissions += 1,
            Incoming::Ack(_) => return,
            Incoming::Full if message.method() != Some(Method::Ack) => {
                self.context.counts.over_limit += 1;
                return self.context.reply(message, flow, 503);
            }
            Incoming::New | Incoming::Full | Incoming::AckTo2xx(..) => {}
        }
        let in_dialog = message.to().is_ok_and(|to| to.tag().is_some());
        match message.method() {
            Some(Method::Ack) => self.handle_ack(message, now),
            Some(Method::Cancel) => self.handle_cancel(flow, message, now),
            _ if in_dialog => self.handle_in_dialog(flow, message, now),
            Some(Method::Register) => self.handle_register(flow, message, now),
            Some(Method::Invite) => self.handle_invite(flow, message, now),
            Some(Method::Options) => self.handle_options(flow, message, now),
            Some(Method::Bye) => {
                self.context.counts.no_dialog += 1;
                self.context.reply(message, flow, 481);
            }
            _ => self.context.reply(message, flow, 405),
        }
    }

    /// Asks for credentials unless the request carries good ones.
    fn authenticate(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) -> Option<Device> {
        let config = Arc::clone(&self.context.config);
        match self.gate.check(&config, message, now.wall.0) {
            Access::Granted(device) => Some(device.clone()),
            Access::Denied => {
                self.context.counts.auth_failed += 1;
                self.context.reply(message, flow, 403);
                None
            }
            Access::Challenge { stale } => {
                let method = message.method().unwrap_or(Method::Other(""));
                let (name, values) = self.gate.challenges(&config, method, stale, now.wall.0);
                self.context.counts.challenges += 1;
                self.context.counts.auth_stale += u64::from(stale);
                let code = if name == Name::WwwAuthenticate { 401 } else { 407 };
                self.context.reply_with(message, flow, code, |mut writer| {
                    for value in &values {
                        writer = writer.header(name, value);
                    }
                    writer
                });
                None
            }
        }
    }

    /// REGISTER needs no transaction: what it did is written in the binding, so a copy of it gets the same
    /// answer from there, and a flood of registrations holds nothing but bindings.
    fn handle_register(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if let Some(user) = registrar::repeated(&self.context.location, &self.context.config, message, &flow)
        {
            self.context.counts.retransmissions += 1;
            return self.reply_registered(user, message, flow, now);
        }
        let Some(device) = self.authenticate(flow, message, now) else {
            return;
        };
        let config = Arc::clone(&self.context.config);
        let context = &mut self.context;
        let settled = context.location.on_flow(device.user, &flow).is_some();
        match registrar::register(&mut context.location, &config, &device, message, flow, now) {
            Ok(changes) => {
                context.counts.registered += 1;
                context.out.extend(changes.into_iter().map(Effect::Binding));
                self.reply_registered(device.user, message, flow, now);
                if !settled {
                    self.reconnect(device.user, flow);
                }
            }
            Err(refused) => {
                context.counts.forbidden += u64::from(refused == Refused::Foreign);
                context.reply_with(message, flow, refused.code(), |writer| match refused {
                    Refused::TooBrief(least) => writer.header(Name::MinExpires, &least.to_string()),
                    _ => writer,
                });
            }
        }
    }

    fn reply_registered(&mut self, user: UserId, message: &Message<'_>, flow: FlowToken, now: Now) {
        let (values, context) = (
            registrar::contacts(&self.context.location, user, now),
            &mut self.context,
        );
        context.reply_with(message, flow, 200, |mut writer| {
            for value in &values {
                writer = writer.header(Name::Contact, value);
            }
            writer
        });
    }

    /// A phone that came back on a new connection keeps its calls. Looks at every call of the tenant, so it is for
    /// the first REGISTER on a flow, not for each refresh.
    fn reconnect(&mut self, user: UserId, flow: FlowToken) {
        let Some(key) = self
            .context
            .location
            .on_flow(user, &flow)
            .map(|b| b.record.key.clone())
        else {
            return;
        };
        if self.calls.is_empty() {
            return;
        }
        for call in self.calls.values_mut() {
            call.reconnect(user, &key, flow);
        }
    }

    fn handle_options(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if self.authenticate(flow, message, now).is_some() {
            self.context.reply(message, flow, 200);
        }
    }

    fn handle_invite(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if self.context.tx.is_merged(message) {
            return self.context.reply(message, flow, 482);
        }
        if matches!(message.max_forwards(), Some(Ok(0))) {
            return self.context.reply(message, flow, 483);
        }
        let Some(device) = self.authenticate(flow, message, now) else {
            return;
        };
        let full = self.context.live >= self.context.config.policy().max_calls;
        if self.draining || full {
            self.context.counts.over_limit += 1;
            return self.context.reply(message, flow, 503);
        }
        self.next_call = self.next_call.wrapping_add(1);
        let id = CallId(u64::from(self.next_call));
        if let Some(call) = Call::begin(&mut self.context, id, &device, message, flow, now) {
            self.calls.insert(id, Box::new(call));
        }
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
            _ => call.cancelled_by_caller(&mut self.context, now),
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

    fn handle_ack(&mut self, message: &Message<'_>, now: Now) {
        match self.find_leg(message) {
            Some(leg) => {
                let cseq = message.cseq().map_or(0, |cseq| cseq.seq);
                if let Some(call) = self.calls.get_mut(&leg.call) {
                    call.acknowledged(&mut self.context, leg.side, cseq, now);
                }
            }
            None => self.context.counts.stray += 1,
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
        // The tags are secret between us and the phone. From another address they are not proof enough.
        let familiar = call
            .flow_of(leg.side)
            .is_some_and(|known| known.remote.ip() == flow.remote.ip());
        if !familiar {
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
        if let Some(call) = self.calls.get_mut(&leg.call) {
            call.handle_request(&mut self.context, leg.side, message, flow, now);
        }
    }

    /// The leg whose dialog a request inside a dialog names, all three identifiers compared.
    fn find_leg(&self, message: &Message<'_>) -> Option<LegRef> {
        let to = message.to().ok()?;
        let leg = *self.context.legs.get(to.tag()?)?;
        self.calls
            .get(&leg.call)?
            .has_dialog(leg.side, message)
            .then_some(leg)
    }

    fn handle_response(&mut self, message: &Message<'_>, now: Now) {
        match self.context.tx.receive_response(message, now.mono) {
            Delivery::Deliver(_, owner) => self.deliver_response(owner, message, now),
            Delivery::Absorbed => {}
            Delivery::Stray => self.handle_stray(message, now),
        }
    }

    /// A 2xx to an INVITE that was given up because its connection broke still belongs to a dialog (RFC 3261
    /// §13.2.2.4): the phone waits for the ACK, and would hang up without it.
    fn handle_stray(&mut self, message: &Message<'_>, now: Now) {
        self.context.counts.stray += 1;
        let success = message
            .status_line()
            .is_some_and(|line| (200..300).contains(&line.code));
        let from = message.from().ok().and_then(|from| from.tag());
        let leg = from.and_then(|tag| self.context.legs.get(tag).copied());
        if let (true, Some(Method::Invite), Some(leg)) = (success, message.method(), leg)
            && let Some(call) = self.calls.get_mut(&leg.call)
        {
            call.answered_late(&mut self.context, leg.side, message, now);
        }
    }

    fn deliver_response(&mut self, owner: Owner, message: &Message<'_>, now: Now) {
        let code = message.status_line().map_or(0, |line| line.code);
        if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
            call.handle_response(&mut self.context, owner, code, Some(message), now);
        }
    }

    fn handle_media(&mut self, report: &MediaReport, now: Now) {
        let session = report.session();
        let id = CallId(session.0 & 0xffff_ffff);
        match self
            .calls
            .get_mut(&id)
            .filter(|call| call.session() == Some(session))
        {
            Some(call) => call.handle_media(&mut self.context, report, now),
            None => {
                if matches!(report, MediaReport::Opened { .. }) {
                    self.context.media(model::MediaCommand::Close { session });
                }
            }
        }
    }

    fn handle_flow_closed(&mut self, worker: u16, connection: u64, now: Now) {
        self.context.location.connection_lost(worker, connection);
        let lost = |flow: &FlowToken| {
            flow.transport.is_reliable() && flow.worker == worker && flow.connection == connection
        };
        self.context.tx.transport_failed(lost, now.mono);
    }

    fn handle_config(&mut self, config: Arc<TenantConfig>) {
        let old = Arc::clone(&self.context.config);
        for user in self.context.location.users() {
            self.context.location.remove(user, |b| {
                let device = b.record.device;
                // A new password is for a phone that is lost, too: what registered with the old one is gone.
                !config.may_be_bound(device, user) || config.secret(device) != old.secret(device)
            });
        }
        self.context.config = config;
    }

    fn handle_timeout(&mut self, now: Now) {
        self.context.counts.expired += self.context.location.expire(now) as u64;
        self.context.tx.handle_timeout(now.mono);
        while let Some(timer) = self.context.timers.expire(now.mono) {
            let Timer { call, kind } = timer;
            if let Some(call) = self.calls.get_mut(&call) {
                call.handle_timer(&mut self.context, kind, now);
            }
        }
    }

    fn hang_up_all(&mut self, now: Now) {
        self.draining = true;
        for call in self.calls.values_mut() {
            call.shut_down(&mut self.context, now);
        }
    }

    /// Carries what the transaction layer found to its calls, until there is nothing more, and forgets the
    /// calls that are over.
    fn settle(&mut self, now: Now) {
        while let Some(event) = self.context.tx.poll_event() {
            match event {
                Event::ClientTimeout(_, owner) | Event::ClientTransportError(_, owner) => {
                    self.context.counts.timeouts += 1;
                    let code = if matches!(event, Event::ClientTimeout(..)) {
                        408
                    } else {
                        503
                    };
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.handle_response(&mut self.context, owner, code, None, now);
                    }
                }
                Event::AckTimeout(server, owner) => {
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.never_acknowledged(&mut self.context, owner, server, now);
                    }
                }
                Event::ServerTransportError(server, owner) => {
                    if let Some(call) = owner.call().and_then(|id| self.calls.get_mut(&id)) {
                        call.unanswerable(&mut self.context, owner, server, now);
                    }
                }
            }
        }
        while let Some(id) = self.context.over.pop() {
            if self.calls.get(&id).is_some_and(|call| call.is_over())
                && let Some(call) = self.calls.remove(&id)
            {
                call.release(&mut self.context);
            }
        }
        let removed = self.context.location.take_removed();
        self.context.out.extend(removed.into_iter().map(Effect::Binding));
    }
}

/// Numbers of live things inside a tenant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Held {
    /// Calls, ended ones that still wait for an answer included.
    pub calls: usize,
    /// Dialog tags.
    pub legs: usize,
    /// Transactions.
    pub transactions: usize,
    /// Timers of calls.
    pub timers: usize,
}
