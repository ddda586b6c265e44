//! Browsers (RFC 8829): what Chromium and Firefox write is read, what they need is written, and nothing of it crosses to the other
//! leg.

use crate::anchor;
use expect_test::{Expect, expect};
use sdp::{
    Admit, Anchor, Credentials, Description, Digest, Direction, Fragment, Refusal, Setup, Side, Web, answer,
    offer, propose, serve,
};

const WEB: Admit = Admit {
    keys: true,
    dtls: true,
    plain: true,
};
const PROTECTED: Admit = Admit { plain: false, ..WEB };
const NO_WEB: Admit = Admit { dtls: false, ..WEB };

/// Chromium 140, audio and video, as `createOffer` has it (codecs of the video shortened).
const CHROMIUM: &str = include_str!("web/chromium-offer.sdp");
/// Chromium's answer to an offer of ours.
const CHROMIUM_ANSWER: &str = include_str!("web/chromium-answer.sdp");
/// Firefox 140: what goes for all streams stands above them.
const FIREFOX: &str = include_str!("web/firefox-offer.sdp");
const OURS: &str = "sha-256 0F:0F";

fn read(text: &str, admit: Admit) -> Description {
    Description::parse_with(crlf(text).as_bytes(), admit).unwrap()
}

fn crlf(text: &str) -> String {
    text.lines().map(|line| format!("{line}\r\n")).collect()
}

fn web(description: &Description) -> &Web {
    description.media()[0].web.as_deref().unwrap()
}

fn credentials(letter: u64) -> Credentials {
    Credentials::new(|| letter)
}

/// A leg that is asked for DTLS-SRTP.
fn browser() -> Side {
    let mut side = Side::new(7);
    side.speak_web(credentials(0), [1, 2], 0, OURS.into());
    side.ask_for_web();
    side
}

fn shows(text: &str, expected: &Expect) {
    expected.assert_eq(&text.replace("\r\n", "\n"));
}

fn plain_answer() -> Description {
    let text = "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 126\r\na=rtpmap:126 telephone-event/8000\r\n";
    Description::parse(text.as_bytes()).unwrap()
}

#[test]
fn chromium_is_read() {
    let offer = read(CHROMIUM, WEB);
    let web = web(&offer);
    let ice = web.ice.as_ref().unwrap();
    assert_eq!(&*ice.ufrag, "eJ9y");
    assert_eq!(&*ice.pwd, "UqRpMwVqC2XAUpdPSBQOPcBV");
    assert!(
        !format!("{offer:?}").contains("UqRpMwVq"),
        "passwords don't print"
    );
    assert_eq!(web.setup, Setup::ActPass);
    assert!(!web.lite);
    assert_eq!(web.fingerprints.len(), 1);
    assert_eq!(web.fingerprints[0].digest, Digest::Sha256);
    assert_eq!(web.fingerprints[0].octets[..2], [0xA1, 0x0B]);
    let addresses: Vec<String> = web.candidates.iter().map(|c| c.address.to_string()).collect();
    assert_eq!(
        addresses,
        ["192.0.2.77:51234", "[2001:db8::77]:51235", "203.0.113.5:49999"]
    );
    let audio = offer.audio(&[]).unwrap();
    assert!(audio.is_protected() && !audio.is_held());
    assert_eq!(audio.effective_direction(), Direction::SendRecv);
}

#[test]
fn firefox_is_read_from_the_lines_above_its_streams() {
    let offer = read(FIREFOX, PROTECTED);
    let web = web(&offer);
    assert_eq!(&*web.ice.as_ref().unwrap().ufrag, "d3f1a0b2");
    assert_eq!(web.fingerprints[0].octets.len(), 32);
    assert_eq!(web.candidates.len(), 1, "mDNS names and TCP are left out");
    // 0.0.0.0 means that no candidate was there yet, and not hold.
    assert!(!offer.is_held(&[]));
}

#[test]
fn a_browser_is_answered_under_its_names_and_video_is_left_out_of_the_bundle() {
    let offered = read(CHROMIUM, WEB);
    let mut side = browser();
    let text = answer(&offered, &plain_answer(), &mut side, anchor(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
        v=0
        o=- 7 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        a=group:BUNDLE 0
        m=audio 40000 UDP/TLS/RTP/SAVPF 0 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:126 telephone-event/8000
        a=rtcp-mux
        a=mid:0
        a=ice-ufrag:AAAAAAAA
        a=ice-pwd:AAAAAAAAAAAAAAAAAAAAAAAA
        a=candidate:1 1 udp 2130706431 198.51.100.1 40000 typ host
        a=end-of-candidates
        a=fingerprint:sha-256 0F:0F
        a=setup:passive
        a=msid:carillon audio
        a=sendrecv
        m=video 0 UDP/TLS/RTP/SAVPF 96
        a=mid:1
    "#]],
    );
    let path = side.web_path(&offered.media()[0]).unwrap();
    assert!(
        !path.controlling && !path.active,
        "who offers nominates, and begins the handshake"
    );
    assert!(side.is_web() && side.suite().is_none());
}

#[test]
fn a_browser_is_offered_what_it_needs_and_a_phone_gets_nothing_of_it() {
    let mut side = browser();
    let text = offer(&plain_answer(), &mut side, anchor(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
        v=0
        o=- 7 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        a=group:BUNDLE 0
        m=audio 40000 UDP/TLS/RTP/SAVPF 0 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:126 telephone-event/8000
        a=rtcp-mux
        a=mid:0
        a=ice-ufrag:AAAAAAAA
        a=ice-pwd:AAAAAAAAAAAAAAAAAAAAAAAA
        a=candidate:1 1 udp 2130706431 198.51.100.1 40000 typ host
        a=end-of-candidates
        a=fingerprint:sha-256 0F:0F
        a=setup:actpass
        a=msid:carillon audio
        a=sendrecv
    "#]],
    );
    let answered = Description::parse_answer(crlf(CHROMIUM_ANSWER).as_bytes(), &mut side, false).unwrap();
    let path = side.web_path(&answered.media()[0]).unwrap();
    assert!(path.controlling && !path.active);
    let mut phone = Side::new(9);
    let told = answer(&plain_answer(), &answered, &mut phone, anchor(), &[]).unwrap();
    shows(
        &told,
        &expect![[r#"
        v=0
        o=- 9 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 RTP/AVP 0 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:126 telephone-event/8000
        a=sendrecv
    "#]],
    );
    // The same again is the same text, and the browser keeps its roles.
    assert_eq!(offer(&plain_answer(), &mut side, anchor(), &[]).unwrap(), text);
}

/// A page may know Opus alone.
#[test]
fn a_browser_is_offered_what_the_server_speaks_for_a_phone() {
    let text =
        "v=0\r\no=- 1 1 IN IP4 192.0.2.9\r\ns=-\r\nc=IN IP4 192.0.2.9\r\nt=0 0\r\nm=audio 4000 RTP/AVP 8\r\n";
    let phone = Description::parse(text.as_bytes()).unwrap();
    let transcodes = anchor().map(|anchor| Anchor {
        transcodes: true,
        ..anchor
    });
    let mut side = browser();
    let text = offer(&phone, &mut side, transcodes, &[]).unwrap();
    let formats = text.lines().find(|line| line.starts_with("m=audio"));
    assert_eq!(formats, Some("m=audio 40000 UDP/TLS/RTP/SAVPF 8 0 9 111"));
}

#[test]
fn a_phone_is_offered_the_browsers_codecs_alone() {
    let offered = read(CHROMIUM, WEB);
    let text = offer(
        &offered,
        &mut Side::new(3),
        anchor(),
        &["pcmu".into(), "telephone-event".into()],
    )
    .unwrap();
    shows(
        &text,
        &expect![[r#"
        v=0
        o=- 3 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 RTP/AVP 0 110 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:110 telephone-event/48000
        a=rtpmap:126 telephone-event/8000
        a=sendrecv
        m=video 0 UDP/TLS/RTP/SAVPF 96
    "#]],
    );
}

#[test]
fn what_is_incomplete_or_not_admitted_is_refused() {
    let reason = |text: &str, admit: Admit| sdp::acceptable(&read(text, admit), &[]).err();
    assert_eq!(reason(CHROMIUM, WEB), None);
    assert_eq!(reason(CHROMIUM, NO_WEB), Some(Refusal::Transport));
    for gone in [
        "a=ice-ufrag:",
        "a=ice-pwd:",
        "a=fingerprint:",
        "a=setup:",
        "a=rtcp-mux",
    ] {
        let without: String = CHROMIUM
            .lines()
            .filter(|l| !l.starts_with(gone))
            .map(|l| format!("{l}\n"))
            .collect();
        assert_eq!(reason(&without, WEB), Some(Refusal::Transport), "{gone}");
    }
    for (from, to) in [
        ("a=ice-ufrag:eJ9y", "a=ice-ufrag:eJ"),
        ("a=ice-pwd:UqRpMwVqC2XAUpdPSBQOPcBV", "a=ice-pwd:short"),
        ("fingerprint:sha-256", "fingerprint:sha-1"),
        ("a=fingerprint:sha-256 A1", "a=fingerprint:sha-256 +1"),
        ("a=fingerprint:sha-256 A1:", "a=fingerprint:sha-256 "),
        ("a=setup:actpass", "a=setup:holdconn"),
    ] {
        assert_eq!(
            reason(&CHROMIUM.replace(from, to), WEB),
            Some(Refusal::Transport),
            "{to}"
        );
    }
    // A leg that was not asked can't answer so, and one that has no credentials of ours can't be answered.
    let mut side = Side::new(1);
    let answered = Description::parse_answer(crlf(CHROMIUM_ANSWER).as_bytes(), &mut side, true).unwrap();
    assert!(answered.media()[0].web.is_none());
    let failed = answer(
        &read(CHROMIUM, WEB),
        &plain_answer(),
        &mut Side::new(1),
        anchor(),
        &[],
    );
    assert_eq!(failed, Err(Refusal::Transport));
}

#[test]
fn a_restart_of_ice_renews_our_credentials_once_it_is_answered() {
    let first = read(CHROMIUM, WEB);
    let mut side = browser();
    let before = answer(&first, &plain_answer(), &mut side, anchor(), &[]).unwrap();
    let again = read(&CHROMIUM.replace("eJ9y", "k0Lm"), WEB);
    assert!(!side.is_restarted_by(&first.media()[0]));
    assert!(side.is_restarted_by(&again.media()[0]));
    side.restart_ice(credentials(u64::MAX));
    assert_eq!(
        answer(&first, &plain_answer(), &mut side, anchor(), &[]).unwrap(),
        before
    );
    side.restart_ice(credentials(u64::MAX));
    let after = answer(&again, &plain_answer(), &mut side, anchor(), &[]).unwrap();
    assert!(before.contains("a=ice-ufrag:AAAAAAAA") && after.contains("a=ice-ufrag:////////"));
    assert!(after.contains("a=setup:passive"), "the association goes on");
}

#[test]
fn another_session_shows_another_certificate() {
    let mut side = browser();
    answer(&read(CHROMIUM, WEB), &plain_answer(), &mut side, anchor(), &[]).unwrap();
    assert_eq!(side.certificate(), Some(0));
    side.restart_web(credentials(1), 1, "sha-256 F0:F0".into());
    let text = offer(&plain_answer(), &mut side, anchor(), &[]).unwrap();
    assert!(text.contains("a=fingerprint:sha-256 F0:F0\r\na=setup:actpass"));
    // The video line that the browser knows stays, refused; the audio stays where it was.
    assert!(text.contains("a=mid:0") && text.contains("m=video 0 UDP/TLS/RTP/SAVPF 96\r\na=mid:1\r\n"));
    assert_eq!(side.certificate(), Some(1));
}

#[test]
fn a_lite_agent_and_one_that_waits_are_led() {
    let lite = CHROMIUM
        .replace("a=group", "a=ice-lite\na=group")
        .replace("actpass", "passive");
    let offered = read(&lite, WEB);
    let mut side = browser();
    let text = answer(&offered, &plain_answer(), &mut side, anchor(), &[]).unwrap();
    assert!(text.contains("a=setup:active"));
    let path = side.web_path(&offered.media()[0]).unwrap();
    assert!(path.controlling && path.active && path.theirs.lite);
}

#[test]
fn the_server_itself_talks_to_browsers() {
    let mut side = browser();
    let at: Anchor = anchor().unwrap();
    let text = serve(&read(CHROMIUM, WEB), &mut side, at, &[]).unwrap();
    assert!(
        text.contains("UDP/TLS/RTP/SAVPF 111 110\r\n") && text.contains("a=group:BUNDLE 0"),
        "{text}"
    );
    let mut side = browser();
    assert!(propose(&mut side, at, &[]).unwrap().contains("a=setup:actpass"));
}

#[test]
fn candidates_that_come_later_are_added_once() {
    let mut offered = read(CHROMIUM, WEB);
    let before = web(&offered).candidates.len();
    let fragment = |ufrag: &str, lines: &str| {
        let text = format!(
            "a=ice-ufrag:{ufrag}\r\na=ice-pwd:UqRpMwVqC2XAUpdPSBQOPcBV\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\na=mid:0\r\n{lines}"
        );
        Fragment::parse(text.as_bytes())
    };
    let news = "a=candidate:9 1 udp 41885439 203.0.113.99 3478 typ relay raddr 0.0.0.0 rport 0\r\na=end-of-candidates\r\n";
    assert!(!offered.trickle(&fragment("other", news)));
    assert!(offered.trickle(&fragment("eJ9y", news)));
    assert!(!offered.trickle(&fragment("eJ9y", news)));
    assert_eq!(web(&offered).candidates.len(), before + 1);
    let many: String = (1..200)
        .map(|n| format!("a=candidate:1 1 udp 1 192.0.2.{n} 9 typ host\r\n"))
        .collect();
    offered.trickle(&fragment("eJ9y", &many));
    assert_eq!(web(&offered).candidates.len(), sdp::MAX_CANDIDATES);
    for bad in [
        "1 1 tcp 1 192.0.2.1 9 typ host tcptype active",
        "1 2 udp 1 192.0.2.1 9 typ host",
        "1 1 udp 1 5c0f.local 9 typ host",
        "1 1 udp 1 239.1.1.1 9 typ host",
        "1 1 udp 1 255.255.255.255 9 typ host",
        "1 1 udp 1 192.0.2.1 0 typ host",
        "1 1 udp 99999999999 192.0.2.1 9 typ host",
        "1 1 udp 1 192.0.2.1 9",
        "",
    ] {
        assert_eq!(sdp::Candidate::parse(bad), None, "{bad}");
    }
}

/// baresip 1.0 with `mediaenc=dtls_srtp`.
const BARESIP: &str = include_str!("web/baresip-offer.sdp");

/// A leg that may speak DTLS-SRTP, and is asked for it without ICE.
fn guarded() -> Side {
    let mut side = Side::new(7);
    side.speak_web(credentials(0), [1, 2], 0, OURS.into());
    side.ask_for_dtls();
    side
}

#[test]
fn a_phone_with_dtls_and_no_ice_is_answered_so() {
    let offered = read(BARESIP, PROTECTED);
    let theirs = web(&offered);
    assert!(theirs.ice.is_none() && theirs.candidates.is_empty());
    assert_eq!((theirs.setup, theirs.fingerprints.len()), (Setup::ActPass, 1));
    assert_eq!(
        sdp::acceptable(&read(BARESIP, NO_WEB), &[]),
        Err(Refusal::Transport)
    );
    let mut side = guarded();
    let text = answer(&offered, &plain_answer(), &mut side, anchor(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
        v=0
        o=- 7 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 UDP/TLS/RTP/SAVPF 0 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:126 telephone-event/8000
        a=fingerprint:sha-256 0F:0F
        a=setup:passive
        a=sendrecv
    "#]],
    );
    let path = side.web_path(&offered.media()[0]).unwrap();
    assert!(!path.active && path.theirs.ice.is_none());
    assert!(side.is_web() && side.suite().is_none());
    // Its profile is kept in offers of ours, and RTCP comes the same way where both say so.
    let again = offer(&plain_answer(), &mut side, anchor(), &[]).unwrap();
    assert!(
        again.contains("UDP/TLS/RTP/SAVPF 0 126\r\n") && !again.contains("a=ice-"),
        "{again}"
    );
    let mux = read(
        &BARESIP.replace("a=sendrecv", "a=rtcp-mux\na=sendrecv"),
        PROTECTED,
    );
    let text = answer(&mux, &plain_answer(), &mut guarded(), anchor(), &[]).unwrap();
    assert_eq!(text.matches("a=rtcp-mux\r\n").count(), 1, "{text}");
    let at = |said: &Description| said.media()[0].rtcp_address().unwrap().port();
    assert_eq!((at(&offered), at(&mux)), (10001, 10000));
}

#[test]
fn a_phone_is_asked_for_dtls_without_ice() {
    let mut side = guarded();
    let text = offer(&plain_answer(), &mut side, anchor(), &[]).unwrap();
    shows(
        &text,
        &expect![[r#"
        v=0
        o=- 7 1 IN IP4 198.51.100.1
        s=-
        c=IN IP4 198.51.100.1
        t=0 0
        m=audio 40000 UDP/TLS/RTP/SAVP 0 126
        a=rtpmap:0 PCMU/8000
        a=rtpmap:126 telephone-event/8000
        a=rtcp-mux
        a=fingerprint:sha-256 0F:0F
        a=setup:actpass
        a=sendrecv
    "#]],
    );
    let answered = BARESIP.replace("SAVPF", "SAVP").replace("actpass", "active");
    let read_answer =
        |text: &str, side: &mut Side| Description::parse_answer(crlf(text).as_bytes(), side, false).unwrap();
    let with_ice = answered.replace(
        "a=sendrecv",
        "a=ice-ufrag:eJ9y\na=ice-pwd:UqRpMwVqC2XAUpdPSBQOPcBV\na=rtcp-mux\na=sendrecv",
    );
    // ICE that nobody offered is not taken up.
    assert!(web(&read_answer(&with_ice, &mut side.clone())).ice.is_none());
    let said = read_answer(&answered, &mut side);
    assert!(said.audio(&[]).unwrap().is_protected() && side.is_web());
    assert!(!side.web_path(&said.media()[0]).unwrap().active);
    // An offer with ICE may be answered without, where a phone speaks over WebSocket.
    let mut asked = browser();
    offer(&plain_answer(), &mut asked, anchor(), &[]).unwrap();
    assert!(web(&read_answer(&answered, &mut asked)).ice.is_none());
    let again = offer(&plain_answer(), &mut asked, anchor(), &[]).unwrap();
    assert!(
        !again.contains("a=ice-") && again.contains("a=fingerprint:"),
        "{again}"
    );
    // What has moved to a way where no fingerprint counts is not said again.
    side.forget_keys(true);
    assert_eq!(side.again(), None);
}

#[test]
fn hold_by_address_is_hold_without_ice() {
    let held = read(&BARESIP.replace("IN IP4 192.0.2.10", "IN IP4 0.0.0.0"), WEB);
    assert!(held.is_held(&[]));
}
