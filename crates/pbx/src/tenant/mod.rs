//! A tenant, alive: takes inputs, finds whom they concern, leaves effects.
//!
//! Owns: dispatch, admission to dialogs, the tenant's limits. Does not own: what a call does (`call`), what a
//! registration does (`registrar`).

mod deliver;
mod event;
mod help;
mod pace;
mod pickup;
mod register;
mod request;
mod restore;
mod service;
mod signed;
mod transfer;

use crate::auth::Gate;
use crate::bearer::TokenKey;
use crate::call::Call;
use crate::context::Context;
use crate::effect::{Effect, Input, Setup};
use crate::event::Events;
use crate::registrar;
use crate::trunk::Trunks;
use model::{
    BindingRecord, CallId, CallView, CdrId, Counts, FlowToken, MediaSessionId, Now, RegistrationView, SignIn,
    TenantConfig, TollScope, TollUse, TrunkView, UserId, UserSettings,
};
use pace::Pace;
use sip::Message;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;
use tenancy::Directory;

/// Everything alive in one tenant. One thread drives it at a time.
pub struct Tenant {
    calls: BTreeMap<CallId, Box<Call>>,
    context: Context,
    events: Events,
    trunks: Trunks,
    gate: Gate,
    token_key: TokenKey,
    pace: Pace,
    /// Who opened the connection of the message that is being looked at.
    sign_in: Option<SignIn>,
    next_call: u32,
    draining: bool,
}

impl Tenant {
    /// A tenant with no bindings and no calls.
    #[must_use]
    pub fn new(config: Arc<TenantConfig>, setup: &Setup, now: Now) -> Tenant {
        let mut tenant = Tenant {
            calls: BTreeMap::new(),
            gate: Gate::new(&setup.seed),
            token_key: TokenKey::new(setup.token_key),
            pace: Pace::new(setup.limits.requests_per_user),
            sign_in: None,
            context: Context::new(config, setup),
            events: Events::new(&setup.limits),
            trunks: Trunks::default(),
            next_call: 0,
            draining: false,
        };
        tenant.trunks.reconfigure(&mut tenant.context, now);
        tenant
    }

    /// Whose numbers and domains are from now on.
    pub fn set_directory(&mut self, directory: &Arc<Directory>) {
        if !Arc::ptr_eq(&self.context.directory, directory) {
            self.context.directory = Arc::clone(directory);
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
            Input::Sip {
                flow,
                message,
                sign_in,
            } => {
                self.sign_in = sign_in;
                self.handle_sip(flow, message, now);
                self.sign_in = None;
            }
            Input::FlowClosed { worker, connection } => self.handle_flow_closed(worker, connection, now),
            Input::Connected(connected) => self.context.connected(&connected, now),
            Input::Media(report) => self.handle_media(&report, now),
            Input::Located(located) => self.trunks.located(&mut self.context, &located, now),
            Input::Reached(reached) => self.trunks.reached(&mut self.context, &reached, now),
            Input::Certificate(fetched) => self.handle_certificate(fetched, now),
            Input::Authorities(authorities) => self.context.vouching.trust(authorities),
            Input::Config(config) => self.handle_config(config, now),
            Input::Event(command) => self.events.handle_command(&mut self.context, command, now),
            Input::SettingsKept { user, id } => self.context.settings_kept(user, id),
            Input::Room {
                room,
                number,
                command,
            } => self.command_room(room, number.as_deref(), command, now),
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
        if !context.out.is_empty() {
            // Something is to be written down that was found when the tenant came to life.
            return Some(Duration::ZERO);
        }
        [
            context.tx.poll_timeout(),
            context.timers.next_deadline(),
            context.location.next_deadline(),
            context.large.next_deadline(),
            self.events.poll_timeout(),
            self.trunks.next_deadline(),
            context.meter.poll_timeout(),
            context.count_at,
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

    /// How many bindings there are.
    #[must_use]
    pub fn bindings(&self) -> usize {
        self.context.location.len()
    }

    /// The media session of a call, while it has one, and the id of its record.
    #[must_use]
    pub fn session(&self, call: CallId) -> Option<(MediaSessionId, CdrId)> {
        let call = self.calls.get(&call)?;
        Some((call.session()?, call.record_id()))
    }

    /// Outcomes since the tenant came to life.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.context.counts
    }

    /// Every trunk that is enabled.
    #[must_use]
    pub fn trunks(&self, now: Now) -> Vec<TrunkView> {
        let mut views = self.trunks.views(&self.context.carriers, now);
        views.extend(self.context.inside_views());
        views
    }

    /// What is used of the limits on calls to the outside, after those of a scope were lifted for a while.
    pub fn toll(&mut self, lift: Option<(TollScope, Duration)>, now: Now) -> Vec<TollUse> {
        if let Some((scope, time)) = lift {
            self.context.meter.lift(scope, time, now);
        }
        self.context.meter.usage(now)
    }

    /// The configuration that the next call begins with.
    #[must_use]
    pub fn config(&self) -> &Arc<TenantConfig> {
        &self.context.config
    }

    /// A user's settings, with those that his phones have changed and that are not kept yet.
    #[must_use]
    pub fn settings(&self, user: UserId) -> UserSettings {
        self.context.settings(user).into_owned()
    }

    /// True when no call and no transaction is left.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.calls.is_empty() && self.context.tx.is_empty() && !self.events.is_telling()
    }

    /// What is held right now, for leak checks: calls, legs, transactions and timers.
    #[must_use]
    pub fn held(&self) -> Held {
        Held {
            calls: self.calls.len(),
            legs: self.context.legs.len(),
            transactions: self.context.tx.len(),
            timers: self.context.timers.len(),
            followed: self.context.following.len(),
            lamps: self.context.lamps.held(),
            rooms: self.context.rooms.held()
                + self.context.carriers.held()
                + self.context.meter.calls()
                + self.context.helping.len()
                + self.context.vouching.waiting(),
            subscriptions: self.events.len(),
        }
    }

    /// True when a leg of a live call has this Call-ID, for checks that both sides agree on what is up.
    #[must_use]
    pub fn has_leg(&self, call_id: &str) -> bool {
        self.calls.values().any(|call| call.has_leg(call_id))
    }

    /// True when the ACK to a 2xx with this Call-ID waits for the answer of the phone on the other side, or for a
    /// connection.
    #[must_use]
    pub fn owes_ack(&self, call_id: &str) -> bool {
        self.context.large.holds_ack(call_id) || self.calls.values().any(|call| call.owes_ack(call_id))
    }

    /// The Call-IDs of both legs of every call that is up and whose legs are not being moved, for the same checks.
    #[must_use]
    pub fn pairs(&self) -> Vec<(String, String)> {
        self.calls.values().filter_map(|call| call.pair()).collect()
    }

    /// Removes every binding of a user, as an administrator's act. Returns how many.
    pub fn unregister(&mut self, user: UserId, now: Now, out: &mut Vec<Effect>) -> usize {
        let gone = self.context.location.remove(user, |_| true);
        self.settle(now);
        self.context.drain(out);
        gone
    }

    /// A call has begun.
    fn keep(&mut self, call: Call) {
        call.name_dialogs(&mut self.context);
        self.calls.insert(call.id(), Box::new(call));
    }

    fn next_id(&mut self) -> CallId {
        self.next_call = self.next_call.wrapping_add(1);
        CallId(u64::from(self.next_call) & CallId::LAST.0)
    }

    fn handle_sip(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if message.is_request() {
            self.handle_request(flow, message, now);
        } else {
            self.handle_response(flow, message, now);
        }
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
    /// What waits for phones to come back.
    pub followed: usize,
    /// Users and calls that busy lamps know together.
    pub lamps: usize,
    /// Rooms and their members together.
    pub rooms: usize,
    /// Subscriptions.
    pub subscriptions: usize,
}
