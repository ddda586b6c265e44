//! A browser as a phone: JsSIP over WebSocket and TLS, signed in by a token, with a SIPp as the other side.

use crate::acme::{
    Acme, SHOWN_MS, all_finish, calls_and_waits, hangs_up, hung_up, is_held, is_moved, key, notified,
    picks_up, picks_up_slowly, reads, rings, settles, writes,
};
use crate::{caller, calling, register};
use anyhow::{Context, Result, ensure};
use interop::browser::Browser;
use interop::cable::Cable;
use interop::server::{extensions, password};
use interop::{Server, Sipp, Stage, Tenant, Words};
use serde_json::{Value, json};

const DOMAIN: &str = "acme.test";

pub(crate) fn token(server: &Server, extension: &str, ttl_s: u32) -> Result<String> {
    let text = server.carillon(&[
        "device",
        "token",
        "acme",
        extension,
        "--ttl",
        &ttl_s.to_string(),
        "--json",
    ])?;
    let issued: Value = serde_json::from_str(&text).context("no JSON")?;
    ensure!(
        issued["ttl_s"] == ttl_s && issued["extension"] == extension,
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
        let place = format!("wss://{}/sip?token={}", cable.near, token(&server, "100", 300)?);
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
        let (good, port) = (token(&server, "100", 300)?, stage.ports.run(2)?);
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

/// A page that is registered as 100.
fn registered(acme: &Acme<'_>) -> Result<Browser> {
    let mut page = Browser::start(acme.stage)?;
    let start = json!({
        "url": format!("wss://{}/sip?token={}", acme.server.wss, token(&acme.server, "100", 300)?),
        "uri": format!("sip:100@{DOMAIN}"),
        "port": acme.stage.ports.run(2)?,
        "expires": 120,
    });
    page.run(&format!("phone.start({start})"))?;
    page.expect("registered", 1)?;
    Ok(page)
}

#[test]
fn a_page_transfers_calls_and_asks_first() -> Result<()> {
    Stage::run("browser-transfers", |stage| {
        let acme = Acme::open(stage, &[])?;
        let mut page = registered(&acme)?;
        let mut runs = [
            acme.waits("101", &hangs_up(is_moved(picks_up(), 2)))?,
            acme.waits("102", &hung_up(rings()))?,
        ];
        page.run(&format!("phone.call('sip:101@{DOMAIN}')"))?;
        page.expect("confirmed", 1)?;
        page.run(&format!("phone.refer('sip:102@{DOMAIN}')"))?;
        page.expect("refer trying", 1)?;
        page.expect("refer progress", 1)?;
        page.expect("refer accepted", 1)?;
        page.expect("ended by local", 1)?;
        all_finish(&mut runs)?;
        let mut runs = [
            acme.waits("103", &hung_up(is_moved(is_held(picks_up(), 2), 3)))?,
            acme.waits("104", &hangs_up(is_moved(rings(), 2)))?,
        ];
        page.run(&format!("phone.call('sip:103@{DOMAIN}')"))?;
        page.expect("confirmed", 2)?;
        page.run("phone.hold()")?;
        page.expect("held", 1)?;
        page.run(&format!("phone.consult('sip:104@{DOMAIN}')"))?;
        page.expect("confirmed", 3)?;
        page.run(&format!(
            "phone.refer('sip:104@{DOMAIN}', phone.held, phone.session)"
        ))?;
        page.expect("refer trying", 2)?;
        page.expect("refer accepted", 2)?;
        page.expect("ended by local", 2)?;
        page.expect("ended by remote", 1)?;
        all_finish(&mut runs)?;
        acme.recorded(&[
            "100 101 200 caller to 102",
            "101 102 200 caller by 100",
            "100 103 200 caller to 104",
            "100 104 200 caller to 103",
            "103 104 200 callee by 100",
        ])?;
        println!("COUNT interop/wss 1");
        Ok("transferred blindly, and after asking in a second call".to_owned())
    })
}

#[test]
fn a_page_hears_and_presses_keys_and_is_transferred() -> Result<()> {
    Stage::run("browser-transferred", |stage| {
        let acme = Acme::open(stage, &[])?;
        let mut page = registered(&acme)?;
        let presses = calls_and_waits()
            .request("INFO", &key('5'))
            .hears(200, &["CSeq: 3 INFO"])
            .asked_for("INFO", &["application/dtmf-relay", "Signal= *7"])
            .answer("200 OK", &Words::none());
        let mut caller = acme.asks("101", &hangs_up(presses), "100")?.start()?;
        page.expect("session", 1)?;
        page.run("phone.answer()")?;
        page.expect("confirmed", 1)?;
        page.expect("key 5", 1)?;
        page.run("phone.press('7')")?;
        page.expect("ended by remote", 1)?;
        caller.finish(1)?;
        let refer = Words::none().header(&format!("Refer-To: <sip:103@{DOMAIN}>"));
        let transferrer = settles(picks_up()).request("REFER", &refer).hears(202, &[]);
        let transferrer = notified(transferrer, "active", "100");
        let transferrer = notified(transferrer, "active", "180");
        let mut runs = [
            acme.waits("102", &hangs_up(notified(transferrer, "terminated", "200")))?,
            acme.waits("103", &hangs_up(is_held(rings(), 2)))?,
        ];
        page.run(&format!("phone.call('sip:102@{DOMAIN}')"))?;
        page.expect("confirmed", 2)?;
        page.run("phone.press('1')")?;
        page.expect("moved", 1)?;
        // Its call is another one now, and it works.
        page.run("phone.hold()")?;
        page.expect("held", 1)?;
        page.expect("ended by remote", 2)?;
        all_finish(&mut runs)?;
        acme.recorded(&[
            "101 100 200 caller",
            "100 102 200 callee to 103",
            "100 103 200 callee by 102",
        ])?;
        println!("COUNT interop/wss 1");
        Ok("keys by INFO both ways; transferred, held by the page, ended".to_owned())
    })
}

#[test]
fn a_page_watches_a_lamp_and_exchanges_texts() -> Result<()> {
    Stage::run("browser-lamp", |stage| {
        let acme = Acme::open(stage, &[])?;
        let mut page = registered(&acme)?;
        page.run(&format!("phone.light('sip:101@{DOMAIN}')"))?;
        page.expect("lamp dark", 1)?;
        let called = acme.waits("101", &hung_up(picks_up_slowly()))?;
        let caller = hangs_up(calls_and_waits().pauses(SHOWN_MS));
        let caller = acme.asks("102", &caller, "101")?.start()?;
        for state in ["trying", "early", "confirmed"] {
            page.expect(&format!("lamp {state}"), 1)?;
        }
        page.expect("lamp dark", 2)?;
        all_finish(&mut [called, caller])?;
        page.run("phone.lamp.terminate()")?;
        page.expect("lamp dark at last", 1)?;
        page.expect("lamp ended 6 timeout", 1)?;
        let reads = acme.waits("103", &reads("100"))?;
        page.run(&format!("phone.write('sip:103@{DOMAIN}', 'text-1')"))?;
        page.expect("text answered 200", 1)?;
        all_finish(&mut [reads])?;
        acme.asks("103", &writes("text-2", 200), "100")?.run()?;
        page.expect("text text-2", 1)?;
        page.run("phone.ua.unregister()")?;
        page.expect("unregistered", 1)?;
        acme.asks("103", &writes("text-3", 202), "100")?.run()?;
        page.run("phone.ua.register()")?;
        page.expect("text text-3", 1)?;
        println!("COUNT interop/wss 1");
        Ok("a lamp from dark to dark, ended; texts both ways, one that waited for the page".to_owned())
    })
}
