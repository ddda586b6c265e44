//! RFC 4475: what each of its messages must lead to.

use crate::corpus::{Case, rfc4475};
use sip::{Contacts, Frame, Framer, Message, Method, Name, ParseError, Scheme, Support, Verdict, validate};

pub(crate) const SUPPORT: Support<'static> = Support {
    methods: &[
        Method::Invite,
        Method::Ack,
        Method::Bye,
        Method::Cancel,
        Method::Register,
        Method::Options,
        Method::Info,
        Method::Message,
    ],
    extensions: &["path", "outbound"],
    bodies: &["application/sdp", "multipart/mixed"],
    schemes: &[Scheme::Sip, Scheme::Sips],
    max_bytes: 65_535,
    max_body_bytes: 32_768,
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Accept,
    Answer(u16),
    /// Answered, and a stream is closed after it.
    AnswerAndClose(u16),
    Drop,
    NotAMessage(ParseError),
}

use Outcome::{Accept, Answer, AnswerAndClose, Drop, NotAMessage};

const EXPECTED: [(&str, Outcome); 49] = [
    // 3.1.1: valid
    ("wsinv", Accept),
    ("intmeth", Answer(501)),
    ("esc01", Accept),
    ("escnull", Accept),
    ("esc02", Answer(501)),
    ("lwsdisp", Accept),
    ("longreq", Accept),
    ("dblreq", Accept),
    ("semiuri", Accept),
    ("transports", Accept),
    ("mpart01", Accept),
    ("unreason", Accept),
    ("noreason", Accept),
    // 3.1.2: invalid
    ("badinv01", Answer(400)),
    ("clerr", Answer(400)),
    ("ncl", AnswerAndClose(400)),
    ("scalar02", Answer(400)),
    ("scalarlg", Drop),
    ("quotbal", Answer(400)),
    ("ltgtruri", Answer(400)),
    ("lwsruri", Answer(400)),
    ("lwsstart", Answer(400)),
    ("trws", Answer(400)),
    ("escruri", Answer(400)),
    ("baddate", Accept),
    ("regbadct", Answer(400)),
    ("badaspec", Answer(400)),
    ("baddn", Answer(400)),
    ("badvers", Answer(505)),
    ("mismatch01", Answer(400)),
    ("mismatch02", Answer(501)),
    ("bigcode", NotAMessage(ParseError::StatusCode)),
    // 3.2: transaction layer
    ("badbranch", Answer(400)),
    // 3.3: application layer. What is accepted here is answered 401, 404 and the like further on.
    ("insuf", Answer(400)),
    ("unkscm", Answer(416)),
    ("novelsc", Answer(416)),
    ("unksm2", Answer(400)),
    ("bext01", Answer(420)),
    ("invut", Answer(415)),
    ("regaut01", Accept),
    ("multi01", Answer(400)),
    ("mcl01", AnswerAndClose(400)),
    ("bcast", Drop),
    ("zeromf", Accept),
    ("cparam01", Accept),
    ("cparam02", Accept),
    ("regescrt", Accept),
    ("sdp01", Answer(406)),
    // 3.4: RFC 2543
    ("inv2543", Accept),
];

fn outcome(octets: &[u8]) -> Outcome {
    let mut message = match Message::parse(octets) {
        Ok(message) => message,
        Err(error) => return NotAMessage(error),
    };
    match validate(&mut message, &SUPPORT) {
        Verdict::Accept => Accept,
        Verdict::Reject {
            code, close: false, ..
        } => Answer(code),
        Verdict::Reject {
            code, close: true, ..
        } => AnswerAndClose(code),
        Verdict::Drop(_) => Drop,
    }
}

#[test]
fn every_message_of_rfc_4475_has_the_outcome_the_rfc_wants() {
    let Some(cases) = rfc4475() else { return };
    let wrong: Vec<String> = EXPECTED
        .iter()
        .map(|(name, expected)| {
            let case = cases
                .iter()
                .find(|case| case.name == *name)
                .unwrap_or_else(|| panic!("{name} is not there"));
            (name, *expected, outcome(&case.octets))
        })
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| format!("{name}: expected {expected:?}, found {found:?}"))
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

fn with(name: &str, look: impl FnOnce(&Message<'_>)) {
    let Some(cases) = rfc4475() else { return };
    let case = cases.iter().find(|case| case.name == name).unwrap();
    look(&Message::parse(&case.octets).unwrap());
}

fn extra(message: &Message<'_>) -> (Name, String) {
    match validate(&mut message.clone(), &SUPPORT) {
        Verdict::Reject {
            extra: Some(extra), ..
        } => extra,
        other => panic!("{other:?}"),
    }
}

#[test]
fn answers_carry_what_the_sender_needs_to_do_better() {
    with("bext01", |m| {
        let tags = "nothingSupportsThis, nothingSupportsThisEither, noProxiesSupportThis, norDoAnyProxiesSupportThis";
        assert_eq!(extra(m), (Name::Unsupported, tags.to_owned()));
    });
    with("invut", |m| {
        assert_eq!(
            extra(m),
            (Name::Accept, "application/sdp, multipart/mixed".to_owned())
        )
    });
    with("esc02", |m| {
        let methods = "INVITE, ACK, BYE, CANCEL, REGISTER, OPTIONS, INFO, MESSAGE";
        assert_eq!(extra(m), (Name::Allow, methods.to_owned()));
    });
}

#[test]
fn white_space_and_folding_do_not_change_what_is_read() {
    with("wsinv", |m| {
        let via = m.top_via().unwrap();
        assert_eq!(
            (via.transport, via.host, via.branch),
            ("UDP", "192.0.2.2", Some("390skdjuw"))
        );
        assert_eq!(m.list(Name::Via).count(), 3);
        assert_eq!(m.from().unwrap().display_unquoted(), r#"J Rosenberg \""#);
        assert_eq!(m.from().unwrap().tag(), Some("98asjd8"));
        assert_eq!(m.to().unwrap().tag(), Some("1918181833n"));
        assert_eq!(m.cseq().unwrap().seq, 9);
        assert_eq!(m.max_forwards(), Some(Ok(68)));
        assert_eq!(m.header(Name::Subject), Some(""));
        assert_eq!(m.contacts().first().unwrap().q_milli, Some(330));
        assert_eq!(m.header_named("unknownheaderwithunusualvalue"), Some(";;,,;;,;"));
    });
}

#[test]
fn escapes_are_never_undone_before_the_parts_are_apart() {
    with("esc01", |m| {
        let line = m.request_line().unwrap();
        let uri = sip::Uri::parse(line.uri).unwrap();
        assert_eq!(
            (uri.user_decoded().as_ref(), uri.host),
            ("sips:user@example.com", "example.net")
        );
        let to = m.to().unwrap().uri().unwrap();
        assert_eq!(to.canonical(), "sip:user@example.com");
        let contact = m.contacts().first().unwrap().name_addr.uri().unwrap();
        assert_eq!(contact.param("lr"), Some(None));
        assert_eq!(contact.param("name"), Some(Some("v%61lue%25%34%31")));
    });
    with("escnull", |m| {
        let keys: Vec<String> = m
            .contacts()
            .iter()
            .unwrap()
            .map(|c| c.unwrap().name_addr.uri().unwrap().canonical())
            .collect();
        assert_eq!(
            keys,
            ["sip:%00@host5.example.com", "sip:%00%00@host5.example.com"]
        );
    });
    with("esc02", |m| {
        assert_eq!(m.method(), Some(Method::Other("RE%47IST%45R")));
        assert_eq!(m.contacts().iter().unwrap().count(), 2);
    });
    with("semiuri", |m| {
        let uri = sip::Uri::parse(m.request_line().unwrap().uri).unwrap();
        assert_eq!((uri.user, uri.params), (Some("user;par=u%40example.net"), ""));
        assert_eq!(uri.user_decoded(), "user;par=u@example.net");
    });
}

#[test]
fn octets_after_the_body_are_left_out() {
    with("dblreq", |m| {
        assert_eq!(m.method(), Some(Method::Register));
        assert!(m.body().is_empty());
        assert!(m.bytes().ends_with(b"Content-Length: 0\r\n\r\n"));
    });
    with("mpart01", |m| {
        assert_eq!(m.body().len(), 553);
        assert!(m.body().contains(&0));
    });
}

#[test]
fn parameters_of_a_contact_and_of_its_uri_stay_apart() {
    with("cparam01", |m| {
        let contact = m.contacts().first().unwrap();
        assert_eq!(contact.name_addr.uri, "sip:+19725552222@gw1.example.net");
        assert_eq!(contact.name_addr.params.get("unknownparam"), Some(None));
    });
    with("cparam02", |m| {
        let contact = m.contacts().first().unwrap();
        assert_eq!(
            contact.name_addr.uri,
            "sip:+19725552222@gw1.example.net;unknownparam"
        );
        assert_eq!(contact.name_addr.params.get("unknownparam"), None);
    });
    with("regescrt", |m| {
        let uri = m.contacts().first().unwrap().name_addr.uri().unwrap();
        assert_eq!(uri.headers, "Route=%3Csip:sip.example.com%3E");
        assert!(matches!(m.contacts(), Contacts::List(_)));
    });
}

#[test]
fn numbers_beyond_their_range_are_not_numbers() {
    with("scalar02", |m| {
        assert!(m.cseq().is_err());
        assert!(m.max_forwards().unwrap().is_err());
        assert_eq!(m.expires(), None);
        assert_eq!(m.contacts().first().unwrap().expires, None);
    });
    with("scalarlg", |m| assert_eq!(m.method(), None));
}

#[test]
fn reason_phrases_may_be_empty_or_in_any_script() {
    with("noreason", |m| assert_eq!(m.status_line().unwrap().reason, ""));
    with("unreason", |m| {
        assert!(m.status_line().unwrap().reason.starts_with("= 2**3 * 5**2 но"))
    });
}

/// What a stream makes of a file: the frames, then whether it waits for more.
fn stream_outcome(case: &Case) -> (Vec<String>, bool) {
    let mut framer = Framer::new(65_535);
    let mut frames = Vec::new();
    framer.push(&case.octets);
    while let Some(frame) = framer.next() {
        frames.push(match frame {
            Frame::Message(_) => "message".to_owned(),
            Frame::KeepAlivePing => "ping".to_owned(),
            Frame::KeepAlivePong => "pong".to_owned(),
            Frame::Error { what, code, .. } => format!("{code} {what}"),
        });
    }
    (frames, framer.is_mid_message())
}

#[test]
fn streams_end_where_the_framing_is_in_doubt() {
    let Some(cases) = rfc4475() else { return };
    let check = |name: &str, frames: &[&str], waits: bool| {
        let case = cases.iter().find(|case| case.name == name).unwrap();
        assert_eq!(
            stream_outcome(case),
            (frames.iter().map(|f| (*f).to_owned()).collect(), waits),
            "{name}"
        );
    };
    check("wsinv", &["message"], false);
    check("mpart01", &["message"], false);
    // On a stream what follows is the next message; this one says it has no body, and its body is no message.
    check(
        "dblreq",
        &["message", "pong", "message", "400 not a SIP message"],
        false,
    );
    check("clerr", &[], true);
    check("baddn", &[], true);
    check("ncl", &["400 Content-Length invalid"], false);
    check("mcl01", &["400 Content-Length values differ"], false);
    check("inv2543", &["400 Content-Length missing"], false);
    check("bigcode", &["400 not a SIP message"], false);
}
