//! Commands about what is alive, and changes that a running server must notice.

use crate::phone::Phone;
use crate::server::{Site, address, password};
use expect_test::{Expect, expect};
use model::{Attestation, CallerCheck, Cause, Cdr, CdrId, EndedBy, Party, TenantId, Verstat, Wall};
use serde_json::Value;
use std::time::{Duration, Instant};
use store::Store;

/// Replaces what differs from run to run.
fn steady(mut value: Value, fields: &[&str]) -> String {
    for field in fields {
        let at = value
            .pointer_mut(field)
            .unwrap_or_else(|| panic!("{field} is missing"));
        assert!(!at.is_null(), "{field} is null");
        *at = "…".into();
    }
    format!("{value:#}")
}

#[test]
fn a_registration_is_shown_and_can_be_removed() {
    let site = Site::with_users(&["100"]);
    let _server = site.serve();
    assert_eq!(site.json(&["registrations"]).as_array().map(Vec::len), Some(0));
    let mut phone = Phone::new(address(&site, "udp"), "100", &password("100"));
    assert_eq!(phone.register(), 200);
    let shown = site.json(&["registrations", "--tenant", "acme"]);
    expect![[r#"
        [
          {
            "aor": "sip:100@acme.example",
            "contact": "…",
            "device": 1,
            "expires_in_s": "…",
            "extension": "100",
            "instance": null,
            "path": [],
            "push": null,
            "q": 1.0,
            "reachable": true,
            "reg_id": null,
            "since": "…",
            "source": "…",
            "tenant": "acme",
            "tenant_id": 1,
            "transport": "udp",
            "user_agent": "Test phone"
          }
        ]"#]]
    .assert_eq(&steady(
        shown,
        &["/0/contact", "/0/source", "/0/expires_in_s", "/0/since"],
    ));
    let text = site.text(&["registrations"]);
    assert!(
        text.contains("sip:100@acme.example") && text.contains("Test phone"),
        "{text}"
    );
    let removed = site.json(&["unregister", "acme", "100"]);
    assert_eq!(removed["removed"], 1);
    assert_eq!(site.json(&["registrations"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn a_sign_in_token_is_issued_by_the_running_server_for_a_device_that_may() {
    let site = Site::with_users(&["100"]);
    let error = site.refusal(&["device", "token", "acme", "100"]);
    assert!(error.contains("no server is running"), "{error}");
    let _server = site.serve();
    let issued = site.json(&["device", "token", "acme", "100", "--ttl", "60"]);
    expect![[r#"
        {
          "expires": "…",
          "extension": "100",
          "tenant": "acme",
          "token": "…",
          "ttl_s": 60,
          "username": "100"
        }"#]]
    .assert_eq(&steady(issued.clone(), &["/expires", "/token"]));
    let text = site.text(&["device", "token", "acme", "100"]);
    assert!(text.starts_with("c1.1.1.") && text.lines().count() == 1, "{text}");
    assert_ne!(issued["token"].as_str(), Some(text.trim()));
    assert!(
        site.refusal(&["device", "token", "acme", "nobody"])
            .contains("nobody")
    );
    assert!(
        !site
            .run(&["device", "token", "acme", "100", "--ttl", "5"])
            .status
            .success()
    );
    site.json(&["user", "set", "acme", "100", "--disable"]);
    let deadline = Instant::now() + Duration::from_secs(5);
    while site.run(&["device", "token", "acme", "100"]).status.success() {
        assert!(Instant::now() < deadline, "a disabled user gets tokens");
    }
    assert!(
        site.refusal(&["device", "token", "acme", "100"])
            .contains("may not sign in")
    );
}

#[test]
fn a_new_user_can_register_within_a_second() {
    let site = Site::with_users(&[]);
    let _server = site.serve();
    let mut phone = Phone::new(address(&site, "udp"), "150", "brand new secret");
    assert_eq!(phone.register(), 403, "nobody yet");
    site.json(&["user", "add", "acme", "150", "--password", "brand new secret"]);
    let begun = Instant::now();
    while phone.register() != 200 {
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "the change was not seen within a second"
        );
    }
}

#[test]
fn a_new_tenant_is_served_within_a_second_and_a_disabled_one_is_not() {
    let site = Site::new();
    let _server = site.serve();
    let mut phone = Phone::new(address(&site, "udp"), "100", "quite a secret");
    assert_eq!(phone.register(), 404, "unknown domain");
    site.json(&["tenant", "add", "acme", "--domain", "acme.example"]);
    site.json(&["user", "add", "acme", "100", "--password", "quite a secret"]);
    let wait_for = |phone: &mut Phone, code: u16| {
        let begun = Instant::now();
        while phone.register() != code {
            assert!(
                begun.elapsed() < Duration::from_secs(1),
                "no {code} within a second"
            );
        }
    };
    wait_for(&mut phone, 200);
    site.json(&["tenant", "set", "acme", "--disable"]);
    wait_for(&mut phone, 404);
}

#[test]
fn the_status_has_listeners_workers_and_counters() {
    let site = Site::with_users(&["100"]);
    let _server = site.serve();
    let mut phone = Phone::new(address(&site, "udp"), "100", "a wrong secret");
    assert_eq!(phone.register(), 403);
    let status = site.json(&["status"]);
    assert_eq!(status["counts"]["auth_failed"], 1);
    assert_eq!(
        (&status["workers"], &status["media_workers"]),
        (&2.into(), &1.into())
    );
    assert_eq!(status["listen"].as_array().map(Vec::len), Some(5));
    assert_eq!(status["tenants"], 1);
    let keys: Vec<&str> = status.as_object().unwrap().keys().map(String::as_str).collect();
    expect!["calls connections counts data_dir draining listen media_packets media_ticks_late media_workers pid started tenants uptime_s version without_emergency_path workers"].assert_eq(&keys.join(" "));
    assert_eq!(status["without_emergency_path"], serde_json::json!(["acme"]));
    let text = site.text(&["status"]);
    assert!(
        text.contains("NO EMERGENCY PATH for 1 of the tenants: acme"),
        "{text}"
    );
    assert!(
        text.contains("listening tls") && text.contains("auth_failed 1"),
        "{text}"
    );
    assert_eq!(site.json(&["calls"]).as_array().map(Vec::len), Some(0));
    assert!(site.text(&["calls"]).contains("No call"));
}

fn record(number: u8) -> Cdr {
    Cdr {
        id: CdrId([number; 16]),
        tenant: TenantId(1),
        config_version: 3,
        caller: Party {
            number: "100".to_owned(),
            display: "A\u{1b}B".to_owned(),
            ..Party::default()
        },
        callee: Party {
            number: format!("10{number}"),
            ..Party::default()
        },
        start: Wall(1_700_000_000_000 + u64::from(number) * 1_000),
        ring: None,
        answer: Some(Wall(1_700_000_005_000)),
        end: Wall(1_700_000_070_500),
        talk_ms: 65_500,
        cause: Cause { sip: 200, q850: 16 },
        ended_by: EndedBy::Caller,
        path: vec!["extension 101".to_owned()],
        caller_media: None,
        streams: Vec::new(),
        audio: Vec::new(),
        callee_media: None,
        caller_srtp: None,
        callee_srtp: None,
        parent: None,
        transferred_by: None,
        recordings: Vec::new(),
        transferred_to: None,
        did: None,
        class: None,
        charge: None,
        stir: None,
    }
}

/// The record of the latest call, as it is printed.
fn latest() -> Expect {
    expect![[r#"
        {
          "answer": "2023-11-14T22:13:25.000Z",
          "attestation": null,
          "audio": [],
          "callee": {
            "device": null,
            "display": "",
            "number": "101",
            "sip_call_id": "",
            "trunk": null,
            "user": null
          },
          "callee_media": null,
          "callee_srtp": null,
          "caller": {
            "device": null,
            "display": "A\u001bB",
            "number": "100",
            "sip_call_id": "",
            "trunk": null,
            "user": null
          },
          "caller_media": null,
          "caller_srtp": null,
          "charge": null,
          "class": null,
          "config_version": 3,
          "did": null,
          "emergency": false,
          "end": "2023-11-14T22:14:30.500Z",
          "ended_by": "caller",
          "id": "01010101010101010101010101010101",
          "origid": null,
          "parent": null,
          "path": [
            "extension 101"
          ],
          "q850": 16,
          "recordings": [],
          "ring": null,
          "sip": 200,
          "start": "2023-11-14T22:13:21.000Z",
          "stir": null,
          "streams": [],
          "talk_ms": 65500,
          "tenant": "acme",
          "tenant_id": 1,
          "transferred_by": null,
          "transferred_to": null,
          "verstat": null
        }"#]]
}

#[test]
fn call_records_are_listed_the_latest_first() {
    let site = Site::with_users(&["100", "101"]);
    let mut store = Store::open(site.path("data")).unwrap();
    store.insert_cdrs(&[record(1), record(2)]).unwrap();
    let all = site.json(&["cdr"]);
    assert_eq!(all[0]["callee"]["number"], "102");
    latest().assert_eq(&format!("{:#}", all[1]));
    let one = site.json(&[
        "cdr",
        "--tenant",
        "acme",
        "--extension",
        "101",
        "--since",
        "2023-11-14",
    ]);
    assert_eq!(one.as_array().map(Vec::len), Some(1));
    assert_eq!(
        site.json(&["cdr", "--limit", "1"]).as_array().map(Vec::len),
        Some(1)
    );
    assert_eq!(
        site.json(&["cdr", "--since", "7d"]).as_array().map(Vec::len),
        Some(0)
    );
    let text = site.text(&["cdr"]);
    assert!(text.contains("1:05") && text.contains("200 / Q.850 16"), "{text}");
    let checked = |number, check: &CallerCheck| Cdr {
        stir: Some(check.clone()),
        ..record(number)
    };
    let passed = CallerCheck {
        verstat: Verstat::Passed,
        attestation: Some(Attestation::B),
        claimed: None,
        origid: Some("123e4567".to_owned()),
        spc: Some("709J".to_owned()),
        reason: None,
    };
    let failed = CallerCheck {
        verstat: Verstat::Failed,
        attestation: None,
        claimed: Some(Attestation::A),
        origid: None,
        spc: None,
        reason: Some("signature".to_owned()),
    };
    store
        .insert_cdrs(&[checked(3, &passed), checked(4, &failed)])
        .unwrap();
    let all = site.json(&["cdr"]);
    assert_eq!(all[0]["verstat"], "TN-Validation-Failed");
    assert_eq!(
        (&all[0]["attestation"], &all[0]["stir"]["claimed"]),
        (&Value::Null, &"A".into())
    );
    assert_eq!(all[1]["verstat"], "TN-Validation-Passed-B");
    assert_eq!(
        (&all[1]["attestation"], &all[1]["origid"]),
        (&"B".into(), &"123e4567".into())
    );
    let text = site.text(&["cdr"]);
    assert!(
        text.contains("passed B") && text.contains("failed: signature"),
        "{text}"
    );
}

#[test]
fn what_was_said_in_calls_is_asked_for_by_name_and_secrets_are_not_given_away() {
    let site = Site::with_users(&["100"]);
    let _server = site.serve();
    let mut phone = Phone::new(address(&site, "udp"), "100", &password("100"));
    assert_eq!(phone.register(), 200);
    // Registrations are no calls.
    assert_eq!(site.json(&["trace", "list"]).as_array().map(Vec::len), Some(0));
    assert_eq!(site.text(&["trace", "list"]), "Nothing is kept of any call.\n");
    let error = site.refusal(&["trace", "7"]);
    assert!(error.contains("nothing is kept of a call \"7\""), "{error}");
    let error = site.refusal(&["trace", "7", "--full"]);
    assert!(error.contains("set full = true in [trace]"), "{error}");
    let error = site.refusal(&["trace", "list", "--tenant", "nobody"]);
    assert!(error.contains("nobody"), "{error}");
}

#[test]
fn the_log_is_json_where_the_operator_wants_it() {
    let site = Site::with_users(&[]);
    let server = site.serve_from(
        "log_format = \"json\"\n[listen]\nudp = [\"127.0.0.1:0\"]\ntcp = []\ntls = []\nws = []\nwss = []\n\
         [metrics]\nlisten = \"127.0.0.1:0\"\n",
    );
    let line: Value = serde_json::from_str(&server.ready).unwrap();
    assert_eq!(line["level"], "INFO");
    let message = line["message"].as_str().unwrap();
    assert!(message.starts_with("ready, data in "), "{message}");
    assert!(line["timestamp"].is_string(), "{line}");
}
