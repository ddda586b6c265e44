//! Events: who watches what, and when the watchers hear of it (RFC 6665).
//!
//! Owns: subscriptions with their limits and their pace, and what packages show that nobody else keeps: mailboxes,
//! named resources. Does not own: calls and bindings, which packages read when a document is written; they say through
//! [`Lamps`](crate::lamps::Lamps) that something changed.
//!
//! The pace: a change is noted (`changes`), its watchers are put in the queue as there is room in it, each turn of the
//! tenant sends to a limited number of them, and turns are [`TURN`] apart, so that thousands of watchers take a while and
//! a call in between takes none. One subscription hears
//! nothing while it owes the answer to a NOTIFY, nor sooner than [`QUIET`] after the last one: what changed meanwhile
//! is one document. Documents are always whole, so a gap needs no repair; their versions follow the CSeq of the NOTIFY
//! that carries them, which rises strictly, over restarts too.

mod body;
mod changes;
mod dialog_info;
mod document;
mod features;
mod keep;
mod list;
mod message_summary;
mod package;
mod pidf;
mod publish;
mod refused;
mod reg;
mod subscribe;
mod subscription;
mod texts;
mod unsolicited;
pub(crate) mod xml;

use crate::call::Call;
use crate::context::{Context, EventOwner, Owner};
use body::Document;
use changes::Changes;
use model::{
    CallId, EventCommand, FlowToken, Lamp, Limits, Mailbox, Now, Package, Resource, TenantConfig, UserId,
    Watch,
};
use publish::Publications;
use sip::timer::Wheel;
use sip::{Message, Name, Writer};
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::time::Duration;
use subscription::{Subscription, Verdict};
use texts::Texts;

/// The calls of the tenant, for documents that tell of them.
pub(crate) type Calls = BTreeMap<CallId, Box<Call>>;

/// Between two turns that tell watchers of changes.
const TURN: Duration = Duration::from_millis(5);
/// Between two NOTIFYs of one subscription: a call that is set up rings a lamp twice, not five times.
const QUIET: Duration = Duration::from_millis(200);
/// Before a NOTIFY is tried again for which there was no transaction.
const RETRY: Duration = Duration::from_secs(1);
/// Named resources of a tenant: their makers are few, but a limit costs nothing.
const RESOURCES: usize = 10_000;

/// A deadline of the event core.
#[derive(Clone, Copy, Debug)]
enum Alarm {
    /// A subscription ends.
    Ends(u64),
    /// A subscription may be told more.
    Quiet(u64),
    /// A published state ends.
    Unpublish(u64),
    /// The sender of a text has waited long enough.
    Patience(u64),
}

/// The Route values of a phone that registered through proxies (RFC 3327 §5.3).
fn along(mut writer: Writer, path: &[Box<str>]) -> Writer {
    for hop in path {
        writer = writer.header(Name::Route, hop);
    }
    writer
}

/// The event core of a tenant.
pub(crate) struct Events {
    subscriptions: BTreeMap<u64, Box<Subscription>>,
    by_tag: HashMap<Box<str>, u64>,
    watchers: BTreeSet<(Package, Resource, u64)>,
    by_user: BTreeSet<(UserId, u64)>,
    held_by: BTreeMap<UserId, u32>,
    /// Subscriptions by the worker and number of their connection.
    streams: BTreeSet<(u16, u64, u64)>,
    next: u64,
    alarms: Wheel<Alarm>,
    changes: Changes,
    /// Subscriptions with news, in the order in which it came.
    queue: VecDeque<u64>,
    /// Not before this may the queue be served again.
    next_turn: Duration,
    mailboxes: BTreeMap<UserId, Mailbox>,
    resources: BTreeMap<Box<str>, Lamp>,
    publications: Publications,
    texts: Texts,
    limit: usize,
    budget: usize,
}

impl Events {
    pub(crate) fn new(limits: &Limits) -> Events {
        Events {
            subscriptions: BTreeMap::new(),
            by_tag: HashMap::new(),
            watchers: BTreeSet::new(),
            by_user: BTreeSet::new(),
            held_by: BTreeMap::new(),
            streams: BTreeSet::new(),
            next: 0,
            alarms: Wheel::new(),
            changes: Changes::default(),
            queue: VecDeque::new(),
            next_turn: Duration::ZERO,
            mailboxes: BTreeMap::new(),
            resources: BTreeMap::new(),
            publications: Publications::default(),
            texts: Texts::default(),
            limit: limits.subscriptions_per_tenant,
            budget: limits.notifies_per_turn.max(1),
        }
    }

    /// True when the request is inside the dialog of a subscription.
    pub(crate) fn has_dialog(&self, message: &Message<'_>) -> bool {
        self.find(message).is_some()
    }

    fn find(&self, message: &Message<'_>) -> Option<u64> {
        let id = *self.by_tag.get(message.to_tag()?)?;
        self.subscriptions.get(&id)?.has(message).then_some(id)
    }

    /// A response to a request of the event core, or what stands for one.
    pub(crate) fn handle_response(
        &mut self,
        context: &mut Context,
        owner: EventOwner,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        match owner {
            EventOwner::Unsolicited => {}
            EventOwner::Text(number) => self.text_answered(context, number, code, now),
            EventOwner::Notify(id) => self.notified(context, id, code, message.is_none()),
        }
    }

    fn notified(&mut self, context: &mut Context, id: u64, code: u16, unheard: bool) {
        if code < 200 {
            return;
        }
        let Some(subscription) = self.subscriptions.get_mut(&id) else {
            return;
        };
        match subscription.answered(code, unheard) {
            Verdict::Goes => {
                context.counts.unheard += 1;
                self.remove(context, id);
            }
            Verdict::Ended => self.remove(context, id),
            Verdict::Stays if self.subscriptions.get(&id).is_some_and(|s| s.has_news()) => self.enqueue(id),
            Verdict::Stays => {}
        }
    }

    /// Others tell of what they keep.
    pub(crate) fn handle_command(&mut self, context: &mut Context, command: EventCommand, now: Now) {
        match command {
            EventCommand::Mailbox { user, mailbox } => {
                self.mailboxes.insert(user, mailbox);
                self.keep_mailbox(context, user, mailbox);
                self.mark(Package::MessageSummary, &Resource::User(user), Some(user));
                self.tell_mailbox(context, user, mailbox, now);
            }
            EventCommand::Resource { name, lamp } => self.set_resource(context, name, lamp),
            EventCommand::CheckSync { device, reboot } => self.check_sync(context, device, reboot, now),
        }
    }

    fn set_resource(&mut self, context: &mut Context, name: Box<str>, lamp: Option<Lamp>) {
        let resource = Resource::Named(name.clone());
        match lamp {
            Some(lamp) => {
                if self.resources.len() >= RESOURCES && !self.resources.contains_key(&name) {
                    context.counts.over_limit += 1;
                    return;
                }
                self.keep_resource(context, &name, Some(lamp));
                self.resources.insert(name, lamp);
                self.mark(Package::Dialog, &resource, None);
            }
            None => {
                if self.resources.remove(&name).is_some() {
                    self.keep_resource(context, &name, None);
                }
                for id in self.watchers_of(Package::Dialog, &resource) {
                    self.finish(context, id, "noresource");
                }
            }
        }
    }

    fn watchers_of(&self, package: Package, resource: &Resource) -> Vec<u64> {
        let first = (package, resource.clone(), 0);
        let last = (package, resource.clone(), u64::MAX);
        self.watchers.range(first..=last).map(|(_, _, id)| *id).collect()
    }

    fn enqueue(&mut self, id: u64) {
        if let Some(subscription) = self.subscriptions.get_mut(&id)
            && subscription.may_queue()
        {
            self.queue.push_back(id);
        }
    }

    /// A phone registered from `flow`: its subscriptions follow it, and what it missed is told.
    pub(crate) fn reconnect(&mut self, context: &mut Context, user: UserId, flow: FlowToken) {
        if !self.held_by.contains_key(&user) {
            return;
        }
        let binding = context.location.on_flow(user, &flow);
        let found = binding.map(|b| (b.record.key.clone(), b.record.instance.clone()));
        let Some((binding, instance)) = found else { return };
        let own: Vec<u64> = self.of_user(user).collect();
        for id in own {
            let Some(subscription) = self.subscriptions.get_mut(&id) else {
                continue;
            };
            let left = subscription.flow;
            if subscription.follow(context, &binding, instance.as_deref(), flow) {
                self.moved(id, &left, &flow);
                self.enqueue(id);
            }
        }
    }

    /// Keeps the index of connections.
    fn moved(&mut self, id: u64, from: &FlowToken, to: &FlowToken) {
        self.streams.remove(&(from.worker, from.connection, id));
        if to.transport.is_reliable() {
            self.streams.insert((to.worker, to.connection, id));
        }
    }

    /// A connection is gone; whoever subscribed over it is told when he comes back.
    pub(crate) fn connection_lost(&mut self, context: &mut Context, worker: u16, connection: u64) {
        let range = (worker, connection, 0)..=(worker, connection, u64::MAX);
        let lost: Vec<_> = self.streams.range(range).copied().collect();
        for entry in lost {
            self.streams.remove(&entry);
            let Some(subscription) = self.subscriptions.get_mut(&entry.2) else {
                continue;
            };
            subscription.strand();
            if subscription.is_ending() {
                self.remove(context, entry.2);
            }
        }
    }

    fn of_user(&self, user: UserId) -> impl Iterator<Item = u64> {
        self.by_user
            .range((user, 0)..=(user, u64::MAX))
            .map(|(_, id)| *id)
    }

    /// What may not be watched any more is no longer watched.
    pub(crate) fn reconfigured(&mut self, context: &mut Context, old: &TenantConfig) {
        let config = std::sync::Arc::clone(&context.config);
        let mut ended = Vec::new();
        for (id, subscription) in &self.subscriptions {
            let (user, device) = (subscription.user, subscription.device);
            let known = config.may_be_bound(device, user) && config.secret(device) == old.secret(device);
            if !known || !self.may_watch(&config, user, subscription.package, &subscription.resource) {
                ended.push(*id);
            }
        }
        for id in ended {
            self.finish(context, id, "rejected");
        }
        self.compare_lists(&config, old);
        self.withdraw_from(context, |p| {
            let same = config.secret(p.device) == old.secret(p.device);
            !same || !config.may_be_bound(p.device, p.user)
        });
        self.drop_texts(context, |user| config.user(user).is_none());
    }

    /// Whether a user may watch a resource. What does not exist may not be watched, and the answer is the same.
    fn may_watch(&self, config: &TenantConfig, user: UserId, package: Package, resource: &Resource) -> bool {
        let policy = config.policy();
        let watch = match package {
            Package::Dialog => policy.watch_calls,
            Package::Presence => policy.watch_presence,
            Package::MessageSummary | Package::Reg | Package::Features => Watch::Own,
        };
        match resource {
            Resource::User(watched) => {
                let exists = config.user(*watched).is_some_and(|user| user.enabled);
                exists && (watch == Watch::All || (watch == Watch::Own && *watched == user))
            }
            Resource::All => watch == Watch::All && matches!(package, Package::Dialog | Package::Presence),
            Resource::List(name) => {
                let known = config.list(name).is_some();
                known && watch == Watch::All && matches!(package, Package::Dialog | Package::Presence)
            }
            Resource::Named(name) => {
                package == Package::Dialog && watch == Watch::All && self.resources.contains_key(name)
            }
        }
    }

    /// Tells whoever is to hear something and may by now.
    pub(crate) fn settle(&mut self, context: &mut Context, calls: &Calls, now: Now) {
        for (package, user) in context.lamps.take_changed() {
            self.mark(package, &Resource::User(user), Some(user));
            self.mark(package, &Resource::All, Some(user));
            if context.lamps.watches_lists(package) {
                self.mark_lists(context, package, user);
            }
        }
        if now.mono < self.next_turn || !self.is_telling() {
            return;
        }
        self.fill_queue();
        for _ in 0..self.budget {
            let Some(id) = self.queue.pop_front() else { break };
            if let Some(subscription) = self.subscriptions.get_mut(&id) {
                subscription.wake();
                self.tell(context, calls, id, now);
            }
        }
        self.next_turn = now.mono + TURN;
    }

    /// Somebody in these lists changed.
    fn mark_lists(&mut self, context: &Context, package: Package, user: UserId) {
        for (name, users) in context.config.lists() {
            if users.contains(&user) {
                self.mark(package, &Resource::List(name.into()), Some(user));
            }
        }
    }

    /// Who watches a list that has other users now hears all of it.
    fn compare_lists(&mut self, config: &TenantConfig, old: &TenantConfig) {
        for (name, users) in config.lists() {
            if old.list(name) == Some(users) {
                continue;
            }
            for package in [Package::Dialog, Package::Presence] {
                for id in self.watchers_of(package, &Resource::List(name.into())) {
                    if let Some(subscription) = self.subscriptions.get_mut(&id).filter(|s| !s.is_ending()) {
                        subscription.force();
                        self.enqueue(id);
                    }
                }
            }
        }
    }

    /// Sends the NOTIFY that a subscription waits for, or plans it.
    fn tell(&mut self, context: &mut Context, calls: &Calls, id: u64, now: Now) {
        let Some(mut subscription) = self.subscriptions.remove(&id) else {
            return;
        };
        match subscription.quiet_until(now) {
            Some(at) => drop(self.alarms.insert(at, Alarm::Quiet(id))),
            None => {
                let document = if subscription.tells_nothing() {
                    Document::default()
                } else {
                    self.document(context, calls, &subscription)
                };
                if subscription.notify(context, document, Owner::Event(EventOwner::Notify(id)), now) {
                    self.keep_subscription(context, id, &subscription);
                }
                if subscription.is_stuck() {
                    self.alarms.insert(now.mono + RETRY, Alarm::Quiet(id));
                }
            }
        }
        self.subscriptions.insert(id, subscription);
    }

    /// Ends a subscription; its last NOTIFY gives the reason (RFC 6665 §4.2.2).
    fn finish(&mut self, context: &mut Context, id: u64, reason: &'static str) {
        if let Some(subscription) = self.subscriptions.get_mut(&id)
            && subscription.finish(reason)
        {
            self.forget(context, id);
            self.enqueue(id);
        }
        // Nobody is there to hear it: it has ended.
        if self.subscriptions.get(&id).is_some_and(|s| s.is_stranded()) {
            self.remove(context, id);
        }
    }

    fn remove(&mut self, context: &mut Context, id: u64) {
        let Some(subscription) = self.subscriptions.remove(&id) else {
            return;
        };
        if !subscription.is_ending() {
            self.forget(context, id);
        }
        self.alarms.cancel(subscription.expiry);
        self.by_tag.remove(subscription.dialog.local_tag.as_str());
        self.by_user.remove(&(subscription.user, id));
        let flow = subscription.flow;
        self.streams.remove(&(flow.worker, flow.connection, id));
        if let Some(held) = self.held_by.get_mut(&subscription.user) {
            *held = held.saturating_sub(1);
            if *held == 0 {
                self.held_by.remove(&subscription.user);
            }
        }
        let (package, resource) = (subscription.package, &subscription.resource);
        context.lamps.unwatch(package, resource);
        self.watchers.remove(&(package, resource.clone(), id));
    }

    /// Lets every deadline pass whose time has come.
    pub(crate) fn handle_timeout(&mut self, context: &mut Context, now: Now) {
        while let Some(alarm) = self.alarms.expire(now.mono) {
            match alarm {
                Alarm::Ends(id) => {
                    if self.subscriptions.contains_key(&id) {
                        self.finish(context, id, "timeout");
                    }
                }
                Alarm::Unpublish(tag) => self.withdraw(context, tag),
                Alarm::Patience(number) => self.patience_over(context, number, now),
                Alarm::Quiet(id) => {
                    if let Some(subscription) = self.subscriptions.get_mut(&id) {
                        subscription.wake();
                        self.enqueue(id);
                    }
                }
            }
        }
    }

    /// When to look again.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let turn = self.is_telling().then_some(self.next_turn);
        [turn, self.alarms.next_deadline()].into_iter().flatten().min()
    }

    /// True while somebody is to be told something as soon as it is his turn.
    pub(crate) fn is_telling(&self) -> bool {
        !self.queue.is_empty() || !self.changes.is_empty()
    }

    /// Subscriptions that have not ended.
    pub(crate) fn len(&self) -> usize {
        self.subscriptions.len()
    }
}
