//! DTLS endpoints for the media plane (RFC 6347, RFC 9147, RFC 5764), and the certificates that they show.
//!
//! Owns: certificates, made when the process starts and never written down, and their fingerprints. Does not own: when a
//! handshake begins, whose certificate is believed, and what is done with keys (`media`).
//!
//! All legs show the same two certificates: a browser is known by its fingerprint in SIP, and so are we. A leg that comes into
//! another media session is shown the other one, which tells a browser to begin anew (RFC 8842 §4).

use crate::clock::Clock;
use anyhow::{Context, Result};
use dimpl::crypto::rust_crypto;
use dimpl::{Config, DtlsCertificate, Output, SrtpProfile};
use media::{Dtls, DtlsOutput, DtlsRole, DtlsSource};
use model::SrtpSuite;
use ring::digest::{SHA256, digest};
use std::collections::VecDeque;
use std::fmt::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

/// Certificates of one process.
const CERTIFICATES: usize = 2;
/// Longest datagram that an endpoint makes, octets: what fits everywhere, beside the headers of a TURN server.
const MTU: usize = 1_150;
/// From a flight to its first repetition: a call waits for it, and the path has been measured by ICE.
const FIRST_WAIT: Duration = Duration::from_millis(300);
/// A handshake that takes longer comes to nothing.
const LONGEST: Duration = Duration::from_secs(20);
/// A deadline that is further away is none.
const NEVER: Duration = Duration::from_secs(3_600);

/// What the endpoints of this process have in common.
#[derive(Clone)]
pub(crate) struct Certificates {
    certificates: Arc<[DtlsCertificate]>,
    fingerprints: Arc<[Arc<str>]>,
    config: Arc<Config>,
    /// For peers of whom nobody has shown that they are where they say.
    wary: Arc<Config>,
}

impl Certificates {
    /// Makes them. Nobody looks at their dates.
    pub(crate) fn make() -> Result<Certificates> {
        let certificates: Result<Vec<DtlsCertificate>> = (0..CERTIFICATES).map(|_| certificate()).collect();
        let certificates = certificates.context("cannot make a certificate for DTLS")?;
        let fingerprints = certificates
            .iter()
            .map(|made| fingerprint(&made.certificate))
            .collect();
        Ok(Certificates {
            certificates: certificates.into(),
            fingerprints,
            config: config(false)?,
            wary: config(true)?,
        })
    }

    /// Their values for `a=fingerprint`, by number.
    pub(crate) fn fingerprints(&self) -> Arc<[Arc<str>]> {
        Arc::clone(&self.fingerprints)
    }

    /// Endpoints for one media worker.
    pub(crate) fn source(&self, clock: Clock) -> Box<dyn DtlsSource> {
        Box::new(Source {
            certificates: self.clone(),
            clock,
        })
    }
}

/// How endpoints behave. `cookies` = a hello has to be said twice.
fn config(cookies: bool) -> Result<Arc<Config>> {
    let config = Config::builder()
        .with_crypto_provider(rust_crypto::default_provider())
        .mtu(MTU)
        .use_server_cookie(cookies)
        .flight_start_rto(FIRST_WAIT)
        .flight_retries(6)
        .handshake_timeout(LONGEST)
        .build()
        .context("cannot set up DTLS")?;
    Ok(Arc::new(config))
}

fn certificate() -> Result<DtlsCertificate> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params
        .distinguished_name
        .push(rcgen::DnType::CommonName, "Carillon");
    params.not_before = rcgen::date_time_ymd(2025, 1, 1);
    params.not_after = rcgen::date_time_ymd(2049, 12, 31);
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256)?;
    let made = params.self_signed(&key)?;
    Ok(DtlsCertificate {
        certificate: made.der().to_vec(),
        private_key: key.serialize_der(),
    })
}

fn fingerprint(certificate: &[u8]) -> Arc<str> {
    let mut text = String::from("sha-256 ");
    for (index, octet) in digest(&SHA256, certificate).as_ref().iter().enumerate() {
        let colon = if index == 0 { "" } else { ":" };
        let _ = write!(text, "{colon}{octet:02X}");
    }
    text.into()
}

struct Source {
    certificates: Certificates,
    clock: Clock,
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Source(…)")
    }
}

impl DtlsSource for Source {
    fn begin(&mut self, certificate: u8, role: DtlsRole, now: Duration) -> Option<Box<dyn Dtls>> {
        let own = self
            .certificates
            .certificates
            .get(usize::from(certificate))?
            .clone();
        let config = match role {
            DtlsRole::Wary => &self.certificates.wary,
            DtlsRole::Active | DtlsRole::Passive => &self.certificates.config,
        };
        let mut dtls = dimpl::Dtls::new_auto(Arc::clone(config), own, self.clock.instant(now));
        let active = role == DtlsRole::Active;
        let begun = catch_unwind(AssertUnwindSafe(|| dtls.set_active(active)));
        let mut endpoint = Endpoint {
            dtls: begun.is_ok().then_some(dtls)?,
            clock: self.clock,
            due: None,
            out: VecDeque::new(),
            over: false,
        };
        endpoint.work(now, |_| Ok(()));
        Some(Box::new(endpoint))
    }
}

struct Endpoint {
    dtls: dimpl::Dtls,
    clock: Clock,
    due: Option<Duration>,
    out: VecDeque<DtlsOutput>,
    over: bool,
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Endpoint").field(&self.dtls).finish()
    }
}

impl Dtls for Endpoint {
    fn handle_datagram(&mut self, datagram: &[u8], now: Duration) {
        self.work(now, |dtls| dtls.handle_packet(datagram));
    }

    fn handle_timeout(&mut self, now: Duration) {
        if self.due.is_some_and(|due| due <= now) {
            self.work(now, |_| Ok(()));
        }
    }

    fn poll(&mut self) -> Option<DtlsOutput> {
        self.out.pop_front()
    }

    fn poll_timeout(&self) -> Option<Duration> {
        self.due
    }
}

impl Endpoint {
    /// Does something with the endpoint and takes what comes of it. An error is its end, and so is a panic: what a peer says
    /// ends no more than its own handshake.
    fn work(&mut self, now: Duration, act: impl FnOnce(&mut dimpl::Dtls) -> Result<(), dimpl::Error>) {
        if self.over {
            return;
        }
        let at = self.clock.instant(now);
        let done = catch_unwind(AssertUnwindSafe(|| {
            let acted = self.dtls.handle_timeout(at).and_then(|()| act(&mut self.dtls));
            acted.map(|()| self.take(now))
        }));
        match done {
            Ok(Ok(())) => return,
            Ok(Err(error)) => tracing::debug!("DTLS: {error}"),
            Err(_) => tracing::error!("a DTLS endpoint panicked; its handshake is given up"),
        }
        self.end();
    }

    fn end(&mut self) {
        (self.over, self.due) = (true, None);
        self.out.push_back(DtlsOutput::Failed);
    }

    fn take(&mut self, now: Duration) {
        let mut buffer = vec![0; MTU * 2];
        loop {
            match self.dtls.poll_output(&mut buffer) {
                Output::Packet(datagram) => self.out.push_back(DtlsOutput::Datagram(datagram.to_vec())),
                Output::BufferTooSmall { needed } => buffer.resize(needed, 0),
                Output::PeerCert(certificate) => {
                    self.out.push_back(DtlsOutput::Certificate(certificate.to_vec()));
                }
                Output::KeyingMaterial(material, profile) => self.out.extend(keys(&material, profile)),
                Output::CloseNotify => return self.end(),
                Output::Timeout(at) => {
                    let due = now + at.saturating_duration_since(self.clock.instant(now));
                    self.due = Some(due).filter(|due| *due < now + NEVER);
                    return;
                }
                _ => {}
            }
        }
    }
}

/// Both keys, each with its salt (RFC 5764 §4.2): in the material the keys come first, then the salts.
fn keys(material: &[u8], profile: SrtpProfile) -> Option<DtlsOutput> {
    let (suite, key, salt) = match profile {
        SrtpProfile::AES128_CM_SHA1_80 => (SrtpSuite::AesCm128HmacSha1_80, 16, 14),
        SrtpProfile::AEAD_AES_128_GCM => (SrtpSuite::AeadAes128Gcm, 16, 12),
        SrtpProfile::AEAD_AES_256_GCM => (SrtpSuite::AeadAes256Gcm, 32, 12),
        _ => return None,
    };
    let (keys, salts) = material.split_at_checked(key * 2)?;
    let of = |at: usize| -> Option<Vec<u8>> {
        let (key, salt) = (keys.chunks(key).nth(at)?, salts.chunks(salt).nth(at)?);
        Some([key, salt].concat())
    };
    Some(DtlsOutput::Keys {
        suite,
        client: of(0)?,
        server: of(1)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(5);

    /// What one end has come to: the other's certificate, and the keys.
    #[derive(Default)]
    struct End {
        certificate: Option<Vec<u8>>,
        keys: Option<(SrtpSuite, Vec<u8>, Vec<u8>)>,
        failed: bool,
    }

    fn drain(endpoint: &mut dyn Dtls, end: &mut End) -> Vec<Vec<u8>> {
        let mut datagrams = Vec::new();
        while let Some(output) = endpoint.poll() {
            match output {
                DtlsOutput::Datagram(datagram) => datagrams.push(datagram),
                DtlsOutput::Certificate(shown) => end.certificate = Some(shown),
                DtlsOutput::Keys {
                    suite,
                    client,
                    server,
                } => end.keys = Some((suite, client, server)),
                DtlsOutput::Failed => end.failed = true,
            }
        }
        datagrams
    }

    fn ends() -> (Certificates, Box<dyn Dtls>, Box<dyn Dtls>) {
        ends_with(DtlsRole::Passive)
    }

    fn ends_with(role: DtlsRole) -> (Certificates, Box<dyn Dtls>, Box<dyn Dtls>) {
        let made = Certificates::make().unwrap();
        let mut source = made.source(Clock::new());
        let active = source.begin(0, DtlsRole::Active, NOW).unwrap();
        let passive = source.begin(1, role, NOW).unwrap();
        assert!(source.begin(2, role, NOW).is_none(), "there are two certificates");
        (made, active, passive)
    }

    #[test]
    fn two_endpoints_have_the_same_keys_and_have_seen_each_others_certificate() {
        let (made, mut active, mut passive) = ends();
        let (mut of_active, mut of_passive) = (End::default(), End::default());
        for _ in 0..8 {
            for datagram in drain(&mut *active, &mut of_active) {
                passive.handle_datagram(&datagram, NOW);
            }
            for datagram in drain(&mut *passive, &mut of_passive) {
                active.handle_datagram(&datagram, NOW);
            }
        }
        let (suite, client, server) = of_active.keys.unwrap();
        assert_eq!(suite, SrtpSuite::AeadAes256Gcm);
        assert_eq!((client.len(), server.len()), (44, 44));
        assert_ne!(client, server);
        assert_eq!(of_passive.keys, Some((suite, client, server)));
        let seen = [of_passive.certificate.unwrap(), of_active.certificate.unwrap()];
        let prints: Vec<Arc<str>> = seen.iter().map(|der| fingerprint(der)).collect();
        assert_eq!(*prints, *made.fingerprints());
        assert_ne!(prints[0], prints[1]);
        assert!(sdp_like(&prints[0]));
    }

    /// Who is not known to be where he says gets no more than he sent until he repeats a cookie; then all is as usual.
    #[test]
    fn a_wary_endpoint_asks_for_a_cookie_first() {
        let (_, mut active, mut wary) = ends_with(DtlsRole::Wary);
        let (mut of_active, mut of_wary) = (End::default(), End::default());
        let hello = drain(&mut *active, &mut of_active);
        for datagram in &hello {
            wary.handle_datagram(datagram, NOW);
        }
        let first = drain(&mut *wary, &mut of_wary);
        let octets = |datagrams: &[Vec<u8>]| datagrams.iter().map(Vec::len).sum::<usize>();
        assert!(!first.is_empty() && octets(&first) <= octets(&hello), "{first:?}");
        for datagram in &first {
            active.handle_datagram(datagram, NOW);
        }
        for _ in 0..8 {
            for datagram in drain(&mut *active, &mut of_active) {
                wary.handle_datagram(&datagram, NOW);
            }
            for datagram in drain(&mut *wary, &mut of_wary) {
                active.handle_datagram(&datagram, NOW);
            }
        }
        assert!(of_active.keys.is_some() && of_active.keys == of_wary.keys);
    }

    /// 32 octets in upper-case hex behind the name of the function.
    fn sdp_like(print: &str) -> bool {
        let hex = print.strip_prefix("sha-256 ").unwrap_or_default();
        hex.split(':').count() == 32
            && hex
                .split(':')
                .all(|two| two.len() == 2 && u8::from_str_radix(two, 16).is_ok())
    }

    #[test]
    fn a_lost_flight_is_said_again_and_rubbish_changes_nothing() {
        let (_, mut active, mut passive) = ends();
        let mut end = End::default();
        let hello = drain(&mut *active, &mut end);
        assert!(!hello.is_empty());
        let due = active.poll_timeout().unwrap();
        assert!(due > NOW && due < NOW + Duration::from_secs(1));
        active.handle_timeout(due);
        assert!(!drain(&mut *active, &mut end).is_empty());
        passive.handle_datagram(&[22, 254, 253, 0, 0], NOW);
        passive.handle_datagram(&[0x16; 300], NOW);
        assert!(drain(&mut *passive, &mut end).is_empty());
        assert!(!end.failed);
        passive.handle_datagram(&hello[0], NOW);
        assert!(!drain(&mut *passive, &mut end).is_empty());
    }

    #[test]
    fn who_never_hears_anything_gives_up() {
        let (_, mut active, _) = ends();
        let mut end = End::default();
        let mut looks = 0;
        while let Some(due) = active.poll_timeout().filter(|_| looks < 100) {
            active.handle_timeout(due);
            drain(&mut *active, &mut end);
            looks += 1;
        }
        assert!(end.failed);
        assert!(active.poll_timeout().is_none());
    }
}
