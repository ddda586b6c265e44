//! Calls signed and verified under certificates that are made in each test.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)]

mod calls;
mod certificates;
mod fuzz_corpus;

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};
use stir::{Anchors, Attestation, Begun, Call, Claims, OrigId, Rules, Signer, Verdict, Verification};

pub(crate) const NOW: u64 = 1_700_000_000;
pub(crate) const URL: &str = "https://sti.example/ours.pem";
pub(crate) const ORIG: &str = "+12155550121";
pub(crate) const DEST: &str = "+12155550131";
pub(crate) const ORIGID: &str = "123e4567-e89b-12d3-a456-426655440000";
pub(crate) const CALL: Call<'static> = Call {
    orig: ORIG,
    dest: DEST,
};
/// A list with the provider's code `709J`.
pub(crate) const PROVIDER: &[u8] = b"\x30\x08\xA0\x06\x16\x04709J";

/// A certificate and its key.
pub(crate) struct Made {
    params: CertificateParams,
    pub(crate) key: KeyPair,
    pub(crate) pem: String,
    pub(crate) der: Vec<u8>,
}

/// Makes one; who has no issuer signs himself.
pub(crate) fn make(name: &str, issuer: Option<&Made>, change: impl FnOnce(&mut CertificateParams)) -> Made {
    make_with(KeyPair::generate().unwrap(), name, issuer, change)
}

pub(crate) fn make_with(
    key: KeyPair,
    name: &str,
    issuer: Option<&Made>,
    change: impl FnOnce(&mut CertificateParams),
) -> Made {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_before = rcgen::date_time_ymd(2023, 1, 1);
    params.not_after = rcgen::date_time_ymd(2024, 1, 1);
    change(&mut params);
    let made = match issuer {
        None => params.self_signed(&key),
        Some(issuer) => params.signed_by(&key, &Issuer::from_params(&issuer.params, &issuer.key)),
    };
    let made = made.unwrap();
    Made {
        params,
        key,
        pem: made.pem(),
        der: made.der().to_vec(),
    }
}

/// An authority's certificate.
pub(crate) fn authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
}

/// That of somebody who signs calls.
pub(crate) fn signing(list: &[u8]) -> impl FnOnce(&mut CertificateParams) {
    let list = extension(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list);
    move |params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.custom_extensions.push(list);
    }
}

pub(crate) fn extension(oid: &[u64], value: &[u8]) -> CustomExtension {
    CustomExtension::from_oid_content(oid, value.to_vec())
}

/// Root, intermediate, signer.
pub(crate) struct Chain {
    pub(crate) root: Made,
    pub(crate) middle: Made,
    pub(crate) leaf: Made,
}

impl Chain {
    pub(crate) fn new() -> Chain {
        Chain::with(signing(PROVIDER))
    }

    pub(crate) fn with(leaf: impl FnOnce(&mut CertificateParams)) -> Chain {
        let root = make("Root", None, authority);
        let middle = make("Middle", Some(&root), authority);
        let leaf = make("SHAKEN 709J", Some(&middle), leaf);
        Chain { root, middle, leaf }
    }

    /// What lies at the URL.
    pub(crate) fn pem(&self) -> String {
        format!("{}{}", self.leaf.pem, self.middle.pem)
    }

    pub(crate) fn anchors(&self) -> Anchors {
        Anchors::parse(self.root.pem.as_bytes()).unwrap()
    }

    pub(crate) fn signer(&self) -> Signer {
        let key = self.leaf.key.serialize_pem();
        Signer::new(key.as_bytes(), URL, &Rules::default()).unwrap()
    }

    pub(crate) fn identity(&self) -> String {
        self.signer().sign(&claims()).unwrap()
    }

    /// Signs the usual call and verifies it by what lies at the URL.
    pub(crate) fn verify_by(&self, pem: &[u8], now: u64) -> Verdict {
        let rules = Rules {
            freshness_s: u64::MAX,
            ..Rules::default()
        };
        let identity = self.identity();
        match Verification::begin(&rules, [identity.as_str()], &CALL, now) {
            Begun::Done(verdict) => verdict,
            Begun::NeedsCertificate(check) => check.with_certificate(pem, &self.anchors(), now),
        }
    }
}

pub(crate) fn claims() -> Claims<'static> {
    Claims {
        attestation: Attestation::A,
        orig: ORIG,
        dest: &[DEST],
        iat: NOW,
        origid: OrigId::parse(ORIGID).unwrap(),
    }
}

/// Looks at headers of the usual call.
pub(crate) fn begin(headers: &[&str], now: u64) -> Begun {
    Verification::begin(&Rules::default(), headers.iter().copied(), &CALL, now)
}
