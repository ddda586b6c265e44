//! Configuration commands: what they do, their JSON, and what they refuse.

use crate::server::Site;
use expect_test::{Expect, expect};
use serde_json::Value;

fn check(value: &Value, expected: &Expect) {
    expected.assert_eq(&format!("{value:#}"));
}

/// Makes a tenant with two domains.
fn acme(site: &Site) -> Value {
    let domains = ["--domain", "Acme.Example", "--domain", "10.0.0.1"];
    site.json(&[&["tenant", "add", "Acme"][..], &domains].concat())
}

#[test]
fn a_new_tenant_has_the_policy_of_the_defaults() {
    let site = Site::new();
    let mut made = acme(&site);
    let policy = made.as_object_mut().unwrap().remove("policy").unwrap();
    check(
        &made,
        &expect![[r#"
            {
              "devices": 0,
              "domains": [
                "acme.example",
                "10.0.0.1"
              ],
              "enabled": true,
              "id": 1,
              "name": "Acme",
              "users": 0,
              "version": 1
            }"#]],
    );
    check(&policy, &usual_policy());
}

fn usual_policy() -> Expect {
    expect![[r#"
        {
          "accept_path": false,
          "allow_md5": true,
          "allow_sha256": true,
          "area": "",
          "auto_answer": false,
          "caller_number": "",
          "codecs": [],
          "conference_members": 500,
          "country": "us",
          "default_expires_s": 3600,
          "detect_fax": false,
          "dtmf": "events",
          "emergency_callback_min": 30,
          "emergency_location": "",
          "emergency_notify": [],
          "flow_timer_s": 120,
          "flows": {},
          "follow_redirects": true,
          "hold_announcement": "",
          "hold_announcement_s": 30,
          "hold_music": "default",
          "in_call_codes": true,
          "kept_message_s": 604800,
          "lamps_show_dialog": false,
          "lamps_show_party": false,
          "language": "en",
          "lists": {},
          "max_bindings": 10,
          "max_call_s": 14400,
          "max_calls": 10000,
          "max_expires_s": 7200,
          "max_kept_messages": 50,
          "max_subscriptions": 500,
          "media": "relay",
          "media_silence_s": 60,
          "min_expires_s": 60,
          "min_se_s": 90,
          "outside": "",
          "pickup": "all",
          "push_wait_s": 0,
          "recall_timeout_s": 30,
          "reconnect_s": 10,
          "record": "never",
          "record_announcement": "",
          "record_beep": true,
          "record_fail": "go_on",
          "record_format": "ogg_opus",
          "recording_mb": 10000,
          "region": "",
          "regions": [],
          "ring_timeout_s": 60,
          "routes": {},
          "session_expires_s": 1800,
          "sounds_mb": 100,
          "srtp": "optional",
          "stir": "verify",
          "supervisors": {},
          "transcode": true,
          "transit": [],
          "trust_phones": false,
          "watch_calls": "all",
          "watch_presence": "all"
        }"#]]
}

#[test]
fn a_tenant_from_its_making_to_its_deletion() {
    let site = Site::new();
    assert_eq!(site.json(&["tenant", "list"]).as_array().map(Vec::len), Some(0));
    assert!(site.text(&["tenant", "list"]).contains("carillon tenant add"));
    acme(&site);
    for way in ["Acme", "ACME.example", "1"] {
        assert_eq!(site.json(&["tenant", "show", way])["name"], "Acme", "{way}");
    }
    let changed = site.json(&[
        "tenant",
        "set",
        "Acme",
        "media=direct",
        "codecs=pcmu,pcma",
        "--disable",
    ]);
    assert_eq!(
        (&changed["policy"]["media"], &changed["enabled"]),
        (&"direct".into(), &false.into())
    );
    assert!(site.refusal(&["tenant", "delete", "Acme"]).contains("--yes"));
    site.json(&["tenant", "delete", "Acme", "--yes"]);
    assert_eq!(site.json(&["tenant", "list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn domains_come_and_go_but_never_the_last() {
    let site = Site::with_users(&[]);
    let now = site.json(&["domain", "add", "acme", "SIP.acme.example"]);
    check(
        &now,
        &expect![[r#"
        {
          "domains": [
            "acme.example",
            "sip.acme.example"
          ],
          "tenant": "acme"
        }"#]],
    );
    site.json(&["tenant", "add", "other", "--domain", "other.example"]);
    let taken = site.refusal(&["domain", "add", "other", "sip.acme.example"]);
    assert!(taken.contains("belongs to tenant acme"), "{taken}");
    site.json(&["domain", "remove", "acme", "acme.example"]);
    let last = site.refusal(&["domain", "remove", "acme", "sip.acme.example"]);
    assert!(last.contains("only domain"), "{last}");
}

#[test]
fn users_are_added_with_and_without_a_device() {
    let site = Site::with_users(&[]);
    let made = site.json(&[
        "user",
        "add",
        "acme",
        "100",
        "--name",
        "Front desk",
        "--password",
        "long enough",
    ]);
    check(
        &made,
        &expect![[r#"
        {
          "caller_number": null,
          "devices": [
            "100"
          ],
          "dnd": false,
          "enabled": true,
          "extension": "100",
          "forward_always": null,
          "forward_busy": null,
          "forward_no_answer": null,
          "id": 1,
          "name": "Front desk",
          "no_answer_s": 20,
          "password": null,
          "record": null,
          "username": "100"
        }"#]],
    );
    site.json(&["user", "add", "acme", "101", "--no-device"]);
    check(
        &site.json(&["user", "list", "acme"]),
        &expect![[r#"
        [
          {
            "caller_number": null,
            "devices": [
              "100"
            ],
            "dnd": false,
            "enabled": true,
            "extension": "100",
            "forward_always": null,
            "forward_busy": null,
            "forward_no_answer": null,
            "id": 1,
            "name": "Front desk",
            "no_answer_s": 20,
            "record": null
          },
          {
            "caller_number": null,
            "devices": [],
            "dnd": false,
            "enabled": true,
            "extension": "101",
            "forward_always": null,
            "forward_busy": null,
            "forward_no_answer": null,
            "id": 2,
            "name": "",
            "no_answer_s": 20,
            "record": null
          }
        ]"#]],
    );
}

#[test]
fn a_user_changes_extension_and_name_and_goes() {
    let site = Site::with_users(&["100", "101"]);
    let set = site.json(&[
        "user",
        "set",
        "acme",
        "101",
        "--name",
        "Shop",
        "--new-extension",
        "201",
        "--disable",
    ]);
    check(
        &set,
        &expect![[r#"
        {
          "caller_number": null,
          "devices": [
            "101"
          ],
          "dnd": false,
          "enabled": false,
          "extension": "201",
          "forward_always": null,
          "forward_busy": null,
          "forward_no_answer": null,
          "id": 2,
          "name": "Shop",
          "no_answer_s": 20,
          "record": null
        }"#]],
    );
    site.json(&["user", "delete", "acme", "201"]);
    assert_eq!(
        site.json(&["user", "list", "acme"]).as_array().map(Vec::len),
        Some(1)
    );
}

#[test]
fn a_password_is_generated_and_shown_once() {
    let site = Site::with_users(&[]);
    let made = site.json(&["user", "add", "acme", "100"]);
    let first = made["password"].as_str().unwrap().to_owned();
    assert!(first.len() >= 20, "{first}");
    let second = site.json(&["device", "password", "acme", "100"]);
    assert_ne!(second["password"].as_str(), Some(first.as_str()));
    let text = site.text(&["device", "password", "acme", "100"]);
    assert!(text.contains("shown this once"), "{text}");
    let listed = site.text(&["user", "list", "acme"]) + &site.text(&["device", "list", "acme"]);
    assert!(!listed.contains(&first));
}

#[test]
fn a_password_can_come_from_a_file() {
    let site = Site::with_users(&[]);
    let file = site.file("password", "from-a-file\nsecond line\n");
    let made = site.json(&["user", "add", "acme", "100", "--password-file", &file]);
    assert_eq!(made["password"], Value::Null);
}

#[test]
fn devices_come_and_go() {
    let site = Site::with_users(&["100"]);
    site.json(&[
        "device",
        "add",
        "acme",
        "100",
        "desk-2",
        "--password",
        "long enough",
    ]);
    check(
        &site.json(&["device", "list", "acme"]),
        &expect![[r#"
        [
          {
            "extension": "100",
            "id": 1,
            "user": 1,
            "username": "100"
          },
          {
            "extension": "100",
            "id": 2,
            "user": 1,
            "username": "desk-2"
          }
        ]"#]],
    );
    site.json(&["device", "delete", "acme", "100"]);
    assert_eq!(site.json(&["device", "list", "acme"])[0]["username"], "desk-2");
}

#[test]
fn an_import_takes_all_rows_or_none() {
    let site = Site::with_users(&["100"]);
    let file = site.file(
        "new.csv",
        "extension,name,password\n101,\"Doe, Jo\",long enough\n102,,\n",
    );
    let made = site.json(&["user", "import", "acme", &file]);
    assert_eq!(made[0]["password"], Value::Null);
    assert!(made[1]["password"].as_str().unwrap().len() >= 20);
    assert_eq!(site.json(&["user", "list", "acme"])[1]["name"], "Doe, Jo");
    let file = site.file("again.csv", "extension\n103\n100\n");
    let error = site.refusal(&["user", "import", "acme", &file]);
    assert!(error.contains("row 2") && error.contains("100"), "{error}");
    assert_eq!(
        site.json(&["user", "list", "acme"]).as_array().map(Vec::len),
        Some(3)
    );
}

#[test]
fn what_is_wrong_is_said_in_one_line() {
    let site = Site::with_users(&["100"]);
    for (arguments, part) in [
        (&["tenant", "show", "nobody"][..], "there is no tenant nobody"),
        (
            &["tenant", "add", "acme", "--domain", "b.example"],
            "acme exists already",
        ),
        (
            &["tenant", "add", "b", "--domain", "not a domain"],
            "not a domain",
        ),
        (&["tenant", "set", "acme"], "nothing to set"),
        (&["user", "add", "acme", "100"], "100 exists already"),
        (&["user", "add", "acme", "1 0"], "extension"),
        (
            &["user", "add", "acme", "101", "--password", "short"],
            "at least 8",
        ),
        (&["user", "delete", "acme", "999"], "there is no user 999"),
        (
            &["device", "password", "acme", "nobody"],
            "there is no device nobody",
        ),
        (&["cdr", "--since", "yesterday"], "24h"),
        (&["registrations"], "no server is running"),
        (&["calls"], "no server is running"),
        (&["status"], "no server is running"),
        (&["unregister", "acme", "100"], "no server is running"),
    ] {
        let error = site.refusal(arguments);
        assert!(error.contains(part), "{arguments:?}: {error}");
    }
}

#[test]
fn a_users_calls_are_forwarded_and_shown() {
    let site = Site::with_users(&["100", "101"]);
    let on = site.json(&["user", "dnd", "acme", "100", "on"]);
    assert_eq!((&on["extension"], &on["dnd"]), (&"100".into(), &true.into()));
    site.json(&["user", "forward", "acme", "100", "busy", "101"]);
    site.json(&["user", "forward", "acme", "100", "always", "101"]);
    site.json(&["user", "forward", "acme", "100", "always", "off"]);
    let after = [
        "user",
        "forward",
        "acme",
        "100",
        "no-answer",
        "101",
        "--after",
        "15",
    ];
    site.json(&after);
    check(
        &site.json(&["user", "show", "acme", "100"]),
        &expect![[r#"
        {
          "caller_number": null,
          "devices": [
            "100"
          ],
          "dnd": true,
          "enabled": true,
          "extension": "100",
          "forward_always": null,
          "forward_busy": "101",
          "forward_no_answer": "101",
          "id": 1,
          "name": "",
          "no_answer_s": 15,
          "record": null
        }"#]],
    );
    let words = "do not disturb, busy to 101, after 15 s to 101";
    for command in [&["user", "show", "acme", "100"][..], &["user", "list", "acme"]] {
        let text = site.text(command);
        assert!(text.contains(words), "{text}");
    }
    for (command, part) in [
        (&["user", "forward", "acme", "100", "busy", "100"][..], "own"),
        (&["user", "forward", "acme", "100", "busy", "a b"], "letters"),
        (
            &["user", "forward", "acme", "100", "busy", "101", "--after", "9"],
            "no-answer",
        ),
        (
            &[
                "user",
                "forward",
                "acme",
                "100",
                "no-answer",
                "101",
                "--after",
                "1",
            ],
            "5 to 600",
        ),
        (&["user", "dnd", "acme", "999", "on"], "no user 999"),
    ] {
        let refusal = site.refusal(command);
        assert!(refusal.contains(part), "{refusal}");
    }
}

#[test]
fn lists_of_extensions_are_made_changed_and_deleted() {
    let site = Site::with_users(&["100", "101", "102"]);
    site.json(&["list", "set", "acme", "desk", "101", "100", "101"]);
    let shown = site.json(&["list", "show", "acme"]);
    check(
        &shown,
        &expect![[r#"
        [
          {
            "extensions": [
              "101",
              "100"
            ],
            "name": "desk"
          }
        ]"#]],
    );
    assert!(site.text(&["list", "show", "acme"]).contains("101 100"));
    for (command, part) in [
        (&["list", "set", "acme", "all", "100"][..], "already"),
        (&["list", "set", "acme", "100", "101"], "already"),
        (&["list", "set", "acme", "a b", "101"], "letters"),
        (&["list", "set", "acme", "desk", "999"], "no user 999"),
        (&["list", "delete", "acme", "shop"], "no list shop"),
    ] {
        let refusal = site.refusal(command);
        assert!(refusal.contains(part), "{refusal}");
    }
    site.json(&["list", "delete", "acme", "desk"]);
    assert_eq!(
        site.json(&["list", "show", "acme"]).as_array().map(Vec::len),
        Some(0)
    );
}
