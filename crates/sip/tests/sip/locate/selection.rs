//! RFC 3263 §4.1 (which transport) and §4.2 (which address and port), a table for each.

use super::{TCP, TLS, UDP, Zone, look_up, means, shown, wish};
use sip::locate::{BadWish, Families, Means, Transport, Wish};

/// What is wished for, written as the URI would be: `sips:host:port;transport=tcp`.
fn of(uri: &str) -> Wish {
    let (scheme, rest) = uri.split_once(':').unwrap();
    let (rest, transport) = match rest.split_once(";transport=") {
        Some((rest, "udp")) => (rest, Some(UDP)),
        Some((rest, "tcp")) => (rest, Some(TCP)),
        Some((rest, _)) => (rest, Some(TLS)),
        None => (rest, None),
    };
    let (host, port) = match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') || host.ends_with(']') => (host, port.parse().ok()),
        _ => (rest, None),
    };
    Wish::new(host, port, transport, scheme == "sips").unwrap()
}

const ALL: &[Transport] = &[UDP, TCP, TLS];

/// The zone of the RFC's own example, and domains that lack one thing after the other.
const ZONE: &str = "
    example.com 300 NAPTR 50 50 s SIPS+D2T - _sips._tcp.example.com.
    example.com 300 NAPTR 90 50 s SIP+D2T - _sip._tcp.example.com.
    example.com 300 NAPTR 100 50 s SIP+D2U - _sip._udp.example.com.
    _sips._tcp.example.com 300 SRV 0 1 5061 server1.example.com.
    _sip._tcp.example.com 300 SRV 0 1 5060 server1.example.com.
    _sip._tcp.example.com 300 SRV 1 2 5062 server2.example.com.
    _sip._udp.example.com 300 SRV 0 1 5064 server1.example.com.
    server1.example.com 300 A 192.0.2.1
    server2.example.com 300 A 192.0.2.2
    example.com 300 A 192.0.2.80

    srv.test 300 A 192.0.2.81
    _sip._udp.srv.test 300 SRV 0 0 5070 a.srv.test.
    _sip._tcp.srv.test 300 SRV 0 0 5071 a.srv.test.
    _sips._tcp.srv.test 300 SRV 0 0 5072 a.srv.test.
    a.srv.test 300 A 192.0.2.3
    a.srv.test 300 AAAA 2001:db8::3

    plain.test 300 A 192.0.2.4
    plain.test 300 A 192.0.2.5
    plain.test 300 AAAA 2001:db8::4
";

fn zone(more: &str) -> Zone {
    Zone::new(&format!("{}\n{more}", ZONE.replace(" - ", " \"\" ")))
}

fn check(zone: &Zone, spoken: &[Transport], uri: &str, places: &[&str]) {
    let (outcome, _) = look_up(&of(uri), means(spoken), zone);
    assert_eq!(shown(&outcome), places, "{uri} with {spoken:?}");
}

#[test]
fn the_transport_follows_section_4_1() {
    let zone = zone("");
    // Said: that one.
    check(&zone, ALL, "sip:192.0.2.9;transport=tcp", &["tcp 192.0.2.9:5060"]);
    check(&zone, ALL, "sip:192.0.2.9;transport=tls", &["tls 192.0.2.9:5061"]);
    check(
        &zone,
        ALL,
        "sips:192.0.2.9;transport=tcp",
        &["tls 192.0.2.9:5061"],
    );
    check(
        &zone,
        ALL,
        "sip:srv.test:5080;transport=tcp",
        &["tcp 192.0.2.81:5080"],
    );
    // A numeric host: UDP, for sips TLS.
    check(&zone, ALL, "sip:192.0.2.9", &["udp 192.0.2.9:5060"]);
    check(&zone, ALL, "sips:192.0.2.9", &["tls 192.0.2.9:5061"]);
    // A port: the same.
    check(&zone, ALL, "sip:srv.test:5080", &["udp 192.0.2.81:5080"]);
    check(&zone, ALL, "sips:srv.test:5080", &["tls 192.0.2.81:5080"]);
    // NAPTR: as the domain likes it best, among what is spoken.
    let [tls, first, second, udp] = [
        "tls 192.0.2.1:5061",
        "tcp 192.0.2.1:5060",
        "tcp 192.0.2.2:5062",
        "udp 192.0.2.1:5064",
    ];
    check(&zone, ALL, "sip:example.com", &[tls, first, second, udp]);
    check(&zone, &[UDP, TCP], "sip:example.com", &[first, second, udp]);
    check(&zone, &[UDP], "sip:example.com", &[udp]);
    check(&zone, ALL, "sips:example.com", &[tls]);
}

#[test]
fn without_naptr_records_srv_records_tell_and_without_those_the_address_is_all() {
    let zone = zone("");
    // SRV of each transport, as this server likes it best.
    let [udp, tcp, tls] = ["udp", "tcp", "tls"].map(|transport| {
        let port = ["udp", "tcp", "tls"]
            .iter()
            .position(|t| *t == transport)
            .unwrap()
            + 5070;
        [
            format!("{transport} 192.0.2.3:{port}"),
            format!("{transport} [2001:db8::3]:{port}"),
        ]
    });
    let of =
        |lists: &[&[String; 2]]| -> Vec<String> { lists.iter().flat_map(|list| list.to_vec()).collect() };
    for (spoken, expected) in [
        (&[UDP, TCP, TLS][..], of(&[&udp, &tcp, &tls])),
        (&[TLS, UDP], of(&[&tls, &udp])),
        (&[TCP], of(&[&tcp])),
    ] {
        let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
        check(&zone, spoken, "sip:srv.test", &expected);
    }
    check(&zone, ALL, "sips:srv.test", &[&tls[0], &tls[1]]);
    // Neither: UDP, for sips TLS.
    let plain = |transport: &str, port: u16| {
        ["192.0.2.4", "[2001:db8::4]", "192.0.2.5"].map(|address| format!("{transport} {address}:{port}"))
    };
    check(
        &zone,
        ALL,
        "sip:plain.test",
        &plain("udp", 5060).each_ref().map(String::as_str),
    );
    check(
        &zone,
        ALL,
        "sips:plain.test",
        &plain("tls", 5061).each_ref().map(String::as_str),
    );
    // UDP is not spoken: what is.
    check(
        &zone,
        &[TCP, TLS],
        "sip:plain.test",
        &plain("tcp", 5060).each_ref().map(String::as_str),
    );
}

#[test]
fn what_is_not_spoken_or_not_secure_is_refused_without_a_question() {
    for (spoken, uri) in [
        (&[UDP, TCP][..], "sips:example.com"),
        (&[UDP, TCP], "sips:192.0.2.9"),
        (&[UDP], "sip:example.com;transport=tcp"),
        (ALL, "sips:example.com;transport=udp"),
        (&[], "sip:example.com"),
    ] {
        let (outcome, rounds) = look_up(&of(uri), means(spoken), &zone(""));
        assert_eq!(
            (shown(&outcome), rounds),
            (vec!["Unspoken".to_owned()], vec![]),
            "{uri}"
        );
    }
}

#[test]
fn only_what_is_needed_is_asked() {
    for (uri, expected) in [
        ("sip:192.0.2.9", vec![]),
        ("sip:[2001:db8::9]:5070", vec![]),
        (
            "sip:plain.test:5060",
            vec![vec!["A PLAIN.TEST", "AAAA PLAIN.TEST"]],
        ),
        (
            "sip:srv.test;transport=tcp",
            vec![
                vec!["SRV _SIP._TCP.SRV.TEST"],
                vec!["A A.SRV.TEST", "AAAA A.SRV.TEST"],
            ],
        ),
        (
            "sips:srv.test",
            vec![
                vec!["NAPTR SRV.TEST"],
                vec!["SRV _SIPS._TCP.SRV.TEST"],
                vec!["A A.SRV.TEST", "AAAA A.SRV.TEST"],
            ],
        ),
        (
            "sip:plain.test",
            vec![
                vec!["NAPTR PLAIN.TEST"],
                vec![
                    "SRV _SIP._UDP.PLAIN.TEST",
                    "SRV _SIP._TCP.PLAIN.TEST",
                    "SRV _SIPS._TCP.PLAIN.TEST",
                ],
                vec!["A PLAIN.TEST", "AAAA PLAIN.TEST"],
            ],
        ),
    ] {
        assert_eq!(look_up(&of(uri), means(ALL), &zone("")).1, expected, "{uri}");
    }
}

#[test]
fn naptr_records_that_are_not_for_sip_are_passed_over() {
    // Another flag, an expression, another service, no name; then one that is written in small letters.
    let zone = zone(
        "odd.test 300 NAPTR 1 1 a SIP+D2U \"\" a.srv.test.
         odd.test 300 NAPTR 1 1 s SIP+D2U !.*!x! _sip._udp.example.com.
         odd.test 300 NAPTR 1 1 s SIP+D2S \"\" _sip._sctp.example.com.
         odd.test 300 NAPTR 1 1 u E2U+sip \"\" _sip._udp.example.com.
         odd.test 300 NAPTR 1 1 s SIP+D2U \"\" .
         odd.test 300 NAPTR 9 9 S sip+d2t \"\" _sip._tcp.srv.test.
         none.test 300 NAPTR 1 1 u E2U+sip \"\" _sip._udp.example.com.
         none.test 300 A 192.0.2.6",
    );
    check(
        &zone,
        &[UDP, TCP],
        "sip:odd.test",
        &["tcp 192.0.2.3:5071", "tcp [2001:db8::3]:5071"],
    );
    // None is left: as without any.
    check(&zone, ALL, "sip:none.test", &["udp 192.0.2.6:5060"]);
}

#[test]
fn order_comes_before_preference_and_preference_before_our_liking() {
    let zone = zone(
        "x.test 300 NAPTR 2 1 s SIP+D2U \"\" _u.x.test.
         x.test 300 NAPTR 1 9 s SIP+D2T \"\" _t.x.test.
         x.test 300 NAPTR 1 3 s SIPS+D2T \"\" _s.x.test.
         x.test 300 NAPTR 1 9 s SIP+D2U \"\" _v.x.test.
         _u.x.test 300 SRV 0 0 1 h.x.test.
         _t.x.test 300 SRV 0 0 2 h.x.test.
         _s.x.test 300 SRV 0 0 3 h.x.test.
         _v.x.test 300 SRV 0 0 4 h.x.test.
         h.x.test 300 A 192.0.2.7",
    );
    let [u, t, s, v] = [
        "udp 192.0.2.7:1",
        "tcp 192.0.2.7:2",
        "tls 192.0.2.7:3",
        "udp 192.0.2.7:4",
    ];
    check(&zone, &[UDP, TCP, TLS], "sip:x.test", &[s, v, t, u]);
    check(&zone, &[TCP, UDP, TLS], "sip:x.test", &[s, t, v, u]);
}

#[test]
fn naptr_records_that_lead_nowhere_leave_the_domain_its_own_srv_records() {
    let zone = zone(
        "lost.test 300 NAPTR 1 1 s SIP+D2U \"\" _sip._udp.gone.test.
         _sip._tcp.lost.test 300 SRV 0 0 5090 a.srv.test.
         lost.test 300 A 192.0.2.8",
    );
    check(
        &zone,
        ALL,
        "sip:lost.test",
        &["tcp 192.0.2.3:5090", "tcp [2001:db8::3]:5090"],
    );
}

#[test]
fn a_target_that_is_the_root_says_that_the_service_is_not_there() {
    let zone = zone(
        "_sip._udp.off.test 300 SRV 0 0 0 .
         off.test 300 A 192.0.2.8
         _sip._tcp.half.test 300 SRV 0 0 0 .
         half.test 300 A 192.0.2.8",
    );
    check(&zone, ALL, "sip:off.test", &["NoSuchName(60)"]);
    check(&zone, ALL, "sip:off.test;transport=udp", &["NoSuchName(300)"]);
    // Of UDP nothing is said.
    check(&zone, ALL, "sip:half.test", &["udp 192.0.2.8:5060"]);
    // A port is a way round.
    check(&zone, ALL, "sip:off.test:5060", &["udp 192.0.2.8:5060"]);
}

#[test]
fn no_such_name_is_not_no_answer() {
    let zone = zone(
        "_sip._udp.broken.test 0 FAIL-SRV
         broken.test 300 A 192.0.2.8
         silent.test 0 FAIL-NAPTR
         _sip._udp.silent.test 300 SRV 0 0 5099 a.srv.test.
         mute.test 0 FAIL-A
         half.test 0 FAIL-AAAA
         half.test 300 A 192.0.2.8
         hid.test 300 NAPTR 1 1 s SIP+D2U \"\" _sip._udp.broken.test.
         hid.test 300 A 192.0.2.8
         _sip._udp.empty.test 300 SRV 0 0 5060 nobody.test.",
    );
    check(&zone, ALL, "sip:nobody.test", &["NoSuchName(60)"]);
    // Servers without addresses: those of the domain are not meant (RFC 2782).
    check(&zone, ALL, "sip:empty.test", &["NoSuchName(60)"]);
    // Who doesn't tell where the service is must not make us call at the web server's.
    check(&zone, ALL, "sip:broken.test", &["NoAnswer"]);
    check(&zone, ALL, "sip:hid.test", &["NoAnswer"]);
    check(&zone, ALL, "sip:mute.test:5060", &["NoAnswer"]);
    // What else was told is used, and known to be a part.
    for (uri, first) in [
        ("sip:silent.test", "udp 192.0.2.3:5099"),
        ("sip:half.test", "udp 192.0.2.8:5060"),
    ] {
        let (outcome, _) = look_up(&of(uri), means(ALL), &zone);
        assert_eq!(shown(&outcome)[0], first);
        assert!(!outcome.unwrap().is_whole(), "{uri}");
    }
    assert!(
        look_up(&of("sip:srv.test"), means(ALL), &zone)
            .0
            .unwrap()
            .is_whole()
    );
}

#[test]
fn families_take_turns_as_configured() {
    let zone = zone(
        "m.test 300 A 192.0.2.1
         m.test 300 A 192.0.2.2
         m.test 300 A 192.0.2.1
         m.test 300 AAAA 2001:db8::1
         m.test 300 AAAA 2001:db8::2
         m.test 300 AAAA 2001:db8::3
         m.test 300 AAAA ::ffff:192.0.2.9",
    );
    let [a, b] = ["192.0.2.1", "192.0.2.2"];
    let [c, d, e] = ["[2001:db8::1]", "[2001:db8::2]", "[2001:db8::3]"];
    for (families, expected) in [
        (Families::V4First, vec![a, c, b, d, e]),
        (Families::V6First, vec![c, a, d, b, e]),
        (Families::V4Only, vec![a, b]),
        (Families::V6Only, vec![c, d, e]),
    ] {
        let means = Means {
            transports: vec![UDP],
            families,
        };
        let (outcome, rounds) = look_up(&of("sip:m.test:5060"), means, &zone);
        let expected: Vec<String> = expected
            .iter()
            .map(|address| format!("udp {address}:5060"))
            .collect();
        assert_eq!(shown(&outcome), expected, "{families:?}");
        assert_eq!(rounds.concat().len(), if expected.len() == 5 { 2 } else { 1 });
    }
}

#[test]
fn each_place_comes_once_where_names_share_an_address() {
    let zone = zone(
        "_sip._udp.twin.test 300 SRV 1 0 5060 a.twin.test.
         _sip._udp.twin.test 300 SRV 2 0 5060 b.twin.test.
         _sip._udp.twin.test 300 SRV 3 0 5062 a.twin.test.
         a.twin.test 300 A 192.0.2.1
         b.twin.test 300 A 192.0.2.2
         b.twin.test 300 A 192.0.2.1",
    );
    let expected = ["udp 192.0.2.1:5060", "udp 192.0.2.2:5060", "udp 192.0.2.1:5062"];
    check(&zone, &[UDP], "sip:twin.test", &expected);
}

#[test]
fn the_smallest_ttl_of_what_was_used_holds() {
    let zone = zone(
        "t.test 500 NAPTR 1 1 s SIP+D2U \"\" _sip._udp.t.test.
         _sip._udp.t.test 400 SRV 1 0 5060 a.t.test.
         _sip._udp.t.test 400 SRV 1 0 5060 b.t.test.
         a.t.test 300 A 192.0.2.1
         b.t.test 200 A 192.0.2.2
         n.test 50 NAPTR 1 1 s SIP+D2U \"\" _sip._udp.t.test.",
    );
    for (uri, ttl_s) in [
        ("sip:t.test", 200),
        ("sip:n.test", 50),
        ("sip:a.t.test:1", 300),
        ("sip:192.0.2.1", u32::MAX),
    ] {
        assert_eq!(
            look_up(&of(uri), means(&[UDP]), &zone).0.unwrap().ttl_s(),
            ttl_s,
            "{uri}"
        );
    }
}

#[test]
fn a_host_is_a_name_or_an_address_of_one_peer() {
    for (host, spelled) in [
        ("Example.COM.", "example.com"),
        ("_odd-1.example", "_odd-1.example"),
        ("[2001:DB8::1]", "2001:db8::1"),
        ("2001:db8::1", "2001:db8::1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("localhost", "localhost"),
    ] {
        assert_eq!(wish(host).host.to_string(), spelled);
    }
    let label = "a".repeat(63);
    let longest = format!("{label}.{label}.{label}.{}", "a".repeat(61));
    assert!(Wish::new(&longest, None, None, false).is_ok());
    // The domain fits, its services don't: there are none.
    let (outcome, rounds) = look_up(&wish(&longest), means(ALL), &Zone::default());
    assert_eq!((shown(&outcome)[0].as_str(), rounds.len()), ("NoSuchName(60)", 2));
    for (host, why) in [
        ("", BadWish::Host),
        (".", BadWish::Host),
        ("a..b", BadWish::Host),
        (".a", BadWish::Host),
        ("a b", BadWish::Host),
        ("a\r\nb", BadWish::Host),
        ("bücher.example", BadWish::Host),
        ("1.2.3", BadWish::Host),
        ("1.2.3.4.5", BadWish::Host),
        ("256.1.1.1", BadWish::Host),
        ("[192.0.2.1]", BadWish::Host),
        ("[::1", BadWish::Host),
        ("fe80::1%eth0", BadWish::Host),
        (&format!("{label}a.example"), BadWish::Host),
        (&format!("{longest}a"), BadWish::Host),
        ("0.0.0.0", BadWish::Address),
        ("::", BadWish::Address),
        ("255.255.255.255", BadWish::Address),
        ("224.0.0.1", BadWish::Address),
        ("ff02::1", BadWish::Address),
        ("::ffff:0.0.0.0", BadWish::Address),
    ] {
        assert_eq!(Wish::new(host, None, None, false), Err(why), "{host:?}");
    }
    assert_eq!(Wish::new("a.example", Some(0), None, false), Err(BadWish::Port));
}
