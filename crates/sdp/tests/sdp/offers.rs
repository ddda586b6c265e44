//! Offers: what passes to the other leg, what stays behind, what is refused.

use crate::{anchor, body, check, phone, read};
use expect_test::{Expect, expect};
use sdp::{Anchor, Side, offer};

/// The offer a fresh leg gets.
fn offered(below: &str, expected: &Expect) {
    check(offer(&phone(below), &mut Side::new(77), anchor(), &[]), expected);
}

fn names(allowed: &[&str]) -> Vec<String> {
    allowed.iter().map(|s| (*s).to_owned()).collect()
}

#[test]
fn payload_types_parameters_and_packet_times_pass_as_offered() {
    offered(
        "m=audio 4000 RTP/AVP 96 8 13 101|a=rtpmap:96 opus/48000/2|a=fmtp:96 useinbandfec=1|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-15|a=ptime:20|a=maxptime:60|a=sendrecv",
        &expect![[r#"
            v=0
            o=- 77 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 96 8 13 101
            a=rtpmap:96 opus/48000/2
            a=fmtp:96 useinbandfec=1
            a=rtpmap:8 PCMA/8000
            a=rtpmap:13 CN/8000
            a=rtpmap:101 telephone-event/8000
            a=fmtp:101 0-15
            a=ptime:20
            a=maxptime:60
            a=sendrecv
        "#]],
    );
}

#[test]
fn the_first_usable_audio_is_kept_and_the_rest_refused_in_place() {
    offered(
        "m=video 4010 RTP/AVP 31|m=audio 4020 RTP/SAVP 0|m=audio 4000 RTP/AVP 0|m=audio 4004 RTP/AVP 8|m=image 4006 udptl t38|m=application 9 DTLS/SCTP 5000",
        &expect![[r#"
            v=0
            o=- 77 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=video 0 RTP/AVP 31
            m=audio 0 RTP/SAVP 0
            m=audio 40000 RTP/AVP 0
            a=rtpmap:0 PCMU/8000
            a=sendrecv
            m=audio 0 RTP/AVP 8
            m=image 0 udptl t38
            m=application 0 DTLS/SCTP 5000
        "#]],
    );
}

#[test]
fn keys_candidates_mux_and_unknown_attributes_stay_behind() {
    offered(
        "b=AS:64|k=clear:x|a=ice-ufrag:x|a=fingerprint:sha-256 AA|m=audio 4000 RTP/AVP 0 97|a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x|a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host|a=setup:actpass|a=rtcp-mux|a=rtcp:4000|a=ssrc:1 cname:x|a=x-own:1",
        &expect![[r#"
            v=0
            o=- 77 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 0
            a=rtpmap:0 PCMU/8000
            a=sendrecv
        "#]],
    );
}

#[test]
fn what_cannot_be_carried_is_refused_with_a_reason() {
    offered(
        "m=video 4000 RTP/AVP 31",
        &expect![[r#"
        NoAudio: no audio stream in the session description
    "#]],
    );
    offered(
        "m=audio 0 RTP/AVP 0",
        &expect![[r#"
        NoAudio: no audio stream in the session description
    "#]],
    );
    offered(
        "a=group:BUNDLE 0",
        &expect![[r#"
        NoAudio: no audio stream in the session description
    "#]],
    );
    offered(
        "m=audio 4000 RTP/SAVP 0|m=audio 4002 UDP/TLS/RTP/SAVPF 0",
        &expect![[r#"
            Transport: audio is offered only over a transport that is unsupported or not allowed
        "#]],
    );
    offered(
        "m=audio 4000 RTP/AVP 101 13|a=rtpmap:101 telephone-event/8000",
        &expect![[r#"
        NoCommonCodec: no audio codec in common
    "#]],
    );
    offered(
        "m=audio 4000 RTP/AVP 97",
        &expect![[r#"
        NoCommonCodec: no audio codec in common
    "#]],
    );
}

#[test]
fn only_allowed_codecs_pass() {
    let from = phone("m=audio 4000 RTP/AVP 0 8 101|a=rtpmap:101 telephone-event/8000");
    let allowed = names(&["pcma", "telephone-event"]);
    check(
        offer(&from, &mut Side::new(1), anchor(), &allowed),
        &expect![[r#"
        v=0
        o=- 1 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 RTP/AVP 8 101
        a=rtpmap:8 PCMA/8000
        a=rtpmap:101 telephone-event/8000
        a=sendrecv
    "#]],
    );
    check(
        offer(
            &from,
            &mut Side::new(1),
            anchor(),
            &names(&["opus", "telephone-event"]),
        ),
        &expect![[r#"
        NoCommonCodec: no audio codec in common
    "#]],
    );
}

#[test]
fn hold_and_resume_cross_and_the_version_rises_only_with_a_change() {
    let mut side = Side::new(5);
    let mut lines = String::new();
    for (address, attribute) in [
        ("192.0.2.9", "sendrecv"),
        ("192.0.2.9", "sendrecv"),
        ("192.0.2.9", "sendonly"),
        ("192.0.2.9", "inactive"),
        ("0.0.0.0", "sendrecv"),
        ("192.0.2.77", "recvonly"),
        ("192.0.2.77", "sendrecv"),
    ] {
        let from = read(&body(address, &format!("m=audio 4000 RTP/AVP 0|a={attribute}")));
        let text = offer(&from, &mut side, anchor(), &[]).unwrap();
        let told = text.lines().filter(|l| {
            l.starts_with("o=") || l.ends_with("only") || l.ends_with("ive") || l.ends_with("recv")
        });
        lines.push_str(&format!(
            "{address} {attribute}: {}\n",
            told.collect::<Vec<_>>().join(" ")
        ));
    }
    expect![[r#"
        192.0.2.9 sendrecv: o=- 5 1 IN IP4 198.51.100.1 a=sendrecv
        192.0.2.9 sendrecv: o=- 5 1 IN IP4 198.51.100.1 a=sendrecv
        192.0.2.9 sendonly: o=- 5 2 IN IP4 198.51.100.1 a=sendonly
        192.0.2.9 inactive: o=- 5 3 IN IP4 198.51.100.1 a=inactive
        0.0.0.0 sendrecv: o=- 5 4 IN IP4 198.51.100.1 a=sendonly
        192.0.2.77 recvonly: o=- 5 5 IN IP4 198.51.100.1 a=recvonly
        192.0.2.77 sendrecv: o=- 5 6 IN IP4 198.51.100.1 a=sendrecv
    "#]]
    .assert_eq(&lines);
}

#[test]
fn a_known_leg_is_told_of_a_stream_switched_off_and_never_gets_fewer_lines() {
    let mut side = Side::new(5);
    offer(
        &phone("m=audio 4000 RTP/AVP 8 0|m=video 4010 RTP/AVP 31"),
        &mut side,
        anchor(),
        &[],
    )
    .unwrap();
    check(
        offer(&phone("m=audio 0 RTP/AVP 0"), &mut side, anchor(), &[]),
        &expect![[r#"
            v=0
            o=- 5 2 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 0 RTP/AVP 0
            m=video 0 RTP/AVP 31
        "#]],
    );
}

#[test]
fn a_refused_offer_leaves_the_leg_as_it_was() {
    let mut side = Side::new(5);
    let good = phone("m=audio 4000 RTP/AVP 8");
    let before = offer(&good, &mut side, anchor(), &[]).unwrap();
    offer(&phone("m=audio 4000 RTP/SAVP 8"), &mut side, anchor(), &[]).unwrap_err();
    assert_eq!(offer(&good, &mut side, anchor(), &[]).unwrap(), before);
}

#[test]
fn direct_media_passes_the_peers_addresses() {
    let from = read(&body(
        "192.0.2.9",
        "m=audio 4000 RTP/AVP 0|c=IN IP6 2001:db8::9|a=rtcp:4444 IN IP4 192.0.2.8|a=rtcp-mux",
    ));
    check(
        offer(&from, &mut Side::new(3), None, &[]),
        &expect![[r#"
        v=0
        o=- 3 1 IN IP6 2001:db8::9
        s=-
        c=IN IP6 2001:db8::9
        t=0 0
        m=audio 4000 RTP/AVP 0
        a=rtpmap:0 PCMU/8000
        a=rtcp:4444 IN IP4 192.0.2.8
        a=rtcp-mux
        a=sendrecv
    "#]],
    );
    let nameless = read(&body("phone.example.com", "m=audio 4000 RTP/AVP 0"));
    check(
        offer(&nameless, &mut Side::new(3), None, &[]),
        &expect![[r#"
        NoAddress: the audio stream has no usable address
    "#]],
    );
}

#[test]
fn an_ipv6_relay_faces_an_ipv4_phone() {
    let anchor = Some(Anchor::plain("[2001:db8::1]:40002".parse().unwrap()));
    check(
        offer(&phone("m=audio 4000 RTP/AVP 9"), &mut Side::new(3), anchor, &[]),
        &expect![[r#"
        v=0
        o=- 3 1 IN IP6 2001:db8::1
        s=-
        c=IN IP6 2001:db8::1
        t=0 0
        m=audio 40002 RTP/AVP 9
        a=rtpmap:9 G722/8000
        a=sendrecv
    "#]],
    );
}
