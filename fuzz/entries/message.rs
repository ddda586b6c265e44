//! One datagram: parsed, judged, read in every way, answered. Shared by the fuzz target and the tests of `sip`.
//!
//! What must hold: nothing panics; what was judged acceptable can be answered and opens a dialog only with what
//! that needs; our answer is a message again and holds no header that we did not put there.

use sip::digest::Credentials;
use sip::{Dialog, Message, Method, Name, Scheme, Support, Verdict, Writer, validate};
use std::net::SocketAddr;

const SUPPORT: Support<'_> = Support {
    methods: &[
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Register,
        Method::Options,
    ],
    extensions: &["path", "outbound"],
    bodies: &["application/sdp"],
    schemes: &[Scheme::Sip, Scheme::Sips, Scheme::Tel],
    max_bytes: 16_384,
    max_body_bytes: 8_192,
};

/// One input.
pub(crate) fn run(data: &[u8]) {
    let Ok(mut message) = Message::parse(data) else {
        return;
    };
    read(&message);
    let verdict = validate(&mut message, &SUPPORT);
    read(&message);
    if message.is_request() && !matches!(verdict, Verdict::Drop(_)) {
        reply(&message);
    }
    if verdict == Verdict::Accept {
        assert!(message.top_via().is_ok() && message.call_id().is_ok() && message.cseq().is_ok());
        assert!(message.from().is_ok() && message.to().is_ok());
        let _ = Dialog::uas(&message, "local");
    }
}

fn read(message: &Message<'_>) {
    let _ = (
        message.top_via(),
        message.max_forwards(),
        message.expires(),
        message.call_id(),
    );
    let _ = (message.cseq(), message.status_line(), message.content_length());
    for address in [message.from(), message.to()].into_iter().flatten() {
        let _ = (address.tag(), address.display_unquoted());
        if let Ok(uri) = address.uri() {
            assert!(uri.equivalent(&uri));
            let _ = (uri.canonical(), uri.user_decoded());
        }
    }
    for contact in message.contacts().iter().into_iter().flatten().flatten() {
        assert!(contact.q_milli.is_none_or(|q| q <= 1000));
    }
    for (name, written, value) in message.fields() {
        assert_eq!(Name::parse(written), name);
        let _ = (message.list(name).count(), Credentials::parse(value));
    }
    assert!(message.bytes().ends_with(message.body()));
}

fn reply(request: &Message<'_>) {
    let source = SocketAddr::from(([192, 0, 2, 7], 5060));
    let answer = Writer::reply(request, 400, "Bad Request", Some("tag"), source).finish();
    let parsed =
        Message::parse(&answer).map(|m| (m.status_line().map(|l| l.code), m.fields().count(), m.defect()));
    assert!(
        answer.len() < 2 * request.bytes().len() + 200,
        "an answer must not amplify"
    );
    let blank = |line: &str| line.trim_matches([',', ' ', '\t', '\r', '\n']).is_empty();
    let mut expected = request.headers(Name::Via).filter(|line| !blank(line)).count() + 1;
    for name in [Name::From, Name::To, Name::CallId, Name::CSeq] {
        expected += usize::from(request.header(name).is_some());
    }
    assert_eq!(parsed.ok(), Some((Some(400), expected, None)));
}
