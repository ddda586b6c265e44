//! URIs: the grammar, and the equality of RFC 3261 §19.1.4 with the examples given there.

use sip::{Scheme, Uri};

fn uri(text: &str) -> Uri<'_> {
    Uri::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn same(a: &str, b: &str) -> bool {
    let forth = uri(a).equivalent(&uri(b));
    assert_eq!(
        forth,
        uri(b).equivalent(&uri(a)),
        "{a} {b}: not the same both ways"
    );
    forth
}

#[test]
fn equal_pairs_of_the_rfc() {
    for (a, b) in [
        (
            "sip:%61lice@atlanta.com;transport=TCP",
            "sip:alice@AtLanTa.CoM;Transport=tcp",
        ),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;newparam=5"),
        ("sip:carol@chicago.com", "sip:carol@chicago.com;security=on"),
        (
            "sip:carol@chicago.com;newparam=5",
            "sip:carol@chicago.com;security=on",
        ),
        (
            "sip:biloxi.com;transport=tcp;method=REGISTER?to=sip:bob%40biloxi.com",
            "sip:biloxi.com;method=REGISTER;transport=tcp?to=sip:bob%40biloxi.com",
        ),
        (
            "sip:alice@atlanta.com?subject=project%20x&priority=urgent",
            "sip:alice@atlanta.com?priority=urgent&subject=project%20x",
        ),
    ] {
        assert!(same(a, b), "{a} {b}");
    }
}

#[test]
fn different_pairs_of_the_rfc() {
    for (a, b) in [
        (
            "SIP:ALICE@AtLanTa.CoM;Transport=udp",
            "sip:alice@AtLanTa.CoM;Transport=UDP",
        ),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:5060"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com;transport=udp"),
        ("sip:bob@biloxi.com", "sip:bob@biloxi.com:6000;transport=tcp"),
        (
            "sip:carol@chicago.com",
            "sip:carol@chicago.com?Subject=next%20meeting",
        ),
        ("sip:bob@phone21.boxesbybob.com", "sip:bob@192.0.2.4"),
        // Equality is not transitive: both equal the URI without parameters.
        (
            "sip:carol@chicago.com;security=on",
            "sip:carol@chicago.com;security=off",
        ),
    ] {
        assert!(!same(a, b), "{a} {b}");
    }
}

#[test]
fn what_the_rules_say_beyond_the_examples() {
    assert!(!same("sip:a@b", "sips:a@b"));
    assert!(!same("sip:a@b", "sip:b"));
    assert!(!same("sip:a@b", "sip:a:@b"));
    assert!(!same("sip:a@b", "sip:a@b;user=phone"));
    assert!(!same("sip:a@b", "sip:a@b;maddr=c"));
    assert!(!same("sip:a@b", "sip:a@b;ttl=1"));
    assert!(!same("sip:a%3Bx@b", "sip:a;x@b"));
    assert!(!same("sip:a%40@b", "sip:a@b"));
    assert!(same("sip:a%3bx@b", "sip:a%3Bx@b"));
    assert!(same("sip:a@b;%6C%72", "sip:a@b;lr"));
    assert!(!same("sip:%00@b", "sip:%00%00@b"));
    assert!(same("tel:+1-201-555-0123", "TEL:+1(201)5550123"));
    assert!(!same("tel:5550123;phone-context=+1", "tel:5550123"));
    assert!(same("urn:service:sos", "urn:service:sos"));
}

#[test]
fn parts_are_where_they_belong() {
    let u = uri("sips:user;par=u%40x:pass;word@[2001:db8::1]:5061;transport=tcp;lr?Subject=a&x=");
    assert_eq!(u.scheme, Scheme::Sips);
    assert_eq!((u.user, u.password), (Some("user;par=u%40x"), Some("pass;word")));
    assert_eq!((u.host, u.port), ("[2001:db8::1]", Some(5061)));
    assert_eq!((u.params, u.headers), ("transport=tcp;lr", "Subject=a&x="));
    assert_eq!(
        (u.param("LR"), u.param("transport"), u.param("x")),
        (Some(None), Some(Some("tcp")), None)
    );
    assert_eq!(uri("sip:*21#@pbx").user, Some("*21#"));
    assert_eq!(uri("tel:+49-30-1;phone-context=x").user, Some("+49-30-1"));
    assert_eq!(
        uri("soap.beep://192.0.2.103:3002").scheme,
        Scheme::Other("soap.beep")
    );
}

#[test]
fn two_readings_are_no_reading() {
    for bad in [
        "",
        "sip",
        "sip:",
        "sip:@h",
        "sip::p@h",
        "sip:a@",
        "sip:a@b@c",
        "sip:a b@c",
        "sip:a@b c",
        " sip:a@b",
        "sip:a@b ",
        "<sip:a@b>",
        "sip:a@b>",
        "sip:a@b\r\nX: y",
        "sip:a\0@b",
        "sip:a%@b",
        "sip:a%4@b",
        "sip:a%zz@b",
        "sip:ä@b",
        "sip:a@b:0",
        "sip:a@b:65536",
        "sip:a@b:+1",
        "sip:a@b:",
        "sip:a@[::1",
        "sip:a@[::1]x",
        "sip:a@[1.2.3.4]",
        "sip:a@b,c",
        "sip:a@b;x=\"y\"",
        "sip:a@b?x=<y>",
        "1sip:a@b",
        "s p:a@b",
        "tel:",
        "tel:alice",
        "urn:a b",
        "urn:a\nb",
    ] {
        assert!(Uri::parse(bad).is_err(), "{bad:?}");
    }
}

#[test]
fn keys_are_equal_exactly_for_equal_users() {
    assert_eq!(
        uri("SIP:%61lice%3b@HOST.Example:5070;x=y?h=1").canonical(),
        "sip:alice%3B@host.example:5070"
    );
    assert_eq!(uri("sip:Alice:secret@h").canonical(), "sip:Alice@h");
    assert_eq!(uri("tel:+1(201)555-0123").canonical(), "tel:+12015550123");
    assert_eq!(uri("sip:%c3%a4@h").user_decoded(), "ä");
    assert_eq!(uri("sip:%ff@h").user_decoded(), "%ff");
    assert_eq!(uri("sip:%ff%61@h").user_key(), "%FFa");
}
