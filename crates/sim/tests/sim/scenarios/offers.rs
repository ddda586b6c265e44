//! INVITEs that can't become a call, and what the offer decides.

use super::by_hand::{code, field, request, sdp};
use super::{Hand, Scene};
use expect_test::expect;
use model::Policy;
use sim::phone::Answer;

/// Sends an INVITE of 101 to 102 with this body and more headers, authenticated; gives status and Warning.
fn invited(policy: Policy, headers: &str, body: &str) -> (Scene, Hand, String) {
    let mut scene = Scene::with(policy);
    scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "offer", 1);
    let answer = hand.insists(&mut scene, "101", &format!("{invite}{headers}"), body);
    (scene, hand, answer)
}

/// The outcome of an INVITE with this body.
fn outcome(body: &str) -> String {
    let (scene, _, answer) = invited(Policy::default(), "", body);
    assert_eq!(scene.world.server.cdrs.len(), 0, "a refused INVITE is no call");
    format!("{} {}", code(&answer), field(&answer, "Warning"))
}

const HEAD: &str = "v=0\r\no=- 1 1 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\n";

#[test]
fn descriptions_that_are_refused() {
    let bodies = [
        ("not a description", "hello\r\n".to_owned()),
        ("cut off", "v=0\r\no=- 1 1 IN IP4\r\n".to_owned()),
        (
            "no audio",
            format!("{HEAD}m=video 4000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"),
        ),
        ("SRTP only", format!("{HEAD}m=audio 4000 RTP/SAVP 0\r\n")),
        ("switched off", format!("{HEAD}m=audio 0 RTP/AVP 0\r\n")),
    ];
    let text: String = bodies
        .iter()
        .map(|(name, body)| format!("{name}: {}\n", outcome(body)))
        .collect();
    expect![[r#"
        not a description: 400 Warning: 399 carillon "session description, line 1: a line is one letter, =, and a value"
        cut off: 400 Warning: 399 carillon "session description, line 2: o= needs username, id, version, IN, address type and address"
        no audio: 488 Warning: 399 carillon "no audio stream in the session description"
        SRTP only: 488 Warning: 399 carillon "audio is offered only over a transport that is unsupported or not allowed"
        switched off: 488 Warning: 399 carillon "no audio stream in the session description"
    "#]].assert_eq(&text);
}

#[test]
fn a_codec_that_the_policy_does_not_allow() {
    let policy = Policy {
        codecs: vec!["opus".to_owned()],
        ..Policy::default()
    };
    let (mut scene, _, answer) = invited(policy, "", &sdp("10.0.2.1:1".parse().unwrap(), 4000, ""));
    assert_eq!(code(&answer), 488);
    scene.ends(expect![[r#"
        10         hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        11       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        20         hand -> server   ACK 102
        30         hand -> server   INVITE 102 +credentials {10.0.2.1:4000 0,8}
        31       server -> hand     488 Not Acceptable Here (INVITE) Warning 399 carillon "no audio codec in common"
    "#]]);
}

#[test]
fn phones_without_a_codec_in_common() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let callee = scene.phone("102", Answer::PickUp(100));
    scene.act(caller, |phone, _| phone.codecs = vec![0]);
    scene.act(callee, |phone, _| phone.codecs = vec![18]);
    scene.call(caller, "102");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> acme/102 INVITE 102 {10.0.0.1:10002 0,8}
        4      acme/102 -> server   180 Ringing (INVITE)
        5        server -> acme/101 180 Ringing (INVITE)
        104    acme/102 -> server   488 Not Acceptable Here (INVITE)
        105      server -> acme/102 ACK 102
        105      server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        106    acme/101 -> server   ACK 102
        record 101 -> 102: 488/88 by Callee, rang (ring 102, media refused)
    "#]]);
}

#[test]
fn a_callee_that_answers_with_a_codec_nobody_offered() {
    let mut scene = Scene::new();
    let caller = scene.phone("101", Answer::Ring);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    hand.registers(&mut scene, "102", 1, "<sip:102@10.0.2.1>");
    scene.curtain();
    scene.call(caller, "102");
    scene.run(10);
    let invite = hand.hears(&mut scene).pop().expect("an INVITE");
    let answer =
        "v=0\r\no=- 7 7 IN IP4 10.0.2.1\r\ns=-\r\nc=IN IP4 10.0.2.1\r\nt=0 0\r\nm=audio 4000 RTP/AVP 18\r\n";
    hand.responds(&mut scene, &invite, 200, answer);
    let bye = hand.hears(&mut scene).pop().expect("a BYE");
    hand.responds(&mut scene, &bye, 200, "");
    scene.ends(expect![[r#"
        0      acme/101 -> server   INVITE 102 {10.0.1.2:6060 0,8}
        1        server -> acme/101 407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
        2      acme/101 -> server   ACK 102
        2      acme/101 -> server   INVITE 102 +credentials {10.0.1.2:6060 0,8}
        3        server -> acme/101 100 Trying (INVITE)
        3        server -> hand     INVITE 102 {10.0.0.1:10002 0,8}
        20         hand -> server   200 OK (INVITE) {10.0.2.1:4000 18}
        21       server -> hand     ACK hand
        21       server -> hand     BYE hand [SIP;cause=488;text="Not Acceptable Here"]
        21       server -> acme/101 488 Not Acceptable Here (INVITE) [Q.850;cause=88]
        22     acme/101 -> server   ACK 102
        30         hand -> server   200 OK (BYE)
        record 101 -> 102: 488/88 by Callee (ring 102, media refused)
    "#]]);
}

#[test]
fn a_video_stream_is_refused_and_the_audio_kept() {
    let offer = format!(
        "{HEAD}m=video 4002 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\nm=audio 4000 RTP/AVP 0\r\na=ptime:20\r\n"
    );
    let (_, _, answer) = invited(Policy::default(), "", &offer);
    let lines: Vec<_> = answer.lines().filter(|l| l.starts_with("m=")).collect();
    assert_eq!(lines, ["m=video 0 RTP/AVP 96", "m=audio 10000 RTP/AVP 0"]);
}

#[test]
fn a_request_with_no_hop_left_goes_nowhere() {
    let mut scene = Scene::new();
    scene.phone("102", Answer::PickUp(0));
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "hops", 1);
    let body = sdp(hand.at, 4000, "");
    hand.send_with(
        &mut scene,
        &invite.replace("Max-Forwards: 70", "Max-Forwards: 0"),
        &body,
    );
    scene.ends(expect![[r#"
        0          hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        1        server -> hand     483 Too Many Hops (INVITE)
    "#]]);
}

#[test]
fn a_hop_is_counted() {
    let mut scene = Scene::new();
    let mut callee = Hand::new(&mut scene, "callee", 2);
    callee.registers(&mut scene, "102", 1, "<sip:102@10.0.2.2>");
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "hops", 1);
    let body = sdp(hand.at, 4000, "");
    callee.hears(&mut scene);
    hand.insists(
        &mut scene,
        "101",
        &invite.replace("Max-Forwards: 70", "Max-Forwards: 5"),
        &body,
    );
    let forwarded = callee.hears(&mut scene).pop().expect("an INVITE");
    assert_eq!(field(&forwarded, "Max-Forwards"), "Max-Forwards: 4");
}

#[test]
fn the_same_request_over_two_paths_is_a_loop() {
    let (mut scene, mut hand, _) = invited(
        Policy::default(),
        "",
        &sdp("10.0.2.1:1".parse().unwrap(), 4000, ""),
    );
    let sent = scene
        .world
        .server
        .tenant(super::scene::ACME)
        .expect("acme")
        .counts()
        .calls;
    // The INVITE that was taken had the same CSeq: `insists` repeats it as it was.
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "offer", 1);
    let again = hand.asks_with(&mut scene, &invite, &sdp(hand.at, 4000, ""));
    assert_eq!(code(&again), 482);
    let now = scene
        .world
        .server
        .tenant(super::scene::ACME)
        .expect("acme")
        .counts()
        .calls;
    assert_eq!((sent, now), (1, 1));
}

#[test]
fn extensions_that_are_required_and_unknown() {
    let mut scene = Scene::new();
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "ext", 1);
    for line in [
        "Require: precondition",
        "Proxy-Require: privacy",
        "Supported: precondition, timer",
    ] {
        hand.send_with(&mut scene, &format!("{invite}\n{line}"), &sdp(hand.at, 4000, ""));
        scene.run(10);
    }
    scene.ends(expect![[r#"
        0          hand -> server   INVITE 102 Require precondition {10.0.2.1:4000 0,8}
        1        server -> hand     420 Bad Extension (INVITE) Unsupported precondition
        10         hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        11       server -> hand     420 Bad Extension (INVITE) Unsupported privacy
        20         hand -> server   INVITE 102 {10.0.2.1:4000 0,8}
        21       server -> hand     407 Proxy Authentication Required (INVITE) ?SHA-256 ?MD5
    "#]]);
}

#[test]
fn what_the_caller_wrote_about_himself_is_not_passed_on() {
    let mut scene = Scene::new();
    let mut callee = Hand::new(&mut scene, "callee", 2);
    let registered = callee.registers(&mut scene, "102", 1, "<sip:102@10.0.2.2?Subject=evil>");
    assert_eq!(code(&registered), 200, "{registered}");
    callee.hears(&mut scene);
    let mut hand = Hand::new(&mut scene, "hand", 1);
    let invite = request("INVITE", "101@acme.example", "102@acme.example", "trust", 1);
    let invite = invite.replace("From: <", "From: \"Root\\\" <sip:root@acme.example>\" <");
    let invite = format!(
        "{invite}\nP-Asserted-Identity: <sip:root@acme.example>\nDiversion: <sip:1@x>\nX-Internal : yes\nHistory-Info:\n \
         <sip:a@b>\nSubject: folded\n more\nAlert-Info: <http://x>\nCall-Info: <http://y>\nJoin: a;to-tag=b;from-tag=c"
    );
    let body = sdp(
        hand.at,
        4000,
        "a=candidate:1 1 UDP 1 10.0.2.1 4000 typ host\r\na=x-secret:1\r\n",
    );
    let answer = hand.insists(&mut scene, "101", &invite, &body);
    let forwarded = callee.hears(&mut scene).pop();
    let forwarded = forwarded.unwrap_or_else(|| panic!("no INVITE, but {answer}"));
    let blurred: String = forwarded
        .lines()
        .map(|line| match line.split_once(['=', ':']) {
            Some((name @ ("Via" | "Call-ID" | "Content-Length" | "o" | "From"), value)) => {
                format!(
                    "{name} {}\n",
                    value.split(";").next().filter(|_| name == "From").unwrap_or("…")
                )
            }
            _ => format!("{line}\n"),
        })
        .collect();
    expect![[r#"
        INVITE sip:102@10.0.2.2 SIP/2.0
        Via …
        Max-Forwards: 69
        From  "User 101" <sip:101@acme.example>
        To: <sip:102@acme.example>
        Call-ID …
        CSeq: 1 INVITE
        Contact: <sip:1@10.0.0.1:5060>
        Allow: INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, PRACK, UPDATE, INFO, SUBSCRIBE, PUBLISH, MESSAGE, REFER
        Supported: replaces, norefersub, 100rel, timer
        Session-Expires: 1800
        Min-SE: 90
        User-Agent: Carillon
        Content-Type: application/sdp
        Content-Length …

        v=0
        o …
        s=-
        c=IN IP4 10.0.0.1
        t=0 0
        m=audio 10002 RTP/AVP 0 8 9 111
        a=rtpmap:0 PCMU/8000
        a=rtpmap:8 PCMA/8000
        a=rtpmap:9 G722/8000
        a=rtpmap:111 opus/48000/2
        a=fmtp:111 useinbandfec=1
        a=sendrecv
    "#]]
    .assert_eq(&blurred);
}
