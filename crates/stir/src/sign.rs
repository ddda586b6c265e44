//! Signing calls (RFC 8224 §6.1, RFC 8588).
//!
//! Signatures are those of RFC 6979: the same claims under the same key are signed the same, and no randomness is needed, the
//! lack of which would give the key away.

use crate::header;
use crate::number::canonical;
use crate::passport::{Attestation, Dest, Head, Orig, OrigId, Payload, text, write};
use crate::url::{Rules, is_allowed};
use p256::SecretKey;
use p256::ecdsa::signature::Signer as _;
use p256::ecdsa::{Signature, SigningKey};
use p256::pkcs8::DecodePrivateKey;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use std::fmt;
use thiserror::Error;

/// Numbers that one call is for.
const MAX_DEST: usize = 16;

/// What is signed of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Claims<'a> {
    /// How sure we are of `orig`.
    pub attestation: Attestation,
    /// The caller's number with its country's code, as it is signalled (RFC 8224 §8.3: separators and `+` go).
    pub orig: &'a str,
    /// The number that is called, 1 to 16 of them, likewise.
    pub dest: &'a [&'a str],
    /// When it is signed, seconds since 1970: the second that the Date of the request has.
    pub iat: u64,
    /// Where the call began.
    pub origid: OrigId,
}

/// Why there is no signer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SignerError {
    /// No PEM with a private key in it.
    #[error("it holds no private key in PEM (PKCS #8 or SEC 1)")]
    NoKey,
    /// STIR has this curve alone.
    #[error("the private key is not one of the curve P-256")]
    OtherCurve,
    /// Verifiers would not fetch it.
    #[error(
        "the certificate's URL is not of the form https://HOST/PATH, at port 443 or 8443, without query and user"
    )]
    Url,
}

/// Why a call can't be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ClaimsError {
    /// `orig` is none.
    #[error("the caller has no telephone number")]
    Orig,
    /// One of `dest` is none, or there are none, or too many.
    #[error("the call is for no telephone number, or for more than {MAX_DEST}")]
    Dest,
}

/// Signs with one key. Can be shared between threads.
#[derive(Clone)]
pub struct Signer {
    key: SigningKey,
    /// The JOSE header in base64url: always the same.
    head: Box<str>,
    x5u: Box<str>,
}

impl Signer {
    /// `pem` holds a private key of P-256, `x5u` is where its certificate lies for all to fetch.
    ///
    /// # Errors
    /// It is another kind of key, or the URL is one that nobody may fetch by `rules`.
    pub fn new(pem: &[u8], x5u: &str, rules: &Rules) -> Result<Signer, SignerError> {
        let key = match PrivateKeyDer::from_pem_slice(pem) {
            Ok(PrivateKeyDer::Pkcs8(der)) => SecretKey::from_pkcs8_der(der.secret_pkcs8_der()).ok(),
            Ok(PrivateKeyDer::Sec1(der)) => SecretKey::from_sec1_der(der.secret_sec1_der()).ok(),
            Ok(_) => None,
            Err(_) => return Err(SignerError::NoKey),
        };
        let key = key.ok_or(SignerError::OtherCurve)?;
        if !is_allowed(x5u, rules) {
            return Err(SignerError::Url);
        }
        let head = Head {
            alg: "ES256".to_owned(),
            ppt: Some("shaken".to_owned()),
            typ: Some("passport".to_owned()),
            x5u: Some(x5u.to_owned()),
        };
        Ok(Signer {
            key: key.into(),
            head: write(&head).ok_or(SignerError::Url)?.into(),
            x5u: x5u.into(),
        })
    }

    /// The value of an `Identity` header, in full form.
    ///
    /// # Errors
    /// `orig` or `dest` are no numbers.
    pub fn sign(&self, claims: &Claims<'_>) -> Result<String, ClaimsError> {
        let dest: Option<Vec<String>> = claims.dest.iter().map(|number| canonical(number)).collect();
        let dest = dest.filter(|all| (1..=MAX_DEST).contains(&all.len()));
        let payload = Payload {
            attest: claims.attestation,
            dest: Dest {
                tn: dest.ok_or(ClaimsError::Dest)?,
            },
            iat: claims.iat,
            orig: Orig {
                tn: canonical(claims.orig).ok_or(ClaimsError::Orig)?,
            },
            origid: claims.origid.to_string(),
        };
        let signed = format!("{}.{}", self.head, write(&payload).ok_or(ClaimsError::Dest)?);
        let signature = es256(&self.key, signed.as_bytes());
        Ok(header::write(
            &format!("{signed}.{}", text(&signature)),
            &self.x5u,
        ))
    }
}

/// ES256 (RFC 7518 §3.4).
fn es256(key: &SigningKey, text: &[u8]) -> [u8; 64] {
    let signature: Signature = key.sign(text);
    signature.to_bytes().into()
}

/// Without the key.
impl fmt::Debug for Signer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signer")
            .field("x5u", &self.x5u)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::passport::octets;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    /// RFC 8225 Appendix A.
    const PRIVATE: &str = "-----BEGIN EC PRIVATE KEY-----
MHcCAQEEIFeZ1R208QCvcu5GuYyMfG4W7sH4m99/7eHSDLpdYllFoAoGCCqGSM49
AwEHoUQDQgAE8HNbQd/TmvCKwPKHkMF9fScavGeH78YTU8qLS8I5HLHSSmlATLcs
lQMhNC/OhlWBYC626nIlo7XeebYS7Sb37g==
-----END EC PRIVATE KEY-----
";
    /// RFC 8225 §7.1. That of Appendix A is not by its key.
    const SIGNED: &str = "eyJhbGciOiJFUzI1NiIsInR5cCI6InBhc3Nwb3J0IiwieDV1IjoiaHR0cHM6Ly9j\
        ZXJ0LmV4YW1wbGUub3JnL3Bhc3Nwb3J0LmNlciJ9.\
        eyJkZXN0Ijp7InVyaSI6WyJzaXA6YWxpY2VAZXhhbXBsZS5jb20iXX0sImlhdCI\
        6IjE0NDMyMDgzNDUiLCJvcmlnIjp7InRuIjoiMTIxNTU1NTEyMTIifX0";
    const SIGNATURE: &str =
        "rq3pjT1hoRwakEGjHCnWSwUnshd0-zJ6F1VOgFWSjHBr8Qjpjlk-cpFYpFYsojNCpTzO3QfPOlckGaS6hEck7w";
    const URL: &str = "https://cert.example.org/passport.cer";

    fn signer() -> Signer {
        Signer::new(PRIVATE.as_bytes(), URL, &Rules::default()).unwrap()
    }

    #[test]
    fn the_example_of_rfc_8225_is_signed_and_verified() {
        let key = signer().key;
        let point = key.verifying_key().to_sec1_point(false);
        let key_of_ring = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point.as_bytes());
        let theirs = octets(SIGNATURE).unwrap();
        key_of_ring.verify(SIGNED.as_bytes(), &theirs).unwrap();
        let ours = es256(&key, SIGNED.as_bytes());
        key_of_ring.verify(SIGNED.as_bytes(), &ours).unwrap();
        assert_eq!(ours, es256(&key, SIGNED.as_bytes()));
    }

    /// RFC 6979 Appendix A.2.5.
    #[test]
    fn signatures_are_those_of_rfc_6979() {
        let unhex = |hex: &str| -> Vec<u8> {
            (0..hex.len() / 2)
                .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
                .collect()
        };
        let key = unhex("C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721");
        let key = SigningKey::from_slice(&key).unwrap();
        let signature = unhex(
            "EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716\
             F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
        );
        assert_eq!(es256(&key, b"sample").to_vec(), signature);
    }

    #[test]
    fn claims_are_written_in_lexicographic_order_without_blanks() {
        let claims = Claims {
            attestation: Attestation::A,
            orig: "+1 215-555-0121",
            dest: &["+12155550131", "1.215.555.0132"],
            iat: 1_443_208_345,
            origid: OrigId::parse("123e4567-e89b-12d3-a456-426655440000").unwrap(),
        };
        let identity = signer().sign(&claims).unwrap();
        assert_eq!(identity, signer().sign(&claims).unwrap());
        let (passport, parameters) = identity.split_once(';').unwrap();
        assert_eq!(
            parameters,
            "info=<https://cert.example.org/passport.cer>;alg=ES256;ppt=shaken"
        );
        let pieces: Vec<String> = passport
            .split('.')
            .take(2)
            .map(|piece| String::from_utf8(octets(piece).unwrap()).unwrap())
            .collect();
        assert_eq!(
            pieces,
            [
                r#"{"alg":"ES256","ppt":"shaken","typ":"passport","x5u":"https://cert.example.org/passport.cer"}"#,
                concat!(
                    r#"{"attest":"A","dest":{"tn":["12155550131","12155550132"]},"iat":1443208345,"#,
                    r#""orig":{"tn":"12155550121"},"origid":"123e4567-e89b-12d3-a456-426655440000"}"#
                ),
            ]
        );
    }

    #[test]
    fn what_can_not_be_signed_is_said() {
        let good = Claims {
            attestation: Attestation::C,
            orig: "12155550121",
            dest: &["12155550131"],
            iat: 0,
            origid: OrigId::new([0; 16]),
        };
        let sign = |claims: Claims<'_>| signer().sign(&claims).unwrap_err();
        let orig = Claims {
            orig: "anonymous",
            ..good
        };
        assert_eq!(sign(orig), ClaimsError::Orig);
        for dest in [&[][..], &["a"], &["1"; 17]] {
            assert_eq!(sign(Claims { dest, ..good }), ClaimsError::Dest);
        }
    }

    #[test]
    fn keys_and_urls_that_nobody_could_verify_by_are_refused() {
        let new = |pem: &str, url| Signer::new(pem.as_bytes(), url, &Rules::default()).map(drop);
        assert_eq!(new("", URL), Err(SignerError::NoKey));
        assert_eq!(
            new("-----BEGIN PRIVATE KEY-----\nMHc\n", URL),
            Err(SignerError::NoKey)
        );
        let other = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P384_SHA384).unwrap();
        assert_eq!(new(&other.serialize_pem(), URL), Err(SignerError::OtherCurve));
        assert_eq!(new(PRIVATE, "http://cert.example.org/a"), Err(SignerError::Url));
        let pkcs8 = rcgen::KeyPair::generate().unwrap();
        assert_eq!(new(&pkcs8.serialize_pem(), URL), Ok(()));
        assert_eq!(
            format!("{:?}", signer()),
            "Signer { x5u: \"https://cert.example.org/passport.cer\", .. }"
        );
    }
}
