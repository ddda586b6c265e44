//! Digest: RFC 7616, RFC 8760, and what attackers do with it.

use crate::transactions::Dice;
use expect_test::expect;
use sip::digest::{Algorithms, Credentials, Digest, Proof, Refusal, ReplayGuard, Request, Secret, ha1};
use std::time::Duration;

const REALM: &str = "alpha.example";
const START: u64 = 1_700_000_000_000;
const HOUR: u64 = 3_600_000;

fn secret() -> Secret {
    ha1("101", REALM, "correct horse")
}

const REGISTER: Request<'static> = Request {
    method: "REGISTER",
    uri: Some("sip:alpha.example"),
};

/// What a phone does with a challenge.
fn phone(challenge: &str, password: &str, nc: u32) -> String {
    let field = |name: &str| {
        let (_, rest) = challenge.split_once(&format!("{name}=")).unwrap();
        rest.trim_start_matches('"').split(['"', ',']).next().unwrap()
    };
    let (realm, nonce, algorithm) = (field("realm"), field("nonce"), field("algorithm"));
    let hash = |parts: &[&str]| reference(algorithm, &parts.join(":"));
    let (nc, cnonce, uri) = (format!("{nc:08x}"), "0a4f113b", "sip:alpha.example");
    let ha1 = hash(&["101", realm, password]);
    let ha2 = hash(&["REGISTER", uri]);
    let response = hash(&[&ha1, nonce, &nc, cnonce, "auth", &ha2]);
    format!(
        "Digest username=\"101\", realm=\"{realm}\", nonce=\"{nonce}\", uri=\"{uri}\", response=\"{response}\", \
         algorithm={algorithm}, cnonce=\"{cnonce}\", qop=auth, nc={nc}"
    )
}

/// The hash as hex; [`ha1`] is checked against the RFC's example below and is `H(a:b:c)`, which reaches every text
/// with two colons or more. Others are not hashed here.
fn reference(algorithm: &str, text: &str) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|b| format!("{b:02x}")).collect::<String>();
    let mut parts = text.splitn(3, ':');
    let mut part = || parts.next();
    match (part(), part(), part()) {
        (Some(a), Some(b), Some(c)) => {
            let hashed = ha1(a, b, c);
            if algorithm == "MD5" {
                hex(&hashed.md5)
            } else {
                hex(&hashed.sha256)
            }
        }
        _ => panic!("no two colons in {text}"),
    }
}

fn sha256_challenge(digest: &Digest, wall_ms: u64) -> String {
    digest
        .challenge(REALM, wall_ms, false, Algorithms::BOTH)
        .next()
        .unwrap()
}

fn check(digest: &Digest, value: &str, wall_ms: u64) -> Result<Proof, Refusal> {
    let credentials = Credentials::parse(value).unwrap();
    digest.verify(
        &credentials,
        REALM,
        REGISTER,
        Some(&secret()),
        wall_ms,
        Algorithms::BOTH,
    )
}

fn digest() -> Digest {
    Digest::new([7; 32])
}

fn without_nonce(challenge: &str) -> String {
    let (before, rest) = challenge.split_once("nonce=\"").unwrap();
    let (nonce, after) = rest.split_once('"').unwrap();
    format!("{before}nonce=\"({} digits)\"{after}", nonce.len())
}

#[test]
fn sha256_is_offered_first_and_md5_by_policy() {
    let digest = digest();
    let of = |algorithms| {
        let values = digest.challenge("a \"b\" \\ \r\nX: y", START, true, algorithms);
        values
            .map(|value| without_nonce(&value))
            .collect::<Vec<_>>()
            .join("\n")
    };
    expect![[r#"
        Digest realm="a \"b\" \\ X: y", nonce="(48 digits)", algorithm=SHA-256, qop="auth", stale=true
        Digest realm="a \"b\" \\ X: y", nonce="(48 digits)", algorithm=MD5, qop="auth", stale=true"#]]
    .assert_eq(&of(Algorithms::BOTH));
    assert!(of(Algorithms::MD5).contains("MD5") && !of(Algorithms::MD5).contains("SHA"));
    let none = Algorithms {
        sha256: false,
        md5: false,
    };
    assert_eq!(of(none), of(Algorithms::SHA256));
}

#[test]
fn a_phone_that_knows_the_password_passes_with_either_algorithm() {
    let digest = digest();
    for challenge in digest.challenge(REALM, START, false, Algorithms::BOTH) {
        let proof = check(&digest, &phone(&challenge, "correct horse", 1), START + 20).unwrap();
        assert_eq!((proof.issued_ms, proof.nc), (START, 1));
        assert_eq!(
            check(&digest, &phone(&challenge, "wrong", 1), START),
            Err(Refusal::Wrong)
        );
    }
}

#[test]
fn an_algorithm_outside_the_policy_is_no_way_in() {
    let digest = digest();
    let offered: Vec<_> = digest.challenge(REALM, START, false, Algorithms::BOTH).collect();
    for (value, policy) in [(&offered[0], Algorithms::MD5), (&offered[1], Algorithms::SHA256)] {
        let value = phone(value, "correct horse", 1);
        let credentials = Credentials::parse(&value).unwrap();
        let verdict = digest.verify(&credentials, REALM, REGISTER, Some(&secret()), START, policy);
        assert_eq!(verdict, Err(Refusal::Wrong));
    }
    let sess = phone(&offered[0], "correct horse", 1).replace("SHA-256", "SHA-256-sess");
    assert_eq!(check(&digest, &sess, START), Err(Refusal::Wrong));
}

#[test]
fn an_unknown_user_is_refused_like_a_wrong_password() {
    let digest = digest();
    let value = phone(&sha256_challenge(&digest, START), "correct horse", 1);
    let credentials = Credentials::parse(&value).unwrap();
    let verdict = digest.verify(&credentials, REALM, REGISTER, None, START, Algorithms::BOTH);
    assert_eq!(verdict, Err(Refusal::Wrong));
}

#[test]
fn a_nonce_serves_for_its_lifetime() {
    let digest = Digest::with_lifetime([7; 32], Duration::from_secs(300));
    let value = phone(&sha256_challenge(&digest, START), "correct horse", 1);
    assert!(check(&digest, &value, START + 300_000).is_ok());
    assert_eq!(check(&digest, &value, START + 300_001), Err(Refusal::Stale));
    let wrong = phone(&sha256_challenge(&digest, START), "wrong", 1);
    assert_eq!(check(&digest, &wrong, START + HOUR), Err(Refusal::Wrong));
}

#[test]
fn a_nonce_that_is_not_ours_for_this_realm_is_stale_even_with_the_right_password() {
    let digest = digest();
    let ours = sha256_challenge(&digest, START);
    let (before, rest) = ours.split_once("nonce=\"").unwrap();
    let (nonce, after) = rest.split_once('"').unwrap();
    let flip = |at: usize| {
        let digit = if &nonce[at..=at] == "0" { "1" } else { "0" };
        format!("{}{digit}{}", &nonce[..at], &nonce[at + 1..])
    };
    let mut forged: Vec<_> = (0..nonce.len()).map(flip).collect();
    forged.extend(["", "0", "ü", &nonce[1..]].map(str::to_owned));
    for nonce in forged {
        let challenge = format!("{before}nonce=\"{nonce}\"{after}");
        let verdict = check(&digest, &phone(&challenge, "correct horse", 1), START);
        assert_eq!(verdict, Err(Refusal::Stale), "{nonce}");
    }
    // Another tenant's nonce, and one of another key.
    let other = digest
        .challenge("beta.example", START, false, Algorithms::SHA256)
        .next()
        .unwrap();
    let moved = phone(&other.replace("beta.example", REALM), "correct horse", 1);
    assert_eq!(check(&digest, &moved, START), Err(Refusal::Stale));
    let restarted = Digest::new([8; 32]);
    assert_eq!(
        check(&restarted, &phone(&ours, "correct horse", 1), START),
        Err(Refusal::Stale)
    );
}

#[test]
fn a_foreign_realm_is_wrong() {
    let digest = digest();
    let other = digest
        .challenge("beta.example", START, false, Algorithms::SHA256)
        .next()
        .unwrap();
    assert_eq!(
        check(&digest, &phone(&other, "correct horse", 1), START),
        Err(Refusal::Wrong)
    );
    let value = phone(&sha256_challenge(&digest, START), "correct horse", 1);
    let renamed = value.replace("realm=\"alpha", "realm=\"beta");
    assert_eq!(check(&digest, &renamed, START), Err(Refusal::Wrong));
}

#[test]
fn credentials_of_another_request_or_without_count_are_malformed() {
    let digest = digest();
    let value = phone(&sha256_challenge(&digest, START), "correct horse", 1);
    for (from, to) in [
        ("qop=auth", "qop=auth-int"),
        (", qop=auth", ""),
        ("nc=00000001", "nc=1"),
        ("nc=00000001", "nc=00000000"),
        ("nc=00000001", "nc=0000000g"),
        (", nc=00000001", ""),
        ("cnonce=\"0a4f113b\", ", ""),
        ("uri=\"sip:alpha.example\"", "uri=\"sip:900@alpha.example\""),
        ("uri=\"sip:alpha.example\"", "uri=\"sip:beta.example\""),
    ] {
        assert!(value.contains(from));
        assert_eq!(
            check(&digest, &value.replace(from, to), START),
            Err(Refusal::Malformed),
            "{to}"
        );
    }
    for request_uri in [
        "sip:ALPHA.example:5060;transport=tcp",
        "sips:alpha.example",
        "sip:alpha.example",
    ] {
        let request = Request {
            method: "REGISTER",
            uri: Some(request_uri),
        };
        let credentials = Credentials::parse(&value).unwrap();
        let verdict = digest.verify(
            &credentials,
            REALM,
            request,
            Some(&secret()),
            START,
            Algorithms::BOTH,
        );
        assert!(verdict.is_ok(), "{request_uri}");
    }
    let request = Request {
        method: "INVITE",
        uri: None,
    };
    let credentials = Credentials::parse(&value).unwrap();
    let verdict = digest.verify(
        &credentials,
        REALM,
        request,
        Some(&secret()),
        START,
        Algorithms::BOTH,
    );
    assert_eq!(verdict, Err(Refusal::Wrong), "the method is signed too");
}

#[test]
fn a_nonce_count_is_used_once_and_must_rise() {
    let digest = digest();
    let challenge = sha256_challenge(&digest, START);
    let mut guard = ReplayGuard::new();
    let mut admit =
        |nc| guard.admit(&check(&digest, &phone(&challenge, "correct horse", nc), START).unwrap());
    assert_eq!(
        [1, 1, 2, 5, 4, 5, 6].map(&mut admit),
        [true, false, true, true, false, false, true]
    );
}

#[test]
fn forgotten_nonces_stay_spent() {
    let mut guard = ReplayGuard::new();
    let proof = |nonce_id| Proof {
        nonce_id,
        issued_ms: 0,
        nc: 1,
    };
    let first: Vec<_> = (10..=40).map(|id| guard.admit(&proof(id))).collect();
    assert!(first.iter().all(|admitted| *admitted));
    assert!((1..=40).all(|id| !guard.admit(&proof(id))));
    assert!(guard.admit(&proof(41)));
    assert!(size_of::<ReplayGuard>() <= 112);
    // One that comes late, while all places hold later ones, passes once.
    let mut guard = ReplayGuard::new();
    assert!((10..18).all(|id| guard.admit(&proof(id))));
    assert_eq!(
        [5, 5, 6, 4].map(|id| guard.admit(&proof(id))),
        [true, false, true, false]
    );
}

/// A phone that keeps one password and answers whatever it is challenged with; gives the number of stale rounds.
fn rounds(digest: &Digest, guard: &mut ReplayGuard, wall_ms: u64, held: &mut Option<(String, u32)>) -> u32 {
    for round in 0..5 {
        let (challenge, nc) = held.get_or_insert_with(|| (sha256_challenge(digest, wall_ms), 0));
        *nc += 1;
        let value = phone(challenge, "correct horse", *nc);
        if check(digest, &value, wall_ms).is_ok_and(|proof| guard.admit(&proof)) {
            return round;
        }
        *held = None;
    }
    panic!("locked out at {wall_ms}");
}

#[test]
fn a_jump_of_the_wall_clock_costs_one_stale_round_at_most() {
    let digest = digest();
    let (mut guard, mut held) = (ReplayGuard::new(), None);
    assert_eq!(rounds(&digest, &mut guard, START, &mut held), 0);
    let captured = phone(&held.clone().unwrap().0, "correct horse", 9);
    for wall in [START + HOUR, START, START - HOUR, START + 2 * HOUR, START, 0] {
        // Many challenges at each time, so that the guard has forgotten what came before.
        for step in 0..20 {
            let mut fresh = if step == 0 { held.take() } else { None };
            assert!(
                rounds(&digest, &mut guard, wall + step, &mut fresh) <= 1,
                "{wall}"
            );
            held = fresh;
        }
        let replayed = check(&digest, &captured, wall).is_ok_and(|proof| guard.admit(&proof));
        assert!(
            !replayed,
            "what was captured an hour ago came back to life at {wall}"
        );
    }
}

#[test]
fn a_nonce_from_the_future_is_not_accepted() {
    let (ahead, here) = (digest(), digest());
    let value = phone(&sha256_challenge(&ahead, START + HOUR), "correct horse", 1);
    assert_eq!(check(&here, &value, START), Err(Refusal::Stale));
    assert!(check(&here, &value, START + HOUR).is_ok());
}

/// RFC 7616 §3.9.1.
const EXAMPLE: &str = r#"Digest username="Mufasa",
    realm="http-auth@example.org",
    uri="/dir/index.html",
    algorithm=ALG,
    nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v",
    nc=00000001,
    cnonce="f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ",
    qop=auth,
    response="RESPONSE",
    opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS""#;
const MD5_RESPONSE: &str = "8ca523f5e9506fed4657c9700eebdbec";
const SHA256_RESPONSE: &str = "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1";

/// The nonce is not ours, so a right response is stale and any other is wrong.
fn judge_example(algorithm: &str, response: &str) -> Refusal {
    let value = EXAMPLE.replace("ALG", algorithm).replace("RESPONSE", response);
    let credentials = Credentials::parse(&value).unwrap();
    let secret = ha1("Mufasa", "http-auth@example.org", "Circle of Life");
    let request = Request {
        method: "GET",
        uri: Some("/dir/index.html"),
    };
    let realm = "http-auth@example.org";
    digest()
        .verify(
            &credentials,
            realm,
            request,
            Some(&secret),
            START,
            Algorithms::BOTH,
        )
        .unwrap_err()
}

#[test]
fn the_examples_of_rfc_7616_are_right_and_their_neighbours_wrong() {
    for (algorithm, response) in [("MD5", MD5_RESPONSE), ("SHA-256", SHA256_RESPONSE)] {
        assert_eq!(judge_example(algorithm, response), Refusal::Stale);
        assert_eq!(judge_example(algorithm, &response.to_uppercase()), Refusal::Stale);
        for at in 0..response.len() {
            let digit = if &response[at..=at] == "0" { "1" } else { "0" };
            let wrong = format!("{}{digit}{}", &response[..at], &response[at + 1..]);
            assert_eq!(judge_example(algorithm, &wrong), Refusal::Wrong);
        }
        assert_eq!(judge_example(algorithm, &response[1..]), Refusal::Wrong);
        assert_eq!(judge_example(algorithm, ""), Refusal::Wrong);
    }
    assert_eq!(judge_example("MD5", SHA256_RESPONSE), Refusal::Wrong);
}

#[test]
fn the_shared_vectors_are_right() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../shared/vectors/digest/rfc7616.json"
    );
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("SKIP: no {path}");
        return;
    };
    let field = |name: &str| {
        let (_, rest) = text.split_once(&format!("\"{name}\": \"")).unwrap();
        rest.split_once('"').unwrap().0
    };
    let secret = ha1(field("username"), field("realm"), field("password"));
    for algorithm in ["MD5", "SHA-256"] {
        let value = format!(
            "Digest username=\"{}\",realm=\"{}\",nonce=\"{}\",uri=\"{}\",response=\"{}\",algorithm={algorithm},\
             cnonce=\"{}\",qop={},nc={}",
            field("username"),
            field("realm"),
            field("nonce"),
            field("uri"),
            field(algorithm),
            field("cnonce"),
            field("qop"),
            field("nc"),
        );
        let credentials = Credentials::parse(&value).unwrap();
        let request = Request {
            method: field("method"),
            uri: Some(field("uri")),
        };
        let verdict = digest().verify(
            &credentials,
            field("realm"),
            request,
            Some(&secret),
            START,
            Algorithms::BOTH,
        );
        assert_eq!(
            verdict,
            Err(Refusal::Stale),
            "{algorithm}: right response, foreign nonce"
        );
    }
}

#[test]
fn credentials_are_read_whatever_their_spelling() {
    let value = "dIgEsT\t USERNAME = \"a\\\"b\\\\c\" ,, realm=\"r,=\\\"\",nonce=n,\r\n uri=\"sip:x;y=z?q\",response=\"00\" , x=\"y\",";
    let credentials = Credentials::parse(value).unwrap();
    assert_eq!(credentials.username_unescaped(), "a\"b\\c");
    assert_eq!((credentials.realm, credentials.nonce), ("r,=\\\"", "n"));
    assert_eq!((credentials.uri, credentials.algorithm), ("sip:x;y=z?q", None));
}

#[test]
fn what_is_no_digest_is_no_credential() {
    let good = "Digest username=\"u\",realm=\"r\",nonce=\"n\",uri=\"u\",response=\"0\"";
    assert!(Credentials::parse(good).is_some());
    let mut bad: Vec<String> = ["username", "realm", "nonce", "uri", "response"]
        .iter()
        .map(|name| good.replace(&format!("{name}="), "other="))
        .collect();
    for text in [
        "",
        "Digest",
        "Digest ",
        "Basic dTpw",
        "Digestusername=\"u\"",
        "NoOneKnowsThisScheme opaque-data=here",
    ] {
        bad.push(text.to_owned());
    }
    for tail in [",realm=\"s\"", ",x", ",x=\"y", ",x=\"y\"z", ",x=\"y\\\""] {
        bad.push(format!("{good}{tail}"));
    }
    for value in bad {
        assert_eq!(Credentials::parse(&value), None, "{value}");
    }
}

#[test]
fn credentials_survive_any_text() {
    let pieces = [
        "Digest ",
        "username",
        "=",
        "\"",
        "\\",
        ",",
        " ",
        "\r\n ",
        "nonce",
        "realm=r",
        "ü",
        "uri=\"x\"",
        "response=0",
        "nc=",
        "\0",
    ];
    let mut dice = Dice::new(1);
    for _ in 0..20_000 {
        let count = dice.below(14);
        let text: String = (0..count)
            .map(|_| pieces[dice.below(pieces.len() as u64) as usize])
            .collect();
        for value in [text.clone(), format!("Digest {text}")] {
            if let Some(credentials) = Credentials::parse(&value) {
                let _ = credentials.username_unescaped();
                let verdict = digest().verify(
                    &credentials,
                    "r",
                    REGISTER,
                    Some(&secret()),
                    START,
                    Algorithms::BOTH,
                );
                assert!(verdict.is_err());
            }
        }
    }
}
