//! REGISTER, and what a phone that came back means to its calls.

use super::Tenant;
use crate::effect::Effect;
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
}
