//! Other people's SIP stacks: Linphone over TLS with SHA-256, and sipsak.

use anyhow::{Context, Result, ensure};
use interop::linphone::Linphone;
use interop::process::{require, tail};
use interop::server::extensions;
use interop::{Server, Stage, Tenant};
use std::process::Command;

#[test]
fn linphone_registers_over_tls_with_sha_256_on_offer_and_unregisters() -> Result<()> {
    Stage::run("linphone-tls", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2)).sha256()])?;
        let mut phone = Linphone::start(stage, &server, "100", "acme.test")?;
        let shown = server.await_registrations("acme", 1)?;
        let agent = shown
            .first()
            .and_then(|r| r["user_agent"].as_str())
            .unwrap_or_default()
            .to_owned();
        phone.quit()?;
        server.await_registrations("acme", 0)?;
        Ok(format!("registered as {agent:?}, gone after quit"))
    })
}

#[test]
fn sipsak_gets_an_answer_to_options() -> Result<()> {
    Stage::run("sipsak", |stage| {
        require("sipsak")?;
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 1))])?;
        let uri = format!("sip:{}", server.sip);
        let output = Command::new("sipsak")
            .args(["-vv", "-s", &uri])
            .output()
            .context("cannot start sipsak")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(
            output.status.success() && text.contains("200 OK"),
            "sipsak {}: {}",
            output.status,
            tail(&text, 10)
        );
        Ok("200 to OPTIONS".to_owned())
    })
}
