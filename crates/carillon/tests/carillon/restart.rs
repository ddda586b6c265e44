//! Ends and new beginnings: SIGTERM, SIGHUP, kill -9.

use crate::phone::Phone;
use crate::server::{Site, address, password};
use std::fs;
use std::os::unix::fs::PermissionsExt;

#[test]
fn sigterm_ends_the_server_well_and_removes_its_socket() {
    let site = Site::with_users(&[]);
    let mut server = site.serve();
    let socket = site.path("data/control.sock");
    assert_eq!(fs::metadata(&socket).unwrap().permissions().mode() & 0o777, 0o600);
    server.signal("TERM");
    assert!(server.ended_well());
    assert!(!socket.exists());
}

#[test]
fn sighup_reads_the_certificates_again() {
    let site = Site::with_users(&[]);
    let mut server = site.serve();
    server.signal("HUP");
    server.wait_for("certificates are read again");
    assert_eq!(site.json(&["status"])["draining"], false);
}

#[test]
fn a_killed_server_comes_back_with_its_registrations() {
    let site = Site::with_users(&["100", "101"]);
    let server = site.serve();
    let here = address(&site, "udp");
    for extension in ["100", "101"] {
        assert_eq!(Phone::new(here, extension, &password(extension)).register(), 200);
    }
    let before = site.json(&["registrations"]);
    server.kill();
    assert!(
        site.path("data/control.sock").exists(),
        "a kill leaves the socket behind"
    );
    assert!(site.refusal(&["status"]).contains("no server is running"));
    let _server = site.serve_on(&here.to_string());
    let after = site.json(&["registrations"]);
    let contacts = |value: &serde_json::Value| -> Vec<String> {
        value
            .as_array()
            .unwrap()
            .iter()
            .map(|r| r["contact"].to_string())
            .collect()
    };
    assert_eq!(contacts(&before).len(), 2);
    assert_eq!(contacts(&after), contacts(&before));
    assert_eq!(Phone::new(here, "100", &password("100")).register(), 200);
}

#[test]
fn a_data_directory_deep_in_the_tree_has_a_socket_too() {
    let site = Site::new();
    let deep = site
        .path(&"a-folder-with-a-long-name/".repeat(6))
        .display()
        .to_string();
    let config = site.file(
        "deep.toml",
        "[listen]\nudp = [\"127.0.0.1:0\"]\ntcp = []\ntls = []\nws = []\nwss = []\n",
    );
    let mut child = site
        .command(&["serve", "--config", &config, "--data-dir", &deep])
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let log = std::io::BufReader::new(child.stderr.take().unwrap());
    let ready = std::io::BufRead::lines(log)
        .map_while(Result::ok)
        .any(|line| line.contains("ready"));
    let status = site.run(&["status", "--data-dir", &deep]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(
        ready && status.status.success(),
        "{}",
        String::from_utf8_lossy(&status.stderr)
    );
}
