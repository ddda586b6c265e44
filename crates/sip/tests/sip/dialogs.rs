//! Dialogs: RFC 3261 §12.

use expect_test::expect;
use sip::{Dialog, Message, Method, OutOfOrder, ViaParts};

const INVITE: &str = "INVITE sip:bob@example.com SIP/2.0\r\n\
    Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1\r\n\
    Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\n\
    Record-Route: <sip:p0.example.com;lr>\r\n\
    From: \"Alice, A.\" <sip:alice@example.com>;tag=a1\r\n\
    To: <sip:bob@example.com>\r\n\
    Call-ID: c1\r\nCSeq: 10 INVITE\r\n\
    Contact: <sip:alice@192.0.2.1:5070;transport=udp>\r\n\
    Content-Length: 0\r\n\r\n";

fn via() -> ViaParts<'static> {
    ViaParts {
        transport: "UDP",
        sent_by: "198.51.100.1:5060".parse().unwrap(),
        branch: "z9hG4bK7-x",
    }
}

fn parse(text: &str) -> Message<'_> {
    Message::parse(text.as_bytes()).unwrap()
}

fn shown(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).replace('\r', "")
}

fn answered() -> Dialog {
    Dialog::uas(&parse(INVITE), "b1").unwrap()
}

fn ok(record_route: &str) -> String {
    format!(
        "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP 198.51.100.1;branch=z9hG4bK7-1\r\n{record_route}\
         From: <sip:alice@example.com>;tag=a1\r\nTo: Bob <sip:bob@example.com>;tag=b1;x=y\r\n\
         Call-ID: c1\r\nCSeq: 10 INVITE\r\nContact: <sip:bob@203.0.113.5>\r\nContent-Length: 0\r\n\r\n"
    )
}

fn called(record_route: &str) -> Dialog {
    Dialog::uac(
        "<sip:alice@example.com>",
        "a1",
        "c1",
        10,
        &parse(&ok(record_route)),
    )
    .unwrap()
}

#[test]
fn the_callee_sends_along_the_recorded_route() {
    let mut dialog = answered();
    expect![[r#"
        BYE sip:alice@192.0.2.1:5070;transport=udp SIP/2.0
        Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bK7-x
        Max-Forwards: 70
        Route: <sip:p2.example.com;lr>
        Route: <sip:p1.example.com;lr>
        Route: <sip:p0.example.com;lr>
        From: <sip:bob@example.com>;tag=b1
        To: "Alice, A." <sip:alice@example.com>;tag=a1
        Call-ID: c1
        CSeq: 1 BYE
        Content-Length: 0

    "#]]
    .assert_eq(&shown(&dialog.request(Method::Bye, via()).finish()));
}

#[test]
fn the_caller_reverses_the_recorded_route_and_acknowledges_its_invite() {
    let mut dialog = called("Record-Route: <sip:p2.example.com;lr>, <sip:p1.example.com;lr>\r\n");
    expect![[r#"
        ACK sip:bob@203.0.113.5 SIP/2.0
        Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bK7-x
        Max-Forwards: 70
        Route: <sip:p1.example.com;lr>
        Route: <sip:p2.example.com;lr>
        From: <sip:alice@example.com>;tag=a1
        To: Bob <sip:bob@example.com>;tag=b1
        Call-ID: c1
        CSeq: 10 ACK
        Content-Length: 0

    "#]]
    .assert_eq(&shown(&dialog.ack(10, via()).finish()));
    let bye = dialog.request(Method::Bye, via()).finish();
    assert_eq!(parse(&shown(&bye)).cseq().unwrap().seq, 11);
}

#[test]
fn a_strict_router_is_the_request_uri_and_the_target_comes_last() {
    let mut dialog = called("Record-Route: <sip:p2.example.com;lr>, <sip:strict.example.com>\r\n");
    expect![[r#"
        INFO sip:strict.example.com SIP/2.0
        Via: SIP/2.0/UDP 198.51.100.1:5060;rport;branch=z9hG4bK7-x
        Max-Forwards: 70
        Route: <sip:p2.example.com;lr>
        Route: <sip:bob@203.0.113.5>
        From: <sip:alice@example.com>;tag=a1
        To: Bob <sip:bob@example.com>;tag=b1
        Call-ID: c1
        CSeq: 11 INFO
        Content-Length: 0

    "#]]
    .assert_eq(&shown(&dialog.request(Method::Info, via()).finish()));
}

#[test]
fn requests_that_come_too_late_are_out_of_order() {
    let mut dialog = answered();
    let with = |seq: u32, method: &str| {
        INVITE
            .replace("10 INVITE", &format!("{seq} {method}"))
            .replace("INVITE sip", &format!("{method} sip"))
    };
    assert_eq!(dialog.receive(&parse(&with(10, "INFO"))), Err(OutOfOrder));
    assert_eq!(dialog.receive(&parse(&with(11, "INFO"))), Ok(()));
    assert_eq!(dialog.receive(&parse(&with(20, "BYE"))), Ok(()));
    assert_eq!(dialog.receive(&parse(&with(19, "BYE"))), Err(OutOfOrder));
    assert_eq!(dialog.receive(&parse(&with(10, "ACK"))), Ok(()));
    assert_eq!(dialog.receive(&parse(&with(10, "CANCEL"))), Ok(()));
    assert_eq!(
        dialog.receive(&parse(&INVITE.replace("10 INVITE", "x"))),
        Err(OutOfOrder)
    );
    assert_eq!(dialog.remote_cseq, Some(20));
}

#[test]
fn a_target_refresh_takes_the_new_contact_and_only_a_usable_one() {
    let mut dialog = answered();
    dialog.refresh_target(&parse(&INVITE.replace("192.0.2.1:5070", "192.0.2.77")));
    assert_eq!(dialog.remote_target, "sip:alice@192.0.2.77;transport=udp");
    for bad in ["X: <sip:alice@", "Contact: <sip:al ice@", "Contact: *, <sip:"] {
        dialog.refresh_target(&parse(&INVITE.replace("Contact: <sip:alice@", bad)));
        assert_eq!(dialog.remote_target, "sip:alice@192.0.2.77;transport=udp");
    }
}

#[test]
fn a_dialog_is_known_by_call_id_and_both_tags() {
    let dialog = answered();
    assert!(dialog.matches("c1", "b1", "a1"));
    assert!(!dialog.matches("c1", "a1", "b1"));
    assert!(!dialog.matches("c2", "b1", "a1"));
}

#[test]
fn no_dialog_without_what_it_is_made_of() {
    for lost in ["Contact", "From", "To", "Call-ID", "CSeq"] {
        let text = INVITE.replace(&format!("\r\n{lost}:"), "\r\nX:");
        assert!(Dialog::uas(&parse(&text), "b1").is_err(), "{lost}");
    }
}

#[test]
fn a_peer_without_tag_is_answered_without_tag() {
    let mut dialog = Dialog::uas(&parse(&INVITE.replace(";tag=a1", "")), "b1").unwrap();
    let bye = dialog.request(Method::Bye, via()).finish();
    assert_eq!(parse(&shown(&bye)).to().unwrap().tag(), None);
}
