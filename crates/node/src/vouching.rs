//! What the operator gives for STIR/SHAKEN: what calls are signed by, and what those of others are verified by.
//!
//! Owns: putting these together at the start. Does not own: whom to believe ([`crate::authorities`]), fetching ([`crate::certificates`]).

use crate::authorities::Authorities;
use crate::certificates::Certificates;
use crate::settings::{Dns, Stir, StirKey};
use anyhow::{Context, Result, anyhow};
use std::sync::Arc;
use stir::{Rules, Signer};

/// Shared by all workers.
pub(crate) struct Vouching {
    /// Signs calls to carriers.
    pub(crate) signer: Option<Arc<Signer>>,
    /// Whom those who vouch for callers have to be certified by.
    pub(crate) authorities: Authorities,
    /// Fetches their certificates.
    pub(crate) certificates: Certificates,
    /// What is taken for good.
    pub(crate) rules: Rules,
}

impl Vouching {
    /// Reads what these settings name.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub(crate) fn load(settings: &Stir, dns: &Dns) -> Result<Vouching> {
        let rules = Rules {
            any_port: settings.fetch_private,
            ..Rules::default()
        };
        if settings.fetch_private {
            tracing::warn!(
                "[stir] fetch_private is on: whoever calls can have this server connect to inner addresses; it is for laboratories"
            );
        }
        let signer = settings.key.as_ref().map(|key| signer(key, &rules));
        Ok(Vouching {
            signer: signer.transpose()?.map(Arc::new),
            authorities: Authorities::load(settings.authorities.clone())?,
            certificates: Certificates::new(dns, settings.fetch_private, settings.fetch_ca.as_deref())?,
            rules,
        })
    }
}

fn signer(key: &StirKey, rules: &Rules) -> Result<Signer> {
    let path = key.key.display();
    let pem = std::fs::read(&key.key).with_context(|| format!("[stir] key: cannot read {path}"))?;
    let signer = Signer::new(&pem, &key.url, rules);
    signer.map_err(|error| anyhow!("[stir] {path} and {}: {error}", key.url))
}
