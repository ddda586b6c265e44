//! `reg`: the phones of an address-of-record, for its owner alone (RFC 3680). Every document is whole.

use super::body::{VERSION, entity};
use super::xml;
use crate::context::Context;
use model::{BindingKey, UserId};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The document of a user.
pub(super) fn text(context: &Context, user: UserId) -> String {
    let bindings = context.location.of(user);
    let mut out = String::with_capacity(512);
    out.push_str("<?xml version=\"1.0\"?>\n<reginfo xmlns=\"urn:ietf:params:xml:ns:reginfo\" version=\"");
    out.push(VERSION);
    out.push_str("\" state=\"full\"><registration");
    xml::attribute(&mut out, "aor", &entity(&context.config, user));
    xml::attribute(&mut out, "id", &format!("u{user}"));
    let state = if bindings.is_empty() { "init" } else { "active" };
    xml::attribute(&mut out, "state", state);
    out.push('>');
    for binding in bindings {
        out.push_str("<contact");
        xml::attribute(&mut out, "id", &id(&binding.record.key));
        xml::attribute(&mut out, "state", "active");
        xml::attribute(&mut out, "event", "registered");
        if binding.record.q_milli < 1000 {
            let q = format!("0.{:03}", binding.record.q_milli);
            xml::attribute(&mut out, "q", &q);
        }
        out.push('>');
        xml::element(&mut out, "uri", &binding.record.contact);
        out.push_str("</contact>");
    }
    out.push_str("</registration></reginfo>\n");
    out
}

/// A name for a binding that is the same in every document (RFC 3680 §5.2).
fn id(key: &BindingKey) -> String {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    format!("b{:016x}", hasher.finish())
}
