//! The event packages that are known, by their names and the documents they carry (RFC 6665 §5.4).

use model::Package;
use sip::header::accepts;
use sip::{Message, Name, Params};

/// The value of Allow-Events (RFC 6665 §8.2.2).
pub(crate) const ALLOW_EVENTS: &str = "as-feature-event, dialog, message-summary, presence, reg";

/// The type of the documents of `as-feature-event`.
pub(super) const FEATURES_TYPE: &str = "application/x-as-feature-event+xml";

/// Octets of an `id` parameter that a subscription keeps.
const LONGEST_ID: usize = 64;

/// Reads an Event value: the package and the `id` parameter (RFC 6665 §8.2.1). `None` for a package that is not
/// known, and for an id that nobody sends.
pub(super) fn parse(value: &str) -> Option<(Package, Option<Box<str>>)> {
    let (name, params) = value.split_once(';').unwrap_or((value, ""));
    let package = match name.trim() {
        "dialog" => Package::Dialog,
        "message-summary" => Package::MessageSummary,
        "presence" => Package::Presence,
        "reg" => Package::Reg,
        "as-feature-event" => Package::Features,
        _ => return None,
    };
    let id = Params::new(params).value("id");
    if id.is_some_and(|id| id.len() > LONGEST_ID) {
        return None;
    }
    Some((package, id.map(Into::into)))
}

/// The name of a package.
pub(super) fn name(package: Package) -> &'static str {
    match package {
        Package::Dialog => "dialog",
        Package::MessageSummary => "message-summary",
        Package::Presence => "presence",
        Package::Reg => "reg",
        Package::Features => "as-feature-event",
    }
}

/// The type of its documents.
pub(super) fn content_type(package: Package) -> &'static str {
    match package {
        Package::Dialog => "application/dialog-info+xml",
        Package::MessageSummary => "application/simple-message-summary",
        Package::Presence => "application/pidf+xml",
        Package::Reg => "application/reginfo+xml",
        Package::Features => FEATURES_TYPE,
    }
}

/// True when the phone reads these documents; without Accept the package's own type is meant (RFC 6665 §3.1.3).
pub(super) fn is_acceptable(message: &Message<'_>, content_type: &str) -> bool {
    let mut values = message.headers(Name::Accept).peekable();
    values.peek().is_none() || values.any(|value| accepts(value, content_type))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_is_a_word_with_parameters() {
        assert_eq!(parse("dialog"), Some((Package::Dialog, None)));
        assert_eq!(parse("reg ; id=7"), Some((Package::Reg, Some("7".into()))));
        assert_eq!(
            parse("dialog;sla;id=\"x\""),
            Some((Package::Dialog, Some("\"x\"".into())))
        );
        for foreign in ["", "Dialog", "dialog.winfo", "refer", ";id=1"] {
            assert_eq!(parse(foreign), None, "{foreign}");
        }
        assert_eq!(parse(&format!("dialog;id={}", "x".repeat(65))), None);
    }
}
