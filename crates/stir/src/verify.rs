//! Verifying a call (RFC 8224 §6.2, RFC 8588): what can be said without the certificate first, then what it proves.

use crate::MAX_HEADERS;
use crate::chain::{self, Anchors};
use crate::header::Identity;
use crate::number::canonical;
use crate::passport::{Attestation, Head, Payload, octets, read};
use crate::url::{Rules, is_allowed};
use crate::verdict::{Failure, Proof, Verdict};
use ring::digest::{SHA256, digest};

/// Characters of an `origid` that was received.
const LONGEST_ORIGID: usize = 64;

/// The call that headers came with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Call<'a> {
    /// The caller's number with its country's code: of P-Asserted-Identity where there is one, else of From (ATIS-1000074 §5.3.1).
    pub orig: &'a str,
    /// The number of To, likewise.
    pub dest: &'a str,
}

/// How far it got without a certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// That is all.
    Done(Verdict),
    /// [`Verification::url`] has to be fetched.
    NeedsCertificate(Verification),
}

/// A call whose headers are in order, and whose signature has not been looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verification {
    url: Box<str>,
    signed: Box<str>,
    signature: Box<[u8]>,
    orig: Box<str>,
    attestation: Attestation,
    origid: Box<str>,
}

/// Why a header is no help.
struct Fault(Failure, Option<Attestation>);

impl Verification {
    /// Looks at the values of all `Identity` headers of a request, in their order. The first with `ppt` `shaken` that is in
    /// order counts; those with other `ppt` are not looked at. `now` is in seconds since 1970.
    pub fn begin<'a>(
        rules: &Rules,
        headers: impl IntoIterator<Item = &'a str>,
        call: &Call<'_>,
        now: u64,
    ) -> Begun {
        let mut fault = None;
        for text in headers.into_iter().take(MAX_HEADERS) {
            match look(rules, text, call, now) {
                Ok(Some(begun)) => return Begun::NeedsCertificate(begun),
                Ok(None) => {}
                Err(found) => fault = fault.or(Some(found)),
            }
        }
        Begun::Done(match fault {
            None => Verdict::Absent,
            Some(Fault(reason, claimed)) => Verdict::Failed { reason, claimed },
        })
    }

    /// Where the certificate lies.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// What was claimed, before anything is proved.
    #[must_use]
    pub fn claimed(&self) -> Attestation {
        self.attestation
    }

    /// What tells it from others, whoever signed it: to notice one that comes again with another call. Not the signature, of which there
    /// are two for every text.
    #[must_use]
    pub fn fingerprint(&self) -> [u8; 32] {
        let hash = digest(&SHA256, self.signed.as_bytes());
        hash.as_ref().try_into().unwrap_or_default()
    }

    /// Ends it with what the URL led to: PEM with the signer's certificate first, or DER of that alone, at most
    /// [`crate::MAX_CERTIFICATE`] octets. `now` is in seconds since 1970.
    #[must_use]
    pub fn with_certificate(self, certificate: &[u8], anchors: &Anchors, now: u64) -> Verdict {
        match self.prove(certificate, anchors, now) {
            Ok(spc) => Verdict::Passed(Proof {
                attestation: self.attestation,
                origid: self.origid,
                spc,
            }),
            Err(reason) => self.fail(reason),
        }
    }

    /// Ends it: the certificate could not be fetched.
    #[must_use]
    pub fn unreachable(self) -> Verdict {
        self.fail(Failure::Unreachable)
    }

    /// Ends it without a proof.
    #[must_use]
    pub fn fail(self, reason: Failure) -> Verdict {
        Verdict::Failed {
            reason,
            claimed: Some(self.attestation),
        }
    }

    /// Gives the signer's code.
    fn prove(&self, certificate: &[u8], anchors: &Anchors, now: u64) -> Result<Option<Box<str>>, Failure> {
        let chain = chain::read(certificate)?;
        chain::check(&chain, &self.orig, anchors, now)?;
        let signer = chain.first().ok_or(Failure::CertificateUnreadable)?;
        signer.verify(self.signed.as_bytes(), &self.signature)?;
        let authority = signer.authority.as_ref();
        Ok(authority.and_then(|list| list.spc.first().cloned()))
    }
}

/// Who signed, as the first `Identity` header that can be read and is no other kind's says: the URL of his certificate, of which nothing has been
/// looked at.
pub fn signer<'a>(headers: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let read = headers.into_iter().take(MAX_HEADERS).filter_map(Identity::parse);
    let mut ours = read.filter(|identity| identity.ppt.is_none_or(|ppt| ppt == "shaken"));
    ours.next().map(|identity| identity.info)
}

/// `None` for a header of another kind.
fn look(rules: &Rules, text: &str, call: &Call<'_>, now: u64) -> Result<Option<Verification>, Fault> {
    let malformed = || Fault(Failure::Malformed, None);
    let identity = Identity::parse(text).ok_or_else(malformed)?;
    if identity.ppt.is_some_and(|ppt| ppt != "shaken") || (identity.ppt.is_none() && identity.is_compact()) {
        return Ok(None);
    }
    if identity.is_compact() {
        return Err(Fault(Failure::Compact, None));
    }
    let [head, payload, signature] = identity.passport;
    let head: Head = read(head).ok_or_else(malformed)?;
    // Who leaves the parameter out says it in the PASSporT.
    if identity.ppt.is_none() && head.ppt.as_deref() != Some("shaken") {
        return Ok(None);
    }
    let payload: Payload = read(payload).ok_or_else(malformed)?;
    let signature = octets(signature)
        .filter(|octets| octets.len() == 64)
        .ok_or_else(malformed)?;
    let fault = |failure| Fault(failure, Some(payload.attest));
    check_head(&identity, &head, rules).map_err(fault)?;
    check_claims(&payload, rules, call, now).map_err(fault)?;
    Ok(Some(Verification {
        url: identity.info.into(),
        signed: identity.signed().into(),
        signature: signature.into(),
        orig: canonical(&payload.orig.tn).unwrap_or_default().into(),
        attestation: payload.attest,
        origid: payload.origid.into(),
    }))
}

fn check_head(identity: &Identity<'_>, head: &Head, rules: &Rules) -> Result<(), Failure> {
    if head.alg != "ES256" || identity.alg.is_some_and(|alg| alg != "ES256") {
        return Err(Failure::Algorithm);
    }
    if head.typ.as_deref() != Some("passport") || head.ppt.as_deref() != Some("shaken") {
        return Err(Failure::Malformed);
    }
    if head.x5u.as_deref() != Some(identity.info) {
        return Err(Failure::UrlsDiffer);
    }
    match is_allowed(identity.info, rules) {
        true => Ok(()),
        false => Err(Failure::Url),
    }
}

fn check_claims(payload: &Payload, rules: &Rules, call: &Call<'_>, now: u64) -> Result<(), Failure> {
    let is_id =
        |id: &str| (1..=LONGEST_ORIGID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_graphic());
    if !is_id(&payload.origid) {
        return Err(Failure::Malformed);
    }
    let is_same = |claimed: &str, number: &Option<String>| number.is_some() && canonical(claimed) == *number;
    if !is_same(&payload.orig.tn, &canonical(call.orig)) {
        return Err(Failure::OtherOrig);
    }
    let dest = canonical(call.dest);
    if !payload.dest.tn.iter().any(|claimed| is_same(claimed, &dest)) {
        return Err(Failure::OtherDest);
    }
    // Last, for it may be our clock that is wrong.
    if now.saturating_sub(payload.iat) > rules.freshness_s {
        return Err(Failure::Stale);
    }
    if payload.iat.saturating_sub(now) > rules.freshness_s {
        return Err(Failure::FromFuture);
    }
    Ok(())
}
