//! What lies at the URL, and whom it proves.

use crate::{Chain, Made, NOW, PROVIDER, authority, extension, make, make_with, signing};
use rcgen::{BasicConstraints, IsCa, KeyPair, KeyUsagePurpose, date_time_ymd};
use stir::{AnchorError, Anchors, Failure, MAX_CERTIFICATE, Verdict};

/// `Ok` with the provider's code, or why not.
fn outcome(verdict: Verdict) -> Result<Option<String>, Failure> {
    match verdict {
        Verdict::Passed(proof) => Ok(proof.spc.map(String::from)),
        Verdict::Failed { reason, .. } => {
            let code = verdict.refusal().unwrap().code;
            let is_unreadable = reason == Failure::CertificateUnreadable;
            assert_eq!(code, if is_unreadable { 436 } else { 437 }, "{reason}");
            Err(reason)
        }
        Verdict::Absent => panic!("nothing was looked at"),
    }
}

fn by(chain: &Chain, pem: impl AsRef<[u8]>) -> Result<Option<String>, Failure> {
    outcome(chain.verify_by(pem.as_ref(), NOW))
}

/// A chain with this intermediate above the signer.
fn with_middle(root: Made, middle: Made) -> Chain {
    let leaf = make("SHAKEN 709J", Some(&middle), signing(PROVIDER));
    Chain { root, middle, leaf }
}

fn passed() -> Result<Option<String>, Failure> {
    Ok(Some("709J".to_owned()))
}

#[test]
fn a_chain_leads_up_to_an_anchor() {
    let chain = Chain::new();
    assert_eq!(by(&chain, chain.pem()), passed());
    // With the root in it, in another order behind the signer, and with words before it.
    let (leaf, middle, root) = (&chain.leaf.pem, &chain.middle.pem, &chain.root.pem);
    assert_eq!(by(&chain, format!("{leaf}{middle}{root}")), passed());
    assert_eq!(
        by(
            &chain,
            format!("Ours:\r\n{leaf}\n{root}{middle}").replace('\n', "\r\n")
        ),
        passed()
    );
    // DER, where an anchor has signed it.
    let root = make("Root", None, authority);
    let leaf = make("SHAKEN", Some(&root), signing(PROVIDER));
    let middle = make("Middle", Some(&root), authority);
    let chain = Chain { root, middle, leaf };
    assert_eq!(by(&chain, &chain.leaf.der), passed());
    assert_eq!(by(&chain, &chain.leaf.pem), passed());
}

#[test]
fn a_signer_may_be_an_anchor_himself() {
    let leaf = make("Self", None, signing(PROVIDER));
    let other = || make("Other", None, authority);
    let mut chain = Chain {
        root: other(),
        middle: other(),
        leaf,
    };
    assert_eq!(by(&chain, &chain.leaf.pem), Err(Failure::CertificateUntrusted));
    chain.root.pem = chain.leaf.pem.clone();
    assert_eq!(by(&chain, &chain.leaf.pem), passed());
}

#[test]
fn without_an_anchor_nothing_is_proved() {
    let chain = Chain::new();
    // The intermediate is missing; a stranger's root; a stranger who calls himself by the same name.
    assert_eq!(by(&chain, &chain.leaf.pem), Err(Failure::CertificateUntrusted));
    let foreign = make("Foreign", None, authority);
    let middle = make("Middle", Some(&foreign), authority);
    let with_foreign = with_middle(make("Root", None, authority), middle);
    assert_eq!(
        by(&with_foreign, with_foreign.pem()),
        Err(Failure::CertificateUntrusted)
    );
    let impostor = make("Root", None, authority);
    let middle = make("Middle", Some(&impostor), authority);
    let forged = with_middle(make("Root", None, authority), middle);
    assert_eq!(by(&forged, forged.pem()), Err(Failure::CertificateForged));
    // A signer under an intermediate that has the name, and not the key.
    let mut mixed = Chain::new();
    mixed.middle = make("Middle", Some(&mixed.root), authority);
    assert_eq!(by(&mixed, mixed.pem()), Err(Failure::CertificateForged));
}

#[test]
fn an_octet_changed_in_a_certificate_breaks_it() {
    let chain = Chain::new();
    let root = make("Root", None, authority);
    let leaf = make("SHAKEN", Some(&root), signing(PROVIDER));
    let chain = Chain { root, leaf, ..chain };
    assert_eq!(by(&chain, &chain.leaf.der), passed());
    for at in 0..chain.leaf.der.len() {
        let mut der = chain.leaf.der.clone();
        der[at] ^= 1;
        assert!(by(&chain, &der).is_err(), "octet {at}");
    }
}

#[test]
fn each_certificate_has_its_time() {
    let early = Chain::with(|params| {
        signing(PROVIDER)(params);
        params.not_before = date_time_ymd(2023, 11, 16);
    });
    assert_eq!(by(&early, early.pem()), Err(Failure::CertificateNotYetValid));
    let late = Chain::with(|params| {
        signing(PROVIDER)(params);
        params.not_after = date_time_ymd(2023, 11, 14);
    });
    assert_eq!(by(&late, late.pem()), Err(Failure::CertificateExpired));
    let root = make("Root", None, authority);
    let middle = make("Middle", Some(&root), |params| {
        authority(params);
        params.not_after = date_time_ymd(2023, 11, 14);
    });
    let chain = with_middle(root, middle);
    assert_eq!(by(&chain, chain.pem()), Err(Failure::CertificateExpired));
    let root = make("Root", None, |params| {
        authority(params);
        params.not_after = date_time_ymd(2023, 11, 14);
    });
    let middle = make("Middle", Some(&root), authority);
    let chain = with_middle(root, middle);
    assert_eq!(by(&chain, chain.pem()), Err(Failure::CertificateExpired));
    // An authority that has renewed its certificate under the same key, among the anchors and among those that came along.
    let mut chain = Chain::new();
    let key = || KeyPair::from_pem(&chain.root.key.serialize_pem()).unwrap();
    let expired = |params: &mut rcgen::CertificateParams| {
        authority(params);
        params.not_after = date_time_ymd(2023, 11, 14);
    };
    let old_root = make_with(key(), "Root", None, expired);
    let key = KeyPair::from_pem(&chain.middle.key.serialize_pem()).unwrap();
    let old_middle = make_with(key, "Middle", Some(&chain.root), expired);
    chain.root.pem = old_root.pem + &chain.root.pem;
    let (leaf, middle) = (&chain.leaf.pem, &chain.middle.pem);
    assert_eq!(by(&chain, format!("{leaf}{}{middle}", old_middle.pem)), passed());
    // To the second: 2024-01-01T00:00:00Z.
    let chain = Chain::new();
    let pem = chain.pem();
    assert_eq!(outcome(chain.verify_by(pem.as_bytes(), 1_704_067_200)), passed());
    assert_eq!(
        outcome(chain.verify_by(pem.as_bytes(), 1_704_067_201)),
        Err(Failure::CertificateExpired)
    );
}

#[test]
fn who_signs_certificates_may_do_so() {
    for (is_ca, usage) in [
        (IsCa::ExplicitNoCa, KeyUsagePurpose::KeyCertSign),
        (IsCa::NoCa, KeyUsagePurpose::KeyCertSign),
        (
            IsCa::Ca(BasicConstraints::Unconstrained),
            KeyUsagePurpose::DigitalSignature,
        ),
    ] {
        let root = make("Root", None, authority);
        let what = format!("{is_ca:?} {usage:?}");
        let middle = make("Middle", Some(&root), |params| {
            params.is_ca = is_ca;
            params.key_usages = vec![usage];
        });
        let chain = with_middle(root, middle);
        let no_authority = Err(Failure::CertificateNoAuthority);
        assert_eq!(by(&chain, chain.pem()), no_authority, "{what}");
    }
    for (depth, wanted) in [(0, Err(Failure::CertificateNoAuthority)), (1, passed())] {
        let root = make("Root", None, |params| {
            authority(params);
            params.is_ca = IsCa::Ca(BasicConstraints::Constrained(depth));
        });
        let middle = make("Middle", Some(&root), authority);
        let chain = with_middle(root, middle);
        assert_eq!(by(&chain, chain.pem()), wanted, "depth {depth}");
    }
}

#[test]
fn a_signers_certificate_says_for_whose_numbers_it_is() {
    let bare = Chain::with(|params| {
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    });
    assert_eq!(by(&bare, bare.pem()), Err(Failure::CertificateNoNumbers));
    let own = Chain::with(signing(b"\x30\x0F\xA2\x0D\x16\x0B12155550121"));
    assert_eq!(by(&own, own.pem()), Ok(None));
    let other = Chain::with(signing(b"\x30\x0F\xA2\x0D\x16\x0B12155550122"));
    assert_eq!(by(&other, other.pem()), Err(Failure::CertificateOtherNumbers));
    let block = b"\x30\x14\xA1\x12\x30\x10\x16\x0B12155550100\x02\x01\x32";
    let within = Chain::with(signing(block));
    assert_eq!(by(&within, within.pem()), Ok(None));
    let broken = Chain::with(signing(b"\x30\x00"));
    assert_eq!(by(&broken, broken.pem()), Err(Failure::CertificateUnreadable));
    // Nobody hands on more than he has.
    let root = make("Root", None, authority);
    let middle = make("Middle", Some(&root), |params| {
        authority(params);
        let list = b"\x30\x0F\xA2\x0D\x16\x0B12155550122";
        params
            .custom_extensions
            .push(extension(&[1, 3, 6, 1, 5, 5, 7, 1, 26], list));
    });
    let chain = with_middle(root, middle);
    assert_eq!(by(&chain, chain.pem()), Err(Failure::CertificateOtherNumbers));
}

#[test]
fn critical_extensions_and_keys_are_understood_or_refused() {
    let with = |oid: &'static [u64], is_critical| {
        Chain::with(move |params| {
            signing(PROVIDER)(params);
            let mut more = extension(oid, b"\x30\x00");
            more.set_criticality(is_critical);
            params.custom_extensions.push(more);
        })
    };
    let strange = with(&[1, 3, 6, 1, 4, 1, 99_999, 1], true);
    assert_eq!(by(&strange, strange.pem()), Err(Failure::CertificateUnsupported));
    let name_constraints = with(&[2, 5, 29, 30], true);
    assert_eq!(
        by(&name_constraints, name_constraints.pem()),
        Err(Failure::CertificateUnsupported)
    );
    for harmless in [
        with(&[1, 3, 6, 1, 4, 1, 99_999, 1], false),
        with(&[2, 5, 29, 32], true),
    ] {
        assert_eq!(by(&harmless, harmless.pem()), passed());
    }
    let no_signer = Chain::with(|params| {
        signing(PROVIDER)(params);
        params.key_usages = vec![KeyUsagePurpose::KeyAgreement];
    });
    assert_eq!(
        by(&no_signer, no_signer.pem()),
        Err(Failure::CertificateUnsupported)
    );
}

#[test]
fn authorities_may_have_keys_of_p384_and_signers_may_not() {
    let p384 = || KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
    let root = make_with(p384(), "Root", None, authority);
    let middle = make_with(p384(), "Middle", Some(&root), authority);
    let chain = with_middle(root, middle);
    assert_eq!(by(&chain, chain.pem()), passed());
    // The certificate has another key than the one that signs the call.
    let mut odd = Chain::new();
    let other = make_with(p384(), "SHAKEN 709J", Some(&odd.middle), signing(PROVIDER));
    odd.leaf.pem = other.pem;
    assert_eq!(by(&odd, odd.pem()), Err(Failure::CertificateUnsupported));
    let ed25519 = KeyPair::generate_for(&rcgen::PKCS_ED25519).unwrap();
    let root = make_with(ed25519, "Root", None, authority);
    let middle = make("Middle", Some(&root), authority);
    let chain = with_middle(root, middle);
    assert_eq!(by(&chain, chain.pem()), Err(Failure::CertificateForged));
}

#[test]
fn what_is_no_certificate_or_too_much_is_unreadable() {
    let chain = Chain::new();
    let unreadable = Err(Failure::CertificateUnreadable);
    let html = "<html>404</html>";
    let cut = &chain.leaf.der[..chain.leaf.der.len() - 1];
    let longer = [&chain.leaf.der[..], &[0]].concat();
    let broken = chain.pem().replacen("MII", "MI!", 1);
    for octets in [&b""[..], html.as_bytes(), cut, &longer, broken.as_bytes()] {
        assert_eq!(by(&chain, octets), unreadable);
    }
    let key = chain.leaf.key.serialize_pem();
    assert_eq!(by(&chain, key), unreadable);
    let six = format!("{}{}", chain.pem(), chain.middle.pem.repeat(4));
    assert_eq!(by(&chain, &six), passed());
    assert_eq!(by(&chain, six + &chain.middle.pem), unreadable);
    let padded = |length| format!("{}{}", chain.pem(), " ".repeat(length - chain.pem().len()));
    assert_eq!(by(&chain, padded(MAX_CERTIFICATE)), passed());
    assert_eq!(by(&chain, padded(MAX_CERTIFICATE + 1)), unreadable);
}

#[test]
fn a_list_of_anchors_is_whole() {
    let root = make("Root", None, authority);
    let two = format!("# Ours\n{0}\n{0}", root.pem);
    assert_eq!(Anchors::parse(two.as_bytes()).map(|all| all.len()), Ok(2));
    assert!(!Anchors::parse(two.as_bytes()).unwrap().is_empty());
    assert!(Anchors::default().is_empty());
    let refused = |text: &str| Anchors::parse(text.as_bytes()).unwrap_err();
    assert_eq!(refused(""), AnchorError::Empty);
    assert_eq!(refused(&root.key.serialize_pem()), AnchorError::Empty);
    let broken = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
    assert_eq!(
        refused(&format!("{}{broken}", root.pem)),
        AnchorError::Unreadable(2)
    );
    assert_eq!(refused(&root.pem.repeat(1_025)), AnchorError::TooMany);
}
