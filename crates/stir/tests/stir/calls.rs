//! What is signed, and what is made of it on the way.

use crate::{CALL, Chain, DEST, NOW, ORIG, ORIGID, PROVIDER, URL, begin, claims, signing};
use stir::{
    Attestation, Begun, Call, Claims, Failure, MAX_HEADER, Proof, Refusal, Rules, Signer, Verdict,
    Verification, Verstat,
};

fn done(begun: Begun) -> Verdict {
    match begun {
        Begun::Done(verdict) => verdict,
        Begun::NeedsCertificate(check) => panic!("asks for {}", check.url()),
    }
}

fn needs(begun: Begun) -> Verification {
    match begun {
        Begun::Done(verdict) => panic!("{verdict:?}"),
        Begun::NeedsCertificate(check) => check,
    }
}

fn reason(verdict: &Verdict) -> Option<Failure> {
    match verdict {
        Verdict::Failed { reason, .. } => Some(*reason),
        _ => None,
    }
}

fn refusal(verdict: &Verdict) -> (u16, &'static str) {
    let Refusal { code, phrase } = verdict.refusal().unwrap();
    (code, phrase)
}

const BASE64: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// Not by the crate's own code.
fn base64(text: &str) -> String {
    let octets = text.as_bytes();
    let mut all = String::new();
    for three in octets.chunks(3) {
        let word = three
            .iter()
            .fold(0_u32, |word, octet| word << 8 | u32::from(*octet));
        let word = word << (8 * (3 - three.len()));
        for place in 0..=three.len() {
            all.push(char::from(BASE64[(word >> (18 - 6 * place) & 63) as usize]));
        }
    }
    all
}

/// A header with these pieces under a signature of nobody.
fn forged(head: &str, payload: &str, parameters: &str) -> String {
    format!(
        "{}.{}.{}{parameters}",
        base64(head),
        base64(payload),
        "A".repeat(86)
    )
}

const HEAD: &str = r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://sti.example/ours.pem"}"#;
const PARAMETERS: &str = ";info=<https://sti.example/ours.pem>;alg=ES256;ppt=shaken";

fn payload() -> String {
    format!(
        r#"{{"attest":"A","dest":{{"tn":["12155550131"]}},"iat":{NOW},"orig":{{"tn":"12155550121"}},"origid":"{ORIGID}"}}"#
    )
}

#[test]
fn a_signed_call_passes() {
    let chain = Chain::new();
    for level in [Attestation::A, Attestation::B, Attestation::C] {
        let claims = Claims {
            attestation: level,
            dest: &["12155550199", DEST],
            ..claims()
        };
        let identity = chain.signer().sign(&claims).unwrap();
        let check = needs(begin(&[&identity], NOW + 2));
        assert_eq!((check.url(), check.claimed()), (URL, level));
        let verdict = check.with_certificate(chain.pem().as_bytes(), &chain.anchors(), NOW + 3);
        let proof = Proof {
            attestation: level,
            origid: ORIGID.into(),
            spc: Some("709J".into()),
        };
        assert_eq!(verdict, Verdict::Passed(proof));
        assert_eq!(verdict.attestation(), Some(level));
        assert_eq!(verdict.verstat(), Verstat::Passed);
        assert_eq!(verdict.verstat().to_string(), "TN-Validation-Passed");
        assert_eq!(verdict.refusal(), None);
    }
}

#[test]
fn numbers_are_compared_by_their_digits() {
    let identity = Chain::new().identity();
    let begin = |orig, dest| {
        let call = Call { orig, dest };
        Verification::begin(&Rules::default(), [identity.as_str()], &call, NOW)
    };
    needs(begin("1 (215) 555-0121", "1.215.555.0131"));
    for (orig, dest, why) in [
        ("+12155550122", DEST, Failure::OtherOrig),
        ("2155550121", DEST, Failure::OtherOrig),
        ("anonymous", DEST, Failure::OtherOrig),
        ("", DEST, Failure::OtherOrig),
        (ORIG, "+12155550132", Failure::OtherDest),
        (ORIG, "alice", Failure::OtherDest),
    ] {
        let verdict = done(begin(orig, dest));
        assert_eq!(reason(&verdict), Some(why), "{orig} {dest}");
        assert_eq!(refusal(&verdict), (438, "Invalid Identity Header"));
        assert_eq!(verdict.verstat().to_string(), "TN-Validation-Failed");
        assert_eq!(verdict.attestation(), None);
    }
}

#[test]
fn what_was_signed_is_fresh_for_a_minute_to_either_side() {
    let chain = Chain::new();
    let identity = chain.identity();
    needs(begin(&[&identity], NOW + 60));
    needs(begin(&[&identity], NOW - 60));
    for (now, why) in [
        (NOW + 61, Failure::Stale),
        (u64::MAX, Failure::Stale),
        (NOW - 61, Failure::FromFuture),
        (0, Failure::FromFuture),
    ] {
        let verdict = done(begin(&[&identity], now));
        assert_eq!(
            verdict,
            Verdict::Failed {
                reason: why,
                claimed: Some(Attestation::A)
            }
        );
        assert_eq!(refusal(&verdict), (403, "Stale Date"));
    }
    let strict = Rules {
        freshness_s: 5,
        ..Rules::default()
    };
    let late = Verification::begin(&strict, [identity.as_str()], &CALL, NOW + 6);
    assert_eq!(reason(&done(late)), Some(Failure::Stale));
}

#[test]
fn changed_claims_and_other_keys_are_found_out() {
    let chain = Chain::new();
    let honest = chain.identity();
    let pieces: Vec<&str> = honest.splitn(3, '.').collect();
    let upgraded = base64(&payload().replace(ORIGID, "00000000-0000-0000-0000-000000000000"));
    let changed = format!("{}.{upgraded}.{}", pieces[0], pieces[2]);
    let nobody = forged(HEAD, &payload(), PARAMETERS);
    let other = Chain::new().identity();
    for identity in [changed, nobody, other] {
        let check = needs(begin(&[&identity], NOW));
        let verdict = check.with_certificate(chain.pem().as_bytes(), &chain.anchors(), NOW);
        assert_eq!(reason(&verdict), Some(Failure::Signature), "{identity}");
        assert_eq!(refusal(&verdict), (438, "Invalid Identity Header"));
        assert_eq!(verdict.attestation(), None);
    }
}

#[test]
fn a_certificate_that_is_not_there_proves_nothing_either_way() {
    let check = needs(begin(&[&Chain::new().identity()], NOW));
    let verdict = check.unreachable();
    assert_eq!(reason(&verdict), Some(Failure::Unreachable));
    assert_eq!(refusal(&verdict), (436, "Bad Identity Info"));
    assert_eq!(verdict.verstat().to_string(), "No-TN-Validation");
}

#[test]
fn who_says_nothing_is_asked_for_it() {
    let div = "a.b.c;info=<https://sti.example/ours.pem>;alg=ES256;ppt=div";
    let base = forged(
        &HEAD.replace(r#""ppt":"shaken","#, ""),
        "{}",
        ";info=<https://a/b>",
    );
    let compact = "..AAAA;info=<https://a/b>;alg=ES256";
    for headers in [&[][..], &[div], &[&base], &[compact, div]] {
        let verdict = done(begin(headers, NOW));
        assert_eq!(verdict, Verdict::Absent, "{headers:?}");
        assert_eq!(refusal(&verdict), (428, "Use Identity Header"));
        assert_eq!(verdict.verstat(), Verstat::None);
    }
}

#[test]
fn the_first_header_in_order_counts() {
    let chain = Chain::new();
    let good = chain.identity();
    let div = "a.b.c;info=<https://a/b>;ppt=div";
    let stale = chain
        .signer()
        .sign(&Claims {
            iat: NOW - 100,
            ..claims()
        })
        .unwrap();
    needs(begin(&[div, "rubbish", &stale, &good], NOW));
    // The first reason is told.
    assert_eq!(
        reason(&done(begin(&[div, &stale, "rubbish"], NOW))),
        Some(Failure::Stale)
    );
    // After eight nobody looks any more.
    let mut many = vec![div; 8];
    many.push(&good);
    assert_eq!(done(begin(&many, NOW)), Verdict::Absent);
    many.remove(0);
    needs(begin(&many, NOW));
}

#[test]
fn headers_that_are_out_of_order_are_refused() {
    let (head, payload) = (HEAD, payload());
    let changed = |from: &str, to: &str| forged(&head.replace(from, to), &payload, PARAMETERS);
    let claimed = |from: &str, to: &str| forged(head, &payload.replace(from, to), PARAMETERS);
    let parameters = |from: &str, to: &str| forged(head, &payload, &PARAMETERS.replace(from, to));
    let long = forged(
        head,
        &payload,
        &format!("{PARAMETERS};x={}", "y".repeat(MAX_HEADER)),
    );
    let http = "http://sti.example/ours.pem";
    for (identity, why, code) in [
        ("rubbish".to_owned(), Failure::Malformed, 438),
        (long, Failure::Malformed, 438),
        (format!("..{}{PARAMETERS}", "A".repeat(86)), Failure::Compact, 438),
        (changed("ES256", "none"), Failure::Algorithm, 438),
        (changed("ES256", "HS256"), Failure::Algorithm, 438),
        (parameters("alg=ES256", "alg=ES384"), Failure::Algorithm, 438),
        (changed(r#""passport""#, r#""JWT""#), Failure::Malformed, 438),
        (changed(r#""ppt":"shaken","#, ""), Failure::Malformed, 438),
        (changed("ours", "theirs"), Failure::UrlsDiffer, 438),
        (parameters("ours", "theirs"), Failure::UrlsDiffer, 438),
        (
            forged(&head.replace(URL, http), &payload, &PARAMETERS.replace(URL, http)),
            Failure::Url,
            436,
        ),
        (claimed(r#""A""#, r#""X""#), Failure::Malformed, 438),
        (claimed(ORIGID, ""), Failure::Malformed, 438),
        (claimed(ORIGID, "a b"), Failure::Malformed, 438),
        (claimed(ORIGID, &"a".repeat(65)), Failure::Malformed, 438),
        (claimed(r#"["12155550131"]"#, "[]"), Failure::OtherDest, 438),
        (
            forged(head, &payload, PARAMETERS).replacen("AAAA", "", 1),
            Failure::Malformed,
            438,
        ),
    ] {
        let verdict = done(begin(&[&identity], NOW));
        assert_eq!(reason(&verdict), Some(why), "{identity}");
        assert_eq!(refusal(&verdict).0, code, "{identity}");
        assert_eq!(verdict.verstat(), Verstat::Failed);
    }
    // The parameters but `info` may be left out, or stand in quotes.
    for parameters in [
        ";info=<https://sti.example/ours.pem>",
        "; ppt=\"shaken\"; alg=\"ES256\"; info=<https://sti.example/ours.pem>",
    ] {
        needs(begin(&[&forged(head, &payload, parameters)], NOW));
    }
}

#[test]
fn a_laboratory_has_its_certificates_at_any_port() {
    let key = Chain::with(signing(PROVIDER)).leaf.key.serialize_pem();
    let url = "https://127.0.0.1:4443/ours.pem";
    let lab = Rules {
        any_port: true,
        ..Rules::default()
    };
    assert!(Signer::new(key.as_bytes(), url, &Rules::default()).is_err());
    let identity = Signer::new(key.as_bytes(), url, &lab)
        .unwrap()
        .sign(&claims())
        .unwrap();
    assert_eq!(reason(&done(begin(&[&identity], NOW))), Some(Failure::Url));
    let check = needs(Verification::begin(&lab, [identity.as_str()], &CALL, NOW));
    assert_eq!(check.url(), url);
}
