//! What a NOTIFY carries, written when it leaves, from what is true then.

use super::body::{Document, entity};
use super::subscription::Subscription;
use super::{Calls, Events, dialog_info, features, message_summary, package, pidf, reg};
use crate::context::Context;
use model::{Package, Resource};

impl Events {
    /// What the subscription is to hear now.
    pub(super) fn document(&self, context: &Context, calls: &Calls, subscription: &Subscription) -> Document {
        if subscription.resource.is_list() {
            return self.list(context, calls, subscription);
        }
        if subscription.package == Package::Features {
            let (told, asked) = (subscription.told.as_deref(), subscription.asked);
            return features::document(context, subscription.user, told, asked);
        }
        Document {
            content_type: package::content_type(subscription.package).to_owned(),
            text: self.text_of(context, calls, subscription, &subscription.resource),
            settings: None,
        }
    }

    /// The document of one resource.
    pub(super) fn text_of(
        &self,
        context: &Context,
        calls: &Calls,
        subscription: &Subscription,
        resource: &Resource,
    ) -> String {
        let config = &context.config;
        let watcher = subscription.user;
        match (subscription.package, resource) {
            (Package::Dialog, Resource::User(user)) => {
                let own = *user == watcher;
                let sight = dialog_info::Sight {
                    party: own || config.policy().lamps_show_party,
                    dialog: config.policy().lamps_show_dialog,
                };
                dialog_info::of_user(context, calls, *user, sight)
            }
            (Package::Dialog, Resource::Named(name)) => {
                let lamp = self.resources.get(name).copied().unwrap_or_default();
                dialog_info::of_resource(config.realm(), name, lamp)
            }
            (Package::MessageSummary, Resource::User(user)) => {
                let mailbox = self.mailboxes.get(user).copied().unwrap_or_default();
                message_summary::text(config, *user, mailbox)
            }
            (Package::Presence, Resource::User(user)) => {
                let presence = self.presence(context, calls, *user);
                pidf::write(&entity(config, *user), &presence)
            }
            (Package::Reg, Resource::User(user)) => reg::text(context, *user),
            _ => String::new(),
        }
    }
}
