//! Who is asking: digest authentication of requests against the tenant's devices (RFC 3261 §22, RFC 8760).
//!
//! The answer and the work are the same whether a username exists or not. A nonce is accepted from one
//! device only with a rising count; what the device's guard no longer remembers is stale, not wrong.

use model::{CredentialKey, Device, DeviceId, TenantConfig, TenantId};
use sip::digest::{Algorithms, Credentials, Digest, Refusal, ReplayGuard, Request, Secret};
use sip::token::derive;
use sip::{Message, Method, Name};
use std::collections::HashMap;

/// What authentication found.
pub(crate) enum Access<'c> {
    /// The request comes from this device, by this credential.
    Granted(&'c Device, CredentialKey),
    /// Ask (again) for credentials.
    Challenge {
        /// The credentials were right once: the phone may answer without asking its user.
        stale: bool,
    },
    /// Wrong credentials: those that are claimed.
    Denied(CredentialKey),
    /// They are right, but their user is switched off.
    Disabled(&'c Device, CredentialKey),
}

/// Checks credentials of one tenant.
pub(crate) struct Gate {
    digest: Digest,
    guards: HashMap<DeviceId, ReplayGuard>,
}

impl Gate {
    /// The key is new with each life of the tenant: a nonce of an earlier life, whose count the guards no longer
    /// know, is stale, whatever the calendar did in between.
    pub(crate) fn new(seed: &[u8; 32]) -> Gate {
        Gate {
            digest: Digest::new(derive(seed, "nonces")),
            guards: HashMap::new(),
        }
    }

    /// The challenge header and its values, strongest first.
    pub(crate) fn challenges(
        &self,
        config: &TenantConfig,
        method: Method<'_>,
        stale: bool,
        wall_ms: u64,
    ) -> (Name, Vec<String>) {
        let values = self
            .digest
            .challenge(config.realm(), wall_ms, stale, algorithms(config))
            .collect();
        let name = if method == Method::Register {
            Name::WwwAuthenticate
        } else {
            Name::ProxyAuthenticate
        };
        (name, values)
    }

    /// Judges a request's credentials for this tenant's realm.
    pub(crate) fn check<'c>(
        &mut self,
        config: &'c TenantConfig,
        message: &Message<'_>,
        wall_ms: u64,
    ) -> Access<'c> {
        let Some(credentials) = credentials(message, config.realm()) else {
            return Access::Challenge { stale: false };
        };
        let username = credentials.username_unescaped();
        let credential = CredentialKey::of(config.id(), &username);
        let device = config.device(&username);
        let secret = device.map(|d| Secret {
            md5: d.secret.md5,
            sha256: d.secret.sha256,
        });
        let request = Request {
            method: message.method().map_or("", |m| m.as_str()),
            uri: message.request_line().map(|line| line.uri),
        };
        let verdict = self.digest.verify(
            &credentials,
            config.realm(),
            request,
            secret.as_ref(),
            wall_ms,
            algorithms(config),
        );
        match (verdict, device) {
            (Ok(proof), Some(device)) if self.guards.entry(device.id).or_default().admit(&proof) => {
                // A disabled user's credentials are spent like others, or they would wait for the day of his return.
                match config.user(device.user) {
                    Some(user) if user.enabled => Access::Granted(device, credential),
                    Some(_) => Access::Disabled(device, credential),
                    None => Access::Denied(credential),
                }
            }
            (Ok(_), Some(_)) | (Err(Refusal::Stale), _) => Access::Challenge { stale: true },
            (Err(Refusal::Malformed), _) => Access::Challenge { stale: false },
            (Ok(_), None) | (Err(Refusal::Wrong), _) => Access::Denied(credential),
        }
    }
}

/// The credentials that a request claims to have, whatever their realm: what a lock is looked up by before a tenant sees it.
pub fn claimed<'a>(
    message: &'a Message<'a>,
    tenant: TenantId,
) -> impl Iterator<Item = CredentialKey> + use<'a> {
    [Name::Authorization, Name::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| message.headers(name))
        .filter_map(Credentials::parse)
        .map(move |credentials| CredentialKey::of(tenant, &credentials.username_unescaped()))
}

fn algorithms(config: &TenantConfig) -> Algorithms {
    Algorithms {
        sha256: config.policy().offers_sha256(),
        md5: config.policy().allow_md5,
    }
}

/// The first digest credentials for our realm; an unknown scheme or a foreign realm is none.
fn credentials<'a>(message: &Message<'a>, realm: &str) -> Option<Credentials<'a>> {
    [Name::Authorization, Name::ProxyAuthorization]
        .into_iter()
        .flat_map(|name| message.headers(name))
        .filter_map(Credentials::parse)
        .find(|c| c.realm == realm)
}
