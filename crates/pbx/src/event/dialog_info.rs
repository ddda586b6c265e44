//! `dialog`: what a busy lamp shows (RFC 4235). Every document is whole (`state="full"`, §4.1): a user has few calls, and
//! a lamp that missed a document is right again with the next one.
//!
//! Who is at the other end is shown to the user himself, and to others where the tenant's policy says so. So is the
//! name of the SIP dialog that rings, for whoever wants to take it by Replaces; we find it by our tag, so that stands for
//! both. The name of a dialog that is up is never shown: it is between us and the phone.

use super::body::{VERSION, entity};
use super::{Calls, xml};
use crate::call::{Part, Progress};
use crate::context::Context;
use model::{Lamp, UserId};

/// What a watcher may see.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    /// Who is at the other end.
    pub(super) party: bool,
    /// The name of a dialog that rings.
    pub(super) dialog: bool,
}

/// The lamp of a user.
pub(super) fn of_user(context: &Context, calls: &Calls, user: UserId, sight: Sight) -> String {
    let entity = entity(&context.config, user);
    let mut out = begin(&entity);
    for call in context.lamps.calls_of(user).filter_map(|id| calls.get(&id)) {
        for part in call.parts_of(user) {
            dialog(&mut out, context.config.realm(), &entity, &part, sight);
        }
    }
    end(out)
}

/// The lamp of a named resource: one dialog while it is taken.
pub(super) fn of_resource(realm: &str, name: &str, lamp: Lamp) -> String {
    let entity = format!("sip:{name}@{realm}");
    let mut out = begin(&entity);
    let state = match lamp {
        Lamp::Off => return end(out),
        Lamp::Ringing => "early",
        Lamp::On => "confirmed",
    };
    out.push_str("<dialog");
    xml::attribute(&mut out, "id", name);
    xml::attribute(&mut out, "direction", "recipient");
    out.push('>');
    xml::element(&mut out, "state", state);
    out.push_str("</dialog>");
    end(out)
}

fn begin(entity: &str) -> String {
    let mut out = String::with_capacity(512);
    out.push_str(
        "<?xml version=\"1.0\"?>\n<dialog-info xmlns=\"urn:ietf:params:xml:ns:dialog-info\" version=\"",
    );
    out.push(VERSION);
    out.push_str("\" state=\"full\"");
    xml::attribute(&mut out, "entity", entity);
    out.push('>');
    out
}

fn end(mut out: String) -> String {
    out.push_str("</dialog-info>\n");
    out
}

fn dialog(out: &mut String, realm: &str, entity: &str, part: &Part<'_>, sight: Sight) {
    out.push_str("<dialog");
    xml::attribute(out, "id", &part.id);
    if let Some((call_id, tag)) = part.rings_as.filter(|_| sight.dialog) {
        xml::attribute(out, "call-id", call_id);
        xml::attribute(out, "local-tag", tag);
        xml::attribute(out, "remote-tag", tag);
    }
    let direction = if part.initiator { "initiator" } else { "recipient" };
    xml::attribute(out, "direction", direction);
    out.push('>');
    let state = match part.progress {
        Progress::Trying => "trying",
        Progress::Early => "early",
        Progress::Confirmed => "confirmed",
    };
    xml::element(out, "state", state);
    out.push_str("<local>");
    xml::element(out, "identity", entity);
    out.push_str("</local>");
    let (number, display) = part.party;
    if sight.party {
        out.push_str("<remote><identity");
        if !display.is_empty() {
            xml::attribute(out, "display", display);
        }
        out.push('>');
        xml::push(out, &format!("sip:{number}@{realm}"));
        out.push_str("</identity></remote>");
    }
    out.push_str("</dialog>");
}
