//! Whom forks trust: whom the machine trusts, and whom the operator names besides.
//!
//! A certificate is checked as browsers do: a chain to a root, the name in the URL, the time. There is no way to leave that out;
//! for a server of one's own `fork_ca` names the root, or the server's own certificate.

use crate::trust::{self, TRUSTED};
use anyhow::{Result, anyhow};
use rustls::ClientConfig;
use rustls::pki_types::CertificateDer;
use std::io;
use std::sync::Arc;

/// Trusts whom the machine trusts, and these.
///
/// # Errors
/// There is nobody to trust.
pub(crate) fn client_config(more: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>> {
    let roots = trust::roots(more);
    if roots.is_empty() {
        return Err(anyhow!("none of {TRUSTED:?} holds a certificate"));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Is it the certificate that is wrong?
pub(super) fn is_about_certificate(error: &anyhow::Error) -> bool {
    let inner = error
        .downcast_ref::<io::Error>()
        .and_then(io::Error::get_ref)
        .and_then(|inner| inner.downcast_ref::<rustls::Error>());
    matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
}
