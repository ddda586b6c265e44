//! Trunks by commands, and one that registers with another server, as a carrier sees it.

use crate::server::{Server, Site, address};
use expect_test::{Expect, expect};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// What the trunk's line of `trunk status` has in a field.
pub(crate) fn field<'a>(view: &'a Value, name: &str) -> &'a str {
    view.pointer(&format!("/0/{name}"))
        .and_then(Value::as_str)
        .unwrap_or("")
}

/// Asks until the trunk is as it should be.
pub(crate) fn until(site: &Site, registration: &str, health: &str) -> Value {
    let begin = Instant::now();
    loop {
        let view = site.json(&["trunk", "status"]);
        if field(&view, "registration") == registration && field(&view, "health") == health {
            return view;
        }
        assert!(begin.elapsed() < Duration::from_secs(30), "{view:#}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A server that takes registrations of `acme`, as a carrier does.
fn carrier() -> (Site, Server) {
    let site = Site::new();
    site.json(&["tenant", "add", "carrier", "--domain", "127.0.0.1"]);
    site.json(&["user", "add", "carrier", "700", "--no-device"]);
    let device = [
        "device",
        "add",
        "carrier",
        "700",
        "acme",
        "--password",
        "the-carriers-secret",
    ];
    site.json(&device);
    let server = site.serve();
    (site, server)
}

/// Acme with a trunk to that address.
fn acme(at: SocketAddr, secret: &str, more: &[&str]) -> Site {
    let site = Site::with_users(&["100"]);
    let file = site.file("secret", &format!("{secret}\n"));
    let port = format!("port={}", at.port());
    let set = [
        "trunk",
        "set",
        "acme",
        "main",
        "host=127.0.0.1",
        &port,
        "username=acme",
    ];
    let rest = ["register=true", "options_s=5", "--password-file", &file];
    site.json(&[&set[..], more, &rest].concat());
    site
}

/// What the trunk of the next test is shown as.
fn written() -> Expect {
    expect![[r#"
        {
          "account": "",
          "called_in": "request",
          "calls_per_s": 0,
          "channels": 0,
          "codecs": [],
          "domain": "",
          "down_after": 3,
          "enabled": true,
          "foreign_caller": false,
          "from": [
            "192.0.2.0/24",
            "2001:db8::1"
          ],
          "has_password": true,
          "headers": {},
          "history": "diversion",
          "host": "sip.carrier.example",
          "id": 1,
          "identity": "asserted",
          "inbound": "",
          "location": "none",
          "name": "main",
          "number_prepend": "",
          "number_strip": "",
          "number_style": "e164",
          "number_style_in": null,
          "options_s": 30,
          "port": null,
          "proxy": "",
          "realm": "",
          "register": true,
          "register_s": 600,
          "sign": false,
          "sos": "number",
          "srtp": "optional",
          "tenant": "",
          "tls_certificate": false,
          "tls_verify": true,
          "transport": null,
          "trust_identity": true,
          "try_s": 4,
          "up_after": 2,
          "username": "acme"
        }"#]]
}

#[test]
fn a_trunk_is_written_down_and_its_password_is_not_shown() {
    let site = Site::with_users(&["100"]);
    let file = site.file("secret", "a1\n");
    let made = site.json(&[
        "trunk",
        "set",
        "acme",
        "main",
        "host=sip.carrier.example",
        "username=acme",
        "register=true",
        "from=192.0.2.0/24,2001:db8::1",
        "--password-file",
        &file,
    ]);
    written().assert_eq(&format!("{made:#}"));
    assert_eq!(site.json(&["trunk", "show", "acme", "main"]), made);
    let changed = site.json(&[
        "trunk",
        "set",
        "acme",
        "main",
        "port=5070",
        "transport=tcp",
        "enabled=false",
    ]);
    assert_eq!(
        (&changed["port"], &changed["transport"]),
        (&5070.into(), &"tcp".into())
    );
    assert_eq!(changed["has_password"], true);
    let cleared = site.json(&["trunk", "set", "acme", "main", "port=", "transport="]);
    assert!(cleared["port"].is_null() && cleared["transport"].is_null());
    let text = site.text(&["trunk", "list", "acme"]);
    assert!(
        text.contains("sip.carrier.example") && !text.contains("a1"),
        "{text}"
    );
    site.json(&["trunk", "delete", "acme", "main"]);
    assert!(site.text(&["trunk", "list", "acme"]).contains("No trunk yet"));
}

#[test]
fn what_can_not_be_a_trunk_is_refused_in_one_line() {
    let site = Site::with_users(&["100"]);
    for (changes, part) in [
        (&["host="][..], "host must be"),
        (&["host=a", "username=x"], "needs a password"),
        (&["host=a", "register=true"], "needs a username"),
        (&["host=a", "colour=red"], "no key \"colour\""),
        (&["host=a", "transport=ws"], "udp"),
        (&["host=a", "transport=tcp", "srtp=required"], "transport=tls"),
        (&["host=a", "transport=pigeon"], "can't be so"),
        (&["host=a", "from=192.0.2.1/24"], "192.0.2.0/24"),
        (&["host=a", "port=70000"], "can't be so"),
        (&["host=a", "options_s=1"], "options_s"),
    ] {
        let command = [&["trunk", "set", "acme", "main"][..], changes].concat();
        let refusal = site.refusal(&command);
        assert!(refusal.contains(part), "{changes:?}: {refusal}");
    }
    assert!(
        site.refusal(&["trunk", "show", "acme", "main"])
            .contains("carillon trunk list")
    );
    assert!(site.text(&["trunk", "list", "acme"]).contains("No trunk yet"));
}

#[test]
fn it_registers_over_udp_and_tcp_and_is_seen_by_its_carrier() {
    let (carrier_site, _carrier) = carrier();
    for transport in ["udp", "tcp"] {
        let at = address(&carrier_site, transport);
        let site = acme(at, "the-carriers-secret", &[&format!("transport={transport}")]);
        let _server = site.serve();
        let view = until(&site, "registered", "up");
        assert_eq!(field(&view, "place"), format!("{transport}:{at}"));
        assert_eq!(field(&view, "fault"), "");
        let seen = carrier_site.json(&["registrations"]);
        assert_eq!(field(&seen, "transport"), transport, "{seen:#}");
        assert!(
            field(&seen, "contact").starts_with("sip:1.1@127.0.0.1:"),
            "{seen:#}"
        );
        carrier_site.json(&["unregister", "carrier", "700"]);
    }
}

#[test]
fn a_wrong_password_is_told_and_a_right_one_helps_at_once() {
    let (carrier_site, _carrier) = carrier();
    let at = address(&carrier_site, "udp");
    let site = acme(at, "wrong", &[]);
    let mut server = site.serve();
    let line = server.wait_for("is refused by its carrier");
    assert!(
        line.contains("trunk main") && line.contains("it answers 403"),
        "{line}"
    );
    let view = until(&site, "refused", "up");
    assert_eq!(field(&view, "fault"), "it answers 403 Forbidden");
    let file = site.file("secret", "the-carriers-secret\n");
    site.json(&["trunk", "set", "acme", "main", "--password-file", &file]);
    until(&site, "registered", "up");
    site.json(&["trunk", "set", "acme", "main", "enabled=false"]);
    let begin = Instant::now();
    while site.json(&["trunk", "status"]) != Value::Array(Vec::new()) {
        assert!(begin.elapsed() < Duration::from_secs(5));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_carrier_that_goes_is_down_and_one_that_comes_back_is_up() {
    let (carrier_site, carrier) = carrier();
    let at = address(&carrier_site, "tcp");
    let site = acme(at, "the-carriers-secret", &["transport=tcp", "down_after=1"]);
    let mut server = site.serve();
    until(&site, "registered", "up");
    carrier.kill();
    let line = server.wait_for("trunk main is down");
    assert!(line.contains("ERROR"), "{line}");
    let _again = carrier_site.serve_on(&at.to_string());
    until(&site, "registered", "up");
}
