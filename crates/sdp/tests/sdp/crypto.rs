//! `a=crypto` (RFC 4568): what is read, what is written, and that no leg sees another's keys.

use expect_test::expect;
use sdp::{
    Admit, Anchor, Credentials, Description, Keyring, Protection, Refusal, Side, Suite, answer, offer,
};

const SECRET: Admit = Admit {
    keys: true,
    dtls: false,
    plain: true,
};
const REQUIRED: Admit = Admit {
    keys: true,
    dtls: false,
    plain: false,
};
const OPEN: Admit = Admit {
    keys: false,
    dtls: false,
    plain: true,
};
/// 30 octets and 44, as phones write them.
const KEY: &str = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz";
const KEY_256: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKis=";

fn body(profile: &str, attributes: &[&str]) -> String {
    let lines: String = attributes.iter().map(|a| format!("a={a}\r\n")).collect();
    format!(
        "v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\ns=-\r\nc=IN IP4 192.0.2.1\r\nt=0 0\r\nm=audio 4000 {profile} 0\r\n{lines}"
    )
}

fn read(profile: &str, attributes: &[&str], admit: Admit) -> Description {
    Description::parse_with(body(profile, attributes).as_bytes(), admit).unwrap()
}

fn suites(attributes: &[&str]) -> Vec<(u32, Suite)> {
    let description = read("RTP/SAVP", attributes, SECRET);
    let media = &description.media()[0];
    media.crypto.iter().map(|c| (c.tag, c.suite)).collect()
}

fn anchor() -> Option<Anchor> {
    Some(Anchor::plain("198.51.100.1:40000".parse().unwrap()))
}

fn ring(first: u64) -> Keyring {
    let mut next = first;
    Keyring::new(move || {
        next += 1;
        next * 0x0101_0101_0101_0101
    })
}

fn side(protection: Protection) -> Side {
    let mut side = Side::new(7);
    side.protect(ring(0), protection);
    side
}

fn keys_in(text: &str) -> Vec<&str> {
    text.lines()
        .filter_map(|line| line.strip_prefix("a=crypto:"))
        .collect()
}

#[test]
fn every_suite_is_read_in_the_order_of_the_writer() {
    let cm = format!("inline:{KEY}");
    let found = suites(&[
        &format!("crypto:1 AES_CM_128_HMAC_SHA1_32 {cm}"),
        &format!("crypto:2 AEAD_AES_256_GCM inline:{KEY_256}"),
        &format!("crypto:3 aes_cm_128_hmac_sha1_80 {cm}|2^31"),
        "crypto:4 AEAD_AES_128_GCM inline:AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGw==",
    ]);
    assert_eq!(
        found,
        [
            (1, Suite::AesCm128HmacSha1_32),
            (2, Suite::AeadAes256Gcm),
            (3, Suite::AesCm128HmacSha1_80),
            (4, Suite::AeadAes128Gcm),
        ]
    );
}

#[test]
fn keys_are_the_octets_that_were_written() {
    let description = read(
        "RTP/SAVP",
        &[&format!("crypto:1 AEAD_AES_256_GCM inline:{KEY_256}")],
        SECRET,
    );
    let octets: Vec<u8> = (0..44).collect();
    assert_eq!(description.media()[0].crypto[0].key.octets(), octets);
}

/// RFC 4568 §5.1.2: an attribute that is not understood is as good as absent.
#[test]
fn what_cannot_be_served_is_skipped() {
    let good = format!("crypto:9 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let cm = "crypto:1 AES_CM_128_HMAC_SHA1_80";
    for bad in [
        format!("crypto:1 F8_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("crypto:1 AES_256_CM_HMAC_SHA1_80 inline:{KEY_256}"),
        format!("{cm} inline:{KEY}|1:4"),
        format!("{cm} inline:{KEY}|2^20|1:4"),
        format!("{cm} inline:{KEY}|2^19"),
        format!("{cm} inline:{KEY}|2^49"),
        format!("{cm} inline:{KEY}|2^99999999999"),
        format!("{cm} inline:{KEY};inline:{KEY}"),
        format!("{cm} inline:{KEY} KDR=4"),
        format!("{cm} inline:{KEY} UNENCRYPTED_SRTP"),
        format!("{cm} inline:{KEY} UNENCRYPTED_SRTCP"),
        format!("{cm} inline:{KEY} UNAUTHENTICATED_SRTP"),
        format!("{cm} inline:{KEY} FEC_ORDER=FEC_SRTP"),
        format!("{cm} inline:{KEY} WSH=1"),
        format!("{cm} inline:{KEY} whatever"),
        format!("{cm} inline:{}", &KEY[1..]),
        format!("{cm} inline:{KEY}AAAA"),
        format!("{cm} inline:{}*", &KEY[1..]),
        format!("{cm} inline:{KEY}==="),
        format!("{cm} uri:{KEY}"),
        format!("crypto:x AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("crypto:1234567890 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        format!("crypto:-1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}"),
        "crypto:1 AES_CM_128_HMAC_SHA1_80".to_owned(),
        "crypto:".to_owned(),
    ] {
        assert_eq!(suites(&[&bad, &good]), [(9, Suite::AesCm128HmacSha1_80)], "{bad}");
    }
    for harmless in [" WSH=128", " -NEW=1", " -NEW WSH=64"] {
        assert_eq!(suites(&[&format!("{cm} inline:{KEY}{harmless}")]).len(), 1);
    }
    let twice = format!("crypto:9 AES_CM_128_HMAC_SHA1_32 inline:{KEY}");
    assert_eq!(suites(&[&good, &twice]), [(9, Suite::AesCm128HmacSha1_80)]);
    let many: Vec<String> = (1..=100)
        .map(|tag| format!("crypto:{tag} AES_CM_128_HMAC_SHA1_80 inline:{KEY}"))
        .collect();
    assert_eq!(
        suites(&many.iter().map(String::as_str).collect::<Vec<_>>()).len(),
        16
    );
}

#[test]
fn what_a_leg_may_not_use_is_refused() {
    let key = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let to = |description: &Description| offer(description, &mut Side::new(1), anchor(), &[]).map(drop);
    let transport = Err(Refusal::Transport);
    // Over an open way keys don't count: what could be plain is plain, the rest is refused.
    assert_eq!(to(&read("RTP/AVP", &[&key], OPEN)), Ok(()));
    assert!(!read("RTP/AVP", &[&key], OPEN).media()[0].is_protected());
    assert_eq!(to(&read("RTP/SAVP", &[&key], OPEN)), transport);
    assert_eq!(to(&read("RTP/SAVP", &[], SECRET)), transport);
    assert_eq!(to(&read("RTP/SAVP", &[&key], SECRET)), Ok(()));
    assert_eq!(to(&read("RTP/SAVPF", &[&key], SECRET)), Ok(()));
    assert_eq!(to(&read("RTP/AVP", &[], SECRET)), Ok(()));
    assert_eq!(to(&read("RTP/AVP", &[], REQUIRED)), transport);
    assert_eq!(to(&read("RTP/AVP", &[&key], REQUIRED)), Ok(()));
    assert_eq!(to(&read("UDP/TLS/RTP/SAVPF", &[&key], SECRET)), transport);
}

#[test]
fn offers_name_our_suites_with_a_key_each_and_never_the_other_legs() {
    let key = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let from = read("RTP/SAVP", &[&key], SECRET);
    let mut to = side(Protection::Demanded);
    let text = offer(&from, &mut to, anchor(), &[]).unwrap();
    expect![[r#"
        v=0
        o=- 7 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 RTP/SAVP 0
        a=rtpmap:0 PCMU/8000
        a=crypto:1 AEAD_AES_256_GCM inline:AQEBAQEBAQECAgICAgICAgMDAwMDAwMDBAQEBAQEBAQFBQUFBQUFBQYGBgY=
        a=crypto:2 AEAD_AES_128_GCM inline:BwcHBwcHBwcICAgICAgICAkJCQkJCQkJCgoKCg==
        a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:DQ0NDQ0NDQ0ODg4ODg4ODg8PDw8PDw8PEBAQEBAQ
        a=sendrecv
    "#]]
    .assert_eq(&text.replace("\r\n", "\n"));
    assert!(!text.contains(KEY));
    assert_eq!(
        offer(&from, &mut to, anchor(), &[]).unwrap(),
        text,
        "the same again"
    );

    let wished = offer(&from, &mut side(Protection::Wished), anchor(), &[]).unwrap();
    assert!(wished.contains("m=audio 40000 RTP/AVP 0") && keys_in(&wished).len() == 3);
    let none = offer(&from, &mut side(Protection::None), anchor(), &[]).unwrap();
    assert!(none.contains("m=audio 40000 RTP/AVP 0") && keys_in(&none).is_empty());
    // A leg that may have no keys any more is not told its old ones either.
    assert!(to.again().is_some());
    to.forget_keys(true);
    assert_eq!(to.again(), None);
    let none = offer(&from, &mut to, anchor(), &[]).unwrap();
    assert!(none.contains("m=audio 40000 RTP/AVP 0") && keys_in(&none).is_empty());
    to.forget_keys(false);
    assert_eq!(offer(&from, &mut to, anchor(), &[]), Err(Refusal::Transport));
}

#[test]
fn answers_take_the_first_suite_of_the_offer_with_a_key_of_ours() {
    let keys = [
        format!("crypto:4 AES_CM_128_HMAC_SHA1_32 inline:{KEY}"),
        format!("crypto:7 AEAD_AES_256_GCM inline:{KEY_256}"),
    ];
    for profile in ["RTP/SAVP", "RTP/SAVPF", "RTP/AVP"] {
        let offered = read(profile, &[&keys[0], &keys[1]], SECRET);
        let reply = read("RTP/AVP", &[], SECRET);
        let mut to = side(Protection::Demanded);
        let text = answer(&offered, &reply, &mut to, anchor(), &[]).unwrap();
        assert!(
            text.contains(&format!("m=audio 40000 {profile} 0\r\n")),
            "{profile} {text}"
        );
        assert_eq!(
            keys_in(&text),
            ["4 AES_CM_128_HMAC_SHA1_32 inline:ExMTExMTExMUFBQUFBQUFBUVFRUVFRUVFhYWFhYW"]
        );
        assert_eq!(to.suite(), Some(Suite::AesCm128HmacSha1_32));
        let srtp = to.srtp(&offered.media()[0]).unwrap();
        assert_eq!(srtp.theirs, offered.media()[0].crypto[0].key);
        assert_eq!(srtp.ours.octets()[0], 0x13);
        // Hold and resume later name the suite that is in use, and its key.
        let held = offer(&reply, &mut to, anchor(), &[]).unwrap();
        assert_eq!(
            keys_in(&held),
            ["1 AES_CM_128_HMAC_SHA1_32 inline:ExMTExMTExMUFBQUFBQUFBUVFRUVFRUVFhYWFhYW"]
        );
    }
    // Plain is answered plainly although the leg may have keys.
    let plain = read("RTP/AVP", &[], SECRET);
    let mut to = side(Protection::Demanded);
    let text = answer(&plain, &plain, &mut to, anchor(), &[]).unwrap();
    assert!(keys_in(&text).is_empty());
    assert_eq!(to.suite(), None);
    // A leg that may have no keys of ours gets none.
    let offered = read("RTP/SAVP", &[&keys[0]], SECRET);
    let refused = answer(&offered, &plain, &mut Side::new(1), anchor(), &[]);
    assert_eq!(refused, Err(Refusal::Transport));
}

#[test]
fn an_answer_brings_keys_only_for_what_was_offered() {
    let plain = read("RTP/AVP", &[], SECRET);
    let said = |protection, plain_too, profile: &str, attributes: &[&str]| {
        let mut side = side(protection);
        offer(&plain, &mut side, anchor(), &[]).unwrap();
        let text = body(profile, attributes);
        let description = Description::parse_answer(text.as_bytes(), &mut side, plain_too).unwrap();
        let taken = answer(&plain, &description, &mut Side::new(2), anchor(), &[]).map(drop);
        (taken, side.suite())
    };
    let cm = format!("crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let strange_tag = format!("crypto:2 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let never_offered = format!("crypto:4 AES_CM_128_HMAC_SHA1_32 inline:{KEY}");
    let suite = Some(Suite::AesCm128HmacSha1_80);
    let transport = Err(Refusal::Transport);
    use Protection::{Demanded, None as Nothing, Wished};
    for (protection, plain_too, profile, attribute, expected) in [
        (Demanded, true, "RTP/SAVP", &cm, (Ok(()), suite)),
        (Demanded, false, "RTP/SAVP", &cm, (Ok(()), suite)),
        (Wished, true, "RTP/AVP", &cm, (Ok(()), suite)),
        (Demanded, true, "RTP/SAVP", &strange_tag, (transport, None)),
        (Demanded, true, "RTP/SAVP", &never_offered, (transport, None)),
        // A phone that leaves keys out although it was asked for them talks plainly, or not at all.
        (Demanded, true, "RTP/AVP", &strange_tag, (Ok(()), None)),
        (Demanded, false, "RTP/AVP", &strange_tag, (transport, None)),
        (Wished, false, "RTP/AVP", &strange_tag, (transport, None)),
        (Nothing, true, "RTP/AVP", &cm, (Ok(()), None)),
    ] {
        let found = said(protection, plain_too, profile, &[attribute]);
        assert_eq!(
            found, expected,
            "{protection:?} {plain_too} {profile} {attribute}"
        );
    }
}

#[test]
fn keys_change_when_they_are_told_to_and_a_phones_new_key_is_noticed() {
    let first = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let second = format!(
        "crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{}",
        KEY.replace('W', "X")
    );
    let plain = read("RTP/AVP", &[], SECRET);
    let mut side = side(Protection::Demanded);
    let offered = read("RTP/SAVP", &[&first], SECRET);
    let before = answer(&offered, &plain, &mut side, anchor(), &[]).unwrap();
    assert!(!side.is_rekeyed_by(&offered.media()[0]));
    assert_eq!(
        answer(&offered, &plain, &mut side, anchor(), &[]).unwrap(),
        before
    );
    let offered = read("RTP/SAVP", &[&second], SECRET);
    assert!(side.is_rekeyed_by(&offered.media()[0]));
    side.rekey(ring(100));
    let after = answer(&offered, &plain, &mut side, anchor(), &[]).unwrap();
    assert_ne!(keys_in(&after), keys_in(&before));
    let mut keyless = Side::new(1);
    keyless.rekey(ring(100));
    assert!(!keyless.may_have_keys());
}

/// Whoever protects forgets what it counted under a key when another suite or DTLS takes its place: that key is not to come back.
#[test]
fn a_key_that_something_else_came_after_is_not_used_again() {
    let offered = |suite: &str| read("RTP/SAVP", &[&format!("crypto:1 {suite} inline:{KEY}")], SECRET);
    let [long, short] = ["AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"].map(offered);
    let plain = read("RTP/AVP", &[], SECRET);
    let hash = ["AB"; 32].join(":");
    let attributes = [format!("fingerprint:sha-256 {hash}"), "setup:actpass".to_owned()];
    let dtls = read(
        "UDP/TLS/RTP/SAVP",
        &[&attributes[0], &attributes[1]],
        Admit { dtls: true, ..SECRET },
    );
    let agree = |side: &mut Side, offered: &Description| {
        drop(answer(offered, &plain, side, anchor(), &[]).unwrap());
        side.srtp(&offered.media()[0])
    };
    let stale = |side: &Side, offered: &Description| side.is_rekeyed_by(&offered.media()[0]);
    for (between, renews) in [(&long, false), (&plain, false), (&short, true), (&dtls, true)] {
        let mut leg = side(Protection::Demanded);
        leg.speak_web(Credentials::new(|| 3), [1, 2], 0, "sha-256 CD".into());
        assert!(!stale(&leg, &long) && !stale(&leg, &dtls));
        let before = agree(&mut leg, &long);
        assert_eq!(stale(&leg, between), between == &short);
        if stale(&leg, between) {
            leg.rekey(ring(50));
        }
        agree(&mut leg, between);
        assert_eq!(stale(&leg, &long), renews, "{between:?}");
        if renews {
            leg.rekey(ring(100));
        }
        let after = agree(&mut leg, &long);
        assert_eq!(before == after, !renews, "{between:?}");
        assert!(!stale(&leg, &long));
    }
}

#[test]
fn nothing_prints_a_key() {
    let key = format!("crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{KEY}");
    let offered = read("RTP/SAVP", &[&key], SECRET);
    let mut side = side(Protection::Demanded);
    let said = answer(&offered, &offered, &mut side, anchor(), &[]).unwrap();
    let ours = keys_in(&said)[0].split("inline:").nth(1).unwrap();
    let printed = format!(
        "{offered:?} {side:?} {:?} {:?}",
        side.srtp(&offered.media()[0]),
        ring(3)
    );
    assert!(printed.contains("AesCm128HmacSha1_80") && printed.contains("Key(…)"));
    assert!(!printed.contains(ours) && !printed.contains(KEY) && !printed.contains("87, 83, 95"));
}
