//! Carriers that trunks register with: Kamailio, as many of them run it.

use anyhow::{Result, ensure};
use interop::process::until;
use interop::{Kamailio, Server, Stage, Tenant};
use std::time::Duration;

pub(crate) const ACCOUNT: (&str, &str) = ("acme-4420", "the-carriers-secret");

/// Waits until the trunk is as it should be; gives its line.
fn trunk(server: &Server, registration: &str, health: &str) -> Result<serde_json::Value> {
    let what = format!("the trunk to be {registration} and {health}");
    until(&what, Duration::from_secs(60), || {
        let views = server.list(&["trunk", "status"])?;
        let found = views
            .into_iter()
            .find(|v| v["registration"] == registration && v["health"] == health);
        Ok(found)
    })
}

fn set(stage: &Stage, server: &Server, port: u16, more: &[&str]) -> Result<()> {
    stage.write("secret", &format!("{}\n", ACCOUNT.1))?;
    let (file, port) = (stage.path("secret"), format!("proxy=127.0.0.1:{port}"));
    let file = file.to_string_lossy();
    let account = format!("username={}", ACCOUNT.0);
    let set = [
        "trunk",
        "set",
        "acme",
        "main",
        "host=carrier.test",
        &port,
        &account,
        "register=true",
    ];
    let rest = [
        "options_s=5",
        "down_after=2",
        "realm=carrier.test",
        "--password-file",
        &file,
    ];
    server.carillon(&[&set[..], more, &rest].concat()).map(drop)
}

#[test]
fn a_trunk_registers_with_kamailio_over_udp_and_tcp_by_md5_and_sha256_and_stays() -> Result<()> {
    Stage::run("kamailio-registers", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", ["100".to_owned()])])?;
        let mut refreshed = 0;
        for (transport, algorithm) in [("udp", "MD5"), ("tcp", "SHA-256")] {
            let carrier = Kamailio::start(stage, stage.ports.one()?, ACCOUNT, algorithm)?;
            set(
                stage,
                &server,
                carrier.at.port(),
                &[&format!("transport={transport}")],
            )?;
            let view = trunk(&server, "registered", "up")?;
            ensure!(view["fault"] == "", "{view}");
            let first = carrier.registered()?;
            ensure!(
                first.contains(ACCOUNT.0) && first.contains("sip:1.1@127.0.0.1"),
                "{first}"
            );
            let again = cseq(&first);
            // It lasts for 12 s, a nonce for 3: each refresh is challenged anew.
            let later = until("two refreshes", Duration::from_secs(40), || {
                let now = carrier.registered()?;
                ensure!(now.contains(ACCOUNT.0), "the registration lapsed:\n{now}");
                Ok((cseq(&now) >= again + 4).then(|| cseq(&now)))
            })?;
            refreshed += later - again;
            carrier.stop()?;
        }
        Ok(format!("{refreshed} requests of refreshes"))
    })
}

/// The CSeq number that the carrier saw last.
fn cseq(dump: &str) -> u64 {
    let line = dump.lines().find_map(|line| line.trim().strip_prefix("CSeq: "));
    line.and_then(|number| number.trim().parse().ok()).unwrap_or(0)
}

#[test]
fn a_carrier_that_goes_is_down_and_one_that_comes_back_is_registered_with() -> Result<()> {
    Stage::run("kamailio-goes", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", ["100".to_owned()])])?;
        let port = stage.ports.one()?;
        let carrier = Kamailio::start(stage, port, ACCOUNT, "MD5")?;
        set(stage, &server, port, &["transport=tcp"])?;
        trunk(&server, "registered", "up")?;
        carrier.stop()?;
        let view = trunk(&server, "failed", "down")?;
        ensure!(view["fault"] != "", "{view}");
        ensure!(server.log().contains("trunk main is down"), "nobody was told");
        let carrier = Kamailio::start(stage, port, ACCOUNT, "MD5")?;
        trunk(&server, "registered", "up")?;
        ensure!(carrier.registered()?.contains(ACCOUNT.0));
        Ok("down, up and registered again".to_owned())
    })
}

#[test]
fn kamailio_refuses_a_wrong_password_and_is_not_pestered() -> Result<()> {
    Stage::run("kamailio-refuses", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", ["100".to_owned()])])?;
        let carrier = Kamailio::start(stage, stage.ports.one()?, (ACCOUNT.0, "another"), "MD5")?;
        set(stage, &server, carrier.at.port(), &["transport=udp"])?;
        let view = trunk(&server, "refused", "up")?;
        ensure!(!carrier.registered()?.contains(ACCOUNT.0));
        Ok(format!("{}", view["fault"]))
    })
}
