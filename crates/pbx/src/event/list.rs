//! Resource lists (RFC 4662): one subscription to `sip:all@domain`, or to a list of the tenant's by its name, instead of
//! one for each user.
//!
//! The first document and the answer to each SUBSCRIBE name every user; later ones only those that changed
//! (`fullState="false"`, §5.2).

use super::body::{VERSION, entity};
use super::subscription::Subscription;
use super::{Calls, Document, Events, package, xml};
use crate::context::Context;
use model::{Resource, UserId};
use std::fmt::Write;

/// The user part of the address that stands for all users.
pub(super) const ALL: &str = "all";

/// Between two parts of a document. No document holds it: text of others never begins a line with two dashes, for there
/// are no line ends in it.
const BOUNDARY: &str = "carillon-list";

impl Events {
    /// What a subscription to several users is to hear now.
    pub(super) fn list(&self, context: &Context, calls: &Calls, subscription: &Subscription) -> Document {
        let config = &context.config;
        let whole = subscription.tells_all();
        let (name, members) = match &subscription.resource {
            Resource::List(name) => (&**name, config.list(name).unwrap_or(&[]).to_vec()),
            _ => (ALL, config.users().iter().map(|user| user.id).collect()),
        };
        let told = |user: &UserId| {
            let enabled = config.user(*user).is_some_and(|user| user.enabled);
            enabled && (whole || subscription.changed.contains(user))
        };
        let users: Vec<UserId> = members.into_iter().filter(told).collect();
        let mut text = String::with_capacity(512 + users.len() * 512);
        let root = format!("list@{}", config.realm());
        let _ = write!(
            text,
            "--{BOUNDARY}\r\nContent-ID: <{root}>\r\nContent-Type: application/rlmi+xml;charset=\"UTF-8\"\r\n\r\n\
             <?xml version=\"1.0\"?>\n<list xmlns=\"urn:ietf:params:xml:ns:rlmi\""
        );
        xml::attribute(&mut text, "uri", &format!("sip:{name}@{}", config.realm()));
        let _ = write!(text, " version=\"{VERSION}\" fullState=\"{whole}\">");
        for user in &users {
            text.push_str("<resource");
            xml::attribute(&mut text, "uri", &entity(config, *user));
            let _ = write!(
                text,
                "><instance id=\"1\" state=\"active\" cid=\"u{user}@{}\"/></resource>",
                config.realm()
            );
        }
        text.push_str("</list>\r\n");
        let content_type = package::content_type(subscription.package);
        for user in &users {
            let _ = write!(
                text,
                "--{BOUNDARY}\r\nContent-ID: <u{user}@{}>\r\nContent-Type: {content_type}\r\n\r\n",
                config.realm()
            );
            text.push_str(&self.text_of(context, calls, subscription, &Resource::User(*user)));
            text.push_str("\r\n");
        }
        let _ = write!(text, "--{BOUNDARY}--\r\n");
        Document {
            content_type: format!(
                "multipart/related;type=\"application/rlmi+xml\";start=\"<{root}>\";boundary=\"{BOUNDARY}\""
            ),
            text,
            settings: None,
        }
    }
}
