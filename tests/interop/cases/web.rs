//! Browsers with their own media engine: ICE and DTLS-SRTP, each with a voice of one pitch, and an FFT that says who hears whom.

mod codecs;
mod conference;
mod held;
mod pressed;
mod quiet;
mod trouble;

use crate::baresip::{PEOPLE, packets};
use crate::browser::token;
use anyhow::{Context, Result, ensure};
use interop::baresip::Account;
use interop::browser::Browser;
use interop::cable::Cable;
use interop::server::extensions;
use interop::{Phone, Server, Stage, Tenant};
use serde_json::{Value, json};
use std::net::SocketAddr;

const DOMAIN: &str = "acme.test";
/// Pitches of the pages, away from those of baresip ([`PEOPLE`]) and their harmonics.
const HIGH: u32 = 1_500;
const LOW: u32 = 700;

fn company(stage: &Stage, policy: &str) -> Result<Server> {
    company_with(stage, &[policy])
}

fn company_with(stage: &Stage, policies: &[&str]) -> Result<Server> {
    let tenant = Tenant::new("acme", extensions(100, 6)).policies(policies);
    Server::start(stage, &[tenant])
}

/// A page with a voice that is registered over `at`. `more` is what else it starts with.
fn page_over(
    stage: &Stage,
    server: &Server,
    at: SocketAddr,
    (user, hz): (&str, u32),
    more: &[(&str, Value)],
) -> Result<Browser> {
    let mut page = Browser::named(stage, &format!("page-{user}"))?;
    let mut start = json!({
        "url": format!("wss://{at}/sip?token={}", token(server, user, 300)?),
        "uri": format!("sip:{user}@{DOMAIN}"),
        "port": 9,
        "expires": 120,
        "hz": hz,
    });
    for (name, value) in more {
        start[*name] = value.clone();
    }
    page.run(&format!("phone.start({start})"))?;
    page.expect("registered", 1)?;
    Ok(page)
}

fn page(stage: &Stage, server: &Server, user: &str, hz: u32) -> Result<Browser> {
    page_over(stage, server, server.wss, (user, hz), &[])
}

/// The baresip of the person of that number.
fn phone(stage: &Stage, server: &Server, person: usize) -> Result<Phone> {
    let (user, hz) = PEOPLE[person];
    Phone::start(stage, server, Account::new(user, DOMAIN, hz))
}

fn record(server: &Server, count: usize) -> Result<Value> {
    server.await_cdrs("acme", count)?.pop().context("no record")
}

/// Each page hears the other, and nothing but it.
fn talk(one: (&mut Browser, u32), other: (&mut Browser, u32)) -> Result<()> {
    one.0.hears(other.1)?;
    other.0.hears(one.1)
}

#[test]
fn two_pages_hear_each_other_hold_and_restart_ice() -> Result<()> {
    Stage::run("web-pages", |stage| {
        let server = company(stage, "srtp=required")?;
        let cable = Cable::lay(stage.ports.one()?, server.wss)?;
        let mut ann = page_over(stage, &server, cable.near, ("100", HIGH), &[])?;
        let mut bea = page(stage, &server, "101", LOW)?;
        ann.run(&format!("phone.callWithVideo('sip:101@{DOMAIN}')"))?;
        bea.expect("session", 1)?;
        bea.run("phone.answer()")?;
        ann.expect("confirmed", 1)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        ann.run("phone.path()")?;
        ann.run("phone.hold()")?;
        ann.expect("held", 1)?;
        bea.hears(0)?;
        ann.run("phone.resume()")?;
        ann.expect("resumed", 1)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        // The server follows a caller, and a callee, to new credentials.
        ann.run("phone.restart()")?;
        ann.expect("restarted", 1)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        bea.run("phone.restart()")?;
        bea.expect("restarted", 1)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        // Signalling breaks, audio does not.
        cable.cut();
        ann.expect("disconnected", 1)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        ann.expect("registered", 2)?;
        ann.run("phone.restart()")?;
        ann.expect("restarted", 2)?;
        talk((&mut ann, HIGH), (&mut bea, LOW))?;
        bea.run("phone.session.terminate()")?;
        ann.expect("ended by remote", 1)?;
        let record = record(&server, 1)?;
        packets(&record)?;
        let suites = [&record["caller_srtp"], &record["callee_srtp"]];
        ensure!(suites.iter().all(|suite| suite.is_string()), "{record}");
        ensure!(record["ended_by"] == "callee" && record["sip"] == 200, "{record}");
        println!("COUNT interop/webrtc 2");
        Ok(format!("{suites:?}"))
    })
}

/// A page and a baresip call each other and hear each other.
fn page_and_phone(name: &str, policy: &str, transport: &str, protection: Option<&str>) -> Result<()> {
    Stage::run(name, |stage| {
        let server = company(stage, policy)?;
        let mut ann = page(stage, &server, "100", HIGH)?;
        let (user, hz) = PEOPLE[1];
        let mut account = Account::new(user, DOMAIN, hz).over(transport);
        if let Some(kind) = protection {
            account = account.protecting(kind);
        }
        let mut bea = Phone::start(stage, &server, account)?;
        ann.run(&format!("phone.call('sip:{user}@{DOMAIN}')"))?;
        ann.expect("confirmed", 1)?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        ann.run("phone.hold()")?;
        ann.expect("held", 1)?;
        ann.run("phone.resume()")?;
        ann.expect("resumed", 1)?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        ann.run("phone.session.terminate()")?;
        bea.expect("CALL_CLOSED")?;
        bea.dial(&format!("sip:100@{DOMAIN}"))?;
        ann.expect("session", 2)?;
        ann.run("phone.answer()")?;
        bea.expect("CALL_ESTABLISHED")?;
        ann.hears(hz)?;
        bea.hear_now(HIGH)?;
        bea.hang_up()?;
        ann.expect("ended by remote", 1)?;
        let records = server.await_cdrs("acme", 2)?;
        for record in &records {
            packets(record)?;
            let (of_page, of_phone) = match record["caller"]["number"] == "100" {
                true => ("caller_srtp", "callee_srtp"),
                false => ("callee_srtp", "caller_srtp"),
            };
            ensure!(record[of_page].is_string(), "{record}");
            ensure!(record[of_phone].is_string() == protection.is_some(), "{record}");
        }
        println!("COUNT interop/webrtc 2");
        Ok(format!(
            "{} and {}",
            records[0]["caller_srtp"], records[0]["callee_srtp"]
        ))
    })
}

#[test]
fn a_page_and_a_plain_phone_hear_each_other() -> Result<()> {
    page_and_phone("web-plain", "srtp=optional", "udp", None)
}

#[test]
fn a_page_and_a_phone_with_keys_hear_each_other() -> Result<()> {
    page_and_phone("web-sdes", "srtp=required", "tls", Some("srtp-mand"))
}

#[test]
fn a_page_hears_itself() -> Result<()> {
    Stage::run("web-echo", |stage| {
        let server = company(stage, "media=direct")?;
        let mut ann = page(stage, &server, "100", HIGH)?;
        ann.run(&format!("phone.call('sip:*43@{DOMAIN}')"))?;
        ann.expect("confirmed", 1)?;
        ann.hears(HIGH)?;
        ann.run("phone.session.terminate()")?;
        let record = record(&server, 1)?;
        ensure!(
            record["path"][0] == "echo" && record["caller_srtp"].is_string(),
            "{record}"
        );
        println!("COUNT interop/webrtc 1");
        Ok(format!("{}", record["caller_srtp"]))
    })
}
