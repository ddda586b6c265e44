//! Whom forks trust: whom the machine trusts, and whom the operator names besides.
//!
//! A certificate is checked as browsers do: a chain to a root, the name in the URL, the time. There is no way to leave that out;
//! for a server of one's own `fork_ca` names the root, or the server's own certificate.

use anyhow::{Context, Result, anyhow};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// Where systems keep the certificates that they trust.
const TRUSTED: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// The operator's roots, which the key `setting` names.
///
/// # Errors
/// The file can't be read, or there is no certificate in it.
pub(crate) fn read(setting: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let what = || format!("{setting}: {} holds no certificate in PEM", path.display());
    let found: Result<Vec<_>, _> = CertificateDer::pem_file_iter(path).with_context(what)?.collect();
    let found = found.with_context(what)?;
    let mut roots = RootCertStore::empty();
    for certificate in &found {
        roots.add(certificate.clone()).with_context(what)?;
    }
    if found.is_empty() {
        return Err(anyhow!(what()));
    }
    Ok(found)
}

/// Trusts whom the machine trusts, and these.
///
/// # Errors
/// There is nobody to trust.
pub(crate) fn client_config(more: &[CertificateDer<'static>]) -> Result<Arc<ClientConfig>> {
    let mut roots = RootCertStore::empty();
    for path in TRUSTED {
        let found = CertificateDer::pem_file_iter(path)
            .into_iter()
            .flatten()
            .flatten();
        roots.add_parsable_certificates(found);
    }
    roots.add_parsable_certificates(more.iter().cloned());
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
