//! Reading: tolerance, defaults, and the reasons of refusals.

use crate::{body, phone, read};
use expect_test::{Expect, expect};
use sdp::{Description, Direction};
use std::fmt::Write;

fn refused(text: &str, expected: &Expect) {
    expected.assert_eq(&Description::parse(text.as_bytes()).unwrap_err().to_string());
}

fn codecs(description: &Description) -> String {
    description.media().iter().fold(String::new(), |mut out, m| {
        let _ = write!(out, "{} {} {}:", m.kind, m.port, m.proto);
        for c in &m.formats {
            let _ = write!(out, " {}={}/{}/{}", c.pt, c.name, c.clock, c.channels);
            c.fmtp.iter().for_each(|f| out.push_str(&format!("[{f}]")));
        }
        out.push('\n');
        out
    })
}

#[test]
fn static_payload_types_need_no_rtpmap_and_dynamic_ones_do() {
    let it = phone(
        "m=audio 4000 RTP/AVP 0 3 4 8 9 13 18 96 101|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16",
    );
    expect![[r#"
        audio 4000 RTP/AVP: 0=PCMU/8000/1 3=GSM/8000/1 4=G723/8000/1 8=PCMA/8000/1 9=G722/8000/1 13=CN/8000/1 18=G729/8000/1 96=/0/1 101=telephone-event/8000/1[0-16]
    "#]]
    .assert_eq(&codecs(&it));
}

#[test]
fn oddities_of_real_phones_are_read() {
    // A username with spaces, LF only, duplicate and impossible formats, an unknown charset, a trailing blank line.
    let text = b"v=0\no=John Q. Public 7 8 IN IP4 10.0.0.1\ns=caf\xe9\na=x:\xff\nm=audio 4000/2 rtp/avp 8 8 300 x 0\nc=IN IP4 10.0.0.1\na=ptime:20.0\na=rtpmap:8 \na=rtpmap:0 PCMU\na=fmtp:9 x\na=maxptime:0\n\n";
    let it = Description::parse(text).unwrap();
    let media = it.audio(&[]).unwrap();
    assert_eq!((&*it.origin().session, &*it.origin().version), ("7", "8"));
    assert_eq!((media.ptime, media.maxptime, media.port), (Some(20), None, 4000));
    expect![[r#"
        audio 4000 rtp/avp: 8=PCMA/8000/1 0=PCMU/8000/1
    "#]]
    .assert_eq(&codecs(&it));
}

#[test]
fn addresses_come_from_the_stream_else_the_session() {
    let it = read(&body(
        "192.0.2.9",
        "m=audio 4000 RTP/AVP 0|c=IN IP6 2001:db8::1|m=audio 5000 RTP/AVP 0|a=rtcp:5555",
    ));
    let shown: Vec<String> = it
        .media()
        .iter()
        .map(|m| format!("{:?} {:?}", m.rtp_address(), m.rtcp_address()))
        .collect();
    expect![[r#"
        Some([2001:db8::1]:4000) Some([2001:db8::1]:4001)
        Some(192.0.2.9:5000) Some(192.0.2.9:5555)"#]]
    .assert_eq(&shown.join("\n"));
}

#[test]
fn rtcp_may_have_an_address_of_its_own_and_the_last_port_has_none_above() {
    let it = phone("m=audio 65535 RTP/AVP 0|m=audio 4000 RTP/AVP 0|a=rtcp:53020 IN IP4 192.0.2.7|a=rtcp-mux");
    assert_eq!(it.media()[0].rtcp_address(), None);
    assert_eq!(
        it.media()[1].rtcp_address(),
        Some("192.0.2.7:53020".parse().unwrap())
    );
    assert!(it.media()[1].rtcp_mux);
}

#[test]
fn nothing_is_sent_to_groups_names_or_nowhere() {
    for address in ["0.0.0.0", "255.255.255.255", "224.2.1.1/127", "phone.example.com"] {
        let it = read(&body(address, "m=audio 4000 RTP/AVP 0"));
        assert_eq!(it.audio(&[]).unwrap().rtp_address(), None, "{address}");
    }
}

#[test]
fn hold_is_seen_in_all_its_forms() {
    let held = |address: &str, below: &str| read(&body(address, below)).is_held(&[]);
    assert!(!held("192.0.2.9", "m=audio 4000 RTP/AVP 0"));
    assert!(!held("192.0.2.9", "m=audio 4000 RTP/AVP 0|a=recvonly"));
    assert!(held("192.0.2.9", "m=audio 4000 RTP/AVP 0|a=sendonly"));
    assert!(held("192.0.2.9", "m=audio 4000 RTP/AVP 0|a=inactive"));
    assert!(held("192.0.2.9", "m=audio 0 RTP/AVP 0"));
    assert!(held("0.0.0.0", "m=audio 4000 RTP/AVP 0"));
    assert!(held("192.0.2.9", "m=video 4000 RTP/AVP 31"));
}

#[test]
fn the_session_direction_is_the_default_of_its_streams() {
    let it = phone("a=inactive|m=audio 4000 RTP/AVP 0|m=audio 4002 RTP/AVP 0|a=sendrecv");
    assert_eq!(it.media()[0].direction, Direction::Inactive);
    assert_eq!(it.media()[1].direction, Direction::SendRecv);
}

#[test]
fn an_answered_direction_is_never_more_than_the_offer_allows() {
    use Direction::{Inactive, RecvOnly, SendOnly, SendRecv};
    for (offered, wish, answered) in [
        (SendRecv, SendRecv, SendRecv),
        (SendRecv, Inactive, Inactive),
        (SendOnly, SendRecv, RecvOnly),
        (SendOnly, SendOnly, Inactive),
        (RecvOnly, SendRecv, SendOnly),
        (RecvOnly, RecvOnly, Inactive),
        (Inactive, SendRecv, Inactive),
    ] {
        assert_eq!(offered.answered(wish), answered, "{offered:?} {wish:?}");
    }
}

#[test]
fn what_cannot_be_represented_is_refused_with_its_line() {
    refused("", &expect!["session description, line 0: no o= line"]);
    refused(
        "o=- 1 1 IN IP4 1.1.1.1",
        &expect!["session description, line 1: the first line is v=0"],
    );
    refused(
        "v=1\r\n",
        &expect!["session description, line 1: only version 0 is known"],
    );
    refused(
        "v=0\no=x\n",
        &expect!["session description, line 2: o= needs username, id, version, IN, address type and address"],
    );
    refused(
        "v=0\nhello\n",
        &expect!["session description, line 2: a line is one letter, =, and a value"],
    );
    refused(
        "v=0\nc=IN IP4 ::1\n",
        &expect!["session description, line 2: the address is not of the type named"],
    );
    refused(
        "v=0\nc=ATM x y\n",
        &expect!["session description, line 2: the network type is IN"],
    );
    refused(
        "v=0\nm=audio 70000 RTP/AVP 0\n",
        &expect!["session description, line 2: m= has no port from 0 to 65535"],
    );
    refused(
        "v=0\nm=audio 1 RTP/AVP\n",
        &expect!["session description, line 2: m= needs media, port, transport and format"],
    );
    refused(
        "v=0\nm=au\rdio 1 RTP/AVP 0\n",
        &expect!["session description, line 2: the line has a control character"],
    );
    refused(
        "v=0\nm=au<dio 1 RTP/AVP 0\n",
        &expect!["session description, line 2: m= has a word with forbidden characters"],
    );
}

#[test]
fn limits_hold() {
    let at = |n: usize, line: &str| body("192.0.2.9", &vec![line; n].join("|"));
    read(&at(32, "m=audio 4000 RTP/AVP 0"));
    refused(
        &at(33, "m=audio 4000 RTP/AVP 0"),
        &expect!["session description, line 38: more than 32 m= lines"],
    );
    read(&at(256, "a=x"));
    refused(
        &at(257, "a=x"),
        &expect!["session description, line 262: more than 256 attributes"],
    );
    refused(
        &at(9000, "s=12345"),
        &expect!["session description, line 0: longer than 65535 octets"],
    );
}

/// As calls keep it across a restart.
#[test]
fn what_is_kept_reads_back_the_same() {
    for text in [
        "m=audio 4000 RTP/AVP 96 0 8 101|a=rtpmap:96 opus/48000/2|a=fmtp:96 useinbandfec=1;x=y|a=rtpmap:101 telephone-event/8000|a=fmtp:101 0-16|a=rtcp:4001 IN IP4 192.0.2.1|a=ptime:20|a=sendonly",
        "m=video 4002 RTP/AVP 31|m=image 5 udptl t38|m=audio 0 RTP/SAVP 000 8|c=IN IP6 2001:db8::1|a=inactive|a=rtcp-mux",
        "m=audio 4000 RTP/AVP 0|a=rtpmap:0 speex/16000|a=maxptime:60|a=rtcp:9",
    ] {
        let description = phone(text);
        assert_eq!(read(&description.text()), description, "{}", description.text());
        for anchor in [crate::anchor(), None] {
            let mut side = sdp::Side::new(77);
            let Ok(first) = sdp::offer(&description, &mut side, anchor, &[]) else {
                continue;
            };
            let mut again = sdp::Side::recall(&first).unwrap();
            assert_eq!(again.again(), Some(first.clone()));
            assert_eq!(sdp::offer(&description, &mut again, anchor, &[]).unwrap(), first);
            again.skip(16);
            let held = description.media().len();
            let other = phone(&vec!["m=audio 4444 RTP/AVP 8|a=inactive"; held].join("|"));
            let next = sdp::offer(&other, &mut again, anchor, &[]).unwrap();
            assert!(next.starts_with("v=0\r\no=- 77 18 "), "{next}");
        }
    }
    for text in ["", "v=0\r\no=- 1 x IN IP4 1.1.1.1\r\n", "v=0\r\no=- 1 2 IN"] {
        assert!(sdp::Side::recall(text).is_none(), "{text}");
    }
}
