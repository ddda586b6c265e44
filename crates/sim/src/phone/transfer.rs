//! A phone that transfers: REFER, the NOTIFYs that come of it, INVITE with Replaces.

use super::dialog::Dialog;
use super::{Phone, State, message};
use sip::{Message, Method, Name};
use std::time::Duration;

impl Phone {
    /// Asks for the other side of a call to be connected to a number, or to any URI in brackets.
    pub fn refer(&mut self, number: usize, target: &str, now: Duration) {
        let target = if target.contains(':') {
            target.to_owned()
        } else {
            format!("<sip:{target}@{}>", self.identity.domain)
        };
        self.refer_with(number, &[(Name::ReferTo, target)], now);
    }

    /// Asks for a transfer with these headers.
    pub fn refer_with(&mut self, number: usize, headers: &[(Name, String)], now: Duration) {
        let contact = message::contact(&self.identity);
        let who = format!("<sip:{}@{}>", self.identity.user, self.identity.domain);
        let Some(dialog) = self.dialogs.get_mut(&number) else {
            return;
        };
        if dialog.state == State::Over {
            return;
        }
        let (uri, call_id, cseq) = dialog.next_request();
        let mut extra = vec![(Name::Contact, contact), (Name::ReferredBy, who)];
        extra.extend_from_slice(headers);
        self.request(Method::Refer, &uri, &call_id, cseq, &extra, None, now);
    }

    /// Asks for a transfer while the call still rings.
    pub fn refer_early(&mut self, number: usize, target: &str, now: Duration) {
        if let Some(dialog) = self.dialogs.get_mut(&number)
            && dialog.remote_tag() == dialog.early_tag
        {
            let remote = dialog.remote.clone();
            dialog.remote = format!("{remote};tag={}", dialog.early_tag);
            self.refer_with(number, &[(Name::ReferTo, target.to_owned())], now);
            if let Some(dialog) = self.dialogs.get_mut(&number) {
                dialog.remote = remote;
            }
        }
    }

    /// Asks for the other sides of two of its calls to be connected. The second may still ring.
    pub fn refer_to_call(&mut self, number: usize, second: usize, now: Duration) {
        if let Some(target) = self.refer_to(second) {
            self.refer(number, &target, now);
        }
    }

    /// The Refer-To that names a call of this phone (RFC 5589 §7.3).
    #[must_use]
    pub fn refer_to(&self, number: usize) -> Option<String> {
        let dialog = self.dialogs.get(&number)?;
        let uri = dialog.remote_uri();
        let replaces = self.replaces(number)?;
        let escaped = replaces
            .replace(';', "%3B")
            .replace('=', "%3D")
            .replace('@', "%40");
        Some(format!("<{uri}?Replaces={escaped}>"))
    }

    /// The Replaces that names a call of this phone for its other side.
    #[must_use]
    pub fn replaces(&self, number: usize) -> Option<String> {
        let dialog = self.dialogs.get(&number)?;
        let (call_id, ours) = (&dialog.call_id, &dialog.local_tag);
        Some(format!(
            "{call_id};to-tag={};from-tag={ours}",
            dialog.remote_tag()
        ))
    }

    /// Calls in the place of another phone: its Replaces, and whose call it is.
    pub fn call_replacing(&mut self, target: &str, replaces: &str, now: Duration) -> usize {
        let extra = [
            (Name::Replaces, replaces.to_owned()),
            (Name::Require, "replaces".to_owned()),
        ];
        self.call_with(target, &extra, now)
    }

    /// A NOTIFY about a transfer of ours.
    pub(super) fn told_of_transfer(&mut self, number: usize, message: &Message<'_>, now: Duration) {
        self.respond_in(number, message, 200, None, now);
        let text = String::from_utf8_lossy(message.body()).into_owned();
        let code = text.split(' ').nth(1).and_then(|code| code.parse().ok());
        let Some(code) = code else { return };
        self.transfers.push(code);
        if self.leaves && (200..300).contains(&code) {
            self.hang_up(number, now);
        }
    }
}

impl Dialog {
    pub(super) fn remote_tag(&self) -> &str {
        self.remote.split(";tag=").nth(1).unwrap_or(&self.early_tag)
    }

    fn remote_uri(&self) -> &str {
        let inner = self.remote.split('<').nth(1).unwrap_or("");
        inner.split('>').next().unwrap_or("")
    }
}
