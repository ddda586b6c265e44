//! Why a request for an event package is refused, and the answer that says so.

use super::package;
use crate::context::Context;
use sip::{Name, Writer};

/// Why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Bad,
    /// No such resource, or none that this user may watch.
    Unknown,
    BadEvent,
    NotAcceptable,
    TooBrief(u32),
    /// A list for a phone that can't read one (RFC 4662 §4.1).
    NeedsLists,
    /// No publication has this entity-tag (RFC 3903 §6).
    NoMatch,
    /// A document of another kind than the package has.
    BadType,
    TooLarge,
    /// The user's own limit.
    TooMany,
    /// The tenant's.
    Full,
}

impl Refused {
    pub(super) fn code(self) -> u16 {
        match self {
            Refused::Bad => 400,
            Refused::Unknown => 404,
            Refused::BadEvent => 489,
            Refused::NotAcceptable => 406,
            Refused::TooBrief(_) => 423,
            Refused::NeedsLists => 421,
            Refused::NoMatch => 412,
            Refused::BadType => 415,
            Refused::TooLarge => 413,
            Refused::TooMany => 403,
            Refused::Full => 503,
        }
    }

    /// Counts the refusal, and says in its answer what would help.
    pub(super) fn explain(self, context: &mut Context, writer: Writer) -> Writer {
        match self {
            Refused::Unknown => context.counts.forbidden += 1,
            Refused::TooMany | Refused::Full => context.counts.over_limit += 1,
            _ => context.counts.invalid += 1,
        }
        match self {
            Refused::BadEvent => writer.header(Name::AllowEvents, package::ALLOW_EVENTS),
            Refused::TooBrief(least) => writer.header(Name::MinExpires, &least.to_string()),
            Refused::BadType => writer.header(Name::Accept, package::FEATURES_TYPE),
            Refused::NeedsLists => writer.header(Name::Require, "eventlist"),
            Refused::Full => writer.header(Name::RetryAfter, "5"),
            _ => writer,
        }
    }
}
