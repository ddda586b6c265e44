//! REGISTER, and what a phone that came back means to its calls.

use super::Tenant;
use crate::effect::Effect;
use crate::location::BindingFacts;
use crate::outbound::{self, Granted};
use crate::registrar::{self, Refused};
use model::{FlowToken, Now, UserId};
use sip::{Message, Name};
use std::sync::Arc;

impl Tenant {
    /// REGISTER needs no transaction: what it did is written in the binding, so a copy of it gets the same
    /// answer from there, and a flood of registrations holds nothing but bindings.
    pub(super) fn handle_register(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if let Some(user) = registrar::repeated(&self.context.location, &self.context.config, message, &flow)
        {
            self.context.counts.retransmissions += 1;
            let granted = Granted::to(message, self.context.config.policy());
            return self.reply_registered(user, message, flow, granted.unwrap_or_default(), now);
        }
        let Some(device) = self.authenticate(flow, message, now) else {
            return;
        };
        let config = Arc::clone(&self.context.config);
        let granted = match Granted::to(message, config.policy()) {
            Ok(granted) => granted,
            Err(refused) => return self.refuse_register(message, flow, refused),
        };
        let path = outbound::path(message, granted);
        let context = &mut self.context;
        let settled = context.location.on_flow(device.user, &flow).is_some();
        match registrar::register(&mut context.location, &config, &device, message, &path, flow, now) {
            Ok(changes) => {
                context.counts.registered += 1;
                self.tell_of_bindings(&changes);
                let bindings = changes.into_iter().map(Effect::Binding);
                self.context.out.extend(bindings);
                self.reply_registered(device.user, message, flow, granted, now);
                self.phone_registered(device.user, flow, now);
                if !settled {
                    self.reconnect(device.user, flow, now);
                }
                self.wake_up(device.user, &flow, now);
            }
            Err(refused) => self.refuse_register(message, flow, refused),
        }
    }

    fn refuse_register(&mut self, message: &Message<'_>, flow: FlowToken, refused: Refused) {
        let context = &mut self.context;
        context.counts.forbidden += u64::from(refused == Refused::Foreign);
        context.reply_with(message, flow, refused.code(), |writer| match refused {
            Refused::TooBrief(least) => writer.header(Name::MinExpires, &least.to_string()),
            Refused::Unsupported(tag) => writer.header(Name::Unsupported, tag),
            _ => writer,
        });
    }

    fn reply_registered(
        &mut self,
        user: UserId,
        message: &Message<'_>,
        flow: FlowToken,
        granted: Granted,
        now: Now,
    ) {
        let mut values = registrar::contacts(&self.context.location, user, now);
        if granted.gruu {
            self.add_gruus(user, &mut values);
        }
        let context = &mut self.context;
        let timer_s = context
            .config
            .policy()
            .flow_timer_s
            .min(context.longest_flow_timer_s);
        context.reply_with(message, flow, 200, |mut writer| {
            for value in &values {
                writer = writer.header(Name::Contact, value);
            }
            granted.write(writer, message, &flow, timer_s)
        });
    }

    /// Calls that woke a phone of this user ring it now.
    fn wake_up(&mut self, user: UserId, flow: &FlowToken, now: Now) {
        let calls = self.context.following.waking(user);
        if calls.is_empty() {
            return;
        }
        let Some(facts) = self.context.location.on_flow(user, flow).map(BindingFacts::from) else {
            return;
        };
        for id in calls {
            if let Some(call) = self.calls.get_mut(&id) {
                call.woken(&mut self.context, &facts, now);
            }
        }
    }

    /// The GRUUs of each binding, behind its Contact.
    fn add_gruus(&mut self, user: UserId, values: &mut [String]) {
        let salt = self.context.random();
        let context = &self.context;
        let extension = context.config.user(user).map_or("", |user| &user.extension);
        let bindings = context.location.of(user).iter().zip(values).zip(salt..=u64::MAX);
        for ((binding, value), salt) in bindings {
            let realm = context.config.realm();
            context.gruus.append(value, binding, extension, realm, salt);
        }
    }

    /// A phone that came back on a new connection keeps its calls, and hears what it missed. For the first REGISTER on
    /// a flow, not for each refresh.
    fn reconnect(&mut self, user: UserId, flow: FlowToken, now: Now) {
        let Some(facts) = self.context.location.on_flow(user, &flow).map(BindingFacts::from) else {
            return;
        };
        for client in self.context.following.partings(user, &facts.key, flow.transport) {
            self.context.tx.redirect(client, flow, now.mono);
        }
        for id in self.context.following.calls(user) {
            if let Some(call) = self.calls.get_mut(&id) {
                call.reconnect(&mut self.context, &facts, now);
            }
        }
    }
}
