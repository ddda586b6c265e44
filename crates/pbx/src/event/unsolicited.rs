//! NOTIFYs that nobody subscribed to, as old phones want them: `check-sync`, on which a phone fetches its configuration,
//! and `message-summary` for phones that never subscribe to their mailbox (RFC 3842 §3, "implicit").

use super::{Events, message_summary};
use crate::call::{request_uri, via};
use crate::context::{Context, EventOwner, Owner};
use crate::location::BindingFacts;
use crate::reach::best_flows;
use model::{DeviceId, Mailbox, Now, Package, UserId};
use sip::{Method, Name, Writer};

impl Events {
    /// Tells every phone of a device to fetch its configuration.
    pub(super) fn check_sync(&self, context: &mut Context, device: DeviceId, reboot: bool, now: Now) {
        let event = if reboot {
            "check-sync;reboot=true"
        } else {
            "check-sync;reboot=false"
        };
        let Some(user) = context.config.device_by_id(device).map(|device| device.user) else {
            return;
        };
        let phones: Vec<BindingFacts> = best_flows(context.location.of(user))
            .filter(|b| b.record.device == device)
            .map(BindingFacts::from)
            .collect();
        for phone in phones {
            tell(context, &phone, event, None, now);
        }
    }

    /// Tells the phones of a user about his mailbox that have not subscribed to it.
    pub(super) fn tell_mailbox(&self, context: &mut Context, user: UserId, mailbox: Mailbox, now: Now) {
        let watches = |b: &crate::location::Binding| {
            self.of_user(user)
                .filter_map(|id| self.subscriptions.get(&id))
                .any(|s| s.package == Package::MessageSummary && s.device == b.record.device)
        };
        let phones: Vec<BindingFacts> = best_flows(context.location.of(user))
            .filter(|b| !watches(b))
            .map(BindingFacts::from)
            .collect();
        let text = message_summary::text(&context.config, user, mailbox);
        for phone in phones {
            tell(context, &phone, "message-summary", Some(&text), now);
        }
    }
}

/// A NOTIFY outside of any dialog, on the flow that the phone registered from.
fn tell(context: &mut Context, phone: &BindingFacts, event: &str, summary: Option<&str>, now: Now) {
    let (branch, tag, call_id) = (context.new_branch(), context.new_tag(), context.new_call_id());
    let entity = super::body::entity(&context.config, phone.user);
    let via = via(&phone.flow, &branch);
    let writer = Writer::request(Method::Notify, request_uri(&phone.contact))
        .via(via.transport, via.sent_by, via.branch, true)
        .header(Name::MaxForwards, "70");
    let writer = super::along(writer, &phone.path)
        .fmt(Name::From, format_args!("<{entity}>;tag={tag}"))
        .fmt(Name::To, format_args!("<{entity}>"))
        .header(Name::CallId, &call_id)
        .header(Name::CSeq, "1 NOTIFY")
        .header(Name::Contact, &context.contact(&phone.flow))
        .header(Name::Event, event)
        .header(Name::SubscriptionState, "terminated;reason=timeout")
        .header(Name::UserAgent, &context.server_name);
    let bytes = match summary {
        Some(text) => writer.body("application/simple-message-summary", text.as_bytes()),
        None => writer.finish(),
    };
    let owner = Owner::Event(EventOwner::Unsolicited);
    let sent = context.request(Method::Notify, &branch, bytes, phone.flow, owner, now);
    match sent {
        Ok(_) => context.counts.notified += 1,
        Err(_) => context.counts.over_limit += 1,
    }
}
