//! Requests of whoever signed in by a token instead of digest (RFC 7118 §7, RFC 8898).
//!
//! Owns: the rule how long and for what a token is good. Does not own: the form of tokens (`bearer`), or where a
//! connection's token was read (the shell).
//!
//! The rule: a token lets its bearer do everything as its device's user until it ends. After that, the connection that it
//! opened goes on working for as long as the registration made on it lasts, so that a call is never cut by a clock; but the
//! registration is not made longer without a new token, which comes with the REGISTER (`Authorization: Bearer`) or on a
//! new connection. A device that is deleted, disabled or has a new password loses all of it at once.

use super::Tenant;
use crate::bearer::BadToken;
use crate::registrar::owns_aor;
use model::{Device, FlowToken, Now, SignIn, Transport};
use sip::{Message, Method, Name};

impl Tenant {
    /// The device that a token proves to be the sender; `None` asks for digest. A request in somebody else's name is
    /// none of the token's business.
    pub(super) fn signed_in(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) -> Option<Device> {
        let shown = self.shown(flow, message, now);
        let proof = match (shown, self.sign_in) {
            (Some(shown), _) => shown,
            (None, Some(opened)) if self.still_good(&opened, flow, message, now) => opened,
            _ => return None,
        };
        let config = &self.context.config;
        let device = self.token_key.device(config, &proof)?;
        let own = owns_aor(config, device, &message.from_uri()?);
        own.then(|| device.clone())
    }

    /// The token in the request itself. It is a password for as long as it lasts, so it is believed only where nobody
    /// could have read it on the way; plain WebSocket is served to a proxy on the same machine that ends TLS.
    fn shown(&mut self, flow: FlowToken, message: &Message<'_>, now: Now) -> Option<SignIn> {
        if !flow.transport.is_encrypted() && flow.transport != Transport::Ws {
            return None;
        }
        let token = bearer(message)?;
        match self.token_key.read(token, now.wall) {
            Ok(sign_in) => Some(sign_in),
            Err(BadToken::Ended) => None,
            Err(BadToken::Forged) => {
                self.context.counts.auth_failed += 1;
                None
            }
        }
    }

    fn still_good(&self, opened: &SignIn, flow: FlowToken, message: &Message<'_>, now: Now) -> bool {
        if now.wall < opened.expires {
            return true;
        }
        let Some(device) = self.context.config.device_by_id(opened.device) else {
            return false;
        };
        let registered = self.context.location.on_flow(device.user, &flow);
        message.method() != Some(Method::Register) && registered.is_some_and(|b| b.record.device == device.id)
    }
}

/// The token of `Bearer` credentials (RFC 8898 §3).
fn bearer<'a>(message: &Message<'a>) -> Option<&'a str> {
    [Name::Authorization, Name::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| message.headers(name))
        .find_map(|value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("Bearer").then(|| token.trim())
        })
}
