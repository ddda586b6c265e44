//! What the server says in its own name: beside a phone's formats, in their place, and what is shared then.

use crate::{anchor, body, check, phone, read};
use expect_test::{Expect, expect};
use sdp::{Anchor, Format, Side, answer, offer, propose, serve};

fn able() -> Option<Anchor> {
    anchor().map(|anchor| Anchor {
        transcodes: true,
        plays: true,
        ..anchor
    })
}

/// The formats of what leg two is offered when leg one offers this: payload type, name and parameters.
fn offered(from: &str, allowed: &[&str]) -> String {
    let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    let Ok(text) = offer(&phone(from), &mut Side::new(1), able(), &allowed) else {
        return "refused".to_owned();
    };
    named(&text)
}

fn named(text: &str) -> String {
    let description = read(text);
    let media = description.audio(&[]).unwrap();
    let mut seen = std::collections::BTreeSet::new();
    assert!(media.formats.iter().all(|codec| seen.insert(codec.pt)), "{text}");
    let formats = media.formats.iter().map(|codec| {
        let fmtp = codec
            .fmtp
            .as_deref()
            .map_or(String::new(), |fmtp| format!(" ({fmtp})"));
        format!("{} {}/{}{fmtp}", codec.pt, codec.name, codec.clock)
    });
    formats.collect::<Vec<_>>().join(", ")
}

fn answered(from: &str, reply: &str, expected: &Expect) {
    let mut side = Side::new(9);
    check(
        answer(&phone(from), &phone(reply), &mut side, able(), &[]),
        expected,
    );
}

const OPUS: &str = "m=audio 4000 RTP/AVP 96 97|a=rtpmap:96 opus/48000/2|a=fmtp:96 stereo=1|a=rtpmap:97 telephone-event/48000";

#[test]
fn what_we_can_speak_comes_after_what_the_phone_can() {
    let shown = [
        offered(
            "m=audio 4000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000",
            &[],
        ),
        offered(OPUS, &[]),
        offered("m=audio 4000 RTP/AVP 9 0", &[]),
        // Every number that we like is another's.
        offered(
            "m=audio 4000 RTP/AVP 111 9 110 96|a=rtpmap:111 speex/8000|a=rtpmap:9 PCMU/8000|a=rtpmap:110 telephone-event/8000|a=rtpmap:96 speex/16000",
            &[],
        ),
        // We don't understand it.
        offered(
            "m=audio 4000 RTP/AVP 18 101|a=rtpmap:101 telephone-event/8000",
            &[],
        ),
        offered("m=audio 4000 RTP/AVP 18 0", &[]),
        offered(OPUS, &["opus", "pcma"]),
        offered(OPUS, &["pcma"]),
    ];
    expect![[r#"
        8 PCMA/8000, 101 telephone-event/8000, 0 PCMU/8000, 9 G722/8000, 111 opus/48000 (useinbandfec=1), 110 telephone-event/48000 (0-15)
        96 opus/48000 (stereo=1), 97 telephone-event/48000, 9 G722/8000, 8 PCMA/8000, 0 PCMU/8000, 101 telephone-event/8000 (0-15), 13 CN/8000
        9 G722/8000, 0 PCMU/8000, 111 opus/48000 (useinbandfec=1), 8 PCMA/8000
        111 speex/8000, 9 PCMU/8000, 110 telephone-event/8000, 96 speex/16000, 8 PCMA/8000, 97 opus/48000 (useinbandfec=1), 98 telephone-event/48000 (0-15)
        18 G729/8000, 101 telephone-event/8000
        18 G729/8000, 0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 111 opus/48000 (useinbandfec=1)
        96 opus/48000 (stereo=1), 8 PCMA/8000
        refused
    "#]]
    .assert_eq(&format!("{}\n", shown.join("\n")));
}

#[test]
fn no_number_is_free() {
    let numbers: Vec<String> = (0..128).map(|pt| pt.to_string()).collect();
    let maps: String = (96..128).map(|pt| format!("|a=rtpmap:{pt} speex/8000")).collect();
    let all = format!("m=audio 4000 RTP/AVP {}{maps}", numbers.join(" "));
    let shown = offered(&all, &[]);
    assert!(
        !shown.contains("opus") && shown.contains("0 PCMU/8000"),
        "{shown}"
    );
}

#[test]
fn a_format_in_common_is_passed_on() {
    answered(
        OPUS,
        "m=audio 7000 RTP/AVP 100 0|a=rtpmap:100 OPUS/48000/2|a=fmtp:100 maxplaybackrate=16000",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 100
            a=rtpmap:100 opus/48000/2
            a=fmtp:100 maxplaybackrate=16000
            a=sendrecv
        "#]],
    );
}

#[test]
fn an_answer_that_begins_with_ours_is_spoken_for() {
    answered(
        OPUS,
        "m=audio 7000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000|a=ptime:20|a=inactive",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 96 97
            a=rtpmap:96 opus/48000/2
            a=fmtp:96 useinbandfec=1
            a=rtpmap:97 telephone-event/48000
            a=fmtp:97 0-15
            a=ptime:20
            a=sendonly
        "#]],
    );
    answered(
        "m=audio 4000 RTP/AVP 18 13 101 8 0|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16",
        "m=audio 7000 RTP/AVP 9 0",
        &expect![[r#"
            v=0
            o=- 9 1 IN IP4 198.51.100.1
            s=-
            c=IN IP4 198.51.100.1
            t=0 0
            m=audio 40000 RTP/AVP 8 101 13
            a=rtpmap:8 PCMA/8000
            a=rtpmap:101 telephone-event/8000
            a=fmtp:101 0-15
            a=rtpmap:13 CN/8000
            a=sendrecv
        "#]],
    );
}

#[test]
fn nobody_is_spoken_for_in_what_we_do_not_know() {
    answered(
        "m=audio 4000 RTP/AVP 18",
        "m=audio 7000 RTP/AVP 0",
        &expect![[r#"
            NoCommonCodec: no audio codec in common
        "#]],
    );
    let plain = answer(
        &phone(OPUS),
        &phone("m=audio 7000 RTP/AVP 0"),
        &mut Side::new(1),
        anchor(),
        &[],
    );
    assert_eq!(plain, Err(sdp::Refusal::NoCommonCodec));
}

#[test]
fn who_is_on_hold_is_sent_to_where_we_play() {
    let held = phone("m=audio 4000 RTP/AVP 0|a=inactive");
    let direction = |anchor| {
        let text = offer(&held, &mut Side::new(1), anchor, &[]).unwrap();
        read(&text).audio(&[]).unwrap().direction.as_str()
    };
    assert_eq!(direction(able()), "sendonly");
    assert_eq!(direction(anchor()), "inactive");
    let listening = phone("m=audio 4002 RTP/AVP 0|a=recvonly");
    let text = answer(&held, &listening, &mut Side::new(1), able(), &[]).unwrap();
    assert!(text.contains("a=inactive"), "{text}");
    let back = answer(&listening, &held, &mut Side::new(1), able(), &[]).unwrap();
    assert!(back.contains("a=sendonly"), "{back}");
}

/// What leg and server share after leg one offered and leg two answered: both legs' first formats by number and name.
fn shared(from: &str, reply: &str) -> (String, String) {
    let (from, reply) = (phone(from), phone(reply));
    let (mut one, mut two) = (Side::new(1), Side::new(2));
    offer(&from, &mut two, able(), &[]).unwrap();
    answer(&from, &reply, &mut one, able(), &[]).unwrap();
    let list = |side: &Side, said: &sdp::Description| {
        let shared = side.shared(said.audio(&[]).unwrap());
        let shown = shared
            .iter()
            .map(|s| format!("{}<{} {:?}", s.codec.pt, s.heard, s.format));
        shown.collect::<Vec<_>>().join(", ")
    };
    let text = one.again().unwrap();
    let recalled = Side::recall(&text).unwrap();
    assert_eq!(list(&recalled, &from), list(&one, &from), "after a restart");
    (list(&one, &from), list(&two, &reply))
}

#[test]
fn both_directions_of_a_leg() {
    let pair = |from, reply| {
        let (one, two) = shared(from, reply);
        format!("{one} | {two}\n")
    };
    let narrow = "m=audio 4000 RTP/AVP 0 8 101|a=rtpmap:101 telephone-event/8000";
    let shown = [
        pair(
            narrow,
            "m=audio 7000 RTP/AVP 8 0 96|a=rtpmap:96 telephone-event/8000",
        ),
        pair(OPUS, "m=audio 7000 RTP/AVP 100|a=rtpmap:100 opus/48000/2"),
        pair(
            OPUS,
            "m=audio 7000 RTP/AVP 8 101|a=rtpmap:101 telephone-event/8000",
        ),
        pair(narrow, "m=audio 7000 RTP/AVP 9 0"),
        pair("m=audio 4000 RTP/AVP 18 0", "m=audio 7000 RTP/AVP 18 0"),
    ];
    expect![[r#"
        8<8 Pcma, 0<0 Pcmu, 101<96 Events(8000) | 8<8 Pcma, 0<0 Pcmu, 96<101 Events(8000)
        96<100 Opus | 100<96 Opus
        96<96 Opus, 97<97 Events(48000) | 8<8 Pcma, 101<101 Events(8000)
        0<0 Pcmu, 101<101 Events(8000) | 9<9 G722, 0<0 Pcmu
        0<0 Pcmu | 0<0 Pcmu
    "#]]
    .assert_eq(&shown.concat());
    assert_eq!(Side::new(1).shared(phone(narrow).audio(&[]).unwrap()), []);
}

#[test]
fn the_server_answers_in_the_phones_first_format() {
    let serve = |from: &str, allowed: &[&str]| {
        let allowed: Vec<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
        serve(&phone(from), &mut Side::new(1), anchor().unwrap(), &allowed).map(|text| named(&text))
    };
    let all = "m=audio 4000 RTP/AVP 96 9 8 0 13 101 97|a=rtpmap:96 opus/48000/2|a=fmtp:96 stereo=1|\
               a=rtpmap:101 telephone-event/8000|a=rtpmap:97 telephone-event/48000";
    let shown = [
        serve(all, &[]).unwrap(),
        serve(all, &["g722", "telephone-event", "cn"]).unwrap(),
        serve(all, &["pcmu", "cn"]).unwrap(),
        serve(
            "m=audio 4000 RTP/AVP 96 101|a=rtpmap:96 opus/48000/2|a=rtpmap:101 telephone-event/8000",
            &[],
        )
        .unwrap(),
        serve("m=audio 4000 RTP/AVP 18", &[]).unwrap_err().to_string(),
        propose(&mut Side::new(1), anchor().unwrap(), &[])
            .map(|text| named(&text))
            .unwrap(),
        propose(&mut Side::new(1), anchor().unwrap(), &["pcma".to_owned()])
            .map(|text| named(&text))
            .unwrap(),
    ];
    expect![[r#"
        96 opus/48000 (useinbandfec=1), 97 telephone-event/48000 (0-15)
        9 G722/8000, 101 telephone-event/8000 (0-15)
        0 PCMU/8000, 13 CN/8000
        96 opus/48000 (useinbandfec=1), 101 telephone-event/8000 (0-15)
        no audio codec in common
        0 PCMU/8000, 8 PCMA/8000, 9 G722/8000, 111 opus/48000 (useinbandfec=1), 101 telephone-event/8000 (0-15), 110 telephone-event/48000 (0-15)
        8 PCMA/8000
    "#]]
    .assert_eq(&format!("{}\n", shown.join("\n")));
    assert_eq!(Format::Opus.clock_hz(), 48_000);
    assert!(body("192.0.2.9", all).len() > 100);
}
