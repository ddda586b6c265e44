//! SUBSCRIBE: what it asks for, whether it may, and the subscription that it makes, refreshes or ends (RFC 6665 §4.2.1).

use super::features::{self, Press};
use super::list::ALL;
use super::refused::Refused;
use super::subscription::{Draft, Subscription};
use super::{Alarm, Calls, Events, package};
use crate::context::{Context, Owner};
use model::{Device, FlowToken, Now, Package, Policy, Resource, TenantConfig};
use sip::dialog::Dialog;
use sip::transaction::ServerId;
use sip::{Message, Name, Uri};
use std::sync::Arc;
use std::time::Duration;

/// Octets of the header values that a subscription keeps, together; phones write less than 1,000.
const LONGEST_HEAD: usize = 4_096;

/// What a SUBSCRIBE asks for.
struct Wish {
    package: Package,
    resource: Resource,
    event_id: Option<Box<str>>,
    expires_s: u32,
    press: Option<Press>,
}

impl Events {
    /// Takes an authenticated SUBSCRIBE outside of a dialog.
    pub(crate) fn subscribe(
        &mut self,
        context: &mut Context,
        calls: &Calls,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let config = Arc::clone(&context.config);
        let mut wish = match self.wish(&config, device, message) {
            Ok(wish) => wish,
            Err(refused) => return refuse(context, message, flow, refused),
        };
        let tag = context.new_tag();
        let dialog = Dialog::uas(message, &tag).ok().filter(is_modest);
        let Some(dialog) = dialog else {
            return refuse(context, message, flow, Refused::Bad);
        };
        let Some(server) = context.accept(message, flow, Owner::None, now) else {
            return;
        };
        context.counts.subscriptions += 1;
        if let Some(change) = wish.press.take().and_then(|press| press.change) {
            context.change_settings(device.user, change);
        }
        let id = self.admit(context, device, wish, dialog, flow, now);
        self.accepted(context, id, server, message, now);
        self.tell(context, calls, id, now);
    }

    /// Reads what is asked for and looks at every rule before anything is done.
    fn wish(&self, config: &TenantConfig, device: &Device, message: &Message<'_>) -> Result<Wish, Refused> {
        let event = message.header(Name::Event).and_then(package::parse);
        let (package, event_id) = event.ok_or(Refused::BadEvent)?;
        let resource = self.resource(config, message).ok_or(Refused::Unknown)?;
        if !self.may_watch(config, device.user, package, &resource) {
            return Err(Refused::Unknown);
        }
        if !package::is_acceptable(message, package::content_type(package)) {
            return Err(Refused::NotAcceptable);
        }
        if resource == Resource::All && config.users().len() > Policy::LIST_USERS {
            return Err(Refused::Unknown);
        }
        if resource.is_list() && !message.has_option(Name::Supported, "eventlist") {
            return Err(Refused::NeedsLists);
        }
        let expires_s = expires(config, message)?;
        let held = self.held_by.get(&device.user).copied().unwrap_or(0);
        if held >= config.policy().max_subscriptions {
            return Err(Refused::TooMany);
        }
        if self.subscriptions.len() >= self.limit {
            return Err(Refused::Full);
        }
        let press = features::press(config, device.user, package, message)?;
        Ok(Wish {
            package,
            resource,
            event_id,
            expires_s,
            press,
        })
    }

    /// The resource that the Request-URI names.
    fn resource(&self, config: &TenantConfig, message: &Message<'_>) -> Option<Resource> {
        let uri = Uri::parse(message.request_line()?.uri).ok()?;
        if !config.owns_domain(uri.host) {
            return None;
        }
        let name = uri.user_decoded();
        if let Some(user) = config.extension(&name) {
            return Some(Resource::User(user.id));
        }
        if self.resources.contains_key(&*name) {
            return Some(Resource::Named((*name).into()));
        }
        if config.list(&name).is_some() {
            return Some(Resource::List((*name).into()));
        }
        (name == ALL).then_some(Resource::All)
    }

    fn admit(
        &mut self,
        context: &mut Context,
        device: &Device,
        wish: Wish,
        dialog: Dialog,
        flow: FlowToken,
        now: Now,
    ) -> u64 {
        self.next += 1;
        let id = self.next;
        let life = Duration::from_secs(u64::from(wish.expires_s));
        let ends = now.mono + life;
        let flow = context.home(device.user, &dialog.remote_target, flow);
        let binding = context.location.on_flow(device.user, &flow);
        let mut subscription = Box::new(Subscription::from(Draft {
            user: device.user,
            device: device.id,
            package: wish.package,
            resource: wish.resource,
            event_id: wish.event_id,
            dialog,
            binding: binding.map(|b| b.record.key.clone()),
            instance: binding.and_then(|b| b.record.instance.clone()),
            flow,
            ends,
            expires: now.wall.after(life),
            expiry: self.alarms.insert(ends, Alarm::Ends(id)),
            stranded: false,
        }));
        if wish.expires_s == 0 {
            // A fetch: one document, and nothing to keep (RFC 6665 §4.4.3).
            subscription.finish("timeout");
        } else {
            self.keep_subscription(context, id, &subscription);
        }
        self.enter(context, id, subscription);
        id
    }

    /// Puts a subscription into every index.
    pub(super) fn enter(&mut self, context: &mut Context, id: u64, subscription: Box<Subscription>) {
        let (user, package, resource) = (subscription.user, subscription.package, &subscription.resource);
        let tag = subscription.dialog.local_tag.clone().into_boxed_str();
        self.by_tag.insert(tag, id);
        self.by_user.insert((user, id));
        let flow = subscription.flow;
        if flow.transport.is_reliable() && !subscription.is_stranded() {
            self.streams.insert((flow.worker, flow.connection, id));
        }
        *self.held_by.entry(user).or_default() += 1;
        context.lamps.watch(package, resource);
        self.watchers.insert((package, resource.clone(), id));
        self.subscriptions.insert(id, subscription);
    }

    /// Answers a SUBSCRIBE with 200.
    fn accepted(&self, context: &mut Context, id: u64, server: ServerId, message: &Message<'_>, now: Now) {
        let Some(subscription) = self.subscriptions.get(&id) else {
            return;
        };
        let left = if subscription.is_ending() {
            0
        } else {
            subscription.ends.saturating_sub(now.mono).as_secs()
        };
        let (flow, tag) = (subscription.flow, &subscription.dialog.local_tag);
        let writer = context
            .response(message, flow, 200, Some(tag))
            .fmt(Name::Expires, format_args!("{left}"))
            .header(Name::Contact, &context.contact(&flow))
            .copy(message, Name::RecordRoute);
        let writer = if subscription.resource.is_list() {
            writer.header(Name::Require, "eventlist")
        } else {
            writer
        };
        context.tx.respond(server, 200, writer.finish(), now.mono);
    }

    /// Takes an authenticated SUBSCRIBE inside the dialog of a subscription: a refresh, or the end.
    pub(crate) fn resubscribe(
        &mut self,
        context: &mut Context,
        calls: &Calls,
        device: &Device,
        message: &Message<'_>,
        flow: FlowToken,
        now: Now,
    ) {
        let config = Arc::clone(&context.config);
        let found = self
            .find(message)
            .and_then(|id| self.subscriptions.get(&id).map(|s| (id, s)));
        let Some((id, subscription)) = found.filter(|(_, s)| !s.is_ending()) else {
            context.counts.no_dialog += 1;
            return context.reply(message, flow, 481);
        };
        if subscription.user != device.user {
            context.counts.forbidden += 1;
            return context.reply(message, flow, 403);
        }
        let event = message.header(Name::Event).and_then(package::parse);
        if event.is_none_or(|(package, _)| package != subscription.package) {
            return refuse(context, message, flow, Refused::BadEvent);
        }
        let press = features::press(&config, device.user, subscription.package, message);
        let (expires_s, press) = match expires(&config, message).and_then(|e| Ok((e, press?))) {
            Ok(both) => both,
            Err(refused) => return refuse(context, message, flow, refused),
        };
        let Some(server) = context.accept(message, flow, Owner::None, now) else {
            return;
        };
        if !self.renew(context, id, message, (expires_s, press), flow, now) {
            let bytes = context.response(message, flow, 500, None).finish();
            return context.tx.respond(server, 500, bytes, now.mono);
        }
        self.accepted(context, id, server, message, now);
        // Whoever asks is answered at once, whatever waits in the queue.
        if self.subscriptions.get_mut(&id).is_some_and(|s| s.is_stuck()) {
            self.tell(context, calls, id, now);
        }
    }

    /// False for a request that comes after a later one.
    fn renew(
        &mut self,
        context: &mut Context,
        id: u64,
        message: &Message<'_>,
        (expires_s, press): (u32, Option<Press>),
        flow: FlowToken,
        now: Now,
    ) -> bool {
        let Some(mut subscription) = self.subscriptions.remove(&id) else {
            return false;
        };
        let in_order = subscription.dialog.receive(message).is_ok();
        if in_order {
            let before = subscription.dialog.remote_target.clone();
            subscription.dialog.refresh_target(message);
            if !is_modest(&subscription.dialog) {
                subscription.dialog.remote_target = before;
            }
            let left = subscription.flow;
            let target = &subscription.dialog.remote_target;
            let flow = context.home(subscription.user, target, flow);
            subscription.moved(context, flow);
            self.moved(id, &left, &flow);
            if let Some(binding) = context.location.on_flow(subscription.user, &flow) {
                subscription.binding = Some(binding.record.key.clone());
                subscription.instance.clone_from(&binding.record.instance);
            }
            if expires_s == 0 {
                subscription.finish("timeout");
                self.forget(context, id);
            } else {
                let life = Duration::from_secs(u64::from(expires_s));
                subscription.ends = now.mono + life;
                subscription.expires = now.wall.after(life);
                self.alarms.cancel(subscription.expiry);
                subscription.expiry = self.alarms.insert(subscription.ends, Alarm::Ends(id));
                match &press {
                    Some(press) => subscription.ask(press.feature),
                    None => subscription.force(),
                }
                self.keep_subscription(context, id, &subscription);
            }
            if let Some(change) = press.and_then(|press| press.change) {
                context.change_settings(subscription.user, change);
            }
        }
        self.subscriptions.insert(id, subscription);
        in_order
    }
}

pub(super) fn refuse(context: &mut Context, message: &Message<'_>, flow: FlowToken, refused: Refused) {
    let writer = context.begin_reply(message, flow, refused.code());
    let bytes = refused.explain(context, writer).finish();
    context.transmit(flow, bytes);
}

/// How long it is to last: the bounds are those of registrations (RFC 6665 §4.2.1.1).
pub(super) fn expires(config: &TenantConfig, message: &Message<'_>) -> Result<u32, Refused> {
    let policy = config.policy();
    let asked = message.expires().unwrap_or(policy.default_expires_s);
    if asked > 0 && asked < policy.min_expires_s {
        return Err(Refused::TooBrief(policy.min_expires_s));
    }
    Ok(asked.min(policy.max_expires_s))
}

/// What a dialog keeps of its phone's words is not too much.
fn is_modest(dialog: &Dialog) -> bool {
    let parts = [
        &dialog.call_id,
        &dialog.remote_tag,
        &dialog.local,
        &dialog.remote,
        &dialog.remote_target,
    ];
    let routes = dialog.route_set.iter();
    parts.into_iter().chain(routes).map(String::len).sum::<usize>() <= LONGEST_HEAD
}
