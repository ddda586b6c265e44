//! What is read of a message before it is parsed, and when a busy worker refuses.

use border::{Kind, Overload, is_emergency, is_scanner};
use number::Country;
use std::time::Duration;

#[test]
fn emergency_numbers_are_known_by_the_first_line() {
    let german = [Country::parse("DE").unwrap()];
    let is = |uri: &str| is_emergency(format!("INVITE {uri} SIP/2.0\r\n\r\n").as_bytes(), &german);
    for uri in [
        "sip:112@acme.test",
        "sip:110@acme.test;user=phone",
        "sips:911@acme.test",
        "sip:0112@acme.test",
        "sip:112;phone-context=x@acme.test",
        "tel:112",
        "tel:112;phone-context=acme.test",
        "urn:service:sos",
        "URN:service:SOS.police",
    ] {
        assert!(is(uri), "{uri}");
    }
    for uri in [
        "sip:100@acme.test",
        "sip:1123@acme.test",
        "sip:112.acme.test",
        "sip:acme.test",
        "sip:+49112@acme.test",
        "urn:service:sosumi",
        "urn:service:counseling",
        "112",
        "",
    ] {
        assert!(!is(uri), "{uri}");
    }
    assert!(!is_emergency(
        b"REGISTER sip:112@acme.test SIP/2.0\r\n\r\n",
        &german
    ));
    assert!(
        !is_emergency(b"INVITE sip:112@acme.test", &german),
        "no end of the URI"
    );
    assert!(!is_emergency(b"INVITE \xff\xfe SIP/2.0", &german));
    assert!(is_emergency(b"INVITE sip:911@x SIP/2.0", &[]));
}

#[test]
fn scanners_are_known_by_their_names() {
    let message = |line: &str| format!("OPTIONS sip:100@acme.test SIP/2.0\r\nVia: x\r\n{line}\r\n\r\nbody");
    for line in [
        "User-Agent: friendly-scanner",
        "USER-AGENT:FRIENDLY-SCANNER",
        "User-Agent: VaxSIPUserAgent/3.1",
        "user-agent: pplsip",
        "User-Agent: sundayddr",
        "User-Agent: sipcli/v1.8",
        "From: \"sipvicious\"<sip:100@1.1.1.1>;tag=1",
        "f: \"SIPVicious\"<sip:100@1.1.1.1>;tag=1",
        "Contact: <sip:nm@nm>",
    ] {
        assert!(is_scanner(message(line).as_bytes()), "{line}");
    }
    for line in [
        "User-Agent: Yealink SIP-T46S 66.86.0.15",
        "From: \"Document scanner\" <sip:scanner@acme.test>",
        "From: \"M. Diwari\" <sip:sipcli@acme.test>",
        "Subject: friendly-scanner",
        "\r\nUser-Agent: friendly-scanner",
        "",
    ] {
        assert!(!is_scanner(message(line).as_bytes()), "{line}");
    }
}

#[test]
fn kinds_are_known_by_the_first_word() {
    for (packet, kind) in [
        (&b"INVITE sip:x SIP/2.0"[..], Kind::Invite),
        (b"SIP/2.0 200 OK", Kind::FollowUp),
        (b"BYE sip:x SIP/2.0", Kind::FollowUp),
        (b"REGISTER sip:x SIP/2.0", Kind::Other),
        (b"INVITED", Kind::Other),
        (b"", Kind::Other),
    ] {
        assert_eq!(Kind::of(packet), kind);
    }
}

/// The waits that a worker measures, ms, 10 ms apart.
fn after(waits: impl IntoIterator<Item = u64>) -> Overload {
    let mut overload = Overload::new(Duration::from_millis(500), 7);
    let mut now = Duration::from_secs(5);
    for wait in waits {
        overload.observe(Duration::from_millis(wait), now);
        now += Duration::from_millis(10);
    }
    overload
}

#[test]
fn what_may_wait_is_refused_first_and_dialogs_never() {
    let refuses =
        |overload: &Overload| [Kind::Other, Kind::Invite, Kind::FollowUp].map(|k| overload.refuses(k));
    assert_eq!(refuses(&after([400; 100])), [false; 3]);
    assert_eq!(refuses(&after([600; 100])), [true, false, false]);
    assert_eq!(refuses(&after([1_100; 100])), [true, true, false]);
    assert_eq!(refuses(&after([9_000])), [false; 3], "one long turn");
    let bursts = (0..100).map(|n| if n % 5 == 0 { 0 } else { 2_000 });
    assert_eq!(
        refuses(&after(bursts)),
        [false; 3],
        "a queue that is emptied now and then is a burst"
    );
    let over = std::iter::repeat_n(2_000, 100).chain(std::iter::repeat_n(0, 20));
    assert_eq!(refuses(&after(over)), [false; 3], "and it ends");
}

#[test]
fn who_is_refused_is_told_different_times() {
    let mut overload = after([2_000; 20]);
    let times: Vec<u64> = (0..1_000).map(|_| overload.retry_after_s()).collect();
    assert!(times.iter().all(|s| (5..=30).contains(s)));
    for second in 5..=30 {
        let share = times.iter().filter(|s| **s == second).count();
        assert!(
            (10..=80).contains(&share),
            "{share} of 1,000 come after {second} s"
        );
    }
}
