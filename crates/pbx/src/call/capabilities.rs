//! What a phone says that it can do: its Allow and Supported (RFC 3261 §20.5, §20.37).

use sip::{Message, Name};

/// Methods that we use towards a phone by what it says in Allow.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Capabilities {
    /// UPDATE (RFC 3311), used only when the phone names it: where it does not, a re-INVITE does the same.
    pub(crate) update: bool,
    /// INFO (RFC 6086); `None` while the phone has not said what it allows, which is no refusal (RFC 3261 §20.5).
    pub(crate) info: Option<bool>,
}

impl Capabilities {
    /// What this request or response of the phone names.
    pub(crate) fn of(message: &Message<'_>) -> Capabilities {
        Capabilities {
            update: message.has_option(Name::Allow, "UPDATE"),
            info: message
                .header(Name::Allow)
                .map(|_| message.has_option(Name::Allow, "INFO")),
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
