//! From a signer's certificate up to an authority that the operator trusts (RFC 5280 §6.1, RFC 8226 §4).

use crate::certificate::Certificate;
use crate::verdict::Failure;
use crate::{MAX_CERTIFICATE, MAX_CHAIN};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use thiserror::Error;

/// The authorities that the operator trusts: those that his country's policy administrator lists.
#[derive(Clone, Debug, Default)]
pub struct Anchors(Vec<Certificate>);

/// Certificates in one list.
const MAX_ANCHORS: usize = 1_024;

/// Why a list of authorities can't be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AnchorError {
    /// It has no certificate in PEM.
    #[error("it holds no certificate in PEM")]
    Empty,
    /// The one with this number, from 1, can't be read.
    #[error("certificate {0} in it can't be read")]
    Unreadable(usize),
    /// There are too many.
    #[error("it holds more than {MAX_ANCHORS} certificates")]
    TooMany,
}

impl Anchors {
    /// Reads certificates in PEM, one after another.
    ///
    /// # Errors
    /// There are none, too many, or one is broken.
    pub fn parse(pem: &[u8]) -> Result<Anchors, AnchorError> {
        let mut all = Vec::new();
        for (index, found) in CertificateDer::pem_slice_iter(pem).enumerate() {
            let number = index + 1;
            if number > MAX_ANCHORS {
                return Err(AnchorError::TooMany);
            }
            let found = found.map_err(|_| AnchorError::Unreadable(number))?;
            all.push(Certificate::parse(&found).map_err(|_| AnchorError::Unreadable(number))?);
        }
        match all.is_empty() {
            true => Err(AnchorError::Empty),
            false => Ok(Anchors(all)),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Is there none? Then nothing can be verified.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// What a URL led to: PEM with the signer's certificate first (RFC 8226 §8), or the DER of that alone.
pub(crate) fn read(octets: &[u8]) -> Result<Vec<Certificate>, Failure> {
    if octets.len() > MAX_CERTIFICATE {
        return Err(Failure::CertificateUnreadable);
    }
    // A SEQUENCE; a letter of PEM is none.
    if octets.first() == Some(&0x30) {
        return Ok(vec![Certificate::parse(octets)?]);
    }
    let mut all = Vec::new();
    for found in CertificateDer::pem_slice_iter(octets) {
        let found = found.map_err(|_| Failure::CertificateUnreadable)?;
        if all.len() >= MAX_CHAIN {
            return Err(Failure::CertificateUnreadable);
        }
        all.push(Certificate::parse(&found)?);
    }
    match all.is_empty() {
        true => Err(Failure::CertificateUnreadable),
        false => Ok(all),
    }
}

/// Does the first of these lead up to an anchor? Each step takes one certificate, so there are not more than there are certificates. `orig`
/// has to be covered by every list of numbers on the way (RFC 9060 §5).
pub(crate) fn check(chain: &[Certificate], orig: &str, anchors: &Anchors, now: u64) -> Result<(), Failure> {
    let (signer, mut others) = match chain.split_first() {
        Some((signer, others)) => (signer, others.iter().collect::<Vec<_>>()),
        None => return Err(Failure::CertificateUnreadable),
    };
    signer.check(now)?;
    signer.check_signer()?;
    if signer.authority.is_none() {
        return Err(Failure::CertificateNoNumbers);
    }
    let (mut at, mut below) = (signer, 0);
    loop {
        if at.authority.as_ref().is_some_and(|list| !list.covers(orig)) {
            return Err(Failure::CertificateOtherNumbers);
        }
        if anchors.0.iter().any(|anchor| anchor.octets == at.octets) {
            return Ok(());
        }
        let (issuer, is_anchor) = issuer(at, &mut others, anchors, now)?;
        issuer.check(now)?;
        issuer.check_authority(below)?;
        if is_anchor {
            let covers = issuer.authority.as_ref().is_none_or(|list| list.covers(orig));
            return match covers {
                true => Ok(()),
                false => Err(Failure::CertificateOtherNumbers),
            };
        }
        (at, below) = (issuer, below + 1);
    }
}

/// Who has signed it, an anchor or one of those that came with it, which is then used up. An authority may have several certificates for one
/// key: those in force are looked at first.
fn issuer<'a>(
    of: &Certificate,
    others: &mut Vec<&'a Certificate>,
    anchors: &'a Anchors,
    now: u64,
) -> Result<(&'a Certificate, bool), Failure> {
    let has_name = |candidate: &&Certificate| candidate.subject == of.issuer;
    let mut named: Vec<&Certificate> = anchors.0.iter().filter(has_name).collect();
    named.sort_by_key(|anchor| anchor.check(now).is_err());
    if let Some(found) = named.iter().find(|anchor| of.is_signed_by(anchor)) {
        return Ok((found, true));
    }
    others.sort_by_key(|other| other.check(now).is_err());
    let found = others
        .iter()
        .position(|other| has_name(other) && of.is_signed_by(other));
    if let Some(at) = found {
        return Ok((others.remove(at), false));
    }
    match named.is_empty() && !others.iter().any(has_name) {
        true => Err(Failure::CertificateUntrusted),
        false => Err(Failure::CertificateForged),
    }
}
