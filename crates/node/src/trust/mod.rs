//! Whom connections of ours trust: whom the machine trusts, and whom the operator names besides.
//!
//! Owns: where trusted certificates are read from, and the client's side of TLS with carriers, which follows the files. Does not own: what makes a certificate one of a carrier's name ([`carrier`]), or whom forks trust (`fork::trust`).

mod carrier;
#[cfg(test)]
mod tests;

use crate::settings::TlsFiles;
use crate::tls::{self, Stamp, stamp};
use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use carrier::Carrier;
use model::TlsFault;
use rustls::client::Resumption;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::ring as provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{CertificateError, ClientConfig, ClientConnection, Error, RootCertStore};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// Where systems keep the certificates that they trust.
pub(crate) const TRUSTED: [&str; 3] = [
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/cert.pem",
];

/// Certificates that the operator trusts, from the file that configuration key `key` names.
///
/// # Errors
/// The file can't be read, or there is no certificate in it.
pub(crate) fn read(key: &str, path: &Path) -> Result<Vec<CertificateDer<'static>>> {
    let what = || format!("{key}: {} holds no certificate in PEM", path.display());
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

/// Whom the machine trusts, and these.
pub(crate) fn roots(more: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = only(more);
    for path in TRUSTED {
        let found = CertificateDer::pem_file_iter(path)
            .into_iter()
            .flatten()
            .flatten();
        roots.add_parsable_certificates(found);
    }
    roots
}

/// These alone.
fn only(these: &[CertificateDer<'static>]) -> RootCertStore {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(these.iter().cloned());
    roots
}

/// The client's side of TLS with carriers. A connection keeps what it began with.
pub(crate) struct Trust {
    papers: ArcSwap<Papers>,
    /// Issuers that the operator names.
    ca: Option<PathBuf>,
    own: Option<TlsFiles>,
    seen: Mutex<Vec<Stamp>>,
}

/// What the files say.
struct Papers {
    carrier: Arc<Carrier>,
    /// Our certificate, for carriers that are to see it.
    own: Option<Arc<CertifiedKey>>,
}

/// How a trunk wants its TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// The peer has to show a certificate of its name.
    pub(crate) verify: bool,
    /// The peer may see ours, if it asks.
    pub(crate) certificate: bool,
}

impl Trust {
    /// Trusts whom the machine trusts, and the issuers in this file; with a certificate of ours.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub(crate) fn load(ca: Option<PathBuf>, own: Option<TlsFiles>) -> Result<Trust> {
        let seen = Mutex::new(stamps(ca.as_deref(), own.as_ref()));
        let papers = ArcSwap::from_pointee(papers(ca.as_deref(), own.as_ref())?);
        Ok(Trust {
            papers,
            ca,
            own,
            seen,
        })
    }

    /// A connection that begins, to who is asked for by this name or address.
    pub(crate) fn begin(&self, name: &str, terms: Terms) -> Result<ClientConnection, TlsFault> {
        // No certificate can have what is no name.
        let name = ServerName::try_from(name.to_owned()).map_err(|_| TlsFault::WrongName)?;
        let papers = self.papers.load();
        let verifier: Arc<dyn ServerCertVerifier> = match terms.verify {
            true => Arc::clone(&papers.carrier) as Arc<_>,
            false => Arc::new(Carrier::anybody()),
        };
        let builder = ClientConfig::builder_with_provider(Arc::new(provider::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| fault(&error))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match papers.own.as_ref().filter(|_| terms.certificate) {
            Some(own) => builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(own)))),
            None => builder.with_no_client_auth(),
        };
        // A resumed session shows no certificate, and connections to carriers last: each is looked at anew.
        config.resumption = Resumption::disabled();
        ClientConnection::new(Arc::new(config), name).map_err(|error| fault(&error))
    }

    /// Reads the files again. On an error what they said before stays.
    pub(crate) fn reload(&self) -> Result<()> {
        let now = stamps(self.ca.as_deref(), self.own.as_ref());
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let papers = papers(self.ca.as_deref(), self.own.as_ref())?;
        self.papers.store(Arc::new(papers));
        Ok(())
    }

    /// Reloads when a file changed since the last look.
    pub(crate) fn watch(&self) {
        let now = stamps(self.ca.as_deref(), self.own.as_ref());
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == now {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!("certificates for trunks reloaded"),
            Err(e) => tracing::warn!("certificates for trunks not reloaded, the old ones stay: {e:#}"),
        }
    }
}

fn stamps(ca: Option<&Path>, own: Option<&TlsFiles>) -> Vec<Stamp> {
    let own = own.into_iter().flat_map(|files| [&*files.cert, &*files.key]);
    ca.into_iter()
        .chain(own)
        .chain(TRUSTED.map(Path::new))
        .map(stamp)
        .collect()
}

fn papers(ca: Option<&Path>, own: Option<&TlsFiles>) -> Result<Papers> {
    let named = ca
        .map(|path| read("trunk_ca", path))
        .transpose()?
        .unwrap_or_default();
    let own = own.map(tls::certified).transpose()?;
    Ok(Papers {
        carrier: Arc::new(Carrier::new(roots(&named), only(&named))),
        own: own.map(Arc::new),
    })
}

/// What people are told of an error in a handshake.
pub(crate) fn fault(error: &Error) -> TlsFault {
    let Error::InvalidCertificate(error) = error else {
        return match error {
            Error::NoCertificatesPresented => TlsFault::BadCertificate,
            _ => TlsFault::NoHandshake,
        };
    };
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            TlsFault::WrongName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => TlsFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => TlsFault::NotYetValid,
        CertificateError::UnknownIssuer => TlsFault::UnknownIssuer,
        _ => TlsFault::BadCertificate,
    }
}
