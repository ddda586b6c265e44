//! TLS for SIP: certificates from files, made on the first start, reloaded while connections live.
//!
//! Owns: the server side's `rustls` configuration. A connection keeps the configuration that it began
//! with; a new certificate is for the next connection. Session tickets survive a reload.

use crate::settings::TlsFiles;
use anyhow::{Context, Result, anyhow};
use arc_swap::ArcSwap;
use rustls::ServerConfig;
use rustls::crypto::ring as provider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, ProducesTickets};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use std::fs;
use std::io::Write;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

/// Seconds of a day.
const DAY_S: u64 = 86_400;
/// Life of a self-signed certificate: phones and browsers refuse more than 825 days.
const SELF_SIGNED_DAYS: u64 = 825;
/// A self-signed certificate that ends within this time is made anew at start.
const RENEW_DAYS: u64 = 30;
/// Introduces the end of validity in the first line of a self-signed certificate file.
const STAMP: &str = "# Carillon self-signed certificate; not after, seconds since 1970: ";

/// The current configuration and where it comes from.
pub(crate) struct Tls {
    config: ArcSwap<ServerConfig>,
    files: TlsFiles,
    tickets: Arc<dyn ProducesTickets>,
    seen: Mutex<[Stamp; 2]>,
}

/// What tells that a file changed; `None` where it can't be read.
pub(crate) type Stamp = Option<(SystemTime, u64)>;

/// Of the file as it is now.
pub(crate) fn stamp(path: &Path) -> Stamp {
    let meta = fs::metadata(path).ok()?;
    Some((meta.modified().ok()?, meta.len()))
}

fn stamps(files: &TlsFiles) -> [Stamp; 2] {
    [&files.cert, &files.key].map(|path| stamp(path))
}

impl Tls {
    /// Loads both files.
    ///
    /// # Errors
    /// One line that names the file and what is wrong with it.
    pub(crate) fn load(files: TlsFiles) -> Result<Tls> {
        let tickets = provider::Ticketer::new().map_err(|e| anyhow!("cannot make a TLS ticket key: {e}"))?;
        let seen = Mutex::new(stamps(&files));
        let config = ArcSwap::new(server_config(&files, &tickets)?);
        Ok(Tls {
            config,
            files,
            tickets,
            seen,
        })
    }

    /// The configuration for the next connection.
    pub(crate) fn current(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    /// Reads the files again. On an error the old certificate stays.
    pub(crate) fn reload(&self) -> Result<()> {
        let now = stamps(&self.files);
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = now;
        self.config.store(server_config(&self.files, &self.tickets)?);
        Ok(())
    }

    /// Reloads when a file changed since the last look. Failures are reported once per change: a
    /// certificate may be there before its key.
    pub(crate) fn watch(&self) {
        if *self.seen.lock().unwrap_or_else(PoisonError::into_inner) == stamps(&self.files) {
            return;
        }
        match self.reload() {
            Ok(()) => tracing::info!(cert = %self.files.cert.display(), "TLS certificate reloaded"),
            Err(e) => tracing::warn!("TLS certificate not reloaded, the old one stays: {e:#}"),
        }
    }
}

/// The chain in the one file, and the key to it in the other.
///
/// # Errors
/// One line that names the file and what is wrong with it.
pub(crate) fn certified(files: &TlsFiles) -> Result<CertifiedKey> {
    let cert = files.cert.display();
    let chain = CertificateDer::pem_file_iter(&files.cert)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|e| anyhow!("cannot read the TLS certificate {cert}: {e}; give a readable PEM file"))?;
    if chain.is_empty() {
        return Err(anyhow!(
            "{cert} holds no certificate; give a PEM file with CERTIFICATE blocks"
        ));
    }
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|e| {
        anyhow!(
            "cannot read the TLS key {}: {e}; give a readable PEM file",
            files.key.display()
        )
    })?;
    CertifiedKey::from_der(chain, key, &provider::default_provider())
        .map_err(|e| anyhow!("{cert} and {} do not belong together: {e}", files.key.display()))
}

fn server_config(files: &TlsFiles, tickets: &Arc<dyn ProducesTickets>) -> Result<Arc<ServerConfig>> {
    let resolver = SingleCertAndKey::from(certified(files)?);
    let mut config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|e| anyhow!("cannot set up TLS: {e}"))?
        .with_no_client_auth()
        .with_cert_resolver(Arc::new(resolver));
    config.ticketer = Arc::clone(tickets);
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 1;
    Ok(Arc::new(config))
}

/// The self-signed certificate in the data directory; made when it is missing or about to end. It
/// names `localhost` and `addresses`.
///
/// # Errors
/// One line that names the file that cannot be written.
pub fn self_signed(data_dir: &Path, addresses: &[IpAddr]) -> Result<TlsFiles> {
    let files = TlsFiles {
        cert: data_dir.join("self-signed.crt"),
        key: data_dir.join("self-signed.key"),
    };
    let now_s = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.as_secs());
    let ends_s = ends_at(&files.cert).filter(|_| files.key.exists());
    if ends_s.is_some_and(|end| end > now_s + RENEW_DAYS * DAY_S) {
        return Ok(files);
    }
    let ends_s = now_s + SELF_SIGNED_DAYS * DAY_S;
    let (cert, key) = make(addresses, now_s, ends_s)?;
    write(&files.key, &key, 0o600)?;
    write(&files.cert, &format!("{STAMP}{ends_s}\n{cert}"), 0o644)?;
    Ok(files)
}

fn ends_at(cert: &Path) -> Option<u64> {
    let text = fs::read_to_string(cert).ok()?;
    text.lines().next()?.strip_prefix(STAMP)?.parse().ok()
}

fn make(addresses: &[IpAddr], now_s: u64, ends_s: u64) -> Result<(String, String)> {
    let names: Vec<String> = std::iter::once("localhost".to_owned())
        .chain(addresses.iter().map(ToString::to_string))
        .collect();
    let epoch = rcgen::date_time_ymd(1970, 1, 1);
    let mut params = rcgen::CertificateParams::new(names).context("cannot make a self-signed certificate")?;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Carillon");
    params.not_before = epoch + Duration::from_secs(now_s.saturating_sub(DAY_S));
    params.not_after = epoch + Duration::from_secs(ends_s);
    let key = rcgen::KeyPair::generate().context("cannot make a TLS key")?;
    let cert = params
        .self_signed(&key)
        .context("cannot make a self-signed certificate")?;
    Ok((cert.pem(), key.serialize_pem()))
}

/// Writes beside the target and renames, so that a reader never sees half a file.
fn write(path: &Path, text: &str, mode: u32) -> Result<()> {
    let partial = path.with_extension("partial");
    let attempt = || -> std::io::Result<()> {
        let _ = fs::remove_file(&partial);
        let mut file = fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(mode)
            .open(&partial)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&partial, path)
    };
    attempt().with_context(|| format!("cannot write {}; make the directory writable", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_self_signed_certificate_is_made_once_and_loads() {
        let dir = tempfile::tempdir().unwrap();
        let files = self_signed(dir.path(), &["127.0.0.1".parse().unwrap()]).unwrap();
        let first = fs::read(&files.cert).unwrap();
        assert_eq!(self_signed(dir.path(), &[]).unwrap(), files);
        assert_eq!(fs::read(&files.cert).unwrap(), first, "kept while it is valid");
        assert_eq!(
            fs::metadata(&files.key).unwrap().permissions().mode() & 0o777,
            0o600
        );
        assert!(Tls::load(files).is_ok());
    }

    #[test]
    fn a_certificate_about_to_end_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let files = self_signed(dir.path(), &[]).unwrap();
        let soon = ends_at(&files.cert).unwrap() - (SELF_SIGNED_DAYS - RENEW_DAYS + 1) * DAY_S;
        let text = fs::read_to_string(&files.cert).unwrap();
        let (_, pem) = text.split_once('\n').unwrap();
        fs::write(&files.cert, format!("{STAMP}{soon}\n{pem}")).unwrap();
        self_signed(dir.path(), &[]).unwrap();
        assert!(ends_at(&files.cert).unwrap() > soon);
    }

    #[test]
    fn unreadable_files_are_named_and_a_bad_reload_keeps_the_old_certificate() {
        let dir = tempfile::tempdir().unwrap();
        let missing = TlsFiles {
            cert: dir.path().join("no.crt"),
            key: dir.path().join("no.key"),
        };
        let error = Tls::load(missing).err().unwrap().to_string();
        assert!(error.contains("no.crt") && error.lines().count() == 1, "{error}");
        let files = self_signed(dir.path(), &[]).unwrap();
        let tls = Tls::load(files.clone()).unwrap();
        let before = tls.current();
        fs::write(&files.cert, "not a certificate").unwrap();
        tls.watch();
        assert!(Arc::ptr_eq(&before, &tls.current()));
        assert!(tls.reload().is_err());
    }
}
