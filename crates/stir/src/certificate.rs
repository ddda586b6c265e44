//! One certificate (RFC 5280 §4), as far as STIR looks at it (RFC 8226 §5).

use crate::authority::Authority;
use crate::verdict::Failure;
use der::asn1::{BitStringRef, ObjectIdentifier};
use der::{Decode, Reader, SliceReader};
use ring::signature as algorithm;
use ring::signature::{UnparsedPublicKey, VerificationAlgorithm};
use x509_cert::TbsCertificate;
use x509_cert::ext::Extension;
use x509_cert::ext::pkix::{BasicConstraints, KeyUsage};
use x509_cert::name::Name;
use x509_cert::spki::{AlgorithmIdentifierRef, SubjectPublicKeyInfoOwned};

const EC_PUBLIC_KEY: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");
const ECDSA_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.2");
const ECDSA_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.4.3.3");

const BASIC_CONSTRAINTS: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.19");
const KEY_USAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.15");
const TN_AUTH_LIST: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.1.26");
/// Extensions that change nothing of what is decided here, critical or not: key identifiers, policies (none is asked for), further names
/// of the subject, where lists of revoked certificates lie.
const HARMLESS: [ObjectIdentifier; 5] = [
    ObjectIdentifier::new_unwrap("2.5.29.14"),
    ObjectIdentifier::new_unwrap("2.5.29.17"),
    ObjectIdentifier::new_unwrap("2.5.29.31"),
    ObjectIdentifier::new_unwrap("2.5.29.32"),
    ObjectIdentifier::new_unwrap("2.5.29.35"),
];

/// A certificate that has been read; nothing of it has been checked.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) octets: Box<[u8]>,
    /// The part of `octets` that is signed.
    signed: Box<[u8]>,
    /// How it is signed; `None` where that is said in two ways.
    signature_of: Option<ObjectIdentifier>,
    signature: Box<[u8]>,
    pub(crate) issuer: Name,
    pub(crate) subject: Name,
    not_before: u64,
    not_after: u64,
    key: Option<Key>,
    constraints: Option<BasicConstraints>,
    usage: Option<KeyUsage>,
    /// What its holder may sign for.
    pub(crate) authority: Option<Authority>,
    /// It has a critical extension that is not understood.
    has_stranger: bool,
}

/// A public key, of the curves that STIR uses.
#[derive(Clone, Debug)]
enum Key {
    P256(Box<[u8]>),
    P384(Box<[u8]>),
}

impl Certificate {
    /// Reads DER.
    pub(crate) fn parse(octets: &[u8]) -> Result<Certificate, Failure> {
        Certificate::read(octets).map_err(|_| Failure::CertificateUnreadable)
    }

    fn read(octets: &[u8]) -> der::Result<Certificate> {
        let mut reader = SliceReader::new(octets)?;
        let (signed, outer, signature) = reader.sequence(|parts: &mut SliceReader<'_>| {
            let signed = parts.tlv_bytes()?;
            let outer: AlgorithmIdentifierRef<'_> = parts.decode()?;
            let signature: BitStringRef<'_> = parts.decode()?;
            Ok::<_, der::Error>((signed, outer, signature))
        })?;
        reader.finish()?;
        let body = TbsCertificate::from_der(signed)?;
        // Both name the same algorithm (RFC 5280 §4.1.1.2).
        let signature_of = Some(outer.oid).filter(|oid| *oid == body.signature().oid);
        let mut found = Certificate {
            octets: octets.into(),
            signed: signed.into(),
            signature_of,
            signature: signature.as_bytes().unwrap_or_default().into(),
            issuer: body.issuer().clone(),
            subject: body.subject().clone(),
            not_before: body.validity().not_before.to_unix_duration().as_secs(),
            not_after: body.validity().not_after.to_unix_duration().as_secs(),
            key: Key::parse(body.subject_public_key_info()),
            constraints: None,
            usage: None,
            authority: None,
            has_stranger: false,
        };
        for extension in body.extensions().into_iter().flatten() {
            found.read_extension(extension)?;
        }
        Ok(found)
    }

    fn read_extension(&mut self, extension: &Extension) -> der::Result<()> {
        let value = extension.extn_value.as_bytes();
        let is_repeated = match extension.extn_id {
            BASIC_CONSTRAINTS => self
                .constraints
                .replace(BasicConstraints::from_der(value)?)
                .is_some(),
            KEY_USAGE => self.usage.replace(KeyUsage::from_der(value)?).is_some(),
            TN_AUTH_LIST => self.authority.replace(Authority::parse(value)?).is_some(),
            other => {
                self.has_stranger |= extension.critical && !HARMLESS.contains(&other);
                false
            }
        };
        match is_repeated {
            true => Err(der::ErrorKind::Failed.into()),
            false => Ok(()),
        }
    }

    /// Is it in force, and nothing in it that would have to be understood?
    pub(crate) fn check(&self, now: u64) -> Result<(), Failure> {
        match now {
            _ if self.has_stranger => Err(Failure::CertificateUnsupported),
            _ if now < self.not_before => Err(Failure::CertificateNotYetValid),
            _ if now > self.not_after => Err(Failure::CertificateExpired),
            _ => Ok(()),
        }
    }

    /// May it have signed a certificate that has `below` others of authorities below itself?
    pub(crate) fn check_authority(&self, below: usize) -> Result<(), Failure> {
        let constraints = self.constraints.as_ref().filter(|found| found.ca);
        let is_long_enough = |limit: u8| usize::from(limit) >= below;
        let may_sign = self.usage.is_none_or(|usage| usage.key_cert_sign());
        let is_authority = constraints.is_some_and(|c| c.path_len_constraint.is_none_or(is_long_enough));
        match is_authority && may_sign {
            true => Ok(()),
            false => Err(Failure::CertificateNoAuthority),
        }
    }

    /// May its holder sign PASSporTs?
    pub(crate) fn check_signer(&self) -> Result<(), Failure> {
        match self.usage.is_none_or(|usage| usage.digital_signature()) {
            true => Ok(()),
            false => Err(Failure::CertificateUnsupported),
        }
    }

    /// Is its signature by that key?
    pub(crate) fn is_signed_by(&self, issuer: &Certificate) -> bool {
        let (Some(Key::P256(key) | Key::P384(key)), Some(how)) = (&issuer.key, self.algorithm(issuer)) else {
            return false;
        };
        UnparsedPublicKey::new(how, key)
            .verify(&self.signed, &self.signature)
            .is_ok()
    }

    fn algorithm(&self, issuer: &Certificate) -> Option<&'static dyn VerificationAlgorithm> {
        Some(match (issuer.key.as_ref()?, self.signature_of?) {
            (Key::P256(_), ECDSA_SHA256) => &algorithm::ECDSA_P256_SHA256_ASN1,
            (Key::P256(_), ECDSA_SHA384) => &algorithm::ECDSA_P256_SHA384_ASN1,
            (Key::P384(_), ECDSA_SHA256) => &algorithm::ECDSA_P384_SHA256_ASN1,
            (Key::P384(_), ECDSA_SHA384) => &algorithm::ECDSA_P384_SHA384_ASN1,
            _ => return None,
        })
    }

    /// Is this the signature, by ES256 (RFC 7518 §3.4), of its holder?
    pub(crate) fn verify(&self, text: &[u8], signature: &[u8]) -> Result<(), Failure> {
        let Some(Key::P256(key)) = &self.key else {
            return Err(Failure::CertificateUnsupported);
        };
        UnparsedPublicKey::new(&algorithm::ECDSA_P256_SHA256_FIXED, key)
            .verify(text, signature)
            .map_err(|_| Failure::Signature)
    }
}

impl Key {
    /// `None` for one of another kind.
    fn parse(info: &SubjectPublicKeyInfoOwned) -> Option<Key> {
        if info.algorithm.oid != EC_PUBLIC_KEY {
            return None;
        }
        let curve: ObjectIdentifier = info.algorithm.parameters.as_ref()?.decode_as().ok()?;
        let point = info.subject_public_key.as_bytes()?;
        match curve {
            P256 => Some(Key::P256(point.into())),
            P384 => Some(Key::P384(point.into())),
            _ => None,
        }
    }
}
