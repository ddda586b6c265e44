//! Every way that a call ends without conversation, and hold with resume, seen from both phones.

use crate::{caller, calling, register, registering, registrant};
use anyhow::{Result, ensure};
use interop::server::{extensions, password};
use interop::{Server, Sipp, Stage, Tenant};

const DOMAIN: &str = "acme.test";
const WRONG: &str = "not-the-password";

fn server(stage: &Stage) -> Result<Server> {
    Server::start(
        stage,
        &[Tenant::new("acme", extensions(100, 4)).policy("ring_timeout_s=5")],
    )
}

/// One record per accepted call, with the caller's final status and who ended it.
fn recorded(server: &Server, sip: u16, ended_by: &str) -> Result<()> {
    let records = server.await_cdrs("acme", 1)?;
    let fits = records
        .iter()
        .all(|r| r["sip"] == sip && r["ended_by"] == ended_by);
    ensure!(fits, "expected {sip} by {ended_by}, found {records:?}");
    Ok(())
}

/// 100 plays `scenario` towards `callee` and expects `code` in the end.
fn call(stage: &Stage, server: &Server, scenario: &str, callee: &str, code: &str) -> Result<()> {
    let row = caller(DOMAIN, "100", &password(DOMAIN, "100"));
    calling(stage, server, scenario, callee, DOMAIN)?
        .with("final", code)
        .row(&row)
        .run()?;
    Ok(())
}

/// 100 plays `scenario` towards 101, who is registered and plays `answering`.
fn between(
    stage: &Stage,
    server: &Server,
    (scenario, code): (&str, &str),
    answering: (&str, &str),
) -> Result<()> {
    let phone = Sipp::new(stage, answering.0, server.sip)?.with("final", answering.1);
    register(stage, server, DOMAIN, "101", phone.port())?;
    let mut phone = phone.start()?;
    phone.await_bound()?;
    call(stage, server, scenario, "101", code)?;
    phone.finish(1)?;
    Ok(())
}

#[test]
fn an_unknown_extension_is_not_found() -> Result<()> {
    Stage::run("unknown-extension", |stage| {
        let server = server(stage)?;
        call(stage, &server, "uac-refused", "999", "404")?;
        Ok("404".to_owned())
    })
}

#[test]
fn a_phone_that_is_not_registered_is_unavailable() -> Result<()> {
    Stage::run("unregistered", |stage| {
        let server = server(stage)?;
        call(stage, &server, "uac-refused", "102", "480")?;
        Ok("480".to_owned())
    })
}

#[test]
fn a_wrong_password_neither_registers_nor_calls() -> Result<()> {
    Stage::run("wrong-password", |stage| {
        let server = server(stage)?;
        let port = stage.ports.one()?;
        let wrong = registrant(DOMAIN, "100", WRONG, port);
        registering(stage, &server, DOMAIN, "403")?.row(&wrong).run()?;
        let wrong = caller(DOMAIN, "100", WRONG);
        calling(stage, &server, "uac-refused", "101", DOMAIN)?
            .with("final", "403")
            .row(&wrong)
            .run()?;
        server.await_registrations("acme", 0)?;
        register(stage, &server, DOMAIN, "100", port)?;
        server.await_registrations("acme", 1)?;
        Ok("403 to REGISTER and INVITE; the right password registers".to_owned())
    })
}

#[test]
fn a_busy_phone_and_a_declining_phone_are_told_apart() -> Result<()> {
    for (code, name) in [("486", "busy"), ("603", "declined")] {
        Stage::run(name, |stage| {
            let server = server(stage)?;
            between(stage, &server, ("uac-refused", code), ("uas-refuse", code))?;
            recorded(&server, code.parse()?, "callee")?;
            Ok(format!("{code} on both legs and in the record"))
        })?;
    }
    Ok(())
}

#[test]
fn a_caller_who_gives_up_stops_the_ringing() -> Result<()> {
    Stage::run("cancel", |stage| {
        let server = server(stage)?;
        between(stage, &server, ("uac-cancel", ""), ("uas-ring", ""))?;
        recorded(&server, 487, "caller")?;
        Ok("CANCEL reached the phone, 487 both ways".to_owned())
    })
}

#[test]
fn a_phone_that_nobody_answers_is_cancelled_after_the_ring_time() -> Result<()> {
    Stage::run("no-answer", |stage| {
        let server = server(stage)?;
        between(stage, &server, ("uac-refused", "480"), ("uas-ring", ""))?;
        recorded(&server, 480, "system")?;
        Ok("480 after 5 s, the phone was cancelled".to_owned())
    })
}

#[test]
fn a_call_is_held_and_resumed() -> Result<()> {
    Stage::run("hold", |stage| {
        let server = server(stage)?;
        between(stage, &server, ("uac-hold", ""), ("uas-hold", ""))?;
        recorded(&server, 200, "caller")?;
        Ok("sendonly/recvonly and sendrecv/sendrecv crossed".to_owned())
    })
}
