//! The event core among the rest of the tenant: requests that concern it, and what calls and registrations mean to it.

use super::Tenant;
use crate::context::EventOwner;
use crate::effect::Effect;
use model::{BindingChange, EventRecord, FlowToken, Now, UserId};
use sip::Message;

impl Tenant {
    /// SUBSCRIBE, also one inside the dialog of a subscription: a refresh shows its credentials as well.
    pub(super) fn handle_subscribe(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        let Some(device) = self.admit(flow, message, now) else {
            return;
        };
        let context = &mut self.context;
        if self.events.has_dialog(message) {
            self.events
                .resubscribe(context, &self.calls, &device, message, flow, now);
        } else {
            self.events
                .subscribe(context, &self.calls, &device, message, flow, now);
        }
    }

    /// PUBLISH.
    pub(super) fn handle_publish(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if let Some(device) = self.admit(flow, message, now) {
            self.events
                .publish(&mut self.context, &device, message, flow, now);
        }
    }

    /// MESSAGE outside of a dialog.
    pub(super) fn handle_text(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) {
        if self.context.tx.is_merged(message) {
            return self.context.reply(message, flow, 482);
        }
        if let Some(device) = self.admit(flow, message, now) {
            self.events.text(&mut self.context, &device, message, flow, now);
        }
    }

    /// A phone is there (again): what watches and waits for it follows.
    pub(super) fn phone_registered(&mut self, user: UserId, flow: FlowToken, now: Now) {
        self.events.reconnect(&mut self.context, user, flow);
        self.events.deliver_next(&mut self.context, user, now);
    }

    pub(super) fn event_answered(
        &mut self,
        owner: EventOwner,
        code: u16,
        message: Option<&Message<'_>>,
        now: Now,
    ) {
        self.events
            .handle_response(&mut self.context, owner, code, message, now);
    }

    /// Who watches registrations hears of these.
    pub(super) fn tell_of_bindings(&mut self, changes: &[BindingChange]) {
        for change in changes {
            let user = match change {
                BindingChange::Put(record) => record.user,
                BindingChange::Remove { user, .. } => *user,
            };
            self.context.lamps.binding_changed(user);
        }
    }

    /// The tenant is deleted: nobody watches any more, and nothing is kept.
    pub fn dismiss_events(&mut self, now: Now, out: &mut Vec<Effect>) {
        self.events.dismiss(&mut self.context);
        self.settle(now);
        self.context.drain(out);
    }

    /// Puts back what the event core kept in the journal. Bindings come first: subscriptions go where they say.
    pub fn restore_event(&mut self, record: EventRecord, now: Now) {
        self.events.restore(&mut self.context, record, now);
    }
}
