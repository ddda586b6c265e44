//! Where we are reached.

use model::{FlowToken, Transport};
use std::fmt;

/// A Contact of ours: with this user part we are reached as on that flow.
pub(crate) fn contact(user: fmt::Arguments<'_>, flow: &FlowToken) -> String {
    let local = flow.local;
    match flow.transport {
        Transport::Udp => format!("<sip:{user}@{local}>"),
        other => format!("<sip:{user}@{local};transport={}>", other.uri_param()),
    }
}
