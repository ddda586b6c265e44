//! A browser as a phone: JsSIP over WebSocket and TLS, signed in by a token, with a SIPp as the other side.

use crate::{caller, calling, register};
use anyhow::{Context, Result, ensure};
use interop::browser::Browser;
use interop::cable::Cable;
use interop::server::{extensions, password};
use interop::{Server, Sipp, Stage, Tenant};
use serde_json::{Value, json};

const DOMAIN: &str = "acme.test";

fn token(server: &Server, ttl_s: u32) -> Result<String> {
    let text = server.carillon(&[
        "device",
        "token",
        "acme",
        "100",
        "--ttl",
        &ttl_s.to_string(),
        "--json",
    ])?;
    let issued: Value = serde_json::from_str(&text).context("no JSON")?;
    ensure!(
        issued["ttl_s"] == ttl_s && issued["extension"] == "100",
        "{issued}"
    );
    issued["token"].as_str().map(str::to_owned).context("no token")
}

#[test]
fn a_page_calls_holds_resumes_and_keeps_its_call_when_its_connection_is_cut() -> Result<()> {
    Stage::run("browser", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2))])?;
        let callee = Sipp::new(stage, "uas-held-twice", server.sip)?;
        register(stage, &server, DOMAIN, "101", callee.port())?;
        let mut callee = callee.start()?;
        callee.await_bound()?;
        let cable = Cable::lay(stage.ports.one()?, server.wss)?;
        let mut page = Browser::start(stage)?;
        let place = format!("wss://{}/sip?token={}", cable.near, token(&server, 300)?);
        let uri = format!("sip:100@{DOMAIN}");
        let start = json!({"url": place, "uri": uri, "port": stage.ports.run(2)?, "expires": 120});
        page.run(&format!("phone.start({start})"))?;
        page.expect("registered", 1)?;
        let shown = server.await_registrations("acme", 2)?;
        let page_binding = shown.iter().find(|r| r["extension"] == "100").context("no 100")?;
        ensure!(page_binding["transport"] == "wss", "{page_binding}");
        page.run(&format!("phone.call('sip:101@{DOMAIN}')"))?;
        page.expect("confirmed", 1)?;
        page.run("phone.hold()")?;
        page.expect("held", 1)?;
        page.run("phone.resume()")?;
        page.expect("resumed", 1)?;
        cable.cut();
        page.expect("disconnected", 1)?;
        page.expect("registered", 2)?;
        // A request of the page's on its new connection, then one of the other side's to it.
        page.run("phone.hold()")?;
        page.expect("held", 2)?;
        page.expect("ended by remote", 1)?;
        callee.finish(1)?;
        let records = server.await_cdrs("acme", 1)?;
        ensure!(
            records
                .iter()
                .all(|r| r["sip"] == 200 && r["ended_by"] == "callee"),
            "{records:?}"
        );
        println!("COUNT interop/wss 1");
        Ok("registered by token, called, held, resumed, cut, back, ended".to_owned())
    })
}

#[test]
fn a_page_is_called_and_one_without_a_good_token_is_not_let_in() -> Result<()> {
    Stage::run("browser-called", |stage| {
        let server = Server::start(stage, &[Tenant::new("acme", extensions(100, 2))])?;
        let mut page = Browser::start(stage)?;
        let (good, port) = (token(&server, 300)?, stage.ports.run(2)?);
        let start = |query: &str, bearer: Option<&str>| {
            let (place, uri) = (
                format!("wss://{}/{query}", server.wss),
                format!("sip:100@{DOMAIN}"),
            );
            let settings = json!({"url": place, "uri": uri, "port": port, "expires": 120, "bearer": bearer});
            format!("phone.start({settings})")
        };
        let forged = good.replace("c1.", "c2.");
        page.run(&start(&format!("?access_token={forged}"), None))?;
        page.expect("disconnected", 1)?;
        page.run("phone.ua.stop()")?;
        page.run(&start("", Some(&forged)))?;
        page.expect("refused 401 Authentication Error", 1)?;
        page.run("phone.ua.stop()")?;
        page.run(&start("", Some(&good)))?;
        page.expect("registered", 1)?;
        let row = caller(DOMAIN, "101", &password(DOMAIN, "101"));
        let phone = calling(stage, &server, "uac", "100", DOMAIN)?.with("talk_ms", "200");
        let mut phone = phone.row(&row).start()?;
        page.expect("session", 1)?;
        page.run("phone.answer()")?;
        page.expect("ended by remote", 1)?;
        phone.finish(1)?;
        println!("COUNT interop/wss 1");
        Ok("not let in with a forged token, registered with a good one, answered a call".to_owned())
    })
}
