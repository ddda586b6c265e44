//! What a phone says that it can do: its Allow and Supported (RFC 3261 §20.5, §20.37).

use sip::{Message, Name};

/// Methods and extensions that we use towards a phone only when it names them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// UPDATE (RFC 3311).
    pub(crate) update: bool,
    /// INFO (RFC 6086).
    pub(crate) info: bool,
}

impl Capabilities {
    /// What this request or response of the phone names.
    pub(crate) fn of(message: &Message<'_>) -> Capabilities {
        Capabilities {
            update: message.has_option(Name::Allow, "UPDATE"),
            info: message.has_option(Name::Allow, "INFO"),
        }
    }

    /// The same after another message of the phone. One without Allow says nothing new.
    pub(crate) fn or(self, message: &Message<'_>) -> Capabilities {
        if message.header(Name::Allow).is_some() {
            Capabilities::of(message)
        } else {
            self
        }
    }
}
