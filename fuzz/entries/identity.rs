//! `Identity` headers, and what lies at the URL that they name. Shared by the fuzz target and the tests of `stir`.
//!
//! What must hold: nothing panics; what passes says what the holders of the keys, which nobody has any more, once signed; every verdict has
//! either a proof or a status.

use std::sync::LazyLock;
use stir::{Anchors, Attestation, Begun, Call, Rules, Signer, Verdict, Verification, Verstat, canonical};

const NOW: u64 = 1_700_000_000;
const ORIGID: &str = "123e4567-e89b-12d3-a456-426655440000";
const CALL: Call<'static> = Call {
    orig: "+12155550121",
    dest: "+12155550131",
};

/// The authority above the certificates in the corpus.
const ROOT: &str = "\
-----BEGIN CERTIFICATE-----
MIIBYzCCAQigAwIBAgIUQBVksiiUrWxzb0zxe0/LR47SVmswCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEUm9vdDAeFw0yMzAxMDEwMDAwMDBaFw0yNDAxMDEwMDAwMDBa
MA8xDTALBgNVBAMMBFJvb3QwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAAS8AYQW
LxIUfvYUHZMGOQBQ18BSelzRUXCy4ADedlQT6mm8QAAaD1vQ81Uug7AuCMwisice
14QDSaxlf6zAyVK2o0IwQDAOBgNVHQ8BAf8EBAMCAQYwHQYDVR0OBBYEFC/zmPE2
rPlh+5I+RurrhEGW1rQDMA8GA1UdEwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDSQAw
RgIhALPrOJp68xcZ3aoF7XgwJWRBY+rPih0fzOvk0XVoZinDAiEAj+dy9XxSV/m+
fC8NcxXkb6DuvTYCS8vwZ7JgEvVHDfc=
-----END CERTIFICATE-----
";

static ANCHORS: LazyLock<Anchors> = LazyLock::new(|| Anchors::parse(ROOT.as_bytes()).unwrap());

/// One input: headers, a line each, an empty line, and then the certificate, in PEM or DER.
pub(crate) fn run(data: &[u8]) {
    let end = data.windows(2).position(|w| w == b"\n\n").unwrap_or(data.len());
    let (headers, certificate) = data.split_at(end);
    let certificate = certificate.get(2..).unwrap_or_default();
    let headers = String::from_utf8_lossy(headers);
    let _ = Signer::new(certificate, "https://sti.example/a", &Rules::default());
    let _ = Anchors::parse(certificate);
    for line in headers.lines() {
        let number = canonical(line);
        assert!(
            number
                .as_deref()
                .is_none_or(|number| canonical(number).as_deref() == Some(number))
        );
    }
    let verdict = match Verification::begin(&Rules::default(), headers.lines(), &CALL, NOW) {
        Begun::Done(verdict) => verdict,
        Begun::NeedsCertificate(check) => {
            assert!(check.url().starts_with("https://"));
            assert_eq!(check.clone().unreachable().verstat(), Verstat::None);
            check.with_certificate(certificate, &ANCHORS, NOW)
        }
    };
    match &verdict {
        Verdict::Passed(proof) => {
            assert_eq!((proof.attestation, &*proof.origid), (Attestation::A, ORIGID));
        }
        Verdict::Absent | Verdict::Failed { .. } => assert_ne!(verdict.verstat(), Verstat::Passed),
    }
    assert_eq!(verdict.refusal().is_none(), verdict.attestation().is_some());
}
