//! Answers: mirrored lines, common encodings, legal directions.

use crate::{anchor, body, check, phone, read};
use expect_test::{Expect, expect};
use sdp::{Side, answer};

fn answered(offer: &str, reply: &str, expected: &Expect) {
    check(
        answer(&phone(offer), &phone(reply), &mut Side::new(9), anchor(), &[]),
        expected,
    );
}

const OFFER: &str =
    "m=audio 4000 RTP/AVP 96 0 8 101|a=rtpmap:96 opus/48000/2|a=rtpmap:101 telephone-event/8000";

#[test]
fn the_answer_mirrors_the_lines_of_the_offer() {
    answered(
        "m=video 4010 RTP/AVP 31|m=audio 4000 RTP/AVP 0 8|m=image 4020 udptl t38",
        "m=video 0 RTP/AVP 31|m=audio 7000 RTP/AVP 8|a=ptime:30|m=image 0 udptl t38",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=video 0 RTP/AVP 31
            m=audio 40000 RTP/AVP 8
            a=rtpmap:8 PCMA/8000
            a=ptime:30
            a=sendrecv
            m=image 0 udptl t38
        "#]],
    );
}

#[test]
fn an_answer_that_lost_count_still_answers_the_audio() {
    answered(
        "m=video 4010 RTP/AVP 31|m=audio 4000 RTP/AVP 0",
        "m=audio 7000 RTP/AVP 0",
        &expect![[r#"
        v=0
        o=- 9 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=video 0 RTP/AVP 31
        m=audio 40000 RTP/AVP 0
        a=rtpmap:0 PCMU/8000
        a=sendrecv
    "#]],
    );
}

#[test]
fn only_offered_encodings_are_answered_with_the_answers_numbers() {
    // 97 is a codec nobody offered, 100 the offered telephone-event under another number, 96 has lost its rtpmap.
    answered(
        OFFER,
        "m=audio 7000 RTP/AVP 97 96 8 100|a=rtpmap:97 iLBC/8000|a=fmtp:96 stereo=0|a=rtpmap:100 telephone-event/8000",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 96 8 100
            a=rtpmap:96 opus/48000/2
            a=fmtp:96 stereo=0
            a=rtpmap:8 PCMA/8000
            a=rtpmap:100 telephone-event/8000
            a=sendrecv
        "#]],
    );
}

#[test]
fn nothing_in_common_is_a_refusal() {
    let none = expect![[r#"
        NoCommonCodec: no audio codec in common
    "#]];
    answered(OFFER, "m=audio 7000 RTP/AVP 18", &none);
    answered(
        OFFER,
        "m=audio 7000 RTP/AVP 101|a=rtpmap:101 telephone-event/8000",
        &none,
    );
    answered(
        "m=audio 4000 RTP/AVP 96|a=rtpmap:96 opus/48000/2",
        "m=audio 7000 RTP/AVP 96|a=rtpmap:96 opus/48000",
        &none,
    );
    answered(
        OFFER,
        "m=audio 0 RTP/AVP 0",
        &expect![[r#"
        NoAudio: no audio stream in the session description
    "#]],
    );
    answered(
        OFFER,
        "m=audio 7000 RTP/SAVP 0",
        &expect![[r#"
            Transport: audio is offered only over a transport that is unsupported or not allowed
        "#]],
    );
}

#[test]
fn the_tenants_list_binds_the_answer_too() {
    let allowed = ["pcma".to_owned()];
    let reply = phone("m=audio 7000 RTP/AVP 0 8");
    let text = answer(&phone(OFFER), &reply, &mut Side::new(9), anchor(), &allowed).unwrap();
    assert!(text.contains("m=audio 40000 RTP/AVP 8\r\n"), "{text}");
    let reply = phone("m=audio 7000 RTP/AVP 0");
    answer(&phone(OFFER), &reply, &mut Side::new(9), anchor(), &allowed).unwrap_err();
}

#[test]
fn directions_of_a_hold_are_answered_legally() {
    let direction = |offer: &str, reply: &str| {
        let text = answer(&read(offer), &read(reply), &mut Side::new(9), anchor(), &[]).unwrap();
        text.trim_end().rsplit("a=").next().unwrap().to_owned()
    };
    let at = |address: &str, attribute: &str| body(address, &format!("m=audio 4000 RTP/AVP 0|a={attribute}"));
    let here = |attribute: &str| at("192.0.2.9", attribute);
    assert_eq!(direction(&here("sendonly"), &here("recvonly")), "recvonly");
    assert_eq!(direction(&here("sendonly"), &here("sendrecv")), "recvonly");
    assert_eq!(direction(&here("inactive"), &here("sendrecv")), "inactive");
    assert_eq!(
        direction(&at("0.0.0.0", "sendrecv"), &here("sendrecv")),
        "recvonly"
    );
    assert_eq!(
        direction(&here("sendrecv"), &at("0.0.0.0", "sendrecv")),
        "sendonly"
    );
    assert_eq!(direction(&here("sendrecv"), &here("inactive")), "inactive");
}

#[test]
fn a_stream_switched_off_is_answered_so() {
    answered(
        "m=audio 0 RTP/AVP 0|m=video 4000 RTP/AVP 31",
        "m=audio 0 RTP/AVP 0",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 0 RTP/AVP 0
            m=video 0 RTP/AVP 31
        "#]],
    );
}

#[test]
fn a_direct_answer_carries_address_and_mux_only_as_agreed() {
    let reply = phone("m=audio 7000 RTP/AVP 0|a=rtcp-mux|a=rtcp:7000");
    let with = phone("m=audio 4000 RTP/AVP 0|a=rtcp-mux");
    let without = phone("m=audio 4000 RTP/AVP 0");
    let text = answer(&with, &reply, &mut Side::new(9), None, &[]).unwrap();
    assert!(
        text.contains("a=rtcp-mux") && text.contains("c=IN IP4 192.0.2.9") && text.contains("m=audio 7000 ")
    );
    let text = answer(&without, &reply, &mut Side::new(9), None, &[]).unwrap();
    assert!(!text.contains("a=rtcp-mux"));
}

#[test]
fn an_answer_that_takes_nothing_mirrors_the_lines() {
    let offer = phone("m=video 4010 RTP/AVP 31|m=audio 4000 RTP/AVP 0 8");
    check(
        Ok(sdp::refuse(&offer, &mut Side::new(9))),
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 0.0.0.0
            s=-
            c=IN IP4 0.0.0.0
            t=0 0
            m=video 0 RTP/AVP 31
            m=audio 0 RTP/AVP 0
        "#]],
    );
}

#[test]
fn a_side_says_again_what_it_said_last() {
    let mut side = Side::new(9);
    assert_eq!(side.again(), None);
    let said = answer(
        &phone(OFFER),
        &phone("m=audio 7000 RTP/AVP 8"),
        &mut side,
        anchor(),
        &[],
    );
    assert_eq!(side.again(), said.ok());
}
