//! Whole packets: RFC 7714 §16 and §17, whose vectors begin with session keys, and packets that another implementation
//! made from master keys.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)]

use super::cipher::Keys;
use super::{Receiver, Refused, Sender, Suite};

fn octets(hex: &str) -> Vec<u8> {
    let hex: String = hex.split_whitespace().collect();
    let digit = |at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

const SALT: [u8; 12] = *b"Quid pro quo";
const KEY: [u8; 32] = {
    let mut key = [0; 32];
    let mut at = 0;
    while at < 32 {
        key[at] = at as u8;
        at += 1;
    }
    key
};

const RTP: &str = "8040f17b 8041f8d3 5501a0b2 47616c6c 69612065 7374206f 6d6e6973 20646976 69736120 696e2070
    61727465 73207472 6573";
const RTP_128: &str =
    "8040f17b 8041f8d3 5501a0b2 f24de3a3 fb34de6c acba861c 9d7e4bca be633bd5 0d294e6f 42a5f47a
    51c7d19b 36de3adf 8833899d 7f27beb1 6a9152cf 765ee439 0cce";
const RTP_256: &str =
    "8040f17b 8041f8d3 5501a0b2 32b1de78 a822fe12 ef9f78fa 332e33aa b1801238 9a58e2f3 b50b2a02
    76ffae0f 1ba63799 b87b7aa3 db36dfff d6b0f9bb 7878d7a7 6c13";
const RTCP: &str = "81c8000d 4d617273 4e545031 4e545032 52545020 0000042a 0000e930 4c756e61 deadbeef deadbeef
    deadbeef deadbeef deadbeef";
const RTCP_128: &str =
    "81c8000d 4d617273 63e94885 dcdab67c a727d766 2f6b7e99 7ff5c0f7 6c06f32d c676a5f1 730d6fda
    4ce09b46 86303ded 0bb9275b c84aa458 96cf4d2f c5abf872 45d9eade 800005d4";
const RTCP_256: &str =
    "81c8000d 4d617273 d50ae4d1 f5ce5d30 4ba297e4 7d470c28 2c3ece5d bffe0a50 a2eaa5c1 110555be
    8415f658 c61de047 6f1b6fad 1d1eb30c 4446839f 57ff6f6c b26ac3be 800005d4";
const RTCP_INDEX: u32 = 0x5d4;

fn key(suite: Suite) -> &'static [u8] {
    &KEY[..suite.key_len()]
}

/// A sender that begins with these session keys and this SRTCP index.
fn sender(suite: Suite) -> Sender {
    let mut sender = Sender::new(suite, &vec![0; suite.master_len()]).unwrap();
    sender.rtp = Keys::session_gcm(suite, key(suite), SALT).unwrap();
    sender.rtcp = Keys::session_gcm(suite, key(suite), SALT).unwrap();
    sender.next_rtcp = RTCP_INDEX;
    sender
}

fn receiver(suite: Suite) -> Receiver {
    let mut receiver = Receiver::new(suite, &vec![0; suite.master_len()]).unwrap();
    receiver.rtp = Keys::session_gcm(suite, key(suite), SALT).unwrap();
    receiver.rtcp = Keys::session_gcm(suite, key(suite), SALT).unwrap();
    receiver
}

fn protect(plain: &[u8], run: impl FnOnce(&mut [u8], usize) -> Result<usize, Refused>) -> Vec<u8> {
    let mut buffer = plain.to_vec();
    buffer.resize(plain.len() + 20, 0);
    let len = run(&mut buffer, plain.len()).unwrap();
    buffer.truncate(len);
    buffer
}

fn unprotect(
    packet: &[u8],
    run: impl FnOnce(&mut [u8]) -> Result<usize, Refused>,
) -> Result<Vec<u8>, Refused> {
    let mut packet = packet.to_vec();
    let len = run(&mut packet)?;
    packet.truncate(len);
    Ok(packet)
}

#[test]
fn the_packets_of_rfc_7714_are_made_and_opened() {
    for (suite, rtp, rtcp) in [
        (Suite::AeadAes128Gcm, RTP_128, RTCP_128),
        (Suite::AeadAes256Gcm, RTP_256, RTCP_256),
    ] {
        let (rtp, rtcp) = (octets(rtp), octets(rtcp));
        let mut sender = sender(suite);
        assert_eq!(protect(&octets(RTP), |b, n| sender.protect_rtp(b, n)), rtp);
        assert_eq!(protect(&octets(RTCP), |b, n| sender.protect_rtcp(b, n)), rtcp);
        let mut receiver = receiver(suite);
        let opened = unprotect(&rtp, |p| receiver.unprotect_rtp(p));
        assert_eq!(opened, Ok(octets(RTP)));
        let opened = unprotect(&rtcp, |p| receiver.unprotect_rtcp(p));
        assert_eq!(opened, Ok(octets(RTCP)));
    }
}

/// RFC 7714 §16.1.3, §16.2.3, §17.3 and §17.4 authenticate without encrypting: the tags are right, and such a packet is
/// refused, because nobody agreed to that.
#[test]
fn tags_without_encryption_are_those_of_rfc_7714_and_are_refused() {
    let rtp = (0x5501_a0b2, 0xf17b);
    let rtcp = (0x4d61_7273, u64::from(RTCP_INDEX));
    let mut signed = octets(RTCP);
    signed.extend(RTCP_INDEX.to_be_bytes());
    for (suite, place, aad, tag) in [
        (
            Suite::AeadAes128Gcm,
            rtcp,
            &signed,
            "841dd968 3dd78ec9 2ae58790 125f62b3",
        ),
        (
            Suite::AeadAes256Gcm,
            rtcp,
            &signed,
            "91db4afb feee5a97 8fab4393 ed2615fe",
        ),
        (
            Suite::AeadAes128Gcm,
            rtp,
            &octets(RTP),
            "22493f82 d2bce397 e9d79e3b 19aa4216",
        ),
        (
            Suite::AeadAes256Gcm,
            rtp,
            &octets(RTP),
            "a866d591 0f887463 067ceefe c45215d4",
        ),
    ] {
        let Keys::Gcm(gcm) = Keys::session_gcm(suite, key(suite), SALT).unwrap() else {
            panic!("not GCM")
        };
        let made = gcm.seal(place, aad, &mut []).unwrap();
        assert_eq!(made[..], octets(tag));
        if place == rtcp {
            let packet = [octets(RTCP), octets(tag), RTCP_INDEX.to_be_bytes().to_vec()].concat();
            let opened = unprotect(&packet, |p| receiver(suite).unprotect_rtcp(p));
            assert_eq!(opened, Err(Refused::Authentication));
        }
    }
}

/// The values of the files that others took from the RFCs are the ones above.
#[test]
fn the_shared_vectors_agree() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/vectors");
    let read = |name: &str| std::fs::read_to_string(format!("{folder}/{name}")).ok();
    let (Some(rtp), Some(rtcp)) = (read("rfc7714/rtp-vectors.txt"), read("rfc7714/rtcp-vectors.txt")) else {
        println!("SKIP: ../shared/vectors is absent, RFC 7714 was not compared");
        return;
    };
    let squeeze = |text: &str| text.split_whitespace().collect::<String>();
    let (rtp, rtcp) = (squeeze(&rtp), squeeze(&rtcp));
    for (file, value) in [
        (&rtp, RTP),
        (&rtp, RTP_128),
        (&rtp, RTP_256),
        (&rtcp, RTCP),
        (&rtcp, RTCP_128),
        (&rtcp, RTCP_256),
    ] {
        assert!(file.contains(&squeeze(value)), "{value}");
    }
    println!("COUNT rfc7714 6");
}

/// Packets of libsrtp's own tests: they include the key derivation, which the vectors of RFC 7714 don't.
#[test]
fn packets_of_another_implementation_are_made_and_opened() {
    let plain = octets("800f1234 decafbad cafebabe abababab abababab abababab abababab");
    let report = octets("81c8000b cafebabe abababab abababab abababab abababab");
    let cm = octets("e1f97a0d 3e018be0 d64fa32c 06de4139 0ec675ad 498afeeb b6960b3a abe6");
    let gcm = octets("00010203 04050607 08090a0b 0c0d0e0f a0a1a2a3 a4a5a6a7 a8a9aaab");
    let cases = [
        (
            Suite::AesCm128HmacSha1_80,
            cm,
            "800f1234 decafbad cafebabe 4e55dc4c e79978d8 8ca4d215 949d2402 b78d6acc 99ea179b 8dbb",
            "81c8000b cafebabe 7128035b e487b9bd bef89041 f977a5a8 80000001 993e08cd 54d6c123 0798",
        ),
        (
            Suite::AeadAes128Gcm,
            gcm,
            "800f1234 decafbad cafebabe c5002ede 04cfdd2e b91159e0 880aa06e d2976826 f796b201 df3131a1 27e8a392",
            "81c8000b cafebabe c98b8b5d f0392a55 852b6c21 ac8e7025 c52c6fbe a2b3b446 ea31123b a88ce61e 80000001",
        ),
    ];
    for (suite, master, rtp, rtcp) in cases {
        let mut sender = Sender::new(suite, &master).unwrap();
        sender.next_rtcp = 1;
        let mut receiver = Receiver::new(suite, &master).unwrap();
        let made = protect(&plain, |b, n| sender.protect_rtp(b, n));
        assert_eq!(made, octets(rtp), "{suite:?}");
        assert_eq!(unprotect(&made, |p| receiver.unprotect_rtp(p)), Ok(plain.clone()));
        let made = protect(&report, |b, n| sender.protect_rtcp(b, n));
        assert_eq!(made, octets(rtcp), "{suite:?}");
        assert_eq!(
            unprotect(&made, |p| receiver.unprotect_rtcp(p)),
            Ok(report.clone())
        );
    }
}
