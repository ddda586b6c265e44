//! What a call has beside its audio: pictures, and faxes (RFC 3362, ITU-T T.38 Annex D).

use crate::anchor;
use expect_test::{Expect, expect};
use sdp::{
    Admit, Anchor, Credentials, Description, Keyring, Protection, Refusal, Side, answer, offer, serve,
};

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\n";
const AUDIO: &str = "m=audio 4000 RTP/AVP 0";
const FAX: &str = "m=image 4004 udptl t38|a=T38FaxVersion:0|a=T38MaxBitRate:14400|a=T38FaxFillBitRemoval:0|\
    a=T38FaxTranscodingMMR|a=T38FaxRateManagement:transferredTCF|a=t38faxmaxbuffer:1024|a=T38FaxMaxDatagram:238|\
    a=T38FaxUdpEC:t38UDPRedundancy|a=T38FaxUdpECDepth:1 3|a=T38VendorInfo:0 0 0|a=x-secret:1|a=sqn: 0";
const VIDEO: &str = "m=video 4002 RTP/AVPF 97 98 120 34|b=AS:512|b=TIAS:512000|b=CT:9|a=rtpmap:97 H264/90000|\
    a=fmtp:97 profile-level-id=42801F;packetization-mode=1|a=rtpmap:98 VP8/90000|a=rtpmap:120 rtx/90000|a=fmtp:120 apt=97|\
    a=rtcp-fb:* nack pli|a=rtcp-fb:97 ccm fir|a=rtcp-fb:120 nack|a=rtcp-fb:97 transport-cc|a=rtcp-fb:* x\u{7F}|\
    a=extmap:1 urn:x|a=content:main|a=sendrecv";

fn text(lines: &[&str]) -> String {
    let body: String = lines
        .iter()
        .map(|lines| format!("{}\r\n", lines.replace('|', "\r\n")))
        .collect();
    format!("{HEAD}{body}")
}

fn read(lines: &[&str]) -> Description {
    Description::parse(text(lines).as_bytes()).unwrap()
}

/// A relay with ports for everything.
fn able() -> Option<Anchor> {
    anchor().map(|anchor| Anchor {
        video: Some("198.51.100.1:40010".parse().unwrap()),
        fax: Some("198.51.100.1:40020".parse().unwrap()),
        ..anchor
    })
}

/// Everything below the first m= line.
fn shows(text: &str, expected: &Expect) {
    let at = text.find("m=").unwrap();
    expected.assert_eq(&text[at..].replace("\r\n", "\n"));
}

/// A leg that has had a call.
fn known() -> Side {
    let mut side = Side::new(7);
    offer(&read(&[AUDIO]), &mut side, able(), &[]).unwrap();
    side
}

#[test]
fn a_fax_is_built_from_the_attributes_that_are_known() {
    let off = AUDIO.replace("4000", "0");
    for lines in [&[FAX][..], &[&off, FAX], &[AUDIO, FAX]] {
        let from = read(lines);
        assert_eq!(from.fax().unwrap().rtp_address().unwrap().port(), 4004);
        let text = offer(&from, &mut known(), able(), &[]).unwrap();
        assert_eq!(text.matches("\r\nm=").count(), lines.len(), "{text}");
        assert!(text.contains("m=image 40020 udptl t38\r\nc=IN IP4 198.51.100.1\r\na=T38FaxVersion:0\r\n"));
        assert!(
            !text.contains("secret") && !text.contains("Vendor") && !text.contains("sqn"),
            "{text}"
        );
    }
    let text = offer(&read(&[&off, FAX]), &mut known(), able(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
            m=audio 0 RTP/AVP 0
            m=image 40020 udptl t38
            c=IN IP4 198.51.100.1
            a=T38FaxVersion:0
            a=T38MaxBitRate:14400
            a=T38FaxFillBitRemoval:0
            a=T38FaxTranscodingMMR
            a=T38FaxRateManagement:transferredTCF
            a=T38FaxMaxBuffer:1024
            a=T38FaxMaxDatagram:238
            a=T38FaxUdpEC:t38UDPRedundancy
            a=T38FaxUdpECDepth:1 3
        "#]],
    );
    // Straight, it has the phone's own address.
    let text = offer(&read(&[FAX]), &mut known(), None, &[]).unwrap();
    assert!(
        text.contains("m=image 4004 udptl t38\r\nc=IN IP4 192.0.2.9\r\n"),
        "{text}"
    );
}

#[test]
fn values_that_are_none_stay_behind() {
    let wild = "m=image 4004 udptl t38|a=T38FaxVersion:-1|a=T38MaxBitRate:99999999999|a=T38FaxFillBitRemoval:2|\
        a=T38FaxRateManagement:mine|a=T38FaxUdpEC:t38UDPFEC;x|a=T38FaxUdpECDepth:1 2 3|a=T38FaxMaxBuffer:+1|a=T38FaxVersion:3";
    let text = offer(&read(&[wild]), &mut known(), able(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
        m=image 40020 udptl t38
        c=IN IP4 198.51.100.1
        a=T38FaxVersion:3
    "#]],
    );
    for other in [
        "m=image 4004 tcp t38",
        "m=image 4004 udptl x38",
        "m=image 0 udptl t38",
    ] {
        assert!(read(&[AUDIO, other]).fax().is_none(), "{other}");
    }
}

#[test]
fn a_fax_is_answered_by_a_fax_and_audio_by_audio() {
    let offered = read(&[AUDIO, FAX]);
    let off = AUDIO.replace("4000", "0");
    let fax_off = "m=image 0 udptl t38";
    let said = |theirs: &[&str]| answer(&offered, &read(theirs), &mut known(), able(), &[]);
    let fax = said(&[&off, FAX]).unwrap();
    assert!(
        fax.contains("m=audio 0 ") && fax.contains("m=image 40020 "),
        "{fax}"
    );
    let audio = said(&[AUDIO, fax_off]).unwrap();
    assert!(
        audio.contains("m=audio 40000 ") && audio.contains("m=image 0 "),
        "{audio}"
    );
    let both = said(&[AUDIO, FAX]).unwrap();
    assert!(
        both.contains("m=audio 40000 ") && both.contains("m=image 40020 "),
        "{both}"
    );
    assert_eq!(said(&[&off, fax_off]), Err(Refusal::NoAudio));
    let alone = read(&[FAX]);
    assert_eq!(
        answer(&alone, &read(&[fax_off]), &mut known(), able(), &[]),
        Err(Refusal::NoAudio)
    );
    let text = answer(&alone, &read(&[FAX]), &mut known(), able(), &[]).unwrap();
    assert!(text.contains("m=image 40020 udptl t38\r\n"), "{text}");
}

#[test]
fn a_fax_is_refused_where_there_is_no_port_no_plain_way_or_no_phone() {
    for lines in [&[FAX][..], &[AUDIO, FAX]] {
        let refused = offer(&read(lines), &mut known(), anchor(), &[]);
        match lines.len() {
            1 => assert_eq!(refused, Err(Refusal::NoAudio)),
            _ => assert!(refused.unwrap().contains("m=image 0 udptl t38\r\n")),
        }
    }
    // A first offer has audio.
    assert_eq!(sdp::acceptable(&read(&[FAX]), &[]), Err(Refusal::NoAudio));
    let guarded = Admit {
        keys: true,
        dtls: true,
        plain: false,
    };
    let said = Description::parse_with(text(&[FAX]).as_bytes(), guarded).unwrap();
    assert!(said.fax().is_none(), "it can't be protected");
    assert!(serve(&read(&[FAX]), &mut known(), able().unwrap(), &[]).is_err());
    let served = serve(&read(&[AUDIO, FAX, VIDEO]), &mut known(), able().unwrap(), &[]).unwrap();
    assert!(
        served.contains("m=image 0 ") && served.contains("m=video 0 "),
        "{served}"
    );
}

#[test]
fn pictures_pass_with_formats_parameters_feedback_and_bandwidth() {
    let from = read(&[AUDIO, VIDEO]);
    assert!(from.video(&[]).is_some());
    let text = offer(&from, &mut Side::new(7), able(), &[]).unwrap();
    let at = text.find("m=video").unwrap();
    shows(
        &text[at..],
        &expect![[r#"
            m=video 40010 RTP/AVPF 97 98
            c=IN IP4 198.51.100.1
            b=AS:512
            b=TIAS:512000
            a=rtpmap:97 H264/90000
            a=fmtp:97 profile-level-id=42801F;packetization-mode=1
            a=rtpmap:98 VP8/90000
            a=rtcp-fb:* nack pli
            a=rtcp-fb:97 ccm fir
            a=sendrecv
        "#]],
    );
    let theirs = read(&[
        AUDIO,
        "m=video 5002 RTP/AVPF 100|a=rtpmap:100 VP8/90000|a=rtcp-fb:100 nack|a=rtcp-fb:100 nack pli|a=sendonly",
    ]);
    let text = answer(&from, &theirs, &mut Side::new(8), able(), &[]).unwrap();
    let at = text.find("m=video").unwrap();
    shows(
        &text[at..],
        &expect![[r#"
            m=video 40010 RTP/AVPF 100
            c=IN IP4 198.51.100.1
            a=rtpmap:100 VP8/90000
            a=rtcp-fb:100 nack
            a=rtcp-fb:100 nack pli
            a=sendonly
        "#]],
    );
    assert!(text.starts_with("v=0") && text.contains("m=audio 40000 "));
}

#[test]
fn pictures_are_refused_and_the_call_goes_on() {
    let from = read(&[AUDIO, VIDEO]);
    let refused = |text: &str| text.contains("m=video 0 ") && text.contains("m=audio 40000 ");
    let no_port = offer(&from, &mut Side::new(7), anchor(), &[]).unwrap();
    assert!(refused(&no_port), "{no_port}");
    let not_allowed = offer(&from, &mut Side::new(7), able(), &["pcmu".into()]).unwrap();
    assert!(refused(&not_allowed), "{not_allowed}");
    for theirs in [
        &[AUDIO][..],
        &[AUDIO, "m=video 0 RTP/AVPF 97"],
        &[AUDIO, "m=video 5002 RTP/AVPF 96|a=rtpmap:96 H265/90000"],
    ] {
        let text = answer(&from, &read(theirs), &mut Side::new(8), able(), &[]).unwrap();
        assert!(refused(&text), "{text}");
    }
    // Pictures alone are no call, and later neither.
    assert_eq!(sdp::acceptable(&read(&[VIDEO]), &[]), Err(Refusal::NoAudio));
    let off = AUDIO.replace("4000", "0");
    let text = offer(&read(&[&off, VIDEO]), &mut known(), able(), &[]).unwrap();
    assert!(
        text.contains("m=audio 0 ") && text.contains("m=video 0 "),
        "{text}"
    );
}

/// Two streams under one key could use one key stream.
#[test]
fn pictures_have_keys_of_their_own() {
    let mut side = Side::new(7);
    side.protect(Keyring::new(|| 0x5A5A_5A5A_5A5A_5A5A), Protection::Demanded);
    side.protect_video(Keyring::new(|| 0xA5A5_A5A5_A5A5_A5A5));
    let text = offer(&read(&[AUDIO, VIDEO]), &mut side, able(), &[]).unwrap();
    let (audio, video) = text.split_at(text.find("m=video").unwrap());
    assert!(audio.contains("RTP/SAVP ") && audio.contains("inline:Wlpa") && !audio.contains("inline:paWl"));
    assert!(
        video.starts_with("m=video 40010 RTP/SAVPF ") && video.contains("inline:paWl"),
        "{video}"
    );
    assert!(!video.contains("inline:Wlpa"));
    let key = |letter: char| {
        format!(
            "a=crypto:3 AES_CM_128_HMAC_SHA1_80 inline:{}",
            String::from(letter).repeat(40)
        )
    };
    let theirs = [
        format!("m=audio 4000 RTP/SAVP 0|{}", key('B')),
        format!("m=video 4002 RTP/SAVPF 97|a=rtpmap:97 H264/90000|{}", key('C')),
    ];
    let said = self::text(&[&theirs[0], &theirs[1]]);
    let said = Description::parse_answer(said.as_bytes(), &mut side, false).unwrap();
    let [audio, video] = [said.audio(&[]), said.video(&[])].map(Option::unwrap);
    let (audio, video) = (side.srtp(audio).unwrap(), side.srtp(video).unwrap());
    assert!(audio.ours != video.ours && audio.theirs != video.theirs);
    let again = offer(&read(&[AUDIO, VIDEO]), &mut side, able(), &[]).unwrap();
    assert_eq!(
        again.matches("a=crypto:1 AES_CM_128_HMAC_SHA1_80").count(),
        2,
        "{again}"
    );
    side.rekey_video(Keyring::new(|| 1));
    let renewed = offer(&read(&[AUDIO, VIDEO]), &mut side, able(), &[]).unwrap();
    assert!(
        renewed.contains("inline:Wlpa") && !renewed.contains("inline:paWl"),
        "{renewed}"
    );
}

#[test]
fn what_is_kept_of_them_reads_back_the_same() {
    let said = read(&[AUDIO, VIDEO, FAX]);
    let again = Description::parse(said.text().as_bytes()).unwrap();
    assert_eq!(again, said);
}

/// It would come to a call without any stream.
#[test]
fn audio_that_makes_room_for_a_fax_is_not_switched_off() {
    let off = AUDIO.replace("4000", "0");
    let from = read(&[&off, FAX]);
    assert_eq!(offer(&from, &mut known(), anchor(), &[]), Err(Refusal::NoAudio));
    let both = [off.as_str(), "m=image 0 udptl t38"];
    assert_eq!(
        answer(&from, &read(&both), &mut known(), anchor(), &[]),
        Err(Refusal::NoAudio)
    );
    assert!(offer(&read(&both), &mut known(), anchor(), &[]).is_ok());
}

#[test]
fn pictures_that_only_come_are_no_silence() {
    for (audio, video, expected) in [
        ("sendrecv", "recvonly", false),
        ("recvonly", "sendrecv", true),
        ("inactive", "inactive", true),
    ] {
        let audio = format!("{AUDIO}|a={audio}");
        let video = VIDEO.replace("a=sendrecv", &format!("a={video}"));
        let mut side = known();
        offer(&read(&[&audio, &video]), &mut side, able(), &[]).unwrap();
        assert_eq!(side.has_offered_silence(), expected, "{audio}");
    }
}

/// Each stream has an association of its own, in which either may have begun.
#[test]
fn pictures_have_a_role_of_their_own_in_dtls() {
    let hash = ["AB"; 32].join(":");
    let stream = |kind: &str, port: u16, pt: &str, setup: &str| {
        format!("m={kind} {port} UDP/TLS/RTP/SAVP {pt}|a=fingerprint:sha-256 {hash}|a=setup:{setup}")
    };
    let said = |audio: &str, video: &str| {
        let pictures = stream("video", 4002, "97|a=rtpmap:97 H264/90000", video);
        text(&[&stream("audio", 4000, "0", audio), &pictures])
    };
    let plain = read(&[AUDIO, VIDEO]);
    for (audio, video) in [("active", "passive"), ("passive", "active"), ("active", "active")] {
        let mut side = Side::new(7);
        side.speak_web(Credentials::new(|| 3), [1, 2], 0, "sha-256 CD".into());
        side.ask_for_dtls();
        let offered = offer(&plain, &mut side, able(), &[]).unwrap();
        assert_eq!(offered.matches("a=setup:actpass").count(), 2, "{offered}");
        let answered = said(audio, video);
        let answered = Description::parse_answer(answered.as_bytes(), &mut side, true).unwrap();
        let active = |side: &Side, said: &Description| {
            [0, 1].map(|at| side.web_path(&said.media()[at]).unwrap().active)
        };
        let roles = active(&side, &answered);
        assert_eq!(roles, [audio == "passive", video == "passive"]);
        // Whoever may choose keeps the roles that there are (RFC 5763 section 5).
        let admit = Admit {
            keys: false,
            dtls: true,
            plain: true,
        };
        let again = said("actpass", "actpass");
        let again = Description::parse_with(again.as_bytes(), admit).unwrap();
        let text = answer(&again, &plain, &mut side, able(), &[]).unwrap();
        let setups: Vec<&str> = text
            .lines()
            .filter_map(|line| line.strip_prefix("a=setup:"))
            .collect();
        let word = |active: bool| if active { "active" } else { "passive" };
        assert_eq!(setups, roles.map(word), "{text}");
        assert_eq!(active(&side, &again), roles);
    }
}
