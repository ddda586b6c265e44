//! The examples of RFC 5118: IPv6 addresses in every place of a message, and what is to become of each.

use sip::{Message, Method, Name, Scheme, Support, Uri, Verdict, validate};

const SUPPORT: Support<'static> = Support {
    methods: &[Method::Register, Method::Invite, Method::Options, Method::Bye],
    extensions: &[],
    bodies: &["application/sdp"],
    schemes: &[Scheme::Sip],
    max_bytes: 65_536,
    max_body_bytes: 65_536,
};

/// A message like those of the RFC, with its own start line and Vias.
fn message(start: &str, vias: &[&str], body: &str) -> String {
    let method = start.split(' ').next().unwrap_or("");
    let mut text = format!("{start}\r\n");
    for via in vias {
        text.push_str(&format!("Via: {via}\r\n"));
    }
    text.push_str(&format!(
        "To: sip:user@example.com\r\nFrom: sip:user@example.com;tag=81x2\r\nCall-ID: SSG9559905523997077@hlau_4100\r\n\
         Max-Forwards: 70\r\nContact: \"Caller\" <sip:caller@[2001:db8::1]>\r\nCSeq: 98176 {method}\r\n"
    ));
    if !body.is_empty() {
        text.push_str("Content-Type: application/sdp\r\n");
    }
    text.push_str(&format!("Content-Length: {}\r\n\r\n{body}", body.len()));
    text
}

/// 0 for a request that passes, else the code of its refusal.
fn outcome(text: &str) -> u16 {
    let mut message = Message::parse(text.as_bytes()).expect("readable");
    match validate(&mut message, &SUPPORT) {
        Verdict::Accept => 0,
        Verdict::Reject { code, .. } => code,
        Verdict::Drop(why) => panic!("{why}"),
    }
}

fn register(uri: &str, via: &str) -> String {
    message(&format!("REGISTER {uri} SIP/2.0"), &[via], "")
}

const VIA: &str = "SIP/2.0/UDP [2001:db8::9:1];branch=z9hG4bKas3-111";

#[test]
fn an_ipv6_reference_in_brackets_is_valid_and_without_them_it_is_not() {
    assert_eq!(outcome(&register("sip:[2001:db8::10]", VIA)), 0); // §4.1
    assert_eq!(outcome(&register("sip:2001:db8::10", VIA)), 400); // §4.2
}

#[test]
fn a_port_belongs_behind_the_bracket() {
    // §4.3: within the brackets it is part of the address.
    let uri = Uri::parse("sip:[2001:db8::10:5070]").expect("a URI");
    assert_eq!((uri.host, uri.port), ("[2001:db8::10:5070]", None));
    // §4.4
    let uri = Uri::parse("sip:[2001:db8::10]:5070").expect("a URI");
    assert_eq!((uri.host, uri.port), ("[2001:db8::10]", Some(5070)));
    for uri in ["sip:[2001:db8::10:5070]", "sip:[2001:db8::10]:5070"] {
        assert_eq!(outcome(&register(uri, VIA)), 0, "{uri}");
    }
}

#[test]
fn received_comes_with_brackets_and_without() {
    // §4.5: the ABNF of RFC 3261 has none there, implementations write them.
    for received in ["[2001:db8::9:255]", "2001:db8::9:255"] {
        let via = format!("SIP/2.0/UDP [2001:db8::9:1];received={received};branch=z9hG4bKas3-111");
        let text = message("BYE sip:[2001:db8::10] SIP/2.0", &[&via], "");
        assert_eq!(outcome(&text), 0, "{received}");
        let message = Message::parse(text.as_bytes()).expect("readable");
        let via = message.top_via().expect("a Via");
        assert_eq!(
            (via.host, via.branch),
            ("[2001:db8::9:1]", Some("z9hG4bKas3-111"))
        );
    }
}

#[test]
fn our_answer_writes_received_without_brackets() {
    let text = register("sip:[2001:db8::10]", VIA);
    let message = Message::parse(text.as_bytes()).expect("readable");
    let source = "[2001:db8::9:255]:5062".parse().expect("an address");
    let answer = sip::Writer::reply(&message, 200, "", None, source).finish();
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains(";received=2001:db8::9:255\r\n"), "{answer}");
}

const ADDRESSES: &str = "v=0\r\no=assistant 971731711378798081 0 IN IP6 2001:db8::20\r\ns=Live video feed for today's meeting\r\n\
    c=IN IP6 2001:db8::20\r\nt=3338481189 3370017201\r\nm=audio 6000 RTP/AVP 2\r\na=rtpmap:2 G726-32/8000\r\n";

#[test]
fn descriptions_hold_ipv6_addresses_without_brackets() {
    // §4.6
    let text = message("INVITE sip:user@[2001:db8::10] SIP/2.0", &[VIA], ADDRESSES);
    assert_eq!(outcome(&text), 0);
    let message = Message::parse(text.as_bytes()).expect("readable");
    assert_eq!(message.body(), ADDRESSES.as_bytes());
}

#[test]
fn both_families_stand_side_by_side_in_headers() {
    // §4.7
    let vias = [
        "SIP/2.0/UDP [2001:db8::9:1]:6050;branch=z9hG4bKas3-111",
        "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKjhja8781hjuaij65144",
        "SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bK451jj;received=192.0.2.200",
    ];
    let text = message("BYE sip:user@host.example.net SIP/2.0", &vias, "");
    assert_eq!(outcome(&text), 0);
    let message = Message::parse(text.as_bytes()).expect("readable");
    let top = message.top_via().expect("a Via");
    assert_eq!((top.host, top.port), ("[2001:db8::9:1]", Some(6050)));
    assert_eq!(message.list(Name::Via).count(), 3);
}

#[test]
fn ipv4_mapped_addresses_are_read() {
    // §4.9
    let via = "SIP/2.0/UDP [::ffff:192.0.2.10]:19823;branch=z9hG4bKbh19";
    let text = message("INVITE sip:user@example.com SIP/2.0", &[via], ADDRESSES);
    assert_eq!(outcome(&text), 0);
    let message = Message::parse(text.as_bytes()).expect("readable");
    assert_eq!(message.top_via().map(|via| via.host), Ok("[::ffff:192.0.2.10]"));
}

#[test]
fn three_colons_are_no_address() {
    // §4.10: what the ABNF of RFC 3261 produces by mistake is refused, the form that was meant is taken.
    let wrong = message("OPTIONS sip:user@[2001:db8:::192.0.2.1] SIP/2.0", &[VIA], "");
    assert_eq!(outcome(&wrong), 400);
    let right = message("OPTIONS sip:user@[2001:db8::192.0.2.1] SIP/2.0", &[VIA], "");
    assert_eq!(outcome(&right), 0);
}

#[test]
fn a_zone_is_not_part_of_an_address_that_leaves_the_host() {
    assert_eq!(outcome(&register("sip:[fe80::1%25eth0]", VIA)), 400);
    for host in [
        "sip:[]",
        "sip:[2001:db8::10",
        "sip:2001:db8::10]",
        "sip:[2001:db8::10]x",
    ] {
        assert_eq!(outcome(&register(host, VIA)), 400, "{host}");
    }
}
