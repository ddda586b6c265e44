//! What the event core keeps across a restart: each change is an effect for the journal, and the records that the
//! journal adds up to are put back here.

use super::subscription::{Draft, Subscription};
use super::{Alarm, Events};
use crate::context::Context;
use crate::effect::Effect;
use model::{
    DialogRecord, EventChange, EventKey, EventRecord, EventState, Lamp, Mailbox, Now, SubscriptionRecord,
    UserId, Wall,
};
use sip::dialog::Dialog;
use std::time::Duration;

/// The expiry of what stays until it is altered.
const NEVER: Wall = Wall(u64::MAX);

impl Events {
    pub(super) fn keep_subscription(&self, context: &mut Context, id: u64, subscription: &Subscription) {
        let record = SubscriptionRecord {
            user: subscription.user,
            device: subscription.device,
            package: subscription.package,
            resource: subscription.resource.clone(),
            event_id: subscription.event_id.clone(),
            dialog: kept_dialog(&subscription.dialog, subscription.reserved),
            binding: subscription.binding.clone(),
            instance: subscription.instance.clone(),
            flow: subscription.flow,
        };
        let state = EventState::Subscription(Box::new(record));
        put(context, EventKey::Subscription(id), subscription.expires, state);
    }

    /// A subscription is not to come back.
    pub(super) fn forget(&self, context: &mut Context, id: u64) {
        remove(context, EventKey::Subscription(id));
    }

    pub(super) fn keep_mailbox(&self, context: &mut Context, user: UserId, mailbox: Mailbox) {
        put(
            context,
            EventKey::Mailbox(user),
            NEVER,
            EventState::Mailbox(mailbox),
        );
    }

    pub(super) fn keep_resource(&self, context: &mut Context, name: &str, lamp: Option<Lamp>) {
        let key = EventKey::Resource(name.into());
        match lamp {
            Some(lamp) => put(context, key, NEVER, EventState::Resource(lamp)),
            None => remove(context, key),
        }
    }

    /// Ends every subscription and forgets everything.
    pub(crate) fn dismiss(&mut self, context: &mut Context) {
        let all: Vec<u64> = self.subscriptions.keys().copied().collect();
        for id in all {
            self.finish(context, id, "noresource");
        }
        self.withdraw_from(context, |_| true);
        self.drop_texts(context, |_| true);
        for user in std::mem::take(&mut self.mailboxes).into_keys() {
            remove(context, EventKey::Mailbox(user));
        }
        for name in std::mem::take(&mut self.resources).into_keys() {
            remove(context, EventKey::Resource(name));
        }
    }

    /// Puts back what the journal kept. What has ended, or may not be any more, is ignored and leaves the journal.
    pub(crate) fn restore(&mut self, context: &mut Context, record: EventRecord, now: Now) {
        if record.tenant != context.config.id() {
            return;
        }
        let left = record.expires.since(now.wall);
        let known = match (record.key.clone(), record.state) {
            _ if left.is_zero() => false,
            (EventKey::Subscription(id), EventState::Subscription(kept)) => {
                self.next = self.next.max(id);
                self.restore_subscription(context, id, *kept, left, now)
            }
            (EventKey::Mailbox(user), EventState::Mailbox(mailbox)) => {
                self.mailboxes.insert(user, mailbox);
                context.config.user(user).is_some()
            }
            (EventKey::Resource(name), EventState::Resource(lamp)) => {
                self.resources.insert(name, lamp);
                true
            }
            (EventKey::Publication(tag), EventState::Publication(kept)) => {
                self.restore_publication(context, tag, kept, left, now)
            }
            (EventKey::Message(number), EventState::Message(kept)) => {
                let known = context.config.user(kept.to).is_some();
                if known {
                    self.restore_text(number, kept, record.expires);
                }
                known
            }
            _ => false,
        };
        if !known {
            remove(context, record.key);
        }
    }

    fn restore_subscription(
        &mut self,
        context: &mut Context,
        id: u64,
        kept: SubscriptionRecord,
        left: Duration,
        now: Now,
    ) -> bool {
        let config = std::sync::Arc::clone(&context.config);
        // A named resource comes back on its own; until the core knows, it is taken on trust.
        let named = matches!(kept.resource, model::Resource::Named(_));
        let allowed = named || self.may_watch(&config, kept.user, kept.package, &kept.resource);
        if !allowed || !config.may_be_bound(kept.device, kept.user) {
            return false;
        }
        // A calendar that was set back while we were down must not keep it for longer than policy allows.
        let longest = Duration::from_secs(u64::from(config.policy().max_expires_s));
        let left = left.min(longest);
        let ends = now.mono + left;
        let binding = kept
            .binding
            .as_ref()
            .and_then(|key| context.location.find(kept.user, key));
        let flow = binding.map_or(kept.flow, |b| b.record.flow);
        let subscription = Box::new(Subscription::from(Draft {
            user: kept.user,
            device: kept.device,
            package: kept.package,
            resource: kept.resource,
            event_id: kept.event_id,
            dialog: dialog(kept.dialog),
            binding: kept.binding,
            instance: kept.instance,
            flow,
            ends,
            expires: now.wall.after(left),
            expiry: self.alarms.insert(ends, Alarm::Ends(id)),
            stranded: flow.transport.is_reliable(),
        }));
        self.keep_subscription(context, id, &subscription);
        self.enter(context, id, subscription);
        self.enqueue(id);
        true
    }
}

pub(super) fn put(context: &mut Context, key: EventKey, expires: Wall, state: EventState) {
    let tenant = context.config.id();
    let record = Box::new(EventRecord {
        tenant,
        key,
        expires,
        state,
    });
    context.out.push(Effect::Event(EventChange::Put(record)));
}

pub(super) fn remove(context: &mut Context, key: EventKey) {
    let tenant = context.config.id();
    context
        .out
        .push(Effect::Event(EventChange::Remove { tenant, key }));
}

fn kept_dialog(dialog: &Dialog, reserved: u32) -> DialogRecord {
    DialogRecord {
        call_id: dialog.call_id.as_str().into(),
        local_tag: dialog.local_tag.as_str().into(),
        remote_tag: dialog.remote_tag.as_str().into(),
        local: dialog.local.as_str().into(),
        remote: dialog.remote.as_str().into(),
        local_cseq: reserved,
        remote_cseq: dialog.remote_cseq.unwrap_or(0),
        remote_target: dialog.remote_target.as_str().into(),
        route_set: dialog.route_set.iter().map(|r| r.as_str().into()).collect(),
    }
}

fn dialog(kept: DialogRecord) -> Dialog {
    Dialog {
        call_id: kept.call_id.into(),
        local_tag: kept.local_tag.into(),
        remote_tag: kept.remote_tag.into(),
        local: kept.local.into(),
        remote: kept.remote.into(),
        local_cseq: kept.local_cseq,
        remote_cseq: Some(kept.remote_cseq),
        remote_target: kept.remote_target.into(),
        route_set: kept.route_set.into_iter().map(Into::into).collect(),
    }
}
