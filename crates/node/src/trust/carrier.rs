//! Is this certificate one of the carrier that was asked for (RFC 5922 §7)?
//!
//! Owns: which names of a certificate count. Does not own: chains and times, which are the TLS library's.
//!
//! Names count as RFC 5922 §7.1 says: a SIP URI without a user, where there is one, and DNS names only where there is none; never the
//! subject. Where the trunk names an address, an address in the certificate counts, or a SIP URI of it. In one thing this is
//! wider than §7.2: of a DNS name the whole first label may be `*` (RFC 9525 §6.3). Carriers that give each customer a name of
//! his own have such certificates, and nobody issues them but to who rules the domain, and so those names, anyway. Who had to
//! choose between no trunk and no verification would choose none, which is worse. The name that counts is one that the tenant
//! wrote down, and not one that a stranger put into a Request-URI. In another it is narrower: a URI is enough only where an
//! issuer vouches for it whom the operator named. Public issuers may not certify URIs, and those that may speak for some domains
//! alone are bound by the DNS names of a certificate, not by its URIs.

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{verify_server_cert_signed_by_trust_anchor, verify_server_name};
use rustls::crypto::{
    WebPkiSupportedAlgorithms, ring::default_provider, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use sip::Uri;
use std::net::IpAddr;

/// Takes the certificate of the name, from an issuer that is trusted; of a trunk with `tls_verify=false` any. What is signed by its
/// key is looked at in either case.
#[derive(Debug)]
pub(super) struct Carrier {
    /// `None` = anybody's will do.
    issuers: Option<Issuers>,
    algorithms: WebPkiSupportedAlgorithms,
}

/// All who are trusted, and those of them whom the operator named.
#[derive(Debug)]
struct Issuers {
    roots: RootCertStore,
    named: RootCertStore,
}

impl Carrier {
    pub(super) fn new(roots: RootCertStore, named: RootCertStore) -> Carrier {
        Carrier {
            issuers: Some(Issuers { roots, named }),
            ..Carrier::anybody()
        }
    }

    pub(super) fn anybody() -> Carrier {
        Carrier {
            issuers: None,
            algorithms: default_provider().signature_verification_algorithms,
        }
    }
}

impl ServerCertVerifier for Carrier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let Some(issuers) = &self.issuers else {
            return Ok(ServerCertVerified::assertion());
        };
        let parsed = ParsedCertificate::try_from(end_entity)?;
        let leads_to = |roots| {
            let algorithms = self.algorithms.all;
            verify_server_cert_signed_by_trust_anchor(&parsed, roots, intermediates, now, algorithms)
        };
        leads_to(&issuers.roots)?;
        let domains = sip_domains(end_entity)?;
        if !domains.is_empty() && !domains.iter().any(|domain| is_of(name, domain)) {
            return Err(CertificateError::NotValidForName.into());
        }
        if domains.is_empty() || leads_to(&issuers.named).is_err() {
            verify_server_name(&parsed, name)?;
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signed, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signed, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

/// The hosts of the SIP URIs that a certificate names as domains: those with a user are of a person (RFC 5922 §7.1).
fn sip_domains<'a>(certificate: &'a CertificateDer<'_>) -> Result<Vec<&'a str>, Error> {
    let certificate =
        webpki::EndEntityCert::try_from(certificate).map_err(|_| CertificateError::BadEncoding)?;
    // `valid_uri_names` borrows from the parsed certificate, what it gives is the octets' own.
    Ok(certificate.valid_uri_names().filter_map(sip_domain).collect())
}

fn sip_domain(uri: &str) -> Option<&str> {
    let (scheme, _) = uri.split_once(':')?;
    let is_domain = scheme.eq_ignore_ascii_case("sip") && !uri.contains('@');
    Uri::parse(uri).ok().filter(|_| is_domain).map(|uri| uri.host)
}

/// Letter by letter, in either case: here `*` is no wildcard.
fn is_of(name: &ServerName<'_>, domain: &str) -> bool {
    match name {
        ServerName::DnsName(name) => {
            let whole = |name: &'_ str| name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase();
            whole(name.as_ref()) == whole(domain)
        }
        ServerName::IpAddress(address) => {
            let domain = domain.trim_matches(['[', ']']).parse::<IpAddr>();
            domain.is_ok_and(|domain| domain == IpAddr::from(*address))
        }
        _ => false,
    }
}
