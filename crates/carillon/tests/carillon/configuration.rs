//! Wrong files, wrong places, taken ports: one line each, that says what to do.

use crate::server::{Site, address};
use std::net::{TcpListener, UdpSocket};

#[test]
fn check_config_names_file_line_and_remedy_of_each_problem() {
    let site = Site::new();
    let file = site.file(
        "bad.toml",
        "workers = 1\nwrokers = 2\n[media]\nlast_port = 99999\n",
    );
    let output = site.run(&["check-config", &file]);
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    assert!(!output.status.success());
    assert_eq!(lines.len(), 2, "{text}");
    assert!(
        lines[0].starts_with(&format!("{file}:2: ")) && lines[0].contains("workers"),
        "{text}"
    );
    assert!(
        lines[1].starts_with(&format!("{file}:4: ")) && lines[1].contains("1024 to 65535"),
        "{text}"
    );
}

#[test]
fn check_config_is_content_with_the_example() {
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/carillon.toml");
    let text = Site::new().text(&["check-config", example]);
    assert!(text.contains("no problem found"), "{text}");
}

#[test]
fn serve_refuses_a_bad_file_by_its_first_problem() {
    let site = Site::new();
    let file = site.file("bad.toml", "one = 1\ntwo = 2\n");
    let error = site.refusal(&["serve", "--config", &file]);
    assert!(
        error.starts_with(&format!("{file}:1: ")) && error.contains("1 more"),
        "{error}"
    );
    let missing = site.path("none.toml").display().to_string();
    assert!(site.refusal(&["check-config", &missing]).contains(&missing));
}

#[test]
fn a_taken_port_is_named() {
    let site = Site::new();
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap();
    for (transport, taken) in [
        ("udp", udp.local_addr().unwrap()),
        ("tcp", tcp.local_addr().unwrap()),
    ] {
        let other = if transport == "udp" { "tcp" } else { "udp" };
        let text = format!("[listen]\n{transport} = [\"{taken}\"]\n{other} = []\ntls = []\n");
        let error = site.refusal(&["serve", "--config", &site.file("carillon.toml", &text)]);
        assert!(
            error.contains(&taken.to_string()) && error.contains("choose another port"),
            "{error}"
        );
    }
}

#[test]
fn a_data_directory_that_cannot_be_is_named() {
    let site = Site::new();
    let inside_a_file = format!("{}/data", site.file("plain", ""));
    for arguments in [&["serve"][..], &["tenant", "list"]] {
        let mut all = arguments.to_vec();
        all.extend(["--data-dir", &inside_a_file]);
        let error = site.refusal(&all);
        assert!(
            error.contains(&inside_a_file) && error.contains("choose another data directory"),
            "{error}"
        );
    }
}

#[test]
fn a_second_server_on_the_same_data_is_refused() {
    let site = Site::new();
    let _server = site.serve();
    let config = site.path("carillon.toml").display().to_string();
    let error = site.refusal(&["serve", "--config", &config]);
    assert!(error.contains("in use by another carillon server"), "{error}");
}

#[test]
fn the_data_directory_of_a_configuration_file_serves_commands_too() {
    let site = Site::new();
    let other = site.path("other").display().to_string();
    let file = site.file("carillon.toml", &format!("data_dir = {other:?}\n"));
    site.json(&[
        "tenant",
        "add",
        "acme",
        "--domain",
        "acme.example",
        "--config",
        &file,
    ]);
    let there = site.json(&["tenant", "list", "--data-dir", &other]);
    assert_eq!(there[0]["name"], "acme");
    assert_eq!(site.json(&["tenant", "list"]).as_array().map(Vec::len), Some(0));
}

#[test]
fn all_transports_are_served_on_ports_of_the_kernels_choice() {
    let site = Site::new();
    let _server = site.serve();
    for transport in ["udp", "tcp", "tls", "ws", "wss"] {
        assert_ne!(address(&site, transport).port(), 0);
    }
}
